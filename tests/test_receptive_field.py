"""The receptive field against gradients: what moves a cell's value is what the cell sees."""

import functools
import itertools
import math
from collections import OrderedDict
from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf
from models import KINDS

from featviz.geometry import Axis
from featviz.network_experiments import plot_receptive_field
from featviz.networks.adaptive import adaptive_axis, read_adaptively
from featviz.networks.layer_shapes import trace_model
from featviz.networks.reach import patch_of_cell, read_from_inputs
from featviz.networks.reach_cells import (
    copied_from,
    interpolated_from,
    patches_with,
    read_by_window,
    spread_by_window,
)
from featviz.networks.reach_layers import nodes_of_entries
from featviz.networks.receptive import receptive_field, shapes_for_image
from featviz.networks.tables import layer_table
from featviz.networks.top_scores import top_images
from featviz.render.field_plots import figure_from_field
from featviz.render.table_text import text_from_table
from featviz.windows import Window

layers = keras.layers
Conv = layers.Conv2D


def chain(*parts, shape=(11, 14, 1)):
    return keras.Sequential([keras.Input(shape), *parts])


def positive(model):
    """The same model with weights of 1: no part of a sum takes away another."""
    for weight in model.weights:
        weight.assign(tf.ones_like(weight) * (0.0 if "bias" in weight.path else 1.0))
    return model


def seen_by_gradients(model, layer, cell, shape):
    """(H, W) of bools: which pixels the sum over the channels of one cell depends on."""
    image = tf.Variable(np.random.default_rng(0).uniform(1, 2, (1, *shape)).astype(np.float32))
    part = keras.Model(model.inputs, model.get_layer(layer).output)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(part(image)[0, cell[0], cell[1]])
    gradient = tape.gradient(value, image)
    return np.abs(np.asarray(gradient)[0]).sum(-1) > 0


def box_of(cells):
    rows, columns = np.nonzero(cells)
    return Window(
        int(rows.min()),
        int(columns.min()),
        int(np.ptp(rows)) + 1,
        int(np.ptp(columns)) + 1,
    )


def branches():
    """A short way and a long one, joined, then added to a way around."""
    image = keras.Input((12, 10, 1))
    first = Conv(2, (2, 3), strides=2, padding="same")(image)
    left = Conv(2, 3, padding="same")(first)
    right = Conv(2, (1, 5), padding="same")(first)
    joined = layers.Concatenate()([left, right])
    around = Conv(4, 1)(first)
    return keras.Model(image, layers.Add(name="last")([joined, around]))


def hourglass():
    """Down, up again by two ways, and across."""
    image = keras.Input((8, 12, 1))
    first = Conv(2, 3, padding="same")(image)
    down = Conv(2, 3, strides=2, padding="same")(first)
    up = layers.Conv2DTranspose(2, (3, 2), strides=2, padding="same")(down)
    copied = layers.UpSampling2D(2)(down)
    smooth = layers.UpSampling2D(2, interpolation="bilinear")(down)
    joined = layers.Concatenate()([first, up, copied, smooth])
    return keras.Model(image, Conv(1, (2, 1), padding="same", name="last")(joined))


def excited():
    """Every cell multiplied by what all cells say."""
    image = keras.Input((6, 7, 1))
    maps = Conv(2, 3, padding="same")(image)
    whole = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    weights = Conv(2, 1, activation="softplus")(whole)
    return keras.Model(image, layers.Multiply(name="last")([maps, weights]))


FILLED = {
    "three 3×3": chain(Conv(2, 3), Conv(2, 3), Conv(1, 3, name="last")),
    "strides on even sizes": chain(
        Conv(2, (2, 3), strides=2, padding="same"),
        layers.AveragePooling2D(2, padding="same"),
        Conv(1, (3, 2), strides=(1, 2), padding="same", name="last"),
    ),
    "a strided net that leaves cells uncovered": chain(
        Conv(1, 2, strides=3), Conv(1, (2, 1), padding="same", name="last"), shape=(10, 13, 1)
    ),
    "padded and cropped by hand": chain(
        layers.ZeroPadding2D(((2, 1), (0, 3))), Conv(1, 3, strides=2),
        layers.Cropping2D(((1, 0), (0, 1))), Conv(1, 2, name="last"),
    ),
    "depthwise and separable": chain(
        layers.DepthwiseConv2D((3, 2), padding="same", depth_multiplier=2),
        layers.SeparableConv2D(2, (2, 3), strides=2, padding="same", name="last"),
    ),
    "branches": branches(),
    "up and down": hourglass(),
    "every cell sees all": excited(),
    "normalised over the whole map": chain(
        Conv(2, 3), layers.GroupNormalization(1, name="last")
    ),
    "flattened": chain(
        Conv(1, 3, strides=2), layers.Flatten(), layers.Dense(12), layers.Reshape((3, 2, 2)),
        layers.Conv2D(1, 1, name="last"),
    ),
}  # fmt: skip
UNKNOWN = {"flattened"}


