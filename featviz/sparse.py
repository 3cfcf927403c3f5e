"""A convolution as the sparse matrix that it is."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sympy

from featviz._check import one_of, per_axis, size_text
from featviz.letters import kernel_cells
from featviz.sliding import check_fits, kernel_sliding
from featviz.sums import Taps
from featviz.vocabulary import BORDERS

MOST_TAPS = 100_000


def convolution_matrix(
    kernel: Any,
    size: int | tuple[int, int],
    *,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    border: str = "zeros",
) -> sympy.ImmutableSparseMatrix:
    """Return the matrix C by which a kernel filters images of one size.

    With x the image, row after row in one column, C·x is the filtered image in the same order.
    Its transpose turns the sizes round: Cᵀ·y is the transposed convolution of y (with zeros as
    border).

    Args:
        kernel: rows of numbers and letters, or anything :func:`featviz.read_kernel` takes.
        size: (H, W) of the image, or one number for both.
        stride: as in :func:`featviz.filter_image`.
        padding: as in :func:`featviz.filter_image`.
        dilation: as in :func:`featviz.filter_image`.
        border: as in :func:`featviz.filter_image`; weights that reach a repeated cell add up.

    Returns:
        (H'·W', H·W) sparse matrix of exact numbers and letters; weights of 0 are left out.

    Raises:
        TypeError: a wrong kind.
        ValueError: a wrong value, a kernel that does not fit, or more than 100 000 taps.

    Source:
        Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016), section 4.1.

    Example:
        >>> convolution_matrix("u v", (1, 3), padding="valid")
        Matrix([
        [u, v, 0],
        [0, u, v]])
    """
    sliding = kernel_sliding(stride, padding, dilation)
    one_of("border", border, BORDERS)
    height, width = per_axis("size", size, minimum=1)
    weights = kernel_cells(kernel)
    axes = sliding.axes((height, width), weights.size)
    check_fits(f"kernel {weights.label!r}", "image", axes, repr(padding))
    rows, columns = (axis.outputs for axis in axes)
    taps = rows * columns * weights.size[0] * weights.size[1]
    if taps > MOST_TAPS:
        raise ValueError(
            f"size must need at most {MOST_TAPS} taps as a matrix; "
            f"got {size_text((height, width))} under a kernel of {size_text(weights.size)}, "
            f"which needs {taps}; use a smaller size"
        )
    numbers, laid = weights.matrix().flat(), Taps(axes, border)
    entries: dict[tuple[int, int], Any] = defaultdict(lambda: sympy.S.Zero)
    for output in range(rows * columns):
        places = laid.places(divmod(output, columns))
        for place, weight in zip(places, numbers, strict=True):
            if place is not None and weight != 0:
                entries[output, place[0] * width + place[1]] += weight
    return sympy.ImmutableSparseMatrix(rows * columns, height * width, dict(entries))
