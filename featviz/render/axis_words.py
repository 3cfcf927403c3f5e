"""Ticks and names of axes, whatever the user's settings are."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from featviz.render.drawing import FAINT_INK, INK, TEXT

AXIS_TEXT = 6.0


def label_axes(axes: Axes, across: str, up: str) -> None:
    """Name both axes, and write the numbers that stand beside them.

    Args:
        axes: with the ticks that it shall have.
        across: name of the axis below; nothing for none.
        up: name of the axis at the left.
    """
    write_ticks(axes, AXIS_TEXT)
    style: dict[str, Any] = {"size": AXIS_TEXT, "color": FAINT_INK, "weight": "normal", **TEXT}
    axes.set_xlabel(across, labelpad=0.5, loc="center", **style)
    axes.set_ylabel(up, labelpad=1.5, loc="center", **style)


def write_ticks(axes: Axes, size: float, *, top: bool = False) -> None:
    """Write the numbers of ticks at the left and below, or above.

    Args:
        axes: with the ticks that it shall have.
        size: of the numbers, in points.
        top: whether they stand above and not below.
    """
    axes.minorticks_off()
    axes.tick_params(
        labelsize=size, length=2, width=0.5, color=FAINT_INK, labelcolor=INK, pad=1.5,
        direction="out", labelrotation=0, bottom=not top, left=True, top=top, right=False,
        labelbottom=not top, labelleft=True, labeltop=top, labelright=False,
    )  # fmt: skip
    for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        label.set(weight="normal", **TEXT)
