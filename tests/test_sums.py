"""The sum of a window: its terms, its total, and how it is written."""

import ast
import operator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from definitions import LOPSIDED, ramp, slow_filter
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

import featviz
from featviz.geometry import slide
from featviz.render.sum_text import SUM_FORMS, text_from_sum
from featviz.sums import window_sum

A, B, C, D = sympy.symbols("a b c d")
RAMP = [list(range(start, start + 6)) for start in range(0, 36, 6)]
LESSON = "0·1/9 + 1·1/9 + 2·1/9 + 6·1/9 + 7·1/9 + 8·1/9 + 12·1/9 + 13·1/9 + 14·1/9 = 7"


def lesson_sum():
    return window_sum(np.arange(36).reshape(6, 6), "box", 0, 0, padding="valid")


def evaluated(text):
    """The value of plain arithmetic, in fractions; names are refused."""
    operations = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
    }

    def value(node):
        if isinstance(node, ast.BinOp):
            return operations[type(node.op)](value(node.left), value(node.right))
        if isinstance(node, ast.UnaryOp):
            assert isinstance(node.op, ast.USub)
            return -value(node.operand)
        assert isinstance(node, ast.Constant)
        return Fraction(str(node.value))

    return value(ast.parse(text, mode="eval").body)


def parsed(latex):
    return MathTextParser("path").parse(f"${latex.strip('$')}$")


def test_the_first_window_of_the_lesson_is_written_out():
    assert text_from_sum(lesson_sum()) == LESSON
    assert text_from_sum(lesson_sum(), form="plain") == LESSON.replace("·", "*")
    latex = LESSON.replace("1/9", r"\frac{1}{9}").replace("·", r" \cdot ")
    assert text_from_sum(lesson_sum(), form="latex") == latex
    assert text_from_sum(lesson_sum(), form="markdown") == f"${latex}$"


def test_a_sum_is_not_yet_summed_and_keeps_the_order_of_reading():
    terms = window_sum([[5, 1], [3, 0]], [[1, 2], [0, -1]], 0, 0, padding="valid").args
    assert [term.args for term in terms] == [(5, 1), (1, 2), (3, 0), (0, -1)]
    assert all(term.is_Mul for term in terms)


def test_a_window_of_one_tap_is_one_product():
    assert window_sum([[5]], [[3]], 0, 0).args == (5, 3)
    assert text_from_sum(window_sum([[5]], [[-3]], 0, 0)) == "5·(−3) = −15"


def test_zeros_of_the_padding_are_in_the_sum():
    corner = window_sum([[4, 5], [6, 7]], LOPSIDED, 0, 0, padding=1)
    assert text_from_sum(corner) == "0·1 + 0·2 + 0·(−3) + 0·1/2 + 4·(−1) + 5·4 = 16"


def test_the_lesson_with_a_padding_of_1_begins_with_ninths():
    totals = [window_sum(RAMP, "box", 0, column, padding=1).doit() for column in range(6)]
    assert list(map(str, totals)) == ["14/9", "8/3", "10/3", "4", "14/3", "10/3"]
    assert window_sum(RAMP, "box", 5, 5, padding=1).doit() == 14
    assert window_sum(RAMP, "box", 1, 0, padding="valid", dilation=2).doit() == 20
    assert window_sum(RAMP, "box", 1, 1, padding="valid", stride=2).doit() == 21


SETTINGS = st.fixed_dictionaries(
    {
        "stride": st.tuples(st.integers(1, 3), st.integers(1, 3)),
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "padding": st.one_of(
            st.sampled_from(["same", "valid", "full"]),
            st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2),
        ),
        "border": st.sampled_from(["zeros", "reflect", "symmetric", "edge", "wrap"]),
    }
)


def sides(options, size, window):
    """The pads of both axes and the count of windows."""
    words = options["padding"]
    words = (words, words) if isinstance(words, str) else words
    axes = [
        slide(n, k, stride=s, dilation=d, padding=p)
        for n, k, s, d, p in zip(
            size, window, options["stride"], options["dilation"], words, strict=True
        )
    ]
    return tuple((axis.before, axis.after) for axis in axes)


