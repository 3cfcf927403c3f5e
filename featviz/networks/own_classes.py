"""Whether a layer of the caller's own class still does what its Keras class says.

A class that stands on ``keras.layers.Conv2D`` may do anything in its ``call``: pad, normalise, turn
its kernels. Without a run its functions tell: those of its own are not trusted. In a run its
numbers tell: they are made anew from what the layer was given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from featviz.geometry import dilated_size
from featviz.networks.recording import Entry

# Names of Keras' classes.
CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D")
TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
SEPARABLE = ("SeparableConv1D", "SeparableConv2D")

# The same operation on the same numbers; a normalisation that was never trained, the nearest to
# none that there is, is off by 0.0005. Half precision cannot tell that.
_CLOSE, _CLOSE_IN_HALF = 1e-4, 2.0**-7
# What a layer gives is made by these.
COMPUTING = ("__call__", "call", "convolution_op")


def is_kind(layer: Any, names: tuple[str, ...]) -> bool:
    """Return whether a layer is of one of Keras' classes, or of one below it.

    Args:
        layer: a Keras layer.
        names: of classes in ``keras.layers``; those that this Keras does not have are passed by.
    """
    kinds = tuple(getattr(keras.layers, name) for name in names if hasattr(keras.layers, name))
    return isinstance(layer, kinds)


def works_as(layer: Any, names: tuple[str, ...]) -> bool:
    """Return whether a layer is of one of Keras' classes and computes as it does.

    Args:
        layer: a Keras layer; one that has a function of :data:`COMPUTING` of its own may do
            anything.
        names: of classes in ``keras.layers``.
    """
    return is_kind(layer, names) and not any(_is_own(layer, name) for name in COMPUTING)


def _is_own(layer: Any, name: str) -> bool:
    """Return whether a function of a layer, or of its class, is not one of Keras'."""
    function = vars(layer).get(name, getattr(type(layer), name, None))
    return function is not None and str(function.__module__).split(".")[0] != "keras"


def fault_of_convolution(entry: Entry) -> str:
    """Return why an entry is not its layer's kernels laid on what it was given.

    Args:
        entry: of a convolution, before its activation.

    Returns:
        What it gives instead, such as ``other numbers``; nothing where all is as it should be.
    """
    return _fault(entry, _convolved)


def does_as(kind: Any, entry: Entry) -> bool:
    """Whether a layer gave what its Keras class gives.

    Args:
        kind: the class of Keras, on which the layer's own stands.
        entry: what the layer gave.
    """
    return not _fault(entry, kind.call)


def _fault(entry: Entry, again: Callable[[Any, Any], Any]) -> str:
    """Return how an entry differs from what is made anew of what it was given."""
    if type(entry.layer).__module__.split(".")[0] == "keras":
        return ""
    if len(entry.given) != 1:
        return f"takes {len(entry.given)} arrays"
    try:
        made = np.asarray(keras.ops.cast(again(entry.layer, entry.given[0]), "float64"))
    except Exception:  # sizes that do not fit, or parts that its class would have
        return "gives something else"
    value = np.asarray(keras.ops.cast(entry.value, "float64"))
    if made.shape != value.shape:
        return "gives maps of other sizes"
    half = keras.backend.standardize_dtype(entry.value.dtype) in ("float16", "bfloat16")
    most = np.abs(made[np.isfinite(made)]).max(initial=0.0)
    near = (_CLOSE_IN_HALF if half else _CLOSE) * most
    return "" if np.allclose(value, made, 0, near, equal_nan=True) else "gives other numbers"


def _convolved(layer: Any, given: Any) -> Any:
    """Return what Keras' own operation makes of the kernels and the bias of a layer."""
    names = ("depthwise_kernel", "pointwise_kernel")
    separable = is_kind(layer, SEPARABLE)
    kernels = [getattr(layer, name) for name in names] if separable else [layer.kernel]
    parts = [keras.ops.cast(one, layer.compute_dtype) for one in (given, *kernels)]
    settings = {
        "strides": layer.strides, "padding": layer.padding, "data_format": layer.data_format,
        "dilation_rate": layer.dilation_rate,
    }  # fmt: skip
    first = layer.data_format == "channels_first"
    if layer.padding == "causal":  # a line, padded before it is laid on
        before = dilated_size(layer.kernel_size[0], layer.dilation_rate[0]) - 1
        pads = [(0, 0), (before, 0)] if first else [(before, 0), (0, 0)]
        parts[0] = keras.ops.pad(parts[0], [(0, 0), *pads])
        settings["padding"] = "valid"
    if is_kind(layer, TRANSPOSED):
        settings["output_padding"] = layer.output_padding
        maps = keras.ops.conv_transpose(*parts, **settings)
    elif separable:
        maps = keras.ops.separable_conv(*parts, **settings)
    elif is_kind(layer, DEPTHWISE):
        maps = keras.ops.depthwise_conv(*parts, **settings)
    else:
        maps = keras.ops.conv(*parts, **settings)
    if getattr(layer, "bias", None) is None:
        return maps
    ones = (1,) * len(layer.kernel_size)
    places = (1, -1, *ones) if first else (1, *ones, -1)
    return maps + keras.ops.reshape(keras.ops.cast(layer.bias, layer.compute_dtype), places)
