"""Compares the same layers of two models, checkpoints or sets of images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._check import one_of, shown
from featviz.networks.comparison import Comparison, LayerComparison
from featviz.networks.maps import MOST_BYTES, feature_maps
from featviz.networks.paths import names_text
from featviz.networks.sources import twice
from featviz.networks.twins import blocks_of
from featviz.networks.values import Array, FeatureMaps

Floats = npt.NDArray[np.float64]
MATCHES = ("path", "order")


def compare(
    model_a: Any,
    model_b: Any,
    images: Any,
    *,
    other_images: Any = None,
    layers: Any = None,
    match: str = "path",
    names: tuple[str, str] = ("a", "b"),
    resize: bool = False,
    white: float = 1.0,
    preprocess: Callable[[Any], Any] | None = None,
    finite: bool = True,
    batch_size: int = 32,
    compiled: bool | None = None,
    limit: int | None = None,
    max_bytes: int = MOST_BYTES,
) -> Comparison:
    """Compare the layers of two models, two checkpoints or two sets of images.

    Two models or checkpoints see the same images: ``compare(before, after, image)``. One model
    sees two sets of images: ``compare(model, None, photos, other_images=drawings)``; image i is
    compared with image i.

    Args:
        model_a: a built ``keras.Model``, the reference.
        model_b: another one, or None for the same.
        images: as for :func:`featviz.feature_maps`.
        other_images: what the second side sees, as many; None: the same images.
        layers: as in :func:`featviz.feature_maps`; None: all.
        match: ``"path"`` pairs layers of one path; ``"order"`` pairs the first with the first
            and so on, for models whose layers Keras has numbered differently.
        names: of the two sides, for texts and pictures.
        resize: as in :func:`featviz.feature_maps`.
        white: as in :func:`featviz.feature_maps`.
        preprocess: as in :func:`featviz.feature_maps`; for both sides.
        finite: as in :func:`featviz.feature_maps`.
        batch_size: as in :func:`featviz.feature_maps`.
        compiled: as in :func:`featviz.feature_maps`.
        limit: as in :func:`featviz.feature_maps`; for both sides.
        max_bytes: the most that the kept maps of each side may take.

    Returns:
        The :class:`Comparison`. Layers that only one side has, of other sizes, of complex
        numbers or without a number are named in it and not compared.

    Raises:
        ValueError: no layer in common, other numbers of images or of layers, or what
            :func:`featviz.feature_maps` refuses.
        TypeError: no model, no image.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.ReLU(name="detect")])
        >>> told = compare(model, None, [[1.0, 2.0]], other_images=[[-1.0, 4.0]]).layer("detect")
        >>> told.mean_difference, told.largest_difference, told.place, told.equal_share
        (1.5, 2.0, (0, 1), 0.0)
    """
    one_of("match", match, MATCHES)
    sides = _checked_names(names)
    if model_b is None and other_images is None:
        raise ValueError(
            "model_b must be a model, or None with other_images; got None and no other images"
        )
    options: dict[str, Any] = {
        "resize": resize, "white": white, "preprocess": preprocess, "finite": finite,
        "batch_size": batch_size, "compiled": compiled, "limit": limit, "max_bytes": max_bytes,
    }  # fmt: skip
    both = (images, other_images)
    images, seen = twice(images, limit=limit) if other_images is None else both
    a = feature_maps(model_a, images, layers, **options)
    b = feature_maps(model_a if model_b is None else model_b, seen, layers, **options)
    if len(a.images[0]) != len(b.images[0]):
        raise ValueError(
            f"other_images must be as many as images; got {len(b.images[0])} and {len(a.images[0])}"
        )
    return _compared(a, b, sides, match)


def _checked_names(names: Any) -> tuple[str, str]:
    two = isinstance(names, (tuple, list)) and len(names) == 2
    if not two or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"names must be two texts; got {shown(names)}")
    return names[0], names[1]


def _compared(a: FeatureMaps, b: FeatureMaps, names: tuple[str, str], match: str) -> Comparison:
    pairs = _pairs(a, b, match)
    layers, unlike, unseen = {}, {}, {}
    for path, other in pairs:
        one, two = a.channels_last(path), b.channels_last(other)
        if one.shape != two.shape:
            unlike[path] = (one.shape, two.shape)
        elif "c" in (one.dtype.kind, two.dtype.kind):
            unseen[path] = "gives complex numbers"
        elif not one.size:
            unseen[path] = "holds no number"
        else:
            layers[path] = _layer(path, other, one, two)
    known = {path for path, _ in pairs}, {other for _, other in pairs}
    only_a = tuple(path for path in a if path not in known[0])
    only_b = tuple(path for path in b if path not in known[1])
    return Comparison(a, b, names, layers, only_a, only_b, unlike, unseen)


def _pairs(a: FeatureMaps, b: FeatureMaps, match: str) -> list[tuple[str, str]]:
    if match == "order":
        if len(a) != len(b):
            raise ValueError(
                f"match must be 'path' for models of other numbers of layers; got 'order' for "
                f"{len(a)} and {len(b)}; or name the layers"
            )
        return list(zip(a, b, strict=True))
    pairs = [(path, path) for path in a if path in b.arrays]
    if not pairs:
        raise ValueError(
            f"layers must have a path in common; got {names_text(list(a))} and "
            f"{names_text(list(b))}; pass match='order' to pair them as they run"
        )
    return pairs


@dataclass(slots=True)
class _Sums:
    """What is added up over the blocks of a layer."""

    channels: Floats
    counts: npt.NDArray[np.int64]
    a: float = 0.0
    b: float = 0.0
    product: float = 0.0
    squares: float = 0.0
    equal: int = 0
    largest: float = -1.0
    place: int = 0


def _layer(path: str, other: str, a: Array, b: Array) -> LayerComparison:
    rows = a.reshape(-1, a.shape[-1] if a.ndim > 1 else 1)
    others = b.reshape(rows.shape)
    sums = _Sums(np.zeros(rows.shape[1]), np.zeros(rows.shape[1], np.int64))
    at = 0
    pairs = zip(blocks_of(rows, rows.shape[1]), blocks_of(others, rows.shape[1]), strict=True)
    with np.errstate(over="ignore", invalid="ignore"):
        for one, two in pairs:
            _add(sums, one.astype(np.float64), two.astype(np.float64), at)
            at += one.size
    finite = int(sums.counts.sum())
    length, other_length = math.sqrt(sums.a), math.sqrt(sums.b)
    apart = math.sqrt(sums.squares)
    both = length * other_length
    place = tuple(int(index) for index in np.unravel_index(sums.place, a.shape))
    with np.errstate(invalid="ignore"):
        channels = np.where(sums.counts > 0, sums.channels / np.maximum(sums.counts, 1), np.nan)
    return LayerComparison(
        path,
        other,
        a.shape,
        float(sums.channels.sum()) / finite if finite else math.nan,
        sums.largest if finite else math.nan,
        place if finite else None,
        _relative(apart, length) if finite else math.nan,
        _cosine(sums, both) if both else math.nan,
        sums.equal / rows.size,
        rows.size - finite,
        channels,
    )


def _cosine(sums: _Sums, both: float) -> float:
    """Return the cosine, 1 for equal maps however both lengths are rounded."""
    return 1.0 if sums.squares == 0 else max(-1.0, min(1.0, sums.product / both))


def _relative(apart: float, length: float) -> float:
    if length == 0:
        return 0.0 if apart == 0 else math.inf
    return apart / length


def _add(sums: _Sums, one: Floats, two: Floats, at: int) -> None:
    finite = np.isfinite(one) & np.isfinite(two)
    sums.equal += int(((one == two) | (np.isnan(one) & np.isnan(two))).sum())
    one, two = np.where(finite, one, 0.0), np.where(finite, two, 0.0)
    apart = np.abs(two - one)
    sums.channels += apart.sum(axis=0)
    sums.counts += finite.sum(axis=0)
    sums.squares += float(np.square(apart).sum())
    sums.a += float(np.square(one).sum())
    sums.b += float(np.square(two).sum())
    sums.product += float((one * two).sum())
    apart[~finite] = -1.0
    most = int(apart.argmax())
    if apart.flat[most] > sums.largest:
        sums.largest, sums.place = float(apart.flat[most]), at + most
