"""Images and kernels whose cells may be letters, as exact sympy entries.

A letter is a name such as ``a``, ``w11`` or ``x_1`` and becomes an ordinary ``sympy.Symbol``:
``expression.subs("a", 3)`` finds it. No text is ever evaluated: what is neither a letter nor a
number is refused. Numbers keep what :func:`featviz.exact.exact_number` finds in them, and a
float64 is the decimal that was typed, so that lists and texts of one matrix are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy

from featviz._calls import name_called
from featviz._check import shown
from featviz.exact import exact_number, typed_number
from featviz.images import shared_pixels
from featviz.kernel_rows import number_from, rows_from
from featviz.kernel_sources import read_kernel

_NAME = re.compile(r"(?!(inf|infinity|nan)\Z)[a-z][a-z0-9_]{0,39}", re.IGNORECASE)
_RULE = "must hold numbers like 2, -0.5 or 1/9, or letters like a, w11 or x_1"


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of an image or a kernel, turned into sympy where they are asked for.

    Attributes:
        rows: (H, W) float32, or rows of numbers and sympy expressions.
        size: (H, W).
        label: a kernel's name.
    """

    rows: Any
    size: tuple[int, int]
    label: str

    def entries(self, places: Iterable[tuple[int, int] | None]) -> list[Any]:
        """Return the sympy entries at some (row, column), 0 where there is none.

        Where one float is no simple fraction, all are left as floats or as the decimals that
        were typed: ``21/97`` beside ``0.217`` would tell nothing.
        """
        values = [0 if place is None else self._value(*place) for place in places]
        floats = [value for value in values if isinstance(value, float)]
        likely = {value: exact_number(value) for value in floats}
        simple = not any(isinstance(number, float) for number in likely.values())
        return [
            entry_from_number(likely[value] if simple else typed_number(value))
            if isinstance(value, float) else entry_from_number(value)
            for value in values
        ]  # fmt: skip

    def matrix(self) -> sympy.ImmutableMatrix:
        """Return all cells."""
        height, width = self.size
        places = [(i, j) for i in range(height) for j in range(width)]
        return sympy.ImmutableMatrix(height, width, self.entries(places))

    def _value(self, row: int, column: int) -> Any:
        value = self.rows[row][column]
        return value.item() if hasattr(value, "item") else value


def image_cells(image: Any) -> Cells:
    """Return the cells of a grey image of numbers or letters.

    Args:
        image: rows of letters and numbers as text (``"a b; c d"``), nested lists, a sympy matrix
            or an array; or what :func:`featviz.read_image` takes, as a grey image.

    Raises:
        TypeError: no image at all, or cells that are neither numbers nor letters.
        ValueError: an array of several channels, ragged rows, NaN or infinity.
    """
    rows: Any = _rows_of_cells(image, "image")
    if rows is None:
        _refuse_channels(image)
        rows = shared_pixels(image, color="grey")[:, :, 0]
    return Cells(rows, (len(rows), len(rows[0])), "image")


def kernel_cells(kernel: Any) -> Cells:
    """Return the cells of a kernel of numbers or letters.

    Args:
        kernel: rows of letters and numbers as for :func:`image_cells`, or anything
            :func:`featviz.read_kernel` takes.

    Raises:
        TypeError: cells that are neither numbers nor letters.
        ValueError: an unknown name, ragged rows, NaN or infinity.
    """
    rows = _rows_of_cells(kernel, "kernel") if has_letters(kernel) else None
    if rows is not None:
        return Cells(rows, (len(rows), len(rows[0])), "kernel")
    known = read_kernel(kernel)
    return Cells(known.rows, known.shape, known.name)


def entry_from_bias(bias: Any) -> Any:
    """Return a bias as a sympy entry, or None for none.

    Args:
        bias: a number, a letter, a sympy expression, or a list of one of them.
    """
    if bias is None:
        return None
    listed = bias.tolist() if hasattr(bias, "tolist") else bias
    if isinstance(listed, (list, tuple)) and len(listed) == 1:
        listed = listed[0]
    if isinstance(listed, (list, tuple)):
        raise ValueError(f"bias must be one number or letter; got {shown(bias)}")
    value = _checked(listed, "bias")
    if value is None:
        value = number_from(listed, where="bias")
    return Cells([[value]], (1, 1), "bias").entries([(0, 0)])[0]


def entry_from_number(value: Any) -> Any:
    """Return an int, a Fraction or a float as sympy; what is sympy already stays.

    Example:
        >>> entry_from_number(0.5), entry_from_number(-0.0)
        (0.500000000000000, 0)
    """
    if isinstance(value, sympy.Basic):
        return value
    if isinstance(value, float):
        return sympy.Float(value) if value else sympy.S.Zero
    return sympy.Rational(value.numerator, value.denominator)


