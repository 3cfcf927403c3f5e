"""What a network was given, as a picture: before ``preprocess``, nothing guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featviz._check import size_text, whole_number
from featviz.captions import value_text
from featviz.map_choice import Values, checked_index, floats_from
from featviz.networks.values import FeatureMaps
from featviz.panels import Limits
from featviz.vocabulary import BROKEN_COLOUR, BROKEN_WORDS

Colours = npt.NDArray[np.float32]

# A picture of files and bytes; its range is shown whole, so that a dark one stays dark.
WHITE_OF_BYTES = 255.0
# Resizing rounds: what is white may come out as 255.00003.
ROUNDING = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class InputPicture:
    """One input of a model as a picture.

    Attributes:
        number: of the input, from 0.
        values: (H, W, C), channels last, before ``preprocess``.
        sizes: in words; of a sequence which way it lies.
        changed: whether ``preprocess`` made something else of it.
        series: whether it is a sequence (T, C), its steps down.
        name: of the input; nothing where it is not known.
    """

    number: int
    values: Values
    sizes: str
    changed: bool
    series: bool = False
    name: str = ""


def inputs_as_pictures(maps: FeatureMaps, image: int = 0) -> list[InputPicture]:
    """Return the inputs that are images (H, W, C) or sequences (T, C), of one image.

    Args:
        maps: of a recording.
        image: which, from 0.

    Raises:
        ValueError: no such image.
    """
    first = any(info.channel_axis == 1 for info in maps.layers.values())
    found = []
    for number, (batch, went_in) in enumerate(zip(maps.pictures, maps.images, strict=True)):
        if batch.ndim not in (3, 4) or not batch.size:
            continue
        place = checked_index("image", image, len(batch), "the images that were recorded")
        values, fed = floats_from(batch[place], "image"), floats_from(went_in[place], "image")
        changed = values.shape != fed.shape or not np.array_equal(values, fed, equal_nan=True)
        sizes, series = size_text(values.shape), batch.ndim == 3
        if series:
            values, sizes = values[..., None], f"{sizes}, steps down"
        elif first and values.shape[0] in (1, 3, 4):
            values = np.moveaxis(values, 0, -1)
        name = maps.names[number] if maps.names else ""
        found.append(InputPicture(number, values, sizes, changed, series, name))
    return found


def first_image(maps: FeatureMaps, image: int = 0) -> InputPicture:
    """Return the first input that is an image (H, W, C).

    Args:
        maps: of a recording.
        image: which, from 0.

    Raises:
        ValueError: no input of the model is an image; no such image.
    """
    if found := images_among_inputs(maps, image):
        return found[0]
    shapes = ", ".join(str(batch.shape[1:]) for batch in maps.images) or "none"
    raise ValueError(f"maps must come from an image (H, W, C); the model was given {shapes}")


def images_among_inputs(maps: FeatureMaps, image: int = 0) -> list[InputPicture]:
    """Return the inputs that are images (H, W, C), of one image; no sequences."""
    return [one for one in inputs_as_pictures(maps, image) if not one.series]


def image_of_input(maps: FeatureMaps, image: int, number: int | None) -> InputPicture:
    """Return an input that is an image: the only one, or that which is named.

    Args:
        maps: of a recording.
        image: which, from 0.
        number: of the input, from 0; None where only one is an image.

    Raises:
        ValueError: no input of the model is an image; several are and none was chosen; no such
            image or input.
        TypeError: no whole number.
    """
    found = images_among_inputs(maps, image)
    if number is not None:
        number = whole_number("input_number", number, minimum=0)
    if not found or (number is None and len(found) == 1):
        return first_image(maps, image)
    return picture_of_number(found, number)


def picture_of_number(found: Sequence[InputPicture], number: int | None) -> InputPicture:
    """Return the picture of one input.

    Args:
        found: the pictures to choose from, at least one.
        number: of the input, from 0.

    Raises:
        ValueError: none of them is of this input.
    """
    for one in found:
        if one.number == number:
            return one
    known = ", ".join(f"{one.number} ({one.sizes})" for one in found)
    kinds = dict.fromkeys("sequences" if one.series else "images" for one in found)
    raise ValueError(
        f"input_number must be one of {known}, the inputs that are {' or '.join(kinds)}, from 0; "
        f"got {number}"
    )


def range_of_images(images: list[Values]) -> Limits:
    """Return what is black and what is white for several images.

    Returns:
        0, 1 if they lie within; 0, 255 for pictures that have such a range; else their ends.
    """
    ends = [image[np.isfinite(image)] for image in images]
    low = min((float(one.min()) for one in ends if one.size), default=0.0)
    high = max((float(one.max()) for one in ends if one.size), default=0.0)
    positive, over = low >= -ROUNDING * high, 1 + ROUNDING
    if positive and high <= over:
        return 0.0, 1.0
    bytes_like = positive and WHITE_OF_BYTES / 4 < high <= WHITE_OF_BYTES * over
    return (0.0, WHITE_OF_BYTES) if bytes_like else (low, high)


def colours_of_image(values: Values, limits: Limits) -> Colours:
    """Return an image (H, W, C) as colours (H, W, 3) in 0..1.

    Args:
        values: three channels are red, green and blue; others give their mean.
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


def image_words(values: Values, limits: Limits, *, changed: bool = False) -> str:
    """Return what must be said of such a picture; nothing where it shows plain 0..1.

    Args:
        values: (H, W, C).
        limits: what is black and what is white.
        changed: whether ``preprocess`` made something else of it.
    """
    words = ["before preprocess"] if changed else []
    if limits != (0.0, 1.0):
        words.append(f"{value_text(limits[0])} is black, {value_text(limits[1])} white")
    if values.shape[-1] not in (1, 3):
        words.append(f"mean of {values.shape[-1]} channels")
    if not np.isfinite(values).all():
        words.append(BROKEN_WORDS)
    return ", ".join(words)
