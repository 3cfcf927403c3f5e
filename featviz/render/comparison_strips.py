"""Two sides of a layer without maps (H, W): bars of a vector, or series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from featviz.captions import value_text
from featviz.panels import Panel
from featviz.render.axis_words import AXIS_TEXT, label_axes
from featviz.render.bars import draw_bar
from featviz.render.channel_states import draw_frame
from featviz.render.drawing import (
    ALARM,
    BROKEN,
    FAINT_INK,
    INK,
    TEXT,
    colours_of,
    drawable,
    fitted,
    text_width,
    wrapped,
    write,
)
from featviz.render.map_figures import merged_steps
from featviz.render.paper import (
    DOTS_PER_INCH,
    MARGIN,
    NOTE_LINE,
    NOTE_SIZE,
    blank_figure,
    shares_of_box,
    title_height,
    title_lines,
    title_width,
    write_notes,
    write_title,
)

# Inches: left of the axes, above them (name and caption), below them (numbers and name).
LEFT, ABOVE, BELOW = 0.5, 0.36, 0.36
NAME_SIZE, CAPTION_SIZE, LINE = 9.0, 7.0, 0.165
# A channel and a step have so many inches, as far as there is room.
CELL, NARROWEST, BESIDE, WIDEST = 0.3, 2.1, 3.2, 10.0
TALL_BARS, SHORTEST, TALLEST, TALLEST_BELOW = 1.2, 0.6, 4.5, 1.8
# More channels than these would be too narrow side by side.
MOST_BESIDE = 240
# Up to so many bars have their values written on them.
MOST_VALUES = 24
BAR_STRIP, BAR_HEIGHT, WIDEST_TITLE = 0.5, 0.08, 6.0
BAR, MORE, LESS = "#3b5b92", "#b2182b", "#2166ac"


class _Layout(NamedTuple):
    """Where three axes stand, in inches: how many in a row, each so wide and tall."""

    columns: int
    wide: float
    tall: float
    is_bars: bool

    @property
    def pitch(self) -> tuple[float, float]:
        return LEFT + self.wide + 0.15, ABOVE + self.tall + BELOW

    def corner(self, index: int) -> tuple[float, float]:
        """Return left and top of one axes, from the left top of all."""
        row, column = divmod(index, self.columns)
        return LEFT + column * self.pitch[0], ABOVE + row * self.pitch[1]

    @property
    def size(self) -> tuple[float, float]:
        strip = 0.0 if self.is_bars else BAR_STRIP
        return self.columns * self.pitch[0], 3 // self.columns * self.pitch[1] + strip


def figure_from_strips(panels: Sequence[Panel], *, title: str, footnote: str) -> Figure:
    """Return a figure of two sides and their difference, the axes numbered.

    Args:
        panels: a, b and b − a; (1, F) of a vector, (T, F) of a sequence.
        title: one line above.
        footnote: small print below.
    """
    layout = _layout(panels)
    width = 2 * MARGIN + max(layout.size[0], title_width(title))
    lines = title_lines(title, width - 2 * MARGIN)
    _, each = merged_steps(panels[0].pixels, 0, layout.tall)
    if each > 1:
        footnote = f"each row is the mean of {each} steps · {footnote}"
    if layout.is_bars and not _has_room(panels, layout, broken=True):
        footnote = f"green: channels without a value, counted at the right · {footnote}"
    notes = wrapped(footnote, NOTE_SIZE, width - 2 * MARGIN)
    head = MARGIN + title_height(lines)
    figure = blank_figure(width, head + layout.size[1] + NOTE_LINE * len(notes) + 0.06 + MARGIN)
    write_title(figure, lines)
    for index, panel in enumerate(panels):
        left, top = layout.corner(index)
        box = MARGIN + left, head + top, layout.wide, layout.tall
        axes = figure.add_axes(shares_of_box(figure, box))
        axes.set_label(panel.title.replace("\n", " · "))
        draw_frame(axes)
        _write_head(figure, panel, box, layout)
        if layout.is_bars:
            _draw_bars(axes, panels, index, layout)
        else:
            _draw_sequence(axes, panel, layout)
    if not layout.is_bars:
        _draw_colour_bars(figure, panels, head, layout)
    write_notes(figure, notes)
    return figure


def _layout(panels: Sequence[Panel]) -> _Layout:
    steps, count = panels[0].pixels.shape
    names = max(_width_of_head(panel) for panel in panels)
    if steps == 1:
        pitch = CELL if count > MOST_VALUES else max(CELL, _widest_value(panels) + 0.06)
        wide = max(BESIDE, pitch * count, min(names, WIDEST_TITLE))
        return _Layout(1, min(WIDEST, wide), TALL_BARS, is_bars=True)
    tall = max(SHORTEST, CELL * steps)
    if count > MOST_BESIDE:
        return _Layout(1, WIDEST, min(TALLEST_BELOW, tall), is_bars=False)
    wide = min(BESIDE, max(NARROWEST, CELL * count, names))
    return _Layout(3, wide, min(TALLEST, tall), is_bars=False)


def _width_of_head(panel: Panel) -> float:
    name = drawable(panel.title.split("\n")[0])
    return text_width(name, NAME_SIZE, bold=True) + _width_of_mark(panel)


def _width_of_mark(panel: Panel) -> float:
    """Return the inches that a mark beside a name takes, with the gap before it."""
    return text_width(panel.mark, CAPTION_SIZE, bold=True) + 0.15 if panel.mark else 0.0


def _widest_value(panels: Sequence[Panel], *, broken: bool = False) -> float:
    """Return the inches of the widest value, or of the widest word for NaN."""
    texts: set[str] = set()
    for panel in panels:
        whole = np.isfinite(panel.pixels.reshape(-1)).tolist()
        pairs = zip(_texts(panel), whole, strict=True)
        texts |= {text for text, finite in pairs if not (broken and finite)}
    return max((text_width(text, AXIS_TEXT) for text in texts), default=0.0)


def _texts(panel: Panel) -> tuple[str, ...]:
    """Return the values of a vector as words; of many only the broken ones."""
    return panel.cells[0] if panel.cells else ()


def _has_room(panels: Sequence[Panel], layout: _Layout, *, broken: bool) -> bool:
    """Whether all values, or only words for NaN and infinity, can stand apart."""
    widest = _widest_value(panels, broken=broken)
    return not widest or widest + 0.03 <= layout.wide / panels[0].pixels.size


def _write_head(figure: Figure, panel: Panel, box: Any, layout: _Layout) -> None:
    """Write the side, a mark at the right, and below what the values are."""

    def put(right: float, down: float, words: str, **style: Any) -> None:
        left, top, _, _ = shares_of_box(figure, (box[0] + right, box[1] - 0.34 + down, 0, 0))
        write(figure, (left, top), words, **style)

    name = panel.title.split("\n")[0]
    name, size = fitted(name, NAME_SIZE, layout.wide - _width_of_mark(panel), bold=True)
    put(0.0, 0.0, name, size=size, colour=INK, bold=True, ha="left")
    if panel.mark:
        style: dict[str, Any] = {"colour": ALARM, "bold": True, "ha": "right"}
        put(layout.wide, 0.02, panel.mark, size=CAPTION_SIZE, **style)
    caption, points = fitted(" · ".join(panel.lines), CAPTION_SIZE, layout.wide)
    put(0.0, LINE, caption, size=points, colour=FAINT_INK, ha="left")


def _numbers(low: float, high: float, inches: float, each: float) -> list[int]:
    """Return whole numbers for an axis that have room beside one another."""
    most = max(1, int(inches / each))
    found = MaxNLocator(nbins=most, integer=True).tick_values(low, max(high, low + 1))
    return [int(number) for number in found if low <= number <= high]


def _draw_sequence(axes: Axes, panel: Panel, layout: _Layout) -> None:
    """Draw steps down, channels to the right, each with a pixel of its own."""
    steps, count = panel.pixels.shape
    values, each = merged_steps(panel.pixels, 0, layout.tall)
    colours: Any = colours_of(panel)
    crisp = count <= layout.wide * DOTS_PER_INCH
    axes.imshow(
        values, norm=colours.norm, cmap=colours.cmap, aspect="auto", origin="upper",
        interpolation="nearest" if crisp else "antialiased",
        interpolation_stage="data" if crisp else "rgba",
    )  # fmt: skip
    axes.set_xticks(_numbers(0, count - 1, layout.wide, 0.4))
    rows = _numbers(0, steps - 1, layout.tall, 0.3)
    axes.set_yticks([(row + 0.5) / each - 0.5 for row in rows], labels=[str(row) for row in rows])
    label_axes(axes, "channel", "step")


def _draw_colour_bars(
    figure: Figure, panels: Sequence[Panel], head: float, layout: _Layout
) -> None:
    """Draw the bar of a and b, and that of their difference."""
    top = head + layout.size[1] - BAR_STRIP + 0.06
    beside = layout.columns == 3
    pitch, wide = (layout.pitch[0], layout.wide) if beside else (layout.wide / 3,) * 2
    for members, first, count in ((panels[:2], 0, 2), (panels[2:], 2, 1)):
        room = (count - 1) * pitch + wide - (0.0 if beside or first else LEFT)
        box = MARGIN + LEFT + first * pitch, top, room, BAR_HEIGHT
        draw_bar(figure, shares_of_box(figure, box), members, room)


def _draw_bars(axes: Axes, panels: Sequence[Panel], index: int, layout: _Layout) -> None:
    """Draw a value for each channel; a and b on one axis, the difference around 0."""
    values = panels[index].pixels.reshape(-1).astype(np.float64)
    count, is_difference = len(values), index == 2
    low, high = panels[index].limits
    if not is_difference:
        known = np.concatenate([panel.pixels.reshape(-1) for panel in panels[:2]])
        low = min(0.0, float(known[np.isfinite(known)].min(initial=0.0)))
        high = max(0.0, float(known[np.isfinite(known)].max(initial=0.0))) or -low or high
    points = layout.wide * 72 / count
    whole = np.isfinite(values)
    known_at = np.flatnonzero(whole).tolist()
    signs = [(MORE if values[at] > 0 else LESS) if is_difference else BAR for at in known_at]
    axes.add_collection(
        LineCollection(
            [[(at, 0.0), (at, float(values[at]))] for at in known_at],
            linewidths=max(0.6, min(30.0, 0.7 * points)), capstyle="butt", colors=signs,
        )
    )  # fmt: skip
    room = 0.16 * (high - low)
    axes.set(xlim=(-0.6, count - 0.4), ylim=(low - room * (low < 0), high + room))
    axes.axhline(0, color=INK, linewidth=0.6, linestyle="-")
    texts = _texts(panels[index])
    if not _has_room(panels, layout, broken=True):
        _mark_broken(axes, np.flatnonzero(~whole).tolist(), max(0.6, points))
    else:
        room_for_all = _has_room(panels, layout, broken=False)
        _write_values(axes, values, texts, ~whole | room_for_all)
    axes.set_xticks(_numbers(0, count - 1, layout.wide, 0.3 + 0.03 * len(str(count))))
    ticks = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    shown = [float(f"{tick:.6g}") for tick in ticks if low <= tick <= high]
    axes.set_yticks(shown, labels=[value_text(tick) for tick in shown])
    label_axes(axes, "channel", "value")


def _mark_broken(axes: Axes, broken: Sequence[int], wide: float) -> None:
    """Draw what has no value green, so many points wide, where words have no room."""
    low, high = axes.get_ylim()
    ends = [[(at, low), (at, high)] for at in broken]
    axes.add_collection(
        LineCollection(ends, linewidths=wide, capstyle="butt", colors=BROKEN, zorder=0)
    )


def _write_values(
    axes: Axes, values: npt.NDArray[np.float64], texts: Sequence[str], which: npt.NDArray[np.bool_]
) -> None:
    """Write some of the values above or below their bars."""
    for at in (at for at in np.flatnonzero(which).tolist() if texts[at]):
        known = float(values[at]) if np.isfinite(values[at]) else 0.0
        up = known >= 0
        axes.annotate(
            texts[at], (at, known), xytext=(0, 1.5 if up else -1.5), textcoords="offset points",
            ha="center", va="bottom" if up else "top", size=AXIS_TEXT,
            color=INK if np.isfinite(values[at]) else ALARM, **TEXT,
        )  # fmt: skip
