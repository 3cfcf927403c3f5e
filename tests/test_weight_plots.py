"""The pictures of kernels and of receptive fields, read by their artists and their pixels."""

import io
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from PIL import Image

from featviz.network_experiments import plot_receptive_field
from featviz.networks.layer_values import LayerKernels, ReceptiveField
from featviz.render.field_plots import figure_from_field
from featviz.render.paper import png_from_figure
from featviz.render.weight_plots import plot_layer_kernels
from featviz.windows import Window

layers = keras.layers


def kernels_of(weights, *, groups=1, note=""):
    weights = np.asarray(weights, np.float32)
    ones = (1,) * (weights.ndim - 2)
    return LayerKernels("conv", "Conv2D", weights, None, groups, ones, "same", ones, note)


def texts(figure):
    return [text.get_text() for text in figure.findobj() if hasattr(text, "get_text")]


def pictures(figure):
    return [axes.get_images()[0] for axes in figure.axes if axes.get_images()]


def test_three_channels_are_colours_around_grey():
    weights = np.zeros((2, 3, 3, 2), np.float32)
    weights[:, :, 0, 0] = LOPSIDED
    weights[0, 1, 2, 0] = -4.0
    figure = plot_layer_kernels(kernels_of(weights))
    first, second = pictures(figure)
    shown = first.get_array()
    np.testing.assert_allclose(shown[..., 0], 0.5 + np.array(LOPSIDED) / 8)
    assert shown[0, 1, 2] == 0.0
    assert (shown[..., 1] == 0.5).all()
    assert (second.get_array() == 0.5).all()
    assert "dead: all 0" in texts(figure)
    assert "grey is 0 in all, the ends of each colour ±4" in " ".join(texts(figure))


def test_deeper_kernels_stand_channel_by_channel_on_one_scale():
    weights = np.random.default_rng(0).normal(0, 1, (2, 3, 12, 20)).astype(np.float32)
    figure = plot_layer_kernels(kernels_of(weights), features=[3, 0], channels=4)
    images = pictures(figure)
    places = [(feature, channel) for feature in (3, 0) for channel in range(4)]
    assert len(images) == len(places)
    chosen = weights[:, :, :4, [3, 0]]
    for image, (feature, channel) in zip(images, places, strict=True):
        assert np.array_equal(image.get_array(), weights[:, :, channel, feature])
        assert image.get_clim() == pytest.approx((-np.abs(chosen).max(), np.abs(chosen).max()))
        assert image.get_cmap()(0.5)[:3] == pytest.approx((0.969, 0.969, 0.969), abs=0.01)
    words = texts(figure)
    assert "feature 3" in words
    assert any("2 of 20 features shown · 4 of 12 channels shown" in text for text in words)


def test_the_channels_of_a_group_keep_their_numbers():
    weights = np.random.default_rng(0).normal(0, 1, (2, 2, 2, 4))
    words = texts(plot_layer_kernels(kernels_of(weights, groups=2), features=[3]))
    assert "channel 2" in words
    assert "channel 3" in words
    assert any("1 of 4 features shown · 2 channels" in text for text in words)


def test_one_scale_for_the_layer_counts_the_kernels_that_are_not_shown():
    weights = np.random.default_rng(0).normal(0, 1, (2, 3, 3, 5)).astype(np.float32)
    weights[1, 2, 0, 4] = -9
    for color in (True, False):
        figure = plot_layer_kernels(kernels_of(weights), features=2, scale="layer", color=color)
        words = " ".join(texts(figure))
        if color:
            assert "the ends of each colour ±9" in words
            np.testing.assert_allclose(
                pictures(figure)[1].get_array(), weights[..., 1] / 18 + 0.5, atol=1e-6
            )
        else:
            assert "one scale for all kernels" in words
            assert pictures(figure)[0].get_clim() == pytest.approx((-9, 9))
    signed, shared = (
        plot_layer_kernels(kernels_of(weights), features=2, color=False, scale=scale)
        for scale in ("signed", "shared")
    )
    assert texts(signed) == texts(shared)
    assert pictures(signed)[0].get_clim() == pictures(shared)[0].get_clim()


