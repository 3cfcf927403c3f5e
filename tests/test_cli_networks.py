"""The commands about Keras models."""

import csv
import io
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import featviz as fv
from featviz import _terminal
from featviz._network_options import own_words
from featviz.cli import cli
from featviz.networks.diagnosing import diagnose
from featviz.networks.layer_values import LayerRow, LayerTable
from featviz.networks.maps import feature_maps
from featviz.networks.model_files import preprocessing_of, read_model
from featviz.networks.tables import layer_table
from featviz.networks.values import LayerInfo
from featviz.render import diagnosis_text, table_text
from featviz.render.mosaic import save_mosaic


@pytest.fixture
def call(capsys):
    """Call featviz in this process: exit status, stdout, stderr."""

    def run(*words):
        status = _terminal.run(cli, words)
        return status, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def bytes_of_model(tmp_path_factory):
    keras.utils.set_random_seed(4)
    model = keras.Sequential(
        [
            keras.Input((6, 5, 1), name="photo"),
            keras.layers.Conv2D(3, (3, 2), activation="relu", name="conv1"),
            keras.layers.Conv2D(2, 2, activation="relu", name="conv2"),
            keras.layers.GlobalMaxPool2D(name="top"),
        ],
        name="small",
    )
    path = tmp_path_factory.mktemp("model") / "m.keras"
    model.save(path)
    return path.read_bytes()


# An oblong picture without symmetry.
PHOTO = np.arange(30, dtype=np.uint8).reshape(6, 5) * 7


@pytest.fixture(autouse=True)
def files(empty_folder, bytes_of_model):
    """Files that lie in the folder: a model, a picture, a folder with pictures in two folders."""
    Path("m.keras").write_bytes(bytes_of_model)
    Image.fromarray(PHOTO).save("photo.png")
    Path("photos/more").mkdir(parents=True)
    for index, name in enumerate(["a.png", "b.png", "more/c.png"]):
        pixels = (np.arange(30).reshape(6, 5) * (index + 1) % 251).astype(np.uint8)
        Image.fromarray(pixels).save(f"photos/{name}")
    Path("photos/notes.txt").write_text("no picture")
    return empty_folder


@pytest.fixture
def model():
    """The model that lies in the folder."""
    return read_model("m.keras")


@pytest.mark.parametrize("form", ["text", "markdown", "csv"])
def test_a_table_of_layers_is_printed(call, model, form):
    expected = table_text.text_from_table(layer_table(model), form=form)
    assert call("layers", "m.keras", "--form", form) == (0, f"{expected}\n", "")


@pytest.mark.parametrize(
    ("file", "form"), [("t.txt", "text"), ("t.md", "markdown"), ("t.CSV", "csv")]
)
def test_the_ending_says_how_a_table_is_written(call, model, file, form):
    assert call("layers", "m.keras", "-o", file) == (0, f"wrote {Path(file).resolve()}\n", "")
    expected = table_text.text_from_table(layer_table(model), form=form)
    assert Path(file).read_text(encoding="utf-8") == f"{expected}\n"


def test_a_model_that_ships_with_keras_has_a_table_at_another_size(call):
    keras.utils.clear_session()  # or names would be counted on
    status, out, err = call("layers", "mobilenet", "--input-shape", "32,64,3", "--form", "csv")
    assert (status, err) == (0, "")
    keras.utils.clear_session()
    made = read_model("MobileNet", input_shape=(32, 64, 3))
    assert out == table_text.text_from_table(layer_table(made), form="csv") + "\n"


def test_a_model_of_open_size_has_a_table_at_the_size_asked_for(call):
    keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3, name="c")]).save(
        "o.keras"
    )
    assert "8×10×2" in call("layers", "o.keras", "--input-shape", "10,12,1")[1]


