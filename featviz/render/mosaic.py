"""The fast picture of a layer: one PNG by numpy and Pillow, without matplotlib.

The file holds places of one palette: the steps of the colour bar, and the inks of the labels. That
is a third of the bytes of RGB, and Pillow packs it several times faster.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from featviz._check import size_text, true_or_false, whole_number
from featviz._files import check_target, write_whole
from featviz.map_choice import cell_word
from featviz.map_panels import MapSheet, sheet_from_feature_maps
from featviz.map_words import (
    end_text,
    green_words,
    name_options,
    room_for_marks,
    scale_words,
)
from featviz.networks.values import FeatureMaps
from featviz.panels import Limits
from featviz.render.canvas import fitted, glyphs, text_width
from featviz.render.map_colours import bar_numbers
from featviz.render.map_grid import (
    ALARM,
    ASPECT,
    COVERAGES,
    FAINT,
    INK,
    LINE,
    PAPER,
    STEPS,
    Paper,
    Plan,
    columns_of_grid,
    grid_of_tiles,
    palette_of_sheet,
)

TITLE_GAP = 4
MARGIN, HEAD_TYPE, TEXT_TYPE, LABEL_TYPE = 12, 14, 11, 10
LINE_HEIGHT, LABEL_HEIGHT = 16, 13
NARROWEST = 520
# Maps smaller than this are magnified until they are as large; labels then have room.
SMALLEST_TILE = 48
THINNEST_TILE = 14
LONGEST_BAR, BAR_HEIGHT = 320, 12
# Maps stand apart by so many pixels more at most, where a mark needs it.
MARK_ROOM = 24
# A sequence fills so many pixels each way, its cells at most these.
SEQUENCE, LARGEST_CELL = 450, 30
# A few maps are magnified until they fill about so many pixels together.
PAGE = 450_000
LARGEST_MOSAIC = 2**28


def save_mosaic(
    maps: FeatureMaps,
    path: str,
    file: str | os.PathLike[str],
    *,
    image: int = 0,
    channels: Sequence[int] | str | None = None,
    count: int | None = None,
    scale: str | Limits = "layer",
    columns: int | None = None,
    labels: bool = True,
    gap: int = 2,
    palette: str | None = None,
    gamma: float | None = None,
    magnify: int | None = None,
) -> Path:
    """Write a layer's feature maps as one PNG, many times faster than a figure.

    Each cell of a map is a square of whole pixels. Dead, constant and NaN maps are marked, and
    counted above; what is not shown is said there, too.

    Args:
        maps: what :func:`featviz.feature_maps` returned.
        path: of the layer.
        file: ends in ``.png``.
        image: which image, from 0.
        channels: None for the first ones, ``"strongest"`` (largest mean magnitude first),
            ``"most_varied"`` (largest standard deviation first), or channel numbers from 0.
        count: how many channels at most, unless numbers are given; None for all.
        scale: ``"layer"`` (one for all channels, also those not shown), ``"shared"`` (one for
            those that are shown), ``"signed"`` (as layer, symmetric about 0), ``"each"``, or
            ``(low, high)``.
        columns: maps in a row; None: wider than high.
        labels: whether each map has its channel's number above it.
        gap: pixels between maps, 0 to 100.
        palette: ``"signed"``, ``"heat"`` or ``"grey"``; None: by the limits.
        gamma: exponent of the display; None: 0.5, which lifts what is small.
        magnify: pixels for each cell; None: 1, and for small maps as many as labels ask for.

    Returns:
        The path.

    Raises:
        PathError: no such path.
        ValueError: no such image or channel, a wrong value, another ending.
        TypeError: a wrong kind.
        OSError: the file cannot be written; what was there before is untouched.

    Example:
        >>> import tempfile
        >>> from featviz.networks.values import LayerInfo
        >>> info = LayerInfo("conv", "conv", "Conv2D", "3×3, 2 features", -1)
        >>> maps = FeatureMaps({"conv": np.ones((1, 4, 4, 2))}, {"conv": info}, (), (), "net")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_mosaic(maps, "conv", f"{folder}/conv.png").name
        'conv.png'
    """
    sheet = sheet_from_feature_maps(
        maps, path, image=image, channels=channels, count=count, scale=scale, gamma=gamma,
        palette=palette,
    )  # fmt: skip
    check_target(file, [".png"])
    picture = picture_from_sheet(sheet, columns=columns, labels=labels, gap=gap, magnify=magnify)
    stream = io.BytesIO()
    picture.save(stream, "png", compress_level=1)
    return write_whole(file, stream.getvalue())


def picture_from_sheet(
    sheet: MapSheet,
    *,
    columns: int | None = None,
    labels: bool = True,
    gap: int = 2,
    magnify: int | None = None,
    area: float = PAGE,
) -> Image.Image:
    """Return the mosaic of a sheet as places of its palette.

    Args:
        sheet: of one layer.
        columns: as in :func:`save_mosaic`.
        labels: as in :func:`save_mosaic`.
        gap: as in :func:`save_mosaic`.
        magnify: as in :func:`save_mosaic`.
        area: pixels that a few maps are magnified to fill together.

    Raises:
        ValueError: a wrong value, or a mosaic that would be too large.
        TypeError: a wrong kind.
    """
    if whole_number("gap", gap, minimum=0) > 100:
        raise ValueError(f"gap must be a whole number from 0 to 100; got {gap}")
    zoom = None if magnify is None else whole_number("magnify", magnify, minimum=1)
    wide = None if columns is None else whole_number("columns", columns, minimum=1)
    true_or_false("labels", labels)
    if sheet.form == "sequence" and sheet.scale == "each":
        sheet = replace(sheet, scale="shared")  # one picture: the bar itself tells its ends
    count, height, width = sheet.tiles.shape
    if sheet.form == "sequence" and not zoom:  # steps and channels have no unit in common
        zooms = tuple(max(1, min(LARGEST_CELL, SEQUENCE // side)) for side in (height, width))
    else:
        zooms = (zoom, zoom) if zoom else _zooms((count, height, width), area)
    plan = _planned(sheet, (zooms[0], zooms[1]), wide, gap, labels=labels)
    paper = _drawn(sheet, plan, labels=labels)
    picture = Image.frombytes("P", paper.shape[::-1], paper.tobytes())
    picture.putpalette(palette_of_sheet(sheet).tobytes())
    return picture


def _planned(
    sheet: MapSheet, zooms: tuple[int, int], columns: int | None, gap: int, *, labels: bool
) -> Plan:
    count, height, width = sheet.tiles.shape
    tile = height * zooms[0], width * zooms[1]
    above = LABEL_HEIGHT if labels else 0
    below = LABEL_HEIGHT if labels and (sheet.scale == "each" or sheet.form == "vector") else 0
    words = 0.0
    if labels:  # room for "1003 dead" above a small tile
        words = room_for_marks(sheet.names, sheet.marks, lambda text: text_width(text, LABEL_TYPE))
    wide = max(tile[1] + gap, min(math.ceil(words) + 3, tile[1] + MARK_ROOM))
    pitch = tile[0] + above + below + gap, wide
    if columns is None and sheet.form == "volume":
        columns = count // len(sheet.channels)
    elif columns is None:
        columns = columns_of_grid(count, pitch, aspect=4.0 if sheet.form == "vector" else ASPECT)
    plan = Plan(zooms, tile, above, below, pitch, min(columns, count), -(-count // columns))
    if plan.rows * pitch[0] * plan.columns * pitch[1] > LARGEST_MOSAIC:
        sizes = size_text((plan.rows * pitch[0], plan.columns * pitch[1]))
        raise ValueError(
            f"mosaic must have at most {LARGEST_MOSAIC:,} pixels; got {sizes}; show fewer channels"
        )
    return plan


def _zooms(sizes: tuple[int, int, int], area: float) -> tuple[int, int]:
    """Return the pixels of a cell of (n, H, W), down and across; thin maps grow."""
    count, height, width = sizes
    longest = max(height, width)
    room = SMALLEST_TILE if longest == 1 else max(SMALLEST_TILE, math.sqrt(area / count))
    # Up to the smallest tile, which labels ask for; beyond it only as far as there is room.
    zoom = max(1, int(room // longest), -(-SMALLEST_TILE // longest))
    down, across = zoom, zoom
    if width > 12 * height or longest == 1:
        down = -(-THINNEST_TILE // height)
    elif height > 12 * width:
        across = -(-SMALLEST_TILE // width)
    return down, across


def _drawn(sheet: MapSheet, plan: Plan, *, labels: bool) -> Paper:
    """Return the whole mosaic as places of the palette."""
    grid_width = plan.columns * plan.pitch[1]
    width = max(NARROWEST, grid_width + 2 * MARGIN)
    heading = _heading_lines(sheet, width - 2 * MARGIN, labels=labels)
    top = MARGIN + TITLE_GAP + LINE_HEIGHT * len(heading) + 10
    legend = _wrapped(_legend(sheet, labels=labels), width - 2 * MARGIN)
    foot = 48 + LINE_HEIGHT * len(legend)
    paper = np.full((top + plan.rows * plan.pitch[0] + foot, width), PAPER, np.uint8)
    for line, (words, size, place) in enumerate(heading):
        y = MARGIN + LINE_HEIGHT * line + LINE_HEIGHT // 2 + (TITLE_GAP if line else 0)
        _write(paper, (MARGIN, y), words, size, place, bold=line == 0)
    grid = paper[top : top + plan.rows * plan.pitch[0], MARGIN : MARGIN + grid_width]
    grid[:] = grid_of_tiles(sheet, plan)
    whole = paper[top : top + plan.rows * plan.pitch[0], MARGIN:-MARGIN]
    for index in range(len(sheet.tiles) if labels else 0):
        row, column = divmod(index, plan.columns)
        _label(whole, sheet, index, (row * plan.pitch[0], column * plan.pitch[1]), plan)
    below = top + plan.rows * plan.pitch[0] + 12
    _draw_bar(paper, sheet, below)
    for line, words in enumerate(legend):
        y = below + BAR_HEIGHT + 28 + LINE_HEIGHT * line
        _write(paper, (MARGIN, y), words, TEXT_TYPE, FAINT)
    return paper


def _label(grid: Paper, sheet: MapSheet, index: int, spot: tuple[int, int], plan: Plan) -> None:
    room = plan.pitch[1] - 3
    if sheet.form == "sequence":
        room = grid.shape[1]
    text = _first_that_fits(name_options(sheet.names[index], sheet.marks[index]), room)
    y = spot[0] + LABEL_HEIGHT // 2
    _write(grid, (spot[1], y), text, LABEL_TYPE, ALARM if sheet.marks[index] else FAINT)
    if plan.below:
        end = end_text(sheet.stats[index], signed=sheet.limits[index][0] < 0)
        options = [end, end.removeprefix("max ")]
        if sheet.form == "vector":
            options = [cell_word(sheet.numbers[index, 0, 0])]
        y = spot[0] + plan.above + plan.tile[0] + LABEL_HEIGHT // 2
        _write(grid, (spot[1], y), _first_that_fits(options, room), LABEL_TYPE, INK)


def _first_that_fits(texts: Sequence[str], room: float) -> str:
    for text in texts:
        if text_width(text, LABEL_TYPE) <= room:
            return text
    return fitted(texts[-1], room, LABEL_TYPE)[0]


def _heading_lines(sheet: MapSheet, width: int, *, labels: bool) -> list[tuple[str, int, int]]:
    """Return the heading's lines, each with its type and ink."""
    title, size = fitted(sheet.title, width, HEAD_TYPE, bold=True)
    lines = [(title, size, INK)]
    for text in sheet.lines if labels else sheet.lines_without_labels:
        lines += [(line, TEXT_TYPE, INK) for line in _wrapped(text, width)]
    for text in sheet.went_in:
        lines += [(line, TEXT_TYPE, FAINT) for line in _wrapped(f"went in: {text}", width)]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, TEXT_TYPE) <= width:
            lines[-1] = longer
        elif text_width(word, TEXT_TYPE) <= width:
            lines.append(word)
        else:
            lines.append(fitted(word, width, TEXT_TYPE)[0])
    return lines


