"""A model stays what it is: what a call of it may change is put back.

The parts of a layer that a call may change are told by private names of Keras alone.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras
import tensorflow as tf

from featviz.networks.seeds import SeedKeeper, global_seed

# Two models may share a layer, so there is one for all that need one.
_LOCK = threading.RLock()


@contextmanager
def losses_kept(layers: Iterable[Any]) -> Iterator[None]:
    """Put the losses back, to which a call adds its own, and a trace dead ones.

    Args:
        layers: a model's, the model among them.
    """
    held = [(layer, list(layer._losses)) for layer in layers if hasattr(layer, "_losses")]
    try:
        yield
    finally:
        for layer, losses in held:
            layer._losses[:] = losses


class Keeper:
    """Knows what of some layers a call may change, and gives it back.

    Layers of Keras write to their variables only where they are called with ``training=True``;
    but for the states of recurrent ones and the seeds of those that change images. A layer of the
    caller's own may write to any of its own, and to what others count; but weights of a model that
    has an optimizer, and those of the layers of Keras, are left alone, as another thread may be
    training them, and an optimizer writes them before it counts its step.
    One model's calls go one after the other where one would read what another writes.

    Args:
        layers: a model's, the model among them.

    Attributes:
        trained: whether a call with ``training=True`` was heard of; set from outside.
    """

    def __init__(self, layers: Iterable[Any]) -> None:
        every = tuple(layers)
        layers = tuple(filter(_may_change, every))
        own = any(map(_runs_own, layers))
        # A layer of Keras' adds losses only by its regularizer.
        self._adding = every if own else tuple(filter(_adds_losses, layers))
        self.trained = False
        self._reached: list[tuple[Any, Any]] = []
        self._optimizers = [one for one in map(_optimizer_of, layers) if one is not None]
        may_change = functools.partial(_changeable, weights=not self._optimizers)
        counted = list(_of_each(layers, _changed_by_training))
        always = [*_of_each(layers, may_change), *(counted if own else ())]
        if own and (seed := global_seed()) is not None:
            always.append(seed.value)
        self._seeds = SeedKeeper() if own else None
        self._variables = list({id(one): one for one in always}.values())
        renewed = _of_each(layers, _renewed) if not self._optimizers else ()
        trained = {id(one): one for one in (*counted, *renewed)}
        self._trained_variables = [trained[key] for key in trained.keys() - set(map(id, always))]
        alone = own or bool(self._variables) or bool(self._adding)
        self._lock: AbstractContextManager[Any] = _LOCK if alone else nullcontext()

    @contextmanager
    def unchanged(self, *, goes_on: bool = False) -> Iterator[None]:
        """Give variables and losses back what they held, whatever happens.

        Args:
            goes_on: whether this call goes on where the last such call ended, as one batch does
                after the other: random numbers and the states of recurrent layers move on.

        Raises:
            RuntimeError: the model was trained meanwhile, by another thread.
        """
        with self._lock:
            steps = self._steps()
            before = self._values()
            if goes_on:
                self._put_back(self._reached)
            try:
                with losses_kept(self._adding), self._seed_kept(goes_on=goes_on):
                    yield
                if goes_on:
                    self._reached = self._values()
            finally:
                if self._steps() == steps:
                    self._put_back(before)
            if self._steps() != steps:
                raise RuntimeError(_trained_text(steps, self._steps()))

    def _seed_kept(self, *, goes_on: bool) -> AbstractContextManager[None]:
        return nullcontext() if self._seeds is None else self._seeds.unmade(goes_on=goes_on)

    def _values(self) -> list[tuple[Any, Any]]:
        """Return each variable with what it holds."""
        # TensorFlow copies that only when somebody writes to the variable.
        return [(one, one.value()) for one in (*self._variables, *self._trained_variables)]

    def _put_back(self, values: list[tuple[Any, Any]]) -> None:
        for variable, value in values if self.trained else values[: len(self._variables)]:
            variable.assign(value, read_value=False)

    def _steps(self) -> list[int]:
        """Return how many steps of training every optimizer has behind it."""
        return [int(one.iterations.numpy()) for one in self._optimizers]


def _trained_text(before: list[int], after: list[int]) -> str:
    pairs = zip(before, after, strict=True)
    step, now = next((one, other) for one, other in pairs if one != other)
    return (
        "model must not be trained while it is recorded, by another thread; "
        f"step {step} became {now}; record a copy of it, or in a callback"
    )


def _of_each(layers: Iterable[Any], part: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    """Yield TensorFlow's variables of every layer."""
    for layer in layers:
        values = (getattr(one, "_value", one) for one in part(layer))
        yield from (value for value in values if value is not None)


# Where a layer of Keras' holds what a call may change.
_CHANGING = (
    "states", "optimizer", "activity_regularizer", "_non_trainable_variables", "_seed_generators",
    "_metrics",
)  # fmt: skip


def _may_change(layer: Any) -> bool:
    """Whether a call may change anything of a layer; most hold nothing of the kind."""
    return _runs_own(layer) or any(map(vars(layer).get, _CHANGING))


def _runs_own(layer: Any) -> bool:
    """Whether a layer runs code of the caller's, which may do anything."""
    own = type(layer).__module__.partition(".")[0] != "keras"
    return own or isinstance(layer, keras.layers.Lambda)


def _changeable(layer: Any, *, weights: bool) -> Iterator[Any]:
    """Yield the variables to which any call of a layer may write, but what all count.

    Args:
        layer: a Keras layer.
        weights: whether those that are trained are among them.
    """
    states = keras.tree.flatten(getattr(layer, "states", None))
    yield from (one for one in states if isinstance(one, (keras.Variable, tf.Variable)))
    if ".preprocessing." in type(layer).__module__:  # some draw whatever they are told
        yield from _changed_by_training(layer)
    if _runs_own(layer):
        yield from getattr(layer, "_trainable_variables", ()) if weights else ()
        yield from _variables_in(vars(layer))


def _variables_in(value: Any) -> Iterator[Any]:
    """Yield the variables of TensorFlow that Keras does not know of."""
    if isinstance(value, tf.Variable):
        yield value
    elif isinstance(value, tf.Module):
        yield from value.variables
    elif isinstance(value, tf.random.Generator):
        yield value.state
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _variables_in(part)


def _changed_by_training(layer: Any) -> Iterator[Any]:
    """Yield the variables of a layer that are counted, not trained."""
    yield from getattr(layer, "_non_trainable_variables", ())
    for part in (*getattr(layer, "_seed_generators", ()), *getattr(layer, "_metrics", ())):
        yield from getattr(part, "variables", None) or [part.state]


def _renewed(layer: Any) -> Iterator[Any]:
    """Yield the weight that a layer of Keras' writes itself when it is told to train."""
    if isinstance(layer, keras.layers.SpectralNormalization):
        yield layer.kernel


def _adds_losses(layer: Any) -> bool:
    return getattr(layer, "activity_regularizer", None) is not None


def _optimizer_of(layer: Any) -> Any:
    optimizer = getattr(layer, "optimizer", None)
    return optimizer if hasattr(optimizer, "iterations") else None
