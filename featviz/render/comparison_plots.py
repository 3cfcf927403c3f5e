"""Two sides of a comparison as text, and one layer of it as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from featviz._check import one_of, shown, size_text, whole_number
from featviz.captions import caption_lines, mark_text, one_line, share_text
from featviz.networks.comparison import Comparison, LayerComparison
from featviz.networks.verdicts import layers_text, number_text
from featviz.panels import Panel, colour_limits
from featviz.render.figures import figure_from_panels
from featviz.render.rows import aligned, markdown_rows, plain_words
from featviz.stats import MapStats, map_stats

FORMS = ("text", "markdown")
HEADINGS = (
    "layer",
    "maps",
    "mean |b − a|",
    "largest",
    "at",
    "relative",
    "cosine",
    "equal",
    "broken",
)
MOST_CHANNELS = 60


def text_from_comparison(comparison: Comparison, *, form: str = "text") -> str:
    """Return how the layers of two sides differ, a row for each.

    Args:
        comparison: what :func:`featviz.compare` returned.
        form: ``"text"`` or ``"markdown"``.

    Returns:
        Lines without a line break at the end: mean and largest |b − a|, where the largest is
        (image, row, column, channel, from 0), ‖b − a‖ / ‖a‖, the cosine between a and b, the share
        of equal cells, and how many cells are NaN or infinite.

    Raises:
        TypeError: no comparison.
        ValueError: an unknown form.

    Example:
        >>> import keras
        >>> from featviz.networks.comparing import compare
        >>> detect = keras.layers.ReLU(name="detect")
        >>> model = keras.Sequential([keras.Input((2,)), detect], name="net")
        >>> told = compare(model, None, [[1.0, 2.0]], other_images=[[-1.0, 4.0]])
        >>> print(text_from_comparison(told))
        Comparison of a and b: 1 layer, 0 identical
        a: net, 1×2 float32, 1 to 2 (float64 as given)
        b: net, 1×2 float32, −1 to 4 (float64 as given)
        <BLANKLINE>
        layer   maps  mean |b − a|  largest    at  relative  cosine  equal  broken
        detect   1×2           1.5        2  0, 1         1   0.894    0 %       0
    """
    if not isinstance(comparison, Comparison):
        raise TypeError(f"comparison must come from compare(); got {shown(comparison)}")
    one_of("form", form, FORMS)
    head, *notes = _head(comparison)
    rows = [HEADINGS, *(_row(told) for told in comparison.layers.values())]
    if form == "markdown":
        lines = [f"**{plain_words(head)}**", "", *(f"- {plain_words(note)}" for note in notes)]
        return "\n".join([*lines, "", *markdown_rows(rows)])
    return "\n".join([head, *notes, "", *aligned(rows)])


def _head(comparison: Comparison) -> list[str]:
    names = [one_line(name) for name in comparison.names]
    same = sum(told.identical for told in comparison.layers.values())
    layers = len(comparison.layers)
    lines = [
        f"Comparison of {names[0]} and {names[1]}: {layers:,} layer{'s' * (layers != 1)}, "
        f"{same:,} identical"
    ]
    for name, maps in zip(names, (comparison.a, comparison.b), strict=True):
        lines.append(f"{name}: {one_line(maps.model)}, {'; '.join(maps.went_in)}")
    for name, paths in zip(names, (comparison.only_a, comparison.only_b), strict=True):
        if paths:
            lines.append(f"only in {name}: {layers_text(paths)}")
    for path, sizes in comparison.unlike.items():
        one, other = map(size_text, sizes)
        lines.append(
            f"{one_line(path)}: not compared, {one} in {names[0]} and {other} in {names[1]}"
        )
    return lines


def _row(told: LayerComparison) -> tuple[str, ...]:
    matched = told.path == told.other_path
    return (
        one_line(told.path) + ("" if matched else f" and {one_line(told.other_path)}"),
        size_text(told.shape),
        number_text(told.mean_difference),
        number_text(told.largest_difference),
        "–" if told.place is None else ", ".join(map(str, told.place)),
        number_text(told.relative_difference),
        "–" if math.isnan(told.cosine) else _cosine_text(told.cosine),
        share_text(told.equal_share),
        f"{told.broken_count:,}",
    )


def _cosine_text(cosine: float) -> str:
    """Return a cosine; what is nearly ±1 is not written as ±1."""
    text = number_text(cosine)
    nearly = abs(cosine) != 1 and text in ("1", "−1")
    return ("≈" + text) if nearly else text


def plot_comparison(
    comparison: Comparison,
    path: str,
    *,
    image: int = 0,
    channels: Sequence[int] | None = None,
    count: int = 6,
    title: str = "",
) -> Figure:
    """Draw maps of one layer: a row for a, one for b, and one for b − a.

    The maps of a and b stand on one scale; the difference on its own, symmetric about 0.

    Args:
        comparison: what :func:`featviz.compare` returned.
        path: of the layer, with or without ``:detect``.
        image: which image, from 0.
        channels: numbers of the channels; None: those that differ most on average.
        count: how many channels are drawn unless ``channels`` names them, at least 1.
        title: a line above; "" for the layer and its numbers.

    Returns:
        The figure; a notebook shows it, :func:`featviz.save_figure` writes it. Sequences (T, F)
        and vectors are drawn as one picture with a column for each channel.

    Raises:
        KeyError: no such layer.
        TypeError: no comparison.
        ValueError: no such image or channel, or maps of three or more axes.

    Example:
        >>> import keras
        >>> from featviz.networks.comparing import compare
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> told = compare(model, None, [[1.0, 2.0]], other_images=[[-1.0, 4.0]])
        >>> [axes.get_label() for axes in plot_comparison(told, "detect").axes][:3]
        ['a · channel 0', 'b · channel 0', 'b − a · channel 0']
    """
    if not isinstance(comparison, Comparison):
        raise TypeError(f"comparison must come from compare(); got {shown(comparison)}")
    told = comparison.layer(path)
    number = whole_number("image", image, minimum=0)
    if number >= told.shape[0]:
        raise ValueError(f"image must be below {told.shape[0]}; got {number}")
    if len(told.shape) > 4:
        raise ValueError(
            f"path must be a layer of maps (H, W); {path!r} is {size_text(told.shape)}"
        )
    a, b = (maps[number] for maps in comparison.maps(path))
    difference = comparison.difference(path)[number]
    pictures, chosen = _pictures(told, (a, b, difference), channels, count)
    panels = _panels(pictures, comparison.names, chosen)
    return figure_from_panels(
        panels,
        len(panels) // 3,
        title=title or _title(told, comparison.names),
        footnote=_footnote(told, chosen, number),
    )


def _pictures(
    told: LayerComparison, sides: tuple[Any, Any, Any], channels: Any, count: int
) -> tuple[list[list[Any]], list[int]]:
    """Return the pictures of each side, and the channels that they show."""
    every = told.shape[-1] if len(told.shape) > 1 else 1
    if len(told.shape) < 4:
        if channels is not None:
            raise ValueError("channels must be None for a layer that is drawn as one picture")
        return [[side.reshape(-1, every)] for side in sides], []
    chosen = _channels(told, channels, count, every)
    return [[side[:, :, channel] for channel in chosen] for side in sides], chosen


def _channels(told: LayerComparison, channels: Any, count: int, every: int) -> list[int]:
    if channels is None:
        most = whole_number("count", count, minimum=1)
        order = np.argsort(-np.nan_to_num(told.channel_differences, nan=np.inf), kind="stable")
        return [int(number) for number in order[: min(most, MOST_CHANNELS)]]
    several = list(channels) if isinstance(channels, (list, tuple, range)) else [channels]
    chosen = [whole_number("channels", number, minimum=0) for number in several]
    if not 1 <= len(chosen) <= MOST_CHANNELS:
        raise ValueError(f"channels must be 1 to {MOST_CHANNELS}; got {len(chosen)}")
    if max(chosen) >= every:
        raise ValueError(f"channels must be below {every}; got {max(chosen)}")
    return chosen


def _panels(
    pictures: list[list[Any]], names: tuple[str, str], chosen: list[int]
) -> tuple[Panel, ...]:
    """Return the rows a, b, b − a; a and b on one scale."""
    a, b = (one_line(name) for name in names)
    stats = [[map_stats(values) for values in row] for row in pictures]
    common = colour_limits([*stats[0], *stats[1]], signed=False)
    apart = colour_limits(stats[2], signed=True)
    rows = (
        (a, common, f"signed, {a} and {b}"),
        (b, common, f"signed, {a} and {b}"),
        (f"{b} − {a}", apart, f"signed, {b} − {a}"),
    )
    channels: list[int | None] = [*chosen] if chosen else [None]
    return tuple(
        _panel(name, limits, scale, values, known, channel, is_difference=row is pictures[2])
        for (name, limits, scale), row, told in zip(rows, pictures, stats, strict=True)
        for values, known, channel in zip(row, told, channels, strict=True)
    )


def _panel(
    name: str,
    limits: tuple[float, float],
    scale: str,
    values: Any,
    stats: MapStats,
    channel: int | None,
    *,
    is_difference: bool,
) -> Panel:
    place = "all channels" if channel is None else f"channel {channel}"
    return Panel(
        f"{name}\n{place}",
        values,
        limits,
        "signed" if limits[0] < 0 else "heat",
        scale,
        caption_lines(stats, limits),
        "no difference" if is_difference and stats.dead else mark_text(stats),
    )


def _title(told: LayerComparison, names: tuple[str, str]) -> str:
    path = told.path if told.path == told.other_path else f"{told.path} and {told.other_path}"
    return f"{path}: {names[0]}, {names[1]} and their difference"


def _footnote(told: LayerComparison, chosen: list[int], image: int) -> str:
    every, images = told.shape[-1], told.shape[0]
    words = [f"image {image} (from 0) of {images}"]
    if chosen:
        words.append(f"{len(chosen)} of {every} channels shown")
    over = "" if images == 1 else f" over all {images} images"
    words.append(
        f"whole layer{over}: mean |difference| {number_text(told.mean_difference)}, largest "
        f"{number_text(told.largest_difference)}, relative {number_text(told.relative_difference)}"
        f", {share_text(told.equal_share)} of the cells equal"
    )
    if told.broken_count:
        words.append(f"{told.broken_count:,} cells NaN or infinite")
    return " · ".join(words)
