"""The Kernel value and the reading of numbers: definitions, numpy, scipy and sympy beside it."""

from __future__ import annotations

import array
import copy
import dataclasses
import decimal
import itertools
import pickle
import time
from fractions import Fraction

import numpy as np
import pytest
import scipy.signal
import sympy
from hypothesis import given
from hypothesis import strategies as st

from featviz.kernels import (
    Kernel,
    describe_kernel,
    number_from,
    number_text,
    rows_from,
    rows_from_text,
)

SKEW = Kernel("1 2 -3; 4 0 5; -6 7 8; 9 -1 2", name="skew")  # no symmetry at all
SYMPY_MATRIX = sympy.Matrix([[sympy.Rational(1, 9), 2], [sympy.Float("0.25"), sympy.sqrt(2)]])

whole = st.integers(-9, 9)
fractions = st.fractions(min_value=-3, max_value=3, max_denominator=9)
floats = st.floats(-9, 9, allow_subnormal=False).map(lambda value: round(value, 6) + 1e-7)


def kernels(entries=whole, largest=4):
    sizes = st.tuples(st.integers(1, largest), st.integers(1, largest))
    return sizes.flatmap(
        lambda size: st.lists(
            st.lists(entries, min_size=size[1], max_size=size[1]),
            min_size=size[0],
            max_size=size[0],
        )
    ).map(Kernel)


def as_array(kernel, dtype=np.float64):
    return np.array([[float(value) for value in row] for row in kernel.rows], dtype)


def as_sympy(kernel):
    exact = [[sympy.Rational(Fraction(value)) for value in row] for row in kernel.rows]
    return sympy.Matrix(exact)


# ------------------------------------------------------------------ reading numbers


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (3, 3),
        (True, 1),
        (2.0, 2),
        (-0.0, 0),
        (0.1, 0.1),
        ("0.1", Fraction(1, 10)),
        ("1/9", Fraction(1, 9)),
        ("-2/6", Fraction(-1, 3)),
        ("−3", -3),
        ("+.5", Fraction(1, 2)),
        ("2.", 2),
        ("1e-2", 0.01),
        ("1e3", 1000),
        (" 7 ", 7),
        (np.int64(-4), -4),
        (np.float32(0.5), 0.5),
        (np.bool_(True), 1),
        (np.longdouble("0.25"), 0.25),
        (np.array(3), 3),
        (Fraction(4, 2), 2),
        (sympy.Rational(1, 9), Fraction(1, 9)),
        (sympy.Float("0.25"), 0.25),
        (sympy.Integer(-5), -5),
        ("0." + "3" * 60, Fraction(int("3" * 60), 10**60)),
    ],
    ids=str,
)
def test_a_number_of_any_library_is_read_exactly(given_value, expected):
    found = number_from(given_value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2; 3 4", ((1, 2), (3, 4))),
        ("1,2\n3,4", ((1, 2), (3, 4))),
        ("1, 2,\r\n 3 , 4,\r\n", ((1, 2), (3, 4))),
        ("1\t2;;3\u00a04;", ((1, 2), (3, 4))),
        ("5", ((5,),)),
        ("[[1, 2], [3, 4]]", ((1, 2), (3, 4))),
        (" [[1,-.5],['1/9',1/9]] ", ((1, Fraction(-1, 2)), (Fraction(1, 9), Fraction(1, 9)))),
        ("[[0.1]]", ((Fraction(1, 10),),)),
    ],
    ids=["blanks", "commas", "trailing commas", "tabs", "one", "brackets", "loose", "decimal"],
)
def test_text_becomes_rows(text, expected):
    assert rows_from_text(text) == expected
    assert rows_from(text) == expected


