"""``layer_kernels``: what a layer gives for impulses is what its kernels say."""

import itertools

import keras
import numpy as np
import pytest
from definitions import LOPSIDED, slow_filter
from models import KINDS

import featviz as fv
from featviz.geometry import slide
from featviz.networks.layer_paths import layers_by_path, path_of_layer
from featviz.networks.layer_shapes import trace_model
from featviz.networks.maps import feature_maps
from featviz.networks.weights import layer_kernels

layers = keras.layers
SHAPES = {1: (9,), 2: (8, 7), 3: (5, 6, 4)}


def filled(layer, shape, seed=5):
    """A model of one layer with weights of their own, none like another."""
    inputs = keras.Input(shape)
    model = keras.Model(inputs, layer(inputs))
    generator = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(generator.normal(0, 1, weight.shape))
    return model


def slow_layer(image, kernels):
    """(…, C) through the kernels, one loop for each sum; the definition."""
    weights, groups = kernels.weights.astype(np.float64), kernels.groups
    window, per_group = weights.shape[:-2], weights.shape[-1] // groups
    axes = [
        slide(n, k, stride=s, dilation=d, padding=kernels.padding)
        for n, k, s, d in zip(
            image.shape[:-1], window, kernels.strides, kernels.dilation, strict=True
        )
    ]
    padded = np.pad(image, [*((a.before, a.after) for a in axes), (0, 0)])
    out = np.zeros([*(axis.outputs for axis in axes), weights.shape[-1]])
    for cell in np.ndindex(*out.shape[:-1]):
        for tap in np.ndindex(*window):
            places = zip(cell, tap, axes, strict=True)
            pixel = padded[tuple(c * a.stride + t * a.dilation for c, t, a in places)]
            for f in range(weights.shape[-1]):
                first = f // per_group * weights.shape[-2]
                out[(*cell, f)] += (
                    pixel[first : first + weights.shape[-2]] @ weights[(*tap, slice(None), f)]
                )
    return out + (0 if kernels.bias is None else kernels.bias)


ONE_KERNEL_EACH = {
    "one axis": (layers.Conv1D(3, 2, strides=2, padding="same"), (9, 2)),
    "two axes": (layers.Conv2D(3, (2, 3), strides=(2, 1), padding="same"), (8, 7, 2)),
    "three axes": (layers.Conv3D(2, (2, 1, 3), padding="same"), (4, 3, 5, 2)),
    "dilated": (layers.Conv2D(2, (2, 3), dilation_rate=2, padding="same"), (8, 6, 3)),
    "grouped": (layers.Conv2D(4, (2, 3), groups=2), (6, 6, 6)),
    "depthwise": (layers.DepthwiseConv2D((2, 3), depth_multiplier=2, padding="same"), (6, 5, 3)),
    "depthwise of one axis": (layers.DepthwiseConv1D(3, depth_multiplier=2), (6, 3)),
    "separable": (layers.SeparableConv2D(4, (2, 3), depth_multiplier=2), (6, 5, 3)),
    "separable of one axis": (layers.SeparableConv1D(4, 3, padding="same"), (6, 3)),
    "dense at each place": (layers.Dense(3), (4, 5, 2)),
    "without bias": (layers.Conv2D(2, (2, 3), use_bias=False), (5, 5, 1)),
}


@pytest.mark.parametrize("name", ONE_KERNEL_EACH)
def test_a_layer_gives_what_its_kernels_say(name):
    layer, shape = ONE_KERNEL_EACH[name]
    layer = type(layer).from_config(layer.get_config())
    model = filled(layer, shape)
    kernels = layer_kernels(model, layer.name)
    image = np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)
    given = np.asarray(model(image[None]))[0]
    np.testing.assert_allclose(given, slow_layer(image, kernels), atol=2e-5)
    assert not kernels.weights.flags.writeable
    assert kernels.weights.dtype == np.float32


