import functools
import itertools

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import tensorflow as tf
from definitions import LOPSIDED, mean, ramp, slow_filter, slow_pool
from hypothesis import given, settings
from hypothesis import strategies as st

import featviz as fv
from featviz.geometry import slide

IMAGE = ramp(7, 9)


def batch_of(image, dtype=tf.float32):
    return tf.constant(np.asarray(image)[None, :, :, None], dtype)


def pads_for(image, kernel, stride, dilation, padding):
    axes = [
        slide(size, cells, stride=s, dilation=d, padding=padding)
        for size, cells, s, d in zip(
            np.shape(image), np.shape(kernel), stride, dilation, strict=True
        )
    ]
    return tuple((axis.before, axis.after) for axis in axes)


FILTER_CASES = [
    pytest.param(dict(stride=s, dilation=d, padding=p, border=b), id=f"{s}-{d}-{p}-{b}")
    for s, d, p, b in itertools.chain(
        itertools.product([(1, 1), (2, 3)], [(1, 1), (2, 1)], ["same", "valid", "full"], ["zeros"]),
        [((1, 1), (1, 1), "same", border) for border in ("reflect", "symmetric", "edge", "wrap")],
        [((2, 1), (3, 2), "full", border) for border in ("reflect", "symmetric", "edge", "wrap")],
    )
]


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64], ids=lambda d: d.name)
@pytest.mark.parametrize("run", ["eager", "function", "device 1"])
@pytest.mark.parametrize("case", FILTER_CASES)
def test_filter_equals_the_loops(case, run, dtype):
    pads = pads_for(IMAGE, LOPSIDED, case["stride"], case["dilation"], case["padding"])
    expected = slow_filter(
        IMAGE, LOPSIDED, stride=case["stride"], dilation=case["dilation"], pads=pads,
        border=case["border"],
    )  # fmt: skip

    def call(images):
        return fv.filter_image(images, LOPSIDED, **case)

    if run == "function":
        call = tf.function(call)
    with tf.device("CPU:1" if run == "device 1" else "CPU:0"):
        result = call(batch_of(IMAGE, dtype))
    assert result.dtype == dtype
    tolerance = 1e-5 if dtype == tf.float32 else 1e-12
    np.testing.assert_allclose(result[0, :, :, 0].numpy(), expected, atol=tolerance)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16], ids=lambda d: d.name)
def test_small_floats_stay_what_they_are(dtype):
    images = batch_of(IMAGE, dtype)
    filtered = fv.filter_image(images, LOPSIDED)
    pooled = fv.condense(fv.detect(filtered), pool="average", padding=1)
    assert filtered.dtype == pooled.dtype == dtype
    expected = slow_filter(IMAGE, LOPSIDED, pads=((0, 1), (1, 1)))
    np.testing.assert_allclose(
        tf.cast(filtered, tf.float64)[0, :, :, 0].numpy(), expected, atol=1.0, rtol=0.05
    )


@settings(max_examples=60)
@given(st.data())
def test_filter_equals_scipy_on_random_matrices(data):
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    h, w = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    seed = data.draw(st.integers(0, 2**16))
    numbers = np.random.default_rng(seed)
    image, kernel = numbers.normal(size=(height, width)), numbers.normal(size=(h, w))
    full = fv.filter_image(batch_of(image, tf.float64), kernel, padding="full")[0, :, :, 0]
    np.testing.assert_allclose(full, scipy.signal.correlate2d(image, kernel), atol=1e-10)


@pytest.mark.parametrize(
    ("border", "mode"),
    [("reflect", "mirror"), ("symmetric", "reflect"), ("edge", "nearest"), ("wrap", "wrap")],
    ids=lambda word: word,
)
def test_borders_equal_scipy(border, mode):
    kernel = np.array([[1.0, 2.0, -3.0], [0.5, -1.0, 4.0], [0.0, 7.0, 1.0]])
    result = fv.filter_image(batch_of(IMAGE, tf.float64), kernel, border=border)[0, :, :, 0]
    np.testing.assert_allclose(result, scipy.ndimage.correlate(IMAGE, kernel, mode=mode), atol=1e-9)


