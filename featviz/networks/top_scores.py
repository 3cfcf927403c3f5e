"""Which images of a set excite each channel of a layer most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._check import one_of, shown, whole_number
from featviz.map_choice import Values, checked_numbers, floats_from
from featviz.map_inputs import image_that_went_in
from featviz.networks.inputs import Fit, note_of_input
from featviz.networks.runs import Batch, Run
from featviz.networks.sources import feeds_from_data
from featviz.networks.top_values import TopImages, Whole
from featviz.networks.values import FeatureMaps, Lines

MEASURES = ("max", "mean")
# Pictures that are kept are no larger than that, so that memory stays small.
THUMBNAIL = 64


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
) -> TopImages:
    """Return the images that give each channel of a layer its largest values.

    The set is read batch by batch; only the best of each channel are kept. Of equal images the
    first wins. Cells that are NaN or infinite take no part, and an image without any finite cell
    never wins.

    Args:
        model: a built ``keras.Model``.
        data: as in :func:`featviz.diagnose`: images, a folder of image files, a
            ``tf.data.Dataset``, a ``keras.utils.PyDataset``, or a generator.
        path: of the layer.
        count: how many images for each channel, at least 1.
        channels: channel numbers from 0; None for all.
        by: ``"max"``, the largest cell of a map, or ``"mean"``, the mean of its cells.
        batch_size: how many single images run at once, at least 1.
        limit: at most so many images are looked at; None: all. Needed where data never ends.
        resize: as in :func:`featviz.feature_maps`.
        white: as in :func:`featviz.feature_maps`.
        preprocess: as in :func:`featviz.feature_maps`.
        finite: whether NaN and infinity in the images are refused.

    Returns:
        :class:`TopImages`.

    Raises:
        ValueError: no such layer or channel, a wrong value, images that do not fit,
            data without end.
        TypeError: no model, or data of another kind.

    Example:
        >>> import keras, numpy as np
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> images = np.array([[[[1], [0]]], [[[0], [3]]]], np.float32)
        >>> best = top_images(model, images, "detect", count=1)
        >>> best.indices.tolist(), best.scores.tolist(), best.positions.tolist()
        ([[1]], [[3.0]], [[[0, 1]]])
    """
    one_of("by", by, MEASURES)
    whole_number("count", count, minimum=1)
    if not isinstance(path, str):
        raise TypeError(f"path must be a text; got {shown(path)}")
    best: _Best | None = None
    fit = Fit(resize, white, preprocess, finite)
    run = Run(model, path, batch_size=batch_size)
    total, feeds = feeds_from_data(model, data, fit, run.batch_size, limit=limit)
    for batch in run.batches(feeds, total):
        maps = _maps_of(run, batch)
        full = maps.path(path)
        values = maps.channels_last(full)
        if best is None:
            best = _Best(maps, full, _numbers(channels, values.shape[-1]), count, by)
        best.take(maps, floats_from(values[..., list(best.channels)], full))
        del maps, values, batch  # or they would live as long as the next batch runs
    if best is None:
        raise ValueError("data must hold at least one image; got none")
    return best.result()


def _maps_of(run: Run, batch: Batch) -> FeatureMaps:
    feed = batch.feed
    lines = Lines(lambda: tuple(map(note_of_input, feed.arrays, feed.notes)))
    images = tuple(feed.arrays)
    return FeatureMaps(batch.arrays, run.layers, images, lines, run.model.name, run.unseen)


def _numbers(channels: Any, total: int) -> tuple[int, ...]:
    if channels is None:
        return tuple(range(total))
    return checked_numbers("channels", channels, total, also=" or None")


class _Best:
    """The best images so far."""

    def __init__(
        self, maps: FeatureMaps, path: str, channels: tuple[int, ...], count: int, by: str
    ) -> None:
        shape = maps.channels_last(path).shape
        self.path, self.model, self.went_in = path, maps.model, tuple(maps.went_in)
        self.channels, self.count, self.by = channels, count, by
        self.total, self.sizes = shape[-1], shape[1:-1]
        features, axes = len(channels), len(self.sizes)
        self.indices = np.empty((features, 0), np.int64)
        self.scores = np.empty((features, 0))
        self.positions = np.empty((features, 0, axes), np.int64)
        self.seen = self.left_out = 0
        self.pictures: dict[int, Values] = {}

    def take(self, maps: FeatureMaps, values: Values) -> None:
        """Let one batch (B, …, F) compete."""
        batch = len(values)
        cells = values.reshape(batch, -1, values.shape[-1])
        if cells.shape[1] == 0:
            raise ValueError(f"path must have values; {self.path!r} has none")
        whole = np.isfinite(cells)
        self.left_out += int((~whole).any(axis=(1, 2)).sum())
        masked = np.where(whole, cells, -np.inf)
        spots = masked.argmax(axis=1)
        scores = masked.max(axis=1).astype(np.float64)
        if self.by == "mean":
            found = whole.sum(axis=1)
            sums = np.where(whole, cells, 0).sum(axis=1, dtype=np.float64)
            scores = np.where(found > 0, sums / np.maximum(found, 1), -np.inf)
        places = np.stack(np.unravel_index(spots, self.sizes or (1,)), axis=-1)
        places = places[..., : len(self.sizes)]
        numbers = np.broadcast_to(np.arange(self.seen, self.seen + batch)[:, None], spots.shape)
        self._merge(numbers.T, scores.T, places.swapaxes(0, 1))
        self._keep_pictures(maps)
        self.seen += batch

    def _merge(self, indices: Whole, scores: npt.NDArray[np.float64], places: Whole) -> None:
        every = np.concatenate([self.scores, scores], axis=1)
        # A stable order lets the first of equal images win: those before stand before.
        order = np.argsort(-every, axis=1, kind="stable")[:, : self.count]
        self.scores = np.take_along_axis(every, order, axis=1)
        numbers = np.concatenate([self.indices, indices], axis=1)
        self.indices = np.take_along_axis(numbers, order, axis=1)
        both = np.concatenate([self.positions, places], axis=1)
        self.positions = np.take_along_axis(both, order[..., None], axis=1)
        none = np.isneginf(self.scores)
        self.indices = np.where(none, -1, self.indices)
        self.positions = np.where(none[..., None], -1, self.positions)

    def _keep_pictures(self, maps: FeatureMaps) -> None:
        wanted = set(self.indices.ravel().tolist()) - {-1}
        self.pictures = {i: self.pictures[i] for i in self.pictures if i in wanted}
        if not any(batch.ndim == 4 for batch in maps.images):
            return
        for index in sorted(wanted - set(self.pictures)):
            self.pictures[index] = _small(image_that_went_in(maps, index - self.seen))

    def result(self) -> TopImages:
        """Return what was found."""
        scores = np.where(np.isneginf(self.scores), np.nan, self.scores)
        return TopImages(
            self.path, self.model, self.by, self.channels, self.total, self.indices, scores,
            self.positions, self.sizes, self.seen, self.left_out,
            dict(sorted(self.pictures.items())), self.went_in,
        )  # fmt: skip


def _small(image: Values) -> Values:
    """Return an image with means of equal blocks for cells, at most 64 high and wide."""
    for axis in (0, 1):
        size = image.shape[axis]
        if size > THUMBNAIL:
            starts = np.linspace(0, size, THUMBNAIL + 1).astype(int)
            sums = np.add.reduceat(image.astype(np.float64), starts[:-1], axis=axis)
            widths = np.diff(starts).reshape([-1 if one == axis else 1 for one in range(3)])
            image = sums / widths
    return image.astype(np.float32)
