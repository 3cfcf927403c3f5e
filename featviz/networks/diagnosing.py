"""``diagnose``: a model runs over many images, numbers of its channels are kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from featviz._check import real_number, shown, size_text
from featviz.networks.bounds import bounds_of_layer
from featviz.networks.channel_stats import RunningStats
from featviz.networks.diagnosis import Broken, Diagnosis, LayerDiagnosis
from featviz.networks.endings import Way, way_of_broken
from featviz.networks.inputs import Feed, Fit
from featviz.networks.inputs_seen import InputsSeen
from featviz.networks.makers import layers_that_show
from featviz.networks.paths import base_of, counted_text
from featviz.networks.roles import role_of_layer
from featviz.networks.runs import Batch, Run
from featviz.networks.sources import feeds_from_data
from featviz.networks.values import Array, LayerInfo
from featviz.networks.verdicts import PASSING

# Where a sigmoid is within 0.01 of its bound, its slope is below 0.01: nothing is learned there.
SATURATION, SATURATED_FROM = 0.01, 0.9


def diagnose(
    model: Any,
    data: Any,
    layers: Any = None,
    *,
    batch_size: int = 32,
    limit: int | None = None,
    resize: bool = False,
    white: float = 1.0,
    preprocess: Callable[[Any], Any] | None = None,
    finite: bool = True,
    compiled: bool | None = None,
    saturation: float = SATURATION,
    saturated_from: float = SATURATED_FROM,
    progress: bool | None = None,
) -> Diagnosis:
    """Return what the channels of a model do over many images, and what is wrong.

    The images run batch by batch; of each batch only numbers about the channels are kept, so the
    memory does not grow with the number of images. A channel is *dead* if it is 0 for every image
    at every position, *constant* if it holds one other value, *saturated* if nearly all its values
    lie at a bound of its sigmoid, tanh, softmax (at 1), ReLU6 (at 6) or the like, a *duplicate* if
    it equals another channel in every cell. NaN, infinity and the lowest float of a type, which
    TensorFlow's max-pool gives for NaN, are counted and are no values. Keras' layers that only move
    values on, such as Flatten and ZeroPadding, have numbers but no verdict, unless there are no
    others, or they are the first to show what a function made, such as ``tf.nn.relu``.

    Args:
        model: a built ``keras.Model``.
        data: images as for :func:`featviz.feature_maps`, a folder of image files, a
            ``tf.data.Dataset``, a ``keras.utils.PyDataset``, or a generator; of (x, y) the x is
            taken. Batches of a data set stay as they are.
        layers: as in :func:`featviz.feature_maps`; None: all.
        batch_size: how many single images run at once, at least 1.
        limit: at most so many images are looked at; None: all. Needed where data never ends.
        resize: as in :func:`featviz.feature_maps`.
        white: as in :func:`featviz.feature_maps`.
        preprocess: as in :func:`featviz.feature_maps`.
        finite: whether NaN and infinity in the images are refused; else they are counted.
        compiled: as in :func:`featviz.feature_maps`.
        saturation: how near to a bound a value counts as saturated, above 0 to 0.5; where a
            range is below 1, the share of it.
        saturated_from: share of such values from which a channel is called saturated, above 0
            to 1.
        progress: whether to show a bar; None: where somebody looks (a terminal, a notebook).

    Returns:
        The :class:`Diagnosis`; its ``verdict`` says in words what was found.

    Raises:
        ValueError: a model that was never built, no image, images that do not fit, no such layer,
            a data set without end (a generator cannot tell).
        TypeError: no model, or data of another kind.
        RuntimeError: a layer failed, and the layers that ran are named; or the data itself did.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> diagnose(model, [[[[-1.0], [-2.0]]], [[[-3.0], [0.0]]]]).verdict
        ('detect: 1 of 1 channel is dead (0 at all 2 positions of all 2 images): 0.',)
    """
    near = real_number("saturation", saturation, above=0, at_most=0.5)
    share = real_number("saturated_from", saturated_from, above=0, at_most=1)
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress must be True, False or None; got {shown(progress)}")
    fit = Fit(resize, white, preprocess, finite)
    run = Run(model, layers, batch_size=batch_size, compiled=compiled)
    count, feeds = feeds_from_data(model, data, fit, run.batch_size, limit=limit, name="data")
    gathered = _Gathered(run, near)
    with tqdm(total=count, unit="image", desc=run.model.name, disable=_silent(progress)) as bar:
        for batch in run.batches(feeds, count):
            gathered.add(batch)
            bar.update(len(batch.feed.arrays[0]))
            del batch  # or its maps would live as long as the next batch runs
    if not gathered.images:
        raise ValueError("data must hold at least one image; got none")
    return gathered.result(share)


def _silent(progress: bool | None) -> bool | None:
    """Return tqdm's ``disable``; None lets it look whether stderr is a terminal."""
    if progress is not None:
        return not progress
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return False if hasattr(shell, "kernel") else None


