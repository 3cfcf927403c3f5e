"""What went into a model over all batches: sizes, ranges, how they came about."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from featviz._check import size_text
from featviz.networks.fitting import ends_of
from featviz.networks.inputs import Feed, ends_text, with_names
from featviz.networks.values import Array
from featviz.networks.ways import ways_text


def ways_of_feeds(feeds: Iterable[Feed]) -> list[dict[str, None]]:
    """Return for each input how the images of all batches came about, each way once."""
    each = (feed.ways or tuple((note,) for note in feed.notes) for feed in feeds)
    columns = zip(*each, strict=True)
    return [dict.fromkeys(itertools.chain.from_iterable(column)) for column in columns]


@dataclass(slots=True)
class _Input:
    """What one input was given so far; dicts keep each thing once, in order."""

    images: int = 0
    size: int = 0
    nan: int = 0
    infinite: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    sizes: dict[tuple[int, ...], None] = field(default_factory=dict)
    dtypes: dict[str, None] = field(default_factory=dict)
    ways: dict[str, None] = field(default_factory=dict)

    def add(self, array: Array, ways: dict[str, None]) -> None:
        ends = ends_of(array)
        self.images += len(array)
        self.size += array.size
        nan = int(np.isnan(array).sum()) if ends.wrong else 0
        self.nan, self.infinite = self.nan + nan, self.infinite + ends.wrong - nan
        if ends.wrong < array.size:
            self.low, self.high = min(self.low, ends.low), max(self.high, ends.high)
        if len(array) or not self.sizes:
            self.sizes[array.shape[1:]] = self.dtypes[str(array.dtype)] = None
            self.ways |= ways

    def line(self) -> str:
        one = next(iter(self.sizes))
        several = len(self.sizes) > 1
        sizes = f"{self.images:,} of several sizes" if several else size_text((self.images, *one))
        ends = ends_text(self.low, self.high, self.nan + self.infinite, self.size)
        return f"{sizes} {' or '.join(self.dtypes)}, {ends} ({ways_text(self.ways)})"


class InputsSeen:
    """The inputs of a model over all batches.

    Attributes:
        names: of the inputs, known after the first batch.

    Example:
        >>> import numpy as np
        >>> seen = InputsSeen()
        >>> for number in (1, 5):
        ...     seen.add(Feed((np.full((2, 3), number, np.float32),), ("as given",)))
        >>> seen.lines()
        ('4×3 float32, 1 to 5 (as given)',)
    """

    def __init__(self) -> None:
        self._inputs: list[_Input] = []
        self.names: tuple[str, ...] = ()

    def add(self, feed: Feed) -> None:
        """Take what one batch gives to each input."""
        if not self._inputs:
            self._inputs, self.names = [_Input() for _ in feed.arrays], feed.inputs
        for one, array, ways in zip(self._inputs, feed.arrays, ways_of_feeds([feed]), strict=True):
            one.add(array, ways)

    @property
    def broken(self) -> tuple[tuple[int, int], ...]:
        """How many values of each input are NaN, and how many infinite."""
        return tuple((one.nan, one.infinite) for one in self._inputs)

    def lines(self) -> tuple[str, ...]:
        """Return one line for each input, as ``FeatureMaps.went_in`` has it."""
        return with_names((one.line() for one in self._inputs), self.names)
