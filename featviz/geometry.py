"""Where windows lie: sizes, pads and uncovered rows, integers in, integers out.

One :class:`Axis` describes how a window of a kernel or pool slides along one side of an image.
The rules are TensorFlow's, stated in the guide of ``tf.nn.convolution`` ("SAME" and "VALID")
and in Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016):

* a window of k cells with dilation d spans k̂ = k + (k − 1)(d − 1) cells;
* the output has ⌊(i + before + after − k̂)/s⌋ + 1 cells;
* ``"valid"`` adds nothing; ``"full"`` adds k̂ − 1 on both sides, Keras' ``"causal"`` before alone;
* ``"same"`` gives ⌈i/s⌉ cells and adds max((o − 1)s + k̂ − i, 0) in total, half of it before;
  an odd one goes after, to the bottom and to the right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

Pads = tuple[tuple[int, int], tuple[int, int]]
# The first and the last of neighbouring cells; below 0 and beyond the size lies padding.
Span = tuple[int, int]
AxisPadding = str | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """A window sliding along one axis.

    Attributes:
        size: cells of the image along the axis, without padding.
        window: cells of the window that are used (taps).
        stride: cells from one window to the next.
        dilation: cells from one tap to the next.
        before: cells added above or on the left.
        after: cells added below or on the right.
    """

    size: int
    window: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def extent(self) -> int:
        """Cells from the first tap to the last, both counted."""
        return dilated_size(self.window, self.dilation)

    @property
    def outputs(self) -> int:
        """Number of windows, that is, cells of the output; 0 or less when none fits."""
        return (self.size + self.before + self.after - self.extent) // self.stride + 1

    @property
    def is_same(self) -> bool:
        """Whether the pads are those that ``"same"`` adds."""
        return (self.before, self.after) == _same_pads(self.size, self.extent, self.stride)


def dilated_size(window: int, dilation: int) -> int:
    """Return k̂ = k + (k − 1)(d − 1), the cells that a dilated window spans.

    Example:
        >>> dilated_size(3, 2)
        5
    """
    return window + (window - 1) * (dilation - 1)


def slide(size: int, window: int, *, stride: int, dilation: int, padding: AxisPadding) -> Axis:
    """Return the :class:`Axis` of one side, the padding's word turned into numbers.

    Example:
        >>> slide(6, 3, stride=2, dilation=1, padding="same")
        Axis(size=6, window=3, stride=2, dilation=1, before=0, after=1)
    """
    extent = dilated_size(window, dilation)
    if padding == "same":
        before, after = _same_pads(size, extent, stride)
    elif padding == "full":
        before = after = extent - 1
    elif padding == "causal":
        before, after = extent - 1, 0
    elif padding == "valid":
        before = after = 0
    else:
        before, after = cast("tuple[int, int]", padding)  # the words are gone by now
    return Axis(size, window, stride, dilation, before, after)


def transposed_axis(
    size: int,
    window: int,
    *,
    stride: int,
    dilation: int,
    padding: AxisPadding,
    output_padding: int = 0,
) -> Axis:
    """Return the axis whose convolution a transposed one of ``size`` cells undoes.

    The result of the transposed convolution has ``.size`` cells, and the convolution of that
    many gives ``.outputs`` = ``size`` again. With n the given size, s the stride, k̂ the dilated
    window and a the ``output_padding``:

    * ``"same"`` gives n·s cells and ``"valid"`` (n − 1)s + k̂ + max(s − k̂, 0), as
      ``keras.layers.Conv2DTranspose`` does;
    * ``"full"`` and pads give (n − 1)s + k̂ − before − after + a.

    Source: Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016),
    relationships 8 to 14.

    Args:
        size: cells of the input along the axis.
        window: cells of the window that are used.
        stride: output cells from one input cell's window to the next.
        dilation: cells from one tap to the next.
        padding: a word or (before, after): the cells cut off the result.
        output_padding: cells added after the last one, which a convolution would have left
            over; less than the stride.

    Example:
        >>> axis = transposed_axis(3, 3, stride=2, dilation=1, padding=(1, 1), output_padding=1)
        >>> axis.size, axis.outputs
        (6, 3)
    """
    extent = dilated_size(window, dilation)
    reach = (size - 1) * stride + extent
    if padding == "same":
        before, after = _same_pads(size * stride, extent, stride)
        return Axis(size * stride, window, stride, dilation, before, after)
    if padding == "valid":
        reach += max(stride - extent, 0)
        before = after = 0
    elif padding == "full":
        before = after = extent - 1
    else:
        before, after = cast("tuple[int, int]", padding)
    whole = reach - before - after + output_padding
    return Axis(whole, window, stride, dilation, before, after)


def stretched_axis(axis: Axis) -> tuple[Axis, int]:
    """Return a transposed convolution as a plain one, and its first window.

    The input is stretched, stride − 1 zeros between its cells, and padded; the kernel, turned by
    180°, slides over it cell by cell.

    Args:
        axis: from :func:`transposed_axis`.

    Example:
        >>> stretched_axis(transposed_axis(2, 3, stride=2, dilation=1, padding="valid"))
        (Axis(size=3, window=3, stride=1, dilation=1, before=2, after=2), 0)
    """
    cells = (axis.outputs - 1) * axis.stride + 1
    before = axis.extent - 1 - axis.before
    after = axis.size + axis.before - cells
    plane = Axis(cells, axis.window, 1, axis.dilation, max(before, 0), max(after, 0))
    return plane, max(-before, 0)


def _same_pads(size: int, extent: int, stride: int) -> tuple[int, int]:
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def pads_of(axes: tuple[Axis, Axis]) -> Pads:
    """Return ((top, bottom), (left, right)), the cells added on each side."""
    rows, columns = axes
    return (rows.before, rows.after), (columns.before, columns.after)


def border_indices(axis: Axis, border: str) -> list[int]:
    """Return, for each cell of the padded axis, which cell of the image it repeats.

    Args:
        axis: the axis, with its pads; they may be larger than the image.
        border: ``"reflect"`` (dcb|abcd|cba), ``"symmetric"`` (cba|abcd|dcb), ``"edge"``
            (aaa|abcd|ddd) or ``"wrap"`` (bcd|abcd|abc).

    Example:
        >>> border_indices(Axis(3, 3, 1, 1, 2, 2), "reflect")
        [2, 1, 0, 1, 2, 1, 0]
    """
    size, cells = axis.size, range(-axis.before, axis.size + axis.after)
    if border == "edge":
        return [min(max(cell, 0), size - 1) for cell in cells]
    if border == "wrap":
        return [cell % size for cell in cells]
    if border == "symmetric":
        return [min(cell % (2 * size), 2 * size - 1 - cell % (2 * size)) for cell in cells]
    period = max(2 * (size - 1), 1)  # a single cell has nothing to reflect but itself
    return [min(cell % period, period - cell % period) % size for cell in cells]


def read_cells(axis: Axis, border: str) -> tuple[int, ...]:
    """Return, for each cell of the padded axis, which cell of the image it reads.

    Args:
        axis: the axis, with its pads.
        border: what the padding holds; ``"zeros"`` reads none, which is −1.

    Example:
        >>> read_cells(Axis(2, 3, 1, 1, 1, 1), "zeros"), read_cells(Axis(2, 3, 1, 1, 1, 1), "wrap")
        ((-1, 0, 1, -1), (1, 0, 1, 0))
    """
    if border == "zeros":
        return (-1,) * axis.before + tuple(range(axis.size)) + (-1,) * axis.after
    return tuple(border_indices(axis, border))


def uncovered_cells(axis: Axis, border: str = "zeros") -> tuple[int, ...]:
    """Return the cells of the image that no tap of any window touches.

    Args:
        axis: the axis.
        border: what the padding holds; a cell that a border repeats is touched there.

    Example:
        >>> uncovered_cells(Axis(6, 3, 2, 1, 0, 0))
        (5,)
    """
    taps = {
        start + step
        for start in range(0, axis.outputs * axis.stride, axis.stride)
        for step in range(0, axis.extent, axis.dilation)
    }
    cells = read_cells(axis, border)
    reached = {cells[tap] for tap in taps}
    return tuple(cell for cell in range(axis.size) if cell not in reached)


def read_span(axis: Axis, span: Span) -> Span:
    """Return the cells from the first to the last that some outputs read.

    Args:
        axis: of a convolution or a pool.
        span: first and last output.

    Returns:
        First and last cell of the image; cells of the padding lie below 0 or beyond the size.

    Example:
        >>> read_span(Axis(6, 3, 2, 1, 0, 1), (2, 2)), read_span(Axis(5, 3, 1, 2, 2, 2), (0, 1))
        ((4, 6), (-2, 3))
    """
    first, last = (output * axis.stride - axis.before for output in span)
    return first, last + axis.extent - 1


def spread_span(axis: Axis, span: Span) -> Span | None:
    """Return the first and last input cell that reach some cells of a result.

    Args:
        axis: of a transposed convolution, the axis of the convolution that it undoes.
        span: first and last cell of the result.

    Returns:
        First and last input cell, also beyond the ends; None where no input reaches.

    Example:
        >>> axis = transposed_axis(3, 3, stride=2, dilation=1, padding="valid")
        >>> spread_span(axis, (2, 2)), spread_span(axis, (3, 3))
        ((0, 1), (1, 1))
    """
    taps = range(0, axis.extent, axis.dilation)
    # The nearest cells of a whole stride hold every phase, so none beyond is ever needed.
    low = range(span[0], min(span[0] + axis.stride, span[1] + 1))
    high = range(max(span[1] + 1 - axis.stride, span[0]), span[1] + 1)
    cells = [
        (cell + axis.before - tap) // axis.stride
        for cell in {*low, *high}
        for tap in taps
        if (cell + axis.before - tap) % axis.stride == 0
    ]
    return (min(cells), max(cells)) if cells else None


def count_multiply_adds(
    window: Sequence[int], outputs: Sequence[int], *, channels: int, features: int, groups: int = 1
) -> int:
    """Return the multiply-adds of a convolution, cells of the padding counted too.

    Args:
        window: cells of the window along each axis.
        outputs: cells of the *output* along each axis; of a transposed one, of its input.
        channels: of the input.
        features: of the output.
        groups: of the channels.

    Source: Dumoulin & Visin count windows; each takes every tap of every channel of its group
    once for every feature: kₕ·k_w·C/g·F·H′·W′.

    Example:
        >>> count_multiply_adds((3, 3), (56, 56), channels=64, features=128)
        231211008
    """
    return math.prod(window) * (channels // groups) * features * math.prod(outputs)
