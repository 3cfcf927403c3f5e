"""Activations by name, by a call in text or as a function, with their numbers stated."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from featviz._calls import arguments_in, name_called
from featviz._check import one_of


def activate(features: tf.Tensor, function: Callable[..., Any]) -> tf.Tensor:
    """Return ``function(features)``, refused when it is not a map of the same shape."""
    activated = function(features)
    if function is tf.nn.relu:
        return activated
    activated = tf.convert_to_tensor(activated)
    if activated.shape != features.shape or not activated.dtype.is_floating:
        raise ValueError(
            f"activation must keep the shape {tuple(features.shape)} and give floats; got "
            f"{tuple(activated.shape)} of {activated.dtype.name}"
        )
    return activated


def activation_function(activation: Any) -> Any:
    """Return the function behind a name, a call in text, or a function itself."""
    if activation is None or activation == "linear":
        return tf.identity
    if isinstance(activation, str) and activation == "relu":
        return tf.nn.relu  # without loading Keras
    if callable(activation):
        return activation
    known = tf.keras.activations
    names = sorted(
        name
        for name in dir(known)
        if inspect.isfunction(getattr(known, name))
        and name not in ("get", "serialize", "deserialize")
    )
    name = (name_called(activation) if isinstance(activation, str) else None) or activation
    also = ", a call such as 'leaky_relu(0.1)', or a function"
    function = getattr(known, one_of("activation", name, names, also=also))
    if name == activation:
        return functools.partial(_call_after, function, (), {})
    positional, named = arguments_in(activation, function, implied=1)
    return functools.partial(_call_after, function, positional, named)


def _call_after(
    function: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any], values: Any
) -> Any:
    return function(values, *positional, **named)


def describe_activation(activation: Any) -> str:
    """Return the activation in words, its slopes and other numbers stated.

    Args:
        activation: as in :func:`featviz.detect`.

    Example:
        >>> describe_activation("leaky_relu"), describe_activation("elu"), describe_activation(None)
        ('leaky_relu(negative_slope=0.2)', 'elu(alpha=1)', 'linear')
    """
    function = activation_function(activation)
    if activation is None or activation == "linear":
        return "linear"
    if function is tf.nn.relu:
        return "relu"
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    if isinstance(function, functools.partial) and function.func is _call_after:
        function, positional, named = function.args
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    try:
        signature = inspect.signature(function)
        bound = signature.bind(None, *positional, **named)
    except (TypeError, ValueError):  # a builtin, or a function with a signature of its own
        return name
    bound.apply_defaults()
    numbers = [
        f"{key}={value:g}"
        for key, value in list(bound.arguments.items())[1:]
        if isinstance(value, (int, float)) and (value or key in named or positional)
    ]
    return f"{name}({', '.join(numbers)})" if numbers else name
