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

from featviz.render.drawing import FAINT_INK, INK, drawable, text_width, wrapped, write

DOTS_PER_INCH = 150
MARGIN = 0.14
HEAD_SIZE, NOTE_SIZE, NOTE_LINE = 11.0, 6.5, 0.12
HEAD_LINE, BELOW_HEAD = 0.2, 0.08
# A page may be so wide for its title alone; what is longer takes another line.
WIDEST_TITLE, LONGEST_TITLE = 6.0, 2000

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


def title_width(title: str) -> float:
    """Return the inches that a title asks for, no more than it may widen a page to."""
    lines = title[:LONGEST_TITLE].splitlines()
    wide = [text_width(drawable(line), HEAD_SIZE, bold=True) for line in lines]
    return min(max(wide, default=0.0), WIDEST_TITLE)


def title_lines(
    title: str, width: float, *, size: float = HEAD_SIZE, bold: bool = True
) -> list[str]:
    r"""Return the lines of a title: its own, each wrapped to ``width`` inches.

    Words stand whole; one that is wider than the page goes on below. Nothing is left out, but
    for the middle of what is no title, beyond 2,000 letters.

    Example:
        >>> title_lines("Edges\nof three photographs", 1.6)
        ['Edges', 'of three', 'photographs']
    """
    if len(title) > LONGEST_TITLE:
        title = f"{title[: LONGEST_TITLE // 2]}…{title[-LONGEST_TITLE // 2 :]}"
    lines: list[str] = []
    for line in title.strip().splitlines():
        lines += wrapped(line, size, width, bold=bold, whole=True) or [""]
    return lines


def title_height(lines: Sequence[str]) -> float:
    """Return the inches that the lines of a title take, with the gap below them."""
    return HEAD_LINE * len(lines) + BELOW_HEAD if lines else 0.0


def write_title(figure: Figure, lines: Sequence[str]) -> None:
    """Write the lines of a title at the top left, bold, one below the other."""
    for line, words in enumerate(lines):
        left, top, _, _ = shares_of_box(figure, (MARGIN, MARGIN + HEAD_LINE * line, 0, 0))
        write(figure, (left, top), words, size=HEAD_SIZE, colour=INK, bold=True, ha="left")


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
    if figure.get_layout_engine() is not None:
        # matplotlib lays out by the pictures as they were: once more, now that they fit.
        figure.draw_without_rendering()
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
