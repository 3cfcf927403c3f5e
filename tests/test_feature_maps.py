"""What a recording is as a value; filter, detect and condense of one layer."""

import pickle
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from models import fill, functional, images, nested, sequential, subclassed
from PIL import Image

import featviz as fv
from featviz.networks.layer_stages import extraction_from_layer
from featviz.networks.maps import feature_maps, stream_feature_maps
from featviz.networks.paths import PathError
from featviz.networks.words import settings_of_layer

layers = keras.layers
IMAGE = images(3, 1)[0]


def same_bits(one, other):
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    return (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )


def test_feature_maps_are_read_as_a_mapping():
    maps = feature_maps(sequential(3), images(3))
    assert list(maps) == list(maps.keys()) == list(maps.arrays)
    assert len(maps) == len(maps.values()) == len(maps.items()) == 9
    assert "conv" in maps
    assert "conv:filter" in maps
    assert "cnov" not in maps
    assert maps.get("cnov", 5) == 5
    assert maps.path("conv") == "conv:detect"
    info = maps.layers["conv:filter"]
    assert (info.base, info.name, info.kind) == ("conv", "conv", "Conv2D")
    assert info.settings == "2×3, 4 features, valid, relu"
    assert repr(maps).splitlines()[:2] == [
        "FeatureMaps of plain: 9 entries",
        "  conv:filter  2×7×6×4  float32",
    ]


def test_what_went_in_is_a_tuple_of_lines():
    maps = feature_maps(sequential(3), images(3))
    line = "2×8×8×3 float32, −2.71 to 3.1 (float32 as given), of all 2 images"
    assert maps.went_in == (line,)
    assert list(maps.went_in) == [line]
    assert maps.went_in[0] == line
    assert len(maps.went_in) == 1
    assert repr(maps.went_in) == repr((line,))
    assert hash(maps.went_in) == hash((line,))
    assert pickle.loads(pickle.dumps(maps.went_in)) == (line,)


def test_a_stream_gives_the_images_in_order():
    x = images(3, 5)
    whole = feature_maps(sequential(3), x, "pool")
    parts = list(stream_feature_maps(sequential(3), x, "pool", batch_size=2))
    assert [len(part.images[0]) for part in parts] == [2, 2, 1]
    assert same_bits(np.concatenate([part.images[0] for part in parts]), x)
    assert same_bits(np.concatenate([part["pool"] for part in parts]), whole["pool"])


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_stream_lets_go_of_a_batch_before_the_next_one_runs(compiled):
    given, alive = [], []

    def looking(batch):
        alive.append([ref() is not None for ref in given])
        return batch

    stream = stream_feature_maps(
        sequential(3), images(3, 12), batch_size=2, compiled=compiled, preprocess=looking
    )
    for maps in stream:
        given += [weakref.ref(array) for array in (*maps.values(), *maps.images)]
        del maps
    assert [len(flags) for flags in alive] == [0, 10, 20, 30, 40, 50]
    assert not any(map(any, alive))


class Pairs(keras.utils.PyDataset):
    def __init__(self, x):
        super().__init__()
        self.x = x

    num_batches = 3

    def __getitem__(self, index):
        return self.x[2 * index : 2 * index + 2], np.zeros(2)


