"""What goes into a model: every kind of source, every sentence."""

import io
import pickle
import re
import warnings
from fractions import Fraction
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from models import fill, images, several, subclassed
from PIL import Image

from featviz.networks.diagnosing import diagnose
from featviz.networks.inputs import note_of_input
from featviz.networks.layer_stages import extraction_from_layer
from featviz.networks.maps import feature_maps, stream_feature_maps
from featviz.networks.top_scores import top_images

layers = keras.layers
PIXELS = (np.arange(72).reshape(4, 6, 3) * 3).astype(np.uint8)


def model_of(shape, dtype="float32"):
    """A model that gives back what it takes."""
    x = keras.Input(shape, dtype=dtype, name="image")
    return keras.Model(x, layers.Identity(name="same")(x), name="net")


def file_of(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


RGB, GREY, ANY = (4, 6, 3), (4, 6, 1), (None, None, 1)
AS_PICTURE = "(a picture, white is 1)"
# source: (input, images, options, what goes in, its note)
SOURCES = {
    "a path": (RGB, "a.png", {}, PIXELS / 255, AS_PICTURE),
    "a Path": (RGB, Path("a.png"), {}, PIXELS / 255, AS_PICTURE),
    "bytes": (RGB, file_of(PIXELS), {}, PIXELS / 255, AS_PICTURE),
    "Pillow": (RGB, Image.fromarray(PIXELS), {}, PIXELS / 255, AS_PICTURE),
    "Pillow, white 255": (
        RGB, Image.fromarray(PIXELS), {"white": 255}, PIXELS, "(a picture, white is 255)",
    ),
    "uint8": (RGB, PIXELS, {}, PIXELS / 255, "(uint8, white is 1)"),
    "uint16": (RGB, PIXELS.astype(np.uint16), {}, PIXELS / 65535, "(uint16, white is 1)"),
    "uint8, white 255": (RGB, PIXELS, {"white": 255}, PIXELS, "(uint8, white is 255)"),
    "floats": (
        RGB, PIXELS / 255, {"white": 255}, PIXELS / 255,
        "(float64 as given, not times the white of 255)",
    ),
    "floats of 0 to 255": (RGB, PIXELS * 1.0, {}, PIXELS, "(float64 as given)"),
    "signed": (RGB, PIXELS.astype(int), {}, PIXELS, "(int64 as given)"),
    "nested lists": (RGB, PIXELS.tolist(), {}, PIXELS, "(int64 as given)"),
    "a tensor": (RGB, tf.constant(PIXELS), {}, PIXELS / 255, "(uint8, white is 1)"),
    "a small float": (
        RGB, tf.constant(PIXELS, tf.bfloat16), {}, PIXELS, "(bfloat16 as given)",
    ),
    "a batch": (RGB, PIXELS[None], {}, PIXELS / 255, "(uint8, white is 1)"),
    "a list of one": (RGB, [PIXELS], {}, PIXELS / 255, "(uint8, white is 1)"),
    "grey": (GREY, PIXELS[:, :, 0], {}, PIXELS[:, :, :1] / 255, "(uint8, white is 1)"),
    "grey in a list": (GREY, [PIXELS[:, :, 0]], {}, PIXELS[:, :, :1] / 255, "(uint8, white is 1)"),
    "grey lists": (GREY, PIXELS[:, :, 0].tolist(), {}, PIXELS[:, :, :1], "(int64 as given)"),
    "any size, one": (ANY, PIXELS[:, :, :1], {}, PIXELS[:, :, :1] / 255, "(uint8, white is 1)"),
    "alpha in a file": (
        RGB, file_of(np.dstack([PIXELS, np.full((4, 6), 51, np.uint8)])), {},
        PIXELS / 255 * 0.2 + 0.8, AS_PICTURE,
    ),
    "alpha in an array": (
        RGB, np.dstack([PIXELS, PIXELS[:, :, 0]]), {"resize": True}, PIXELS / 255,
        "(uint8, white is 1, 4 channels made 3, alpha left out)",
    ),
    "grey made RGB": (
        RGB, PIXELS[:, :, :1] * 1.0, {"resize": True}, np.repeat(PIXELS[:, :, :1], 3, 2),
        "(float64 as given, 1 channel made 3)",
    ),
    "RGB made grey": (
        GREY, PIXELS * 1.0, {"resize": True}, PIXELS @ [[0.299], [0.587], [0.114]],
        "(float64 as given, 3 channels made 1)",
    ),
    "another size": (
        RGB, np.full((8, 3, 3), 0.25, np.float16), {"resize": True}, np.full(RGB, 0.25),
        "(float16 as given, resized from 8×3)",
    ),
    "channels first": (
        (3, 4, 6), "a.png", {}, np.moveaxis(PIXELS, -1, 0) / 255,
        "(a picture, white is 1, channels moved to the front)",
    ),
    "not finite": (
        RGB, np.where(PIXELS == 3, np.nan, 1), {"finite": False}, np.where(PIXELS == 3, np.nan, 1),
        ", 1 NaN or infinite (float64 as given)",
    ),
    "prepared": (
        RGB, PIXELS, {"white": 255, "preprocess": np.negative}, -1.0 * PIXELS,
        "(uint8, white is 255, through negative)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_goes_in_as_the_convention_says(name, tmp_path):
    shape, source, options, wanted, note = SOURCES[name]
    Path(tmp_path, "a.png").write_bytes(file_of(PIXELS))
    maps = feature_maps(model_of(shape), source, **options)
    assert maps["same"].shape == (1, *np.shape(wanted))
    np.testing.assert_allclose(maps["same"][0], wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(maps.images[0], maps["same"])
    assert maps.went_in[0].endswith(note)
    assert re.match(r"1×\d+×\d+×\d float32, \S+ to \S+", maps.went_in[0])


def test_grey_images_without_an_axis_of_channels_are_several():
    for shape in (GREY, ANY):
        maps = feature_maps(model_of(shape), np.zeros((5, 4, 6)))
        assert maps["same"].shape == (5, 4, 6, 1)


def test_the_ways_of_a_list_are_told_of_each_once():
    mixed = [PIXELS, PIXELS / 255, Image.fromarray(PIXELS), PIXELS, PIXELS.tolist(), PIXELS * 2]
    maps = feature_maps(model_of(RGB), mixed)
    assert maps["same"].shape == (6, *RGB)
    assert maps.went_in == (
        "6×4×6×3 float32, 0 to 213 (uint8, white is 1 or float64 as given or a picture, white is "
        "1 and 1 more way), of all 6 images",
    )


def test_sizes_that_differ_are_brought_to_one_when_asked():
    several_sizes = [np.ones((3, 3, 3)), np.ones((9, 2, 3))]
    maps = feature_maps(model_of(RGB), several_sizes, resize=True)
    np.testing.assert_allclose(maps["same"], np.ones((2, *RGB)), rtol=1e-6)
    assert maps.went_in[0].endswith("(float64 as given, resized from 3×3 or 9×2), of all 2 images")


def test_many_sizes_are_told_of_as_one_way(tmp_path):
    files = []
    for number, size in enumerate([(3, 4), (6, 4), (8, 2), (8, 3), (8, 4), (8, 5), (3, 4)]):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(np.full((size[1], size[0], 3), 40 * number, np.uint8)).save(files[-1])
    options = {"resize": True, "preprocess": abs}
    line = (
        "(a picture, white is 1, resized from 4×3 or 2×8 or 3×8 or 2 other sizes or unchanged, "
        "through abs)"
    )
    model = model_of(RGB)
    for batch_size in (2, 9):
        maps = feature_maps(model, files, batch_size=batch_size, **options)
        assert maps.went_in[0].endswith(f"{line}, of all 7 images")
        told = diagnose(model, tmp_path, batch_size=batch_size, **options)
        assert told.went_in[0].endswith(line)


def test_images_of_several_sizes_go_one_by_one_into_a_model_of_any_size(tmp_path):
    for number, shape in enumerate([(3, 4, 3), (5, 2), (4, 4, 3), (3, 5, 3), (7, 2), (6, 2)]):
        Image.fromarray(np.full(shape, 9, np.uint8)).save(tmp_path / f"{number}.png")
    model = model_of((None, None, 3))
    with pytest.raises(ValueError, match="image in data") as caught:
        diagnose(model, tmp_path)
    assert "got 5×2×1; pass resize=True to change its channels; the file" in str(caught.value)
    with pytest.raises(ValueError, match="one size") as caught:
        diagnose(model, tmp_path, resize=True)
    assert str(caught.value) == (
        "data must have one size in a batch; got 3×4×3, 3×5×3, 4×4×3, 5×2×3 and 2 more; bring "
        "them to one, or pass batch_size=1"
    )
    assert diagnose(model, tmp_path, resize=True, batch_size=1).images == 6


def test_whole_numbers_stay_whole():
    model = model_of(RGB, "uint8")
    maps = feature_maps(model, PIXELS)
    assert maps["same"].dtype == np.uint8
    np.testing.assert_array_equal(maps["same"][0], PIXELS)
    maps = feature_maps(model, file_of(PIXELS), white=255)
    np.testing.assert_array_equal(maps["same"][0], PIXELS)
    half = np.full((8, 12, 3), 7, np.uint8)
    half[::2] = 8
    assert set(feature_maps(model, half, resize=True)["same"].ravel().tolist()) <= {7, 8}


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64"])
def test_numbers_that_float32_does_not_hold_are_resized_as_they_are(dtype):
    model, large = model_of(RGB, dtype), np.full((9, 5, 3), 2**30 + 1)
    assert set(feature_maps(model, large, resize=True)["same"].flat) == {2**30 + 1}
    mixed = np.random.default_rng(4).integers(0, 200, (9, 5, 3))
    made = feature_maps(model, mixed, resize=True)["same"][0]
    plain = tf.image.resize(mixed.astype(np.float32), RGB[:2], antialias=True).numpy()
    np.testing.assert_allclose(made, plain, atol=0.5001, rtol=0)


WIDE = {
    "int64, above": ("int64", 2**63 - 1),
    "int64, below": ("int64", -(2**63)),
    "uint64": ("uint64", 2**64 - 1),
    "just above": ("int64", 2**53 + 1),
}


@pytest.mark.parametrize(("dtype", "value"), WIDE.values(), ids=WIDE)
def test_whole_numbers_that_no_float_holds_are_not_computed_with(dtype, value):
    model, large = model_of(RGB, dtype), np.full((9, 5, 3), 7, dtype)
    large[2, 3, 1] = value
    rule = r"images must hold whole numbers of at most 2\*\*53 in magnitude to be "
    with pytest.raises(ValueError, match=f"^{rule}resized; got {value}$"):
        feature_maps(model, large, resize=True)
    with pytest.raises(ValueError, match=f"^{rule}made grey; got {value}$"):
        feature_maps(model_of(GREY, dtype), large[:4, [0, 1, 2, 3, 4, 0]], resize=True)
    kept = feature_maps(model, large[:4, [0, 1, 2, 3, 4, 0], 1:2], resize=True)["same"]
    assert kept[0, 2, 3].tolist() == [value] * 3  # grey made RGB is copied
    for fits in (2**53, 2**53 - 1):
        two = np.full((2, 9, 5, 3), fits, dtype)
        two[1] = 8  # beside it nothing is lost
        made = feature_maps(model, two, resize=True)["same"]
        assert [set(one.flat) for one in made] == [{fits}, {8}]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint32", "int64", "uint64"])
def test_whole_numbers_are_made_grey_without_a_digit_lost(dtype):
    ends = np.iinfo(dtype)
    top = min(ends.max, 2**53)
    low = max(ends.min, -top)
    given = np.random.default_rng(5).integers(low, top, RGB, dtype, endpoint=True)
    given[0, :4] = [[top] * 3, [low] * 3, [0, 0, 250], [0, 4, 168]]  # 28.5 and 21.5 are halves
    thousandths = given.astype(object) @ np.array([299, 587, 114], object)
    made = feature_maps(model_of(GREY, dtype), given, resize=True)["same"]
    for got, wanted in zip(made.flat, thousandths.flat, strict=True):
        assert int(got) == round(Fraction(wanted, 1000))


def test_places_in_a_table_are_never_scaled():
    table = layers.Embedding(300, 2, name="table")
    model = keras.Sequential([keras.Input((4,)), table])
    rows = np.asarray(table.embeddings)
    for words in (np.array([[0, 1, 2, 255]], np.uint8), [[0, 1, 2, 255]], [0, 1, 2, 255]):
        np.testing.assert_array_equal(feature_maps(model, words)["table"][0], rows[[0, 1, 2, 255]])


def test_several_inputs_go_in_by_name_or_in_order():
    model, one, other = several(3), images(3), images(3, seed=5)
    listed = feature_maps(model, [one, other])
    named = feature_maps(model, {"after": other, "before": one})
    for path in listed:
        np.testing.assert_array_equal(listed[path], named[path])
    np.testing.assert_array_equal(listed["change"], model([one, other])["change"])
    assert len(named.went_in) == 2
    assert named.names == listed.names == ("before", "after")


def test_a_model_made_with_a_dict_gets_one():
    class Named(keras.Model):
        def call(self, given):
            return given["right"] - given["left"]

    x = {name: keras.Input((2,), name=name) for name in ("one", "two")}
    made = keras.Model(x, layers.Subtract(name="less")([x["one"], x["two"]]))
    maps = feature_maps(made, {"two": [[1.0, 1.0]], "one": [[5.0, 7.0]]})
    assert maps["less"].tolist() == [[4.0, 6.0]]
    own = Named()
    own.ask = layers.Identity(name="ask")
    own.built = True
    own.call = lambda given, training=False: own.ask(given["right"] - given["left"])  # noqa: ARG005
    maps = feature_maps(own, {"left": np.ones((1, 2, 2, 1)), "right": np.zeros((1, 2, 2, 1))})
    assert maps["ask"].tolist() == (-np.ones((1, 2, 2, 1))).tolist()


def keyed(first="left", second="right"):
    """A model made with a dict whose keys are not the names of its inputs: first less second."""
    x, y = keras.Input((2, 2, 1), name="x"), keras.Input((2, 2, 1), name="y")
    less = layers.Subtract(name="less")([x, y])
    with warnings.catch_warnings(action="ignore"):  # Keras wants the names as the keys
        return keras.Model({first: x, second: y}, {"far": less, "near": layers.ReLU()(less)})


NINE, TWO = (np.full((3, 2, 2, 1), value, np.float32) for value in (9, 2))


@pytest.mark.parametrize("keys", [("left", "right"), ("second", "first"), ("y", "x")], ids=str)
def test_a_model_made_with_a_dict_takes_its_keys_or_the_names_of_its_inputs(keys):
    model, given = keyed(*keys), dict(zip(keys, (NINE, TWO), strict=True))
    wanted = np.asarray(model(given)["far"])
    assert (wanted == 7).all()
    ways = {"keys": given, "the other way round": dict(reversed(given.items()))}
    if keys != ("y", "x"):  # of which the keys hold
        ways["names"] = {"x": NINE, "y": TWO}
    ways |= {f"{way}, streamed": iter([one]) for way, one in ways.items()}
    ways["a data set"] = tf.data.Dataset.from_tensor_slices((given, np.zeros(3)))
    for way, data in ways.items():
        maps = feature_maps(model, data)
        np.testing.assert_array_equal(maps["less"], wanted, err_msg=way)
        assert maps.names == tuple(sorted(keys)), way
    assert maps.went_in[0].startswith(f"{min(keys)}: 3×2×2×1 float32, ")
    assert feature_maps(model, given, compiled=True)["less"].tobytes() == wanted.tobytes()
    first = {key: part[0] for key, part in given.items()}
    assert diagnose(model, first).went_in == feature_maps(model, first).went_in


def test_a_list_is_refused_where_a_dict_has_its_keys_in_another_order():
    rule = "must (be|give) a dict of 2 inputs, first, second; got "
    for images_of_two in ([NINE, TWO], iter([(NINE, TWO)]), iter([((NINE, TWO), None)])):
        with pytest.raises(ValueError, match=rule):  # so does Keras
            feature_maps(keyed("second", "first"), images_of_two)
    assert (feature_maps(keyed(), [NINE, TWO])["less"] == 7).all()
    for other in ({"left": NINE, "y": TWO}, {"left": NINE}, {"left": NINE, "right": {}}, [NINE]):
        with pytest.raises(ValueError, match="a list or dict of 2 inputs, left, right; got"):
            feature_maps(keyed(), other)


def test_a_model_made_with_a_list_of_one_takes_a_list_of_one():
    x = keras.Input((2, 2, 1))
    made, plain = (keras.Model(one, layers.ReLU(name="act")(x)) for one in ([x], x))
    for given in ([NINE], NINE, list(NINE), iter([(NINE,)]), iter([([NINE], 0)])):
        assert feature_maps(made, given)["act"].tobytes() == NINE.tobytes()
    assert feature_maps(made, [NINE[0]])["act"].shape == (1, 2, 2, 1)
    with pytest.raises(ValueError, match="image must be 2×2×1"):
        feature_maps(plain, [NINE])


def test_a_model_made_of_nested_parts_takes_its_images_so():
    x, y, z = (keras.Input((2, 2, 1), name=name) for name in "xyz")
    less = layers.Subtract(name="less")([x, y])
    all_of_it = layers.Add(name="all")([less, z])
    made = keras.Model({"pair": [x, y], "more": {"one": z}}, all_of_it)
    listed = keras.Model([[x, y], z], all_of_it)
    given = {"pair": [NINE, TWO], "more": {"one": 10 * NINE}}
    parts = {"pair.0": NINE, "pair.1": TWO, "more.one": 10 * NINE}
    for model, images_of_all in (
        (made, given),
        (made, parts),
        (made, tf.data.Dataset.from_tensors({**given, "pair": (NINE, TWO)})),
        (made, {"x": NINE, "y": TWO, "z": 10 * NINE}),
        (listed, [[NINE, TWO], 10 * NINE]),
        (listed, [NINE, TWO, 10 * NINE]),
    ):
        maps = feature_maps(model, images_of_all)
        assert set(maps["less"].flat) == {7}
        assert set(maps["all"].flat) == {97}
        names = ("more.one", "pair.0", "pair.1") if model is made else ("x", "y", "z")
        assert maps.names == names
    with pytest.raises(ValueError, match=r"3 inputs, more.one, pair.0, pair.1; got \['pair', 'mo"):
        feature_maps(made, {"pair": NINE, "more": {"one": TWO}})


def test_what_went_into_several_inputs_is_told_with_their_names_everywhere():
    model, given = several(3), [images(3, 1), images(3, 1, seed=5) * 2]
    lines = feature_maps(model, given).went_in
    notes = [note_of_input(array, "float32 as given") for array in given]
    assert lines == (f"before: {notes[0]}", f"after: {notes[1]}")
    assert next(stream_feature_maps(model, given[::-1])).went_in[0] == f"before: {notes[1]}"
    assert diagnose(model, given).went_in == lines
    assert top_images(model, given, "change").went_in == lines
    run = extraction_from_layer(model, given, "siamese@2")
    assert run.notes[2] == f"went in: {lines[0]}; {lines[1]}"
    assert pickle.loads(pickle.dumps(lines)) == lines


def test_one_input_is_told_without_its_name():
    single = fill(keras.Sequential([keras.Input(RGB, name="photo"), layers.ReLU(name="act")]))
    line = "1×4×6×3 float32, 0 to 0 (float64 as given)"
    for run in (feature_maps, diagnose):
        assert run(single, np.zeros(RGB)).went_in == (line,)


def test_the_name_of_an_input_steers_no_terminal():
    parts = [keras.Input((2,), name=name) for name in ("a\x1b[2J", "two\nlines")]
    model = keras.Model(parts, layers.Add(name="sum")(parts))
    lines = feature_maps(model, [np.ones((1, 2), np.float32)] * 2).went_in
    size = "1×2 float32, 1 to 1 (float32 as given)"
    assert lines == (f"a\\x1b[2J: {size}", f"two\\nlines: {size}")


def test_an_input_that_broke_has_the_name_that_the_lines_have():
    listed = Listed()
    listed(list(PARTS))
    broken = PARTS[1].copy()
    broken[2, 1] = np.nan
    told = diagnose(listed, [PARTS[0], broken], finite=False)
    assert [name for name, *_ in told.broken_inputs] == ["input 1"]
    assert told.went_in[1].startswith("input 1: 5×4 float32, ")


def test_preprocessing_does_not_reach_the_callers_array():
    x = images(3).copy()
    before = x.copy()

    def in_place(batch):
        batch *= 0
        return batch

    maps = feature_maps(subclassed(3), x, preprocess=in_place)
    assert not maps.images[0].any()
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(maps.pictures[0], before)
    assert x.flags.writeable
    assert not maps.pictures[0].flags.writeable


@pytest.mark.parametrize("batch_size", [2, 5], ids="{} at once".format)
def test_the_pictures_are_the_images_before_preprocessing(batch_size):
    x = images(3)[:1] * np.arange(1.0, 6.0, dtype=np.float32).reshape(5, 1, 1, 1)
    maps = feature_maps(
        subclassed(3), x, preprocess=lambda batch: 1 - 2 * batch, batch_size=batch_size, limit=3
    )
    np.testing.assert_array_equal(maps.pictures[0], x[:3])
    np.testing.assert_array_equal(maps.images[0], 1 - 2 * x[:3])
    plain = feature_maps(subclassed(3), x)
    assert plain.pictures is plain.images


class Listed(keras.Model):
    """Takes a photograph and a row of numbers, as a list."""

    def __init__(self):
        super().__init__()
        self.look, self.weigh = layers.Conv2D(2, 3, name="look"), layers.Dense(3, name="weigh")

    def call(self, given):
        picture, row = given
        return self.look(picture), self.weigh(row)


class Keyed(Listed):
    """Takes them by name."""

    def call(self, given):
        return super().call([given["picture"], given["row"]])


class Apart(Listed):
    """Takes them as two arguments."""

    def call(self, picture, row):
        return super().call([picture, row])


PARTS = images(3, 5), np.random.default_rng(2).random((5, 4)).astype(np.float32)


@pytest.mark.parametrize("batch_size", [1, 2, 32], ids="{} at once".format)
def test_a_subclassed_model_takes_the_inputs_that_it_was_built_for(batch_size):
    listed, keyed = Listed(), Keyed()
    listed(list(PARTS))
    keyed(dict(zip(("picture", "row"), PARTS, strict=True)))
    given = {
        "a list": (listed, list(PARTS)),
        "a dict": (keyed, {"row": PARTS[1], "picture": PARTS[0]}),
        "a list for names": (keyed, list(PARTS)),
        "a data set": (listed, tf.data.Dataset.from_tensor_slices((PARTS,))),
    }
    for kind, (model, data) in given.items():
        maps = feature_maps(model, data, batch_size=batch_size)
        np.testing.assert_allclose(maps["look"], model.look(PARTS[0]), rtol=1e-5, err_msg=kind)
        np.testing.assert_allclose(maps["weigh"], model.weigh(PARTS[1]), rtol=1e-5, err_msg=kind)
        sizes = [line.split(": ")[1].split(" ")[0] for line in maps.went_in]
        assert sizes == ["5×8×8×3", "5×4"], kind
        assert maps.names == (("picture", "row") if model is keyed else ("input 0", "input 1")), (
            kind
        )
    single = feature_maps(listed, [part[0] for part in PARTS])
    assert single["weigh"].shape == (1, 3)


class Nested(keras.Model):
    """Takes a pair and one more."""

    def __init__(self):
        super().__init__()
        self.less, self.all = layers.Subtract(name="less"), layers.Add(name="all")

    def call(self, given):
        return self.all([self.less(given["pair"]), given["one"]])


def test_a_subclassed_model_takes_nested_parts_as_it_was_built_for():
    model, given = Nested(), {"pair": [NINE, TWO], "one": 10 * NINE}
    model(given)
    parts = {"pair.0": NINE, "pair.1": TWO, "one": 10 * NINE}
    for images_of_all in (given, parts, [NINE, TWO, 10 * NINE], iter([given])):
        maps = feature_maps(model, images_of_all)
        assert set(maps["all"].flat) == {97}
        assert maps.names == ("pair.0", "pair.1", "one")
    with pytest.raises(ValueError, match=r"of 3 inputs, pair.0, pair.1, one; got \['pair'\]"):
        feature_maps(model, {"pair": [NINE, TWO]})


def test_a_subclassed_model_that_was_built_with_a_list_of_one_gets_one():
    class First(keras.Model):
        def __init__(self):
            super().__init__()
            self.act = layers.ReLU(name="act")

        def call(self, given):
            return self.act(given[0])

    model = First()
    model([NINE])
    maps = feature_maps(model, NINE)
    assert maps["act"].tobytes() == NINE.tobytes()


def test_other_inputs_than_a_subclassed_model_was_built_for_are_refused():
    listed, keyed, apart = Listed(), Keyed(), Apart()
    listed(list(PARTS))
    keyed({"picture": PARTS[0], "row": PARTS[1]})
    apart(*PARTS)
    with pytest.raises(ValueError, match="images must be a list or dict of 2 inputs, input 0, inp"):
        feature_maps(listed, PARTS[0])
    with pytest.raises(ValueError, match=r"2 inputs, picture, row; got \['row', 'word'\]"):
        feature_maps(keyed, {"row": PARTS[1], "word": PARTS[0]})
    with pytest.raises(TypeError, match="model must take its inputs as one argument, a list"):
        feature_maps(apart, list(PARTS))


def rgb(given, **options):
    return feature_maps(model_of(RGB), given, **options)


LAYERS = "layers must be names, paths, patterns, layer classes or functions of a layer"
WRONG = {
    "no image": (
        lambda: rgb([]), ValueError, "images must hold at least one image; got none",
    ),
    "an empty batch": (
        lambda: rgb(np.zeros((0, 4, 6, 3))), ValueError,
        "images must hold at least one image; got none",
    ),
    "another size": (
        lambda: rgb(np.zeros((5, 6, 3))), ValueError,
        "image must be 4×6×3 for the input 'image'; got 5×6×3; pass resize=True to change it",
    ),
    "other channels": (
        lambda: rgb(np.zeros((4, 6, 1))), ValueError,
        "image must be 4×6×3 for the input 'image'; got 4×6×1; pass resize=True to change its "
        "channels",
    ),
    "channels last for a model of channels first": (
        lambda: feature_maps(model_of((3, 8, 8)), np.zeros((9, 9, 3)), resize=True), ValueError,
        "image must be 3×8×8 for the input 'image'; got 9×9×3; channels stand first: "
        "np.moveaxis(image, -1, 0)",
    ),
    "two channels": (
        lambda: rgb(np.zeros((4, 6, 2)), resize=True), ValueError,
        "image must be 4×6×3 for the input 'image'; got 4×6×2; only 1 and 3 channels can be made "
        "of one another",
    ),
    "any height": (
        lambda: feature_maps(model_of((None, 6, 3)), np.zeros((4, 5, 3))), ValueError,
        "image must be any×6×3 for the input 'image'; got 4×5×3; pass resize=True to change it",
    ),
    "two sizes": (
        lambda: feature_maps(model_of(ANY), [np.zeros((3, 3, 1)), np.zeros((4, 4, 1))]),
        ValueError,
        "images must have one size in a batch; got 3×3×1, 4×4×1; bring them to one, or give them "
        "one by one",
    ),
    "NaN": (
        lambda: rgb(np.where(PIXELS == 3, np.nan, 1.0)), ValueError,
        "images must hold finite float32 numbers; got 1 NaN or infinite for the input 'image', "
        "the first at [0, 0, 0, 1] of its batch; pass finite=False to keep them",
    ),
    "too large for half": (
        lambda: feature_maps(model_of(RGB, "float16"), np.full(RGB, 1e6)), ValueError,
        "images must hold finite float16 numbers; got 72 NaN or infinite for the input 'image', "
        "the first at [0, 0, 0, 0] of its batch; pass finite=False to keep them",
    ),
    "parts of whole numbers": (
        lambda: feature_maps(model_of(RGB, "uint8"), np.full(RGB, 0.5)), ValueError,
        "images must be whole numbers from 0 to 255 for the input 'image' of uint8; got 0.5",
    ),
    "a picture of whole numbers": (
        lambda: feature_maps(model_of(RGB, "uint8"), file_of(PIXELS)), ValueError,
        "white must be above 1 for a picture in the input 'image' of uint8; got 1; pass white=255",
    ),
    "one input of two": (
        lambda: feature_maps(several(3), images(3)), ValueError,
        "images must be a list or dict of 2 inputs, before, after; got one array of 2×8×8×3",
    ),
    "a wrong name": (
        lambda: feature_maps(several(3), {"befor": images(3), "after": images(3)}), ValueError,
        "images must be a list or dict of 2 inputs, before, after; got ['befor', 'after']",
    ),
    "three for two inputs": (
        lambda: feature_maps(several(3), [images(3)] * 3), ValueError,
        "images must be a list or dict of 2 inputs, before, after; got a list of 3",
    ),
    "one of two in a tuple": (
        lambda: feature_maps(several(3), (images(3),)), ValueError,
        "images must be a list or dict of 2 inputs, before, after; got a tuple of 1",
    ),
    "None for one of two": (
        lambda: feature_maps(several(3), [images(3), None]), ValueError,
        "images must be given for every input, for an optional one too; got None for the input "
        "'after'",
    ),
    "None by name": (
        lambda: feature_maps(several(3), {"before": None, "after": images(3)}), ValueError,
        "images must be given for every input, for an optional one too; got None for the input "
        "'before'",
    ),
    "whole numbers too large to resize": (
        lambda: feature_maps(model_of(GREY, "int64"), np.full((2, 2, 1), 2**60), resize=True),
        ValueError,
        "images must hold whole numbers of at most 2**53 in magnitude to be resized; got "
        "1152921504606846976",
    ),
    "other numbers of images": (
        lambda: feature_maps(several(3), [images(3, 2), images(3, 3)]), ValueError,
        "images must be as many for every input; got {'before': 2, 'after': 3}",
    ),
    "text": (
        lambda: rgb(np.array([["a"]])), TypeError,
        "images must be real numbers; got an array of <U1",
    ),
    "complex numbers": (
        lambda: rgb(PIXELS + 1j), TypeError,
        "images must be real numbers; got an array of complex128",
    ),
    "None": (
        lambda: rgb(None), TypeError,
        "image must be a path, bytes, a file, a Pillow image or numbers; got None",
    ),
    "no file": (
        lambda: rgb("nope.png"), FileNotFoundError,
        "image must be a file that exists; got 'nope.png'",
    ),
    "ragged lists": (
        lambda: rgb([[1, 2], [3]]), ValueError,
        "image must have rows of equal length; got length 2 in row 1 and length 1 in row 2",
    ),
    "a vector too short": (
        lambda: feature_maps(model_of((5,)), np.zeros((2, 4))), ValueError,
        "image must be 5 for the input 'image'; got 4; give an array of that shape",
    ),
    "channels inside a subclassed model": (
        lambda: feature_maps(subclassed(3), images(1)), RuntimeError,
        "model 'own' failed; layers that ran: none; Input 0 with name 'None' of layer 'conv' is "
        "incompatible with the layer: expected axis -1 of input shape to have value 3, but "
        "received input with shape (2, 8, 8, 1)",
    ),
    "a model without weights": (
        lambda: feature_maps(keras.Sequential([layers.Dense(2)], name="raw"), [[1.0]]), ValueError,
        "model must be built; 'raw' has no weights yet; call model.build(input_shape) or the "
        "model itself once",
    ),
    "no model": (
        lambda: feature_maps("model", [[1.0]]), TypeError,
        "model must be a keras.Model; got 'model'; read_model opens a file",
    ),
    "white 0": (
        lambda: rgb(PIXELS, white=0), ValueError, "white must be a finite number above 0; got 0",
    ),
    "preprocess": (
        lambda: rgb(PIXELS, preprocess=3), TypeError,
        "preprocess must be a function of a batch or None; got 3",
    ),
    "batch_size 0": (
        lambda: rgb(PIXELS, batch_size=0), ValueError,
        "batch_size must be a whole number of at least 1; got 0",
    ),
    "max_bytes 0": (
        lambda: rgb(PIXELS, max_bytes=0), ValueError,
        "max_bytes must be a finite number above 0; got 0",
    ),
    "layers 3": (lambda: rgb(PIXELS, layers=3), TypeError, f"{LAYERS}; got 3"),
    "layers of 3": (lambda: rgb(PIXELS, layers=["same", 3]), TypeError, f"{LAYERS}; got 3"),
    "no layers": (
        lambda: rgb(PIXELS, layers=[]), ValueError,
        "layers must hold at least one name or be None for all; got none",
    ),
    "a layer that is not there": (
        lambda: rgb(PIXELS, layers="sane"), ValueError,
        "layers must be among 'same'; got 'sane' (did you mean 'same'?)",
    ),
    "a class that is not there": (
        lambda: rgb(PIXELS, layers=layers.Dense), ValueError,
        "layers must be among 'same'; got 'Dense'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_answered_with_a_sentence(name):
    call, kind, sentence = WRONG[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence


PREPROCESSED = {
    "nothing": (lambda _: None, TypeError),
    "no image": (lambda batch: batch[:0], ValueError),
    "each three times": (lambda batch: np.repeat(batch, 3, 0), ValueError),
    "complex": (lambda batch: batch * 1j, ValueError),
    "NaN": (lambda batch: batch * np.nan, ValueError),
}


@pytest.mark.parametrize(("function", "kind"), PREPROCESSED.values(), ids=PREPROCESSED)
def test_a_function_that_spoils_the_batch_is_refused(function, kind):
    model = keras.Sequential([keras.Input((2, 3, 1)), keras.layers.ReLU(name="detect")])
    with pytest.raises(kind, match=r"must (give one image|hold finite|be a path)"):
        feature_maps(model, np.ones((4, 2, 3, 1)), preprocess=function)


def divided(batch, by):
    return batch / by


def test_a_preprocess_that_fails_is_named_and_its_error_is_kept():
    for function, got in (
        (
            lambda batch: batch[99],
            "<lambda>, which fails for 1×2×3×1 float32 (IndexError: index 99",
        ),
        (divided, "divided, which fails for 1×2×3×1 float32 (TypeError: divided() missing 1"),
        (partial(divided), "preprocess, which fails for 1×2×3×1 float32 (TypeError: divided()"),
    ):
        with pytest.raises(ValueError, match="preprocess must take a batch of images") as caught:
            feature_maps(model_of((2, 3, 1)), np.ones((1, 2, 3, 1)), preprocess=function)
        assert str(caught.value).startswith(f"preprocess must take a batch of images; got {got}")
        assert type(caught.value.__cause__).__name__ in str(caught.value)


SCALES = {"to 0..1": (1 / 255, 0.0), "to -1..1": (1 / 127.5, -1.0)}


@pytest.mark.parametrize("kind", SCALES)
def test_bytes_that_the_model_scales_once_more_are_told(kind):
    scale, offset = SCALES[kind]
    layer = keras.layers.Rescaling(scale, offset, name="rescaling")
    model = keras.Sequential([keras.Input((2, 2, 1)), layer])
    image = np.array([[[0], [51]], [[102], [255]]], np.uint8)
    words = "though the layer 'rescaling' scales from 0..255: pass white=255"
    with pytest.warns(UserWarning, match="images went in as 0..1, though") as caught:
        maps = feature_maps(model, image)
    assert str(caught[0].message) == f"images went in as 0..1, {words}"
    assert maps.went_in[0].endswith(f"(uint8, white is 1, {words})")
    right = feature_maps(model, image, white=255)
    np.testing.assert_allclose(right["rescaling"][0], image * scale + offset, atol=1e-6)
    assert "though" not in right.went_in[0]


@pytest.mark.parametrize("scale", [1.0, 2.0, 1 / 65535], ids=str)
def test_other_scales_are_no_fault(scale):
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Rescaling(scale)])
    maps = feature_maps(model, np.full((2, 2, 1), 255, np.uint8))
    assert maps.went_in == ("1×2×2×1 float32, 1 to 1 (uint8, white is 1)",)
