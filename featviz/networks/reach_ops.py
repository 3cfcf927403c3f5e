"""Nodes for what stands between layers: the known operations of a graph.

Whatever is not known here gives no node, and nothing that is made of it gets one: a receptive
field is right or it is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from featviz.networks.reach import Node, Reads, merged_jumps, merged_periods
from featviz.networks.reach_cells import Patch, moved_by

# One number gives one number, at the same place.
POINTWISE = frozenset(
    [
    "Abs", "Add", "AddN", "AddV2", "BiasAdd", "BiasAddV1", "Cast", "Ceil", "CheckNumerics",
    "ClipByValue", "Cos", "Div", "DivNoNan", "Elu", "Equal", "Erf", "Erfc", "Exp", "Expm1",
    "Floor", "FloorDiv", "FloorMod", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3",
    "Greater", "GreaterEqual", "Identity", "IdentityN", "Inv", "IsFinite", "IsInf", "IsNan",
    "LeakyRelu", "Less", "LessEqual", "Log", "Log1p", "LogicalAnd", "LogicalNot", "LogicalOr",
    "Maximum", "Minimum", "Mul", "MulNoNan", "Neg", "NotEqual", "Pow", "PreventGradient",
    "RealDiv", "Reciprocal", "Relu", "Relu6", "Rint", "Round", "Rsqrt", "Select", "SelectV2",
    "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Square",
    "SquaredDifference", "StopGradient", "Sub", "Tanh", "TruncateDiv", "Xdivy", "Xlogy",
]
)  # fmt: skip
REDUCTIONS = frozenset(("Mean", "Sum", "Max", "Min", "Prod"))
RESHAPES = frozenset(("Reshape", "Squeeze", "ExpandDims"))
# A size is no number of the image.
SIZES = frozenset(("Shape", "ShapeN", "Size", "Rank"))

Make = Callable[..., Node]


def operations_between(given: Iterable[Any], value: Any) -> dict[str, Any]:
    """Return the operations that made a tensor out of others, by name.

    Each stands behind those from which it takes.

    Args:
        given: tensors of a graph, where the way back ends.
        value: a tensor of the same graph.
    """
    found: dict[str, Any] = {}
    ends = {tensor.name for tensor in given}
    stack = [] if value.name in ends else [value]
    while stack:
        operation = stack[-1].op
        before = [tensor for tensor in operation.inputs if tensor.name not in ends]
        missing = [tensor for tensor in before if tensor.op.name not in found]
        stack.extend(missing)
        if not missing:
            found[stack.pop().op.name] = operation
    return found


def mixes_cells(operations: Iterable[Any]) -> bool:
    """Return whether some operations make one number of many cells."""
    return any(one.type in REDUCTIONS or _is_training(one) for one in operations)


def _is_training(operation: Any) -> bool:
    return operation.type.startswith("FusedBatchNorm") and bool(operation.get_attr("is_training"))


class Absent:
    """Stands for a tensor that no pixel reaches: a weight, a size, a constant."""


ABSENT = Absent()
Known = Node | Absent | None


def places_of(tensor: tf.Tensor, axis: int) -> tuple[int, ...] | None:
    """Return a tensor's sizes along the axes of the image; None where one is open.

    Args:
        tensor: (B, …).
        axis: of its channels, 1 or −1.
    """
    if tensor.shape.rank is None:
        return None
    shape = tensor.shape.as_list()
    sizes = shape[2:] if axis == 1 else shape[1:-1]
    return None if None in sizes else tuple(sizes)


def node_from_operation(tensor: tf.Tensor, known: dict[str, Known], axis: int, make: Make) -> Known:
    """Return the node of an operation's output, None where that is not known.

    Args:
        tensor: the output; those that the operation takes are in ``known``.
        known: tensor's name → its node.
        axis: of the channels, 1 or −1.
        make: makes a node, as ``NodeMaker.make`` does.
    """
    operation = tensor.op
    sources = [(one, known[one.name]) for one in operation.inputs]
    data = [(one, node) for one, node in sources if not isinstance(node, Absent)]
    if not data or operation.type in SIZES:
        return ABSENT
    sizes = places_of(tensor, axis)
    nodes = [node for _, node in data if isinstance(node, Node)]
    if len(nodes) < len(data) or sizes is None:
        return None
    if _is_training(operation):
        return None  # by mean and variance of all images
    if operation.type in POINTWISE or _joins_channels(operation, axis):
        ranks = {one.shape.rank for one, _ in data} | {tensor.shape.rank}
        return joined_node(nodes, sizes, make) if len(ranks) == 1 else None
    if operation.type == "Softmax":
        return nodes[0] if axis == -1 or not sizes else None
    if operation.type in REDUCTIONS:
        return _reduced(operation, nodes[0], sizes, axis, make)
    if operation.type in RESHAPES:
        return _reshaped(data[0][0], tensor, nodes[0], sizes, make)
    if operation.type in ("Pad", "PadV2"):
        return _padded(operation, nodes[0], sizes, axis, make)
    return None


def _joins_channels(operation: Any, axis: int) -> bool:
    if operation.type != "ConcatV2":
        return False
    along = tf.get_static_value(operation.inputs[-1])
    rank = operation.outputs[0].shape.rank
    return along is not None and rank is not None and int(along) % rank == axis % rank


def joined_node(nodes: list[Node], sizes: tuple[int, ...], make: Make) -> Node | None:
    """Return the node of tensors that lie cell on cell, a single cell on all.

    Args:
        nodes: of the tensors.
        sizes: of the result.
        make: makes a node.
    """
    several = list({id(node): node for node in nodes}.values())
    if len(several) == 1 and several[0].sizes == sizes:
        return several[0]
    reads = [_laid_on(node.sizes, sizes) for node in several]
    sources = [(node, read) for node, read in zip(several, reads, strict=True) if read is not None]
    if len(sources) < len(several):
        return None
    if any(node.sizes != sizes for node in several):
        full = [node for node in several if node.sizes == sizes]
        return make(sizes, sources, None, merged_periods(full))
    return make(sizes, sources, merged_jumps(several), merged_periods(several))


def _laid_on(given: tuple[int, ...], sizes: tuple[int, ...]) -> Reads | None:
    if given == sizes:
        return lambda patch: patch
    pairs = list(zip(given, sizes, strict=True))
    if any(one not in (size, 1) for one, size in pairs):
        return None
    return lambda patch: tuple(
        cells if one == size else range(1) for cells, (one, size) in zip(patch, pairs, strict=True)
    )


def whole_node(node: Node, sizes: tuple[int, ...], make: Make) -> Node:
    """Return a node all of whose cells see all of another, as after flattening."""
    everything: Patch = tuple(range(size) for size in node.sizes)
    return make(sizes, [(node, lambda _: everything)])


def _reduced(
    operation: Any, node: Node, sizes: tuple[int, ...], axis: int, make: Make
) -> Node | None:
    along = tf.get_static_value(operation.inputs[1])
    rank = operation.inputs[0].shape.rank
    if along is None or rank is None:
        return None
    axes = {int(one) % rank for one in along.ravel()}
    image = set(range(1, rank)) - {axis % rank}
    if axes == {axis % rank} and operation.get_attr("keep_dims"):
        return node
    return whole_node(node, sizes, make) if image and image <= axes and 0 not in axes else None


def _reshaped(
    given: tf.Tensor, tensor: tf.Tensor, node: Node, sizes: tuple[int, ...], make: Make
) -> Node | None:
    if given.shape == tensor.shape:
        return node
    if given.shape[0] != tensor.shape[0]:
        return None
    one_cell = all(size == 1 for size in node.sizes)
    if not sizes or (one_cell and all(size == 1 for size in sizes)):
        return whole_node(node, sizes, make)
    return None


def _padded(
    operation: Any, node: Node, sizes: tuple[int, ...], axis: int, make: Make
) -> Node | None:
    pads = tf.get_static_value(operation.inputs[1])
    if pads is None:
        return None
    rows = [tuple(map(int, row)) for row in pads]
    image = rows[2:] if axis == 1 else rows[1:-1]
    others = [rows[0], rows[1] if axis == 1 else rows[-1]]
    return None if any(map(any, others)) else moved_node(node, sizes, [a for a, _ in image], make)


def moved_node(node: Node, sizes: tuple[int, ...], before: list[int], make: Make) -> Node:
    """Return a node with cells added before the first, or taken away if less than 0.

    Args:
        node: the tensor that is padded or cropped.
        sizes: of the result.
        before: cells added along each axis.
        make: makes a node.
    """

    def reads(patch: Patch) -> Patch:
        return tuple(moved_by(cells, added) for cells, added in zip(patch, before, strict=True))

    return make(sizes, [(node, reads)], node.jumps, node.periods)
