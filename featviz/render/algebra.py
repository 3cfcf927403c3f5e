"""Numbers and expressions as text or LaTeX, decimals rounded and never cut."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy

from featviz.exact import exact_number, exact_text, readable_number

# A longer fraction tells less than its decimals.
_LONGEST_FRACTION = 14
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def number_of(entry: Any) -> int | Fraction | float | None:
    """Return the Python number that an expression is, or None.

    A float stays one unless it is whole: where it stands, the others are no fractions either. A
    decimal with an unreadable fraction is a float too.

    Example:
        >>> number_of(sympy.Rational(1, 9)), number_of(sympy.Float(0.25)), number_of(sympy.pi)
        (Fraction(1, 9), 0.25, None)
    """
    if entry.is_Rational:
        return readable_number(exact_number(Fraction(int(entry.p), int(entry.q))))
    if not entry.is_Float:
        return None
    found = exact_number(float(entry))
    return float(found) if isinstance(found, Fraction) else found


def short_number(number: int | Fraction | float) -> int | Fraction | float:
    """Return a long fraction as a float, anything else as it is.

    Example:
        >>> short_number(Fraction(1, 9)), short_number(Fraction(10**9 + 1, 10**9))
        (Fraction(1, 9), 1.000000001)
    """
    long = isinstance(number, Fraction) and len(str(number)) > _LONGEST_FRACTION
    return float(number) if long else number


def is_rounded(number: int | Fraction | float) -> bool:
    """Whether its six digits are not all that there is to a float.

    Example:
        >>> is_rounded(0.0712), is_rounded(0.07511361)
        (False, True)
    """
    return isinstance(number, float) and float(exact_text(number)) != number


def number_in_form(number: int | Fraction | float, form: str) -> str:
    r"""Return a number in a form: ``−1/9``, plain ``-1/9``, ``-\frac{1}{9}``.

    Example:
        >>> number_in_form(-2, "unicode"), number_in_form(2e-7, "latex")
        ('−2', '2 \\cdot 10^{-7}')
    """
    text = exact_text(number)
    if form != "latex":
        return text.replace("-", "−", 1) if form == "unicode" and text[0] == "-" else text
    sign, bare = ("-", text[1:]) if text[0] == "-" else ("", text)
    if "/" in bare:
        over, under = bare.split("/")
        return rf"{sign}\frac{{{over}}}{{{under}}}"
    digits, _, exponent = bare.partition("e")
    return sign + (rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent else digits)


def shortened(expression: Any) -> Any:
    """Return an expression whose decimals have six digits, for sympy's own printers.

    Example:
        >>> shortened(sympy.Symbol("a") * sympy.Float(0.07511360943))
        0.0751136*a
    """
    numbers = expression.atoms(sympy.Number)
    decimals = {n: _six_digits(n) for n in numbers if n.is_Float or isinstance(number_of(n), float)}
    return expression.xreplace(decimals) if decimals else expression


def expression_in_form(expression: Any, form: str) -> str:
    """Return an expression as text, ``a·w − d/2``, or as LaTeX.

    Example:
        >>> a, b = sympy.symbols("a b")
        >>> expression_in_form(a / 2 - 3 * b**2, "unicode"), expression_in_form(a - b, "plain")
        ('a/2 − 3·b²', 'a - b')
    """
    number = number_of(expression)
    if number is not None:
        return number_in_form(number, form)
    if form == "latex":
        return str(sympy.latex(shortened(expression)))
    if expression.is_Add:
        return _added(expression, form)
    if expression.is_Mul:
        return _multiplied(expression, form)
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 1:
        base = _inside(expression.base, form)
        if form == "plain":
            return f"{base}**{expression.exp}"
        return base + str(expression.exp).translate(_SUPERSCRIPTS)
    if isinstance(expression, (sympy.Max, sympy.Min)):
        inner = ", ".join(expression_in_form(part, form) for part in expression.args)
        return f"{type(expression).__name__}({inner})"
    return str(shortened(expression))


def _added(expression: Any, form: str) -> str:
    minus = "−" if form == "unicode" else "-"
    text = ""
    for term in expression.as_ordered_terms():
        negative = term.could_extract_minus_sign()
        sign = minus if negative else "+"
        part = expression_in_form(-term if negative else term, form)
        text += f" {sign} {part}" if text else (minus if negative else "") + part
    return text


def _multiplied(expression: Any, form: str) -> str:
    dot = "·" if form == "unicode" else "*"
    coefficient, rest = expression.as_coeff_Mul()
    over, under = number_of(coefficient) or 0, 1
    if isinstance(over, Fraction):
        over, under = over.numerator, over.denominator
    factors = [_inside(factor, form) for factor in rest.as_ordered_factors()]
    sign = ""
    if over == -1:
        sign = "−" if form == "unicode" else "-"
    elif over != 1:
        factors.insert(0, number_in_form(over, form))
    return sign + dot.join(factors) + (f"/{under}" if under != 1 else "")


def _inside(expression: Any, form: str) -> str:
    """Return a factor or a base, in parentheses unless it stands for itself."""
    text = expression_in_form(expression, form)
    alone = expression.is_Symbol or expression.is_Pow or expression.is_Function
    return text if alone or isinstance(expression, (sympy.Max, sympy.Min)) else f"({text})"


def _six_digits(number: Any) -> Any:
    found = number_of(number)
    text = exact_text(found if isinstance(found, float) else float(number))
    return sympy.Float(text, max(6, len(text.partition("e")[0].strip("-0.").replace(".", ""))))
