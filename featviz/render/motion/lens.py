"""The drawing as a lens: input, kernel and output above each other in space.

Lines run from the corners of the window through those of the kernel to the cell that they make.
The kernel stands still between the two, as a lens does, so that it hides no number.
The planes are drawn larger and made smaller, so that slanted lines are smooth.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from featviz.render import canvas
from featviz.render.canvas import Box, Colour, write
from featviz.render.motion.cells import (
    colour_at,
    draw_bar,
    draw_cells,
    draw_name,
    lay_empty,
    legend,
)
from featviz.render.motion.layout import Grid, scale_for
from featviz.render.motion.palette import LIT, SKIPPED, lit_colours, readable_ink
from featviz.render.motion.scene import LEFT_OUT, Scene, Sheet, colours_of_photograph, flat_sheet
from featviz.render.motion.space import (
    Camera,
    Plane,
    Point,
    arranged,
    copy_in_space,
    middle_in_space,
    paste_in_space,
    room_in_space,
)
from featviz.render.motion.words import (
    Words,
    sheet_with_room,
    texts_with_room,
    words_from_step,
)
from featviz.windows import Step

# Twice 4000×4000 would be half a gigabyte for each picture.
MOST_SMOOTHED = 2_500_000
# How opaque, of 255.
SIDE, RAY = 16, 150

# From (share of the window's rows, of its columns, height from window to cell) to a pixel.
Beam = Callable[[float, float, float], Point]


@dataclass(frozen=True, slots=True, eq=False)
class LensDrawing:
    """Everything that does not move, ready for the frames.

    Attributes:
        scene: what is shown.
        box: where the planes stand, in pixels of the picture.
        zoom: how much larger than there the planes are drawn.
        sheet: the input as it is written, and ``size`` its type, 0 for no numbers.
        camera: from space to the drawn planes.
        planes: input, output, and the kernel where there is one.
        words: the picture without planes.
        blank: the planes, zoomed, the output empty.
        full: the planes, zoomed, with all of it.
        wanted: colours that the palette must have.
    """

    scene: Scene
    box: Box
    zoom: int
    sheet: Sheet
    size: int
    camera: Camera
    planes: tuple[Plane, ...]
    words: Image.Image
    blank: Image.Image
    full: Image.Image
    wanted: tuple[Colour, ...]

    @property
    def empty(self) -> Image.Image:
        """The picture without output."""
        return self._framed(self.blank)

    @property
    def finished(self) -> Image.Image:
        """The picture with all of the output."""
        return self._framed(self.full)

    def frame(self, index: int) -> Image.Image:
        """Return the picture of one step, RGB."""
        step = self.scene.step(index)
        large = self.blank.copy()
        beam = self._beam(step)
        draw = ImageDraw.Draw(large, "RGBA")
        for start, end in itertools.pairwise((0.0, 0.5, 1.0) if self.planes[2:] else (0.0, 1.0)):
            self._draw_beam(draw, beam, start, end)
        self._draw_window(large, step)
        # The beam comes from below; nor may it cross the kernel's numbers.
        for plane in self.planes[1:]:
            copy_in_space(large, self.blank, self.camera.quad(plane.corners()))
        self._write_window(draw, step)
        self._fill_output(large, index)
        for height in (0.0, 1.0):
            self._outline(draw, _ring(beam, height), width=3)
        picture = self._framed(large)
        self._write_words(picture, words_from_step(self.scene, step))
        return picture

    def _framed(self, large: Image.Image) -> Image.Image:
        picture = self.words.copy()
        picture.paste(large.reduce(self.zoom) if self.zoom > 1 else large, self.box[:2])
        return picture

    def _fill_output(self, large: Image.Image, index: int) -> None:
        """Show the output up to and with the cell ``index``."""
        columns = self.scene.trace.shape[1]
        row, column = divmod(index, columns)
        for top, height, width in ((0, row, columns), (row, 1, column + 1)):
            if height:
                corners = self.planes[1].corners(top, 0, height, width)
                copy_in_space(large, self.full, self.camera.quad(corners))

    def _beam(self, step: Step) -> Beam:
        """Return where a share of the window lies: input (0), kernel (0.5), cell (1)."""
        window, (below, above, *sheets) = step.window, self.planes

        def place(down: float, across: float, height: float) -> Point:
            ends = [
                below.corner(
                    window.top + down * window.height, window.left + across * window.width
                ),
                *(sheet.corner(down * sheet.rows, across * sheet.columns) for sheet in sheets),
                above.corner(step.cell[0] + down, step.cell[1] + across),
            ]
            return self.camera.project(ends[round(height * (len(ends) - 1))])

        return place

    def _draw_window(self, large: Image.Image, step: Step) -> None:
        """Light the taps on the input, frame a pool's winner; veil what is skipped."""
        plane, theme, window = self.planes[0], self.scene.theme, step.window
        draw, dilated = ImageDraw.Draw(large, "RGBA"), max(self.scene.trace.dilation) > 1
        whole = self.camera.quad(
            plane.corners(window.top, window.left, window.height, window.width)
        )
        copy_in_space(large, self.blank, whole)  # without the beam's tint
        if dilated:
            draw.polygon(whole, fill=(*theme.paper, SKIPPED))
        for tap in step.taps:
            if tap.channel:
                continue
            quad = self.camera.quad(plane.corners(tap.row, tap.column, 1, 1))
            if dilated:
                copy_in_space(large, self.blank, quad)
            draw.polygon(quad, fill=(*theme.accent, LIT))
            if tap == step.winner:
                inside = plane.corners(tap.row + 0.07, tap.column + 0.07, 0.86, 0.86)
                self._outline(draw, self.camera.quad(inside), width=2)

    def _write_window(self, draw: ImageDraw.ImageDraw, step: Step) -> None:
        """Write the window's numbers again: light and veil have changed their ground."""
        if not self.size or self.sheet.texts is None:
            return
        theme, window = self.scene.theme, step.window
        lit = {(tap.row, tap.column) for tap in step.taps}
        for row, column in itertools.product(
            range(window.top, window.top + window.height),
            range(window.left, window.left + window.width),
        ):
            kind = self.sheet.kinds[row, column]
            if kind and self.scene.trace.stage == "condense":
                continue
            fill = colour_at(self.sheet.colours[0, row, column])
            over = (theme.accent, LIT) if (row, column) in lit else (theme.paper, SKIPPED)
            ground = canvas.mixed(fill, over[0], over[1] / 255)
            ink = readable_ink(ground, theme.faint if kind else canvas.ink_on(ground))
            spot = self.camera.project(self.planes[0].corner(row + 0.5, column + 0.5))
            text, size = self.sheet.texts[0][row][column], self.size * self.zoom
            write(draw, spot, text, size=size, colour=ink, anchor="mm")

    def _draw_beam(self, draw: ImageDraw.ImageDraw, beam: Beam, start: float, end: float) -> None:
        accent = self.scene.theme.accent
        one, other = _ring(beam, start), _ring(beam, end)
        for index in range(4):
            after = (index + 1) % 4
            side = [one[index], one[after], other[after], other[index]]
            draw.polygon(side, fill=(*accent, SIDE))
        for near, far in zip(one, other, strict=True):
            draw.line([near, far], fill=(*accent, RAY), width=self.zoom)

    def _outline(self, draw: ImageDraw.ImageDraw, ring: list[Point], *, width: int) -> None:
        theme, path = self.scene.theme, [*ring, *ring[:2]]
        wide = width * self.zoom
        draw.line(path, fill=theme.halo, width=wide + 2 * self.zoom, joint="curve")
        draw.line(path, fill=theme.accent, width=wide, joint="curve")

    def _write_words(self, picture: Image.Image, words: Words) -> None:
        """Write the result beside the kernel's name, and the arithmetic below."""
        draw, theme = ImageDraw.Draw(picture), self.scene.theme
        scale = scale_for(picture.size)
        left = round(16 * scale)
        text, size = canvas.fitted(words.result, 0.4 * picture.width, round(15 * scale), bold=True)
        spot = left, self.box[1] - round(10 * scale)
        write(draw, spot, text, size=size, colour=theme.accent, bold=True)
        line, size = words.fitted(picture.width - 2 * left, scale)
        spot = left, picture.height - round(45 * scale)
        write(draw, spot, line, size=size, colour=theme.ink)


