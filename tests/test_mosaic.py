"""The mosaic: pixels, marks and words read back from the PNG."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from definitions import LOPSIDED
from matplotlib import colormaps
from PIL import Image

from featviz.map_panels import sheet_from_feature_maps
from featviz.networks.values import FeatureMaps, LayerInfo
from featviz.panels import Panel
from featviz.render import drawing
from featviz.render.canvas import text_width
from featviz.render.map_colours import (
    bar_numbers,
    colours_of_palette,
    steps_from_values,
    table_of_steps,
)
from featviz.render.map_grid import ALARM_COLOUR, STEPS, columns_of_grid
from featviz.render.mosaic import _heading_lines, _legend, _planned, save_mosaic
from featviz.vocabulary import BROKEN_COLOUR

WHITE = (255, 255, 255)


def layer_maps(values, path="conv"):
    info = LayerInfo(path, "conv", "Conv2D", "3×3", -1)
    return FeatureMaps({path: np.asarray(values)}, {path: info}, (), ("1×2 float32",), "net")


def written(values, **options):
    """The mosaic as RGB (H, W, 3), without labels and gaps unless told."""
    plain = {"labels": False, "gap": 0, "magnify": 1, "gamma": 1.0} | options
    save_mosaic(layer_maps(values), "conv", "mosaic.png", **plain)
    with Image.open("mosaic.png") as picture:
        return np.asarray(picture.convert("RGB"))


def slow_colour(value, low, high, palette, gamma=1.0):
    """The colour of one value, by the definition: of 236 steps the one it lies in."""
    most = max(abs(low), abs(high))

    def bent(number):
        return np.sign(number) * (abs(number) / most) ** gamma

    share = (bent(min(max(value, low), high)) - bent(low)) / (bent(high) - bent(low))
    step = min(int(share * STEPS), STEPS - 1)
    place = (step + 0.5) / STEPS
    if palette == "signed":
        place = 0.5 + (bent(low) + (bent(high) - bent(low)) * place) / 2
    return colours_of_palette(palette)[int(place * 256)].tolist()


def found_at(picture, tile):
    """Where the pixels of a tile stand, row and column of each place that has them."""
    height, width = tile.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(picture, (height, width, 3))[:, :, 0]
    return [tuple(spot) for spot in np.argwhere((windows == tile).all(axis=(2, 3, 4)))]


@pytest.mark.parametrize(
    ("scale", "low", "high", "palette", "gamma"),
    [
        ("layer", -4, 4, "signed", 1.0),
        ("layer", -4, 4, "grey", 1.0),
        ("signed", -4, 4, "signed", 0.5),
        ((-1, 3), -1, 3, "signed", 0.5),
        ((-1, 3), -1, 3, "heat", 2.0),
        ("each", -4, 4, "signed", 1.0),
    ],
    ids=str,
)
def test_a_pixel_has_the_colour_of_its_value_and_stands_where_the_value_does(
    scale, low, high, palette, gamma
):
    picture = written(
        np.array(LOPSIDED)[None, ..., None], scale=scale, palette=palette, gamma=gamma
    )
    tile = [[slow_colour(v, low, high, palette, gamma) for v in row] for row in LOPSIDED]
    assert len(found_at(picture, np.array(tile))) == 1


def test_channels_stand_row_by_row_with_the_gap_between():
    values = (
        np.arange(5)[None, None, None, :] * np.ones((1, 2, 3, 1)) + np.array(LOPSIDED)[..., None]
    )
    picture = written(values, columns=2, gap=4, scale=(-4, 9.1), palette="grey")
    spots = []
    for f in range(5):
        tile = [[slow_colour(v + f, -4, 9.1, "grey") for v in row] for row in LOPSIDED]
        (spot,) = found_at(picture, np.array(tile))
        spots.append(spot)
    first = spots[0]
    assert [(r - first[0], c - first[1]) for r, c in spots] == [
        (0, 0), (0, 7), (6, 0), (6, 7), (12, 0),
    ]  # fmt: skip
    assert (picture[first[0] : first[0] + 2, first[1] + 3 : first[1] + 7] == 255).all()


def test_a_cell_is_a_square_of_whole_pixels_when_magnified():
    picture = written(np.array(LOPSIDED)[None, ..., None], magnify=5)
    tile = np.array([[slow_colour(v, -4, 4, "signed") for v in row] for row in LOPSIDED])
    assert len(found_at(picture, tile.repeat(5, axis=0).repeat(5, axis=1))) == 1


def test_nan_and_infinity_are_green_and_their_map_is_framed():
    values = np.abs(np.array(LOPSIDED))[None, ..., None].repeat(3, axis=-1)
    values[0, 0, 1, 1], values[0, 1, 2, 1] = np.nan, -np.inf
    picture = written(values, magnify=4, gap=3)
    assert (picture == BROKEN_COLOUR).all(axis=-1).sum() == 2 * 16
    # A frame of one pixel around 8×12, its left corner at the edge of the grid or in the gap.
    assert (picture == ALARM_COLOUR).all(axis=-1).sum() >= 2 * 12 + 2 * 8


def test_only_marked_maps_are_framed():
    values = np.array(LOPSIDED)[None, ..., None].repeat(3, axis=-1)
    assert not (written(values, gap=3) == ALARM_COLOUR).all(axis=-1).any()
    for mark in (0.0, 0.5):
        values[..., 1] = mark
        assert (written(values, gap=3) == ALARM_COLOUR).all(axis=-1).any()


def test_the_colour_bar_shows_every_step_in_order():
    picture = written(np.array(LOPSIDED)[None, ..., None])
    table = table_of_steps("signed", (-4, 4), 1.0, STEPS)
    bars = [row for row in picture if (row[12] == table[0]).all() and (row[331] == table[-1]).all()]
    assert len(bars) >= 10
    expected = table[np.arange(320) * STEPS // 320]
    assert (bars[0][12:332] == expected).all()


def test_the_heading_the_labels_and_the_numbers_of_the_bar_are_ink_on_paper():
    values = np.array(LOPSIDED)[None, ..., None].repeat(4, axis=-1)
    plain, labelled = written(values, columns=2), written(values, columns=2, labels=True)
    assert labelled.shape[0] == plain.shape[0] + 2 * 13  # two rows of two maps
    assert (plain[:60, :300] < 128).all(axis=-1).sum() > 300
    assert (plain[-40:, :340] < 128).all(axis=-1).sum() > 20


def test_a_small_dead_map_has_room_for_its_mark():
    values = np.arange(1.0, 1011)[None, None, None, :] * np.array(LOPSIDED)[None, ..., None]
    values[..., 1003] = 0
    sheet = sheet_from_feature_maps(layer_maps(values), "conv", channels=range(990, 1010))
    plan = _planned(sheet, (16, 16), 7, 2, labels=True)
    assert plan.pitch[1] > text_width("1003 dead", 10)
    plain = replace(sheet, marks=("",) * 20)
    assert _planned(plain, (16, 16), 7, 2, labels=True).pitch[1] == 50


def test_a_sequence_fills_its_room_and_its_label_is_not_cut():
    values = np.random.default_rng(0).random((1, 200, 16))
    seen = written(values, labels=True, magnify=None, palette="grey")
    grey = (seen.max(axis=-1) - seen.min(axis=-1) == 0) & (seen[..., 0] < 250)
    rows, columns = np.flatnonzero(grey[90:].any(axis=1)), np.flatnonzero(grey.any(axis=0))
    assert np.ptp(columns) > 400
    assert 400 < np.ptp(rows) < 600
    few = written(values[:, :5, :3], labels=True, magnify=None)
    bare = written(values[:, :5, :3], magnify=None)
    # Without its label the picture is lower, and else the same.
    apart = np.flatnonzero((few[: len(bare)] != bare).any(axis=(1, 2)))[0]
    assert (few[apart : apart + 13, 110:] < 200).any(axis=(0, 2)).sum() > 50


@pytest.mark.parametrize(
    ("limits", "gamma", "expected"),
    [
        ((0, 4), 1.0, [("0", 0.0), ("4", 1.0), ("1", 0.25)]),
        ((-4, 4), 1.0, [("−4", 0.0), ("4", 1.0), ("0", 0.5), ("1", 0.625), ("−1", 0.375)]),
        ((-4, 4), 0.5, [("−4", 0.0), ("4", 1.0), ("0", 0.5), ("1", 0.75), ("−1", 0.25)]),
        ((2, 6), 1.0, [("2", 0.0), ("6", 1.0)]),
        ((100.0001, 100.0002), 1.0, [("100.0001", 0.0), ("100.0002", 1.0)]),
    ],
    ids=str,
)
def test_numbers_of_the_bar_stand_where_their_colours_are(limits, gamma, expected):
    found = bar_numbers(limits, gamma)
    assert [text for text, _ in found] == [text for text, _ in expected]
    np.testing.assert_allclose([at for _, at in found], [at for _, at in expected])


@pytest.mark.parametrize("name", ["signed", "heat", "grey"])
def test_palettes_are_those_of_the_figures(name):
    theirs = colormaps[drawing.PALETTES[name]](np.arange(256), bytes=True)[:, :3].astype(int)
    assert abs(colours_of_palette(name) - theirs).max() <= (0 if name == "heat" else 1)


@pytest.mark.parametrize("limits", [(0.0, 3.0), (-3.0, 3.0), (-1.0, 3.0), (1.0, 3.0)], ids=str)
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_colours_are_those_that_matplotlib_gives_a_panel(limits, gamma):
    values = np.linspace(-4, 4, 97, dtype=np.float32).reshape(1, 1, -1)
    panel = Panel("", values[0], limits, "signed", "shared", gamma=gamma)
    theirs = drawing.colours_of(panel).to_rgba(np.clip(values[0], *limits), bytes=True)[..., :3]
    ours = table_of_steps("signed", limits, gamma, 255)[
        steps_from_values(values, [limits], gamma, 255)[0]
    ]
    assert abs(ours.astype(int) - theirs).max() <= 8  # a step of 256 is up to 8 apart


def test_broken_cells_and_alarms_look_as_in_figures():
    for ours, theirs in ((BROKEN_COLOUR, drawing.BROKEN), (ALARM_COLOUR, drawing.ALARM)):
        assert tuple(bytes.fromhex(theirs[1:])) == ours


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e38, 1e300], ids=str)
def test_tiny_and_huge_values_keep_their_colours(size):
    values = np.array(LOPSIDED)[None] / 4 * size
    steps = steps_from_values(values, [(-size, size)], 1.0, 200)
    share = np.clip((np.array(LOPSIDED) / 4 + 1) / 2 * 200, 0, 199)
    assert abs(steps[0] - share).max() <= 1
    assert steps_from_values(values, [(-1, 1)], 0.5, 200).max() <= 199


@pytest.mark.parametrize(
    "shape",
    [
        (1, 7),
        (1, 1, 1, 900),
        (1, 1, 300, 3),
        (1, 300, 2, 3),
        (1, 9, 5),
        (1, 3, 4, 5, 2),
        (1, 6, 7, 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", ["layer", "each"])
def test_every_form_is_written_with_labels(shape, scale):
    values = np.random.default_rng(0).normal(size=shape)
    picture = written(values, labels=True, magnify=None, scale=scale)
    assert picture.shape[1] >= 520
    assert (picture[:, -12:] == 255).all()  # the margin is free


def test_hostile_names_are_letters_in_the_heading():
    sizes = []
    for path in ("conv", "$x^2$/<script>\n" + "long" * 100):
        save_mosaic(layer_maps(np.ones((1, 2, 2, 1)), path), path, "mosaic.png")
        with Image.open("mosaic.png") as picture:
            sizes.append(picture.size)
    assert sizes[0] == sizes[1]


def test_the_same_maps_give_the_same_bytes(tmp_path):
    maps = layer_maps(np.random.default_rng(0).normal(size=(1, 8, 8, 9)))
    first = save_mosaic(maps, "conv", tmp_path / "a.png").read_bytes()
    assert save_mosaic(maps, "conv", tmp_path / "b.png").read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_grid_is_wider_than_high_and_leaves_few_places_empty():
    assert [columns_of_grid(n, (60, 60)) for n in (1, 2, 8, 12, 64, 512)] == [1, 2, 4, 4, 8, 32]


def test_a_mosaic_needs_neither_matplotlib_nor_tensorflow():
    code = (
        "import sys, numpy as np; from featviz.networks.values import FeatureMaps, LayerInfo;"
        "from featviz.render.mosaic import save_mosaic;"
        "maps = FeatureMaps({'c': np.ones((1, 4, 4, 2))}, {'c': LayerInfo('c', 'c', 'k', '', -1)},"
        " (), (), 'net');"
        "save_mosaic(maps, 'c', 'mosaic.png');"
        "print([n for n in ('matplotlib', 'tensorflow', 'keras', 'sympy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"file": "mosaic.jpg"}, ValueError, "output must end in one of .png; got 'mosaic.jpg'"),
        ({"file": "none/mosaic.png"}, FileNotFoundError, "output must be in a folder that exists"),
        ({"gap": 101}, ValueError, "gap must be a whole number from 0 to 100; got 101"),
        ({"gap": -1}, ValueError, "gap must be a whole number of at least 0; got -1"),
        ({"columns": 0}, ValueError, "columns must be a whole number of at least 1; got 0"),
        ({"magnify": 0}, ValueError, "magnify must be a whole number of at least 1; got 0"),
        ({"magnify": 9000}, ValueError, "mosaic must have at most 268,435,456 pixels"),
        ({"labels": "yes"}, TypeError, "labels must be True or False; got 'yes'"),
        ({"count": 0}, ValueError, "count must be a whole number of at least 1; got 0"),
        ({"path": "conw"}, KeyError, "(did you mean 'conv'?)"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_argument_is_refused_and_no_file_is_left(options, kind, text, tmp_path):
    arguments = {"path": "conv", "file": "mosaic.png"} | options
    with pytest.raises(kind) as caught:
        save_mosaic(layer_maps(np.ones((1, 2, 2, 4))), **arguments)
    assert text in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_lowest_float_is_green_and_leaves_the_others_as_they_were():
    values = np.array(LOPSIDED)[None, ..., None] * np.float32([1, 2, 3])
    values = values.astype(np.float32)
    healthy = written(values[..., [0, 2]], columns=2, gap=2)
    values[..., 1] = np.finfo(np.float32).min
    sick = written(values[..., [0, 2, 1]], columns=3, gap=2)
    for f in (0, 2):
        tile = np.array(
            [[slow_colour(v, -12, 12, "signed") for v in row] for row in values[0, :, :, f]]
        )
        assert found_at(sick, tile)
        assert found_at(healthy, tile)
    assert found_at(sick, np.full((1, 1, 3), BROKEN_COLOUR))


def test_a_vector_with_nan_and_the_lowest_float_is_written():
    values = np.float32([[1.5, np.nan, np.finfo(np.float32).min, -np.inf]])
    assert found_at(written(values, labels=True, magnify=8), np.full((2, 2, 3), BROKEN_COLOUR))


def test_words_without_labels_are_true():
    sheet = sheet_from_feature_maps(
        layer_maps(np.ones((1, 2, 3, 4))), "conv", channels=[3, 1], scale="each"
    )
    assert "written" not in _legend(sheet, labels=False)
    assert "written below" in _legend(sheet, labels=True)
    lines = [text for text, _, _ in _heading_lines(sheet, 900, labels=False)]
    assert "2 of 4 channels shown (3, 1, numbered from 0)" in lines
