"""Steps as text: the numbers are those of the trace, and the arithmetic holds."""

import re
from fractions import Fraction

import numpy as np
import pytest
from definitions import LOPSIDED, ramp
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

import featviz as fv
from featviz.render.step_text import text_from_step
from featviz.render.trace_text import describe_trace, text_from_trace
from featviz.tracing import trace

RAMP = np.arange(36).reshape(6, 6)
NINTHS = "0·1/9 + 1·1/9 + 2·1/9 + 6·1/9 + 7·1/9 + 8·1/9 + 12·1/9 + 13·1/9 + 14·1/9 = 7; relu(7) = 7"

LINEAR = {"activation": None}
AVERAGE = {"stage": "condense", "pool": "average"}
LINES = [
    pytest.param([[2, 3]], [[2]], {"padding": "valid"}, 1, "3·2 = 6; relu(6) = 6", id="one term"),
    pytest.param(RAMP, "box", {"padding": "valid"}, 0, NINTHS, id="nine ninths"),
    pytest.param([[1, 2], [3, 4]], "1 -1; 2 0", {"padding": "valid", "bias": -0.5, **LINEAR}, 0,
        "1·1 + 2·(−1) + 3·2 + 4·0 + (−1/2) = 9/2", id="bias, no activation"),
    pytest.param([[0.1, 0.7]], "1 -3", {"padding": "valid"}, 0,
        "1/10·1 + 7/10·(−3) = −2; relu(−2) = 0", id="tenths"),
    pytest.param([[1, -2], [3, -4]], [[1]],
        {"stage": "detect", "activation": "leaky_relu(0.5)"}, 3,
        "leaky_relu(0.5)(−4) = −2", id="detect"),
    pytest.param([[1, 5], [5, -2]], [[1]], {"stage": "condense", **LINEAR}, 0,
        "max(1, 5, 5, −2) = 5", id="max"),
    pytest.param(RAMP[:3, :3], [[1]], AVERAGE, 3, "(14)/1 = 14", id="average of one"),
    pytest.param([[1, 2], [-3, 4]], [[1]], {**AVERAGE, **LINEAR}, 0,
        "(1 + 2 + (−3) + 4)/4 = 1", id="average"),
    pytest.param([[1, 2], [0, 4]], [[1]], {"stage": "condense", "pool": "global_average"}, 0,
        "(1 + 2 + 0 + 4)/4 = 7/4", id="global"),
    pytest.param([[1, 2], [0, 4]], [[1]], {"stage": "condense", "pool": "none"}, 3,
        "4", id="no pool"),
    pytest.param([[1, 2]], "1 10",
        {"stage": "transposed", "stride": (1, 2), "padding": "valid", **LINEAR}, 1,
        "1·10 + 0·1 = 10", id="transposed"),
]  # fmt: skip


@pytest.mark.parametrize(("image", "kernel", "options", "index", "line"), LINES)
def test_a_step_is_written_out(image, kernel, options, index, line):
    steps = trace(image, kernel, **options)
    assert text_from_step(steps, steps[index]) == line


@pytest.mark.parametrize("form", ["latex", "markdown"])
@pytest.mark.parametrize(("image", "kernel", "options", "index", "line"), LINES)
def test_latex_of_a_step_is_typeset(image, kernel, options, index, line, form):
    steps = trace(image, kernel, **options)
    text = text_from_step(steps, steps[index], form=form)
    assert ("=" in text) == ("=" in line)
    assert text.startswith("$") == (form == "markdown")
    MathTextParser("agg").parse(text if form == "markdown" else f"${text}$")


def hostile(values):
    return values * 1


def test_the_name_of_a_function_cannot_become_latex():
    hostile.__name__ = r"\input{x}$ & _y"
    steps = trace([[1]], [[1]], activation=hostile)
    text = text_from_step(steps, steps[0], form="latex")
    assert text == r"1 \cdot 1 = 1;\quad \mathrm{inputx~~\_y}(1) \approx 1"
    MathTextParser("agg").parse(f"${text}$")


