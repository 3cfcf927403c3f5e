"""The words beside a picture: shape, range, zeros, marks, numbers in cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Context
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from featviz._check import shown, size_text
from featviz.exact import LARGEST_DENOMINATOR as READ_DENOMINATOR
from featviz.exact import exact_number, exact_text, is_stored_as, readable_number
from featviz.kernels import Kernel, number_text
from featviz.stats import MapStats

if TYPE_CHECKING:
    from featviz.extraction import Extraction, Uncovered

# In the cells of a map 14/9 says more than 1.56, and 0.784 more than 40/51.
LARGEST_DENOMINATOR = 32
# A longer exact number would make the cells of its kernel wider than they are useful.
LONGEST_CELL = 14
# A decimal of a kernel is written whole up to here: 12345.678.
LONGEST_DECIMAL = 9
# float64 has no more.
MOST_DIGITS = 17
# More kernels than these are counted below a figure: their names stand above their maps.
MOST_NAMES = 6


def value_text(value: float, digits: int = 3) -> str:
    """Return a value as a caption prints it: whole, or with three digits.

    Example:
        >>> value_text(-3.0), value_text(0.78431)
        ('−3', '0.784')
    """
    number = int(value) if value == int(value) and abs(value) < 10**6 else value
    return exact_text(number, digits=digits).replace("-", "−")


def ends_text(limits: tuple[float, float]) -> tuple[str, str]:
    """Return two numbers in as many digits as tell them apart, at least three.

    Example:
        >>> ends_text((0.0, 4.8132)), ends_text((100.0001, 100.0002))
        (('0', '4.81'), ('100.0001', '100.0002'))
    """
    for digits in range(3, MOST_DIGITS + 1):
        low, high = (value_text(end, digits) for end in limits)
        if low != high:
            break
    return low, high


def leading_digit(value: float) -> float:
    """Return a value cut to its leading digit, so that it lies within.

    Example:
        >>> leading_digit(4.81), leading_digit(-0.27), leading_digit(0.0)
        (4.0, -0.2, 0.0)
    """
    if value == 0:
        return 0.0
    unit = 10.0 ** math.floor(math.log10(abs(value)))
    return float(f"{math.copysign(math.floor(abs(value) / unit) * unit, value):.3g}")


def one_line(text: str) -> str:
    r"""Return a name or title with every run of blanks and newlines as one blank.

    Example:
        >>> one_line("my\n  kernel")
        'my kernel'
    """
    return " ".join(text.split())


def check_title(title: Any) -> None:
    """Raise if this is no title: a text, or None for the picture's own.

    Raises:
        TypeError: neither.

    Example:
        >>> check_title(3)
        Traceback (most recent call last):
        TypeError: title must be a text or None; got 3
    """
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title must be a text or None; got {shown(title)}")


def range_text(stats: MapStats) -> str:
    """Return the range in words, ``−3.92 to 4.2``, or the value of a constant map."""
    if stats.broken_count == stats.shape[0] * stats.shape[1]:
        return "no other value" if stats.lowest_count else "no finite value"
    if stats.low == stats.high:
        return value_text(stats.low)
    return " to ".join(ends_text((stats.low, stats.high)))


def share_text(share: float) -> str:
    """Return a share in whole percent; only an exact 0 or 1 is 0 % or 100 %.

    Example:
        >>> share_text(0.5), share_text(0.001)
        ('50 %', '<1 %')
    """
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")


def caption_lines(stats: MapStats, limits: tuple[float, float]) -> tuple[str, ...]:
    """Return shape, range and share of zeros, and whether values leave the limits."""
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
        counts = (
            (stats.nan_count, "NaN"),
            (stats.infinite_count, "infinite"),
            (stats.lowest_count, "lowest float"),
        )
        return ", ".join(f"{count} {what}" for count, what in counts if count)
    if stats.dead:
        return "dead: all 0"
    if stats.constant and size_text(stats.shape) != "1×1":
        return f"constant: all {value_text(stats.low)}"
    return ""


def cell_texts(values: npt.NDArray[np.float32]) -> tuple[tuple[str, ...], ...]:
    """Return the text of every cell of a map, (H, W).

    Example:
        >>> cell_texts(np.array([[14 / 9, -2]], np.float32))
        (('14/9', '−2'),)
    """
    return tuple(tuple(_map_cell(exact_number(float(value))) for value in row) for row in values)


def _map_cell(number: int | Fraction | float) -> str:
    """Return a map's number: whole, a fraction that people know, or three digits."""
    if isinstance(number, Fraction) and number.denominator > LARGEST_DENOMINATOR:
        number = float(number)
    return exact_text(number, digits=3).replace("-", "−")


def kernel_cell(value: Any) -> str:
    """Return a kernel's number as text: exact where that is short, else three digits.

    Example:
        >>> kernel_cell(Fraction(-1, 9)), kernel_cell(Fraction("0.123456")), kernel_cell(2**0.5)
        ('−1/9', '0.123456', '1.41')
    """
    text = _short_decimal(value)
    if not text and isinstance(value, float):
        value = exact_number(value)
        text = _short_decimal(value)
    if not text:
        text = exact_text(value, digits=3) if isinstance(value, float) else number_text(value)
    if len(text) > LONGEST_CELL:
        number = Fraction(value)
        text = f"{Context(prec=3).divide(number.numerator, number.denominator).normalize():g}"
    return text.replace("-", "−")


