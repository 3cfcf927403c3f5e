"""A model that runs batch by batch, its layers recorded."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from featviz._check import shown, true_or_false, whole_number
from featviz.networks.channel_axes import ChannelAxes
from featviz.networks.graphs import RecordingGraph, arrays_from_tensors, same_bits
from featviz.networks.input_specs import (
    built_places,
    in_structure,
    input_structure,
    input_tensors,
    inputs_of_model,
)
from featviz.networks.inputs import Feed
from featviz.networks.keeping import Keeper
from featviz.networks.memory import way_out
from featviz.networks.paths import layers_of_model, name_without_scope
from featviz.networks.recording import Entry, Recorder, recording
from featviz.networks.selection import Selection, choice_from_layers
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
        self._inner = layers_of_model(model)
        self._keeper = Keeper(self._inner)
        self._compiled = None if compiled is None else true_or_false("compiled", compiled)
        self._wanted = choice_from_layers(layers)  # refuses what is no choice before anything runs
        self.layers: dict[str, LayerInfo] = {}
        self.givers: dict[str, Any] = {}
        self.unseen: dict[str, str] = {}
        self._graph: RecordingGraph | None = None

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
        tensors = list(map(tf.convert_to_tensor, feed.arrays))
        # The tensors are copies: what went in stays so when the caller writes into his array.
        feed = feed._replace(arrays=tuple(map(np.asarray, tensors)))
        given = self._structured(tensors, feed.names)
        arrays = (compiling and self._compile(given)) or self._run(given)
        return Batch(arrays, feed)

    def _structured(self, tensors: list[tf.Tensor], names: Iterable[str]) -> Any:
        """Return tensors in the structure in which the model takes them."""
        # Keras warns of a list where a model was made with a dict, and the other way round.
        if input_tensors(self.model):
            return keras.tree.pack_sequence_as(input_structure(self.model), tensors)
        places = built_places(self.model)
        if names and not any(places):  # of the caller's own
            return dict(zip(names, tensors, strict=True))
        return in_structure(tensors, places)

    def _run(self, tensors: Any) -> dict[str, Array]:
        """Return what one batch gives, through the graph if there is one for its sizes."""
        if self._graph is None or not self._graph.takes(tensors):
            return self._eager(tensors, goes_on=True)
        try:
            with self._keeper.unchanged(goes_on=True):
                return self._graph.run(tensors)
        except tf.errors.OpError:
            return self._eager(tensors, goes_on=True)  # which can say how far it comes

    def _eager(self, tensors: Any, *, goes_on: bool) -> dict[str, Array]:
        """Return what one batch gives; layer by layer, as the model is called."""
        selection = Selection(self._wanted)
        entries: list[Entry] = []
        paths: list[str] = []
        axes = ChannelAxes()
        places: list[int] = []

        def keep(entry: Entry) -> None:
            paths.append(entry.path)
            axis = axes.after(entry)
            if selection.takes(entry.path, entry.layer):
                entries.append(entry)
                places.append(axis)

        at_end = self._wanted is None  # all of it is held until then anyway
        recorder, _ = self._record(tensors, keep, goes_on=goes_on, at_end=at_end)
        if not self.layers:
            recorder.add_uncalled(self.model)
            selection.check_found(paths, recorder.unseen)
            self.unseen = dict(recorder.unseen)
        words: dict[int, str] = {}
        for one, at in zip(entries, places, strict=True):
            if one.path not in self.layers:  # a model may choose its layers by the image
                self.givers[one.path], self.layers[one.path] = one.layer, _info(one, at, words)
        return arrays_from_tensors({entry.path: entry.value for entry in entries})

    def _record(
        self,
        tensors: Any,
        keep: Callable[[Entry], None],
        *,
        goes_on: bool = False,
        at_end: bool = False,
    ) -> tuple[Recorder, Any]:
        recorder = Recorder(keep, at_end=at_end)
        told, kept = _told(self.model, recorder, tensors), self._keeper.unchanged(goes_on=goes_on)
        with kept, told, recording(recorder, self._inner):
            try:
                given = self.model(tensors, training=False)
            finally:
                self._keeper.trained |= recorder.trained
        return recorder, given

    def entries(self, feed: Feed) -> tuple[list[Entry], list[Any]]:
        """Return all entries of one batch, and the model's own outputs.

        Args:
            feed: what goes in.
        """
        entries: list[Entry] = []
        axes = ChannelAxes()

        def keep(entry: Entry) -> None:
            entries.append(entry)
            self.layers[entry.path] = _info(entry, axes.after(entry), {})

        outputs = self.listen(feed, keep)
        return entries, keras.tree.flatten(outputs)

    def listen(self, feed: Feed, keep: Callable[[Entry], None]) -> Any:
        """Call the model on one batch and return what it gives.

        Args:
            feed: what goes in.
            keep: called with each entry, whatever layers are wanted.
        """
        given = self._structured(list(map(tf.convert_to_tensor, feed.arrays)), feed.names)
        recorder, outputs = self._record(given, keep)
        recorder.add_uncalled(self.model)
        self.unseen = dict(recorder.unseen)
        return outputs

    def _compile(self, tensors: Any) -> dict[str, Array] | None:
        """Make the graph of the recording; keep it if it gives the very same numbers.

        Returns:
            What the batch gives, where the whole of it had to be run for that.

        Raises:
            ValueError: ``compiled=True``, and there is no such graph.
        """
        any_count = self._takes_any_count()
        first = _first(tensors, 1) if any_count else tensors
        arrays = self._eager(first, goes_on=not any_count)
        runs, whole = [(first, arrays)], not any_count
        if any_count:
            each = sum(array.nbytes for array in arrays.values())
            most = max(1, HELD_AGAINST_BYTES // max(1, each))
            whole = most >= len(keras.tree.flatten(tensors)[0])
            part = tensors if whole else _first(tensors, most)
            if whole or most > 1:
                arrays = self._eager(part, goes_on=whole)
                runs.append((part, arrays))
        why = self._trace(runs, any_count=any_count)
        if why and self._compiled:
            raise ValueError(f"compiled must be False for this model; {why}")
        return arrays if whole else None

    def _takes_any_count(self) -> bool:
        """Whether the model says that it takes any number of images at once."""
        specs = inputs_of_model(self.model)
        return specs[0].shape is not None and all(one.shape[0] is None for one in self.model.inputs)

    def _trace(self, runs: list[tuple[Any, dict[str, Array]]], *, any_count: bool) -> str:
        """Make the graph, and keep it if it gives what eager runs gave, bit for bit.

        Each run makes its own: a model may change between two in ways that cannot be seen.

        Args:
            runs: what went in, and what an eager run gave; of one image and of several, as a layer
                may ask how many there are.
            any_count: as in :class:`RecordingGraph`.

        Returns:
            Why there is none, or nothing.
        """
        named = name_without_scope(layer.name for layer in self._inner)
        if named is not None:  # Keras would leave its scopes open
            return f"no graph takes the name {named!r}"
        try:
            with self._keeper.unchanged():
                graph = RecordingGraph(
                    self.model, self._inner, self._wanted, runs[-1][0], any_count=any_count
                )
            same = all(self._gives(graph, tensors, arrays) for tensors, arrays in runs)
        except Exception as error:
            return f"it cannot be traced: {reason_of_error(error)}"
        if not same:
            return "its graph gives other numbers"
        self._graph = graph
        return ""

    def _gives(self, graph: RecordingGraph, tensors: Any, arrays: dict[str, Array]) -> bool:
        """Whether a graph gives the same numbers, bit for bit."""
        with self._keeper.unchanged():
            again = graph.run(tensors)
        return list(again) == list(arrays) and all(map(same_bits, again.values(), arrays.values()))


def _info(entry: Entry, axis: int, words: dict[int, str]) -> LayerInfo:
    """Return what is told of an entry.

    Args:
        entry: of the recording.
        axis: of its channels.
        words: the settings of the layers that were read before, by ``id``.
    """
    layer = entry.layer
    if (settings := words.get(id(layer))) is None:
        settings = words[id(layer)] = settings_of_layer(layer)
    return LayerInfo(entry.path, layer.name, type(layer).__name__, settings, axis)


def _first(tensors: Any, count: int) -> Any:
    """Return the first so many images of every input."""
    return keras.tree.map_structure(lambda one: one[:count], tensors)


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
        cure = "; read_model opens a file" if isinstance(model, (str, os.PathLike)) else ""
        raise TypeError(f"model must be a keras.Model; got {shown(model)}{cure}")
    parts = () if getattr(model, "inputs", None) else _arguments_needed(model.call)
    if len(parts) > 1:
        raise TypeError(
            f"model must take its inputs as one argument, a list or a dict; {model.name!r} is "
            f"called with {' and '.join(parts)}; wrap it in a keras.Model that takes them as a list"
        )
    if not model.built:
        raise ValueError(
            f"model must be built; {model.name!r} has no weights yet; call "
            "model.build(input_shape) or the model itself once"
        )


def _arguments_needed(call: Callable[..., Any]) -> list[str]:
    """Return the arguments that a call cannot do without."""
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        name
        for name, one in inspect.signature(call).parameters.items()
        if one.kind in plain and one.default is inspect.Parameter.empty and name != "training"
    ]


@contextmanager
def _told(model: Any, recorder: Recorder, tensors: Any) -> Iterator[None]:
    """Say which layers ran when the model fails, and what helps if memory is short."""
    try:
        yield
    except Exception as error:
        said, images = failure_text(recorder.ran, error), len(keras.tree.flatten(tensors)[0])
        raise RuntimeError(
            f"model {model.name!r} failed; {said}{way_out(error, images)}"
        ) from error
