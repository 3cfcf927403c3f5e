"""The values of one run: what went in, what each step gave, and the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz import _notebook
from featviz._check import one_of, size_text
from featviz.geometry import Axis, Pads, uncovered_cells
from featviz.kernels import Kernel
from featviz.vocabulary import STAGES

# Up to this many values an image is a matrix whose numbers people read: it is computed in
# float64, so that what is stored in float32 is the correctly rounded result (7, not 7.0000005).
EXACT_UP_TO = 64 * 64

Maps = npt.NDArray[np.float32]
AxisPair = tuple[Axis, Axis]


def kept(value: Any) -> Any:
    """Return lists as tuples, so that settings cannot change with them."""
    return tuple(map(kept, value)) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run, as they were understood.

    Attributes:
        stride: (rows, columns).
        padding: as given: a word, a number or pads.
        dilation: (rows, columns).
        border: what the padding held.
        bias: a number or one per map, or None.
        activation: in words, its slopes stated.
        pool: the kind of pooling.
        pool_size: (rows, columns) of the pool's window.
        pool_stride: (rows, columns).
        pool_padding: as given.
        color: what was done with the channels of the image.
    """

    stride: tuple[int, int]
    padding: Any
    dilation: tuple[int, int]
    border: str
    bias: Any
    activation: str
    pool: str
    pool_size: tuple[int, int]
    pool_stride: tuple[int, int]
    pool_padding: Any
    color: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Rows and columns, counted from 0, that no window reached."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.rows or self.columns)


@dataclass(frozen=True, slots=True, eq=False)
class Extraction:
    """Every stage of one run; all arrays are float32 and read-only.

    Attributes:
        image: (H, W, C), what the kernels saw (C = 1 with ``color="grey"``).
        kernels: the kernels, in order.
        filtered: (H', W', F), after the convolution and the bias.
        detected: (H', W', F), after the activation.
        condensed: (H", W", F), after pooling.
        labels: F names, such as ``edge`` or ``edge · red``.
        settings: how it was made.
    """

    image: Maps
    kernels: tuple[Kernel, ...]
    filtered: Maps
    detected: Maps
    condensed: Maps
    labels: tuple[str, ...]
    settings: Settings
    filter_axes: tuple[AxisPair, ...] = field(repr=False)
    pool_axes: AxisPair | None = field(repr=False)

    def stage(self, name: str) -> Maps:
        """Return the array of one stage: (H, W, C) for the image, else (H, W, F)."""
        one_of("stage", name, STAGES)
        arrays = (self.image, self.filtered, self.detected, self.condensed)
        return arrays[STAGES.index(name)]

    def rounding(self, index: int) -> float:
        """Return how far from 0 rounding alone may have put a value of map ``index``.

        Sums of products of floats rarely cancel to exactly 0. The bound is a few units in the
        last place of the largest sum that the kernel can make of this image.
        """
        kernel = self.kernels[index * len(self.kernels) // len(self.labels)]
        channels = self.image.shape[2] if self.settings.color == "sum" else 1
        weights = sum(abs(float(value)) for row in kernel.rows for value in row)
        bias = 0.0 if self.settings.bias is None else float(np.abs(self.settings.bias).max())
        largest = weights * float(np.abs(self.image).max()) * channels + bias
        return largest * (2.0**-50 if self.image.size <= EXACT_UP_TO else 2.0**-22)

    @property
    def pads(self) -> Pads:
        """((top, bottom), (left, right)): the cells really added for the convolution.

        Kernels of different shapes are padded each by its own rule; this is the most that any
        of them got on each side.
        """
        return _most(self.filter_axes)

    @property
    def pool_pads(self) -> Pads:
        """((top, bottom), (left, right)): the cells really added for the pooling."""
        return _most((self.pool_axes,)) if self.pool_axes else ((0, 0), (0, 0))

    @property
    def uncovered(self) -> Uncovered:
        """Rows and columns of the image that no window of any kernel reached."""
        return _unreached(self.filter_axes, self.settings.border)

    @property
    def pool_uncovered(self) -> Uncovered:
        """Rows and columns of the detected maps that no window of the pool reached."""
        return _unreached((self.pool_axes,) if self.pool_axes else (), "zeros")

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {size_text(self.stage(name).shape)}" for name in STAGES)
        return f"Extraction({', '.join(self.labels)}: {sizes})"

    def _repr_png_(self) -> bytes:
        return _notebook.png_from_value(self)


def _most(pairs: tuple[AxisPair, ...]) -> Pads:
    top, bottom, left, right = (
        max(getattr(pair[axis], side) for pair in pairs)
        for axis in (0, 1)
        for side in ("before", "after")
    )
    return (top, bottom), (left, right)


def _unreached(pairs: tuple[AxisPair, ...], border: str) -> Uncovered:
    if not pairs:
        return Uncovered((), ())
    rows, columns = (
        set.intersection(*(set(uncovered_cells(pair[axis], border)) for pair in pairs))
        for axis in (0, 1)
    )
    return Uncovered(tuple(sorted(rows)), tuple(sorted(columns)))
