"""Filter and pool as plans, checked and computed before TensorFlow is called.

A plan holds integers and the kernels as filters; it is made once for a size of image and can be
run on any batch of that size, eagerly or inside ``tf.function``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from featviz import geometry
from featviz._check import one_of, size_text
from featviz.geometry import Axis
from featviz.kernels import Kernel
from featviz.sliding import Sliding, check_fits, pool_sliding
from featviz.vocabulary import POOLS

AxisPair = tuple[Axis, Axis]
# Cells that an average adds in float32.
MOST_ADDED = 256


@dataclass(frozen=True, slots=True)
class Move:
    """How ``tf.nn`` moves a window over a batch.

    Attributes:
        axes: the two axes.
        strides: (rows, columns).
        dilations: (rows, columns).
        pads: TensorFlow's word, or pads for all four axes of the batch.
        repeated: which cells stand for a border other than zeros: (axis of the batch, cells).
        kept: how many cells of the padded image are looked at; None for all.
    """

    axes: AxisPair
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: Any
    repeated: tuple[tuple[int, list[int]], ...]
    kept: tuple[int, int] | None = None


def _plain_move(axes: AxisPair, border: str = "zeros") -> Move:
    """Return the movement of a window that is known to fit."""
    rows, columns = axes
    pads: Any = [(0, 0), *geometry.pads_of(axes), (0, 0)]
    repeated: tuple[tuple[int, list[int]], ...] = ()
    if border != "zeros":
        repeated = tuple(
            (position, geometry.border_indices(axis, border))
            for position, axis in enumerate(axes, start=1)
            if axis.before or axis.after
        )
        pads = "VALID"
    elif rows.is_same and columns.is_same:
        pads = "SAME"  # TensorFlow's own word avoids a padded copy of the images
    strides, dilations = (rows.stride, columns.stride), (rows.dilation, columns.dilation)
    return Move(axes, strides, dilations, pads, repeated)


def move_of(axes: AxisPair, border: str) -> Move:
    """Return the movement of a kernel that is known to fit."""
    move = _plain_move(axes, border)
    alone = [axis.outputs == 1 and axis.stride > 1 for axis in axes]
    if not any(alone):
        return move
    # One window has no next one. oneDNN returns uninitialised memory for some batches with a
    # stride along an axis with one output, so what the window does not see is cut off instead.
    row_stride, column_stride = (
        1 if one else axis.stride for one, axis in zip(alone, axes, strict=True)
    )
    kept_rows, kept_columns = (
        axis.extent if one else axis.before + axis.size + axis.after
        for one, axis in zip(alone, axes, strict=True)
    )
    strides, kept = (row_stride, column_stride), (kept_rows, kept_columns)
    explicit = [(0, 0), *geometry.pads_of(axes), (0, 0)] if border == "zeros" else "VALID"
    return Move(axes, strides, move.dilations, explicit, move.repeated, kept)


def convolve(images: tf.Tensor, filters: tf.Tensor, move: Move) -> tf.Tensor:
    """Return ``tf.nn.conv2d`` of a batch with filters (h, w, C / groups, F)."""
    dtype, pads = images.dtype, move.pads
    if dtype == tf.bfloat16:  # whose convolution with a stride is wrong, or kills the process
        images, filters = tf.cast(images, tf.float32), tf.cast(filters, tf.float32)
    for position, cells in move.repeated:
        images = tf.gather(images, cells, axis=position)
    if move.kept is not None:
        images = images if pads == "VALID" else tf.pad(images, pads)
        images, pads = images[:, : move.kept[0], : move.kept[1]], "VALID"
    maps = tf.nn.conv2d(images, filters, move.strides, pads, dilations=move.dilations)
    return maps if maps.dtype == dtype else tf.cast(maps, dtype)


@dataclass(frozen=True, slots=True)
class FilterPlan:
    """One convolution for each shape of kernel, and the order of the maps."""

    moves: tuple[Move, ...]
    filters: tuple[tf.Tensor, ...]
    place: list[int] | None


def plan_filter(
    shape: tuple[int, int, int],
    kernels: Sequence[Kernel],
    sliding: Sliding,
    *,
    padding: str,
    border: str,
    groups: int,
    dtype: tf.DType,
    kernels_first: bool = False,
) -> FilterPlan:
    """Return how kernels filter images of a shape (H, W, C).

    Args:
        shape: (H, W, C).
        kernels: the kernels; those of one shape run as one convolution.
        sliding: stride, dilation and padding, checked.
        padding: the padding in words, for error sentences.
        border: one of :data:`featviz.vocabulary.BORDERS`.
        groups: divides C.
        dtype: of the images.
        kernels_first: order the maps kernel by kernel instead of group by group.

    Raises:
        ValueError: a kernel does not fit, or the kernels give maps of different sizes.
    """
    moves, filters, order = [], [], []
    for size in dict.fromkeys(kernel.shape for kernel in kernels):
        mine = [index for index, kernel in enumerate(kernels) if kernel.shape == size]
        axes = sliding.axes(shape[:2], size)
        check_fits(f"kernel {kernels[mine[0]].name!r}", "image", axes, padding)
        moves.append(move_of(axes, border))
        for index in mine:
            check_range(kernels[index], dtype)
        with tf.init_scope():  # so that the filters outlive a tf.function that asks for a plan
            numbers = _filters([kernels[index] for index in mine], shape[2], groups)
            filters.append(tf.constant(numbers, dtype))
        order += [(group, index) for group in range(groups) for index in mine]
    sizes = dict.fromkeys(size_text(axis.outputs for axis in move.axes) for move in moves)
    if len(sizes) > 1:
        raise ValueError(
            f"kernels must give maps of one size; got {' and '.join(sizes)}; use padding='same' "
            "or kernels of equal shape"
        )
    if kernels_first:
        place = sorted(range(len(order)), key=lambda at: order[at][::-1])
    else:
        place = sorted(range(len(order)), key=order.__getitem__)
    in_order = place == list(range(len(order)))
    return FilterPlan(tuple(moves), tuple(filters), None if in_order else place)


def check_range(kernel: Kernel, dtype: tf.DType) -> None:
    """Refuse a kernel with numbers beyond the range of a dtype."""
    largest = max(abs(float(value)) for row in kernel.rows for value in row)
    if largest > float(dtype.max):
        raise ValueError(
            f"kernel {kernel.name!r} must hold numbers of {dtype.name}, up to {dtype.max:.3g}; "
            f"got {largest:.3g}"
        )


def _filters(kernels: Sequence[Kernel], channels: int, groups: int) -> npt.NDArray[np.float64]:
    """Return (h, w, C / groups, groups × K): each kernel for each group's channels."""
    stack = np.array([[[float(v) for v in row] for row in kernel.rows] for kernel in kernels])
    return np.tile(stack.transpose(1, 2, 0)[:, :, None, :], (1, 1, channels // groups, groups))


def run_filter(images: tf.Tensor, plan: FilterPlan) -> tf.Tensor:
    """Return (B, H', W', F) of a batch of the planned shape and dtype."""
    results = [
        convolve(images, filters, move)
        for filters, move in zip(plan.filters, plan.moves, strict=True)
    ]
    maps = results[0] if len(results) == 1 else tf.concat(results, axis=3)
    return maps if plan.place is None else tf.gather(maps, plan.place, axis=3)


def stretch(features: tf.Tensor, stride: tuple[int, int]) -> tf.Tensor:
    """Return the maps, (B, (H − 1)s + 1, …, C), with zeros between their cells."""
    row_stride, column_stride = stride
    batch, height, width, channels = tf.unstack(tf.shape(features))
    spread = tf.pad(
        features[:, :, None, :, None, :],
        [(0, 0), (0, 0), (0, row_stride - 1), (0, 0), (0, column_stride - 1), (0, 0)],
    )
    whole = tf.reshape(spread, (batch, height * row_stride, width * column_stride, channels))
    rows = (int(features.shape[1]) - 1) * row_stride + 1
    columns = (int(features.shape[2]) - 1) * column_stride + 1
    return whole[:, :rows, :columns]


@dataclass(frozen=True, slots=True)
class PoolRule:
    """A pool, checked: its kind, its window (h, w), and how it moves."""

    kind: str
    window: tuple[int, int]
    sliding: Sliding
    padding: str

    def move(self, size: tuple[int, int]) -> Move | None:
        """Return the movement over maps of ``size`` (H, W); None where no window moves.

        Raises:
            ValueError: the window does not fit.
        """
        if self.kind not in ("max", "average"):
            return None
        axes = self.sliding.axes(size, self.window)
        check_fits("pool window", "map", axes, self.padding)
        return _plain_move(axes)


def pool_rule(pool: str, size: Any, stride: Any, padding: Any, *, prefix: str = "") -> PoolRule:
    """Return the checked rule of a pool.

    Args:
        pool: one of :data:`featviz.vocabulary.POOLS`.
        size: a whole number or (rows, columns).
        stride: the same, or None for the window's size.
        padding: as in :func:`featviz.condense`.
        prefix: stands before the names of the arguments in error sentences.
    """
    one_of("pool", pool, POOLS)
    window, moved = pool_sliding(size, stride, padding, prefix=prefix)
    return PoolRule(pool, window, moved, repr(padding))


def run_pool(
    features: tf.Tensor, kind: str, move: Move | None, *, finite: bool = False
) -> tf.Tensor:
    """Return the pooled maps (B, H', W', F), in their dtype.

    Args:
        features: (B, H, W, F).
        kind: one of :data:`featviz.vocabulary.POOLS`.
        move: from :meth:`PoolRule.move`.
        finite: whether the features are known to hold no NaN, which a max-pool has to look for.
    """
    if kind == "global_max":
        return tf.reduce_max(features, axis=(1, 2), keepdims=True)
    if kind == "global_average":  # a sum of float16 soon leaves its range
        wide = tf.cast(features, tf.float64 if features.dtype.size > 2 else tf.float32)
        return tf.cast(tf.reduce_mean(wide, axis=(1, 2), keepdims=True), features.dtype)
    if move is None:
        return tf.identity(features)
    window = move.axes[0].window, move.axes[1].window
    if kind == "max":
        maps = tf.nn.max_pool2d(features, window, move.strides, move.pads)
        if finite:
            return maps
        # tf.nn hides NaN, and invents a number where a window holds nothing else.
        broken = tf.cast(tf.math.is_nan(features), features.dtype)
        found = tf.nn.max_pool2d(broken, window, move.strides, move.pads) > 0
        return tf.where(found, tf.constant(float("nan"), features.dtype), maps)
    if window[0] * window[1] > MOST_ADDED and features.dtype != tf.float64:
        # tf.nn adds one by one in the maps' dtype: 160 000 tenths are 0.16 % short of 16 000.
        return tf.cast(run_pool(tf.cast(features, tf.float64), kind, move), features.dtype)
    if move.pads == "SAME":
        return tf.nn.avg_pool2d(features, window, move.strides, "SAME")
    # tf.nn takes no pads here: average with zeros, then divide by the share that is no padding.
    averages = tf.nn.avg_pool2d(tf.pad(features, move.pads), window, move.strides, "VALID")
    on_the_map = tf.pad(tf.ones_like(features[:1, :, :, :1]), move.pads)
    return averages / tf.nn.avg_pool2d(on_the_map, window, move.strides, "VALID")
