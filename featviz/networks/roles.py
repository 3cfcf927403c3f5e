"""What sort of work a layer does, where that is known: of Keras' own classes.

A class of the caller's own may have any name and do anything, a subclass as well.
"""

from __future__ import annotations

from typing import Any

import keras

from featviz.networks.verdicts import CHANNELWISE, MAX_POOL, PASSING


def _kinds(*names: str, axes: bool = False) -> frozenset[type]:
    """Return Keras' classes of these names, for one to three axes each."""
    ends = ("1D", "2D", "3D") if axes else ("",)
    several = [name + end for name in names for end in ends]
    # Not every version of Keras has all of them.
    return frozenset(getattr(keras.layers, one) for one in several if hasattr(keras.layers, one))


_DROPOUTS = _kinds("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise") | _kinds(
    "SpatialDropout", axes=True
)
_ROLES = {
    # They only move, cut, drop or join what they are given.
    PASSING: _kinds(
        "Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "InputLayer", "Concatenate",
    ) | _kinds("ZeroPadding", "Cropping", axes=True) | _DROPOUTS,
    # They work on each channel by itself, so what is dead before them is dead after them.
    CHANNELWISE: _kinds(
        "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "BatchNormalization",
        "DepthwiseConv1D", "DepthwiseConv2D",
    ) | _kinds(
        "AveragePooling", "GlobalAveragePooling", "AdaptiveAveragePooling", "UpSampling", axes=True
    ),
    # They do so too, and pass over NaN.
    MAX_POOL: _kinds("MaxPooling", "GlobalMaxPooling", "AdaptiveMaxPooling", axes=True),
}  # fmt: skip


def role_of_layer(layer: Any) -> str:
    """Return the sort of work of one of Keras' own layers, nothing for all others.

    Args:
        layer: a Keras layer.

    Example:
        >>> role_of_layer(keras.layers.Flatten()), role_of_layer(keras.layers.Dense(2))
        ('passing', '')
    """
    return next((role for role, kinds in _ROLES.items() if type(layer) in kinds), "")


def is_dropout(layer: Any) -> bool:
    """Return whether this is a dropout or noise, which pass on but in training.

    Args:
        layer: a Keras layer.
    """
    return type(layer) in _DROPOUTS