def test_a_transposed_layer_spreads_what_its_kernels_say():
    layer = layers.Conv2DTranspose(2, (2, 3), strides=2, padding="same", name="up")
    model = filled(layer, (4, 5, 3))
    kernels = layer_kernels(model, "up")
    assert kernels.weights.shape == (2, 3, 3, 2)
    assert kernels.note.startswith("transposed")
    image = np.random.default_rng(1).normal(0, 1, (4, 5, 3)).astype(np.float32)
    expected = np.zeros((8, 11, 2))  # two rows and three columns from each cell on, cut below
    for (i, j), tap in itertools.product(np.ndindex(4, 5), np.ndindex(2, 3)):
        expected[2 * i + tap[0], 2 * j + tap[1]] += image[i, j] @ kernels.weights[tap]
    given = np.asarray(model(image[None]))[0]
    np.testing.assert_allclose(given, expected[:, :10] + kernels.bias, atol=1e-5)
    alone = fv.filter_transposed(image[None, :, :, 1:2], kernels.kernel(0, 1), **kernels.options)
    image[:, :, [0, 2]] = 0
    given = np.asarray(model(image[None]))[0, :, :, 0] - kernels.bias[0]
    np.testing.assert_allclose(np.squeeze(alone), given, atol=1e-5)
    with pytest.raises(TypeError, match="output_padding"):  # it would slide, not spread
        fv.extract(image[:, :, 1], kernels.kernel(0, 1), **kernels.options)


def test_a_transposed_layer_that_was_told_its_size_gives_no_options():
    layer = layers.Conv2DTranspose(2, (2, 3), strides=2, output_padding=1, name="up")
    kernels = layer_kernels(filled(layer, (4, 5, 3)), "up")
    assert kernels.output_padding == (1, 1)
    with pytest.raises(ValueError, match="without output_padding; 'up' has 1×1; take its weights"):
        assert kernels.options


SLIDES = {
    "stride 2, same, even size": {"strides": 2, "padding": "same"},
    "dilation 2, same": {"dilation_rate": 2, "padding": "same"},
    "valid": {"padding": "valid"},
    "uneven strides": {"strides": (1, 3), "padding": "same"},
}


@pytest.mark.parametrize("name", SLIDES)
def test_a_kernel_runs_through_extract_as_in_its_layer(name):
    layer = layers.Conv2D(2, (2, 3), activation="relu", name="conv", **SLIDES[name])
    inputs = keras.Input((8, 6, 1))
    model = keras.Model(inputs, layer(inputs))
    second = np.arange(6.0).reshape(2, 3) - 2
    layer.set_weights([np.stack([LOPSIDED, second], -1)[:, :, None], np.array([0.5, -1.0])])
    image = np.random.default_rng(2).normal(0, 1, (8, 6)).astype(np.float32)
    given = np.asarray(model(image[None, :, :, None]))[0]
    kernels = layer_kernels(model, "conv")
    for feature in range(2):
        run = fv.extract(
            image,
            kernels.kernel(feature),
            bias=float(kernels.bias[feature]),
            **kernels.options,
        )
        np.testing.assert_allclose(run.detected[:, :, 0], given[:, :, feature], atol=1e-5)
    assert kernels.kernel(0).rows == tuple(map(tuple, LOPSIDED))
    assert kernels.kernel(0).name == "conv 0"


def test_the_kernels_of_all_channels_add_up_to_the_layer():
    layer = layers.Conv2D(2, (2, 3), groups=2, use_bias=False, name="conv")
    model = filled(layer, (6, 5, 4))
    kernels = layer_kernels(model, "conv")
    image = np.random.default_rng(2).normal(0, 1, (6, 5, 4)).astype(np.float32)
    given = np.asarray(model(image[None]))[0]
    for feature in range(2):
        parts = [
            slow_filter(image[:, :, channel], kernels.kernel(feature, at).rows)
            for at, channel in enumerate(kernels.channels_of(feature))
        ]
        np.testing.assert_allclose(sum(parts), given[:, :, feature], atol=1e-5)
    assert list(kernels.channels_of(1)) == [2, 3]
    assert kernels.kernel(1, 1).name == "conv 1 · channel 3"


