"""Sizes as formulas with their numbers put in.

Filter and pool: ⌊(i + before + after − k̂)/s⌋ + 1. Transposed: (i − 1)s + k̂ − before − after + a.
A dilated window of k cells is written out, k̂ = d(k − 1) + 1. The rules stand in
:mod:`featviz.geometry`; here they are only written.
"""

from __future__ import annotations

from typing import Any

from featviz._check import one_of, per_axis, shown
from featviz.geometry import Axis
from featviz.sliding import Sliding, check_fits, kernel_sliding, pool_sliding, transposed_axes
from featviz.vocabulary import MATRIX_FORMS

FORMULA_STAGES = ("filter", "condense", "transposed")
# Fraction and floor, the minus and the dot of each form.
_FLOORS = {
    "unicode": "⌊({})/{}⌋",
    "plain": "floor(({})/{})",
    "latex": r"\left\lfloor \frac{{{}}}{{{}}} \right\rfloor",
}
_SIGNS = {"unicode": ("−", "·"), "plain": ("-", "*"), "latex": ("-", r" \cdot ")}


def size_formula(
    size: int | tuple[int, int],
    window: int | tuple[int, int],
    *,
    stage: str = "filter",
    stride: int | tuple[int, int] | None = None,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    output_padding: int | tuple[int, int] = 0,
    form: str = "unicode",
) -> str:
    """Return the size of a result as arithmetic with its numbers put in.

    Args:
        size: cells of the input along one axis, or (H, W).
        window: cells of the kernel or the pool; (h, w) only with (H, W).
        stage: ``"filter"``, ``"condense"`` (a pool) or ``"transposed"`` (a transposed
            convolution).
        stride: as in :func:`featviz.filter_image`; None means 1, and for a pool its window.
        padding: as in :func:`featviz.filter_image`; along one axis also (before, after). The
            formula shows the cells that a word really adds.
        dilation: as in :func:`featviz.filter_image`; 1 for a pool.
        output_padding: of ``"transposed"``, as in :func:`featviz.filter_transposed`.
        form: ``"unicode"``, ``"plain"`` (ASCII) or ``"latex"`` (without dollar signs).

    Returns:
        One line; with (H, W) two, ``rows: …`` and ``columns: …``.

    Raises:
        TypeError: a wrong kind.
        ValueError: a wrong value, or a window that does not fit.

    Source:
        Dumoulin & Visin, A guide to convolution arithmetic for deep learning (2016),
        relationships 6, 14 and 15.

    Example:
        >>> size_formula(28, 3, stride=2, padding=1)
        '⌊(28 + 1 + 1 − 3)/2⌋ + 1 = 14'
        >>> size_formula(14, 3, stage="transposed", stride=2, padding=1, output_padding=1)
        '(14 − 1)·2 + 3 − 1 − 1 + 1 = 28'
    """
    one_of("form", form, MATRIX_FORMS)
    one_of("stage", stage, FORMULA_STAGES)
    single = not isinstance(size, (list, tuple))
    if single:
        _refuse_pairs(
            window=window, stride=stride, dilation=dilation, output_padding=output_padding
        )
        padding = (padding, padding) if isinstance(padding, (list, tuple)) else padding
    sizes = per_axis("size", size, minimum=1)
    cells, sliding = _moves(stage, window, stride, padding, dilation)
    added = per_axis("output_padding", output_padding, minimum=0)
    if single:  # the other axis is one cell under one tap: it says nothing and always fits
        sizes, cells, added = (sizes[0], 1), (cells[0], 1), (added[0], 0)
        sliding = Sliding(
            (sliding.stride[0], 1), (sliding.dilation[0], 1), (sliding.padding[0], (0, 0))
        )
    if stage == "transposed":
        axes = transposed_axes(sizes, cells, sliding, added)
    elif added != (0, 0):
        raise ValueError(
            f"output_padding must be 0 but for stage 'transposed'; got {shown(output_padding)}"
        )
    else:
        axes = sliding.axes(sizes, cells)
        check_fits("window", "image", axes, repr(padding))
    if single:
        return formula_from_axis(axes[0], stage=stage, form=form)
    return "\n".join(
        head + formula_from_axis(axis, stage=stage, form=form)
        for head, axis in zip(_heads(form), axes, strict=True)
    )


def _refuse_pairs(**given: Any) -> None:
    for argument, value in given.items():
        if isinstance(value, (list, tuple)):
            raise ValueError(
                f"{argument} must be a whole number where size is one; got {shown(value)}; "
                "write size as (rows, columns)"
            )


def _moves(
    stage: str, window: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[tuple[int, int], Sliding]:
    if stage != "condense":
        cells = per_axis("window", window, minimum=1)
        return cells, kernel_sliding(1 if stride is None else stride, padding, dilation)
    if per_axis("dilation", dilation, minimum=1) != (1, 1):
        raise ValueError(f"dilation must be 1 for stage 'condense'; got {shown(dilation)}")
    return pool_sliding(per_axis("window", window, minimum=1), stride, padding)


def _heads(form: str) -> tuple[str, str]:
    if form == "latex":
        return r"\text{rows: } ", r"\text{columns: } "
    return "rows: ", "columns: "


def formula_from_axis(axis: Axis, *, stage: str, form: str) -> str:
    """Return the size of a result along one axis, as :func:`size_formula` writes it.

    Args:
        axis: how the window slides; of a transposed convolution the axis that it undoes.
        stage: one of :data:`FORMULA_STAGES`.
        form: one of :data:`featviz.vocabulary.MATRIX_FORMS`.
    """
    minus, dot = _SIGNS[form]
    window = str(axis.window)
    if axis.dilation > 1:
        window = f"({axis.dilation}{dot}({axis.window} {minus} 1) + 1)"
    if stage != "transposed":
        inner = f"{axis.size} + {axis.before} + {axis.after} {minus} {window}"
        return f"{_FLOORS[form].format(inner, axis.stride)} + 1 = {axis.outputs}"
    reach = (axis.outputs - 1) * axis.stride + axis.extent
    # What an output padding adds, and what "same" and "valid" add under a stride beyond k̂.
    more = axis.size - (reach - axis.before - axis.after)
    return (
        f"({axis.outputs} {minus} 1){dot}{axis.stride} + {window} {minus} {axis.before} "
        f"{minus} {axis.after} + {more} = {axis.size}"
    )
