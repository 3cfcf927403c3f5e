"""Cells of a plane: fills, numbers, looks of padding and gaps, bar, legend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from featviz.render import canvas
from featviz.render.canvas import Box, Colour, Theme, write
from featviz.render.motion.layout import Block, Grid, Layout, scale_for
from featviz.render.motion.scene import LEFT_OUT, Scene, Sheet, channel_names
from featviz.render.motion.space import Camera, Plane
from featviz.vocabulary import CELL_KINDS

SMALLEST_TILE = 8
# In smaller cells the crosses at the corners look like a texture.
SMALLEST_LINED = 18
VEIL = 0.66


def colour_at(values: npt.NDArray[np.uint8]) -> Colour:
    """Return one colour of an array as Pillow takes it."""
    red, green, blue = (int(value) for value in values)
    return red, green, blue


def tile_for(kind: str, cell: int, theme: Theme) -> Image.Image:
    """Return the picture of an empty cell of a kind, ``cell`` + 1 pixels a side."""
    if kind == "padding":
        return canvas.padding_cell(cell, theme.padding, theme.line)
    return canvas.dotted_cell(cell, theme.inserted, theme.line)


def draw_cells(image: Image.Image, grid: Grid, sheet: Sheet, channel: int, theme: Theme) -> None:
    """Fill the cells of a channel; show what is padding, inserted, uncovered."""
    colours = sheet.colours[channel]
    size = grid.columns * grid.cell, grid.rows * grid.cell
    filled = Image.fromarray(np.ascontiguousarray(colours)).resize(size, Image.Resampling.NEAREST)
    image.paste(filled, (grid.left, grid.top))
    draw_lines(ImageDraw.Draw(image), grid, theme.line)
    for kind in ("padding", "inserted"):
        places = np.argwhere(sheet.kinds == CELL_KINDS.index(kind))
        if grid.cell < SMALLEST_TILE or not len(places):
            continue
        tile = tile_for(kind, grid.cell, theme)
        for row, column in places.tolist():
            image.paste(tile, grid.box(row, column)[:2])
    for row, column in np.argwhere(sheet.uncovered).tolist():
        mark_uncovered(image, grid.box(row, column), colour_at(colours[row, column]))


def mark_uncovered(image: Image.Image, box: Box, fill: Colour) -> None:
    """Hatch a cell that no window covers."""
    line = canvas.mixed(fill, canvas.ink_on(fill), 0.6)
    canvas.hatch(image, box, line, max(4, (box[2] - box[0]) // 5))


def draw_lines(draw: ImageDraw.ImageDraw, grid: Grid, colour: Colour) -> None:
    """Draw the edge around cells, and a small cross at each corner between them.

    Full lines would be a third of a GIF.
    """
    draw.rectangle((grid.left, grid.top, grid.right, grid.bottom), outline=colour)
    if grid.cell < SMALLEST_LINED:
        return
    arm = max(1, grid.cell // 12)
    for y in range(grid.top + grid.cell, grid.bottom, grid.cell):
        for x in range(grid.left + grid.cell, grid.right, grid.cell):
            draw.line((x - arm, y, x + arm, y), fill=colour)
            draw.line((x, y - arm, x, y + arm), fill=colour)


def draw_texts(
    image: Image.Image, grid: Grid, sheet: Sheet, channel: int,
    *, size: int, lift: int, theme: Theme, blank_padding: bool,
) -> None:  # fmt: skip
    """Write the number of every cell, ``lift`` pixels above its middle."""
    if not size or sheet.texts is None:
        return
    draw = ImageDraw.Draw(image)
    for row, texts in enumerate(sheet.texts[channel]):
        for column, text in enumerate(texts):
            fill = colour_at(sheet.colours[channel, row, column])
            x, y = grid.middle(row, column)
            if sheet.uncovered[row, column]:
                canvas.plate(image, (x, y - lift), (text, size), fill)
            elif not sheet.kinds[row, column]:
                ink = canvas.ink_on(fill)
                write(draw, (x, y - lift), text, size=size, colour=ink, anchor="mm")
            elif not blank_padding:
                write(draw, (x, y - lift), text, size=size, colour=theme.faint, anchor="mm")


def veiled_sheet(sheet: Sheet, theme: Theme) -> Sheet:
    """Return the sheet as it looks where a window skips it: paler."""
    paper = np.array(theme.paper)
    colours = (sheet.colours + (paper - sheet.colours) * VEIL).round().astype(np.uint8)
    return replace(sheet, colours=colours)


def draw_bar(
    image: Image.Image, sheet: Sheet, spot: tuple[float, float], room: float, scale: float,
    theme: Theme,
) -> None:  # fmt: skip
    """Draw the colour bar of a sheet around ``spot``, its ends' values beside it."""
    size, gap = round(11 * scale), round(5 * scale)
    words = [canvas.text_width(text, size) for text in sheet.ends]
    length = int(min(110 * scale, room - sum(words) - 2 * gap))
    if sheet.bar is None or length < 10:
        return
    draw, height = ImageDraw.Draw(image), max(4, round(8 * scale))
    left = round(spot[0] - (length + sum(words) + 2 * gap) / 2 + words[0] + gap)
    top, y = round(spot[1]) - height // 2, round(spot[1])
    colours = Image.fromarray(sheet.bar[None]).resize((length, height), Image.Resampling.NEAREST)
    image.paste(colours, (left, top))
    draw.rectangle((left - 1, top - 1, left + length, top + height), outline=theme.line)
    low, high = sheet.ends
    write(draw, (left - gap, y), low, size=size, colour=theme.faint, anchor="rm")
    write(draw, (left + length + gap, y), high, size=size, colour=theme.faint, anchor="lm")


