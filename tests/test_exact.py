"""What a computed number is, and how it is printed."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import featviz
from featviz.exact import LARGEST_DENOMINATOR, exact_number, exact_text

ROOT = Path(featviz.__file__).parents[1]

FOUND = {
    "whole float": (3.0, 3),
    "negative zero": (-0.0, 0),
    "negative zero in float32": (np.float32(-0.0), 0),
    "beyond float32's whole numbers": (16777217.0, 16777217),
    "2**53": (2.0**53, 2**53),
    "a large int": (10**40 + 1, 10**40 + 1),
    "a numpy int": (np.uint8(200), 200),
    "a bool": (True, 1),
    "third": (1 / 3, Fraction(1, 3)),
    "third in float32": (np.float32(1 / 3), Fraction(1, 3)),
    "third in float32, as float": (float(np.float32(1 / 3)), Fraction(1, 3)),
    "negative fraction": (-14 / 9, Fraction(-14, 9)),
    "tenth": (0.1, Fraction(1, 10)),
    "largest denominator": (1 / 256, Fraction(1, 256)),
    "next denominator": (1 / 257, 1 / 257),
    "next denominator in float32": (np.float32(1 / 257), 0.0038910506),
    "a given fraction": (Fraction(1, 1001), Fraction(1, 1001)),
    "a given whole fraction": (Fraction(6, 2), 3),
    "a sum that is nearly one": (0.1 * 3 + 0.7 - 1e-12, 0.1 * 3 + 0.7 - 1e-12),
    "a neighbour of 14/3": (np.nextafter(np.float32(14 / 3), np.float32(0)), 4.6666665 - 5e-7),
    "a neighbour of 7": (np.float32(6.9999995), 6.9999995),
    "the mean of nine pixels 0..255": (np.float32(2294 / 9), Fraction(2294, 9)),
    "an 8-bit pixel": (np.float32(128 / 255), Fraction(128, 255)),
    "a sum of sixteenths": (np.float32(2013 / 16), Fraction(2013, 16)),
    "a weight of Canny's Gaussian": (np.float32(15 / 159), Fraction(5, 53)),
    "seven digits of pi": (3.1415927, 3.1415927),
    "pi": (math.pi, math.pi),
    "pi in float32": (np.float32(math.pi), 3.1415927),
    "eighty-firsts by chance": (0.123456789, 0.123456789),
    "eighty-firsts by chance, in float32": (np.float32(0.12345679), 0.12345679),
    "thousands in float32": (np.float32(2098.742), 2098.742),
    "thousands and a quarter": (2098.75, 2098.75),
    "ten thousand fifths": (2098.2, 2098.2),
    "a normal number": (np.float32(-215 / 199), -1.080402),
    "six digits are tried before seven": (np.float32(9.4322e-10), 9.4322e-10),
    "Gaussian corner": (np.float32(0.075113609), 0.07511361),
    "not whole above 2**24": (16777217.5, 16777217.5),
    "many digits above 100": (1234.5678, 1234.5678),
    "many digits above 100, in float32": (np.float32(1234.5678), 1234.5677),
    "above 2**53": (1e30, 1e30),
    "above 2**53 in float32": (np.float32(1e30), 1e30),
    "above float32": (1e300, 1e300),
    "below float32": (1.2345678e-60, 1.2345678e-60),
    "float32 subnormal": (1.2345678e-42, 1.2345678e-42),
    "infinity": (math.inf, math.inf),
    "negative infinity": (np.float32(-np.inf), -math.inf),
}


@pytest.mark.parametrize(("value", "expected"), FOUND.values(), ids=FOUND.keys())
def test_a_number_is_found_for_what_it_is(value, expected):
    found = exact_number(value)
    assert found == expected
    assert type(found) is type(expected)
    assert not (isinstance(found, float) and found == 0)


def test_nan_stays_a_float():
    assert math.isnan(exact_number(np.float32("nan")))


PRINTED = {
    "int": (3, "3"),
    "fraction": (Fraction(1, 9), "1/9"),
    "negative fraction": (Fraction(-14, 9), "-14/9"),
    "six digits": (0.1234567, "0.123457"),
    "no trailing zeros": (0.25, "0.25"),
    "small": (1.5e-7, "1.5e-07"),
    "smallest without exponent": (0.0001, "0.0001"),
    "large, digits before the point are kept": (1234567.875, "1234568"),
    "rounded up to seven digits": (999999.7, "1000000"),
    "large without exponent": (123456789012345.5, "123456789012346"),
    "large with exponent": (1e30, "1e+30"),
    "float64 only": (1e300, "1e+300"),
    "negative zero": (-0.0, "0"),
    "float32": (np.float32(0.5), "0.5"),
    "nan": (math.nan, "nan"),
    "infinity": (math.inf, "inf"),
    "negative infinity": (-math.inf, "-inf"),
    "a long int": (10**20 + 1, "100000000000000000001"),
}


@pytest.mark.parametrize(("value", "expected"), PRINTED.values(), ids=PRINTED.keys())
def test_a_number_is_printed_as_a_person_writes_it(value, expected):
    assert exact_text(value) == expected


@pytest.mark.parametrize(
    ("digits", "expected"), [(1, "123"), (3, "123"), (4, "123.5"), (6, "123.456")], ids=str
)
def test_digits_limit_only_what_stands_behind_the_point(digits, expected):
    assert exact_text(123.456, digits=digits) == expected


ERRORS = {
    "text": (lambda: exact_number("1"), TypeError, "value must be a real number; got '1'"),
    "none": (lambda: exact_number(None), TypeError, "value must be a real number; got None"),
    "complex": (lambda: exact_text(1j), TypeError, "value must be a real number; got 1j"),
    "numpy complex": (
        lambda: exact_number(np.complex64(1j)),
        TypeError,
        "value must be a real number; got 1j",
    ),
    "no digits": (
        lambda: exact_text(0.5, digits=0),
        ValueError,
        "digits must be a whole number of at least 1; got 0",
    ),
    "half a digit": (
        lambda: exact_text(0.5, digits=1.5),
        TypeError,
        "digits must be a whole number of at least 1; got 1.5",
    ),
    "too many digits": (
        lambda: exact_text(0.5, digits=18),
        ValueError,
        "digits must be a whole number from 1 to 17; got 18",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_wrong_use_is_refused_in_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == sentence


def simplest_by_trying(value):
    """The definition: of all fractions that round to the value the simplest, if it is no chance."""
    single = isinstance(value, np.float32)
    for q in range(1, LARGEST_DENOMINATOR + 1):
        p = round(Fraction(float(value)) * q)
        if (np.float32(p / q) if single else p / q) == value:
            common = any(common % q == 0 for common in (256, 255, 36, 159))
            kind = np.float32 if 10**8 % q == 0 else type(value)
            step = Fraction(float(np.spacing(kind(value))))
            by_chance = (
                q * step > Fraction(1, 2**12) if common else q * q * step > Fraction(1, 2**15)
            )
            return None if by_chance or abs(p) > 9999 else Fraction(p, q)
    return None


@settings(max_examples=200)
@given(st.integers(1, 20_000), st.integers(1, 256), st.integers(-3, 3))
@example(14, 3, 1)
@example(4999, 251, 0)
@example(9999, 256, 0)
def test_a_found_fraction_has_the_smallest_denominator_of_all(p, q, steps):
    for value in (np.float32(p / q), np.float64(p / q)):
        near = value + type(value)(steps) * np.spacing(value)
        assume(near % 1)
        single = np.float32(near) if np.float32(near) == near else near
        expected = simplest_by_trying(single)
        found = exact_number(near)
        assert found == expected if expected else isinstance(found, float)


@settings(max_examples=500)
@given(st.integers(-5000, 5000), st.integers(1, LARGEST_DENOMINATOR))
@example(-5000, 256)
@example(4999, 251)
def test_a_simple_fraction_is_found_back_from_float64(p, q):
    fraction = Fraction(p, q)
    found = exact_number(p / q)
    assert exact_number(np.float64(p / q)) == found
    if 10**8 % fraction.denominator:
        assert np.float32(p / q) == p / q or found == fraction
    else:
        assert float(found) == p / q  # also as the decimal: 12.04


@pytest.mark.parametrize(
    ("q", "largest"),
    [(3, 255), (9, 255), (16, 127), (255, 1), (256, 1), (159, 0.09), (25, 0.5), (49, 0.1), (7, 7)],
    ids=str,
)
def test_the_fractions_of_lessons_are_found_back_from_float32(q, largest):
    for p in range(int(largest * q) + 1):
        for value in (np.float32(p / q), float(np.float32(-p / q))):
            assert abs(exact_number(value)) == Fraction(p, q)


def numbers_of_all_sizes(kind):
    """Random floats, fractions and decimals of one precision."""
    generator = np.random.default_rng(0)
    fractions = generator.integers(-9999, 9999, 2000) / generator.integers(1, 300, 2000)
    scales = 10.0 ** np.arange(-6, 6)
    random = generator.normal(size=(len(scales), 300)) * scales[:, None]
    typed = [round(value, places) for places in range(8) for value in random[7:10, :50].flat]
    return np.concatenate([fractions, random.ravel(), typed]).astype(kind)


@pytest.mark.parametrize("kind", [np.float32, np.float64], ids=["float32", "float64"])
def test_what_is_found_is_the_very_number_in_its_own_precision(kind):
    for value in numbers_of_all_sizes(kind):
        found = exact_number(value)
        narrow = np.float32(value) == value  # as every stored pixel is
        assert np.float32(found) == value if narrow else float(found) == value
        assert isinstance(found, float) or Fraction(found).denominator <= LARGEST_DENOMINATOR
        printed = exact_text(found)
        if "/" in printed:
            assert kind(float(Fraction(printed))) == value


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_stay_whole_up_to_2_to_the_53(value):
    found = exact_number(float(value))
    assert type(found) is int
    assert found == value


@settings(max_examples=1000)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_stored_pixel_is_one_number_as_float32_and_as_float(value):
    found = exact_number(np.float32(value))
    assert exact_number(value) == found
    assert np.float32(float(found)) == np.float32(value)


@settings(max_examples=1000)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_text_reads_back_to_six_digits(value):
    text = exact_text(exact_number(value))
    assert float(Fraction(text)) == pytest.approx(value, rel=5.1e-6, abs=0)
    assert text != "-0"


@pytest.mark.parametrize("scale", [0.01, 1, 4, 100, 128, 1000, 100_000], ids=str)
def test_random_numbers_are_almost_never_taken_for_fractions(scale):
    values = scale * (1 + np.random.default_rng(0).random(4000))
    assert not any(isinstance(exact_number(value), Fraction) for value in values)
    singles = values.astype(np.float32)
    assert sum(isinstance(exact_number(value), Fraction) for value in singles) <= 4


def test_reading_numbers_imports_neither_numpy_nor_sympy():
    code = "import sys, featviz.exact; print(sorted({'numpy', 'sympy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
