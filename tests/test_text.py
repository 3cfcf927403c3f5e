"""Matrices as plain text, in Unicode brackets and as LaTeX."""

from __future__ import annotations

import dataclasses
import math
import re
import sys
import time
import types
from fractions import Fraction
from textwrap import dedent

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

import featviz as fv
from featviz.exact import exact_text
from featviz.kernels import Kernel
from featviz.render.text import (
    MatrixText,
    latex_from_matrices,
    text_from_matrices,
    text_from_matrix,
)

IMAGE = np.zeros((6, 6), np.float32)
IMAGE[:, 1] = 1
IMAGE[4, 3:] = 1
LINE = np.array([[1, -1], [1, -1]], np.float32)
PRECISIONS = pytest.mark.parametrize("precision", [np.float32, np.float64], ids=["f32", "f64"])


def correlate(image, kernel, padding=0):
    """The definition, by two slow loops."""
    image = np.pad(image, padding)
    height, width = kernel.shape
    rows = image.shape[0] - height + 1
    columns = image.shape[1] - width + 1
    result = np.zeros((rows, columns), image.dtype)
    for i in range(rows):
        for j in range(columns):
            result[i, j] = (image[i : i + height, j : j + width] * kernel).sum()
    return result


def lesson(precision):
    filtered = correlate(IMAGE.astype(precision), LINE.astype(precision))
    return filtered, np.maximum(filtered, precision(-0.0))


@PRECISIONS
def test_the_lesson_prints_the_same_latex_in_both_precisions(precision):
    filtered, detected = lesson(precision)
    rows = [r"-2 & 2 & 0 & 0 & 0"] * 3 + [r"-2 & 2 & -1 & 0 & 0"] * 2
    expected = " \\\\\n".join(rows)
    assert text_from_matrix(filtered, form="latex") == (
        f"\\begin{{bmatrix}}\n{expected}\n\\end{{bmatrix}}"
    )
    expected = " \\\\\n".join(["0 & 2 & 0 & 0 & 0"] * 5)
    assert expected in text_from_matrix(detected, form="latex")


@PRECISIONS
def test_the_lesson_prints_the_same_unicode_in_both_precisions(precision):
    filtered, _ = lesson(precision)
    expected = """\
        ⎡-2  2   0  0  0⎤
        ⎢-2  2   0  0  0⎥
        ⎢-2  2   0  0  0⎥
        ⎢-2  2  -1  0  0⎥
        ⎣-2  2  -1  0  0⎦"""
    assert text_from_matrix(filtered) == dedent(expected)


@PRECISIONS
def test_a_mean_of_0_to_35_prints_ninths(precision):
    image = np.arange(36, dtype=precision).reshape(6, 6)
    mean = correlate(image, np.ones((3, 3), precision), padding=1) / precision(9)
    first = text_from_matrix(mean, form="plain").splitlines()[0]
    assert first.strip("[]").split() == ["14/9", "8/3", "10/3", "4", "14/3", "10/3"]
    assert mean[5, 5] == pytest.approx(14)
    latex = text_from_matrix(mean, form="latex")
    assert r"\frac{14}{9} & \frac{8}{3} & \frac{10}{3} & 4 & \frac{14}{3} & \frac{10}{3}" in latex
    assert re.search(r"& 14\n\\end", latex)


def test_plain_text_is_ascii_and_right_justified():
    values = [[0, "-14/9", 0.1234567], [1.5e-7, -2, 1000000.5]]
    expected = """\
        [      0  -14/9  0.123457]
        [1.5e-07     -2   1000000]"""
    assert text_from_matrix(values, form="plain") == dedent(expected)
    assert text_from_matrix(np.eye(40), form="plain").isascii()


@pytest.mark.parametrize("form", ["unicode", "plain"])
def test_a_single_row_stands_in_square_brackets(form):
    assert text_from_matrix([[1, -1]], form=form) == "[1  -1]"


