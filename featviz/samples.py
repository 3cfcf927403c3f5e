"""Images to begin with: free photographs, and pictures made by formula.

The formula pictures show what a kernel does: edges of every direction (circle), one edge (step),
frequencies up to the limit of the grid (bars, zone_plate), natural statistics (noise). In the
formulas y and x are the distances of a pixel's centre from the middle of the image, in pixels,
and r is their hypotenuse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from featviz._check import one_of, per_axis, size_text
from featviz.images import MAX_PIXELS, read_image

DEFAULT_SIZE = 256

SAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "chelsea": "a cat, colour, 300×451; photograph by Stefan van der Walt, CC0",
        "coffee": "a cup of coffee, colour, 400×600; photograph by Rachel Michetti, CC0",
        "camera": "a person with a camera, grey, 512×512; photograph by Lav Varshney, CC0",
        "circle": "a white circle line on black: edges of every direction; formula",
        "two_dots": "two white dots on black: where a feature is, and whether it moves; formula",
        "step": "dark left, bright right: one vertical edge; formula",
        "bars": "white bars on black, narrower from left to right; formula",
        "checkerboard": "eight cells along the shorter side, black and white; formula",
        "zone_plate": "rings, finer outwards up to the Nyquist frequency at the edge; formula",
        "noise": "random clouds with the 1/f spectrum of natural scenes; formula",
        "car": "a small red car on a road, colour; drawn by featviz",
    }
)
_PHOTOGRAPHS = ("chelsea", "coffee", "camera")

Values = NDArray[np.float64]


def sample_image(name: str, *, size: int | tuple[int, int] | None = None) -> NDArray[np.float32]:
    """Return one of the images in ``SAMPLES``.

    Args:
        name: a key of ``SAMPLES``.
        size: for a photograph as in :func:`featviz.images.read_image`: the longer side, or the
            (height, width) of the box to fit into, its own size unless told. For a formula
            picture the side, or exactly (height, width); 256 unless told. At least 1, at most
            100 000 000 pixels in all.

    Returns:
        (H, W, C) float32 in 0..1, a new array each time; C is 3 for the photographs in colour
        and the car, otherwise 1. The same name and size give the same numbers.

    Raises:
        ValueError: another name, or a size that is too small or too large.
        TypeError: a size that is not whole numbers.

    Example:
        >>> sample_image("step", size=(2, 4))[:, :, 0].tolist()
        [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]]
    """
    one_of("name", name, tuple(SAMPLES))
    if name in _PHOTOGRAPHS:
        data = files("featviz").joinpath("photos", f"{name}.jpg").read_bytes()
        return read_image(data, size=size)
    height, width = per_axis("size", DEFAULT_SIZE if size is None else size, minimum=1)
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"size must give at most {MAX_PIXELS:,} pixels; got {size_text((height, width))}"
        )
    return read_image(_FORMULAS[name](height, width))


def _from_centre(height: int, width: int) -> tuple[Values, Values]:
    """Return y of shape (H, 1) and x of shape (1, W)."""
    y: Values = np.arange(height, dtype=np.float64) - (height - 1) / 2
    x: Values = np.arange(width, dtype=np.float64) - (width - 1) / 2
    return y[:, np.newaxis], x[np.newaxis, :]


def _circle(height: int, width: int) -> NDArray[Any]:
    """Return 1 at most t/2 away from the circle r = R.

    With the shorter side n, the line is t = n/64 wide and ends n/16 before the border.
    """
    side = min(height, width)
    thickness = max(1.0, side / 64)
    radius = max(0.0, side / 2 - side / 16 - thickness / 2)
    y, x = _from_centre(height, width)
    return np.abs(np.hypot(y, x) - radius) <= thickness / 2


def _two_dots(height: int, width: int) -> NDArray[Any]:
    """Return discs of 1/16 of the shorter side as radius, at thirds of the image."""
    radius = max(0.5, min(height, width) / 16)
    rows, columns = np.arange(height)[:, np.newaxis], np.arange(width)[np.newaxis, :]
    dots = np.zeros((height, width), np.bool_)
    for third in (1, 2):
        y, x = third * (height - 1) // 3, third * (width - 1) // 3
        dots |= np.hypot(rows - y, columns - x) <= radius
    return dots


def _step(height: int, width: int) -> NDArray[Any]:
    return np.broadcast_to(np.arange(width) >= width // 2, (height, width))


def _bars(height: int, width: int) -> NDArray[Any]:
    """Return bars and gaps of width/10 pixels, each pair 4/5 as wide as the last.

    None is narrower than one pixel.
    """
    row = np.zeros(width)
    start, exact = 0, width / 10
    while start < width:
        bar = max(1, round(exact))
        row[start : start + bar] = 1
        start, exact = start + 2 * bar, exact * 0.8
    return np.broadcast_to(row, (height, width))


def _checkerboard(height: int, width: int) -> NDArray[Any]:
    cell = max(1, round(min(height, width) / 8))
    y, x = np.arange(height)[:, np.newaxis] // cell, np.arange(width)[np.newaxis, :] // cell
    white: NDArray[np.bool_] = (y + x) % 2 == 0
    return white


def _zone_plate(height: int, width: int) -> NDArray[Any]:
    """Return (1 + cos(π r² / N)) / 2 with N the longer side.

    The frequency along x is the derivative of the phase by 2π, x/N cycles per pixel: 1/2, the
    Nyquist frequency, exactly where the image ends at x = N/2, and no more along either axis.

    Source:
        The phase of a Fresnel zone plate, φ = π r² / (λ f), with λ f = N pixels².
    """
    y, x = _from_centre(height, width)
    return 0.5 + 0.5 * np.cos(np.pi / max(height, width) * (y * y + x * x))


def _noise(height: int, width: int) -> NDArray[Any]:
    """Return white noise with amplitudes divided by frequency, stretched to 0..1.

    Source:
        D. J. Field, "Relations between the statistics of natural images and the response
        properties of cortical cells", J. Opt. Soc. Am. A 4 (1987): amplitudes fall as 1/f.
    """
    white = np.random.default_rng(7).standard_normal((height, width))
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf  # no mean
    noise = np.fft.irfft2(np.fft.rfft2(white) / frequency, s=(height, width))
    low, high = noise.min(), noise.max()
    return (noise - low) / (high - low) if high > low else np.full((height, width), 0.5)


# The car looks to the right. Unit: half the width of its scene; x from the middle to the right,
# y from the ground up. Outlines are points on a smooth closed curve.
Points = Sequence[tuple[float, float]]
Color = tuple[int, int, int]

_BODY: Points = (
    (-0.80, 0.12), (-0.84, 0.22), (-0.825, 0.36), (-0.76, 0.44), (-0.66, 0.56), (-0.50, 0.655),
    (-0.26, 0.695), (-0.02, 0.675), (0.16, 0.59), (0.32, 0.455), (0.54, 0.415), (0.73, 0.365),
    (0.83, 0.28), (0.845, 0.18), (0.80, 0.11), (0.42, 0.095), (0.00, 0.095), (-0.42, 0.095),
)  # fmt: skip
_SILL: Points = (
    (-0.835, 0.175), (-0.42, 0.155), (0.00, 0.15), (0.42, 0.155), (0.84, 0.175),
    (0.80, 0.11), (0.42, 0.095), (0.00, 0.095), (-0.42, 0.095), (-0.80, 0.12),
)  # fmt: skip
_REAR_WINDOW: Points = (
    (-0.68, 0.445), (-0.60, 0.545), (-0.49, 0.61), (-0.36, 0.64), (-0.20, 0.648),
    (-0.175, 0.60), (-0.175, 0.48), (-0.20, 0.44), (-0.45, 0.432),
)  # fmt: skip
_FRONT_WINDOW: Points = (
    (-0.12, 0.60), (-0.10, 0.643), (0.00, 0.628), (0.10, 0.58), (0.19, 0.51),
    (0.24, 0.455), (0.20, 0.437), (0.02, 0.432), (-0.10, 0.44), (-0.12, 0.48),
)  # fmt: skip
_FAR_HILLS: Points = ((-3, 0.3), (-2, 0.6), (-1.5, 0.4), (-0.75, 0.73), (0.1, 0.4), (0.95, 0.68))
_NEAR_HILLS: Points = ((-3, 0.3), (-1.6, 0.34), (-0.9, 0.5), (0.1, 0.33), (1.2, 0.5), (2.4, 0.3))
_RED, _DARK_RED, _GLASS = (206, 52, 46), (148, 30, 34), (188, 222, 236)
_TYRE, _METAL, _ROAD, _SHADOW = (38, 40, 46), (214, 218, 224), (104, 108, 116), (74, 77, 84)
_TOP_OF_SKY, _HORIZON = (98, 168, 222), (226, 241, 248)
# Drawn larger by this factor and averaged, so that edges are smooth; less for huge pictures.
_FINER, _MOST_DRAWN = 4, 2**26


def _smooth(points: Points) -> list[tuple[float, float]]:
    """Return a closed Catmull-Rom curve through ``points``, 12 steps each.

    Source:
        E. Catmull, R. Rom, "A class of local interpolating splines" (1974), tension 1/2.
    """
    p = np.array(points, np.float64)
    before, after, second = (np.roll(p, -n, axis=0) for n in (-1, 1, 2))
    t = np.linspace(0, 1, 12, endpoint=False)[:, np.newaxis, np.newaxis]
    curve = p + 0.5 * t * (
        (after - before)
        + t * (2 * before - 5 * p + 4 * after - second)
        + t * t * (3 * p - before - 3 * after + second)
    )
    return [(float(x), float(y)) for x, y in curve.transpose(1, 0, 2).reshape(-1, 2)]


class _Scene:
    """A canvas of ``width`` × ``height`` that takes the car's units."""

    def __init__(self, height: int, width: int) -> None:
        self.unit = min(width / 2, height / 1.4)
        self.middle, self.ground = width / 2, max(height / 2 + 0.42 * self.unit, 0.7 * height)
        share = np.clip(np.arange(height) / max(1.0, self.ground - 0.4 * self.unit), 0, 1)
        sky = np.array([_TOP_OF_SKY]) * (1 - share[:, None]) + np.array([_HORIZON]) * share[:, None]
        column = Image.fromarray(np.rint(sky).astype(np.uint8)[:, np.newaxis])
        self.picture = column.resize((width, height), Image.Resampling.NEAREST)
        self.draw = ImageDraw.Draw(self.picture)

    def place(self, points: Points) -> list[tuple[float, float]]:
        return [(self.middle + x * self.unit, self.ground - y * self.unit) for x, y in points]

    def shape(self, points: Points, color: Color) -> None:
        self.draw.polygon(self.place(points), fill=color)

    def ellipse(self, x: float, y: float, radii: tuple[float, float], color: Color) -> None:
        self.draw.ellipse(
            self.place([(x - radii[0], y + radii[1])]) + self.place([(x + radii[0], y - radii[1])]),
            fill=color,
        )

    def line(self, points: Points, width: float, color: Color) -> None:
        pixels = max(1, round(width * self.unit))
        self.draw.line(self.place(points), fill=color, width=pixels, joint="curve")

    def band(self, high: float, low: float, color: Color) -> None:
        (_, top), (_, bottom) = self.place([(0, high), (0, low)])
        self.draw.rectangle((0, top, self.picture.width, max(top, bottom)), fill=color)


