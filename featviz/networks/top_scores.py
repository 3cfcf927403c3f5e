"""Which images of a set excite each channel of a layer most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._check import one_of, size_text, whole_number
from featviz.map_choice import checked_or_one, floats_from
from featviz.networks.inputs import Fit
from featviz.networks.inputs_seen import InputsSeen
from featviz.networks.paths import (
    PathError,
    base_of,
    check_path,
    counted_text,
    found_path,
    names_text,
)
from featviz.networks.runs import Batch, Run
from featviz.networks.sources import feeds_from_data
from featviz.networks.top_pictures import Thumbnails
from featviz.networks.top_values import TopImages, Whole
from featviz.networks.values import Array
from featviz.stats import hide_lowest_floats

MEASURES = ("max", "mean")


def top_images(
    model: Any,
    data: Any,
    path: str,
    *,
    count: int = 4,
    channels: Any = None,
    by: str = "max",
    batch_size: int = 32,
    limit: int | None = None,
    resize: bool = False,
    white: float = 1.0,
    preprocess: Callable[[Any], Any] | None = None,
    finite: bool = True,
    compiled: bool | None = None,
    input_number: int | None = None,
) -> TopImages:
    """Return the images that give each channel of a layer its largest values.

    The set is read batch by batch; only the best of each channel are kept. Of equal images the
    first wins; ``marks`` of the result tells where a channel is dead or many images are equal,
    ``ranked`` where its images are the best at all. Cells that are NaN, infinite or the lowest
    float, which a max-pool gives for NaN, take no part, and the images that have such cells are
    counted; one that has no others never wins. Values keep the layer's own dtype.

    Args:
        model: a built ``keras.Model``.
        data: as in :func:`featviz.diagnose`: images, a folder, a data set or a generator.
        path: of the layer, which must give one map of one size for each image.
        count: how many images for each channel, at least 1.
        channels: channel numbers from 0, or the number of one; None for all.
        by: ``"max"``, the largest cell of a map, or ``"mean"``, the mean of its cells.
        batch_size: how many single images run at once, at least 1.
        limit: at most so many images are looked at; None: all. Needed where data never ends.
        resize: as in :func:`featviz.feature_maps`.
        white: as in :func:`featviz.feature_maps`.
        preprocess: as in :func:`featviz.feature_maps`.
        finite: whether NaN and infinity in the images are refused.
        compiled: as in :func:`featviz.feature_maps`.
        input_number: the input that the layer sees, from 0, whose pictures are kept; None: the
            first one that it may see and that is an image, or a sequence where none is.

    Returns:
        :class:`TopImages`; of image files it has the names.

    Raises:
        PathError: no such layer, or several; the nearest and the list are named.
        ValueError: no such channel, a layer that does not give one map of one size for each
            image, no such input or one that the layer does not see, a wrong value, images that
            do not fit, a data set without end (a generator cannot tell).
        TypeError: no model, a path that is no text, or data of another kind.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> images = np.array([[[[1], [0]]], [[[0], [3]]]], np.float32)
        >>> best = top_images(model, images, "detect", count=1)
        >>> best.indices.tolist(), best.scores.tolist(), best.positions.tolist()
        ([[1]], [[3.0]], [[[0, 1]]])
    """
    if not check_path(path):
        raise PathError("path must be the path of a layer; got an empty text")
    one_of("by", by, MEASURES)
    whole_number("count", count, minimum=1)
    if input_number is not None:
        whole_number("input_number", input_number, minimum=0)
    best: _Best | None = None
    fit = Fit(resize, white, preprocess, finite)
    run = Run(model, path, batch_size=batch_size, compiled=compiled)
    total, feeds = feeds_from_data(model, data, fit, run.batch_size, limit=limit, name="data")
    wanted = _Wanted(path, count, by, channels, input_number)
    with _about_path():
        for batch in run.batches(feeds, total):
            if best is None:
                best = _Best(run, batch, wanted)
            best.take(batch)
            del batch  # or its maps would live as long as the next batch runs
    if best is None:
        raise ValueError("data must hold at least one image; got none")
    return best.result()


@contextmanager
def _about_path() -> Iterator[None]:
    """Let errors speak of the one path that was given; a run takes several layers."""
    try:
        yield
    except ValueError as error:
        text = str(error)
        if not text.startswith("layers must"):
            raise
        raise PathError(f"path{text.removeprefix('layers')}") from None


def _numbers(channels: Any, total: int) -> tuple[int, ...]:
    every = tuple(range(total))
    return every if channels is None else checked_or_one("channels", channels, total)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for, as it was given."""

    path: str
    count: int
    by: str
    channels: Any
    input_number: int | None


