"""The choice of layers, and paths that are asked for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from featviz.networks.diagnosing import diagnose
from featviz.networks.layer_paths import layer_at
from featviz.networks.layer_values import LayerRow, LayerTable
from featviz.networks.maps import feature_maps
from featviz.networks.paths import PathError, counted_text, known_path
from featviz.networks.selection import Selection, choice_from_layers
from featviz.networks.tables import layer_table
from featviz.networks.weights import layer_kernels

L = keras.layers
PIXELS = [[[[0.5], [-1.0], [2.0]], [[0.0], [3.0], [-0.25]]]]


def model():
    """Two layers, of which one has its activation inside."""
    inner = [L.Conv2D(2, (1, 2), activation="relu", name="conv"), L.ReLU(name="last")]
    return keras.Sequential([keras.Input((2, 3, 1)), *inner], name="net")


def test_a_call_that_is_not_there_is_no_path_of_a_layer():
    x, conv = keras.Input((4, 4, 1)), L.Conv2D(1, 2, padding="same", name="conv")
    twice = keras.Model(x, conv(conv(x)))
    for path in ("conv", "conv@2"):
        assert layer_at(twice, path) == (path, conv)
    for asked in ("conv@3", "conv@1", "conv@2/conv"):
        with pytest.raises(PathError, match=f"'conv'; got '{asked}'"):
            layer_at(twice, asked)
    odd = L.Conv2D(1, 1, name="odd@2")  # which no graph takes
    assert layer_at(keras.Model(x, odd(x)), "odd@2") == ("odd_2", odd)
    with pytest.raises(PathError, match="one of 'conv'; got 'conv@2'"):
        layer_kernels(model(), "conv@2")
    assert layer_kernels(model(), "conv:detect").path == "conv"


def test_a_choice_that_can_be_read_once_is_kept():
    names = choice_from_layers(name for name in ("conv", "last"))
    assert names == ("conv", "last")
    for _ in range(2):
        selection = Selection(names)
        assert [selection.takes(path, L.ReLU(name=path)) for path in ("conv:detect", "pool")] == [
            True, False,
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [("conv", ("conv",)), (L.ReLU, (L.ReLU,)), (None, None), ({"conv": 1}, ("conv",)),
     (["a", L.ReLU], ("a", L.ReLU))],
    ids=["a name", "a class", "all", "keys", "several"],
)  # fmt: skip
def test_a_choice_is_a_tuple_or_none(given, expected):
    assert choice_from_layers(given) == expected
    assert choice_from_layers(expected) == expected


RULE = "layers must be names, paths, patterns, layer classes or functions of a layer; got "
REFUSED = [
    ("bytes", b"conv", f"{RULE}b'conv'"),
    ("a number", 3, f"{RULE}3"),
    ("nothing among names", ["conv", None], f"{RULE}None"),
    ("an empty name", "", f"{RULE}''"),
    ("a tensor", tf.constant(1.5),
     f"{RULE}<tf.Tensor: shape=(), dtype=float32, numpy=1.5>"),
    ("an array of one number", np.array(1.5), f"{RULE}array(1.5)"),
    ("a layer", L.ReLU(name="last"),
     f"{RULE}<ReLU name=last, built=True>, a layer itself; pass its name, 'last'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "words"), [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])  # fmt: skip
def test_another_choice_is_refused_in_a_sentence(given, words):
    with pytest.raises(TypeError) as caught:
        choice_from_layers(given)
    assert str(caught.value) == words


def nested():
    """A model inside another one, one layer of which is called twice."""
    given, twice = keras.Input((2, 3, 1)), L.ReLU(name="shared")
    parts = L.Conv2D(2, (1, 2), activation="relu", name="conv")(given)
    inner = keras.Model(given, twice(twice(parts)), name="inner")
    whole = keras.Input((2, 3, 1))
    return keras.Model(whole, inner(whole))


@pytest.mark.parametrize("compiled", [False, True], ids=["eagerly", "compiled"])
@pytest.mark.parametrize(
    ("asked", "paths"),
    [("shared@2", ["inner/shared@2"]), ("conv:filter", ["inner/conv:filter"]),
     ("shared", ["inner/shared", "inner/shared@2"]), ("shared@?", []), ("hared@2", [])],
    ids=["a second call", "a stage", "a layer", "a pattern of paths", "a part of a name"],
)  # fmt: skip
def test_the_last_name_of_a_path_will_do(asked, paths, compiled):
    if not paths:
        with pytest.raises(ValueError, match="layers must be among"):
            feature_maps(nested(), PIXELS, asked, compiled=compiled)
        return
    maps = feature_maps(nested(), PIXELS, asked, compiled=compiled)
    assert list(maps) == paths
    assert maps.path(asked) in paths


def failing(layer):
    return 1 / len(layer.name.removeprefix("last"))


@pytest.mark.parametrize("compiled", [False, True], ids=["eagerly", "compiled"])
def test_a_function_that_fails_is_named_and_not_the_model(compiled):
    with pytest.raises(ValueError, match="layers must be functions") as caught:
        feature_maps(model(), PIXELS, failing, compiled=compiled)
    assert str(caught.value) == (
        "layers must be functions that take every layer; got failing, which fails for 'last' "
        "(ZeroDivisionError: division by zero)"
    )
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


TABLE = LayerTable("net", ((2, 3, 1),), (LayerRow("conv", "Conv2D", "", (1,), 0, 0, 0, None, None,
                                                  None),))  # fmt: skip


def test_a_row_of_a_table_is_found_by_its_last_name():
    table = layer_table(nested())
    for path in ("shared@2", "inner/shared@2", "conv", "conv:filter"):
        assert table.row(path).path == f"inner/{path.removeprefix('inner/').partition(':')[0]}"


@pytest.mark.parametrize("kind", ["diagnosis", "table"])
def test_an_unknown_path_is_a_missing_key_and_a_wrong_value(kind):
    told = diagnose(model(), PIXELS) if kind == "diagnosis" else TABLE
    ask = told.layer if kind == "diagnosis" else told.row
    for expected in (KeyError, ValueError, PathError):
        with pytest.raises(expected) as caught:
            ask("cnov")
        assert str(caught.value).endswith("; got 'cnov' (did you mean 'conv'?)")
    for wrong in (None, 3, ["conv"], b"conv"):
        with pytest.raises(TypeError) as caught:
            ask(wrong)
        assert str(caught.value) == f"path must be the text of a layer's path; got {wrong!r}"


def test_why_a_layer_is_not_there_is_said():
    with pytest.raises(PathError) as caught:
        known_path("mean", ["conv"], {"mean": "gives no array"})
    assert str(caught.value) == "path must be one of 'conv'; got 'mean', which gives no array"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("block/conv@2", "block@2/conv"),
        ("block/conv@2:filter", "block@2/conv:filter"),
        ("conv@2", "block@2/conv"),
        ("block/conv@3", "block/conv"),
        ("block/inner/pool@2", "block/inner@2/pool"),
        ("inner@2/pool@3", "block@3/inner@2/pool"),
        ("block@2/convv", "block@2/conv"),
    ],
    ids=lambda path: path,
)
def test_the_number_of_a_call_is_found_at_the_part_that_was_called_again(asked, meant):
    known = [
        "block/conv:filter", "block/conv:detect", "block/inner/pool", "block/inner@2/pool",
        "block@2/conv:filter", "block@2/conv:detect", "block@3/inner@2/pool",
    ]  # fmt: skip
    with pytest.raises(PathError) as caught:
        known_path(asked, known)
    assert str(caught.value).endswith(f"; got {asked!r} (did you mean {meant!r}?)")


def test_one_is_not_several():
    assert [counted_text(count, "map") for count in (0, 1, 2, 1000)] == [
        "0 maps", "1 map", "2 maps", "1,000 maps",
    ]  # fmt: skip
