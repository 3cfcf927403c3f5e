"""Kernels from small files: JSON, CSV, text and ``.npy``.

Every error sentence names the file.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import stat
import tokenize
from pathlib import Path
from typing import Any

import numpy as np

from featviz._check import shown, size_text
from featviz.kernel_rows import Rows, rows_from, rows_from_text

LARGEST_FILE = 1_000_000
ENDINGS = (".json", ".csv", ".txt", ".npy")
# What numpy raises for a damaged header or too little data.
_BROKEN = (
    ValueError,
    LookupError,
    SyntaxError,
    ArithmeticError,
    EOFError,
    OSError,
    MemoryError,
    tokenize.TokenError,
)


def rows_from_file(path: str | os.PathLike[str], *, where: str = "kernel") -> Rows:
    """Return the rows of numbers that a small file holds; text is read exactly.

    Args:
        path: ``.json`` (nested lists, or an object whose ``"rows"`` are nested lists), ``.csv``
            (a line is a row; commas or semicolons), ``.txt`` (a line is a row; blanks or commas;
            ``#`` starts a comment) or ``.npy`` (two axes, real); UTF-8, at most 1 MB.
        where: how an error sentence calls the value.

    Returns:
        Rows of equal length.

    Raises:
        FileNotFoundError, IsADirectoryError: no such file, or a folder.
        TypeError: a file that holds no rows of numbers.
        ValueError: another ending, an empty, broken or large file, or a word that is no number.
    """
    file = Path(os.fsdecode(path))
    name = shown(os.fsdecode(path))
    here = f"{where} file {name}"
    kind = _kind(file)
    if kind == "folder":
        raise IsADirectoryError(f"{where} must be a file; got the folder {name}")
    ending = file.suffix.lower()
    if ending not in ENDINGS:
        known = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
        raise ValueError(f"{where} file must end in {known}; got {name}")
    if kind == "missing":
        raise FileNotFoundError(f"{where} file must exist; got {name}")
    if kind != "file":
        raise ValueError(f"{where} must be an ordinary file; got the {kind} {name}")
    with file.open("rb") as stream:
        data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ValueError(f"{where} file must be at most {LARGEST_FILE} bytes; got {name}, larger")
    if not data:
        raise ValueError(f"{where} file must hold rows of numbers; got {name}, which is empty")
    if ending == ".npy":
        return rows_from(_array(data, here), where=here)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{here} must be UTF-8 text; got {error.object[error.start]:#04x} at byte {error.start}"
        ) from None
    return _TEXT_READERS[ending](text, here)


def _kind(file: Path) -> str:
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return "missing"
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            return "missing"
        raise
    kinds = {stat.S_IFDIR: "folder", stat.S_IFREG: "file"}
    return kinds.get(stat.S_IFMT(mode), "device or pipe")


def _rows_from_json(text: str, here: str) -> Rows:
    try:
        # Digits stay text: 0.1 is then 1/10, and a long number costs nothing.
        values = json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{here} must be JSON; got {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise ValueError(f"{here} must be rows of numbers; got too many levels") from None
    rule = f"{here} must be nested lists or an object with 'rows'"
    if isinstance(values, dict):
        if "rows" not in values:
            raise ValueError(f"{rule}; got the keys {shown([*values])}")
        values = values["rows"]
    if not isinstance(values, list):
        raise TypeError(f"{rule}; got {shown(values)}")
    return rows_from(values, where=here)


def _rows_from_csv(text: str, here: str) -> Rows:
    delimiter = ";" if ";" in text else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(f"{here} must be CSV; got {error}") from None
    return rows_from([line for line in lines if any(map(str.strip, line))], where=here)


def _rows_from_txt(text: str, here: str) -> Rows:
    lines = (line.split("#")[0] for line in text.splitlines())
    return rows_from_text("\n".join(lines), where=here)


_TEXT_READERS = {".json": _rows_from_json, ".csv": _rows_from_csv, ".txt": _rows_from_txt}


def _array(data: bytes, here: str) -> Any:
    """Return the array of a ``.npy`` file that is as long as its header says."""
    rule = f"{here} must be an array with two axes of real numbers, saved by numpy.save"
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = reader(stream)
        if dtype.kind not in "biuf" or len(shape) != 2:
            raise TypeError(f"{rule}; got {dtype} with shape {size_text(shape) or '()'}")
        if math.prod(shape) * dtype.itemsize > len(data):
            raise ValueError("cut short")
        return np.load(io.BytesIO(data), allow_pickle=False)
    except _BROKEN as error:
        raise ValueError(f"{rule}; got a broken file") from error
