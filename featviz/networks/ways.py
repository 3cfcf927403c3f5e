"""How images came about, in words: what several ways have in common is told once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from featviz.networks.paths import first_text

# In how many ways images came about, and from how many sizes, is told of in words.
MOST_WAYS = 3
RESIZED = "resized from "
# The steps of one way stand between these.
_JOINT = ", "


def ways_text(ways: Iterable[str]) -> str:
    """Return in one line how images came about.

    Args:
        ways: of each image, its steps between commas; ways that come again count once.

    Example:
        >>> ways_text(["uint8, white is 1", "float32 as given", "uint8, white is 1"])
        'uint8, white is 1 or float32 as given'
        >>> ways_text(f"a picture, white is 1, resized from {size}×9" for size in range(2, 8))
        'a picture, white is 1, resized from 2×9 or 3×9 or 4×9 or 3 other sizes'
        >>> ways_text(["bool as given, 1 channel made 3, resized from 2×2", "bool as given"])
        'bool as given, 1 channel made 3, resized from 2×2; or unchanged'
    """
    sizes: dict[tuple[str, str], list[str]] = {}
    for way in dict.fromkeys(ways):
        before, found, after = way.partition(RESIZED)
        size, joint, rest = after.partition(_JOINT)
        sizes.setdefault((before + found, joint + rest), []).append(size)
    every = [f"{before}{_sizes_text(each)}{after}" for (before, after), each in sizes.items()]
    return _without_repeats([one.split(_JOINT) for one in every])


def _sizes_text(sizes: Sequence[str]) -> str:
    text, more = " or ".join(sizes[:MOST_WAYS]), len(sizes) - MOST_WAYS
    return f"{text} or {more:,} other size{'s' * (more > 1)}" if more > 0 else text


def _without_repeats(ways: list[list[str]]) -> str:
    """Return ways, what all of them begin and end with told once."""
    begin = _common_begin(ways)
    rest = [way[len(begin) :] for way in ways]
    end = _common_begin([way[::-1] for way in rest])[::-1]
    middles = [_JOINT.join(way[: len(way) - len(end)]) or "unchanged" for way in rest]
    # Else the first step of the first way would seem to be one of all.
    joint = "; or " if begin and any(_JOINT in one for one in middles) else " or "
    told = [first_text(middles, MOST_WAYS, "way", joint=joint)] if len(ways) > 1 else []
    return _JOINT.join([*begin, *told, *end])


def _common_begin(ways: list[list[str]]) -> list[str]:
    columns = map(set, zip(*ways, strict=False))
    return [one.pop() for one in itertools.takewhile(lambda found: len(found) == 1, columns)]
