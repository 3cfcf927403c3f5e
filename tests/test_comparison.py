"""Two sides of a comparison, held against slow loops over all cells, and their picture."""

import math
import subprocess
import sys
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED
from matplotlib.colors import to_rgb

from featviz.captions import value_text
from featviz.networks.comparing import compare
from featviz.networks.differences import RunningDifference
from featviz.networks.maps import feature_maps
from featviz.render.comparison_plots import plot_comparison
from featviz.render.comparison_text import text_from_comparison
from featviz.render.drawing import BROKEN
from featviz.render.figures import png_from_figure

L = keras.layers
GREEN = to_rgb(BROKEN)
NAN, INF = math.nan, math.inf
RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.normal(size=(3, 6, 7, 1)).astype(np.float32)


def net(shift=0.0, *, features=3, dtype="float32", names=("conv", "pool", "out")):
    kernel = np.zeros((2, 3, 1, features))
    kernel[..., 0, 0] = LOPSIDED
    kernel[..., 0, 1] = np.array(LOPSIDED).T.reshape(2, 3) / 3
    kernel[0, 2, 0, 1] += shift
    model = keras.Sequential([
        keras.Input((6, 7, 1)),
        L.Conv2D(features, (2, 3), activation="relu", name=names[0], dtype=dtype),
        L.MaxPooling2D(2, name=names[1], dtype=dtype), L.Flatten(dtype=dtype, name=names[2]),
    ], name="net")  # fmt: skip
    model.set_weights([kernel, np.zeros(features)])
    return model


A, B, BOLD = net(), net(1.5), net(20.0)


def identity(shape, dtype="float64"):
    given = keras.Input(shape, dtype=dtype)
    return keras.Model(given, L.Identity(name="same", dtype=dtype)(given))


def slow_comparison(one, other):
    """Every number by one loop over the cells."""
    apart, equal, broken = {}, 0, 0
    squares, lengths, product = 0.0, [0.0, 0.0], 0.0
    for place in np.ndindex(one.shape):
        a, b = float(one[place]), float(other[place])
        equal += a == b or (math.isnan(a) and math.isnan(b))
        if not (math.isfinite(a) and math.isfinite(b)):
            broken += 1
            continue
        apart[place] = abs(b - a)
        squares, product = squares + (b - a) ** 2, product + a * b
        lengths = [lengths[0] + a * a, lengths[1] + b * b]
    largest = max(apart.values(), default=NAN)
    return {
        "mean_difference": sum(apart.values()) / len(apart) if apart else NAN,
        "largest_difference": largest,
        "place": next((place for place, size in apart.items() if size == largest), None),
        "relative_difference": math.sqrt(squares / lengths[0]) if lengths[0] else NAN,
        "cosine": product / math.sqrt(lengths[0] * lengths[1]) if all(lengths) else NAN,
        "equal_share": equal / one.size,
        "broken_count": broken,
    }


def check(told, one, other):
    for name, value in slow_comparison(one, other).items():
        assert getattr(told, name) == pytest.approx(value, rel=1e-12, nan_ok=True), name


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_every_number_is_that_of_a_slow_loop(dtype, batch_size):
    a, b = net(dtype=dtype), net(1.5, dtype=dtype)
    told = compare(a, b, IMAGES, batch_size=batch_size)
    # The sums of a convolution may differ in the last bit from batch size to batch size.
    one, other = (feature_maps(model, IMAGES, batch_size=batch_size) for model in (a, b))
    assert list(told.layers) == ["conv:filter", "conv:detect", "pool", "out"]
    for path, layer in told.layers.items():
        check(layer, one[path], other[path])
        slow = np.abs(other[path].astype(np.float64) - one[path].astype(np.float64))
        np.testing.assert_allclose(
            layer.channel_differences, slow.reshape(-1, slow.shape[-1]).mean(axis=0), rtol=1e-12
        )


def test_float16_differences_do_not_overflow():
    a, b = (net(dtype="float16") for _ in range(2))
    b.set_weights([-weights for weights in a.get_weights()])
    told = compare(a, b, IMAGES * 5000).layer("conv:filter")
    assert told.largest_difference > 65504
    assert told.cosine == -1.0


def test_the_difference_is_second_minus_first():
    told = compare(A, B, IMAGES)
    one, other = feature_maps(A, IMAGES)["conv"], feature_maps(B, IMAGES)["conv"]
    np.testing.assert_array_equal(
        told.difference("conv"), other.astype(np.float64) - one.astype(np.float64)
    )


def test_a_model_equals_itself():
    told = compare(A, A, IMAGES)
    for layer in told.layers.values():
        assert layer.identical
        assert (layer.mean_difference, layer.relative_difference) == (0.0, 0.0)
        assert layer.cosine == pytest.approx(1.0)
    assert repr(told) == "Comparison of a and b: 4 layers, 4 identical"


def test_a_generator_and_a_shuffled_data_set_give_both_sides_the_same_images():
    shuffled = tf.data.Dataset.from_tensor_slices(IMAGES).shuffle(3).batch(2)
    for data in (iter(IMAGES), shuffled, ((x[None], 1) for x in IMAGES)):
        told = compare(A, A, data, compiled=False)
        assert len(told.a.images[0]) == 3
        assert all(layer.identical for layer in told.layers.values())
    assert len(compare(A, B, shuffled.repeat(), limit=2, compiled=False).b.images[0]) == 2
    with pytest.raises(ValueError, match=r"^images must have an end"):
        compare(A, B, shuffled.repeat())


