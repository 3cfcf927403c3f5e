"""The epochs of a training as pictures, and as one animation on one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from featviz._files import write_whole
from featviz.captions import value_text
from featviz.map_choice import floats_from, stats_of_channels
from featviz.map_panels import sheet_from_feature_maps
from featviz.networks.values import FeatureMaps
from featviz.panels import Limits, colour_limits
from featviz.render.canvas import LIGHT, fitted, write
from featviz.render.map_grid import ASPECT
from featviz.render.mosaic import PAGE, picture_from_sheet
from featviz.render.motion.files import UNCHANGED, WRITERS, hundredths, png_from_frame
from featviz.render.motion.palette import Indexer

# All epochs are kept until the end, because their common scale is known only then.
MOST_BYTES = 2**29
HEAD, TYPE, NOTE_TYPE, MARGIN, LINE = 30, 17, 12, 12, 18
# So many colours of type and paper stay as they are; the others share the rest of the palette.
KEPT_COLOURS = 32

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One moment of a training.

    Attributes:
        number: of the epochs that have ended; 0 before the first.
        loss: as Keras tells it, or None.
        maps: what the layers give then, of one image.
    """

    number: int
    loss: float | None
    maps: FeatureMaps

    @property
    def title(self) -> str:
        """The line above its picture."""
        loss = self.loss
        if loss is None:
            told = ""
        elif math.isfinite(loss):
            told = f", loss {value_text(loss)}"
        else:
            told = f", loss {'NaN' if math.isnan(loss) else 'infinite'}"
        return f"epoch {self.number}{told}" if self.number else "epoch 0: before the training"


@dataclass(slots=True)
class Film:
    """The epochs that have been seen so far.

    Attributes:
        drawing: options of ``save_mosaic`` but for its scale.
        epochs: in order.
        used: bytes of their maps.
    """

    drawing: dict[str, Any]
    epochs: list[Epoch] = field(default_factory=list)
    used: int = 0

    def add(self, epoch: Epoch) -> None:
        """Keep an epoch for the animation.

        Raises:
            MemoryError: the epochs would take more than half a gigabyte.
        """
        size = sum(values.nbytes for values in epoch.maps.values())
        if self.used + size > MOST_BYTES:
            raise MemoryError(
                f"the animation must keep at most {MOST_BYTES:,} bytes of maps; it ends before "
                f"epoch {epoch.number}; choose fewer layers or a larger every"
            )
        self.epochs.append(epoch)
        self.used += size

    def frames(self) -> list[Image.Image]:
        """Return a picture of each epoch, all of one size, on one scale for each layer."""
        limits = {path: self._limits(path) for path in self.epochs[0].maps}
        drawn = [_mosaics(one, self.drawing, limits) for one in self.epochs]
        columns = zip(*([part.size for part in parts] for parts in drawn), strict=True)
        # So that no layer moves from epoch to epoch, each keeps the place of its largest picture.
        sizes = [(max(w for w, _ in one), max(h for _, h in one)) for one in columns]
        told = "one scale over all epochs"
        return [
            _page(epoch.title, told, parts, sizes)
            for epoch, parts in zip(self.epochs, drawn, strict=True)
        ]

    def save(self, path: Path, seconds_per_frame: float) -> Path:
        """Write the animation: a frame per epoch, the last four times as long."""
        frames = self.frames()
        indexer = Indexer(_palette(frames))
        *delays, last = hundredths(len(frames), seconds_per_frame)
        data = WRITERS[path.suffix.lower()](
            (indexer.places(frame) for frame in frames),
            palette=indexer.palette,
            delays=[*delays, 4 * last],
            loop=0,
        )
        return write_whole(path, data)

    def _limits(self, path: str) -> Limits:
        """Return the scale of a layer that holds all channels of all epochs."""
        stats = [
            one
            for epoch in self.epochs
            for one in stats_of_channels(floats_from(epoch.maps.channels_last(path)[0], path))
        ]
        return colour_limits(stats, signed=False)


def picture_of_epoch(epoch: Epoch, drawing: Mapping[str, Any]) -> Image.Image:
    """Return one picture: the epoch and its loss above the maps of each layer.

    Args:
        epoch: what to draw; each layer has the scale of this epoch alone.
        drawing: options of ``save_mosaic`` but for its scale.
    """
    parts = _mosaics(epoch, drawing, dict.fromkeys(epoch.maps, "layer"))
    return _page(epoch.title, "scale of this epoch alone", parts, [part.size for part in parts])


