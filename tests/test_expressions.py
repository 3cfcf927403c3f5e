"""Whole stages on symbols, and a convolution as its sparse matrix."""

import dataclasses

import numpy as np
import pytest
import sympy
import tensorflow as tf
from definitions import LOPSIDED, ramp, slow_filter, slow_pool
from hypothesis import given, settings
from hypothesis import strategies as st

import featviz as fv
from featviz.expressions import extract_expressions
from featviz.geometry import slide, transposed_axis
from featviz.render.sum_text import text_from_expressions
from featviz.sparse import convolution_matrix

A, B, C, D = sympy.symbols("a b c d")
BORDERS = ["zeros", "reflect", "symmetric", "edge", "wrap"]


def letters(name, height, width):
    return [[f"{name}{i}_{j}" for j in range(width)] for i in range(height)]


def numbers_for(names, values):
    """Which number stands for which letter."""
    return {
        sympy.Symbol(name): sympy.Rational(float(value))
        for row, line in zip(names, values, strict=True)
        for name, value in zip(row, line, strict=True)
    }


PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))
SETTINGS = st.fixed_dictionaries(
    {
        "stride": PAIR,
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "padding": st.one_of(
            st.sampled_from(["same", "full"]),
            st.tuples(*[st.tuples(st.integers(1, 3), st.integers(1, 2))] * 2),
        ),
        "border": st.sampled_from(BORDERS),
        "activation": st.sampled_from(["relu", "relu6", "leaky_relu(0.125)", "leaky_relu", None]),
        "pool": st.sampled_from(["max", "average", "global_max", "global_average", "none"]),
        "pool_size": PAIR,
        "pool_stride": st.one_of(st.none(), PAIR),
        "pool_padding": st.just("same"),
    }
)


@settings(max_examples=50)
@given(SETTINGS, st.integers(0, 2**32 - 1), st.sampled_from([None, -0.5, 2]))
def test_putting_numbers_in_gives_what_extract_gives(options, seed, bias):
    random = np.random.default_rng(seed)
    image = random.integers(-8, 9, (4, 5)) / 2.0
    kernel = random.integers(-4, 5, (2, 3)) / 4.0
    run = fv.extract(image.tolist(), kernel.tolist(), bias=bias, **options)
    pixels, weights = letters("x", 4, 5), letters("w", 2, 3)
    symbols = extract_expressions(pixels, weights, bias=None if bias is None else "k", **options)
    values = numbers_for(pixels, image) | numbers_for(weights, kernel)
    values |= {} if bias is None else {sympy.Symbol("k"): sympy.Rational(bias)}
    for name in ("image", "filter", "detect", "condense"):
        put_in = symbols.stage(name).applyfunc(lambda entry: entry.xreplace(values).doit())
        expected = run.stage(name)[:, :, 0]
        np.testing.assert_allclose(np.array(put_in, float), expected, rtol=1e-6, atol=1e-6)
    assert dataclasses.replace(symbols.settings, bias=bias) == run.settings


@settings(max_examples=30)
@given(SETTINGS, st.sampled_from([LOPSIDED, "edge", "gaussian(3, 0.8)"]))
def test_numbers_give_what_extract_gives(options, kernel):
    image = ramp(5, 6).astype(np.float32)
    run = fv.extract(image, kernel, **options)
    exact = extract_expressions(image, kernel, **options)
    for name in ("image", "filter", "detect", "condense"):
        values = np.array(exact.stage(name), float)
        np.testing.assert_allclose(values, run.stage(name)[:, :, 0], rtol=1e-6, atol=1e-6)


def test_every_stage_equals_the_definition():
    image = ramp(6, 7)
    run = extract_expressions(image, LOPSIDED, padding="valid", stride=(1, 2), pool_size=(2, 1))
    filtered = slow_filter(image, LOPSIDED, stride=(1, 2))
    np.testing.assert_allclose(np.array(run.filtered, float), filtered)
    np.testing.assert_allclose(np.array(run.detected, float), np.maximum(filtered, 0))
    pooled = slow_pool(np.maximum(filtered, 0), (2, 1), stride=(2, 1), pads=((0, 1), (0, 0)))
    np.testing.assert_allclose(np.array(run.condensed, float), pooled)


def test_letters_stay_letters_through_every_stage():
    run = extract_expressions("a b; c d", "1 -1", padding="valid")
    assert run.image == sympy.ImmutableMatrix([[A, B], [C, D]])
    assert run.filtered == sympy.ImmutableMatrix([[A - B], [C - D]])
    assert run.detected == sympy.ImmutableMatrix([[sympy.Max(0, A - B)], [sympy.Max(0, C - D)]])
    assert run.condensed == sympy.ImmutableMatrix([[sympy.Max(0, A - B, C - D)]])
    assert run.condensed[0].subs({"a": 1, "b": 5, "c": 9, "d": 2}) == 7