@pytest.mark.parametrize(
    "values",
    [
        [[1, 2], [3, 4]],
        ((1, 2), (3, 4)),
        [np.array([1, 2]), (3, 4)],
        [range(1, 3), array.array("i", [3, 4])],
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 2], [3, 4]], np.float16),
        np.array([[1, 2], [3, 4]], object),
        np.ma.masked_array([[1, 2], [3, 4]]),
        np.asfortranarray([[1, 2], [3, 4]]),
        memoryview(np.array([[1, 2], [3, 4]], np.uint8)),
        sympy.Matrix([[1, 2], [3, 4]]),
        sympy.ImmutableMatrix([[1, 2], [3, 4]]),
        Kernel("1 2; 3 4", name="other"),
        "1 2; 3 4",
    ],
    ids=lambda values: type(values).__name__,
)
def test_rows_come_from_whatever_holds_them(values):
    assert Kernel(values).rows == ((1, 2), (3, 4))
    assert Kernel(values).name == "kernel"


def test_rows_come_from_tensors_and_variables():
    tf = pytest.importorskip("tensorflow")
    for dtype in (tf.float32, tf.bfloat16, tf.int8):
        tensor = tf.constant([[1, 2], [3, 4]], dtype)
        assert Kernel(tensor).rows == ((1, 2), (3, 4))
        assert Kernel(tf.Variable(tensor)).rows == ((1, 2), (3, 4))
        assert Kernel([tensor[0], list(tensor[1])]).rows == ((1, 2), (3, 4))


def test_rows_come_from_tables_that_only_turn_into_arrays():
    class Table:
        def to_numpy(self):
            return np.array([[1, 2], [3, 4]])

    class Arrayed:
        def __array__(self, dtype=None, copy=None):
            return np.array([[1, 2], [3, 4]])

    assert Kernel(Table()).rows == Kernel(Arrayed()).rows == ((1, 2), (3, 4))


def test_a_sympy_matrix_keeps_its_fractions():
    rows = Kernel(SYMPY_MATRIX).rows
    assert rows[0] == (Fraction(1, 9), 2)
    assert rows[1] == (0.25, pytest.approx(2**0.5, abs=1e-16))


DEEP: list = []
for _ in range(100_000):
    DEEP = [DEEP]
NESTED_DICT: dict = {1: DEEP}
CYCLE: list = []
CYCLE.append(CYCLE)
RULE = "kernel must be rows of numbers, like [[1, 2], [3, 4]]"
PLACE = "kernel, row 1, column 1"
NO_NUMBER = "must hold numbers like 2, -0.5 or 1/9"
BRACKETS = "kernel in brackets must be written like [[1, 2], [3, 4]]"

