"""Figures, tested by their artists and by the pixels of the files they become."""

import io
import itertools
import re
import subprocess
import sys
import threading
from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from definitions import LOPSIDED, ramp
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import featviz as fv
from featviz.panels import MapView, Panel, panels_from_views
from featviz.render.bars import bar_ticks
from featviz.render.drawing import colours_of, drawable, fitted, text_width

STAGES = ("image", "filter", "detect", "condense")
TURNED = [[-0.25, 3.0], [1.0, -2.0], [0.5, 0.0]]
# A matrix whose every quarter differs: turned or mirrored it is another one.
LESSON = [[0, 1, 0, 0, 0, 2]] * 4 + [[0, 1, 0, 1, 1, 1], [3, 1, 0, 0, 0, 0]]
ODD_NAMES = [
    "a" * 300, "$x_1$ $", "\\frac{1}{2} \\ %", "<b> & \"q\" 'p'", "two\nlines\tand tab",
    "汽车 カメラ", "🚗 \u200d \ufe0f", "\x00 \x7f \ud800", "{}_^~#", "−×·… é ß",
]  # fmt: skip


@pytest.fixture(scope="module")
def run():
    return fv.extract(ramp(20, 30), [LOPSIDED, TURNED], activation="leaky_relu")


@pytest.fixture(scope="module")
def lesson():
    return fv.extract(LESSON, LOPSIDED)


@pytest.fixture(scope="module")
def photo():
    kernels = [LOPSIDED, "edge", "blur", "emboss"]
    return fv.extract(fv.sample_image("coffee"), kernels, activation="leaky_relu")


def pictures(figure):
    return [axes for axes in figure.axes if axes.images]


def bars(figure):
    return [axes for axes in figure.axes if axes.get_label() == "colour bar"]


def names(figure):
    return [axes.get_label() for axes in pictures(figure)]


def written(figure):
    """Every text of a figure that is not empty, drawn or about to be."""
    figure.canvas.draw()
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def bar_range(axes):
    """The values at the ends of a colour bar, without its arrows."""
    return tuple(axes.get_xlim())


def png_pixels(figure, **options):
    path = fv.save_figure(figure, "figure.png", **options)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), int)


def spot(figure, axes, column, row, dpi):
    """Where a cell's lower left quarter lies in the pixels of a PNG file, as (row, column)."""
    x, y = axes.transData.transform((column - 0.35, row + 0.35)) / figure.dpi * dpi
    return round(figure.get_figheight() * dpi - y), round(x)


# ------------------------------------------------------------------- which pictures, and where


@pytest.mark.parametrize(
    "stages",
    [order for count in (1, 2, 3, 4) for order in itertools.permutations(STAGES, count)][::7],
    ids="+".join,
)
def test_every_choice_of_stages_is_drawn_in_its_order(run, stages):
    figure = fv.plot_extraction(run, stages=stages)
    firsts = [name.split(" ")[0].lower() for name in names(figure)]
    assert firsts == [*stages] * 2
    titles = {text.get_text() for text in figure.texts}
    for stage in stages:
        assert any(title.lower().startswith(stage) for title in titles)


