"""Panels: limits of every named scale, captions, marks, numbers in cells."""

import math
from fractions import Fraction

import numpy as np
import pytest
from definitions import LOPSIDED, ramp

import featviz as fv
from featviz.captions import (
    caption_lines,
    cell_texts,
    kernel_cell,
    mark_text,
    range_text,
    settings_text,
    share_text,
    value_text,
)
from featviz.panels import MapView, colour_limits, image_panel, panels_from_views
from featviz.render.drawing import colours_of
from featviz.stats import map_stats

STAGES = ("image", "filter", "detect", "condense")
TURNED = [[-0.25, 3.0], [1.0, -2.0], [0.5, 0.0]]


@pytest.fixture(scope="module")
def run():
    return fv.extract(ramp(9, 14), [LOPSIDED, TURNED], activation="leaky_relu")


@pytest.fixture(scope="module")
def photo():
    return fv.extract(fv.sample_image("coffee", size=60), [LOPSIDED, TURNED, "blur"])


def largest(*arrays):
    return max(abs(float(value)) for array in arrays for value in array.ravel())


def maps_of(run, stages=STAGES):
    """(stage, index, array) of each map, row by row."""
    return [
        (stage, index, run.stage(stage)[:, :, index])
        for index in range(len(run.labels))
        for stage in stages
        if stage != "image"
    ]


# ------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("which", ["run", "photo"])
def test_shared_is_the_largest_magnitude_of_all_maps_on_both_sides(which, request):
    run = request.getfixturevalue(which)
    most = largest(run.filtered, run.detected, run.condensed)
    panels = fv.panels_from_extraction(run, scale="shared")
    for panel in panels:
        assert panel.scale == "image" or panel.limits == (-most, most) or panel.palette == "grey"
    assert {panel.limits for panel in panels if panel.scale == "shared"} == {(-most, most)}
    assert sum(panel.scale == "shared" for panel in panels) == 3 * len(run.labels)


def test_shared_without_the_filter_starts_at_zero(photo):
    panels = fv.panels_from_extraction(photo, stages=("detect", "condense"))
    most = largest(photo.detected, photo.condensed)
    assert {panel.limits for panel in panels} == {(0.0, most)}
    assert {panel.palette for panel in panels} == {"heat"}


def test_shared_without_the_filter_is_signed_where_a_value_is_negative(run):
    panels = fv.panels_from_extraction(run, stages=("detect", "condense"))
    most = largest(run.detected, run.condensed)
    assert {(panel.limits, panel.palette) for panel in panels} == {((-most, most), "signed")}


@pytest.mark.parametrize("which", ["run", "photo"])
def test_signed_is_symmetric_for_each_stage_alone(which, request):
    run = request.getfixturevalue(which)
    panels = fv.panels_from_extraction(run, scale="signed")
    for number, panel in enumerate(panels):
        stage = STAGES[number % 4]
        if stage != "image":
            most = largest(run.stage(stage))
            assert panel.limits == (-most, most)
            assert (panel.scale, panel.palette) == (f"signed, {stage}", "signed")


def test_each_is_the_magnitude_of_the_map_alone(photo):
    panels = fv.panels_from_extraction(photo, stages=STAGES[1:], scale="each")
    for panel, (stage, _, values) in zip(panels, maps_of(photo), strict=True):
        most = largest(values)
        assert panel.limits == ((-most, most) if stage == "filter" else (0.0, most))
    assert len({panel.scale for panel in panels}) == len(panels)


@pytest.mark.parametrize("scale", [(-1, 2), (0, 0.5), [0.25, 3.0], (np.float32(-2), np.int64(2))],
                         ids=str)  # fmt: skip
def test_numbers_are_the_limits_of_every_map(photo, scale):
    panels = fv.panels_from_extraction(photo, stages=STAGES[1:], scale=scale)
    assert {panel.limits for panel in panels} == {(float(scale[0]), float(scale[1]))}
    assert len({panel.scale for panel in panels}) == 1
    assert {panel.palette for panel in panels} == {"signed" if scale[0] < 0 else "heat"}


