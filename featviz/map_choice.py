"""Values of a layer for one image: floats, form, statistics, chosen channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz._check import one_of, real_number, shown, whole_number
from featviz.captions import value_text
from featviz.networks.values import FeatureMaps
from featviz.panels import LEAST_GAMMA, MOST_GAMMA, Limits, limits_from_numbers
from featviz.stats import MapStats, cast_floats, hide_lowest_floats, lowest_float
from featviz.vocabulary import CHANNEL_CHOICES, MAP_SCALES, PALETTES

Values = npt.NDArray[np.floating[Any]]

# float32 holds every value of these.
_SMALL = ("bool", "int8", "uint8", "int16", "uint16", "float16", "bfloat16", "float32")


def check_scale(scale: Any) -> Limits | None:
    """Return limits that were given as numbers, None for the name of a scale."""
    if isinstance(scale, str):
        one_of("scale", scale, MAP_SCALES, also=" or two numbers (low, high)")
        return None
    return limits_from_numbers(scale, MAP_SCALES)


def check_look(gamma: Any, palette: Any) -> None:
    """Raise if this is no exponent of a display, or no palette; None is either."""
    if gamma is not None and not LEAST_GAMMA <= real_number("gamma", gamma, above=0) <= MOST_GAMMA:
        rule = f"gamma must be from {LEAST_GAMMA:g} to {MOST_GAMMA:g}"
        raise ValueError(f"{rule}; got {shown(gamma)}")
    if palette is not None:
        one_of("palette", palette, PALETTES)


def checked_index(argument: str, value: Any, below: int, what: str) -> int:
    """Return a number from 0 that is below ``below``, the number of ``what``."""
    number = whole_number(argument, value, minimum=0)
    if number >= below:
        raise ValueError(f"{argument} must be below {below}, {what}; got {number}")
    return number


def checked_numbers(argument: str, numbers: Any, total: int, *, also: str = "") -> tuple[int, ...]:
    """Return the channels or features that were asked for, by their numbers.

    Args:
        argument: its name, such as ``channels``.
        numbers: from 0, at least one.
        total: how many there are.
        also: what else the argument may be, for the error.

    Example:
        >>> checked_numbers("channels", [3, 0], 4)
        (3, 0)
    """
    one = argument.removesuffix("s")
    several = isinstance(numbers, (Sequence, np.ndarray)) and not isinstance(numbers, str)
    if not several or getattr(numbers, "ndim", 1) == 0:
        raise TypeError(f"{argument} must be {one} numbers{also}; got {shown(numbers)}")
    if len(numbers) == 0:
        raise ValueError(f"{argument} must hold at least one {one} number; got none")
    what = f"of {total} {argument} from 0"
    return tuple(checked_index(argument, number, total, what) for number in numbers)


def checked_or_one(argument: str, numbers: Any, total: int) -> tuple[int, ...]:
    """Return :func:`checked_numbers` of several numbers, or of the number of one.

    Example:
        >>> checked_or_one("channels", 3, 4)
        (3,)
    """
    one = numbers[()] if isinstance(numbers, np.ndarray) and numbers.ndim == 0 else numbers
    several = one if isinstance(one, Iterable) else [one]
    return checked_numbers(argument, several, total, also=" or None")


def floats_from(values: npt.NDArray[Any], path: str) -> Values:
    """Return numbers as float32, or float64 where float32 would not hold them all.

    The lowest float of their type stays the lowest float.

    Raises:
        TypeError: no real numbers.
    """
    kind = values.dtype
    if kind.kind not in "biuf" and "float" not in kind.name:
        raise TypeError(f"path must have real numbers; {path!r} has {kind}")
    small = kind.name in _SMALL or ("float" in kind.name and kind.itemsize < 4)
    return cast_floats(values, np.float32 if small else np.float64)


def cell_word(value: Any) -> str:
    """Return one value of :func:`floats_from` as one word, be it NaN.

    Example:
        >>> cell_word(np.float32(0.78431)), cell_word(np.float32("-inf"))
        ('0.784', '−∞')
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    return "lowest" if value == lowest_float(value.dtype) else value_text(float(value))


