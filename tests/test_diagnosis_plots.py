"""The figure of a diagnosis, read back from its artists and its pixels."""

import io
from itertools import pairwise

import keras
import matplotlib as mpl
import numpy as np
import pytest
from definitions import LOPSIDED
from matplotlib.colors import to_rgb
from PIL import Image

from featviz.networks.diagnosing import diagnose
from featviz.render.channel_states import STATES, cells_of_layer, states_of_layer
from featviz.render.diagnosis_plots import plot_diagnosis
from featviz.render.drawing import ALARM, FAINT_INK
from featviz.render.figures import png_from_figure

L = keras.layers
IMAGES = np.random.default_rng(2).normal(size=(9, 5, 6, 1)).astype(np.float32)


def model_of(features=4):
    kernel = np.zeros((2, 3, 1, features))
    kernel[..., 0, 0] = LOPSIDED
    kernel[..., 0, 2] = np.array(LOPSIDED)[:, ::-1]
    kernel[..., 0, 3] = kernel[..., 0, 2]
    model = keras.Sequential([
        keras.Input((5, 6, 1)), L.Conv2D(features, (2, 3), activation="relu", name="conv"),
        L.GlobalMaxPooling2D(name="pool"), L.Dense(2, activation="tanh", name="dense"),
    ], name="net")  # fmt: skip
    dense = np.zeros((features, 2))
    dense[:, 1] = 0.01
    model.set_weights([kernel, np.zeros(features), dense, np.array([9.0, 0])])
    return model


TOLD = diagnose(model_of(), IMAGES)


def axes_of(figure, label):
    (axes,) = [axes for axes in figure.axes if axes.get_label() == label]
    return axes


def words_of(figure):
    return " ".join(text.get_text() for text in figure.texts)


def test_each_layer_has_its_histogram_its_zeros_and_its_channels():
    figure = plot_diagnosis(TOLD)
    labels = [axes.get_label() for axes in figure.axes]
    assert labels == [
        f"{path}{part}" for path in TOLD.layers for part in ("", " · zeros", " · channels")
    ]
    assert "net: values of each layer over 9 images" in words_of(figure)


def test_the_bars_are_the_counts_on_a_logarithmic_axis():
    figure = plot_diagnosis(TOLD)
    for path, layer in TOLD.layers.items():
        axes = axes_of(figure, path)
        (steps,) = axes.patches
        counts, edges, baseline = steps.get_data()
        np.testing.assert_array_equal(counts, layer.histogram.counts)
        np.testing.assert_array_equal(edges, layer.histogram.edges)
        assert (axes.get_yscale(), float(np.max(baseline))) == ("log", 0.5)
        assert axes.get_ylim()[0] == 0.5
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("value", "values")


def test_zeros_stand_apart_as_a_share():
    figure = plot_diagnosis(TOLD)
    for path, layer in TOLD.layers.items():
        _, zeros, broken = axes_of(figure, f"{path} · zeros").patches
        share = layer.histogram.zeros / layer.histogram.total
        assert (zeros.get_height(), broken.get_height()) == (share, 0)
        assert zeros.get_y() == 0


@pytest.mark.parametrize("largest", [1e-5, 4e-5, 15e3, 3e4, 41e3, 1e30])
def test_numbers_of_the_values_end_before_the_share_of_zeros(largest):
    model = keras.Sequential([keras.Input((4, 4, 1)), L.ReLU(name="relu")])
    images = np.linspace(-largest, largest, 48, dtype=np.float32).reshape(3, 4, 4, 1)
    figure = plot_diagnosis(diagnose(model, images))
    png_from_figure(figure)
    share, _ = axes_of(figure, "relu · zeros").texts
    assert share.get_text() == "50 %"
    *_, last = [label for label in axes_of(figure, "relu").get_xticklabels() if label.get_text()]
    assert last.get_window_extent().x1 + 7 < share.get_window_extent().x0


