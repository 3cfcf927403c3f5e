"""A model and an image in one figure: its layers, and what one cell sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from featviz._check import whole_number
from featviz.captions import one_line
from featviz.images import image_name, read_image
from featviz.map_choice import check_look, check_scale
from featviz.networks.maps import feature_maps
from featviz.networks.receptive import receptive_field, shape_for_image
from featviz.networks.runs import check_model
from featviz.panels import Limits
from featviz.render.field_plots import figure_from_field
from featviz.render.map_plots import page_from_feature_maps


def plot_network(
    model: Any,
    image: Any,
    layers: Any = None,
    *,
    count: int = 8,
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
            where there is none. Of more than 24 layers 24 are shown, evenly from early to
            late, and the page says so.
        count: how many channels of a layer, the first ones.
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
    check_scale(scale)
    check_look(gamma, None)
    check_model(model)
    wanted = _steps_of(model) if layers is None else layers
    maps = feature_maps(
        model, image, wanted, resize=resize, white=white, preprocess=preprocess, finite=finite
    )
    if (images := len(next(iter(maps.values())))) != 1:
        raise ValueError(f"image must be one image; got {images}")
    return page_from_feature_maps(
        maps, None if layers is None else list(maps), count=count, scale=scale, gamma=gamma,
        title=title, only=" (convolutions and pools)" * (layers is None and wanted is not None),
    )  # fmt: skip


def _steps_of(model: Any) -> Callable[[Any], bool] | None:
    """Return what chooses convolutions and pools; None where the model has none."""
    return _is_step if any(_is_step(layer) for layer in model._flatten_layers()) else None


def _is_step(layer: Any) -> bool:
    return any(word in type(layer).__name__ for word in ("Conv", "Pool"))


def plot_receptive_field(
    image: Any, model: Any, path: str, *, cell: int | tuple[int, int], title: str | None = None
) -> Figure:
    """Draw the part of an image that one cell of a layer sees, the rest dimmed.

    Args:
        image: anything :func:`featviz.read_image` takes, (H, W) of the size that goes in.
        model: a built ``keras.Model`` with one input.
        path: of the layer, as in a recording.
        cell: (row, column) of its map, from 0.
        title: a line above the figure; None: the path and the cell.

    Returns:
        The figure. Where the window reaches beyond the image, padding is drawn as light grey.

    Raises:
        ValueError: as :func:`featviz.receptive_field`, or an image that cannot be read.
        TypeError: a wrong kind.

    Example:
        >>> import keras
        >>> layer = keras.layers.Conv2D(1, 3, padding="same", name="conv")
        >>> model = keras.Sequential([keras.Input((4, 5, 1)), layer])
        >>> ramp = [[0, 1, 2, 3, 4]] * 4
        >>> plot_receptive_field(ramp, model, "conv", cell=(0, 1)).texts[0].get_text()
        'conv · cell (0, 1)'
    """
    pixels = read_image(image)
    shape = shape_for_image(model, pixels.shape)
    field = receptive_field(model, path, cell, input_shape=shape)
    return figure_from_field(field, pixels, name=one_line(image_name(image)), title=title)