def seen_by_changes(model, layer, shape):
    """(rows, columns, H, W) of bools: which pixels, changed one at a time, change which cell."""
    pixels = np.random.default_rng(1).uniform(1, 2, shape).astype(np.float32)
    count = shape[0] * shape[1]
    several = np.repeat(pixels[None], count + 1, axis=0)
    for at in range(count):
        several[at, at // shape[1], at % shape[1]] += 50  # more than any other maximum
    part = keras.Model(model.inputs[0], model.get_layer(layer).output)
    values = np.asarray(part(several))
    moved = np.abs(values[:-1] - values[-1]).max(-1) > 1e-4
    return np.moveaxis(moved, 0, -1).reshape(*moved.shape[1:], *shape[:2])


def two_dilations():
    """One way reads far rows, the other far columns: together they read no corner."""
    image = keras.Input((7, 8, 1))
    tall = Conv(1, (2, 1), dilation_rate=(5, 1), padding="same")(image)
    wide = Conv(1, (1, 3), dilation_rate=(1, 4), padding="same")(image)
    joined = layers.ZeroPadding2D(((2, 0), (0, 3)))(layers.Add()([tall, wide]))
    return keras.Model(image, Conv(1, (2, 3), dilation_rate=3, padding="same", name="last")(joined))


GAPS = {
    "taps on both sides of the image": chain(
        Conv(1, 2, dilation_rate=7, padding="same", name="last"), shape=(6, 6, 1)
    ),
    "two taps of four beyond it": chain(
        Conv(1, (4, 3), dilation_rate=3, padding="same", name="last"), shape=(6, 6, 1)
    ),
    "padded and repeated before": chain(
        layers.ZeroPadding2D(((3, 1), (0, 4))), layers.UpSampling2D((2, 3)),
        Conv(1, (2, 3), dilation_rate=(5, 7), padding="same", name="last"), shape=(4, 5, 1),
    ),
    "padded and interpolated before": chain(
        layers.ZeroPadding2D(((2, 3), (3, 0))), layers.UpSampling2D(2, interpolation="bilinear"),
        Conv(1, (3, 2), dilation_rate=(6, 9), padding="same", name="last"), shape=(3, 4, 1),
    ),
    "spread with gaps": chain(
        layers.Conv2DTranspose(1, (3, 2), dilation_rate=(4, 3), padding="same"),
        layers.Conv2DTranspose(1, (2, 3), strides=2, padding="valid"),
        Conv(1, (2, 3), dilation_rate=(7, 4), padding="same", name="last"), shape=(5, 4, 1),
    ),
    "a stride over gaps": chain(
        Conv(1, (3, 2), dilation_rate=(4, 5), padding="same"),
        layers.MaxPooling2D((1, 2), strides=(3, 2), padding="same"),
        Conv(1, (2, 3), dilation_rate=2, padding="same", name="last"), shape=(8, 9, 1),
    ),
    "two ways": two_dilations(),
}  # fmt: skip


def ends_of(window):
    """First and last row, first and last column."""
    bottom, right = window.top + window.height - 1, window.left + window.width - 1
    return (window.top, bottom), (window.left, right)


@pytest.mark.parametrize("name", GAPS)
def test_only_taps_on_the_map_are_read(name):
    """Every cell, against every pixel changed; a gap over the border reads nothing there."""
    model = positive(GAPS[name])
    shape = model.inputs[0].shape[1:]
    pixels = seen_by_changes(model, "last", shape)
    node = nodes_of_entries(traced := trace_model(model))[traced.entries[-1].path]
    for cell in np.ndindex(*node.sizes):
        seen = read_from_inputs(node, patch_of_cell(cell), inside=True).get(0)
        found = pixels[cell]
        assert seen == (ends_of(box_of(found)) if found.any() else None), cell


def test_a_gap_over_the_whole_image_reads_nothing():
    field = receptive_field(GAPS["taps on both sides of the image"], "last", (2, 2))
    assert (field.window, field.inside) == (Window(-1, -1, 8, 8), None)
    field = receptive_field(GAPS["two taps of four beyond it"], "last", (0, 2))
    assert field.inside == Window(2, 2, 4, 4)


def test_cells_are_those_of_going_through_the_taps():
    """Ranges are a short way: contiguous, even and uneven cells, one by one."""
    several = [(3,), range(2, 7), range(-3, 12, 3), (0, 1, 5), range(4, 4)]
    moves = itertools.product(several, (1, 2, 3, 4), (1, 2, 3), (1, 2, 4), (0, 2))
    for cells, window, stride, dilation, before in moves:
        axis = Axis(9, window, stride, dilation, before, 1)
        taps = [tap * dilation - before for tap in range(window)]
        read = {cell * stride + tap for cell in cells for tap in taps}
        assert list(read_by_window(axis, cells)) == sorted(read), (cells, axis)
        spread = [c for c in range(-20, 25) if any(c * stride + tap in cells for tap in taps)]
        assert list(spread_by_window(axis, cells)) == spread, (cells, axis)
        copied = sorted({cell // stride for cell in cells})
        assert list(copied_from(stride, cells)) == copied
        places = [Fraction(2 * cell + 1, 2 * stride) - Fraction(1, 2) for cell in cells]
        beside = sorted({end(place) for place in places for end in (math.floor, math.ceil)})
        assert list(interpolated_from(stride, cells)) == beside


def test_patches_together_hold_the_cells_of_each_and_no_other():
    generator = np.random.default_rng(3)
    kinds = [range(0, 3), range(1, 6, 2), (0, 1, 4), range(2, 3), range(0, 6), range(3, 5)]
    for _ in range(200):
        new = [tuple(kinds[at] for at in row) for row in generator.integers(0, len(kinds), (4, 2))]
        kept = functools.reduce(patches_with, new, ())
        wanted = {cell for patch in new for cell in itertools.product(*patch)}
        assert {cell for patch in kept for cell in itertools.product(*patch)} == wanted
        assert len(kept) <= len(new)


def less_the_mean(z):
    return z - tf.reduce_mean(z, [1, 2], keepdims=True)


@pytest.mark.parametrize("kind", ["Dense", "Conv2D", "SeparableConv2D", "Conv2DTranspose"])
def test_an_activation_may_see_the_whole_map(kind):
    sizes = (2,) if kind == "Dense" else (2, 1)
    last = getattr(layers, kind)(*sizes, activation=less_the_mean, name="last")
    model = chain(Conv(2, (2, 3)), last, shape=(6, 7, 1))
    window = receptive_field(model, "last", (1, 2)).window
    assert box_of(seen_by_changes(model, "last", (6, 7, 1))[1, 2]) == window == Window(0, 0, 6, 7)
    assert layer_table(model).row("last").receptive_field == (6, 7)


@pytest.mark.parametrize("activation", ["softmax", "gelu", "swish", None])
def test_a_dense_layer_at_each_place_sees_its_place(activation):
    model = chain(Conv(2, (2, 3)), layers.Dense(3, activation, name="last"), shape=(5, 6, 1))
    field = receptive_field(model, "last", (1, 2))
    assert field.window == Window(1, 2, 2, 3)
    assert box_of(seen_by_changes(model, "last", (5, 6, 1))[1, 2]) == field.window


def test_a_field_does_not_shrink_where_a_layer_sees_all():
    """The table tells the window of a cell, padding counted, before and after the whole map."""
    model = chain(
        Conv(2, 3, padding="same", name="a"), layers.MaxPooling2D(2, name="b"),
        Conv(2, (3, 5), padding="same", name="c"), layers.GlobalAveragePooling2D(name="gap"),
        layers.Dense(2, name="d"), shape=(8, 8, 1),
    )  # fmt: skip
    rows = {row.path: (row.receptive_field, row.jump) for row in layer_table(model)}
    # Rows: 4 cells, 2 apart, each sees 8; columns: each sees 12.
    assert rows["c"] == ((8, 12), (2, 2))
    assert rows["gap"] == rows["d"] == ((8 + 6, 12 + 6), None)
    for path in ("gap", "d"):
        field = receptive_field(model, path, 0)
        assert (field.window.height, field.window.width) == (14, 18)
        assert field.inside == Window(0, 0, 8, 8)


def test_cells_that_see_all_tell_the_largest_of_their_windows():
    """A convolution after every cell was scaled by all: its corners see the most."""
    inputs = keras.Input((6, 7, 1))
    maps = layers.Conv2DTranspose(2, (2, 3), strides=2, padding="same")(inputs)
    whole = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    scaled = layers.Multiply(name="scaled")([maps, whole])
    last = Conv(1, (2, 6), strides=(1, 3), padding="same", name="last")(scaled)
    model = keras.Model(inputs, last)
    for path in ("scaled", "last"):
        shape = model.get_layer(path).output.shape[1:3]
        # Both ends of both axes are among the diagonal, turned back at the shorter one.
        cells = {(min(at, shape[0] - 1), min(at, shape[1] - 1)) for at in range(max(shape))}
        windows = [receptive_field(model, path, cell).window for cell in cells]
        largest = (max(one.height for one in windows), max(one.width for one in windows))
        assert layer_table(model).row(path).receptive_field == largest


def test_a_cell_between_the_windows_sees_nothing():
    model = chain(layers.Conv2DTranspose(1, 1, strides=2, name="d"), shape=(4, 5, 1))
    field = receptive_field(model, "d", (1, 1))
    assert (field.window, field.inside) == (Window(0, 0, 0, 0), None)
    assert receptive_field(model, "d", (2, 4)).inside == Window(1, 2, 1, 1)
    figure_from_field(field)


def vector_and_image():
    vector, image = keras.Input((4,)), keras.Input((6, 7, 1))
    maps = Conv(4, (2, 3), name="c")(image)
    return keras.Model([vector, image], layers.Add()([maps, layers.Reshape((1, 1, 4))(vector)]))


def test_the_input_that_is_an_image_is_named():
    model = vector_and_image()
    with pytest.raises(ValueError, match=r"got 0, an input of \(4,\); pass input_number=1"):
        receptive_field(model, "c", (1, 2), input_number=0)
    assert receptive_field(model, "c", (1, 2), input_number=1).window == Window(1, 2, 2, 3)
    two = keras.Model(*[[keras.Input((6, 7, 1), name=n) for n in "ab"]] * 2)
    two = keras.Model(two.inputs, [Conv(1, 1, name="one")(two.inputs[0]), two.inputs[1]])
    with pytest.raises(ValueError, match="path must be a layer that sees the input 1; got 'one'"):
        receptive_field(two, "one", (0, 0), input_number=1)


@pytest.mark.parametrize("name", ["a b", "a@b", "a:b", "a[b]", "größe"])
def test_a_name_that_no_graph_takes_is_named_as_the_cause(name):
    model = chain(Conv(1, 3, name=name), shape=(6, 6, 1))
    for ask in (layer_table, lambda one: receptive_field(one, name, 0)):
        with pytest.raises(RuntimeError, match="cannot be traced: the name ") as caught:
            ask(model)
        assert repr(name) in str(caught.value)


@pytest.mark.parametrize("name", sorted(FILLED.keys() - UNKNOWN))
def test_gradients_fill_the_window_and_nothing_beyond(name):
    model = FILLED[name]
    model = model if "normalised" in name else positive(model)
    height, width = model.get_layer("last").output.shape[1:3]
    for cell in {(0, 0), (height // 2, width // 2), (height - 1, width - 1), (height - 1, 0)}:
        field = receptive_field(model, "last", cell)
        found = seen_by_gradients(model, "last", cell, model.inputs[0].shape[1:])
        assert box_of(found) == field.inside, cell
        window = field.window
        assert window.top <= field.inside.top
        assert window.left <= field.inside.left
        assert window.top + window.height >= field.inside.top + field.inside.height


def test_dilated_layers_span_more_than_they_touch():
    model = positive(chain(Conv(1, 3, dilation_rate=2), Conv(1, 3, dilation_rate=2, name="last")))
    field = receptive_field(model, "last", (1, 2))
    found = seen_by_gradients(model, "last", (1, 2), (11, 14, 1))
    assert field.window == field.inside == Window(1, 2, 9, 9) == box_of(found)
    assert found.sum() == 25


def test_a_window_reaches_beyond_the_image_by_the_padding():
    model = chain(Conv(1, 3, strides=2, padding="same", name="last"), shape=(6, 5, 1))
    first, last = (receptive_field(model, "last", cell) for cell in ((0, 0), (2, 2)))
    # 6 rows: the odd row of padding lies below; 5 columns: one on each side.
    assert (first.window, first.inside) == (Window(0, -1, 3, 3), Window(0, 0, 3, 2))
    assert (last.window, last.inside) == (Window(4, 3, 3, 3), Window(4, 3, 2, 2))


needs_adaptive = pytest.mark.skipif(
    not hasattr(layers, "AdaptiveMaxPooling2D"), reason="this Keras has no adaptive pools"
)
# One window alone along an axis cannot be traced: Keras asks for one that is larger than the map.
ADAPTED = [
    ((8, 9), (3, 4)), ((8, 10), (4, 5)), ((5, 6), (4, 2)), ((3, 4), (5, 8)), ((9, 7), (5, 7)),
]  # fmt: skip


def adaptive(kind, outputs, **settings):
    return getattr(layers, f"Adaptive{kind}Pooling2D")(outputs, **settings)


def seen_by_cells(model):
    """cell of the last layer → (first, last) row and column inside the image."""
    traced = trace_model(model)
    node = nodes_of_entries(traced)[traced.entries[-1].path]
    return {
        cell: read_from_inputs(node, patch_of_cell(cell), inside=True)[0]
        for cell in np.ndindex(*node.sizes)
    }


@needs_adaptive
@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize(("size", "outputs"), ADAPTED, ids=str)
def test_every_cell_of_an_adaptive_pool_sees_its_own_window(size, outputs, kind, first):
    """Against every pixel changed, and floor and ceiling written out."""
    model = chain(adaptive(kind, outputs, name="last"), shape=(*size, 1))
    pixels = seen_by_changes(model, "last", (*size, 1))
    if first:
        pool = adaptive(kind, outputs, data_format="channels_first", name="last")
        model = chain(pool, shape=(1, *size))
    seen = seen_by_cells(model)
    for cell in np.ndindex(*outputs):
        steps = list(zip(size, outputs, cell, strict=True))
        (top, left), (bottom, right) = (
            [math.floor(i * n / o) for n, o, i in steps],
            [math.ceil((i + 1) * n / o) for n, o, i in steps],
        )
        window = Window(top, left, bottom - top, right - left)
        assert box_of(pixels[cell]) == window
        assert seen[cell] == ends_of(window)
    field = receptive_field(model, "last", cell)
    assert window == field.window == field.inside


@pytest.mark.parametrize("results", [(2,), range(1, 4), range(-2, 6, 4), (0, 1, 4), ()], ids=str)
def test_cells_between_windows_that_are_not_asked_for_are_not_read(results):
    for size, outputs in itertools.product(range(1, 12), range(1, 8)):
        windows = {
            i: range(math.floor(i * size / outputs), math.ceil((i + 1) * size / outputs))
            for i in results
        }
        cells = sorted({cell for window in windows.values() for cell in window})
        assert list(read_adaptively(size, outputs, results)) == cells, (size, outputs)


@needs_adaptive
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("seed", range(3))
def test_what_stands_around_an_adaptive_pool_is_seen_through_it(padding, seed):
    generator = np.random.default_rng(seed)
    outputs = tuple(map(int, generator.integers(3, 8, 2)))
    model = positive(chain(
        layers.UpSampling2D((3, 1)), Conv(1, (2, 3), padding=padding), adaptive("Max", outputs),
        Conv(1, (2, 3), dilation_rate=(2, 1), padding=padding, name="last"), shape=(6, 9, 1),
    ))  # fmt: skip
    pixels = seen_by_changes(model, "last", (6, 9, 1))
    for cell, seen in seen_by_cells(model).items():
        assert seen == ends_of(box_of(pixels[cell])), (outputs, cell)
    if padding == "valid":
        assert layer_table(model).row("last").receptive_field == largest_by_changes(model)


@needs_adaptive
def test_an_adaptive_pool_that_divides_the_map_is_a_plain_one():
    for kind, plain in (("Max", layers.MaxPooling2D), ("Average", layers.AveragePooling2D)):
        rows = [
            [(row.receptive_field, row.jump, row.multiply_adds) for row in layer_table(
                chain(Conv(1, 3, strides=2, padding="same"), pool,
                      Conv(1, (2, 3), padding="same"), shape=(24, 32, 1))
            )]
            for pool in (adaptive(kind, (4, 8)), plain((3, 2)))
        ]  # fmt: skip
        assert rows[0] == rows[1]
        assert rows[0][1][1:] == ((6, 4), 0)


@needs_adaptive
def test_the_jump_is_told_where_all_windows_lie_at_one_distance():
    def row(size, outputs):
        return layer_table(chain(adaptive("Max", outputs), shape=(*size, 1))).rows[0]

    assert [row(*case).jump for case in ADAPTED] == [
        None, (2, 2), (1, 3), None, None
    ]  # fmt: skip
    assert row((7, 9), (3, 4)).jump == (2, 2)  # windows of 3 that share a cell
    assert row((2, 3), (6, 3)).jump == (Fraction(1, 3), 1)  # copies
    assert adaptive_axis(6, 1) == Axis(6, 6, 6, 1, 0, 0)
    assert [row(*case).receptive_field for case in ADAPTED] == [
        (4, 3), (2, 2), (2, 3), (2, 1), (3, 1)
    ]  # fmt: skip
    line = chain(layers.AdaptiveMaxPooling1D(3), shape=(8, 1))
    assert (layer_table(line).rows[0].receptive_field, layer_table(line).rows[0].jump) == (
        (4,), None
    )  # fmt: skip


@needs_adaptive
def test_an_adaptive_pool_of_ones_own_is_not_guessed():
    class Own(layers.AdaptiveMaxPooling2D):
        def call(self, x):
            return super().call(x[:, ::-1])

    assert layer_table(chain(Own(3, name="own"), shape=(7, 8, 1))).rows[0].receptive_field is None


SIZES = {
    "three 3×3": ([{}, {}, {}], 3, (7, 7), (1, 1)),
    "dilations 1, 2, 4": ([{"dilation_rate": d} for d in (1, 2, 4)], 3, (15, 15), (1, 1)),
    "a kernel that is not square": ([{}, {"strides": (2, 1)}, {}], (2, 3), (5, 7), (2, 1)),
}


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_those_of_the_formula(name, padding):
    settings, window, field, jump = SIZES[name]
    parts = [Conv(1, window, padding=padding, **one) for one in settings]
    row = layer_table(chain(*parts, shape=(40, 40, 1))).rows[-1]
    assert (row.receptive_field, row.jump) == (field, jump)


def test_the_stem_of_a_residual_net_sees_eleven():
    stem = chain(
        Conv(2, 7, strides=2, padding="same"),
        layers.MaxPooling2D(3, strides=2, padding="same"),
        shape=(224, 224, 3),
    )
    assert layer_table(stem).rows[-1].receptive_field == (11, 11)
    assert layer_table(stem).rows[-1].jump == (4, 4)


def test_a_chain_follows_the_sum_of_its_steps():
    generator = np.random.default_rng(4)
    for _ in range(12):
        steps = [tuple(map(int, generator.integers(1, (5, 4, 3)))) for _ in range(4)]
        steps = [(k, s, 1 if s > 1 else d) for k, s, d in steps]
        parts = [Conv(1, k, strides=s, dilation_rate=d, padding="same") for k, s, d in steps]
        field, jump = 1, 1
        for k, s, d in steps:
            field += (k - 1) * d * jump
            jump *= s
        row = layer_table(chain(*parts, shape=(50, 60, 1))).rows[-1]
        assert (row.receptive_field, row.jump) == ((field, field), (jump, jump)), steps


def test_upsampling_halves_the_jump():
    table = layer_table(hourglass())
    assert [row.jump for row in table] == [
        (1, 1), (2, 2), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1)
    ]  # fmt: skip
    # A cell down sees 5; up, two neighbours make 7; two rows of those hold up to three, 9.
    assert table.row("last").receptive_field == (9, 7)


def test_the_size_is_that_of_the_widest_window():
    """Up by 2 with a window of 3, cells see one and two by turns; cropped, the first sees one."""
    up = layers.Conv2DTranspose(1, 3, strides=2, padding="same")
    model = chain(up, layers.Cropping2D(((1, 0), (1, 0)), name="last"))
    windows = [receptive_field(model, "last", (cell, cell)).window for cell in (0, 1)]
    assert [(one.height, one.width) for one in windows] == [(1, 1), (2, 2)]
    row = layer_table(model).row("last")
    assert (row.receptive_field, row.jump) == ((2, 2), (Fraction(1, 2),) * 2)
    assert " 1/2 " in text_from_table(layer_table(model))


GAPPED = {
    "an axis of its own": (layers.Conv2DTranspose(1, (7, 1), strides=(3, 2), padding="same"),),
    "rows alone, then a window over the columns": (
        layers.Conv2DTranspose(2, (1, 4), strides=3, padding="same"),
        Conv(2, (1, 4), padding="same"),
    ),
}  # fmt: skip


def largest_by_changes(model):
    """The largest window of any cell, per axis, by changing every pixel."""
    pixels = seen_by_changes(model, "last", model.inputs[0].shape[1:])
    sizes = []
    for other in (-1, -2):
        lines = pixels.any(axis=other)
        spans = lines.shape[-1] - lines.argmax(-1) - lines[..., ::-1].argmax(-1)
        sizes.append(int((spans * lines.any(-1)).max()))
    return tuple(sizes)


@pytest.mark.parametrize("name", GAPPED)
def test_the_table_finds_the_largest_window_between_gaps(name):
    model = positive(chain(*GAPPED[name], layers.Identity(name="last"), shape=(9, 10, 1)))
    assert layer_table(model).row("last").receptive_field == largest_by_changes(model)


def random_net(generator):
    """Transposed convolutions with and without gaps, two ways around one of them."""

    def pair(most):
        return tuple(map(int, generator.integers(1, most + 1, 2)))

    image = keras.Input((18, 17, 1))
    x = Conv(1, pair(2), strides=pair(2), padding="same")(image)
    strides = pair(3)
    ways = [
        layers.Conv2DTranspose(1, pair(4), strides=strides, padding="same")(x) for _ in range(2)
    ]
    ways[1] = Conv(1, pair(3), dilation_rate=pair(2), padding="same")(ways[1])
    x = layers.Add()(ways)
    x = Conv(1, pair(3), strides=pair(2), padding="same")(x)
    return keras.Model(image, layers.Identity(name="last")(x))


@pytest.mark.parametrize("seed", range(6))
def test_the_table_tells_the_largest_window_of_all_cells(seed):
    model = positive(random_net(np.random.default_rng(seed)))
    assert layer_table(model).row("last").receptive_field == largest_by_changes(model)


class Trained(keras.Model):
    """Normalised by the batch itself, whatever the model is called with."""

    def __init__(self, axis=-1):
        super().__init__(name="trained")
        self.conv, self.norm = Conv(2, (2, 3), name="c"), layers.BatchNormalization(axis, name="n")

    def call(self, x):
        return self.norm(self.conv(x), training=True)


def test_a_batch_normalisation_that_is_told_to_train_sees_all():
    image = np.random.default_rng(0).uniform(1, 2, (1, 6, 7, 1)).astype(np.float32)
    model = Trained()
    before = np.asarray(model(image))[0, 1, 2]
    image[0, 5, 6] += 5
    assert np.abs(np.asarray(model(image))[0, 1, 2] - before).max() > 1e-3
    assert layer_table(model).row("n").receptive_field == (6, 7)
    assert receptive_field(model, "n", (1, 2)).inside == Window(0, 0, 6, 7)
    rows = Trained(axis=1)
    rows(image)
    assert layer_table(rows).row("n").receptive_field is None
    model.norm.trainable = False  # then it takes what it has learnt
    assert layer_table(model).row("n").receptive_field == (2, 3)


class Raw(layers.Layer):
    def call(self, x):
        ones = tf.ones(x.shape[-1])
        return tf.compat.v1.nn.fused_batch_norm(
            x,
            ones,
            ones,
            is_training=self.trainable,
            mean=None if self.trainable else ones,
            variance=None if self.trainable else ones,
        )[0]


@pytest.mark.parametrize(("trained", "field"), [(True, None), (False, (3, 3))])
def test_the_operation_of_a_normalisation_may_mix_too(trained, field):
    raw = Raw(name="raw", trainable=trained)
    table = layer_table(chain(Conv(2, 3), raw, shape=(6, 7, 1)))
    assert table.row("raw").receptive_field == field


class Turning(Conv):
    def __call__(self, x, **settings):
        return super().__call__(x[:, ::-1], **settings)


class Twice(Conv):
    def __call__(self, x, **settings):
        return super().__call__(tf.concat([x, x], -1), **settings)


@pytest.mark.parametrize("kind", [Turning, Twice])
def test_a_layer_that_changes_its_input_before_the_call_is_not_guessed(kind):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.conv = kind(2, (2, 3), name="conv")

        def call(self, x):
            return self.conv(x)

    model = Own()
    model(np.ones((1, 6, 7, 1), np.float32))
    row = layer_table(model).row("conv")
    assert (row.multiply_adds, row.receptive_field) == (None, None)
    assert layer_table(model).uncounted == ("conv",)
    with pytest.raises(ValueError, match="whose receptive field is known"):
        receptive_field(model, "conv", (0, 0))


def test_what_is_not_followed_has_no_field():
    model = FILLED["flattened"]
    table = layer_table(model)
    flat = next(row for row in table if row.kind == "Flatten")
    assert flat.receptive_field == (11, 13)  # the last column is under no window
    assert flat.jump is None
    assert table.row("last").receptive_field is None
    with pytest.raises(ValueError, match="whose receptive field is known; 'last' or a layer"):
        receptive_field(model, "last", (0, 0))


class Turned(layers.Layer):
    def call(self, x):
        return tf.transpose(x, [0, 2, 1, 3])


class Doubled(layers.Conv2D):
    def call(self, x):
        return super().call(x[:, ::-1])


@pytest.mark.parametrize("odd", [Turned(), Doubled(1, 1)], ids=["turned", "a call of its own"])
def test_layers_of_ones_own_are_not_guessed(odd):
    table = layer_table(chain(Conv(1, 3), odd, Conv(1, 3)))
    assert [row.receptive_field for row in table] == [(3, 3), None, None]


def test_layers_of_ones_own_made_of_known_operations_are_followed():
    class Scaled(layers.Layer):
        def call(self, x):
            return tf.nn.relu(x * 2.0 + tf.reduce_mean(x, [1, 2], keepdims=True))

    table = layer_table(chain(Conv(1, 3), Scaled(), shape=(6, 7, 1)))
    assert table.rows[-1].receptive_field == (6, 7)
    assert table.rows[-1].multiply_adds == 0


def test_a_subclassed_model_is_followed_through_its_layers():
    model = KINDS["subclassed"]()
    field = receptive_field(model, "dead", (0, 0))
    # three 3×3 of the block, then (2, 3) and 2×2
    assert (field.window.height, field.window.width) == (9, 10)
    assert field.path == "dead:detect"


def test_channels_may_come_first():
    image = keras.Input((1, 9, 12))
    x = Conv(2, 3, strides=2, padding="same", data_format="channels_first")(image)
    last = Conv(2, (1, 2), data_format="channels_first", name="last")(x)
    model = keras.Model(image, last)
    assert receptive_field(model, "last", (1, 1)).window == Window(1, 2, 3, 5)
    assert layer_table(model).rows[0].multiply_adds == 9 * 2 * 5 * 6


WRONG = {
    "a cell beyond the map": (
        ("last", (9, 0)), {}, r"cell must lie on the 9×12 map of 'last'; got \(9, 0\)"
    ),
    "an unknown layer": (
        ("lats", (0, 0)), {}, r"path must be one of 'last'; got 'lats' \(did you mean 'last'\?\)"
    ),
    "another size": (
        ("last", (0, 0)), {"input_shape": (5, 5, 1)}, "input_shape must be 11×14×1 for the input"
    ),
    "another input": (("last", (0, 0)), {"input_number": 1}, "input_number must be below 1; got 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_questions_are_answered_in_words(name):
    arguments, options, sentence = WRONG[name]
    with pytest.raises(ValueError, match=sentence):
        receptive_field(chain(Conv(1, 3, name="last")), *arguments, **options)


@pytest.mark.parametrize("given", [False, True], ids=["without a shape", "with a shape"])
@pytest.mark.parametrize(
    ("shape", "layer", "words"),
    [((9, 2), layers.Conv1D(3, 2), "9×2"), ((None, 2), layers.Conv1D(3, 2), "any×2"),
     ((4, 5, 6, 1), layers.Conv3D(3, 2), "4×5×6×1"), ((4,), layers.Dense(3), "4")],
    ids=["series", "open series", "volume", "vector"],
)  # fmt: skip
def test_of_a_model_without_images_the_model_is_at_fault_and_no_argument(
    shape, layer, words, given
):
    model = keras.Sequential([keras.Input(shape), layer], name="net")
    options = {"input_shape": tuple(size or 7 for size in shape)} if given else {}
    words = words.replace("any", "7") if given else words
    with pytest.raises(ValueError, match=r"^model must take a 2-D image") as caught:
        receptive_field(model, layer.name, 0, **options)
    assert str(caught.value) == (
        f"model must take a 2-D image, (height, width, channels); got 'net', whose input is "
        f"{words}; layer_table tells the sizes of its fields"
    )
    with pytest.raises(ValueError, match=r"^model must take a 2-D image"):
        shapes_for_image(model, (9, 2, 1), 0)


def test_of_several_inputs_none_of_which_is_an_image_all_are_named():
    inputs = [keras.Input((3,)), keras.Input((5, 2))]
    flat = [inputs[0], layers.Flatten()(inputs[1])]
    model = keras.Model(inputs, layers.Concatenate(name="all")(flat), name="net")
    with pytest.raises(ValueError, match="got 'net', whose inputs are 3 and 5×2; layer_table"):
        receptive_field(model, "all", 0)


def test_a_model_that_tells_no_shape_is_not_at_fault_for_that_of_the_caller():
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(3, name="dense")

        def call(self, given):
            return self.dense(given)

    model = Own()
    model(np.ones((1, 9, 2)))
    with pytest.raises(ValueError, match=r"^input_shape must be that of an .* got \(9, 2\)$"):
        receptive_field(model, "dense", 0, input_shape=(9, 2))
    with pytest.raises(ValueError, match=r"^model must take a 2-D image, .* whose input is 9×2;"):
        receptive_field(model, "dense", 0)


def test_the_picture_of_a_field_names_the_model():
    model = keras.Sequential([keras.Input((6, 7, 1)), Conv(1, 3, name="conv")], name="net")
    field = receptive_field(model, "conv", (1, 2))
    assert field.model == "net"
    heading = figure_from_field(field).texts[0].get_text()
    assert heading == "net · conv · cell (1, 2)"
    assert figure_from_field(field, title="mine").texts[0].get_text() == "mine"


def test_an_open_size_asks_for_one():
    model = chain(Conv(1, 3, name="last"), shape=(None, None, 1))
    with pytest.raises(ValueError, match=r"input_shape must be given for .* any×any×1; got None"):
        receptive_field(model, "last", (0, 0))
    with pytest.raises(ValueError, match=r"every size known; got \(None, 6, 1\)"):
        receptive_field(model, "last", (0, 0), input_shape=(None, 6, 1))
    field = receptive_field(model, "last", (0, 1), input_shape=(5, 6, 1))
    assert field.window == Window(0, 1, 3, 3)
    assert layer_table(model).rows[0].receptive_field is None


class OwnPair(keras.Model):
    """Takes y and x, in that order, from the structure that a function opens."""

    def __init__(self, opened):
        super().__init__(name="pair")
        self.opened = opened
        self.of_y, self.of_x = Conv(1, (2, 3), name="of_y"), Conv(1, 3, name="of_x")

    def call(self, given):
        given = self.opened(given)
        return self.of_y(given["y"]), self.of_x(given["x"])


def pair_of_images():
    rng = np.random.default_rng(2)
    sizes = {"y": (8, 7), "x": (10, 9)}
    return {name: rng.random((2, *size, 1)).astype(np.float32) for name, size in sizes.items()}


PAIRS = {
    "dict": (lambda given: given, lambda pair: pair),
    "dict of a dict": (lambda given: given["in"], lambda pair: {"in": pair}),
    "list of a dict": (lambda given: given[0], lambda pair: [pair]),
}


def own_pair(kind):
    opened, closed = PAIRS[kind]
    model, images = OwnPair(opened), closed(pair_of_images())
    model(images)
    return model, images


def ordered_pair():
    ends = OrderedDict((name, keras.Input((None, None, 1), name=name)) for name in "yx")
    maps = [Conv(1, (2, 3), name="of_y")(ends["y"]), Conv(1, 3, name="of_x")(ends["x"])]
    return keras.Model(ends, maps), OrderedDict(pair_of_images())


def sorted_pair():
    ends = {name: keras.Input((None, None, 1), name=name) for name in "yx"}
    maps = [Conv(1, (2, 3), name="of_y")(ends["y"]), Conv(1, 3, name="of_x")(ends["x"])]
    return keras.Model(ends, maps), pair_of_images()


NUMBERED = {name: functools.partial(own_pair, name) for name in PAIRS}
NUMBERED |= {"functional, ordered": ordered_pair, "functional": sorted_pair}


@pytest.mark.parametrize("name", NUMBERED)
def test_inputs_have_one_numbering_everywhere(name):
    model, images = NUMBERED[name]()
    order = ("x", "y") if name == "functional" else ("y", "x")
    for path, size, window in (("of_y", (12, 13), (2, 3)), ("of_x", (11, 12), (3, 3))):
        number, other = order.index(path[-1]), 1 - order.index(path[-1])
        best = top_images(model, images, path, count=1)
        assert best.inputs == (number,)
        shown = plot_receptive_field(model, np.ones(size), path, cell=(1, 2), input_number=number)
        assert any(f"sees {window[0]}×{window[1]} from row 1" in t.get_text() for t in texts(shown))
        with pytest.raises(ValueError, match=f"sees the input {other}; got '{path}'"):
            plot_receptive_field(model, np.ones(size), path, cell=(1, 2), input_number=other)
        assert plot_receptive_field(model, np.ones(size), path, cell=(1, 2))


def texts(figure):
    return figure.findobj(match=lambda one: hasattr(one, "get_text"))


def test_a_field_is_on_the_input_that_the_table_tells():
    model, _ = own_pair("dict")
    assert layer_table(model).input_shapes == ((8, 7, 1), (10, 9, 1))
    shapes = {"x": (5, 6, 1), "y": (9, 4, 1)}
    field = receptive_field(model, "of_y", (1, 1), input_shape=shapes, input_number=0)
    assert (field.image_size, field.window) == ((9, 4), Window(1, 1, 2, 3))
    with pytest.raises(ValueError, match="sees the input 1; got 'of_y'"):
        receptive_field(model, "of_y", (1, 1), input_shape=shapes, input_number=1)


def test_of_several_inputs_the_only_image_that_a_layer_sees_is_taken():
    model = vector_and_image()
    assert receptive_field(model, "c", (1, 2)).window == Window(1, 2, 2, 3)
    assert plot_receptive_field(model, np.ones((6, 7)), "c", cell=(1, 2))
    one, two = (keras.Input((6, 7, 1), name=name) for name in ("one", "two"))
    ends = [Conv(1, 1, name="a")(one), Conv(1, (1, 2), padding="same", name="b")(two)]
    model = keras.Model([one, two], layers.Add(name="sum")(ends))
    assert receptive_field(model, "b", (3, 2)).window == Window(3, 2, 1, 2)
    rule = "input_number must be given where a layer sees 2 images, as 'sum' does; got None; "
    for ask in (
        lambda: receptive_field(model, "sum", (3, 2)),
        lambda: plot_receptive_field(model, np.ones((6, 7)), "sum", cell=(3, 2)),
    ):
        with pytest.raises(ValueError, match=rule + "pass input_number=0 or 1"):
            ask()


def test_the_size_of_the_only_image_may_be_asked_for():
    ends = [keras.Input((None, None, 1), name=name) for name in ("one", "two")]
    model = keras.Model(ends, [Conv(1, (2, 3), name="a")(ends[0]), Conv(1, 1, name="b")(ends[1])])
    with pytest.raises(ValueError, match=r"input_shape must be given for .* any×any×1; got None"):
        receptive_field(model, "a", (0, 1))
    field = receptive_field(model, "b", (4, 1), input_shape=[(4, 4, 1), (5, 6, 1)])
    assert (field.image_size, field.window) == ((5, 6), Window(4, 1, 1, 1))


def test_a_layer_that_sees_no_image_is_told():
    vector, *ends = keras.Input((3,)), keras.Input((6, 7, 1)), keras.Input((6, 7, 1))
    maps = layers.Conv1D(1, 2, name="series")(layers.Reshape((3, 1))(vector))
    model = keras.Model([vector, *ends], [maps, *(Conv(1, 3)(one) for one in ends)])
    with pytest.raises(ValueError, match="path must be a layer"):
        receptive_field(model, "series", (0, 0))


@pytest.mark.parametrize("cell", [(1,), (1, 1), (1, 1, 1), 1], ids=str)
@pytest.mark.parametrize("axes", [1, 3], ids=["series", "volume"])
def test_fields_are_told_of_2d_images_alone_whatever_the_cell(axes, cell):
    conv = getattr(layers, f"Conv{axes}D")(1, 3, name="c")
    model = chain(conv, shape=(5,) * axes + (1,))
    with pytest.raises(ValueError, match=r"model must take a 2-D image, .*; layer_table tells"):
        receptive_field(model, "c", cell)


def test_an_image_has_as_many_channels_as_the_model_was_built_for():
    model = OwnPair(lambda given: {"y": given, "x": given})
    model(np.ones((1, 8, 7, 3), np.float32))
    assert plot_receptive_field(model, np.ones((9, 9)), "of_y", cell=(2, 1))
