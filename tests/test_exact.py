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
    "next denominator": (1 / 257, 0.0038910506),
    "a given fraction": (Fraction(1, 1001), Fraction(1, 1001)),
    "a given whole fraction": (Fraction(6, 2), 3),
    "a sum that is nearly one": (0.1 * 3 + 0.7 - 1e-12, 1),
    "a neighbour of 14/3": (np.nextafter(np.float32(14 / 3), np.float32(0)), Fraction(14, 3)),
    "three steps from 2295/9": (
        float(np.float32(2294 / 9) + 3 * np.float32(2**-16)),
        Fraction(2294, 9),
    ),
    "four steps from 14/3": (float(np.float32(14 / 3) + 4 * np.float32(2**-21)), 4.6666684),
    "a neighbour of 7": (np.float32(6.9999995), 7),
    "a neighbour of a large fraction": (
        np.nextafter(np.float32(4999 / 251), np.float32(0)),
        19.916332,
    ),
    "six digits are tried before seven": (np.float32(9.4322e-10), 9.4322e-10),
    "Gaussian corner": (np.float32(0.075113609), 0.07511361),
    "not whole above 2**24": (16777217.5, 16777217.5),
    "many digits above 100": (1234.5678, 1234.5677),
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


@settings(max_examples=500)
@given(st.integers(-5000, 5000), st.integers(1, LARGEST_DENOMINATOR))
@example(-5000, 256)
@example(4999, 251)
def test_every_simple_fraction_is_found_back_from_both_precisions(p, q):
    single = np.float32(p / q)
    for computed in (p / q, single, float(single), np.float64(single)):
        found = exact_number(computed)
        assert not isinstance(found, float)
        assert np.float32(float(found)) == single
        assert Fraction(found).denominator <= Fraction(p, q).denominator


def simplest_by_trying(single, steps, largest_product):
    """The definition: try every denominator in turn; ``steps`` of 0 means the same float32."""
    exact = Fraction(float(single))
    reach = steps * Fraction(float(np.spacing(single)))
    for denominator in range(1, LARGEST_DENOMINATOR + 1):
        numerator = round(exact * denominator)
        same = np.float32(numerator / denominator) == single
        if same or abs(Fraction(numerator, denominator) - exact) <= reach:
            return (
                Fraction(numerator, denominator)
                if numerator * denominator <= largest_product
                else None
            )
    return None


@settings(max_examples=200)
@given(st.integers(1, 2**21), st.integers(1, 256), st.integers(-3, 3))
@example(14, 3, 1)
@example(4999, 251, 0)
def test_a_found_fraction_has_the_smallest_denominator_of_all(p, q, steps):
    single = np.float32(p / q)
    single = single + np.float32(steps) * np.spacing(single)
    assume(single % 1)
    found = exact_number(single)
    expected = simplest_by_trying(single, 0, 2**21) or simplest_by_trying(single, 3, 2**16)
    assert found == expected if expected else isinstance(found, float)


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_stay_whole_up_to_2_to_the_53(value):
    found = exact_number(float(value))
    assert type(found) is int
    assert found == value


@settings(max_examples=1000)
@given(
    st.floats(2.0**-120, 2.0**24, exclude_max=True)
    | st.floats(-(2.0**24), -(2.0**-120), exclude_min=True)
    | st.floats(2.0**54, 2.0**120)
)
def test_both_precisions_of_a_number_are_the_same_number(value):
    # A whole float64 that float32 cannot hold is kept: it is another number there.
    assume(abs(value) < 2**24 or float(np.float32(value)) > 2**53)
    assert exact_number(value) == exact_number(np.float32(value))
    assert exact_text(exact_number(value)) == exact_text(exact_number(np.float32(value)))


@settings(max_examples=1000)
@given(st.floats(-(2.0**24), 2.0**24, width=32, allow_subnormal=False))
def test_what_is_found_lies_within_three_float32_steps(value):
    found = exact_number(value)
    if isinstance(found, float) or Fraction(found).denominator > 1:
        assert abs(Fraction(found) - Fraction(value)) <= 3 * Fraction(
            float(np.spacing(np.float32(abs(value))))
        )
    if isinstance(found, float):
        assert np.float32(found) == np.float32(value)


@settings(max_examples=1000)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_printed_text_reads_back_to_six_digits(value):
    text = exact_text(exact_number(value))
    assert float(Fraction(text)) == pytest.approx(value, rel=5.1e-6, abs=0)
    assert text != "-0"


def test_random_decimals_are_seldom_taken_for_fractions():
    generator = np.random.default_rng(0)
    for scale in (1, 10, 100, 1000, 100_000):
        values = scale * (1 + generator.random(1000))
        share = sum(isinstance(exact_number(value), Fraction) for value in values) / 1000
        assert share < 1 / 13, scale


def test_reading_numbers_imports_neither_numpy_nor_sympy():
    code = "import sys, featviz.exact; print(sorted({'numpy', 'sympy'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
