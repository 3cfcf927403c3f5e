"""Every kind of model, layer by layer, against Keras' own sub-models and plain calls."""

import ast
import gc
import threading
import warnings
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED, slow_filter
from models import KINDS, Block, fed, fill, functional, images, nested, sequential, subclassed

import featviz
from featviz.network_experiments import plot_network
from featviz.networks.diagnosing import diagnose
from featviz.networks.maps import feature_maps, stream_feature_maps
from featviz.networks.recording import Recorder, recording

layers = keras.layers
POLICIES = ("float32", "float16", "mixed_float16")


@pytest.fixture
def policy(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(before)


def same_bits(one, other):
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    return (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )


def by_sub_model(model, x):
    """Path → what Keras' own sub-model gives, for the layers that a functional model calls."""
    outputs = {}
    by_depth = getattr(model, "_functional", model)._nodes_by_depth
    own = [node for nodes in by_depth.values() for node in nodes]
    for layer in model.layers:
        # A layer knows all its calls, also those outside of this model.
        calls = [node for node in layer._inbound_nodes if node in own]
        for number, node in enumerate(calls):
            path = layer.name + (f"@{number + 1}" if number else "")
            if not isinstance(layer, layers.InputLayer):
                outputs[path] = node.output_tensors[0]
    inputs = model.inputs if len(model.inputs) > 1 else model.inputs[0]
    sub = keras.Model(inputs, list(outputs.values()))
    return dict(zip(outputs, sub(x, training=False), strict=True))


def by_hand(kind, model, x):
    """Path → what the layers give when they are called one after another."""
    if kind in ("sequential", "functional", "several inputs"):
        return by_sub_model(model, x)
    found = {}
    if kind == "nested":
        outer = model.get_layer("outer")
        inner = outer.get_layer("middle").get_layer("inner")
        once = found["outer/middle/inner"] = inner(x)
        found["outer/middle/inner@2/c"] = found["outer/middle/inner@2"] = inner(once)
        found |= {f"outer/{path}": value for path, value in by_sub_model(outer, x).items()}
        found |= by_sub_model(model, x)
        return found
    value = tf.convert_to_tensor(x)
    for number in range(model.block.times):
        value = model.block.conv(value)
        found[f"block/conv{f'@{number + 1}' if number else ''}"] = value
    found["block"] = value
    for layer in model.stack:
        value = found[layer.name] = layer(value)
    return found | {"head": model.head(value)}


@pytest.mark.parametrize("policy", POLICIES, indirect=True)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_very_bits_of_keras_own_sub_model(kind, channels, policy):
    model, x = KINDS[kind](channels), fed(kind, channels)
    maps = feature_maps(model, x)
    wanted = by_hand(kind, model, x)
    assert len(wanted) >= 7
    for path, value in wanted.items():
        assert same_bits(maps[path], value), path
    half = "float32" if policy == "float32" else "float16"
    assert {str(array.dtype) for array in maps.values()} == {half}
    dead = next(path for path in maps if path.endswith("dead:detect"))
    assert not maps[dead].any()
    assert maps[dead.replace("detect", "filter")].any()
    again = feature_maps(model, x, compiled=True)
    assert list(again) == list(maps)
    assert all(same_bits(again[path], maps[path]) for path in maps)


def test_filter_is_the_convolution_before_its_activation():
    conv = layers.Conv2D(1, (2, 3), activation="relu", name="conv")
    model = keras.Sequential([keras.Input((5, 6, 1)), conv])
    conv.kernel.assign(np.reshape(LOPSIDED, (2, 3, 1, 1)))
    conv.bias.assign([-0.5])
    x = images(1, 1)[:, :5, :6]
    maps = feature_maps(model, x)
    slow = slow_filter(x[0, :, :, 0], LOPSIDED) - 0.5
    np.testing.assert_allclose(maps["conv:filter"][0, :, :, 0], slow, rtol=1e-5, atol=1e-5)
    assert same_bits(maps["conv:detect"], np.maximum(maps["conv:filter"], 0))
    assert same_bits(maps["conv"], maps["conv:detect"])
    assert (maps["conv:filter"] < 0).any()


CONVOLUTIONS = {
    "Conv1D": (layers.Conv1D(2, 2, activation="elu"), (6, 3)),
    "Conv2D": (layers.Conv2D(2, (2, 3), activation="elu"), (6, 6, 3)),
    "Conv3D": (layers.Conv3D(2, 2, activation="elu"), (4, 4, 4, 3)),
    "Conv1DTranspose": (layers.Conv1DTranspose(2, 2, activation="elu"), (6, 3)),
    "Conv2DTranspose": (layers.Conv2DTranspose(2, 2, activation="elu"), (6, 6, 3)),
    "Conv3DTranspose": (layers.Conv3DTranspose(2, 2, activation="elu"), (4, 4, 4, 3)),
    "DepthwiseConv1D": (layers.DepthwiseConv1D(2, activation="elu"), (6, 3)),
    "DepthwiseConv2D": (layers.DepthwiseConv2D(2, activation="elu"), (6, 6, 3)),
    "SeparableConv1D": (layers.SeparableConv1D(2, 2, activation="elu"), (6, 3)),
    "SeparableConv2D": (layers.SeparableConv2D(2, 2, activation="elu"), (6, 6, 3)),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_every_convolution_gives_filter_and_detect(kind):
    layer, shape = CONVOLUTIONS[kind]
    layer = type(layer).from_config({**layer.get_config(), "name": "conv"})
    model = fill(keras.Sequential([keras.Input(shape), layer]))
    x = np.random.default_rng(0).normal(0, 1, (2, *shape)).astype(np.float32)
    maps = feature_maps(model, x)
    assert list(maps) == ["conv:filter", "conv:detect"]
    assert same_bits(maps["conv"], keras.activations.elu(tf.constant(maps["conv:filter"])))
    assert same_bits(maps["conv"], model(x))
    assert (maps["conv:filter"] < 0).any()


def test_two_layers_of_one_name_are_told_apart():
    class Twice(keras.Model):
        def __init__(self):
            super().__init__(name="twins")
            self.one = layers.Conv2D(2, 2, name="conv")
            self.other = layers.Conv2D(3, 2, name="conv")

        def call(self, x):
            return self.other(self.one(self.one(x)[..., :1]))

    model = Twice()
    x = images(1)
    model(x)
    maps = feature_maps(model, x)
    assert list(maps) == ["conv", "conv@2", "conv#2"]
    assert same_bits(maps["conv#2"], model(x))
    assert same_bits(maps["conv"], model.one(x))


@pytest.mark.parametrize(
    "make", [sequential, functional, nested, subclassed], ids=lambda f: f.__name__
)
def test_a_model_from_a_file_gives_the_same(make, tmp_path):
    model = make(3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    one, other = feature_maps(model, images(3)), feature_maps(again, images(3))
    assert list(one) == list(other)
    assert all(same_bits(one[path], other[path]) for path in one)


def test_channels_first_is_told_and_turned():
    first = [
        layers.Conv2D(4, 3, data_format="channels_first", name="conv"),
        layers.ReLU(name="relu"),
        layers.MaxPooling2D(data_format="channels_first", name="pool"),
        layers.Permute((2, 3, 1), name="turned"),
        layers.Conv2D(5, 2, name="last"),
        layers.ReLU(name="after"),
    ]
    model = fill(keras.Sequential([keras.Input((3, 8, 8)), *first]))
    x = np.moveaxis(images(3), -1, 1)
    maps = feature_maps(model, x)
    axes = {path: maps.layers[path].channel_axis for path in maps}
    assert axes["conv"] == axes["relu"] == axes["pool"] == 1
    assert axes["last"] == axes["after"] == -1
    assert maps["relu"].shape == (2, 4, 6, 6)
    assert maps.channels_last("relu").shape == (2, 6, 6, 4)
    assert maps.channels_last("after").shape == maps["after"].shape
    assert same_bits(maps["after"], model(x))
    only = feature_maps(model, x, layers="relu")
    assert only.channels_last("relu").shape == (2, 6, 6, 4)


def test_channels_are_last_again_where_the_axes_are_made_anew():
    first = {"data_format": "channels_first", "padding": "same"}
    x = keras.Input((1, 6, 6))
    one = layers.Conv2D(6, 3, **first, name="conv")(x)
    both = layers.Concatenate(axis=1, name="both")([one + 1, layers.ReLU(name="relu")(one)])
    norm = layers.BatchNormalization(axis=1, name="norm")(both)
    turned = layers.Permute((2, 3, 1), name="turned")(layers.ReLU(name="low")(one))
    seen = layers.ReLU(name="seen")(turned)
    row = layers.Reshape((6, 72), name="row")(layers.Permute((2, 3, 1))(norm))
    memory = layers.LSTM(5, return_sequences=True, name="memory")(row)
    inner = keras.Sequential([keras.Input((12, 6, 6)), layers.ReLU(name="high")], name="inner")
    outputs = [
        layers.Dense(3, name="letters")(memory), layers.Dense(2, name="each")(one),
        layers.ReLU(name="after")(norm), inner(norm), seen,
    ]  # fmt: skip
    model = fill(keras.Model(x, outputs))
    given = np.random.default_rng(1).normal(0, 1, (2, 1, 6, 6)).astype(np.float32)
    maps = feature_maps(model, given)
    places = {
        path: maps.layers[path].channel_axis for path in maps if not path.startswith("permute")
    }
    ahead = {"conv", "both", "relu", "norm", "low", "after", "inner", "inner/high"}
    assert {path for path, axis in places.items() if axis == 1} == ahead
    assert maps.channels_last("letters").shape == (2, 6, 3)


def test_channels_are_followed_through_operations_and_behind_time():
    x = keras.Input((3, 6, 8))
    conv = layers.Conv2D(5, 1, data_format="channels_first", name="conv")(x)
    turned = layers.ReLU(name="turned")(keras.ops.transpose(conv, (0, 2, 3, 1)))
    kept = layers.ReLU(name="kept")(conv + 1)
    maps = feature_maps(keras.Model(x, [turned, kept]), np.ones((1, 3, 6, 8), np.float32))
    assert maps.channels_last("turned").shape == (1, 6, 8, 5)
    assert maps.channels_last("kept").shape == (1, 6, 8, 5)
    film = keras.Input((4, 3, 6, 8))
    first = {"padding": "same", "data_format": "channels_first"}
    memory = layers.ConvLSTM2D(5, 3, **first, return_sequences=True, name="memory")(film)
    last = layers.ConvLSTM2D(7, 3, **first, name="last")(layers.ReLU(name="relu")(memory))
    each = layers.TimeDistributed(layers.Conv2D(2, 3, **first), name="each")(film)
    maps = feature_maps(keras.Model(film, [last, each]), np.ones((1, 4, 3, 6, 8), np.float32))
    shapes = {path: maps.channels_last(path).shape[1:] for path in maps}
    assert shapes == {
        "memory": (4, 6, 8, 5), "relu": (4, 6, 8, 5), "last": (6, 8, 7), "each": (4, 6, 8, 2),
    }  # fmt: skip


class Restless(layers.Layer):
    """Counts, draws random numbers, adds a loss and moves a weight of its own, whenever called."""

    def build(self, _shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")
        self.weight = self.add_weight(shape=(), initializer="ones", name="weight")
        self.plain = tf.Variable(2.0)
        self.seed = keras.random.SeedGenerator(4)

    def call(self, x):
        self.count.assign_add(1)
        self.weight.assign(self.weight * 2)
        self.plain.assign_add(1)
        self.add_loss(keras.ops.mean(x))
        return x + 0 * keras.random.normal((1,), seed=self.seed)


@pytest.mark.parametrize("compiled", [False, True, None], ids=["eager", "compiled", "by itself"])
@pytest.mark.parametrize("fails", [False, True], ids=["to the end", "half-way"])
def test_a_layer_that_writes_to_itself_is_as_it_was_afterwards(compiled, fails):
    x = keras.Input((2,))
    y = layers.BatchNormalization(name="norm")(Restless(name="restless")(x), training=True)
    y = layers.Dropout(0.5, seed=1, name="drop")(y, training=True)
    y = layers.Dense(1, kernel_regularizer="l2", name="dense")(y)
    model = keras.Model(x, Failing(name="broken")(y) if fails else y)
    given = np.random.default_rng(0).normal(3, 2, (24, 2)).astype(np.float32)
    restless = model.get_layer("restless")
    if not fails:
        model(given)
    parts = [*model.variables, restless.plain, restless.seed.state]
    parts += [model.get_layer("drop").seed_generator.state]
    before, losses = [part.numpy() for part in parts], [float(loss) for loss in model.losses]
    for _ in range(2):
        try:
            feature_maps(model, given, batch_size=4, compiled=compiled)
        except (RuntimeError, ValueError):
            assert fails or compiled
        assert all(map(same_bits, before, [part.numpy() for part in parts]))
        assert [float(loss) for loss in model.losses] == losses


def test_recurrent_layers_give_themselves_and_not_their_cells():
    x = keras.Input((5, 3))
    y = layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="lstm"), name="both")(x)
    z = layers.TimeDistributed(layers.Dense(2, name="inner"), name="each")(y)
    out, *states = layers.LSTM(4, return_state=True, name="states")(z)
    model = fill(keras.Model(x, [out, *states]))
    given = np.random.default_rng(0).normal(0, 1, (2, 5, 3)).astype(np.float32)
    maps = feature_maps(model, given)
    assert list(maps) == [
        "both/forward_lstm", "both/backward_lstm", "both", "each",
        "states[0]", "states[1]", "states[2]",
    ]  # fmt: skip
    for path, value in zip(list(maps)[4:], model(given), strict=True):
        assert same_bits(maps[path], value)
    why = "was not called where it can be seen: TimeDistributed runs its call() for every step"
    assert maps.unseen == {"each/inner": why}
    with pytest.raises(ValueError, match="layers must give an array") as caught:
        feature_maps(model, given, "each/inner")
    assert str(caught.value) == f"layers must give an array; 'each/inner' {why}"


def test_several_outputs_are_named_by_key_or_place():
    class Outputs(layers.Layer):
        def call(self, x):
            return {"scores": x * 2, "rest": (x + 1, [x - 1])}

    x = keras.Input((2,))
    model = keras.Model(x, Outputs(name="many")(x))
    maps = feature_maps(model, [[1.0, 2.0]])
    assert {path: value.tolist() for path, value in maps.items()} == {
        "many[scores]": [[2.0, 4.0]],
        "many[rest][0]": [[2.0, 3.0]],
        "many[rest][1]": [[0.0, 1.0]],
    }


class Doubled(layers.Conv2D):
    """A layer whose ``__call__`` is its own."""

    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **kwargs) * 2


class Silent(layers.Layer):
    """One that does not even ask its parents."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.built = True

    def __call__(self, x):
        return x + 5


def test_layers_with_a_call_of_their_own_give_what_they_really_give():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.other = Doubled(2, 2, name="doubled"), Silent(name="silent")

        def call(self, x):
            return self.other(self.one(x))

    model = Model()
    x = images(3)
    model(x)
    maps = feature_maps(model, x)
    assert list(maps) == ["doubled", "silent"]
    assert same_bits(maps["doubled"], model.one(x))
    assert same_bits(maps["silent"], model(x))


class Hidden(layers.Layer):
    """A layer that runs its inner layers in a tf.function."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.inner = layers.Dense(2, name="inner")

    def build(self, shape):
        self.inner.build(shape)
        self.built = True

    @tf.function
    def call(self, x):
        return self.inner(x) + 1


@pytest.mark.parametrize("traced", [True, False], ids=["traced before", "traced now"])
def test_what_runs_in_a_tf_function_is_told_of(traced):
    x = keras.Input((3,))
    model = keras.Model(x, layers.ReLU(name="relu")(Hidden(name="hidden")(x)))
    given = np.ones((1, 3), np.float32)
    if traced:
        model(given)
    maps = feature_maps(model, given)
    assert list(maps) == ["hidden", "relu"]
    assert same_bits(maps["relu"], model(given))
    assert list(maps.unseen) == ["hidden/inner"]
    with pytest.raises(KeyError, match=r"got 'hidden/inner', which (was not called|runs inside)"):
        maps["hidden/inner"]
    with pytest.raises(ValueError, match="layers must give an array; 'hidden/inner' "):
        feature_maps(model, given, layers="hidden/inner")


def test_nothing_of_the_model_changes_at_inference():
    model = keras.Sequential(
        [
            keras.Input((4, 3), batch_size=2),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.9, name="drop"),
            layers.LSTM(3, stateful=True, name="memory"),
        ]
    )
    fill(model)
    x = np.random.default_rng(0).normal(3, 2, (2, 4, 3)).astype(np.float32)
    model(x)  # the states are no longer 0
    before = [weight.numpy() for weight in model.weights]
    states = [state.numpy() for state in model.get_layer("memory").states]
    assert any(state.any() for state in states)
    first, second = feature_maps(model, x), feature_maps(model, x)
    assert same_bits(first["drop"], first["norm"])
    assert same_bits(first["memory"], second["memory"])
    assert all(map(same_bits, before, model.weights))
    assert all(map(same_bits, states, model.get_layer("memory").states))
    many = [maps["memory"] for maps in stream_feature_maps(model, np.repeat(x, 6, 0), batch_size=2)]
    assert len(many) == 6
    assert all(map(same_bits, states, model.get_layer("memory").states))


