"""The value that tells which images excite each channel of a layer most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz import _notebook

Whole = npt.NDArray[np.int64]
Values = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TopImages:
    """The images that give each channel its largest values, the best first.

    All arrays are read-only.

    Attributes:
        path: of the layer.
        model: the model's name.
        by: ``"max"`` or ``"mean"``.
        channels: their numbers, F of them.
        total: how many channels the layer has.
        indices: (F, n) which image, from 0, in the order in which they came; −1 for none.
        scores: (F, n) the largest or the mean value; NaN for none.
        positions: (F, n, A) the cell of the largest value, one number for each axis of a map:
            (row, column) of maps (H, W); the first of equal ones; −1 for none.
        sizes: of a map along these axes.
        count: how many images there were.
        left_out: how many of the images had cells of NaN or infinity in these channels; such
            cells take no part.
        pictures: image → what went in (h, w, C), at most 64 cells high and wide.
        went_in: what the model was given first, one line for each input.
    """

    path: str
    model: str
    by: str
    channels: tuple[int, ...]
    total: int
    indices: Whole
    scores: npt.NDArray[np.float64]
    positions: Whole
    sizes: tuple[int, ...]
    count: int
    left_out: int
    pictures: Mapping[int, Values]
    went_in: tuple[str, ...]

    def __post_init__(self) -> None:
        for array in (self.indices, self.scores, self.positions, *self.pictures.values()):
            array.flags.writeable = False
        object.__setattr__(self, "pictures", MappingProxyType(dict(self.pictures)))

    def _repr_png_(self) -> bytes | None:
        return _notebook.png_from_value(self)
