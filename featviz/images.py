"""Images in and out, under one convention for pixel values.

Inside featviz an image is a float32 array of shape (H, W, C): row 0 at the top, column 0 at the
left, C is 1 for grey and 3 for red, green, blue. Unsigned integers are divided by the full range
of their type (uint8 by 255, uint16 by 65535, uint32 by 2³²−1), bool becomes 0 and 1, floats stay
as they are. Python lists and *signed* integer arrays are matrices of numbers and stay as they
are, so the 0 and 1 of a 6×6 lesson matrix keep their meaning. The type decides; nothing is
guessed from the values. So files give 0..1, except float and signed TIFF, which stay as they are.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from featviz._check import one_of, per_axis, real_number, shown, size_text, whole_number
from featviz._decode import array_from_file, array_from_picture
from featviz._files import writable_path, write_whole
from featviz._numbers import Pixels, check_finite, image_shaped, numbers_from, scaled

MAX_PIXELS = 100_000_000
COLORS = ("keep", "grey", "rgb")
# Weights of red, green and blue: Recommendation ITU-R BT.601-7, section 2.5.1.
LUMA = (0.299, 0.587, 0.114)

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}
# Longest side: libjpeg's JPEG_MAX_DIMENSION; 14 bits in WebP, 16 bits in GIF.
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "GIF": 65_535}
# Share of the range between the limits by which rounding may have carried a value outside.
_TOLERANCE = 1e-6
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def read_image(
    source: object,
    *,
    color: str = "keep",
    size: int | tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
    finite: bool = True,
) -> Pixels:
    """Return any image as a float32 array (H, W, C) of its own.

    Files and Pillow images are turned upright (EXIF), only their first frame is read, palettes
    and other colour spaces become RGB, and alpha is laid over white. 16-bit files keep 16 bits.

    Args:
        source: a path, the bytes of a file, a file opened in binary mode, a Pillow image, or
            numbers of shape (H, W) or (H, W, C): an array, a tensor, nested lists. Files may be
            JPEG, PNG, BMP, GIF, WebP or TIFF; other than 8-bit or grey TIFF needs
            ``pip install "featviz[tiff]"``.
        color: ``"keep"``; ``"grey"`` for C = 1, the luma 0.299 R + 0.587 G + 0.114 B; ``"rgb"``
            for C = 3. With these two, the last of 2 or 4 channels is alpha, laid over white.
        size: the longer side in pixels, or (height, width) of the box to fit into, each ≥ 1.
            The aspect ratio stays; smaller is antialiased, larger is interpolated.
        max_pixels: largest H·W that is decoded from a file, checked before decoding, or made by
            ``size``; 100 000 000 unless told.
        finite: whether NaN and infinity are refused.

    Returns:
        (H, W, C) float32, C-contiguous, sharing no memory with ``source``. 0..1 unless the
        numbers were floats, signed integers or lists; ``color`` and ``size`` add nothing
        outside the range of the image.

    Raises:
        FileNotFoundError: no such file; IsADirectoryError: a folder.
        TypeError: no image at all, or numbers that are not real.
        ValueError: a damaged or unknown file, too many pixels, another shape, ragged lists, no
            pixels, NaN or infinity, an address on the net, a wrong option.
        ImportError: a TIFF that needs tifffile.

    Source:
        Luma: Recommendation ITU-R BT.601-7, section 2.5.1, on the values as they are stored.

    Example:
        >>> import numpy as np
        >>> read_image(np.array([[0, 51], [102, 255]], np.uint8))[:, :, 0].tolist()
        [[0.0, 0.20000000298023224], [0.4000000059604645, 1.0]]
        >>> read_image([[0, 1], [2, 35]]).shape
        (2, 2, 1)
    """
    one_of("color", color, COLORS)
    box = None if size is None else per_axis("size", size, minimum=1)
    whole_number("max_pixels", max_pixels, minimum=1)
    cure = "; pass finite=False to keep them"
    values = _pixels(source, color, max_pixels=max_pixels, finite=finite, cure=cure)
    return np.array(values, order="C") if box is None else _resized(values, box, max_pixels)


def shared_pixels(source: object, *, color: str) -> Pixels:
    """Return an image as :func:`read_image` does, perhaps in the caller's memory.

    For those who copy it anyway, such as a tensor of TensorFlow.

    Args:
        source: as in :func:`read_image`; NaN and infinity are refused.
        color: one of :data:`COLORS`.

    Returns:
        (H, W, C) float32, to be read and not written.
    """
    return _pixels(source, color, max_pixels=MAX_PIXELS, finite=True, cure="")


def _pixels(source: object, color: str, *, max_pixels: int, finite: bool, cure: str) -> Pixels:
    raw, alpha = _raw(source, max_pixels)
    values = scaled(raw)
    if finite:
        check_finite(values, raw, cure=cure)
    return _IN_COLOR[color](_over_white(values) if alpha else values)


def image_name(source: object) -> str:
    """Return a file's name without its ending, or ``"image"`` for anything else.

    Args:
        source: what :func:`read_image` takes.

    Returns:
        A text that is never empty.

    Example:
        >>> image_name("photos/cat.jpg"), image_name([[0, 1]])
        ('cat', 'image')
    """
    if isinstance(source, (str, os.PathLike)):
        return Path(os.fsdecode(source)).stem or "image"
    return "image"


def _raw(source: object, max_pixels: int) -> tuple[NDArray[Any], bool]:
    """Return (H, W, C) of any real type, and whether the last channel is alpha."""
    if isinstance(source, np.ndarray):
        return image_shaped(np.asarray(source)), False
    if isinstance(source, Image.Image):
        raw = _from_pillow(source)
    elif isinstance(source, (str, os.PathLike)):
        name = os.fsdecode(source)
        raw = array_from_file(_file_bytes(name), name=repr(name), max_pixels=max_pixels)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        raw = array_from_file(bytes(source), name="bytes", max_pixels=max_pixels)
    elif callable(getattr(source, "read", None)):
        raw = array_from_file(_stream_bytes(source), name="a stream", max_pixels=max_pixels)
    else:
        return image_shaped(numbers_from(source)), False
    return raw, raw.shape[2] in (2, 4)


def _file_bytes(name: str) -> bytes:
    if _ADDRESS.match(name):
        raise ValueError(
            f"image must be a file on this machine; got {name!r}; featviz downloads nothing"
        )
    try:
        endless = Path(name).is_char_device()  # such as /dev/zero
        data = b"" if endless else Path(name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        cure = "; numbers are written as lists, [[0, 1], [2, 3]]" if ";" in name else ""
        if name.startswith("sample:"):  # as the command takes it
            cure = f"; sample_image({name.removeprefix('sample:')!r}) makes it"
        raise FileNotFoundError(f"image must be a file that exists; got {name!r}{cure}") from None
    except IsADirectoryError:
        raise IsADirectoryError(f"image must be a file; got the folder {name!r}") from None
    except ValueError:  # a zero byte in the name
        raise ValueError(f"image must be a file name; got {name!r}") from None
    if endless:
        raise ValueError(f"image must be a file; got the device {name!r}")
    return data


def _stream_bytes(stream: Any) -> bytes:
    data = stream.read()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"image must be a file opened in binary mode; got one that reads {type(data).__name__}"
        )
    return bytes(data)


def _from_pillow(picture: Image.Image) -> NDArray[Any]:
    sizes = picture.height, picture.width
    if 0 in sizes:
        raise ValueError(f"image must have at least one pixel; got the shape {sizes}")
    try:
        return array_from_picture(picture)
    except MemoryError:
        raise
    except Exception as error:  # a file that is closed, cut off or damaged
        raise ValueError(
            f"image must be a Pillow image that can be loaded; "
            f"got one of {size_text(sizes)}: {error}"
        ) from error


def _over_white(values: Pixels) -> Pixels:
    """Return colours c with alpha a in the last channel as c·a + 1·(1 − a)."""
    colours, alpha = values[:, :, :-1], values[:, :, -1:]
    return colours * alpha + (np.float32(1) - alpha)


def _opaque(values: Pixels, color: str) -> Pixels:
    channels = values.shape[2]
    if channels > 4:
        raise ValueError(
            f"image must have 1, 2, 3 or 4 channels for color={color!r}; got {channels}; "
            "choose another color"
        )
    return _over_white(values) if channels in (2, 4) else values


def _grey(values: Pixels) -> Pixels:
    values = _opaque(values, "grey")
    if values.shape[2] == 1:
        return values
    grey: Pixels = (values @ np.array(LUMA)).astype(np.float32)
    return grey[:, :, np.newaxis]


def _rgb(values: Pixels) -> Pixels:
    values = _opaque(values, "rgb")
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values


_IN_COLOR: dict[str, Callable[[Pixels], Pixels]] = {
    "keep": lambda values: values,
    "grey": _grey,
    "rgb": _rgb,
}


def _fitted(sizes: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Return the largest rounded (height, width) of the same aspect inside ``box``."""
    (height, width), (most_rows, most_columns) = sizes, box
    if most_rows * width <= most_columns * height:
        return most_rows, max(1, round(width * most_rows / height))
    return max(1, round(height * most_columns / width)), most_columns


