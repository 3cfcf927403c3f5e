"""Values to colours without matplotlib: steps of a palette, numbers of a bar.

The colours are those of :mod:`featviz.render.drawing`, so that a mosaic and a figure agree.

Source:
    magma: N. Smith and S. van der Walt, the colour maps of matplotlib (CC0), its 256 colours.
    The signed palette: C. Brewer's RdBu in eleven classes (colorbrewer2.org), the blue end first.
"""

from __future__ import annotations

import base64
import functools
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz.captions import ends_text, leading_digit, value_text
from featviz.map_choice import Values
from featviz.panels import Limits

Colours = npt.NDArray[np.uint8]
Steps = npt.NDArray[np.uint8]

# Between these float32 neither over- nor underflows.
SAFE = (1e-30, 1e30)
# Differences from colour to colour of each channel, deflated.
_MAGMA = (
    "c-n1J2@b#@2!r|mH#6m~BBeAgAP$L$5BQ+3&q=YZ5Y9l8=mCoivZbpzoUA)-)6Jo71fnmQwPa43o&%>;MY+<MdRE1dS%z"
    "t_TjmJpnt~0$evrCRi_Z>(he0lGW%gRh>tIFjE$bn=t6Q{DOe2sA?h>RHbf6BxK3YPa0OM+J);wM<zTErzd;Ql;Ew="
)
_RED_TO_BLUE = (
    (103, 0, 31), (178, 24, 43), (214, 96, 77), (244, 165, 130), (253, 219, 199), (247, 247, 247),
    (209, 229, 240), (146, 197, 222), (67, 147, 195), (33, 102, 172), (5, 48, 97),
)  # fmt: skip


@functools.cache
def colours_of_palette(palette: str) -> Colours:
    """Return the 256 colours of a palette, (256, 3), the lowest value's first.

    Args:
        palette: ``"signed"``, ``"heat"`` or ``"grey"``.

    Example:
        >>> colours_of_palette("heat")[0].tolist()
        [0, 0, 3]
    """
    places = np.arange(256)
    if palette == "grey":
        return np.repeat(places.astype(np.uint8)[:, None], 3, axis=1)
    if palette == "heat":
        steps = np.frombuffer(zlib.decompress(base64.b85decode(_MAGMA)), np.uint8).reshape(3, 256)
        return np.cumsum(steps, axis=1, dtype=np.uint8).T
    knots = np.array(_RED_TO_BLUE[::-1], np.float64)
    spots = np.linspace(0, 255, len(knots))
    mixed = [np.interp(places, spots, knots[:, channel]) for channel in range(3)]
    return np.stack(mixed, axis=1).astype(np.uint8)


def table_of_steps(palette: str, limits: Limits, gamma: float, count: int) -> Colours:
    """Return the colours of ``count`` steps from limit to limit, (count, 3).

    The signed palette has its white at 0 also between uneven limits.

    Args:
        palette: ``"signed"``, ``"heat"`` or ``"grey"``.
        limits: (low, high).
        gamma: exponent of the display.
        count: 2 to 256.
    """
    places = (np.arange(count) + 0.5) / count
    if palette == "signed" and limits[0] != -limits[1]:
        low, high = _bent_ends(limits, gamma)
        places = 0.5 + (low + (high - low) * places) / 2
    return colours_of_palette(palette)[(places * 256).astype(np.intp)]


def steps_from_values(values: Values, limits: Sequence[Limits], gamma: float, count: int) -> Steps:
    """Return which step each value is shown in; NaN and infinity get ``count``.

    Args:
        values: (n, H, W).
        limits: (low, high) of each of the n maps.
        gamma: exponent of the display, the sign kept.
        count: how many steps, 2 to 255.

    Returns:
        uint8 (n, H, W): 0 for the lower limit and what lies below, ``count`` − 1 for the upper
        limit and what lies above.

    Example:
        >>> steps_from_values(np.array([[[0.0, 0.5, 1.0, np.nan]]]), [(0, 1)], 1.0, 100).tolist()
        [[[0, 50, 99, 100]]]
    """
    ends = np.array([_bent_ends(one, gamma) for one in limits])
    most = np.array([_most(one) for one in limits])
    kind: Any = np.float32 if SAFE[0] < most.min() and most.max() < SAFE[1] else np.float64
    low, span = (side.astype(kind).reshape(-1, 1, 1) for side in (ends[:, 0], np.ptp(ends, axis=1)))
    with np.errstate(invalid="ignore", over="ignore"):
        # The division comes first: float64's own largest value times a step would overflow.
        scaled: Values = np.divide(values, most.astype(kind).reshape(-1, 1, 1), dtype=kind)
        bent = scaled if gamma == 1.0 else _bent(scaled, gamma)
        bent -= low
        bent *= count / span
        steps: Steps = np.clip(bent, 0, count - 1, out=bent).astype(np.uint8)
    whole = np.isfinite(values)
    if not whole.all():
        steps[~whole] = count
    return steps


def _most(limits: Limits) -> float:
    return max(abs(limits[0]), abs(limits[1]))


def _bent_ends(limits: Limits, gamma: float) -> tuple[float, float]:
    """Return the limits over the larger one, bent as the display bends values."""
    low, high = (math.copysign(abs(end / _most(limits)) ** gamma, end) for end in limits)
    return low, high


def _bent(values: Values, gamma: float) -> Values:
    sizes = np.abs(values)
    sizes = np.sqrt(sizes, out=sizes) if gamma == 0.5 else np.power(sizes, gamma, out=sizes)
    return np.copysign(sizes, values, out=sizes)


def bar_numbers(limits: Limits, gamma: float) -> list[tuple[str, float]]:
    """Return the numbers of a colour bar, most wanted first, and where in 0..1.

    Args:
        limits: (low, high).
        gamma: exponent of the display: the places are bent as the colours are.

    Example:
        >>> bar_numbers((0.0, 4.0), 0.5)
        [('0', 0.0), ('4', 1.0), ('1', 0.5)]
    """
    low, high = _bent_ends(limits, gamma)
    inner = [0.0] if limits[0] < 0 < limits[1] else []
    inner += [leading_digit(end / 4) for end in limits[::-1] if end]
    found = dict(zip(ends_text(limits), (0.0, 1.0), strict=True))
    for value in (value for value in inner if limits[0] < value < limits[1]):
        size = abs(value / _most(limits)) ** gamma
        place = (math.copysign(size, value) - low) / (high - low)
        found.setdefault(value_text(value), place)
    return list(found.items())
