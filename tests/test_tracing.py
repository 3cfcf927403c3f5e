"""Every number of a trace against its definition and against what the stages give."""

import inspect
import itertools
import math
import re

import numpy as np
import pytest
from definitions import LOPSIDED, ramp
from hypothesis import given
from hypothesis import strategies as st

import featviz as fv
from featviz.ops import filter_transposed
from featviz.pipeline import spread
from featviz.tracing import trace
from featviz.vocabulary import EXTRACT_OPTIONS, TRANSPOSED_OPTIONS

PADDINGS = ["same", "valid", "full", 2, ((2, 0), (1, 3)), ("same", 1)]
BORDERS = ["zeros", "reflect", "symmetric", "edge", "wrap"]


def drawn_settings(draw, paddings=PADDINGS):
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    return {
        "stride": draw(pair),
        "dilation": draw(pair),
        "padding": draw(st.sampled_from(paddings)),
        "bias": draw(st.sampled_from([None, -1.5, 0.1])),
        "activation": draw(st.sampled_from(["relu", "leaky_relu(0.1)", "tanh", None])),
    }


@st.composite
def runs(draw):
    """(image, kernel, settings of extract) that fit."""
    size = draw(st.tuples(st.integers(7, 11), st.integers(9, 12)))
    kernel = draw(st.sampled_from([LOPSIDED, "edge", "1 2", "box(2)", "1/9 1/3; -2/7 4; 1 5"]))
    settings = drawn_settings(draw)
    settings["border"] = draw(st.sampled_from(BORDERS))
    settings["pool"] = draw(
        st.sampled_from(["max", "average", "global_max", "global_average", "none"])
    )
    settings["pool_size"] = draw(st.tuples(st.integers(1, 3), st.integers(1, 2)))
    settings["pool_stride"] = draw(st.sampled_from([None, 1, (2, 3)]))
    return ramp(*size).tolist(), kernel, settings


@given(runs())
def test_filter_steps_tell_how_extract_came_to_its_numbers(drawn):
    image, kernel, settings = drawn
    run = fv.extract(image, kernel, **settings)
    steps = trace(image, kernel, **settings)
    assert steps.shape == run.filtered.shape[:2]
    assert len(steps) == steps.shape[0] * steps.shape[1]
    for step, cell in zip(steps, np.ndindex(*steps.shape), strict=True):
        assert step.cell == cell
        assert step.total == run.filtered[(*cell, 0)]
        assert step.value == run.detected[(*cell, 0)]
        summed = math.fsum(step.products) + step.bias
        assert summed == pytest.approx(step.total, rel=1e-5, abs=1e-5)
        for tap in step.taps:
            assert tap.product == tap.value * tap.weight
            assert tap.value == (np.float32(image)[tap.source] if tap.source else 0)


def test_of_an_image_beyond_float64_the_steps_are_those_of_extract_too():
    image, kernels = ramp(70, 90), ["edge", LOPSIDED]
    settings = {"stride": (2, 3), "padding": ((1, 0), (2, 2)), "pool": "average"}
    settings |= {"pool_size": (3, 2), "pool_padding": (1, 0), "bias": [0.5, -2.0]}
    for index, stage in itertools.product((0, 1), ("filter", "condense")):
        run = fv.extract(image, kernels, **settings)
        steps = trace(image, kernels, stage=stage, index=index, **settings)
        results = run.detected if stage == "filter" else run.condensed
        assert steps.values.tolist() == results[:, :, index].tolist()
        for step in steps[::37]:
            summed = math.fsum(step.products) + step.bias
            counted = max(len(step.counted), 1)
            reached = step.total if stage == "filter" else step.value * counted
            assert summed == pytest.approx(reached, rel=1e-5, abs=1e-3)


