"""The table of layers: its shapes, its sums, and its three forms of text."""

import csv
import io
from collections import OrderedDict

import keras
import numpy as np
import pytest
import tensorflow as tf
from models import KINDS, SIZE, fed

from featviz.networks.layer_values import LayerRow, LayerTable
from featviz.networks.recording import Recorder, recording
from featviz.networks.tables import layer_table
from featviz.networks.words import settings_of_layer
from featviz.render.table_text import text_from_table

layers, K = keras.layers, keras.ops


def lesson_net():
    """28 → 14 → 7 → 3, each convolution padded by 1."""
    parts = []
    for features, stride in ((32, 2), (64, 2), (128, 3)):
        parts += [layers.ZeroPadding2D(1), layers.Conv2D(features, 3, strides=stride)]
    parts += [layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)]
    return keras.Sequential([keras.Input((28, 28, 1)), *parts], name="lesson")


def test_the_net_of_the_lesson_costs_what_the_lesson_says():
    table = layer_table(lesson_net())
    convolutions = [row for row in table if row.kind == "Conv2D"]
    assert table.parameters == 241_546
    assert [row.multiply_adds for row in convolutions] == [56_448, 903_168, 663_552]
    assert [row.output_shape for row in convolutions] == [(14, 14, 32), (7, 7, 64), (3, 3, 128)]
    assert [row.receptive_field for row in convolutions] == [(3, 3), (7, 7), (15, 15)]
    assert [row.jump for row in convolutions] == [(2, 2), (4, 4), (12, 12)]
    assert table.multiply_adds == 56_448 + 903_168 + 663_552 + 1152 * 128 + 128 * 10


def test_vgg16_costs_what_is_printed_of_it():
    """Its convolutions; the head of 123 633 664 more takes seconds to fill with numbers."""
    model = keras.applications.VGG16(weights=None, include_top=False)
    table = layer_table(model, input_shape=(224, 224, 3))
    assert table.multiply_adds == 15_346_630_656
    assert table.parameters == 14_714_688
    last = table.row("block5_pool")
    assert (last.receptive_field, last.jump) == ((212, 212), (32, 32))
    assert last.output_shape == (7, 7, 512)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_are_those_of_a_run_and_sums_add_up(kind):
    model = KINDS[kind]()
    before = [weight.numpy() for weight in model.weights]
    paths = list(vars(model))
    table = layer_table(model)
    entries = []
    with recording(Recorder(entries.append)):
        model(fed(kind, 3, count=1))
    found = {entry.path.removesuffix(":detect"): entry.value for entry in entries}
    for row in table:
        assert row.output_shape == tuple(found[row.path].shape[1:]), row.path
        assert row.bytes == np.asarray(found[row.path]).nbytes, row.path
    inner = {path for path in found if not any(other.startswith(f"{path}/") for other in found)}
    assert [row.path for row in table] == [
        path for path in found if path in inner and not path.endswith(":filter")
    ]
    assert table.parameters == sum(row.parameters for row in table) == model.count_params()
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert table.trainable == trained
    assert not table.uncounted
    assert not table.outside
    assert list(vars(model)) == paths
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.weights, strict=True))


def test_a_model_is_left_as_it_was():
    inputs = keras.Input((4, 4, 1))
    conv = layers.Conv2D(2, 3, activity_regularizer="l2", name="conv")
    model = keras.Model(inputs, layers.BatchNormalization()(conv(inputs)))
    model.compile("sgd", "mse")
    model.predict(np.ones((1, 4, 4, 1), np.float32), verbose=0)
    model(np.ones((1, 4, 4, 1), np.float32))
    losses = [float(loss) for loss in model.losses]
    function, nodes = model.predict_function, len(conv._inbound_nodes)
    layer_table(model)
    assert model.predict_function is function
    assert len(conv._inbound_nodes) == nodes
    assert [float(loss) for loss in model.losses] == losses
    with pytest.raises(RuntimeError, match=r"cannot be traced for an input of 4×4×1.*no numbers"):
        layer_table(broken())
    assert "__call__" in vars(keras.layers.Layer)


def broken():
    class Broken(keras.Model):
        def call(self, x):
            raise ValueError(f"no numbers of {x.dtype} today")

    model = Broken()
    model.build_from_config = None
    model.built = True
    model._build_shapes_dict = {"input_shape": (None, 4, 4, 1)}
    return model


