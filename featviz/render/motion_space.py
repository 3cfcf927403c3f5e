"""Planes in space and where they fall on the picture: a camera that looks down.

Space has cells as its unit: x to the right, y away from the eye, z up. The camera is pitched; a
point's place on the picture is its offset divided by its depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

Point = tuple[float, float]
PITCH = math.radians(38)
# The eye's distance, in lengths of the largest plane: far enough that near cells do not bulge.
DISTANCE = 3.4
SHIFTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class Plane(NamedTuple):
    """A sheet of cells that lies flat: its middle, its height above 0, its cells."""

    x: float
    y: float
    z: float
    rows: float
    columns: float

    def corner(self, row: float, column: float) -> tuple[float, float, float]:
        """Return the place of a corner of cells; row 0 is farthest away."""
        return self.x + column - self.columns / 2, self.y + self.rows / 2 - row, self.z

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
    below: tuple[int, int], above: tuple[int, int], box: tuple[float, float, float, float]
) -> tuple[Plane, Plane, Camera]:
    """Return the two planes and the camera that show them as large as the box allows.

    Args:
        below: (H, W) of the plane below.
        above: (H, W) of the plane above, put to the right where the box is wide.
        box: left, top, right, bottom in pixels.
    """
    best: tuple[float, Plane, Plane, Camera] | None = None
    for shift in SHIFTS:
        lower, upper = _stacked(below, above, shift)
        camera = _camera((lower, upper), box)
        score = camera.unit * (1 - 0.12 * shift)
        if best is None or score > best[0]:
            best = score, lower, upper, camera
    if best is None:
        raise RuntimeError("no arrangement was tried")
    return best[1:]


def _stacked(below: tuple[int, int], above: tuple[int, int], shift: float) -> tuple[Plane, Plane]:
    apart = shift * (below[1] + above[1]) / 2
    beside = max(0.0, 1 - shift)
    rise = math.tan(PITCH) * (below[0] + above[0]) / 2 * (0.35 + 0.75 * beside)
    z = rise + 0.16 * max(*below, *above) + 0.5
    return (
        Plane(-apart / 2, 0.0, -z / 2, below[0], below[1]),
        Plane(apart / 2, 0.0, z / 2, above[0], above[1]),
    )


def _camera(planes: tuple[Plane, Plane], box: tuple[float, float, float, float]) -> Camera:
    left, top, right, bottom = box
    spread = max(math.dist((p.x, p.z), (0, 0)) + max(p.rows, p.columns) for p in planes)
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
