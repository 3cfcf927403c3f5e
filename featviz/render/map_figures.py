"""Feature maps of networks on matplotlib figures: many maps, few artists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from featviz.captions import range_text, share_text, value_text
from featviz.map_choice import Values, cell_word
from featviz.map_panels import MapSheet
from featviz.map_words import (
    end_text,
    green_words,
    name_options,
    room_for_marks,
    scale_words,
)
from featviz.panels import Panel
from featviz.render import drawing
from featviz.render.bars import extension, set_labels, style_bar
from featviz.render.drawing import ALARM, FAINT_INK, INK, TEXT, fitted, text_width
from featviz.render.map_grid import Plan, columns_of_grid, grid_of_tiles, palette_of_sheet
from featviz.render.map_pages import (
    GAP,
    LABEL_LINE,
    LABEL_SIZE,
    MARGIN,
    NARROWEST,
    NOTE_SIZE,
    TINY_SIZE,
    WIDEST,
    Label,
    Page,
    heading,
)
from featviz.render.paper import DOTS_PER_INCH

# A page of tiles has about so many square inches, and its tiles are no larger than that.
PAGE_AREA, LARGEST_TILE = 66.0, 3.0
# Tiles more than twice as long as wide leave room to be longer, up to this share of a square.
THINNEST_SHARE = 0.3
# So many stand side by side, but for strips.
FEW = 3
# From this size on a tile has a caption of its own.
CAPTION_FROM = 1.15
BAR_LENGTH, BAR_HEIGHT, BAR_STRIP = 3.4, 0.09, 0.5
# Tiles stand apart by so many inches more at most, where a mark needs it.
MARK_ROOM = 0.25
# Above this many bars their values are not written.
MOST_VALUES = 24
# Points; a single bar is no wall.
WIDEST_BAR = 40.0


def figure_from_sheet(
    sheet: MapSheet, *, columns: int | None, labels: bool, title: str | None
) -> Figure:
    """Return the figure of one layer.

    Args:
        sheet: what to draw.
        columns: maps in a row; None: as suits the page.
        labels: whether each map has its channel's number.
        title: None for the model and the path.
    """
    words = sheet.title if title is None else title
    if sheet.form == "vector":
        return _vector_figure(sheet, words)
    if sheet.form == "sequence":
        return _sequence_figure(sheet, words)
    return _tile_figure(sheet, columns, words, labels=labels)


def _tile_figure(sheet: MapSheet, columns: int | None, title: str, *, labels: bool) -> Figure:
    unit, plan, captions = _planned(sheet, columns, labels=labels)
    grid = plan.columns * plan.pitch[1] * unit, plan.rows * plan.pitch[0] * unit
    width = max(NARROWEST, grid[0] + 2 * MARGIN)
    lines = sheet.lines if labels else sheet.lines_without_labels
    head = heading(title, lines, sheet.went_in, width)
    top = MARGIN + sum(line[2] for line in head) + 0.06
    page = Page(width, top + grid[1] + BAR_STRIP + MARGIN)
    page.lines(MARGIN, head)
    colours = palette_of_sheet(sheet)[grid_of_tiles(sheet, plan)]
    page.picture((MARGIN, top, *grid), colours, "feature maps")
    if labels:
        page.label(_labels(sheet, plan, unit, captions, top))
    place = MARGIN, top + grid[1] + 0.08, BAR_LENGTH
    draw_bar_of_sheet(page, sheet, place, ends_written=labels)
    return page.figure


def _planned(sheet: MapSheet, columns: int | None, *, labels: bool) -> tuple[float, Plan, int]:
    """Return inches per pixel, the grid, and how many captions a tile has."""
    count, height, width = sheet.tiles.shape
    longest = max(height, width)
    thin = min(1.0, max(2 * min(height, width) / longest, THINNEST_SHARE))
    if columns is None and sheet.form == "volume":
        columns = count // len(sheet.channels)
    area = (PAGE_AREA / count / thin) ** 0.5 if columns is None else WIDEST / columns - GAP
    inches = max(0.36, min(LARGEST_TILE / thin**0.5, area))
    zoom = inches * DOTS_PER_INCH / longest
    # Whole dots for each cell; maps of more cells than dots are made smaller when drawn.
    zoom = float(max(1, int(zoom))) if zoom > 0.75 else zoom
    whole = max(1, int(zoom))
    unit = zoom / whole / DOTS_PER_INCH
    least = max(1, round(0.3 / unit))
    zooms = [whole, whole]
    for axis, (side, other) in enumerate(((height, width), (width, height))):
        if other > 12 * side and side * whole < least:
            zooms[axis] = -(-least // side)
    tile = height * zooms[0], width * zooms[1]
    captions = 1 if labels and sheet.scale == "each" else 0
    captions = 2 if labels and tile[1] * unit >= CAPTION_FROM else captions
    above, below = (
        round(lines * LABEL_LINE / unit) for lines in (int(labels), captions + 0.3 * bool(captions))
    )
    gap = max(1, round(GAP / unit)) if tile[1] * unit < CAPTION_FROM else round(0.1 / unit)
    if labels:  # room for "1003 dead" above a small tile
        words = room_for_marks(sheet.names, sheet.marks, lambda text: text_width(text, TINY_SIZE))
        least = max(least, math.ceil(min(words + 0.03, tile[1] * unit + MARK_ROOM) / unit))
    pitch = tile[0] + above + below + gap, max(tile[1], least) + gap
    beside = count <= FEW and width <= 2 * height
    wide = min(count, columns or (count if beside else columns_of_grid(count, pitch)))
    return (
        unit,
        Plan((zooms[0], zooms[1]), tile, above, below, pitch, wide, -(-count // wide)),
        captions,
    )


def _labels(sheet: MapSheet, plan: Plan, unit: float, captions: int, top: float) -> list[Label]:
    """Return the number of every map with its mark, and what stands below it."""
    room = plan.pitch[1] * unit - 0.02
    size = LABEL_SIZE if room >= 0.55 else TINY_SIZE
    found = []
    for index in range(len(sheet.tiles)):
        row, column = divmod(index, plan.columns)
        left, high = MARGIN + column * plan.pitch[1] * unit, top + row * plan.pitch[0] * unit
        colour = ALARM if sheet.marks[index] else INK
        found.append(Label(left, high + 0.005, _name(sheet, index, size, room), size, colour))
        low = high + (plan.above + plan.tile[0]) * unit + 0.02
        for line, words in enumerate(_captions(sheet, index)[:captions]):
            text, points = fitted(words, size, room)
            found.append(Label(left, low + line * LABEL_LINE, text, points, FAINT_INK))
    return found


def _name(sheet: MapSheet, index: int, size: float, room: float) -> str:
    """Return a map's name with its mark, as far as there is room."""
    options = name_options(sheet.names[index], sheet.marks[index])
    return next((one for one in options if text_width(one, size) <= room), options[-1])


