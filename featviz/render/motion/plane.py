"""The drawing with numbers: input, kernel and products, output, cell by cell.

What never changes is drawn once, without and with the output filled in. A frame is the first of
the two, the second's output up to the current cell, and the few things that move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from featviz.render import canvas
from featviz.render.canvas import write
from featviz.render.motion.cells import (
    VEIL,
    colour_at,
    draw_arrows,
    draw_bar,
    draw_cells,
    draw_heading,
    draw_lines,
    draw_texts,
    fill_output,
    legend,
    mark_winner,
    name_channels,
    products_beside,
    tile_for,
    veiled_sheet,
)
from featviz.render.motion.layout import Layout, largest_cell, layout_for
from featviz.render.motion.scene import LEFT_OUT, Scene, colours_of_products
from featviz.render.motion.words import Words, sheet_with_room, texts_with_room, words_from_step
from featviz.windows import Step, Tap

# Below this edge a cell has no room for the weight beside its number.
SMALLEST_WITH_WEIGHT = 34
SMALLEST_GOOD = 8


@dataclass(frozen=True, slots=True)
class Types:
    """Sizes of type that are the same in all frames; 0 for none that is legible."""

    value: int
    result: int
    weight: int
    product: int


@dataclass(frozen=True, slots=True, eq=False)
class NumbersDrawing:
    """Everything that does not move, ready for the frames."""

    scene: Scene
    layout: Layout
    types: Types
    empty: Image.Image
    finished: Image.Image
    veiled: Image.Image
    wanted: tuple[canvas.Colour, ...] = ()

    def frame(self, index: int) -> Image.Image:
        """Return the picture of one step, RGB."""
        step = self.scene.step(index)
        words = words_from_step(self.scene, step)
        image = self.empty.copy()
        draw = ImageDraw.Draw(image)
        fill_output(image, self.finished, self.layout.output.grids[0], index)
        width = max(2, round(3 * self.layout.scale))
        canvas.outline(draw, self.layout.output.grids[0].box(*step.cell), self.scene.theme, width)
        self._draw_window(image, step)
        self._draw_products(image, step, words)
        self._write_words(draw, words)
        return image

    def _draw_window(self, image: Image.Image, step: Step) -> None:
        """Draw what lies on the input: skipped cells, weights, the window's edge."""
        window, theme = step.window, self.scene.theme
        draw = ImageDraw.Draw(image)
        for grid in self.layout.input.grids:
            box = grid.box(window.top, window.left, window.height, window.width)
            if max(self.scene.trace.dilation) > 1:
                image.paste(self.veiled.crop(box), box[:2])
        for tap in step.taps:
            grid = self.layout.input.grids[tap.channel]
            box = grid.box(tap.row, tap.column)
            if max(self.scene.trace.dilation) > 1:
                image.paste(self.empty.crop(box), box[:2])
            if self.types.weight:
                self._write_weight(draw, tap, box)
            if tap == step.winner:
                mark_winner(draw, box, theme)
        width = max(2, round(3 * self.layout.scale)) if self.layout.input.grids[0].cell > 7 else 2
        for grid in self.layout.input.grids:
            box = grid.box(window.top, window.left, window.height, window.width)
            canvas.outline(draw, box, theme, width)

    def _write_weight(self, draw: ImageDraw.ImageDraw, tap: Tap, box: canvas.Box) -> None:
        """Write the kernel's number, small, in the corner of the cell that it meets."""
        size = self.types.weight
        text = (self.scene.weights or ())[tap.kernel_row][tap.kernel_column]
        width, height = canvas.text_width(text, size) + 3, size + 1
        right, bottom = box[2] - 2, box[3] - 2
        fill = colour_at(self.scene.input.colours[tap.channel, tap.row, tap.column])
        spot = right - width / 2, bottom - height / 2
        write(draw, spot, text, size=size, colour=canvas.ink_on(fill), anchor="mm", crisp=True)

    def _draw_products(self, image: Image.Image, step: Step, words: Words) -> None:
        """Draw the products, or what lies in the window of a pool."""
        draw = ImageDraw.Draw(image)
        scene = self.scene
        grids = (
            self.layout.middle.grids[1:] if scene.weights is not None else self.layout.middle.grids
        )
        if scene.weights is None:
            fills = [scene.input.colours[tap.channel, tap.row, tap.column] for tap in step.taps]
        elif self.types.product:
            fills = [np.array(scene.theme.paper)] * len(step.taps)
        else:
            fills = list(colours_of_products(scene, step.products))
        texts, size = self._products_with_room(step, words, grids[0].cell)
        for tap, fill, product in zip(step.taps, fills, texts, strict=True):
            grid = grids[tap.channel]
            box = grid.box(tap.kernel_row, tap.kernel_column)
            self._draw_product(image, tap, box, colour_at(fill), (product, size))
            if tap == step.winner:
                mark_winner(draw, box, scene.theme)
        for grid in grids:
            draw_lines(draw, grid, scene.theme.line)

    def _products_with_room(self, step: Step, words: Words, cell: int) -> tuple[list[str], int]:
        """Return the numbers of the block as they fit, and their type."""
        size, pool = self.types.product, self.scene.weights is None
        if not size:
            return list(words.products), 0
        room = (0.7 if self.scene.trace.pool.endswith("max") else 0.86) * cell
        values = [tap.value if pool else tap.product for tap in step.taps]
        # What padding holds does not count in a pool: its cells are left blank.
        counted = [at for at, tap in enumerate(step.taps) if not pool or tap.kind == "image"]
        found, fitting = texts_with_room(
            [words.products[at] for at in counted], [values[at] for at in counted], room, size,
            dots=1.0,
        )  # fmt: skip
        texts = [LEFT_OUT] * len(step.taps)
        for at, text in zip(counted, found, strict=True):
            texts[at] = text
        return texts, fitting

    def _draw_product(
        self, image: Image.Image, tap: Tap, box: canvas.Box, fill: canvas.Colour,
        words: tuple[str, int],
    ) -> None:  # fmt: skip
        draw, theme = ImageDraw.Draw(image), self.scene.theme
        cell, x, y = box[2] - box[0], (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
        if self.scene.weights is None and tap.kind != "image":
            image.paste(tile_for(tap.kind, cell, theme), box[:2])
            return
        draw.rectangle(box, fill=fill)
        text, size = words
        write(draw, (x, y), text, size=size, colour=canvas.ink_on(fill), anchor="mm")

    def _write_words(self, draw: ImageDraw.ImageDraw, words: Words) -> None:
        """Write the result below the products and the whole arithmetic below all."""
        layout, theme = self.layout, self.scene.theme
        block = layout.middle
        text, size = canvas.fitted(
            words.result, block.width + 40 * layout.scale, round(15 * layout.scale), bold=True
        )
        spot = (
            block.left + block.width // 2,
            max(g.bottom for g in block.grids) + round(16 * layout.scale),
        )
        write(draw, spot, text, size=size, colour=theme.accent, bold=True, anchor="mm")
        left = layout.title[0]
        if self.scene.arithmetic:
            line, size = words.fitted(self.empty.width - 2 * left, layout.scale)
            write(draw, (left, layout.line), line, size=size, colour=theme.ink)


def numbers_drawing(scene: Scene, size: tuple[int, int], frames: int) -> NumbersDrawing:
    """Draw what never changes.

    Args:
        scene: what to show.
        size: (width, height) in pixels.
        frames: how many there will be; with few of them cells may be larger.

    Raises:
        ValueError: the cells do not fit into the size.
    """
    trace = scene.trace
    rows, columns = trace.axes
    height, width = trace.kinds.shape
    largest = largest_cell(frames, _widest(scene), size)
    layout = layout_for(
        size, plane=(height, width), channels=trace.plane.shape[2],
        window=(rows.window, columns.window), has_kernel=scene.weights is not None,
        output=trace.shape, has_title=bool(scene.title), has_line=scene.arithmetic,
        largest=largest,
    )  # fmt: skip
    scene, types = _types(scene, layout)
    empty = Image.new("RGB", size, scene.theme.paper)
    draw_fixed(empty, scene, layout, types)
    finished = empty.copy()
    grid = layout.output.grids[0]
    draw_cells(finished, grid, scene.output, 0, scene.theme)
    size_of_type = types.result
    draw_texts(
        finished, grid, scene.output, 0,
        size=size_of_type, lift=0, theme=scene.theme, blank_padding=False,
    )  # fmt: skip
    draw = ImageDraw.Draw(empty)
    draw.rectangle((grid.left, grid.top, grid.right, grid.bottom), fill=scene.theme.empty)
    draw_lines(draw, grid, canvas.mixed(scene.theme.line, scene.theme.paper, 0.5))
    veiled = veiled_picture(empty, scene, layout, types) if max(trace.dilation) > 1 else empty
    return NumbersDrawing(scene, layout, types, empty, finished, veiled)


def _widest(scene: Scene) -> float:
    """Return the pixels of the longest number in the smallest good type."""
    texts = {
        text
        for sheet in (scene.input, scene.output)
        for channel in sheet.texts or ()
        for row in channel
        for text in row
    }
    return max((canvas.text_width(text, SMALLEST_GOOD) for text in texts), default=0.0)


def _types(scene: Scene, layout: Layout) -> tuple[Scene, Types]:
    """Return types (of products by three steps), and the scene with texts that fit."""
    scale, trace = layout.scale, scene.trace
    cell, small = layout.input.grids[0].cell, layout.middle.grids[-1].cell
    weight = 0
    if scene.weights is not None and cell >= SMALLEST_WITH_WEIGHT:
        texts = [text for row in scene.weights for text in row]
        weight = canvas.largest_type(texts, cell - 8, round(min(0.25 * cell, 14 * scale)))
    products: dict[str, float] = {}
    for at in {0, len(trace) // 2, len(trace) - 1}:
        step = trace[at]
        products |= dict(zip(words_from_step(scene, step).products, step.products, strict=True))
    most = round(min(0.33 * small, 19 * scale))
    _, product = texts_with_room([*products], [*products.values()], 0.84 * small, most)
    free = 0.7 if trace.pool.endswith("max") else 0.9
    most = round(min(0.42 * cell, 19 * scale))
    given, value = sheet_with_room(scene.input, free * cell, most)
    wide = layout.output.grids[0].cell
    made, result = sheet_with_room(scene.output, 0.9 * wide, round(min(0.42 * wide, 19 * scale)))
    return replace(scene, input=given, output=made), Types(value, result, weight, product)


def veiled_picture(empty: Image.Image, scene: Scene, layout: Layout, types: Types) -> Image.Image:
    """Return the picture with all of the input as it looks where a window skips it."""
    bare, paper = Image.new("RGB", empty.size), Image.new("RGB", empty.size, scene.theme.paper)
    for channel, grid in enumerate(layout.input.grids):
        draw_cells(bare, grid, scene.input, channel, scene.theme)
    image = Image.blend(bare, paper, VEIL)
    sheet = veiled_sheet(scene.input, scene.theme)
    _write_input(image, replace(scene, input=sheet), layout, types)
    return image


def _write_input(image: Image.Image, scene: Scene, layout: Layout, types: Types) -> None:
    lift = round(0.1 * layout.input.grids[0].cell) if types.weight else 0
    for channel, grid in enumerate(layout.input.grids):
        draw_texts(
            image, grid, scene.input, channel, size=types.value, lift=lift, theme=scene.theme,
            blank_padding=scene.trace.stage == "condense",
        )  # fmt: skip


def draw_fixed(image: Image.Image, scene: Scene, layout: Layout, types: Types) -> None:
    """Draw title, names, input, kernel, colour bars, arrows and legend."""
    draw = ImageDraw.Draw(image)
    scale, theme = layout.scale, scene.theme
    width = image.width - 2 * layout.title[0]
    text, size = canvas.fitted(scene.title, width, round(18 * scale), bold=True)
    write(draw, layout.title, text, size=size, colour=theme.ink, bold=True)
    for block, words in (
        (layout.input, (scene.input.role, scene.input.note)),
        (layout.middle, (scene.kernel_role, scene.kernel_note)),
        (layout.output, (scene.output.role, scene.output.note)),
    ):
        draw_heading(draw, block, words, layout, scene)
    name_channels(draw, scene, layout)
    for channel, grid in enumerate(layout.input.grids):
        draw_cells(image, grid, scene.input, channel, theme)
    _write_input(image, scene, layout, types)
    _draw_kernel(image, scene, layout)
    for sheet, block in ((scene.input, layout.input), (scene.output, layout.output)):
        y = max(grid.bottom for grid in block.grids) + round(16 * scale)
        draw_bar(image, sheet, (block.left + block.width / 2, y), block.width, scale, theme)
    draw_arrows(draw, scene, layout)
    legend(
        image, scene, (layout.title[0], layout.legend), scale,
        weights=bool(types.weight), left_out=_left_out(scene, layout, types),
    )  # fmt: skip


def _kernel_texts(scene: Scene, layout: Layout) -> tuple[list[str], int]:
    """Return the kernel's numbers as they fit their cells, and their type."""
    cell = layout.middle.grids[0].cell
    texts = [text for row in scene.weights or () for text in row]
    values = [weight for row in scene.trace.weights for weight in row]
    most = round(min(0.36 * cell, 17 * layout.scale))
    return texts_with_room(texts, values[: len(texts)], cell - 5, most)


def _left_out(scene: Scene, layout: Layout, types: Types) -> str:
    """Return the legend's words about numbers that have no room."""
    if scene.weights is not None and not types.product:
        return "too small for numbers: products red > 0, blue < 0"
    kernel = scene.weights is None or _kernel_texts(scene, layout)[1]
    texts = str((scene.input.texts, scene.output.texts))
    if not (types.value and types.result and kernel):
        return "too small for numbers"
    return "no room for the number" if LEFT_OUT in texts else ""


def _draw_kernel(image: Image.Image, scene: Scene, layout: Layout) -> None:
    """Draw the kernel's numbers, and what stands between them and the products."""
    if scene.weights is None or scene.weight_colours is None:
        return
    draw = ImageDraw.Draw(image)
    grid = layout.middle.grids[0]
    texts, size = _kernel_texts(scene, layout)
    numbers = iter(texts)
    for row, cells in enumerate(scene.weights):
        for column in range(len(cells)):
            fill = colour_at(scene.weight_colours[row, column])
            draw.rectangle(grid.box(row, column), fill=fill)
            ink = canvas.ink_on(fill)
            write(draw, grid.middle(row, column), next(numbers), size=size, colour=ink, anchor="mm")
    draw_lines(draw, grid, scene.theme.line)
    if products_beside(scene, layout) is not None:
        return
    words, faint = "input · kernel", scene.theme.faint
    kept, small = canvas.fitted(words, layout.middle.width, round(12 * layout.scale))
    middle = layout.middle.left + layout.middle.width // 2
    if kept == words:
        y = grid.bottom + round(15 * layout.scale)
        write(draw, (middle, y), words, size=small, colour=faint, anchor="mm")