def test_the_kernel_may_have_the_letters():
    run = extract_expressions([[1, 2], [3, 4]], "w x; y z", padding="valid", bias="k", pool="none")
    w, x, y, z, k = sympy.symbols("w x y z k")
    assert run.filtered[0] == w + 2 * x + 3 * y + 4 * z + k


def test_an_average_counts_the_cells_on_the_map_alone():
    run = extract_expressions("a b c", "1", activation=None, pool="average", pool_size=2)
    assert run.condensed == sympy.ImmutableMatrix([[(A + B) / 2, C]])
    whole = extract_expressions("a b; c d", "1", activation=None, pool="global_average")
    assert whole.condensed == sympy.ImmutableMatrix([[(A + B + C + D) / 4]])


ACTIVATED = {
    "none": (None, "linear", A),
    "linear": ("linear", "linear", A),
    "relu": ("relu", "relu", sympy.Max(0, A)),
    "relu6": ("relu6", "relu6", sympy.Min(6, sympy.Max(0, A))),
    "leaky_relu": ("leaky_relu", "leaky_relu(negative_slope=0.2)", sympy.Max(A, A / 5)),
    "a slope": ("leaky_relu(0.1)", "leaky_relu(negative_slope=0.1)", sympy.Max(A, A / 10)),
    "a steep slope": (
        "leaky_relu(negative_slope=3)",
        "leaky_relu(negative_slope=3)",
        sympy.Min(A, 3 * A),
    ),
}


@pytest.mark.parametrize(("given_", "words", "entry"), ACTIVATED.values(), ids=ACTIVATED.keys())
def test_activations_become_max_and_min(given_, words, entry):
    run = extract_expressions([["a"]], "1", activation=given_, pool="none")
    assert run.detected[0] == entry
    assert run.settings.activation == words == fv.describe_activation(given_)
    for number in (-2.0, 0.0, 3.0, 9.0):
        expected = fv.extract([[number]], "1", activation=given_, pool="none").detected[0, 0, 0]
        assert float(run.detected[0].subs(A, number)) == pytest.approx(float(expected))


def test_exact_numbers_stay_exact():
    image = np.arange(36).reshape(6, 6)
    run = extract_expressions(image, "box", padding=1, pool="none")
    first = [str(entry) for entry in run.filtered.row(0)]
    assert first == ["14/9", "8/3", "10/3", "4", "14/3", "10/3"]


def test_floats_that_cancel_are_zero():
    run = extract_expressions(np.ones((9, 9)), "laplacian_of_gaussian(9, 1.4)", padding="valid")
    assert run.filtered[0] == 0


def test_a_run_is_frozen_and_says_its_sizes():
    run = extract_expressions("a b; c d", "edge")
    assert repr(run) == "Expressions(edge: image 2×2, filter 2×2, detect 2×2, condense 1×1)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.image = None
    with pytest.raises(TypeError):
        run.filtered[0] = 1


TEXT = """\
image 1×2
[a  b]

kernel 1×2
[1  -1]

filter kernel 1×1
[a - b]

detect kernel 1×1
[Max(0, a - b)]

condense kernel 1×1
[Max(0, a - b)]"""


def test_the_stages_are_printed_like_those_of_numbers():
    run = extract_expressions("a b", "1 -1", padding="valid")
    assert str(text_from_expressions(run)) == TEXT
    assert str(text_from_expressions(run, form="plain")) == TEXT.replace("×", "x")
    headings = [line for line in TEXT.splitlines() if "×" in line]
    numbers = str(fv.text_from_extraction(fv.extract([[1, 2]], "1 -1", padding="valid")))
    assert [line for line in numbers.splitlines() if "×" in line] == headings


def test_a_notebook_typesets_the_stages():
    run = extract_expressions("a b", "1 -1", padding="valid")
    assert run._repr_latex_() == (
        r"$\displaystyle \begin{aligned} "
        r"\text{image} &= \begin{bmatrix} a & b \end{bmatrix} \\[1ex] "
        r"\text{kernel} &= \begin{bmatrix} 1 & -1 \end{bmatrix} \\[1ex] "
        r"\text{filter kernel} &= \begin{bmatrix} a - b \end{bmatrix} \\[1ex] "
        r"\text{detect kernel} &= \begin{bmatrix} \max\left(0, a - b\right) \end{bmatrix} \\[1ex] "
        r"\text{condense kernel} &= \begin{bmatrix} \max\left(0, a - b\right) \end{bmatrix} "
        r"\end{aligned}$"
    )
    assert str(text_from_expressions(run, form="latex")).count(r"\begin{bmatrix}") == 5