def value_of(text):
    """Evaluate a sum of products: only digits, fractions, decimals and signs."""
    total = 0
    for term in re.split(r" \+ ", text):
        product = 1
        for factor in term.split("·"):
            product *= Fraction(factor.strip("()").replace("−", "-"))
        total += product
    return total


@given(
    st.lists(st.integers(-9, 9), min_size=9, max_size=9),
    st.sampled_from(["filter", "transposed"]),
    st.integers(1, 2),
)
def test_the_written_sum_is_the_value_of_the_step(numbers, stage, stride):
    image = [numbers[:3], numbers[3:6], numbers[6:]]
    steps = trace(image, LOPSIDED, stage=stage, stride=stride, activation=None, bias=1)
    for step in steps:
        summed, total = text_from_step(steps, step).split(" = ")
        assert value_of(summed) == Fraction(total.replace("−", "-"))
        assert float(Fraction(total.replace("−", "-"))) == pytest.approx(step.value)


def test_sums_of_a_photograph_agree_with_their_activation():
    steps = trace(fv.sample_image("camera", size=60), "edge", padding="valid")
    for index in range(0, len(steps), 173):
        line = text_from_step(steps, steps[index])
        total = re.search(r" [≈=] ([^;]+);", line)[1]
        assert f"relu({total})" in line
        assert len(line.split(" + ")) == 9


FLOAT32 = [
    ([[1]], "1", {"bias": 16777217},
     "1·1 + 16777216 = 16777217 (float32: 16777218); relu(16777218) = 16777218"),
    ([[16777216, 1]], "1 1", {},
     "16777216·1 + 1·1 = 16777217 (float32: 16777216); relu(16777216) = 16777216"),
    ([[0.33333337]], "30000000", {}, "0.333333·30000000 ≈ 10000001; relu(10000001) = 10000001"),
    ([[1e38]], "100", {}, "1e+38·100 ≈ 1e+40 (float32: inf); relu(inf) = inf"),
    ([[1e-30]], "1e-30", {}, "1e-30·1e-30 ≈ 1e-60 (float32: 0); relu(0) = 0"),
    ([[0.1, 0.2, 0.3]], "1 1 -1", {},
     "1/10·1 + 1/5·1 + 3/10·(−1) = 0 (float32: −7.45058e-09); relu(0) = 0"),
    ([[20]], "1", {"activation": "sigmoid"}, "20·1 = 20; sigmoid(20) ≈ 1"),
    ([[100]], "1", {"activation": "exponential"}, "100·1 = 100; exponential(100) ≈ inf"),
    ([[-0.1]], "1", {"activation": "leaky_relu"},
     "(−1/10)·1 = −1/10; leaky_relu(0.2)(−1/10) = −0.02"),
    ([[-123456792]], "1", {"activation": "leaky_relu(0.1)"},
     "(−123456792)·1 = −123456792; leaky_relu(0.1)(−123456792) ≈ −12345679"),
    ([[-4]], "1", {"activation": "leaky_relu(0.1)"},
     "(−4)·1 = −4; leaky_relu(0.1)(−4) = −2/5"),
]  # fmt: skip


@pytest.mark.parametrize(("image", "kernel", "options", "line"), FLOAT32)
def test_where_float32_changes_a_sum_it_is_said(image, kernel, options, line):
    steps = trace(image, kernel, padding="valid", **options)
    assert text_from_step(steps, steps[0]) == line


TINY = np.array([[0, 51, 102], [255, 0, 51], [5, 250, 255]], np.uint8)
POOLED = dict(stage="condense", pool="average", pool_size=3, pool_stride=2, pool_padding=1)
DETECTED = {"stage": "detect", "padding": "valid"}