def test_shared_layers_count_once():
    table = layer_table(KINDS["functional"]())
    assert table.row("shared").parameters == 3 * 3 * 3 * 3 + 3
    second = table.row("shared@2")
    assert (second.parameters, second.trainable, second.note) == (0, 0, "shared with shared")
    assert second.multiply_adds == table.row("shared").multiply_adds


def test_frozen_layers_are_not_trained():
    model = KINDS["sequential"]()
    model.get_layer("conv").trainable = False
    row = layer_table(model).row("conv")
    assert (row.parameters, row.trainable) == (2 * 3 * 3 * 4 + 4, 0)


COSTS = {
    "a transposed convolution, by its input": (
        layers.Conv2DTranspose(5, (2, 3), strides=2), (4, 3, 2), 6 * 2 * 5 * 12
    ),
    "depthwise": (layers.DepthwiseConv2D((2, 3), depth_multiplier=2), (5, 6, 3), 6 * 3 * 2 * 16),
    "separable, both parts": (
        layers.SeparableConv2D(4, (2, 3), depth_multiplier=2), (5, 6, 3), 6 * 6 * 16 + 6 * 4 * 16
    ),
    "grouped": (layers.Conv2D(4, (2, 3), groups=2), (5, 6, 6), 6 * 3 * 4 * 16),
    "dense at each place": (layers.Dense(4), (5, 6, 3), 3 * 4 * 30),
    "einsum": (layers.EinsumDense("abcd,de->abce", (5, 6, 7)), (5, 6, 3), 3 * 7 * 30),
    "einsum that sums a letter of the input alone": (
        layers.EinsumDense("abc,cd->ad", 7), (5, 4), 5 * 4 * 7
    ),
    "einsum that keeps two letters": (
        layers.EinsumDense("abcd,cde->abce", (None, 6, 7)), (5, 6, 3), 5 * 6 * 3 * 7
    ),
    "einsum with axes left out": (
        layers.EinsumDense("...cd,de->...ec", (7, 6)), (5, 6, 3), 5 * 6 * 3 * 7
    ),
    "three axes": (layers.Conv3D(2, (1, 2, 3), strides=2), (4, 5, 6, 3), 6 * 3 * 2 * 2 * 2 * 2),
    "normalisation": (layers.BatchNormalization(), (5, 6, 3), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", COSTS)
def test_layers_cost_what_their_rule_says(name):
    layer, shape, expected = COSTS[name]
    layer = type(layer).from_config(layer.get_config())
    inputs = keras.Input(shape)
    table = layer_table(keras.Model(inputs, layer(inputs)))
    assert table.multiply_adds == expected
    assert not table.uncounted


def test_what_is_not_counted_is_named():
    inputs = keras.Input((6, 4))
    x = layers.MultiHeadAttention(2, 3, name="heads")(inputs, inputs)
    x = layers.LSTM(5, name="memory")(x)
    model = keras.Model(inputs, x)
    table = layer_table(model)
    assert table.uncounted == ("memory",)
    assert table.outside == ("Einsum", "Einsum")  # the scores, and the values weighted by them
    assert table.parameters == model.count_params()
    assert table.row("heads/query").multiply_adds == 6 * 4 * 2 * 3
    text = text_from_table(table)
    assert "multiply-adds without those of memory" in text
    assert "multiply-adds without those outside of layers: Einsum, Einsum" in text


class Weighted(layers.Layer):
    """Multiplied with weights (…, C, 7) by a function that the case names."""

    def __init__(self, how, **settings):
        super().__init__(**settings)
        self.how = how

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 7), name="w")
        self.scale = self.add_weight(shape=(), name="scale")
        self.built = True

    def call(self, x):
        return self.how(self, x)


def by_slices(one, x):
    return x[..., 0:1] * one.w[0] + x[..., 1:2] * one.w[1]


def by_hand_normalised(one, x):
    mean = K.mean(x, -1, keepdims=True)
    variance = K.mean(K.square(x - mean), -1, keepdims=True)
    return (x - mean) / K.sqrt(variance + 1) * one.w[:, 0] + one.w[:, 1]


