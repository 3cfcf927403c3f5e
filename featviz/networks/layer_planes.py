"""A plane for each stage of a layer: a line as one row, of a volume one slice.

The slice is counted from 0 in the maps of the convolution. What it was made of, and what the pool
made of it, lies in other slices; which these are is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from featviz._check import shown, whole_number
from featviz.extraction import Maps, ShownImage
from featviz.geometry import Span, uncovered_cells
from featviz.map_inputs import colours_of_image, image_words, range_of_images
from featviz.networks.layer_flow import Flow
from featviz.networks.layer_windows import Windows
from featviz.networks.own_classes import TRANSPOSED, is_kind
from featviz.networks.reach_cells import Cells, read_by_window, spread_by_window
from featviz.networks.values import frozen
from featviz.stats import cast_floats

VOLUME = 3
# Pixels of the picture of a sequence, above which its channels need no more to be seen.
MOST_ROWS = 200


class Slices(NamedTuple):
    """Which slice of a volume stands for each stage, from 0.

    Attributes:
        image: the middle one of those that were read.
        filter: also of detect.
        condense: the first that was made of it.
        words: what a reader must know of them.
    """

    image: int = 0
    filter: int = 0
    condense: int = 0
    words: str = ""


def plane(value: Any, channel_axis: int, number: int = 0) -> Maps:
    """Return the maps of the one image as (H, W, F) float32.

    Args:
        value: (1, H, W, F); a line (1, T, F) stands as one row, and of a volume (1, D, H, W, F)
            a slice is taken; (1, F) of a global pool is one cell.
        channel_axis: 1 or −1, where the channels of other than (1, F) stand.
        number: of the slice.
    """
    values = np.asarray(value)[0]
    last = np.moveaxis(values, 0, -1) if channel_axis == 1 and values.ndim > 1 else values
    if last.ndim > VOLUME:
        last = last[number]
    maps: Maps = cast_floats(last.reshape((1,) * (VOLUME - last.ndim) + last.shape), np.float32)
    return maps


def slices_of_flow(flow: Flow, windows: Windows, number: Any) -> Slices:
    """Return which slices belong together.

    Args:
        flow: the stages.
        windows: how its kernels and its pool slid.
        number: of the slice of filter and detect, from 0; None: the middle one, or the nearest to
            it that the pool reads.

    Raises:
        ValueError: no such slice, one that the pool passes over, or no volume.
        TypeError: no whole number.
    """
    if len(windows.filter) < VOLUME:
        if number is None:
            words = "a sequence, its steps in one row" if len(windows.filter) == 1 else ""
            return Slices(words=words)
        raise ValueError(
            "slice_number must be None for a convolution that is not over a volume; got "
            f"{shown(number)}"
        )
    axis = windows.filter[0]
    transposed = is_kind(flow.filter.layer, TRANSPOSED)
    count, seen = (axis.size, axis.outputs) if transposed else (axis.outputs, axis.size)
    chosen = _chosen_slice(number, count, windows.pooled)
    read = spread_by_window if transposed else read_by_window
    image, told = _image_slice(read(axis, (chosen,)), seen)
    condensed, pooled = _condense_slice(windows.pooled, chosen, count)
    passed = [] if transposed else list(uncovered_cells(axis))
    parts = [f"slice {chosen} of {count}, from 0", told, pooled]
    if passed:
        parts.append(f"no window reaches slice{'s' * (len(passed) > 1)} {_numbers_text(passed)}")
    return Slices(image, chosen, condensed, "; ".join(filter(None, parts)))


def _chosen_slice(number: Any, count: int, pooled: Sequence[Span]) -> int:
    """Return a slice that the pool reads: as asked for, or near the middle."""
    held = {cell for first, last in pooled for cell in range(max(first, 0), min(last + 1, count))}
    read = sorted(held) or list(range(count))
    if number is None:
        return min(read, key=lambda one: (abs(2 * one - count + 1), one))
    chosen = whole_number("slice_number", number, minimum=0)
    if chosen >= count:
        raise ValueError(f"slice_number must be below {count}; got {chosen}")
    if chosen not in read:
        known = _numbers_text(read)
        raise ValueError(f"slice_number must be one that the pool reads, {known}; got {chosen}")
    return chosen


def _condense_slice(pooled: Sequence[Span], chosen: int, count: int) -> tuple[int, str]:
    """Return the first slice that the pool makes of one, and what it is made of."""
    if not pooled:
        return chosen, ""
    holding = [one for one, (first, last) in enumerate(pooled) if first <= chosen <= last]
    if not holding:
        return 0, f"condense slice 0 of {len(pooled)} is made of padding alone"
    first, last = pooled[holding[0]]
    made = _numbers_text(list(range(max(first, 0), min(last + 1, count))))
    return holding[0], f"condense slice {holding[0]} of {len(pooled)} is made of {made}"


def _image_slice(read: Cells, count: int) -> tuple[int, str]:
    """Return the middle slice of those that were read, and which these are."""
    real = [cell for cell in read if 0 <= cell < count]
    if not real:
        return 0, f"it reads no slice given to it, 0 of {count} is drawn"
    middle = read[len(read) // 2]
    nearest = min(real, key=lambda cell: (abs(cell - middle), cell))
    if len(real) == 1:
        return nearest, f"it reads slice {nearest} of {count} given to it"
    return nearest, f"it reads {_numbers_text(real)} of {count} given to it, {nearest} is drawn"


def _numbers_text(numbers: list[int]) -> str:
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])]))


def picture_of_line(seen: Maps) -> ShownImage | None:
    """Return what to draw for a sequence of several channels: a row for each of them.

    Args:
        seen: (1, T, C).

    Returns:
        The picture, each row of it so often that it can be seen; None for one channel.
    """
    channels = seen.shape[2]
    if channels == 1:
        return None
    # As high as half its length, so that few channels are no thin lines; a long one is drawn with
    # fewer pixels than it has steps in any case.
    height = min(seen.shape[1] // 2, MOST_ROWS)
    rows = np.repeat(np.moveaxis(seen[0], 1, 0), max(1, height // channels), axis=0)
    values = rows[:, :, None]
    limits = range_of_images([values])
    words = image_words(values, limits)
    title = f"{channels} channels, a row for each"
    return ShownImage(title, (words,) if words else (), frozen(colours_of_image(values, limits)))