class _Best:
    """The best images so far.

    Args:
        run: after its first batch.
        batch: the first one.
        wanted: what is asked for.
    """

    def __init__(self, run: Run, batch: Batch, wanted: _Wanted) -> None:
        self.run, self.count, self.by = run, wanted.count, wanted.by
        self.path = _path_of(wanted.path, list(batch.arrays))
        self.seen = self.left_out = 0
        values = self._values(batch)
        self.total, self.sizes = values.shape[-1], values.shape[1:-1]
        self.channels = _numbers(wanted.channels, self.total)
        features = len(self.channels)
        self.indices = np.empty((features, 0), np.int64)
        self.keys: Array = np.empty((features, 0), bool)
        self.positions = np.empty((features, 0, len(self.sizes)), np.int64)
        self.level = np.empty((features, 0), np.bool_)
        self.tied, self.scored = np.zeros((2, features), np.int64)
        self.dead = np.ones(features, bool)
        self.inputs, self.changed = InputsSeen(), False
        self.thumbnails = Thumbnails(run, batch, self.path, number=wanted.input_number)

    def _values(self, batch: Batch) -> Array:
        """Return what the layer gave for one batch, (B, …, F).

        Raises:
            ValueError: not one map for each image.
        """
        images = len(batch.feed.arrays[0])
        given = batch.arrays.get(self.path)
        rule = f"path must give one map for each image; {self.path!r}"
        if given is None:
            last = self.seen + images - 1
            raise ValueError(f"{rule} did not run for images {self.seen} to {last}, from 0")
        if given.shape[:1] != (images,):
            got = f"an array of {size_text(given.shape)}" if given.ndim else "one number"
            raise ValueError(f"{rule} gave {got} for {counted_text(images, 'image')}")
        if given.size == 0:
            raise ValueError(f"path must have values; {self.path!r} has none")
        axis = self.run.layers[self.path].channel_axis
        return given[:, None] if given.ndim == 1 else np.moveaxis(given, axis, -1)

    def take(self, batch: Batch) -> None:
        """Let the images of one batch compete."""
        every = self._values(batch)
        if every.shape[1:] != (*self.sizes, self.total):
            raise ValueError(
                f"path must give maps of one size; {self.path!r} gave "
                f"{size_text((*self.sizes, self.total))}, and {size_text(every.shape[1:])} from "
                f"image {self.seen} on; bring the images to one size"
            )
        values = _comparable(every[..., list(self.channels)], self.path)
        images = len(values)
        cells = values.reshape(images, -1, len(self.channels))
        whole = np.isfinite(cells)
        self.left_out += int((~whole).any(axis=(1, 2)).sum())
        self.dead &= ~cells.any(axis=(0, 1))
        masked = cells if whole.all() else np.where(whole, cells, cells.dtype.type(-np.inf))
        spots = masked.argmax(axis=1)
        keys = masked.max(axis=1) if self.by == "max" else _sums(cells, whole)
        self.scored += (keys != -np.inf).sum(axis=0)
        places = np.stack(np.unravel_index(spots, self.sizes or (1,)), axis=-1)
        places = places[..., : len(self.sizes)]
        numbers = np.broadcast_to(np.arange(self.seen, self.seen + images)[:, None], spots.shape)
        level = (cells == cells[:, :1]).all(axis=1)
        self._merge(numbers.T, keys.T, places.swapaxes(0, 1), level.T)
        self.thumbnails.keep(set(self.indices[~self.none].tolist()), batch, self.seen)
        self.inputs.add(batch.feed)
        self.changed |= bool(batch.feed.pictures)
        self.seen += images

    def _merge(self, indices: Whole, keys: Array, places: Whole, level: Array) -> None:
        """Keep the best of those that were best before and those of one batch."""
        every = np.concatenate([self.keys.astype(keys.dtype), keys], axis=1)
        order = _falling(every)[:, : self.count]
        before = self.keys[:, -1:]
        self.keys = np.take_along_axis(every, order, axis=1)
        last = self.keys[:, -1:]
        # Images that were dropped before count where their score is still that of the last.
        same = (before == last).all(axis=1) if before.size else np.zeros(len(last), bool)
        self.tied = np.where(
            same, self.tied + (keys == last).sum(axis=1), (every == last).sum(axis=1)
        )
        numbers = np.concatenate([self.indices, indices], axis=1)
        self.indices = np.take_along_axis(numbers, order, axis=1)
        flat = np.concatenate([self.level, level], axis=1)
        self.level = np.take_along_axis(flat, order, axis=1)
        both = np.concatenate([self.positions, places], axis=1)
        self.positions = np.take_along_axis(both, order[..., None], axis=1)

    @property
    def none(self) -> npt.NDArray[np.bool_]:
        """Where the kept places have no finite value, (F, n)."""
        none: npt.NDArray[np.bool_] = self.keys == -np.inf
        return none

    def result(self) -> TopImages:
        """Return what was found."""
        none, cells, small = self.none, int(np.prod(self.sizes)), self.thumbnails
        # One division at the end: whole numbers of any size give the nearest float.
        scores = self.keys / cells if self.by == "mean" and self.keys.dtype == object else self.keys
        return TopImages(
            self.path, self.run.model.name, self.by, self.channels, self.total,
            np.where(none, -1, self.indices), np.where(none, np.nan, scores).astype(np.float64),
            np.where(none[..., None], -1, self.positions), self.sizes, self.seen, self.left_out,
            dict(sorted(small.pictures.items())), self.inputs.lines(),
            np.where(none[:, -1], 0, self.tied), self.scored, self.dead, self.changed,
            inputs=small.shown, series=small.series, level=self.level,
            names=dict(sorted(small.names.items())),
        )  # fmt: skip


