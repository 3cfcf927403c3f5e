r"""Sums of windows and stages of expressions as text, LaTeX and Markdown.

A sum is written as it stands, one product per tap: ``0·1/9 + 1·1/9 + 2·(−1) = −17/9``. Negative
numbers and whole expressions stand in parentheses. Decimals are rounded to six digits, and then
``≈`` stands for ``=``. Pixels are kept in float32: where they cancel, fewer digits are sure, and no
others are written.
"""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import Any

import sympy

from featviz._check import one_of, shown, whole_number
from featviz.exact import exact_text, is_float32, is_near_in_float32
from featviz.expressions import Expressions
from featviz.letters import check_names
from featviz.render.algebra import (
    expression_in_form,
    is_rounded,
    number_in_form,
    number_of,
    short_number,
    shortened,
)
from featviz.render.text import MatrixText
from featviz.rounding import MOST_DIGITS, sum_error, sure_digits
from featviz.sums import total_of
from featviz.vocabulary import STAGES, SUM_FORMS

DOTS = {"unicode": "⋯", "plain": "...", "latex": r"\cdots"}
_LARGEST_WRITTEN = 10**15
_TIMES = {"unicode": "·", "plain": "*", "latex": r" \cdot "}
ABOUT = {"unicode": "≈", "plain": "~=", "latex": r"\approx"}


def text_from_sum(expression: Any, *, form: str = "unicode", terms: int | None = None) -> str:
    r"""Return a sum and its total as text, each product written out.

    Args:
        expression: what :func:`featviz.window_sum` returned, or any other sympy expression.
        form: ``"unicode"``; ``"plain"`` (ASCII, with ``*`` and ``~=`` for rounded); ``"latex"``
            (without dollar signs); ``"markdown"``, LaTeX between dollar signs, which Jupyter
            and GitHub typeset.
        terms: how many terms are written of a longer sum, at least 2, from its two ends; the
            dots stand for the others and their number is said. None writes them all.

    Returns:
        One line. The total is left out where letters make it no shorter than the sum.

    Raises:
        TypeError: not a sympy expression.
        ValueError: an unknown form, fewer than 2 terms, or letters with names other than ``a``,
            ``w11`` or ``x_1``.

    Example:
        >>> from featviz.sums import window_sum
        >>> first = window_sum([[1, -2]], [["1/9", 3]], 0, 0, padding="valid")
        >>> text_from_sum(first)
        '1·1/9 + (−2)·3 = −53/9'
        >>> print(text_from_sum(first, form="markdown"))
        $1 \cdot \frac{1}{9} + \left(-2\right) \cdot 3 = -\frac{53}{9}$
    """
    one_of("form", form, SUM_FORMS)
    if not isinstance(expression, sympy.Expr):
        raise TypeError(f"expression must come from window_sum(); got {shown(expression)}")
    check_names(expression, "expression")
    most = None if terms is None else whole_number("terms", terms, minimum=2)
    style = "latex" if form == "markdown" else form
    line = sum_line(expression, style, most)
    return f"${line}$" if form == "markdown" else line


def text_from_expressions(
    expressions: Expressions, *, form: str = "unicode", rows: int = 12, columns: int = 12
) -> MatrixText:
    """Return the stages of a run on symbols; prints as text, typeset in a notebook.

    Args:
        expressions: what :func:`featviz.extract_expressions` returned.
        form: ``"unicode"``, ``"plain"`` (ASCII) or ``"latex"``.
        rows: how many rows are shown of a larger matrix; its true size is said.
        columns: how many columns are shown of a larger matrix.

    Returns:
        Image, kernel, and the three stages, laid out as :func:`featviz.text_from_extraction`
        does.

    Raises:
        TypeError: not such a run.
        ValueError: an unknown form, rows or columns below 1.

    Example:
        >>> from featviz.expressions import extract_expressions
        >>> run = extract_expressions("a b", "2", pool="none")
        >>> str(text_from_expressions(run)).splitlines()[6:8]
        ['filter kernel 1×2', '[2*a  2*b]']
    """
    if not isinstance(expressions, Expressions):
        raise TypeError(
            f"expressions must come from extract_expressions(); got {shown(expressions)}"
        )
    label = expressions.label
    name = "" if label == "kernel" else f" {label}"
    pairs = [("image", expressions.image), (f"kernel{name}", expressions.kernel)]
    pairs += [(f"{stage} {label}", expressions.stage(stage)) for stage in STAGES[1:]]
    short = [(heading, values.applyfunc(_for_matrix)) for heading, values in pairs]
    return MatrixText(short, form=form, rows=rows, columns=columns)


def _for_matrix(entry: Any) -> Any:
    return entry if entry.is_Number else shortened(entry)


