"""The :class:`Kernel` value: numbers in rows and columns, kept exact, and its algebra.

A kernel is laid on the image as it is written (cross-correlation, as in ``tf.nn.conv2d``): it
is not turned by 180° first. Rows run from top to bottom, columns from left to right. Whole
numbers stay ``int``, ``"1/9"`` and decimal text become :class:`fractions.Fraction`, floats stay
floats; nothing here needs numpy.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from featviz._check import one_of, shown, size_text, whole_number

Number = int | float | Fraction
Rows = tuple[tuple[Number, ...], ...]

_PLAIN_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})$")
_RATIO = re.compile(r"[+-]?\d{1,30}/\d{1,30}$")
# Gaussian elimination leaves this much of the largest entry behind for a kernel of floats.
_RANK_TOLERANCE = 1e-9


def number_from(value: Any, *, where: str = "kernel") -> Number:
    """Return one finite number from a Python, numpy, TensorFlow or sympy scalar, or from text.

    Args:
        value: the scalar; text is read exactly (``"1/9"``, ``"0.1"`` is 1/10).
        where: how an error sentence calls the place.

    Raises:
        TypeError: not a number.
        ValueError: text that is no number, NaN, infinity, or beyond the range of a float.
    """
    if isinstance(value, str):
        return _number_from_text(value, where)
    if hasattr(value, "is_Rational"):  # sympy
        value = Fraction(int(value.p), int(value.q)) if value.is_Rational else _sympy_float(value)
    elif hasattr(value, "numpy"):  # a tensor
        value = value.numpy()
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if not isinstance(value, (int, float, Fraction)):
        raise TypeError(f"{where} must hold real numbers; got {shown(value)}")
    return _settled(value, where)


def _sympy_float(value: Any) -> Any:
    return float(value) if value.is_number and value.is_real else value


def _settled(value: Number, where: str) -> Number:
    """Return ``value`` as an int where it is whole; refuse what no float can hold."""
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(f"{where} must hold finite numbers; got {shown(value)}")
    if isinstance(value, (bool, int)) or value == int(value):
        return int(value)
    return value


def _number_from_text(text: str, where: str) -> Number:
    word = text.strip().replace("−", "-")
    if _RATIO.match(word) and int(word.split("/")[1]) != 0:
        return _settled(Fraction(word), where)
    if _PLAIN_NUMBER.match(word):
        return _settled(Fraction(word), where)
    try:
        return _settled(float(word.replace("_", "?")), where)
    except ValueError as error:
        if str(error).startswith(where):
            raise
    raise ValueError(f"{where} must hold numbers like 2, -0.5 or 1/9; got {shown(text)}")


def number_text(value: Number) -> str:
    """Return the shortest exact text: ``-1``, ``1/9``; a float with six significant digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def rows_from_text(text: str, *, where: str = "kernel") -> Rows:
    """Return rows of exact numbers from text.

    Args:
        text: rows separated by ``;`` or a line break, numbers by blanks or commas
            (``"-1 -1 -1; -1 8 -1; -1 -1 -1"``), or nested brackets (``"[[1, 2], [3, 4]]"``).
        where: how an error sentence calls the value.

    Raises:
        ValueError: no numbers, rows of different length, or a word that is no number.

    Example:
        >>> rows_from_text("1 2; 3 1/9")
        ((1, 2), (3, Fraction(1, 9)))
    """
    if text.lstrip().startswith("["):
        try:
            return rows_from(json.loads(text, parse_float=str), where=where)
        except (json.JSONDecodeError, RecursionError):
            raise ValueError(
                f"{where} in brackets must be written like [[1, 2], [3, 4]]; got {shown(text)}"
            ) from None
    lines = [line for line in re.split(r"[;\n]", text) if line.strip()]
    return rows_from([re.split(r"\s*,\s*|\s+", line.strip(" \t\r,")) for line in lines], where=where)


