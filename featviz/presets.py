"""Kernels by name, each with its source; the five of the course first.

:data:`PRESETS` maps a name to its :class:`~featviz.kernels.Kernel`; :data:`FAMILIES` (from
:mod:`featviz.kernel_families`) maps a name to a function that makes kernels of any size. All are
laid on the image as written (cross-correlation). ``bottom_…`` answers positively where brightness
grows downwards; the other seven directions come from turning the ring of the eight outer cells by
45° each. Second derivatives have a negative centre. Nothing here needs numpy.

Example:
    >>> print(PRESETS["bottom_right_sobel"])
    -2 -1 0
    -1  0 1
     0  1 2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

from featviz.kernel_families import (
    FAMILIES,
    box,
    gabor,
    gaussian,
    laplacian_of_gaussian,
    motion_blur,
)
from featviz.kernels import Kernel, Rows, rows_from_text

__all__ = [
    "DIRECTIONS",
    "FAMILIES",
    "PRESETS",
    "box",
    "gabor",
    "gaussian",
    "laplacian_of_gaussian",
    "motion_blur",
]

DIRECTIONS = (
    "top",
    "top_right",
    "right",
    "bottom_right",
    "bottom",
    "bottom_left",
    "left",
    "top_left",
)

_POWELL = "V. Powell, Image Kernels Explained Visually, https://setosa.io/ev/image-kernels/"
_COURSE = f"Kaggle Learn, Computer Vision, module visiontools; also {_POWELL}"
_ROBINSON = "G. S. Robinson 1977, Edge detection by compass gradient masks, CGIP 6:492-501"
_LINES = (
    "R. C. Gonzalez & R. E. Woods, Digital Image Processing, 4th ed., section 10.2, line detection"
)
_SECOND = "R. C. Gonzalez & R. E. Woods, Digital Image Processing, 4th ed., section 3.6, Laplacian"
_MEAN = "R. C. Gonzalez & R. E. Woods, Digital Image Processing, 4th ed., section 3.5, box filter"

# name: rows, divisor, source. The five of the course; its blur is [1 2 1]ᵀ × [1 2 1] / 16.
_COURSE_FIVE: dict[str, tuple[str, int, str]] = {
    "edge": ("-1 -1 -1; -1 8 -1; -1 -1 -1", 1, _COURSE),
    "blur": ("1 2 1; 2 4 2; 1 2 1", 16, _COURSE),
    "bottom_sobel": ("-1 -2 -1; 0 0 0; 1 2 1", 1, _COURSE),
    "emboss": ("-2 -1 0; -1 1 1; 0 1 2", 1, _COURSE),
    "sharpen": ("0 -1 0; -1 5 -1; 0 -1 0", 1, _COURSE),
}

# family: the member called "bottom", and its source; the others are turned from it.
_COMPASS = {
    "sobel": (
        "-1 -2 -1; 0 0 0; 1 2 1",
        "I. Sobel & G. Feldman 1968, A 3x3 Isotropic Gradient Operator for Image Processing "
        "(talk, Stanford Artificial Intelligence Project); turned: "
        f"{_ROBINSON}",
    ),
    "prewitt": (
        "-1 -1 -1; 0 0 0; 1 1 1",
        "J. M. S. Prewitt 1970, Object enhancement and extraction, in Picture Processing and "
        f"Psychopictorics, 75-149; turned: {_ROBINSON}",
    ),
    "scharr": (
        "-3 -10 -3; 0 0 0; 3 10 3",
        "H. Scharr 2000, Optimale Operatoren in der digitalen Bildverarbeitung (thesis, "
        f"Heidelberg); turned as in {_ROBINSON}",
    ),
    "emboss": ("-1 -2 -1; 0 1 0; 1 2 1", f"{_POWELL} (emboss); turned as in {_ROBINSON}"),
}

_OTHERS: dict[str, tuple[str, int, str]] = {
    "laplacian_4": ("0 1 0; 1 -4 1; 0 1 0", 1, _SECOND),
    "laplacian_8": ("1 1 1; 1 -8 1; 1 1 1", 1, _SECOND),
    "box": ("1 1 1; 1 1 1; 1 1 1", 9, _MEAN),
    "identity": ("0 0 0; 0 1 0; 0 0 0", 1, _POWELL),
    "horizontal_line": ("-1 -1 -1; 2 2 2; -1 -1 -1", 1, _LINES),
    "vertical_line": ("-1 2 -1; -1 2 -1; -1 2 -1", 1, _LINES),
    "rising_line": ("-1 -1 2; -1 2 -1; 2 -1 -1", 1, _LINES),
    "falling_line": ("2 -1 -1; -1 2 -1; -1 -1 2", 1, _LINES),
    "vertical_line_2x2": ("1 -1; 1 -1", 1, "the 6×6 example of the convolution lesson"),
    "outline": ("-1 -1 -1; -1 8 -1; -1 -1 -1", 1, _POWELL),
    # Twice the image minus its blur by [1 4 6 4 1]ᵀ × [1 4 6 4 1] / 256.
    "unsharp": (
        "-1 -4 -6 -4 -1; -4 -16 -24 -16 -4; -6 -24 476 -24 -6; -4 -16 -24 -16 -4; -1 -4 -6 -4 -1",
        256,
        "https://en.wikipedia.org/wiki/Kernel_(image_processing), unsharp masking 5×5",
    ),
    # The second 21 is a 21: a copy in circulation has 32 there and sums to 331/320.
    "spencer": (
        "-3 -6 -5 3 21 46 67 74 67 46 21 3 -5 -6 -3",
        320,
        "J. Spencer 1904, On the graduation of the rates of sickness and mortality, Journal of "
        "the Institute of Actuaries 38:334-343; mathworld.wolfram.com, Spencer's 15-Point "
        "Moving Average",
    ),
}

_CLOCKWISE = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


def _entry(name: str, text: str, divisor: int, source: str) -> tuple[str, Kernel]:
    rows: Rows = rows_from_text(text)
    if divisor != 1:
        rows = tuple(tuple(Fraction(value) / divisor for value in row) for row in rows)
    return name, Kernel(rows, name=name, source=source)


def _compass(family: str) -> Iterator[tuple[str, Kernel]]:
    """Yield the ring of ``bottom`` in eight turns of 45°, clockwise from the top."""
    text, source = _COMPASS[family]
    bottom = rows_from_text(text)
    ring = [bottom[i][j] for i, j in _CLOCKWISE]
    for step, direction in enumerate(DIRECTIONS):
        rows = [list(row) for row in bottom]
        for place, (i, j) in enumerate(_CLOCKWISE):
            rows[i][j] = ring[(place + 4 - step) % 8]
        name = f"{direction}_{family}"
        yield name, Kernel(rows, name=name, source=source)


def _presets() -> Mapping[str, Kernel]:
    found = dict(_entry(name, *facts) for name, facts in _COURSE_FIVE.items())
    for family in _COMPASS:
        for name, kernel in _compass(family):
            found.setdefault(name, kernel)
    found.update(_entry(name, *facts) for name, facts in _OTHERS.items())
    bell = gaussian(3, 1)
    found["gaussian_3"] = Kernel(bell, name="gaussian_3", source=bell.source)
    return MappingProxyType(found)


PRESETS: Mapping[str, Kernel] = _presets()
