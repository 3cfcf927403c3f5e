"""The words of one frame: every number that is not the same in all of them.

Numbers are written by :mod:`featviz.exact`: whole, as a fraction, or as a rounded decimal, and
``≈`` stands where a decimal was rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from featviz.captions import cell_texts
from featviz.exact import exact_number, exact_text, is_exact_activation, short_activation
from featviz.render import canvas
from featviz.render.canvas import fitted, text_width
from featviz.render.motion.scene import LEFT_OUT, Scene, Sheet
from featviz.rounding import sum_error
from featviz.windows import Step

MOST_LETTERS = 1500
MOST_LEFT_OUT = 0.15
MOST_DECIMALS = 4


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


def number_cell(value: float) -> str:
    """Return one number as the cells of maps show it.

    Example:
        >>> number_cell(14 / 9), number_cell(-2.0), number_cell(0.07511361)
        ('14/9', '−2', '0.0751')
    """
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return cell_texts(np.array([[value]]))[0][0]


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


def adds_up(terms: Iterable[str], total: str) -> bool:
    """Whether printed terms, numbers or products, give exactly the total.

    Example:
        >>> adds_up(["2·1/2", "(−3)·1"], "−2"), adds_up(["16777216·1", "1·1"], "16777216")
        (True, False)
    """
    try:
        found = sum(math.prod(map(_fraction, term.split("·"))) for term in terms)
        return found == _fraction(total)
    except ValueError:
        return False


def _fraction(text: str) -> Fraction:
    return Fraction(text.strip("()").replace("−", "-"))


@dataclass(frozen=True, slots=True)
class _Writer:
    """How the numbers of one window are written: beside a decimal no fraction stands."""

    decimal: bool

    def text(self, value: float) -> str:
        found = number_cell(value)
        if not (self.decimal and "/" in found):
            return found
        return exact_text(float(value), digits=3).replace("-", "−")

    def texts(self, values: Iterable[float]) -> tuple[str, ...]:
        return tuple(map(self.text, values))

    def exact(self, *values: float) -> bool:
        """Whether all of these are written as they are."""
        return all(is_exact(self.text(value), value) for value in values)

    def named(self, name: str, value: float) -> str:
        """Return ``sum 7``, or ``sum ≈ 0.123`` of a rounded number."""
        return f"{name} {'' if self.exact(value) else '≈ '}{self.text(value)}"


def _writer(values: Iterable[float], *, decimal: bool = False) -> _Writer:
    return _Writer(decimal or any(map(_is_decimal, map(number_cell, values))))


def _is_decimal(text: str) -> bool:
    return "." in text or "e" in text


def words_from_step(scene: Scene, step: Step) -> Words:
    """Return every text of one frame that is not the same in all of them.

    Args:
        scene: what is shown.
        step: from :meth:`Scene.step`.
    """
    cell = f"row {step.cell[0]}, column {step.cell[1]}"
    given = [tap.value for tap in step.taps]
    if scene.weights is None:
        # What padding holds does not count in a pool: its cells are left blank.
        counted = [tap.value for tap in step.taps if tap.kind == "image"]
        writer = _writer([*counted, step.value])
        values = writer.texts(given)
        result, line = _words_without_kernel(scene, step, writer, writer.texts(counted))
        return Words(cell, values, values, values, result, line)
    writer = _writer(given)
    weights = [scene.weights[tap.kernel_row][tap.kernel_column] for tap in step.taps]
    decimal = writer.decimal or any(map(_is_decimal, weights))
    after = _writer(step.products, decimal=decimal)
    values = writer.texts(given)
    terms = tuple(
        f"{_in_brackets(value)}·{_in_brackets(weight)}"
        for value, weight in zip(values, weights, strict=True)
    )
    true = all(map(is_exact, weights, (tap.weight for tap in step.taps))) and writer.exact(*given)
    result, line = _sum_words(scene, step, after, terms, true=true)
    return Words(cell, values, terms, after.texts(step.products), result, line)


def _sum_words(
    scene: Scene, step: Step, writer: _Writer, terms: tuple[str, ...], *, true: bool
) -> tuple[str, str]:
    """Return the sum in short and in whole; ``true``: all terms are unrounded."""
    products, total = sum(step.products), step.total
    values, weights = zip(*((tap.value, tap.weight) for tap in step.taps), strict=True)
    if abs(products) <= sum_error(values, weights, exact=scene.trace.exact):
        products = 0.0
    bias = writer.text(step.bias)
    before, after = writer.text(products), writer.text(total)
    added = f" {_plus(bias)}" if step.bias else ""
    true = true and writer.exact(step.bias, total)
    sign = "=" if true and adds_up([*terms, bias], after) else "≈"
    line = f"{' + '.join(terms)}{added} {sign} {after}"
    if not math.isfinite(total):
        line += " (float32)"
    if scene.trace.activation != "linear":
        result = _activated(scene, step, writer, before + added)
        return result, f"{line}; {_activated(scene, step, writer, after)}"
    if step.bias:
        true = writer.exact(products, step.bias, total) and adds_up([before, bias], after)
        return f"sum {before}{added} {'=' if true else '≈'} {after}", line
    return writer.named("sum", total), line


def _activated(scene: Scene, step: Step, writer: _Writer, before: str) -> str:
    # What is rounded alike on both sides still is no equation.
    name, value = scene.trace.activation, step.value
    exact = writer.exact(value) and is_exact_activation(name, step.total, value)
    return f"{short_activation(name)}({before}) {'=' if exact else '≈'} {writer.text(value)}"


def _words_without_kernel(
    scene: Scene, step: Step, writer: _Writer, inside: tuple[str, ...]
) -> tuple[str, str]:
    """Return the result in short, and the whole line."""
    if scene.trace.stage == "detect":
        writer = _writer([step.total, step.value])
        result = _activated(scene, step, writer, writer.text(step.total))
        return result, result
    if step.winner is not None:
        true = writer.exact(*(tap.value for tap in step.taps if tap.kind == "image"))
        line = f"max({', '.join(inside)}) {'=' if true else '≈'} {writer.text(step.value)}"
        return writer.named("largest", step.value), line
    if step.counted:
        return _average_words(step, writer, inside)
    result = writer.named("as it is:", step.value)
    return result, result


def _average_words(step: Step, writer: _Writer, inside: tuple[str, ...]) -> tuple[str, str]:
    value, many = writer.text(step.value), len(step.counted)
    whole, share = writer.text(step.total), f"1/{many}"
    true = writer.exact(step.value)
    short = f"({whole})/{many}" if "/" in whole else f"{_in_brackets(whole)}/{many}"
    if short != value:
        same = true and writer.exact(step.total) and adds_up([f"{whole}·{share}"], value)
        short += f" {'=' if same else '≈'} {value}"
    true = true and writer.exact(*(tap.value for tap in step.counted))
    true = true and adds_up([f"{text}·{share}" for text in inside], value)
    terms = " + ".join(map(_in_brackets, inside))
    return short, f"({terms})/{many} {'=' if true else '≈'} {value}"


def _in_brackets(text: str) -> str:
    return f"({text})" if text.startswith("−") else text


def _plus(text: str) -> str:
    return f"− {text[1:]}" if text.startswith("−") else f"+ {text}"


def texts_with_room(
    texts: Sequence[str], values: Sequence[float], room: float, most: int,
    *, dots: float = MOST_LEFT_OUT,
) -> tuple[list[str], int]:  # fmt: skip
    """Return the texts of one block that fit, and their type.

    All have the same number of decimals, as many as fit, or all are whole or fractions. A number
    is ``…`` where its first two digits would be lost; the type is 0 where too many would be.

    Args:
        texts: as they are without want of room.
        values: what they tell.
        room: pixels.
        most: the largest type.
        dots: the share of numbers that may be left out.
    """
    written = list(dict.fromkeys(zip(texts, values, strict=True)))
    if size := canvas.largest_type(texts, room, most):
        return list(texts), size
    if max(room, most) < canvas.SMALLEST_ROOM:
        return list(texts), 0
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0) or MOST_DECIMALS
    for count in range(min(decimals, MOST_DECIMALS), -1, -1):
        short = {pair: shortened(*pair, count) for pair in written}
        left_out = [pair for pair in written if short[pair] is None]
        wide = [
            pair
            for pair in written
            if canvas.text_width(short[pair] or LEFT_OUT, canvas.SMALLEST_TYPE) > room
        ]
        if count and any(short[pair] != pair[0] or "." in pair[0] for pair in wide):
            continue
        lost = {*left_out, *wide}
        found = [
            LEFT_OUT if pair in lost else short[pair] or LEFT_OUT
            for pair in zip(texts, values, strict=True)
        ]
        if found.count(LEFT_OUT) > dots * len(found):
            return list(texts), 0
        return found, canvas.largest_type(found, room, most)
    return list(texts), 0


def sheet_with_room(sheet: Sheet, room: float, most: int) -> tuple[Sheet, int]:
    """Return the sheet with numbers that fit ``room`` pixels, and their type."""
    if sheet.texts is None:
        return sheet, 0
    texts = [text for channel in sheet.texts for row in channel for text in row]
    found, size = texts_with_room(texts, sheet.values.ravel().tolist(), room, most)
    if found == texts or not size:
        return sheet, size
    shape = np.array(found, object).reshape(sheet.values.shape).tolist()
    kept = tuple(tuple(tuple(row) for row in channel) for channel in shape)
    return replace(sheet, texts=kept), size


def shortened(text: str, value: float, decimals: int) -> str | None:
    """Return a text with so many decimals; whole numbers stay as they are.

    Returns:
        None where the first two digits of the number are lost.

    Example:
        >>> shortened("0.0133", 0.01331, 3), shortened("14/9", 14 / 9, 1), shortened("119", 119, 1)
        ('0.013', '1.6', '119')
        >>> shortened("−6/5", -1.2, 0), shortened("9e−14", 9e-14, 3)
        (None, '9e−14')
    """
    if not set(text) & set("./") or "e" in text:
        return text
    rounded = float(f"{value:.{decimals}f}")
    second = 10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 1.0
    if abs(rounded - value) > 0.501 * second:
        return None
    return exact_text(rounded, digits=9).replace("-", "−")