def _path_of(path: str, found: list[str]) -> str:
    """Return the full path of the one layer that a path or a name has found.

    Raises:
        PathError: it found several.
    """
    full = found_path(path, found)
    bases = {base_of(one) for one in found}
    if full is None and len(bases) > 1:
        raise PathError(f"path must name one layer; {path!r} fits {names_text(found)}")
    return full or found_path(bases.pop(), found) or found[0]


def _comparable(values: Array, path: str) -> Array:
    """Return numbers in a dtype that keeps their order, NaN for the lowest float.

    Integers stay what they are: float64 does not keep the order of int64.
    """
    whole = values.dtype.kind in "iu"
    return values if whole else hide_lowest_floats(floats_from(values, path))


def _sums(cells: Array, whole: npt.NDArray[np.bool_]) -> Array:
    """Return what orders images by their mean: means, of integers their exact sums.

    Args:
        cells: (B, n, F).
        whole: which are finite.
    """
    if cells.dtype.kind in "iu":
        sums: Array = cells.sum(axis=1, dtype=object)
        return sums
    found = whole.sum(axis=1)
    totals = np.where(whole, cells, 0).sum(axis=1, dtype=np.float64)
    return np.where(found > 0, totals / np.maximum(found, 1), -np.inf)


def _falling(keys: Array) -> Whole:
    """Return the order of each row, the largest first and of equal ones the first."""
    # Turned round twice: −x is another number for the lowest and for unsigned integers.
    rising = np.argsort(keys[:, ::-1], axis=1, kind="stable")
    falling: Whole = keys.shape[1] - 1 - rising[:, ::-1]
    return falling
