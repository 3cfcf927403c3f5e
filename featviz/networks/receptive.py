"""The receptive field: which part of the image a cell of a layer sees.

``"same"`` pads the odd cell at the bottom and on the right, at every layer by the size of what that
layer is given. So where a window lies depends on the size of the image, its size does not.

Source:
    Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill
    2019, sections on the size and on the spatial location of a receptive field.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from featviz._check import per_axis, shown, size_text, whole_number
from featviz.networks.input_specs import (
    InputSpec,
    Place,
    built_shape,
    in_structure,
    inputs_of_model,
)
from featviz.networks.layer_shapes import Shape, Traced, trace_as_given, trace_model
from featviz.networks.layer_values import ReceptiveField
from featviz.networks.paths import known_path, layers_of_model
from featviz.networks.reach import Node, Spans, patch_of_cell, read_from_inputs
from featviz.networks.reach_cells import Patch
from featviz.networks.reach_layers import nodes_of_entries
from featviz.networks.reach_ops import places_of
from featviz.networks.recording import Entry
from featviz.windows import Window


def receptive_field(
    model: Any,
    path: str,
    cell: int | tuple[int, int],
    *,
    input_shape: Any = None,
    input_number: int | None = None,
) -> ReceptiveField:
    """Return the part of the image that one cell of a layer's map sees.

    Args:
        model: a built ``keras.Model``.
        path: of the layer, as in a recording.
        cell: (row, column) of its map, from 0.
        input_shape: of the image, (H, W, C); needed where the model leaves sizes open.
        input_number: of which input, for a model of several, from 0; None: of the only image
            that the layer sees.

    Returns:
        :class:`ReceptiveField`: ``window`` on the image without padding, which may reach beyond
        it, and ``inside``, what of it is read from the image. A cell between the windows of a
        transposed convolution sees nothing: its window is 0×0 and ``inside`` is None.

    Raises:
        ValueError: no such layer or cell, a layer whose field is not known, no image.
        TypeError: a wrong kind.
        RuntimeError: the model cannot be traced.

    Example:
        >>> import keras
        >>> layer = keras.layers.Conv2D(1, 3, strides=2, padding="same", name="conv")
        >>> model = keras.Sequential([keras.Input((6, 6, 1)), layer])
        >>> receptive_field(model, "conv", (2, 0)).window
        Window(top=4, left=0, height=3, width=3)
    """
    number = _checked_number(input_number)
    traced = trace_as_given(model, input_shape)
    entry = _entry(traced, path)
    node, given = nodes_of_entries(traced)[entry.path], input_shape is not None
    if number is None:
        number = _only_image(traced, node, model, path, given=given)
    if number >= len(traced.inputs):
        raise ValueError(f"input_number must be below {len(traced.inputs)}; got {number}")
    image = _image_size(traced, number, model, given=given)
    row, column = per_axis("cell", cell, minimum=0)
    known = _known(node, path)
    patch = _patch_of_cell(known, (row, column), path)
    if number not in _inputs_seen(known):
        raise ValueError(f"path must be a layer that sees the input {number}; got {path!r}")
    whole = read_from_inputs(known, patch, inside=False).get(number)
    inside = read_from_inputs(known, patch, inside=True).get(number)
    return ReceptiveField(
        entry.path,
        (row, column),
        Window(0, 0, 0, 0) if whole is None else _window(whole),
        None if inside is None else _window(inside),
        image,
        model.name,
    )


def _checked_number(number: Any) -> int | None:
    return None if number is None else whole_number("input_number", number, minimum=0)


def _inputs_seen(node: Node) -> set[int]:
    """Return the inputs that some cell of a node sees, as ``inputs_of_model`` counts."""
    every = tuple(range(size) for size in node.sizes)
    return set(read_from_inputs(node, every, inside=False))


def _only_image(traced: Traced, node: Node | None, model: Any, path: str, *, given: bool) -> int:
    """Return the number of the only image that a layer sees.

    Args:
        traced: the model.
        node: of the layer.
        model: the same as ``traced``.
        path: of the layer.
        given: whether the caller gave the shape.
    """
    images = [at for at, shape in enumerate(traced.shapes) if len(shape) == 3]
    if len(traced.shapes) == 1 or not images:
        return 0  # be it an image or not
    if len(images) > 1:
        if node is None:  # an open size may be why
            for number in images:
                _image_size(traced, number, model, given=given)
        images = sorted(_inputs_seen(_known(node, path)).intersection(images))
    if not images:
        raise ValueError(f"path must be a layer that sees an image; got {path!r}")
    if len(images) > 1:
        raise ValueError(
            f"input_number must be given where a layer sees {len(images)} images, as {path!r} "
            f"does; got None; pass input_number={' or '.join(map(str, images))}"
        )
    return images[0]


def _image_size(traced: Traced, number: int, model: Any, *, given: bool) -> tuple[int, int]:
    """Return the rows and columns of one input.

    Args:
        traced: the model.
        number: of the input.
        model: the same, for the sentence where the input is no image.
        given: whether the caller gave the shape; of a model that tells its own, that is at fault.
    """
    shapes = traced.shapes
    if len(shapes[number]) == 3:
        image = places_of(traced.inputs[number], traced.channel_axis)
        if image is not None:
            return image[0], image[1]
    own = any(spec.shape is not None for spec in inputs_of_model(model))
    if len(shapes[number]) != 3 and (own or not given or len(shapes) > 1):
        raise _no_image(number, shapes, model)
    rule = "that of an image, (height, width, channels), every size known"
    if not given:
        raise ValueError(
            f"input_shape must be given for {model.name!r}, whose input is "
            f"{_sizes(shapes[number])}; got None; pass {rule}"
        )
    raise ValueError(f"input_shape must be {rule}; got {shown(shapes[number])}")


def _no_image(number: int, shapes: Sequence[Shape], model: Any) -> ValueError:
    """Return the error for an input that is no image: another one is, or none at all."""
    images = [str(at) for at, shape in enumerate(shapes) if len(shape) == 3]
    if images:
        return ValueError(
            f"input_number must be that of an image; got {number}, an input of "
            f"{shown(shapes[number])}; pass input_number={' or '.join(images)}"
        )
    inputs = "input is" if len(shapes) == 1 else "inputs are"
    return ValueError(
        f"model must take a 2-D image, (height, width, channels); got {model.name!r}, whose "
        f"{inputs} {' and '.join(map(_sizes, shapes))}; layer_table tells the sizes of its fields"
    )


def _sizes(shape: Shape) -> str:
    return size_text(shape) or "one number"


def _entry(traced: Traced, path: Any) -> Entry:
    entries = {entry.path: entry for entry in traced.entries}
    return entries[known_path(path, entries)]


def _known(node: Node | None, path: str) -> Node:
    if node is None:
        raise ValueError(
            f"path must be a layer whose receptive field is known; {path!r} or a layer before it "
            "moves cells in a way that is not followed"
        )
    return node


def _patch_of_cell(node: Node, cell: tuple[int, int], path: str) -> Patch:
    sizes = node.sizes or (1, 1)
    if len(sizes) != 2 or any(at >= size for at, size in zip(cell, sizes, strict=True)):
        raise ValueError(f"cell must lie on the {size_text(sizes)} map of {path!r}; got {cell}")
    return patch_of_cell(cell) if node.sizes else ()


def _window(spans: Spans) -> Window:
    (top, bottom), (left, right) = spans
    return Window(top, left, bottom - top + 1, right - left + 1)


def number_of_image(model: Any, path: str, size: tuple[int, ...], number: Any) -> int:
    """Return to which input of a model an image goes.

    Args:
        model: a built Keras model.
        path: of a layer.
        size: (H, W, C) of the image.
        number: of the input; None: the only image that the layer sees.

    Raises:
        ValueError: several such images, or none.

    Example:
        >>> import keras
        >>> ends = [keras.Input((4,)), keras.Input((4, 5, 1))]
        >>> number_of_image(keras.Model(ends, ends), "conv", (4, 5, 1), None)
        1
    """
    if (asked := _checked_number(number)) is not None:
        return asked
    specs = inputs_of_model(model)
    images = [at for at, shape in enumerate(_own_shapes(model, specs)) if len(shape) == 3]
    if len(images) < 2:
        return images[0] if images else 0
    given = None if specs[0].shape is None else _shapes_filled(model, size, images[0])
    traced = trace_model(model, given)
    node = nodes_of_entries(traced)[_entry(traced, path).path]
    return _only_image(traced, node, model, path, given=True)


def shapes_for_image(
    model: Any, size: tuple[int, ...], number: int, *, resize: bool = False
) -> tuple[tuple[int, int], Any]:
    """Return an image's rows and columns as they go in, and ``input_shape``.

    Rows and columns that the model leaves open are those of the image, at its other inputs, too.

    Args:
        model: a built Keras model.
        size: (H, W, C) of the image; of its channels the model's own number is taken.
        number: of the input.
        resize: whether an image of another size will be resized.

    Raises:
        ValueError: no such input, one that takes no image, an image of another size.
    """
    specs, first = inputs_of_model(model), _channels_first(model)
    if number >= len(specs):
        raise ValueError(f"input_number must be below {len(specs)}; got {number}")
    shapes = _own_shapes(model, specs)
    if len(shapes[number]) != 3:
        raise _no_image(number, shapes, model)
    # What a model was built for does not bind it.
    own = shapes[number] if specs[number].shape is not None else (None, None, None)
    wanted = own[1:] if first else own[:2]
    rows, columns = (new if old is None else old for old, new in zip(wanted, size, strict=False))
    if (rows, columns) != size[:2] and not resize:
        raise ValueError(
            f"image must be {_sizes(wanted)}, as {model.name!r} takes it; "
            f"got {size_text(size[:2])}; pass resize=True or crop it first"
        )
    return (rows, columns), _shapes_filled(model, (rows, columns, *size[2:]), number)


def _own_shapes(model: Any, specs: Sequence[InputSpec]) -> list[Shape]:
    """Return the shapes of the inputs, as far as the model tells them.

    Of one that tells no inputs those for which it was built, of no such either that of any image.
    """
    told = [spec.shape for spec in specs if spec.shape is not None]
    built = None if told else built_shape(model)
    if not told and built is None:
        return [(None, None, None)]
    return told or [_at(built, spec.place) for spec in specs]


def _at(built: Any, place: Place) -> Any:
    return functools.reduce(operator.getitem, place, built)


def _shapes_filled(model: Any, size: tuple[int, ...], number: int) -> Any:
    """Return ``input_shape`` for an image of one size at one input.

    Args:
        model: a built Keras model.
        size: (H, W, C).
        number: of the input.
    """
    specs, first = inputs_of_model(model), _channels_first(model)
    shapes = _own_shapes(model, specs)
    if specs[number].shape is None:  # what a model was built for does not bind it
        own, channels = shapes[number], 0 if first else 2
        shapes[number] = tuple(own[axis] if axis == channels else None for axis in range(3))
    sizes = (size[2], *size[:2]) if first else size
    filled = [
        tuple(new if old is None else old for old, new in zip(shape, sizes, strict=True))
        if len(shape) == 3
        else shape
        for shape in shapes
    ]
    return in_structure(filled, [spec.place for spec in specs])


def _channels_first(model: Any) -> bool:
    return any(
        getattr(layer, "data_format", "") == "channels_first" for layer in layers_of_model(model)
    )