def test_single_cells_stand_in_one_picture():
    weights = np.arange(15.0).reshape(1, 1, 5, 3) - 4
    (image,) = pictures(plot_layer_kernels(kernels_of(weights)))
    assert np.array_equal(image.get_array(), weights[0, 0].T)


@pytest.mark.parametrize("shape", [(1, 1, 320, 1280), (1, 1, 5, 3), (1, 9, 1), (1, 1, 2000, 2)])
def test_single_cells_have_their_numbers_beside_them(shape):
    weights = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    rows = list(range(1, shape[-1], 2)) or [0]
    columns = [shape[-2] - 1, *range(min(shape[-2] - 1, 50))]
    figure = plot_layer_kernels(kernels_of(weights), features=rows, channels=columns)
    png_from_figure(figure)
    axes = figure.axes[0]
    for axis, chosen in ((axes.xaxis, columns), (axes.yaxis, rows)):
        marked = {round(at): label.get_text() for at, label in zip(
            axis.get_ticklocs(), axis.get_ticklabels(), strict=True)}  # fmt: skip
        assert marked[0] == str(chosen[0])
        assert all(text == str(chosen[at]) for at, text in marked.items())
        boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
        assert min(box.x0 for box in boxes) >= 0
        for one, other in pairwise(boxes):
            assert one.x1 < other.x0 or one.y0 > other.y1
    above = [text.get_window_extent() for text in figure.texts if "columns" in text.get_text()]
    assert axes.xaxis.get_ticklabels()[0].get_window_extent().y1 < above[0].y0


def test_figures_of_kernels_speak_of_kernels():
    words = texts(plot_layer_kernels(kernels_of(np.ones((2, 2, 2, 12)))))
    assert "one scale for those shown" in words
    assert "one scale for all kernels" in texts(
        plot_layer_kernels(kernels_of(np.ones((2, 2, 2, 2))))
    )
    assert not any("maps" in text for text in words)
    wide = kernels_of(np.ones((1, 1, 2000, 1500)))
    words = " ".join(texts(plot_layer_kernels(wide)))
    assert "64 of 1,500 features shown · 64 of 2,000 channels shown" in words


@pytest.mark.parametrize(("size", "channels"), [(3, 8), (8, 1), (11, 3), (11, 40)], ids=str)
def test_kernels_of_any_size_stand_on_one_page(size, channels):
    weights = np.random.default_rng(0).normal(0, 1e-3, (size, size, channels, 20))
    figure = plot_layer_kernels(kernels_of(weights, note="a note of it"))
    assert figure.get_figwidth() <= 14
    assert figure.get_figheight() <= 21
    sides = figure.get_size_inches() * figure.axes[0].get_position().size
    assert min(sides) > 1.3
    assert "conv · Conv2D" in texts(figure)


SCALES = {
    "shared": "colours: one scale for all kernels, −9 to 9",
    "each": "colours: each kernel on a scale of its own, symmetric about 0",
    (-1, 2): "colours: fixed scale −1..2",
}


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_numbers_in_kernels_are_of_one_size_and_their_scale_is_said(scale):
    weights = np.stack([np.array(LOPSIDED), np.array(LOPSIDED) / 7], -1)[..., None, :]
    weights[1, 2, 0, 1] = -0.0001234
    weights[0, 0, 0, 1] = 9
    figure = plot_layer_kernels(kernels_of(weights), numbers=True, scale=scale)
    sizes = {text.get_fontsize() for axes in figure.axes for text in axes.texts}
    assert len(sizes) == 1
    assert sizes.pop() >= 6
    assert " ".join(texts(figure)).endswith(SCALES[scale])
    plain = plot_layer_kernels(kernels_of(weights), scale=scale)
    assert "colours" not in " ".join(texts(plain))


def test_three_channels_of_sequences_and_groups_are_no_colours():
    for weights, groups in ((np.ones((5, 3, 2)), 1), (np.ones((2, 2, 3, 4)), 2)):
        figure = plot_layer_kernels(kernels_of(weights, groups=groups))
        assert len(pictures(figure)) == weights.shape[-1] * 3
    assert len(pictures(plot_layer_kernels(kernels_of(np.ones((5, 3, 2))), color=True))) == 2


