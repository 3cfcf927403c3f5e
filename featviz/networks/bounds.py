"""The values that a bounded activation cannot leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from featviz.networks.own_classes import works_as

# Where an activation is flat, so that nothing is learned through it. Softmax: only at 1, where
# all others are at 0; of many classes most are near 0 rightly. ReLU6: only at 6; 0 is a zero.
# Source: Glorot, Bengio, Understanding the difficulty of training deep feedforward neural
# networks, AISTATS 2010, section 3, and the definitions in keras.activations.
BOUNDS = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "sparse_sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "softmax": (1.0,),
    "relu6": (6.0,),
}
# Kinds whose activation is the last thing they do; that of an LSTM, say, is not.
_LAST = (
    "Activation", "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose",
    "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D",
    "SeparableConv1D", "SeparableConv2D",
)  # fmt: skip


def _known() -> Iterator[tuple[Any, tuple[float, ...]]]:
    """Yield Keras' own functions: one of the caller's may have the same name."""
    for place in (keras.activations, keras.ops):
        for name, bounds in BOUNDS.items():
            if hasattr(place, name):
                yield getattr(place, name), bounds


_FUNCTIONS = tuple(_known())


def bounds_of_layer(layer: Any) -> tuple[float, ...]:
    """Return the bounds of what a layer gives, none if it is not bounded.

    Only Keras' own functions in Keras' own calls are known.

    Args:
        layer: a Keras layer, or an activation function.

    Example:
        >>> bounds_of_layer(keras.layers.Dense(3, activation="tanh"))
        (-1.0, 1.0)
        >>> bounds_of_layer(keras.layers.ReLU(max_value=2.0)), bounds_of_layer(keras.layers.ReLU())
        ((2.0,), ())
    """
    if not isinstance(layer, keras.layers.Layer):
        return next((bounds for function, bounds in _FUNCTIONS if function is layer), ())
    if not works_as(layer, (*_LAST, "ReLU", "Softmax")):
        return ()
    if isinstance(layer, keras.layers.ReLU):
        return () if layer.max_value is None else (float(layer.max_value),)
    if isinstance(layer, keras.layers.Softmax):
        return BOUNDS["softmax"]
    return bounds_of_layer(layer.activation)
