"""A model's calls without numbers: shapes, dtypes, what is given to whom.

The model is traced, not run, in a graph of its own. Nothing of it changes, its weights and its
state are not read, and the size of its input costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from featviz._check import shown, size_text, whole_number
from featviz.networks.input_specs import (
    InputSpec,
    Place,
    built_shape,
    in_structure,
    input_structure,
    input_tensors,
    inputs_of_model,
    is_shape,
    parts_of_images,
)
from featviz.networks.keeping import losses_kept
from featviz.networks.paths import counted_text, layers_of_model, name_without_scope
from featviz.networks.recording import Entry, Recorder, recording
from featviz.networks.runs import check_model
from featviz.networks.words import failure_text

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """The calls of a model for inputs of one size.

    Attributes:
        inputs: the tensors that went in, (B, …), as ``inputs_of_model`` counts them.
        entries: as a recording keeps them, their tensors without values.
        outputs: what the model gives.
        unseen: path → why a layer that was called gave no entry.
        graph: in which the tensors stand; they live as long as it does.
    """

    inputs: tuple[tf.Tensor, ...]
    entries: tuple[Entry, ...]
    outputs: tuple[tf.Tensor, ...]
    unseen: dict[str, str]
    graph: Any

    @property
    def batch(self) -> int:
        """Images in the traced batch."""
        return int(self.inputs[0].shape[0])

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Sizes of each input without the batch."""
        return tuple(tuple(one.shape[1:]) for one in self.inputs)

    @property
    def channel_axis(self) -> int:
        """Where the channels stand: 1 if a layer says that they come first, else −1."""
        formats = {getattr(entry.layer, "data_format", None) for entry in self.entries}
        return 1 if "channels_first" in formats else -1


def trace_model(model: Any, input_shape: Any = None) -> Traced:
    """Return the calls of a model, traced for images of one size.

    Args:
        model: a built Keras model.
        input_shape: of one input without the batch, such as (224, 224, 3), also an array or a
            ``tf.TensorShape``; of several a dict of such, as their images are given, or a list
            as ``inputs_of_model`` counts. None: what the model says; sizes that it leaves open
            stay unknown.

    Raises:
        TypeError: no model, no shape.
        ValueError: never built, a shape that the model does not take, or a model that says no
            shape while none is given.
        RuntimeError: the model fails.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((5, 4, 1)), keras.layers.Flatten(name="flat")])
        >>> [(entry.path, tuple(entry.value.shape)) for entry in trace_model(model).entries]
        [('flat', (1, 20))]
    """
    check_model(model)
    plan = _plan(model, input_shape)
    entries: list[Entry] = []
    recorder = Recorder(entries.append)
    kept: dict[str, Any] = {}

    def trace(given: list[Any]) -> list[Any]:
        kept["inputs"] = tuple(given)
        entries.clear()
        with recording(recorder):
            outputs = tf.nest.flatten(model(plan.structured(given), training=False))
        kept["outputs"] = tuple(one for one in outputs if isinstance(one, tf.Tensor))
        return []

    # Refused before the trace, after which Keras would leave its scopes open.
    layers = layers_of_model(model)
    named = name_without_scope(layer.name for layer in layers)
    if named is not None:
        raise RuntimeError(
            f"model {model.name!r} cannot be traced: the name {named!r} is one that no graph of "
            "TensorFlow takes, so model.predict fails too; name layers with Latin letters, digits "
            "and _ . - alone, a letter or a digit first"
        )
    with losses_kept(layers):
        try:
            traced = tf.function(trace, autograph=False).get_concrete_function(plan.specs)
        except Exception as error:
            sizes = ", ".join(_text(spec.shape[1:]) for spec in plan.specs)
            raise RuntimeError(
                f"model {model.name!r} cannot be traced for an input of {sizes}; "
                f"{failure_text(recorder.ran, error)}"
            ) from error
    return Traced(
        kept["inputs"], tuple(entries), kept["outputs"], dict(recorder.unseen), traced.graph
    )


def trace_as_given(model: Any, input_shape: Any = None) -> Traced:
    """Return the calls of a model, as a caller asks for them.

    Args:
        model: as in :func:`trace_model`.
        input_shape: as there, but no list where it would not tell which shape is whose.

    Raises:
        ValueError: such a list, and as :func:`trace_model`.
    """
    check_model(model)
    inputs = inputs_of_model(model)
    if input_shape is not None and not inputs[0].ordered and isinstance(_leaves(input_shape), list):
        raise _not_for_each(input_shape, inputs)
    return trace_model(model, input_shape)


class _Plan(NamedTuple):
    """What goes in, in the order of the model's inputs.

    Attributes:
        specs: of each input.
        structured: returns tensors in the structure in which the model takes them.
    """

    specs: list[tf.TensorSpec]
    structured: Callable[[Sequence[Any]], Any]


