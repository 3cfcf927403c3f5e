"""A table below a heading, as text or as Markdown, and who may ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from featviz._check import one_of, shown
from featviz.render.rows import Rows, aligned, markdown_rows, plain_words, printable

FORMS = ("text", "markdown")


def check_asked(argument: str, value: Any, kind: type, maker: str, form: Any) -> None:
    """Raise if this is no value of a kind, or no form of a text.

    Args:
        argument: its name, such as ``diagnosis``.
        value: what was given for it.
        kind: what it must be.
        maker: the function that makes it.
        form: ``"text"`` or ``"markdown"``.

    Example:
        >>> check_asked("table", 3, str, "layer_table", "text")
        Traceback (most recent call last):
        TypeError: table must come from layer_table(); got 3
    """
    if not isinstance(value, kind):
        raise TypeError(f"{argument} must come from {maker}(); got {shown(value)}")
    one_of("form", form, FORMS)


def text_from_headed_table(
    head: str,
    notes: Sequence[str],
    rows: Rows,
    form: str,
    *,
    findings: Sequence[str] = (),
    more: str = "",
    remarks: Sequence[str] = (),
) -> str:
    r"""Return lines without a line break at the end.

    Args:
        head: the first line.
        notes: how the numbers came about.
        rows: the table, its headings first.
        form: ``"text"`` or ``"markdown"``.
        findings: what the table shows, in sentences.
        more: what of the table is left out.
        remarks: what else must be known.

    Example:
        >>> print(text_from_headed_table("2 layers", ["fine"], [("layer",), ("conv",)], "text"))
        2 layers
        fine
        <BLANKLINE>
        layer
        conv
    """
    rest = [f"… {more}"] if more else []
    if form == "markdown":
        points = [f"- {plain_words(line)}" for line in (*notes, *findings, *remarks)]
        told = [f"**{plain_words(head)}**", "", *points, "", *markdown_rows(rows)]
        return printable("\n".join([*told, *([""] if rest else []), *rest]))
    told = [head, *notes, "", *findings, *([""] if findings else []), *aligned(rows)]
    return printable("\n".join([*told, *rest, *remarks]))
