"""How the windows of a convolution and its pool lie on a line, plane or volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from featviz.extraction import AxisPair, Settings
from featviz.geometry import Axis, Span, read_span, slide
from featviz.networks.adaptive import adaptive_span
from featviz.networks.layer_flow import POOLS, Flow
from featviz.networks.own_classes import TRANSPOSED, is_kind

# Of a line, which stands as one row.
ONE_ROW = Axis(1, 1, 1, 1, 0, 0)


class Windows(NamedTuple):
    """How the kernels and the pool slid, an :class:`Axis` for each axis of the maps.

    Attributes:
        filter: over what the layer was given; of a transposed one over what it gives.
        pool: over the maps after detect; None where no pool follows, or one whose windows vary.
        pooled: first and last slice that each slice of the pool reads, or nothing.
    """

    filter: tuple[Axis, ...]
    pool: tuple[Axis, ...] | None
    pooled: tuple[Span, ...] = ()


def sizes_of(value: Any, channel_axis: int) -> tuple[int, ...]:
    """Return the sizes of a batch of maps, without images and channels.

    Args:
        value: (B, …, F), or (B, F, …).
        channel_axis: 1 or −1.
    """
    return tuple(value.shape[2:] if channel_axis == 1 else value.shape[1:-1])


def windows_of_flow(flow: Flow, channel_axis: int) -> Windows:
    """Return how the convolution and the pool of a run slid.

    Args:
        flow: the stages.
        channel_axis: of its maps, 1 or −1.
    """
    layer = flow.filter.layer
    # A transposed convolution is the way back of one over what it gives.
    over = flow.filter.value if is_kind(layer, TRANSPOSED) else flow.filter.given[0]
    sizes = sizes_of(over, channel_axis)
    moves = zip(sizes, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
    axes = [slide(n, k, stride=s, dilation=d, padding=layer.padding) for n, k, s, d in moves]
    if flow.pool is None:
        return Windows(tuple(axes), None)
    sizes = sizes_of(flow.detect.value, channel_axis)
    pads = flow.pads or ((0, 0),) * len(sizes)
    outputs = getattr(flow.pool.layer, "output_size", None)
    if outputs is not None:
        whole = sizes[0] + sum(pads[0])
        ends = (adaptive_span(whole, outputs[0], one) for one in range(outputs[0]))
        before = pads[0][0]
        return Windows(tuple(axes), None, tuple((a - before, b - before) for a, b in ends))
    pool = _pool_axes(flow.pool.layer, sizes, pads)
    spans = (read_span(pool[0], (one, one)) for one in range(pool[0].outputs))
    return Windows(tuple(axes), pool, tuple(spans))


def _pool_axes(layer: Any, sizes: tuple[int, ...], pads: Sequence[Span]) -> tuple[Axis, ...]:
    if not hasattr(layer, "pool_size"):  # it takes the whole
        return tuple(Axis(n, n + sum(pad), 1, 1, *pad) for n, pad in zip(sizes, pads, strict=True))
    moves = zip(sizes, layer.pool_size, layer.strides, pads, strict=True)
    return tuple(_padded_axis(n, k, s, pad, layer.padding) for n, k, s, pad in moves)


def _padded_axis(size: int, window: int, stride: int, pads: tuple[int, int], padding: Any) -> Axis:
    """Return how a pool slides over a side that a layer has padded before."""
    axis = slide(size + sum(pads), window, stride=stride, dilation=1, padding=padding)
    return Axis(size, window, stride, 1, axis.before + pads[0], axis.after + pads[1])


def axis_pair(axes: tuple[Axis, ...]) -> AxisPair:
    """Return (rows, columns): a line is one row, a volume lies in slices."""
    rows, columns = (ONE_ROW, *axes)[-2:]
    return rows, columns


def plane_axes(flow: Flow, windows: Windows) -> tuple[AxisPair, AxisPair | None]:
    """Return how kernels and pool slid over a plane.

    Args:
        flow: the stages.
        windows: of all axes.
    """
    rows, columns = axis_pair(windows.filter)
    if is_kind(flow.filter.layer, TRANSPOSED):
        # Every cell is spread: none is passed over, and none is added.
        rows, columns = (Axis(axis.outputs, 1, 1, 1, 0, 0) for axis in (rows, columns))
    return (rows, columns), axis_pair(windows.pool) if windows.pool else None


def settings_of_flow(flow: Flow, words: str, bias: Any, windows: Windows) -> Settings:
    """Return the settings in the words of the course.

    Args:
        flow: the stages.
        words: the activation.
        bias: of the maps that are shown.
        windows: how its kernels and its pool slid.
    """
    layer = flow.filter.layer
    pool, padding = "none", "valid"
    if flow.pool is not None:
        pool = next(word for kind, word in POOLS.items() if isinstance(flow.pool.layer, kind))
        padding = getattr(flow.pool.layer, "padding", padding)
    axes = windows.pool or (ONE_ROW, ONE_ROW)
    return Settings(
        _steps(layer.strides), layer.padding, _steps(layer.dilation_rate), "zeros", bias, words,
        pool, _steps(axis.window for axis in axes), _steps(axis.stride for axis in axes), padding,
        "keep",
    )  # fmt: skip


def _steps(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return a number for each axis, for a line also of its one row."""
    several = tuple(map(int, numbers))
    return several if len(several) > 1 else (1, *several)