CUT = {
    "unicode": """\
        ⎡ 0   1  ⋯   9⎤
        ⎢10  11  ⋯  19⎥
        ⎢ ⋮   ⋮  ⋱   ⋮⎥
        ⎢70  71  ⋯  79⎥
        ⎣80  81  ⋯  89⎦
        9×10, shown 4×3""",
    "plain": """\
        [ 0   1  ...   9]
        [10  11  ...  19]
        [ :   :  ...   :]
        [70  71  ...  79]
        [80  81  ...  89]
        9x10, shown 4x3""",
    "latex": r"""\begin{bmatrix}
        0 & 1 & \cdots & 9 \\
        10 & 11 & \cdots & 19 \\
        \vdots & \vdots & \ddots & \vdots \\
        70 & 71 & \cdots & 79 \\
        80 & 81 & \cdots & 89
        \end{bmatrix} \quad (9 \times 10 \text{, shown } 4 \times 3)""",
}


@pytest.mark.parametrize("form", CUT, ids=str)
def test_a_large_matrix_is_cut_in_the_middle_and_says_its_size(form):
    values = np.arange(90).reshape(9, 10)
    expected = "\n".join(line.strip() for line in CUT[form].splitlines())
    assert text_from_matrix(values, form=form, rows=4, columns=3) == expected


def test_only_columns_can_be_cut():
    text = text_from_matrix([[1, 2, 3, 4], [5, 6, 7, 8]], columns=2)
    assert text == "⎡1  ⋯  4⎤\n⎣5  ⋯  8⎦\n2×4, shown 2×2"


def test_twelve_rows_and_columns_are_whole_and_thirteen_are_cut():
    assert "shown" not in text_from_matrix(np.eye(12))
    assert text_from_matrix(np.eye(13)).endswith("13×13, shown 12×12")


def test_more_than_ten_columns_leave_the_bmatrix_of_latex():
    assert text_from_matrix(np.ones((1, 10)), form="latex").startswith(r"\begin{bmatrix}")
    wide = text_from_matrix(np.ones((1, 11)), form="latex")
    assert wide.startswith(r"\left[\begin{array}{rrrrrrrrrrr}")
    assert wide.endswith(r"\end{array}\right]")


def test_nan_and_infinity_are_shown_as_they_are():
    values = np.array([[np.nan, np.inf, -np.inf, -0.0]], np.float32)
    assert text_from_matrix(values) == "[nan  inf  -inf  0]"
    assert r"\text{nan} & \infty & -\infty & 0" in text_from_matrix(values, form="latex")


def test_symbols_are_printed():
    x = sympy.Symbol("x")
    assert text_from_matrix(sympy.Matrix([[x + 1, 2.0]])) == "[x + 1  2]"


PAIRS = [
    ("image", IMAGE[:2, :3]),
    ("kernel edge", Kernel([[1, -1], ["1/9", -1]], name="edge")),
    ("filter edge", np.array([[-2.0, 14 / 9]], np.float32)),
]


def test_several_matrices_stand_under_their_headings():
    expected = """\
        image 2×3
        ⎡0  1  0⎤
        ⎣0  1  0⎦

        kernel edge 2×2
        ⎡  1  -1⎤
        ⎣1/9  -1⎦

        filter edge 1×2
        [-2  14/9]"""
    assert text_from_matrices(PAIRS) == dedent(expected)


def test_a_cut_matrix_says_its_size_in_its_heading():
    text = text_from_matrices([("image", np.eye(400))], rows=2, columns=2)
    assert text.splitlines()[0] == "image 400×400, shown 2×2"
    plain = text_from_matrices([("image", np.eye(400))], form="plain", rows=2, columns=2)
    assert plain.splitlines()[0] == "image 400x400, shown 2x2"


def test_several_matrices_in_latex_are_equations():
    expected = r"""
        \text{image} = \begin{bmatrix}
        0 & 1 & 0 \\
        0 & 1 & 0
        \end{bmatrix}

        \text{kernel edge} = \begin{bmatrix}
        1 & -1 \\
        \frac{1}{9} & -1
        \end{bmatrix}

        \text{filter edge} = \begin{bmatrix}
        -2 & \frac{14}{9}
        \end{bmatrix}"""
    assert text_from_matrices(PAIRS, form="latex") == dedent(expected).strip()


