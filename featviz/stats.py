"""Numbers about feature maps: range, zeros, dead and constant maps, NaN.

TensorFlow's max-pool gives the lowest float of the type for a window of NaN. Such cells are
counted apart and left out of the range, as NaN is: one of them would make every scale useless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._check import shown

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class MapStats:
    """What one map holds.

    Attributes:
        shape: (H, W), in cells.
        low: lowest finite value but the lowest float; 0 when there is none.
        high: highest such value; 0 when there is none.
        zero_share: share of cells that are exactly 0, from 0 to 1.
        nan_count: cells that are NaN.
        infinite_count: cells that are plus or minus infinity.
        lowest_count: cells that are the lowest float of their type.
    """

    shape: tuple[int, int]
    low: float
    high: float
    zero_share: float
    nan_count: int
    infinite_count: int
    lowest_count: int = 0

    @property
    def broken_count(self) -> int:
        """How many cells are NaN, infinite or the lowest float."""
        return self.nan_count + self.infinite_count + self.lowest_count

    @property
    def broken(self) -> bool:
        """Whether any cell is NaN, infinite or the lowest float."""
        return self.broken_count > 0

    @property
    def dead(self) -> bool:
        """Whether every cell is 0."""
        return self.zero_share == 1.0

    @property
    def constant(self) -> bool:
        """Whether every cell holds one and the same finite value."""
        return self.low == self.high and not self.broken


def map_stats(values: Floats) -> MapStats:
    """Return the numbers about one map.

    Args:
        values: (H, W) floats; NaN, infinity and the lowest float of their type are counted and
            left out of the range.

    Returns:
        Facts that hold for these values.

    Raises:
        ValueError: no map, or several.
        TypeError: no array of real numbers.

    Example:
        >>> stats = map_stats(np.array([[0.0, 2.0], [0.0, -1.0]]))
        >>> stats.low, stats.high, stats.zero_share
        (-1.0, 2.0, 0.5)
    """
    if not isinstance(values, np.ndarray):
        raise TypeError(f"values must be an array; got {shown(values)}; take numpy.asarray(values)")
    if values.dtype.kind not in "biuf" and "float" not in values.dtype.name:
        raise TypeError(f"values must be real numbers; got {values.dtype}")
    if values.ndim != 2 or not values.size:
        raise ValueError(f"values must be one map (H, W); got {values.shape}; take maps[:, :, n]")
    height, width = values.shape
    lowest = values == lowest_float(values.dtype)
    finite = values[np.isfinite(values) & ~lowest]
    return MapStats(
        shape=(height, width),
        low=float(finite.min()) if finite.size else 0.0,
        high=float(finite.max()) if finite.size else 0.0,
        zero_share=float(np.count_nonzero(values == 0)) / values.size,
        nan_count=int(np.count_nonzero(np.isnan(values))),
        infinite_count=int(np.count_nonzero(np.isinf(values))),
        lowest_count=int(np.count_nonzero(lowest)),
    )


def lowest_float(kind: np.dtype[Any]) -> float:
    """Return the lowest number of a type of floats, NaN for other types.

    Example:
        >>> lowest_float(np.dtype("float16")), lowest_float(np.dtype("int8"))
        (-65504.0, nan)
    """
    if kind.name == "bfloat16":  # which numpy does not know: 8 bits of exponent, 7 behind the point
        return -(2 - 2**-7) * 2.0**127
    # The kind of float8_e5m2 is "f" too, of which numpy knows no more.
    return float(np.finfo(kind).min) if issubclass(kind.type, np.floating) else np.nan


def cast_floats(values: npt.NDArray[Any], kind: npt.DTypeLike) -> Floats:
    """Return numbers as other floats, the lowest float as the new lowest.

    Args:
        values: real numbers of any shape.
        kind: float32 or float64.

    Example:
        >>> cast_floats(np.array([-65504], np.float16), np.float32) == np.finfo(np.float32).min
        array([ True])
    """
    lowest = values == lowest_float(values.dtype)
    if values.dtype == kind or not lowest.any():
        return values.astype(kind, copy=False)
    # A narrower type has no room for it, and numpy 1.26 no common type of 0 and bfloat16.
    floats: Floats = np.where(lowest, values.dtype.type(0), values).astype(kind)
    floats[lowest] = lowest_float(floats.dtype)
    return floats


def hide_lowest_floats(values: Floats) -> Floats:
    """Return values with NaN for the lowest float, as pictures show them.

    Args:
        values: floats of any shape.

    Returns:
        The same array where it has none, else a new one.

    Example:
        >>> hide_lowest_floats(np.array([1.0, np.finfo(float).min])).tolist()
        [1.0, nan]
    """
    lowest = values == lowest_float(values.dtype)
    return np.where(lowest, values.dtype.type(np.nan), values) if lowest.any() else values