@dataclass(slots=True)
class _Ran:
    """What one layer gave so far, but for its numbers."""

    shape: tuple[int | None, ...]
    dtype: str
    maps_each: int
    images: int = 0

    def refusal(self, maps: Array, channels: int) -> str:
        """Return what differs from the batches before and cannot be joined, or nothing."""
        if maps.shape[-1] != channels:
            return f"gives {counted_text(channels, 'channel')} and then {maps.shape[-1]}"
        if maps.shape[1] != self.maps_each:
            before = counted_text(self.maps_each, "map")
            return f"gives {before} for each image and then {maps.shape[1]}"
        return ""

    def add(self, maps: Array) -> None:
        """Take the shape of one batch, (B, maps each, …, F)."""
        self.shape = _common(self.shape, maps.shape[2:])
        self.images += len(maps)


@dataclass(slots=True)
class _Gathered:
    """The running numbers of all layers."""

    run: Run
    saturation: float
    images: int = 0
    stats: dict[str, RunningStats] = field(default_factory=dict)
    ran: dict[str, _Ran] = field(default_factory=dict)
    inputs: InputsSeen = field(default_factory=InputsSeen)
    unseen: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    began: dict[str, Feed] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    way: Way | None = None

    def add(self, batch: Batch) -> None:
        """Take the numbers of one batch."""
        self.inputs.add(batch.feed)
        count = len(batch.feed.arrays[0])
        self._take_order(list(batch.arrays))
        for path, values in batch.arrays.items():
            if count and path not in self.unseen:
                self._add_layer(path, values, count)
                self._keep_feed(path, batch.feed)
        self.images += count
        self._follow_broken(batch.feed)

    def _take_order(self, paths: list[str]) -> None:
        """Put layers that run for the first time where they run; a model may choose them."""
        new = set(paths).difference(self.order)
        for before, path in zip(["", *paths], paths, strict=False):
            if path in new:
                self.order.insert(self.order.index(before) + 1 if before else 0, path)

    def _keep_feed(self, path: str, feed: Feed) -> None:
        """Keep the batch for which a passing layer ran first."""
        if path in self.stats and role_of_layer(self.run.givers[path]) == PASSING:
            self.began.setdefault(path, feed)

    def _follow_broken(self, feed: Feed) -> None:
        """Find where NaN begins, if a layer broke before the first that is known."""
        new = {path for path, stats in self.stats.items() if stats.is_broken} - self.broken
        self.broken |= new
        # Without NaN it was the lowest float alone: it says nothing of what is sooner.
        if new and (self.way is None or not self.way.first or any(map(self.way.is_sooner, new))):
            way = way_of_broken(self.run.model, feed)
            self.way = way if self.way is None else self.way.joined(way)

    def _add_layer(self, path: str, values: Array, count: int) -> None:
        why = self._refusal(path, values, count)
        if not why:
            maps = _channels_last(values, self.run.layers[path], count)
            if path not in self.stats:
                self._begin(path, maps)
            why = self.ran[path].refusal(maps, self.stats[path].channels)
        if why:
            self.unseen[path] = why
            self.stats.pop(path, None)
            return
        self.ran[path].add(maps)
        self.stats[path].add(maps, self.images)

    def _begin(self, path: str, maps: Array) -> None:
        before = path.endswith(":filter")  # before the activation nothing is bounded
        bounds = () if before else bounds_of_layer(self.run.givers[path])
        self.stats[path] = RunningStats(maps.shape[-1], bounds, self.saturation)
        self.ran[path] = _Ran(maps.shape[2:], str(maps.dtype), maps.shape[1])

    def _refusal(self, path: str, values: Array, count: int) -> str:
        """Return why what a layer gave for so many images cannot be counted, or nothing."""
        if path not in self.run.layers:
            return f"ran for image {self.images} (from 0) first, not for the first batch"
        if values.dtype.kind == "c":
            return "gives complex numbers"
        if values.ndim == 0:
            return "gives one number for the whole batch"
        axis = self.run.layers[path].channel_axis
        if 0 in (len(values), values.shape[axis]):
            return "holds no number"
        if len(values) % count:
            return f"gives {size_text(values.shape)} for {counted_text(count, 'image')}"
        return ""

    def result(self, saturated_from: float) -> Diagnosis:
        """Return the value."""
        run = self.run
        layers = {
            path: LayerDiagnosis(
                run.layers[path],
                ran.shape,
                ran.dtype,
                ran.images,
                stats.result(),
                stats.bounds if stats.is_bounded else (),
                stats.tolerance,
                saturated_from,
                self.images - ran.images,
                ran.maps_each,
                role_of_layer(run.givers[path]),
            )
            for path in self.order
            if (stats := self.stats.get(path)) and stats.has_values and (ran := self.ran[path])
        }
        layers = self._judged(layers)
        empty = {path: "holds no number" for path in self.stats if path not in layers}
        unseen = {**self.unseen, **empty}
        ran_later = {base_of(path) for path in (*layers, *unseen)}
        uncalled = {path: why for path, why in run.unseen.items() if path not in ran_later}
        named = zip(self.inputs.names, self.inputs.broken, strict=True)
        way = self.way or Way("", {}, {})
        return Diagnosis(
            run.model.name,
            self.images,
            layers,
            self.inputs.lines(),
            tuple(_broken_weights(run.model)),
            tuple((name, *one) for name, one in named if any(one)),
            {**uncalled, **unseen},
            {path: nan for path, nan in way.ended.items() if path in layers},
            way.first,
        )

    def _judged(self, layers: dict[str, LayerDiagnosis]) -> dict[str, LayerDiagnosis]:
        """Take the role of passing from layers that show what a function made."""
        passing = (one for one in layers.values() if one.role == PASSING)
        found = {one.path for one in passing if one.verdict}
        feeds = {id(feed): feed for path, feed in self.began.items() if path in found}
        for feed in feeds.values():
            for path in found & layers_that_show(self.run.model, feed):
                layers[path] = replace(layers[path], role="")
        return layers


def _channels_last(values: Array, info: LayerInfo, count: int) -> Array:
    """Return what a layer gave as (B, maps each, …, F)."""
    maps = values[:, None] if values.ndim == 1 else np.moveaxis(values, info.channel_axis, -1)
    return maps.reshape(count, len(maps) // count, *maps.shape[1:])


def _common(one: tuple[int | None, ...], other: tuple[int, ...]) -> tuple[int | None, ...]:
    """Return sizes, None where they differ."""
    if len(one) != len(other):
        return (None,)
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


def _broken_weights(model: Any) -> Iterator[Broken]:
    """Yield the weights that hold NaN or infinity."""
    for variable in model.weights:
        values = np.asarray(variable)
        if values.dtype.kind in "OSUbiu":
            continue
        wide = values.astype(np.float64, copy=False)
        nan, infinite = int(np.isnan(wide).sum()), int(np.isinf(wide).sum())
        if nan or infinite:
            yield variable.path, nan, infinite
