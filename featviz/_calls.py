"""Calls written as text, such as ``gabor(9, 4, angle_degrees=45)``; numbers and words only."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from featviz._check import shown


def split_call(text: str) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
    """Return name, positional and named arguments of a call in text, or None if it is none.

    Nothing is evaluated but literals.

    Example:
        >>> split_call("leaky_relu(0.1)")
        ('leaky_relu', (0.1,), {})
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            return None
        positional = tuple(ast.literal_eval(item) for item in node.args)
        named = {item.arg: ast.literal_eval(item.value) for item in node.keywords if item.arg}
    except (SyntaxError, ValueError, MemoryError, RecursionError, TypeError):
        return None
    if len(named) != len(node.keywords):
        return None
    return node.func.id, positional, named


def check_arguments(
    what: str, function: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]
) -> None:
    """Refuse arguments that ``function`` does not take.

    Raises:
        ValueError: naming ``what``, its signature and what was given.
    """
    signature = inspect.signature(function)
    try:
        signature.bind(*positional, **named)
    except TypeError:
        words = [shown(item) for item in positional]
        words += [f"{name}={shown(item)}" for name, item in named.items()]
        bare = [
            item.replace(annotation=inspect.Parameter.empty)
            for item in signature.parameters.values()
        ]
        takes = signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)
        raise ValueError(
            f"{what} must be written with the arguments {takes}; got ({', '.join(words)})"
        ) from None