def _ring(beam: Beam, height: float) -> list[Point]:
    """Return the four corners of the beam at a height."""
    return [beam(down, across, height) for down, across in ((0, 0), (0, 1), (1, 1), (1, 0))]


def lens_drawing(scene: Scene, size: tuple[int, int]) -> LensDrawing:
    """Draw what never changes.

    Args:
        scene: what to show.
        size: (width, height) in pixels.
    """
    scale = scale_for(size)
    zoom = 2 if size[0] * size[1] <= MOST_SMOOTHED else 1
    margin = round(16 * scale)
    top = margin + (round(26 * scale) if scene.title else 0) + round(60 * scale)
    box = (margin, top, size[0] - margin, size[1] - round(104 * scale))
    room = (box[2] - box[0]) * zoom, (box[3] - box[1]) * zoom
    edge = 5 * zoom
    height, width = scene.trace.kinds.shape
    planes, camera = arranged(
        (height, width), scene.trace.shape, (edge, edge, room[0] - edge, room[1] - edge),
        sheet=scene.weight_colours.shape[:2] if scene.weight_colours is not None else None,
    )  # fmt: skip
    below, above, *sheets = planes
    blank = Image.new("RGB", room, scene.theme.paper)
    sheet = flat_sheet(scene)
    sheet, size_below = _lay(blank, sheet, below, camera, scene, zoom)
    written = _written(sheet, size_below)
    for plane in sheets:
        written += _lay_kernel(blank, plane, camera, scene, zoom)
    full = blank.copy()
    written += _written(*_lay(full, scene.output, above, camera, scene, zoom))
    lay_empty(blank, above, camera, scene.theme)
    words = Image.new("RGB", size, scene.theme.paper)
    middles = tuple(middle_in_space(plane, camera, zoom) for plane in planes)
    left_out = "no room for the number" if LEFT_OUT in written else ""
    _write_fixed(words, scene, sheet, box, middles, left_out)
    wanted = [canvas.mixed(scene.theme.paper, scene.theme.accent, k / 20) for k in range(1, 12)]
    if sheet.bar is None:
        wanted += colours_of_photograph(sheet)
    else:
        wanted = lit_colours(sheet, scene.theme) + wanted
    return LensDrawing(
        scene, box, zoom, sheet, size_below, camera, planes, words, blank, full, tuple(wanted)
    )