ERRORS = {
    "None": (lambda: Kernel(None), TypeError, f"{RULE}; got None"),
    "a number": (lambda: Kernel(3), TypeError, f"{RULE}; got 3"),
    "no axes": (lambda: Kernel(np.array(3)), TypeError, f"{RULE}; got array(3)"),
    "one axis": (lambda: Kernel([1, 2]), TypeError, f"{RULE}; got 1 as row 1"),
    "three axes": (
        lambda: Kernel(np.ones((2, 1, 1))),
        TypeError,
        f"{RULE}; got three or more levels",
    ),
    "row of text": (lambda: Kernel(["1 2"]), TypeError, f"{RULE}; got '1 2' as row 1"),
    "bytes": (lambda: Kernel(b"1 2"), TypeError, f"{RULE}; got b'1 2'"),
    "a set": (lambda: Kernel({1}), TypeError, f"{RULE}; got {{1}}"),
    "a dict": (lambda: Kernel({"a": 1}), TypeError, f"{RULE}; got {{'a': 1}}"),
    "a class": (lambda: Kernel(np.ndarray), TypeError, f"{RULE}; got <class 'numpy.ndarray'>"),
    "deep lists": (lambda: Kernel(DEEP), TypeError, f"{RULE}; got three or more levels"),
    "cycle": (lambda: Kernel(CYCLE), TypeError, f"{RULE}; got three or more levels"),
    "deep dict": (
        lambda: Kernel(NESTED_DICT),
        TypeError,
        f"{RULE}; got a value too large to show (dict)",
    ),
    "deep entry": (
        lambda: Kernel([[NESTED_DICT]]),
        TypeError,
        f"{PLACE} must hold real numbers; got a value too large to show (dict)",
    ),
    "no rows": (lambda: Kernel([]), ValueError, f"{RULE}; got no rows"),
    "blank text": (lambda: Kernel(" \n ; "), ValueError, f"{RULE}; got no rows"),
    "empty row": (lambda: Kernel([[], []]), ValueError, f"{RULE}; got an empty row 1"),
    "empty array": (lambda: Kernel(np.ones((0, 3))), ValueError, f"{RULE}; got no rows"),
    "ragged": (
        lambda: Kernel([[1, 2], [3]]),
        ValueError,
        "kernel must have rows of equal length; got 2 numbers in row 1 and 1 in row 2",
    ),
    "too many": (
        lambda: Kernel(np.broadcast_to(0, (10**6, 10**6))),
        ValueError,
        "kernel must hold at most 1048576 numbers; got 1000000×1000000 of them",
    ),
    "too many in text": (
        lambda: Kernel("1 " * 1_048_577),
        ValueError,
        "kernel must hold at most 1048576 numbers; got 1×1048577 of them",
    ),
    "NaN": (
        lambda: Kernel([[float("nan")]]),
        ValueError,
        f"{PLACE} must hold finite numbers; got nan",
    ),
    "infinity": (
        lambda: Kernel([[1, 2], [3, -np.inf]]),
        ValueError,
        "kernel, row 2, column 2 must hold finite numbers; got -inf",
    ),
    "text NaN": (lambda: Kernel("nan"), ValueError, f"{PLACE} must hold finite numbers; got nan"),
    "huge exponent": (
        lambda: Kernel("1e1000000000"),
        ValueError,
        f"{PLACE} must hold finite numbers; got inf",
    ),
    "5000 digits": (
        lambda: Kernel("9" * 5000),
        ValueError,
        f"{PLACE} must hold finite numbers; got inf",
    ),
    "5000 digits in brackets": (
        lambda: Kernel("[[" + "9" * 5000 + "]]"),
        ValueError,
        f"{PLACE} must hold finite numbers; got inf",
    ),
    "10**5000": (
        lambda: Kernel([[10**5000]]),
        ValueError,
        f"{PLACE} must hold finite numbers; got a value too large to show (int)",
    ),
    "long fraction": (
        lambda: Kernel([[Fraction(10**5000, 10**4999 + 1)]]),
        ValueError,
        f"{PLACE} must hold fractions of at most 3900 digits; got a longer one",
    ),
    "word": (lambda: Kernel("1 x"), ValueError, f"kernel, row 1, column 2 {NO_NUMBER}; got 'x'"),
    "over zero": (lambda: Kernel("1/0"), ValueError, f"{PLACE} {NO_NUMBER}; got '1/0'"),
    "two commas": (
        lambda: Kernel("1,,2"),
        ValueError,
        f"kernel, row 1, column 2 {NO_NUMBER}; got ''",
    ),
    "leading comma": (lambda: Kernel(",1\n,2"), ValueError, f"{PLACE} {NO_NUMBER}; got ''"),
    "other digits": (lambda: Kernel("٣"), ValueError, f"{PLACE} {NO_NUMBER}; got '٣'"),
    "superscript": (lambda: Kernel("²"), ValueError, f"{PLACE} {NO_NUMBER}; got '²'"),
    "underscore": (lambda: Kernel("1_000"), ValueError, f"{PLACE} {NO_NUMBER}; got '1_000'"),
    "hexadecimal": (lambda: Kernel("0x10"), ValueError, f"{PLACE} {NO_NUMBER}; got '0x10'"),
    "null": (lambda: Kernel("[[null]]"), ValueError, f"{PLACE} {NO_NUMBER}; got 'null'"),
    "open bracket": (lambda: Kernel("[[1, 2]"), ValueError, f"{BRACKETS}; got '[[1, 2]'"),
    "bracket bomb": (
        lambda: Kernel("[" * 100_000),
        ValueError,
        f"{BRACKETS}; got '" + "[" * 58 + "…",
    ),
    "flat brackets": (lambda: Kernel("[1, 2]"), TypeError, f"{RULE}; got '1' as row 1"),
    "None inside": (
        lambda: Kernel([[None]]),
        TypeError,
        f"{PLACE} must hold real numbers; got None",
    ),
    "complex": (lambda: Kernel([[1j]]), TypeError, f"{PLACE} must hold real numbers; got 1j"),
    "decimal": (
        lambda: Kernel([[decimal.Decimal("1e999999999")]]),
        TypeError,
        f"{PLACE} must hold real numbers; got Decimal('1E+999999999')",
    ),
    "date": (
        lambda: Kernel(np.array([["2020-01-01"]], "datetime64[D]")),
        TypeError,
        f"{PLACE} must hold real numbers; got datetime.date(2020, 1, 1)",
    ),
    "masked": (
        lambda: Kernel(np.ma.masked_array([[1, 2]], mask=[[0, 1]])),
        TypeError,
        "kernel, row 1, column 2 must hold real numbers; got None",
    ),
    "symbol": (
        lambda: Kernel(sympy.Matrix([[sympy.Symbol("x")]])),
        TypeError,
        f"{PLACE} must hold real numbers; got x",
    ),
    "sympy infinity": (
        lambda: Kernel([[sympy.oo]]),
        TypeError,
        f"{PLACE} must hold real numbers; got oo",
    ),
    "sympy truth": (
        lambda: Kernel([[sympy.true]]),
        TypeError,
        f"{PLACE} must hold real numbers; got True",
    ),
    "several in one": (
        lambda: number_from(np.arange(3)),
        TypeError,
        "kernel must hold real numbers; got array([0, 1, 2])",
    ),
    "other place": (
        lambda: number_from("x", where="bias"),
        ValueError,
        f"bias {NO_NUMBER}; got 'x'",
    ),
    "empty name": (
        lambda: Kernel("1", name=" "),
        ValueError,
        "name must be a text that is not empty; got ' '",
    ),
    "name of number": (lambda: Kernel("1", name=3), TypeError, "name must be a text; got 3"),
    "source of number": (lambda: Kernel("1", source=3), TypeError, "source must be a text; got 3"),
    "turned by 45": (
        lambda: SKEW.rotated(45),
        ValueError,
        "degrees must be a multiple of 90; got 45",
    ),
    "turned by 1.5": (
        lambda: SKEW.rotated(1.5),
        TypeError,
        "degrees must be a multiple of 90; got 1.5",
    ),
    "flipped diagonal": (
        lambda: SKEW.flipped("verticall"),
        ValueError,
        "direction must be one of 'horizontal', 'vertical', 'both'; got 'verticall' "
        "(did you mean 'vertical'?)",
    ),
    "zero sum": (
        lambda: Kernel("1 -1", name="step").normalised(),
        ValueError,
        "kernel must have a sum other than 0; got 'step', sum 0",
    ),
    "zero sum of floats": (
        lambda: Kernel([[0.1, 0.2, -0.3]]).normalised(),
        ValueError,
        "kernel must have a sum other than 0; got 'kernel', sum 0",
    ),
    "composed with rows": (
        lambda: SKEW.composed([[1]]),
        TypeError,
        "after must be a Kernel, such as PRESETS['edge']; got [[1]]",
    ),
    "composed too large": (
        lambda: Kernel(np.ones((70, 70))).composed(Kernel(np.ones((60, 60)))),
        ValueError,
        "after must need at most 16777216 products; got 60×60 after 70×70",
    ),
    "sum too large": (
        lambda: Kernel([[1.7e308, 1.7e308, 0.5]]).sum,
        ValueError,
        "kernel sums must be finite; got more than a float holds",
    ),
}


