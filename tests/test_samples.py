"""The sample images: what they promise to show, at any size."""

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from featviz.images import read_image
from featviz.samples import SAMPLES, sample_image

PHOTOGRAPHS = {"chelsea": (300, 451, 3), "coffee": (400, 600, 3), "camera": (512, 512, 1)}
FORMULAS = tuple(name for name in SAMPLES if name not in PHOTOGRAPHS)
PHOTOS = files("featviz") / "photos"


def plane(name, size):
    return sample_image(name, size=size)[:, :, 0]


def test_the_list_is_read_only_and_says_where_each_image_comes_from():
    assert list(SAMPLES) == [*PHOTOGRAPHS, *FORMULAS]
    with pytest.raises(TypeError):
        SAMPLES["more"] = "text"
    for name, text in SAMPLES.items():
        assert "\n" not in text
        assert ("CC0" in text) == (name in PHOTOGRAPHS)


@pytest.mark.parametrize("name", SAMPLES, ids=str)
def test_every_sample_is_an_image_in_the_unit_range_that_uses_it(name):
    image = sample_image(name)
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    assert image.shape == PHOTOGRAPHS.get(name, (256, 256, 3 if name == "car" else 1))
    assert image.min() >= 0
    assert image.max() <= 1
    assert np.ptp(image) > 0.8


@pytest.mark.parametrize("name", SAMPLES, ids=str)
def test_the_same_call_gives_the_same_numbers_in_a_new_array(name):
    first = sample_image(name, size=40)
    kept = first.copy()
    first[...] = 7
    np.testing.assert_array_equal(sample_image(name, size=40), kept)


@given(name=st.sampled_from(FORMULAS), height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=150)
def test_formula_pictures_have_exactly_the_size_asked_for(name, height, width):
    image = sample_image(name, size=(height, width))
    assert image.shape[:2] == (height, width)
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.parametrize("name", FORMULAS, ids=str)
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1)], ids=["pixel", "row", "column"])
def test_formula_pictures_of_extreme_shape_are_made(name, size):
    assert sample_image(name, size=size).shape[:2] == size


@pytest.mark.parametrize(
    ("size", "expected"),
    [(150, (100, 150)), ((60, 400), (60, 90)), ((600, 1200), (600, 900))],
    ids=["longer side", "low box", "larger box"],
)
def test_photographs_fit_the_size_and_keep_their_aspect(size, expected):
    assert sample_image("coffee", size=size).shape == (*expected, 3)


# --- what the pictures show ---------------------------------------------------------------------


def test_the_circle_is_a_closed_line_of_0_and_1_at_one_distance_from_the_middle():
    for side in (63, 64, 256):
        values = plane("circle", side)
        assert set(np.unique(values)) == {0, 1}
        y, x = np.nonzero(values)
        distance = np.hypot(y - (side - 1) / 2, x - (side - 1) / 2)
        assert np.ptp(distance) <= max(1, side / 64)
        assert distance.max() < side / 2 - side / 16
        np.testing.assert_array_equal(values, values[::-1])
        np.testing.assert_array_equal(values, values.T)
        turns = np.degrees(np.arctan2(y - (side - 1) / 2, x - (side - 1) / 2))
        assert np.diff(np.sort(turns)).max() < 360 / side  # no gap


def test_two_dots_are_two_equal_dots_and_not_symmetrical_about_an_axis():
    values = plane("two_dots", (120, 90))
    upper, lower = values[:60], values[60:]
    assert upper.sum() == lower.sum() > 0
    assert np.nonzero(upper)[1].mean() == pytest.approx(29)
    assert np.nonzero(lower)[1].mean() == pytest.approx(59)
    assert (values != values[:, ::-1]).any()


def test_the_step_is_dark_left_and_bright_right():
    assert plane("step", (2, 5)).tolist() == [[0, 0, 1, 1, 1]] * 2
    assert plane("step", (1, 4)).tolist() == [[0, 0, 1, 1]]


def test_bars_get_narrower_to_the_right_down_to_one_pixel():
    row = plane("bars", (3, 256))
    assert (row == row[0]).all()
    changes = np.flatnonzero(np.diff(row[0])) + 1
    widths = np.diff([0, *changes])
    assert (np.diff(widths) <= 0).all()
    assert widths[0] == 26
    assert widths[-1] == 1


def test_the_checkerboard_alternates_in_both_directions():
    values = plane("checkerboard", (16, 24))
    assert values[:4, :6].tolist() == [
        [1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0],
    ]  # fmt: skip
    assert values.mean() == 0.5


