"""Frames to the bytes of a GIF, a WebP or an APNG, one frame held at a time.

Pillow's own writers of animations keep every frame until the end, and merge equal ones. Here each
step stays a frame of its own: of a frame only the box that changed is packed (by Pillow for GIF
and WebP, by zlib for PNG) and put into the container.

Sources: GIF89a Specification (CompuServe, 1990); WebP Container Specification (Google), sections
Extended File Format and Animation; PNG Specification, third edition (W3C, 2025), section 11.3.6.
"""

from __future__ import annotations

import io
import itertools
import math
import os
import secrets
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

# The place of the palette that means "as before"; no colour of the drawing takes it.
UNCHANGED = 255
# Seconds of one frame; browsers show shorter frames for a tenth of a second.
SHORTEST, LONGEST = 0.02, 600.0
LONGEST_BRIDGE = 16

Places = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The part of a frame that differs from the frame before.

    Attributes:
        left: of the part, even.
        top: of the part, even.
        places: (H, W) places in the palette.
        changed: (H, W), where they differ.
    """

    left: int
    top: int
    places: Places
    changed: npt.NDArray[np.bool_]


def patches_from_frames(frames: Iterable[Image.Image]) -> Iterator[Patch]:
    """Return of each frame what differs from the one before; of the first, all.

    An equal frame gives a patch of one or two cells, so that it keeps its time.
    """
    before: Places | None = None
    for frame in frames:
        places = np.asarray(frame)
        changed = np.ones(places.shape, bool) if before is None else places != before
        before = places
        rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
        top, bottom = (int(rows[0]), int(rows[-1])) if rows.size else (0, 0)
        left, right = (int(columns[0]), int(columns[-1])) if columns.size else (0, 0)
        # WebP counts offsets in pairs of pixels.
        top, left = top - top % 2, left - left % 2
        part = np.s_[top : bottom + 1, left : right + 1]
        yield Patch(left, top, places[part], changed[part])


def hundredths(count: int, seconds_per_frame: float) -> tuple[int, ...]:
    """Return how long each frame stands, in hundredths of a second, as GIF counts.

    Each is rounded so that the sum is right.

    Example:
        >>> hundredths(4, 0.125)
        (13, 12, 13, 12)
    """
    ends = [math.floor(100 * seconds_per_frame * index + 0.5) for index in range(count + 1)]
    return tuple(end - start for start, end in itertools.pairwise(ends))


def gif_from_frames(
    frames: Iterable[Image.Image], *, palette: bytes, delays: Sequence[int], loop: int
) -> bytes:
    """Return a GIF.

    Args:
        frames: mode ``P``, all of one size, with one palette.
        palette: 768 bytes.
        delays: hundredths of a second, one per frame.
        loop: how often it plays; 0 for ever.
    """
    parts = [b""]
    for patch, delay in zip(patches_from_frames(frames), delays, strict=True):
        height, width = patch.places.shape
        if not parts[0]:
            parts[0] = b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + palette
            parts.append(_gif_loop(loop))
        # Disposal 1 leaves the frame standing; bit 0 says that a place is transparent.
        parts.append(struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 1 << 2 | 1, delay, UNCHANGED, 0))
        parts.append(struct.pack("<BHHHHB", 0x2C, patch.left, patch.top, width, height, 0))
        shown = _bridged(patch.changed)
        parts.append(_gif_data(np.where(shown, patch.places, UNCHANGED)))
    return b"".join([*parts, b";"])


def _gif_loop(loop: int) -> bytes:
    """Return the extension that says how often to play; without it, once."""
    if loop == 1:
        return b""
    again = max(loop - 1, 0)  # it counts the repetitions
    return b"\x21\xff\x0bNETSCAPE2.0" + struct.pack("<BBHB", 3, 1, again, 0)


def _bridged(changed: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the changed cells and short gaps between them in a row.

    A letter that stays half the same is packed better whole than in pieces.
    """
    if changed.all():
        return changed
    places = np.arange(changed.shape[1], dtype=np.int32)
    far = 10 * changed.shape[1]
    last = np.maximum.accumulate(np.where(changed, places, np.int32(-far)), axis=1)
    after = np.where(changed, places, np.int32(far))[:, ::-1]
    after = np.minimum.accumulate(after, axis=1)[:, ::-1]
    bridged: npt.NDArray[np.bool_] = after - last <= LONGEST_BRIDGE
    return bridged


