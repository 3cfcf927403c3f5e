"""One layer of two sides as a figure: a, b, and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from featviz._check import shown, size_text, whole_number
from featviz.captions import caption_lines, check_title, mark_text, one_line, share_text
from featviz.map_choice import cell_word, check_look, checked_numbers
from featviz.networks.comparison import Comparison, LayerComparison
from featviz.networks.paths import counted_text
from featviz.networks.verdicts import number_text
from featviz.panels import PICTURE_GAMMA, Panel, colour_limits
from featviz.render.comparison_strips import MOST_VALUES, figure_from_strips
from featviz.render.figures import figure_from_panels
from featviz.stats import MapStats, cast_floats, hide_lowest_floats, lowest_float, map_stats

MOST_CHANNELS = 60
# Letters of both names that have room above a map.
LONGEST_NAMES = 32


def plot_comparison(
    comparison: Comparison,
    path: str,
    *,
    image: int = 0,
    channels: Sequence[int] | None = None,
    count: int = 6,
    gamma: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw maps of one layer: a row for a, one for b, and one for b − a.

    The maps of a and b stand on one scale; the difference on its own, symmetric about 0. A vector
    is drawn as upright bars, a sequence (T, F) as one picture, steps down, channels to the right;
    of volumes (D, H, W) the middle slice is drawn, which the figure says.

    Args:
        comparison: what :func:`featviz.compare` returned.
        path: of the layer, with or without ``:detect``.
        image: which image, from 0; of a layer that gives another number of maps, which map.
        channels: numbers of the channels; None: those that differ most on average.
        count: how many channels are drawn unless ``channels`` names them, at least 1.
        gamma: exponent of the display, above 0, the sign kept; the colour bars are drawn to
            match. None: 0.5, as in :func:`featviz.plot_feature_maps`. Bars have none.
        title: above the figure; None for the models, the layer and the names of the sides.

    Returns:
        The figure; a notebook shows it, :func:`featviz.save_figure` writes it.

    Raises:
        PathError: no such layer.
        TypeError: no comparison.
        ValueError: no such image or channel, a wrong gamma, or maps of four or more axes.

    Example:
        >>> import keras
        >>> from featviz.networks.comparing import compare
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.ReLU(name="detect")])
        >>> told = compare(model, None, [[1.0, 2.0]], other_images=[[-1.0, 4.0]])
        >>> [axes.get_label() for axes in plot_comparison(told, "detect").axes][:3]
        ['a · channel 0', 'b · channel 0', 'b − a · channel 0']
    """
    check_title(title)
    check_look(gamma, None)
    if not isinstance(comparison, Comparison):
        raise TypeError(f"comparison must come from compare(); got {shown(comparison)}")
    told = comparison.layer(path)
    number = _checked_image(comparison, told, image, len(comparison.maps(path)[0]))
    if len(told.shape) > 5:
        raise ValueError(
            f"path must be a layer of at most three axes; {path!r} is {size_text(told.shape)}"
        )
    sides = _sides(comparison, told, number)
    pictures, chosen = _pictures(told, sides, channels, count)
    panels = _panels(pictures, comparison.names, chosen, gamma)
    noun = "image" if told.shape[0] == comparison.images else "map"
    footnote = _footnote(told, chosen, (number, noun), by_size=channels is None)
    words = {
        "title": _title(comparison, told) if title is None else title,
        "footnote": f"{footnote} · {_went_in(comparison)}",
    }
    if chosen:
        return figure_from_panels(panels, len(panels) // 3, **words)
    return figure_from_strips(panels, **words)


def _checked_image(comparison: Comparison, told: LayerComparison, image: Any, most: int) -> int:
    number = whole_number("image", image, minimum=0)
    why = f", of the images whose maps are kept: give {told.path!r} as layers, or max_bytes"
    why = why * (comparison.kept < comparison.images)
    if told.shape[0] != comparison.images:
        why = f", of the maps of {told.path!r}, which are not one for each image"
    if number >= most:
        raise ValueError(f"image must be below {most}{why}; got {number}")
    return number


def _sides(comparison: Comparison, told: LayerComparison, number: int) -> tuple[Any, ...]:
    """Return a, b and b − a of one image; what was the lowest float stays the lowest.

    Where a cell is NaN or infinite on a side, so is b − a: the marks count it as what it is.
    """
    arrays = (
        comparison.a.channels_last(told.path)[number],
        comparison.b.channels_last(told.other_path)[number],
    )
    one, other = (cast_floats(values, np.float64) for values in arrays)
    bottom = lowest_float(one.dtype)
    a, b = (np.where(side == bottom, 0.0, side) for side in (one, other))
    with np.errstate(over="ignore", invalid="ignore"):
        apart = b - a
    lowest = np.isfinite(apart) & ((one == bottom) | (other == bottom))
    return one, other, np.where(lowest, bottom, apart)


def _pictures(
    told: LayerComparison, sides: tuple[Any, ...], channels: Any, count: int
) -> tuple[list[list[Any]], list[int]]:
    """Return the pictures of each side, and the channels that they show."""
    every = told.shape[-1] if len(told.shape) > 1 else 1
    if len(told.shape) < 4:
        if channels is not None:
            raise ValueError(
                f"channels must be None for {told.path!r}, all of whose channels are drawn; "
                f"got {shown(channels)}"
            )
        return [[side.reshape(-1, every)] for side in sides], []
    chosen = _channels(told, channels, count, every)
    if len(told.shape) == 5:
        sides = tuple(side[len(side) // 2] for side in sides)
    return [[side[:, :, channel] for channel in chosen] for side in sides], chosen


def _channels(told: LayerComparison, channels: Any, count: int, every: int) -> list[int]:
    if channels is None:
        most = whole_number("count", count, minimum=1)
        order = np.argsort(-np.nan_to_num(told.channel_differences, nan=np.inf), kind="stable")
        return [int(number) for number in order[: min(most, MOST_CHANNELS)]]
    chosen = list(checked_numbers("channels", channels, every, also=" or None"))
    if len(chosen) > MOST_CHANNELS:
        raise ValueError(f"channels must be at most {MOST_CHANNELS}; got {len(chosen)}")
    return chosen


def _panels(
    pictures: list[list[Any]], names: tuple[str, str], chosen: list[int], gamma: float | None
) -> tuple[Panel, ...]:
    """Return the rows a, b, b − a; a and b on one scale."""
    power = PICTURE_GAMMA if gamma is None else float(gamma)
    a, b = (one_line(name) for name in names)
    stats = [[map_stats(values) for values in row] for row in pictures]
    common = colour_limits([*stats[0], *stats[1]], signed=False)
    apart = colour_limits(stats[2], signed=True)
    both, minus = f"{a} and {b}", f"{b} − {a}"
    if len(a) + len(b) > LONGEST_NAMES:  # they would lose their middle, the minus
        both, minus = "first and second", "second − first"
    rows = (
        (a, common, f"signed, {both}"),
        (b, common, f"signed, {both}"),
        (minus, apart, f"signed, {minus}"),
    )
    channels: list[int | None] = [*chosen] if chosen else [None]
    panels = (
        _panel(
            name,
            limits,
            scale,
            values,
            known,
            channel,
            is_difference=row is pictures[2],
        )
        for (name, limits, scale), row, told in zip(rows, pictures, stats, strict=True)
        for values, known, channel in zip(row, told, channels, strict=True)
    )
    return tuple(replace(panel, gamma=power) for panel in panels)


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
    cells = (_words(values[0]),) if channel is None and len(values) == 1 else None
    values = hide_lowest_floats(values)
    place = "all channels" if channel is None else f"channel {channel}"
    return Panel(
        f"{name}\n{place}",
        values,
        limits,
        "signed" if limits[0] < 0 else "heat",
        scale,
        caption_lines(stats, limits),
        "no difference" if is_difference and stats.dead else mark_text(stats),
        cells=cells,
    )


def _words(values: Any) -> tuple[str, ...]:
    """Return the values of a vector as words; of many only what is broken."""
    broken = ~np.isfinite(hide_lowest_floats(values))
    few = len(values) <= MOST_VALUES
    return tuple(
        cell_word(value) if few or wrong else ""
        for value, wrong in zip(values, broken.tolist(), strict=True)
    )


def _title(comparison: Comparison, told: LayerComparison) -> str:
    """Return model, layer and sides; two models stand in brackets, if not named."""
    path = told.path if told.path == told.other_path else f"{told.path} and {told.other_path}"
    models = comparison.a.model, comparison.b.model
    a, b = comparison.names
    if models[0] == models[1]:
        return f"{models[0]} · {path}: {a}, {b} and their difference"
    a, b = (
        name if name == model else f"{name} ({model})"
        for name, model in zip((a, b), models, strict=True)
    )
    return f"{path}: {a}, {b} and their difference"


def _footnote(
    told: LayerComparison, chosen: list[int], image: tuple[int, str], *, by_size: bool
) -> str:
    every, images = told.shape[-1], told.shape[0]
    number, noun = image
    words = [f"{noun} {number} (from 0) of {images:,}"]
    if chosen:
        apart = told.equal_share < 1 and every > 1
        order = ", the most different first" if by_size and apart else ""
        words.append(f"{len(chosen)} of {counted_text(every, 'channel')} shown{order}")
    elif len(told.shape) > 1:
        words.append(f"{counted_text(every, 'channel')}, numbered from 0")
    if len(told.shape) == 5:
        words.append(f"slice {told.shape[1] // 2} (from 0, the middle) of {told.shape[1]}")
    over = "" if images == 1 else f" over all {images:,} {noun}s"
    words.append(
        f"whole layer{over}: mean |difference| {number_text(told.mean_difference)}, largest "
        f"{number_text(told.largest_difference)}, relative {number_text(told.relative_difference)}"
        f", {share_text(told.equal_share)} of the cells equal"
    )
    if told.broken_count:
        drawn = ", drawn green" if len(told.shape) > 2 else ""
        words.append(f"{_broken_words(told)}{drawn}")
    return " · ".join(words)


def _broken_words(told: LayerComparison) -> str:
    """Return how many cells of a layer are broken, and what they are."""
    counts = (
        (told.broken_count - told.lowest_count, "NaN or infinite"),
        (told.lowest_count, "the lowest float, which a max-pool gives for NaN"),
    )
    return ", ".join(f"{counted_text(count, 'cell')} {what}" for count, what in counts if count)


def _went_in(comparison: Comparison) -> str:
    """Return what both sides were given, said once where it is the same."""
    a, b = ("; ".join(lines) for lines in comparison.went_in)
    if a == b:
        return f"went in: {a}"
    return f"went into {comparison.names[0]}: {a} · went into {comparison.names[1]}: {b}"
