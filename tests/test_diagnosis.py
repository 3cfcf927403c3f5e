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
from featviz.networks.maps import feature_maps
from featviz.networks.twins import Twins
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
        "(from 0); not in pool, half, as a max-pool hides NaN."
    )


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
    assert len(arrays) == 7
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
        "infinite_count": "0", "saturated_share": "", "dead": "False", "constant": "False",
        "saturated": "False", "duplicate_of": "",
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
    ("model", lambda: diagnose("model", IMAGES), "model must be a keras.Model; got 'model'"),
    ("layer", lambda: TOLD.layer("cnv"),
     "path must be one of 'conv:filter', 'conv:detect', 'pool', 'flat', 'dense', 'out'; got 'cnv' "
     "(did you mean 'conv'?)"),
    ("text", lambda: text_from_diagnosis(3), "diagnosis must come from diagnose(); got 3"),
    ("form", lambda: text_from_diagnosis(TOLD, form="html"),
     "form must be one of 'text', 'markdown'; got 'html'"),
    ("file", lambda: write_diagnosis(3, "a.csv"), "diagnosis must come from diagnose(); got 3"),
    ("ending", lambda: write_diagnosis(TOLD, "told.txt"),
     "ending of the path must be one of '.csv', '.json'; got '.txt'"),
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
