"""Feature maps of a network to panels: the choice, the scales, the marks, the words."""

import ml_dtypes
import numpy as np
import pytest
from definitions import LOPSIDED

from featviz.map_choice import stats_of_channels
from featviz.map_inputs import (
    colours_of_image,
    first_image,
    image_words,
    inputs_as_pictures,
    range_of_images,
)
from featviz.map_panels import panels_from_feature_maps, sheet_from_feature_maps
from featviz.networks.values import FeatureMaps, LayerInfo
from featviz.stats import map_stats


def layer_maps(values, path="net/conv", *, axis=-1, images=()):
    info = LayerInfo(path, "conv", "Conv2D", "3×3, 4 features, same", axis)
    return FeatureMaps({path: np.asarray(values)}, {path: info}, images, ("1×2 float32",), "net")


def four_channels():
    """(2, 2, 3, 4): channel f of image b is LOPSIDED times (f + 1) plus 10 b."""
    one = np.array(LOPSIDED)[..., None] * [1.0, -2.0, 3.0, 0.5]
    return np.stack([one, one + 10]).astype(np.float32)


def pixels(panels):
    return [panel.pixels.tolist() for panel in panels]


def test_every_channel_of_the_image_that_is_asked_for_has_its_panel():
    values = four_channels()
    for image in (0, 1):
        found = panels_from_feature_maps(layer_maps(values), "net/conv", image=image)
        assert pixels(found) == [values[image, :, :, f].tolist() for f in range(4)]


def test_channels_first_maps_give_the_same_panels():
    first = layer_maps(np.moveaxis(four_channels(), -1, 1), axis=1)
    assert pixels(panels_from_feature_maps(first, "net/conv")) == pixels(
        panels_from_feature_maps(layer_maps(four_channels()), "net/conv")
    )


def slow_order(values, measure):
    """Channels by a measure of their finite cells, the largest first, the first of equals."""
    found = []
    for f in range(values.shape[-1]):
        cells = [float(v) for v in values[..., f].ravel() if np.isfinite(v)] or [0.0]
        found.append((-measure(cells), f))
    return [f for _, f in sorted(found)]


@pytest.mark.parametrize(
    ("choice", "measure"),
    [
        ("strongest", lambda cells: sum(map(abs, cells)) / len(cells)),
        ("most_varied", np.std),
    ],
    ids=["strongest", "most varied"],
)
def test_the_choice_follows_its_definition(choice, measure):
    values = np.random.default_rng(0).normal(size=(1, 4, 5, 9)) * np.arange(1, 10) + 1
    values[0, 1, 2, 3], values[0, :, :, 5], values[0, 0, 0, 7] = np.nan, np.nan, np.inf
    values[..., 2] = values[..., 1]  # equal ones keep their order
    sheet = sheet_from_feature_maps(layer_maps(values), "net/conv", channels=choice)
    assert list(sheet.channels) == slow_order(values[0], measure)
    few = sheet_from_feature_maps(layer_maps(values), "net/conv", channels=choice, count=3)
    assert few.channels == sheet.channels[:3]
    assert few.shown.startswith("3 of 9 channels shown, numbered from 0, the ")


def test_huge_values_are_ordered_without_overflow():
    values = np.array([[[[1e300, -3e300]], [[2e300, 1e300]]]])
    sheet = sheet_from_feature_maps(layer_maps(values), "net/conv", channels="most_varied")
    assert sheet.channels == (1, 0)
    assert sheet.tiles.dtype == np.float64


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("layer", [(-12, 12), (-12, 12)]),  # channel 2 is not shown and counts
        ("shared", [(-8, 8), (-8, 8)]),
        ("signed", [(-12, 12), (-12, 12)]),
        ("each", [(-4, 4), (-8, 8)]),
        ((-1, 3), [(-1, 3), (-1, 3)]),
    ],
    ids=str,
)
def test_each_scale_has_the_limits_that_it_names(scale, expected):
    found = panels_from_feature_maps(
        layer_maps(four_channels()), "net/conv", channels=[0, 1], scale=scale
    )
    assert [panel.limits for panel in found] == expected
    assert {panel.palette for panel in found} == {"signed"}
    assert len({panel.scale for panel in found}) == (2 if scale == "each" else 1)


def test_maps_without_negative_values_begin_at_zero_unless_signed():
    maps = layer_maps(np.abs(four_channels()))
    assert panels_from_feature_maps(maps, "net/conv")[0].limits == (0, 12)
    assert panels_from_feature_maps(maps, "net/conv")[0].palette == "heat"
    assert panels_from_feature_maps(maps, "net/conv", scale="signed")[0].limits == (-12, 12)


