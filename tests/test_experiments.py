"""Several runs in one figure: their order, one scale, and every map in its place."""

import numpy as np
import pytest
from definitions import LOPSIDED, ramp, slow_filter
from matplotlib.figure import Figure

import featviz as fv

TURNED = [[-0.25, 3.0, 1.0], [-2.0, 0.5, 0.0]]
KERNELS = [LOPSIDED, TURNED, [[0.0, 1.0, 1.0], [-8.0, 1.0, 0.5]]]
SMALL, LARGE = ramp(17, 14), 3 * ramp(15, 30) - 1

SEEN = "as the kernel sees it"


def pictures(figure):
    return [axes.images[0] for axes in figure.axes if axes.images]


def names(figure):
    return [axes.get_label() for axes in figure.axes if axes.images]


def bar_limits(figure):
    return [axes.get_xlim() for axes in figure.axes if axes.get_label() == "colour bar"]


def texts(figure):
    return [text.get_text() for text in figure.texts]


def valid(image, kernel):
    return slow_filter(image, fv.read_kernel(kernel).rows)


IMAGES = {
    "list": lambda: [SMALL, LARGE],
    "tuple": lambda: (SMALL, LARGE),
    "generator": lambda: (image for image in (SMALL, LARGE)),
    "mapping": lambda: {"image": SMALL, "image ": LARGE},
}


@pytest.mark.parametrize("images", IMAGES.values(), ids=IMAGES.keys())
@pytest.mark.parametrize("stage", ["filter", "detect", "condense"])
def test_a_grid_has_a_row_for_each_image_and_a_column_for_each_kernel(images, stage):
    figure = fv.plot_grid(images(), KERNELS, stage=stage, padding="valid", pool="none")
    assert isinstance(figure, Figure)
    found = pictures(figure)
    assert len(found) == 8
    for row, image in enumerate((SMALL, LARGE)):
        first, *maps = found[4 * row : 4 * row + 4]
        np.testing.assert_allclose(np.asarray(first.get_array()), image, rtol=1e-6)
        for kernel, drawn in zip(KERNELS, maps, strict=True):
            wanted = valid(image, kernel)
            if stage != "filter":
                wanted = np.maximum(wanted, 0)
            np.testing.assert_allclose(np.asarray(drawn.get_array()), wanted, rtol=1e-4, atol=1e-4)


def test_the_places_are_those_of_a_table():
    figure = fv.plot_grid([SMALL, LARGE], KERNELS)
    places = [axes.get_position() for axes in figure.axes if axes.images]
    middles = [round(place.x0 + place.width / 2, 3) for place in places]
    tops = [round(place.y1, 4) for place in places]
    assert middles[:4] == middles[4:] == sorted(set(middles))
    assert len(set(tops[:4])) == len(set(tops[4:])) == 1
    assert tops[0] > tops[4]


def test_names_stand_above_the_pictures():
    figure = fv.plot_grid({"one": SMALL, "$two$\n2": LARGE}, [fv.Kernel(LOPSIDED, name="odd")])
    assert names(figure) == [
        f"one · {SEEN}",
        "one · odd",
        f"$two$ 2 · {SEEN}",
        "$two$ 2 · odd",
    ]
    assert texts(figure)[:2] == ["one", SEEN]


@pytest.mark.parametrize("stage", ["filter", "detect"])
def test_the_whole_grid_has_one_scale(stage):
    figure = fv.plot_grid([SMALL, LARGE], KERNELS, stage=stage, show_image=False, padding="valid")
    values = [valid(image, kernel) for image in (SMALL, LARGE) for kernel in KERNELS]
    most = max(
        abs(value) for one in values for value in one.ravel() if stage == "filter" or value > 0
    )
    limits = (-most, most) if stage == "filter" else (0, most)
    assert len(pictures(figure)) == 6
    for image in pictures(figure):
        np.testing.assert_allclose((image.norm.vmin, image.norm.vmax), limits, rtol=1e-5)
    (bar,) = bar_limits(figure)
    np.testing.assert_allclose(bar, limits, rtol=1e-5)


def test_each_map_of_a_grid_has_its_own_scale_when_asked():
    figure = fv.plot_grid([SMALL, LARGE], KERNELS, scale="each", show_image=False, padding="valid")
    values = [valid(image, kernel).max() for image in (SMALL, LARGE) for kernel in KERNELS]
    np.testing.assert_allclose([image.norm.vmax for image in pictures(figure)], values, rtol=1e-5)
    np.testing.assert_allclose([high for _, high in bar_limits(figure)], values, rtol=1e-5)