def test_the_zone_plate_reaches_the_nyquist_frequency_at_the_edge_and_not_before():
    side = 513
    row = 2 * plane("zone_plate", side)[side // 2].astype(np.float64) - 1
    x = np.arange(side) - side // 2
    np.testing.assert_allclose(row, np.cos(np.pi * x**2 / side), atol=1e-6)
    phase = np.pi * (x + 0.5) ** 2 / side  # its slope from pixel centre to pixel centre:
    steps = np.abs(np.diff(phase)) / (2 * np.pi)
    assert steps.max() < 0.5
    assert np.abs(np.pi * (side / 2) * 2 / side / (2 * np.pi)) == 0.5
    signs = np.sign(row[-12:])
    assert (signs[1:] != signs[:-1]).mean() > 0.8  # nearly alternating where it ends


def test_noise_has_amplitudes_that_fall_as_one_over_frequency():
    values = plane("noise", 256).astype(np.float64)
    assert values.min() == 0
    assert values.max() == 1
    amplitude = np.abs(np.fft.rfft2(values))
    frequency = np.hypot(np.fft.fftfreq(256)[:, np.newaxis], np.fft.rfftfreq(256))
    inside = (frequency > 0.01) & (frequency < 0.5)
    slope = np.polyfit(np.log(frequency[inside]), np.log(amplitude[inside]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)


def test_the_car_is_red_below_a_blue_sky_with_smooth_edges():
    car = sample_image("car", size=(96, 128))
    assert car[2].mean(axis=0).argmax() == 2
    red, green, blue = car[..., 0], car[..., 1], car[..., 2]
    body = (red > 0.7) & (green < 0.35) & (blue < 0.35)
    assert 0.08 < body.mean() < 0.3
    assert len(np.unique(car.reshape(-1, 3), axis=0)) > 300  # mixed colours along the edges


def test_the_photographs_show_what_their_names_say():
    cat, cup, person = (sample_image(name) for name in PHOTOGRAPHS)
    assert (cup.mean(axis=(0, 1))[0] > cup.mean(axis=(0, 1))[2] * 1.5).all()  # wood and coffee
    assert person[:100].mean() > 0.6  # sky
    assert person[350:450, 50:100].mean() < 0.1  # coat
    assert cat[110, 170].max() < 0.7  # an eye


# --- the files ----------------------------------------------------------------------------------


def test_the_photographs_are_small_free_of_metadata_and_licensed():
    names = {f"{name}.jpg" for name in PHOTOGRAPHS} | {"LICENSES.md"}
    assert {item.name for item in PHOTOS.iterdir()} == names
    assert sum(len((PHOTOS / name).read_bytes()) for name in names) < 250_000
    licences = (PHOTOS / "LICENSES.md").read_text(encoding="utf-8")
    for name, (height, width, _) in PHOTOGRAPHS.items():
        assert f"| {name}.jpg | {width}×{height}" in licences
        with Image.open(str(PHOTOS / f"{name}.jpg")) as picture:
            assert set(picture.info) <= {
                "jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression",
            }  # fmt: skip
            np.testing.assert_array_equal(sample_image(name), read_image(picture))
    assert "/work" not in licences


# --- every error sentence -----------------------------------------------------------------------

NAMES = "name must be one of " + ", ".join(map(repr, SAMPLES)) + "; got "
ERRORS = {
    "unknown": (("chelsey",), {}, ValueError, NAMES + "'chelsey' (did you mean 'chelsea'?)"),
    "no name": ((3,), {}, TypeError, NAMES + "3"),
    "size 0": (
        ("step",), {"size": 0}, ValueError, "size must be a whole number of at least 1; got 0",
    ),
    "photograph of size 0": (
        ("camera",), {"size": 0}, ValueError, "size must be a whole number of at least 1; got 0",
    ),
    "size of text": (
        ("step",), {"size": "big"}, TypeError,
        "size must be a whole number of at least 1; got 'big'",
    ),
    "size of three": (
        ("step",), {"size": (1, 2, 3)}, ValueError,
        "size must be a whole number or a pair (rows, columns); got (1, 2, 3)",
    ),
    "size too large": (
        ("step",), {"size": 20000}, ValueError,
        "size must give at most 100,000,000 pixels; got 20000×20000",
    ),
    "photograph too large": (
        ("camera",), {"size": 20000}, ValueError,
        "size must give at most 100,000,000 pixels; got 20000×20000",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_every_wrong_call_has_its_sentence(case):
    arguments, options, kind, sentence = ERRORS[case]
    with pytest.raises(kind) as caught:
        sample_image(*arguments, **options)
    assert type(caught.value) is kind
    assert str(caught.value) == sentence
