"""Models: of a ``.keras`` file, opened as untrusted, or shipped with Keras."""

from __future__ import annotations

import difflib
import importlib
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from featviz._check import one_of, shown, true_or_false, whole_number
from featviz.networks.model_archives import (
    RULE,
    TRUST,
    check_archive,
    check_config,
    hint_at_file,
    is_model_path,
    refusal,
    saved_by,
)
from featviz.networks.words import reason_of_error
from featviz.vocabulary import WEIGHTS

# How Keras begins to say that it does not know something.
_UNKNOWN = re.compile(r"Could not (?:locate (class|function)|deserialize) '([^'\n]*)'")
# How it says that the weights of some layers could not be read; the reason follows.
_NOT_LOADED = re.compile(r"could not be loaded.*? for object <(\w+) name=(\S+),.*")
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class Preprocessing(NamedTuple):
    """How pictures become what a model of ``keras.applications`` takes.

    Attributes:
        white: what 1.0 of a picture becomes first.
        preprocess: then called with each batch (B, H, W, 3); gives a new one.
    """

    white: float
    preprocess: Callable[[Any], Any]


def read_model(
    source: str | os.PathLike[str],
    *,
    weights: str = "none",
    trust: bool = False,
    input_shape: Sequence[int] | None = None,
) -> Any:
    """Return a Keras model: of a ``.keras`` file, or one that ships with Keras.

    A model file is untrusted. It is read with ``safe_mode=True`` and ``compile=False``, and before
    that it is looked at: a Lambda layer, a layer that loads a program, a class or function that
    neither Keras nor your program has registered, a path that leaves the archive, and sizes
    beyond reason are refused, and nothing of it has run.

    Args:
        source: the path of a ``.keras`` file, or the name of a model in ``keras.applications``
            such as ``"VGG16"``, in small or capital letters.
        weights: of a model that ships with Keras: ``"none"`` for random ones, which
            ``keras.utils.set_random_seed`` repeats, or ``"imagenet"``, which are downloaded once.
            A file has its own.
        trust: your own decision that a file may run any program that is in it, with your rights:
            its layers may hold code. It must still be a ``.keras`` file.
        input_shape: of a model that ships with Keras: (H, W, C); None for its own.

    Returns:
        A built ``keras.Model``, not compiled.

    Raises:
        ValueError: no such name, another kind of file, one that is damaged or refused.
        TypeError: no path, or a ``trust`` that is neither True nor False.
        FileNotFoundError: no such file.
        ConnectionError: weights must be downloaded and cannot.

    Example:
        >>> read_model("mobilenet", input_shape=(32, 32, 3)).name
        'mobilenet_1.00_32'
    """
    one_of("weights", weights, WEIGHTS)
    trust = true_or_false("trust", trust)
    if not is_model_path(source):
        return _application(str(source), weights, input_shape)
    if weights != "none" or input_shape is not None:
        option = "weights" if weights != "none" else "input_shape"
        raise ValueError(f"{option} must not be given for a file; got {shown(str(source))}")
    path = check_archive(source)
    if not trust:
        check_config(path, _is_registered)
        note = note_on_keras(keras.__version__)
        if note:
            warnings.warn(note, stacklevel=2)
    return _loaded(path, trust=trust)


def begin_random_numbers(seed: int) -> None:
    """Let the next random weights be those of a seed, where the program is our own.

    Args:
        seed: 0 to 2³¹−1. It is that of Python, NumPy, Keras and TensorFlow for the whole program,
            so nothing that others call may come here.
    """
    keras.utils.set_random_seed(seed)


def preprocessing_of(name: str) -> Preprocessing:
    """Return how pictures become what a model of ``keras.applications`` takes.

    Args:
        name: of the model, in small or capital letters.

    Returns:
        :class:`Preprocessing`: its ``white`` and ``preprocess`` are those of ``feature_maps``.

    Raises:
        ValueError: no such model.
        TypeError: no text.

    Example:
        >>> white, preprocess = preprocessing_of("MobileNetV2")
        >>> white, preprocess.__name__, float(preprocess(np.full((1, 1, 1, 3), 255.0)).max())
        (255.0, 'mobilenet_v2.preprocess_input', 1.0)
    """
    rule = "name must be that of a keras.applications model"
    if not isinstance(name, str):
        raise TypeError(f"{rule}; got {shown(name)}")
    function = getattr(keras.applications, _known_application(name, rule))
    module = function.__module__.rpartition(".")[2]
    home = importlib.import_module(f"keras.applications.{module}")

    def preprocess(batch: Any) -> Any:
        # Keras scales an array in place.
        return home.preprocess_input(np.array(batch))

    preprocess.__name__ = f"{module}.preprocess_input"
    return Preprocessing(255.0, preprocess)


