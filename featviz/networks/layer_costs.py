"""What a call of a layer costs in multiply-adds, from its shapes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from featviz.geometry import count_multiply_adds
from featviz.networks.layer_shapes import Shape, is_kind, works_as
from featviz.networks.reach_ops import POINTWISE, REDUCTIONS, RESHAPES, SIZES
from featviz.networks.weights import CONVOLUTIONS, DENSE, DEPTHWISE, SEPARABLE, TRANSPOSED

# Layers that multiply nothing with anything learned, or one number per cell: by rule they cost 0.
FREE = (
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "BatchNormalization",
    "LayerNormalization", "GroupNormalization", "UnitNormalization", "RMSNormalization",
    "SpectralNormalization", "Normalization", "Rescaling", "Dropout", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
    "ActivityRegularization", "Identity", "Masking", "Embedding", "InputLayer",
    "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
    "Flatten", "Reshape", "Permute", "RepeatVector", "Resizing", "CenterCrop",
    "UpSampling1D", "UpSampling2D", "UpSampling3D",
    "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D",
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
)  # fmt: skip
# These have a rule of their own; what stands inside them is part of them.
COUNTED = (*CONVOLUTIONS, *TRANSPOSED, *DEPTHWISE, *SEPARABLE, *DENSE, "EinsumDense")


# Operations that multiply many numbers for each one that they give, or may do anything.
PRODUCTS = frozenset(
    [
    "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Conv2D", "Conv2DBackpropInput", "Conv3D",
    "Conv3DBackpropInputV2", "DepthwiseConv2dNative", "Einsum", "MatMul",
    "SparseTensorDenseMatMul", "XlaConvV2", "XlaDotV2", "PartitionedCall",
    "StatefulPartitionedCall", "While", "StatelessWhile", "If", "StatelessIf", "Case",
    "StatelessCase", "PyFunc", "EagerPyFunc", "PyFuncStateless",
]
)  # fmt: skip
# Those that are known to multiply at most one number for each.
SIMPLE = (
    POINTWISE
    | REDUCTIONS
    | RESHAPES
    | SIZES
    | frozenset(
        [
            "ArgMax",
            "AvgPool",
            "AvgPool3D",
            "BroadcastTo",
            "ConcatV2",
            "Const",
            "Fill",
            "GatherV2",
            "LogSoftmax",
            "MaxPool",
            "MaxPool3D",
            "MirrorPad",
            "NoOp",
            "OnesLike",
            "Pack",
            "Pad",
            "PadV2",
            "Placeholder",
            "Range",
            "ReadVariableOp",
            "ResizeBilinear",
            "ResizeNearestNeighbor",
            "ReverseV2",
            "Slice",
            "Softmax",
            "Split",
            "SplitV",
            "StridedSlice",
            "Tile",
            "Transpose",
            "Unpack",
            "ZerosLike",
        ]
    )
)


def operations_between(given: Iterable[Any], value: Any) -> dict[str, str]:
    """Return name → kind of the operations that made a tensor out of others.

    Args:
        given: tensors of a graph, where the way back ends.
        value: a tensor of the same graph.
    """
    ends = {tensor.name for tensor in given}
    found: dict[str, str] = {}
    stack = [value]
    while stack:
        tensor = stack.pop()
        if tensor.name not in ends and tensor.op.name not in found:
            found[tensor.op.name] = tensor.op.type
            stack.extend(tensor.op.inputs)
    return found


def has_cost_rule(layer: Any) -> bool:
    """Return whether the multiply-adds of a kind of layer are known and not 0."""
    return works_as(layer, COUNTED)


def multiply_adds_of_layer(layer: Any, given: Shape | None, shape: Shape) -> int | None:
    """Return the multiply-adds of a call for its whole batch, None where not known.

    A convolution costs k·C/g·F for each *output* cell, a transposed one for each *input* cell; a
    separable one its two parts; Dense the product of its sizes at each place. Normalisation,
    activation, pooling and addition count as 0, biases too.

    Args:
        layer: a Keras layer.
        given: shape of its first input, (B, …).
        shape: of its output, (B, …).
    """
    if works_as(layer, FREE):
        return 0
    if given is None or None in (*given, *shape) or not has_cost_rule(layer):
        return None
    before, after = (tuple(size or 0 for size in one) for one in (given, shape))
    if is_kind(layer, DENSE):
        return before[-1] * math.prod(after)
    if is_kind(layer, ("EinsumDense",)):
        return _einsum_cost(layer, after)
    axis = 1 if layer.data_format == "channels_first" else -1
    return _convolution_cost(layer, (before[axis], _places(before, axis)), _places(after, axis))


def _places(shape: tuple[int, ...], axis: int) -> list[int]:
    """Return a shape without the channels; the batch counts as places."""
    return [size for index, size in enumerate(shape) if index != axis % len(shape)]


def _convolution_cost(layer: Any, given: tuple[int, list[int]], after: list[int]) -> int:
    channels, before = given
    window = layer.kernel_size
    if is_kind(layer, TRANSPOSED):
        return count_multiply_adds(window, before, channels=channels, features=layer.filters)
    if is_kind(layer, CONVOLUTIONS):
        return count_multiply_adds(
            window, after, channels=channels, features=layer.filters, groups=layer.groups
        )
    middle = channels * layer.depth_multiplier
    cost = count_multiply_adds(window, after, channels=channels, features=middle, groups=channels)
    if is_kind(layer, SEPARABLE):
        cost += count_multiply_adds((1,), after, channels=middle, features=layer.filters)
    return cost


def _einsum_cost(layer: Any, after: tuple[int, ...]) -> int:
    """Return the cost of ``EinsumDense``: what each output number is summed from."""
    given, _, output = layer.equation.replace(" ", "").partition("->")
    letters = given.split(",")[1]
    sizes = dict(zip(letters.replace("...", ""), layer.kernel.shape, strict=True))
    summed = [size for letter, size in sizes.items() if letter not in output]
    return math.prod(after) * math.prod(map(int, summed))
