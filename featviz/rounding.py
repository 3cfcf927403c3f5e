"""What rounding leaves of sums: what is 0, and which digits are sure.

Sums of products of floats rarely cancel to exactly 0. What is left is at most a few units in the
last place of Σ |weight·cell| + |bias|, taken over the window that the sum was made of: beside a
pixel of 1e8 a sum of 10 may be nothing, and ten cells further one of 0.001 is what it says. The
cells are rounded as well: 0.1 is stored in float32 as 0.100000001, and such errors are as large
as those of a sum that is made in float32, and a billion times those of one in float64.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featviz.geometry import Axis

# Up to this many values an image is a matrix whose numbers people read: it is computed in
# float64, so that what is stored in float32 is the correctly rounded result (7, not 7.0000005).
EXACT_UP_TO = 64 * 64
LARGEST_FLOAT = float(np.finfo(np.float32).max)
# What float32 loses of a number: at most half a unit in its last place.
HALF_UNIT = 2.0**-24
# A stored number of at most 16 significant bits is taken for the number that was meant: 0.5, 9/8.
_BITS_OF_ROUNDED = np.uint32(0xFF)
MOST_DIGITS = 6
# Cells whose errors are looked up one by one.
_FEW = 64

Maps = npt.NDArray[np.float32]
Places = npt.NDArray[np.integer]


def leftover_share(*, exact: bool) -> float:
    """Return how much of Σ |weight·cell| + |bias| rounding may leave of a sum.

    More than sums of up to 31×31 products lose, about two units in the last place.

    Args:
        exact: whether the sum was made in float64, else in float32.
    """
    return 2.0**-50 if exact else 2.0**-22


def stored_errors(cells: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return how far each cell may lie from the number that it stands for.

    Args:
        cells: any shape, float32 or what was float32.

    Returns:
        The same shape: 0 for whole numbers and short binary fractions, else half a unit in the
        last place; what is not finite has no error.

    Example:
        >>> stored_errors(np.array([3.0, 0.5, 0.1])) * 2**24
        array([0. , 0. , 0.1])
    """
    stored = np.ascontiguousarray(cells, np.float32)
    rounded = (stored.view(np.uint32) & _BITS_OF_ROUNDED != 0) & (np.rint(stored) != stored)
    sizes = np.abs(stored, dtype=np.float64)
    return np.where(rounded & np.isfinite(stored), sizes * HALF_UNIT, 0.0)


def sum_error(
    cells: Iterable[float], weights: Iterable[float], bias: float = 0.0, *, exact: bool = True
) -> float:
    """Return how far a sum of products may lie from what its numbers stand for.

    Args:
        cells: as they are stored in float32.
        weights: as many, of the kernel.
        bias: added to the sum.
        exact: whether the sum was made in float64.

    Example:
        >>> sum_error([0.1, 0.1], [1, -1]) > 1e-8, sum_error([1, 1], [1, -1]) < 1e-14
        (True, True)
    """
    values, factors = np.array(tuple(cells)), np.abs(np.array(tuple(weights), np.float64))
    share = leftover_share(exact=exact)
    with np.errstate(all="ignore"):
        sizes = share * np.abs(values) + stored_errors(values)
        error = float(np.sum(factors * sizes, where=factors > 0)) + share * abs(bias)
    whole = _all_whole(values) and _all_whole(factors) and float(bias).is_integer()
    return min(error, 0.5) if whole else error


def sure_digits(value: float, error: float, *, most: int = MOST_DIGITS) -> int:
    """Return how many significant digits of a value hold, at least 1.

    Args:
        value: any float.
        error: how far it may lie from the truth.
        most: digits that are asked for.

    Example:
        >>> sure_digits(-0.00831364, 4e-7), sure_digits(0.25, 1e-9), sure_digits(1e-9, 1)
        (4, 6, 1)
    """
    if not error or not value or not math.isfinite(value):
        return most
    if not math.isfinite(error):
        return 1
    first = math.floor(math.log10(abs(value)))
    return max(1, min(most, 1 + first - math.ceil(math.log10(2 * error))))


def _all_whole(numbers: npt.NDArray[np.floating]) -> bool:
    return bool(np.all(np.rint(numbers) == numbers))