def test_decimals_in_expressions_are_rounded():
    run = extract_expressions([["a"]], [[0.12718286]], activation=None, pool="none")
    assert "[0.127183*a]" in str(text_from_expressions(run))
    assert r"0.127183 a" in run._repr_latex_()


def test_a_list_and_a_text_of_the_same_numbers_are_the_same_run():
    text = extract_expressions("3.1415927 0.123456789", "1 1", padding="valid")
    listed = extract_expressions([[3.1415927, 0.123456789]], "1 1", padding="valid")
    assert listed.filtered[0] == text.filtered[0] == sympy.Rational(3265049489, 10**9)
    assert str(text_from_expressions(listed)) == str(text_from_expressions(text))
    assert "filter kernel 1×1\n[3.26505]" in str(text_from_expressions(listed))


def moved(size, window, options, axis_of=slide):
    """The two axes of a window that is moved by the options."""
    padding = options["padding"]
    paddings = (padding, padding) if isinstance(padding, str) else padding
    return [
        axis_of(n, k, stride=s, dilation=d, padding=p)
        for n, k, s, d, p in zip(
            size, window, options["stride"], options["dilation"], paddings, strict=True
        )
    ]


MOVES = st.fixed_dictionaries(
    {
        "stride": PAIR,
        "dilation": st.tuples(st.integers(1, 2), st.integers(1, 2)),
        "padding": st.one_of(
            st.sampled_from(["same", "full", "valid"]),
            st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2),
        ),
    }
)


@settings(max_examples=60)
@given(MOVES, st.sampled_from(BORDERS))
def test_the_matrix_times_the_image_is_the_filter(options, border):
    image = ramp(5, 6)
    matrix = convolution_matrix(LOPSIDED, (5, 6), border=border, **options)
    axes = moved((5, 6), (2, 3), options)
    expected = slow_filter(
        image,
        LOPSIDED,
        stride=options["stride"],
        dilation=options["dilation"],
        pads=[(axis.before, axis.after) for axis in axes],
        border=border,
    )
    product = np.array(matrix, float) @ image.ravel()
    np.testing.assert_allclose(product.reshape(expected.shape), expected, atol=1e-9)


def slow_transposed(features, kernel, axes):
    """Every cell spreads the kernel, a stride further for each; pads are cut off."""
    rows, columns = axes
    out = np.zeros((rows.size, columns.size))
    for i in range(rows.outputs):
        for j in range(columns.outputs):
            for m in range(rows.window):
                for n in range(columns.window):
                    y = i * rows.stride + m * rows.dilation - rows.before
                    x = j * columns.stride + n * columns.dilation - columns.before
                    if 0 <= y < rows.size and 0 <= x < columns.size:
                        out[y, x] += features[i, j] * kernel[m][n]
    return out


@settings(max_examples=40)
@given(MOVES)
def test_the_transpose_times_the_features_is_the_transposed_convolution(options):
    features = ramp(4, 5)
    axes = moved((4, 5), (2, 3), options, transposed_axis)
    if min(axis.size for axis in axes) < 1:
        return
    matrix = convolution_matrix(LOPSIDED, tuple(axis.size for axis in axes), **options)
    product = (np.array(matrix, float).T @ features.ravel()).reshape([axis.size for axis in axes])
    np.testing.assert_allclose(product, slow_transposed(features, LOPSIDED, axes), atol=1e-9)
    spread = fv.filter_transposed(features[None, :, :, None], LOPSIDED, **options)
    np.testing.assert_allclose(product, spread[0, :, :, 0], atol=1e-9)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_transpose_is_that_of_keras_and_of_tensorflow(padding, stride):
    features = ramp(4, 5).astype(np.float32)[None, :, :, None]
    layer = tf.keras.layers.Conv2DTranspose(1, (2, 3), stride, padding, use_bias=False)
    layer.build(features.shape)
    layer.set_weights([np.array(LOPSIDED)[:, :, None, None]])
    expected = np.asarray(layer(features))[0, :, :, 0]
    matrix = convolution_matrix(LOPSIDED, expected.shape, stride=stride, padding=padding)
    product = (np.array(matrix, float).T @ features.ravel()).reshape(expected.shape)
    np.testing.assert_allclose(product, expected, rtol=1e-5, atol=1e-5)
    weights = tf.constant(LOPSIDED)[:, :, None, None]
    shape = (1, *expected.shape, 1)
    by_tf = tf.nn.conv2d_transpose(features, weights, shape, stride, padding.upper())
    np.testing.assert_allclose(product, by_tf[0, :, :, 0], rtol=1e-5, atol=1e-5)


