"""Feature maps of a network to panels: which channels, scale and words.

A :class:`MapSheet` is what every picture of one layer is drawn from: tiles, their names, their
marks, their colour limits, and the heading, which also says what is not shown. Scales have names:

* ``"layer"``: one scale for all channels of the layer for this image, also those not shown;
* ``"shared"``: one scale for all maps of the figure;
* ``"signed"``: as ``"layer"``, and symmetric about 0;
* ``"each"``: every map on its own;
* ``(low, high)``: these limits; what lies beyond takes the end's colour.

A layer's values may have the axes (B, H, W, F): a tile for each channel; (B, F) or maps of 1×1:
one value a channel; (B, T, F): one picture, steps down, channels to the right; (B, D, H, W, F): a
tile for each channel and slice. Channels are numbered from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from featviz._check import shown, size_text
from featviz.captions import caption_lines, cell_texts, one_line, value_text
from featviz.map_choice import (
    Values,
    check_look,
    check_scale,
    checked_index,
    chosen_channels,
    floats_from,
    form_of,
    stats_of_channels,
)
from featviz.map_words import (
    broken_cells_text,
    channels_text,
    layer_words,
    short_mark,
    shown_without_labels,
    shown_words,
    span_words,
    wrong_words,
)
from featviz.networks.values import FeatureMaps
from featviz.panels import (
    MOST_CELLS,
    MOST_CELLS_WITH_NUMBERS,
    PICTURE_GAMMA,
    WIDEST_SCALE,
    Limits,
    Panel,
    colour_limits,
)
from featviz.stats import MapStats, hide_lowest_floats, lowest_float


@dataclass(frozen=True, slots=True, eq=False)
class MapSheet:
    """What a picture of one layer for one image is made of.

    Attributes:
        title: the model's name and the path.
        path: of the layer, in one line.
        layer: what the layer is, in words.
        shape: of its values for one image, in words.
        batch: which image of how many; nothing where there is one.
        shown: how many channels of how many are shown.
        wrong: how many of all are dead, constant or broken, and which; or nothing.
        span: the range of all channels.
        went_in: what the model was given, one line for each input.
        form: ``"maps"``, ``"volume"``, ``"sequence"`` or ``"vector"``.
        tiles: (n, H, W) values, float32, or float64 where float32 would not hold them; NaN for
            the lowest float, which TensorFlow's max-pool gives for NaN.
        numbers: (n, H, W) values with the lowest float.
        names: of the tiles.
        channels: that are shown, in their order.
        total: how many channels there are.
        stats: of each tile.
        marks: of each tile, or nothing.
        limits: of each tile.
        palette: of all tiles.
        gamma: exponent of the display.
        scale: its name, as asked for.
        scale_text: what the colour bar stands for; on it panels agree that share a bar.
    """

    title: str
    path: str
    layer: str
    shape: str
    batch: str
    shown: str
    wrong: str
    span: str
    went_in: tuple[str, ...]
    form: str
    tiles: Values
    numbers: Values
    names: tuple[str, ...]
    channels: tuple[int, ...]
    total: int
    stats: tuple[MapStats, ...]
    marks: tuple[str, ...]
    limits: tuple[Limits, ...]
    palette: str
    gamma: float
    scale: str | Limits
    scale_text: str

    @property
    def lines(self) -> tuple[str, str, str]:
        """The heading: the layer, what is shown of it, what is wrong with it."""
        first = [word for word in (self.layer, f"{self.shape} values", self.batch) if word]
        every = f"all {self.total:,} channels" if self.total > 1 else "the channel"
        none = "none with NaN" if self.form == "vector" else "none dead, constant or with NaN"
        last = f"{every} for this image: {self.wrong or none}; values {self.span}"
        return " · ".join(first), self.shown, last

    @property
    def lines_without_labels(self) -> tuple[str, str, str]:
        """The heading where no map has its channel's number beside it."""
        first, shown_line, last = self.lines
        return first, shown_without_labels(shown_line, self.channels), last


