"""One self-contained HTML file in which an image goes through kernels, live.

The sources are the plain files of ``featviz/web``; nothing is bundled, and every script stands in
the page line by line, but for comments and indents. A Content-Security-Policy names each of
them by its SHA-256 and forbids everything else, so that no page can load, send or run anything
else, whatever a file name holds.
"""

from __future__ import annotations

import ast
import base64
import functools
import hashlib
import html
import json
import math
import os
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from featviz._check import known_options, shown, size_text, whole_number
from featviz._files import check_target, write_whole
from featviz.captions import one_line
from featviz.images import shared_pixels
from featviz.panels import PICTURE_GAMMA, Panel
from featviz.render.drawing import colours_of
from featviz.render.web.data import data_from_image, file_name, fitting_size
from featviz.render.web.picture import bytes_of_image
from featviz.vocabulary import EXTRACT_OPTIONS, PALETTES

# Each may use what stands before it.
SCRIPTS = (
    "numbers", "activations", "geometry", "decode", "settings", "measures", "pool", "compute",
    "rounding", "explain",
    "words", "draw", "marks", "sizes", "panels", "sums", "products", "kernel", "controls",
    "player", "practice", "share", "python", "picture", "main",
)  # fmt: skip
LIMIT_BYTES = 400_000
ENDINGS = (".html", ".htm")
FRAME_HEIGHT = 960
# A matrix up to this size stands itself in the line of Python.
MOST_ROWS = 12
MOST_LETTERS = 1000
# Comments that have lines of their own; none of the sources has such lines inside a text.
_COMMENTS = re.compile(r"^[ \t]*(?:/\*.*?\*/[ \t]*|//[^\n]*)\n", re.DOTALL | re.MULTILINE)
# Comments at the end of a line; no text of the sources has two strokes behind a space.
_REMARKS = re.compile(r"[ \t]+//[^\n]*$", re.MULTILINE)
_CSS_ROOM = re.compile(r"\s*([{};,]|:(?=\s))\s*")
_INDENTS = re.compile(r"^[ \t\n]+", re.MULTILINE)
_PLACE = re.compile(r"<!-- (policy|title|style|data|scripts) -->")
# What ends a script or begins a comment inside one, what JavaScript once took for newlines, and
# the halves of letters of a file name that is not UTF-8: written so, Python finds the file.
_UNSAFE = {
    code: f"\\u{code:04x}" for code in (*map(ord, "<>&\u2028\u2029"), *range(0xD800, 0xE000))
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page to play with; a notebook shows it in a frame that reaches nothing.

    Attributes:
        html: the whole file.
        title: one line, as it was given or found.
    """

    html: str
    title: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, whole or not at all.

        Args:
            path: a file name ending in ``.html`` or ``.htm``.

        Returns:
            The path.

        Raises:
            ValueError: another ending.
            OSError: the file cannot be written; what was there before is untouched.
        """
        check_target(path, ENDINGS)
        return write_whole(path, self.html.encode())

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts" width="100%" height="{FRAME_HEIGHT}" '
            f'frameborder="0" title="{html.escape(self.title)}" '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"Page({shown(self.title)}, {_bytes_text(len(self.html.encode()))})"


def page(
    image: Any,
    kernels: Any,
    *,
    title: str | None = None,
    python: str | None = None,
    size: int | tuple[int, int] | None = None,
    limit_bytes: int = LIMIT_BYTES,
    shrink: bool = False,
    **settings: Any,
) -> Page:
    """Return one HTML file in which the image goes through the kernels, live.

    It needs no network and reaches none. The reader changes the kernel and every setting, points
    at any cell to see its products and their sum, plays through them, and practises.

    Args:
        image: as in :func:`featviz.extract`. The page holds its pixels.
        kernels: as in :func:`featviz.extract`; they stand in the menu before all presets.
        title: a line above the page; None takes the image's name.
        python: how the page's line of Python calls the image, one expression such as
            ``'fv.sample_image("chelsea")'``; None takes the file's name, the numbers of a list
            of at most 12×12, or ``image``.
        size: as in :func:`featviz.read_image`: the longer side, or the box to fit into.
        limit_bytes: the most that the page may take; 400 000 unless told.
        shrink: whether an image that is too large for this is made smaller; the page says so.
        **settings: every option of :func:`featviz.extract`, where the page begins; ``bias`` is
            one number, and ``activation`` one that the page knows.

    Returns:
        The page, with ``.html`` and ``.save(path)``; a notebook shows it.

    Raises:
        ValueError: a wrong value, or an image that makes a larger page than the limit.
        TypeError: a wrong kind.
        OSError: the image's file is missing or cannot be read.

    Example:
        >>> made = page([[0, 1, 0], [0, 1, 0], [0, 1, 0]], "1 -1; 1 -1", title="a line")
        >>> made.html[:15], made.title
        ('<!doctype html>', 'a line')
    """
    limit = whole_number("limit_bytes", limit_bytes, minimum=1)
    known_options(settings, EXTRACT_OPTIONS)
    _check_words(title, python, shrink)
    name = file_name(image)
    pixels = shared_pixels(image, color="keep")
    words: dict[str, Any] = {"name": name, "title": one_line(title) if title is not None else None}
    data = data_from_image(pixels, kernels, size=size, **words, **settings)
    if python is None and name is None:
        python = _matrix_text(image)
    made = _page(data, name, python, size)
    taken = len(made.html.encode())
    if taken <= limit:
        return made
    side = fitting_size(pixels, _room(data, taken, limit))
    if not shrink:
        sizes = size_text((data["image"]["height"], data["image"]["width"]))
        raise ValueError(
            f"image must make a page of at most {_bytes_text(limit)}; got "
            f"{repr(name) if name else 'one'} ({sizes}), which makes {_bytes_text(taken)}; "
            f"use shrink=True, size={side} or a larger limit_bytes"
        )
    smaller = data_from_image(pixels, kernels, size=side, **words, **settings)
    return _page(smaller, name, python, side)


def _check_words(title: Any, python: Any, shrink: Any) -> None:
    for argument, text in (("title", title), ("python", python)):
        if text is not None and not isinstance(text, str):
            raise TypeError(f"{argument} must be a text or None; got {shown(text)}")
    if not isinstance(shrink, bool):
        raise TypeError(f"shrink must be True or False; got {shown(shrink)}")
    if python is not None and not _is_argument(python):
        raise ValueError(f"python must be one expression on one line; got {shown(python)}")


def _is_argument(text: str) -> bool:
    """Return whether code stands for one value between the brackets of a call."""
    try:
        call = ast.parse(f"call({text},)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return False  # a bracket of its own has ended the call
    one = len(call.args) == 1 and not isinstance(call.args[0], ast.Starred)
    return one and not call.keywords and text.splitlines() == [text]


def _matrix_text(image: Any) -> str | None:
    """Return a small matrix of plain numbers as code; None for anything else."""
    if not isinstance(image, (list, tuple)) or len(image) > MOST_ROWS:
        return None
    if not all(isinstance(row, (list, tuple)) and len(row) <= MOST_ROWS for row in image):
        return None
    if any(type(value) not in (int, float) for row in image for value in row):
        return None
    text = repr([list(row) for row in image])
    return text if len(text) <= MOST_LETTERS else None


def _room(data: dict[str, Any], taken: int, limit: int) -> int:
    """Return the bytes that are left for the image, a few kept back."""
    without = taken - bytes_of_image(data["image"]) + 200
    if limit <= without:
        raise ValueError(
            f"limit_bytes must be more than {without}, what a page takes without its image; "
            f"got {limit}"
        )
    return limit - without


def _page(data: dict[str, Any], name: str | None, python: str | None, size: Any) -> Page:
    """Return the page; all but ``data`` is for its line of Python."""
    data = {
        **data,
        "source": name,
        "python": python,
        "size": list(size) if isinstance(size, (list, tuple)) else size,
        "kernels": [_menu_entry(kernel) for kernel in data["kernels"]],
        "palettes": _palettes(),
        "gamma": PICTURE_GAMMA,
    }
    return Page(_assembled(data), data["title"])


def _menu_entry(kernel: dict[str, Any]) -> list[Any]:
    """Return name, rows and kind of a kernel, as featviz/web/main.js reads them."""
    rows = ";".join(" ".join(row) for row in kernel["texts"])
    return [kernel["name"], rows, kernel["own"] + 2 * kernel["preset"]]


def _assembled(data: dict[str, Any]) -> str:
    style, scripts = _sources()
    island = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; "
        f"style-src {_hash(style)}; img-src data: blob:; form-action 'none'; base-uri 'none'"
    )
    parts = {
        "policy": f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="generator" content="featviz {html.escape(data["version"])}">',
        "title": html.escape(data["title"]),
        "style": f"<style>{style}</style>",
        "data": f'<script type="application/json" id="featviz-data">'
        f"{island.translate(_UNSAFE)}</script>",
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    return _PLACE.sub(lambda found: parts[found[1]], _source("page.html"))


@functools.lru_cache(maxsize=1)
def _sources() -> tuple[str, tuple[str, ...]]:
    style, *scripts = (
        _INDENTS.sub("", _REMARKS.sub("", _COMMENTS.sub("", _source(name))))
        for name in ("style.css", *(f"{n}.js" for n in SCRIPTS))
    )
    return _CSS_ROOM.sub(r"\1", style), tuple(scripts)


def _source(name: str) -> str:
    return files("featviz").joinpath("web", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.lru_cache(maxsize=1)
def _palettes() -> dict[str, str]:
    """Return 256 colours of three bytes of each palette, those of the figures."""
    found = {}
    for name in PALETTES:
        panel = Panel("", np.zeros((1, 1), np.float32), (-1.0, 1.0), name, "")
        colours = colours_of(panel).cmap(np.arange(256), bytes=True)[:, :3]
        found[name] = base64.b64encode(colours.tobytes()).decode()
    return found


def _bytes_text(count: int) -> str:
    """Return bytes in kB or MB, rounded up: a page over the limit must read so."""
    return f"{math.ceil(count / 1e5) / 10:g} MB" if count >= 1e6 else f"{-(-count // 1000)} kB"
