"""Figures of a network, of one channel over its image, of its best images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure

from featviz._check import size_text
from featviz.captions import one_line, value_text
from featviz.map_choice import Values
from featviz.map_inputs import colours_of_image, image_words, range_of_images
from featviz.map_panels import MapSheet
from featviz.map_words import name_options, scale_words
from featviz.networks.top_values import TopImages
from featviz.panels import colour_limits
from featviz.render import drawing
from featviz.render.drawing import ALARM, FAINT_INK, INK
from featviz.render.map_figures import draw_bar_of_sheet
from featviz.render.map_grid import Plan, grid_of_tiles, palette_of_sheet
from featviz.render.map_pages import (
    DOTS_PER_INCH,
    LABEL_LINE,
    LABEL_SIZE,
    LINE_SIZE,
    MARGIN,
    NARROWEST,
    NOTE_LINE,
    NOTE_SIZE,
    TINY_SIZE,
    Label,
    Page,
    heading,
)
from featviz.vocabulary import BROKEN_WORDS

# A row of the network: words, then its maps, then its bar.
WORDS_WIDTH, TILE, ROW_BAR, ROW_GAP = 2.5, 0.66, 1.15, 0.18
# Numbers at the ends of a bar hang over.
BAR_ROOM = 0.26
ROW_HEIGHT = LABEL_LINE + TILE + ROW_GAP
INPUT_HEIGHT = 1.1
OVER_INCHES = 3.0
THUMB, THUMB_GAP = 0.86, 0.05
PAGE_WIDTH = 10.5
GREEN_WORDS = f" · {BROKEN_WORDS}"


def network_figure(
    sheets: Sequence[MapSheet], image: Values | None, *, title: str, note: str, tiles: int
) -> Figure:
    """Return one page with a row for each layer.

    Args:
        sheets: of the layers, early ones first.
        image: (H, W, C) that went in, or None if it is no image.
        title: above all.
        note: which layers are shown.
        tiles: how many maps have room in a row.
    """
    shared = sheets[0].scale == "shared"
    if shared:
        limits = colour_limits([item for sheet in sheets for item in sheet.stats], signed=False)
        palette = "signed" if limits[0] < 0 else sheets[0].palette
        sheets = [
            replace(sheet, limits=(limits,) * len(sheet.limits), palette=palette)
            for sheet in sheets
        ]
    strip = max(4, tiles) * (TILE + 0.04)
    bars = not shared and sheets[0].scale != "each"
    beside = 2 * BAR_ROOM + ROW_BAR if bars else 0.0
    width = max(NARROWEST, MARGIN + WORDS_WIDTH + strip + beside + MARGIN)
    head = heading(title, [note], sheets[0].went_in, width)
    begin = MARGIN + sum(line[2] for line in head) + 0.1
    rows = begin + (INPUT_HEIGHT + 0.25 if image is not None else 0.0)
    foot = 0.55 if shared else 0.3
    page = Page(width, rows + ROW_HEIGHT * len(sheets) + foot)
    page.lines(MARGIN, head)
    if image is not None:
        _draw_input(page, image, begin)
    labels: list[Label] = []
    for number, sheet in enumerate(sheets):
        top = rows + ROW_HEIGHT * number
        _write_row(page, sheet, top)
        labels += _draw_row(page, sheet, top, strip)
        if bars:
            left = MARGIN + WORDS_WIDTH + strip + BAR_ROOM
            draw_bar_of_sheet(page, sheet, (left, top + LABEL_LINE + 0.25, ROW_BAR), words=False)
    page.label(labels)
    end = rows + ROW_HEIGHT * len(sheets)
    broken = any(item.broken for sheet in sheets for item in sheet.stats)
    _write_foot(page, sheets[0], end, broken=broken)
    return page.figure


def _write_foot(page: Page, sheet: MapSheet, top: float, *, broken: bool) -> None:
    words = {
        "each": "each map on its own scale, from 0 to its largest magnitude",
        "layer": "each row on one scale for all channels of its layer",
        "signed": "each row on one scale for all channels of its layer, symmetric about 0",
        "shared": "one scale for all maps shown",
    }
    text = words[sheet.scale] if isinstance(sheet.scale, str) else scale_words(sheet.scale, 2, 1.0)
    text += f" · gamma {sheet.gamma:g}" + GREEN_WORDS * broken
    shared = sheet.scale == "shared"
    if shared:
        draw_bar_of_sheet(page, sheet, (MARGIN, top, 3.4), words=False)
    page.write(MARGIN, top + 0.3 if shared else top + 0.05, text, NOTE_SIZE, colour=FAINT_INK,
               room=page.width - 2 * MARGIN)  # fmt: skip


def _draw_input(page: Page, image: Values, top: float) -> None:
    limits = range_of_images([image])
    size = _fit(image.shape, 2.4, INPUT_HEIGHT)
    page.picture((MARGIN + WORDS_WIDTH, top, *size), colours_of_image(image, limits), "image")
    page.write(MARGIN, top, "image", LINE_SIZE, bold=True)
    page.write(MARGIN, top + 0.15, size_text(image.shape), NOTE_SIZE, colour=FAINT_INK)
    words = image_words(image, limits)
    for line, text in enumerate(drawing.wrapped(words, NOTE_SIZE, WORDS_WIDTH - 0.2)):
        page.write(MARGIN, top + 0.15 + NOTE_LINE * (line + 1), text, NOTE_SIZE, colour=FAINT_INK)


def _fit(shape: Sequence[int], width: float, height: float) -> tuple[float, float]:
    """Return the largest width and height in inches of (H, W, …) within a box."""
    unit = min(width / shape[1], height / shape[0])
    return max(0.1, shape[1] * unit), max(0.1, shape[0] * unit)


def _write_row(page: Page, sheet: MapSheet, top: float) -> None:
    room = WORDS_WIDTH - 0.15
    page.write(MARGIN, top + LABEL_LINE, sheet.path, LINE_SIZE, bold=True, room=room)
    shown = f"{len(set(sheet.channels))} of {sheet.total} shown"
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
        whole = replace(sheet, tiles=flat, limits=sheet.limits[:1], marks=("",), stats=())
        height, width = flat.shape[1:]
        plan = Plan((1, 1), (height, width), 0, 0, (height, width), 1, 1)
        colours = palette_of_sheet(whole)[grid_of_tiles(whole, plan)]
        wide = min(strip - 0.04, max(TILE, width * 0.12))
        tall = 0.24 if sheet.form == "vector" else TILE
        page.picture((left, top, wide, tall), colours, sheet.path)
        words = "values" if sheet.form == "vector" else f"{height} steps down"
        ends = f"{words}, channels {sheet.channels[0]} to {sheet.channels[-1]}"
        return [Label(left, top - LABEL_LINE + 0.01, ends, TINY_SIZE, INK)]
    sheet = _middle_slices(sheet)
    count, height, width = sheet.tiles.shape
    zoom = TILE * DOTS_PER_INCH / max(height, width)
    whole_zoom = max(1, int(zoom))
    unit = TILE / max(height, width) / whole_zoom
    tile = height * whole_zoom, width * whole_zoom
    pitch = tile[0], max(tile[1], round(0.3 / unit)) + max(1, round(0.04 / unit))
    plan = Plan((whole_zoom, whole_zoom), tile, 0, 0, pitch, count, 1)
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
        name: getattr(sheet, name)[part] for name in ("tiles", "names", "stats", "marks", "limits")
    }
    return replace(sheet, **few)


def channel_figure(sheet: MapSheet, image: Values, alpha: float, title: str | None) -> Figure:
    """Return the image, one channel of it enlarged, and both over one another.

    Args:
        sheet: of one channel.
        image: (H, W, C) that went in.
        alpha: opacity over the image of the end of the scale, 0 to 1; 0 is clear.
        title: None for the model, the path and the channel.
    """
    size = _fit(image.shape, OVER_INCHES, OVER_INCHES)
    width = 3 * size[0] + 0.4 + 2 * MARGIN
    words = f"{sheet.title} · channel {sheet.names[0]}" if title is None else title
    note = "the map is stretched over the whole image: where its cells lie is not corrected for"
    first = " · ".join(word for word in (sheet.layer, f"{sheet.shape} values", sheet.batch) if word)
    page_width = max(NARROWEST, width)
    head = heading(words, [first, f"{note} padding or stride"], sheet.went_in, page_width)
    top = MARGIN + sum(line[2] for line in head) + 0.28
    page = Page(page_width, top + size[1] + 0.58 + MARGIN)
    page.lines(MARGIN, head)
    limits = range_of_images([image])
    colours = colours_of_image(image, limits)
    plan = Plan((1, 1), sheet.tiles.shape[1:], 0, 0, sheet.tiles.shape[1:], 1, 1)
    cells = palette_of_sheet(sheet)[grid_of_tiles(replace(sheet, marks=("",)), plan)]
    spots = [MARGIN + column * (size[0] + 0.2) for column in range(3)]
    grey = np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1)
    page.picture((spots[0], top, *size), colours, "image")
    page.picture((spots[1], top, *size), cells, "channel")
    over = page.picture((spots[2], top, *size), grey, "channel over the image")
    height, wide = image.shape[:2]
    veil = np.concatenate([cells, _opacity(sheet, alpha)], axis=-1)
    over.imshow(
        veil, extent=(-0.5, wide - 0.5, height - 0.5, -0.5),
        interpolation="nearest", aspect="auto", origin="upper",
    )  # fmt: skip
    names = ["image", f"channel {sheet.names[0]}", "over the grey image; 0 is clear"]
    for spot, name in zip(spots, names, strict=True):
        page.write(spot, top - 0.17, name, LINE_SIZE, bold=True, room=size[0])
    page.write(spots[0], top + size[1] + 0.05, image_words(image, limits), NOTE_SIZE,
               colour=FAINT_INK, room=size[0])  # fmt: skip
    if sheet.marks[0]:
        page.write(spots[2], top + size[1] + 0.05, sheet.marks[0], NOTE_SIZE, colour=ALARM)
    numbered = replace(sheet, scale=sheet.limits[0])
    draw_bar_of_sheet(page, numbered, (spots[1], top + size[1] + 0.1, size[0]), words=False)
    alone = "scale of this channel alone" if sheet.scale in ("each", "shared") else ""
    scale = alone or scale_words(sheet.scale, sheet.total, sheet.gamma)
    scale += f" · opacity {alpha:g} at its end" + GREEN_WORDS * sheet.stats[0].broken
    page.write(spots[1], top + size[1] + 0.4, scale, NOTE_SIZE, colour=FAINT_INK,
               room=2 * size[0] + 0.2)  # fmt: skip
    return page.figure


def _opacity(sheet: MapSheet, alpha: float) -> npt.NDArray[np.uint8]:
    """Return how opaque each cell is, (H, W, 1): as its magnitude is displayed."""
    most = max(map(abs, sheet.limits[0]))
    shares = np.clip(np.abs(sheet.tiles[0].astype(np.float64)) / most, 0, 1) ** sheet.gamma
    opaque = np.where(np.isfinite(sheet.tiles[0]), shares, 1.0)
    return np.round(255 * alpha * opaque)[..., None].astype(np.uint8)


def top_figure(top: TopImages, rows: Sequence[int], *, title: str | None, marks: bool) -> Figure:
    """Return the best images of each channel.

    Args:
        top: what was found.
        rows: which of its channels, by their places.
        title: None for the model and the path.
        marks: whether the largest cell is marked.
    """
    best = top.indices.shape[1]
    block = best * (THUMB + THUMB_GAP) + 0.16
    across = max(1, min(len(rows), int(PAGE_WIDTH // block)))
    width = max(NARROWEST, across * block + 2 * MARGIN)
    limits = range_of_images(list(top.pictures.values()))
    head = heading(_top_title(top, title), _top_lines(top, rows, limits, marks=marks),
                   [f"{line}, the first batch" for line in top.went_in], width)  # fmt: skip
    begin = MARGIN + sum(line[2] for line in head) + 0.12
    tall = 0.19 + THUMB + LABEL_LINE + 0.12
    page = Page(width, begin + tall * -(-len(rows) // across) + MARGIN / 2)
    page.lines(MARGIN, head)
    labels = []
    for number, row in enumerate(rows):
        place = MARGIN + (number % across) * block, begin + (number // across) * tall
        labels.append(Label(*place, f"channel {top.channels[row]}", LABEL_SIZE + 0.5, INK))
        for rank in range(best):
            left, high = place[0] + rank * (THUMB + THUMB_GAP), place[1] + 0.17
            labels.append(_thumbnail(page, top, (row, rank), (left, high), limits, marks=marks))
    page.label(labels)
    return page.figure


def _top_title(top: TopImages, title: str | None) -> str:
    what = "value" if top.by == "max" else "mean"
    named = f"{one_line(top.model)} · {one_line(top.path)} · images with the largest {what}"
    return named if title is None else title


def _top_lines(
    top: TopImages, rows: Sequence[int], limits: tuple[float, float], *, marks: bool
) -> list[str]:
    what = "largest value" if top.by == "max" else "mean"
    words = [f"{len(rows)} of {top.total} channels shown, numbered from 0"]
    words.append(f"{top.indices.shape[1]} of {top.count} images each, with number and {what}")
    if marks and len(top.sizes) == 2:
        words.append("ring: its largest cell, the map stretched over it")
    if top.pictures:
        words.append(image_words(next(iter(top.pictures.values())), limits))
    if top.left_out:
        words.append(f"{top.left_out} images had NaN or infinite cells, which take no part")
    return [word for word in words if word]


def _thumbnail(
    page: Page, top: TopImages, which: tuple[int, int], spot: tuple[float, float],
    limits: tuple[float, float], *, marks: bool,
) -> Label:  # fmt: skip
    """Draw one small picture and return what stands below it."""
    index, score = int(top.indices[which]), float(top.scores[which])
    below = spot[1] + THUMB + 0.01
    picture = top.pictures.get(index)
    if picture is None:
        text = "none" if index < 0 else f"#{index}: {value_text(score)}"
        return Label(spot[0], below, text, TINY_SIZE, FAINT_INK)
    size = _fit(picture.shape, THUMB, THUMB)
    box = spot[0], spot[1] + THUMB - size[1], *size
    axes = page.picture(box, colours_of_image(picture, limits), f"image {index}")
    if marks and len(top.sizes) == 2:
        height, width = picture.shape[:2]
        row, column = top.positions[which]
        centre = (column + 0.5) / top.sizes[1] * width - 0.5, (row + 0.5) / top.sizes[0] * height
        for colour, line in (("white", 2.0), (ALARM, 1.0)):
            axes.add_collection(
                EllipseCollection(
                    [9.0], [9.0], [0.0], units="points", offsets=[(centre[0], centre[1] - 0.5)],
                    offset_transform=axes.transData, facecolors="none", edgecolors=colour,
                    linewidths=line, clip_on=True,
                )
            )  # fmt: skip
    return Label(spot[0], below, f"#{index}: {value_text(score)}", TINY_SIZE, INK)
