"""The options of the command line, and how their words are read.

What can be checked here is checked here: TensorFlow takes seconds to load, an answer about a
misspelt word does not have to wait for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from featviz._check import nearest, one_of, per_axis, real_number, shown, whole_number
from featviz._files import writable_path
from featviz.kernel_rows import number_from
from featviz.sliding import paddings_per_axis
from featviz.vocabulary import (
    BORDERS,
    COLORS,
    EXTRACT_OPTIONS,
    FIGURE_FORMATS,
    FILTER_PADDINGS,
    LAYOUTS,
    PALETTES,
    POOL_PADDINGS,
    POOLS,
    SCALES,
    STAGES,
)

FIGURE_ENDINGS = tuple(f".{kind}" for kind in FIGURE_FORMATS)
# Other formats of pictures: whoever writes one of these has not mistyped.
FOREIGN_ENDINGS = (".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".eps", ".pgf")

Reader = Callable[[str, str], Any]
# Python itself reads no more than 4300 digits.
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")


def read_by(reader: Reader) -> Callable[[Any, click.Parameter, str | None], Any]:
    """Return a click callback that gives ``reader`` the option's name and text."""

    def callback(_context: Any, parameter: click.Parameter, text: str | None) -> Any:
        return None if text is None else reader(max(parameter.opts, key=len), text.strip())

    return callback


def words(known: Sequence[str]) -> Reader:
    """Return the reader of one of the known words.

    Example:
        >>> words(("max", "average"))("--pool", "max")
        'max'
    """
    return lambda name, text: one_of(name, text, known)


def _numbers(text: str) -> Any:
    """Return ``"2"`` as 2, ``"2,1"`` as (2, 1); a word stays a word."""
    parts = [part.strip() for part in text.split(",")]
    values = [int(part) if _INTEGER.fullmatch(part) else part for part in parts]
    return values[0] if len(values) == 1 else tuple(values)


def pair(name: str, text: str) -> Any:
    """Return one whole number or two, at least 1.

    Example:
        >>> pair("--stride", "2,1")
        (2, 1)
    """
    value = _numbers(text)
    per_axis(name, value, minimum=1)
    return value


def cells(name: str, text: str) -> Any:
    """Return one whole number or two, at least 0.

    Example:
        >>> cells("--output-padding", "0,1")
        (0, 1)
    """
    value = _numbers(text)
    per_axis(name, value, minimum=0)
    return value


def two(name: str, text: str) -> tuple[int, int]:
    """Return two whole numbers, at least 0.

    Example:
        >>> two("--cell", "0,1")
        (0, 1)
    """
    value = _numbers(text)
    if not isinstance(value, tuple):
        raise ValueError(f"{name} must be two whole numbers; got {shown(text)}")
    return per_axis(name, value, minimum=0)


def place(name: str, text: str) -> int:
    """Return a whole number of at least 0.

    Example:
        >>> place("--map", "0")
        0
    """
    return whole_number(name, _numbers(text), minimum=0)


def count(name: str, text: str) -> int:
    """Return a whole number of at least 1.

    Example:
        >>> count("--rows", "12")
        12
    """
    return whole_number(name, _numbers(text), minimum=1)


def layout(name: str, text: str) -> Any:
    """Return ``"rows"``, ``"columns"`` or a number of panels.

    Example:
        >>> layout("--layout", "3"), layout("--layout", "rows")
        (3, 'rows')
    """
    value = _numbers(text)
    if isinstance(value, int):
        return whole_number(name, value, minimum=1)
    return one_of(name, text, LAYOUTS, also=" or a number of panels")


def filter_padding(name: str, text: str) -> Any:
    """Return a padding of the convolution: a word, one or two numbers, or four sides.

    Example:
        >>> filter_padding("--padding", "1,1,0,0")
        ((1, 1), (0, 0))
    """
    return _padding(name, text, FILTER_PADDINGS)


