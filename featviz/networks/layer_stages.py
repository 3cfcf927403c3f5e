"""Filter, detect and condense of one convolution inside any Keras model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from featviz._check import shown, whole_number
from featviz.extraction import Extraction, Maps, ShownImage
from featviz.map_inputs import (
    colours_of_image,
    image_words,
    inputs_as_pictures,
    range_of_images,
)
from featviz.networks.inputs import Feed, Fit, feeds_from_images, lines_of_inputs, naming
from featviz.networks.layer_flow import PADDINGS, Flow, flow_from_entries, is_taken
from featviz.networks.layer_planes import picture_of_line, plane, slices_of_flow
from featviz.networks.layer_windows import plane_axes, settings_of_flow, windows_of_flow
from featviz.networks.own_classes import (
    CONVOLUTIONS,
    DEPTHWISE,
    SEPARABLE,
    TRANSPOSED,
    fault_of_convolution,
    is_kind,
)
from featviz.networks.paths import (
    PathError,
    base_of,
    check_path,
    refused_path,
    unseen_text,
)
from featviz.networks.recording import Entry
from featviz.networks.runs import Run
from featviz.networks.values import FeatureMaps, frozen

# As many maps as stand below one another on a page.
MOST_MAPS = 8

_CONVOLUTIONS = (*CONVOLUTIONS, *TRANSPOSED, *DEPTHWISE, *SEPARABLE)

# They change how an image is written, not what it shows.
_PREPARING = (
    keras.layers.Rescaling,
    keras.layers.Normalization,
    *PADDINGS,
)
IN_COLOUR = 3


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
    slice_number: int | None = None,
) -> Extraction:
    """Return filter, detect and condense of one convolution inside a model.

    * **image**: what the kernels of the layer saw, all its channels: the picture itself for the
      first layer, the maps of the layer before for a deeper one.
    * **filter**: what the convolution gives, its bias added.
    * **detect**: after the activation, be it inside the layer, a layer that follows, or a
      function that another layer follows; batch normalisation on the way is named. The same as
      filter where there is none.
    * **condense**: after the pooling layer that follows; the same as detect where there is none.

    A sequence (T, C) stands as one row of T cells; where it has several channels, they are drawn
    for it as so many rows. Of a volume one slice is shown at each stage: ``slice_number`` of filter
    and detect, the middle one of those it reads, and the first that the pool makes of it.

    Where a convolution over an image sees the image itself, but after ``preprocess`` or a layer
    that rescales it, the picture before that is drawn for it. The notes of the result say which
    layers gave the stages and, where no activation was found, which come after; which slices and
    channels these are; and what the model was given: size, dtype, range and how that came about.

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
        slice_number: of a convolution over a volume (D, H, W), along D, from 0; None: the one in
            the middle, or the nearest to it that the pool reads.

    Returns:
        :class:`Extraction` of float32 arrays (H, W, F) without kernels, which have a depth here:
        :func:`plot_extraction` and :func:`text_from_extraction` draw it as any other.

    Raises:
        PathError: no such convolution; the nearest and the list are named, and why a layer
            cannot be recorded.
        ValueError: a convolution of the caller's own that does not give what its kernels give,
            several images, no such channel or slice, an image that does not fit.
        TypeError: no model, a path that is no text, a channel or a slice that is no whole number.
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
    feed = _feed_of_one(model, image, Fit(resize, white, preprocess, finite))
    entries, outputs = run.entries(feed)
    flow = flow_from_entries(entries, _convolution(entries, path, run.unseen), feed.arrays)
    words = _activation_words(flow, entries, outputs)
    return _extraction(run, feed, entries, flow, (words, channels, slice_number))


def _feed_of_one(model: Any, image: Any, fit: Fit) -> Feed:
    """Return what goes in for one image."""
    with naming("image"):
        count, feeds = feeds_from_images(model, image, fit, 1)
        if count != 1:
            raise ValueError(f"image must be one image; got {count}")
        return next(feeds)


def _activation_words(flow: Flow, entries: Sequence[Entry], outputs: Sequence[Any]) -> str:
    if flow.words:
        return ", ".join(flow.words)
    # Else a function took it, whose name is not known.
    return "none" if is_taken(flow.filter, entries, outputs) else "none in a layer"


def _extraction(
    run: Run, feed: Feed, entries: list[Entry], flow: Flow, how: tuple[str, Any, Any]
) -> Extraction:
    """Return the stages of one layer.

    Args:
        run: the model, after the batch.
        feed: what went in.
        entries: of the whole run.
        flow: those of the stages.
        how: the activation in words, and the channels and the slice that are asked for.
    """
    words, channels, number = how
    axis = run.layers[flow.filter.path].channel_axis
    windows = windows_of_flow(flow, axis)
    slices = slices_of_flow(flow, windows, number)
    seen = plane(flow.filter.given[0], axis, slices.image)
    filtered, detected = (
        plane(entry.value, axis, slices.filter) for entry in (flow.filter, flow.detect)
    )
    condensed = plane(flow.pool.value, axis, slices.condense) if flow.pool else detected
    kept, chosen = _chosen(channels, detected)
    layer, name = flow.filter.layer, _name_among(entries, flow.filter)
    filter_axes, pool_axes = plane_axes(flow, windows)
    line = len(windows.filter) == 1
    notes = (flow.layers_text(), slices.words, chosen, _went_in(feed))
    return Extraction(
        frozen(seen), (), frozen(filtered[:, :, kept]), frozen(detected[:, :, kept]),
        frozen(condensed[:, :, kept]),
        tuple(f"{name} · channel {index} of {filtered.shape[2]}" for index in kept),
        settings_of_flow(flow, words, _bias(layer, kept), windows),
        filter_axes=(filter_axes,), pool_axes=pool_axes, notes=tuple(filter(None, notes)),
        picture=picture_of_line(seen) if line else _picture(run, feed, entries, flow.filter),
    )  # fmt: skip


def _convolution(entries: Sequence[Entry], path: str, unseen: Mapping[str, str]) -> Entry:
    """Return what the convolution of a path gave before any activation."""
    found = {
        base_of(entry.path): entry
        for entry in entries
        if not entry.path.endswith(":detect") and is_kind(entry.layer, _CONVOLUTIONS)
    }
    base = base_of(path)
    named = [known for known, entry in found.items() if entry.layer.name == base]
    if base in found or len(named) == 1:
        return _checked(found[base if base in found else named[0]])
    if not found:
        rule = "model must hold a convolution that can be recorded"
        raise PathError(f"{rule}; got {path!r}{unseen_text(path, unseen)}")
    raise PathError(
        refused_path(path, found, "path must be one of the convolutions", unseen=unseen)
    )


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


def _chosen(channels: Any, detected: Maps) -> tuple[list[int], str]:
    """Return which maps are kept, each once, and in words which these are."""
    features = detected.shape[2]
    if channels is None:
        strength = np.nan_to_num(np.abs(detected).mean(axis=(0, 1), dtype=np.float64))
        strongest = np.argsort(-strength, kind="stable")[:MOST_MAPS]
        kept = sorted(int(index) for index in strongest)
        return kept, _strongest_words(detected, kept)
    one = getattr(channels, "ndim", None) == 0 or not isinstance(channels, Iterable)
    several = [channels] if one else channels
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
