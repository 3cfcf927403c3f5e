"""Tiles of a layer's maps in a grid, as places of one palette.

The palette holds the steps of the colour bar, then green for NaN, paper, lines, and the inks of
text in the coverages that letters have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featviz.map_panels import MapSheet
from featviz.render.canvas import LIGHT, Colour, mixed
from featviz.render.map_colours import Colours, steps_from_values, table_of_steps
from featviz.vocabulary import BROKEN_COLOUR

Paper = npt.NDArray[np.uint8]

STEPS = 236
BROKEN_PLACE, PAPER, LINE, INKS = 236, 237, 238, 239
# Coverages of a pixel by a letter; each ink has one place for each.
COVERAGES = (64, 115, 128, 191, 255)
INK, FAINT, ALARM = (INKS + len(COVERAGES) * number for number in range(3))
ALARM_COLOUR = (163, 20, 60)
# Wider than high, as screens are.
ASPECT = 1.4


@dataclass(frozen=True, slots=True)
class Plan:
    """A grid in pixels.

    Attributes:
        zooms: height and width of a cell of a map.
        tile: height and width of a map.
        above: room for a label above each map.
        below: room for a label below it.
        pitch: height and width of a map with labels and gap.
        columns: maps in a row.
        rows: of maps.
    """

    zooms: tuple[int, int]
    tile: tuple[int, int]
    above: int
    below: int
    pitch: tuple[int, int]
    columns: int
    rows: int


def columns_of_grid(count: int, pitch: tuple[float, float], *, aspect: float = ASPECT) -> int:
    """Return how many tiles stand in a row so that the grid is wider than high.

    Args:
        count: of the tiles.
        pitch: (height, width) of a tile with all that belongs to it.
        aspect: width over height of the grid.

    Example:
        >>> columns_of_grid(64, (70, 58))
        8
    """
    best = max(1.0, min(count, math.sqrt(count * aspect * pitch[0] / pitch[1])))
    around = range(max(1, math.floor(0.8 * best)), min(count, math.ceil(1.2 * best)) + 1)
    # Of those nearby, the one that leaves the fewest places empty.
    return min(around, key=lambda columns: (-count % columns, abs(columns - best)))


def grid_of_tiles(sheet: MapSheet, plan: Plan) -> Paper:
    """Return the tiles in rows, marked ones framed, as places of the palette.

    Returns:
        uint8 (rows × pitch, columns × pitch).
    """
    steps = steps_from_values(sheet.tiles, sheet.limits, sheet.gamma, STEPS)
    for axis in (0, 1):
        if plan.zooms[axis] > 1:
            steps = np.repeat(steps, plan.zooms[axis], axis=axis + 1)
    full = plan.rows * plan.columns
    if len(steps) < full:
        rest = np.full((full - len(steps), *plan.tile), PAPER, np.uint8)
        steps = np.concatenate([steps, rest])
    height, width = plan.tile
    cells = np.full((plan.rows, plan.pitch[0], plan.columns, plan.pitch[1]), PAPER, np.uint8)
    blocks = steps.reshape(plan.rows, plan.columns, height, width).transpose(0, 2, 1, 3)
    cells[:, plan.above : plan.above + height, :, :width] = blocks
    grid = cells.reshape(plan.rows * plan.pitch[0], plan.columns * plan.pitch[1])
    for index, mark in enumerate(sheet.marks):
        if mark:
            row, column = divmod(index, plan.columns)
            _frame(grid, (row * plan.pitch[0] + plan.above, column * plan.pitch[1]), plan.tile)
    return grid


def _frame(grid: Paper, spot: tuple[int, int], tile: tuple[int, int]) -> None:
    """Draw a line around a marked tile, in the gap where there is one, else within."""
    top, left = max(0, spot[0] - 1), max(0, spot[1] - 1)
    bottom = min(grid.shape[0] - 1, spot[0] + tile[0])
    right = min(grid.shape[1] - 1, spot[1] + tile[1])
    place = ALARM + len(COVERAGES) - 1
    grid[[top, bottom], left : right + 1] = place
    grid[top : bottom + 1, [left, right]] = place


def palette_of_sheet(sheet: MapSheet) -> Colours:
    """Return the colours of all places, (254, 3)."""
    scale = sheet.limits[0]
    if sheet.scale == "each":
        scale = (-1.0, 1.0) if scale[0] < 0 else (0.0, 1.0)
    table = table_of_steps(sheet.palette, scale, sheet.gamma, STEPS)
    colours: list[Colour] = [BROKEN_COLOUR, LIGHT.paper, LIGHT.line]
    inks: tuple[Colour, ...] = (LIGHT.ink, LIGHT.faint, ALARM_COLOUR)
    colours += [mixed(LIGHT.paper, ink, part / 255) for ink in inks for part in COVERAGES]
    return np.concatenate([table, np.array(colours, np.uint8)])