class Failing(layers.Layer):
    def call(self, x):
        raise ZeroDivisionError(f"a cell divided by nothing, {len(x.shape)} axes")

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def attributes():
    kinds = [layers.Layer, *(type(layer).__mro__[1] for layer, _ in CONVOLUTIONS.values())]
    return [(kind, dict(vars(kind))) for kind in kinds]


def test_a_failure_names_the_layers_that_ran_and_leaves_keras_as_it_was():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(2, 2, activation="relu", name="one")(x)
    model = keras.Model(x, Failing(name="broken")(layers.ReLU(name="two")(y)), name="fragile")
    before = attributes()
    sentence = (
        "model 'fragile' failed; layers that ran: one, two; a cell divided by nothing, 4 axes"
    )
    for _ in range(2):
        with pytest.raises(RuntimeError) as caught:
            feature_maps(model, images(3))
        assert str(caught.value) == sentence
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert attributes() == before


class TooLarge(layers.Layer):
    """What TensorFlow raises for a tensor that does not fit, without a machine that it fills."""

    def __init__(self, tensor, **settings):
        super().__init__(**settings)
        self.tensor = tensor

    def call(self, x):  # noqa: ARG002 (Keras asks for it)
        place = "/job:localhost/replica:0/task:0/device:CPU:0"
        raise tf.errors.ResourceExhaustedError(
            None, None, f"{{{{function_node __wrapped__Conv2D_device_{place}}}}} OOM when "
            f"allocating {self.tensor} on {place} by allocator cpu [Op:Conv2D]",
        )  # fmt: skip

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def too_large(tensor="tensor with shape[64,510,510,512] and type float"):
    return keras.Sequential(
        [keras.Input((2, 2, 1)), layers.ReLU(name="act"), TooLarge(tensor, name="conv")], name="big"
    )