WITHOUT_A_MATRIX_PRODUCT = {
    "summed": (lambda one, x: K.sum(x[..., None] * one.w, -2), None),
    "averaged after a turn": (
        lambda one, x: K.mean(K.transpose(x[..., None] * one.w, (0, 1, 3, 2)), -1), None
    ),
    "slice by slice": (by_slices, None),
    "distances": (lambda one, x: K.sum(K.square(x[..., None] - one.w), -2), None),
    "distances in one step": (
        lambda one, x: K.mean(tf.math.squared_difference(x[..., None], one.w), -2), None
    ),
    "all cells with all": (lambda _, x: K.sum(x[:, :, None] * x[:, None], -1), None),
    "a scale for each channel": (lambda one, x: x * one.w[:, 0] + one.w[:, 1], 0),
    "one scale": (lambda one, x: K.mean(x * one.scale * 2.0, -1, keepdims=True), 0),
    "normalised": (by_hand_normalised, 0),
    "gated": (lambda _, x: x * K.sigmoid(x), 0),
    "a matrix product": (lambda one, x: K.matmul(x, one.w), None),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_A_MATRIX_PRODUCT)
def test_a_layer_of_ones_own_that_sums_products_is_not_counted_as_0(name):
    how, expected = WITHOUT_A_MATRIX_PRODUCT[name]
    inputs = keras.Input((5, 4))
    table = layer_table(keras.Model(inputs, Weighted(how, name="own")(inputs)))
    assert table.row("own").multiply_adds == expected
    assert table.uncounted == (("own",) if expected is None else ())
    assert not table.outside


def test_products_between_the_layers_are_named_however_they_are_made():
    inputs = keras.Input((5, 4))
    x = layers.Dense(4, name="a")(inputs)
    model = keras.Model(inputs, K.sum(x[:, :, None] * inputs[:, None], -1))
    assert layer_table(model).outside == ("Sum",)


class Block(layers.Layer):
    """A layer inside, a weight of its own, and something done with it."""

    def __init__(self, how):
        super().__init__(name="block")
        self.inner, self.how = layers.Dense(4, name="inner"), how

    def build(self, shape):
        self.inner.build(shape)
        self.w = self.add_weight(shape=(4, 3), name="w")
        self.built = True

    def call(self, x):
        return self.how(self.inner(x), self.w)


def test_a_block_says_of_itself_alone_that_it_is_not_counted():
    inputs = keras.Input((5, 4))
    free = layer_table(keras.Model(inputs, Block(lambda x, w: x + w[:, 0])(inputs)))
    assert (free.row("block").multiply_adds, free.uncounted, free.outside) == (0, (), ())
    table = layer_table(keras.Model(inputs, Block(K.matmul)(inputs)))
    assert table.row("block/inner").multiply_adds == 5 * 4 * 4
    assert (table.uncounted, table.outside) == (("block",), ())
    text = text_from_table(table)
    assert "multiply-adds without those of block itself" in text
    normalised = layers.SpectralNormalization(layers.Conv2D(2, 3, name="conv"), name="sn")
    table = layer_table(keras.Sequential([keras.Input((8, 8, 1)), normalised]))
    assert table.row("sn").multiply_adds == 0
    assert "without those" not in text_from_table(table)


@pytest.mark.skipif(
    not hasattr(layers, "AdaptiveMaxPooling2D"), reason="this Keras has no adaptive pools"
)
def test_adaptive_pools_say_their_size_and_cost_nothing():
    for kind in ("Max", "Average"):
        for sizes, words in (((3,), "to 3"), ((3, 3), "to 3×3"), ((2, 3, 4), "to 2×3×4")):
            pool = getattr(layers, f"Adaptive{kind}Pooling{len(sizes)}D")
            given = keras.Input((*(size + 4 for size in sizes), 2))
            table = layer_table(keras.Model(given, pool(sizes)(given)))
            (row,) = table.rows
            assert (row.settings, row.multiply_adds) == (words, 0)
            assert (table.uncounted, table.outside) == ((), ())
    cell = layers.LSTMCell(5)  # it calls its units so, too
    assert "to" not in settings_of_layer(cell)


class Standardised(layers.Conv2D):
    def convolution_op(self, x, kernel):
        return super().convolution_op(x, kernel - K.mean(kernel))


def test_a_convolution_with_an_operation_of_its_own_is_not_counted():
    table = layer_table(keras.Sequential([keras.Input((8, 8, 1)), Standardised(2, 3, name="c")]))
    assert (table.row("c").multiply_adds, table.uncounted) == (None, ("c",))