def _gif_data(places: npt.NDArray[np.integer]) -> bytes:
    """Return the packed pixels of one image: 8 bits, not interlaced."""
    return b"\x08" + Image.fromarray(places.astype(np.uint8)).tobytes("gif", "L", 8, 0) + b"\0"


def apng_from_frames(
    frames: Iterable[Image.Image], *, palette: bytes, delays: Sequence[int], loop: int
) -> bytes:
    """Return an animated PNG; arguments as :func:`gif_from_frames`."""
    parts: list[bytes] = []
    number = 0
    for patch, delay in zip(patches_from_frames(frames), delays, strict=True):
        height, width = patch.places.shape
        if not parts:
            header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
            parts = [b"\x89PNG\r\n\x1a\n", _png_chunk(b"IHDR", header)]
            parts += [_png_chunk(b"acTL", struct.pack(">II", len(delays), loop))]
            parts += [_png_chunk(b"PLTE", palette)]
        control = (number, width, height, patch.left, patch.top, delay, 100, 0, 0)
        parts.append(_png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        packed = zlib.compress(np.pad(patch.places, ((0, 0), (1, 0))).tobytes(), 9)
        if number:
            parts.append(_png_chunk(b"fdAT", struct.pack(">I", number + 1) + packed))
        else:
            parts.append(_png_chunk(b"IDAT", packed))
        number += 2 if number else 1
    return b"".join([*parts, _png_chunk(b"IEND", b"")])


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def webp_from_frames(
    frames: Iterable[Image.Image], *, palette: bytes, delays: Sequence[int], loop: int
) -> bytes:
    """Return an animated WebP without loss; arguments as :func:`gif_from_frames`."""
    parts: list[bytes] = []
    for patch, delay in zip(patches_from_frames(frames), delays, strict=True):
        height, width = patch.places.shape
        if not parts:
            canvas = struct.pack("<I", 0b10) + _three(width - 1) + _three(height - 1)
            parts.append(_riff_chunk(b"VP8X", canvas))
            parts.append(_riff_chunk(b"ANIM", struct.pack("<IH", 0xFFFFFFFF, loop)))
        numbers = (patch.left // 2, patch.top // 2, width - 1, height - 1, 10 * delay)
        control = b"".join(map(_three, numbers)) + b"\x02"  # no blending, nothing disposed
        parts.append(_riff_chunk(b"ANMF", control + _webp_data(patch.places, palette)))
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_data(places: Places, palette: bytes) -> bytes:
    """Return the chunk of one picture's pixels, as Pillow packs them."""
    picture = Image.fromarray(places).convert("P")
    picture.putpalette(palette)
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "WEBP", lossless=True, method=2, quality=50)
    data = stream.getvalue()
    start = data.index(b"VP8L", 12)
    size = struct.unpack_from("<I", data, start + 4)[0]
    return data[start : start + 8 + size + size % 2]


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def _riff_chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def png_from_frame(frame: Image.Image) -> bytes:
    """Return one frame as a PNG."""
    stream = io.BytesIO()
    frame.save(stream, "PNG")
    return stream.getvalue()


WRITERS = {
    ".gif": gif_from_frames,
    ".webp": webp_from_frames,
    ".png": apng_from_frames,
    ".apng": apng_from_frames,
}


def write_frames(folder: Path, frames: Iterable[Image.Image], count: int) -> Path:
    """Write one PNG per frame: all of them, or none.

    They go into a temporary folder first. It takes the name of a folder that is not there; in one
    that is, it lies inside, because beside it another disk may begin.

    Raises:
        OSError: the place cannot be written, or holds frames of a longer animation.
    """
    digits = max(4, len(str(count)))
    names = [f"frame_{index + 1:0{digits}d}.png" for index in range(count)]
    others = sorted({path.name for path in folder.glob("frame_*.png")} - set(names))
    if others:
        raise FileExistsError(
            f"output must be a folder without other frames; got {str(folder)!r} with {others[0]}"
        )
    folder = Path(os.path.realpath(folder))
    there = folder.is_dir()
    temporary = folder if there else folder.parent
    temporary /= f".{folder.name[:40]}.{secrets.token_hex(8)}"
    temporary.mkdir()
    try:
        for name, frame in zip(names, frames, strict=True):
            (temporary / name).write_bytes(png_from_frame(frame))
        if not there:
            return temporary.replace(folder)
        for name in names:
            (temporary / name).replace(folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder
