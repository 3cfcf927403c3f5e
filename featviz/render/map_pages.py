"""A page for pictures of feature maps: places are inches from the top left.

Text is never read as TeX.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from featviz.render import drawing
from featviz.render.drawing import FAINT_INK, INK, drawable, fitted
from featviz.render.paper import (
    DOTS_PER_INCH,
    HEAD_SIZE,
    Box,
    blank_figure,
    shares_of_box,
    title_lines,
)

MARGIN, GAP = 0.16, 0.03
LINE_SIZE, NOTE_SIZE, LABEL_SIZE, TINY_SIZE = 8.0, 7.0, 7.0, 6.0
HEAD_LINE, TEXT_LINE, NOTE_LINE, LABEL_LINE = 0.21, 0.15, 0.13, 0.125
WIDEST, NARROWEST = 11.0, 5.6
# A picture that is thinner could not be seen; it is stretched.
THINNEST = 0.3
# Beyond this many labels matplotlib's own texts take longer than all else.
MOST_TEXTS = 100


class Label(NamedTuple):
    """One short line beside a picture, its left top corner in inches."""

    left: float
    top: float
    text: str
    size: float
    colour: str


class Page:
    """A figure on which places are inches from the top left corner.

    Args:
        width: inches.
        height: inches.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = blank_figure(width, height)

    def share(self, box: Box) -> Box:
        """Return (left, top, width, height) in inches as matplotlib's shares."""
        return shares_of_box(self.figure, box)

    def axes(self, box: Box, label: str) -> Axes:
        """Return new axes without ticks there."""
        axes = self.figure.add_axes(self.share(box))
        axes.set_label(label)
        axes.set_facecolor("none")
        axes.set_xticks([])
        axes.set_yticks([])
        return axes

    def picture(self, box: Box, colours: npt.NDArray[Any], label: str) -> Axes:
        """Draw colours (H, W, 3) that fill the box; what is enlarged stays crisp."""
        axes = self.axes(box, label)
        height, width = colours.shape[:2]
        zoom = min(box[2] * DOTS_PER_INCH / width, box[3] * DOTS_PER_INCH / height)
        axes.imshow(
            colours, interpolation="nearest" if zoom > 0.99 else "antialiased",
            interpolation_stage="rgba", aspect="auto", origin="upper",
        )  # fmt: skip
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def write(
        self, left: float, top: float, words: str, size: float,
        *, colour: str = INK, bold: bool = False, room: float | None = None, ha: str = "left",
    ) -> None:  # fmt: skip
        """Write one line, made smaller or cut where it has no room."""
        text = drawable(words)
        if room is not None:
            text, size = fitted(words, size, room, bold=bold)
        spot = left / self.width, 1 - top / self.height
        drawing.write(self.figure, spot, text, size=size, colour=colour, bold=bold, ha=ha)

    def label(self, labels: Sequence[Label]) -> None:
        """Write labels; many of them as one outline for each colour, which is far faster."""
        if len(labels) <= MOST_TEXTS:
            for one in labels:
                self.write(one.left, one.top, one.text, one.size, colour=one.colour)
            return
        for colour in dict.fromkeys(one.colour for one in labels):
            several = [one for one in labels if one.colour == colour]
            path = Path.make_compound_path(*(self._outline(one) for one in several))
            patch = PathPatch(path, facecolor=colour, edgecolor="none", linewidth=0)
            patch.set_transform(self.figure.dpi_scale_trans)
            patch.set_label("labels: " + ", ".join(one.text for one in several))
            self.figure.add_artist(patch)

    def _outline(self, label: Label) -> Path:
        """Return a label's letters, in inches from the bottom left."""
        text = drawable(label.text)
        points, codes = text_to_path.get_text_path(FontProperties(size=100), text, ismath=False)
        inches = np.asarray(points).reshape(-1, 2) * (label.size / text_to_path.FONT_SCALE / 72)
        baseline = self.height - label.top - 0.93 * label.size / 72
        return Path(np.add(inches, (label.left, baseline)), codes)

    def lines(self, top: float, words: Sequence[tuple[str, float, float, str]]) -> float:
        """Write lines (text, size, height, colour) and return where they end."""
        for text, size, height, colour in words:
            self.write(MARGIN, top, text, size, colour=colour, bold=size == HEAD_SIZE,
                       room=self.width - 2 * MARGIN)  # fmt: skip
            top += height
        return top


def heading(
    title: str,
    lines: Sequence[str],
    went_in: Sequence[str],
    width: float,
) -> list[tuple[str, float, float, str]]:
    """Return the lines of a heading, wrapped to ``width`` inches of page.

    Args:
        title: nothing for none.
        lines: below it.
        went_in: what the model was given, a line for each input.
        width: of the page.
    """
    room = width - 2 * MARGIN
    found = [(line, HEAD_SIZE, HEAD_LINE, INK) for line in title_lines(title, room)]
    for text in lines:
        found += [(x, LINE_SIZE, TEXT_LINE, INK) for x in drawing.wrapped(text, LINE_SIZE, room)]
    for text in went_in:
        note = drawing.wrapped(f"went in: {text}", NOTE_SIZE, room)
        found += [(x, NOTE_SIZE, NOTE_LINE, FAINT_INK) for x in note]
    return found


def fit_inches(shape: Sequence[int], width: float, height: float) -> tuple[float, float]:
    """Return the largest width and height in inches of (H, W, …) within a box.

    Example:
        >>> fit_inches((2, 4, 3), 3.0, 3.0)
        (3.0, 1.5)
    """
    unit = min(width / shape[1], height / shape[0])
    return max(THINNEST, shape[1] * unit), max(THINNEST, shape[0] * unit)
