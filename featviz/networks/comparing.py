"""Compares the same layers of two models, checkpoints or sets of images."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from featviz._check import one_of, real_number, shown
from featviz.networks.comparison import Comparison
from featviz.networks.differences import RunningDifference
from featviz.networks.inputs import Fit, naming
from featviz.networks.inputs_seen import InputsSeen
from featviz.networks.paths import counted_text, names_text
from featviz.networks.runs import Batch, Run, check_model
from featviz.networks.selection import choice_from_layers
from featviz.networks.sides import Kept, Side, count_of, maps_of
from featviz.networks.sources import twice
from featviz.networks.values import Array

MATCHES = ("path", "order")
# The maps of the first images are kept, to be drawn, up to so many bytes for each side.
KEPT_BYTES = 2**29


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
    max_bytes: int = KEPT_BYTES,
) -> Comparison:
    """Compare the layers of two models, two checkpoints or two sets of images.

    Two models or checkpoints see the same images: ``compare(before, after, image)``. One model
    sees two sets of images: ``compare(model, None, photos, other_images=drawings)``; image i is
    compared with image i. Both sides run batch by batch: the numbers are those of all images, in
    memory that does not grow with them; maps are kept of the first images only.

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
        max_bytes: the most that the kept maps of each side may take; those of the first image
            are always kept.

    Returns:
        The :class:`Comparison`; its ``kept`` says of how many images it holds maps. Layers that
        only one side has, of other sizes, of complex numbers or without a number are named in
        it and not compared.

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
    most = real_number("max_bytes", max_bytes, above=0)
    if model_b is None and other_images is None:
        raise ValueError(
            "model_b must be a model, or None with other_images; got None and no other images"
        )
    _check_models(model_a, model_b)
    fit = Fit(resize, white, preprocess, finite)
    wanted = choice_from_layers(layers)  # a generator would not last for both
    runs = [
        Run(model, wanted, batch_size=batch_size, compiled=compiled)
        for model in (model_a, model_a if model_b is None else model_b)
    ]
    a, b = _sides(runs, (images, other_images), fit, limit)
    gathered, kept = _gathered(a, b, match, most)
    return gathered.result(kept, sides)


def _sides(
    runs: list[Run], given: tuple[Any, Any], fit: Fit, limit: int | None
) -> tuple[Side, Side]:
    """Return both sides, the second on the images of the first where it has none."""
    images, other = given
    with naming("images"):
        both = twice(images, limit=limit) if other is None else given
    names = "images", "images" if other is None else "other_images"
    a, b = (
        Side(run, data, fit, limit, name) for run, data, name in zip(runs, both, names, strict=True)
    )
    if None not in (a.count, b.count):
        _check_counts(a.count, b.count)
    return a, b


def _check_models(a: Any, b: Any) -> None:
    """Raise, with the name of the argument, where a side is no built model."""
    for argument, model in (("model_a", a), ("model_b", a if b is None else b)):
        try:
            check_model(model)
        except (TypeError, ValueError) as error:
            raise type(error)(re.sub("^model(?= must )", argument, str(error))) from None


def _gathered(a: Side, b: Side, match: str, most: float) -> tuple[_Gathered, Kept]:
    """Run both sides, piece by piece of as many images."""
    gathered = _Gathered(a, b, match)
    kept = Kept(most, (a.name, b.name))
    while count := min(a.ready(), b.ready()):
        pair = a.piece(count), b.piece(count)
        gathered.add(*pair)
        kept.add(*pair)
        del pair  # or its maps would live as long as the next batch runs
    _check_counts(gathered.images + a.rest(), gathered.images + b.rest())
    if not gathered.images:
        raise ValueError("images must hold at least one image; got none")
    return gathered, kept


def _check_counts(images: int | None, others: int | None) -> None:
    if images != others:
        raise ValueError(f"other_images must be as many as images; got {others} and {images}")


def _checked_names(names: Any) -> tuple[str, str]:
    two = isinstance(names, (tuple, list)) and len(names) == 2
    if not two or not all(isinstance(name, str) and name for name in names):
        raise TypeError(f"names must be two texts; got {shown(names)}")
    return names[0], names[1]