def _draw_bar(paper: Paper, sheet: MapSheet, top: int) -> None:
    """Draw the colour bar, its numbers, and what it stands for."""
    length = min(LONGEST_BAR, paper.shape[1] - 2 * MARGIN)
    left = MARGIN
    box = paper[top : top + BAR_HEIGHT, left : left + length]
    box[:] = np.arange(length) * STEPS // length
    taken: list[tuple[float, float]] = []
    for text, place in _numbers_of_bar(sheet):
        half = text_width(text, LABEL_TYPE) / 2
        middle = left + place * (length - 1)
        start = max(float(left), min(middle - half, left + length - 2 * half))
        if all(start + 2 * half + 6 <= a or start >= b + 6 for a, b in taken):
            taken.append((start, start + 2 * half))
            paper[top + BAR_HEIGHT : top + BAR_HEIGHT + 3, round(middle)] = LINE
            _write(paper, (round(start), top + BAR_HEIGHT + 10), text, LABEL_TYPE, INK)


def _legend(sheet: MapSheet, *, labels: bool) -> str:
    words = scale_words(sheet.scale, sheet.total, sheet.gamma, ends_written=labels)
    return " · ".join(filter(None, (words, green_words(sheet.stats))))


def _numbers_of_bar(sheet: MapSheet) -> list[tuple[str, float]]:
    if sheet.scale != "each":
        return bar_numbers(sheet.limits[0], sheet.gamma)
    if sheet.limits[0][0] < 0:
        return [("−max", 0.0), ("max", 1.0), ("0", 0.5)]
    return [("0", 0.0), ("max", 1.0)]


def _write(
    paper: Paper, spot: tuple[int, int], text: str, size: int, place: int, *, bold: bool = False
) -> None:
    """Set one line in an ink, its left middle there; what hangs over is cut."""
    mask, left, top = glyphs(text, size, bold=bold)
    coverage = np.asarray(mask)
    x, y = max(0, spot[0] + left), max(0, spot[1] + top)
    region = paper[y : y + coverage.shape[0], x : x + coverage.shape[1]]
    coverage = coverage[: region.shape[0], : region.shape[1]]
    inked = coverage > 0
    region[inked] = _PLACE_OF[coverage[inked]] + np.uint8(place)


def _places() -> Paper:
    places = np.zeros(256, np.uint8)
    for number, coverage in enumerate(COVERAGES):
        places[coverage] = number
    return places


_PLACE_OF = _places()