@given(runs())
def test_the_taps_lie_where_stride_and_dilation_put_them(drawn):
    image, kernel, settings = drawn
    steps = trace(image, kernel, **settings)
    (top, left), rows = steps.origin, steps.kernel.shape
    for step in steps:
        y, x = (at * by for at, by in zip(step.cell, settings["stride"], strict=True))
        assert (step.window.top, step.window.left) == (y, x)
        places = [
            (y + m * settings["dilation"][0], x + n * settings["dilation"][1])
            for m, n in np.ndindex(*rows)
        ]
        assert [(tap.row, tap.column) for tap in step.taps] == places
        assert step.window.height == places[-1][0] - y + 1
        assert step.window.width == places[-1][1] - x + 1
        for tap in step.taps:
            inside = 0 <= tap.row - top < len(image) and 0 <= tap.column - left < len(image[0])
            assert tap.kind == ("image" if inside else "padding")
            if inside:
                assert tap.source == (tap.row - top, tap.column - left)
    reached = {tap.source for step in steps for tap in step.taps if tap.source}
    assert set(range(len(image))) - {r for r, _ in reached} == set(steps.uncovered.rows)
    assert set(range(len(image[0]))) - {c for _, c in reached} == set(steps.uncovered.columns)


@given(runs())
def test_pool_steps_name_the_winner_or_the_counted_cells(drawn):
    image, kernel, settings = drawn
    run = fv.extract(image, kernel, **settings)
    detected = run.detected[:, :, 0]
    steps = trace(image, kernel, stage="condense", **settings)
    assert steps.shape == run.condensed.shape[:2]
    for step in steps:
        assert step.value == run.condensed[(*step.cell, 0)]
        cells = [tap for tap in step.taps if tap.kind == "image"]
        assert all(tap.value == detected[tap.source] for tap in cells)
        if settings["pool"].endswith("average"):
            assert step.counted == tuple(cells)
            assert step.total / len(cells) == pytest.approx(step.value, rel=1e-5, abs=1e-6)
        elif settings["pool"] == "none":
            assert [tap.source for tap in cells] == [step.cell]
        else:
            assert step.winner == max(cells, key=lambda tap: tap.value)
            assert step.winner.value == step.value


def slow_transposed(image, kernel, stride, dilation, cut, size):
    """Every cell of the input adds the kernel to the result: the definition."""
    result = np.zeros(size)
    for y, x in np.ndindex(*image.shape):
        for m, n in np.ndindex(*kernel.shape):
            i = y * stride[0] + m * dilation[0] - cut[0]
            j = x * stride[1] + n * dilation[1] - cut[1]
            if 0 <= i < size[0] and 0 <= j < size[1]:
                result[i, j] += image[y, x] * kernel[m, n]
    return result


@st.composite
def transposed_runs(draw):
    size = draw(st.tuples(st.integers(4, 6), st.integers(4, 7)))
    settings = drawn_settings(draw, ["same", "valid", "full", 1, ((1, 0), (0, 2)), (2, 1)])
    if settings["padding"] == "full":
        settings["dilation"] = 1, 1
    if settings["padding"] not in ("same", "valid"):
        most = st.tuples(*(st.integers(0, step - 1) for step in settings["stride"]))
        settings["output_padding"] = draw(most)
    return ramp(*size).tolist(), draw(st.sampled_from([LOPSIDED, "1 2; -3 4"])), settings