def _short_decimal(value: Any) -> str:
    """Return a number as a decimal that is exact and short, else nothing."""
    fraction = isinstance(value, Fraction)
    if not isinstance(value, float) and not (fraction and value.denominator > READ_DENOMINATOR):
        return ""
    text = exact_text(float(value), digits=LONGEST_DECIMAL)
    exact = Fraction(text) == value if fraction else float(text) == value
    shorter = not fraction or len(text) < len(str(value))
    return text if exact and shorter and len(text.lstrip("-")) <= LONGEST_DECIMAL else ""


def kernel_cells(kernel: Kernel) -> tuple[tuple[str, ...], ...]:
    """Return the text of every cell of a kernel, (h, w)."""
    return tuple(tuple(map(kernel_cell, row)) for row in kernel.rows)


def kernel_line(kernel: Kernel, cells: Sequence[Sequence[str]] | None) -> str:
    """Return the line below a kernel: size, sum, whether cells are rounded.

    Args:
        kernel: it.
        cells: its numbers as they are written, None for none.
    """
    total = readable_number(kernel.sum)
    text = value_text(total) if isinstance(total, float) else kernel_cell(total)
    pairs = zip(kernel.rows, cells or (), strict=False)
    rounded = any(not _says(t, v) for row in pairs for v, t in zip(*row, strict=True))
    note = " · rounded" if rounded else ""
    return f"{size_text(kernel.shape)} · sum {text}{note}"


def _says(text: str, value: Any) -> bool:
    """Whether a kernel's text is its number, in the precision of the number."""
    told = Fraction(text.replace("−", "-"))
    return told == value or float(told) == value or is_stored_as(told, value)


def settings_text(extraction: Extraction, *, stage: str = "condense", pads: bool = True) -> str:
    """Return the run in one line: kernel, stride, pads, border, activation, pool.

    Args:
        extraction: the run.
        stage: the last step that is told of.
        pads: whether to say how many cells were added, which is not the same for all images.

    Returns:
        Words with `` · `` between them.
    """
    settings = extraction.settings
    names = [one_line(kernel.name) for kernel in extraction.kernels]
    words = [", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} kernels"]
    if not names:  # a layer of a network, whose name the labels say
        words = list(extraction.notes)
    elif settings.color != "grey":
        words.append(f"color {settings.color}")
    words.append(f"stride {size_text(settings.stride)}")
    if set(settings.dilation) != {1}:
        words.append(f"dilation {size_text(settings.dilation)}")
    added = {tuple((axis.before, axis.after) for axis in axes) for axes in extraction.filter_axes}
    each = "(by each kernel's size)" if len(added) > 1 else _pads_text(extraction.pads)
    words.append(f"{_padding_text(settings.padding)} {each if pads else ''}".strip())
    if settings.border != "zeros":
        words.append(f"border {settings.border}")
    if settings.bias is not None:
        words.append(f"bias {_bias_text(settings.bias)}")
    if pads and extraction.uncovered:
        words.append(f"no window reaches {_cells_text(extraction.uncovered)}")
    if stage != "filter":
        words.append(settings.activation)
    if stage == "condense":
        words.append(_pool_text(extraction, pads=pads))
    return " · ".join(words)


def _cells_text(cells: Uncovered) -> str:
    """Return rows and columns by number from 0, or how many they are."""
    words = []
    for name, numbers in (("row", cells.rows), ("column", cells.columns)):
        if len(numbers) > MOST_NAMES:
            words.append(f"{len(numbers)} {name}s")
        elif numbers:
            words.append(f"{name}{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}")
    return " and ".join(words)


def _bias_text(bias: Any) -> str:
    """Return one number, or several, or their ends where they would fill the line."""
    numbers = bias if isinstance(bias, (list, tuple)) else (bias,)
    if len(numbers) > MOST_NAMES:
        low, high = min(numbers), max(numbers)
        return f"{value_text(low)} to {value_text(high)}, one for each map"
    return ", ".join(map(value_text, numbers))


def _padding_text(padding: Any) -> str:
    if isinstance(padding, str):
        return padding
    return f"padding {padding}" if isinstance(padding, int) else "padding"


def _pool_text(extraction: Extraction, *, pads: bool) -> str:
    settings = extraction.settings
    text = settings.pool.replace("_", " ")
    if settings.pool in ("max", "average"):
        text += f" {size_text(settings.pool_size)} stride {size_text(settings.pool_stride)}"
    if settings.pool.startswith("adaptive"):
        text += f" to {size_text(extraction.condensed.shape[:2])}"
    return f"{text} {_pads_text(extraction.pool_pads) if pads else ''}".rstrip()


def _pads_text(pads: Any) -> str:
    (top, bottom), (left, right) = pads
    if not any((top, bottom, left, right)):
        return ""
    return f"(+{top} top, +{bottom} bottom, +{left} left, +{right} right)"
