"""What the layers of a running model give, by path.

For the length of a ``with`` block ``keras.layers.Layer.__call__`` tells the recorder of the running
context what it gives. So every kind of model is recorded while it runs as it always does: nothing
is rebuilt, no layer is changed, and other threads run past it.

Paths read as the calls stand in one another: ``backbone/block2_conv1``. A layer that is called
again within the same call gets ``@2``, ``@3``; another layer of the same name gets ``#2``. A layer
with several outputs gets ``[0]``, ``[1]`` or their names. A convolution with its activation inside
gives two entries: ``path:filter`` before and ``path:detect`` after the activation. The cells of a
recurrent layer, which run once for every time step, are not told of; the layer itself is. So it is
with the layer inside a TimeDistributed, whose ``call`` runs past its ``__call__``.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import CellType
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from featviz.networks.outputs import is_tensor, may_train, named_outputs, tensors_among
from featviz.networks.paths import name_in_path

Call = Callable[..., Any]
Target = tuple[type, str]

IN_FUNCTION = "runs inside a tf.function, whose values do not leave it"
UNCALLED = "was not called where it can be seen: not at all, by its call(), or inside a tf.function"
BY_STEPS = "was not called where it can be seen: TimeDistributed runs its call() for every step"

# Layers whose activation stands inside; their common bases hold the attribute.
_CONVOLUTIONS = tuple(
    getattr(keras.layers, name)
    for name in (
        "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
        "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
    )
)  # fmt: skip
_ACTIVATED = frozenset(kind.__mro__[1] for kind in _CONVOLUTIONS)
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
    """A call that has begun: its layer, its path, and what it has called so far."""

    layer: Any
    path: str
    given: tuple[tf.Tensor, ...] = ()
    activated: tuple[tf.Tensor, tf.Tensor] | None = None
    times: dict[tuple[int, int], int] = field(default_factory=dict)
    names: dict[str, list[int]] = field(default_factory=dict)

    def path_of(self, layer: Any, graph: int) -> str:
        """Return the path of the next call of a layer within this one.

        Args:
            layer: the Keras layer.
            graph: what tells the graph of the call from others: Keras itself calls a layer once
                more, on nothing, to learn the sizes of what it gives.
        """
        own = name_in_path(layer.name)
        same = self.names.setdefault(own, [])
        if id(layer) not in same:
            same.append(id(layer))
        number = same.index(id(layer)) + 1
        times = self.times[id(layer), graph] = self.times.get((id(layer), graph), 0) + 1
        name = own + f"#{number}" * (number > 1) + f"@{times}" * (times > 1)
        return f"{self.path}/{name}" if self.path else name


class Recorder:
    """Keeps what the layers below one model give.

    Args:
        keep: called with each :class:`Entry` as its layer ends, in the order of the run.

    Attributes:
        ran: paths of the layers that ended.
        unseen: path → why a layer that ran gave no entry.
        trained: whether a layer was called with ``training=True``.
    """

    def __init__(self, keep: Callable[[Entry], None]) -> None:
        self._keep = keep
        self.start()

    def start(self) -> None:
        """Begin anew, in the graph that is being built now, or eagerly."""
        self._frames: list[_Frame] = []
        self.ran: list[str] = []
        self.unseen: dict[str, str] = {}
        self._kept: set[str] = set()
        self._called: set[int] = set()
        self.trained = False
        self._graph = _graph()

    def call(self, original: Call, layer: Any, args: Any, kwargs: Any) -> Any:
        """Call a layer and keep what it gives."""
        frames = self._frames
        self.trained = self.trained or may_train(args, kwargs)
        if frames and (frames[-1].layer is layer or isinstance(frames[-1].layer, keras.layers.RNN)):
            # super().__call__ of a class of its own; a cell, which runs once for every time step.
            return original(layer, *args, **kwargs)
        path = frames[-1].path_of(layer, id(_graph())) if frames else ""
        given = tensors_among(args, kwargs)
        frame = _Frame(layer, path, given)
        frames.append(frame)
        try:
            result = original(layer, *args, **kwargs)
        finally:
            frames.pop()
        self._called.add(id(layer))
        if path:
            self.ran.append(path)
            self._keep_outputs(frame, result)
        return result

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
                self.unseen.setdefault(below, BY_STEPS if steps else UNCALLED)

    def activate(
        self, layer: Any, function: Call, values: Any, /, *args: Any, **kwargs: Any
    ) -> Any:
        """Call the activation inside a layer and remember what it was given, and gave."""
        result = function(values, *args, **kwargs)
        if self._frames and self._frames[-1].layer is layer and self._is_array(values):
            self._frames[-1].activated = values, result
        return result

    def _keep_outputs(self, frame: _Frame, result: Any) -> None:
        outputs = [("", result)] if is_tensor(result) else list(named_outputs(result))
        kept = [(name, value) for name, value in outputs if self._is_array(value)]
        if not kept:
            inner = _graph() is not self._graph
            if frame.path not in self._kept:
                self.unseen[frame.path] = IN_FUNCTION if inner else "gives no array"
            return
        self._kept.add(frame.path)
        self.unseen.pop(frame.path, None)
        if frame.activated and frame.activated[1] is result:
            before = frame.activated[0]
            self._keep(Entry(f"{frame.path}:filter", frame.layer, before, frame.given))
            self._keep(Entry(f"{frame.path}:detect", frame.layer, result, (before,)))
            return
        for name, value in kept:
            self._keep(Entry(f"{frame.path}{name}", frame.layer, value, frame.given))

    def _is_array(self, value: Any) -> bool:
        """Whether a value is a tensor of numbers of this very run."""
        if not is_tensor(value) or value.dtype in _NO_NUMBERS:
            return False
        # An EagerTensor has no graph; one of an inner graph has no value outside of it.
        return (None if tf.executing_eagerly() else value.graph) is self._graph


_ACTIVE: ContextVar[Recorder | None] = ContextVar("featviz_recorder", default=None)


class _Telling:
    """Keras' own classes while anybody records: their calls tell the recorder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: Counter[Target] = Counter()
        self._replaced: dict[Target, tuple[Any, Any]] = {}

    def begin(self, targets: Iterable[Target]) -> None:
        with self._lock:
            for target in targets:
                self._users[target] += 1
                if self._users[target] == 1:
                    self._replace(target)

    def end(self, targets: Iterable[Target]) -> None:
        with self._lock:
            for target in targets:
                self._users[target] -= 1
                if not self._users[target]:
                    self._put_back(target)

    def _replace(self, target: Target) -> None:
        kind, name = target
        original: Any = vars(kind).get(name)
        inside = _cell_of(original)
        if inside is not None:
            # Python forgets what it has learnt of a class that changes, which costs half a
            # millisecond; so the call inside of Keras' own wrapper is taken where there is one.
            within = inside.cell_contents
            self._replaced[target] = inside, within
            inside.cell_contents = _telling(within)
            return
        new = _TellingActivation() if name == "activation" else _telling(original)
        self._replaced[target] = original, new
        setattr(kind, name, new)

    def _put_back(self, target: Target) -> None:
        (kind, name), (original, new) = target, self._replaced.pop(target)
        if isinstance(original, CellType):
            original.cell_contents = new
        elif vars(kind).get(name) is not new:
            return  # somebody has put another over it, which still calls this one
        elif original is None:
            delattr(kind, name)
        else:
            setattr(kind, name, original)