def rows_from(values: Any, *, where: str = "kernel") -> Rows:
    """Return rows of numbers from nested sequences, an array, a tensor, a sympy matrix or text.

    Raises:
        TypeError: not two levels of rows and columns, or an entry that is no number.
        ValueError: empty, ragged, NaN or infinity.
    """
    if isinstance(values, str):
        return rows_from_text(values, where=where)
    if hasattr(values, "numpy"):
        values = values.numpy()
    if hasattr(values, "tolist"):
        values = values.tolist()
    rule = f"{where} must be rows of numbers, like [[1, 2], [3, 4]]"
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{rule}; got {shown(values)}")
    if len(values) == 0:
        raise ValueError(f"{rule}; got no rows")
    rows = [_row_from(row, index, rule) for index, row in enumerate(values)]
    for index, row in enumerate(rows):
        if len(row) == 0:
            raise ValueError(f"{rule}; got an empty row {index + 1}")
        if len(row) != len(rows[0]):
            raise ValueError(
                f"{where} must have rows of equal length; got {len(rows[0])} numbers in row 1 "
                f"and {len(row)} in row {index + 1}"
            )
    return tuple(
        tuple(
            number_from(value, where=f"{where}, row {i + 1}, column {j + 1}")
            for j, value in enumerate(row)
        )
        for i, row in enumerate(rows)
    )


def _row_from(row: Any, index: int, rule: str) -> Sequence[Any]:
    if hasattr(row, "numpy"):
        row = row.numpy()
    if hasattr(row, "tolist"):
        row = row.tolist()
    if not isinstance(row, (list, tuple)):
        raise TypeError(f"{rule}; got {shown(row)} as row {index + 1}")
    for value in row:
        if isinstance(value, (list, tuple)) or getattr(value, "ndim", 0):
            raise TypeError(f"{rule}; got three or more levels")
    return row


