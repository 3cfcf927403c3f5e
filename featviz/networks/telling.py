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

    def begin(self, targets: Iterable[Target]) -> None:
        with self._lock:
            for target in targets:
                self._users[target] += 1
                if self._users[target] == 1:
                    self._replace(target)

    def end(self, targets: Iterable[Target]) -> None:
        with self._lock:
            for target in targets:
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
            within = inside.cell_contents
            self._replaced[target] = inside, within
            inside.cell_contents = _telling(within)
            return
        new = _TellingActivation() if name == "activation" else _telling(original)
        self._replaced[target] = original, new
        setattr(kind, name, new)

    def _put_back(self, target: Target) -> None:
        (kind, name), (original, new) = target, self._replaced.pop(target)
        if isinstance(original, CellType):
            original.cell_contents = new
        elif vars(kind).get(name) is not new:
            return  # somebody has put another over it, which still calls this one
        elif original is None:
            delattr(kind, name)
        else:
            setattr(kind, name, original)


def _cell_of(function: Any) -> CellType | None:
    """Return where a decorated function keeps the one that it wraps, or None."""
    within = getattr(function, "__wrapped__", None)
    cells = getattr(function, "__closure__", None) or ()
    found = [cell for cell in cells if within is not None and cell.cell_contents is within]
    return found[0] if len(found) == 1 else None


_TELLING = _Telling()


@contextmanager
def told(listener: Listener, kinds: Iterable[type]) -> Iterator[None]:
    """Tell the listener of every call of a layer of some classes in this context.

    Args:
        listener: one for each context; threads do not hear of one another.
        kinds: classes of the layers that may be called.
    """
    targets = _targets(kinds)
    _TELLING.begin(targets)
    token = _ACTIVE.set(listener)
    try:
        yield
    finally:
        _ACTIVE.reset(token)
        _TELLING.end(targets)


def _targets(kinds: Iterable[type]) -> set[Target]:
    """Return the attributes through which layers of some classes are called.

    The fewer the better: Python forgets what it has learnt of a class that changes.
    """
    return set().union(*map(_targets_of, set(kinds)))


@functools.lru_cache
def _targets_of(kind: type) -> frozenset[Target]:
    layers = (base for base in kind.__mro__ if issubclass(base, keras.layers.Layer))
    calls = {(base, "__call__") for base in layers if "__call__" in vars(base)}
    return frozenset(calls | {(base, "activation") for base in _ACTIVATED & set(kind.__mro__)})


@functools.lru_cache
def _telling(original: Call) -> Call:
    """Return a call that goes by way of the listener; it knows of none itself."""

    @functools.wraps(original)
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