def test_the_strip_shows_the_state_of_each_channel():
    figure = plot_diagnosis(TOLD)
    names = list(STATES)
    assert [names[state] for state in states_of_layer(TOLD.layer("conv"))] == [
        "fine", "dead", "equal", "equal",
    ]  # fmt: skip
    assert [names[state] for state in states_of_layer(TOLD.layer("dense"))] == ["constant", "fine"]
    (mesh,) = axes_of(figure, "conv:detect · channels").collections
    assert mesh.get_array().ravel().tolist() == states_of_layer(TOLD.layer("conv")).tolist()
    assert "of 4 channels: 1 dead, 2 equal" in words_of(figure)
    assert "of 2 units: 1 constant, 1 saturated" in words_of(figure)


def test_a_cell_shows_both_of_two_states():
    figure = plot_diagnosis(TOLD, layers=["dense", "pool"])
    (below,) = axes_of(figure, "dense · channels").patches
    assert (below.get_x(), below.get_width(), below.get_height()) == (0, 1, 0.5)
    pixels = np.asarray(Image.open(io.BytesIO(png_from_figure(figure))).convert("RGB"))
    height, width = pixels.shape[:2]
    box = axes_of(figure, "dense · channels").get_position()
    column = round(width * (box.x0 + (box.x1 - box.x0) / 4))
    for state, share in (("constant", 0.75), ("saturated", 0.25)):
        row = round(height * (1 - box.y0 - (box.y1 - box.y0) * share))
        wanted = np.rint(np.array(to_rgb(STATES[state])) * 255)
        assert np.abs(pixels[row, column] - wanted).max() <= 1
    words = words_of(figure).replace("\n", " ")
    assert "A cell shows what stands last in the key, and in its lower half what it is" in words
    assert {"constant", "saturated"} <= {text.get_text() for text in figure.texts}


def test_of_many_channels_a_cell_shows_the_worst_and_the_next():
    model = keras.Sequential([keras.Input((2, 1200)), L.ReLU(6.0, name="six")])
    images = np.random.default_rng(0).random((3, 2, 1200))
    images[..., 10], images[..., 11], images[..., 12], images[..., 25] = 0, 7, 2, 7
    images[..., 35:37] = np.array([7, 7, 7, 7, 7, 0.5]).reshape(3, 2, 1)
    told = diagnose(model, images, saturated_from=0.8)
    names = np.array(list(STATES))
    worst, after = names[cells_of_layer(told.layer("six"))]
    assert [*worst[:4]] == ["fine", "dead", "constant", "saturated"]
    assert [*after[:4]] == ["fine", "constant", "saturated", "equal"]
    assert {*worst[4:], *after[4:]} == {"fine"}


def test_the_lowest_float_is_no_bar_and_has_its_name_in_the_key():
    model = keras.Sequential([keras.Input((4, 4, 2)), L.MaxPooling2D(2, name="pool")])
    images = np.random.default_rng(0).random((3, 4, 4, 2))
    images[..., 1] = np.nan
    told = diagnose(model, images, finite=False)
    figure = plot_diagnosis(told)
    assert axes_of(figure, "pool").get_xlim()[0] > -1
    *_, broken = axes_of(figure, "pool · zeros").patches
    assert broken.get_height() == 0.5
    words = words_of(figure)
    assert "of 2 channels: 1 with the lowest float" in words
    assert "NaN, infinite or the lowest float" in words
    images[..., 0] = np.nan
    (text,) = axes_of(plot_diagnosis(diagnose(model, images, finite=False)), "pool").texts
    assert text.get_text() == "no value but the lowest float"


