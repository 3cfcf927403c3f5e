"""Model files are untrusted: what is read, what is refused, and that nothing of it runs."""

import base64
import importlib
import io
import json
import marshal
import os
import re
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from featviz.networks import model_archives
from featviz.networks.maps import feature_maps
from featviz.networks.model_archives import check_archive, is_model_path
from featviz.networks.model_files import note_on_keras, preprocessing_of, read_model

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The bytes of a small model file, and the model."""
    model = keras.Sequential(
        [
            keras.Input((6, 5, 1)),
            keras.layers.Conv2D(2, (3, 2), activation="relu", name="conv"),
            keras.layers.MaxPool2D(name="pool"),
        ],
        name="small",
    )
    path = tmp_path_factory.mktemp("models") / "m.keras"
    model.save(path)
    return path.read_bytes(), model


def changed(data, file="m.keras", *, config=None, parts=None, without=(), packing=0):
    """Write a copy of a model file whose config, or whose parts, are other ones."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = {name: source.read(name) for name in source.namelist() if name not in without}
    if config is not None:
        members[CONFIG] = json.dumps(config(json.loads(members[CONFIG]))).encode()
    members |= parts or {}
    with zipfile.ZipFile(file, "w", packing) as target:
        for name, value in members.items():
            target.writestr(name, value)
    return file


def with_layer(item):
    """Return a change of the config that puts a layer behind the others."""

    def change(config):
        config["config"]["layers"].append(item)
        return config

    return change


def layer(name, module="keras.layers", registered=None, **config):
    return {
        "module": module, "class_name": name, "config": {"name": "added", **config},
        "registered_name": registered,
    }  # fmt: skip


def program_that_writes(file):
    """A Lambda's program, as Keras keeps one: it leaves a file when it is read and run."""
    function = eval(f"lambda x: (__import__('pathlib').Path({file!r}).write_text('run'), x)[1]")
    stored = base64.b64encode(marshal.dumps(function.__code__)).decode("ascii")
    return {
        "class_name": "__lambda__",
        "config": {"code": stored, "defaults": None, "closure": None},
    }


def test_a_file_is_read_and_gives_the_same_maps(saved):
    data, model = saved
    Path("m.keras").write_bytes(data)
    image = np.random.default_rng(0).normal(size=(6, 5, 1)).astype(np.float32)
    for source in ("m.keras", Path("m.keras").resolve()):
        found = read_model(source)
        assert found.name == "small"
        expected = feature_maps(model, image)
        maps = feature_maps(found, image)
        assert list(maps) == list(expected)
        for path in maps:
            np.testing.assert_array_equal(maps[path], expected[path])


def test_a_file_is_not_compiled_whatever_it_says(saved):
    data, _ = saved
    hostile = {"loss": layer("Evil", "os")}
    changed(data, config=lambda config: {**config, "compile_config": hostile})
    assert not read_model("m.keras").compiled


def test_a_model_that_ships_with_keras_is_found_in_any_case():
    model = read_model("MOBILENETV2", input_shape=(32, 32, 3))
    assert model.inputs[0].shape == (None, 32, 32, 3)
    assert is_model_path("MobileNetV2.keras")
    assert not is_model_path("MobileNetV2")


def test_preprocessing_is_that_of_the_module_and_leaves_its_argument_alone():
    batch = np.random.default_rng(1).uniform(0, 255, (2, 4, 3, 3)).astype(np.float32)
    before = batch.copy()
    for name, module in {"vgg16": "vgg16", "ResNet50V2": "resnet_v2", "NASNetMobile": "nasnet",
                         "MobileNetV3Small": "mobilenet_v3"}.items():  # fmt: skip
        white, preprocess = preprocessing_of(name)
        home = importlib.import_module(f"keras.applications.{module}")
        np.testing.assert_array_equal(preprocess(batch), home.preprocess_input(before.copy()))
        assert (white, preprocess.__name__) == (255, f"{module}.preprocess_input")
        np.testing.assert_array_equal(batch, before)


