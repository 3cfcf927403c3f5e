"""A table of layers as text, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from featviz._check import one_of, shown, size_text, whole_number
from featviz.captions import one_line
from featviz.exact import exact_text
from featviz.networks.layer_values import LayerRow, LayerTable
from featviz.render.rows import aligned, csv_text, markdown_rows, plain_words, printable

FORMS = ("text", "markdown", "csv")
HEADINGS = (
    "layer", "kind", "settings", "output", "parameters", "multiply-adds", "field", "jump", "bytes",
    "note",
)  # fmt: skip
# In CSV every number stands in a column of its own, whole.
CSV_HEADINGS = (
    "layer", "kind", "settings", "output", "parameters", "trainable", "multiply_adds",
    "receptive_field", "jump", "bytes", "note",
)  # fmt: skip
NUMBERS = ("parameters", "multiply-adds", "bytes")
RIGHT = (*NUMBERS, "field", "jump")
UNKNOWN = "–"


def text_from_table(table: LayerTable, *, form: str = "text", layers: int | None = None) -> str:
    """Return a table of layers as text; the last line holds the sums.

    Args:
        table: from :func:`featviz.layer_table`.
        form: ``"text"`` (columns of equal width, thousands set off), ``"markdown"`` or ``"csv"``
            (plain numbers, nothing where they are not known; a text that a spreadsheet would
            take for a formula begins with an apostrophe).
        layers: how many rows a table of text or Markdown may have, the first and the last ones;
            the others are counted. None: all.

    Returns:
        The text, without a newline at its end.

    Raises:
        TypeError: not a table.
        ValueError: an unknown form, or rows left out of a CSV.

    Example:
        >>> row = LayerRow("c", "Conv2D", "3×3", (8, 8, 4), 40, 40, 2304, (3, 3), (1, 1), 1024)
        >>> print(text_from_table(LayerTable("net", ((8, 8, 1),), (row,)), form="csv"))
        layer,kind,settings,output,parameters,trainable,multiply_adds,receptive_field,jump,bytes,note
        c,Conv2D,3×3,8×8×4,40,40,2304,3×3,1×1,1024,
        total of net,,,,40,40,2304,,,1024,
    """
    one_of("form", form, FORMS)
    if not isinstance(table, LayerTable):
        raise TypeError(f"table must come from layer_table(); got {shown(table)}")
    most = len(table) if layers is None else whole_number("layers", layers, minimum=2)
    if form == "csv":
        if layers is not None:
            raise ValueError(f"layers must be None for form 'csv'; got {layers}")
        return _csv(table)
    return {"text": _plain, "markdown": _markdown}[form](table, most)


def _cells(row: LayerRow) -> tuple[str, ...]:
    output = UNKNOWN if row.output_shape is None else _output_text(row.output_shape)
    return (
        _name(row.path), _name(row.kind), _name(row.settings), output,
        _thousands(row.parameters), _thousands(row.multiply_adds), _steps(row.receptive_field),
        _steps(row.jump), _thousands(row.bytes), _name(row.note),
    )  # fmt: skip


def _output_text(shape: Sequence[int | None]) -> str:
    return size_text(shape) or "1"


def _steps(sizes: Sequence[Any] | None) -> str:
    """Return sizes along the axes, one number where they are all the same."""
    if not sizes:
        return UNKNOWN
    texts = [exact_text(size) for size in sizes]
    return texts[0] if len(set(texts)) == 1 else "×".join(texts)


def _thousands(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _name(text: str) -> str:
    return printable(one_line(text))


def _sums(table: LayerTable) -> tuple[int, int | None, int | None]:
    """Return parameters, multiply-adds and bytes; None where nothing but 0 is known."""
    known = [[row.multiply_adds for row in table], [row.bytes for row in table]]
    adds, size = (
        None if None in column and not total else total
        for column, total in zip(known, (table.multiply_adds, table.bytes), strict=True)
    )
    return table.parameters, adds, size


def _total(table: LayerTable) -> tuple[str, ...]:
    numbers = dict(zip(NUMBERS, map(_thousands, _sums(table)), strict=True))
    return tuple(numbers.get(heading, "total" * (not at)) for at, heading in enumerate(HEADINGS))


def _remarks(table: LayerTable) -> list[str]:
    """Return what must be known to read the sums."""
    rest = table.parameters - table.trainable
    lines = [f"parameters: {_thousands(table.trainable)} trained, {_thousands(rest)} not trained"]
    if table.uncounted:
        names = [_itself(path, table) for path in table.uncounted]
        lines.append(f"multiply-adds without those of {_few(names)}")
    if table.outside:
        lines.append(f"multiply-adds without those outside of layers: {_few(table.outside)}")
    if any(None in shape for shape in table.input_shapes):
        lines.append("sizes of the input are open: give input_shape for costs, fields and bytes")
    unknown = [row.path for row in table if row.bytes is None]
    if unknown:
        lines.append(f"bytes without those of {_few(unknown)}")
    return lines


def _itself(path: str, table: LayerTable) -> str:
    """Return a path; of a block and of the model those of their layers are counted."""
    holds = path == table.model or any(row.path.startswith(f"{path}/") for row in table)
    return f"{path} itself" if holds else path


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(map(_name, names[:6])) + more


def _heading(table: LayerTable) -> str:
    sizes = " and ".join(map(_output_text, table.input_shapes))
    return f"{_name(table.model)}, input {sizes}"


def _shown_columns(rows: list[tuple[str, ...]]) -> list[int]:
    """Return the columns that hold anything; the notes often do not."""
    last = len(HEADINGS) - 1
    return [at for at in range(len(HEADINGS)) if at != last or any(row[at] for row in rows)]


def _rows(table: LayerTable, most: int) -> tuple[list[list[str]], list[int]]:
    """Return heading, rows and sums, and which columns stand at the right."""
    rows = [_cells(row) for row in table]
    if (left := len(rows) - most) > 0:
        gap = (f"… {left:,} more row{'s' * (left > 1)} …", *[""] * (len(HEADINGS) - 1))
        rows = [*rows[: -(-most // 2)], gap, *rows[len(rows) - most // 2 :]]
    columns = _shown_columns(rows)
    lines = [[line[at] for at in columns] for line in (HEADINGS, *rows, _total(table))]
    return lines, [place for place, at in enumerate(columns) if HEADINGS[at] in RIGHT]


def _plain(table: LayerTable, most: int) -> str:
    text = aligned(*_rows(table, most))
    rule = "─" * max(map(len, text))
    remarks = _remarks(table)
    return "\n".join([_heading(table), text[0], rule, *text[1:-1], rule, text[-1], *remarks])


def _markdown(table: LayerTable, most: int) -> str:
    lines = markdown_rows(*_rows(table, most), bold_end=True)
    remarks = [f"- {plain_words(line)}" for line in _remarks(table)]
    return "\n".join([f"**{plain_words(_heading(table))}**", "", *lines, "", *remarks])


def _csv(table: LayerTable) -> str:
    rows: list[Sequence[Any]] = [CSV_HEADINGS]
    for row in table:
        output = None if row.output_shape is None else _output_text(row.output_shape)
        field, jump = (
            None if sizes is None else "×".join(map(exact_text, sizes))
            for sizes in (row.receptive_field, row.jump)
        )
        rows.append(
            (
                row.path, row.kind, row.settings, output, row.parameters, row.trainable,
                row.multiply_adds, field, jump, row.bytes, row.note,
            )
        )  # fmt: skip
    parameters, adds, size = _sums(table)
    sums = (parameters, table.trainable, adds, "", "", size)
    rows.append((f"total of {table.model}", "", "", "", *sums, ""))
    return csv_text(rows).rstrip("\n")