class _Gathered:
    """The running numbers of all pairs of layers.

    Args:
        a: the first side.
        b: the second side.
        match: how layers are paired.

    Attributes:
        images: how many images were taken.
    """

    def __init__(self, a: Side, b: Side, match: str) -> None:
        self.images = 0
        self._runs, self._match = (a.run, b.run), match
        self._uncut = a.uncut, b.uncut
        self._inputs = InputsSeen(), InputsSeen()
        self._paths: tuple[dict[str, None], dict[str, None]] = ({}, {})
        self._pairs: dict[str, str] = {}
        self._running: dict[str, RunningDifference] = {}
        self._unlike: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self._unseen: dict[str, str] = {}

    def add(self, one: Batch, two: Batch) -> None:
        """Take the numbers of as many images of both sides."""
        count = count_of(one)
        for known, seen, batch in zip(self._paths, self._inputs, (one, two), strict=True):
            known.update(dict.fromkeys(batch.arrays))
            seen.add(batch.feed)
        pairs = _pairs(list(one.arrays), list(two.arrays), self._match)
        self._pairs.update(pairs)
        for path, other in pairs:
            if path not in self._unseen and path not in self._unlike:
                self._add_layer(path, other, (one.arrays[path], two.arrays[other]), count)
        self.images += count

    def _add_layer(self, path: str, other: str, maps: tuple[Array, Array], count: int) -> None:
        if path not in self._runs[0].layers or other not in self._runs[1].layers:
            self._unseen[path] = f"ran for image {self.images} (from 0) first"
            return
        uncut = self._uncut[0].get(path) or self._uncut[1].get(other)
        if uncut:
            self._unseen[path] = uncut
            return
        if 0 in (maps[0].ndim, maps[1].ndim):
            self._unseen[path] = "gives one number for the whole batch"
            return
        one, two = (
            np.moveaxis(values, run.layers[name].channel_axis, -1)
            for values, run, name in zip(maps, self._runs, (path, other), strict=True)
        )
        running = self._running.get(path)
        if one.shape[1:] == two.shape[1:] and len(one) != len(two):
            images = counted_text(count, "image")
            self._unseen[path] = f"gives {len(one)} and {len(two)} maps for {images}"
        elif one.shape != two.shape:
            self._unlike[path] = (one.shape[1:], two.shape[1:])
        elif "c" in (one.dtype.kind, two.dtype.kind):
            self._unseen[path] = "gives complex numbers"
        elif not one.size:
            self._unseen[path] = "holds no number"
        elif running is not None and running.sizes != one.shape[1:]:
            self._unseen[path] = "gives maps of several sizes"
        else:
            running = running or RunningDifference(path, other, one.shape[1:])
            self._running[path] = running
            running.add(one, two, count)

    def result(self, kept: Kept, names: tuple[str, str]) -> Comparison:
        """Return the value."""
        for path, running in self._running.items():
            if running.images < self.images and path not in self._unlike:
                self._unseen.setdefault(path, "gave no maps for some of the images")
        paired = {*self._pairs, *self._pairs.values()}
        for path in self._paths[0]:
            if path in self._paths[1] and path not in paired:
                self._unseen.setdefault(path, "ran for other images on each side")
        left_out = {*self._unseen, *self._unlike}
        layers = {p: one.result() for p, one in self._running.items() if p not in left_out}
        named = paired | set(self._unseen)
        only_a, only_b = (
            tuple(path for path in known if path not in named) for known in self._paths
        )
        unlike = {
            path: ((self.images, *one), (self.images, *two))
            for path, (one, two) in self._unlike.items()
        }
        a, b = (maps_of(run, parts) for run, parts in zip(self._runs, kept.parts, strict=True))
        went_in = self._inputs[0].lines(), self._inputs[1].lines()
        return Comparison(
            a, b, names, layers, self.images, went_in, only_a, only_b, unlike, self._unseen
        )


def _pairs(a: list[str], b: list[str], match: str) -> list[tuple[str, str]]:
    if match == "order":
        if len(a) != len(b):
            raise ValueError(
                f"match must be 'path' for models of other numbers of layers; got 'order' for "
                f"{len(a)} and {len(b)}; or name the layers"
            )
        return list(zip(a, b, strict=True))
    known = set(b)
    pairs = [(path, path) for path in a if path in known]
    if not pairs:
        raise ValueError(
            f"layers must have a path in common; got {names_text(a)} and "
            f"{names_text(b)}; pass match='order' to pair them as they run"
        )
    return pairs
