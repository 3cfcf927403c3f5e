"""What models do beside their calls: lists written to, failures caught, classes changed, names."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import keras
import numpy as np
import pytest
from models import fill, images

from featviz.networks.diagnosing import diagnose
from featviz.networks.maps import feature_maps
from featviz.networks.recording import FAILED
from featviz.networks.tables import layer_table

layers = keras.layers
WAYS = ({}, {"layers": "*"}, {"compiled": True})
WAY_NAMES = ("all", "by pattern", "compiled")


@keras.saving.register_keras_serializable("asides")
class Levels(layers.Layer):
    """Gives a list, as the lower half of a pyramid does."""

    def call(self, x):
        return [x, x * 2.0]


@keras.saving.register_keras_serializable("asides")
class Keyed(layers.Layer):
    def call(self, x):
        return {"a": x, "b": x * 3.0}


@keras.saving.register_keras_serializable("asides")
class Writing(keras.Model):
    """Writes into what its layers gave."""

    def __init__(self, how):
        super().__init__(name="writing")
        self.how = how
        self.levels, self.keyed = Levels(name="levels"), Keyed(name="keyed")
        self.both = layers.Concatenate(name="both")
        self.dense = layers.Dense(2, name="dense")

    def build(self, shape):
        self.dense.build(shape)
        self.built = True

    def call(self, x):
        if self.how == "appends":
            given = self.levels(x)
            given.append(self.dense(given[-1]))
            return self.both(given)
        if self.how == "takes away":
            given = self.levels(x)
            given.pop()
            given[0] = given[0] * 0.0
            return given[0]
        given = self.keyed(x)
        given["a"] = given["a"] * 0.0
        return given["a"] + given["b"]


LEFT = {
    "appends": ["levels[0]", "levels[1]", "dense", "both"],
    "takes away": ["levels[0]", "levels[1]"],
    "sets a key": ["keyed[a]", "keyed[b]"],
}


@pytest.mark.parametrize("way", WAYS, ids=WAY_NAMES)
@pytest.mark.parametrize("how", LEFT)
def test_what_a_layer_gave_is_told_as_it_gave_it(how, way):
    model, x = Writing(how), images(3)
    model(x)
    maps = feature_maps(model, x, **way)
    assert list(maps) == LEFT[how]
    for path, times in (("levels[0]", 1), ("levels[1]", 2), ("keyed[a]", 1), ("keyed[b]", 3)):
        if path in maps:
            np.testing.assert_array_equal(maps[path], x * np.float32(times))


def test_what_the_model_wrote_later_is_no_dead_layer():
    model, x = Writing("sets a key"), np.abs(images(3)) + 1
    model(x)
    rows = diagnose(model, x).rows
    assert len(rows) == 6
    assert not any(row["dead"] for row in rows)


class Refusing(layers.Layer):
    def call(self, _):
        raise ValueError("not today")


class Trying(keras.Model):
    """Goes on without a layer that fails."""

    def __init__(self):
        super().__init__(name="trying")
        self.refusing, self.after = Refusing(name="refusing"), layers.ReLU(name="after")
        self.unused = layers.ReLU(name="unused")

    def build(self, _):
        self.built = True

    def call(self, x):
        try:
            x = self.refusing(x)
        except ValueError:
            x = x * 2.0
        return self.after(x)


@pytest.mark.parametrize("choice", [None, "*"], ids=["all", "by pattern"])
def test_a_failure_that_the_model_caught_is_told(choice):
    model, x = Trying(), images(1)
    model(x)
    maps = feature_maps(model, x, choice)
    assert list(maps) == ["after"]
    assert maps.unseen["refusing"] == FAILED
    assert "not called" in maps.unseen["unused"]


def test_a_class_whose_call_was_replaced_for_a_while_is_recorded_after_it():
    class Changed(layers.Dense):
        pass

    model = keras.Sequential([keras.Input((3,)), Changed(2, name="changed")])
    x = np.ones((1, 3), np.float32)
    before = feature_maps(model, x)["changed"]
    Changed.__call__ = layers.Dense.__call__
    try:
        np.testing.assert_array_equal(feature_maps(model, x)["changed"], before)
    finally:
        del Changed.__call__
    np.testing.assert_array_equal(feature_maps(model, x)["changed"], before)


def _empty_cell():
    call = layers.Dense.__call__
    later = lambda self, *args, **kwargs: call(self, *args, **kwargs) if args else never  # noqa: E731
    later.__wrapped__ = call
    if later is None:
        never = None  # so it is a cell, and nothing is in it
    return later


def test_a_decorated_call_with_an_empty_cell_is_recorded_again_and_again():
    class Decorated(layers.Dense):
        __call__ = _empty_cell()

    model = keras.Sequential([keras.Input((3,)), Decorated(2, name="decorated")])
    x = np.ones((1, 3), np.float32)
    for _ in range(2):
        maps = feature_maps(model, x)
        np.testing.assert_array_equal(maps["decorated"], np.asarray(model(x)))


class Bank(layers.Layer):
    """Calls its own things by names that Keras gives to settings."""

    def __init__(self, how):
        super().__init__(name="bank")
        self.how = how
        if how == "array":
            self.filters, self.strides = np.ones((3, 3)), np.array([1, 1])
        elif how == "open":
            self.strides, self.padding = (1, None), np.zeros(2)
        self.states = np.ones(4)

    def build(self, shape):
        if self.how == "weights":
            self.filters = self.add_weight(shape=(shape[-1], 2), name="filters")
            self.units = self.add_weight(shape=(2,), name="units", trainable=False)

    def call(self, x):
        return x @ self.filters if self.how == "weights" else x * 2.0


@pytest.mark.parametrize("how", ["array", "open", "weights"])
def test_own_layers_may_call_anything_by_the_names_of_settings(how):
    model = fill(keras.Sequential([keras.Input((5, 5, 3)), Bank(how)]))
    x = np.random.default_rng(1).random((2, 5, 5, 3), np.float32)
    np.testing.assert_array_equal(feature_maps(model, x)["bank"], np.asarray(model(x)))
    assert feature_maps(model, x).layers["bank"].settings == ""
    assert layer_table(model).rows


class Held(layers.Layer):
    """Writes to what a layer of Keras' counts, and draws from its seeds."""

    def __init__(self):
        super().__init__(name="held")
        self.norm, self.drop = layers.BatchNormalization(name="norm"), layers.Dropout(0.5)

    def build(self, shape):
        self.norm.build(shape)
        self.built = True

    def call(self, x):
        self.norm.moving_mean.assign_add(keras.ops.ones_like(self.norm.moving_mean))
        return self.norm(x) + keras.random.normal((3,), seed=self.drop.seed_generator)


