"""What a figure is drawn on: its size, title, small print, and bytes.

Places are inches from the top left corner. A sheet belongs to no window and to no pyplot.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from featviz.render.drawing import FAINT_INK, INK, fitted, write

DOTS_PER_INCH = 150
MARGIN = 0.14
HEAD_SIZE, NOTE_SIZE, NOTE_LINE = 11.0, 6.5, 0.12

Box = tuple[float, float, float, float]


def blank_figure(width: float, height: float) -> Figure:
    """Return a white figure of so many inches; a notebook shows it as a PNG."""
    figure = Figure(
        (width, height), DOTS_PER_INCH,
        facecolor="white", edgecolor="white", frameon=True, layout="none",  # type: ignore[arg-type]
    )  # fmt: skip
    FigureCanvasAgg(figure)
    figure._repr_png_ = functools.partial(png_from_figure, figure)  # type: ignore[attr-defined]
    return figure


def shares_of_box(figure: Figure, box: Box) -> Box:
    """Return (left, top, width, height) in inches as matplotlib's shares.

    Example:
        >>> shares_of_box(blank_figure(4, 2), (1, 0.5, 2, 1))
        (0.25, 0.25, 0.5, 0.5)
    """
    left, top, wide, tall = box
    width, height = figure.get_size_inches()
    return (
        float(left / width), float(1 - (top + tall) / height),
        float(wide / width), float(tall / height),
    )  # fmt: skip


def write_title(figure: Figure, title: str) -> None:
    """Write one bold line at the top left, made smaller or cut where it has no room."""
    words, size = fitted(title, HEAD_SIZE, figure.get_figwidth() - 2 * MARGIN, bold=True)
    left, top, _, _ = shares_of_box(figure, (MARGIN, MARGIN, 0, 0))
    write(figure, (left, top), words, size=size, colour=INK, bold=True, ha="left")


def write_notes(figure: Figure, lines: Sequence[str]) -> None:
    """Write lines of small print at the bottom left, one below the other."""
    height = figure.get_figheight()
    for line, words in enumerate(lines):
        low = height - MARGIN - NOTE_LINE * (len(lines) - 1 - line)
        left, bottom, _, _ = shares_of_box(figure, (MARGIN, low, 0, 0))
        write(figure, (left, bottom), words, size=NOTE_SIZE, colour=FAINT_INK, ha="left",
              va="bottom")  # fmt: skip


def png_from_figure(figure: Figure) -> bytes:
    """Return the PNG bytes of a figure at its own resolution."""
    return bytes_from_figure(figure, "png", dpi=figure.dpi)


def bytes_from_figure(figure: Figure, kind: str, *, dpi: float) -> bytes:
    """Return a figure as a PNG, SVG or PDF file, the same bytes every time."""
    stamp = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    stream = io.BytesIO()
    # Said here because rcParams would decide otherwise; "" is "no bbox", None would be theirs.
    figure.savefig(
        stream, format=kind, dpi=dpi, metadata=stamp or None, bbox_inches="",
        facecolor="auto", edgecolor="auto", transparent=False,
    )  # fmt: skip
    return _numbered_ids(stream.getvalue()) if kind == "svg" else stream.getvalue()


def _numbered_ids(svg: bytes) -> bytes:
    """Return an SVG with matplotlib's random ids numbered as they appear."""
    drawn = dict.fromkeys(re.findall(rb' id="((?:Im_)?[a-z]+[0-9a-f]{10})"', svg))
    numbers = {name: b"id%d" % index for index, name in enumerate(drawn)}
    return re.sub(
        rb'(id="|href="#|url\(#)([\w]+)',
        lambda found: found[1] + numbers.get(found[2], found[2]),
        svg,
    )