@given(transposed_runs())
def test_transposed_steps_gather_what_the_definition_spreads(drawn):
    image, kernel, settings = drawn
    steps = trace(image, kernel, stage="transposed", **settings)
    weights = np.array(fv.read_kernel(kernel).rows, float)
    stride, dilation = settings["stride"], settings["dilation"]
    cut = [axis.before for axis in steps.axes]
    pixels = np.array(image, np.float32)
    expected = slow_transposed(pixels, weights, stride, dilation, cut, steps.shape)
    np.testing.assert_allclose(steps.totals, expected + steps.bias, atol=1e-4, rtol=1e-5)
    for step in steps:
        summed = math.fsum(step.products) + step.bias
        assert summed == pytest.approx(step.total, rel=1e-5, abs=1e-5)
        assert step.total == steps.totals[step.cell]
        assert step.value == steps.values[step.cell]
        assert all((tap.source is None) == (tap.kind != "image") for tap in step.taps)
    gathered = np.zeros(steps.shape)
    for row, column in np.ndindex(*steps.image_size):
        for tap in steps.spread(row, column).taps:
            if tap.kind == "image":
                gathered[tap.row, tap.column] += tap.product
    np.testing.assert_allclose(gathered, expected, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_transposed_is_what_keras_gives(padding):
    import keras

    image = ramp(4, 5).astype(np.float32)
    for stride, kernel in itertools.product((1, 2, 3), (LOPSIDED, [[2.0]], [[1, 2, 3, 4]])):
        weights = np.array(kernel, np.float32)
        layer = keras.layers.Conv2DTranspose(
            1, weights.shape, strides=stride, padding=padding, use_bias=False
        )
        layer.build((1, 4, 5, 1))
        layer.set_weights([weights[:, :, None, None]])
        expected = layer(image[None, :, :, None]).numpy()[0, :, :, 0]
        steps = trace(image, kernel, stage="transposed", stride=stride, padding=padding)
        assert steps.shape == expected.shape
        np.testing.assert_allclose(steps.totals, expected, atol=1e-5)


def test_transposed_on_several_maps_keeps_the_order_of_kernels_and_groups():
    maps = np.stack([ramp(3, 4), ramp(3, 4)[::-1]], axis=2).astype(np.float32)[None]
    kernels = [LOPSIDED, [[0, 1, 0], [0, 0, 2]]]
    both = filter_transposed(maps, kernels, stride=2, groups=2, bias=[1, 2, 3, 4]).numpy()
    summed = filter_transposed(maps, kernels, stride=2, groups=1).numpy()
    for group, (index, kernel) in itertools.product((0, 1), enumerate(kernels)):
        alone = filter_transposed(maps[..., group : group + 1], kernel, stride=2).numpy()[..., 0]
        place = 2 * group + index
        np.testing.assert_allclose(both[..., place], alone + place + 1, atol=1e-4)
    np.testing.assert_allclose(
        summed, (both - [1, 2, 3, 4]).reshape(1, 6, 8, 2, 2).sum(3), atol=1e-4
    )


def test_colours_are_channels_of_the_taps_or_maps_of_their_own():
    image = np.stack([ramp(4, 5), ramp(4, 5)[::-1], ramp(4, 5) ** 2], axis=2).astype(np.float32)
    added = trace(image, LOPSIDED, color="sum", padding="valid")
    run = fv.extract(image, LOPSIDED, color="sum", padding="valid")
    assert [tap.channel for tap in added[0].taps[:3]] == [0, 1, 2]
    assert added.totals.tolist() == run.filtered[:, :, 0].tolist()
    assert math.fsum(added[3].products) == pytest.approx(added[3].total, rel=1e-5)
    kernels = ["edge", LOPSIDED]
    each = fv.extract(image, kernels, color="each", bias=[0, 1, 2, 3, 4, 5])
    for index, label in enumerate(each.labels):
        one = trace(image, kernels, color="each", bias=[0, 1, 2, 3, 4, 5], index=index)
        assert one.label == label
        assert one.bias == index
        assert one.totals.tolist() == each.filtered[:, :, index].tolist()
        summed = math.fsum(one[7].products) + index
        assert summed == pytest.approx(one[7].total, rel=1e-5, abs=1e-4)


def test_of_several_kernels_transposed_takes_the_one_asked_for():
    steps = trace([[1, 2]], ["1 10", LOPSIDED], stage="transposed", index=1)
    assert steps.kernel.rows == fv.read_kernel(LOPSIDED).rows


def test_the_lesson_counts_fourteen_fifteen_twenty_and_twenty_one():
    steps = trace(np.arange(36).reshape(6, 6), "box", padding="valid", dilation=2)
    assert [step.value for step in steps] == [14, 15, 20, 21]


@pytest.mark.parametrize("pool", ["average", "global_average"])
def test_the_mean_of_very_many_cells_is_their_mean(pool):
    """TensorFlow's own sum of 160 000 tenths in float32 is 0.16 % short."""
    image = np.full((400, 400), 0.1)
    steps = trace(image, [[1]], stage="condense", pool=pool, pool_size=400)
    assert steps[0].value == np.float32(0.1)
    small = np.full((70, 70), 2 / 3)
    assert trace(small, [[1]], stage="condense", pool=pool, pool_size=70)[0].value == (
        np.float32(2 / 3)
    )


def test_detect_steps_take_one_cell_each():
    steps = trace([[1, -2], [3, -4]], [[1]], stage="detect", activation="leaky_relu(0.5)")
    assert [(step.total, step.value) for step in steps] == [(1, 1), (-2, -1), (3, 3), (-4, -2)]


def test_a_tie_goes_to_the_first():
    step = trace([[1, 5], [5, 5]], [[1]], stage="condense")[0]
    assert step.winner.source == (0, 1)


def test_the_padding_of_a_max_pool_never_wins():
    steps = trace([[-3.0]], [[1]], stage="condense", activation=None, pool_size=3, pool_stride=1)
    assert steps[0].value == -3
    assert {tap.value for tap in steps[0].taps if tap.kind == "padding"} == {-math.inf}


def test_nan_is_the_winner_of_its_window():
    def broken(values):
        return values / 0.0 * 0.0

    step = trace([[1.0, 2.0]], [[1]], stage="condense", activation=broken)[0]
    assert math.isnan(step.value)
    assert step.winner.source == (0, 0)


def test_steps_are_reached_by_number_and_by_cell():
    steps = trace(ramp(4, 5), LOPSIDED)
    assert steps[-1] == steps.at(3, 4) == steps[19] == list(steps)[19]
    assert steps[3, 4] == steps[19]
    assert steps[18:] == (steps[18], steps[19])
    with pytest.raises(IndexError, match="index must be less than 20; got 20"):
        steps[20]
    with pytest.raises(TypeError, match=r"^index must be a whole number, .*; got 'a'$"):
        steps["a"]


def test_of_several_biases_transposed_takes_the_one_of_its_kernel():
    kernels = ["1 10", LOPSIDED]
    assert trace([[1, 2]], kernels, stage="transposed", index=1, bias=[1, 2]).bias == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strde": 2}, r"option must be one of .*; got 'strde' \(did you mean 'stride'\?\)"),
        ({"stage": "transposed", "pool": "max"}, "option must be one of .*; got 'pool'"),
    ],
    ids=["misspelt", "of another stage"],
)
def test_an_unknown_option_is_refused_with_those_that_are_known(options, sentence):
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        trace([[1, 2]], "edge", **options)


