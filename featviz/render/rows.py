"""Rows of words and numbers as aligned text, as Markdown and as CSV.

Names come from strangers: none of them steers a terminal, a browser or a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from featviz.captions import one_line

# What Markdown and HTML would read as more than a letter, and what begins a list.
_MARKS = re.compile(r"[\\`*_{}\[\]<>()#+!|$&~]")
_LIST = re.compile(r"^(\d*)([-.])(?=[-\s]|$)")
# What a spreadsheet would run as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Rows = Sequence[Sequence[str]]


def printable(text: str) -> str:
    r"""Return text without the codes that steer a terminal; line breaks stay.

    Example:
        >>> printable("conv\x1b[2J")
        'conv�[2J'
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


def aligned(rows: Rows, right: Collection[int] | None = None) -> list[str]:
    """Return columns two blanks apart.

    Args:
        rows: of equally many cells.
        right: which columns stand at the right; None: all but the first.

    Example:
        >>> aligned([("layer", "mean"), ("conv", "12.5")])
        ['layer  mean', 'conv   12.5']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    flush = _right(rows, right)
    return [
        "  ".join(
            cell.rjust(width) if index in flush else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def markdown_rows(
    rows: Rows, right: Collection[int] | None = None, *, bold_end: bool = False
) -> list[str]:
    r"""Return a Markdown table; the first row is its heading.

    Args:
        rows: of equally many cells.
        right: which columns stand at the right; None: all but the first.
        bold_end: whether the last row is bold, for sums.

    Example:
        >>> markdown_rows([("layer", "mean"), ("a|b", "12.5")])
        ['| layer | mean |', '| :-- | --: |', '| a\\|b | 12.5 |']
    """
    table = [[plain_words(cell) for cell in row] for row in rows]
    if bold_end:
        table[-1] = [f"**{cell}**" if cell else "" for cell in table[-1]]
    flush = _right(rows, right)
    table.insert(1, ["--:" if index in flush else ":--" for index in range(len(rows[0]))])
    return [f"| {' | '.join(row)} |" for row in table]


def _right(rows: Rows, right: Collection[int] | None) -> Collection[int]:
    return range(1, len(rows[0])) if right is None else right


def plain_words(words: str) -> str:
    r"""Return words in which Markdown and HTML find nothing but letters.

    Example:
        >>> print(plain_words("<b>conv_1"))
        \<b\>conv\_1
    """
    marked = _MARKS.sub(lambda mark: "\\" + mark[0], words)
    return _LIST.sub(r"\1\\\2", marked)


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    r"""Return rows as CSV, each with a line break; numbers stay as they are.

    Texts come in one line without control codes, and a text that a spreadsheet would take for a
    formula begins with an apostrophe.

    Example:
        >>> csv_text([("path", "mean"), ("=cmd", -1.5), ("conv", None)])
        "path,mean\n'=cmd,-1.5\nconv,\n"
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    line = printable(one_line(value))
    return f"'{line}" if line.startswith(_FORMULA) else line