def legend(
    image: Image.Image, scene: Scene, place: tuple[int, int], scale: float,
    *, weights: bool = False, left_out: str = "",
) -> None:  # fmt: skip
    """Draw a small cell of each look that occurs, and say what it means, in one row."""
    theme, cell = scene.theme, max(9, round(15 * scale))
    entries = legend_entries(scene, weights=weights)
    entries += [("left out", left_out)] if left_out else []
    room = image.width - 2 * place[0]
    size = round(12 * scale)
    gaps = round(6 * scale), round(20 * scale)

    def wide(size: int) -> float:
        texts = sum(canvas.text_width(words, size) for _, words in entries)
        return texts + len(entries) * (cell + sum(gaps)) - gaps[1]

    while size > canvas.SMALLEST_TYPE and wide(size) > room:
        size -= 1
    while len(entries) > 1 and wide(size) > room:
        entries.pop()
    x, y = place
    draw = ImageDraw.Draw(image)
    for look, words in entries:
        box = (x, y - cell // 2, x + cell, y - cell // 2 + cell)
        draw_look(image, look, box, theme)
        x += cell + gaps[0]
        write(draw, (x, y), words, size=size, colour=theme.faint)
        x += round(canvas.text_width(words, size)) + gaps[1]


def legend_entries(scene: Scene, *, weights: bool = False) -> list[tuple[str, str]]:
    """Return (look, words) of all that occurs in a scene."""
    trace = scene.trace
    pooled = trace.stage == "condense"
    entries = [("window", "window" if trace.stage != "detect" else "cell")]
    if weights:
        entries.append(("weight", "small: the kernel's number"))
    if (trace.kinds == CELL_KINDS.index("padding")).any():
        words = "padding, does not count" if pooled else f"padding ({scene.border})"
        entries.append(("padding", words))
    if (trace.kinds == CELL_KINDS.index("inserted")).any():
        entries.append(("inserted", "zero put between cells"))
    if max(trace.dilation) > 1 and max(axis.window for axis in trace.axes) > 1:
        entries.append(("skipped", "skipped by the dilation"))
    if scene.input.uncovered.any():
        entries.append(("uncovered", "reached by no window"))
    if scene.output.uncovered.any():
        entries.append(("uncovered", "reached by no cell"))
    if pooled and trace.pool.endswith("max"):
        entries.append(("winner", "largest, the first of equals"))
    entries.append(("empty", "not yet computed"))
    return entries


def draw_look(image: Image.Image, look: str, box: Box, theme: Theme) -> None:
    """Draw one cell of the legend."""
    draw = ImageDraw.Draw(image)
    left, top, right, _ = box
    grey = canvas.mixed(theme.line, theme.paper, 0.35)
    if look in ("padding", "inserted"):
        image.paste(tile_for(look, right - left, theme), (left, top))
        return
    fills: dict[str, Colour] = {
        "empty": theme.empty, "uncovered": grey, "winner": grey,
        "skipped": canvas.mixed(grey, theme.paper, VEIL),
    }  # fmt: skip
    draw.rectangle(box, fill=fills.get(look, theme.paper), outline=theme.line)
    marks: dict[str, Callable[[], None]] = {
        "uncovered": lambda: mark_uncovered(image, box, grey),
        "window": lambda: canvas.outline(draw, box, theme, 2),
        "winner": lambda: mark_winner(draw, box, theme),
        "left out": lambda: write(
            draw,
            ((left + right) / 2, (top + box[3]) / 2),
            LEFT_OUT,
            size=9,
            colour=theme.ink,
            anchor="mm",
        ),
        "weight": lambda: write(
            draw, (right - 2, box[3] - 6), "1", size=9, colour=theme.ink, anchor="rm"
        ),
    }
    marks.get(look, lambda: None)()


def mark_winner(draw: ImageDraw.ImageDraw, box: Box, theme: Theme) -> None:
    """Draw a frame inside a cell, and one around it of the halo's colour."""
    left, top, right, bottom = box
    width = max(1, min(4, (right - left) // 10))
    for inset, colour, thick in ((1, theme.halo, width + 2), (2, theme.mark, width)):
        if right - left > 2 * (inset + thick):
            edge = (left + inset, top + inset, right - inset, bottom - inset)
            draw.rectangle(edge, outline=colour, width=thick)


def draw_heading(
    draw: ImageDraw.ImageDraw, block: Block, words: tuple[str, str], layout: Layout, scene: Scene
) -> None:
    """Write the role, and below it the note, above the cells."""
    scale, theme = layout.scale, scene.theme
    room, centre = block.width + 64 * scale, block.left + block.width / 2
    lines = [(words[0], 14, True, theme.ink), (words[1], 12, False, theme.faint)]
    lines = [line for line in lines if line[0]]
    y = block.top + round((9 if len(lines) > 1 else 24) * scale)
    beside = products_beside(scene, layout) if block is layout.middle else None
    if beside is not None:
        kernel, (left, right) = layout.middle.grids[0], beside
        text, size = canvas.fitted("input · kernel", right - left, round(14 * scale), bold=True)
        spot = (left + right) / 2, y
        write(draw, spot, text, size=size, colour=theme.ink, bold=True, anchor="mm")
        room, centre = kernel.right - kernel.left + 26 * scale, (kernel.left + kernel.right) / 2
    for text, most, bold, colour in lines:
        kept, size = canvas.fitted(text, room, round(most * scale), bold=bold)
        if kept != text and beside is not None:
            kept, size = canvas.fitted(text, block.width + 64 * scale, round(most * scale))
            centre = block.left + block.width / 2
        write(draw, (centre, y), kept, size=size, colour=colour, bold=bold, anchor="mm")
        y += round(17 * scale)


def draw_name(
    draw: ImageDraw.ImageDraw, spot: tuple[float, float], words: tuple[str, str], room: int,
    theme: Theme, *, anchor: str,
) -> None:  # fmt: skip
    """Write the name of a plane, and below it the note."""
    scale = scale_for(draw.im.size)
    for text, most, bold, colour in (
        (words[0], 14, True, theme.ink),
        (words[1], 12, False, theme.faint),
    ):
        kept, size = canvas.fitted(text, room, round(most * scale), bold=bold)
        write(draw, spot, kept, size=size, colour=colour, bold=bold, anchor=anchor)
        spot = spot[0], spot[1] + round(17 * scale)


def products_beside(scene: Scene, layout: Layout) -> tuple[int, int] | None:
    """Return the left and right ends of the products if they stand beside the kernel."""
    kernel, *products = layout.middle.grids
    if scene.weights is None or products[0].top > kernel.bottom:
        return None
    return products[0].left, max(grid.right for grid in products)


def name_channels(draw: ImageDraw.ImageDraw, scene: Scene, layout: Layout) -> None:
    """Write the name of each channel above its cells and its products."""
    names = channel_names(scene.trace)
    if len(names) == 1:
        return
    products = layout.middle.grids[1:]
    for name, *grids in zip(names, layout.input.grids, products, strict=True):
        for grid in grids:
            room, most = grid.right - grid.left, round(11 * layout.scale)
            text, size = canvas.fitted(name, room, most)
            spot = grid.left, grid.top - round(8 * layout.scale)
            write(draw, spot, text, size=size, colour=scene.theme.faint)


def draw_arrows(draw: ImageDraw.ImageDraw, scene: Scene, layout: Layout) -> None:
    """Point from block to block in the gaps between those that stand side by side."""
    if layout.down:
        return
    scale = layout.scale
    width = max(2, round(2.5 * scale))
    for one, other in ((layout.input, layout.middle), (layout.middle, layout.output)):
        left, right = one.left + one.width, other.left
        y = layout.input.top + layout.input.height // 2 + round(5 * scale)
        reach = min(round(30 * scale), right - left - 8)
        start = (left + right - reach) // 2
        canvas.arrow(draw, (start, y), (start + reach, y), scene.theme.faint, width)


def fill_output(image: Image.Image, finished: Image.Image, grid: Grid, index: int) -> None:
    """Show the output up to and with the cell ``index``."""
    row, column = divmod(index, grid.columns)
    parts = [grid.box(0, 0, row, grid.columns)] if row else []
    parts.append(grid.box(row, 0, 1, column + 1))
    for left, top, right, bottom in parts:
        # The next cell begins at that pixel; only beyond the last one the edge is drawn there.
        box = left, top, right + (right == grid.right), bottom + (bottom == grid.bottom)
        image.paste(finished.crop(box), (left, top))


def lay_empty(large: Image.Image, plane: Plane, camera: Camera, theme: Theme) -> None:
    """Draw the output's cells before anything is in them."""
    draw = ImageDraw.Draw(large)
    front = camera.quad(plane.corners())
    line = canvas.mixed(theme.line, theme.paper, 0.4)
    draw.polygon(front, fill=theme.empty)
    if (front[2][0] - front[3][0]) / plane.columns >= 8:
        for row in range(1, int(plane.rows)):
            ends = plane.corner(row, 0), plane.corner(row, plane.columns)
            draw.line(camera.quad(ends), fill=line)
        for column in range(1, int(plane.columns)):
            ends = plane.corner(0, column), plane.corner(plane.rows, column)
            draw.line(camera.quad(ends), fill=line)
    draw.line([*front, front[0]], fill=theme.line, width=2)
