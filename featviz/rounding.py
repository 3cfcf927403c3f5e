"""What rounding leaves of sums that are 0, cell by cell.

Sums of products of floats rarely cancel to exactly 0. What is left is at most a few units in the
last place of Σ |weight·cell| + |bias|, taken over the window that the sum was made of: beside a
pixel of 1e8 a sum of 10 may be nothing, and ten cells further one of 0.001 is what it says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featviz.geometry import Axis

# Up to this many values an image is a matrix whose numbers people read: it is computed in
# float64, so that what is stored in float32 is the correctly rounded result (7, not 7.0000005).
EXACT_UP_TO = 64 * 64
LARGEST_FLOAT = float(np.finfo(np.float32).max)

Maps = npt.NDArray[np.float32]
Places = npt.NDArray[np.integer]


def leftover_share(*, exact: bool) -> float:
    """Return how much of Σ |weight·cell| + |bias| rounding may leave of a sum.

    More than sums of up to 31×31 products lose, about two units in the last place.

    Args:
        exact: whether the sum was made in float64, else in float32.
    """
    return 2.0**-50 if exact else 2.0**-22


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
        most: float = leftover_share(exact=self.exact) * (
            float(largest) * weights * self.cells.shape[2] + abs(self.bias)
        )
        return min(1.0001 * most, LARGEST_FLOAT)  # more than it loses itself, and no infinity

    def bounds(self, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return the most that rounding may leave: (H', W'), 0 where it is not asked for.

        Args:
            wanted: (H', W'), which cells are asked for.
        """
        down, across = np.nonzero(wanted)
        plane = self._magnitudes()
        pitch, flat = plane.shape[1], plane.ravel()
        first = self.starts[0][down] * pitch + self.starts[1][across]
        sizes = np.full(first.shape, abs(self.bias))
        for i, line in enumerate(self.weights):
            for j, weight in enumerate(line):
                if weight:
                    step = i * self.dilation[0] * pitch + j * self.dilation[1]
                    sizes += abs(weight) * flat[first + step]
        found = np.zeros(wanted.shape)
        found[down, across] = leftover_share(exact=self.exact) * sizes
        return found

    def _magnitudes(self) -> npt.NDArray[np.float64]:
        """Return the plane: Σ |cell| over the channels, 0 where no cell is read."""
        sizes = np.abs(self.cells).sum(axis=2, dtype=np.float64)
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
