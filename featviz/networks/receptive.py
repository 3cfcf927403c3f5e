"""The receptive field: which part of the image a cell of a layer sees.

``"same"`` pads the odd cell at the bottom and on the right, at every layer by the size of what that
layer is given. So where a window lies depends on the size of the image, its size does not.

Source:
    Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill
    2019, sections on the size and on the spatial location of a receptive field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from featviz._check import per_axis, shown, size_text, whole_number
from featviz.networks.input_specs import built_shape, inputs_of_model, is_shape
from featviz.networks.layer_shapes import Shape, Traced, trace_model
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
    input_number: int = 0,
) -> ReceptiveField:
    """Return the part of the image that one cell of a layer's map sees.

    Args:
        model: a built ``keras.Model``.
        path: of the layer, as in a recording.
        cell: (row, column) of its map, from 0.
        input_shape: of the image, (H, W, C); needed where the model leaves sizes open.
        input_number: of which input, for a model of several, from 0.

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
    row, column = per_axis("cell", cell, minimum=0)
    number = whole_number("input_number", input_number, minimum=0)
    traced = trace_model(model, input_shape)
    if number >= len(traced.inputs):
        raise ValueError(f"input_number must be below {len(traced.inputs)}; got {number}")
    image = _image_size(traced, number, model, given=input_shape is not None)
    entry = _entry(traced, path)
    node = _known(nodes_of_entries(traced)[entry.path], path)
    patch = _patch_of_cell(node, (row, column), path)
    every = tuple(range(size) for size in node.sizes)
    if number not in read_from_inputs(node, every, inside=False):
        raise ValueError(f"path must be a layer that sees the input {number}; got {path!r}")
    whole = read_from_inputs(node, patch, inside=False).get(number)
    inside = read_from_inputs(node, patch, inside=True).get(number)
    return ReceptiveField(
        entry.path,
        (row, column),
        Window(0, 0, 0, 0) if whole is None else _window(whole),
        None if inside is None else _window(inside),
        image,
        model.name,
    )


def _image_size(traced: Traced, number: int, model: Any, *, given: bool) -> tuple[int, int]:
    """Return the rows and columns of one input.

    Args:
        traced: the model.
        number: of the input.
        model: the same, for the sentence where the input is no image.
        given: whether the caller gave the shape; of a model that tells its own, that is at fault.
    """
    shapes = [tuple(one.shape[1:]) for one in traced.inputs]
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
        f"model must take an image, (height, width, channels); got {model.name!r}, whose {inputs} "
        f"{' and '.join(map(_sizes, shapes))}; layer_table tells the sizes of its fields"
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
    own = specs[number].shape or (None, None, None)
    if len(own) != 3:
        raise _no_image(number, [spec.shape or () for spec in specs], model)
    wanted = own[1:] if first else own[:2]
    rows, columns = (new if old is None else old for old, new in zip(wanted, size, strict=False))
    if (rows, columns) != size[:2] and not resize:
        raise ValueError(
            f"image must be {_sizes(wanted)}, as {model.name!r} takes it; "
            f"got {size_text(size[:2])}; pass resize=True or crop it first"
        )
    if specs[number].shape is None:
        return (rows, columns), _shapes_as_built(model, (rows, columns, *size[2:]), number)
    shapes = [_filled(spec.shape or (), (rows, columns), first) for spec in specs]
    return (rows, columns), shapes if len(shapes) > 1 else shapes[0]


def _shapes_as_built(model: Any, size: tuple[int, ...], number: int) -> Any:
    """Return the shapes for which a model was built, that of one changed."""
    built = built_shape(model)
    if built is None or is_shape(built):
        return size
    names = list(built) if isinstance(built, dict) else range(len(built))
    shapes = {name: size if at == number else built[name] for at, name in enumerate(names)}
    return shapes if isinstance(built, dict) else list(shapes.values())


def _filled(shape: Shape, size: tuple[int, int], first: bool) -> Shape:
    """Return the shape of an image, rows and columns that are open as of another."""
    if len(shape) != 3:
        return shape
    at = (1, 2) if first else (0, 1)
    sizes = [size[at.index(axis)] if axis in at else None for axis in range(3)]
    return tuple(new if old is None else old for old, new in zip(shape, sizes, strict=True))


def _channels_first(model: Any) -> bool:
    return any(
        getattr(layer, "data_format", "") == "channels_first" for layer in layers_of_model(model)
    )
