"""The numbers about a map, each counted again by hand or by a slow loop."""

import math

import ml_dtypes
import numpy as np
import pytest
from definitions import LOPSIDED, ramp, slow_filter

from featviz.stats import cast_floats, hide_lowest_floats, map_stats

NAN, INF = math.nan, math.inf

# map → shape, low, high, zero_share, nan_count, infinite_count, broken, dead, constant
CASES = {
    "one cell": ([[2.5]], (1, 1), 2.5, 2.5, 0, 0, 0, False, False, True),
    "one zero": ([[0.0]], (1, 1), 0, 0, 1, 0, 0, False, True, True),
    "minus zero is zero": ([[-0.0, 0.0]], (1, 2), 0, 0, 1, 0, 0, False, True, True),
    "half zeros": ([[0, 2], [0, -1]], (2, 2), -1, 2, 0.5, 0, 0, False, False, False),
    "constant": ([[3, 3], [3, 3], [3, 3]], (3, 2), 3, 3, 0, 0, 0, False, False, True),
    "NaN": ([[NAN, 0, 5]], (1, 3), 0, 5, 1 / 3, 1, 0, True, False, False),
    "both infinities": ([[INF, -INF, 1, 4]], (1, 4), 1, 4, 0, 0, 2, True, False, False),
    "nothing finite": ([[NAN], [INF]], (2, 1), 0, 0, 0, 1, 1, True, False, False),
    "one value and NaN": ([[7, NAN]], (1, 2), 7, 7, 0, 1, 0, True, False, False),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("precision", [np.float32, np.float64], ids=["f32", "f64"])
def test_a_map_is_counted_as_by_hand(case, precision):
    cells, shape, low, high, zeros, nans, infinite, broken, dead, constant = case
    stats = map_stats(np.array(cells, precision))
    assert (stats.shape, stats.low, stats.high) == (shape, low, high)
    assert stats.zero_share == pytest.approx(zeros, abs=1e-15)
    assert (stats.nan_count, stats.infinite_count) == (nans, infinite)
    assert (stats.broken, stats.dead, stats.constant) == (broken, dead, constant)


def test_a_filtered_map_is_counted_as_by_a_loop():
    values = slow_filter(ramp(7, 9), LOPSIDED)
    values[values < 0] = 0
    cells = [value for row in values.tolist() for value in row]
    stats = map_stats(values)
    assert stats.shape == (6, 7)
    assert (stats.low, stats.high) == (min(cells), max(cells))
    assert stats.zero_share == sum(value == 0 for value in cells) / len(cells)
    assert 0 < stats.zero_share < 1


def test_the_map_is_not_changed():
    values = np.array([[np.nan, 1.0], [np.inf, 0.0]])
    before = values.copy()
    map_stats(values)
    np.testing.assert_array_equal(values, before)


def test_the_numbers_are_python_numbers():
    stats = map_stats(np.ones((2, 3), np.float32))
    kinds = [type(getattr(stats, name)) for name in ("low", "high", "zero_share", "nan_count")]
    assert kinds == [float, float, float, int]


LOWEST = {
    "float16": -65504.0,
    "float32": -(2 - 2**-23) * 2.0**127,
    "float64": -1.7976931348623157e308,
}


@pytest.mark.parametrize("kind", LOWEST)
def test_the_lowest_float_is_counted_and_left_out_of_the_range(kind):
    values = np.array([*LOPSIDED, [np.nan, LOWEST[kind], -np.inf]]).astype(kind)
    stats = map_stats(values)
    assert (stats.low, stats.high) == (np.min(LOPSIDED), np.max(LOPSIDED))
    assert (stats.nan_count, stats.infinite_count, stats.lowest_count) == (1, 1, 1)
    assert stats.broken_count == 3
    shown = hide_lowest_floats(values)
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(values) | (values == LOWEST[kind]))
    np.testing.assert_array_equal(shown[:2], values[:2])
    assert shown.dtype == kind


def test_a_map_of_the_lowest_float_alone_is_neither_constant_nor_dead():
    stats = map_stats(np.full((2, 3), np.finfo(np.float32).min, np.float32))
    assert (stats.low, stats.high, stats.broken, stats.constant, stats.dead) == (0, 0, 1, 0, 0)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
def test_the_lowest_float_stays_the_lowest_of_another_type(kind):
    type_of = {"bfloat16": ml_dtypes.bfloat16}.get(kind, kind)
    lowest = ml_dtypes.finfo(type_of).min
    values = np.array([-3, lowest, np.inf, -np.inf, 0.5]).astype(type_of)
    for wanted in (np.float32, np.float64):
        assert cast_floats(values, wanted).tolist() == [
            -3, float(np.finfo(wanted).min), np.inf, -np.inf, 0.5,
        ]  # fmt: skip
    eight = np.array([-3, 0.5]).astype(ml_dtypes.float8_e5m2)
    assert cast_floats(eight, np.float32).tolist() == [-3, 0.5]
    plain = np.array([-128, 3], np.int8)
    assert cast_floats(plain, np.float32).tolist() == [-128, 3]


@pytest.mark.parametrize("shape", [(2, 3, 4), (0, 3), (3,)], ids=str)
def test_the_numbers_are_of_one_map(shape):
    with pytest.raises(ValueError, match="values must be one map") as caught:
        map_stats(np.zeros(shape))
    assert str(caught.value) == (f"values must be one map (H, W); got {shape}; take maps[:, :, n]")


@pytest.mark.parametrize(
    ("values", "got"),
    [
        (None, "an array; got None; take numpy.asarray(values)"),
        ([1], "an array; got [1]; take numpy.asarray(values)"),
        (np.array([[1 + 2j]]), "real numbers; got complex128"),
        (np.array([["a"]]), "real numbers; got <U1"),
    ],
    ids=["None", "list", "complex", "text"],
)
def test_the_numbers_are_of_an_array_of_real_numbers(values, got):
    with pytest.raises(TypeError) as caught:
        map_stats(values)
    assert str(caught.value) == f"values must be {got}"