def test_one_value_has_one_colour_everywhere_under_shared(photo):
    panels = fv.panels_from_extraction(photo, stages=STAGES[1:], scale="shared")
    values = np.linspace(-3, 3, 31)
    colours = [colours_of(panel).to_rgba(values) for panel in panels]
    for other in colours[1:]:
        np.testing.assert_array_equal(other, colours[0])
    assert len(np.unique(colours[0], axis=0)) > 25


def test_the_filter_is_white_at_zero_under_every_scale(photo):
    for scale in ("shared", "signed", "each", (-0.5, 2.0), (-3.0, 1.0)):
        for gamma in (None, 0.5, 1.0, 2.0):
            (panel, *_) = fv.panels_from_extraction(
                photo, stages=("filter",), scale=scale, gamma=gamma
            )
            red, green, blue, _ = colours_of(panel).to_rgba(np.zeros(1))[0]
            assert min(red, green, blue) > 0.94, (scale, gamma)


def test_limits_of_nothing_but_zeros_are_those_of_one():
    stats = [map_stats(np.zeros((2, 3)))]
    assert colour_limits(stats, signed=False) == (0.0, 1.0)
    assert colour_limits(stats, signed=True) == (-1.0, 1.0)


def test_limits_pass_over_nan_and_infinity():
    values = np.array([[np.nan, -2.0], [np.inf, 1.5]], np.float32)
    (panel,) = panels_from_views([MapView("x", "detect", values, False)], scale="shared")
    assert panel.limits == (-2.0, 2.0)


def test_panels_hold_exactly_the_values_row_by_row(run):
    panels = fv.panels_from_extraction(run)
    for number, panel in enumerate(panels):
        stage, index = STAGES[number % 4], number // 4
        expected = run.image[:, :, 0] if stage == "image" else run.stage(stage)[:, :, index]
        np.testing.assert_array_equal(panel.pixels, expected)
        assert panel.title.startswith(stage.capitalize())


@pytest.mark.parametrize(
    "stages", [("condense",), ("detect", "image"), ["condense", "filter", "image", "detect"]],
    ids="+".join,
)  # fmt: skip
def test_stages_stand_in_the_order_asked_for(run, stages):
    titles = [panel.title for panel in fv.panels_from_extraction(run, stages=stages)]
    assert [title.split("\n")[0].split(" · ")[0].lower() for title in titles] == [*stages] * 2


def test_a_word_is_one_stage(run):
    assert len(fv.panels_from_extraction(run, stages="filter")) == 2


# ------------------------------------------------------------------------------- image


def test_a_colour_image_is_drawn_in_its_colours():
    image = fv.sample_image("coffee", size=20)
    panel = image_panel(image, "x")
    assert (panel.palette, panel.limits) == ("rgb", (0.0, 1.0))
    np.testing.assert_array_equal(panel.pixels, image)


IMAGE_LIMITS = {
    "within 0..1": ([[0.25, 0.5]], (0.0, 1.0)),
    "0..35": ([[0, 35]], (0.0, 35.0)),
    "7..9 starts at 0": ([[7, 9]], (0.0, 9.0)),
    "negative": ([[-3, 2]], (-3.0, 2.0)),
    "all negative ends at 0": ([[-3, -2]], (-3.0, 0.0)),
}


@pytest.mark.parametrize("case", IMAGE_LIMITS.values(), ids=IMAGE_LIMITS.keys())
def test_a_grey_image_has_the_range_of_its_kind(case):
    cells, limits = case
    panel = image_panel(np.array(cells, np.float32)[:, :, None], "x")
    assert (panel.limits, panel.palette) == (limits, "grey")


