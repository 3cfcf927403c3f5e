"""What a model takes, and images brought to its inputs, batch by batch.

What was done with them (:mod:`featviz.networks.fitting`) is told in words beside every result.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from featviz._check import shown, size_text
from featviz._numbers import numbers_from
from featviz.captions import value_text
from featviz.networks.fitting import (
    ONE_BY_ONE,
    Fit,
    batch_from_column,
    ends_of,
    suits,
    with_channel_axis,
)
from featviz.networks.input_specs import (
    InputSpec,
    inputs_of_model,
    parts_of_images,
)
from featviz.networks.paths import counted_text
from featviz.networks.values import Array
from featviz.networks.ways import ways_text

# How sentences about the images of a caller begin, whatever the argument is called.
_ARGUMENT = re.compile(r"^(images|data)(?= must )")
_ONE_OF_THEM = re.compile(r"^image(?= must )")

__all__ = [
    "Feed",
    "Fit",
    "columns_from_images",
    "ends_text",
    "feed_from_columns",
    "feeds_from_images",
    "lines_of_inputs",
    "naming",
    "note_of_input",
    "text_of_parts",
    "with_names",
]


class Feed(NamedTuple):
    """One batch that goes in.

    Attributes:
        arrays: for each input (B, …).
        notes: how they came about.
        names: of the inputs, where the caller knows them and the model does not tell.
        pictures: the arrays before ``preprocess``; none where there is no such function.
        inputs: names of the inputs, in any case.
        files: for each input the names of its files, one for each image, empty for what is none;
            nothing where there is no file.
        ways: for each input every way in which its images came about; nothing where the notes
            tell of one.
    """

    arrays: tuple[Array, ...]
    notes: tuple[str, ...]
    names: tuple[str, ...] = ()
    pictures: tuple[Array, ...] = ()
    inputs: tuple[str, ...] = ()
    files: tuple[tuple[str, ...], ...] = ()
    ways: tuple[tuple[str, ...], ...] = ()

    def cut(self, count: int) -> Feed:
        """Return the first so many images."""
        arrays, pictures = (
            tuple(one[:count] for one in every) for every in (self.arrays, self.pictures)
        )
        files = tuple(names[:count] for names in self.files)
        return self._replace(arrays=arrays, pictures=pictures, files=files)


def columns_from_images(images: Any, inputs: Sequence[InputSpec]) -> dict[str, Any]:
    """Return, for each input of a model, something that holds its images.

    Args:
        images: for one input: a path, an image (H, W, C), several (B, H, W, C), or a list of
            such. For several inputs: a list or a dict with as many, or as the model was made.
        inputs: of the model.

    Returns:
        Input name → an array (B, …) or a list of B sources; all have one length.

    Raises:
        ValueError: other inputs than the model's, None for one of several, different lengths, no
            image.
    """
    parts = parts_of_images(images, inputs)
    if parts is None:
        raise ValueError(_inputs_sentence(images, inputs))
    specs = {spec.name: spec for spec in inputs}
    columns = {name: _column(one, specs.get(name, inputs[0])) for name, one in parts.items()}
    lengths = {name: len(column) for name, column in columns.items()}
    if not columns or 0 in lengths.values():
        raise ValueError("images must hold at least one image; got none")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"images must be as many for every input; got {lengths}")
    return columns


def _inputs_sentence(images: Any, inputs: Sequence[InputSpec]) -> str:
    names, got = ", ".join(spec.name for spec in inputs), text_of_parts(images)
    kind = "a list or dict" if inputs[0].ordered else "a dict"
    return f"images must be {kind} of {counted_text(len(inputs), 'input')}, {names}; got {got}"


def text_of_parts(images: Any) -> str:
    """Return what a caller gives for several inputs: how many, of a dict its keys.

    Args:
        images: as in :func:`columns_from_images`.

    Example:
        >>> text_of_parts([[1.0], [2.0], [3.0]]), text_of_parts({"left": 1}), text_of_parts("a")
        ('a list of 3', "['left']", "'a'")
    """
    if isinstance(images, dict):
        return f"{list(images)}"
    if isinstance(images, (list, tuple)):
        return f"a {'list' if isinstance(images, list) else 'tuple'} of {len(images)}"
    sizes = getattr(images, "shape", None)
    return shown(images) if sizes is None else f"one array of {size_text(sizes)}"


def _column(value: Any, spec: InputSpec) -> Any:
    """Return an array with its batch axis, or a list of sources."""
    if isinstance(value, (str, bytes, bytearray, os.PathLike)) or not _is_numeric(value):
        return list(value) if isinstance(value, (list, tuple)) else [value]
    # A tensor or an array stays what it is until its turn comes; a variable has no length.
    plain = hasattr(value, "shape") and not hasattr(value, "assign")
    array = value if plain else numbers_from(value)
    sizes, shape = tuple(array.shape), spec.shape
    if len(sizes) > spec.axes or (shape is not None and suits(sizes, shape)):
        return array if len(sizes) > spec.axes else array[None]
    if shape and shape[-1] == 1 and len(sizes) == spec.axes and suits(sizes[1:], shape[:-1]):
        return array[..., None]  # B images without an axis of channels
    return with_channel_axis(array, spec)[None]


def _is_numeric(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(_is_numeric(item) for item in value) and not _holds_arrays(value)
    return hasattr(value, "shape") or isinstance(value, (int, float))


def _holds_arrays(value: Sequence[Any]) -> bool:
    return any(hasattr(item, "shape") and len(item.shape) > 0 for item in value)


def feed_from_columns(
    columns: dict[str, Any], inputs: Sequence[InputSpec], fit: Fit, part: slice
) -> Feed:
    """Return one batch, ready to go in.

    Args:
        columns: of :func:`columns_from_images`.
        inputs: of the model.
        fit: how to make it fit.
        part: which images.
    """
    specs = {spec.name: spec for spec in inputs}
    every, parts = tuple(columns), [column[part] for column in columns.values()]
    fed = [
        batch_from_column(one, specs.get(name, inputs[0]), fit)
        for name, one in zip(every, parts, strict=True)
    ]
    names = every if inputs[0].keyed or set(columns) != set(specs) else ()
    arrays, pictures, ways = zip(*fed, strict=True)
    before, notes = () if fit.preprocess is None else pictures, tuple(map(ways_text, ways))
    return Feed(arrays, notes, names, before, every, tuple(map(_files_of, parts)), ways)


def _files_of(part: Any) -> tuple[str, ...]:
    """Return the names of the files of one input, or nothing where there is none."""
    if not isinstance(part, list):
        return ()
    names = tuple(os.fsdecode(one) if isinstance(one, (str, os.PathLike)) else "" for one in part)
    return names if any(names) else ()


def feeds_from_images(
    model: Any, images: Any, fit: Fit, batch_size: int
) -> tuple[int, Iterator[Feed]]:
    """Return how many images there are, and them batch by batch.

    Args:
        model: a Keras model.
        images: as in :func:`columns_from_images`.
        fit: how to make them fit.
        batch_size: at least 1.
    """
    inputs = inputs_of_model(model)
    columns = columns_from_images(images, inputs)
    count = len(next(iter(columns.values())))
    parts = (slice(start, start + batch_size) for start in range(0, count, batch_size))
    return count, (feed_from_columns(columns, inputs, fit, part) for part in parts)


@contextmanager
def naming(argument: str) -> Iterator[None]:
    """Let errors about images name the argument that held them.

    Args:
        argument: its name, such as ``data``.

    Example:
        >>> with naming("data"):
        ...     raise ValueError("images must hold at least one image; got none")
        Traceback (most recent call last):
        ValueError: data must hold at least one image; got none
        >>> with naming("data"):
        ...     raise ValueError("image must be 8×8×1 for the input 'a'; got 8×8×3")
        Traceback (most recent call last):
        ValueError: image in data must be 8×8×1 for the input 'a'; got 8×8×3
    """
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        text = error.args[0] if error.args else None
        if isinstance(text, str):
            text = _ARGUMENT.sub(argument, text)
            if argument == "data":  # its batches are never joined
                text = text.replace(ONE_BY_ONE, "pass batch_size=1")
            if not argument.startswith("image"):
                text = _ONE_OF_THEM.sub(f"image in {argument}", text)
            error.args = (text, *error.args[1:])
        raise


def lines_of_inputs(
    arrays: Sequence[Array], notes: Iterable[str], names: Sequence[str]
) -> tuple[str, ...]:
    """Return what went into each input in one line; of several its name first.

    Args:
        arrays: of each input (B, …).
        notes: how each came about.
        names: of the inputs, or nothing.
    """
    return with_names(map(note_of_input, arrays, notes), names)


def with_names(lines: Iterable[str], names: Sequence[str]) -> tuple[str, ...]:
    r"""Return lines, one for each input; where there are several, their names first.

    Args:
        lines: of the inputs.
        names: of the inputs, or nothing.

    Example:
        >>> with_names(["4×3 float32", "4×1 int32"], ["photo", "a\x1bge"])
        ('photo: 4×3 float32', 'a\\x1bge: 4×1 int32')
    """
    every = tuple(lines)
    if len(every) < 2 or not names:
        return every
    # A name comes from a stranger's file, and lines are printed.
    plain = [name if name.isprintable() else repr(name)[1:-1] for name in names]
    return tuple(f"{name}: {line}" for name, line in zip(plain, every, strict=True))


def note_of_input(array: Array, note: str) -> str:
    """Return what went into one input in one line: shape, dtype, range, and how.

    Args:
        array: (B, …).
        note: how it came about.
    """
    ends = ends_text(*ends_of(array), array.size)
    return f"{size_text(array.shape)} {array.dtype}, {ends} ({note})"


def ends_text(low: float, high: float, wrong: int, size: int) -> str:
    """Return the range of the finite values, and how many are not finite.

    Args:
        low: the least finite value; anything where there is none.
        high: the largest.
        wrong: how many are NaN or infinite.
        size: how many values there are.

    Example:
        >>> ends_text(-1.0, 2.0, 0, 9), ends_text(0.0, 0.0, 48000, 48000)
        ('−1 to 2', 'no finite value, 48,000 NaN or infinite')
    """
    text = f"{value_text(low)} to {value_text(high)}" if wrong < size else "no finite value"
    return f"{text}, {wrong:,} NaN or infinite" if wrong else text