def pool_padding(name: str, text: str) -> Any:
    """Return a padding of the pool.

    Example:
        >>> pool_padding("--pool-padding", "valid")
        'valid'
    """
    return _padding(name, text, POOL_PADDINGS)


def _padding(name: str, text: str, known: tuple[str, ...]) -> Any:
    value = _numbers(text)
    if isinstance(value, tuple) and len(value) == 4:
        value = (value[:2], value[2:])
    elif isinstance(value, tuple) and len(value) != 2:
        raise ValueError(f"{name} must be 1, 2 or 4 values; got {shown(text)}")
    paddings_per_axis(name, value, known)
    return value


def _real(name: str, text: str, above: float | None = None, at_most: float | None = None) -> float:
    try:
        value: Any = float(text)
    except ValueError:
        value = text
    return real_number(name, value, above=above, at_most=at_most)


def above_zero(name: str, text: str) -> float:
    """Return a finite number above 0.

    Example:
        >>> above_zero("--gamma", "0.5")
        0.5
    """
    return _real(name, text, above=0)


def dots(name: str, text: str) -> float:
    """Return dots per inch."""
    return _real(name, text, above=1, at_most=2400)


def bias(name: str, text: str) -> Any:
    """Return a number, or a list of several.

    Example:
        >>> bias("--bias", "1"), bias("--bias", "1/4, -1")
        (1.0, [0.25, -1.0])
    """
    values = [_fraction_or_real(name, part.strip()) for part in text.split(",")]
    return values[0] if len(values) == 1 else values


def _fraction_or_real(name: str, text: str) -> float:
    if "/" not in text:
        return _real(name, text)
    try:
        return float(number_from(text, where=name))
    except (ValueError, OverflowError):
        raise ValueError(f"{name} must be a number such as 0.5 or 1/3; got {shown(text)}") from None


def scale(name: str, text: str) -> Any:
    """Return the name of a scale, or its two numbers.

    Example:
        >>> scale("--scale", "0,1"), scale("--scale", "each")
        ((0.0, 1.0), 'each')
    """
    if "," not in text:
        return one_of(name, text, SCALES, also=" or two numbers LOW,HIGH")
    limits = tuple(_real(name, part.strip()) for part in text.split(","))
    if len(limits) != 2 or limits[0] >= limits[1]:
        raise ValueError(f"{name} must be two numbers LOW,HIGH, LOW < HIGH; got {shown(text)}")
    return limits


def stages(name: str, text: str) -> tuple[str, ...]:
    """Return stages, each known and named once.

    Example:
        >>> stages("--stages", "image, detect")
        ('image', 'detect')
    """
    chosen = tuple(word.strip() for word in text.split(","))
    for word in chosen:
        one_of(name, word, STAGES)
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"{name} must name each stage once; got {shown(text)}")
    return chosen


def figure_path(output: str | Path) -> Path:
    """Return the path that ``-o`` names, when a figure can be written there.

    Raises:
        ValueError: another ending.
        OSError: no such folder, a folder, or not to be written.
    """
    path = Path(output)
    if path.suffix.lower() not in FIGURE_ENDINGS and not path.is_dir():
        foreign = path.suffix.lower() in FOREIGN_ENDINGS
        hint = "" if foreign else nearest(path.suffix, FIGURE_ENDINGS)
        known = ", ".join(FIGURE_ENDINGS)
        raise ValueError(f"-o must end in one of {known}; got {str(output)!r}{hint}")
    writable_path(path)
    return path


KERNEL = click.option(
    "-k", "--kernel", "kernels", multiple=True, required=True, metavar="KERNEL",
    help="A preset's name, numbers like '0 1; 1 0', a family like 'gaussian(5, 1)' or a file "
    "(.json .csv .txt .npy), with NAME= before it if wanted; may be repeated.",
)  # fmt: skip
SIZE = click.option(
    "--size", metavar="N|HEIGHT,WIDTH", callback=read_by(pair),
    help="Size of the image: its longer side, or a box to fit into.",
)  # fmt: skip