FEWER = (
    "for 3 images at once; pass batch_size=1 or the data in smaller batches, name fewer layers, or "
    "make the images smaller"
)
SMALLER = "for 1 image; name fewer layers, or make the image smaller"


@pytest.mark.parametrize(
    ("call", "way"),
    [
        (lambda model: feature_maps(model, images(1, 3, 2)), FEWER),
        (lambda model: feature_maps(model, images(1, 9, 2), batch_size=3), FEWER),
        (lambda model: diagnose(model, images(1, 3, 2), progress=False), FEWER),
        (lambda model: feature_maps(model, images(1, 1, 2)), SMALLER),
        (lambda model: plot_network(model, images(1, 1, 2)[0]), SMALLER),
    ],
    ids=["maps", "a batch of many", "diagnose", "one image", "plot_network"],
)
def test_a_tensor_that_does_not_fit_into_memory_is_told_in_one_sentence(call, way):
    with pytest.raises(RuntimeError) as caught:
        call(too_large())
    assert str(caught.value) == (
        "model 'big' failed; layers that ran: act; a tensor of 34,091,827,200 bytes "
        f"(64×510×510×512 float32) did not fit into memory {way}"
    )
    assert isinstance(caught.value.__cause__, tf.errors.ResourceExhaustedError)


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        ("tensor with shape[3,2] and type bfloat16", "a tensor of 12 bytes (3×2 bfloat16)"),
        ("tensor with shape[2] and type complex128", "a tensor of 32 bytes (2 complex128)"),
        ("tensor with shape[] and type bool", "a tensor of 1 byte (bool)"),
        ("tensor with shape[3,2] and type variant", "a tensor"),
        ("34091827200 bytes", "a tensor"),
    ],
    ids=["bfloat16", "complex", "one bool", "no numbers", "no shape"],
)
def test_of_a_tensor_that_does_not_fit_only_what_is_known_is_told(tensor, told):
    with pytest.raises(RuntimeError) as caught:
        feature_maps(too_large(tensor), images(1, 3, 2))
    assert f"ran: act; {told} did not fit into memory for 3 images" in str(caught.value)


