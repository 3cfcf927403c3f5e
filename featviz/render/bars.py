"""Colour bars of figures: both ends have their numbers, whatever else has room.

A bar without its limits tells nothing of its colours. Between them stand 0, and round numbers that
keep a clear gap from the ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from featviz.captions import ends_text, leading_digit, value_text
from featviz.panels import Panel
from featviz.render.drawing import (
    ALARM,
    FAINT_INK,
    INK,
    TEXT,
    colours_of,
    fitted,
    text_width,
)

BAR_TEXT = 6.5
# Inches between two numbers beside a bar, and between a number and one of its ends.
CLEAR, CLEAR_OF_END = 0.1, 0.18
# A number at an end hangs over by no more; longer ones begin or stop where the bar does.
OVERHANG = 0.1
# Round numbers have no more digits.
ROUND_DIGITS = 6
# What matplotlib adds to a bar for each arrow, as a share of its length.
ARROW = 0.05


def draw_bar(
    figure: Figure,
    box: tuple[float, float, float, float],
    panels: Sequence[Panel],
    room: float,
) -> None:
    """Draw the horizontal colour bar of panels that share a scale.

    Args:
        figure: the figure.
        box: left, bottom, width, height as shares of the figure.
        panels: the panels it stands for; their limits are the same.
        room: inches that the label may take.
    """
    axes = figure.add_axes(box)
    axes.set_label("colour bar")
    bar = figure.colorbar(
        colours_of(panels[0]), cax=axes, orientation="horizontal", extend=extension(panels)
    )
    inches = box[2] * figure.get_size_inches()[0]
    style_bar(bar, panels[0], inches, room=room, inks=(INK, FAINT_INK, ALARM))


def style_bar(
    bar: Any, panel: Panel, inches: float, *, room: float, inks: tuple[str, str, str]
) -> None:
    """Set ticks and label of a colour bar that is ``inches`` long."""
    upright = bar.orientation == "vertical"
    inches /= 1 + ARROW * {"neither": 0, "both": 2}.get(bar.extend, 1)
    label_bar(bar, panel, bar_ticks(panel, inches, upright=upright))
    bar.minorticks_off()
    bar.ax.grid(visible=False)
    bar.ax.tick_params(
        labelsize=BAR_TEXT, length=2, width=0.5, color=inks[1], labelcolor=inks[0], pad=1.5,
        direction="out", labelrotation=0, bottom=not upright, labelbottom=not upright, top=False,
        labeltop=False, right=upright, labelright=upright, left=False, labelleft=False,
    )  # fmt: skip
    for label in [*bar.ax.get_xticklabels(), *bar.ax.get_yticklabels()]:
        label.set(weight="normal", **TEXT)
    for axis in (bar.ax.xaxis, bar.ax.yaxis):
        axis.get_offset_text().set(**TEXT)
    bar.outline.set(linewidth=0.4, color="#888888")
    words = scale_label(panel.scale)
    words += "" if panel.gamma == 1.0 else f", gamma {panel.gamma:g}"
    text, size = fitted(words, BAR_TEXT, room)
    bar.set_label(
        text, size=size, weight="normal", color=inks[1], labelpad=1.5, loc="center", **TEXT
    )


def label_bar(bar: Any, panel: Panel, ticks: Sequence[float]) -> None:
    """Write numbers beside a bar, the first and the last of which are its limits."""
    low, high = ends_text(panel.limits)
    inner = [value_text(tick, ROUND_DIGITS) for tick in ticks[1:-1]]
    set_labels(bar, ticks, [low, *inner, high])


def set_labels(bar: Any, ticks: Sequence[float], labels: Sequence[str]) -> None:
    """Write labels beside a bar, those of its ends so that they hang over little."""
    bar.set_ticks(ticks, labels=labels)
    if bar.orientation == "vertical":
        return
    written = bar.ax.get_xticklabels()
    for label, side in ((written[0], "left"), (written[-1], "right")):
        wide = text_width(label.get_text(), BAR_TEXT) > 2 * OVERHANG
        label.set_horizontalalignment(side if wide else "center")


def bar_ticks(panel: Panel, inches: float, *, upright: bool = False) -> list[float]:
    """Return both limits, and between them what has room beside a bar.

    Args:
        panel: whose limits and gamma the bar has.
        inches: length of the bar.
        upright: whether it stands, so that numbers need their height.

    Returns:
        Values in order: the limits themselves, 0, and round numbers.
    """
    low, high = panel.limits
    halves = [_half(text, upright=upright) for text in ends_text(panel.limits)]
    # A long number begins or stops where the bar does.
    insides = [half if half > OVERHANG and not upright else 0.0 for half in halves]
    taken = [
        (insides[0] - halves[0], insides[0] + halves[0]),
        (inches - insides[1] - halves[1], inches - insides[1] + halves[1]),
    ]
    # A short bar may have room only for what stands nearer to 0.
    for part in (4, 8, 16):
        if ticks := _fitting_ticks(panel, inches, taken, part, upright=upright):
            break
    return [low, *sorted(ticks), high]


def _fitting_ticks(
    panel: Panel, inches: float, ends: list[tuple[float, float]], part: int, *, upright: bool
) -> list[float]:
    """Return inner values that have room between what the numbers of the ends take."""
    norm: Any = colours_of(panel).norm
    taken, ticks = list(ends), list[float]()
    for value in _inner_ticks(panel, part):
        middle = float(norm(value)) * inches
        half = _half(value_text(value, ROUND_DIGITS), upright=upright)
        gaps = [CLEAR_OF_END if value else CLEAR] * 2 + [CLEAR] * len(ticks)
        if all(
            middle + half + gap <= start or middle - half - gap >= stop
            for (start, stop), gap in zip(taken, gaps, strict=True)
        ):
            taken.append((middle - half, middle + half))
            ticks.append(value)
    return ticks


def _half(text: str, *, upright: bool) -> float:
    """Return half of the inches that a number takes along its bar."""
    return 0.05 if upright else text_width(text, BAR_TEXT) / 2


def _inner_ticks(panel: Panel, part: int) -> list[float]:
    """Return round values within the limits, most wanted first."""
    low, high = panel.limits
    even = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    steps = sorted((float(f"{value:.6g}") for value in even), key=lambda x: (x != 0, abs(x)))
    if panel.gamma != 1.0:  # even steps would crowd where gamma bends
        bent = [0.0, *(leading_digit(end / part) for end in (high, low))]
        within = [value for value in bent if low < value < high]
        steps = list(dict.fromkeys(within)) or steps
    return [value for value in steps if low < value < high]


def extension(panels: Sequence[Panel]) -> str:
    """Return at which ends of the bar values lie beyond it."""
    beyond = [False, False]
    for panel in panels:
        finite = panel.pixels[np.isfinite(panel.pixels)]
        beyond[0] |= bool((finite < panel.limits[0]).any())
        beyond[1] |= bool((finite > panel.limits[1]).any())
    return {(1, 1): "both", (1, 0): "min", (0, 1): "max"}.get((beyond[0], beyond[1]), "neither")


def scale_label(scale: str) -> str:
    """Return what a reader is told about a scale."""
    what, scale = ("kernels", scale[9:]) if scale.startswith("kernels, ") else ("maps", scale)
    if scale.startswith("image"):
        return "image"
    if scale.startswith("each"):
        return "own scale"
    if scale.startswith("signed, "):
        return f"one scale for {scale.removeprefix('signed, ')}"
    return f"one scale for all {what}" if scale == "shared" else f"fixed scale {scale}"
