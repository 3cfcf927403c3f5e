"""Animations are decoded, and what they show is held against the trace and the definitions."""

import itertools
import runpy
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from definitions import LOPSIDED, ramp, slow_filter, slow_pool
from matplotlib import colormaps
from PIL import Image

from featviz.exact import exact_number, exact_text
from featviz.render.canvas import DARK, LIGHT, fitted, text_width
from featviz.render.drawing import PALETTES
from featviz.render.motion import files as motion_files
from featviz.render.motion.animations import animate
from featviz.render.motion.files import hundredths
from featviz.render.motion.palette import Indexer, contrast
from featviz.render.motion.words import texts_with_room, words_from_step

ROOT = Path(__file__).parents[1]
SERIES = runpy.run_path(str(ROOT / "scripts" / "convolution_arithmetic.py"))
MEAN = [["1/9"] * 3] * 3
COUNTED = np.arange(36).reshape(6, 6).tolist()

CASES = {
    "plain": dict(padding="valid"),
    "stride": dict(padding="valid", stride=(1, 2)),
    "dilation": dict(padding=1, dilation=2),
    "padding": dict(padding=((1, 2), (0, 3))),
    "reflect": dict(padding="same", border="reflect"),
    "bias": dict(padding="valid", bias=1.5, activation="relu"),
    "detect": dict(stage="detect"),
    "max": dict(stage="condense", pool_size=(2, 3)),
    "average": dict(stage="condense", pool="average", pool_size=3, pool_stride=2),
    "transposed": dict(stage="transposed", padding=1, stride=2),
    "output padding": dict(stage="transposed", padding=(1, 0), stride=2, output_padding=1),
}


def motion(name="plain", size=(5, 7), **options):
    return animate(ramp(*size), LOPSIDED, **{**CASES[name], **options})


def tells(text, value):
    """Whether a text is the value: whole and as a fraction truly, as a decimal to 3 digits."""
    number = float(Fraction(text.replace("−", "-")))
    return number == pytest.approx(value, rel=5e-3 if "." in text else 1e-6, abs=1e-9)


def marked(picture, grid):
    """Box of the mark's colour in and around a grid."""
    left, top = max(grid.left - 4, 0), max(grid.top - 4, 0)
    part = np.asarray(picture)[top : grid.bottom + 5, left : grid.right + 5]
    rows, columns = np.nonzero((part == LIGHT.mark).all(axis=2))
    return columns.min() + left, rows.min() + top, columns.max() + left, rows.max() + top


@pytest.mark.parametrize("name", CASES)
def test_the_window_stands_where_the_definition_puts_it(name):
    film = motion(name)
    layout = film._drawing.layout
    for index in range(0, len(film), 3):
        step, picture = film.trace[index], film.frame(index)
        window = step.window
        grid = layout.input.grids[0]
        wanted = grid.box(window.top, window.left, window.height, window.width)
        assert np.abs(np.subtract(marked(picture, grid), wanted)).max() <= 2
        grid = layout.output.grids[0]
        wanted = grid.box(*divmod(index, film.trace.shape[1]))
        assert np.abs(np.subtract(marked(picture, grid), wanted)).max() <= 2


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "apng"])
def test_files_hold_every_frame_and_their_time(ending, tmp_path):
    film = motion("dilation", seconds_per_frame=0.125, size=(3, 4))
    path = film.save(tmp_path / f"film.{ending}", loop=3)
    with Image.open(path) as file:
        assert file.n_frames == len(film) == film.frames
        assert file.size == (1000, 500)
        assert file.info["loop"] == (2 if ending == "gif" else 3)
        total = 0
        for index in range(file.n_frames):
            file.seek(index)
            picture = file.convert("RGB")
            assert np.array_equal(np.asarray(picture), np.asarray(film.frame(index)))
            total += file.info["duration"]
    assert total == pytest.approx(125 * len(film), abs=5)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_equal_frames_keep_their_time(ending, tmp_path):
    film = motion(size=(4, 5), seconds_per_frame=0.25)
    same = film._indexer.places(film._drawing.frame(0))
    write = motion_files.WRITERS[f".{ending}"]
    data = write([same] * 4, palette=film._indexer.palette, delays=(25,) * 4, loop=0)
    (tmp_path / "same").write_bytes(data)
    with Image.open(tmp_path / "same") as file:
        assert file.n_frames == 4
        assert file.info["loop"] == 0
        total = 0
        for index in range(4):
            file.seek(index)
            assert np.array_equal(np.asarray(file.convert("RGB")), np.asarray(film.frame(0)))
            total += file.info["duration"]
    assert total == 1000


