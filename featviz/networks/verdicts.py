"""What a diagnosis says in words, with the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from featviz.captions import MOST_DIGITS, one_line, share_text, value_text
from featviz.networks.paths import counted_text, first_text

if TYPE_CHECKING:
    from featviz.networks.diagnosis import Diagnosis, LayerDiagnosis

# As many numbers of channels as a sentence can hold and still be read.
MOST_NUMBERS = 12
# As many names of layers.
MOST_LAYERS = 4
# What sort of work a layer does: it only moves, cuts, drops or joins what it is given; it works on
# each channel by itself; it does so, and passes over NaN.
PASSING, CHANNELWISE, MAX_POOL = "passing", "channelwise", "max-pool"


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


def images_text(count: int, missed: int = 0) -> str:
    """Return over how many images something holds; of one, that it proves little.

    Args:
        count: of the images.
        missed: how many others a layer did not run for.

    Example:
        >>> images_text(1024), images_text(1)
        ('all 1,024 images', '1 image, and one image proves little')
        >>> images_text(4, 8)
        'the 4 of 12 images for which it ran'
    """
    if count == 1:
        return f"{_ran(1, missed) if missed else '1 image'}, and one image proves little"
    return f"the {_ran(count, missed)} for which it ran" if missed else f"all {count:,} images"


def _ran(count: int, missed: int) -> str:
    return f"{count:,} of {counted_text(count + missed, 'image')}"


def numbers_text(numbers: Sequence[int]) -> str:
    """Return the first twelve numbers and how many more there are.

    Example:
        >>> numbers_text(range(15))
        '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more'
    """
    return first_text([str(number) for number in numbers], MOST_NUMBERS)


def sentences_of_layer(
    layer: LayerDiagnosis, also: Sequence[str] = (), *, pooled: bool = False
) -> tuple[str, ...]:
    """Return what is wrong with the channels of one layer, one sentence each.

    Args:
        layer: the numbers.
        also: paths of later layers with the same dead and equal channels.
        pooled: whether a max-pool is known to stand before it.
    """
    found = [
        _broken(layer, pooled=pooled or layer.role == MAX_POOL),
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
    whole = counted_text(layer.channels, layer.what)
    return f"{count:,} of {whole} {'is' if count == 1 else 'are'}"


def _where(layer: LayerDiagnosis) -> str:
    """Return ``at all 9 positions of all 2 images``, or ``for all 2 images``."""
    images = images_text(layer.images, layer.missed)
    if None in layer.shape:
        return f"at all positions of {images}"
    at = "" if layer.positions == 1 else f"at all {layer.positions:,} positions of "
    return f"{at or 'for '}{images}"


def _broken(layer: LayerDiagnosis, *, pooled: bool) -> str:
    total = layer.broken_text
    if not total:
        return ""
    numbers = _indices(layer.broken)
    which = f"{layer.what}{'s' * (len(numbers) > 1)} {numbers_text(numbers)}"
    first = layer.first_broken
    where = "" if first is None else f", first in image {first} (from 0)"
    cause = " (a max-pool gives it for NaN)" * bool(pooled and layer.stats.lowest_count.any())
    return f"{total}{cause} in {which}{where}."


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
    each = [f"{number} (all {_constant_text(float(layer.low[number]))})" for number in numbers]
    values = first_text(each, MOST_NUMBERS)
    return f"{_of(layer, len(numbers))} constant (one value {_where(layer)}): {values}."


def _constant_text(value: float) -> str:
    """Return a value in as many digits as it takes not to call it a whole number.

    What is all 0.9999 is no sigmoid at its end.
    """
    for digits in range(3, MOST_DIGITS + 1):
        text = value_text(value, digits)
        if value.is_integer() or not float(text.replace("−", "-")).is_integer():
            break
    return text


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
    each = [
        first_text([str(number) for number in group], MOST_NUMBERS, joint=" = ")
        for group in layer.duplicates
    ]
    groups = first_text(each, MOST_NUMBERS, "group", joint="; ")
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


def sentence_of_health(diagnosis: Diagnosis) -> str:
    """Return that nothing is wrong, as far as that is so.

    Args:
        diagnosis: one without a verdict.
    """
    passed = [
        f"{one_line(layer.path)} ({marks})"
        for layer in diagnosis.layers.values()
        if ":" in (marks := marks_of_layer(layer))
    ]
    which = "No channel that a layer makes" if passed else "No channel"
    words = f"{which} is dead, constant, saturated or equal to another; no NaN, no infinity."
    if passed:
        words += f" Passed on as they come in: {first_text(passed, MOST_LAYERS, 'layer')}."
    return words if diagnosis.images > 1 else f"{words} One image proves little."


def marks_of_layer(layer: LayerDiagnosis) -> str:
    """Return how many channels there are, and what is wrong with how many."""
    counts = (
        (int(layer.not_finite.sum()), "with NaN or infinity"),
        (int((layer.stats.lowest_count > 0).sum()), "with the lowest float"),
        (int(layer.dead.sum()), "dead"),
        (int(layer.constant.sum()), "constant"),
        (int(layer.saturated.sum()), "saturated"),
        (sum(map(len, layer.duplicates)), "equal"),
    )
    found = [f"{count:,} {what}" for count, what in counts if count]
    whole = counted_text(layer.channels, layer.what)
    return f"of {whole}: {', '.join(found)}" if found else whole


def notes_of_diagnosis(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return what is not told of, or of some images only, or of parts of them."""
    notes = []
    for path, layer in diagnosis.layers.items():
        if layer.missed:
            notes.append(f"{one_line(path)}: ran for {_ran(layer.images, layer.missed)} only")
        if layer.maps_each > 1:
            notes.append(f"{one_line(path)}: gave {layer.maps_each:,} maps for each image")
    unseen = diagnosis.unseen.items()
    return (*notes, *(f"{one_line(path)}: not told of; it {why}" for path, why in unseen))