def _lay(
    large: Image.Image, sheet: Sheet, plane: Plane, camera: Camera, scene: Scene, zoom: int
) -> tuple[Sheet, int]:
    """Lay a sheet into space; return it with numbers that fit, and their type."""
    rows, columns = sheet.kinds.shape
    front = camera.quad(plane.corners())
    scale = scale_for((round(large.width / zoom), 10**6))
    cell = max(1, round((front[2][0] - front[3][0]) / columns))
    grid = Grid(0, 0, cell, rows, columns)
    texture = Image.new("RGB", (columns * cell + 1, rows * cell + 1), scene.theme.line)
    draw_cells(texture, grid, sheet, 0, scene.theme)
    paste_in_space(large, texture, front)
    room, most = room_in_space(plane, camera, zoom)
    sheet, size = sheet_with_room(sheet, room, min(most, round(15 * scale)))
    if not size or sheet.texts is None:
        return sheet, 0
    # Upright: laid into space, small digits cannot be read.
    draw = ImageDraw.Draw(large)
    for row, column in itertools.product(range(rows), range(columns)):
        if scene.trace.stage == "condense" and sheet.kinds[row, column]:
            continue
        spot = camera.project(plane.corner(row + 0.5, column + 0.5))
        text, fill = sheet.texts[0][row][column], colour_at(sheet.colours[0, row, column])
        if sheet.uncovered[row, column]:
            canvas.plate(large, (round(spot[0]), round(spot[1])), (text, size * zoom), fill)
            continue
        ink = scene.theme.faint if sheet.kinds[row, column] else canvas.ink_on(fill)
        write(draw, spot, text, size=size * zoom, colour=ink, anchor="mm")
    return sheet, size