def test_a_causal_layer_runs_through_extract():
    layer = layers.Conv1D(1, 3, dilation_rate=2, padding="causal", name="conv")
    model = filled(layer, (9, 1))
    line = np.random.default_rng(2).normal(0, 1, (1, 9)).astype(np.float32)
    kernels = layer_kernels(model, "conv")
    run = fv.extract(line, kernels.kernel(0), bias=float(kernels.bias[0]), **kernels.options)
    given = np.asarray(model(line[..., None]))[0, :, 0]
    np.testing.assert_allclose(run.filtered[0, :, 0], given, atol=1e-5)


def test_the_parts_of_a_separable_layer_make_the_whole():
    layer = layers.SeparableConv2D(4, (2, 3), depth_multiplier=2, name="sep")
    kernels = layer_kernels(filled(layer, (6, 5, 3)), "sep")
    depth, point = kernels.parts
    image = np.random.default_rng(1).normal(0, 1, (6, 5, 3))
    through = slow_layer(slow_layer(image, depth), point)
    np.testing.assert_allclose(through, slow_layer(image, kernels), atol=1e-5)
    assert (depth.groups, depth.bias, point.weights.shape) == (3, None, (1, 1, 6, 4))


@pytest.mark.parametrize("kind", ["Conv2D", "Dense"])
def test_lora_is_part_of_the_kernels(kind):
    layer = layers.Conv2D(3, (2, 3)) if kind == "Conv2D" else layers.Dense(3)
    model = filled(layer, (5, 5, 2))
    layer.enable_lora(2)
    for weight in layer.weights:
        weight.assign(np.random.default_rng(weight.shape[0]).normal(0, 1, weight.shape))
    kernels = layer_kernels(model, layer.name)
    image = np.random.default_rng(1).normal(0, 1, (5, 5, 2)).astype(np.float32)
    given = np.asarray(model(image[None]))[0]
    np.testing.assert_allclose(given, slow_layer(image, kernels), atol=1e-4)
    assert kernels.note == "LoRA added"


@pytest.mark.parametrize("lora", [False, True], ids=["plain", "with LoRA"])
def test_int8_weights_are_scaled_back(lora):
    layer = layers.Dense(3)
    model = filled(layer, (4,))
    before = layer_kernels(model, layer.name).weights
    layer.quantize("int8")
    if lora:
        layer.enable_lora(2)
        layer.lora_kernel_a.assign([[1, 0], [0, 2], [1, 1], [0, -1]])
        layer.lora_kernel_b.assign([[0.5, 0, -1], [0, 1, 0.25]])
    kernels = layer_kernels(model, layer.name)
    given = np.asarray(layer(np.eye(4, dtype=np.float32))) - kernels.bias
    np.testing.assert_allclose(given, kernels.weights[0, 0], atol=1e-5)
    assert kernels.note == "int8 divided by its scales" + "; LoRA added" * lora
    assert lora or np.abs(kernels.weights - before).max() <= np.abs(before).max() / 250
    assert not np.array_equal(kernels.weights, before)


def test_another_quantisation_is_refused():
    layer = layers.Dense(4, name="head")
    model = filled(layer, (4,))
    layer.quantize("int4")
    with pytest.raises(ValueError, match="'head' is quantised to int4"):
        layer_kernels(model, "head")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16"])
def test_half_precision_comes_as_float32(dtype):
    layer = layers.Conv2D(1, (2, 3), dtype=dtype, name="conv")
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.array(LOPSIDED)[:, :, None, None], np.array([0.5])])
    kernels = layer_kernels(model, "conv")
    assert kernels.weights[:, :, 0, 0].tolist() == LOPSIDED
    assert kernels.note == ("" if dtype == "mixed_float16" else f"{dtype} as float32")


@pytest.mark.parametrize("kind", KINDS)
def test_paths_are_those_of_a_recording(kind):
    model = KINDS[kind]()
    recorded = {path_of_layer(entry.path): entry.layer for entry in trace_model(model).entries}
    held = layers_by_path(model)
    assert recorded
    assert all(held[path] is layer for path, layer in recorded.items())


