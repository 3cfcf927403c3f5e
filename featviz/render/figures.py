"""Panels to a ``matplotlib.figure.Figure``; no pyplot, no global state, no layout engine.

The places of all axes are computed in inches: nothing overlaps, nothing is cut, and the same
panels give the same figure everywhere.
"""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from featviz._check import nearest, real_number, shown, whole_number
from featviz._files import writable_path, write_whole
from featviz.panels import Panel
from featviz.render import drawing
from featviz.render.drawing import ALARM, FAINT_INK, INK, TEXT, fitted, text_width

FORMATS = ("png", "svg", "pdf")
DOTS_PER_INCH = 200
PANEL_INCHES = 2.4
MARGIN, GAP = 0.14, 0.2
TITLE_SIZE, CAPTION_SIZE = 9.0, 7.0
TITLE_LINE, CAPTION_LINE = 0.165, 0.13
BAR_STRIP, BAR_HEIGHT = 0.46, 0.08
WIDEST_TEXT, WIDEST_BAR = 2.4, 6.0
NARROWEST, WIDEST_ROW = 0.9, 11.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Sizes in inches: columns of each row; title, picture, caption and bar of each row."""

    columns: list[list[float]]
    titles: list[float]
    pictures: list[float]
    captions: list[float]
    bars: list[float]

    def left(self, row: int, column: int) -> float:
        """Return the distance of a panel from the left side."""
        return MARGIN + sum(self.columns[row][:column]) + GAP * column

    def top(self, row: int) -> float:
        """Return the distance of a row's title from the top of the grid."""
        parts = (self.titles, self.pictures, self.captions, self.bars)
        return sum(sum(part[:row]) for part in parts) + GAP * row

    @property
    def width(self) -> float:
        """Width of the figure."""
        ends = (self.left(row, len(widths)) for row, widths in enumerate(self.columns))
        return max(ends) - GAP + MARGIN

    @property
    def height(self) -> float:
        """Height of the grid, without the margins."""
        return self.top(len(self.titles)) - GAP