def test_the_layers_scale_is_that_of_the_image_shown():
    maps = layer_maps(four_channels())
    assert panels_from_feature_maps(maps, "net/conv", image=1, count=1)[0].limits == (0, 22)


def marked():
    values = np.abs(four_channels()[:1])
    values[..., 0], values[..., 1] = 0, 0.25
    values[0, 0, 1, 2], values[0, 1, 1, 3], values[0, 1, 2, 3] = np.nan, np.inf, -np.inf
    return values


def test_dead_constant_and_broken_maps_are_marked_and_all_are_counted():
    sheet = sheet_from_feature_maps(layer_maps(marked()), "net/conv", count=3)
    assert sheet.marks == ("dead", "constant 0.25", "1 NaN")
    assert sheet.wrong == "1 dead (0), 1 constant (1), 1 with NaN (2), 1 with infinity (3)"
    assert sheet.limits[0] == (0, 12)  # of the finite values
    titles = panels_from_feature_maps(layer_maps(marked()), "net/conv", count=3)
    assert titles[0].title == "net/conv, 3 of 4 channels shown, numbered from 0\nchannel 0"
    assert titles[1].title == "net/conv\nchannel 1"


@pytest.mark.parametrize(
    ("shape", "form", "tiles"),
    [
        ((1, 2, 3, 4), "maps", (4, 2, 3)),
        ((1, 1, 9, 4), "maps", (4, 1, 9)),
        ((1, 1, 1, 4), "vector", (4, 1, 1)),
        ((1, 4), "vector", (4, 1, 1)),
        ((1,), "vector", (1, 1, 1)),
        ((1, 5, 4), "sequence", (1, 5, 4)),
        ((1, 3, 2, 5, 4), "volume", (12, 2, 5)),
    ],
    ids=str,
)
def test_each_shape_has_a_fitting_form(shape, form, tiles):
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    sheet = sheet_from_feature_maps(layer_maps(values), "net/conv")
    assert (sheet.form, sheet.tiles.shape) == (form, tiles)
    found = panels_from_feature_maps(layer_maps(values), "net/conv")
    assert len(found) == (1 if form == "vector" else tiles[0])


def test_a_volume_shows_the_slices_of_each_channel_in_turn():
    values = np.random.default_rng(1).normal(size=(1, 3, 2, 5, 4)).astype(np.float32)
    sheet = sheet_from_feature_maps(layer_maps(values), "net/conv", channels=[3, 0])
    assert sheet.names[:4] == ("3 slice 0", "3 slice 1", "3 slice 2", "0 slice 0")
    np.testing.assert_array_equal(sheet.tiles[1], values[0, 1, :, :, 3])
    np.testing.assert_array_equal(sheet.tiles[5], values[0, 2, :, :, 0])


def test_a_sequence_has_its_steps_down_and_the_chosen_channels_to_the_right():
    values = np.random.default_rng(1).normal(size=(1, 5, 4)).astype(np.float32)
    sheet = sheet_from_feature_maps(layer_maps(values), "net/conv", channels=[2, 0])
    np.testing.assert_array_equal(sheet.tiles[0], values[0][:, [2, 0]])


@pytest.mark.parametrize(
    "kind", ["float16", ml_dtypes.bfloat16, "uint8", "int32", "bool", "float64"], ids=str
)
def test_maps_of_every_kind_become_floats_that_hold_them(kind):
    values = np.array([[[[0, 1], [1, 1]]]]).astype(kind)
    sheet = sheet_from_feature_maps(layer_maps(values), "net/conv")
    assert sheet.tiles.tolist() == [[[0, 1]], [[1, 1]]]
    assert sheet.tiles.dtype == (np.float64 if kind in ("int32", "float64") else np.float32)


def test_means_of_float16_do_not_overflow():
    values = np.full((1, 64, 64, 2), 60000, np.float16)
    values[..., 1] = 50000
    sheet = sheet_from_feature_maps(layer_maps(values), "net/conv", channels="strongest")
    assert sheet.channels == (0, 1)


def test_statistics_of_all_channels_at_once_are_those_of_each():
    values = np.random.default_rng(2).normal(size=(5, 4, 6)).astype(np.float32)
    values[0, 0, 0], values[1, :, 1], values[..., 2], values[..., 3] = np.nan, np.inf, 0, np.nan
    for broken in (values, values[..., 4:]):
        expected = [map_stats(broken[..., f]) for f in range(broken.shape[-1])]
        assert stats_of_channels(broken) == expected


