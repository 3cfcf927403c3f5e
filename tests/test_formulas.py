"""Sizes as formulas: what is written is true, and it is the size that comes out."""

import ast
import operator
import re

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

import featviz as fv
from featviz.formulas import size_formula
from featviz.geometry import slide, transposed_axis

WRITTEN = {
    "the lesson": ((28, 3), dict(stride=2, padding=1), "⌊(28 + 1 + 1 − 3)/2⌋ + 1 = 14"),
    "same, to the bottom": ((28, 3), dict(stride=2), "⌊(28 + 0 + 1 − 3)/2⌋ + 1 = 14"),
    "stride 1": ((6, 3), dict(padding="valid"), "⌊(6 + 0 + 0 − 3)/1⌋ + 1 = 4"),
    "full": ((6, 3), dict(padding="full"), "⌊(6 + 2 + 2 − 3)/1⌋ + 1 = 8"),
    "one side": ((6, 3), dict(padding=(1, 0)), "⌊(6 + 1 + 0 − 3)/1⌋ + 1 = 5"),
    "dilation": (
        (6, 3),
        dict(padding="valid", dilation=2),
        "⌊(6 + 0 + 0 − (2·(3 − 1) + 1))/1⌋ + 1 = 2",
    ),
    "a pool moves by its window": ((7, 3), dict(stage="condense"), "⌊(7 + 1 + 1 − 3)/3⌋ + 1 = 3"),
    "a pool with a step": (
        (199, 2),
        dict(stage="condense", stride=1, padding="valid"),
        "⌊(199 + 0 + 0 − 2)/1⌋ + 1 = 198",
    ),
    "transposed": (
        (14, 3),
        dict(stage="transposed", stride=2, padding=1, output_padding=1),
        "(14 − 1)·2 + 3 − 1 − 1 + 1 = 28",
    ),
    "transposed, same": (
        (14, 3),
        dict(stage="transposed", stride=2),
        "(14 − 1)·2 + 3 − 0 − 1 + 0 = 28",
    ),
    "transposed, valid, stride beyond the window": (
        (5, 2),
        dict(stage="transposed", stride=3, padding="valid"),
        "(5 − 1)·3 + 2 − 0 − 0 + 1 = 15",
    ),
    "rows and columns": (
        ((28, 20), (3, 2)),
        dict(stride=(2, 1), padding=((1, 0), 2)),
        "rows: ⌊(28 + 1 + 0 − 3)/2⌋ + 1 = 14\ncolumns: ⌊(20 + 2 + 2 − 2)/1⌋ + 1 = 23",
    ),
    "a square": (
        ((6, 6), 3),
        dict(),
        "rows: ⌊(6 + 1 + 1 − 3)/1⌋ + 1 = 6\ncolumns: ⌊(6 + 1 + 1 − 3)/1⌋ + 1 = 6",
    ),
    "longer than an image may be wide": (
        (60_000, 3),
        dict(padding="valid"),
        "⌊(60000 + 0 + 0 − 3)/1⌋ + 1 = 59998",
    ),
}


@pytest.mark.parametrize(("given_", "options", "text"), WRITTEN.values(), ids=WRITTEN.keys())
def test_formulas_are_written_with_their_numbers(given_, options, text):
    assert size_formula(*given_, **options) == text


def test_the_other_forms_say_the_same():
    options = dict(stride=2, padding="valid", dilation=3)
    assert size_formula(28, 3, form="plain", **options) == (
        "floor((28 + 0 + 0 - (3*(3 - 1) + 1))/2) + 1 = 11"
    )
    assert size_formula(28, 3, form="latex", **options) == (
        r"\left\lfloor \frac{28 + 0 + 0 - (3 \cdot (3 - 1) + 1)}{2} \right\rfloor + 1 = 11"
    )
    pair = size_formula((4, 5), 2, form="latex").splitlines()
    assert pair[0].startswith(r"\text{rows: } \left\lfloor")
    assert pair[1].startswith(r"\text{columns: } \left\lfloor")


def evaluated(text):
    """The value of plain arithmetic with ``floor(a/b)``."""
    operations = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}

    def value(node):
        if isinstance(node, ast.Call):
            assert node.func.id == "floor"
            quotient = node.args[0]
            return value(quotient.left) // value(quotient.right)
        if isinstance(node, ast.BinOp):
            return operations[type(node.op)](value(node.left), value(node.right))
        return node.value

    return value(ast.parse(text, mode="eval").body)


def plain(unicode_text):
    text = re.sub("⌊(.*)⌋", r"floor(\1)", unicode_text)
    return text.replace("−", "-").replace("·", "*")


PADDINGS = st.one_of(
    st.sampled_from(["same", "valid", "full"]),
    st.integers(0, 3),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
)


