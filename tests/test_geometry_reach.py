"""Which cells are read, by going through the windows one by one."""

import itertools

import pytest

from featviz.geometry import (
    Axis,
    count_multiply_adds,
    read_span,
    slide,
    spread_span,
    transposed_axis,
)

MOVES = list(itertools.product((1, 2, 3, 5), (1, 2, 3), (1, 2), ("same", "valid", (0, 2))))


def test_outputs_read_the_cells_of_their_windows():
    for window, stride, dilation, padding in MOVES:
        axis = slide(9, window, stride=stride, dilation=dilation, padding=padding)
        for span in ((0, 0), (1, 2), (0, axis.outputs - 1)):
            taps = [
                output * stride + tap * dilation - axis.before
                for output in range(span[0], span[1] + 1)
                for tap in range(window)
            ]
            assert read_span(axis, span) == (min(taps), max(taps)), (window, stride, padding)


def test_inputs_reach_the_cells_that_they_spread_to():
    for window, stride, dilation, padding in MOVES:
        axis = transposed_axis(5, window, stride=stride, dilation=dilation, padding=padding)
        for first, length in itertools.product(range(axis.size), (1, 2, 4)):
            wanted = range(first, first + length)
            cells = [
                cell
                for cell in range(-20, 30)
                for tap in range(window)
                if cell * stride + tap * dilation - axis.before in wanted
            ]
            expected = (min(cells), max(cells)) if cells else None
            assert spread_span(axis, (wanted[0], wanted[-1])) == expected, (window, stride, first)


def test_a_cell_between_wide_strides_is_reached_by_nothing():
    axis = transposed_axis(3, 1, stride=3, dilation=1, padding="valid")
    assert [spread_span(axis, (cell, cell)) for cell in range(4)] == [(0, 0), None, None, (1, 1)]


COUNTS = {
    "a convolution": (((3, 3), (56, 56), 64, 128, 1), 231_211_008),
    "the lesson's first": (((3, 3), (14, 14), 1, 32, 1), 56_448),
    "the lesson's second": (((3, 3), (7, 7), 32, 64, 1), 903_168),
    "the lesson's third": (((3, 3), (3, 3), 64, 128, 1), 663_552),
    "depthwise": (((3, 3), (4, 5), 6, 12, 6), 9 * 20 * 12),
    "one axis": (((5,), (7,), 3, 2, 1), 210),
}


@pytest.mark.parametrize("name", COUNTS)
def test_multiply_adds_count_every_tap_of_every_output(name):
    (window, outputs, channels, features, groups), expected = COUNTS[name]
    counted = count_multiply_adds(
        window, outputs, channels=channels, features=features, groups=groups
    )
    assert counted == expected


def test_reading_goes_through_padding_as_if_the_image_went_on():
    assert read_span(Axis(5, 3, 1, 1, 1, 1), (0, 4)) == (-1, 5)