def _plan(model: Any, input_shape: Any) -> _Plan:
    given = None if input_shape is None else _leaves(input_shape)
    inputs, tensors = inputs_of_model(model), input_tensors(model)
    if not tensors:
        return _plan_of_unknown(model, given, input_shape, inputs)
    specs = [tf.TensorSpec((one.shape[0] or 1, *one.shape[1:]), one.dtype) for one in tensors]
    if given is not None:
        shapes = _given_shapes(given, input_shape, inputs)
        specs = [
            tf.TensorSpec((spec.shape[0], *shape), spec.dtype)
            for spec, shape in zip(specs, shapes, strict=True)
        ]

    def structured(given: Sequence[Any]) -> Any:
        # By the tensors themselves: TensorFlow sorts the keys of an OrderedDict, Keras does not.
        found = {id(one): new for one, new in zip(tensors, given, strict=True)}
        return tf.nest.map_structure(lambda one: found[id(one)], input_structure(model))

    return _Plan(specs, structured)


def _given_shapes(given: Any, input_shape: Any, inputs: Sequence[InputSpec]) -> list[Shape]:
    """Return the caller's shapes, one for each input, where the model takes them."""
    shapes = [tuple(one.shape[1:]) for one in _parts(given, input_shape, inputs)]
    for spec, shape in zip(inputs, shapes, strict=True):
        rule = spec.shape or ()
        pairs = zip(shape, rule, strict=False)
        if len(shape) != len(rule) or any(size not in (None, one) for one, size in pairs):
            cure = "; leave out the batch" if len(shape) == len(rule) + 1 else ""
            raise ValueError(
                f"input_shape must be {_text(rule)} for the input {spec.name!r}; "
                f"got {_text(shape)}{cure}"
            )
    return shapes


def _parts(given: Any, input_shape: Any, inputs: Sequence[InputSpec]) -> list[tf.TensorSpec]:
    """Return what a caller gives for each input, told as he tells their images."""
    # A list of a caller was judged before; that of the arrays that went in is in order.
    found = parts_of_images(given, [one._replace(ordered=True) for one in inputs])
    parts = list((found or {}).values())
    if len(inputs) == 1:
        parts = list(map(_out_of_lists, parts))
    if len(parts) != len(inputs) or not all(isinstance(one, tf.TensorSpec) for one in parts):
        raise _not_for_each(input_shape, inputs)
    return parts


def _out_of_lists(given: Any) -> Any:
    """Return what stands alone in a list, or in lists of one."""
    while isinstance(given, list) and len(given) == 1:
        given = given[0]
    return given


def _not_for_each(input_shape: Any, inputs: Sequence[InputSpec]) -> ValueError:
    names, rule = ", ".join(one.name for one in inputs), "one for each input"
    if not inputs[0].ordered:
        rule = f"a dict of {counted_text(len(inputs), 'input')}"
    return ValueError(f"input_shape must be {rule}, {names}; got {shown(input_shape)}")


def _plan_of_unknown(
    model: Any, given: Any, input_shape: Any, inputs: Sequence[InputSpec]
) -> _Plan:
    """Return the plan for a model that has no inputs of its own: a subclassed one."""
    built = built_shape(model)
    if given is None and built is None:
        raise ValueError(
            f"input_shape must be given for {model.name!r}, which says none; got None; "
            "pass input_shape=(height, width, channels)"
        )
    places = [one.place for one in inputs]
    if given is None:
        given = _leaves(built)
    elif any(places):
        given = in_structure(_parts(given, input_shape, inputs), places)
    else:  # the model tells of one at most: the caller's own structure
        given = given if built is None else _out_of_lists(given)
    placed = list(_placed(given))
    places = [place for place, _ in placed]
    specs = [tf.TensorSpec(one.shape, model.input_dtype) for _, one in placed]
    return _Plan(specs, lambda tensors: in_structure(tensors, places))


def _placed(given: Any, place: Place = ()) -> Iterator[tuple[Place, tf.TensorSpec]]:
    """Yield what stands in dicts and lists, and where."""
    if isinstance(given, tf.TensorSpec):
        yield place, given
        return
    for key, one in given.items() if isinstance(given, dict) else enumerate(given):
        yield from _placed(one, (*place, key))


def _leaves(value: Any) -> Any:
    """Return a spec of one image for each shape, in the dicts and lists of these.

    Specs hold shapes together: what reads structures would go into a tuple of sizes, too.

    Raises:
        TypeError: nothing of the kind.
    """
    if isinstance(value, tf.TensorShape) and value.rank is not None:
        value = value.as_list()
    if isinstance(value, dict) and value:
        return {name: _leaves(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        if is_shape(value) and not any(hasattr(one, "__len__") for one in value):
            return tf.TensorSpec((1, *_shape(value)))
        return [_leaves(one) for one in value]
    listed = value.tolist() if hasattr(value, "tolist") else None
    if not isinstance(listed, list):
        raise _no_shape(value)
    return _leaves(listed)


def _no_shape(value: Any) -> TypeError:
    return TypeError(
        f"input_shape must be sizes without the batch, such as (28, 28, 1); got {shown(value)}"
    )


def _shape(value: Any) -> Shape:
    """Return a shape without the batch: sizes of at least 1, None where open."""
    return tuple(
        None if size is None else whole_number("input_shape", size, minimum=1) for size in value
    )


def _text(shape: Any) -> str:
    return size_text(shape) or "()"


def kind_of(layer: Any) -> str:
    """Return the name of a layer's class."""
    return type(layer).__name__