def sum_line(expression: Any, style: str, most: int | None, *, settled: bool = False) -> str:
    """Return a sum and its total in a style.

    Args:
        expression: the sum.
        style: a form other than ``"markdown"``.
        most: how many terms are written, None for all.
        settled: whether the total is known to be 0 but for rounding.
    """
    parts = parts_of(expression)
    written = [_term(part, style, alone=len(parts) == 1) for part in parts]
    whole = " + ".join(written)
    total, equal = _total(parts, style, settled=settled)
    if total == whole or (expression.free_symbols and len(total) >= len(whole)):
        return _cut(written, style, most)
    return _cut(written, style, most, total=f" {'=' if equal else ABOUT[style]} {total}")


def _cut(written: list[str], style: str, most: int | None, *, total: str = "") -> str:
    count = len(written)
    if most is None or count <= most:
        return " + ".join(written) + total
    last = most // 2
    ends = [*written[: most - last], DOTS[style], *written[count - last :]]
    note = f" ({count} terms, shown {most})"
    return " + ".join(ends) + total + (rf"\text{{{note}}}" if style == "latex" else note)


def _term(term: Any, style: str, *, alone: bool) -> str:
    if term.is_Mul:
        return _TIMES[style].join(_factor(factor, style) for factor in term.args)
    number = number_of(term)
    if number is not None and (alone or number >= 0):
        return _number_text(number, style)
    if alone or term.is_Symbol:
        return expression_in_form(term, style)
    return _factor(term, style)


def _factor(factor: Any, style: str) -> str:
    """Return a factor, in parentheses where it is negative or an expression."""
    number = number_of(factor)
    text = expression_in_form(factor, style) if number is None else _number_text(number, style)
    if factor.is_Symbol or (number is not None and number >= 0):
        return text
    return rf"\left({text}\right)" if style == "latex" else f"({text})"


def parts_of(expression: Any) -> tuple[Any, ...]:
    """Return the terms of a sum that is not yet summed."""
    return tuple(expression.args) if expression.is_Add else (expression,)


def _number_text(number: Any, style: str) -> str:
    """Return a number; a whole one that a float means as that float."""
    if isinstance(number, int) and _LARGEST_WRITTEN < abs(number) <= sys.float_info.max:
        meant = float(number)
        if meant == number and not is_rounded(meant):
            return number_in_form(meant, style)
    return number_in_form(number, style)


def _total(parts: Any, style: str, *, settled: bool) -> tuple[str, bool]:
    """Return the total as text, and whether the written numbers give it."""
    number = number_of(total_of(parts))
    if number is None:
        total = total_of(parts)
        rounded = (_has_rounded_number(expression) for expression in (*parts, total))
        return expression_in_form(total, style), not any(rounded)
    shown_number, equal = printed_total(parts, number, settled=settled)
    return _number_text(shown_number, style), equal


def printed_total(parts: Any, number: Any, *, settled: bool = False) -> tuple[Any, bool]:
    """Return the total in its sure digits, and whether what is written gives it.

    Args:
        parts: the terms.
        number: what they add up to.
        settled: whether it is known to be 0 but for rounding.
    """
    short: Any = short_number(number)
    written = sum(map(_as_written, parts))
    if settled:
        return 0, written == 0
    printed = _as_printed(short)
    if written == printed and not (short and any(map(_has_rounded_number, parts))):
        if not is_rounded(short):
            return short, True
        if is_near_in_float32(printed, short):  # else floats have lost more than last digits
            return float(printed), True
    if not any(part.has(sympy.Float) for part in parts):
        return short, False
    error = _error_of(parts)
    if short and abs(short) <= error:
        return 0, written == 0
    return with_sure_digits(short, error), False


def _as_printed(number: Any) -> Any:
    """Return what a reader makes of a printed number; infinity stays."""
    finite = not isinstance(number, float) or math.isfinite(number)
    return Fraction(exact_text(number)) if finite else number


def with_sure_digits(number: Any, error: float, *, most: int = MOST_DIGITS) -> Any:
    """Return a float in its sure digits; other numbers stay as they are.

    Example:
        >>> with_sure_digits(-0.00831364, 4e-7), with_sure_digits(3, 1.0)
        (-0.008314, 3)
    """
    if not isinstance(number, float):
        return number
    digits = sure_digits(number, error, most=most)
    return number if digits == MOST_DIGITS else float(f"{number:.{digits}g}")


def _error_of(parts: Any) -> float:
    """Return how far the sum may lie from that of the numbers that pixels stand for."""
    pixels, weights = [], []
    for part in parts:
        pixel, *factors = part.args if part.is_Mul else (part,)
        if pixel.is_Float and is_float32(float(pixel)):
            pixels.append(float(pixel))
            weights.append(float(math.prod(factors)))
    return sum_error(pixels, weights) if pixels else 0.0


def _as_written(term: Any) -> Fraction:
    """Return the product of the numbers of a term, rounded as they are printed."""
    numbers = map(number_of, term.args if term.is_Mul else (term,))
    written = (Fraction(exact_text(number)) for number in numbers if number is not None)
    return math.prod(written, start=Fraction(1))


def _has_rounded_number(expression: Any) -> bool:
    numbers = (number_of(number) for number in expression.atoms(sympy.Number))
    return any(is_rounded(number) for number in numbers if number is not None)