def panels_from_feature_maps(
    maps: FeatureMaps,
    path: str,
    *,
    image: int = 0,
    channels: Sequence[int] | str | None = None,
    count: int | None = 64,
    scale: str | Limits = "layer",
    gamma: float | None = None,
    palette: str | None = None,
    numbers: bool | None = None,
) -> tuple[Panel, ...]:
    r"""Return panels of one layer's feature maps.

    Args:
        maps: what :func:`featviz.feature_maps` returned.
        path: of the layer.
        image: which image, from 0.
        channels: None for the first ones, ``"strongest"`` (largest mean magnitude first),
            ``"most_varied"`` (largest standard deviation first), or channel numbers from 0.
        count: how many channels at most, for all but channel numbers; None for all.
        scale: as in the module's description.
        gamma: exponent of the display, above 0; None: 1 where numbers stand in the cells, else
            0.5, which lifts what is small.
        palette: None (by the limits), ``"signed"``, ``"heat"`` or ``"grey"``.
        numbers: whether to write the value into every cell; None: when the maps are small.

    Returns:
        A panel for each channel; for a volume (D, H, W) one for each channel and slice; for a
        vector and for a sequence a single one. The title says the layer and the channel, and
        the first panel's title how many of how many are shown.

    Raises:
        PathError: no such path.
        ValueError: no such image or channel, a wrong scale, gamma or palette.
        TypeError: a wrong kind.

    Example:
        >>> import numpy as np
        >>> from featviz.networks.values import FeatureMaps, LayerInfo
        >>> info = LayerInfo("conv", "conv", "Conv2D", "1×1, 2 features", -1)
        >>> maps = FeatureMaps({"conv": np.ones((1, 1, 2, 2))}, {"conv": info}, (), (), "net")
        >>> panels_from_feature_maps(maps, "conv", channels=[1])[0].title
        'conv, 1 of 2 channels shown, numbered from 0\nchannel 1'
    """
    options: dict[str, Any] = {"channels": channels, "count": count, "scale": scale}
    sheet = sheet_from_feature_maps(
        maps, path, image=image, **options, gamma=gamma, palette=palette
    )
    if sheet.form == "vector":
        tiles, numbers_of = (values.reshape(1, 1, -1) for values in (sheet.tiles, sheet.numbers))
        sheet = replace(sheet, tiles=tiles, numbers=numbers_of)
    largest = max(sheet.tiles.shape[1:])
    if numbers and largest > MOST_CELLS:
        raise ValueError(
            f"numbers must be False for maps of more than {MOST_CELLS} rows or columns; "
            f"got {largest}"
        )
    written = largest <= MOST_CELLS_WITH_NUMBERS if numbers is None else numbers
    power = 1.0 if written and gamma is None else sheet.gamma
    return tuple(_panel(sheet, index, power, written) for index in range(len(sheet.tiles)))


def _panel(sheet: MapSheet, index: int, gamma: float, written: bool) -> Panel:
    whole = sheet.form == "vector"
    values = sheet.tiles[index]
    stats = stats_of_channels(sheet.numbers[index][..., None])[0] if whole else sheet.stats[index]
    limits = sheet.limits[index]
    name = f"channels {channels_text(sheet.channels)}" if whole else sheet.names[index]
    head = sheet.path + ("" if index else f", {sheet.shown}")
    if whole and sheet.scale == "each":  # one strip, so one scale
        limits = colour_limits(sheet.stats, signed=False)
    name = f"channel {name}" if sheet.form in ("maps", "volume") else name
    return Panel(
        f"{head}\n{name}",
        values.astype(np.float32) if np.abs(limits).max() < WIDEST_SCALE else values,
        limits,
        sheet.palette,
        f"each {index + 1}" if sheet.scale == "each" else sheet.scale_text,
        caption_lines(stats, limits),
        sheet.marks[index] if not whole else broken_cells_text(stats),
        cells=_cells(sheet.numbers[index]) if written else None,
        gamma=gamma,
    )


def _cells(values: Values) -> tuple[tuple[str, ...], ...]:
    """Return the text of every cell, a word for the lowest float."""
    lowest = values == lowest_float(values.dtype)
    texts = cell_texts(np.where(lowest, 0, values).astype(np.float32))
    return tuple(
        tuple("lowest" if low else text for text, low in zip(row, marks, strict=True))
        for row, marks in zip(texts, lowest, strict=True)
    )


