"""Where things stand in the drawing with numbers: integers in, places out.

Three blocks (input, kernel with products, output) stand beside or below each other, whichever
gives larger cells. A block has two lines of words above its cells and one row below them.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

from featviz._check import shown, size_text
from featviz.render.canvas import Box

Shape = tuple[int, int]
SMALLEST_CELL, LARGEST_CELL = 2, 60
# Every row of pixels of a cell costs bytes in every frame: of many frames 34 pixels are enough.
MANY_FRAMES, LARGEST_OF_MANY, GROWTH = 20, 34, 1.1
CELLS_OF_PRODUCTS = (64, 56, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4)


class Grid(NamedTuple):
    """Cells on the canvas: place of the first, edge of each, how many."""

    left: int
    top: int
    cell: int
    rows: int
    columns: int

    @property
    def right(self) -> int:
        """The last pixel's column."""
        return self.left + self.columns * self.cell

    @property
    def bottom(self) -> int:
        """The last pixel's row."""
        return self.top + self.rows * self.cell

    def box(self, row: int, column: int, height: int = 1, width: int = 1) -> Box:
        """Return left, top, right, bottom of some cells, lines included."""
        left, top = self.left + column * self.cell, self.top + row * self.cell
        return left, top, left + width * self.cell, top + height * self.cell

    def middle(self, row: int, column: int) -> tuple[int, int]:
        """Return the middle of a cell."""
        half = self.cell // 2
        return self.left + column * self.cell + half, self.top + row * self.cell + half


