"""Numbers about how two layers differ that run along with the batches.

Everything is computed in float64, also for float16 and integers, block by block. The lowest float
of a type, which TensorFlow's max-pool gives for NaN, is left out as NaN and infinity are.
"""

from __future__ import annotations

import math
import sys

import numpy as np
import numpy.typing as npt

from featviz.networks.comparison import LayerComparison
from featviz.networks.twins import blocks_of
from featviz.networks.values import Array
from featviz.stats import lowest_float

Floats = npt.NDArray[np.float64]
# Powers of two beyond which squares come near the ends of float64.
FAR = 400
LOWEST = lowest_float(np.dtype(np.float64))


class RunningDifference:
    """Gathers how one layer of two sides differs, in memory for F channels.

    Args:
        path: of the first side.
        other_path: of the second side.
        sizes: of the maps of one image, (…, F), channels last; () of one number each.

    Attributes:
        sizes: the same.
        images: how many images were taken.

    Example:
        >>> running = RunningDifference("detect", "detect", (2,))
        >>> running.add(np.array([[1.0, 2.0]]), np.array([[1.0, 5.0]]), 1)
        >>> running.result().largest_difference, running.result().place
        (3.0, (0, 1))
    """

    def __init__(self, path: str, other_path: str, sizes: tuple[int, ...]) -> None:
        self.sizes, self.images = sizes, 0
        self._paths = path, other_path
        self._length = self._cells = self._equal = self._place = self._lowest = 0
        channels = sizes[-1] if sizes else 1
        self._channels, self._counts = np.zeros(channels), np.zeros(channels, np.int64)
        self._a, self._b, self._apart = _Length(), _Length(), _Length()
        self._product = 0.0
        self._largest = -1.0

    def add(self, a: Array, b: Array, images: int) -> None:
        """Take the maps of one batch, (B, …, F) of one shape; they are not kept.

        Args:
            a: of the first side.
            b: of the second side.
            images: how many images they are of.
        """
        columns = len(self._channels)
        rows, others = a.reshape(-1, columns), b.reshape(-1, columns)
        with np.errstate(over="ignore", invalid="ignore"):
            for one, two in zip(blocks_of(rows, columns), blocks_of(others, columns), strict=True):
                self._add_block(one, two)
        self._length += len(a)
        self.images += images

    def _add_block(self, a: Array, b: Array) -> None:
        one, two = a.astype(np.float64), b.astype(np.float64)
        finite: npt.NDArray[np.bool_] = np.isfinite(one) & np.isfinite(two)
        low, other_low = (side == lowest_float(side.dtype) for side in (a, b))
        if low.any() or other_low.any():
            one[low], two[other_low] = LOWEST, LOWEST  # of two types they are equal
            lowest = finite & (low | other_low)
            self._lowest += int(lowest.sum())
            finite &= ~lowest
        whole = _is_whole(a, b)
        same = a == b if whole else one == two
        if not finite.all():
            same |= np.isnan(one) & np.isnan(two)
            one, two = (np.where(finite, side, 0.0) for side in (one, two))
        self._equal += int(np.count_nonzero(same))
        apart: Floats = _distance(a, b) if whole else np.abs(two - one)
        self._channels += apart.sum(axis=0)
        self._counts += finite.sum(axis=0)
        self._apart.add(apart)
        (one, step), (two, other_step) = self._a.add(one), self._b.add(two)
        self._product = self._product * step * other_step + float((one * two).sum())
        apart[~finite] = -1.0
        most = int(apart.argmax())
        if apart.flat[most] > self._largest:
            self._largest, self._place = float(apart.flat[most]), self._cells + most
        self._cells += one.size

    def result(self) -> LayerComparison:
        """Return the numbers so far."""
        shape = (self._length, *self.sizes)
        finite = int(self._counts.sum())
        both = math.sqrt(self._a.squares) * math.sqrt(self._b.squares)
        place = tuple(int(index) for index in np.unravel_index(self._place, shape))
        with np.errstate(invalid="ignore"):
            means = self._channels / np.maximum(self._counts, 1)
        return LayerComparison(
            *self._paths,
            shape,
            float(self._channels.sum()) / finite if finite else math.nan,
            self._largest if finite else math.nan,
            place if finite else None,
            self._apart.ratio_to(self._a) if finite else math.nan,
            self._cosine(both) if both else math.nan,
            self._equal / self._cells,
            self._cells - finite,
            np.where(self._counts > 0, means, np.nan),
            self._lowest,
        )

    def _cosine(self, both: float) -> float:
        """Return the cosine, 1 for equal maps however both lengths are rounded."""
        return 1.0 if self._apart.squares == 0 else max(-1.0, min(1.0, self._product / both))


class _Length:
    """A sum of squares in a unit in which it neither overflows nor vanishes.

    Attributes:
        squares: the sum, of the values in that unit.
    """

    def __init__(self) -> None:
        self.squares, self._exponent, self._most = 0.0, 0, 0.0

    def add(self, values: Floats) -> tuple[Floats, float]:
        """Add the squares of finite values.

        Returns:
            The values in the unit, and by what all before must be multiplied for it.
        """
        self._most = max(self._most, float(values.max()), -float(values.min()))
        exponent = math.frexp(min(self._most, sys.float_info.max))[1]
        exponent = exponent if abs(exponent) > FAR else 0
        step = math.ldexp(1.0, self._exponent - exponent) if self.squares else 1.0
        self._exponent = exponent
        scaled = np.ldexp(values, -exponent) if exponent else values
        self.squares = self.squares * step * step + float(np.square(scaled).sum())
        return scaled, step

    def ratio_to(self, other: _Length) -> float:
        """Return this length divided by another one."""
        if other.squares == 0:
            return 0.0 if self.squares == 0 else math.inf
        ratio = math.sqrt(self.squares) / math.sqrt(other.squares)
        with np.errstate(over="ignore"):
            return float(np.ldexp(ratio, self._exponent - other._exponent))


def _is_whole(a: Array, b: Array) -> bool:
    """Whether both are integers of one dtype, of which float64 may not hold each."""
    return a.dtype == b.dtype and a.dtype.kind in "iu"


def _distance(a: Array, b: Array) -> Floats:
    """Return |b − a| of integers of one dtype; modulo 2ⁿ it is right."""
    whole = np.dtype(f"u{a.dtype.itemsize}")
    apart = np.maximum(a, b).astype(whole) - np.minimum(a, b).astype(whole)
    distance: Floats = apart.astype(np.float64)
    return distance