def test_channels_that_are_no_colours_are_drawn_as_their_mean():
    image = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    panel = image_panel(image, "x")
    np.testing.assert_allclose(panel.pixels, image.sum(axis=2) / 4)
    assert panel.lines == ("2×3×4 · 0 to 23", "4 % zeros", "mean of 4 channels, 1.5 to 21.5")
    assert panel.limits == (0.0, 21.5)


@pytest.mark.parametrize(
    ("unit", "limits"), [(1 / 64, (0.0, 21.5 / 64)), (0, (0.0, 1.0)), (-1, (-21.5, 0.0))], ids=str
)
def test_a_mean_of_channels_is_as_bright_as_it_goes(unit, limits):
    image = np.arange(24, dtype=np.float32).reshape(2, 3, 4) * unit
    assert image_panel(image, "x").limits == pytest.approx(limits)


def test_each_channel_stands_beside_its_own_maps():
    image = fv.sample_image("coffee", size=16)
    run = fv.extract(image, [LOPSIDED, TURNED], color="each")
    panels = fv.panels_from_extraction(run, stages=("image", "filter"))
    assert len(panels) == 12
    for index, panel in enumerate(panels[::2]):
        np.testing.assert_array_equal(panel.pixels, run.image[:, :, index % 3])
        assert panel.title == "Image\n" + ("red", "green", "blue")[index % 3]


# ------------------------------------------------------------------------------- words

SHARES = {
    0.0: "0 %", 1.0: "100 %", 1e-9: "<1 %", 0.0099: "<1 %", 0.01: "1 %", 0.5: "50 %",
    0.514: "51 %", 0.99: "99 %", 0.9901: ">99 %", 0.9999999: ">99 %",
}  # fmt: skip


@pytest.mark.parametrize(("share", "words"), SHARES.items(), ids=map(str, SHARES))
def test_a_share_is_said_in_percent(share, words):
    assert share_text(share) == words


@pytest.mark.parametrize("cells", [10, 150, 999, 4096])
def test_none_and_all_are_said_only_when_exact(cells):
    for zeros in range(cells + 1):
        words = share_text(zeros / cells)
        assert (words == "0 %") == (zeros == 0)
        assert (words == "100 %") == (zeros == cells)


VALUES = {
    -0.0: "0", 3.0: "3", -3.6: "−3.6", 0.784313725: "0.784", 123456.0: "123456",
    12345.678: "12346", 5.86e-5: "5.86e−05", 1e38: "1e+38",
}  # fmt: skip


@pytest.mark.parametrize(("value", "text"), VALUES.items(), ids=map(str, VALUES))
def test_a_value_has_three_digits(value, text):
    assert value_text(value) == text


RANGES = {
    "from to": ([[-3.6, 4.81]], "−3.6 to 4.81"),
    "one value": ([[2.0, 2.0]], "2"),
    "ends that differ late": ([[0.99411, 0.99412]], "0.99411 to 0.99412"),
    "nothing finite": ([[math.nan, math.inf]], "no finite value"),
    "with NaN": ([[math.nan, 1.0, 2.0]], "1 to 2"),
}


@pytest.mark.parametrize("case", RANGES.values(), ids=RANGES.keys())
def test_a_range_says_its_ends(case):
    cells, words = case
    assert range_text(map_stats(np.array(cells))) == words


def test_a_caption_says_shape_range_and_share_of_zeros():
    stats = map_stats(np.array([[0, -1.5, 2], [0, 0, 8]]))
    assert caption_lines(stats, (-8, 8)) == ("2×3 · −1.5 to 8", "50 % zeros")


@pytest.mark.parametrize("limits", [(-1, 8), (-2, 7), (3, 4)], ids=str)
def test_a_caption_says_when_values_lie_beyond_the_scale(limits):
    stats = map_stats(np.array([[0, -1.5, 2], [0, 0, 8]]))
    assert caption_lines(stats, limits)[0] == "2×3 · −1.5 to 8 (beyond the scale)"


