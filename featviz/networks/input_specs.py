"""What the inputs of a model are, and which of a caller's images goes into which.

A model that was made with a dict is given its images by the keys of that dict, in any order; the
names of its Input layers will do, too, where no key says otherwise. Keras' own call goes by
position instead where one of the two is an OrderedDict and the other a plain dict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import keras

from featviz.networks.paths import layers_of_model

# The axes of images for a model that does not tell its own.
IMAGE_AXES = 3
# Scales of layers that make 0..1 or −1..1 of bytes, 1/255 and 1/127.5, lie between.
LEAST_SCALE, MOST_SCALE = 1 / 300, 1 / 100

# Keys and numbers that lead to one part of a nested structure.
Place = tuple[Any, ...]


class InputSpec(NamedTuple):
    """One input of a model.

    Attributes:
        name: of the input: its key where the model was made with a dict.
        shape: its sizes without the batch, or None: the model does not tell.
        dtype: of its numbers.
        tokens: whether its numbers may be places in a table, which are never scaled.
        axes: how many axes one image has.
        keyed: whether the model takes a dict of its inputs though it does not tell them.
        place: of the input in the structure in which the model takes all of them.
        layer: name of its Input layer, or nothing.
        ordered: whether a list tells which is which; a dict may have its keys in another order.
        rescaled: name of the layer that scales the one input from 0..255, or nothing.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str
    tokens: bool = False
    axes: int = IMAGE_AXES
    keyed: bool = False
    place: Place = ()
    layer: str = ""
    ordered: bool = True
    rescaled: str = ""


def inputs_of_model(model: Any) -> tuple[InputSpec, ...]:
    """Return the inputs of a model, one of unknown shape where it tells none."""
    layers = layers_of_model(model)
    table = any(isinstance(layer, keras.layers.Embedding) for layer in layers)
    tensors = input_tensors(model)
    rescaled = next(filter(None, map(_rescaled, layers)), "") if len(tensors) < 2 else ""
    if not tensors:
        shape = built_shape(model)
        keyed = isinstance(shape, dict)
        return tuple(
            InputSpec(
                _name(place, keyed=keyed), None, "float32", table, axes, keyed, place,
                rescaled=rescaled,
            )
            for place, axes in _built_inputs(shape)
        )  # fmt: skip
    made = input_structure(model)
    places = [place for place, _ in keras.tree.flatten_with_path(made)]
    # The order of the inputs is that of the sorted keys; Keras, too, refuses a list for others.
    ordered = not isinstance(made, dict) or list(made) == _heads(places)
    return tuple(
        InputSpec(
            name, tuple(one.shape[1:]), str(one.dtype), table, len(one.shape) - 1,
            place=place, layer=one.name, ordered=ordered, rescaled=rescaled,
        )
        for name, place, one in zip(_names(made, places, tensors), places, tensors, strict=True)
    )  # fmt: skip


def _rescaled(layer: Any) -> str:
    """Return the name of a layer that scales pixels of 0..255 to 0..1 or −1..1."""
    if not isinstance(layer, keras.layers.Rescaling) or not isinstance(layer.scale, (int, float)):
        return ""
    return str(layer.name) if LEAST_SCALE < layer.scale < MOST_SCALE else ""


def input_structure(model: Any) -> Any:
    """Return the symbolic inputs in the structure in which the model takes them.

    Args:
        model: one that tells its inputs.
    """
    # Private: ``model.inputs`` is flat, and no public name tells the dict or list it was made of.
    made = getattr(model, "_inputs_struct", None)
    tensors = list(input_tensors(model))
    return made if made is not None else tensors if len(tensors) > 1 else tensors[0]


def _names(made: Any, places: Sequence[Place], tensors: Sequence[Any]) -> list[str]:
    """Return what the inputs are called: by the keys of a dict, else by their layers."""
    keys = [".".join(map(str, place)) for place in places]
    own = isinstance(made, dict) and len(set(keys)) == len(keys)
    return keys if own else [str(one.name) for one in tensors]


def _name(place: Place, *, keyed: bool) -> str:
    """Return what an input is called that the model does not tell."""
    path = ".".join(map(str, place))
    return path if keyed else f"input {path}" if place else "image"


def _built_inputs(shape: Any, place: Place = ()) -> Iterator[tuple[Place, int]]:
    """Yield place and axes of each input, by what a model was built for."""
    if not isinstance(shape, (dict, list)):
        yield place, len(shape) if shape else IMAGE_AXES
        return
    for key, one in shape.items() if isinstance(shape, dict) else enumerate(shape):
        yield from _built_inputs(one, (*place, key))


def built_places(model: Any) -> list[Place]:
    """Return the places of the inputs of a model that tells none."""
    return [place for place, _ in _built_inputs(built_shape(model))]


def input_tensors(model: Any) -> Sequence[Any]:
    """Return the symbolic inputs of a model, none where it tells none."""
    return getattr(model, "inputs", None) or ()


