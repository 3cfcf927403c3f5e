"""The command line: parse, call, write; nothing else.

Exit status 0; 2 for wrong use (an option, a kernel, a setting); 1 for a failure (a file that
cannot be read or written); 130 when stopped by Ctrl-C. One line on stderr says why; ``--debug``
adds the traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import featviz
from featviz import _motion, _networks, _terminal
from featviz._files import path_text, unique_names
from featviz._options import (
    DRAWING_OPTIONS,
    KERNEL,
    SIZE,
    count,
    extract_options,
    figure_path,
    read_by,
    with_options,
    words,
)
from featviz._sources import (
    SAMPLE_PREFIX,
    check_source,
    example,
    is_stored,
    is_symbolic,
    kernels_from,
    progress,
    read_source,
    stem,
    wrote_text,
)
from featviz._terminal import WrongUse, say
from featviz.vocabulary import MATRIX_FORMS

if TYPE_CHECKING:
    from featviz.kernels import Kernel


@click.group(
    cls=_terminal.Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example("featviz panels sample:coffee -k edge -o panels.png"),
)
@click.version_option(featviz.__version__, prog_name="featviz")
@click.pass_context
def cli(context: click.Context) -> None:
    """See what kernels take out of an image: filter, detect, condense."""
    if context.invoked_subcommand is None:
        say(context.get_help())


cli.params.append(_terminal.debug_option())


@cli.command(
    short_help="Draw the stages of images: filter, detect, condense.",
    epilog=example(
        'featviz panels sample:coffee -k edge -k "-1 0 1; -2 0 2; -1 0 1" -o panels.png',
        "featviz panels sample:car sample:step -k edge -k emboss --grid -o grid.svg",
    ),
)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE…")
@KERNEL
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="A .png, .svg or .pdf file, or a folder for several images.  "
    "[default: IMAGE-panels.png, grid.png]",
)
@SIZE
@with_options(DRAWING_OPTIONS)
@extract_options
@click.pass_context
def panels(
    context: click.Context, /, images: tuple[str, ...], kernels: tuple[str, ...], grid: bool,
    output: str | None, stages: tuple[str, ...], layout: Any, stage: str, size: Any, dpi: float,
    settings: dict[str, Any], **drawing: Any,
) -> None:  # fmt: skip
    """Draw the stages of images: filter, detect, condense.

    IMAGE is a file, sample:NAME (see 'featviz samples'), a matrix (.json .csv .txt .npy) or one
    written like "0 1 0; 0 1 0; 0 1 0".
    """
    _refuse_unused(context, ("stages", "layout") if grid else ("stage",), grid=grid)
    stack = kernels_from(kernels)
    for image in images:
        check_source(image)
    targets = _targets(images, output, grid=grid)
    if grid:
        pictures = _pictures(images, size)
        _save(featviz.plot_grid(pictures, stack, stage=stage, **drawing, **settings),
              targets[0], dpi, say)  # fmt: skip
        return
    with progress("panels", len(images)) as done:
        for image, target in zip(images, targets, strict=True):
            run = _told(image, images, lambda pixels: featviz.extract(pixels, stack, **settings),
                        read_source(image, size))  # fmt: skip
            figure = featviz.plot_extraction(run, stages=stages, layout=layout, **drawing)
            _save(figure, target, dpi, done)


@cli.command(
    short_help="List the preset kernels, or show one.",
    epilog=example("featviz kernels emboss -o emboss.png"),
)
@click.argument("name", required=False)
@click.option("-o", "--output", metavar="FILE", help="Draw a picture: .png, .svg or .pdf.")
def kernels(name: str | None, output: str | None) -> None:
    """List the preset kernels, or show one with its numbers, sum, range and rank.

    NAME is anything that -k of 'featviz panels' takes.
    """
    from featviz.presets import FAMILIES, PRESETS

    chosen: Sequence[Kernel] = list(PRESETS.values())
    if name is not None:
        chosen = [PRESETS[name]] if name in PRESETS else kernels_from([name])
    if output is not None:
        target = figure_path(output)
        _save(featviz.plot_kernels(chosen, scale="each"), target, None, say)
        return
    say("\n\n".join(_kernel_text(kernel) for kernel in chosen))
    if name is None:
        say("\nfamilies with parameters: " + ", ".join(FAMILIES))


def _kernel_text(kernel: Kernel) -> str:
    from featviz.kernels import describe_kernel

    rows = "\n".join(f"    {line}" for line in str(kernel).splitlines())
    source = f"\n  source: {kernel.source}" if kernel.source else ""
    return f"{kernel.name}\n{rows}\n  {describe_kernel(kernel)}{source}"


@cli.command(
    short_help="Print the stages of a matrix or image as exact numbers.",
    epilog=example('featviz matrix "0 1 0; 0 1 0; 0 1 0" -k "1 -1; 1 -1" --padding valid'),
)
@click.argument("image", metavar="FILE|TEXT")
@KERNEL
@click.option(
    "--form",
    metavar="|".join(MATRIX_FORMS),
    callback=read_by(words(MATRIX_FORMS)),
    help="How matrices are printed.  [default: unicode; plain where it cannot be shown]",
)
@click.option("--rows", default="12", show_default=True, metavar="N", callback=read_by(count),
              help="Rows shown of a larger matrix.")  # fmt: skip
@click.option("--columns", default="12", show_default=True, metavar="N", callback=read_by(count),
              help="Columns shown of a larger matrix.")  # fmt: skip
@SIZE
@extract_options
def matrix(
    image: str, kernels: tuple[str, ...], form: str | None, rows: int, columns: int, size: Any,
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Print image, kernel, filter, detect and condense as matrices of exact numbers.

    FILE is an image, a matrix (.json .csv .txt .npy) or sample:NAME; TEXT is written like
    "0 1 0; 0 1 0; 0 1 0", or with letters like "a b; c d".
    """
    shape = form or ("unicode" if _terminal.can_show("⎡⎢⎣⎤⎥⎦⋯⋮⋱×") else "plain")
    if any(map(is_symbolic, (image, *kernels))):
        say(str(_on_symbols(image, kernels, settings, form=shape, rows=rows, columns=columns)))
        return
    stack = kernels_from(kernels)
    numbers = read_source(image, size)  # before TensorFlow is loaded
    run = featviz.extract(numbers, stack, **settings)
    say(str(featviz.text_from_extraction(run, form=shape, rows=rows, columns=columns)))


