"""The page of a network: its input, and a row of feature maps for each layer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.figure import Figure

from featviz.map_inputs import InputPicture, colours_of_image, image_words, range_of_images
from featviz.map_panels import MapSheet
from featviz.map_words import green_words, name_options, scale_words
from featviz.panels import colour_limits
from featviz.render import drawing
from featviz.render.drawing import ALARM, FAINT_INK, INK
from featviz.render.map_figures import draw_bar_of_sheet, merged_steps
from featviz.render.map_grid import Plan, grid_of_tiles, palette_of_sheet
from featviz.render.map_pages import (
    LABEL_LINE,
    LINE_SIZE,
    MARGIN,
    NARROWEST,
    NOTE_LINE,
    NOTE_SIZE,
    TINY_SIZE,
    Label,
    Page,
    fit_inches,
    heading,
)
from featviz.render.paper import DOTS_PER_INCH

# A row of the network: words, then its maps, then its bar.
WORDS_WIDTH, TILE, TILE_GAP, ROW_BAR, BAR_GAP = 2.5, 0.66, 0.04, 1.15, 0.2
# Inches of a channel where values or sequences stand in one strip.
CELL_OF_STRIP = 0.12
# Many rows stand closer.
WIDE_GAP, CLOSE_GAP, CLOSE_FROM = 0.18, 0.07, 9
# Of an oblong map the thin side is stretched to so many inches.
THIN_TILE = 0.22
INPUT_HEIGHT, INPUT_WIDTH = 1.1, 2.4


@dataclass(frozen=True, slots=True)
class PageWords:
    """What stands above the rows of a network.

    Attributes:
        title: above all.
        note: which layers are shown.
    """

    title: str
    note: str


def network_figure(
    sheets: Sequence[MapSheet], pictures: Sequence[InputPicture], words: PageWords, *, tiles: int
) -> Figure:
    """Return one page with a row for each layer.

    Args:
        sheets: of the layers, early ones first.
        pictures: the inputs that are images.
        words: above the rows.
        tiles: how many maps have room in a row.
    """
    shared = sheets[0].scale == "shared"
    if shared:
        sheets = _on_one_scale(sheets)
    strip = _strip_width(sheets, tiles)
    bars = not shared and sheets[0].scale != "each"
    beside = BAR_GAP + ROW_BAR + 0.1 if bars else 0.0
    width = max(NARROWEST, MARGIN + WORDS_WIDTH + strip + beside + MARGIN)
    head = heading(words.title, [words.note], sheets[0].went_in, width)
    begin = MARGIN + sum(line[2] for line in head) + 0.1
    several = len(pictures) > 1
    tops = [begin]
    for picture in pictures:
        tops.append(tops[-1] + _input_height(picture, several=several))
    rows = tops[-1]
    row_height = LABEL_LINE + TILE + (CLOSE_GAP if len(sheets) >= CLOSE_FROM else WIDE_GAP)
    page = Page(width, rows + row_height * len(sheets) + (0.55 if shared else 0.3))
    page.lines(MARGIN, head)
    for picture, top in zip(pictures, tops[:-1], strict=True):
        _draw_input(page, picture, top, several=several)
    labels: list[Label] = []
    for number, sheet in enumerate(sheets):
        top = rows + row_height * number
        _write_row(page, sheet, top)
        labels += _draw_row(page, sheet, top, strip)
        if bars:
            left = MARGIN + WORDS_WIDTH + strip + BAR_GAP
            draw_bar_of_sheet(page, sheet, (left, top + LABEL_LINE + 0.25, ROW_BAR), words=False)
    page.label(labels)
    _write_foot(page, sheets, rows + row_height * len(sheets))
    return page.figure


def _gamma_words(sheets: Sequence[MapSheet]) -> str:
    """Return which exponents the rows have; strips may have another one."""
    found = {sheet.gamma: sheet.form == "vector" for sheet in reversed(sheets)}
    if len(found) == 1:
        return "" if 1.0 in found else f" · gamma {sheets[0].gamma:g}"
    told = [f"{gamma:g} for {'values' if strip else 'maps'}" for gamma, strip in found.items()]
    return f" · gamma {', '.join(sorted(told))}"


def _on_one_scale(sheets: Sequence[MapSheet]) -> list[MapSheet]:
    limits = colour_limits([item for sheet in sheets for item in sheet.stats], signed=False)
    palette = "signed" if limits[0] < 0 else sheets[0].palette
    return [
        replace(sheet, limits=(limits,) * len(sheet.limits), palette=palette, gamma=sheets[0].gamma)
        for sheet in sheets
    ]


def _strip_width(sheets: Sequence[MapSheet], tiles: int) -> float:
    """Return the inches of the longest row, no more than so many maps take."""
    pitch = TILE + TILE_GAP
    needed = [
        _inches_of_strip(len(sheet.channels)) + TILE_GAP
        if sheet.form in ("vector", "sequence")
        else len(sheet.channels) * pitch
        for sheet in sheets
    ]
    return min(max(4, tiles) * pitch, max(4 * pitch, *needed))


def _inches_of_strip(count: int) -> float:
    """Return the width of a strip of so many channels where there is room."""
    return max(TILE, count * CELL_OF_STRIP)


def _input_size(picture: InputPicture, *, several: bool) -> tuple[float, float]:
    """Return width and height of an input's picture: several are smaller."""
    height = TILE + 0.05 if several else INPUT_HEIGHT
    if picture.series:  # steps and channels have no unit in common
        return min(INPUT_WIDTH, _inches_of_strip(picture.values.shape[1])), height
    return fit_inches(picture.values.shape, INPUT_WIDTH, height)


