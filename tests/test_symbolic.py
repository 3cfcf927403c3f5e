"""Exact sympy matrices, whole and cut."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import featviz
from featviz.kernels import Kernel
from featviz.symbolic import CutMatrix, cut_matrix, latex_from_entry, matrix, text_from_entry

ROOT = Path(featviz.__file__).parents[1]

NINTHS = sympy.Matrix([[sympy.Rational(14, 9), -2], [0, sympy.Rational(1, 10)]])
NUMBERS = [[14 / 9, -2.0], [-0.0, 0.1]]


class Tensor:
    """What featviz knows of a tensor: it has ``numpy()``."""

    def __init__(self, array):
        self.array = array

    def numpy(self):
        return self.array


SAME = {
    "lists of floats": NUMBERS,
    "lists of texts and fractions": [["14/9", Fraction(-2)], [0, "0.1"]],
    "tuples": tuple(map(tuple, NUMBERS)),
    "float64": np.array(NUMBERS),
    "float32": np.array(NUMBERS, np.float32),
    "long double": np.array(NUMBERS, np.longdouble),
    "one channel": np.array(NUMBERS, np.float32)[..., np.newaxis],
    "tensor": Tensor(np.array(NUMBERS, np.float32)),
    "rows of arrays": [np.float32(NUMBERS[0]), Tensor(np.float64(NUMBERS[1]))],
    "scalar tensors": [[Tensor(np.float32(14 / 9)), -2], [0, np.float32(0.1)]],
    "kernel": Kernel([["14/9", -2], [0, "1/10"]]),
    "kernel of floats": Kernel(NUMBERS),
    "sympy": NINTHS,
    "sparse sympy": sympy.SparseMatrix(NINTHS),
    "sympy numbers in lists": NINTHS.tolist(),
    "a view that is turned": np.array(NUMBERS).T.copy().T,
}


@pytest.mark.parametrize("values", SAME.values(), ids=SAME.keys())
def test_every_source_gives_the_same_exact_matrix(values):
    found = matrix(values)
    assert found == NINTHS
    assert isinstance(found, sympy.ImmutableMatrix)
    assert str(found) == str(sympy.ImmutableMatrix(NINTHS))


def test_rows_and_columns_are_not_exchanged():
    assert matrix(np.arange(6).reshape(2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_uint8_pixels_stay_plain_numbers():
    assert matrix(np.array([[0, 255]], np.uint8)).tolist() == [[0, 255]]


def test_booleans_are_zero_and_one():
    assert matrix(np.array([[False, True]])).tolist() == [[0, 1]]


def test_symbols_are_kept_in_a_sympy_matrix():
    x = sympy.Symbol("x")
    assert matrix(sympy.Matrix([[x, 1]]))[0, 0] == x


def test_a_matrix_of_floats_prints_the_shortest_decimal_without_noise():
    for kind in (np.float32, np.float64):
        found = matrix(np.array([[0.1234567, 3e-7], [1e30, 2.0]], kind))
        assert sympy.latex(found) == (
            r"\left[\begin{matrix}0.1234567 & 3.0 \cdot 10^{-7}\\1.0 \cdot 10^{30} & 2"
            r"\end{matrix}\right]"
        )


def test_arithmetic_with_a_short_decimal_keeps_its_digits():
    entry = matrix([[0.337, 1.5e-9]])[0, 1]  # 1.5e-9 has two digits
    assert float(entry / 7) == pytest.approx(1.5e-9 / 7, rel=1e-8, abs=0)


def test_the_largest_matrix_is_read_and_the_next_is_refused():
    assert matrix(np.ones((100, 100))).shape == (100, 100)
    with pytest.raises(ValueError, match="at most 10000 entries"):
        matrix(np.ones((1, 10_001)))


def test_the_callers_array_is_not_changed():
    array = np.array([[-0.0, 1 / 3]], np.float32)
    before = array.tobytes()
    matrix(array)
    cut_matrix(array, rows=1, columns=1)
    assert array.tobytes() == before


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=5))
def test_float32_and_float64_give_equal_matrices(numbers):
    single = np.array([numbers], np.float32)
    assert matrix(single) == matrix(single.astype(np.float64))
    assert matrix(single * 1.0) == matrix([numbers])


@pytest.mark.parametrize(
    ("rows", "columns", "head", "kept_rows", "kept_columns"),
    [
        (4, 4, (2, 2), [0, 1, 7, 8], [0, 1, 8, 9]),
        (3, 5, (2, 3), [0, 1, 8], [0, 1, 2, 8, 9]),
        (1, 1, (1, 1), [0], [0]),
        (9, 2, (5, 1), list(range(9)), [0, 9]),
        (8, 10, (4, 5), [0, 1, 2, 3, 5, 6, 7, 8], list(range(10))),
    ],
    ids=["even", "odd", "one", "all rows", "all columns"],
)
def test_a_cut_keeps_the_first_and_last_rows_and_columns(
    rows, columns, head, kept_rows, kept_columns
):
    whole = np.arange(90).reshape(9, 10)
    for values in (whole, whole.tolist(), sympy.Matrix(whole.tolist()), Tensor(whole)):
        cut = cut_matrix(values, rows=rows, columns=columns)
        assert (cut.size, cut.head, cut.is_whole) == ((9, 10), head, False)
        assert cut.shown.tolist() == whole[np.ix_(kept_rows, kept_columns)].tolist()


def test_a_small_matrix_is_not_cut():
    cut = cut_matrix(np.eye(3), rows=3, columns=3)
    assert cut.is_whole
    assert cut.cells(str, ("a", "b", "c")) == [["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]


def test_dots_stand_where_something_is_left_out():
    cut = cut_matrix(np.arange(25).reshape(5, 5), rows=2, columns=3)
    assert cut.cells(str, ("-", "|", "+")) == [
        ["0", "1", "-", "4"],
        ["|", "|", "+", "|"],
        ["20", "21", "-", "24"],
    ]


def test_dots_end_a_cut_that_shows_one_row_and_column():
    cut = cut_matrix([[1, 2], [3, 4]], rows=1, columns=1)
    assert cut.cells(str, ("-", "|", "+")) == [["1", "-"], ["|", "+"]]


def test_a_cut_is_frozen_and_can_be_hashed():
    cut = cut_matrix(np.eye(3))
    assert {cut: 1}[cut_matrix(np.eye(3).tolist())] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        cut.size = (1, 1)
    assert isinstance(cut, CutMatrix)


def test_nan_and_infinity_are_kept_in_a_cut_and_printed():
    cut = cut_matrix(np.array([[np.nan, np.inf, -np.inf]], np.float32))
    assert cut.cells(text_from_entry, ("", "", "")) == [["nan", "inf", "-inf"]]
    assert cut.cells(latex_from_entry, ("", "", "")) == [[r"\text{nan}", r"\infty", r"-\infty"]]


def test_a_photograph_is_cut_before_its_numbers_are_read():
    photograph = np.random.default_rng(0).random((1080, 1920), np.float32)
    photograph[500, 900] = np.nan  # never reached
    start = time.perf_counter()
    cut = cut_matrix(photograph)
    assert time.perf_counter() - start < 0.5
    assert cut.size == (1080, 1920)
    assert float(cut.shown[11, 11]) == pytest.approx(float(photograph[-1, -1]), rel=1e-6)


ENTRIES = {
    "whole": (sympy.Integer(-2), "-2", "-2"),
    "fraction": (sympy.Rational(14, 9), "14/9", r"\frac{14}{9}"),
    "negative fraction": (sympy.Rational(-1, 9), "-1/9", r"- \frac{1}{9}"),
    "six digits": (sympy.Float("0.12345678"), "0.123457", "0.123457"),
    "small": (sympy.Float("1.5e-7"), "1.5e-07", r"1.5 \cdot 10^{-7}"),
    "large": (sympy.Float("1e30"), "1e+30", r"1 \cdot 10^{30}"),
    "negative zero": (sympy.Float("-0.0"), "0", "0"),
    "whole float": (sympy.Float(2.0), "2", "2"),
    "symbol": (sympy.Symbol("x") / 2, "x/2", r"\frac{x}{2}"),
    "root": (sympy.sqrt(2), "sqrt(2)", r"\sqrt{2}"),
    "complex infinity": (sympy.zoo, "inf", r"\tilde{\infty}"),
}


@pytest.mark.parametrize(("entry", "plain", "latex"), ENTRIES.values(), ids=ENTRIES.keys())
def test_an_entry_is_printed_as_text_and_latex(entry, plain, latex):
    assert text_from_entry(entry) == plain
    assert latex_from_entry(entry) == latex


ROWS_RULE = "values must be rows of numbers, like [[1, 2], [3, 4]]; got "
SHAPE_RULE = "values must have shape (H, W) or (H, W, 1); got "
EMPTY_RULE = "values must have at least one row and one column; got "
ERRORS = {
    "a number": (lambda: matrix(5), TypeError, ROWS_RULE + "5"),
    "a text": (lambda: matrix("1 2"), TypeError, ROWS_RULE + "'1 2'"),
    "one level": (lambda: matrix([1, 2]), TypeError, ROWS_RULE + "1 as row 1"),
    "three levels": (
        lambda: matrix([[1, [2]]]),
        TypeError,
        "values, row 1, column 2 must hold real numbers; got [2]",
    ),
    "no axes": (lambda: matrix(np.float32(3)), ValueError, SHAPE_RULE + "()"),
    "one axis": (lambda: matrix(np.zeros(3)), ValueError, SHAPE_RULE + "(3,)"),
    "three channels": (
        lambda: matrix(np.zeros((4, 5, 3))),
        ValueError,
        SHAPE_RULE + "(4, 5, 3); take one channel, as in values[..., 0]",
    ),
    "four axes": (lambda: matrix(np.zeros((1, 4, 5, 1))), ValueError, SHAPE_RULE + "(1, 4, 5, 1)"),
    "no rows": (lambda: matrix([]), ValueError, EMPTY_RULE + "0×0"),
    "an empty row": (lambda: matrix([[]]), ValueError, EMPTY_RULE + "1×0"),
    "an empty array": (lambda: matrix(np.zeros((0, 3))), ValueError, EMPTY_RULE + "0×3"),
    "an empty sympy matrix": (lambda: matrix(sympy.Matrix()), ValueError, EMPTY_RULE + "0×0"),
    "ragged": (
        lambda: matrix([[1, 2], [3]]),
        ValueError,
        "values must have rows of equal length; got 2 numbers in row 1 and 1 in row 2",
    ),
    "nan": (
        lambda: matrix(np.array([[0, 1], [2, np.nan]])),
        ValueError,
        "values must hold finite numbers; got nan in row 2, column 2",
    ),
    "infinity in lists": (
        lambda: matrix([[0, -math.inf]]),
        ValueError,
        "values must hold finite numbers; got -oo in row 1, column 2",
    ),
    "infinity in sympy": (
        lambda: matrix(sympy.Matrix([[sympy.zoo]])),
        ValueError,
        "values must hold finite numbers; got zoo in row 1, column 1",
    ),
    "complex": (
        lambda: matrix(np.array([[1j]])),
        TypeError,
        "values, row 1, column 1 must hold real numbers; got 1j",
    ),
    "a symbol in lists": (
        lambda: matrix([[1, sympy.Symbol("x")]]),
        TypeError,
        "values, row 1, column 2 must hold real numbers; got x",
    ),
    "a word": (
        lambda: matrix([["one"]]),
        ValueError,
        "values, row 1, column 1 must hold numbers like 2, -0.5 or 1/9; got 'one'",
    ),
    "too large": (
        lambda: matrix(np.zeros((1080, 1920)), where="image"),
        ValueError,
        "image must have at most 10000 entries; got 1080×1920; crop it, as in values[:100, :100]",
    ),
    "no rows shown": (
        lambda: cut_matrix([[1]], rows=0),
        ValueError,
        "rows must be a whole number of at least 1; got 0",
    ),
    "columns in words": (
        lambda: cut_matrix([[1]], columns="all"),
        TypeError,
        "columns must be a whole number of at least 1; got 'all'",
    ),
    "too much shown": (
        lambda: cut_matrix(np.zeros((200, 300)), rows=150, columns=400),
        ValueError,
        "rows times columns must show at most 10000 entries; got 150×300; "
        "show fewer rows and columns",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_wrong_use_is_refused_in_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == sentence


def test_tensors_and_bfloat16_are_read():
    code = (
        "import tensorflow as tf; from featviz.symbolic import matrix;"
        "print(matrix(tf.constant([[1/3, 2.0]])), matrix(tf.Variable([[0.5]], dtype='bfloat16')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "Matrix([[1/3, 2]]) Matrix([[1/2]])"
