"""Several runs in one figure: images × kernels, kernels above their maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from featviz._check import one_of, true_or_false
from featviz.captions import check_title, one_line, settings_text
from featviz.extraction import Extraction
from featviz.images import image_name
from featviz.kernel_sources import read_kernels
from featviz.panels import (
    Limits,
    Panel,
    image_panel,
    map_view,
    panels_from_kernels,
    panels_from_views,
    stage_title,
)
from featviz.pipeline import extract
from featviz.render.figures import figure_from_panels
from featviz.render.page_layout import Placed, placed_with_numbers
from featviz.render.plots import named_images
from featviz.vocabulary import STAGES


def plot_grid(
    images: Any,
    kernels: Any,
    *,
    stage: str = "detect",
    show_image: bool = True,
    scale: str | Limits = "shared",
    gamma: float | None = None,
    palette: str | None = None,
    numbers: bool | None = None,
    title: str | None = "",
    **settings: Any,
) -> Figure:
    """Draw a table of experiments: a row for each image, a column for each kernel.

    Args:
        images: one image, a list or any iterable of images, or a mapping name → image. A list
            is always several images: write ``[matrix]`` for one nested list of numbers.
        kernels: anything :func:`featviz.read_kernels` takes.
        stage: ``"filter"``, ``"detect"`` or ``"condense"``.
        show_image: whether the image stands in a first column.
        scale: ``"shared"`` (one for the whole table), ``"signed"``, ``"each"``, (low, high).
        gamma: as in :func:`featviz.plot_extraction`.
        palette: as in :func:`featviz.plot_extraction`.
        numbers: as in :func:`featviz.plot_extraction`.
        title: above the figure, in as many lines as it needs; None or empty for none.
        **settings: every option of :func:`featviz.extract`.

    Returns:
        The figure.

    Raises:
        ValueError: no image, or a wrong value.
        TypeError: a wrong kind.
    """
    check_title(title)
    one_of("stage", stage, STAGES[1:])
    show_image = true_or_false("show_image", show_image)
    stack = read_kernels(kernels)
    runs = [(name, extract(image, stack, **settings)) for name, image in named_images(images)]
    if not runs:
        raise ValueError("images must be at least one image; got none")
    _check_channels([run for _, run in runs])
    columns = len(runs[0][1].labels) + show_image
    look = {"scale": scale, "gamma": gamma, "palette": palette}

    def placed(written: bool) -> Placed:
        maps = iter(_maps_of(runs, stage, numbers=written, **look))
        panels: list[Panel | None] = []
        for name, run in runs:
            if show_image:
                seen = f"{one_line(name)}\nas the kernel sees it"
                panels.append(image_panel(run.image, seen, numbers=written))
            panels += [next(maps) for _ in run.labels]
        return panels, columns

    panels, columns = _with_numbers(placed, runs, stage, numbers)
    return figure_from_panels(panels, columns, title=title, footnote=_footnote(runs, stage))


def plot_kernels_and_maps(
    image: Any,
    kernels: Any,
    *,
    stage: str = "detect",
    scale: str | Limits = "shared",
    gamma: float | None = None,
    palette: str | None = None,
    numbers: bool | None = None,
    title: str | None = "",
    **settings: Any,
) -> Figure:
    """Draw a row of kernels and below each the map that it makes of the image.

    Args:
        image: anything :func:`featviz.read_image` takes.
        kernels: anything :func:`featviz.read_kernels` takes.
        stage: ``"filter"``, ``"detect"`` or ``"condense"``.
        scale: of the maps, as in :func:`plot_grid`.
        gamma: as in :func:`featviz.plot_extraction`.
        palette: as in :func:`featviz.plot_extraction`.
        numbers: as in :func:`featviz.plot_extraction`; kernels have theirs in any case.
        title: above the figure, in as many lines as it needs; None or empty for none.
        **settings: every option of :func:`featviz.extract`.

    Returns:
        The figure.
    """
    check_title(title)
    one_of("stage", stage, STAGES[1:])
    run = extract(image, kernels, **settings)
    runs = [(image_name(image), run)]
    repeats = len(run.labels) // len(run.kernels)
    tops = panels_from_kernels([kernel for kernel in run.kernels for _ in range(repeats)])
    look = {"scale": scale, "gamma": gamma, "palette": palette}

    def placed(written: bool) -> Placed:
        maps = _maps_of(runs, stage, numbers=written, **look)
        below = [
            replace(panel, title=f"{stage_title(run, stage)}\n{one_line(label)}")
            for panel, label in zip(maps, run.labels, strict=True)
        ]
        return [*tops, *below], len(tops)

    panels, columns = _with_numbers(placed, runs, stage, numbers)
    return figure_from_panels(panels, columns, title=title, footnote=_footnote(runs, stage))


def _maps_of(
    runs: Sequence[tuple[str, Extraction]], stage: str, **drawing: Any
) -> tuple[Panel, ...]:
    views = [
        map_view(run, stage, index, f"{one_line(name)}\n{one_line(label)}")
        for name, run in runs
        for index, label in enumerate(run.labels)
    ]
    return panels_from_views(views, **drawing)


def _check_channels(runs: Sequence[Extraction]) -> None:
    counts = [run.image.shape[2] for run in runs]
    if len({len(run.labels) for run in runs}) > 1:
        words = ", ".join(map(str, counts))
        raise ValueError(
            f"images must have equal numbers of channels with color='each'; got {words}"
        )


def _footnote(runs: Sequence[tuple[str, Extraction]], stage: str) -> str:
    """Return the shown step and the settings up to it; pads if they hold for all."""
    pads = {(run.pads, run.pool_pads) for _, run in runs}
    name, run = runs[0]
    image = f" of {one_line(name)}" if len(runs) == 1 and name != "image" else ""
    words = settings_text(run, stage=stage, pads=len(pads) == 1)
    return f"{stage.capitalize()}{image}: {words}"


def _with_numbers(
    placed: Callable[[bool], Placed],
    runs: Sequence[tuple[str, Extraction]],
    stage: str,
    numbers: bool | None,
) -> Placed:
    arrays = [array for _, run in runs for array in (run.image, run.stage(stage))]
    single = len(runs) == len(runs[0][1].labels) == 1
    return placed_with_numbers(placed, arrays, numbers=numbers, single=single)
