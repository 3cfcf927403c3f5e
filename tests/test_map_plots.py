"""Figures of feature maps: artists, words, and pixels read back from the file."""

import io
import itertools
from dataclasses import replace

import keras
import matplotlib as mpl
import numpy as np
import pytest
from definitions import LOPSIDED
from matplotlib.figure import Figure
from PIL import Image

from featviz.network_experiments import plot_network, plot_receptive_field
from featviz.networks.maps import feature_maps
from featviz.networks.top_scores import top_images
from featviz.networks.values import FeatureMaps, LayerInfo
from featviz.panels import Panel
from featviz.render.bars import bar_ticks
from featviz.render.figures import png_from_figure, save_figure
from featviz.render.map_colours import table_of_steps
from featviz.render.map_grid import ALARM_COLOUR
from featviz.render.map_plots import (
    page_from_feature_maps,
    plot_channel_over_image,
    plot_feature_maps,
    plot_top_images,
)

IMAGE = np.random.default_rng(0).random((12, 10, 3)).astype(np.float32)


def layer_maps(values, path="conv", images=()):
    info = LayerInfo(path, "conv", "Conv2D", "3×3, relu", -1)
    return FeatureMaps({path: np.asarray(values)}, {path: info}, images, ("1×2 float32",), "net")


def words_of(figure):
    return [text.get_text() for text in figure.texts]


def axes_named(figure, name):
    return [axes for axes in figure.axes if axes.get_label() == name]


def inches_of(figure, axes):
    return figure.get_size_inches() * axes.get_position().size


def drawn(figure):
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=figure.dpi)
    with Image.open(stream) as picture:
        return np.asarray(picture.convert("RGB"))


def lopsided(channels):
    """(1, 2, 3, channels): LOPSIDED, each channel by another factor."""
    return np.array(LOPSIDED)[None, ..., None] * np.arange(1, channels + 1)


def test_the_heading_says_model_path_layer_choice_marks_and_what_went_in():
    values = lopsided(70)
    values[..., 3] = 0
    words = words_of(plot_feature_maps(layer_maps(values), "conv"))
    assert words[:5] == [
        "net · conv",
        "Conv2D 3×3, relu · 2×3×70 values",
        "64 of 70 channels shown, numbered from 0",
        "all 70 channels for this image: 1 dead (3); values −210 to 280",
        "went in: 1×2 float32",
    ]
    assert "one scale for all 70 channels · gamma 0.5" in words
    assert {"0", "1", "3 dead", "63"} <= set(words)
    assert "64" not in words


def test_a_map_is_drawn_as_it_lies_neither_turned_nor_mirrored():
    figure = plot_feature_maps(layer_maps(lopsided(2)), "conv", palette="grey", gamma=1.0)
    (axes,) = axes_named(figure, "feature maps")
    picture = drawn(figure)
    box = axes.get_window_extent()
    left, top = box.x0, picture.shape[0] - box.y1
    # Half of the width is a map of 3 cells; its label stands above.
    colours = axes.images[0].get_array()
    inked = np.argwhere((np.asarray(colours) != 255).any(axis=-1))
    first, last = inked.min(axis=0), inked.max(axis=0)
    cell = (last[0] - first[0] + 1) / 2
    seen = [
        [picture[int(top + first[0] + (i + 0.5) * cell), int(left + (j + 0.5) * cell), 0]
         for j in range(3)]
        for i in range(2)
    ]  # fmt: skip
    expected = (np.array(LOPSIDED) + 8) / 16 * 255
    np.testing.assert_allclose(seen, expected, atol=3)


def test_many_maps_are_few_artists_and_every_label_is_there():
    figure = plot_feature_maps(layer_maps(lopsided(512)), "conv", count=None)
    assert len(figure.axes) == 2
    assert len(figure.texts) < 10
    (outlines,) = figure.artists
    assert outlines.get_label() == "labels: " + ", ".join(map(str, range(512)))
    plain = drawn(plot_feature_maps(layer_maps(lopsided(512)), "conv", count=None, labels=False))
    assert (drawn(figure) < 100).all(axis=-1).sum() > (plain < 100).all(axis=-1).sum()