def built_shape(model: Any) -> Any:
    """Return for what shape a model without inputs of its own was built, or None.

    Returns:
        A tuple of sizes without the batch; of several inputs a list or a dict of such, as deep
        as the model takes them.
    """
    config = model.get_build_config() or {}
    shape = config.get("input_shape")
    if shape is None and config.get("shapes_dict"):
        shapes = list(config["shapes_dict"].values())
        shape = shapes[0] if len(shapes) == 1 else shapes
    return None if shape is None else _without_batch(shape)


def _without_batch(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {name: _without_batch(one) for name, one in shape.items()}
    return tuple(shape)[1:] if is_shape(shape) else [_without_batch(one) for one in shape]


def is_shape(value: Any) -> bool:
    """Whether this is one shape, not several."""
    return isinstance(value, (list, tuple)) and not any(
        isinstance(size, (list, tuple, dict)) for size in value
    )


def parts_of_images(images: Any, inputs: Sequence[InputSpec]) -> dict[str, Any] | None:
    """Return input name → what a caller gives for it, None for another form.

    Args:
        images: for one input anything; for several a list in their order, or a dict by their
            names, by those of their Input layers, or in the structure of the model's own.
        inputs: of the model.

    Returns:
        The parts in the order of the inputs. Of one input that the model does not tell, a dict
        has names of its own.

    Raises:
        ValueError: None for one of several inputs.

    Example:
        >>> inputs = [
        ...     InputSpec(name, (2,), "float32", place=(name,), layer=layer)
        ...     for name, layer in (("left", "x"), ("right", "y"))
        ... ]
        >>> parts_of_images([1, 2], inputs), parts_of_images({"y": 2, "x": 1}, inputs)
        ({'left': 1, 'right': 2}, {'left': 1, 'right': 2})
        >>> parts_of_images({"left": 1, "y": 2}, inputs)
    """
    parts = _parts_by_name(images, inputs)
    lacking = [name for name, part in parts.items() if part is None] if parts else []
    if lacking and len(parts or ()) > 1:
        raise ValueError(
            "images must be given for every input, for an optional one too; got None for the input "
            f"{lacking[0]!r}"
        )
    return parts


def _parts_by_name(images: Any, inputs: Sequence[InputSpec]) -> dict[str, Any] | None:
    """Return input name → what a caller gives, None too; None for another form."""
    one = inputs[0]
    if len(inputs) == 1 and not isinstance(images, dict):
        return {one.name: images[0] if _is_list_of_one(images, one) else images}
    if len(inputs) == 1 and one.shape is None and not one.keyed:
        return {str(name): value for name, value in images.items()}
    ways = [[spec.place for spec in inputs], [(spec.name,) for spec in inputs]]
    if all(spec.layer for spec in inputs):
        ways.append([(spec.layer,) for spec in inputs])
    if one.ordered:
        ways.append([(number,) for number in range(len(inputs))])
    for way in ways:
        parts = _parts_at(images, way)
        if parts is not None:
            return {spec.name: part for spec, part in zip(inputs, parts, strict=True)}
    return None


def _is_list_of_one(images: Any, spec: InputSpec) -> bool:
    """Whether this is the batch of a model that was made with a list of one input."""
    if spec.place != (0,) or not isinstance(images, (list, tuple)) or len(images) != 1:
        return False
    sizes = getattr(images[0], "shape", ())
    # A data set may not know the rank of what it gives; such a shape has no length.
    return getattr(sizes, "rank", 0) is not None and len(sizes) == spec.axes + 1


def _parts_at(value: Any, places: Sequence[Place]) -> list[Any] | None:
    """Return what stands at each place, None for a structure of other places."""
    if not any(places):
        return None if isinstance(value, dict) or len(places) > 1 else [value]
    heads, listed = _heads(places), isinstance(value, (list, tuple))
    if not (listed or isinstance(value, dict)):
        return None
    if set(range(len(value)) if listed else value) != set(heads):
        return None
    found: list[Any] = []
    for head in heads:
        parts = _parts_at(value[head], [place[1:] for place in places if place[0] == head])
        if parts is None:
            return None
        found += parts
    return found


def in_structure(parts: Sequence[Any], places: Sequence[Place]) -> Any:
    """Return parts at their places in dicts and lists.

    Args:
        parts: one for each place.
        places: as :class:`InputSpec` tells them.

    Example:
        >>> in_structure([1, 2, 3], [("pair", 0), ("pair", 1), ("one",)])
        {'pair': [1, 2], 'one': 3}
    """
    if not any(places):
        return parts[0]
    inner = {
        head: in_structure(
            [part for part, at in zip(parts, places, strict=True) if at[0] == head],
            [at[1:] for at in places if at[0] == head],
        )
        for head in _heads(places)
    }
    return list(inner.values()) if list(inner) == list(range(len(inner))) else inner


def _heads(places: Sequence[Place]) -> list[Any]:
    """Return the first step of every place, each once."""
    return list(dict.fromkeys(place[0] for place in places))