def test_every_model_of_keras_has_its_preprocessing():
    names = [name for name in dir(keras.applications) if name[0].isupper()]
    assert len(names) > 30
    for name in names:
        assert preprocessing_of(name.lower()).preprocess.__name__.endswith(".preprocess_input")


def test_what_went_in_names_the_preprocessing():
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.ReLU(name="detect")])
    white, preprocess = preprocessing_of("VGG16")
    maps = feature_maps(
        model, np.full((4, 4, 3), 255, np.uint8), white=white, preprocess=preprocess
    )
    assert maps.went_in[0].endswith("(uint8, white is 255, through vgg16.preprocess_input)")
    assert maps["detect"].max() == pytest.approx(255 - 103.939, abs=1e-3)  # blue's mean is taken


def test_a_malicious_lambda_does_not_run_unless_it_is_trusted(saved):
    data, _ = saved
    program = program_that_writes(str(Path("ran").resolve()))
    item = layer("Lambda", function=program, arguments={})
    item["build_config"] = {"input_shape": [None, 2, 2, 2]}
    changed(data, config=with_layer(item))
    with pytest.raises(ValueError, match="with a Lambda layer, which holds or loads a program"):
        read_model("m.keras")
    assert not Path("ran").exists()
    model = read_model("m.keras", trust=True)
    model(np.zeros((1, 6, 5, 1), np.float32))
    assert Path("ran").read_text() == "run"  # so the program is one that would have run


LAMBDA = "hold layers without code of their own"
CLASSES = "hold classes of Keras"
FUNCTIONS = "name functions of Keras"
HOSTILE = {
    "a Lambda of Keras' own function": (layer("Lambda", function="relu"), LAMBDA),
    "a Lambda below another name": (layer("layers.Lambda", "keras"), LAMBDA),
    "a Lambda of the inner module":
        (layer("Lambda", "keras.src.layers.core.lambda_layer"), LAMBDA),
    "a bare lambda": ({"class_name": "__lambda__", "config": {"code": "x"}}, LAMBDA),
    "a lambda as an activation":
        (layer("Activation", activation={"class_name": "__lambda__", "config": {}}), LAMBDA),
    "a Lambda deep inside": (layer("TimeDistributed", layer=layer("Lambda")), LAMBDA),
    "a saved program": (layer("TFSMLayer", filepath="folder"), LAMBDA),
    "a pickle": (layer("TorchModuleWrapper", module="x"), LAMBDA),
    "a class of the system": (layer("Popen", "subprocess"), CLASSES),
    "a class of its own": (layer("Mine", None, "pack>Mine"), CLASSES),
    "a class in a look-alike": (layer("Dense", "kerasx.layers"), CLASSES),
    "a class that is no word": (layer(["Dense"]), CLASSES),
    "a module that is no word": (layer("Dense", ["keras"]), CLASSES),
    "a function of the system":
        (layer("Activation", activation={
            "class_name": "function", "module": "os", "config": "system",
            "registered_name": "function"}), FUNCTIONS),
    "a function that loads": ({
        "class_name": "function", "module": "keras.utils", "config": "get_file",
        "registered_name": "function"}, FUNCTIONS),
    "a function that switches safety off": ({
        "class_name": "function", "module": "keras.config",
        "config": "enable_unsafe_deserialization", "registered_name": "relu"}, FUNCTIONS),
}  # fmt: skip