def _input_lines(picture: InputPicture, tall: float) -> list[str]:
    """Return the words about an input, its picture so many inches high."""
    each = merged_steps(picture.values, 0, tall)[1] if picture.series else 1
    limits = range_of_images([picture.values])
    words = image_words(picture.values, limits, changed=picture.changed)
    sizes = picture.sizes + f" in means of {each}" * (each > 1)
    return [sizes, *drawing.wrapped(words, NOTE_SIZE, WORDS_WIDTH - 0.15)]


def _input_height(picture: InputPicture, *, several: bool) -> float:
    """Return the height of an input's row, its picture beside its words."""
    tall = _input_size(picture, several=several)[1]
    words = 0.15 + NOTE_LINE * len(_input_lines(picture, tall))
    return max(tall, words) + (0.15 if several else 0.25)


def _write_foot(page: Page, sheets: Sequence[MapSheet], top: float) -> None:
    sheet = sheets[0]
    words = {
        "each": "each map on its own scale, whose end is its largest magnitude",
        "layer": "each row on one scale for all channels of its layer",
        "signed": "each row on one scale for all channels of its layer, symmetric about 0",
        "shared": "one scale for all maps shown",
    }
    text = words[sheet.scale] if isinstance(sheet.scale, str) else scale_words(sheet.scale, 2, 1.0)
    green = green_words(item for one in sheets for item in one.stats)
    text += (f" · {green}" if green else "") + _gamma_words(sheets)
    shared = sheet.scale == "shared"
    if shared:
        draw_bar_of_sheet(page, sheet, (MARGIN, top, 3.4), words=False)
    page.write(MARGIN, top + 0.3 if shared else top + 0.05, text, NOTE_SIZE, colour=FAINT_INK,
               room=page.width - 2 * MARGIN)  # fmt: skip


def _draw_input(page: Page, picture: InputPicture, top: float, *, several: bool) -> None:
    """Draw one input of the model and say which it is."""
    size = _input_size(picture, several=several)
    values = merged_steps(picture.values, 0, size[1])[0] if picture.series else picture.values
    colours = colours_of_image(values, range_of_images([picture.values]))
    page.picture((MARGIN + WORDS_WIDTH, top, *size), colours, "image")
    room = WORDS_WIDTH - 0.15
    name = "series" if picture.series else "image"
    if several:
        name = picture.name or f"input {picture.number}"
    page.write(MARGIN, top, name, LINE_SIZE, bold=True, room=room)
    for line, text in enumerate(_input_lines(picture, size[1])):
        spot = top + 0.15 + NOTE_LINE * line
        page.write(MARGIN, spot, text, NOTE_SIZE, colour=FAINT_INK, room=room)


