"""The stages of a small run once more, with exact numbers.

Where the pixels, the kernel and the bias are whole numbers and fractions, so are the results:
2.6190476 could be many numbers, but 3·3/7 + 2·4/6 is 55/21. They are given only where the whole
array of the run lies within its rounding of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

from featviz.exact import exact_number
from featviz.extraction import Extraction
from featviz.kernels import Kernel
from featviz.vocabulary import STAGES

Rows = list[list[Any]]
Numbers = dict[Any, Fraction]

# Typed pixels are tenths or quarters; the k/255 of a photograph is read as a decimal.
_LARGEST_PIXEL_DENOMINATOR = 100
# With five digits above or below the line a decimal is easier to read.
_LARGEST_READABLE = 9999
# What a stage may cost: all of 64×64 pixels under 3×3, in some hundredths of a second.
_MOST_PRODUCTS = 2**16
# Float32 rounds a filtered value, a slope, their product and a mean by half a unit each.
_STORED = 4 * 2.0**-24
_ACTIVATIONS: dict[str, Callable[[Fraction], Fraction]] = {
    "linear": lambda value: value,
    "relu": lambda value: max(value, Fraction(0)),
    "relu6": lambda value: min(max(value, Fraction(0)), Fraction(6)),
    "abs": abs,
}


def _exact_numbers(values: Iterable[Any]) -> Numbers:
    """Return what each value is, nothing if one is no whole number or fraction."""
    found: Numbers = {}
    for value in values:
        if value not in found:
            number = exact_number(value)
            if isinstance(number, float):
                return {}
            found[value] = Fraction(number)
    return found


def pixel_numbers(run: Extraction) -> Numbers:
    """Return what the pixels of a small run are, if they are numbers of a lesson.

    Args:
        run: of :func:`featviz.extract`.

    Returns:
        Value → number; nothing of a large image, a photograph, or floats of unknown origin.
    """
    if not run.is_exact:
        return {}
    found = _exact_numbers(run.image.ravel().tolist())
    return found if _common_denominator(found) <= _LARGEST_PIXEL_DENOMINATOR else {}


def _common_denominator(numbers: Numbers) -> int:
    return math.lcm(*(number.denominator for number in numbers.values()))


def exact_maps(run: Extraction, index: int, kernel: Kernel, pixels: Numbers) -> Iterator[Rows]:
    """Give the exact stages of one map in order, up to the first that is not known.

    Args:
        run: of :func:`featviz.extract`.
        index: of the map, from 0.
        kernel: which made it.
        pixels: of :func:`pixel_numbers`.

    Yields:
        Filter, detect and condense, (H, W): fractions, of long ones their decimals.
    """
    for stage, (rows, slack) in zip(
        STAGES[1:], _exact_stages(run, index, kernel, pixels), strict=False
    ):
        stored = run.stage(stage)[:, :, index].tolist()
        cells = zip(*map(chain.from_iterable, (stored, rows, slack)), strict=True)
        if not all(abs(value - float(number)) <= most for value, number, most in cells):
            return  # an activation that is not what its name says, or more than float32 holds
        yield [[_readable(number) for number in row] for row in rows]


def _readable(number: Fraction) -> Fraction | float:
    short = max(abs(number.numerator), number.denominator) <= _LARGEST_READABLE
    decimal = float(number)
    # Rounded as it is printed it would look like a whole number, which it is not.
    seems_whole = number.denominator > 1 and float(f"{decimal:.6g}").is_integer()
    return number if short or seems_whole else decimal


def _exact_stages(
    run: Extraction, index: int, kernel: Kernel, pixels: Numbers
) -> Iterator[tuple[Rows, Rows]]:
    """Give each stage with how far its array may lie from it."""
    filtered = _filtered(run, index, kernel, pixels)
    if not filtered:
        return
    places = [(i, j) for i, row in enumerate(filtered) for j in range(len(row))]
    errors = run.sums(index).errors_at(places)

    def slack(rows: Rows) -> Rows:
        bounds = iter(errors)
        return [[next(bounds) + _STORED * abs(float(number)) for number in row] for row in rows]

    yield filtered, slack(filtered)
    activation = _exact_activation(run.settings.activation)
    if not activation:
        return
    detected = [[activation(number) for number in row] for row in filtered]
    yield detected, slack(detected)
    average = run.settings.pool.endswith("average")
    condensed = _pooled(detected, run, _mean if average else max)
    if condensed:
        yield condensed, _pooled(slack(detected), run, max)


def _filtered(run: Extraction, index: int, kernel: Kernel, pixels: Numbers) -> Rows:
    """Return the sums of one map; no rows if they are not known or are too many."""
    sums = run.sums(index)
    weights = _exact_numbers(weight for line in kernel.rows for weight in line)
    bias = _exact_numbers([sums.bias])
    (rows, columns), (tops, lefts) = (
        [places.tolist() for places in pair] for pair in (sums.sources, sums.starts)
    )
    cost = len(rows) * len(columns) * kernel.shape[0] * kernel.shape[1]
    if not (weights and bias) or cost > _MOST_PRODUCTS:
        return []
    # Whole numbers over one denominator: sums of fractions would take many times as long.
    parts, share = _common_denominator(pixels), _common_denominator(weights)
    whole = {value: int(number * parts) for value, number in pixels.items()}
    cells = [[sum(whole[value] for value in cell) for cell in row] for row in sums.cells.tolist()]
    plane = [[cells[i][j] if min(i, j) >= 0 else 0 for j in columns] for i in rows]
    down, across = sums.dilation
    taps = [
        (i * down, j * across, int(weights[weight] * share))
        for i, line in enumerate(kernel.rows)
        for j, weight in enumerate(line)
    ]

    def total(top: int, left: int) -> Fraction:
        products = (weight * plane[top + i][left + j] for i, j, weight in taps)
        return Fraction(sum(products), parts * share) + bias[sums.bias]

    return [[total(top, left) for left in lefts] for top in tops]


def _exact_activation(words: str) -> Callable[[Fraction], Fraction] | None:
    """Return the activation on fractions, None where its results are none."""
    leaky = re.fullmatch(r"leaky_relu\((?:negative_slope|alpha)=(0|0\.\d+|1)\)", words)
    if not leaky:
        return _ACTIVATIONS.get(words)
    slope = Fraction(leaky[1])
    return lambda value: max(value, slope * value)


def _mean(cells: list[Fraction]) -> Fraction:
    return sum(cells, Fraction(0)) / len(cells)


def _pooled(rows: Rows, run: Extraction, choose: Callable[[Any], Any]) -> Rows:
    """Return what a pool makes of a map; no rows if that takes too many cells."""
    if run.settings.pool == "none":
        return rows
    down, across = [(0, len(rows))], [(0, len(rows[0]))]
    if run.pool_axes:
        down, across = (
            [
                (max(start, 0), min(start + axis.window, axis.size))
                for start in range(
                    -axis.before, axis.outputs * axis.stride - axis.before, axis.stride
                )
            ]
            for axis in run.pool_axes
        )
    cost = sum(end - start for start, end in down) * sum(end - start for start, end in across)
    if cost > _MOST_PRODUCTS:
        return []
    return [
        [choose([number for row in rows[top:bottom] for number in row[left:right]])
         for left, right in across]
        for top, bottom in down
    ]  # fmt: skip
