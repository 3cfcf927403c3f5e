"""Feature maps with their images: a channel over its image, its best images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure

from featviz.captions import one_line, value_text
from featviz.map_inputs import InputPicture, colours_of_image, image_words, range_of_images
from featviz.map_panels import MapSheet
from featviz.map_words import green_words, scale_words
from featviz.networks.paths import counted_text
from featviz.networks.top_values import TopImages
from featviz.render import drawing
from featviz.render.drawing import ALARM, FAINT_INK, INK, fitted
from featviz.render.map_figures import draw_bar_of_sheet
from featviz.render.map_grid import Plan, grid_of_tiles, palette_of_sheet
from featviz.render.map_pages import (
    LABEL_LINE,
    LABEL_SIZE,
    LINE_SIZE,
    MARGIN,
    NARROWEST,
    NOTE_LINE,
    NOTE_SIZE,
    TINY_SIZE,
    Label,
    Page,
    fit_inches,
    heading,
)

# The three pictures of a channel over its image, side by side or one below the other.
OVER_INCHES, TALLEST, WIDEST_PICTURE, NARROWEST_COLUMN = 3.0, 5.0, 9.0, 2.2
THUMB, THUMB_GAP, NAME_LINE = 0.86, 0.05, 0.1
PAGE_WIDTH = 10.5

Box = tuple[float, float, float, float]


def channel_figure(
    sheet: MapSheet, picture: InputPicture, alpha: float, title: str | None
) -> Figure:
    """Return the image, one channel of it enlarged, and both over one another.

    Args:
        sheet: of one channel.
        picture: the image.
        alpha: opacity over the image of the end of the scale, 0 to 1; 0 is clear.
        title: None for the model, the path and the channel.
    """
    image, limits = picture.values, range_of_images([picture.values])
    boxes, size = _three_boxes(image.shape)
    page_width = max(NARROWEST, size[0] + 2 * MARGIN)
    room = max(boxes[0][2], boxes[1][0] - boxes[0][0] - 0.1)
    said = image_words(image, limits, changed=picture.changed)
    under = drawing.wrapped(said, NOTE_SIZE, room)
    words = f"{sheet.title} · channel {sheet.names[0]}" if title is None else title
    first = " · ".join(word for word in (sheet.layer, f"{sheet.shape} values", sheet.batch) if word)
    note = "the map is stretched over the whole image: where its cells lie is not corrected for"
    note += " padding or stride"
    if several := len(sheet.went_in) > 1:
        first += f" · over input {picture.number} of {len(sheet.went_in)} (from 0)"
        note += "; the layer may have seen another input"
    head = heading(words, [first, note], sheet.went_in, page_width)
    top = MARGIN + sum(line[2] for line in head) + 0.28
    page = Page(page_width, top + size[1] + max(0.55, NOTE_LINE * len(under)) + MARGIN)
    page.lines(MARGIN, head)
    boxes = [(left, top + high, wide, tall) for left, high, wide, tall in boxes]
    _draw_over(page, boxes, sheet, colours_of_image(image, limits), alpha)
    name = f"image, input {picture.number} from 0" if several else "image"
    names = [name, f"channel {sheet.names[0]}", "over the grey image; 0 is clear"]
    for box, told in zip(boxes, names, strict=True):
        page.write(box[0], box[1] - 0.17, told, LINE_SIZE, bold=True, room=room)
    low = boxes[0][1] + boxes[0][3] + 0.05
    for line, told in enumerate(under):
        page.write(MARGIN, low + line * NOTE_LINE, told, NOTE_SIZE, colour=FAINT_INK, room=room)
    _write_scale(page, boxes, sheet, alpha)
    return page.figure


def _three_boxes(shape: Sequence[int]) -> tuple[list[Box], tuple[float, float]]:
    """Return where three pictures (H, W, …) stand, and the room of all, in inches.

    Wide ones stand one below the other; columns of tall ones have room for words.
    """
    height, width = shape[:2]
    if width > 2.5 * height:
        wide, tall = fit_inches(shape, WIDEST_PICTURE, OVER_INCHES / 2)
        pitch = tall + 0.42
        return (
            [(MARGIN, row * pitch, wide, tall) for row in range(3)], (wide, 2 * pitch + tall)
        )  # fmt: skip
    wide, tall = fit_inches(shape, OVER_INCHES, TALLEST if height > 2 * width else OVER_INCHES)
    pitch = max(wide + 0.2, NARROWEST_COLUMN)
    boxes = [(MARGIN + column * pitch, 0.0, wide, tall) for column in range(3)]
    return boxes, (2 * pitch + max(wide, NARROWEST_COLUMN), tall)


def _draw_over(
    page: Page, boxes: Sequence[Box], sheet: MapSheet, colours: npt.NDArray[np.float32],
    alpha: float,
) -> None:  # fmt: skip
    """Draw the image, the channel, and the channel over the grey image."""
    plan = Plan((1, 1), sheet.tiles.shape[1:], 0, 0, sheet.tiles.shape[1:], 1, 1)
    cells = palette_of_sheet(sheet)[grid_of_tiles(replace(sheet, marks=("",)), plan)]
    grey = np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1)
    page.picture(boxes[0], colours, "image")
    page.picture(boxes[1], cells, "channel")
    over = page.picture(boxes[2], grey, "channel over the image")
    height, wide = colours.shape[:2]
    veil = np.concatenate([cells, _opacity(sheet, alpha)], axis=-1)
    over.imshow(
        veil, extent=(-0.5, wide - 0.5, height - 0.5, -0.5),
        interpolation="nearest", aspect="auto", origin="upper",
    )  # fmt: skip


def _write_scale(page: Page, boxes: Sequence[Box], sheet: MapSheet, alpha: float) -> None:
    """Draw the bar of a channel below the pictures, and say what it stands for."""
    below = boxes[2][1] + boxes[2][3]
    left = boxes[1][0]
    length = max(min(boxes[1][2], OVER_INCHES), NARROWEST_COLUMN - 0.4)
    numbered = replace(sheet, scale=sheet.limits[0])
    draw_bar_of_sheet(page, numbered, (left, below + 0.1, length), words=False)
    alone = "scale of this channel alone" if sheet.scale in ("each", "shared") else ""
    green = green_words(sheet.stats)
    scale = alone or scale_words(sheet.scale, sheet.total, sheet.gamma)
    scale += f" · opacity {alpha:g} at its end" + f" · {green}" * bool(green)
    page.write(left, below + 0.4, scale, NOTE_SIZE, colour=FAINT_INK,
               room=page.width - MARGIN - left)  # fmt: skip
    if sheet.marks[0]:
        spot = page.width - MARGIN, below + 0.1
        page.write(*spot, sheet.marks[0], NOTE_SIZE, colour=ALARM, ha="right")


def _opacity(sheet: MapSheet, alpha: float) -> npt.NDArray[np.uint8]:
    """Return how opaque each cell is, (H, W, 1): as its magnitude is displayed."""
    most = max(map(abs, sheet.limits[0]))
    shares = np.clip(np.abs(sheet.tiles[0].astype(np.float64)) / most, 0, 1) ** sheet.gamma
    opaque = np.where(np.isfinite(sheet.tiles[0]), shares, 1.0)
    return np.round(255 * alpha * opaque)[..., None].astype(np.uint8)


def top_figure(top: TopImages, rows: Sequence[int], *, title: str | None, marks: bool) -> Figure:
    """Return the best images of each channel, none where a channel has no best ones.

    Args:
        top: what was found.
        rows: which of its channels, by their places.
        title: None for the model and the path.
        marks: whether the largest cell is marked.
    """
    best = top.indices.shape[1]
    block = best * (THUMB + THUMB_GAP) + 0.16
    across = max(1, min(len(rows), int(PAGE_WIDTH // block)))
    width = max(NARROWEST, across * block + 2 * MARGIN)
    limits = range_of_images(list(top.pictures.values()))
    head = heading(_top_title(top, title), _top_lines(top, rows, limits, marks=marks),
                   top.went_in, width)  # fmt: skip
    begin = MARGIN + sum(line[2] for line in head) + 0.12
    tall = 0.19 + THUMB + LABEL_LINE + NAME_LINE * bool(top.names) + 0.12
    page = Page(width, begin + tall * -(-len(rows) // across) + MARGIN / 2)
    page.lines(MARGIN, head)
    labels = []
    for number, row in enumerate(rows):
        place = MARGIN + (number % across) * block, begin + (number // across) * tall
        name, mark = f"channel {top.channels[row]}", top.marks[row]
        told, points = fitted(
            f"{name} · {mark}" if mark else name, LABEL_SIZE + 0.5, block - 0.1
        )  # fmt: skip
        labels.append(Label(*place, told, points, ALARM if mark else INK))
        for rank in range(best if top.ranked[row] else 0):
            left, high = place[0] + rank * (THUMB + THUMB_GAP), place[1] + 0.17
            _draw_thumbnail(page, top, (row, rank), (left, high), limits, marks=marks)
            labels += _words_below(top, (row, rank), (left, high + THUMB + 0.01))
    page.label(labels)
    return page.figure


def _top_title(top: TopImages, title: str | None) -> str:
    what = "value" if top.by == "max" else "mean"
    named = f"{one_line(top.model)} · {one_line(top.path)} · images with the largest {what}"
    return named if title is None else title


def _top_lines(
    top: TopImages, rows: Sequence[int], limits: tuple[float, float], *, marks: bool
) -> list[str]:
    what = "largest value" if top.by == "max" else "mean"
    words = [f"{len(rows)} of {top.total} channels shown, numbered from 0"]
    words.append(f"{top.indices.shape[1]} of {top.count} images each, with number and {what}")
    if marks and _can_ring(top):
        words.append("ring: its largest cell, the map stretched over it")
    if len(top.went_in) > 1 and top.inputs:
        others = ", the layer may have seen others" * (len(top.inputs) > 1)
        words.append(f"input {top.inputs[0]} of {len(top.went_in)} (from 0) is drawn{others}")
    if top.series:
        words.append("series: steps down, means where they are many; channels to the right")
    if not top.inputs:
        what = "layer sees" if len(top.went_in) > 1 else "model takes"
        words.append(f"no pictures: the {what} no images and no series")
    if top.pictures:
        picture = next(iter(top.pictures.values()))
        words.append(image_words(picture, limits, changed=top.changed))
    if top.left_out:
        rule = "cells with NaN, infinity or the lowest float take no part"
        words.append(f"{rule}: {counted_text(top.left_out, 'image')} had such cells")
    return [word for word in words if word]


def _can_ring(top: TopImages) -> bool:
    """Whether cells have a place in what is drawn: of several, a layer sees one."""
    return len(top.sizes) == 2 and len(top.inputs) == 1 and not top.series


def _words_below(top: TopImages, which: tuple[int, int], spot: tuple[float, float]) -> list[Label]:
    """Return number and value of one image, and its file's name, cut to fit."""
    index, score = int(top.indices[which]), float(top.scores[which])
    if index < 0:
        return [Label(*spot, "none", TINY_SIZE, FAINT_INK)]
    ink = INK if index in top.pictures else FAINT_INK
    words = [Label(*spot, f"#{index}: {value_text(score)}", TINY_SIZE, ink)]
    if index in top.names:
        name, points = fitted(top.names[index], TINY_SIZE, THUMB)
        if "…" in name:  # it was cut: the folders go first
            name, points = fitted(PurePath(top.names[index]).name, TINY_SIZE, THUMB)
        words.append(Label(spot[0], spot[1] + NAME_LINE, name, points, FAINT_INK))
    return words


