import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED, ramp, slow_filter, slow_pool

import featviz as fv
from featviz.captions import settings_text
from featviz.geometry import slide

FACTS = json.loads((Path(__file__).parent / "facts.json").read_text())["facts"]


def numbers(image):
    """Lists of whole numbers stay what they are; so do lists of floats."""
    return [[float(value) for value in row] for row in image]


def facts_of(op):
    return [pytest.param(fact, id=fact["id"]) for fact in FACTS if fact["op"] == op]


def padding_of(fact):
    padding = fact["padding"]
    return padding.lower() if isinstance(padding, str) else padding


@pytest.mark.parametrize("fact", facts_of("conv2d"))
def test_facts_of_convolution_come_out(fact):
    run = fv.extract(
        numbers(fact["image"]),
        fact["kernel"],
        stride=tuple(fact["strides"]),
        padding=padding_of(fact),
        dilation=tuple(fact["dilations"]),
    )
    np.testing.assert_allclose(run.filtered[:, :, 0], fact["expected"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(run.detected[:, :, 0], fact["relu"], rtol=1e-6, atol=1e-6)
    assert [list(side) for side in run.pads] == fact["pads_used"]


@pytest.mark.parametrize("fact", facts_of("pool"))
def test_facts_of_pooling_come_out(fact):
    run = fv.extract(
        numbers(fact["image"]),
        "identity",
        activation=None,
        pool={"MAX": "max", "AVG": "average"}[fact["mode"]],
        pool_size=tuple(fact["window"]),
        pool_stride=tuple(fact["strides"]),
        pool_padding=padding_of(fact),
    )
    np.testing.assert_allclose(run.condensed[:, :, 0], fact["expected"], rtol=1e-6, atol=1e-6)
    assert [list(side) for side in run.pool_pads] == fact["pads_used"]


def test_every_fact_is_used():
    assert {fact["op"] for fact in FACTS} == {"conv2d", "pool"}
    assert len(FACTS) == 42


def test_the_lesson_comes_out_stage_by_stage():
    image = [[0, 1, 0, 0, 0, 0]] * 4 + [[0, 1, 0, 1, 1, 1], [0, 1, 0, 0, 0, 0]]
    run = fv.extract(image, [[1, -1], [1, -1]], padding="valid")
    assert run.image[:, :, 0].tolist() == image
    assert run.filtered[:, :, 0].tolist() == [[-2, 2, 0, 0, 0]] * 3 + [[-2, 2, -1, 0, 0]] * 2
    assert run.detected[:, :, 0].tolist() == [[0, 2, 0, 0, 0]] * 5
    assert run.condensed[:, :, 0].tolist() == [[2, 0, 0]] * 3
    assert run.pool_pads == ((0, 1), (0, 1))


MEANS = [[7, 8, 9, 10], [13, 14, 15, 16], [19, 20, 21, 22], [25, 26, 27, 28]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, MEANS, id="stride 1"),
        pytest.param({"stride": 2}, [[7, 9], [19, 21]], id="stride 2"),
        pytest.param({"dilation": 2}, [[14, 15], [20, 21]], id="dilation 2"),
    ],
)
def test_means_of_whole_numbers_are_exactly_whole(options, expected):
    run = fv.extract(np.arange(36).reshape(6, 6), "box", padding="valid", **options)
    assert run.filtered[:, :, 0].tolist() == expected


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64], ids=lambda d: d.__name__)
def test_small_images_are_rounded_once(dtype):
    run = fv.extract(np.arange(36, dtype=dtype).reshape(6, 6), "box", padding=1)
    expected = np.array([14 / 9, 8 / 3, 10 / 3, 4, 14 / 3, 10 / 3])
    assert run.filtered[0, :, 0].tolist() == expected.astype(np.float32).tolist()


def test_a_400_pixel_image_gets_the_sizes_of_the_lesson():
    run = fv.extract(fv.sample_image("circle", size=400), "edge", padding="valid")
    assert run.filtered.shape == run.detected.shape == (398, 398, 1)
    assert run.condensed.shape == (199, 199, 1)