DRAWING_OPTIONS = (
    click.option("--grid", is_flag=True, help="One figure: a row per image, a column per kernel."),
    click.option("--stages", metavar="STAGE,…", callback=read_by(stages),
                 help=f"Which stages, in which order.  [default: {','.join(STAGES)}]"),
    click.option("--stage", default="detect", show_default=True, metavar="|".join(STAGES[1:]),
                 callback=read_by(words(STAGES[1:])), help="The stage that --grid shows."),
    click.option("--layout", default="rows", show_default=True, metavar="rows|columns|N",
                 callback=read_by(layout),
                 help="A row per map, a column per map, or N panels a row."),
    click.option("--scale", default="shared", show_default=True, callback=read_by(scale),
                 metavar="shared|signed|each|LOW,HIGH",
                 help="One scale for all maps, one per stage, one per map, or fixed limits."),
    click.option("--palette", metavar="|".join(PALETTES), callback=read_by(words(PALETTES)),
                 help="Colours of the maps.  [default: signed where values may be negative, "
                 "else heat]"),
    click.option("--gamma", metavar="NUMBER", callback=read_by(above_zero),
                 help="Exponent of the display; below 1 lifts what is small.  [default: 0.5; 1 "
                 "where numbers are written]"),
    click.option("--title", default="", metavar="TEXT", help="A line above the figure."),
    click.option("--dpi", default="150", show_default=True, metavar="NUMBER",
                 callback=read_by(dots), help="Dots per inch."),
)  # fmt: skip

RUN_OPTIONS = (
    click.option("-s", "--stride", default="1", metavar="N|ROWS,COLUMNS", callback=read_by(pair),
                 show_default=True, help="Cells from one window to the next."),
    click.option("-p", "--padding", default="same", callback=read_by(filter_padding),
                 show_default=True, metavar="same|valid|full|N|…",
                 help="Cells added around: a word, N, ROWS,COLUMNS or TOP,BOTTOM,LEFT,RIGHT."),
    click.option("-d", "--dilation", default="1", metavar="N|ROWS,COLUMNS", show_default=True,
                 callback=read_by(pair), help="Cells from one tap of the kernel to the next."),
    click.option("--border", default="zeros", show_default=True, metavar="|".join(BORDERS),
                 callback=read_by(words(BORDERS)), help="What the padding holds."),
    click.option("--bias", metavar="NUMBER,…", callback=read_by(bias),
                 help="Added after the convolution, such as 0.5 or 1/3; one for all maps or one "
                 "per map."),
    click.option("-a", "--activation", default="relu", show_default=True, metavar="NAME",
                 help="Any Keras activation, also as 'leaky_relu(0.1)'."),
    click.option("--pool", default="max", show_default=True, metavar="|".join(POOLS),
                 callback=read_by(words(POOLS)), help="How to condense."),
    click.option("--pool-size", default="2", metavar="N|ROWS,COLUMNS", callback=read_by(pair),
                 show_default=True, help="Window of the pool."),
    click.option("--pool-stride", metavar="N|ROWS,COLUMNS", callback=read_by(pair),
                 help="Step of the pool.  [default: the window]"),
    click.option("--pool-padding", default="same", callback=read_by(pool_padding),
                 show_default=True, metavar="same|valid|N|…",
                 help="Padding of the pool: a word, N, ROWS,COLUMNS or TOP,BOTTOM,LEFT,RIGHT."),
    click.option("--color", default="grey", show_default=True, metavar="|".join(COLORS),
                 callback=read_by(words(COLORS)),
                 help="Make the image grey, filter each channel, or sum the channels."),
)  # fmt: skip


def with_options(
    options: Sequence[Callable[..., Any]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command these options, in this order."""

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return give


def extract_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of ``extract``, collected in ``settings``."""

    def collected(**options: Any) -> Any:
        settings = {name: options.pop(name) for name in EXTRACT_OPTIONS}
        return command(settings=settings, **options)

    collected.__doc__, collected.__name__ = command.__doc__, command.__name__
    collected.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    return with_options(RUN_OPTIONS)(collected)
