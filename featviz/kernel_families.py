"""Families of kernels by formula: of any size, exact where it is rational.

Sizes are rows and columns; the centre of an even size lies between two cells. Angles are in
degrees, counter-clockwise as the picture is seen: x runs to the right, y **upwards**. Every
argument is checked; every kernel is named by the call that makes it. Nothing here needs numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType

from featviz._check import per_axis, real_number, shown, whole_number
from featviz.kernels import Kernel

LARGEST_SIZE = 255

_BOX = "R. C. Gonzalez & R. E. Woods, Digital Image Processing, 4th ed., section 3.5, box filter"
_GAUSSIAN = "R. C. Gonzalez & R. E. Woods, Digital Image Processing, 4th ed., section 3.5, Gaussian"
_LOG = "D. Marr & E. Hildreth 1980, Theory of edge detection, Proc. R. Soc. Lond. B 207:187-217"
_GABOR = (
    "J. G. Daugman 1985, JOSA A 2:1160-1169; N. Petkov & P. Kruizinga 1997, Biological "
    "Cybernetics 76:83-96, eq. 1"
)
_MOTION = (
    "R. C. Gonzalez & R. E. Woods, Digital Image Processing, 4th ed., section 5.6, uniform "
    "linear motion, drawn as an antialiased line"
)


def box(size: int | tuple[int, int]) -> Kernel:
    """Return the mean of a window: every entry is 1/(h·w), exactly.

    Args:
        size: rows and columns, one whole number for both or a pair; 1..255 each.

    Returns:
        A kernel of ``size`` with sum 1.

    Raises:
        TypeError: not whole numbers.
        ValueError: below 1 or above 255.

    Source:
        Gonzalez & Woods, Digital Image Processing, 4th ed., section 3.5.

    Example:
        >>> print(box((1, 3)))
        1/3 1/3 1/3
    """
    height, width = _sizes(size)
    rows = [[Fraction(1, height * width)] * width] * height
    return Kernel(rows, name=_call("box", (height, width)), source=_BOX)


def gaussian(size: int | tuple[int, int], sigma: float) -> Kernel:
    """Return the Gaussian exp(−(x² + y²) / 2σ²), divided by its sum.

    Args:
        size: rows and columns, one whole number for both or a pair; 1..255 each. The centre of
            an even size lies between two cells.
        sigma: standard deviation in pixels, above 0.

    Returns:
        A kernel of ``size``, entries 0..1, sum 1, separable.

    Raises:
        TypeError: not numbers.
        ValueError: a size outside 1..255 or a sigma that is not above 0.

    Source:
        Gonzalez & Woods, Digital Image Processing, 4th ed., section 3.5.

    Example:
        >>> [round(value, 6) for value in gaussian(3, 1).rows[0]]
        [0.075114, 0.123841, 0.075114]
    """
    height, width = _sizes(size)
    sigma = real_number("sigma", sigma, above=0)
    column, row = _bell(height, sigma), _bell(width, sigma)
    rows = [[down * across for across in row] for down in column]
    return Kernel(rows, name=_call("gaussian", (height, width), sigma), source=_GAUSSIAN)


def laplacian_of_gaussian(size: int | tuple[int, int], sigma: float) -> Kernel:
    """Return the second derivative of a Gaussian, ∇²G, with a sum of exactly 0.

    The centre is negative (for an even size, where it lies between cells, above sigma 0.5).
    What cutting off the tails leaves is taken equally from every entry, and all entries are
    multiples of one power of two, so that the sum has no rounding.

    Args:
        size: rows and columns, one whole number for both or a pair; 3..255 each.
        sigma: standard deviation of the Gaussian in pixels, 0.1..255.

    Returns:
        A kernel of ``size``: (r²/2σ² − 1) · exp(−r²/2σ²) / πσ⁴ less its mean.

    Raises:
        TypeError: not numbers.
        ValueError: a size outside 3..255 or a sigma outside 0.1..255.

    Source:
        D. Marr & E. Hildreth 1980, Theory of edge detection, Proc. R. Soc. Lond. B 207:187-217.

    Example:
        >>> kernel = laplacian_of_gaussian(9, 1.4)
        >>> kernel.sum, kernel.rows[4][4] < 0
        (0, True)
    """
    height, width = _sizes(size, minimum=3)
    sigma = _between("sigma", sigma, 0.1, 255)
    squares = [
        [(x * x + y * y) / (2 * sigma * sigma) for x in _cells(width)] for y in _cells(height)
    ]
    scale = math.pi * sigma**4
    rows = [[(part - 1) * math.exp(-part) / scale for part in line] for line in squares]
    name = _call("laplacian_of_gaussian", (height, width), sigma)
    return Kernel(_without_sum(rows), name=name, source=_LOG)


def gabor(
    size: int | tuple[int, int],
    wavelength: float,
    *,
    angle_degrees: float = 0.0,
    sigma: float | None = None,
    phase_degrees: float = 0.0,
    aspect_ratio: float = 0.5,
) -> Kernel:
    """Return a Gabor kernel: a cosine wave under a Gaussian.

    exp(−(x'² + γ²y'²) / 2σ²) · cos(2πx'/λ + φ), with x' = x cos θ + y sin θ and
    y' = −x sin θ + y cos θ; x runs to the right and y **upwards**. It is not normalised: the
    peak is 1, and the sum is 0 only for a phase of 90°.

    Args:
        size: rows and columns, one whole number for both or a pair; 1..255 each.
        wavelength: λ in pixels, 2..10000.
        angle_degrees: θ, direction in which the wave runs, counter-clockwise; its stripes stand
            across it, so 0 makes vertical stripes.
        sigma: standard deviation of the Gaussian along the wave in pixels, above 0; None is
            0.56 λ, a bandwidth of one octave.
        phase_degrees: φ; 0 is symmetric with a bright centre, 90 antisymmetric.
        aspect_ratio: γ, above 0; below 1 the stripes are longer than the Gaussian is wide.

    Returns:
        A kernel of ``size`` with entries in −1..1.

    Raises:
        TypeError: not numbers.
        ValueError: a number outside its range.

    Source:
        J. G. Daugman 1985, JOSA A 2:1160-1169; N. Petkov & P. Kruizinga 1997, Biological
        Cybernetics 76:83-96, eq. 1.

    Example:
        >>> print(gabor((1, 5), 4, phase_degrees=90, sigma=1e6))
        0 1 0 -1 0
    """
    height, width = _sizes(size)
    wavelength = _between("wavelength", wavelength, 2, 10_000)
    angle = real_number("angle_degrees", angle_degrees)
    phase = real_number("phase_degrees", phase_degrees)
    ratio = real_number("aspect_ratio", aspect_ratio, above=0)
    sigma = None if sigma is None else real_number("sigma", sigma, above=0)
    spread = 0.56 * wavelength if sigma is None else sigma
    lines = [[_turned(x, -y, angle) for x in _cells(width)] for y in _cells(height)]
    rows = [
        [_wave(u / wavelength, phase) * _hill(u, ratio * v, spread) for u, v in line]
        for line in lines
    ]
    rows = _without_dirt(rows)
    changed = {"angle_degrees": angle, "sigma": sigma, "phase_degrees": phase}
    options = {option: value for option, value in changed.items() if value}
    options |= {} if ratio == 0.5 else {"aspect_ratio": ratio}
    name = _call("gabor", (height, width), wavelength, **options)
    return Kernel(rows, name=name, source=_GABOR)


def motion_blur(size: int, *, angle_degrees: float = 0.0) -> Kernel:
    """Return the mean along a straight line, as of a moving camera.

    A cell weighs 1 less its distance from the line of ``size`` cells (length size − 1), not
    below 0; all weights are divided by their sum.

    Args:
        size: rows, columns and length of the line in pixels, 1..255.
        angle_degrees: direction of the line, counter-clockwise; 0 is horizontal.

    Returns:
        A kernel (size, size), entries 0..1, sum 1, unchanged by a turn of 180°; exact fractions
        for horizontal and vertical lines (an even size shares the line between two rows).

    Raises:
        TypeError: not numbers.
        ValueError: a size outside 1..255.

    Source:
        Gonzalez & Woods, Digital Image Processing, 4th ed., section 5.6.

    Example:
        >>> print(motion_blur(3))
          0   0   0
        1/3 1/3 1/3
          0   0   0
    """
    size = _sizes(whole_number("size", size, minimum=1))[0]
    angle = real_number("angle_degrees", angle_degrees)
    weights = [
        [_on_line(*_turned(x, -y, angle), (size - 1) / 2) for x in _cells(size)]
        for y in _cells(size)
    ]
    total = math.fsum(weight for line in weights for weight in line)
    exact = angle % 90 == 0
    rows = [
        [Fraction(w) / Fraction(total) if exact else w / total for w in line] for line in weights
    ]
    options = {"angle_degrees": angle} if angle else {}
    name = _call("motion_blur", (size, size), **options)
    return Kernel(rows, name=name, source=_MOTION)


FAMILIES: Mapping[str, Callable[..., Kernel]] = MappingProxyType(
    {
        "gaussian": gaussian,
        "laplacian_of_gaussian": laplacian_of_gaussian,
        "gabor": gabor,
        "motion_blur": motion_blur,
        "box": box,
    }
)


def _sizes(size: int | tuple[int, int], *, minimum: int = 1) -> tuple[int, int]:
    sizes = per_axis("size", size, minimum=minimum)
    if max(sizes) > LARGEST_SIZE:
        raise ValueError(f"size must be at most {LARGEST_SIZE} on each axis; got {shown(size)}")
    return sizes


def _between(argument: str, value: float, low: float, high: float) -> float:
    number = real_number(argument, value)
    if not low <= number <= high:
        rule = f"{argument} must be a number from {low:g} to {high:g}"
        raise ValueError(f"{rule}; got {shown(value)}")
    return number


def _call(family: str, size: tuple[int, int], *numbers: float, **options: float | None) -> str:
    """Return the call as text: ``gaussian(5, 1.5)``, ``box((3, 5))``."""
    height, width = size
    parts = [str(height) if height == width else f"({height}, {width})"]
    parts += [f"{number:.6g}" for number in numbers]
    parts += [f"{option}={number:.6g}" for option, number in options.items()]
    return f"{family}({', '.join(parts)})"


def _cells(size: int) -> list[float]:
    """Return the distance of every cell from the centre: ``3`` gives −1, 0, 1."""
    return [i - (size - 1) / 2 for i in range(size)]


def _bell(size: int, sigma: float) -> list[float]:
    """Return a Gaussian in one dimension with sum 1."""
    squares = [x * x for x in _cells(size)]
    nearest = min(squares)
    weights = [math.exp(-(square - nearest) / sigma / sigma / 2) for square in squares]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _without_sum(rows: list[list[float]]) -> list[list[float]]:
    """Return ``rows`` less their mean, so that they sum to exactly 0."""
    count = len(rows) * len(rows[0])
    mean = math.fsum(value for row in rows for value in row) / count
    largest = max(abs(value - mean) for row in rows for value in row)
    step = math.ldexp(1.0, math.frexp(largest)[1] - 50)
    steps = [[round((value - mean) / step) for value in row] for row in rows]
    middle = [sorted({(size - 1) // 2, size // 2}) for size in (len(rows), len(rows[0]))]
    # By the two mirror symmetries the rest divides by the 1, 2 or 4 cells around the centre.
    share = sum(map(sum, steps)) // (len(middle[0]) * len(middle[1]))
    for i in middle[0]:
        for j in middle[1]:
            steps[i][j] -= share
    return [[whole * step for whole in row] for row in steps]


def _sine(degrees: float) -> float:
    """Return the sine, odd to the last bit and exact at every multiple of 90 degrees."""
    turn = math.fmod(abs(degrees), 360)
    sign = math.copysign(1.0, degrees) * (1 if turn < 180 else -1)
    turn = math.fmod(turn, 180)
    return sign * math.sin(math.radians(min(turn, 180 - turn)))


def _cosine(degrees: float) -> float:
    """Return the cosine, even and exact at every multiple of 90 degrees."""
    return _sine(90 - math.fmod(abs(degrees), 360))


def _turned(x: float, y: float, degrees: float) -> tuple[float, float]:
    """Return the coordinates along and across a direction."""
    cosine, sine = _cosine(degrees), _sine(degrees)
    return x * cosine + y * sine, y * cosine - x * sine


def _wave(periods: float, phase: float) -> float:
    degrees = 360 * periods
    return _cosine(degrees) * _cosine(phase) - _sine(degrees) * _sine(phase)


def _hill(along: float, across: float, sigma: float) -> float:
    along, across = along / sigma, across / sigma
    return math.exp(-(along * along + across * across) / 2)


def _on_line(along: float, across: float, half: float) -> float:
    """Return 1 less the distance from a line of length 2·half, not below 0."""
    return max(0.0, 1 - math.hypot(max(0.0, abs(along) - half), across))


def _without_dirt(rows: list[list[float]]) -> list[list[float]]:
    """Return rows with 0 for what is below 1e-15 of the largest entry."""
    least = 1e-15 * max(abs(value) for row in rows for value in row)
    return [[value if abs(value) > least else 0.0 for value in row] for row in rows]
