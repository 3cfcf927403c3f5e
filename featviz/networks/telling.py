"""Keras' own classes tell, while somebody listens, which layer is called.

``keras.layers.Layer.__call__`` and the activations inside convolutions go by way of the listener of
the running context; other threads and contexts run past it. No layer is changed, only its class.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import CellType
from typing import Any, Protocol

import keras

Call = Callable[..., Any]
Target = tuple[type, str]

# Layers whose activation stands inside; their common bases hold the attribute.
_CONVOLUTIONS = tuple(
    getattr(keras.layers, name)
    for name in (
        "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
        "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
    )
)  # fmt: skip
_ACTIVATED = frozenset(kind.__mro__[1] for kind in _CONVOLUTIONS)


class Listener(Protocol):
    """Is told of calls, which it makes itself."""

    def call(self, original: Call, layer: Any, args: Any, kwargs: Any) -> Any:
        """Call a layer."""

    def activate(
        self, layer: Any, function: Call, values: Any, /, *args: Any, **kwargs: Any
    ) -> Any:
        """Call the activation inside a layer."""


_ACTIVE: ContextVar[Listener | None] = ContextVar("featviz_listener", default=None)


class _Telling:
    """Keras' own classes while anybody records: their calls tell the listener."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: Counter[Target] = Counter()
        self._replaced: dict[Target, tuple[Any, Any]] = {}

    def begin(self, targets: Iterable[Target], begun: list[Target]) -> None:
        """Let targets tell; those that do are added to ``begun``, to be ended."""
        with self._lock:
            for target in targets:
                if not self._users[target]:
                    self._replace(target)
                self._users[target] += 1
                begun.append(target)

    def end(self, begun: Iterable[Target]) -> None:
        with self._lock:
            for target in begun:
                self._users[target] -= 1
                if not self._users[target]:
                    self._put_back(target)

    def _replace(self, target: Target) -> None:
        kind, name = target
        original: Any = vars(kind).get(name)
        inside = _cell_of(original)
        if inside is not None:
            # Python forgets what it has learnt of a class that changes, which costs half a
            # millisecond; so the call inside of Keras' own wrapper is taken where there is one.
            self._replaced[target] = inside, inside.cell_contents
            inside.cell_contents = _telling(inside.cell_contents)
            return
        if name == "activation":
            new: Any = _TellingActivation()
        else:
            new = functools.update_wrapper(_telling(original), original)
        self._replaced[target] = new, original
        setattr(kind, name, new)

    def _put_back(self, target: Target) -> None:
        (kind, name), (place, original) = target, self._replaced.pop(target)
        if isinstance(place, CellType):
            place.cell_contents = original
        elif vars(kind).get(name) is not place:
            return  # somebody has put another over it, which still calls this one
        elif original is None:
            delattr(kind, name)
        else:
            setattr(kind, name, original)


def _cell_of(function: Any) -> CellType | None:
    """Return where a decorated function keeps the one that it wraps, or None."""
    within = getattr(function, "__wrapped__", None)
    cells = getattr(function, "__closure__", None) or ()
    found = [cell for cell in cells if within is not None and _content_of(cell) is within]
    return found[0] if len(found) == 1 else None


def _content_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return None


_TELLING = _Telling()


@contextmanager
def told(listener: Listener, kinds: Iterable[type]) -> Iterator[None]:
    """Tell the listener of every call of a layer of some classes in this context.

    Args:
        listener: one for each context; threads do not hear of one another.
        kinds: classes of the layers that may be called.
    """
    targets, begun, token = _targets(kinds), list[Target](), _ACTIVE.set(listener)
    try:
        _TELLING.begin(targets, begun)
        yield
    finally:
        _ACTIVE.reset(token)
        _TELLING.end(begun)


def _targets(kinds: Iterable[type]) -> set[Target]:
    """Return the attributes through which layers of some classes are called.

    The fewer the better: Python forgets what it has learnt of a class that changes.
    """
    bases = {base for kind in set(kinds) for base in kind.__mro__}
    layers = (base for base in bases if issubclass(base, keras.layers.Layer))
    found = {(base, "__call__") for base in layers if "__call__" in vars(base)}
    return found | {(base, "activation") for base in bases & _ACTIVATED}


def _telling(original: Call) -> Call:
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        listener = _ACTIVE.get()
        if listener is None:
            return original(self, *args, **kwargs)
        return listener.call(original, self, args, kwargs)

    return call


class _TellingActivation:
    """Stands for the attribute ``activation``, which stays in the layer."""

    def __get__(self, layer: Any, kind: Any = None) -> Any:
        if layer is None:
            return self
        try:
            function = vars(layer)["activation"]
        except KeyError:
            raise AttributeError("activation") from None
        listener = _ACTIVE.get()
        if listener is None or function is None or function is keras.activations.linear:
            return function
        return functools.partial(listener.activate, layer, function)

    def __set__(self, layer: Any, value: Any) -> None:
        vars(layer)["activation"] = value

    def __delete__(self, layer: Any) -> None:
        del vars(layer)["activation"]
