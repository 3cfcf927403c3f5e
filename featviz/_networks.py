"""The commands ``layers``, ``maps`` and ``diagnose``: inside a Keras model."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import click

import featviz
from featviz._check import shown
from featviz._files import check_target, is_file, is_folder, unique_names, write_whole
from featviz._network_options import (
    IMAGE_OPTIONS,
    MODEL_OPTIONS,
    SEED,
    channels,
    own_words,
    scale,
    shape,
)
from featviz._options import count, read_by, with_options, words
from featviz._sources import (
    SAMPLE_PREFIX,
    check_source,
    example,
    failing,
    is_picture,
    is_stored,
    read_source,
    stem,
    wrote_text,
)
from featviz._terminal import Command, Failure, WrongUse, say

TABLE_ENDINGS = {".txt": "text", ".md": "markdown", ".csv": "csv"}
REPORT_ENDINGS = (".csv", ".json", ".md", ".txt")
PICTURE_ENDINGS = (".png", ".svg", ".pdf")
MOST_MAPS, MOST_IN_ROW = 64, 8
LONGEST_NAME = 100
MODEL = click.argument("model", metavar="MODEL")


@click.command(
    cls=Command,
    short_help="Print the layers of a Keras model as a table.",
    epilog=example("featviz layers MobileNet --input-shape 64,64,3 -o layers.md"),
)
@MODEL
@click.option("--form", metavar="|".join(TABLE_ENDINGS.values()),
              callback=read_by(words(tuple(TABLE_ENDINGS.values()))),
              help="How the table is written.  [default: by -o, else text]")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="A .txt, .md or .csv file.")
@click.option("--input-shape", metavar="HEIGHT,WIDTH,CHANNELS", callback=read_by(shape),
              help="Size of the image, where the model leaves it open.")  # fmt: skip
@with_options(MODEL_OPTIONS)
def layers(
    model: str, form: str | None, output: str | None, input_shape: tuple[int, ...] | None,
    weights: str, trust: bool,
) -> None:  # fmt: skip
    """Print the layers of a Keras model: sizes, parameters, cost, receptive field.

    MODEL is a .keras file or the name of a model in keras.applications.
    """
    ending = ".txt" if output is None else check_target(output, tuple(TABLE_ENDINGS))
    ships = _check_model(model)
    made = _read(
        model, weights, trust=trust, ships=ships, input_shape=input_shape if ships else None
    )
    from featviz.networks.tables import layer_table
    from featviz.render.table_text import text_from_table

    with own_words():
        table = layer_table(made, input_shape=None if ships else input_shape)
    text = text_from_table(table, form=form or TABLE_ENDINGS[ending])
    say(text if output is None else _written(output, text))


@click.command(
    cls=Command,
    short_help="Draw the feature maps of a model's layers.",
    epilog=example(
        'featviz maps MobileNet sample:coffee -l "conv_pw_?" --resize -o page.png',
    ),
)
@MODEL
@click.argument("image", metavar="IMAGE")
@click.option("-l", "--layer", "layers", multiple=True, required=True, metavar="PATTERN",
              help="A layer's path, its name, or a pattern such as 'block?/*conv*'; ends in "
              ":filter for what a convolution gives before its activation; may be "
              "repeated.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE",
              help="A .png, .svg or .pdf file: the maps of one layer, or a page with a row for "
              "each of several; or a folder/ for one .png per layer.  "
              "[default: IMAGE-maps.png]")  # fmt: skip
@click.option("--scale", default="layer", show_default=True,
              metavar="layer|shared|signed|each|LOW,HIGH", callback=read_by(scale),
              help="One scale for a layer's maps, for those shown, one about 0, one per map, or "
              "fixed limits.")  # fmt: skip
@click.option("--channels", metavar="N,…|strongest|most_varied", callback=read_by(channels),
              help="Which maps of a layer.  [default: the first]")  # fmt: skip
@click.option("--count", metavar="N", callback=read_by(count),
              help="How many maps of a layer at most.  [default: 64; 8 on a page]")  # fmt: skip
@with_options((*IMAGE_OPTIONS, *MODEL_OPTIONS, SEED))
def maps(
    model: str, image: str, layers: tuple[str, ...], output: str | None, scale: Any, channels: Any,
    count: int | None, white: float | None, resize: bool, weights: str, trust: bool,
    seed: int | None,
) -> None:  # fmt: skip
    """Draw what the layers of a Keras model make of an image.

    MODEL is a .keras file or the name of a model in keras.applications; IMAGE is a file, a matrix
    (.json .csv .txt .npy) or sample:NAME.
    """
    target = f"{stem(image)}-maps.png" if output is None else output
    folder = check_target(target, PICTURE_ENDINGS, folders=True) == "/"
    ships = _check_model(model)
    _check_seed(seed, weights, ships=ships)
    _check_picture(image)
    if is_stored(image) and Path(target).resolve() == Path(image).resolve():
        raise WrongUse(f"-o must not be the image that is read; got {target!r}")
    made = _read(model, weights, trust=trust, ships=ships, seed=seed or 0)
    from featviz.map_outputs import paths_of_choice
    from featviz.networks.maps import feature_maps

    settings = {"resize": resize, **_preparation(model, white, ships=ships)}
    pixels = _pixels(image)
    with own_words():
        found = feature_maps(made, pixels, list(layers), **settings)
        paths = paths_of_choice(found, layers)
        if folder or len(paths) == 1:
            drawing = {"channels": channels, "scale": scale, "count": count or MOST_MAPS}
            files = _each_drawn(found, paths, target, folder=folder, **drawing)
        else:
            if channels is not None:
                raise WrongUse(f"--channels must be given for one layer; got {len(paths)}")
            files = [_page_drawn(found, paths, target, count, scale=scale)]
    for line in found.went_in:
        say(f"went in: {line}")
    if ships and weights == "none":
        say(_random_text(found.model, seed))
    for file in files:
        say(wrote_text(file))


def _each_drawn(
    found: Any, paths: list[str], target: str, *, folder: bool, **drawing: Any
) -> list[Path]:
    """Draw one layer into a file, or each into one of a folder."""
    if not folder and not target.lower().endswith(".png"):
        from featviz.render.figures import save_figure
        from featviz.render.map_plots import plot_feature_maps

        return [save_figure(plot_feature_maps(found, paths[0], **drawing), target)]
    from featviz.render.mosaic import save_mosaic

    files = [Path(target)]
    if folder:
        Path(target).mkdir(exist_ok=True)
        names = unique_names(re.sub(r"[^\w.@#-]+", "-", path)[:LONGEST_NAME] for path in paths)
        files = [Path(target, f"{name}.png") for name in names]
    pairs = zip(paths, files, strict=True)
    return [save_mosaic(found, path, file, **drawing) for path, file in pairs]


def _page_drawn(
    found: Any, paths: list[str], target: str, count: int | None, *, scale: Any
) -> Path:
    """Draw a page with a row for each layer, and return where it is."""
    from featviz.render.figures import save_figure
    from featviz.render.map_plots import page_from_feature_maps

    page = page_from_feature_maps(found, paths, count=count or MOST_IN_ROW, scale=scale)
    return save_figure(page, target)


@click.command(
    cls=Command,
    short_help="Find dead, saturated and broken channels of a model.",
    epilog=example('featviz diagnose MobileNet sample:coffee --resize -l "*relu*"'),
)
@MODEL
@click.argument("images", metavar="FOLDER")
@click.option("-l", "--layer", "layers", multiple=True, metavar="PATTERN",
              help="As for 'featviz maps'; may be repeated.  [default: all layers]")  # fmt: skip
@click.option("-o", "--output", metavar="FILE",
              help="A .csv or .json file with the numbers of every channel, or the report as .md "
              "or .txt.  [default: it is printed]")  # fmt: skip
@click.option("--batch-size", default="32", show_default=True, metavar="N",
              callback=read_by(count), help="How many images run at once.")  # fmt: skip
@click.option("--limit", metavar="N", callback=read_by(count), help="At most so many images.")
@with_options((*IMAGE_OPTIONS, *MODEL_OPTIONS, SEED))
def diagnose(
    model: str, images: str, layers: tuple[str, ...], output: str | None, batch_size: int,
    limit: int | None, white: float | None, resize: bool, weights: str, trust: bool,
    seed: int | None,
) -> None:  # fmt: skip
    """Tell what the channels of a Keras model do over the images of a folder.

    MODEL is a .keras file or the name of a model in keras.applications; FOLDER is read with the
    folders inside it. One image, or sample:NAME, does for a first look.
    """
    if output is not None:
        check_target(output, REPORT_ENDINGS)
    ships = _check_model(model)
    _check_seed(seed, weights, ships=ships)
    folder = is_folder(images)
    if not images or (not folder and is_stored(images) and not is_file(images)):
        raise Failure(f"FOLDER must be a folder or an image that exists; got {shown(images)}")
    if not folder:
        _check_picture(images)
    made = _read(model, weights, trust=trust, ships=ships, seed=seed or 0)
    from featviz.networks.diagnosing import diagnose as diagnosed
    from featviz.render.diagnosis_text import text_from_diagnosis, write_diagnosis
    from featviz.render.rows import printable

    settings = {"resize": resize, **_preparation(model, white, ships=ships)}
    data = images if folder else _pixels(images)
    with own_words(failing=folder):
        told = diagnosed(
            made, data, list(layers) or None, batch_size=batch_size, limit=limit, **settings
        )
    if ships and weights == "none":
        say(_random_text(told.model, seed))
    if output is None:
        say(text_from_diagnosis(told))
        return
    verdict = "\n".join(told.verdict) or text_from_diagnosis(told, layers=1).split("\n\n")[1]
    say(printable(verdict))
    if Path(output).suffix.lower() in (".csv", ".json"):
        say(wrote_text(write_diagnosis(told, output)))
    else:
        form = TABLE_ENDINGS[Path(output).suffix.lower()]
        say(_written(output, text_from_diagnosis(told, form=form)))


def _check_model(model: str) -> bool:
    """Return whether a model ships with Keras; refuse a file that is wrong at once.

    Raises:
        ValueError: a word that means another kind of file.
        Failure: a file that is not there, or damaged.
    """
    from featviz.networks.model_archives import ENDING, check_archive, is_model_path

    if not is_model_path(model):
        return True
    if Path(model).suffix != ENDING:
        with own_words():
            check_archive(model)
    with own_words(failing=True):
        check_archive(model)
    return False


def _check_seed(seed: int | None, weights: str, *, ships: bool) -> None:
    """Refuse a seed where no weights are random."""
    if seed is not None and not (ships and weights == "none"):
        own = f"weights {weights}" if ships else "a file with its own"
        raise WrongUse(f"--seed must be given for random weights; got {seed} and {own}")


def _random_text(name: str, seed: int | None) -> str:
    return f"{name} has random weights, --seed {seed or 0}"


def _read(
    model: str, weights: str, *, trust: bool, ships: bool, input_shape: Any = None,
    seed: int | None = None,
) -> Any:  # fmt: skip
    """Return the model; what Keras prints of a download is shown to a terminal."""
    from featviz.networks.model_files import begin_random_numbers, read_model

    if seed is not None:
        begin_random_numbers(seed)
    talk = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(talk),
        own_words(failing=not ships),
    ):
        warnings.simplefilter("always")
        made = read_model(model, weights=weights, trust=trust, input_shape=input_shape)
    for one in caught:
        if str(one.message).startswith("keras "):
            click.echo(f"featviz: warning: {one.message}", err=True, file=sys.stderr)
    return made


def _preparation(model: str, white: float | None, *, ships: bool) -> dict[str, Any]:
    """Return how pictures become what the model takes."""
    if not ships or white is not None:
        return {"white": 1.0 if white is None else white, "preprocess": None}
    from featviz.networks.model_files import preprocessing_of

    return preprocessing_of(model)._asdict()


def _check_picture(image: str) -> None:
    """Refuse an image that is not there, or damaged, before TensorFlow is loaded."""
    if is_folder(image):  # "." could be a number, too
        raise Failure(f"image must be a file; got the folder {image!r}")
    check_source(image)
    if is_picture(image):
        failing(featviz.read_image, image)


class _Picture:
    """A sample that goes in as a file does, not as numbers of the caller's own."""

    def __init__(self, pixels: Any) -> None:
        self._pixels = pixels

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the pixels, as NumPy asks for them."""
        return self._pixels


def _pixels(image: str) -> Any:
    """Return a picture's path, a sample that becomes one, or a matrix as given."""
    if is_picture(image):
        return image
    pixels = read_source(image, None)
    return _Picture(pixels) if image.startswith(SAMPLE_PREFIX) else pixels


def _written(output: str, text: str) -> str:
    return wrote_text(write_whole(output, f"{text}\n".encode()))
