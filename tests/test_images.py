"""Reading and writing images: the convention, files of every kind, and every error sentence."""

import io
import os
import struct
import subprocess
import sys
import time
import timeit
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

from featviz.images import image_name, read_image, write_image

RAMP = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
GREY = np.array([[0, 51, 255], [102, 7, 200]], np.uint8)


def png(values, kind, *, bits=16, chunks=b"", claim=None):
    """Return a PNG file of colour type ``kind``; ``claim`` is another (height, width)."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    height, width = claim or values.shape[:2]
    rows = b"".join(
        b"\0" + row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in values
    )
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    extra = b"".join(chunk(name, body) for name, body in chunks) if chunks else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def tiff(values, *, photometric, sample_format=1, orientation=1, alpha=None):
    """Return an uncompressed little-endian TIFF file of (H, W, C) values of any type."""
    height, width, channels = values.shape
    data = values.tobytes()
    tags = [(256, width), (257, height), (258, values.itemsize * 8), (259, 1), (262, photometric)]
    tags += [(273, 8), (274, orientation), (277, channels), (278, height), (279, len(data))]
    tags += [(338, alpha)] if alpha is not None else []
    tags += [(339, sample_format)]
    body, tail = b"", b""
    start_of_tail = 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, value in tags:
        count = channels if tag in (258, 339) else 1
        field = (
            struct.pack(f"<{count}H", *[value] * count) if tag != 279 else struct.pack("<I", value)
        )
        if len(field) > 4:
            place = struct.pack("<I", start_of_tail + len(tail))
            tail += field
            field = place
        body += struct.pack("<HHI", tag, 4 if tag == 279 else 3, count) + field.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return head + data + struct.pack("<H", len(tags)) + body + struct.pack("<I", 0) + tail


def saved(picture, file_format, **options):
    stream = io.BytesIO()
    picture.save(stream, file_format, **options)
    return stream.getvalue()


def assert_an_image_of_its_own(values, source=None):
    assert type(values) is np.ndarray
    assert values.dtype == np.float32
    assert values.ndim == 3
    assert values.flags.c_contiguous
    assert values.flags.writeable
    if source is not None:
        assert not np.shares_memory(values, source)


# --- the convention -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 51, 255]], np.uint8), [0, 0.2, 1]),
        (np.array([[0, 13107, 65535]], np.uint16), [0, 0.2, 1]),
        (np.array([[0, 858993459, 2**32 - 1]], np.uint32), [0, 0.2, 1]),
        (np.array([[0, 2**64 - 1]], np.uint64), [0, 1]),
        (np.array([[False, True]]), [0, 1]),
        (np.array([[-3, 0, 255]], np.int16), [-3, 0, 255]),
        (np.array([[0, 35]], np.int64), [0, 35]),
        (np.array([[0.5, 255, -2]], np.float64), [0.5, 255, -2]),
        (np.array([[0.5, 2]], np.float16), [0.5, 2]),
        (np.array([[0.5, 2]], ">f4"), [0.5, 2]),
        (np.array([[0, 13107]], ">u2"), [0, 0.2]),
        ([[0, 1, 255]], [0, 1, 255]),
        (((0, 0.5), ), [0, 0.5]),
        ([[True, False]], [1, 0]),
        ([[0, 2**63]], [0, 2**63]),
        ([np.array([0, 255], np.uint8)], [0, 255]),
    ],
    ids=[
        "uint8", "uint16", "uint32", "uint64", "bool", "signed", "int64", "float64", "float16",
        "big-endian float", "big-endian uint16", "list of ints", "tuple of floats", "list of bools",
        "list beyond int64", "list of uint8 rows",
    ],
)  # fmt: skip
def test_the_type_alone_decides_how_numbers_are_scaled(values, expected):
    result = read_image(values)
    assert_an_image_of_its_own(result)
    np.testing.assert_array_equal(result[0, :, 0], np.array(expected, np.float32))


def test_two_axes_become_one_channel_and_three_axes_stay():
    assert read_image(GREY).shape == (2, 3, 1)
    assert read_image(RAMP).shape == (2, 4, 3)
    assert read_image(np.zeros((2, 3, 7))).shape == (2, 3, 7)
    np.testing.assert_array_equal(read_image(RAMP)[1, 2], np.float32([180, 190, 200]) / 255)


def test_tensors_and_array_like_objects_are_read_as_the_arrays_they_hold():
    import tensorflow as tf

    class Holder:
        def __array__(self, dtype=None, copy=None):
            return np.asarray(GREY, dtype)

    np.testing.assert_array_equal(read_image(Holder()), read_image(GREY))
    np.testing.assert_array_equal(read_image(tf.constant(RAMP)), read_image(RAMP))
    np.testing.assert_array_equal(read_image(tf.Variable([[1.5]])), [[[1.5]]])
    half = read_image(tf.constant([[0.5, 3.0]], tf.bfloat16))
    assert_an_image_of_its_own(half)
    np.testing.assert_array_equal(half[0, :, 0], [0.5, 3.0])


def test_numbers_of_32_bits_are_rounded_once():
    values = np.random.default_rng(0).integers(0, 2**32, (50, 50), dtype=np.uint32)
    expected = (values / np.float64(2**32 - 1)).astype(np.float32)
    np.testing.assert_array_equal(read_image(values)[:, :, 0], expected)


@pytest.mark.parametrize(
    "view",
    [lambda a: a, lambda a: a.T, lambda a: a[::-1, ::2], np.asfortranarray],
    ids=["whole", "transposed", "strided", "column-major"],
)
@pytest.mark.parametrize("kind", [np.float32, np.uint8], ids=["float32", "uint8"])
def test_the_result_shares_nothing_with_the_callers_array(view, kind):
    original = np.arange(30).reshape(5, 6).astype(kind)
    source = view(original)
    before = original.copy()
    result = read_image(source)
    assert_an_image_of_its_own(result, original)
    result[...] = 99
    np.testing.assert_array_equal(original, before)


@given(
    hnp.arrays(
        hnp.unsigned_integer_dtypes(sizes=(8, 16)) | hnp.boolean_dtypes(),
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=6),
    )
)
def test_unsigned_numbers_come_back_exactly_from_the_unit_range(values):
    result = read_image(values)
    full = 1 if values.dtype == bool else np.iinfo(values.dtype).max
    assert result.min() >= 0
    assert result.max() <= 1
    np.testing.assert_array_equal(
        np.rint(result.astype(np.float64) * full), values.reshape(result.shape)
    )


def test_infinity_is_kept_only_when_asked_for():
    kept = read_image([[1.0, np.nan], [-np.inf, 1e300]], finite=False)[:, :, 0]
    np.testing.assert_array_equal(kept, np.float32([[1, np.nan], [-np.inf, np.inf]]))


def test_large_finite_numbers_whose_sum_overflows_are_accepted():
    assert read_image(np.full((4, 4), 3e38, np.float32)).max() == np.float32(3e38)


def test_an_array_is_read_in_a_fraction_of_a_millisecond():
    values = np.random.default_rng(0).random((400, 400), dtype=np.float32)
    assert min(timeit.repeat(lambda: read_image(values), number=20, repeat=5)) / 20 < 1e-3


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("values", [RAMP, GREY], ids=["colour", "grey"])
def test_files_that_keep_their_values_are_read_exactly(file_format, values):
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = saved(Image.fromarray(values), file_format, **options)
    expected = read_image(values)
    if file_format == "WEBP" and values is GREY:  # WebP knows colour only
        expected = np.repeat(expected, 3, axis=2)
    result = read_image(data)
    assert_an_image_of_its_own(result)
    np.testing.assert_array_equal(result, expected)


def test_jpeg_and_gif_come_near_the_picture():
    smooth = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    np.testing.assert_allclose(
        read_image(saved(Image.fromarray(smooth), "JPEG", quality=95)),
        read_image(smooth),
        atol=0.03,
    )
    gif = read_image(saved(Image.fromarray(smooth), "GIF"), color="grey")
    np.testing.assert_allclose(gif, read_image(smooth), atol=1e-6)


def test_every_kind_of_source_gives_the_same_image(tmp_path):
    data = saved(Image.fromarray(RAMP), "PNG")
    path = tmp_path / "ramp.png"
    path.write_bytes(data)
    expected = read_image(RAMP)
    with path.open("rb") as file:
        sources = [str(path), path, data, bytearray(data), memoryview(data), file, Image.open(path)]
        for source in sources:
            np.testing.assert_array_equal(read_image(source), expected)


def test_the_first_frame_of_a_gif_is_read():
    frames = [Image.new("L", (3, 2), level) for level in (255, 0, 0)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert read_image(data, color="grey").min() == 1


@pytest.mark.parametrize("orientation", range(1, 9), ids=lambda n: f"orientation {n}")
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "JPEG", "Pillow"])
def test_exif_orientation_is_applied(orientation, file_format):
    upright = np.kron(RAMP, np.ones((8, 8, 1), np.uint8))
    # What a camera held at that angle stores, undone by Pillow's own function.
    undo = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    stored = Image.fromarray(upright)
    stored.getexif()[0x0112] = undo
    stored = ImageOps.exif_transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if file_format == "Pillow":
        source = Image.open(io.BytesIO(saved(stored, "PNG", exif=exif)))
    else:
        options = {"quality": 100, "subsampling": 0} if file_format == "JPEG" else {}
        source = saved(stored, file_format, exif=exif, **options)
    result = read_image(source)
    assert result.shape == upright.shape
    np.testing.assert_allclose(result, upright / np.float32(255), atol=0.02, rtol=0)


def test_a_pillow_image_keeps_its_orientation_mark_and_its_pixels():
    picture = Image.fromarray(RAMP)
    picture.getexif()[0x0112] = 6
    assert read_image(picture).shape == (4, 2, 3)
    assert picture.size == (4, 2)
    assert picture.getexif()[0x0112] == 6


def test_a_broken_exif_block_does_not_cost_the_picture():
    picture = Image.open(io.BytesIO(saved(Image.fromarray(RAMP), "PNG")))
    picture.info["exif"] = b"Exif\0\0nonsense"
    np.testing.assert_array_equal(read_image(picture), read_image(RAMP))


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("1", 255, [1]),
        ("L", 51, [0.2]),
        ("LA", (51, 0), [1]),
        ("La", (51, 255), [0.2]),
        ("RGB", (51, 0, 255), [0.2, 0, 1]),
        ("RGBA", (51, 0, 255, 0), [1, 1, 1]),
        ("RGBA", (51, 0, 255, 51), [0.84, 0.8, 1]),
        ("RGBa", (51, 0, 255, 255), [0.2, 0, 1]),
        ("RGBX", (51, 0, 255, 7), [0.2, 0, 1]),
        ("CMYK", (204, 255, 0, 0), [0.2, 0, 1]),
        ("YCbCr", (255, 128, 128), [1, 1, 1]),
        ("HSV", (0, 255, 255), [1, 0, 0]),
        ("LAB", (255, 128, 128), [1, 1, 1]),
        ("I", -70000, [-70000]),
        ("F", 2.5, [2.5]),
        ("I;16", 13107, [0.2]),
    ],
    ids=[
        "1-bit", "grey", "grey, clear", "premultiplied grey", "colour", "clear", "one fifth opaque",
        "premultiplied", "padded", "CMYK", "YCbCr", "HSV", "LAB", "signed", "float", "16-bit grey",
    ],
)  # fmt: skip
def test_every_mode_of_pillow_becomes_grey_or_rgb(mode, color, expected):
    picture = Image.new(mode, (3, 2), color)
    result = read_image(picture)
    assert_an_image_of_its_own(result)
    assert result.shape == (2, 3, len(expected))
    tolerance = 0.02 if mode == "LAB" else 1e-6
    np.testing.assert_allclose(result[1, 2], expected, atol=tolerance)


def test_a_cmyk_jpeg_is_read_as_rgb():
    data = saved(Image.new("CMYK", (16, 16), (204, 255, 0, 0)), "JPEG", quality=100)
    np.testing.assert_allclose(read_image(data)[5, 5], [0.2, 0, 1], atol=0.02)


def test_a_palette_with_transparency_is_laid_over_white():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    assert read_image(saved(picture, "PNG"))[0].tolist() == [[1, 0, 0], [0, 0, 1]]
    half = read_image(saved(picture, "PNG", transparency=bytes([255, 102])))
    np.testing.assert_allclose(half[0], [[1, 0, 0], [0.6, 0.6, 1]], atol=1e-6)
    assert read_image(saved(picture, "GIF", transparency=1))[0].tolist() == [[1, 0, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    ("values", "kind", "bits", "key"),
    [
        (np.uint8([[[10], [20]]]), 0, 8, (20,)),
        (np.uint8([[[1, 2, 3], [4, 5, 6]]]), 2, 8, (4, 5, 6)),
        (np.uint16([[[10], [20]]]), 0, 16, (20,)),
        (np.uint16([[[1000, 2, 3], [4000, 5, 6]]]), 2, 16, (4000, 5, 6)),
    ],
    ids=["grey", "colour", "16-bit grey", "16-bit colour"],
)
def test_the_one_transparent_colour_of_a_png_becomes_white(values, kind, bits, key):
    data = png(values, kind, bits=bits, chunks=[(b"tRNS", struct.pack(f">{len(key)}H", *key))])
    result = read_image(data)
    np.testing.assert_array_equal(result[0, 0], read_image(values)[0, 0])
    assert result[0, 1].tolist() == [1.0] * len(key)


def test_a_transparent_grey_of_two_bits_is_found():
    data = png(np.uint8([[[0b00011011]]]), 0, bits=2, claim=(1, 4), chunks=[(b"tRNS", b"\0\1")])
    np.testing.assert_allclose(read_image(data)[0, :, 0], [0, 1, 2 / 3, 1], atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "channels"),
    [(0, 1), (2, 3), (4, 2), (6, 4)],
    ids=["grey", "colour", "grey and alpha", "colour and alpha"],
)
def test_a_png_of_16_bits_keeps_them(kind, channels):
    values = np.random.default_rng(3).integers(0, 65536, (5, 4, channels)).astype(np.uint16)
    result = read_image(png(values, kind))
    shares = values / np.float64(65535)
    if channels in (2, 4):
        shares = shares[..., :-1] * shares[..., -1:] + 1 - shares[..., -1:]
    assert result.shape == shares.shape
    np.testing.assert_allclose(result, shares, atol=2e-7, rtol=0)
    if channels in (1, 3):
        np.testing.assert_array_equal(np.rint(result.astype(np.float64) * 65535), values)


@pytest.mark.parametrize("kind", [0, 2], ids=["grey", "colour"])
def test_a_png_of_16_bits_is_turned_upright(kind):
    values = np.arange(6 * (kind + 1), dtype=np.uint16).reshape(2, 3, -1) * 1000
    exif = Image.Exif()
    exif[0x0112] = 6
    result = read_image(png(values, kind, chunks=[(b"eXIf", exif.tobytes()[6:])]))
    np.testing.assert_array_equal(result, np.rot90(read_image(values), -1))


def test_a_png_of_16_bits_opened_by_pillow_keeps_its_grey():
    values = np.uint16([[[0], [13107], [65535]]])
    with Image.open(io.BytesIO(png(values, 0))) as picture:
        np.testing.assert_array_equal(read_image(picture), read_image(values))


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        (np.uint16([[[0], [13107]]]), {"photometric": 1}, [0, 0.2]),
        (np.uint16([[[0], [13107]]]), {"photometric": 0}, [1, 0.8]),
        (np.uint8([[[0], [51]]]), {"photometric": 0}, [1, 0.8]),
        (np.uint32([[[0], [2**32 - 1]]]), {"photometric": 1}, [0, 1]),
        (np.int32([[[-5], [70000]]]), {"photometric": 1, "sample_format": 2}, [-5, 70000]),
        (np.int16([[[-5], [300]]]), {"photometric": 1, "sample_format": 2}, [-5, 300]),
        (np.float32([[[-0.5], [7]]]), {"photometric": 1, "sample_format": 3}, [-0.5, 7]),
    ],
    ids=["uint16", "white is zero", "8-bit white is zero", "uint32", "int32", "int16", "float32"],
)
def test_grey_tiff_keeps_its_numbers(values, options, expected):
    result = read_image(tiff(values, **options))
    np.testing.assert_array_equal(result[0, :, 0], np.float32(expected))


def test_colour_tiff_of_16_bits_keeps_them_and_is_turned_upright():
    pytest.importorskip("tifffile")
    values = (np.arange(18, dtype=np.uint16) * 3001).reshape(2, 3, 3)
    np.testing.assert_array_equal(read_image(tiff(values, photometric=2)), read_image(values))
    turned = read_image(tiff(values, photometric=2, orientation=6))
    np.testing.assert_array_equal(turned, np.rot90(read_image(values), -1))


def test_colour_tiff_of_floats_and_with_alpha_is_read_by_tifffile():
    tifffile = pytest.importorskip("tifffile")
    stream = io.BytesIO()
    values = np.linspace(-1, 2, 18, dtype=np.float32).reshape(2, 3, 3)
    tifffile.imwrite(stream, values, photometric="rgb")
    np.testing.assert_array_equal(read_image(stream.getvalue()), values)
    alpha = np.uint16([[[13107, 0, 65535, 0], [13107, 0, 65535, 65535]]])
    result = read_image(tiff(alpha, photometric=2, alpha=2))
    np.testing.assert_allclose(result[0], [[1, 1, 1], [0.2, 0, 1]], atol=1e-6)
    stream = io.BytesIO()
    planes = values.transpose(2, 0, 1)
    tifffile.imwrite(stream, planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(stream.getvalue()), values)


def test_tensorflow_is_not_imported_for_ordinary_files(tmp_path):
    path = tmp_path / "ramp.png"
    Image.fromarray(RAMP).save(path)
    code = (
        "import sys; from featviz.images import read_image; "
        f"read_image({str(path)!r}); read_image([[1, 2]]); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


# --- colour and size ----------------------------------------------------------------------------


def test_grey_is_the_luma_of_bt_601():
    values = np.float32([[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.3, 0.3, 0.3]]])
    expected = np.float32([0.299, 0.587, 0.114, 0.3])
    np.testing.assert_array_equal(read_image(values, color="grey")[0, :, 0], expected)


@pytest.mark.parametrize(
    ("channels", "grey", "rgb"),
    [
        ([0.5], [0.5], [0.5, 0.5, 0.5]),
        ([0.5, 0.5], [0.75], [0.75, 0.75, 0.75]),
        ([1, 0, 0], [0.299], [1, 0, 0]),
        ([1, 0, 0, 0.5], [0.6495], [1, 0.5, 0.5]),
    ],
    ids=["grey", "grey and alpha", "rgb", "rgb and alpha"],
)
def test_one_to_four_channels_become_grey_or_rgb(channels, grey, rgb):
    values = np.float32([[channels]])
    np.testing.assert_allclose(read_image(values, color="grey"), [[grey]], rtol=1e-6)
    np.testing.assert_allclose(read_image(values, color="rgb"), [[rgb]], rtol=1e-6)
    np.testing.assert_array_equal(read_image(values), values)


@given(hnp.arrays(np.float32, (3, 3, 3), elements=st.floats(-2, 5, width=32)))
def test_grey_never_leaves_the_range_of_the_colours(values):
    grey = read_image(values, color="grey")
    assert grey.min() >= values.min() - 1e-6
    assert grey.max() <= values.max() + 1e-6


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((100, 50), 20, (20, 10)),
        ((50, 100), 20, (10, 20)),
        ((50, 100), (10, 100), (10, 20)),
        ((50, 100), (100, 10), (5, 10)),
        ((3, 5), 10, (6, 10)),
        ((300, 2), 10, (10, 1)),
        ((40, 40), (7, 9), (7, 7)),
        ((33, 100), 50, (16, 50)),
        ((6, 4), (6, 4), (6, 4)),
    ],
    ids=[
        "tall", "wide", "low box", "narrow box", "larger", "at least 1", "square in a wide box",
        "half a pixel", "same",
    ],
)  # fmt: skip
def test_size_is_the_longer_side_or_a_box_and_keeps_the_aspect(shape, size, expected):
    result = read_image(np.zeros(shape), size=size)
    assert_an_image_of_its_own(result)
    assert result.shape == (*expected, 1)


def test_shrinking_averages_instead_of_skipping():
    board = np.indices((128, 96)).sum(axis=0) % 2
    small = read_image(board.astype(np.float32), size=32)
    assert small.shape == (32, 24, 1)
    np.testing.assert_allclose(small[2:-2, 2:-2], 0.5, atol=0.01)


def test_resizing_keeps_rows_rows_and_channels_channels():
    values = np.zeros((40, 60, 3), np.float32)
    values[:20, :, 0] = 1  # top
    values[:, :30, 1] = 1  # left
    small = read_image(values, size=(4, 6))
    np.testing.assert_allclose(small[0, 0], [1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(small[-1, 0], [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(small[0, -1], [1, 0, 0], atol=1e-6)


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    st.integers(1, 30),
    st.integers(1, 30),
)
def test_resizing_fits_the_box_and_never_leaves_the_range(values, rows, columns):
    result = read_image(values, size=(rows, columns))
    assert result.min() >= values.min()
    assert result.max() <= values.max()
    assert result.shape[0] <= rows
    assert result.shape[1] <= columns
    assert result.shape[0] == rows or result.shape[1] == columns


def test_resizing_with_nan_kept_leaves_the_far_pixels_alone():
    values = np.ones((40, 40), np.float32)
    values[0, 0] = np.nan
    result = read_image(values, size=10, finite=False)
    assert np.isnan(result[0, 0, 0])
    assert (result[5:, 5:] == 1).all()


# --- limits on size -----------------------------------------------------------------------------


def bomb(claim=(14000, 20000)):
    return png(np.zeros((1, 1, 1)), 0, bits=8, claim=claim)


def test_max_pixels_allows_more_or_less():
    data = saved(Image.fromarray(RAMP), "PNG")
    assert read_image(data, max_pixels=8).shape == (2, 4, 3)
    with pytest.raises(ValueError, match=r"at most 7 pixels; got bytes with 2×4"):
        read_image(data, max_pixels=7)
    with pytest.raises(ValueError, match="ends too early"):  # allowed, so it is decoded
        read_image(bomb(), max_pixels=10**9)


def test_a_bomb_is_refused_before_it_is_decoded():
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="at most 100,000,000 pixels"):
            read_image(bomb())
        with pytest.raises(ValueError, match="ends too early"):  # above Pillow's limit, below ours
            read_image(bomb((9500, 10000)))
    assert told == []
    assert time.perf_counter() - start < 1


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".png", ".bmp", ".webp", ".tif", ".tiff", ".PNG"])
@pytest.mark.parametrize("values", [RAMP, GREY], ids=["colour", "grey"])
def test_what_is_written_without_loss_is_read_back(tmp_path, ending, values):
    path = tmp_path / f"a{ending}"
    assert write_image(path, values) == path
    np.testing.assert_array_equal(read_image(path, color="rgb"), read_image(values, color="rgb"))
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".gif"])
def test_what_is_written_with_loss_comes_near(tmp_path, ending):
    values = np.linspace(0, 1, 64 * 48).reshape(64, 48)
    path = write_image(str(tmp_path / f"a{ending}"), values)
    np.testing.assert_allclose(read_image(path, color="grey")[:, :, 0], values, atol=0.03)


def test_limits_become_black_and_white_and_halves_are_rounded(tmp_path):
    path = write_image(tmp_path / "a.png", [[-2, 0, 1, 4]], limits=(-2, 4))
    with Image.open(path) as picture:
        assert picture.mode == "L"
        assert np.asarray(picture).tolist() == [[0, 85, 128, 255]]


def test_rounding_just_outside_the_limits_is_forgiven(tmp_path):
    path = write_image(tmp_path / "a.png", np.array([[-9e-7, 1 + 9e-7]]))
    assert read_image(path)[0, :, 0].tolist() == [0, 1]


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)))
@settings(max_examples=25)
def test_every_grey_level_survives_writing_and_reading(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("grey") / "a.png"
    np.testing.assert_array_equal(read_image(write_image(path, values)), read_image(values))


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    path = write_image(tmp_path / "a.png", GREY)
    before = path.read_bytes()
    for bad in ([[2.0]], [[np.nan]], np.zeros((2, 2, 5)), "missing.png"):
        with pytest.raises((ValueError, FileNotFoundError)):
            write_image(path, bad)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("photos/cat.jpg", "cat"),
        (Path("cat.tar.gz"), "cat.tar"),
        (b"bytes", "image"),
        ([[1]], "image"),
        ("", "image"),
    ],
    ids=["text", "path", "bytes", "list", "empty"],
)
def test_image_name_is_the_stem_of_a_path(source, name):
    assert image_name(source) == name


# --- every error sentence -----------------------------------------------------------------------

TRUNCATED = "image must be a whole file; got {name}, which ends too early or is damaged"
KINDS = "image must be a path, bytes, a file, a Pillow image or numbers; got "
COLORS = "color must be one of 'keep', 'grey', 'rgb'; got "
ENDINGS = (
    "ending of the path must be one of '.png', '.jpg', '.jpeg', '.bmp', '.gif', '.webp', '.tif', "
    "'.tiff'; got "
)
FILE_ERRORS = {
    "missing": (None, FileNotFoundError, "image must be a file that exists; got {name}"),
    "empty": (b"", ValueError, "image must not be empty; got {name} with 0 bytes"),
    "text": (
        b"hello world", ValueError,
        "image must be a JPEG, PNG, BMP, GIF, WebP or TIFF file; got {name}, "
        "which starts with b'hello wo'",
    ),
    "cut PNG": (saved(Image.fromarray(RAMP), "PNG")[:-30], ValueError, TRUNCATED),
    "cut JPEG": (saved(Image.effect_noise((64, 64), 50), "JPEG")[:900], ValueError, TRUNCATED),
    "cut BMP": (saved(Image.fromarray(RAMP), "BMP")[:-9], ValueError, TRUNCATED),
    "cut TIFF": (saved(Image.fromarray(RAMP), "TIFF")[:20], ValueError, TRUNCATED),
    "cut GIF": (saved(Image.effect_noise((64, 64), 50), "GIF")[:900], ValueError, TRUNCATED),
    "cut WebP": (saved(Image.effect_noise((64, 64), 50), "WEBP")[:200], ValueError, TRUNCATED),
    "cut 16-bit PNG": (png(np.zeros((9, 9, 3)), 2)[:-30], ValueError, TRUNCATED),
    "cut 16-bit grey PNG": (png(np.zeros((9, 9, 1)), 0)[:-30], ValueError, TRUNCATED),
    "signature alone": (b"\x89PNG\r\n\x1a\n", ValueError, TRUNCATED),
    "bomb": (
        bomb(), ValueError,
        "image must have at most 100,000,000 pixels; got {name} with 14000×20000 "
        "(height × width); pass max_pixels=280000000 to read it all the same",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FILE_ERRORS, ids=str)
def test_every_bad_file_has_its_sentence(tmp_path, case, capfd):
    data, kind, sentence = FILE_ERRORS[case]
    path = tmp_path / "a.png"
    if data is not None:
        path.write_bytes(data)
    sources = [path, str(path)] if data is None else [path, str(path), data, io.BytesIO(data)]
    names = [repr(str(path)), repr(str(path)), "bytes", "a stream"]
    for source, name in zip(sources, names, strict=False):
        with pytest.raises(kind) as caught:
            read_image(source)
        assert type(caught.value) is kind
        assert str(caught.value) == sentence.format(name=name)
    assert capfd.readouterr() == ("", "")


def test_tensorflow_writes_nothing_about_a_16_bit_png_that_is_cut_off():
    code = (
        "import sys; from featviz.images import read_image\n"
        "try: read_image(sys.stdin.buffer)\n"
        "except ValueError as error: print(error)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=FILE_ERRORS["cut 16-bit PNG"][0],
        capture_output=True, check=True, env={**environment, "PYTHONPATH": root},
    )  # fmt: skip
    assert done.stdout.decode().strip() == TRUNCATED.format(name="a stream")
    assert done.stderr == b""


def test_a_folder_has_its_sentence(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        read_image(tmp_path)
    assert str(caught.value) == f"image must be a file; got the folder {str(tmp_path)!r}"


def test_a_text_mode_file_has_its_sentence(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("text")
    with path.open() as file, pytest.raises(TypeError) as caught:
        read_image(file)
    assert str(caught.value) == "image must be a file opened in binary mode; got one that reads str"


@pytest.mark.parametrize(
    ("kind", "sample_format"), [(np.uint16, 1), (np.float32, 3)], ids=["16 bits", "floats"]
)
def test_a_deep_colour_tiff_names_the_extra_that_reads_it(monkeypatch, kind, sample_format):
    monkeypatch.setitem(sys.modules, "tifffile", None)  # as if it were not installed
    data = tiff(np.zeros((2, 3, 3), kind), photometric=2, sample_format=sample_format)
    with pytest.raises(ImportError) as caught:
        read_image(data)
    assert str(caught.value) == (
        "image must be a TIFF with 8 bits per colour or grey; got bytes; "
        'for others run: pip install "featviz[tiff]"'
    )


def test_deep_tiff_of_other_kinds_is_refused():
    pytest.importorskip("tifffile")
    values = np.zeros((2, 3, 4), np.uint16)
    for photometric, alpha, sentence in (
        (5, None, "image must be a grey or RGB TIFF; got bytes with SEPARATED YXS"),
        (
            2, 1,
            "image must be a TIFF without extra channels other than alpha; got bytes "
            "with ASSOCALPHA",
        ),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"^image must") as caught:
            read_image(tiff(values, photometric=photometric, alpha=alpha))
        assert str(caught.value) == sentence
    with pytest.raises(ValueError, match=r"at most 5 pixels; got bytes with 2×3"):
        read_image(
            tiff(np.zeros((2, 3, 3), np.float32), photometric=2, sample_format=3), max_pixels=5
        )


def test_a_pillow_image_that_cannot_be_loaded_has_its_sentence():
    picture = Image.open(io.BytesIO(FILE_ERRORS["cut BMP"][0]))
    with pytest.raises(
        ValueError, match=r"^image must be a Pillow image that can be loaded; got one of 2×4: "
    ):
        read_image(picture)


class Unreadable:
    def numpy(self):
        raise RuntimeError("no values yet")

    def __repr__(self):
        return "Unreadable()"


READ_ERRORS = {
    "nothing": ((None,), {}, TypeError, KINDS + "None"),
    "number": ((3,), {}, TypeError, KINDS + "3"),
    "dict": (({"a": 1},), {}, TypeError, KINDS + "{'a': 1}"),
    "symbolic tensor": ((Unreadable(),), {}, TypeError, KINDS + "Unreadable()"),
    "address": (
        ("https://example.org/a.png",), {}, ValueError,
        "image must be a file on this machine; got 'https://example.org/a.png'; "
        "featviz downloads nothing",
    ),
    "zero byte in the name": (
        ("a\0b",), {}, ValueError, "image must be a file name; got 'a\\x00b'",
    ),
    "complex": (
        (np.zeros((2, 2), complex),), {}, TypeError,
        "image must hold real numbers; got an array of complex numbers",
    ),
    "objects": (
        ([[None]],), {}, TypeError, "image must hold real numbers; got an array of Python objects",
    ),
    "text": (([["a"]],), {}, TypeError, "image must hold real numbers; got an array of text"),
    "dates": (
        (np.zeros((2, 2), "M8[D]"),), {}, TypeError,
        "image must hold real numbers; got an array of datetime64[D]",
    ),
    "ragged rows": (
        ([[1, 2], [3, 4], [5]],), {}, ValueError,
        "image must have rows of equal length; got length 2 in row 1 and length 1 in row 3",
    ),
    "row missing": (
        ([[1, 2], 3],), {}, ValueError,
        "image must have rows of equal length; got length 2 in row 1 and a single number in row 2",
    ),
    "ragged pixels": (
        ([[[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [1, 2]]],), {}, ValueError,
        "image must have pixels of equal length; got length 3 in row 1, column 1 and length 2 in "
        "row 2, column 2",
    ),
    "ragged deeper": (
        ([[[[1], [1, 2]]]],), {}, ValueError,
        "image must be rows of numbers of equal length; got [[[[1], [1, 2]]]]",
    ),
    "no rows": (([],), {}, ValueError, "image must have at least one pixel; got the shape (0,)"),
    "no columns": (
        (np.zeros((3, 0)),), {}, ValueError,
        "image must have at least one pixel; got the shape (3, 0)",
    ),
    "empty Pillow image": (
        (Image.new("L", (0, 3)),), {}, ValueError,
        "image must have at least one pixel; got the shape (3, 0)",
    ),
    "one axis": (
        ([1, 2],), {}, ValueError,
        "image must have the shape (H, W) or (H, W, C); got (2,); one row is written [[…]]",
    ),
    "no axis": (
        (np.float32(3),), {}, ValueError,
        "image must have the shape (H, W) or (H, W, C); got ()",
    ),
    "batch": (
        (np.zeros((2, 5, 5, 3)),), {}, ValueError,
        "image must have the shape (H, W) or (H, W, C); got (2, 5, 5, 3); "
        "give one image at a time, as in images[0]",
    ),
    "NaN": (
        ([[1.0, 2.0], [np.nan, np.inf]],), {}, ValueError,
        "image must hold finite float32 numbers; got 2 other, the first nan at [1, 0, 0] "
        "(row, column, channel, from 0); pass finite=False to keep them",
    ),
    "infinities that cancel": (
        (np.array([[np.inf, -np.inf]]),), {}, ValueError,
        "image must hold finite float32 numbers; got 2 other, the first inf at [0, 0, 0] "
        "(row, column, channel, from 0); pass finite=False to keep them",
    ),
    "too large for float32": (
        (np.array([[0, 1e300]]),), {}, ValueError,
        "image must hold finite float32 numbers; got 1 other, the first 1e+300 at [0, 1, 0] "
        "(row, column, channel, from 0); pass finite=False to keep them",
    ),
    "color": (([[1]],), {"color": "gray"}, ValueError, COLORS + "'gray' (did you mean 'grey'?)"),
    "color kind": (([[1]],), {"color": 1}, TypeError, COLORS + "1"),
    "grey of 5": (
        (np.zeros((1, 1, 5)),), {"color": "grey"}, ValueError,
        "image must have 1, 2, 3 or 4 channels for color='grey'; got 5; choose another color",
    ),
    "rgb of 5": (
        (np.zeros((1, 1, 5)),), {"color": "rgb"}, ValueError,
        "image must have 1, 2, 3 or 4 channels for color='rgb'; got 5; choose another color",
    ),
    "size 0": (
        ([[1]],), {"size": 0}, ValueError, "size must be a whole number of at least 1; got 0",
    ),
    "size 1.5": (
        ([[1]],), {"size": 1.5}, TypeError, "size must be a whole number of at least 1; got 1.5",
    ),
    "size of three": (
        ([[1]],), {"size": (1, 2, 3)}, ValueError,
        "size must be a whole number or a pair (rows, columns); got (1, 2, 3)",
    ),
    "size too large": (
        ([[1, 2]],), {"size": 10**6}, ValueError,
        "size must give at most 100,000,000 pixels; got 500000×1000000",
    ),
    "max_pixels": (
        ([[1]],), {"max_pixels": 0}, ValueError,
        "max_pixels must be a whole number of at least 1; got 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", READ_ERRORS, ids=str)
def test_every_wrong_call_of_read_image_has_its_sentence(case):
    arguments, options, kind, sentence = READ_ERRORS[case]
    with pytest.raises(kind) as caught:
        read_image(*arguments, **options)
    assert type(caught.value) is kind
    assert str(caught.value) == sentence


WRITE_ERRORS = {
    "unknown ending": ("a.pgn", [[1]], {}, ValueError, ENDINGS + "'.pgn' (did you mean '.png'?)"),
    "no ending": ("a", [[1]], {}, ValueError, ENDINGS + "''"),
    "no path": (3, [[1]], {}, TypeError, "path must be a text or a path; got 3"),
    "no folder": (
        "none/a.png", [[1]], {}, FileNotFoundError,
        "output must be in a folder that exists; got 'none'",
    ),
    "outside": (
        "a.png", [[-0.5, 2]], {}, ValueError,
        "image must lie within the limits 0 and 1; got values from -0.5 to 2.0; "
        "pass limits=(-0.5, 2.0) to write these as black and white",
    ),
    "outside by little": (
        "a.png", np.array([[0, 1.00001]]), {}, ValueError,
        "image must lie within the limits 0 and 1; got values from 0.0 to 1.00001; "
        "pass limits=(0.0, 1.00001) to write these as black and white",
    ),
    "NaN": (
        "a.png", [[np.nan]], {}, ValueError,
        "image must hold finite float32 numbers; got 1 other, the first nan at [0, 0, 0] "
        "(row, column, channel, from 0)",
    ),
    "channels": (
        "a.png", np.zeros((2, 2, 4)), {}, ValueError,
        "image must have 1 or 3 channels to be written; got 4; write one as image[:, :, 0], "
        "or alpha over white as read_image(image, color='rgb')",
    ),
    "limits": (
        "a.png", [[1]], {"limits": 3}, TypeError, "limits must be a pair (low, high); got 3",
    ),
    "limits turned round": (
        "a.png", [[1]], {"limits": (1, 0)}, ValueError,
        "limits must be (low, high) with low < high; got (1, 0)",
    ),
    "limits NaN": (
        "a.png", [[1]], {"limits": (0, float("nan"))}, ValueError,
        "limits must be a finite number; got nan",
    ),
    "too long for WebP": (
        "a.webp", np.zeros((1, 20000)), {}, ValueError,
        "image must have sides of at most 16383 pixels for WEBP; got 1×20000",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITE_ERRORS, ids=str)
def test_every_wrong_call_of_write_image_has_its_sentence(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    path, image, options, kind, sentence = WRITE_ERRORS[case]
    with pytest.raises(kind) as caught:
        write_image(path, image, **options)
    assert type(caught.value) is kind
    assert str(caught.value) == sentence
    assert list(tmp_path.iterdir()) == []


def test_a_tiff_of_signed_bytes_keeps_its_numbers():
    stream = io.BytesIO()
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(stream, np.array([[-5, 5, 127], [-128, 0, 1]], np.int8))
    image = read_image(stream.getvalue())[:, :, 0]
    assert image.tolist() == [[-5, 5, 127], [-128, 0, 1]]


def test_a_tiff_with_a_channel_of_no_known_meaning_is_refused():
    stream = io.BytesIO()
    tifffile = pytest.importorskip("tifffile")
    pixels = np.array([[[10, 20], [30, 40]]], np.uint8)
    tifffile.imwrite(stream, pixels, photometric="minisblack", extrasamples=["UNSPECIFIED"])
    with pytest.raises(ValueError, match="image must be a TIFF without extra channels") as caught:
        read_image(stream.getvalue())
    # Older releases of Pillow do not know the file; tifffile then names the channel.
    sentence = "image must be a TIFF without extra channels other than alpha; got bytes with "
    assert str(caught.value) in (f"{sentence}2 channels", f"{sentence}UNSPECIFIED")


def test_the_name_of_a_sample_says_who_makes_it():
    with pytest.raises(FileNotFoundError) as caught:
        read_image("sample:coffee")
    assert str(caught.value) == (
        "image must be a file that exists; got 'sample:coffee'; sample_image('coffee') makes it"
    )
