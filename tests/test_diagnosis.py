"""What a diagnosis counts, held against all maps at once, and what it says of it."""

import csv
import json
import math
import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED
from hypothesis import given
from hypothesis import strategies as st

from featviz.networks.bounds import bounds_of_layer
from featviz.networks.channel_stats import RunningStats
from featviz.networks.diagnosing import diagnose
from featviz.networks.histograms import RunningHistogram
from featviz.networks.inputs import Feed, note_of_input
from featviz.networks.inputs_seen import InputsSeen
from featviz.networks.maps import feature_maps
from featviz.networks.twins import Twins
from featviz.networks.verdicts import marks_of_layer, number_text
from featviz.render.diagnosis_text import text_from_diagnosis, write_diagnosis

L = keras.layers
NAN, INF = math.nan, math.inf
RANDOM = np.random.default_rng(7)
IMAGES = RANDOM.normal(size=(11, 6, 7, 1)).astype(np.float32)


def sick_model(dtype="float32"):
    """Channel 1 is dead, 2 constant and then dead, 4 a copy of 3; units of every sort."""
    kernel = np.zeros((2, 3, 1, 5))
    kernel[:, :, 0, 0] = LOPSIDED
    kernel[:, :, 0, 3] = np.array(LOPSIDED)[::-1] / 2
    kernel[:, :, 0, 4] = kernel[:, :, 0, 3]
    bias = np.array([0.25, 0, -1.5, 0, 0])
    model = keras.Sequential([
        keras.Input((6, 7, 1)),
        L.Conv2D(5, (2, 3), activation="relu", name="conv", dtype=dtype),
        L.MaxPooling2D(2, name="pool", dtype=dtype),
        L.Flatten(name="flat", dtype=dtype),
        L.Dense(4, activation="sigmoid", name="dense", dtype=dtype),
        L.Dense(3, activation="softmax", name="out", dtype=dtype),
    ], name="sick")  # fmt: skip
    weights = np.zeros((20, 4))
    weights[:, 0], weights[0, 1], weights[5, 3] = np.linspace(-0.3, 0.2, 20), 30, 0.01
    last = np.random.default_rng(3).normal(size=(4, 3))
    biases = np.array([0.1, -60.0, 40.0, 0.2])
    model.set_weights([kernel, bias, weights, biases, last, np.zeros(3)])
    return model


SICK = sick_model()


def slow_stats(values):
    """All numbers of (B, …, F) at once, in two passes of float64."""
    rows = np.asarray(values).astype(np.float64).reshape(-1, values.shape[-1])
    told = {name: [] for name in ("mean", "deviation", "low", "high", "zeros", "nan", "infinite")}
    for column in rows.T:
        finite = column[np.isfinite(column)]
        mean = math.fsum(finite) / len(finite) if len(finite) else NAN
        apart = [(value - mean) ** 2 for value in finite]
        told["mean"].append(mean)
        told["deviation"].append(math.sqrt(math.fsum(apart) / len(finite)) if apart else NAN)
        told["low"].append(min(finite, default=NAN))
        told["high"].append(max(finite, default=NAN))
        told["zeros"].append(int(sum(column == 0)))
        told["nan"].append(int(sum(np.isnan(column))))
        told["infinite"].append(int(sum(np.isinf(column))))
    return told


def slow_counts(values, edges):
    """Bins that hold the end farther from 0: those of numpy below 0, mirrored above."""
    above, _ = np.histogram(-values[values > 0], -edges[::-1])
    return np.histogram(values[values < 0], edges)[0] + above[::-1]


def check_stats(stats, values):
    expected = slow_stats(values)
    assert stats.count == values.size // values.shape[-1]
    for name in ("mean", "deviation"):
        np.testing.assert_allclose(getattr(stats, name), expected[name], rtol=1e-12, atol=1e-14)
    for name in ("low", "high", "zeros"):
        np.testing.assert_array_equal(getattr(stats, name), expected[name])
    np.testing.assert_array_equal(stats.nan_count, expected["nan"])
    np.testing.assert_array_equal(stats.infinite_count, expected["infinite"])
    finite = values[np.isfinite(values) & (values != 0)].astype(np.float64)
    histogram = stats.histogram
    assert histogram.total == values.size
    if finite.size:
        np.testing.assert_array_equal(histogram.counts, slow_counts(finite, histogram.edges))
        assert histogram.counts[0] > 0 < histogram.counts[-1]
    assert histogram.counts.sum() == finite.size


def stats_of(values, batch_size, **options):
    running = RunningStats(values.shape[-1], **options)
    for start in range(0, len(values), batch_size):
        running.add(values[start : start + batch_size])
    return running.result()


@pytest.mark.parametrize("batch_size", [1, 2, 4, 11, 32])
def test_every_layer_is_counted_as_all_its_maps_at_once(batch_size):
    told = diagnose(SICK, IMAGES, batch_size=batch_size, compiled=False)
    maps = feature_maps(SICK, IMAGES, compiled=False, batch_size=batch_size)
    assert list(told.layers) == list(maps)
    for path, layer in told.layers.items():
        check_stats(layer.stats, maps[path])
        assert layer.shape == maps[path].shape[1:]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int32", "bool"])
@pytest.mark.parametrize("batch_size", [1, 3, 10])
def test_every_dtype_is_counted_in_float64(dtype, batch_size):
    values = (RANDOM.normal(size=(10, 3, 4)) * 90).astype(tf.as_dtype(dtype).as_numpy_dtype)
    check_stats(stats_of(values, batch_size), values)


def test_float16_does_not_overflow():
    values = np.full((50, 40, 2), 60_000, np.float16)
    values[:, 0, 1] = -60_000
    check_stats(stats_of(values, 7), values)


@pytest.mark.parametrize("batch_size", [1, 7, 300])
def test_a_small_spread_about_a_large_mean_is_not_lost(batch_size):
    values = 1e9 + RANDOM.normal(size=(300, 3))
    check_stats(stats_of(values, batch_size), values)
    values[0] = NAN
    check_stats(stats_of(values, batch_size), values)


def test_nan_and_infinity_are_counted_and_left_out():
    values = RANDOM.normal(size=(9, 5, 4)).astype(np.float32)
    values[2, 1, 0], values[4:6, :, 1], values[3, 2, 1] = NAN, INF, -INF
    values[:, :, 3] = NAN
    for batch_size in (1, 4, 9):
        stats = stats_of(values, batch_size)
        check_stats(stats, values)
        assert stats.first_broken == 0
    assert stats_of(values[:, :, :3], 4).first_broken == 2


@pytest.mark.parametrize("batch_size", [1, 2, 9])
@pytest.mark.parametrize("size", [1, 1e-170])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_lowest_float_is_counted_apart(dtype, size, batch_size):
    """Slow: what NaN in its place would leave."""
    kind = tf.as_dtype(dtype)
    values = (RANDOM.normal(size=(9, 5, 4)) * size).astype(kind.as_numpy_dtype)
    values[2, 1, 0], values[3, 2, 1], values[7, 3, 1] = NAN, -INF, INF
    values[5:7, :, 1] = values[8, 4, 2] = values[:, :, 3] = kind.min
    stats = stats_of(values, batch_size)
    assert stats.lowest_count.tolist() == [0, 10, 1, 45]
    assert (stats.nan_count.tolist(), stats.infinite_count.tolist()) == ([1, 0, 0, 0], [0, 2, 0, 0])
    told = stats.histogram
    assert (told.lowest_count, told.broken_count, told.total) == (56, 59, values.size)
    values[values == kind.min] = NAN
    hidden = stats_of(values, batch_size)
    check_stats(hidden, values)
    for name in ("mean", "deviation", "low", "high", "zeros", "one_value"):
        np.testing.assert_array_equal(getattr(stats, name), getattr(hidden, name))
    np.testing.assert_array_equal(told.counts, hidden.histogram.counts)
    np.testing.assert_array_equal(told.edges, hidden.histogram.edges)
    assert [stats.first_broken, stats_of(values[:, :, 2:3], 4).first_broken] == [0, 8]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_the_histogram_does_not_depend_on_the_batches(batch_size):
    values = np.concatenate([RANDOM.normal(size=40) * 10.0**power for power in range(-6, 9)])
    RANDOM.shuffle(values)
    values[::9] = 0
    whole, parts = RunningHistogram(), RunningHistogram()
    whole.add(values)
    for start in range(0, len(values), batch_size):
        parts.add(values[start : start + batch_size])
    for name in ("edges", "counts", "zeros"):
        one, other = getattr(whole.result(0, 0), name), getattr(parts.result(0, 0), name)
        np.testing.assert_array_equal(one, other)