def test_features_are_written_with_their_thousands():
    model = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(1280, 1, name="c")])
    assert layer_table(model).row("c").settings == "1×1, 1,280 features, valid"


def test_weights_of_blocks_and_of_the_model_have_rows():
    class Shift(layers.Layer):
        def __init__(self):
            super().__init__(name="shift")
            self.inner = layers.Dense(3, name="inner")
            self.unused = layers.Dense(2, name="unused")
            self.unused.build((None, 4))

        def build(self, shape):
            self.inner.build(shape)
            self.offset = self.add_weight(shape=(5,), name="offset", trainable=False)

        def call(self, x):
            return self.inner(x) + self.offset[0]

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.shift = Shift()
            self.scale = self.add_weight(shape=(2, 3), name="scale")

        def call(self, x):
            return self.shift(x) * self.scale[0, 0]

    model = Own()
    model(np.ones((1, 4), np.float32))
    table = layer_table(model)
    assert [(row.path, row.parameters, row.note) for row in table] == [
        ("shift/inner", 15, ""),
        ("shift", 5 + 10, "weights of its own"),
        ("own", 6, "weights of its own"),
    ]
    assert table.parameters == model.count_params() == 36
    assert table.trainable == 31


def test_a_block_that_gives_what_its_layer_gave_takes_no_bytes():
    normalised = layers.SpectralNormalization(layers.Conv2D(2, 3, name="inner"), name="norm")
    table = layer_table(keras.Sequential([keras.Input((8, 8, 1)), normalised]))
    assert [(row.path, row.bytes) for row in table] == [("norm/inner", 288), ("norm", 0)]
    assert not table.uncounted


def test_an_open_size_is_said_below_the_table():
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, layers.Conv2D(2, 3, name="c")(inputs))
    lines = text_from_table(layer_table(model)).split("\n")
    assert lines[0].endswith("input any×any×1")
    assert "any×any×2" in lines[3]
    assert lines[-2].startswith("sizes of the input are open: give input_shape")
    given = layer_table(model, input_shape=(5, 6, 1))
    assert "open" not in text_from_table(given)
    assert given.row("c").multiply_adds == 9 * 2 * 12


def test_several_outputs_have_rows_and_one_cost():
    inputs = keras.Input((6, 4))
    model = keras.Model(inputs, layers.LSTM(5, return_state=True, name="memory")(inputs))
    table = layer_table(model)
    assert [row.path for row in table] == ["memory[0]", "memory[1]", "memory[2]"]
    assert [row.parameters for row in table] == [200, 0, 0]
    assert table.rows[1].note == "also of memory"


def test_a_row_is_found_with_its_stage_and_a_wrong_one_gets_the_nearest():
    table = layer_table(keras.Sequential([
        keras.Input((4, 4, 1)), layers.Conv2D(2, 3, activation="relu", name="conv"),
    ]))  # fmt: skip
    assert table.row("conv:detect") == table.row("conv:filter") == table.row("conv")
    for path, hint in (("cnov", " (did you mean 'conv'?)"), ("x", "")):
        with pytest.raises(KeyError) as caught:
            table.row(path)
        assert caught.value.args[0] == (
            f"path must be a row of the table: 'conv'; got {path!r}{hint}"
        )


def test_a_convolution_whose_activation_is_a_layer_is_one_row():
    inputs = keras.Input((6, 6, 1))
    model = keras.Model(inputs, layers.Conv2D(2, 3, activation=layers.ReLU(), name="c")(inputs))
    table = layer_table(model)
    assert [(row.path, row.multiply_adds) for row in table] == [("c", 9 * 2 * 16)]


def test_a_subclassed_model_may_need_a_shape():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__(name="plain")
            self.conv = layers.Conv2D(2, 3, name="conv")
            self.conv.build((None, None, None, 1))
            self.built = True

        def call(self, x):
            return self.conv(x)

    with pytest.raises(ValueError, match="input_shape must be given for 'plain'"):
        layer_table(Plain())
    table = layer_table(Plain(), input_shape=(7, 9, 1))
    assert table.row("conv").output_shape == (5, 7, 2)
    assert table.input_shapes == ((7, 9, 1),)


