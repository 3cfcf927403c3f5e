"""The picture of a receptive field: what one cell of a layer sees of an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from featviz._check import size_text
from featviz.captions import one_line
from featviz.networks.layer_values import ReceptiveField
from featviz.panels import Panel, Pixels, image_panel
from featviz.render.figures import figure_from_panels
from featviz.windows import Window

OUTLINE, UNDERLINE = "#ffffff", "#c2185b"
# What the cell does not see is still seen, and padding is no part of the image.
DIMMED, BEYOND = 0.4, 0.85
# An image that is not given.
PLAIN = 0.6
# A window that would be hidden by its own frame is drawn a second time.
SMALL = 10


def figure_from_field(
    field: ReceptiveField, pixels: Pixels | None = None, *, name: str = "image",
    title: str | None = None,
) -> Figure:  # fmt: skip
    """Return an image with the window that a cell sees, the rest dimmed.

    A small window is drawn a second time, enlarged.

    Args:
        field: which window.
        pixels: (H, W, C) of the size that the field is told for; None: plain grey, which the
            figure says.
        name: of the image.
        title: None for the model, the path and the cell.
    """
    known = pixels is not None
    pixels = pixels if pixels is not None else np.full((*field.image_size, 1), PLAIN, np.float32)
    panel, top, left = _panel(pixels, field, name if known else f"{name} not given, drawn grey")
    named = " · ".join(word for word in (field.model, field.path, f"cell {field.cell}") if word)
    heading = one_line(named) if title is None else title
    box = replace(field.window, top=field.window.top + top, left=field.window.left + left)
    panels, boxes = [panel], [box]
    if 0 < max(box.height, box.width) * SMALL < max(panel.pixels.shape):
        panels.append(_enlarged(panel, box))
        boxes.append(replace(box, top=min(box.top, box.height), left=min(box.left, box.width)))
    figure = figure_from_panels(panels, len(panels), title=heading)
    for axes, one in zip(figure.axes, boxes, strict=True):
        _draw_frame(axes, one)
    return figure


def _draw_frame(axes: Axes, box: Window) -> None:
    """Draw a frame that is seen on dark and on light."""
    if not box.height * box.width:
        return
    for colour, line in ((UNDERLINE, 3.0), (OUTLINE, 1.2)):
        axes.add_patch(
            Rectangle(
                (box.left - 0.5, box.top - 0.5), box.width, box.height,
                fill=False, edgecolor=colour, linewidth=line, linestyle="-", clip_on=False,
            )
        )  # fmt: skip


def _enlarged(panel: Panel, box: Window) -> Panel:
    """Return the window, and as much of the picture on each side of it."""
    rows = slice(max(box.top - box.height, 0), box.top + 2 * box.height)
    columns = slice(max(box.left - box.width, 0), box.left + 2 * box.width)
    part = panel.pixels[rows, columns]
    return Panel("the window, enlarged", part, panel.limits, "rgb", "image")


def _panel(pixels: Pixels, field: ReceptiveField, name: str) -> tuple[Panel, int, int]:
    """Return the panel, and the rows and columns of padding before the image."""
    drawn = image_panel(pixels, name)
    low, high = drawn.limits
    colours = np.clip((drawn.pixels - low) / (high - low), 0, 1)
    colours = colours if colours.ndim == 3 else np.repeat(colours[..., None], 3, axis=-1)
    height, width = field.image_size
    lit = np.full((height, width, 1), DIMMED, np.float32)
    if field.inside:
        lit[_slices(field.inside)] = 1.0
    window = field.window
    top, left = max(-window.top, 0), max(-window.left, 0)
    bottom = max(window.top + window.height - height, 0)
    right = max(window.left + window.width - width, 0)
    pads = ((top, bottom), (left, right), (0, 0))
    canvas = np.pad(colours * lit, pads, constant_values=BEYOND).astype(np.float32)
    lines = (f"image {size_text(field.image_size)}", *_lines(field))
    if top + left + bottom + right:
        lines += ("light grey: beyond the image",)
    return Panel(name, canvas, (0.0, 1.0), "rgb", "image", lines), top, left


def _slices(window: Window) -> tuple[slice, slice]:
    return (
        slice(window.top, window.top + window.height),
        slice(window.left, window.left + window.width),
    )


def _lines(field: ReceptiveField) -> tuple[str, ...]:
    window, inside = field.window, field.inside
    if not window.height * window.width:
        return ("the cell sees nothing: it lies between the windows",)
    first = f"sees {window.height}×{window.width} from row {window.top}, column {window.left}"
    if inside == window:
        return (first.replace("-", "−"),)
    second = f"{inside.height}×{inside.width} of it" if inside else "nothing of it"
    second += " on the image"
    if inside == Window(0, 0, *field.image_size):
        second = "the whole image, and beyond it"
    return first.replace("-", "−"), second