@given(st.lists(st.lists(st.floats(-8e307, 8e307), max_size=5), max_size=8))
def test_every_float_finds_its_bin(batches):
    running = RunningHistogram()
    for batch in batches:
        running.add(np.array(batch, np.float64))
    told = running.result(0, 0)
    values = np.array([value for batch in batches for value in batch])
    assert told.total == len(values)
    for left, right, count in zip(told.edges, told.edges[1:], told.counts, strict=False):
        assert count == sum((left <= values) & (values < right) & (values != 0))


def test_twins_are_equal_in_every_cell_of_every_batch():
    values = RANDOM.integers(0, 2, size=(12, 4, 7)).astype(np.float32)
    values[:, :, 5] = values[:, :, 1]
    values[:, :, 6] = values[:, :, 1]
    values[-1, -1, 6] += 1  # but for the very last cell
    values[:, :, 2] = values[:, :, 4]
    values[:, :, 2][values[:, :, 2] == 0] = -0.0
    for batch_size in (1, 5, 12):
        assert stats_of(values, batch_size).twins == ((1, 5), (2, 4))


def test_columns_whose_fingerprints_collide_are_told_apart_by_their_values():
    rows = np.array([[2**60, 2**60 + 1, 2**60]], np.int64)  # one float64, two numbers
    twins = Twins(3)
    twins.add(rows)
    assert [group.tolist() for group in twins.groups] == [[0, 2]]


def test_columns_with_nan_are_no_twins():
    twins = Twins(3)
    twins.add(np.array([[NAN, NAN, 1.0]]))
    assert twins.groups == []


def test_the_findings_of_a_sick_model_are_those_built_in():
    told = diagnose(SICK, IMAGES, batch_size=4)
    conv, dense = told.layer("conv"), told.layer("dense")
    assert conv.dead.tolist() == [False, True, True, False, False]
    assert conv.duplicates == ((3, 4),)
    assert told.layer("conv:filter").constant.tolist() == [False, False, True, False, False]
    assert dense.saturated.tolist()[2] is True
    assert dense.constant.tolist() == [False, False, True, False]
    assert not told.healthy


def test_the_verdict_is_told_in_sentences():
    assert diagnose(SICK, IMAGES, batch_size=4).verdict == (
        "conv:filter: 1 of 5 channels is dead (0 at all 25 positions of all 11 images): 1.",
        "conv:filter: 1 of 5 channels is constant (one value at all 25 positions of all 11 "
        "images): 2 (all −1.5).",
        "conv:filter: 2 of 5 channels are equal to another (at all 25 positions of all 11 "
        "images): 3 = 4.",
        "conv:detect: 2 of 5 channels are dead (0 at all 25 positions of all 11 images): 1, 2; "
        "the same in pool.",
        "conv:detect: 2 of 5 channels are equal to another (at all 25 positions of all 11 "
        "images): 3 = 4; the same in pool.",
        "dense: 1 of 4 units is constant (one value for all 11 images): 2 (all 1).",
        "dense: 2 of 4 units are saturated (at least 90 % of the values within 0.01 of 0 or 1): "
        "1, 2.",
    )


def test_of_one_image_little_is_claimed():
    told = diagnose(SICK, IMAGES[:1])
    assert not told.layer("dense").constant.any()
    assert told.layer("out").duplicates == ()
    assert told.verdict[0] == (
        "conv:filter: 1 of 5 channels is dead (0 at all 25 positions of 1 image, and one image "
        "proves little): 1."
    )


def test_many_zeros_are_not_dead():
    model = keras.Sequential([keras.Input((6, 7, 1)), L.ReLU(name="relu")])
    images = np.zeros((5, 6, 7, 1), np.float32)
    images[4, 5, 6] = 1e-30
    told = diagnose(model, images, batch_size=2)
    assert told.layer("relu").zero_share.tolist() == [209 / 210]
    assert told.healthy
    assert not diagnose(model, images[:4]).healthy


def test_a_unit_of_a_dense_layer_that_is_0_for_all_images_is_dead():
    model = keras.Sequential([keras.Input((2,)), L.Dense(3, "relu", name="dense")])
    model.set_weights([np.array([[1, -1, 2], [1, -1, 0.0]]), np.zeros(3)])
    assert diagnose(model, np.ones((4, 2))).verdict == (
        "dense: 1 of 3 units is dead (0 for all 4 images): 1.",
        "dense: 2 of 3 units are constant (one value for all 4 images): 0 (all 2), 2 (all 2).",
    )


def broken_model():
    model = keras.Sequential([
        keras.Input((6, 7, 1)), L.Conv2D(2, (2, 3), padding="same", name="first"),
        L.Lambda(tf.math.log, name="log"), L.MaxPooling2D(2, name="pool"),
        L.Rescaling(0.5, name="half"),
    ], name="net")  # fmt: skip
    kernel = np.zeros((2, 3, 1, 2))
    kernel[..., 0, 0], kernel[0, 1, 0, 1] = np.array(LOPSIDED), 1
    model.set_weights([kernel, np.array([0.125, 0.5])])
    return model


def test_the_first_layer_with_nan_is_named_though_a_pool_hides_it():
    images = np.abs(IMAGES)
    images[:8] = 1  # the borders of the kernel give a negative number, whose logarithm is NaN
    model = broken_model()
    maps = feature_maps(model, images)
    assert np.isnan(maps["log"]).any()
    assert np.isfinite(maps["pool"]).all()
    told = diagnose(model, images, batch_size=3)
    count = int(np.isnan(maps["log"]).sum())
    assert told.verdict[0] == (
        f"The first layer with NaN or infinity is log: {count} NaN in channel 0, first in image 0 "
        "(from 0); not in pool, as a max-pool hides NaN."
    )


def blind_model():
    """Channel 1 of a convolution is NaN for each image, the pool gives the lowest float for it."""
    model = keras.Sequential([
        keras.Input((6, 7, 1)), L.Conv2D(2, (2, 3), name="conv"),
        L.MaxPooling2D(2, name="pool"), L.Flatten(name="flat"),
    ], name="blind")  # fmt: skip
    kernel = np.zeros((2, 3, 1, 2))
    kernel[..., 0, 0], kernel[..., 0, 1] = np.array(LOPSIDED), NAN
    model.set_weights([kernel, np.zeros(2)])
    return model


@pytest.mark.parametrize(
    ("weight", "also"), [(1.0, "; also in dense"), (1e-3, "")], ids=["overflows", "stays finite"]
)
def test_layers_behind_the_lowest_float_are_said_to_compute_with_it(weight, also):
    blind = blind_model()
    dense = L.Dense(2, name="dense", kernel_initializer=keras.initializers.Constant(weight))
    model = keras.Model(blind.inputs, dense(blind.outputs[0]), name="blind")
    told = diagnose(model, IMAGES)
    assert told.layer("dense").stats.infinite_count.any() == bool(also)
    assert told.verdict[1].endswith(
        f"(from 0){also}; as the lowest float, which a max-pool gives for NaN and what follows "
        "takes for a number, in pool, flat."
    )


def test_of_the_lowest_float_without_a_max_pool_no_cause_is_told():
    def mask(values):
        return tf.where(tf.math.is_nan(values), tf.float32.min, values)

    layers = [L.Lambda(tf.math.log, name="log"), L.Lambda(mask, name="mask")]
    told = diagnose(keras.Sequential([keras.Input((2,)), *layers]), [[2.0, -1.0], [3.0, 5.0]])
    assert told.verdict[0] == (
        "The first layer with NaN or infinity is log: 1 NaN in unit 1, first in image 0 (from 0); "
        "as the lowest float in mask."
    )


