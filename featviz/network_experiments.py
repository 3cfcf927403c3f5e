"""A model and an image in one figure: its layers, and what one cell sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

from matplotlib.figure import Figure

from featviz._check import size_text, true_or_false, whole_number
from featviz.captions import check_title, one_line
from featviz.images import image_name, read_image
from featviz.map_choice import check_look, check_scale
from featviz.networks.fitting import Fit, batch_from_column
from featviz.networks.graphs import arrays_from_tensors
from featviz.networks.input_specs import InputSpec
from featviz.networks.inputs import naming
from featviz.networks.joining import maps_from_batches
from featviz.networks.layer_flow import entry_after_activation
from featviz.networks.maps import feature_maps
from featviz.networks.paths import base_of, layers_of_model
from featviz.networks.receptive import number_of_image, receptive_field, shapes_for_image
from featviz.networks.recording import Entry
from featviz.networks.runs import Batch, Run, check_model
from featviz.networks.sources import feeds_from_data
from featviz.networks.values import FeatureMaps
from featviz.panels import Limits
from featviz.render.field_plots import figure_from_field
from featviz.render.map_plots import MOST_ROWS, can_be_shown, page_from_feature_maps


def plot_network(
    model: Any,
    image: Any,
    layers: Any = None,
    *,
    count: int = 8,
    most: int = MOST_ROWS,
    scale: str | Limits = "layer",
    gamma: float | None = None,
    title: str | None = None,
    resize: bool = False,
    white: float = 1.0,
    preprocess: Callable[[Any], Any] | None = None,
    finite: bool = True,
) -> Figure:
    """Draw a network on one page: a row of feature maps for each layer.

    Of a vector all values are drawn as one strip; of a volume the middle slice of a channel.

    Args:
        model: a built ``keras.Model``.
        image: one image, as in :func:`featviz.feature_maps`.
        layers: as in :func:`featviz.feature_maps`; None for convolutions and pools, or for all
            where there is none. Of a convolution whose activation is a layer behind it, be there
            batch normalisation between, the maps after that are shown.
        count: how many channels of a layer, the first ones.
        most: how many layers at most. Of more they are taken evenly from early to late, and the
            page says so; 16 rows can still be read where the page is printed.
        scale: of the colours: ``"layer"`` (one for each row, also for the channels that are not
            shown), ``"shared"`` (one for the page), ``"signed"``, ``"each"`` or ``(low, high)``.
        gamma: exponent of the display; None: 0.5, which lifts what is small.
        title: None for the model's name.
        resize: as in :func:`featviz.feature_maps`.
        white: as in :func:`featviz.feature_maps`.
        preprocess: as in :func:`featviz.feature_maps`.
        finite: as in :func:`featviz.feature_maps`.

    Returns:
        The figure.

    Raises:
        ValueError: no such layer, more than one image, a wrong value.
        TypeError: a wrong kind.
        RuntimeError: a layer failed.

    Example:
        >>> import keras
        >>> layers = [keras.Input((1, 2, 1)), keras.layers.ReLU(name="act")]
        >>> net = keras.Sequential(layers, name="net")
        >>> plot_network(net, [[-1.0, 2.0]]).texts[1].get_text()
        '1 of 1 layers shown'
    """
    whole_number("count", count, minimum=1)
    whole_number("most", most, minimum=1)
    check_scale(scale)
    check_look(gamma, None)
    check_title(title)
    check_model(model)
    maps, only = None, ""
    if layers is None and any(_is_step(layer) for layer in layers_of_model(model)):
        maps, only = _maps_of_steps(model, image, Fit(resize, white, preprocess, finite))
    # A layer such as TimeDistributed runs its convolution where nobody sees it.
    if maps is None or not any(can_be_shown(maps, path) for path in maps):
        only = ""
        with naming("image"):
            maps = feature_maps(
                model, image, layers, resize=resize, white=white, preprocess=preprocess,
                finite=finite,
            )  # fmt: skip
        if (images := len(next(iter(maps.values())))) != 1:
            raise ValueError(f"image must be one image; got {images}")
    return page_from_feature_maps(
        maps, None if layers is None else list(maps), count=count, most=most, scale=scale,
        gamma=gamma, title=title, only=only,
    )  # fmt: skip


def _maps_of_steps(model: Any, image: Any, fit: Fit) -> tuple[FeatureMaps, str]:
    """Return the maps of convolutions and pools, and what they are called."""
    run = Run(model, batch_size=1)
    count, feeds = feeds_from_data(model, image, fit, 1, name="image")
    several = list(islice(feeds, 2))
    if (images := sum(len(feed.arrays[0]) for feed in several)) != 1:
        raise ValueError(f"image must be one image; got {max(images, count or 0)}")
    # A copy: the maps make what went in read-only.
    feed = several[0]._replace(arrays=tuple(one.copy() for one in several[0].arrays))
    entries, _ = run.entries(feed)
    behind = _entries_of_steps(entries)
    layers = dict(run.layers)
    for path, conv in behind.items():
        if conv.path != path:
            of, info = layers[conv.path], layers[path]
            words = f"{info.settings} after {base_of(conv.path)}, {of.kind} {of.settings}"
            layers[path] = replace(info, settings=words.strip())
    arrays = arrays_from_tensors({e.path: e.value for e in entries if e.path in behind})
    maps = maps_from_batches(run, [Batch(arrays, feed)], arrays)
    own = all(conv.path == path for path, conv in behind.items())
    only = f" (convolutions {'' if own else 'after their activation, '}and pools)"
    return replace(maps, layers=layers), only


def _entries_of_steps(entries: list[Entry]) -> dict[str, Entry]:
    """Return path of what is shown → the convolution or pool behind it."""
    found = {}
    for one in entries:
        plain = "Conv" in type(one.layer).__name__ and base_of(one.path) == one.path
        if _is_step(one.layer):
            found[entry_after_activation(entries, one).path if plain else one.path] = one
    return found


def _is_step(layer: Any) -> bool:
    return any(word in type(layer).__name__ for word in ("Conv", "Pool"))


def plot_receptive_field(
    model: Any,
    image: Any,
    path: str,
    *,
    cell: int | tuple[int, int],
    input_number: int | None = None,
    resize: bool = False,
    title: str | None = None,
) -> Figure:
    """Draw the part of an image that one cell of a layer sees, the rest dimmed.

    Args:
        model: a built ``keras.Model``; rows and columns that it leaves open are those of the
            image.
        image: anything :func:`featviz.read_image` takes, (H, W) of the size that goes in.
        path: of the layer, as in a recording.
        cell: (row, column) of its map, from 0.
        input_number: to which input the image goes, for a model of several, from 0; None: to
            the only image that the layer sees.
        resize: whether an image of another size is resized to what the model takes.
        title: above the figure; None: the model, the path and the cell.

    Returns:
        The figure. Where the window reaches beyond the image, padding is drawn as light grey.

    Raises:
        ValueError: as :func:`featviz.receptive_field`, an image that cannot be read, or one of
            another size.
        TypeError: a wrong kind.

    Example:
        >>> import keras
        >>> layer = keras.layers.Conv2D(1, 3, padding="same", name="conv")
        >>> model = keras.Sequential([keras.Input((4, 5, 1)), layer], name="net")
        >>> ramp = [[0, 1, 2, 3, 4]] * 4
        >>> plot_receptive_field(model, ramp, "conv", cell=(0, 1)).texts[0].get_text()
        'net · conv · cell (0, 1)'
    """
    check_title(title)
    check_model(model)
    true_or_false("resize", resize)
    pixels, name = read_image(image), image_name(image)
    number = number_of_image(model, path, pixels.shape, input_number)
    size, shapes = shapes_for_image(model, pixels.shape, number, resize=resize)
    field = receptive_field(model, path, cell, input_shape=shapes, input_number=number)
    if size != pixels.shape[:2]:
        name += f", resized from {size_text(pixels.shape[:2])}"
        spec = InputSpec("image", (*size, pixels.shape[2]), "float32")
        pixels = batch_from_column(pixels[None], spec, Fit(resize=True)).array[0]
    return figure_from_field(field, pixels, name=one_line(name), title=title)
