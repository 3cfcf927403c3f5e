"""Filter, detect and condense of one convolution inside any Keras model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from featviz._check import shown, whole_number
from featviz.extraction import AxisPair, Extraction, Maps, Settings, ShownImage
from featviz.geometry import Axis, slide
from featviz.map_inputs import (
    colours_of_image,
    image_words,
    inputs_as_pictures,
    range_of_images,
)
from featviz.networks.inputs import Feed, Fit, feeds_from_images, lines_of_inputs, naming
from featviz.networks.layer_flow import POOLS, Flow, flow_from_entries, is_taken
from featviz.networks.own_classes import fault_of_convolution
from featviz.networks.paths import (
    PathError,
    base_of,
    check_path,
    names_text,
    refused_path,
    unseen_text,
)
from featviz.networks.recording import Entry
from featviz.networks.runs import Run
from featviz.networks.values import FeatureMaps, frozen
from featviz.stats import cast_floats

# As many maps as stand below one another on a page.
MOST_MAPS = 8

_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)

# They change how an image is written, not what it shows.
_PREPARING = (
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.ZeroPadding2D,
)
IN_COLOUR = 3
# Whose maps are lines or volumes, for which a run has no place.
_OTHERS = frozenset({
    "Conv1D", "Conv3D", "Conv1DTranspose", "Conv3DTranspose", "DepthwiseConv1D", "SeparableConv1D",
})  # fmt: skip


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

    Where the convolution sees the image itself, but after ``preprocess`` or a layer that rescales
    it, the picture before that is drawn for it. The notes of the result say which layers gave the
    stages and, where no activation was found, which come after; which channels were chosen; and
    what the model was given: size, dtype, range and how that came about.

    A class of the caller's own on one of Keras' convolutions must give what its kernels give: they
    are laid once more on what it was given. One that pads, normalises or turns anything within its
    call is refused.

    Args:
        model: a built ``keras.Model`` of any kind.
        image: one image, as in :func:`feature_maps`.
        path: of the convolution, such as ``backbone/conv1``; or its name, where it is the only
            layer of that name.
        resize: as in :func:`feature_maps`.
        white: as in :func:`feature_maps`.
        preprocess: as in :func:`feature_maps`.
        finite: as in :func:`feature_maps`.
        channels: which maps, from 0, in this order, or the number of one; None: the eight with
            the largest mean magnitude after detect, all where there are no more, in the order of
            their numbers. The labels say of how many.

    Returns:
        :class:`Extraction` of float32 arrays (H, W, F) without kernels, which have a depth here:
        :func:`plot_extraction` and :func:`text_from_extraction` draw it as any other.

    Raises:
        PathError: no such convolution, or one over a line or a volume; the nearest and the list
            are named, and why a layer cannot be recorded.
        ValueError: a convolution of the caller's own that does not give what its kernels give,
            several images, no such channel, an image that does not fit.
        TypeError: no model, a path that is no text, or a channel that is no whole number.
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
    check_path(path)
    run = Run(model, batch_size=1)
    with naming("image"):
        count, feeds = feeds_from_images(model, image, Fit(resize, white, preprocess, finite), 1)
        if count != 1:
            raise ValueError(f"image must be one image; got {count}")
        feed = next(feeds)
    entries, outputs = run.entries(feed)
    flow = flow_from_entries(entries, _convolution(entries, path, run.unseen))
    words = ", ".join(flow.words) or "none"
    if not flow.words and not is_taken(flow.filter, entries, outputs):
        words = "none in a layer"  # a function took it, whose name is not known
    return _extraction(run, feed, entries, flow, (words, channels))


def _extraction(
    run: Run, feed: Feed, entries: list[Entry], flow: Flow, how: tuple[str, Any]
) -> Extraction:
    """Return the stages of one layer.

    Args:
        run: the model, after the batch.
        feed: what went in.
        entries: of the whole run.
        flow: those of the stages.
        how: the activation in words, and the channels that are asked for.
    """
    words, channels = how
    axis = run.layers[flow.filter.path].channel_axis
    seen, filtered, detected = (
        _maps(value, axis) for value in (flow.filter.given[0], flow.filter.value, flow.detect.value)
    )
    condensed = _maps(flow.pool.value, axis) if flow.pool else detected
    kept, chosen = _chosen(channels, detected)
    layer, name = flow.filter.layer, _name_among(entries, flow.filter)
    settings, pool_axes = _settings(flow, words, detected.shape, _bias(layer, kept))
    return Extraction(
        frozen(seen), (), frozen(filtered[:, :, kept]), frozen(detected[:, :, kept]),
        frozen(condensed[:, :, kept]),
        tuple(f"{name} · channel {index} of {filtered.shape[2]}" for index in kept),
        settings, filter_axes=(_filter_axes(layer, seen.shape),), pool_axes=pool_axes,
        notes=(flow.layers_text(), chosen, _went_in(feed)),
        picture=_picture(run, feed, entries, flow.filter),
    )  # fmt: skip


def _convolution(entries: Sequence[Entry], path: str, unseen: Mapping[str, str]) -> Entry:
    """Return what the convolution of a path gave before any activation."""
    found = {
        base_of(entry.path): entry
        for entry in entries
        if not entry.path.endswith(":detect") and isinstance(entry.layer, _CONVOLUTIONS)
    }
    base = base_of(path)
    named = [known for known, entry in found.items() if entry.layer.name == base]
    if base in found or len(named) == 1:
        return _checked(found[base if base in found else named[0]])
    kinds = [type(one.layer).__name__ for one in entries if base_of(one.path) == base]
    other = next((kind for kind in kinds if kind in _OTHERS), None)
    got = f"{path!r}, a {other}; plot_feature_maps draws its maps" if other else ""
    if not found:
        rule = "model must hold a 2-D convolution that can be recorded"
        raise PathError(f"{rule}; got {got or repr(path) + unseen_text(path, unseen)}")
    rule = "path must be one of the 2-D convolutions"
    if got:
        raise PathError(f"{rule} {names_text(list(found))}; got {got}")
    raise PathError(refused_path(path, found, rule, unseen=unseen))


def _checked(entry: Entry) -> Entry:
    """Return an entry that is one set of maps and comes of its kernels."""
    if len(entry.value) != 1:
        raise ValueError(
            f"path must give one map for one image; {entry.path!r} gave {len(entry.value)}"
        )
    if fault := fault_of_convolution(entry):
        own = f"{base_of(entry.path)!r}, whose own class {type(entry.layer).__name__} {fault}"
        raise ValueError(
            "path must be a layer that gives its kernels laid on what it is given; got "
            f"{own}; plot_feature_maps draws its maps"
        )
    return entry


def _name_among(entries: Sequence[Entry], one: Entry) -> str:
    """Return the last name of a path where no other layer has it, else the path."""
    base = base_of(one.path)
    name = base.rpartition("/")[2]
    bases = {base_of(entry.path) for entry in entries}
    return name if sum(known.rpartition("/")[2] == name for known in bases) == 1 else base


def _went_in(feed: Feed) -> str:
    """Return what the model was given, one text for all inputs."""
    return "went in: " + "; ".join(lines_of_inputs(feed.arrays, feed.notes, feed.inputs))


def _maps(value: Any, axis: int) -> Maps:
    """Return the maps of the one image as (H, W, F) float32."""
    values = np.asarray(value)[0]
    if values.ndim == 1:  # a global pool
        values, axis = values[None, None], -1
    last = np.moveaxis(values, 0, -1) if axis == 1 else values
    maps: Maps = cast_floats(last, np.float32)
    return maps


def _chosen(channels: Any, detected: Maps) -> tuple[list[int], str]:
    """Return which maps are kept, each once, and in words which these are."""
    features = detected.shape[2]
    if channels is None:
        strength = np.nan_to_num(np.abs(detected).mean(axis=(0, 1), dtype=np.float64))
        strongest = np.argsort(-strength, kind="stable")[:MOST_MAPS]
        kept = sorted(int(index) for index in strongest)
        return kept, _strongest_words(detected, kept)
    several = channels if isinstance(channels, Iterable) else [channels]
    kept = [whole_number("channels", index, minimum=0) for index in several]
    if not kept or max(kept) >= features or len(set(kept)) < len(kept):
        raise ValueError(
            f"channels must be numbers from 0 to {features - 1}, each once; got {shown(channels)}"
        )
    return kept, f"{len(kept)} of {features} channels, as chosen"


def _strongest_words(detected: Maps, kept: list[int]) -> str:
    features = detected.shape[2]
    if len(kept) == features:
        return f"all {features} channels" if features > 1 else "its one channel"
    words = (
        f"{len(kept)} of {features} channels: the largest mean magnitudes after detect, "
        "in the order of their numbers"
    )
    broken = ~np.isfinite(np.delete(detected, kept, axis=2)).all(axis=(0, 1))
    return words + (f"; {broken.sum()} others have NaN or infinity" if broken.any() else "")


def _makes(entry: Entry, tensor: Any) -> bool:
    """Whether a layer made a tensor and did not only pass it on."""
    return entry.value is tensor and all(given is not tensor for given in entry.given)


def _picture(run: Run, feed: Feed, entries: Sequence[Entry], conv: Entry) -> ShownImage | None:
    """Return what to draw where a convolution sees the image as nobody would draw it."""
    tensor = conv.given[0]
    while before := next((one for one in entries if _makes(one, tensor)), None):
        if not isinstance(before.layer, _PREPARING):
            return None
        tensor = before.given[0]
    maps = FeatureMaps({}, run.layers, feed.arrays, (), "", pictures=feed.pictures)
    pictures = inputs_as_pictures(maps)
    own = [one for one in pictures if np.array_equal(feed.arrays[one.number], np.asarray(tensor))]
    if not own:
        return None
    values, changed = own[0].values, own[0].changed
    limits = range_of_images([values])
    prepared = changed or tensor is not conv.given[0]
    if not prepared and (limits == (0.0, 1.0) or values.shape[-1] != IN_COLOUR):
        return None  # drawn as it is, with its numbers where they can be read
    title = "before preprocess" if changed else "as it went in"
    words = image_words(values, limits)
    return ShownImage(title, (words,) if words else (), frozen(colours_of_image(values, limits)))


def _bias(layer: Any, kept: Sequence[int]) -> float | tuple[float, ...] | None:
    """Return what a layer adds to the kept maps: one number where all are equal."""
    if getattr(layer, "bias", None) is None:
        return None
    added = np.asarray(keras.ops.cast(layer.bias, layer.compute_dtype)).astype(np.float64)
    numbers = tuple(added[list(kept)].tolist())
    return numbers[0] if len(set(numbers)) == 1 else numbers


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


def _settings(
    flow: Flow, words: str, sizes: tuple[int, ...], bias: Any
) -> tuple[Settings, AxisPair | None]:
    """Return the settings in the words of the course, and how the pool slid."""
    layer = flow.filter.layer
    pool, window, stride, padding, axes = _pool_settings(flow, sizes)
    settings = Settings(
        _pair(layer.strides), layer.padding, _pair(layer.dilation_rate), "zeros", bias,
        words, pool, window, stride, padding, "keep",
    )  # fmt: skip
    return settings, axes


def _pool_settings(flow: Flow, sizes: tuple[int, ...]) -> tuple[Any, ...]:
    if flow.pool is None:
        return "none", (1, 1), (1, 1), "valid", None
    layer = flow.pool.layer
    kind = next(word for pool, word in POOLS.items() if isinstance(layer, pool))
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