def in_threads(*actions):
    errors = []

    def guarded(action):
        try:
            action()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


def test_threads_that_record_at_once_hear_of_their_own_models_alone():
    before = attributes()
    models = [sequential(3), functional(3), nested(3), subclassed(3)]
    alone = [feature_maps(model, images(3)) for model in models]
    found = {}

    def record(number):
        found[number] = [feature_maps(models[number], images(3)) for _ in range(15)]

    def construct():
        for number in range(30):
            layer = layers.Conv2D(2, 2, activation="relu", name=f"new{number}")
            layer.build((None, 4, 4, 1))
            layer.activation = keras.activations.tanh
            assert layer.activation is keras.activations.tanh
            assert layer(images(1)).shape == (2, 7, 7, 2)

    def fail():
        for _ in range(5):
            with pytest.raises(RuntimeError):
                feature_maps(models[3], images(4))

    in_threads(*(lambda n=n: record(n) for n in range(4)), construct, fail)
    for number, maps in enumerate(alone):
        for again in found[number]:
            assert list(again) == list(maps)
            assert all(same_bits(again[path], maps[path]) for path in maps)
    assert attributes() == before


def test_another_hook_that_came_later_stays():
    original = layers.Layer.__call__
    model = sequential(1)

    def other(self, *args, **kwargs):
        return original(self, *args, **kwargs)

    try:
        with recording(Recorder(list().append)):
            layers.Layer.__call__ = other
            model(images(1))
        assert layers.Layer.__call__ is other
    finally:
        layers.Layer.__call__ = original