def test_hostile_names_stay_one_line_of_text():
    path = "a$b$/<script>\n\\frac{1}{2}"
    sheet = sheet_from_feature_maps(layer_maps(four_channels(), path), path)
    assert sheet.path == "a$b$/<script> \\frac{1}{2}"


def test_an_image_is_found_and_turned_to_channels_last():
    picture = np.random.default_rng(0).random((1, 3, 4, 5)).astype(np.float32)
    maps = layer_maps(np.zeros((1, 4, 2, 2)), axis=1, images=(np.zeros((1, 7)), picture))
    np.testing.assert_array_equal(first_image(maps).values, np.moveaxis(picture[0], 0, -1))


def test_a_picture_is_the_input_before_preprocess_and_that_is_said():
    photo = np.random.default_rng(0).integers(0, 256, (1, 3, 4, 3)).astype(np.float32)
    pose, turned = np.ones((1, 7), np.float32), photo[..., ::-1] - 100
    info = LayerInfo("conv", "conv", "Conv2D", "", -1)
    parts = {"conv": np.ones((1, 2, 2, 1))}, {"conv": info}
    maps = FeatureMaps(*parts, (pose, turned, photo), ("",) * 3, "net", {}, (pose, photo, photo))
    np.testing.assert_array_equal(first_image(maps).values, photo[0])
    found = inputs_as_pictures(maps)
    assert [(one.number, one.changed, one.sizes) for one in found] == [
        (1, True, "3×4×3"), (2, False, "3×4×3"),
    ]  # fmt: skip
    limits = range_of_images([photo[0]])
    assert limits == (0, 255)
    told = image_words(photo[0], limits, changed=True)
    assert told == "before preprocess, 0 is black, 255 white"


def test_a_sequence_that_went_in_is_a_picture_with_its_steps_down():
    steps = np.random.default_rng(0).normal(size=(1, 9, 2)).astype(np.float32)
    (picture,) = inputs_as_pictures(layer_maps(np.ones((1, 2)), images=(steps,)))
    assert (picture.values.shape, picture.sizes) == ((9, 2, 1), "9×2, steps down")


def test_an_image_beyond_0_to_1_is_shown_between_its_ends():
    image = np.array([[[-1.0, 0.0, 3.0], [1.0, np.nan, 1.0]]])
    limits = range_of_images([image])
    assert limits == (-1, 3)
    colours = colours_of_image(image, limits)
    assert colours[0, 0].tolist() == [0, 0.25, 1]
    assert (colours[0, 1] * 255).round().tolist() == [44, 160, 44]
    assert range_of_images([np.array([[[0.5]]])]) == (0, 1)
    assert range_of_images([np.array([[[0.5, 200.0]]])]) == (0, 255)
    assert range_of_images([np.array([[[0.5, 2.0]]])]) == (0.5, 2)


@pytest.mark.parametrize(("most", "limits"), [(1, (0, 1)), (255, (0, 255))], ids=["1", "255"])
def test_white_may_be_rounded_when_a_picture_was_resized(most, limits):
    assert range_of_images([np.array([[[most * 0.05, most * 1.0000002]]])]) == limits
    assert range_of_images([np.array([[[most * -1e-7, most]]])]) == limits
    beyond = most * 1.001
    assert range_of_images([np.array([[[most * 0.05, beyond]]])]) == (most * 0.05, beyond)


ERRORS = [
    ({"path": "conw"}, KeyError, "path must be one of 'net/conv'; got 'conw'"),
    ({"image": 2}, ValueError, "image must be below 2, the images that were recorded; got 2"),
    ({"image": -1}, ValueError, "image must be a whole number of at least 0; got -1"),
    ({"channels": [4]}, ValueError, "channels must be below 4, of 4 channels from 0; got 4"),
    ({"channels": []}, ValueError, "channels must hold at least one channel number; got none"),
    ({"channels": "stronges"}, ValueError, "channels must be one of 'strongest', 'most_varied'"),
    ({"channels": 3}, TypeError, "channels must be channel numbers, a word or None; got 3"),
    ({"count": 0}, ValueError, "count must be a whole number of at least 1; got 0"),
    ({"scale": "layers"}, ValueError, "(did you mean 'layer'?)"),
    ({"scale": (1, 0)}, ValueError, "or two numbers (low, high), low < high; got (1, 0)"),
    ({"scale": 3}, TypeError, "scale must be one of 'layer', 'shared', 'signed', 'each' or two"),
    ({"scale": (0, 1e31)}, ValueError, "scale must lie within ±1e+30"),
    ({"gamma": 0}, ValueError, "gamma must be a finite number above 0; got 0"),
    ({"gamma": 1000}, ValueError, "gamma must be from 0.01 to 100; got 1000"),
    ({"palette": "jet"}, ValueError, "palette must be one of 'signed', 'heat', 'grey'"),
]