@pytest.mark.parametrize(
    ("image", "kernel", "options", "ending"),
    [
        ([[0.1, 0.2], [0.3, 0.6]], "1 1; 1 -1", {"padding": "valid"},
         " = 0 (float32: −7.45058e-09); relu(0) = 0"),
        (TINY, "edge", POOLED, "(0 + 0 + 34/5 + 0)/4 = 17/10"),
        ([[16777216, 16777215]], "1 -1", {"padding": "valid"}, " = 1; relu(1) = 1"),
        ([[0.123456789, 0.123456789]], "1 -1", {"padding": "valid", **LINEAR}, "·(−1) = 0"),
        ([[0.1, 0.2, 0.3]], "1 1 -1", DETECTED, "relu(0) = 0"),
        ([[0.1, 0.2, 0.3]], "1 1 -1", {**DETECTED, "activation": "gelu"}, "gelu(0) = 0"),
    ],
    ids=["decimals", "pool", "whole numbers", "equal pixels", "detect", "gelu"],
)  # fmt: skip
def test_what_only_the_storing_of_pixels_leaves_is_zero(image, kernel, options, ending):
    steps = trace(image, kernel, **options)
    assert text_from_step(steps, steps[0]).endswith(ending)


@pytest.mark.parametrize("stage", ["filter", "detect"])
def test_no_digit_is_printed_that_rounded_pixels_do_not_tell(stage):
    """Of the exact brightness of the colours the printed total is never a digit away."""
    random = np.random.default_rng(1)
    colours = random.integers(100, 104, (9, 9, 3)).astype(np.uint8)
    exact = colours.astype(object) @ [Fraction(299, 1000), Fraction(587, 1000), Fraction(114, 1000)]
    weights = np.array(fv.read_kernel("edge").rows, object)
    steps = trace(colours, "edge", padding="valid", stage=stage)
    fewer = 0
    for step, (row, column) in zip(steps, np.ndindex(steps.shape), strict=True):
        line = text_from_step(steps, step)
        printed = re.search(r"relu\((.*?)\)", line)[1].replace("−", "-")
        true = (exact[row : row + 3, column : column + 3] * weights).sum() / 255
        digits = printed.lstrip("-0.").replace(".", "")
        unit = Fraction(10) ** -len(printed.partition(".")[2])
        assert abs(Fraction(printed) - true) <= unit, line
        fewer += len(digits) < 5
    assert fewer > 5


@pytest.mark.parametrize(
    ("activation", "value", "text"),
    [
        ("gelu", -4, "gelu(−4) ≈ −0.00013"),
        ("gelu", 0, "gelu(0) = 0"),
        ("sigmoid", 0, "sigmoid(0) = 1/2"),
        ("tanh", 0, "tanh(0) = 0"),
        ("sigmoid", 20, "sigmoid(20) ≈ 1"),
        ("tanh", 1, "tanh(1) ≈ 0.76159"),
        ("relu", 0.123456789, "relu(0.123457) ≈ 0.123457"),
        ("leaky_relu(0.1)", 1, "leaky_relu(0.1)(1) = 1"),
    ],
)
def test_activations_have_the_digits_and_the_sign_that_hold(activation, value, text):
    steps = trace([[value]], [[1]], stage="detect", activation=activation)
    assert text_from_step(steps, steps[0]) == text


def test_what_is_stored_is_not_said_where_it_reads_the_same():
    steps = trace([[200 / 255, 0.2]], [["0.7000001", 0.3]], padding="valid")
    for step in steps:
        line = text_from_step(steps, step)
        note = re.search(r"[=≈] (\S+) \(float32: (.*?)\)", line)
        assert note is None or note[1] != note[2]


def test_long_sums_are_cut_where_asked_and_the_count_is_said():
    steps = trace(ramp(8, 8), "box(7)")
    assert text_from_step(steps, steps[30], terms=4).count(" + ") == 4
    assert "(49 terms, shown 4)" in text_from_step(steps, steps[30], terms=4)
    pooled = trace(ramp(8, 8), [[1]], stage="condense", pool="global_average")
    assert text_from_step(pooled, pooled[0], terms=2).endswith("(64 cells, shown 2)")


