"""Batches of images made to fit an input of a model.

Pixel values follow the convention of :mod:`featviz.images`: the type decides, nothing is guessed.
Files, Pillow images and unsigned integers give 0..1, times ``white``; floats, lists and signed
integers stay as they are. What was done is told in words.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from featviz._check import real_number, shown, size_text, true_or_false
from featviz._numbers import numbers_from
from featviz.captions import value_text
from featviz.images import read_image
from featviz.networks.input_specs import InputSpec
from featviz.networks.paths import first_text
from featviz.networks.resizing import resized, with_channels
from featviz.networks.values import Array
from featviz.networks.ways import RESIZED
from featviz.networks.words import reason_of_error

# What a file or a photograph can hold along the axis of its channels.
CHANNELS = (1, 3, 4)
# Of how many sizes that do not fit in one batch a sentence tells.
MOST_SIZES = 4


@dataclass(frozen=True, slots=True)
class Fit:
    """How images are made to fit.

    Attributes:
        resize: whether another size or number of channels is changed.
        white: what 1.0 of a file or of an unsigned integer becomes.
        preprocess: called with each batch (B, …) before it goes in, or None.
        finite: whether NaN and infinity are refused.
    """

    resize: bool = False
    white: float = 1.0
    preprocess: Callable[[Any], Any] | None = None
    finite: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "white", real_number("white", self.white, above=0))
        true_or_false("resize", self.resize)
        true_or_false("finite", self.finite)
        if self.preprocess is not None and not callable(self.preprocess):
            raise TypeError(
                f"preprocess must be a function of a batch or None; got {shown(self.preprocess)}"
            )


class Fitted(NamedTuple):
    """One batch of one input, ready to go in.

    Attributes:
        array: (B, …).
        picture: the same before ``preprocess``.
        ways: how its images came about, each way once.
    """

    array: Array
    picture: Array
    ways: tuple[str, ...]


class Ends(NamedTuple):
    """The lowest and highest finite number of an array, and how many are not finite."""

    low: float
    high: float
    wrong: int


def with_channel_axis(array: Any, spec: InputSpec) -> Any:
    """Return a grey image (H, W) with an axis of channels, if a model takes one."""
    if len(array.shape) != 2 or spec.axes != 3:
        return array
    return array[None] if spec.shape and channels_first(spec.shape) else array[..., None]


def batch_from_column(column: Any, spec: InputSpec, fit: Fit) -> Fitted:
    """Return one batch of one input.

    Args:
        column: an array (B, …), or a list of sources.
        spec: the input.
        fit: how to make it fit.

    Raises:
        ValueError: another size, NaN, numbers that the input cannot hold.
        TypeError: no numbers.
    """
    if isinstance(column, list):
        parts = [_one(source, spec, fit) for source in column]
        shapes = sorted({array.shape for array, _ in parts})
        if len(shapes) > 1:
            sizes = first_text(list(map(size_text, shapes)), MOST_SIZES)
            raise ValueError(f"images must have one size in a batch; got {sizes}; {_ONE_SIZE}")
        batch = np.stack([array for array, _ in parts])
        each = [notes for _, notes in parts]
    else:
        batch, notes = _numbers(np.asarray(column), spec, fit)
        batch, more = _fitted(batch, spec, fit)
        each = [notes + more]
    if fit.finite:
        _check_finite(batch, spec.name)
    batch = picture = np.ascontiguousarray(batch)
    if fit.preprocess is not None:
        picture = batch.copy()  # it is kept, and the caller may write into his own
        batch = np.ascontiguousarray(_preprocessed(batch, spec, fit))
        through = f"through {getattr(fit.preprocess, '__name__', 'preprocess')}"
        each = [[*notes, through] for notes in each]
    return Fitted(batch, picture, tuple(dict.fromkeys(map(", ".join, each))))


def _made(batch: Array, preprocess: Callable[[Any], Any]) -> Any:
    """Return what the caller's function makes of a copy of a batch."""
    try:
        return preprocess(batch.copy())
    except Exception as error:  # bare, it would look like a fault of this package
        name = getattr(preprocess, "__name__", "preprocess")
        raise ValueError(
            f"preprocess must take a batch of images; got {name}, which fails for "
            f"{size_text(batch.shape)} {batch.dtype} ({type(error).__name__}: "
            f"{reason_of_error(error)})"
        ) from error


