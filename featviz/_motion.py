"""The commands ``trace``, ``animate`` and ``explore``: the window in motion."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

import featviz
from featviz._files import check_target
from featviz._options import (
    KERNEL,
    RUN_OPTIONS,
    SIZE,
    above_zero,
    cells,
    count,
    place,
    read_by,
    two,
    with_options,
    words,
)
from featviz._sources import (
    SAMPLE_PREFIX,
    check_source,
    example,
    is_picture,
    kernels_from,
    read_source,
    sample_name,
    stem,
    wrote_text,
)
from featviz._terminal import Command, WrongUse, can_show, say
from featviz.vocabulary import (
    DRAWINGS,
    EXTRACT_OPTIONS,
    PALETTES,
    SUM_FORMS,
    TRACED_STAGES,
    TRANSPOSED_OPTIONS,
)

# What a sentence of the package calls a thing, and what the command line does.
_WORDS = (
    (r"^index must", "--map must"),
    (r"^(row|column) must", r"--cell: \1 must"),
    (r"^output_padding must", "--output-padding must"),
    (r"^seconds_per_frame must", "--seconds must"),
    (r"^size must (have|be)", r"--frame must \1"),
    (r"a smaller image, as read_image\(path, size=12\) makes one, a larger size or drawing='lens'",
     "a smaller image (--size 12), a larger --frame or --drawing lens"),
    (r"steps=\((\d+), (\d+)\)", r"--steps \1,\2"),
    (r"a larger most_steps", "a larger --most-steps"),
    (r"a smaller image\b", "a smaller image (--size)"),
    (r"shrink=True, size=(\d+) or a larger limit_bytes",
     r"--shrink, --size \1 or a larger --limit-bytes"),
    (r"^limit_bytes must", "--limit-bytes must"),
)  # fmt: skip

STAGE_OPTIONS = (
    click.option("--stage", default="filter", show_default=True, metavar="|".join(TRACED_STAGES),
                 callback=read_by(words(TRACED_STAGES)), help="The stage that is followed."),
    click.option("--map", "index", default="0", show_default=True, metavar="N",
                 callback=read_by(place), help="Which map, where there are several; from 0."),
    click.option("--output-padding", default="0", show_default=True, metavar="N|ROWS,COLUMNS",
                 callback=read_by(cells), help="Cells added to the result of transposed."),
)  # fmt: skip


@click.command(
    cls=Command,
    short_help="Print how each cell of a stage comes about.",
    epilog=example(
        'featviz trace "0 1 2; 3 4 5; 6 7 8" -k "1 0; 0 -1" --padding valid',
        "featviz trace sample:coffee -k edge --stage condense --cell 40,60",
    ),
)
@click.argument("image", metavar="FILE|TEXT")
@KERNEL
@with_options(STAGE_OPTIONS)
@click.option("--cell", metavar="ROW,COLUMN", callback=read_by(two),
              help="One cell of the output, counted from 0.")  # fmt: skip
@click.option("--steps", default="100", show_default=True, metavar="N", callback=read_by(count),
              help="Cells printed of a larger output.")  # fmt: skip
@click.option("--terms", default="30", show_default=True, metavar="N", callback=read_by(count),
              help="Terms printed of a longer sum, at least 2.")  # fmt: skip
@click.option("--form", metavar="|".join(SUM_FORMS), callback=read_by(words(SUM_FORMS)),
              help="How sums are printed.  [default: unicode; "
              "plain where it cannot be shown]")  # fmt: skip
@SIZE
@with_options(RUN_OPTIONS)
@click.pass_context
def trace(
    context: click.Context, /, image: str, kernels: tuple[str, ...], cell: tuple[int, int] | None,
    steps: int, terms: int, form: str | None, size: Any, **options: Any,
) -> None:  # fmt: skip
    """Print how each cell of a stage comes about: products, sum, value.

    FILE is an image, a matrix (.json .csv .txt .npy) or sample:NAME; TEXT is written like
    "0 1 0; 0 1 0; 0 1 0".
    """
    stack, settings = kernels_from(kernels), _given(context, options)
    check_source(image)
    pixels = read_source(image, size)
    with _own_words():
        told = featviz.trace(pixels, stack, **settings)
    style = form or ("unicode" if can_show("·−≈⋯⌊⌋") else "plain")
    cells = None if cell is None else [cell]
    with _own_words():
        text = featviz.text_from_trace(
            told,
            form=style,
            steps=steps,
            terms=terms,
            cells=cells,
            progress=_bar("cell", 1 if cells else min(steps, len(told))),
        )
    cut = cell is None and steps < len(told)
    say(f"{text}; choose with --steps or --cell" if cut else text)


@click.command(
    cls=Command,
    short_help="Write an animation of the window in motion.",
    epilog=example(
        'featviz animate "0 1 2; 3 4 5; 6 7 8" -k "1 0; 0 -1" -o motion.gif',
        "featviz animate sample:car --size 12 -k edge --drawing lens -o lens.gif",
    ),
)
@click.argument("image", metavar="FILE|TEXT")
@KERNEL
@click.option("-o", "--output", metavar="FILE",
              help="A .gif, .webp, .png or .apng file, or a folder/ for one PNG per frame.  "
              "[default: IMAGE-STAGE.gif]")  # fmt: skip
@click.option("--drawing", default="numbers", show_default=True, metavar="|".join(DRAWINGS),
              callback=read_by(words(DRAWINGS)),
              help="Cells with their numbers, or planes in perspective.")  # fmt: skip
@with_options(STAGE_OPTIONS)
@click.option("--seconds", default="0.5", show_default=True, metavar="NUMBER",
              callback=read_by(above_zero), help="Seconds per frame.")  # fmt: skip
@click.option("--frame", default="1000,500", show_default=True, metavar="WIDTH,HEIGHT",
              callback=read_by(two), help="Size of the picture in pixels.")  # fmt: skip
@click.option("--steps", metavar="FIRST,END", callback=read_by(two),
              help="The part of the cells that is shown, counted from 0.")  # fmt: skip
@click.option("--most-steps", default="400", show_default=True, metavar="N",
              callback=read_by(count), help="More cells than these are refused.")  # fmt: skip
@click.option(
    "--title",
    metavar="TEXT",
    help="A line above.  [default: the stage, and the kernel's name if it has one]",
)
@click.option("--scale", default="each", show_default=True, metavar="each|shared",
              callback=read_by(words(("each", "shared"))),
              help="Colours of their own for input and output, or one scale.")  # fmt: skip
@click.option("--palette", metavar="|".join(PALETTES), callback=read_by(words(PALETTES)),
              help="Colours of the output.  [default: signed where values may be negative, "
              "else heat]")  # fmt: skip
@click.option("--arithmetic", is_flag=True, help="Write the whole sum below the numbers.")
@click.option("--dark", is_flag=True, help="Light type on dark paper.")
@SIZE
@with_options(RUN_OPTIONS)
@click.pass_context
def animate(
    context: click.Context, /, image: str, kernels: tuple[str, ...], output: str | None,
    drawing: str, seconds: float, frame: tuple[int, int], steps: tuple[int, int] | None,
    most_steps: int, title: str | None, scale: str, palette: str | None, arithmetic: bool,
    dark: bool, size: Any, **options: Any,
) -> None:  # fmt: skip
    """Write an animation: the window moves over the image and the output fills up.

    FILE is an image, a matrix (.json .csv .txt .npy) or sample:NAME; TEXT is written like
    "0 1 0; 0 1 0; 0 1 0".
    """
    from featviz.render.motion.files import WRITERS

    stack, settings = kernels_from(kernels), _given(context, options)
    check_source(image)
    target = output or f"{stem(image)}-{options['stage']}.gif"
    check_target(target, tuple(WRITERS), folders=True)
    pixels = read_source(image, size)
    with _own_words():
        motion = featviz.animate(
            pixels, stack, drawing=drawing, seconds_per_frame=seconds, size=frame,
            steps=steps, most_steps=most_steps, title=title, scale=scale, palette=palette,
            arithmetic=arithmetic, dark=dark, **settings,
        )  # fmt: skip
    say(wrote_text(motion.save(target, progress=_bar("frame", len(motion)))))


# The drawings of filter and transposed show the plain sums unless an activation is asked for.
for _option in animate.params:
    if isinstance(_option, click.Option) and _option.name == "activation":
        _option.show_default = "relu for --stage detect and condense, else none"


@click.command(
    cls=Command,
    short_help="Write one offline HTML page to play with.",
    epilog=example("featviz explore sample:chelsea -k edge -o page.html"),
)
@click.argument("image", metavar="FILE|TEXT")
@click.option("-k", "--kernel", "kernels", multiple=True, default=("edge",), metavar="KERNEL",
              help="The kernels that stand first in the menu, as for 'featviz panels'.  "
              "[default: edge]")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="An .html file.  [default: IMAGE.html]")
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.option("--shrink", is_flag=True, help="Make the image smaller where the page is too large.")
@click.option("--limit-bytes", default="400000", show_default=True, metavar="N",
              callback=read_by(count), help="The most that the page may take.")  # fmt: skip
@click.option("--title", metavar="TEXT", help="A line above.  [default: the image's name]")
@SIZE
@with_options(RUN_OPTIONS)
@click.pass_context
def explore(
    context: click.Context, /, image: str, kernels: tuple[str, ...], output: str | None,
    opened: bool, shrink: bool, limit_bytes: int, title: str | None, size: Any, **options: Any,
) -> None:  # fmt: skip
    """Write one HTML page that shows every stage of the image, live and offline.

    FILE is an image, a matrix (.json .csv .txt .npy) or sample:NAME; TEXT is written like
    "0 1 0; 0 1 0; 0 1 0".
    """
    from featviz.render.web.pages import ENDINGS

    stack, settings = kernels_from(kernels), _given(context, options)
    check_source(image)
    target = output or f"{stem(image)}.html"
    check_target(target, ENDINGS)
    sample = sample_name(image) if image.startswith(SAMPLE_PREFIX) else None
    from tqdm import tqdm

    with tqdm(total=3, desc="steps", disable=None, leave=False, file=sys.stderr) as bar:
        pixels = read_source(image, None)
        if title is None and not is_picture(image):
            title = stem(image)
        bar.update()
        with _own_words():
            made = featviz.page(
                image if is_picture(image) else pixels, stack, size=size, shrink=shrink,
                limit_bytes=limit_bytes, title=title,
                python=None if sample is None else f'fv.sample_image("{sample}")', **settings,
            )  # fmt: skip
        bar.update()
        path = made.save(target)
        bar.update()
    say(wrote_text(path))
    if opened:
        click.launch(path.resolve().as_uri())


def _bar(unit: str, total: int) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return a progress bar, silent where nobody looks, that is gone at the end."""
    from tqdm import tqdm

    def shown(things: Iterable[Any]) -> Iterable[Any]:
        bar: Iterable[Any] = tqdm(
            things, f"{unit}s", total, unit=unit, disable=None, leave=False, file=sys.stderr
        )
        return bar

    return shown


@contextlib.contextmanager
def _own_words() -> Iterator[None]:
    """Let an error name the options of the command, not the arguments of Python."""
    try:
        yield
    except (ValueError, TypeError) as error:
        text = str(error)
        for pattern, words in _WORDS:
            text = re.sub(pattern, words, text)
        if text == str(error):
            raise
        raise type(error)(text) from error


def _given(context: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that were given; the others keep their defaults.

    Raises:
        WrongUse: an option that a transposed convolution does not have.
    """
    default = click.core.ParameterSource.DEFAULT
    given = {
        name: value
        for name, value in options.items()
        if context.get_parameter_source(name) is not default
    }
    if options.get("stage") == "transposed":
        for name in given.keys() & set(EXTRACT_OPTIONS) - set(TRANSPOSED_OPTIONS):
            raise WrongUse(f"--{name.replace('_', '-')} must be given without --stage transposed")
    return given