def _total(values: Iterable[Number]) -> Number:
    numbers = list(values)
    exact = not any(isinstance(value, float) for value in numbers)
    return _settled(sum(numbers) if exact else math.fsum(numbers), "kernel sum")


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel of any numbers of rows and columns; immutable, hashable, exact.

    Args:
        rows: (h, w) numbers: nested sequences, an array, a tensor, a sympy matrix, or text such
            as ``"-1 0 1; -2 0 2; -1 0 1"``; entries may be text like ``"1/9"``.
        name: what labels call it.
        source: where the numbers come from.

    Raises:
        TypeError: not rows of real numbers.
        ValueError: empty, ragged, NaN or infinity.

    Example:
        >>> kernel = Kernel("1 0 -1; 2 0 -2; 1 0 -1", name="left")
        >>> kernel.shape, kernel.sum, kernel.output_range, kernel.rank
        ((3, 3), 0, (-4, 4), 1)
        >>> kernel.factors
        ((1, 2, 1), (1, 0, -1))
    """

    rows: Rows
    name: str = field(default="kernel", kw_only=True)
    source: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", rows_from(self.rows))
        if not isinstance(self.name, str) or not self.name.strip():
            raise TypeError(f"name must be a text that is not empty; got {shown(self.name)}")

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
        return len(_pivots(self.rows))

    @property
    def factors(self) -> tuple[tuple[Number, ...], tuple[Number, ...]] | None:
        """Column (h numbers) and row (w numbers) whose outer product is the kernel.

        None when the kernel is not separable, that is, when its rank is not 1. The row is taken
        from the kernel and made as small as whole numbers allow.
        """
        pivots = _pivots(self.rows)
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
        row = tuple(_settled(value / scale, "factor") for value in row)
        anchor = row[j] if isinstance(row[j], float) else Fraction(row[j])
        column = tuple(_settled(entries[j] / anchor, "factor") for entries in self.rows)
        if all(value <= 0 for value in column):  # the sign belongs to the row
            column, row = tuple(-v for v in column), tuple(-v for v in row)
        return column, row

    def rotated(self, degrees: int = 90) -> Kernel:
        """Return the kernel turned counter-clockwise by a multiple of 90 degrees.

        A kernel turned by 180° is the one that flips cross-correlation into convolution.
        """
        whole_number("degrees", degrees, minimum=-(10**9))
        if degrees % 90:
            raise ValueError(f"degrees must be a multiple of 90; got {degrees}")
        rows = self.rows
        for _ in range(degrees // 90 % 4):
            rows = tuple(zip(*rows, strict=True))[::-1]
        return Kernel(rows, name=f"{self.name} turned {degrees % 360}°", source=self.source)

    def flipped(self, direction: str = "horizontal") -> Kernel:
        """Return the mirrored kernel: ``"horizontal"`` swaps left and right, ``"vertical"`` top
        and bottom, ``"both"`` turns it by 180°.
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
        """
        total = self.sum
        values = [value for row in self.rows for value in row]
        if total == 0 or abs(total) < _RANK_TOLERANCE * max(abs(value) for value in values):
            raise ValueError(f"kernel must have a sum other than 0; got {self.name!r}, sum 0")
        divisor = total if isinstance(total, float) else Fraction(total)
        rows = tuple(tuple(value / divisor for value in row) for row in self.rows)
        return Kernel(rows, name=f"{self.name} normalised", source=self.source)

    def composed(self, after: Kernel) -> Kernel:
        """Return the one kernel that equals this one followed by ``after``.

        Its shape is (h₁ + h₂ − 1, w₁ + w₂ − 1). The equality is exact where no window reaches
        over the border: padding ``"valid"``, or ``"full"`` on both sides.

        Example:
            >>> print(Kernel([[1, -1]]).composed(Kernel([[1], [2]])))
            1 -1
            2 -2
        """
        if not isinstance(after, Kernel):
            raise TypeError(f"after must be a Kernel; got {shown(after)}")
        height, width = (a + b - 1 for a, b in zip(self.shape, after.shape, strict=True))
        products: list[list[list[Number]]] = [[[] for _ in range(width)] for _ in range(height)]
        for i, row in enumerate(self.rows):
            for j, value in enumerate(row):
                for m, other_row in enumerate(after.rows):
                    for n, other in enumerate(other_row):
                        products[i + m][j + n].append(value * other)
        rows = tuple(tuple(_total(cell) for cell in line) for line in products)
        return Kernel(rows, name=f"{self.name} then {after.name}")

    def __str__(self) -> str:
        cells = [[number_text(value) for value in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in cells
        )

    def __repr__(self) -> str:
        text = "; ".join(" ".join(map(_exact_text, row)) for row in self.rows)
        return f"Kernel({text!r}, name={self.name!r})"

    def _repr_latex_(self) -> str:
        lines = r" \\ ".join(" & ".join(map(_latex_text, row)) for row in self.rows)
        return rf"$\displaystyle \begin{{bmatrix}} {lines} \end{{bmatrix}}$"


def _exact_text(value: Number) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _latex_text(value: Number) -> str:
    if isinstance(value, Fraction):
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return number_text(value)


def _pivots(rows: Rows) -> list[tuple[int, int]]:
    """Return where Gaussian elimination with full pivoting finds its pivots, largest first."""
    inexact = any(isinstance(value, float) for row in rows for value in row)
    left: list[list[Any]] = [[v if inexact else Fraction(v) for v in row] for row in rows]
    cells = [(i, j) for i in range(len(rows)) for j in range(len(rows[0]))]
    floor = _RANK_TOLERANCE * max(abs(left[i][j]) for i, j in cells) if inexact else 0
    pivots: list[tuple[int, int]] = []
    while len(pivots) < min(len(rows), len(rows[0])):
        i, j = max(cells, key=lambda cell: abs(left[cell[0]][cell[1]]))
        if abs(left[i][j]) <= floor:
            break
        pivots.append((i, j))
        pivot_row = list(left[i])
        for row in left:
            ratio = row[j] / pivot_row[j]
            row[:] = [value - ratio * taken for value, taken in zip(row, pivot_row, strict=True)]
            row[j] = type(row[j])(0)
    return pivots


def describe_kernel(kernel: Kernel) -> str:
    """Return one line of facts: shape, sum, output range, rank and factors."""
    low, high = kernel.output_range
    line = (
        f"{size_text(kernel.shape)}, sum {number_text(kernel.sum)}, "
        f"gives {number_text(low)}..{number_text(high)} on a 0..1 image, rank {kernel.rank}"
    )
    if kernel.factors is None:
        return line
    column, row = (" ".join(map(number_text, factor)) for factor in kernel.factors)
    return f"{line}, separable: ({column})ᵀ × ({row})"