def test_images_of_different_ranges_have_bars_of_their_own():
    figure = fv.plot_grid([SMALL - SMALL.min(), LARGE - LARGE.min()], LOPSIDED)
    ends = sorted(high for _, high in bar_limits(figure))
    wanted = sorted([np.ptp(SMALL), np.ptp(LARGE)])
    np.testing.assert_allclose(ends[:2], wanted, rtol=1e-5)
    assert len(ends) == 3


@pytest.mark.parametrize("image", [SMALL, SMALL.astype(np.float32)[:, :, None]], ids=["hw", "hwc"])
def test_an_array_is_one_image(image):
    assert len(pictures(fv.plot_grid(image, KERNELS))) == 4


def test_a_path_is_one_image_and_gives_its_name():
    fv.write_image("cup.png", fv.sample_image("coffee", size=30))
    assert names(fv.plot_grid("cup.png", "edge")) == [f"cup · {SEEN}", "cup · edge"]


def test_small_matrices_show_their_numbers():
    figure = fv.plot_grid([[[0, 1], [2, 3]]], LOPSIDED, padding="full", stage="filter")
    _, axes = figure.axes
    found = {text.get_position(): text.get_text() for text in axes.texts}
    wanted = slow_filter([[0, 1], [2, 3]], LOPSIDED, pads=((1, 1), (2, 2)))
    for (row, column), value in np.ndenumerate(wanted):
        top, _, bottom = found[column, row].replace("−", "-").partition("/")
        assert float(top) / float(bottom or 1) == value


def numbers_stand(figure):
    """Whether each picture has a number in every cell."""
    found = [axes for axes in figure.axes if axes.images]
    return [len(axes.texts) == axes.images[0].get_array().size for axes in found]


def matrices(count, size=12):
    return list(np.random.default_rng(3).normal(0, 1, (count, size, size)))


def test_numbers_are_left_out_where_the_page_would_be_too_large():
    grids = [lambda **options: fv.plot_grid(matrices(4), KERNELS, **options)]
    grids.append(lambda **options: fv.plot_kernels_and_maps(matrices(1)[0], KERNELS * 3, **options))
    for grid in grids:
        plain, asked = grid(), grid(numbers=True)
        kernels = [array.shape == (2, 3) for array in map(pixels, plain.axes) if array is not None]
        assert numbers_stand(plain) == kernels
        assert max(plain.get_size_inches()) < 16
        assert bar_limits(plain)
        assert all(numbers_stand(asked))
        assert max(asked.get_size_inches()) > 17


def pixels(axes):
    return axes.images[0].get_array() if axes.images else None


def test_small_tables_have_numbers_unless_they_are_not_wanted():
    images = matrices(2, size=6)
    assert all(numbers_stand(fv.plot_grid(images, KERNELS)))
    assert not any(numbers_stand(fv.plot_grid(images, KERNELS, numbers=False)))
    few = fv.plot_kernels_and_maps(images[0], KERNELS, numbers=False)
    assert numbers_stand(few) == [True] * 3 + [False] * 3


def test_one_small_matrix_has_its_numbers_beside_a_kernel_wider_than_the_page():
    wide = [list(range(48))]
    figure = fv.plot_kernels_and_maps(matrices(1, size=6)[0], [wide])
    assert figure.get_figwidth() > 17
    assert numbers_stand(figure) == [True, True]
    assert numbers_stand(fv.plot_kernels_and_maps(matrices(1, size=9)[0], [wide])) == [True, False]


def test_each_channel_has_a_column():
    images = [fv.sample_image("coffee", size=30), fv.sample_image("chelsea", size=40)]
    figure = fv.plot_grid(images, [LOPSIDED, "edge"], color="each")
    assert len(pictures(figure)) == 14
    assert names(figure)[1:4] == ["image 1 · kernel · " + name for name in ("red", "green", "blue")]


FOOTNOTES = {
    "filter": "Filter: kernel · stride 1×1 · valid",
    "detect": "Detect: kernel · stride 1×1 · valid · relu",
    "condense": "Condense: kernel · stride 1×1 · valid · relu · max 2×2 stride 2×2",
}


@pytest.mark.parametrize("stage", FOOTNOTES)
def test_a_footnote_says_which_step_is_shown(stage):
    for figure in (
        fv.plot_grid([SMALL, SMALL], LOPSIDED, stage=stage, padding="valid", pool_padding="valid"),
        fv.plot_kernels_and_maps(
            SMALL, LOPSIDED, stage=stage, padding="valid", pool_padding="valid"
        ),
    ):
        words = " ".join(texts(figure))
        words = words[words.rindex(stage.capitalize() + ": ") :]
        assert words == FOOTNOTES[stage]


