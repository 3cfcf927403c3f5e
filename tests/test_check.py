import numpy as np
import pytest

from featviz import _check
from featviz._calls import arguments_in, name_called


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


class Fraction:
    """As a tensor of TensorFlow: it seems to have an index, which fails in its own way."""

    def __index__(self):
        return np.float32(1.5).__index__()


def test_a_tensor_of_a_fraction_is_no_whole_number():
    with pytest.raises(TypeError, match=r"^n must be a whole number of at least 1; got "):
        _check.whole_number("n", Fraction(), minimum=1)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(0, ValueError), (float("nan"), ValueError), (10**400, ValueError), ("1", TypeError)],
    ids=["not above", "nan", "too large", "text"],
)
def test_real_numbers_are_finite_and_above(value, kind):
    with pytest.raises(kind, match=r"^gamma must be a finite number above 0; got "):
        _check.real_number("gamma", value, above=0)


def blend(size, sigma, *, turn=0):
    return size, sigma, turn


RULE = "blend must be called as blend(size, sigma, *, turn=0); got "


@pytest.mark.parametrize(
    ("text", "call"),
    [
        pytest.param("blend(9, 4, turn=45)", ((9, 4), {"turn": 45}), id="all"),
        pytest.param(" blend ( (1, 2), -1.5 ) ", (((1, 2), -1.5), {}), id="pair, negative"),
        pytest.param("blend(sigma=None, size=1)", ((), {"sigma": None, "size": 1}), id="named"),
    ],
)
def test_arguments_of_a_call_in_text_are_read(text, call):
    assert name_called(text) == "blend"
    assert arguments_in(text, blend) == call


@pytest.mark.parametrize("text", ["edge", "os.system('x')", "f(1", "1(2)", ""], ids=repr)
def test_other_text_is_no_call(text):
    assert name_called(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("blend(1)", ": missing a required argument: 'sigma'"),
        ("blend(1, 2, 3)", ": too many positional arguments"),
        ("blend(1, 2, size=1)", ": multiple values for argument 'size'"),
        ("blend(1, 2, trun=1)", ", where 'trun' is unknown (did you mean 'turn'?)"),
        ("blend(1, turn=1, turn=2)", ""),
        ("blend(1, **{})", ""),
        ("blend(blend(1, 2), 2)", ""),
        ("blend(__import__('os'), 2)", ""),
        ("blend(1,, 2)", ""),
    ],
    ids=lambda text: text,
)
def test_wrong_calls_are_answered_with_the_signature(text, reason):
    with pytest.raises(ValueError, match=r"^blend must be called as") as caught:
        arguments_in(text, blend)
    assert str(caught.value) == f"{RULE}{text!r}{reason}"


def test_a_deep_or_long_call_is_refused_at_once():
    for inside in ("(" * 5000 + ")" * 5000, "9" * 100_000):
        with pytest.raises(ValueError, match=r"^blend must be called as"):
            arguments_in(f"blend({inside}, 1)", blend)