def test_a_folder_gets_one_picture_per_frame(tmp_path):
    film = motion(steps=(2, 5))
    assert film.save(f"{tmp_path}/frames/").name == "frames"
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == ["frame_0001.png", "frame_0002.png", "frame_0003.png"]
    with Image.open(tmp_path / "frames" / "frame_0003.png") as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), np.asarray(film.frame(-1)))
    seen = []

    def looked_at(frames):
        for frame in frames:
            seen.append([path.name for path in tmp_path.iterdir()])
            yield frame

    # Beside a folder that is there another disk may begin: nothing is put there.
    film.save(tmp_path / "frames", progress=looked_at)
    assert seen == [["frames"]] * 3
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == names
    with pytest.raises(FileExistsError, match="without other frames"):
        motion(steps=(0, 2)).save(tmp_path / "frames")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames"]


def test_times_are_rounded_so_that_their_sum_is_right():
    for seconds in (0.02, 0.025, 1 / 3, 0.5, 600):
        delays = hundredths(37, seconds)
        assert abs(sum(delays) - 3700 * seconds) <= 0.5
        assert min(delays) >= 2
        assert max(delays) < 2**16


@pytest.mark.parametrize("drawing", ["numbers", "lens"])
@pytest.mark.parametrize("name", CASES)
def test_every_case_is_drawn_without_leaving_the_palette_much(name, drawing):
    film = motion(name, drawing=drawing, dark=drawing == "lens", size=(4, 6))
    true = np.asarray(film._drawing.frame(len(film) - 1), float)
    shown = np.asarray(film.frame(len(film) - 1), float)
    assert np.abs(true - shown).mean() < 1.5


def test_every_number_of_a_filter_is_that_of_the_definition():
    film = animate(ramp(5, 6), LOPSIDED, padding="valid", stride=(2, 1))
    wanted = slow_filter(ramp(5, 6), LOPSIDED, stride=(2, 1))
    for index, value in enumerate(wanted.ravel()):
        words = words_from_step(film._drawing.scene, film.trace[index])
        row, column = divmod(index, wanted.shape[1])
        cell = film._drawing.scene.output.texts[0][row][column]
        for text in (words.result.split(" ")[-1], words.line.split(" ")[-1], cell):
            assert tells(text, value)


def test_products_are_those_of_the_taps_and_weights_lie_as_drawn():
    film = animate(ramp(4, 4), LOPSIDED, stage="transposed", padding="valid")
    turned = np.array(LOPSIDED)[::-1, ::-1]
    for step in film.trace:
        words = words_from_step(film._drawing.scene, step)
        for tap, product in zip(step.taps, words.products, strict=True):
            weight = turned[tap.kernel_row, tap.kernel_column]
            assert tells(product, tap.value * weight)


def test_pools_tell_the_winner_and_the_count():
    pooled = animate(ramp(4, 6), "1", stage="condense", activation=None, pool_size=(2, 3))
    wanted = slow_pool(ramp(4, 6), (2, 3), stride=(2, 3))
    for value, step in zip(wanted.ravel(), pooled.trace, strict=True):
        words = words_from_step(pooled._drawing.scene, step)
        assert words.line.startswith("max(")
        text = words.result.removeprefix("largest ").replace("−", "-")
        assert float(Fraction(text)) == pytest.approx(value, rel=6e-4)
    averaged = animate(
        [[1, 2, 3], [4, 5, 7]], "1", stage="condense", activation=None, pool="average", pool_size=2
    )
    words = [words_from_step(averaged._drawing.scene, step) for step in averaged.trace]
    assert [word.line for word in words] == ["(1 + 2 + 4 + 5)/4 = 3", "(3 + 7)/2 = 5"]
    assert [word.result for word in words] == ["12/4 = 3", "10/2 = 5"]
    film = animate([[1, 2]], "1", stage="condense", activation=None, pool="none")
    assert (film._drawing.scene.kernel_role, film._drawing.scene.kernel_note) == ("no pool", "")
    assert words_from_step(film._drawing.scene, film.trace[1]).line == "as it is: 2"


def test_the_numbers_of_the_lesson_are_rounded_and_never_cut():
    film = animate(COUNTED, MEAN, padding="valid", dilation=2)
    results = [words_from_step(film._drawing.scene, step).result for step in film.trace]
    assert results == ["sum 14", "sum 15", "sum 20", "sum 21"]
    assert film._drawing.scene.output.texts[0] == (("14", "15"), ("20", "21"))
    film = animate(COUNTED, MEAN, padding=1)
    assert film._drawing.scene.output.texts[0][0] == ("14/9", "8/3", "10/3", "4", "14/3", "10/3")
    first = words_from_step(film._drawing.scene, animate(COUNTED, MEAN, padding="valid").trace[0])
    terms = "0·1/9 + 1·1/9 + 2·1/9 + 6·1/9 + 7·1/9 + 8·1/9 + 12·1/9 + 13·1/9 + 14·1/9 = 7"
    assert first.line == terms


