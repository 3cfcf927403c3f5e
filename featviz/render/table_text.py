"""A table of layers as text, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from featviz._check import one_of, shown
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


def text_from_table(table: LayerTable, *, form: str = "text") -> str:
    """Return a table of layers as text; the last line holds the sums.

    Args:
        table: from :func:`featviz.layer_table`.
        form: ``"text"`` (columns of equal width, thousands apart), ``"markdown"`` or ``"csv"``
            (plain numbers, nothing where they are not known; a text that a spreadsheet would
            take for a formula begins with an apostrophe).

    Returns:
        The text, without a newline at its end.

    Raises:
        TypeError: not a table.
        ValueError: an unknown form.

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
    return {"text": _plain, "markdown": _markdown, "csv": _csv}[form](table)


def _cells(row: LayerRow) -> tuple[str, ...]:
    output = UNKNOWN if row.output_shape is None else _output_text(row.output_shape)
    return (
        _name(row.path), _name(row.kind), _name(row.settings), output,
        _thousands(row.parameters), _thousands(row.multiply_adds), _steps(row.receptive_field),
        _steps(row.jump), _thousands(row.bytes), _name(row.note),
    )  # fmt: skip


def _output_text(shape: Sequence[int | None]) -> str:
    return "×".join("any" if size is None else str(size) for size in shape) or "1"


def _steps(sizes: Sequence[Any] | None) -> str:
    """Return sizes along the axes, one number where they are all the same."""
    if not sizes:
        return UNKNOWN
    texts = [exact_text(size) for size in sizes]
    return texts[0] if len(set(texts)) == 1 else "×".join(texts)


def _thousands(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}".replace(",", " ")


def _name(text: str) -> str:
    return printable(one_line(text))


def _total(table: LayerTable) -> tuple[str, ...]:
    sums = (table.parameters, table.multiply_adds, table.bytes)
    numbers = dict(zip(NUMBERS, map(_thousands, sums), strict=True))
    return tuple(numbers.get(heading, "total" * (not at)) for at, heading in enumerate(HEADINGS))


def _remarks(table: LayerTable) -> list[str]:
    """Return what must be known to read the sums."""
    frozen = table.parameters - table.trainable
    lines = [f"parameters: {_thousands(table.trainable)} are trained, {_thousands(frozen)} are not"]
    if table.uncounted:
        lines.append(f"multiply-adds without those of {_few(table.uncounted)}")
    if table.outside:
        lines.append(f"multiply-adds without those outside of layers: {_few(table.outside)}")
    if any(None in shape for shape in table.input_shapes):
        lines.append("sizes of the input are open: give input_shape for costs, fields and bytes")
    unknown = [row.path for row in table if row.bytes is None]
    if unknown:
        lines.append(f"bytes without those of {_few(unknown)}")
    return lines


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


def _rows(table: LayerTable) -> tuple[list[list[str]], list[int]]:
    """Return heading, rows and sums, and which columns stand at the right."""
    rows = [_cells(row) for row in table]
    columns = _shown_columns(rows)
    lines = [[line[at] for at in columns] for line in (HEADINGS, *rows, _total(table))]
    return lines, [place for place, at in enumerate(columns) if HEADINGS[at] in RIGHT]


def _plain(table: LayerTable) -> str:
    text = aligned(*_rows(table))
    rule = "─" * max(map(len, text))
    remarks = _remarks(table)
    return "\n".join([_heading(table), text[0], rule, *text[1:-1], rule, text[-1], *remarks])


def _markdown(table: LayerTable) -> str:
    lines = markdown_rows(*_rows(table), bold_end=True)
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
    sums = (table.parameters, table.trainable, table.multiply_adds, "", "", table.bytes)
    rows.append((f"total of {table.model}", "", "", "", *sums, ""))
    return csv_text(rows).rstrip("\n")