@pytest.mark.parametrize(
    ("words", "options"),
    [([], {}), (["--scale", "each"], {"scale": "each"}),
     (["--scale", "-1,2.5"], {"scale": (-1, 2.5)}),
     (["--channels", "2, 0"], {"channels": [2, 0]}),
     (["--channels", "most_varied", "--count", "2"], {"channels": "most_varied", "count": 2})],
    ids=["plain", "each", "limits", "channels", "most varied"],
)  # fmt: skip
def test_one_layer_becomes_its_maps(call, model, words, options):
    status, out, err = call("maps", "m.keras", "photo.png", "-l", "conv1", "-o", "o.png", *words)
    maps = feature_maps(model, PHOTO, "conv1")
    save_mosaic(maps, "conv1:detect", "expected.png", **options)
    assert (status, err) == (0, "")
    went_in, wrote = out.splitlines()
    assert went_in == "went in: 1×6×5×1 float32, 0 to 0.796 (a picture, white is 1)"
    assert wrote == f"wrote {Path('o.png').resolve()}"
    assert same_maps("o.png", "expected.png")


def same_maps(one, other):
    """Whether two mosaics agree below their headings, which tell how the image came in."""
    with Image.open(one) as first, Image.open(other) as second:
        pixels = [np.asarray(picture.convert("RGB")) for picture in (first, second)]
    height = min(map(len, pixels)) - 100
    return np.array_equal(pixels[0][-height:], pixels[1][-height:])


def test_before_the_activation_is_drawn_when_asked_for(call, model):
    assert call("maps", "m.keras", "photo.png", "-l", "conv1:filter", "-o", "o.png")[0] == 0
    save_mosaic(feature_maps(model, PHOTO, "conv1"), "conv1:filter", "expected.png")
    assert same_maps("o.png", "expected.png")


def test_a_folder_gets_a_picture_of_each_layer(call):
    status, out, _ = call("maps", "m.keras", "photo.png", "-l", "conv*", "-l", "top", "-o", "out/")
    assert status == 0
    names = ["conv1-detect.png", "conv2-detect.png", "top.png"]
    assert sorted(path.name for path in Path("out").iterdir()) == names
    assert out.splitlines()[1:] == [f"wrote {Path('out', name).resolve()}" for name in names]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_several_layers_become_a_page(call, ending):
    status, out, err = call("maps", "m.keras", "photo.png", "-l", "conv*", "-o", f"o.{ending}")
    assert (status, err) == (0, "")
    assert out.endswith(f"wrote {Path(f'o.{ending}').resolve()}\n")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert Path(f"o.{ending}").read_bytes().startswith(start)


def test_one_layer_becomes_a_drawing_of_lines(call):
    assert call("maps", "m.keras", "photo.png", "-l", "conv1", "-o", "o.svg")[0] == 0
    assert Path("o.svg").read_bytes().startswith(b"<?xml")


def test_without_o_the_file_is_called_after_the_image(call):
    assert call("maps", "m.keras", "photo.png", "-l", "conv1")[0] == 0
    assert Path("photo-maps.png").is_file()


def test_white_and_size_of_what_goes_in_are_said(call):
    Image.new("RGB", (10, 12), (255, 0, 0)).save("red.png")
    words = ["maps", "m.keras", "red.png", "-l", "conv1", "--white", "255", "--resize"]
    status, out, _ = call(*words)
    assert status == 0
    assert out.startswith("went in: 1×6×5×1 float32, ")
    assert "white is 255" in out
    assert "resized from 12×10" in out


def test_a_matrix_goes_in_as_it_is(call):
    Path("m.csv").write_text(
        "\n".join(",".join(str(9 * r + c) for c in range(5)) for r in range(6))
    )
    assert "float32, 0 to 49 (int64 as given)" in call("maps", "m.keras", "m.csv", "-l", "conv1")[1]