def test_the_numbers_of_the_channels_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        compare(A, B, IMAGES).layer("conv").channel_differences[0] = 0


def test_two_sets_of_images_are_compared_image_by_image():
    told = compare(A, None, IMAGES, other_images=IMAGES[:, ::-1], layers="pool")
    check(
        told.layer("pool"), feature_maps(A, IMAGES)["pool"],
        feature_maps(A, IMAGES[:, ::-1])["pool"],
    )  # fmt: skip


def test_nan_and_infinity_are_counted_and_left_out():
    one, other = IMAGES.copy(), IMAGES + 1
    one[0, 1, 1], one[1, 2, 2], other[1, 2, 2], other[2, 3, 3] = NAN, NAN, NAN, INF
    model = keras.Sequential([keras.Input((6, 7, 1)), L.Rescaling(2.0, name="twice")])
    told = compare(model, None, one, other_images=other, finite=False)
    check(told.layer("twice"), 2 * one, 2 * other)
    assert np.isnan(told.difference("twice")).sum() == told.layer("twice").broken_count == 3


def test_the_largest_difference_is_found_far_down():
    model = keras.Sequential([keras.Input((None, None, 1)), L.Rescaling(2.0, name="twice")])
    one = np.zeros((2, 500, 400, 1), np.float32)
    other = one.copy()
    other[0, 3, 4], other[1, 498, 397] = 1, -3
    told = compare(model, None, one, other_images=other).layer("twice")
    assert (told.largest_difference, told.place) == (6.0, (1, 498, 397, 0))
    assert told.equal_share == 1 - 2 / one.size


def test_a_side_that_is_all_0_has_no_cosine_and_an_infinite_ratio():
    zero = np.zeros_like(IMAGES)
    told = compare(A, None, zero, other_images=IMAGES).layer("conv:filter")
    assert told.relative_difference == INF
    assert math.isnan(told.cosine)
    assert compare(A, None, zero, other_images=zero).layer("pool").relative_difference == 0


def test_layers_that_cannot_be_compared_are_named():
    other = net(features=4, names=("conv", "pool", "end"))
    told = compare(A, other, IMAGES, names=("old", "new"))
    assert told.only_a == ("out",)
    assert told.only_b == ("end",)
    assert dict(told.unlike) == {
        "conv:filter": ((3, 5, 5, 3), (3, 5, 5, 4)),
        "conv:detect": ((3, 5, 5, 3), (3, 5, 5, 4)),
        "pool": ((3, 2, 2, 3), (3, 2, 2, 4)),
    }
    text = text_from_comparison(told)
    assert "only in old: out" in text
    assert "only in new: end" in text
    assert "pool: not compared, 3×2×2×3 in old and 3×2×2×4 in new" in text


def test_layers_of_other_names_are_matched_by_order():
    other = net(1.5, names=("x", "y", "z"))
    told = compare(A, other, IMAGES, match="order")
    assert [(one.path, one.other_path) for one in told.layers.values()] == [
        ("conv:filter", "x:filter"), ("conv:detect", "x:detect"), ("pool", "y"), ("out", "z"),
    ]  # fmt: skip
    check(told.layer("pool"), feature_maps(A, IMAGES)["pool"], feature_maps(B, IMAGES)["pool"])
    assert "pool and y" in text_from_comparison(told)


def test_the_text_is_a_row_for_each_layer():
    told = compare(A, B, IMAGES)
    rows = text_from_comparison(told).splitlines()
    assert rows[0] == "Comparison of a and b: 4 layers, 0 identical"
    assert [row.split()[0] for row in rows[-5:]] == ["layer", *told.layers]
    place = ", ".join(map(str, told.layer("pool").place))
    assert f" {place} " in rows[-2]
    markdown = text_from_comparison(told, form="markdown").splitlines()
    assert markdown[-1].startswith("| out | 3×12 | ")
    assert markdown[-6].startswith("| layer | maps | mean \\|b − a\\| |")


def test_a_cosine_that_is_nearly_1_is_not_called_1():
    told = compare(A, None, IMAGES, other_images=IMAGES + 1e-6)
    assert "≈1" in text_from_comparison(told)
    assert "≈1" not in text_from_comparison(compare(A, A, IMAGES * 0 + 1))


def pixels_of(figure, label):
    (axes,) = [axes for axes in figure.axes if axes.get_label() == label]
    return axes.images[0]


@pytest.mark.parametrize(("first", "second"), [(A, BOLD), (BOLD, A)], ids=["larger", "smaller"])
def test_both_sides_stand_on_one_scale_and_the_difference_on_its_own(first, second):
    told = compare(first, second, IMAGES)
    figure = plot_comparison(told, "conv:filter", image=1, channels=[1, 0])
    a, b = (pixels_of(figure, f"{name} · channel 1") for name in "ab")
    difference = pixels_of(figure, "b − a · channel 1")
    one, other = (maps[1] for maps in told.maps("conv:filter"))
    np.testing.assert_array_equal(a.get_array(), one[:, :, 1])
    np.testing.assert_array_equal(b.get_array(), other[:, :, 1])
    np.testing.assert_array_equal(difference.get_array(), other[:, :, 1] - one[:, :, 1])
    most = max(np.abs(side[:, :, :2]).max() for side in (one, other))
    assert (a.norm.vmin, a.norm.vmax) == (b.norm.vmin, b.norm.vmax) == (-most, most)
    apart = np.abs(other - one)[:, :, :2].max()
    assert (difference.norm.vmin, difference.norm.vmax) == (-apart, apart)


