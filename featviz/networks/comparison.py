"""The same layers of two models, checkpoints or sets of images, side by side.

The first side is the reference; differences are the second minus the first, in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from featviz._check import size_text
from featviz._notebook import markdown_from_value
from featviz.networks.paths import PathError, counted_text, found_path, known_path, unseen_text
from featviz.networks.values import Array, FeatureMaps, frozen
from featviz.stats import hide_lowest_floats

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LayerComparison:
    """How the maps of one layer differ.

    Attributes:
        path: of the first side.
        other_path: of the second side; the same, unless layers were matched by order.
        shape: of the maps, (B, …, F), channels last.
        mean_difference: mean of |b − a| over the cells that are not broken.
        largest_difference: the largest |b − a|.
        place: where that is, as an index of ``shape``: image, row, column, channel.
        relative_difference: ‖b − a‖ / ‖a‖, Euclidean norms; infinite where a is 0 and b is not.
        cosine: a·b / (‖a‖ ‖b‖), from −1 to 1; NaN where one of them is all 0.
        equal_share: share of cells with the same value; NaN equals NaN.
        broken_count: cells that are NaN, infinite or the lowest float of their type on one side
            at least; they take no part in the differences and the cosine.
        channel_differences: (F,) mean of |b − a| of each channel, read-only.
        lowest_count: those of the broken cells that are neither NaN nor infinite on any side.
    """

    path: str
    other_path: str
    shape: tuple[int, ...]
    mean_difference: float
    largest_difference: float
    place: tuple[int, ...] | None
    relative_difference: float
    cosine: float
    equal_share: float
    broken_count: int
    channel_differences: Floats
    lowest_count: int = 0

    def __post_init__(self) -> None:
        frozen(self.channel_differences)

    @property
    def identical(self) -> bool:
        """Whether every cell is equal."""
        return self.equal_share == 1.0

    def __repr__(self) -> str:
        path = self.path if self.path == self.other_path else f"{self.path} and {self.other_path}"
        apart = f"{self.mean_difference:.3g}, largest {self.largest_difference:.3g}"
        words = "identical" if self.identical else f"mean |b − a| {apart}"
        return f"LayerComparison of {path}: {size_text(self.shape)}, {words}"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The layers that two sides have in common, and how they differ.

    Attributes:
        a: the maps of the first side, of the first images.
        b: the maps of the second side, of as many.
        names: of the two sides.
        layers: path of the first side → :class:`LayerComparison`, in the order of the run.
        images: over how many images the numbers are; ``kept`` says of how many there are maps.
        went_in: of each side, for each input one line: shape, dtype, range, how that came about.
        only_a: paths that the second side does not have.
        only_b: paths that the first side does not have.
        unlike: path → (sizes of a, sizes of b) where they differ.
        unseen: path → why it was not compared: it gives complex numbers or none at all, or several
            maps for each image in batches that end elsewhere on the other side.
    """

    a: FeatureMaps
    b: FeatureMaps
    names: tuple[str, str]
    layers: Mapping[str, LayerComparison]
    images: int
    went_in: tuple[tuple[str, ...], tuple[str, ...]]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    unlike: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("layers", "unlike", "unseen"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def kept(self) -> int:
        """Of how many images, from the first, the maps are kept."""
        return len(self.a.images[0])

    def layer(self, path: str) -> LayerComparison:
        """Return one layer.

        Args:
            path: of the first side, with or without ``:detect``.

        Raises:
            PathError: no such layer; the nearest and the list are named.
            TypeError: no text.
        """
        unlike = None if found_path(path, self.layers) else found_path(path, self.unlike)
        if unlike is not None:
            one, other = (size_text(sizes) for sizes in self.unlike[unlike])
            raise PathError(f"path must be a layer of one size; {unlike!r} is {one} and {other}")
        if not self.layers and isinstance(path, str):
            why = unseen_text(path, self.unseen)
            raise PathError(f"path must be a layer that was compared; got {path!r}{why}")
        return self.layers[known_path(path, self.layers, self.unseen)]

    def maps(self, path: str) -> tuple[Floats, Floats]:
        """Return the maps of both sides, (kept, …, F) float64, channels last.

        Raises:
            PathError: no such layer, or its maps could not be cut to the images that are kept.
            TypeError: no text.
        """
        one, other = self._kept_maps(path)
        return one.astype(np.float64), other.astype(np.float64)

    def _kept_maps(self, path: str) -> tuple[Array, Array]:
        """Return the maps of both sides in their own types."""
        told = self.layer(path)
        if told.path not in self.a.arrays or told.other_path not in self.b.arrays:
            raise PathError(
                f"path must be a layer whose maps are kept; those of {told.path!r}, "
                f"{size_text(told.shape)} for {counted_text(self.images, 'image')}, cannot be cut "
                f"to the first {self.kept:,}; raise max_bytes"
            )
        return self.a.channels_last(told.path), self.b.channels_last(told.other_path)

    def difference(self, path: str) -> Floats:
        """Return second minus first, (kept, …, F); NaN where a cell is broken."""
        one, other = (hide_lowest_floats(side).astype(np.float64) for side in self._kept_maps(path))
        finite = np.isfinite(one) & np.isfinite(other)
        apart: Floats = np.subtract(other, one, out=np.full(one.shape, np.nan), where=finite)
        return apart

    def __repr__(self) -> str:
        same = sum(told.identical for told in self.layers.values())
        layers = counted_text(len(self.layers), "layer")
        return f"Comparison of {self.names[0]} and {self.names[1]}: {layers}, {same:,} identical"

    def _repr_markdown_(self) -> str:
        return markdown_from_value(self)