@pytest.mark.parametrize("layout", ["rows", "columns", 1, 2, 3, 5, 8, 100], ids=str)
def test_a_layout_puts_the_panels_in_their_places(run, layout):
    figure = fv.plot_extraction(run, layout=layout)
    assert len(pictures(figure)) == 8
    places = [axes.get_position() for axes in pictures(figure)]
    lefts = sorted({round(place.x0 + place.width / 2, 3) for place in places})
    tops = sorted({round(place.y1, 4) for place in places}, reverse=True)
    columns = {"rows": 4, "columns": 2}.get(layout, layout)
    columns = min(columns, 8)
    assert (len(lefts), len(tops)) == (columns, -(-8 // columns))
    order = names(figure)
    if layout == "columns":
        assert [name.split(" ")[0].lower() for name in order] == [
            stage for stage in STAGES for _ in range(2)
        ]
    else:
        assert [name.split(" ")[0].lower() for name in order] == [*STAGES] * 2
    for number, place in enumerate(places):
        assert round(place.x0 + place.width / 2, 3) == lefts[number % columns]
        assert round(place.y1, 4) == tops[number // columns]


@pytest.mark.parametrize(
    ("scale", "gamma"),
    [("shared", 0.5), ("signed", 2.0), ("each", 1.0), ((-1.5, 2.0), 0.5)],
    ids=str,
)
def test_pictures_hold_the_pixels_and_the_limits_of_their_panels(run, scale, gamma):
    figure = fv.plot_extraction(run, scale=scale, gamma=gamma)
    panels = fv.panels_from_extraction(run, scale=scale, gamma=gamma)
    for axes, panel in zip(pictures(figure), panels, strict=True):
        (image,) = axes.images
        np.testing.assert_array_equal(np.asarray(image.get_array()), panel.pixels)
        assert (image.norm.vmin, image.norm.vmax) == panel.limits
        assert image.origin == "upper"


@pytest.mark.parametrize("gamma", [0.01, 0.5, 2, 100], ids=str)
def test_gamma_masks_nothing_and_keeps_signs_ends_and_zero(run, gamma):
    for panel in fv.panels_from_extraction(run, stages=("filter",), gamma=gamma):
        assert panel.pixels.min() < 0 < panel.pixels.max()
        norm = colours_of(panel).norm
        shares = norm(panel.pixels)
        assert not np.ma.getmaskarray(shares).any()
        assert np.isfinite(np.asarray(shares)).all()
        most = panel.limits[1]
        expected = [
            0.5 + np.sign(value) * (abs(value) / most) ** gamma / 2
            for value in panel.pixels.ravel().tolist()
        ]
        np.testing.assert_allclose(np.ravel(shares), expected, atol=1e-6)


@pytest.mark.parametrize("size", [1e-45, 1e-38, 1e-20, 1e20, 1e38, 3.4e38], ids=str)
@pytest.mark.parametrize("gamma", [1.0, 3.0], ids=str)
def test_the_smallest_and_largest_numbers_of_float32_are_drawn(size, gamma):
    values = np.array([[-1, 0.5], [0, 1]], np.float32) * np.float32(size)
    panels = panels_from_views([MapView("x", "filter", values, True)], scale="shared", gamma=gamma)
    figure = fv.figure_from_panels(panels, 1)
    pixels = png_pixels(figure, dpi=100)
    (axes,) = pictures(figure)
    low, high = (pixels[spot(figure, axes, x, y, 100)] for x, y in ((0, 0), (1, 1)))
    palette = colormaps["RdBu_r"]
    np.testing.assert_allclose(low, np.array(palette(0.0)[:3]) * 255, atol=1)
    np.testing.assert_allclose(high, np.array(palette(1.0)[:3]) * 255, atol=1)


# ----------------------------------------------------------------------------- colour bars


def groups(panels):
    found = {}
    for panel in panels:
        if panel.palette != "rgb" and panel.cells is None:
            found.setdefault(panel.scale, []).append(panel)
    return found


@pytest.mark.parametrize("scale", ["shared", "signed", "each", (-1.5, 2.0)], ids=str)
@pytest.mark.parametrize("layout", ["rows", 3], ids=str)
def test_there_is_one_true_bar_for_each_scale(run, scale, layout):
    figure = fv.plot_extraction(run, scale=scale, layout=layout)
    expected = groups(fv.panels_from_extraction(run, scale=scale))
    limits = sorted(panels[0].limits for panels in expected.values())
    np.testing.assert_allclose(sorted(bar_range(axes) for axes in bars(figure)), limits)
    for panels in expected.values():
        assert len({panel.limits for panel in panels}) == 1
    count = {"shared": 2, "signed": 4, "each": 7}.get(str(scale), 2)
    assert len(bars(figure)) == count


@pytest.mark.parametrize("scale", ["signed", "each"])
def test_a_bar_stands_below_the_pictures_it_is_true_for(photo, scale):
    figure = fv.plot_extraction(photo, stages=STAGES[1:], scale=scale)
    for bar in bars(figure):
        place = bar.get_position()
        above = [
            axes
            for axes in pictures(figure)
            if axes.get_position().x0 < place.x0 + place.width / 2 < axes.get_position().x1
            and axes.get_position().y0 > place.y1
        ]
        nearest = min(above, key=lambda axes: axes.get_position().y0 - place.y1)
        beside = above if scale == "signed" else [nearest]
        for axes in beside:
            norm = axes.images[0].norm
            np.testing.assert_allclose((norm.vmin, norm.vmax), bar_range(bar))
    assert len(bars(figure)) == (3 if scale == "signed" else 12)


@pytest.mark.parametrize("layout", [2, 3, 5], ids=str)
@pytest.mark.parametrize("scale", ["shared", "signed", "each"])
def test_no_bar_stands_below_a_picture_of_another_scale(photo, scale, layout):
    figure = fv.plot_extraction(photo, scale=scale, layout=layout)
    assert bars(figure)
    for bar in bars(figure):
        place = bar.get_position()
        boxes = [axes.get_position() for axes in pictures(figure)]
        row = min(box.y0 for box in boxes if box.y0 > place.y1)
        for axes, box in zip(pictures(figure), boxes, strict=True):
            if abs(box.y0 - row) < 0.01 and min(box.x1, place.x1) - max(box.x0, place.x0) > 0.01:
                norm = axes.images[0].norm
                np.testing.assert_allclose((norm.vmin, norm.vmax), bar_range(bar))


def test_a_bar_has_the_colours_of_its_pictures(run):
    figure = fv.plot_extraction(run, gamma=2)
    bar = bars(figure)[-1]
    (mesh,) = [item for item in bar.collections if type(item).__name__ == "QuadMesh"]
    image = pictures(figure)[1].images[0]
    values = np.linspace(*bar_range(bar), 9)
    np.testing.assert_array_equal(mesh.to_rgba(values), image.to_rgba(values))


CLIPPED = {(-900, 900): "neither", (-1, 900): "min", (-900, 1): "max", (-1, 1): "both"}


@pytest.mark.parametrize(("scale", "ends"), CLIPPED.items(), ids=CLIPPED.values())
def test_arrows_say_at_which_end_values_lie_beyond(run, scale, ends):
    figure = fv.plot_extraction(run, scale=scale, stages=("filter",))
    (bar,) = bars(figure)
    arrows = [patch for patch in bar.patches if type(patch).__name__ == "PathPatch"]
    assert len(arrows) == {"neither": 0, "both": 2}.get(ends, 1)
    captions = [text.get_text() for text in figure.texts if "beyond the scale" in text.get_text()]
    assert bool(captions) == (ends != "neither")


@pytest.mark.parametrize("stages", [("filter", "image", "detect")], ids=len)
@pytest.mark.parametrize("layout", ["rows", "columns", 1, 2, 3], ids=str)
def test_no_two_axes_of_a_figure_overlap(run, stages, layout):
    figure = fv.plot_extraction(run, stages=stages, layout=layout)
    for one, other in itertools.combinations(figure.axes, 2):
        assert not one.get_position().overlaps(other.get_position())


TICKS = [
    ((-4.8132, 4.8132), 0.5, [-4.8132, -1, 0, 1, 4.8132]),
    ((0, 4.8132), 0.5, [0, 1, 4.8132]),
    ((0, 1), 1.0, [0, 0.25, 0.5, 0.75, 1]),
    ((0, 1.02), 1.0, [0, 0.5, 1.02]),
    ((-0.02, 1), 1.0, [-0.02, 0.5, 1]),
    ((100, 101), 0.5, [100, 100.25, 100.5, 100.75, 101]),
    ((100.0001, 100.0002), 1.0, [100.0001, 100.0002]),
]


@pytest.mark.parametrize(("limits", "gamma", "ticks"), TICKS, ids=str)
def test_both_ends_have_ticks_and_round_values_stand_clear_between_them(limits, gamma, ticks):
    panel = Panel("x", np.zeros((1, 1), np.float32), limits, "signed", "shared", gamma=gamma)
    assert bar_ticks(panel, 6.0) == ticks


def test_ticks_without_room_are_left_out_but_those_of_the_ends():
    panel = Panel("x", np.zeros((1, 1), np.float32), (-4.81, 4.81), "signed", "shared", gamma=3.0)
    assert bar_ticks(panel, 1.4) == [-4.81, 0, 4.81]
    assert bar_ticks(panel, 0.6) == [-4.81, 4.81]


@pytest.mark.parametrize(
    ("limits", "texts"),
    [((0.0, 4.8132), ["0", "1", "4.81"]), ((100.0001, 100.0002), ["100.0001", "100.0002"]),
     ((0.0, 100.55), ["0", "20", "101"]), ((100.0, 101.0), ["100", "100.5", "101"])],
    ids=str,
)  # fmt: skip
def test_the_numbers_of_a_bar_are_those_of_its_ends_and_never_equal(limits, texts):
    pixels = np.array([limits], np.float64)
    panel = Panel("x", pixels, limits, "heat", "shared", gamma=0.5)
    (bar,) = bars(fv.figure_from_panels([panel], 1))
    labels = [text.get_text() for text in bar.get_xticklabels()]
    assert (labels[0], labels[-1]) == (texts[0], texts[-1])
    assert set(texts) <= set(labels)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("high", [4.0, 0.000461, -1e-9 + 1e6, 3e38], ids=str)
@pytest.mark.parametrize("gamma", [1.0, 0.5])
def test_numbers_of_a_bar_keep_clear_of_each_other_and_of_its_neighbour(high, gamma):
    panels = [
        Panel("x", np.array([[-high, high]]), (-high, high), "signed", f"each {n}", gamma=gamma)
        for n in range(3)
    ]
    figure = fv.figure_from_panels(panels, 3)
    figure.canvas.draw()
    for one in bars(figure):
        boxes = [label.get_window_extent() for label in one.get_xticklabels()]
        gaps = [(b.x0 - a.x1) / figure.dpi for a, b in itertools.pairwise(boxes)]
        assert min(gaps) > 0.05
    every = [label for one in bars(figure) for label in one.get_xticklabels()]
    for a, b in itertools.combinations(every, 2):
        assert not a.get_window_extent().overlaps(b.get_window_extent())


# ------------------------------------------------------------------------- the size of a page


def page_of(count, pixels, title="x", **options):
    return [Panel(f"{title}\n{n}", pixels, (0.0, 1.0), "heat", "shared", ("a caption",), **options)
            for n in range(count)]  # fmt: skip


def inches_of(figure, axes):
    return figure.get_size_inches() * axes.get_position().size


def type_sizes(figure):
    return {text.get_text(): text.get_size() for text in figure.texts}


@pytest.mark.parametrize(("count", "columns"), [(64, 8), (8, 8), (8, 1), (32, 4), (24, 3)], ids=str)
def test_a_page_shrinks_its_pictures_but_not_its_words(count, columns):
    panels = page_of(count, ramp(8, 8))
    figure = fv.figure_from_panels(panels, columns, title="t", footnote="f")
    width, height = figure.get_size_inches()
    assert width <= 14
    assert height <= 21  # with title and footnote
    sides = {round(float(side), 3) for axes in pictures(figure) for side in inches_of(figure, axes)}
    assert len(sides) == 1
    assert 1.2 <= max(sides) < 2.4
    few = type_sizes(fv.figure_from_panels(panels[:1], 1, title="t", footnote="f"))
    assert few.items() <= type_sizes(figure).items()


def test_a_title_that_makes_the_page_wide_stands_in_one_line():
    for row in range(30):
        title = f"photo_net · conv3 · cell ({row}, {row // 3}) and more"
        figure = fv.figure_from_panels(page_of(1, ramp(8, 8)), 1, title=title)
        assert figure.texts[0].get_text() == title


@pytest.mark.parametrize(("count", "columns"), [(20, 5), (25, 5), (1, 1), (5, 1)], ids=str)
def test_a_page_that_a_book_can_hold_keeps_its_pictures(count, columns):
    figure = fv.figure_from_panels(page_of(count, ramp(6, 8)), columns)
    for axes in pictures(figure):
        np.testing.assert_allclose(inches_of(figure, axes), (2.4, 1.8))


def test_pictures_are_halved_at_most():
    figure = fv.figure_from_panels(page_of(40, ramp(8, 8)), 1)
    assert {round(float(side), 3) for axes in pictures(figure)
            for side in inches_of(figure, axes)} == {1.2}  # fmt: skip


def test_pictures_between_wide_words_are_not_made_smaller_for_nothing():
    figure = fv.figure_from_panels(page_of(16, ramp(8, 8), title="a long title of a panel " * 3), 8)
    sides = {round(float(side), 2) for axes in pictures(figure) for side in inches_of(figure, axes)}
    assert figure.get_figwidth() > 14
    assert sides == {2.4}


def test_numbers_in_cells_shrink_to_three_quarters_and_those_of_kernels_not_at_all():
    cells = (("0.123",) * 8,) * 8
    one, many = (
        pictures(fv.figure_from_panels(page_of(count, ramp(8, 8), cells=cells), 1))[0]
        for count in (1, 12)
    )
    sides = [inches_of(axes.figure, axes)[0] for axes in (one, many)]
    assert sides[1] == pytest.approx(0.75 * sides[0])
    assert min(text.get_size() for text in many.texts) >= 6
    tall = [inches_of(axes.figure, axes)[0] for count in (1, 20)
            for axes in pictures(fv.plot_kernels([LOPSIDED] * count, columns=1))]  # fmt: skip
    assert len(set(np.round(tall, 6))) == 1


def test_a_place_may_be_left_free():
    first, second, third = page_of(3, ramp(8, 8))
    figure = fv.figure_from_panels([first, second, None, third], 2)
    places = [axes.get_position() for axes in pictures(figure)]
    assert len(places) == 3
    assert places[2].x0 == pytest.approx(places[1].x0)
    assert places[2].y1 < places[1].y0
    (bar,) = bars(figure)
    assert bar.get_position().y1 < places[2].y0


def test_large_kernels_stand_in_rows_above_their_bar():
    figure = fv.plot_kernels([fv.gaussian(61, sigma=n) for n in range(3, 9)])
    (bar,) = bars(figure)
    assert len(pictures(figure)) == 6
    assert bar.get_position().y1 < min(axes.get_position().y0 for axes in pictures(figure))


def has_numbers(figure):
    return {bool(axes.texts) for axes in pictures(figure)}


@pytest.mark.parametrize("size", [5, 8])
@pytest.mark.parametrize("unit", [None, 1.0, 1e-7], ids=["whole", "decimals", "powers of ten"])
def test_a_small_matrix_under_one_kernel_keeps_its_numbers(size, unit):
    cells = np.random.default_rng(1).normal(0, unit or 1, (size, size))
    figure = fv.plot_extraction(fv.extract(cells if unit else ramp(size, size), LOPSIDED))
    assert has_numbers(figure) == {True}


@pytest.mark.parametrize("size", [5, 12])
def test_numbers_are_left_out_where_the_page_would_be_too_large(size):
    matrix = np.random.default_rng(1).normal(0, 1, (size, size))
    run = fv.extract(matrix, [np.multiply(LOPSIDED, n) for n in range(1, 9)])
    figure = fv.plot_extraction(run)
    assert has_numbers(figure) == {False}
    assert figure.get_figwidth() <= 16
    assert figure.get_figheight() <= 21
    assert bars(figure)
    asked = fv.plot_extraction(run, numbers=True, stages=("condense",))
    assert has_numbers(asked) == {True}


def test_numbers_of_many_images_are_left_out_where_the_page_would_be_too_large():
    images = list(np.random.default_rng(1).normal(0, 1, (15, 12, 12)))
    figure = fv.plot_images(images)
    assert has_numbers(figure) == {False}
    assert figure.get_figwidth() <= 14
    assert bars(figure)
    assert has_numbers(fv.plot_images(images[:2])) == {True}
    assert has_numbers(fv.plot_images(images[:2], numbers=False)) == {False}
    assert has_numbers(fv.plot_images(images, numbers=True)) == {True}


# ------------------------------------------------------------------------ nothing cut or covered


def six():
    return fv.extract(fv.sample_image("coffee", size=80), list(fv.PRESETS)[:6])


CASES = {
    "6×6 matrix": lambda: fv.plot_extraction(fv.extract(LESSON, LOPSIDED), title="A lesson"),
    "1×1 image": lambda: fv.plot_extraction(fv.extract([[0.5]], LOPSIDED)),
    "photo, 4 kernels": None,  # the fixture
    "photo, columns": lambda: fv.plot_extraction(six(), layout="columns", stages=STAGES[:2]),
    "six kernels": lambda: fv.plot_extraction(six(), stages=("filter",), scale="each", layout=4),
    "1×15 kernel": lambda: fv.plot_kernel([[(-1) ** n * n / 7 for n in range(15)]]),
    "15×1 kernel": lambda: fv.plot_kernel([[10**n] for n in range(15)]),
    "15×15 gabor": lambda: fv.plot_kernel(fv.gabor(15, wavelength=6, angle_degrees=20)),
    "1×1 kernel": lambda: fv.plot_kernels([[[2]]], title="One number"),
    "presets": lambda: fv.plot_kernels(list(fv.PRESETS)[::7], scale="each"),
    "each colour": lambda: fv.plot_extraction(
        fv.extract(fv.sample_image("coffee", size=40), LOPSIDED, color="each")),
    "odd names": lambda: fv.plot_extraction(
        fv.extract(LESSON, [fv.Kernel(LOPSIDED, name=name) for name in ODD_NAMES[::2]]),
        stages=STAGES[:2], title="$\\alpha$" + "t" * 300),
    "numbers": lambda: fv.plot_extraction(
        fv.extract(ramp(17, 14), LOPSIDED), numbers=True, stages=("filter", "condense")),
    "oblong": lambda: fv.plot_extraction(fv.extract(ramp(3, 500), LOPSIDED)),
    "upright": lambda: fv.plot_extraction(fv.extract(ramp(500, 3) / 1e6, LOPSIDED), scale="each"),
    "one upright map": lambda: fv.plot_map(fv.extract(ramp(500, 3) / 1e6, LOPSIDED), "filter"),
    "dead": lambda: fv.plot_extraction(fv.extract(np.zeros((40, 60)), ["edge", LOPSIDED])),
    "clipped": lambda: fv.plot_extraction(fv.extract(ramp(20, 30), LOPSIDED), scale=(-0.5, 2)),
    "order": lambda: fv.plot_extraction(
        fv.extract(ramp(20, 30), LOPSIDED), stages=("filter", "image", "detect"), gamma=1),
    "images": lambda: fv.plot_images({"": ramp(30, 20), "b" * 80: np.ones((9, 40, 3))}),
    "large kernel": lambda: fv.plot_kernel(fv.gaussian(61, sigma=9)),
    "huge numbers": lambda: fv.plot_kernel([[1e300, -2], [3, -(10**308)]]),
}  # fmt: skip


def overlap(one, other):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return min(width, height)


@pytest.mark.parametrize(
    ("case", "dpi"),
    [(case, 80) for case in CASES] + [("upright", 200), ("1×1 image", 200)],
    ids=str,
)
def test_no_text_is_cut_or_covered(case, dpi, photo):
    figure = CASES[case]() if CASES[case] else fv.plot_extraction(photo)
    figure.set_dpi(dpi)
    texts = written(figure)
    assert texts
    boxes = [text.get_window_extent() for text in texts]
    width, height = figure.get_size_inches() * dpi
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{text.get_text()!r} is cut: {box}, {width}×{height}"
    for (i, one), (j, other) in itertools.combinations(enumerate(boxes), 2):
        # Boxes of lines hold room for letters that reach below: a point of it may be shared.
        assert overlap(one, other) <= dpi / 72, (
            f"{texts[i].get_text()!r} covers {texts[j].get_text()!r}"
        )


@pytest.mark.parametrize("case", ["6×6 matrix", "photo, columns", "upright", "clipped"])
def test_no_title_or_caption_lies_on_a_picture(case):
    figure = CASES[case]()
    figure.canvas.draw()
    for text, axes in itertools.product(figure.texts, figure.axes):
        inside = overlap(text.get_window_extent(), axes.get_window_extent())
        assert inside <= figure.dpi / 72, text.get_text()


@pytest.mark.parametrize("kernel", [[[2]], np.ones((15, 15)) / 3, [[1e-7] * 15], LOPSIDED],
                         ids=["1×1", "15×15", "1×15", "2×3"])  # fmt: skip
def test_the_numbers_of_a_kernel_are_large_enough_and_within_their_cells(kernel):
    figure = fv.plot_kernel(kernel)
    figure.canvas.draw()
    (axes,) = pictures(figure)
    height, width = np.shape(kernel)
    box = axes.get_window_extent()
    for text in axes.texts:
        assert text.get_size() >= 7
        extent = text.get_window_extent()
        assert extent.width < box.width / width
        assert extent.height < box.height / height


# ------------------------------------------------------------------------- numbers in the cells


def cells_of(axes, shape):
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    return [[texts[(column, row)] for column in range(shape[1])] for row in range(shape[0])]


def test_the_cells_of_a_kernel_say_its_exact_numbers():
    kernel = fv.Kernel([["1/3", 2, -3], [0.5, -1, "-7/320"]])
    (axes,) = fv.plot_kernel(kernel).axes
    assert cells_of(axes, (2, 3)) == [["1/3", "2", "−3"], ["0.5", "−1", "−7/320"]]


def test_the_cells_of_a_lesson_say_its_numbers(lesson):
    figure = fv.plot_extraction(lesson)
    image, filtered, detected, condensed = pictures(figure)
    assert cells_of(image, (6, 6)) == [[str(value) for value in row] for row in LESSON]
    for axes, stage in ((filtered, "filter"), (detected, "detect"), (condensed, "condense")):
        values = lesson.stage(stage)[:, :, 0]
        texts = cells_of(axes, values.shape)
        for row, line in zip(texts, values, strict=True):
            for text, value in zip(row, line, strict=True):
                sign = -1 if text.startswith("−") else 1
                top, _, bottom = text.lstrip("−").partition("/")
                assert sign * float(top) / float(bottom or 1) == value


def test_the_numbers_of_dark_cells_are_light_and_of_light_cells_dark(lesson):
    for axes in pictures(fv.plot_extraction(lesson)):
        (image,) = axes.images
        for text in axes.texts:
            column, row = text.get_position()
            behind = image.to_rgba(np.asarray(image.get_array()))[row, column]
            light = behind[:3] @ (0.299, 0.587, 0.114)
            white = mpl.colors.to_rgb(text.get_color()) == (1, 1, 1)
            assert white == (light <= 0.55)


# -------------------------------------------------------------------------- pixels of the file


@pytest.mark.parametrize("dpi", [60, 150])
def test_the_cells_of_a_png_have_the_palettes_colours(lesson, dpi):
    figure = fv.plot_extraction(lesson)
    pixels = png_pixels(figure, dpi=dpi)
    assert pixels.shape[:2] == tuple(int(n) for n in figure.get_size_inches()[::-1] * dpi)
    most = float(np.abs(lesson.filtered).max())
    for axes, stage in zip(pictures(figure), STAGES, strict=True):
        values = lesson.stage(stage)[:, :, 0]
        for (row, column), value in np.ndenumerate(values):
            share = value / 3 if stage == "image" else 0.5 + value / most / 2
            palette = colormaps["gray" if stage == "image" else "RdBu_r"]
            wanted = np.array(palette(float(share))[:3]) * 255
            found = pixels[spot(figure, axes, column, row, dpi)]
            np.testing.assert_allclose(found, wanted, atol=1, err_msg=f"{stage} {row} {column}")


def test_nan_and_infinity_are_green_in_the_file():
    values = np.array([[np.nan, 1.0], [-1.0, np.inf]], np.float32)
    panels = panels_from_views([MapView("x", "filter", values, True)], scale="shared")
    figure = fv.figure_from_panels(panels, 1)
    pixels = png_pixels(figure, dpi=100)
    (axes,) = pictures(figure)
    for column, row in ((0, 0), (1, 1)):
        assert tuple(pixels[spot(figure, axes, column, row, 100)]) == (0x2C, 0xA0, 0x2C)
    assert [text.get_text() for text in figure.texts][1] == "1 NaN, 1 infinite"


def test_a_colour_photograph_is_upright_and_in_its_colours():
    image = np.zeros((40, 60, 3))
    image[:10, :20] = (1, 0, 0)
    image[30:, 40:] = (0, 0, 1)
    figure = fv.plot_image(image)
    pixels = png_pixels(figure, dpi=100)
    (axes,) = pictures(figure)
    assert tuple(pixels[spot(figure, axes, 5, 5, 100)]) == (255, 0, 0)
    assert tuple(pixels[spot(figure, axes, 50, 35, 100)]) == (0, 0, 255)
    assert tuple(pixels[spot(figure, axes, 50, 5, 100)]) == (0, 0, 0)


def test_lines_of_an_oblong_map_are_not_mixed():
    values = np.zeros((500, 3), np.float32)
    values[:, 1] = 1
    panels = panels_from_views([MapView("x", "detect", values, False)], scale="shared")
    figure = fv.figure_from_panels(panels, 1)
    pixels = png_pixels(figure)
    (axes,) = pictures(figure)
    for column in range(3):
        found = pixels[spot(figure, axes, column, 250, 150)]
        wanted = np.array(colormaps["magma"](float(column == 1))[:3]) * 255
        np.testing.assert_allclose(found, wanted, atol=1)


# --------------------------------------------------------------------------------- odd names


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_any_name_can_be_drawn(name):
    kernel = fv.Kernel(LOPSIDED, name=name)
    assert (
        fv.save_figure(fv.plot_kernels(kernel, title=name), "a.png", dpi=60).stat().st_size > 1000
    )
    other = Figure()
    fv.plot_kernel(kernel, ax=other.add_subplot())
    fv.save_figure(other, "b.png", dpi=60)


@pytest.mark.parametrize("kind", ["svg", "pdf"])
def test_all_names_can_be_drawn_as_vectors(kind):
    kernels = [fv.Kernel(LOPSIDED, name=name) for name in ODD_NAMES]
    figure = fv.plot_kernels(kernels, title=" ".join(ODD_NAMES))
    assert fv.save_figure(figure, f"a.{kind}").stat().st_size > 1000


def test_names_stand_as_they_are_and_are_not_read_as_tex():
    name = "$x_1$ \\frac <b> & 100 %"
    figure = fv.plot_kernel(fv.Kernel(LOPSIDED, name=name))
    (text,) = [text for text in figure.texts if text.get_text() == name]
    assert not text.get_parse_math()
    assert not text.get_usetex()


def test_a_newline_in_a_name_makes_no_line():
    figure = fv.plot_kernel(fv.Kernel(LOPSIDED, name="two\n lines"))
    assert "two lines" in [text.get_text() for text in figure.texts]


def test_what_no_font_has_becomes_a_box():
    assert drawable("a\n汽 🚗 é − $") == "a □ □ é − $"


def test_long_text_shrinks_and_then_loses_its_middle():
    assert fitted("short", 9, 3) == ("short", 9)
    text, size = fitted("a long name", 9, text_width("a long name", 9) * 0.8)
    assert text == "a long name"
    assert 6 < size < 9
    text, size = fitted("begin " + "m" * 900 + " end", 9, 2)
    assert text.startswith("begin m")
    assert text.endswith("m end")
    assert "…" in text
    assert size == 6
    assert 1.4 < text_width(text, size) <= 2


# ------------------------------------------------------------------------------- the user's axes

ON_AXES = {
    "image": lambda ax: fv.plot_image(ramp(20, 30), ax=ax, title="t"),
    "map": lambda ax: fv.plot_map(fv.extract(ramp(20, 30), [LOPSIDED, TURNED]), "filter",
                                  index=1, ax=ax),
    "kernel": lambda ax: fv.plot_kernel(LOPSIDED, ax=ax),
}  # fmt: skip


@pytest.mark.parametrize("draw", ON_AXES.values(), ids=ON_AXES.keys())
def test_one_panel_is_drawn_on_the_given_axes(draw):
    figure = Figure((6, 4))
    first, second = figure.subplots(1, 2)
    assert draw(second) is figure
    assert not first.images
    assert len(second.images) == 1
    assert second.get_title()
    assert "×" in second.get_xlabel()


@pytest.mark.parametrize("draw", ON_AXES.values(), ids=ON_AXES.keys())
def test_one_panel_is_drawn_on_axes_of_a_subfigure(draw):
    figure = Figure((6, 4))
    part, _ = figure.subfigures(1, 2)
    assert draw(part.subplots()) is figure
    fv.save_figure(figure, "a.png")


@pytest.mark.parametrize("layout", ["constrained", "compressed", "tight"])
def test_nothing_on_the_users_axes_is_cut_in_the_file(layout):
    figure = Figure((9, 3.2), layout=layout)
    first, second, third = figure.subplots(1, 3)
    fv.plot_image(fv.sample_image("coffee", size=(60, 90)), ax=first)
    fv.plot_kernel("edge", ax=second)
    fv.plot_map(fv.extract(ramp(50, 50), LOPSIDED), ax=third)
    pixels = png_pixels(figure)
    assert (pixels[:2] == 255).all()
    assert (pixels[-2:] == 255).all()


def test_a_title_on_the_users_axes_is_wrapped():
    axes = Figure((6, 3)).subplots(1, 2)[1]
    title = "A cup of coffee, seen from above\nand never drunk"
    fv.plot_image(ramp(20, 30), ax=axes, title=title)
    assert axes.get_title().split() == title.split()
    assert len(axes.get_title().split("\n")) > 2
    assert axes.title.get_fontsize() == 9


def test_a_map_on_given_axes_has_the_same_pixels_limits_and_bar():
    run = fv.extract(ramp(20, 30), [LOPSIDED, TURNED])
    figure = Figure()
    axes = figure.add_subplot()
    fv.plot_map(run, "filter", index=1, ax=axes)
    (image,) = axes.images
    most = float(np.abs(run.filtered).max())
    np.testing.assert_array_equal(np.asarray(image.get_array()), run.filtered[:, :, 1])
    assert (image.norm.vmin, image.norm.vmax) == (-most, most)
    assert tuple(figure.axes[1].get_ylim()) == (-most, most)


@pytest.mark.parametrize("face", ["black", "white", "none"])
def test_text_on_given_axes_can_be_read_on_the_figures_colour(face):
    figure = Figure(facecolor=face)
    axes = figure.add_subplot()
    fv.plot_map(fv.extract(ramp(20, 30), LOPSIDED), ax=axes)
    for text in (axes.title, axes.xaxis.label, *figure.axes[1].get_yticklabels()):
        light = np.mean(mpl.colors.to_rgb(text.get_color()))
        assert light > 0.6 if face == "black" else light < 0.4


@pytest.mark.parametrize(("stage", "index"), [("image", 0), ("detect", 1), ("condense", 0)])
def test_plot_map_takes_the_map_of_the_stage_and_index(run, stage, index):
    (axes, *_) = fv.plot_map(run, stage, index=index).axes
    expected = run.image[:, :, 0] if stage == "image" else run.stage(stage)[:, :, index]
    np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), expected)


# ------------------------------------------------------------------------------------- saving

MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}