def _image_and_numbers():
    one, two = keras.Input((None, None, 1), name="one"), keras.Input((4,), name="two")
    sizes = layers.GlobalMaxPooling2D(name="most")(one)
    return keras.Model([one, two], layers.Concatenate(name="both")([sizes, two]))


def _of_one_input():
    return keras.Sequential([keras.Input((None, 9, 3), name="image"), layers.Conv2D(2, 3)])


class OwnOfTwo(keras.Model):
    """An image and numbers, in a list or a dict."""

    def __init__(self):
        super().__init__(name="own")
        self.conv, self.both = layers.Conv2D(2, 3, name="conv"), layers.Concatenate(name="both")

    def call(self, given):
        image, numbers = (given["image"], given["numbers"]) if isinstance(given, dict) else given
        return self.both([layers.Flatten(name="flat")(self.conv(image)), numbers])


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_a_subclassed_model_of_an_image_and_numbers_is_traced_as_it_was_called(kind):
    given = {"image": np.ones((2, 8, 6, 1), np.float32), "numbers": np.ones((2, 5), np.float32)}
    shapes = {"image": (10, 6, 1), "numbers": (5,)}
    if kind == "list":
        given, shapes = list(given.values()), list(shapes.values())
    model = OwnOfTwo()
    model(given)
    assert layer_table(model).row("both").output_shape == (6 * 4 * 2 + 5,)
    assert layer_table(model, input_shape=shapes).row("both").output_shape == (8 * 4 * 2 + 5,)


@pytest.mark.parametrize(
    "shape",
    [(7, 9, 3), [7, 9, 3], [(7, 9, 3)], np.array([7, 9, 3]), tf.TensorShape((7, 9, 3))],
    ids=["tuple", "list", "list of one", "array", "TensorShape"],
)
def test_a_shape_may_be_written_in_many_ways(shape):
    table = layer_table(_of_one_input(), input_shape=shape)
    assert table.input_shapes == ((7, 9, 3),)


def _own():
    class Own(keras.Model):
        def call(self, x):
            return x

    model = Own(name="own")
    model(np.ones((1, 4, 4, 1), np.float32))
    return model


