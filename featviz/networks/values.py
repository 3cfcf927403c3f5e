"""The value of a recording: the feature maps of a model's layers, by path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz import _notebook
from featviz._check import size_text
from featviz.networks.paths import base_of, found_path, known_path

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """What is known of the layer that gave an entry.

    Attributes:
        path: of the entry, such as ``backbone/conv1:filter``.
        name: of the layer.
        kind: its class, such as ``Conv2D``.
        settings: in words, such as ``3×3, 64 features, stride 2, same``.
        channel_axis: −1, the last axis; 1 for channels-first maps, 2 where time stands before.
    """

    path: str
    name: str
    kind: str
    settings: str
    channel_axis: int

    @property
    def base(self) -> str:
        """The path without ``:filter`` or ``:detect``."""
        return base_of(self.path)


def frozen(array: Any) -> Any:
    """Return an array after it was made read-only."""
    array.flags.writeable = False
    return array


class Lines:
    """Lines of text that are made when they are first read; else as a tuple.

    Args:
        make: gives them.

    Example:
        >>> lines = Lines(lambda: ("one", "two"))
        >>> len(lines), lines[0], lines == ("one", "two")
        (2, 'one', True)
    """

    __slots__ = ("_lines", "_make")

    def __init__(self, make: Callable[[], tuple[str, ...]]) -> None:
        self._make = make
        self._lines: tuple[str, ...] | None = None

    @property
    def _known(self) -> tuple[str, ...]:
        if self._lines is None:
            self._lines = self._make()
        return self._lines

    def __getitem__(self, index: Any) -> Any:
        return self._known[index]

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __eq__(self, other: object) -> bool:
        return self._known == (other._known if isinstance(other, Lines) else other)

    def __hash__(self) -> int:
        return hash(self._known)

    def __repr__(self) -> str:
        return repr(self._known)

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self._known,)


Sequence.register(Lines)


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMaps:
    """An ordered mapping from path to what the layer gave, (B, …), read-only.

    ``maps["conv"]`` also finds ``conv:detect``, the output of a convolution whose activation
    stands inside. Entries keep the dtype and the axes of the model; :meth:`channels_last` gives
    the maps of one entry in one convention.

    Attributes:
        arrays: path → array (B, H, W, F), (B, T, F), (B, F), …, in the order of the run.
        layers: path → :class:`LayerInfo`.
        images: what went in, one array (B, …) for each input of the model.
        went_in: for each input one line: its shape, dtype, range and how that came about; where
            there are several inputs, its name first.
        model: the model's name.
        unseen: path → why a layer that ran gave no entry.
        pictures: what went in as it was before ``preprocess``, one array (B, …) for each input.
        names: of the inputs; nothing where they are not known.
    """

    arrays: Mapping[str, Array]
    layers: Mapping[str, LayerInfo]
    images: tuple[Array, ...]
    went_in: Lines | tuple[str, ...]
    model: str
    unseen: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[Array, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("arrays", "layers", "unseen"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        object.__setattr__(self, "pictures", self.pictures or self.images)

    def path(self, path: str) -> str:
        """Return the full path of an entry.

        Args:
            path: a path, with or without ``:detect``.

        Raises:
            PathError: no such entry; the nearest and the list are named.
            TypeError: no text.
        """
        return known_path(path, self.arrays, self.unseen)

    def channels_last(self, path: str) -> Array:
        """Return the maps of one entry with the channels on the last axis, (B, …, F)."""
        full = self.path(path)
        return np.moveaxis(self.arrays[full], self.layers[full].channel_axis, -1)

    def __getitem__(self, path: str) -> Array:
        return self.arrays[self.path(path)]

    def __contains__(self, path: object) -> bool:
        return found_path(path, self.arrays) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def get(self, path: str, default: Any = None) -> Any:
        """Return the array of a path, or ``default``."""
        return self[path] if path in self else default  # noqa: SIM401

    def keys(self) -> Any:
        """Return the paths."""
        return self.arrays.keys()

    def values(self) -> Any:
        """Return the arrays."""
        return self.arrays.values()

    def items(self) -> Any:
        """Return the pairs (path, array)."""
        return self.arrays.items()

    def __repr__(self) -> str:
        rows = [
            f"  {path}  {size_text(values.shape)}  {values.dtype}"
            for path, values in self.arrays.items()
        ]
        entries = "1 entry" if len(self) == 1 else f"{len(self)} entries"
        return "\n".join([f"FeatureMaps of {self.model}: {entries}", *rows])

    def _repr_png_(self) -> bytes | None:
        return _notebook.png_from_value(self)


Mapping.register(FeatureMaps)
