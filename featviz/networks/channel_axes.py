"""On which axis the channels of a layer's maps stand."""

from __future__ import annotations

import weakref
from typing import Any

import keras
import tensorflow as tf

from featviz.networks.recording import Entry

# Whatever came in, these put what they count as features on the last axis, or axes anew.
_LAST = (
    keras.layers.Dense, keras.layers.EinsumDense, keras.layers.RNN, keras.layers.Bidirectional,
    keras.layers.Embedding, keras.layers.MultiHeadAttention, keras.layers.Permute,
    keras.layers.Reshape,
)  # fmt: skip


class ChannelAxes:
    """Follows the channels through a run: layers tell, keep or move them."""

    def __init__(self) -> None:
        self._first = keras.config.image_data_format() == "channels_first"
        self._met = self._first
        self._known: dict[int, tuple[weakref.ref[Any], bool]] = {}

    def after(self, entry: Entry) -> int:
        """Return the axis of the channels in what an entry gave: 1 or −1.

        Args:
            entry: the next of the run.
        """
        data_format = getattr(entry.layer, "data_format", None)
        if not self._met and data_format != "channels_first":
            return -1  # nearly always, so the shape is not asked, which takes its time
        self._met = True
        first = len(entry.value.shape) > 2 and self._is_first(entry, data_format)
        self._known[id(entry.value)] = weakref.ref(entry.value), first
        if len(entry.value.shape) > 2:
            self._first = first
        return 1 if first else -1

    def _is_first(self, entry: Entry, data_format: str | None) -> bool:
        told = self._told(entry.value)  # a model gives what its last layer gave
        if told is not None:
            return told
        if data_format is not None:
            return data_format == "channels_first"
        if isinstance(entry.layer, _LAST):
            return False
        # What was not recorded, such as x + 1 between two layers, is as the last that was.
        return any(
            (self._first if (known := self._told(given)) is None else known)
            and _keeps_axes(given, entry.value)
            for given in entry.given
        )

    def _told(self, tensor: tf.Tensor) -> bool | None:
        held, first = self._known.get(id(tensor), (None, False))
        return first if held is not None and held() is tensor else None


def _keeps_axes(given: tf.Tensor, value: tf.Tensor) -> bool:
    """Whether a layer may have kept the axes: the channels, or all but the channels."""
    one, other = tuple(given.shape), tuple(value.shape)
    return len(one) == len(other) and (one[1] == other[1] or one[2:] == other[2:])
