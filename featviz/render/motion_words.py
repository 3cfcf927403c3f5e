"""The words of one frame: every number that is not the same in all of them.

Numbers are written by :mod:`featviz.exact`: whole, as a fraction, or as a rounded decimal, and
``≈`` stands where a decimal was rounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from featviz.captions import cell_texts
from featviz.exact import exact_number, exact_text
from featviz.render.canvas import fitted, text_width
from featviz.render.motion_scene import Scene
from featviz.windows import Step

MOST_LETTERS = 1500


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one frame.

    Attributes:
        cell: ``row 2, column 3``.
        values: of each tap.
        terms: of each tap, ``14·1/9``.
        products: of each tap.
        result: how the products become the cell, in short: ``sum 7``.
        line: the whole arithmetic in one line.
    """

    cell: str
    values: tuple[str, ...]
    terms: tuple[str, ...]
    products: tuple[str, ...]
    result: str
    line: str

    def fitted(self, room: float, scale: float) -> tuple[str, int]:
        """Return the arithmetic, in short where it has no room, and its size."""
        whole = f"{self.cell}:  {self.line}"
        for most in (14, 11):
            size = round(most * scale)
            if len(whole) <= MOST_LETTERS and text_width(whole, size) <= room:
                return whole, size
        many = f"{len(self.products)} {'cells' if self.terms is self.values else 'products'}"
        return fitted(f"{self.cell}:  {many}, {self.result}", room, round(14 * scale))


def number_cell(value: float, rounding: float = 0.0) -> str:
    """Return one number as the cells of maps show it.

    Example:
        >>> number_cell(14 / 9), number_cell(-2.0), number_cell(0.07511361)
        ('14/9', '−2', '0.0751')
    """
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return cell_texts(np.array([[0.0 if abs(value) <= rounding else value]]))[0][0]


def is_exact(text: str, value: float) -> bool:
    """Whether the text says the number itself, and not a rounded decimal.

    Example:
        >>> is_exact("14/9", 14 / 9), is_exact("0.123", 0.123), is_exact("0.123", 0.12345)
        (True, True, False)
    """
    try:
        return float(Fraction(text.replace("−", "-"))) == float(exact_number(value))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Writer:
    """How the numbers of one window are written: beside a decimal no fraction stands."""

    rounding: float
    decimal: bool

    def text(self, value: float) -> str:
        found = number_cell(value, self.rounding)
        if not (self.decimal and "/" in found):
            return found
        return exact_text(float(value), digits=3).replace("-", "−")

    def texts(self, values: Iterable[float]) -> tuple[str, ...]:
        return tuple(map(self.text, values))

    def exact(self, *values: float) -> bool:
        """Whether all of these are written as they are."""
        return all(abs(v) <= self.rounding or is_exact(self.text(v), v) for v in values)

    def equals(self, *values: float) -> str:
        return "=" if self.exact(*values) else "≈"

    def named(self, name: str, value: float) -> str:
        """Return ``sum 7``, or ``sum ≈ 0.123`` of a rounded number."""
        return f"{name} {'' if self.exact(value) else '≈ '}{self.text(value)}"


def _writer(values: Iterable[float], rounding: float, *, decimal: bool = False) -> _Writer:
    texts = _Writer(rounding, False).texts(values)
    return _Writer(rounding, decimal or any(map(_is_decimal, texts)))


def _is_decimal(text: str) -> bool:
    return "." in text or "e" in text


def words_from_step(scene: Scene, step: Step) -> Words:
    """Return every text of one frame that is not the same in all of them."""
    cell = f"row {step.cell[0]}, column {step.cell[1]}"
    given = [tap.value for tap in step.taps]
    if scene.weights is None:
        # What padding holds does not count in a pool: its cells are left blank.
        counted = [tap.value for tap in step.taps if tap.kind == "image"]
        writer = _writer([*counted, step.value], scene.rounding)
        values = writer.texts(given)
        result, line = _words_without_kernel(scene, step, writer, writer.texts(counted))
        return Words(cell, values, values, values, result, line)
    writer = _writer(given, scene.rounding)
    weights = [scene.weights[tap.kernel_row][tap.kernel_column] for tap in step.taps]
    true = all(map(is_exact, weights, (tap.weight for tap in step.taps)))
    made = [tap.product for tap in step.taps]
    decimal = writer.decimal or any(map(_is_decimal, weights))
    after = _writer(made, scene.rounding, decimal=decimal)
    values, total = writer.texts(given), after.text(step.total)
    terms = tuple(
        f"{_in_brackets(value)}·{_in_brackets(weight)}"
        for value, weight in zip(values, weights, strict=True)
    )
    plain, added = after.text(step.total - step.bias), ""
    if step.bias:
        added = f" {_plus(after.text(step.bias))}"
    equal = true and writer.exact(*given) and after.exact(step.bias, step.total)
    line = f"{' + '.join(terms)}{added} {'=' if equal else '≈'} {total}"
    result = after.named("sum", step.total)
    if scene.trace.activation != "linear":
        result = _activated(scene, step, after, plain + added)
        line = f"{line}; {_activated(scene, step, after, total)}"
    elif step.bias:
        sign = after.equals(step.total - step.bias, step.bias, step.total)
        result = f"sum {plain}{added} {sign} {total}"
    return Words(cell, values, terms, after.texts(made), result, line)


def _activated(scene: Scene, step: Step, writer: _Writer, before: str) -> str:
    # What is rounded alike on both sides still is no equation.
    sign = writer.equals(step.value)
    return f"{scene.trace.activation}({before}) {sign} {writer.text(step.value)}"


def _words_without_kernel(
    scene: Scene, step: Step, writer: _Writer, inside: tuple[str, ...]
) -> tuple[str, str]:
    """Return the result in short, and the whole line."""
    if scene.trace.stage == "detect":
        writer = _writer([step.total, step.value], scene.rounding)
        result = _activated(scene, step, writer, writer.text(step.total))
        return result, result
    value, counted = writer.text(step.value), [tap.value for tap in step.counted]
    if step.winner is not None:
        sign = writer.equals(*(tap.value for tap in step.taps if tap.kind == "image"))
        return writer.named("largest", step.value), f"max({', '.join(inside)}) {sign} {value}"
    if counted:
        many, total = len(counted), writer.text(step.total)
        total = f"({total})" if "/" in total else _in_brackets(total)
        short = f"{total}/{many}"
        short += f" {writer.equals(step.total, step.value)} {value}" if short != value else ""
        sign = writer.equals(*counted, step.value)
        return short, f"({' + '.join(map(_in_brackets, inside))})/{many} {sign} {value}"
    result = writer.named("as it is:", step.value)
    return result, result


def _in_brackets(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def _plus(text: str) -> str:
    return f"− {text[1:]}" if text.startswith("−") else f"+ {text}"
