"""What the offline page is told: image, kernels and settings, as plain values.

Everything is checked here as :func:`featviz.extract` checks it, so that a page opens without an
error; nothing here needs TensorFlow. The page itself checks again what its readers change.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import featviz
from featviz._check import one_of, real_number, shown, size_text, whole_number
from featviz._numbers import bias_numbers
from featviz.geometry import Axis
from featviz.images import read_image, shared_pixels
from featviz.kernel_sources import read_kernels
from featviz.kernels import Kernel
from featviz.presets import PRESETS
from featviz.render.web.activations import page_activation
from featviz.render.web.picture import bytes_of_image, encoded_image, fewest_bytes
from featviz.sliding import Sliding, check_fits, kernel_sliding, pool_sliding
from featviz.vocabulary import BORDERS, COLORS, POOLS

# A browser holds every stage of every channel at once.
MOST_VALUES = 4_000_000
# As featviz/web/settings.js and geometry.js have them.
MOST_STEP = 10_000
MOST_CELLS = 10_000_000
MOST_NUMBERS = 4096
MOST_PRODUCTS = 500_000_000
# A name that is not UTF-8 comes with halves of letters, which no file of text can hold.
_HALVES = re.compile("[\ud800-\udfff]")
_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


def data_from_image(
    image: Any,
    kernels: Any,
    *,
    name: str | None = None,
    title: str | None = None,
    size: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] = 1,
    padding: Any = "same",
    dilation: int | tuple[int, int] = 1,
    border: str = "zeros",
    bias: float | None = None,
    activation: Any = "relu",
    pool: str = "max",
    pool_size: int | tuple[int, int] = 2,
    pool_stride: int | tuple[int, int] | None = None,
    pool_padding: Any = "same",
    color: str = "grey",
) -> dict[str, Any]:
    """Return what the page is told, ready for JSON.

    Args:
        image: one image, anything :func:`featviz.read_image` takes; at most 4 000 000 values.
        kernels: as in :func:`featviz.extract`, of any shapes, each of at most 4096 numbers.
        name: of the image; its file's name where there is none, else ``"image"``.
        title: of the page; the image's name where there is none.
        size: as in :func:`featviz.read_image`; an image within 0..1 is then rounded to 8 bits.
        stride: as in :func:`featviz.extract`, at most 10 000.
        padding: see there.
        dilation: at most 10 000.
        border: see there.
        bias: one number, also as ``"1/3"``; None for 0.
        activation: one of :data:`PAGE_ACTIVATIONS`, with its numbers if wanted.
        pool: see there.
        pool_size: see there.
        pool_stride: see there.
        pool_padding: see there.
        color: see there; all channels are on the page.

    Returns:
        A dict of ``version``, ``title``, ``image`` (as ``encoded_image`` returns it, and its
        ``name``), ``kernels`` (``name``, ``texts``, ``own``, ``preset``) and ``settings``.

    Raises:
        ValueError: a wrong value, or more than a browser can do.

    Example:
        >>> data = data_from_image([[0, 1], [1, 0]], "1 -1", padding="valid", pool="none")
        >>> data["kernels"][0]["texts"], data["settings"]["padding"], data["image"]["kind"]
        ([['1', '-1']], 'valid', 'uint8')
    """
    one_of("color", color, COLORS)
    one_of("border", border, BORDERS)
    one_of("pool", pool, POOLS)
    sliding = kernel_sliding(stride, padding, dilation)
    window, pooling = pool_sliding(pool_size, pool_stride, pool_padding, prefix="pool_")
    _check_steps(sliding, pooling, window)
    stack = read_kernels(kernels)
    pixels = page_pixels(image, size=size)
    if color == "grey":
        read_image(pixels[:1, :1], color="grey")  # refuses what has no grey
    pools = (window, pooling, pool_padding) if pool in ("max", "average") else None
    for kernel in stack:
        _check_run(kernel, sliding, padding, pools, pixels.shape, color)
    called = writable_text(name or file_name(image) or "image")
    return {
        "version": featviz.__version__,
        "title": called if title is None else writable_text(title),
        "image": {"name": called} | encoded_image(pixels),
        "kernels": _menu(stack),
        "settings": {
            "stride": list(sliding.stride),
            "padding": _plain(padding, sliding),
            "dilation": list(sliding.dilation),
            "border": border,
            "bias": _checked_bias(bias),
            "activation": page_activation(activation),
            "pool": pool,
            "pool_size": list(window),
            "pool_stride": list(pooling.stride),
            "pool_padding": _plain(pool_padding, pooling),
            "color": color,
        },
    }


def _check_run(
    kernel: Kernel, sliding: Sliding, padding: Any,
    pools: tuple[tuple[int, int], Sliding, Any] | None, shape: tuple[int, ...], color: str,
) -> None:  # fmt: skip
    """Refuse a kernel or pool that does not fit, or is too much work for a browser."""
    _check_kernel(kernel)
    result = _fitting(f"kernel {kernel.name!r}", "image", sliding, shape, kernel.shape, padding)
    planes = 1 if color == "grey" else shape[2]
    _check_products("kernel", sliding.axes((shape[0], shape[1]), kernel.shape), planes)
    if pools is not None:
        window, pooling, pool_padding = pools
        _fitting("pool window", "map", pooling, result, window, pool_padding)
        maps = planes if color == "each" else 1
        _check_products("pool", pooling.axes(result, window), maps)


def page_pixels(image: Any, *, size: int | tuple[int, int] | None = None) -> NDArray[np.float32]:
    """Return the very values that the page holds for an image.

    Args:
        image: anything :func:`featviz.read_image` takes.
        size: as in :func:`data_from_image`.

    Returns:
        (H, W, C) float32; what :func:`featviz.read_image` gives, but for images within 0..1
        that ``size`` made smaller or larger: theirs are the nearest of k/255.

    Raises:
        ValueError: an image that cannot be read, or more than 4 000 000 values.
        TypeError: a wrong kind.
        OSError: the file is missing or cannot be read.

    Example:
        >>> page_pixels([[0.0, 1.0]], size=4)[0, :, 0].tolist() == [0, 64 / 255, 191 / 255, 1]
        False
        >>> (page_pixels([[0.0, 1.0]], size=4)[0, :, 0] * 255).tolist()
        [0.0, 64.0, 191.0, 255.0]
    """
    values = shared_pixels(image, color="keep")
    resized = values if size is None else read_image(values, size=size)
    height, width, channels = resized.shape
    if resized.size > MOST_VALUES:
        side = int(max(height, width) * math.sqrt(MOST_VALUES / resized.size))
        raise ValueError(
            f"image must have at most {MOST_VALUES} values for the page; "
            f"got {size_text((height, width, channels))}; use size={side}"
        )
    if resized.shape == values.shape or resized.min() < 0 or resized.max() > 1:
        return resized
    levels: NDArray[np.float32] = np.rint(resized * np.float32(255)) / np.float32(255)
    return levels


def fitting_size(image: Any, most_bytes: int) -> int:
    """Return the longer side at which an image takes at most so many bytes.

    Args:
        image: anything :func:`featviz.read_image` takes.
        most_bytes: of :func:`featviz.render.web.picture.bytes_of_image`, at least 1.

    Returns:
        For ``size=``; the image's own longer side where it fits as it is, and at least 1. It is
        found by trying, within a few per cent of the largest.

    Raises:
        ValueError: an image that cannot be read.
        TypeError: a wrong kind.
        OSError: the file is missing or cannot be read.

    Example:
        >>> fitting_size([[0, 1], [1, 0]], 10_000)
        2
    """
    whole_number("most_bytes", most_bytes, minimum=1)
    values = shared_pixels(image, color="keep")
    longest: int = max(values.shape[:2])
    side = _shrunk(longest, most_bytes, fewest_bytes(values))
    side = _shrunk(side, MOST_VALUES, values.size * (side / longest) ** 2)
    for _ in range(12):
        size = None if side == longest else side
        taken = bytes_of_image(encoded_image(page_pixels(values, size=size)))
        if taken <= most_bytes or side == 1:
            break
        side = max(1, min(side - 1, int(_shrunk(side, most_bytes, taken) * 0.99)))
    return side


def _shrunk(side: int, most: int, taken: float) -> int:
    """Return the side at which what grows with the area comes down to ``most``."""
    return side if taken <= most else max(1, int(side * math.sqrt(most / taken)))


def _fitting(
    what: str,
    target: str,
    sliding: Sliding,
    shape: tuple[int, ...],
    window: tuple[int, int],
    padding: Any,
) -> tuple[int, int]:
    """Return the size (H', W') of the result; refuse what does not fit."""
    rows, columns = axes = sliding.axes((shape[0], shape[1]), window)
    check_fits(what, target, axes, repr(padding))
    padded = tuple(axis.before + axis.size + axis.after for axis in axes)
    if padded[0] * padded[1] > MOST_CELLS:
        raise ValueError(
            f"padding must give at most {MOST_CELLS} cells; got {padding!r}, which makes the "
            f"{target} {size_text(padded)}"
        )
    return rows.outputs, columns.outputs


def _check_products(what: str, axes: tuple[Axis, Axis], planes: int) -> None:
    """Refuse what would keep a browser busy for seconds, as the page itself does."""
    count = planes
    for axis in axes:
        count *= axis.outputs * min(axis.window, axis.size + axis.before)
    if count > MOST_PRODUCTS:
        raise ValueError(
            f"{what} must take at most {MOST_PRODUCTS} products on the page; got {count}; "
            "choose a smaller one, less padding or a larger stride"
        )


def _check_steps(sliding: Sliding, pooling: Sliding, window: tuple[int, int]) -> None:
    """Refuse what the page would refuse in its settings."""
    sides = [("padding", sliding.padding), ("pool_padding", pooling.padding)]
    numbers = [
        ("stride", sliding.stride),
        ("dilation", sliding.dilation),
        ("pool_size", window),
        ("pool_stride", pooling.stride),
        *((name, side) for name, pair in sides for side in pair if not isinstance(side, str)),
    ]
    for name, pair in numbers:
        if max(pair) > MOST_STEP:
            raise ValueError(f"{name} must be at most {MOST_STEP} on the page; got {max(pair)}")


def _check_kernel(kernel: Kernel) -> None:
    height, width = kernel.shape
    if height * width > MOST_NUMBERS:
        raise ValueError(
            f"kernel {kernel.name!r} must hold at most {MOST_NUMBERS} numbers for the page; "
            f"got {size_text(kernel.shape)} of them"
        )
    largest = max(abs(float(value)) for row in kernel.rows for value in row)
    if largest > _LARGEST_FLOAT32:
        raise ValueError(
            f"kernel {kernel.name!r} must hold numbers of float32, up to {_LARGEST_FLOAT32:.3g}; "
            f"got {largest:.3g}"
        )


def _menu(own: tuple[Kernel, ...]) -> list[dict[str, Any]]:
    """Return the caller's kernels, then the presets that are not among them."""
    others = [kernel for kernel in PRESETS.values() if kernel not in own]
    return [
        {
            "name": writable_text(kernel.name),
            "texts": [[_exact_text(value) for value in row] for row in kernel.rows],
            "own": place < len(own),
            "preset": PRESETS.get(kernel.name) == kernel,
        }
        for place, kernel in enumerate([*own, *others])
    ]


