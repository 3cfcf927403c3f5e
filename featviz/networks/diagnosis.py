"""The value of a diagnosis: what the channels of a network do over many images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._notebook import markdown_from_value
from featviz.networks.channel_stats import ChannelStats
from featviz.networks.histograms import Histogram
from featviz.networks.paths import counted_text, known_path
from featviz.networks.values import LayerInfo
from featviz.networks.verdicts import (
    broken_text,
    notes_of_diagnosis,
    sentences_of_diagnosis,
    sentences_of_layer,
)

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Broken = tuple[str, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class LayerDiagnosis:
    """The numbers about the channels of one layer, over all images.

    Attributes:
        info: path, kind and settings of the layer.
        shape: of its maps for one image, channels last; None where sizes changed.
        dtype: of its maps.
        images: for how many images the layer ran.
        stats: the numbers, each (F,).
        bounds: what its activation cannot leave; none where it is not bounded.
        saturation: how near to a bound a value counts as saturated.
        saturated_from: the share of such values from which a channel is called saturated.
        missed: for how many other images it did not run; a model may choose by the image.
        maps_each: how many maps each image gave, where the layer gets several parts of it.
        role: ``passing`` of a layer that only moves, cuts, drops or joins what it is given,
            ``channelwise``, ``max-pool``, or nothing. Only Keras' own classes have one.
    """

    info: LayerInfo
    shape: tuple[int | None, ...]
    dtype: str
    images: int
    stats: ChannelStats
    bounds: tuple[float, ...]
    saturation: float
    saturated_from: float
    missed: int = 0
    maps_each: int = 1
    role: str = ""

    @property
    def path(self) -> str:
        """The layer's path."""
        return self.info.path

    @property
    def base(self) -> str:
        """The path without ``:filter`` or ``:detect``."""
        return self.info.base

    @property
    def kind(self) -> str:
        """The layer's class, such as ``Conv2D``."""
        return self.info.kind

    @property
    def channels(self) -> int:
        """How many channels there are, F."""
        return len(self.stats.mean)

    @property
    def positions(self) -> int:
        """How many values a channel has for one image; 1 for the units of a Dense layer.

        Where sizes changed from image to image, their mean, rounded down.
        """
        return self.stats.count // self.images

    @property
    def what(self) -> str:
        """``channel``, or ``unit`` where there is one value for each image."""
        return "channel" if len(self.shape) > 1 else "unit"

    @property
    def count(self) -> int:
        """How many values each channel had."""
        return self.stats.count

    @property
    def mean(self) -> Floats:
        """Mean of the finite values of each channel but the lowest float, (F,)."""
        return self.stats.mean

    @property
    def deviation(self) -> Floats:
        """Standard deviation of the finite values, (F,)."""
        return self.stats.deviation

    @property
    def low(self) -> Floats:
        """Lowest finite value but the lowest float of its type, (F,)."""
        return self.stats.low

    @property
    def high(self) -> Floats:
        """Highest finite value, (F,)."""
        return self.stats.high

    @property
    def zero_share(self) -> Floats:
        """Share of values that are exactly 0, (F,), from 0 to 1."""
        return self.stats.zeros / self.stats.count

    @property
    def saturated_share(self) -> Floats | None:
        """Share of values near a bound, (F,), or None for what is not bounded."""
        return None if self.stats.saturated is None else self.stats.saturated / self.stats.count

    @property
    def histogram(self) -> Histogram:
        """How often values of each size came about, in all channels."""
        return self.stats.histogram

    @property
    def first_broken(self) -> int | None:
        """Number of the first image with NaN, infinity or the lowest float, from 0.

        None where there is none, or where each image gave several maps: their order is not known.
        """
        return self.stats.first_broken if self.maps_each == 1 else None

    @property
    def broken(self) -> Flags:
        """Which channels held NaN, infinity or the lowest float, (F,)."""
        lowest: Flags = self.stats.lowest_count > 0
        return lowest | self.not_finite

    @property
    def not_finite(self) -> Flags:
        """Which channels held NaN or infinity, (F,)."""
        found: Flags = self.stats.nan_count + self.stats.infinite_count > 0
        return found

    @property
    def broken_text(self) -> str:
        """How many values are NaN, infinite and the lowest float, or nothing."""
        told = self.stats
        counts = (told.nan_count, told.infinite_count, told.lowest_count)
        return broken_text(*(int(count.sum()) for count in counts))

    @property
    def dead(self) -> Flags:
        """Which channels are 0 for every image at every position, (F,)."""
        dead: Flags = self.stats.zeros == self.stats.count
        return dead

    @property
    def constant(self) -> Flags:
        """Which channels hold one value other than 0 in all of two cells or more, (F,)."""
        one: Flags = self.stats.one_value & ~self.broken & ~self.dead
        return one if self.stats.count > 1 else np.zeros(self.channels, np.bool_)

    @property
    def saturated(self) -> Flags:
        """Which channels are called saturated, (F,)."""
        share = self.saturated_share
        if share is None:
            return np.zeros(self.channels, np.bool_)
        return share >= self.saturated_from

    @property
    def duplicates(self) -> tuple[tuple[int, ...], ...]:
        """Groups of channels with the same values everywhere, but dead or constant ones."""
        left_out = self.dead | self.constant | self.broken
        if self.stats.count < 2:
            return ()
        return tuple(group for group in self.stats.twins if not left_out[list(group)].any())

    @property
    def verdict(self) -> tuple[str, ...]:
        """What is wrong with the channels, in sentences; nothing if nothing is."""
        return sentences_of_layer(self)

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """One mapping of names to numbers for each channel."""
        first = {other: group[0] for group in self.duplicates for other in group[1:]}
        share = self.saturated_share
        return tuple(
            {
                "path": self.path,
                "kind": self.kind,
                "channel": index,
                "count": self.count,
                "mean": float(self.mean[index]),
                "deviation": float(self.deviation[index]),
                "low": float(self.low[index]),
                "high": float(self.high[index]),
                "zero_share": float(self.zero_share[index]),
                "nan_count": int(self.stats.nan_count[index]),
                "infinite_count": int(self.stats.infinite_count[index]),
                "lowest_count": int(self.stats.lowest_count[index]),
                "saturated_share": None if share is None else float(share[index]),
                "dead": bool(self.dead[index]),
                "constant": bool(self.constant[index]),
                "saturated": bool(self.saturated[index]),
                "duplicate_of": first.get(index),
            }
            for index in range(self.channels)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """What the layers of a model did over many images.

    Attributes:
        model: the model's name.
        images: how many images there were.
        layers: path → :class:`LayerDiagnosis`, in the order of the run.
        went_in: for each input one line: shape, dtype, range and how that came about.
        broken_weights: (name, NaN, infinite) of weights that are not finite.
        broken_inputs: the same of inputs.
        unseen: path → why a layer that ran is not told of.
        ended: path → whether it was given NaN, of layers that were given NaN or infinity and
            gave none.
        begins: path of the first layer with NaN or infinity, looked at or not, where it is known.
    """

    model: str
    images: int
    layers: Mapping[str, LayerDiagnosis]
    went_in: tuple[str, ...]
    broken_weights: tuple[Broken, ...] = ()
    broken_inputs: tuple[Broken, ...] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[str, bool] = field(default_factory=dict)
    begins: str = ""

    def __post_init__(self) -> None:
        for name in ("layers", "unseen", "ended"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def verdict(self) -> tuple[str, ...]:
        """What is wrong, in sentences with the numbers; nothing if nothing is."""
        return sentences_of_diagnosis(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not told of, or not of every image, in one line for each layer."""
        return notes_of_diagnosis(self)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found; over few images that proves little.

        What the images bring along, such as a border of 0, is no finding where layers only pass
        it on.
        """
        return not self.verdict

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """One mapping of names to numbers for each channel of each layer."""
        return tuple(row for layer in self.layers.values() for row in layer.rows)

    def layer(self, path: str) -> LayerDiagnosis:
        """Return one layer.

        Args:
            path: with or without ``:detect``.

        Raises:
            PathError: no such layer; the nearest and the list are named.
            TypeError: no text.
        """
        return self.layers[known_path(path, self.layers, self.unseen)]

    def __repr__(self) -> str:
        found = "healthy" if self.healthy else counted_text(len(self.verdict), "finding")
        return (
            f"Diagnosis of {self.model}: {counted_text(len(self.layers), 'layer')} over "
            f"{counted_text(self.images, 'image')}, {found}"
        )

    def _repr_markdown_(self) -> str:
        return markdown_from_value(self)