def test_a_dead_channel_among_many_is_not_lost():
    model = keras.Sequential([keras.Input((2, 2, 1000)), L.ReLU(name="relu")])
    images = np.random.default_rng(0).random((2, 2, 2, 1000))
    images[..., 637] = 0
    figure = plot_diagnosis(diagnose(model, images))
    (mesh,) = axes_of(figure, "relu · channels").collections
    states = mesh.get_array().ravel()
    assert len(states) == 120
    assert (states == list(STATES).index("dead")).sum() == 1
    assert "Beyond 120 channels a cell stands for several." in words_of(figure)


def test_the_colours_of_the_strip_are_in_the_file():
    figure = plot_diagnosis(TOLD, layers="conv")
    pixels = np.asarray(Image.open(io.BytesIO(png_from_figure(figure))).convert("RGB"))
    height, width = pixels.shape[:2]
    box = axes_of(figure, "conv:detect · channels").get_position()
    row = round(height * (1 - (box.y0 + box.y1) / 2))
    for number, state in enumerate(("fine", "dead", "equal", "equal")):
        column = round(width * (box.x0 + (box.x1 - box.x0) * (number + 0.5) / 4))
        wanted = np.rint(np.array(to_rgb(STATES[state])) * 255)
        assert np.abs(pixels[row, column] - wanted).max() <= 1


def test_bounds_are_drawn_and_lie_in_sight():
    axes = axes_of(plot_diagnosis(TOLD), "dense")
    assert [line.get_xdata()[0] for line in axes.lines] == [-1.0, 1.0]
    low, high = axes.get_xlim()
    assert low < -1 < 1 < high


def test_a_bound_far_beyond_the_values_does_not_hide_them():
    model = keras.Sequential([keras.Input((3,)), keras.layers.ReLU(6.0, name="six")])
    told = diagnose(model, np.linspace(0, 1e-3, 12, dtype=np.float32).reshape(4, 3))
    assert 6 in told.layer("six").bounds
    figure = plot_diagnosis(told)
    axes = axes_of(figure, "six")
    assert 1e-3 < axes.get_xlim()[1] < 2e-3
    assert not axes.lines
    assert "bound of the activation" not in words_of(figure)


def test_nan_and_infinity_are_told():
    images = IMAGES.copy()
    images[2, 1, 1] = np.nan
    told = diagnose(model_of(), images, "conv", finite=False)
    figure = plot_diagnosis(told)
    *_, broken = axes_of(figure, "conv:filter · zeros").patches
    histogram = told.layer("conv:filter").histogram
    assert broken.get_height() == pytest.approx(histogram.nan_count / histogram.total)
    assert histogram.nan_count > 0
    assert broken.get_y() + broken.get_height() == pytest.approx(1)
    assert "4 with NaN or infinity" in words_of(figure)


@pytest.mark.parametrize(("images", "words"), [
    (np.zeros((2, 5, 6, 1)), "no value but 0"), (np.full((2, 5, 6, 1), np.nan), "no finite value"),
], ids=["zeros", "NaN"])  # fmt: skip
def test_a_layer_without_values_says_so(images, words):
    figure = plot_diagnosis(diagnose(model_of(), images, "conv:filter", finite=False))
    assert words in axes_of(figure, "conv:filter").texts[0].get_text()


@pytest.mark.parametrize("scale", [1e-38, 1e-3, 1.0, 7e5, 3e38])
def test_labels_have_room_at_every_size_of_values(scale):
    model = keras.Sequential([keras.Input((5, 6, 1)), L.Activation("linear", name="same")])
    figure = plot_diagnosis(diagnose(model, np.clip(IMAGES, -1, 1) * np.float32(scale)))
    png_from_figure(figure)
    axes = axes_of(figure, "same")
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert boxes
    for left, right in pairwise(boxes):
        assert left.x1 < right.x0
    zeros = axes_of(figure, "same · zeros").texts[0].get_window_extent()
    assert boxes[-1].x1 < zeros.x0


