"""The command line: parse, call, write; nothing else.

Exit status 0; 2 for wrong use (an option, a kernel, a setting); 1 for a failure (a file that
cannot be read or written). One line on stderr says why; ``--debug`` adds the traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import featviz
from featviz import _terminal
from featviz._options import converted, extract_options, pair, scale

if TYPE_CHECKING:
    from featviz.kernels import Kernel

SAMPLE_PREFIX = "sample:"


class Failure(click.ClickException):
    """Something outside the command's words went wrong: exit 1."""

    exit_code = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(featviz.__version__, prog_name="featviz")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:  # main() reads it
    """See what kernels take out of an image: filter, detect, condense.

    Example: featviz panels sample:coffee -k edge -o panels.png
    """


@cli.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE…")
@click.option(
    "-k",
    "--kernel",
    "kernels",
    multiple=True,
    required=True,
    metavar="KERNEL",
    help="A preset's name, numbers like '0 1; 1 0', a family like 'gaussian(5, 1)' or "
    "a file (.json .csv .txt .npy); may be repeated.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="A .png, .svg or .pdf file, or a folder "
    "when there are several images.  [default: IMAGE-panels.png]",
)
@click.option("--grid", is_flag=True, help="One figure: a row per image, a column per kernel.")
@click.option(
    "--stages",
    default="image,filter,detect,condense",
    show_default=True,
    metavar="STAGE,…",
    help="Which stages, in which order.",
)
@click.option(
    "--stage",
    default="detect",
    show_default=True,
    metavar="filter|detect|condense",
    help="The stage that --grid shows.",
)
@click.option(
    "--layout",
    default="rows",
    show_default=True,
    metavar="rows|columns|N",
    callback=converted(pair),
    help="A row per map, a column per map, or N panels a row.",
)
@click.option(
    "--scale",
    default="shared",
    show_default=True,
    callback=scale,
    metavar="shared|signed|each|LOW,HIGH",
    help="One scale for all maps, one per stage, one per map, or fixed limits.",
)
@click.option("--palette", default=None, metavar="signed|heat|grey", help="Colours of the maps.")
@click.option(
    "--gamma",
    default=None,
    type=float,
    help="Exponent of the display; below 1 lifts "
    "what is small.  [default: 0.5; 1 where numbers are written]",
)
@click.option(
    "--size",
    default=None,
    metavar="N|HEIGHT,WIDTH",
    callback=converted(pair),
    help="Shrink or enlarge the image: the longer side, or a box to fit into.",
)
@click.option("--title", default="", help="A line above the figure.")
@click.option("--dpi", default=200.0, show_default=True, help="Dots per inch.")
@extract_options
def panels(images: tuple[str, ...], output: str | None, grid: bool, **options: Any) -> None:
    """Draw the filter / detect / condense panels of images.

    IMAGE is a file or sample:NAME (see 'featviz samples').

    Example: featviz panels sample:coffee -k edge -k "-1 0 1; -2 0 2; -1 0 1" -o panels.png
    """
    targets = _targets(images, output, grid=grid)
    _terminal.load_tensorflow_quietly()
    if grid:
        _draw_grid(images, targets[0], **options)
        return
    for image, target in zip(_progress(images, "panels"), targets, strict=True):
        _draw_panels(image, target, **options)


def _draw_panels(
    image: str, target: Path, *, kernels: tuple[str, ...], settings: dict[str, Any],
    size: Any, dpi: float, stages: str, stage: str, **drawing: Any,
) -> None:  # fmt: skip
    del stage  # of --grid
    run = featviz.extract(_read(image, size), list(kernels), **settings)
    words = tuple(word.strip() for word in stages.split(","))
    _save(featviz.plot_extraction(run, stages=words, **drawing), target, dpi)