def test_a_channel_with_nan_and_the_lowest_float_is_counted_with_both():
    model = keras.Sequential([keras.Input((4, 4, 3)), L.MaxPooling2D(2, name="pool")])
    images = np.random.default_rng(0).random((2, 4, 4, 3))
    images[0, :2, :2], images[1, 3, 3, :2] = NAN, INF
    pool = diagnose(model, images, finite=False).layer("pool")
    words = "of 3 channels: 2 with NaN or infinity, 3 with the lowest float"
    assert marks_of_layer(pool) == words


@pytest.mark.parametrize("compiled", [None, False])
def test_the_lowest_float_that_a_pool_gives_for_nan_is_no_value(compiled, empty_folder):
    model = blind_model()
    told = diagnose(model, IMAGES, batch_size=4, compiled=compiled)
    assert told.verdict[1:] == (
        "The first layer with NaN or infinity is conv: 275 NaN in channel 1, first in image 0 "
        "(from 0); as the lowest float, which a max-pool gives for NaN and what follows takes for "
        "a number, in pool, flat.",
    )
    pool, flat = told.layer("pool"), told.layer("flat")
    assert pool.verdict == (
        "pool: 44 lowest float (a max-pool gives it for NaN) in channel 1, first in image 0 "
        "(from 0).",
    )
    assert (pool.broken.tolist(), pool.constant.any(), pool.duplicates) == (
        [False, True],
        False,
        (),
    )
    assert np.isnan([pool.mean[1], pool.low[1], pool.high[1]]).all()
    assert flat.low[0] > -100
    head, *rows = text_from_diagnosis(told).splitlines()[-4:]
    assert head.split()[-3:] == ["NaN", "inf", "lowest"]
    assert [row.split()[-1] for row in rows] == ["0", "44", "44"]
    low, high, mean = pool.low[0], pool.high[0], pool.mean[0]
    assert rows[1].split()[2] == number_text(mean)
    assert rows[1].split()[4:6] == [number_text(low), number_text(high)]
    read = json.loads(write_diagnosis(told, empty_folder / "told.json").read_text("utf-8"))
    assert read["layers"][1]["histogram"]["lowest_count"] == 44
    assert [one["lowest_count"] for one in read["layers"][1]["channels"]] == [0, 44]
    assert "lowest" not in text_from_diagnosis(diagnose(SICK, IMAGES))


def test_nan_that_only_a_pool_is_looked_at_for_is_found_where_it_begins():
    (_, sentence) = diagnose(blind_model(), IMAGES, "pool").verdict
    assert sentence == (
        "The first layer with NaN or infinity is conv, of which no numbers were kept; pool: "
        "44 lowest float (a max-pool gives it for NaN) in channel 1, first in image 0 (from 0)."
    )


@pytest.mark.parametrize("batch_size", [1, 2, 9])
def test_the_lowest_float_of_a_mask_is_not_said_to_be_of_nan(batch_size):
    def mask(values):
        return tf.where(values > 1, tf.float32.min, values)

    model = keras.Sequential([
        keras.Input((2,)), L.Lambda(mask, name="mask"), L.Rescaling(1.0, name="same"),
        L.Lambda(tf.math.log, name="log"),
    ])  # fmt: skip
    images = np.array([[0.5, 0.25], [0.5, 7], [0.25, 8]], np.float32)
    told = diagnose(model, images, ["mask", "same"], batch_size=batch_size)
    assert told.verdict[0].startswith(
        "The first layer with NaN or infinity is log, of which no numbers were kept; mask: 2 lowest"
    )
    model = keras.Sequential([keras.Input((2,)), *model.layers[:2]])
    told = diagnose(model, images, batch_size=batch_size)
    assert told.verdict == (
        "The first layer with the lowest float is mask: 2 lowest float in unit 1, first in image "
        "1 (from 0); also in same.",
    )


def test_nan_that_comes_after_the_lowest_float_is_found_where_it_begins():
    def mask(values):
        return tf.where(values > 1, tf.float32.min, values)

    model = keras.Sequential([
        keras.Input((2,)), L.Lambda(tf.math.log, name="log"), L.Lambda(mask, name="mask"),
    ])  # fmt: skip
    images = np.array([[0.5, 20], [0.5, -1]], np.float32)
    told = diagnose(model, images, batch_size=1)
    assert told.begins == "log"


def test_nan_in_the_weights_and_the_input_is_told_first():
    model = sick_model()
    weights = model.get_weights()
    weights[1][3] = INF
    model.set_weights(weights)
    images = IMAGES.copy()
    images[5, 2, 2] = NAN
    told = diagnose(model, images, finite=False, batch_size=2)
    bias = model.get_layer("conv").weights[1].path
    assert told.broken_weights == ((bias, 0, 1),)
    assert told.verdict[:2] == (
        f"weight {bias}: 1 infinite.", f"input {model.inputs[0].name}: 1 NaN.",
    )  # fmt: skip
    assert told.verdict[2].startswith("The first layer with NaN or infinity is conv:filter: ")
    assert told.went_in[0].startswith("11×6×7×1 float32, ")
    assert told.went_in[0].endswith(", 1 NaN or infinite (float32 as given)")
    assert "nan to" not in told.went_in[0].lower()
    (line,) = diagnose(model, np.full_like(IMAGES, NAN), finite=False).went_in
    assert line == ("11×6×7×1 float32, no finite value, 462 NaN or infinite (float32 as given)")


def test_the_image_that_first_breaks_is_told():
    images = IMAGES.copy()
    images[7, 5, 6] = NAN
    told = diagnose(SICK, images, "conv", finite=False, batch_size=3)
    assert told.layer("conv:filter").first_broken == 7


def tanh(values):
    """Has the name of another function: LeCun's, which goes to ±1.7159."""
    return 1.7159 * keras.ops.tanh(2 / 3 * values)


class Tripled(L.Dense):
    """What its activation gives is not the last."""

    def call(self, values):
        return 3 * super().call(values)


class TripledReLU(L.ReLU):
    def call(self, values):
        return 3 * super().call(values)


class Folded(L.Conv2D):
    """Its kernels laid in a way of its own, behind Keras' call."""

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel) / 9


class Named(L.Dense):
    """Changes nothing."""


BOUNDED = [
    ("sigmoid", L.Activation("sigmoid"), (0.0, 1.0)),
    ("hard sigmoid", L.Activation("hard_sigmoid"), (0.0, 1.0)),
    ("tanh", L.Dense(1, activation="tanh"), (-1.0, 1.0)),
    ("softmax layer", L.Softmax(), (1.0,)),
    ("softmax", L.Dense(1, activation="softmax"), (1.0,)),
    ("relu6", L.Conv2D(1, 1, activation="relu6"), (6.0,)),
    ("ReLU layer with an end", L.ReLU(max_value=6), (6.0,)),
    ("ReLU layer inside", L.Dense(1, activation=L.ReLU(max_value=2)), (2.0,)),
    ("relu", L.Dense(1, activation="relu"), ()),
    ("linear", L.Dense(1), ()),
    ("LSTM, whose tanh is not the last", L.LSTM(1), ()),
    ("pool", L.MaxPooling2D(), ()),
    ("own function of a known name", L.Dense(1, activation=tanh), ()),
    ("own call", Tripled(1, activation="sigmoid"), ()),
    ("own call of a ReLU", TripledReLU(max_value=2), ()),
    ("own convolution", Folded(1, 1, activation="tanh"), ()),
    ("own class that calls as Keras does", Named(1, activation="tanh"), (-1.0, 1.0)),
    ("the operation itself", L.Activation(keras.ops.sigmoid), (0.0, 1.0)),
]


@pytest.mark.parametrize(("layer", "bounds"), [row[1:] for row in BOUNDED],
                         ids=[row[0] for row in BOUNDED])  # fmt: skip
def test_only_bounded_activations_have_bounds(layer, bounds):
    assert bounds_of_layer(layer) == bounds


