"""Figures of feature maps: artists, words, and pixels read back from the file."""

import io

import keras
import matplotlib as mpl
import numpy as np
import pytest
from definitions import LOPSIDED
from matplotlib.figure import Figure
from PIL import Image

from featviz.network_experiments import plot_network
from featviz.networks.maps import feature_maps
from featviz.networks.top_scores import top_images
from featviz.networks.values import FeatureMaps, LayerInfo
from featviz.render.figures import png_from_figure, save_figure
from featviz.render.map_grid import ALARM_COLOUR
from featviz.render.map_plots import (
    page_from_feature_maps,
    plot_channel_over_image,
    plot_feature_maps,
    plot_top_images,
)


def layer_maps(values, path="conv", images=()):
    info = LayerInfo(path, "conv", "Conv2D", "3×3, relu", -1)
    return FeatureMaps({path: np.asarray(values)}, {path: info}, images, ("1×2 float32",), "net")


def words_of(figure):
    return [text.get_text() for text in figure.texts]


def axes_named(figure, name):
    return [axes for axes in figure.axes if axes.get_label() == name]


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
        assert "max 4" in words_of(figure)
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
    assert words_of(figure)[0].startswith("net · $x^2$/<script> \\frac")


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


def test_the_input_beyond_0_to_1_says_what_is_black_and_white():
    figure = plot_channel_over_image(with_image(lopsided(1), [[[-2.0], [6.0]]]), "conv", 0)
    assert "−2 is black, 6 white" in words_of(figure)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((12, 10, 3))]
    for number in range(13):
        layers.append(keras.layers.Conv2D(9, 3, padding="same", name=f"conv{number}"))
        layers.append(keras.layers.ReLU(name=f"relu{number}"))
    layers += [keras.layers.GlobalMaxPooling2D(name="pool"), keras.layers.Dense(4, name="dense")]
    return keras.Sequential(layers, name="net")


IMAGE = np.random.default_rng(0).random((12, 10, 3)).astype(np.float32)


def rows_of(figure):
    return [
        axes.get_label() for axes in figure.axes if axes.get_label() not in ("image", "colour bar")
    ]


def test_a_network_has_a_row_for_each_convolution_and_pool_from_early_to_late(model):
    figure = plot_network(model, IMAGE, count=4)
    assert rows_of(figure) == [*(f"conv{n}" for n in range(13)), "pool"]
    assert len(axes_named(figure, "colour bar")) == 14
    words = words_of(figure)
    assert "14 of 14 layers shown (convolutions and pools)" in words
    assert "12×10×9 · 4 of 9 shown" in words
    assert "9 · 9 of 9 shown" in words


def test_too_many_layers_are_thinned_out_evenly_and_that_is_said(model):
    figure = plot_network(model, IMAGE, "*")
    rows = rows_of(figure)
    assert len(rows) == 24
    assert (rows[0], rows[-1]) == ("conv0", "dense")
    assert "24 of 28 layers shown, evenly from early to late; 4 are not" in words_of(figure)


def test_each_row_has_its_own_limits_and_a_shared_scale_one_bar(model):
    own = [axes.get_xlim() for axes in axes_named(plot_network(model, IMAGE), "colour bar")]
    assert len(set(own)) == 14
    shared = plot_network(model, IMAGE, scale="shared", count=9)
    (bar,) = axes_named(shared, "colour bar")
    assert bar.get_xlim()[1] == pytest.approx(max(high for _, high in own))
    assert not axes_named(plot_network(model, IMAGE, scale="each"), "colour bar")


def test_recorded_maps_show_themselves_as_the_page_of_the_network(model):
    several = feature_maps(model, np.stack([IMAGE, IMAGE + 1]))
    figure = page_from_feature_maps(several)
    assert rows_of(figure) == rows_of(plot_network(model, IMAGE, "*"))
    (note,) = (text for text in words_of(figure) if "layers shown" in text)
    assert note.endswith("4 are not · image 0 of 2 (from 0)")
    data = several._repr_png_()
    assert data == png_from_figure(figure)
    filters = feature_maps(model, IMAGE, "conv0")
    assert rows_of(page_from_feature_maps(filters)) == list(filters)
    assert layer_maps(np.array([["a", "b"]]))._repr_png_() is None


def test_the_best_images_show_themselves_in_a_notebook(model):
    best = top_images(model, np.stack([IMAGE, IMAGE + 1]), "conv0", count=2)
    assert best._repr_png_() == png_from_figure(plot_top_images(best))


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
        (lambda maps, _: plot_channel_over_image(maps, "conv", 0, alpha=0), ValueError,
         "alpha must be a finite number above 0 and at most 1; got 0"),
        (lambda maps, _: plot_channel_over_image(maps, "conv", 0), ValueError,
         "maps must come from an image (H, W, C)"),
        (lambda _, model: plot_network(model, IMAGE, count=0), ValueError, "count must be a"),
        (lambda _, model: plot_network(model, IMAGE, scale="all"), ValueError, "scale must be one"),
        (lambda _, model: plot_network(model, IMAGE, "convx"), ValueError, "layers must be among"),
        (lambda _, model: plot_network(model, np.stack([IMAGE] * 2)), ValueError,
         "image must be one image; got 2"),
        (lambda _, model: plot_network(IMAGE, model), TypeError, "model must be a keras.Model"),
    ],
    ids=range(12),
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
