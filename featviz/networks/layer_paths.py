"""Which layer stands under which path, read off the tree of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from featviz.networks.layer_shapes import trace_model
from featviz.networks.paths import (
    PathError,
    check_path,
    layers_within,
    name_in_path,
    refused_path,
)

# What a recording adds to a layer's name for one of its calls, and for its outputs (their places
# or names) or stages.
_OF_A_CALL = re.compile(r"@\d+(?=/|$)")
_OF_AN_OUTPUT = re.compile(r"(?::filter|:detect)$|(?:\[[^\]/]*\])+$")


def layers_by_path(model: Any, input_shape: Any = None) -> dict[str, Any]:
    """Return path → layer for everything that a model holds, outer before inner.

    The paths are those of a recording, without the marks of one call (``@2``, ``:detect``). Where
    two layers within one have the same name, only the order of their calls tells ``x`` from
    ``x#2``; so the model is traced then. The first call decides; what a later one calls
    otherwise keeps its ``@2``.

    Args:
        model: a built Keras model.
        input_shape: for that trace, as in ``trace_model``.

    Raises:
        ValueError: two layers of one name in a model that cannot be traced without an
            ``input_shape``.
    """
    found: dict[str, Any] = {}
    if _walk(model, "", found):
        return found
    traced = trace_model(model, input_shape)
    called: dict[str, Any] = {}
    for path, layer in ((entry.path, entry.layer) for entry in traced.entries):
        if called.setdefault(path_of_layer(path), layer) is not layer:
            called[path_of_call(path)] = layer
    return called


def _walk(layer: Any, path: str, found: dict[str, Any]) -> bool:
    """Add what stands in a layer; return whether all names in it are different."""
    inner = list({id(one): one for one in layers_within(layer)}.values())
    clear = len({name_in_path(one.name) for one in inner}) == len(inner)
    for one in inner:
        own = name_in_path(one.name)
        below = f"{path}/{own}" if path else own
        if any(one is other for other in found.values() if path.startswith(below)):
            continue  # a layer that holds the one in which it stands
        found[below] = one
        clear = _walk(one, below, found) and clear
    return clear


def path_of_layer(path: str) -> str:
    """Return a path without the marks of one call, output or stage.

    Example:
        >>> path_of_layer("backbone@2/conv@3:detect"), path_of_layer("lstm#2[0]")
        ('backbone/conv', 'lstm#2')
    """
    return _OF_A_CALL.sub("", path_of_call(path))


def path_of_call(path: str) -> str:
    """Return a path without the marks of one output or stage.

    Example:
        >>> path_of_call("backbone@2/conv@3:detect"), path_of_call("lstm#2[0]")
        ('backbone@2/conv@3', 'lstm#2')
    """
    return _OF_AN_OUTPUT.sub("", path)


def layer_at(model: Any, path: str) -> tuple[str, Any]:
    """Return the full path of a layer, or of one of its calls, and the layer.

    Args:
        model: a built Keras model.
        path: as in a recording, with or without the marks of one call; of a layer inside others
            its own name will do, where no other layer has it.

    Raises:
        PathError: no such layer or call; the nearest and the list are named.
        TypeError: the path is no text.
    """
    known = layers_by_path(model)
    found = _found(check_path(path), known)
    if found is None or not (found[0] in known or _is_called(model, found[0])):
        raise PathError(refused_path(path, known))
    return found


def _found(path: str, known: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the full path of the one layer that a path may mean, and the layer."""
    call, own = path_of_call(path), path_of_layer(path)
    for one in (call, own):
        if one in known:
            return call, known[one]
    inside = {
        id(layer): (full if layer.name == path else full + call.removeprefix(own), layer)
        for full, layer in known.items()
        if layer.name == path or full.rpartition("/")[2] == own
    }
    return inside.popitem()[1] if len(inside) == 1 else None


def _is_called(model: Any, path: str) -> bool:
    """Whether there is such a call, as far as the model can be traced."""
    try:
        traced = trace_model(model)
    except (ValueError, RuntimeError):
        return True
    calls = {path_of_call(entry.path) for entry in traced.entries}
    return path in calls or path in traced.unseen
