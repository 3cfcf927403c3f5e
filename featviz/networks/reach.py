"""Which cells of the input reach a cell of a layer: the way back, node by node.

A :class:`Node` is one tensor: its sizes along the axes of the image, and for each tensor that it
was made of a function that says which cells of that one some cells of this one read. The way back
goes from node to node, so it is right at every size of image and at every border, and through
branches, strides and transposed convolutions alike.

Source:
    Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill
    2019: windows and jumps layer by layer, and the way back from a cell.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from featviz.geometry import Span
from featviz.networks.reach_cells import Patch, cells_on, patches_with

# A span for each axis of the image.
Spans = tuple[Span, ...]
Reads = Callable[[Patch], Patch]
# Beyond so many cells along one axis, or with gaps on all together, the pattern of transposed
# convolutions is not followed.
LONGEST_PERIOD, MOST_CELLS = 64, 1024


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
        gaps: whether a cell may see nothing, between the windows of a transposed convolution.
    """

    number: int
    sizes: tuple[int, ...]
    sources: tuple[tuple[Node, Reads], ...] = ()
    jumps: tuple[Fraction, ...] | None = None
    periods: tuple[int, ...] = ()
    input: int | None = None
    gaps: bool = False


def read_from_inputs(node: Node, patch: Patch, *, inside: bool) -> dict[int, Spans]:
    """Return the first and last cells of each input that cells of a node see.

    Args:
        node: where to begin.
        patch: its cells.
        inside: whether cells of padding are left out on every step; else they are followed as
            if the maps went on.
    """
    reached: dict[int, Spans | None] = {}
    pending: dict[int, tuple[Node, tuple[Patch, ...]]] = {node.number: (node, (patch,))}
    queue = [-node.number]
    while queue:
        one, wanted = pending.pop(-heapq.heappop(queue))
        if one.input is not None:
            reached[one.input] = _hull(wanted)
        for source, reads in one.sources:
            if source.number not in pending:
                heapq.heappush(queue, -source.number)
            known = pending.get(source.number, (source, ()))[1]
            for cells in map(reads, wanted):
                cut = cells_on(cells, source.sizes) if inside else cells
                known = patches_with(known, cut) if all(cut) else known
            pending[source.number] = (source, known)
    return {number: spans for number, spans in reached.items() if spans is not None}


def _hull(patches: Sequence[Patch]) -> Spans | None:
    along = zip(*patches, strict=True)
    ends = [(min(c[0] for c in axis), max(c[-1] for c in axis)) for axis in along]
    return tuple(ends) if patches else None


def patch_of_cell(cell: Sequence[int]) -> Patch:
    """Return the patch that is one cell."""
    return tuple(range(at, at + 1) for at in cell)


def field_of_node(node: Node | None) -> tuple[int, ...] | None:
    """Return the size of the largest window that a cell of a node sees, per axis.

    Padding counts, as in the window of a cell: what a layer sees does not shrink on the way to
    one that sees the whole map. None where it is not known, where the inputs are seen through
    different windows, or where nothing is seen.
    """
    places = None if node is None else _places(node)
    if node is None or places is None:
        return None
    fields: dict[int, tuple[int, ...]] = {}
    for place in places:
        seen = read_from_inputs(node, patch_of_cell(place), inside=False)
        for number, spans in seen.items():
            sizes = tuple(last - first + 1 for first, last in spans)
            fields[number] = tuple(map(max, sizes, fields.get(number, sizes)))
    return fields.popitem()[1] if len(set(fields.values())) == 1 else None


def _places(node: Node) -> list[tuple[int, ...]] | None:
    """Return cells among which are those with the largest windows; None for too many."""
    if max(node.periods, default=1) > LONGEST_PERIOD:
        return None
    axes = [_candidates(*axis, ends=node.jumps is None) for axis in _axes(node)]
    if not node.gaps:
        # Where every cell sees something, the window along one axis is the same all along the
        # others; so it is enough that the places go through all candidates of each axis.
        most = max(map(len, axes), default=1)
        return [tuple(one[at % len(one)] for one in axes) for at in range(most)]
    # A way around a gap is there or not by the places on all axes.
    return list(itertools.product(*axes)) if math.prod(map(len, axes)) <= MOST_CELLS else None


def _axes(node: Node) -> Iterator[tuple[int, int]]:
    return zip(node.sizes, node.periods, strict=True)


def _candidates(size: int, period: int, *, ends: bool) -> list[int]:
    """Return the cells of one axis that stand for all of them.

    What reaches beyond a part that all cells see does so most at one of the ends.
    """
    cells = range(min(size, period))
    return sorted({*cells, *(size - 1 - at for at in cells if ends)})


def merged_jumps(sources: Sequence[Node]) -> tuple[Fraction, ...] | None:
    """Return the jump of sources that lie cell on cell; None where they differ."""
    jumps = {source.jumps for source in sources}
    return jumps.pop() if len(jumps) == 1 else None


def merged_periods(sources: Sequence[Node]) -> tuple[int, ...]:
    """Return the cells after which the pattern of all sources comes again."""
    return tuple(math.lcm(*several) for several in zip(*(s.periods for s in sources), strict=True))