def _landscape(scene: _Scene) -> None:
    scene.ellipse(0.62, 0.98, (0.10, 0.10), (255, 244, 196))
    for x, y, radius in ((-0.66, 0.98, 0.10), (-0.53, 1.02, 0.13), (-0.38, 0.98, 0.10)):
        scene.ellipse(x, y, (radius * 1.3, radius * 0.6), (250, 252, 253))
    repeats = min(40, math.ceil(scene.middle / scene.unit / 2.5))
    for hills, color in ((_FAR_HILLS, (164, 198, 178)), (_NEAR_HILLS, (126, 176, 120))):
        crest = [(x + 6 * n, y) for n in range(-repeats, repeats + 1) for x, y in hills]
        left, right = crest[0][0], crest[-1][0]
        low: Points = ((right, -1), (right, -1), (left, -1), (left, -1))
        scene.shape(_smooth([*crest, *low]), color)
    scene.band(0.24, 0.14, (142, 188, 112))
    scene.band(0.15, -9, _ROAD)
    scene.band(0.15, 0.132, (196, 198, 200))
    for n in range(-repeats * 6, repeats * 6 + 1):
        left = n * 0.7 - 0.18
        scene.shape(
            ((left, -0.2), (left + 0.36, -0.2), (left + 0.34, -0.235), (left - 0.02, -0.235)),
            (236, 236, 230),
        )


