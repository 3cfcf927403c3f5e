"""Values to panels: what a picture holds, on which scale, with which words.

A :class:`Panel` carries its colour limits; no renderer chooses any. Scales have names:

* ``"shared"``: one scale for all feature maps of the figure, so that they compare;
* ``"signed"``: one scale per stage, symmetric about 0;
* ``"each"``: every map on its own;
* ``(low, high)``: these limits for all maps; what lies beyond takes the end's colour.

Panels with the same ``scale`` text stand beside one colour bar, which is true for all of them.
The image has a scale of its own: 0..1, or its range where it holds other numbers or is a mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._check import list_of, one_of, real_number, shown, size_text, true_false_or_none
from featviz.captions import (
    caption_lines,
    cell_texts,
    kernel_cells,
    kernel_line,
    mark_text,
    one_line,
    range_text,
    share_text,
    value_text,
)
from featviz.extraction import Extraction
from featviz.kernels import Kernel
from featviz.stats import MapStats, hide_lowest_floats, map_stats
from featviz.vocabulary import PALETTES, SCALES, STAGES

Pixels = npt.NDArray[np.float32]
Limits = tuple[float, float]

# A square root lifts the faint edges of a photograph; the colour bar is drawn to match.
PICTURE_GAMMA = 0.5
# What matplotlib can still draw.
WIDEST_SCALE = 1e30
# Above this many rows or columns the numbers in the cells can no longer be read.
MOST_CELLS_WITH_NUMBERS = 12
# Up to this many they are written when asked for, and always in a kernel.
MOST_CELLS = 48
# Exponents that a display can tell from "all the same" and that never over- or underflow.
LEAST_GAMMA, MOST_GAMMA = 0.01, 100.0
LARGEST_PIXEL = 1e38


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One picture of a figure.

    Attributes:
        title: one line above it.
        pixels: (H, W) values, or (H, W, 3) colours in 0..1.
        limits: (low, high), the values at the two ends of the palette.
        palette: ``"signed"`` (white at 0), ``"heat"``, ``"grey"``, or ``"rgb"``.
        scale: name of the scale; panels of one figure with one name share a colour bar.
        lines: the caption's lines: shape, range, share of zeros.
        mark: what a reader must know first: ``dead``, ``constant``, ``3 NaN``; or nothing.
        cells: text in every cell, (H, W), or None.
        gamma: exponent of the display, sign kept: 0.5 lifts what is small.
    """

    title: str
    pixels: Pixels
    limits: Limits
    palette: str
    scale: str
    lines: tuple[str, ...] = ()
    mark: str = ""
    cells: tuple[tuple[str, ...], ...] | None = None
    gamma: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class MapView:
    """A map on its way to a panel: its title, its scale group, its values."""

    title: str
    group: str
    values: Pixels
    signed: bool


def map_view(extraction: Extraction, stage: str, index: int, title: str) -> MapView:
    """Return one map of a run on its way to a panel; errors of rounding are 0."""
    return MapView(title, stage, extraction.without_rounding(stage, index), stage == "filter")


def panels_from_extraction(
    extraction: Extraction,
    *,
    stages: Sequence[str] = STAGES,
    scale: str | Limits = "shared",
    gamma: float | None = None,
    palette: str | None = None,
    numbers: bool | None = None,
) -> tuple[Panel, ...]:
    """Return the panels of a run: map by map, and for each map the stages in order.

    Args:
        extraction: the run.
        stages: any of ``"image"``, ``"filter"``, ``"detect"``, ``"condense"``, in any order.
        scale: as in the module's description.
        gamma: exponent of the display, above 0; None: 1 where numbers stand in the cells, else
            0.5, which lifts what is small.
        palette: None (by the scale), ``"signed"``, ``"heat"`` or ``"grey"``.
        numbers: whether to write the value into every cell; None: when all maps are small.

    Returns:
        F × len(stages) panels, row by row.

    Raises:
        ValueError: an unknown or repeated stage, an empty choice, a wrong scale.
        TypeError: no run, or a wrong kind.

    Example:
        >>> import featviz as fv
        >>> [panel.limits for panel in panels_from_extraction(fv.extract([[0, 1]], "2"))]
        [(0.0, 1.0), (-2.0, 2.0), (-2.0, 2.0), (-2.0, 2.0)]
    """
    if not isinstance(extraction, Extraction):
        raise TypeError(f"extraction must come from extract(); got {shown(extraction)}")
    stages = checked_stages(stages)
    count = range(len(extraction.labels))
    views = [
        map_view(extraction, stage, index, f"{stage_title(extraction, stage)}\n{one_line(label)}")
        for index, label in enumerate(extraction.labels)
        for stage in stages
        if stage != "image"
    ]
    written = numbers_written(numbers, [extraction.image, *(view.values for view in views)])
    maps = iter(
        panels_from_views(views, scale=scale, gamma=gamma, palette=palette, numbers=written)
    )
    images = [_image_of(extraction, index, numbers=written) for index in count]
    return tuple(
        images[index] if stage == "image" else next(maps) for index in count for stage in stages
    )


