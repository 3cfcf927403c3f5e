"""The pictures of the best images, small, and the names of their files."""

from __future__ import annotations

from typing import Any

import numpy as np

from featviz.map_choice import Values
from featviz.map_inputs import InputPicture, inputs_as_pictures, picture_of_number
from featviz.networks.layer_shapes import trace_model
from featviz.networks.runs import Batch, Run
from featviz.networks.values import FeatureMaps

# Pictures that are kept are no larger than that, so that memory stays small.
THUMBNAIL = 64


class Thumbnails:
    """The pictures of the images that are among the best so far.

    Args:
        run: after its first batch.
        batch: the first one.
        path: of the layer.
        number: of the input to draw, from 0; None: the first that the layer may have seen and
            that is an image, or a sequence where none is.

    Attributes:
        pictures: image → (h, w, C).
        names: image → the name of its file.
        shown: which inputs the layer may have seen; the pictures are of the first.
        series: whether the pictures are sequences.

    Raises:
        ValueError: no such input, or one that the layer does not see.
    """

    def __init__(self, run: Run, batch: Batch, path: str, *, number: int | None) -> None:
        self._run = run
        self.pictures: dict[int, Values] = {}
        self.names: dict[int, str] = {}
        several = len(batch.feed.arrays) > 1
        seen = inputs_seen_by(run, batch, path) if several else None
        found = _inputs_to_draw(_maps_of(run, batch), path, seen, number=number)
        self.shown = tuple(one.number for one in found)
        self.series = bool(found) and found[0].series

    def keep(self, wanted: set[int], batch: Batch, first: int) -> None:
        """Keep the pictures that are wanted and no others.

        Args:
            wanted: images, of this batch and of those before.
            batch: that ran.
            first: the number of its first image.
        """
        if not self.shown:
            return
        new = sorted(wanted - set(self.pictures))
        self.pictures = {i: self.pictures[i] for i in self.pictures if i in wanted}
        self.names = {i: self.names[i] for i in self.names if i in wanted}
        maps, number = _maps_of(self._run, batch), self.shown[0]
        files = batch.feed.files[number]
        for index in new:
            picture = picture_of_number(inputs_as_pictures(maps, index - first), number)
            self.pictures[index] = _small(picture.values, (0,) if self.series else (0, 1))
            if files and files[index - first]:
                self.names[index] = files[index - first]


def inputs_seen_by(run: Run, batch: Batch, path: str) -> set[int] | None:
    """Return the inputs that a layer may see; None where that is not known.

    The model is traced: an input from which no operation leads to the layer is not seen.

    Args:
        run: of the model.
        batch: one that ran.
        path: of an entry.
    """
    feed, shapes = batch.feed, [one.shape[1:] for one in batch.feed.arrays]
    given = dict(zip(feed.names, shapes, strict=True)) if feed.names else shapes
    try:
        traced = trace_model(run.model, given)
    except (ValueError, TypeError, RuntimeError):  # not every model has a graph
        return None
    value = next((entry.value for entry in traced.entries if entry.path == path), None)
    if value is None or len(traced.inputs) != len(shapes):
        return None
    before = _operations_before(value)
    return {at for at, tensor in enumerate(traced.inputs) if tensor.op.name in before}


def _operations_before(tensor: Any) -> set[str]:
    """Return the names of the operations that a tensor depends on, its own too."""
    found, waiting = {tensor.op.name}, [tensor.op]
    while waiting:
        one = waiting.pop()
        # What is written into a variable reaches those who read it without a tensor between.
        for before in (*(given.op for given in one.inputs), *one.control_inputs):
            if before.name not in found:
                found.add(before.name)
                waiting.append(before)
    return found


def _inputs_to_draw(
    maps: FeatureMaps, path: str, seen: set[int] | None, *, number: int | None
) -> list[InputPicture]:
    """Return the inputs that are images, else sequences; or that of a number.

    Of inputs of which it is not known whether the layer sees them, sequences come last.

    Args:
        maps: of one batch.
        path: of the layer.
        seen: the inputs that it may see; None: any.
        number: of the input, from 0.

    Raises:
        ValueError: a number that none of them has.
    """
    every = inputs_as_pictures(maps)
    may = [one for one in every if seen is None or one.number in seen]
    if number is None:
        images = [one for one in may if not one.series]
        rest = [one for one in may if one.series] if seen is None or not images else []
        return images + rest
    if not every:
        raise ValueError(
            f"input_number must be None for a model without images and sequences; got {number}"
        )
    chosen = picture_of_number(every, number)
    if chosen not in may:
        raise ValueError(f"path must be a layer that sees the input {number}; got {path!r}")
    return [chosen]


def _maps_of(run: Run, batch: Batch) -> FeatureMaps:
    feed, name = batch.feed, run.model.name
    return FeatureMaps(
        batch.arrays, run.layers, feed.arrays, (), name, run.unseen, feed.pictures, feed.inputs
    )


def _small(image: Values, axes: tuple[int, ...]) -> Values:
    """Return an image of at most 64 cells along some axes: means of blocks."""
    for axis in axes:
        size = image.shape[axis]
        if size > THUMBNAIL:
            starts = np.linspace(0, size, THUMBNAIL + 1).astype(int)
            sums = np.add.reduceat(image.astype(np.float64), starts[:-1], axis=axis)
            widths = np.diff(starts).reshape([-1 if one == axis else 1 for one in range(3)])
            image = sums / widths
    return image.astype(np.float32)