def test_marked_maps_are_framed_and_their_labels_are_red():
    values = np.abs(lopsided(3))
    values[..., 0], values[0, 0, 0, 1] = 0, np.nan
    figure = plot_feature_maps(layer_maps(values), "conv")
    red = [text.get_text() for text in figure.texts if text.get_color() == "#a3143c"]
    assert red == ["0 dead", "1: 1 NaN"]
    assert (drawn(figure) == ALARM_COLOUR).all(axis=-1).sum() > 400
    assert "one scale for all 3 channels · gamma 0.5 · green: NaN or infinite" in words_of(figure)


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        ("layer", (-8, 8)),
        ("signed", (-8, 8)),
        ("shared", (-4, 4)),
        ((-1, 3), (-1, 3)),
        ("each", (-1, 1)),
    ],
    ids=str,
)
def test_the_colour_bar_is_true_for_its_scale(scale, ticks):
    figure = plot_feature_maps(layer_maps(lopsided(2)), "conv", channels=[0], scale=scale)
    (bar,) = axes_named(figure, "colour bar")
    assert bar.get_xlim() == ticks
    labels = [text.get_text() for text in bar.get_xticklabels()]
    if scale == "each":
        assert labels == ["−max", "0", "max"]
        assert "±4" in words_of(figure)
    else:
        assert all(ticks[0] <= float(one.replace("−", "-")) <= ticks[1] for one in labels)


def test_a_vector_is_bars_with_their_values():
    figure = plot_feature_maps(layer_maps([[3.0, -1.5, np.nan, 0.0]]), "conv")
    (axes,) = axes_named(figure, "values")
    ends = [segment[1].tolist() for segment in axes.collections[0].get_segments()]
    assert ends == [[0, 3], [1, -1.5], [3, 0]]
    assert [text.get_text() for text in axes.texts] == ["NaN", "3", "−1.5", "0"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "1", "2", "3"]
    chosen = plot_feature_maps(layer_maps([[[[3.0, -1.5, 9.0]]]]), "conv", channels=[2, 0])
    assert [text.get_text() for text in chosen.axes[0].get_xticklabels()] == ["2", "0"]


