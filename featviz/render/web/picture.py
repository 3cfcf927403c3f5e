"""The picture of the offline page, without loss: predicted, sorted, deflated.

A browser may falsify what it reads back from a canvas, so the page does not decode an image file.
It holds every value as the rounded remainder of a prediction, in the order of
``featviz/web/decode.js``, which undoes what this module does:

* red, green and blue lie one after the other, green first. A value is predicted from ten
  neighbours that are known by then and nine of each plane before it, by whole weights over
  2048, fitted by least squares for each of four grades of unrest;
* the remainder, modulo 256, goes into one of twelve streams by the unrest around it, so that
  each stream is alike in itself and its Huffman code fits (the idea of context modelling:
  X. Wu & N. Memon 1997, Context-based, adaptive, lossless image coding, IEEE Trans. Commun. 45);
* the streams are deflated and written in 85 letters, of which none means anything to HTML or
  JSON (5 letters for 4 bytes; base64 needs 5.33).

Values of 16 bits and floats are deflated as planes of bytes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int32]

MARGIN = 2
WEIGHT_BITS = 11
CLASSES, STREAMS = 4, 12
# (row, column) of the neighbours: in the plane itself, W, N, NW, NE, WW, NN first; in those
# before it.
OWN = (
    (0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-2, 1), (-1, 2), (-1, -2), (-2, -1),
)  # fmt: skip
BEFORE = ((0, 0), (0, -1), (-1, 0), (-1, -1), (-1, 1), (0, 1), (1, 0), (1, -1), (1, 1))
# No more pixels than this are looked at to fit the weights.
_MOST_FITTED = 100_000
# Letters of base64.b85encode (RFC 1924) that HTML or JSON would have to escape, and others.
_SAFE = str.maketrans("<>&", ",.:")


class _Plane(NamedTuple):
    """One channel with its margin, and what was left of its prediction."""

    cells: Whole
    left: Whole


def encoded_image(pixels: NDArray[np.float32]) -> dict[str, Any]:
    """Return an image as the page holds it: plain values, ready for JSON.

    Args:
        pixels: (H, W, C) finite float32.

    Returns:
        A dict of ``height``, ``width``, ``channels``, ``kind`` (``"uint8"``, ``"uint16"``: the
        values times 255 or 65535, or ``"float32"``), ``data`` (letters that need no escape, for
        so many ``bytes``) and, where values are predicted, ``planes``.

    Example:
        >>> image = encoded_image(np.array([[[0.0], [0.2]]], np.float32))
        >>> image["kind"], image["width"], "planes" in image
        ('uint8', 2, False)
    """
    height, width, channels = pixels.shape
    facts = {"height": height, "width": width, "channels": channels}
    for kind, full in (("uint8", 255), ("uint16", 65535)):
        levels = _levels(pixels, full)
        if levels is not None:
            plain = {"kind": kind} | _written([_shuffled(levels.astype(kind))])
            found = _predicted(levels) if kind == "uint8" else plain
            return facts | min(plain, found, key=bytes_of_image)
    return facts | {"kind": "float32"} | _written([_shuffled(pixels)])


def bytes_of_image(image: dict[str, Any]) -> int:
    """Return how many bytes an encoded image takes on the page, as JSON."""
    facts = {key: value for key, value in image.items() if key != "data"}
    return len(json.dumps(facts, separators=(",", ":"))) + len(image["data"]) + len(',"data":""')


def fewest_bytes(pixels: NDArray[np.float32]) -> int:
    """Return fewer bytes than the image will take on the page, by a quick look.

    Args:
        pixels: (H, W, C) finite float32; they are looked at with 8 bits.

    Example:
        >>> fewest_bytes(np.zeros((100, 100, 1), np.float32)) < 100
        True
    """
    levels = np.clip(np.rint(pixels * np.float32(255)), 0, 255).astype(np.uint8)
    return len(zlib.compress(_shuffled(levels), 1)) // 2


def _levels(pixels: NDArray[np.float32], full: int) -> Whole | None:
    """Return the whole numbers k whose k / ``full`` are the pixels, or None."""
    if pixels.min() < 0 or pixels.max() > 1:
        return None
    levels = np.rint(pixels.astype(np.float64) * full)
    same = (levels.astype(np.float32) / np.float32(full)).astype(np.float32) == pixels
    return levels.astype(np.int32) if same.all() else None


def _shuffled(values: NDArray[Any]) -> bytes:
    """Return the planes, first bytes first, each value less the one on its left."""
    channels_first = np.ascontiguousarray(values.transpose(2, 0, 1))
    little = channels_first.astype(values.dtype.newbyteorder("<"), copy=False)
    bytes_of = little.reshape(-1).view(np.uint8).reshape(-1, values.dtype.itemsize).T
    steps = np.diff(bytes_of, axis=1, prepend=np.uint8(0))
    return steps.astype(np.uint8).tobytes()


def _deflated(streams: list[bytes]) -> bytes:
    """Return the shortest of zlib's answers; every stream gets codes of its own."""
    answers = []
    for strategy in (zlib.Z_HUFFMAN_ONLY, zlib.Z_FILTERED, zlib.Z_DEFAULT_STRATEGY):
        packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
        parts = [packer.compress(stream) + packer.flush(zlib.Z_BLOCK) for stream in streams]
        answers.append(b"".join(parts) + packer.flush())
    return min(answers, key=len)


def _written(streams: list[bytes]) -> dict[str, Any]:
    """Return streams as text of 85 letters, and how many bytes they hold."""
    data = _deflated(streams)
    letters = base64.b85encode(data, pad=True).decode("ascii").translate(_SAFE)
    return {"bytes": len(data), "data": letters}


