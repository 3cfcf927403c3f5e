"""Where windows lie: sizes, pads and uncovered rows, integers in, integers out.

One :class:`Axis` describes how a window of a kernel or pool slides along one side of an image.
The rules are TensorFlow's, stated in the guide of ``tf.nn.convolution`` ("SAME" and "VALID")
and in Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016):

* a window of k cells with dilation d spans k̂ = k + (k − 1)(d − 1) cells;
* the output has ⌊(i + before + after − k̂)/s⌋ + 1 cells;
* ``"valid"`` adds nothing; ``"full"`` adds k̂ − 1 on both sides;
* ``"same"`` gives ⌈i/s⌉ cells and adds max((o − 1)s + k̂ − i, 0) in total, half of it before;
  an odd one goes after, to the bottom and to the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from featviz._check import nearest, per_axis, shown, size_text, whole_number
from featviz.vocabulary import FILTER_PADDINGS

Pads = tuple[tuple[int, int], tuple[int, int]]
AxisPadding = str | tuple[int, int]

# As many as an image may have pixels; without a bound a slip of the pen asks for terabytes.
MOST_PADDED = 100_000_000


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
    elif padding == "valid":
        before = after = 0
    else:
        before, after = cast("tuple[int, int]", padding)  # the words are gone by now
    return Axis(size, window, stride, dilation, before, after)


def _same_pads(size: int, extent: int, stride: int) -> tuple[int, int]:
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def paddings_per_axis(
    argument: str, padding: Any, words: tuple[str, ...]
) -> tuple[AxisPadding, AxisPadding]:
    """Return the padding of the rows and of the columns, checked.

    Args:
        argument: name of the argument, for error sentences.
        padding: a word for both axes, a whole number for all four sides, or a pair (rows,
            columns) of which each is a word, a whole number or (before, after).
        words: the words that are known here.

    Raises:
        ValueError: an unknown word or a negative number.
        TypeError: something else.
    """
    if isinstance(padding, (list, tuple)) and len(padding) == 2:
        rows, columns = (_axis_padding(argument, item, words) for item in padding)
        return rows, columns
    both = _axis_padding(argument, padding, words, whole=True)
    return both, both


def _axis_padding(
    argument: str, padding: Any, words: tuple[str, ...], *, whole: bool = False
) -> AxisPadding:
    if isinstance(padding, str) and padding in words:
        return padding
    if isinstance(padding, (list, tuple)) and len(padding) == 2 and not whole:
        before, after = (whole_number(argument, side, minimum=0) for side in padding)
        return before, after
    rule = (
        f"{argument} must be one of {', '.join(map(repr, words))} or explicit pads; "
        f"got {shown(padding)}"
    )
    if isinstance(padding, str):
        raise ValueError(rule + nearest(padding, words))
    if isinstance(padding, (list, tuple)):
        raise ValueError(f"{rule}; pads are written ((top, bottom), (left, right))")
    if isinstance(padding, float) or padding is None:
        raise TypeError(rule)
    side = whole_number(argument, padding, minimum=0)
    return side, side


@dataclass(frozen=True, slots=True)
class Sliding:
    """How a window is moved, checked: its ``stride``, ``dilation`` and ``padding``.

    Attributes:
        stride: (rows, columns), at least 1.
        dilation: (rows, columns), at least 1.
        padding: (rows, columns), each a word or (before, after).
    """

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[AxisPadding, AxisPadding]

    def axes(self, sizes: tuple[int, int], window: tuple[int, int]) -> tuple[Axis, Axis]:
        """Return the axes of an image of ``sizes`` (H, W) under a ``window`` (h, w)."""
        rows, columns = (
            slide(size, cells, stride=stride, dilation=dilation, padding=padding)
            for size, cells, stride, dilation, padding in zip(
                sizes, window, self.stride, self.dilation, self.padding, strict=True
            )
        )
        return rows, columns


def kernel_sliding(stride: Any, padding: Any, dilation: Any) -> Sliding:
    """Return the checked movement of a kernel; error sentences name the arguments so."""
    return Sliding(
        per_axis("stride", stride, minimum=1),
        per_axis("dilation", dilation, minimum=1),
        paddings_per_axis("padding", padding, FILTER_PADDINGS),
    )


def pads_of(axes: tuple[Axis, Axis]) -> Pads:
    """Return ((top, bottom), (left, right)), the cells added on each side."""
    rows, columns = axes
    return (rows.before, rows.after), (columns.before, columns.after)


def check_fits(what: str, target: str, axes: tuple[Axis, Axis], padding: str) -> None:
    """Refuse windows of which not even one fits.

    TensorFlow itself answers such a call with uninitialised memory (convolution) or kills the
    process (pooling), so this comes before every call.

    Args:
        what: the window in words.
        target: what it slides over, in words.
        axes: the two axes.
        padding: the padding as it was given, in words.

    Raises:
        ValueError: the output would have no row or no column, or the padded image more than
            :data:`MOST_PADDED` cells.
    """
    if min(axis.outputs for axis in axes) >= 1:
        padded = [axis.before + axis.size + axis.after for axis in axes]
        if padded[0] * padded[1] > MOST_PADDED:
            raise ValueError(
                f"padding must give at most {MOST_PADDED} cells; got {padding}, which makes the "
                f"{target} {size_text(padded)}"
            )
        return
    window = size_text(axis.window for axis in axes)
    if any(axis.dilation > 1 for axis in axes):
        window += f", with dilation {size_text(axis.extent for axis in axes)}"
    sizes = size_text(axis.size for axis in axes)
    raise ValueError(
        f"{what} ({window}) does not fit the {target} ({sizes}) with padding {padding}; "
        f"use padding='same' or a larger {target}"
    )


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
    if border == "zeros":
        reached = {tap - axis.before for tap in taps}
    else:
        cells = border_indices(axis, border)
        reached = {cells[tap] for tap in taps}
    return tuple(cell for cell in range(axis.size) if cell not in reached)
