"""Which layers are wanted: by name, path, shell pattern, class or function."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from featviz._check import shown
from featviz.networks.paths import base_of, refused_path

RULE = "layers must be names, paths, patterns, layer classes or functions of a layer"


class Selection:
    """A choice of layers, and what it found.

    Args:
        layers: None for all; one of, or a sequence of: a layer's name, a path or a shell pattern
            (``*`` also stands for ``/``), with or without ``:filter`` and ``:detect``; a layer
            class; a function that takes a Keras layer and returns whether it is wanted.

    Raises:
        TypeError: another kind.
        ValueError: an empty choice.
    """

    def __init__(self, layers: Any = None) -> None:
        single = layers is None or isinstance(layers, str) or callable(layers)
        if not single and not isinstance(layers, Iterable):
            raise TypeError(f"{RULE}; got {shown(layers)}")
        given = [layers] if single else list(layers)
        for one in given:
            if layers is not None and not (isinstance(one, str) and one) and not callable(one):
                raise TypeError(f"{RULE}; got {shown(one)}")
        if not given:
            raise ValueError("layers must hold at least one name or be None for all; got none")
        self._wanted: list[Any] = [] if layers is None else given
        self._found: set[int] = set()

    def takes(self, path: str, layer: Any) -> bool:
        """Return whether an entry of the recording is wanted.

        Args:
            path: of the entry, with ``:filter`` or ``:detect``.
            layer: the Keras layer.
        """
        if not self._wanted:
            return True
        hits = [index for index, one in enumerate(self._wanted) if _fits(one, path, layer)]
        self._found.update(hits)
        return bool(hits)

    def check_found(self, paths: Iterable[str], unseen: dict[str, str]) -> None:
        """Raise if something that was asked for by name was not there.

        Args:
            paths: all paths of the run.
            unseen: path → why a layer that ran gave no entry.

        Raises:
            ValueError: with the nearest path and the list of them.
        """
        known = list(paths)
        for index, one in enumerate(self._wanted):
            if index in self._found:
                continue
            for path, why in unseen.items():
                if isinstance(one, str) and _fits_path(one, path):
                    raise ValueError(f"layers must give an array; {path!r} {why}")
            asked = one if isinstance(one, str) else getattr(one, "__name__", shown(one))
            raise ValueError(refused_path(asked, known, "layers must be among"))


def _fits(one: Any, path: str, layer: Any) -> bool:
    if isinstance(one, str):
        return _fits_path(one, path) or one == layer.name
    if inspect.isclass(one):
        return isinstance(layer, one)
    return bool(one(layer))


def _fits_path(one: str, path: str) -> bool:
    """Whether a name or pattern means a path, with or without its stage."""
    return any(one == known or fnmatchcase(known, one) for known in (path, base_of(path)))
