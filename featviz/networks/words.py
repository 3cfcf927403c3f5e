"""Layers and their failures in words."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from contextlib import suppress
from numbers import Integral
from operator import attrgetter
from typing import Any

from featviz._check import size_text
from featviz.exact import exact_text
from featviz.networks.memory import memory_text
from featviz.networks.paths import counted_text

# How many of the layers that ran an error names, and how much of what Keras says it repeats.
MOST_RAN = 8
LONGEST_REASON = 200
_SIZES = (
    "kernel_size", "pool_size", "filters", "units", "strides", "dilation_rate", "groups",
)  # fmt: skip
_WORDS = ("padding", "activation")
# What else must be known of layers without kernels, by the name of Keras' own class: the setting,
# its word, and what goes without saying.
_MORE_SETTINGS = {
    "ReLU": (("max_value", "max", ""), ("negative_slope", "slope", "0"),
             ("threshold", "threshold", "0")),
    "LeakyReLU": (("negative_slope", "slope", ""),),
    "ELU": (("alpha", "alpha", ""),),
    "Rescaling": (("scale", "scale", ""), ("offset", "offset", "0")),
} | dict.fromkeys(("Dropout", "AlphaDropout", "GaussianDropout"), (("rate", "rate", ""),)) | {
    f"{name}{axes}D": settings
    for axes in (1, 2, 3)
    for name, settings in (
        ("ZeroPadding", (("padding", "padding", ""),)),
        ("Cropping", (("cropping", "cropping", ""),)),
        ("UpSampling", (("size", "size", ""), ("interpolation", "", ""))),
        ("AdaptiveMaxPooling", (("output_size", "to", ""),)),
        ("AdaptiveAveragePooling", (("output_size", "to", ""),)),
    )
}  # fmt: skip
# More numbers of one setting than these are counted.
_MOST_NUMBERS = 6
_PLAIN, _name_of = frozenset([int]), attrgetter("__name__")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def settings_of_layer(layer: Any) -> str:
    """Return what a layer was told to do: ``3×3, 64 features, stride 2, same, relu``.

    Args:
        layer: a Keras layer of any kind; unknown kinds give what they have of the usual settings.
    """
    # Keras keeps its settings in the layer itself; a failing getattr of a layer is slow.
    told, kind = vars(layer), type(layer)
    if not kind.__module__.startswith("keras."):
        told = told | _told_by_class(layer)
    sizes = tuple([_whole(told[name]) if name in told else () for name in _SIZES])
    padding, activation = told.get("padding"), told.get("activation")
    name = getattr(activation, "__name__", getattr(activation, "name", ""))
    words = [_sizes_text(sizes), padding if isinstance(padding, str) else ""]
    for setting, word, unsaid in _more_settings(kind):
        value = told.get(setting)
        # Sizes are written in full, as those of windows are.
        text = size_text(_whole(value)) if setting == "output_size" else _values_text(value)
        words.append("" if text in ("", unsaid) else f"{word} {text}".strip())
    words.append(name if isinstance(name, str) and name != "linear" else "")
    return ", ".join(filter(None, words))


def _told_by_class(layer: Any) -> dict[str, Any]:
    """Return the settings that a class of the caller's own has itself, or computes."""
    told = {}
    for name in {*_SIZES, *_WORDS} - vars(layer).keys():
        if hasattr(type(layer), name):
            with suppress(Exception):  # a property may need what is not there yet
                told[name] = getattr(layer, name)
    return told


def _more_settings(kind: type) -> tuple[tuple[str, str, str], ...]:
    """Return the further settings of a class, or of Keras' own class below it."""
    if _MORE_SETTINGS.keys().isdisjoint(map(_name_of, kind.__mro__)):
        return ()
    own = (base for base in kind.__mro__ if base.__module__.partition(".")[0] == "keras")
    return next((found for base in own if (found := _MORE_SETTINGS.get(base.__name__))), ())


def _whole(value: Any) -> tuple[int, ...]:
    """Return whole numbers, nothing of what an own layer may call by such a name."""
    if type(value) is int:
        return (value,)
    values = value if isinstance(value, (list, tuple)) else (value,)
    if _PLAIN.issuperset(map(type, values)):
        return tuple(values)
    plain = all(isinstance(one, (int, Integral)) and one is not True for one in values)
    return tuple(map(int, values)) if plain else ()


@functools.lru_cache
def _sizes_text(sizes: tuple[tuple[int, ...], ...]) -> str:
    """Return the sizes of a layer in words, of those that are known."""
    *windows, filters, units, strides, dilation, groups = sizes
    words = [size_text(window) for window in windows if window]
    features = filters or units
    words += [counted_text(features[0], "feature")] if len(features) == 1 else []
    for steps, word in ((strides, "stride"), (dilation, "dilation")):
        if max(steps, default=1) > 1:
            words.append(f"{word} {_short(steps)}")
    words += [f"{groups[0]} groups"] if len(groups) == 1 and groups[0] > 1 else []
    return ", ".join(words)


def _short(values: tuple[int, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else size_text(values)


def _values_text(value: Any) -> str:
    """Return a word, a number, or several as Keras writes them; equal ones once."""
    values = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(values, (list, tuple)):
        return values if isinstance(values, str) else _number_text(values)
    if len(values) > _MOST_NUMBERS:
        return f"of {len(values)} numbers"
    texts = [_values_text(one) for one in values]
    if any(text.startswith("(") for text in texts):  # one is (before, after)
        texts = [_pair_text(one) for one in values]
    elif len(set(texts)) == 1:
        return texts[0]
    return f"({', '.join(texts)})"


def _pair_text(pair: Any) -> str:
    return f"({', '.join(map(_number_text, pair if isinstance(pair, (list, tuple)) else (pair,)))})"


def _number_text(value: Any) -> str:
    try:
        return exact_text(float(value)).replace("-", "−")
    except (TypeError, ValueError, OverflowError):  # None, or no number
        return ""


def reason_of_error(error: BaseException) -> str:
    """Return the first line of an error that says something, as plain text."""
    if memory := memory_text(error):
        return memory
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines()]
    said = [line for line in lines if line and not line.startswith("Exception encountered when")]
    text = "".join(sign if sign.isprintable() else "?" for sign in (said or [""])[0])
    text = text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"
    return text or type(error).__name__


def failure_text(ran: Sequence[str], error: BaseException) -> str:
    """Return how far a model came: the last layers that ran, and why it failed.

    Args:
        ran: paths, in order.
        error: what was raised.
    """
    names = ", ".join(ran[-MOST_RAN:]) or "none"
    more = f"{len(ran) - MOST_RAN} more, then " if len(ran) > MOST_RAN else ""
    return f"layers that ran: {more}{names}; {reason_of_error(error)}"
