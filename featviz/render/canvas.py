"""Pillow's canvas: type measured before it is set, cells, outlines, arrows.

All places are pixels from the top left corner. Text is set as it stands, in DejaVu Sans, which
comes with matplotlib; what the font has no sign for becomes its box.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from featviz.captions import one_line

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

# Below this many pixels the digits of DejaVu Sans run together.
SMALLEST_TYPE = 8
# Letters of that size need a cell of this height and width, too.
SMALLEST_ROOM = 11
LONGEST_TEXT = 400
# Coverage of a pixel by a letter, 0 to 255, in three steps; for small letters in five.
COVERAGE = [0] * 90 + [115] * 60 + [255] * 106
SMALLEST_COARSE = 11
FINE_COVERAGE = [0] * 32 + [64] * 64 + [128] * 64 + [191] * 64 + [255] * 32


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure that do not come from data."""

    paper: Colour
    ink: Colour
    faint: Colour
    line: Colour
    empty: Colour
    padding: Colour
    inserted: Colour
    accent: Colour
    mark: Colour
    halo: Colour


# The mark is Okabe and Ito's bluish green (jfly.uni-koeln.de/color, 2008), in none of the palettes.
# To colour-blind eyes it looks like one colour of the signed palette and of heat, so it never
# stands without the halo, which is far from those two. The accent is a darker green, for type.
LIGHT = Theme(
    paper=(255, 255, 255), ink=(26, 26, 26), faint=(92, 92, 92), line=(136, 136, 136),
    empty=(250, 250, 250), padding=(240, 236, 224), inserted=(222, 232, 246),
    accent=(0, 128, 96), mark=(0, 158, 115), halo=(255, 255, 255),
)  # fmt: skip
DARK = Theme(
    paper=(22, 24, 28), ink=(238, 238, 238), faint=(176, 178, 184), line=(112, 114, 120),
    empty=(32, 34, 40), padding=(60, 56, 46), inserted=(40, 54, 76),
    accent=(0, 190, 145), mark=(0, 190, 145), halo=(22, 24, 28),
)  # fmt: skip


