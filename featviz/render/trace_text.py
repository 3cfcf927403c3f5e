"""Whole traces as text, LaTeX and Markdown: what is followed, a line per cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from featviz._check import list_of, one_of, shown, size_text, whole_number
from featviz.captions import one_line
from featviz.formulas import formula_from_axis
from featviz.render.step_text import text_from_step
from featviz.vocabulary import SUM_FORMS
from featviz.windows import Step, Trace

# What Markdown and HTML would read as more than a letter.
_MARKS = re.compile(r"[\\`*_{}\[\]<>()#+\-.!|$&]")


def describe_trace(trace: Trace, *, form: str = "unicode") -> str:
    """Return what a trace follows: sizes, the size formula, what is not covered.

    Args:
        trace: what :func:`featviz.trace` returned.
        form: ``"unicode"``, ``"plain"`` (ASCII), ``"markdown"`` (a list, formulas between
            dollar signs) or ``"latex"`` (lines of an ``align*``).

    Returns:
        One to five lines.

    Raises:
        TypeError: not a trace.
        ValueError: an unknown form.

    Example:
        >>> from featviz.tracing import trace
        >>> print(describe_trace(trace([[1, 2], [3, 4]], "1 -1", padding="valid")))
        filter kernel: input 2×2, kernel 1×2, output 2×1
        rows: ⌊(2 + 0 + 0 − 1)/1⌋ + 1 = 2
        columns: ⌊(2 + 0 + 0 − 2)/1⌋ + 1 = 1
    """
    one_of("form", form, SUM_FORMS)
    _check_trace(trace)
    words = [_sizes(trace), *_uncovered(trace)]
    formulas = [] if trace.stage == "detect" or _unpooled(trace) else _formulas(trace, form)
    if form == "markdown":
        escaped = [_MARKS.sub(lambda mark: "\\" + mark[0], line) for line in words]
        return "\n".join([escaped[0], "", *(f"- {line}" for line in formulas + escaped[1:])])
    if form == "latex":
        return "\n".join([*(f"% {line}" for line in words), *formulas])
    text = "\n".join([words[0], *formulas, *words[1:]])
    return text if form == "unicode" else text.replace("×", "x").replace("·", "-")


def text_from_trace(
    trace: Trace,
    *,
    form: str = "unicode",
    steps: int = 100,
    terms: int | None = 30,
    cells: Iterable[tuple[int, int]] | None = None,
    progress: Callable[[Iterable[Step]], Iterable[Step]] | None = None,
) -> str:
    r"""Return a trace as text: what is followed, and a line for each cell.

    Args:
        trace: what :func:`featviz.trace` returned.
        form: ``"unicode"``, ``"plain"`` (ASCII), ``"markdown"`` (a list) or ``"latex"`` (an
            ``align*``, the words as comments).
        steps: how many cells are written of a larger output; the others are counted.
        terms: how many terms of a longer sum are written, at least 2; None writes them all.
        cells: (row, column) of the cells that are written instead of the first ones.
        progress: called with the steps, as ``tqdm`` is.

    Returns:
        The text, without a newline at its end.

    Raises:
        TypeError: not a trace, or a wrong kind.
        ValueError: an unknown form, no such cell, or fewer than 2 terms.

    Example:
        >>> from featviz.tracing import trace
        >>> steps = trace([[1, 2], [3, 4]], "1 -1", padding="valid")
        >>> print(text_from_trace(steps, cells=[(1, 0)]))
        filter kernel: input 2×2, kernel 1×2, output 2×1
        rows: ⌊(2 + 0 + 0 − 1)/1⌋ + 1 = 2
        columns: ⌊(2 + 0 + 0 − 2)/1⌋ + 1 = 1
        (1, 0)  3·1 + 4·(−1) = −1; relu(−1) = 0
    """
    one_of("form", form, SUM_FORMS)
    _check_trace(trace)
    most = whole_number("steps", steps, minimum=1)
    if progress is not None and not callable(progress):
        raise TypeError(f"progress must be a function or None; got {shown(progress)}")
    chosen = trace[:most] if cells is None else _steps_at(trace, cells)
    followed = chosen if progress is None else progress(chosen)
    lines = [_step_line(trace, step, form, terms) for step in followed]
    heading = describe_trace(trace, form=form)
    if form == "latex":
        comments = [line for line in heading.splitlines() if line.startswith("% ")]
        formulas = [line for line in heading.splitlines() if not line.startswith("% ")]
        rows = " \\\\\n".join(f"& {line}" for line in [*formulas, *lines])
        text = "\n".join([*comments, r"\begin{align*}", rows, r"\end{align*}"])
    else:
        text = "\n".join([heading, *lines])
    if cells is not None or most >= len(trace):
        return text
    more = f"{len(trace) - most} more of {len(trace)} cells"
    before = {"unicode": "\n… ", "plain": "\n... ", "latex": "\n% … ", "markdown": "\n\n… "}[form]
    return f"{text}{before}{more}"


def _step_line(trace: Trace, step: Step, form: str, terms: int | None) -> str:
    row, column = step.cell
    line = text_from_step(trace, step, form=form, terms=terms)
    if form == "markdown":
        return f"- ({row}, {column}): {line}"
    return f"({row}, {column})" + (rf"\colon\quad {line}" if form == "latex" else f"  {line}")


def _steps_at(trace: Trace, cells: Any) -> tuple[Step, ...]:
    rule = "pairs (row, column)"
    pairs = [list_of("cells", cell, object, rule) for cell in list_of("cells", cells, object, rule)]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"cells must be {rule}; got {shown(cells)}")
    return tuple(trace.at(*pair) for pair in pairs)


def _check_trace(trace: Any) -> None:
    if not isinstance(trace, Trace):
        raise TypeError(f"trace must come from trace(); got {shown(trace)}")


def _unpooled(trace: Trace) -> bool:
    return trace.stage == "condense" and trace.pool == "none"


def _sizes(trace: Trace) -> str:
    windows = size_text(axis.window for axis in trace.axes)
    pool = "no pool, " if trace.pool == "none" else f"{trace.pool} pool {windows}, "
    kernel = f"kernel {windows}, "
    what = {"filter": kernel, "transposed": kernel, "detect": ""}.get(trace.stage, pool)
    first = f"{trace.stage} {one_line(trace.label)}: input {size_text(trace.image_size)}"
    return f"{first}, {what}output {size_text(trace.shape)}"


def _formulas(trace: Trace, form: str) -> list[str]:
    style = "latex" if form == "markdown" else form
    formulas = [formula_from_axis(axis, stage=trace.stage, form=style) for axis in trace.axes]
    pattern = {"markdown": "{}: ${}$", "latex": r"\text{{{}: }} {}"}.get(form, "{}: {}")
    return [pattern.format(*pair) for pair in zip(("rows", "columns"), formulas, strict=True)]


def _uncovered(trace: Trace) -> list[str]:
    verb = "reached" if trace.stage == "transposed" else "covered"
    named = (("rows", trace.uncovered.rows), ("columns", trace.uncovered.columns))
    return [f"{name} not {verb}: {_places_text(places)}" for name, places in named if places]


def _places_text(places: tuple[int, ...]) -> str:
    """Return places as text, those beyond the first dozen counted."""
    more = f" and {len(places) - 12} more" if len(places) > 12 else ""
    return ", ".join(map(str, places[:12])) + more
