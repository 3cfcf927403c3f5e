"""Nodes for layers: how the window of each kind lies on what it was given.

Layers without a rule of their own are followed through their operations; a layer that neither way
explains gets no node, and nothing after it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import tensorflow as tf

from featviz.geometry import slide
from featviz.networks.adaptive import adaptive_axis, adaptive_step, read_adaptively
from featviz.networks.layer_shapes import Traced
from featviz.networks.own_classes import CONVOLUTIONS, DEPTHWISE, SEPARABLE, TRANSPOSED, works_as
from featviz.networks.reach import Node, Reads
from featviz.networks.reach_cells import (
    Cells,
    Patch,
    copied_from,
    interpolated_from,
    read_by_window,
    spread_by_window,
)
from featviz.networks.reach_ops import (
    ABSENT,
    Absent,
    Known,
    mixes_cells,
    moved_node,
    node_from_operation,
    operations_between,
    places_of,
    whole_node,
)
from featviz.networks.recording import Entry

SLIDING = (*CONVOLUTIONS, *DEPTHWISE, *SEPARABLE)
POOLS = tuple(f"{how}Pooling{n}D" for how in ("Max", "Average") for n in (1, 2, 3))
ADAPTIVE = tuple(f"Adaptive{how}Pooling{n}D" for how in ("Max", "Average") for n in (1, 2, 3))
WHOLE = (
    "Flatten", "GroupNormalization",
    *(f"Global{how}Pooling{n}D" for how in ("Max", "Average") for n in (1, 2, 3)),
)  # fmt: skip
SHIFTS = tuple(f"{how}{n}D" for how in ("ZeroPadding", "Cropping") for n in (1, 2, 3))
UPSAMPLINGS = ("UpSampling1D", "UpSampling2D", "UpSampling3D")
NORMALISATIONS = ("LayerNormalization", "UnitNormalization", "RMSNormalization")


class _NodeMaker:
    """Numbers the nodes as they are made, so that sources come first."""

    def __init__(self, axis: int) -> None:
        self.axis = axis
        self._count = 0

    def make(
        self,
        sizes: tuple[int, ...],
        sources: Sequence[tuple[Node, Reads]] = (),
        jumps: tuple[Fraction, ...] | None = None,
        periods: tuple[int, ...] = (),
        source: int | None = None,
        *,
        gaps: bool = False,
    ) -> Node:
        self._count += 1
        periods = periods or (1,) * len(sizes)
        gaps = gaps or any(node.gaps for node, _ in sources)
        return Node(self._count, sizes, tuple(sources), jumps, periods, source, gaps)


def nodes_of_entries(traced: Traced) -> dict[str, Node | None]:
    """Return path → node for each entry of a trace, None where it is not known.

    Args:
        traced: from ``trace_model``.
    """
    axis = traced.channel_axis
    maker = _NodeMaker(axis)
    known: dict[str, Known] = {}
    for number, tensor in enumerate(traced.inputs):
        sizes = places_of(tensor, axis)
        ones = (Fraction(1),) * len(sizes or ())
        image = maker.make(sizes, (), ones, source=number) if sizes else None
        known[tensor.name] = ABSENT if sizes == () else image  # a vector has no places
    found: dict[str, Node | None] = {}
    for entry in traced.entries:
        name = entry.value.name
        # A model within gives what its last layer gave: that tensor has its node.
        if name not in known:
            known[name] = _node_of_entry(entry, known, maker)
        node = known[name]
        found[entry.path] = node if isinstance(node, Node) else None
    return found


def _node_of_entry(entry: Entry, known: dict[str, Known], maker: _NodeMaker) -> Known:
    """Return the node of what a layer gave, by its rule or its operations."""
    rule = None if entry.path.endswith(":detect") else _rule(entry.layer)
    if rule is None or not entry.given:
        return _followed(entry.value, known, maker)
    before = _followed(entry.given[0], known, maker)
    order = "channels_first" if maker.axis == 1 else "channels_last"
    fits = getattr(entry.layer, "data_format", order) == order
    if isinstance(before, Node) and fits and places_of(entry.value, maker.axis) is not None:
        step = _Step(entry.layer, before, entry.given[0], entry.value, maker)
        return rule(step)  # type: ignore[no-any-return]
    return before if isinstance(before, Absent) else None


def _followed(tensor: tf.Tensor, known: dict[str, Known], maker: _NodeMaker) -> Known:
    """Return the node of a tensor, following the operations back to known tensors."""
    stack = [tensor]
    while stack:
        one = stack[-1]
        missing = [before for before in one.op.inputs if before.name not in known]
        if one.name in known or not missing:
            if one.name not in known:
                known[one.name] = node_from_operation(one, known, maker.axis, maker.make)
            stack.pop()
        else:
            stack.extend(missing)
    return known[tensor.name]


def _rule(layer: Any) -> Any:
    """Return the function that makes the node of a kind of layer, or None."""
    rules = (
        (TRANSPOSED, _transposed), (SLIDING, _slid), (POOLS, _pooled), (ADAPTIVE, _adapted),
        (WHOLE, _seen_whole), (SHIFTS, _shifted), (UPSAMPLINGS, _repeated),
        (("BatchNormalization",), _scaled), (NORMALISATIONS, _normalised),
        (("Dense",), _mixed_by_place),
    )  # fmt: skip
    return next((rule for names, rule in rules if works_as(layer, names)), None)


class _Step(NamedTuple):
    """A layer's call: what went in, the node of that, and what came out."""

    layer: Any
    node: Node
    given: tf.Tensor
    tensor: tf.Tensor
    maker: _NodeMaker

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the result along the axes of the image."""
        return places_of(self.tensor, self.maker.axis) or ()


def _scaled(step: _Step) -> Node | None:
    """Return the node of a batch normalisation, also of one in training."""
    if not mixes_cells(operations_between([step.given], step.tensor).values()):
        return step.node
    # Called with training=True it takes mean and variance of all images, a channel alone.
    along = step.layer.axis % step.tensor.shape.rank == step.maker.axis % step.tensor.shape.rank
    return _seen_whole(step) if along else None


def _seen_whole(step: _Step) -> Node:
    return whole_node(step.node, step.sizes, step.maker.make)


def _mixed_by_place(step: _Step) -> Node | None:
    """Return the node of a dense layer: each place, then the activation."""
    activation = step.layer.activation
    if activation is None or not step.node.sizes:
        return step.node
    if step.maker.axis != -1:
        return None
    # No entry stands between the two, so the activation is followed in a graph of its own.
    spec = tf.TensorSpec(step.tensor.shape, step.tensor.dtype)
    graph = tf.function(activation, autograph=False).get_concrete_function(spec).graph
    known: dict[str, Known] = {graph.inputs[0].name: step.node}
    node = _followed(graph.outputs[0], known, step.maker)
    return node if isinstance(node, Node) else None


def _normalised(step: _Step) -> Node | None:
    """Return the node of a normalisation: of the channels, or of whole maps."""
    axes = step.layer.axis if isinstance(step.layer.axis, (list, tuple)) else [step.layer.axis]
    rank = step.tensor.shape.rank
    along = {one % rank for one in axes}
    if along == {step.maker.axis % rank}:
        return step.node
    image = set(range(1, rank)) - {step.maker.axis % rank}
    return _seen_whole(step) if image <= along else None


def _slid(step: _Step) -> Node | None:
    steps = zip(step.layer.kernel_size, step.layer.strides, step.layer.dilation_rate, strict=True)
    return _windowed(list(steps), step)


def _pooled(step: _Step) -> Node | None:
    steps = [(k, s, 1) for k, s in zip(step.layer.pool_size, step.layer.strides, strict=True)]
    return _windowed(steps, step)


def _windowed(moves: list[tuple[int, int, int]], step: _Step) -> Node | None:
    """Return the node of windows: for each axis its cells, its stride, its dilation."""
    node, padding = step.node, step.layer.padding
    axes = [
        slide(size, window, stride=stride, dilation=far, padding=padding)
        for size, (window, stride, far) in zip(node.sizes, moves, strict=True)
    ]
    if tuple(axis.outputs for axis in axes) != step.sizes:
        return None

    def reads(patch: Patch) -> Patch:
        return tuple(read_by_window(axis, cells) for axis, cells in zip(axes, patch, strict=True))

    jumps = node.jumps and tuple(j * a.stride for j, a in zip(node.jumps, axes, strict=True))
    pairs = zip(node.periods, axes, strict=True)
    periods = tuple(period // math.gcd(period, axis.stride) for period, axis in pairs)
    return step.maker.make(step.sizes, [(node, reads)], jumps, periods)


def _adapted(step: _Step) -> Node:
    """Return the node of an adaptive pool, whose windows may differ in size."""
    node, moves = step.node, list(zip(step.node.sizes, step.sizes, strict=True))
    axes = [adaptive_axis(*move) for move in moves]
    read = [
        functools.partial(read_by_window, axis)
        if axis is not None
        else functools.partial(read_adaptively, *move)
        for axis, move in zip(axes, moves, strict=True)
    ]

    def reads(patch: Patch) -> Patch:
        return tuple(one(cells) for one, cells in zip(read, patch, strict=True))

    steps = [one for one in (adaptive_step(*move) for move in moves) if one is not None]
    known = node.jumps if len(steps) == len(moves) else None
    jumps = known and tuple(jump * one for jump, one in zip(known, steps, strict=True))
    periods = []
    for period, axis, (size, outputs) in zip(node.periods, axes, moves, strict=True):
        # So many windows, and so many cells, until the pattern of the windows comes again.
        common = math.gcd(size, outputs)
        windows, cells = (outputs // common, size // common) if axis is None else (1, axis.stride)
        periods.append(windows * (period // math.gcd(period, cells)))
    return step.maker.make(step.sizes, [(node, reads)], jumps, tuple(periods))


def _transposed(step: _Step) -> Node | None:
    one = step.layer
    moves = zip(step.sizes, one.kernel_size, one.strides, one.dilation_rate, strict=True)
    axes = [slide(n, k, stride=s, dilation=d, padding=one.padding) for n, k, s, d in moves]
    if tuple(axis.outputs for axis in axes) != step.node.sizes:
        return None
    spread = [functools.partial(spread_by_window, axis) for axis in axes]
    taps = [({tap * a.dilation % a.stride for tap in range(a.window)}, a.stride) for a in axes]
    gaps = any(len(phases) < stride for phases, stride in taps)
    return _widened(step, spread, [axis.stride for axis in axes], gaps=gaps)


def _repeated(step: _Step) -> Node | None:
    times = step.layer.size if isinstance(step.layer.size, (list, tuple)) else [step.layer.size]
    how = getattr(step.layer, "interpolation", "nearest")
    if how not in ("nearest", "bilinear"):
        return None
    read = copied_from if how == "nearest" else interpolated_from
    spread = [functools.partial(read, n) for n in times]
    return _widened(step, spread, list(times))


def _widened(
    step: _Step, spread: Sequence[Callable[[Cells], Cells]], times: list[int], *, gaps: bool = False
) -> Node:
    """Return the node of a map with more cells than it was given."""
    node = step.node

    def reads(patch: Patch) -> Patch:
        return tuple(read(cells) for read, cells in zip(spread, patch, strict=True))

    jumps = node.jumps and tuple(j / n for j, n in zip(node.jumps, times, strict=True))
    periods = tuple(p * n for p, n in zip(node.periods, times, strict=True))
    return step.maker.make(step.sizes, [(node, reads)], jumps, periods, gaps=gaps)


def _shifted(step: _Step) -> Node:
    pads = getattr(step.layer, "padding", None)
    if pads is None:
        pads = [(-first, -last) for first, last in _pairs(step.layer.cropping)]
    before = [pair[0] for pair in _pairs(pads)]
    return moved_node(step.node, step.sizes, before, step.maker.make)


def _pairs(pads: Any) -> list[tuple[int, int]]:
    several = list(pads)
    return [tuple(several)] if isinstance(several[0], int) else [tuple(pair) for pair in several]
