"""The three steps on tensors: filter, detect, condense.

Contract of every function here: batches of shape (B, H, W, C) in, tensors out, nothing changed,
nothing remembered. float16, bfloat16, float32 and float64 stay what they are; unsigned integers
are divided by the full range of their type and signed ones keep their numbers, both as float32.
The functions run eagerly and inside ``tf.function``; height and width must be known there. They
run on the GPU when TensorFlow sees one.

Convolution is cross-correlation, as in ``tf.nn.conv2d``: the kernel is not turned. NaN is
passed on by a convolution and hidden by a max-pool; :func:`featviz.extract` refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from featviz import geometry
from featviz._check import one_of, per_axis, shown, size_text, whole_number
from featviz.activations import activate, activation_function
from featviz.geometry import Axis, Sliding
from featviz.kernel_sources import read_kernels
from featviz.kernels import Kernel

POOLS = ("max", "average", "global_max", "global_average", "none")


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

    Args:
        images: (B, H, W, C).
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
        (B, H', W', F) in the dtype of the images. With groups = g, map f of group 0 comes first,
        then those of group 1: F = g × number of kernels.

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
    sliding = geometry.kernel_sliding(stride, padding, dilation)
    one_of("border", border, geometry.BORDERS)
    channels = int(images.shape[3])
    if len(getattr(kernels, "shape", ())) == 4:
        filters = _whole_filter(kernels, channels, 1 if groups is None else groups, images.dtype)
        axes = filter_axes(images, "filter", filters.shape[:2], sliding, padding)
        maps = convolve(images, filters, axes, border)
    else:
        group_count = _groups_for_kernels(channels, groups)
        maps = filter_kernels(
            images, read_kernels(kernels), sliding, padding, border=border, groups=group_count
        )
    return maps if bias is None else maps + bias_values(bias, int(maps.shape[3]), maps.dtype)


def filter_kernels(
    images: tf.Tensor,
    kernels: Sequence[Kernel],
    sliding: Sliding,
    padding: Any,
    *,
    border: str,
    groups: int,
) -> tf.Tensor:
    """Filter a checked batch with checked kernels: one convolution for each shape of kernel.

    Returns:
        (B, H', W', groups × K), group by group, in the order of the kernels.

    Raises:
        ValueError: a kernel does not fit, or the kernels give maps of different sizes.
    """
    channels = int(images.shape[3])
    shapes = list(dict.fromkeys(kernel.shape for kernel in kernels))
    results, order = [], []
    for shape in shapes:
        mine = [index for index, kernel in enumerate(kernels) if kernel.shape == shape]
        name = f"kernel {kernels[mine[0]].name!r}"
        axes = filter_axes(images, name, shape, sliding, padding)
        filters = _filters([kernels[index] for index in mine], channels, groups, images.dtype)
        results.append(convolve(images, filters, axes, border))
        order += [(group, index) for group in range(groups) for index in mine]
    if len(results) == 1:
        return results[0]
    sizes = {size_text(maps.shape[1:3]): None for maps in results}
    if len(sizes) > 1:
        raise ValueError(
            f"kernels must give maps of one size; got {' and '.join(sizes)}; use padding='same' "
            "or kernels of equal shape"
        )
    place = sorted(range(len(order)), key=order.__getitem__)
    return tf.gather(tf.concat(results, axis=3), place, axis=3)


def filter_axes(
    images: tf.Tensor, what: str, shape: Sequence[int], sliding: Sliding, padding: Any
) -> tuple[Axis, Axis]:
    """Return the axes of a kernel of ``shape`` (h, w) on a batch, once it is known to fit."""
    height, width = (int(size) for size in images.shape[1:3])
    axes = sliding.axes((height, width), (int(shape[0]), int(shape[1])))
    geometry.check_fits(what, "image", axes, padding)
    return axes


def convolve(
    images: tf.Tensor, filters: tf.Tensor, axes: tuple[Axis, Axis], border: str
) -> tf.Tensor:
    """Run ``tf.nn.conv2d``; everything is checked, the window fits at least once."""
    pads: Any = [(0, 0), *geometry.pads_of(axes), (0, 0)]
    if border != "zeros":
        for position, axis in enumerate(axes, start=1):
            if axis.before or axis.after:
                cells = geometry.border_indices(axis, border)
                images = tf.gather(images, cells, axis=position)
        pads = "VALID"
    elif _is_same(axes):
        pads = "SAME"  # TensorFlow's own word avoids a padded copy of the images
    strides, dilations = zip(*((axis.stride, axis.dilation) for axis in axes), strict=True)
    return tf.nn.conv2d(images, filters, strides, pads, dilations=dilations)


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
    window, sliding = pool_sliding(pool, size, stride, padding)
    return pool_maps(features, pool, window, sliding, padding)


def pool_sliding(
    pool: str, size: Any, stride: Any, padding: Any, *, prefix: str = ""
) -> tuple[tuple[int, int], Sliding]:
    """Return the checked window (h, w) of a pool and how it moves.

    Args:
        pool: one of :data:`POOLS`.
        size: the window.
        stride: None, a whole number or (rows, columns).
        padding: as in :func:`condense`.
        prefix: stands before the names of the arguments in error sentences.
    """
    one_of("pool", pool, POOLS)
    window = per_axis(f"{prefix}size", size, minimum=1)
    steps = window if stride is None else per_axis(f"{prefix}stride", stride, minimum=1)
    sides = geometry.paddings_per_axis(f"{prefix}padding", padding, geometry.POOL_PADDINGS)
    for cells, side in zip(window, sides, strict=True):
        if not isinstance(side, str) and max(side) >= cells:
            raise ValueError(
                f"{prefix}padding must be smaller than the pool window ({size_text(window)}); "
                f"got {shown(padding)}"
            )
    return window, Sliding(steps, (1, 1), sides)


def pool_maps(
    features: tf.Tensor, pool: str, window: tuple[int, int], sliding: Sliding, padding: Any
) -> tf.Tensor:
    """Pool a checked batch with a checked window."""
    if pool == "none":
        return tf.identity(features)
    if pool == "global_max":
        return tf.reduce_max(features, axis=(1, 2), keepdims=True)
    if pool == "global_average":
        return tf.reduce_mean(features, axis=(1, 2), keepdims=True)
    height, width = (int(size) for size in features.shape[1:3])
    axes = sliding.axes((height, width), window)
    geometry.check_fits("pool window", "map", axes, padding)
    if _is_same(axes):
        run = tf.nn.max_pool2d if pool == "max" else tf.nn.avg_pool2d
        return run(features, window, sliding.stride, "SAME")
    pads = [(0, 0), *geometry.pads_of(axes), (0, 0)]
    if pool == "max":
        return tf.nn.max_pool2d(features, window, sliding.stride, pads)
    return _average_with_pads(features, axes, pads)


def _average_with_pads(features: tf.Tensor, axes: tuple[Axis, Axis], pads: Any) -> tf.Tensor:
    """Average the cells of each window that lie on the map: ``tf.nn`` takes no pads here."""
    rows, columns = axes
    window, stride = (rows.window, columns.window), (rows.stride, columns.stride)
    averages = tf.nn.avg_pool2d(tf.pad(features, pads), window, stride, "VALID")
    if not any(sum(side) for side in pads):
        return averages
    on_the_map = tf.pad(tf.ones_like(features[:1, :, :, :1]), pads)
    return averages / tf.nn.avg_pool2d(on_the_map, window, stride, "VALID")


def _is_same(axes: tuple[Axis, Axis]) -> bool:
    """Whether the pads are those that TensorFlow's "SAME" would add."""
    return all(
        axis
        == geometry.slide(
            axis.size, axis.window, stride=axis.stride, dilation=axis.dilation, padding="same"
        )
        for axis in axes
    )


