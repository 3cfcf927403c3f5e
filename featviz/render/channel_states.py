"""What is wrong with the channels of a layer: a strip of colours, and its key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from featviz.networks.diagnosis import LayerDiagnosis
from featviz.render.drawing import BROKEN, INK, drawable, text_width, write
from featviz.render.paper import MARGIN, NOTE_SIZE

REST_FILL = "#eef0f2"
# More cells than these could not be told apart in the strip of channels.
MOST_STRIP_CELLS = 120
# From what is least to what must not be overlooked.
STATES = {
    "fine": REST_FILL,
    "equal": "#6fa8dc",
    "saturated": "#e69f00",
    "constant": "#8e63b5",
    "dead": "#1a1a1a",
    "NaN or infinite": BROKEN,
}
# A bound farther from 0 than so many times the values is left out: it would hide them.
FARTHEST_BOUND = 4
# Dashed lines at the bounds of an activation.
BOUND = "#c77c00"
# Inches: from line to line of the key, of a patch of colour, between two entries.
KEY_LINE, PATCH, KEY_GAP = 0.15, 0.14, 0.15
KeyLine = list[tuple[str, str]]


def states_of_layer(layer: LayerDiagnosis) -> Any:
    """Return the number of each channel's worst state in :data:`STATES`, (F,)."""
    return _ranked(_flags(layer))[0]


def _flags(layer: LayerDiagnosis) -> Any:
    """Return which channels are in each state but the first, (5, F)."""
    equal = np.zeros(layer.channels, np.bool_)
    equal[[number for group in layer.duplicates for number in group]] = True
    return np.stack([equal, layer.saturated, layer.constant, layer.dead, layer.broken])


def _ranked(flags: Any) -> Any:
    """Return the numbers of the worst state of each column and the next, or 0."""
    numbers = np.arange(1, len(STATES))[:, None]
    return np.sort(numbers * flags, axis=0)[:-3:-1]


def states_of_layers(layers: Iterable[LayerDiagnosis]) -> set[int]:
    """Return the numbers of the states that occur, also where another is drawn."""
    return {int(at) + 1 for one in layers for at in _flags(one).any(axis=1).nonzero()[0]}


def cells_of_layer(layer: LayerDiagnosis) -> Any:
    """Return the worst state of each cell of the strip and the next, (2, cells)."""
    flags = _flags(layer)
    if layer.channels > MOST_STRIP_CELLS:
        starts = np.arange(MOST_STRIP_CELLS) * layer.channels // MOST_STRIP_CELLS
        flags = np.logical_or.reduceat(flags, starts, axis=1)
    return _ranked(flags)


def draw_strip(axes: Axes, layer: LayerDiagnosis) -> None:
    """Draw a cell for each channel, or several: the worst, below it the next.

    A unit that is constant at a bound is constant and saturated: one colour would hide the other.
    """
    worst, after = cells_of_layer(layer)
    edges: dict[str, Any] = {"linewidth": 0.3 if len(worst) <= 64 else 0.0, "antialiased": False}
    draw_frame(axes)
    axes.pcolormesh(
        np.arange(len(worst) + 1), [0, 1], worst[None],
        cmap=ListedColormap(list(STATES.values())), vmin=-0.5, vmax=len(STATES) - 0.5,
        edgecolors="white", **edges,
    )  # fmt: skip
    both = after.nonzero()[0]
    colours = [list(STATES.values())[state] for state in after[both]]
    axes.bar(both, 0.5, width=1.0, align="edge", color=colours, edgecolor="white", **edges)
    axes.set(xlim=(0, len(worst)), ylim=(0, 1), xticks=[], yticks=[])


def draw_frame(axes: Axes) -> None:
    """Draw plain axes, whatever the user's settings are."""
    axes.set_facecolor("white")
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(color="#888888", linewidth=0.5, visible=True)


def bounds_in_sight(layer: LayerDiagnosis) -> list[float]:
    """Return the bounds that leave the values of a histogram room.

    Args:
        layer: one of a diagnosis.
    """
    edges = layer.histogram.edges
    if not layer.histogram.counts.size:
        return []
    reach = FARTHEST_BOUND * max(abs(float(edges[0])), abs(float(edges[-1])))
    return [bound for bound in layer.bounds if abs(bound) <= reach]


def _key(drawn: Sequence[LayerDiagnosis]) -> KeyLine:
    """Return (words, colour) of the bounds and of the states that occur."""
    found = states_of_layers(drawn)
    bounds = [("bound of the activation", BOUND)] * any(map(bounds_in_sight, drawn))
    lowest = any(one.histogram.lowest_count for one in drawn)
    words = {"NaN or infinite": "NaN, infinite or the lowest float"} if lowest else {}
    named = [(words.get(name, name), colour) for name, colour in STATES.items()]
    return bounds + [pair for at, pair in enumerate(named) if at in found]


def key_lines(drawn: Sequence[LayerDiagnosis], room: float) -> list[KeyLine]:
    """Return (words, colour) of all that must be explained, line by line.

    Args:
        drawn: the layers.
        room: inches that a line may take.
    """
    lines: list[KeyLine] = []
    reach = room + 1
    for words, colour in _key(drawn):
        wide = PATCH + 0.05 + text_width(drawable(words), NOTE_SIZE)
        if reach + wide > room:
            lines.append([])
            reach = 0.0
        lines[-1].append((words, colour))
        reach += wide + KEY_GAP
    return lines


def draw_key(figure: Figure, lines: Sequence[KeyLine], bottom: float) -> None:
    """Draw what the colours of the strips and the dashed lines mean.

    Args:
        figure: the figure.
        lines: of :func:`key_lines`.
        bottom: inches from the bottom to the last line.
    """
    width, height = figure.get_size_inches()
    for number, line in enumerate(lines):
        left, low = MARGIN, bottom + KEY_LINE * (len(lines) - 1 - number)
        for words, colour in line:
            middle = (low + 0.045) / height
            figure.add_artist(_patch(figure, colour, (left / width, low / height)))
            spot = (left + PATCH + 0.05) / width, middle
            write(figure, spot, drawable(words), size=NOTE_SIZE, colour=INK, ha="left",
                  va="center")  # fmt: skip
            left += PATCH + 0.05 + text_width(drawable(words), NOTE_SIZE) + KEY_GAP


def _patch(figure: Figure, colour: str, corner: tuple[float, float]) -> Line2D | Rectangle:
    """Return a dashed line for a bound, else a small box."""
    wide, tall = PATCH / figure.get_figwidth(), 0.09 / figure.get_figheight()
    if colour != BOUND:
        return Rectangle(
            corner, wide, tall, transform=figure.transFigure, facecolor=colour, linewidth=0
        )
    across, up = [corner[0], corner[0] + wide], [corner[1] + tall / 2] * 2
    return Line2D(
        across, up, transform=figure.transFigure, color=colour, linewidth=0.8, linestyle="--",
        marker="",
    )  # fmt: skip
