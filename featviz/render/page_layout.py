"""Where the panels of a page stand: rows, columns and colour bars, in inches.

A page that would be larger than a book's has smaller pictures, never smaller words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from featviz.panels import Panel, Pixels, numbers_written
from featviz.render.drawing import drawable, is_kernel, picture_sizes, text_width
from featviz.render.paper import MARGIN

Size = tuple[float, float]
# Panels row by row, None a place left free, and how many stand in a row.
Placed = tuple[list[Panel | None], int]

# Width and height that pictures shrink to keep, and that numbers in cells may ask for.
PAGE, NUMBERS_PAGE = (14.0, 20.0), (17.0, 20.0)
SHARES = tuple(twentieths / 20 for twentieths in range(20, 9, -1))
# Rows and columns up to which a matrix is there to be read, whatever page that takes.
LARGEST_LESSON = 8
# Numbers of 8 points are then still 6 points high.
LEAST_OF_CELLS = 0.75
GAP = 0.2
TITLE_SIZE, CAPTION_SIZE = 9.0, 7.0
TITLE_LINE, CAPTION_LINE = 0.165, 0.13
BAR_STRIP = 0.46
WIDEST_TEXT = 2.4
NARROWEST, NARROWEST_BAR, WIDEST_ROW = 0.9, 1.4, 11.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A colour bar: its panels, the row above it, its columns and its strip."""

    members: tuple[int, ...]
    row: int
    first: int
    last: int
    lane: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Sizes of each row in inches: its columns, title, picture, caption and bar."""

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


@dataclass(frozen=True, slots=True)
class Plan:
    """Which panels stand in which row, how large their pictures are, and the bars."""

    rows: list[range]
    sizes: list[Size]
    bars: list[Bar]
    grid: Grid


def plan_page(panels: Sequence[Panel | None], columns: int | None) -> Plan:
    """Return where panels stand, their pictures so large that a page holds them.

    Args:
        panels: row by row; None is a place left free.
        columns: panels in a row; None lets each row take what fits.
    """
    drawn = iter(picture_sizes([panel for panel in panels if panel]))
    sizes = [next(drawn) if panel else (0.0, 0.0) for panel in panels]
    rows = _rows(sizes, columns)
    bars = _bars(panels, rows, aligned=columns is not None)
    words = [_words_width(panel) if panel else 0.0 for panel in panels]

    def planned(share: float) -> Plan:
        smaller = [_smaller(*both, share) for both in zip(panels, sizes, strict=True)]
        grid = _grid(panels, smaller, words, rows, bars, aligned=columns is not None)
        return Plan(rows, smaller, bars, grid)

    # Where words alone are wider than the page, smaller pictures would gain nothing.
    least = planned(SHARES[-1]).grid
    width, height = max(PAGE[0], least.width), max(PAGE[1], least.height)
    plans = map(planned, SHARES)
    return next(plan for plan in plans if plan.grid.width <= width and plan.grid.height <= height)


def placed_with_numbers(
    place: Callable[[bool], Placed],
    arrays: Sequence[Pixels],
    *,
    numbers: bool | None,
    single: bool,
) -> Placed:
    """Return panels with numbers in their cells: as asked, else as they fit.

    Args:
        place: returns the panels, with numbers or without.
        arrays: what they show, (H, W, …).
        numbers: None: where all arrays are small and the page is no larger than 17×20 inches.
        single: whether there is one map; of a matrix of up to 8×8 it has its numbers in any case.

    Raises:
        ValueError: numbers asked for where the cells would be too many to be read.
    """
    written = numbers_written(numbers, arrays)
    placed = place(written)
    lesson = single and max(max(one.shape[:2]) for one in arrays) <= LARGEST_LESSON
    if numbers is None and written and not (lesson or numbers_fit(*placed)):
        return place(False)
    return placed


def numbers_fit(panels: Sequence[Panel | None], columns: int) -> bool:
    """Whether a page with numbers in its cells, if any, is small enough."""
    if not any(panel and panel.cells for panel in panels):
        return True
    grid = plan_page(panels, columns).grid
    return grid.width <= NUMBERS_PAGE[0] and grid.height <= NUMBERS_PAGE[1]


def is_heading(title: str) -> bool:
    """Whether a title is one line that has room above a picture."""
    one = len(title.strip().splitlines()) <= 1
    return one and text_width(drawable(title), TITLE_SIZE, bold=True) <= WIDEST_TEXT


def has_bar(panel: Panel) -> bool:
    """Whether a bar explains the panel: neither an RGB image nor numbers in cells."""
    return panel.palette != "rgb" and panel.cells is None


def caption_of(panel: Panel) -> list[str]:
    """Return the lines below a picture, the mark first."""
    return ([panel.mark] if panel.mark else []) + list(panel.lines)


def _smaller(panel: Panel | None, size: Size, share: float) -> Size:
    """Return the size of a picture on a page that is short of room."""
    if panel is None or is_kernel(panel):  # their numbers are exact
        return size
    share = share if panel.cells is None else max(share, LEAST_OF_CELLS)
    return size[0] * share, size[1] * share


def _bars(panels: Sequence[Panel | None], rows: list[range], *, aligned: bool) -> list[Bar]:
    """Return the colour bars, each below the last row of its panels, none on another."""
    found: dict[str, Bar] = {}
    for row, members in enumerate(rows):
        for column, index in enumerate(members):
            panel = panels[index]
            if panel and has_bar(panel):
                bar = found.get(panel.scale, Bar((), row, column, column, 0))
                first, last = min(bar.first, column), max(bar.last, column)
                found[panel.scale] = Bar((*bar.members, index), row, first, last, 0)
    placed: list[Bar] = []
    for bar in found.values():
        last = bar.last if aligned else min(bar.last, len(rows[bar.row]) - 1)
        first, last = _span(panels, rows[bar.row], replace(bar, last=last))
        beside = [o for o in placed if o.row == bar.row and o.first <= last and first <= o.last]
        lane = 1 + max((other.lane for other in beside), default=-1)
        placed.append(replace(bar, first=first, last=last, lane=lane))
    return placed


def _span(panels: Sequence[Panel | None], row: range, bar: Bar) -> tuple[int, int]:
    """Return the columns that a bar takes, no panel of others above it."""
    above = row[bar.first : bar.last + 1]
    if all(panels[index] is None or index in bar.members for index in above):
        return bar.first, bar.last
    last = max(column for column, index in enumerate(row) if index in bar.members)
    first = last
    while first > bar.first and row[first - 1] in bar.members:
        first -= 1
    return first, last


def _rows(sizes: list[Size], columns: int | None) -> list[range]:
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
    panels: Sequence[Panel | None],
    sizes: list[Size],
    words: list[float],
    rows: list[range],
    bars: list[Bar],
    *,
    aligned: bool,
) -> Grid:
    widths = [[max(sizes[i][0], words[i]) for i in members] for members in rows]
    if aligned:
        common = [
            max(row[column] for row in widths if column < len(row))
            for column in range(len(widths[0]))
        ]
        widths = [common for _ in widths]
    drawn = [[panel for i in members if (panel := panels[i])] for members in rows]
    lines = [max((len(one.title.split("\n")) for one in row), default=0) for row in drawn]
    below = [max((len(caption_of(one)) for one in row), default=0) for row in drawn]
    strips = [0.0] * len(rows)
    for bar in bars:
        strips[bar.row] = max(strips[bar.row], BAR_STRIP * (bar.lane + 1))
    return Grid(
        widths,
        [TITLE_LINE * count + 0.05 for count in lines],
        [max(sizes[i][1] for i in members) for members in rows],
        [CAPTION_LINE * count + 0.04 for count in below],
        strips,
    )


def _words_width(panel: Panel) -> float:
    """Return the width that title, caption and colour bar of a panel ask for."""
    lines = panel.title.split("\n")
    words = [text_width(drawable(line), TITLE_SIZE, bold=not i) for i, line in enumerate(lines)]
    words += [text_width(drawable(line), CAPTION_SIZE) for line in caption_of(panel)]
    return max(min(max(words), WIDEST_TEXT), NARROWEST_BAR if has_bar(panel) else 0.0)
