"""Layers and their failures in words."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from featviz._check import size_text
from featviz.exact import exact_text

# How many of the layers that ran an error names, and how much of what Keras says it repeats.
MOST_RAN = 8
LONGEST_REASON = 200
_SETTINGS = (
    "kernel_size", "pool_size", "filters", "units", "strides", "dilation_rate", "groups",
    "padding", "activation",
)  # fmt: skip
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
    )
}  # fmt: skip
# More numbers of one setting than these are counted.
_MOST_NUMBERS = 6
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def settings_of_layer(layer: Any) -> str:
    """Return what a layer was told to do: ``3×3, 64 features, stride 2, same, relu``.

    Args:
        layer: a Keras layer of any kind; unknown kinds give what they have of the usual settings.
    """
    # Keras keeps its settings in the layer itself; a failing getattr of a layer is slow.
    own: dict[str, Any] = vars(layer)
    kind: Any = type(layer)
    told = [own.get(name) for name in _SETTINGS]
    for index in _told_by_class(kind):
        if told[index] is None:
            told[index] = getattr(layer, _SETTINGS[index], None)
    *numbers, padding, activation = told
    name = getattr(activation, "__name__", getattr(activation, "name", ""))
    further = _more_settings(kind)
    more = tuple((one, own.get(one[0])) for one in further) if further else ()
    try:
        return _settings_text(*numbers, padding, name, more)
    except TypeError:  # a list, which nothing can be kept of
        return _settings_text.__wrapped__(*numbers, padding, name, more)


@functools.lru_cache
def _told_by_class(kind: type) -> tuple[int, ...]:
    """Return which of the settings a class has itself, by number."""
    return tuple(index for index, name in enumerate(_SETTINGS) if hasattr(kind, name))


@functools.lru_cache
def _more_settings(kind: type) -> tuple[tuple[str, str, str], ...]:
    """Return the further settings of a class, or of Keras' own class below it."""
    own = (base for base in kind.__mro__ if base.__module__.partition(".")[0] == "keras")
    return next((found for base in own if (found := _MORE_SETTINGS.get(base.__name__))), ())


@functools.lru_cache
def _settings_text(
    kernel_size: Any, pool_size: Any, filters: Any, units: Any, strides: Any, dilation_rate: Any,
    groups: Any, padding: Any, activation: str, more: tuple[Any, ...],
) -> str:  # fmt: skip
    windows = [one for one in (kernel_size, pool_size) if one is not None]
    words = [size_text(_several(window)) for window in windows]
    features = filters or units
    if isinstance(features, int):
        words.append(f"{features:,} feature{'s' * (features > 1)}")
    for value, word in ((strides, "stride"), (dilation_rate, "dilation")):
        steps = _several(value or 1)
        if max(steps) > 1:
            words.append(f"{word} {_short(steps)}")
    if isinstance(groups, int) and groups > 1:
        words.append(f"{groups} groups")
    words += [padding] if isinstance(padding, str) else []
    for (_, word, unsaid), value in more:
        text = _values_text(value)
        words += [f"{word} {text}".strip()] if text not in ("", unsaid) else []
    return ", ".join([*words, activation] if activation and activation != "linear" else words)


def _several(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


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
    return f"({', '.join(map(_number_text, _several(pair)))})"


def _number_text(value: Any) -> str:
    try:
        return exact_text(float(value)).replace("-", "−")
    except (TypeError, ValueError, OverflowError):  # None, or no number
        return ""


def reason_of_error(error: BaseException) -> str:
    """Return the first line of an error that says something, as plain text."""
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