@dataclass(frozen=True, slots=True)
class Block:
    """The place of one block: its box, its grids, and where its words stand."""

    left: int
    top: int
    width: int
    height: int
    grids: tuple[Grid, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """All places of a figure.

    Attributes:
        scale: how large type and gaps are, 1 at 1000×500.
        title: left, middle of the line.
        input: with one grid per channel.
        middle: the kernel's grid first (if there is one), then the products' per channel.
        output: with one grid.
        down: whether the blocks stand below each other.
        line: middle of the row of arithmetic.
        legend: middle of the row of looks.
    """

    scale: float
    title: tuple[int, int]
    input: Block
    middle: Block
    output: Block
    down: bool
    line: int
    legend: int


class _Needs(NamedTuple):
    """What is the same in all arrangements; ``tight`` is the share of gaps."""

    room: tuple[int, int]
    scale: float
    input: Shape
    channels: int
    window: Shape
    has_kernel: bool
    output: Shape
    largest: int
    tight: float


class _Plan(NamedTuple):
    """One arrangement: the cells' edges, and how grids and blocks stand."""

    cell: int
    made: int
    small: int
    down: bool
    beside: bool
    across: int
    stacked: bool


def scale_for(size: tuple[int, int]) -> float:
    """Return how large type and gaps are: 1 at 1000×500."""
    return min(max(min(size[0] / 1000, size[1] / 500), 0.62), 4.0)


def scale_of_numbers(size: tuple[int, int]) -> float:
    """Return :func:`scale_for`, larger where the blocks stand below each other."""
    if size[1] <= size[0]:
        return scale_for(size)
    return min(max(min(size[0] / 640, size[1] / 1000), scale_for(size)), 4.0)


def largest_cell(frames: int, wide: float, size: tuple[int, int]) -> int:
    """Return the most pixels of a cell: with many frames, what its numbers need.

    Args:
        frames: how many there will be.
        wide: pixels of the longest number in the smallest good type.
        size: (width, height) of the figure; a tall one is filled, however many frames.
    """
    if size[1] > size[0]:
        return round(LARGEST_CELL * max(size[1] / 1000, scale_for(size)))
    most = LARGEST_CELL if frames <= MANY_FRAMES else max(LARGEST_OF_MANY, GROWTH * wide)
    return round(min(most, LARGEST_CELL) * scale_for(size))


def heading_height(scale: float) -> int:
    """Return the pixels of the two lines above a block's cells."""
    return round(37 * scale)


def below_height(scale: float) -> int:
    """Return the pixels of the row below a block's cells."""
    return round(27 * scale)


def label_height(count: int, scale: float) -> int:
    """Return the pixels of a channel's name above its grid; 0 for one channel."""
    return round(15 * scale) if count > 1 else 0


def layout_for(
    size: tuple[int, int],
    *,
    plane: Shape,
    channels: int,
    window: Shape,
    has_kernel: bool,
    output: Shape,
    has_title: bool,
    has_line: bool,
    largest: int,
) -> Layout:
    """Return the places that give the largest cells.

    Args:
        size: (width, height) of the figure in pixels.
        plane: (H, W) of the padded input.
        channels: of the input.
        window: (h, w) of the taps.
        has_kernel: whether a grid of weights stands beside the products.
        output: (H', W').
        has_title: whether a line is kept free for it.
        has_line: whether a line is kept free for the arithmetic.
        largest: the most pixels that a cell may have.

    Raises:
        ValueError: even the smallest cells do not fit.
    """
    width, height = size
    scale = scale_of_numbers(size)
    margin = round(16 * scale)
    top = margin + (round(26 * scale) if has_title else 0)
    bottom = height - round((62 if has_line else 38) * scale)
    room = width - 2 * margin, bottom - top
    for tight in (1.0, 0.6):
        needs = _Needs(room, scale, plane, channels, window, has_kernel, output, largest, tight)
        plan = _best(needs)
        if plan is not None:
            break
    else:
        raise ValueError(
            f"size must have room for {size_text(plane)} and {size_text(output)} cells of "
            f"{SMALLEST_CELL} pixels and the words beside them; got {shown(size)}; use a "
            "smaller image, as read_image(path, size=12) makes one, a larger size or "
            "drawing='lens'"
        )
    blocks = _placed(needs, plan, (margin, top))
    return Layout(
        scale, (margin, margin + round(9 * scale)), *blocks, plan.down,
        height - round(45 * scale), height - round(17 * scale),
    )  # fmt: skip


def _best(needs: _Needs) -> _Plan | None:
    """Return the arrangement with the largest cells; those of products count less."""
    best: tuple[float, _Plan] | None = None
    smalls = [max(SMALLEST_CELL, round(edge * needs.scale)) for edge in CELLS_OF_PRODUCTS]
    acrosses = sorted({1, math.ceil(math.sqrt(needs.channels)), needs.channels})
    tall = needs.room[1] > needs.room[0]
    many = needs.channels > 1
    choices = itertools.product(
        (tall, not tall), (False, True), acrosses, (False, True)[: 1 + many], smalls
    )
    for down, beside, across, stacked, small in choices:
        plan = _Plan(SMALLEST_CELL, SMALLEST_CELL, small, down, beside, across, stacked)
        while _fits(needs, larger := plan._replace(cell=plan.cell + 1, made=plan.cell + 1)):
            plan = larger
        # Several channels take the room; one map has more of it.
        while many and _fits(needs, larger := plan._replace(made=plan.made + 1)):
            plan = larger
        score = 3 * math.log(plan.cell) + math.log(min(small, 1.12 * needs.largest))
        score += 0.5 * math.log(plan.made) if many else 0.0
        score -= 0.02 * max(0.0, small - 1.12 * needs.largest)
        if _fits(needs, plan) and (best is None or score > best[0]):
            best = score, plan
    return best[1] if best else None


def _fits(needs: _Needs, plan: _Plan) -> bool:
    if plan.made > needs.largest:
        return False
    sizes = _block_sizes(needs, plan)
    gaps = 2 * _gap(needs, down=plan.down)
    along, aside = (1, 0) if plan.down else (0, 1)
    total = sum(size[along] for size in sizes) + gaps
    return total <= needs.room[along] and max(size[aside] for size in sizes) <= needs.room[aside]


def _gap(needs: _Needs, *, down: bool) -> int:
    return round((8 if down else 44 * needs.tight) * needs.scale)


def _block_sizes(needs: _Needs, plan: _Plan) -> tuple[Shape, Shape, Shape]:
    """Return (width, height) of the three blocks, their words included."""
    extra = heading_height(needs.scale) + below_height(needs.scale)
    least = round(118 * needs.scale * needs.tight)
    inner = [
        _group_size(needs.input, needs.channels, plan.cell, plan.across, needs.scale),
        _middle_size(needs, plan),
        _group_size(needs.output, 1, plan.made, 1, needs.scale),
    ]
    first, middle, last = ((max(width, least), height + extra) for width, height in inner)
    return first, (max(middle[0], round(150 * needs.scale * needs.tight)), middle[1]), last


def _group_size(shape: Shape, count: int, cell: int, across: int, scale: float) -> Shape:
    down = -(-count // across)
    gap = round(10 * scale)
    return (
        across * (shape[1] * cell + 1) + (across - 1) * gap,
        down * (shape[0] * cell + 1 + label_height(count, scale)) + (down - 1) * gap,
    )


def _middle_size(needs: _Needs, plan: _Plan) -> Shape:
    across = needs.channels if plan.across > 1 and not plan.stacked else 1
    width, height = _group_size(needs.window, needs.channels, plan.small, across, needs.scale)
    if not needs.has_kernel:
        return width, height
    own = needs.window[1] * plan.small + 1, needs.window[0] * plan.small + 1
    between = round(28 * needs.scale)
    if plan.beside:
        return own[0] + between + width, max(own[1], height)
    return max(own[0], width), own[1] + between + height


def _placed(needs: _Needs, plan: _Plan, corner: Shape) -> tuple[Block, Block, Block]:
    """Return the blocks with their places, what is left over shared out evenly."""
    sizes = _block_sizes(needs, plan)
    gap = _gap(needs, down=plan.down)
    along = 1 if plan.down else 0
    spare = needs.room[along] - sum(size[along] for size in sizes) - 2 * gap
    low = 24 if needs.room[1] > needs.room[0] else 6
    share = min(spare // 4, round((low if plan.down else 30) * needs.scale))
    at = corner[along] + (spare - 2 * share) // 2
    blocks = []
    for index, size in enumerate(sizes):
        aside = corner[1 - along] + (needs.room[1 - along] - size[1 - along]) // 2
        left, top = (aside, at) if plan.down else (at, aside)
        blocks.append(_block(needs, plan, index, (left, top, *size)))
        at += size[along] + gap + share
    return blocks[0], blocks[1], blocks[2]


def _block(needs: _Needs, plan: _Plan, index: int, box: tuple[int, int, int, int]) -> Block:
    left, top, width, _ = box
    first = top + heading_height(needs.scale)
    if index == 1:
        return Block(*box, _middle_grids(needs, plan, (left, first), width))
    shape, count, cell, across = (
        (needs.output, 1, plan.made, 1)
        if index
        else (needs.input, needs.channels, plan.cell, plan.across)
    )
    inner, _ = _group_size(shape, count, cell, across, needs.scale)
    start = left + (width - inner) // 2
    return Block(*box, _group(shape, count, cell, across, (start, first), needs.scale))


def _group(
    shape: Shape, count: int, cell: int, across: int, corner: Shape, scale: float
) -> tuple[Grid, ...]:
    gap = round(10 * scale)
    label = label_height(count, scale)
    steps = shape[1] * cell + 1 + gap, shape[0] * cell + 1 + gap + label
    return tuple(
        Grid(corner[0] + column * steps[0], corner[1] + row * steps[1] + label, cell, *shape)
        for row, column in (divmod(index, across) for index in range(count))
    )


def _middle_grids(needs: _Needs, plan: _Plan, corner: Shape, width: int) -> tuple[Grid, ...]:
    across = needs.channels if plan.across > 1 and not plan.stacked else 1
    inner, _ = _middle_size(needs, plan)
    left, top = corner[0] + (width - inner) // 2, corner[1]
    if not needs.has_kernel:
        return _group(needs.window, needs.channels, plan.small, across, (left, top), needs.scale)
    group, _ = _group_size(needs.window, needs.channels, plan.small, across, needs.scale)
    between = round(28 * needs.scale)
    rows, columns = needs.window
    own_left = left if plan.beside else left + (inner - columns * plan.small - 1) // 2
    kernel = Grid(own_left, top, plan.small, rows, columns)
    if plan.beside:
        start = kernel.right + 1 + between, top
    else:
        start = left + (inner - group) // 2, kernel.bottom + 1 + between
    return (
        kernel,
        *_group(needs.window, needs.channels, plan.small, across, start, needs.scale),
    )