def check_names(expression: sympy.Expr, where: str) -> None:
    """Refuse symbols whose names are no plain words: LaTeX would obey them."""
    names = sorted(str(symbol.name) for symbol in expression.atoms(sympy.Symbol))
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{where} must hold letters like a, w11 or x_1; got {shown(name)}")


def _rows_of_cells(values: Any, where: str) -> list[list[Any]] | None:
    """Return rows of numbers and sympy expressions, or None for no rows."""
    if isinstance(values, str):
        values = _words(values)
    elif isinstance(values, sympy.MatrixBase) or _holds_objects(values):
        values = values.tolist()
    if not isinstance(values, (list, tuple)):
        return None
    letters: dict[tuple[int, int], Any] = {}
    for i, row in enumerate(values):
        for j, value in enumerate(row if isinstance(row, (list, tuple)) else ()):
            letter = _checked(value, f"{where}, row {i + 1}, column {j + 1}")
            if letter is not None:
                letters[i, j] = letter
    bare = [
        [0 if (i, j) in letters else value for j, value in enumerate(row)]
        if isinstance(row, (list, tuple)) else row
        for i, row in enumerate(values)
    ]  # fmt: skip
    rows = [list(row) for row in rows_from(bare, where=where)]
    for (i, j), letter in letters.items():
        rows[i][j] = letter
    return rows


def _words(text: str) -> list[list[str]] | None:
    """Return the words of a matrix written as text, or None for a name or a path."""
    if name_called(text):
        return None
    bare = text.strip().replace('"', "").replace("'", "")
    if re.fullmatch(r"\[\s*(\[[^\[\]]*\][\s,]*)+\]", bare):
        lines = re.findall(r"\[([^\[\]]*)\]", bare[1:-1])
    else:
        lines = [line for line in re.split(r"[;\n]", text) if line.strip()]
    rows = [re.split(r"\s*,\s*|\s+", line.strip().removesuffix(",").rstrip()) for line in lines]
    if text.lstrip().startswith("[") or re.search(r"[;\n]", text.strip()):
        return rows
    one_row = len(rows) == 1 and len(rows[0]) > 1
    return rows if one_row and all(map(_is_cell_text, rows[0])) else None


def _is_cell_text(word: str) -> bool:
    if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", word):
        return True  # or "nan", which is refused by its own sentence
    try:
        number_from(word)
    except ValueError:
        return False
    return True


def _holds_objects(values: Any) -> bool:
    return getattr(getattr(values, "dtype", None), "kind", "") in ("O", "U")


def has_letters(kernel: Any) -> bool:
    """Whether a kernel is written with letters, so that no file or preset is meant."""
    if isinstance(kernel, sympy.MatrixBase) or _holds_objects(kernel):
        kernel = kernel.tolist()
    words = _words(kernel) if isinstance(kernel, str) else kernel
    if not isinstance(words, (list, tuple)):
        return False
    cells = [v for row in words if isinstance(row, (list, tuple)) for v in row]
    if isinstance(kernel, str):
        return any(re.search("[A-Za-z]", v) and _number_or_none(v) is None for v in cells)
    return any(isinstance(v, (str, sympy.Expr)) and _number_or_none(v) is None for v in cells)


def _number_or_none(value: Any) -> Any:
    if isinstance(value, sympy.Expr) and not (value.is_Rational or value.is_Float):
        return None
    try:
        return number_from(value)
    except (TypeError, ValueError):
        return None


def _checked(value: Any, where: str) -> Any:
    """Return a letter or an expression as sympy, None for anything else."""
    if isinstance(value, str):
        if _NAME.fullmatch(value.strip()):
            return sympy.Symbol(value.strip())
        if not re.fullmatch(r"[+\-−]?(inf|infinity|nan)", value.strip(), re.IGNORECASE):
            try:
                number_from(value)
            except ValueError:
                raise ValueError(f"{where} {_RULE}; got {shown(value)}") from None
        return None
    if not isinstance(value, sympy.Basic) or value.is_Rational or value.is_Float:
        return None
    real = isinstance(value, sympy.Expr) and value.is_commutative and value.is_real is not False
    if not real or value.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo, sympy.I):
        raise ValueError(f"{where} {_RULE}; got {shown(value)}")
    check_names(value, where)
    return value


def _refuse_channels(image: Any) -> None:
    shape = getattr(image, "shape", None)
    if shape is not None and len(shape) == 3 and int(shape[2]) != 1:
        raise ValueError(
            f"image must have shape (H, W) or (H, W, 1); got {tuple(int(n) for n in shape)}; "
            "take one channel, as in image[..., 0]"
        )
