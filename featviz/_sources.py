"""What the words of the command line stand for: images, matrices, kernels."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import featviz
from featviz._check import one_of
from featviz._files import is_file
from featviz._terminal import Failure, say

if TYPE_CHECKING:
    from featviz.kernels import Kernel

SAMPLE_PREFIX = "sample:"
_NUMBERS = re.compile(r"[0-9+\-−./,;\[\]eE \t\n]*")
# Several words, one of them with a letter, and nothing that a path or a call would have.
_LETTERS = re.compile(r"[^(=:]*[A-Za-z][^(=:]*[\s;,][^(=:]*|[^(=:]*[\s;,][^(=:]*[A-Za-z][^(=:]*")
# A label before the kernel: "my edge=-1 0 1"; a call has its parenthesis before any "=".
_NAMED = re.compile(r"([^=()\[\];,]{1,60})=(.+)", re.DOTALL)


def example(*lines: str) -> str:
    """Return the end of a help page: unwrapped lines that can be pasted."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def kernels_from(texts: Iterable[str]) -> tuple[Kernel, ...]:
    """Return the kernels of the words; a file that is there and broken is a failure."""
    sources: list[Any] = [_kernel_from(text) for text in texts]
    return featviz.read_kernels(sources[0] if len(sources) == 1 else sources)


def _kernel_from(text: str) -> Any:
    """Return a kernel that has a name or a file of its own, else the text."""
    named = _NAMED.fullmatch(text)
    if named and not is_file(text):
        return featviz.read_kernel(_kernel_from(named[2]), name=named[1].strip())
    if _is_matrix_file(text) and is_file(text):
        return failing(featviz.read_kernel, text)
    return text


def check_source(source: str) -> None:
    """Refuse what is nothing known and no file at once, before TensorFlow is loaded."""
    if source.startswith(SAMPLE_PREFIX):
        sample_name(source)
    elif _is_matrix(source):
        _matrix_rows(source)
    elif not is_file(source):
        if source in featviz.SAMPLES:
            cure = f"the sample is {SAMPLE_PREFIX}{source}"
            raise Failure(f"image must be a file that exists; got {source!r}; {cure}")
        failing(featviz.read_image, source)


def read_source(source: str, size: Any) -> Any:
    """Return an image, a sample, or the rows of numbers of a text or file."""
    if source.startswith(SAMPLE_PREFIX):
        return featviz.sample_image(sample_name(source), size=size)
    if _is_matrix(source):
        rows = _matrix_rows(source)
        pixels: Any = [[_plain(value) for value in row] for row in rows]
    else:
        pixels = failing(featviz.read_image, source)
    return pixels if size is None else featviz.read_image(pixels, size=size)


def _plain(value: Any) -> int | float:
    """Return a whole number that a float holds as an int, anything else as a float."""
    return value if isinstance(value, int) and abs(value) <= 2**53 else float(value)


def sample_name(source: str) -> str:
    """Return the name after ``sample:``, when there is such a sample."""
    return one_of("sample", source.removeprefix(SAMPLE_PREFIX), tuple(featviz.SAMPLES))


def stem(source: str) -> str:
    """Return how files made from a source begin."""
    if _is_matrix(source) and not _is_matrix_file(source):
        return "matrix"
    return Path(source.removeprefix(SAMPLE_PREFIX)).stem or "image"


def is_picture(source: str) -> bool:
    """Return whether a source is an image file, whose name a page can tell."""
    return is_stored(source) and not _is_matrix_file(source)


def is_stored(source: str) -> bool:
    """Return whether a source is a file, and not a sample or numbers written out."""
    return not source.startswith(SAMPLE_PREFIX) and (
        _is_matrix_file(source) or not _is_matrix(source)
    )


def is_symbolic(source: str) -> bool:
    """Return whether a source is a matrix written with letters."""
    if not _LETTERS.fullmatch(source) or is_file(source):
        return False  # without loading sympy
    from featviz.letters import has_letters

    return has_letters(source)


def _is_matrix(source: str) -> bool:
    if _is_matrix_file(source) or _NUMBERS.fullmatch(source):
        return True
    return ";" in source and not is_file(source)


def _is_matrix_file(source: str) -> bool:
    from featviz.kernel_files import ENDINGS

    return source.lower().endswith(ENDINGS)


def _matrix_rows(source: str) -> Any:
    from featviz.kernel_files import rows_from_file
    from featviz.kernels import rows_from_text

    if _is_matrix_file(source):
        return failing(rows_from_file, source, where="matrix")
    return rows_from_text(source, where="matrix")


def failing(action: Callable[..., Any], *words: Any, **options: Any) -> Any:
    """Run what reads files: its refusals are failures, not wrong use."""
    try:
        return action(*words, **options)
    except (ValueError, TypeError) as error:
        raise Failure(str(error)) from error


@contextlib.contextmanager
def progress(words: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar when there are several things to do and someone looks.

    Yields:
        A function that prints a line, unless it is empty, and moves the bar on by one.
    """
    if total < 2:
        yield lambda line: say(line) if line else None
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=words, unit="image", disable=None, file=sys.stderr) as bar:

        def done(line: str) -> None:
            if line:
                with bar.external_write_mode(file=sys.stdout):
                    say(line)
            bar.update()

        yield done


def wrote_text(path: Path) -> str:
    """Return the line that says where a file is."""
    return f"wrote {path.resolve()}"
