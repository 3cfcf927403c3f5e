"""Channels that are equal in every cell of every image, found batch by batch.

All channels begin as one group. Each batch splits the groups by the values themselves, so what is
still together at the end was equal throughout. A fingerprint comes first: after it only
channels that most likely are equal are compared cell by cell.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from featviz.networks.values import Array

Indices = npt.NDArray[np.intp]
# Values worked on at once: two megabytes of float64, which a processor keeps near.
BLOCK = 2**18


def blocks_of(rows: Array, columns: int) -> Iterator[Array]:
    """Yield (N, F) rows in parts of about :data:`BLOCK` values of so many columns."""
    step = max(1, BLOCK // max(columns, 1))
    return (rows[start : start + step] for start in range(0, len(rows), step))


class Twins:
    """Which channels of a layer have been equal so far.

    Args:
        channels: how many there are.

    Attributes:
        groups: of the channels that are still equal to another, each in rising order.

    Example:
        >>> twins = Twins(3)
        >>> twins.add(np.array([[1, 2, 1], [0, 5, 0]]))
        >>> [group.tolist() for group in twins.groups]
        [[0, 2]]
    """

    def __init__(self, channels: int) -> None:
        self.groups: list[Indices] = [np.arange(channels)] if channels > 1 else []

    def add(self, rows: Array) -> None:
        """Split the groups by more values, (N, F); NaN equals nothing."""
        if len(rows):
            self.groups = [part for group in self.groups for part in _split(rows, group)]


def _split(rows: Array, group: Indices) -> Iterator[Indices]:
    """Yield the parts of a group whose columns are equal, of two or more."""
    keys = _fingerprints(rows, group)
    for key in dict.fromkeys(keys.tolist()):
        left = group[keys == key]
        while len(left) > 1:
            same = _equal_to_first(rows, left)
            if same.sum() > 1:
                yield left[same]
            same[0] = True  # a column of NaN is not even equal to itself
            left = left[~same]


def _fingerprints(rows: Array, group: Indices) -> npt.NDArray[np.uint64]:
    """Return a number for each column; equal columns have equal ones.

    Source:
        Sums of keys times random odd weights, modulo 2⁶⁴: Dietzfelbinger, Universal hashing and
        k-wise independent random variables via integer arithmetic without primes, STACS 1996.
    """
    random = np.random.default_rng(0)
    sums = np.zeros(len(group), np.uint64)
    for block in blocks_of(rows, len(group)):
        values = block[:, group].astype(np.float64) + 0.0  # −0 becomes 0
        bits = values.view(np.uint64)
        bits ^= bits >> np.uint64(32)  # a float32 leaves the lower half nearly empty
        weights = random.integers(0, 2**63, len(block), np.uint64) * np.uint64(2) + np.uint64(1)
        sums += (bits * weights[:, None]).sum(axis=0)
    return sums


def _equal_to_first(rows: Array, columns: Indices) -> npt.NDArray[np.bool_]:
    same = np.ones(len(columns), np.bool_)
    for block in blocks_of(rows, len(columns)):
        part = block[:, columns]
        same &= (part == part[:, :1]).all(axis=0)
    return same
