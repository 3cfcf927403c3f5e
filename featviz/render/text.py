r"""Matrices as text: plain ASCII, tall Unicode brackets, or LaTeX.

Three forms, one content: ``"unicode"`` for terminals, ``"plain"`` for logs and diffs (ASCII
only), ``"latex"`` for documents. Whole numbers and simple fractions are printed as such
(``14/9``), other numbers with six significant digits. A fraction is only what rounds to the very
number, in float32 or in float64 (:mod:`featviz.exact`).
A matrix larger than ``rows`` × ``columns`` keeps its first and last rows and columns, with dots
between them, and says its true size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from featviz._check import one_of, shown, size_text
from featviz.symbolic import CutMatrix, cut_matrix, latex_from_entry, text_from_entry
from featviz.vocabulary import MATRIX_FORMS

_DOTS = {
    "unicode": ("⋯", "⋮", "⋱"),
    "plain": ("...", ":", "..."),
    "latex": (r"\cdots", r"\vdots", r"\ddots"),
}
# (first, middle, last) row on the left and on the right; a single row takes square brackets.
_BRACKETS = {
    "unicode": (("⎡", "⎢", "⎣"), ("⎤", "⎥", "⎦")),
    "plain": (("[", "[", "["), ("]", "]", "]")),
}
# amsmath stops at ten columns in its matrix environments (MaxMatrixCols); array has no limit.
_WIDEST_BMATRIX = 10
# In \text{…} MathJax shows the backslash of \_ or \%, while LaTeX needs it: these characters
# stand in math mode, where both agree. The braces keep the spacing of an ordinary letter, and
# keep "<" away from the letter after it, so that no browser reads a tag.
_LATEX_SPECIAL = {
    **{character: "\\" + character for character in "_%&#${}"},
    "~": r"{\sim}",
    "^": r"{}^{\wedge}",
    "\\": r"\backslash ",
    "<": "{<}",
    ">": "{>}",
}


def text_from_matrix(
    values: Any, *, form: str = "unicode", rows: int = 12, columns: int = 12
) -> str:
    r"""Return one matrix as text.

    Args:
        values: (H, W) numbers of any size: an array or tensor (also (H, W, 1)), nested lists, a
            Kernel or a sympy matrix. NaN and infinity are printed as they are.
        form: ``"unicode"``, ``"plain"`` (ASCII) or ``"latex"`` (without dollar signs).
        rows: how many rows are shown of a larger matrix, at least 1.
        columns: how many columns are shown of a larger matrix, at least 1.

    Returns:
        Lines without a final line break; columns stand right-justified. A cut matrix ends with
        its true size, in LaTeX beside the matrix. More than ten columns make a LaTeX ``array``
        instead of a ``bmatrix``, which ends there.

    Raises:
        TypeError: not a matrix of real numbers.
        ValueError: empty, ragged or another number of axes, an unknown ``form``, ``rows`` or
            ``columns`` below 1.

    Example:
        >>> print(text_from_matrix([[-2.0, 2], [14 / 9, -0.0]]))
        ⎡  -2  2⎤
        ⎣14/9  0⎦
        >>> print(text_from_matrix([[-2.0, 2, -0.0]], form="latex"))
        \begin{bmatrix}
        -2 & 2 & 0
        \end{bmatrix}
    """
    one_of("form", form, MATRIX_FORMS)
    cut = cut_matrix(values, rows=rows, columns=columns)
    if form == "latex":
        return _latex(cut)
    body = _brackets(cut, form)
    return body if cut.is_whole else f"{body}\n{_size_line(cut, form)}"


def text_from_matrices(
    pairs: Sequence[tuple[str, Any]], *, form: str = "unicode", rows: int = 12, columns: int = 12
) -> str:
    r"""Return several matrices as text, each under its heading and size.

    Args:
        pairs: (heading, values) for each matrix; values as for :func:`text_from_matrix`.
        form: ``"unicode"``, ``"plain"`` or ``"latex"``; in LaTeX the heading stands before the
            matrix, ``\text{image} = …``.
        rows: how many rows are shown of a larger matrix, at least 1.
        columns: how many columns are shown of a larger matrix, at least 1.

    Returns:
        The matrices with an empty line between them. Headings stay as they are, except that
        ``"plain"`` writes other than ASCII characters as ``\xd7`` or ``\u2265``, ``"latex"``
        escapes, and line breaks become blanks.

    Raises:
        TypeError: not pairs of a text and a matrix.
        ValueError: no pairs, or values that :func:`text_from_matrix` refuses.

    Example:
        >>> print(text_from_matrices([("image", [[0, 1]]), ("edge", [[1, -1]])], form="plain"))
        image 1x2
        [0  1]
        <BLANKLINE>
        edge 1x2
        [1  -1]
    """
    return str(MatrixText(pairs, form=form, rows=rows, columns=columns))


def latex_from_matrices(
    pairs: Sequence[tuple[str, Any]], *, rows: int = 12, columns: int = 12
) -> str:
    r"""Return several matrices as one displayed LaTeX block, for ``_repr_latex_``.

    Args:
        pairs: (heading, values) for each matrix; values as for :func:`text_from_matrix`.
        rows: how many rows are shown of a larger matrix, at least 1.
        columns: how many columns are shown of a larger matrix, at least 1.

    Returns:
        One line, ``$\displaystyle \begin{aligned} … \end{aligned}$``: one matrix per line,
        aligned at the equal signs. MathJax typesets it; LaTeX needs amsmath.

    Raises:
        TypeError: not pairs of a text and a matrix.
        ValueError: no pairs, or values that :func:`text_from_matrix` refuses.

    Example:
        >>> print(latex_from_matrices([("a_b", [[0, 1]])]))
        $\displaystyle \begin{aligned} \text{a}\_\text{b} &= \begin{bmatrix} 0 & 1 \end{bmatrix}
        \end{aligned}$
    """
    return MatrixText(pairs, rows=rows, columns=columns)._repr_latex_()


@dataclass(frozen=True, slots=True, repr=False)
class MatrixText:
    """Several matrices under their headings; prints as text, typeset in a notebook.

    The values are read and cut when the object is made; changing an array later changes nothing.

    Args:
        pairs: (heading, values) for each matrix; kept as (heading, CutMatrix).
        form: what ``str`` and ``print`` give: ``"unicode"``, ``"plain"`` or ``"latex"``.
        rows: how many rows are shown of a larger matrix, at least 1.
        columns: how many columns are shown of a larger matrix, at least 1.

    Raises:
        TypeError: not pairs of a text and a matrix.
        ValueError: no pairs, or values that :func:`text_from_matrix` refuses.

    Example:
        >>> MatrixText([("kernel", [[1, -1], [1, -1]])])
        kernel 2×2
        ⎡1  -1⎤
        ⎣1  -1⎦
    """

    pairs: Sequence[tuple[str, Any]]
    form: str = field(default="unicode", kw_only=True)
    rows: int = field(default=12, kw_only=True)
    columns: int = field(default=12, kw_only=True)

    def __post_init__(self) -> None:
        one_of("form", self.form, MATRIX_FORMS)
        pairs = _checked_pairs(self.pairs, self.rows, self.columns)
        object.__setattr__(self, "pairs", pairs)

    def __str__(self) -> str:
        if self.form == "latex":
            return "\n\n".join(f"{_latex_text(word)} = {_latex(cut)}" for word, cut in self.pairs)
        blocks = []
        for word, cut in self.pairs:
            line = _heading(word, self.form) + " " + _size_line(cut, self.form)
            blocks.append(f"{line.strip()}\n{_brackets(cut, self.form)}")
        return "\n\n".join(blocks)

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        lines = [f"{_latex_text(word)} &= {_latex(cut, ' ')}" for word, cut in self.pairs]
        body = r" \\[1ex] ".join(lines)
        return rf"$\displaystyle \begin{{aligned}} {body} \end{{aligned}}$"


def _checked_pairs(pairs: Any, rows: int, columns: int) -> tuple[tuple[str, CutMatrix], ...]:
    rule = "pairs must be (heading, values) for each matrix"
    if not isinstance(pairs, (list, tuple)):
        raise TypeError(f"{rule}; got {shown(pairs)}")
    if not pairs:
        raise ValueError(f"{rule}; got none")
    checked = []
    for pair in pairs:
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)):
            raise TypeError(f"{rule}; got {shown(pair)}")
        heading, values = pair
        cut = cut_matrix(values, rows=rows, columns=columns, where=f"matrix {shown(heading)}")
        checked.append((heading, cut))
    return tuple(checked)


def _size_line(cut: CutMatrix, form: str) -> str:
    line = size_text(cut.size)
    if not cut.is_whole:
        line += f", shown {size_text(cut.shown.shape)}"
    return line.replace("×", "x") if form == "plain" else line


def _one_line(word: str) -> str:
    """Return a heading without line breaks and terminal codes.

    Names of layers come from files.
    """
    line = " ".join(word.split())
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line
    )


def _heading(word: str, form: str) -> str:
    line = _one_line(word)
    return line.encode("ascii", "backslashreplace").decode() if form == "plain" else line


def _brackets(cut: CutMatrix, form: str) -> str:
    """Return right-justified columns, two blanks apart, between brackets."""
    cells = cut.cells(text_from_entry, _DOTS[form])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    last = len(cells) - 1
    lefts, rights = _BRACKETS[form]
    lines = []
    for index, row in enumerate(cells):
        line = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        edge = 0 if index == 0 else 2 if index == last else 1
        left, right = (lefts[edge], rights[edge]) if last else ("[", "]")
        lines.append(left + line + right)
    return "\n".join(lines)


def _latex(cut: CutMatrix, line_break: str = "\n") -> str:
    cells = cut.cells(latex_from_entry, _DOTS["latex"])
    begin, end = r"\begin{bmatrix}", r"\end{bmatrix}"
    if len(cells[0]) > _WIDEST_BMATRIX:
        begin = rf"\left[\begin{{array}}{{{'r' * len(cells[0])}}}"
        end = r"\end{array}\right]"
    body = (r" \\" + line_break).join(" & ".join(row) for row in cells)
    matrix = line_break.join((begin, body, end))
    return matrix if cut.is_whole else rf"{matrix} \quad {_latex_size(cut)}"


def _latex_size(cut: CutMatrix) -> str:
    whole, part = (r" \times ".join(map(str, size)) for size in (cut.size, cut.shown.shape))
    return rf"({whole} \text{{, shown }} {part})"


def _latex_text(word: str) -> str:
    """Return a heading for math mode: letters in ``text``, special signs beside."""
    pieces: list[str] = []
    run = ""
    for character in _one_line(word):
        if character not in _LATEX_SPECIAL:
            run += character
            continue
        if run:
            pieces.append(rf"\text{{{run}}}")
        pieces.append(_LATEX_SPECIAL[character])
        run = ""
    if run or not pieces:
        pieces.append(rf"\text{{{run}}}")
    return "".join(pieces)
