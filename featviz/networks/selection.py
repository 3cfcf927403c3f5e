"""Which layers are wanted: by name, path, shell pattern, class or function."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from featviz._check import shown
from featviz.networks.paths import base_of, refused_path
from featviz.networks.words import reason_of_error

RULE = "layers must be names, paths, patterns, layer classes or functions of a layer"


def choice_from_layers(layers: Any) -> tuple[Any, ...] | None:
    """Return a choice of layers, checked, so that it can be read twice; None for all.

    Args:
        layers: as in :class:`Selection`.

    Raises:
        TypeError: another kind.
        ValueError: an empty choice.

    Example:
        >>> choice_from_layers(name for name in ("conv", "pool"))
        ('conv', 'pool')
    """
    if layers is None:
        return None
    single = isinstance(layers, (str, bytes)) or callable(layers)
    if not single and not isinstance(layers, Iterable):
        raise TypeError(f"{RULE}; got {shown(layers)}")
    choice = (layers,) if single else tuple(_each(layers))
    for one in choice:
        _check_one(one)
    if not choice:
        raise ValueError("layers must hold at least one name or be None for all; got none")
    return choice


def _each(layers: Any) -> Iterator[Any]:
    """Return an iterator, which arrays and tensors of one number only seem to have."""
    try:
        return iter(layers)
    except TypeError:
        raise TypeError(f"{RULE}; got {shown(layers)}") from None


def _check_one(one: Any) -> None:
    if hasattr(one, "add_weight") and not inspect.isclass(one):  # it can be called, too
        cure = f"pass its name, {one.name!r}"
        raise TypeError(f"{RULE}; got {shown(one)}, a layer itself; {cure}")
    if not (isinstance(one, str) and one) and not callable(one):
        raise TypeError(f"{RULE}; got {shown(one)}")


class Selection:
    """A choice of layers, and what it found.

    Args:
        layers: None for all; one of, or a sequence of: a layer's name, a path or a shell pattern
            (``*`` also stands for ``/``), with or without ``:filter`` and ``:detect``; the last
            name of a path, such as ``conv@2``, of every path that ends so; a layer class; a
            function that takes a Keras layer and returns whether it is wanted.

    Raises:
        TypeError: another kind.
        ValueError: an empty choice.
    """

    def __init__(self, layers: Any = None) -> None:
        self._wanted = choice_from_layers(layers) or ()
        self._found: set[int] = set()
        self._failed: tuple[Any, str, Exception] | None = None

    def takes(self, path: str, layer: Any) -> bool:
        """Return whether an entry of the recording is wanted.

        Args:
            path: of the entry, with ``:filter`` or ``:detect``.
            layer: the Keras layer.
        """
        if not self._wanted:
            return True
        hits = [index for index, one in enumerate(self._wanted) if self._fits(one, path, layer)]
        self._found.update(hits)
        return bool(hits)

    def _fits(self, one: Any, path: str, layer: Any) -> bool:
        if isinstance(one, str):
            return _fits_path(one, path) or one == layer.name
        if inspect.isclass(one):
            return isinstance(layer, one)
        if self._failed:
            return False
        try:
            return bool(one(layer))
        except Exception as error:  # raised here, it would look like a fault of the model
            self._failed = (one, layer.name, error)
            return False

    def check_found(self, paths: Iterable[str], unseen: dict[str, str]) -> None:
        """Raise if what was asked for was not there, or a function of the choice failed.

        Args:
            paths: all paths of the run.
            unseen: path → why a layer that ran gave no entry.

        Raises:
            ValueError: with the nearest path and the list of them, or with the function's error.
        """
        if self._failed:
            one, name, error = self._failed
            raise ValueError(
                f"layers must be functions that take every layer; got {_name_of(one)}, which fails "
                f"for {name!r} ({type(error).__name__}: {reason_of_error(error)})"
            ) from error
        known = list(paths)
        for index, one in enumerate(self._wanted):
            if index in self._found:
                continue
            for path, why in unseen.items():
                if isinstance(one, str) and _fits_path(one, path):
                    raise ValueError(f"layers must give an array; {path!r} {why}")
            asked = one if isinstance(one, str) else _name_of(one)
            raise ValueError(refused_path(asked, known, "layers must be among"))


def _name_of(choice: Any) -> str:
    """Return what a class or a function is called."""
    return str(getattr(choice, "__name__", shown(choice)))


def _fits_path(one: str, path: str) -> bool:
    """Whether a name or pattern means a path, or its last name does."""
    last = path.rpartition("/")[2]
    if one in (path, base_of(path), last, base_of(last)):
        return True
    return any(fnmatchcase(known, one) for known in (path, base_of(path)))
