"""Images in another size or with other channels, whole numbers rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from featviz.images import LUMA
from featviz.networks.values import Array


def resized(batch: Array, sizes: tuple[int, int]) -> Array:
    """Return images in another size, their dtype kept.

    Args:
        batch: (B, H, W, C).
        sizes: rows and columns.
    """
    # TensorFlow resizes in float32 whatever it gets, which does not hold these.
    if batch.dtype.kind in "iu" and np.result_type(batch.dtype, np.float32) == np.float64:
        return _as_kind(_resized_in_double(batch, sizes), batch.dtype)
    numbers = batch.astype(np.float32) if batch.dtype.kind == "b" else batch
    values = tf.image.resize(numbers, sizes, antialias=True).numpy()
    return _as_kind(values, batch.dtype)


def _resized_in_double(batch: Array, sizes: tuple[int, int]) -> Array:
    """Return images of finite numbers as tf.image.resize does, but in float64."""
    values = batch.astype(np.float64)
    for axis, size in enumerate(sizes, 1):
        rows = np.moveaxis(values, axis, 0)
        values = np.moveaxis(np.tensordot(_shares(len(rows), size), rows, 1), 0, axis)
    return values


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
        ValueError: neither of the two.
    """
    if batch.shape[-1] == 1 and channels == 3:
        return np.repeat(batch, 3, axis=-1)
    if batch.shape[-1] == 3 and channels == 1:
        grey: Array = batch.astype(np.float64) @ np.array(LUMA)[:, None]
        return _as_kind(grey, batch.dtype)
    if batch.shape[-1] == 4 and channels == 3:
        return batch[..., :3]
    raise ValueError(f"{sentence}; only 1 and 3 channels can be made of one another")
