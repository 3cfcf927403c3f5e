"""A model stays what it is: what a call of it may change is put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


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
    """Knows what of some layers a call may change.

    That is every variable that is not trained, such as a count, a moving mean, the state of random
    numbers or of a recurrent layer, and every variable of a layer of the caller's own.

    Args:
        layers: a model's, the model among them.
    """

    def __init__(self, layers: Iterable[Any]) -> None:
        self._layers = tuple(layers)
        every = (getattr(v, "_value", v) for one in self._layers for v in _changeable(one))
        self._variables = list({id(one): one for one in every if one is not None}.values())

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Give variables and losses back what they held, whatever happens."""
        # TensorFlow copies a value that is held here only when somebody writes to the variable.
        values = [variable.value() for variable in self._variables]
        try:
            with losses_kept(self._layers):
                yield
        finally:
            for variable, value in zip(self._variables, values, strict=True):
                variable.assign(value, read_value=False)


def _changeable(layer: Any) -> Iterator[Any]:
    """Yield the variables that a layer holds itself and may write to."""
    yield from getattr(layer, "_non_trainable_variables", ())
    for part in (*getattr(layer, "_seed_generators", ()), *getattr(layer, "_metrics", ())):
        yield from getattr(part, "variables", None) or [part.state]
    states = getattr(layer, "states", None)
    if states:
        yield from keras.tree.flatten(states)
    if type(layer).__module__.split(".")[0] != "keras":
        yield from getattr(layer, "_trainable_variables", ())
        yield from (part for part in vars(layer).values() if isinstance(part, tf.Variable))
