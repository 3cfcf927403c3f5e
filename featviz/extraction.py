"""The values of one run: what went in, what each step gave, and the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from featviz import _notebook
from featviz._check import one_of, size_text
from featviz.geometry import Axis, Pads, read_cells, uncovered_cells
from featviz.kernels import Kernel
from featviz.rounding import EXACT_UP_TO, WindowSums, pooled_without_rounding, without_rounding
from featviz.vocabulary import STAGES

Maps = npt.NDArray[np.float32]
AxisPair = tuple[Axis, Axis]


def kept(value: Any) -> Any:
    """Return lists as tuples, so that settings cannot change with them."""
    return tuple(map(kept, value)) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run, as they were understood.

    Attributes:
        stride: (rows, columns); of a layer over a volume (slices, rows, columns).
        padding: as given: a word, a number or pads.
        dilation: as ``stride``.
        border: what the padding held.
        bias: a number or one per map, or None.
        activation: in words, its slopes stated.
        pool: the kind of pooling.
        pool_size: of the pool's window, as ``stride``.
        pool_stride: as ``stride``.
        pool_padding: as given.
        color: what was done with the channels of the image.
    """

    stride: tuple[int, ...]
    padding: Any
    dilation: tuple[int, ...]
    border: str
    bias: Any
    activation: str
    pool: str
    pool_size: tuple[int, ...]
    pool_stride: tuple[int, ...]
    pool_padding: Any
    color: str


class ShownImage(NamedTuple):
    """What is drawn for the image where the kernels saw no picture.

    Attributes:
        title: how it stands to what they saw, such as ``before preprocess``.
        words: what must be said of its colours, as lines.
        colours: (H, W, 3) in 0..1.
    """

    title: str
    words: tuple[str, ...]
    colours: Maps


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
        kernels: the kernels, in order; none where a layer of a network was run.
        filtered: (H', W', F), after the convolution and the bias.
        detected: (H', W', F), after the activation.
        condensed: (H", W", F), after pooling.
        labels: F names, such as ``edge`` or ``edge · red``.
        settings: how it was made.
        notes: what else a reader must know: which layers of a network gave the stages, which of
            its maps these are, and what the network was given.
        picture: what is drawn for the image, or None: the image itself.
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
    notes: tuple[str, ...] = ()
    picture: ShownImage | None = field(default=None, repr=False)

    def stage(self, name: str) -> Maps:
        """Return the array of one stage: (H, W, C) for the image, else (H, W, F)."""
        one_of("stage", name, STAGES)
        arrays = (self.image, self.filtered, self.detected, self.condensed)
        return arrays[STAGES.index(name)]

    def without_rounding(self, stage: str, index: int) -> Maps:
        """Return one map of a stage with 0 where rounding alone keeps a value from it.

        Sums of products of floats rarely cancel to exactly 0. A value is taken for 0 where it is
        no more than the rounding of the pixels and of their sum may leave in its own window.

        Args:
            stage: ``"filter"``, ``"detect"`` or ``"condense"``.
            index: of the map, from 0.

        Returns:
            (H', W') float32, read-only where nothing had to be changed.

        Raises:
            ValueError: an unknown stage.

        Example:
            >>> import featviz as fv
            >>> run = fv.extract([[0.1, 0.1, 1]], "1/3 2/3 -1", padding="valid")
            >>> bool(run.filtered[0, 0, 0] == 0), run.without_rounding("filter", 0).tolist()
            (False, [[-0.8999999761581421]])
        """
        one_of("stage", stage, STAGES[1:])
        if not self.kernels:  # how the sums of a layer were made is not known here
            return self.stage(stage)[:, :, index]
        filtered, detected = self.filtered[:, :, index], self.detected[:, :, index]
        sums, pool = self.sums(index), self.settings.pool
        if stage == "filter":
            return without_rounding(filtered, filtered, sums)
        if stage == "detect" or pool == "none":
            return without_rounding(detected, filtered, sums)
        rows, columns = detected.shape
        whole = Axis(rows, rows, 1, 1, 0, 0), Axis(columns, columns, 1, 1, 0, 0)
        return pooled_without_rounding(
            self.condensed[:, :, index], detected, filtered,
            sums=sums, axes=self.pool_axes or whole, average=pool.endswith("average"),
        )  # fmt: skip

    def sums(self, index: int) -> WindowSums:
        """Return how the sums of one filtered map were made.

        Args:
            index: of the map, from 0.
        """
        groups = len(self.labels) // len(self.kernels)
        kernel, channel = self.kernels[index // groups], index % groups
        cells = self.image if groups == 1 else self.image[:, :, channel : channel + 1]
        axes = self.kernel_axes(kernel)
        rows, columns = (np.array(read_cells(axis, self.settings.border)) for axis in axes)
        down, across = (np.arange(axis.outputs) * axis.stride for axis in axes)
        far_down, far_across = self.settings.dilation
        biases = np.ravel(0.0 if self.settings.bias is None else self.settings.bias)
        return WindowSums(
            cells, (rows, columns), (down, across), (far_down, far_across),
            tuple(tuple(map(float, row)) for row in kernel.rows),
            float(biases[index % len(biases)]), self.is_exact,
        )  # fmt: skip

    @property
    def is_exact(self) -> bool:
        """Whether the sums were made in float64: the image is a small one."""
        return self.image.size <= EXACT_UP_TO

    def kernel_axes(self, kernel: Kernel) -> AxisPair:
        """Return how one of the kernels slid over the image: (rows, columns)."""
        return next(
            pair for pair in self.filter_axes if (pair[0].window, pair[1].window) == kernel.shape
        )

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

    def _repr_png_(self) -> bytes | None:
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
