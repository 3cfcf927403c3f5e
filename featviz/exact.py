"""What a float is: a whole number, a simple fraction, a short decimal.

A pixel of a 3×3 mean is 14/9, but the computer holds 1.5555555820465088 (float32) or
1.5555555555555556 (float64). Cells of figures and printed matrices go through the two functions
here, so both print ``14/9``. One rule: a fraction is what a float was only if it rounds to that
very float, in the float's own precision, and if hardly any other number would have met a fraction
as simple by chance. All other floats are the decimal that one would type. Standard library only.
"""

from __future__ import annotations

import math
import re
import struct
from fractions import Fraction
from typing import Any

from featviz._check import shown, whole_number
from featviz.vocabulary import EXACT_ACTIVATIONS

LARGEST_DENOMINATOR = 256
# 10491/5 is harder to read than 2098.2.
_LARGEST_NUMERATOR = 9999
# How many numbers of the size of a float may meet a fraction by chance. Up to q there are 0.3·q²
# fractions per unit, each as wide as the last digit of the float. Binary fractions, 8-bit pixels,
# means of up to 3×3 cells and Canny's Gaussian (159) are common: of their denominators only the
# own multiples count, q per unit, and more chance is allowed, so that float32 shows the mean of
# nine pixels 0..255.
_LARGEST_CHANCE, _LARGEST_COMMON_CHANCE = 2.0**-15, 2.0**-12
_COMMON_DENOMINATORS = (256, 255, 36, 159)
# Every denominator up to 256 divides it whose fractions end as decimals.
_DECIMAL_POWER = 10**8
# Above it a float64 no longer tells neighbouring whole numbers apart.
_WHOLE_IN_FLOAT64 = 2.0**53
# IEEE 754-2019, table 3.5, binary32: normal numbers lie in 2**-126 .. (2 - 2**-23) * 2**127.
_FLOAT32_SMALLEST, _FLOAT32_LARGEST = 2.0**-126, (2.0 - 2.0**-23) * 2.0**127
_FLOAT32 = struct.Struct("<f")
_LONGEST_FIXED = 1e15
# A float64 keeps every decimal of so many digits (IEEE 754-2019, 5.12.2).
_TYPED_DIGITS = 15
# What activations make of 0, where that is a number and no rounded one.
_AT_ZERO = {
    "sigmoid": 0.5, "hard_sigmoid": 0.5, "sparse_sigmoid": 0.5, "exponential": 1.0,
} | dict.fromkeys(
    ("tanh", "gelu", "silu", "swish", "elu", "selu", "celu", "softsign", "mish", "tanh_shrink",
     "hard_silu", "hard_swish", "leaky_relu"), 0.0,
)  # fmt: skip


def exact_number(value: int | Fraction | float) -> int | Fraction | float:
    """Return what a computed number is: an int, a simple fraction or a short decimal.

    A float that float32 can hold is taken for one of float32, as every stored pixel is.

    Args:
        value: an int, Fraction or float of any size (also a numpy scalar); NaN and infinity too.

    Returns:
        The first of these that holds:

        * an int, for whole numbers up to ±2**53 (-0.0 is 0); a given int or Fraction is never
          changed in value;
        * the Fraction with the smallest denominator, at most 256, that rounds to this very
          float32 or float64, unless its numerator has more than four digits or more than one in
          4096 numbers of that size would meet such a fraction by chance;
        * of a float32, the float64 of the shortest decimal that rounds to it; any other float,
          also beyond the normal range of float32, as it is.

    Raises:
        TypeError: not a real number.

    Source:
        The fraction of smallest denominator between two bounds, by their continued fractions:
        Graham, Knuth, Patashnik, Concrete Mathematics, 2nd edition, section 4.5.

    Example:
        >>> exact_number(-0.0), exact_number(1.5555555820465088), exact_number(0.1)
        (0, Fraction(14, 9), Fraction(1, 10))
        >>> exact_number(0.07511360943317413), exact_number(3.141592653589793)
        (0.07511361, 3.141592653589793)
    """
    number = _plain(value)
    if not isinstance(number, float):
        return number if isinstance(number, int) or number.denominator > 1 else number.numerator
    size = abs(number)
    if size <= _WHOLE_IN_FLOAT64 and number.is_integer():
        return int(number)
    if not _FLOAT32_SMALLEST <= size <= _FLOAT32_LARGEST:  # NaN and infinity too
        return number
    found: Fraction | float | None = _likely_fraction(size)
    if found is None:
        found = _shortest_decimal(size) if is_float32(size) else size
    return found if number > 0 else -found