def _wheel(scene: _Scene, x: float) -> None:
    scene.ellipse(x, 0.15, (0.152, 0.152), _TYRE)
    scene.ellipse(x, 0.15, (0.096, 0.096), _METAL)
    for turn in range(5):
        angle = math.tau * (turn + 0.25) / 5
        tip = (x + 0.062 * math.cos(angle), 0.15 + 0.062 * math.sin(angle))
        scene.ellipse(*tip, (0.019, 0.019), (112, 117, 126))
    scene.ellipse(x, 0.15, (0.024, 0.024), (150, 156, 164))


def _car(height: int, width: int) -> NDArray[np.uint8]:
    finer = max(1, min(_FINER, math.isqrt(_MOST_DRAWN // (height * width))))
    scene = _Scene(height * finer, width * finer)
    _landscape(scene)
    scene.ellipse(0.0, 0.01, (0.88, 0.045), _SHADOW)
    scene.shape(_smooth(_BODY), _RED)
    scene.shape(_SILL, _DARK_RED)
    for x in (-0.49, 0.49):
        turns = [math.pi * n / 24 for n in range(25)]
        arch = [(x + 0.19 * math.cos(a), 0.155 + 0.19 * math.sin(a)) for a in turns]
        scene.shape([*arch, (x - 0.19, 0.096), (x + 0.19, 0.096)], _DARK_RED)
    for window in (_REAR_WINDOW, _FRONT_WINDOW):
        scene.shape(_smooth(window), _GLASS)
    scene.shape(((-0.50, 0.44), (-0.38, 0.63), (-0.31, 0.637), (-0.43, 0.44)), (220, 240, 247))
    scene.shape(((0.00, 0.44), (0.08, 0.58), (0.12, 0.55), (0.06, 0.44)), (220, 240, 247))
    scene.line(((-0.148, 0.65), (-0.148, 0.20), (-0.10, 0.165), (0.24, 0.165)), 0.008, _DARK_RED)
    scene.line(((0.24, 0.165), (0.29, 0.25), (0.27, 0.44)), 0.008, _DARK_RED)
    scene.line(((-0.76, 0.405), (-0.3, 0.395), (0.3, 0.395), (0.6, 0.375)), 0.012, (232, 96, 84))
    scene.line(((-0.10, 0.36), (-0.03, 0.36)), 0.016, _METAL)
    scene.ellipse(0.765, 0.285, (0.045, 0.036), (255, 240, 190))
    scene.ellipse(-0.80, 0.335, (0.022, 0.045), (112, 14, 24))
    scene.line(((0.70, 0.15), (0.85, 0.155)), 0.03, _METAL)
    scene.line(((-0.85, 0.165), (-0.72, 0.16)), 0.03, _METAL)
    for x in (-0.49, 0.49):
        _wheel(scene, x)
    picture = scene.picture.resize((width, height), Image.Resampling.BOX)
    return np.asarray(picture)


_FORMULAS: Mapping[str, Callable[[int, int], NDArray[Any]]] = MappingProxyType(
    {
        "circle": _circle,
        "two_dots": _two_dots,
        "step": _step,
        "bars": _bars,
        "checkerboard": _checkerboard,
        "zone_plate": _zone_plate,
        "noise": _noise,
        "car": _car,
    }
)
