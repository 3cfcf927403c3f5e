"""Filter, detect and condense of one convolution inside any Keras model.

What belongs to a convolution is found by following its output from layer to layer, the tensor
itself and not the order of the layers. So branches, nested models and layers that pass a tensor
on untouched, such as Dropout at inference, do not mislead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from featviz._check import shown, whole_number
from featviz.extraction import AxisPair, Extraction, Maps, Settings
from featviz.geometry import Axis, Pads, slide
from featviz.networks.inputs import Fit, feeds_from_images
from featviz.networks.paths import base_of, refused_path
from featviz.networks.recording import Entry
from featviz.networks.runs import Run
from featviz.networks.values import frozen

# As many maps as stand below one another on a page.
MOST_MAPS = 8
NO_PADS: Pads = ((0, 0), (0, 0))

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)
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
_POOLS = {
    keras.layers.MaxPooling2D: "max",
    keras.layers.AveragePooling2D: "average",
    keras.layers.GlobalMaxPooling2D: "global_max",
    keras.layers.GlobalAveragePooling2D: "global_average",
}


class _Flow(NamedTuple):
    """What one convolution gave, and what was made of it."""

    filter: Entry
    detect: Entry
    words: tuple[str, ...]
    pool: Entry | None
    pads: Pads


def extraction_from_layer(
    model: Any,
    image: Any,
    path: str,
    *,
    resize: bool = False,
    white: float = 1.0,
    preprocess: Callable[[Any], Any] | None = None,
    finite: bool = True,
    channels: int | Sequence[int] | None = None,
) -> Extraction:
    """Return filter, detect and condense of one convolution inside a model.

    * **image**: what the kernels of the layer saw, all its channels: the picture itself for the
      first layer, the maps of the layer before for a deeper one.
    * **filter**: what the convolution gives, its bias added.
    * **detect**: after the activation, be it inside the layer, a layer that follows, or a
      function that another layer follows; batch normalisation on the way is named. The same as
      filter where there is none.
    * **condense**: after the pooling layer that follows; the same as detect where there is none.

    Args:
        model: a built ``keras.Model`` of any kind.
        image: one image, as in :func:`feature_maps`.
        path: of the convolution, such as ``backbone/conv1``; or its name, where it is the only
            layer of that name.
        resize: as in :func:`feature_maps`.
        white: as in :func:`feature_maps`.
        preprocess: as in :func:`feature_maps`.
        finite: as in :func:`feature_maps`.
        channels: which maps, from 0; None: the eight with the largest mean magnitude after
            detect, the strongest first. The labels say of how many.

    Returns:
        :class:`Extraction` of float32 arrays (H, W, F) without kernels, which have a depth here:
        :func:`plot_extraction` and :func:`text_from_extraction` draw it as any other.

    Raises:
        ValueError: no such convolution, several images, no such channel, an image that does not
            fit.
        TypeError: no model, or a channel that is no whole number.
        RuntimeError: a layer failed; the layers that ran are named.

    Example:
        >>> import keras
        >>> conv = keras.layers.Conv2D(2, 1, use_bias=False, name="conv", activation="relu")
        >>> model = keras.Sequential([keras.Input((1, 2, 1)), conv])
        >>> _ = conv.kernel.assign([[[[1.0, -1.0]]]])
        >>> run = extraction_from_layer(model, [[-1.0, 2.0]], "conv")
        >>> run.labels
        ('conv · channel 0 of 2', 'conv · channel 1 of 2')
        >>> run.filtered[0].tolist(), run.detected[0].tolist()
        ([[-1.0, 1.0], [2.0, -2.0]], [[0.0, 1.0], [2.0, 0.0]])
    """
    run = Run(model, batch_size=1)
    count, feeds = feeds_from_images(model, image, Fit(resize, white, preprocess, finite), 1)
    if count != 1:
        raise ValueError(f"image must be one image; got {count}")
    entries, outputs = run.entries(next(feeds))
    flow = _flow(entries, _convolution(entries, path))
    words = ", ".join(flow.words) or "none"
    if not flow.words and not _is_taken(flow.filter, entries, outputs):
        words = "none in a layer"  # a function took it, whose name is not known
    axis = run.layers[flow.filter.path].channel_axis
    seen, filtered, detected = (
        _maps(value, axis) for value in (flow.filter.given[0], flow.filter.value, flow.detect.value)
    )
    condensed = _maps(flow.pool.value, axis) if flow.pool else detected
    kept = _chosen(channels, detected)
    layer, features = flow.filter.layer, filtered.shape[2]
    settings, pool_axes = _settings(flow, words, detected.shape)
    return Extraction(
        frozen(seen), (), frozen(filtered[:, :, kept]), frozen(detected[:, :, kept]),
        frozen(condensed[:, :, kept]),
        tuple(f"{layer.name} · channel {index} of {features}" for index in kept),
        settings, filter_axes=(_filter_axes(layer, seen.shape),), pool_axes=pool_axes,
    )  # fmt: skip


def _convolution(entries: Sequence[Entry], path: str) -> Entry:
    """Return what the convolution of a path gave before any activation."""
    found = {
        base_of(entry.path): entry
        for entry in entries
        if not entry.path.endswith(":detect") and isinstance(entry.layer, _CONVOLUTIONS)
    }
    base = base_of(path) if isinstance(path, str) else path
    named = [known for known, entry in found.items() if entry.layer.name == base]
    if base in found or len(named) == 1:
        return found[base if base in found else named[0]]
    if not found:
        raise ValueError(f"model must hold a 2-D convolution that can be recorded; got {path!r}")
    raise ValueError(refused_path(path, found, "path must be one of the 2-D convolutions"))


def _flow(entries: Sequence[Entry], first: Entry) -> _Flow:
    """Follow the output of a convolution to its activation and its pool."""
    current, words = first, list[str]()
    base = base_of(first.path)
    inside = next((one for one in entries if one.path == f"{base}:detect"), None)
    if inside is not None:
        current, words = inside, [_activation_word(first.layer.activation)]
    else:
        norm = _taker(entries, first, _NORMS)
        activated = _taker(entries, first, _ACTIVATIONS)
        if activated is None and norm is not None:
            current, words = norm, [_norm_word(norm)]
            activated = _taker(entries, norm, _ACTIVATIONS)
        if activated is not None:
            current, words = activated, [*words, _activation_word(activated.layer)]
        elif function := _function(entries, current):
            current, words = function[0], [*words, function[1]]
    pool, pads = _pool(entries, current)
    after = _taker(entries, current, _NORMS)
    if pool is None and after is not None and _pool(entries, after)[0] is not None:
        current, words = after, [*words, _norm_word(after)]
        pool, pads = _pool(entries, after)
    return _Flow(first, current, tuple(words), pool, pads)


def _function(entries: Sequence[Entry], one: Entry) -> tuple[Entry, str] | None:
    """Return what a function made of an entry, and the name of the function.

    A function leaves no trace but what it gave to a later layer. So each is tried: it was at work
    where a layer was given, bit for bit, what it gives. Several may give the same for one image.
    """
    made = {id(entry.value) for entry in entries}
    own = np.asarray(one.value)
    others = [value for entry in entries for value in entry.given if id(value) not in made]
    others = [value for value in others if value.dtype == one.value.dtype]
    for value in (value for value in others if value.shape == one.value.shape):
        given = np.asarray(value)
        if np.array_equal(given, own):
            continue
        names = [
            name
            for name in _FUNCTIONS
            if np.array_equal(given, np.asarray(getattr(keras.activations, name)(one.value)))
        ]
        if names:
            words = " or ".join(map(_activation_word, names))
            return Entry(one.path, one.layer, value, (one.value,)), f"{words} (a function)"
    return None


def _taker(entries: Sequence[Entry], one: Entry, kinds: Iterable[type]) -> Entry | None:
    """Return the first entry of some classes that was given what an entry gave."""
    kinds = tuple(kinds)
    return next((taker for taker in entries if _takes(taker, one, kinds)), None)


def _takes(taker: Entry, one: Entry, kinds: tuple[type, ...]) -> bool:
    return isinstance(taker.layer, kinds) and any(value is one.value for value in taker.given)


def _pool(entries: Sequence[Entry], one: Entry) -> tuple[Entry | None, Pads]:
    """Return the pool that follows, and what a padding layer added before it."""
    pool = _taker(entries, one, _POOLS)
    padding = _taker(entries, one, [keras.layers.ZeroPadding2D])
    if pool is not None or padding is None:
        return pool, NO_PADS
    return _taker(entries, padding, _POOLS), padding.layer.padding


def _is_taken(one: Entry, entries: Sequence[Entry], outputs: Sequence[Any]) -> bool:
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


def _maps(value: Any, axis: int) -> Maps:
    """Return the maps of the one image as (H, W, F) float32."""
    values = np.asarray(value)[0]
    if values.ndim == 1:  # a global pool
        values, axis = values[None, None], -1
    last = np.moveaxis(values, 0, -1) if axis == 1 else values
    maps: Maps = last.astype(np.float32)
    return maps


def _chosen(channels: Any, detected: Maps) -> list[int]:
    """Return which maps are kept, each once."""
    features = detected.shape[2]
    if channels is None:
        if features <= MOST_MAPS:
            return list(range(features))
        strength = np.nan_to_num(np.abs(detected).mean(axis=(0, 1), dtype=np.float64))
        return [int(index) for index in np.argsort(-strength, kind="stable")[:MOST_MAPS]]
    several = channels if isinstance(channels, Iterable) else [channels]
    kept = [whole_number("channels", index, minimum=0) for index in several]
    if not kept or max(kept) >= features or len(set(kept)) < len(kept):
        raise ValueError(
            f"channels must be numbers from 0 to {features - 1}, each once; got {shown(channels)}"
        )
    return kept


def _pair(value: Any) -> tuple[int, int]:
    rows, columns = value if isinstance(value, (tuple, list)) else (value, value)
    return int(rows), int(columns)


def _filter_axes(layer: Any, sizes: tuple[int, ...]) -> AxisPair:
    """Return how the kernels of a layer slid over what they saw."""
    if isinstance(layer, keras.layers.Conv2DTranspose):
        # Every cell is spread: none is passed over, and none is added.
        return Axis(sizes[0], 1, 1, 1, 0, 0), Axis(sizes[1], 1, 1, 1, 0, 0)
    windows = zip(
        sizes[:2], _pair(layer.kernel_size), _pair(layer.strides), _pair(layer.dilation_rate),
        strict=True,
    )  # fmt: skip
    rows, columns = (
        slide(size, window, stride=stride, dilation=dilation, padding=layer.padding)
        for size, window, stride, dilation in windows
    )
    return rows, columns


def _settings(flow: _Flow, words: str, sizes: tuple[int, ...]) -> tuple[Settings, AxisPair | None]:
    """Return the settings in the words of the course, and how the pool slid."""
    layer = flow.filter.layer
    pool, window, stride, padding, axes = _pool_settings(flow, sizes)
    settings = Settings(
        _pair(layer.strides), layer.padding, _pair(layer.dilation_rate), "zeros", None,
        words, pool, window, stride, padding, "keep",
    )  # fmt: skip
    return settings, axes


def _pool_settings(flow: _Flow, sizes: tuple[int, ...]) -> tuple[Any, ...]:
    if flow.pool is None:
        return "none", (1, 1), (1, 1), "valid", None
    layer = flow.pool.layer
    kind = next(word for pool, word in _POOLS.items() if isinstance(layer, pool))
    if kind.startswith("global"):
        whole = (sizes[0], sizes[1])
        axes = tuple(Axis(size, size, 1, 1, 0, 0) for size in whole)
        return kind, whole, (1, 1), "valid", axes
    window, stride = _pair(layer.pool_size), _pair(layer.strides)
    axes = tuple(map(_padded_axis, sizes[:2], window, stride, flow.pads, [layer.padding] * 2))
    return kind, window, stride, layer.padding, axes


def _padded_axis(size: int, window: int, stride: int, pads: tuple[int, int], padding: Any) -> Axis:
    """Return how a pool slides over a side that a layer has padded before."""
    axis = slide(size + sum(pads), window, stride=stride, dilation=1, padding=padding)
    return Axis(size, window, stride, 1, axis.before + pads[0], axis.after + pads[1])
