"""What the layers of a running model give, by path.

For the length of a ``with`` block the layers tell the recorder of the running context what they
give (:mod:`featviz.networks.telling`). So every kind of model is recorded while it runs as it
always does: nothing is rebuilt and no layer is changed.

Paths read as the calls stand in one another: ``backbone/block2_conv1``. A layer that is called
again within the same call gets ``@2``, ``@3``; another layer of the same name gets ``#2``. A layer
with several outputs gets ``[0]``, ``[1]`` or their names. A convolution with its activation inside
gives two entries: ``path:filter`` before and ``path:detect`` after the activation. The cells of a
recurrent layer, which run once for every time step, are not told of; the layer itself is. So it is
with the layer inside a TimeDistributed, whose ``call`` runs past its ``__call__``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from featviz.networks.outputs import is_tensor, may_train, named_outputs, tensors_among
from featviz.networks.paths import name_in_path
from featviz.networks.telling import Call, told

IN_FUNCTION = "runs inside a tf.function, whose values do not leave it"
UNCALLED = "was not called where it can be seen: not at all, by its call(), or inside a tf.function"
FAILED = "failed, and the model went on without it"
BY_STEPS = "was not called where it can be seen: TimeDistributed runs its call() for every step"

_NO_NUMBERS = frozenset([tf.string, tf.resource, tf.variant])


class Entry(NamedTuple):
    """One output of one call of a layer.

    Attributes:
        path: as the module describes it, with ``:filter`` or ``:detect``.
        layer: the Keras layer.
        value: its tensor.
        given: the tensors that the call was given; of ``:detect`` that of ``:filter``.
    """

    path: str
    layer: Any
    value: tf.Tensor
    given: tuple[tf.Tensor, ...]


@dataclass(slots=True)
class _Frame:
    """A call: its layer, what it stands in, what it was given, and what came of it."""

    layer: Any
    above: _Frame | None
    graph: Any
    given: tuple[tf.Tensor, ...]
    path: str = ""
    outputs: Sequence[tuple[str, Any]] = ()
    activated: tuple[tf.Tensor, tf.Tensor] | None = None
    times: dict[tuple[int, int], int] = field(default_factory=dict)
    names: dict[str, list[int]] = field(default_factory=dict)

    def path_of(self, layer: Any, graph: Any) -> str:
        """Return the path of the next call of a layer within this one.

        Args:
            layer: the Keras layer.
            graph: of the call: Keras itself calls a layer once more, on nothing, to learn the
                sizes of what it gives.
        """
        name = name_in_path(layer.name)
        same, call = self.names.setdefault(name, []), (id(layer), id(graph))
        if id(layer) not in same:
            same.append(id(layer))
        times = self.times[call] = self.times.get(call, 0) + 1
        if same[0] != id(layer):
            name += f"#{same.index(id(layer)) + 1}"
        if times > 1:
            name += f"@{times}"
        return f"{self.path}/{name}" if self.path else name


class Recorder:
    """Keeps what the layers below one model give.

    Args:
        keep: called with each :class:`Entry`, in the order in which the layers end.
        at_end: whether that waits for the end of the model. It holds all that the layers gave
            until then, and takes less time: what runs after one another stays in the caches.

    Attributes:
        ran: paths of the layers that ended.
        unseen: path → why a layer that ran gave no entry.
        trained: whether a layer was called with ``training=True``.
    """

    def __init__(self, keep: Callable[[Entry], None], *, at_end: bool = False) -> None:
        self._keep = keep
        self._at_end = at_end
        self.start()

    def start(self) -> None:
        """Begin anew, in the graph that is being built now, or eagerly."""
        self._frames: list[_Frame] = []
        self._begun: list[_Frame] = []
        self._ended: list[_Frame] = []
        self.ran: list[str] = []
        self.unseen: dict[str, str] = {}
        self._kept: set[str] = set()
        self._called: set[int] = set()
        self._failed: set[int] = set()
        self.trained = False
        self._graph = _graph()
        self._thread = threading.get_ident()

    def call(self, original: Call, layer: Any, args: Any, kwargs: Any) -> Any:
        """Call a layer and keep what it gives."""
        if threading.get_ident() != self._thread:
            return original(layer, *args, **kwargs)  # a thread with this context, beside the calls
        frames = self._frames
        above = frames[-1] if frames else None
        if above and (above.layer is layer or isinstance(above.layer, keras.layers.RNN)):
            # super().__call__ of a class of its own; a cell, which runs once for every time step.
            return original(layer, *args, **kwargs)
        self.trained = self.trained or may_train(args, kwargs)
        frame = _Frame(layer, above, _graph(), tensors_among(args, kwargs))
        frames.append(frame)
        self._begun.append(frame)
        try:
            result = original(layer, *args, **kwargs)
            # What a list holds is read now: the model may write into it.
            frame.outputs = [("", result)] if is_tensor(result) else list(named_outputs(result))
            self._ended.append(frame)
        except Exception:
            self._failed.add(id(layer))
            raise
        finally:
            frames.pop()
            if not (self._at_end and frames):
                self._tell()
        return result

    def _tell(self) -> None:
        """Name the calls that began, keep what those that ended gave."""
        begun, self._begun = self._begun, []
        ended, self._ended = self._ended, []
        for frame in begun:
            if frame.above:
                frame.path = frame.above.path_of(frame.layer, frame.graph)
        self._called.update(id(frame.layer) for frame in ended)
        self.ran += [frame.path for frame in ended if frame.path]
        for frame in ended:
            if frame.path:
                self._keep_outputs(frame)

    def add_uncalled(self, layer: Any, path: str = "") -> None:
        """Note the layers below one that was called which were not called themselves.

        Args:
            layer: the model, or a layer of it.
            path: of the layer.
        """
        for inner in () if isinstance(layer, keras.layers.RNN) else layer._layers:
            own = name_in_path(inner.name)
            below = f"{path}/{own}" if path else own
            if id(inner) in self._called:
                self.add_uncalled(inner, below)
            elif not isinstance(inner, keras.layers.InputLayer):
                steps = isinstance(layer, keras.layers.TimeDistributed)
                why = FAILED if id(inner) in self._failed else BY_STEPS if steps else UNCALLED
                self.unseen.setdefault(below, why)

    def activate(
        self, layer: Any, function: Call, values: Any, /, *args: Any, **kwargs: Any
    ) -> Any:
        """Call the activation inside a layer and remember what it was given, and gave."""
        result = function(values, *args, **kwargs)
        frame = self._frames[-1] if self._frames else None
        if frame and frame.layer is layer:
            before, after = frame.activated or (values, values)
            frame.activated = (before if after is values else values), result
        return result

    def _keep_outputs(self, frame: _Frame) -> None:
        kept = [(name, value) for name, value in frame.outputs if self._is_array(value, frame)]
        if not kept:
            inner = frame.graph is not self._graph
            if frame.path not in self._kept:
                self.unseen[frame.path] = IN_FUNCTION if inner else "gives no array"
            return
        self._kept.add(frame.path)
        self.unseen.pop(frame.path, None)
        before, after = frame.activated or (None, None)
        if len(frame.outputs) == 1 and after is kept[0][1] and self._is_array(before, frame):
            self._keep(Entry(f"{frame.path}:filter", frame.layer, before, frame.given))
            self._keep(Entry(f"{frame.path}:detect", frame.layer, after, (before,)))
            return
        for name, value in kept:
            self._keep(Entry(f"{frame.path}{name}", frame.layer, value, frame.given))

    def _is_array(self, value: Any, frame: _Frame) -> bool:
        """Whether a value is a tensor of numbers of this very run."""
        if not is_tensor(value) or value.dtype in _NO_NUMBERS:
            return False
        # An EagerTensor has no graph; one of an inner graph has no value outside of it.
        return (None if frame.graph is None else value.graph) is self._graph


@contextmanager
def recording(recorder: Recorder, layers: Iterable[Any] | None = None) -> Iterator[None]:
    """Tell the recorder of every layer that is called in this context.

    Several threads may record at once; each hears of its own calls alone.

    Args:
        recorder: told of the calls; begins anew.
        layers: those that may be called; None: all that there are, which takes longer to prepare.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.ReLU(name="detect")])
        >>> entries = []
        >>> with recording(Recorder(entries.append)):
        ...     _ = model(keras.ops.array([[-1.0, 2.0]]))
        >>> [(entry.path, entry.value.numpy().tolist()) for entry in entries]
        [('detect', [[0.0, 2.0]])]
    """
    recorder.start()
    with told(recorder, _all_kinds(keras.layers.Layer) if layers is None else map(type, layers)):
        yield


def _all_kinds(kind: type) -> Iterator[type]:
    yield kind
    below: type
    for below in kind.__subclasses__():
        yield from _all_kinds(below)


def _graph() -> Any:
    """Return the graph that is being built, or None: eager."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
