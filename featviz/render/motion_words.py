"""The words of one frame: every number that is not the same in all of them.

Numbers are written by :mod:`featviz.exact`: whole, as a fraction, or as a rounded decimal, and
``≈`` stands where a decimal was rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from featviz.captions import cell_texts
from featviz.exact import exact_number
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
        >>> is_exact("14/9", 14 / 9), is_exact("0.123", 0.12345)
        (True, False)
    """
    number = exact_number(value)
    try:
        return Fraction(text.replace("−", "-")) == number
    except ValueError:
        return False


def words_from_step(scene: Scene, step: Step) -> Words:
    """Return every text of one frame that is not the same in all of them."""
    values = tuple(number_cell(tap.value, scene.rounding) for tap in step.taps)
    cell = f"row {step.cell[0]}, column {step.cell[1]}"
    if scene.weights is None:
        result = _result_without_kernel(scene, step)
        return Words(
            cell, values, values, values, result, _line_without_kernel(step, values, result)
        )
    weights = [scene.weights[tap.kernel_row][tap.kernel_column] for tap in step.taps]
    terms = tuple(
        f"{value}·{_in_brackets(weight)}" for value, weight in zip(values, weights, strict=True)
    )
    products = tuple(number_cell(tap.product, scene.rounding) for tap in step.taps)
    total, bias = number_cell(step.total, scene.rounding), number_cell(step.bias)
    after = _after_activation(scene, step)
    added = f" {_plus(bias)}" if step.bias else ""
    plain = number_cell(step.total - step.bias, scene.rounding)
    result = f"sum {plain}{added} = {total}" if step.bias else f"sum {total}"
    shown = [(values, "value"), (weights, "weight")]
    exact = is_exact(total, step.total) and all(
        is_exact(text, getattr(tap, name))
        for texts, name in shown
        for text, tap in zip(texts, step.taps, strict=True)
        if abs(getattr(tap, name)) > scene.rounding
    )
    sign = "=" if exact else "≈"
    line = " + ".join(terms) + f"{added} {sign} {total}"
    if after:
        result, line = f"{result}, {after}", f"{line}, {after}"
    return Words(cell, values, terms, products, result, line)


def _after_activation(scene: Scene, step: Step) -> str:
    if scene.trace.activation == "linear":
        return ""
    return f"{scene.trace.activation}: {number_cell(step.value, scene.rounding)}"


def _result_without_kernel(scene: Scene, step: Step) -> str:
    value = number_cell(step.value, scene.rounding)
    if scene.trace.stage == "detect":
        before = number_cell(step.total, scene.rounding)
        return f"{scene.trace.activation}: {before} → {value}"
    if step.winner is not None:
        return f"largest: {value}"
    if step.counted:
        total, sign = number_cell(step.total, scene.rounding), "="
        if not (is_exact(value, step.value) and is_exact(total, step.total)):
            sign = "≈"
        return f"{total} / {len(step.counted)} {sign} {value}"
    return f"as it is: {value}"


def _line_without_kernel(step: Step, values: tuple[str, ...], result: str) -> str:
    pairs = zip(step.taps, values, strict=True)
    inside = [text for tap, text in pairs if tap.kind == "image"]
    if step.winner is not None:
        return f"max({', '.join(inside)}) = {result.removeprefix('largest: ')}"
    if step.counted:
        sign, value = result.split(" ")[-2:]
        return f"({' + '.join(map(_in_brackets, inside))}) / {len(step.counted)} {sign} {value}"
    return result


def _in_brackets(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def _plus(text: str) -> str:
    return f"− {text[1:]}" if text.startswith("−") else f"+ {text}"
