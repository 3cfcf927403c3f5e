"""What a diagnosis says in words, with the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from featviz.captions import one_line, share_text, value_text
from featviz.networks.paths import first_text

if TYPE_CHECKING:
    from featviz.networks.diagnosis import Diagnosis, LayerDiagnosis

# As many numbers of channels as a sentence can hold and still be read.
MOST_NUMBERS = 12
# As many names of layers.
MOST_LAYERS = 4
# They only move, cut, drop or join what they are given: what they hold is told of others already.
PASSING_ON = (
    "Flatten", "Reshape", "Permute", "RepeatVector", "Identity", "InputLayer", "ZeroPadding",
    "Cropping", "Dropout", "SpatialDropout", "AlphaDropout", "GaussianDropout", "GaussianNoise",
    "Concatenate",
)  # fmt: skip

# They work on each channel by itself, so what is dead before them is dead after them.
CHANNELWISE = (
    "MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling", "UpSampling",
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "DepthwiseConv", "BatchNormalization",
)  # fmt: skip


def number_text(value: float) -> str:
    """Return a number with three digits, also NaN and infinity.

    Example:
        >>> number_text(0.12345), number_text(float("nan")), number_text(float("-inf"))
        ('0.123', 'NaN', '−∞')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return value_text(value)


def images_text(count: int) -> str:
    """Return over how many images something holds; of one, that it proves little.

    Example:
        >>> images_text(1024), images_text(1)
        ('all 1,024 images', '1 image, and one image proves little')
    """
    return f"all {count:,} images" if count != 1 else "1 image, and one image proves little"


def numbers_text(numbers: Sequence[int]) -> str:
    """Return the first twelve numbers and how many more there are.

    Example:
        >>> numbers_text(range(15))
        '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more'
    """
    return first_text([str(number) for number in numbers], MOST_NUMBERS)


def is_judged(kind: str) -> bool:
    """Whether a layer of this kind makes values of its own.

    Example:
        >>> is_judged("MaxPooling2D"), is_judged("ZeroPadding2D")
        (True, False)
    """
    return not kind.startswith(PASSING_ON)


