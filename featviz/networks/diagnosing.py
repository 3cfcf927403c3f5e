"""``diagnose``: a model runs over many images, numbers of its channels are kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from featviz._check import real_number, shown, size_text
from featviz.networks.bounds import bounds_of_layer
from featviz.networks.channel_stats import RunningStats
from featviz.networks.diagnosis import Broken, Diagnosis, LayerDiagnosis
from featviz.networks.inputs import Feed, Fit, InputSpec, inputs_of_model
from featviz.networks.runs import Batch, Run
from featviz.networks.sources import feeds_from_data
from featviz.networks.values import Array, LayerInfo
from featviz.networks.verdicts import number_text

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
    it equals another channel in every cell. Layers that only move values on, such as Flatten and
    ZeroPadding, have numbers but no verdict.

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
        saturation: how near to a bound a value counts as saturated, above 0 to 0.5.
        saturated_from: share of such values from which a channel is called saturated, above 0
            to 1.
        progress: whether to show a bar; None: where somebody looks (a terminal, a notebook).

    Returns:
        The :class:`Diagnosis`; its ``verdict`` says in words what was found.

    Raises:
        ValueError: a model that was never built, no image, images that do not fit, no such layer,
            data without end.
        TypeError: no model, or data of another kind.
        RuntimeError: a layer failed, and the layers that ran are named; or the data itself did.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> diagnose(model, [[[[-1.0], [-2.0]]], [[[-3.0], [0.0]]]]).verdict
        ('detect: 1 of 1 channels is dead (0 at all 2 positions of all 2 images): 0.',)
    """
    near = real_number("saturation", saturation, above=0, at_most=0.5)
    share = real_number("saturated_from", saturated_from, above=0, at_most=1)
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress must be True, False or None; got {shown(progress)}")
    fit = Fit(resize, white, preprocess, finite)
    run = Run(model, layers, batch_size=batch_size, compiled=compiled)
    count, feeds = feeds_from_data(model, data, fit, run.batch_size, limit=limit)
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
class _Input:
    """What went into one input so far."""

    note: str
    sizes: tuple[int, ...]
    dtype: str
    low: float = np.inf
    high: float = -np.inf
    nan: int = 0
    infinite: int = 0

    def add(self, values: Array) -> None:
        if values.shape[1:] != self.sizes:
            self.sizes = ()
        wide = values.astype(np.float64, copy=False)
        self.nan += int(np.isnan(wide).sum())
        self.infinite += int(np.isinf(wide).sum())
        finite = np.isfinite(wide)
        self.low = min(self.low, float(wide.min(initial=np.inf, where=finite)))
        self.high = max(self.high, float(wide.max(initial=-np.inf, where=finite)))

    def line(self, images: int) -> str:
        """Return one line as ``FeatureMaps.went_in`` has it."""
        sizes = size_text((images, *self.sizes)) if self.sizes else f"{images} of several sizes"
        ends = f"{number_text(self.low)} to {number_text(self.high)}"
        ends = ends if self.low <= self.high else "no finite value"
        wrong = self.nan + self.infinite
        ends += f", {wrong:,} NaN or infinite" if wrong else ""
        return f"{sizes} {self.dtype}, {ends} ({self.note})"


@dataclass(slots=True)
class _Gathered:
    """The running numbers of all layers."""

    run: Run
    saturation: float
    images: int = 0
    stats: dict[str, RunningStats] = field(default_factory=dict)
    shapes: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    inputs: list[_Input] = field(default_factory=list)
    unseen: dict[str, str] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        """Take the numbers of one batch."""
        self._add_inputs(batch.feed)
        for path, values in batch.arrays.items():
            if path not in self.unseen:
                self._add_layer(self.run.layers[path], values)
        self.images += len(batch.feed.arrays[0])

    def _add_inputs(self, feed: Feed) -> None:
        if not self.inputs:
            self.inputs = [
                _Input(note, array.shape[1:], str(array.dtype))
                for array, note in zip(feed.arrays, feed.notes, strict=True)
            ]
        for told, array in zip(self.inputs, feed.arrays, strict=True):
            told.add(array)

    def _add_layer(self, info: LayerInfo, values: Array) -> None:
        if values.dtype.kind == "c":
            self.unseen[info.path] = "gives complex numbers"
            return
        if values.ndim == 0:
            self.unseen[info.path] = "gives one number for the whole batch"
            return
        maps = values[:, None] if values.ndim == 1 else np.moveaxis(values, info.channel_axis, -1)
        path, channels = info.path, maps.shape[-1]
        if channels == 0:
            self.unseen[path] = "holds no number"
            return
        if path not in self.stats:
            before = path.endswith(":filter")  # before the activation nothing is bounded
            bounds = () if before else bounds_of_layer(self.run.givers[path])
            self.stats[path] = RunningStats(channels, bounds, self.saturation)
            self.shapes[path], self.dtypes[path] = maps.shape[1:], str(maps.dtype)
        if self.stats[path].channels != channels:
            self.unseen[path] = f"gives {self.stats[path].channels} channels and then {channels}"
            del self.stats[path]
            return
        self.shapes[path] = _common(self.shapes[path], maps.shape[1:])
        self.stats[path].add(maps)

    def result(self, saturated_from: float) -> Diagnosis:
        """Return the value."""
        run = self.run
        layers = {
            path: LayerDiagnosis(
                run.layers[path],
                self.shapes[path],
                self.dtypes[path],
                self.images,
                stats.result(),
                stats.bounds,
                self.saturation,
                saturated_from,
            )
            for path, stats in self.stats.items()
            if stats.has_values
        }
        empty = {path: "holds no number" for path in self.stats if path not in layers}
        names = _input_names(inputs_of_model(run.model), len(self.inputs))
        pairs = zip(names, self.inputs, strict=True)
        return Diagnosis(
            run.model.name,
            self.images,
            layers,
            tuple(told.line(self.images) for told in self.inputs),
            tuple(_broken_weights(run.model)),
            tuple((name, one.nan, one.infinite) for name, one in pairs if one.nan or one.infinite),
            {**run.unseen, **self.unseen, **empty},
        )


def _input_names(inputs: tuple[InputSpec, ...], count: int) -> list[str]:
    if len(inputs) == count:
        return [spec.name for spec in inputs]
    return [f"input {number}" for number in range(count)]


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
