"""The pictures of a layer's kernels: in colour, or channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from featviz._check import shown, size_text, true_or_false, whole_number
from featviz.captions import check_title, ends_text, one_line, range_text, value_text
from featviz.map_choice import check_scale, checked_numbers
from featviz.networks.layer_values import LayerKernels
from featviz.networks.paths import counted_text
from featviz.panels import Limits, MapView, Panel, colour_limits, panels_from_views
from featviz.render.axis_words import write_ticks
from featviz.render.bars import scale_label
from featviz.render.drawing import INK, text_width
from featviz.render.figures import figure_from_panels
from featviz.render.paper import MARGIN
from featviz.stats import map_stats

# As many features and channels as one page shows unless asked for more; of single cells, in one
# picture, more of them can be seen.
COUNT, CELLS = 8, 64
TICK_SIZE = 6.0


def plot_layer_kernels(
    kernels: LayerKernels,
    *,
    features: int | Sequence[int] | None = None,
    channels: int | Sequence[int] | None = None,
    scale: str | Limits = "shared",
    color: bool | None = None,
    numbers: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw the kernels of a layer: a row for each feature, a column for each channel.

    Kernels of two axes that read three channels are drawn in colour unless told otherwise: grey
    is 0 in all three, and a weight of ±m, the largest magnitude shown, is the end of its colour.
    Kernels of a single cell, as in ``Dense`` and 1×1 convolutions, stand in one picture, a row
    for each feature and a column for each channel, with their numbers beside it.

    Args:
        kernels: from :func:`featviz.layer_kernels`.
        features: how many, from the first, or which ones; None: up to 8, of single cells 64.
        channels: how many of those that a feature reads, from the first, or which ones; None:
            as for the features.
        scale: ``"shared"`` (one for all that is shown, symmetric about 0; ``"signed"`` is the
            same here), ``"layer"`` (one for the layer, also for the kernels that are not shown),
            ``"each"`` or ``(low, high)``.
        color: whether the three channels are drawn as red, green and blue; None: where there
            are three. A layer whose three channels are no colours wants False.
        numbers: whether the weight is written into every cell.
        title: above the figure, in as many lines as it needs; None: the model, and the path and
            the kind of the layer.

    Returns:
        The figure; its footnote says how many of how many are shown, and what was done.

    Raises:
        TypeError: no kernels of a layer, or ``color`` or ``numbers`` neither True nor False.
        ValueError: no such feature or channel, or kernels of three axes in colour.

    Example:
        >>> import keras
        >>> from featviz.networks.weights import layer_kernels
        >>> layers = [keras.Input((6, 5, 2)), keras.layers.Conv2D(4, 3, name="conv")]
        >>> figure = plot_layer_kernels(layer_kernels(keras.Sequential(layers), "conv"), features=3)
        >>> figure.texts[-1].get_text()
        '3×3×2×4 weights · 3 of 4 features shown · 2 channels'
    """
    check_title(title)
    if not isinstance(kernels, LayerKernels):
        raise TypeError(f"kernels must come from layer_kernels(); got {shown(kernels)}")
    color = None if color is None else true_or_false("color", color)
    numbers = true_or_false("numbers", numbers)
    single = all(size == 1 for size in kernels.weights.shape[:-2]) and kernels.channels > 1
    most = CELLS if single and not color else COUNT
    rows = _chosen("features", most if features is None else features, kernels.features)
    columns = _chosen("channels", most if channels is None else channels, kernels.channels)
    colored = _is_colored(kernels, color, plain=numbers or single)
    words = [_count_text(len(rows), kernels.features, "features")]
    limits = _limits_of(kernels) if check_scale(scale) is None and scale == "layer" else scale
    if colored:
        panels, ends = _color_panels(kernels, rows, limits)
        wide = min(len(rows), COUNT)
        words.append(_color_text(limits, ends))
    else:
        words.append(_count_text(len(columns), kernels.channels, "channels"))
        if kernels.weights.ndim > 4:
            words.append(f"{len(kernels.weights)} planes one below the other")
        every = (len(rows), len(columns)) == (kernels.features, kernels.channels)
        views, wide = _views(kernels, rows, columns, single=single)
        name = _name_of_scale(scale, every=every)
        panels = _channel_panels(views, limits, name, numbers=numbers)
        words += [_scale_text(panels[0])] if numbers else []
    words = [f"{size_text(kernels.weights.shape)} weights", *words, kernels.note]
    footnote = one_line(" · ".join(filter(None, words)))
    heading = _heading(kernels) if title is None else title
    figure = figure_from_panels(panels, wide, title=heading, footnote=footnote)
    if single and not colored:
        _number_sides(figure, rows, columns)
    elif kernels.weights.ndim > 4:
        _part_planes(figure, kernels)
    return figure


