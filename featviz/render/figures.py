"""Panels to a ``matplotlib.figure.Figure``, without pyplot or a layout engine.

Places are computed in inches: nothing overlaps or is cut, and a figure is the same everywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from featviz._check import list_of, real_number, shown, whole_number
from featviz._files import check_target, write_whole
from featviz.captions import check_title
from featviz.panels import Panel
from featviz.render import drawing
from featviz.render.bars import draw_bar, extension, style_bar
from featviz.render.drawing import ALARM, FAINT_INK, INK, TEXT, fitted
from featviz.render.page_layout import (
    BAR_STRIP,
    CAPTION_LINE,
    CAPTION_SIZE,
    GAP,
    NARROWEST,
    TITLE_LINE,
    TITLE_SIZE,
    Bar,
    Grid,
    caption_of,
    has_bar,
    plan_page,
)
from featviz.render.paper import (
    DOTS_PER_INCH,
    MARGIN,
    NOTE_LINE,
    NOTE_SIZE,
    Box,
    blank_figure,
    bytes_from_figure,
    png_from_figure,
    shares_of_box,
    title_height,
    title_lines,
    title_width,
    write_notes,
    write_title,
)
from featviz.vocabulary import FIGURE_FORMATS

__all__ = [
    "DOTS_PER_INCH",
    "MARGIN",
    "figure_from_panels",
    "figure_on_axes",
    "png_from_figure",
    "save_figure",
]

MOST_PANELS = 400
BAR_HEIGHT, WIDEST_BAR = 0.08, 6.0


def figure_from_panels(
    panels: Sequence[Panel | None],
    columns: int | None,
    *,
    title: str | None = "",
    footnote: str = "",
) -> Figure:
    """Return a figure of panels, row by row.

    Pictures are 2.4 inches long, or as large as the numbers in their cells ask for; smaller, to
    the half, where the page would be wider than 14 or higher than 20 inches.

    Args:
        panels: at least one; None is a place left free.
        columns: panels in a row; None lets each row take what fits.
        title: above all, in as many lines as it needs.
        footnote: small print below all; it is wrapped.

    Returns:
        A Figure that belongs to no window and to no pyplot; a notebook shows it.

    Raises:
        ValueError: no panel, too many, or columns below 1.
        TypeError: a wrong kind.
    """
    panels = list_of("panels", panels, (Panel, type(None)), "Panel values or None")
    check_title(title)
    if not isinstance(footnote, str):
        raise TypeError(f"footnote must be a text; got {shown(footnote)}")
    count = sum(panel is not None for panel in panels)
    if not 1 <= count <= MOST_PANELS:
        raise ValueError(f"panels must be 1 to {MOST_PANELS} in a figure; got {count}")
    columns = None if columns is None else whole_number("columns", columns, minimum=1)
    plan = plan_page(panels, columns)
    grid = plan.grid
    # Not the width without its margins: that may round to less than the title asks for.
    room = max(grid.width - 2 * MARGIN, title_width(title or ""))
    width = room + 2 * MARGIN
    lines = title_lines(title or "", room)
    head = title_height(lines)
    notes = drawing.wrapped(footnote, NOTE_SIZE, room)
    height = (
        MARGIN + head + grid.height + (0.06 + NOTE_LINE * len(notes) if notes else 0.0) + MARGIN
    )
    figure = blank_figure(width, height)
    shift = (width - grid.width) / 2

    def place(left: float, top: float, wide: float, tall: float) -> Box:
        return shares_of_box(figure, (left + shift, MARGIN + head + top, wide, tall))

    write_title(figure, lines)
    points = drawing.common_size_of_numbers(panels, plan.sizes)
    for row, members in enumerate(plan.rows):
        for column, index in enumerate(members):
            if panel := panels[index]:
                _draw_panel(figure, panel, plan.sizes[index], grid, (row, column), place, points)
    for bar in plan.bars:
        _draw_bar(figure, bar, [p for i in bar.members if (p := panels[i])], grid, place)
    write_notes(figure, notes)
    return figure


def _draw_bar(
    figure: Figure, bar: Bar, panels: list[Panel], grid: Grid, place: Callable[..., Box]
) -> None:
    left = grid.left(bar.row, bar.first)
    width = grid.left(bar.row, bar.last) + grid.columns[bar.row][bar.last] - left
    length = min(width, WIDEST_BAR)
    top = grid.top(bar.row) + grid.titles[bar.row] + grid.pictures[bar.row]
    top += grid.captions[bar.row] + 0.08 + BAR_STRIP * bar.lane
    box = place(left + (width - length) / 2, top, length, BAR_HEIGHT)
    draw_bar(figure, box, panels, width + GAP / 2)


def _draw_panel(
    figure: Figure,
    panel: Panel,
    size: tuple[float, float],
    grid: Grid,
    cell: tuple[int, int],
    place: Callable[..., Box],
    points: float,
) -> None:
    row, column = cell
    left, top, width = grid.left(row, column), grid.top(row), grid.columns[row][column]

    def write(below: float, words: str, size: float, *, bold: bool, colour: str) -> None:
        middle, high, _, _ = place(left + width / 2, below, 0, 0)
        text, points = fitted(words, size, width + GAP / 2, bold=bold)
        drawing.write(figure, (middle, high), text, size=points, bold=bold, colour=colour)

    for line, words in enumerate(panel.title.split("\n")):
        write(top + TITLE_LINE * line, words, TITLE_SIZE, bold=line == 0, colour=INK)
    below = top + grid.titles[row]
    axes = figure.add_axes(place(left + (width - size[0]) / 2, below, *size))
    axes.set_label(panel.title.replace("\n", " · "))
    most = drawing.MOST_POINTS if drawing.is_kernel(panel) else points
    drawing.draw_pixels(axes, panel, size, DOTS_PER_INCH, most=most)
    below += size[1] + 0.04
    for line, words in enumerate(caption_of(panel)):
        alarm = bool(panel.mark) and line == 0
        colour = ALARM if alarm else FAINT_INK
        write(below + CAPTION_LINE * line, words, CAPTION_SIZE, bold=alarm, colour=colour)


def figure_on_axes(panel: Panel, axes: Any, *, title: str | None = None) -> Figure:
    """Draw one panel on the caller's axes, with its title, caption and colour bar.

    Args:
        panel: what to draw.
        axes: where.
        title: in as many lines as it needs; None: the panel's own, as small as it must be.

    Raises:
        TypeError: ``axes`` is no matplotlib axes.
    """
    if not isinstance(axes, Axes):
        raise TypeError(f"ax must be a matplotlib Axes; got {shown(axes)}")
    figure: Any = axes.figure.canvas.figure  # the whole one, also from a subfigure
    box = axes.get_window_extent()
    inches = box.width / figure.dpi, box.height / figure.dpi
    colours = drawing.draw_pixels(axes, panel, inches, figure.dpi)
    inks = drawing.inks_for(figure)
    room = max(inches[0], NARROWEST)
    words, size = drawing.fitted_lines(panel.title.split("\n"), TITLE_SIZE, room)
    if title is not None:
        lines = title_lines(title, room, size=TITLE_SIZE, bold=False)
        words, size = "\n".join(lines), TITLE_SIZE
    axes.set_title(words, size=size, color=inks[0], weight="normal", loc="center", **TEXT)
    words, size = drawing.fitted_lines(caption_of(panel), CAPTION_SIZE, room)
    colour = inks[2] if panel.mark else inks[1]
    axes.set_xlabel(words, size=size, color=colour, weight="normal", loc="center", **TEXT)
    if has_bar(panel):
        bar = figure.colorbar(colours, ax=axes, fraction=0.046, pad=0.04, extend=extension([panel]))
        style_bar(bar, panel, inches[1], room=max(inches[1], NARROWEST), inks=inks)
    return figure  # type: ignore[no-any-return]


def save_figure(
    figure: Figure, path: str | os.PathLike[str], *, dpi: float = DOTS_PER_INCH
) -> Path:
    """Write a figure to a file, whole or not at all.

    In an SVG letters are outlines, the same on every machine, unless
    ``matplotlib.rcParams["svg.fonttype"]`` is ``"none"``. In a PDF they are text that can be
    searched; where more than 100 labels of feature maps stand together, these are outlines.

    Args:
        figure: any matplotlib figure.
        path: ends in ``.png``, ``.svg`` or ``.pdf``.
        dpi: dots per inch of a PNG, and of the pictures inside SVG and PDF.

    Returns:
        The path.

    Raises:
        ValueError: an ending that is not known, or dpi not above 1 to 2400, or so low that
            letters of the figure would have no pixel.
        OSError: the file cannot be written; what was there before is untouched.
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a matplotlib Figure; got {shown(figure)}")
    ending = check_target(path, [f".{kind}" for kind in FIGURE_FORMATS])
    dots = real_number("dpi", dpi, above=1, at_most=2400)
    try:
        data = bytes_from_figure(figure, ending[1:], dpi=dots)
    except RuntimeError as error:
        if "ppem" not in str(error):  # FreeType's "pixels per em": letters below half a pixel
            raise
        raise ValueError(
            f"dpi must be high enough for the letters of the figure; got {shown(dpi)}"
        ) from error
    return write_whole(path, data)