def test_an_impulse_returns_the_kernel_turned_by_180_degrees():
    impulse = np.zeros((5, 5))
    impulse[2, 2] = 1
    kernel = fv.Kernel([[1, 2, -3], [5, -1, 4], [0, 7, 9]])
    result = fv.filter_image(batch_of(impulse), kernel)[0, 1:4, 1:4, 0].numpy()
    assert result.tolist() == [list(map(float, row)) for row in kernel.rotated(180).rows]


def test_filtering_is_linear():
    one, two = batch_of(ramp(6, 6), tf.float64), batch_of(ramp(6, 6).T ** 2, tf.float64)
    together = fv.filter_image(2 * one - 3 * two, LOPSIDED)
    apart = 2 * fv.filter_image(one, LOPSIDED) - 3 * fv.filter_image(two, LOPSIDED)
    np.testing.assert_allclose(together, apart, atol=1e-10)


def test_a_shifted_image_gives_a_shifted_map():
    image = ramp(8, 8)
    here = fv.filter_image(batch_of(image), LOPSIDED, padding="valid")[0, 1:, 2:, 0]
    there = fv.filter_image(batch_of(image[1:, 2:]), LOPSIDED, padding="valid")[0, :, :, 0]
    np.testing.assert_array_equal(here, there)


def test_a_flat_image_gives_zero_under_a_zero_sum_kernel_inside():
    flat = batch_of(np.full((6, 6), 3.0))
    edge = fv.filter_image(flat, "edge")[0, :, :, 0].numpy()
    assert (edge[1:-1, 1:-1] == 0).all()
    assert edge[0, 0] == 15
    assert edge[0, 1] == 9
    assert (fv.filter_image(flat, "edge", border="edge").numpy() == 0).all()


def test_a_batch_equals_its_images_one_by_one():
    images = tf.concat([batch_of(ramp(6, 5) * k) for k in (1, -2, 3)], axis=0)
    together = fv.condense(fv.detect(fv.filter_image(images, [LOPSIDED, "edge"])))
    for index in range(3):
        alone = fv.filter_image(images[index : index + 1], [LOPSIDED, "edge"])
        np.testing.assert_array_equal(fv.condense(fv.detect(alone))[0], together[index])


def test_several_kernels_of_several_shapes_keep_their_order():
    kernels = [LOPSIDED, "edge", [[2]], "sharpen", [[1, -1], [1, -1]]]
    maps = fv.filter_image(batch_of(IMAGE), kernels, stride=2)
    assert maps.shape == (1, 4, 5, 5)
    for index, kernel in enumerate(kernels):
        alone = fv.filter_image(batch_of(IMAGE), [kernel], stride=2)[..., 0]
        np.testing.assert_allclose(maps[..., index], alone, atol=1e-5)


COLOUR = np.stack([ramp(5, 6), ramp(5, 6) ** 2 / 9, -ramp(5, 6) / 3], axis=2)


def test_channels_stay_alone_with_as_many_groups():
    maps = fv.filter_image(COLOUR[None], [LOPSIDED, LOPSIDED[::-1]], groups=3, padding="valid")
    for channel in range(3):
        for index, kernel in enumerate([LOPSIDED, LOPSIDED[::-1]]):
            expected = slow_filter(COLOUR[:, :, channel], kernel)
            np.testing.assert_allclose(maps[0, :, :, channel * 2 + index], expected, atol=1e-4)


def test_one_group_sums_the_channels():
    maps = fv.filter_image(COLOUR[None], LOPSIDED, groups=1, padding="valid")
    expected = slow_filter(COLOUR.sum(axis=2), LOPSIDED)
    np.testing.assert_allclose(maps[0, :, :, 0], expected, atol=1e-4)


def test_whole_filters_take_all_channels():
    filters = np.random.default_rng(3).normal(size=(2, 3, 3, 4))
    maps = fv.filter_image(COLOUR[None], filters, padding="valid", bias=[0, 1, 2, 3])
    for index in range(4):
        expected = sum(slow_filter(COLOUR[:, :, c], filters[:, :, c, index]) for c in range(3))
        np.testing.assert_allclose(maps[0, :, :, index], expected + index, atol=1e-4)


