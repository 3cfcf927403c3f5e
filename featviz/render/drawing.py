"""One panel on one matplotlib axes: picture, numbers in cells, colour bar, fitting text.

Nothing here reads or sets ``rcParams`` of the user for colours, and text is never read as TeX:
a label may hold ``$`` or a backslash.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from featviz.captions import value_text
from featviz.panels import Panel

INK = "#1a1a1a"
FAINT_INK = "#555555"
ALARM = "#a3143c"
BROKEN = "#2ca02c"  # NaN and infinity: green stands in none of the palettes
PALETTES = {"signed": "RdBu_r", "heat": "magma", "grey": "gray"}
TEXT: dict[str, Any] = {"parse_math": False, "usetex": False, "clip_on": False}


def colours_of(panel: Panel) -> ScalarMappable:
    """Return norm and colour map of a panel; white (or black) of the signed palette lies at 0."""
    low, high = panel.limits
    norm: Normalize = Normalize(low, high)
    if panel.gamma != 1.0:
        power = panel.gamma
        norm = FuncNorm(
            (
                lambda x: np.sign(x) * np.abs(x) ** power,
                lambda y: np.sign(y) * np.abs(y) ** (1 / power),
            ),
            vmin=low,
            vmax=high,
        )
    colours: Colormap = colormaps[PALETTES[panel.palette]]
    if panel.palette == "signed" and low != -high:
        colours = _cropped(colours, low, high, panel.gamma)
    return ScalarMappable(norm, colours.with_extremes(bad=BROKEN))


def _cropped(colours: Colormap, low: float, high: float, gamma: float) -> Colormap:
    """Return the part of a diverging map that keeps its middle at 0 for uneven limits."""
    low, high = (np.sign(value) * abs(value) ** gamma for value in (low, high))
    most = max(abs(low), abs(high))
    ends = np.linspace(0.5 + low / (2 * most), 0.5 + high / (2 * most), 256)
    return LinearSegmentedColormap.from_list("signed_part", colours(ends))


def draw_pixels(axes: Axes, panel: Panel, inches: tuple[float, float]) -> Any:
    """Draw the picture of a panel and the numbers in its cells.

    Args:
        axes: where to draw.
        panel: what to draw.
        inches: (width, height) of the axes, for the choice of interpolation and of the type.

    Returns:
        The norm and colours that were used, for a colour bar.
    """
    height, width = panel.pixels.shape[:2]
    mappable: Any = colours_of(panel) if panel.palette != "rgb" else ScalarMappable()
    dots = inches[0] * axes.figure.dpi
    oblong = max(height, width) > 12 * min(height, width)
    axes.imshow(
        panel.pixels,
        norm=None if panel.palette == "rgb" else mappable.norm,
        cmap=None if panel.palette == "rgb" else mappable.cmap,
        interpolation="nearest" if width <= dots else "auto",
        aspect="auto" if oblong and panel.cells is None else "equal",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color="#888888", linewidth=0.5)
    if panel.cells is not None:
        _write_cells(axes, panel, mappable, inches)
    return mappable


def _write_cells(
    axes: Axes, panel: Panel, mappable: ScalarMappable, inches: tuple[float, float]
) -> None:
    height, width = panel.pixels.shape[:2]
    cell = min(inches[0] / width, inches[1] / height)
    widest = max((text for row in panel.cells or () for text in row), key=len)
    size = min(11.0, 0.45 * cell * 72, 0.82 * cell * 72 / max(text_width(widest, 1.0) * 72, 0.1))
    for i, row in enumerate(panel.cells or ()):
        for j, text in enumerate(row):
            red, green, blue, _ = mappable.to_rgba(panel.pixels[i, j])
            bright = 0.299 * red + 0.587 * green + 0.114 * blue
            colour = INK if bright > 0.55 else "white"
            axes.text(j, i, text, ha="center", va="center", size=size, color=colour, **TEXT)
    for edge in range(1, max(width, height)):
        if edge < width:
            axes.axvline(edge - 0.5, color="#888888", linewidth=0.4)
        if edge < height:
            axes.axhline(edge - 0.5, color="#888888", linewidth=0.4)


def draw_bar(
    figure: Figure, box: tuple[float, float, float, float], panels: list[Panel], label: str
) -> None:
    """Draw the horizontal colour bar of panels that share a scale.

    Args:
        figure: the figure.
        box: left, bottom, width, height as shares of the figure.
        panels: the panels it stands for; their limits are the same.
        label: what the scale is.
    """
    panel = panels[0]
    axes = figure.add_axes(box)
    axes.set_label("colour bar")
    bar = figure.colorbar(
        colours_of(panel), cax=axes, orientation="horizontal", extend=extension(panels)
    )
    style_bar(bar, label, panel)


def style_bar(bar: Any, label: str, panel: Panel) -> None:
    """Set ticks and label of a colour bar."""
    if panel.gamma == 1.0:
        bar.locator = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10])
    else:
        bar.locator = FixedLocator(_spread_ticks(*panel.limits))
    bar.formatter = FuncFormatter(lambda value, _: value_text(float(f"{value:.6g}")))
    bar.update_ticks()
    bar.ax.tick_params(labelsize=6.5, length=2, width=0.5, color=FAINT_INK, labelcolor=INK, pad=1.5)
    bar.outline.set(linewidth=0.4, color="#888888")
    words = label if panel.gamma == 1.0 else f"{label}, gamma {panel.gamma:g}"
    bar.set_label(words, size=6.5, color=FAINT_INK, labelpad=1.5, parse_math=False, usetex=False)


def _spread_ticks(low: float, high: float) -> list[float]:
    """Return round values at about 1, 1/4 and 0 of each end, where a gamma spreads them well."""
    ticks = [0.0] if low <= 0 <= high else []
    for end in (low, high):
        for value in (_rounded_down(abs(end)), _rounded_down(abs(end) / 4)):
            signed = math.copysign(value, end)
            if value and low <= signed <= high:
                ticks.append(signed)
    return sorted(set(ticks))


def _rounded_down(value: float) -> float:
    """Return the value cut to its leading digit, 4.81 to 4, as a tick that lies within."""
    if value == 0:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.floor(value / unit) * unit:.3g}")


def extension(panels: list[Panel]) -> str:
    """Return at which ends of the bar values lie beyond it."""
    values = [panel.pixels[np.isfinite(panel.pixels)] for panel in panels]
    low = any(v.size and v.min() < p.limits[0] for v, p in zip(values, panels, strict=True))
    high = any(v.size and v.max() > p.limits[1] for v, p in zip(values, panels, strict=True))
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (low, high), "neither"
    )


def scale_label(scale: str) -> str:
    """Return what a reader is told about a scale."""
    if scale.startswith("image"):
        return "image"
    if scale.startswith("each"):
        return "own scale"
    if scale.startswith("signed, "):
        return f"one scale for {scale.removeprefix('signed, ')}"
    return "one scale for all maps" if scale == "shared" else f"fixed scale {scale}"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in inches at ``size`` points."""
    font = FontProperties(size=max(size, 1.0), weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72 * size / max(size, 1.0)


def fitted(text: str, size: float, width: float, *, bold: bool = False) -> tuple[str, float]:
    """Return the text and its size in points so that it is at most ``width`` inches wide.

    It shrinks to 6 points first and then loses its middle, which ``…`` says.
    """
    wide = text_width(text, size, bold=bold)
    if wide <= width:
        return text, size
    size = max(6.0, size * width / wide)
    kept = text
    while len(kept) > 3 and text_width(kept, size, bold=bold) > width:
        cut = max(3, min(len(kept) - 1, int(len(kept) * width / text_width(kept, size, bold=bold))))
        kept = f"{text[: cut // 2]}…{text[len(text) - (cut - 1) // 2 :]}"
    return kept, size
