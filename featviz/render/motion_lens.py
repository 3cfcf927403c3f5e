"""The drawing as a lens: input, kernel and output above each other in space.

Lines run from the corners of the window through those of the kernel to the cell that they make.
The planes are drawn larger and made smaller, so that slanted lines are smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from featviz.render import canvas
from featviz.render.canvas import Box, Colour, Theme, write
from featviz.render.motion_cells import (
    colour_at,
    draw_bar,
    draw_cells,
    draw_texts,
    legend,
    type_for_cells,
)
from featviz.render.motion_layout import Grid, scale_for
from featviz.render.motion_scene import Scene, Sheet, colours_of_photograph, flat_sheet
from featviz.render.motion_space import Camera, Plane, Point, arranged, paste_in_space
from featviz.render.motion_words import Words, words_from_step
from featviz.windows import Step

# Twice 4000×4000 would be half a gigabyte for each picture.
MOST_SMOOTHED = 2_500_000
SMALLEST_WITH_NUMBERS = 28
SMALLEST_WITH_WEIGHTS = 22
# How opaque, of 255.
LIT, SIDE, RAY, SHEET, SKIPPED = 70, 16, 210, 236, 150

# From (share of the window's rows, of its columns, height from window to cell) to a pixel.
Beam = Callable[[float, float, float], Point]


@dataclass(frozen=True, slots=True, eq=False)
class LensDrawing:
    """Everything that does not move, ready for the frames.

    Attributes:
        scene: what is shown.
        box: where the planes stand, in pixels of the picture.
        zoom: how much larger than there the planes are drawn.
        camera: from space to the drawn planes.
        planes: input and output.
        words: the picture without planes.
        blank: the planes, zoomed, without output.
        full: the planes, zoomed, with all of it.
        wanted: colours that the palette must have.
    """

    scene: Scene
    box: Box
    zoom: int
    camera: Camera
    planes: tuple[Plane, Plane]
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
        step = self.scene.trace[index]
        large = self.blank.copy()
        self._fill_output(large, index)
        beam = self._beam(step)
        draw = ImageDraw.Draw(large, "RGBA")
        self._draw_window(draw, step)
        self._draw_beam(draw, beam, 0.0, 0.5)
        self._draw_kernel(draw, step, beam)
        self._draw_beam(draw, beam, 0.5, 1.0)
        for height in (0.0, 1.0):
            self._outline(draw, _ring(beam, height), width=3)
        picture = self._framed(large)
        self._write_weights(picture, step, beam)
        self._write_words(picture, words_from_step(self.scene, step))
        return picture

    def _framed(self, large: Image.Image) -> Image.Image:
        picture = self.words.copy()
        picture.paste(large.reduce(self.zoom) if self.zoom > 1 else large, self.box[:2])
        return picture

    def _fill_output(self, large: Image.Image, index: int) -> None:
        """Show the output up to and with the cell ``index``."""
        plane = self.planes[1]
        columns = self.scene.trace.shape[1]
        row, column = divmod(index, columns)
        mask = Image.new("L", large.size)
        draw = ImageDraw.Draw(mask)
        for top, height, width in ((0, row, columns), (row, 1, column + 1)):
            if height:
                draw.polygon(self.camera.quad(plane.corners(top, 0, height, width)), fill=255)
        box = mask.getbbox()
        if box:
            large.paste(self.full.crop(box), box[:2], mask.crop(box))

    def _beam(self, step: Step) -> Beam:
        """Return where a share of the window lies, from the input (0) to the cell (1)."""
        window, (below, above) = step.window, self.planes

        def place(down: float, across: float, height: float) -> Point:
            start = below.corner(
                window.top + down * window.height, window.left + across * window.width
            )
            end = above.corner(step.cell[0] + down, step.cell[1] + across)
            x, y, z = (a + (b - a) * height for a, b in zip(start, end, strict=True))
            return self.camera.project((x, y, z))

        return place

    def _draw_window(self, draw: ImageDraw.ImageDraw, step: Step) -> None:
        """Light the taps on the input, most of all a pool's winner; veil what is skipped."""
        plane, theme, window = self.planes[0], self.scene.theme, step.window
        if max(self.scene.trace.dilation) > 1:
            whole = plane.corners(window.top, window.left, window.height, window.width)
            draw.polygon(self.camera.quad(whole), fill=(*theme.paper, SKIPPED))
        for tap in step.taps:
            if tap.channel:
                continue
            lit = 2.4 * LIT if tap == step.winner else LIT
            quad = self.camera.quad(plane.corners(tap.row, tap.column, 1, 1))
            draw.polygon(quad, fill=(*theme.accent, round(lit)))

    def _draw_beam(self, draw: ImageDraw.ImageDraw, beam: Beam, start: float, end: float) -> None:
        accent = self.scene.theme.accent
        one, other = _ring(beam, start), _ring(beam, end)
        for index in range(4):
            after = (index + 1) % 4
            side = [one[index], one[after], other[after], other[index]]
            draw.polygon(side, fill=(*accent, SIDE))
        for near, far in zip(one, other, strict=True):
            draw.line([near, far], fill=(*accent, RAY), width=self.zoom)

    def _draw_kernel(self, draw: ImageDraw.ImageDraw, step: Step, beam: Beam) -> None:
        """Draw the sheet of the kernel halfway, its taps filled."""
        scene = self.scene
        fill, line = (*scene.theme.accent, SIDE * 2), (*scene.theme.line, 255)
        draw.polygon(_ring(beam, 0.5), fill=fill)
        for row, column, corners in _taps(step, beam):
            fill = (*scene.theme.paper, SHEET)
            if scene.weight_colours is not None:
                fill = (*colour_at(scene.weight_colours[row, column]), SHEET)
            draw.polygon(corners, fill=fill)
            draw.line([*corners, corners[0]], fill=line, width=self.zoom)
        self._outline(draw, _ring(beam, 0.5), width=2)

    def _outline(self, draw: ImageDraw.ImageDraw, ring: list[Point], *, width: int) -> None:
        theme, path = self.scene.theme, [*ring, *ring[:2]]
        wide = width * self.zoom
        draw.line(path, fill=theme.halo, width=wide + 2 * self.zoom, joint="curve")
        draw.line(path, fill=theme.accent, width=wide, joint="curve")

    def _write_weights(self, picture: Image.Image, step: Step, beam: Beam) -> None:
        """Write the kernel's numbers onto its sheet, if its cells are large enough."""
        scene = self.scene
        places = list(_taps(step, beam))
        (left, _), (right, _) = places[0][2][3], places[0][2][2]
        wide = (right - left) / self.zoom
        if scene.weights is None or scene.weight_colours is None or wide < SMALLEST_WITH_WEIGHTS:
            return
        draw = ImageDraw.Draw(picture)
        texts = [text for row in scene.weights for text in row]
        (_, top), (_, bottom) = places[0][2][1], places[0][2][2]
        tall = (bottom - top) / self.zoom
        size = canvas.largest_type(texts, wide - 4, round(min(0.4 * wide, 0.62 * tall)))
        for row, column, corners in places:
            x, y = (sum(point[axis] for point in corners) / 4 / self.zoom for axis in (0, 1))
            ink = canvas.ink_on(colour_at(scene.weight_colours[row, column]))
            spot = self.box[0] + x, self.box[1] + y
            write(draw, spot, scene.weights[row][column], size=size, colour=ink, anchor="mm")

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