def checked_stages(stages: Sequence[str]) -> tuple[str, ...]:
    """Return the stages as a tuple, each known and named once."""
    names = [stages] if isinstance(stages, str) else stages
    chosen = tuple(list_of("stages", names, object, f"any of {', '.join(map(repr, STAGES))}"))
    for stage in chosen:
        one_of("stages", stage, STAGES)
    if not chosen or len(set(chosen)) != len(chosen):
        raise ValueError(f"stages must be named once each, at least one; got {shown(stages)}")
    return chosen


def _image_of(extraction: Extraction, index: int, *, numbers: bool) -> Panel:
    """Return the image as map ``index`` saw it, with ``color="each"`` one channel."""
    image, name = extraction.image, "as the kernel sees it"
    if extraction.settings.color == "each" and image.shape[2] > 1:
        channel = index % image.shape[2]
        name = one_line(extraction.labels[index].split(" · ")[-1])
        image = image[:, :, channel : channel + 1]
    seen = image_panel(image, f"Image\n{name}", numbers=numbers)
    if (picture := extraction.picture) is None:
        return seen
    lines = (f"the kernel sees {seen.lines[0]}", seen.lines[1], *picture.words)
    return Panel(f"Image\n{picture.title}", picture.colours, (0.0, 1.0), "rgb", "image", lines)


def stage_title(extraction: Extraction, stage: str) -> str:
    """Return the name of a step with what it does: ``Condense · max 2×2``."""
    settings = extraction.settings
    if stage == "detect":
        return f"Detect · {settings.activation}"
    if stage == "condense":
        pool = settings.pool.replace("_", " ")
        sized = settings.pool in ("max", "average")
        return f"Condense · {pool} {size_text(settings.pool_size) if sized else ''}".strip()
    return "Filter"


def image_panel(image: Pixels, title: str, *, numbers: bool = False) -> Panel:
    """Return the panel of an image (H, W, C): colours if C = 3, else the grey mean."""
    stats = map_stats(image.reshape(image.shape[0], -1))
    inside = stats.low >= 0 and stats.high <= 1
    shape = f"{size_text(image.shape)} · {range_text(stats)}"
    lines = [shape, f"{share_text(stats.zero_share)} zeros"]
    if image.shape[2] == 3 and inside:
        return Panel(title, image, (0.0, 1.0), "rgb", "image", tuple(lines))
    values = image[:, :, 0] if image.shape[2] == 1 else image.mean(axis=2)
    if image.shape[2] > 1:
        stats = map_stats(values)  # of many channels it is far from their ends
        lines.append(f"mean of {image.shape[2]} channels, {range_text(stats)}")
        inside = stats.low == stats.high == 0
    limits = (0.0, 1.0) if inside else (min(stats.low, 0.0), max(stats.high, 0.0))
    scale = "image" if inside else f"image {limits}"
    cells = cell_texts(values) if numbers else None
    return Panel(title, values, limits, "grey", scale, tuple(lines), cells=cells)