@pytest.mark.parametrize(("options", "kind", "text"), ERRORS, ids=lambda value: str(value)[:30])
def test_a_wrong_argument_is_refused_in_one_sentence(options, kind, text):
    arguments = {"path": "net/conv"} | options
    with pytest.raises(kind) as caught:
        panels_from_feature_maps(layer_maps(four_channels()), **arguments)
    assert text in str(caught.value)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(TypeError, match="maps must come from feature_maps"):
        panels_from_feature_maps({}, "conv")
    with pytest.raises(TypeError, match="has complex64"):
        panels_from_feature_maps(layer_maps(np.zeros((1, 2, 2, 1), np.complex64)), "net/conv")
    with pytest.raises(ValueError, match="at most 5 axes"):
        panels_from_feature_maps(layer_maps(np.zeros((1, 2, 2, 2, 2, 2))), "net/conv")
    with pytest.raises(ValueError, match="1×0×2×1"):
        panels_from_feature_maps(layer_maps(np.zeros((1, 0, 2, 1))), "net/conv")
    with pytest.raises(ValueError, match="'net/conv' gives one number for all"):
        panels_from_feature_maps(layer_maps(np.float32(3)), "net/conv")
    with pytest.raises(ValueError, match="numbers must be False"):
        panels_from_feature_maps(layer_maps(np.zeros((1, 90, 2, 1))), "net/conv", numbers=True)
    with pytest.raises(ValueError, match="must come from an image"):
        first_image(layer_maps(four_channels()))


def test_green_is_explained_only_where_there_is_any():
    whole = np.array(LOPSIDED)[..., None]
    assert "green" not in image_words(whole, (0.0, 4.0))
    broken = np.where(whole == whole.max(), np.nan, whole)
    assert image_words(broken, (0.0, 1.0)) == "green: NaN or infinite"
    (green,) = colours_of_image(broken, (0.0, 1.0))[np.isnan(broken[..., 0])]
    np.testing.assert_allclose(green * 255, (44, 160, 44), rtol=1e-6)


def with_lowest(kind="float32"):
    """(1, 2, 3, 4): channel 1 is the lowest float, as a max-pool gives it for NaN."""
    values = four_channels()[:1].astype(kind)
    values[..., 1] = np.finfo(kind).min
    return values


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_the_lowest_float_leaves_the_scale_and_is_marked_and_counted(kind):
    sheet = sheet_from_feature_maps(layer_maps(with_lowest(kind)), "net/conv")
    most = float(np.abs(np.array(LOPSIDED) * 3).max())
    assert sheet.limits == ((-most, most),) * 4
    assert np.isnan(sheet.tiles[1]).all()
    assert np.isfinite(sheet.tiles[[0, 2, 3]]).all()
    assert sheet.marks == ("", "6 lowest float", "", "")
    assert "1 with the lowest float (1); values" in sheet.lines[2]
    panels = panels_from_feature_maps(layer_maps(with_lowest(kind)), "net/conv")
    assert panels[1].cells == (("lowest",) * 3,) * 2
    assert panels[0].cells == panels_from_feature_maps(
        layer_maps(four_channels()[:1]), "net/conv"
    )[0].cells  # fmt: skip
    assert np.isnan(panels[1].pixels).all()


@pytest.mark.parametrize("choice", ["strongest", "most_varied"])
def test_the_lowest_float_does_not_count_in_the_choice(choice):
    sheet = sheet_from_feature_maps(layer_maps(with_lowest()), "net/conv", channels=choice)
    assert sheet.channels == (2, 0, 3, 1)


def test_one_value_is_0_and_two_are():
    told = [
        sheet_from_feature_maps(layer_maps(np.float32([row])), "net/conv").wrong
        for row in ([0, 1], [0, 0])
    ]
    assert told == ["1 is 0 (0)", "2 are 0 (0, 1)"]


def test_thousands_are_set_apart_everywhere():
    lines = sheet_from_feature_maps(layer_maps(np.ones((1, 1000))), "net/conv").lines
    assert lines[0].endswith("1,000 values")
    assert lines[1] == "1,000 of 1,000 channels shown, numbered from 0"
    assert lines[2].startswith("all 1,000 channels")