def _batch(argument: str, values: Any) -> tf.Tensor:
    """Return a float tensor of shape (B, H, W, C)."""
    tensor = tf.convert_to_tensor(values)
    known = tensor.shape.rank == 4 and None not in tensor.shape.as_list()[1:]
    if not known or 0 in tensor.shape.as_list():
        shape = tensor.shape.as_list() if tensor.shape.rank is not None else "unknown"
        raise ValueError(
            f"{argument} must have a known shape (B, H, W, C) without 0; got {shape}; "
            "one image (H, W, C) becomes a batch as image[None]"
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


def _filters(kernels: Sequence[Kernel], channels: int, groups: int, dtype: Any) -> tf.Tensor:
    """Return (h, w, C / groups, groups × K): each kernel on each channel of each group."""
    number = dtype.as_numpy_dtype
    stack = np.array([[[float(v) for v in row] for row in k.rows] for k in kernels], number)
    filters = stack.transpose(1, 2, 0)[:, :, None, :]
    if channels > 1:
        filters = np.tile(filters, (1, 1, channels // groups, groups))
    return tf.constant(filters)


def _whole_filter(values: Any, channels: int, groups: int, dtype: Any) -> tf.Tensor:
    filters = tf.cast(tf.convert_to_tensor(values), dtype)
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
    """Return a bias as a checked tensor: one number, or one for each of ``maps`` maps."""
    try:
        values = tf.cast(tf.convert_to_tensor(bias), dtype)
    except (TypeError, ValueError):
        raise TypeError(f"bias must be a number or {maps} numbers; got {shown(bias)}") from None
    if values.shape.rank != 0 and values.shape.as_list() != [maps]:
        raise ValueError(
            f"bias must be a number or {maps} numbers, one per map; got shape "
            f"{size_text(values.shape)}"
        )
    return values
