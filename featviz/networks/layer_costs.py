"""What a call of a layer costs in multiply-adds, from its shapes."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from typing import Any

from featviz.geometry import count_multiply_adds
from featviz.networks.layer_shapes import Shape
from featviz.networks.own_classes import (
    CONVOLUTIONS,
    DEPTHWISE,
    SEPARABLE,
    TRANSPOSED,
    is_kind,
    works_as,
)
from featviz.networks.reach_ops import POINTWISE, REDUCTIONS, RESHAPES, SIZES
from featviz.networks.weights import DENSE

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
    "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
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


# What multiplies or compares one number with another, cell by cell.
_PRODUCTS_OF_CELLS = frozenset(
    ["Mul", "MulNoNan", "Div", "DivNoNan", "RealDiv", "TruncateDiv", "Xdivy", "Xlogy", "Pow"]
)
# A product goes through these to the operation that sums it up.
_PASSING = RESHAPES | _PRODUCTS_OF_CELLS | frozenset(
    [
        "Add", "AddN", "AddV2", "BiasAdd", "BroadcastTo", "Cast", "ConcatV2", "GatherV2",
        "Identity", "IdentityN", "Mean", "Neg", "Pack", "Pad", "PadV2", "ReverseV2", "Slice",
        "Split", "SplitV", "StridedSlice", "Sub", "Sum", "Tile", "Transpose", "Unpack",
    ]
)  # fmt: skip
_SUMS = frozenset(["Sum", "Mean", "AvgPool", "AvgPool3D"])


def sums_of_products(
    operations: Mapping[str, Any], given: Iterable[Any], passed: Container[str] = ()
) -> set[str]:
    """Return the names of the operations that sum up products.

    Such a sum costs as much as a matrix product, though none of its operations tells of it.

    Args:
        operations: as ``operations_between`` gives them, in their order.
        given: the tensors from which they start; what is not made of them is a weight.
        passed: names of those that are counted elsewhere.
    """
    data = {tensor.name for tensor in given}
    carried: set[str] = set()
    found: set[str] = set()
    for name, one in operations.items():
        outputs = {tensor.name for tensor in one.outputs}
        if not data.isdisjoint(tensor.name for tensor in one.inputs) and one.type not in SIZES:
            data |= outputs
        products = [tensor for tensor in one.inputs if tensor.name in carried]
        if name in passed:
            continue
        if _is_product(one, data) or (products and one.type in _PASSING):
            carried |= outputs
        whole = [tensor for tensor in products if tensor.shape == one.outputs[0].shape]
        several = one.type in ("Add", "AddN", "AddV2", "Sub") and len(whole) > 1
        if several or (products and one.type in _SUMS):
            found.add(name)
    return found


def _is_product(operation: Any, data: set[str]) -> bool:
    """Return whether an operation multiplies the data, cell by cell."""
    if operation.type == "Square":  # of a difference: a distance
        before = operation.inputs[0].op
        return before.type == "Sub" and _is_met(before, data, apart=True)
    if operation.type in _PRODUCTS_OF_CELLS:
        return _is_met(operation, data, apart=False)
    return operation.type == "SquaredDifference" and _is_met(operation, data, apart=True)


def _is_met(operation: Any, data: set[str], *, apart: bool) -> bool:
    """Return whether the data meet weights, or other data, not a single number.

    Args:
        operation: one of two tensors.
        data: names of the tensors that are no weights.
        apart: whether data that lie cell on cell, as in a variance, are passed by.
    """
    one, other = operation.inputs
    if one.name == other.name or not {one.name, other.name} & data:
        return False
    met = one.name in data and other.name in data
    if met and apart:
        return operation.outputs[0].shape not in (one.shape, other.shape)
    weight = other if one.name in data else one
    return met or weight.shape.num_elements() != 1


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
        return _einsum_cost(layer, before, after)
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


def _einsum_cost(layer: Any, before: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Return the cost of ``EinsumDense``: a product for each choice of all letters."""
    given, _, output = layer.equation.replace(" ", "").partition("->")
    read, letters = given.split(",")
    sizes = dict(zip(letters.replace("...", ""), map(int, layer.kernel.shape), strict=True))
    for words, shape in ((read, before), (output, after)):
        first, _, last = words.partition("...")
        sizes |= zip(first, shape, strict=False)
        sizes |= zip(reversed(last), reversed(shape), strict=False)
        sizes["..."] = math.prod(shape[len(first) : len(shape) - len(last)])
    return math.prod(sizes.values())
