"""Lists, tensors and arrays of any real type to float32 (H, W, C).

Pixels follow the convention that :mod:`featviz.images`, the door to this module, describes.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featviz._check import shown
from featviz.kernel_rows import number_from

Pixels = NDArray[np.float32]

_OTHER_KINDS = {"c": "complex numbers", "O": "Python objects", "S": "bytes", "U": "text"}


def numbers_from(source: Any) -> NDArray[Any]:
    """Return nested lists, a tensor, or anything that numpy can convert, as an array.

    Lists come back as signed or float numbers, so that they stay as they are when scaled.

    Returns:
        An array of any shape and type.

    Raises:
        TypeError: nothing that holds numbers.
        ValueError: lists of different lengths.

    Example:
        >>> numbers_from([[0, 1]]).tolist()
        [[0, 1]]
    """
    listed = isinstance(source, (list, tuple))
    try:
        raw = np.array(source if listed or not hasattr(source, "numpy") else source.numpy())
    except Exception as error:
        if listed:
            raise ValueError(_ragged_sentence(source)) from None
        raise TypeError(_kind_sentence(source)) from error
    if raw.ndim == 0 and not hasattr(source, "dtype"):
        raise TypeError(_kind_sentence(source))
    return raw.astype(np.float64) if listed and raw.dtype.kind == "u" else raw


def _kind_sentence(source: object) -> str:
    return f"image must be a path, bytes, a file, a Pillow image or numbers; got {shown(source)}"


def _ragged_sentence(rows: Any) -> str:
    """Return where nested lists first differ in length, counted from 1."""
    pixels = [
        (f"row {i + 1}, column {j + 1}", pixel)
        for i, row in enumerate(rows)
        for j, pixel in enumerate(row if isinstance(row, (list, tuple)) else ())
    ]
    for word, items in (
        ("rows", [(f"row {i + 1}", row) for i, row in enumerate(rows)]),
        ("pixels", pixels),
    ):
        lengths = [len(item) if hasattr(item, "__len__") else None for _, item in items]
        for (place, _), length in zip(items, lengths, strict=True):
            if length != lengths[0]:
                first, other = (
                    "a single number" if n is None else f"length {n}" for n in (lengths[0], length)
                )
                return (
                    f"image must have {word} of equal length; got {first} in {items[0][0]} "
                    f"and {other} in {place}"
                )
    return f"image must be rows of numbers of equal length; got {shown(rows)}"


def bias_numbers(bias: Any) -> Any:
    """Return a bias with numbers where texts like ``"1/3"`` stand for them.

    What is no text, and a text that is no number, comes back as it is.

    Example:
        >>> bias_numbers(["1/4", 2]), bias_numbers("-0.5"), bias_numbers("dark")
        ([0.25, 2], -0.5, 'dark')
    """
    if isinstance(bias, (list, tuple)):
        return type(bias)(bias_numbers(value) for value in bias)
    if isinstance(bias, Fraction):
        return float(bias)
    if not isinstance(bias, str):
        return bias
    try:
        return float(number_from(bias, where="bias"))
    except (ValueError, TypeError, OverflowError):
        return bias


def image_shaped(raw: NDArray[Any]) -> NDArray[Any]:
    """Return an (H, W) or (H, W, C) array of real numbers as (H, W, C), uncopied.

    Returns:
        (H, W, C) of the same type.

    Raises:
        TypeError: complex numbers, text, objects.
        ValueError: other axes, or no pixels.

    Example:
        >>> image_shaped(np.zeros((2, 3))).shape
        (2, 3, 1)
    """
    small_float = raw.dtype.kind == "V" and raw.dtype.name.startswith(("bfloat", "float"))
    if raw.dtype.kind not in "biuf" and not small_float:
        kind = _OTHER_KINDS.get(raw.dtype.kind, raw.dtype.name)
        raise TypeError(f"image must hold real numbers; got an array of {kind}")
    if raw.size == 0:
        raise ValueError(f"image must have at least one pixel; got the shape {raw.shape}")
    if raw.ndim not in (2, 3):
        cures = {1: "; one row is written [[…]]", 4: "; give one image at a time, as in images[0]"}
        raise ValueError(
            f"image must have the shape (H, W) or (H, W, C); got {raw.shape}"
            + cures.get(raw.ndim, "")
        )
    return raw[:, :, np.newaxis] if raw.ndim == 2 else raw


def scaled(raw: NDArray[Any]) -> Pixels:
    """Return float32 values under the convention of :mod:`featviz.images`.

    Float32 itself is not copied; what leaves its range becomes infinity.

    Example:
        >>> scaled(np.array([0, 255], np.uint8)).tolist()
        [0.0, 1.0]
    """
    if raw.dtype.kind == "u":
        precise = np.float32 if raw.dtype.itemsize <= 2 else np.float64
        full = precise(np.iinfo(raw.dtype).max)
        values: Pixels = np.divide(raw, full, dtype=precise).astype(np.float32, copy=False)
        return values
    with np.errstate(all="ignore"):  # what leaves the range of float32 becomes infinity
        return np.asarray(raw, dtype=np.float32)


def check_finite(values: Pixels, raw: NDArray[Any], *, cure: str = "") -> None:
    """Raise when ``values``, made of ``raw``, hold NaN or infinity.

    Args:
        values: (H, W, C) float32.
        raw: (H, W, C) of any type, for the sentence.
        cure: end of the sentence.

    Raises:
        ValueError: how many, and where the first stands.
    """
    if raw.dtype.kind in "biu":
        return
    # One pass and no array: NaN and infinity always show in the sum of squares.
    line = values.ravel()
    with np.errstate(all="ignore"):
        squares = np.dot(line, line)
    if math.isfinite(squares):
        return
    wrong = ~np.isfinite(values)  # the squares of large numbers overflow as well
    count = int(np.count_nonzero(wrong))
    if count:
        i, j, k = (int(n) for n in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
        raise ValueError(
            f"image must hold finite float32 numbers; got {count} other, the first "
            f"{float(raw[i, j, k])} at [{i}, {j}, {k}] (row, column, channel, from 0){cure}"
        )