def _heading(kernels: LayerKernels) -> str:
    return one_line(" · ".join(filter(None, (kernels.model, kernels.path, kernels.kind))))


def _is_colored(kernels: LayerKernels, color: bool | None, *, plain: bool) -> bool:
    """Return whether channels are drawn as colours: as asked, else where they may be.

    Raises:
        ValueError: asked for where kernels have no colours.
    """
    sizes = kernels.weights.shape
    if color is None:
        return kernels.channels == 3 and len(sizes) == 4 and kernels.groups == 1 and not plain
    if color and (kernels.channels != 3 or len(sizes) > 4):
        raise ValueError(f"color must be False for kernels of {size_text(sizes)}; got {color}")
    return color


def _chosen(argument: str, value: Any, count: int) -> list[int]:
    """Return which are shown: the first so many, or those that are named."""
    if not isinstance(value, (list, tuple, range)):
        return list(range(min(whole_number(argument, value, minimum=1), count)))
    return list(checked_numbers(argument, value, count))


def _count_text(shown_count: int, count: int, what: str) -> str:
    if shown_count < count:
        return f"{shown_count:,} of {count:,} {what} shown"
    return counted_text(count, what.removesuffix("s"))


def _plane(kernels: LayerKernels, channel: int, feature: int) -> Any:
    """Return (h, w); the planes of a kernel of three axes one below the other."""
    plane = kernels.weights[..., channel, feature]
    return plane.reshape(-1, plane.shape[-1])


def _views(
    kernels: LayerKernels, rows: list[int], columns: list[int], *, single: bool
) -> tuple[list[MapView], int]:
    """Return what is drawn, feature by feature, and how many stand in a row."""
    if single:
        weights = kernels.weights.reshape(kernels.weights.shape[-2:])
        values = weights[np.ix_(columns, rows)].T
        # The last line leaves room for the numbers of the channels.
        title = f"rows: features\ncolumns: channels{_of_group(kernels)}\n "
        return [MapView(title, "kernel", values, True)], 1
    views = [
        MapView(
            _title(kernels, feature, channel), "kernel", _plane(kernels, channel, feature), True
        )
        for feature in rows
        for channel in columns
    ]
    return views, len(columns) if kernels.channels > 1 else min(len(rows), COUNT)


def _of_group(kernels: LayerKernels) -> str:
    return " of its group" if kernels.groups > 1 else ""


def _title(kernels: LayerKernels, feature: int, channel: int) -> str:
    read = kernels.channels_of(feature)[channel]
    alone = kernels.channels * kernels.groups == 1
    return f"feature {feature}" if alone else f"feature {feature}\nchannel {read}"


def _scale_text(panel: Panel) -> str:
    """Return what the colours under numbers stand for, where no bar says it."""
    told = scale_label(panel.scale)
    if panel.scale.startswith("each"):
        return "colours: each kernel on a scale of its own, symmetric about 0"
    if panel.scale.startswith("signed"):
        told += ", " + " to ".join(ends_text(panel.limits))
    return f"colours: {told}"


def _name_of_scale(scale: str | Limits, *, every: bool) -> str:
    """Return the name of one scale, of what it is; nothing where there are several."""
    scope = "all kernels" if every or scale == "layer" else "those shown"
    return f"signed, {scope}" if scale in ("layer", "shared", "signed") else ""


def _limits_of(kernels: LayerKernels) -> Limits:
    rows = kernels.weights.reshape(-1, kernels.features)
    return colour_limits([map_stats(rows)], signed=True)


def _channel_panels(
    views: list[MapView], limits: str | Limits, scale: str, *, numbers: bool
) -> tuple[Panel, ...]:
    """Return panels that speak of kernels where others speak of maps."""
    return tuple(
        replace(panel, lines=_lines(panel), mark=_mark(panel), scale=scale or panel.scale)
        for panel in panels_from_views(views, scale=limits, gamma=1.0, numbers=numbers)
    )


