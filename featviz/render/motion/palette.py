"""One palette for all frames of an animation, and frames in its colours."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from featviz.render.canvas import Colour, Theme, mixed
from featviz.render.motion.files import UNCHANGED
from featviz.render.motion.scene import Scene, Sheet

# More colours of cells than this are told by the steps of their bar.
MOST_CELL_COLOURS = 40
MOST_LIT = 32
STEPS_OF_TYPE = 10
# How opaque, of 255: the lens' window on its cells, the veil on those between them.
LIT, SKIPPED = 70, 150
# WCAG 2.2, success criterion 1.4.3, asks 4.5 of small type: the palette may take a little.
LEAST_CONTRAST = 4.8
# One of the two has a contrast of 4.58 or more on every colour.
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
# 65 536 colours are remembered; the hash is Knuth's multiplicative one (The Art of Computer
# Programming, volume 3, section 6.4), of 2**32 over the golden ratio.
_MEMORY_BITS = 16
_SPREAD = np.uint32(2654435769)
# Rows that are looked up at once: a few megabytes, however large the frame is.
_BAND = 250


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
        colours |= dict.fromkeys(different_colours(scene.weight_colours)[:MOST_CELL_COLOURS])
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
    yield from (theme.line, theme.empty, theme.padding, theme.inserted, theme.halo, theme.mark)


def _of_sheet(sheet: Sheet) -> list[Colour]:
    cells = different_colours(sheet.colours)
    bar = [] if sheet.bar is None else different_colours(sheet.bar)
    return bar + (cells if len(cells) <= MOST_CELL_COLOURS else [])


def different_colours(colours: np.ndarray) -> list[Colour]:
    """Return the different colours of an array (…, 3)."""
    return [
        (red, green, blue)
        for red, green, blue in np.unique(colours.reshape(-1, 3), axis=0).tolist()
    ]


def lit_colours(sheet: Sheet, theme: Theme) -> list[Colour]:
    """Return the colours of cells, or of their bar, when the window lies on them."""
    found = different_colours(sheet.colours)
    if len(found) > MOST_CELL_COLOURS and sheet.bar is not None:
        found = different_colours(sheet.bar[:: len(sheet.bar) // MOST_LIT])
    return [BLACK, *(mixed(colour, theme.accent, LIT / 255) for colour in found)]


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG 2.2 defines it.

    Example:
        >>> contrast((0, 0, 0), (255, 255, 255)), round(contrast((118, 118, 118), WHITE), 2)
        (21.0, 4.54)
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    shares = (value / 255 for value in colour)
    linear = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return sum(map(float.__mul__, (0.2126, 0.7152, 0.0722), linear))


def readable_ink(ground: Colour, ink: Colour) -> Colour:
    """Return the ink, or black or white where it cannot be read on the ground."""
    if contrast(ink, ground) >= LEAST_CONTRAST:
        return ink
    return max((BLACK, WHITE), key=lambda colour: contrast(colour, ground))


def _frequent(pictures: Iterable[Image.Image]) -> Iterator[Colour]:
    counts: dict[Colour, int] = {}
    for picture in pictures:
        found: Any = picture.getcolors(picture.width * picture.height)
        for count, colour in found:
            counts[colour] = counts.get(colour, 0) + count
    yield from sorted(counts, key=lambda colour: (-counts[colour], colour))


@dataclass(frozen=True, slots=True)
class Indexer:
    """Turns RGB frames into places of one palette, each colour as its nearest.

    Pillow's own search takes all colours of a box of 4×4×4 for one, so that white paper may
    become nearly white.

    Attributes:
        palette: 768 bytes.
    """

    palette: bytes

    def places(self, frame: Image.Image) -> Image.Image:
        """Return a frame (mode P) with every colour as its nearest in the palette."""
        pixels: npt.NDArray[np.uint32] = np.asarray(frame.convert("RGBX")).view("<u4")[..., 0]
        places = np.empty(pixels.shape, np.uint8)
        for top in range(0, len(pixels), _BAND):
            band = np.s_[top : top + _BAND]
            places[band] = self._places(pixels[band] & np.uint32(0xFFFFFF))
        image = Image.fromarray(places)
        image.putpalette(self.palette)
        return image

    def _places(self, packed: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
        known = _memory(self.palette)
        entries = known[_slots(packed)]
        places = (entries & 255).astype(np.uint8)
        strange = entries >> 8 != packed
        if strange.any():
            new, back = np.unique(packed[strange], return_inverse=True)
            found = _nearest(new, self.palette)
            places[strange] = found[back]
            known[_slots(new)] = new << 8 | found
        return places


def _slots(packed: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    return packed * _SPREAD >> np.uint32(32 - _MEMORY_BITS)


@functools.lru_cache(maxsize=4)
def _memory(_palette: bytes) -> npt.NDArray[np.uint32]:
    """Return which colours are known: colour × 256 + place, by their hash.

    One number tells both, so that a slot is right or of another colour, whoever writes it.
    """
    entries = np.zeros(1 << _MEMORY_BITS, np.uint32)
    entries[0] = 1 << 8  # a colour of another slot: nothing is known yet
    return entries


def _nearest(packed: npt.NDArray[np.uint32], palette: bytes) -> npt.NDArray[np.uint8]:
    """Return the place of each colour's nearest, the first of equals."""
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)[:UNCHANGED].astype(np.int32)
    parts = np.stack([packed & 255, packed >> 8 & 255, packed >> 16], axis=1).astype(np.int32)
    places = [
        ((parts[start : start + 4096, None] - colours) ** 2).sum(axis=2).argmin(axis=1)
        for start in range(0, len(parts), 4096)
    ]
    return np.concatenate(places).astype(np.uint8)
