"""One palette for all frames of an animation, and frames in its colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from featviz.render.canvas import Colour, Theme, mixed
from featviz.render.motion_files import UNCHANGED
from featviz.render.motion_scene import Scene, Sheet

# More colours of cells than this are told by the steps of their bar.
MOST_CELL_COLOURS = 40
STEPS_OF_TYPE = 10
_UNKNOWN = 256


def palette_from_drawing(
    scene: Scene, pictures: Iterable[Image.Image], wanted: Iterable[Colour] = ()
) -> bytes:
    """Return 768 bytes: 255 colours, and the place that GIF keeps for "as before".

    First what the drawing is made of, then its softened edges, the most frequent first: all of
    it known beforehand, nothing guessed from a frame.

    Args:
        scene: gives the fixed colours and those of the cells.
        pictures: RGB, of which the most frequent other colours are taken.
        wanted: further colours that must be there.
    """
    colours: dict[Colour, None] = dict.fromkeys(_of_theme(scene.theme))
    colours |= dict.fromkeys([*_of_sheet(scene.input), *_of_sheet(scene.output)])
    if scene.weight_colours is not None:
        colours |= dict.fromkeys(_rows(scene.weight_colours)[:MOST_CELL_COLOURS])
    colours |= dict.fromkeys(wanted)
    for colour in _frequent(pictures):
        if len(colours) >= UNCHANGED:
            break
        colours[colour] = None
    chosen = list(colours)[:UNCHANGED]
    # Places without a colour repeat the first one, which wins every tie.
    chosen += [chosen[0]] * (UNCHANGED + 1 - len(chosen))
    return bytes(value for colour in chosen for value in colour)


def _of_theme(theme: Theme) -> Iterator[Colour]:
    yield theme.paper
    for colour in (theme.ink, theme.faint, theme.accent):
        for step in range(STEPS_OF_TYPE):
            yield mixed(colour, theme.paper, step / STEPS_OF_TYPE)
    yield from (theme.line, theme.empty, theme.padding, theme.inserted, theme.halo)


def _of_sheet(sheet: Sheet) -> list[Colour]:
    cells = _rows(sheet.colours)
    bar = [] if sheet.bar is None else _rows(sheet.bar)
    return bar + (cells if len(cells) <= MOST_CELL_COLOURS else [])


def _rows(colours: np.ndarray) -> list[Colour]:
    """Return the different colours of an array (…, 3)."""
    return [
        (red, green, blue)
        for red, green, blue in np.unique(colours.reshape(-1, 3), axis=0).tolist()
    ]


def _frequent(pictures: Iterable[Image.Image]) -> Iterator[Colour]:
    counts: dict[Colour, int] = {}
    for picture in pictures:
        found: Any = picture.getcolors(picture.width * picture.height)
        for count, colour in found:
            counts[colour] = counts.get(colour, 0) + count
    yield from sorted(counts, key=lambda colour: (-counts[colour], colour))


@dataclass(frozen=True, slots=True, eq=False)
class Indexer:
    """Turns RGB frames into places of one palette, each colour once.

    Pillow's own search takes all colours of a box of 4×4×4 for one, so that white paper may
    become nearly white.
    """

    palette: bytes
    _colours: npt.NDArray[np.int32]
    _known: npt.NDArray[np.uint16]

    def places(self, frame: Image.Image) -> Image.Image:
        """Return a frame (mode P) with every colour as its nearest in the palette."""
        packed = np.asarray(frame.convert("RGBX")).view("<u4")[..., 0] & 0xFFFFFF
        found = self._known[packed]
        new = np.unique(packed[found == _UNKNOWN])
        if new.size:
            parts = np.stack([new & 255, new >> 8 & 255, new >> 16], axis=1).astype(np.int32)
            for start in range(0, len(parts), 4096):
                part = parts[start : start + 4096, None]
                apart = ((part - self._colours) ** 2).sum(axis=2)
                self._known[new[start : start + 4096]] = apart.argmin(axis=1)
            found = self._known[packed]
        image = Image.fromarray(found.astype(np.uint8))
        image.putpalette(self.palette)
        return image


def indexer_for(palette: bytes) -> Indexer:
    """Return what turns frames into places of ``palette`` (768 bytes)."""
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)[:UNCHANGED].astype(np.int32)
    return Indexer(palette, colours, np.full(2**24, _UNKNOWN, np.uint16))
