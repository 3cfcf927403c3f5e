"""Numbers about the channels of a layer that run along with the batches.

Everything is computed in float64, also for float16 and integers. NaN, infinity and the lowest float
of the type, which TensorFlow's max-pool gives for NaN, are counted and left out of mean, deviation
and range; "finite" below means none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featviz.networks.histograms import Histogram, RunningHistogram
from featviz.networks.twins import Twins, blocks_of
from featviz.networks.values import Array, frozen
from featviz.stats import lowest_float

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# Squares of what is larger, or than 1 / LARGEST smaller, leave float64: such channels are counted
# in a unit of their own.
LARGEST = 1e140
UNIT = 2.0**-600
# Beyond a bound of 1 by more than rounding.
BEYOND = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class ChannelStats:
    """The numbers about each channel of one layer; every array is (F,), read-only.

    Attributes:
        count: values in each channel: images times positions.
        mean: of the finite values; NaN where there is none.
        deviation: their standard deviation, that of all values and no estimate.
        low: the lowest finite value.
        high: the highest finite value.
        zeros: how many values are exactly 0.
        nan_count: how many are NaN.
        infinite_count: how many are plus or minus infinity.
        lowest_count: how many are the lowest float of their type.
        saturated: how many lie within the tolerance of a bound, or None without a bound.
        twins: groups of channels that are equal throughout, each in rising order.
        histogram: of the values of all channels.
        first_broken: number of the first image with a value that is not finite, from 0, or None.
        one_value: whether all finite values are one; float64 alone does not tell that of 64 bits.
    """

    count: int
    mean: Floats
    deviation: Floats
    low: Floats
    high: Floats
    zeros: Counts
    nan_count: Counts
    infinite_count: Counts
    lowest_count: Counts
    saturated: Counts | None
    twins: tuple[tuple[int, ...], ...]
    histogram: Histogram
    first_broken: int | None
    one_value: Flags

    def __post_init__(self) -> None:
        arrays = (self.mean, self.deviation, self.low, self.high, self.zeros, self.nan_count)
        others = (self.infinite_count, self.lowest_count, self.saturated, self.one_value)
        for array in (*arrays, *others):
            if array is not None:
                frozen(array)


def _reach(bounds: tuple[float, ...]) -> float:
    """Return how far apart bounds are, at most 1; of one alone, how far it is from 0."""
    return min(1.0, max((*bounds, 0.0)) - min((*bounds, 0.0))) if bounds else 1.0


class RunningStats:
    """Gathers the numbers of one layer, batch by batch, in memory for F channels.

    Args:
        channels: F.
        bounds: values that the activation cannot leave, none if it has none.
        tolerance: how near to a bound a value counts as saturated; of a range below 1, the share
            of it.

    Attributes:
        tolerance: how near that is.
    """

    def __init__(self, channels: int, bounds: tuple[float, ...] = (), tolerance: float = 0.0):
        self.channels = channels
        self.bounds, self.tolerance = bounds, tolerance * _reach(bounds)
        self._finite = np.zeros(channels, np.int64)
        self._mean, self._squares = np.zeros(channels), np.zeros(channels)
        self._origin, self._unit = np.zeros(channels), np.ones(channels)
        self._low, self._high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self._zeros, self._nan, self._infinite, self._lowest, self._saturated = np.zeros(
            (5, channels), np.int64
        )
        self._count = self._images = 0
        self._first_broken: int | None = None
        self._histogram, self._twins = RunningHistogram(), Twins(channels)
        self._row: Array | None = None
        self._varied = np.zeros(channels, np.bool_)

    @property
    def is_broken(self) -> bool:
        """Whether any value was NaN, infinite or the lowest float."""
        return bool((self._nan + self._infinite + self._lowest).any())

    @property
    def is_bounded(self) -> bool:
        """Whether there are bounds, and no value is beyond them."""
        if not self.bounds:
            return False
        low = min(self.bounds) if len(self.bounds) > 1 else -np.inf
        above = (self._high > max(self.bounds) * (1 + BEYOND)).any()
        below = (self._low < low - BEYOND).any()
        return not (above or below or (self._infinite + self._lowest).any())

    @property
    def has_values(self) -> bool:
        """Whether any value was seen; a layer may give arrays without cells."""
        return self._count > 0

    def add(self, values: Array, first: int | None = None) -> None:
        """Take one batch, (B, …, F) of any real dtype; it is not kept.

        Args:
            values: of the batch.
            first: number of its first image; None: it follows the batch before.
        """
        rows = values.reshape(-1, self.channels)
        for block in blocks_of(rows, self.channels):
            self._add_block(block.astype(np.float64), lowest_float(block.dtype))
        self._twins.add(rows)
        if rows.dtype.kind in "iu" and rows.dtype.itemsize == 8 and len(rows):
            self._row = rows[0].copy() if self._row is None else self._row
            self._varied |= (rows != self._row).any(axis=0)
        if self._first_broken is None and self.is_broken:
            line = values.reshape(len(values), -1)
            each = (np.isfinite(line) & (line != lowest_float(line.dtype))).all(axis=1)
            self._first_broken = (self._images if first is None else first) + int(np.argmin(each))
        self._count += len(rows)
        self._images += len(values)

    def _add_block(self, block: Floats, lowest: float) -> None:
        finite = np.isfinite(block)
        self._zeros += (block == 0).sum(axis=0)
        if not finite.all():
            self._nan += np.isnan(block).sum(axis=0)
            self._infinite += np.isinf(block).sum(axis=0)
        low = block.min(axis=0, initial=np.inf, where=finite)
        if (low == lowest).any():  # else no cell need be looked at once more
            hidden = block == lowest
            self._lowest += hidden.sum(axis=0)
            block[hidden], finite[hidden] = np.nan, False
            low = block.min(axis=0, initial=np.inf, where=finite)
        whole = bool(finite.all())
        for bound in self.bounds:
            self._saturated += (np.abs(block - bound) <= self.tolerance).sum(axis=0)
        self._low = np.minimum(self._low, low)
        self._high = np.maximum(self._high, block.max(axis=0, initial=-np.inf, where=finite))
        self._find_origin(block, finite)
        self._find_unit()
        apart = (block - self._origin) * self._unit
        self._merge(apart if whole else np.where(finite, apart, 0.0), finite)
        self._histogram.add(block if whole else block[finite])

    def _find_origin(self, block: Floats, finite: npt.NDArray[np.bool_]) -> None:
        """Take each channel's first finite value as what sums are counted from.

        A mean of 10⁹ is stored to 10⁻⁷ only; the distance from a neighbour is stored well.
        """
        rows = finite.argmax(axis=0)
        columns = np.arange(self.channels)
        value = block[rows, columns]
        new = (self._finite == 0) & finite[rows, columns] & (np.abs(value) < LARGEST)
        self._origin = np.where(new, value, self._origin)

    def _find_unit(self) -> None:
        """Choose the unit of mean and squares by what a channel's largest number is."""
        most = np.maximum(-self._low, self._high)
        small = (most > 0) & (most < 1 / LARGEST)
        unit = np.where(most > LARGEST, UNIT, np.where(small, 1 / UNIT, 1.0))
        step = unit / self._unit
        self._mean *= step
        self._squares = self._squares * step * step  # UNIT squared would be 0
        self._unit = unit

    def _merge(self, block: Floats, finite: npt.NDArray[np.bool_]) -> None:
        """Join mean and sum of squared deviations of a block to those before.

        Source:
            Chan, Golub, LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
            Variances, Stanford STAN-CS-79-773 (1979), equations 2.1; the corrected two-pass
            sum, equation 1.7, within the block.
        """
        count = finite.sum(axis=0)
        some = np.maximum(count, 1)
        mean = block.sum(axis=0) / some
        apart = (block - mean) * finite
        rest = apart.sum(axis=0)
        squares = np.square(apart, out=apart).sum(axis=0) - rest**2 / some
        mean += rest / some
        total = np.maximum(self._finite + count, 1)
        step = mean - self._mean
        self._mean += step * (count / total)
        self._squares += squares + step**2 * (self._finite * (count / total))
        self._finite += count

    def result(self) -> ChannelStats:
        """Return the numbers so far."""
        none = self._finite == 0
        deviation = np.sqrt(np.maximum(self._squares, 0) / np.maximum(self._finite, 1))
        deviation /= self._unit
        low, high, mean = (
            np.where(none, np.nan, values)
            for values in (self._low, self._high, self._mean / self._unit + self._origin)
        )
        # A mean of equal values is that value; sums leave a trace of rounding.
        one = (low == high) & ~self._varied
        broken = np.stack([self._nan, self._infinite, self._lowest])
        return ChannelStats(
            self._count,
            np.where(one, low, np.clip(mean, low, high)),
            np.where(none, np.nan, np.where(one, 0.0, deviation)),
            low + 0.0,
            high + 0.0,
            self._zeros.copy(),
            self._nan.copy(),
            self._infinite.copy(),
            self._lowest.copy(),
            self._saturated.copy() if self.is_bounded else None,
            tuple(sorted(tuple(group.tolist()) for group in self._twins.groups)),
            self._histogram.result(*map(int, broken.sum(axis=1))),
            self._first_broken,
            one,
        )