def test_a_rounded_number_says_so():
    film = animate([[0.123456, 0.2]], "1 3", padding="valid")
    words = words_from_step(film._drawing.scene, film.trace[0])
    total = exact_number(float(film.trace[0].total))
    assert words.line == f"0.123·1 + 0.2·3 ≈ {exact_text(float(total), digits=3)}"
    assert words.result == "sum ≈ 0.723"
    assert words.products == ("0.123", "0.6")


@pytest.mark.parametrize(
    ("image", "kernel", "options", "line", "result"),
    [
        ([[4.5]], "1", dict(activation="tanh"), "9/2·1 = 9/2; tanh(9/2) ≈ 1", "tanh(9/2) ≈ 1"),
        ([[1, 2]], "1/2 -3", dict(bias=2, activation="relu"),
         "1·1/2 + 2·(−3) + 2 = −7/2; relu(−7/2) = 0", "relu(−11/2 + 2) = 0"),
        ([[0.123, -0.5]], "1 1/9", {}, "0.123·1 + (−0.5)·1/9 ≈ 0.0674", "sum ≈ 0.0674"),
        ([[0.123, 0.377]], "1 1", {}, "0.123·1 + 0.377·1 = 0.5", "sum 0.5"),
        ([[1, 1]], [[2**-0.5 - 0.584, 1]], dict(bias=0.5), "1·0.123 + 1·1 + 0.5 ≈ 1.62",
         "sum 1.12 + 0.5 ≈ 1.62"),
        ([[0.12345, 0.5]], "1", dict(stage="condense", activation=None, pool_size=(1, 2)),
         "max(0.123, 0.5) ≈ 0.5", "largest 0.5"),
        ([[0.12345, 0.5]], "1",
         dict(stage="condense", activation=None, pool_size=(1, 2), pool="average"),
         "(0.123 + 0.5)/2 ≈ 0.312", "0.623/2 ≈ 0.312"),
        ([[0.5, -2]], "1", dict(stage="detect"), "relu(1/2) = 1/2", "relu(1/2) = 1/2"),
    ],
    ids=["activation", "bias", "mixed", "short decimals", "rounded weight", "max", "average",
         "detect"],
)  # fmt: skip
def test_beside_a_decimal_no_fraction_stands(image, kernel, options, line, result):
    film = animate(image, kernel, **dict(padding="valid") | options)
    words = words_from_step(film._drawing.scene, film.trace[0])
    assert (words.line, words.result) == (line, result)


@pytest.mark.parametrize(
    ("image", "kernel", "options", "lines", "cells"),
    [
        ([[1, 2, 3]], "1e16", {}, ["1·1e+16 = 1e+16", "2·1e+16 = 2e+16"], ["1e+16", "2e+16"]),
        ([[1e20, 1, 2]], "1", {}, ["1e+20·1 = 1e+20", "1·1 = 1", "2·1 = 2"], ["1e+20", "1", "2"]),
        ([[1e38, 1e38, 3e38]], "1e38 -1e38", {},
         ["1e+38·1e+38 + 1e+38·(−1e+38) = 0", "1e+38·1e+38 + 3e+38·(−1e+38) ≈ −∞ (float32)"],
         ["0", "−∞"]),
        ([[16777216, 1]], "1 1", {}, ["16777216·1 + 1·1 ≈ 16777216"], ["16777216"]),
        ([[1, 2, 0]], "1 1", dict(bias=1e20), ["1·1 + 2·1 + 1e+20 ≈ 1e+20"], ["1e+20"]),
        (np.arange(4900).reshape(70, 70) % 10, "1000000 0", dict(steps=(0, 3)),
         ["0·1000000 + 1·0 = 0", "1·1000000 + 2·0 = 1000000"], []),
        ([[1, 1]], "1/9 -1/9", dict(bias=1e-3), ["1·1/9 + 1·(−1/9) + 0.001 = 0.001"],
         ["0.001"]),
        ([[-30, 2]], "1", dict(activation="sigmoid"), ["(−30)·1 = −30; sigmoid(−30) ≈ 9.36e−14"],
         ["9.36e−14"]),
    ],
    ids=["large weight", "large pixel", "overflow", "float32", "large bias", "many cells",
         "small bias", "small result"],
)  # fmt: skip
def test_what_is_not_zero_is_not_written_as_zero(image, kernel, options, lines, cells):
    film = animate(image, kernel, padding="valid", **options)
    scene = film._drawing.scene
    found = [words_from_step(scene, film.trace[index]).line for index in range(len(lines))]
    assert found == lines
    assert not cells or list(scene.output.texts[0][0][: len(cells)]) == cells
    assert film.frame(0).size == film.size


