"""Exact sympy matrices from numbers, whole or with their middle left out.

Numbers are read by :func:`featviz.exact.exact_number`: whole numbers are ``Integer``, simple
fractions ``Rational``, anything else a ``Float`` of the shortest decimal. A matrix holds what the
array holds: uint8 pixels stay 0..255. Rows are counted from 1 in error sentences. Nothing given is
ever changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from featviz._check import shown, size_text, whole_number
from featviz.exact import exact_number, exact_text, readable_number
from featviz.kernels import Kernel, number_from

LARGEST_MATRIX = 10_000
# Floats keep at least this precision in sympy: all digits of a float32, so that arithmetic with
# 0.5-like short decimals does not lose digits. Printed text has no trailing zeros anyway.
_FLOAT_DIGITS = 9


def matrix(values: Any, *, where: str = "values") -> sympy.ImmutableMatrix:
    """Return numbers as an exact, immutable sympy matrix.

    Args:
        values: (H, W): nested lists of numbers or text like ``"1/9"``, an array or tensor
            (H, W) or (H, W, 1), a Kernel, or a sympy matrix (which may hold symbols).
        where: how an error sentence calls the values.

    Returns:
        (H, W) sympy matrix of Integer, Rational and Float; a sympy matrix as it is.

    Raises:
        TypeError: not a matrix of real numbers.
        ValueError: empty, ragged, another number of axes, NaN or infinity, or more than 10 000
            entries.

    Example:
        >>> matrix([[-0.0, 2.0], ["1/9", 0.1234567]])
        Matrix([
        [  0,         2],
        [1/9, 0.1234567]])
        >>> matrix(Kernel("1 2; 3 4")).det()
        -2
    """
    grid = _grid(values, where)
    height, width = _size(grid, where)
    if height * width > LARGEST_MATRIX:
        raise ValueError(
            f"{where} must have at most {LARGEST_MATRIX} entries; "
            f"got {size_text((height, width))}; crop it, as in values[:100, :100]"
        )
    exact = _picked(grid, range(height), range(width), where)
    for i, row in enumerate(exact.tolist()):
        for j, entry in enumerate(row):
            if not _is_finite(entry):
                raise ValueError(
                    f"{where} must hold finite numbers; got {entry} in row {i + 1}, column {j + 1}"
                )
    return exact


@dataclass(frozen=True, slots=True)
class CutMatrix:
    """A matrix that is shown with its middle left out; made by :func:`cut_matrix`.

    Args:
        shown: (rows, columns) sympy matrix of the entries that are shown.
        size: rows and columns of the whole matrix, (H, W).
        head: how many of the shown rows and columns stand before the dots; the rest, after
            them, are the last rows and columns of the whole.
    """

    shown: sympy.ImmutableMatrix
    size: tuple[int, int]
    head: tuple[int, int]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return bool(self.shown.shape == self.size)

    def cells(self, text_from: Callable[[Any], str], dots: tuple[str, str, str]) -> list[list[str]]:
        """Return rows of texts, with a row and a column of dots where they are cut.

        Args:
            text_from: turns one sympy entry into text.
            dots: what stands in a cut column, in a cut row, and where they cross.

        Returns:
            Rows of equal length.
        """
        column_dots, row_dots, both_dots = dots
        rows = [[text_from(entry) for entry in row] for row in self.shown.tolist()]
        if self.shown.cols < self.size[1]:
            for row in rows:
                row.insert(self.head[1], column_dots)
        if self.shown.rows < self.size[0]:
            line = [row_dots] * self.shown.cols
            if self.shown.cols < self.size[1]:
                line.insert(self.head[1], both_dots)
            rows.insert(self.head[0], line)
        return rows


def cut_matrix(
    values: Any, *, rows: int = 12, columns: int = 12, where: str = "values"
) -> CutMatrix:
    """Return the first and last rows and columns of a matrix as exact numbers.

    Only the entries that are shown are read, so a photograph costs no more than a lesson
    matrix. NaN and infinity are kept (as sympy's ``nan`` and ``oo``): print shows what is there.

    Args:
        values: (H, W) as for :func:`matrix`, of any size.
        rows: how many rows are shown, at least 1; a smaller matrix is shown whole.
        columns: how many columns are shown, at least 1.
        where: how an error sentence calls the values.

    Returns:
        The shown entries with the size of the whole.

    Raises:
        TypeError: not a matrix of real numbers.
        ValueError: empty, ragged or another number of axes, ``rows`` or ``columns`` below 1,
            or more than 10 000 entries to show.

    Example:
        >>> cut = cut_matrix([[10 * i + j for j in range(9)] for i in range(3)], columns=4)
        >>> cut.size, cut.cells(str, ("..", ":", ":."))
        ((3, 9), [['0', '1', '..', '7', '8'], ['10', '11', '..', '17', '18'],
        ['20', '21', '..', '27', '28']])
    """
    limits = (
        whole_number("rows", rows, minimum=1),
        whole_number("columns", columns, minimum=1),
    )
    grid = _grid(values, where)
    size = _size(grid, where)
    counts = [min(length, limit) for length, limit in zip(size, limits, strict=True)]
    if math.prod(counts) > LARGEST_MATRIX:
        raise ValueError(
            f"rows times columns must show at most {LARGEST_MATRIX} entries; "
            f"got {size_text(counts)}; show fewer rows and columns"
        )
    head = ((counts[0] + 1) // 2, (counts[1] + 1) // 2)
    picks = [
        [*range(first), *range(length - count + first, length)]
        for length, count, first in zip(size, counts, head, strict=True)
    ]
    return CutMatrix(_picked(grid, picks[0], picks[1], where), size, head)


def text_from_entry(entry: Any) -> str:
    """Return one sympy entry as plain text: ``3``, ``14/9``, ``0.123457``, ``x + 1``.

    Example:
        >>> text_from_entry(sympy.Rational(14, 9)), text_from_entry(sympy.Float("-0.0"))
        ('14/9', '0')
    """
    number = _number_or_none(entry)
    return str(entry) if number is None else exact_text(number)


def latex_from_entry(entry: Any) -> str:
    r"""Return one sympy entry as LaTeX for math mode, floats with six digits.

    Example:
        >>> print(latex_from_entry(sympy.Rational(14, 9)), latex_from_entry(sympy.Float("2e-7")))
        \frac{14}{9} 2 \cdot 10^{-7}
    """
    if entry is sympy.S.NaN:
        return r"\text{nan}"
    number = _number_or_none(entry)
    if not isinstance(number, float) or not math.isfinite(number):
        return str(sympy.latex(entry))
    mantissa, _, exponent = exact_text(number).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _number_or_none(entry: Any) -> int | Fraction | float | None:
    """Return the Python number that a sympy entry is, or None for an expression."""
    if entry.is_Rational:
        fraction = Fraction(int(entry.p), int(entry.q))
        return int(entry) if entry.is_Integer else readable_number(fraction)
    if entry.is_Float or not _is_finite(entry):
        return math.inf if entry is sympy.S.ComplexInfinity else float(entry)
    return None


def _is_finite(entry: Any) -> bool:
    infinities = (sympy.S.Infinity, sympy.S.NegativeInfinity, sympy.S.ComplexInfinity)
    return entry is not sympy.S.NaN and entry not in infinities


def _grid(values: Any, where: str) -> Any:
    """Return a sympy matrix, an array with two axes or a list of rows, uncopied."""
    if isinstance(values, Kernel):
        return values.rows
    if isinstance(values, sympy.MatrixBase):
        return values
    if hasattr(values, "numpy"):
        values = values.numpy()
    if hasattr(values, "dtype") and hasattr(values, "shape"):
        return _array_grid(values, where)
    rule = f"{where} must be rows of numbers, like [[1, 2], [3, 4]]"
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{rule}; got {shown(values)}")
    rows = [_list_row(row, rule, index) for index, row in enumerate(values)]
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(
                f"{where} must have rows of equal length; got {len(rows[0])} numbers in row 1 "
                f"and {len(row)} in row {index + 1}"
            )
    return rows


def _array_grid(array: Any, where: str) -> Any:
    shape = tuple(array.shape)
    if len(shape) == 3 and shape[2] == 1:
        array = array[..., 0]
    elif len(shape) != 2:
        cure = "; take one channel, as in values[..., 0]" if len(shape) == 3 else ""
        raise ValueError(
            f"{where} must have shape (H, W) or (H, W, 1); got {tuple(map(int, shape))}{cure}"
        )
    return array


def _list_row(row: Any, rule: str, index: int) -> Sequence[Any]:
    for reader in ("numpy", "tolist"):
        row = getattr(row, reader)() if hasattr(row, reader) else row
    if not isinstance(row, (list, tuple)):
        raise TypeError(f"{rule}; got {shown(row)} as row {index + 1}")
    return row


def _size(grid: Any, where: str) -> tuple[int, int]:
    if hasattr(grid, "shape"):
        height, width = (int(length) for length in grid.shape)
    else:
        height, width = len(grid), len(grid[0]) if len(grid) else 0
    if height * width == 0:
        raise ValueError(
            f"{where} must have at least one row and one column; got {size_text((height, width))}"
        )
    return height, width


def _picked(
    grid: Any, rows: Sequence[int], columns: Sequence[int], where: str
) -> sympy.ImmutableMatrix:
    """Return the entries of some rows and columns as exact sympy numbers."""
    if isinstance(grid, sympy.MatrixBase):
        return sympy.ImmutableMatrix(grid.extract(list(rows), list(columns)))
    lines = []
    for i in rows:
        row = _plain_row(grid[i])
        lines.append([_entry(row[j], f"{where}, row {i + 1}, column {j + 1}") for j in columns])
    return sympy.ImmutableMatrix(lines)


def _plain_row(row: Any) -> Sequence[Any]:
    """Return a row as Python numbers; long doubles go through float64."""
    if not hasattr(row, "tolist"):
        return row  # type: ignore[no-any-return]
    if row.dtype.kind == "f" and row.dtype.itemsize > 8:
        row = row.astype("float64")
    return row.tolist()  # type: ignore[no-any-return]


def _entry(value: Any, where: str) -> Any:
    """Return one scalar as a sympy number: Integer, Rational, Float, nan or oo."""
    if hasattr(value, "numpy"):  # a scalar tensor
        value = value.numpy()
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, (list, tuple)):
        raise TypeError(f"{where} must hold real numbers; got {shown(value)}")
    if not isinstance(value, float):
        value = number_from(value, where=where)
    number = exact_number(value)
    if not isinstance(number, float):
        return sympy.Rational(number.numerator, number.denominator)
    if not math.isfinite(number):
        return sympy.sympify(number)
    text = repr(number)
    digits = sum(letter.isdigit() for letter in text.partition("e")[0].lstrip("-0."))
    return sympy.Float(text, max(digits, _FLOAT_DIGITS))