def test_each_kernel_may_have_its_own_colours():
    weights = np.ones((1, 2, 3, 2)) * [1.0, 10.0]
    first, second = pictures(plot_layer_kernels(kernels_of(weights), scale="each"))
    assert np.array_equal(first.get_array(), second.get_array())
    dimmed, full = pictures(plot_layer_kernels(kernels_of(weights)))
    assert dimmed.get_array().max() == pytest.approx(0.55)
    assert full.get_array().max() == 1.0


def test_weights_that_are_no_numbers_are_marked():
    weights = np.ones((2, 2, 3, 1))
    weights[0, 0, 1, 0] = np.nan
    words = texts(plot_layer_kernels(kernels_of(weights)))
    assert "1 NaN or infinite, drawn grey" in words
    words = texts(plot_layer_kernels(kernels_of(weights), color=False))
    assert "1 NaN" in words


@pytest.mark.parametrize(
    ("shape", "count"), [((7, 2, 5), 10), ((3, 2, 2, 2, 3), 6)], ids=["one axis", "three axes"]
)
def test_kernels_of_other_axes_have_a_form(shape, count):
    weights = np.random.default_rng(0).normal(0, 1, shape)
    figure = plot_layer_kernels(kernels_of(weights, note="a note of it"))
    images = pictures(figure)
    assert len(images) == count
    cells = weights[..., 1, 0].reshape(-1, 2 if len(shape) == 5 else 7)
    np.testing.assert_allclose(images[1].get_array(), cells, rtol=1e-6)
    assert any("a note of it" in text for text in texts(figure))


def test_lines_part_the_planes_of_a_kernel_of_three_axes():
    weights = np.random.default_rng(0).normal(0, 1, (3, 2, 4, 1, 2))
    for axes in plot_layer_kernels(kernels_of(weights)).axes:
        heights = [line.get_ydata()[0] for line in axes.lines]
        assert heights == ([1.5, 3.5] if axes.get_images() else [])
    assert not any(axes.lines for axes in plot_layer_kernels(kernels_of(weights[0])).axes)