def sentences_of_layer(layer: LayerDiagnosis, also: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what is wrong with the channels of one layer, one sentence each.

    Args:
        layer: the numbers.
        also: paths of later layers with the same dead and equal channels.
    """
    found = [
        _broken(layer),
        _dead(layer, also),
        _constant(layer),
        _saturated(layer),
        _duplicates(layer, also),
    ]
    name = one_line(layer.path)
    return tuple(f"{name}: {sentence}" for sentence in found if sentence)


def _indices(flags: Any) -> list[int]:
    return [int(index) for index in flags.nonzero()[0]]


def _of(layer: LayerDiagnosis, count: int) -> str:
    """Return ``5 of 64 channels are``; a layer without positions has units."""
    return f"{count:,} of {layer.channels:,} {layer.what}s {'is' if count == 1 else 'are'}"


def _where(layer: LayerDiagnosis) -> str:
    """Return ``at all 9 positions of all 2 images``, or ``for all 2 images``."""
    images = images_text(layer.images)
    return (
        f"at all {layer.positions:,} positions of {images}"
        if layer.positions > 1
        else (f"for {images}")
    )


def _broken(layer: LayerDiagnosis) -> str:
    total = layer.broken_text
    if not total:
        return ""
    numbers = _indices(layer.broken)
    which = f"{layer.what}{'s' * (len(numbers) > 1)} {numbers_text(numbers)}"
    return f"{total} in {which}, first in image {layer.first_broken} (from 0)."


def _dead(layer: LayerDiagnosis, also: Sequence[str]) -> str:
    numbers = _indices(layer.dead)
    if not numbers:
        return ""
    text = f"{_of(layer, len(numbers))} dead (0 {_where(layer)}): {numbers_text(numbers)}"
    return f"{text}{_too(also)}."


def _too(also: Sequence[str]) -> str:
    return f"; the same in {layers_text(also)}" if also else ""


def _constant(layer: LayerDiagnosis) -> str:
    numbers = _indices(layer.constant)
    if not numbers:
        return ""
    each = [f"{number} (all {number_text(float(layer.low[number]))})" for number in numbers]
    values = first_text(each, MOST_NUMBERS)
    return f"{_of(layer, len(numbers))} constant (one value {_where(layer)}): {values}."


def _saturated(layer: LayerDiagnosis) -> str:
    numbers = _indices(layer.saturated)
    if not numbers:
        return ""
    bounds = " or ".join(value_text(bound) for bound in layer.bounds)
    rule = (
        f"at least {share_text(layer.saturated_from)} of the values within "
        f"{value_text(layer.saturation)} of {bounds}"
    )
    alone = "" if layer.images > 1 else f"; over {images_text(1)}"
    return f"{_of(layer, len(numbers))} saturated ({rule}{alone}): {numbers_text(numbers)}."


def _duplicates(layer: LayerDiagnosis, also: Sequence[str]) -> str:
    if not layer.duplicates:
        return ""
    count = sum(len(group) for group in layer.duplicates)
    groups = "; ".join(
        first_text([str(number) for number in group], MOST_NUMBERS, joint=" = ")
        for group in layer.duplicates[:MOST_NUMBERS]
    )
    more = len(layer.duplicates) - MOST_NUMBERS
    groups += f"; {more:,} more groups" if more > 0 else ""
    return f"{_of(layer, count)} equal to another ({_where(layer)}): {groups}{_too(also)}."


def layers_text(paths: Sequence[str]) -> str:
    """Return the first four paths and how many more.

    Example:
        >>> layers_text(["a", "b", "c", "d", "e"])
        'a, b, c, d and 1 more layer'
    """
    return first_text([one_line(path) for path in paths], MOST_LAYERS, "layer")


def sentences_of_diagnosis(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return all that is wrong: NaN and infinity first, then layer by layer."""
    sentences = [*_broken_before(diagnosis), *_first_broken(diagnosis)]
    for layer, also in _judged(diagnosis.layers.values()):
        own = sentences_of_layer(layer, also)
        sentences += own[1:] if layer.broken.any() else own
    return tuple(sentences)


def _broken_before(diagnosis: Diagnosis) -> list[str]:
    """Return sentences about NaN that stood in weights and inputs already."""
    places = [("weight", *told) for told in diagnosis.broken_weights]
    places += [("input", *told) for told in diagnosis.broken_inputs]
    return [
        f"{what} {one_line(name)}: {broken_text(nan, infinite)}."
        for what, name, nan, infinite in places
    ]


def broken_text(nan: int, infinite: int) -> str:
    """Return how many values are NaN and infinite, or nothing.

    Example:
        >>> broken_text(3, 0), broken_text(1, 2), broken_text(0, 0)
        ('3 NaN', '1 NaN and 2 infinite', '')
    """
    counts = ((nan, "NaN"), (infinite, "infinite"))
    return " and ".join(f"{count:,} {what}" for count, what in counts if count)


def _first_broken(diagnosis: Diagnosis) -> list[str]:
    """Return where NaN and infinity begin, and which later layers hide them."""
    layers = list(diagnosis.layers.values())
    broken = [index for index, layer in enumerate(layers) if layer.broken.any()]
    if not broken:
        return []
    first = layers[broken[0]]
    sentence = f"The first layer with NaN or infinity is {sentences_of_layer(first)[0]}"
    later = layers[broken[0] + 1 :]
    also = [layer.path for layer in later if layer.broken.any()]
    clean = [layer for layer in later if not layer.broken.any()]
    if also:
        sentence = f"{sentence[:-1]}; also in {layers_text(also)}."
    if clean:
        why = ", as a max-pool hides NaN" if any("MaxPool" in one.kind for one in clean) else ""
        sentence = f"{sentence[:-1]}; not in {layers_text([one.path for one in clean])}{why}."
    return [sentence]


def _judged(layers: Iterable[LayerDiagnosis]) -> list[tuple[LayerDiagnosis, list[str]]]:
    """Return the layers that are told of, with those that repeat the one before.

    A pool after a dead channel has a dead channel: said once, with the later paths.
    """
    told: list[tuple[LayerDiagnosis, list[str]]] = []
    for layer in layers:
        if not is_judged(layer.kind):
            continue
        if told and _repeats(layer, told[-1][0]):
            told[-1][1].append(layer.path)
        else:
            told.append((layer, []))
    return told


def _repeats(layer: LayerDiagnosis, before: LayerDiagnosis) -> bool:
    """Whether a layer shows what the one before it shows, and nothing more."""
    follows = layer.kind.startswith(CHANNELWISE) or layer.base == before.base
    more = layer.constant.any() or layer.saturated.any() or layer.broken.any()
    if not follows or more or layer.channels != before.channels:
        return False
    found = bool(before.dead.any()) or bool(before.duplicates)
    same = bool((layer.dead == before.dead).all()) and layer.duplicates == before.duplicates
    return found and same