def test_saturated_values_are_counted_near_the_bounds():
    model = keras.Sequential([keras.Input((3,)), L.Activation("tanh", name="tanh")])
    values = np.array([[3.0, 0.1, -9], [2.0, 3, 9], [3.0, 3, 9], [0.0, 3, -9]], np.float32)
    told = diagnose(model, values, saturation=0.01, saturated_from=0.75)
    near = (1 - np.abs(np.tanh(values.astype(np.float64))) <= 0.01).mean(axis=0)
    assert told.layer("tanh").saturated_share.tolist() == near.tolist() == [0.5, 0.75, 1.0]
    assert told.layer("tanh").saturated.tolist() == [False, True, True]
    assert "(at least 75 % of the values within 0.01 of −1 or 1): 1, 2." in told.verdict[0]


def test_before_the_activation_nothing_is_bounded():
    model = keras.Sequential([keras.Input((6, 7, 1)), L.Conv2D(2, 3, activation="tanh", name="c")])
    told = diagnose(model, IMAGES)
    assert told.layer("c:filter").saturated_share is None
    assert told.layer("c").bounds == (-1.0, 1.0)


def test_layers_of_one_name_in_two_models_are_not_mixed_up():
    inner = [
        keras.Sequential([keras.Input((3,)), L.Activation(name, name="act")], name=name)
        for name in ("tanh", "sigmoid")
    ]
    model = keras.Sequential([keras.Input((3,)), *inner])
    told = diagnose(model, np.full((4, 3), 9.0))
    assert list(told.layers)[::2] == ["tanh/act", "sigmoid/act"]
    assert told.layer("tanh/act").bounds == (-1.0, 1.0)
    assert told.layer("sigmoid/act").bounds == (0.0, 1.0)


def test_channels_first_and_sequences_have_their_channels():
    model = keras.Sequential([keras.Input((5, 2)), L.Conv1D(3, 2, name="conv")])
    values = RANDOM.normal(size=(4, 5, 2)).astype(np.float32)
    told = diagnose(model, values, batch_size=3).layer("conv")
    check_stats(told.stats, feature_maps(model, values, batch_size=3, compiled=False)["conv"])
    assert (told.shape, told.channels, told.positions, told.what) == ((4, 3), 3, 4, "channel")


def test_the_numbers_are_read_only():
    layer = diagnose(sick_model(), np.ones((2, 6, 7, 1), np.float32)).layer("conv")
    stats = layer.stats
    arrays = [getattr(stats, name) for name in stats.__slots__]
    arrays = [one for one in arrays if isinstance(one, np.ndarray)]
    assert len(arrays) == 9
    for array in (*arrays, layer.histogram.edges, layer.histogram.counts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_memory_does_not_grow_with_the_images():
    model = keras.Sequential([keras.Input((160, 160, 1)), L.MaxPooling2D(80, name="pool")])

    def most(batches):
        data = (np.full((8, 160, 160, 1), number, np.float32) for number in range(batches))
        tracemalloc.start()
        diagnose(model, data, compiled=False)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(2)
    batch = 8 * 160 * 160 * 4
    assert most(12) < most(3) + 2 * batch


def test_a_data_set_a_generator_and_an_array_are_diagnosed_alike():
    whole = diagnose(SICK, IMAGES, batch_size=4).rows
    data = tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(11))).batch(4)
    for other in (data, (one for one in IMAGES), data.unbatch()):
        assert str(diagnose(SICK, other, batch_size=4).rows) == str(whole)


def test_a_limit_looks_at_the_first_images():
    told = diagnose(SICK, (one for one in IMAGES), limit=6)
    assert told.images == 6
    assert str(told.rows) == str(diagnose(SICK, IMAGES[:6]).rows)


def test_mixed_precision_that_overflows_is_found_where_it_begins():
    model = sick_model("mixed_float16")
    told = diagnose(model, IMAGES * 1e5)
    assert told.layer("conv:filter").dtype == "float16"
    assert told.verdict[0].startswith("The first layer with NaN or infinity is conv:filter: ")


def test_a_layer_whose_channels_change_is_told_of():
    model = keras.Sequential([keras.Input((None,)), L.ReLU(name="relu")], name="net")
    told = diagnose(model, iter([np.ones((2, 3)), np.ones((2, 4))]))
    assert dict(told.unseen) == {"relu": "gives 3 channels and then 4"}
    assert "relu: not told of; it gives 3 channels and then 4" in text_from_diagnosis(told)


def test_sizes_that_change_are_not_claimed():
    model = keras.Sequential([keras.Input((None, 5, 1)), L.ReLU(name="relu")])
    told = diagnose(model, iter([np.ones((2, 3, 5, 1)), np.ones((1, 4, 5, 1))]))
    assert told.layer("relu").shape == (None, 5, 1)
    assert told.layer("relu").count == 2 * 15 + 20
    assert "?×5×1" in text_from_diagnosis(told)


def test_the_text_has_a_row_for_each_layer():
    lines = text_from_diagnosis(diagnose(SICK, IMAGES, compiled=False)).splitlines()
    assert lines[0] == "Diagnosis of sick over 11 images, 6 layers"
    rows = lines[-7:]
    headings = "layer maps mean deviation low high zeros dead constant saturated equal NaN inf"
    assert " ".join(rows[0].split()) == headings
    assert [row.split()[0] for row in rows[1:]] == [
        "conv:filter", "conv:detect", "pool", "flat", "dense", "out",
    ]  # fmt: skip
    whole = feature_maps(SICK, IMAGES, compiled=False)["conv"].astype(np.float64)
    told = rows[2].split()
    assert told[2:4] == [f"{whole.mean():.3g}", f"{whole.std():.3g}"]


def test_markdown_has_no_marks_from_names():
    model = keras.Sequential([keras.Input((2,)), L.ReLU(name="a|b<c>")], name="*net*")
    text = text_from_diagnosis(diagnose(model, np.ones((2, 2))), form="markdown")
    assert text.startswith("**Diagnosis of \\*net\\* over 2 images, 1 layer**")
    assert "| a\\|b\\<c\\> | 2 | 1 |" in text
    assert "…" in text_from_diagnosis(diagnose(SICK, IMAGES), form="markdown", layers=2)


def late_and_sick():
    """A linear layer, one that passes on a dead unit, a healthy layer, a sick one."""
    given = keras.Input((2, 2, 1))
    first = L.Activation("linear", name="plain")(given)
    row = L.Flatten(name="row")(first)
    shifted = L.Rescaling(2.0, 1.0, name="shifted")(row)
    return keras.Model(given, L.ReLU(name="relu")(L.Rescaling(-1.0, name="turned")(shifted)))


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_short_table_holds_the_sick_layers_in_their_order(form):
    images = np.array([[[1.0, 0], [2, 3]], [[3, 0], [-4, 1]]])
    told = diagnose(late_and_sick(), images)
    found = [path for path, layer in told.layers.items() if layer.verdict]
    assert (found, next(iter(told.layers))) == (["row", "shifted", "turned", "relu"], "plain")

    def shown(count):
        lines = text_from_diagnosis(told, form=form, layers=count).splitlines()
        lines = [line for line in lines if line.startswith("| ") or "  " in line][1:]
        return [line.strip("| ").split()[0] for line in lines if "--" not in line]

    assert shown(1) == ["shifted"]
    assert shown(3) == ["shifted", "turned", "relu"]
    assert shown(4) == ["row", "shifted", "turned", "relu"]
    assert shown(5) == list(told.layers)
    left = {2: "3 of 5 layers left out, 1 with findings", 3: "2 of 5 layers left out, none with"}
    for count, words in left.items():
        assert f"… {words}" in text_from_diagnosis(told, form=form, layers=count)
    assert "left out" not in text_from_diagnosis(told, form=form, layers=5)