def readable_number(number: int | Fraction | float) -> int | Fraction | float:
    """Return a decimal whose fraction would be unreadable as a float.

    Example:
        >>> readable_number(Fraction("0.123456")), readable_number(Fraction(1, 1001))
        (0.123456, Fraction(1, 1001))
    """
    if not isinstance(number, Fraction) or number.denominator <= LARGEST_DENOMINATOR:
        return number
    if abs(number) > _FLOAT32_LARGEST:  # it may be beyond float64 too
        return number
    decimal = float(number)
    return decimal if Fraction(repr(decimal)) == number else number


def typed_number(value: float) -> int | Fraction | float:
    """Return a float64 exactly as the decimal that was typed.

    A float of float32, and one of more than 15 digits, which was computed, stays as it is.

    Example:
        >>> typed_number(0.1234567), typed_number(0.1 + 0.2)
        (Fraction(1234567, 10000000), 0.30000000000000004)
    """
    typed = not is_float32(value) and float(f"{value:.{_TYPED_DIGITS}g}") == value
    return Fraction(repr(value)) if typed else value


def exact_text(value: int | Fraction | float, *, digits: int = 6) -> str:
    """Return a number as cells and matrices print it: ``3``, ``1/9``, ``0.123457``.

    Formats what it is given; call :func:`exact_number` first to find whole numbers and
    fractions in computed floats.

    Args:
        value: an int, Fraction or float (also a numpy scalar).
        digits: significant digits of a float, 1 to 17. Digits before the point are never cut.

    Returns:
        Text without blanks: ints and fractions exactly; floats without trailing zeros, with an
        exponent only below 0.0001 and from 1e15 on; ``nan``, ``inf``, ``-inf``; never ``-0``.

    Raises:
        TypeError: not a real number, or ``digits`` is not a whole number.
        ValueError: ``digits`` outside 1 to 17.

    Example:
        >>> exact_text(3), exact_text(Fraction(-1, 9)), exact_text(0.1234567), exact_text(1.5e-7)
        ('3', '-1/9', '0.123457', '1.5e-07')
    """
    if whole_number("digits", digits, minimum=1) > 17:
        raise ValueError(f"digits must be a whole number from 1 to 17; got {digits}")
    number = _plain(value)
    if not isinstance(number, float):
        return str(number)
    if number == 0:
        return "0"
    text = f"{number:.{digits}g}"
    return f"{number:.0f}" if "e+" in text and abs(number) < _LONGEST_FIXED else text


def is_float32(value: float) -> bool:
    """Whether a float is one of float32, as every stored pixel is.

    Example:
        >>> is_float32(0.5), is_float32(0.1)
        (True, False)
    """
    return abs(value) <= _FLOAT32_LARGEST and _float32(value) == value


def is_stored_as(number: int | Fraction | float, value: float) -> bool:
    """Whether float32 stores a number as the given value.

    Example:
        >>> is_stored_as(0.1, 0.10000000149011612), is_stored_as(Fraction(1, 3), 0.3333)
        (True, False)
    """
    stored = float(number)
    return abs(stored) <= _FLOAT32_LARGEST and _float32(stored) == value


def is_near_in_float32(number: Fraction, value: float) -> bool:
    """Whether a value is a number but for the last digits that float32 has.

    Example:
        >>> is_near_in_float32(Fraction("1.1424"), 1.1423999965), is_near_in_float32(0, 1e-60)
        (True, False)
    """
    if not _FLOAT32_SMALLEST <= abs(value) <= _FLOAT32_LARGEST:
        return False
    return abs(number - Fraction(value)) <= abs(Fraction(value)) * Fraction(1, 2**22)