def test_grouped_filters_take_their_own_channels():
    image = np.concatenate([COLOUR, COLOUR[:, :, :1] * 2], axis=2)
    filters = np.random.default_rng(4).normal(size=(2, 2, 2, 6))
    maps = fv.filter_image(image[None], filters, padding="valid", groups=2)
    for index in range(6):
        group = index // 3
        expected = sum(
            slow_filter(image[:, :, group * 2 + c], filters[:, :, c, index]) for c in range(2)
        )
        np.testing.assert_allclose(maps[0, :, :, index], expected, atol=1e-4)


@pytest.mark.parametrize("groups", [1, 3])
def test_groups_run_inside_a_function(groups):
    @tf.function
    def run(images):
        return fv.filter_image(images, [LOPSIDED, "edge"], groups=groups, dilation=2)

    images = tf.constant(COLOUR[None], tf.float32)
    eager = fv.filter_image(images, [LOPSIDED, "edge"], groups=groups, dilation=2)
    np.testing.assert_allclose(run(images), eager, atol=1e-5)
    again = fv.filter_image(images, [LOPSIDED, "edge"], groups=groups, dilation=2)
    np.testing.assert_array_equal(again, eager)


def test_the_first_device_computes():
    devices = fv.list_devices()
    assert [device.kind for device in devices] == ["CPU", "CPU"]
    assert [device.used for device in devices] == [True, False]


def test_unsigned_pixels_are_divided_and_signed_numbers_kept():
    image = np.array([[0, 51], [102, 255]])
    as_bytes = fv.filter_image(image.astype(np.uint8)[None, :, :, None], [[1]])
    as_numbers = fv.filter_image(image[None, :, :, None], [[1]])
    np.testing.assert_allclose(as_bytes[0, :, :, 0], image / 255, atol=1e-7)
    np.testing.assert_array_equal(as_numbers[0, :, :, 0], image)


POOL_CASES = [
    pytest.param(size, stride, padding, id=f"{size}-{stride}-{padding}")
    for size, stride, padding in [
        ((2, 2), None, "same"),
        ((2, 2), None, "valid"),
        ((3, 2), (1, 2), "same"),
        ((3, 3), (2, 2), "same"),
        ((3, 3), (2, 2), ((1, 1), (1, 1))),
        ((2, 3), (1, 1), ((1, 0), (2, 1))),
        ((1, 1), (2, 2), "valid"),
        ((2, 2), (3, 3), "valid"),
        ((4, 4), None, ("same", "valid")),
    ]
]


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64], ids=lambda d: d.name)
@pytest.mark.parametrize("run", ["eager", "function", "device 1"])
@pytest.mark.parametrize("pool", ["max", "average"])
@pytest.mark.parametrize(("size", "stride", "padding"), POOL_CASES)
def test_condense_equals_the_loops(size, stride, padding, pool, run, dtype):
    maps = -np.abs(IMAGE) - 1  # all negative: a padding of 0 would win every maximum it met
    sides = padding if isinstance(padding, tuple) else (padding, padding)
    axes = [
        slide(n, k, stride=s, dilation=1, padding=p)
        for n, k, s, p in zip(maps.shape, size, stride or size, sides, strict=True)
    ]
    pads = tuple((axis.before, axis.after) for axis in axes)
    how = max if pool == "max" else mean
    expected = slow_pool(maps, size, stride=stride or size, pads=pads, how=how)

    def call(features):
        return fv.condense(features, pool=pool, size=size, stride=stride, padding=padding)

    call = tf.function(call) if run == "function" else call
    with tf.device("CPU:1" if run == "device 1" else "CPU:0"):
        result = call(batch_of(maps, dtype))
    assert result.dtype == dtype
    np.testing.assert_allclose(result[0, :, :, 0], expected, rtol=1e-6)