def test_csv_and_json_hold_every_channel(empty_folder):
    images = IMAGES.copy()
    images[3] = NAN
    told = diagnose(SICK, images[3:4], finite=False)
    with write_diagnosis(told, empty_folder / "told.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(told.rows) == 5 + 5 + 5 + 20 + 4 + 3
    assert rows[0] == {
        "path": "conv:filter", "kind": "Conv2D", "channel": "0", "count": "25", "mean": "",
        "deviation": "", "low": "", "high": "", "zero_share": "0.0", "nan_count": "25",
        "infinite_count": "0", "lowest_count": "0", "saturated_share": "", "dead": "False",
        "constant": "False", "saturated": "False", "duplicate_of": "",
    }  # fmt: skip
    text = write_diagnosis(told, empty_folder / "told.json").read_text("utf-8")
    read = json.loads(text, parse_constant=pytest.fail)
    assert read["verdict"] == list(told.verdict)
    assert [layer["path"] for layer in read["layers"]] == list(told.layers)
    assert read["layers"][0]["channels"][0]["mean"] is None


def test_numbers_of_a_file_are_those_of_the_diagnosis(empty_folder):
    told = diagnose(SICK, IMAGES)
    text = write_diagnosis(told, empty_folder / "told.json").read_text("utf-8")
    conv = json.loads(text)["layers"][1]
    assert [one["mean"] for one in conv["channels"]] == told.layer("conv").mean.tolist()
    assert [one["duplicate_of"] for one in conv["channels"]] == [None, None, None, None, 3]


def sentence(call):
    with pytest.raises((ValueError, TypeError, KeyError, OSError)) as caught:
        call()
    return str(caught.value.args[0])


TOLD = diagnose(SICK, IMAGES)
ERRORS = [
    ("no images", lambda: diagnose(SICK, iter(())),
     "data must hold at least one image; got none"),
    ("saturation", lambda: diagnose(SICK, IMAGES, saturation=0),
     "saturation must be a finite number above 0 and at most 0.5; got 0"),
    ("saturated_from", lambda: diagnose(SICK, IMAGES, saturated_from=1.5),
     "saturated_from must be a finite number above 0 and at most 1; got 1.5"),
    ("progress", lambda: diagnose(SICK, IMAGES, progress="yes"),
     "progress must be True, False or None; got 'yes'"),
    ("limit", lambda: diagnose(SICK, IMAGES, limit=0),
     "limit must be a whole number of at least 1; got 0"),
    ("model", lambda: diagnose("model", IMAGES), "model must be a keras.Model; got 'model'; "
     "read_model opens a file"),
    ("layer", lambda: TOLD.layer("cnv"),
     "path must be one of 'conv:filter', 'conv:detect', 'pool', 'flat', 'dense', 'out'; got 'cnv' "
     "(did you mean 'conv'?)"),
    ("text", lambda: text_from_diagnosis(3), "diagnosis must come from diagnose(); got 3"),
    ("form", lambda: text_from_diagnosis(TOLD, form="html"),
     "form must be one of 'text', 'markdown'; got 'html'"),
    ("file", lambda: write_diagnosis(3, "a.csv"), "diagnosis must come from diagnose(); got 3"),
    ("ending", lambda: write_diagnosis(TOLD, "told.txt"),
     "output must end in one of .csv, .json; got 'told.txt'"),
    ("no path", lambda: write_diagnosis(TOLD, None), "output must be a path; got None"),
    ("number", lambda: write_diagnosis(TOLD, 3), "output must be a path; got 3"),
    ("zero byte", lambda: write_diagnosis(TOLD, "a\0b.csv"),
     "output must be a path, not empty and without '\\0'; got 'a\\x00b.csv'"),
    ("folder", lambda: write_diagnosis(TOLD, "none/told.csv"),
     "output must be in a folder that exists; got 'none'"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), [row[1:] for row in ERRORS],
                         ids=[row[0] for row in ERRORS])  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(call, text):
    assert sentence(call) == text


def test_the_value_shows_itself_in_a_line():
    assert repr(TOLD) == "Diagnosis of sick: 6 layers over 11 images, 7 findings"


def test_a_bar_is_silent_where_nobody_looks(capfd):
    diagnose(SICK, IMAGES)
    assert capfd.readouterr().err == ""
    diagnose(SICK, IMAGES, progress=True)
    assert "11/11" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["sigmoid", "tanh", "softmax"])
def test_no_bin_reaches_beyond_the_bound_of_an_activation(kind):
    model = keras.Sequential([keras.Input((2,)), L.Activation(kind, name="detect")])
    values = np.array([[900, -900], [900, 3], [0.3, 0.1]], np.float32)
    told = diagnose(model, values, compiled=False).layer("detect")
    edges, counts = told.stats.histogram.edges, told.stats.histogram.counts
    assert edges[-1] == 1.0
    assert counts[-1] >= 2
    assert edges[0] == -1.0 if kind == "tanh" else edges[0] > 0


def branch(kind):
    given = keras.Input((3,))
    return keras.Model(given, L.Dense(2, activation=kind, name="gate")(given), name=kind)


def test_layers_of_one_name_in_two_models_keep_their_own_bounds():
    given = keras.Input((3,))
    parts = [branch(kind) for kind in ("sigmoid", "relu", "tanh")]
    model = keras.Model(given, [part(given) for part in parts])
    for part in parts:
        kernel = np.array([[90.0, 0.1], [0.0, 0.2], [0.0, -0.3]])
        part.set_weights([kernel, np.zeros(2)])
    told = diagnose(model, np.array([[1.0, 2.0, 0.5], [2.0, 0.1, 0.7]]), compiled=False)
    bounds = {path: layer.bounds for path, layer in told.layers.items() if "gate" in path}
    assert bounds == {
        "sigmoid/gate": (0.0, 1.0), "relu/gate": (), "tanh/gate": (-1.0, 1.0),
    }  # fmt: skip
    assert told.layer("sigmoid/gate").stats.saturated.tolist() == [2, 0]


def test_a_layer_without_channels_is_named():
    given = keras.Input((2, 3, 1))
    model = keras.Model(given, L.ReLU(name="none")(L.ReLU(name="detect")(given)[..., :0]))
    told = diagnose(model, np.ones((2, 2, 3, 1)))
    assert told.unseen["none"] == "holds no number"
    assert "detect" in told.layers
    assert "none: not told of; it holds no number" in text_from_diagnosis(told)


class Choosing(keras.Model):
    """Runs a convolution for batches that hold a large value only."""

    def __init__(self):
        super().__init__(name="choosing")
        self.first, self.last = L.ReLU(name="first"), L.ReLU(name="last")
        self.conv = L.Conv2D(2, (2, 3), activation="relu", name="conv")

    def call(self, images):
        images = self.first(images)
        if float(tf.reduce_max(images[:, 0])) > 100:
            self.conv(images)
        return self.last(images)


def choosing():
    """The model, built, and images of which the last two are large."""
    model = Choosing()
    images = RANDOM.normal(size=(8, 4, 5, 1)).astype(np.float32)
    images[6:] += 200
    model(images)
    kernel = np.zeros((2, 3, 1, 2))
    kernel[..., 0, 0], kernel[..., 0, 1] = LOPSIDED, -np.abs(LOPSIDED)
    model.conv.set_weights([kernel, np.zeros(2)])
    return model, images


def test_a_layer_that_runs_for_some_images_is_told_of_for_these():
    model, images = choosing()
    images = np.concatenate([images[6:], images[:6], images[6:]])
    told = diagnose(model, images, batch_size=2)
    conv = told.layer("conv")
    assert (conv.images, conv.missed, conv.positions) == (4, 6, 9)
    assert (told.layer("last").images, told.layer("last").missed) == (10, 0)
    check_stats(conv.stats, feature_maps(model, images[:2], compiled=False)["conv"].repeat(2, 0))
    assert told.verdict == (
        "conv:detect: 1 of 2 channels is dead (0 at all 9 positions of the 4 of 10 images for "
        "which it ran): 1.",
    )
    assert told.notes == (
        "conv:filter: ran for 4 of 10 images only", "conv:detect: ran for 4 of 10 images only",
    )  # fmt: skip


def test_the_image_that_first_breaks_is_told_where_a_layer_runs_for_some():
    model, images = choosing()
    images = np.concatenate([images[6:], images[:6], images[6:]])
    images[9, 1, 1] = NAN
    told = diagnose(model, images, finite=False, batch_size=2)
    assert told.layer("conv").first_broken == told.layer("first").first_broken == 9