def test_the_channels_that_differ_most_come_first():
    figure = plot_comparison(compare(A, B, IMAGES), "conv", count=2)
    labels = [axes.get_label() for axes in figure.axes if "channel" in axes.get_label()]
    assert labels == [
        f"{side} · channel {number}" for side in ("a", "b", "b − a") for number in (1, 0)
    ]
    words = " ".join(text.get_text() for text in figure.texts)
    assert "2 of 3 channels shown, the most different first" in words
    assert "no difference" in words


def drawn_words(told, path):
    figure = plot_comparison(told, path, channels=[0])
    return " ".join(text.get_text() for text in figure.texts)


def test_the_figure_says_what_went_into_both_sides():
    told = compare(A, B, IMAGES)
    assert told.went_in[0] == told.went_in[1]
    words = drawn_words(told, "conv")
    assert words.endswith(f" · went in: {told.went_in[0][0]}")
    assert words.count(told.went_in[0][0]) == 1
    told = compare(A, B, IMAGES, other_images=IMAGES * 2, names=("plain", "bright"))
    (one,), (other,) = told.went_in
    assert one != other
    assert drawn_words(told, "conv").endswith(
        f" · went into plain: {one} · went into bright: {other}"
    )


def axes_of(figure, label):
    (axes,) = [axes for axes in figure.axes if axes.get_label() == label]
    return axes


ROWS = ("a · all channels", "b · all channels", "b − a · all channels")


def bars_of(axes):
    """Channel → value of each bar, all of which begin at 0."""
    (bars,) = axes.collections
    ends = [path.vertices for path in bars.get_paths()]
    assert all(below[0] == above[0] and below[1] == 0 for below, above in ends)
    return {int(above[0]): above[1] for _, above in ends}


def test_a_vector_is_drawn_as_bars_the_sides_on_one_axis():
    told = compare(A, BOLD, IMAGES)
    one, other = (side[2] for side in told.maps("out"))
    assert one.max() < other.max()
    figure = plot_comparison(told, "out", image=2)
    axes = [axes_of(figure, label) for label in ROWS]
    for each, values in zip(axes, (one, other, other - one), strict=True):
        assert bars_of(each) == dict(enumerate(values))
        assert (each.get_xlabel(), each.get_ylabel()) == ("channel", "value")
        shown = [text.get_text() for text in each.texts]
        assert shown == [value_text(value) for value in values]
    assert axes[0].get_ylim() == axes[1].get_ylim()
    low, high = axes[2].get_ylim()
    assert low == -high
    words = [text.get_text() for text in figure.texts]
    assert len([text for text in words if text.startswith("image 2 (from 0) of 3 · 12 ")]) == 1


def series(features=3, steps=5):
    model = keras.Sequential([keras.Input((steps, 2)), L.Conv1D(features, 2, name="c")], name="s")
    kernel = np.arange(4.0 * features).reshape(2, 2, features) % 5 - 2
    model.set_weights([kernel, np.zeros(features)])
    data = RANDOM.normal(size=(2, 3, steps, 2)).astype(np.float32)
    return compare(model, None, data[0], other_images=data[1])


def test_a_sequence_is_a_picture_with_steps_down_and_channels_to_the_right():
    told = series()
    figure = plot_comparison(told, "c", image=1)
    one, other = (side[1] for side in told.maps("c"))
    for label, values in zip(ROWS, (one, other, other - one), strict=True):
        axes = axes_of(figure, label)
        np.testing.assert_array_equal(axes.images[0].get_array(), values)
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("channel", "step")
        assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1", "2", "3"]
        assert axes.get_xticks().tolist() == [0, 1, 2]
    bars = [axes.get_xlabel() for axes in figure.axes if axes.get_label() == "colour bar"]
    assert bars == ["one scale for a and b, gamma 0.5", "one scale for b − a, gamma 0.5"]