def test_layers_are_chosen_by_name_path_pattern_class_and_function():
    model, x = nested(3), images(3)

    def chosen(wanted):
        return list(feature_maps(model, x, wanted))

    assert chosen("norm") == ["outer/norm"]
    assert chosen("outer/middle/*@2/c") == ["outer/middle/inner@2/c"]
    assert chosen(layers.BatchNormalization) == ["outer/norm"]
    assert chosen(["mean", lambda layer: layer.name == "relu"]) == ["outer/middle/relu", "mean"]
    assert chosen("outer/conv") == ["outer/conv:filter", "outer/conv:detect"]
    assert chosen("*:detect") == ["outer/conv:detect", "outer/dead:detect"]


def test_many_batches_are_compiled_with_the_same_bits():
    model, x = functional(3), images(3, 23)
    whole = feature_maps(model, x, batch_size=3, compiled=False)
    seen = list(stream_feature_maps(model, x, batch_size=3))
    assert [len(maps["norm"]) for maps in seen] == [3] * 7 + [2]
    for path in whole:
        assert same_bits(np.concatenate([maps[path] for maps in seen]), whole[path]), path
    one = feature_maps(model, x, "conv:detect", batch_size=3, compiled=True)
    assert same_bits(one["conv"], whole["conv"])


def test_a_graph_with_other_numbers_is_not_taken():
    class Moody(layers.Layer):
        def call(self, x):
            return x + 1 if tf.executing_eagerly() else x + 2

    x = keras.Input((2,))
    model = keras.Model(x, Moody(name="moody")(x))
    given = np.zeros((12, 2), np.float32)
    maps = feature_maps(model, given, batch_size=2)
    assert (maps["moody"] == 1).all()
    with pytest.raises(ValueError, match="compiled") as caught:
        feature_maps(model, given, compiled=True)
    assert str(caught.value) == (
        "compiled must be False for this model; its graph gives other numbers"
    )