@settings(max_examples=60)
@given(SETTINGS, st.data())
def test_totals_equal_the_definition(options, data):
    image = ramp(6, 7)
    pads = sides(options, (6, 7), (2, 3))
    expected = slow_filter(
        image,
        LOPSIDED,
        stride=options["stride"],
        dilation=options["dilation"],
        pads=pads,
        border=options["border"],
    )
    row = data.draw(st.integers(0, expected.shape[0] - 1))
    column = data.draw(st.integers(0, expected.shape[1] - 1))
    total = window_sum(image, LOPSIDED, row, column, bias="1/4", **options).doit()
    assert float(total) == pytest.approx(expected[row, column] + 0.25)


NUMBERS = st.one_of(
    st.integers(-40, 40),
    st.fractions(-9, 9, max_denominator=60),
    st.floats(-100, 100, width=32).filter(lambda v: v == 0 or abs(v) > 1e-3),
)


@settings(max_examples=100)
@given(st.lists(NUMBERS, min_size=4, max_size=4), st.lists(NUMBERS, min_size=4, max_size=4))
def test_the_written_arithmetic_gives_the_written_total(pixels, weights):
    image, kernel = ([values[:2], values[2:]] for values in (pixels, weights))
    text = text_from_sum(window_sum(image, kernel, 0, 0, padding="valid"), form="plain")
    assert text.isascii()
    if " ~= " in text:
        left, right = text.split(" ~= ")
        size = sum(abs(float(p * w)) for p, w in zip(pixels, weights, strict=True))
        assert abs(float(evaluated(left) - Fraction(right))) <= 1e-5 * size
    else:
        left, right = text.split(" = ")
        assert evaluated(left) == Fraction(right)


@settings(max_examples=50)
@given(st.lists(NUMBERS, min_size=4, max_size=4))
def test_mathtext_typesets_every_sum(values):
    total = window_sum([values], [values[::-1]], 0, 0, padding="valid", bias="x_1")
    for form in ("latex", "markdown"):
        assert parsed(text_from_sum(total, form=form, terms=3)).width > 0


WRITTEN = {
    "negative weights": ([[2, -2]], [[-1, 3]], "2·(−1) + (−2)·3 = −8"),
    "a negative zero": ([[-0.0, 1]], [[-0.0, -0.0]], "0·0 + 1·0 = 0"),
    "letters, kernel of numbers": ("a b", "1 -1", "a·1 + b·(−1) = a − b"),
    "letters alone": ("a b", "w x", "a·w + b·x"),
    "a letter that comes twice": ("a a", "w w", "a·w + a·w = 2·a·w"),
    "squares": ("a a", "a a", "a·a + a·a = 2·a²"),
    "expressions": ([[A + 1, 2 * B]], [["w", 1]], "(a + 1)·w + (2·b)·1 = 2·b + w·(a + 1)"),
    "halves of letters": ("a a", "1/4 1/4", "a·1/4 + a·1/4 = a/2"),
    "fractions": ([["14/9", "-1/3"]], [["1/2", 1]], "14/9·1/2 + (−1/3)·1 = 4/9"),
    "half is a fraction": ([[0.5, 0.25]], [[2, 1]], "1/2·2 + 1/4·1 = 5/4"),
    "exact decimals": ([[0.0712, 1]], [[2, 1]], "0.0712·2 + 1·1 = 1.1424"),
    "rounded factor": ([[0.12718281, 1]], [[1, 1]], "0.127183·1 + 1·1 ≈ 1.12718"),
    "rounded total": ([[0.0712, 0.0314159]], [[0.0127, 1]],
                      "0.0712·0.0127 + 0.0314159·1 ≈ 0.0323201"),
    "rounded up": ([[0.12718286, 0]], [[9, 1]], "0.127183·9 + 0·1 ≈ 1.14465"),
    "one third in float32": (np.array([[1 / 3, 1]], np.float32), [[1, 1]], "1/3·1 + 1·1 = 4/3"),
    "floats beside floats": (np.array([[21 / 97, 0.271828]], np.float32), [[1, 1]],
                             "0.216495·1 + 0.271828·1 ≈ 0.488323"),
    "8 bits": (np.array([[51, 255]], np.uint8), [[1, 1]], "1/5·1 + 1·1 = 6/5"),
    "long fractions": ([["1/99991", "1/99989"]], [[1, 1]], "1/99991·1 + 1/99989·1 ≈ 2.0002e-05"),
    "cancelling floats": ([[1, 1, 1]], [[0.76228, 0.00211, -0.76439]],
                          "1·0.76228 + 1·0.00211 + 1·(−0.76439) = 0"),
    "a root": (sympy.Matrix([[sympy.sqrt(2), 1]]), [[1, 1]], "(2**(1/2))·1 + 1·1 = 1 + 2**(1/2)"),
}  # fmt: skip