def _number_sides(figure: Figure, rows: list[int], columns: list[int]) -> None:
    """Write the numbers of features and channels beside the picture of single cells."""
    axes = figure.axes[0]
    widest = max(text_width(str(number), TICK_SIZE) for number in (*rows, *columns))
    _widen(figure, max(0.0, widest + 0.08 - MARGIN))
    box = axes.get_position()
    width, height = figure.get_size_inches() * (box.width, box.height)
    across = _marked(len(columns), width / (widest + 0.06))
    down = _marked(len(rows), height / (TICK_SIZE / 72 * 1.3))
    axes.set_xticks(across, labels=[str(columns[at]) for at in across])
    axes.set_yticks(down, labels=[str(rows[at]) for at in down])
    write_ticks(axes, TICK_SIZE, top=True)


def _part_planes(figure: Figure, kernels: LayerKernels) -> None:
    """Draw a line between the planes that stand one below the other."""
    depth, height = kernels.weights.shape[:2]
    for axes in figure.axes:
        for plane in range(1, depth if axes.images else 0):
            axes.axhline(plane * height - 0.5, color=INK, linewidth=1.5, linestyle="-", marker="")


def _marked(count: int, room: float) -> list[int]:
    """Return which of so many places get a number, where so many numbers have room."""
    steps = (step * 10**power for power in range(9) for step in (1, 2, 5))
    return list(range(0, count, next(step for step in steps if count <= step * max(room, 1))))


def _widen(figure: Figure, inches: float) -> None:
    """Add room at the left; what begins at the margin stays there."""
    width, height = figure.get_size_inches()
    shares, shift = width / (width + inches), inches / (width + inches)
    figure.set_size_inches(width + inches, height)
    for axes in figure.axes:
        left, bottom, wide, tall = axes.get_position().bounds
        axes.set_position((left * shares + shift, bottom, wide * shares, tall))
    for text in figure.texts:
        across, up = text.get_position()
        centred = text.get_horizontalalignment() != "left"
        text.set_position((across * shares + shift * centred, up))


def _lines(panel: Panel) -> tuple[str, ...]:
    beyond = panel.pixels.min() < panel.limits[0] or panel.pixels.max() > panel.limits[1]
    return tuple(line + " (beyond the scale)" * bool(beyond) for line in _range_lines(panel.pixels))


def _range_lines(values: Any) -> list[str]:
    return [range_text(map_stats(values))]


def _mark(panel: Panel) -> str:
    """Return the mark of a kernel; that a single cell is constant says nothing."""
    return panel.mark if panel.pixels.size > 1 or not panel.mark.startswith("constant") else ""


def _color_panels(
    kernels: LayerKernels, rows: list[int], scale: str | Limits
) -> tuple[tuple[Panel, ...], float]:
    """Return a panel of colours for each feature, and the weight at the ends of all."""
    stacks = [np.stack([_plane(kernels, c, feature) for c in range(3)], -1) for feature in rows]
    views = [MapView("", "kernel", stack.reshape(len(stack), -1), True) for stack in stacks]
    bounds = [panel.limits for panel in panels_from_views(views, scale=scale, gamma=1.0)]
    panels = []
    for feature, stack, (low, high), view in zip(rows, stacks, bounds, views, strict=True):
        ends = max(abs(low), abs(high))
        shares = np.clip(np.nan_to_num(stack / (2 * ends)) + 0.5, 0, 1).astype(np.float32)
        stats = map_stats(view.values)
        lines = _range_lines(view.values)
        if max(-stats.low, stats.high) > ends:
            lines.append("beyond the scale")
        lines += [f"colours end at ±{value_text(ends)}"] if scale == "each" else []
        mark = "dead: all 0" if stats.dead else ""
        if stats.broken:
            mark = f"{stats.nan_count + stats.infinite_count} NaN or infinite, drawn grey"
        panels.append(
            Panel(f"feature {feature}", shares, (0.0, 1.0), "rgb", "rgb", tuple(lines), mark)
        )
    return tuple(panels), max(-bounds[0][0], bounds[0][1])


def _color_text(scale: str | Limits, ends: float) -> str:
    how = "" if scale == "each" else f", the ends of each colour ±{value_text(ends)}"
    return f"three channels as red, green and blue: grey is 0 in all{how}"
