"""The steps on tensors: filter, detect, condense, and the filter transposed.

Contract of every function here: batches of shape (B, H, W, C) in, tensors out, nothing changed,
nothing remembered. float16, bfloat16, float32 and float64 stay what they are; unsigned integers
are divided by the full range of their type and signed ones keep their numbers, both as float32.
The functions run eagerly and inside ``tf.function``; height and width must be known there. They
run on the GPU when TensorFlow sees one.

Convolution is cross-correlation, as in ``tf.nn.conv2d``: the kernel is not turned. NaN is
passed on, also by a max-pool, which ``tf.nn`` alone would hide it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from featviz import geometry, steps
from featviz._check import one_of, shown, size_text, whole_number
from featviz._numbers import bias_numbers
from featviz.activations import activate, activation_function
from featviz.geometry import Axis
from featviz.kernel_sources import read_kernels
from featviz.kernels import Kernel
from featviz.sliding import Sliding, check_fits, kernel_sliding, transposed_axes
from featviz.vocabulary import BORDERS


def filter_image(
    images: Any,
    kernels: Any,
    *,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    border: str = "zeros",
    bias: Any = None,
    groups: int | None = None,
) -> tf.Tensor:
    """Filter a batch of images with one or several kernels, as one convolution.

    Unsigned integers are divided by the full range of their type first.

    Args:
        images: (B, H, W, C); of these only B may be unknown inside a ``tf.function``.
        kernels: anything :func:`featviz.read_kernels` takes, or a whole filter as an array or
            tensor of shape (h, w, C / groups, F).
        stride: cells from one window to the next, for both axes or (rows, columns).
        padding: ``"same"``, ``"valid"``, ``"full"``, a whole number, ``((top, bottom), (left,
            right))``, or a pair of words and numbers, one per axis.
        dilation: cells from one tap of the kernel to the next, for both axes or (rows, columns).
        border: what the padding holds: ``"zeros"``, ``"reflect"``, ``"symmetric"``, ``"edge"``
            or ``"wrap"``.
        bias: a number, or F numbers, one per map.
        groups: into how many groups the channels are split, as in Keras' Conv2D. With 1 a kernel
            is laid on every channel and the products are summed; with C every channel stays
            alone (depthwise). A whole filter has 1 unless told; kernels on more than one channel
            need it said.

    Returns:
        (B, H', W', F), float32 for integers, else in the dtype of the images. With groups = g,
        map f of group 0 comes first, then those of group 1: F = g × number of kernels.

    Raises:
        ValueError: a wrong value, a kernel that does not fit, channels that do not match.
        TypeError: a wrong kind.

    Example:
        >>> image = tf.reshape(tf.range(36.0), (1, 6, 6, 1))
        >>> filter_image(image, "box", padding="valid", stride=2)[0, :, :, 0].numpy().round(4)
        array([[ 7.,  9.],
               [19., 21.]], dtype=float32)
    """
    images = _batch("images", images)
    sliding = kernel_sliding(stride, padding, dilation)
    one_of("border", border, BORDERS)
    channels = int(images.shape[3])
    shape = (int(images.shape[1]), int(images.shape[2]), channels)
    if len(getattr(kernels, "shape", ())) == 4:
        filters = _whole_filter(kernels, channels, 1 if groups is None else groups, images.dtype)
        axes = sliding.axes(shape[:2], (int(filters.shape[0]), int(filters.shape[1])))
        check_fits("filter", "image", axes, repr(padding))
        maps = steps.convolve(images, filters, steps.move_of(axes, border))
    else:
        plan = steps.plan_filter(
            shape, read_kernels(kernels), sliding,
            padding=repr(padding), border=border, dtype=images.dtype,
            groups=_groups_for_kernels(channels, groups),
        )  # fmt: skip
        maps = steps.run_filter(images, plan)
    return maps if bias is None else maps + bias_values(bias, int(maps.shape[3]), maps.dtype)


def filter_transposed(
    features: Any,
    kernels: Any,
    *,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    output_padding: int | tuple[int, int] = 0,
    bias: Any = None,
    groups: int | None = None,
) -> tf.Tensor:
    """Spread a batch of maps by kernels: the transposed convolution.

    Every cell is multiplied by the kernel, as it is written, and added to the result, ``stride``
    cells further for each; padding is cut off. It turns the sizes of :func:`filter_image` round,
    not its values.

    Args:
        features: (B, H, W, C).
        kernels: one kernel or several of one shape, anything :func:`featviz.read_kernels` takes.
        stride: output cells from one input cell to the next, for both axes or (rows, columns).
        padding: as in :func:`filter_image`; ``"same"`` gives stride times the size and
            ``"valid"`` all that is reached, as ``keras.layers.Conv2DTranspose`` does.
        dilation: as in :func:`filter_image`.
        output_padding: cells added below and on the right, less than the stride; not with
            ``"same"`` and ``"valid"``, whose size is fixed.
        bias: a number, or F numbers, one per map.
        groups: as in :func:`filter_image`.

    Returns:
        (B, H', W', F), float32 for integers, else in the dtype of the features.

    Raises:
        ValueError: a wrong value, or padding that leaves no cell.
        TypeError: a wrong kind.

    Example:
        >>> filter_transposed([[[[1.0], [2.0]]]], "1 10 100", padding="valid")[0, 0, :, 0].numpy()
        array([  1.,  12., 120., 200.], dtype=float32)
    """
    features = _batch("features", features)
    sliding = kernel_sliding(stride, padding, dilation)
    stack = read_kernels(kernels)
    shapes = dict.fromkeys(size_text(kernel.shape) for kernel in stack)
    if len(shapes) > 1:
        raise ValueError(f"kernels must have one shape; got {' and '.join(shapes)}")
    sizes = int(features.shape[1]), int(features.shape[2])
    axes = transposed_axes(sizes, stack[0].shape, sliding, output_padding)
    chosen = _groups_for_kernels(int(features.shape[3]), groups)
    maps = spread_maps(
        features, stack, axes, dilation=sliding.dilation, groups=chosen, padding=repr(padding)
    )
    return maps if bias is None else maps + bias_values(bias, int(maps.shape[3]), maps.dtype)


def spread_maps(
    features: tf.Tensor, stack: Sequence[Kernel], axes: tuple[Axis, Axis],
    *, dilation: tuple[int, int], groups: int, padding: str,
) -> tf.Tensor:  # fmt: skip
    """Return maps spread by kernels, all of it checked.

    Args:
        features: (B, H, W, C) floats.
        stack: kernels of one shape.
        axes: from :func:`featviz.sliding.transposed_axes`.
        dilation: (rows, columns).
        groups: divides C.
        padding: as it was given, for error sentences.
    """
    (rows, first_row), (columns, first_column) = map(geometry.stretched_axis, axes)
    stretched = steps.stretch(features, (axes[0].stride, axes[1].stride))
    plan = steps.plan_filter(
        (rows.size, columns.size, int(features.shape[3])),
        [replace(kernel.rotated(180), name=kernel.name) for kernel in stack],
        Sliding((1, 1), dilation, geometry.pads_of((rows, columns))),
        padding=padding, border="zeros", dtype=features.dtype, groups=groups,
    )  # fmt: skip
    maps = steps.run_filter(stretched, plan)
    maps = maps[:, first_row : first_row + axes[0].size, first_column:]
    return maps[:, :, : axes[1].size]


def detect(features: Any, activation: Any = "relu") -> tf.Tensor:
    """Apply an activation to every value.

    Args:
        features: (B, H, W, F).
        activation: ``"relu"``; the name of any Keras activation, with its numbers if wanted
            (``"leaky_relu(0.1)"``); a function; None or ``"linear"`` for none. Without numbers
            Keras' defaults hold; :func:`featviz.describe_activation` states them.

    Returns:
        (B, H, W, F) in the dtype of the features.

    Raises:
        ValueError: an unknown name, or an activation that changes the shape.

    Example:
        >>> detect(tf.reshape([-2.0, 0.0, 3.0], (1, 1, 3, 1)))[0, 0, :, 0].numpy()
        array([0., 0., 3.], dtype=float32)
    """
    return activate(_batch("features", features), activation_function(activation))


def condense(
    features: Any,
    *,
    pool: str = "max",
    size: int | tuple[int, int] = 2,
    stride: int | tuple[int, int] | None = None,
    padding: Any = "same",
) -> tf.Tensor:
    """Pool every map.

    The padding of a max-pool is −∞ and that of an average-pool is not counted, so that no
    border value is invented.

    Args:
        features: (B, H, W, F).
        pool: ``"max"``, ``"average"``, ``"global_max"``, ``"global_average"`` or ``"none"``.
        size: cells of the window, for both axes or (rows, columns).
        stride: cells from one window to the next; None means the window's size, as in Keras.
        padding: ``"same"``, ``"valid"`` or pads, as in :func:`filter_image`; pads must be
            smaller than the window.

    Returns:
        (B, H', W', F) in the dtype of the features; H' = W' = 1 for the global ones.

    Raises:
        ValueError: a wrong value, or a window that does not fit.
        TypeError: a wrong kind.

    Example:
        >>> maps = tf.reshape([1.0, 2.0, 3.0], (1, 1, 3, 1))
        >>> condense(maps, size=(1, 2))[0, 0, :, 0].numpy()
        array([2., 3.], dtype=float32)
    """
    features = _batch("features", features)
    rule = steps.pool_rule(pool, size, stride, padding)
    return steps.run_pool(features, pool, rule.move((features.shape[1], features.shape[2])))


def _batch(argument: str, values: Any) -> tf.Tensor:
    """Return a float tensor of shape (B, H, W, C)."""
    try:
        tensor = tf.convert_to_tensor(values)
    except (tf.errors.OpError, ValueError, TypeError, OverflowError):
        raise TypeError(
            f"{argument} must be numbers of shape (B, H, W, C); got {shown(values)}"
        ) from None
    known = tensor.shape.rank == 4 and None not in tensor.shape.as_list()[1:]
    if not known or 0 in tensor.shape.as_list():
        shape = tensor.shape.as_list() if tensor.shape.rank is not None else "unknown"
        cure = "one image (H, W, C) becomes a batch as image[None]"
        if tensor.shape.rank == 4 and 0 not in shape:
            cure = "set it by tf.image.resize or tf.ensure_shape"
        raise ValueError(
            f"{argument} must have a known shape (B, H, W, C) without 0; got {shape}; {cure}"
        )
    if tensor.dtype.is_floating:
        return tensor
    if tensor.dtype.is_unsigned:
        return tf.cast(tensor, tf.float32) / float(tensor.dtype.max)
    if tensor.dtype.is_integer or tensor.dtype.is_bool:
        return tf.cast(tensor, tf.float32)
    raise TypeError(f"{argument} must hold real numbers; got {tensor.dtype.name}")


def _groups_for_kernels(channels: int, groups: int | None) -> int:
    if groups is None and channels > 1:
        raise ValueError(
            "images must have 1 channel for kernels without channels of their own; got "
            f"{channels}; use groups={channels} (each channel alone), groups=1 (their sum), or a "
            f"filter of shape (h, w, {channels}, F)"
        )
    count = 1 if groups is None else whole_number("groups", groups, minimum=1)
    if channels % count:
        raise ValueError(f"groups must divide the {channels} channels of the images; got {count}")
    return count


def _whole_filter(values: Any, channels: int, groups: int, dtype: Any) -> tf.Tensor:
    filters = tf.convert_to_tensor(values)
    if not (filters.dtype.is_floating or filters.dtype.is_integer):
        raise TypeError(f"filter must hold real numbers; got {filters.dtype.name}")
    filters = tf.cast(filters, dtype)
    if tf.executing_eagerly() and not bool(tf.reduce_all(tf.math.is_finite(filters))):
        raise ValueError("filter must hold finite numbers; got NaN or infinity")
    groups = whole_number("groups", groups, minimum=1)
    taken, maps = int(filters.shape[2]), int(filters.shape[3])
    if 0 in filters.shape.as_list():
        raise ValueError(f"filter must have a shape without 0; got {size_text(filters.shape)}")
    if taken * groups != channels:
        cure = f"; use groups={channels // taken}" if channels % taken == 0 else ""
        raise ValueError(
            f"filter must have {channels / groups:g} channels (images: {channels}, groups: "
            f"{groups}); got {taken} in the shape {size_text(filters.shape)}{cure}"
        )
    if maps % groups:
        raise ValueError(f"groups must divide the {maps} maps of the filter; got {groups}")
    return filters


def bias_values(bias: Any, maps: int, dtype: Any) -> tf.Tensor:
    """Return a bias as a checked tensor: one number, or one for each map."""
    several = f" or {maps} numbers, one per map" if maps > 1 else ""
    rule = f"bias must be a number{several}"
    bias = bias_numbers(bias)
    if tf.is_tensor(bias) and hasattr(bias, "numpy"):
        bias = bias.numpy() if bias.dtype != tf.bfloat16 else tf.cast(bias, tf.float32).numpy()
    if not tf.is_tensor(bias):
        try:
            bias = np.asarray(bias)
        except ValueError:
            raise ValueError(f"{rule}; got {shown(bias)}") from None
        if bias.dtype.kind not in "biuf":
            raise TypeError(f"{rule}; got {shown(bias.tolist())}")
        largest = np.abs(bias.astype(np.float64)).max(initial=0)
        if not largest <= float(dtype.max):
            raise ValueError(f"bias must be finite {dtype.name}; got {shown(bias.tolist())}")
    values = tf.cast(bias, dtype)
    if values.shape.rank != 0 and values.shape.as_list() != [maps]:
        raise ValueError(f"{rule}; got the shape {size_text(values.shape)}")
    return values