def test_layers_of_one_name_are_told_apart_by_their_calls():
    class Pair(keras.Model):
        def __init__(self):
            super().__init__(name="pair")
            self.late = layers.Conv2D(1, 1, name="conv")
            self.early = layers.Conv2D(2, 1, name="conv")

        def call(self, x):
            return self.late(self.early(x))

    model = Pair()
    model(np.zeros((1, 3, 3, 1), np.float32))
    assert layer_kernels(model, "conv").features == 2
    assert layer_kernels(model, "conv#2:detect").features == 1


def test_any_name_of_a_call_finds_the_layer():
    model = KINDS["functional"]()
    assert layer_kernels(model, "shared@2").path == "shared@2"
    assert layer_kernels(model, "conv:filter").features == 4


class Swapping(layers.Layer):
    """Two layers of one name, whose second call runs them in another order."""

    def __init__(self):
        super().__init__(name="b")
        self.one, self.two = (layers.Conv2D(2, 1, name="x") for _ in range(2))
        self.swap = False

    def build(self, shape):
        self.one.build(shape)
        self.two.build(shape)
        self.built = True

    def call(self, x, swap=False):
        return self.one(self.two(x)) if swap else self.two(self.one(x))


class SwappingTwice(keras.Model):
    def __init__(self):
        super().__init__(name="twice")
        self.block = Swapping()

    def call(self, x):
        return self.block(self.block(x), swap=True)


def test_the_first_call_decides_which_layer_has_a_name():
    model, image = SwappingTwice(), np.ones((1, 3, 3, 2), np.float32)
    model(image)
    maps = feature_maps(model, image)
    for path in ("b/x", "b/x#2", "b@2/x", "b@2/x#2"):
        kernels = layer_kernels(model, path)
        before = {"b/x": image, "b/x#2": maps["b/x"], "b@2/x": maps["b"], "b@2/x#2": maps["b@2/x"]}
        np.testing.assert_allclose(slow_layer(before[path][0], kernels), maps[path][0], atol=1e-5)
        assert kernels.path == path


def nothing(*_given, **_more):
    """Stands for a computation of one's own."""


@pytest.mark.parametrize("kind", ["Conv2D", "Dense", "SeparableConv2D", "Conv2DTranspose"])
@pytest.mark.parametrize("name", ["call", "__call__", "convolution_op"])
def test_kernels_of_a_layer_that_computes_in_its_own_way_are_said_to_be_as_kept(kind, name):
    base = getattr(layers, kind)
    own = type("Own", (base,), {name: nothing})
    inputs = keras.Input((6, 5, 2))
    model = keras.Model(inputs, base(*((3,) if kind == "Dense" else (3, 2)), name="c")(inputs))
    assert "as kept" not in layer_kernels(model, "c").note
    model.get_layer("c").__class__ = own
    kernels = layer_kernels(model, "c")
    for one in (kernels, *kernels.parts):
        assert one.note.endswith("as kept: Own computes in its own way, maybe with other weights")


@pytest.mark.parametrize("path", ["c", "inner/c", "inner/c:filter", "c:detect", "inner/c[0]"])
def test_kernels_bear_the_full_path_of_their_layer(path):
    inner = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Conv2D(1, 2, activation="relu", name="c")], name="inner"
    )
    inputs = keras.Input((4, 4, 1))
    kernels = layer_kernels(keras.Model(inputs, inner(inputs)), path)
    assert kernels.path == "inner/c"
    assert kernels.kernel(0).name == "inner/c 0"