@pytest.mark.parametrize("kind", MAGIC)
def test_the_ending_decides_the_format(run, kind):
    path = Path(f"figure.{kind.upper()}")
    assert fv.save_figure(fv.plot_extraction(run), path, dpi=80) == path
    assert path.read_bytes().startswith(MAGIC[kind])


@pytest.mark.parametrize("kind", MAGIC)
def test_the_same_figure_gives_the_same_bytes(run, kind):
    figures = [fv.plot_extraction(run, scale=(-1, 1)) for _ in range(2)]
    paths = [fv.save_figure(figures[n], f"{n}.{kind}", dpi=80) for n in (0, 1, 1)]
    assert len({path.read_bytes() for path in paths}) == 1


def test_the_ids_of_an_svg_are_used_as_they_are_defined(run):
    text = fv.save_figure(fv.plot_extraction(run, scale=(-1, 1)), "a.svg").read_text("utf-8")
    defined = re.findall(r'id="([^"]+)"', text)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert len(defined) == len(set(defined))
    assert used <= set(defined)
    assert len(used) > 10


def test_dpi_is_the_size_of_a_png(run):
    figure = fv.plot_extraction(run)
    for dpi in (50, 120.5):
        path = fv.save_figure(figure, "a.png", dpi=dpi)
        with Image.open(path) as picture:
            np.testing.assert_allclose(picture.size, figure.get_size_inches() * dpi, atol=1)