def _mosaics(
    epoch: Epoch, drawing: Mapping[str, Any], scales: Mapping[str, Any]
) -> list[Image.Image]:
    """Return the maps of each layer; several layers share the room of one."""
    area = PAGE / len(epoch.maps)
    return [_mosaic(epoch.maps, path, drawing, scales[path], area) for path in epoch.maps]


def _page(
    title: str, note: str, parts: Sequence[Image.Image], sizes: Sequence[Size]
) -> Image.Image:
    """Return mosaics in rows below a heading.

    Args:
        title: of the page.
        note: which scale it has.
        parts: the mosaics.
        sizes: room for each of them.
    """
    spots, (width, height) = _places(sizes)
    top = HEAD + LINE
    picture = Image.new("RGB", (width, top + height), LIGHT.paper)
    draw = ImageDraw.Draw(picture)
    room = width - 2 * MARGIN
    text, size = fitted(title, room, TYPE, bold=True)
    write(draw, (MARGIN, HEAD - 12), text, size=size, colour=LIGHT.ink, bold=True)
    text, size = fitted(note, room, NOTE_TYPE)
    write(draw, (MARGIN, HEAD + 6), text, size=size, colour=LIGHT.faint)
    for part, (left, below), (_, tall) in zip(parts, spots, sizes, strict=True):
        # At the bottom of its room: maps and bar stay where they are when words need a line more.
        picture.paste(part, (left, top + below + tall - part.height))
    return picture


def _places(sizes: Sequence[Size]) -> tuple[list[Size], Size]:
    """Return where boxes stand in rows, and the size of all, as on a page.

    Example:
        >>> _places([(500, 400)] * 4)
        ([(0, 0), (500, 0), (0, 400), (500, 400)], (1000, 800))
    """
    found = []
    for count in range(1, len(sizes) + 1):
        columns = [sizes[start::count] for start in range(count)]
        rows = [sizes[start : start + count] for start in range(0, len(sizes), count)]
        wide = [max(width for width, _ in column) for column in columns]
        tall = [max(height for _, height in row) for row in rows]
        spots = [
            (sum(wide[: n % count]), sum(tall[: n // count])) for n in range(len(sizes))
        ]  # fmt: skip
        found.append((spots, (sum(wide), sum(tall))))
    return min(found, key=lambda one: abs(math.log(one[1][0] / one[1][1] / ASPECT)))


def save_picture(picture: Image.Image, path: Path) -> Path:
    """Write a picture as a PNG, whole or not at all."""
    return write_whole(path, png_from_frame(picture))


def _mosaic(
    maps: FeatureMaps, path: str, drawing: Mapping[str, Any], scale: str | Limits, area: float
) -> Image.Image:
    chosen = {name: drawing[name] for name in ("channels", "count") if name in drawing}
    rest = {name: value for name, value in drawing.items() if name not in chosen}
    sheet = sheet_from_feature_maps(maps, path, scale=scale, **chosen)
    return picture_from_sheet(sheet, area=area, **rest).convert("RGB")


def _palette(frames: Sequence[Image.Image]) -> bytes:
    """Return 768 bytes: the colours of all frames; nearly equal ones may be one."""
    counts: dict[tuple[int, ...], int] = {}
    for frame in frames:
        found: Any = frame.getcolors(frame.width * frame.height)
        for count, colour in found:
            counts[colour] = counts.get(colour, 0) + count
    # Greys first: those of the type, which would show a tinge.
    colours = sorted(
        counts, key=lambda colour: (max(colour) - min(colour) > 8, -counts[colour], colour)
    )
    if len(colours) > UNCHANGED:
        rest = np.array(colours[KEPT_COLOURS:], np.uint8)[None]
        merged: Any = Image.fromarray(rest).quantize(UNCHANGED - KEPT_COLOURS).convert("RGB")
        shared = [colour for _, colour in merged.getcolors(rest.shape[1])]
        colours = colours[:KEPT_COLOURS] + sorted(shared)
    chosen = colours[:UNCHANGED]
    # Places without a colour repeat the first one, which wins every tie.
    chosen += [chosen[0]] * (UNCHANGED + 1 - len(chosen))
    return bytes(value for colour in chosen for value in colour)