def test_a_notebook_gets_one_aligned_block():
    assert latex_from_matrices(PAIRS[1:]) == (
        r"$\displaystyle \begin{aligned} "
        r"\text{kernel edge} &= \begin{bmatrix} 1 & -1 \\ \frac{1}{9} & -1 \end{bmatrix} \\[1ex] "
        r"\text{filter edge} &= \begin{bmatrix} -2 & \frac{14}{9} \end{bmatrix} "
        r"\end{aligned}$"
    )


def assert_structure(latex, matrices):
    """Braces and environments are balanced; every matrix row has the same number of cells."""
    bare = re.sub(r"\\\\|\\[{}$&%#_]", "", latex)
    assert bare.count("{") == bare.count("}")
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", latex):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert stack == []
    bodies = re.findall(
        r"\\begin\{(?:bmatrix|array)\}(?:\{r+\})?(.*?)\\end\{(?:bm|ar)", latex, re.S
    )
    assert len(bodies) == len(matrices)
    for body, (rows, columns) in zip(bodies, matrices, strict=True):
        lines = body.split(r"\\")
        assert len(lines) == rows
        assert {line.count("&") for line in lines} == {columns - 1}


def test_latex_has_balanced_environments_and_equal_rows():
    pairs = [*PAIRS, ("big_one", np.eye(400)), ("100 % {of} it", [[1]])]
    sizes = [(2, 3), (2, 2), (1, 2), (13, 13), (1, 1)]
    assert_structure(text_from_matrices(pairs, form="latex"), sizes)
    assert_structure(latex_from_matrices(pairs), sizes)
    assert latex_from_matrices(pairs).count("$") == 2
    assert "\n" not in latex_from_matrices(pairs)


HEADINGS = {
    "plain words": ("filter edge", r"\text{filter edge}"),
    "underscore": ("conv2d_1/relu", r"\text{conv2d}\_\text{1/relu}"),
    "percent": ("50 %", r"\text{50 }\%"),
    "all the others": ("&#${}", r"\&\#\$\{\}"),
    "tilde and caret": ("a~b^c", r"\text{a}{\sim}\text{b}{}^{\wedge}\text{c}"),
    "backslash": ("a\\b", r"\text{a}\backslash \text{b}"),
    "an attempt to leave the text": (r"}\end{x}", r"\}\backslash \text{end}\{\text{x}\}"),
    "a tag": ("<img src=x>", r"{<}\text{img src=x}{>}"),
    "line breaks": ("two\n lines", r"\text{two lines}"),
    "empty": ("", r"\text{}"),
}


@pytest.mark.parametrize(("heading", "latex"), HEADINGS.values(), ids=HEADINGS.keys())
def test_a_heading_is_escaped_for_latex(heading, latex):
    text = text_from_matrices([(heading, [[1]])], form="latex")
    assert text.partition(" = ")[0] == latex
    assert latex_from_matrices([(heading, [[1]])]).startswith(
        rf"$\displaystyle \begin{{aligned}} {latex} &= "
    )


@pytest.mark.parametrize("heading", [h for h, _ in HEADINGS.values() if h], ids=repr)
def test_an_escaped_heading_is_typeset_by_mathtext(heading):
    latex = text_from_matrices([(heading, [[1]])], form="latex").partition(" = ")[0]
    latex = latex.replace(r"\&", "")  # the one escape that mathtext does not know
    parsed = MathTextParser("path").parse(f"${latex}$")
    assert parsed.width > 0


def test_a_heading_cannot_send_terminal_codes_or_add_lines():
    assert text_from_matrices([("a\x1b[31m\r\nb", [[1]])]) == "a�[31m b 1×1\n[1]"


def test_plain_headings_are_ascii():
    assert text_from_matrices([("σ ≥ 1", [[1]])], form="plain").startswith("\\u03c3 \\u2265 1 1x1")