@pytest.mark.parametrize(("image", "kernel", "text"), WRITTEN.values(), ids=WRITTEN.keys())
def test_sums_are_written_by_the_customs_of_mathematics(image, kernel, text):
    total = window_sum(image, kernel, 0, 0, padding="valid")
    assert text_from_sum(total).replace("sqrt(2)", "2**(1/2)") == text
    assert parsed(text_from_sum(total, form="latex")).width > 0


# Once printed as 355/113, 10/81, 29885/9153.
TYPED = [
    ([[3.141592653589793, 1]], "3.14159·1 + 1·1 ≈ 4.14159"),
    ([[0.123456789, 0]], "0.123457·1 + 0·1 ≈ 0.123457"),
    ([[3.1415927, 0.123456789]], "3.14159·1 + 0.123457·1 ≈ 3.26505"),
    ([[0.123456, 2098.742]], "0.123456·1 + 2098.74·1 ≈ 2098.87"),
    ([[0.30000000000000004, 1]], "0.3·1 + 1·1 ≈ 1.3"),
    ([[1 / 3, 2 / 9]], "1/3·1 + 2/9·1 = 5/9"),
    ([[1 / 159, 1 / 16]], "1/159·1 + 1/16·1 = 175/2544"),
    (np.float32([[0.0712, 1]]), "0.0712·1 + 1·1 = 1.0712"),
    (np.float32([[3.1415927, 0.12345679]]), "3.14159·1 + 0.123457·1 ≈ 3.26505"),
]


@pytest.mark.parametrize(("image", "line"), TYPED, ids=[line for _, line in TYPED])
def test_a_decimal_is_never_written_as_another_fraction(image, line):
    assert text_from_sum(window_sum(image, "1 1", 0, 0, padding="valid")) == line


@pytest.mark.parametrize("image", ["3.1415927 0.123456789", "0.1 0.7", "0.0712 12.04", "1/3 0.5"])
def test_a_list_and_a_text_of_the_same_numbers_give_the_same_sum(image):
    listed = [[float(Fraction(word)) for word in image.split()]]
    sums = [window_sum(cells, "1/2 -3", 0, 0, padding="valid") for cells in (image, listed)]
    assert sums[0] == sums[1]
    assert text_from_sum(sums[0]) == text_from_sum(sums[1])


