"""The value that tells which images excite each channel of a layer most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz import _notebook
from featviz.captions import value_text

# Rows and images of one row that a printed result lists.
MOST_ROWS, MOST_IMAGES = 8, 6
LONGEST_NAME = 32

Whole = npt.NDArray[np.int64]
Values = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TopImages:
    """The images that give each channel its largest values, the best first.

    Of equal images the first wins, so where many are equal the choice is one of many;
    :attr:`marks` says where. All arrays are read-only.

    Attributes:
        path: of the layer.
        model: the model's name.
        by: ``"max"`` or ``"mean"``.
        channels: their numbers, F of them.
        total: how many channels the layer has.
        indices: (F, n) which image, from 0, in the order in which they came; −1 for none.
        scores: (F, n) the largest or the mean value as float64; NaN for none. The order was
            found in the layer's own numbers, which may differ where these are equal.
        positions: (F, n, A) the cell of the largest value, one number for each axis of a map:
            (row, column) of maps (H, W); the first of equal ones; −1 for none.
        sizes: of a map along these axes.
        count: how many images there were.
        left_out: how many of the images had cells of NaN, infinity or the lowest float, which a
            max-pool gives for NaN, in these channels; such cells take no part and are called
            not finite here.
        pictures: image → (h, w, C), at most 64 cells high and wide: what went in, before
            ``preprocess``.
        went_in: what the model was given in all, one line for each input: size, dtype, range and
            how that came about.
        tied: (F,) how many of all images have the very score of the last one of a row.
        scored: (F,) how many of all images have a score; those of NaN and infinity alone have none.
        dead: (F,) whether every cell was 0 for every image.
        changed: whether ``preprocess`` made other numbers of what the pictures show.
        inputs: which inputs of the model the layer may have seen: those that are images, or
            sequences (T, C) where none is, or the one that was chosen; the pictures are of the
            first. Where it is not known what the layer sees, images and then sequences.
        series: whether the pictures are sequences: steps down, channels to the right.
        level: (F, n) whether every cell of the map has one value, so that none is the largest.
        names: image → the name of its file, of those in :attr:`pictures`: as it was given, of a
            folder as it is found from there; nothing where an image came from no file.
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
    tied: Whole
    scored: Whole
    dead: npt.NDArray[np.bool_]
    changed: bool = False
    inputs: tuple[int, ...] = ()
    series: bool = False
    level: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held = (self.indices, self.scores, self.positions, self.tied, self.dead, self.level)
        for array in (*held, self.scored, *self.pictures.values()):
            array.flags.writeable = False
        for name in ("pictures", "names"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def ranked(self) -> npt.NDArray[np.bool_]:
        """(F,) whether the images of a row are better than others, not only the first.

        They are not where a channel is dead, has no finite value, or one score for every image
        that has any.
        """
        equal = (self.tied == self.scored) & (self.scored > 1)
        found: npt.NDArray[np.bool_] = ~self.dead & ~equal & ~np.isnan(self.scores).all(axis=1)
        return found

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must know of each row before its images, F texts; mostly empty.

        A channel that is dead, or has one score for every image, has no best images; those in
        its row are the first. Where others have the score of the last one, the row says so.
        """
        return tuple(map(self._mark, range(len(self.channels))))

    def _mark(self, row: int) -> str:
        scores = self.scores[row]
        shown = int((scores == scores[-1]).sum()) if len(scores) else 0
        tied, score = int(self.tied[row]), value_text(float(scores[-1])) if shown else ""
        if self.dead[row]:
            return "dead: all 0"
        if np.isnan(scores).all():
            return "no finite value"
        if not self.ranked[row]:
            which = "all" if tied == self.count else "all finite"
            return f"{which} equal: {score}"
        return f"{tied - shown} more with {score}" if 0 < shown < tied else ""

    def __repr__(self) -> str:
        what = "value" if self.by == "max" else "mean"
        lines = [
            f"TopImages of {self.model} · {self.path}: {self.indices.shape[1]} of {self.count} "
            f"images with the largest {what}, {len(self.channels)} of {self.total} channels"
        ]
        for row, channel in list(enumerate(self.channels))[:MOST_ROWS]:
            lines.append(f"  channel {channel}: {self._row_text(row)}")
        more = len(self.channels) - MOST_ROWS
        return "\n".join([*lines, f"  … {more} more"] if more > 0 else lines)

    def _image_text(self, index: int) -> str:
        name = self.names.get(index, "")
        if len(name) > LONGEST_NAME:
            name = PurePath(name).name
        if len(name) > LONGEST_NAME:
            name = f"{name[: LONGEST_NAME // 2 - 1]}…{name[-LONGEST_NAME // 2 :]}"
        return f"#{index} {name!r}" if name else f"#{index}"

    def _row_text(self, row: int) -> str:
        mark = self._mark(row)
        found = [
            f"{self._image_text(index)} {value_text(score)}"
            for index, score in zip(
                self.indices[row].tolist(), self.scores[row].tolist(), strict=True
            )
            if index >= 0
        ]
        more = len(found) - MOST_IMAGES
        text = ", ".join(found[:MOST_IMAGES]) + (f", … {more} more" if more > 0 else "")
        if not self.ranked[row]:
            return mark
        return f"{text} ({mark})" if mark else text

    def _repr_png_(self) -> bytes | None:
        return _notebook.png_from_value(self)
