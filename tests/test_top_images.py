"""The images that excite a channel most: against a loop over everything."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED
from PIL import Image

from featviz.networks.maps import feature_maps
from featviz.networks.paths import PathError
from featviz.networks.top_scores import top_images
from featviz.render.map_plots import plot_top_images


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((9, 7, 3)),
        keras.layers.Conv2D(5, (2, 3), name="conv", activation="relu"),
        keras.layers.GlobalAveragePooling2D(name="pool"),
        keras.layers.Dense(4, name="dense"),
    ]
    model = keras.Sequential(layers, name="net")
    kernel = np.random.default_rng(4).normal(size=(2, 3, 3, 5))
    kernel[..., 0, 0] = LOPSIDED
    model.get_layer("conv").set_weights([kernel, np.full(5, -0.5)])
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(5).normal(size=(11, 9, 7, 3)).astype(np.float32)


def slow_best(values, count, by):
    """For each channel (score, image, first cell of the maximum), the best first."""
    rows = []
    for f in range(values.shape[-1]):
        found = []
        for b in range(len(values)):
            cells = values[b, ..., f].astype(np.float64)
            whole = [float(v) for v in cells.ravel() if np.isfinite(v)]
            if not whole:
                continue
            spot = next(i for i in np.ndindex(cells.shape) if cells[i] == max(whole))
            score = max(whole) if by == "max" else sum(whole) / len(whole)
            found.append((-score, b, list(spot)))
        rows.append(sorted(found)[:count])
    return rows


@pytest.mark.parametrize("by", ["max", "mean"])
@pytest.mark.parametrize("batch_size", [1, 4, 32])
@pytest.mark.parametrize("path", ["conv", "conv:filter", "pool"])
def test_the_best_images_follow_their_definition(model, images, by, batch_size, path):
    best = top_images(model, images, path, count=3, by=by, batch_size=batch_size)
    expected = slow_best(feature_maps(model, images)[path], 3, by)
    assert best.indices.tolist() == [[b for _, b, _ in row] for row in expected]
    np.testing.assert_allclose(best.scores, [[-s for s, _, _ in row] for row in expected], 1e-6)
    assert best.positions.tolist() == [[spot for _, _, spot in row] for row in expected]
    assert (best.count, best.left_out, best.channels) == (11, 0, tuple(range(5)))


def test_of_equal_images_the_first_wins_in_whatever_batch_it_comes(model, images):
    # So many and so mixed that an unstable order shows itself.
    same = images[np.random.default_rng(6).integers(0, 3, 90)]
    expected = slow_best(feature_maps(model, same)["conv"], 7, "max")
    for size in (7, 90):
        best = top_images(model, same, "conv", count=7, batch_size=size)
        assert best.indices.tolist() == [[b for _, b, _ in row] for row in expected]


def test_nan_never_wins_and_is_counted(model, images):
    broken = images.copy()
    broken[2, 1, 1, 0], broken[7], broken[8, 0, 0, 0] = np.nan, np.nan, np.inf
    best = top_images(model, broken, "conv:filter", count=11, finite=False, batch_size=4)
    expected = slow_best(feature_maps(model, broken, finite=False)["conv:filter"], 11, "max")
    assert [row[: len(e)] for row, e in zip(best.indices.tolist(), expected, strict=True)] == [
        [b for _, b, _ in row] for row in expected
    ]
    assert not (best.indices == 7).any()
    assert (best.indices[:, -1] == -1).all()
    assert np.isnan(best.scores[:, -1]).all()
    assert (best.positions[:, -1] == -1).all()
    assert best.left_out == 3


@pytest.mark.parametrize("by", ["max", "mean"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_lowest_float_of_a_max_pool_takes_no_part(by, dtype):
    kernel = np.array(LOPSIDED, np.float32).reshape(2, 3, 1, 1)
    conv = keras.layers.Conv2D(1, (2, 3), padding="same", use_bias=False, dtype=dtype)
    pool = keras.layers.MaxPooling2D(2, name="pool", dtype=dtype)
    net = keras.Sequential([keras.Input((8, 8, 1)), conv, pool])
    conv.set_weights([kernel])
    images = np.random.default_rng(5).random((5, 8, 8, 1)).astype(np.float32)
    images[1, :4, :4], images[2] = np.nan, np.nan
    maps = feature_maps(net, images, finite=False)["pool"].astype(np.float64)
    lowest = float(np.finfo(dtype).min)
    assert (maps[1] == lowest).any() != (maps[1] == lowest).all()
    assert (maps[2] == lowest).all()
    measure = np.max if by == "max" else np.mean
    slow = {index: measure(one[one != lowest]) for index, one in enumerate(maps) if index != 2}
    best = top_images(net, images, "pool", by=by, finite=False, count=5, batch_size=2)
    assert best.indices.tolist() == [[*sorted(slow, key=lambda index: -slow[index]), -1]]
    np.testing.assert_allclose(best.scores[0, :4], sorted(slow.values(), reverse=True), 1e-6)
    assert (best.left_out, best.scored.tolist()) == (2, [4])
    told = " ".join(text.get_text() for text in plot_top_images(best).texts)
    rule = "cells with NaN, infinity or the lowest float take no part"
    assert f"{rule}: 2 images had such cells" in told


def test_some_channels_and_fewer_images_than_asked_for(model, images):
    best = top_images(model, images[:2], "conv", channels=[4, 1], count=9)
    whole = top_images(model, images[:2], "conv", count=9)
    assert best.indices.shape == (2, 2)
    assert best.indices.tolist() == whole.indices[[4, 1]].tolist()
    assert (best.channels, best.total) == ((4, 1), 5)


def test_the_number_of_a_channel_is_that_channel(model, images):
    alone, listed = (top_images(model, images, "conv", channels=one) for one in (2, [2]))
    assert alone.channels == listed.channels == (2,)
    assert np.array_equal(alone.indices, listed.indices)
    for one in (np.int64(2), np.array(2)):
        assert top_images(model, images, "conv", channels=one).channels == (2,)
    best = top_images(model, images, "conv", count=1)
    texts, expected = (
        [text.get_text() for text in plot_top_images(best, channels=one).texts]
        for one in (np.array(2), 2)
    )
    assert texts == expected


def test_only_the_pictures_that_won_are_kept_as_they_went_in(model, images):
    best = top_images(model, images, "conv", count=1, batch_size=3)
    assert set(best.pictures) == set(best.indices.ravel().tolist())
    for index, picture in best.pictures.items():
        np.testing.assert_array_equal(picture, images[index])


def test_large_pictures_become_means_of_their_blocks():
    model = keras.Sequential([keras.Input((130, 65, 1)), keras.layers.ReLU(name="detect")])
    image = np.random.default_rng(0).random((1, 130, 65, 1)).astype(np.float32)
    (picture,) = top_images(model, image, "detect").pictures.values()
    assert picture.shape == (64, 64, 1)
    rows, columns = np.linspace(0, 130, 65).astype(int), np.linspace(0, 65, 65).astype(int)
    for i, j in ((0, 0), (63, 63), (31, 40)):
        block = image[0, rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        assert picture[i, j, 0] == pytest.approx(block.mean(), rel=1e-5)


def test_models_of_vectors_have_no_pictures_and_no_place():
    model = keras.Sequential([keras.Input((3,)), keras.layers.ReLU(name="detect")])
    best = top_images(model, np.array([[1.0, 0, 3], [2, 5, -1]], np.float32), "detect", count=1)
    assert best.indices.tolist() == [[1], [1], [0]]
    assert best.positions.shape == (3, 1, 0)
    assert not best.pictures
    words = {text.get_text() for text in plot_top_images(best).texts}
    assert {"#1: 5", "#0: 3", "channel 2"} <= words


def _reshaped(x):
    return keras.ops.reshape(x, (-1, 3, 7, 3))


def _mean(x):
    return keras.ops.mean(x)


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (_reshaped, "'own' gave an array of 33×3×7×3 for 11 images"),
        (_mean, "'own' gave one number for 11 images"),
        (lambda x: x[:4], "'own' gave an array of 4×9×7×3 for 11 images"),
    ],
    ids=["more rows", "a scalar", "fewer rows"],
)
def test_a_layer_without_a_map_for_each_image_is_refused(images, function, got):
    model = keras.Sequential([keras.Input((9, 7, 3)), keras.layers.Lambda(function, name="own")])
    with pytest.raises(ValueError, match="path must give one map for each image") as caught:
        top_images(model, images, "own")
    assert str(caught.value) == f"path must give one map for each image; {got}"


class Sometimes(keras.Model):
    """Runs a layer only where a batch begins below a limit."""

    def __init__(self):
        super().__init__(name="sometimes")
        self.act = keras.layers.ReLU(name="act")

    def call(self, x):
        return self.act(x) if x[0, 0, 0, 0] < 10 else x


def test_a_layer_that_runs_for_some_batches_only_is_refused(images):
    model = Sometimes()
    model(images)
    late = images.copy()
    late[4:] += 20
    with pytest.raises(ValueError, match="path must") as caught:
        top_images(model, late, "act", batch_size=4)
    expected = "path must give one map for each image; 'act' did not run for images 4 to 7, from 0"
    assert str(caught.value) == expected


def test_maps_of_several_sizes_are_refused():
    model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.ReLU(name="act")])
    batches = (np.ones((2, side, side, 1), np.float32) for side in (4, 6))
    with pytest.raises(ValueError, match="path must") as caught:
        top_images(model, batches, "act")
    assert str(caught.value) == (
        "path must give maps of one size; 'act' gave 4×4×1, and 6×6×1 from image 2 on; bring the "
        "images to one size"
    )


@pytest.mark.parametrize("by", ["max", "mean"])
def test_whole_numbers_beyond_float64_keep_their_order(by):
    class Whole(keras.layers.Layer):
        def call(self, x):
            return tf.cast(x, tf.int64) + 2**53

    model = keras.Sequential([keras.Input((2, 1, 1)), Whole(name="own", dtype="float64")])
    given = np.array([0, 2, 1, 3, -(2**54), 3], np.float64).reshape(6, 1, 1, 1).repeat(2, 1)
    best = top_images(model, given, "own", count=6, by=by, batch_size=4)
    assert best.indices.tolist() == [[3, 5, 1, 2, 0, 4]]
    assert best.scores[0, -1] == -(2.0**53)
    assert best.positions[0, 0].tolist() == [0, 0]


def test_one_number_for_each_image_is_one_channel(images):
    model = keras.Sequential([
        keras.Input((9, 7, 3)),
        keras.layers.Lambda(lambda x: keras.ops.mean(x, axis=(1, 2, 3)), name="own"),
    ])  # fmt: skip
    best = top_images(model, images, "own", count=2)
    expected = feature_maps(model, images)["own"]
    assert best.indices.tolist() == [np.argsort(-expected)[:2].tolist()]
    assert (best.total, best.sizes) == (1, ())


def test_what_went_in_is_told_of_all_batches(model, images):
    wide = images.copy()
    wide[0, 0, 0, 0], wide[10, 8, 6, 2] = -7, 50
    best = top_images(model, wide, "conv", batch_size=4)
    assert best.went_in == ("11×9×7×3 float32, −7 to 50 (float32 as given)",)
    given = [wide[0], (wide[1] > 0), *wide[2:]]
    both = top_images(model, given, "conv", batch_size=1)
    assert both.went_in[0].startswith("11×9×7×3 float32, −7 to 50 (float32 as given or ")


def slow_ties(values, scores, by):
    """How many images have, for each channel, the score of the last place."""
    score = {"max": np.max, "mean": np.mean}[by]
    return [
        sum(bool(np.isclose(score(one[..., f]), scores[f, -1], 1e-6)) for one in values)
        for f in range(values.shape[-1])
    ]


@pytest.mark.parametrize("by", ["max", "mean"])
@pytest.mark.parametrize("batch_size", [1, 3, 40])
def test_equal_and_dead_channels_say_so(by, batch_size):
    # Channel 0 is dead, 1 always 2, 2 has few levels, 3 differs, 4 is below 0 but once.
    source = np.random.default_rng(3)
    given = np.zeros((40, 2, 2, 5), np.float32)
    given[..., 1] = 2
    given[..., 2] = source.integers(0, 3, 40)[:, None, None]
    given[..., 3] = source.permutation(40)[:, None, None] / 8
    given[17, 1, 0, 4] = 1
    model = keras.Sequential([keras.Input((2, 2, 5)), keras.layers.ReLU(name="act")])
    best = top_images(model, given, "act", count=4, by=by, batch_size=batch_size)
    assert best.tied.tolist() == slow_ties(given, best.scores, by)
    assert best.dead.tolist() == [True, False, False, False, False]
    more = int((given[:, 0, 0, 2] == 2).sum()) - 4
    assert more > 0
    assert best.marks == (
        "dead: all 0", "all equal: 2", f"{more} more with 2", "",
        "36 more with 0",
    )  # fmt: skip
    assert best.ranked.tolist() == [False, False, True, True, True]
    rows = repr(best).split("\n")
    assert rows[1:3] == ["  channel 0: dead: all 0", "  channel 1: all equal: 2"]
    alone = top_images(model, given[:1], "act", count=4, by=by)
    assert alone.marks == ("dead: all 0", "", "", "", "dead: all 0")
    assert alone.ranked.tolist() == [False, True, True, True, False]


def test_a_channel_of_nan_alone_says_so():
    given = np.ones((3, 2, 2, 2), np.float32)
    given[..., 1], given[2, 0, 0, 0] = np.nan, 9
    model = keras.Sequential([keras.Input((2, 2, 2)), keras.layers.ReLU(name="act")])
    best = top_images(model, given, "act", finite=False)
    assert best.marks == ("", "no finite value")
    assert best.ranked.tolist() == [True, False]
    assert best.tied.tolist() == [2, 0]


@pytest.mark.parametrize("by", ["max", "mean"])
@pytest.mark.parametrize("batch_size", [1, 2, 40])
def test_equal_images_say_so_also_where_another_has_no_finite_value(by, batch_size):
    # Channel 0 ties but for an image of NaN, 1 has one finite image, 2 ties but for a lower one.
    given = np.full((5, 2, 2, 3), 3, np.float32)
    given[1, ..., 0], given[1:, ..., 1] = np.nan, np.nan
    given[3, ..., 2], given[4, 0, 0, 2] = 1, np.nan
    model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.ReLU(name="act")])
    best = top_images(model, given, "act", count=2, by=by, batch_size=batch_size, finite=False)
    finite = np.isfinite(given).any(axis=(1, 2)).sum(axis=0)
    assert best.scored.tolist() == finite.tolist() == [4, 1, 5]
    assert best.ranked.tolist() == [False, True, True]
    assert best.marks == ("all finite equal: 3", "", "2 more with 3")


def test_a_printed_result_is_short_and_says_what_it_leaves_out(model, images):
    text = repr(top_images(model, images, "conv", count=7))
    first, row, *_ = text.split("\n")
    assert (
        first
        == "TopImages of net · conv:detect: 7 of 11 images with the largest value, 5 of 5 channels"
    )
    assert row.startswith("  channel 0: #")
    assert row.endswith(", … 1 more")
    wide = keras.Sequential([keras.Input((9, 7, 3)), keras.layers.Conv2D(70, 1, name="conv")])
    assert repr(top_images(wide, images, "conv")).endswith("\n  … 62 more")


def test_a_name_that_one_layer_has_is_enough_and_several_are_refused():
    inner = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.ReLU(name="act")], name="inner")
    x = keras.Input((4, 4, 1))
    once = keras.Model(x, inner(x), name="outer")
    given = np.ones((2, 4, 4, 1), np.float32)
    assert top_images(once, given, "act").path == "inner/act"
    twice = keras.Model(x, inner(inner(x)), name="outer")
    with pytest.raises(PathError, match="path must name one layer") as caught:
        top_images(twice, given, "act")
    assert str(caught.value) == ("path must name one layer; 'act' fits 'inner/act', 'inner@2/act'")


def test_the_pictures_are_those_before_preprocess(model, images):
    best = top_images(model, images, "conv", count=1, preprocess=lambda batch: batch * 3 - 1)
    assert best.changed
    assert not top_images(model, images, "conv", count=1).changed
    for index, picture in best.pictures.items():
        np.testing.assert_array_equal(picture, images[index])


def test_the_arrays_are_read_only(model, images):
    best = top_images(model, images, "conv")
    for values in (best.indices, best.scores, best.positions, best.tied, best.dead):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0


def test_the_figure_has_a_picture_for_each_place_and_says_what_it_leaves_out(model, images):
    best = top_images(model, images, "conv", count=3, batch_size=4)
    figure = plot_top_images(best, count=2)
    names = [axes.get_label() for axes in figure.axes]
    assert names == [f"image {index}" for index in best.indices[:2].ravel()]
    words = [text.get_text() for text in figure.texts]
    assert "2 of 5 channels shown, numbered from 0" in words[1]
    assert any("3 of 11 images each" in text for text in words)
    for rank in range(3):
        axes = figure.axes[rank]
        row, column = best.positions[0, rank]
        centre = axes.collections[0].get_offsets()[0]
        assert centre[0] == pytest.approx((column + 0.5) / 5 * 7 - 0.5)
        assert centre[1] == pytest.approx((row + 0.5) / 8 * 9 - 0.5)
    assert not plot_top_images(best, marks=False).axes[0].collections


def test_rows_without_best_images_are_drawn_without_images_or_rings():
    source = np.random.default_rng(3)
    given = source.integers(1, 99, (5, 3, 4, 4)).astype(np.float32)
    given[..., 0], given[..., 1], given[..., 2] = 0, 2, np.nan
    model = keras.Sequential([keras.Input((3, 4, 4)), keras.layers.ReLU(name="act")])
    best = top_images(model, given, "act", count=2, finite=False)
    figure = plot_top_images(best)
    assert [axes.get_label() for axes in figure.axes] == [f"image {i}" for i in best.indices[3]]
    words = [text.get_text() for text in figure.texts]
    for mark in ("0 · dead: all 0", "1 · all equal: 2", "2 · no finite value", "3"):
        assert f"channel {mark}" in words
    assert sum(word.startswith("#") for word in words) == 2
    assert "none" not in words
    assert not plot_top_images(best, channels=1).axes


def test_one_number_draws_that_channel(model, images):
    best = top_images(model, images, "conv", count=2)
    one, listed = (plot_top_images(best, channels=given) for given in (3, [3]))
    assert [text.get_text() for text in one.texts] == [text.get_text() for text in listed.texts]
    assert [axes.get_label() for axes in one.axes] == [f"image {i}" for i in best.indices[3]]


def pixels_of(figure, path):
    """The written picture, and for each of its small images a function from cell to pixel."""
    figure.savefig(path, dpi=200)
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)

    def reader(axes):
        box = axes.get_position()

        def pixel(row, column, *, across=0):
            image = axes.images[0].get_array()
            high, wide = (box.y1 - box.y0) * len(pixels), (box.x1 - box.x0) * pixels.shape[1]
            y = (1 - box.y1) * len(pixels) + (row + 0.5) / image.shape[0] * high
            x = box.x0 * pixels.shape[1] + (column + 0.5) / image.shape[1] * wide + across
            return pixels[round(y - 0.5), round(x - 0.5)]

        return pixel

    return {axes.get_label(): reader(axes) for axes in figure.axes}


def test_the_written_picture_shows_the_very_image_and_the_ring_on_its_cell(tmp_path):
    source = np.random.default_rng(8)
    given = (source.integers(10, 90, (3, 3, 4, 3)) / 100).astype(np.float32)
    given[2, 2, 1] = (1, 0, 0.5)
    model = keras.Sequential([keras.Input((3, 4, 3)), keras.layers.ReLU(name="act")])
    best = top_images(model, given, "act", count=1, channels=0)
    assert best.positions.tolist() == [[[2, 1]]]
    found = pixels_of(plot_top_images(best), tmp_path / "top.png")
    assert list(found) == ["image 2"]
    pixel = found["image 2"]
    for cell in np.ndindex(3, 4):
        assert abs(pixel(*cell) - 255 * given[2][cell]).max() <= 1, cell
    ring = 4.5 / 72 * 200  # half of nine points, in pixels
    alarm = np.array((0xA3, 0x14, 0x3C))
    assert any(abs(pixel(2, 1, across=ring + part) - alarm).max() < 40 for part in (-1, 0, 1))
    for cell in ((2, 0), (1, 1), (0, 2), (2, 2)):
        assert all(abs(pixel(*cell, across=ring + part) - alarm).max() > 40 for part in (-1, 0, 1))


class Batches(keras.utils.PyDataset):
    """Images and labels in batches of five."""

    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return (len(self.images) + 4) // 5

    def __getitem__(self, index):
        return self.images[5 * index : 5 * index + 5], np.zeros(5)


@pytest.mark.parametrize(
    "source",
    [
        iter,
        lambda images: ((image, 1) for image in images),
        lambda images: tf.data.Dataset.from_tensor_slices(images).batch(4),
        Batches,
    ],
    ids=["iterator", "generator of pairs", "data set of batches", "PyDataset"],
)
def test_a_stream_of_images_gives_what_an_array_gives(model, images, source):
    best = top_images(model, source(images), "conv", count=3, batch_size=2)
    whole = top_images(model, images, "conv", count=3)
    assert np.array_equal(best.indices, whole.indices)
    np.testing.assert_allclose(best.scores, whole.scores, 1e-6)
    assert best.count == 11
    for index, picture in whole.pictures.items():
        assert np.array_equal(best.pictures[index], picture)


def test_a_folder_is_read_by_name_and_data_without_end_wants_a_limit(model, images, tmp_path):
    pixels = np.clip(np.abs(images) * 200, 0, 255).astype(np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / f"{number:02d}.png")
    best = top_images(model, tmp_path, "conv", count=2, batch_size=3)
    whole = top_images(model, pixels / np.float32(255), "conv", count=2)
    assert np.array_equal(best.indices, whole.indices)
    endless = tf.data.Dataset.from_tensor_slices(images).repeat()
    assert top_images(model, endless, "conv", limit=5).count == 5
    with pytest.raises(ValueError, match="limit=1000"):
        top_images(model, endless, "conv")


def test_the_best_of_a_folder_have_the_names_of_their_files(model, images, tmp_path):
    pixels = np.clip(np.abs(images) * 200, 0, 255).astype(np.uint8)
    files = [f"{'ab'[number % 2]}/{number // 2}.png" for number in range(len(pixels))]
    for name, image in zip(files, pixels, strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / name)
    best = top_images(model, tmp_path, "conv", count=2, batch_size=3)
    in_order = sorted(files)
    winners = set(best.indices.ravel().tolist())
    assert dict(best.names) == {index: in_order[index] for index in sorted(winners)}
    assert set(best.names) == set(best.pictures) < set(range(len(files)))
    for index, name in best.names.items():
        values = np.asarray(Image.open(tmp_path / name), np.float32) / 255
        np.testing.assert_array_equal(best.pictures[index], values)
    first = best.indices[0, 0]
    assert f"channel 0: #{first} '{in_order[first]}' " in repr(best)
    given = [str(tmp_path / name) for name in files]
    listed = top_images(model, given, "conv", count=1, batch_size=1)
    assert dict(listed.names) == {i: given[i] for i in sorted(set(listed.indices.ravel()))}
    assert not top_images(model, pixels, "conv").names


def test_the_figure_has_the_name_of_each_file_in_its_own_place(model, images, tmp_path):
    pixels = np.clip(np.abs(images) * 200, 0, 255).astype(np.uint8)
    (tmp_path / "in").mkdir()
    for number, image in enumerate(pixels):
        name = f"in/{number}.png" if number % 2 else f"in/最 of $x_{number}$, {'W' * 40}.png"
        Image.fromarray(image).save(tmp_path / name)
    best = top_images(model, tmp_path, "conv", count=3)
    figure = plot_top_images(best)
    figure.canvas.draw()
    said = [text for text in figure.texts if text.get_text()]
    shown = [text.get_text() for text in said if text.get_text().endswith(".png")]
    indices = best.indices[best.ranked].ravel().tolist()
    for name, index in zip(shown, indices, strict=True):
        begin, cut, end = name.partition("…")
        whole = best.names[index].removeprefix("in/" if cut else "").replace("最", "□")
        assert whole == name or (cut and whole.startswith(begin) and whole.endswith(end))
    assert any("…" in name for name in shown)
    boxes = [text.get_window_extent() for text in said]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.padded(-1).overlaps(other.padded(-1))
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert min(box.y0 for box in boxes) >= 0
    plain = plot_top_images(top_images(model, pixels, "conv", count=3))
    assert plain.get_size_inches()[1] < figure.get_size_inches()[1]


def test_a_name_of_a_file_is_printed_short_and_plain(tmp_path):
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.ReLU(name="act")])
    names = ["z\x1b[2J.png", "a" * 60 + "end.png"]
    for name, level in zip(names, (9, 5), strict=True):
        Image.fromarray(np.full((2, 2), level, np.uint8)).save(tmp_path / name)
    row = repr(top_images(model, tmp_path, "act", white=255)).split("\n")[1]
    short = f"{'a' * 15}…{'a' * 9}end.png"
    assert row == f"  channel 0: #1 'z\\x1b[2J.png' 9, #0 '{short}' 5"


def two_pictures():
    """A model whose layer sees the second picture of three inputs."""
    shapes = {"left": (4, 5, 1), "right": (3, 2, 1), "row": (3,)}
    inputs = [keras.Input(shape, name=name) for name, shape in shapes.items()]
    act = keras.layers.ReLU(name="act")(inputs[1])
    flat = [keras.layers.Flatten()(one) for one in (inputs[0], inputs[2], act)]
    source = np.random.default_rng(7)
    given = [source.random((5, *shape)).astype(np.float32) for shape in shapes.values()]
    return keras.Model(inputs, keras.layers.Concatenate(name="all")(flat), name="two"), given


@pytest.mark.parametrize("batch_size", [2, 9])
def test_the_pictures_are_of_the_input_that_was_named(batch_size):
    model, given = two_pictures()
    best = top_images(model, given, "act", count=2, input_number=1, batch_size=batch_size)
    assert best.inputs == (1,)
    for index, picture in best.pictures.items():
        np.testing.assert_array_equal(picture, given[1][index])
    alone = top_images(model, given, "act", count=2, batch_size=batch_size)
    assert alone.inputs == (1,)
    assert alone.indices.tolist() == best.indices.tolist()
    assert alone.pictures.keys() == best.pictures.keys()


def test_the_input_that_was_named_is_seen_by_the_layer_and_has_rings():
    model, given = two_pictures()
    figure = plot_top_images(top_images(model, given, "act", input_number=1))
    assert all(axes.collections for axes in figure.axes)
    words = " · ".join(text.get_text() for text in figure.texts)
    assert "input 1 of 3 (from 0) is drawn" in words
    assert "may have seen" not in words


def test_an_input_without_a_picture_is_refused_with_those_that_have_one():
    model, given = two_pictures()
    for wrong in (2, 3):
        with pytest.raises(ValueError, match="input_number must") as caught:
            top_images(model, given, "act", input_number=wrong)
        assert str(caught.value) == (
            "input_number must be one of 0 (4×5×1), 1 (3×2×1), the inputs that are images, from "
            f"0; got {wrong}"
        )
    series = keras.Sequential([keras.Input((6, 2)), keras.layers.ReLU(name="act")])
    steps = np.ones((2, 6, 2), np.float32)
    assert top_images(series, steps, "act", input_number=0).series
    with pytest.raises(ValueError, match=r"0 \(6×2, steps down\), the inputs that are sequences"):
        top_images(series, steps, "act", input_number=1)
    row = keras.Sequential([keras.Input((3,)), keras.layers.ReLU(name="act")])
    with pytest.raises(ValueError, match="input_number must be None for a model without images"):
        top_images(row, np.ones((2, 3), np.float32), "act", input_number=0)


def test_the_names_are_of_the_input_that_is_drawn(tmp_path):
    model, given = two_pictures()
    for number, image in enumerate(given[1]):
        Image.fromarray((image[..., 0] * 255).astype(np.uint8)).save(tmp_path / f"{number}.png")
    given[1] = [str(tmp_path / f"{number}.png") for number in range(5)]
    named = top_images(model, given, "act", count=1, input_number=1)
    assert dict(named.names) == {i: given[1][i] for i in named.pictures}
    assert top_images(model, given, "act", count=1).names == named.names
    assert not top_images(model, given, "all", count=1).names


def siamese(number=2):
    """A block that is called on one picture after the other, and what compares them."""
    inner = [keras.Input((4, 5, 1)), keras.layers.Conv2D(1, (2, 3), use_bias=False, name="conv")]
    block = keras.Sequential(inner, name="block")
    block.set_weights([np.array(LOPSIDED, np.float32)[..., None, None]])
    inputs = [keras.Input((4, 5, 1), name=f"i{one}") for one in range(number)]
    both = keras.layers.Subtract(name="both")([block(one) for one in inputs][:2])
    given = np.random.default_rng(8).random((number, 6, 4, 5, 1)).astype(np.float32)
    return keras.Model(inputs, both, name="siamese"), list(given)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_each_call_of_a_shared_block_has_the_pictures_that_it_sees(compiled):
    model, given = siamese()
    for number, path in enumerate(["block/conv", "block@2/conv"]):
        best = top_images(model, given, path, count=2, batch_size=4, compiled=compiled)
        assert best.inputs == (number,)
        assert len(best.pictures) == 2
        for index, picture in best.pictures.items():
            np.testing.assert_array_equal(picture, given[number][index])
        figure = plot_top_images(best)
        assert all(axes.collections for axes in figure.axes)
        words = " · ".join(text.get_text() for text in figure.texts)
        assert f"input {number} of 2 (from 0) is drawn" in words
        assert "may have seen" not in words
        other = 1 - number
        with pytest.raises(ValueError, match="path must be a layer that sees") as caught:
            top_images(model, given, path, input_number=other)
        assert str(caught.value) == (
            f"path must be a layer that sees the input {other}; got {best.path!r}"
        )
    words = [text.get_text() for text in plot_top_images(top_images(model, given, "both")).texts]
    assert any("the layer may have seen others" in one for one in words)


@keras.saving.register_keras_serializable("tests")
class OfADict(keras.Model):
    """Takes a dict whose keys do not come in their order; may look at the numbers."""

    def __init__(self, looks):
        super().__init__(name="dict")
        self.looks = looks
        self.act = keras.layers.ReLU(name="act")
        self.other = keras.layers.ReLU(name="other")

    def call(self, given):
        if self.looks:
            float(keras.ops.max(given["z"]))  # which no graph can do
        return self.act(given["z"]), self.other(given["a"])


def test_what_cannot_be_traced_keeps_the_first_picture_and_its_warning():
    z, a = (np.random.default_rng(9).random((2, 4, 3, 2, 1))).astype(np.float32)
    for looks, inputs in ((False, [(0,), (1,)]), (True, [(0, 1), (0, 1)])):
        made = OfADict(looks)
        made({"z": z, "a": a})
        found = [top_images(made, {"z": z, "a": a}, path) for path in ("act", "other")]
        assert [one.inputs for one in found] == inputs
        for best, seen in zip(found, ([z, a], [z, z])[looks], strict=True):
            for index, picture in best.pictures.items():
                np.testing.assert_array_equal(picture, seen[index])
    assert top_images(made, {"z": z, "a": a}, "act", input_number=1).inputs == (1,)


@keras.saving.register_keras_serializable("tests")
class Keeps(keras.layers.Layer):
    """Gives what it was given last, and remembers what it is given now."""

    def build(self, shape):
        self.last = self.add_weight(shape=shape[1:], trainable=False, name="last")

    def call(self, x, y):
        self.last.assign(x[0])
        return y + self.last


def test_a_layer_that_reads_what_another_input_wrote_sees_both():
    inputs = [keras.Input((3, 2, 1), name=name) for name in ("left", "right")]
    model = keras.Model(inputs, Keeps(name="keeps")(*inputs))
    given = [np.ones((2, 3, 2, 1), np.float32), np.eye(3, 2)[None, ..., None].repeat(2, 0)]
    assert top_images(model, given, "keeps").inputs == (0, 1)


def test_a_layer_that_sees_a_sequence_alone_has_its_pictures_and_one_of_a_row_none():
    shapes = {"photo": (4, 5, 1), "steps": (6, 2), "row": (3,)}
    inputs = [keras.Input(shape, name=name) for name, shape in shapes.items()]
    acts = [keras.layers.ReLU(name=f"of_{name}")(x) for name, x in zip(shapes, inputs, strict=True)]
    flat = [keras.layers.Flatten()(one) for one in acts]
    model = keras.Model(inputs, keras.layers.Concatenate(name="all")(flat))
    given = [np.random.default_rng(2).random((3, *shape), np.float32) for shape in shapes.values()]
    series = top_images(model, given, "of_steps", count=1)
    assert (series.inputs, series.series) == ((1,), True)
    for index, picture in series.pictures.items():
        np.testing.assert_array_equal(picture[..., 0], given[1][index])
    row = top_images(model, given, "of_row", count=1)
    assert (row.inputs, dict(row.pictures)) == ((), {})
    words = " · ".join(text.get_text() for text in plot_top_images(row).texts)
    assert "no pictures: the layer sees no images and no series" in words
    assert top_images(model, given, "all").inputs == (0,)


def photo_and_steps():
    """A model of an image and a sequence, with a layer that sees both."""
    photo, steps = keras.Input((4, 5, 1), name="photo"), keras.Input((5, 2), name="steps")
    level = keras.layers.Reshape((1, 5, 2))(steps)
    both = keras.layers.Add(name="both")([photo, level])
    model = keras.Model([photo, steps], [both, keras.layers.ReLU(name="of_steps")(steps)])
    source = np.random.default_rng(2)
    return model, [source.random((3, *shape), np.float32) for shape in ((4, 5, 1), (5, 2))]


def test_the_sequence_of_a_layer_that_sees_an_image_too_is_drawn_when_it_is_named():
    model, given = photo_and_steps()
    assert top_images(model, given, "both").inputs == (0,)
    for path in ("both", "of_steps"):
        best = top_images(model, given, path, count=1, input_number=1)
        assert (best.inputs, best.series) == ((1,), True)
        for index, picture in best.pictures.items():
            np.testing.assert_array_equal(picture[..., 0], given[1][index])
    with pytest.raises(ValueError, match="path must be a layer that sees the input 0; got 'of_"):
        top_images(model, given, "of_steps", input_number=0)
    with pytest.raises(ValueError, match="input_number must") as caught:
        top_images(model, given, "both", input_number=2)
    assert str(caught.value) == (
        "input_number must be one of 0 (4×5×1), 1 (5×2, steps down), the inputs that are images "
        "or sequences, from 0; got 2"
    )


def test_where_nothing_is_traced_a_sequence_may_be_what_the_layer_saw():
    given = dict(zip("az", photo_and_steps()[1], strict=True))
    model = OfADict(looks=True)
    model(given)
    best = top_images(model, given, "other", count=2)
    assert (best.inputs, best.series) == ((0, 1), False)
    figure = plot_top_images(best)
    words = " · ".join(text.get_text() for text in figure.texts)
    assert "input 0 of 2 (from 0) is drawn, the layer may have seen others" in words
    assert not any(axes.collections for axes in figure.axes)
    steps = top_images(model, given, "act", count=1, input_number=1)
    assert (steps.inputs, steps.series) == ((1,), True)
    for index, picture in steps.pictures.items():
        np.testing.assert_array_equal(picture[..., 0], given["z"][index])


def test_a_compiled_run_finds_the_same_and_refuses_where_there_is_no_graph(model, images):
    best = top_images(model, images, "conv", count=3, batch_size=2, compiled=True)
    whole = top_images(model, images, "conv", count=3, compiled=False)
    assert np.array_equal(best.indices, whole.indices)
    chooses = Sometimes()
    chooses(images)
    with pytest.raises(ValueError, match="compiled must be False for this model; it cannot be"):
        top_images(chooses, images, "act", compiled=True)


def test_what_was_found_cannot_be_written_over(model, images):
    best = top_images(model, images, "conv")
    for array in (best.indices, best.scores, best.positions, *best.pictures.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    for held in (best.pictures, best.names):
        with pytest.raises(TypeError):
            held[0] = best.scores


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"path": "conv:detct"}, PathError, "(did you mean 'conv:detect'?)"),
        ({"path": "conv:detct"}, PathError, "path must be among 'conv:filter', 'conv:detect', "),
        ({"path": 3}, TypeError, "path must be the text of a layer's path; got 3"),
        ({"path": ""}, PathError, "path must be the path of a layer; got an empty text"),
        ({"channels": 5}, ValueError, "channels must be below 5, of 5 channels from 0; got 5"),
        ({"channels": 0.5}, TypeError, "channels must be a whole number of at least 0; got 0.5"),
        ({"channels": True}, TypeError, "channels must be a whole number of at least 0; got True"),
        ({"count": 0}, ValueError, "count must be a whole number of at least 1; got 0"),
        ({"by": "median"}, ValueError, "by must be one of 'max', 'mean'; got 'median'"),
        ({"channels": [5]}, ValueError, "channels must be below 5, of 5 channels from 0; got 5"),
        ({"channels": "strongest"}, TypeError, "channels must be channel numbers or None"),
        ({"channels": []}, ValueError, "channels must hold at least one channel number"),
        ({"channels": np.array("a")}, TypeError, "channels must be channel numbers or None"),
        ({"data": []}, ValueError, "data must hold at least one image; got none"),
        ({"compiled": 1}, TypeError, "compiled must be True or False; got 1"),
        ({"input_number": -1}, ValueError, "input_number must be a whole number of at least 0"),
        ({"input_number": "left"}, TypeError, "input_number must be a whole number of at least 0"),
        (
            {"input_number": 1},
            ValueError,
            "input_number must be one of 0 (9×7×3), the inputs that are images, from 0; got 1",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_argument_is_refused_in_one_sentence(model, images, options, kind, text):
    arguments = {"data": images, "path": "conv"} | options
    with pytest.raises(kind) as caught:
        top_images(model, **arguments)
    assert text in str(caught.value)


def test_the_figure_refuses_what_was_not_kept(model, images):
    best = top_images(model, images, "conv", channels=[1, 2])
    with pytest.raises(ValueError, match="channels must be among those kept, 1, 2; got 3"):
        plot_top_images(best, channels=[3])
    with pytest.raises(TypeError, match="top must come from top_images"):
        plot_top_images(images)
    with pytest.raises(TypeError, match="channels must be a whole number of at least 0"):
        plot_top_images(best, channels=1.5)
    with pytest.raises(TypeError, match="marks must be True or False; got 'no'"):
        plot_top_images(best, marks="no")