WRONG = {
    "no kernels": (3, {}, TypeError, "kernels must come from layer_kernels"),
    "no such feature": (
        "ok",
        {"features": [2]},
        ValueError,
        "features must be below 2, of 2 features from 0; got 2",
    ),
    "no such scale": (
        "ok",
        {"scale": "leyer"},
        ValueError,
        r"scale must be one of 'layer', 'shared', 'signed', 'each' .*did you mean 'layer'",
    ),
    "none": ("ok", {"channels": 0}, ValueError, "channels must be a whole number of at least 1"),
    "no colours": ("ok", {"color": True}, ValueError, "color must be False for kernels of 2×2×4×2"),
    "no answer": ("ok", {"color": "no"}, TypeError, "color must be True or False; got 'no'"),
    "no wish": ("ok", {"numbers": "no"}, TypeError, "numbers must be True or False; got 'no'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_wishes_are_refused(name):
    value, options, kind, sentence = WRONG[name]
    value = kernels_of(np.ones((2, 2, 4, 2))) if value == "ok" else value
    with pytest.raises(kind, match=sentence):
        plot_layer_kernels(value, **options)


def outline(figure):
    boxes = [one for one in figure.axes[0].patches if isinstance(one, Rectangle)]
    return {(box.get_xy(), box.get_width(), box.get_height()) for box in boxes}


def model_of(*parts, shape=(6, 5, 1)):
    return keras.Sequential([keras.Input(shape), *parts])


def test_what_a_cell_sees_is_lit_and_framed():
    model = model_of(layers.Conv2D(1, (2, 3), strides=2, name="conv"))
    image = np.full((6, 5), 0.8, np.float32)
    figure = plot_receptive_field(model, image, "conv", cell=(2, 1))
    (shown,) = pictures(figure)
    lit = shown.get_array()[..., 0] > 0.7
    expected = np.zeros((6, 5), bool)
    expected[4:6, 2:5] = True
    assert np.array_equal(lit, expected)
    assert outline(figure) == {((1.5, 3.5), 3, 2)}
    assert "sees 2×3 from row 4, column 2" in texts(figure)
    assert not any("light grey" in text for text in texts(figure))


def test_padding_is_drawn_beside_the_image():
    model = model_of(layers.Conv2D(1, 3, strides=2, padding="same", name="conv"))
    image = np.arange(30).reshape(6, 5)
    figure = plot_receptive_field(model, image, "conv", cell=(2, 0))
    (shown,) = pictures(figure)
    # 6 rows: the odd row of padding lies below; 5 columns: one on each side.
    assert shown.get_array().shape == (7, 6, 3)
    np.testing.assert_allclose(shown.get_array()[6], 0.85)
    np.testing.assert_allclose(shown.get_array()[5, 2], 26 / 29)
    assert outline(figure) == {((-0.5, 3.5), 3, 3)}
    assert "sees 3×3 from row 4, column −1" in texts(figure)
    assert "2×2 of it on the image" in texts(figure)
    assert "light grey: beyond the image" in texts(figure)


def test_padding_above_and_on_the_left_moves_the_frame():
    model = model_of(layers.Conv2D(1, (3, 5), padding="same", name="conv"))
    figure = plot_receptive_field(model, np.ones((6, 5)), "conv", cell=(0, 1))
    (shown,) = pictures(figure)
    assert shown.get_array().shape == (7, 6, 3)
    assert outline(figure) == {((-0.5, -0.5), 5, 3)}
    assert (shown.get_array()[1:3, 1:5] == 1).all()


def test_a_model_for_colours_takes_any_image_of_its_size():
    model = model_of(layers.Conv2D(1, 3, name="conv"), shape=(None, None, 3))
    image = np.linspace(0, 1, 7 * 9 * 3).reshape(7, 9, 3)
    figure = plot_receptive_field(model, image, "conv", cell=(0, 6), title="what it sees")
    assert "what it sees" in texts(figure)
    assert outline(figure) == {((5.5, -0.5), 3, 3)}
    boxes = figure.axes[0].patches
    assert to_rgba("white") in [box.get_edgecolor() for box in boxes]
    small = model_of(layers.Conv2D(1, 3, name="conv"))
    with pytest.raises(ValueError, match=r"image must be 6×5, as .* got 7×9; pass resize=True"):
        plot_receptive_field(small, image, "conv", cell=0)


def test_an_image_of_another_size_is_resized_and_said_to_be():
    model = model_of(layers.Conv2D(1, (2, 3), name="conv"))
    image = np.linspace(0, 1, 13 * 11).reshape(13, 11)
    figure = plot_receptive_field(model, image, "conv", cell=(1, 2), resize=True)
    (shown,) = pictures(figure)
    assert shown.get_array().shape == (6, 5, 3)
    resized = np.asarray(tf.image.resize(image[..., None], (6, 5), antialias=True))
    np.testing.assert_allclose(shown.get_array()[1:3, 2:5], resized[1:3, 2:5] * [1, 1, 1], 1e-5)
    assert "image, resized from 13×11" in texts(figure)
    assert outline(figure) == {((1.5, 0.5), 3, 2)}
    with pytest.raises(TypeError, match="resize must be True or False; got 1"):
        plot_receptive_field(model, image, "conv", cell=0, resize=1)
    with pytest.raises(TypeError, match="model must be"):
        plot_receptive_field(image, model, "conv", cell=0)


def of_several(size=(6, 5)):
    """Numbers, and two images, the second through another window."""
    numbers = keras.Input((4,), name="numbers")
    one, two = (keras.Input((*size, 1), name=name) for name in ("one", "two"))
    maps = layers.Conv2D(4, 3, padding="same", name="a")(one)
    maps = layers.Add(name="sum")([maps, layers.Conv2D(4, (2, 1), padding="same", name="b")(two)])
    return keras.Model([numbers, one, two], [maps, layers.Dense(2)(numbers)])


@pytest.mark.parametrize("size", [(6, 5), (None, None)], ids=["fixed", "open"])
def test_the_image_of_one_of_several_inputs_is_drawn(size):
    model, image = of_several(size), np.ones((6, 5))
    for number, (wide, high) in ((1, (3, 3)), (2, (1, 2))):
        figure = plot_receptive_field(model, image, "sum", cell=(2, 2), input_number=number)
        ((_, *sizes),) = outline(figure)
        assert sizes == [wide, high]
    for wrong, sentence in (
        (0, r"got 0, an input of \(4,\); pass input_number=1 or 2"),
        (3, "input_number must be below 3; got 3"),
    ):
        with pytest.raises(ValueError, match=sentence):
            plot_receptive_field(model, image, "sum", cell=(2, 2), input_number=wrong)


class OwnOfTwo(keras.Model):
    def __init__(self):
        super().__init__(name="own")
        self.conv, self.both = layers.Conv2D(2, (2, 3), name="conv"), layers.Add(name="both")

    def call(self, given):
        one, two = given.values() if isinstance(given, dict) else given
        return self.both([self.conv(one), self.conv(two)])


@pytest.mark.parametrize("keyed", [False, True], ids=["list", "dict"])
def test_a_model_that_tells_no_inputs_is_drawn_as_it_was_called(keyed):
    model, images = OwnOfTwo(), [np.ones((1, 8, 7, 1), np.float32)] * 2
    model(dict(zip("ab", images, strict=True)) if keyed else images)
    figure = plot_receptive_field(model, np.ones((8, 7)), "both", cell=(2, 1), input_number=1)
    assert outline(figure) == {((0.5, 1.5), 3, 2)}


def test_a_cell_between_the_windows_sees_nothing_in_words():
    model = model_of(layers.Conv2DTranspose(1, 2, strides=3, name="up"))
    words = texts(plot_receptive_field(model, np.ones((6, 5)), "up", cell=(2, 2)))
    assert "the cell sees nothing: it lies between the windows" in words
    assert not any("0×0" in text for text in words)


def test_a_window_larger_than_the_image_is_said_to_be():
    model = model_of(layers.Conv2D(1, (13, 15), padding="same", name="conv"))
    words = texts(plot_receptive_field(model, np.ones((6, 5)), "conv", cell=(2, 2)))
    assert "sees 13×15 from row −4, column −5" in words
    assert "the whole image, and beyond it" in words


@pytest.mark.parametrize(("cell", "corner"), [((0, 0), (-0.5, -0.5)), ((25, 30), (2.5, 1.5))])
def test_a_small_window_is_drawn_a_second_time(cell, corner):
    model = model_of(layers.Conv2D(1, (2, 3), padding="valid", name="conv"), shape=(40, 50, 1))
    image = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    figure = plot_receptive_field(model, image, "conv", cell=cell)
    whole, part = (picture.get_array() for picture in pictures(figure))
    top, left = (max(at - size, 0) for at, size in zip(cell, (2, 3), strict=True))
    ends = cell[0] + 4, cell[1] + 6
    assert np.array_equal(part, whole[top : ends[0], left : ends[1]])
    boxes = [box for box in figure.axes[1].patches if isinstance(box, Rectangle)]
    assert {(box.get_xy(), box.get_width(), box.get_height()) for box in boxes} == {(corner, 3, 2)}
    lit = part[..., 0] == image[top : ends[0], left : ends[1]]
    assert lit.sum() == 6


def shown_in_a_notebook(value):
    with Image.open(io.BytesIO(value._repr_png_())) as picture:
        return np.asarray(picture.convert("RGB"))


def test_kernels_and_fields_show_themselves_in_a_notebook():
    weights = np.zeros((2, 3, 1, 1), np.float32)
    weights[..., 0, 0] = LOPSIDED
    red, blue = (  # of the ends of the signed palette
        (shown_in_a_notebook(kernels_of(sign * weights)) == colour).all(axis=-1).any()
        for sign, colour in ((1, (103, 0, 31)), (-1, (5, 48, 97)))
    )
    assert red
    assert blue
    field = ReceptiveField("conv", (0, 0), Window(-1, -1, 3, 4), Window(0, 0, 2, 3), (6, 5))
    greys = {tuple(pixel) for pixel in shown_in_a_notebook(field).reshape(-1, 3)}
    lit, dimmed, beyond = (round(255 * share) for share in (0.6, 0.24, 0.85))
    assert {(lit,) * 3, (dimmed,) * 3, (beyond,) * 3} <= greys
    words = " ".join(texts(figure_from_field(field)))
    assert "image not given, drawn grey" in words