def test_a_sequence_is_one_picture_with_steps_and_channels_numbered():
    values = np.random.default_rng(0).normal(size=(1, 6, 4))
    figure = plot_feature_maps(layer_maps(values), "conv", channels=[3, 1], palette="grey", gamma=1)
    (axes,) = axes_named(figure, "feature maps")
    most = np.abs(values).max()
    expected = (values[0][:, [3, 1]] / most + 1) / 2 * 255
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array())[..., 0], expected, atol=2)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["3", "1"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("channel", "step")


@pytest.mark.parametrize(
    "shape",
    [(1, 3, 4, 5, 2), (1, 1, 300, 3), (1, 300, 2, 3), (1, 1000), (1, 300, 300, 2), (1, 7, 7, 200)],
    ids=str,
)
def test_every_form_can_be_drawn_with_all_its_words_on_the_page(shape):
    values = np.random.default_rng(0).normal(size=shape)
    figure = plot_feature_maps(
        layer_maps(values), "conv", scale="each" if len(shape) > 2 else "layer"
    )
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0, text
        assert box.x1 <= width + 1, text
        assert box.y0 >= 0, text
        assert box.y1 <= height + 1, text


def test_hostile_names_are_drawn_as_text():
    path = "$x^2$/<script>\n\\frac" + "long" * 99
    with mpl.rc_context({"text.usetex": False, "text.parse_math": True}):
        figure = plot_feature_maps(layer_maps(lopsided(120), path), path, count=None)
        drawn(figure)
    assert " ".join(words_of(figure)).startswith("net · $x^2$/<script> \\frac")


def test_a_figure_is_saved_and_the_same_every_time(tmp_path):
    made = [
        save_figure(plot_feature_maps(layer_maps(lopsided(3)), "conv"), tmp_path / name)
        for name in ("a.png", "b.png")
    ]
    assert made[0].read_bytes() == made[1].read_bytes()
    save_figure(plot_feature_maps(layer_maps(lopsided(3)), "conv"), tmp_path / "c.svg")


def with_image(values, image):
    return layer_maps(values, images=(np.asarray(image, np.float32)[None],))


def test_a_channel_lies_over_its_image_stretched_cell_by_cell():
    image = np.full((20, 30, 3), 0.5)
    values = np.abs(lopsided(2))
    values[0, 0, 0, 1] = 0
    figure = plot_channel_over_image(
        with_image(values, image), "conv", 1, alpha=1.0, gamma=1.0, palette="grey"
    )
    picture, channel, over, bar = figure.axes
    assert [axes.get_label() for axes in figure.axes] == [
        "image", "channel", "channel over the image", "colour bar",
    ]  # fmt: skip
    assert np.asarray(picture.images[0].get_array()).shape == (20, 30, 3)
    expected = values[0, ..., 1] / 8 * 255
    np.testing.assert_allclose(np.asarray(channel.images[0].get_array())[..., 0], expected, atol=2)
    veil = over.images[1]
    assert veil.get_extent() == [-0.5, 29.5, 19.5, -0.5]
    np.testing.assert_allclose(np.asarray(veil.get_array())[..., 3], expected, atol=1)
    assert bar.get_xlim() == (0, 8)
    assert any("stretched over the whole image" in text for text in words_of(figure))


def wide_enough(figure):
    """No text of a figure is cut by the page or shortened."""
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for text in figure.texts:
        box = text.get_window_extent()
        assert min(box.x0, box.y0) >= 0, text
        assert max(box.x1 - width, box.y1 - height) <= 1, text
        assert "…" not in text.get_text()


@pytest.mark.parametrize("shape", [(200, 16), (16, 200), (3, 300), (300, 2)], ids=str)
def test_a_channel_lies_over_an_oblong_image_with_all_its_words(shape):
    values = np.random.default_rng(0).normal(size=(1, *shape, 2))
    figure = plot_channel_over_image(with_image(values, values[0, ..., :1] * 9), "conv", 1)
    wide_enough(figure)
    assert "over the grey image; 0 is clear" in words_of(figure)
    pictures = [axes.get_position() for axes in figure.axes if axes.get_label() != "colour bar"]
    inches = figure.get_size_inches()
    sides = [(box.width * inches[0], box.height * inches[1]) for box in pictures]
    assert min(map(min, sides)) >= 0.29
    assert min(map(max, sides)) > 4.5
    for one, other in itertools.combinations(figure.axes, 2):
        assert not one.get_position().overlaps(other.get_position())


def before_and_after():
    photo = np.full((1, 4, 6, 3), (200.0, 100.0, 0.0), np.float32)
    info = LayerInfo("conv", "conv", "Conv2D", "", -1)
    return FeatureMaps(
        {"conv": np.abs(lopsided(2))}, {"conv": info},
        (photo[..., ::-1] - 100,), ("1×4×6×3 float32",), "net", {}, (photo,),
    )  # fmt: skip


@pytest.mark.parametrize(
    "draw",
    [lambda maps: plot_channel_over_image(maps, "conv", 0), page_from_feature_maps],
    ids=["over the image", "network"],
)
def test_the_picture_of_the_input_is_that_before_preprocess(draw):
    figure = draw(before_and_after())
    (axes,) = axes_named(figure, "image")
    np.testing.assert_allclose(
        np.asarray(axes.images[0].get_array())[0, 0] * 255, (200, 100, 0), atol=1
    )
    assert "before preprocess, 0 is black, 255 white" in words_of(figure)


def test_the_input_beyond_0_to_1_says_what_is_black_and_white():
    figure = plot_channel_over_image(with_image(lopsided(1), [[[-2.0], [6.0]]]), "conv", 0)
    assert "−2 is black, 6 white" in words_of(figure)


def two_images():
    """Two inputs of which the second went into the second call of a shared layer."""
    left, right = (keras.Input((4, 5, 1), name=name) for name in ("left", "right"))
    shared = keras.layers.Conv2D(1, (2, 3), padding="same", use_bias=False, name="shared")
    net = keras.Model(
        [left, right], keras.layers.Add(name="sum")([shared(left), shared(right)]), name="two"
    )
    shared.set_weights([np.array(LOPSIDED, np.float32)[..., None, None]])
    given = [np.full((2, 4, 5, 1), 0.25, np.float32), IMAGE[None, :4, :5, :1].repeat(2, axis=0)]
    return net, given


def test_the_image_below_a_channel_is_the_input_that_was_named():
    maps = feature_maps(*two_images())
    figure = plot_channel_over_image(maps, "shared@2", 0, input_number=1)
    (axes,) = axes_named(figure, "image")
    shown = np.asarray(axes.images[0].get_array())[..., 0]
    np.testing.assert_array_equal(shown, IMAGE[:4, :5, 0])
    words = words_of(figure)
    assert any(text.endswith("over input 1 of 2 (from 0)") for text in words)
    assert "image, input 1 from 0" in words
    rule = r"input_number must be one of 0 \(4×5×1\), 1 \(4×5×1\), the inputs that are images"
    for wrong in (None, 2):
        with pytest.raises(ValueError, match=f"{rule}, from 0; got {wrong}"):
            plot_channel_over_image(maps, "shared@2", 0, input_number=wrong)
    with pytest.raises(TypeError, match="input_number must be"):
        plot_channel_over_image(maps, "shared@2", 0, input_number="left")


def test_a_model_with_one_image_needs_no_number_of_its_input():
    maps = with_image(lopsided(1), [[[0.5]]])
    plot_channel_over_image(maps, "conv", 0, input_number=0)
    with pytest.raises(ValueError, match=r"must be one of 0 \(1×1×1\), the inputs"):
        plot_channel_over_image(maps, "conv", 0, input_number=1)


def test_best_images_of_several_inputs_say_which_is_drawn_and_have_no_ring():
    net, given = two_images()
    figure = plot_top_images(top_images(net, given, net.layers[-1].name))
    assert not any(axes.collections for axes in figure.axes)
    words = words_of(figure)
    assert "input 0 of 2 (from 0) is drawn, the layer may have seen others" in words
    assert not any(text.startswith("ring") for text in words)


def test_a_map_of_one_value_has_no_largest_cell_and_no_ring():
    net = keras.Sequential([keras.Input((2, 3, 1)), keras.layers.ReLU(name="act")])
    images = np.stack([np.ones((2, 3, 1)), np.array(LOPSIDED)[..., None] / 9, np.zeros((2, 3, 1))])
    best = top_images(net, images.astype(np.float32), "act", count=3, batch_size=2)
    assert best.level.tolist() == [[True, False, True]]
    figure = plot_top_images(best)
    assert [bool(axes.collections) for axes in figure.axes] == [False, True, False]


def test_best_series_are_drawn_with_their_steps_down_and_channels_apart():
    net = keras.Sequential([keras.Input((130, 2)), keras.layers.ReLU(name="act")])
    steps = np.arange(130) / 130
    series = np.stack([np.stack([steps, 1 - steps], axis=-1)] * 2).astype(np.float32)
    series[1] /= 2
    best = top_images(net, series, "act", count=1, channels=0)
    assert (best.series, best.inputs) == (True, (0,))
    figure = plot_top_images(best)
    (axes,) = axes_named(figure, "image 0")
    shown = np.asarray(axes.images[0].get_array())[..., 0]
    bounds = [int(number * 130 / 64) for number in range(65)]
    slow = [series[0, a:b].mean(axis=0) for a, b in itertools.pairwise(bounds)]
    np.testing.assert_allclose(shown, slow, atol=1e-6)
    across, down = inches_of(figure, axes)
    assert across == pytest.approx(down)
    assert any(text.startswith("series: steps down") for text in words_of(figure))


def test_long_sequences_are_means_of_whole_steps_and_channels_are_never_mixed():
    net = keras.Sequential([keras.Input((200, 8)), keras.layers.Conv1D(8, 1, name="conv")])
    net.layers[0].set_weights([np.eye(8)[None], np.zeros(8)])
    series = np.zeros((1, 200, 8), np.float32)
    series[..., 1::2] = 1
    figure = plot_network(net, series)
    words = words_of(figure)
    assert "200 steps down in means of 3, channels 0 to 7" in words
    assert "200×8, steps down in means of 2" in words
    for name, rows in (("conv", 67), ("image", 100)):
        (axes,) = axes_named(figure, name)
        picture = np.asarray(axes.images[0].get_array())
        assert picture.shape[:2] == (rows, 8)
        assert axes.images[0].get_interpolation() == "nearest"
    written = drawn(figure)
    box = axes_named(figure, "conv")[0].get_window_extent()
    across = written[int(written.shape[0] - (box.y0 + box.y1) / 2), int(box.x0) : int(box.x1)]
    assert len(np.unique(across[2:-2], axis=0)) == 2


@pytest.mark.parametrize("count", [2, 3])
def test_a_few_maps_stand_side_by_side_unless_they_are_strips(count):
    for shape, rows in (((60, 92), 1), ((30, 20), 1), ((16, 200), count)):
        values = np.random.default_rng(0).normal(0, 1, (1, *shape, count))
        figure = plot_feature_maps(layer_maps(values), "conv")
        names = [text for text in figure.texts if text.get_text() in ("0", "1", "2")]
        assert len({text.get_position()[1] for text in names[:count]}) == rows
        assert figure.get_figwidth() <= 11.4


def test_the_page_of_a_network_is_no_larger_than_its_rows_ask_for():
    wide, series = keras.Input((8, 80, 1), name="wide"), keras.Input((300, 3), name="series")
    maps = keras.layers.Conv2D(5, 3, name="maps")(wide)
    ends = keras.layers.Conv1D(12, 3, name="ends")(series)
    model = keras.Model([wide, series], [maps, ends])
    figure = plot_network(model, [np.ones((1, 8, 80, 1)), np.ones((1, 300, 3))])
    bars = [axes.get_position().x0 for axes in axes_named(figure, "colour bar")]
    (maps,) = axes_named(figure, "maps")
    assert 0 < (min(bars) - maps.get_position().x1) * figure.get_figwidth() < 0.3
    flat, steps = (inches_of(figure, axes) for axes in axes_named(figure, "image"))
    assert flat[1] < 0.35
    assert steps[0] > 0.6
    tops = [axes.get_position().y1 for axes in axes_named(figure, "image")]
    assert (tops[0] - tops[1]) * figure.get_figheight() < 0.6
    wide_enough(figure)


@pytest.mark.parametrize("steps", [2, 700])
def test_a_sequence_alone_has_its_steps_numbered_where_they_lie(steps):
    values = np.arange(steps, dtype=float)[None, :, None] * [1, -2]
    figure = plot_feature_maps(layer_maps(values), "conv")
    (axes,) = axes_named(figure, "feature maps")
    each = 2 if steps == 700 else 1
    assert axes.get_ylabel() == ("step, means of 2" if each > 1 else "step")
    ticks = zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
    assert all(place == (float(told.get_text()) + 0.5) / each - 0.5 for place, told in ticks)


def test_a_dead_activation_layer_behind_a_convolution_is_seen_without_being_named():
    layers = [
        keras.Input((6, 5, 1)),
        keras.layers.Conv2D(3, (2, 3), use_bias=False, name="conv"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.ReLU(name="act"),
        keras.layers.Conv2D(2, 1, name="last"),
    ]
    net = keras.Sequential(layers, name="net")
    net.get_layer("norm").set_weights([np.ones(3), np.full(3, -99.0), np.zeros(3), np.ones(3)])
    figure = plot_network(net, IMAGE[:6, :5, :1])
    assert rows_of(figure) == ["act", "last"]
    assert {"3 dead", "0 dead"} <= set(words_of(figure))
    assert "ReLU after conv, Conv2D 2×3, 3 features, valid" in " ".join(words_of(figure))
    inside = keras.Sequential([keras.Input((6, 5, 1)), keras.layers.Conv2D(2, 2, name="conv")])
    assert "1 of 1 layers shown (convolutions and pools)" in words_of(
        plot_network(inside, IMAGE[:6, :5, :1])
    )


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((12, 10, 3))]
    for number in range(13):
        layers.append(keras.layers.Conv2D(9, 3, padding="same", name=f"conv{number}"))
        layers.append(keras.layers.ReLU(name=f"relu{number}"))
    layers += [keras.layers.GlobalMaxPooling2D(name="pool"), keras.layers.Dense(4, name="dense")]
    return keras.Sequential(layers, name="net")


def rows_of(figure):
    return [
        axes.get_label() for axes in figure.axes if axes.get_label() not in ("image", "colour bar")
    ]


def test_a_network_has_a_row_for_each_convolution_and_pool_from_early_to_late(model):
    figure = plot_network(model, IMAGE, count=4)
    assert rows_of(figure) == [*(f"relu{n}" for n in range(13)), "pool"]
    assert len(axes_named(figure, "colour bar")) == 14
    words = words_of(figure)
    assert "14 of 14 layers shown (convolutions after their activation, and pools)" in words
    assert "ReLU after conv3, Conv2D 3×3, 9 features, same" in " ".join(words)
    assert "12×10×9 · 4 of 9 shown" in words
    assert "9 · 9 of 9 shown" in words


def test_too_many_layers_are_thinned_out_evenly_and_that_is_said(model):
    figure = plot_network(model, IMAGE, "*")
    rows = rows_of(figure)
    assert len(rows) == 16
    assert (rows[0], rows[-1]) == ("conv0", "dense")
    told = "16 of 28 layers shown, evenly from early to late; for the other 12 name layers"
    assert f"{told} or raise most" in words_of(figure)
    assert len(rows_of(plot_network(model, IMAGE, "*", most=28))) == 28


def test_a_page_is_no_longer_than_paper_is_and_its_words_do_not_overlap(model):
    figure = plot_network(model, IMAGE, "*")
    width, height = figure.get_size_inches()
    assert height < 1.7 * width
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.padded(-2).overlaps(other.padded(-2))


def test_each_input_that_is_a_picture_is_shown_with_its_name():
    shapes = {"left": (6, 5, 3), "sound": (4, 3), "pose": (2,)}
    inputs = [keras.Input(shape, name=name) for name, shape in shapes.items()]
    conv = keras.layers.Conv2D(2, 3, name="conv")(inputs[0])
    tail = [keras.layers.Flatten()(one) for one in inputs[1:]]
    several = keras.Model(inputs, [conv, *tail], name="several")
    given = [np.ones((1, *shape), np.float32) for shape in shapes.values()]
    figure = plot_network(several, given)
    assert len(axes_named(figure, "image")) == 2
    words = words_of(figure)
    assert {"left", "sound", "6×5×3", "4×3, steps down"} <= set(words)
    assert any(text.startswith("went in: pose: 1×2 float32") for text in words)
    maps = feature_maps(several, given)
    assert {"left", "sound"} <= set(words_of(page_from_feature_maps(maps)))
    assert {"left", "sound"} <= set(words_of(plot_network(several, given, "conv")))
    unnamed = words_of(page_from_feature_maps(replace(maps, names=())))
    assert {"input 0", "input 1"} <= set(unnamed)


def test_one_number_per_image_is_a_row_and_one_for_all_is_named_as_left_out():
    infos = {name: LayerInfo(name, name, "Lambda", "", -1) for name in ("all", "each", "conv")}
    arrays = {"all": np.float32(3), "each": np.float32([7]), "conv": lopsided(2)}
    figure = page_from_feature_maps(FeatureMaps(arrays, infos, (), (), "net"))
    assert rows_of(figure) == ["each", "conv"]
    assert "2 of 2 layers shown · not drawn, no values along axes: all" in words_of(figure)


def test_the_page_says_the_gamma_of_maps_and_of_values_and_a_shared_bar_has_one():
    infos = {name: LayerInfo(name, name, "Dense", "", -1) for name in ("conv", "vector")}
    arrays = {"conv": lopsided(2), "vector": np.array([[2.0, -2.5, 8.0]])}
    maps = FeatureMaps(arrays, infos, (), (), "net")
    own = words_of(page_from_feature_maps(maps))
    assert any(text.endswith("gamma 0.5 for maps, 1 for values") for text in own)
    shared = page_from_feature_maps(maps, scale="shared")
    assert "one scale for all maps shown · gamma 0.5" in words_of(shared)
    (strip,) = axes_named(shared, "vector")
    # A quarter of the scale is half of the way from its middle to its end, as the bar has it.
    colours = np.asarray(strip.images[0].get_array())[0]
    assert colours[0].tolist() == table_of_steps("signed", (-8, 8), 0.5, 236)[177].tolist()


def test_the_title_of_every_plot_must_be_a_text_or_none(model):
    maps = with_image(lopsided(2), np.ones((2, 3, 1)))
    calls = [
        lambda: plot_feature_maps(maps, "conv", title=3),
        lambda: plot_channel_over_image(maps, "conv", 0, title=3),
        lambda: page_from_feature_maps(maps, title=3),
        lambda: plot_network(model, IMAGE, title=3),
        lambda: plot_top_images(top_images(model, IMAGE[None], "conv0"), title=3),
        lambda: plot_receptive_field(model, IMAGE, "conv0", cell=(0, 0), title=3),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="title must be a text or None; got 3"):
            call()


@pytest.mark.parametrize(
    "values", [np.geomspace(1e-7, 1, 20), np.arange(24) / -7, [1e-30, -2e-9]], ids=len
)
def test_values_of_bars_never_overlap(values):
    figure = plot_feature_maps(layer_maps([values]), "conv")
    figure.canvas.draw()
    (axes,) = axes_named(figure, "values")
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == len(values)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("count", [1010, 40])
def test_a_dead_map_is_called_so_however_many_there_are(count):
    values = np.abs(lopsided(count)) + 1
    values[..., count - 7] = 0
    figure = plot_feature_maps(layer_maps(values), "conv", count=None)
    labels = [one.get_label() for one in figure.artists] + words_of(figure)
    assert any(f"{count - 7} dead" in label for label in labels)


def test_each_row_has_its_own_limits_and_a_shared_scale_one_bar(model):
    own = [axes.get_xlim() for axes in axes_named(plot_network(model, IMAGE), "colour bar")]
    assert len(set(own)) == 13  # the pool's largest value is that of the layer before
    shared = plot_network(model, IMAGE, scale="shared", count=9)
    (bar,) = axes_named(shared, "colour bar")
    assert bar.get_xlim()[1] == pytest.approx(max(high for _, high in own))
    assert not axes_named(plot_network(model, IMAGE, scale="each"), "colour bar")


def test_recorded_maps_show_themselves_as_the_page_of_the_network(model):
    several = feature_maps(model, np.stack([IMAGE, IMAGE + 1]))
    figure = page_from_feature_maps(several)
    assert rows_of(figure) == rows_of(plot_network(model, IMAGE, "*"))
    (note,) = (text for text in words_of(figure) if "layers shown" in text)
    assert note.endswith("raise most · image 0 of 2 (from 0)")
    data = several._repr_png_()
    assert data == png_from_figure(figure)
    filters = feature_maps(model, IMAGE, "conv0")
    assert rows_of(page_from_feature_maps(filters)) == list(filters)
    assert layer_maps(np.array([["a", "b"]]))._repr_png_() is None


def test_the_best_images_show_themselves_in_a_notebook(model):
    best = top_images(model, np.stack([IMAGE, IMAGE + 1]), "conv0", count=2)
    assert best._repr_png_() == png_from_figure(plot_top_images(best))


def test_a_row_of_best_images_says_when_none_is_best_and_when_preprocess_changed_them():
    layers = [keras.Input((2, 3, 1)), keras.layers.Conv2D(2, 1, use_bias=False, name="conv")]
    net = keras.Sequential(layers, name="net")
    net.layers[0].set_weights([np.float32([[[[1, 0]]]])])
    images = np.stack([np.array(LOPSIDED, np.float32)[..., None] * n for n in (3, 1, 2)])
    best = top_images(net, images, "conv", count=2, preprocess=lambda x: x / 2)
    words = words_of(plot_top_images(best))
    assert "channel 0" in words
    assert sum(text.startswith("channel 1 · dead") for text in words) == 1
    assert any("before preprocess" in text for text in words)
    assert not any("first batch" in text for text in words)


def test_sequences_volumes_and_vectors_have_rows_of_their_own():
    layers = [
        keras.Input((4, 6, 5, 1)),
        keras.layers.Conv3D(3, 2, name="volume"),
        keras.layers.Reshape((20, 9), name="sequence"),
        keras.layers.Flatten(name="vector"),
    ]
    figure = plot_network(keras.Sequential(layers), np.ones((1, 4, 6, 5, 1), np.float32), "*")
    assert rows_of(figure) == ["volume", "sequence", "vector"]
    assert "0 slice 1" in words_of(figure)
    assert "20 steps down, channels 0 to 8" in words_of(figure)


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda maps, _: plot_feature_maps(maps, "conw"), KeyError, "(did you mean 'conv'?)"),
        (lambda maps, _: plot_feature_maps(maps, "conv", columns=0), ValueError, "columns must be"),
        (lambda maps, _: plot_feature_maps(maps, "conv", count=0), ValueError, "count must be a"),
        (lambda maps, _: plot_feature_maps(maps, "conv", labels=1), TypeError, "labels must be"),
        (lambda maps, _: plot_channel_over_image(maps, "conv", 2), ValueError,
         "channel must be below 2, the number of channels; got 2"),
        (lambda maps, _: plot_feature_maps(maps, "conv", channels=np.array(1)), TypeError,
         "channels must be channel numbers, a word or None; got array(1)"),
        (lambda maps, _: plot_channel_over_image(maps, "conv", 0, alpha=0), ValueError,
         "alpha must be a finite number above 0 and at most 1; got 0"),
        (lambda *_: plot_channel_over_image(layer_maps(np.ones((1, 2, 3, 0))), "conv", 0),
         ValueError, "path must have values; 'conv' is 1×2×3×0"),
        (lambda *_: plot_channel_over_image(layer_maps(np.float32(1)), "conv", 0),
         ValueError, "path must have values for each image; 'conv' gives one number for all"),
        (lambda *_: plot_channel_over_image(layer_maps(np.float32([1])), "conv", 0),
         ValueError, "path must have maps (H, W); 'conv' has one value"),
        (lambda maps, _: plot_channel_over_image(maps, "conv", 0), ValueError,
         "maps must come from an image (H, W, C)"),
        (lambda _, model: plot_network(model, IMAGE, count=0), ValueError, "count must be a"),
        (lambda _, model: plot_network(model, IMAGE, most=0), ValueError, "most must be a"),
        (lambda _, model: plot_network(model, IMAGE, scale="all"), ValueError, "scale must be one"),
        (lambda _, model: plot_network(model, IMAGE, "convx"), ValueError, "layers must be among"),
        (lambda _, model: plot_network(model, np.stack([IMAGE] * 2)), ValueError,
         "image must be one image; got 2"),
        (lambda _, model: plot_network(IMAGE, model), TypeError, "model must be a keras.Model"),
    ],
    ids=range(17),
)  # fmt: skip
def test_a_wrong_argument_is_refused_in_one_sentence(model, call, kind, text):
    with pytest.raises(kind) as caught:
        call(layer_maps(lopsided(2)), model)
    assert text in str(caught.value)


