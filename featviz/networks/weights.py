"""The kernels of a layer as they work: LoRA added, quantised ones scaled back.

A kernel lies on the input as it is written (cross-correlation, as in ``tf.nn.conv2d``). All kinds
come in one order of axes, (h, w, C, F), C the channels that one feature reads.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from featviz.networks.layer_paths import layer_at, layers_by_path
from featviz.networks.layer_shapes import kind_of
from featviz.networks.layer_values import LayerKernels, Weights
from featviz.networks.own_classes import (
    CONVOLUTIONS,
    DEPTHWISE,
    SEPARABLE,
    TRANSPOSED,
    is_kind,
    works_as,
)
from featviz.networks.paths import PathError, names_text, refused_path
from featviz.networks.runs import check_model
from featviz.networks.values import frozen

DENSE = ("Dense",)


def layer_kernels(model: Any, path: str) -> LayerKernels:
    """Return the kernels of one layer, as they work, in the order (h, w, C, F).

    * convolutions of one, two and three axes, grouped ones too: C is the channels of a group;
    * transposed ones, which Keras keeps as (h, w, F, C): what one input cell spreads;
    * depthwise ones, which Keras keeps as (h, w, C, M): C·M features of one channel each;
    * separable ones: the whole kernel that depthwise and pointwise make together, and ``parts``;
    * ``Dense``: a window of 1×1.

    With ``enable_lora`` the sum is given, ``int8`` weights divided by their scales, of
    float16 and bfloat16 the same numbers in float32. Other quantised weights (``int4``,
    ``float8``) are refused. Of a class of the caller's own that computes in its own way, such as
    with standardised weights, they come as they are kept, and the note says so.

    Args:
        model: a built ``keras.Model``.
        path: of the layer, such as ``backbone/conv1``.

    Returns:
        :class:`LayerKernels`; ``.kernel(feature, channel)`` is one to be run through
        ``extract`` with ``**.options`` and ``bias=.bias[feature]``; of a transposed layer
        through ``filter_transposed``.

    Raises:
        ValueError: no such layer, one without kernels, one quantised otherwise, no built model.
        TypeError: no model, or no text.

    Example:
        >>> inputs = keras.Input((4, 4, 1))
        >>> layer = keras.layers.Conv2D(2, (1, 3), kernel_initializer="ones", name="conv")
        >>> kernels = layer_kernels(keras.Model(inputs, layer(inputs)), "conv")
        >>> kernels.weights.shape, kernels.kernel(1).rows
        ((1, 3, 1, 2), ((1, 1, 1),))
    """
    check_model(model)
    try:
        full, layer = layer_at(model, path)
    except ValueError:
        # Where the layers cannot be listed, its own words say why.
        raise _refusal(model, path) from None
    read = _reader(layer)
    if read is None:
        raise _refusal(model, path, f", of the kind {kind_of(layer)}")
    found: LayerKernels = read(layer, full)
    parts = tuple(replace(part, model=model.name) for part in found.parts)
    return replace(found, model=model.name, parts=parts)


def _refusal(model: Any, path: str, kind: str = "") -> PathError:
    """Return the error about a path without kernels; a kind is its layer's."""
    rule = "path must be a layer with kernels"
    names = [known for known, layer in layers_by_path(model).items() if _reader(layer)]
    if not names:
        return PathError(f"{rule}; {model.name!r} has none")
    if kind:
        return PathError(f"{rule}, one of {names_text(names)}; got {path!r}{kind}")
    return PathError(refused_path(path, names, f"{rule}, one of"))


def _reader(layer: Any) -> Any:
    readers = (
        (TRANSPOSED, _transposed), (DEPTHWISE, _depthwise), (SEPARABLE, _separable),
        (CONVOLUTIONS, _convolution), (DENSE, _dense),
    )  # fmt: skip
    # One that computes in a way of its own has them, too, as it keeps them: its note says so.
    return next((read for names, read in readers if is_kind(layer, names)), None)


def _convolution(layer: Any, path: str) -> LayerKernels:
    groups = layer.groups
    words = [f"{groups} groups"] * (groups > 1)
    return _value(layer, path, _floats(layer.kernel), groups, [*words, *_lora_words(layer)])


def _transposed(layer: Any, path: str) -> LayerKernels:
    weights = np.swapaxes(_floats(layer.kernel), -1, -2)
    words = ["transposed: what one input cell spreads; Keras keeps the axes as (…, F, C)"]
    return _value(layer, path, weights, 1, words)


def _depthwise(layer: Any, path: str) -> LayerKernels:
    kernel = _floats(layer.kernel)
    *window, channels, multiplier = kernel.shape
    weights = kernel.reshape(*window, 1, channels * multiplier)
    words = [f"depthwise: {multiplier} feature{'s' * (multiplier > 1)} of each channel"]
    return _value(layer, path, weights, channels, words)


