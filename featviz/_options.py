"""The options of the command line that stand for options of ``extract``, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def pair(text: str) -> Any:
    """Return ``"2"`` as 2, ``"2,1"`` as (2, 1); a word stays a word."""
    parts = [part.strip() for part in text.split(",")]
    numbers = [int(part) if part.lstrip("+-").isdigit() else part for part in parts]
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def padding(text: str) -> Any:
    """Return a padding: a word, a number, two of them, or top,bottom,left,right."""
    value = pair(text)
    if isinstance(value, tuple) and len(value) == 4:
        return value[:2], value[2:]
    return value


def floats(name: str) -> Callable[[Any, Any, str | None], Any]:
    """Return a click callback that reads one number or several separated by commas."""

    def read(_context: Any, _parameter: Any, text: str | None) -> Any:
        if text is None:
            return None
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            raise click.UsageError(
                f"{name} must be a number or numbers separated by commas; got {text!r}"
            ) from None
        return numbers[0] if len(numbers) == 1 else numbers

    return read


def scale(_context: Any, _parameter: Any, text: str) -> Any:
    """Return the name of a scale, or its two numbers."""
    parts = text.split(",")
    try:
        return tuple(float(part) for part in parts) if len(parts) > 1 else text
    except ValueError:
        return text


def converted(convert: Callable[[str], Any]) -> Callable[[Any, Any, str | None], Any]:
    """Return a click callback that converts the text of an option that was given."""
    return lambda _context, _parameter, text: None if text is None else convert(text)


EXTRACT_OPTIONS = (
    click.option("-s", "--stride", default="1", metavar="N|ROWS,COLUMNS", callback=converted(pair),
                 show_default=True, help="Cells from one window to the next."),
    click.option("-p", "--padding", default="same", callback=converted(padding), show_default=True,
                 metavar="same|valid|full|N|TOP,BOTTOM,LEFT,RIGHT", help="Cells added around."),
    click.option("-d", "--dilation", default="1", metavar="N|ROWS,COLUMNS", show_default=True,
                 callback=converted(pair), help="Cells from one tap of the kernel to the next."),
    click.option("--border", default="zeros", show_default=True,
                 metavar="zeros|reflect|symmetric|edge|wrap", help="What the padding holds."),
    click.option("--bias", default=None, metavar="NUMBER[,NUMBER…]", callback=floats("--bias"),
                 help="Added after the convolution; one for all maps or one per map."),
    click.option("-a", "--activation", default="relu", show_default=True, metavar="NAME",
                 help="Any Keras activation, also as 'leaky_relu(0.1)'."),
    click.option("--pool", default="max", show_default=True,
                 metavar="max|average|global_max|global_average|none", help="How to condense."),
    click.option("--pool-size", default="2", metavar="N|ROWS,COLUMNS", callback=converted(pair),
                 show_default=True, help="Window of the pool."),
    click.option("--pool-stride", default=None, metavar="N|ROWS,COLUMNS", callback=converted(pair),
                 help="Step of the pool.  [default: the window]"),
    click.option("--pool-padding", default="same", callback=converted(padding), show_default=True,
                 metavar="same|valid|N|TOP,BOTTOM,LEFT,RIGHT", help="Padding of the pool."),
    click.option("--color", default="grey", show_default=True, metavar="grey|each|sum",
                 help="Make the image grey, filter each channel, or sum the channels."),
)  # fmt: skip


def extract_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command every option of ``extract``, collected in the argument ``settings``."""

    def collected(**options: Any) -> Any:
        names = ("stride", "padding", "dilation", "border", "bias", "activation", "pool",
                 "pool_size", "pool_stride", "pool_padding", "color")  # fmt: skip
        settings = {name: options.pop(name) for name in names}
        return command(settings=settings, **options)

    collected.__doc__, collected.__name__ = command.__doc__, command.__name__
    collected.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(EXTRACT_OPTIONS):
        collected = option(collected)
    return collected
