"""Filter, detect and condense of every kind of 2-D convolution, by slow loops; and the refusals."""

import keras
import numpy as np
import pytest
from models import fill, images, nested, several

from featviz.captions import settings_text
from featviz.networks.layer_stages import extraction_from_layer
from featviz.networks.maps import feature_maps
from featviz.networks.paths import PathError
from featviz.panels import panels_from_extraction
from featviz.render.plots import plot_extraction

layers = keras.layers
IMAGE = images(3, 1)[0]


def built(*stack, shape=(8, 8, 3)):
    return fill(keras.Sequential([keras.Input(shape), *stack], name="net"))


def slow_conv(image, kernel, bias, stride=1):
    """(H, W, C) with (h, w, C, F), cells outside left out: cross-correlation plus bias."""
    h, w, _, features = kernel.shape
    rows, columns = ((image.shape[n] - kernel.shape[n]) // stride + 1 for n in (0, 1))
    out = np.zeros((rows, columns, features))
    for i, j, f in np.ndindex(*out.shape):
        window = image[i * stride : i * stride + h, j * stride : j * stride + w]
        out[i, j, f] = (window * kernel[..., f]).sum() + bias[f]
    return out


def slow_depthwise(image, kernel, bias):
    """Each channel alone with its own kernels, (h, w, C, M) → maps C × M."""
    parts = [
        slow_conv(image[..., [c]], kernel[:, :, [c]], np.zeros(kernel.shape[3]))
        for c in range(image.shape[2])
    ]
    return np.concatenate(parts, axis=-1) + bias


def slow_spread(image, kernel, bias, stride):
    """Every pixel lays the kernel (h, w, F, C), scaled, on the result."""
    h, w, features, _ = kernel.shape
    out = np.zeros([(image.shape[n] - 1) * stride + max(kernel.shape[n], stride) for n in (0, 1)]
                   + [features])  # fmt: skip
    for i, j, c in np.ndindex(*image.shape):
        out[i * stride : i * stride + h, j * stride : j * stride + w] += (
            image[i, j, c] * kernel[..., c]
        )
    return out + bias


KINDS = {
    "Conv2D": (
        layers.Conv2D(4, (2, 3), strides=2, name="conv"),
        lambda kernel, bias: slow_conv(IMAGE, kernel, bias, 2),
    ),
    "DepthwiseConv2D": (
        layers.DepthwiseConv2D((2, 3), depth_multiplier=2, name="conv"),
        lambda kernel, bias: slow_depthwise(IMAGE, kernel, bias),
    ),
    "SeparableConv2D": (
        layers.SeparableConv2D(4, (2, 3), name="conv"),
        lambda depth, point, bias: slow_conv(slow_depthwise(IMAGE, depth, 0), point, bias),
    ),
    "Conv2DTranspose": (
        layers.Conv2DTranspose(4, (2, 3), strides=2, name="conv"),
        lambda kernel, bias: slow_spread(IMAGE, kernel, bias, 2),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_convolution_gives_its_own_numbers_and_its_bias(kind):
    layer, slow = KINDS[kind]
    layer = type(layer).from_config(layer.get_config())
    model = built(layer, layers.ReLU(name="act"), layers.MaxPooling2D(name="pool"))
    run = extraction_from_layer(model, IMAGE, "conv", channels=[2, 1])
    weights = [np.asarray(one, np.float64) for one in layer.get_weights()]
    expected = slow(*weights)[..., [2, 1]]
    np.testing.assert_allclose(run.filtered, expected, atol=1e-5)
    maps = feature_maps(model, IMAGE)
    for stage, path in (("filter", "conv"), ("detect", "act"), ("condense", "pool")):
        assert run.stage(stage).tobytes() == maps[path][0][..., [2, 1]].tobytes()
    assert run.settings.bias == tuple(weights[-1][[2, 1]].tolist())


def test_the_bias_is_none_without_one_and_one_number_where_all_are_equal():
    model = built(layers.Conv2D(3, 2, use_bias=False, name="conv"))
    assert extraction_from_layer(model, IMAGE, "conv").settings.bias is None
    layer = layers.Conv2D(3, 2, name="conv")
    model = built(layer)
    layer.bias.assign([0.25, 0.25, 0.5])
    assert extraction_from_layer(model, IMAGE, "conv").settings.bias == (0.25, 0.25, 0.5)
    assert extraction_from_layer(model, IMAGE, "conv", channels=[0, 1]).settings.bias == 0.25


def test_the_bias_of_mixed_precision_is_the_one_that_was_added():
    layer = layers.Conv2D(1, 1, dtype="mixed_float16", name="conv")
    model = built(layer)
    layer.kernel.assign(np.zeros((1, 1, 3, 1)))
    layer.bias.assign([0.1])
    run = extraction_from_layer(model, IMAGE, "conv")
    assert run.settings.bias == float(np.float16(0.1)) == run.filtered[0, 0, 0]


@pytest.mark.parametrize("features", [5, 8, 9, 20])
def test_the_eight_strongest_stand_in_the_order_of_their_numbers(features):
    model = built(layers.Conv2D(features, (2, 3), name="conv"), layers.ReLU(name="act"))
    run = extraction_from_layer(model, IMAGE, "conv")
    maps = feature_maps(model, IMAGE)["act"][0]
    strength = [sum(abs(float(v)) for v in maps[..., n].ravel()) for n in range(features)]
    best = sorted(range(features), key=lambda n: (-strength[n], n))[:8]
    assert run.labels == tuple(f"conv · channel {n} of {features}" for n in sorted(best))
    assert run.detected.tobytes() == maps[..., sorted(best)].tobytes()


def test_a_model_of_several_inputs_is_followed_from_the_call_that_is_named():
    model, given = several(3), [images(3, 1), images(3, 1, seed=2)]
    run = extraction_from_layer(model, given, "siamese@2")
    maps = feature_maps(model, given)
    assert run.image.tobytes() == given[1][0].tobytes()
    assert run.detected.tobytes() == maps["siamese@2"][0].tobytes()


BY_STEPS = "was not called where it can be seen: TimeDistributed runs its call() for every step"


@pytest.mark.parametrize("path", ["td/inner", "inner"])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside another"])
def test_a_convolution_that_cannot_be_recorded_is_refused_with_the_reason(path, beside):
    x = keras.Input((2, 5, 4, 3))
    y = layers.TimeDistributed(layers.Conv2D(2, 3, name="inner"), name="td")(x)
    if beside:
        y = [y, layers.Conv2D(2, 2, name="flat")(layers.Reshape((5, 4, 6))(x))]
    with pytest.raises(PathError) as caught:
        extraction_from_layer(keras.Model(x, y), np.ones((2, 5, 4, 3), np.float32), path)
    rule = "path must be one of the convolutions 'flat'" if beside else (
        "model must hold a convolution that can be recorded"
    )  # fmt: skip
    assert str(caught.value) == f"{rule}; got {path!r}, which {BY_STEPS}"


def test_a_convolution_over_windows_of_the_image_is_refused():
    cut = layers.Lambda(lambda x: keras.ops.reshape(x, (-1, 4, 8, 3)), name="cut")
    model = built(cut, layers.Conv2D(2, 2, name="conv"))
    with pytest.raises(ValueError, match="path must") as caught:
        extraction_from_layer(model, IMAGE, "conv")
    assert str(caught.value) == "path must give one map for one image; 'conv' gave 2"


# --- which layers, which channels, and what is drawn for the image ---


def stack(shape=(8, 8, 3), **settings):
    return built(
        layers.Conv2D(9, (2, 3), name="conv", **settings),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="act"),
        layers.MaxPooling2D(name="pool"),
        shape=shape,
    )


def test_the_layers_that_gave_the_stages_are_named():
    run = extraction_from_layer(stack(), IMAGE, "conv")
    assert run.notes[0] == "filter conv, detect norm and act, condense pool"
    inside = built(layers.Conv2D(3, 2, activation="relu", name="conv"))
    assert extraction_from_layer(inside, IMAGE, "conv").notes[0] == "filter conv, detect within it"
    alone = built(layers.Conv2D(3, 2, name="conv"), layers.MaxPooling2D(name="pool"))
    assert extraction_from_layer(alone, IMAGE, "conv").notes[0] == "filter conv, condense pool"
    other = built(layers.Conv2DTranspose(3, 2, name="conv"))
    assert extraction_from_layer(other, IMAGE, "conv").notes[0] == "filter conv (Conv2DTranspose)"


def test_the_layers_of_a_nested_model_are_named_by_their_paths():
    inner = stack()
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, inner(x))
    run = extraction_from_layer(model, IMAGE, "net/conv")
    assert run.notes[0] == "filter net/conv, detect net/norm and net/act, condense net/pool"


def test_which_channels_these_are_is_said_under_the_figure():
    run = extraction_from_layer(stack(), IMAGE, "conv")
    words = (
        "8 of 9 channels: the largest mean magnitudes after detect, in the order of their numbers"
    )
    assert run.notes[1] == words
    assert settings_text(run).startswith(f"{run.notes[0]} · {words} · went in: 1×8×8×3 ")
    assert " given) · stride 1×1 · valid · bias " in settings_text(run)
    assert extraction_from_layer(stack(), IMAGE, "conv", channels=[4]).notes[1] == (
        "1 of 9 channels, as chosen"
    )
    few = built(layers.Conv2D(3, 2, name="conv"))
    assert extraction_from_layer(few, IMAGE, "conv").notes[1] == "all 3 channels"


def test_channels_with_nan_that_are_not_shown_are_counted():
    layer = layers.Conv2D(12, 1, name="conv")
    model = built(layer)
    layer.bias.assign([np.nan, *range(10), np.nan])
    run = extraction_from_layer(model, IMAGE, "conv")
    assert run.notes[1].endswith("order of their numbers; 2 others have NaN or infinity")
    assert np.isfinite(run.detected).all()


def test_several_biases_are_written_short_and_many_as_their_ends():
    layer = layers.Conv2D(8, 1, name="conv")
    model = built(layer)
    layer.bias.assign(np.array([1 / 3, -0.5, 0, 7, 0, 0, 0, 2]))
    two = extraction_from_layer(model, IMAGE, "conv", channels=[0, 1])
    assert "bias 0.333, −0.5 ·" in settings_text(two)
    whole = extraction_from_layer(model, IMAGE, "conv")
    assert "bias −0.5 to 7, one for each map ·" in settings_text(whole)


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
def test_the_picture_before_preprocess_is_drawn_for_the_image(first):
    data_format = "channels_first" if first else "channels_last"
    model = built(
        layers.Conv2D(2, 3, data_format=data_format, name="conv"),
        shape=(3, 8, 8) if first else (8, 8, 3),
    )
    pixels = np.random.default_rng(2).integers(0, 256, (8, 8, 3)).astype(np.float32)
    pixels[0, 0, 0], pixels[0, 0, 1] = 0, 255
    given = np.moveaxis(pixels, -1, 0) if first else pixels
    run = extraction_from_layer(model, given, "conv", preprocess=lambda x: x - np.float32(100))
    np.testing.assert_allclose(run.image, pixels - 100)
    assert run.picture.title == "before preprocess"
    np.testing.assert_allclose(run.picture.colours, pixels / 255, atol=1e-6)
    panel = panels_from_extraction(run)[0]
    assert panel.title == "Image\nbefore preprocess"
    assert panel.lines[0] == "the kernel sees 8×8×3 · −100 to 155"
    assert panel.lines[2] == "0 is black, 255 white"
    np.testing.assert_array_equal(panel.pixels, run.picture.colours)


def test_layers_that_only_prepare_the_image_are_looked_through():
    pixels = np.random.default_rng(2).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    model = built(
        layers.Rescaling(1 / 127.5, -1, name="scale"),
        layers.ZeroPadding2D(1),
        layers.Dropout(0.5),
        layers.Conv2D(2, 3, name="conv"),
    )
    run = extraction_from_layer(model, pixels, "conv", white=255)
    assert run.image.shape == (10, 10, 3)
    assert run.picture.title == "as it went in"
    np.testing.assert_allclose(run.picture.colours, pixels / 255, atol=1e-6)
    with pytest.warns(UserWarning, match="though the layer 'scale' scales from 0..255"):
        shares = extraction_from_layer(model, pixels, "conv")
    np.testing.assert_allclose(shares.picture.colours, pixels / 255, atol=1e-6)


def test_colours_beyond_0_and_1_are_drawn_as_colours():
    run = extraction_from_layer(stack(), IMAGE, "conv")
    low, high = IMAGE.min(), IMAGE.max()
    np.testing.assert_allclose(run.picture.colours, (IMAGE - low) / (high - low), atol=1e-6)
    assert run.picture.words == ("−2.71 is black, 2.87 white",)


def test_maps_of_a_layer_and_plain_images_are_drawn_as_they_are():
    model = built(
        layers.Conv2D(3, 2, name="early"), layers.Conv2D(2, 2, name="late"), shape=(8, 8, 3)
    )
    assert extraction_from_layer(model, IMAGE, "late").picture is None
    plain = np.abs(IMAGE) / 4
    assert extraction_from_layer(model, plain, "early").picture is None
    matrix = np.arange(36.0).reshape(6, 6)
    grey = built(layers.Conv2D(2, 2, name="conv"), shape=(6, 6, 1))
    run = extraction_from_layer(grey, matrix, "conv")
    assert run.picture is None
    assert panels_from_extraction(run)[0].cells[5][5] == "35"


# --- on the page ---


def drawn(run, **options):
    """The first words of the panels, row by row as they stand; and the footnote."""
    figure = plot_extraction(run, **options)
    panels = [axes for axes in figure.axes if axes.images]
    rows = {}
    for axes in panels:
        top = round(axes.get_position().y1, 4)
        rows.setdefault(top, []).append(axes.get_label().split(" ")[0])
    assert list(rows) == sorted(rows, reverse=True)
    footnote = " ".join(text.get_text() for text in figure.texts if text.get_ha() == "left")
    return [" ".join(row) for row in rows.values()], footnote


WHOLE = "Filter Detect Condense"
LAYOUTS = {
    "rows": ["Image " + WHOLE, *[WHOLE] * 2],
    "columns": [
        "Image Filter Filter Filter",
        "Detect " * 2 + "Detect",
        "Condense " * 2 + "Condense",
    ],
    4: ["Image " + WHOLE, *[WHOLE] * 2],
    8: [f"Image {WHOLE} {WHOLE}", WHOLE],
    5: [f"Image {WHOLE} Filter", "Detect Condense " + WHOLE],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_layer_saw_is_drawn_once(layout):
    run = extraction_from_layer(stack(), IMAGE, "conv", channels=range(3))
    assert drawn(run, layout=layout)[0] == LAYOUTS[layout]


ASKED = {
    ("filter", "image"): ["Filter Image", "Filter", "Filter"],
    ("image",): ["Image"],
    ("image", "detect"): ["Image Detect Detect Detect"],
    ("detect", "filter"): ["Detect Filter"] * 3,
    ("condense",): ["Condense"] * 3,
}


@pytest.mark.parametrize("stages", ASKED, ids="+".join)
def test_stages_of_a_layer_are_drawn_as_asked(stages):
    run = extraction_from_layer(stack(), IMAGE, "conv", channels=range(3))
    assert drawn(run, stages=stages)[0] == ASKED[stages]


def test_the_image_of_several_maps_stands_on_the_left_and_nothing_below_it():
    run = extraction_from_layer(stack(), IMAGE, "conv", channels=range(3))
    image, *maps = [axes.get_position() for axes in plot_extraction(run).axes if axes.images]
    assert all(image.x1 < place.x0 for place in maps)
    assert {round(place.x0 + place.width / 2, 4) for place in maps[::3]} == {
        round(maps[0].x0 + maps[0].width / 2, 4)
    }


LEFT_OUT = {
    "no pool": (
        [layers.ReLU()], ["Image " + "Filter Detect " * 3, "Filter Detect " * 2],
        "valid · bias 0 · relu · no pool was found: Condense would repeat Detect",
    ),
    "no activation": (
        [layers.MaxPooling2D()], ["Image " + "Filter Condense " * 3, "Filter Condense " * 2],
        "max 2×2 stride 2×2 · no activation was found: Detect would repeat Filter",
    ),
    "neither": (
        [], ["Image" + " Filter" * 5],
        "valid · bias 0 · no activation was found and no pool was found: "
        "Detect and Condense would repeat Filter",
    ),
    "both": (
        [layers.ReLU(), layers.MaxPooling2D()],
        [f"Image {WHOLE} {WHOLE}", f"{WHOLE} {WHOLE}", WHOLE],
        "valid · bias 0 · relu · max 2×2 stride 2×2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_stage_that_says_nothing_new_is_left_out_and_that_is_said(case):
    after, rows, words = LEFT_OUT[case]
    after = [type(one).from_config(one.get_config()) for one in after]
    conv = layers.Conv2D(5, (2, 3), name="conv", kernel_initializer="glorot_normal")
    model = keras.Sequential([keras.Input((8, 8, 3)), conv, *after])
    run = extraction_from_layer(model, IMAGE, "conv")
    told, footnote = drawn(run)
    assert told == [row.strip() for row in rows]
    assert footnote.endswith(words)
    asked, footnote = drawn(run, stages=("image", "filter", "detect", "condense"))
    assert asked == [f"Image {WHOLE} {WHOLE}", f"{WHOLE} {WHOLE}", WHOLE]
    assert "would repeat" not in footnote


def test_an_activation_without_a_layer_that_is_not_known_is_told_so():
    x = keras.Input((8, 8, 3))
    y = keras.ops.square(layers.Conv2D(2, 2, name="conv")(x))
    model = keras.Model(x, layers.Flatten()(y))
    words = "no activation was found in a layer and no pool was found: "
    run = extraction_from_layer(model, IMAGE, "conv")
    assert words in drawn(run)[1]


def nonexpansive(values):
    return keras.ops.relu(values)


def test_an_activation_whose_name_begins_with_none_is_one():
    model = built(layers.Conv2D(2, 2, name="conv", activation=nonexpansive), shape=(8, 8, 3))
    told, footnote = drawn(extraction_from_layer(model, IMAGE, "conv"))
    assert " ".join(told).split().count("Detect") == 2
    assert "no activation" not in footnote


def test_eight_maps_stand_on_one_page():
    for size, after in ((12, [layers.ReLU(), layers.MaxPooling2D()]), (30, [layers.ReLU()])):
        model = built(
            layers.Conv2D(9, 3, padding="same", name="conv"), *after, shape=(size, size, 1)
        )
        figure = plot_extraction(extraction_from_layer(model, images(1, 1, size=size)[0], "conv"))
        assert figure.get_figwidth() <= 14
        assert figure.get_figheight() <= 12


BESIDE = {(3, 4): 1, (3, 5): 2, (3, 8): 2, (2, 4): 2, (2, 8): 3, (1, 4): 4, (1, 6): 6, (1, 8): 4}


@pytest.mark.parametrize(("stages", "count"), BESIDE, ids=str)
def test_more_maps_than_four_stand_beside_each_other_in_even_rows(stages, count):
    model = built(layers.Conv2D(9, 2, name="conv"), layers.ReLU(), layers.MaxPooling2D())
    run = extraction_from_layer(model, IMAGE, "conv", channels=range(count))
    rows, _ = drawn(run, stages=["image", *WHOLE.lower().split()[:stages]])
    assert len(rows[0].split()) == 1 + stages * BESIDE[stages, count]
    assert sum(len(row.split()) for row in rows) == 1 + stages * count


@pytest.mark.parametrize("count", [2, 8])
def test_the_image_stands_above_columns_that_are_few_or_would_be_too_many(count):
    model = built(layers.Conv2D(9, 2, name="conv"), layers.ReLU(), layers.MaxPooling2D())
    run = extraction_from_layer(model, IMAGE, "conv", channels=range(count))
    rows, _ = drawn(run, layout="columns")
    assert rows == ["Image", *(" ".join([stage] * count) for stage in WHOLE.split())]


# --- classes of the caller's own: only what their numbers bear out ---


class Plain(layers.Conv2D):
    """Says nothing of its own but a call that goes straight on."""

    def call(self, x):
        return super().call(x)


class Flipped(layers.Conv2D):
    """Turns what it is given before its kernels see it."""

    def __call__(self, x, **options):
        return super().__call__(keras.ops.flip(x, 1), **options)


class Normed(layers.Conv2D):
    """A convolution, a batch norm and an activation in one layer."""

    def build(self, shape):
        super().build(shape)
        self.norm = layers.BatchNormalization(name="norm")

    def call(self, x):
        return self.activation(self.norm(self.convolution_op(x, self.kernel) + self.bias))


class Mirrored(layers.Conv2D):
    """Pads with the mirrored image."""

    def call(self, x):
        return super().call(keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect"))


class Doubled(layers.DepthwiseConv2D):
    """Gives twice what its kernels give."""

    def call(self, x):
        return 2 * super().call(x)


class Two(layers.Conv2DTranspose):
    """Takes a second array."""

    def call(self, x, other=None):
        return super().call(x if other is None else x + other)


OWN = {
    "Flipped": (Flipped(2, (2, 3), name="conv"), "gives other numbers"),
    "Normed": (Normed(2, (2, 3), activation="relu", name="conv"), "gives other numbers"),
    "Flipped in half": (Flipped(2, (2, 3), dtype="float16", name="conv"), "gives other numbers"),
    "Mirrored": (Mirrored(2, 3, name="conv"), "gives maps of other sizes"),
    "Doubled": (Doubled((2, 3), name="conv"), "gives other numbers"),
}


@pytest.mark.parametrize("case", OWN)
def test_an_own_convolution_that_does_not_give_what_its_kernels_give_is_refused(case):
    layer, fault = OWN[case]
    model = built(type(layer).from_config(layer.get_config()))
    with pytest.raises(ValueError, match="path must") as caught:
        extraction_from_layer(model, IMAGE, "conv")
    assert str(caught.value) == (
        "path must be a layer that gives its kernels laid on what it is given; got 'conv', whose "
        f"own class {type(layer).__name__} {fault}; plot_feature_maps draws its maps"
    )


def test_a_normalisation_that_was_never_trained_is_seen_in_an_own_convolution():
    x = keras.Input((8, 8, 3))
    model = keras.Model(x, Normed(2, (2, 3), activation="relu", name="conv")(x))
    with pytest.raises(ValueError, match="own class Normed gives other numbers"):
        extraction_from_layer(model, IMAGE, "conv")


def test_an_own_convolution_of_two_arrays_is_refused():
    x = keras.Input((8, 8, 3))
    model = fill(keras.Model(x, Two(2, 2, name="conv")(x, x)))
    with pytest.raises(ValueError, match="own class Two takes 2 arrays"):
        extraction_from_layer(model, IMAGE, "conv")


@pytest.mark.parametrize("dtype", ["float32", "float64", "mixed_float16", "bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_own_convolution_that_does_as_its_class_is_taken(kind, dtype):
    base = type(KINDS[kind][0])

    class Own(base):
        def call(self, x):
            return super().call(x)

    config = KINDS[kind][0].get_config() | {"activation": "elu", "dtype": dtype}
    layer = Own.from_config(config)
    run = extraction_from_layer(built(layer, layers.Dropout(0.5)), IMAGE, "conv")
    whole = extraction_from_layer(built(base.from_config(config)), IMAGE, "conv")
    assert run.filtered.tobytes() == whole.filtered.tobytes()
    assert run.detected.tobytes() == whole.detected.tobytes()
    assert run.settings.activation == "elu(alpha=1)"


@pytest.mark.parametrize("groups", [1, 3])
def test_an_own_convolution_with_channels_first_and_groups_is_taken(groups):
    layer = Plain(6, (2, 3), groups=groups, strides=2, data_format="channels_first", name="conv")
    model = built(layer, shape=(3, 8, 8))
    run = extraction_from_layer(model, np.moveaxis(IMAGE, -1, 0), "conv")
    assert run.filtered.shape == (4, 3, 6)


class Leaky(layers.ReLU):
    """No ReLU at all."""

    def call(self, x):
        return keras.ops.maximum(x, x / 8)


class Same(layers.ReLU):
    """A ReLU."""


class Halved(layers.MaxPooling2D):
    """No largest values."""

    def call(self, x):
        return super().call(x) / 2


def test_own_activations_and_pools_are_taken_for_what_they_give():
    model = built(layers.Conv2D(2, (2, 3), name="conv"), Leaky(name="act"), Halved(name="pool"))
    run = extraction_from_layer(model, IMAGE, "conv")
    assert (run.settings.activation, run.settings.pool) == ("none", "none")
    assert run.notes[0] == "filter conv, then act (Leaky), not shown"
    model = built(layers.Conv2D(2, (2, 3), name="conv"), Same(name="act"), Halved(name="pool"))
    run = extraction_from_layer(model, IMAGE, "conv")
    assert (run.settings.activation, run.settings.pool) == ("relu", "none")
    assert run.notes[0] == "filter conv, detect act"


needs_adaptive = pytest.mark.skipif(
    not hasattr(layers, "AdaptiveMaxPooling2D"), reason="this Keras has no adaptive pools"
)


class Own(layers.AdaptiveMaxPooling2D if hasattr(layers, "AdaptiveMaxPooling2D") else object):
    """As Keras' own."""


@needs_adaptive
@pytest.mark.parametrize("inside", ["relu", None], ids=["activation inside", "a layer"])
@pytest.mark.parametrize("kind", ["AdaptiveMaxPooling2D", "AdaptiveAveragePooling2D", "own"])
def test_adaptive_pools_condense(kind, inside):
    pool = (Own if kind == "own" else getattr(layers, kind))((3, 2), name="pool")
    between = [] if inside else [layers.ReLU(name="act")]
    model = built(layers.Conv2D(3, (2, 3), activation=inside, name="conv"), *between, pool)
    run = extraction_from_layer(model, IMAGE, "conv")
    assert run.notes[0].endswith(", condense pool")
    word, reduce = ("average", np.mean) if "Average" in kind else ("max", np.max)
    assert run.settings.pool == f"adaptive_{word}"
    rows, columns = [(0, 3), (2, 5), (4, 7)], [(0, 3), (3, 6)]  # of 7×6
    slow = [[reduce(run.detected[a:b, c:d], axis=(0, 1)) for c, d in columns] for a, b in rows]
    np.testing.assert_allclose(run.condensed, slow, atol=1e-6)
    assert "no pool was found" not in "".join(one.get_text() for one in plot_extraction(run).texts)


@pytest.mark.skipif(not hasattr(layers, "RMSNormalization"), reason="not in this Keras")
def test_a_normalisation_by_the_root_mean_square_is_named():
    norm = layers.RMSNormalization(name="norm") if hasattr(layers, "RMSNormalization") else None
    model = built(layers.Conv2D(3, (2, 3), name="conv"), norm, layers.ReLU(name="act"))
    run = extraction_from_layer(model, IMAGE, "conv")
    assert run.settings.activation == "rms norm, relu"
    assert run.notes[0] == "filter conv, detect norm and act"
    assert run.detected.tobytes() == feature_maps(model, IMAGE)["act"][0].tobytes()


def across(kind, *size, **settings):
    return kind(*size, data_format="channels_first", **settings)


ACROSS = {
    "a pool": ([across(layers.MaxPooling2D, name="pool")], "pool (MaxPooling2D, channels_first)"),
    "a pool over all": (
        [across(layers.GlobalMaxPooling2D, name="pool")],
        "pool (GlobalMaxPooling2D, channels_first)",
    ),
    "a padding before a pool": (
        [across(layers.ZeroPadding2D, name="pad"), layers.MaxPooling2D(name="pool")],
        "pad (ZeroPadding2D, channels_first)",
    ),
}


@pytest.mark.parametrize("inside", ["relu", None], ids=["relu", "no activation"])
@pytest.mark.parametrize("case", ACROSS)
def test_pools_along_other_axes_are_not_condense_and_are_named(case, inside):
    after, words = ACROSS[case]
    after = [type(one).from_config(one.get_config()) for one in after]
    model = built(layers.Conv2D(3, (2, 3), activation=inside, name="conv"), *after)
    run = extraction_from_layer(model, IMAGE, "conv")
    detect = ", detect within it" if inside else ""
    assert run.notes[0] == f"filter conv{detect}, then {words}, not shown"
    assert (run.settings.pool, run.pool_axes) == ("none", None)
    assert run.condensed.tobytes() == run.detected.tobytes()


def test_of_two_pools_the_one_along_the_maps_condenses():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(2, (2, 3), activation="relu", name="conv")(x)
    ways = [across(layers.MaxPooling2D, name="other")(y), layers.MaxPooling2D(name="pool")(y)]
    run = extraction_from_layer(fill(keras.Model(x, ways)), IMAGE, "conv")
    assert run.notes[0] == "filter conv, detect within it, condense pool"


# --- what comes after, what went in, which layer it is ---


AFTER = {
    "a padding": (
        [layers.ZeroPadding2D(1, name="pad"), layers.ReLU(name="act"), layers.MaxPooling2D()],
        "filter conv, then pad (ZeroPadding2D), not shown",
    ),
    "a norm and a padding": (
        [layers.BatchNormalization(name="norm"), layers.ZeroPadding2D(name="pad"), layers.ReLU()],
        "filter conv, detect norm, then pad (ZeroPadding2D), not shown",
    ),
    "a pool before the activation": (
        [layers.MaxPooling2D(name="pool"), layers.ReLU(name="act")],
        "filter conv, condense pool, then act (ReLU), not shown",
    ),
    "a layer that changes nothing": (
        [layers.Dropout(0.5, name="drop"), layers.ReLU(name="act")],
        "filter conv, detect act",
    ),
    "nothing after that either": (
        [layers.Dropout(0.5, name="drop"), layers.ZeroPadding2D(1, name="pad")],
        "filter conv, then pad (ZeroPadding2D), not shown",
    ),
}


@pytest.mark.parametrize("case", AFTER)
def test_what_comes_after_is_named_where_no_activation_was_found(case):
    after, words = AFTER[case]
    after = [type(one).from_config(one.get_config()) for one in after]
    run = extraction_from_layer(built(layers.Conv2D(3, 2, name="conv"), *after), IMAGE, "conv")
    assert run.notes[0] == words


def test_several_layers_that_come_after_are_counted_and_a_model_around_them_is_not():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(2, 2, padding="same", name="conv")(x)
    inner = keras.Sequential([keras.Input((8, 8, 2)), layers.Conv2D(2, 2, name="deep")], name="in")
    branches = [layers.Flatten(name="flat")(y), inner(y), layers.UpSampling2D(name="up")(y)]
    run = extraction_from_layer(keras.Model(x, branches), IMAGE, "conv")
    first, _, more = run.notes[0].partition(" and ")
    assert first.startswith("filter conv, then ")
    assert more == "1 more, not shown"
    assert "in (Sequential)" not in run.notes[0]


def test_what_the_model_was_given_is_said_under_the_figure():
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[0, 0, 0] = 255
    run = extraction_from_layer(stack(), pixels, "conv", preprocess=lambda x: x * 2 - 1)
    line = feature_maps(stack(), pixels, preprocess=lambda x: x * 2 - 1).went_in[0]
    assert run.notes[2] == f"went in: {line}"
    assert line.startswith("1×8×8×3 float32, −1 to 1 (")
    assert run.notes[2] in settings_text(run)
    model, given = several(3), [images(3, 1), images(3, 1, seed=2)]
    both = feature_maps(model, given).went_in
    assert (
        extraction_from_layer(model, given, "siamese@2").notes[2] == f"went in: {'; '.join(both)}"
    )


def test_labels_name_the_layer_short_where_that_is_enough():
    model = nested(3)
    for path, name in (
        ("outer/middle/inner@2/c", "outer/middle/inner@2/c"),
        ("outer/middle/inner/c", "outer/middle/inner/c"),
        ("outer/conv", "conv"),
    ):
        run = extraction_from_layer(model, IMAGE, path, channels=1)
        assert run.labels[0].startswith(f"{name} · channel 1 of ")
    model, given = several(3), [images(3, 1), images(3, 1, seed=2)]
    labels = [extraction_from_layer(model, given, path).labels[0] for path in
              ("siamese", "siamese@2")]  # fmt: skip
    assert [label.split(" · ")[0] for label in labels] == ["siamese", "siamese@2"]
