"""What follows a convolution in a run: normalisation, activation and pool.

They are found by following the output from layer to layer, the tensor itself and not the order
of the layers. So branches, nested models and layers that pass a tensor on untouched, such as
Dropout at inference, do not mislead. A layer of the caller's own class is taken for what its Keras
class is only where it gave what that gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from featviz.networks.own_classes import does_as
from featviz.networks.paths import base_of, first_text
from featviz.networks.recording import Entry

# What has no layer, and so no path, has this behind its name.
A_FUNCTION = " (a function)"
# As many layers are named that come after what is shown.
MOST_TOLD = 2

_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.Softmax,
)
# Applied without a layer, as keras.ops.relu(x).
_FUNCTIONS = ("relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "silu", "gelu")
_NORMS = {
    keras.layers.BatchNormalization: "batch norm",
    keras.layers.LayerNormalization: "layer norm",
    keras.layers.GroupNormalization: "group norm",
}
if hasattr(keras.layers, "RMSNormalization"):
    _NORMS[keras.layers.RMSNormalization] = "rms norm"
# Older versions of Keras have no adaptive pools.
POOLS = {
    getattr(keras.layers, kind): word
    for name, word in (
        ("Max", "max"), ("Average", "average"),
        ("GlobalMax", "global_max"), ("GlobalAverage", "global_average"),
        ("AdaptiveMax", "adaptive_max"), ("AdaptiveAverage", "adaptive_average"),
    )
    for kind in (f"{name}Pooling{rank}D" for rank in (1, 2, 3))
    if hasattr(keras.layers, kind)
}  # fmt: skip
PADDINGS = (
    keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D, keras.layers.ZeroPadding3D,
)  # fmt: skip


class Flow(NamedTuple):
    """What one convolution gave, and what was made of it.

    Attributes:
        filter: what it gave, before any activation.
        detect: after the activation; the same where there is none.
        words: the steps to it.
        pool: what the pool gave, or None.
        pads: what a layer added before the pool, (before, after) for each axis; or nothing.
        detected_by: the layers that gave detect.
        then: what comes after, where no activation was found; else a pool that does not pool the
            maps, its channels being on another axis than theirs.
    """

    filter: Entry
    detect: Entry
    words: tuple[str, ...]
    pool: Entry | None
    pads: tuple[tuple[int, int], ...]
    detected_by: tuple[str, ...]
    then: tuple[str, ...] = ()

    def layers_text(self) -> str:
        """Return which layers gave the stages, by their paths."""
        base = base_of(self.filter.path)
        kind = type(self.filter.layer).__name__
        words = [f"filter {base}" + (f" ({kind})" if kind != "Conv2D" else "")]
        if self.detected_by:
            inside = [one for one in self.detected_by if one != base]
            words.append(f"detect {' and '.join(inside) or 'within it'}")
        if self.pool is not None:
            words.append(f"condense {self.pool.path}")
        if self.then:
            words.append(f"then {first_text(self.then, MOST_TOLD)}, not shown")
        return ", ".join(words)


def flow_from_entries(entries: Sequence[Entry], first: Entry, inputs: Sequence[Any] = ()) -> Flow:
    """Follow the output of a convolution to its activation and its pool.

    Args:
        entries: of the whole run.
        first: what the convolution gave, before any activation.
        inputs: of the model.
    """
    steps, order = _detecting(entries, first, inputs), first.layer.data_format
    current = steps[-1][0] if steps else first
    pool, pads = _pool(entries, current, order)
    after = _taker(entries, current, _NORMS)
    if pool is None and after is not None and _pool(entries, after, order)[0] is not None:
        current = after
        steps.append((after, _norm_word(after)))
        pool, pads = _pool(entries, after, order)
    names = tuple(base_of(one.path) for one, word in steps if not word.endswith(A_FUNCTION))
    words = tuple(word for _, word in steps)
    told: Sequence[Entry] = []
    if set(words) <= set(_NORMS.values()):
        told = entries
    elif pool is None:
        told = [one for one in entries if _order_apart(one.layer, order)]
    then = _then(told, pool or current, order)
    return Flow(first, current, words, pool, pads, names, then)


def entry_after_activation(entries: Sequence[Entry], first: Entry) -> Entry:
    """Return what the activation layer behind a convolution gave.

    Args:
        entries: of the whole run.
        first: what the convolution gave; batch normalisation may stand between the two. It is
            returned where no such layer follows.
    """
    norm = _taker(entries, first, _NORMS)
    after = _taker(entries, first, _ACTIVATIONS)
    if after is None and norm is not None:
        after = _taker(entries, norm, _ACTIVATIONS)
    return first if after is None else after


def _order_apart(layer: Any, order: str) -> str:
    """Return the order of axes of a pool or a padding, if not that of the maps."""
    own = str(getattr(layer, "data_format", order))
    return own if own != order and isinstance(layer, (*POOLS, *PADDINGS)) else ""


def _then(entries: Sequence[Entry], last: Entry, order: str) -> tuple[str, ...]:
    """Return what took the last map that is shown: the activation may come after it."""
    takers = {
        base_of(one.path): ", ".join(
            filter(None, [type(one.layer).__name__, _order_apart(one.layer, order)])
        )
        for one in entries
        if any(given is last.value for given in one.given) and one.value is not last.value
    }
    inner = [path for path in takers if not any(one.startswith(f"{path}/") for one in takers)]
    return tuple(f"{path} ({takers[path]})" for path in inner)


def _detecting(
    entries: Sequence[Entry], first: Entry, inputs: Sequence[Any]
) -> list[tuple[Entry, str]]:
    """Return the steps from a convolution to its activation, each with its word."""
    base = base_of(first.path)
    inside = next((one for one in entries if one.path == f"{base}:detect"), None)
    if inside is not None:
        return [(inside, _activation_word(first.layer.activation))]
    steps: list[tuple[Entry, str]] = []
    norm = _taker(entries, first, _NORMS)
    activated = _taker(entries, first, _ACTIVATIONS)
    if activated is None and norm is not None:
        steps.append((norm, _norm_word(norm)))
        activated = _taker(entries, norm, _ACTIVATIONS)
    if activated is not None:
        steps.append((activated, _activation_word(activated.layer)))
    elif function := _function(entries, steps[-1][0] if steps else first, inputs):
        steps.append(function)
    return steps


def _function(
    entries: Sequence[Entry], one: Entry, inputs: Sequence[Any]
) -> tuple[Entry, str] | None:
    """Return what a function made of an entry, and the name of the function.

    A function leaves no trace but what it gave to a later layer. So each is tried: it was at work
    where a layer was given, bit for bit, what it gives. Several may give the same for one image.
    What was there before, as a black image where the layer is dead, is no trace of it.
    """
    made = {id(entry.value) for entry in entries}
    own = np.asarray(one.value)
    before = [*map(np.asarray, inputs), *map(np.asarray, _given_before(entries, one))]
    others = [value for entry in entries for value in entry.given if id(value) not in made]
    others = [value for value in others if value.dtype == one.value.dtype]
    for value in (value for value in others if value.shape == one.value.shape):
        given = np.asarray(value)
        if any(np.array_equal(given, other) for other in (own, *before)):
            continue
        names = [
            name
            for name in _FUNCTIONS
            if np.array_equal(given, np.asarray(getattr(keras.activations, name)(one.value)))
        ]
        if names:
            words = " or ".join(map(_activation_word, names))
            return Entry(one.path, one.layer, value, (one.value,)), words + A_FUNCTION
    return None


def _given_before(entries: Sequence[Entry], one: Entry) -> list[Any]:
    """Return what the layers were given that had begun when an entry was made."""
    place = next(number for number, entry in enumerate(entries) if entry is one)
    base = base_of(one.path)
    around = [entry for entry in entries[place:] if base.startswith(f"{base_of(entry.path)}/")]
    return [value for entry in (*entries[: place + 1], *around) for value in entry.given]


def _taker(entries: Sequence[Entry], one: Entry, kinds: Iterable[type]) -> Entry | None:
    """Return the first entry of some classes that was given what an entry gave."""
    kinds = tuple(kinds)
    return next((taker for taker in entries if _takes(taker, one, kinds)), None)


def _takes(taker: Entry, one: Entry, kinds: tuple[type, ...]) -> bool:
    if not any(value is one.value for value in taker.given):
        return False
    own = next((kind for kind in kinds if isinstance(taker.layer, kind)), None)
    return own is not None and does_as(own, taker)


def _pool(
    entries: Sequence[Entry], one: Entry, order: str
) -> tuple[Entry | None, tuple[tuple[int, int], ...]]:
    """Return the pool that follows, and what a padding layer added before it."""
    entries = [entry for entry in entries if not _order_apart(entry.layer, order)]
    pool = _taker(entries, one, POOLS)
    padding = _taker(entries, one, PADDINGS)
    if pool is not None or padding is None:
        return pool, ()
    pads = padding.layer.padding
    return _taker(entries, padding, POOLS), (pads,) if isinstance(pads[0], int) else pads


def is_taken(one: Entry, entries: Sequence[Entry], outputs: Sequence[Any]) -> bool:
    """Whether a layer was given what an entry gave, or the model gives it itself."""
    values = [*outputs, *(value for entry in entries for value in entry.given)]
    return any(value is one.value for value in values)


def _norm_word(entry: Entry) -> str:
    return next(word for kind, word in _NORMS.items() if isinstance(entry.layer, kind))


def _activation_word(function: Any) -> str:
    """Return the name of an activation, its slope stated."""
    if isinstance(function, keras.layers.Activation):
        return _activation_word(function.activation)
    if isinstance(function, keras.layers.LeakyReLU):
        return f"leaky_relu(negative_slope={function.negative_slope:g})"
    if isinstance(function, keras.layers.ELU):
        return f"elu(alpha={function.alpha:g})"
    if isinstance(function, keras.layers.ReLU):
        given = [
            f"{name}={float(getattr(function, name)):g}"
            for name in ("max_value", "negative_slope", "threshold")
            if getattr(function, name)
        ]
        return f"relu({', '.join(given)})" if given else "relu"
    if isinstance(function, keras.layers.Layer):
        return type(function).__name__.lower()
    plain = getattr(function, "__name__", type(function).__name__)
    name = function if isinstance(function, str) else plain
    # The slopes that Keras' own functions have unless told.
    return {"leaky_relu": "leaky_relu(negative_slope=0.2)", "elu": "elu(alpha=1)"}.get(name, name)
