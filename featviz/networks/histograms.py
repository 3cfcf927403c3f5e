"""A histogram of values that come in batches, whose range nobody knows before.

Bins are whole multiples of a power of two; each holds the end that lies farther from 0, so that a
value at the bound of a sigmoid is in the last bin before it. When a value lies beyond the last
bin, neighbours are joined until it fits. So the counts are exact, and the same however the values
are dealt out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featviz.networks.values import Array, frozen

# Bins on each side of 0; at least half of them are in use on the longer side.
SIDE = 64
# Below 2**-1000 the scale itself would leave the range of float64.
LEAST_EXPONENT = -1000


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often values of each size came about; the arrays are read-only.

    Attributes:
        edges: (n + 1,) float64, rising; bin i holds edges[i] < value ≤ edges[i + 1]
            above 0 and edges[i] ≤ value < edges[i + 1] below.
        counts: (n,) int64: finite values other than 0.
        zeros: how many values were exactly 0; no bin holds them.
        nan_count: how many were NaN.
        infinite_count: how many were plus or minus infinity.
        lowest_count: how many were the lowest float of their type; no bin holds them.
    """

    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    zeros: int
    nan_count: int
    infinite_count: int
    lowest_count: int = 0

    def __post_init__(self) -> None:
        frozen(self.edges)
        frozen(self.counts)

    @property
    def total(self) -> int:
        """How many values there were."""
        return int(self.counts.sum()) + self.zeros + self.broken_count

    @property
    def broken_count(self) -> int:
        """How many were NaN, infinite or the lowest float."""
        return self.nan_count + self.infinite_count + self.lowest_count


class RunningHistogram:
    """Counts values as they come.

    Example:
        >>> counts = RunningHistogram()
        >>> counts.add(np.array([0.0, 1.0, -3.0]))
        >>> counts.result(0, 0).edges[[0, -1]].tolist(), counts.result(0, 0).zeros
        ([-3.0, 1.0], 1)
    """

    def __init__(self) -> None:
        self._exponent: int | None = None
        self._counts = np.zeros(2 * SIDE, np.int64)
        self._zeros = 0

    def add(self, values: Array) -> None:
        """Count finite float64 values of any shape."""
        if not values.size:
            return
        zeros = values.size - int(np.count_nonzero(values))
        self._zeros += zeros
        if zeros == values.size:
            return
        self._widen(max(-float(values.min()), float(values.max())))
        # The floor is taken before the shift: 64 − 1e-20 would round to 64.
        scale = math.ldexp(SIDE, -(self._exponent or 0))
        line = values.ravel()
        scaled = line * scale
        bins = np.floor(scaled).astype(np.intp)
        bins -= (bins == scaled) & (scaled > 0)
        if np.count_nonzero(scaled) < values.size - zeros:  # too small beside the others
            bins[(scaled == 0) & (line < 0)] = -1
        bins += SIDE
        self._counts += np.bincount(bins, minlength=2 * SIDE)
        self._counts[SIDE] -= zeros

    def _widen(self, most: float) -> None:
        """Join neighbours until the bins reach to ±``most``."""
        mantissa, exponent = math.frexp(most)
        needed = max(exponent - (mantissa == 0.5), LEAST_EXPONENT)
        if self._exponent is None:
            self._exponent = needed
        elif needed > self._exponent:
            # Shifting rounds down, below 0 as well: bin −1 stays the bin below 0.
            bins = (np.arange(-SIDE, SIDE) >> min(needed - self._exponent, 60)) + SIDE
            counts = np.zeros_like(self._counts)
            np.add.at(counts, bins, self._counts)
            self._counts, self._exponent = counts, needed

    def result(self, nan_count: int, infinite_count: int, lowest_count: int = 0) -> Histogram:
        """Return the counts so far, without empty bins at the ends."""
        used = np.flatnonzero(self._counts)
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (SIDE, SIDE)
        with np.errstate(over="ignore"):
            edges = np.ldexp(np.arange(first, last + 1) - SIDE + 0.0, (self._exponent or 0) - 6)
        edges = np.nan_to_num(edges)  # 2**1024 is infinite already
        counts = self._counts[first:last].copy()
        return Histogram(edges, counts, self._zeros, nan_count, infinite_count, lowest_count)
