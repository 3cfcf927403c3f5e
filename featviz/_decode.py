"""Image files to arrays of the numbers that stand in them, unscaled.

Pillow decodes, except where it would quietly keep 8 of 16 bits: 16-bit colour PNG goes through
TensorFlow and 16-bit colour TIFF through tifffile, each imported only then. Results have the
shape (H, W, C), the type of the file's numbers (bool, uint8, uint16, uint32, int32, float32),
and are turned upright as the EXIF orientation says; C is 2 or 4 exactly when the last channel
is alpha. Colour profiles are not applied.
"""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from featviz._check import size_text

# The first bytes of each format, and Pillow's reader. The readers are called one by one and not
# through Image.open: that warns or stops at a limit which is global to the process, while the
# limit here is an argument.
_TIFF = TiffImagePlugin.TiffImageFile
_PNG = PngImagePlugin.PngImageFile
_READERS: tuple[tuple[re.Pattern[bytes], type[ImageFile.ImageFile]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _PNG),
    (re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
    (re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    (re.compile(rb"II[*+]\x00|MM\x00[*+]"), _TIFF),
)
_AS_RGBA = ("PA", "RGBa")
_AS_RGB = ("CMYK", "YCbCr", "LAB", "HSV", "RGBX")
# Numbers of the tags in the TIFF 6.0 specification, section 8; EXIF uses the same for 274.
_BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _SAMPLE_FORMAT = 258, 262, 274, 277, 339
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB_COLOURS, _PLAIN_ALPHA = 0, 1, 2, 2
_UNSIGNED, _SIGNED = 1, 2


def array_from_file(data: bytes, *, name: str, max_pixels: int) -> NDArray[Any]:
    """Return the first picture of a JPEG, PNG, BMP, GIF, WebP or TIFF file.

    Args:
        data: the whole file.
        name: what an error sentence calls the file.
        max_pixels: largest H·W; compared with the header before a pixel is decoded.

    Returns:
        (H, W, C) array as the module's docstring says.

    Raises:
        ValueError: empty, another format, damaged, cut off, or too many pixels.
        ImportError: 16-bit colour TIFF without tifffile.
    """
    if not data:
        raise ValueError(f"image must not be empty; got {name} with 0 bytes")
    reader = next((cls for start, cls in _READERS if start.match(data)), None)
    if reader is None:
        raise ValueError(
            f"image must be a JPEG, PNG, BMP, GIF, WebP or TIFF file; "
            f"got {name}, which starts with {data[:8]!r}"
        )
    try:
        return _array_with(reader, data, name, max_pixels)
    except (_RefusedError, ImportError, MemoryError) as error:
        raise (ValueError(str(error)) if isinstance(error, _RefusedError) else error) from None
    except Exception as error:  # decoders raise nearly everything on a broken file
        raise ValueError(
            f"image must be a whole file; got {name}, which ends too early or is damaged"
        ) from error


class _RefusedError(Exception):
    """A sentence for the caller, kept apart from what decoders raise on broken files."""


def _array_with(
    reader: type[ImageFile.ImageFile], data: bytes, name: str, max_pixels: int
) -> NDArray[Any]:
    try:
        picture = reader(io.BytesIO(data))
    except SyntaxError as error:  # Pillow's way to say that it cannot go on
        if reader is not _TIFF or "unknown" not in str(error):
            raise
        return _deep_tiff(data, name, max_pixels)  # a kind of TIFF that Pillow does not know
    _check_pixels((picture.height, picture.width), name, max_pixels)
    if isinstance(picture, _PNG):
        return _png(data, picture)
    if isinstance(picture, _TIFF):
        samples, bits = (_first(picture.tag_v2.get(tag, 1)) for tag in (_SAMPLES, _BITS))
        return (
            _deep_tiff(data, name, max_pixels) if samples > 1 and bits > 8 else _tiff(picture, name)
        )
    return array_from_picture(picture)


def _check_pixels(sizes: tuple[int, int], name: str, max_pixels: int) -> None:
    pixels = sizes[0] * sizes[1]
    if pixels > max_pixels:
        raise _RefusedError(
            f"image must have at most {max_pixels:,} pixels; got {name} with {size_text(sizes)} "
            f"(height × width); pass max_pixels={pixels} to read it all the same"
        )


def array_from_picture(picture: Image.Image, *, grey_levels: int = 256) -> NDArray[Any]:
    """Return a Pillow image of any mode as an array.

    Args:
        picture: it is loaded if it was not, and not changed otherwise.
        grey_levels: levels of the file's grey numbers that Pillow spread over 0..255; the one
            grey that stands for transparent is counted in these.

    Returns:
        (H, W, C) array as the module's docstring says.
    """
    picture.load()
    mode = picture.mode
    if mode == "P":
        values = np.asarray(picture.convert("RGBA" if picture.has_transparency_data else "RGB"))
    elif mode in _AS_RGBA or mode in _AS_RGB:
        values = np.asarray(picture.convert("RGBA" if mode in _AS_RGBA else "RGB"))
    else:
        values = np.asarray(picture.convert("LA") if mode == "La" else picture)
        values = _with_key(_pixels(values), picture.info.get("transparency"), grey_levels)
    return _upright(_pixels(values), _orientation(picture))


def _pixels(values: NDArray[Any]) -> NDArray[Any]:
    return values[:, :, np.newaxis] if values.ndim == 2 else values


def _with_key(values: NDArray[Any], key: object, grey_levels: int = 256) -> NDArray[Any]:
    """Return ``values`` with alpha when one colour of the file means transparent."""
    if not isinstance(key, (int, tuple)) or values.shape[2] not in (1, 3):
        return values
    if values.dtype == np.uint8 and values.shape[2] == 1:
        key = int(_first(key)) * 255 // (grey_levels - 1)
    full = True if values.dtype == np.bool_ else np.iinfo(values.dtype).max
    opaque = np.any(values != np.asarray(key), axis=2, keepdims=True)
    return np.concatenate([values, (opaque * full).astype(values.dtype)], axis=2)


def _orientation(picture: Image.Image) -> int:
    with contextlib.suppress(Exception):  # a broken EXIF block must not cost the picture
        return int(picture.getexif().get(_ORIENTATION, 1))
    return 1


def _upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return (H, W, C) values turned and mirrored as EXIF orientation 1..8 asks for.

    Source: Exif 2.32, tag 274: the place of row 0 and column 0 in the upright picture.
    """
    if orientation in (5, 6, 7, 8):
        values = values.transpose(1, 0, 2)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return values[::rows, ::columns]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def _png(data: bytes, picture: PngImagePlugin.PngImageFile) -> NDArray[Any]:
    bits, colours = data[24], data[25]  # IHDR, PNG specification 11.2.2
    if bits < 16 or colours == 0:  # Pillow keeps all 16 bits of grey, and of nothing else
        levels = 2**bits if colours == 0 and bits < 8 else 256
        return array_from_picture(picture, grey_levels=levels)
    picture.load()  # a file that is cut off ends here, before TensorFlow writes about it
    import tensorflow as tf

    values: NDArray[Any] = tf.io.decode_png(data, dtype=tf.uint16).numpy()
    return _upright(_with_key(values, picture.info.get("transparency")), _orientation(picture))


def _tiff(picture: TiffImagePlugin.TiffImageFile, name: str) -> NDArray[Any]:
    tags = picture.tag_v2
    if tags.get(_SAMPLES, 1) > len(picture.getbands()):  # Pillow drops what it does not know
        raise _RefusedError(
            f"image must be a TIFF without extra channels other than alpha; got {name} with "
            f"{tags[_SAMPLES]} channels"
        )
    kind, bits = _first(tags.get(_SAMPLE_FORMAT, _UNSIGNED)), _first(tags.get(_BITS, 1))
    white_is_zero = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    values = array_from_picture(picture)
    if kind == _SIGNED and values.dtype == np.uint8:  # Pillow knows 8 bits without a sign only
        values = values.view(np.int8)
    if kind == _UNSIGNED and values.dtype == np.int32:  # Pillow's mode "I" has a sign always
        values = np.ascontiguousarray(values).view(np.uint32)
    if bits == 12:
        values = values.astype(np.float32) / np.float32(4095)
    # Pillow turns white-is-zero round in 8 bits only.
    return ~values if white_is_zero and values.dtype in (np.uint16, np.uint32) else values


def _deep_tiff(data: bytes, name: str, max_pixels: int) -> NDArray[Any]:
    """Return the first page of a TIFF file with more than 8 bits per colour."""
    try:
        import tifffile
    except ImportError:
        raise ImportError(
            f"image must be a TIFF with 8 bits per colour or grey; got {name}; "
            f'for others run: pip install "featviz[tiff]"'
        ) from None
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        _check_pixels((page.imagelength, page.imagewidth), name, max_pixels)
        extra = tuple(int(sample) for sample in page.extrasamples)
        known = (_BLACK_IS_ZERO, _RGB_COLOURS)
        if page.axes not in ("YX", "YXS", "SYX") or int(page.photometric) not in known:
            raise _RefusedError(
                f"image must be a grey or RGB TIFF; got {name} with "
                f"{page.photometric.name} {page.axes}"
            )
        if extra not in ((), (_PLAIN_ALPHA,)):
            raise _RefusedError(
                f"image must be a TIFF without extra channels other than alpha; got {name} "
                f"with {', '.join(sample.name for sample in page.extrasamples)}"
            )
        values = page.asarray()
        values = values.transpose(1, 2, 0) if page.axes == "SYX" else values
        tag = page.tags.get(_ORIENTATION)
    return _upright(_pixels(values), 1 if tag is None else int(tag.value))