@pytest.mark.parametrize("white", [[], ["--white", "255"]], ids=["white 1", "white 255"])
@pytest.mark.parametrize("name", ["camera", "coffee"], ids=["grey", "colour"])
def test_a_sample_goes_in_as_the_same_picture_in_a_file(call, name, white):
    fv.write_image(f"{name}.png", fv.sample_image(name))
    words = ["-l", "conv*", "--resize", *white]
    found = call("maps", "m.keras", f"sample:{name}", *words, "-o", "sample.png")[1]
    expected = call("maps", "m.keras", f"{name}.png", *words, "-o", "file.png")[1]
    assert found.splitlines()[0] == expected.splitlines()[0]
    assert f"(a picture, white is {(white or [1])[-1]}, " in found
    with Image.open("sample.png") as one, Image.open("file.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))
    words = ["--resize", *white]
    told = [call("diagnose", "m.keras", word, *words) for word in (f"sample:{name}", f"{name}.png")]
    assert told[0] == told[1]


def test_a_sample_of_numbers_between_those_of_a_file_keeps_them(call, model):
    out = call("diagnose", "m.keras", "sample:zone_plate", "--resize", "--white", "255")[1]
    given = 255 * fv.sample_image("zone_plate")
    expected = diagnosis_text.text_from_diagnosis(diagnose(model, given, resize=True))
    assert out.rstrip("\n") == expected.replace("float32 as given", "a picture, white is 255")


@pytest.mark.parametrize("command", ["maps", "diagnose"])
def test_random_weights_are_those_of_a_seed(call, command):
    words = [command, "MobileNet", "sample:coffee", "--resize", "-l", "conv1", "-o"]
    ending = ".png" if command == "maps" else ".csv"
    told = {}
    for name, seed in {"one": [], "two": ["--seed", "0"], "other": ["--seed", "12"]}.items():
        status, out, err = call(*words, f"{name}{ending}", *seed)
        assert (status, err) == (0, "")
        told[name] = Path(f"{name}{ending}").read_bytes()
        assert f"has random weights, --seed {(seed or [0])[-1]}\n" in out
    assert told["one"] == told["two"]
    assert told["one"] != told["other"]


def test_each_pattern_says_for_itself_whether_maps_before_the_activation_are_drawn(call):
    words = ["maps", "m.keras", "photo.png", "-l", "conv2:filter", "-l", "conv1", "-o", "out/"]
    assert call(*words)[0] == 0
    names = ["conv1-detect.png", "conv2-filter.png"]
    assert sorted(path.name for path in Path("out").iterdir()) == names


def test_a_model_that_ships_with_keras_is_prepared_as_its_module_does(call):
    words = ["maps", "MobileNetV2", "sample:coffee", "-l", "Conv1", "--resize", "--count", "4"]
    status, out, err = call(*words)
    assert (status, err) == (0, "")
    assert "through mobilenet_v2.preprocess_input)" in out
    assert "has random weights" in out
    fv.write_image("coffee.png", fv.sample_image("coffee"))
    white, preprocess = preprocessing_of("MobileNetV2")
    maps = feature_maps(
        read_model("MobileNetV2"), "coffee.png", "Conv1", resize=True, white=white,
        preprocess=preprocess,
    )  # fmt: skip
    assert out.splitlines()[0] == f"went in: {maps.went_in[0]}"


def test_a_diagnosis_is_printed(call, model):
    expected = diagnosis_text.text_from_diagnosis(diagnose(model, "photos"))
    assert call("diagnose", "m.keras", "photos") == (0, f"{expected}\n", "")
    assert " over 3 images" in expected


def test_one_picture_or_a_sample_does_for_a_first_look(call, model):
    told = diagnose(model, "photo.png")
    assert call("diagnose", "m.keras", "photo.png")[1] == (
        diagnosis_text.text_from_diagnosis(told) + "\n"
    )
    words = ["diagnose", "m.keras", "sample:step", "--resize", "--white", "9"]
    assert "0 to 9 (a picture, white is 9" in call(*words)[1]


def test_a_diagnosis_takes_its_options(call, model):
    status, out, _ = call(
        "diagnose", "m.keras", "photos", "-l", "conv*", "--limit", "2", "--batch-size", "1",
        "--white", "255",
    )  # fmt: skip
    told = diagnose(model, "photos", "conv*", limit=2, batch_size=1, white=255.0)
    assert (status, out) == (0, diagnosis_text.text_from_diagnosis(told) + "\n")
    assert "over 2 images" in out


@pytest.mark.parametrize("file", ["d.csv", "d.json", "d.md", "d.txt"])
def test_a_diagnosis_is_written(call, model, file):
    status, out, err = call("diagnose", "m.keras", "photos", "-o", file)
    assert (status, err) == (0, "")
    assert out.endswith(f"wrote {Path(file).resolve()}\n")
    told = diagnose(model, "photos")
    assert out.splitlines()[0] in diagnosis_text.text_from_diagnosis(told)
    text = Path(file).read_text(encoding="utf-8")
    if file == "d.json":
        assert json.loads(text)["images"] == 3
    elif file == "d.csv":
        assert len(text.splitlines()) == 1 + len(told.rows)
    else:
        form = "markdown" if file == "d.md" else "text"
        assert text == diagnosis_text.text_from_diagnosis(told, form=form) + "\n"


def prepare():
    Path("bad.keras").write_bytes(b"hello")
    Path("cut.keras").write_bytes(b"PK\3\4" + bytes(50))
    Path("damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("none").mkdir()
    Path("plain").write_bytes(b"x")
    Path("broken").mkdir()
    Path("broken/a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    image = keras.Input((2, 2, 1))
    keras.Model(image, keras.layers.Lambda(lambda x: x)(image)).save("lambda.keras")
    given = [keras.Input((6, 5, 1), dtype="uint8", name="numbers"), keras.layers.Rescaling(1)]
    keras.Sequential([*given, keras.layers.Conv2D(1, 2, name="c")]).save("ints.keras")


RULE = "model must be a .keras file or the name of a keras.applications model; got "
ERRORS = [
    ("layers model.h5", 2, f"{RULE}'model.h5'; where it is trusted, load it and save it as .keras"),
    ("layers ResNet50V3", 2, f"{RULE}'ResNet50V3' (did you mean 'ResNet50V2'?)"),
    ("layers hf://a/b", 2, f"{RULE}'hf://a/b'; load it to this machine first"),
    ("layers none/", 2, f"{RULE}the folder 'none/'; save the model as one .keras file"),
    ("layers no.keras", 1, "model must be a file that exists; got 'no.keras'"),
    ("layers bad.keras", 1, "model must be a zip archive as Keras saves it; got 'bad.keras', which "
     "is none; save the model again"),
    ("layers cut.keras", 1, "model must be a whole zip archive; got 'cut.keras', which begins as "
     "one and has no end; copy or save it again"),
    ("layers lambda.keras", 1, "model must hold layers without code of their own; got "
     "'lambda.keras', with a Lambda layer, which holds or loads a program; --trust opens it all "
     "the same and may run any program in it"),
    ("layers m.keras -o t.html", 2, "output must end in one of .txt, .md, .csv; got 't.html'"),
    ("layers m.keras --form html", 2, "--form must be one of 'text', 'markdown', 'csv'"),
    ("layers m.keras --weights imagenet", 2, "--weights must not be given for a file"),
    ("layers m.keras --weights imagnet", 2, "--weights must be one of 'none', 'imagenet'; got"),
    ("layers m.keras --input-shape 3,3", 2, "--input-shape must be three whole numbers; got '3,3'"),
    ("layers m.keras --input-shape 3,3,x", 2, "--input-shape must be a whole number of at least 1"),
    ("layers VGG16 --input-shape 3,3,3", 2, "--input-shape must suit VGG16; got (3, 3, 3); "),
    ("layers", 2, "missing argument 'MODEL'"),
    ("maps m.keras photo.png", 2, "missing option '-l' / '--layer'"),
    ("maps m.keras photo.png -l cnv1", 2, "-l must be among 'conv1:filter'"),
    ("maps m.keras photo.png -l conv1 -o o.jpg", 2, "output must end in one of .png, .svg, .pdf"),
    ("maps m.keras photo.png -l conv1 -o no/o.png", 1, "output must be in a folder that exists"),
    ("maps m.keras photo.png -l conv1 --scale wide", 2, "--scale must be one of 'layer', 'shared'"),
    ("maps m.keras photo.png -l conv1 --scale 2,1", 2, "--scale must be two numbers LOW,HIGH"),
    ("maps m.keras photo.png -l conv1 --channels 3", 2, "--channels must be below 3"),
    ("maps m.keras photo.png -l conv1 --channels best", 2, "--channels must be one of 'strongest'"),
    ("maps m.keras photo.png -l conv* --channels 0", 2, "--channels must be given for one layer; "
     "got 2"),
    ("maps m.keras photo.png -l conv1 --count 0", 2, "--count must be a whole number of"),
    ("maps m.keras photo.png -l conv1 --white 0", 2, "--white must be a finite number above 0"),
    ("maps m.keras no.png -l conv1", 1, "image must be a file that exists; got 'no.png'"),
    ("maps m.keras damaged.png -l conv1", 1, "image "),
    ("maps m.keras sample:coffee -l conv1", 2, "image must be 6×5×1 for the input 'photo'; got "
     "400×600×3; add --resize"),
    ("diagnose m.keras no", 1, "FOLDER must be a folder or an image that exists; got 'no'"),
    ("diagnose m.keras ''", 1, "FOLDER must be a folder or an image that exists; got ''"),
    ("maps m.keras none -l conv1", 1, "image must be a file; got the folder 'none'"),
    ("maps m.keras . -l conv1", 1, "image must be a file; got the folder '.'"),
    ("maps m.keras photo.png -l ''", 2, "-l must be names, paths or patterns; got ''"),
    ("maps m.keras photo.png -l conv1 -o ''", 2, "output must be a path, not empty"),
    ("maps m.keras photo.png -l conv1 -o ./photo.png", 2,
     "-o must not be the image that is read; got './photo.png'"),
    ("layers m", 2, f"{RULE}'m' (did you mean 'm.keras'?)"),
    ("layers none", 2, f"{RULE}'none', a folder; save the model as one .keras file"),
    ("layers plain", 2, f"{RULE}'plain', a file of another kind; save the model as .keras"),
    ("layers M.KERAS", 2, f"{RULE}'M.KERAS'; Keras wants the ending in small letters: rename it"),
    ("layers m.weights.h5", 2, f"{RULE}'m.weights.h5', weights alone; load them into their model "
     "and save that as .keras"),
    ("diagnose m.keras damaged.png", 1, "image "),
    ("diagnose m.keras none", 1, "data must be a folder with image files"),
    ("diagnose m.keras broken", 1, "image"),
    ("diagnose m.keras photos -o d.xml", 2, "output must end in one of .csv, .json, .md, .txt"),
    ("diagnose m.keras photos -l cnv1", 2, "-l must be among"),
    ("maps m.keras photo.png -l conv1 --seed 1", 2, "--seed must be given for random weights; "
     "got 1 and a file with its own"),
    ("diagnose MobileNet photos --seed 1 --weights imagenet", 2, "--seed must be given for random "
     "weights; got 1 and weights imagenet"),
    ("diagnose MobileNet photos --seed -1", 2, "--seed must be a whole number of at least 0; got "),
    ("maps ints.keras photo.png -l c", 2, "--white must be above 1 for a picture in the input "
     "'numbers' of uint8; got 1; add --white 255"),
    (f"diagnose m.keras photos --limit {10**30}", 2, "--limit must be below 2147483648; got 1000"),
    (f"layers m.keras --input-shape {10**30},1,1", 2, "--input-shape must be below 2147483648"),
    ("diagnose m.keras photos --limit 0", 2, "--limit must be a whole number of at least 1; got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "start"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors_are_one_line_and_write_nothing(call, words, status, start):
    prepare()
    before = sorted(Path().rglob("*"))
    found, out, err = call(*shlex.split(words))
    assert (found, out) == (status, "")
    assert err.startswith(f"featviz: error: {start}"), err
    assert err.count("\n") == 1
    assert sorted(Path().rglob("*")) == before


def test_a_download_that_fails_names_the_option_and_is_a_failure():
    told = "weights 'imagenet' must be downloaded; weights 'none' are random"
    with pytest.raises(_terminal.Failure) as caught, own_words():
        raise ConnectionError(told)
    assert caught.value.message == (
        "--weights imagenet must be downloaded; --weights none are random"
    )


def test_trust_is_the_users_own_decision(call):
    image = keras.Input((2, 2, 1))
    keras.Model(image, keras.layers.Lambda(lambda x: x + 1, name="lam")(image)).save("l.keras")
    assert call("layers", "l.keras")[0] == 1
    status, out, _ = call("layers", "l.keras", "--trust")
    assert status == 0
    assert "lam" in out


def test_an_old_keras_is_one_line_of_warning(call, monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.14.0")
    status, out, err = call("layers", "m.keras")
    assert (status, "conv1" in out) == (0, True)
    assert re.fullmatch(r"featviz: warning: keras 3\.14\.0 has known holes .*\n", err)


def test_hostile_names_stay_one_line(call):
    name = "\x1b[31m<script>\n.keras"
    Path(name).write_bytes(b"x")
    status, _, err = call("layers", name)
    assert status == 1
    assert err.count("\n") == 1
    assert err[:-1].isprintable()


def told_of(name):
    """A diagnosis of a layer whose name TensorFlow itself would refuse."""
    info = LayerInfo(name, name, "ReLU", "", -1)
    told = diagnose(keras.Sequential([keras.Input((2,)), keras.layers.ReLU()]), [[-1.0, 2.5]])
    (layer,) = told.layers.values()
    return replace(told, model=name, layers={name: replace(layer, info=info)})


@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1", "-2+3", "@SUM(1)", "\t=1\x1b[2J"])
def test_names_run_in_no_spreadsheet_and_steer_no_terminal(name):
    told = told_of(name)
    row = LayerRow(name, name, name, (1,), 1, 1, 1, None, None, 4, name)
    table = table_text.text_from_table(LayerTable(name, ((1,),), (row,)), form="csv")
    diagnosis = diagnosis_text.write_diagnosis(told, "told.csv").read_text("utf-8")
    for text in (table, diagnosis):
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\x1b"))]
        assert f"'{name}".replace("\t", "").replace("\x1b", "\N{REPLACEMENT CHARACTER}") in cells
    for form in ("text", "markdown"):
        told_text = diagnosis_text.text_from_diagnosis(told, form=form)
        assert told_text.replace("\n", "").isprintable()


def test_hostile_names_of_layers_steer_no_terminal(call):
    name = "\x1b[31m<b>red"
    layers = [keras.Input((6, 5, 1)), keras.layers.Conv2D(2, 2, activation="relu", name=name)]
    keras.Sequential(layers, name="\x1b[2Jsmall").save("h.keras")
    for words in (["layers", "h.keras"], ["diagnose", "h.keras", "photos"],
                  ["diagnose", "h.keras", "photos", "-o", "d.csv"],
                  ["maps", "h.keras", "photo.png", "-l", "*", "-o", "out/"],
                  ["maps", "h.keras", "photo.png", "-l", "*red", "-o", "x.png"],
                  ["maps", "h.keras", "photo.png", "-l", "no"]):  # fmt: skip
        _, out, err = call(*words)
        assert (out + err).replace("\n", "").isprintable(), words
    assert [path.name for path in Path("out").iterdir()] == ["-_31m-b-red-detect.png"]


LIGHT = """
import sys
from featviz import _terminal
from featviz.cli import cli
for words in COMMANDS:
    status = _terminal.run(cli, words)
    heavy = [name for name in ("tensorflow", "keras", "matplotlib") if name in sys.modules]
    print(status, heavy, file=sys.stderr)
"""


def test_help_and_wrong_model_files_load_nothing_heavy():
    Path("bad.keras").write_bytes(b"hello")
    commands = [["layers", "--help"], ["maps", "--help"], ["diagnose", "--help"],
                ["layers", "a.h5"], ["maps", "bad.keras", "x.png", "-l", "c"],
                ["diagnose", "no.keras", "."]]  # fmt: skip
    code = f"COMMANDS = {commands}\n{LIGHT}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("featviz:")]
    assert lines == ["0 []"] * 3 + ["2 []", "1 []", "1 []"]


def test_a_pipe_sees_no_bar_and_nothing_of_tensorflow():
    done = subprocess.run(
        [sys.executable, "-m", "featviz", "diagnose", "m.keras", "photos"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Diagnosis of small over 3 images")