def _resized(values: Pixels, box: tuple[int, int], max_pixels: int) -> Pixels:
    sizes = _fitted((values.shape[0], values.shape[1]), box)
    if sizes[0] * sizes[1] > max_pixels:
        raise ValueError(f"size must give at most {max_pixels:,} pixels; got {size_text(sizes)}")
    if sizes == values.shape[:2]:
        return values
    result = np.empty((*sizes, values.shape[2]), np.float32)
    for k in range(values.shape[2]):
        channel = np.ascontiguousarray(values[:, :, k])
        # Pillow's triangle widens with the step when shrinking. Its weights are never negative and
        # it sums in double precision, so the range is not left.
        resized = Image.fromarray(channel).resize(sizes[::-1], Image.Resampling.BILINEAR)
        result[:, :, k] = np.asarray(resized)
    return result


def write_image(
    path: str | os.PathLike[str], image: object, *, limits: tuple[float, float] = (0.0, 1.0)
) -> Path:
    """Write an image file of 8 bits per value, whole or not at all.

    Args:
        path: its ending decides: .png, .bmp, .tif, .tiff and .webp keep the 8 bits, .jpg and
            .jpeg (quality 95) and colour .gif (256 colours) come near them.
        image: (H, W), (H, W, 1) or (H, W, 3) numbers, or whatever :func:`read_image` takes, under
            the same convention: uint8 arrays are divided by 255 first.
        limits: the values that become black (0) and white (255); in between linear, rounded.

    Returns:
        The path that was written.

    Raises:
        ValueError: unknown ending, a value outside the limits, NaN, other channels, or a side
            longer than the format can hold.
        OSError: the path cannot be written; a file that was there is untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_image(Path(folder, "ramp.png"), [[0, 0.5, 1]])
        ...     (read_image(path)[0, :, 0] * 255).tolist()
        [0.0, 128.0, 255.0]
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a text or a path; got {shown(path)}")
    one_of("ending of the path", Path(path).suffix.lower(), tuple(_FORMATS))
    file_format = _FORMATS[Path(path).suffix.lower()]
    writable_path(path)
    low, high = _checked_limits(limits)
    values = read_image(image, finite=False)
    check_finite(values, values)
    levels = _eight_bits(values, low, high)
    longest = _LONGEST_SIDE.get(file_format)
    if longest is not None and max(values.shape[:2]) > longest:
        raise ValueError(
            f"image must have sides of at most {longest} pixels for {file_format}; "
            f"got {size_text(values.shape[:2])}"
        )
    stream = io.BytesIO()
    picture = Image.fromarray(levels[:, :, 0] if levels.shape[2] == 1 else levels)
    picture.save(stream, file_format, **_SAVE_OPTIONS.get(file_format, {}))
    return write_whole(path, stream.getvalue())


def _checked_limits(limits: Any) -> tuple[float, float]:
    if not isinstance(limits, (tuple, list)) or len(limits) != 2:
        raise TypeError(f"limits must be a pair (low, high); got {shown(limits)}")
    low, high = (real_number("limits", value) for value in limits)
    if low >= high:
        raise ValueError(f"limits must be (low, high) with low < high; got {shown(limits)}")
    return low, high


def _eight_bits(values: Pixels, low: float, high: float) -> NDArray[np.uint8]:
    if values.shape[2] not in (1, 3):
        raise ValueError(
            f"image must have 1 or 3 channels to be written; got {values.shape[2]}; "
            f"write one as image[:, :, 0], or alpha over white as read_image(image, color='rgb')"
        )
    least, most = values.min(), values.max()
    slack = _TOLERANCE * (high - low)
    if least < low - slack or most > high + slack:
        raise ValueError(
            f"image must lie within the limits {low:g} and {high:g}; got values from {least!s} "
            f"to {most!s}; pass limits=({least!s}, {most!s}) to write these as black and white"
        )
    shares = (values.astype(np.float64) - low) / (high - low)
    return np.rint(shares * 255).astype(np.uint8)
