"""The pictures of one value: an image, kernels, a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from featviz._check import one_of, shown, whole_number
from featviz.captions import check_title, one_line, settings_text
from featviz.extraction import Extraction
from featviz.images import image_name, read_image
from featviz.kernel_sources import read_kernel, read_kernels
from featviz.panels import (
    Limits,
    Panel,
    checked_stages,
    image_panel,
    numbers_written,
    panels_from_extraction,
    panels_from_kernels,
)
from featviz.render.figures import figure_from_panels, figure_on_axes
from featviz.render.page_layout import (
    Placed,
    is_heading,
    placed_with_numbers,
)
from featviz.vocabulary import LAYOUTS, STAGES

# Panels on the right of what a layer saw; of more maps than a few so many more, as a page is wide.
FEW_MAPS, FEW_BESIDE, MOST_BESIDE = 4, 4, 6


def plot_extraction(
    extraction: Extraction,
    *,
    stages: Sequence[str] | None = None,
    layout: str | int = "rows",
    scale: str | Limits = "shared",
    gamma: float | None = None,
    palette: str | None = None,
    numbers: bool | None = None,
    title: str | None = "",
) -> Figure:
    """Draw the stages of a run, one panel for each map and stage.

    Where a layer of a network was run, what it saw is drawn once, on the left of its maps.

    Args:
        extraction: what :func:`featviz.extract` returned, or :func:`extraction_from_layer`.
        stages: any of ``"image"``, ``"filter"``, ``"detect"``, ``"condense"``, in any order.
            None: all; of a layer of a network without those that only say again what stands
            before them, as where no pool was found. What is left out is said.
        layout: ``"rows"`` (a row for each map; of a layer of a network up to four panels beside
            each other, of more than four maps six), ``"columns"`` (a column for each map), or
            how many panels stand in a row.
        scale: ``"shared"`` (one for all maps), ``"signed"`` (one per stage, symmetric about 0),
            ``"each"`` (every map its own), or ``(low, high)``.
        gamma: exponent of the display, above 0, the sign kept; the colour bar is drawn to match.
            None: 1 where numbers stand in the cells, else 0.5, which lifts what is small.
        palette: ``"signed"``, ``"heat"`` or ``"grey"``; None: signed where values may be
            negative, else heat.
        numbers: write the value into every cell; None: when all maps are small and the page with
            them is no larger than 17×20 inches.
        title: above the figure, in as many lines as it needs; None or empty for none.

    Returns:
        The figure; a notebook shows it, :func:`featviz.save_figure` writes it.

    Raises:
        ValueError: a wrong value.
        TypeError: a wrong kind.
    """
    if not isinstance(extraction, Extraction):
        raise TypeError(f"extraction must come from extract(); got {shown(extraction)}")
    check_title(title)
    chosen, told, left_out = _stages_drawn(extraction, stages)
    if isinstance(layout, str):
        one_of("layout", layout, LAYOUTS, also=" or a number of columns")
    else:
        layout = whole_number("layout", layout, minimum=1)

    def placed(written: bool) -> Placed:
        panels = panels_from_extraction(
            extraction, stages=chosen, scale=scale, gamma=gamma, palette=palette, numbers=written
        )
        return _placed(panels, chosen, layout, once=not extraction.kernels)

    arrays = [extraction.image, *(extraction.stage(stage) for stage in chosen)]
    single = len(extraction.labels) == 1
    panels, columns = placed_with_numbers(placed, arrays, numbers=numbers, single=single)
    footnote = " · ".join([settings_text(extraction, stage=told), *left_out])
    return figure_from_panels(panels, columns, title=title or "", footnote=footnote)


def _stages_drawn(
    extraction: Extraction, stages: Sequence[str] | None
) -> tuple[tuple[str, ...], str, list[str]]:
    """Return the stages, the last that the footnote tells of, and what is left out."""
    settings = extraction.settings
    if stages is not None or extraction.kernels:
        return checked_stages(STAGES if stages is None else stages), "condense", []
    reasons = {}
    if settings.activation.partition(" ")[0] == "none":  # or "none in a layer"
        reasons["detect"] = f"no activation was found{settings.activation.removeprefix('none')}"
    if settings.pool == "none":
        reasons["condense"] = "no pool was found"
    drawn = tuple(stage for stage in STAGES if stage not in reasons)
    if not reasons:
        return drawn, drawn[-1], []
    same = STAGES[STAGES.index(next(iter(reasons))) - 1]
    names = " and ".join(stage.capitalize() for stage in reasons)
    return drawn, drawn[-1], [
        f"{' and '.join(reasons.values())}: {names} would repeat {same.capitalize()}"
    ]  # fmt: skip


def _placed(
    panels: Sequence[Panel], stages: tuple[str, ...], layout: str | int, *, once: bool
) -> tuple[list[Panel | None], int]:
    """Return the panels of a layout, the image once where asked for, and its columns."""
    count = len(stages)
    columns = count if isinstance(layout, str) else layout
    places: list[Panel | None] = list(panels)
    if once and "image" in stages:
        first = stages.index("image")
        for again in range(first + count, len(panels), count):
            places[again] = None
        maps = [panel for panel in places[1:] if panel]
        # Above them it would stand alone in a row longer than a column is.
        wide = len(panels) // count
        if layout == "columns" and first == 0 < count - 1 <= wide <= MOST_BESIDE:
            return _beside(panels[0], _transposed(maps, count - 1), wide)
        if first == 0 < count - 1 and layout == "rows":
            return _beside(panels[0], maps, _maps_beside(wide, count - 1))
        if count == 1 or columns % count:
            places = [panel for panel in places if panel]
    if layout == "columns":
        return _transposed(places, count), len(panels) // count
    return places, columns


def _maps_beside(count: int, stages: int) -> int:
    """Return how many panels stand beside an image, in rows of about one length."""
    most = max(1, (FEW_BESIDE if count <= FEW_MAPS else MOST_BESIDE) // stages)
    rows = -(-count // most)
    return stages * -(-count // rows)


def _beside(
    image: Panel, maps: Sequence[Panel | None], wide: int
) -> tuple[list[Panel | None], int]:
    """Return an image and on its right the maps, and how many columns that takes."""
    places: list[Panel | None] = []
    for start in range(0, len(maps), wide):
        places += [None if start else image, *maps[start : start + wide]]
    return places, 1 + wide


def _transposed(panels: Sequence[Panel | None], columns: int) -> list[Panel | None]:
    return [panels[start] for column in range(columns)
            for start in range(column, len(panels), columns)]  # fmt: skip


def plot_image(image: Any, *, ax: Any = None, title: str | None = None) -> Figure:
    """Draw an image with its shape and range.

    Args:
        image: anything :func:`featviz.read_image` takes.
        ax: matplotlib axes to draw on; None makes a figure.
        title: None takes the file's name. What is longer than the picture is wide, or has
            several lines, stands above the name.

    Returns:
        The figure, or the one that ``ax`` belongs to.
    """
    check_title(title)
    pixels = read_image(image)
    alone = title is None or (ax is None and not is_heading(title))
    words = one_line(image_name(image) if alone else title or "")
    panel = image_panel(pixels, words, numbers=numbers_written(None, [pixels]))
    if ax is not None:
        return figure_on_axes(panel, ax, title=title)
    return figure_from_panels([panel], 1, title=title if alone else "")


def plot_images(
    images: Any,
    *,
    columns: int | None = None,
    numbers: bool | None = None,
    title: str | None = "",
) -> Figure:
    """Draw images side by side, each with its shape and range.

    Args:
        images: a list or any iterable of images, or a mapping title → image.
        columns: images in a row; None: at most 5.
        numbers: as in :func:`plot_extraction`; images in colour have none.
        title: above the figure, in as many lines as it needs; None or empty for none.

    Raises:
        ValueError: no image.
    """
    check_title(title)
    if columns is not None:
        whole_number("columns", columns, minimum=1)
    named = [(name, read_image(image)) for name, image in named_images(images)]
    if not named:
        raise ValueError("images must be at least one image; got none")
    width = min(len(named), 5) if columns is None else columns

    def placed(written: bool) -> Placed:
        return [image_panel(one, one_line(name), numbers=written) for name, one in named], width

    panels, width = placed_with_numbers(
        placed, [image for _, image in named], numbers=numbers, single=len(named) == 1
    )
    return figure_from_panels(panels, width, title=title or "")


def named_images(images: Any) -> list[tuple[str, Any]]:
    """Return (name, image) for one image, several, or a mapping name → image.

    A list is always several images: one nested list of numbers is written ``[matrix]``. Names
    that come again are numbered.

    Raises:
        ValueError: one nested list of numbers.
    """
    if isinstance(images, Mapping):
        return [(str(name), image) for name, image in images.items()]
    one = isinstance(images, (str, bytes, bytearray)) or hasattr(images, "shape")
    if one or hasattr(images, "read") or not isinstance(images, Iterable):
        return [(image_name(images), images)]
    several = list(images)
    if several and isinstance(several[0], (list, tuple)):
        first = several[0][0] if several[0] else None
        if not isinstance(first, (list, tuple)):
            raise ValueError(
                "images must be a list of images; got rows of numbers; one matrix is written "
                "[matrix]"
            )
    names = [image_name(image) for image in several]
    seen: Counter[str] = Counter()
    for index, name in enumerate(names):
        if names.count(name) > 1 or seen[name]:
            seen[name] += 1
            names[index] = f"{name} {seen[name]}"
    return list(zip(names, several, strict=True))


def plot_map(
    extraction: Extraction,
    stage: str = "detect",
    *,
    index: int = 0,
    scale: str | Limits = "shared",
    gamma: float | None = None,
    palette: str | None = None,
    ax: Any = None,
) -> Figure:
    """Draw one map of one stage.

    Args:
        extraction: the run.
        stage: ``"image"``, ``"filter"``, ``"detect"`` or ``"condense"``.
        index: which map, from 0.
        scale: ``"shared"`` is the scale of all maps and stages of the run, so that pictures of
            one run compare; else as in :func:`plot_extraction`.
        gamma: as in :func:`plot_extraction`.
        palette: as in :func:`plot_extraction`.
        ax: matplotlib axes to draw on; None makes a figure.

    Returns:
        The figure, or the one that ``ax`` belongs to.
    """
    if not isinstance(extraction, Extraction):
        raise TypeError(f"extraction must come from extract(); got {shown(extraction)}")
    one_of("stage", stage, STAGES)
    number = whole_number("index", index, minimum=0)
    if number >= len(extraction.labels):
        raise ValueError(f"index must be below {len(extraction.labels)}; got {number}")
    panels = panels_from_extraction(extraction, scale=scale, gamma=gamma, palette=palette)
    panel = panels[number * len(STAGES) + STAGES.index(stage)]
    return figure_from_panels([panel], 1) if ax is None else figure_on_axes(panel, ax)


def plot_kernel(kernel: Any, *, ax: Any = None) -> Figure:
    """Draw one kernel with its numbers in the cells.

    Args:
        kernel: anything :func:`featviz.read_kernel` takes.
        ax: matplotlib axes to draw on; None makes a figure.

    Returns:
        The figure, or the one that ``ax`` belongs to.
    """
    (panel,) = panels_from_kernels([read_kernel(kernel)])
    return figure_from_panels([panel], 1) if ax is None else figure_on_axes(panel, ax)


def plot_kernels(
    kernels: Any,
    *,
    columns: int | None = None,
    scale: str | Limits = "shared",
    title: str | None = "",
) -> Figure:
    """Draw kernels side by side, their numbers in the cells.

    Args:
        kernels: anything :func:`featviz.read_kernels` takes.
        columns: kernels in a row; None: as many as fit.
        scale: of the colours: ``"shared"``, ``"each"`` or ``(low, high)``.
        title: above the figure, in as many lines as it needs; None or empty for none.
    """
    check_title(title)
    stack = read_kernels(kernels)
    panels = panels_from_kernels(stack, scale=scale)
    return figure_from_panels(panels, columns, title=title or "")
