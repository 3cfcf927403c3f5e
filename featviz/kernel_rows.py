"""Rows of numbers, read exactly from text, lists, arrays, tensors and sympy.

Whole numbers become ``int``, ``"1/9"`` and decimal text :class:`fractions.Fraction`, other floats
stay floats. Nothing here imports numpy, TensorFlow or sympy: their values are known by what they
can do.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from featviz._check import shown, size_text

Number = int | float | Fraction
Rows = tuple[tuple[Number, ...], ...]

MOST_NUMBERS = 1024 * 1024
# Python turns at most 4300 digits into text; 3900 decimal digits are 12956 bits.
_MOST_BITS = 12_956
_PLAIN_NUMBER = re.compile(r"[+-]?([0-9]{1,3900}(\.[0-9]{0,3900})?|\.[0-9]{1,3900})")
_RATIO = re.compile(r"[+-]?[0-9]{1,3900}/[0-9]{1,3900}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(inf|infinity|nan)", re.I)


def number_from(value: Any, *, where: str = "kernel") -> Number:
    """Return one finite number from text or a scalar of any library.

    Args:
        value: a scalar of Python, numpy, TensorFlow or sympy; text is read exactly (``"1/9"``,
            ``"0.1"`` is 1/10).
        where: how an error sentence calls the place.

    Returns:
        An int where it is whole, else a Fraction or a float.

    Raises:
        TypeError: not a number.
        ValueError: text that is no number, NaN, infinity, or beyond the range of a float.

    Example:
        >>> number_from("0.25"), number_from(4.0), number_from("2/6")
        (Fraction(1, 4), 4, Fraction(1, 3))
    """
    if isinstance(value, str):
        return _number_from_text(value, where)
    number = value if isinstance(value, (int, float)) else _plain_scalar(value)
    if not isinstance(number, (int, float, Fraction)):
        raise TypeError(f"{where} must hold real numbers; got {shown(value)}")
    return settled(number, where)


def _plain_scalar(value: Any) -> Any:
    """Return a library's scalar as a Python number, or None when that fails."""
    try:
        if hasattr(value, "is_Rational"):  # sympy
            if value.is_Rational:
                return Fraction(int(value.p), int(value.q))
            return float(value) if value.is_number and value.is_real else None
        if hasattr(value, "numpy"):  # a tensor
            value = value.numpy()
        if hasattr(value, "item"):  # numpy
            value = value.item()
            kind = getattr(getattr(value, "dtype", None), "kind", "")
            return float(value) if kind == "f" else value  # longdouble stays numpy's
    except (TypeError, ValueError, OverflowError, AttributeError, NotImplementedError):
        return None
    return value


def settled(value: Number, where: str) -> Number:
    """Return ``value`` as an int where it is whole; refuse what no float can hold.

    Example:
        >>> settled(Fraction(4, 2), "kernel"), settled(0.5, "kernel")
        (2, 0.5)
    """
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    if not finite:
        raise ValueError(f"{where} must hold finite numbers; got {shown(value)}")
    if isinstance(value, int) or value == int(value):
        return int(value)
    parts = (0, 0) if isinstance(value, float) else (value.numerator, value.denominator)
    if max(part.bit_length() for part in parts) > _MOST_BITS:
        raise ValueError(f"{where} must hold fractions of at most 3900 digits; got a longer one")
    return value


def _number_from_text(text: str, where: str) -> Number:
    word = text.strip().replace("−", "-")
    ratio = _RATIO.fullmatch(word)
    if (ratio and int(word.split("/")[1]) != 0) or _PLAIN_NUMBER.fullmatch(word):
        return settled(Fraction(word), where)
    if _FLOAT.fullmatch(word):
        return settled(float(word), where)
    raise ValueError(f"{where} must hold numbers like 2, -0.5 or 1/9; got {shown(text)}")


def number_text(value: Number) -> str:
    """Return the shortest exact text of a number, or six digits of a float.

    Example:
        >>> number_text(Fraction(1, 9)), number_text(0.1234567)
        ('1/9', '0.123457')
    """
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def rows_from_text(text: str, *, where: str = "kernel") -> Rows:
    """Return rows of exact numbers from text.

    Args:
        text: rows separated by ``;`` or a line break, numbers by blanks or commas
            (``"-1 -1 -1; -1 8 -1; -1 -1 -1"``), or nested brackets (``"[[1, 2], [3, 1/9]]"``).
        where: how an error sentence calls the value.

    Returns:
        Rows of equal length; no entry is a float, unless it was written with an exponent.

    Raises:
        TypeError: brackets that do not hold rows of numbers.
        ValueError: no numbers, rows of different length, or a word that is no number.

    Example:
        >>> rows_from_text("1 2; 3 1/9")
        ((1, 2), (3, Fraction(1, 9)))
    """
    if text.lstrip().startswith("["):
        return rows_from(_bracketed(text, where), where=where)
    lines = [line.strip() for line in re.split(r"[;\n]", text) if line.strip()]
    return rows_from(
        [re.split(r"\s*,\s*|\s+", line.removesuffix(",").rstrip()) for line in lines], where=where
    )


