"""The images that excite a channel most: against a loop over everything."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED
from PIL import Image

from featviz.networks.maps import feature_maps
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


def test_some_channels_and_fewer_images_than_asked_for(model, images):
    best = top_images(model, images[:2], "conv", channels=[4, 1], count=9)
    whole = top_images(model, images[:2], "conv", count=9)
    assert best.indices.shape == (2, 2)
    assert best.indices.tolist() == whole.indices[[4, 1]].tolist()
    assert (best.channels, best.total) == ((4, 1), 5)


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
    best = top_images(model, np.array([[1.0, 0, 0], [2, 5, -1]], np.float32), "detect", count=1)
    assert best.indices.tolist() == [[1], [1], [0]]
    assert best.positions.shape == (3, 1, 0)
    assert not best.pictures
    words = {text.get_text() for text in plot_top_images(best).texts}
    assert {"#1: 5", "#0: 0", "channel 2"} <= words


def test_the_arrays_are_read_only(model, images):
    best = top_images(model, images, "conv")
    for values in (best.indices, best.scores, best.positions):
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


def test_what_was_found_cannot_be_written_over(model, images):
    best = top_images(model, images, "conv")
    for array in (best.indices, best.scores, best.positions, *best.pictures.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError):
        best.pictures[0] = best.scores


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"path": "conv:detct"}, ValueError, "(did you mean 'conv:detect'?)"),
        ({"path": 3}, TypeError, "path must be a text; got 3"),
        ({"count": 0}, ValueError, "count must be a whole number of at least 1; got 0"),
        ({"by": "median"}, ValueError, "by must be one of 'max', 'mean'; got 'median'"),
        ({"channels": [5]}, ValueError, "channels must be below 5, of 5 channels from 0; got 5"),
        ({"channels": "strongest"}, TypeError, "channels must be channel numbers or None"),
        ({"channels": []}, ValueError, "channels must hold at least one channel number"),
        ({"data": []}, ValueError, "images must hold at least one image"),
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
