"""Options of the commands about Keras models, and how errors name them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import click

from featviz._check import one_of, shown
from featviz._options import above_zero, count, place, read_by, words
from featviz._options import scale as two_numbers
from featviz._terminal import Failure
from featviz.vocabulary import CHANNEL_CHOICES, MAP_SCALES, WEIGHTS

# What a sentence of the package calls a thing, and what the command line does.
_WORDS = (
    (r"\btrust=True\b", "--trust"),
    (r"^(weights|channels|count|limit|white) must", r"--\1 must"),
    (r"\bweights '(none|imagenet)'", r"--weights \1"),
    (r"^input_shape must", "--input-shape must"),
    (r"\binput_shape=", "--input-shape "),
    (r"^batch_size must", "--batch-size must"),
    (r"\bpass resize=True\b", "add --resize"),
    (r"\bpass white=", "add --white "),
    (r"\bpass batch_size=", "add --batch-size "),
    (r"; pass finite=False to keep them", ""),
    (r"^layers must be names.* of a layer", "-l must be names, paths or patterns"),
    (r"^layers must", "-l must"),
)


def shape(name: str, text: str) -> tuple[int, ...]:
    """Return the three sizes of an image."""
    parts = text.split(",")
    if len(parts) != 3:
        raise ValueError(f"{name} must be three whole numbers; got {shown(text)}")
    return tuple(count(name, part) for part in parts)


def channels(name: str, text: str) -> Any:
    """Return the numbers of channels, or how they are chosen."""
    if re.fullmatch(r"[0-9,\s]+", text):
        return [place(name, part) for part in text.split(",")]
    return one_of(name, text, CHANNEL_CHOICES, also=" or numbers such as 0,3")


def scale(name: str, text: str) -> Any:
    """Return the name of a scale, or its two numbers."""
    if "," in text:
        return two_numbers(name, text)
    return one_of(name, text, MAP_SCALES, also=" or two numbers LOW,HIGH")


MODEL_OPTIONS = (
    click.option("--weights", default="none", show_default=True, metavar="|".join(WEIGHTS),
                 callback=read_by(words(WEIGHTS)),
                 help="Of a model that ships with Keras: random ones, or those of ImageNet, which "
                 "are downloaded once."),
    click.option("--trust", is_flag=True,
                 help="Your own decision: open a model file that holds code. It may run any "
                 "program with your rights."),
)  # fmt: skip
SEED = click.option(
    "--seed", metavar="N", callback=read_by(place),
    help="Of random weights: the same N, a whole number from 0, gives the same weights.  "
    "[default: 0]",
)  # fmt: skip
IMAGE_OPTIONS = (
    click.option("--white", metavar="NUMBER", callback=read_by(above_zero),
                 help="What white becomes for the model.  [default: 1; for a model that ships "
                 "with Keras 255, and then its own preprocess_input]"),
    click.option("--resize", is_flag=True, help="Make images of another size or colour fit."),
)  # fmt: skip


@contextlib.contextmanager
def own_words(*, failing: bool = False) -> Iterator[None]:
    """Let an error name the options of the command; what failed is no wrong use."""
    try:
        yield
    except (ValueError, TypeError, RuntimeError, ConnectionError) as error:
        text = str(error)
        for pattern, option in _WORDS:
            text = re.sub(pattern, option, text)
        outside = isinstance(error, (RuntimeError, ConnectionError))
        if outside or (failing and not text.startswith("-")):
            raise Failure(text) from error
        if text == str(error):
            raise
        raise (TypeError if isinstance(error, TypeError) else ValueError)(text) from error
