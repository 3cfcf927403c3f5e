"""What an animation shows, as plain values: colours, texts, words; no pixels yet.

Both drawings take a :class:`Scene`. Every number in it is the trace's, written by
:mod:`featviz.exact`: whole, as a fraction, or as a rounded decimal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from featviz._check import size_text
from featviz.captions import (
    LARGEST_DENOMINATOR,
    cell_texts,
    kernel_cell,
    one_line,
    value_text,
)
from featviz.exact import exact_text
from featviz.extraction import Maps
from featviz.kernels import Kernel
from featviz.panels import MapView, Panel, image_panel, panels_from_kernels, panels_from_views
from featviz.render.canvas import Colour, Theme
from featviz.render.drawing import colours_of
from featviz.vocabulary import CELL_KINDS
from featviz.windows import Step, Trace

Colours = npt.NDArray[np.uint8]
Texts = tuple[tuple[str, ...], ...]

MOST_TEXTS = 64 * 64
# Stands for a number that has no room.
LEFT_OUT = "…"
LONGEST_DECIMAL = 7
# What these make is never negative.
_UPWARDS = ("relu", "relu6", "sigmoid", "hard_sigmoid", "softplus", "exponential")
BAR_COLOURS = 64
COLOURS_OF_PHOTOGRAPH = 120
LARGEST_FLOAT = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One plane of cells.

    Attributes:
        role: its name and shape, ``input 6×6``.
        note: what else to know, ``padded to 8×8``.
        colours: (C, H, W, 3) uint8, what the cells are filled with.
        texts: of each channel (H, W) numbers; None where they are too many.
        values: (C, H, W), what the texts tell.
        kinds: (H, W) places in :data:`featviz.vocabulary.CELL_KINDS`.
        uncovered: (H, W), cells that no window reaches.
        ends: the two values at the ends of the colour bar.
        bar: (64, 3) its colours; None for a picture in colours.
    """

    role: str
    note: str
    colours: Colours
    texts: tuple[Texts, ...] | None
    values: Maps
    kinds: npt.NDArray[np.uint8]
    uncovered: npt.NDArray[np.bool_]
    ends: tuple[str, str]
    bar: Colours | None


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A trace on its way to a drawing.

    Attributes:
        trace: where the numbers come from.
        title: one line; may be empty.
        input: the plane, with its padding.
        output: the result.
        kernel_role: name and shape of the window, ``kernel 3×3``.
        kernel_note: how it moves, ``stride 2, dilation 1``.
        weights: (h, w) texts of the kernel as it lies on the plane; None without a kernel.
        weight_colours: (h, w, 3) uint8, or None.
        border: what the padding holds, in words.
        shared: whether input and output have one scale.
        theme: the fixed colours.
        arithmetic: whether the whole arithmetic stands in a line below.
    """

    trace: Trace
    title: str
    input: Sheet
    output: Sheet
    kernel_role: str
    kernel_note: str
    weights: Texts | None
    weight_colours: Colours | None
    border: str
    shared: bool
    theme: Theme
    arithmetic: bool

    def step(self, index: int) -> Step:
        """Return a step as it is shown: 0 where nothing but rounding is left of a sum."""
        return self.trace.without_rounding(self.trace[index])


def scene_from_trace(
    trace: Trace, *, title: str | None, scale: str, palette: str | None, border: str,
    theme: Theme, arithmetic: bool = False,
) -> Scene:  # fmt: skip
    """Return the values of an animation.

    Args:
        trace: where the numbers come from.
        title: one line; None: the stage and the label.
        scale: ``"each"`` (input and output have their own) or ``"shared"``.
        palette: of the output, None: signed or heat.
        border: what the padding holds.
        theme: the fixed colours.
        arithmetic: whether the whole arithmetic stands in a line below.
    """
    plane, _, values = trace.told or (trace.plane, trace.totals, trace.values)
    given, made = _panels(trace, (plane, values), scale, palette)
    role, note = _kernel_words(trace)
    weights, weight_colours = _weights(trace)
    if title is None:
        title = trace.stage.capitalize()
        title += "" if trace.label == Kernel("0").name else f" · {trace.label}"
    return Scene(
        trace, one_line(title),
        _input_sheet(trace, plane, given, theme), _output_sheet(trace, values, made),
        role, note, weights, weight_colours, border, scale == "shared", theme, arithmetic,
    )  # fmt: skip


def _panels(
    trace: Trace, shown: tuple[Maps, Maps], scale: str, palette: str | None
) -> tuple[Panel, Panel]:
    """Return panels that carry the colour scales of input and output."""
    plane, values = shown
    # Only cells of the input make its scale: a zero put there by padding is none of its values.
    cells = plane[trace.kinds == 0][None]
    before = MapView("input", "input", cells.reshape(1, -1), signed=False)
    sums = trace.stage in ("filter", "transposed")
    signed = sums and trace.activation not in _UPWARDS
    after = MapView("output", "output", values, signed=signed)
    if scale == "shared":
        given, made = panels_from_views([before, after], scale=scale, gamma=1.0, palette=palette)
        return given, made
    (made,) = panels_from_views([after], scale="each", gamma=1.0, palette=palette)
    if sums:
        return image_panel(cells.reshape(1, -1, 1), "input"), made
    return panels_from_views([before], scale="each", gamma=1.0, palette=palette)[0], made


def _filled(panel: Panel, values: npt.NDArray[Any]) -> Colours:
    scale = colours_of(panel)
    scaled: Any = scale.norm(values.astype(np.float64))
    filled: Any = scale.cmap(scaled, bytes=True)
    colours: Colours = filled[..., :3]
    return colours


def _bar(panel: Panel) -> Colours:
    return _filled(panel, np.linspace(*panel.limits, BAR_COLOURS))


def _ends(panel: Panel) -> tuple[str, str]:
    return value_text(panel.limits[0]), value_text(panel.limits[1])


def _input_sheet(trace: Trace, cells: Maps, panel: Panel, theme: Theme) -> Sheet:
    plane = np.moveaxis(cells, 2, 0)
    colours = np.ascontiguousarray(_filled(panel, plane))
    for kind, colour in (("padding", theme.padding), ("inserted", theme.inserted)):
        colours[:, trace.kinds == CELL_KINDS.index(kind)] = colour
    size, whole = trace.image_size, trace.kinds.shape
    role = f"input {size_text(size)}" + (f"×{len(plane)}" if len(plane) > 1 else "")
    words = [
        word
        for word, kind in (("stretched", "inserted"), ("padded", "padding"))
        if (trace.kinds == CELL_KINDS.index(kind)).any()
    ]
    note = f"{' and '.join(words)} to {size_text(whole)}" if words else ""
    uncovered = np.zeros(whole, bool)
    if trace.stage != "transposed":
        top, left = trace.origin
        uncovered[[top + row for row in trace.uncovered.rows], left : left + size[1]] = True
        uncovered[top : top + size[0], [left + column for column in trace.uncovered.columns]] = True
    shown = tuple(map(_texts, plane)) if plane[0].size <= MOST_TEXTS else None
    return Sheet(
        role, note, colours, shown, plane, trace.kinds, uncovered, _ends(panel), _bar(panel),
    )  # fmt: skip


def _output_sheet(trace: Trace, values: Maps, panel: Panel) -> Sheet:
    note = "" if trace.activation == "linear" else f"after {trace.activation}"
    uncovered = np.zeros(trace.shape, bool)
    if trace.stage == "transposed":
        uncovered[list(trace.uncovered.rows)] = True
        uncovered[:, list(trace.uncovered.columns)] = True
    return Sheet(
        f"output {size_text(trace.shape)}", note, _filled(panel, values)[None],
        (_texts(values),) if values.size <= MOST_TEXTS else None, values[None],
        np.zeros(trace.shape, np.uint8), uncovered, _ends(panel), _bar(panel),
    )  # fmt: skip


def _texts(values: Maps) -> Texts:
    texts = cell_texts(values)
    if any("." in text for row in texts for text in row):  # beside decimals no fraction stands
        texts = tuple(
            tuple(map(_as_decimal, row, line.tolist()))
            for row, line in zip(texts, values, strict=True)
        )
    if np.isinf(values).any():
        return tuple(tuple(text.replace("inf", "∞") for text in row) for row in texts)
    return texts


def _as_decimal(text: str, value: float) -> str:
    return exact_text(value, digits=3).replace("-", "−") if "/" in text else text


def _weight_text(value: Any) -> str:
    """Return a kernel's number: typed thousandths stay decimals."""
    typed = isinstance(value, Fraction) and value.denominator > LARGEST_DENOMINATOR
    text = exact_text(float(value), digits=9) if typed and value.denominator % 5 == 0 else ""
    if text and len(text) <= LONGEST_DECIMAL and Fraction(text) == value:
        return text.replace("-", "−")
    return kernel_cell(value)