MARKS = {
    "alive": ([[0, 1]], ""),
    "dead": ([[0, 0], [0, -0.0]], "dead: all 0"),
    "one dead cell": ([[0]], "dead: all 0"),
    "constant": ([[2.5, 2.5]], "constant: all 2.5"),
    "negative constant": ([[-1], [-1]], "constant: all −1"),
    "one cell is not called constant": ([[4]], ""),
    "NaN": ([[math.nan, 1], [math.nan, 0]], "2 NaN"),
    "infinite": ([[math.inf, -math.inf, 0]], "2 infinite"),
    "both": ([[math.nan, math.inf, 0]], "1 NaN, 1 infinite"),
}


@pytest.mark.parametrize("case", MARKS.values(), ids=MARKS.keys())
def test_a_mark_says_what_must_not_be_overlooked(case):
    cells, words = case
    values = np.array(cells, np.float32)
    assert mark_text(map_stats(values)) == words
    (panel,) = panels_from_views([MapView("x", "detect", values, False)], scale="each")
    assert panel.mark == words


def test_a_kernel_that_blinds_makes_dead_maps():
    run = fv.extract(ramp(6, 6), [[[-1.0, -2.0], [-3.0, -0.5]]], bias=-1000, padding="valid")
    marks = [panel.mark for panel in fv.panels_from_extraction(run, stages=STAGES[1:])]
    assert marks == ["", "dead: all 0", "dead: all 0"]


def test_cells_say_whole_numbers_fractions_and_decimals():
    values = np.array([[7, -2], [14 / 9, 0.784], [0, -1 / 3]], np.float32)
    assert cell_texts(values) == (("7", "−2"), ("14/9", "0.784"), ("0", "−1/3"))


def test_numbers_stand_in_the_cells_of_small_maps_and_gamma_is_one(run):
    small = fv.extract(ramp(12, 12), LOPSIDED)
    panels = fv.panels_from_extraction(small)
    assert all(panel.cells is not None and panel.gamma == 1.0 for panel in panels)
    (_, panel, _, _) = panels
    texts = np.array([[float(Fraction(t.replace("−", "-"))) for t in row] for row in panel.cells])
    np.testing.assert_allclose(texts, panel.pixels, rtol=5e-3)
    for panel in fv.panels_from_extraction(run):  # 14 columns
        assert panel.cells is None
        assert panel.gamma == (1.0 if panel.scale.startswith("image") else 0.5)


def test_numbers_are_written_or_left_out_as_asked(run):
    assert all(panel.cells for panel in fv.panels_from_extraction(run, numbers=True))
    small = fv.extract(ramp(3, 3), LOPSIDED)
    assert not any(panel.cells for panel in fv.panels_from_extraction(small, numbers=False))


KERNEL_CELLS = [
    (-1, "−1"), (Fraction(-3, 320), "−3/320"), (0.1234567, "0.1234567"),
    (0.12345678, "0.123"), (1e-7, "1e−07"), (2.0, "2"),
    (10**13, "10000000000000"), (-(10**15), "−1e+15"), (10**300, "1e+300"), (2 * 10**308, "2e+308"),
    (Fraction(123456789, 987654321), "0.125"), (Fraction("0.123456"), "0.123456"),
    (Fraction("12345.678"), "12345.678"), (Fraction("3.1415927"), "3.1415927"),
    (Fraction("0.784"), "98/125"), (1 / 9, "1/9"), (float(np.float32(0.1)), "1/10"), (0.15, "0.15"),
    (float(np.float32(0.123456)), "0.123456"), (0.07511360795411151, "0.0751"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), KERNEL_CELLS, ids=[text for _, text in KERNEL_CELLS])
def test_a_kernels_cell_is_exact_where_it_can_be_read(value, text):
    assert kernel_cell(value) == text