def figure_from_panels(
    panels: Sequence[Panel], columns: int | None, *, title: str = "", footnote: str = ""
) -> Figure:
    """Return a figure of panels, row by row.

    Args:
        panels: at least one.
        columns: panels in a row, one below the other; None lets each row take what fits.
        title: one line above all.
        footnote: small print below all; it is wrapped.

    Returns:
        A Figure that belongs to no window and to no pyplot; a notebook shows it.
    """
    sizes = _sizes(panels)
    rows = _rows(sizes, None if columns is None else whole_number("columns", columns, minimum=1))
    bars = _bar_groups(panels, rows)
    grid = _grid(panels, sizes, rows, bars, aligned=columns is not None)
    head = 0.28 if title else 0.0
    notes = _wrapped(footnote, 6.5, grid.width - 2 * MARGIN)
    height = MARGIN + head + grid.height + (0.06 + 0.12 * len(notes) if notes else 0.0) + MARGIN
    figure = Figure(figsize=(grid.width, height), dpi=DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    figure._repr_png_ = functools.partial(png_from_figure, figure)  # type: ignore[attr-defined]

    def place(left: float, top: float, width: float, tall: float) -> tuple[float, ...]:
        bottom = height - MARGIN - head - top - tall
        return left / grid.width, bottom / height, width / grid.width, tall / height

    if title:
        words, size = fitted(title, 11.0, grid.width - 2 * MARGIN, bold=True)
        figure.text(
            MARGIN / grid.width, 1 - MARGIN / height, words,
            ha="left", va="top", size=size, weight="bold", color=INK, **TEXT,
        )  # fmt: skip
    for row, members in enumerate(rows):
        for column, index in enumerate(members):
            _draw_panel(figure, panels[index], sizes[index], grid, (row, column), place)
    for scale, (row, first, last) in bars.items():
        left = grid.left(row, first)
        width = grid.left(row, last) + grid.columns[row][last] - left
        length = min(width, WIDEST_BAR)
        top = grid.top(row) + grid.titles[row] + grid.pictures[row] + grid.captions[row] + 0.08
        drawing.draw_bar(
            figure,
            place(left + (width - length) / 2, top, length, BAR_HEIGHT),  # type: ignore[arg-type]
            [panel for panel in panels if panel.scale == scale],
            drawing.scale_label(scale),
        )
    for line, words in enumerate(notes):
        y = (MARGIN + 0.12 * (len(notes) - 1 - line)) / height
        figure.text(MARGIN / grid.width, y, words, size=6.5, color=FAINT_INK, va="bottom", **TEXT)
    return figure


def _bar_groups(panels: Sequence[Panel], rows: list[range]) -> dict[str, tuple[int, int, int]]:
    """Return for each scale that needs a bar: below which row, from which column to which."""
    groups: dict[str, tuple[int, int, int]] = {}
    for row, members in enumerate(rows):
        for column, index in enumerate(members):
            panel = panels[index]
            if panel.palette != "rgb" and panel.cells is None:
                _, first, last = groups.get(panel.scale, (row, column, column))
                groups[panel.scale] = (row, min(first, column), max(last, column))
    return groups


def _sizes(panels: Sequence[Panel]) -> list[tuple[float, float]]:
    """Return width and height in inches of each picture.

    Cells with numbers are as large as their text asks for; those of maps, which compare, are
    equally large in the whole figure.
    """
    cells = [_cell_inches(panel) for panel in panels]
    common = max((c for c, p in zip(cells, panels, strict=True) if not _is_kernel(p)), default=0.0)
    sizes = []
    for panel, cell in zip(panels, cells, strict=True):
        height, width = panel.pixels.shape[:2]
        unit = cell if _is_kernel(panel) else common
        if panel.cells is None:
            unit = PANEL_INCHES / max(height, width)
        sizes.append((max(width * unit, 0.3), max(height * unit, 0.3)))
    return sizes


def _is_kernel(panel: Panel) -> bool:
    return panel.scale.startswith("kernels")


def _cell_inches(panel: Panel) -> float:
    if panel.cells is None:
        return 0.0
    longest = max((text for row in panel.cells for text in row), key=len)
    return max(0.36, text_width(longest, 8.0) + 0.12)


def _rows(sizes: list[tuple[float, float]], columns: int | None) -> list[range]:
    """Return which panels stand in which row."""
    count = len(sizes)
    if columns is not None:
        return [range(start, min(start + columns, count)) for start in range(0, count, columns)]
    rows, start, reach = [], 0, 0.0
    for index, (width, _) in enumerate(sizes):
        wide = max(width, NARROWEST) + GAP
        if index > start and reach + wide > WIDEST_ROW:
            rows.append(range(start, index))
            start, reach = index, 0.0
        reach += wide
    return [*rows, range(start, count)]


def _grid(
    panels: Sequence[Panel],
    sizes: list[tuple[float, float]],
    rows: list[range],
    bars: dict[str, tuple[int, int, int]],
    *,
    aligned: bool,
) -> Grid:
    widths = [[_panel_width(panels[i], sizes[i][0]) for i in members] for members in rows]
    if aligned:
        common = [
            max(row[column] for row in widths if column < len(row))
            for column in range(len(widths[0]))
        ]
        widths = [common[: len(row)] for row in widths]
    lines = [max(len(panels[i].title.split("\n")) for i in members) for members in rows]
    below = [max(len(_caption(panels[i])) for i in members) for members in rows]
    strips = [0.0] * len(rows)
    for row, _, _ in bars.values():
        strips[row] = BAR_STRIP
    return Grid(
        widths,
        [TITLE_LINE * count + 0.05 for count in lines],
        [max(sizes[i][1] for i in members) for members in rows],
        [CAPTION_LINE * count + 0.04 for count in below],
        strips,
    )


def _panel_width(panel: Panel, picture: float) -> float:
    """Return the width that picture, title and caption of a panel ask for."""
    lines = panel.title.split("\n")
    words = [text_width(line, TITLE_SIZE, bold=not i) for i, line in enumerate(lines)]
    words += [text_width(line, CAPTION_SIZE) for line in _caption(panel)]
    return max(picture, min(max(words), WIDEST_TEXT))


def _caption(panel: Panel) -> list[str]:
    return ([panel.mark] if panel.mark else []) + list(panel.lines)


def _draw_panel(
    figure: Figure,
    panel: Panel,
    size: tuple[float, float],
    grid: Grid,
    cell: tuple[int, int],
    place: Any,
) -> None:
    row, column = cell
    left, top, width = grid.left(row, column), grid.top(row), grid.columns[row][column]
    for line, words in enumerate(panel.title.split("\n")):
        _write(
            figure, place(left, top + TITLE_LINE * line, width, 0), words, width,
            size=TITLE_SIZE, bold=line == 0, colour=INK,
        )  # fmt: skip
    below = top + grid.titles[row]
    inset = (width - size[0]) / 2, (grid.pictures[row] - size[1]) / 2
    axes = figure.add_axes(place(left + inset[0], below + inset[1], *size))
    axes.set_label(panel.title.replace("\n", " · "))
    drawing.draw_pixels(axes, panel, size)
    below += grid.pictures[row] + 0.04
    for line, words in enumerate(_caption(panel)):
        alarm = bool(panel.mark) and line == 0
        _write(
            figure, place(left, below + CAPTION_LINE * line, width, 0), words, width,
            size=CAPTION_SIZE, bold=alarm, colour=ALARM if alarm else FAINT_INK,
        )  # fmt: skip


def _write(
    figure: Figure, spot: tuple[float, ...], words: str, width: float,
    *, size: float, bold: bool, colour: str,
) -> None:  # fmt: skip
    """Write one centred line, its top at ``spot``."""
    text, points = fitted(words, size, width + GAP / 2, bold=bold)
    figure.text(
        spot[0] + spot[2] / 2, spot[1], text, ha="center", va="top", size=points,
        weight="bold" if bold else "normal", color=colour, **TEXT,
    )  # fmt: skip


def _wrapped(text: str, size: float, width: float) -> list[str]:
    """Return the text in lines of at most ``width`` inches, broken at blanks."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitted(word, size, width)[0])
    return lines


def figure_on_axes(panel: Panel, axes: Any) -> Figure:
    """Draw one panel on the caller's axes, with its title, caption and colour bar.

    Raises:
        TypeError: ``axes`` is no matplotlib axes.
    """
    if not isinstance(axes, Axes):
        raise TypeError(f"ax must be a matplotlib Axes; got {shown(axes)}")
    figure: Any = axes.figure
    box = axes.get_position()
    size = figure.get_size_inches()
    mappable = drawing.draw_pixels(axes, panel, (box.width * size[0], box.height * size[1]))
    axes.set_title(panel.title, size=TITLE_SIZE, color=INK, parse_math=False, usetex=False)
    caption = "\n".join(_caption(panel))
    colour = ALARM if panel.mark else FAINT_INK
    axes.set_xlabel(caption, size=CAPTION_SIZE, color=colour, parse_math=False, usetex=False)
    if panel.palette != "rgb" and panel.cells is None:
        bar = figure.colorbar(
            mappable, ax=axes, fraction=0.046, pad=0.04, extend=drawing.extension([panel])
        )
        drawing.style_bar(bar, drawing.scale_label(panel.scale), panel)
    return figure  # type: ignore[no-any-return]


def png_from_figure(figure: Figure) -> bytes:
    """Return the PNG bytes of a figure at its own resolution."""
    return bytes_from_figure(figure, "png", dpi=figure.dpi)


def bytes_from_figure(figure: Figure, kind: str, *, dpi: float) -> bytes:
    """Return a figure as the bytes of a PNG, SVG or PDF file, the same bytes every time."""
    stamp = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=dpi, metadata=stamp or None)
    return stream.getvalue()


def figure_format(path: str | os.PathLike[str]) -> str:
    """Return ``"png"``, ``"svg"`` or ``"pdf"`` by the ending of ``path``.

    Raises:
        ValueError: another ending.
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise ValueError(
            f"output must end in one of {known}; got {str(path)!r}{nearest(kind, FORMATS)}"
        )
    return kind


def save_figure(
    figure: Figure, path: str | os.PathLike[str], *, dpi: float = DOTS_PER_INCH
) -> Path:
    """Write a figure to a file, whole or not at all.

    Args:
        figure: any matplotlib figure.
        path: ends in ``.png``, ``.svg`` or ``.pdf``.
        dpi: dots per inch of a PNG, and of the pictures inside SVG and PDF.

    Returns:
        The path.

    Raises:
        ValueError: an ending that is not known, or dpi not above 0.
        OSError: the file cannot be written; what was there before is untouched.
    """
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a matplotlib Figure; got {shown(figure)}")
    kind = figure_format(path)
    dots = real_number("dpi", dpi, above=0)
    writable_path(path)
    return write_whole(path, bytes_from_figure(figure, kind, dpi=dots))
