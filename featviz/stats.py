"""Numbers about feature maps: range, zeros, dead and constant maps, NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class MapStats:
    """What one map holds.

    Attributes:
        shape: (H, W), in cells.
        low: lowest finite value; 0 when there is none.
        high: highest finite value; 0 when there is none.
        zero_share: share of cells that are exactly 0, from 0 to 1.
        nan_count: cells that are NaN.
        infinite_count: cells that are plus or minus infinity.
    """

    shape: tuple[int, int]
    low: float
    high: float
    zero_share: float
    nan_count: int
    infinite_count: int

    @property
    def broken(self) -> bool:
        """Whether any cell is NaN or infinite."""
        return self.nan_count + self.infinite_count > 0

    @property
    def dead(self) -> bool:
        """Whether every cell is 0."""
        return self.zero_share == 1.0

    @property
    def constant(self) -> bool:
        """Whether every cell holds one and the same finite value."""
        return self.low == self.high and not self.broken


def map_stats(values: npt.NDArray[np.floating]) -> MapStats:
    """Return the numbers about one map.

    Args:
        values: (H, W) floats; NaN and infinity are counted and left out of the range.

    Returns:
        Facts that hold for these values.

    Example:
        >>> stats = map_stats(np.array([[0.0, 2.0], [0.0, -1.0]]))
        >>> stats.low, stats.high, stats.zero_share
        (-1.0, 2.0, 0.5)
    """
    height, width = values.shape
    finite = values[np.isfinite(values)]
    return MapStats(
        shape=(height, width),
        low=float(finite.min()) if finite.size else 0.0,
        high=float(finite.max()) if finite.size else 0.0,
        zero_share=float(np.count_nonzero(values == 0)) / values.size,
        nan_count=int(np.count_nonzero(np.isnan(values))),
        infinite_count=int(np.count_nonzero(np.isinf(values))),
    )