@pytest.mark.parametrize("kind", [np.float32, np.float64], ids=["float32", "float64"])
def test_what_stands_with_an_equals_sign_is_the_given_number(kind):
    generator = np.random.default_rng(3)
    for _ in range(150):
        drawn = generator.normal(size=2) * 10.0 ** generator.integers(-3, 5)
        pixels = kind(np.round(drawn, generator.integers(1, 12)))
        line = text_from_sum(window_sum([pixels.tolist()], "1 -3", 0, 0, padding="valid"),
                             form="plain")  # fmt: skip
        left, _, total = line.replace(" ~= ", " = ").partition(" = ")
        written = [Fraction(term.split("*")[0].strip("()")) for term in left.split(" + ")]
        same = [kind(float(number)) == pixel for number, pixel in zip(written, pixels, strict=True)]
        fractions = ["/" in term for term in left.split(" + ")]
        assert all(fits for fits, is_fraction in zip(same, fractions, strict=True) if is_fraction)
        if "~=" not in line:
            assert all(same)
            assert evaluated(left) == Fraction(total)


BIASES = {
    "a number": (3, "5·2 + 3 = 13"),
    "a negative number": (-3, "5·2 + (−3) = 7"),
    "a text": ("1/2", "5·2 + 1/2 = 21/2"),
    "a letter": ("b_0", "5·2 + b_0 = b_0 + 10"),
    "an expression": (A - B, "5·2 + (a − b) = a − b + 10"),
    "a list of one": ([3], "5·2 + 3 = 13"),
    "numpy's": (np.float32(0.5), "5·2 + 1/2 = 21/2"),
    "none": (None, "5·2 = 10"),
}


@pytest.mark.parametrize(("bias", "text"), BIASES.values(), ids=BIASES.keys())
def test_a_bias_stands_last(bias, text):
    assert text_from_sum(window_sum([[5]], [[2]], 0, 0, bias=bias)) == text


@pytest.mark.parametrize(
    ("image", "kernel", "line"),
    [
        ([[1e30]], "1", "1e+30·1 = 1e+30"),
        ([[2**60]], "1", "1152921504606846976·1 = 1152921504606846976"),
        (np.float32([[0.1234567, 0.1234567]]), "1 -1", "0.123457·1 + 0.123457·(−1) = 0"),
        (np.float32([[0.1234567, 0.1234578]]), "1 -1", "0.123457·1 + 0.123458·(−1) ≈ −1.1e-06"),
        ([[0.1, 0.2, 0.3]], "1 1 -1", "1/10·1 + 1/5·1 + 3/10·(−1) = 0"),
    ],
    ids=["1e30", "2**60", "equal", "close", "decimals"],
)
def test_numbers_are_written_as_given_and_in_digits_that_hold(image, kernel, line):
    assert text_from_sum(window_sum(image, kernel, 0, 0, padding="valid")) == line


def test_a_long_sum_can_be_cut_and_says_how_much():
    total = lesson_sum()
    short = "0·1/9 + 1·1/9 + ⋯ + 14·1/9 = 7 (9 terms, shown 3)"
    assert text_from_sum(total, terms=3) == short
    assert text_from_sum(total, terms=9) == LESSON
    assert text_from_sum(total, terms=2, form="plain") == (
        "0*1/9 + ... + 14*1/9 = 7 (9 terms, shown 2)"
    )
    latex = text_from_sum(total, terms=2, form="latex")
    assert latex.endswith(r"+ \cdots + 14 \cdot \frac{1}{9} = 7\text{ (9 terms, shown 2)}")
    assert parsed(latex).width > 0


SAME_IMAGES = {
    "text": "1 2; 3 4",
    "text with commas": "1, 2; 3, 4",
    "lines": "1 2\n3 4\n",
    "brackets": "[[1, 2], [3, 4]]",
    "lists of texts": [["1", 2], [3.0, "8/2"]],
    "array": np.array([[1, 2], [3, 4]]),
    "array (H, W, 1)": np.array([[[1.0], [2.0]], [[3.0], [4.0]]]),
    "sympy": sympy.Matrix([[1, 2], [3, 4]]),
    "array of texts": np.array([["1", "2"], ["3", "4"]]),
}


@pytest.mark.parametrize("image", SAME_IMAGES.values(), ids=SAME_IMAGES.keys())
def test_images_are_read_from_all_that_holds_numbers(image):
    total = window_sum(image, "1 10; 100 1000", 0, 0, padding="valid")
    assert text_from_sum(total) == "1·1 + 2·10 + 3·100 + 4·1000 = 4321"