def panels_from_views(
    views: Sequence[MapView],
    *,
    scale: str | Limits,
    gamma: float | None = None,
    palette: str | None = None,
    numbers: bool = False,
) -> tuple[Panel, ...]:
    """Return one panel for each map, all limits decided together.

    Args:
        views: the maps.
        scale: as in the module's description.
        gamma: exponent of the display; None: 1 with numbers in the cells, else 0.5.
        palette: None (by the limits) or one of :data:`featviz.vocabulary.PALETTES`.
        numbers: whether the value is written into every cell.

    Returns:
        The panels, in the order of ``views``.

    Raises:
        ValueError: a wrong scale, gamma or palette.
    """
    power = (1.0 if numbers else PICTURE_GAMMA) if gamma is None else gamma
    power = real_number("gamma", power, above=0)
    if not LEAST_GAMMA <= power <= MOST_GAMMA:
        rule = f"gamma must be from {LEAST_GAMMA:g} to {MOST_GAMMA:g}"
        raise ValueError(f"{rule}; got {shown(gamma)}")
    if palette is not None:
        one_of("palette", palette, PALETTES)
    fixed = None if isinstance(scale, str) else limits_from_numbers(scale)
    if fixed is None:
        one_of("scale", scale, SCALES, also=" or two numbers (low, high)")
    stats = [map_stats(view.values) for view in views]
    panels = []
    for index, view in enumerate(views):
        if fixed:
            peers, name, signed = [index], f"{value_text(fixed[0])}..{value_text(fixed[1])}", False
        elif scale == "shared":
            peers, name, signed = list(range(len(views))), "shared", view.signed
        elif scale == "signed":
            peers = [i for i, other in enumerate(views) if other.group == view.group]
            name, signed = f"signed, {view.group}", True
        else:
            peers, name, signed = [index], f"each {index + 1}", view.signed
        signed = signed or any(views[i].signed for i in peers if scale == "shared")
        limits = fixed or colour_limits([stats[i] for i in peers], signed=signed)
        panels.append(
            Panel(
                view.title,
                hide_lowest_floats(view.values),
                limits,
                palette or ("signed" if limits[0] < 0 else "heat"),
                name,
                caption_lines(stats[index], limits),
                mark_text(stats[index]),
                cells=cell_texts(view.values) if numbers else None,
                gamma=power,
            )
        )
    return tuple(panels)


def colour_limits(stats: Iterable[MapStats], *, signed: bool) -> Limits:
    """Return (−m, m) for maps that are signed or hold negative values, else (0, m).

    m is the largest magnitude; 1 when every value is 0.
    """
    several = list(stats)
    most = max(max(abs(item.low), abs(item.high)) for item in several) or 1.0
    if signed or min(item.low for item in several) < 0:
        return -most, most
    return 0.0, most


def limits_from_numbers(scale: Any, names: Sequence[str] = SCALES) -> Limits:
    """Return a scale given as (low, high); errors also tell the names of scales."""
    several = ", ".join(map(repr, names))
    rule = f"scale must be one of {several} or two numbers (low, high), low < high"
    if not isinstance(scale, (list, tuple)) or len(scale) != 2:
        raise TypeError(f"{rule}; got {shown(scale)}")
    low, high = (real_number("scale", item) for item in scale)
    if low >= high:
        raise ValueError(f"{rule}; got {shown(scale)}")
    if max(-low, high) > WIDEST_SCALE or high - low < 1 / WIDEST_SCALE:
        raise ValueError(
            f"scale must lie within ±{WIDEST_SCALE:g} and span at least {1 / WIDEST_SCALE:g}; "
            f"got {shown(scale)}"
        )
    return low, high


def numbers_written(numbers: bool | None, arrays: Sequence[Pixels]) -> bool:
    """Return whether cells show values: as asked, else when all maps are small.

    Raises:
        ValueError: asked for where the cells would be too many to be read.
    """
    largest = max(max(array.shape[:2]) for array in arrays)
    if true_false_or_none("numbers", numbers) is None:
        return bool(largest <= MOST_CELLS_WITH_NUMBERS)
    if numbers and largest > MOST_CELLS:
        raise ValueError(
            f"numbers must be False for maps of more than {MOST_CELLS} rows or columns; "
            f"got {largest}"
        )
    return bool(numbers)


def panels_from_kernels(
    kernels: Sequence[Kernel], *, scale: str | Limits = "shared"
) -> tuple[Panel, ...]:
    """Return one panel for each kernel, its numbers in the cells.

    Args:
        kernels: the kernels.
        scale: ``"shared"``, ``"signed"`` (the same here), ``"each"`` or (low, high).

    Returns:
        The panels, in order. Numbers are exact where that is short; else ``lines`` says so.

    Example:
        >>> panels_from_kernels([Kernel("1 -1")])[0].cells
        (('1', '−1'),)
    """
    stack = list_of("kernels", kernels, Kernel, "kernels, as read_kernels() returns them")
    views = [MapView(one_line(kernel.name), "kernel", _floats(kernel), True) for kernel in stack]
    cells = [kernel_cells(one) if max(one.shape) <= MOST_CELLS else None for one in stack]
    panels = panels_from_views(views, scale=scale, gamma=1.0)
    return tuple(
        replace(
            panel,
            lines=(kernel_line(kernel, numbers),),
            mark="",
            cells=numbers,
            scale=f"kernels, {panel.scale}",
        )
        for panel, kernel, numbers in zip(panels, stack, cells, strict=True)
    )


def _floats(kernel: Kernel) -> Pixels:
    """Return a kernel's values for their colours, cut to the range of float32."""
    values = [[float(value) for value in row] for row in kernel.rows]
    return np.clip(values, -LARGEST_PIXEL, LARGEST_PIXEL).astype(np.float32)