def says(text, value, leftover=0.0):
    """Whether a text is the value in its printed digits, or 0 for what rounding left."""
    if text == "0":
        return abs(value) <= leftover
    if not np.isfinite(value):
        return text.replace("−", "-").replace("∞", "inf") == str(value)
    number = float(Fraction(text.strip("()").replace("−", "-")))
    return number == pytest.approx(value, rel=4e-7 if "/" in text else 5.01e-3, abs=0)


@pytest.mark.parametrize("side", [6, 70], ids=["small", "large"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stage", ["filter", "transposed", "detect", "condense"])
def test_every_text_of_a_frame_is_the_number_of_the_trace(stage, seed, side):
    random = np.random.default_rng(seed)
    image = random.integers(-9, 10, (side, side)) * 10.0 ** random.integers(-12, 13, (side, side))
    kernel = np.array(LOPSIDED) * 10.0 ** random.integers(-3, 4, np.shape(LOPSIDED))
    scale = {"filter": dict(padding="valid", bias=float(seed))}.get(stage, {})
    film = animate(image, kernel, stage=stage, steps=(0, 9), drawing="lens", **scale)
    scene, share = film._drawing.scene, 2.0 ** (-50 if side == 6 else -22)
    for index in film.steps:
        step = film.trace[index]
        words = words_from_step(scene, step)
        for tap, value, product in zip(step.taps, words.values, words.products, strict=True):
            if np.isfinite(tap.value):
                assert says(value, tap.value)
                assert says(product, tap.product)
        for term, tap in zip(words.terms if scene.weights else (), step.taps, strict=False):
            assert all(map(says, term.split("·"), (tap.value, tap.weight)))
        summed = stage in ("filter", "transposed")
        leftover = share * (sum(map(abs, step.products)) + step.bias) if summed else 0.0
        assert says(words.result.split(" ")[-1].split("(")[-1], step.value, leftover)
        assert says(words.line.split(" ")[-1], step.value, leftover)
        if scene.output.texts:
            cell = scene.output.texts[0][step.cell[0]][step.cell[1]]
            assert says(cell, step.value, leftover)


def test_looks_tell_padding_gaps_zeros_and_uncovered_cells():
    stage = dict(padding=1, stride=2)
    film = animate(ramp(3, 3), LOPSIDED, stage="transposed", **stage)
    grid, picture = film._drawing.layout.input.grids[0], np.asarray(film._drawing.empty)
    kinds = film.trace.kinds
    for kind, colour in ((1, LIGHT.padding), (2, LIGHT.inserted)):
        row, column = np.argwhere(kinds == kind)[0]
        left, top, right, bottom = grid.box(row, column)
        inside = picture[top : bottom + 1, left : right + 1].reshape(-1, 3)
        assert (inside == colour).all(axis=1).mean() > 0.5
    film = animate(ramp(6, 6), LOPSIDED, padding="valid", stride=(1, 2))
    assert film._drawing.scene.input.uncovered.all(axis=0).tolist() == [False] * 5 + [True]
    grid, picture = film._drawing.layout.input.grids[0], np.asarray(film._drawing.empty)
    plain, hatched = (
        picture[slice(*grid.box(0, column)[1::2]), slice(*grid.box(0, column)[::2])]
        for column in (4, 5)
    )
    assert len(np.unique(hatched[:8].reshape(-1, 3), axis=0)) > 1
    assert len(np.unique(plain[5:8, 5:-5].reshape(-1, 3), axis=0)) == 1


def test_cells_that_the_dilation_skips_are_paler_than_the_taps():
    film = animate(np.zeros((5, 5)) + 0.1, LOPSIDED, padding="valid", dilation=2)
    grid = film._drawing.layout.input.grids[0]
    picture = np.asarray(film._drawing.frame(0), int)
    still = np.asarray(film._drawing.empty, int)
    taps = {(tap.row, tap.column) for tap in film.trace[0].taps}
    for row in range(3):
        for column in range(5):
            left, top, _, _ = grid.box(row, column)
            spot = top + 8, left + 8
            assert (picture[spot] == still[spot]).all() == ((row, column) in taps)


def test_cells_that_are_not_computed_yet_are_empty():
    film = motion("stride", steps=(0, 4))
    grid = film._drawing.layout.output.grids[0]
    for index in range(4):
        picture = np.asarray(film._drawing.frame(index))
        for cell in range(grid.rows * grid.columns):
            x, y = grid.middle(*divmod(cell, grid.columns))
            around = picture[y - 9 : y + 10, x - 9 : x + 10]
            assert (around == LIGHT.empty).all() == (cell > index)


def test_frames_are_made_one_at_a_time(tmp_path):
    film = motion(size=(9, 12))
    film.frame(0)
    tracemalloc.start()
    film.save(tmp_path / "film.gif")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40 * 500_000 < len(film) * 3 * 500_000


def test_a_notebook_shows_a_gif_inside_html():
    film = motion(steps=(0, 2), title='<b>"', size=(3, 4))
    page = film._repr_html_()
    assert page.startswith('<img src="data:image/gif;base64,R0lGODlh')
    assert "&lt;b&gt;&quot;" in page
    assert "<b>" not in page
    assert film._repr_png_().startswith(b"\x89PNG")


def test_long_titles_are_shortened_to_their_room():
    for text in ("a title " * 100, "\ud800\0\u202e", "W" * 5000):
        kept, size = fitted(text, 300, 18)
        assert text_width(kept, size) <= 300
    assert motion(title="W" * 3000, steps=(0, 1), size=(3, 4)).frame(0).size == (1000, 500)


class BrokenOffError(Exception):
    pass


@pytest.mark.parametrize("name", ["film.gif", "film.png", "film.webp", "frames/"])
def test_nothing_is_left_behind_when_writing_fails(name, tmp_path):
    def broken(frames):
        yield next(iter(frames))
        raise BrokenOffError

    with pytest.raises(BrokenOffError):
        motion().save(f"{tmp_path}/{name}", progress=broken)
    assert list(tmp_path.iterdir()) == []


def call(**options):
    return lambda: animate(COUNTED, MEAN, **options)


def save(path, **options):
    return lambda: animate(COUNTED, MEAN, steps=(0, 1)).save(path, **options)


TABLE = [
    ("drawing", call(drawing="lense"), ValueError,
     "drawing must be one of 'numbers', 'lens'; got 'lense' (did you mean 'lens'?)"),
    ("stage", call(stage="pool"), ValueError,
     "stage must be one of 'filter', 'detect', 'condense', 'transposed'; got 'pool'"),
    ("scale", call(scale="all"), ValueError, "scale must be one of 'each', 'shared'; got 'all'"),
    ("seconds", call(seconds_per_frame=0), ValueError,
     "seconds_per_frame must be a finite number above 0 and at most 600; got 0"),
    ("short seconds", call(seconds_per_frame=0.01), ValueError,
     "seconds_per_frame must be at least 0.02, the least that browsers show; got 0.01"),
    ("small size", call(size=(100, 500)), ValueError,
     "size must be (width, height) from 300×200 to 4000×4000 pixels; got (100, 500)"),
    ("size of one", call(size=500), TypeError,
     "size must be (width, height) from 300×200 to 4000×4000 pixels; got 500"),
    ("steps beyond", call(steps=(30, 50)), ValueError,
     "steps must be a pair (first, end), a slice or a range within 0 to 36, at least one step; "
     "got (30, 50)"),
    ("no steps", call(steps=slice(5, 5)), ValueError,
     "steps must be a pair (first, end), a slice or a range within 0 to 36, at least one step; "
     "got slice(5, 5, None)"),
    ("one step", call(steps=5), TypeError,
     "steps must be a pair (first, end), a slice or a range within 0 to 36; got 5"),
    ("many steps", lambda: animate(np.ones((400, 400)), MEAN, padding="valid"), ValueError,
     "steps must be at most 400; got 158404 (398×398 cells); choose a part, as in steps=(0, 100), "
     "a smaller image or a larger most_steps"),
    ("many cells", lambda: animate(np.ones((400, 400)), MEAN, steps=(0, 9)), ValueError,
     "size must have room for 402×402 and 400×400 cells of 2 pixels and the words beside them; "
     "got (1000, 500); use a smaller image, as read_image(path, size=12) makes one, "
     "a larger size or drawing='lens'"),
    ("dark", call(dark=1), TypeError, "dark must be True or False; got 1"),
    ("title", call(title=3), TypeError, "title must be a text or None; got 3"),
    ("palette", call(palette="jet"), ValueError,
     "palette must be one of 'signed', 'heat', 'grey'; got 'jet'"),
    ("ending", save("film.mp4"), ValueError,
     "output must end in one of .gif, .webp, .png, .apng or / (a folder); "
     "got 'film.mp4'"),
    ("folder", save("nowhere/film.gif"), FileNotFoundError,
     "output must be in a folder that exists; got 'nowhere'"),
    ("frame", lambda: motion(steps=(0, 3)).frame("a"), TypeError,
     "index must be a whole number of at least -3; got 'a'"),
    ("stage of another kind", call(stage=np.array([])), TypeError,
     "stage must be one of 'filter', 'detect', 'condense', 'transposed'; "
     "got array([], dtype=float64)"),
    ("no path", save(""), ValueError, "output must be a path, not empty and without '\\0'; got ''"),
    ("zero byte", save("x\0.gif"), ValueError,
     "output must be a path, not empty and without '\\0'; got 'x\\x00.gif'"),
    ("loop", save("film.gif", loop=-1), ValueError,
     "loop must be a whole number of at least 0; got -1"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "kind", "sentence"), [row[1:] for row in TABLE],
                         ids=[row[0] for row in TABLE])  # fmt: skip
def test_a_wrong_call_is_answered_with_one_sentence(action, kind, sentence, tmp_path):
    with pytest.raises(kind) as caught:
        action()
    assert str(caught.value) == sentence
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_a_large_image_is_shown_by_the_lens(tmp_path):
    film = animate(np.ones((300, 400)), MEAN, drawing="lens", steps=range(0, 90000, 30000))
    film.save(tmp_path / "part.gif")
    assert len(film) == 3


@pytest.mark.parametrize("size", [(1000, 500), (600, 500)], ids=["beside", "above"])
def test_the_lens_says_what_dots_stand_for_where_it_draws_them(size):
    """The legend is longer by one entry where a number has no room, and no longer elsewhere."""
    ends = []
    for bright in (5, -123456, -7):
        image = np.ones((9, 9))
        image[1, 1] = bright
        film = animate(image, LOPSIDED, drawing="lens", size=size)
        row = np.asarray(film._drawing.words)[-26:] != LIGHT.paper
        ends.append(int(np.flatnonzero(row.any(axis=(0, 2)))[-1]))
    assert ends[0] == ends[2]
    assert ends[1] > ends[0] + 100


def test_what_rounding_leaves_is_neither_written_nor_coloured():
    kernel = [[0.1, 0.7, -0.8], [0.3, -0.4, 0.1]]
    images = {"each": np.full((40, 40, 3), 0.1), "grey": np.full((12, 12), 0.1)}
    for color, image in images.items():
        film = animate(
            image, kernel, padding="valid", color=color, activation="linear", steps=(0, 2)
        )
        assert film.trace.values.any()
        assert film.trace.exact == (color == "grey")
        output = film._drawing.scene.output
        assert {text for row in output.texts[0] for text in row} == {"0"}
        assert len(np.unique(output.colours.reshape(-1, 3), axis=0)) == 1
        scene = film._drawing.scene
        assert words_from_step(scene, scene.step(0)).result == "sum 0"


def test_frames_are_counted_from_both_ends():
    film = motion(steps=(0, 3))
    assert np.array_equal(np.asarray(film.frame(-1)), np.asarray(film.frame(2)))
    for index in (3, -4, 2**40):
        with pytest.raises(IndexError) as caught:
            film.frame(index)
        assert str(caught.value) == f"index must be from -3 to 2; got {index}"


def decoded(path, layout):
    """Boxes of the mark on input and output, of each frame of a file."""
    with Image.open(path) as file:
        for index in range(file.n_frames):
            file.seek(index)
            picture = file.convert("RGB")
            yield tuple(marked(picture, block.grids[0]) for block in (layout.input, layout.output))


@pytest.mark.parametrize("name", ["stride", "dilation", "padding", "transposed"])
def test_a_decoded_file_shows_the_window_in_its_place(name, tmp_path):
    film = motion(name, size=(4, 7))
    layout = film._drawing.layout
    settings = CASES[name]
    if name == "transposed":
        step, taps = (1, 1), np.shape(LOPSIDED)
    else:
        step = settings.get("stride", (1, 1))
        taps = tuple(settings.get("dilation", 1) * (n - 1) + 1 for n in np.shape(LOPSIDED))
    path = film.save(tmp_path / "film.gif")
    for index, (window, cell) in enumerate(decoded(path, layout)):
        row, column = divmod(index, film.trace.shape[1])
        wanted = layout.input.grids[0].box(row * step[0], column * step[1], *taps)
        assert np.abs(np.subtract(window, wanted)).max() <= 2
        wanted = layout.output.grids[0].box(row, column)
        assert np.abs(np.subtract(cell, wanted)).max() <= 2
    assert index + 1 == len(film)


def test_the_animation_of_the_lesson_stays_small(tmp_path):
    film = animate(COUNTED, "box", padding=1)
    assert (len(film), film.size) == (36, (1000, 500))
    assert film.save(tmp_path / "lesson.gif").stat().st_size <= 100_000


@pytest.mark.parametrize("drawing", ["numbers", "lens"])
def test_the_smallest_size_has_room_for_a_lesson(drawing):
    film = animate(ramp(3, 3), "box", size=(300, 200), drawing=drawing)
    assert film.frame(4).size == (300, 200)


# Machado, Oliveira and Fernandes, A physiologically-based model for simulation of color vision
# deficiency (2009), table 1, severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def seen_by(colours, vision):
    """CIELAB (D65) of sRGB colours 0..255 as an eye sees them."""
    values = np.asarray(colours, float) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
              [0.0193339, 0.1191920, 0.9503041]]  # fmt: skip
    x, y, z = (linear @ np.transpose(matrix) / [0.95047, 1, 1.08883]).T
    f = [np.where(t > 216 / 24389, np.cbrt(t), t * 841 / 108 + 4 / 29) for t in (x, y, z)]
    return np.stack([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])], axis=-1)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", PALETTES)
