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
from featviz._check import one_of, per_axis, shown, size_text
from featviz.geometry import Axis, Sliding
from featviz.kernels import Kernel
from featviz.vocabulary import POOL_PADDINGS, POOLS

AxisPair = tuple[Axis, Axis]


@dataclass(frozen=True, slots=True)
class Move:
    """How ``tf.nn`` moves a window over a batch.

    Attributes:
        axes: the two axes.
        strides: (rows, columns).
        dilations: (rows, columns).
        pads: TensorFlow's word, or pads for all four axes of the batch.
        repeated: which cells stand for a border other than zeros: (axis of the batch, cells).
    """

    axes: AxisPair
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: Any
    repeated: tuple[tuple[int, list[int]], ...]


def move_of(axes: AxisPair, border: str = "zeros") -> Move:
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


def convolve(images: tf.Tensor, filters: tf.Tensor, move: Move) -> tf.Tensor:
    """Return ``tf.nn.conv2d`` of a batch with filters (h, w, C / groups, F)."""
    for position, cells in move.repeated:
        images = tf.gather(images, cells, axis=position)
    return tf.nn.conv2d(images, filters, move.strides, move.pads, dilations=move.dilations)


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
        geometry.check_fits(f"kernel {kernels[mine[0]].name!r}", "image", axes, padding)
        moves.append(move_of(axes, border))
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
        geometry.check_fits("pool window", "map", axes, self.padding)
        return move_of(axes)


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
    window = per_axis(f"{prefix}size", size, minimum=1)
    steps = window if stride is None else per_axis(f"{prefix}stride", stride, minimum=1)
    sides = geometry.paddings_per_axis(f"{prefix}padding", padding, POOL_PADDINGS)
    for cells, side in zip(window, sides, strict=True):
        if not isinstance(side, str) and max(side) >= cells:
            raise ValueError(
                f"{prefix}padding must be smaller than the pool window ({size_text(window)}); "
                f"got {shown(padding)}"
            )
    return PoolRule(pool, window, Sliding(steps, (1, 1), sides), repr(padding))


def run_pool(features: tf.Tensor, kind: str, move: Move | None) -> tf.Tensor:
    """Return the pooled maps (B, H', W', F), in their dtype."""
    if kind == "global_max":
        return tf.reduce_max(features, axis=(1, 2), keepdims=True)
    if kind == "global_average":
        return tf.reduce_mean(features, axis=(1, 2), keepdims=True)
    if move is None:
        return tf.identity(features)
    window = move.axes[0].window, move.axes[1].window
    if kind == "max":
        return tf.nn.max_pool2d(features, window, move.strides, move.pads)
    if move.pads == "SAME":
        return tf.nn.avg_pool2d(features, window, move.strides, "SAME")
    # tf.nn takes no pads here: average with zeros, then divide by the share that is no padding.
    averages = tf.nn.avg_pool2d(tf.pad(features, move.pads), window, move.strides, "VALID")
    on_the_map = tf.pad(tf.ones_like(features[:1, :, :, :1]), move.pads)
    return averages / tf.nn.avg_pool2d(on_the_map, window, move.strides, "VALID")
