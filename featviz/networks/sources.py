"""Many images from anywhere, batch by batch, made to fit a model.

Streams (a ``tf.data.Dataset``, a ``keras.utils.PyDataset``, a generator) give images or labelled
images; labels are left. An element with one axis more than the model's input is a batch and stays
one; single images are gathered. Nothing but the batch that runs is held.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from featviz._check import whole_number
from featviz._numbers import numbers_from
from featviz.networks.fitting import CHANNELS, suits
from featviz.networks.input_specs import (
    IMAGE_AXES,
    InputSpec,
    inputs_of_model,
    parts_of_images,
)
from featviz.networks.inputs import (
    Feed,
    Fit,
    feed_from_columns,
    feeds_from_images,
    naming,
    text_of_parts,
)
from featviz.networks.words import reason_of_error

# Endings of the files that read_image reads; others in a folder are passed over.
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


def feeds_from_data(
    model: Any,
    data: Any,
    fit: Fit,
    batch_size: int,
    *,
    limit: int | None = None,
    name: str = "images",
) -> tuple[int | None, Iterator[Feed]]:
    """Return how many images there are, if that is known, and them batch by batch.

    Args:
        model: a Keras model.
        data: images as :func:`featviz.feature_maps` takes them; a folder, whose image files are
            read sorted by their path, also those in folders inside, but none whose name begins
            with a dot; a ``tf.data.Dataset``, a ``keras.utils.PyDataset``, a generator or another
            iterable of images or of batches (B, …), alone or as the first of a tuple (x, y) or
            (x, y, weights); of paths, too. Batches keep their size.
        fit: how to make them fit.
        batch_size: how many single images run at once, at least 1.
        limit: at most so many images are taken; None: all.
        name: what the argument is called that held the data, for sentences.

    Raises:
        TypeError: data of another kind.
        ValueError: a folder without images, a data set without end and no ``limit``.
        RuntimeError: from the batches, where the data itself fails.
    """
    most = None if limit is None else whole_number("limit", limit, minimum=1)
    with naming(name):
        count, feeds = _feeds_of_kind(model, data, fit, batch_size, most)
    feeds = _naming_feeds(feeds, name)
    if most is None:
        return count, feeds
    return None if count is None else min(count, most), _cut(feeds, most)


def _naming_feeds(feeds: Iterator[Feed], name: str) -> Iterator[Feed]:
    with naming(name):
        yield from feeds


def _feeds_of_kind(
    model: Any, data: Any, fit: Fit, batch_size: int, most: int | None
) -> tuple[int | None, Iterator[Feed]]:
    """Return how many images there are, if that is known, and them batch by batch."""
    if _is_folder(data):
        return _feeds_from_folder(model, data, fit, batch_size)
    if not _is_stream(data):
        return feeds_from_images(model, data, fit, batch_size)
    _check_end(data, most)
    inputs = inputs_of_model(model)
    count = _count_of_dataset(data, inputs) if isinstance(data, tf.data.Dataset) else None
    return count, _feeds_from_stream(data, inputs, fit, batch_size)


def twice(data: Any, *, limit: int | None = None) -> tuple[Any, Any]:
    """Return data so that they can be read two times and give the same images.

    A generator ends, and a data set may come in another order the next time.

    Args:
        data: as in :func:`feeds_from_data`; what one side has read is held for the other.
        limit: as there.

    Raises:
        ValueError: a data set without end and no ``limit``.
    """
    if not _is_stream(data):
        return data, data
    _check_end(data, limit)
    one, other = itertools.tee(_elements(data))
    return one, other


def _is_folder(data: Any) -> bool:
    return isinstance(data, (str, os.PathLike)) and Path(data).is_dir()


def _is_stream(data: Any) -> bool:
    """Whether data gives its images one after the other and holds none itself."""
    if isinstance(data, (tf.data.Dataset, keras.utils.PyDataset)):
        return True
    if hasattr(data, "shape") or hasattr(data, "read"):
        return False
    holds = isinstance(data, (str, bytes, bytearray, list, tuple, dict, os.PathLike))
    return isinstance(data, Iterable) and not holds


def _check_end(data: Any, limit: int | None) -> None:
    if limit is not None:
        return
    endless = False
    if isinstance(data, tf.data.Dataset):
        endless = int(data.cardinality()) == tf.data.INFINITE_CARDINALITY
    elif isinstance(data, keras.utils.PyDataset):
        endless = data.num_batches is None
    if endless:
        raise ValueError(
            "data must have an end; got a data set that repeats forever; pass limit=1000 to take "
            "so many images of it"
        )


def _count_of_dataset(data: Any, inputs: Sequence[InputSpec]) -> int | None:
    """Return the number of images where the data set tells it."""
    count = int(data.cardinality())
    parts = parts_of_images(_images_of(data.element_spec), inputs)
    first: Any = next(iter(parts.values())) if parts else None
    rank = getattr(getattr(first, "shape", None), "rank", None)
    if rank is None or count < 0:
        return None
    if not _is_batch(tuple(first.shape), inputs[0]):
        return count
    size = first.shape[0]
    return count * size if size else None


def _images_of(element: Any) -> Any:
    """Return what goes in: the first of (x,), (x, y), (x, y, weights), or all."""
    return element[0] if isinstance(element, tuple) and 1 <= len(element) <= 3 else element


def _elements(data: Any) -> Iterator[Any]:
    if isinstance(data, keras.utils.PyDataset) and data.num_batches is not None:
        yield from (data[index] for index in range(data.num_batches))
    else:
        yield from data


# What _next gives when there is no more.
_END = object()


def _next(elements: Iterator[Any], taken: int) -> Any:
    """Return the next element; where it cannot be had, say after how many images."""
    try:
        return next(elements, _END)
    except Exception as error:
        images = f"{taken:,} image{'s' * (taken != 1)}"
        raise RuntimeError(f"data failed after {images}; {reason_of_error(error)}") from error


def _feeds_from_stream(
    data: Any, inputs: Sequence[InputSpec], fit: Fit, batch_size: int
) -> Iterator[Feed]:
    """Yield batches as they come, and single images gathered."""
    specs = {spec.name: spec for spec in inputs}
    waiting: dict[str, list[Any]] = {}
    elements, taken = _elements(data), 0
    while (element := _next(elements, taken)) is not _END:
        images = _named(_images_of(element), inputs)
        first = next(iter(images.values()))
        if hasattr(first, "shape") and _is_batch(tuple(first.shape), inputs[0]):
            columns = {
                name: _whole(value, specs.get(name, inputs[0])) for name, value in images.items()
            }
            if len({len(column) for column in columns.values()}) > 1:
                sizes = {name: len(column) for name, column in columns.items()}
                raise ValueError(f"data must give as many images for every input; got {sizes}")
            count = len(columns[next(iter(columns))])
            taken += count
            if count:
                yield feed_from_columns(columns, inputs, fit, slice(None))
            continue
        taken += 1
        for name, value in images.items():
            waiting.setdefault(name, []).append(_single(value, specs.get(name, inputs[0])))
        if len(next(iter(waiting.values()))) == batch_size:
            yield feed_from_columns(waiting, inputs, fit, slice(None))
            waiting = {}
    if waiting:
        yield feed_from_columns(waiting, inputs, fit, slice(None))


def _named(images: Any, inputs: Sequence[InputSpec]) -> dict[str, Any]:
    """Return input name → what goes in there."""
    parts = parts_of_images(images, inputs)
    if parts is not None:
        return {name: _array(value) for name, value in parts.items()}
    names = ", ".join(spec.name for spec in inputs)
    if isinstance(images, dict):
        raise ValueError(f"data must give the inputs {names}; got {', '.join(map(str, images))}")
    kind, got = "a tuple or dict" if inputs[0].ordered else "a dict", text_of_parts(images)
    raise ValueError(f"data must give {kind} of {len(inputs)} inputs, {names}; got {got}")


def _array(value: Any) -> Any:
    """Return numbers as an array; paths, bytes and Pillow images stay."""
    if isinstance(value, (str, bytes, os.PathLike)) or hasattr(value, "getbands"):
        return value
    return numbers_from(value)


def _is_batch(shape: tuple[int | None, ...], spec: InputSpec) -> bool:
    """Whether an element of a stream is a batch (B, …) and no single image."""
    if spec.shape is None and spec.axes != IMAGE_AXES:
        return len(shape) > spec.axes
    if spec.shape is None:
        # (H, W, C) and, for models of vectors, (B, F): a single vector makes no data set.
        return len(shape) > IMAGE_AXES or len(shape) == 2
    if len(shape) == len(spec.shape) and spec.shape[-1] == 1:
        if suits(shape, spec.shape):
            return False
        # Neither (H, W, C) nor (B, H, W) of the right sizes: then the last axis tells.
        return suits(shape[1:], spec.shape[:-1]) or shape[-1] not in CHANNELS
    return len(shape) > len(spec.shape)


def _whole(batch: Any, spec: InputSpec) -> Any:
    """Return a batch with its axis of channels."""
    missing = spec.shape is not None and len(batch.shape) == len(spec.shape)
    return batch[..., None] if missing else batch


def _single(image: Any, spec: InputSpec) -> Any:
    if hasattr(image, "shape") and _without_channels(image.shape, spec):
        return image[..., None]
    return image


def _without_channels(shape: tuple[int | None, ...], spec: InputSpec) -> bool:
    """Whether this is an image (H, W) for a model of one channel."""
    return bool(spec.shape) and spec.shape[-1] == 1 and len(shape) == len(spec.shape) - 1  # type: ignore[arg-type,index]


def _feeds_from_folder(
    model: Any, folder: Any, fit: Fit, batch_size: int
) -> tuple[int, Iterator[Feed]]:
    inputs = inputs_of_model(model)
    if len(inputs) > 1:
        names = ", ".join(spec.name for spec in inputs)
        raise ValueError(
            f"data must give every input of the model, {names}; got a folder, which gives one"
        )
    files = image_files(folder)
    parts = (files[start : start + batch_size] for start in range(0, len(files), batch_size))
    return len(files), (_named_feed(folder, part, inputs, fit) for part in parts)


def _named_feed(folder: Any, files: list[Path], inputs: Sequence[InputSpec], fit: Fit) -> Feed:
    """Return one batch, its files named as they are found from the folder."""
    names = tuple(file.relative_to(folder).as_posix() for file in files)
    return _feed_from_files(files, inputs, fit)._replace(files=(names,))


def image_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the image files of a folder and of those inside it, sorted by path.

    What begins with a dot is passed over: thumbnails, checkpoints, resource forks. So are pipes
    and devices, which could keep a reader waiting; links to files are followed.

    Raises:
        ValueError: there is none.
    """
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if _is_image_file(Path(place, name))]
    if not found:
        endings = ", ".join(IMAGE_ENDINGS)
        raise ValueError(
            f"data must be a folder with image files ({endings}); got none in {str(folder)!r}"
        )
    return sorted(found)