@functools.lru_cache(maxsize=128)
def type_of(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the typeface at ``size`` pixels."""
    spec = importlib.util.find_spec("matplotlib")
    places = list(spec.submodule_search_locations or ()) if spec else []
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(places[0]) / "mpl-data" / "fonts" / "ttf" / name
    # The layout that every build of Pillow has, and the faster one.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: int, *, bold: bool = False) -> float:
    """Return the pixels that a line of text takes."""
    return float(type_of(size, bold=bold).getlength(text))


def largest_type(texts: Iterable[str], room: float, most: int, *, bold: bool = False) -> int:
    """Return the type at which every text fits the room; 0 if none is legible.

    Args:
        texts: single lines.
        room: pixels.
        most: the largest size to try.
        bold: of the type.
    """
    widest = max(set(texts), key=lambda text: text_width(text, 20, bold=bold), default="")
    size = max(most, SMALLEST_TYPE) if room >= SMALLEST_ROOM else most
    while size >= SMALLEST_TYPE and text_width(widest, size, bold=bold) > room:
        size -= 1
    return size if size >= SMALLEST_TYPE else 0


def fitted(text: str, room: float, most: int, *, bold: bool = False) -> tuple[str, int]:
    """Return one line and its size: made smaller first, then cut by ``…``."""
    text = one_line(text)
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT // 2]}…{text[-LONGEST_TEXT // 2 :]}"
    least = max(SMALLEST_TYPE, round(0.7 * most))
    for size in range(most, least - 1, -1):
        if text_width(text, size, bold=bold) <= room:
            return text, size
    kept = text
    while len(kept) > 3 and (wide := text_width(kept, least, bold=bold)) > room:
        cut = max(3, min(len(kept) - 1, int(len(kept) * room / wide)))
        kept = f"{text[: cut // 2]}…{text[len(text) - (cut - 1) // 2 :]}"
    return kept, least


@functools.lru_cache(maxsize=4096)
def glyphs(
    text: str, size: int, *, bold: bool = False, crisp: bool = False
) -> tuple[Image.Image, int, int]:
    """Return a line's coverage in few steps, and where it begins.

    Its place counts from the left middle.

    Three steps look as smooth as 256 and are half of the bytes of a GIF, which packs runs of
    equal pixels.
    """
    font = type_of(size, bold=bold)
    left, top, right, bottom = (math.floor(edge) for edge in font.getbbox(text, anchor="lm"))
    mask = Image.new("L", (max(1, right - left + 1), max(1, bottom - top + 1)))
    draw = ImageDraw.Draw(mask)
    draw.fontmode = "1" if crisp else "L"
    draw.text((-left, -top), text, fill=255, font=font, anchor="lm")
    return mask.point(COVERAGE if size >= SMALLEST_COARSE else FINE_COVERAGE), left, top


def write(
    draw: ImageDraw.ImageDraw, spot: tuple[float, float], text: str,
    *, size: int, colour: Colour, bold: bool = False, anchor: str = "lm",
    crisp: bool = False,
) -> None:  # fmt: skip
    """Set one line, its left, middle or right end (``lm``, ``mm``, ``rm``) there.

    ``crisp`` letters have no grey, for what is small and moves in every frame.
    """
    if not (text and size):
        return
    mask, left, top = glyphs(text, size, bold=bold, crisp=crisp)
    share = {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]]
    x = round(spot[0] - share * text_width(text, size, bold=bold)) + left
    draw.bitmap((x, round(spot[1]) + top), mask, fill=colour)


def ink_on(colour: Colour) -> Colour:
    """Return black or white, whichever reads better on a colour."""
    red, green, blue = colour
    return (26, 26, 26) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Return a colour with ``share`` of another in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def outline(draw: ImageDraw.ImageDraw, box: Box, theme: Theme, width: int) -> None:
    """Mark a window: bars above and below it, a halo within, the four corners.

    GIF packs rows of pixels. A bar costs a few bytes and a full vertical edge a thousand, in
    every frame; the corners tell the window as well. The halo tells the bars from cells that
    look like the mark to colour-blind eyes.
    """
    left, top, right, bottom = box
    out = width // 2
    left, top, right, bottom = left - out, top - out, right + out, bottom + out
    reach = min(max(3, (bottom - top) // 7), 5 * width)
    rim = max(1, width // 3)
    for y, sign in ((top, 1), (bottom, -1)):
        for colour, thick in ((theme.halo, width + rim), (theme.mark, width)):
            inner = y + sign * (thick - 1)
            draw.rectangle((left, min(y, inner), right, max(y, inner)), fill=colour)
        end = y + sign * (width - 1 + reach)
        for x in (left, right - width + 1):
            draw.rectangle((x, min(y, end), x + width - 1, max(y, end)), fill=theme.mark)


def arrow(
    draw: ImageDraw.ImageDraw,
    start: tuple[int, int],
    end: tuple[int, int],
    colour: Colour,
    width: int,
) -> None:
    """Draw a straight arrow; its head is four times as wide as its line."""
    length = math.dist(start, end)
    if length < 1:
        return
    dx, dy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    head = min(5.0 * width, length)
    neck = (end[0] - dx * head, end[1] - dy * head)
    draw.line((start, neck), fill=colour, width=width)
    side = 0.5 * head
    wings = [(neck[0] - dy * side, neck[1] + dx * side), (neck[0] + dy * side, neck[1] - dx * side)]
    draw.polygon([end, *wings], fill=colour)


def padding_cell(size: int, fill: Colour, line: Colour) -> Image.Image:
    """Return a cell of ``size`` + 1 pixels with a small cross at each corner."""
    tile = Image.new("RGB", (size + 1, size + 1), fill)
    draw, arm = ImageDraw.Draw(tile), max(1, size // 12)
    for x in (0, size):
        for y in (0, size):
            draw.line((x - arm, y, x + arm, y), fill=line)
            draw.line((x, y - arm, x, y + arm), fill=line)
    return tile


def dotted_cell(size: int, fill: Colour, line: Colour) -> Image.Image:
    """Return a cell with a dot in each corner: a zero put between two cells."""
    tile = Image.new("RGB", (size + 1, size + 1), fill)
    draw = ImageDraw.Draw(tile)
    draw.rectangle((0, 0, size, size), outline=line)
    inset, dot = max(2, size // 6), max(1, size // 16)
    for x in (inset, size - inset):
        for y in (inset, size - inset):
            draw.rectangle((x - dot + 1, y - dot + 1, x, y), fill=line)
    return tile


def hatch(image: Image.Image, box: Box, colour: Colour, step: int) -> None:
    """Draw diagonal lines over a box: a cell that no window covers."""
    left, top, right, bottom = box
    draw = ImageDraw.Draw(image)
    height = bottom - top
    for start in range(left - height, right, max(3, step)):
        first, last = max(start, left), min(start + height, right)
        if last > first:
            draw.line((first, bottom - (first - start), last, bottom - (last - start)), fill=colour)


def plate(image: Image.Image, spot: tuple[int, int], words: tuple[str, int], fill: Colour) -> None:
    """Write text on a small plate of its own, so that it reads on a hatched cell."""
    text, size = words
    draw = ImageDraw.Draw(image)
    half = math.ceil(text_width(text, size) / 2) + 1
    tall = math.ceil(0.55 * size)
    draw.rectangle((spot[0] - half, spot[1] - tall, spot[0] + half, spot[1] + tall), fill=fill)
    write(draw, spot, text, size=size, colour=ink_on(fill), anchor="mm")
