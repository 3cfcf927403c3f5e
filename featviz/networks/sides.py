"""Two runs side by side: pieces of as many images, and the first maps kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from featviz._check import size_text
from featviz.networks.inputs import Fit, naming
from featviz.networks.joining import check_sizes, maps_from_batches
from featviz.networks.paths import counted_text
from featviz.networks.runs import Batch, Run
from featviz.networks.sources import feeds_from_data
from featviz.networks.values import Array, FeatureMaps


class Side:
    """One model over its images, in pieces of as many images as are asked for.

    Args:
        run: the model.
        data: its images.
        fit: how to make them fit.
        limit: at most so many.
        name: of the argument that held the images.

    Attributes:
        run: the same.
        name: the same.
        count: how many images there are, None if that is not known.
        uncut: path → why its maps could not be taken of some images of a batch.
    """

    def __init__(self, run: Run, data: Any, fit: Fit, limit: int | None, name: str) -> None:
        self.run, self.name = run, name
        self.count, self._feeds = feeds_from_data(
            run.model, data, fit, run.batch_size, limit=limit, name=name
        )
        self._batches = run.batches(self._feeds, self.count)
        self.uncut: dict[str, str] = {}
        self._batch: Batch | None = None
        self._at = 0

    def ready(self) -> int:
        """Return how many images of a batch have run and wait; 0 at the end."""
        if self._batch is None:
            self._batch, self._at = next(self._batches, None), 0
        return 0 if self._batch is None else count_of(self._batch) - self._at

    def piece(self, count: int) -> Batch:
        """Return the next images, as many as are ready or fewer."""
        batch: Any = self._batch
        start, self._at = self._at, self._at + count
        if self._at == count_of(batch):
            self._batch = None
        if count < count_of(batch):
            self.uncut.update(_uncut(batch))
        return batch if count == count_of(batch) else _part(batch, slice(start, start + count))

    def rest(self) -> int:
        """Return how many images are left; they are not run."""
        left = 0 if self._batch is None else self.ready()
        return left + sum(len(feed.arrays[0]) for feed in self._feeds)


def count_of(batch: Batch) -> int:
    """Return of how many images a batch is."""
    return len(batch.feed.arrays[0])


def _uncut(batch: Batch) -> dict[str, str]:
    """Return path → why it is not known which of its maps are of which image."""
    size = count_of(batch)
    images = counted_text(size, "image")
    return {
        path: f"gives {size_text(values.shape)} for {images}, which cannot be cut where the batch "
        "of the other side ends"
        for path, values in batch.arrays.items()
        if values.ndim and len(values) not in (0, size)
    }


def _part(batch: Batch, part: slice) -> Batch:
    """Return some images of a batch, as copies, and nothing of what cannot be cut."""
    size, feed = count_of(batch), batch.feed
    images, pictures = (
        tuple(one[part].copy() for one in every) for every in (feed.arrays, feed.pictures)
    )
    arrays = {
        path: (values[part if len(values) == size else slice(0)] if values.ndim else values).copy()
        for path, values in batch.arrays.items()
    }
    files = tuple(names[part] for names in feed.files)
    return Batch(arrays, feed._replace(arrays=images, pictures=pictures, files=files))


class Kept:
    """The maps of the first images, as many as the bytes allow.

    Args:
        most: bytes for each side.
        names: of the arguments that held the images.

    Attributes:
        parts: of each side, batch by batch.
    """

    def __init__(self, most: float, names: tuple[str, str]) -> None:
        self.parts: tuple[list[Batch], list[Batch]] = ([], [])
        self._names = names
        self._most, self._used, self._full = most, 0.0, False

    def add(self, one: Batch, two: Batch) -> None:
        """Keep what there is room for, at least the first image."""
        for name, parts, batch in zip(self._names, self.parts, (one, two), strict=True):
            if parts:
                with naming(name):
                    check_sizes(parts[0].feed, batch.feed, "bring them to one")
        if self._full:
            return
        size = count_of(one)
        each = max(_bytes_of(one), _bytes_of(two))
        room = int((self._most - self._used) * size // max(each, 1))
        take = min(size, max(room, 0 if self._used else 1))
        self._full, self._used = take < size, self._used + each
        for parts, batch in zip(self.parts, (one, two), strict=True):
            if take:
                parts.append(batch if take == size else _part(batch, slice(take)))


def _bytes_of(batch: Batch) -> int:
    arrays = (*batch.arrays.values(), *batch.feed.arrays, *batch.feed.pictures)
    return sum(values.nbytes for values in arrays)


def maps_of(run: Run, parts: list[Batch]) -> FeatureMaps:
    """Return batches as one value, without layers whose maps cannot be joined.

    Args:
        run: the model that gave them.
        parts: at least one.
    """
    return maps_from_batches(run, parts, dict(_joined_maps(parts)))


def _joined_maps(parts: list[Batch]) -> Iterator[tuple[str, Array]]:
    """Yield path and maps of layers that gave the like in every batch."""
    for path, first in parts[0].arrays.items():
        every = [part.arrays[path] for part in parts if path in part.arrays]
        like = len(every) == len(parts) and len({one.shape[1:] for one in every}) == 1
        if len(parts) == 1 and not first.ndim:
            yield path, first
        elif like and all(one.ndim and len(one) for one in every):
            yield path, first if len(parts) == 1 else np.concatenate(every)