@pytest.mark.parametrize("features", [3, 300], ids=["beside", "below"])
def test_of_a_long_sequence_each_row_is_a_mean_at_its_true_step(features):
    told = series(features, 1502)
    figure = plot_comparison(told, "c")
    axes = axes_of(figure, ROWS[2])
    shown = axes.images[0].get_array()
    each = -(-1501 // len(shown))
    values = told.difference("c")[0]
    assert shown[1, 0] == pytest.approx(values[each : 2 * each, 0].mean())
    rows = dict(zip([t.get_text() for t in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    at = max(map(int, rows))
    assert rows[str(at)] == pytest.approx((at + 0.5) / each - 0.5)
    words = " ".join(text.get_text() for text in figure.texts)
    assert f"each row is the mean of {each} steps" in words


@pytest.mark.parametrize("which", ["short", "long", "one", "many", "broken"])
def test_words_of_strips_lie_on_the_figure_and_apart(which):
    if which in ("short", "long"):
        told, path = series(steps=5 if which == "short" else 900), "c"
    else:
        size = {"one": 1, "many": 700, "broken": 5}[which]
        data = RANDOM.normal(size=(2, 1, size)) * 1e4
        data[1, 0, -1] = NAN if which == "broken" else 0
        told = compare(identity((size,)), None, data[0], other_images=data[1], finite=False,
                       names=("the side before the training", "after"))  # fmt: skip
        path = "same"
    figure = plot_comparison(told, path)
    png_from_figure(figure)
    width, height = figure.get_size_inches() * figure.dpi
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [*axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
        texts += [axes.xaxis.label, axes.yaxis.label]
        ticks = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in pairwise(ticks))
    for text in texts:
        if text.get_text():
            box = text.get_window_extent()
            assert -1 <= box.x0 < box.x1 <= width + 1, text.get_text()
            assert -1 <= box.y0 < box.y1 <= height + 1, text.get_text()
            assert "…" not in text.get_text()


def test_nan_among_bars_is_written():
    told = compare(identity((3,)), None, [[1.0, NAN, 3]], other_images=[[2.0, 4, INF]],
                   finite=False)  # fmt: skip
    figure = plot_comparison(told, "same")
    texts = [[text.get_text() for text in axes_of(figure, label).texts] for label in ROWS]
    assert texts == [["1", "NaN", "3"], ["2", "4", "∞"], ["1", "NaN", "∞"]]
    assert [len(bars_of(axes_of(figure, label))) for label in ROWS] == [2, 2, 1]


@pytest.mark.parametrize("gamma", [None, 1, 0.3])
def test_the_display_is_bent_as_that_of_feature_maps_and_the_bars_say_so(gamma):
    figure = plot_comparison(compare(A, BOLD, IMAGES), "conv:filter", gamma=gamma)
    power = 0.5 if gamma is None else gamma
    for label in ("a · channel 1", "b − a · channel 1"):
        norm = pixels_of(figure, label).norm
        assert norm(0.25 * norm.vmax) == pytest.approx(0.5 + 0.5 * 0.25**power)
    bars = [axes.get_xlabel() for axes in figure.axes if axes.get_label() == "colour bar"]
    said = "" if gamma == 1 else f", gamma {power:g}"
    assert bars == [f"one scale for a and b{said}", f"one scale for b − a{said}"]


def test_the_title_names_the_models_once():
    def title(told, path="conv"):
        return plot_comparison(told, path).texts[0].get_text()

    told = compare(A, B, IMAGES, names=("old", "new"))
    assert title(told) == "net · conv:detect: old, new and their difference"
    other = net(1.5)
    other.name = "later"
    told = compare(A, other, IMAGES)
    assert title(told) == "conv:detect: a (net), b (later) and their difference"
    assert title(told, "out") == "out: a (net), b (later) and their difference"
    told = compare(A, other, IMAGES, names=("net", "later"))
    assert title(told) == "conv:detect: net, later and their difference"


def test_nan_is_marked_in_the_picture():
    other = IMAGES.copy()
    other[0, 2, 2] = NAN
    told = compare(A, None, IMAGES, other_images=other, finite=False)
    figure = plot_comparison(told, "conv:filter", channels=[0])
    words = " ".join(text.get_text() for text in figure.texts)
    assert "6 NaN" in words
    assert "cells NaN or infinite, drawn green" in words
    assert png_from_figure(figure).startswith(b"\x89PNG")


def test_of_a_volume_the_middle_slice_is_drawn_and_the_figure_says_so():
    model = keras.Sequential([keras.Input((5, 2, 3, 2)), L.ReLU(name="deep")])
    volume = np.arange(60.0).reshape(1, 5, 2, 3, 2)
    told = compare(model, None, volume, other_images=2 * volume)
    figure = plot_comparison(told, "deep", channels=[1])
    for name, factor in (("a", 1), ("b", 2), ("b − a", 1)):
        shown = pixels_of(figure, f"{name} · channel 1").get_array()
        assert np.array_equal(shown, factor * volume[0, 2, :, :, 1])
    words = " ".join(text.get_text() for text in figure.texts)
    assert "slice 2 (from 0, the middle) of 5" in words


OPEN = keras.Sequential([keras.Input((None, None, 1)), L.ReLU(name="relu")])
TOLD = compare(A, B, IMAGES)
ERRORS = [
    ("no second side", lambda: compare(A, None, IMAGES),
     "model_b must be a model, or None with other_images; got None and no other images"),
    ("other numbers of images", lambda: compare(A, None, IMAGES, other_images=IMAGES[:2]),
     "other_images must be as many as images; got 2 and 3"),
    ("nothing in common", lambda: compare(A, net(names=("x", "y", "z")), IMAGES),
     "layers must have a path in common; got 'conv:filter', 'conv:detect', 'pool', 'out' and "
     "'x:filter', 'x:detect', 'y', 'z'; pass match='order' to pair them as they run"),
    ("order of other lengths",
     lambda: compare(A, keras.Model(A.inputs, A.layers[1].output), IMAGES, match="order"),
     "match must be 'path' for models of other numbers of layers; got 'order' for 4 and 3; or "
     "name the layers"),
    ("match", lambda: compare(A, B, IMAGES, match="name"),
     "match must be one of 'path', 'order'; got 'name'"),
    ("bytes", lambda: compare(A, B, IMAGES, max_bytes=tf.constant([2, 3])),
     "max_bytes must be a finite number above 0; got <tf.Tensor: shape=(2,), dtype=int32, "
     "numpy=array([2, 3], dt…"),
    ("names", lambda: compare(A, B, IMAGES, names="ab"), "names must be two texts; got 'ab'"),
    ("path", lambda: TOLD.layer("pol"),
     "path must be one of 'conv:filter', 'conv:detect', 'pool', 'out'; got 'pol' "
     "(did you mean 'pool'?)"),
    ("path without its stage", lambda: TOLD.layer("cnov"),
     "path must be one of 'conv:filter', 'conv:detect', 'pool', 'out'; got 'cnov' "
     "(did you mean 'conv'?)"),
    ("other sizes", lambda: compare(A, net(features=4), IMAGES).layer("pool"),
     "path must be a layer of one size; 'pool' is 3×2×2×3 and 3×2×2×4"),
    ("text", lambda: text_from_comparison(1), "comparison must come from compare(); got 1"),
    ("plot", lambda: plot_comparison(1, "conv"), "comparison must come from compare(); got 1"),
    ("image", lambda: plot_comparison(TOLD, "conv", image=3), "image must be below 3; got 3"),
    ("channel", lambda: plot_comparison(TOLD, "conv", channels=[3]),
     "channels must be below 3, of 3 channels from 0; got 3"),
    ("no channel", lambda: plot_comparison(TOLD, "conv", channels=[]),
     "channels must hold at least one channel number; got none"),
    ("channels of a vector", lambda: plot_comparison(TOLD, "out", channels=[0]),
     "channels must be None for 'out', all of whose channels are drawn; got [0]"),
    ("gamma", lambda: plot_comparison(TOLD, "conv", gamma=0),
     "gamma must be a finite number above 0; got 0"),
    ("first model", lambda: compare(3, B, IMAGES), "model_a must be a keras.Model; got 3"),
    ("second model", lambda: compare(A, 3, IMAGES), "model_b must be a keras.Model; got 3"),
    ("no image on the other side", lambda: compare(A, None, IMAGES, other_images=[]),
     "other_images must hold at least one image; got none"),
    ("other images of several sizes",
     lambda: compare(OPEN, None, np.ones((4, 5, 5, 1)),
                     other_images=(np.ones((2, size, 5, 1)) for size in (5, 4))),
     "other_images must have one size; got 5×5×1 and 4×5×1; bring them to one"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), [row[1:] for row in ERRORS],
                         ids=[row[0] for row in ERRORS])  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(call, text):
    with pytest.raises((ValueError, TypeError, KeyError)) as caught:
        call()
    assert caught.value.args[0] == text


@keras.saving.register_keras_serializable("featviz tests")
class Turned(keras.layers.Layer):
    """Gives complex numbers, whose imaginary part is told apart by the factor alone."""

    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, images):
        return tf.complex(images, images * self.factor)


@pytest.mark.parametrize("match", ["path", "order"])
def test_complex_layers_are_named_and_not_compared(match):
    sides = []
    for factor in (1.0, 2.0):
        given = keras.Input((2, 3, 1))
        other = Turned(factor, name="turned")(L.ReLU(name="detect")(given))
        sides.append(keras.Model(given, other))
    told = compare(*sides, np.arange(6.0).reshape(1, 2, 3, 1), match=match)
    assert dict(told.unseen) == {"turned": "gives complex numbers"}
    assert "turned" not in told.layers
    assert told.layer("detect").identical
    with pytest.raises(KeyError, match="got 'turned', which gives complex numbers"):
        told.layer("turned")


def test_layers_without_a_number_are_named_and_not_compared():
    given = keras.Input((2, 3, 1))
    model = keras.Model(given, L.ReLU(name="none")(L.ReLU(name="detect")(given)[..., :0]))
    told = compare(model, model, np.ones((1, 2, 3, 1)))
    assert told.unseen["none"] == "holds no number"
    assert told.layer("detect").identical


def all_at_once(told, paths=("conv:filter", "pool", "out")):
    """Every number of some layers as text; place and shape count the whole set."""
    return [
        (path, one.shape, one.place, one.broken_count, one.equal_share)
        for path, one in told.layers.items()
        if path in paths
    ]


MANY = np.concatenate([IMAGES, 2 * IMAGES, IMAGES[:1] - 1])


@pytest.mark.parametrize("most", [1, 2000, 10**9], ids=["one image", "some images", "all"])
def test_maps_are_kept_of_the_first_images_and_numbers_are_of_all(most):
    whole = compare(A, B, MANY)
    told = compare(A, B, MANY, batch_size=2, max_bytes=most, compiled=False)
    assert all_at_once(told) == all_at_once(whole)
    assert told.images == len(MANY) == 7
    assert told.kept == {1: 1, 2000: 2}.get(most, 7)
    for side, model in zip((told.a, told.b), (A, B), strict=True):
        first = feature_maps(model, MANY[: told.kept], batch_size=2)
        for path, maps in first.items():
            np.testing.assert_allclose(side[path], maps, atol=1e-5)
        np.testing.assert_array_equal(side.images[0], MANY[: told.kept])
    assert told.difference("pool").shape[0] == told.kept
    text = text_from_comparison(told)
    assert "a: net, 7×6×7×1 float32" in text
    assert ("numbers over all 7 images; maps kept of the first" in text) == (told.kept < 7)
    figure = plot_comparison(told, "pool", image=told.kept - 1)
    assert "of 7" in " ".join(one.get_text() for one in figure.texts)
    if told.kept < 7:
        with pytest.raises(ValueError, match=f"image must be below {told.kept}, of the images"):
            plot_comparison(told, "pool", image=told.kept)


def test_sets_in_batches_of_other_sizes_are_compared_image_by_image():
    others = MANY[:, ::-1]
    whole = compare(A, None, MANY, other_images=others)
    batches = tf.data.Dataset.from_tensor_slices(others).batch(3)
    for data in (batches, (one for one in others)):
        told = compare(A, None, MANY, other_images=data, batch_size=2, compiled=False)
        assert all_at_once(told) == all_at_once(whole)
        np.testing.assert_allclose(told.maps("pool"), whole.maps("pool"), atol=1e-5)
    for fewer, counts in ((others[:5], "5 and 7"), (np.concatenate([others, others]), "14 and 7")):
        data = tf.data.Dataset.from_tensor_slices(fewer).batch(3)
        with pytest.raises(ValueError, match=f"as many as images; got {counts}"):
            compare(A, None, MANY, other_images=data)


def test_images_of_other_sizes_are_refused_in_the_middle_of_a_stream():
    model = keras.Sequential([keras.Input((None, None, 1)), L.Conv2D(1, 3, name="conv")])
    with pytest.raises(ValueError, match="images must have one size; got 6×7×1 and 5×7×1"):
        compare(model, model, iter([IMAGES[:2], IMAGES[:2, :5]]))


GROWTH = """
import resource, sys
import keras, numpy as np
from featviz.networks.comparing import compare
L = keras.layers
model = keras.Sequential([keras.Input((128, 128, 1)), L.Conv2D(16, 3, name="conv")])
other = keras.models.clone_model(model)

def peak(batches):
    data = (np.full((4, 128, 128, 1), number, np.float32) for number in range(batches))
    told = compare(model, other, data, max_bytes=2**23, compiled=False)
    assert (told.images, told.kept) == (4 * batches, 7)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

print(-peak(4) + peak(24))
"""


def test_the_memory_does_not_grow_with_the_images():
    """In a process of its own, by what the system says: TensorFlow's memory counts as well."""
    done = subprocess.run(
        [sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True
    )
    maps_of_one_batch = 4 * 126 * 126 * 16 * 4
    assert int(done.stdout) < 2 * 4 * maps_of_one_batch  # all of them: 2 * 20


@keras.saving.register_keras_serializable("featviz tests")
class Halves(keras.layers.Layer):
    """Gives two maps for each image: its upper and its lower half."""

    def call(self, images):
        return tf.reshape(images, (-1, 3, 7, 1))


@keras.saving.register_keras_serializable("featviz tests")
class Whole(keras.layers.Layer):
    """Gives one number for the whole batch."""

    def call(self, images):
        return tf.reduce_sum(images)


def test_layers_that_give_no_map_for_each_image_are_compared_where_that_can_be():
    class Odd(keras.Model):
        def __init__(self):
            super().__init__(name="odd")
            self.halves, self.whole = Halves(name="halves"), Whole(name="sum")
            self.relu = L.ReLU(name="relu")

        def call(self, images):
            self.whole(images)
            self.halves(images)
            return self.relu(images)

    model = Odd()
    model(IMAGES)
    told = compare(model, None, MANY, other_images=MANY + 1, batch_size=2, compiled=False)
    assert dict(told.unseen) == {"sum": "gives one number for the whole batch"}
    layer = told.layer("halves")
    check(layer, MANY.reshape(-1, 3, 7, 1), (MANY + 1).reshape(-1, 3, 7, 1))
    assert layer.shape == (14, 3, 7, 1)
    other = tf.data.Dataset.from_tensor_slices(MANY + 1).batch(3)
    told = compare(model, None, MANY, other_images=other, batch_size=2, compiled=False)
    assert told.unseen["halves"] == UNCUT.format("6×3×7×1 for 3 images")
    assert told.layer("relu").shape == MANY.shape


UNCUT = "gives {}, which cannot be cut where the batch of the other side ends"


def halving(*, alone=False):
    parts = [Halves(name="halves")] if alone else [L.ReLU(name="relu"), Halves(name="halves")]
    return keras.Sequential([keras.Input((6, 7, 1)), *parts])


def batches_of_many(*ends):
    return (MANY[start:end] for start, end in zip((0, *ends[:-1]), ends, strict=True))


@pytest.mark.parametrize(
    ("ends", "others"), [((2, 7), (2, 4, 7)), ((5, 7), (2, 7)), ((2, 7), (5, 7))],
    ids=["later", "the first of a", "the first of b"],
)  # fmt: skip
@pytest.mark.parametrize("match", ["path", "order"])
def test_of_batches_that_end_elsewhere_what_cannot_be_cut_is_named(ends, others, match):
    for model in (halving(), halving(alone=True)):
        told = compare(
            model, model, batches_of_many(*ends), other_images=batches_of_many(*others),
            match=match,
        )  # fmt: skip
        assert dict(told.unseen) == {"halves": UNCUT.format("10×3×7×1 for 5 images")}
        assert (told.only_a, told.only_b, told.images) == ((), (), 7)
        assert list(told.layers) == ["relu"][: len(model.layers) - 1]
        with pytest.raises(KeyError, match="got 'halves', which gives 10×3×7×1 for 5") as caught:
            told.layer("halves")
        assert "one of ;" not in str(caught.value)


def test_several_maps_for_each_image_are_kept_of_whole_batches():
    model = halving(alone=True)
    told = compare(model, None, MANY, other_images=2 * MANY, batch_size=3, compiled=False)
    np.testing.assert_array_equal(told.difference("halves"), MANY.reshape(-1, 3, 7, 1))
    figure = plot_comparison(told, "halves", image=13)
    np.testing.assert_array_equal(pixels_of(figure, "a · channel 0").get_array(), MANY[6, 3:, :, 0])
    words = " ".join(text.get_text() for text in figure.texts)
    assert "map 13 (from 0) of 14" in words
    assert "over all 14 maps" in words
    with pytest.raises(ValueError, match="image must be below 14, of the maps of 'halves', which"):
        plot_comparison(told, "halves", image=14)
    told = compare(model, model, MANY, batch_size=3, max_bytes=1, compiled=False)
    assert told.layer("halves").identical
    with pytest.raises(KeyError) as caught:
        plot_comparison(told, "halves")
    assert str(caught.value) == (
        "path must be a layer whose maps are kept; those of 'halves', 14×3×7×1 for 7 images, "
        "cannot be cut to the first 1; raise max_bytes"
    )


def test_other_numbers_of_maps_of_one_size_are_named():
    sides = [
        keras.Sequential([keras.Input((None, 7, 1)), layer, L.ReLU(name="last")])
        for layer in (Halves(name="first"), L.Cropping2D(((0, 3), (0, 0)), name="first"))
    ]
    told = compare(*sides, MANY)
    assert dict(told.unseen) == dict.fromkeys(
        ["first", "last"], "gives 14 and 7 maps for 7 images"
    )  # fmt: skip


def test_a_layer_that_each_side_runs_for_other_images_is_on_both():
    class Chosen(keras.Model):
        def __init__(self):
            super().__init__(name="chosen")
            self.relu, self.extra = L.ReLU(name="relu"), L.ReLU(name="extra")

        def call(self, images):
            return self.extra(images) if images[0, 0, 0, 0] > 0 else self.relu(images)

    class Both(keras.Model):
        def __init__(self):
            super().__init__(name="both")
            self.inner, self.always = Chosen(), L.ReLU(name="always")

        def call(self, images):
            return self.always(self.inner(images))

    model, light = Both(), np.ones((1, 2, 2, 1), np.float32)
    for images in (light, -light):
        model(images)
    told = compare(
        model, None, iter([light, -light]), other_images=iter([-light, light]), compiled=False
    )
    why = "ran for other images on each side"
    assert told.unseen == {"chosen/extra": why, "chosen/relu": why}
    assert (told.only_a, told.only_b) == ((), ())


@pytest.mark.parametrize("power", [-318, -170, -160, 153, 160, 300])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_numbers_whose_squares_leave_float64_have_a_ratio_and_a_cosine(power, batch_size):
    """Slow: whole numbers, in units of the smallest of the two."""
    a = RANDOM.integers(-90, 90, (5, 2, 3)).astype(np.float64)
    b = a + RANDOM.integers(-9, 9, a.shape)
    for name, first, second in (("both", 1, 1), ("one", 1, 0), ("other", 0, 1)):
        one, other = (side * 10.0 ** (power * scaled) for side, scaled in ((a, first), (b, second)))
        told = compare(
            identity((2, 3)), None, one, other_images=other, batch_size=batch_size, compiled=False
        ).layer("same")
        # The smallest numbers have few digits.
        near = 0.01 if power == -318 else 1e-12
        slow = slow_comparison(a, b)
        assert told.cosine == pytest.approx(slow["cosine"], rel=near), name
        lengths = [math.sqrt((side**2).sum()) for side in (a, b)]
        ratio = {
            "both": slow["relative_difference"],
            "one": 1 if power > 0 else lengths[1] / lengths[0] * 10.0**-power
            if power > -300 else INF,
            "other": 1 if power < 0 else lengths[1] / lengths[0] * 10.0**power,
        }[name]  # fmt: skip
        assert told.relative_difference == pytest.approx(ratio, rel=near), name


def test_batches_of_very_different_sizes_are_summed_in_one_unit():
    one = np.array([[3e-200, 1e-200], [2.0, -1.0], [5e170, 1e170], [1e-200, 2.0]])
    other = np.array([[1e-200, 4e-200], [1.0, 7.0], [4e170, -2e170], [0, 0]])
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        told = compare(
            identity((2,)), None, one[order], other_images=other[order], batch_size=1,
            compiled=False,
        ).layer("same")  # fmt: skip
        large = slow_comparison(one[2:3] / 1e170, other[2:3] / 1e170)
        for name in ("relative_difference", "cosine"):
            assert getattr(told, name) == pytest.approx(large[name], rel=1e-12)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_whole_numbers_that_float64_does_not_hold_are_told_apart(dtype):
    one = np.array([[2**53, 5], [2**53 + 2, 6]], dtype)
    other = np.array([[2**53 + 1, 2], [2**53 + 2, 2**60]], dtype)
    told = compare(
        identity((2,), dtype), None, one, other_images=other, compiled=False
    ).layer("same")  # fmt: skip
    assert (told.equal_share, told.identical) == (0.25, False)
    assert told.channel_differences.tolist() == [0.5, (3 + 2**60 - 6) / 2]
    assert (told.largest_difference, told.place) == (float(2**60 - 6), (1, 1))


def test_the_bytes_may_be_a_variable():
    assert compare(A, B, MANY, max_bytes=tf.Variable(1)).kept == 1


def test_a_generator_of_layers_is_there_for_both_sides():
    told = compare(A, None, IMAGES, other_images=IMAGES[:, ::-1], layers=(one for one in ["pool"]))
    assert list(told.layers) == ["pool"]


def test_where_nothing_differs_no_order_is_claimed():
    words = " ".join(
        text.get_text() for text in plot_comparison(compare(A, A, IMAGES), "conv").texts
    )
    assert "3 of 3 channels shown" in words
    assert "the most different first" not in words


def test_the_lowest_float_leaves_the_scales_of_both_sides_and_of_the_difference():
    broken = net()
    kernel, *rest = (np.array(weights) for weights in broken.get_weights())
    kernel[..., 1] = np.nan
    broken.set_weights([kernel, *rest])
    told = compare(broken, B, IMAGES)
    assert (told.maps("pool")[0] == np.finfo(np.float32).min).any()
    figure = plot_comparison(told, "pool", channels=[0, 1])
    for side in ("a", "b − a"):
        artist = pixels_of(figure, f"{side} · channel 1")
        assert np.ma.getmaskarray(np.ma.masked_invalid(artist.get_array())).all()
    assert pixels_of(figure, "a · channel 0").norm.vmax < 1e3
    assert pixels_of(figure, "b − a · channel 0").norm.vmax < 1e3
    words = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert "12 cells the lowest float, which a max-pool gives for NaN, drawn green" in words
    assert told.layer("pool").largest_difference < 1e3
    assert "NaN, infinity or the lowest float, left out of the numbers: " in text_from_comparison(
        told
    )


@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_lowest_float_is_left_out_of_the_differences(dtype, batch_size):
    kind = tf.as_dtype(dtype)
    one, other = RANDOM.normal(size=(2, 5, 3, 2)).astype(kind.as_numpy_dtype)
    one[0, 1, 1] = one[3, 2, 0] = other[3, 2, 0] = other[4, 0, 1] = kind.min
    one[2, 2, 1], other[4, 0, 1] = NAN, INF
    one[4, 0, 1] = kind.min
    running = RunningDifference("one", "one", (3, 2))
    for start in range(0, 5, batch_size):
        part = slice(start, start + batch_size)
        running.add(one[part], other[part], len(one[part]))
    told = running.result()
    assert (told.broken_count, told.lowest_count, told.equal_share) == (4, 2, 1 / 30)
    one, other = (np.where(side == kind.min, NAN, side.astype(np.float64)) for side in (one, other))
    for name, value in slow_comparison(one, other).items():
        if name != "equal_share":
            assert getattr(told, name) == pytest.approx(value, rel=1e-12), name


def test_the_lowest_floats_of_two_types_are_one():
    running = RunningDifference("one", "one", (2,))
    running.add(np.array([[-65504, 1]], np.float16), np.array([[np.finfo("f4").min, 1]], "f4"), 1)
    assert (running.result().identical, running.result().lowest_count) == (True, 1)


def test_the_marks_of_the_difference_count_nan_and_infinity_apart():
    model = keras.Sequential([keras.Input((3, 4, 1)), L.Rescaling(1.0, name="same")])
    one, other = (np.ones((1, 3, 4, 1), np.float32) for _ in range(2))
    one[0, 0, 0], other[0, 1, 1], other[0, 2, 2] = NAN, INF, np.finfo(np.float32).min
    told = compare(model, None, one, other_images=other, finite=False)
    figure = plot_comparison(told, "same")
    words = [text.get_text() for text in figure.texts]
    assert "1 NaN, 1 infinite, 1 lowest float" in words
    note = " ".join(words)
    assert "2 cells NaN or infinite, 1 cell the lowest float, which" in note
    assert np.isnan(told.difference("same")).sum() == 3
    bars = compare(identity((3,), "float32"), None, one[:, :, 0, 0], finite=False,
                   other_images=np.array([[1, -INF, np.finfo("f4").min]], "f4"))  # fmt: skip
    figure = plot_comparison(bars, "same")
    texts = [[text.get_text() for text in axes_of(figure, label).texts] for label in ROWS]
    assert texts == [["NaN", "1", "1"], ["1", "−∞", "lowest"], ["NaN", "−∞", "lowest"]]


@pytest.mark.parametrize("size", [60, 900])
@pytest.mark.parametrize("broken", [[], [3, 4, 5, 40]], ids=["whole", "broken"])
def test_where_words_for_nan_would_overlap_channels_are_green(size, broken):
    one, other = RANDOM.normal(size=(2, 1, size))
    other[0, broken] = NAN
    figure = plot_comparison(
        compare(identity((size,)), None, one, other_images=other, finite=False), "same"
    )
    words = " ".join(text.get_text() for text in figure.texts)
    assert ("green: channels without a value, counted at the right" in words) == bool(broken)
    for label, green in zip(ROWS, ([], broken, broken), strict=True):
        axes = axes_of(figure, label)
        assert not axes.texts
        drawn = [lines for lines in axes.collections if to_rgb(lines.get_colors()[0]) == GREEN]
        ends = [path.vertices[:, 0].tolist() for lines in drawn for path in lines.get_paths()]
        assert ends == [[at, at] for at in green]


def test_a_difference_of_long_names_does_not_lose_its_minus():
    names = ("before the training of last week", "after the training of this week")
    figure = plot_comparison(compare(A, B, IMAGES, names=names), "conv:filter", channels=[1])
    png_from_figure(figure)
    assert "second − first · channel 1" in [axes.get_label() for axes in figure.axes]
    bars = [axes.get_xlabel() for axes in figure.axes if axes.get_label() == "colour bar"]
    assert [bar.split(",")[0] for bar in bars] == [
        "one scale for first and second", "one scale for second − first",
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "written"), [(5, True), (24, False)])
def test_values_are_written_where_they_do_not_overlap(size, written):
    one, other = RANDOM.normal(size=(2, 1, size)) * 1e-5
    figure = plot_comparison(compare(identity((size,)), None, one, other_images=other), "same")
    png_from_figure(figure)
    for label in ROWS:
        boxes = [text.get_window_extent() for text in axes_of(figure, label).texts]
        assert len(boxes) == size * written
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert "green" not in " ".join(text.get_text() for text in figure.texts)
