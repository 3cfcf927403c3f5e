"""``animate``: the window in motion, as a value that saves and shows itself."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from featviz._check import one_of, real_number, shown, size_text, whole_number
from featviz._files import check_target, write_whole
from featviz.render.canvas import DARK, LIGHT
from featviz.render.motion.files import (
    LONGEST,
    SHORTEST,
    WRITERS,
    hundredths,
    png_from_frame,
    write_frames,
)
from featviz.render.motion.lens import LensDrawing, lens_drawing
from featviz.render.motion.palette import Indexer, palette_from_drawing
from featviz.render.motion.plane import NumbersDrawing, numbers_drawing
from featviz.render.motion.scene import Scene, loses_units, scene_from_trace
from featviz.tracing import trace
from featviz.vocabulary import DRAWINGS, TRACED_STAGES
from featviz.windows import Trace

ANIMATION_SCALES = ("each", "shared")
SMALLEST_SIZE, LARGEST_SIZE = (300, 200), (4000, 4000)
MOST_STEPS = 400


@dataclass(frozen=True, slots=True, eq=False)
class Animation:
    """Pictures of the window at its places, each drawn when it is asked for.

    Attributes:
        trace: the numbers that it shows.
        steps: which steps of the trace, one per frame.
        seconds_per_frame: as asked for; files count hundredths of a second, their sum is right.
        size: (width, height) in pixels.
        description: what it shows, in words.
    """

    trace: Trace
    steps: range
    seconds_per_frame: float
    size: tuple[int, int]
    description: str
    _drawing: NumbersDrawing | LensDrawing = field(repr=False)
    _indexer: Indexer = field(repr=False)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def frame(self, index: int) -> Image.Image:
        """Return one frame as an RGB picture of Pillow.

        Args:
            index: from 0, or from the end with −1.

        Raises:
            IndexError: there is no such frame.
            TypeError: not a whole number.
        """
        count = len(self)
        try:
            at = whole_number("index", index, minimum=-count)
        except ValueError:
            at = count
        if at >= count:
            raise IndexError(f"index must be from {-count} to {count - 1}; got {shown(index)}")
        return self._indexed(self.steps[at]).convert("RGB")

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        loop: int = 0,
        progress: Callable[[Iterable[Image.Image]], Iterable[Image.Image]] | None = None,
    ) -> Path:
        """Write the animation, whole or not at all.

        Args:
            path: ends in ``.gif``, ``.webp`` (without loss), ``.png`` or ``.apng`` (animated
                PNG); or a folder, which is there or whose name ends in ``/``, for one PNG per
                frame (``frame_0001.png`` …).
            loop: how often it plays, up to 65535; 0 for ever.
            progress: called with the frames, as ``tqdm`` is.

        Returns:
            The path.

        Raises:
            ValueError: another ending, or a wrong ``loop``.
            OSError: the place cannot be written.
        """
        if whole_number("loop", loop, minimum=0) > 65535:
            raise ValueError(f"loop must be at most 65535; got {loop}")
        ending = check_target(path, tuple(WRITERS), folders=True)
        frames: Iterable[Image.Image] = (self._indexed(step) for step in self.steps)
        if progress is not None:
            frames = progress(frames)
        if ending == "/":
            write_frames(Path(path), frames, len(self))
            return Path(path)
        return write_whole(path, self._bytes(ending, frames, loop))

    def _bytes(self, ending: str, frames: Iterable[Image.Image], loop: int) -> bytes:
        delays = hundredths(len(self), self.seconds_per_frame)
        return WRITERS[ending](frames, palette=self._indexer.palette, delays=delays, loop=loop)

    def _indexed(self, step: int) -> Image.Image:
        """Return the frame of a step in the colours of the palette."""
        return self._indexer.places(self._drawing.frame(step))

    def _repr_html_(self) -> str:
        frames = (self._indexed(step) for step in self.steps)
        data = base64.b64encode(self._bytes(".gif", frames, 0)).decode("ascii")
        words = html.escape(self.description, quote=True)
        return (
            f'<img src="data:image/gif;base64,{data}" width="{self.size[0]}" alt="{words}" '
            'style="max-width: 100%; height: auto">'
        )

    def _repr_png_(self) -> bytes:
        return png_from_frame(self._indexed(self.steps[-1]))


def animate(
    image: Any,
    kernel: Any,
    *,
    drawing: str = "numbers",
    stage: str = "filter",
    seconds_per_frame: float = 0.5,
    size: tuple[int, int] = (1000, 500),
    steps: Any = None,
    most_steps: int = MOST_STEPS,
    scale: str = "each",
    palette: str | None = None,
    arithmetic: bool = False,
    dark: bool = False,
    title: str | None = None,
    **settings: Any,
) -> Animation:
    """Show how each number of a stage comes about, the window in motion.

    Every number is the trace's: exact, or a decimal that is rounded and never cut. What is
    drawn into the output is the stage's result; ``"filter"`` and ``"transposed"`` have no
    activation unless one is asked for.

    Args:
        image: anything :func:`featviz.read_image` takes.
        kernel: anything :func:`featviz.read_kernels` takes.
        drawing: ``"numbers"`` (input with its padding, products, output) or ``"lens"`` (the
            three as planes above each other, in perspective).
        stage: ``"filter"``, ``"detect"``, ``"condense"`` or ``"transposed"``.
        seconds_per_frame: 0.02 to 600. Files count hundredths of a second.
        size: (width, height) in pixels, from 300×200 to 4000×4000.
        steps: the part to show: a pair (first, end) counted from 0, a slice or a range; None
            for all.
        most_steps: more are refused, so that no large image is animated by accident.
        scale: ``"each"`` (input and output have their own colours) or ``"shared"``.
        palette: of the output, ``"signed"``, ``"heat"`` or ``"grey"``; None: signed where
            values may be negative, else heat.
        arithmetic: write all products and their sum in a line below the numbers; it makes a
            GIF a third larger. The lens has it always.
        dark: light type on dark paper.
        title: a line above; None: the stage and, where it has one, the kernel's name; ``""``
            for none.
        **settings: every option of :func:`featviz.trace`. ``activation`` is ``"relu"`` for
            ``"detect"`` and ``"condense"`` unless told otherwise, and none for the others.

    Returns:
        The :class:`Animation`; a notebook shows it, ``.save(path)`` writes it.

    Raises:
        ValueError: a wrong value, more steps than ``most_steps``, or cells that do not fit.
        TypeError: a wrong kind.

    Example:
        >>> motion = animate([[0, 1, 0], [0, 1, 0]], "1 -1", padding="valid")
        >>> motion.frames, motion.frame(0).size
        (4, (1000, 500))
    """
    one_of("drawing", drawing, DRAWINGS)
    one_of("stage", stage, TRACED_STAGES)
    one_of("scale", scale, ANIMATION_SCALES)
    seconds, extent = _seconds(seconds_per_frame), _size(size)
    most = whole_number("most_steps", most_steps, minimum=1)
    _check_looks(title, dark=dark, arithmetic=arithmetic)
    if stage in ("filter", "transposed"):
        settings.setdefault("activation", None)
    told = trace(image, kernel, stage=stage, **settings)
    part = _steps(steps, told, most)
    scene = scene_from_trace(
        told, title=title, scale=scale, palette=palette,
        border=str(settings.get("border", "zeros")), theme=DARK if dark else LIGHT,
        arithmetic=arithmetic,
    )  # fmt: skip
    if loses_units(image, told):
        note = "rounded to float32"
        note = f"{scene.input.note}, {note}" if scene.input.note else note
        scene = replace(scene, input=replace(scene.input, note=note))
    drawn = _drawn(drawing, scene, extent, len(part))
    colours = palette_from_drawing(scene, (drawn.empty, drawn.finished), drawn.wanted)
    words = f"{scene.title or told.stage}: {scene.input.role}, {scene.kernel_role}, "
    words += f"{scene.kernel_note}, {scene.output.role}; {len(part)} steps"
    return Animation(told, part, seconds, extent, words, drawn, Indexer(colours))


def _check_looks(title: Any, **switches: Any) -> None:
    for argument, value in switches.items():
        if not isinstance(value, bool):
            raise TypeError(f"{argument} must be True or False; got {shown(value)}")
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title must be a text or None; got {shown(title)}")


def _drawn(
    drawing: str, scene: Scene, size: tuple[int, int], frames: int
) -> NumbersDrawing | LensDrawing:
    if drawing == "numbers":
        return numbers_drawing(scene, size, frames)
    return lens_drawing(scene, size)


def _seconds(value: Any) -> float:
    seconds = real_number("seconds_per_frame", value, above=0, at_most=LONGEST)
    if seconds < SHORTEST:
        raise ValueError(
            f"seconds_per_frame must be at least {SHORTEST}, the least that browsers show; "
            f"got {shown(value)}"
        )
    return seconds


def _size(value: Any) -> tuple[int, int]:
    rule = (
        f"size must be (width, height) from {size_text(SMALLEST_SIZE)} to "
        f"{size_text(LARGEST_SIZE)} pixels; got {shown(value)}"
    )
    if not isinstance(value, (list, tuple)):
        raise TypeError(rule)
    if len(value) != 2:
        raise ValueError(rule)
    width, height = (whole_number("size", item, minimum=1) for item in value)
    low, high = SMALLEST_SIZE, LARGEST_SIZE
    if not (low[0] <= width <= high[0] and low[1] <= height <= high[1]):
        raise ValueError(rule)
    return width, height


def _steps(steps: Any, told: Trace, most: int) -> range:
    """Return which steps are shown, at most ``most``."""
    count = len(told)
    part = range(count) if steps is None else _part(steps, count)
    if len(part) > most:
        cells = f" ({size_text(told.shape)} cells)" if len(part) == count else ""
        raise ValueError(
            f"steps must be at most {most}; got {len(part)}{cells}; choose a part, as in "
            f"steps=(0, {min(most, 100)}), a smaller image or a larger most_steps"
        )
    return part


def _part(steps: Any, count: int) -> range:
    rule = f"steps must be a pair (first, end), a slice or a range within 0 to {count}"
    if isinstance(steps, slice):
        try:
            part = range(count)[steps]
        except (TypeError, ValueError):
            raise TypeError(f"{rule}; got {shown(steps)}") from None
    elif isinstance(steps, range):
        part = steps
    elif isinstance(steps, (list, tuple)):
        if len(steps) != 2:
            raise ValueError(f"{rule}; got {shown(steps)}")
        part = range(*(whole_number("steps", step, minimum=0) for step in steps))
    else:
        raise TypeError(f"{rule}; got {shown(steps)}")
    if not part or min(part) < 0 or max(part) >= count:
        raise ValueError(f"{rule}, at least one step; got {shown(steps)}")
    return part
