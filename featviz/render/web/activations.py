"""The activations of the offline page, read from text without TensorFlow."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from featviz._calls import arguments_in, name_called
from featviz._check import one_of, real_number

# Name: its numbers and what they are unless told, as in Keras. featviz/web/activations.js
# computes these, in this order.
PAGE_ACTIVATIONS: Mapping[str, Mapping[str, float | None]] = {
    "relu": {"negative_slope": 0, "max_value": None, "threshold": 0},
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 1},
    "selu": {},
    "celu": {"alpha": 1},
    "gelu": {},
    "silu": {},
    "mish": {},
    "softplus": {},
    "softsign": {},
    "exponential": {},
    "sigmoid": {},
    "hard_sigmoid": {},
    "tanh": {},
    "relu6": {},
    "linear": {},
}


class _Call:
    """Something with the signature of an activation, its first argument left out."""

    def __init__(self, numbers: Mapping[str, float | None]) -> None:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(key, kind, default=value) for key, value in numbers.items()]
        )

    def __call__(self) -> None:
        """Nothing is called; only the signature is read."""


def page_activation(activation: Any) -> str:
    """Return an activation as the page reads it, every number that matters stated.

    Args:
        activation: a name or a call in text, or None for ``"linear"``. Functions, and what looks
            at more than one value at a time, such as ``"softmax"``, are not for the page.

    Returns:
        Text such as ``relu`` or ``leaky_relu(negative_slope=0.1)``.

    Raises:
        ValueError: an activation or an argument that the page does not know.
        TypeError: no text.

    Example:
        >>> page_activation("leaky_relu(0.1)"), page_activation("elu"), page_activation(None)
        ('leaky_relu(negative_slope=0.1)', 'elu(alpha=1)', 'linear')
    """
    text = "linear" if activation is None else activation
    name = (name_called(text) if isinstance(text, str) else None) or text
    also = ", or a call such as 'leaky_relu(0.1)'"
    known = PAGE_ACTIVATIONS[one_of("activation", name, tuple(PAGE_ACTIVATIONS), also=also)]
    call = _Call(known)
    positional, named = arguments_in(text if name != text else f"{name}()", call)
    given = call.__signature__.bind(*positional, **named).arguments
    numbers = dict(known)
    for key, value in given.items():
        nothing = value is None and known[key] is None
        numbers[key] = None if nothing else real_number(f"{key} of {name}", value)
    if name == "celu" and numbers["alpha"] == 0:
        raise ValueError("alpha of celu must be a number other than 0; got 0")
    stated = [
        f"{key}={_number_text(value)}"
        for key, value in numbers.items()
        if value is not None and (value or known[key])
    ]
    return f"{name}({', '.join(stated)})" if stated else str(name)


def _number_text(value: float) -> str:
    """Return six digits, or as many as tell the number from all others."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)
