"""Two sides of a comparison as text and Markdown."""

from __future__ import annotations

import math

from featviz._check import size_text
from featviz.captions import one_line, share_text
from featviz.networks.comparison import Comparison, LayerComparison
from featviz.networks.paths import counted_text
from featviz.networks.verdicts import layers_text, number_text
from featviz.render.headed_tables import check_asked, text_from_headed_table

HEADINGS = (
    "layer",
    "maps",
    "mean |b − a|",
    "largest",
    "at",
    "relative",
    "cosine",
    "equal",
    "broken",
)


def text_from_comparison(comparison: Comparison, *, form: str = "text") -> str:
    """Return how the layers of two sides differ, a row for each.

    Args:
        comparison: what :func:`featviz.compare` returned.
        form: ``"text"`` or ``"markdown"``.

    Returns:
        Lines without a line break at the end: mean and largest |b − a|, where the largest is
        (image, row, column, channel, from 0), ‖b − a‖ / ‖a‖, the cosine between a and b, the share
        of equal cells, and how many cells are NaN, infinite or the lowest float
        of their type, which a max-pool gives for NaN.

    Raises:
        TypeError: no comparison.
        ValueError: an unknown form.

    Example:
        >>> import keras
        >>> from featviz.networks.comparing import compare
        >>> detect = keras.layers.ReLU(name="detect")
        >>> model = keras.Sequential([keras.Input((2,)), detect], name="net")
        >>> told = compare(model, None, [[1.0, 2.0]], other_images=[[-1.0, 4.0]])
        >>> print(text_from_comparison(told))
        Comparison of a and b: 1 layer, 0 identical
        a: net, 1×2 float32, 1 to 2 (float64 as given)
        b: net, 1×2 float32, −1 to 4 (float64 as given)
        <BLANKLINE>
        layer   maps  mean |b − a|  largest    at  relative  cosine  equal  broken
        detect   1×2           1.5        2  0, 1         1   0.894    0 %       0
    """
    check_asked("comparison", comparison, Comparison, "compare", form)
    head, *notes = _head(comparison)
    rows = [HEADINGS, *(_row(told) for told in comparison.layers.values())]
    return text_from_headed_table(head, notes, rows, form)


def _head(comparison: Comparison) -> list[str]:
    names = [one_line(name) for name in comparison.names]
    same = sum(told.identical for told in comparison.layers.values())
    layers = counted_text(len(comparison.layers), "layer")
    lines = [f"Comparison of {names[0]} and {names[1]}: {layers}, {same:,} identical"]
    sides = zip(names, (comparison.a, comparison.b), comparison.went_in, strict=True)
    for name, maps, went_in in sides:
        lines.append(f"{name}: {one_line(maps.model)}, {'; '.join(went_in)}")
    if comparison.kept < comparison.images:
        lines.append(
            f"numbers over all {comparison.images:,} images; maps kept of the first "
            f"{comparison.kept:,}"
        )
    broken = [told.path for told in comparison.layers.values() if told.broken_count]
    if broken:
        lowest = any(told.lowest_count for told in comparison.layers.values())
        what = "NaN, infinity or the lowest float" if lowest else "NaN or infinity"
        lines.append(f"{what}, left out of the numbers: {layers_text(broken)}")
    for name, paths in zip(names, (comparison.only_a, comparison.only_b), strict=True):
        if paths:
            lines.append(f"only in {name}: {layers_text(paths)}")
    for path, sizes in comparison.unlike.items():
        one, other = map(size_text, sizes)
        lines.append(
            f"{one_line(path)}: not compared, {one} in {names[0]} and {other} in {names[1]}"
        )
    lines += [
        f"{one_line(path)}: not compared; it {why}" for path, why in comparison.unseen.items()
    ]
    return lines


def _row(told: LayerComparison) -> tuple[str, ...]:
    matched = told.path == told.other_path
    return (
        one_line(told.path) + ("" if matched else f" and {one_line(told.other_path)}"),
        size_text(told.shape),
        number_text(told.mean_difference),
        number_text(told.largest_difference),
        ", ".join(map(str, told.place)) if told.place and told.largest_difference else "–",
        number_text(told.relative_difference),
        "–" if math.isnan(told.cosine) else _cosine_text(told.cosine),
        share_text(told.equal_share),
        f"{told.broken_count:,}",
    )


def _cosine_text(cosine: float) -> str:
    """Return a cosine; what is nearly ±1 is not written as ±1."""
    text = number_text(cosine)
    nearly = abs(cosine) != 1 and text in ("1", "−1")
    return ("≈" + text) if nearly else text