ALONE = [
    pytest.param((3, 5), (1, 5), (1, 2), "valid", "zeros", id="row of taps"),
    pytest.param((5, 4), (3, 4), (1, 3), "valid", "zeros", id="as wide as the image"),
    pytest.param((4, 2), (1, 5), (1, 4), "same", "zeros", id="same"),
    pytest.param((6, 3), (2, 2), (1, 5), "same", "wrap", id="wrapped"),
    pytest.param((2, 6), (2, 3), (7, 1), ((2, 1), (0, 3)), "zeros", id="rows alone"),
    pytest.param((1, 1), (3, 3), (2, 2), "same", "reflect", id="one pixel"),
    pytest.param((11, 2), (1, 1), (3, 4), 5, "zeros", id="pads"),
]


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64, tf.bfloat16], ids=lambda d: d.name)
@pytest.mark.parametrize(("size", "window", "stride", "padding", "border"), ALONE)
def test_one_window_along_an_axis_is_right_for_every_batch(
    size, window, stride, padding, border, dtype
):
    """tf.nn.conv2d alone answers some of these batches with uninitialised memory."""
    kernel = np.round(ramp(*window), 1)
    images = np.stack([np.round(ramp(*size)) + n for n in range(3)])
    sides = [padding] * 2 if isinstance(padding, str) else padding
    sides = [(5, 5)] * 2 if padding == 5 else sides
    axes = [
        slide(n, k, stride=s, dilation=1, padding=p)
        for n, k, s, p in zip(size, window, stride, sides, strict=True)
    ]
    pads = tuple((axis.before, axis.after) for axis in axes)
    batch = tf.constant(images[..., None], dtype)
    for _ in range(5):  # what is left in memory differs from call to call
        maps = fv.filter_image(batch, kernel, stride=stride, padding=padding, border=border)
        for index, image in enumerate(images):
            expected = slow_filter(image, kernel, stride=stride, pads=pads, border=border)
            found = tf.cast(maps[index, :, :, 0], tf.float64)
            coarse = dtype == tf.bfloat16
            np.testing.assert_allclose(
                found, expected, rtol=0.02 if coarse else 1e-5, atol=2 if coarse else 1e-4
            )


@pytest.mark.parametrize(
    ("shape", "kernels", "options"),
    [
        pytest.param(
            (1, 10, 1, 1), [[[1]], [[2]], [[-1]], [[3]]],
            {"stride": (2, 3), "padding": ((7, 2), (2, 6))}, id="four kernels",
        ),
        pytest.param(
            (2, 11, 2, 1), [[1]],
            {"stride": (3, 4), "padding": 5, "dilation": (1, 2)}, id="two images",
        ),
        pytest.param((1, 4, 6, 1), LOPSIDED, {"stride": (1, 2)}, id="lopsided"),
    ],
)  # fmt: skip
def test_bfloat16_with_a_stride_is_computed_in_float32(shape, kernels, options):
    """TensorFlow's own gives garbage for some of these, or ends the process."""
    images = np.arange(np.prod(shape)).reshape(shape) - 7.0
    for _ in range(30):
        small, wide = (
            fv.filter_image(tf.constant(images, dtype), kernels, **options)
            for dtype in (tf.bfloat16, tf.float32)
        )
        np.testing.assert_array_equal(small, tf.cast(wide, tf.bfloat16))


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16], ids=lambda d: d.name)
def test_a_global_average_stays_in_range(dtype):
    ones = tf.ones((1, 400, 400, 1), dtype)
    assert float(fv.condense(ones, pool="global_average")[0, 0, 0, 0]) == 1


@pytest.mark.parametrize("run", ["eager", "function"])
def test_pools_pass_nan_on(run):
    maps = np.ones((4, 4), np.float32)
    maps[1, 2] = maps[3, 0] = np.nan
    call = tf.function(fv.condense) if run == "function" else fv.condense
    pooled = call(batch_of(maps))[0, :, :, 0].numpy()
    np.testing.assert_array_equal(pooled, [[1, np.nan], [np.nan, 1]])
    nothing = fv.extract(np.eye(5), "edge", activation=lambda v: v * np.nan)
    assert np.isnan(nothing.condensed).all()


@pytest.mark.parametrize("pool", ["max", "average"])
@pytest.mark.parametrize("padding", ["same", "valid", 1])
@pytest.mark.parametrize("size", list(itertools.product((2, 3, 4, 5), repeat=2)), ids=str)
def test_small_maps_are_pooled_as_the_loops_do(size, padding, pool):
    """Among them windows that are alone along an axis and leave cells over."""
    maps = ramp(*size)
    sides = (padding, padding) if isinstance(padding, int) else padding
    axes = [slide(n, 2, stride=2, dilation=1, padding=sides) for n in size]
    pads = tuple((axis.before, axis.after) for axis in axes)
    how = max if pool == "max" else mean
    expected = slow_pool(maps, (2, 2), stride=(2, 2), pads=pads, how=how)
    found = fv.condense(batch_of(maps, tf.float64), pool=pool, padding=padding)[0, :, :, 0]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected)