def _on_symbols(image: str, kernels: tuple[str, ...], settings: dict[str, Any], **form: Any) -> Any:
    """Return the stages of one kernel as text, letters staying letters."""
    if len(kernels) > 1:
        raise WrongUse(f"-k must be one kernel where letters stand; got {len(kernels)}")
    if settings.pop("color") != "grey":
        raise WrongUse("--color must be grey where letters stand")
    kernel = kernels[0] if is_symbolic(kernels[0]) else kernels_from(kernels)[0]
    source = image if is_symbolic(image) else read_source(image, None)
    run = featviz.extract_expressions(source, kernel, **settings)
    return featviz.text_from_expressions(run, **form)


@cli.command(
    short_help="List the images that ship with featviz, or write one.",
    epilog=example("featviz samples zone_plate --size 400 -o zone_plate.png"),
)
@click.argument("name", required=False)
@click.option("-o", "--output", metavar="FILE", help="An image file.  [default: NAME.png]")
@SIZE
def samples(name: str | None, output: str | None, size: Any) -> None:
    """List the images that ship with featviz, or write the one called NAME to a file."""
    if name is None:
        if output is not None or size is not None:
            raise WrongUse("NAME must be given with -o or --size; 'featviz samples' lists them")
        width = max(map(len, featviz.SAMPLES))
        for key, description in featviz.SAMPLES.items():
            say(f"{SAMPLE_PREFIX}{key:<{width}}  {description}")
        return
    word = name.removeprefix(SAMPLE_PREFIX)
    picture = featviz.sample_image(word, size=size)
    say(wrote_text(featviz.write_image(f"{word}.png" if output is None else output, picture)))


@cli.command(short_help="Show the devices that TensorFlow sees.", epilog=example("featviz devices"))
def devices() -> None:
    """Show the devices that TensorFlow sees and which one computes."""
    for device in featviz.list_devices():
        line = f"{device.name}  {device.description}".rstrip()
        say(f"{line}  (used)" if device.used else line)


def _refuse_unused(context: click.Context, names: tuple[str, ...], *, grid: bool) -> None:
    """Refuse an option that was given and would do nothing."""
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise WrongUse(f"--{name} must be given {'without' if grid else 'with'} --grid")


def _pictures(images: tuple[str, ...], size: Any) -> Mapping[str, Any]:
    pictures = {}
    with progress("reading", len(images)) as done:
        for name, image in zip(unique_names(map(stem, images)), images, strict=True):
            pictures[name] = read_source(image, size)
            done("")
    return pictures


def _told(image: str, images: tuple[str, ...], action: Callable[[Any], Any], pixels: Any) -> Any:
    """Run ``action`` on one of the images; of several, an error says which."""
    try:
        return action(pixels)
    except (ValueError, TypeError) as error:
        if len(images) == 1:
            raise
        raise WrongUse(f"{image!r}: {error}") from error


def _targets(images: tuple[str, ...], output: str | None, *, grid: bool) -> list[Path]:
    """Return where each figure goes, checked before any work is done."""
    names = ["grid.png"] if grid else [f"{s}-panels.png" for s in unique_names(map(stem, images))]
    folder = Path("" if output is None else path_text("-o", output))
    if output is None or output.endswith("/") or folder.is_dir() or len(names) > 1:
        if folder.suffix and not (str(output).endswith("/") or folder.is_dir()):
            raise WrongUse(
                f"-o must be a folder for {len(names)} images, or add --grid; got {output!r}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        targets = [folder / name for name in names]
    else:
        targets = [folder]
    read = {Path(image).resolve() for image in images if is_stored(image)}
    for target in targets:
        if target.resolve() in read:
            raise WrongUse(f"-o must not be an image that is read; got {str(target)!r}")
    return [figure_path(target) for target in targets]


def _save(figure: Any, target: Path, dpi: float | None, done: Callable[[str], None]) -> None:
    options = {} if dpi is None else {"dpi": dpi}
    done(wrote_text(featviz.save_figure(figure, target, **options)))


for command in (
    _motion.trace, _motion.animate, _motion.explore,
    _networks.layers, _networks.maps, _networks.diagnose,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run the command line and exit."""
    _terminal.main(cli)
