"""What a layer gives: which values are tensors, and how several are named."""

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
