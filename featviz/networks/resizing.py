"""Images in another size or with other channels, whole numbers rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from featviz.images import LUMA
from featviz.networks.values import Array

# Up to here float64 holds every whole number.
MOST_WHOLE = 2**53


def resized(batch: Array, sizes: tuple[int, int]) -> Array:
    """Return images in another size, their dtype kept.

    Args:
        batch: (B, H, W, C).
        sizes: rows and columns.

    Raises:
        ValueError: whole numbers that float64 does not hold.
    """
    # TensorFlow resizes in float32 whatever it gets, which does not hold these.
    if batch.dtype.kind in "iu" and np.result_type(batch.dtype, np.float32) == np.float64:
        _check_whole(batch, "to be resized")
        return _as_kind(_resized_in_double(batch, sizes), batch.dtype)
    numbers = batch.astype(np.float32) if batch.dtype.kind == "b" else batch
    values = tf.image.resize(numbers, sizes, antialias=True).numpy()
    return _as_kind(values, batch.dtype)


def _resized_in_double(batch: Array, sizes: tuple[int, int]) -> Array:
    """Return images of finite numbers as tf.image.resize does, but in float64."""
    whole = batch.astype(np.float64)
    # The shares of a new cell sum to 1 but for a last digit, which counts in large numbers.
    lowest = whole.min(axis=(1, 2), keepdims=True)
    values = whole - lowest
    for axis, size in enumerate(sizes, 1):
        rows = np.moveaxis(values, axis, 0)
        values = np.moveaxis(np.tensordot(_shares(len(rows), size), rows, 1), 0, axis)
    resized_whole: Array = values + lowest
    return resized_whole


def _shares(before: int, after: int) -> Array:
    """Return how much of each old row goes into each new one, (after, before).

    Source:
        Linear interpolation between the centres of cells, over as many as one new cell covers:
        https://www.tensorflow.org/api_docs/python/tf/image/resize, bilinear, antialias.
    """
    centres = (np.arange(after)[:, None] + 0.5) * before / after
    apart = np.abs(np.arange(before) + 0.5 - centres) / max(1.0, before / after)
    shares = np.maximum(0.0, 1.0 - apart)
    whole: Array = shares / shares.sum(axis=1, keepdims=True)
    return whole


def _check_whole(batch: Array, purpose: str) -> None:
    """Raise where a whole number would lose digits in float64.

    Args:
        batch: of whole numbers.
        purpose: what the numbers are needed for.
    """
    if np.iinfo(batch.dtype).max <= MOST_WHOLE or not batch.size:
        return
    furthest = max(int(batch.max()), int(batch.min()), key=abs)  # of Python: -2**63 has an abs
    if abs(furthest) > MOST_WHOLE:
        raise ValueError(
            f"images must hold whole numbers of at most 2**53 in magnitude {purpose}; got "
            f"{furthest}"
        )


def _as_kind(values: Array, dtype: np.dtype[Any]) -> Array:
    """Return values in a dtype, rounded where it holds whole numbers alone."""
    return (np.rint(values) if dtype.kind in "iub" else values).astype(dtype)


def with_channels(batch: Array, channels: int | None, sentence: str) -> Array:
    """Return grey as RGB or RGB as grey; other numbers of channels have no meaning.

    Args:
        batch: (B, H, W, C).
        channels: how many there shall be.
        sentence: how an error begins.

    Raises:
        ValueError: neither of the two, or whole numbers that float64 does not hold, to be grey.
    """
    if batch.shape[-1] == 1 and channels == 3:
        return np.repeat(batch, 3, axis=-1)
    if batch.shape[-1] == 3 and channels == 1:
        if batch.dtype.kind in "iu":
            _check_whole(batch, "to be made grey")
            return _grey_of_whole(batch)
        grey: Array = batch.astype(np.float64) @ np.array(LUMA)[:, None]
        return _as_kind(grey, batch.dtype)
    if batch.shape[-1] == 4 and channels == 3:
        return batch[..., :3]
    raise ValueError(f"{sentence}; only 1 and 3 channels can be made of one another")


def _grey_of_whole(batch: Array) -> Array:
    """Return RGB as grey, (B, H, W, 1), in whole numbers; halves are rounded to even."""
    # The parts are thousandths, and 1000 times what may come here is less than 2**63.
    parts = np.rint(np.array(LUMA) * 1000).astype(np.int64)[:, None]
    whole, rest = np.divmod(batch.astype(np.int64) @ parts, 1000)
    grey: Array = whole + ((rest > 500) | ((rest == 500) & (whole % 2 == 1)))
    return grey.astype(batch.dtype)
