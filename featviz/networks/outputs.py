"""What a layer is given and gives: tensors, and the names of several."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import tensorflow as tf


@functools.cache
def _is_kind_of_tensor(kind: Any) -> bool:
    return issubclass(kind, tf.Tensor)


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor; ``isinstance`` asks at length, each time anew."""
    kind: Any = type(value)
    return _is_kind_of_tensor(kind)


def named_outputs(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (suffix, value) of every leaf: ``""``, ``[0]``, ``[scores]``, ``[0][1]``."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    else:
        yield name, value
        return
    for key, item in items:
        yield from named_outputs(item, f"{name}[{key}]" if len(items) > 1 else name)


def tensors_among(args: Any, kwargs: Any) -> tuple[tf.Tensor, ...]:
    """Return the tensors among the arguments of a call."""
    found: list[tf.Tensor] = []
    for value in (*args, *kwargs.values()) if kwargs else args:
        if is_tensor(value):
            found.append(value)
        elif value is not None and value is not False:  # nearly all others are these
            found += [one for _, one in named_outputs(value) if is_tensor(one)]
    return tuple(found)


def may_train(args: Any, kwargs: Any) -> bool:
    """Whether a call may be told to train; a tensor is not asked, it may."""
    training = kwargs.get("training")
    if training is not None and training is not False:
        return True
    return len(args) > 1 and any(one is True for one in args)