class TestMatrixText:
    def test_prints_its_form_and_is_typeset_in_a_notebook(self):
        shown = MatrixText(PAIRS, form="plain")
        assert str(shown) == repr(shown) == text_from_matrices(PAIRS, form="plain")
        assert shown._repr_latex_() == latex_from_matrices(PAIRS)
        assert not hasattr(shown, "_repr_html_")

    def test_does_not_follow_later_changes_of_the_array(self):
        array = np.eye(2)
        shown = MatrixText([("image", array)])
        before = str(shown)
        array[:] = 7
        assert str(shown) == before

    def test_is_frozen_and_equal_for_both_precisions(self):
        shown = MatrixText([("mean", np.full((2, 2), 1 / 9))])
        assert shown == MatrixText([("mean", np.full((2, 2), 1 / 9, np.float32))])
        assert len({shown, MatrixText([("mean", np.full((2, 2), 1 / 9))])}) == 1
        with pytest.raises(dataclasses.FrozenInstanceError):
            shown.form = "plain"


def test_a_photograph_prints_quickly():
    photograph = np.random.default_rng(0).random((1080, 1920), np.float32)
    before = photograph.tobytes()
    start = time.perf_counter()
    text = text_from_matrix(photograph)
    assert time.perf_counter() - start < 0.5
    assert text.endswith("1080×1920, shown 12×12")
    assert photograph.tobytes() == before


@settings(max_examples=200)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=6))
def test_every_printed_number_reads_back_to_six_digits(numbers):
    single = np.array([numbers], np.float32)
    text = text_from_matrix(single, form="plain")
    assert text == text_from_matrix(single.astype(np.float64), form="plain")
    for word, value in zip(text.strip("[]").split(), numbers, strict=True):
        assert float(Fraction(word)) == pytest.approx(value, rel=5.1e-6, abs=0)


DECIMALS = st.builds(lambda digits, places: digits / 10**places,
                     st.integers(-9999, 9999), st.integers(0, 8))  # fmt: skip
NINTHS = st.builds(lambda p, q: p / q, st.integers(-255, 255), st.sampled_from([3, 9, 16, 36]))


@settings(max_examples=200)
@given(st.lists(DECIMALS | NINTHS, min_size=1, max_size=6))
def test_both_precisions_of_the_same_numbers_print_the_same_text(numbers):
    double = np.array([numbers])
    single = double.astype(np.float32)
    for form in ("unicode", "plain", "latex"):
        assert text_from_matrix(double, form=form) == text_from_matrix(single, form=form)


def test_decimals_are_no_fractions_but_their_own():
    typed = [[2098.742, 2.0], [3.14159, 100.7419]]
    for values in (typed, np.array(typed), np.float32(typed), Kernel(typed)):
        assert text_from_matrix(values, form="plain") == "[2098.74        2]\n[3.14159  100.742]"
    kernel = Kernel("0.123456 0.1234567; 12345.678 1/273")
    assert text_from_matrix(kernel, form="plain") == "[0.123456  0.123457]\n[ 12345.7     1/273]"
    latex = text_from_matrix(kernel, form="latex")
    assert "0.123456 & 0.123457" in latex
    assert r"12345.7 & \frac{1}{273}" in latex


@pytest.mark.parametrize("kind", [np.float32, np.float64], ids=["float32", "float64"])
def test_a_printed_fraction_is_the_number_in_its_own_precision(kind):
    generator = np.random.default_rng(5)
    normal = generator.normal(size=(8, 50)) * 10.0 ** np.arange(-3, 5)[:, None]
    simple = generator.integers(-255, 255, (4, 50)) / generator.integers(1, 40, (4, 50))
    values = np.concatenate([normal, simple, simple + 1e-6]).astype(kind)
    words = text_from_matrix(values, form="plain", rows=20, columns=50).replace("[", "").split("]")
    found = 0
    for line, row in zip(words, values, strict=False):
        for word, value in zip(line.split(), row, strict=True):
            if "/" in word:
                assert kind(float(Fraction(word))) == value
                found += 1
    assert found > 50