def _preprocessed(batch: Array, spec: InputSpec, fit: Fit) -> Array:
    """Return what the caller's function makes of a batch, checked."""
    made = _made(batch, fit.preprocess) if fit.preprocess else batch
    given = made if isinstance(made, np.ndarray) else numbers_from(made)
    real = given.dtype.kind in "biuf" or _is_small_float(given.dtype)
    if not real or given.shape[:1] != batch.shape[:1]:
        got = f"an array of {given.dtype}" if not real else size_text(given.shape) or "one number"
        raise ValueError(
            f"preprocess must give one image of real numbers for each of {len(batch)}; got {got}"
        )
    given = _cast(given, _dtype(spec), spec)  # as the model would, without a word
    if fit.finite:
        _check_finite(given, spec.name)
    return given


# What stands behind it works where the data is read batch by batch, so ``naming`` changes it.
ONE_BY_ONE = "give them one by one"
_ONE_SIZE = f"bring them to one, or {ONE_BY_ONE}"


def ends_of(array: Array) -> Ends:
    """Return the range of the finite numbers of an array, and how many are not."""
    if not array.size:
        return Ends(0.0, 0.0, 0)
    with np.errstate(invalid="ignore"):
        low, high = float(array.min()), float(array.max())
    if array.dtype.kind in "biu" or (np.isfinite(low) and np.isfinite(high)):
        return Ends(low, high, 0)
    finite = array[np.isfinite(array)]
    if not finite.size:
        return Ends(0.0, 0.0, array.size)
    return Ends(float(finite.min()), float(finite.max()), array.size - finite.size)


def _check_finite(batch: Array, name: str) -> None:
    """Raise where a number is not finite, or became so in the model's dtype."""
    if batch.dtype.kind in "biu":
        return
    if batch.dtype == np.float32:
        line = batch.reshape(-1)
        with np.errstate(all="ignore"):
            if math.isfinite(np.dot(line, line)):
                return
    wrong = ~np.isfinite(batch)
    if wrong.any():
        first = [int(axis[0]) for axis in np.nonzero(wrong)]
        raise ValueError(
            f"images must hold finite {batch.dtype} numbers; got {int(wrong.sum())} NaN or "
            f"infinite for the input {name!r}, the first at {first} of its batch; "
            "pass finite=False to keep them"
        )


def _one(source: Any, spec: InputSpec, fit: Fit) -> tuple[Array, list[str]]:
    """Return one image without a batch axis, and how it came about."""
    listed = isinstance(source, (list, tuple))
    if listed or hasattr(source, "shape"):
        values = numbers_from(source) if listed else np.asarray(source)
        batch, notes = _numbers(with_channel_axis(values, spec)[None], spec, fit)
    else:
        batch, notes = _picture(source, spec, fit)
    batch, more = _fitted(batch, spec, fit)
    return batch[0], notes + more


def _picture(source: Any, spec: InputSpec, fit: Fit) -> tuple[Array, list[str]]:
    """Return a file or a Pillow image as (1, H, W, C), and how it came about."""
    batch = read_image(source, finite=fit.finite)[None] * np.float32(fit.white)
    notes = [f"a picture, white is {value_text(fit.white)}{_scaled_twice(spec, fit)}"]
    wanted = _dtype(spec)
    if wanted.kind in "iu":
        if fit.white == 1:
            raise ValueError(
                f"white must be above 1 for a picture in the input {spec.name!r} of {wanted}; "
                "got 1; pass white=255"
            )
        batch = np.rint(batch)
    if spec.shape and channels_first(spec.shape):
        batch = np.moveaxis(batch, -1, 1)
        notes.append("channels moved to the front")
    return batch.astype(wanted, copy=False), notes


def _scaled_twice(spec: InputSpec, fit: Fit) -> str:
    """Warn where the model scales once more what goes in as 0..1."""
    if not spec.rescaled or fit.white != 1 or fit.preprocess is not None:
        return ""
    words = f"though the layer {spec.rescaled!r} scales from 0..255: pass white=255"
    warnings.warn(f"images went in as 0..1, {words}", stacklevel=2)
    return f", {words}"