def test_a_layer_that_does_not_run_at_first_is_told_of_or_named():
    model, images = choosing()
    told = diagnose(model, images, batch_size=2)
    assert next(iter(told.layers)) == "first"
    assert {"conv:filter", "conv:detect"} <= {*told.layers, *told.unseen}
    assert "conv" not in told.unseen
    if "conv:detect" in told.layers:
        assert told.layer("conv").missed == 6
    else:
        assert told.unseen["conv:detect"] == (
            "ran for image 6 (from 0) first, not for the first batch"
        )


class Mixing(keras.Layer):
    """Gives something else than a map for each image."""

    def __init__(self, how, **options):
        super().__init__(**options)
        self.how = how

    def call(self, images):
        return self.how(images)


MIXING = [
    ("one number", tf.reduce_mean, "gives one number for the whole batch"),
    ("no axis of images", lambda x: tf.reduce_sum(x, axis=0)[:3], "gives 3×5×1 for 2 images"),
    ("rows of the batch", lambda x: tf.reduce_sum(x, axis=0),
     "gives 2 maps for each image and then 4"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "why"), [row[1:] for row in MIXING],
                         ids=[row[0] for row in MIXING])  # fmt: skip
def test_what_is_no_map_for_each_image_is_not_counted(how, why):
    given = keras.Input((4, 5, 1))
    mixed = Mixing(how, name="mixed")(given)
    model = keras.Model(given, [L.ReLU(name="relu")(given), mixed])
    told = diagnose(model, RANDOM.normal(size=(5, 4, 5, 1)), batch_size=2, compiled=False)
    assert list(told.layers) == ["relu"]
    assert dict(told.unseen) == {"mixed": why}
    assert told.notes == (f"mixed: not told of; it {why}",)


def test_a_batch_without_images_changes_nothing():
    model = keras.Sequential([keras.Input((4, 5, 1)), L.ReLU(name="relu")])
    images = RANDOM.normal(size=(2, 4, 5, 1)).astype(np.float32)
    told = diagnose(model, iter([images, images[:0], images]), compiled=False)
    assert (told.images, told.layer("relu").images, told.layer("relu").missed) == (4, 4, 0)
    assert told.healthy


def test_parts_of_an_image_are_counted_with_it():
    images = RANDOM.normal(size=(5, 8, 6, 1)).astype(np.float32)
    model = keras.Sequential([
        keras.Input((8, 6, 1)), Mixing(lambda x: tf.reshape(x, (-1, 4, 3, 2)), name="parts"),
    ])  # fmt: skip
    images[3, 7, 5] = NAN
    told = diagnose(model, images, batch_size=2, finite=False)
    parts = told.layer("parts")
    assert (parts.maps_each, parts.positions, parts.shape) == (2, 24, (4, 3, 2))
    assert parts.first_broken is None
    assert told.verdict[-1].endswith("parts: 1 NaN in channel 1.")
    check_stats(parts.stats, images.reshape(-1, 4, 3, 2))
    assert told.notes == ("parts: gave 2 maps for each image",)


def test_numbers_and_nouns_agree():
    model = keras.Sequential([keras.Input((2, 3, 1)), L.ReLU(name="relu")], name="net")
    told = diagnose(model, -np.ones((2, 2, 3, 1)))
    assert told.verdict == (
        "relu: 1 of 1 channel is dead (0 at all 6 positions of all 2 images): 0.",
    )
    assert repr(told) == "Diagnosis of net: 1 layer over 2 images, 1 finding"
    double = keras.Sequential([keras.Input((28,)), L.Activation("linear", name="same")])
    values = np.repeat(RANDOM.normal(size=(3, 14)), 2, axis=1)
    (line,) = diagnose(double, values).verdict
    assert line.endswith("22 = 23 and 2 more groups.")
    values[0, 0] += 1
    (line,) = diagnose(double, values).verdict
    assert line.endswith("24 = 25 and 1 more group.")


def test_positions_are_not_counted_where_sizes_change():
    model = keras.Sequential([keras.Input((None, 5, 1)), L.ReLU(name="relu")])
    told = diagnose(model, iter([-np.ones((2, 3, 5, 1)), -np.ones((1, 4, 5, 1))]))
    assert told.verdict == (
        "relu: 1 of 1 channel is dead (0 at all positions of all 3 images): 0.",
    )


@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("largest", [1e139, 1e150, 1e299, 1.7e308])
def test_the_largest_numbers_have_a_deviation(largest, batch_size):
    values = np.array([[1.0, 3.0], [2.0, -0.5], [-0.25, 0.75], [0.5, 1.0], [0.125, -1.0]])
    values[:, 0] = np.array([1e-3, 2.0, -0.25, 1.0, -1.0]) * np.array([1, 1, *[largest] * 3])
    told = stats_of(values, batch_size)
    scaled = values[:, 0] / largest
    assert told.deviation[0] / largest == pytest.approx(slow_stats(scaled[:, None])["deviation"][0])
    assert told.mean[0] / largest == pytest.approx(slow_stats(scaled[:, None])["mean"][0])
    check = slow_stats(values[:, 1:])
    assert told.deviation[1] == pytest.approx(check["deviation"][0], rel=1e-14)


@pytest.mark.parametrize("compiled", ["no", 1])
def test_compiled_is_true_false_or_none(compiled):
    with pytest.raises(TypeError, match="compiled must be True or False; got"):
        diagnose(SICK, IMAGES, compiled=compiled)


class IdentityBlock(L.Layer):
    """By its name one that passes on, and makes all of it 0."""

    def call(self, values):
        return values * 0


def own(name):
    """Return a class of one's own that has this name."""
    return type(name, (IdentityBlock,), {})


OWN = ["IdentityBlock", "FlattenHead", "ReshapeConv", "Flatten", "Dropout"]


@pytest.mark.parametrize("name", OWN)
def test_classes_of_ones_own_are_judged_whatever_their_name(name):
    model = keras.Sequential([keras.Input((3,)), own(name)(name="block"), L.Dense(2)])
    told = diagnose(model, RANDOM.normal(size=(4, 3)))
    assert told.verdict[0] == "block: 3 of 3 units are dead (0 for all 4 images): 0, 1, 2."


def test_classes_of_ones_own_do_not_follow_the_layer_before_by_their_name():
    model = keras.Sequential([
        keras.Input((2, 2, 1)), own("Conv")(name="conv"), own("ReLUBlock")(name="relu"),
    ])  # fmt: skip
    verdict = diagnose(model, RANDOM.normal(size=(4, 2, 2, 1))).verdict
    assert [line.split(":")[0] for line in verdict] == ["conv", "relu"]


def empty_row():
    """Return a healthy model, and images whose first row is 0."""
    model = keras.Sequential([keras.Input((4, 4, 1)), L.Flatten(name="f"), L.Dense(2, name="d")])
    images = RANDOM.normal(size=(5, 4, 4, 1)).astype(np.float32)
    images[:, 0] = 0
    return model, images


def test_what_is_passed_on_as_it_came_in_is_told_beside_the_health():
    told = diagnose(*empty_row())
    assert told.healthy
    assert (
        "No channel that a layer makes is dead, constant, saturated or equal to another; no NaN, "
        "no infinity. Passed on as they come in: f (of 16 units: 4 dead).\n"
    ) in text_from_diagnosis(told)
    model, images = empty_row()
    text = text_from_diagnosis(diagnose(model, images + 1, "d"))
    assert "\nNo channel is dead, constant, saturated or equal to another; no NaN" in text


def test_layers_that_pass_on_are_judged_where_there_are_no_others():
    model, images = empty_row()
    told = diagnose(model, images, "f")
    assert told.verdict == ("f: 4 of 16 units are dead (0 for all 5 images): 0, 1, 2, 3.",)
    alone = keras.Sequential([keras.Input((4, 4, 1)), L.Dropout(0.5, name="drop")])
    assert not diagnose(alone, images * 0).healthy


