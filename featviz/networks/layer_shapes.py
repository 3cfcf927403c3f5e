"""A model's calls without numbers: shapes, dtypes, what is given to whom.

The model is traced, not run, in a graph of its own. Nothing of it changes, its weights and its
state are not read, and the size of its input costs no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from featviz._check import shown, size_text, whole_number
from featviz.networks.input_specs import (
    InputSpec,
    built_shape,
    input_structure,
    input_tensors,
    inputs_of_model,
    is_shape,
    parts_of_images,
)
from featviz.networks.keeping import losses_kept
from featviz.networks.paths import layers_of_model, name_without_scope
from featviz.networks.recording import Entry, Recorder, recording
from featviz.networks.runs import check_model
from featviz.networks.words import failure_text

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Traced:
    """The calls of a model for inputs of one size.

    Attributes:
        inputs: the tensors that went in, (B, …).
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
    def channel_axis(self) -> int:
        """Where the channels stand: 1 if a layer says that they come first, else −1."""
        formats = {getattr(entry.layer, "data_format", None) for entry in self.entries}
        return 1 if "channels_first" in formats else -1


def trace_model(model: Any, input_shape: Any = None) -> Traced:
    """Return the calls of a model, traced for images of one size.

    Args:
        model: a built Keras model.
        input_shape: of one input without the batch, such as (224, 224, 3), also an array or a
            ``tf.TensorShape``; of several a list or dict of such. None: what the model says;
            sizes that it leaves open stay unknown.

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
    specs = _specs(model, None if input_shape is None else _plain(input_shape))
    entries: list[Entry] = []
    recorder = Recorder(entries.append)
    kept: dict[str, Any] = {}

    def trace(given: Any) -> list[Any]:
        kept["inputs"] = tuple(tf.nest.flatten(given))
        entries.clear()
        with recording(recorder):
            outputs = tf.nest.flatten(model(given, training=False))
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
            traced = tf.function(trace, autograph=False).get_concrete_function(specs)
        except Exception as error:
            sizes = ", ".join(_text(spec.shape[1:]) for spec in tf.nest.flatten(specs))
            raise RuntimeError(
                f"model {model.name!r} cannot be traced for an input of {sizes}; "
                f"{failure_text(recorder.ran, error)}"
            ) from error
    return Traced(
        kept["inputs"], tuple(entries), kept["outputs"], dict(recorder.unseen), traced.graph
    )


def _specs(model: Any, input_shape: Any) -> Any:
    """Return what goes in, a ``TensorSpec`` for each input, in the model's structure."""
    tensors = input_tensors(model)
    if not tensors:
        return _specs_of_unknown(model, input_shape)
    shapes = [tuple(one.shape) for one in tensors]
    if input_shape is not None:
        given = _given_shapes(input_shape, inputs_of_model(model))
        shapes = [(whole[0], *shape) for whole, shape in zip(shapes, given, strict=True)]
    specs = [
        tf.TensorSpec((shape[0] or 1, *shape[1:]), one.dtype)
        for shape, one in zip(shapes, tensors, strict=True)
    ]
    return tf.nest.pack_sequence_as(input_structure(model), specs)


def _given_shapes(given: Any, inputs: Sequence[InputSpec]) -> list[Shape]:
    """Return the caller's shapes, one for each input, where the model takes them."""
    names = [one.name for one in inputs]
    parts = parts_of_images(given, inputs) if isinstance(given, dict) else None
    several = given if parts is None else list(parts.values())
    if len(names) == 1 and (isinstance(several, tuple) or is_shape(several)):
        several = [several]
    one = isinstance(several, dict) or (len(names) > 1 and is_shape(several))
    if one or len(several) != len(names):
        raise ValueError(
            f"input_shape must be one for each input, {', '.join(names)}; got {shown(given)}"
        )
    shapes = [_shape(one) for one in several]
    for name, shape, rule in zip(names, shapes, (one.shape or () for one in inputs), strict=True):
        pairs = zip(shape, rule, strict=False)
        if len(shape) != len(rule) or any(size not in (None, one) for one, size in pairs):
            cure = "; leave out the batch" if len(shape) == len(rule) + 1 else ""
            raise ValueError(
                f"input_shape must be {_text(rule)} for the input {name!r}; "
                f"got {_text(shape)}{cure}"
            )
    return shapes


def _specs_of_unknown(model: Any, input_shape: Any) -> Any:
    """Return the specs for a model that has no inputs of its own: a subclassed one."""
    shape = input_shape
    if shape is None:
        shape = built_shape(model)
    if shape is None:
        raise ValueError(
            f"input_shape must be given for {model.name!r}, which says none; got None; "
            "pass input_shape=(height, width, channels)"
        )

    def specs(one: Any) -> Any:
        if isinstance(one, dict) and one:
            return {name: specs(part) for name, part in one.items()}
        if is_shape(one) or isinstance(one, dict):
            return tf.TensorSpec((1, *_shape(one)), model.input_dtype)
        return [specs(part) for part in one]

    return specs(shape)


def _plain(value: Any) -> Any:
    """Return one shape, or several; those of NumPy and TensorFlow as lists.

    Raises:
        TypeError: nothing of the kind.
    """
    if isinstance(value, tf.TensorShape) and value.rank is not None:
        return value.as_list()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        if is_shape(value) and not any(hasattr(one, "__len__") for one in value):
            return value
        several = map(_plain, value)
        return tuple(several) if isinstance(value, tuple) else list(several)
    listed = value.tolist() if hasattr(value, "tolist") else None
    if not isinstance(listed, list):
        raise _no_shape(value)
    return listed


def _no_shape(value: Any) -> TypeError:
    return TypeError(
        f"input_shape must be sizes without the batch, such as (28, 28, 1); got {shown(value)}"
    )


def _shape(value: Any) -> Shape:
    """Return a shape without the batch: sizes of at least 1, None where open."""
    if not is_shape(value):
        raise _no_shape(value)
    return tuple(
        None if size is None else whole_number("input_shape", size, minimum=1) for size in value
    )


def _text(shape: Any) -> str:
    return size_text(shape) or "()"


def kind_of(layer: Any) -> str:
    """Return the name of a layer's class."""
    return type(layer).__name__
