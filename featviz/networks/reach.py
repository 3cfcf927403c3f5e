"""Which cells of the input reach a cell of a layer: the way back, node by node.

A :class:`Node` is one tensor: its sizes along the axes of the image, and for each tensor that it
was made of a function that says which cells of that one some cells of this one read. The way back
goes from node to node, so it is right at every size of image and at every border, and through
branches, strides and transposed convolutions alike.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from featviz.geometry import Span

# A span for each axis of the image.
Spans = tuple[Span, ...]
Reads = Callable[[Spans], Spans | None]
# Beyond so many cells the pattern of a transposed convolution is not followed.
LONGEST_PERIOD = 64


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One tensor on the way from the input.

    Attributes:
        number: larger than that of every source.
        sizes: along the axes of the image; () of a vector.
        sources: (node, which of its cells some cells of this one read).
        jumps: input cells from one cell to the next; None where all cells see the same.
        periods: after how many cells the pattern of windows comes again.
        input: which input of the model this is, or None.
    """

    number: int
    sizes: tuple[int, ...]
    sources: tuple[tuple[Node, Reads], ...] = ()
    jumps: tuple[Fraction, ...] | None = None
    periods: tuple[int, ...] = ()
    input: int | None = None


def read_from_inputs(node: Node, spans: Spans, *, inside: bool) -> dict[int, Spans]:
    """Return the first and last cells of each input that cells of a node see.

    Args:
        node: where to begin.
        spans: its cells.
        inside: whether cells of padding are left out on every step; else they are followed as
            if the maps went on.
    """
    reached: dict[int, Spans] = {}
    pending: dict[int, tuple[Node, Spans]] = {node.number: (node, spans)}
    queue = [-node.number]
    while queue:
        one, wanted = pending.pop(-heapq.heappop(queue))
        if one.input is not None:
            reached[one.input] = wanted
        for source, reads in one.sources:
            cells = reads(wanted)
            if cells is not None and inside:
                cells = _clipped(cells, source.sizes)
            if cells is None:
                continue
            if source.number in pending:
                cells = _hull(pending[source.number][1], cells)
            else:
                heapq.heappush(queue, -source.number)
            pending[source.number] = (source, cells)
    return reached


def _clipped(spans: Spans, sizes: Sequence[int]) -> Spans | None:
    pairs = zip(spans, sizes, strict=True)
    cut = tuple((max(first, 0), min(last, size - 1)) for (first, last), size in pairs)
    return cut if all(first <= last for first, last in cut) else None


def _hull(one: Spans, other: Spans) -> Spans:
    pairs = zip(one, other, strict=True)
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs)


def field_of_node(node: Node | None) -> tuple[int, ...] | None:
    """Return the size of the largest window that a cell of a node sees, per axis.

    Of a node whose cells all see the same, what they see of the image. None where it is not
    known, where the inputs are seen through different windows, or where nothing is seen.
    """
    if node is None:
        return None
    if node.jumps is None:
        seen = {
            _field(node, _cell([(size - 1) * part // 2 for size in node.sizes]), inside=True)
            for part in (0, 1, 2)
        }
        seen.discard(None)  # a cell of padding sees nothing
        return seen.pop() if len(seen) == 1 else None
    cells = max(node.periods, default=1)
    if cells > LONGEST_PERIOD:
        return None
    fields = [_field(node, _cell([at] * len(node.sizes)), inside=False) for at in range(cells)]
    known = [field for field in fields if field is not None]
    return tuple(map(max, zip(*known, strict=True))) if known else None


def _cell(places: Sequence[int]) -> Spans:
    return tuple((at, at) for at in places)


def _field(node: Node, spans: Spans, *, inside: bool) -> tuple[int, ...] | None:
    seen = read_from_inputs(node, spans, inside=inside)
    fields = {tuple(last - first + 1 for first, last in one) for one in seen.values()}
    return fields.pop() if len(fields) == 1 else None


def merged_jumps(sources: Sequence[Node]) -> tuple[Fraction, ...] | None:
    """Return the jump of sources that lie cell on cell; None where they differ."""
    jumps = {source.jumps for source in sources}
    return jumps.pop() if len(jumps) == 1 else None


def merged_periods(sources: Sequence[Node]) -> tuple[int, ...]:
    """Return the cells after which the pattern of all sources comes again."""
    return tuple(math.lcm(*several) for several in zip(*(s.periods for s in sources), strict=True))
