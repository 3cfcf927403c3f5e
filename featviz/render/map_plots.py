"""The pictures of feature maps: a layer, all layers, a channel, its best images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from featviz._check import real_number, shown, size_text, true_or_false, whole_number
from featviz.captions import check_title, one_line
from featviz.map_choice import (
    check_look,
    check_scale,
    checked_index,
    checked_or_one,
    form_of,
    paths_of_outputs,
)
from featviz.map_inputs import image_of_input, inputs_as_pictures
from featviz.map_panels import MapSheet, sheet_from_feature_maps
from featviz.map_words import channels_text
from featviz.networks.top_values import TopImages
from featviz.networks.values import FeatureMaps
from featviz.panels import Limits
from featviz.render.image_figures import channel_figure, top_figure
from featviz.render.map_figures import figure_from_sheet
from featviz.render.network_figures import PageWords, network_figure

# As many rows as a page takes on which the type is still read when it is printed.
MOST_ROWS = 16
# A strip of a vector or of a sequence can show so many channels.
MOST_IN_STRIP = 400


def plot_feature_maps(
    maps: FeatureMaps,
    path: str,
    *,
    image: int = 0,
    channels: Sequence[int] | str | None = None,
    count: int | None = 64,
    scale: str | Limits = "layer",
    columns: int | None = None,
    labels: bool = True,
    gamma: float | None = None,
    palette: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a layer's feature maps, all or a choice, and say what is not shown.

    Maps (H, W) stand in a grid; a vector, or maps of 1×1, are upright bars; a sequence (T, F)
    is one picture, steps down, channels to the right; of a volume (D, H, W) every slice is
    shown. Dead, constant and NaN maps are marked, and counted in the heading.

    Args:
        maps: what :func:`featviz.feature_maps` returned.
        path: of the layer, such as ``backbone/conv1``.
        image: which image, from 0.
        channels: None for the first ones, ``"strongest"`` (largest mean magnitude first),
            ``"most_varied"`` (largest standard deviation first), or channel numbers from 0.
        count: how many channels at most, unless numbers are given; None for all.
        scale: ``"layer"`` (one for all channels of the layer for this image, also those not
            shown), ``"shared"`` (one for those that are shown), ``"signed"`` (as layer,
            symmetric about 0), ``"each"`` (every map its own), or ``(low, high)``.
        columns: maps in a row; None: as suits the page.
        labels: whether each map has its channel's number, and a large one its range.
        gamma: exponent of the display, above 0, the sign kept; the colour bar is drawn to match.
            None: 0.5, which lifts what is small.
        palette: ``"signed"``, ``"heat"`` or ``"grey"``; None: signed where values may be
            negative, else heat.
        title: None for the model and the path.

    Returns:
        The figure; a notebook shows it, :func:`featviz.save_figure` writes it.

    Raises:
        PathError: no such path.
        ValueError: no such image or channel, a wrong value.
        TypeError: a wrong kind.

    Example:
        >>> import keras
        >>> from featviz.networks.maps import feature_maps
        >>> layers = [keras.Input((1, 2, 1)), keras.layers.ReLU(name="act")]
        >>> net = keras.Sequential(layers, name="net")
        >>> plot_feature_maps(feature_maps(net, [[-1.0, 2.0]]), "act").texts[0].get_text()
        'net · act'
    """
    check_title(title)
    sheet = sheet_from_feature_maps(
        maps, path, image=image, channels=channels, count=count, scale=scale, gamma=gamma,
        palette=palette,
    )  # fmt: skip
    wide = None if columns is None else whole_number("columns", columns, minimum=1)
    true_or_false("labels", labels)
    return figure_from_sheet(sheet, columns=wide, labels=labels, title=title)


def page_from_feature_maps(
    maps: FeatureMaps,
    paths: Sequence[str] | None = None,
    *,
    count: int = 8,
    most: int = MOST_ROWS,
    scale: str | Limits = "layer",
    gamma: float | None = None,
    title: str | None = None,
    only: str = "",
) -> Figure:
    """Return a page with a row of feature maps for each layer, of the first image.

    Args:
        maps: of a recording; nothing runs.
        paths: of the layers; None for all that can be drawn but what stands before an
            activation inside a convolution.
        count: how many channels of a layer, the first ones.
        most: how many layers at most; of more they are taken evenly from early to late.
        scale: as in :func:`plot_feature_maps`, ``"shared"`` for the whole page.
        gamma: as in :func:`plot_feature_maps`.
        title: None for the model's name.
        only: which layers these are; said behind their number.

    Raises:
        ValueError: no layer that can be drawn, a wrong value.
        TypeError: a wrong kind.
    """
    whole_number("count", count, minimum=1)
    rows = whole_number("most", most, minimum=1)
    check_scale(scale)
    check_look(gamma, None)
    check_title(title)
    known = paths_of_outputs(maps) if paths is None else list(paths)
    drawable = [path for path in known if can_be_shown(maps, path)]
    if not drawable:
        raise ValueError("layers must give maps of numbers; got none that can be drawn")
    places = np.linspace(0, len(drawable) - 1, rows).round().astype(int)
    some = [drawable[place] for place in np.unique(places)]
    sheets = [_sheet_of_row(maps, path, count, scale, gamma) for path in some]
    others = [one_line(path) for path in known if path not in drawable]
    notes = [_note_on_rows(len(some), len(drawable), only), sheets[0].batch]
    notes += [f"not drawn, no values along axes: {', '.join(others)}"] if others else []
    heading = one_line(maps.model) if title is None else title
    words = PageWords(heading, " · ".join(note for note in notes if note))
    return network_figure(sheets, inputs_as_pictures(maps), words, tiles=count)


