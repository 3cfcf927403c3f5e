"""Pictures of feature maps while a model is trained; the scripts about the digits."""

import re
import runpy
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from featviz.networks.maps import feature_maps
from featviz.networks.model_files import read_model
from featviz.render import training_film
from featviz.render.map_colours import table_of_steps
from featviz.training import FeatureMapCallback

IMAGES = np.random.default_rng(3).uniform(size=(24, 6, 5, 1)).astype(np.float32)
TARGETS = IMAGES.mean(axis=(1, 2)) * [[1.0, -2.0]]
# No symmetry: its four numbers and their order are all told apart.
LOPSIDED = np.array([[1.0, -2.0], [0.25, 3.0]], np.float32)


def model(optimizer="sgd", seed=5, **options):
    """A small network with dropout and normalization, whose training uses random numbers."""
    keras.utils.set_random_seed(seed)
    made = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            keras.layers.Conv2D(3, 2, activation="relu", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.3, name="drop"),
            keras.layers.GlobalAveragePooling2D(name="mean"),
            keras.layers.Dense(2, name="out"),
        ],
        name="small",
    )
    made.compile(optimizer, "mse", **options)
    return made


def fit(made, *callbacks, epochs=3, **options):
    return made.fit(
        IMAGES,
        TARGETS,
        epochs=epochs,
        batch_size=8,
        verbose=0,
        callbacks=list(callbacks),
        **options,
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_training_is_the_same_with_and_without_it(optimizer):
    plain = model(optimizer)
    expected = [fit(plain).history, fit(plain).history]
    watched = model(optimizer)  # with the same seeds
    found = [
        fit(watched, FeatureMapCallback(IMAGES[0], None, "a")).history,
        fit(watched, FeatureMapCallback(IMAGES[0], ["conv", "drop"], "b", every=2)).history,
    ]
    assert found == expected
    for one, other in zip(watched.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    pairs = zip(watched.optimizer.variables, plain.optimizer.variables, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("eager", [False, True], ids=["in a graph", "eagerly"])
def test_pictures_show_each_epoch_and_the_animation_all(eager):
    seen = FeatureMapCallback(IMAGES[0], "conv:filter", "out", seconds_per_frame=0.3)
    fit(model(run_eagerly=eager), seen)
    names = ["epoch_0000.png", "epoch_0001.png", "epoch_0002.png", "epoch_0003.png"]
    assert seen.files == [Path("out", name) for name in [*names, "training.gif"]]
    assert sorted(path.name for path in Path("out").iterdir()) == [*names, "training.gif"]
    with Image.open("out/training.gif") as film, Image.open("out/epoch_0003.png") as last:
        assert (film.n_frames, film.size) == (4, last.size)
        durations = []
        for index in range(4):
            film.seek(index)
            durations.append(film.info["duration"])
        assert durations == [300, 300, 300, 1200]


@pytest.mark.parametrize(
    ("layers", "shown"),
    [("conv", ["conv:detect"]), ("conv:filter", ["conv:filter"]),
     ("conv:*", ["conv:filter", "conv:detect"]), (["norm", "c*"], ["conv:detect", "norm"]),
     (["*:filter", "norm"], ["conv:filter", "norm"]), (keras.layers.Conv2D, ["conv:detect"]),
     (None, ["conv:detect", "norm", "drop", "mean", "out"])],
    ids=["name", "filter", "both", "pattern", "pattern of filters", "class", "all"],
)  # fmt: skip
def test_pictures_show_what_leaves_a_layer_unless_asked_for_otherwise(layers, shown):
    seen = FeatureMapCallback(IMAGES[0], layers, "out", animation="film.png")
    fit(model(), seen, epochs=1)
    assert [list(epoch.maps) for epoch in seen._film.epochs] == [shown] * 2


class Stepping(keras.callbacks.Callback):
    """Sets the kernel of a convolution in every epoch, by a plan."""

    def __init__(self, factors):
        super().__init__()
        self.factors = factors

    def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
        self.model.get_layer("conv").set_weights(
            [self.factors[epoch] * LOPSIDED[:, :, None, None], np.zeros(1)]
        )


def one_kernel():
    made = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            keras.layers.Conv2D(1, 2, name="conv"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    made.compile("sgd", "mse")
    return made


def defined(image, kernel):
    """The convolution in two loops."""
    rows, columns = image.shape[0] - 1, image.shape[1] - 1
    return np.array(
        [
            [np.sum(image[r : r + 2, c : c + 2] * kernel) for c in range(columns)]
            for r in range(rows)
        ]
    )


def colours_of_map(frame, cell):
    """The colours in the middle of each cell of the one map of a frame, and where it begins."""
    pixels = np.asarray(frame.convert("RGB")).astype(int)
    colourful = np.ptp(pixels, axis=2) > 20
    rows = np.flatnonzero(colourful[:, : 4 * cell + 12].sum(axis=1) > 3 * cell)
    top = int(rows[0])
    return pixels[top + cell // 2 : top + 5 * cell : cell, 12 + cell // 2 : 12 + 4 * cell : cell]


def test_all_epochs_of_the_animation_have_one_scale_and_its_pictures_their_own():
    image, factors = IMAGES[0, ..., 0], [1.0, 2.0, 0.5]
    seen = FeatureMapCallback(image, "conv", "out", magnify=20, animation="film.png")
    # The stepping comes first: what is drawn is what the weights are then.
    one = one_kernel()
    one.get_layer("conv").set_weights([np.zeros((2, 2, 1, 1)), np.zeros(1)])
    fit(one, Stepping(factors), seen)
    values = defined(image, LOPSIDED)
    most = 2 * np.abs(values).max()
    table = table_of_steps("signed", (-most, most), 0.5, 236).astype(int)
    with Image.open("out/film.png") as film:
        for index, factor in enumerate([0.0, *factors]):
            film.seek(index)
            share = factor * values / most
            places = (np.sign(share) * np.sqrt(np.abs(share)) + 1) / 2
            expected = table[np.clip((places * 236).astype(int), 0, 235)]
            if factor:
                np.testing.assert_allclose(colours_of_map(film, 20), expected, atol=6)
    with Image.open("out/epoch_0001.png") as one, Image.open("out/epoch_0003.png") as other:
        np.testing.assert_array_equal(colours_of_map(one, 20), colours_of_map(other, 20))


def test_several_layers_stand_side_by_side():
    seen = FeatureMapCallback(IMAGES[0], ["conv", "norm", "drop"], "out", animation="film.png")
    fit(model(), seen)
    with Image.open("out/film.png") as film:
        assert 0.7 < film.width / film.height < 2.8


def test_maps_stay_where_they_are_when_the_words_above_need_a_line_more():
    short, tall = (Image.new("RGB", (90, height), (255, 0, 0)) for height in (40, 56))
    pages = [training_film._page("title", "note", [one], [(90, 56)]) for one in (short, tall)]
    for page in pages:
        red = (np.asarray(page) == (255, 0, 0)).all(axis=2).any(axis=1)
        assert np.flatnonzero(red)[-1] == page.height - 1


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7], ids=str)
def test_boxes_of_a_page_do_not_overlap_and_lie_within_it(count):
    sizes = [(100 + 37 * (n % 3), 60 + 41 * (n % 2)) for n in range(count)]
    spots, (width, height) = training_film._places(sizes)
    taken = np.zeros((height, width), int)
    for (left, top), (wide, tall) in zip(spots, sizes, strict=True):
        assert left + wide <= width
        assert top + tall <= height
        taken[top : top + tall, left : left + wide] += 1
    assert taken.max() == 1


def test_titles_tell_the_epoch_and_its_loss():
    maps = feature_maps(model(), IMAGES[0], "conv")
    assert training_film.Epoch(0, None, maps).title == "epoch 0: before the training"
    assert training_film.Epoch(7, 0.123456, maps).title == "epoch 7, loss 0.123"
    assert training_film.Epoch(7, None, maps).title == "epoch 7"
    assert training_film.Epoch(7, float("inf"), maps).title == "epoch 7, loss infinite"
    assert training_film.Epoch(7, float("nan"), maps).title == "epoch 7, loss NaN"


@pytest.mark.parametrize(
    ("every", "epochs", "numbers"), [(2, 5, [0, 2, 4, 5]), (3, 3, [0, 3]), (9, 2, [0, 2])]
)
def test_every_so_many_epochs_and_the_last_one(every, epochs, numbers):
    seen = FeatureMapCallback(IMAGES[0], "conv", "out", every=every, animation=None)
    fit(model(), seen, epochs=epochs)
    assert [file.name for file in seen.files] == [f"epoch_{n:04d}.png" for n in numbers]


def test_a_training_that_stops_early_has_its_last_epoch():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):  # noqa: ARG002
            self.model.stop_training = epoch == 2

    seen = FeatureMapCallback(IMAGES[0], "conv", "out", every=10, animation=None)
    fit(model(), Stop(), seen, epochs=20)
    assert [file.name for file in seen.files] == ["epoch_0000.png", "epoch_0003.png"]


def test_a_second_training_goes_on_counting_and_has_its_own_animation():
    seen = FeatureMapCallback(IMAGES[0], "conv", "out")
    made = model()
    fit(made, seen, epochs=2)
    fit(made, seen, epochs=3, initial_epoch=2)
    assert [file.name for file in seen.files] == [
        "epoch_0000.png",
        "epoch_0003.png",
        "training.gif",
    ]


def test_a_model_that_is_built_by_its_first_batch_has_no_picture_before():
    made = keras.Sequential(
        [keras.layers.Conv2D(2, 2, name="conv"), keras.layers.GlobalMaxPool2D()]
    )
    made.compile("sgd", "mse")
    seen = FeatureMapCallback(IMAGES[0], "conv", "out", animation="film.webp")
    fit(made, seen, epochs=1)
    assert [file.name for file in seen.files] == ["epoch_0001.png", "film.webp"]


@pytest.mark.parametrize(
    ("layers", "channels", "words"),
    [
        ("cnov", None, "got 'cnov' (did you mean 'conv'?)"),
        ("conv", [2], "channels must be below 2"),
    ],
    ids=["no such layer", "no such channel"],
)
def test_what_is_wrong_with_a_model_that_its_first_batch_builds_is_told_behind_it(
    layers, channels, words
):
    told = []
    seen = FeatureMapCallback(IMAGES[0], layers, "out", channels=channels)
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda *_, **__: told.append(len(caught))
    )
    histories = []
    for callbacks in ((), (seen, note)):
        keras.utils.set_random_seed(5)
        made = keras.Sequential(
            [
                keras.layers.Conv2D(2, 2, name="conv"),
                keras.layers.Dropout(0.5),
                keras.layers.GlobalMaxPool2D(),
            ]
        )
        made.compile("adam", "mse")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            histories.append(fit(made, *callbacks, epochs=2).history)
    assert histories[0] == histories[1]
    assert told == [1] * 6
    assert words in str(caught[0].message)
    assert seen.files == []


def test_a_training_with_nan_is_drawn_and_goes_on():
    made = model()
    made.get_layer("conv").set_weights([np.full((2, 2, 1, 3), np.nan), np.zeros(3)])
    seen = FeatureMapCallback(IMAGES[0], "conv", "out")
    fit(made, seen, epochs=1)
    assert len(seen.files) == 3


def broken(kind):
    """A callback whose pictures fail, and what it says of it."""
    if kind == "no such layer":
        return FeatureMapCallback(IMAGES[0], "cnv", "out"), "got 'cnv'"
    if kind == "an image of another size":
        return FeatureMapCallback(np.zeros((3, 3, 1)), "conv", "out"), "image must be 6×5×1"
    if kind == "no such channel":
        return FeatureMapCallback(
            IMAGES[0], "conv", "out", channels=[3]
        ), "channels must be below 3"
    made = FeatureMapCallback(IMAGES[0], "conv", "file")
    Path("file").write_text("x")
    return made, "File exists"


@pytest.mark.parametrize(
    "kind", ["no such layer", "an image of another size", "no such channel", "no folder"]
)
def test_a_picture_that_fails_is_told_once_and_the_training_goes_on(kind):
    callback, words = broken(kind)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = fit(model(), callback).history
    told = [str(one.message) for one in caught if "picture of the training" in str(one.message)]
    assert len(history["loss"]) == 3
    assert len(told) == 1
    assert words in told[0]


def test_layers_that_are_not_there_are_told_of_before_the_first_epoch():
    begun = []
    callback = FeatureMapCallback(IMAGES[0], ["conv", "cnov"], "out")
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: begun.append(len(caught)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(model(), note, callback)
    assert begun[0] == len(caught) == 1
    assert str(caught[0].message).endswith("got 'cnov' (did you mean 'conv'?)")


def test_where_warnings_are_errors_the_training_goes_on(capsys):
    callback = FeatureMapCallback(IMAGES[0], "cnv", "out")
    assert len(fit(model(), callback).history["loss"]) == 3
    assert capsys.readouterr().err.count("a picture of the training failed") == 1


def test_an_animation_that_would_take_too_much_memory_is_cut_and_said(monkeypatch, capsys):
    size = feature_maps(model(), IMAGES[0], "conv")["conv:detect"].nbytes
    monkeypatch.setattr(training_film, "MOST_BYTES", 2 * size)
    seen = FeatureMapCallback(IMAGES[0], "conv", "out")
    fit(model(), seen, epochs=4)
    assert "it ends before epoch 2;" in capsys.readouterr().err
    with Image.open("out/training.gif") as film:
        assert film.n_frames == 2
    assert Path("out/epoch_0004.png").is_file()


WRONG = [
    (dict(every=0), "every must be a whole number of at least 1; got 0"),
    (dict(animation="film.mp4"), "animation must be a name without a folder that ends in one of"),
    (dict(animation="a/film.gif"), "got 'a/film.gif'"),
    (dict(animation=3), "animation must be a file's name or None; got 3"),
    (dict(seconds_per_frame=0.001), "seconds_per_frame must be from 0.02 to 600; got 0.001"),
    (dict(channels="strongest"), "channels must be channel numbers or None; got 'strongest'"),
    (dict(layers=3), "layers must be names, paths"),
    (dict(white=0), "white must be a finite number above 0"),
    (dict(count=0), "count must be a whole number of at least 1; got 0"),
    (dict(count="a"), "count must be a whole number of at least 1; got 'a'"),
    (dict(columns=0), "columns must be a whole number of at least 1; got 0"),
    (dict(columns=2.5), "columns must be a whole number of at least 1; got 2.5"),
    (dict(magnify=-1), "magnify must be a whole number of at least 1; got -1"),
    (dict(channels=3), "channels must be channel numbers or None; got 3"),
    (dict(channels=[]), "channels must hold at least one channel number; got none"),
    (dict(channels=[0, -1]), "channels must be a whole number of at least 0; got -1"),
    (dict(image=None), "image must be a path, bytes, a file, a Pillow image or numbers; got None"),
    (dict(image=[None]), "image must be a path, bytes, a file, a Pillow image or numbers"),
    (dict(image={}), "image must hold numbers or an image for each input; got none"),
    (dict(image="no.png"), "image must be a file that exists; got 'no.png'"),
    (dict(image={"one": "no.png"}), "image must be a file that exists; got 'no.png'"),
    (dict(animation="x" * 300 + ".gif"), "animation must have names of at most 255 bytes"),
    (dict(folder=3), "folder must be a path; got 3"),
    (dict(folder=None), "folder must be a path; got None"),
    (dict(folder=b"out"), "folder must be a path; got b'out'"),
    (dict(folder="a\0b"), "folder must be a path, not empty and without '\\0'; got 'a\\x00b'"),
    (dict(folder="x" * 300), "folder must have names of at most 255 bytes"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=[words for _, words in WRONG])
def test_wrong_settings_are_refused_before_anything_is_trained(options, words):
    given = {"image": IMAGES[0], "layers": "conv", "folder": "out", **options}
    with pytest.raises((ValueError, TypeError, OSError), match=re.escape(words)):
        FeatureMapCallback(**given)


def test_a_folder_that_is_a_file_is_refused_before_anything_is_trained():
    Path("file").write_text("x")
    with pytest.raises(NotADirectoryError, match="folder must be a folder; got 'file/in'"):
        FeatureMapCallback(IMAGES[0], "conv", "file/in")


def test_layers_that_can_be_read_once_hold_for_every_epoch():
    seen = FeatureMapCallback(IMAGES[0], (name for name in ["conv"]), "out", animation=None)
    fit(model(), seen, epochs=2)
    assert len(seen.files) == 3


def test_half_precision_is_drawn():
    made = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            keras.layers.Conv2D(3, 2, activation="relu", name="conv", dtype="mixed_float16"),
            keras.layers.GlobalMaxPool2D(),
            keras.layers.Dense(2),
        ]
    )
    made.compile("sgd", "mse")
    seen = FeatureMapCallback(IMAGES[0], "conv", "out")
    fit(made, seen, epochs=1)
    assert len(seen.files) == 3


SCRIPTS = Path(__file__).parents[1] / "scripts"
KEPT = SCRIPTS.parent / "images" / "networks"
MADE = {
    "digits_maps": ["digits_layers.png", "digits_maps.png"],
    "digits_kernels": ["digits_kernels_conv1.png", "digits_kernels_conv2.png"],
    "digits_table": ["digits_table.md"],
    "digits_diagnosis": ["digits_diagnosis.md", "digits_diagnosis.png"],
}


@pytest.fixture
def digits(monkeypatch):
    """The module that the scripts share."""
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(SCRIPTS)
    return pytest.importorskip("digits")


@pytest.mark.parametrize("name", MADE)
@pytest.mark.usefixtures("digits")
def test_a_script_about_the_digits_leaves_what_is_kept(name, tmp_path, capsys):
    runpy.run_path(str(SCRIPTS / f"{name}.py"))["main"](tmp_path)
    printed = capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(MADE[name])
    for file in MADE[name]:
        assert str(tmp_path / file) in printed
        assert (KEPT / file).is_file()
        if file == "digits_table.md":
            assert (tmp_path / file).read_bytes() == (KEPT / file).read_bytes()


def test_the_network_is_trained_and_kept_with_its_animation(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "EPOCHS", 2)
    runpy.run_path(str(SCRIPTS / "digits_network.py"))["main"](tmp_path)
    with Image.open(tmp_path / "digits_training.gif") as film:
        assert film.n_frames == 3
    with Image.open(KEPT / "digits_training.gif") as film:
        assert film.n_frames == 21
    assert (tmp_path / "digits.keras").stat().st_size < 100_000
    made, kept = (read_model(folder / "digits.keras") for folder in (tmp_path, KEPT))
    assert [one.shape for one in made.weights] == [one.shape for one in kept.weights]


def test_the_kept_network_reads_most_digits(digits):
    pictures, names = digits.digits()
    found = digits.network().predict(pictures[digits.LEARNED :], verbose=0).argmax(axis=1)
    assert (found == names[digits.LEARNED :]).mean() > 0.9
