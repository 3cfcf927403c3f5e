"""Where NaN and infinity begin in a model, and which layers end them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from featviz.networks.inputs import Feed
from featviz.networks.recording import Entry
from featviz.networks.runs import Run


class Way(NamedTuple):
    """The way of NaN and infinity through a model, for one batch.

    Attributes:
        first: path of the first layer that gave some, or nothing.
        places: path → number of every layer, in the order of the run.
        ended: path → whether NaN was among what a layer was given, of those that were given some
            and gave none.
    """

    first: str
    places: dict[str, int]
    ended: dict[str, bool]

    def joined(self, later: Way) -> Way:
        """Return what this batch and a later one tell together.

        Args:
            later: of a batch in which a layer broke that had not broken before.
        """
        places = {**self.places, **later.places}
        sooner = later.places.get(later.first, 0) < later.places.get(self.first, 0)
        first = later.first if later.first and sooner else self.first or later.first
        either = {path: nan or self.ended.get(path, False) for path, nan in later.ended.items()}
        return Way(first, places, {**self.ended, **either})

    def is_sooner(self, path: str) -> bool:
        """Whether a layer runs before the first broken one, as far as is known."""
        return self.places.get(path, -1) < self.places.get(self.first, 0)


def way_of_broken(model: Any, feed: Feed) -> Way:
    """Return where NaN and infinity begin, and who ends them.

    The model runs once more, layer by layer: the order of the layers does not tell which of them
    one was given, and not all of them may be looked at.

    Args:
        model: a built Keras model.
        feed: a batch that holds NaN or infinity somewhere on its way.
    """
    broken: list[str] = []
    places: dict[str, int] = {}
    ended: dict[str, bool] = {}

    def look(entry: Entry) -> None:  # at once: all maps together may not fit into memory
        places[entry.path] = len(places)
        given = [_broken(tensor) for tensor in entry.given]
        if any(_broken(entry.value)):
            broken.append(entry.path)
        elif any(map(any, given)):
            ended[entry.path] = any(nan for nan, _ in given)

    run = Run(model)
    run.listen(feed, look)
    return Way(broken[0] if broken else "", places, ended)


def _broken(tensor: Any) -> tuple[bool, bool]:
    """Return whether a tensor holds NaN, and whether infinity."""
    values = np.asarray(tensor)
    if values.dtype.kind in "OSUbiuc":
        return False, False
    return bool(np.isnan(values).any()), bool(np.isinf(values).any())