def _draw_grid(
    images: tuple[str, ...], target: Path, *, kernels: tuple[str, ...], settings: dict[str, Any],
    size: Any, dpi: float, stages: str, layout: Any, **drawing: Any,
) -> None:  # fmt: skip
    del stages, layout  # of the panels
    names = _unique([_stem(image) for image in images])
    pictures = {
        name: _read(image, size)
        for name, image in zip(names, _progress(images, "grid"), strict=True)
    }
    _save(featviz.plot_grid(pictures, list(kernels), **drawing, **settings), target, dpi)


@cli.command()
@click.argument("name", required=False)
@click.option("-o", "--output", metavar="FILE", help="Draw a picture: .png, .svg or .pdf.")
def kernels(name: str | None, output: str | None) -> None:
    """List the preset kernels, or show one with its numbers, sum, range and rank.

    NAME is anything that -k of 'featviz panels' takes.

    Example: featviz kernels emboss -o emboss.png
    """
    from featviz.presets import FAMILIES, PRESETS

    known = [PRESETS[name]] if name and name in PRESETS else []
    chosen = known or ([featviz.read_kernel(name)] if name else list(PRESETS.values()))
    if output:
        figure = featviz.plot_kernels(chosen, scale="each")
        _save(figure, _checked_target(output), None)
        return
    click.echo("\n\n".join(_kernel_text(kernel) for kernel in chosen))
    if not name:
        click.echo("\nfamilies with parameters: " + ", ".join(FAMILIES))


def _kernel_text(kernel: Kernel) -> str:
    from featviz.kernels import describe_kernel

    rows = "\n".join(f"    {line}" for line in str(kernel).splitlines())
    source = f"\n  source: {kernel.source}" if kernel.source else ""
    return f"{kernel.name}\n{rows}\n  {describe_kernel(kernel)}{source}"