def _broken_before(diagnosis: Diagnosis) -> list[str]:
    """Return sentences about NaN that stood in weights and inputs already."""
    places = [("weight", *told) for told in diagnosis.broken_weights]
    places += [("input", *told) for told in diagnosis.broken_inputs]
    return [
        f"{what} {one_line(name)}: {broken_text(nan, infinite)}."
        for what, name, nan, infinite in places
    ]


def broken_text(nan: int, infinite: int, lowest: int = 0) -> str:
    """Return how many values are NaN, infinite and the lowest float, or nothing.

    Example:
        >>> broken_text(3, 0), broken_text(1, 2), broken_text(1, 2, 3)
        ('3 NaN', '1 NaN and 2 infinite', '1 NaN, 2 infinite and 3 lowest float')
    """
    counts = ((nan, "NaN"), (infinite, "infinite"), (lowest, "lowest float"))
    *most, last = [f"{count:,} {what}" for count, what in counts if count] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _first_broken(diagnosis: Diagnosis) -> list[str]:
    """Return where NaN and infinity begin, and which layers they do not leave."""
    layers = list(diagnosis.layers.values())
    broken = [layer for layer in layers if layer.broken.any()]
    if not broken:
        return []
    begins = diagnosis.begins
    known = [layer for layer in broken if layer.not_finite.any()]
    first = next((layer for layer in known if layer.path == begins), (known or broken)[0])
    told = sentences_of_layer(first, pooled=_is_pooled(first, layers))[0][:-1]
    if begins and begins not in diagnosis.layers:
        then = "then " if known else ""  # the lowest float may come from elsewhere
        told = f"{one_line(begins)}, of which no numbers were kept; {then}{told}"
    what = "NaN or infinity" if begins or known else "the lowest float"
    also = [layer.path for layer in known or broken if layer is not first]
    parts = [
        f"The first layer with {what} is {told}",
        f"also in {layers_text(also)}" if also else "",
        _lowest_alone([layer for layer in broken if known and layer not in known], layers),
        *_not_in(diagnosis, layers[layers.index(first) + 1 :]),
    ]
    return [f"{'; '.join(part for part in parts if part)}."]


def _is_pooled(layer: LayerDiagnosis, layers: Sequence[LayerDiagnosis]) -> bool:
    """Whether a layer is a max-pool or stands after one."""
    return any(one.role == MAX_POOL for one in layers[: layers.index(layer) + 1])


def _lowest_alone(lowest: Sequence[LayerDiagnosis], layers: Sequence[LayerDiagnosis]) -> str:
    """Return which layers with the lowest float have no NaN, or nothing."""
    if not lowest:
        return ""
    cause = ", which a max-pool gives for NaN and what follows takes for a number,"
    pooled = _is_pooled(lowest[0], layers)
    return f"as the lowest float{cause * pooled} in {layers_text([one.path for one in lowest])}"


def _not_in(diagnosis: Diagnosis, later: Iterable[LayerDiagnosis]) -> Iterator[str]:
    """Yield which layers were given NaN or infinity and have none."""
    clean = [one for one in later if one.path in diagnosis.ended and not one.broken.any()]
    hiding = [one.path for one in clean if one.role == MAX_POOL and diagnosis.ended[one.path]]
    others = [one.path for one in clean if one.path not in hiding]
    if others:
        yield f"not in {layers_text(others)}"
    if hiding:
        yield f"not in {layers_text(hiding)}, as a max-pool hides NaN"


def _judged(layers: Iterable[LayerDiagnosis]) -> list[tuple[LayerDiagnosis, list[str]]]:
    """Return the layers that are told of, with those that repeat the one before.

    A pool after a dead channel has a dead channel: said once, with the later paths. Layers that
    only pass on what they are given are not told of, but where there are no others.
    """
    told: list[tuple[LayerDiagnosis, list[str]]] = []
    every = list(layers)
    for layer in [one for one in every if one.role != PASSING] or every:
        if told and _repeats(layer, told[-1][0]):
            told[-1][1].append(layer.path)
        else:
            told.append((layer, []))
    return told


def _repeats(layer: LayerDiagnosis, before: LayerDiagnosis) -> bool:
    """Whether a layer shows what the one before it shows, and nothing more."""
    follows = layer.role in (CHANNELWISE, MAX_POOL) or layer.base == before.base
    more = layer.constant.any() or layer.saturated.any() or layer.broken.any()
    like = layer.channels == before.channels and layer.missed == before.missed
    if not follows or more or not like:
        return False
    found = bool(before.dead.any()) or bool(before.duplicates)
    same = bool((layer.dead == before.dead).all()) and layer.duplicates == before.duplicates
    return found and same