def test_global_pools_leave_one_cell():
    maps = batch_of(IMAGE, tf.float64)
    assert fv.condense(maps, pool="global_max").shape == (1, 1, 1, 1)
    assert float(fv.condense(maps, pool="global_max")[0, 0, 0, 0]) == IMAGE.max()
    np.testing.assert_allclose(fv.condense(maps, pool="global_average")[0, 0, 0, 0], IMAGE.mean())
    np.testing.assert_array_equal(fv.condense(maps, pool="none"), maps)


def test_max_pool_and_relu_commute_and_average_pool_does_not():
    maps = batch_of(ramp(6, 6) - 3)
    for pool, commutes in (("max", True), ("average", False)):
        before = fv.detect(fv.condense(maps, pool=pool))
        after = fv.condense(fv.detect(maps), pool=pool)
        assert np.array_equal(before, after) == commutes


def test_detecting_twice_is_detecting_once():
    once = fv.detect(batch_of(ramp(4, 4) - 3))
    np.testing.assert_array_equal(fv.detect(once), once)
    assert float(tf.reduce_min(once)) == 0


VALUES = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0]
GELU = [-0.0455, -0.158655, -0.154269, 0.345731, 0.841345, 1.9545]
# SELU(x) = 1.0507 · 1.67326 · (eˣ − 1) below 0 (Klambauer et al. 2017)
SELU_BELOW = [1.050700987 * 1.673263242 * (np.exp(x) - 1) for x in VALUES[:3]]
SILU = [-0.238406, -0.268941, -0.18877, 0.31123, 0.731059, 1.761594]


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        pytest.param("relu", [0, 0, 0, 0.5, 1, 2], id="relu"),
        pytest.param("linear", VALUES, id="linear"),
        pytest.param(None, VALUES, id="none"),
        pytest.param("gelu", GELU, id="gelu"),
        pytest.param("silu", SILU, id="silu"),
        pytest.param("elu", [-0.864665, -0.632121, -0.393469, 0.5, 1, 2], id="elu"),
        pytest.param("selu", [*SELU_BELOW, 0.52535, 1.050701, 2.101402], id="selu"),
        pytest.param("leaky_relu(0.1)", [-0.2, -0.1, -0.05, 0.5, 1, 2], id="leaky 0.1"),
        pytest.param("leaky_relu", [-0.4, -0.2, -0.1, 0.5, 1, 2], id="leaky by Keras"),
        pytest.param(tf.math.square, [4, 1, 0.25, 0.25, 1, 4], id="function"),
    ],
)
def test_activations_give_the_known_values(activation, expected):
    features = tf.reshape(tf.constant(VALUES), (1, 1, 6, 1))
    result = fv.detect(features, activation)[0, 0, :, 0]
    np.testing.assert_allclose(result, expected, atol=2e-6)


@pytest.mark.parametrize(
    ("activation", "words"),
    [
        pytest.param("relu", "relu", id="relu"),
        pytest.param("leaky_relu", "leaky_relu(negative_slope=0.2)", id="default slope"),
        pytest.param("leaky_relu(0.1)", "leaky_relu(negative_slope=0.1)", id="own slope"),
        pytest.param("leaky_relu(negative_slope=0)", "leaky_relu(negative_slope=0)", id="slope 0"),
        pytest.param("elu", "elu(alpha=1)", id="elu"),
        pytest.param("tanh", "tanh", id="tanh"),
        pytest.param(None, "linear", id="none"),
        pytest.param(abs, "abs", id="function"),
        pytest.param(
            functools.partial(tf.nn.leaky_relu, alpha=0.1), "leaky_relu(alpha=0.1)", id="partial"
        ),
        pytest.param(
            tf.keras.layers.LeakyReLU(negative_slope=0.3),
            "LeakyReLU(negative_slope=0.3)",
            id="layer",
        ),
    ],
)
def test_slopes_are_stated(activation, words):
    assert fv.describe_activation(activation) == words


def test_nothing_given_is_changed():
    image = ramp(5, 5)[None, :, :, None]
    before = image.copy()
    fv.condense(fv.detect(fv.filter_image(image, LOPSIDED, border="wrap")))
    np.testing.assert_array_equal(image, before)