@pytest.mark.parametrize(("item", "rule"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_keras_own_is_refused(saved, item, rule):
    changed(saved[0], config=with_layer(item))
    with pytest.raises(ValueError, match="must") as caught:
        read_model("m.keras")
    assert str(caught.value).startswith(f"model must {rule}; got 'm.keras', with ")
    assert "\n" not in str(caught.value)


def test_a_class_that_the_program_has_registered_is_read():
    @keras.saving.register_keras_serializable("test_model_files")
    class Doubled(keras.layers.Layer):
        def call(self, values):
            return 2 * values

    @keras.saving.register_keras_serializable("test_model_files")
    def odd(values):
        return values**3

    model = keras.Sequential(
        [keras.Input((2, 3, 1)), Doubled(), keras.layers.Conv2D(1, 1, activation=odd)]
    )
    model.save("own.keras")
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(read_model("own.keras")(image), model(image))


def test_operations_between_layers_are_read():
    image = keras.Input((4, 3, 2))
    values = keras.ops.concatenate([keras.ops.relu(image), image + 1], axis=-1)
    keras.Model(image, keras.ops.mean(values, axis=1)).save("ops.keras")
    given = np.random.default_rng(2).normal(size=(1, 4, 3, 2)).astype(np.float32)
    expected = np.concatenate([np.maximum(given, 0), given + 1], axis=-1).mean(axis=1)
    np.testing.assert_allclose(read_model("ops.keras")(given), expected, rtol=1e-6)


def broken(data):
    """Damaged files by name, and what the sentence says."""
    place, tree = data.index(b"Conv2D"), data.index(b"TREE")
    return {
        "empty": (b"", "which is empty"),
        "no zip": (b"hello", "which is none"),
        "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "which is HDF5 within"),
        "cut off": (data[: len(data) // 2], "which begins as one and has no end"),
        "one letter other": (data[:place] + b"D" + data[place + 1 :], "which is damaged (Bad CRC"),
        "other weights": (
            data[:tree] + b"D" + data[tree + 1 :],
            "(Bad CRC-32 for file 'model.weights.h5'); copy or save it again",
        ),
    }


@pytest.mark.parametrize(
    "kind", ["empty", "no zip", "HDF5", "cut off", "one letter other", "other weights"]
)
def test_a_damaged_file_is_a_sentence(saved, kind):
    content, words = broken(saved[0])[kind]
    Path("bad.keras").write_bytes(content)
    with pytest.raises(ValueError, match=r"model must be a (whole )?zip archive") as caught:
        read_model("bad.keras")
    assert words in str(caught.value)
    assert "'bad.keras'" in str(caught.value)


PARTS = {
    "no config": (dict(without=[CONFIG]), "model must hold config.json"),
    "no weights": (dict(without=[WEIGHTS]), "model must hold model.weights.h5"),
    "a pickle for weights":
        (dict(without=[WEIGHTS], parts={"model.weights.npz": b"x"}), "must hold model.weights.h5"),
    "no JSON": (dict(parts={CONFIG: b"{"}), "hold a config.json in JSON"),
    "no text": (dict(parts={CONFIG: b"\xff\xfe\xfd"}), "hold a config.json in JSON"),
    "too deep": (dict(parts={CONFIG: b"[" * 100_000}), "hold a config.json in JSON"),
    "a list": (dict(parts={CONFIG: b"[]"}), "hold a config.json of a model"),
    "a path that leaves": (dict(parts={"assets/../../x": b""}), "hold no path that leaves it"),
    "a path from the root": (dict(parts={"/x": b""}), "hold no path that leaves it"),
    "a path of Windows": (dict(parts={"C:x": b""}), "hold no path that leaves it"),
    "weights that are none": (dict(parts={WEIGHTS: b"x" * 100}), "be one that Keras reads"),
    "a bomb": (dict(parts={"assets/x": bytes(2 * 2**20)}, packing=8),
               "grow at most 100 times when unpacked"),
    "a layer of Keras' classes only":
        (dict(config=lambda _: layer("Dense", units=2)), "must be a model"),
    "an activation nobody knows":
        (dict(config=with_layer(layer("Activation", activation="wobble"))),
         "be one that Keras reads"),
    "a class of Keras that is not there":
        (dict(config=with_layer(layer("Wobble"))), "hold classes and functions of Keras"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "rule"), PARTS.values(), ids=PARTS)
def test_an_archive_with_other_parts_is_a_sentence(saved, change, rule):
    changed(saved[0], **change)
    with pytest.raises(ValueError, match="must") as caught:
        read_model("m.keras")
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_sizes_are_those_the_directory_tells_and_nothing_is_unpacked(saved, monkeypatch):
    Path("m.keras").write_bytes(saved[0])
    with monkeypatch.context() as patch:
        patch.setattr(model_archives, "MOST_CONFIG_BYTES", 100)
        with pytest.raises(ValueError, match=r"config.json of at most 100 bytes; got"):
            check_archive("m.keras")
    monkeypatch.setattr(model_archives, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"hold at most 1,000 bytes; got 'm.keras', of "):
        check_archive("m.keras")


def test_a_part_that_is_there_twice_is_refused(saved):
    Path("m.keras").write_bytes(saved[0])
    with zipfile.ZipFile("m.keras", "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(CONFIG, "{}")
    with pytest.raises(ValueError, match="hold each part once"):
        read_model("m.keras")


def test_a_file_of_a_later_keras_says_so_when_it_fails(saved):
    later = json.dumps({"keras_version": "9.1.0"}).encode()
    change = with_layer(layer("Wobble"))
    changed(saved[0], config=change, parts={"metadata.json": later})
    with pytest.raises(ValueError, match=r"unknown class .* it was saved by keras 9\.1\.0, this"):
        read_model("m.keras")
    changed(saved[0], parts={"metadata.json": later})
    assert read_model("m.keras").name == "small"  # a newer file that can be read is read


WRONG = {
    "another format": ("a.h5", ValueError, "'a.h5'; where it is trusted, load it and save it"),
    "a folder": (".", ValueError, "got the folder '.'; save the model as one .keras file"),
    "an address": ("hf://who/what", ValueError, "load it to this machine first"),
    "no file": ("no.keras", FileNotFoundError, "model must be a file that exists; got 'no.keras'"),
    "nothing": ("", ValueError, "not empty"),
    "a zero byte": ("a\0.keras", ValueError, r"got 'a\x00.keras'"),
    "a long name": ("x" * 300 + ".keras", OSError, "model must have names of at most 255 bytes"),
    "a number": (7, TypeError, "got 7"),
    "bytes": (b"m.keras", TypeError, "got b'm.keras'"),
    "a misspelt name": ("ResNet50V3", ValueError, "(did you mean 'ResNet50V2'?)"),
    "a function beside the models": ("preprocess_input", ValueError, "got 'preprocess_input'"),
    "a hidden name": ("__name__", ValueError, "got '__name__'"),
}


@pytest.mark.parametrize(("source", "kind", "words"), WRONG.values(), ids=WRONG)
def test_another_source_is_refused(source, kind, words):
    with pytest.raises(kind) as caught:
        read_model(source)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind", "got"),
    [(3, TypeError, "3"), (None, TypeError, "None"), (b"vgg16", TypeError, "b'vgg16'"),
     ("vgg", ValueError, "'vgg' (did you mean 'VGG19'?)"), ("m.keras", ValueError, "'m.keras'")],
    ids=["a number", "nothing", "bytes", "a misspelt name", "a file"],
)  # fmt: skip
def test_preprocessing_of_no_model_is_refused(name, kind, got):
    with pytest.raises(kind) as caught:
        preprocessing_of(name)
    assert str(caught.value) == f"name must be that of a keras.applications model; got {got}"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_refused_before_it_is_waited_for():
    os.mkfifo("pipe.keras")
    with pytest.raises(ValueError, match="got the device or pipe 'pipe"):
        read_model("pipe.keras")


@pytest.mark.parametrize("name", ["\x1b[31mred\n.keras", "<script>.keras", "x" * 200 + ".keras"])
def test_a_hostile_name_of_a_file_stays_one_line(name):
    Path(name).write_bytes(b"x")
    with pytest.raises(ValueError, match="zip archive") as caught:
        read_model(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def test_hostile_words_inside_a_file_stay_one_line(saved):
    changed(saved[0], config=with_layer(layer("A\x1b[2J\nB" * 100, "\n" * 50 + "m")))
    with pytest.raises(ValueError, match="unknown class") as caught:
        read_model("m.keras")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


OPTIONS = [
    (("m.keras", dict(weights="imagenet")), "weights must not be given for a file"),
    (("m.keras", dict(input_shape=(8, 8, 1))), "input_shape must not be given for a file"),
    (("VGG16", dict(weights="imagnet")), "did you mean 'imagenet'"),
    (("VGG16", dict(input_shape=(8, 8))), "input_shape must be three whole numbers; got (8, 8)"),
    (("VGG16", dict(input_shape=(8, 0, 3))), "input_shape must be a whole number of at least 1"),
    (("VGG16", dict(input_shape=(8, 8, 3))), "input_shape must suit VGG16; got (8, 8, 3)"),
]


@pytest.mark.parametrize(("call", "words"), OPTIONS, ids=[words for _, words in OPTIONS])
def test_other_options_are_refused(call, words):
    source, options = call
    with pytest.raises(ValueError, match=re.escape(words)):
        read_model(source, **options)


def test_weights_without_a_network_are_a_sentence_and_leave_nothing_behind(monkeypatch):
    """The way to the weights is closed by a proxy that is not there."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    cache = Path("cache").resolve()
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(cache), raising=False)
    monkeypatch.setenv("KERAS_HOME", str(cache))
    with pytest.raises(ConnectionError, match="weights 'imagenet' must be downloaded") as caught:
        read_model("MobileNet", weights="imagenet")
    assert "there is no network" in str(caught.value)
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("version", "warned"),
    [("3.15.1", False), ("3.15.0", True), ("3.16.0.dev0", False), ("3.12.4", False),
     ("3.12.3", True), ("3.13.0", True), ("3.9", True), ("4.0", False), ("odd", True)],
)  # fmt: skip
def test_old_releases_of_keras_are_warned_of(version, warned):
    assert bool(note_on_keras(version)) is warned


def test_the_warning_is_given_where_a_file_is_read_and_not_where_it_is_trusted(saved, monkeypatch):
    Path("m.keras").write_bytes(saved[0])
    monkeypatch.setattr(keras, "__version__", "3.13.1")
    with pytest.warns(UserWarning, match=r"keras 3.13.1 has known holes in safe_mode"):
        read_model("m.keras")
    read_model("m.keras", trust=True)


@pytest.mark.parametrize("trust", ["no", 1, None, [0], "False"])
def test_only_true_is_trusted_and_only_false_is_not(saved, trust):
    ran = Path("ran.txt")
    kept = layer("Lambda", function=program_that_writes(str(ran.absolute())))
    changed(saved[0], config=with_layer(kept))
    with pytest.raises(TypeError, match="trust must be True or False; got") as caught:
        read_model("m.keras", trust=trust)
    assert repr(trust) in str(caught.value)
    assert not ran.exists()


def without_layers(config):
    del config["config"]["layers"]
    return config


def with_other_features(config):
    config["config"]["layers"][1]["config"]["filters"] = 5
    return config


def without_features(config):
    del config["config"]["layers"][1]["config"]["filters"]
    return config


REASONS = {
    "a key": (without_layers, "where it fails ('layers' is missing)"),
    "weights of another size": (
        with_other_features, "where it fails (the Conv2D layer conv: The shape of the target"),
    "a setting": (without_features, "missing 1 required positional argument: 'filters'"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), REASONS.values(), ids=REASONS)
def test_the_reason_is_what_keras_says_below_its_first_lines(saved, change, words):
    changed(saved[0], config=change)
    with pytest.raises(ValueError, match="must be one that Keras reads") as caught:
        read_model("m.keras")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
