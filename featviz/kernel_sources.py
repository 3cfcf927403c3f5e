"""Kernels from wherever a user has them: names, numbers, formulas, files.

:func:`read_kernel` reads one, :func:`read_kernels` one or several. Text is a preset's name
(``"edge"``), a family with its arguments (``"gaussian(5, 1.5)"``), numbers (``"0 1; 1 0"``) or
the path of a file; anything else is read as rows of numbers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from featviz._calls import arguments_in, name_called
from featviz._check import nearest, one_of, shown
from featviz.kernel_files import ENDINGS, rows_from_file
from featviz.kernel_rows import rows_from, rows_from_text
from featviz.kernels import Kernel
from featviz.presets import FAMILIES, PRESETS

__all__ = ["read_kernel", "read_kernels", "rows_from_file"]

_ONLY_NUMBERS = re.compile(r"[0-9eE+\-−/.,;\s\[\]\"']+")
_NUMBERS_FIRST = re.compile(r"\s*(\[|[+\-−]?\.?[0-9])")
_ANY_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,5}")
_EXAMPLES = {
    "gaussian": "gaussian(5, 1)",
    "laplacian_of_gaussian": "laplacian_of_gaussian(9, 1.4)",
    "gabor": "gabor(9, 4)",
    "motion_blur": "motion_blur(9)",
}


def read_kernel(source: Any, *, name: str | None = None) -> Kernel:
    """Return one kernel from a name, numbers, a formula or a file.

    Args:
        source: a preset's name (``"edge"``), a family with its arguments
            (``"gabor(9, 4, angle_degrees=45)"``), numbers as text (``"-1 0 1; -2 0 2; -1 0 1"``),
            a path ending in .json, .csv, .txt or .npy, nested lists (entries may be ``"1/9"``),
            a numpy array, a tensor, a sympy matrix (h, w), or a Kernel, which is returned as is.
        name: the label; None takes the preset's name, the family's call, the file's stem, or
            ``"kernel"``.

    Returns:
        The kernel, laid on the image as written.

    Raises:
        FileNotFoundError, IsADirectoryError: no such file, or a folder.
        TypeError: not rows of real numbers.
        ValueError: an unknown name, a number outside its range, ragged rows, a broken file.

    Example:
        >>> read_kernel("1 0; 0 -1", name="diagonal")
        Kernel('1 0; 0 -1', name='diagonal')
        >>> read_kernel("box(2)").rows[0]
        (Fraction(1, 4), Fraction(1, 4))
    """
    return _read(source, name, "kernel")


def read_kernels(sources: Any) -> tuple[Kernel, ...]:
    """Return one kernel or several, each with a label of its own.

    Args:
        sources: anything :func:`read_kernel` takes, for one kernel (nested lists of two levels
            and an array (h, w) are one); a list or tuple of such things; a mapping from label to
            such a thing; or an array (K, h, w) for K kernels. Sizes may differ.

    Returns:
        The kernels in their order; a label that comes again gets a number (``"edge 2"``).

    Raises:
        FileNotFoundError, IsADirectoryError, TypeError, ValueError: as :func:`read_kernel`; of
            several, the sentence counts (``kernel 2``). ValueError also for none at all.

    Example:
        >>> [kernel.name for kernel in read_kernels(["edge", "gaussian(3, 1)", "edge"])]
        ['edge', 'gaussian(3, 1)', 'edge 2']
    """
    if isinstance(sources, str) and sources in PRESETS:
        return (PRESETS[sources],)
    if isinstance(sources, Mapping):
        kernels = [_read(source, name, f"kernel {name!r}") for name, source in sources.items()]
    else:
        several = _several(sources)
        if several is None:
            return (_read(sources, None, "kernel"),)
        kernels = [_read(source, None, f"kernel {i}") for i, source in enumerate(several, 1)]
    if not kernels:
        raise ValueError("kernels must be at least one; got none")
    return _told_apart(kernels)


def _read(source: Any, name: str | None, where: str) -> Kernel:
    if isinstance(source, Kernel):
        return source if name in (None, source.name) else replace(source, name=name)
    if isinstance(source, str):
        return _read(PRESETS.get(source.strip()) or _kernel_from_text(source, where), name, where)
    if isinstance(source, os.PathLike):
        return _kernel_from_file(os.fsdecode(source), name, where)
    return Kernel(rows_from(source, where=where), name="kernel" if name is None else name)


def _kernel_from_text(text: str, where: str) -> Kernel:
    family = name_called(text)
    if family:
        function = FAMILIES[one_of("kernel family", family, tuple(FAMILIES))]
        positional, named = arguments_in(text, function)
        return function(*positional, **named)
    word = text.strip()
    if _ONLY_NUMBERS.fullmatch(word) and re.search("[0-9]", word):
        return Kernel(rows_from_text(text, where=where))
    if word.lower().endswith(ENDINGS) or _ANY_ENDING.fullmatch(Path(word).suffix):
        return _kernel_from_file(word, None, where)
    if _NUMBERS_FIRST.match(text):
        return Kernel(rows_from_text(text, where=where))
    hint = nearest(word[:60], [*PRESETS, *FAMILIES])
    for family, example in _EXAMPLES.items():
        hint = hint.replace(f"{family!r}?", f"{example!r}?")
    raise ValueError(
        f'{where} must be a preset\'s name, numbers like "0 1; 1 0", a family like '
        f'"gaussian(5, 1)" or a file ({" ".join(ENDINGS)}); got {shown(text)}{hint}'
    )


def _kernel_from_file(path: str, name: str | None, where: str) -> Kernel:
    rows = rows_from_file(path, where=where)
    return Kernel(rows, name=(Path(path).stem.strip() or "kernel") if name is None else name)


def _several(sources: Any) -> list[Any] | None:
    """Return the sources in a list, or None when ``sources`` is one kernel by itself."""
    if isinstance(sources, (str, bytes, bytearray, os.PathLike, Kernel)):
        return None
    if isinstance(sources, (set, frozenset)):
        raise TypeError(f"kernels must be in a list, which keeps its order; got {shown(sources)}")
    axes = _axes(sources)
    if axes not in (None, 2, 3):
        raise TypeError(
            "kernels must be an array (h, w) or (K, h, w); "
            f"got {shown(tuple(sources.shape))} as its shape"
        )
    if axes is not None:
        return [sources[k] for k in range(int(sources.shape[0]))] if axes == 3 else None
    if not isinstance(sources, Collection) or any(map(_is_row, sources)):
        return None
    return list(sources)


def _axes(value: Any) -> int | None:
    """Return how many axes an array has, or None for anything else."""
    try:
        return None if isinstance(value, type) else len(value.shape)
    except (AttributeError, TypeError, ValueError):
        return None


def _is_row(item: Any) -> bool:
    """Whether ``item`` is a number or a row of numbers, not a kernel by itself."""
    if isinstance(item, (str, os.PathLike, Kernel, Mapping)):
        return False
    if isinstance(item, (list, tuple)):
        return not any(isinstance(v, (list, tuple)) or getattr(v, "ndim", None) for v in item)
    axes = _axes(item)
    return axes is None or axes < 2


def _told_apart(kernels: Iterable[Kernel]) -> tuple[Kernel, ...]:
    """Return the kernels with a number behind every name that came before."""
    kernels = tuple(kernels)
    taken = {kernel.name for kernel in kernels}
    if len(taken) == len(kernels):
        return kernels
    seen: set[str] = set()
    apart = []
    for kernel in kernels:
        name, count = kernel.name, 2
        while name in seen or (name != kernel.name and name in taken):
            name, count = f"{kernel.name} {count}", count + 1
        seen.add(name)
        apart.append(kernel if name == kernel.name else replace(kernel, name=name))
    return tuple(apart)
