"""Keras' global random numbers, which a layer of the caller's own may draw from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# There is no public way to ask whether the generator is there already.
from keras.src.backend.common import global_state
from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR


def global_seed() -> Any:
    """Return the variable of Keras' global generator, or None: not made yet."""
    generator = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    return None if generator is None else generator.state


class SeedKeeper:
    """Lets a generator that a call makes go again, with what it drew."""

    def __init__(self) -> None:
        self._made: Any = None

    @contextmanager
    def unmade(self, *, goes_on: bool) -> Iterator[None]:
        """Leave Keras without a global generator if it has none now.

        Args:
            goes_on: whether this call goes on with the generator of the last such call.
        """
        if global_seed() is not None:
            yield
            return
        state = random.getstate()
        if goes_on and self._made is not None:
            global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, self._made)
        try:
            yield
            if goes_on:
                self._made = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
        finally:
            global_state.set_global_attribute(GLOBAL_SEED_GENERATOR, None)
            random.setstate(state)
