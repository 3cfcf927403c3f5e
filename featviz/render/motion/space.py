"""Planes in space and where they fall on the picture: a camera that looks down.

Space has cells as its unit: x to the right, y away from the eye, z up. The camera is pitched; a
point's place on the picture is its offset divided by its depth.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]
Cells = tuple[int, int]
PITCH = math.radians(38)
# The eye's distance, in lengths of the largest plane: far enough that near cells do not bulge.
DISTANCE = 3.4
SHIFTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
KERNEL_SHARE = 0.3
# Of half of the planes' rows together: how far one lies above the next.
RISES = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6)


class Plane(NamedTuple):
    """A sheet of cells that lies flat: its middle, its cells, their edge."""

    x: float
    y: float
    z: float
    rows: float
    columns: float
    edge: float = 1.0

    def corner(self, row: float, column: float) -> tuple[float, float, float]:
        """Return the place of a corner of cells; row 0 is farthest away."""
        across, away = column - self.columns / 2, self.rows / 2 - row
        return self.x + self.edge * across, self.y + self.edge * away, self.z

    def corners(
        self, row: float = 0, column: float = 0, height: float | None = None,
        width: float | None = None,
    ) -> tuple[tuple[float, float, float], ...]:  # fmt: skip
        """Return the four corners of some cells, clockwise from the farthest left."""
        bottom = row + (self.rows if height is None else height)
        right = column + (self.columns if width is None else width)
        return (
            self.corner(row, column), self.corner(row, right),
            self.corner(bottom, right), self.corner(bottom, column),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Camera:
    """From space to the picture."""

    distance: float
    unit: float
    left: float
    top: float

    def project(self, point: tuple[float, float, float]) -> Point:
        """Return the pixel of a point."""
        x, y = _seen(point, self.distance)
        return self.left + self.unit * x, self.top + self.unit * y

    def quad(self, corners: tuple[tuple[float, float, float], ...]) -> list[Point]:
        """Return the pixels of several points."""
        return [self.project(corner) for corner in corners]


def _seen(point: tuple[float, float, float], distance: float) -> Point:
    x, y, z = point
    depth = 1 + (y * math.cos(PITCH) - z * math.sin(PITCH)) / distance
    return x / depth, -(z * math.cos(PITCH) + y * math.sin(PITCH)) / depth


def arranged(
    below: Cells, above: Cells, box: tuple[float, float, float, float], *, sheet: Cells | None
) -> tuple[tuple[Plane, ...], Camera]:
    """Return the planes, and the camera that shows them as large as the box allows.

    No plane hides a cell of another one.

    Args:
        below: (H, W) of the plane below.
        above: (H, W) of the plane above, put to the right where the box is wide.
        box: left, top, right, bottom in pixels.
        sheet: (h, w) of a third plane halfway, the last one that is returned; None for none.
    """
    found = []
    for shift, rise in itertools.product(SHIFTS, RISES):
        planes = _stacked(below, above, sheet, shift, rise)
        camera = _camera(planes, box)
        # A higher rise looks more like space, a smaller shift leaves the window below its cell.
        score = camera.unit * (1 + 0.25 * min(rise, 0.8) - 0.05 * shift)
        found.append((_are_apart(planes, camera), score, planes, camera))
    _, _, planes, camera = max(found, key=lambda choice: choice[:2])
    return planes, camera


def _stacked(
    below: Cells, above: Cells, sheet: Cells | None, shift: float, rise: float
) -> tuple[Plane, ...]:
    edge = _kernel_edge(below, above, sheet) if sheet else 1.0
    rows, columns = (edge * cells for cells in sheet or (0, 0))
    gap = 0.35 + 0.05 * (below[1] + above[1])
    left = shift * (below[1] / 2 + gap + columns / 2)
    right = shift * (above[1] / 2 + gap + columns / 2)
    z = rise * (below[0] + above[0] + rows) / 2 + 0.3
    planes = Plane(-left, 0.0, -z, *below), Plane(right, 0.0, z, *above)
    return planes if sheet is None else (*planes, Plane(0.0, 0.0, 0.0, *sheet, edge))


def _kernel_edge(below: Cells, above: Cells, sheet: Cells) -> float:
    """Return the edge of the kernel's cells, 1 or more.

    The kernel of a large image would be too small to be read; beside a strip it would be larger
    than both maps.
    """
    wanted = KERNEL_SHARE * max(below) / max(sheet)
    most = min(max(below[axis], above[axis]) / sheet[axis] for axis in (0, 1))
    return max(1.0, min(wanted, most))


def _are_apart(planes: tuple[Plane, ...], camera: Camera) -> bool:
    """Whether the planes leave a little room between them on the picture."""
    room = 0.2 * camera.unit
    boxes = []
    for plane in planes:
        xs, ys = zip(*camera.quad(plane.corners()), strict=True)
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    return all(
        one[2] + room < other[0] or other[2] + room < one[0]
        or one[3] + room < other[1] or other[3] + room < one[1]
        for one, other in itertools.combinations(boxes, 2)
    )  # fmt: skip


def _camera(planes: tuple[Plane, ...], box: tuple[float, float, float, float]) -> Camera:
    left, top, right, bottom = box
    spread = max(math.dist((p.x, p.z), (0, 0)) + p.edge * max(p.rows, p.columns) for p in planes)
    distance = DISTANCE * spread
    points = [_seen(corner, distance) for plane in planes for corner in plane.corners()]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    unit = min((right - left) / (max(xs) - min(xs)), (bottom - top) / (max(ys) - min(ys)))
    return Camera(
        distance, unit,
        (left + right) / 2 - unit * (max(xs) + min(xs)) / 2,
        (top + bottom) / 2 - unit * (max(ys) + min(ys)) / 2,
    )  # fmt: skip


def paste_in_space(picture: Image.Image, texture: Image.Image, quad: list[Point]) -> None:
    """Lay a flat picture onto a quadrilateral.

    Its corners go clockwise from the farthest left one.
    """
    left, top = (math.floor(min(point[axis] for point in quad)) for axis in (0, 1))
    right, bottom = (math.ceil(max(point[axis] for point in quad)) + 1 for axis in (0, 1))
    ends = [(0, 0), (texture.width, 0), (texture.width, texture.height), (0, texture.height)]
    equations, values = [], []
    for (x, y), (u, v) in zip([(x - left, y - top) for x, y in quad], ends, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    found = np.linalg.solve(np.array(equations), np.array(values)).tolist()
    size = (right - left, bottom - top)
    whole = Image.new("L", texture.size, 255)
    options = (Image.Transform.PERSPECTIVE, found, Image.Resampling.BICUBIC)
    picture.paste(texture.transform(size, *options), (left, top), whole.transform(size, *options))


def copy_in_space(picture: Image.Image, source: Image.Image, quad: list[Point]) -> None:
    """Take what lies within a quadrilateral from another picture of the same size."""
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).polygon(quad, fill=255)
    box = mask.getbbox()
    if box:
        picture.paste(source.crop(box), box[:2], mask.crop(box))


def room_in_space(plane: Plane, camera: Camera, zoom: int) -> tuple[float, int]:
    """Return the pixels for a number in the farthest row, and its largest type."""
    left, right, below = camera.quad((plane.corner(0, 0), plane.corner(0, 1), plane.corner(1, 0)))
    return 0.92 * (right[0] - left[0]) / zoom, round(0.75 * (below[1] - left[1]) / zoom)


def middle_in_space(plane: Plane, camera: Camera, zoom: int) -> float:
    """Return the pixel over which the words of a plane stand."""
    return camera.project((plane.x, plane.y, plane.z))[0] / zoom
