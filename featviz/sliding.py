"""How a window moves: stride, padding and dilation as users give them, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from featviz._check import nearest, per_axis, shown, size_text, whole_number
from featviz.geometry import Axis, AxisPadding, slide, transposed_axis
from featviz.vocabulary import FILTER_PADDINGS, POOL_PADDINGS

# As many as an image may have pixels; without a bound a slip of the pen asks for terabytes.
MOST_PADDED = 100_000_000


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


def pool_sliding(
    size: Any, stride: Any, padding: Any, *, prefix: str = ""
) -> tuple[tuple[int, int], Sliding]:
    """Return the window (h, w) of a pool and how it is moved.

    Args:
        size: a whole number or (rows, columns).
        stride: the same, or None for the window's size.
        padding: as in :func:`featviz.condense`.
        prefix: stands before the names of the arguments in error sentences.

    Raises:
        TypeError: not whole numbers.
        ValueError: numbers below 1, an unknown word, or pads as large as the window.

    Example:
        >>> pool_sliding(2, None, "same")[1].stride
        (2, 2)
    """
    window = per_axis(f"{prefix}size", size, minimum=1)
    steps = window if stride is None else per_axis(f"{prefix}stride", stride, minimum=1)
    sides = paddings_per_axis(f"{prefix}padding", padding, POOL_PADDINGS)
    for cells, side in zip(window, sides, strict=True):
        if not isinstance(side, str) and max(side) >= cells:
            raise ValueError(
                f"{prefix}padding must be smaller than the pool window ({size_text(window)}); "
                f"got {shown(padding)}"
            )
    return window, Sliding(steps, (1, 1), sides)


def transposed_axes(
    sizes: tuple[int, int], window: tuple[int, int], sliding: Sliding, output_padding: Any
) -> tuple[Axis, Axis]:
    """Return :func:`transposed_axis` of the rows and of the columns, checked.

    Args:
        sizes: (H, W) of the input.
        window: (h, w) of the kernel.
        sliding: stride, dilation and padding, checked.
        output_padding: a whole number for both axes or (rows, columns).

    Raises:
        ValueError: an output padding that the stride or the padding rules out, pads that leave
            no cell, or more cells than :data:`MOST_PADDED`.
    """
    extra = per_axis("output_padding", output_padding, minimum=0)
    for more, stride, padding in zip(extra, sliding.stride, sliding.padding, strict=True):
        if more and padding in ("same", "valid"):
            raise ValueError(
                f"output_padding must be 0 with padding {padding!r}, which fixes the size; "
                f"got {shown(output_padding)}; use pads"
            )
        if more >= stride:
            raise ValueError(
                f"output_padding must be less than the stride ({stride}); "
                f"got {shown(output_padding)}"
            )
    rows, columns = (
        transposed_axis(n, k, stride=s, dilation=d, padding=p, output_padding=a)
        for n, k, s, d, p, a in zip(
            sizes, window, sliding.stride, sliding.dilation, sliding.padding, extra, strict=True
        )
    )
    result = (rows.size, columns.size)
    if min(result) < 1:
        raise ValueError(
            f"padding must leave at least one cell of the result; got {shown(sliding.padding)}, "
            f"which leaves {size_text(max(size, 0) for size in result)}"
        )
    whole = [axis.before + axis.size + axis.after for axis in (rows, columns)]
    if whole[0] * whole[1] > MOST_PADDED:
        raise ValueError(
            f"stride must give at most {MOST_PADDED} cells; got {size_text(whole)}; "
            "use a smaller stride or image"
        )
    return rows, columns


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