def test_the_figure_says_what_went_in():
    (line,) = TOLD.went_in
    figure = plot_diagnosis(TOLD, columns=1)
    assert words_of(figure).endswith(f" went in: {line}")
    boxes = [text.get_window_extent() for text in figure.texts]
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    inputs = [keras.Input((2,), name=name) for name in ("left", "right")]
    told = diagnose(keras.Model(inputs, L.Add(name="sum")(inputs)), [np.eye(2), np.full((2, 2), 7)])
    lines = [text.get_text() for text in plot_diagnosis(told).texts]
    assert [line for line in lines if line.startswith("went in")] == [
        f"went in: {line}" for line in told.went_in
    ]
    assert ["2×2 float32, 0" in told.went_in[0], "2×2 float32, 7" in told.went_in[1]] == [True] * 2


def test_what_is_not_shown_is_said():
    assert "2 of 4 layers shown." in words_of(plot_diagnosis(TOLD, most=2))
    assert "layers shown" not in words_of(plot_diagnosis(TOLD))
    figure = plot_diagnosis(TOLD, layers=["dense", "conv"], columns=1)
    assert [axes.get_label() for axes in figure.axes][::3] == ["dense", "conv:detect"]


def key_of(figure):
    return [words for words in map(str, texts_of(figure)) if words in (*STATES, BOUND_WORDS)]


def texts_of(figure):
    return [text.get_text() for text in figure.texts]


BOUND_WORDS = "bound of the activation"


def test_the_key_lists_what_occurs_and_nothing_else():
    assert key_of(plot_diagnosis(TOLD)) == [BOUND_WORDS, "equal", "saturated", "constant", "dead"]
    assert key_of(plot_diagnosis(TOLD, layers=["dense"])) == [BOUND_WORDS, "saturated", "constant"]
    clean = plot_diagnosis(diagnose(model_of(), IMAGES, "conv:filter"), layers=["conv:filter"])
    assert key_of(clean) == ["equal", "dead"]
    model = keras.Sequential([keras.Input((5, 6, 1)), L.Activation("linear", name="same")])
    figure = plot_diagnosis(diagnose(model, IMAGES))
    assert key_of(figure) == []
    assert "none is dead, constant, saturated, equal to another or broken." in words_of(figure)


def test_the_key_and_all_words_lie_on_a_figure_of_one_layer():
    model = keras.Sequential([keras.Input((2, 2, 9)), L.Activation("tanh", name="tanh")])
    images = np.random.default_rng(0).normal(size=(4, 2, 2, 9))
    images[..., 0], images[..., 1], images[..., 2], images[0, 0, 0, 3] = 0, 0.5, 90, np.nan
    images[..., 2] += np.random.default_rng(0).random((4, 2, 2))
    images[..., 4], images[..., 7] = -90 * np.sign(images[..., 5]), images[..., 6]
    figure = plot_diagnosis(diagnose(model, images, finite=False))
    assert len(key_of(figure)) == 6
    png_from_figure(figure)
    width, height = figure.get_size_inches() * figure.dpi
    for text in figure.texts:
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= width, text.get_text()
        assert 0 <= box.y0 < box.y1 <= height, text.get_text()


def test_no_number_of_what_is_wrong_is_cut():
    model = keras.Sequential([keras.Input((3000,)), L.Activation("linear", name="same")])
    images = np.random.default_rng(0).random((3, 3000))
    images[:, :1000], images[:, 1000:1900], images[1, 1900:2500] = 0, 2, np.nan
    words = words_of(plot_diagnosis(diagnose(model, images, finite=False)))
    assert "of 3,000 units: 600 with NaN or infinity, 1,000 dead, 900 constant" in words


def test_marked_layers_that_are_not_drawn_are_named():
    words = words_of(plot_diagnosis(TOLD, most=1))
    assert "1 of 4 layers shown." in words
    assert "Not shown, with marked channels: conv:detect, pool, dense." in words
    assert "Not shown" not in words_of(plot_diagnosis(TOLD))