def test_a_vector_cannot_lie_over_an_image():
    with pytest.raises(ValueError, match=r"path must have maps \(H, W\); 'conv' has 4 values"):
        plot_channel_over_image(layer_maps(np.ones((1, 4))), "conv", 0)


def test_figures_belong_to_no_pyplot():
    assert isinstance(plot_feature_maps(layer_maps(lopsided(1)), "conv"), Figure)
    assert not hasattr(mpl, "_pylab_helpers") or not mpl._pylab_helpers.Gcf.figs


def test_without_labels_the_words_name_the_channels_and_no_ends():
    options = {"channels": "strongest", "count": 2, "scale": "each"}
    maps = layer_maps(lopsided(5))
    bare = words_of(plot_feature_maps(maps, "conv", labels=False, **options))
    assert (
        "2 of 5 channels shown (4, 3, numbered from 0), the strongest first (mean magnitude)"
        in bare
    )
    assert "each map on its own scale, whose end is its largest magnitude · gamma 0.5" in bare
    told = words_of(plot_feature_maps(maps, "conv", **options))
    assert "2 of 5 channels shown, numbered from 0, the strongest first (mean magnitude)" in told
    assert any("; its largest magnitude is written below it" in text for text in told)
    assert "±20" in told


def test_a_sequence_on_its_own_scale_has_the_numbers_of_its_bar():
    figure = plot_feature_maps(layer_maps(np.array([LOPSIDED])), "conv", scale="each")
    (bar,) = axes_named(figure, "colour bar")
    texts = [label.get_text() for label in bar.get_xticklabels()]
    assert (texts[0], texts[-1]) == ("−4", "4")
    assert not any("own scale" in text for text in words_of(figure))