def _written(sheet: Sheet, size: int) -> list[str]:
    return [text for line in sheet.texts[0] for text in line] if size and sheet.texts else []


def _lay_kernel(
    large: Image.Image, plane: Plane, camera: Camera, scene: Scene, zoom: int
) -> list[str]:
    """Lay the kernel into space; return its numbers if its cells are large enough."""
    if scene.weight_colours is None or scene.weights is None:
        return []
    front, theme = camera.quad(plane.corners()), scene.theme
    rows, columns = scene.weight_colours.shape[:2]
    cell = max(1, round((front[2][0] - front[3][0]) / columns))
    grid = Grid(0, 0, cell, rows, columns)
    texture = Image.new("RGB", (columns * cell + 1, rows * cell + 1), theme.line)
    draw = ImageDraw.Draw(texture)
    for row, column in itertools.product(range(rows), range(columns)):
        fill = colour_at(scene.weight_colours[row, column])
        draw.rectangle(grid.box(row, column), fill=fill, outline=theme.line)
    paste_in_space(large, texture, front)
    room, most = room_in_space(plane, camera, zoom)
    texts = [text for line in scene.weights for text in line]
    values = [weight for line in scene.trace.weights for weight in line]
    found, size = texts_with_room(texts, values, room, most)
    draw = ImageDraw.Draw(large)
    for at, text in enumerate(found):
        row, column = divmod(at, columns)
        spot = camera.project(plane.corner(row + 0.5, column + 0.5))
        ink = canvas.ink_on(colour_at(scene.weight_colours[row, column]))
        write(draw, spot, text, size=size * zoom, colour=ink, anchor="mm")
    return found if size else []


def _write_fixed(
    image: Image.Image, scene: Scene, sheet: Sheet, box: Box, middles: tuple[float, ...],
    left_out: str,
) -> None:  # fmt: skip
    """Write title, names, colour bars and legend."""
    draw, theme, scale = ImageDraw.Draw(image), scene.theme, scale_for(image.size)
    left = round(16 * scale)
    text, size = canvas.fitted(scene.title, image.width - 2 * left, round(18 * scale), bold=True)
    spot = left, left + round(9 * scale)
    write(draw, spot, text, size=size, colour=theme.ink, bold=True)
    third = image.width // 3
    y = box[1] - round(48 * scale)
    draw_name(draw, (left, y), (scene.kernel_role, scene.kernel_note), third, theme, anchor="lm")
    x = min(max(box[0] + middles[1], left + third), image.width - left - third / 2)
    draw_name(draw, (x, y), (scene.output.role, scene.output.note), third, theme, anchor="mm")
    draw_bar(image, scene.output, (x, y + round(36 * scale)), third, scale, theme)
    x = min(max(box[0] + middles[0], left + third / 2), image.width - left - third / 2)
    y = box[3] + round(10 * scale)
    role = ", ".join(filter(None, (sheet.role, sheet.note)))
    text, size = canvas.fitted(role, 1.4 * third, round(14 * scale), bold=True)
    write(draw, (x, y), text, size=size, colour=theme.ink, bold=True, anchor="mm")
    draw_bar(image, sheet, (x, y + round(19 * scale)), third, scale, theme)
    legend(image, scene, (left, image.height - round(17 * scale)), scale, left_out=left_out)