KERNELS_OF_IT = "path must be a layer with kernels, one of 'conv', 'dead'"
WRONG = {
    "an unknown path": ("conf", rf"{KERNELS_OF_IT}.*; got 'conf' \(did you mean 'conv'\?\)"),
    "nearest of a layer without kernels": ("poll", rf"{KERNELS_OF_IT}.*; got 'poll'$"),
    "a layer without kernels": (
        "pool",
        rf"{KERNELS_OF_IT}.*; got 'pool', of the kind MaxPooling2D",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_no_kernels_is_said(name):
    path, sentence = WRONG[name]
    with pytest.raises(ValueError, match=sentence):
        layer_kernels(KINDS["sequential"](), path)
    with pytest.raises(TypeError, match="path must be the text"):
        layer_kernels(KINDS["sequential"](), 3)


def test_a_model_without_kernels_says_so():
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.ReLU(name="relu")], name="bare")
    with pytest.raises(ValueError, match=r"must be a layer with kernels; 'bare' has none"):
        layer_kernels(model, "relu")


def test_the_nearest_of_many_layers_is_found_beyond_those_that_are_listed():
    parts = [layers.Conv2D(1, 1, name=f"conv_{n:02}") for n in range(40)]
    model = keras.Sequential([keras.Input((4, 4, 1)), *parts])
    with pytest.raises(ValueError, match=r"and 10 more; got 'convx_39' \(did you mean 'conv_39'"):
        layer_kernels(model, "convx_39")


THROUGH_EXTRACT = {
    "depthwise": (layers.DepthwiseConv2D((2, 3), depth_multiplier=2, padding="same"), (6, 5, 3)),
    "grouped": (layers.Conv2D(4, (3, 2), groups=2, strides=2, padding="same"), (6, 5, 4)),
    "separable": (layers.SeparableConv2D(3, (2, 3), depth_multiplier=2), (6, 5, 2)),
    "1×1": (layers.Conv2D(3, 1, strides=(2, 1)), (6, 5, 4)),
    "dense": (layers.Dense(3), (6, 5, 2)),
    "LoRA": (layers.Conv2D(2, (2, 3), padding="same"), (6, 5, 2)),
    "int8": (layers.Dense(3), (6, 5, 2)),
}


@pytest.mark.parametrize("name", THROUGH_EXTRACT)
def test_kernels_taken_one_by_one_through_extract_add_up_to_their_layer(name):
    layer, shape = THROUGH_EXTRACT[name]
    layer = type(layer).from_config(layer.get_config())
    model = filled(layer, shape)
    if name == "LoRA":
        layer.enable_lora(2)
        layer.lora_kernel_b.assign(np.linspace(-1, 1, 4).reshape(2, 2))
    if name == "int8":
        layer.quantize("int8")
    kernels = layer_kernels(model, layer.name)
    image = np.random.default_rng(2).normal(0, 1, shape).astype(np.float32)
    given = np.asarray(model(image[None]))[0]
    for feature in range(kernels.features):
        parts = [
            fv.extract(image[:, :, read], kernels.kernel(feature, at), **kernels.options)
            for at, read in enumerate(kernels.channels_of(feature))
        ]
        summed = sum(part.filtered[:, :, 0] for part in parts) + kernels.bias[feature]
        # int8 layers round what goes in as well: to 1/127 of the largest number of a place.
        rounding = 0.05 if name == "int8" else 1e-5
        np.testing.assert_allclose(summed, given[:, :, feature], atol=rounding)


def test_a_kernel_must_be_there():
    kernels = layer_kernels(filled(layers.Conv3D(2, 2, name="c"), (3, 3, 3, 2)), "c")
    for arguments, sentence in (
        ((2,), "feature must be below 2; got 2"),
        ((0, 2), "channel must be below 2; got 2"),
        ((0, 0), "depth must name one plane of the 2×2×2 kernel; got None"),
    ):
        with pytest.raises(ValueError, match=sentence):
            kernels.kernel(*arguments)
    assert kernels.kernel(1, 0, depth=1).rows == tuple(
        map(tuple, kernels.weights[1, :, :, 0, 1].astype(float).tolist())
    )
    flat = layer_kernels(filled(layers.Conv2D(1, 2, name="c"), (3, 3, 1)), "c")
    with pytest.raises(ValueError, match="depth must be None for a Conv2D; got 0"):
        flat.kernel(0, 0, depth=0)
