"""``trace``: how every number of a stage comes about, cell by cell.

The trace computes no result of its own. The results are those of :func:`featviz.extract` (or
:func:`featviz.filter_transposed`); the trace tells which cells went into each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._check import known_options, one_of, per_axis, shown, whole_number
from featviz.extraction import AxisPair, Extraction, Maps, Uncovered
from featviz.geometry import Axis, read_cells, stretched_axis, uncovered_cells
from featviz.kernel_sources import read_kernels
from featviz.kernels import Kernel
from featviz.pipeline import Spreading, extract, spread
from featviz.rounding import EXACT_UP_TO, WindowSums, without_rounding
from featviz.vocabulary import CELL_KINDS, EXTRACT_OPTIONS, TRACED_STAGES, TRANSPOSED_OPTIONS
from featviz.windows import Trace

Sources = tuple[tuple[int, ...], tuple[int, ...]]


def trace(
    image: Any,
    kernel: Any,
    *,
    stage: str = "filter",
    index: int = 0,
    output_padding: int | tuple[int, int] = 0,
    **settings: Any,
) -> Trace:
    """Return how each cell of a stage comes about: window, taps, sum, value.

    Args:
        image: anything :func:`featviz.read_image` takes.
        kernel: anything :func:`featviz.read_kernels` takes; where there are several maps,
            ``index`` chooses one.
        stage: ``"filter"`` (with bias and activation), ``"detect"``, ``"condense"`` or
            ``"transposed"`` (of a grey image, with bias and activation).
        index: which of the maps, counted from 0.
        output_padding: of ``"transposed"``, as in :func:`featviz.filter_transposed`.
        **settings: every option of :func:`featviz.extract`; ``"transposed"`` takes stride,
            padding, dilation, bias and activation.

    Returns:
        The :class:`Trace`: a sequence of (H' × W') steps.

    Raises:
        ValueError: a wrong value.
        TypeError: a wrong kind.

    Example:
        >>> steps = trace([[0, 1, 0], [0, 1, 0]], "1 -1; 2 -1", padding="valid")
        >>> steps[0].products, steps[0].total, steps[0].value
        ((0.0, -1.0, 0.0, -1.0), -2.0, 0.0)
    """
    one_of("stage", stage, TRACED_STAGES)
    chosen = whole_number("index", index, minimum=0)
    extra = per_axis("output_padding", output_padding, minimum=0)
    if stage == "transposed":
        known_options(settings, TRANSPOSED_OPTIONS)
        return _transposed(_spread(image, kernel, chosen, output_padding, settings))
    known_options(settings, EXTRACT_OPTIONS)
    if extra != (0, 0):
        raise ValueError(
            f"output_padding must be 0 but for stage 'transposed'; got {shown(output_padding)}"
        )
    run = extract(image, kernel, **settings)
    _check_index(chosen, len(run.labels))
    makers = {"filter": _filter, "detect": _detect, "condense": _condense}
    return makers[stage](run, chosen)


def _spread(
    image: Any, kernel: Any, index: int, output_padding: Any, settings: dict[str, Any]
) -> Spreading:
    """Return the run of one of the kernels, with its own bias where each has one."""
    kernels = read_kernels(kernel)
    _check_index(index, len(kernels))
    bias = settings.get("bias")
    if isinstance(bias, (list, tuple)) and len(bias) == len(kernels):
        settings = {**settings, "bias": bias[index]}
    return spread(image, kernels[index], output_padding=output_padding, **settings)


def _check_index(index: int, maps: int) -> None:
    if index >= maps:
        raise ValueError(f"index must be less than the number of maps ({maps}); got {index}")


def _filter(run: Extraction, index: int) -> Trace:
    groups = len(run.labels) // len(run.kernels)
    kernel, channel = run.kernels[index // groups], index % groups
    image = run.image[:, :, channel : channel + 1] if groups > 1 else run.image
    axes = run.kernel_axes(kernel)
    border = run.settings.border
    sources = _sources(axes, border)
    biases = np.ravel(0.0 if run.settings.bias is None else run.settings.bias)
    plane = _gathered(image, sources)
    return Trace(
        "filter", kernel, run.labels[index], plane, _kinds(axes),
        (axes[0].before, axes[1].before),
        run.filtered[:, :, index], run.detected[:, :, index], axes,
        _uncovered(axes, border), _weights(kernel),
        bias=float(np.float32(biases[index % len(biases)])), activation=run.settings.activation,
        sources=sources, exact=run.is_exact,
        told=(
            plane, run.without_rounding("filter", index), run.without_rounding("detect", index),
        ),
        sums=run.sums(index),
    )  # fmt: skip


def _detect(run: Extraction, index: int) -> Trace:
    filtered, told = run.filtered[:, :, index], run.without_rounding("filter", index)
    axes = _still(filtered.shape)
    return Trace(
        "detect", None, run.labels[index], filtered[:, :, None], _kinds(axes), (0, 0),
        filtered, run.detected[:, :, index], axes, Uncovered((), ()), ((1.0,),),
        activation=run.settings.activation, sources=_sources(axes),
        told=(told[:, :, None], told, run.without_rounding("detect", index)),
        sums=run.sums(index),
    )  # fmt: skip


def _condense(run: Extraction, index: int) -> Trace:
    detected, condensed = run.detected[:, :, index], run.condensed[:, :, index]
    pool = run.settings.pool
    height, width = detected.shape
    axes = run.pool_axes or _still(detected.shape)
    if pool.startswith("global"):
        axes = Axis(height, height, 1, 1, 0, 0), Axis(width, width, 1, 1, 0, 0)
    sources = _sources(axes)
    before, after = (run.without_rounding(stage, index) for stage in ("detect", "condense"))
    return Trace(
        "condense", None, run.labels[index], _gathered(detected[:, :, None], sources),
        _kinds(axes), (axes[0].before, axes[1].before), condensed, condensed, axes,
        _uncovered(axes, "zeros"), ((1.0,) * axes[1].window,) * axes[0].window,
        pool=pool, sources=sources,
        told=(_gathered(before[:, :, None], sources), after, after),
        sums=run.sums(index),
    )  # fmt: skip


def _transposed(run: Spreading) -> Trace:
    rows, columns = (stretched_axis(axis)[0] for axis in run.axes)
    sources = _stretched_sources(rows, run.axes[0]), _stretched_sources(columns, run.axes[1])
    kinds = _kinds((rows, columns))
    empty = np.minimum.outer(sources[0], sources[1]) < 0
    inserted = CELL_KINDS.index("inserted")
    kinds = np.where((kinds == 0) & empty, inserted, kinds).astype(np.uint8)
    kinds.flags.writeable = False
    plane, exact = _gathered(run.image, sources), run.image.size <= EXACT_UP_TO
    totals, values = run.spread[:, :, 0], run.detected[:, :, 0]
    weights = _weights(run.kernel.rotated(180))
    starts = tuple(
        stretched_axis(axis)[1] + np.arange(count)
        for axis, count in zip(run.axes, values.shape, strict=True)
    )
    sums = WindowSums(
        plane, (np.arange(plane.shape[0]), np.arange(plane.shape[1])), (starts[0], starts[1]),
        (rows.dilation, columns.dilation), weights, run.bias, exact,
    )  # fmt: skip
    told = plane, without_rounding(totals, totals, sums), without_rounding(values, totals, sums)
    return Trace(
        "transposed", run.kernel, run.kernel.name, plane, kinds,
        (rows.before, columns.before), totals, values, run.axes,
        _uncovered(run.axes, "zeros"), weights,
        bias=run.bias, activation=run.activation, sources=sources, exact=exact, told=told,
        sums=sums,
    )  # fmt: skip


def _still(shape: tuple[int, ...]) -> AxisPair:
    """Return the axes of a window of one cell."""
    rows, columns = (Axis(size, 1, 1, 1, 0, 0) for size in shape)
    return rows, columns


def _weights(kernel: Kernel) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in kernel.rows)


def _uncovered(axes: AxisPair, border: str) -> Uncovered:
    return Uncovered(uncovered_cells(axes[0], border), uncovered_cells(axes[1], border))


def _sources(axes: AxisPair, border: str = "zeros") -> Sources:
    return read_cells(axes[0], border), read_cells(axes[1], border)


def _stretched_sources(plane: Axis, axis: Axis) -> tuple[int, ...]:
    """Return which cell of the input each one of the stretched and padded axis reads."""
    cells = range(-plane.before, plane.size + plane.after)
    inside = range(0, plane.size, axis.stride)
    return tuple(cell // axis.stride if cell in inside else -1 for cell in cells)


def _gathered(image: Maps, sources: Sources) -> Maps:
    """Return the plane: the cells that the sources name, and 0 where they name none."""
    rows, columns = (np.array(places) for places in sources)
    plane = np.where(np.minimum.outer(rows, columns)[:, :, None] < 0, 0, image[rows][:, columns])
    plane.flags.writeable = False
    return plane


def _kinds(axes: AxisPair) -> npt.NDArray[np.uint8]:
    """Return (H + pads, W + pads): 0 on the input, 1 in its padding."""
    rows, columns = axes
    shape = (
        rows.before + rows.size + rows.after,
        columns.before + columns.size + columns.after,
    )
    kinds = np.full(shape, CELL_KINDS.index("padding"), np.uint8)
    kinds[rows.before :, columns.before :][: rows.size, : columns.size] = 0
    kinds.flags.writeable = False
    return kinds
