"""Rows of words and numbers as aligned text and as a Markdown table."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What Markdown and HTML would read as more than a letter.
_MARKS = re.compile(r"[\\`*_{}\[\]<>()#+!|$&~]")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return columns two blanks apart, the first at the left, others at the right.

    Example:
        >>> aligned([("layer", "mean"), ("conv", "12.5")])
        ['layer  mean', 'conv   12.5']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def markdown_rows(rows: Sequence[Sequence[str]]) -> list[str]:
    r"""Return a Markdown table; the first row is its heading.

    Example:
        >>> markdown_rows([("layer", "mean"), ("a|b", "12.5")])
        ['| layer | mean |', '| :-- | --: |', '| a\\|b | 12.5 |']
    """
    table = [[plain_words(cell) for cell in row] for row in rows]
    table.insert(1, [":--", *["--:"] * (len(rows[0]) - 1)])
    return [f"| {' | '.join(row)} |" for row in table]


def plain_words(words: str) -> str:
    r"""Return words in which Markdown and HTML find nothing but letters.

    Example:
        >>> print(plain_words("<b>conv_1"))
        \<b\>conv\_1
    """
    return _MARKS.sub(lambda mark: "\\" + mark[0], words)
