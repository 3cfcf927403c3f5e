"""Which layers end NaN and infinity: they are given some, and give none."""

from __future__ import annotations

from typing import Any

import numpy as np

from featviz.networks.inputs import Feed
from featviz.networks.recording import Entry
from featviz.networks.runs import Run


def layers_that_end(model: Any, feed: Feed) -> dict[str, bool]:
    """Return path → whether NaN was among what a layer was given, and ended.

    The model runs once more, layer by layer: the order of the layers does not tell which of them
    one was given.

    Args:
        model: a built Keras model.
        feed: a batch that holds NaN or infinity somewhere on its way.
    """
    ended: dict[str, bool] = {}

    def look(entry: Entry) -> None:  # at once: all maps together may not fit into memory
        given = [_broken(tensor) for tensor in entry.given]
        if any(map(any, given)) and not any(_broken(entry.value)):
            ended[entry.path] = any(nan for nan, _ in given)

    run = Run(model)
    run.listen(feed, look)
    return ended


def _broken(tensor: Any) -> tuple[bool, bool]:
    """Return whether a tensor holds NaN, and whether infinity."""
    values = np.asarray(tensor)
    if values.dtype.kind in "OSUbiuc":
        return False, False
    return bool(np.isnan(values).any()), bool(np.isinf(values).any())
