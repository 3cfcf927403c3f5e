"""A model stays what it is, whoever else uses it meanwhile."""

import threading
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from featviz.networks.maps import feature_maps
from featviz.networks.seeds import GLOBAL_SEED_GENERATOR, global_state

layers = keras.layers
X = np.random.default_rng(3).normal(3, 2, (2, 4, 3)).astype(np.float32)


class Counted(layers.Layer):
    """Adds how often it was called: 0, 1, 2, …"""

    def build(self, _shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        before = x + self.calls
        self.calls.assign_add(1.0)
        return before


def remembering():
    model = keras.Sequential(
        [
            keras.Input((4, 3), batch_size=2),
            layers.LSTM(3, stateful=True, name="memory"),
            Counted(name="counted"),
        ]
    )
    model(X)
    return model


def test_threads_on_one_model_with_states_find_what_each_alone_finds():
    model = remembering()
    held = [
        one.numpy().copy() for one in (*model.get_layer("memory").states, model.layers[-1].calls)
    ]
    assert held[0].any()
    assert held[2] == 1
    alone, found = feature_maps(model, X), []
    threads = [
        threading.Thread(target=lambda: found.extend(feature_maps(model, X) for _ in range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40
    for maps in found:
        np.testing.assert_array_equal(maps["memory"], alone["memory"])
        np.testing.assert_array_equal(maps["counted"], alone["memory"] + 1)
    after = [
        one.numpy().copy() for one in (*model.get_layer("memory").states, model.layers[-1].calls)
    ]
    for one, other in zip(held, after, strict=True):
        np.testing.assert_array_equal(one, other)


class Normed(keras.Model):
    """Always normalizes by its own batch, and writes down what it met."""

    def __init__(self):
        super().__init__()
        self.norm = layers.BatchNormalization(name="norm")
        self.drop = layers.Dropout(0.5, name="drop", seed=3)

    def call(self, x):
        return self.drop(self.norm(x, training=True), training=True)


def test_what_a_call_with_training_writes_is_put_back():
    model = Normed()
    model(X)
    written = [model.norm.moving_mean, model.norm.moving_variance, model.drop.seed_generator.state]
    held = [one.numpy().copy() for one in written]
    one, other = feature_maps(model, X), feature_maps(model, X)
    np.testing.assert_allclose(one["norm"].mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_array_equal(one["drop"], other["drop"])
    for before, after in zip(held, written, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_batches_go_on_where_the_last_one_ended(compiled):
    model, again = remembering(), remembering()
    again.set_weights(model.get_weights())
    images = np.random.default_rng(4).normal(0, 1, (6, 4, 3)).astype(np.float32)
    held = [one.numpy().copy() for one in model.get_layer("memory").states]
    for one, value in zip(again.get_layer("memory").states, held, strict=True):
        one.assign(value)
    maps = feature_maps(model, images, batch_size=2, compiled=compiled)
    memory = np.concatenate(
        [np.asarray(again.get_layer("memory")(images[at : at + 2])) for at in (0, 2, 4)]
    )
    np.testing.assert_allclose(maps["memory"], memory, atol=1e-6)
    calls = maps["counted"] - maps["memory"]
    np.testing.assert_allclose(calls[:, 0], np.repeat([1, 2, 3], 2), atol=1e-6)
    for one, value in zip(model.get_layer("memory").states, held, strict=True):
        np.testing.assert_array_equal(one.numpy(), value)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_random_numbers_of_a_run_differ_from_batch_to_batch(compiled):
    model, images = Normed(), np.repeat(X[:1], 40, 0)
    model(X)
    one, other = (feature_maps(model, images, batch_size=4, compiled=compiled) for _ in range(2))
    np.testing.assert_array_equal(one["drop"], other["drop"])
    kept = one["drop"] != 0
    assert not np.array_equal(kept[:4], kept[4:8])
    assert 0 < kept[:, 0, 0].mean() < 1


def trained(steps):
    """A model with a moving mean, and the same batch for so many steps."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((4, 3)), layers.BatchNormalization(name="norm"), layers.Dense(2)]
    )
    model.compile("sgd", "mse")
    return model, {"x": np.repeat(X, steps, 0), "batch_size": 2, "shuffle": False, "verbose": 0}


def test_recording_beside_a_training_undoes_no_step_of_it():
    alone, how = trained(200)
    alone.fit(**how, y=np.zeros((400, 4, 2), np.float32))
    model, how = trained(200)
    training = threading.Thread(
        target=lambda: model.fit(**how, y=np.zeros((400, 4, 2), np.float32))
    )
    training.start()
    answers = set()
    while training.is_alive():
        try:
            feature_maps(model, X)
            answers.add("maps")
        except RuntimeError as error:
            answers.add(str(error).split(";")[0])
    training.join()
    assert answers
    assert answers <= {"maps", "model must not be trained while it is recorded, by another thread"}
    norms = [one.get_layer("norm") for one in (alone, model)]
    np.testing.assert_array_equal(norms[0].moving_mean, norms[1].moving_mean)
    np.testing.assert_array_equal(norms[0].moving_variance, norms[1].moving_variance)


def test_a_step_of_training_in_the_middle_of_a_recording_is_refused():
    model, _ = trained(1)

    class Stepping(layers.Layer):
        def call(self, x):
            model.optimizer.iterations.assign_add(1)
            return x

    outer = keras.Sequential([keras.Input((4, 3)), model, Stepping(name="step")])
    model.optimizer.iterations.assign(7)
    sentence = r"model must not be trained while it is recorded, by another thread; step 7 became 8"
    with pytest.raises(RuntimeError, match=sentence):
        feature_maps(outer, X)


class OwnDense(layers.Dense):
    """A class of the caller's own, whose weights are trained."""


def test_weights_of_an_own_layer_that_are_being_trained_are_not_put_back():
    recorded, inside, written = [False], threading.Event(), threading.Event()

    class Waiting(layers.Layer):
        def call(self, x):
            if recorded[0]:
                inside.set()
                assert written.wait(10)
            return x

    model = keras.Sequential([keras.Input((4, 3)), OwnDense(2, name="own"), Waiting()])
    model.compile("sgd", "mse")
    kernel = model.get_layer("own").kernel
    before = kernel.numpy().copy()
    recorded[0] = True

    def train():  # as an optimizer does: the weights, and only then the count of steps
        inside.wait(10)
        kernel.assign_add(np.ones((3, 2), np.float32))
        written.set()

    training = threading.Thread(target=train)
    training.start()
    feature_maps(model, X)
    training.join()
    np.testing.assert_allclose(kernel.numpy(), before + 1, rtol=1e-6)


class Noisy(layers.Layer):
    """Takes random numbers of Keras' global generator."""

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x))


@pytest.mark.parametrize("made", [True, False], ids=["made before", "made by the call"])
@pytest.mark.parametrize("compiled", [True, False, None], ids=["compiled", "eager", "by itself"])
def test_the_global_random_numbers_go_on_as_if_nothing_had_run(compiled, made):
    def drawn(run):
        # As keras.backend.clear_session() does, which takes two seconds.
        global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, None)
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((4, 3)), Noisy(name="noisy")])
        first = keras.random.normal((2,)).numpy().tolist() if made else []
        maps = run(model)
        return maps, [*first, *keras.random.normal((3,)).numpy().tolist()]

    x = np.zeros((12, 4, 3), np.float32)
    _, plain = drawn(lambda _: None)
    one, after = drawn(lambda model: feature_maps(model, x, batch_size=2, compiled=compiled))
    eager, _ = drawn(lambda model: feature_maps(model, x, batch_size=2, compiled=False))
    assert after == plain
    np.testing.assert_array_equal(one["noisy"], eager["noisy"])
    assert len(np.unique(one["noisy"])) == one["noisy"].size


class Holding(layers.Layer):
    """Keeps variables where Keras does not look for them."""

    def __init__(self, **options):
        super().__init__(**options)
        self.several = [tf.Variable(0.0), {"one": tf.Variable(10.0)}]
        self.module = tf.Module()
        self.module.inner = tf.Variable(100.0)
        self.generator = tf.random.Generator.from_seed(3)

    def call(self, x):
        held = self.several[0], self.several[1]["one"], self.module.inner
        noise = self.generator.normal(())
        for variable in held:
            variable.assign_add(1.0)
        return x + tf.add_n([tf.convert_to_tensor(one) for one in held]) + 0.1 * noise


@pytest.mark.parametrize("compiled", [True, False, None], ids=["compiled", "eager", "by itself"])
def test_variables_that_keras_does_not_know_are_put_back(compiled):
    model = keras.Sequential([keras.Input((1,)), Holding(name="holding")])
    layer = model.layers[0]
    x = np.zeros((12, 1), np.float32)
    maps = feature_maps(model, x, batch_size=2, compiled=compiled)
    assert [layer.several[0].numpy(), layer.several[1]["one"].numpy()] == [0, 10]
    assert layer.module.inner.numpy() == 100
    plain = np.concatenate([np.asarray(model(x[at : at + 2])) for at in range(0, 12, 2)])
    np.testing.assert_allclose(maps["holding"], plain, atol=1e-5)
    assert layer.several[0].numpy() == 6


def test_a_layer_that_a_lambda_trains_is_safe_among_threads():
    norm = layers.BatchNormalization(name="norm")
    x = keras.Input((4,))
    trained = layers.Lambda(lambda z: norm(z, training=True), name="lambda")(x)
    slow = layers.Lambda(lambda z: (time.sleep(0.01), z)[1], name="slow")(trained)
    model = keras.Model(x, norm(slow))
    images = np.random.default_rng(2).normal(5, 1, (12, 4)).astype(np.float32)
    alone = feature_maps(model, images, batch_size=2, compiled=False)["norm"]
    found = []
    threads = [
        threading.Thread(
            target=lambda: found.append(feature_maps(model, images, batch_size=2, compiled=False))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for maps in found:
        np.testing.assert_array_equal(maps["norm"], alone)