SIZES = "input_shape must be sizes without the batch, such as (28, 28, 1); got "
WRONG_SHAPES = {
    "a number": (_of_one_input, 224, TypeError, SIZES + "224"),
    "a text": (_of_one_input, "7x9", TypeError, SIZES + "'7x9'"),
    "a set": (_of_one_input, {7}, TypeError, SIZES + "{7}"),
    "a number for an own model": (_own, 224, TypeError, SIZES + "224"),
    "a text for an own model": (_own, "7x9", TypeError, SIZES + "'7x9'"),
    "an empty dict for an own model": (_own, {}, TypeError, SIZES + "{}"),
    "with the batch": (
        _of_one_input, (None, 7, 9, 3), ValueError,
        "input_shape must be any×9×3 for the input 'image'; got any×7×9×3; leave out the batch",
    ),
    "no size": (
        _of_one_input, (), ValueError,
        "input_shape must be any×9×3 for the input 'image'; got ()",
    ),
    "half a pixel": (
        _of_one_input, (7.5, 9, 3), TypeError,
        "input_shape must be a whole number of at least 1; got 7.5",
    ),
    "one of two, as many sizes as inputs": (
        _image_and_numbers, (5, 6), ValueError,
        "input_shape must be one for each input, one, two; got (5, 6)",
    ),
    "one of two, by name": (
        _image_and_numbers, {"one": (5, 6, 1)}, ValueError,
        "input_shape must be one for each input, one, two; got {'one': (5, 6, 1)}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_a_wrong_shape_is_refused_in_one_sentence(name):
    model, shape, kind, sentence = WRONG_SHAPES[name]
    with pytest.raises(kind) as caught:
        layer_table(model(), input_shape=shape)
    assert str(caught.value) == sentence


def test_shapes_go_by_the_keys_of_a_model_whose_inputs_have_other_names():
    one, two = keras.Input((None, None, 1), name="first"), keras.Input((4,), name="second")
    with pytest.warns(UserWarning, match="keys in the dict must match"):
        model = keras.Model(
            {"one": one, "two": two}, [layers.GlobalMaxPooling2D(name="most")(one), two]
        )
    for names in (("one", "two"), ("first", "second")):
        table = layer_table(model, input_shape=dict(zip(names, [(5, 6, 1), (4,)], strict=True)))
        assert table.input_shapes == ((5, 6, 1), (4,))
        assert table.row("most").receptive_field == (5, 6)
    with pytest.raises(ValueError, match=r"one for each input, one, two; got \{'one'"):
        layer_table(model, input_shape={"one": (5, 6, 1)})


class Nested(keras.Model):
    """Takes lists within a dict."""

    def __init__(self):
        super().__init__(name="nested")
        self.conv = layers.Conv2D(2, (1, 2), name="conv")

    def call(self, given):
        return self.conv(given["pair"][0]) + self.conv(given["pair"][1]) + given["one"]


def test_shapes_within_a_dict_are_those_that_a_model_was_built_for():
    model = Nested()
    model({"pair": [np.ones((1, 4, 5, 1)), np.ones((1, 4, 5, 1))], "one": np.ones((1, 4, 4, 2))})
    table = layer_table(model)
    assert table.input_shapes == ((4, 5, 1), (4, 5, 1), (4, 4, 2))
    assert [row.path for row in table.rows] == ["conv", "conv@2"]


def test_shapes_go_to_their_inputs():
    one, two = keras.Input((None, None, 1), name="one"), keras.Input((4,), name="two")
    sizes = layers.GlobalMaxPooling2D(name="most")(one)
    model = keras.Model({"one": one, "two": two}, layers.Concatenate(name="both")([sizes, two]))
    table = layer_table(model, input_shape={"one": (5, 6, 1), "two": (4,)})
    assert table.input_shapes == ((5, 6, 1), (4,))
    assert table.row("most").receptive_field == (5, 6)
    assert table.row("both").output_shape == (5,)
    assert layer_table(model).row("most").receptive_field is None
    with pytest.raises(ValueError, match="one for each input, one, two"):
        layer_table(model, input_shape=(5, 6, 1))
    with pytest.raises(TypeError, match="a whole number of at least 1"):
        layer_table(model, input_shape=[(5.5, 6, 1), (4,)])


def test_half_precision_takes_half_the_bytes():
    inputs = keras.Input((6, 6, 1))
    half = layers.Conv2D(2, 3, dtype="mixed_float16", name="half")(inputs)
    full = layers.Conv2D(2, 1, dtype="float32", name="full")(half)
    table = layer_table(keras.Model(inputs, full))
    assert [row.bytes for row in table] == [16 * 2 * 2, 16 * 2 * 4]


def test_only_built_models_have_a_table():
    with pytest.raises(ValueError, match="model must be built"):
        layer_table(keras.Sequential([layers.Dense(2)]))
    with pytest.raises(TypeError, match=r"model must be a keras\.Model; got 3"):
        layer_table(3)


HOSTILE = ("=cmd|'/c'!A1", "a|b\n\x1b[31m<img>", "*very*_long_")


def table_by_hand():
    rows = [
        LayerRow(name, "Conv2D", "3×3", (8, 8, 4), 1_234_567, 1_000_000, 2304, (3, 5), (1, 2), 1024)
        for name in HOSTILE
    ]
    rows.append(LayerRow("odd", "Odd", "", None, 3, 3, None, None, None, None, "was not called"))
    return LayerTable("net|", ((8, 8, 1),), tuple(rows))


def test_text_stands_in_columns_and_adds_up():
    lines = text_from_table(table_by_hand()).split("\n")
    assert lines[0] == "net|, input 8×8×1"
    assert " ".join(lines[1].split()) == (
        "layer kind settings output parameters multiply-adds field jump bytes note"
    )
    assert all("\x1b" not in line for line in lines)
    assert lines[3].startswith("=cmd|'/c'!A1")
    assert " ".join(lines[3].split()).endswith("8×8×4 1,234,567 2,304 3×5 1×2 1,024")
    assert " ".join(lines[8].split()) == "total 3,703,704 6,912 3,072"
    assert lines[9] == "parameters: 3,000,003 trained, 703,701 not trained"
    assert lines[10:] == ["multiply-adds without those of odd", "bytes without those of odd"]
    ends = {
        line.index(word) + len(word)
        for line, word in zip(lines[3:6], ["1,234,567"] * 3, strict=True)
    }
    assert ends == {lines[1].index("parameters") + len("parameters")}


def test_markdown_holds_no_live_marks():
    text = text_from_table(table_by_hand(), form="markdown")
    lines = text.split("\n")
    assert lines[0] == r"**net\|, input 8×8×1**"
    rows = lines[2:9]
    cells = [len(row.replace(r"\|", "").split("|")) for row in rows[:-1]]
    assert set(cells) == {12}
    assert "<img>" not in text
    assert r"\*very\*\_long\_" in text
    assert table_by_hand()._repr_markdown_() == text


def test_csv_is_plain_numbers_and_runs_nothing():
    text = text_from_table(table_by_hand(), form="csv")
    header, *rows = csv.reader(io.StringIO(text))
    assert len({len(row) for row in (header, *rows)}) == 1
    assert rows[0][0] == "'=cmd|'/c'!A1"
    assert rows[1][0] == "a|b \N{REPLACEMENT CHARACTER}[31m<img>"
    at = header.index("parameters")
    assert [row[at] for row in rows] == ["1234567"] * 3 + ["3", "3703704"]
    assert rows[0][header.index("receptive_field")] == "3×5"
    assert rows[3][header.index("multiply_adds")] == ""


def test_what_no_row_knows_is_no_sum_of_0():
    """The cost of open sizes is unknown, in the sums as well; a table of nothing costs 0."""
    inputs = keras.Input((None, None, 1))
    table = layer_table(
        keras.Model(inputs, layers.ReLU(name="r")(layers.Conv2D(2, 3, name="c")(inputs)))
    )
    assert [row.multiply_adds for row in table] == [None, 0]
    total = next(line for line in text_from_table(table).split("\n") if line.startswith("total"))
    assert total.split() == ["total", "20", "–", "–"]
    *_, last = csv.reader(io.StringIO(text_from_table(table, form="csv")))
    assert last[4:] == ["20", "20", "", "", "", "", ""]
    one = layer_table(keras.Sequential([keras.Input((4, 4, 1)), layers.ReLU()]))
    assert "total 0 0 64" in " ".join(text_from_table(one).split())


def long_table():
    rows = [
        LayerRow(f"conv{n}", "Conv2D", "", (8, 8, n + 1), 1000 + n, 0, n, (3, 3), (1, 1), 4 * n)
        for n in range(100)
    ]
    return LayerTable("long", ((8, 8, 1),), tuple(rows))


def test_a_long_table_shows_its_ends_and_what_is_left_out():
    table = long_table()
    lines = text_from_table(table, layers=5).split("\n")
    names = [line.split(" ")[0] for line in lines[3:9]]
    assert names == ["conv0", "conv1", "conv2", "…", "conv98", "conv99"]
    assert lines[6].startswith("… 95 more rows …")
    assert " ".join(lines[10].split()) == "total 104,950 4,950 19,800"  # of all 100
    assert text_from_table(table, layers=100) == text_from_table(table)
    assert "… 1 more row …" in text_from_table(table, layers=99, form="markdown")
    with pytest.raises(ValueError, match="layers must be None for form 'csv'; got 5"):
        text_from_table(table, form="csv", layers=5)
    with pytest.raises(ValueError, match="layers must be a whole number of at least 2; got 1"):
        text_from_table(table, layers=1)


def test_a_table_shows_itself_shortened_and_prints_in_full_through_its_text():
    table = long_table()
    shown = repr(table).split("\n")
    assert shown == [
        *text_from_table(table, layers=12).split("\n"),
        "all rows: text_from_table(table), or table.rows",
    ]
    assert len(shown) < 25
    assert str(table) == repr(table)
    assert repr(table_by_hand()) == text_from_table(table_by_hand())
    assert "… 40 more rows …" in table._repr_markdown_()


def test_text_wants_a_table_and_a_form():
    with pytest.raises(TypeError, match="table must come from layer_table"):
        text_from_table([1])
    with pytest.raises(ValueError, match="did you mean 'markdown'"):
        text_from_table(table_by_hand(), form="markdwn")


def test_a_trace_holds_no_numbers():
    """As large as it may be, a size costs nothing: 2²⁰ by 2²⁰ pixels would be terabytes."""
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, layers.Conv2D(1, 3, strides=2, padding="same", name="c")(inputs))
    row = layer_table(model, input_shape=(2**20, 2**20, 1)).row("c")
    assert row.output_shape == (2**19, 2**19, 1)
    assert row.multiply_adds == 9 * 2**38
    assert tf.executing_eagerly()
    assert SIZE == 8


RIGHT, LEFT = (30, 20, 1), (10, 12, 1)


def two_sides(made):
    """Two pictures of any size, each through a convolution of its own."""
    right, left = (keras.Input((None, None, 1), name=name) for name in ("right", "left"))
    maps = [layers.Conv2D(1, (2, 3), name="r")(right), layers.Conv2D(1, 3, name="l")(left)]
    return keras.Model(made(right, left), maps)


def sides(right, left):
    return {"right": right, "left": left}


def sizes_of_sides(table):
    return {row.path: row.output_shape for row in table}


@pytest.mark.parametrize("listed", [list, tuple, np.array], ids=["list", "tuple", "array"])
def test_a_list_of_shapes_is_refused_where_it_does_not_tell_which_is_whose(listed):
    model = two_sides(sides)
    with pytest.raises(ValueError, match="input_shape must be a dict of 2 inputs, left, right; "):
        layer_table(model, input_shape=listed([RIGHT, LEFT]))
    table = layer_table(model, input_shape=sides(RIGHT, LEFT))
    assert sizes_of_sides(table) == {"r": (29, 18, 1), "l": (8, 10, 1)}


@pytest.mark.parametrize(
    ("made", "given"),
    [
        (lambda *pair: [sides(*pair)], [sides(RIGHT, LEFT)]),
        (lambda *pair: {"one": sides(*pair)}, {"one": sides(list(RIGHT), np.array(LEFT))}),
        (lambda *pair: {"one": sides(*pair)}, {"one.right": RIGHT, "one.left": LEFT}),
        (lambda *pair: {"one": list(pair)}, {"one": (RIGHT, LEFT)}),
        (lambda *pair: OrderedDict(sides(*pair)), sides(RIGHT, LEFT)),
        (lambda *pair: OrderedDict(sides(*pair)), [RIGHT, LEFT]),
        (lambda *pair: [list(pair)], [[RIGHT, LEFT]]),
    ],
    ids=[
        "list of a dict",
        "dict of a dict",
        "its names",
        "dict of a list",
        "ordered",
        "its list",
        "list of lists",
    ],
)
@pytest.mark.filterwarnings("ignore:The structure of `inputs`:UserWarning")
def test_shapes_are_told_in_the_structure_of_the_images(made, given):
    table = layer_table(two_sides(made), input_shape=given)
    assert sizes_of_sides(table) == {"r": (29, 18, 1), "l": (8, 10, 1)}


class OwnSides(keras.Model):
    """Takes a dict within a dict, and tells nothing of it."""

    def __init__(self):
        super().__init__(name="own")
        self.r, self.l = layers.Conv2D(1, (2, 3), name="r"), layers.Conv2D(1, 3, name="l")

    def call(self, given):
        return self.r(given["one"]["right"]), self.l(given["one"]["left"])


def test_shapes_of_a_model_that_tells_none_go_by_what_it_was_built_for():
    model = OwnSides()
    model({"one": sides(np.ones((1, 5, 6, 1)), np.ones((1, 8, 7, 1)))})
    names = {"one.left": LEFT, "one.right": RIGHT}
    for given in ({"one": sides(RIGHT, LEFT)}, names, [RIGHT, LEFT]):
        table = layer_table(model, input_shape=given)
        assert table.input_shapes == (RIGHT, LEFT)
        assert sizes_of_sides(table) == {"r": (29, 18, 1), "l": (8, 10, 1)}
    for wrong in ({"left": LEFT, "right": RIGHT}, [RIGHT], {"one": RIGHT}, RIGHT):
        with pytest.raises(ValueError, match=r"one for each input, one\.right, one\.left; got "):
            layer_table(model, input_shape=wrong)


@pytest.mark.parametrize("given", [(7, 6, 1), [(7, 6, 1)], [[(7, 6, 1)]]], ids=str)
@pytest.mark.parametrize("kind", ["functional", "of a list in a list", "subclassed"])
def test_one_shape_may_stand_in_lists(kind, given):
    image = keras.Input((None, None, 1), name="image")
    made = [[image]] if kind == "of a list in a list" else image
    model = keras.Model(made, layers.Conv2D(1, (2, 3))(image))
    if kind == "subclassed":
        model = _own()
    assert layer_table(model, input_shape=given).input_shapes == ((7, 6, 1),)