def test_a_matrix_of_letters_is_exact_sparse_and_cannot_change():
    matrix = convolution_matrix("u v; 0 w", (2, 3), padding="valid")
    u, v, w = sympy.symbols("u v w")
    assert isinstance(matrix, sympy.ImmutableSparseMatrix)
    expected = [[u, v, 0, 0, w, 0], [0, u, v, 0, 0, w]]
    assert matrix == sympy.ImmutableSparseMatrix(expected)
    assert len(matrix.todok()) == 6
    ninth = convolution_matrix("box", 3, padding="valid")
    assert ninth == sympy.ImmutableSparseMatrix(1, 9, [sympy.Rational(1, 9)] * 9)


def test_weights_that_reach_a_repeated_cell_add_up():
    matrix = convolution_matrix("u v w", (1, 2), border="edge")
    u, v, w = sympy.symbols("u v w")
    assert matrix == sympy.ImmutableSparseMatrix([[u + v, w], [u, v + w]])


ERRORS = {
    "a large image": (
        lambda: extract_expressions(np.zeros((400, 400)), "edge"),
        ValueError,
        "image must need at most 10000 products on symbols; got 400×400 under a window of 3×3, "
        "which needs 1440000; crop it, as in image[:20, :20]",
    ),
    "a large pool": (
        lambda: extract_expressions(np.zeros((30, 30)), "1", pool_size=9, pool_stride=1),
        ValueError,
        "map to be pooled must need at most 10000 products on symbols; got 30×30 under a window "
        "of 9×9, which needs 72900; crop it, as in image[:20, :20]",
    ),
    "an activation without a formula here": (
        lambda: extract_expressions("a b", "1", activation="gelu"),
        ValueError,
        "activation must be one of 'linear', 'relu', 'relu6', 'leaky_relu' on symbols; got 'gelu' "
        "(did you mean 'relu'?)",
    ),
    "an activation as a function": (
        lambda: extract_expressions("a b", "1", activation=max),
        TypeError,
        "activation must be one of 'linear', 'relu', 'relu6', 'leaky_relu' on symbols; "
        "got <built-in function max>",
    ),
    "numbers that relu does not take here": (
        lambda: extract_expressions("a b", "1", activation="relu(0.1)"),
        ValueError,
        "relu must be called as relu(); got 'relu(0.1)': too many positional arguments",
    ),
    "a slope in words": (
        lambda: extract_expressions("a b", "1", activation="leaky_relu('x')"),
        TypeError,
        "negative_slope must be a finite number; got 'x'",
    ),
    "a pool that does not fit": (
        lambda: extract_expressions("a b", "1", pool_size=3, pool_padding="valid"),
        ValueError,
        "pool window (3×3) does not fit the map (1×2) with padding 'valid'; "
        "use padding='same' or a larger map",
    ),
    "pads as large as the pool": (
        lambda: extract_expressions("a b", "1", pool_padding=2),
        ValueError,
        "pool_padding must be smaller than the pool window (2×2); got 2",
    ),
    "unknown pool": (
        lambda: extract_expressions("a b", "1", pool="maxx"),
        ValueError,
        "pool must be one of 'max', 'average', 'global_max', 'global_average', 'none'; "
        "got 'maxx' (did you mean 'max'?)",
    ),
    "unknown stage": (
        lambda: extract_expressions("a b", "1").stage("filtered"),
        ValueError,
        "stage must be one of 'image', 'filter', 'detect', 'condense'; got 'filtered' "
        "(did you mean 'filter'?)",
    ),
    "no run": (
        lambda: text_from_expressions([[1]]),
        TypeError,
        "expressions must come from extract_expressions(); got [[1]]",
    ),
    "a matrix too large": (
        lambda: convolution_matrix("edge", (400, 400)),
        ValueError,
        "size must need at most 100000 taps as a matrix; got 400×400 under a kernel of 3×3, "
        "which needs 1440000; use a smaller size",
    ),
    "a kernel that does not fit": (
        lambda: convolution_matrix("u v; w x", (1, 5), padding="valid"),
        ValueError,
        "kernel 'kernel' (2×2) does not fit the image (1×5) with padding 'valid'; "
        "use padding='same' or a larger image",
    ),
    "no size": (
        lambda: convolution_matrix("u v", 0),
        ValueError,
        "size must be a whole number of at least 1; got 0",
    ),
    "unknown border": (
        lambda: convolution_matrix("u v", 3, border="mirror"),
        ValueError,
        "border must be one of 'zeros', 'reflect', 'symmetric', 'edge', 'wrap'; got 'mirror'",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), ERRORS.values(), ids=ERRORS.keys())
def test_wrong_use_is_refused_in_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert str(caught.value) == sentence
