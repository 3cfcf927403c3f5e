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
_OVER_TIME = (keras.layers.ConvLSTM1D, keras.layers.ConvLSTM2D, keras.layers.ConvLSTM3D)


class ChannelAxes:
    """Follows the channels through a run: layers tell, keep or move them."""

    def __init__(self) -> None:
        self._met = keras.config.image_data_format() == "channels_first"
        self._last = 1 if self._met else -1
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        # Of the maps whose channels do not stand last: without the batch, and the axis.
        self._shapes: set[tuple[tuple[int, ...], int]] = set()

    def after(self, entry: Entry) -> int:
        """Return the axis of the channels in what an entry gave: −1, 1, or 2 behind time.

        Args:
            entry: the next of the run.
        """
        data_format = _data_format(entry.layer)
        if not self._met and data_format != "channels_first":
            return -1  # nearly always, so the shape is not asked, which takes its time
        self._met = True
        shape = tuple(entry.value.shape)
        axis = self._axis_of(entry, data_format) if len(shape) > 2 else -1
        self._known[id(entry.value)] = weakref.ref(entry.value), axis
        if axis != -1:
            self._shapes.add((shape[1:], axis))
        if len(shape) > 2:
            self._last = axis
        return axis

    def _axis_of(self, entry: Entry, data_format: str | None) -> int:
        told = self._told(entry.value)  # a model gives what its last layer gave
        if told is not None:
            return told
        if data_format is not None:
            return _first_axis(entry.layer) if data_format == "channels_first" else -1
        if isinstance(entry.layer, _LAST):
            return -1
        axes = [
            axis
            for given in entry.given
            if (axis := self._axis_given(given)) != -1
            and _keeps_axes(tuple(given.shape)[1:], tuple(entry.value.shape)[1:], axis)
        ]
        return axes[0] if axes else -1

    def _axis_given(self, tensor: tf.Tensor) -> int:
        """Return the axis in what a layer was given: told, or as in maps alike."""
        told = self._told(tensor)
        if told is not None or not self._shapes:
            return self._last if told is None else told
        # What was not recorded, such as x + 1 or a transpose between two layers.
        shape = tuple(tensor.shape)[1:]
        like = [axis for known, axis in self._shapes if _keeps_axes(known, shape, axis)]
        return like[0] if like and self._last != -1 else -1

    def _told(self, tensor: tf.Tensor) -> int | None:
        held, axis = self._known.get(id(tensor), (None, -1))
        return axis if held is not None and held() is tensor else None


def _data_format(layer: Any) -> str | None:
    inside = layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer
    told: str | None = getattr(inside, "data_format", None)
    return told


def _first_axis(layer: Any) -> int:
    """Return where the channels of a channels-first layer stand, behind time."""
    over_time = isinstance(layer, _OVER_TIME) and layer.return_sequences
    return 2 if over_time or isinstance(layer, keras.layers.TimeDistributed) else 1


def _keeps_axes(one: tuple[int, ...], other: tuple[int, ...], axis: int) -> bool:
    """Whether a layer may have kept the axes: the channels, or all but the channels.

    Args:
        one: the shape before, without the batch.
        other: the shape after.
        axis: of the channels, with the batch.
    """
    if len(one) != len(other) or len(one) < axis:
        return False
    at = axis - 1
    return one[at] == other[at] or one[:at] + one[at + 1 :] == other[:at] + other[at + 1 :]