ERRORS = {
    "unknown form": (
        lambda: text_from_matrix([[1]], form="latx"),
        ValueError,
        "form must be one of 'unicode', 'plain', 'latex'; got 'latx' (did you mean 'latex'?)",
    ),
    "form of another kind": (
        lambda: text_from_matrices(PAIRS, form=None),
        TypeError,
        "form must be one of 'unicode', 'plain', 'latex'; got None",
    ),
    "three channels": (
        lambda: text_from_matrix(np.zeros((2, 2, 3))),
        ValueError,
        "values must have shape (H, W) or (H, W, 1); got (2, 2, 3); "
        "take one channel, as in values[..., 0]",
    ),
    "the heading is named": (
        lambda: text_from_matrices([("filter edge", np.zeros(3))]),
        ValueError,
        "matrix 'filter edge' must have shape (H, W) or (H, W, 1); got (3,)",
    ),
    "no pairs": (
        lambda: text_from_matrices([]),
        ValueError,
        "pairs must be (heading, values) for each matrix; got none",
    ),
    "one pair": (
        lambda: latex_from_matrices(("image", [[1]])),
        TypeError,
        "pairs must be (heading, values) for each matrix; got 'image'",
    ),
    "not pairs": (
        lambda: MatrixText(5),
        TypeError,
        "pairs must be (heading, values) for each matrix; got 5",
    ),
    "no rows shown": (
        lambda: latex_from_matrices(PAIRS, rows=0),
        ValueError,
        "rows must be a whole number of at least 1; got 0",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_wrong_use_is_refused_in_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == sentence


def test_a_notebook_is_given_the_matrices_to_typeset(monkeypatch, capsys):
    """Stands in for the notebook's shell, which is not installed with the tests."""
    shown = []
    notebook = types.ModuleType("IPython")
    notebook.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    notebook.display = types.SimpleNamespace(display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    run = fv.extract([[1, 2]], [[3, -1]], padding="valid")
    fv.print_matrices(run)
    assert capsys.readouterr().out == ""
    assert [str(text) for text in shown] == [str(fv.text_from_extraction(run))]
    assert shown[0]._repr_latex_().startswith("$")
    fv.print_matrices(run, form="plain")
    assert "filter kernel 1x1\n[1]" in capsys.readouterr().out


def exact_rows(height, width, numerators, denominators, random):
    return [
        [Fraction(int(random.choice(numerators)), int(random.choice(denominators)))
         for _ in range(width)]
        for _ in range(height)
    ]  # fmt: skip


def exact_filter(image, kernel, bias, *, stride, dilation, pads, border):
    """The definition, by four slow loops over fractions."""
    modes = {"zeros": {"constant_values": Fraction(0)}}
    padded = np.pad(
        np.array(image, object), pads, "constant" if border == "zeros" else border,
        **modes.get(border, {}),
    )  # fmt: skip
    rows, columns = (
        range(0, size - (length - 1) * step, move)
        for size, length, step, move in zip(
            padded.shape, np.shape(kernel), dilation, stride, strict=True
        )
    )
    return [
        [
            bias + sum(
                padded[i + m * dilation[0], j + n * dilation[1]] * weight
                for m, line in enumerate(kernel)
                for n, weight in enumerate(line)
            )
            for j in columns
        ]
        for i in rows
    ]  # fmt: skip


def exact_pool(rows, window, stride, pads, how):
    """The definition: the padding takes no part."""
    starts = [
        range(-pad, length + pad - size + 1, step)
        for pad, length, size, step in zip(
            pads, (len(rows), len(rows[0])), window, stride, strict=True
        )
    ]
    return [
        [
            how([
                rows[i][j]
                for i in range(max(top, 0), min(top + window[0], len(rows)))
                for j in range(max(left, 0), min(left + window[1], len(rows[0])))
            ])
            for left in starts[1]
        ]
        for top in starts[0]
    ]  # fmt: skip


def exact_mean(cells):
    return sum(cells) / Fraction(len(cells))


def printed_cells(run, stage):
    text = str(fv.text_from_extraction(run, form="plain")).split(f"\n{stage} ")[1]
    lines = text.split("\n\n")[0].splitlines()[1:]
    return [line.strip("[]").split() for line in lines]


def cell_text(number):
    """A fraction of at most four digits, unless a decimal says it better; else six digits."""
    p, q = abs(number.numerator), number.denominator
    ends = 10**8 % q == 0
    if q == 1 or (max(p, q) <= 9999 and not (q > 256 and ends)):
        return str(number)
    return exact_text(float(number))


SLOPE = Fraction(1, 5)
EXACT_ACTIVATIONS = {
    "linear": lambda number: number,
    "relu": lambda number: max(number, Fraction(0)),
    "relu6": lambda number: min(max(number, Fraction(0)), Fraction(6)),
    "leaky_relu": lambda number: number if number > 0 else number * SLOPE,
}


def test_matrices_of_whole_numbers_and_fractions_print_the_exact_results():
    random = np.random.default_rng(5)
    fractions = 0
    for case in range(80):
        (height, width), (tall, wide) = random.integers(3, 7, 2), random.integers(1, 4, 2)
        image = exact_rows(height, width, range(-9, 10), (1, 1, 2, 10)[: 1 + case % 4], random)
        kernel = exact_rows(tall, wide, range(-9, 10), range(2, 13), random)
        bias = Fraction(int(random.integers(-9, 10)), int(random.integers(1, 13)))
        activation = str(random.choice(list(EXACT_ACTIVATIONS)))
        border = str(random.choice(["zeros", "reflect", "symmetric", "edge", "wrap"]))
        stride, window, pool_stride = (tuple(map(int, random.integers(1, 3, 2))) for _ in range(3))
        dilation = tuple(int(random.integers(1, 3)) if size < 3 else 1 for size in (tall, wide))
        pads = tuple(tuple(map(int, random.integers(0, 3, 2))) for _ in range(2))
        pool_pads = tuple(int(random.integers(0, size)) for size in window)
        pool = str(random.choice(["max", "average"]))
        filtered = exact_filter(
            image, kernel, bias, stride=stride, dilation=dilation, pads=pads, border=border
        )
        detected = [[EXACT_ACTIVATIONS[activation](cell) for cell in row] for row in filtered]
        how = max if pool == "max" else exact_mean
        condensed = exact_pool(detected, window, pool_stride, pool_pads, how)
        if not filtered or not filtered[0] or not condensed or not condensed[0]:
            continue
        run = fv.extract(
            [[float(cell) for cell in row] for row in image], Kernel(kernel), stride=stride,
            padding=pads, dilation=dilation, border=border, bias=str(bias),
            activation=activation, pool=pool, pool_size=window, pool_stride=pool_stride,
            pool_padding=tuple((pad, pad) for pad in pool_pads),
        )  # fmt: skip
        for stage, rows in zip(
            ("filter", "detect", "condense"), (filtered, detected, condensed), strict=True
        ):
            expected = [[cell_text(cell) for cell in row] for row in rows]
            assert printed_cells(run, stage) == expected, (case, stage)
            fractions += sum("/" in text for row in expected for text in row)
    assert fractions > 1000


@pytest.mark.parametrize(
    ("image", "kernel", "options", "expected"),
    [
        ([[3, 2]], "3/7 4/6", {"padding": "valid"}, [["55/21"]]),
        (np.arange(9.0).reshape(3, 3), "box", {"pool": "average"},
         [["20/9", "13/6"], ["53/18", "8/3"]]),
        ([[0.1, 0.2], [0.3, 0.4]], "1 1", {"padding": "valid"}, [["7/10"]]),
        ([[3, 2]], [[3 / 7, 2 / 3]], {"padding": "valid"}, [["55/21"]]),
    ],
    ids=["large denominator", "mean of means", "tenths", "typed as floats"],
)  # fmt: skip
def test_a_fraction_of_known_origin_needs_no_small_denominator(image, kernel, options, expected):
    run = fv.extract(np.asarray(image, np.float64), kernel, **options)
    assert printed_cells(run, "condense") == expected


def test_the_maps_of_channels_are_exact_alone_and_summed():
    image = np.random.default_rng(8).integers(0, 10, (4, 5, 3))
    text = "1/7 2/11; 0 -1/13"
    kernel = [[Fraction(1, 7), Fraction(2, 11)], [Fraction(0), Fraction(-1, 13)]]
    moves = dict(stride=(1, 1), dilation=(1, 1), pads=((0, 0), (0, 0)), border="zeros")
    run = fv.extract(image, text, color="sum", padding="valid")
    summed = exact_filter(image.sum(axis=2).tolist(), kernel, Fraction(0), **moves)
    assert printed_cells(run, "filter") == [[cell_text(cell) for cell in row] for row in summed]
    biases = [Fraction(1, 3), Fraction(-2), Fraction(3, 7)]
    run = fv.extract(image, text, color="each", padding="valid", bias=list(map(str, biases)))
    for channel, (label, bias) in enumerate(zip(run.labels, biases, strict=True)):
        alone = exact_filter(image[:, :, channel].tolist(), kernel, bias, **moves)
        expected = [[cell_text(cell) for cell in row] for row in alone]
        text = str(fv.text_from_extraction(run)).split(f"filter {label} ")[1].split("\n\n")[0]
        lines = [line.strip("⎡⎢⎣⎤⎥⎦").split() for line in text.splitlines()[1:]]
        assert lines == expected, label


def relu(values):
    """Is called so and is none."""
    return (abs(values) + values) * 0.500005


BYTES = np.array([[3, 200, 17], [90, 41, 255]], np.uint8)
NUMBERS = [[3, 2, 5], [1, 4, 7]]
UNKNOWN = {
    "kernel of no fractions": (NUMBERS, [[math.pi, 3 / 7]], {}),
    "pixels of no fractions": ([[0.123, 2], [3, 5]], "3/7 2/3", {}),
    "photograph": (BYTES, "1/9 2/9", {}),
    "bias of no fraction": (NUMBERS, "3/7 2/3", {"bias": math.e}),
    "large image": (np.arange(4900.0).reshape(70, 70) % 7, "3/7 2/3", {}),
    "more than float32 holds": (NUMBERS, [[10**38, 2 * 10**38]], {}),
}


@pytest.mark.parametrize(("image", "kernel", "options"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_numbers_of_unknown_origin_are_printed_as_the_arrays_alone_tell(image, kernel, options):
    run = fv.extract(np.asarray(image), kernel, padding="valid", pool="average", **options)
    text = str(fv.text_from_extraction(run))
    for stage in ("filter", "detect", "condense"):
        alone = text_from_matrices([(f"{stage} kernel", run.without_rounding(stage, 0))])
        assert alone in text, stage


@pytest.mark.parametrize(
    "activation", ["tanh", "sigmoid", "leaky_relu(0.3333333)", relu],
    ids=["tanh", "sigmoid", "seven digits", "of another name"],
)  # fmt: skip
def test_behind_an_activation_that_gives_no_fractions_the_arrays_tell(activation):
    run = fv.extract([[-3, 2, 5, -4]], "3/7 -2/3", padding="valid", activation=activation)
    assert printed_cells(run, "filter") == [["-55/21", "-52/21", "101/21"]]
    text = str(fv.text_from_extraction(run))
    assert text_from_matrix(run.without_rounding("detect", 0)) in text


@pytest.mark.parametrize(
    ("image", "kernel", "text"),
    [
        ("1184 1", "1 1/220", "260481/220"),
        ("-100 1", "4 1/30000", "-11999999/30000"),
        ("1000 2001", "1/7 1/11", "324.766"),
    ],
)
def test_no_fraction_is_rounded_to_a_whole_number(image, kernel, text):
    rows = [[int(number) for number in image.split()]]
    run = fv.extract(rows, kernel, padding="valid", activation="linear", pool="none")
    assert f"[{text}]" in str(fv.text_from_extraction(run, form="plain"))
