"""The :class:`Kernel` value: exact numbers in rows and columns, and its algebra.

A kernel is laid on the image as it is written (cross-correlation, as in ``tf.nn.conv2d``): it
is not turned by 180° first. Rows run from top to bottom, columns from left to right. Whole
numbers stay ``int``, ``"1/9"`` and decimal text become :class:`fractions.Fraction`, floats stay
floats; nothing here needs numpy.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from featviz._check import one_of, shown, size_text
from featviz.kernel_rows import (
    Number,
    Rows,
    number_from,
    number_text,
    rows_from,
    rows_from_text,
    settled,
)

__all__ = [
    "Kernel",
    "Number",
    "Rows",
    "describe_kernel",
    "number_from",
    "number_text",
    "rows_from",
    "rows_from_text",
]

# Gaussian elimination leaves this much of the largest entry behind for a kernel of floats.
_RANK_TOLERANCE = 1e-9
# Pairs of entries that ``composed`` multiplies; 64×64 after 64×64 takes a few seconds.
_MOST_PRODUCTS = 2**24


def _total(values: Iterable[Number]) -> Number:
    numbers = list(values)
    if any(isinstance(value, float) for value in numbers):
        try:
            total, size = math.fsum(numbers), math.fsum(abs(float(number)) for number in numbers)
            # What is below the rounding of the numbers themselves is no sum.
            return settled(total if abs(total) > 2.0**-53 * size else 0.0, "kernel sums")
        except (OverflowError, ValueError):
            raise ValueError("kernel sums must be finite; got more than a float holds") from None
    return settled(sum(numbers), "kernel sums")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of any numbers of rows and columns; immutable, hashable, exact.

    Two kernels are equal when their rows and their names are; compare ``rows`` for the numbers.

    Args:
        rows: (h, w) numbers: nested sequences, an array, a tensor, a sympy matrix, or text such
            as ``"-1 0 1; -2 0 2; -1 0 1"``; entries may be text like ``"1/9"``. Of another
            kernel the rows are taken.
        name: what labels call it.
        source: where the numbers come from; kernels are equal whatever it says.

    Raises:
        TypeError: not rows of real numbers, or a name or source that is no text.
        ValueError: empty, ragged, NaN or infinity, or an empty name.

    Example:
        >>> kernel = Kernel("1 0 -1; 2 0 -2; 1 0 -1", name="left")
        >>> kernel.shape, kernel.sum, kernel.output_range, kernel.rank
        ((3, 3), 0, (-4, 4), 1)
        >>> kernel.factors
        ((1, 2, 1), (1, 0, -1))
    """

    rows: Rows
    name: str = field(default="kernel", kw_only=True)
    source: str = field(default="", kw_only=True, compare=False)

    if TYPE_CHECKING:  # the generated one would ask for tuples of tuples

        def __init__(self, rows: Any, *, name: str = "kernel", source: str = "") -> None: ...

    def __post_init__(self) -> None:
        given: Any = self.rows
        rows = given.rows if isinstance(given, Kernel) else rows_from(given)
        object.__setattr__(self, "rows", rows)
        texts: tuple[tuple[str, Any], ...] = (("name", self.name), ("source", self.source))
        for argument, text in texts:
            if not isinstance(text, str):
                raise TypeError(f"{argument} must be a text; got {shown(text)}")
        if not self.name.strip():
            raise ValueError(f"name must be a text that is not empty; got {shown(self.name)}")

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns, (h, w)."""
        return len(self.rows), len(self.rows[0])

    @property
    def sum(self) -> Number:
        """Sum of all entries: what a constant image of 1 becomes away from the border."""
        return _total(value for row in self.rows for value in row)

    @property
    def output_range(self) -> tuple[Number, Number]:
        """Lowest and highest value that any image in 0..1 can give (no bias)."""
        values = [value for row in self.rows for value in row]
        return _total(v for v in values if v < 0), _total(v for v in values if v > 0)

    @property
    def rank(self) -> int:
        """Matrix rank, 0 to min(h, w): how many pairs of factors rebuild the kernel.

        Exact for whole numbers and fractions; with floats, remainders below 1e-9 of the
        largest entry count as zero.
        """
        return len(_pivots(self.rows, most=min(self.shape)))

    @property
    def factors(self) -> tuple[tuple[Number, ...], tuple[Number, ...]] | None:
        """Column (h numbers) and row (w numbers) whose outer product is the kernel.

        None when the kernel is not separable, that is, when its rank is not 1. The row is taken
        from the kernel and made as small as whole numbers allow; a smoothing factor is
        positive, so that a Sobel kernel is (−1 0 1)ᵀ × (1 2 1).
        """
        pivots = _pivots(self.rows, most=2)
        if len(pivots) != 1:
            return None
        i, j = pivots[0]
        row = self.rows[i]
        scale: Number = 1
        if not any(isinstance(value, float) for value in row):
            scale = Fraction(
                math.gcd(*(Fraction(value).numerator for value in row)),
                math.lcm(*(Fraction(value).denominator for value in row)),
            )
        row = tuple(settled(value / scale, "factor") for value in row)
        anchor = row[j] if isinstance(row[j], float) else Fraction(row[j])
        column = tuple(settled(entries[j] / anchor, "factor") for entries in self.rows)
        one_sided = all(value <= 0 for value in row) and any(value < 0 for value in column)
        if one_sided or all(value <= 0 for value in column):
            column, row = tuple(-v for v in column), tuple(-v for v in row)
        return column, row

    def rotated(self, degrees: int = 90) -> Kernel:
        """Return the kernel turned counter-clockwise by a multiple of 90 degrees.

        A kernel turned by 180° is the one that flips cross-correlation into convolution.

        Raises:
            TypeError: not a whole number.
            ValueError: not a multiple of 90.

        Example:
            >>> print(Kernel("1 2; 3 4").rotated(90))
            2 4
            1 3
        """
        rule = f"degrees must be a multiple of 90; got {shown(degrees)}"
        try:
            turn = operator.index(degrees) % 360
        except TypeError:
            raise TypeError(rule) from None
        if turn % 90:
            raise ValueError(rule)
        rows = self.rows
        for _ in range(turn // 90):
            rows = tuple(zip(*rows, strict=True))[::-1]
        return Kernel(rows, name=f"{self.name} turned {turn}°", source=self.source)

    def flipped(self, direction: str = "horizontal") -> Kernel:
        """Return the mirrored kernel.

        Args:
            direction: ``"horizontal"`` swaps left and right, ``"vertical"`` top and bottom,
                ``"both"`` turns the kernel by 180°.

        Returns:
            A kernel of the same shape.
        """
        one_of("direction", direction, ("horizontal", "vertical", "both"))
        rows = self.rows if direction == "horizontal" else self.rows[::-1]
        if direction != "vertical":
            rows = tuple(row[::-1] for row in rows)
        return Kernel(rows, name=f"{self.name} flipped", source=self.source)

    def normalised(self) -> Kernel:
        """Return the kernel divided by its sum, so that a constant image keeps its value.

        Raises:
            ValueError: the sum is 0, as for every edge kernel.

        Example:
            >>> print(Kernel("1 2 1").normalised())
            1/4 1/2 1/4
        """
        total = self.sum
        inexact = any(isinstance(value, float) for row in self.rows for value in row)
        largest = max(abs(float(value)) for row in self.rows for value in row)
        if total == 0 or (inexact and abs(float(total)) <= _RANK_TOLERANCE * largest):
            raise ValueError(f"kernel must have a sum other than 0; got {self.name!r}, sum 0")
        divisor = total if isinstance(total, float) else Fraction(total)
        rows = tuple(tuple(value / divisor for value in row) for row in self.rows)
        return Kernel(rows, name=f"{self.name} normalised", source=self.source)

    def composed(self, after: Kernel) -> Kernel:
        """Return the one kernel that equals this one followed by ``after``.

        Its shape is (h₁ + h₂ − 1, w₁ + w₂ − 1). The equality is exact where no window reaches
        over the border: padding ``"valid"``, or ``"full"`` on both sides.

        Raises:
            TypeError: ``after`` is no Kernel.
            ValueError: more than 16 777 216 products of two entries.

        Example:
            >>> print(Kernel([[1, -1]]).composed(Kernel([[1], [2]])))
            1 -1
            2 -2
        """
        if not isinstance(after, Kernel):
            raise TypeError(f"after must be a Kernel, such as PRESETS['edge']; got {shown(after)}")
        if math.prod(self.shape + after.shape) > _MOST_PRODUCTS:
            raise ValueError(
                f"after must need at most {_MOST_PRODUCTS} products; "
                f"got {size_text(after.shape)} after {size_text(self.shape)}"
            )
        height = len(self.rows) + len(after.rows) - 1
        rows = tuple(_composed_row(self.rows, after.rows, i) for i in range(height))
        return Kernel(rows, name=f"{self.name} then {after.name}")

    def __str__(self) -> str:
        cells = [[number_text(value) for value in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in cells
        )

    def __repr__(self) -> str:
        if any(isinstance(value, float) for row in self.rows for value in row):  # 0.1 is not 1/10
            written = ", ".join(f"[{', '.join(map(_entry_text, row))}]" for row in self.rows)
            return f"Kernel([{written}], name={self.name!r})"
        text = "; ".join(" ".join(map(str, row)) for row in self.rows)
        return f"Kernel({text!r}, name={self.name!r})"

    def _repr_latex_(self) -> str:
        lines = r" \\ ".join(" & ".join(map(_latex_text, row)) for row in self.rows)
        return rf"$\displaystyle \begin{{bmatrix}} {lines} \end{{bmatrix}}$"


def _entry_text(value: Number) -> str:
    return repr(str(value)) if isinstance(value, Fraction) else repr(value)


def _latex_text(value: Number) -> str:
    if isinstance(value, Fraction):
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    digits, _, exponent = number_text(value).partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent else digits


def _composed_row(first: Rows, then: Rows, line: int) -> tuple[Number, ...]:
    """Return row ``line`` of the full convolution of two kernels."""
    cells: list[list[Number]] = [[] for _ in range(len(first[0]) + len(then[0]) - 1)]
    for i in range(max(0, line - len(then) + 1), min(line + 1, len(first))):
        for j, value in enumerate(first[i]):
            for n, other in enumerate(then[line - i]):
                cells[j + n].append(value * other)
    return tuple(_total(cell) for cell in cells)


def _pivots(rows: Rows, *, most: int) -> list[tuple[int, int]]:
    """Return where elimination with full pivoting finds its first ``most`` pivots.

    Exact numbers are made whole row by row and stay whole (Bareiss, 1968, Mathematics of
    Computation 22: every division by the pivot before leaves no remainder).
    """
    inexact = any(isinstance(value, float) for row in rows for value in row)
    left: list[list[Any]] = _scaled(rows) if inexact else [_whole(row) for row in rows]
    cells = [(i, j) for i in range(len(rows)) for j in range(len(rows[0]))]
    floor = _RANK_TOLERANCE if inexact else 0
    pivots: list[tuple[int, int]] = []
    before: Any = 1
    while len(pivots) < min(most, len(rows), len(rows[0])):
        i, j = max(cells, key=lambda cell: abs(left[cell[0]][cell[1]]))
        pivot, pivot_row = left[i][j], list(left[i])
        if abs(pivot) <= floor:
            break
        pivots.append((i, j))
        for row in left:
            ratio = row[j] / pivot if inexact else row[j]
            pairs = zip(row, pivot_row, strict=True)
            if inexact:
                row[:] = [value - ratio * taken for value, taken in pairs]
                row[j] = 0.0
            else:
                row[:] = [(value * pivot - ratio * taken) // before for value, taken in pairs]
        before = pivot
    return pivots


def _whole(row: tuple[Number, ...]) -> list[int]:
    fractions = [Fraction(value) for value in row]
    scale = math.lcm(*(value.denominator for value in fractions))
    return [int(value * scale) for value in fractions]


def _scaled(rows: Rows) -> list[list[float]]:
    largest = max(abs(float(value)) for row in rows for value in row)
    return [[float(value) / largest for value in row] for row in rows]


def describe_kernel(kernel: Kernel) -> str:
    """Return one line of facts: shape, sum, output range, rank and factors.

    Args:
        kernel: the kernel; :func:`read_kernel` makes one of names, numbers and files.

    Returns:
        One line of text.

    Raises:
        TypeError: no kernel.

    Example:
        >>> describe_kernel(Kernel("1 -1; 1 -1"))
        '2×2, sum 0, gives -2..2 on a 0..1 image, rank 1, separable: (1 1)ᵀ × (1 -1)'
    """
    if not isinstance(kernel, Kernel):
        raise TypeError(f"kernel must be a Kernel; got {shown(kernel)}; read_kernel makes one")
    low, high = kernel.output_range
    line = (
        f"{size_text(kernel.shape)}, sum {number_text(kernel.sum)}, "
        f"gives {number_text(low)}..{number_text(high)} on a 0..1 image, rank {kernel.rank}"
    )
    if kernel.factors is None:
        return line
    column, row = (" ".join(map(number_text, factor)) for factor in kernel.factors)
    return f"{line}, separable: ({column})ᵀ × ({row})"
