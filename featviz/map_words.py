"""The words about feature maps: what is shown, what is dead, constant or NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from featviz.captions import one_line, range_text, value_text
from featviz.networks.values import FeatureMaps
from featviz.stats import MapStats
from featviz.vocabulary import BROKEN_WORDS

# More channel numbers than these are counted, not listed.
MOST_NUMBERS = 8
NUMBERED = ", numbered from 0"


def short_mark(stats: MapStats) -> str:
    """Return what must not be overlooked of one map in few letters.

    Example:
        >>> short_mark(MapStats((2, 2), 0.0, 0.0, 1.0, 0, 0))
        'dead'
    """
    if stats.broken:
        return broken_cells_text(stats)
    if stats.shape == (1, 1):
        return ""
    if stats.dead:
        return "dead"
    return f"constant {value_text(stats.low)}" if stats.constant else ""


def name_options(name: str, mark: str) -> list[str]:
    """Return a map's name with its mark, the longest first, for where there is room.

    Example:
        >>> name_options("7", "3 NaN"), name_options("7", "constant 0.5")
        (['7: 3 NaN', '7 NaN', '7'], ['7 constant 0.5', '7 constant', '7'])
    """
    if not mark:
        return [name]
    words = mark.replace(",", "").split(" ")
    if mark[0].isdigit():
        return [f"{name}: {mark}", f"{name} {words[1]}", name]
    return [f"{name} {mark}", f"{name} {words[0]}", name]


def room_for_marks(
    names: Sequence[str], marks: Sequence[str], width: Callable[[str], float]
) -> float:
    """Return the room that marked maps need for their name and one word; 0 for none.

    Args:
        names: of the maps.
        marks: of the maps, or nothing.
        width: of a text.

    Example:
        >>> room_for_marks(["7", "1003"], ["", "constant 0.5"], len)
        13
    """
    short = (name_options(*pair)[-2] for pair in zip(names, marks, strict=True) if pair[1])
    return max(map(width, short), default=0.0)


def broken_cells_text(stats: MapStats) -> str:
    """Return how many cells are NaN, infinite or the lowest float, or nothing."""
    words = (
        (stats.nan_count, "NaN"),
        (stats.infinite_count, "infinite"),
        (stats.lowest_count, "lowest float"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in words if count)


def green_words(stats: Iterable[MapStats]) -> str:
    """Return what green cells are, where there are any.

    Example:
        >>> green_words([MapStats((2, 2), 0.0, 1.0, 0.0, 0, 0, 2)])
        'green: NaN, infinite or the lowest float, which a max-pool gives for NaN'
    """
    broken = [item for item in stats if item.broken]
    if any(item.lowest_count for item in broken):
        return "green: NaN, infinite or the lowest float, which a max-pool gives for NaN"
    return BROKEN_WORDS if broken else ""


def channels_text(numbers: Sequence[int]) -> str:
    """Return channel numbers in words: a run as its ends, else at most eight.

    Example:
        >>> channels_text([3, 4, 5]), channels_text([7, 2])
        ('3 to 5', '7, 2')
    """
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    more = len(numbers) - MOST_NUMBERS
    text = ", ".join(map(str, numbers[:MOST_NUMBERS]))
    return f"{text} and {more:,} more" if more > 0 else text


def layer_words(maps: FeatureMaps, full: str) -> str:
    """Return what a layer is: ``Conv2D 3×3, 64 features, same, relu``."""
    info = maps.layers[full]
    return f"{one_line(info.kind)} {one_line(info.settings)}".strip()


def shown_words(chosen: Sequence[int], total: int, choice: Any) -> str:
    """Return how many channels of how many are shown, and which.

    Example:
        >>> shown_words((5, 2), 64, "strongest")
        '2 of 64 channels shown, numbered from 0, the strongest first (mean magnitude)'
    """
    text = f"{len(set(chosen)):,} of {total:,} channel{'s' * (total > 1)} shown{NUMBERED}"
    if isinstance(choice, str):
        measure = {"strongest": "mean magnitude", "most_varied": "standard deviation"}[choice]
        text += f", the {choice.replace('_', ' ')} first ({measure})"
    return text


def shown_without_labels(shown: str, chosen: Sequence[int]) -> str:
    """Return :func:`shown_words` for maps without their numbers: these are listed.

    Example:
        >>> shown_without_labels("2 of 64 channels shown, numbered from 0", (5, 2))
        '2 of 64 channels shown (5, 2, numbered from 0)'
    """
    return shown.replace(NUMBERED, f" ({channels_text(chosen)}{NUMBERED})")


def wrong_words(stats: Sequence[MapStats], *, single: bool) -> str:
    """Return how many channels are dead, constant, with NaN, and which; or nothing.

    Args:
        stats: of every channel of the layer.
        single: whether a channel has one value, which is never dead or constant but 0.

    Example:
        >>> wrong_words([MapStats((2, 2), 0.0, 0.0, 1.0, 0, 0)], single=False)
        '1 dead (0)'
    """
    zero = [i for i, item in enumerate(stats) if item.dead]
    constant = [i for i, item in enumerate(stats) if item.constant and not item.dead]
    nan = [i for i, item in enumerate(stats) if item.nan_count]
    infinite = [i for i, item in enumerate(stats) if item.infinite_count]
    lowest = [i for i, item in enumerate(stats) if item.lowest_count]
    no_value = "is 0" if len(zero) == 1 else "are 0"
    kinds = [(zero, no_value if single else "dead"), ([] if single else constant, "constant")]
    # A vector is drawn as bars, beside which nothing else says what this is.
    cause = ", as a max-pool gives for NaN" if single else ""
    kinds += [(nan, "with NaN"), (infinite, "with infinity")]
    kinds += [(lowest, f"with the lowest float{cause}")]
    return ", ".join(
        f"{len(which):,} {what} ({channels_text(which)})" for which, what in kinds if which
    )


def span_words(stats: Sequence[MapStats]) -> str:
    """Return the range of all channels together: ``−1 to 2.5``."""
    finite = [item for item in stats if item.broken_count < item.shape[0] * item.shape[1]]
    if not finite:
        lowest = any(item.lowest_count for item in stats)
        return "no finite value" + " but the lowest float" * lowest
    low, high = min(item.low for item in finite), max(item.high for item in finite)
    return range_text(MapStats((1, 1), low, high, 0.0, 0, 0))


def scale_words(
    scale: str | tuple[float, float], total: int, gamma: float, *, ends_written: bool = True
) -> str:
    """Return what a colour bar of a layer stands for.

    Args:
        scale: its name, or (low, high).
        total: channels of the layer.
        gamma: exponent of the display.
        ends_written: whether each map has the end of its own scale below it.

    Example:
        >>> scale_words("signed", 64, 0.5)
        'one scale for all 64 channels, symmetric about 0 · gamma 0.5'
    """
    each = "; its largest magnitude is written below it"
    each = each if ends_written else ", whose end is its largest magnitude"
    every = f"one scale for all {total:,} channels" if total > 1 else "one scale for the channel"
    words = {
        "layer": every,
        "signed": f"{every}, symmetric about 0",
        "shared": "one scale for the maps shown",
        "each": f"each map on its own scale{each}",
    }
    text = (
        words[scale] if isinstance(scale, str) else "fixed scale, beyond it the colour of its end"
    )
    return text if gamma == 1.0 else f"{text} · gamma {gamma:g}"


def end_text(stats: MapStats, *, signed: bool) -> str:
    """Return a map's largest magnitude, which is the end of its own scale.

    Args:
        stats: of the map.
        signed: whether its scale has two ends.

    Example:
        >>> stats = MapStats((1, 2), -2.0, 1.0, 0.0, 0, 0)
        >>> end_text(stats, signed=True), end_text(stats, signed=False)
        ('±2', 'max 2')
    """
    most = value_text(max(abs(stats.low), abs(stats.high)))
    return f"±{most}" if signed else f"max {most}"
