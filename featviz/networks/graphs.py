"""The recording of a model as a graph that computes as an eager run does.

TensorFlow rewrites a graph before it runs: convolution, bias and ReLU become one kernel, which
makes 0 of NaN, and log(1 + x) becomes log1p. Numbers would depend on which layers are asked for
and on how many images there are, so nothing is rewritten here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context

from featviz.networks.recording import Entry, Recorder, recording
from featviz.networks.selection import Selection
from featviz.networks.values import Array


class RecordingGraph:
    """Gives path → array of the layers that are wanted.

    Args:
        model: a built Keras model.
        layers: all of it.
        wanted: as in :func:`feature_maps`.
        tensors: one batch, in the structure in which the model takes it.
        any_count: whether any number of images may go in at once.
    """

    def __init__(
        self, model: Any, layers: Iterable[Any], wanted: Any, tensors: Any, *, any_count: bool
    ) -> None:
        specs = keras.tree.map_structure(lambda one: _spec(one, any_count=any_count), tensors)

        def record(given: Any) -> dict[str, tf.Tensor]:
            values: dict[str, tf.Tensor] = {}
            selection = Selection(wanted)

            def keep(entry: Entry) -> None:
                if selection.takes(entry.path, entry.layer):
                    values[entry.path] = entry.value

            with recording(Recorder(keep), layers):
                model(given, training=False)
            return values

        self._specs = keras.tree.flatten(specs)
        self._function = tf.function(record, autograph=False).get_concrete_function(specs)

    def takes(self, tensors: Any) -> bool:
        """Whether the graph was made for tensors of these sizes."""
        return all(
            spec.is_compatible_with(tensor)
            for spec, tensor in zip(self._specs, keras.tree.flatten(tensors), strict=True)
        )

    def run(self, tensors: Any) -> dict[str, Array]:
        """Return path → array of one batch."""
        with _as_written():
            return arrays_from_tensors(self._function(tensors))


@contextmanager
def _as_written() -> Iterator[None]:
    """Run the graphs of this thread without rewriting them."""
    # The public switch is one for all threads.
    here = context.context()
    before = here.function_call_options
    config = config_pb2.ConfigProto.FromString(before.config_proto_serialized)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    here.function_call_options = context.FunctionCallOptions(before.executor_type, config)
    try:
        yield
    finally:
        here.function_call_options = before


def _spec(tensor: Any, *, any_count: bool) -> tf.TensorSpec:
    shape = [None, *tensor.shape[1:]] if any_count else tensor.shape
    return tf.TensorSpec(shape, tensor.dtype)


def arrays_from_tensors(values: dict[str, tf.Tensor]) -> dict[str, Array]:
    """Return path → array of path → tensor."""
    return {path: np.asarray(value) for path, value in values.items()}


def same_bits(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same bits, but that NaN is NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    ours, theirs = (
        np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in (one, other)
    )
    if np.array_equal(ours, theirs):
        return True
    size = one.dtype.itemsize
    places = (ours != theirs).reshape(-1, size).any(axis=1)
    values = (one.reshape(-1)[places], other.reshape(-1)[places])
    return one.dtype.kind not in "biu" and all(bool(np.isnan(part).all()) for part in values)
