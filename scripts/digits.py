"""The digits of scikit-learn, and a small network that has learned them.

The ``digits_*.py`` scripts take both from here. The network lies in ``images/networks``; where it
does not, it is trained, which takes some seconds. ``pip install featviz[scripts]`` brings
scikit-learn.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits

import featviz as fv

IMAGES = Path(__file__).parents[1] / "images" / "networks"
NETWORK = "digits.keras"
SEED, EPOCHS = 7, 20
# The network learns from the first pictures and is tested on the others.
LEARNED = 1400


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1797 pictures of written digits, (1797, 8, 8, 1) from 0 to 1, and what they are."""
    data = load_digits()
    return data.images[..., None].astype(np.float32) / 16, data.target


def one_digit(name: int) -> np.ndarray:
    """Return the first picture of a digit that the network has not learned from, (8, 8, 1)."""
    pictures, names = digits()
    return pictures[LEARNED + int(np.flatnonzero(names[LEARNED:] == name)[0])]


def untrained() -> keras.Model:
    """Return the network as it is born, always the same."""
    keras.utils.set_random_seed(SEED)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="digit"),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2"),
            keras.layers.MaxPool2D(name="pool"),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="conv3"),
            keras.layers.Flatten(name="row"),
            keras.layers.Dense(10, activation="softmax", name="is"),
        ],
        name="digits",
    )


def trained(callbacks: Sequence[keras.callbacks.Callback] = ()) -> keras.Model:
    """Return the network after its training, and print how good it is."""
    pictures, names = digits()
    model = untrained()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        pictures[:LEARNED], names[:LEARNED],
        batch_size=32, epochs=EPOCHS, verbose=0, callbacks=list(callbacks),
    )  # fmt: skip
    _, right = model.evaluate(pictures[LEARNED:], names[LEARNED:], verbose=0)
    print(f"{right:.1%} of {len(names) - LEARNED} digits that it had never seen are right")
    return model


def network() -> keras.Model:
    """Return the network that was trained before, or train it now."""
    path = IMAGES / NETWORK
    return fv.read_model(path) if path.is_file() else trained()