STREAMS = {
    "a data set": lambda x: tf.data.Dataset.from_tensor_slices((x, np.arange(6))).batch(4),
    "a shuffled data set": lambda x: tf.data.Dataset.from_tensor_slices(x).shuffle(6).batch(2),
    "a PyDataset": Pairs,
    "a generator": iter,
    "a generator of batches": lambda x: (x[at : at + 2] for at in (0, 2, 4)),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_streams_of_images_are_taken_as_arrays_are(kind):
    model, x = sequential(3), images(3, 6)
    maps = feature_maps(model, STREAMS[kind](x), "pool", batch_size=2, compiled=False)
    order = [int(np.argmin(np.abs(x - one).sum(axis=(1, 2, 3)))) for one in maps.images[0]]
    assert sorted(order) == list(range(6))
    assert order == list(range(6)) or "shuffled" in kind
    assert same_bits(maps.images[0], x[order])
    assert same_bits(maps["pool"], feature_maps(model, x, "pool", compiled=False)["pool"][order])
    some = stream_feature_maps(model, STREAMS[kind](x), "pool", limit=3, compiled=False)
    assert sum(len(part["pool"]) for part in some) == 3


def test_a_folder_is_taken(empty_folder):
    for number in range(3):
        pixels = np.full((8, 8, 3), 50 * number, np.uint8)
        Image.fromarray(pixels).save(empty_folder / f"{number}.png")
    maps = feature_maps(sequential(3), empty_folder, "pool", compiled=False)
    assert np.rint(maps.images[0][:, 0, 0, 0] * 255).tolist() == [0, 50, 100]


def test_a_stream_is_measured_as_it_grows():
    model, read = sequential(3), []

    def endless():
        while True:
            read.append(1)
            yield IMAGE

    each = feature_maps(model, IMAGE)
    one = sum(array.nbytes for array in each.values())
    with pytest.raises(ValueError, match="maps must") as caught:
        feature_maps(model, endless(), batch_size=1, compiled=False, max_bytes=3 * one + 1)
    assert f"; those of the first 4 images take {4 * one:,}; name" in str(caught.value)
    assert len(read) <= 5
    with pytest.raises(ValueError, match="images must hold at least one image; got none"):
        feature_maps(model, iter(()))
    with pytest.raises(ValueError, match=r"images must have an end; .* pass limit=1000"):
        feature_maps(model, tf.data.Dataset.from_tensors(IMAGE).repeat())


def test_batches_of_other_sizes_are_no_one_value():
    x = keras.Input((None, None, 1))
    model = fill(keras.Model(x, layers.Conv2D(2, 2, name="conv")(x)))
    batches = [images(1, 2), images(1, 2, 5)]
    sizes = [maps["conv"].shape for maps in stream_feature_maps(model, iter(batches))]
    assert sizes == [(2, 7, 7, 2), (2, 4, 4, 2)]
    with pytest.raises(ValueError, match="images must have one size; got 8×8×1 and 5×5×1; take"):
        feature_maps(model, iter(batches))


@pytest.mark.parametrize("batch_size", [1, 8], ids=["several batches", "one batch"])
def test_all_that_comes_back_is_read_only(batch_size):
    maps = feature_maps(sequential(3), images(3, 3), batch_size=batch_size)
    for array in (*maps.values(), *maps.images):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


class OwnReLU(layers.ReLU):
    """A class of the caller's own has the settings of Keras' own below it."""


class UpSampling2D(layers.Layer):
    """Is called like one of Keras' own, and is none."""

    size = scale = rate = (3, 3)


SETTINGS = {
    "3×3, 8 features, stride 2, same, relu": layers.Conv2D(
        8, 3, strides=2, padding="same", activation="relu"
    ),
    "2×3, 1 feature, stride 2×1, valid": layers.Conv2D(1, (2, 3), strides=(2, 1)),
    "3×3, 4 features, dilation 2, 2 groups, valid": layers.Conv2D(4, 3, dilation_rate=2, groups=2),
    "3, 4 features, causal": layers.Conv1D(4, 3, padding="causal"),
    "2×2, stride 2, valid": layers.MaxPooling2D(),
    "10 features, softmax": layers.Dense(10, activation="softmax"),
    "tanh": layers.Activation("tanh"),
    "": layers.Flatten(),
    "max 6": layers.ReLU(6.0),
    "max 0.25, slope 0.3, threshold 1.5": OwnReLU(0.25, 0.3, 1.5),
    "max 0": layers.ReLU(0),
    "slope 0.2": layers.LeakyReLU(0.2),
    "alpha 0.0123457": layers.ELU(0.0123456789),
    "scale 0.00784314, offset −1": layers.Rescaling(1 / 127.5, -1),
    "scale 127.5": layers.Rescaling(127.5),
    "scale (2, 2.5), offset (0, 1)": layers.Rescaling([2, 2.5], np.array([0.0, 1.0])),
    "scale of 7 numbers": layers.Rescaling([1, 2, 3, 4, 5, 6, 7]),
    "rate 0.3": layers.SpatialDropout2D(0.3),
    "rate 0.1": layers.AlphaDropout(0.1),
    "padding 3": layers.ZeroPadding2D(3),
    "padding (1, 2)": layers.ZeroPadding2D((1, 2)),
    "padding ((0, 1), (0, 1))": layers.ZeroPadding2D(((0, 1), (0, 1))),
    "padding ((1, 1), (0, 1))": layers.ZeroPadding2D(((1, 1), (0, 1))),
    "padding (2, 0)": layers.ZeroPadding1D((2, 0)),
    "cropping (1, 2, 3)": layers.Cropping3D((1, 2, 3)),
    "cropping 1": layers.Cropping1D(1),
    "size 2, bilinear": layers.UpSampling2D(interpolation="bilinear"),
    "size (2, 3), nearest": layers.UpSampling2D((2, 3)),
    "size 4": layers.UpSampling1D(4),
}


@pytest.mark.parametrize("words", SETTINGS, ids=lambda words: words or "nothing to say")
def test_the_settings_of_a_layer_are_told_in_words(words):

    assert settings_of_layer(SETTINGS[words]) == words
    assert settings_of_layer(UpSampling2D()) == ""


def test_a_path_that_is_not_there_is_answered_with_the_nearest():
    maps = feature_maps(sequential(3), images(3), ["conv", "pool"])
    with pytest.raises(KeyError) as caught:
        maps["poll"]
    assert caught.value.args[0] == (
        "path must be one of 'conv:filter', 'conv:detect', 'pool'; got 'poll' "
        "(did you mean 'pool'?)"
    )
    with pytest.raises(KeyError, match=r"got 'cnov' \(did you mean 'conv'\?\)"):
        maps["cnov"]
    with pytest.raises(KeyError, match=r"'conv:detct' \(did you mean 'conv:detect'\?\)"):
        maps["conv:detct"]
    with pytest.raises(TypeError, match=r"path must be the text of a layer's path; got \[1\]"):
        maps[[1]]
    with pytest.raises(ValueError, match=r"among 'conv:fil.* got 'cnov' \(did you mean 'conv'\?"):
        feature_maps(sequential(3), images(3), "cnov")


def test_too_many_bytes_are_refused_with_the_number_and_the_way_out():
    with pytest.raises(ValueError, match="maps must") as caught:
        feature_maps(sequential(3), images(3, 6), max_bytes=1000, batch_size=2)
    each = sum(a.nbytes for a in feature_maps(sequential(3), images(3, 2)).values())
    assert str(caught.value) == (
        f"maps must take at most 1,000 bytes; those of 6 images take about {3 * each:,}; name "
        "fewer layers, raise max_bytes, or take them batch by batch with stream_feature_maps"
    )


# --- filter, detect and condense of one layer ---


def built(*stack, shape=(8, 8, 3)):
    return fill(keras.Sequential([keras.Input(shape), *stack], name="net"))


def conv(activation=None, **settings):
    return layers.Conv2D(5, (2, 3), activation=activation, name="conv", **settings)


STACKS = {
    # name: (layers, activation in words, detect is given by, pool, condense is given by)
    "conv, relu, max": (
        [conv(), layers.ReLU(name="relu"), layers.MaxPooling2D(name="pool")],
        "relu", "relu", "max", "pool",
    ),
    "relu inside, max": (
        [conv("relu"), layers.MaxPooling2D((2, 3), strides=1, padding="same", name="pool")],
        "relu", "conv", "max", "pool",
    ),
    "conv, norm, relu": (
        [conv(), layers.BatchNormalization(name="n"), layers.ReLU(6, name="relu")],
        "batch norm, relu(max_value=6)", "relu", "none", "relu",
    ),
    "conv, norm, activation, pad, average": (
        [
            conv(strides=2, padding="same"), layers.BatchNormalization(name="n"),
            layers.Activation("elu", name="act"), layers.ZeroPadding2D(1),
            layers.AveragePooling2D(2, name="pool"),
        ],
        "batch norm, elu(alpha=1)", "act", "average", "pool",
    ),
    "relu inside, norm, dropout, max": (
        [
            conv("leaky_relu"), layers.BatchNormalization(name="n"), layers.Dropout(0.5),
            layers.MaxPooling2D(name="pool"),
        ],
        "leaky_relu(negative_slope=0.2), batch norm", "n", "max", "pool",
    ),
    "conv, dropout, global": (
        [conv(), layers.Dropout(0.5), layers.GlobalAveragePooling2D(name="pool")],
        "none", "conv", "global_average", "pool",
    ),
    "conv alone": ([conv()], "none", "conv", "none", "conv"),
    "conv, norm": ([conv(), layers.BatchNormalization(name="n")], "batch norm", "n", "none", "n"),
    "depthwise": (
        [
            layers.DepthwiseConv2D(3, depth_multiplier=2, activation="tanh", name="conv"),
            layers.MaxPooling2D(name="pool"),
        ],
        "tanh", "conv", "max", "pool",
    ),
    "transposed": (
        [layers.Conv2DTranspose(4, 3, strides=2, name="conv"), layers.LeakyReLU(0.1, name="act")],
        "leaky_relu(negative_slope=0.1)", "act", "none", "act",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STACKS)
def test_the_three_steps_of_a_layer_are_what_the_sub_model_gives(name):
    stack, words, detect, pool, condense = STACKS[name]
    stack = [type(layer).from_config(layer.get_config()) for layer in stack]
    model = built(*stack)
    run = extraction_from_layer(model, IMAGE, "conv")
    for stage, layer in (("detect", detect), ("condense", condense)):
        sub = keras.Model(model.inputs[0], model.get_layer(layer).output)
        wanted = np.asarray(sub(IMAGE[None]))[0]
        wanted = wanted[None, None] if wanted.ndim == 1 else wanted
        assert same_bits(run.stage(stage), wanted), stage
    before = feature_maps(model, IMAGE)
    first = before["conv:filter" if "conv:filter" in before else "conv"][0]
    assert same_bits(run.filtered, first)
    assert same_bits(run.image, IMAGE)
    assert (run.settings.activation, run.settings.pool) == (words, pool)
    assert run.labels == tuple(
        f"conv · channel {n} of {first.shape[2]}" for n in range(first.shape[2])
    )
    if run.pool_axes and pool != "none":
        assert tuple(axis.outputs for axis in run.pool_axes) == run.condensed.shape[:2]
    assert not run.filtered.flags.writeable


def test_a_function_that_follows_is_not_called_no_activation():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = conv()

        def call(self, x):
            return keras.ops.relu(self.conv(x))

    model = Own()
    model(IMAGE[None])
    run = extraction_from_layer(model, IMAGE, "conv")
    assert run.settings.activation == "none in a layer"


FUNCTIONS = {
    "relu": keras.ops.relu,
    "tanh": tf.nn.tanh,
    "leaky_relu(negative_slope=0.2)": keras.activations.leaky_relu,
    "none in a layer": tf.square,
}


@pytest.mark.parametrize("norm", [False, True], ids=["", "after a batch norm"])
@pytest.mark.parametrize("words", FUNCTIONS)
def test_a_function_between_convolution_and_pool_is_followed(words, norm):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = conv(), layers.MaxPooling2D(name="pool")
            self.norm = layers.BatchNormalization(name="n") if norm else None

        def call(self, x):
            x = self.norm(self.conv(x)) if norm else self.conv(x)
            return self.pool(FUNCTIONS[words](x))

    model = Own()
    model(IMAGE[None])
    run = extraction_from_layer(fill(model, 9), 9 * IMAGE, "conv")
    maps = feature_maps(model, 9 * IMAGE)
    known = words != "none in a layer"
    told = ["batch norm"] * norm + ([f"{words} (a function)"] if known else [])
    assert run.settings.activation == (", ".join(told) or words)
    if not known:
        assert run.settings.pool == "none"
        return
    given = maps["n" if norm else "conv"]
    assert same_bits(run.detected, np.asarray(FUNCTIONS[words](given))[0])
    assert same_bits(run.condensed, maps["pool"][0])


def test_functions_that_give_the_same_for_an_image_are_all_named():
    x = keras.Input((8, 8, 3))
    y = layers.MaxPooling2D(name="pool")(keras.ops.relu(conv()(x)))
    model = fill(keras.Model(x, y))
    run = extraction_from_layer(model, IMAGE, "conv")
    assert run.settings.activation == "relu or relu6 (a function)"
    assert same_bits(run.condensed, feature_maps(model, IMAGE)["pool"][0])


def test_a_branch_does_not_mislead():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(5, 2, name="one")(x)
    other = layers.ReLU(name="of the other")(layers.Conv2D(5, 2, name="other")(x))
    own = layers.ELU(name="its own")(y)
    model = fill(keras.Model(x, layers.MaxPooling2D(name="pool")(layers.Add()([own, other]))))
    maps = feature_maps(model, IMAGE)
    run = extraction_from_layer(model, IMAGE, "one")
    assert same_bits(run.detected, maps["its own"][0])
    assert run.settings.pool == "none"
    run = extraction_from_layer(model, IMAGE, "other")
    assert same_bits(run.detected, maps["of the other"][0])


def test_layers_of_nested_and_subclassed_models_are_reached():
    model = nested(3)
    maps = feature_maps(model, IMAGE)
    run = extraction_from_layer(model, IMAGE, "outer/middle/inner@2/c")
    assert same_bits(run.image, maps["outer/middle/inner"][0])
    assert same_bits(run.filtered, maps["outer/middle/inner@2/c"][0])
    assert same_bits(run.detected, maps["outer/middle/relu"][0])
    model = subclassed(3)
    maps = feature_maps(model, IMAGE)
    run = extraction_from_layer(model, IMAGE, "block/conv@3")
    assert same_bits(run.image, maps["block/conv@2"][0])
    assert same_bits(run.filtered, maps["block/conv@3:filter"][0])
    assert same_bits(run.detected, maps["block/conv@3:detect"][0])
    run = extraction_from_layer(functional(3), IMAGE, "shared")
    assert run.settings.activation == "relu"


def test_channels_first_is_turned_to_rows_columns_channels():
    first = layers.Conv2D(4, 3, data_format="channels_first", activation="relu", name="conv")
    pool = layers.MaxPooling2D(data_format="channels_first", name="pool")
    model = built(first, pool, shape=(3, 8, 8))
    given = np.moveaxis(IMAGE, -1, 0)
    run = extraction_from_layer(model, given, "conv")
    maps = feature_maps(model, given)
    assert same_bits(run.image, IMAGE)
    assert same_bits(run.condensed, np.moveaxis(maps["pool"][0], 0, -1))


def test_half_precision_is_given_as_float32():
    model = built(layers.Conv2D(3, 2, dtype="float16", activation="relu", name="conv"))
    run = extraction_from_layer(model, IMAGE, "conv")
    maps = feature_maps(model, IMAGE)
    assert maps["conv"].dtype == np.float16
    assert same_bits(run.detected, maps["conv"][0].astype(np.float32))


def test_the_strongest_maps_are_chosen_and_the_rest_is_said():
    model = built(layers.Conv2D(20, 2, activation="relu", name="conv"))
    run = extraction_from_layer(model, IMAGE, "conv")
    maps = feature_maps(model, IMAGE)["conv"][0]
    strength = [sum(map(float, maps[:, :, n].ravel())) for n in range(20)]
    order = sorted(sorted(range(20), key=lambda n: -strength[n])[:8])
    assert run.labels == tuple(f"conv · channel {n} of 20" for n in order)
    assert same_bits(run.detected, maps[:, :, order])
    some = extraction_from_layer(model, IMAGE, "conv", channels=[19, 0])
    assert same_bits(some.detected, maps[:, :, [19, 0]])
    assert extraction_from_layer(model, IMAGE, "conv", channels=7).labels == (
        "conv · channel 7 of 20",
    )


def test_the_run_is_drawn_and_printed_as_any_other():
    model = built(layers.Conv2D(3, 2, activation="relu", name="conv"), layers.MaxPooling2D())
    run = extraction_from_layer(model, IMAGE, "conv")
    panels = fv.panels_from_extraction(run)
    assert [panel.title.split("\n")[0] for panel in panels[:4]] == [
        "Image", "Filter", "Detect · relu", "Condense · max 2×2",
    ]  # fmt: skip
    assert same_bits(panels[1].pixels, run.filtered[:, :, 0])
    assert len(fv.plot_extraction(run).axes) == 10  # the image once
    assert "conv · channel 2 of 3" in str(fv.text_from_extraction(run))
    assert repr(run).startswith("Extraction(conv · channel 0 of 3, ")


WRONG = {
    "no such layer": (
        lambda model: extraction_from_layer(model, IMAGE, "cnov"),
        PathError,
        "path must be one of the convolutions 'conv'; got 'cnov' (did you mean 'conv'?)",
    ),
    "a pool": (
        lambda model: extraction_from_layer(model, IMAGE, "pool"),
        PathError,
        "path must be one of the convolutions 'conv'; got 'pool'",
    ),
    "no path": (
        lambda model: extraction_from_layer(model, IMAGE, 3),
        TypeError,
        "path must be the text of a layer's path; got 3",
    ),
    "several images": (
        lambda model: extraction_from_layer(model, images(3, 2), "conv"),
        ValueError,
        "image must be one image; got 2",
    ),
    "no such channel": (
        lambda model: extraction_from_layer(model, IMAGE, "conv", channels=[1, 3]),
        ValueError,
        "channels must be numbers from 0 to 2, each once; got [1, 3]",
    ),
    "a channel twice": (
        lambda model: extraction_from_layer(model, IMAGE, "conv", channels=[1, 1]),
        ValueError,
        "channels must be numbers from 0 to 2, each once; got [1, 1]",
    ),
    "half a channel": (
        lambda model: extraction_from_layer(model, IMAGE, "conv", channels=0.5),
        TypeError,
        "channels must be a whole number of at least 0; got 0.5",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_calls_are_answered_with_a_sentence(name):
    call, kind, sentence = WRONG[name]
    model = built(
        layers.Conv2D(3, 2, activation="relu", name="conv"), layers.MaxPooling2D(name="pool")
    )
    with pytest.raises(kind) as caught:
        call(model)
    assert str(caught.value) == sentence


def test_a_model_without_a_convolution_is_told_so():
    model = built(layers.Flatten(), layers.Dense(2))
    with pytest.raises(PathError, match="model must") as caught:
        extraction_from_layer(model, IMAGE, "conv")
    assert str(caught.value) == ("model must hold a convolution that can be recorded; got 'conv'")


class _Scaled(keras.layers.Layer):
    """Multiplies by a number that no attribute of the layer shows to have changed."""

    def __init__(self, **options):
        super().__init__(**options)
        self.numbers = {"k": [2.0]}

    def call(self, image):
        return image * self.numbers["k"][0]


def test_a_model_changed_between_two_runs_gives_its_new_numbers():
    layer = _Scaled(name="scaled")
    model = keras.Sequential([keras.Input((2, 3, 1)), layer])
    images = np.random.default_rng(0).normal(size=(300, 2, 3, 1)).astype(np.float32)
    images[:64] = 0  # the first batch would not tell
    assert np.array_equal(fv.feature_maps(model, images)["scaled"], images * 2)
    layer.numbers["k"][0] = 5.0
    assert np.array_equal(fv.feature_maps(model, images)["scaled"], images * 5)


def test_names_that_look_like_marks_of_a_path_lose_no_layer():
    conv = keras.layers.Conv2D(1, 2, activation="relu", padding="same", name="conv")
    start = keras.Input((4, 5, 1))
    again = conv(conv(start))
    model = keras.Model(start, keras.layers.Rescaling(3.0, name="conv@2")(
        keras.layers.Rescaling(2.0, name="conv:detect")(again)))  # fmt: skip
    maps = fv.feature_maps(model, np.ones((4, 5, 1)))
    assert list(maps) == [
        "conv:filter", "conv:detect", "conv@2:filter", "conv@2:detect", "conv_detect", "conv_2",
    ]  # fmt: skip
    assert np.array_equal(maps["conv_2"], maps["conv@2"] * 6)
    assert [*fv.feature_maps(model, np.ones((4, 5, 1)), "conv:detect")][-1] == "conv_detect"


class _Branching(keras.Model):
    """Calls one layer or the other, as the numbers of a batch are; and a layer for one number."""

    def __init__(self):
        super().__init__(name="branching")
        self.low, self.high = keras.layers.ReLU(name="low"), keras.layers.ReLU(name="high")
        self.mean = _Mean(name="mean")

    def call(self, image):
        self.mean(image)
        return self.low(image) if tf.reduce_max(image) < 1 else self.high(image)


class _Mean(keras.layers.Layer):
    def call(self, image):
        return tf.reduce_mean(image)


REFUSED_TO_JOIN = {
    "low": "'low' ran for 6 of 10 images",
    "mean": "'mean' gave one number for 3 images",
}


@pytest.mark.parametrize(("path", "got"), REFUSED_TO_JOIN.items(), ids=REFUSED_TO_JOIN)
def test_what_a_layer_gave_for_some_images_alone_is_not_joined(path, got):
    model = _Branching()
    images = np.zeros((10, 2, 3, 1), np.float32)
    images[6:] = 5
    model(images)
    with pytest.raises(ValueError, match=r"^layers must give maps of one size") as caught:
        fv.feature_maps(model, images, lambda layer: layer.name == path, batch_size=3)
    assert str(caught.value) == (
        f"layers must give maps of one size for every image to be joined; {got}; name other "
        "layers, or take them batch by batch with stream_feature_maps"
    )


@pytest.mark.parametrize("kind", [tf.Variable, keras.Variable], ids=["tf", "keras"])
def test_a_variable_goes_in_as_its_array_does(kind):
    model = sequential(channels=1)
    values = np.arange(images(1).size, dtype=np.float32).reshape(images(1).shape)
    assert maps_equal(fv.feature_maps(model, kind(values)), fv.feature_maps(model, values))


def maps_equal(one, other):
    return list(one) == list(other) and all(np.array_equal(one[p], other[p]) for p in one)


def dead(name, bias):
    """A convolution that gives less than 0 for every small image."""
    return layers.Conv2D(
        1, 3, padding="same", bias_initializer=keras.initializers.Constant(bias), name=name
    )


def test_what_a_dead_layer_was_given_is_not_taken_for_its_activation():
    black = np.zeros((6, 6, 1), np.float32)
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), dead("c", -1.0), layers.MaxPooling2D(name="p")]
    )
    run = extraction_from_layer(model, black, "c")
    assert run.settings.activation == "none"
    assert run.notes[0].startswith("filter c, condense p")
    assert (run.detected == -1).all()
    assert (run.condensed == -1).all()


def test_zeros_that_were_there_before_are_no_trace_of_a_function():
    image = np.random.default_rng(0).random((6, 6, 1)).astype(np.float32)
    x = keras.Input((6, 6, 1))
    first = keras.ops.relu(dead("first", -9.0)(x))
    maps = dead("second", -0.5)(first)
    model = keras.Model(x, layers.MaxPooling2D(name="p")(maps))
    run = extraction_from_layer(model, image, "second")
    assert run.settings.activation == "none"
    assert run.notes[0] == "filter second, condense p"
    assert (run.condensed == -0.5).all()
    # The function of the first is still found: its zeros were not there before.
    run = extraction_from_layer(model, image, "first")
    assert run.settings.activation.startswith("relu or relu6 ")  # some gelu give 0 as well
    assert run.settings.activation.endswith(" (a function)")
    # An input that only a later layer is given was there, too.
    late = layers.Add(name="sum")([layers.MaxPooling2D(name="p")(dead("c", -1.0)(x)),
                                   layers.MaxPooling2D(name="q")(x)])  # fmt: skip
    run = extraction_from_layer(keras.Model(x, late), np.zeros((6, 6, 1), np.float32), "c")
    assert run.settings.activation == "none"
    assert run.notes[0].startswith("filter c, condense p")
