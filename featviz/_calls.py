"""Calls written as text, such as ``gabor(9, 4, angle_degrees=45)``.

Their arguments are literals: numbers, words and lists of them. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any

from featviz._check import nearest, shown

LONGEST_CALL = 300
_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\(.*\)\s*", re.S)

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def name_called(text: str) -> str | None:
    """Return the name that text in the form of a call begins with, or None.

    Args:
        text: any text.

    Returns:
        The name, or None for text in another form.

    Example:
        >>> name_called("leaky_relu(0.1)"), name_called("edge")
        ('leaky_relu', None)
    """
    found = _CALL.fullmatch(text)
    return found[1] if found else None


def arguments_in(text: str, function: Callable[..., Any], *, implied: int = 0) -> Arguments:
    """Return the arguments with which text calls ``function``, read as literals.

    Args:
        text: what :func:`name_called` knows as a call.
        function: what is called.
        implied: how many first arguments the text leaves out.

    Returns:
        The positional arguments, and the named ones by their names.

    Raises:
        ValueError: not literals, or not the arguments that ``function`` takes.

    Example:
        >>> arguments_in("pow(2, exp=3)", pow)
        ((2,), {'exp': 3})
    """
    name = name_called(text)
    parameters = list(inspect.signature(function).parameters.values())[implied:]
    plain = [item.replace(annotation=inspect.Parameter.empty) for item in parameters]
    signature = inspect.Signature(plain)
    rule = f"{name} must be called as {name}{signature}; got {shown(text)}"
    call = _literal_call(text)
    if call is None:
        raise ValueError(rule)
    positional, named = call
    for key in named.keys() - signature.parameters.keys():
        raise ValueError(f"{rule}, where {key!r} is unknown{nearest(key, signature.parameters)}")
    try:
        signature.bind(*positional, **named)
    except TypeError as error:
        raise ValueError(f"{rule}: {error}") from None
    return call


def _literal_call(text: str) -> Arguments | None:
    try:
        node = ast.parse(text.strip()[:LONGEST_CALL], mode="eval").body
        if not isinstance(node, ast.Call):
            return None
        positional = tuple(ast.literal_eval(item) for item in node.args)
        named = {item.arg: ast.literal_eval(item.value) for item in node.keywords if item.arg}
    except (SyntaxError, ValueError, MemoryError, RecursionError, TypeError):
        return None
    return None if len(named) != len(node.keywords) else (positional, named)