def test_what_went_in_is_told_of_all_batches():
    model = keras.Sequential([keras.Input((2,)), L.Activation("linear", name="same")])
    batches = [np.full((2, 2), 0.5, np.float32), np.full((3, 2), 255, np.uint8), np.ones((1, 2))]
    (line,) = diagnose(model, iter(batches)).went_in
    assert line == (
        "6×2 float32, 0.5 to 1 (float32 as given or uint8, white is 1 or float64 as given)"
    )


def test_a_run_and_a_batch_tell_what_went_in_in_the_same_words():
    for values in (np.full((40, 1200), NAN), np.arange(48000).reshape(40, 1200) / 7):
        seen = InputsSeen()
        for part in (values[:1], values[1:]):
            seen.add(Feed((part,), ("as given",)))
        assert seen.lines() == (note_of_input(values, "as given"),)
    broken = note_of_input(np.full((40, 1200), NAN), "as given")
    assert broken == "40×1200 float64, no finite value, 48,000 NaN or infinite (as given)"


def test_of_many_ways_the_first_are_told():
    seen = InputsSeen()
    for number in range(5):
        seen.add(Feed((np.ones((2, 3)),), (f"way {number}",)))
    seen.add(Feed((np.array([[NAN, INF, 2]]),), ("way 0",)))
    assert seen.lines() == (
        "11×3 float64, 1 to 2, 2 NaN or infinite (way 0 or way 1 or way 2 and 2 more ways)",
    )
    assert seen.broken == ((1, 1),)


def ended_by(layers, value=INF):
    """Return the first sentence about images that hold one value that is not finite."""
    images = np.ones((3, 4, 4, 1), np.float32)
    images[1, 2, 3] = value
    model = keras.Sequential([keras.Input((4, 4, 1)), L.Rescaling(2.0, name="first"), *layers])
    return diagnose(model, images, finite=False).verdict[1].split(" (from 0)")[1]


def test_a_pool_is_named_only_where_it_hid_nan():
    pool, sigmoid = L.MaxPooling2D(name="pool"), L.Activation("sigmoid", name="s")
    assert ended_by([sigmoid, pool]) == "; not in s."
    assert ended_by([sigmoid, pool], NAN) == "; also in s; not in pool, as a max-pool hides NaN."
    assert ended_by([pool], -INF) == "; not in pool."
    assert ended_by([own("MaxPooling2D")(name="pool")], NAN) == "; also in pool."


@pytest.mark.skipif(
    not hasattr(L, "AdaptiveMaxPooling2D"), reason="this Keras has no adaptive pools"
)
def test_adaptive_pools_do_with_nan_and_death_as_the_others_do():
    def most():
        return L.AdaptiveMaxPooling2D((2, 3), name="pool")

    def mean():
        return L.AdaptiveAveragePooling2D((2, 3), name="pool")

    line = np.array([NAN, NAN, 3, NAN], np.float32).reshape(1, 4, 1)
    hidden = np.asarray(L.AdaptiveMaxPooling1D(2)(line))
    assert hidden.ravel().tolist() == [np.finfo(np.float32).min, 3]
    assert ended_by([most()], NAN) == "; not in pool, as a max-pool hides NaN."
    assert ended_by([mean()], NAN) == "; also in pool."
    for pool in (most(), mean()):
        model = keras.Sequential([keras.Input((4, 5, 2)), L.ReLU(name="relu"), pool])
        images = RANDOM.normal(size=(4, 4, 5, 2)) - [0, 99]
        (sentence,) = diagnose(model, images).verdict
        assert sentence == (
            "relu: 1 of 2 channels is dead (0 at all 20 positions of all 4 images): 1; "
            "the same in pool."
        )


def test_layers_of_other_branches_are_not_named_as_without_nan():
    given = keras.Input((4, 4, 1))
    sick = L.Rescaling(INF, name="sick")(given)
    fine = L.ReLU(name="fine")(given)
    pooled = L.MaxPooling2D(name="pool")(fine)
    still = L.Rescaling(1.0, name="still")(L.Rescaling(1.0, name="then")(sick))
    model = keras.Model(given, [still, pooled])
    (sentence, *_) = diagnose(model, np.zeros((2, 4, 4, 1)), finite=True).verdict
    assert sentence == (
        "The first layer with NaN or infinity is sick: 32 NaN in channel 0, first in image 0 "
        "(from 0); also in then, still."
    )


def test_the_image_is_not_told_where_each_gives_several_maps():
    """The maps may be dealt out in any order: here the right halves follow all left ones."""
    halves = Mixing(lambda x: tf.concat([x[:, :, :3], x[:, :, 3:]], 0), name="halves")
    model = keras.Sequential([keras.Input((8, 6, 1)), halves])
    images = RANDOM.normal(size=(2, 8, 6, 1)).astype(np.float32)
    images[0, 0, 5] = NAN
    told = diagnose(model, images, finite=False)
    assert told.layer("halves").first_broken is None
    assert "image" not in told.verdict[1]


def test_positions_are_not_claimed_to_be_one_where_sizes_change():
    model = keras.Sequential([keras.Input((None, 1)), L.ReLU(name="relu")])
    told = diagnose(model, iter([-np.ones((3, 1, 1)), -np.ones((1, 2, 1))]))
    assert told.verdict == (
        "relu: 1 of 1 channel is dead (0 at all positions of all 4 images): 0.",
    )


def test_one_image_of_several_is_told_as_such():
    model, images = choosing()
    told = diagnose(model, images[[6, 0, 1]], batch_size=1)
    assert "of 1 of 3 images, and one image proves little)" in told.verdict[0]


def test_bounds_that_the_values_leave_are_not_claimed():
    for low, high, kept in ((0, 1, True), (0, 1.5, False), (-0.25, 1, False)):
        running = RunningStats(1, (0.0, 1.0), 0.01)
        running.add(np.array([[low], [0.5], [high]]))
        assert running.is_bounded == kept
        assert (running.result().saturated is not None) == kept
    softmax = RunningStats(2, (1.0,), 0.01)
    softmax.add(np.array([[0.0, 1.0 + 1e-7]]))
    assert softmax.is_bounded


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_whole_numbers_that_float64_does_not_hold_are_not_constant(dtype, batch_size):
    values = np.array([[2**53, 2**53], [2**53, 2**53], [2**53 + 1, 2**53]], dtype)
    assert stats_of(values, batch_size).one_value.tolist() == [False, True]
    model = keras.Sequential([
        keras.Input((2,), dtype=dtype), L.Identity(name="same", dtype=dtype)
    ])  # fmt: skip
    told = diagnose(model, values, batch_size=batch_size, compiled=False).layer("same")
    assert told.constant.tolist() == [False, True]


@pytest.mark.parametrize("batch_size", [1, 2, 5])
@pytest.mark.parametrize("largest", [1e-318, 1e-170, 1e-141, 1e-130])
def test_the_smallest_numbers_have_a_deviation(largest, batch_size):
    values = np.array([[0.0, 0.0], [0.0, -0.5], [-0.25, 0.75], [0.5, 1.0], [0.125, -1.0]])
    small = values * largest
    near = 0.02 if largest == 1e-318 else 1e-12
    expected = slow_stats(values)
    for name in ("mean", "deviation"):
        for number in range(2):
            told = getattr(stats_of(small, batch_size), name)[number]
            assert told / largest == pytest.approx(expected[name][number], rel=near)
    mixed = np.concatenate([small, values])
    check_stats(stats_of(mixed, batch_size), mixed)
    check_stats(stats_of(mixed[::-1], batch_size), mixed)


NEARLY = [(0.9999, "0.9999"), (-0.99999, "−0.99999"), (1.0, "1"), (2 / 3, "0.667"),
          (12.0001, "12.0001"), (1e-9, "1e−09"), (1234.5, "1234.5")]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), NEARLY, ids=[row[1] for row in NEARLY])