def _dtype(spec: InputSpec) -> np.dtype[Any]:
    if spec.dtype == "string":
        raise TypeError(f"model must take numbers; got the input {spec.name!r} of text")
    return np.dtype("float32" if spec.dtype == "bfloat16" else spec.dtype)


def channels_first(shape: tuple[int | None, ...]) -> bool:
    """Return whether three sizes tell of channels on the first axis."""
    return len(shape) == 3 and shape[0] in CHANNELS and shape[-1] not in CHANNELS


def _numbers(values: Array, spec: InputSpec, fit: Fit) -> tuple[Array, list[str]]:
    """Return numbers in the model's dtype, by the convention of pixel values."""
    wanted, kind = _dtype(spec), values.dtype.kind
    tokens = spec.tokens and values.ndim <= 2
    if kind not in "biuf" and not _is_small_float(values.dtype):
        raise TypeError(f"images must be real numbers; got an array of {values.dtype}")
    if kind == "u" and wanted.kind == "f" and not tokens:
        full = np.float32(np.iinfo(values.dtype).max)
        scaled = values.astype(np.float32) / full * np.float32(fit.white)
        words = f"{values.dtype}, white is {value_text(fit.white)}{_scaled_twice(spec, fit)}"
        return scaled.astype(wanted), [words]
    unused = "" if fit.white == 1 else f", not times the white of {value_text(fit.white)}"
    cast = _cast(values, wanted, spec)
    return cast, [f"{_dtype_text(values.dtype)} as given{unused}"]


# NumPy spells a dtype out at length, each time anew.
_dtype_text = functools.lru_cache(str)


def _cast(values: Array, wanted: np.dtype[Any], spec: InputSpec) -> Array:
    """Return numbers in a dtype, which must hold them."""
    if values.dtype == wanted:
        return values
    with np.errstate(over="ignore", invalid="ignore"):  # infinity is refused by its name
        cast = values.astype(wanted)
    if wanted.kind in "iub" and not (cast == values).all():
        limits = (0, 1) if wanted.kind == "b" else (np.iinfo(wanted).min, np.iinfo(wanted).max)
        raise ValueError(
            f"images must be whole numbers from {limits[0]} to {limits[1]} for the input "
            f"{spec.name!r} of {wanted}; got {values[cast != values][0]}"
        )
    return cast


def _is_small_float(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "V" and dtype.name.startswith(("bfloat", "float"))


def _fitted(batch: Array, spec: InputSpec, fit: Fit) -> tuple[Array, list[str]]:
    """Return the batch in the size that the model takes, and what was done for it."""
    shape = spec.shape
    if shape is None or suits(batch.shape[1:], shape):
        return batch, []
    rule = f"image must be {size_text(shape)} for the input {spec.name!r}"
    sentence = f"{rule}; got {size_text(batch.shape[1:])}"
    if len(shape) != 3 or batch.ndim != 4:
        raise ValueError(f"{sentence}; give an array of that shape")
    axis = 1 if channels_first(shape) else 3
    if axis == 1 and batch.shape[3] == shape[0] and batch.shape[1] != shape[0]:
        raise ValueError(f"{sentence}; channels stand first: np.moveaxis(image, -1, 0)")
    last = np.moveaxis(batch, axis, -1)
    height, width, channels = (*shape[1:], shape[0]) if axis == 1 else shape
    sizes = (height or last.shape[1], width or last.shape[2])
    if not fit.resize:
        what = "it" if sizes != last.shape[1:3] else "its channels"
        raise ValueError(f"{sentence}; pass resize=True to change {what}")
    notes = []
    if channels not in (None, last.shape[-1]):
        left_out = ", alpha left out" if last.shape[-1] == 4 else ""
        count = last.shape[-1]
        notes.append(f"{count} channel{'s' * (count > 1)} made {channels}{left_out}")
        last = with_channels(last, channels, sentence)
    if sizes != last.shape[1:3]:
        notes.append(f"{RESIZED}{size_text(last.shape[1:3])}")
        last = resized(last, sizes)
    return np.moveaxis(last, -1, axis), notes


def suits(sizes: tuple[int | None, ...], shape: tuple[int | None, ...]) -> bool:
    """Return whether sizes are those that are known of a shape; None suits all."""
    return len(sizes) == len(shape) and all(
        size is None or known in (None, size) for known, size in zip(shape, sizes, strict=True)
    )
