"""The table of a model's layers: shapes, parameters, costs, receptive fields."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from featviz.networks.layer_costs import (
    PRODUCTS,
    SIMPLE,
    has_cost_rule,
    multiply_adds_of_layer,
    operations_between,
)
from featviz.networks.layer_paths import layers_by_path
from featviz.networks.layer_shapes import Shape, Traced, kind_of, trace_model
from featviz.networks.layer_values import LayerRow, LayerTable
from featviz.networks.reach import Node, field_of_node
from featviz.networks.reach_layers import nodes_of_entries
from featviz.networks.recording import Entry
from featviz.networks.words import settings_of_layer

# What tells one output of a call from another: its stage, its place or name.
_OF_AN_OUTPUT = re.compile(r"(?::filter|:detect)$|(?:\[[^\]/]*\])+$")


def layer_table(model: Any, *, input_shape: Any = None) -> LayerTable:
    """Return a table of a model's layers, one row for each call, without a run.

    What stands inside a model or a block has rows of its own, and the block has none, unless it
    holds weights itself. A convolution with its activation inside is one row. Multiply-adds are
    those of convolutions and dense layers, padding counted, for one image; normalisation,
    activation, pooling and addition count as 0. Where something is not known it is None;
    ``table.uncounted`` and ``table.outside`` name what the sum of the multiply-adds leaves out.

    Args:
        model: a built ``keras.Model`` of any kind; it is not changed.
        input_shape: of one input without the batch, such as (224, 224, 3), of several a list or
            dict of such; needed where the model says none. None: what the model says.

    Returns:
        :class:`LayerTable`; its sums are those of its rows.

    Raises:
        ValueError: a model that was never built, or a shape that it does not take.
        TypeError: no model, no shape.
        RuntimeError: the model cannot be traced.

    Example:
        >>> import keras
        >>> layer = keras.layers.Conv2D(4, 3, padding="same", name="conv")
        >>> table = layer_table(keras.Sequential([keras.Input((8, 8, 1)), layer]))
        >>> row = table.row("conv")
        >>> row.output_shape, row.parameters, row.multiply_adds, row.receptive_field
        ((8, 8, 4), 40, 2304, (3, 3))
    """
    traced = trace_model(model, input_shape)
    calls = _calls(traced)
    blocks = {call.path for call in calls if _holds_others(call, calls)}
    weights, fields = _Weights(), _Fields(traced)
    # What is inside counts first: a block is left with the weights that it holds itself.
    parts = sorted(calls, key=lambda call: call.path in blocks)
    counts = {call.path: weights.taken(call.path, call.layer) for call in parts}
    rows = [
        row
        for call in calls
        if call.path not in blocks or counts[call.path].parameters
        for row in _rows_of_call(call, traced, fields, counts[call.path], call.path in blocks)
    ]
    rows += _rows_of_unseen(model, traced, weights, input_shape)
    shapes = tuple(tuple(tensor.shape[1:]) for tensor in traced.inputs)
    leaves = [call for call in calls if call.path not in blocks]
    return LayerTable(model.name, shapes, tuple(rows), _products_outside(traced, leaves))


@dataclass(slots=True)
class _Call:
    """One call of one layer: what it was given, and its outputs."""

    path: str
    layer: Any
    given: tuple[Any, ...]
    outputs: list[Entry]


def _calls(traced: Traced) -> list[_Call]:
    """Return the calls, without those inside a layer whose cost is known as a whole."""
    calls: dict[str, _Call] = {}
    for entry in traced.entries:
        path = _OF_AN_OUTPUT.sub("", entry.path)
        call = calls.setdefault(path, _Call(path, entry.layer, entry.given, []))
        if entry.path.endswith(":detect"):
            call.outputs = []  # the map before the activation is no output
        call.outputs.append(entry)
    wholes = tuple(f"{call.path}/" for call in calls.values() if has_cost_rule(call.layer))
    return [call for call in calls.values() if not call.path.startswith(wholes)]


def _holds_others(call: _Call, calls: list[_Call]) -> bool:
    return any(other.path.startswith(f"{call.path}/") for other in calls)


class _Count(NamedTuple):
    """Parameters that were not counted before, and who counted the others."""

    parameters: int
    trainable: int
    note: str


class _Weights:
    """Counts every weight once, for whoever comes first."""

    def __init__(self) -> None:
        self._owners: dict[int, str] = {}

    def taken(self, path: str, layer: Any) -> _Count:
        """Return how many parameters of a layer are new, and take them."""
        trained = {id(weight) for weight in layer.trainable_weights}
        before = set(self._owners)
        new = [weight for weight in layer.weights if id(weight) not in before]
        owners = [self._owners[id(weight)] for weight in layer.weights if id(weight) in before]
        self._owners.update((id(weight), path) for weight in new)
        note = f"shared with {owners[0]}" if owners and not new else ""
        return _Count(
            sum(math.prod(weight.shape) for weight in new),
            sum(math.prod(weight.shape) for weight in new if id(weight) in trained),
            note,
        )


class _Fields:
    """Receptive field and jump of each entry, computed once for each node."""

    def __init__(self, traced: Traced) -> None:
        self._nodes = nodes_of_entries(traced)
        self._fields: dict[int, tuple[int, ...] | None] = {}

    def of_entry(self, path: str) -> tuple[tuple[int, ...] | None, tuple[Any, ...] | None]:
        """Return the size of the window and the jump, None where they are not known."""
        node = self._nodes[path]
        if node is None:
            return None, None
        if node.number not in self._fields:
            self._fields[node.number] = field_of_node(node)
        field = self._fields[node.number]
        return field, _jump(node) if field else None


def _jump(node: Node) -> tuple[Any, ...] | None:
    if node.jumps is None:
        return None
    return tuple(int(jump) if jump.denominator == 1 else jump for jump in node.jumps)


def _rows_of_call(
    call: _Call, traced: Traced, fields: _Fields, count: _Count, is_block: bool
) -> list[LayerRow]:
    """Return a row for each output of a call; what it costs stands in the first.

    What a block gives is mostly what its last layer gave: the bytes of that are counted there.
    """
    rows = []
    below = f"{call.path}/" if is_block else None
    inner = {one.value.name for one in traced.entries if below and one.path.startswith(below)}
    for number, entry in enumerate(call.outputs):
        shape = tuple(entry.value.shape) if entry.value.shape.rank is not None else None
        cost = None if is_block or shape is None else _cost(call, shape, traced.batch)
        field, jump = fields.of_entry(entry.path)
        note = "weights of its own" if is_block else count.note
        first = number == 0
        rows.append(
            LayerRow(
                call.path if len(call.outputs) == 1 else entry.path,
                kind_of(call.layer), settings_of_layer(call.layer), shape and shape[1:],
                count.parameters if first else 0, count.trainable if first else 0,
                cost if first else 0, field, jump,
                0 if entry.value.name in inner else _bytes(entry, shape, traced.batch),
                note if first else f"also of {call.path}",
            )
        )  # fmt: skip
    return rows


def _cost(call: _Call, shape: Shape, batch: int) -> int | None:
    given = call.given[0].shape if call.given else None
    before = tuple(given) if given is not None and given.rank is not None else None
    cost = multiply_adds_of_layer(call.layer, before, shape)
    if cost is None and not has_cost_rule(call.layer):
        kinds = {
            kind
            for entry in call.outputs
            for kind in operations_between(call.given, entry.value).values()
        }
        cost = 0 if kinds <= SIMPLE else None
    return None if cost is None else cost // batch


def _products_outside(traced: Traced, leaves: list[_Call]) -> tuple[str, ...]:
    """Return the kinds of the products in the graph that no row stands for."""
    inside = {
        name
        for call in leaves
        for entry in call.outputs
        for name in operations_between(call.given, entry.value)
    }
    # From the end back: a loop tries its step once, and nothing comes of that.
    every: dict[str, str] = {}
    for output in traced.outputs:
        every |= operations_between(traced.inputs, output)
    return tuple(sorted(kind for n, kind in every.items() if kind in PRODUCTS and n not in inside))


def _bytes(entry: Entry, shape: Shape | None, batch: int) -> int | None:
    if shape is None or None in shape:
        return None
    return math.prod(size or 0 for size in shape) * int(entry.value.dtype.size) // batch


def _rows_of_unseen(
    model: Any, traced: Traced, weights: _Weights, input_shape: Any
) -> list[LayerRow]:
    """Return rows for weights of layers that gave no entry, and for the model's own."""
    held = layers_by_path(model, input_shape)
    rows = []
    for path, layer in reversed(held.items()):  # inner before outer
        count = weights.taken(path, layer)
        if count.parameters:
            why = traced.unseen.get(path, "was not called")
            rows.append(_bare_row(path, layer, count, why))
    rows.reverse()
    rest = weights.taken(model.name, model)
    return [*rows, _bare_row(model.name, model, rest, "weights of its own")] if rest[0] else rows


def _bare_row(path: str, layer: Any, count: _Count, note: str) -> LayerRow:
    return LayerRow(
        path, kind_of(layer), settings_of_layer(layer), None, count.parameters, count.trainable,
        None, None, None, None, note,
    )  # fmt: skip
