"""The words beside a picture: shape, range, share of zeros, marks, numbers in cells."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from featviz._check import size_text
from featviz.exact import exact_number, exact_text
from featviz.kernels import number_text
from featviz.stats import MapStats

if TYPE_CHECKING:
    from featviz.extraction import Extraction

# In the cells of a map 14/9 says more than 1.56, and 0.784 more than 40/51.
LARGEST_DENOMINATOR = 32


def value_text(value: float) -> str:
    """Return a value as a caption prints it: whole numbers whole, others with three digits."""
    number = int(value) if value == int(value) and abs(value) < 10**6 else value
    return exact_text(number, digits=3).replace("-", "−")


def range_text(stats: MapStats) -> str:
    """Return the range in words, ``−3.92..4.2``, or the one value of a constant map."""
    low, high = value_text(stats.low), value_text(stats.high)
    return low if stats.low == stats.high else f"{low}..{high}"


def share_text(share: float) -> str:
    """Return a share in whole percent; 0 % and 100 % are said only when they are exact."""
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")


def caption_lines(stats: MapStats, limits: tuple[float, float]) -> tuple[str, ...]:
    """Return shape, range and share of zeros; says when values lie outside the limits."""
    second = range_text(stats)
    beyond = stats.low < limits[0] or stats.high > limits[1]
    clipped = " (beyond the scale)" if beyond else ""
    return (
        f"{size_text(stats.shape)} · {second}{clipped}",
        f"{share_text(stats.zero_share)} zeros",
    )


def mark_text(stats: MapStats) -> str:
    """Return what must not be overlooked: NaN, infinity, a dead or a constant map."""
    if stats.broken:
        counts = ((stats.nan_count, "NaN"), (stats.infinite_count, "infinite"))
        return ", ".join(f"{count} {what}" for count, what in counts if count)
    if stats.dead:
        return "dead: all 0"
    if stats.constant and size_text(stats.shape) != "1×1":
        return f"constant: all {value_text(stats.low)}"
    return ""


def cell_texts(values: npt.NDArray[np.float32]) -> tuple[tuple[str, ...], ...]:
    """Return the text of every cell of a map, (H, W)."""
    return tuple(tuple(_map_cell(exact_number(float(value))) for value in row) for row in values)


def _map_cell(number: int | Fraction | float) -> str:
    """Return a map's number: whole, a fraction that people know, or three digits."""
    if isinstance(number, Fraction) and number.denominator > LARGEST_DENOMINATOR:
        number = float(number)
    return exact_text(number, digits=3).replace("-", "−")


def kernel_cell(value: Any) -> str:
    """Return the text of a kernel's number: exact, or three significant digits of a float."""
    text = exact_text(value, digits=3) if isinstance(value, float) else number_text(value)
    return text.replace("-", "−")


def settings_text(extraction: Extraction) -> str:
    """Return the run in one line: kernel, stride, pads, border, activation, pool."""
    settings = extraction.settings
    names = ", ".join(kernel.name for kernel in extraction.kernels)
    words = [names, f"stride {size_text(settings.stride)}"]
    if settings.dilation != (1, 1):
        words.append(f"dilation {size_text(settings.dilation)}")
    padding = settings.padding if isinstance(settings.padding, str) else "pads"
    words.append(f"{padding} {_pads_text(extraction.pads)}".strip())
    if settings.border != "zeros":
        words.append(f"border {settings.border}")
    if settings.bias is not None:
        words.append(f"bias {settings.bias}")
    words.append(settings.activation)
    words.append(settings.pool.replace("_", " "))
    if settings.pool in ("max", "average"):
        pads = _pads_text(extraction.pool_pads)
        words[-1] += f" {size_text(settings.pool_size)} stride {size_text(settings.pool_stride)}"
        words[-1] += f" {pads}".rstrip()
    return " · ".join(words)


def _pads_text(pads: Any) -> str:
    (top, bottom), (left, right) = pads
    if not any((top, bottom, left, right)):
        return ""
    return f"(+{top} top, +{bottom} bottom, +{left} left, +{right} right)"
