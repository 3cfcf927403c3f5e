"""The feature maps of any Keras model, by path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from featviz._check import real_number, size_text
from featviz.networks.inputs import Fit
from featviz.networks.joining import check_sizes, maps_from_batches
from featviz.networks.paths import counted_text
from featviz.networks.runs import Batch, Run
from featviz.networks.sources import feeds_from_data
from featviz.networks.values import Array, FeatureMaps

# What is kept may take this many bytes unless told: a quarter of a small machine.
MOST_BYTES = 4 * 2**30
BY_BATCH = "take them batch by batch with stream_feature_maps"


def feature_maps(
    model: Any,
    images: Any,
    layers: Any = None,
    *,
    resize: bool = False,
    white: float = 1.0,
    preprocess: Callable[[Any], Any] | None = None,
    finite: bool = True,
    batch_size: int = 32,
    compiled: bool | None = None,
    limit: int | None = None,
    max_bytes: int = MOST_BYTES,
) -> FeatureMaps:
    """Return what the layers of a model give for some images, by path.

    The model runs as it always does (``training=False``), whatever its kind: Sequential,
    functional, nested, subclassed, with several inputs, with shared layers. It is not changed.
    Of a layer inside ``TimeDistributed``, whose ``call`` Keras runs by itself, the entry of the
    wrapper holds what it gives for every step.

    Args:
        model: a built ``keras.Model``.
        images: one image (H, W, C), several (B, H, W, C), a path, a list of such; for a model of
            several inputs a list or a dict of them, as the model takes them, or a dict by the
            names of its inputs; a folder of image files, a ``tf.data.Dataset``, a
            ``keras.utils.PyDataset`` or a generator, whose batches stay as they are and of whose
            (x, y) the x is taken. Unsigned integers and files give 0..1 times ``white``; floats,
            lists and signed integers go in as they are.
        layers: None for all; or names, paths, shell patterns (``backbone/*conv*``), layer
            classes, functions of a layer; one or several.
        resize: whether an image of another size or of other channels is made to fit.
        white: what 1.0 of a file or of an unsigned integer becomes, above 0; 255 for models
            that take 0..255.
        preprocess: called with each batch before it goes in, such as
            ``keras.applications.vgg16.preprocess_input``; or None.
        finite: whether NaN and infinity in the images are refused.
        batch_size: how many images run at once, at least 1.
        compiled: whether batches run through a compiled graph; None: when there are many and
            it gives the very same numbers, which is tried on the first images.
        limit: at most so many images are taken; None: all. Needed where they never end.
        max_bytes: the most that the kept maps may take.

    Returns:
        :class:`FeatureMaps`: path → (B, …), the axes and dtypes of the model.

    Raises:
        ValueError: a model that was never built, images that do not fit, a data set without end
            (a generator cannot tell), no such layer, maps of more than ``max_bytes``.
        TypeError: no model, no image.
        RuntimeError: a layer failed; the layers that ran are named.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> maps = feature_maps(model, [[-1.0, 2.0]])
        >>> maps["detect"].tolist(), maps.went_in
        ([[[[0.0], [2.0]]]], ('1×1×2×1 float32, −1 to 2 (float64 as given)',))
    """
    real_number("max_bytes", max_bytes, above=0)
    fit = Fit(resize, white, preprocess, finite)
    run = Run(model, layers, batch_size=batch_size, compiled=compiled)
    count, feeds = feeds_from_data(model, images, fit, run.batch_size, limit=limit)
    return _joined(run, _gathered(run.batches(feeds, count), count, max_bytes))


def _gathered(batches: Iterator[Batch], count: int | None, most: float) -> list[Batch]:
    """Return all batches, of which there is at least one.

    Raises:
        ValueError: they take more than so many bytes, have several sizes, or there is none.
    """
    parts: list[Batch] = []
    used = seen = 0
    for batch in batches:
        used += sum(values.nbytes for values in batch.arrays.values())
        size = len(batch.feed.arrays[0])
        seen += size
        whole = used if parts or count is None else used * -(-count // size)
        if max(used, whole) > most:
            number = counted_text(count or seen, "image")
            those = f"{number} take about" if count else f"the first {number} take"
            raise ValueError(
                f"maps must take at most {most:,} bytes; those of {those} "
                f"{max(used, whole):,}; name fewer layers, raise max_bytes, or {BY_BATCH}"
            )
        if parts:
            check_sizes(parts[0].feed, batch.feed, BY_BATCH)
        parts.append(batch)
    if not parts:
        raise ValueError("images must hold at least one image; got none")
    return parts


def stream_feature_maps(
    model: Any,
    images: Any,
    layers: Any = None,
    *,
    resize: bool = False,
    white: float = 1.0,
    preprocess: Callable[[Any], Any] | None = None,
    finite: bool = True,
    batch_size: int = 32,
    compiled: bool | None = None,
    limit: int | None = None,
) -> Iterator[FeatureMaps]:
    """Yield the feature maps of many images, batch by batch, in constant memory.

    Args:
        model: as in :func:`feature_maps`.
        images: as in :func:`feature_maps`; a list of paths, a folder, a data set and a generator
            are read batch by batch.
        layers: as in :func:`feature_maps`.
        resize: as in :func:`feature_maps`.
        white: as in :func:`feature_maps`.
        preprocess: as in :func:`feature_maps`.
        finite: as in :func:`feature_maps`.
        batch_size: how many images run at once, at least 1.
        compiled: as in :func:`feature_maps`.
        limit: as in :func:`feature_maps`.

    Yields:
        :class:`FeatureMaps` of up to ``batch_size`` images each, in order. A loop holds one while
        the next is made, unless its last line is ``del maps``.

    Raises:
        ValueError: as :func:`feature_maps`.
        TypeError: as :func:`feature_maps`.
        RuntimeError: as :func:`feature_maps`.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> images = np.ones((5, 1, 2, 1), np.float32)
        >>> [len(maps["detect"]) for maps in stream_feature_maps(model, images, batch_size=2)]
        [2, 2, 1]
    """
    fit = Fit(resize, white, preprocess, finite)
    run = Run(model, layers, batch_size=batch_size, compiled=compiled)
    count, feeds = feeds_from_data(model, images, fit, run.batch_size, limit=limit)
    # map() lets go of a batch when its maps are given; a loop would hold two.
    return map(partial(_joined_batch, run), run.batches(feeds, count))


def _joined_batch(run: Run, batch: Batch) -> FeatureMaps:
    return _joined(run, [batch])


def _joined(run: Run, parts: list[Batch]) -> FeatureMaps:
    paths = dict.fromkeys(path for part in parts for path in part.arrays)
    return maps_from_batches(run, parts, {path: _joined_maps(path, parts) for path in paths})


def _joined_maps(path: str, parts: list[Batch]) -> Array:
    """Return what one layer gave for all batches.

    Raises:
        ValueError: it ran for some batches only, or gave something else than a map per image.
    """
    if len(parts) == 1:
        return parts[0].arrays[path]
    counts = [len(part.feed.arrays[0]) for part in parts]
    given = [part.arrays[path] for part in parts if path in part.arrays]
    if len(given) < len(parts):
        ran = sum(n for n, part in zip(counts, parts, strict=True) if path in part.arrays)
        got = f"{path!r} ran for {ran} of {sum(counts)} images"
    elif any(array.shape[:1] != (n,) for n, array in zip(counts, given, strict=True)):
        got = f"{path!r} gave {size_text(given[0].shape) or 'one number'} for "
        got += counted_text(counts[0], "image")
    elif len({array.shape[1:] for array in given}) > 1:
        got = f"{path!r} gave maps of several sizes"
    else:
        return np.concatenate(given)
    raise ValueError(
        f"layers must give maps of one size for every image to be joined; {got}; name other "
        f"layers, or {BY_BATCH}"
    )
