"""Steps of a trace as text, LaTeX and Markdown: sums, activations, winners."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import sympy

from featviz._check import one_of, shown, whole_number
from featviz.captions import LARGEST_DENOMINATOR
from featviz.exact import (
    exact_number,
    is_exact_activation,
    is_near_in_float32,
    is_stored_as,
    short_activation,
)
from featviz.letters import entry_from_number
from featviz.render.algebra import is_rounded, number_in_form, number_of, short_number
from featviz.render.sum_text import (
    ABOUT,
    DOTS,
    parts_of,
    printed_total,
    sum_line,
    with_sure_digits,
)
from featviz.rounding import MOST_DIGITS
from featviz.sums import total_of
from featviz.vocabulary import EXACT_ACTIVATIONS, SUM_FORMS
from featviz.windows import Step, Tap, Trace

_SLOPE = re.compile(r"leaky_relu\(negative_slope=([0-9.e+-]+)\)")
# They are computed in float32, the last of its digits by other ways in other places.
_DIGITS_OF_FLOAT32 = 5
# These subtract nearly equal numbers.
_SUBTRACTING = ("gelu", "tanh_shrink", "squareplus")
_STRANGE = re.compile(r"[^A-Za-z0-9_ .,=()+/−-]")


def text_from_step(
    trace: Trace, step: Step, *, form: str = "unicode", terms: int | None = None
) -> str:
    r"""Return how one cell came about, as one line.

    Args:
        trace: what :func:`featviz.trace` returned.
        step: one of its steps.
        form: ``"unicode"``, ``"plain"`` (ASCII), ``"latex"`` (without dollar signs) or
            ``"markdown"`` (LaTeX between dollar signs).
        terms: how many terms of a longer sum are written, at least 2; None writes them all.

    Returns:
        For a filter the products, their sum and the activation; for a pool the cells that
        take part and the result. Decimals are rounded to six digits, and then ``≈`` is written.

    Raises:
        TypeError: not a trace and its step.
        ValueError: an unknown form, or fewer than 2 terms.

    Example:
        >>> from featviz.tracing import trace
        >>> steps = trace([[1, 2], [3, 4]], "1 -1; 1/2 0", padding="valid")
        >>> text_from_step(steps, steps[0])
        '1·1 + 2·(−1) + 3·1/2 + 4·0 = 1/2; relu(1/2) = 1/2'
        >>> pooled = trace([[1, 2], [3, 4]], [[1]], stage="condense")
        >>> print(text_from_step(pooled, pooled[0], form="latex"))
        \max(1, 2, 3, 4) = 4
    """
    one_of("form", form, SUM_FORMS)
    if not (isinstance(trace, Trace) and isinstance(step, Step)):
        raise TypeError(f"trace and step must come from trace(); got {shown((trace, step))}")
    most = None if terms is None else whole_number("terms", terms, minimum=2)
    style = "latex" if form == "markdown" else form
    line = _line(trace, step, style, most)
    return f"${line}$" if form == "markdown" else line


def _line(trace: Trace, step: Step, style: str, most: int | None) -> str:
    told = trace.without_rounding(step)
    if trace.stage == "condense":
        return _pool_line(trace, told, style, most)
    if trace.stage == "detect":
        error = _error_at(trace, step.cell)
        total = with_sure_digits(_numbers([told.total])[0], error)
        return _activation(trace, told, total, style, error)
    expression, total = _agreeing_sum(trace, step)
    agrees = _agrees(trace, step, expression, total)
    settled = agrees and told.total == 0 != total
    line = sum_line(expression, style, most, settled=settled)
    total = printed_total(parts_of(expression), total, settled=settled)[0]
    stored = _numbers([step.total])[0]
    if isinstance(stored, int) and number_in_form(stored, style) == number_in_form(total, style):
        total = stored
    if not agrees or (total == 0 != step.total):
        # The sum is right as it stands; the stage holds what float32 made of it.
        line += _note(total, stored, style)
        total = total if agrees else stored
    if trace.activation == "linear":
        return line
    joint = r";\quad " if style == "latex" else "; "
    return line + joint + _activation(trace, told, total, style, _error_at(trace, step.cell))


def _note(total: Any, stored: Any, style: str) -> str:
    """Return what the stage holds, where that is printed otherwise than the sum."""
    text = number_in_form(stored, style)
    if text == number_in_form(total, style):
        return ""
    return rf"\text{{ (float32: {text})}}" if style == "latex" else f" (float32: {text})"


def _agreeing_sum(trace: Trace, step: Step) -> tuple[Any, Any]:
    """Return the sum and its total, with fractions where they give the stage's."""
    expression = sum_from_step(trace, step)
    total = _total(expression)
    if not _agrees(trace, step, expression, total):
        expression = sum_from_step(trace, step, fractions=False)
        total = _total(expression)
    return expression, total


