"""How the windows of Keras' adaptive pools lie over any number of cells.

Window i of o over n cells begins at ⌊i·n/o⌋ and ends before ⌈(i + 1)·n/o⌉. So where o does not
divide n they may differ in size and share cells.
"""

from __future__ import annotations

from fractions import Fraction

from featviz.geometry import Axis, Span, read_span
from featviz.networks.reach_cells import Cells, cells_from_span


def adaptive_span(size: int, outputs: int, number: int) -> Span:
    """Return the first and the last cell of one window.

    Args:
        size: cells.
        outputs: windows.
        number: of the window, from 0; before and after them the pattern goes on.

    Example:
        >>> [adaptive_span(7, 3, number) for number in range(3)]
        [(0, 2), (2, 4), (4, 6)]
    """
    return number * size // outputs, -(-(number + 1) * size // outputs) - 1


def adaptive_axis(size: int, outputs: int) -> Axis | None:
    """Return the plain pool that an adaptive one is along one side.

    Args:
        size: cells.
        outputs: windows.

    Returns:
        None where its windows differ in size or in their distances.

    Example:
        >>> adaptive_axis(6, 3), adaptive_axis(8, 3)
        (Axis(size=6, window=2, stride=2, dilation=1, before=0, after=0), None)
    """
    spans = [adaptive_span(size, outputs, number) for number in range(outputs)]
    stride = spans[1][0] if outputs > 1 else size
    if stride == 0:
        return None
    axis = Axis(size, spans[0][1] + 1, stride, 1, 0, 0)
    even = all(span == read_span(axis, (at, at)) for at, span in enumerate(spans))
    return axis if even else None


def adaptive_step(size: int, outputs: int) -> Fraction | None:
    """Return the cells from one window to the next, None where that varies.

    Example:
        >>> adaptive_step(6, 3), adaptive_step(2, 6), adaptive_step(8, 3)
        (Fraction(2, 1), Fraction(1, 3), None)
    """
    if outputs % size == 0:  # each cell so many times, as upsampling copies it
        return Fraction(size, outputs)
    axis = adaptive_axis(size, outputs)
    return None if axis is None else Fraction(axis.stride)


def read_adaptively(size: int, outputs: int, results: Cells) -> Cells:
    """Return the cells that some windows read, also those beyond the ends.

    Args:
        size: cells.
        outputs: windows.
        results: numbers of the windows, ascending.

    Example:
        >>> read_adaptively(8, 3, (0, 2))
        (0, 1, 2, 5, 6, 7)
    """
    spans = [adaptive_span(size, outputs, number) for number in results]
    if not spans:
        return ()
    if results[-1] - results[0] + 1 == len(results):  # then no cell is left out either
        return cells_from_span((spans[0][0], spans[-1][1]))
    return tuple(sorted({cell for span in spans for cell in cells_from_span(span)}))
