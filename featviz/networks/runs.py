"""A model that runs batch by batch, its layers recorded."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from featviz._check import shown, true_or_false, whole_number
from featviz.networks.inputs import Feed, inputs_of_model
from featviz.networks.keeping import Keeper
from featviz.networks.paths import name_without_scope
from featviz.networks.recording import Entry, Recorder, recording
from featviz.networks.selection import Selection
from featviz.networks.values import Array, LayerInfo
from featviz.networks.words import failure_text, reason_of_error, settings_of_layer

# From so many more batches on, compiling the model pays for itself.
COMPILE_FROM = 4
# The graph is held against the eager run on as many images as this many bytes hold.
HELD_AGAINST_BYTES = 64 * 2**20


class Batch(NamedTuple):
    """What one batch gave: path → array (B, …), and what went in."""

    arrays: dict[str, Array]
    feed: Feed


class Run:
    """A model, the layers that are wanted of it, and how its batches run.

    Args:
        model: a built Keras model.
        layers: as in :func:`feature_maps`.
        batch_size: at least 1.
        compiled: as in :func:`feature_maps`.

    Attributes:
        layers: path → :class:`LayerInfo`, known after the first batch.
        givers: path → the Keras layer itself, known then too.
        unseen: path → why it gave no entry.
    """

    def __init__(
        self, model: Any, layers: Any = None, *, batch_size: int = 32, compiled: bool | None = None
    ) -> None:
        check_model(model)
        self.model = model
        self.batch_size = whole_number("batch_size", batch_size, minimum=1)
        self._inner = model._flatten_layers()
        self._keeper = Keeper(self._inner)
        self._compiled = None if compiled is None else true_or_false("compiled", compiled)
        self._wanted = layers
        Selection(layers)  # refuse what is no choice before anything runs
        self.layers: dict[str, LayerInfo] = {}
        self.givers: dict[str, Any] = {}
        self.unseen: dict[str, str] = {}
        self._function: Any = None
        self._specs: Any = None

    def batches(self, feeds: Iterator[Feed], count: int | None = None) -> Iterator[Batch]:
        """Return what each batch gives, one after the other.

        Args:
            feeds: what goes in.
            count: how many images there are in all; None if that is not known.
        """
        more = None if count is None else -(-count // self.batch_size) - 1
        many = (more is None or more >= COMPILE_FROM) if self._compiled is None else self._compiled
        compiling = itertools.chain([many], itertools.repeat(False))
        # map() has no name for a batch: it may go before the next one comes.
        return map(self._batch, feeds, compiling)

    def _batch(self, feed: Feed, compiling: bool) -> Batch:
        tensors = self._tensors_given(feed)
        # The tensors are copies: what went in stays so when the caller writes into his array.
        given = tuple(np.asarray(tensor) for tensor in keras.tree.flatten(tensors))
        arrays = (compiling and self._compile(tensors)) or self._run(tensors)
        return Batch(arrays, feed._replace(arrays=given))

    def _tensors_given(self, feed: Feed) -> Any:
        """Return the arrays as tensors, in the structure in which the model takes them."""
        tensors = [tf.convert_to_tensor(array) for array in feed.arrays]
        # Keras warns of a list where a model was made with a dict, and the other way round.
        made = getattr(self.model, "_inputs_struct", None)
        if made is not None:
            return keras.tree.pack_sequence_as(made, tensors)
        if feed.names:
            return dict(zip(feed.names, tensors, strict=True))
        return tensors if len(tensors) > 1 else tensors[0]

    def _run(self, tensors: Any) -> dict[str, Array]:
        """Return what one batch gives, through the graph if there is one for its sizes."""
        fits = self._function is not None and all(
            spec.is_compatible_with(tensor)
            for spec, tensor in zip(
                keras.tree.flatten(self._specs), keras.tree.flatten(tensors), strict=True
            )
        )
        if not fits:
            return self._eager(tensors)
        try:
            with self._keeper.unchanged():
                return _arrays(self._function(tensors))
        except tf.errors.OpError:
            return self._eager(tensors)  # which can say how far it comes

    def _eager(self, tensors: Any) -> dict[str, Array]:
        """Return what one batch gives; layer by layer, as the model is called."""
        selection = Selection(self._wanted)
        entries: list[Entry] = []
        paths: list[str] = []
        axes = _ChannelAxes()
        places: list[int] = []

        def keep(entry: Entry) -> None:
            paths.append(entry.path)
            axis = axes.after(entry)
            if selection.takes(entry.path, entry.layer):
                entries.append(entry)
                places.append(axis)

        recorder, _ = self._record(tensors, keep)
        if not self.layers:
            recorder.add_uncalled(self.model)
            selection.check_found(paths, recorder.unseen)
            self.unseen = dict(recorder.unseen)
            self.givers = {one.path: one.layer for one in entries}
            self.layers = {
                one.path: _info(one, at) for one, at in zip(entries, places, strict=True)
            }
        return _arrays({entry.path: entry.value for entry in entries})

    def _record(self, tensors: Any, keep: Callable[[Entry], None]) -> tuple[Recorder, Any]:
        recorder = Recorder(keep)
        told, kept = _told(self.model, recorder), self._keeper.unchanged()
        with told, kept, recording(recorder, self._inner):
            given = self.model(tensors, training=False)
        return recorder, given

    def entries(self, feed: Feed) -> tuple[list[Entry], list[Any]]:
        """Return all entries of one batch, and the model's own outputs.

        Args:
            feed: what goes in.
        """
        entries: list[Entry] = []
        axes = _ChannelAxes()

        def keep(entry: Entry) -> None:
            entries.append(entry)
            self.layers[entry.path] = _info(entry, axes.after(entry))

        recorder, outputs = self._record(self._tensors_given(feed), keep)
        self.unseen = dict(recorder.unseen)
        return entries, keras.tree.flatten(outputs)

    def _compile(self, tensors: Any) -> dict[str, Array] | None:
        """Make the graph of the recording; keep it if it gives the very same numbers.

        Returns:
            What the batch gives, where the whole of it had to be run for that.

        Raises:
            ValueError: ``compiled=True``, and there is no such graph.
        """
        part, any_count = tensors, self._takes_any_count()
        arrays = self._eager(_first(tensors, 1) if any_count else tensors)
        whole = not any_count
        if any_count:
            each = sum(array.nbytes for array in arrays.values())
            most = max(1, HELD_AGAINST_BYTES // max(1, each))
            whole = most >= len(keras.tree.flatten(tensors)[0])
            part = tensors if whole else _first(tensors, most)
            arrays = self._eager(part) if whole or most > 1 else arrays
        why = self._trace(part, arrays, any_count=any_count)
        if why and self._compiled:
            raise ValueError(f"compiled must be False for this model; {why}")
        return arrays if whole else None

    def _takes_any_count(self) -> bool:
        """Whether the model says that it takes any number of images at once."""
        specs = inputs_of_model(self.model)
        return specs[0].shape is not None and all(one.shape[0] is None for one in self.model.inputs)

    def _trace(self, tensors: Any, eager: dict[str, Array], *, any_count: bool) -> str:
        """Make the graph, and keep it if it gives what an eager run gave, bit for bit.

        Each run makes its own: a model may change between two in ways that cannot be seen.

        Returns:
            Why there is none, or nothing.
        """
        specs = keras.tree.map_structure(lambda one: _spec(one, any_count=any_count), tensors)
        named = name_without_scope(layer.name for layer in self._inner)
        if named is not None:  # Keras would leave its scopes open
            return f"no graph takes the name {named!r}"
        try:
            with self._keeper.unchanged():
                graph = _recording_graph(self.model, self._inner, self._wanted, specs)
                again = _arrays(graph(tensors))
        except Exception as error:
            return f"it cannot be traced: {reason_of_error(error)}"
        if list(again) != list(eager) or not all(map(_same, again.values(), eager.values())):
            return "its graph gives other numbers"
        self._function, self._specs = graph, specs
        return ""


def _recording_graph(model: Any, layers: list[Any], wanted: Any, specs: Any) -> Any:
    """Return a function that gives path → tensor of the layers that are wanted."""

    def record(given: Any) -> dict[str, tf.Tensor]:
        values: dict[str, tf.Tensor] = {}
        selection = Selection(wanted)

        def keep(entry: Entry) -> None:
            if selection.takes(entry.path, entry.layer):
                values[entry.path] = entry.value

        with recording(Recorder(keep), layers):
            model(given, training=False)
        return values

    return tf.function(record, autograph=False).get_concrete_function(specs)


class _ChannelAxes:
    """Where the channels stand: some layers say it, the others follow."""

    def __init__(self) -> None:
        self._axis = 1 if keras.config.image_data_format() == "channels_first" else -1

    def after(self, entry: Entry) -> int:
        """Return the axis of the channels in what an entry gave."""
        data_format = getattr(entry.layer, "data_format", None)
        first = self._axis == 1 or data_format == "channels_first"
        if not first or len(entry.value.shape) <= 2:  # a shape takes its time
            return -1
        if data_format is not None:
            self._axis = 1 if data_format == "channels_first" else -1
        return self._axis


def _info(entry: Entry, axis: int) -> LayerInfo:
    layer = entry.layer
    kind, settings = type(layer).__name__, settings_of_layer(layer)
    return LayerInfo(entry.path, layer.name, kind, settings, axis)


def _first(tensors: Any, count: int) -> Any:
    """Return the first so many images of every input."""
    return keras.tree.map_structure(lambda one: one[:count], tensors)


def _spec(tensor: Any, *, any_count: bool) -> tf.TensorSpec:
    shape = [None, *tensor.shape[1:]] if any_count else tensor.shape
    return tf.TensorSpec(shape, tensor.dtype)


def _arrays(values: dict[str, tf.Tensor]) -> dict[str, Array]:
    return {path: np.asarray(value) for path, value in values.items()}


def _same(one: Array, other: Array) -> bool:
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


def check_model(model: Any) -> None:
    """Raise if this is no Keras model that can run.

    Raises:
        TypeError: no Keras model, or Keras on another backend.
        ValueError: a model that was never built.
    """
    if keras.backend.backend() != "tensorflow":
        raise TypeError(
            f"keras must run on tensorflow; got {keras.backend.backend()!r}; set KERAS_BACKEND"
        )
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model; got {shown(model)}")
    if not model.built:
        raise ValueError(
            f"model must be built; {model.name!r} has no weights yet; call "
            "model.build(input_shape) or the model itself once"
        )


@contextmanager
def _told(model: Any, recorder: Recorder) -> Iterator[None]:
    """Say which layers ran when the model fails."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(
            f"model {model.name!r} failed; {failure_text(recorder.ran, error)}"
        ) from error