def _is_image_file(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix.lower() not in IMAGE_ENDINGS:
        return False
    return path.is_file() or not path.exists()  # a link that leads nowhere is refused by name


def _feed_from_files(files: list[Path], inputs: Sequence[InputSpec], fit: Fit) -> Feed:
    """Return one batch; a file that cannot be taken is named."""
    try:
        return feed_from_columns({inputs[0].name: files}, inputs, fit, slice(None))
    except (ValueError, TypeError, OSError) as error:
        raise _naming_the_file(error, files, inputs, fit) from error


def _naming_the_file(
    error: Exception, files: list[Path], inputs: Sequence[InputSpec], fit: Fit
) -> Exception:
    """Return the error of the first file that fails by itself, with its name."""
    for file in files:
        try:
            feed_from_columns({inputs[0].name: [file]}, inputs, fit, slice(None))
        except (ValueError, TypeError, OSError) as own:
            words = str(own)
            known = repr(str(file)) in words
            return type(error)(words if known else f"{words}; the file is {str(file)!r}")
    return error


def _cut(feeds: Iterator[Feed], most: int) -> Iterator[Feed]:
    """Yield batches until there are so many images, the last one cut."""
    left = most
    for feed in feeds:
        size = len(feed.arrays[0])
        yield feed.cut(left) if size > left else feed
        left -= size
        if left <= 0:
            return
