"""What a network was given, as a picture: its own numbers, nothing guessed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from featviz.captions import value_text
from featviz.map_choice import Values, checked_index, floats_from
from featviz.networks.values import FeatureMaps
from featviz.panels import Limits
from featviz.vocabulary import BROKEN_COLOUR, BROKEN_WORDS

Colours = npt.NDArray[np.float32]


def image_that_went_in(maps: FeatureMaps, image: int = 0) -> Values:
    """Return one image as it went into the model, (H, W, C), channels last.

    Args:
        maps: of a recording.
        image: which, from 0.

    Raises:
        ValueError: no input of the model is an image; no such image.
    """
    first = any(info.channel_axis == 1 for info in maps.layers.values())
    for batch in maps.images:
        if batch.ndim != 4:
            continue
        number = checked_index("image", image, len(batch), "the images that were recorded")
        values = floats_from(batch[number], "image")
        return np.moveaxis(values, 0, -1) if first and values.shape[0] in (1, 3, 4) else values
    shapes = ", ".join(str(batch.shape[1:]) for batch in maps.images) or "none"
    raise ValueError(f"maps must come from an image (H, W, C); the model was given {shapes}")


def range_of_images(images: list[Values]) -> Limits:
    """Return the finite range of several images; 0, 1 if they lie within."""
    ends = [image[np.isfinite(image)] for image in images]
    low = min((float(one.min()) for one in ends if one.size), default=0.0)
    high = max((float(one.max()) for one in ends if one.size), default=0.0)
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def colours_of_image(values: Values, limits: Limits) -> Colours:
    """Return an image (H, W, C) as colours (H, W, 3) in 0..1.

    Args:
        values: three channels are red, green and blue as they went in; others give their mean.
        limits: what is black and what is white.

    Example:
        >>> colours_of_image(np.array([[[0.0], [255.0]]]), (0.0, 255.0))[..., 0].tolist()
        [[0.0, 1.0]]
    """
    broken = ~np.isfinite(values).all(axis=-1)
    plain = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
    if values.shape[-1] != 3:
        plain = np.repeat(plain.mean(axis=-1, keepdims=True), 3, axis=-1)
    span = limits[1] - limits[0]
    colours = (np.clip((plain - limits[0]) / (span or 1.0), 0, 1)).astype(np.float32)
    colours[broken] = np.array(BROKEN_COLOUR) / 255
    return colours


def image_words(values: Values, limits: Limits) -> str:
    """Return what must be said of such a picture; nothing where it shows plain 0..1."""
    words = []
    if limits != (0.0, 1.0):
        words.append(f"{value_text(limits[0])} is black, {value_text(limits[1])} white")
    if values.shape[-1] not in (1, 3):
        words.append(f"mean of {values.shape[-1]} channels")
    if not np.isfinite(values).all():
        words.append(BROKEN_WORDS)
    return ", ".join(words)
