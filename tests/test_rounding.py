"""Zeros that rounding alone keeps from 0, told cell by cell from small true values."""

from fractions import Fraction

import numpy as np
import pytest
from definitions import LOPSIDED, mean, pad_image, slow_filter, slow_pool

import featviz as fv
from featviz.captions import share_text
from featviz.geometry import read_cells, slide
from featviz.panels import panels_from_extraction
from featviz.rounding import WindowSums, over_windows, without_rounding

STAGES = ("filter", "detect", "condense")
# A sum of 0 that floats do not give: 0.7 and 0.1 are no fractions of two.
CANCELLING = [[0.1, 0.7, -0.8], [0.3, -0.4, 0.1]]


def wide_image(side, brightest=1e8, seed=0):
    """Small structure and flat parts, and one pixel that is far brighter than all else."""
    image = np.random.default_rng(seed).normal(size=(side, side)) * 1e-3
    image[side // 2 :] = 0.0007137
    image[0, 1] = brightest
    return image.astype(np.float32)


def slow_error(pixel):
    """Half a unit in the last place of float32; 0 where 16 bits or a whole number say it."""
    number = Fraction(float(pixel))
    bits = abs(number.numerator)
    while bits and bits % 2 == 0:
        bits //= 2
    exact = number.denominator == 1 or bits.bit_length() <= 16
    return 0 if exact else float(abs(number)) / 2**24


def slow_bounds(run, image, kernel, **moved):
    """What rounding may leave of every sum: of the sum itself, and of every pixel in it."""
    share = 2.0**-50 if run.image.size <= 4096 else 2.0**-22
    errors = np.vectorize(slow_error, otypes=[float])(np.asarray(image, np.float32))
    lost = share * np.abs(image) + errors
    sizes = slow_filter(lost, np.abs(kernel), pads=run.pads, **moved)
    return sizes + share * abs(run.settings.bias or 0)


def slow_maps(run, image, kernel, **moved):
    """The three maps, 0 where nothing but rounding is left: the definition."""
    bounds = slow_bounds(run, image, kernel, **moved)
    filtered, detected, condensed = (run.stage(name)[:, :, 0] for name in STAGES)
    nothing = np.abs(filtered) <= bounds
    shown = np.where(nothing & (np.abs(detected) <= bounds), 0, detected)
    window = dict(stride=run.settings.pool_stride, pads=run.pool_pads)
    if run.settings.pool == "max":
        pooled = slow_pool(shown, run.settings.pool_size, **window) == 0
    else:
        left = slow_pool(np.where(detected != 0, bounds, 0), (2, 3), how=mean, **window)
        pooled = np.abs(condensed) <= left
    return np.where(nothing, 0, filtered), shown, np.where(pooled, 0, condensed)


@pytest.mark.parametrize("side", [40, 70], ids=["float64", "float32"])
@pytest.mark.parametrize("pool", ["max", "average"])
@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        (CANCELLING, {}),
        (CANCELLING, dict(stride=(2, 1), dilation=(1, 2), border="reflect")),
        (LOPSIDED, dict(padding=((2, 0), (1, 3)), bias=0.5)),
    ],
    ids=["same", "moved", "pads and bias"],
)
def test_a_map_is_zero_where_its_own_window_leaves_nothing(kernel, options, activation, pool, side):
    image = wide_image(side)
    run = fv.extract(image, kernel, activation=activation, pool=pool, pool_size=(2, 3), **options)
    moved = {name: options[name] for name in ("stride", "dilation", "border") if name in options}
    wanted = slow_maps(run, image, kernel, **moved)
    for stage, expected in zip(STAGES, wanted, strict=True):
        np.testing.assert_array_equal(run.without_rounding(stage, 0), expected, err_msg=stage)
    if kernel is CANCELLING:
        assert 0 < np.count_nonzero(wanted[0] != run.filtered[:, :, 0]) < wanted[0].size // 1.5


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        (LOPSIDED, {}),
        (LOPSIDED, dict(stride=(2, 1), dilation=(1, 2), border="symmetric")),
        (CANCELLING, dict(padding=((2, 0), (1, 3)), bias=-0.5)),
    ],
    ids=["same", "moved", "pads and bias"],
)
def test_the_bound_of_a_cell_is_a_share_of_what_its_window_sums_up(kernel, options):
    image = wide_image(11, brightest=1e3)
    run = fv.extract(image, kernel, **options)
    moved = {name: options[name] for name in ("stride", "dilation", "border") if name in options}
    wanted = slow_bounds(run, image, kernel, **moved)
    sums = run.sums(0)
    np.testing.assert_allclose(sums.bounds(wanted > 0), wanted, rtol=1e-6)
    assert wanted.max() <= sums.most()
    some = np.random.default_rng(1).random(wanted.shape) < 0.3
    np.testing.assert_allclose(sums.bounds(some), np.where(some, wanted, 0), rtol=1e-6)