def test_an_axis_of_few_values_has_two_numbers():
    axes = axes_of(plot_diagnosis(TOLD), "dense")
    counts = TOLD.layer("dense").histogram.counts
    assert counts.max() < 10
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", str(counts.max())]


def test_settings_of_the_user_change_nothing():
    plain = png_from_figure(plot_diagnosis(TOLD))
    dark = {
        "axes.grid": True, "axes.facecolor": "black", "xtick.top": True, "text.color": "red",
        "axes.labelcolor": "red", "ytick.labelsize": 20, "lines.linewidth": 9,
        "axes.titleweight": "bold", "patch.force_edgecolor": True, "image.cmap": "gray",
    }  # fmt: skip
    with mpl.rc_context(dark):
        assert png_from_figure(plot_diagnosis(TOLD)) == plain


def test_hostile_names_are_text():
    model = keras.Sequential([keras.Input((2,)), L.ReLU(name="$x^2$ \\frac")], name="$n$")
    figure = plot_diagnosis(diagnose(model, [[1.0, 2], [3, 4]]))
    assert png_from_figure(figure).startswith(b"\x89PNG")
    assert "$x^2$ \\frac" in words_of(figure)


def colours_of_marks(figure, words):
    return [text.get_color() for text in figure.texts if words in text.get_text()]


def test_what_a_layer_only_passes_on_is_no_alarm():
    model = keras.Sequential([
        keras.Input((2, 2, 1)), L.Flatten(name="row"), L.ReLU(name="relu"),
    ])  # fmt: skip
    images = np.array([[[1.0, 0], [2, -3]], [[3, 0], [0, -1]]])
    told = diagnose(model, images)
    figure = plot_diagnosis(told)
    assert colours_of_marks(figure, "of 4 units: 1 dead, passed on") == [FAINT_INK]
    assert colours_of_marks(figure, "of 4 units: 2 dead") == [ALARM]
    alone = plot_diagnosis(diagnose(model, images, "row"))
    assert colours_of_marks(alone, "of 4 units: 1 dead") == [ALARM]
    assert "passed on" not in words_of(alone)


ERRORS = [
    ("layers", lambda: plot_diagnosis(TOLD, layers=3),
     "layers must be paths of layers or None; got 3"),
    ("layers without an axis", lambda: plot_diagnosis(TOLD, layers=np.array("pool")),
     "layers must be paths of layers or None; got array('pool', dtype='<U4')"),
    ("no diagnosis", lambda: plot_diagnosis(1), "diagnosis must come from diagnose(); got 1"),
    ("no layer", lambda: plot_diagnosis(TOLD, layers=[]),
     "layers must be at least one path; got none"),
    ("unknown layer", lambda: plot_diagnosis(TOLD, layers=["pol"]),
     "path must be one of 'conv:filter', 'conv:detect', 'pool', 'dense'; got 'pol' "
     "(did you mean 'pool'?)"),
    ("columns", lambda: plot_diagnosis(TOLD, columns=0),
     "columns must be a whole number of at least 1; got 0"),
    ("most", lambda: plot_diagnosis(TOLD, most=0),
     "most must be a whole number of at least 1; got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), [row[1:] for row in ERRORS],
                         ids=[row[0] for row in ERRORS])  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(call, text):
    with pytest.raises((ValueError, TypeError, KeyError)) as caught:
        call()
    assert caught.value.args[0] == text


@pytest.mark.parametrize("largest", [1.97e37, 1.0, 0.0123456, 987654.0], ids=str)
def test_the_axis_of_values_has_at_least_two_numbers(largest):
    kernel = np.array(LOPSIDED)[..., None, None] * 0.0
    model = keras.Sequential([keras.Input((5, 6, 1)), L.Conv2D(1, (2, 3), name="conv")])
    model.set_weights([kernel, np.array([largest])])
    axes = axes_of(plot_diagnosis(diagnose(model, IMAGES)), "conv")
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert len(ticks) > 1
    assert ticks[0] == "0"
