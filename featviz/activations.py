"""Activations by name, by a call in text or as a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

import tensorflow as tf

from featviz._calls import arguments_in, name_called
from featviz._check import one_of


def activate(features: tf.Tensor, function: Callable[..., Any]) -> tf.Tensor:
    """Return ``function(features)``, refused when it is not a map of the same shape."""
    if function is tf.nn.relu:
        return function(features)
    try:
        activated = tf.convert_to_tensor(function(features))
    except (tf.errors.OpError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"activation must take values of the shape {tuple(features.shape)}; got "
            f"{describe_activation(function)}, which answers: {' '.join(str(error).split())[:200]}"
        ) from error
    if activated.shape != features.shape or not activated.dtype.is_floating:
        raise ValueError(
            f"activation must keep the shape {tuple(features.shape)} and give floats; got "
            f"{tuple(activated.shape)} of {activated.dtype.name}"
        )
    return activated


def activation_function(activation: Any) -> Any:
    """Return the function behind a name, a call in text, or a function itself."""
    if callable(activation):
        return activation
    word = activation if isinstance(activation, str) else None
    if activation is None or word == "linear":
        return tf.identity
    if word == "relu":
        return tf.nn.relu  # without loading Keras
    known = tf.keras.activations
    names = sorted(
        name
        for name in dir(known)
        if inspect.isfunction(getattr(known, name))
        and name not in ("get", "serialize", "deserialize")
    )
    name = (name_called(word) if word else None) or activation
    also = ", a call such as 'leaky_relu(0.1)', or a function"
    function = getattr(known, one_of("activation", name, names, also=also))
    call = activation if name != word else f"{name}()"
    positional, named = arguments_in(call, function, implied=1)
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
    if function is tf.identity:
        return "linear"
    if function is tf.nn.relu:
        return "relu"
    if isinstance(function, functools.partial) and function.func is _call_after:
        function, positional, named = function.args
        return _with_numbers(_name_of(function), _bound(function, positional, named), all_of=named)
    if isinstance(function, functools.partial):
        return _with_numbers(_name_of(function.func), function.keywords, all_of=function.keywords)
    if hasattr(function, "get_config"):  # a layer of Keras
        return _with_numbers(type(function).__name__, function.get_config())
    return _with_numbers(_name_of(function), _bound(function, (), {}))


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__)).strip("<>")


def _bound(
    function: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments after the first, defaults included."""
    try:
        bound = inspect.signature(function).bind(None, *positional, **named)
    except (TypeError, ValueError):  # a builtin, or a function with a signature of its own
        return {}
    bound.apply_defaults()
    return dict(list(bound.arguments.items())[1:])


def _with_numbers(name: str, arguments: Mapping[str, Any], *, all_of: Collection[str] = ()) -> str:
    """Return ``name(slope=0.2)``: numbers other than 0, and those that were given."""
    numbers = [
        f"{key}={value:g}"
        for key, value in arguments.items()
        if isinstance(value, (int, float))
        and not isinstance(value, bool)
        and (value or key in all_of)
    ]
    return f"{name}({', '.join(numbers)})" if numbers else name