def test_a_trace_is_described_with_its_sizes():
    steps = trace(RAMP, "box", stride=2, padding="valid")
    assert describe_trace(steps).splitlines() == [
        "filter box: input 6×6, kernel 3×3, output 2×2",
        "rows: ⌊(6 + 0 + 0 − 3)/2⌋ + 1 = 2",
        "columns: ⌊(6 + 0 + 0 − 3)/2⌋ + 1 = 2",
        "rows not covered: 5",
        "columns not covered: 5",
    ]
    assert describe_trace(steps, form="plain").isascii()
    wide = trace([list(range(40))], [[1]], stride=(1, 2), padding="valid")
    assert describe_trace(wide).endswith("19, 21, 23 and 8 more")
    pooled = trace(RAMP, "box", stage="condense", pool="average")
    assert describe_trace(pooled).startswith(
        "condense box: input 6×6, average pool 2×2, output 3×3"
    )
    assert describe_trace(trace(RAMP, "box", stage="detect")).count("\n") == 0
    spread = trace([[1, 2]], [[1]], stage="transposed", stride=(1, 3), padding="valid")
    assert "columns not reached: 1, 2, 4, 5" in describe_trace(spread)


HOSTILE = r"\input{x} <script>*$_"


def test_a_trace_becomes_an_align_of_latex_with_its_words_as_comments():
    steps = trace(RAMP, fv.read_kernel("box", name=HOSTILE + "\n\\end"), padding="valid", stride=2)
    first, *lines = text_from_trace(steps, form="latex", steps=3).splitlines()
    assert first == f"% filter {HOSTILE} \\end: input 6×6, kernel 3×3, output 2×2"
    assert lines[:2] == ["% rows not covered: 5", "% columns not covered: 5"]
    assert (lines[2], lines[-2], lines[-1]) == (
        r"\begin{align*}", r"\end{align*}", "% … 1 more of 4 cells"
    )  # fmt: skip
    for line in lines[3:-2]:
        assert line.startswith("& ")
        MathTextParser("path").parse(f"${line[2:].removesuffix(chr(92) * 2)}$")


def test_a_trace_becomes_a_list_of_markdown_and_shows_itself_so():
    steps = trace(RAMP, fv.read_kernel("box", name=HOSTILE), padding="valid")
    text = text_from_trace(steps, form="markdown", steps=12)
    assert text == steps._repr_markdown_()
    first, empty, *lines = text.splitlines()
    assert "<script>" not in first
    assert first.startswith(r"filter \\input\{x\} \<script\>\*\$\_: input 6×6")
    assert empty == ""
    assert [line[:2] for line in lines] == ["- "] * 14 + ["", "… "]


def test_cells_are_chosen_by_their_place():
    steps = trace(RAMP, "box", padding="valid")
    lines = text_from_trace(steps, cells=[(3, 1), (0, 0)]).splitlines()
    assert [line.split("  ")[0] for line in lines[-2:]] == ["(3, 1)", "(0, 0)"]


def test_errors_of_the_text():
    steps = trace(RAMP, "box")
    forms = "'unicode', 'plain', 'markdown', 'latex'"
    with pytest.raises(ValueError, match=rf"^form must be one of {forms}; got 'html'$"):
        describe_trace(steps, form="html")
    with pytest.raises(ValueError, match=r"^terms must be a whole number of at least 2; got 1$"):
        text_from_step(steps, steps[0], terms=1)
    with pytest.raises(TypeError, match=r"^trace must come from trace\(\); got 3$"):
        describe_trace(3)
    with pytest.raises(TypeError, match=r"^trace and step must come from trace\(\); got \(1, 2\)$"):
        text_from_step(1, 2)