SETTINGS = [
    pytest.param({}, id="defaults"),
    pytest.param({"stride": (2, 1), "padding": "valid", "dilation": (1, 2)}, id="stride, dilation"),
    pytest.param({"padding": ((2, 0), (1, 3)), "border": "wrap", "bias": -1.5}, id="pads, wrap"),
    pytest.param({"padding": "full", "pool": "average", "pool_size": (3, 2)}, id="full, average"),
    pytest.param({"pool_stride": (1, 2), "pool_padding": "valid"}, id="pool step"),
]


@pytest.mark.parametrize("options", SETTINGS)
def test_every_stage_equals_the_definition(options):
    image = ramp(9, 11)
    run = fv.extract(image, LOPSIDED, **options)
    filtered = slow_filter(
        image,
        LOPSIDED,
        stride=run.settings.stride,
        dilation=run.settings.dilation,
        pads=run.pads,
        border=run.settings.border,
    )
    filtered += options.get("bias", 0)
    detected = np.maximum(filtered, 0)
    how = max if run.settings.pool == "max" else lambda cells: sum(cells) / len(cells)
    condensed = slow_pool(
        detected, run.settings.pool_size, stride=run.settings.pool_stride, pads=run.pool_pads,
        how=how,
    )  # fmt: skip
    for array, expected in (
        (run.filtered, filtered),
        (run.detected, detected),
        (run.condensed, condensed),
    ):
        assert array.dtype == np.float32
        np.testing.assert_allclose(array[:, :, 0], expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("size", [(9, 11), (80, 70)], ids=["exact", "float32"])
def test_extract_equals_the_three_steps(size):
    image = ramp(*size).astype(np.float32)
    kernels = [LOPSIDED, "edge", "blur"]
    run = fv.extract(image, kernels, activation="leaky_relu(0.3)", pool="average", bias=[1, 0, -1])
    filtered = fv.filter_image(image[None, :, :, None], kernels, bias=[1, 0, -1])
    detected = fv.detect(filtered, "leaky_relu(0.3)")
    condensed = fv.condense(detected, pool="average")
    for array, tensor in zip(
        (run.filtered, run.detected, run.condensed), (filtered, detected, condensed), strict=True
    ):
        np.testing.assert_allclose(array, tensor[0], rtol=1e-5, atol=1e-4)


COLOUR = np.stack([ramp(6, 7), ramp(6, 7)[::-1], ramp(6, 7)[:, ::-1] * 2], axis=2)


def test_each_channel_is_filtered_alone_and_named():
    run = fv.extract(COLOUR, {"a": LOPSIDED, "b": [[0, 1], [-3, 5]]}, color="each")
    assert run.labels == ("a · red", "a · green", "a · blue", "b · red", "b · green", "b · blue")
    for index, kernel in enumerate([LOPSIDED, [[0, 1], [-3, 5]]]):
        for channel in range(3):
            alone = fv.extract(COLOUR[:, :, channel], kernel)
            together = run.filtered[:, :, index * 3 + channel]
            np.testing.assert_allclose(together, alone.filtered[:, :, 0], atol=1e-5)
    assert fv.extract(COLOUR[:, :, :2], "edge", color="each").labels == (
        "edge · channel 1",
        "edge · channel 2",
    )
    assert fv.extract(COLOUR[:, :, 0], "edge", color="each").labels == ("edge",)


def test_channels_are_summed_as_a_layer_does():
    run = fv.extract(COLOUR, LOPSIDED, color="sum")
    alone = fv.extract(COLOUR.sum(axis=2), LOPSIDED)
    assert run.labels == ("kernel",)
    np.testing.assert_allclose(run.filtered, alone.filtered, atol=1e-5)


def test_grey_is_the_luma_of_the_channels():
    run = fv.extract(COLOUR, LOPSIDED)
    assert run.image.shape == (6, 7, 1)
    luma = COLOUR @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(run.image[:, :, 0], luma, atol=1e-6)


def test_kernels_of_several_shapes_give_each_its_own_pads():
    run = fv.extract(ramp(6, 6), ["edge", "gaussian(5, 1)", [[1, -1], [1, -1]]])
    assert run.filtered.shape == (6, 6, 3)
    assert run.pads == ((2, 2), (2, 2))
    np.testing.assert_array_equal(
        run.filtered[:, :, 2], fv.extract(ramp(6, 6), [[1, -1], [1, -1]]).filtered[:, :, 0]
    )


@pytest.mark.parametrize(
    ("options", "rows", "columns"),
    [
        pytest.param({"padding": "valid", "stride": (2, 1)}, (5,), (), id="last row left over"),
        pytest.param(
            {"padding": "valid", "dilation": 2, "stride": 2}, (1, 3, 5), (1, 3, 5), id="gaps"
        ),
        pytest.param({}, (), (), id="same"),
    ],
)
def test_uncovered_rows_and_columns_change_nothing(options, rows, columns):
    image = ramp(6, 7)
    run = fv.extract(image, [[1, 2, -3], [0, -1, 4], [7, 1, 1]], **options)
    assert (run.uncovered.rows, run.uncovered.columns) == (rows, columns)
    changed = image.copy()
    changed[list(rows)] = 99
    changed[:, list(columns)] = 99
    again = fv.extract(changed, [[1, 2, -3], [0, -1, 4], [7, 1, 1]], **options)
    np.testing.assert_array_equal(again.filtered, run.filtered)


@pytest.mark.parametrize("border", ["zeros", "reflect", "symmetric", "edge", "wrap"])
@pytest.mark.parametrize(
    ("kernels", "options"),
    [
        pytest.param([[[1]]], {"stride": 2, "padding": ((1, 0), (1, 0))}, id="one cell"),
        pytest.param([[[1, 2]], [[0, 0, 3]]], {"stride": 3}, id="two kernels"),
        pytest.param(
            [[[1, 2, 4], [8, 16, 32]]], {"stride": 4, "padding": 2, "dilation": 2}, id="gaps"
        ),
    ],
)
def test_cells_are_uncovered_when_changing_them_changes_nothing(kernels, options, border):
    """The definition: each row and each column is changed, and the maps are looked at."""
    image = ramp(7, 8)
    run = fv.extract(image, kernels, border=border, **options)
    for axis, uncovered in enumerate((run.uncovered.rows, run.uncovered.columns)):
        quiet = []
        for cell in range(image.shape[axis]):
            changed = np.moveaxis(image.copy(), axis, 0)
            changed[cell] += 50
            again = fv.extract(np.moveaxis(changed, 0, axis), kernels, border=border, **options)
            if np.array_equal(again.filtered, run.filtered):
                quiet.append(cell)
        assert list(uncovered) == quiet


def test_settings_cannot_be_changed_by_the_callers_list():
    sides = [[1, 1], [0, 2]]
    run = fv.extract(ramp(5, 5), "edge", padding=sides, bias=[2])
    sides[0][0] = 9
    assert run.settings.padding == ((1, 1), (0, 2))
    assert run.settings.bias == (2,)
    assert isinstance(hash(run.settings), int)


def test_cells_that_no_pool_reaches_are_known():
    run = fv.extract(ramp(7, 6), LOPSIDED, pool_padding="valid")
    assert (run.pool_uncovered.rows, run.pool_uncovered.columns) == ((6,), ())
    assert not fv.extract(ramp(6, 6), LOPSIDED).pool_uncovered


def test_settings_say_what_was_done():
    run = fv.extract(ramp(6, 6), "edge", stride=2, activation="leaky_relu", pool="average")
    assert run.settings.stride == (2, 2)
    assert run.settings.activation == "leaky_relu(negative_slope=0.2)"
    assert (run.settings.pool, run.settings.pool_size, run.settings.pool_stride) == (
        "average", (2, 2), (2, 2),
    )  # fmt: skip


@pytest.mark.parametrize("size", [(6, 6), (80, 90)], ids=["exact", "float32"])
def test_nothing_of_the_caller_is_changed_or_kept(size):
    image = np.ascontiguousarray(ramp(*size), np.float32)
    before = image.copy()
    run = fv.extract(image, LOPSIDED)
    np.testing.assert_array_equal(image, before)
    kept = run.image.copy()
    image[:] = -1
    np.testing.assert_array_equal(run.image, kept)


@pytest.mark.parametrize("stage", fv.STAGES)
@pytest.mark.parametrize("pool", ["max", "none"])
def test_what_comes_back_is_frozen(stage, pool):
    run = fv.extract(ramp(6, 6), LOPSIDED, pool=pool)
    with pytest.raises(ValueError, match="read-only"):
        run.stage(stage)[0, 0, 0] = 1
    with pytest.raises(AttributeError):
        run.image = None


def test_a_second_run_does_not_change_the_first():
    first = fv.extract(ramp(70, 70), LOPSIDED)
    kept = [first.stage(stage).copy() for stage in fv.STAGES]
    fv.extract(-ramp(70, 70), LOPSIDED)
    for stage, array in zip(fv.STAGES, kept, strict=True):
        np.testing.assert_array_equal(first.stage(stage), array)


def test_a_one_pixel_image_goes_through_the_defaults():
    run = fv.extract([[3]], "edge")
    assert run.condensed.tolist() == [[[24]]]


def test_any_kind_of_image_gives_the_same_run(tmp_path):
    from PIL import Image

    pixels = np.random.default_rng(5).integers(0, 256, (9, 8, 3), np.uint8)
    picture = Image.fromarray(pixels)
    picture.save(tmp_path / "p.png")
    expected = fv.extract(pixels, LOPSIDED).filtered
    for source in (picture, tmp_path / "p.png", str(tmp_path / "p.png"), tf.constant(pixels)):
        np.testing.assert_array_equal(fv.extract(source, LOPSIDED).filtered, expected)


def test_a_wide_range_of_settings_never_asks_for_an_empty_output():
    """What does not fit is refused before TensorFlow is called; everything else has cells."""
    for height, size, stride, dilation, padding in [
        (h, k, s, d, p)
        for h in (1, 2, 3, 5)
        for k in (1, 2, 3)
        for s in (1, 3)
        for d in (1, 2)
        for p in ("same", "valid", "full", (1, 1))
    ]:
        axes = [slide(n, k, stride=stride, dilation=dilation, padding=padding)
                for n, k in ((height, size), (4, 2))]  # fmt: skip
        fits = min(axis.outputs for axis in axes) >= 1
        pads = (padding, padding) if isinstance(padding, tuple) else padding
        options = {"stride": stride, "dilation": dilation, "padding": pads}
        image, kernel = np.ones((height, 4)), np.ones((size, 2))
        if fits:
            run = fv.extract(image, kernel, **options)
            assert run.filtered.shape[:2] == tuple(axis.outputs for axis in axes)
            assert run.filtered.max() <= kernel.size
        else:
            with pytest.raises(ValueError, match="does not fit the image"):
                fv.extract(image, kernel, **options)


def test_the_settings_say_what_no_window_reaches():
    run = fv.extract(ramp(3, 4), [[1, 2], [3, 4]], stride=2, padding="valid")
    assert "valid · no window reaches row 2 · relu" in settings_text(run)
    wide = fv.extract(ramp(30, 4), [[1]], stride=(2, 3))
    assert "no window reaches 15 rows and columns 1, 2 ·" in settings_text(wide)
    assert "reaches" not in settings_text(fv.extract(ramp(6, 6), LOPSIDED))


@pytest.mark.parametrize("bias", ["1/3", ["1/3"], ("−1/3",), Fraction(1, 3)], ids=str)
def test_a_bias_may_be_written_as_a_fraction(bias):
    number = -1 / 3 if "−" in str(bias) else 1 / 3
    given = fv.extract([[1, 2]], LOPSIDED, bias=bias)
    plain = fv.extract([[1, 2]], LOPSIDED, bias=number)
    np.testing.assert_array_equal(given.filtered, plain.filtered)
    told = fv.trace([[1, 2]], "1", bias=bias, stage="transposed", activation=None)
    assert fv.text_from_step(told, told[0]).endswith(" = 2/3" if number < 0 else " = 4/3")