def test_a_rounded_cell_of_a_kernel_is_told_below_it():
    exact = fv.Kernel("0.123456 0.1234567; 12345.678 3.1415927", name="typed")
    thirds = fv.Kernel([[1 / 3, float(np.float32(0.1))]], name="thirds")
    panels = fv.panels_from_kernels([exact, thirds, fv.read_kernel("gaussian(3, 1)")])
    assert panels[0].cells == (("0.123456", "0.1234567"), ("12345.678", "3.1415927"))
    assert panels[0].lines == ("2×2 · sum 12349",)
    assert panels[1].cells == (("1/3", "1/10"),)
    assert [panel.lines[0].endswith(" · rounded") for panel in panels] == [
        False, False, True,
    ]  # fmt: skip


def test_kernels_have_exact_cells_a_sum_and_signed_limits():
    kernels = [fv.Kernel([["1/3", 2, -3], [0.5, -1, 4]], name="odd"), fv.read_kernel("box")]
    odd, box = fv.panels_from_kernels(kernels)
    assert odd.cells == (("1/3", "2", "−3"), ("0.5", "−1", "4"))
    assert odd.lines == ("2×3 · sum 2.83",)
    assert box.cells == (("1/9",) * 3,) * 3
    assert odd.limits == box.limits == (-4.0, 4.0)
    assert odd.scale == box.scale
    each = fv.panels_from_kernels(kernels, scale="each")
    assert [panel.limits[1] for panel in each] == [4.0, float(np.float32(1 / 9))]


def test_a_kernel_of_many_cells_is_drawn_without_numbers():
    assert fv.panels_from_kernels([fv.Kernel(np.ones((2, 48)))])[0].cells is not None
    assert fv.panels_from_kernels([fv.Kernel(np.ones((49, 1)))])[0].cells is None


def test_a_kernel_of_huge_numbers_has_finite_pixels():
    (panel,) = fv.panels_from_kernels([fv.Kernel([[1e300, -2], [3, -(10**308)]])])
    assert np.isfinite(panel.pixels).all()
    assert panel.lines[0] == "2×2 · sum −1e+308"


SETTINGS = {
    "plain": ({}, "kernel · stride 1×1 · same (+0 top, +1 bottom, +1 left, +1 right) · relu · "
                  "max 2×2 stride 2×2 (+0 top, +1 bottom, +0 left, +0 right)"),
    "valid": ({"padding": "valid", "pool": "none"},
              "kernel · stride 1×1 · valid · relu · none"),
    "number": ({"padding": 0, "bias": 0.5, "pool": "none"},
               "kernel · stride 1×1 · padding 0 · bias 0.5 · relu · none"),
    "pads": ({"padding": ((1, 0), (2, 0)), "border": "edge", "pool": "none"},
             "kernel · stride 1×1 · padding (+1 top, +0 bottom, +2 left, +0 right) · border edge "
             "· relu · none"),
    "rest": ({"stride": (1, 2), "dilation": 2, "padding": "valid", "color": "sum",
              "pool": "global_max"},
             "kernel · color sum · stride 1×2 · dilation 2×2 · valid · "
             "no window reaches columns 1, 3, 5, 7 · relu · global max"),
}  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS.values(), ids=SETTINGS.keys())
def test_the_settings_are_told_in_one_line(case):
    options, words = case
    assert settings_text(fv.extract(ramp(7, 8), LOPSIDED, **options)) == words


def test_settings_name_no_pads_that_hold_for_one_kernel_only():
    run = fv.extract(ramp(7, 8), [LOPSIDED, "edge"], pool="none")
    assert settings_text(run).split(" · ")[2] == "same (by each kernel's size)"


def test_settings_count_kernels_that_are_many():
    run = fv.extract(ramp(7, 8), [LOPSIDED] * 7)
    assert settings_text(run).startswith("7 kernels · stride")


@pytest.mark.parametrize(("stage", "last"), [("filter", "valid"), ("detect", "relu"),
                                             ("condense", "max 2×2 stride 2×2")],
                         ids=["filter", "detect", "condense"])  # fmt: skip
