"""Which of the layers that pass on show what no other layer has made.

``tf.nn.relu(conv(x))`` is a function of the caller's: no layer gives it, so the next one that
passes it on is the first to show it.
"""

from __future__ import annotations

import weakref
from typing import Any

import keras
import numpy as np

from featviz.networks.graphs import same_bits
from featviz.networks.inputs import Feed
from featviz.networks.recording import Entry
from featviz.networks.roles import is_dropout, role_of_layer
from featviz.networks.runs import Run
from featviz.networks.verdicts import PASSING


def layers_that_show(model: Any, feed: Feed) -> set[str]:
    """Return passing layers that show what a function, or they themselves, made.

    The model runs once more. What was made of its own inputs before any layer made something is
    what the images bring along.

    Args:
        model: a built Keras model.
        feed: one batch.
    """
    found: set[str] = set()
    # Of what is gone the number may come again; a map that is kept may not fit into memory.
    known: dict[int, weakref.ref[Any]] = {}
    making = False

    def look(entry: Entry) -> None:
        nonlocal making
        if role_of_layer(entry.layer) != PASSING:
            making = True
        elif _trains(entry) or (making and any(map(is_new, entry.given))):
            found.add(entry.path)
        known[id(entry.value)] = weakref.ref(entry.value)

    def is_new(tensor: Any) -> bool:
        maker = known.get(id(tensor))
        if maker is not None and maker() is tensor:
            return False
        return tensor.dtype != bool and not any(_holds(tensor, one) for one in feed.arrays)

    Run(model).listen(feed, look)
    return found


def _trains(entry: Entry) -> bool:
    """Whether a dropout or noise changed what it was given: it was called to train."""
    if not is_dropout(entry.layer) or len(entry.given) != 1:
        return False
    given = keras.ops.cast(entry.given[0], entry.value.dtype)
    return not same_bits(np.asarray(given), np.asarray(entry.value))


def _holds(tensor: Any, array: Any) -> bool:
    """Whether a tensor holds the values of an input, of whatever dtype and axes."""
    values = np.asarray(tensor)
    if values.size != np.size(array):
        return False
    return same_bits(values.ravel(), np.asarray(array).astype(values.dtype).ravel())