def _captions(sheet: MapSheet, index: int) -> list[str]:
    """Return a map's range and zeros; on its own scale first its largest value."""
    stats = sheet.stats[index]
    zeros = f"{share_text(stats.zero_share)} zeros"
    if sheet.scale == "each":
        return [
            end_text(stats, signed=sheet.limits[index][0] < 0),
            f"{range_text(stats)} · {zeros}",
        ]
    return [range_text(stats), zeros]


def draw_bar_of_sheet(
    page: Page, sheet: MapSheet, place: tuple[float, float, float], *, words: bool = True,
    ends_written: bool = True,
) -> None:  # fmt: skip
    """Draw the colour bar of a sheet.

    Args:
        page: where.
        sheet: of the layer.
        place: left, top and length in inches.
        words: whether to say what it stands for.
        ends_written: whether each map has the end of its own scale below it.
    """
    each = sheet.scale == "each"
    limits = sheet.limits[0]
    if each:
        limits = (-1.0, 1.0) if limits[0] < 0 else (0.0, 1.0)
    finite = sheet.tiles[np.isfinite(sheet.tiles)]
    span = [finite.min(), finite.max()] if finite.size and not each else [0, 0]
    panel = Panel("", np.array([span]), limits, sheet.palette, "shared", gamma=sheet.gamma)
    axes = page.figure.add_axes(page.share((place[0], place[1], place[2], BAR_HEIGHT)))
    axes.set_label("colour bar")
    bar: Any = page.figure.colorbar(
        drawing.colours_of(panel), cax=axes, orientation="horizontal",
        extend=extension([panel]),
    )  # fmt: skip
    style_bar(bar, panel, place[2], room=place[2], inks=(INK, FAINT_INK, ALARM))
    if each:
        ticks = [(-1.0, "−max"), (0.0, "0"), (1.0, "max")][limits[0] == 0 :]
        set_labels(bar, [value for value, _ in ticks], [text for _, text in ticks])
    bar.set_label("")
    if words:
        scale = scale_words(sheet.scale, sheet.total, sheet.gamma, ends_written=ends_written)
        text = " · ".join(filter(None, (scale, green_words(sheet.stats))))
        page.write(place[0], place[1] + 0.3, text, NOTE_SIZE, colour=FAINT_INK,
                   room=page.width - 2 * MARGIN)  # fmt: skip