SAME_LETTERS = {
    "text": "a b; c d",
    "commas": "a, b; c, d",
    "brackets": "[[a, b], ['c', d]]",
    "lists": [["a", "b"], [C, "d"]],
    "sympy": sympy.ImmutableMatrix([[A, B], [C, D]]),
    "array of texts": np.array([["a", "b"], ["c", "d"]]),
    "array of symbols": np.array([[A, B], [C, D]]),
}


@pytest.mark.parametrize("letters", SAME_LETTERS.values(), ids=SAME_LETTERS.keys())
def test_letters_are_read_in_images_and_kernels(letters):
    numbers = "1 -2; 0 5"
    expected = A - 2 * B + 5 * D
    assert window_sum(letters, numbers, 0, 0, padding="valid").doit() == expected
    assert window_sum(numbers, letters, 0, 0, padding="valid").doit() == expected


def test_letters_are_ordinary_symbols_so_that_numbers_can_be_put_in_by_name():
    total = window_sum("a b", "w 2", 0, 0, padding="valid")
    assert total.subs({"a": 3, "w": 5, "b": 7}) == 29


def test_one_line_of_words_is_a_row_of_letters():
    assert window_sum("alpha beta", "1 1", 0, 0, padding="valid").doit() == sympy.Symbol(
        "alpha"
    ) + sympy.Symbol("beta")


@pytest.mark.parametrize("kernel", ["edge", "gaussian(3, 1)"], ids=str)
def test_names_of_kernels_are_no_letters(kernel):
    total = window_sum("a b c; d e f; g h i", kernel, 0, 0, padding="valid").doit()
    assert {str(symbol) for symbol in total.free_symbols} == set("abcdefghi")


def test_a_photograph_gives_a_window_in_grey():
    photograph = next(Path(featviz.__file__).parent.glob("photos/*.jpg"))
    pixels = featviz.read_image(photograph, color="grey")[:, :, 0]
    total = window_sum(photograph, LOPSIDED, 10, 20, padding="valid").doit()
    expected = (pixels[10:12, 20:23] * np.array(LOPSIDED)).sum()
    assert float(total) == pytest.approx(expected, abs=1e-5)


def test_an_array_is_not_changed():
    image = np.array([[0.1, -0.0]])
    before = image.tobytes()
    window_sum(image, "1 2", 0, 0)
    assert image.tobytes() == before


