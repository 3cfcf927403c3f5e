"""One panel on one matplotlib axes: picture, numbers, colours, fitting text.

Whatever ``rcParams`` say of colours, lines, origin, ticks and TeX is overruled for each artist;
only the font is the user's. Text is never read as TeX: a label may hold ``$`` or a backslash.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from featviz.captions import one_line
from featviz.panels import Panel
from featviz.vocabulary import BROKEN_COLOUR

INK = "#1a1a1a"
FAINT_INK = "#555555"
ALARM = "#a3143c"
INKS_ON_DARK = ("#f0f0f0", "#bbbbbb", "#ff8fa3")  # for the caller's own axes
BROKEN = "#{:02x}{:02x}{:02x}".format(*BROKEN_COLOUR)
PALETTES = {"signed": "RdBu_r", "heat": "magma", "grey": "gray"}
TEXT: dict[str, Any] = {"parse_math": False, "usetex": False}
PANEL_INCHES = 2.4
LONGEST_TEXT = 400
# Numbers in cells are no larger.
MOST_POINTS = 11.0
HINTING = 1.05  # small type that is drawn is wider than its outlines, by up to this factor
# matplotlib computes with float32 in float32: between these nothing over- or underflows.
SAFE = (1e-30, 1e30)


def colours_of(panel: Panel) -> ScalarMappable:
    """Return norm and colour map of a panel, the signed palette's middle at 0."""
    low, high = panel.limits
    norm: Normalize = Normalize(low, high)
    if panel.gamma != 1.0:
        # Within −1..1 no power overflows, and one end at least stays where it is.
        most, power = max(abs(low), abs(high)), panel.gamma
        norm = FuncNorm(
            (lambda x: _bent(x / most, power), lambda y: most * _bent(y, 1 / power)),
            vmin=low,
            vmax=high,
        )
    colours: Colormap = colormaps[PALETTES[panel.palette]]
    if panel.palette == "signed" and low != -high:
        colours = _cropped(colours, low, high, panel.gamma)
    return ScalarMappable(norm, colours.with_extremes(bad=BROKEN))


def _bent(values: Any, power: float) -> Any:
    return np.sign(values) * np.abs(values) ** power


def _cropped(colours: Colormap, low: float, high: float, gamma: float) -> Colormap:
    """Return the part of a diverging map with its middle at 0, for uneven limits."""
    most = max(abs(low), abs(high))
    low, high = (float(_bent(value / most, gamma)) for value in (low, high))
    ends = np.linspace(0.5 + low / 2, 0.5 + high / 2, 256)
    return LinearSegmentedColormap.from_list("signed_part", colours(ends))


def draw_pixels(
    axes: Axes, panel: Panel, inches: tuple[float, float], dpi: float, *, most: float = MOST_POINTS
) -> Any:
    """Draw the picture of a panel and the numbers in its cells.

    Args:
        axes: where to draw.
        panel: what to draw.
        inches: (width, height) of the axes, for the choice of interpolation and of the type.
        dpi: dots per inch of the figure.
        most: points of the numbers in the cells, fewer where they have no room.

    Returns:
        The norm and colours that were used, for a colour bar.
    """
    height, width = panel.pixels.shape[:2]
    colours: Any = colours_of(panel) if panel.palette != "rgb" else ScalarMappable()
    largest = max(abs(limit) for limit in panel.limits)
    zooms = sorted((inches[0] * dpi / width, inches[1] * dpi / height))
    crisp = zooms[0] >= 1 or zooms[1] > 4  # smoothing would mix what is enlarged, too
    oblong = max(height, width) > 12 * min(height, width)
    axes.imshow(
        panel.pixels if SAFE[0] < largest < SAFE[1] else panel.pixels.astype(np.float64),
        norm=None if panel.palette == "rgb" else colours.norm,
        cmap=None if panel.palette == "rgb" else colours.cmap,
        interpolation="nearest" if crisp else "antialiased",
        interpolation_stage="data" if crisp else "rgba",  # the mean of −1 and 1 is not "nothing"
        aspect="auto" if oblong and panel.cells is None else "equal",
        origin="upper",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color="#888888", linewidth=0.5, visible=True)
    if panel.cells is not None:
        _write_cells(axes, panel, colours, min(most, size_of_numbers(panel, inches)))
    return colours


def size_of_numbers(panel: Panel, inches: tuple[float, float]) -> float:
    """Return the points at which the numbers of a panel fit into its cells."""
    height, width = panel.pixels.shape[:2]
    cell = 72 * min(inches[0] / width, inches[1] / height)
    texts = {text for row in panel.cells or () for text in row}
    widest = max((72 * text_width(text, 1.0) for text in texts), default=0.1)
    return float(min(0.45 * cell, 0.86 * cell / max(widest, 0.1)))


def common_size_of_numbers(
    panels: Sequence[Panel | None], sizes: Sequence[tuple[float, float]]
) -> float:
    """Return the points at which the numbers of all maps fit; kernels have their own."""
    drawn = zip(panels, sizes, strict=True)
    written = [(p, size) for p, size in drawn if p and p.cells and not is_kernel(p)]
    return min((size_of_numbers(*one) for one in written), default=MOST_POINTS)


