import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from featviz import geometry
from featviz.geometry import Axis, slide
from featviz.sliding import paddings_per_axis
from featviz.vocabulary import FILTER_PADDINGS

SIZES = [
    (size, window, stride, dilation)
    for size, window, stride, dilation in itertools.product(
        (1, 2, 3, 5, 6, 7, 12), (1, 2, 3, 4, 5), (1, 2, 3), (1, 2, 3)
    )
]


def test_same_adds_what_tensorflow_adds():
    """The pads are read off TensorFlow: a kernel of powers of two marks which cells it met."""
    for size, window, stride, dilation in SIZES:
        axis = slide(size, window, stride=stride, dilation=dilation, padding="same")
        line = tf.constant(np.arange(1.0, size + 1), tf.float64)[None, None, :, None]
        kernel = tf.constant(64.0 ** np.arange(window), tf.float64)[None, :, None, None]
        given_by_tf = tf.nn.conv2d(line, kernel, (1, stride), "SAME", dilations=(1, dilation))
        padded = np.pad(np.arange(1.0, size + 1), (axis.before, axis.after))
        expected = [
            sum(padded[o * stride + t * dilation] * 64.0**t for t in range(window))
            for o in range(axis.outputs)
        ]
        assert given_by_tf.numpy().ravel().tolist() == expected, (size, window, stride, dilation)


def test_output_sizes_count_the_windows_that_fit():
    for size, window, stride, dilation in SIZES:
        for padding in ("valid", "full", (0, 2), (3, 1)):
            axis = slide(size, window, stride=stride, dilation=dilation, padding=padding)
            cells = axis.before + size + axis.after
            starts = range(0, cells - (window - 1) * dilation, stride)
            assert max(axis.outputs, 0) == len(starts), (size, window, stride, dilation, padding)


def test_same_gives_one_output_per_stride():
    for size, window, stride, dilation in SIZES:
        axis = slide(size, window, stride=stride, dilation=dilation, padding="same")
        assert axis.outputs == -(-size // stride)
        assert axis.after - axis.before in (0, 1)


def test_full_reaches_every_overlap_once():
    axis = slide(5, 3, stride=1, dilation=2, padding="full")
    assert (axis.before, axis.after, axis.outputs) == (4, 4, 9)


@pytest.mark.parametrize(
    ("axis", "uncovered"),
    [
        pytest.param(Axis(6, 3, 2, 1, 0, 0), (5,), id="last cell left over"),
        pytest.param(Axis(7, 2, 3, 1, 0, 0), (2, 5, 6), id="gaps between windows"),
        pytest.param(Axis(6, 2, 2, 2, 0, 0), (1, 3, 5), id="gaps of dilation"),
        pytest.param(Axis(6, 3, 1, 1, 1, 1), (), id="all reached"),
        pytest.param(Axis(6, 3, 2, 1, 0, 1), (), id="all reached with same"),
    ],
)
def test_uncovered_cells_are_those_no_tap_touches(axis, uncovered):
    assert geometry.uncovered_cells(axis) == uncovered


def repeated_cell(cell, size, border):
    """Walk back into the image, one bounce or one turn at a time: the definition."""
    while not 0 <= cell < size:
        if border == "edge":
            cell += 1 if cell < 0 else -1
        elif border == "wrap":
            cell += size if cell < 0 else -size
        elif border == "symmetric":
            cell = -1 - cell if cell < 0 else 2 * size - 1 - cell
        else:  # a single cell has nothing to reflect but itself
            cell = 0 if size == 1 else -cell if cell < 0 else 2 * (size - 1) - cell
    return cell


@given(
    st.integers(1, 6),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(["reflect", "symmetric", "edge", "wrap"]),
)
def test_borders_repeat_the_cells_of_their_definition(size, before, after, border):
    cells = range(-before, size + after)
    expected = [repeated_cell(cell, size, border) for cell in cells]
    assert geometry.border_indices(Axis(size, 1, 1, 1, before, after), border) == expected


@pytest.mark.parametrize("border", ["reflect", "symmetric", "edge", "wrap"])
def test_borders_repeat_the_cells_that_numpy_repeats(border):
    """Pads smaller than the image only: older releases of numpy err where a pad turns twice."""
    for size, before, after in itertools.product(range(2, 7), range(6), range(6)):
        if max(before, after) < size:
            expected = np.pad(np.arange(size), (before, after), mode=border)
            axis = Axis(size, 1, 1, 1, before, after)
            assert geometry.border_indices(axis, border) == expected.tolist()


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        pytest.param("same", ("same", "same"), id="word"),
        pytest.param(2, ((2, 2), (2, 2)), id="number"),
        pytest.param((1, 0), ((1, 1), (0, 0)), id="number per axis"),
        pytest.param(((1, 2), (0, 3)), ((1, 2), (0, 3)), id="four sides"),
        pytest.param(["same", (0, 1)], ("same", (0, 1)), id="word and sides"),
    ],
)
def test_padding_is_understood_per_axis(padding, expected):
    assert paddings_per_axis("padding", padding, FILTER_PADDINGS) == expected
