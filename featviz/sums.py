"""The sum of one window, exact and not yet summed, letters allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy

from featviz._check import one_of, size_text, whole_number
from featviz.geometry import Axis, read_cells
from featviz.letters import Cells, entry_from_bias, image_cells, kernel_cells
from featviz.sliding import Sliding, check_fits, kernel_sliding
from featviz.vocabulary import BORDERS

MOST_PRODUCTS = 10_000
# A sum of floats that should be 0 leaves this share of its terms: a few roundings of float64.
_LEFTOVER = 2.0**-48

Place = tuple[int, int]


def window_sum(
    image: Any,
    kernel: Any,
    row: int,
    column: int,
    *,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    border: str = "zeros",
    bias: Any = None,
) -> sympy.Expr:
    """Return how one cell of a filtered image is summed, as sympy, not yet summed.

    The kernel is laid on the image as it is written (cross-correlation, as in
    ``tf.nn.conv2d``). :func:`featviz.text_from_sum` prints the sum; ``.doit()`` gives the total.

    Args:
        image: rows of numbers and letters, as text (``"a b; c d"``), nested lists or a sympy
            matrix; or what :func:`featviz.read_image` takes: a file is read as a grey image, an
            array has shape (H, W) or (H, W, 1) and unsigned integers are divided by the range of
            their type. Only the cells of the window become sympy.
        kernel: rows of numbers and letters, or anything :func:`featviz.read_kernel` takes.
        row: of the result, counted from 0.
        column: of the result, counted from 0.
        stride: as in :func:`featviz.filter_image`.
        padding: as in :func:`featviz.filter_image`; zeros of the padding are in the sum.
        dilation: as in :func:`featviz.filter_image`.
        border: as in :func:`featviz.filter_image`.
        bias: a number, a letter or a sympy expression, added last; None for none.

    Returns:
        ``Add`` of one ``Mul`` (pixel, weight) per tap, row by row, none of them evaluated.

    Raises:
        TypeError: a wrong kind, or cells that are neither numbers nor letters.
        ValueError: a wrong value, a kernel that does not fit, no such row or column, or more
            than 10 000 taps.
        OSError: the image's file is missing or cannot be read.

    Example:
        >>> window_sum("a b; c d", "1 0; 0 -1", 0, 0, padding="valid").doit()
        a - d
        >>> window_sum([[1, 2]], [[3, 1]], 0, 0, padding="valid", bias=4).args
        (1*3, 2*1, 4)
    """
    sliding = kernel_sliding(stride, padding, dilation)
    one_of("border", border, BORDERS)
    cells, weights, axes = laid(image, kernel, sliding, padding)
    if weights.size[0] * weights.size[1] > MOST_PRODUCTS:
        raise ValueError(
            f"kernel must have at most {MOST_PRODUCTS} taps to be written as a sum; "
            f"got {size_text(weights.size)}"
        )
    place = (_index("row", row, axes[0]), _index("column", column, axes[1]))
    taps = Taps(axes, border)
    pixels = cells.entries(taps.places(place))
    entries = weights.matrix().flat()
    terms = [sympy.Mul(p, w, evaluate=False) for p, w in zip(pixels, entries, strict=True)]
    added = entry_from_bias(bias)
    return sympy.Add(*terms, *([] if added is None else [added]), evaluate=False)


@dataclass(frozen=True, slots=True)
class Taps:
    """Which cells of an image the taps of each window touch.

    Args:
        axes: of the rows and of the columns.
        border: what the padding holds.
    """

    axes: tuple[Axis, Axis]
    border: str
    _sources: tuple[tuple[int, ...], tuple[int, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows, columns = (read_cells(axis, self.border) for axis in self.axes)
        object.__setattr__(self, "_sources", (rows, columns))

    def places(self, cell: Place) -> list[Place | None]:
        """Return (row, column) of the image for each tap, None for a zero of the padding."""
        rows, columns = (
            [sources[at * axis.stride + tap * axis.dilation] for tap in range(axis.window)]
            for at, axis, sources in zip(cell, self.axes, self._sources, strict=True)
        )
        return [(i, j) if min(i, j) >= 0 else None for i in rows for j in columns]


def total_of(terms: Iterable[sympy.Expr]) -> sympy.Expr:
    """Return the sum; floats that cancel but for their rounding are 0.

    Example:
        >>> total_of([sympy.Float(0.3), sympy.Float(-0.1), sympy.Float(-0.2)])
        0
    """
    parts = [term.doit() for term in terms]
    total = sympy.Add(*parts)
    if not total.is_Float:
        return total
    size = sum(abs(float(part)) for part in parts)
    return sympy.S.Zero if abs(float(total)) <= _LEFTOVER * size else total


def laid(
    image: Any, kernel: Any, sliding: Sliding, padding: Any
) -> tuple[Cells, Cells, tuple[Axis, Axis]]:
    """Return the cells of image and kernel and the axes on which the kernel slides."""
    cells, weights = image_cells(image), kernel_cells(kernel)
    axes = sliding.axes(cells.size, weights.size)
    check_fits(f"kernel {weights.label!r}", "image", axes, repr(padding))
    return cells, weights, axes


def _index(argument: str, value: Any, axis: Axis) -> int:
    at = whole_number(argument, value, minimum=0)
    if at >= axis.outputs:
        raise ValueError(
            f"{argument} must be less than the {axis.outputs} {argument}s of the output; got {at}"
        )
    return at