def _predicted(levels: Whole) -> dict[str, Any]:
    """Return the image as remainders, in streams of like unrest."""
    planes: list[_Plane] = []
    facts: list[dict[str, Any]] = []
    streams: list[list[bytes]] = []
    for channel in plane_order(levels.shape[2]):
        plane, fact, parts = _coded_plane(levels[:, :, channel], planes)
        planes = [plane, *planes][:2]
        facts.append(fact)
        streams.append(parts)
    written = _written([part for parts in streams for part in parts])
    return {"kind": "uint8", "planes": facts} | written


def plane_order(channels: int) -> list[int]:
    """Return the channels in the order in which they are coded, green first.

    Example:
        >>> plane_order(3), plane_order(1)
        ([1, 0, 2], [0])
    """
    first = min(1, channels - 1)
    return [first, *(channel for channel in range(channels) if channel != first)]


def _coded_plane(values: Whole, before: list[_Plane]) -> tuple[_Plane, dict[str, Any], list[bytes]]:
    """Return one channel, the numbers that its decoder needs, and its streams."""
    cells = _with_margin(values)
    unrest = _unrest(cells, before)
    limits = _limits(unrest, CLASSES)
    grade = np.searchsorted(limits, unrest, side="right")
    weights = [_fitted(cells, before, grade == index) for index in range(CLASSES)]
    foretold = _foretold(cells, before, grade, np.array(weights, np.int32))
    left = np.pad(values - foretold, MARGIN)
    around = unrest + sum(
        weight * np.abs(_at(left, *place))
        for weight, place in ((3, (0, -1)), (3, (-1, 0)), (1, (-1, -1)), (1, (-1, 1)))
    )
    bounds = _limits(around, STREAMS)
    stream_of = np.searchsorted(bounds, around, side="right")
    remainders = (_inner(left) & 255).astype(np.uint8)
    parts = [remainders[stream_of == index].tobytes() for index in range(STREAMS)]
    fact = {
        "limits": limits.tolist(),
        "bounds": bounds.tolist(),
        "weights": weights,
        "counts": [len(part) for part in parts],
    }
    return _Plane(cells, left), fact, parts


def _with_margin(values: Whole) -> Whole:
    """Return the plane with a margin that its decoder can know before each row.

    Zeros above; on the left the first value of the row above; on the right the row's last value.
    """
    cells: Whole = np.pad(values, MARGIN)
    cells[MARGIN + 1 : -MARGIN, :MARGIN] = values[:-1, :1]
    cells[MARGIN:-MARGIN, -MARGIN:] = values[:, -1:]
    return cells


def _inner(cells: Whole) -> Whole:
    return cells[MARGIN:-MARGIN, MARGIN:-MARGIN]


def _at(cells: Whole, row: int, column: int) -> Whole:
    """Return for each pixel the cell ``row`` below and ``column`` to the right."""
    height, width = cells.shape[0] - 2 * MARGIN, cells.shape[1] - 2 * MARGIN
    top, start = MARGIN + row, MARGIN + column
    part: Whole = cells[top : top + height, start : start + width]
    return part


def _neighbours(cells: Whole, before: list[_Plane]) -> Iterator[Whole]:
    """Yield, one after the other, what the prediction of each pixel looks at."""
    for place in OWN:
        yield _at(cells, *place)
    for plane in before:
        for place in BEFORE:
            yield _at(plane.cells, *place)
    yield np.full_like(_inner(cells), 64)


def _unrest(cells: Whole, before: list[_Plane]) -> Whole:
    """Return how uneven the surroundings are, in differences and in errors."""
    w, n, nw, ne, ww, nn = (_at(cells, *place) for place in OWN[:6])
    unrest: Whole = abs(w - nw) + abs(n - nw) + abs(n - ne) + abs(w - ww) + abs(n - nn)
    for plane in before:
        left = abs(plane.left)
        unrest = unrest + 4 * _at(left, 0, 0) + 2 * _at(left, 0, 1) + 2 * _at(left, 1, 0)
    return unrest


def _limits(unrest: Whole, parts: int) -> Whole:
    """Return the bounds that divide the pixels into ``parts`` of about equal number."""
    shares = np.arange(1, parts) / parts
    limits: Whole = np.quantile(unrest, shares, method="lower").astype(np.int32) + 1
    return limits


def _fitted(cells: Whole, before: list[_Plane], chosen: NDArray[np.bool_]) -> list[int]:
    """Return the whole weights that predict the chosen pixels best, by least squares."""
    places = np.flatnonzero(chosen)
    places = places[:: len(places) // _MOST_FITTED + 1]
    columns = [near.reshape(-1)[places] for near in _neighbours(cells, before)]
    known = np.stack(columns, axis=1).astype(np.float64)
    wanted = _inner(cells).reshape(-1)[places].astype(np.float64)
    best = np.linalg.lstsq(known.T @ known, known.T @ wanted, rcond=1e-9)[0]
    limit = 2**15 - 1  # so that 29 products of weight and value stay within 32 bits
    weights: list[int] = np.clip(np.rint(best * 2**WEIGHT_BITS), -limit, limit).astype(int).tolist()
    return weights


def _foretold(cells: Whole, before: list[_Plane], grade: NDArray[Any], weights: Whole) -> Whole:
    """Return the prediction of each pixel, 0 to 255."""
    total = np.full(grade.shape, 2 ** (WEIGHT_BITS - 1), np.int32)
    for index, near in enumerate(_neighbours(cells, before)):
        total += weights[:, index][grade] * near
    foretold: Whole = np.clip(total >> WEIGHT_BITS, 0, 255)
    return foretold