def _total(expression: Any) -> Any:
    return number_of(total_of(parts_of(expression)))


def _agrees(trace: Trace, step: Step, expression: Any, total: Any) -> bool:
    """Whether a total is what the stage holds, but for the rounding of float32."""
    if total == step.total:
        return True
    if not math.isfinite(step.total) or not any(n.is_integer is False for n in _atoms(expression)):
        return False
    lost = 2.0**-24 * (abs(step.total) + abs(step.bias))
    return abs(float(total) - step.total) <= lost + _error_at(trace, step.cell)


def _error_at(trace: Trace, cell: tuple[int, int] | None) -> float:
    """Return how far a cell of filter may lie from what its pixels stand for."""
    return trace.sums.error_at(*cell) if trace.sums and cell else 0.0


def _atoms(expression: Any) -> Iterable[Any]:
    return (factor for part in parts_of(expression) for factor in (part.args or (part,)))


def sum_from_step(trace: Trace, step: Step, *, fractions: bool = True) -> Any:
    """Return the sum of a filter's step as sympy, exact and not yet summed.

    Args:
        trace: of a filter or a transposed convolution.
        step: one of its steps.
        fractions: whether floats are read as the fractions that people know, 1/3 for 0.333333.
    """
    values = [tap.value for tap in step.taps]
    numbers = _numbers(values) if fractions else []
    # No sum has rounded a pixel: only what is stored as this very float is meant.
    if not all(map(_is_stored_as, values, numbers)) or not fractions:
        numbers = [_whole_or_float(value) for value in values]
    terms = [
        sympy.Mul(entry_from_number(v), entry_from_number(_weight(trace, tap)), evaluate=False)
        for v, tap in zip(numbers, step.taps, strict=True)
    ]
    if trace.bias:
        bias = _numbers([step.bias])[0] if fractions else _whole_or_float(step.bias)
        terms.append(entry_from_number(bias))
    return sympy.Add(*terms, evaluate=False)


def _is_stored_as(value: float, number: Any) -> bool:
    return not isinstance(number, Fraction) or is_stored_as(number, value)


def _weight(trace: Trace, tap: Tap) -> Any:
    """Return the exact number of the kernel at a tap."""
    rows: Sequence[Sequence[Any]] = trace.kernel.rows if trace.kernel else ((1,),)
    if trace.stage == "transposed":  # the kernel lies there turned by 180°
        return rows[-1 - tap.kernel_row][-1 - tap.kernel_column]
    return rows[tap.kernel_row][tap.kernel_column]


def _numbers(values: Iterable[float]) -> list[Any]:
    """Return floats as exact numbers; beside one that is no fraction none is one."""
    found = [(value, _simple(value)) for value in values]
    if not any(isinstance(exact, float) for _, exact in found):
        return [short_number(exact) for _, exact in found]
    return [exact if isinstance(exact, int) else _decimal(value, exact) for value, exact in found]


def _decimal(value: float, exact: Any) -> float:
    """Return the decimal that float32 stands for where it is short, else the float."""
    return value if is_rounded(float(exact)) else float(exact)


def _whole_or_float(value: float) -> Any:
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def _simple(value: float) -> Any:
    """Return a whole number or a fraction that people read, or the float."""
    exact = exact_number(value) if math.isfinite(value) else value
    if isinstance(exact, Fraction) and exact.denominator > LARGEST_DENOMINATOR:
        return _decimal(value, exact)
    return exact