def test_a_constant_is_not_rounded_to_a_whole_number(value, text):
    model = keras.Sequential([
        keras.Input((1,), dtype="float64"), L.Activation("linear", name="same", dtype="float64"),
    ])  # fmt: skip
    (line,) = diagnose(model, np.full((3, 1), value)).verdict
    assert line == f"same: 1 of 1 unit is constant (one value for all 3 images): 0 (all {text})."


class Condensing(keras.Model):
    """Condenses batches that hold a large value only."""

    def __init__(self):
        super().__init__(name="condensing")
        self.relu, self.pool = L.ReLU(name="relu"), L.MaxPooling2D(2, name="pool")

    def call(self, images):
        maps = self.relu(-images)
        if float(tf.reduce_max(images[:, 0])) > 100:
            self.pool(maps)
        return maps


def test_a_pool_that_ran_for_some_images_is_told_of_by_itself():
    model, images = Condensing(), np.ones((6, 4, 4, 1), np.float32)
    images[:2] += 200
    model(images)
    assert diagnose(model, images, batch_size=2).verdict == (
        "relu: 1 of 1 channel is dead (0 at all 16 positions of all 6 images): 0.",
        "pool: 1 of 1 channel is dead (0 at all 4 positions of the 2 of 6 images for which it "
        "ran): 0.",
    )


def test_a_pool_that_hides_nan_is_found_in_a_model_that_is_no_graph():
    model, images = Condensing(), np.ones((4, 4, 4, 1), np.float32)
    images[:2] += 200
    images[2, 1, 1] = NAN
    model(images[:1])
    (sentence,) = diagnose(model, images, finite=False, batch_size=4).verdict[1:2]
    assert sentence.endswith("(from 0); not in pool, as a max-pool hides NaN.")


@pytest.mark.parametrize("wanted", ["end", ["half", "end"]], ids=["last", "last two"])
def test_the_first_layer_with_nan_is_named_though_it_was_not_asked_for(wanted):
    model = keras.Sequential([
        keras.Input((6, 7, 1)), L.Lambda(tf.math.log, name="log"), L.Rescaling(0.5, name="half"),
        L.GlobalAveragePooling2D(name="end"),
    ])  # fmt: skip
    (sentence, *_) = diagnose(model, IMAGES, wanted, batch_size=4).verdict
    first = wanted if isinstance(wanted, str) else wanted[0]
    assert sentence.startswith(
        "The first layer with NaN or infinity is log, of which no numbers were kept; then "
        f"{first}: "
    )
    assert sentence.endswith("(from 0); also in end." if first == "half" else "(from 0).")


class Taking(keras.Model):
    """Takes the logarithm of batches that hold a large value only."""

    def __init__(self):
        super().__init__(name="taking")
        self.begin, self.end = L.Rescaling(1.0, name="begin"), L.Rescaling(0.5, name="end")
        self.log = L.Lambda(tf.math.log, name="log")

    def call(self, images):
        maps = self.begin(images)
        if float(tf.reduce_max(maps)) > 100:
            maps = self.log(-maps)
        return self.end(maps)


def test_layers_stand_in_the_order_of_the_run_also_those_that_run_later():
    model, images = Taking(), np.ones((4, 2, 3, 1), np.float32)
    model(images + 200)
    images[2:] += 200
    told = diagnose(model, images, batch_size=2)
    assert list(told.layers) == ["begin", "log", "end"]
    assert told.verdict[0] == (
        "The first layer with NaN or infinity is log: 12 NaN in channel 0, first in image 2 "
        "(from 0); also in end."
    )


@pytest.mark.parametrize("wanted", [None, ["early", "late"]], ids=["all", "two"])
def test_the_first_layer_with_nan_is_the_first_though_it_breaks_in_a_later_batch(wanted):
    given = keras.Input((2,))
    early = L.Lambda(tf.math.log, name="early")(given)
    late = L.Lambda(lambda x: tf.math.log(-x), name="late")(given)
    model = keras.Model(given, [L.Rescaling(1.0, name="after")(early), late])
    told = diagnose(model, np.array([[1.0, 2], [-1, 3]]), wanted, batch_size=1)
    assert next(iter(told.layers)) == "early"
    assert told.layer("late").first_broken == 0
    assert told.verdict[0].startswith(
        "The first layer with NaN or infinity is early: 1 NaN in unit 0, first in image 1 "
        "(from 0); also in "
    )


class Detecting(keras.Model):
    """Detects by a function, as models of one's own do, then passes on."""

    def __init__(self):
        super().__init__(name="detecting")
        self.conv, self.drop = L.Conv2D(4, (2, 3), name="conv"), L.Dropout(0.5, name="drop")
        self.flat, self.out = L.Flatten(name="flat"), L.Dense(2, name="out")

    def call(self, images):
        return self.out(self.flat(self.drop(tf.nn.relu(self.conv(images)))))


def detecting(kind):
    """Return a model whose channels 1 and 2 are dead for all images, behind a function."""
    if kind == "own":
        model = Detecting()
        model(IMAGES)
    else:
        given = keras.Input((6, 7, 1))
        maps = L.Dropout(0.5, name="drop")(keras.ops.relu(L.Conv2D(4, (2, 3), name="conv")(given)))
        model = keras.Model(given, L.Dense(2, name="out")(L.Flatten(name="flat")(maps)))
    kernel = np.stack([np.array(LOPSIDED) / (n + 1) for n in range(4)], -1)[:, :, None]
    model.get_layer("conv").set_weights([kernel, np.array([0, -999, -999, 0.5])])
    return model


@pytest.mark.parametrize("batch_size", [2, 32])
@pytest.mark.parametrize("kind", ["own", "functional"])
def test_dead_channels_that_a_function_made_are_found(kind, batch_size):
    told = diagnose(detecting(kind), IMAGES, batch_size=batch_size)
    assert told.verdict == (
        "drop: 2 of 4 channels are dead (0 at all 25 positions of all 11 images): 1, 2.",
    )
    assert (told.layer("drop").role, told.layer("flat").role) == ("", "passing")


def test_what_the_images_bring_along_is_passed_on_also_by_a_function():
    images = empty_row()[1]
    given = keras.Input((4, 4, 1))
    first = L.GlobalMaxPooling2D()(L.ReLU()(L.Conv2D(2, (2, 3), name="first")(given)))
    flat = L.Flatten(name="flat")(given)  # after a layer that makes something, of the input itself
    model = keras.Model(given, [first, L.Dense(2, name="end")(flat)])
    told = diagnose(model, images)
    assert list(told.layers).index("first") < list(told.layers).index("flat")
    assert told.layer("flat").role == "passing"
    scaled = L.Dense(2, name="end")(L.Flatten(name="flat")(given / 255.0))
    assert diagnose(keras.Model(given, scaled), images).healthy


class Training(keras.Model):
    """Drops channels always."""

    def __init__(self):
        super().__init__(name="training")
        self.conv, self.drop = L.Conv2D(32, (2, 3), name="conv"), L.SpatialDropout2D(0.5, name="d")

    def call(self, images):
        return self.drop(self.conv(images), training=True)


def test_a_dropout_that_trains_makes_its_zeros_itself():
    model = Training()
    model(IMAGES[:1])
    told = diagnose(model, IMAGES[:1])
    dead = int(told.layer("d").dead.sum())
    assert dead > 0
    assert told.verdict[0].startswith(f"d: {dead} of 32 channels ")


def test_near_a_bound_is_measured_by_the_range():
    model = keras.Sequential([keras.Input((3,)), L.ReLU(max_value=0.005, name="relu")])
    values = np.array([[0.001, 1, 0.00496], [0.002, 2, 0.004951]])
    told = diagnose(model, values)
    assert told.layer("relu").saturated.tolist() == [False, True, True]
    assert told.layer("relu").saturation == pytest.approx(5e-5)
    assert told.verdict[-1] == (
        "relu: 2 of 3 units are saturated (at least 90 % of the values within 5e−05 of 0.005): "
        "1, 2."
    )
    reach = [((0.0, 1.0), 0.01), ((-1.0, 1.0), 0.01), ((6.0,), 0.01), ((0.5,), 0.005), ((), 0.01)]
    for bounds, near in reach:
        assert RunningStats(1, bounds, 0.01).tolerance == near
