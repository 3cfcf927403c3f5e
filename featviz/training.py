"""Feature maps while a model is trained: pictures, and an animation at the end."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from featviz._check import BEYOND, real_number, shown, whole_number
from featviz._files import check_length, folder_to_make
from featviz.captions import one_line
from featviz.images import read_image
from featviz.map_choice import checked_numbers
from featviz.map_outputs import paths_of_choice
from featviz.networks.fitting import Fit
from featviz.networks.maps import feature_maps
from featviz.networks.selection import choice_from_layers
from featviz.render.motion.files import LONGEST, SHORTEST, WRITERS
from featviz.render.training_film import Epoch, Film, picture_of_epoch, save_picture


class FeatureMapCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Draws layers after each epoch of ``model.fit``, and an animation at its end.

    Keras takes callbacks by the class they inherit from; so this one does. It changes nothing of
    the training: the weights after it are the same with and without it. A picture that fails
    never stops the training; the first reason is told once as a warning. What can be known without
    the model is checked when this is made, and raises.

    In the folder come ``epoch_0000.png`` (before the training, where the model is built by then),
    ``epoch_0001.png`` …, each on its own scale, and the animation with one frame for each of
    them, one scale for each layer over all epochs, the epoch's number and its loss. The last
    frame stands four times as long.

    Args:
        image: one image, as for ``feature_maps``.
        layers: as for ``feature_maps``; None: all. Pictures show what leaves a layer: of a
            convolution with its activation inside ``c1`` is ``c1:detect``, and what stands before
            the activation is asked for as ``c1:filter``, or ``*:filter`` for all.
        folder: where the files go; it is made where it is not there.
        every: a picture after every so many epochs, and after the last one.
        channels: which maps of each layer: channel numbers from 0; None for the first ones.
        count: how many maps of each layer at most, unless numbers are given.
        columns: maps in a row; None: wider than high.
        magnify: pixels for each cell; None: as ``save_mosaic`` does.
        animation: name of its file, ``.gif``, ``.webp``, ``.png`` or ``.apng``; None for none.
        seconds_per_frame: of the animation, 0.02 to 600.
        resize: as for ``feature_maps``.
        white: as for ``feature_maps``.
        preprocess: as for ``feature_maps``.

    Attributes:
        files: what the last training has written, in order.

    Raises:
        TypeError: a wrong kind.
        ValueError: a wrong value, or another ending.
        OSError: no such image file, or a folder that cannot be made.

    Example:
        >>> import tempfile, numpy as np
        >>> inputs = [keras.Input((4, 5, 1)), keras.layers.Conv2D(2, 3, name="conv")]
        >>> model = keras.Sequential([*inputs, keras.layers.GlobalMaxPool2D()])
        >>> model.compile("sgd", "mse")
        >>> digit = np.ones((4, 5, 1), np.float32)
        >>> folder = tempfile.TemporaryDirectory()
        >>> seen = FeatureMapCallback(digit, "conv", folder.name)
        >>> _ = model.fit(digit[None], np.ones((1, 2)), epochs=2, verbose=0, callbacks=[seen])
        >>> [file.name for file in seen.files]
        ['epoch_0000.png', 'epoch_0001.png', 'epoch_0002.png', 'training.gif']
        >>> folder.cleanup()
    """

    def __init__(
        self,
        image: Any,
        layers: Any,
        folder: str | os.PathLike[str],
        *,
        every: int = 1,
        channels: Sequence[int] | None = None,
        count: int | None = 16,
        columns: int | None = None,
        magnify: int | None = None,
        animation: str | None = "training.gif",
        seconds_per_frame: float = 0.5,
        resize: bool = False,
        white: float = 1.0,
        preprocess: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        Fit(resize, white, preprocess)
        _check_image(image)
        _check_name(animation)
        if real_number("seconds_per_frame", seconds_per_frame, at_most=LONGEST) < SHORTEST:
            raise ValueError(
                f"seconds_per_frame must be from {SHORTEST} to {LONGEST:g}; got {seconds_per_frame}"
            )
        self.folder = folder_to_make(folder)
        self.files: list[Path] = []
        self._image, self._layers = image, choice_from_layers(layers)
        self._every = whole_number("every", every, minimum=1)
        self._animation, self._seconds = animation, float(seconds_per_frame)
        self._fit: dict[str, Any] = {"resize": resize, "white": white, "preprocess": preprocess}
        self._drawing = _checked_drawing(channels, count=count, columns=columns, magnify=magnify)
        self._film = Film(self._drawing)
        self._told = self._checked = False

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras gives it)
        """Begin anew, and draw the model as it is."""
        self.files, self._film, self._told = [], Film(self._drawing), False
        self._checked = self.model.built
        if self._checked:
            self._trying(self._see, 0, None)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Try a picture once its first batch has built the model, to tell faults.

        Args:
            batch: counted from 0.
            logs: of Keras.
        """
        if not self._checked and self.model.built:
            self._checked = True
            self._trying(self._drawn, 0)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Draw the model as it is after this epoch.

        Args:
            epoch: counted from 0.
            logs: of Keras; the loss is taken.
        """
        number = epoch + 1
        last = number == (self.params or {}).get("epochs") or self.model.stop_training
        if number % self._every == 0 or last:
            self._trying(self._see, number, (logs or {}).get("loss"))

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        """Write the animation."""
        if self._animation is not None and self._film.epochs:
            self._trying(self._animate)

    def _drawn(self, number: int, loss: Any = None) -> tuple[Epoch, Any]:
        """Return what an epoch shows, and its picture."""
        maps = feature_maps(self.model, self._image, self._layers, compiled=False, **self._fit)
        shown = {path: maps[path] for path in paths_of_choice(maps, self._layers)}
        maps = replace(maps, arrays=shown)
        epoch = Epoch(number, None if loss is None else float(loss), maps)
        return epoch, picture_of_epoch(epoch, self._drawing)

    def _see(self, number: int, loss: Any) -> None:
        epoch, picture = self._drawn(number, loss)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"epoch_{number:04d}.png"
        self.files.append(save_picture(picture, file))
        if self._animation is not None:
            self._film.add(epoch)

    def _animate(self) -> None:
        target = self.folder / str(self._animation)
        self.files.append(self._film.save(target, self._seconds))

    def _trying(self, action: Callable[..., Any], *values: Any) -> None:
        """Do something; whatever goes wrong, the training goes on."""
        try:
            action(*values)
        except Exception as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if self._told:
            return
        self._told = True
        reason = one_line(str(error)) or type(error).__name__
        text = f"a picture of the training failed, the training goes on: {reason}"
        try:
            warnings.warn(text, stacklevel=2)
        except Warning:  # where warnings are errors, this one would stop the training
            print(text, file=sys.stderr)