def is_exact_activation(name: str, before: float, after: float) -> bool:
    """Return whether an activation's result is no rounded number.

    Args:
        name: of the activation, its numbers in parentheses.
        before: what it was given.
        after: what it made of it.

    Example:
        >>> is_exact_activation("relu", 3, 3), is_exact_activation("sigmoid", 0, 0.5)
        (True, True)
        >>> is_exact_activation("sigmoid", 20, 1)
        False
    """
    bare = name.partition("(")[0]
    return bare in EXACT_ACTIVATIONS or (before == 0 and _AT_ZERO.get(bare) == after)


def short_activation(name: str) -> str:
    """Return an activation with one number as one writes it.

    Example:
        >>> short_activation("leaky_relu(negative_slope=0.1)"), short_activation("relu")
        ('leaky_relu(0.1)', 'relu')
    """
    return re.sub(r"\(\w+=([^,()]+)\)$", r"(\1)", name)


def _plain(value: Any) -> int | Fraction | float:
    """Return a Python number; numpy scalars and bools become one."""
    if type(value) is float:
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Fraction):
        return value
    raise TypeError(f"value must be a real number; got {shown(value)}")


def _float32(value: float) -> float:
    rounded: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    return rounded


def _likely_fraction(size: float) -> Fraction | None:
    """Return the simple fraction that a positive float stands for, if any."""
    single = is_float32(size)
    float32_step = math.ldexp(1.0, math.frexp(size)[1] - 24)
    step = float32_step if single else math.ulp(size)
    reach = Fraction(step) / 2
    p, q = _simplest_between(Fraction(size) - reach, Fraction(size) + reach)
    if not 1 < q <= LARGEST_DENOMINATOR or p > _LARGEST_NUMERATOR:
        return None
    # What ends as a decimal is one in float64 where float32 would show one: 14/25 is 0.56.
    if _by_chance(q, float32_step if _DECIMAL_POWER % q == 0 else step):
        return None
    stored = _float32(p / q) if single else p / q
    return Fraction(p, q) if stored == size else None


def _by_chance(q: int, step: float) -> bool:
    """Whether too many numbers would meet a fraction over q by chance."""
    if any(denominator % q == 0 for denominator in _COMMON_DENOMINATORS):
        return q * step > _LARGEST_COMMON_CHANCE
    return q * q * step > _LARGEST_CHANCE


def _simplest_between(lowest: Fraction, highest: Fraction) -> tuple[int, int]:
    """Return p, q of the fraction with the smallest q between two positive numbers.

    The continued fractions of both ends are followed as long as they agree; the first place
    where a whole number lies between them ends the search. It stops early beyond the largest
    denominator.
    """
    low, low_below = lowest.as_integer_ratio()
    high, high_below = highest.as_integer_ratio()
    before_p, p, before_q, q = 0, 1, 1, 0
    while q <= LARGEST_DENOMINATOR:
        whole, low_rest = divmod(low, low_below)
        upper, high_rest = divmod(high, high_below)
        between = low_rest == 0 or whole < upper
        term = whole + (1 if low_rest and between else 0)
        before_p, p, before_q, q = p, term * p + before_p, q, term * q + before_q
        if between:
            break
        low, low_below, high, high_below = high_below, high_rest, low_below, low_rest
    return p, q


def _shortest_decimal(nearest: float) -> float:
    """Return the float64 of the shortest decimal that rounds to a float32.

    Nine digits always do. None is taken that six digits would round to another side than the
    float32 itself: 0.4993255 stands for 0.499325483, which is 0.499325.
    """
    for digits in (6, 7, 8):
        decimal = float(f"{nearest:.{digits}g}")
        alike = decimal <= _FLOAT32_LARGEST and _float32(decimal) == nearest
        if alike and f"{decimal:.6g}" == f"{nearest:.6g}":
            return decimal
    return float(f"{nearest:.9g}")