def note_on_keras(version: str) -> str:
    """Return a warning where a Keras has known holes in ``safe_mode``, or nothing.

    Example:
        >>> note_on_keras("3.15.1"), note_on_keras("3.12.4")
        ('', '')
        >>> note_on_keras("3.13.2")[:43]
        'keras 3.13.2 has known holes in safe_mode; '
    """
    found = _NUMBERS.match(version)
    parts = tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if parts >= (3, 15, 1) or (3, 12, 4) <= parts < (3, 13):
        return ""
    return (
        f"keras {version} has known holes in safe_mode; update to 3.15.1 before you open files "
        "of others"
    )


def _applications() -> list[str]:
    """Return the names of the models that ship with this Keras."""
    names = (name for name in dir(keras.applications) if name[0].isupper())
    return [name for name in names if callable(getattr(keras.applications, name))]


def _known_application(name: str, rule: str = RULE) -> str:
    known = {one.lower(): one for one in _applications()}
    if name.lower() not in known:
        close = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f" (did you mean {known[close[0]]!r}?)" if close else ""
        if rule == RULE:
            hint = hint_at_file(name) or hint
        raise ValueError(f"{rule}; got {shown(name)}{hint}")
    return known[name.lower()]


def _application(name: str, weights: str, input_shape: Sequence[int] | None) -> Any:
    name = _known_application(name)
    options: dict[str, Any] = {}
    if input_shape is not None:
        options["input_shape"] = _shape(input_shape)
    build = getattr(keras.applications, name)
    try:
        return build(weights=None if weights == "none" else weights, **options)
    except (ValueError, TypeError) as error:
        if not options:
            raise
        raise ValueError(
            f"input_shape must suit {name}; got {shown(options['input_shape'])}; "
            f"{reason_of_error(error)}"
        ) from error
    except Exception as error:  # what Keras raises when a download fails
        if weights == "none":
            raise
        raise ConnectionError(
            f"weights {weights!r} must be downloaded; there is no network that leads to them "
            f"({reason_of_error(error)}); weights 'none' are random"
        ) from error


def _shape(input_shape: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(input_shape, (list, tuple)) or len(input_shape) != 3:
        rule = f"input_shape must be three whole numbers; got {shown(input_shape)}"
        raise ValueError(rule) if isinstance(input_shape, (list, tuple)) else TypeError(rule)
    return tuple(whole_number("input_shape", size, minimum=1) for size in input_shape)


def _is_registered(name: str) -> bool:
    """Whether the caller's program has registered a class or function of this name."""
    return keras.saving.get_registered_object(name) is not None


def _loaded(path: Path, *, trust: bool) -> Any:
    """Return the model of a file that has been looked at."""
    try:
        # An absolute path: Keras takes some relative ones for addresses.
        model = keras.saving.load_model(str(path.absolute()), safe_mode=not trust, compile=False)
    except Exception as error:
        raise ValueError(_failure(path, error, trust=trust)) from error
    if not isinstance(model, keras.Model):
        found = f"which holds a {shown(type(model).__name__)}"
        raise ValueError(refusal(path, "be a model", found, "save the model itself"))
    return model


def _failure(path: Path, error: Exception, *, trust: bool) -> str:
    """Return why Keras did not read a file, in one sentence."""
    if isinstance(error, zipfile.BadZipFile):
        damage = f"which is damaged ({error})"
        return refusal(path, "be a whole zip archive", damage, "copy or save it again")
    writer, here = saved_by(path), keras.__version__
    newer = writer and _ahead(writer, here)
    told = f"it was saved by keras {writer}, this is {here}: update keras"
    cure = told if newer else f"this is keras {here}"
    found = _UNKNOWN.search(str(error))
    if found:
        what = f"with the unknown {found[1] or 'class'} {shown(found[2])}"
        return refusal(path, "hold classes and functions of Keras", what, cure)
    if not trust and "safe_mode=False" in str(error):
        return refusal(path, "hold no code", "which Keras calls unsafe", TRUST)
    return refusal(path, "be one that Keras reads", f"where it fails ({_reason(error)})", cure)


def _reason(error: Exception) -> str:
    """Return why something failed, below where Keras says that it did."""
    if isinstance(error, KeyError):
        return f"{reason_of_error(error)} is missing"
    said = str(error).rpartition("Exception encountered: ")[2]
    found = _NOT_LOADED.search(said)
    if found:
        said = f"the {found[1]} layer {found[2]}: {said[found.end() :].lstrip()}"
    return reason_of_error(ValueError(said))


def _ahead(one: str, other: str) -> bool:
    """Whether a version is newer than another, by its first two numbers."""
    pairs = [found.groups()[:2] if (found := _NUMBERS.match(text)) else () for text in (one, other)]
    first, second = (tuple(map(int, pair)) for pair in pairs)
    return first > second
