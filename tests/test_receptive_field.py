"""The receptive field against gradients: what moves a cell's value is what the cell sees."""

from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf
from models import KINDS

from featviz.networks.receptive import receptive_field
from featviz.networks.tables import layer_table
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


def test_an_open_size_asks_for_one():
    model = chain(Conv(1, 3, name="last"), shape=(None, None, 1))
    with pytest.raises(ValueError, match="every size known; got"):
        receptive_field(model, "last", (0, 0))
    field = receptive_field(model, "last", (0, 1), input_shape=(5, 6, 1))
    assert field.window == Window(0, 1, 3, 3)
    assert layer_table(model).rows[0].receptive_field is None
