"""A diagnosis as a figure: for each layer a histogram, its zeros, its channels."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from featviz._check import list_of, shown, whole_number
from featviz.captions import check_title, one_line, share_text, value_text
from featviz.networks.diagnosis import Diagnosis, LayerDiagnosis
from featviz.networks.paths import counted_text, first_text
from featviz.networks.verdicts import PASSING, marks_of_layer
from featviz.render.axis_words import AXIS_TEXT, label_axes
from featviz.render.channel_states import (
    BOUND,
    KEY_LINE,
    MOST_STRIP_CELLS,
    REST_FILL,
    bounds_in_sight,
    cells_of_layer,
    draw_frame,
    draw_key,
    draw_strip,
    key_lines,
    states_of_layer,
    states_of_layers,
)  # fmt: skip
from featviz.render.drawing import (
    ALARM,
    BROKEN,
    FAINT_INK,
    INK,
    fitted,
    text_width,
    wrapped,
    write,
)
from featviz.render.paper import (
    MARGIN,
    NOTE_LINE,
    NOTE_SIZE,
    Box,
    blank_figure,
    shares_of_box,
    title_height,
    title_lines,
    write_notes,
    write_title,
)

# Inches: a cell, and in it the histogram and the bar of zeros beside it.
CELL, ROOM_LEFT, HISTOGRAM, ZEROS = (2.95, 2.02), 0.52, (1.85, 0.95), 0.15
BAR_TOP, STRIP = 0.37, 0.14
MOST_LAYERS = 48
FILL, ZERO_FILL = "#4878a8", "#b8bec6"
# As many layers that are not drawn are named.
MOST_NAMED = 6
# Inches that a number of the axis may reach beyond it, towards the share of zeros.
BEYOND = 0.03
Place = Callable[[float, float, float, float], Box]


def plot_diagnosis(
    diagnosis: Diagnosis,
    *,
    layers: Iterable[str] | None = None,
    columns: int = 4,
    most: int = MOST_LAYERS,
    title: str | None = None,
) -> Figure:
    """Draw for each layer a histogram, its share of zeros, and its channels.

    The bars count the finite values other than 0 of all channels, on a logarithmic axis that
    begins below 1; the zeros stand beside them as a share. The strip below has a cell for each
    channel: dead, constant, saturated, equal to another, or with NaN, infinity or the lowest float
    of its type; its lower half shows what a channel is as well. Where there are more than 120
    channels a cell stands for several and shows what is worst, and below it what comes next. Dashed
    lines are the bounds of the activation.

    Args:
        diagnosis: what :func:`featviz.diagnose` returned.
        layers: paths of the layers that are drawn; None: the first ones.
        columns: layers in a row, at least 1.
        most: how many layers are drawn at most; the figure says how many there are.
        title: above the figure; None for the model and the number of images.

    Returns:
        The figure; a notebook shows it, :func:`featviz.save_figure` writes it.

    Raises:
        TypeError: no diagnosis.
        PathError: no such layer.
        ValueError: no layer, or a wrong number.

    Example:
        >>> import keras
        >>> from featviz.networks.diagnosing import diagnose
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.ReLU(name="detect")])
        >>> figure = plot_diagnosis(diagnose(model, [[-1.0, 2.0], [-3.0, 4.0]]))
        >>> [axes.get_label() for axes in figure.axes]
        ['detect', 'detect · zeros', 'detect · channels']
    """
    check_title(title)
    chosen = _chosen(diagnosis, layers)
    drawn = chosen[: whole_number("most", most, minimum=1)]
    wide = min(whole_number("columns", columns, minimum=1), len(drawn))
    images = counted_text(diagnosis.images, "image")
    told = f"{diagnosis.model}: values of each layer over {images}"
    heading = told if title is None else title
    width = wide * CELL[0] + 2 * MARGIN
    said = [_notes(chosen, drawn, len(diagnosis.layers))]
    said += [f"went in: {text}" for text in diagnosis.went_in]
    notes = [line for text in said for line in wrapped(text, NOTE_SIZE, width - 2 * MARGIN)]
    key = key_lines(drawn, width - 2 * MARGIN)
    judged = any(layer.role != PASSING for layer in diagnosis.layers.values())
    rows = -(-len(drawn) // wide)
    small = NOTE_LINE * len(notes) + 0.06
    head = title_lines(heading, width - 2 * MARGIN)
    below = MARGIN + title_height(head) + 0.02
    height = below + MARGIN + rows * CELL[1] + small + KEY_LINE * len(key) + 0.06 * bool(key)
    figure = blank_figure(width, height)
    write_title(figure, head)
    for index, layer in enumerate(drawn):
        left = MARGIN + (index % wide) * CELL[0]
        top = below + (index // wide) * CELL[1]
        passed = judged and layer.role == PASSING
        _draw_layer(figure, layer, functools.partial(_box, figure, left, top), passed=passed)
    draw_key(figure, key, MARGIN + small)
    write_notes(figure, notes)
    return figure


def _chosen(diagnosis: Any, layers: Iterable[str] | None) -> list[LayerDiagnosis]:
    if not isinstance(diagnosis, Diagnosis):
        raise TypeError(f"diagnosis must come from diagnose(); got {shown(diagnosis)}")
    if layers is None:
        chosen = list(diagnosis.layers.values())
    else:
        named = [layers] if isinstance(layers, str) else layers
        paths = list_of("layers", named, object, "paths of layers or None")
        chosen = [diagnosis.layer(path) for path in paths]
    if not chosen:
        raise ValueError("layers must be at least one path; got none")
    return chosen


def _notes(chosen: Sequence[LayerDiagnosis], drawn: Sequence[LayerDiagnosis], every: int) -> str:
    """Return what must be known to read the figure, and what it does not show."""
    found = states_of_layers(drawn)
    words = (
        "Bars: values in each bin, on a logarithmic axis, without zeros; the grey bar beside is "
        "the share of zeros. Strip: the channels, from 0 at the left"
    )
    words += "." if found else "; none is dead, constant, saturated, equal to another or broken."
    if any(layer.channels > MOST_STRIP_CELLS for layer in drawn):
        words += f" Beyond {MOST_STRIP_CELLS} channels a cell stands for several."
    if len(found) > 1:
        words += " A cell shows what stands last in the key"
        both = any(cells_of_layer(layer)[1].any() for layer in drawn)
        words += ", and in its lower half what it is as well." if both else "."
    for layer in drawn:
        if layer.missed:
            ran = f"{layer.images:,} of {layer.images + layer.missed:,} images"
            words += f" {one_line(layer.path)} ran for {ran}."
    if len(drawn) < every:
        words += f" {len(drawn):,} of {counted_text(every, 'layer')} shown."
    marked = [one.path for one in chosen[len(drawn) :] if states_of_layer(one).any()]
    if marked:
        words += f" Not shown, with marked channels: {first_text(marked, MOST_NAMED)}."
    return words


def _box(figure: Figure, across: float, down: float, *box: float) -> Box:
    """Return a box of inches from the corner of a cell as shares of the figure."""
    left, top, wide, tall = box
    return shares_of_box(figure, (across + left, down + top, wide, tall))


def _draw_layer(figure: Figure, layer: LayerDiagnosis, place: Place, *, passed: bool) -> None:
    """Draw one layer; what it only passes on, as the verdict knows, is no alarm."""
    room = CELL[0] - 0.1
    shape = "×".join("?" if size is None else str(size) for size in layer.shape)
    settings = f" · {layer.info.settings}" if layer.info.settings else ""
    for below, text, size, bold in (
        (0.0, layer.path, 9.0, True),
        (0.17, f"{layer.kind}{settings} · {shape}", 7.0, False),
    ):
        words, points = fitted(text, size, room, bold=bold)
        left, high, _, _ = place(0.02, below, 0, 0)
        colour = INK if bold else FAINT_INK
        write(figure, (left, high), words, size=points, colour=colour, bold=bold, ha="left")
    axes = figure.add_axes(place(ROOM_LEFT, BAR_TOP, *HISTOGRAM))
    axes.set_label(layer.path)
    _draw_histogram(axes, layer)
    left = ROOM_LEFT + HISTOGRAM[0] + 0.14
    zeros = figure.add_axes(place(left, BAR_TOP, ZEROS, HISTOGRAM[1]))
    zeros.set_label(f"{layer.path} · zeros")
    _draw_zeros(zeros, layer)
    below = BAR_TOP + HISTOGRAM[1] + 0.28
    strip = figure.add_axes(place(ROOM_LEFT, below, HISTOGRAM[0], STRIP))
    strip.set_label(f"{layer.path} · channels")
    draw_strip(strip, layer)
    marked = bool(states_of_layer(layer).any())
    colour = ALARM if marked and not passed else FAINT_INK
    words = marks_of_layer(layer) + ", passed on" * (marked and passed)
    lines, points = _two_lines(words, room - ROOM_LEFT)
    for number, line in enumerate(lines):
        left, high, _, _ = place(ROOM_LEFT, below + STRIP + 0.04 + 0.11 * number, 0, 0)
        write(figure, (left, high), line, size=points, colour=colour, ha="left")


def _two_lines(text: str, room: float) -> tuple[list[str], float]:
    """Return a text in at most two lines and its size: no number of it may be lost."""
    for size in (7.0, 6.5, 6.0, 5.5, 5.0):
        lines = wrapped(text, size, room)
        if len(lines) <= 2:
            break
    return lines, size


def _draw_histogram(axes: Axes, layer: LayerDiagnosis) -> None:
    """Draw the counts on a logarithmic axis, and the bounds of the activation."""
    histogram = layer.histogram
    draw_frame(axes)
    if not histogram.counts.size:
        axes.set_xticks([])
        axes.set_yticks([])
        told = (histogram.zeros, "0"), (histogram.lowest_count, "the lowest float")
        left = " and ".join(word for count, word in told if count)
        words = f"no value but {left}" if left else "no finite value"
        write(axes, (0.5, 0.5), words, size=7.0, colour=FAINT_INK, va="center")
        return
    largest = float(np.abs(histogram.edges).max())
    # What matplotlib can draw.
    unit = 1.0 if 1e-30 < largest < 1e30 else 10.0 ** math.floor(math.log10(largest))
    edges = histogram.edges / unit
    axes.set_yscale("log")
    axes.stairs(histogram.counts, edges, baseline=0.5, fill=True, color=FILL, linewidth=0)
    axes.set_ylim(0.5, float(histogram.counts.max()) * 2)
    bounds = [bound / unit for bound in bounds_in_sight(layer)]
    axes.set_xlim(*_limits(edges, bounds))
    for bound in bounds:
        axes.axvline(bound, color=BOUND, linewidth=0.8, linestyle="--")
    ticks = _ticks(*axes.get_xlim(), unit) or [min(edges[0], 0.0), max(edges[-1], 0.0)]
    axes.set_xticks(ticks, labels=[value_text(tick * unit) for tick in ticks])
    powers = range(int(math.log10(histogram.counts.max())) + 1)
    counts = [10**power for power in powers[:: 1 + (len(powers) - 1) // 4]]
    if len(counts) == 1:  # one number would not say how the axis runs
        counts = sorted({1, int(histogram.counts.max())})
    axes.set_yticks(counts, labels=[f"{count:,}" for count in counts])
    label_axes(axes, "value", "values")


def _ticks(low: float, high: float, unit: float) -> list[float]:
    """Return two or more round values whose labels have room, or none."""
    for most in (4, 3, 2, 1):
        steps = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        ticks = [float(f"{tick:.6g}") for tick in steps if low <= tick <= high]
        inches = HISTOGRAM[0] / (high - low)
        wide = [text_width(value_text(tick * unit), AXIS_TEXT) for tick in ticks]
        while ticks and (high - ticks[-1]) * inches + BEYOND < wide[len(ticks) - 1] / 2:
            ticks.pop()
        apart = len(ticks) > 1 and all(
            (right - left) * inches > 0.08 + (a + b) / 2
            for left, right, a, b in zip(ticks, ticks[1:], wide, wide[1:], strict=False)
        )
        if apart:
            return ticks
    return []


def _limits(edges: Any, bounds: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis: all bins, 0, and the bounds."""
    ends = [*edges[[0, -1]], 0.0, *bounds]
    margin = 0.03 * (max(ends) - min(ends))
    return float(min(ends) - margin), float(max(ends) + margin)


def _draw_zeros(axes: Axes, layer: LayerDiagnosis) -> None:
    """Draw the share of zeros from the bottom, that of broken values from the top."""
    histogram = layer.histogram
    zeros = histogram.zeros / histogram.total
    broken = histogram.broken_count / histogram.total
    draw_frame(axes)
    axes.bar(0, 1.0, width=1.0, color=REST_FILL, linewidth=0)
    axes.bar(0, zeros, width=1.0, color=ZERO_FILL, linewidth=0)
    axes.bar(0, broken, bottom=1 - broken, width=1.0, color=BROKEN, linewidth=0)
    axes.set(xlim=(-0.5, 0.5), ylim=(0, 1), xticks=[], yticks=[])
    write(axes, (0, -0.05), share_text(zeros), size=6.0, colour=INK)
    write(axes, (0, -0.18), "zeros", size=6.0, colour=FAINT_INK)
