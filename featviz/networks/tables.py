"""The table of a model's layers: shapes, parameters, costs, receptive fields."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from featviz.networks.layer_costs import (
    PRODUCTS,
    SIMPLE,
    has_cost_rule,
    multiply_adds_of_layer,
    sums_of_products,
)
from featviz.networks.layer_paths import layers_by_path, path_of_call
from featviz.networks.layer_shapes import Shape, Traced, kind_of, trace_as_given
from featviz.networks.layer_values import LayerRow, LayerTable
from featviz.networks.reach import Node, field_of_node
from featviz.networks.reach_layers import nodes_of_entries
from featviz.networks.reach_ops import operations_between
from featviz.networks.recording import Entry
from featviz.networks.words import settings_of_layer


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
            dict of such, as :func:`featviz.feature_maps` takes their images; needed where the
            model says none. None: what the model says.

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
    traced = trace_as_given(model, input_shape)
    calls = _calls(traced)
    blocks = {call.path for call in calls if _holds_others(call, calls)}
    weights, fields, costs = _Weights(), _Fields(traced), _Costs(traced, calls, blocks)
    # What is inside counts first: a block is left with the weights that it holds itself.
    parts = sorted(calls, key=lambda call: call.path in blocks)
    counts = {call.path: weights.taken(call.path, call.layer) for call in parts}
    rows = [
        row
        for call in calls
        if call.path not in blocks or counts[call.path].parameters
        for row in _rows_of_call(
            call, traced, fields, costs, counts[call.path], is_block=call.path in blocks
        )
    ]
    outside = costs.outside()
    rows += _rows_of_unseen(model, traced, weights, input_shape, None if outside else 0)
    return LayerTable(model.name, traced.shapes, tuple(rows), outside)


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
        path = path_of_call(entry.path)
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


class _Costs:
    """Multiply-adds of each call, and what the graph holds beside the calls.

    Args:
        traced: the model.
        calls: all of them.
        blocks: paths of those that hold others; what stands in these is not theirs.
    """

    def __init__(self, traced: Traced, calls: list[_Call], blocks: set[str]) -> None:
        self._traced = traced
        self._told = {
            name for call in calls if call.path not in blocks for name in _operations(call)
        }

    def of_call(self, call: _Call, shape: Shape, *, is_block: bool) -> int | None:
        """Return the multiply-adds of a call for one image, of a block those of its own."""
        given = call.given[0].shape if call.given else None
        before = tuple(given) if given is not None and given.rank is not None else None
        cost = None if is_block else multiply_adds_of_layer(call.layer, before, shape)
        if cost is None and (is_block or not has_cost_rule(call.layer)):
            own = _operations(call)
            passed = self._told if is_block else set()
            kinds = {one.type for name, one in own.items() if name not in passed}
            cost = None if kinds - SIMPLE or sums_of_products(own, call.given, passed) else 0
            self._told |= own.keys()  # a row stands for them
        return None if cost is None else cost // self._traced.batch

    def outside(self) -> tuple[str, ...]:
        """Return the kinds of the products in the graph that no row stands for."""
        # From the end back: a loop tries its step once, and nothing comes of that.
        every: dict[str, Any] = {}
        for output in self._traced.outputs:
            every |= operations_between(self._traced.inputs, output)
        sums = sums_of_products(every, self._traced.inputs, self._told)
        products = {name for name, one in every.items() if one.type in PRODUCTS}
        return tuple(sorted(every[name].type for name in (products | sums) - self._told))


def _operations(call: _Call) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in call.outputs:
        found |= operations_between(call.given, entry.value)
    return found


def _rows_of_call(
    call: _Call, traced: Traced, fields: _Fields, costs: _Costs, count: _Count, *, is_block: bool
) -> list[LayerRow]:
    """Return a row for each output of a call; what it costs stands in the first.

    What a block gives is mostly what its last layer gave: the bytes of that are counted there.
    """
    rows = []
    below = f"{call.path}/" if is_block else None
    inner = {one.value.name for one in traced.entries if below and one.path.startswith(below)}
    for number, entry in enumerate(call.outputs):
        shape = tuple(entry.value.shape) if entry.value.shape.rank is not None else None
        cost = None if shape is None else costs.of_call(call, shape, is_block=is_block)
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


def _bytes(entry: Entry, shape: Shape | None, batch: int) -> int | None:
    if shape is None or None in shape:
        return None
    return math.prod(size or 0 for size in shape) * int(entry.value.dtype.size) // batch


def _rows_of_unseen(
    model: Any, traced: Traced, weights: _Weights, input_shape: Any, cost: int | None
) -> list[LayerRow]:
    """Return rows for weights of layers that gave no entry, and for the model's own.

    The cost is that of the model outside of its layers.
    """
    held = layers_by_path(model, input_shape)
    rows = []
    for path, layer in reversed(held.items()):  # inner before outer
        count = weights.taken(path, layer)
        if count.parameters:
            why = traced.unseen.get(path, "was not called")
            rows.append(_bare_row(path, layer, count, why, None))
    rows.reverse()
    rest = weights.taken(model.name, model)
    own = _bare_row(model.name, model, rest, "weights of its own", cost)
    return [*rows, own] if rest.parameters else rows


def _bare_row(path: str, layer: Any, count: _Count, note: str, cost: int | None) -> LayerRow:
    return LayerRow(
        path, kind_of(layer), settings_of_layer(layer), None, count.parameters, count.trainable,
        cost, None, None, None, note,
    )  # fmt: skip
