"""Batches of one run as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from featviz._check import size_text
from featviz.networks.inputs import Feed, lines_of_inputs
from featviz.networks.inputs_seen import ways_of_feeds
from featviz.networks.runs import Batch, Run
from featviz.networks.values import Array, FeatureMaps, Lines, frozen
from featviz.networks.ways import ways_text


def maps_from_batches(run: Run, parts: Sequence[Batch], arrays: Mapping[str, Array]) -> FeatureMaps:
    """Return what a run gave, with what went in; arrays are read-only.

    Args:
        run: the model that gave the batches.
        parts: at least one batch.
        arrays: path → the maps of all of them.
    """
    images, names = _joined_columns([part.feed.arrays for part in parts]), parts[0].feed.inputs
    ways = ways_of_feeds(part.feed for part in parts)
    return FeatureMaps(
        {path: frozen(values) for path, values in arrays.items()},
        run.layers,
        images,
        Lines(lambda: _lines(images, ways, names)),
        run.model.name,
        run.unseen,
        _joined_columns([part.feed.pictures for part in parts]),
        names,
    )


def _lines(
    images: tuple[Array, ...], ways: list[dict[str, None]], names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return what went in; a figure of one image shows the lines of all of them."""
    lines = lines_of_inputs(images, map(ways_text, ways), names)
    count = len(images[0])
    return tuple(f"{line}, of all {count:,} images" for line in lines) if count > 1 else lines


def _joined_columns(parts: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    """Return for each input the batches as one array, read-only."""
    columns = zip(*parts, strict=True)
    return tuple(frozen(one[0] if len(one) == 1 else np.concatenate(one)) for one in columns)


def check_sizes(first: Feed, other: Feed, cure: str) -> None:
    """Raise where a batch has other sizes than the first.

    Args:
        first: the first batch.
        other: a later one.
        cure: how the sentence ends.

    Raises:
        ValueError: images of another size.
    """
    for one, two in zip(first.arrays, other.arrays, strict=True):
        if one.shape[1:] != two.shape[1:]:
            raise ValueError(
                f"images must have one size; got {size_text(one.shape[1:])} and "
                f"{size_text(two.shape[1:])}; {cure}"
            )