def _taps(step: Step, beam: Beam) -> list[tuple[int, int, list[Point]]]:
    """Return row, column and corners of each tap on the kernel's sheet."""
    window, places = step.window, []
    for tap in step.taps:
        if tap.channel:
            continue
        top, left = tap.row - window.top, tap.column - window.left
        corners = [
            beam((top + down) / window.height, (left + across) / window.width, 0.5)
            for down, across in ((0, 0), (0, 1), (1, 1), (1, 0))
        ]
        places.append((tap.kernel_row, tap.kernel_column, corners))
    return places


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
    below, above, camera = arranged(
        (height, width), scene.trace.shape, (edge, edge, room[0] - edge, room[1] - edge)
    )
    blank = Image.new("RGB", room, scene.theme.paper)
    sheet = flat_sheet(scene)
    _lay(blank, sheet, below, camera, scene, scale * zoom)
    full = blank.copy()
    _lay(full, scene.output, above, camera, scene, scale * zoom)
    _lay_empty(blank, above, camera, scene.theme)
    words = Image.new("RGB", size, scene.theme.paper)
    _write_fixed(words, scene, sheet, box, tuple(_middle(p, camera, zoom) for p in (below, above)))
    wanted = [canvas.mixed(scene.theme.paper, scene.theme.accent, k / 20) for k in range(1, 12)]
    if sheet.bar is None:
        wanted += colours_of_photograph(sheet)
    return LensDrawing(scene, box, zoom, camera, (below, above), words, blank, full, tuple(wanted))