def _activation(trace: Trace, step: Step, total: Any, style: str, error: float) -> str:
    """Return ``relu(−1) = 0``; ``error``: how far the total may be wrong."""
    raw = _sloped(trace.activation, total, _numbers([step.value])[0])
    result = total if step.value == step.total else raw
    decimal = isinstance(result, float) and is_rounded(raw)
    exact = not decimal and _is_exact(trace.activation, total, result)
    if not exact:
        bare = trace.activation.partition("(")[0]
        error += 2.0**-22 * abs(step.total) if bare in _SUBTRACTING else 0.0
        plain = (*EXACT_ACTIVATIONS, "linear", "leaky_relu")
        most = MOST_DIGITS if bare in plain else _DIGITS_OF_FLOAT32
        result = with_sure_digits(result, error, most=most)
    name, equals = short_activation(trace.activation), "=" if exact else ABOUT[style]
    if style == "latex":
        name = _STRANGE.sub("", name).replace("_", r"\_").replace(" ", "~")
        name = rf"\mathrm{{{name}}}"
    before, after = number_in_form(total, style), number_in_form(result, style)
    return f"{name}({before}) {equals} {after}"


def _sloped(name: str, before: Any, after: Any) -> Any:
    """Return what a leaky relu makes of a number, not rounded to float32."""
    slope = _SLOPE.fullmatch(name)
    if slope is None or not isinstance(after, float) or before >= 0 or is_rounded(before):
        return after
    meant = Fraction(str(before)) * Fraction(slope[1])
    return _simple(float(meant)) if is_near_in_float32(meant, after) else after


def _is_exact(name: str, before: Any, after: Any) -> bool:
    """Whether an activation of the printed number is the printed result."""
    if is_rounded(after):
        return False
    slope = _SLOPE.fullmatch(name)
    if slope is None or before == 0:
        return is_exact_activation(name, before, float(after))
    if not all(map(math.isfinite, (before, after))) or is_rounded(before):
        return False
    factor = Fraction(slope[1]) if before < 0 else 1
    return Fraction(str(before)) * factor == Fraction(str(after))


def _pool_line(trace: Trace, step: Step, style: str, most: int | None) -> str:
    inside = [tap for tap in step.taps if tap.kind == "image"]
    errors = _errors(trace, inside)
    raw = _numbers(tap.value for tap in inside)
    cells = [with_sure_digits(*pair) for pair in zip(raw, errors, strict=True)]
    rounded = any(map(is_rounded, raw))
    if trace.pool == "none":
        return number_in_form(cells[0], style)
    if trace.pool.endswith("average"):
        mean = _mean(raw, step.value, sum(errors) / len(errors))
        return _average(cells, mean, style, most, rounded=rounded)
    name = r"\max" if style == "latex" else "max"
    values, note = _listed(cells, ", ", style, most)
    best = next(cell for cell, tap in zip(cells, inside, strict=True) if tap is step.winner)
    equals = ABOUT[style] if rounded else "="
    return f"{name}({values}) {equals} {number_in_form(best, style)}{note}"


def _errors(trace: Trace, taps: list[Tap]) -> list[float]:
    """Return how far each of some cells may lie from what its pixels stand for."""
    places = [tap.source for tap in taps if tap.source]
    return trace.sums.errors_at(places) if trace.sums else [0.0] * len(taps)


def _mean(cells: list[Any], value: float, error: float) -> Any:
    """Return the mean of cells, in the digits that are sure."""
    (mean,) = _numbers([value])
    if not any(isinstance(cell, float) for cell in cells):
        return short_number(exact_number(sum(cells, Fraction(0)) / len(cells)))
    return with_sure_digits(mean, error)


def _average(cells: list[Any], mean: Any, style: str, most: int | None, *, rounded: bool) -> str:
    values, note = _listed(cells, " + ", style, most)
    equals = ABOUT[style] if rounded or is_rounded(mean) else "="
    fraction = (
        rf"\frac{{{values}}}{{{len(cells)}}}" if style == "latex" else f"({values})/{len(cells)}"
    )
    return f"{fraction} {equals} {number_in_form(mean, style)}{note}"


def _listed(cells: list[Any], joint: str, style: str, most: int | None) -> tuple[str, str]:
    """Return numbers with dots for those that are left out, and the words about them."""
    texts = [_in_list(cell, joint, style) for cell in cells]
    if most is None or len(cells) <= most:
        return joint.join(texts), ""
    last = most // 2
    shown_texts = [*texts[: most - last], DOTS[style], *texts[len(cells) - last :]]
    note = f" ({len(cells)} cells, shown {most})"
    return joint.join(shown_texts), rf"\text{{{note}}}" if style == "latex" else note


def _in_list(number: Any, joint: str, style: str) -> str:
    text = number_in_form(number, style)
    return f"({text})" if number < 0 and "+" in joint else text