def _write_cells(axes: Axes, panel: Panel, colours: ScalarMappable, size: float) -> None:
    cells = panel.cells or ()
    height, width = panel.pixels.shape[:2]
    light = colours.to_rgba(panel.pixels)[..., :3] @ (0.299, 0.587, 0.114)
    for i, row in enumerate(cells):
        for j, text in enumerate(row):
            colour = INK if light[i, j] > 0.55 else "white"
            write(axes, (j, i), drawable(text), size=size, colour=colour, va="center")
    line: dict[str, Any] = {"color": "#888888", "linewidth": 0.4, "linestyle": "-", "marker": ""}
    for edge in range(1, width):
        axes.axvline(edge - 0.5, **line)
    for edge in range(1, height):
        axes.axhline(edge - 0.5, **line)


def write(
    target: Any, spot: tuple[float, float], words: str,
    *, size: float, colour: str, bold: bool = False, ha: str = "center", va: str = "top",
) -> None:  # fmt: skip
    """Write one line on a figure or on axes, as it stands."""
    weight = "bold" if bold else "normal"
    target.text(
        *spot, words, ha=ha, va=va, size=size, weight=weight, color=colour, clip_on=False, **TEXT
    )


def picture_sizes(panels: Sequence[Panel]) -> list[tuple[float, float]]:
    """Return width and height in inches of each picture.

    Cells with numbers are as large as their text asks for; those of maps, which compare, are
    equally large in the whole figure. A single cell is no larger than the shorter side of the
    maps beside it.
    """
    cells = [_cell_inches(panel) for panel in panels]
    common = max((c for c, p in zip(cells, panels, strict=True) if not is_kernel(p)), default=0.0)
    maps = [panel for panel in panels if not panel.scale.startswith("image")]
    shapes = {panel.pixels.shape[:2] for panel in maps} - {(1, 1)}
    sides = (PANEL_INCHES * min(shape) / max(shape) for shape in shapes)
    largest = max(sides, default=PANEL_INCHES)
    sizes = []
    for panel, cell in zip(panels, cells, strict=True):
        height, width = panel.pixels.shape[:2]
        unit = cell if is_kernel(panel) else common
        if panel.cells is None:
            unit = largest if height == width == 1 else PANEL_INCHES / max(height, width)
        sizes.append((max(width * unit, 0.3), max(height * unit, 0.3)))
    return sizes


def is_kernel(panel: Panel) -> bool:
    """Whether a panel shows the numbers of a kernel."""
    return panel.scale.startswith("kernels")


def _cell_inches(panel: Panel) -> float:
    if panel.cells is None:
        return 0.0
    longest = max((text for row in panel.cells for text in row), key=len)
    return max(0.36, text_width(longest, 8.0) + 0.12)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the inches of a line of text at ``size`` points, with room for hinting."""
    font = FontProperties(size=10.0, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72 * size / 10.0 * HINTING


def fitted(text: str, size: float, width: float, *, bold: bool = False) -> tuple[str, float]:
    """Return one line and its size in points, at most ``width`` inches wide.

    It shrinks to 6 points first and then loses its middle, which ``…`` says.
    """
    text = drawable(text)
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT // 2]}…{text[-LONGEST_TEXT // 2 :]}"
    wide = text_width(text, size, bold=bold)
    if wide <= width:
        return text, size
    size = min(size, max(6.0, size * width / wide))
    kept = text
    while len(kept) > 3 and (wide := text_width(kept, size, bold=bold)) > width:
        cut = max(3, min(len(kept) - 1, int(len(kept) * width / wide)))
        kept = f"{text[: cut // 2]}…{text[len(text) - (cut - 1) // 2 :]}"
    return kept, size


def wrapped(
    text: str, size: float, width: float, *, bold: bool = False, whole: bool = False
) -> list[str]:
    """Return the text in lines of at most ``width`` inches, broken at blanks.

    Args:
        text: one line.
        size: in points.
        width: in inches.
        bold: whether the letters are.
        whole: whether a word that is too wide goes on in the next line; else it loses its middle.
    """
    lines: list[str] = []
    for word in drawable(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        elif whole:
            lines += _pieces(word, size, width, bold=bold)
        else:
            lines.append(fitted(word, 6.0, width * 6.0 / size)[0])
    return lines


def _pieces(word: str, size: float, width: float, *, bold: bool) -> list[str]:
    """Return a word in pieces of at most ``width`` inches."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and text_width(pieces[-1] + letter, size, bold=bold) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def fitted_lines(lines: Sequence[str], size: float, width: float) -> tuple[str, float]:
    """Return lines as one text, and the size at which each is narrow enough."""
    fits = [fitted(line, size, width) for line in lines]
    return "\n".join(text for text, _ in fits), min((points for _, points in fits), default=size)


def drawable(text: str) -> str:
    """Return one line with □ for what no font has, as it would be drawn anyway.

    A font family in ``rcParams`` that has the characters shows them.
    """
    text = one_line(text)
    if text.isascii() and text.isprintable():
        return text
    known: set[int] = set()
    for family in FontProperties().get_family():
        try:
            path = findfont(FontProperties(family=[family]), fallback_to_default=False)
        except ValueError:  # a family that is not installed
            continue
        known |= _characters(str(path))
    known = known or set(_characters(str(findfont(FontProperties()))))
    return "".join(letter if ord(letter) in known else "□" for letter in text)


@functools.lru_cache(maxsize=64)
def _characters(path: str) -> frozenset[int]:
    return frozenset(get_font(path).get_charmap())


def inks_for(figure: Any) -> tuple[str, str, str]:
    """Return colours of text, small print and warnings that show on this figure."""
    red, green, blue, opacity = figure.patch.get_facecolor()
    dark = opacity > 0.5 and 0.299 * red + 0.587 * green + 0.114 * blue < 0.45
    return INKS_ON_DARK if dark else (INK, FAINT_INK, ALARM)