def test_a_footnote_says_no_pads_that_differ_between_images():
    same = fv.plot_grid([ramp(20, 20), ramp(20, 20)], LOPSIDED, stride=2)
    differ = fv.plot_grid([ramp(20, 20), ramp(21, 21)], LOPSIDED, stride=2)
    assert "top" in " ".join(texts(same))
    assert "top" not in " ".join(texts(differ))


def test_kernels_stand_above_the_maps_they_make():
    figure = fv.plot_kernels_and_maps(SMALL, KERNELS, stage="filter", padding="valid")
    found = pictures(figure)
    assert len(found) == 6
    for kernel, top, below in zip(KERNELS, found[:3], found[3:], strict=True):
        rows = np.array(fv.read_kernel(kernel).rows, float)
        np.testing.assert_allclose(np.asarray(top.get_array()), rows)
        np.testing.assert_allclose(
            np.asarray(below.get_array()), valid(SMALL, kernel), rtol=1e-4, atol=1e-4
        )
    places = [axes.get_position() for axes in figure.axes if axes.images]
    for top, below in zip(places[:3], places[3:], strict=True):
        assert top.y0 > below.y1
        assert top.x0 + top.width / 2 == pytest.approx(below.x0 + below.width / 2)


def test_kernels_and_maps_have_two_scales_and_one_bar():
    figure = fv.plot_kernels_and_maps(SMALL, KERNELS, padding="valid")
    found = pictures(figure)
    assert {(image.norm.vmin, image.norm.vmax) for image in found[:3]} == {(-8, 8)}
    most = max(valid(SMALL, kernel).max() for kernel in KERNELS)
    for image in found[3:]:
        np.testing.assert_allclose((image.norm.vmin, image.norm.vmax), (0, most), rtol=1e-5)
    assert len(bar_limits(figure)) == 1


def test_a_kernel_is_repeated_above_each_channel():
    image = fv.sample_image("coffee", size=30)
    found = pictures(fv.plot_kernels_and_maps(image, [LOPSIDED, TURNED], color="each"))
    assert len(found) == 12
    for index in range(6):
        kernel = (LOPSIDED, TURNED)[index // 3]
        np.testing.assert_allclose(np.asarray(found[index].get_array()), kernel)


MIX = [fv.sample_image("coffee", size=20), SMALL]
ERRORS = {
    "stage": (lambda: fv.plot_grid(SMALL, "edge", stage="image"), ValueError,
        "stage must be one of 'filter', 'detect', 'condense'; got 'image'"),
    "maps' stage": (lambda: fv.plot_kernels_and_maps(SMALL, "edge", stage="detekt"), ValueError,
        "stage must be one of 'filter', 'detect', 'condense'; got 'detekt' "
        "(did you mean 'detect'?)"),
    "no image": (lambda: fv.plot_grid([], "edge"), ValueError,
        "images must be at least one image; got none"),
    "no image in a mapping": (lambda: fv.plot_grid({}, "edge"), ValueError,
        "images must be at least one image; got none"),
    "grey and colour": (lambda: fv.plot_grid(MIX, "edge", color="each"), ValueError,
        "images must have equal numbers of channels with color='each'; got 3, 1"),
    "scale": (lambda: fv.plot_grid(SMALL, "edge", scale="own"), ValueError,
        "scale must be one of 'shared', 'signed', 'each' or two numbers (low, high); got 'own'"),
    "palette": (lambda: fv.plot_kernels_and_maps(SMALL, "edge", palette="red"), ValueError,
        "palette must be one of 'signed', 'heat', 'grey'; got 'red'"),
    "gamma": (lambda: fv.plot_grid(SMALL, "edge", gamma=0), ValueError,
        "gamma must be a finite number above 0; got 0"),
    "setting": (lambda: fv.plot_grid(SMALL, "edge", padding="smae"), ValueError,
        "padding must be one of 'same', 'valid', 'full' or explicit pads; got 'smae' "
        "(did you mean 'same'?)"),
    "image shown twice": (lambda: fv.plot_grid(SMALL, "edge", show_image=2), TypeError,
        "show_image must be True or False; got 2"),
    "image shown None": (lambda: fv.plot_grid(SMALL, "edge", show_image=None), TypeError,
        "show_image must be True or False; got None"),
    "numbers": (lambda: fv.plot_grid(SMALL, "edge", numbers="no"), TypeError,
        "numbers must be True, False or None; got 'no'"),
    "maps' numbers": (lambda: fv.plot_kernels_and_maps(SMALL, "edge", numbers="auto"), TypeError,
        "numbers must be True, False or None; got 'auto'"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_a_wrong_call_is_answered_with_its_sentence(case):
    call, kind, sentence = case
    with pytest.raises(kind) as caught:
        call()
    assert (type(caught.value), str(caught.value)) == (kind, sentence)