def form_of(shape: tuple[int, ...]) -> str:
    """Return how values of one image are shown: maps, volume, sequence or vector.

    Example:
        >>> form_of((56, 56, 64)), form_of((1, 1, 64)), form_of((50, 64))
        ('maps', 'vector', 'sequence')
    """
    if len(shape) > 4:
        raise ValueError(f"path must have at most 5 axes with that of the images; got {shape}")
    if np.prod(shape[:-1]) == 1:
        return "vector"
    return {2: "sequence", 3: "maps", 4: "volume"}[len(shape)]


def paths_of_outputs(maps: FeatureMaps) -> list[str]:
    """Return the paths but those before an activation whose outcome is there, too."""
    return [
        path
        for path in maps
        if not (path.endswith(":filter") and f"{path.removesuffix(':filter')}:detect" in maps)
    ]


def stats_of_channels(values: Values) -> list[MapStats]:
    """Return the numbers about every channel of (…, F), as ``map_stats`` would.

    Example:
        >>> import numpy as np
        >>> [stats.high for stats in stats_of_channels(np.float32([[[1, 5], [2, 4]]]))]
        [2.0, 5.0]
    """
    flat = values.reshape(-1, values.shape[-1])
    zeros = np.count_nonzero(flat == 0, axis=0) / len(flat)
    low, high = flat.min(axis=0), flat.max(axis=0)
    nan = infinite = lowest = np.zeros(flat.shape[1], int)
    bottom = lowest_float(flat.dtype)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low > bottom).all()):
        lowest = (flat == bottom).sum(axis=0)
        whole = np.isfinite(flat) & (flat != bottom)
        low = np.where(whole, flat, np.inf).min(axis=0)
        high = np.where(whole, flat, -np.inf).max(axis=0)
        none = ~whole.any(axis=0)
        low, high = np.where(none, 0, low), np.where(none, 0, high)
        nan, infinite = np.isnan(flat).sum(axis=0), np.isinf(flat).sum(axis=0)
    shape = (len(flat), 1) if values.ndim < 3 else (len(flat) // values.shape[-2], values.shape[-2])
    rows = zip(low, high, zeros, nan, infinite, lowest, strict=True)
    return [
        MapStats(shape, float(low), float(high), float(share), *map(int, counts))
        for low, high, share, *counts in rows
    ]


def chosen_channels(
    values: Values, stats: Sequence[MapStats], channels: Any, count: Any
) -> tuple[int, ...]:
    """Return which channels are shown, in their order."""
    total = values.shape[-1]
    most = total if count is None else whole_number("count", count, minimum=1)
    if channels is None:
        return tuple(range(min(most, total)))
    if isinstance(channels, str):
        one_of("channels", channels, CHANNEL_CHOICES, also=", None or channel numbers")
        order = np.argsort(-_strength(values, stats, channels), kind="stable")
        return tuple(int(channel) for channel in order[:most])
    return checked_numbers("channels", channels, total, also=", a word or None")


def _strength(values: Values, stats: Sequence[MapStats], choice: str) -> Values:
    """Return what orders the channels, of all cells that hold a true value."""
    flat = hide_lowest_floats(values).reshape(-1, values.shape[-1])
    most = max(max(abs(item.low), abs(item.high)) for item in stats) or 1.0
    scaled = flat.astype(np.float64) / most  # so that no square overflows
    if any(item.broken for item in stats):
        scaled[~np.isfinite(flat)] = np.nan
        scaled[:, np.isnan(scaled).all(axis=0)] = 0.0
    if choice == "strongest":
        strength: Values = np.nanmean(np.abs(scaled), axis=0)
    else:
        strength = np.nanstd(scaled, axis=0)
    return strength