LETTER = "numbers like 2, -0.5 or 1/9, or letters like a, w11 or x_1"
ERRORS = {
    "no such row": (
        lambda: window_sum(RAMP, "box", 4, 0, padding="valid"),
        ValueError,
        "row must be less than the 4 rows of the output; got 4",
    ),
    "no such column": (
        lambda: window_sum(RAMP, "box", 0, -1),
        ValueError,
        "column must be a whole number of at least 0; got -1",
    ),
    "a kernel that does not fit": (
        lambda: window_sum("a b", "box", 0, 0, padding="valid"),
        ValueError,
        "kernel 'box' (3×3) does not fit the image (1×2) with padding 'valid'; "
        "use padding='same' or a larger image",
    ),
    "unknown border": (
        lambda: window_sum(RAMP, "box", 0, 0, border="wrp"),
        ValueError,
        "border must be one of 'zeros', 'reflect', 'symmetric', 'edge', 'wrap'; got 'wrp' "
        "(did you mean 'wrap'?)",
    ),
    "code in the image": (
        lambda: window_sum("a b; __import__('os') d", "1", 0, 0),
        ValueError,
        f"image, row 2, column 1 must hold {LETTER}; got \"__import__('os')\"",
    ),
    "code in the kernel": (
        lambda: window_sum("a b", [["x+1", 2]], 0, 0),
        ValueError,
        f"kernel, row 1, column 1 must hold {LETTER}; got 'x+1'",
    ),
    "LaTeX in a name": (
        lambda: window_sum(sympy.Matrix([[sympy.Symbol(r"\input{x}")]]), "1", 0, 0),
        ValueError,
        r"image, row 1, column 1 must hold letters like a, w11 or x_1; got '\\input{x}'",
    ),
    "a complex number": (
        lambda: window_sum(sympy.Matrix([[sympy.I]]), "1", 0, 0),
        ValueError,
        f"image, row 1, column 1 must hold {LETTER}; got I",
    ),
    "infinity": (
        lambda: window_sum(sympy.Matrix([[sympy.oo]]), "1", 0, 0),
        ValueError,
        f"image, row 1, column 1 must hold {LETTER}; got oo",
    ),
    "nan is no letter": (
        lambda: window_sum("a nan", "1", 0, 0),
        ValueError,
        "image, row 1, column 2 must hold finite numbers; got nan",
    ),
    "ragged letters": (
        lambda: window_sum("a b; c", "1", 0, 0),
        ValueError,
        "image must have rows of equal length; got 2 numbers in row 1 and 1 in row 2",
    ),
    "a single word is a file": (
        lambda: window_sum("a", "1", 0, 0),
        FileNotFoundError,
        "image must be a file that exists; got 'a'",
    ),
    "a single word is a preset": (
        lambda: window_sum("a b", "edgy", 0, 0),
        ValueError,
        'kernel must be a preset\'s name, numbers like "0 1; 1 0", a family like '
        "\"gaussian(5, 1)\" or a file (.json .csv .txt .npy); got 'edgy' (did you mean 'edge'?)",
    ),
    "three channels": (
        lambda: window_sum(np.zeros((4, 4, 3)), "1", 0, 0),
        ValueError,
        "image must have shape (H, W) or (H, W, 1); got (4, 4, 3); "
        "take one channel, as in image[..., 0]",
    ),
    "two biases": (
        lambda: window_sum("a b", "1", 0, 0, bias=[1, 2]),
        ValueError,
        "bias must be one number or letter; got [1, 2]",
    ),
    "a bias of code": (
        lambda: window_sum("a b", "1", 0, 0, bias="b(1)"),
        ValueError,
        f"bias must hold {LETTER}; got 'b(1)'",
    ),
    "too many taps": (
        lambda: window_sum([[1]], "box(101)", 0, 0),
        ValueError,
        "kernel must have at most 10000 taps to be written as a sum; got 101×101",
    ),
    "no sum": (
        lambda: text_from_sum("a + b"),
        TypeError,
        "expression must come from window_sum(); got 'a + b'",
    ),
    "unknown form": (
        lambda: text_from_sum(A + B, form="latx"),
        ValueError,
        "form must be one of 'unicode', 'plain', 'markdown', 'latex'; got 'latx' "
        "(did you mean 'latex'?)",
    ),
    "too few terms": (
        lambda: text_from_sum(A + B, terms=1),
        ValueError,
        "terms must be a whole number of at least 2; got 1",
    ),
    "LaTeX in a name of a sum": (
        lambda: text_from_sum(sympy.Symbol("$x$") + A),
        ValueError,
        "expression must hold letters like a, w11 or x_1; got '$x$'",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_wrong_use_is_refused_in_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == sentence


@pytest.mark.parametrize("form", SUM_FORMS)
def test_any_expression_of_sympy_can_be_written(form):
    for expression in (A, A * B / 3, A - B / 2, sympy.Integer(7), sympy.Max(0, A - B), 2 * A**2):
        text = text_from_sum(expression, form=form)
        assert text
        assert form in ("unicode", "plain") or parsed(text).width > 0


@given(st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,8}", fullmatch=True))
def test_every_letter_is_typeset(name):
    if name.lower() in ("inf", "infinity", "nan"):
        return
    total = window_sum([[name, 1]], [[2, name]], 0, 0, padding="valid")
    assert parsed(text_from_sum(total, form="latex")).width > 0