def test_a_layer_that_counts_its_images_is_not_put_into_a_graph():
    class Few(layers.Layer):
        def call(self, x):
            return 2 * x if x.shape[0] == 1 else x

    x = keras.Input((2,))
    model = keras.Model(x, Few(name="few")(x))
    maps = feature_maps(model, np.ones((41, 2), np.float32), batch_size=5)
    assert maps["few"][:, 0].tolist() == [1] * 40 + [2]


class Logarithm(layers.Layer):
    def call(self, x):
        return keras.ops.log(1 + x)


@pytest.mark.parametrize("layer", ["conv:detect", "log", "relu", "pool"])
def test_a_graph_of_some_layers_gives_the_numbers_of_all(layer):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            Logarithm(name="log"),
            layers.Conv2D(2, (2, 3), activation="relu", name="conv"),
            layers.Conv2D(2, 2, name="plain"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(name="pool"),
        ]
    )
    fill(model)
    x = 10 ** np.random.default_rng(1).uniform(-9, -2, (24, 6, 6, 1)).astype(np.float32)
    x[:4] = 0  # the graph is held against these
    x[20, 2, 2] = -2  # whose logarithm is NaN, of which a fused ReLU makes 0
    whole = feature_maps(model, x, compiled=False)
    some = feature_maps(model, x, layer, batch_size=4, compiled=True)
    wanted = np.ascontiguousarray(whole[layer])
    np.testing.assert_array_equal(some[layer], wanted)
    assert np.isnan(wanted).any() == (layer != "pool")


