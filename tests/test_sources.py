"""Images from arrays, folders, data sets and generators: the same ones, batch by batch."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from featviz import images
from featviz.network_experiments import plot_network
from featviz.networks.diagnosing import diagnose
from featviz.networks.inputs import Fit
from featviz.networks.maps import feature_maps, stream_feature_maps
from featviz.networks.sources import IMAGE_ENDINGS, feeds_from_data, image_files
from featviz.networks.top_scores import top_images

PIXELS = np.random.default_rng(1).normal(size=(7, 4, 5, 1)).astype(np.float32)
LABELS = np.arange(7)


def small_model(*shapes):
    inputs = [keras.Input(shape, name=f"in{n}") for n, shape in enumerate(shapes or [(4, 5, 1)])]
    parts = [keras.layers.Flatten()(one) for one in inputs]
    joined = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    return keras.Model(inputs, joined)


class Labelled(keras.utils.PyDataset):
    """Batches of three, the last of one."""

    def __init__(self, count=3):
        super().__init__()
        self.count = count

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        part = slice(3 * index, 3 * index + 3)
        return PIXELS[part], LABELS[part]


class Plain(keras.Model):
    """A model that tells no input shape."""

    def __init__(self):
        super().__init__()
        self.flat = keras.layers.Flatten()

    def call(self, images):
        return self.flat(images)


def taken(data, *, model=None, limit=None, batch_size=2, fit=None):
    model = model or small_model()
    fit = fit or Fit()
    count, feeds = feeds_from_data(model, data, fit, batch_size, limit=limit, name="data")
    return count, list(feeds)


def dataset(*columns):
    return tf.data.Dataset.from_tensor_slices(columns if len(columns) > 1 else columns[0])


DATA = {
    "an array": (lambda: PIXELS, 7, [2, 2, 2, 1]),
    "a list of arrays": (lambda: list(PIXELS), 7, [2, 2, 2, 1]),
    "without channels": (lambda: PIXELS[..., 0], 7, [2, 2, 2, 1]),
    "single images": (lambda: dataset(PIXELS), 7, [2, 2, 2, 1]),
    "labelled images": (lambda: dataset(PIXELS, LABELS), 7, [2, 2, 2, 1]),
    "weighted images": (lambda: dataset(PIXELS, LABELS, LABELS), 7, [2, 2, 2, 1]),
    "images (H, W)": (lambda: dataset(PIXELS[..., 0], LABELS), 7, [2, 2, 2, 1]),
    "batches": (lambda: dataset(PIXELS).batch(3), None, [3, 3, 1]),
    "labelled batches": (lambda: dataset(PIXELS, LABELS).batch(3), None, [3, 3, 1]),
    "batches (B, H, W)": (lambda: dataset(PIXELS[..., 0]).batch(3), None, [3, 3, 1]),
    "a PyDataset": (Labelled, None, [3, 3, 1]),
    "a generator of images": (lambda: (one for one in PIXELS), None, [2, 2, 2, 1]),
    "a generator of batches": (
        lambda: (PIXELS[s : s + 4] for s in (0, 4)), None, [4, 3],
    ),
    "a generator of pairs": (
        lambda: zip(PIXELS, LABELS, strict=True), None, [2, 2, 2, 1],
    ),
    "an iterable": (lambda: map(tf.constant, PIXELS), None, [2, 2, 2, 1]),
}  # fmt: skip


@pytest.mark.parametrize("case", DATA.values(), ids=DATA.keys())
def test_every_kind_of_data_gives_the_same_images_in_order(case):
    data, count, sizes = case
    told, feeds = taken(data())
    assert told == count
    assert [len(feed.arrays[0]) for feed in feeds] == sizes
    np.testing.assert_array_equal(np.concatenate([feed.arrays[0] for feed in feeds]), PIXELS)


@pytest.mark.parametrize("case", DATA.values(), ids=DATA.keys())
def test_a_limit_takes_the_first_images_and_no_more(case):
    data, count, _ = case
    told, feeds = taken(data(), limit=4)
    assert told == (None if count is None else 4)
    np.testing.assert_array_equal(np.concatenate([feed.arrays[0] for feed in feeds]), PIXELS[:4])


@pytest.mark.parametrize("call", [feature_maps, diagnose])
def test_a_model_made_with_a_list_of_one_takes_a_data_set_of_unknown_rank(call):
    x = keras.Input((4, 5, 1))
    model = keras.Model([x], keras.layers.ReLU(name="act")(x))
    for single in (True, False):
        elements = PIXELS if single else [PIXELS[:4], PIXELS[4:]]
        data = tf.data.Dataset.from_generator(
            lambda elements=elements: (((one,), 0) for one in elements),
            output_types=((tf.float32,), tf.int32),
        )
        assert data.element_spec[0][0].shape.rank is None
        found = call(model, data)
        if call is diagnose:
            assert found.images == 7
        else:
            np.testing.assert_array_equal(found["act"], np.maximum(PIXELS, 0))


def test_a_batched_data_set_of_whole_batches_tells_its_count():
    assert taken(dataset(PIXELS[:6]).batch(3, drop_remainder=True))[0] == 6


def test_a_data_set_by_name_is_counted_by_the_input_that_it_gives():
    picture, row = keras.Input((4, 5, 1), name="z"), keras.Input((3,), name="a")
    model = keras.Model(
        [picture, row], keras.layers.Concatenate()([keras.layers.Flatten()(picture), row])
    )
    data = tf.data.Dataset.from_tensor_slices({"z": PIXELS, "a": np.ones((7, 3), np.float32)})
    assert taken(data, model=model)[0] == 7
    assert taken(data.batch(7, drop_remainder=True), model=model)[0] == 7
    assert taken(data.batch(2), model=model)[0] is None


@pytest.mark.parametrize("data", [
    lambda: dataset(PIXELS).repeat(), lambda: dataset(PIXELS).repeat().batch(3),
    lambda: Labelled(None),
], ids=["images", "batches", "PyDataset"])  # fmt: skip
def test_data_without_end_need_a_limit(data):
    with pytest.raises(ValueError, match=r"data must have an end; .* pass limit=1000"):
        taken(data())
    assert sum(len(feed.arrays[0]) for feed in taken(data(), limit=5)[1]) == 5


def test_only_the_batches_that_are_asked_for_are_read():
    read = []

    def images_of():
        for index, one in enumerate(PIXELS):
            read.append(index)
            yield one

    _, feeds = feeds_from_data(small_model(), images_of(), Fit(), 2, limit=4)
    next(feeds)
    assert read == [0, 1]


@pytest.mark.parametrize("kind", ["tuple", "dict", "batches", "dict of batches"])
def test_several_inputs_come_as_tuple_or_dict(kind):
    model = small_model((4, 5, 1), (3,))
    others = np.arange(21, dtype=np.float32).reshape(7, 3)
    data = tf.data.Dataset.from_tensor_slices(
        ({"in1": others, "in0": PIXELS} if "dict" in kind else (PIXELS, others), LABELS)
    )
    _, feeds = taken(data.batch(3) if "batches" in kind else data, model=model)
    for index, whole in enumerate((PIXELS, others)):
        got = np.concatenate([feed.arrays[index] for feed in feeds])
        np.testing.assert_array_equal(got, whole)


def test_a_model_that_tells_no_shape_takes_images_and_batches():
    for data in (dataset(PIXELS), dataset(PIXELS).batch(3)):
        _, feeds = taken(data, model=Plain())
        np.testing.assert_array_equal(np.concatenate([f.arrays[0] for f in feeds]), PIXELS)
    _, feeds = taken(dataset(PIXELS[:, 0, :, 0]).batch(3), model=Plain())
    assert [feed.arrays[0].shape for feed in feeds] == [(3, 5), (3, 5), (1, 5)]


def test_uint8_of_a_data_set_keeps_the_convention_of_pixels():
    pixels = np.full((2, 4, 5, 1), 51, np.uint8)
    _, (feed,) = taken(dataset(pixels).batch(2), fit=Fit(white=10.0))
    assert feed.arrays[0].tolist() == np.full((2, 4, 5, 1), np.float32(2)).tolist()
    assert feed.notes == ("uint8, white is 10",)


def folder_of(place, files):
    for name, value in files.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if value is None:
            target.write_bytes(b"no picture")
        else:
            Image.fromarray(np.full((4, 5), value, np.uint8)).save(target)
    return place


def test_a_folder_is_read_sorted_with_folders_inside(empty_folder):
    folder = folder_of(empty_folder / "set", {
        "b.png": 20, "a/z.PNG": 10, "c.bmp": 30, "notes.txt": None, ".hidden.png": None,
        ".ipynb_checkpoints/b.png": 99, "a/_.jpg.part": None,
    })  # fmt: skip
    count, feeds = taken(folder)
    assert count == 3
    values = np.concatenate([feed.arrays[0] for feed in feeds])[:, 0, 0, 0] * 255
    assert np.rint(values).tolist() == [10, 20, 30]
    assert taken(str(folder), limit=2)[0] == 2


def test_the_known_endings_are_those_that_can_be_read():
    assert tuple(images._FORMATS) == IMAGE_ENDINGS


def test_image_files_are_told_by_path(empty_folder):
    folder = folder_of(empty_folder / "set", {"x.png": 1, "a/y.png": 2})
    assert [file.relative_to(folder).as_posix() for file in image_files(folder)] == [
        "a/y.png", "x.png",
    ]  # fmt: skip


def refused(data, **options):
    with pytest.raises((ValueError, TypeError, OSError)) as caught:
        taken(data, **options)
    return str(caught.value)


def test_a_folder_without_images_is_refused(empty_folder):
    folder = folder_of(empty_folder / "set", {"notes.txt": None})
    assert refused(folder) == (
        "data must be a folder with image files (.png, .jpg, .jpeg, .bmp, .gif, .webp, .tif, "
        f".tiff); got none in {str(folder)!r}"
    )


def test_a_file_that_cannot_be_read_is_named(empty_folder):
    folder = folder_of(empty_folder / "set", {"a.png": 1, "b.png": None})
    assert str(folder / "b.png") in refused(folder)


def test_a_file_of_another_size_is_named(empty_folder):
    folder = folder_of(empty_folder / "set", {"a.png": 1, "b.png": 2})
    Image.fromarray(np.zeros((3, 5), np.uint8)).save(folder / "b.png")
    assert refused(folder) == (
        "image in data must be 4×5×1 for the input 'in0'; got 3×5×1; pass resize=True to change "
        f"it; the file is {str(folder / 'b.png')!r}"
    )
    assert len(taken(folder, fit=Fit(resize=True))[1]) == 1


TWO = (4, 5, 1), (3,)
SENTENCES = [
    ("a folder for two inputs", ".", TWO,
     "data must give every input of the model, in0, in1; got a folder, which gives one"),
    ("one input of two", lambda: dataset(PIXELS), TWO,
     "data must give a tuple or dict of 2 inputs, in0, in1; got "),
    ("three inputs for two", lambda: iter([((PIXELS,) * 3, LABELS)]), TWO,
     "data must give a tuple or dict of 2 inputs, in0, in1; got a tuple of 3"),
    ("None for one of two", lambda: iter([((PIXELS, None), LABELS)]), TWO,
     "data must be given for every input, for an optional one too; got None for the input 'in1'"),
    ("other names", lambda: ({"in0": one, "x": one} for one in PIXELS), TWO,
     "data must give the inputs in0, in1; got in0, x"),
    ("other counts", lambda: iter([((PIXELS, PIXELS[:2, 0, 0]),)]), TWO,
     "data must give as many images for every input; got {'in0': 7, 'in1': 2}"),
    ("another size", lambda: dataset(PIXELS[:, :3]), (),
     "image in data must be 4×5×1 for the input 'in0'; got 3×5×1; pass resize=True to change it"),
    ("text", lambda: dataset(np.array([b"a"])), (), "data must be real numbers; got an array of"),
    ("a number", lambda: 3.5, (),
     "image in data must be a path, bytes, a file, a Pillow image or numbers; got 3.5"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "shapes", "text"), [row[1:] for row in SENTENCES],
                         ids=[row[0] for row in SENTENCES])  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(data, shapes, text):
    given = data() if callable(data) else data
    assert refused(given, model=small_model(*shapes)).startswith(text)


DOORS = {
    "feature_maps": (feature_maps, "images"),
    "stream_feature_maps": (lambda model, given: list(stream_feature_maps(model, given)), "images"),
    "top_images": (lambda model, given: top_images(model, given, "conv"), "data"),
    "diagnose": (diagnose, "data"),
    "plot_network": (plot_network, "image"),
    "plot_network of a layer": (lambda model, given: plot_network(model, given, "conv"), "image"),
}
TEXTS = ["a", "b"]
WRONG = {
    "nothing": ([], "hold at least one image; got none"),
    "NaN": (np.full((1, 4, 5, 1), np.nan), "hold finite float32 numbers; got 20 NaN or infinite"),
    "a stream of text": (TEXTS, "be real numbers; got an array of <U1"),
    "no end": (dataset(PIXELS[:2]).repeat(), "have an end; got a data set that repeats forever"),
}


@pytest.mark.parametrize(("call", "argument"), DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(("given", "rule"), WRONG.values(), ids=WRONG)
def test_a_sentence_names_the_argument_that_held_the_images(call, argument, given, rule):
    model = keras.Sequential([keras.Input((4, 5, 1)), keras.layers.Conv2D(1, 2, name="conv")])
    data = map(np.array, given) if given is TEXTS else given
    with pytest.raises((ValueError, TypeError)) as caught:
        call(model, data)
    assert str(caught.value).startswith(f"{argument} must {rule}")


WRONG_ONES = {
    "another size": (np.ones((2, 3, 5, 1)), "be 4×5×1 for the input "),
    "None": (None, "be a path, bytes, a file, a Pillow image or numbers; got None"),
    "no file": ("nope.png", "be a file that exists; got 'nope.png'"),
}


@pytest.mark.parametrize(("call", "argument"), DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(("given", "rule"), WRONG_ONES.values(), ids=WRONG_ONES)
def test_a_sentence_about_one_image_names_the_argument_too(call, argument, given, rule):
    model = keras.Sequential([keras.Input((4, 5, 1)), keras.layers.Conv2D(1, 2, name="conv")])
    with pytest.raises((ValueError, TypeError, OSError)) as caught:
        call(model, given)
    one = "image" if argument.startswith("image") else f"image in {argument}"
    assert str(caught.value).startswith(f"{one} must {rule}")


def files_of(data, **options):
    """The names of the files, batch by batch."""
    return [feed.files for feed in taken(data, **options)[1]]


def test_images_from_files_come_with_the_names_of_their_files(empty_folder):
    folder = folder_of(empty_folder / "set", {"a/1.png": 1, "b/1.png": 2, "c.png": 3})
    assert files_of(folder) == [(("a/1.png", "b/1.png"),), (("c.png",),)]
    assert files_of(folder, limit=1) == [(("a/1.png",),)]
    paths = [folder / "c.png", str(folder / "a/1.png")]
    names = tuple(map(str, paths))
    assert files_of(paths) == files_of(iter(paths)) == [(names,)]
    assert files_of([paths[0], PIXELS[0]]) == [((names[0], ""),)]
    assert files_of(paths[0]) == [((names[0],),)]


@pytest.mark.parametrize("case", DATA.values(), ids=DATA.keys())
def test_images_from_no_file_have_no_names(case):
    assert {feed.files for feed in taken(case[0]())[1]} == {((),)}


def test_each_input_has_the_names_of_its_own_files(empty_folder):
    folder = folder_of(empty_folder / "set", {"a.png": 1, "b.png": 2})
    paths, model = [str(folder / "a.png"), str(folder / "b.png")], small_model((4, 5, 1), (3,))
    given = {"in1": np.ones((2, 3)), "in0": paths}
    assert files_of(given, model=model) == [(tuple(paths), ())]
    (feed,) = taken(given, model=model)[1]
    assert (feed.inputs, feed.cut(1).files) == (("in0", "in1"), ((paths[0],), ()))


def test_no_images_at_all_give_no_batch():
    assert taken(iter(()))[1] == []
    assert taken(dataset(PIXELS).take(0))[1] == []


SERIES = np.random.default_rng(2).normal(size=(10, 20, 3)).astype(np.float32)


@pytest.mark.parametrize("axes", [1, 2], ids=["vectors", "series"])
def test_a_model_that_was_built_tells_images_from_batches_by_its_axes(axes):
    values = SERIES if axes == 2 else SERIES[0]
    model = Plain()
    model(values[:1])
    for data in (dataset(values), (one for one in values), dataset(values).batch(4)):
        count, feeds = taken(data, model=model)
        assert count in (len(values), None)
        np.testing.assert_array_equal(np.concatenate([f.arrays[0] for f in feeds]), values)


def test_pipes_in_a_folder_are_passed_over_and_links_to_files_followed(empty_folder):
    folder = folder_of(empty_folder / "set", {"a.png": 10, "inside/b.png": 20})
    os.mkfifo(folder / "pipe.png")
    (folder / "link.png").symlink_to(folder / "a.png")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(folder)
    assert [file.name for file in image_files(folder)] == ["a.png", "b.png", "link.png"]
    assert taken(folder)[0] == 3
    (folder / "lost.png").symlink_to(folder / "nowhere.png")
    assert str(folder / "lost.png") in refused(folder)


class Failing(Labelled):
    """Its second batch cannot be had."""

    def __getitem__(self, index):
        if index == 1:
            raise KeyError("photo 3")
        return super().__getitem__(index)


def images_that_end(error):
    yield from PIXELS[:3]
    raise error


def checked(image):
    with tf.control_dependencies(
        [tf.debugging.assert_less(image[0, 0, 0], PIXELS[:, 0, 0, 0].max())]
    ):
        return tf.identity(image)


FAILING = {
    "a generator": (lambda: images_that_end(OSError("the disk\nis gone")), 3, "the disk", OSError),
    "a PyDataset": (Failing, 3, "'photo 3'", KeyError),
    "a function of a data set": (
        lambda: dataset(PIXELS).map(checked), int(PIXELS[:, 0, 0, 0].argmax()), "",
        tf.errors.InvalidArgumentError,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING.values(), ids=FAILING)
def test_data_that_fail_say_after_how_many_images_and_why(case):
    data, count, words, kind = case
    with pytest.raises(RuntimeError) as caught:
        taken(data())
    plural = "" if count == 1 else "s"
    assert str(caught.value).startswith(f"data failed after {count} image{plural}; {words}")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, kind)


def test_a_model_of_texts_is_refused():
    given = keras.Input((), dtype="string", name="words")
    model = keras.Model(given, keras.layers.Identity()(given))
    assert refused(PIXELS[:, 0, 0, 0], model=model) == (
        "model must take numbers; got the input 'words' of text"
    )


@pytest.mark.parametrize("option", ["resize", "finite"])
def test_switches_are_true_or_false(option):
    with pytest.raises(TypeError, match=f"{option} must be True or False; got 'no'"):
        Fit(**{option: "no"})
    assert Fit(**{option: np.bool_(True)})


def test_a_batch_cut_by_the_limit_keeps_the_names_of_its_inputs():
    class Sum(keras.Model):  # tells no inputs of its own
        def call(self, parts):
            return parts["one"] - 2 * parts["two"]

    model = Sum()
    parts = {"one": PIXELS, "two": PIXELS * 3}
    model(parts)
    _, feeds = feeds_from_data(model, parts, Fit(), 3, limit=4)
    assert [(len(feed.arrays[0]), feed.names) for feed in feeds] == [
        (3, ("one", "two")), (1, ("one", "two")),
    ]  # fmt: skip