def _vector_figure(sheet: MapSheet, title: str) -> Figure:
    """Draw a value for each channel as upright bars, their numbers on them where few."""
    values = sheet.tiles.reshape(-1).astype(np.float64)
    count = len(values)
    whole = np.isfinite(values)
    texts = {int(i): value_text(float(values[i])) for i in np.flatnonzero(whole)}
    widest = max((text_width(text, TINY_SIZE) for text in texts.values()), default=0.0) + 0.05
    pitch = max(0.3, widest) if count <= MOST_VALUES else 0.3
    width = max(NARROWEST, min(WIDEST, pitch * count + 0.91))
    head = heading(title, sheet.lines, sheet.went_in, width)
    top = MARGIN + sum(line[2] for line in head) + 0.16
    page = Page(width, top + 2.4 + 0.55)
    page.lines(MARGIN, head)
    axes = page.axes((0.75, top, width - 0.75 - MARGIN, 2.4), "values")
    low = min(0.0, *(end for end, _ in sheet.limits)) if (values[whole] < 0).any() else 0.0
    high = max(0.0, *(end for _, end in sheet.limits))
    if not isinstance(sheet.scale, str):
        low, high = sheet.scale
    room = 0.08 * (high - low)
    axes.set(xlim=(-0.6, count - 0.4), ylim=(low - (room if low < 0 else 0), high + room))
    points = (width - 0.91) * 72 / count
    bars = [[(i, 0.0), (i, float(value))] for i, value in enumerate(values) if whole[i]]
    axes.add_collection(
        LineCollection(
            bars,
            linewidths=max(0.6, min(WIDEST_BAR, 0.7 * points)),
            colors="#3b5b92",
            capstyle="butt",
        )
    )
    axes.axhline(0, color=INK, linewidth=0.6, linestyle="-")
    for i in np.flatnonzero(~whole):
        word = cell_word(sheet.numbers.flat[i])
        drawing.write(axes, (float(i), 0.0), word, size=TINY_SIZE, colour=ALARM, va="bottom")
    if count <= MOST_VALUES and widest <= points / 72:
        _write_values(axes, values, texts, min(LABEL_SIZE, TINY_SIZE * points / 72 / widest))
    _ticks(axes, sheet.channels, (points, 0.0))
    axes.set_xlabel("channel", size=NOTE_SIZE, color=FAINT_INK, labelpad=2)
    return page.figure


def _write_values(
    axes: Axes, values: npt.NDArray[np.float64], texts: Mapping[int, str], size: float
) -> None:
    for i, text in texts.items():
        up = values[i] >= 0
        axes.annotate(
            text, (float(i), float(values[i])), xytext=(0, 2 if up else -2),
            textcoords="offset points", ha="center", va="bottom" if up else "top",
            size=size, color=INK, **TEXT,
        )  # fmt: skip


