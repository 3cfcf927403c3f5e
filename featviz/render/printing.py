"""A run as matrices: image, kernel, filter, detect, condense."""

from __future__ import annotations

import sys
from typing import Any

from featviz._check import shown
from featviz.exact_stages import exact_maps, pixel_numbers
from featviz.extraction import Extraction
from featviz.render.text import MatrixText
from featviz.vocabulary import STAGES


def text_from_extraction(
    extraction: Extraction, *, form: str = "unicode", rows: int = 12, columns: int = 12
) -> MatrixText:
    """Return the matrices of a run; prints as text, typeset in a notebook.

    Args:
        extraction: what :func:`featviz.extract` returned.
        form: ``"unicode"``, ``"plain"`` (ASCII) or ``"latex"``.
        rows: how many rows are shown of a larger matrix; its true size is said.
        columns: how many columns are shown of a larger matrix.

    Returns:
        Image (channel by channel), then each kernel with the maps it made.

    Raises:
        TypeError: not a run.
        ValueError: an unknown form, rows or columns below 1.

    Example:
        >>> import featviz as fv
        >>> run = fv.extract([[1, 2]], "3", pool="none")
        >>> str(text_from_extraction(run, form="plain")).splitlines()[6:8]
        ['filter kernel 1x2', '[3  6]']
    """
    if not isinstance(extraction, Extraction):
        raise TypeError(f"extraction must come from extract(); got {shown(extraction)}")
    return MatrixText(_pairs(extraction), form=form, rows=rows, columns=columns)


def print_matrices(
    extraction: Extraction, *, form: str | None = None, rows: int = 12, columns: int = 12
) -> None:
    """Print the matrices of a run, typeset in a notebook unless a form is given.

    Args:
        extraction: what :func:`featviz.extract` returned.
        form: ``"unicode"``, ``"plain"`` or ``"latex"``; None typesets in a notebook and is
            ``"unicode"`` elsewhere.
        rows: how many rows are shown of a larger matrix; its true size is said.
        columns: how many columns are shown of a larger matrix.

    Raises:
        TypeError: not a run.
        ValueError: an unknown form, rows or columns below 1.

    Example:
        >>> import featviz as fv
        >>> print_matrices(fv.extract([[1, 2]], "3", activation="linear", pool="none"))
        image 1×2
        [1  2]
        <BLANKLINE>
        kernel 1×1
        [3]
        <BLANKLINE>
        filter kernel 1×2
        [3  6]
        <BLANKLINE>
        detect kernel 1×2
        [3  6]
        <BLANKLINE>
        condense kernel 1×2
        [3  6]
    """
    text = text_from_extraction(extraction, form=form or "unicode", rows=rows, columns=columns)
    if form is None and _in_notebook():
        sys.modules["IPython"].display.display(text)
    else:
        print(text)


def _in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this, which alone can typeset LaTeX."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _pairs(run: Extraction) -> list[tuple[str, Any]]:
    channels = run.image.shape[2]
    first = 1 if run.kernels else 0  # of a layer they are counted as its maps are
    numbers = range(first, channels + first)
    names = ["image"] if channels == 1 else [f"image, channel {n}" for n in numbers]
    pairs: list[tuple[str, Any]] = [
        (name, run.image[:, :, channel]) for channel, name in enumerate(names)
    ]
    repeats = len(run.labels) // max(1, len(run.kernels))
    pixels = pixel_numbers(run)
    for index, label in enumerate(run.labels):
        kernel = run.kernels[index // repeats] if run.kernels else None
        if kernel and index % repeats == 0:
            name = "" if kernel.name == "kernel" else f" {kernel.name}"
            pairs.append((f"kernel{name}", kernel))
        maps: list[Any] = []
        if kernel and pixels:
            maps += exact_maps(run, index, kernel, pixels)
        maps += [run.without_rounding(stage, index) for stage in STAGES[1 + len(maps) :]]
        pairs += [(f"{stage} {label}", told) for stage, told in zip(STAGES[1:], maps, strict=True)]
    return pairs
