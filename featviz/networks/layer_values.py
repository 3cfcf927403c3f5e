"""The values that tell of layers: their kernels, their costs, what they see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from featviz import _notebook
from featviz._check import shown, size_text, whole_number
from featviz.geometry import dilated_size
from featviz.kernels import Kernel
from featviz.networks.paths import PathError, base_of, check_path, found_path, refused_path
from featviz.windows import Window

Weights = npt.NDArray[np.float32]
Sizes = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LayerKernels:
    """The kernels of one layer as they work, in one order of axes.

    Attributes:
        path: of the layer.
        kind: its class, such as ``Conv2D``.
        weights: (h, w, C, F) float32, read-only; (w, C, F) of one axis, (d, h, w, C, F) of
            three. C counts the channels that one feature reads: those of its group.
        bias: (F,) float32, or None.
        groups: of the channels; feature f reads the group f // (F / groups).
        strides: cells from window to window, per axis.
        padding: ``"same"``, ``"valid"`` or ``"causal"``.
        dilation: cells from tap to tap, per axis.
        note: what was done to bring the weights into this form; empty for none.
        parts: of a separable layer its depthwise and its pointwise kernels.
        output_padding: of a transposed layer, (0, …) where it was left to Keras; of others None.
        model: its name; nothing where it is not known.
    """

    path: str
    kind: str
    weights: Weights
    bias: Weights | None
    groups: int
    strides: tuple[int, ...]
    padding: str
    dilation: tuple[int, ...]
    note: str = ""
    parts: tuple[LayerKernels, ...] = ()
    output_padding: tuple[int, ...] | None = None
    model: str = ""

    @property
    def features(self) -> int:
        """Number of features, F."""
        return int(self.weights.shape[-1])

    @property
    def channels(self) -> int:
        """Number of channels that one feature reads, C."""
        return int(self.weights.shape[-2])

    def channels_of(self, feature: int) -> range:
        """Return which channels of the layer's input a feature reads.

        Args:
            feature: from 0 to F − 1.
        """
        number = _index("feature", feature, self.features)
        start = number // (self.features // self.groups) * self.channels
        return range(start, start + self.channels)

    def kernel(self, feature: int, channel: int = 0, *, depth: int | None = None) -> Kernel:
        """Return what one feature lays on one channel, to be run through ``extract``.

        Args:
            feature: from 0 to F − 1.
            channel: of those that the feature reads, from 0 to C − 1.
            depth: which plane of a kernel of three axes.

        Returns:
            The kernel (h, w) of floats; (1, w) of a layer with one axis.

        Raises:
            ValueError: no such feature, channel or plane.
            TypeError: not a whole number.

        Example:
            >>> weights = np.zeros((1, 2, 3, 1), np.float32) + [[[[0.5]], [[2.0]]]]
            >>> one = LayerKernels("c", "Conv2D", weights, None, 1, (1, 1), "same", (1, 1))
            >>> print(one.kernel(0, 2))
            0.5 2
        """
        f = _index("feature", feature, self.features)
        c = _index("channel", channel, self.channels)
        plane = self.weights[..., c, f]
        if plane.ndim == 3:
            if depth is None:
                raise ValueError(
                    f"depth must name one plane of the {size_text(plane.shape)} kernel; got None"
                )
            plane = plane[_index("depth", depth, len(plane))]
        elif depth is not None:
            raise ValueError(f"depth must be None for a {self.kind}; got {shown(depth)}")
        name = f"{self.path} {f}" + (f" · channel {self.channels_of(f)[c]}" * (self._inputs > 1))
        rows = np.atleast_2d(plane).astype(np.float64).tolist()
        return Kernel(rows, name=name, source=f"weights of {self.path} ({self.kind})")

    @property
    def _inputs(self) -> int:
        return self.channels * self.groups

    @property
    def options(self) -> dict[str, Any]:
        """Stride, padding and dilation as ``extract`` takes them.

        Of a transposed layer as ``filter_transposed`` does, with an ``output_padding`` that
        ``extract`` refuses.

        Raises:
            ValueError: a transposed layer whose sizes were told by ``output_padding``.
        """
        if any(self.output_padding or ()):
            raise ValueError(
                f"options must be those of a layer without output_padding; {self.path!r} has "
                f"{size_text(self.output_padding or ())}; take its weights"
            )
        pairs = [(1,) * (2 - len(step)) + step for step in (self.strides, self.dilation)]
        padding: Any = self.padding
        if padding == "causal":
            padding = ((0, 0), (dilated_size(self.weights.shape[0], self.dilation[0]) - 1, 0))
        options = {"stride": pairs[0][-2:], "padding": padding, "dilation": pairs[1][-2:]}
        return options if self.output_padding is None else {**options, "output_padding": 0}

    def __repr__(self) -> str:
        note = f", {self.note}" if self.note else ""
        return f"LayerKernels of {self.path} ({self.kind}): {size_text(self.weights.shape)}{note}"

    def _repr_png_(self) -> bytes | None:
        return _notebook.png_from_value(self)


def _index(argument: str, value: Any, count: int) -> int:
    number = whole_number(argument, value, minimum=0)
    if number >= count:
        raise ValueError(f"{argument} must be below {count}; got {number}")
    return number


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One call of one layer.

    Attributes:
        path: of the call, as in a recording.
        kind: the layer's class.
        settings: in words.
        output_shape: without the batch; None where nothing is known of it.
        parameters: that no row before has counted.
        trainable: how many of them are trained.
        multiply_adds: for one image; None where they are not known.
        receptive_field: cells of the input per axis that one output cell sees; None if unknown.
        jump: cells of the input per axis from one output cell to the next, a fraction after
            upsampling; None if unknown or if all cells see the same.
        bytes: of the output for one image.
        note: what a reader must know, such as ``shared with conv``.
    """

    path: str
    kind: str
    settings: str
    output_shape: Sizes | None
    parameters: int
    trainable: int
    multiply_adds: int | None
    receptive_field: tuple[int, ...] | None
    jump: tuple[int | Fraction, ...] | None
    bytes: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class LayerTable:
    """The layers of a model in the order of their calls, and their sums.

    Attributes:
        model: its name.
        input_shapes: of each input, without the batch.
        rows: one for each call that gives something.
        outside: kinds of the operations that multiply matrices outside of any row, such as
            ``MatMul`` of an attention; what they cost is not counted.
    """

    model: str
    input_shapes: tuple[Sizes, ...]
    rows: tuple[LayerRow, ...]
    outside: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Sum of the parameters, each counted once."""
        return sum(row.parameters for row in self.rows)

    @property
    def trainable(self) -> int:
        """Sum of the parameters that are trained."""
        return sum(row.trainable for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """Sum of the multiply-adds that are known; :attr:`uncounted` names others."""
        return sum(row.multiply_adds or 0 for row in self.rows)

    @property
    def bytes(self) -> int:
        """Sum of the outputs' bytes that are known, for one image."""
        return sum(row.bytes or 0 for row in self.rows)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Paths of the rows whose multiply-adds are not known."""
        return tuple(row.path for row in self.rows if row.multiply_adds is None)

    def row(self, path: str) -> LayerRow:
        """Return the row of a path.

        Args:
            path: of a row, with or without ``:filter`` or ``:detect``; of a layer inside others
                its last name will do, where no other layer has it.

        Raises:
            PathError: no such row; the nearest and the list are named.
            TypeError: no text.
        """
        rows = {row.path: row for row in self.rows}
        found = found_path(base_of(check_path(path)), rows)
        if found is None:
            raise PathError(refused_path(path, rows, "path must be a row of the table:"))
        return rows[found]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[LayerRow]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return _notebook.text_from_value(self)

    def _repr_markdown_(self) -> str:
        return _notebook.markdown_from_value(self)


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """The part of the image that one cell of one layer sees.

    Attributes:
        path: of the layer.
        cell: (row, column) of its map.
        window: on the image without padding; it may reach beyond it.
        inside: what of it lies on the image and is really read; None if nothing is.
        image_size: (rows, columns) of the image.
        model: its name; nothing where it is not known.
    """

    path: str
    cell: tuple[int, int]
    window: Window
    inside: Window | None
    image_size: tuple[int, int]
    model: str = ""

    def _repr_png_(self) -> bytes | None:
        return _notebook.png_from_value(self)