def _kernel_words(trace: Trace) -> tuple[str, str]:
    """Return name and shape of the window, and how it moves."""
    rows, columns = trace.axes
    shape = size_text((rows.window, columns.window))
    move = f"stride {_both(trace.stride)}, dilation {_both(trace.dilation)}"
    if trace.stage == "detect":
        return "activation", trace.activation
    if trace.stage == "condense" and trace.pool == "none":
        return "no pool", ""
    if trace.stage == "condense":
        return f"{trace.pool.replace('_', ' ')} pool {shape}", f"stride {_both(trace.stride)}"
    if trace.stage == "transposed":
        move = move if max(trace.dilation) > 1 else f"stride {_both(trace.stride)}"
        return f"kernel {shape}", f"turned by 180°, {move}"
    return f"kernel {shape}", move


def _both(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else size_text(pair)


def _weights(trace: Trace) -> tuple[Texts | None, Colours | None]:
    """Return texts and colours of the kernel as it lies on the plane."""
    if trace.kernel is None:
        return None, None
    kernel = trace.kernel.rotated(180) if trace.stage == "transposed" else trace.kernel
    texts = tuple(tuple(map(_weight_text, row)) for row in kernel.rows)
    if any("." in text for row in texts for text in row):  # beside decimals no fraction stands
        texts = tuple(
            tuple(map(_as_decimal, row, map(float, numbers)))
            for row, numbers in zip(texts, kernel.rows, strict=True)
        )
    (panel,) = panels_from_kernels([kernel])
    return texts, _filled(panel, panel.pixels)


def colours_of_products(scene: Scene, products: Sequence[float]) -> Colours:
    """Return (n, 3) colours for numbers that have no room: red above 0, blue below."""
    most = float(np.abs(scene.trace.plane).max()) * max(
        abs(weight) for row in scene.trace.weights for weight in row
    )
    ends = MapView(
        "products", "products", np.array([[min(most, LARGEST_FLOAT)]], np.float32), signed=True
    )
    (panel,) = panels_from_views([ends], scale="each", gamma=1.0)
    return _filled(panel, np.array(products))


def channel_names(trace: Trace) -> tuple[str, ...]:
    """Return what the planes of the input are called; nothing where there is one."""
    count = trace.plane.shape[2]
    if count == 3:
        return "red", "green", "blue"
    return tuple(f"channel {index + 1}" for index in range(count)) if count > 1 else ("",)


def flat_sheet(scene: Scene) -> Sheet:
    """Return the input in one layer: a photograph's colours, else the mean."""
    sheet = scene.input
    channels = len(sheet.colours)
    if channels == 1:
        return sheet
    role = sheet.role
    if channels == 3 and sheet.ends == ("0", "1") and not scene.shared:
        colours = np.moveaxis(sheet.colours[..., 0], 0, 2).copy()
        colours[sheet.kinds > 0] = sheet.colours[0][sheet.kinds > 0]
        return replace(sheet, colours=colours[None], texts=None, bar=None)
    mean = sheet.colours.mean(axis=0).round().astype(np.uint8)[None]
    return replace(sheet, role=f"{role}, mean of the channels", colours=mean, texts=None)


def colours_of_photograph(sheet: Sheet) -> list[Colour]:
    """Return the colours that stand for all of a photograph's, found by median cut."""
    picture = Image.fromarray(np.ascontiguousarray(sheet.colours[0]))
    values = picture.quantize(COLOURS_OF_PHOTOGRAPH).getpalette() or []
    return [(r, g, b) for r, g, b in zip(values[::3], values[1::3], values[2::3], strict=True)]


def loses_units(image: Any, told: Trace) -> bool:
    """Whether whole numbers were given that float32 cannot hold, as 16777217."""
    if told.stage not in ("filter", "transposed") or not isinstance(image, (list, tuple)):
        return False
    given = np.asarray(image)
    return given.dtype.kind in "iu" and bool((given.astype(np.float32) != given).any())