def _note_on_rows(shown_count: int, count: int, only: str) -> str:
    note = f"{shown_count} of {count} layers shown{only}"
    if shown_count < count:
        note += f", evenly from early to late; for the other {count - shown_count} name layers"
        note += " or raise most"
    return note


def _sheet_of_row(
    maps: FeatureMaps, path: str, most: int, scale: str | Limits, gamma: float | None
) -> MapSheet:
    single = maps.arrays[path].ndim < 4 or form_of(maps.channels_last(path).shape[1:]) == "vector"
    count = MOST_IN_STRIP if single else most
    return sheet_from_feature_maps(maps, path, count=count, scale=scale, gamma=gamma)


def can_be_shown(maps: FeatureMaps, path: str) -> bool:
    """Return whether an entry has real numbers along axes that a page can show."""
    values = maps.arrays[path]
    kind = values.dtype
    return (
        1 <= values.ndim <= 5 and values.size > 0 and (kind.kind in "biuf" or "float" in kind.name)
    )


def plot_channel_over_image(
    maps: FeatureMaps,
    path: str,
    channel: int,
    *,
    image: int = 0,
    input_number: int | None = None,
    alpha: float = 0.5,
    scale: str | Limits = "layer",
    gamma: float | None = None,
    palette: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw one channel enlarged, beside the image that went in and over it.

    Every cell keeps its edges. The map is stretched over the whole image, which
    the figure says: what padding and stride shift is not corrected.

    Args:
        maps: what :func:`featviz.feature_maps` returned.
        path: of the layer; its maps are (H, W).
        channel: from 0.
        image: which image, from 0.
        input_number: the input that the layer sees, from 0; None where the model has only one
            input that is an image.
        alpha: opacity of the end of the scale over the image, above 0 and at most 1; a cell
            of 0 is clear.
        scale: as in :func:`plot_feature_maps`.
        gamma: as in :func:`plot_feature_maps`.
        palette: as in :func:`plot_feature_maps`.
        title: None for the model, the path and the channel.

    Returns:
        The figure.

    Raises:
        PathError: no such path.
        ValueError: no such image or channel, a layer without maps (H, W), a model without an
            input that is an image or with several and none chosen, a wrong value.
        TypeError: a wrong kind.

    Example:
        >>> import keras
        >>> from featviz.networks.maps import feature_maps
        >>> layers = [keras.Input((1, 2, 1)), keras.layers.ReLU(name="act")]
        >>> net = keras.Sequential(layers, name="net")
        >>> plot_channel_over_image(feature_maps(net, [[-1.0, 2.0]]), "act", 0).texts[0].get_text()
        'net · act · channel 0'
    """
    real_number("alpha", alpha, above=0, at_most=1)
    check_title(title)
    whole_number("channel", channel, minimum=0)
    if not isinstance(maps, FeatureMaps):
        raise TypeError(f"maps must come from feature_maps(); got {shown(maps)}")
    full = maps.path(path)
    if 0 < maps.arrays[full].ndim < 4 or maps.arrays[full].ndim > 4:
        sizes = size_text(maps.arrays[full].shape[1:])
        has = f"{sizes} values" if sizes else "one value"
        raise ValueError(f"path must have maps (H, W); {one_line(full)!r} has {has}")
    if maps.arrays[full].ndim and maps.arrays[full].size:
        total = maps.channels_last(full).shape[-1]
        checked_index("channel", channel, total, "the number of channels")
    sheet = sheet_from_feature_maps(
        maps, path, image=image, channels=[channel], scale=scale, gamma=gamma, palette=palette
    )
    if sheet.form != "maps":
        raise ValueError(f"path must have maps (H, W); {sheet.path!r} has {sheet.shape} values")
    return channel_figure(sheet, image_of_input(maps, image, input_number), alpha, title)


def plot_top_images(
    top: TopImages,
    *,
    channels: int | Sequence[int] | None = None,
    count: int = 24,
    marks: bool = True,
    title: str | None = None,
) -> Figure:
    """Draw the images that excite each channel most, with their numbers and values.

    A channel that is dead, has no finite value, or one score for every image has no best images;
    its row says so and stays empty.

    Args:
        top: what :func:`top_images` returned.
        channels: channel numbers from 0, or the number of one; None for the first ``count``.
        count: how many channels at most, unless numbers are given.
        marks: whether the cell of the largest value is ringed; the map is stretched over the
            image for that. There is no ring where a map has one value all over, nor where the
            layer may have seen another input than is drawn.
        title: None for the model and the path.

    Returns:
        The figure; it says how many channels and images are not shown.

    Raises:
        ValueError: a channel that was not kept, a wrong value.
        TypeError: a wrong kind.

    Example:
        >>> import keras
        >>> from featviz.networks.top_scores import top_images
        >>> layers = [keras.Input((1, 2, 1)), keras.layers.ReLU(name="act")]
        >>> net = keras.Sequential(layers, name="net")
        >>> images = np.arange(6.0).reshape(3, 1, 2, 1)
        >>> figure = plot_top_images(top_images(net, images, "act", count=1))
        >>> figure.texts[-1].get_text()
        '#2: 5'
    """
    if not isinstance(top, TopImages):
        raise TypeError(f"top must come from top_images(); got {shown(top)}")
    check_title(title)
    true_or_false("marks", marks)
    most = whole_number("count", count, minimum=1)
    if channels is None:
        wanted = top.channels[:most]
    else:
        wanted = checked_or_one("channels", channels, top.total)
    for channel in wanted:
        if channel not in top.channels:
            known = channels_text(top.channels)
            raise ValueError(f"channels must be among those kept, {known}; got {channel}")
    rows = [top.channels.index(channel) for channel in wanted]
    return top_figure(top, rows, title=title, marks=marks)
