"""The values of a trace: windows, taps and steps, and the sequence of them.

Places on the *plane*: the input with its padding and, for a transposed convolution, with the
zeros between its cells. Rows and columns count from 0.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import numpy.typing as npt

from featviz import _notebook
from featviz._check import shown, whole_number
from featviz.extraction import AxisPair, Maps, Uncovered
from featviz.geometry import stretched_axis
from featviz.kernels import Kernel
from featviz.rounding import WindowSums
from featviz.vocabulary import CELL_KINDS


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of cells, its gaps included; negative is in the padding."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Tap:
    """One cell that a window touches.

    Attributes:
        row: on the plane.
        column: on the plane.
        channel: of the input.
        kernel_row: of the kernel as it lies on the plane.
        kernel_column: of the kernel as it lies on the plane.
        source: (row, column) of the cell of the input that is read; None for no cell.
        kind: ``"image"``, ``"padding"``, or ``"inserted"`` between the cells of a transposed
            convolution's input.
        value: what stands there; −∞ in the padding of a max-pool.
        weight: the kernel's number; 1 for a pool.
        product: value × weight.
    """

    row: int
    column: int
    channel: int
    kernel_row: int
    kernel_column: int
    source: tuple[int, int] | None
    kind: str
    value: float
    weight: float
    product: float


@dataclass(frozen=True, slots=True)
class Step:
    """How one cell of the output comes about.

    Attributes:
        cell: (row, column) of the output.
        window: on the plane.
        taps: row by row, column by column, channel by channel.
        total: before the activation, the bias added; for an average-pool the sum of the counted
            cells, for other pools the value.
        value: the stage's result; for a filter after the activation.
        bias: what was added to the sum of the products.
        winner: the tap that a max-pool kept, the first of equal ones; else None.
        counted: the taps that an average-pool divides by; else empty.
    """

    cell: tuple[int, int]
    window: Window
    taps: tuple[Tap, ...]
    total: float
    value: float
    bias: float = 0.0
    winner: Tap | None = None
    counted: tuple[Tap, ...] = ()

    @property
    def products(self) -> tuple[float, ...]:
        """The product of each tap."""
        return tuple(tap.product for tap in self.taps)


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a transposed convolution spreads one cell of its input to.

    Attributes:
        cell: (row, column) of the input.
        window: on the result, its gaps included; what lies outside the result is cut off.
        taps: places on the result; ``kind`` is ``"padding"`` for those that are cut off.
    """

    cell: tuple[int, int]
    window: Window
    taps: tuple[Tap, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The steps of one stage and one map, one for each cell of the output.

    Iterating, ``[i]``, ``[row, column]`` and slices give :class:`Step`, made when asked for.

    Attributes:
        stage: one of :data:`featviz.vocabulary.TRACED_STAGES`.
        kernel: the kernel as written; None where the stage has none.
        label: the map's name.
        plane: (H + pads, W + pads, C) float32, what the windows slide over.
        kinds: (H + pads, W + pads) uint8, places in :data:`featviz.vocabulary.CELL_KINDS`.
        origin: (row, column) of the input's first cell on the plane.
        totals: (H', W') float32, before the activation.
        values: (H', W') float32, the stage's result.
        axes: of the rows and of the columns; of a transposed convolution those of the
            convolution that it undoes.
        uncovered: rows and columns of the input that no tap touches; of a transposed
            convolution those of the result that nothing is spread to.
        weights: (h, w) of the kernel as it lies on the plane.
        bias: added to every sum.
        activation: in words.
        pool: the kind of pooling; ``"none"`` for other stages.
        sources: which row of the input each row of the plane reads, and which column each
            column; −1 for none.
        exact: whether the sums were made in float64 and stored as float32.
        told: plane, totals and values with 0 where nothing but rounding is left of a sum.
        sums: how the sums were made: of detect and condense those of the filter before them.
    """

    stage: str
    kernel: Kernel | None
    label: str
    plane: Maps = field(repr=False)
    kinds: npt.NDArray[np.uint8] = field(repr=False)
    origin: tuple[int, int]
    totals: Maps = field(repr=False)
    values: Maps = field(repr=False)
    axes: AxisPair = field(repr=False)
    uncovered: Uncovered
    weights: tuple[tuple[float, ...], ...] = field(repr=False)
    bias: float = 0.0
    activation: str = "linear"
    pool: str = "none"
    sources: tuple[tuple[int, ...], tuple[int, ...]] = field(repr=False, default=((), ()))
    exact: bool = field(repr=False, default=True)
    told: tuple[Maps, Maps, Maps] | None = field(repr=False, default=None)
    sums: WindowSums | None = field(repr=False, default=None)

    @property
    def shape(self) -> tuple[int, int]:
        """(H', W') of the output."""
        rows, columns = self.values.shape
        return int(rows), int(columns)

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) of the stage's input."""
        rows, columns = self.axes
        if self.stage == "transposed":
            return rows.outputs, columns.outputs
        return rows.size, columns.size

    @property
    def stride(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.axes[0].stride, self.axes[1].stride

    @property
    def dilation(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.axes[0].dilation, self.axes[1].dilation

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def __iter__(self) -> Iterator[Step]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int | tuple[int, int]) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, index: int | slice | tuple[int, int]) -> Step | tuple[Step, ...]:
        if isinstance(index, tuple) and len(index) == 2:
            return self.at(*index)
        if isinstance(index, slice):
            return tuple(self[at] for at in range(len(self))[index])
        try:
            at = operator.index(index)
        except TypeError:
            raise TypeError(
                f"index must be a whole number, (row, column) or a slice; got {shown(index)}"
            ) from None
        if not -len(self) <= at < len(self):
            raise IndexError(f"index must be less than {len(self)}; got {at}")
        return self.at(*divmod(at % len(self), self.shape[1]))

    def _repr_markdown_(self) -> str:
        return _notebook.markdown_from_value(self)

    def at(self, row: int, column: int) -> Step:
        """Return the step of the cell (``row``, ``column``) of the output.

        Args:
            row: counted from 0, less than H'.
            column: counted from 0, less than W'.

        Raises:
            ValueError: there is no such cell.
        """
        cell = _cell(row, column, self.shape, "output")
        return self._step(cell, self.plane, self.totals, self.values)

    def without_rounding(self, step: Step) -> Step:
        """Return a step with 0 wherever nothing but rounding is left of a sum.

        Its numbers are those that people are shown; the given step has those that are stored.

        Args:
            step: one of this trace.

        Example:
            >>> import featviz as fv
            >>> told = fv.trace([[0.1, 0.2, -0.3]], "1 1 1", padding="valid")
            >>> told[0].total != 0, told.without_rounding(told[0]).total
            (True, 0.0)
        """
        if self.told is None:
            return step
        return self._step(step.cell, *self.told)

    def _step(self, cell: tuple[int, int], plane: Maps, totals: Maps, values: Maps) -> Step:
        window = self._window(cell)
        taps = tuple(self._taps(window, plane))
        value = float(values[cell])
        step = (cell, window, taps, float(totals[cell]), value)
        if self.stage != "condense":
            return Step(*step, bias=self.bias)
        inside = tuple(tap for tap in taps if tap.kind == "image")
        if self.pool.endswith("max"):
            return Step(*step, winner=_winner(inside, value))
        if self.pool.endswith("average"):
            total = math.fsum(tap.value for tap in inside)
            return Step(cell, window, taps, total, value, counted=inside)
        return Step(*step)

    def spread(self, row: int, column: int) -> Spread:
        """Return where a transposed convolution spreads one cell of its input to.

        Args:
            row: of the input, counted from 0.
            column: of the input, counted from 0.

        Raises:
            ValueError: another stage, or there is no such cell.
        """
        if self.stage != "transposed" or self.kernel is None:
            raise ValueError(f"stage must be 'transposed' to spread a cell; got {self.stage!r}")
        cell = _cell(row, column, self.image_size, "input")
        top, left = (
            at * axis.stride - axis.before for at, axis in zip(cell, self.axes, strict=True)
        )
        on_plane = tuple(
            start + at * step
            for start, at, step in zip(self.origin, cell, self.stride, strict=True)
        )
        value = float(self.plane[on_plane[0], on_plane[1], 0])
        heights, widths = self.shape
        taps = []
        for i, weights in enumerate(self.kernel.rows):
            for j, weight in enumerate(weights):
                y, x = top + i * self.dilation[0], left + j * self.dilation[1]
                kind = "image" if 0 <= y < heights and 0 <= x < widths else "padding"
                number = float(weight)
                product = value * number + 0.0  # no −0
                taps.append(Tap(y, x, 0, i, j, cell, kind, value, number, product))
        height, width = (axis.extent for axis in self.axes)
        return Spread(cell, Window(top, left, height, width), tuple(taps))

    def _window(self, cell: tuple[int, int]) -> Window:
        tops = []
        for at, axis in zip(cell, self.axes, strict=True):
            if self.stage == "transposed":
                tops.append(at + stretched_axis(axis)[1])
            else:
                tops.append(at * axis.stride)
        return Window(tops[0], tops[1], self.axes[0].extent, self.axes[1].extent)

    def _taps(self, window: Window, plane: Maps) -> Iterator[Tap]:
        rows, columns = self.sources
        outside = -math.inf if self.pool.endswith("max") else 0.0
        for i, weights in enumerate(self.weights):
            for j, weight in enumerate(weights):
                y = window.top + i * self.dilation[0]
                x = window.left + j * self.dilation[1]
                kind = CELL_KINDS[self.kinds[y, x]]
                source = (rows[y], columns[x]) if min(rows[y], columns[x]) >= 0 else None
                for channel in range(plane.shape[2]):
                    value = float(plane[y, x, channel]) if source else outside
                    product = value * weight + 0.0  # no −0
                    yield Tap(y, x, channel, i, j, source, kind, value, weight, product)


def _cell(row: int, column: int, size: tuple[int, int], what: str) -> tuple[int, int]:
    cells = []
    for name, value, most in (("row", row, size[0]), ("column", column, size[1])):
        at = whole_number(name, value, minimum=0)
        if at >= most:
            raise ValueError(f"{name} must be less than the {most} {name}s of the {what}; got {at}")
        cells.append(at)
    return cells[0], cells[1]


def _winner(taps: tuple[Tap, ...], value: float) -> Tap:
    """Return the first tap that holds the value, else the largest."""
    largest = max(taps, key=lambda tap: tap.value)
    return next((tap for tap in taps if _same(tap.value, value)), largest)


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))