@pytest.mark.parametrize("pool", ["global_max", "global_average", "none"])
def test_pools_without_a_moving_window_keep_and_lose_the_same(pool):
    flat, small = np.full((9, 9), 0.1), wide_image(9)
    for image, nothing in ((flat, True), (small, False)):
        run = fv.extract(image, CANCELLING, padding="valid", pool=pool, activation="leaky_relu")
        shown = run.without_rounding("condense", 0)
        assert run.condensed.any()
        assert (shown.any() == 0) == nothing
        if pool == "none":
            np.testing.assert_array_equal(shown, run.without_rounding("detect", 0))


def test_channels_and_maps_have_bounds_of_their_own():
    image = np.zeros((8, 8, 3), np.float32) + 0.1
    image[..., 1] = 1e-3
    image[0, 0, 2] = 1e8
    each = fv.extract(image, [CANCELLING, LOPSIDED], color="each", bias=(0, 0, 0, 0, 9, 0))
    own = [
        fv.extract(image[..., index % 3], kernel, bias=9 if index == 4 else 0)
        for index, kernel in enumerate([CANCELLING] * 3 + [LOPSIDED] * 3)
    ]
    for index, run in enumerate(own):
        for stage in STAGES:
            np.testing.assert_array_equal(
                each.without_rounding(stage, index), run.without_rounding(stage, 0)
            )
    summed = fv.extract(image, CANCELLING, color="sum", padding="valid", pool="none")
    shown = summed.without_rounding("filter", 0)
    inside = np.abs(shown[1:, 1:])
    assert shown[0, 0] != 0
    assert summed.filtered[1:, 1:].any()
    assert not inside.any()


@pytest.mark.parametrize("side", [40, 70], ids=["float64", "float32"])
def test_a_bright_pixel_hides_no_small_value_in_words_and_numbers(side):
    image = np.full((side, side), 0.1)
    image[0, 0] = 1e12 if side == 40 else 1e8
    image[20:24, 20:24] = 0.102
    run = fv.extract(image, CANCELLING, padding="valid", activation="linear", pool="none")
    filtered = run.filtered[:, :, 0]
    true = slow_filter(image, CANCELLING)
    panel = panels_from_extraction(run, stages=("filter",))[0]
    share = np.count_nonzero(np.abs(true) < 1e-9) / true.size
    assert panel.lines[1] == f"{share_text(share)} zeros"
    np.testing.assert_array_equal(panel.pixels == 0, np.abs(true) < 1e-9)
    assert np.count_nonzero(filtered == 0) < panel.pixels.size / 2  # rounding left something
    text = str(fv.text_from_extraction(run, rows=80, columns=80)).split("filter kernel")[1]
    lines = text.splitlines()[1 : len(true) + 1]
    printed = np.array([line.strip("[]⎡⎤⎢⎥⎣⎦ ").split() for line in lines])
    np.testing.assert_array_equal(printed == "0", np.abs(true) < 1e-9)


def test_cells_of_a_small_panel_keep_what_is_small_and_lose_what_cancels():
    image = np.full((4, 6), 0.1)
    image[0, 0], image[3, 4] = 1e20, 0.102
    (panel,) = panels_from_extraction(
        fv.extract(image, CANCELLING, padding="valid"), stages=["filter"]
    )
    assert panel.cells[0][0] == "1e+19"
    assert panel.cells[1] == ("0", "0", "0", "0")
    assert panel.cells[2][1:] == ("0", "0.0002", "−0.0008")[:3] or "0" not in panel.cells[2][2:]