def _draw_thumbnail(
    page: Page, top: TopImages, which: tuple[int, int], spot: tuple[float, float],
    limits: tuple[float, float], *, marks: bool,
) -> None:  # fmt: skip
    """Draw one small picture, if there is one."""
    index = int(top.indices[which])
    picture = top.pictures.get(index)
    if picture is None:
        return
    # Steps and channels have no unit in common, so each way fills the room.
    size = (THUMB, THUMB) if top.series else fit_inches(picture.shape, THUMB, THUMB)
    box = spot[0], spot[1] + THUMB - size[1], *size
    axes = page.picture(box, colours_of_image(picture, limits), f"image {index}")
    if marks and _can_ring(top) and not top.level[which]:
        height, width = picture.shape[:2]
        row, column = top.positions[which]
        centre = (column + 0.5) / top.sizes[1] * width - 0.5, (row + 0.5) / top.sizes[0] * height
        for colour, line in (("white", 2.0), (ALARM, 1.0)):
            axes.add_collection(
                EllipseCollection(
                    [9.0], [9.0], [0.0], units="points", offsets=[(centre[0], centre[1] - 0.5)],
                    offset_transform=axes.transData, facecolors="none", edgecolors=colour,
                    linewidths=line, clip_on=True,
                )
            )  # fmt: skip