class Trained(keras.Model):
    """Tells a layer to train that then writes its kernel itself."""

    def __init__(self):
        super().__init__(name="trained")
        self.conv = layers.SpectralNormalization(layers.Conv2D(2, 3, name="conv"), name="spectral")

    def build(self, shape):
        self.conv.build(shape)
        self.built = True

    def call(self, x):
        return self.conv(x, training=True)


def held():
    return keras.Sequential([keras.Input((8, 8, 3)), Held()])


def hue():
    return keras.Sequential([keras.Input((8, 8, 3)), layers.RandomHue(0.5, value_range=(-9, 9))])


@pytest.mark.parametrize("make", [held, hue, Trained])
def test_what_layers_write_whatever_they_are_told_is_put_back(make):
    model, x = make(), images(3)
    model.build((None, 8, 8, 3))
    before = [one.numpy() for one in model.variables]
    one, two = (feature_maps(model, x) for _ in range(2))
    for path in one:
        np.testing.assert_array_equal(one[path], two[path])
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)


class Twice(layers.Conv2D):
    def call(self, x):
        return self.activation(super().call(x))


def test_filter_is_what_stood_before_the_first_of_two_activations():
    model = fill(keras.Sequential([keras.Input((8, 8, 3)), Twice(2, 3, activation="tanh")]))
    x, (layer,) = images(3), model.layers
    maps = feature_maps(model, x)
    plain = np.asarray(keras.ops.conv(x, layer.kernel) + layer.bias)
    np.testing.assert_array_equal(maps[f"{layer.name}:filter"], plain)
    np.testing.assert_array_equal(maps[f"{layer.name}:detect"], np.asarray(model(x)))


class Threaded(keras.Model):
    """Runs two layers at once, in the context of its caller."""

    def __init__(self):
        super().__init__(name="threaded")
        self.one, self.two = layers.ReLU(name="one"), layers.ReLU(name="two")
        self.last = layers.Add(name="last")

    def build(self, _):
        self.built = True

    def call(self, x):
        with ThreadPoolExecutor(2) as pool:
            parts = [
                pool.submit(copy_context().run, layer, x * sign)
                for layer, sign in ((self.one, 1.0), (self.two, -1.0))
            ]
            return self.last([part.result() for part in parts])


def test_layers_that_run_in_threads_of_the_model_are_told_as_unseen():
    model, x = Threaded(), images(3)
    model.build(x.shape)
    maps = feature_maps(model, x)
    assert list(maps) == ["last"]
    assert set(maps.unseen) == {"one", "two"}
    np.testing.assert_array_equal(maps["last"], np.abs(x))


INPUTS = {
    "halves into whole numbers": ("int32", [3, 7], lambda b: b / 2, "whole numbers from -2"),
    "beyond a byte": (
        "uint8",
        [3, 200],
        lambda b: b.astype("i4") * 2,
        "whole numbers from 0 to 255 ",
    ),
    "beyond float32": ("float32", [1, 2], lambda b: b.astype("f8") * 1e300, "finite float32"),
    "beyond float16": ("float16", [1, 2], lambda b: b.astype("f4") * 1e5, "finite float16"),
    "no truth": ("bool", [0.5, 1], None, "whole numbers from 0 to 1 "),
}


@pytest.mark.parametrize(("dtype", "numbers", "change", "rule"), INPUTS.values(), ids=INPUTS)
def test_what_the_input_cannot_hold_is_refused(dtype, numbers, change, rule):
    model = keras.Sequential([keras.Input((2,), dtype=dtype), layers.Lambda(lambda x: x)])
    with pytest.raises(ValueError, match=f"images must (be|hold) {rule}"):
        feature_maps(model, np.array([numbers]), preprocess=change)


def test_what_preprocess_makes_is_told_as_it_goes_in():
    model = keras.Sequential([keras.Input((2,)), layers.ReLU()])
    maps = feature_maps(
        model, np.array([[1, 3]], np.float32), preprocess=lambda b: b / np.float64(2)
    )
    assert maps.images[0].dtype == np.float32
    assert maps.went_in[0].startswith("1×2 float32, 0.5 to 1.5 ")
