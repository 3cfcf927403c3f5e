"""``extract``: an image through kernels, every stage computed once."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from featviz._check import one_of
from featviz._numbers import bias_numbers
from featviz.activations import activate, activation_function, describe_activation
from featviz.extraction import AxisPair, Extraction, Maps, Settings, kept
from featviz.images import shared_pixels
from featviz.kernel_sources import read_kernel, read_kernels
from featviz.kernels import Kernel
from featviz.ops import bias_values, spread_maps
from featviz.rounding import EXACT_UP_TO
from featviz.sliding import Sliding, kernel_sliding, transposed_axes
from featviz.steps import (
    FilterPlan,
    Move,
    PoolRule,
    check_range,
    plan_filter,
    pool_rule,
    run_filter,
    run_pool,
)
from featviz.vocabulary import BORDERS, COLORS

COLOR_NAMES = ("red", "green", "blue")


def extract(
    image: Any,
    kernels: Any,
    *,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    border: str = "zeros",
    bias: Any = None,
    activation: Any = "relu",
    pool: str = "max",
    pool_size: int | tuple[int, int] = 2,
    pool_stride: int | tuple[int, int] | None = None,
    pool_padding: Any = "same",
    color: str = "grey",
) -> Extraction:
    """Run one image through filter, detect and condense.

    The kernel is laid on the image as it is written (cross-correlation, as in
    ``tf.nn.conv2d``).

    Args:
        image: anything :func:`featviz.read_image` takes: a path, bytes, a PIL image, an array
            or tensor of shape (H, W) or (H, W, C), nested lists. Unsigned integers are divided
            by the range of their type; lists and signed integers keep their numbers.
        kernels: one kernel or several, anything :func:`featviz.read_kernels` takes.
        stride: as in :func:`featviz.filter_image`.
        padding: as in :func:`featviz.filter_image`.
        dilation: as in :func:`featviz.filter_image`.
        border: as in :func:`featviz.filter_image`.
        bias: a number for all maps or one per map, added after the convolution; ``"1/3"`` is
            one too.
        activation: as in :func:`featviz.detect`.
        pool: as in :func:`featviz.condense`.
        pool_size: window of the pool, for both axes or (rows, columns).
        pool_stride: step of the pool; None means the window's size.
        pool_padding: padding of the pool.
        color: what to do with the channels: ``"grey"`` makes one of them (ITU-R BT.601),
            ``"each"`` filters every channel alone, ``"sum"`` adds the channels' results, as a
            layer of a network does.

    Returns:
        The :class:`Extraction`; in a notebook it shows its stages.

    Raises:
        ValueError: a wrong value, an image that cannot be read, a kernel that does not fit.
        TypeError: a wrong kind.
        OSError: the image's file is missing or cannot be read.

    Example:
        >>> run = extract([[0, 1, 0], [0, 1, 0], [0, 1, 0]], [[1, -1], [1, -1]], padding="valid")
        >>> run.filtered[:, :, 0].tolist(), run.detected[:, :, 0].tolist()
        ([[-2.0, 2.0], [-2.0, 2.0]], [[0.0, 2.0], [0.0, 2.0]])
    """
    one_of("color", color, COLORS)
    one_of("border", border, BORDERS)
    bias = bias_numbers(bias)
    sliding = kernel_sliding(stride, padding, dilation)
    rule = pool_rule(pool, pool_size, pool_stride, pool_padding, prefix="pool_")
    function = activation_function(activation)
    stack = read_kernels(kernels)
    pixels = shared_pixels(image, color="grey" if color == "grey" else "keep")
    dtype = tf.float64 if pixels.size <= EXACT_UP_TO else tf.float32
    plan = _plan(pixels.shape, stack, sliding, repr(padding), border, color, rule, dtype)
    image, filtered, detected, condensed = _stages(pixels, plan, function, bias, rule.kind, dtype)
    settings = Settings(
        sliding.stride, kept(padding), sliding.dilation, border,
        None if bias is None else kept(np.asarray(bias).tolist()),
        describe_activation(activation), pool, rule.window, rule.sliding.stride,
        kept(pool_padding), color,
    )  # fmt: skip
    pool_axes = plan.pool.axes if plan.pool else None
    return Extraction(
        image, stack, filtered, detected, condensed, plan.labels, settings,
        filter_axes=plan.filter_axes, pool_axes=pool_axes,
    )  # fmt: skip


class Spreading(NamedTuple):
    """One run of a transposed convolution; arrays are float32 and read-only.

    Attributes:
        image: (H, W, 1).
        kernel: as written.
        spread: (H', W', 1), the bias added.
        detected: (H', W', 1), after the activation.
        axes: of the convolution that it undoes.
        bias: what was added.
        activation: in words.
    """

    image: Maps
    kernel: Kernel
    spread: Maps
    detected: Maps
    axes: AxisPair
    bias: float
    activation: str


def spread(
    image: Any,
    kernel: Any,
    *,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    output_padding: int | tuple[int, int] = 0,
    bias: Any = None,
    activation: Any = "relu",
) -> Spreading:
    """Run one grey image through a transposed convolution and an activation.

    Args:
        image: as in :func:`extract`.
        kernel: anything :func:`featviz.read_kernel` takes.
        stride: as in :func:`featviz.filter_transposed`.
        padding: as in :func:`featviz.filter_transposed`.
        dilation: as in :func:`featviz.filter_transposed`.
        output_padding: as in :func:`featviz.filter_transposed`.
        bias: a number, added to every cell.
        activation: as in :func:`featviz.detect`.
    """
    function = activation_function(activation)
    one, bias = read_kernel(kernel), bias_numbers(bias)
    pixels = shared_pixels(image, color="grey")
    dtype = tf.float64 if pixels.size <= EXACT_UP_TO else tf.float32
    batch = tf.constant(pixels[None], dtype)
    sliding = kernel_sliding(stride, padding, dilation)
    axes = transposed_axes(pixels.shape[:2], one.shape, sliding, output_padding)
    check_range(one, tf.float32)
    maps = spread_maps(
        batch, [one], axes, dilation=sliding.dilation, groups=1, padding=repr(padding)
    )
    if bias is not None:
        bias_values(bias, 1, tf.float32)  # in which the maps are kept
        maps = maps + bias_values(bias, 1, dtype)
    maps = _as(tf.float32, maps)
    added = 0.0 if bias is None else float(np.float32(np.ravel(bias)[0]))
    return Spreading(
        _frozen(batch), one, _frozen(maps), _frozen(activate(maps, function)), axes, added,
        describe_activation(activation),
    )  # fmt: skip


def _stages(
    pixels: Maps, plan: _Plan, function: Any, bias: Any, pool: str, dtype: tf.DType
) -> tuple[Maps, Maps, Maps, Maps]:
    """Return image, filtered, detected and condensed, computed in ``dtype``."""
    batch = tf.constant(pixels[None], dtype)
    filtered = run_filter(batch, plan.filter)
    if bias is not None:
        bias_values(bias, len(plan.labels), tf.float32)  # in which the stages are kept
        filtered = filtered + bias_values(bias, len(plan.labels), dtype)
    filtered = _as(tf.float32, filtered)
    detected = activate(filtered, function)
    finite = function is tf.nn.relu
    condensed = run_pool(_as(dtype, detected), pool, plan.pool, finite=finite)
    return _frozen(batch), _frozen(filtered), _frozen(detected), _frozen(condensed)


class _Plan(NamedTuple):
    """What one size of image, one list of kernels and one choice of settings come to."""

    filter: FilterPlan
    pool: Move | None
    labels: tuple[str, ...]
    filter_axes: tuple[AxisPair, ...]


@functools.lru_cache(maxsize=256)
def _plan(
    shape: tuple[int, int, int],
    kernels: tuple[Kernel, ...],
    sliding: Sliding,
    padding: str,
    border: str,
    color: str,
    rule: PoolRule,
    dtype: tf.DType,
) -> _Plan:
    """Return the plan, kept: a second image of the same size starts at once."""
    groups = shape[2] if color == "each" else 1
    for kernel in kernels:
        check_range(kernel, tf.float32)  # in which the stages are kept, whatever computes them
    plan = plan_filter(
        shape, kernels, sliding,
        padding=padding, border=border, groups=groups, dtype=dtype, kernels_first=True,
    )  # fmt: skip
    rows, columns = plan.moves[0].axes
    pool = rule.move((rows.outputs, columns.outputs))
    axes = tuple(move.axes for move in plan.moves)
    return _Plan(plan, pool, _labels(kernels, groups), axes)


def _labels(kernels: tuple[Kernel, ...], groups: int) -> tuple[str, ...]:
    names = [kernel.name for kernel in kernels]
    if groups == 1:
        return tuple(names)
    channels = [f"channel {index + 1}" for index in range(groups)]
    if groups == len(COLOR_NAMES):
        channels = list(COLOR_NAMES)
    return tuple(f"{name} · {channel}" for name in names for channel in channels)


def _as(dtype: tf.DType, values: tf.Tensor) -> tf.Tensor:
    """Return the tensor in another dtype, itself where it has it already."""
    return values if values.dtype == dtype else tf.cast(values, dtype)


def _frozen(batch: tf.Tensor) -> Maps:
    """Return (H, W, F) of a batch of one as a read-only array."""
    maps: Maps = np.asarray(_as(tf.float32, batch))[0]
    maps.flags.writeable = False
    return maps
