import numpy as np
import pytest

from featviz import _check
from featviz._calls import split_call


def test_the_nearest_word_is_offered():
    assert _check.nearest("egde", ["edge", "blur"]) == " (did you mean 'edge'?)"
    assert _check.nearest("sobel", ["edge", "top_sobel"]) == " (did you mean 'top_sobel'?)"
    assert _check.nearest("xyz", ["edge", "blur"]) == ""
    assert _check.nearest("", ["edge"]) == ""


def test_long_values_are_cut_in_sentences():
    text = _check.shown("x" * 500)
    assert len(text) == _check.LONGEST_SHOWN
    assert text.endswith("…")
    assert "\n" not in _check.shown("a\nb" * 3)


def test_values_without_a_repr_are_still_named():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert _check.shown(deep) == "a value too large to show (list)"


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)], ids=["int", "int64", "uint8"])
def test_whole_numbers_of_numpy_count(value):
    number = _check.whole_number("n", value, minimum=1)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, np.bool_(True)], ids=repr)
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(TypeError, match=r"^n must be a whole number of at least 1; got "):
        _check.whole_number("n", value, minimum=1)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(0, ValueError), (float("nan"), ValueError), (10**400, ValueError), ("1", TypeError)],
    ids=["not above", "nan", "too large", "text"],
)
def test_real_numbers_are_finite_and_above(value, kind):
    with pytest.raises(kind, match=r"^gamma must be a finite number above 0; got "):
        _check.real_number("gamma", value, above=0)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        pytest.param("gabor(9, 4, k=45)", ("gabor", (9, 4), {"k": 45}), id="all"),
        pytest.param("relu()", ("relu", (), {}), id="nothing"),
        pytest.param("f(-1.5, 'x')", ("f", (-1.5, "x"), {}), id="negative, word"),
        pytest.param("edge", None, id="a name"),
        pytest.param("f(g(1))", None, id="nested call"),
        pytest.param("f(**{})", None, id="stars"),
        pytest.param("os.system('x')", None, id="attribute"),
        pytest.param("f(" + "(" * 500, None, id="deep"),
        pytest.param("f(1", None, id="open"),
    ],
)  # fmt: skip
def test_calls_in_text_hold_literals_only(text, call):
    assert split_call(text) == call
