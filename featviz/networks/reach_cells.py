"""Cells along one axis, gaps kept: which of them a window reads.

A dilated window leaves out cells between its taps. Whether one of them lies on the map cannot be
told from the first and the last alone, so the cells are kept: as a ``range`` where they stand at
even distances, which costs nothing at any size, else one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from featviz.geometry import Axis, Span, read_span, spread_span

# Ascending, none twice.
Cells = Sequence[int]
# For each axis of the map its cells; those of the map are all that lie on both.
Patch = tuple[Cells, ...]


def cells_from_span(span: Span) -> Cells:
    """Return the cells from a first to a last."""
    return range(span[0], span[1] + 1)


def _gathered(numbers: Iterable[int]) -> Cells:
    cells = tuple(sorted(set(numbers)))
    if len(cells) < 2:
        return cells
    even = range(cells[0], cells[-1] + 1, cells[1] - cells[0])
    return even if len(even) == len(cells) and tuple(even) == cells else cells


def _closed(cells: Cells) -> bool:
    """Return whether no cell is left out between the first and the last."""
    return len(cells) > 0 and cells[-1] - cells[0] + 1 == len(cells)


def read_by_window(axis: Axis, outputs: Cells) -> Cells:
    """Return the cells that some outputs of a convolution or a pool read.

    Args:
        axis: of the layer.
        outputs: its cells.

    Example:
        >>> read_by_window(Axis(6, 2, 1, 7, 3, 4), (2,))
        range(-1, 7, 7)
    """
    if not outputs:
        return ()
    if len(outputs) == 1:
        first, last = read_span(axis, (outputs[0], outputs[0]))
        return range(first, last + 1, axis.dilation)
    near = axis.dilation == 1 and axis.window >= axis.stride
    if _closed(outputs) and (near or (axis.stride == 1 and len(outputs) >= axis.dilation)):
        return cells_from_span(read_span(axis, (outputs[0], outputs[-1])))
    taps = range(0, axis.extent, axis.dilation)
    return _gathered(cell * axis.stride - axis.before + tap for cell in outputs for tap in taps)


def spread_by_window(axis: Axis, results: Cells) -> Cells:
    """Return the cells of the input that spread to some results.

    Args:
        axis: of a transposed convolution, the axis of the convolution that it undoes.
        results: cells of the result.

    Example:
        >>> spread_by_window(Axis(9, 3, 2, 4, 0, 0), (4,))
        range(-2, 3, 2)
    """
    if _closed(results) and len(results) >= axis.stride >= axis.dilation:
        span = spread_span(axis, (results[0], results[-1]))
        return () if span is None else cells_from_span(span)
    taps = range(0, axis.extent, axis.dilation)
    places = (cell + axis.before - tap for cell in results for tap in taps)
    return _gathered(place // axis.stride for place in places if place % axis.stride == 0)


def copied_from(times: int, results: Cells) -> Cells:
    """Return the cells that stand ``times`` times in some cells of a result."""
    if _closed(results):
        return cells_from_span((results[0] // times, results[-1] // times))
    return _gathered(cell // times for cell in results)


def interpolated_from(times: int, results: Cells) -> Cells:
    """Return the cells beside (o + ½)/n − ½, as ``tf.image.resize`` does."""
    ends = results if not _closed(results) else (results[0], results[-1])
    places = [2 * cell + 1 - times for cell in ends]
    low = [place // (2 * times) for place in places]
    high = [-(-place // (2 * times)) for place in places]
    if _closed(results):
        return cells_from_span((low[0], high[-1]))
    return _gathered([*low, *high])


def moved_by(cells: Cells, added: int) -> Cells:
    """Return cells as they stood before others were added in front of them."""
    if isinstance(cells, range):
        return range(cells.start - added, cells.stop - added, cells.step)
    return tuple(cell - added for cell in cells)


def cells_on(patch: Patch, sizes: Sequence[int]) -> Patch:
    """Return what of a patch lies on a map of some sizes."""
    pairs = zip(patch, sizes, strict=True)
    return tuple(_below(cells, size) for cells, size in pairs)


def _below(cells: Cells, size: int) -> Cells:
    if cells and cells[0] >= 0 and cells[-1] < size:
        return cells
    if _closed(cells):
        return range(max(cells[0], 0), min(cells[-1] + 1, size))
    return _gathered(cell for cell in cells if 0 <= cell < size)


def patches_with(patches: Sequence[Patch], new: Patch) -> tuple[Patch, ...]:
    """Return patches and one more, none of them a part of another.

    Two patches that differ along one axis are one; others are not, for the patch around both
    holds cells that neither has.

    Args:
        patches: of one map.
        new: another one.
    """
    kept = list(patches)
    for index, one in enumerate(kept):
        if _holds(one, new):
            return tuple(kept)
        differ = [axis for axis, cells in enumerate(one) if not _equal(cells, new[axis])]
        if _holds(new, one) or len(differ) == 1:
            del kept[index]
            pairs = zip(one, new, strict=True)
            both = tuple(b if _within(a, b) else _joined(a, b) for a, b in pairs)
            return patches_with(kept, both)
    return (*kept, new)


def _holds(one: Patch, other: Patch) -> bool:
    return all(_within(b, a) for a, b in zip(one, other, strict=True))


def _equal(one: Cells, other: Cells) -> bool:
    return len(one) == len(other) and _within(one, other)


def _within(one: Cells, other: Cells) -> bool:
    """Return whether all of some cells are among others."""
    if not one:
        return True
    if not other or one[0] < other[0] or one[-1] > other[-1]:
        return False
    return _closed(other) or set(one) <= set(other)


def _joined(one: Cells, other: Cells) -> Cells:
    first, second = sorted((one, other), key=lambda cells: cells[0])
    if _closed(first) and _closed(second) and second[0] <= first[-1] + 1:
        return cells_from_span((first[0], max(first[-1], second[-1])))
    return _gathered([*one, *other])