def _exact_text(value: Any) -> str:
    """Return the shortest text that a browser reads as the very number."""
    return repr(value) if isinstance(value, float) else str(value)


def _json_number(value: Any) -> int | float:
    """Return a whole number that a float holds as an int, which is shorter."""
    number = float(value)
    return int(number) if number.is_integer() and abs(number) <= 2**53 else number


def _plain(given: Any, sliding: Sliding) -> Any:
    """Return a padding as lists, words and whole numbers."""
    if isinstance(given, str):
        return given
    if not isinstance(given, (list, tuple)):
        return int(given)
    return [side if isinstance(side, str) else list(side) for side in sliding.padding]


def _checked_bias(bias: Any) -> float:
    if bias is None:
        return 0
    number = real_number("bias", bias_numbers(bias))
    if abs(number) > _LARGEST_FLOAT32:
        raise ValueError(f"bias must be finite float32; got {shown(bias)}")
    return _json_number(number)


def file_name(image: Any) -> str | None:
    """Return the name of an image's file without its folders; None for no file.

    Example:
        >>> file_name("photos/cat.jpg"), file_name([[0, 1]])
        ('cat.jpg', None)
    """
    return Path(os.fsdecode(image)).name if isinstance(image, (str, os.PathLike)) else None


def writable_text(text: str) -> str:
    r"""Return text that UTF-8 can hold, with a sign for each half of a letter.

    Example:
        >>> writable_text(b"\xff.png".decode("utf-8", "surrogateescape"))
        '�.png'
    """
    return _HALVES.sub("\ufffd", text)
