"""Tiny Keras models of every kind, their kernels without symmetry, one layer dead."""

import keras
import numpy as np

layers = keras.layers
SIZE = 8


def fill(model, seed=3):
    """Give every weight a value of its own; the layers named ``dead`` never give more than 0."""
    generator = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if layer._layers:
            continue
        values = [generator.normal(0, 0.4, weight.shape) for weight in layer.weights]
        if isinstance(layer, layers.BatchNormalization):
            values = [np.abs(value) + 0.5 for value in values]
        if layer.name.startswith("dead"):
            values = [np.zeros_like(values[0]), np.full_like(values[1], -1.0)]
        for weight, value in zip(layer.weights, values, strict=True):
            if weight.dtype.startswith(("float", "bfloat")):
                weight.assign(value)
    return model


def images(channels, count=2, size=SIZE, seed=1):
    """(B, H, W, C) float32 below and above 0."""
    shape = (count, size, size, channels)
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def _stack(prefix=""):
    return [
        layers.Conv2D(4, (2, 3), activation="relu", name=f"{prefix}conv"),
        layers.BatchNormalization(name=f"{prefix}norm"),
        layers.Conv2D(2, 2, activation="relu", name=f"{prefix}dead"),
        layers.Dropout(0.5, name=f"{prefix}drop"),
    ]


def _through(stack, x):
    for layer in stack:
        x = layer(x)
    return x


def sequential(channels=3):
    head = [
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(3, name="dense"),
    ]
    return fill(
        keras.Sequential([keras.Input((SIZE, SIZE, channels)), *_stack(), *head], name="plain")
    )


def functional(channels=3):
    """Branches, and one layer that is used twice."""
    x = keras.Input((SIZE, SIZE, channels), name="image")
    shared = layers.Conv2D(channels, 3, padding="same", name="shared")
    left = layers.ReLU(name="relu")(shared(x))
    right = shared(left)
    joined = layers.Concatenate(name="joined")([left, right])
    return fill(keras.Model(x, _through(_stack(), joined), name="branches"))


def nested(channels=3):
    """Models in models, three deep, the innermost used twice."""
    inner = keras.Sequential(
        [keras.Input((SIZE, SIZE, channels)), layers.Conv2D(channels, 3, padding="same", name="c")],
        name="inner",
    )
    x = keras.Input((SIZE, SIZE, channels))
    middle = keras.Model(x, layers.ReLU(name="relu")(inner(inner(x))), name="middle")
    y = keras.Input((SIZE, SIZE, channels))
    outer = keras.Model(y, _through(_stack(), middle(y)), name="outer")
    z = keras.Input((SIZE, SIZE, channels))
    head = layers.GlobalAveragePooling2D(name="mean")(outer(z))
    return fill(keras.Model(z, head, name="deep"))


@keras.saving.register_keras_serializable("featviz_tests")
class Block(layers.Layer):
    """A layer of layers, one of which is called in a loop."""

    def __init__(self, channels, times=3, **settings):
        super().__init__(**settings)
        self.channels, self.times = channels, times
        self.conv = layers.Conv2D(channels, 3, padding="same", activation="tanh", name="conv")

    def build(self, shape):
        self.conv.build(shape)
        self.built = True

    def call(self, x):
        for _ in range(self.times):
            x = self.conv(x)
        return x

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "times": self.times}


@keras.saving.register_keras_serializable("featviz_tests")
class Subclassed(keras.Model):
    def __init__(self, channels=3, **settings):
        super().__init__(**settings)
        self.channels = channels
        self.block = Block(channels, name="block")
        self.stack = _stack()
        self.head = layers.Dense(3, name="head")

    def call(self, x, training=False):
        x = self.block(x)
        for layer in self.stack:
            x = layer(x, training=training) if "drop" in layer.name else layer(x)
        return self.head(x)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


def subclassed(channels=3):
    model = Subclassed(channels, name="own")
    model(images(channels, 1))
    return fill(model)


def several(channels=3):
    """Two inputs and two outputs, by name."""
    a = keras.Input((SIZE, SIZE, channels), name="before")
    b = keras.Input((SIZE, SIZE, channels), name="after")
    siamese = layers.Conv2D(4, 3, activation="relu", name="siamese")
    change = layers.Subtract(name="change")([siamese(a), siamese(b)])
    deep = _through(_stack(), change)
    return fill(keras.Model([a, b], {"change": change, "deep": deep}, name="two"))


KINDS = {
    "sequential": sequential,
    "functional": functional,
    "nested": nested,
    "subclassed": subclassed,
    "several inputs": several,
}


def fed(kind, channels, count=2):
    """What a model of a kind takes."""
    one = images(channels, count)
    return [one, images(channels, count, seed=2)] if kind == "several inputs" else one