def test_the_lists_of_options_are_those_of_the_functions():
    parameters = inspect.signature(fv.extract).parameters.values()
    assert tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY) == EXTRACT_OPTIONS
    named = inspect.signature(spread).parameters
    assert set(TRANSPOSED_OPTIONS) | {"output_padding"} == set(named) - {"image", "kernel"}


def test_nothing_of_a_trace_can_be_changed():
    steps = trace([[1, 2]], "edge")
    for array in (steps.plane, steps.kinds, steps.totals, steps.values):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


OF_TRANSPOSED = {"stage": "transposed"}
ERRORS = [
    ("unknown stage", {"stage": "pool"},
     "stage must be one of 'filter', 'detect', 'condense', 'transposed'; got 'pool'"),
    ("no such map", {"index": 1}, "index must be less than the number of maps (1); got 1"),
    ("no such kernel", {"index": 1, **OF_TRANSPOSED},
     "index must be less than the number of maps (1); got 1"),
    ("output padding of a filter", {"output_padding": 1},
     "output_padding must be 0 but for stage 'transposed'; got 1"),
    ("output padding with same", {"output_padding": 1, **OF_TRANSPOSED},
     "output_padding must be 0 with padding 'same', which fixes the size; got 1; use pads"),
    ("output padding of a stride",
     {"padding": 0, "stride": 2, "output_padding": 2, **OF_TRANSPOSED},
     "output_padding must be less than the stride (2); got 2"),
    ("all cut off", {"padding": 9, **OF_TRANSPOSED},
     "padding must leave at least one cell of the result; got ((9, 9), (9, 9)), "
     "which leaves 0×0"),
    ("too large", {"stride": 10**5, **OF_TRANSPOSED},
     "stride must give at most 100000000 cells; got 300000×300000; "
     "use a smaller stride or image"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "sentence"), [pytest.param(*case, id=name) for name, *case in ERRORS]
)
def test_errors_of_the_trace(options, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        trace(ramp(3, 3), "edge", **options)


def test_cells_that_are_not_there_are_refused():
    steps = trace(ramp(3, 4), "edge")
    sentence = "column must be less than the 4 columns of the output; got 4"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        steps.at(0, 4)
    sentence = "stage must be 'transposed' to spread a cell; got 'filter'"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        steps.spread(0, 0)