def _separable(layer: Any, path: str) -> LayerKernels:
    depth, point = _floats(layer.depthwise_kernel), _floats(layer.pointwise_kernel)
    *window, channels, multiplier = depth.shape
    ones = (1,) * len(window)
    table = point.reshape(channels, multiplier, layer.filters)
    whole = np.einsum("...cm,cmf->...cf", depth.astype(np.float64), table.astype(np.float64))
    own = _own_words(layer)
    first = LayerKernels(
        f"{path} depthwise", kind_of(layer),
        _frozen(depth.reshape(*window, 1, channels * multiplier)), None, channels,
        _steps(layer.strides), layer.padding, _steps(layer.dilation_rate),
        "; ".join(["the depthwise part, without bias", *own]),
    )  # fmt: skip
    second = LayerKernels(
        f"{path} pointwise", kind_of(layer), _frozen(point), _bias(layer), 1, ones, "valid", ones,
        "; ".join(["the pointwise part, which adds the bias", *own]),
    )  # fmt: skip
    words = ["depthwise and pointwise multiplied"]
    return _value(layer, path, whole.astype(np.float32), 1, words, parts=(first, second))


def _dense(layer: Any, path: str) -> LayerKernels:
    mode = getattr(layer, "quantization_mode", None)
    if mode not in (None, "int8"):
        raise ValueError(
            f"path must be a layer of floats or of int8 weights; {path!r} is quantised to {mode}"
        )
    if mode == "int8":
        # Stored without LoRA; ``layer.kernel`` would add it to the whole numbers.
        stored = layer._kernel if getattr(layer, "lora_enabled", False) else layer.kernel
        weights, words = (
            _floats(stored) / _floats(layer.kernel_scale),
            ["int8 divided by its scales"],
        )
        if getattr(layer, "lora_enabled", False):
            rate = getattr(layer, "lora_alpha", layer.lora_rank) / layer.lora_rank
            weights = weights + rate * (_floats(layer.lora_kernel_a) @ _floats(layer.lora_kernel_b))
    else:
        weights, words = _floats(layer.kernel), []
    words += _lora_words(layer)
    return LayerKernels(
        path, kind_of(layer), _frozen(weights[None, None]), _bias(layer), 1, (1, 1), "valid",
        (1, 1), _note(layer, words),
    )  # fmt: skip


def _value(
    layer: Any, path: str, weights: Weights, groups: int, words: list[str],
    *, parts: tuple[LayerKernels, ...] = (),
) -> LayerKernels:  # fmt: skip
    return LayerKernels(
        path, kind_of(layer), _frozen(weights), _bias(layer), groups, _steps(layer.strides),
        layer.padding, _steps(layer.dilation_rate), _note(layer, words), parts,
        _output_padding(layer),
    )  # fmt: skip


def _output_padding(layer: Any) -> tuple[int, ...] | None:
    if not is_kind(layer, TRANSPOSED):
        return None
    told = layer.output_padding
    axes = len(layer.kernel_size)
    return (0,) * axes if told is None else _steps([told] * axes if isinstance(told, int) else told)


def _note(layer: Any, words: list[str]) -> str:
    return "; ".join([*words, *_type_words(layer), *_own_words(layer)])


def _own_words(layer: Any) -> list[str]:
    """Return what must be said of a layer that is not used as Keras uses its kind."""
    kinds = (*CONVOLUTIONS, *TRANSPOSED, *DEPTHWISE, *SEPARABLE, *DENSE)
    if works_as(layer, kinds):
        return []
    return [f"as kept: {kind_of(layer)} computes in its own way, maybe with other weights"]


def _lora_words(layer: Any) -> list[str]:
    return ["LoRA added"] if getattr(layer, "lora_enabled", False) else []


def _type_words(layer: Any) -> list[str]:
    kept = getattr(layer, "variable_dtype", "float32")
    return [f"{kept} as float32"] if kept not in ("float32", "int8") else []


def _steps(value: Any) -> tuple[int, ...]:
    return tuple(int(step) for step in value)


def _bias(layer: Any) -> Weights | None:
    bias = getattr(layer, "bias", None)
    return None if bias is None else _frozen(_floats(bias))


def _floats(values: Any) -> Weights:
    array: Weights = keras.ops.convert_to_numpy(keras.ops.cast(values, "float32"))
    return array


def _frozen(values: Any) -> Weights:
    """Return a read-only copy: the caller's model stays what it is."""
    array: Weights = frozen(np.array(values, np.float32))
    return array