def _cell_of(function: Any) -> CellType | None:
    """Return where a decorated function keeps the one that it wraps, or None."""
    within = getattr(function, "__wrapped__", None)
    cells = getattr(function, "__closure__", None) or ()
    found = [cell for cell in cells if within is not None and cell.cell_contents is within]
    return found[0] if len(found) == 1 else None


_TELLING = _Telling()


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
    targets = _targets(_all_kinds(keras.layers.Layer) if layers is None else map(type, layers))
    _TELLING.begin(targets)
    token = _ACTIVE.set(recorder)
    try:
        yield
    finally:
        _ACTIVE.reset(token)
        _TELLING.end(targets)


def _targets(kinds: Iterable[type]) -> set[Target]:
    """Return the attributes through which layers of some classes are called.

    The fewer the better: Python forgets what it has learnt of a class that changes.
    """
    bases = {base for kind in set(kinds) for base in kind.__mro__}
    layers = (base for base in bases if issubclass(base, keras.layers.Layer))
    found = {(base, "__call__") for base in layers if "__call__" in vars(base)}
    return found | {(base, "activation") for base in bases & _ACTIVATED}


def _all_kinds(kind: type) -> Iterator[type]:
    yield kind
    below: type
    for below in kind.__subclasses__():
        yield from _all_kinds(below)


def _graph() -> Any:
    """Return the graph that is being built, or None: eager."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def _telling(original: Call) -> Call:
    @functools.wraps(original)
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        recorder = _ACTIVE.get()
        if recorder is None:
            return original(self, *args, **kwargs)
        return recorder.call(original, self, args, kwargs)

    return call


class _TellingActivation:
    """Stands for the attribute ``activation``, which stays in the layer."""

    def __get__(self, layer: Any, kind: Any = None) -> Any:
        if layer is None:
            return self
        try:
            function = vars(layer)["activation"]
        except KeyError:
            raise AttributeError("activation") from None
        recorder = _ACTIVE.get()
        if recorder is None or function is None or function is keras.activations.linear:
            return function
        return functools.partial(recorder.activate, layer, function)

    def __set__(self, layer: Any, value: Any) -> None:
        vars(layer)["activation"] = value

    def __delete__(self, layer: Any) -> None:
        del vars(layer)["activation"]