def test_settings_stop_at_the_step_that_is_shown(stage, last):
    run = fv.extract(ramp(7, 8), LOPSIDED, padding="valid")
    assert settings_text(run, stage=stage).split(" · ")[-1] == last


# ------------------------------------------------------------------------------- errors

GAMMA = "gamma must be a finite number above 0; got "
SCALE = "scale must be one of 'shared', 'signed', 'each' or two numbers (low, high), low < high"
ERRORS = {
    "unknown scale": (dict(scale="sharde"), ValueError,
        "scale must be one of 'shared', 'signed', 'each' or two numbers (low, high); got 'sharde' "
        "(did you mean 'shared'?)"),
    "scale None": (dict(scale=None), TypeError, f"{SCALE}; got None"),
    "one number": (dict(scale=[1]), TypeError, f"{SCALE}; got [1]"),
    "three numbers": (dict(scale=(1, 2, 3)), TypeError, f"{SCALE}; got (1, 2, 3)"),
    "falling scale": (dict(scale=(2, 1)), ValueError, f"{SCALE}; got (2, 1)"),
    "empty scale": (dict(scale=(1, 1)), ValueError, f"{SCALE}; got (1, 1)"),
    "NaN scale": (dict(scale=(0, math.nan)), ValueError,
        "scale must be a finite number; got nan"),
    "word in scale": (dict(scale=(0, "1")), TypeError, "scale must be a finite number; got '1'"),
    "gamma 0": (dict(gamma=0), ValueError, GAMMA + "0"),
    "gamma negative": (dict(gamma=-1), ValueError, GAMMA + "-1"),
    "gamma infinite": (dict(gamma=math.inf), ValueError, GAMMA + "inf"),
    "gamma word": (dict(gamma="0.5"), TypeError, GAMMA + "'0.5'"),
    "gamma tiny": (dict(gamma=1e-9), ValueError, "gamma must be from 0.01 to 100; got 1e-09"),
    "gamma huge": (dict(gamma=1000), ValueError, "gamma must be from 0.01 to 100; got 1000"),
    "palette": (dict(palette="magma"), ValueError,
        "palette must be one of 'signed', 'heat', 'grey'; got 'magma'"),
    "palette gray": (dict(palette="gray"), ValueError,
        "palette must be one of 'signed', 'heat', 'grey'; got 'gray' (did you mean 'grey'?)"),
    "stage": (dict(stages=("image", "filtr")), ValueError,
        "stages must be one of 'image', 'filter', 'detect', 'condense'; got 'filtr' "
        "(did you mean 'filter'?)"),
    "no stage": (dict(stages=()), ValueError,
        "stages must be named once each, at least one; got ()"),
    "stage twice": (dict(stages=("image", "image")), ValueError,
        "stages must be named once each, at least one; got ('image', 'image')"),
    "stage number": (dict(stages=(1,)), TypeError,
        "stages must be one of 'image', 'filter', 'detect', 'condense'; got 1"),
    "numbers": (dict(numbers=True), ValueError,
        "numbers must be False for maps of more than 48 rows or columns; got 60"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_a_wrong_choice_is_answered_with_its_sentence(photo, case):
    options, kind, sentence = case
    with pytest.raises(kind) as caught:
        fv.panels_from_extraction(photo, **options)
    assert (type(caught.value), str(caught.value)) == (kind, sentence)


def test_the_lowest_float_of_a_max_pool_leaves_the_shared_scale():
    healthy = np.array(LOPSIDED, np.float32)
    lowest = np.full((2, 3), np.finfo(np.float32).min, np.float32)
    views = [MapView("x", "condense", values, False) for values in (healthy, lowest)]
    for scale in ("shared", "signed"):
        one, other = panels_from_views(views, scale=scale)
        assert one.limits == other.limits == (-4, 4)
        np.testing.assert_array_equal(one.pixels, healthy)
        assert np.isnan(other.pixels).all()
        assert (one.mark, other.mark) == ("", "6 lowest float")
        assert other.lines[0] == "2×3 · no other value"