@cli.command()
@click.argument("image", metavar="FILE|TEXT")
@click.option(
    "-k",
    "--kernel",
    "kernels",
    multiple=True,
    required=True,
    metavar="KERNEL",
    help="As in 'featviz panels'; may be repeated.",
)
@click.option(
    "--form",
    default="unicode",
    show_default=True,
    metavar="unicode|plain|latex",
    help="How matrices are printed.",
)
@click.option("--rows", default=12, show_default=True, help="Rows shown of a larger matrix.")
@click.option("--columns", default=12, show_default=True, help="Columns shown of a larger one.")
@click.option(
    "--size",
    default=None,
    metavar="N|HEIGHT,WIDTH",
    callback=converted(pair),
    help="Shrink or enlarge an image first.",
)
@extract_options
def matrix(
    image: str, kernels: tuple[str, ...], form: str, rows: int, columns: int, size: Any,
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Print image, kernel, filter, detect and condense as matrices of exact numbers.

    FILE is an image, a matrix (.json .csv .txt .npy) or sample:NAME; TEXT is written like
    "0 1 0; 0 1 0; 0 1 0".

    Example: featviz matrix "0 1 0; 0 1 0; 0 1 0" -k "1 -1; 1 -1" --padding valid
    """
    _terminal.load_tensorflow_quietly()
    run = featviz.extract(_read_numbers(image, size), list(kernels), **settings)
    click.echo(str(featviz.text_from_extraction(run, form=form, rows=rows, columns=columns)))


@cli.command()
@click.argument("name", required=False)
@click.option("-o", "--output", metavar="FILE", help="Write the sample NAME as an image.")
@click.option(
    "--size",
    default=None,
    metavar="N|HEIGHT,WIDTH",
    callback=converted(pair),
    help="Size of the written sample.",
)
def samples(name: str | None, output: str | None, size: Any) -> None:
    """List the images that ship with featviz, or write one to a file.

    Example: featviz samples zone_plate --size 400 -o zone_plate.png
    """
    if name is None:
        width = max(map(len, featviz.SAMPLES))
        for key, words in featviz.SAMPLES.items():
            click.echo(f"{SAMPLE_PREFIX}{key:<{width}}  {words}")
        return
    picture = featviz.sample_image(name.removeprefix(SAMPLE_PREFIX), size=size)
    target = Path(output or f"{name.removeprefix(SAMPLE_PREFIX)}.png")
    _wrote(_failing(lambda: featviz.write_image(target, picture)))


@cli.command()
def devices() -> None:
    """Show the devices that TensorFlow sees and which one computes.

    Example: featviz devices
    """
    _terminal.load_tensorflow_quietly()
    for device in featviz.list_devices():
        words = f"{device.name}  {device.description}".rstrip()
        click.echo(f"{words}  (used)" if device.used else words)


def _read(image: str, size: Any) -> Any:
    """Return the pixels of a file or sample; a file that cannot be read is a failure."""
    if image.startswith(SAMPLE_PREFIX):
        return featviz.sample_image(image.removeprefix(SAMPLE_PREFIX), size=size)
    if size is not None:
        featviz.read_image([[0]], size=size)  # wrong use is told before the file is opened
    return _failing(lambda: featviz.read_image(image, size=size))


def _read_numbers(source: str, size: Any) -> Any:
    from featviz.kernel_files import ENDINGS, rows_from_file
    from featviz.kernels import rows_from_text

    if not set(source) - set("0123456789+-−./,;[]eE \t\n"):
        return [[float(value) for value in row] for row in rows_from_text(source, where="matrix")]
    if Path(source).suffix.lower() in ENDINGS:
        rows = _failing(lambda: rows_from_file(source, where="matrix"))
        return [[float(value) for value in row] for row in rows]
    return _read(source, size)


def _targets(images: tuple[str, ...], output: str | None, *, grid: bool) -> list[Path]:
    """Return where each figure goes, checked before any work is done."""
    stems = ["grid"] if grid else _unique([_stem(image) for image in images])
    names = ["grid.png"] if grid else [f"{stem}-panels.png" for stem in stems]
    if output is None:
        targets = [Path(name) for name in names]
    elif output.endswith("/") or Path(output).is_dir() or len(names) > 1:
        if Path(output).suffix and not Path(output).is_dir():
            raise click.UsageError(
                f"-o must be a folder for {len(names)} images, or add --grid; got {output!r}"
            )
        _failing(lambda: Path(output).mkdir(parents=True, exist_ok=True))
        targets = [Path(output) / name for name in names]
    else:
        targets = [Path(output)]
    return [_checked_target(target) for target in targets]


def _checked_target(output: str | Path) -> Path:
    from featviz._files import writable_path

    known = (".png", ".svg", ".pdf")
    if Path(output).suffix.lower() not in known:
        raise click.UsageError(f"-o must end in one of {', '.join(known)}; got {str(output)!r}")
    _failing(lambda: writable_path(output))
    return Path(output)


def _stem(image: str) -> str:
    return Path(image.removeprefix(SAMPLE_PREFIX)).stem or "image"


def _unique(names: Iterable[str]) -> list[str]:
    taken: list[str] = []
    for name in names:
        number = 2
        free = name
        while free in taken:
            free, number = f"{name}-{number}", number + 1
        taken.append(free)
    return taken


def _progress(items: tuple[str, ...], words: str) -> Iterator[str]:
    """Yield the items with a progress bar when there are several and someone looks."""
    if len(items) == 1:
        yield from items
        return
    from tqdm.auto import tqdm

    yield from tqdm(items, desc=words, unit="image", disable=None, file=sys.stderr)


def _failing(action: Callable[[], Any]) -> Any:
    """Run what reads or writes files: its refusals are failures, not wrong use."""
    try:
        return action()
    except (ValueError, TypeError) as error:
        raise Failure(str(error)) from error


def _save(figure: Any, target: Path, dpi: float | None) -> None:
    options = {} if dpi is None else {"dpi": dpi}
    _wrote(featviz.save_figure(figure, target, **options))


def _wrote(path: Path) -> None:
    click.echo(f"wrote {path.resolve()}")


def main() -> None:
    """Run the command line and exit."""
    sys.exit(_terminal.run(cli))