def sheet_from_feature_maps(
    maps: FeatureMaps,
    path: str,
    *,
    image: int = 0,
    channels: Sequence[int] | str | None = None,
    count: int | None = None,
    scale: str | Limits = "layer",
    gamma: float | None = None,
    palette: str | None = None,
) -> MapSheet:
    """Return what a picture of one layer is made of.

    Args:
        maps: of a recording.
        path: of the layer.
        image: which image, from 0.
        channels: as in :func:`panels_from_feature_maps`.
        count: how many channels at most; None for all.
        scale: as in the module's description.
        gamma: exponent of the display; None: 0.5, and 1 for values without a place.
        palette: None (by the limits), or a palette's name.

    Raises:
        PathError: no such path.
        ValueError: a wrong value.
        TypeError: a wrong kind.
    """
    if not isinstance(maps, FeatureMaps):
        raise TypeError(f"maps must come from feature_maps(); got {shown(maps)}")
    fixed = check_scale(scale)
    check_look(gamma, palette)
    full = maps.path(path)
    values = _values_of(maps, full, image)
    form = form_of(values.shape)
    stats = stats_of_channels(values)
    chosen = chosen_channels(values, stats, channels, count)
    few = values[..., list(chosen)] if chosen != tuple(range(values.shape[-1])) else values
    tiles, names = _tiles(few, chosen, form)
    own = _tile_stats(tiles, [stats[channel] for channel in chosen], form)
    limits = _limits(fixed or scale, stats, own)
    alone = form in ("vector", "sequence")
    return MapSheet(
        f"{one_line(maps.model)} · {one_line(full)}",
        one_line(full),
        layer_words(maps, full),
        f"{values.size:,}" if values.ndim == 1 else size_text(values.shape),
        f"image {image} of {len(maps.arrays[full]):,} (from 0)" * (len(maps.arrays[full]) > 1),
        shown_words(chosen, values.shape[-1], channels),
        wrong_words(stats, single=form == "vector"),
        span_words(stats),
        tuple(one_line(line) for line in maps.went_in),
        form,
        hide_lowest_floats(tiles),
        tiles,
        names,
        chosen,
        values.shape[-1],
        tuple(own),
        tuple(broken_cells_text(item) if alone else short_mark(item) for item in own),
        tuple(limits),
        palette or ("signed" if min(low for low, _ in limits) < 0 else "heat"),
        (1.0 if form == "vector" else PICTURE_GAMMA) if gamma is None else float(gamma),
        fixed or scale,
        _scale_text(fixed or scale, full, values.shape[-1]),
    )


def _values_of(maps: FeatureMaps, full: str, image: Any) -> Values:
    """Return the values of one image, channels last, as floats that hold them."""
    array = maps.arrays[full]
    if not array.ndim:
        raise ValueError(
            f"path must have values for each image; {one_line(full)!r} gives one number for all"
        )
    several = maps.channels_last(full) if array.ndim > 1 else array[:, None]
    if not several.size:
        raise ValueError(f"path must have values; {one_line(full)!r} is {size_text(several.shape)}")
    number = checked_index("image", image, len(several), "the images that were recorded")
    return floats_from(several[number], full)


def _tiles(values: Values, chosen: tuple[int, ...], form: str) -> tuple[Values, tuple[str, ...]]:
    """Return the pictures (n, H, W) and their names."""
    names = tuple(map(str, chosen))
    if form == "vector":
        return values.reshape(-1, 1, 1), names
    if form == "sequence":
        steps, columns = values.shape[0], channels_text(chosen)
        return values[None], (f"{steps} steps down · channels {columns} to the right",)
    if form == "maps":
        return np.moveaxis(values, -1, 0), names
    depth = values.shape[0]
    tiles = np.moveaxis(values, -1, 0).reshape(-1, *values.shape[1:3])
    return tiles, tuple(f"{name} slice {part}" for name in names for part in range(depth))


def _tile_stats(tiles: Values, stats: list[MapStats], form: str) -> list[MapStats]:
    """Return the numbers about every tile."""
    if form in ("maps", "vector"):
        return stats
    return stats_of_channels(np.moveaxis(tiles, 0, -1))


def _limits(
    scale: str | Limits, every: Sequence[MapStats], own: Sequence[MapStats]
) -> list[Limits]:
    if not isinstance(scale, str):
        return [scale] * len(own)
    if scale == "each":
        # One palette for all, so that one bar can stand beside them.
        signed = min(item.low for item in own) < 0
        return [colour_limits([item], signed=signed) for item in own]
    return [colour_limits(own if scale == "shared" else every, signed=scale == "signed")] * len(own)


def _scale_text(scale: str | Limits, full: str, total: int) -> str:
    if not isinstance(scale, str):
        return f"{value_text(scale[0])}..{value_text(scale[1])}"
    if scale in ("layer", "signed"):
        # The bar's label becomes "one scale for …".
        return f"signed, all {total:,} channel{'s' * (total > 1)} of {one_line(full)}"
    return scale