@dataclass(frozen=True, slots=True, eq=False)
class WindowSums:
    """The sums that made a map: of each window the products, and the bias.

    Attributes:
        cells: (H, W, C), what the windows slide over, without what borders repeat.
        sources: which row of ``cells`` each row of the plane reads, and which column each
            column; −1 for none.
        starts: the first row of the plane of each row of windows, and the first columns.
        dilation: (rows, columns).
        weights: (h, w).
        bias: added to every sum.
        exact: whether the sums were made in float64.
    """

    cells: npt.NDArray[np.floating]
    sources: tuple[Places, Places]
    starts: tuple[Places, Places]
    dilation: tuple[int, int]
    weights: tuple[tuple[float, ...], ...]
    bias: float
    exact: bool

    def most(self) -> float:
        """Return what no bound of these sums is above, found in one look at the cells."""
        finite = np.isfinite(self.cells)
        largest = float(np.abs(self.cells).max(where=finite, initial=0))
        weights = sum(abs(weight) for line in self.weights for weight in line)
        share = leftover_share(exact=self.exact)
        sizes = float(largest) * weights * self.cells.shape[2]
        most: float = (share + HALF_UNIT) * sizes + share * abs(self.bias)
        return min(1.0001 * most, LARGEST_FLOAT)  # more than it loses itself, and no infinity

    def bounds(self, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return the most that rounding may leave: (H', W'), 0 where it is not asked for.

        Args:
            wanted: (H', W'), which cells are asked for.
        """
        down, across = np.nonzero(wanted)
        plane = self._errors()
        pitch, flat = plane.shape[1], plane.ravel()
        first = self.starts[0][down] * pitch + self.starts[1][across]
        errors = np.full(first.shape, leftover_share(exact=self.exact) * abs(self.bias))
        for i, line in enumerate(self.weights):
            for j, weight in enumerate(line):
                if weight:
                    step = i * self.dilation[0] * pitch + j * self.dilation[1]
                    errors += abs(weight) * flat[first + step]
        found = np.zeros(wanted.shape)
        found[down, across] = errors if not self._is_whole() else np.minimum(errors, 0.5)
        return found

    def error_at(self, row: int, column: int) -> float:
        """Return the bound of one cell, computed alone.

        Args:
            row: of the map, from 0.
            column: of the map, from 0.
        """
        tall, wide = len(self.weights), len(self.weights[0])
        rows = self.sources[0][self.starts[0][row] + self.dilation[0] * np.arange(tall)]
        columns = self.sources[1][self.starts[1][column] + self.dilation[1] * np.arange(wide)]
        read = np.minimum.outer(rows, columns) >= 0
        cells = np.where(read[:, :, None], self.cells[rows][:, columns], 0)
        factors = np.broadcast_to(np.array(self.weights)[:, :, None], cells.shape)
        return sum_error(cells.ravel(), factors.ravel(), self.bias, exact=self.exact)

    def errors_at(self, cells: Sequence[tuple[int, int]]) -> list[float]:
        """Return the bounds of some cells, (row, column) each."""
        if len(cells) <= _FEW:
            return [self.error_at(*cell) for cell in cells]
        wanted = np.zeros((len(self.starts[0]), len(self.starts[1])), bool)
        for cell in cells:
            wanted[cell] = True
        bounds = self.bounds(wanted)
        return [float(bounds[cell]) for cell in cells]

    def _is_whole(self) -> bool:
        """Whether all sums are whole numbers, none of which is lost."""
        whole = float(self.bias).is_integer() and _all_whole(np.array(self.weights))
        return whole and _all_whole(self.cells)

    def _errors(self) -> npt.NDArray[np.float64]:
        """Return the plane: what is lost at a cell of all channels, 0 where none is read."""
        share = leftover_share(exact=self.exact)
        sizes = np.abs(self.cells).sum(axis=2, dtype=np.float64) * share
        sizes += stored_errors(self.cells).sum(axis=2)
        rows, columns = self.sources
        plane: npt.NDArray[np.float64] = sizes[rows][:, columns]
        plane[rows < 0] = 0
        plane[:, columns < 0] = 0
        return plane


def without_rounding(values: Maps, before: Maps, sums: WindowSums) -> Maps:
    """Return a map with 0 where nothing but rounding is left of the sums.

    Args:
        values: (H', W'), a filtered map or what an activation made of it; stays as it is.
        before: (H', W'), the filtered map. Where it is more than rounding may leave, a small
            value is a result: sigmoid(−30) is 9.36e−14.
        sums: how ``before`` was made.

    Returns:
        ``values`` itself where none of them is an error of rounding.
    """
    most = sums.most()
    small = (np.abs(before) <= most) & (np.abs(values) <= most) & (values != 0)
    if not small.any():
        return values
    bounds = sums.bounds(small)
    nothing = small & (np.abs(before) <= bounds) & (np.abs(values) <= bounds)
    return np.where(nothing, np.float32(0), values)


def pooled_without_rounding(
    pooled: Maps, detected: Maps, before: Maps, *, sums: WindowSums, axes: tuple[Axis, Axis],
    average: bool,
) -> Maps:  # fmt: skip
    """Return a pooled map with 0 where only rounding is left of all that it pooled.

    A maximum is nothing where all cells of its window are nothing, or below 0. A mean is nothing
    up to the mean of what rounding may leave of the cells; one that the activation made 0 has
    nothing left.

    Args:
        pooled: (H", W"), stays as it is.
        detected: (H', W'), what was pooled.
        before: (H', W'), the filtered map.
        sums: how ``before`` was made.
        axes: how the pool slides over ``detected``.
        average: whether it takes means; else maxima.
    """
    small = (np.abs(pooled) <= sums.most()) & (pooled != 0)
    if not small.any():
        return pooled
    if average:
        left = over_windows(np.add, sums.bounds(detected != 0), axes)
        counts = over_windows(np.add, np.ones(detected.shape), axes)
        nothing = np.abs(pooled) <= left / counts
    else:
        nothing = over_windows(np.maximum, without_rounding(detected, before, sums), axes) == 0
    return np.where(small & nothing, np.float32(0), pooled)


def over_windows(
    reduce: np.ufunc, cells: npt.NDArray[np.floating], axes: tuple[Axis, Axis]
) -> npt.NDArray[np.floating]:
    """Return what a ufunc makes of the cells that each window of a pool sees.

    Args:
        reduce: ``np.add`` or ``np.maximum``.
        cells: (H, W); padding takes no part.
        axes: of the pool, none dilated.

    Example:
        >>> axis = Axis(3, 2, 2, 1, 0, 1)
        >>> over_windows(np.maximum, np.array([[1.0, 5.0, 2.0]]), (Axis(1, 1, 1, 1, 0, 0), axis))
        array([[5., 2.]])
    """
    for place, axis in enumerate(axes):
        starts = np.arange(axis.outputs) * axis.stride - axis.before
        edges = np.stack([np.maximum(starts, 0), np.minimum(starts + axis.window, axis.size)], 1)
        # reduceat wants every edge to be a cell: an end may lie one behind the last.
        longer = np.concatenate([cells, np.zeros_like(cells.take([0], place))], place)
        cells = reduce.reduceat(longer, edges.ravel(), place)
        cells = cells.take(range(0, 2 * axis.outputs, 2), place)
    return cells
