"""Presets and families: the digits, what they answer to, and the formulas by other means."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from featviz import presets
from featviz.kernels import Kernel
from featviz.presets import (
    DIRECTIONS,
    FAMILIES,
    PRESETS,
    box,
    gabor,
    gaussian,
    laplacian_of_gaussian,
    motion_blur,
)

sizes = st.one_of(st.integers(3, 12), st.tuples(st.integers(3, 12), st.integers(3, 12)))
angles = st.floats(-400, 400)


def as_array(kernel):
    return np.array([[float(value) for value in row] for row in kernel.rows])


def answer(kernel, image):
    """The definition: the kernel laid on the middle of the image as it is written."""
    (h, w), middle = kernel.shape, len(image) // 2
    top, left = middle - h // 2, middle - w // 2
    return sum(kernel.rows[m][n] * image[top + m][left + n] for m in range(h) for n in range(w))


# ------------------------------------------------------------------ presets

DIGITS = {
    "edge": ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], 1, 0),
    "blur": ([[1, 2, 1], [2, 4, 2], [1, 2, 1]], 16, 1),
    "bottom_sobel": ([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], 1, 0),
    "emboss": ([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], 1, 1),
    "sharpen": ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 1, 1),
    "bottom_right_sobel": ([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]], 1, 0),
    "right_sobel": ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], 1, 0),
    "top_left_prewitt": ([[1, 1, 0], [1, 0, -1], [0, -1, -1]], 1, 0),
    "left_scharr": ([[3, 0, -3], [10, 0, -10], [3, 0, -3]], 1, 0),
    "laplacian_4": ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], 1, 0),
    "laplacian_8": ([[1, 1, 1], [1, -8, 1], [1, 1, 1]], 1, 0),
    "box": ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 9, 1),
    "identity": ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], 1, 1),
    "horizontal_line": ([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]], 1, 0),
    "vertical_line": ([[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]], 1, 0),
    "rising_line": ([[-1, -1, 2], [-1, 2, -1], [2, -1, -1]], 1, 0),
    "falling_line": ([[2, -1, -1], [-1, 2, -1], [-1, -1, 2]], 1, 0),
    "vertical_line_2x2": ([[1, -1], [1, -1]], 1, 0),
    "outline": ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], 1, 0),
    "spencer": ([[-3, -6, -5, 3, 21, 46, 67, 74, 67, 46, 21, 3, -5, -6, -3]], 320, 1),
}


@pytest.mark.parametrize(("name", "facts"), DIGITS.items(), ids=DIGITS)
def test_presets_hold_the_digits_of_their_source(name, facts):
    rows, divisor, total = facts
    kernel = PRESETS[name]
    assert kernel.rows == tuple(tuple(Fraction(value, divisor) for value in row) for row in rows)
    assert kernel.sum == total
    assert not any(isinstance(value, float) for row in kernel.rows for value in row)


def test_the_five_of_the_course_come_first_and_families_follow_in_order():
    names = list(PRESETS)
    assert names[:5] == ["edge", "blur", "bottom_sobel", "emboss", "sharpen"]
    ring = (
        "top",
        "top_right",
        "right",
        "bottom_right",
        "bottom",
        "bottom_left",
        "left",
        "top_left",
    )
    assert ring == DIRECTIONS
    for family in ("sobel", "prewitt", "scharr", "emboss"):
        members = [f"{direction}_{family}" for direction in ring]
        in_order = [name for name in names[5:] if name in members]
        assert in_order == [name for name in members if name not in names[:5]]
        assert set(members) <= set(names)
    assert names[-4:] == ["outline", "unsharp", "spencer", "gaussian_3"]
    assert len(names) == 5 + 7 + 8 + 8 + 8 + 13


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_named_kernel_with_a_source(name):
    kernel = PRESETS[name]
    assert type(kernel) is Kernel
    assert kernel.name == name
    assert len(kernel.source) >= 20
    assert kernel.sum == 0 or abs(kernel.sum - 1) <= 1e-15


def test_presets_and_families_are_read_only():
    for mapping in (PRESETS, FAMILIES):
        with pytest.raises(TypeError):
            mapping["edge"] = None
        with pytest.raises(TypeError):
            del mapping["box"]


@pytest.mark.parametrize("family", ["sobel", "prewitt", "scharr"])
@pytest.mark.parametrize("position", range(8), ids=DIRECTIONS)
def test_a_compass_kernel_answers_most_to_its_own_direction(family, position):
    # The step is dark on one side of a line through the middle and bright on the named side.
    turn = math.radians(90 - 45 * position)
    right, up = round(math.cos(turn), 6), round(math.sin(turn), 6)
    image = [[(1 + np.sign(right * x - up * y)) / 2 for x in range(-2, 3)] for y in range(-2, 3)]
    answers = [answer(PRESETS[f"{direction}_{family}"], image) for direction in DIRECTIONS]
    assert answers[position] == max(answers) > 0
    assert answers.count(max(answers)) == 1
    assert answers[(position + 4) % 8] == -max(answers)


@pytest.mark.parametrize("position", range(8), ids=DIRECTIONS)
def test_an_emboss_kernel_is_light_on_its_own_side(position):
    kernel = PRESETS[f"{DIRECTIONS[position]}_emboss"]
    ring = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    outer = [kernel.rows[i][j] for i, j in ring]
    assert kernel.rows[1][1] == kernel.sum == 1
    assert outer[position:] + outer[:position] == [2, 1, 0, -1, -2, -1, 0, 1]


def test_the_emboss_of_the_course_is_the_bottom_right_one():
    assert PRESETS["emboss"].rows == PRESETS["bottom_right_emboss"].rows


@pytest.mark.parametrize("family", ["sobel", "prewitt", "scharr", "emboss"])
def test_four_directions_are_quarter_turns(family):
    bottom = PRESETS[f"bottom_{family}"]
    for quarters, direction in enumerate(("bottom", "right", "top", "left")):
        assert bottom.rotated(90 * quarters).rows == PRESETS[f"{direction}_{family}"].rows


@pytest.mark.parametrize(
    ("name", "slope"),
    [("horizontal_line", 0), ("vertical_line", None), ("rising_line", -1), ("falling_line", 1)],
    ids=["horizontal", "vertical", "rising", "falling"],
)
def test_a_line_kernel_answers_to_a_line_of_its_direction(name, slope):
    def line(slope):
        return [
            [int(x == 0 if slope is None else y == slope * x) for x in range(-2, 3)]
            for y in range(-2, 3)
        ]

    answers = {other: answer(PRESETS[name], line(other)) for other in (0, None, -1, 1)}
    assert answers.pop(slope) == 6
    assert set(answers.values()) == {0}


def test_unsharp_is_twice_the_image_minus_its_binomial_blur():
    binomial = [1, 4, 6, 4, 1]
    for i, row in enumerate(PRESETS["unsharp"].rows):
        for j, value in enumerate(row):
            assert value == 2 * (i == j == 2) - Fraction(binomial[i] * binomial[j], 256)


def test_spencer_keeps_every_cubic():
    weights = PRESETS["spencer"].rows[0]
    for power in range(4):
        moment = sum(weight * (x - 7) ** power for x, weight in enumerate(weights))
        assert moment == (power == 0)


def test_laplacians_are_second_derivatives():
    bowl = [[x * x + y * y for x in range(-2, 3)] for y in range(-2, 3)]
    assert answer(PRESETS["laplacian_4"], bowl) == 4
    assert answer(PRESETS["laplacian_8"], bowl) == 12


def test_gaussian_3_has_the_printed_digits():
    kernel = PRESETS["gaussian_3"]
    printed = [[0.075114, 0.123841, 0.075114], [0.123841, 0.204180, 0.123841]]
    np.testing.assert_allclose(as_array(kernel)[:2], printed, atol=5e-7)
    assert kernel.rows == gaussian(3, 1).rows


def test_presets_and_families_need_no_numpy():
    code = (
        "import sys; from featviz.presets import PRESETS, FAMILIES; "
        "FAMILIES['gabor'](9, 4, angle_degrees=30).rank; "
        "FAMILIES['laplacian_of_gaussian'](9, 1.4); str(PRESETS['edge']); "
        "heavy = {'numpy', 'scipy', 'sympy', 'tensorflow', 'PIL', 'matplotlib'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# ------------------------------------------------------------------ families


def test_families_stand_under_their_own_names():
    assert list(FAMILIES) == ["gaussian", "laplacian_of_gaussian", "gabor", "motion_blur", "box"]
    for name, function in FAMILIES.items():
        assert function is getattr(presets, name)
        assert function.__name__ == name
        positional = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is not parameter.KEYWORD_ONLY
        ]
        assert len(positional) <= 3


@pytest.mark.parametrize("sigma", [0.4, 1, 2.5], ids=str)
@pytest.mark.parametrize("size", [3, 5, 9, (5, 9)], ids=str)
def test_gaussian_is_scipy_on_an_impulse(size, sigma):
    # scipy cuts at the same radius and divides by the sum in each axis.
    h, w = (size, size) if isinstance(size, int) else size
    impulse = np.zeros((h, w))
    impulse[h // 2, w // 2] = 1
    expected = impulse
    for axis, radius in enumerate((h // 2, w // 2)):
        expected = scipy.ndimage.gaussian_filter1d(
            expected, sigma, axis=axis, truncate=(radius + 0.01) / sigma, mode="constant"
        )
    np.testing.assert_allclose(as_array(gaussian(size, sigma)), expected, atol=1e-15)


@settings(max_examples=60)
@given(sizes, st.floats(1e-3, 1e3))
def test_gaussian_is_the_formula_over_its_sum(size, sigma):
    h, w = (size, size) if isinstance(size, int) else size
    raw = [
        [((i - (h - 1) / 2) ** 2 + (j - (w - 1) / 2) ** 2) / (2 * sigma**2) for j in range(w)]
        for i in range(h)
    ]
    nearest = min(map(min, raw))
    raw = np.exp(nearest - np.array(raw))
    kernel = gaussian(size, sigma)
    np.testing.assert_allclose(as_array(kernel), raw / raw.sum(), rtol=1e-9, atol=1e-300)
    assert abs(kernel.sum - 1) <= 1e-15
    assert kernel.rank == 1
    assert kernel.rotated(180).rows == kernel.rows


@pytest.mark.parametrize("size", [1, 2, 15, 254, 255, (1, 255)], ids=str)
@pytest.mark.parametrize("sigma", [1e-300, 0.3, 40, 1e300], ids=str)
def test_gaussian_sums_to_one_at_every_extreme(size, sigma):
    assert abs(gaussian(size, sigma).sum - 1) <= 1e-15


@pytest.mark.parametrize("sigma", [0.8, 1.4, 3.0], ids=str)
def test_laplacian_of_gaussian_is_the_second_derivative_of_a_gaussian(sigma):
    size, step = 17, 1e-3

    def bell(x, y):
        return math.exp(-(x * x + y * y) / (2 * sigma**2)) / (2 * math.pi * sigma**2)

    def derivative(x, y):
        around = bell(x + step, y) + bell(x - step, y) + bell(x, y + step) + bell(x, y - step)
        return (around - 4 * bell(x, y)) / step**2

    half = size // 2
    wanted = np.array(
        [[derivative(x, y) for x in range(-half, half + 1)] for y in range(-half, half + 1)]
    )
    kernel = as_array(laplacian_of_gaussian(size, sigma))
    np.testing.assert_allclose(kernel, wanted - wanted.mean(), atol=2e-6)


@settings(max_examples=60)
@given(sizes, st.floats(0.1, 255))
def test_laplacian_of_gaussian_has_no_sum_and_a_negative_centre(size, sigma):
    kernel = laplacian_of_gaussian(size, sigma)
    values = as_array(kernel)
    h, w = values.shape
    assert kernel.sum == 0
    assert float(values.sum()) == pytest.approx(0, abs=1e-12 * max(1, np.abs(values).max()))
    if h % 2 and w % 2:  # between cells the centre is seen only by a wide one
        assert values[h // 2, w // 2] == values.min() < 0
    assert np.array_equal(values, values[::-1, ::-1])
    assert np.array_equal(values, values[:, ::-1])


@pytest.mark.parametrize("size", [3, 4, 255, (254, 255), (3, 254)], ids=str)
@pytest.mark.parametrize("sigma", [0.1, 1.4, 255], ids=str)
def test_laplacian_of_gaussian_sums_to_exactly_zero(size, sigma):
    values = as_array(laplacian_of_gaussian(size, sigma))
    assert math.fsum(values.ravel()) == 0
    assert abs(values.sum()) <= 1e-12
    assert np.array_equal(values, values[:, ::-1])
    assert np.array_equal(values, values[::-1])


options = st.fixed_dictionaries(
    {
        "angle_degrees": angles,
        "sigma": st.none() | st.floats(0.5, 20),
        "phase_degrees": angles,
        "aspect_ratio": st.floats(0.1, 3),
    }
)


@settings(max_examples=60)
@given(sizes, st.floats(2, 20), options)
def test_gabor_is_its_formula(size, wavelength, chosen):
    kernel = gabor(size, wavelength, **chosen)
    angle, sigma = chosen["angle_degrees"], chosen["sigma"]
    phase, ratio = chosen["phase_degrees"], chosen["aspect_ratio"]
    h, w = (size, size) if isinstance(size, int) else size
    spread = 0.56 * wavelength if sigma is None else sigma
    theta, phi = math.radians(angle), math.radians(phase)
    for i in range(h):
        for j in range(w):
            x, y = j - (w - 1) / 2, (h - 1) / 2 - i  # y upwards
            along = x * math.cos(theta) + y * math.sin(theta)
            across = -x * math.sin(theta) + y * math.cos(theta)
            hill = math.exp(-(along**2 + ratio**2 * across**2) / (2 * spread**2))
            wave = math.cos(2 * math.pi * along / wavelength + phi)
            assert float(kernel.rows[i][j]) == pytest.approx(hill * wave, abs=1e-12)


def test_gabor_angles_are_those_of_the_wave():
    across = as_array(gabor(9, 4))
    assert np.array_equal(across, across[::-1])  # stripes stand upright
    assert np.array_equal(as_array(gabor(9, 4, angle_degrees=90)), np.rot90(across))
    rising = as_array(gabor(9, 4, angle_degrees=45, phase_degrees=-90, sigma=3))
    # The sine grows first in the direction of the wave, up and to the right.
    assert rising[3, 5] > 0.5 > -0.5 > rising[5, 3]


def test_gabor_with_a_phase_of_90_degrees_has_no_sum():
    for angle in (0, 30, 45, 90, 123.4):
        assert gabor(9, 4, angle_degrees=angle, phase_degrees=90).sum == 0
    assert gabor(9, 4).rows[4][4] == 1


@pytest.mark.parametrize("size", [1, 3, 5, 9, 255], ids=str)
def test_motion_blur_at_0_and_90_degrees_is_one_row_or_column(size):
    level = np.zeros((size, size), object)
    level[size // 2] = Fraction(1, size)
    for angle, turns in ((0, 0), (90, 1), (180, 0), (-90, 1), (360, 0)):
        kernel = motion_blur(size, angle_degrees=angle)
        assert kernel.rows == tuple(map(tuple, np.rot90(level, turns).tolist()))
        assert kernel.sum == 1


def test_motion_blur_of_an_even_size_shares_two_rows():
    assert motion_blur(4).rows == ((0,) * 4, (Fraction(1, 8),) * 4, (Fraction(1, 8),) * 4, (0,) * 4)


@settings(max_examples=60)
@given(st.integers(1, 15), angles)
def test_motion_blur_weighs_by_the_distance_from_its_line(size, angle):
    kernel = motion_blur(size, angle_degrees=angle)
    theta, half = math.radians(angle), (size - 1) / 2
    end = np.array([math.cos(theta), -math.sin(theta)]) * half  # rows run downwards
    steps = np.linspace(-1, 1, 4001)
    line = steps[:, None] * end
    weights = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            distance = np.hypot(*(line - [j - half, i - half]).T).min()
            weights[i, j] = max(0, 1 - distance)
    np.testing.assert_allclose(as_array(kernel), weights / weights.sum(), atol=1e-4)
    assert abs(kernel.sum - 1) <= 1e-15
    assert kernel.rotated(180).rows == kernel.rows


def test_motion_blur_turns_counter_clockwise():
    rising = as_array(motion_blur(7, angle_degrees=30))
    assert rising[2, 5] > rising[4, 5]
    assert rising[4, 1] > rising[2, 1]
    quarter = as_array(motion_blur(7, angle_degrees=120))
    np.testing.assert_allclose(quarter, np.rot90(rising), atol=1e-15)


@pytest.mark.parametrize(("size", "shape"), [(1, (1, 1)), (4, (4, 4)), ((2, 5), (2, 5))], ids=str)
def test_box_is_an_exact_mean(size, shape):
    kernel = box(size)
    assert kernel.shape == shape
    assert {value for row in kernel.rows for value in row} == {Fraction(1, shape[0] * shape[1])}
    assert kernel.sum == 1


NAMES = {
    "gaussian(5, 1)": lambda: gaussian(5, 1.0),
    "gaussian((3, 5), 0.5)": lambda: gaussian([3, np.int64(5)], np.float32(0.5)),
    "laplacian_of_gaussian(9, 1.4)": lambda: laplacian_of_gaussian((9, 9), 1.4),
    "gabor(9, 4)": lambda: gabor(9, 4, angle_degrees=0, aspect_ratio=0.5),
    "gabor(9, 4, angle_degrees=45, sigma=3, phase_degrees=90, aspect_ratio=1)": lambda: gabor(
        9, 4, angle_degrees=45, sigma=3, phase_degrees=90, aspect_ratio=1
    ),
    "motion_blur(9)": lambda: motion_blur(9),
    "motion_blur(9, angle_degrees=-30)": lambda: motion_blur(9, angle_degrees=-30),
    "box(3)": lambda: box(3),
    "box((2, 3))": lambda: box((2, 3)),
}


@pytest.mark.parametrize(("name", "call"), NAMES.items(), ids=NAMES)
def test_a_family_kernel_is_named_by_its_call_and_has_a_source(name, call):
    kernel = call()
    assert kernel.name == name
    assert len(kernel.source) >= 20


WHOLE = "size must be a whole number of at least"
ERRORS = {
    "size 0": (lambda: box(0), ValueError, f"{WHOLE} 1; got 0"),
    "size -1 in a pair": (lambda: box((3, -1)), ValueError, f"{WHOLE} 1; got -1"),
    "size 2.5": (lambda: gaussian(2.5, 1), TypeError, f"{WHOLE} 1; got 2.5"),
    "size True": (lambda: gaussian(True, 1), TypeError, f"{WHOLE} 1; got True"),
    "size of text": (lambda: gaussian("5", 1), TypeError, f"{WHOLE} 1; got '5'"),
    "three sizes": (
        lambda: box((1, 2, 3)),
        ValueError,
        "size must be a whole number or a pair (rows, columns); got (1, 2, 3)",
    ),
    "too large": (
        lambda: gaussian((256, 1), 1),
        ValueError,
        "size must be at most 255 on each axis; got (256, 1)",
    ),
    "blur too large": (
        lambda: motion_blur(256),
        ValueError,
        "size must be at most 255 on each axis; got 256",
    ),
    "blur of a pair": (lambda: motion_blur((3, 3)), TypeError, f"{WHOLE} 1; got (3, 3)"),
    "small second derivative": (
        lambda: laplacian_of_gaussian(2, 1),
        ValueError,
        f"{WHOLE} 3; got 2",
    ),
    "sigma 0": (
        lambda: gaussian(3, 0),
        ValueError,
        "sigma must be a finite number above 0; got 0",
    ),
    "sigma NaN": (
        lambda: gaussian(3, math.nan),
        ValueError,
        "sigma must be a finite number above 0; got nan",
    ),
    "sigma of text": (
        lambda: gaussian(3, "1"),
        TypeError,
        "sigma must be a finite number above 0; got '1'",
    ),
    "sigma too small": (
        lambda: laplacian_of_gaussian(5, 0.05),
        ValueError,
        "sigma must be a number from 0.1 to 255; got 0.05",
    ),
    "sigma too large": (
        lambda: laplacian_of_gaussian(5, 256),
        ValueError,
        "sigma must be a number from 0.1 to 255; got 256",
    ),
    "short wave": (
        lambda: gabor(5, 1.9),
        ValueError,
        "wavelength must be a number from 2 to 10000; got 1.9",
    ),
    "wave of None": (
        lambda: gabor(5, None),
        TypeError,
        "wavelength must be a finite number; got None",
    ),
    "endless angle": (
        lambda: gabor(5, 4, angle_degrees=math.inf),
        ValueError,
        "angle_degrees must be a finite number; got inf",
    ),
    "phase of text": (
        lambda: gabor(5, 4, phase_degrees="90"),
        TypeError,
        "phase_degrees must be a finite number; got '90'",
    ),
    "gabor sigma 0": (
        lambda: gabor(5, 4, sigma=0),
        ValueError,
        "sigma must be a finite number above 0; got 0",
    ),
    "aspect ratio 0": (
        lambda: gabor(5, 4, aspect_ratio=0),
        ValueError,
        "aspect_ratio must be a finite number above 0; got 0",
    ),
    "blur angle": (
        lambda: motion_blur(5, angle_degrees=None),
        TypeError,
        "angle_degrees must be a finite number; got None",
    ),
}


@pytest.mark.parametrize(("call", "error", "text"), ERRORS.values(), ids=ERRORS)
def test_every_error_is_one_exact_sentence(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == text
    assert type(caught.value) is error