def test_mark_or_halo_differs_from_every_colour_to_every_eye(name, theme, vision):
    ground = colormaps[PALETTES[name]](np.linspace(0, 1, 256), bytes=True)[:, :3]
    far = [
        np.linalg.norm(seen_by(ground, vision) - seen_by([colour], vision), axis=1)
        for colour in (theme.mark, theme.halo)
    ]
    assert np.maximum(*far).min() > 20
    apart = np.subtract(*(seen_by([c], vision) for c in (theme.mark, theme.halo)))
    assert np.linalg.norm(apart) > 20


def test_the_mark_stands_beside_its_halo():
    for dark, theme in ((False, LIGHT), (True, DARK)):
        film = motion(dark=dark)
        grid, window = film._drawing.layout.input.grids[0], film.trace[0].window
        left, top, right, bottom = grid.box(window.top, window.left, window.height, window.width)
        column = np.asarray(film.frame(0))[top : bottom + 1, (left + right) // 2]
        assert (column[[1, -2]] == theme.mark).all()
        assert (column[[2, -3]] == theme.halo).all()


def test_the_lens_covers_no_number_of_another_plane():
    for name in ("plain", "padding", "transposed", "max", "detect"):
        for size in ((700, 350), (1000, 500), (500, 900)):
            drawing = motion(
                name, drawing="lens", size=(6, 5) if size[0] < 600 else (5, 6)
            )._drawing
            boxes = []
            for plane in drawing.planes:
                places = np.array(drawing.camera.quad(plane.corners()))
                boxes.append((places.min(axis=0), places.max(axis=0)))
            for one, other in itertools.combinations(boxes, 2):
                assert (one[1] < other[0]).any() or (other[1] < one[0]).any()


def test_every_colour_becomes_its_nearest_of_the_palette():
    palette = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
    picture = np.random.default_rng(2).integers(0, 256, (90, 120, 3), np.uint8)
    indexer = Indexer(palette.tobytes())
    apart = picture[:, :, None].astype(int) - palette[None, None, :255].astype(int)
    wanted = (apart**2).sum(axis=3).argmin(axis=2)
    for _ in range(2):
        found = np.asarray(indexer.places(Image.fromarray(picture)))
        assert (found == wanted).all()


def test_the_series_is_remade_by_its_script(tmp_path, capsys):
    names = ["no_padding_strides_transposed", "numerical_max_pooling"]
    SERIES["main"](tmp_path, names)
    printed = capsys.readouterr().out.split()
    assert printed == [str(tmp_path / f"{name}.gif") for name in names]
    for name in names:
        kept = ROOT / "images" / "arithmetic" / f"{name}.gif"
        with Image.open(tmp_path / f"{name}.gif") as made, Image.open(kept) as before:
            assert (made.n_frames, made.size) == (before.n_frames, before.size)
    kept = {path.stem for path in (ROOT / "images" / "arithmetic").glob("*.gif")}
    assert kept == set(SERIES["SERIES"])


@pytest.mark.parametrize("size", [(400, 260), (1000, 500), (1600, 800)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_a_block_are_alike_and_keep_two_digits(seed, size):
    """One count of decimals, one notation, and no number that reads as another."""
    image = np.random.default_rng(seed).normal(size=(5, 6)).round(2 + seed)
    film = animate(image, "1.2 -0.123; 1/3 -2", size=size)
    scene = film._drawing.scene
    for sheet in (scene.input, scene.output):
        texts = [text for row in sheet.texts[0] for text in row]
        assert not (any("." in text for text in texts) and any("/" in text for text in texts))
        most = max(len(text.partition(".")[2]) for text in texts)
        for text, value in zip(texts, sheet.values.ravel().tolist(), strict=True):
            if text == "…":
                assert f"{round(value, most):.2g}" != f"{value:.2g}" or most == 0
                continue
            told = float(Fraction(text.replace("−", "-")))
            assert abs(told - value) <= 0.051 * abs(value)
            assert "/" in text or abs(told - value) <= max(0.5001 * 10**-most, 5e-3 * abs(value))
    weights = {text for row in scene.weights for text in row}
    assert weights == {"1.2", "−0.123", "0.333", "−2"}


def test_a_number_without_room_is_left_out_and_never_cut_to_another():
    assert texts_with_room(["−6/5", "0.23"], [-1.2, 0.23], 12, 8) in (
        (["…", "…"], 0), (["−6/5", "0.23"], 0),
    )  # fmt: skip
    found, size = texts_with_room(["−6/5", "3", "12.25"], [-1.2, 3, 12.25], 22, 8)
    assert (found, size > 0) == (["−1.2", "3", "12.2"], True)


@pytest.mark.parametrize(
    ("options", "ends"),
    [
        (dict(activation="relu"), ("0", "30")),
        (dict(), ("−30", "30")),
        (dict(activation="leaky_relu"), ("−30", "30")),
        (dict(stage="detect"), ("0", "30")),
    ],
    ids=["relu", "none", "leaky", "detect"],
)
def test_a_scale_has_no_half_that_cannot_be_reached(options, ends):
    film = animate(np.arange(36).reshape(6, 6) % 7 - 2, "edge", **options)
    assert film._drawing.scene.output.ends == ends


def test_whole_numbers_that_float32_cannot_hold_are_said():
    for image, note in (([[16777217, 1]], "rounded to float32"), ([[16777216, 1]], "")):
        film = animate(image, "1 1", padding="valid")
        assert film._drawing.scene.input.note == note


def relative_luminance(colour):
    """Slow and plain, as WCAG 2.2 defines it."""
    total = 0.0
    for share, value in zip((0.2126, 0.7152, 0.0722), colour, strict=True):
        part = value / 255
        total += share * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
    return total


def test_the_contrast_of_two_colours_is_that_of_the_definition():
    for one, other in itertools.product([(0, 0, 0), (190, 20, 145), (90, 91, 92)], repeat=2):
        low, high = sorted([relative_luminance(one), relative_luminance(other)])
        assert contrast(one, other) == pytest.approx((high + 0.05) / (low + 0.05))


@pytest.mark.parametrize("dilation", [1, 2], ids=["light", "light and veil"])
@pytest.mark.parametrize("dark", [False, True], ids=["light paper", "dark paper"])
def test_numbers_in_the_window_of_the_lens_can_be_read(dark, dilation):
    seen = animate(
        ramp(7, 7), LOPSIDED, drawing="lens", padding=1, dilation=dilation, dark=dark,
    )  # fmt: skip
    drawing = seen._drawing
    left, top, *_ = drawing.box
    for index in (0, len(seen) // 2, len(seen) - 1):
        # As drawn: the 255 colours of a file may move a ground by a step, 4.49 at the least.
        pixels, window = np.asarray(drawing.frame(index)), seen.trace[index].window
        for row, column in itertools.product(range(window.height), range(window.width)):
            corner = drawing.planes[0].corner(window.top + row + 0.5, window.left + column + 0.5)
            x, y = (round(at / drawing.zoom) for at in drawing.camera.project(corner))
            part = pixels[y + top - 6 : y + top + 7, x + left - 9 : x + left + 10].reshape(-1, 3)
            colours, counts = np.unique(part, axis=0, return_counts=True)
            ground = colours[counts.argmax()].tolist()
            assert max(contrast(colour, ground) for colour in colours.tolist()) >= 4.5


def filled_share(seen, axis):
    """Share of the picture's height (0) or width (1) from the first cell to the last."""
    layout = seen._drawing.layout
    grids = [*layout.input.grids, *layout.middle.grids, *layout.output.grids]
    if axis:
        return (max(g.right for g in grids) - min(g.left for g in grids)) / seen.size[0]
    return (max(g.bottom for g in grids) - min(g.top for g in grids)) / seen.size[1]


@pytest.mark.parametrize("shape", [(4, 4), (6, 6), (5, 8), (5, 5, 3)], ids=str)
@pytest.mark.parametrize("size", [(800, 1200), (500, 900), (1080, 1920)], ids=str)
def test_a_tall_picture_is_filled_by_parts_below_each_other(size, shape):
    image = np.arange(np.prod(shape)).reshape(shape)
    seen = animate(image, LOPSIDED, padding=1, size=size, color="sum" if shape[2:] else "grey")
    # The planes of three channels are a tall block: beside it there may be more room.
    assert seen._drawing.layout.down or shape[2:]
    assert filled_share(seen, 0) >= 0.55
    assert seen._drawing.types.value
    assert seen._drawing.types.result


def test_the_sum_of_three_channels_has_its_numbers():
    image = np.random.default_rng(3).random((5, 8, 3))
    seen = animate(image, LOPSIDED, color="sum")
    assert seen._drawing.types.result
    assert seen._drawing.types.product
    assert seen._drawing.layout.output.grids[0].cell >= seen._drawing.layout.input.grids[0].cell
    assert filled_share(seen, 1) > 0.85


@pytest.mark.parametrize("size", [(12, 200), (200, 12), (40, 12), (9, 9), (40, 40)], ids=str)
def test_the_kernel_of_the_lens_is_no_larger_than_the_maps(size):
    drawing = animate(ramp(*size), LOPSIDED, drawing="lens", most_steps=9999)._drawing
    below, above, kernel = drawing.planes
    assert kernel.edge >= 1
    assert kernel.edge * kernel.rows <= max(below.rows, above.rows) + 1e-9
    assert kernel.edge * kernel.columns <= max(below.columns, above.columns) + 1e-9