@pytest.mark.parametrize(("call", "error", "text"), ERRORS.values(), ids=ERRORS)
def test_every_error_is_one_exact_sentence(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text
    assert type(caught.value) is error


@given(st.text(alphabet="0123456789+-−./eE[](),; \n\"'xnaif\\{}", max_size=30))
def test_no_text_breaks_the_parser(text):
    try:
        kernel = Kernel(text)
    except (TypeError, ValueError) as caught:
        sentence = str(caught)
    else:
        sentence = " must " * (Kernel(str(kernel)).shape == kernel.shape)
    assert " must " in sentence


# ------------------------------------------------------------------ algebra


@given(st.one_of(kernels(), kernels(fractions), kernels(st.sampled_from([0, 1]))))
def test_rank_is_that_of_sympy(kernel):
    assert kernel.rank == as_sympy(kernel).rank()


@given(kernels(floats, largest=5))
def test_rank_of_floats_is_that_of_numpy(kernel):
    values = as_array(kernel)
    sizes = np.linalg.svd(values, compute_uv=False)
    if np.all((sizes > 1e-6 * sizes[0]) | (sizes < 1e-12 * sizes[0])):  # no doubtful case
        assert kernel.rank == np.linalg.matrix_rank(values, tol=1e-9 * sizes[0])


def test_rank_of_a_large_kernel_is_found_in_whole_numbers():
    values = np.random.default_rng(7).integers(-9, 10, (40, 3)) @ np.random.default_rng(8).integers(
        -9, 10, (3, 40)
    )
    assert Kernel(values).rank == np.linalg.matrix_rank(values) == 3


def test_rank_of_a_large_exact_kernel_takes_no_time():
    values = np.random.default_rng(9).integers(-9, 10, (64, 64))
    start = time.perf_counter()
    assert Kernel(values).rank == 64
    assert time.perf_counter() - start < 2


vectors = st.lists(whole, min_size=1, max_size=4)


@given(vectors, vectors, st.integers(1, 9))
def test_factors_rebuild_the_kernel_exactly(column, row, divisor):
    kernel = Kernel([[Fraction(a * b, divisor) for b in row] for a in column])
    if not any(column) or not any(row):
        assert (kernel.rank, kernel.factors) == (0, None)
        return
    down, across = kernel.factors
    assert kernel.rank == 1
    assert tuple(tuple(a * b for b in across) for a in down) == kernel.rows
    assert not any(isinstance(value, float) for value in (*down, *across))
    assert all(isinstance(value, int) for value in across)
    assert np.gcd.reduce(across) == 1
    assert any(value > 0 for value in down)


@given(st.lists(floats, min_size=1, max_size=5), st.lists(floats, min_size=1, max_size=5))
def test_factors_of_floats_rebuild_the_kernel(column, row):
    kernel = Kernel(np.outer(column, row))
    values = as_array(kernel)
    down, across = kernel.factors
    rebuilt = np.outer(np.array(down, float), np.array(across, float))
    assert np.abs(rebuilt - values).max() <= 1e-12 * np.abs(values).max()


@pytest.mark.parametrize(
    ("text", "rank", "factors"),
    [
        ("5", 1, ((5,), (1,))),
        ("0", 0, None),
        ("0 0; 0 0", 0, None),
        ("2 4 6", 1, ((2,), (1, 2, 3))),
        ("2; 4; -6", 1, ((2, 4, -6), (1,))),
        ("-2 4", 1, ((2,), (-1, 2))),
        ("-1 -2 -1; 0 0 0; 1 2 1", 1, ((-1, 0, 1), (1, 2, 1))),
        ("1/16 1/8; 1/8 1/4", 1, ((Fraction(1, 16), Fraction(1, 8)), (1, 2))),
        ("0 0; 0 7", 1, ((0, 7), (0, 1))),
        ("1 2; 3 4", 2, None),
        ("0 -1 0; -1 5 -1; 0 -1 0", 2, None),
        ("1 0 0; 0 1 0; 0 0 1", 3, None),
    ],
    ids=["1×1", "zero", "zeros", "row", "column", "sign", "sobel", "blur", "corner", "full",
         "sharpen", "identity"],
)  # fmt: skip
def test_rank_and_factors_of_small_kernels(text, rank, factors):
    assert Kernel(text).rank == rank
    assert Kernel(text).factors == factors


def correlate_slowly(image, kernel):
    """The definition: two slow loops over the image, two over the kernel, no turning."""
    (h, w), rows = kernel.shape, kernel.rows
    return [
        [
            sum(rows[m][n] * image[i + m][j + n] for m in range(h) for n in range(w))
            for j in range(len(image[0]) - w + 1)
        ]
        for i in range(len(image) - h + 1)
    ]


@given(kernels(largest=3), kernels(fractions, largest=3), st.randoms())
def test_composed_is_one_after_the_other(first, then, random):
    image = [[random.randint(-9, 9) for _ in range(8)] for _ in range(7)]
    twice = correlate_slowly(correlate_slowly(image, first), then)
    assert correlate_slowly(image, first.composed(then)) == twice


@given(kernels(floats, largest=4), kernels(floats, largest=4))
def test_composed_is_scipy_twice_with_full_borders(first, then):
    image = np.random.default_rng(5).normal(size=(6, 5))
    once = scipy.signal.correlate2d(image, as_array(first), "full")
    twice = scipy.signal.correlate2d(once, as_array(then), "full")
    joined = scipy.signal.correlate2d(image, as_array(first.composed(then)), "full")
    np.testing.assert_allclose(joined, twice, atol=1e-9)


def test_composed_by_hand_and_its_name():
    composed = Kernel("1 2", name="a").composed(Kernel("3; 4", name="b"))
    assert composed.rows == ((3, 6), (4, 8))
    assert composed.name == "a then b"
    assert SKEW.composed(Kernel("1")).rows == Kernel("1").composed(SKEW).rows == SKEW.rows


@given(kernels(), st.integers(-9, 9))
def test_rotated_is_rot90(kernel, quarters):
    turned = kernel.rotated(90 * quarters)
    assert np.array_equal(as_array(turned), np.rot90(as_array(kernel), quarters))


def test_one_quarter_turn_by_hand_goes_counter_clockwise():
    assert Kernel("1 2 3; 4 5 6").rotated().rows == ((3, 6), (2, 5), (1, 4))
    assert SKEW.rotated(np.int64(-90)).name == "skew turned 270°"
    assert SKEW.rotated(360).rows == SKEW.rows


@pytest.mark.parametrize(
    ("direction", "axes"),
    [("horizontal", 1), ("vertical", 0), ("both", (0, 1))],
    ids=["horizontal", "vertical", "both"],
)
def test_flipped_is_flip(direction, axes):
    flipped = SKEW.flipped(direction)
    assert np.array_equal(as_array(flipped), np.flip(as_array(SKEW), axes))
    assert flipped.name == "skew flipped"


@given(kernels(largest=3))
def test_output_range_is_met_by_images_of_0_and_1_and_never_left(kernel):
    values = as_array(kernel).ravel()
    found = [
        float(values @ np.array(bits)) for bits in itertools.product((0, 1), repeat=len(values))
    ]
    assert kernel.output_range == (min(found), max(found))
    images = np.random.default_rng(3).random((50, len(values))) @ values
    low, high = kernel.output_range
    assert np.all((images >= low - 1e-9) & (images <= high + 1e-9))


@given(st.one_of(kernels(), kernels(fractions)))
def test_sum_is_exact(kernel):
    assert kernel.sum == sum(Fraction(value) for row in kernel.rows for value in row)


def test_sum_of_floats_does_not_drift():
    assert Kernel([[0.1] * 10]).sum == 1


@given(kernels(fractions))
def test_normalised_keeps_a_constant_image(kernel):
    if kernel.sum == 0:
        with pytest.raises(ValueError, match="sum other than 0"):
            kernel.normalised()
        return
    normal = kernel.normalised()
    assert normal.sum == 1
    assert all(
        a * kernel.sum == b
        for ours, theirs in zip(normal.rows, kernel.rows, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )


def test_normalised_takes_a_small_exact_sum_and_floats():
    assert Kernel([[10**12, 1 - 10**12]]).normalised().rows == ((10**12, 1 - 10**12),)
    assert Kernel([[0.5, 1.5]], name="pair").normalised().rows == ((0.25, 0.75),)
    assert Kernel([[0.5, "1/4"]]).normalised().sum == 1


# ------------------------------------------------------------------ a value


def test_a_kernel_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SKEW.rows = ()
    with pytest.raises((AttributeError, TypeError)):
        SKEW.other = 1
    assert isinstance(SKEW.rows, tuple)
    assert all(isinstance(row, tuple) for row in SKEW.rows)


def test_a_kernel_does_not_follow_its_origin():
    values = np.ones((2, 2))
    lists = [[1, 1], [1, 1]]
    made = Kernel(values), Kernel(lists)
    values[:], lists[0][0] = 5, 5
    assert made[0].rows == made[1].rows == ((1, 1), (1, 1))


def test_equal_means_same_numbers_and_same_name():
    kernel = Kernel("1 0.5", name="a", source="here")
    assert kernel == Kernel([[1.0, Fraction(1, 2)]], name="a", source="there")
    assert hash(kernel) == hash(Kernel([[1, 0.5]], name="a"))
    assert kernel != Kernel("1 0.5", name="b")
    assert kernel != Kernel("1; 0.5", name="a")
    assert kernel != Kernel([["0.1", 0.5]], name="a")


def test_a_kernel_of_a_kernel_takes_the_rows_only():
    assert Kernel(SKEW).rows is SKEW.rows
    assert Kernel(SKEW, name="again").name == "again"


def test_copies_and_pickles_are_equal():
    for again in (copy.copy(SKEW), copy.deepcopy(SKEW), pickle.loads(pickle.dumps(SKEW))):
        assert again == SKEW


@given(st.one_of(kernels(), kernels(fractions), kernels(floats), kernels(fractions | floats)))
def test_repr_evaluates_back(kernel):
    again = eval(repr(kernel))
    assert again == kernel
    assert [list(map(type, row)) for row in again.rows] == [
        list(map(type, row)) for row in kernel.rows
    ]


def test_repr_evaluates_back_for_extreme_numbers():
    kernel = Kernel(
        [[10**300, -5e-324, 1.5, Fraction(1, 10**50), 0.1, "0.1"]], name='it\'s "odd"\n'
    )
    assert eval(repr(kernel)) == kernel
    exact = Kernel([[10**300, Fraction(-1, 10**50)]])
    assert eval(repr(exact)) == exact


def test_str_is_aligned_and_reads_back():
    assert str(Kernel("1/9 -10; 2 0.5")) == "1/9 -10\n  2 1/2"
    assert str(Kernel([[1 / 3, 1e-7]])) == "0.333333 1e-07"
    assert Kernel(str(SKEW), name="skew") == SKEW


def test_latex_has_signs_fractions_and_powers():
    latex = Kernel([["-1/9", 2], [1e-7, 0.25]])._repr_latex_()
    assert latex == (
        r"$\displaystyle \begin{bmatrix} -\frac{1}{9} & 2 \\ "
        r"1 \cdot 10^{-7} & 0.25 \end{bmatrix}$"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (Fraction(-1, 9), "-1/9"), (1 / 3, "0.333333"), (1e-9, "1e-09")],
    ids=["whole", "fraction", "float", "small"],
)
def test_number_text_is_short(value, text):
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("kernel", "text"),
    [
        (
            Kernel("-1 -2 -1; 0 0 0; 1 2 1"),
            "3×3, sum 0, gives -4..4 on a 0..1 image, rank 1, separable: (-1 0 1)ᵀ × (1 2 1)",
        ),
        (SKEW, "4×3, sum 28, gives -10..38 on a 0..1 image, rank 3"),
        (Kernel("0"), "1×1, sum 0, gives 0..0 on a 0..1 image, rank 0"),
    ],
    ids=["sobel", "skew", "zero"],
)
def test_describe_kernel_is_one_line(kernel, text):
    assert describe_kernel(kernel) == text


def test_only_a_kernel_is_described():
    with pytest.raises(TypeError) as caught:
        describe_kernel("edge")
    assert str(caught.value) == "kernel must be a Kernel; got 'edge'; read_kernel makes one"