def _ticks(axes: Axes, channels: Sequence[int], points: tuple[float, float]) -> None:
    """Write channel numbers below and round values at the left, as room allows."""
    step = math.ceil((8 + 5 * len(str(max(channels)))) / points[0])
    step = next((n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if n >= step), step)
    spots = range(0, len(channels), step)
    axes.set_xticks(list(spots), labels=[str(channels[spot]) for spot in spots])
    if not points[1]:
        values = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(*axes.get_ylim())
        low, high = axes.get_ylim()
        inside = [float(f"{value:.6g}") for value in values if low <= value <= high]
        axes.set_yticks(inside, labels=[value_text(value) for value in inside])
    axes.minorticks_off()
    axes.grid(visible=False)
    axes.tick_params(
        labelsize=TINY_SIZE + 0.5, length=2, width=0.5, color=FAINT_INK, labelcolor=INK, pad=2,
        bottom=True, left=True, top=False, right=False, labelbottom=True, labelleft=True,
    )  # fmt: skip
    for spine in axes.spines.values():
        spine.set(color="#888888", linewidth=0.5)


def merged_steps(values: Values, axis: int, inches: float) -> tuple[Values, int]:
    """Return a sequence with means of neighbouring steps, so that each has a pixel.

    Channels have no neighbours, so a picture that is made smaller as a whole would mix them.

    Args:
        values: of the sequence.
        axis: of its steps.
        inches: its height on the page.

    Returns:
        The values and how many steps became one, 1 where there is room for all.

    Example:
        >>> import numpy as np
        >>> means, each = merged_steps(np.arange(300.0)[:, None], 0, 1.0)
        >>> means.shape, float(means[0, 0]), each
        ((150, 1), 0.5, 2)
    """
    count = values.shape[axis]
    each = max(1, math.ceil(count / (inches * DOTS_PER_INCH)))
    if each == 1:
        return values, 1
    starts = np.arange(0, count, each)
    sums = np.add.reduceat(np.moveaxis(values, axis, -1).astype(np.float64), starts, axis=-1)
    means = np.moveaxis(sums / np.diff([*starts, count]), -1, axis)
    return means.astype(values.dtype), each


def _sequence_figure(sheet: MapSheet, title: str) -> Figure:
    """Draw one picture: steps down, channels to the right."""
    steps, count = sheet.tiles.shape[1:]
    # Steps and channels have no unit in common, so each way fills its own room.
    size = max(1.5, min(10.0, 0.3 * count)), max(0.6, min(4.5, 0.3 * steps))
    width = max(NARROWEST, size[0] + 0.6 + MARGIN)
    head = heading(title, sheet.lines, sheet.went_in, width)
    top = MARGIN + sum(line[2] for line in head) + 0.08
    page = Page(width, top + size[1] + 0.42 + BAR_STRIP + MARGIN)
    page.lines(MARGIN, head)
    tiles, each = merged_steps(sheet.tiles, 1, size[1])
    # One picture has one scale, whose ends the bar tells.
    scale = "shared" if sheet.scale == "each" else sheet.scale
    thin = replace(sheet, tiles=tiles, scale=scale)
    plan = Plan((1, 1), thin.tiles.shape[1:], 0, 0, thin.tiles.shape[1:], 1, 1)
    colours = palette_of_sheet(thin)[grid_of_tiles(thin, plan)]
    axes = page.picture((0.6, top, *size), colours, "feature maps")
    _ticks(axes, sheet.channels, (size[0] * 72 / count, 1.0))
    rows = MaxNLocator(nbins=6, integer=True).tick_values(0, max(steps - 1, 1))
    shown = [row for row in rows if 0 <= row < steps]
    places = [(row + 0.5) / each - 0.5 for row in shown]
    axes.set_yticks(places, labels=[f"{row:g}" for row in shown])
    axes.set_xlabel("channel", size=NOTE_SIZE, color=FAINT_INK, labelpad=1)
    name = f"step, means of {each}" if each > 1 else "step"
    axes.set_ylabel(name, size=NOTE_SIZE, color=FAINT_INK, labelpad=1)
    if sheet.marks[0]:
        spot = 0.6 + size[0], top + size[1] + 0.28
        page.write(*spot, sheet.marks[0], LABEL_SIZE, colour=ALARM, ha="right")
    draw_bar_of_sheet(page, thin, (0.6, top + size[1] + 0.45, min(BAR_LENGTH, width - 1.2)))
    return page.figure