@settings(max_examples=200)
@given(
    st.integers(1, 40),
    st.integers(1, 7),
    st.integers(1, 4),
    st.integers(1, 3),
    PADDINGS,
    st.sampled_from(["filter", "transposed"]),
)
def test_the_written_arithmetic_gives_the_size(size, window, stride, dilation, padding, stage):
    pads = (padding, padding) if isinstance(padding, int) else padding
    moved = dict(stride=stride, dilation=dilation)
    if stage == "filter":
        expected = slide(size, window, padding=pads, **moved).outputs
    else:
        expected = transposed_axis(size, window, padding=pads, **moved).size
    options = dict(stage=stage, padding=padding, **moved)
    if expected < 1:
        with pytest.raises(ValueError, match="padding"):
            size_formula(size, window, **options)
        return
    for form in ("unicode", "plain"):
        left, right = plain(size_formula(size, window, form=form, **options)).split(" = ")
        assert evaluated(left) == int(right) == expected
    latex = size_formula(size, window, form="latex", **options)
    assert MathTextParser("path").parse(f"${latex}$").width > 0


def sizes_in(text):
    return tuple(int(line.rpartition(" = ")[2]) for line in text.splitlines())


@pytest.mark.parametrize("padding", ["same", "valid", ((1, 0), (2, 3))], ids=str)
def test_sizes_are_those_of_the_stages(padding):
    options = dict(stride=(2, 1), dilation=(1, 2), padding=padding)
    image = tf.zeros((1, 9, 11, 1))
    filtered = fv.filter_image(image, "1 2 3; 4 5 6", **options)
    assert sizes_in(size_formula((9, 11), (2, 3), **options)) == tuple(filtered.shape[1:3])
    spread = fv.filter_transposed(image, "1 2 3; 4 5 6", **options)
    text = size_formula((9, 11), (2, 3), stage="transposed", **options)
    assert sizes_in(text) == tuple(spread.shape[1:3])
    pool = dict(stride=(2, 1), padding="same" if padding != "valid" else padding)
    pooled = fv.condense(image, size=(2, 3), **pool)
    text = size_formula((9, 11), (2, 3), stage="condense", **pool)
    assert sizes_in(text) == tuple(pooled.shape[1:3])


ERRORS = {
    "does not fit": (
        lambda: size_formula((2, 9), 3, padding="valid"),
        ValueError,
        "window (3×3) does not fit the image (2×9) with padding 'valid'; "
        "use padding='same' or a larger image",
    ),
    "one axis does not fit": (
        lambda: size_formula(2, 3, padding="valid"),
        ValueError,
        "window (3×1) does not fit the image (2×1) with padding 'valid'; "
        "use padding='same' or a larger image",
    ),
    "a pair for one axis": (
        lambda: size_formula(6, (3, 3)),
        ValueError,
        "window must be a whole number where size is one; got (3, 3); "
        "write size as (rows, columns)",
    ),
    "unknown stage": (
        lambda: size_formula(6, 3, stage="pool"),
        ValueError,
        "stage must be one of 'filter', 'condense', 'transposed'; got 'pool'",
    ),
    "unknown form": (
        lambda: size_formula(6, 3, form="latx"),
        ValueError,
        "form must be one of 'unicode', 'plain', 'latex'; got 'latx' (did you mean 'latex'?)",
    ),
    "unknown padding": (
        lambda: size_formula(6, 3, padding="smae"),
        ValueError,
        "padding must be one of 'same', 'valid', 'full' or explicit pads; got 'smae' "
        "(did you mean 'same'?)",
    ),
    "no size": (
        lambda: size_formula(0, 3),
        ValueError,
        "size must be a whole number of at least 1; got 0",
    ),
    "size in words": (
        lambda: size_formula("6", 3),
        TypeError,
        "size must be a whole number of at least 1; got '6'",
    ),
    "no window": (
        lambda: size_formula(6, 0, stage="condense"),
        ValueError,
        "window must be a whole number of at least 1; got 0",
    ),
    "a dilated pool": (
        lambda: size_formula(6, 2, stage="condense", dilation=2),
        ValueError,
        "dilation must be 1 for stage 'condense'; got 2",
    ),
    "pads as large as the pool": (
        lambda: size_formula(6, 2, stage="condense", padding=2),
        ValueError,
        "padding must be smaller than the pool window (2×2); got 2",
    ),
    "output padding of a filter": (
        lambda: size_formula(6, 2, output_padding=1),
        ValueError,
        "output_padding must be 0 but for stage 'transposed'; got 1",
    ),
    "output padding beyond the stride": (
        lambda: size_formula(6, 2, stage="transposed", padding=1, output_padding=1),
        ValueError,
        "output_padding must be less than the stride (1); got (1, 0)",
    ),
    "nothing is left": (
        lambda: size_formula(4, 3, stage="transposed", dilation=2, padding="full"),
        ValueError,
        "padding must leave at least one cell of the result; got ('full', (0, 0)), "
        "which leaves 0×1",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_wrong_use_is_refused_in_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == sentence