def test_the_lowest_float_of_a_max_pool_does_not_blank_the_page():
    layers = [
        keras.Input((12, 10, 3)),
        keras.layers.Conv2D(3, 3, activation="relu", name="conv"),
        keras.layers.MaxPooling2D(name="pool"),
        keras.layers.Flatten(name="flat"),
    ]
    net = keras.Sequential(layers, name="net")
    kernel, bias = (np.array(weights) for weights in net.get_weights())
    kernel[..., 1] = np.nan
    net.set_weights([np.abs(kernel), bias])
    figure = plot_network(net, IMAGE)
    conv, pool = axes_named(figure, "colour bar")
    assert [label.get_text() for label in pool.get_xticklabels()] == [
        label.get_text() for label in conv.get_xticklabels()
    ]
    words = words_of(figure)
    assert {"1 with NaN", "1 with the lowest float", "1 lowest"} <= set(words)
    assert any("the lowest float, which a max-pool gives for NaN" in text for text in words)
    bars = plot_feature_maps(feature_maps(net, IMAGE, "flat"), "flat", count=3)
    assert "lowest" in [text.get_text() for axes in bars.axes for text in axes.texts]


def test_where_no_convolution_is_seen_all_layers_are_drawn():
    inner = keras.layers.Conv2D(2, 3, name="conv")
    layers = [
        keras.Input((4, 12, 10, 3)),
        keras.layers.TimeDistributed(inner, name="each_step"),
        keras.layers.Flatten(name="flat"),
    ]
    figure = plot_network(keras.Sequential(layers, name="film"), np.stack([IMAGE] * 4))
    assert rows_of(figure) == ["each_step", "flat"]
    assert "2 of 2 layers shown" in words_of(figure)


@pytest.mark.parametrize("gamma", [0.5, 1.0])
def test_a_short_bar_has_a_number_between_its_ends(gamma):
    panel = Panel("", np.float32([[0, 1]]), (0.0, 0.0456), "heat", "layer", gamma=gamma)
    low, *inner, high = bar_ticks(panel, 1.15)
    assert (low, high) == panel.limits
    assert inner
    assert all(low < value < high for value in inner)