def test_a_graph_that_is_kept_does_not_outlive_a_change_of_its_model():
    model, x = sequential(3), images(3, 12)
    first = feature_maps(model, x, batch_size=2, compiled=True)
    model.get_layer("conv").activation = keras.activations.tanh
    model.get_layer("dense").bias.assign([1.0, 2.0, 3.0])
    second = feature_maps(model, x, batch_size=2, compiled=True)
    eager = feature_maps(model, x, batch_size=2, compiled=False)
    assert not same_bits(first["conv"], second["conv"])
    assert all(same_bits(second[path], eager[path]) for path in eager)


def test_a_graph_that_is_kept_does_not_keep_its_model_alive():
    model = sequential(3)
    feature_maps(model, images(3, 4), batch_size=2, compiled=True)
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_a_model_that_cannot_be_traced_runs_eagerly():
    class Asking(layers.Layer):
        def call(self, x):
            return x * float(x.numpy().max()) if hasattr(x, "numpy") else x

        def compute_output_shape(self, shape):
            return shape

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.asking = Asking(name="asking")

        def call(self, x):
            return self.asking(x) if tf.executing_eagerly() else x / tf.constant("text")

    model = Model()
    model.built = True
    maps = feature_maps(model, images(1, 12), batch_size=2)
    assert maps["asking"].shape == (12, 8, 8, 1)
    with pytest.raises(ValueError, match="compiled must be False for this model; it cannot be tra"):
        feature_maps(model, images(1, 12), compiled=True)


def test_what_went_in_stays_when_the_caller_writes_into_his_array():
    model, x = sequential(1), images(1)
    maps = feature_maps(model, x)
    kept = {path: array.copy() for path, array in maps.items()}
    image, line = maps.images[0].copy(), str(maps.went_in)
    x[:] = 99
    assert same_bits(maps.images[0], image)
    assert str(maps.went_in) == line
    assert all(same_bits(maps[path], kept[path]) for path in maps)
    with pytest.raises(ValueError, match="read-only"):
        maps["norm"][:] = 0


