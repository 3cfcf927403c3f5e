"""The pictures of the best images, small, and the names of their files."""

from __future__ import annotations

import numpy as np

from featviz.map_choice import Values
from featviz.map_inputs import InputPicture, inputs_as_pictures, picture_of_number
from featviz.networks.runs import Batch, Run
from featviz.networks.values import FeatureMaps

# Pictures that are kept are no larger than that, so that memory stays small.
THUMBNAIL = 64


class Thumbnails:
    """The pictures of the images that are among the best so far.

    Args:
        run: after its first batch.
        batch: the first one.
        number: of the input to draw, from 0; None: the first that is an image, or a sequence
            where none is.

    Attributes:
        pictures: image → (h, w, C).
        names: image → the name of its file.
        shown: which inputs the layer may have seen; the pictures are of the first.
        series: whether the pictures are sequences.

    Raises:
        ValueError: no such input.
    """

    def __init__(self, run: Run, batch: Batch, number: int | None) -> None:
        self._run = run
        self.pictures: dict[int, Values] = {}
        self.names: dict[int, str] = {}
        found = _inputs_to_draw(_maps_of(run, batch), number)
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


def _inputs_to_draw(maps: FeatureMaps, number: int | None) -> list[InputPicture]:
    """Return the inputs that are images, else sequences; or that of a number.

    Raises:
        ValueError: a number that none of them has.
    """
    every = inputs_as_pictures(maps)
    found = [one for one in every if not one.series] or every
    if number is None:
        return found
    if not found:
        raise ValueError(
            f"input_number must be None for a model without images and sequences; got {number}"
        )
    return [picture_of_number(found, number)]


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