def failing(path):
    return {
        "unknown ending": ("old.gif", fv.plot_kernel("edge"), {}),
        "no figure": ("old.png", "figure", {}),
        "dpi 0": ("old.png", fv.plot_kernel("edge"), {"dpi": 0}),
        "too large to draw": ("old.png", fv.plot_kernel("edge"), {"dpi": 1e8}),
    }[path]


@pytest.mark.parametrize("case", ["unknown ending", "no figure", "dpi 0", "too large to draw"])
def test_what_was_there_survives_a_save_that_fails(case):
    name, figure, options = failing(case)
    Path(name).write_bytes(b"old")
    with pytest.raises((TypeError, ValueError)):
        fv.save_figure(figure, name, **options)
    assert Path(name).read_bytes() == b"old"
    assert [path.name for path in Path().iterdir()] == [name]


def test_notebooks_show_png_bytes_of_figures_and_runs(run, lesson):
    figure = fv.plot_extraction(run)
    shown = figure._repr_png_()
    assert shown.startswith(MAGIC["png"])
    assert Image.open(io.BytesIO(shown)).size[0] == int(figure.get_figwidth() * 150)
    assert lesson._repr_png_() == fv.plot_extraction(lesson)._repr_png_()


# ------------------------------------------------------------------------------- no global state

