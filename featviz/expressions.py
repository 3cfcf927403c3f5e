"""``extract`` on symbols: every stage of a run as a matrix of exact expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy

from featviz import _notebook
from featviz._calls import arguments_in, name_called
from featviz._check import one_of, real_number, size_text
from featviz.exact import exact_number, exact_text
from featviz.extraction import Settings, kept
from featviz.geometry import Axis
from featviz.letters import entry_from_bias, entry_from_number
from featviz.sliding import check_fits, kernel_sliding, pool_sliding
from featviz.sums import MOST_PRODUCTS, Taps, laid, total_of
from featviz.vocabulary import BORDERS, POOLS, STAGES

ACTIVATIONS = ("linear", "relu", "relu6", "leaky_relu")


@dataclass(frozen=True, slots=True)
class Expressions:
    """Every stage of one run on symbols; sympy matrices, which cannot change.

    Attributes:
        image: (H, W), what the kernel saw.
        kernel: (h, w), as written.
        filtered: (H', W'), after the convolution and the bias.
        detected: (H', W'), after the activation.
        condensed: (H", W"), after pooling.
        settings: how it was made.
        label: the kernel's name.
    """

    image: sympy.ImmutableMatrix
    kernel: sympy.ImmutableMatrix
    filtered: sympy.ImmutableMatrix
    detected: sympy.ImmutableMatrix
    condensed: sympy.ImmutableMatrix
    settings: Settings = field(repr=False)
    label: str = "kernel"

    def stage(self, name: str) -> sympy.ImmutableMatrix:
        """Return the matrix of one stage, named as in ``Extraction.stage``.

        Raises:
            ValueError: an unknown stage.
        """
        one_of("stage", name, STAGES)
        matrices = (self.image, self.filtered, self.detected, self.condensed)
        return matrices[STAGES.index(name)]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {size_text(self.stage(name).shape)}" for name in STAGES)
        return f"Expressions({self.label}: {sizes})"

    def _repr_latex_(self) -> str:
        return _notebook.latex_from_value(self)


def extract_expressions(
    image: Any,
    kernel: Any,
    *,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    border: str = "zeros",
    bias: Any = None,
    activation: str | None = "relu",
    pool: str = "max",
    pool_size: int | tuple[int, int] = 2,
    pool_stride: int | tuple[int, int] | None = None,
    pool_padding: Any = "same",
) -> Expressions:
    """Run an image through filter, detect and condense, letters staying letters.

    With numbers put in for the letters, the stages are those of :func:`featviz.extract`.

    Args:
        image: as in :func:`featviz.window_sum`: ``"a b; c d"``, numbers, or a small image.
        kernel: as in :func:`featviz.window_sum`.
        stride: as in :func:`featviz.filter_image`.
        padding: as in :func:`featviz.filter_image`.
        dilation: as in :func:`featviz.filter_image`.
        border: as in :func:`featviz.filter_image`.
        bias: a number, a letter or a sympy expression, added to every sum; None for none.
        activation: ``"relu"``, ``"relu6"``, ``"leaky_relu"`` (its slope is Keras' 0.2 unless it
            is given, ``"leaky_relu(0.1)"``), or ``"linear"`` or None for none.
        pool: as in :func:`featviz.condense`; an average counts no padding.
        pool_size: window of the pool, for both axes or (rows, columns).
        pool_stride: step of the pool; None means the window's size.
        pool_padding: padding of the pool.

    Returns:
        The :class:`Expressions`; in a notebook they are typeset.

    Raises:
        TypeError: a wrong kind, or cells that are neither numbers nor letters.
        ValueError: a wrong value, a kernel that does not fit, or more than 10 000 products.
        OSError: the image's file is missing or cannot be read.

    Example:
        >>> run = extract_expressions("a b; c d", "1 -1", padding="valid")
        >>> run.filtered, run.condensed
        (Matrix([
        [a - b],
        [c - d]]), Matrix([[Max(0, a - b, c - d)]]))
    """
    sliding = kernel_sliding(stride, padding, dilation)
    one_of("border", border, BORDERS)
    one_of("pool", pool, POOLS)
    window, pool_moves = pool_sliding(pool_size, pool_stride, pool_padding, prefix="pool_")
    words, activated = _activation(activation)
    added = entry_from_bias(bias)
    cells, weights, axes = laid(image, kernel, sliding, padding)
    _refuse_large("image", axes, cells.size)
    pool_axes = None
    if pool in ("max", "average"):
        pool_axes = pool_moves.axes((axes[0].outputs, axes[1].outputs), window)
        check_fits("pool window", "map", pool_axes, repr(pool_padding))
        _refuse_large("map to be pooled", pool_axes, (axes[0].outputs, axes[1].outputs))
    pixels, numbers = cells.matrix(), weights.matrix()
    filtered = _filtered(pixels, numbers, Taps(axes, border), added)
    detected = filtered.applyfunc(activated)
    settings = Settings(
        sliding.stride, kept(padding), sliding.dilation, border, added, words, pool, window,
        pool_moves.stride, kept(pool_padding), "grey",
    )  # fmt: skip
    condensed = _condensed(detected, pool, pool_axes)
    return Expressions(pixels, numbers, filtered, detected, condensed, settings, weights.label)


def _refuse_large(what: str, axes: tuple[Axis, Axis], size: tuple[int, int]) -> None:
    rows, columns = axes
    products = rows.outputs * columns.outputs * rows.window * columns.window
    needed = max(products, size[0] * size[1])
    if needed > MOST_PRODUCTS:
        window = size_text((rows.window, columns.window))
        raise ValueError(
            f"{what} must need at most {MOST_PRODUCTS} products on symbols; got {size_text(size)} "
            f"under a window of {window}, which needs {needed}; crop it, as in image[:20, :20]"
        )


def _filtered(
    pixels: sympy.ImmutableMatrix, numbers: sympy.ImmutableMatrix, taps: Taps, added: Any
) -> sympy.ImmutableMatrix:
    weights, bias = numbers.flat(), [] if added is None else [added]

    def total(row: int, column: int) -> Any:
        terms = [
            pixels[place] * weight
            for place, weight in zip(taps.places((int(row), int(column))), weights, strict=True)
            if place is not None
        ]
        return total_of(terms + bias)

    rows, columns = taps.axes
    return sympy.ImmutableMatrix(rows.outputs, columns.outputs, total)


def _condensed(
    detected: sympy.ImmutableMatrix, pool: str, axes: tuple[Axis, Axis] | None
) -> sympy.ImmutableMatrix:
    if pool == "none":
        return detected
    reduce = largest if pool.endswith("max") else _average
    if axes is None:
        return sympy.ImmutableMatrix([[reduce(detected.flat())]])
    taps = Taps(axes, "zeros")

    def one(row: int, column: int) -> Any:
        places = taps.places((int(row), int(column)))
        return reduce([detected[place] for place in places if place is not None])

    return sympy.ImmutableMatrix(axes[0].outputs, axes[1].outputs, one)


def _average(values: list[Any]) -> Any:
    return total_of(values) / len(values)


def largest(values: Iterable[Any]) -> Any:
    """Return Max(…) with its numbers made one and equal ones left out.

    sympy's own ``Max`` would compare every pair of expressions, which takes seconds.

    Example:
        >>> largest([sympy.Integer(0), sympy.Integer(2), sympy.Symbol("a")])
        Max(2, a)
    """
    return _extreme(values, sympy.Max, max)


def _extreme(values: Iterable[Any], kind: Any, choose: Callable[[Any], Any]) -> Any:
    flat: list[Any] = []
    for value in values:
        flat += value.args if isinstance(value, kind) else [value]
    numbers = [value for value in flat if value.is_number]
    parts = [choose(numbers)] if numbers else []
    parts += dict.fromkeys(value for value in flat if not value.is_number)
    return parts[0] if len(parts) == 1 else kind(*parts, evaluate=False)


def _activation(activation: Any) -> tuple[str, Callable[[Any], Any]]:
    """Return the activation in words, as for numbers, and what it does to an entry."""
    word = "linear" if activation is None else activation
    name = (name_called(word) if isinstance(word, str) else None) or word
    one_of("activation", name, ACTIVATIONS, also=" on symbols")
    positional, named = arguments_in(word if word != name else f"{name}()", _SIGNATURES[name])
    if name == "linear":
        return name, lambda value: value
    if name == "relu":
        return name, lambda value: largest([sympy.S.Zero, value])
    if name == "relu6":
        return name, lambda value: _smallest([sympy.Integer(6), largest([sympy.S.Zero, value])])
    found = exact_number(real_number("negative_slope", _leaky_relu(*positional, **named)))
    slope = entry_from_number(found)
    # x and its share: the larger for slopes up to 1, the smaller for steeper ones.
    pick = largest if slope <= 1 else _smallest
    words = f"leaky_relu(negative_slope={exact_text(float(found))})"
    return words, lambda value: pick([value, slope * value])


def _smallest(values: Iterable[Any]) -> Any:
    return _extreme(values, sympy.Min, min)


def _leaky_relu(negative_slope: float = 0.2) -> float:
    return negative_slope


def _no_numbers() -> None: ...


_SIGNATURES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(ACTIVATIONS, _no_numbers),
    "leaky_relu": _leaky_relu,
}