def test_what_an_activation_makes_small_is_a_result():
    run = fv.extract([[-40.0, 1e18]], [[1.0]], activation="sigmoid", pool="none")
    assert run.without_rounding("detect", 0)[0, 0] == run.detected[0, 0, 0] > 0


def test_infinite_cells_and_nan_neither_hide_a_value_nor_are_hidden():
    cells = np.float32([[np.inf, 0.1, 0.1, 0.1, np.nan, 0.102, 0.1]])[..., None]
    axes = (
        slide(1, 1, stride=1, dilation=1, padding="valid"),
        slide(7, 2, stride=1, dilation=1, padding="valid"),
    )
    sums = WindowSums(
        cells, tuple(np.array(read_cells(axis, "zeros")) for axis in axes),
        tuple(np.arange(axis.outputs) for axis in axes), (1, 1), ((1.0, -1.0),), 0.0, True,
    )  # fmt: skip
    values = np.float32([[np.inf, 1e-18, 0, np.nan, np.nan, 0.002]])
    found = without_rounding(values, values, sums)
    np.testing.assert_array_equal(found, np.float32([[np.inf, 0, 0, np.nan, np.nan, 0.002]]))
    overflown = fv.extract([[3e38, 3e38, 1, 2]], [[1, 1]], padding="valid", pool="average")
    for stage in STAGES:
        values = overflown.stage(stage)[:, :, 0]
        np.testing.assert_array_equal(overflown.without_rounding(stage, 0), values)


def test_where_nothing_is_left_by_rounding_the_map_itself_is_returned():
    run = fv.extract(np.arange(36).reshape(6, 6), LOPSIDED)
    for stage in STAGES:
        assert np.shares_memory(run.without_rounding(stage, 0), run.stage(stage))


@pytest.mark.parametrize(("reduce", "how"), [(np.maximum, max), (np.add, sum)], ids=["max", "sum"])
@pytest.mark.parametrize(
    ("window", "stride", "pads"),
    [((2, 3), (2, 3), ((0, 1), (1, 1))), ((3, 2), (1, 1), ((2, 2), (0, 1))),
     ((1, 1), (3, 2), ((0, 0), (0, 0)))],
    ids=["beside", "overlapping", "gaps"],
)  # fmt: skip
def test_what_windows_see_is_what_the_loops_see(reduce, how, window, stride, pads):
    cells = np.random.default_rng(3).normal(size=(7, 8))
    axes = tuple(
        slide(n, k, stride=s, dilation=1, padding=p)
        for n, k, s, p in zip(cells.shape, window, stride, pads, strict=True)
    )
    wanted = slow_pool(cells, window, stride=stride, pads=pads, how=how)
    np.testing.assert_allclose(over_windows(reduce, cells, axes), wanted, rtol=1e-12)


@pytest.mark.parametrize("side", [40, 200], ids=["exact", "float32"])
def test_a_flat_image_leaves_nothing_of_zero_sum_kernels(side):
    """A kernel whose exact sum is 0 leaves nothing of a flat image but errors of rounding."""
    flat = np.full((side, side), 0.7137, np.float32)
    kernels = [
        fv.gaussian(7, 2).composed(fv.PRESETS["edge"]),
        CANCELLING,
        "laplacian_of_gaussian(9, 1.4)",
    ]
    run = fv.extract(flat, kernels, border="reflect")
    assert run.filtered.any()
    marks = {panel.mark for panel in panels_from_extraction(run, stages=STAGES)}
    assert marks == {"dead: all 0"}


def test_no_value_that_an_image_of_bytes_can_hold_is_taken_for_zero():
    """The least step of such an image is 1/255, a thousand times the bound."""
    image = np.zeros((80, 80), np.uint8)
    image[40, 40] = 1
    image[0, 0] = 255
    run = fv.extract(image, [LOPSIDED, "edge", "blur"])
    for index in range(3):
        for stage in STAGES:
            shown = run.without_rounding(stage, index)
            np.testing.assert_array_equal(shown, run.stage(stage)[:, :, index])


def test_the_definition_pads_as_the_borders_do():
    assert pad_image([[1, 2]], ((0, 0), (1, 1)), "reflect").tolist() == [[2, 1, 2, 1]]