PROGRAM = """
import sys, featviz as fv
figure = fv.plot_images([[[0, 1], [2, 3]]])
fv.plot_kernels("edge", scale="each")
fv.save_figure(figure, "a.png")
assert "matplotlib.figure" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""


def test_featviz_imports_no_pyplot():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(Path(fv.__file__).parents[1]), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


HOSTILE = {
    "text.usetex": True, "text.parse_math": True, "text.color": "white", "font.weight": "bold",
    "axes.grid": True, "axes.titlecolor": "white", "axes.labelcolor": "white",
    "axes.titlelocation": "left", "axes.titleweight": "bold", "axes.labelweight": "bold",
    "axes.spines.left": False, "axes.facecolor": "red", "axes.edgecolor": "red",
    "figure.facecolor": "red", "figure.edgecolor": "red", "figure.frameon": False,
    "figure.dpi": 30, "figure.figsize": (1, 1), "figure.autolayout": True,
    "image.origin": "lower", "image.aspect": "auto", "image.cmap": "jet",
    "image.interpolation": "bicubic", "lines.linestyle": "--", "lines.marker": "o",
    "xtick.bottom": False, "xtick.labelbottom": False, "xtick.top": True, "xtick.color": "white",
    "xtick.minor.visible": True, "xtick.direction": "in", "xtick.labelsize": 30, "font.size": 30,
    "savefig.bbox": "tight", "savefig.dpi": 20, "savefig.facecolor": "red",
    "savefig.transparent": True, "axes.titlesize": 30, "axes.labelsize": 30,
    "xaxis.labellocation": "left",
}  # fmt: skip


@pytest.mark.parametrize("style", ["dark_background", HOSTILE], ids=["dark", "hostile"])
@pytest.mark.parametrize("case", ["bars", "cells"])
def test_a_users_style_changes_no_pixel(run, lesson, style, case):
    run = run if case == "bars" else lesson
    plain = png_pixels(fv.plot_extraction(run, title="T"), dpi=80)
    with matplotlib.style.context(style):
        before = dict(mpl.rcParams)
        if isinstance(style, dict) and style["font.weight"] == "bold":
            mpl.rcParams["font.weight"] = before["font.weight"] = "normal"
        pixels = png_pixels(fv.plot_extraction(run, title="T"), dpi=80)
        assert dict(mpl.rcParams) == before
    np.testing.assert_array_equal(pixels, plain)


@pytest.mark.parametrize("draw", ON_AXES.values(), ids=ON_AXES.keys())
def test_given_axes_are_drawn_without_tex_under_usetex(draw):
    with matplotlib.style.context({"text.usetex": True}):
        figure = Figure()
        axes = figure.add_subplot()
        draw(axes)
        for text in written(figure):
            assert not text.get_usetex()


def test_global_settings_stay_as_they_are(run):
    before = dict(mpl.rcParams)
    fv.save_figure(fv.plot_extraction(run), "a.svg")
    fv.plot_kernel(LOPSIDED, ax=Figure().add_subplot())
    assert dict(mpl.rcParams) == before


def test_figures_are_made_in_several_threads_at_once(lesson):
    wanted = fv.plot_extraction(lesson)._repr_png_()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(fv.plot_extraction(lesson)._repr_png_()))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 3


# ------------------------------------------------------------------------------------ errors

MATRIX = [[0, 1], [2, 3]]
RUN = fv.extract(MATRIX, LOPSIDED)
AXES = "ax must be a matplotlib Axes; got "
STAGE_RULE = "stages must be any of 'image', 'filter', 'detect', 'condense'; got "
KERNEL_RULE = "kernels must be kernels, as read_kernels() returns them; got "
PANELS, TRACE = fv.panels_from_extraction(RUN), fv.trace(MATRIX, "1 -1")
ERRORS = {
    "extraction": (lambda: fv.plot_extraction("run"), TypeError,
        "extraction must come from extract(); got 'run'"),
    "map of no run": (lambda: fv.plot_map(MATRIX), TypeError,
        "extraction must come from extract(); got [[0, 1], [2, 3]]"),
    "layout word": (lambda: fv.plot_extraction(RUN, layout="row"), ValueError,
        "layout must be one of 'rows', 'columns' or a number of columns; got 'row' "
        "(did you mean 'rows'?)"),
    "layout 0": (lambda: fv.plot_extraction(RUN, layout=0), ValueError,
        "layout must be a whole number of at least 1; got 0"),
    "layout half": (lambda: fv.plot_extraction(RUN, layout=1.5), TypeError,
        "layout must be a whole number of at least 1; got 1.5"),
    "layout None": (lambda: fv.plot_extraction(RUN, layout=None), TypeError,
        "layout must be a whole number of at least 1; got None"),
    "map stage": (lambda: fv.plot_map(RUN, "detected"), ValueError,
        "stage must be one of 'image', 'filter', 'detect', 'condense'; got 'detected' "
        "(did you mean 'detect'?)"),
    "map index": (lambda: fv.plot_map(RUN, index=1), ValueError, "index must be below 1; got 1"),
    "map index negative": (lambda: fv.plot_map(RUN, index=-1), ValueError,
        "index must be a whole number of at least 0; got -1"),
    "ax word": (lambda: fv.plot_map(RUN, ax="axes"), TypeError, AXES + "'axes'"),
    "ax list": (lambda: fv.plot_image(MATRIX, ax=[]), TypeError, AXES + "[]"),
    "ax number": (lambda: fv.plot_kernel(LOPSIDED, ax=3), TypeError, AXES + "3"),
    "title of a run": (lambda: fv.plot_extraction(RUN, title=3), TypeError,
        "title must be a text or None; got 3"),
    "title of an image": (lambda: fv.plot_image(MATRIX, title=b"a"), TypeError,
        "title must be a text or None; got b'a'"),
    "title of images": (lambda: fv.plot_images([MATRIX], title=[]), TypeError,
        "title must be a text or None; got []"),
    "title of kernels": (lambda: fv.plot_kernels("edge", title=3), TypeError,
        "title must be a text or None; got 3"),
    "columns 0": (lambda: fv.plot_kernels("edge", columns=0), ValueError,
        "columns must be a whole number of at least 1; got 0"),
    "image columns 0": (lambda: fv.plot_images([MATRIX], columns=0), ValueError,
        "columns must be a whole number of at least 1; got 0"),
    "image columns True": (lambda: fv.plot_images([MATRIX], columns=True), TypeError,
        "columns must be a whole number of at least 1; got True"),
    "no images": (lambda: fv.plot_images([]), ValueError,
        "images must be at least one image; got none"),
    "no panels": (lambda: fv.figure_from_panels([], 1), ValueError,
        "panels must be 1 to 400 in a figure; got 0"),
    "free places": (lambda: fv.figure_from_panels([None, None], 1), ValueError,
        "panels must be 1 to 400 in a figure; got 0"),
    "save ending": (lambda: fv.save_figure(fv.plot_kernel("edge"), "a.jpg"), ValueError,
        "output must end in one of .png, .svg, .pdf; got 'a.jpg' (did you mean '.png'?)"),
    "save near ending": (lambda: fv.save_figure(fv.plot_kernel("edge"), "a.pgn"), ValueError,
        "output must end in one of .png, .svg, .pdf; got 'a.pgn' (did you mean '.png'?)"),
    "save no ending": (lambda: fv.save_figure(fv.plot_kernel("edge"), "png"), ValueError,
        "output must end in one of .png, .svg, .pdf; got 'png'"),
    "save no figure": (lambda: fv.save_figure(RUN.image, "a.png"), TypeError,
        "figure must be a matplotlib Figure; got array([[[0.], [1.]], [[2.], [3.]]], "
        "dtype=float32)"),
    "save dpi": (lambda: fv.save_figure(fv.plot_kernel("edge"), "a.png", dpi=-1), ValueError,
        "dpi must be a finite number above 1 and at most 2400; got -1"),
    "save dpi word": (lambda: fv.save_figure(fv.plot_kernel("edge"), "a.png", dpi="200"), TypeError,
        "dpi must be a finite number above 1 and at most 2400; got '200'"),
    "save missing folder": (lambda: fv.save_figure(fv.plot_kernel("edge"), "no/a.png"),
        FileNotFoundError, "output must be in a folder that exists; got 'no'"),
    "save folder in the way": (lambda: [Path("a.png").mkdir(),
                                        fv.save_figure(fv.plot_kernel("edge"), "a.png")],
        IsADirectoryError, "output must be a file; got the folder 'a.png'"),
    "save dpi too low for letters": (
        lambda: fv.save_figure(fv.plot_kernel("edge"), "a.png", dpi=3), ValueError,
        "dpi must be high enough for the letters of the figure; got 3"),
    "stages of no kind": (lambda: fv.plot_extraction(RUN, stages=5), TypeError, f"{STAGE_RULE}5"),
    "stages of panels": (lambda: fv.panels_from_extraction(RUN, stages=None), TypeError,
        f"{STAGE_RULE}None"),
    "panels of no run": (lambda: fv.panels_from_extraction(None), TypeError,
        "extraction must come from extract(); got None"),
    "figure of None": (lambda: fv.figure_from_panels(None, 2), TypeError,
        "panels must be Panel values or None; got None"),
    "figure of a text": (lambda: fv.figure_from_panels(" ", 2), TypeError,
        "panels must be Panel values or None; got ' '"),
    "figure of numbers": (lambda: fv.figure_from_panels([0, 0], 2), TypeError,
        "panels must be Panel values or None; got 0 among them"),
    "title of a figure": (lambda: fv.figure_from_panels(PANELS, 2, title=5), TypeError,
        "title must be a text or None; got 5"),
    "footnote": (lambda: fv.figure_from_panels(PANELS, 2, footnote=None), TypeError,
        "footnote must be a text; got None"),
    "kernels None": (lambda: fv.panels_from_kernels(None), TypeError, f"{KERNEL_RULE}None"),
    "kernels a text": (lambda: fv.panels_from_kernels(" "), TypeError, f"{KERNEL_RULE}' '"),
    "cells of a trace": (lambda: fv.text_from_trace(TRACE, cells=" "), TypeError,
        "cells must be pairs (row, column); got ' '"),
    "cell of three": (lambda: fv.text_from_trace(TRACE, cells=[(0, 0, 0)]), ValueError,
        "cells must be pairs (row, column); got [(0, 0, 0)]"),
    "progress": (lambda: fv.text_from_trace(TRACE, progress=""), TypeError,
        "progress must be a function or None; got ''"),
    "numbers a word": (lambda: fv.plot_extraction(RUN, numbers="no"), TypeError,
        "numbers must be True, False or None; got 'no'"),
    "numbers of images": (lambda: fv.plot_images([MATRIX], numbers=2.5), TypeError,
        "numbers must be True, False or None; got 2.5"),
    "numbers an array": (lambda: fv.panels_from_extraction(RUN, numbers=np.zeros(0)), TypeError,
        "numbers must be True, False or None; got array([], dtype=float64)"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_a_wrong_call_is_answered_with_its_sentence(case):
    call, kind, sentence = case
    with pytest.raises(kind) as caught:
        call()
    assert (type(caught.value), str(caught.value)) == (kind, sentence)