def _write_row(page: Page, sheet: MapSheet, top: float) -> None:
    room = WORDS_WIDTH - 0.15
    page.write(MARGIN, top + LABEL_LINE, sheet.path, LINE_SIZE, bold=True, room=room)
    shown = f"{len(set(sheet.channels)):,} of {sheet.total:,} shown"
    lines = drawing.wrapped(sheet.layer, NOTE_SIZE, room)[:2]
    lines += [f"{sheet.shape} · {shown}", sheet.span]
    # The numbers of the channels would be cut.
    wrong = re.sub(r" \([^)]*\)", "", sheet.wrong)
    for number, text in enumerate([*lines, wrong]):
        colour = ALARM if number == len(lines) else FAINT_INK
        spot = top + LABEL_LINE + 0.15 + NOTE_LINE * number
        page.write(MARGIN, spot, text, NOTE_SIZE, colour=colour, room=room)


def _draw_row(page: Page, sheet: MapSheet, top: float, strip: float) -> list[Label]:
    """Draw the maps of a layer side by side and return their labels."""
    left, top = MARGIN + WORDS_WIDTH, top + LABEL_LINE
    if sheet.form in ("vector", "sequence"):
        flat = sheet.tiles.reshape(1, 1, -1) if sheet.form == "vector" else sheet.tiles
        steps = flat.shape[1]
        flat, each = merged_steps(flat, 1, TILE)
        whole = replace(sheet, tiles=flat, limits=sheet.limits[:1], marks=("",), stats=())
        height, width = flat.shape[1:]
        plan = Plan((1, 1), (height, width), 0, 0, (height, width), 1, 1)
        colours = palette_of_sheet(whole)[grid_of_tiles(whole, plan)]
        wide = min(strip - TILE_GAP, _inches_of_strip(width))
        tall = 0.24 if sheet.form == "vector" else TILE
        page.picture((left, top, wide, tall), colours, sheet.path)
        words = f"value{'s' * (width > 1)}" if sheet.form == "vector" else f"{steps} steps down"
        words += f" in means of {each}" * (each > 1)
        first, last = sheet.channels[0], sheet.channels[-1]
        ends = f"{words}, channels {first} to {last}" if width > 1 else f"{words}, channel {first}"
        return [Label(left, top - LABEL_LINE + 0.01, ends, TINY_SIZE, INK)]
    sheet = _middle_slices(sheet)
    count, height, width = sheet.tiles.shape
    zoom = max(1, int(TILE * DOTS_PER_INCH / max(height, width)))
    unit = TILE / max(height, width) / zoom
    thin = -(-round(THIN_TILE / unit) // min(height, width))
    zooms = max(zoom, thin * (height < width)), max(zoom, thin * (width < height))
    tile = height * zooms[0], width * zooms[1]
    pitch = tile[0], max(tile[1], round(0.3 / unit)) + max(1, round(0.04 / unit))
    plan = Plan(zooms, tile, 0, 0, pitch, count, 1)
    colours = palette_of_sheet(sheet)[grid_of_tiles(sheet, plan)]
    page.picture((left, top, count * pitch[1] * unit, pitch[0] * unit), colours, sheet.path)
    room = pitch[1] * unit - 0.02
    return [
        Label(left + index * pitch[1] * unit, top - LABEL_LINE + 0.01, text, TINY_SIZE, colour)
        for index, (text, colour) in enumerate(_tile_words(sheet, room))
    ]


def _tile_words(sheet: MapSheet, room: float) -> list[tuple[str, str]]:
    words = []
    for name, mark in zip(sheet.names, sheet.marks, strict=True):
        options = name_options(name, mark)
        fits = [text for text in options if drawing.text_width(text, TINY_SIZE) <= room]
        words.append(((fits or [name])[0], ALARM if mark else INK))
    return words


def _middle_slices(sheet: MapSheet) -> MapSheet:
    """Return the middle slice of every channel of a volume; other sheets as they are."""
    if sheet.form != "volume":
        return sheet
    depth = len(sheet.tiles) // len(sheet.channels)
    part = slice(depth // 2, None, depth)
    few: dict[str, Any] = {
        name: getattr(sheet, name)[part]
        for name in ("tiles", "numbers", "names", "stats", "marks", "limits")
    }
    return replace(sheet, **few)