def _checked_drawing(channels: Any, **numbers: Any) -> dict[str, Any]:
    """Return the options of the drawing that hold for every model."""
    for name, number in numbers.items():
        if number is not None:
            whole_number(name, number, minimum=1)
    if channels is not None:  # no words: in each epoch others would be the strongest
        channels = checked_numbers("channels", channels, BEYOND, also=" or None")
    return {"channels": channels, **numbers}


def _check_image(image: Any) -> None:
    """Raise if this is an image for no model: a number, a file that cannot be read."""
    if isinstance(image, (list, tuple, dict)):  # numbers, or one image for each input
        if not image:
            raise ValueError("image must hold numbers or an image for each input; got none")
        for part in image.values() if isinstance(image, dict) else image:
            if part is None or isinstance(part, (str, bytes, os.PathLike)):
                read_image(part)
    elif not hasattr(image, "shape") and not hasattr(image, "read"):
        read_image(image)


def _check_name(animation: Any) -> None:
    """Raise if this is no name of an animation; None is for none."""
    if animation is None:
        return
    if not isinstance(animation, str):
        raise TypeError(f"animation must be a file's name or None; got {shown(animation)}")
    name = Path(animation)
    if name.suffix.lower() not in WRITERS or name.name != animation or "\0" in animation:
        raise ValueError(
            f"animation must be a name without a folder that ends in one of {', '.join(WRITERS)}; "
            f"got {shown(animation)}"
        )
    check_length("animation", animation)