APPLICATIONS = {
    # name: (size, entries, layers held against the sub-model)
    "VGG16": (32, 35, ["block1_pool", "block5_conv3"]),
    "ResNet50V2": (32, 191, ["conv1_conv", "conv3_block4_out", "post_relu"]),
    "MobileNetV2": (32, 155, ["Conv1", "block_13_depthwise", "out_relu"]),
    "EfficientNetB0": (32, 271, ["stem_conv", "block4a_se_excite", "top_activation"]),
    "DenseNet121": (32, 428, ["conv1_conv", "conv3_block12_concat", "relu"]),
    "Xception": (71, 133, ["block1_conv1", "block7_sepconv2", "block14_sepconv2_act"]),
    "InceptionV3": (75, 312, ["mixed0", "mixed5", "mixed10"]),
    "ConvNeXtTiny": (32, 142, ["convnext_tiny_stage_3_block_2_identity"]),
}


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_best_known_applications_are_recorded_whole(name):
    size, count, names = APPLICATIONS[name]
    make = getattr(keras.applications, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make(weights=None, classes=7, input_shape=(size, size, 3))
    x = images(3, 1, size)
    maps = feature_maps(model, x)
    wanted = [model.get_layer(one).output for one in names]
    sub = keras.Model(model.inputs[0], [*wanted, *model.outputs])
    values = sub(x, training=False)
    last = model.outputs[0]._keras_history.operation.name
    for path, value in zip([*names, last], values, strict=True):
        assert same_bits(maps[path], value), path
    own = [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]
    assert {path.split(":")[0].split("/")[0] for path in maps} == {layer.name for layer in own}
    inside = [path for path in maps if path.endswith(":filter")]
    inner = [path for path in maps if "/" in path]
    assert len(maps) == len(own) + len(inside) + len(inner) == count
    assert not maps.unseen


BANNED = {"output", "input", "output_names", "input_names", "output_shape", "input_shape"}
PACKAGE = Path(featviz.__file__).parent
# All that is given a model or a layer, or a value with one in it.
MODEL_FILES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.parent.name == "networks"
    or path.name.startswith(("map_", "network", "_network"))
    or "networks" in path.read_text(encoding="utf-8")
    or "keras" in path.read_text(encoding="utf-8")
)


def asked_of_models(text):
    """What is asked for by attribute, or by getattr and its kin with a literal."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and ast.unparse(node) not in OF_VALUES:
            yield node.attr
            if node.attr == "function" and ast.unparse(node).split(".")[0] in KERAS:
                yield "K.function"
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("getattr", "hasattr", "setattr", "attrgetter"):
                yield from (str(getattr(one, "value", "")).split(".")[-1] for one in node.args)
        elif isinstance(node, ast.ImportFrom) and "keras.backend" in (node.module or ""):
            yield from (f"K.{one.name}" for one in node.names)


KERAS = ("K", "keras", "backend")
# Attributes of the package's own values that are called as Keras' are.
OF_VALUES = ("row.output_shape", "one.input")


@pytest.mark.parametrize("path", MODEL_FILES, ids=lambda path: path.stem)
def test_no_module_asks_a_model_for_what_keras_has_given_up(path):
    assert not (BANNED | {"K.function"}) & set(asked_of_models(path.read_text(encoding="utf-8")))


def test_the_ban_sees_every_way_to_ask():
    for line in (
        "m.output", 'getattr(m, "output")', 'getattr(m, "input_shape", 0)', "m.a.input",
        'attrgetter("output")(m)', 'operator.attrgetter("layer.output_shape")',
    ):  # fmt: skip
        assert BANNED & set(asked_of_models(line)), line
    assert "K.function" in set(asked_of_models("from keras.backend import function as f"))
    assert "K.function" in set(asked_of_models("K.function([a], [b])"))
    assert {"layer_paths", "map_panels", "top_scores", "field_plots"} <= {
        path.stem for path in MODEL_FILES
    }


def test_a_layer_in_a_loop_gives_an_entry_for_each_call():
    x = keras.Input((8, 8, 3))
    model = fill(keras.Model(x, Block(3, times=5, name="block")(x)))
    maps = feature_maps(model, images(3), layers="*:detect")
    assert list(maps) == [f"block/conv{end}:detect" for end in ("", "@2", "@3", "@4", "@5")]
    assert same_bits(maps["block/conv@5"], model(images(3)))