def _lay(
    large: Image.Image, sheet: Sheet, plane: Plane, camera: Camera, scene: Scene, scale: float
) -> None:
    """Lay the cells of a sheet, with their numbers if they are large, into space."""
    rows, columns = sheet.kinds.shape
    front = camera.quad(plane.corners())
    cell = max(1, round((front[2][0] - front[3][0]) / columns))
    grid = Grid(0, 0, cell, rows, columns)
    texture = Image.new("RGB", (columns * cell + 1, rows * cell + 1), scene.theme.line)
    draw_cells(texture, grid, sheet, 0, scene.theme)
    size = type_for_cells(sheet, cell, scale * 1.2) if cell >= SMALLEST_WITH_NUMBERS else 0
    draw_texts(
        texture, grid, sheet, 0, size=size, lift=0, theme=scene.theme,
        blank_padding=scene.trace.stage == "condense",
    )  # fmt: skip
    paste_in_space(large, texture, front)


def _lay_empty(large: Image.Image, plane: Plane, camera: Camera, theme: Theme) -> None:
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


def _middle(plane: Plane, camera: Camera, zoom: int) -> float:
    """Return the pixel over which the words of a plane stand."""
    return camera.project((plane.x, plane.y, plane.z))[0] / zoom


def _write_fixed(
    image: Image.Image, scene: Scene, sheet: Sheet, box: Box, middles: tuple[float, ...]
) -> None:
    """Write title, names, colour bars and legend."""
    draw, theme, scale = ImageDraw.Draw(image), scene.theme, scale_for(image.size)
    left = round(16 * scale)
    text, size = canvas.fitted(scene.title, image.width - 2 * left, round(18 * scale), bold=True)
    spot = left, left + round(9 * scale)
    write(draw, spot, text, size=size, colour=theme.ink, bold=True)
    third = image.width // 3
    y = box[1] - round(48 * scale)
    _name(draw, (left, y), (scene.kernel_role, scene.kernel_note), third, theme, anchor="lm")
    x = min(max(box[0] + middles[1], left + third), image.width - left - third / 2)
    _name(draw, (x, y), (scene.output.role, scene.output.note), third, theme, anchor="mm")
    draw_bar(image, scene.output, (x, y + round(36 * scale)), third, scale, theme)
    x = min(max(box[0] + middles[0], left + third / 2), image.width - left - third / 2)
    y = box[3] + round(10 * scale)
    role = ", ".join(filter(None, (sheet.role, sheet.note)))
    text, size = canvas.fitted(role, 1.4 * third, round(14 * scale), bold=True)
    write(draw, (x, y), text, size=size, colour=theme.ink, bold=True, anchor="mm")
    draw_bar(image, sheet, (x, y + round(19 * scale)), third, scale, theme)
    legend(image, scene, (left, image.height - round(17 * scale)), scale)


def _name(
    draw: ImageDraw.ImageDraw, spot: tuple[float, float], words: tuple[str, str], room: int,
    theme: Theme, *, anchor: str,
) -> None:  # fmt: skip
    scale = scale_for(draw.im.size)
    for text, most, bold, colour in (
        (words[0], 14, True, theme.ink),
        (words[1], 12, False, theme.faint),
    ):
        kept, size = canvas.fitted(text, room, round(most * scale), bold=bold)
        write(draw, spot, kept, size=size, colour=colour, bold=bold, anchor=anchor)
        spot = spot[0], spot[1] + round(17 * scale)