def _bracketed(text: str, where: str) -> Any:
    """Return nested lists of words, read as JSON strings: 1/9 needs no quotes."""
    bare = text.replace('"', "").replace("'", "")
    words = re.sub(r"[^\s\[\],]+", lambda match: json.dumps(match[0]), bare)
    try:
        return json.loads(words)
    except (json.JSONDecodeError, RecursionError):
        rule = f"{where} in brackets must be written like [[1, 2], [3, 4]]"
        raise ValueError(f"{rule}; got {shown(text)}") from None


def rows_from(values: Any, *, where: str = "kernel") -> Rows:
    """Return rows of numbers from text, lists, an array, a tensor or sympy.

    Args:
        values: (h, w) numbers, at most 1024 × 1024 of them.
        where: how an error sentence calls the value.

    Returns:
        Rows of equal length, each entry as :func:`number_from` returns it.

    Raises:
        TypeError: not two levels of rows and columns, or an entry that is no number.
        ValueError: empty, ragged, too many, NaN or infinity.

    Example:
        >>> rows_from([[1, 2.0], ["1/2", 0.25]])
        ((1, 2), (Fraction(1, 2), 0.25))
    """
    if isinstance(values, str):
        return rows_from_text(values, where=where)
    rule = f"{where} must be rows of numbers, like [[1, 2], [3, 4]]"
    lines = _listed(values, where)
    if lines is None:
        raise TypeError(f"{rule}; got {shown(values)}")
    if len(lines) == 0:
        raise ValueError(f"{rule}; got no rows")
    rows = [_row_from(row, index, rule, where) for index, row in enumerate(lines)]
    for index, row in enumerate(rows):
        if len(row) == 0:
            raise ValueError(f"{rule}; got an empty row {index + 1}")
        if len(row) != len(rows[0]):
            raise ValueError(
                f"{where} must have rows of equal length; got {len(rows[0])} numbers in row 1 "
                f"and {len(row)} in row {index + 1}"
            )
    _refuse_too_many((len(rows), len(rows[0])), where)
    return tuple(_numbers(row, i, where) for i, row in enumerate(rows))


def _numbers(row: Sequence[Any], i: int, where: str) -> tuple[Number, ...]:
    try:
        return tuple(number_from(value, where=where) for value in row)
    except (TypeError, ValueError):  # once more, now with the place
        places = (f"{where}, row {i + 1}, column {j + 1}" for j in range(len(row)))
        return tuple(number_from(v, where=at) for v, at in zip(row, places, strict=True))


def _listed(values: Any, where: str) -> Sequence[Any] | None:
    """Return ``values`` as a sequence, or None when it is not made of items in order."""
    if isinstance(values, (list, tuple)):
        return values
    if isinstance(values, (str, bytes, bytearray, type)):
        return None
    try:
        shape = getattr(values, "shape", None)
        if shape is not None:
            _refuse_too_many(tuple(int(size) for size in shape), where)
        for method in ("tolist", "numpy", "to_numpy", "__array__"):  # numpy, tensors, pandas, any
            if hasattr(values, method):
                values = getattr(values, method)()
                break
        values = values.tolist() if hasattr(values, "tolist") else values
    except (TypeError, AttributeError, RuntimeError, NotImplementedError):
        return None
    return values if isinstance(values, Sequence) and not isinstance(values, (str, bytes)) else None


def _row_from(row: Any, index: int, rule: str, where: str) -> Sequence[Any]:
    line = _listed(row, where)
    if line is None:
        raise TypeError(f"{rule}; got {shown(row)} as row {index + 1}")
    for value in line:
        if isinstance(value, (list, tuple)) or getattr(value, "ndim", None):
            raise TypeError(f"{rule}; got three or more levels")
    return line


def _refuse_too_many(shape: tuple[int, ...], where: str) -> None:
    if math.prod(shape) > MOST_NUMBERS:
        raise ValueError(
            f"{where} must hold at most {MOST_NUMBERS} numbers; got {size_text(shape)} of them"
        )
