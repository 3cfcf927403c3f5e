"""The page as one sees and uses it, in a real browser, held against ``featviz.extract``."""

import io
import itertools
import json
import os
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from browser import opened, watch
from definitions import LOPSIDED
from PIL import Image

import featviz as fv
from featviz.panels import panels_from_extraction
from featviz.render.drawing import colours_of
from featviz.render.web.pages import LIMIT_BYTES, SCRIPTS, Page, page

WEB = Path(fv.__file__).parent / "web"
LINE = [[0, 1, 0, 0, 0, 0]] * 4 + [[0, 1, 0, 1, 1, 1]] + [[0, 1, 0, 0, 0, 0]]
WIDE = {"width": 1280, "height": 900}


def photo(height=48, width=40):
    """(H, W, 3) uint8 by a formula, no two rows or columns alike."""
    rows, columns = np.mgrid[:height, :width]
    planes = [
        rows * 5 + columns, columns * 6, 255 * ((rows - 20) ** 2 + (columns - 15) ** 2 < 120),
    ]  # fmt: skip
    return np.stack(planes, axis=2).clip(0, 255).astype(np.uint8)


class Reader:
    """Someone with the page before them."""

    def __init__(self, tab, made, folder):
        self.tab = tab
        self.path = Path(folder) / "page.html"
        made.save(self.path)
        self.go()

    def reset(self):
        """Back to the beginning, which is faster than another start."""
        self.tab.bring_to_front()  # those behind are slowed down
        self.tab.mouse.move(1, 1)
        self.tab.fill("#speed", "3")
        self.see("document.querySelector('#reset').click()")
        return self

    def wait(self, condition):
        """Until it holds; Playwright's own way needs the eval that the page forbids."""
        self.see(
            f"(async () => {{ const end = performance.now() + 8000; while (!({condition})) {{"
            " if (performance.now() > end) throw new Error('waited in vain');"
            " await new Promise((done) => setTimeout(done, 10)); } })()"
        )

    def go(self, fragment=""):
        self.tab.bring_to_front()
        self.tab.goto("about:blank")
        self.tab.goto(self.path.as_uri() + fragment)
        self.wait("globalThis.featviz && featviz.lastRedraw > 0")

    def see(self, script):
        return self.tab.evaluate(script)

    def text(self, selector):
        return self.tab.locator(selector).inner_text()

    def maps(self, stage):
        """(H, W, F) float32 of a stage as the page holds it."""
        found = self.see(
            f"(({{maps, height, width}}) => [maps.map((map) => [...map]), height, width])"
            f"(featviz.view.run.{stage})"
        )
        maps, height, width = found
        return np.array(maps, np.float32).reshape(-1, height, width).transpose(1, 2, 0)

    def python(self):
        self.see("featviz.keepNow()")
        return self.tab.locator("#python").input_value()

    def choose(self, stage, row, column):
        self.see(
            f"featviz.choose(featviz.view, {{stage: '{stage}', row: {row}, column: {column}}})"
        )

    def cell(self):
        return tuple(self.see("((c) => [c.stage, c.row, c.column])(featviz.view.state.cell)"))

    def spot(self, stage, row, column):
        """Where a cell lies on the panel, in pixels from the panel's corner."""
        return self.see(
            f"(({{plane, across, down}}) => ({{x: (plane.left + {column} + 0.5) * across,"
            f" y: (plane.top + {row} + 0.5) * down}}))(featviz.view.stages.{stage}.frame)"
        )


def island(made):
    """What the page is told."""
    (text,) = re.findall(r'id="featviz-data">(.*?)</script>', made.html)
    return json.loads(text)


@pytest.fixture(scope="module")
def tabs(browser):
    """Three tabs for the module; at the end nothing was asked for and no error was said."""
    context = browser.new_context(viewport=WIDE, accept_downloads=True)
    watched = [watch(context.new_page()) for _ in range(3)]
    yield [item.page for item in watched]
    context.close()
    assert [item.requests + item.errors for item in watched] == [[], [], []]


@pytest.fixture
def tab(tabs):
    return tabs[2]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    Image.fromarray(photo()).save(folder / "photo.png")
    return folder


@pytest.fixture(scope="module")
def line_page():
    return page(LINE, [[1, -1], [1, -1]], padding="valid", title="a line")


@pytest.fixture(scope="module")
def photo_page(files):
    return page(files / "photo.png", {"lopsided": LOPSIDED, "edge": "edge"}, stride=(2, 1))


@pytest.fixture(scope="module")
def line_reader(tabs, line_page, tmp_path_factory):
    return Reader(tabs[0], line_page, tmp_path_factory.mktemp("line"))


@pytest.fixture(scope="module")
def picture_reader(tabs, photo_page, tmp_path_factory):
    return Reader(tabs[1], photo_page, tmp_path_factory.mktemp("photo"))


@pytest.fixture
def line(line_reader):
    return line_reader.reset()


@pytest.fixture
def picture(picture_reader):
    return picture_reader.reset()


def test_typed_numbers_and_moved_settings_give_what_their_line_of_python_gives(
    picture, files, monkeypatch
):
    monkeypatch.chdir(files)
    tab = picture.tab
    tab.select_option("#preset", label="bottom_sobel")
    tab.fill("#kernel-columns", "4")
    tab.locator("#kernel-columns").blur()
    tab.fill('[aria-label="kernel, row 1, column 3"]', "−1/9")
    tab.fill('[aria-label="kernel, row 0, column 0"]', "2e-1")
    tab.select_option("#padding-rows", "pads")
    tab.fill("#padding-bottom", "3")
    tab.select_option("#padding-columns", "full")
    tab.fill("#dilation-rows", "2")
    tab.select_option("#border", "reflect")
    tab.fill("#bias", "-0.25")
    tab.select_option("#activation", "leaky_relu")
    tab.fill('[aria-label="negative slope"]', "0.1")
    tab.select_option("#pool", "average")
    tab.fill("#pool_size-rows", "3")
    tab.fill("#pool_stride-rows", "2")
    tab.select_option("#color", "each")
    words = picture.python()
    run = eval(words, {"fv": fv})
    assert "stride=(2, 1)" in words
    assert '"-1/9"' in words
    assert len(run.labels) == 3
    for name in ("filtered", "detected", "condensed"):
        np.testing.assert_allclose(picture.maps(name), getattr(run, name), atol=1e-6)
    settings = picture.see("featviz.view.state.settings")
    assert settings["padding"] == [[1, 3], "full"]


def test_a_preset_is_called_by_its_name_and_own_numbers_are_written_out(picture):
    assert picture.python() == (
        'fv.extract("photo.png", [[1, 2, -3], [0.5, -1, 4]], stride=(2, 1))'
    )
    picture.tab.select_option("#preset", label="sharpen")
    assert picture.python() == 'fv.extract("photo.png", "sharpen", stride=(2, 1))'


@pytest.mark.parametrize("scale", ["shared", "signed", "each"])
def test_colours_and_captions_are_those_of_the_figures(picture, files, scale):
    picture.tab.select_option("#scale", scale)
    picture.tab.fill("#bias", "-2")  # so that the stages differ in their largest magnitude
    run = fv.extract(files / "photo.png", {"lopsided": LOPSIDED}, stride=(2, 1), bias=-2)
    for panel, stage in zip(panels_from_extraction(run, scale=scale), fv.STAGES, strict=True):
        shown = picture.see(
            f"(({{base, lines, title, name}}) => [base.width, base.height,"
            f" [...base.getContext('2d').getImageData(0, 0, base.width, base.height).data],"
            f" title.textContent, name.textContent, ...lines.map((line) => line.textContent)])"
            f"(featviz.panels.{stage})"
        )
        width, height, data, title, name, first, second, _ = shown
        assert f"{title}\n{name}" == panel.title
        assert (first, second.split(" · ")[0]) == panel.lines
        plane = picture.see(f"featviz.view.stages.{stage}.plane")
        pixels = np.array(data, np.int64).reshape(height, width, 4)
        pixels = pixels[plane["top"] :, plane["left"] :][: plane["height"], : plane["width"]]
        expected = colours_of(panel).to_rgba(panel.pixels, bytes=True).astype(np.int64)
        same = (pixels == expected).all(axis=2)
        assert same.mean() > 0.99, stage  # the rest lies between two colours, by rounding
        assert np.abs(pixels - expected).max() <= 6, stage


def test_active_share_size_formula_pads_and_unreached_cells_are_said(picture, files):
    run = fv.extract(files / "photo.png", {"lopsided": LOPSIDED}, stride=(2, 1))
    active = (run.detected > 0).mean()
    assert f"{active:.0%}".replace("%", " % active") in picture.text("#panel-detect")
    assert "rows ⌊(48 + 0 + 0 − 2)/2⌋ + 1 = 24" in picture.text("#panel-filter")
    assert "columns ⌊(40 + 1 + 1 − 3)/1⌋ + 1 = 40" in picture.text("#panel-filter")
    assert "(+0 top, +0 bottom, +1 left, +1 right)" in picture.text("#run-line")
    assert "2×3 · sum 3.5 · gives −4 to 7.5 on a 0..1 image" in picture.text("#kernel-facts")
    picture.tab.select_option("#padding-columns", "valid")
    picture.tab.fill("#stride-columns", "5")
    assert "No window of the kernel reaches columns 3, 4, 8, 9" not in picture.text("#left-over")
    assert "No window of the kernel reaches 16 columns." in picture.text("#left-over")


def test_dead_and_constant_maps_are_called_so(line):
    line.tab.fill("#bias", "-9")
    assert line.text("#panel-detect .mark") == "dead: all 0"
    line.tab.select_option("#preset", label="kernel")
    for input_ in line.tab.locator("#cells input").all():
        input_.fill("0")
    assert line.text("#panel-filter .mark") == "constant: all −9"


def test_a_click_shows_window_products_sum_bias_and_activation(line):
    line.tab.fill("#bias", "1/2")
    line.tab.locator("#plane-detect").click(position=line.spot("detect", 3, 2))
    assert line.cell() == ("detect", 3, 2)
    place = "Its window: rows 3 to 4, columns 2 to 3 of the image, counted from 0."
    assert line.text("#place") == place
    tables = line.tab.locator("#products table")
    cells = [tables.nth(index).locator("td").all_inner_texts() for index in range(3)]
    assert cells == [["0", "0", "0", "1"], ["1", "−1", "1", "−1"], ["0", "0", "0", "−1"]]
    assert line.tab.locator("#sum-line span").all_inner_texts() == [
        "0·1 + 0·(−1) + 0·1 + 1·(−1) =\u00a0−1",
        "with the bias: −1 + 1/2 =\u00a0−1/2",
        "relu(−1/2) =\u00a00",
    ]


def test_the_pointer_shows_a_cell_and_gives_the_chosen_one_back(line):
    line.choose("filter", 0, 0)
    line.tab.locator("#plane-filter").hover(position=line.spot("filter", 2, 1))
    line.wait("document.querySelector('#sum-line').innerText.endsWith('=\u00a02')")
    assert line.text("#arithmetic-title").endswith("filter, row 2, column 1")
    line.tab.mouse.move(2, 2)
    assert line.text("#arithmetic-title").endswith("filter, row 0, column 0")


def test_a_max_pool_shows_its_window_and_the_winner(line):
    line.choose("condense", 2, 0)
    assert line.text("#sum-line") == "max(0, 2) =\u00a02"
    assert line.tab.locator("#products td").all_inner_texts() == ["0", "2", "·", "·"]
    assert line.tab.locator("#products td.won").all_inner_texts() == ["2"]
    line.tab.select_option("#pool", "average")
    assert line.text("#sum-line") == "(0 + 2) / 2 =\u00a01"


def test_padding_is_hatched_and_dilation_leaves_gaps(line):
    line.tab.select_option("#padding-rows", "full")
    line.tab.fill("#dilation-rows", "2")
    line.choose("filter", 0, 0)
    place = "rows −2, 0, columns −2, 0 of the image"
    assert place in line.text("#place")
    cells = line.tab.locator("#products table").first.locator("td").all()
    assert [cell.get_attribute("class") for cell in cells] == ["padding"] * 3 + [None]
    plane = line.see("featviz.view.stages.image.plane")
    assert (plane["top"], plane["tall"], plane["left"], plane["wide"]) == (2, 10, 2, 10)


def marked(reader, stage, row, column):
    """Whether a mark is drawn at a place of a panel, in cells from its corner."""
    place = reader.see(
        f"(({{across, down}}) => [{column} * across, {row} * down].map(Math.round))"
        f"(featviz.view.stages.{stage}.frame)"
    )
    alpha = reader.see(
        f"featviz.panels.{stage}.over.getContext('2d').getImageData(...{place}, 1, 1).data[3]"
    )
    return alpha > 0


def test_window_and_cell_are_outlined_where_they_are(line):
    line.choose("filter", 3, 2)
    above = [marked(line, "image", row, 2.5) for row in range(1, 6)]
    assert above == [False, False, True, False, True]
    above = [marked(line, "filter", row, 2.5) for row in range(1, 5)]
    assert above == [False, False, True, True]


def test_keys_step_jump_and_play(line):
    line.choose("filter", 0, 0)
    line.tab.locator("#plane-filter").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp"):
        line.tab.keyboard.press(key)
    assert line.cell() == ("filter", 1, 0)
    assert line.text("#told") == "filter, row 1, column 0: −2 (cell 6 of 25)"
    line.tab.keyboard.press("End")
    assert line.cell() == ("filter", 4, 4)
    line.tab.keyboard.press("Home")
    assert line.cell() == ("filter", 0, 0)
    line.tab.locator("#plane-filter").blur()
    line.tab.keyboard.press("ArrowRight")
    assert line.cell() == ("filter", 0, 1)
    line.tab.fill("#speed", "8")
    line.tab.locator("#speed").blur()
    line.tab.keyboard.press(" ")
    line.wait("document.querySelector('#play').textContent === 'Play'")
    assert line.cell() == ("filter", 4, 4)
    line.tab.keyboard.press("n")
    assert line.see("featviz.view.written") is False


def test_buttons_slider_and_play_move_through_the_cells_without_a_jump(line):
    line.choose("filter", 0, 0)
    line.tab.click("#forward")
    line.tab.click("#forward")
    line.tab.click("#back")
    assert line.cell() == ("filter", 0, 1)
    line.tab.keyboard.press("ArrowRight")  # the button keeps the focus, the keys go on working
    assert line.cell() == ("filter", 0, 2)
    line.tab.fill("#scrub", "13")
    assert line.cell() == ("filter", 2, 3)
    line.tab.select_option("#stage", "condense")
    assert line.cell() == ("condense", 2, 2)
    line.choose("filter", 0, 0)
    line.python()  # its field has come to rest
    height = line.see("document.documentElement.scrollHeight")
    line.tab.click("#play")
    assert line.text("#play") == "Pause"
    line.wait("featviz.view.state.cell.column > 0")
    assert line.see("document.documentElement.scrollHeight") == height
    line.tab.click("#play")
    assert line.text("#play") == "Play"


def test_cover_hides_what_comes_after(line):
    line.choose("filter", 2, 1)
    line.tab.check("#cover")
    cells = ((1, 4), (2, 0), (2, 2), (4, 0))
    covered = [marked(line, "filter", row + 0.5, column + 0.5) for row, column in cells]
    assert covered == [False, False, True, True]
    assert marked(line, "detect", 0.5, 0.5)


def test_practice_takes_fractions_gives_hints_and_counts(line):
    tab = line.tab
    line.go()
    tab.fill('[aria-label="kernel, row 0, column 0"]', "1/3")
    tab.click("#practice-start")
    row, column = line.see("[featviz.view.practice.row, featviz.view.practice.column]")
    value = float(line.maps("filtered")[row, column, 0])
    assert set(tab.locator("#products table").nth(2).locator("td").all_inner_texts()) == {"?"}
    assert "hidden" not in tab.locator("#panel-filter").inner_text()
    assert line.text("#sum-line").endswith("= ?")
    assert "hidden" in tab.locator("#plane-filter").get_attribute("aria-label")
    tab.fill("#guess", str(value + 1))
    tab.keyboard.press("Enter")
    assert "is not it" in line.text("#practice-told")
    assert line.text("#score") == "0 of 1 right"
    tab.click("#practice-hint")
    shown = tab.locator("#products table").nth(2).locator("td").all_inner_texts()
    assert shown.count("?") in (0, 3)  # none where the others are 0
    rest = "more to go|all other products are 0"
    assert re.search(rf"·.* [=≈] .*({rest})", line.text("#practice-told"))
    tab.fill("#guess", f"{round(value * 3)}/3")
    tab.keyboard.press("Enter")
    assert line.text("#practice-told").startswith("Right: ")
    assert "?" not in line.text("#sum-line")
    assert line.text("#score") == "1 of 1 right"
    tab.keyboard.press("Enter")  # the button for the next one has the focus
    assert line.see("featviz.view.practice.done") is False
    tab.fill("#guess", "many")
    tab.keyboard.press("Enter")
    assert line.text("#practice-told").startswith("the answer must hold numbers")
    tab.click("#practice-stop")
    assert tab.locator("#guess").is_hidden()


def test_a_hint_mixes_no_fraction_with_rounded_decimals(tab, tmp_path):
    image = np.array([[[30], [31]]], np.uint8)  # 30/255 = 2/17; 31/255 has no small fraction
    reader = Reader(tab, page(image, [[1, "1/3"]], padding="valid", pool="none"), tmp_path)
    hints = []
    tab.click("#practice-start")
    for _ in range(2):
        tab.click("#practice-hint")
        hints.append(reader.text("#practice-told"))
    assert hints == ["2/17·1 = 2/17; 1 more to go.", "0.122·0.333 ≈ 0.0405."]


@pytest.mark.parametrize(
    ("guess", "value", "right"),
    [
        (7, 7, True), (7.1, 7, False), (1.56, 14 / 9, True), (1.55, 14 / 9, False),
        (0.0784, 0.078431, True), (0.0783, 0.078431, False), (0, 0, True), (0.1, 0, False),
        (1234, 1234, True), (1235, 1234, False), (1235, 1234.4, False), (1234, 1234.4, True),
    ],
)  # fmt: skip
def test_a_guess_is_right_within_half_of_the_last_digit_shown(line, guess, value, right):
    tab = line.tab
    line.see("featviz.setKernel(featviz.view, 'own numbers', [['0']])")
    tab.fill("#bias", repr(value))  # now every cell of filter holds the value
    tab.select_option("#stage", "filter")
    tab.click("#practice-start")
    tab.fill("#guess", repr(guess))
    tab.keyboard.press("Enter")
    assert line.text("#practice-told").startswith("Right: ") is right


@pytest.mark.parametrize(
    ("image", "kernel", "stage", "guess"),
    [
        ([[0.1, 0.2, 0.3]], "1 1 -1", "filter", "0"),
        ([[0.1, 0.2, 0.3]], "1 1 -1", "detect", "0"),
        ([[16777216, 1]], "1 1", "filter", "16777216"),
    ],
    ids=["rounding", "rounding through relu", "large"],
)
def test_practice_takes_what_the_numbers_stand_for(tab, tmp_path, image, kernel, stage, guess):
    reader = Reader(tab, page(image, kernel, padding="valid", pool="none"), tmp_path)
    tab.select_option("#stage", stage)
    tab.click("#practice-start")
    tab.fill("#guess", guess + "5")
    tab.keyboard.press("Enter")
    assert reader.text("#practice-told").startswith(f"{guess}5 is not it")
    tab.fill("#guess", guess)
    tab.keyboard.press("Enter")
    assert reader.text("#practice-told").startswith("Right: ")


def test_practice_asks_for_zero_where_rounding_alone_keeps_a_pool_from_it(tab, tmp_path):
    kernel = [[0.1, 0.7, -0.8], [0.3, -0.4, 0.1]]
    made = page([[0.1] * 3] * 2, kernel, padding="valid", activation="linear")
    reader = Reader(tab, made, tmp_path)
    assert reader.see("featviz.view.run.condensed.maps[0][0]") != 0
    for stage in ("filter", "condense"):
        tab.select_option("#stage", stage)
        tab.click("#practice-start")
        tab.fill("#guess", "0")
        tab.keyboard.press("Enter")
        assert reader.text("#practice-told") == "Right: 0."
        tab.click("#practice-stop")


def test_a_bright_pixel_hides_no_small_value_and_cancelled_sums_are_zero(tab, tmp_path):
    image = np.full((4, 6), 0.1)
    image[0, 0], image[3, 4] = 1e20, 0.102
    kernel = [[0.1, 0.7, -0.8], [0.3, -0.4, 0.1]]
    reader = Reader(tab, page(image, kernel, padding="valid", activation="linear"), tmp_path)
    run = fv.extract(image, kernel, padding="valid", activation="linear")
    panels = fv.panels_from_extraction(run)
    for stage, panel in zip(("filter", "detect", "condense"), panels[1:], strict=True):
        found = reader.see(f"featviz.view.stages.{stage}.texts")
        assert found == [text for row in panel.cells for text in row]
        assert panel.lines[1] in reader.text(f"#panel-{stage}")
        assert "0.0002" in found
    reader.choose("filter", 1, 1)
    assert "row 1, column 1: 0 (" in reader.text("#told")


TINY = np.array([[0, 51, 102], [255, 0, 51], [5, 250, 255]], np.uint8)
POOLED = dict(pool="average", pool_size=3, pool_stride=2, pool_padding=1)


@pytest.mark.parametrize(
    ("image", "kernel", "options"),
    [(TINY, "edge", POOLED), ([[0.1, 0.2], [0.3, 0.6]], "1 1; 1 -1", {"padding": "valid"})],
    ids=["bytes", "decimals"],
)
def test_a_cell_is_zero_everywhere_or_nowhere(tab, tmp_path, image, kernel, options):
    """Trace, matrices, panels, animation and page say the same of every cell."""
    reader = Reader(tab, page(image, kernel, **options), tmp_path)
    run = fv.extract(image, kernel, **options)
    panels = fv.panels_from_extraction(run)
    matrices = str(fv.text_from_extraction(run))
    assert "e-0" not in matrices
    for stage, panel in zip(("filter", "detect", "condense"), panels[1:], strict=True):
        zeros = np.array(reader.see(f"featviz.view.stages.{stage}.texts")) == "0"
        zeros = zeros.reshape(run.stage(stage).shape[:2])
        np.testing.assert_array_equal(np.array(panel.cells) == "0", zeros)
        film = fv.animate(image, kernel, stage=stage, activation="relu", **options)
        if stage != "filter":
            cells = np.array(film._drawing.scene.output.texts[0])
            np.testing.assert_array_equal(cells == "0", zeros)
        told = fv.trace(image, kernel, stage=stage, **options)
        for row, column in np.argwhere(zeros):
            line = fv.text_from_step(told, told.at(row, column)).partition(";")[0]
            assert re.search(r"= 0( \(float32: \S+\))?$", line)
            reader.choose(stage, int(row), int(column))
            assert f"row {row}, column {column}: 0 (" in reader.text("#told")
            assert "= 0" in reader.text("#sum-line").replace("\u00a0", " ")


def test_the_sum_of_rounded_pixels_has_the_digits_of_the_trace(tab, tmp_path):
    random = np.random.default_rng(1)
    colours = random.integers(100, 104, (7, 7, 3)).astype(np.uint8)
    reader = Reader(tab, page(colours, "edge", padding="valid", pool="none"), tmp_path)
    told = fv.trace(colours, "edge", padding="valid")
    for step in told:
        reader.choose("detect", *step.cell)
        lines = reader.tab.locator("#sum-line span").all_inner_texts()
        assert "; ".join(lines).replace("\u00a0", " ") == fv.text_from_step(told, step)


def test_every_brightness_reads_the_same_on_the_page_and_in_the_trace(tab, tmp_path):
    random = np.random.default_rng(3)
    colours = random.integers(0, 256, (1, 60, 3)).astype(np.uint8)
    colours[0, 0] = 1, 183, 172  # stored as 0.499325514, of which seven digits are 0.4993255
    options = dict(padding="valid", activation="linear")
    reader = Reader(tab, page(colours, [[1]], pool="none", **options), tmp_path)
    told = fv.trace(colours, [[1]], **options)
    for column in range(60):
        reader.choose("filter", 0, column)
        line = reader.tab.locator("#sum-line span").inner_text().replace("\u00a0", " ")
        assert line == fv.text_from_step(told, told.at(0, column))
    assert fv.text_from_step(told, told[0]) == "0.499326·1 ≈ 0.499326"
    matrices = str(fv.text_from_extraction(fv.extract(colours, [[1]], **options)))
    assert matrices.count("0.499326") == 4


def test_practice_says_zero_where_the_pixels_are_only_stored_wrongly(tab, tmp_path):
    image, kernel = [[0.1, 0.2], [0.3, 0.6]], "1 1; 1 -1"
    reader = Reader(tab, page(image, kernel, padding="valid", pool="none"), tmp_path)
    for stage in ("filter", "detect"):
        tab.select_option("#stage", stage)
        tab.click("#practice-start")
        tab.fill("#guess", "0")
        tab.keyboard.press("Enter")
        assert reader.text("#practice-told") == "Right: 0."
        tab.click("#practice-stop")


def test_practice_asks_finite_cells_never_one_twice_and_tells_no_range(tab, tmp_path):
    reader = Reader(tab, page([[3e38, 3e38, 1, 2]], "1 1", padding="valid", pool="none"), tmp_path)
    tab.click("#practice-start")
    asked = []
    for _ in range(12):
        asked.append(reader.see("featviz.view.practice.column"))
        tab.click("#practice-next")
    assert set(asked) == {1, 2}
    assert all(first != second for first, second in itertools.pairwise(asked))
    for stage, told in (("image", True), ("filter", False), ("detect", False)):
        assert (" to " in reader.text(f"#panel-{stage}")) is told
    tab.keyboard.press("Enter")
    assert reader.text("#practice-told") == "Type a number."
    tab.click("#practice-stop")
    assert "1 infinite" in reader.text("#panel-filter")


def test_a_smaller_kernel_ends_the_practice_and_shows_its_own_numbers(tab, tmp_path):
    made = page(photo(9, 9), ["edge", [[1, -1], [0.5, "1/3"]]])
    reader = Reader(tab, made, tmp_path)
    tab.click("#practice-start")
    tab.select_option("#preset", index=1)
    assert reader.see("featviz.view.run.rows.length") == 2
    assert tab.locator("#products table").nth(1).locator("td").all_inner_texts() == [
        "1", "−1", "0.5", "1/3",
    ]  # fmt: skip
    assert tab.locator("#guess").is_hidden()
    tab.locator('[aria-label="kernel, row 1, column 1"]').focus()
    reader.see("location.hash = '#k=5'")
    reader.wait("featviz.view.run.rows.length === 1")


@pytest.mark.parametrize(
    ("image", "kernel", "options", "lines"),
    [
        ([[16777216, 1]], "1 1", {}, ["16777216·1 + 1·1 = 16777217 (float32: 16777216)"]),
        ([[3e38, 3e38]], "1 1", {}, ["3e+38·1 + 3e+38·1 ≈ 6e+38 (float32: inf)"]),
        ([[0.1, 0.2, 0.3]], "1 1 -1", {},
         ["1/10·1 + 1/5·1 + 3/10·(−1) = 0 (float32: −7.45058e−09)"]),
        ([[10, 10]], "1 1", {"activation": "sigmoid"}, ["10·1 + 10·1 = 20", "sigmoid(20) ≈ 1"]),
        ([[1, 2]], "1 1", {"activation": "leaky_relu(0.1)", "bias": -4},
         ["1·1 + 2·1 = 3", "with the bias: 3 + (−4) = −1", "leaky_relu(−1) = −1/10"]),
        ([[0.123456, 1]], "1 2", {}, ["0.123456·1 + 1·2 ≈ 2.12346"]),
    ],
    ids=["exact beyond float32", "overflow", "zero", "rounded", "exact", "six digits"],
)  # fmt: skip
def test_the_sum_says_what_is_rounded_and_what_the_map_holds(
    tab, tmp_path, image, kernel, options, lines
):
    reader = Reader(tab, page(image, kernel, padding="valid", pool="none", **options), tmp_path)
    reader.choose("detect" if "activation" in options else "filter", 0, 0)
    shown = [
        text.replace("\u00a0", " ")
        for text in reader.tab.locator("#sum-line span").all_inner_texts()
    ]
    assert shown == lines


def test_a_refused_field_neither_blocks_nor_outlives_the_next_edit(line):
    tab = line.tab
    tab.fill("#stride-rows", "99999")
    words = "stride must be a whole number from 1 to 10000; got 99999"
    assert line.text("#notice") == words
    assert "stale" in tab.locator("#page").get_attribute("class")
    assert "stride" not in line.python()
    tab.select_option("#pool", "average")
    assert line.see("featviz.view.run.settings.pool") == "average"
    assert tab.locator("#stride-rows").input_value() == "1"
    assert tab.locator("[aria-invalid]").count() == 0
    assert tab.locator("#notice").is_hidden()
    tab.fill("#bias", "many")
    tab.fill('[aria-label="kernel, row 0, column 0"]', "2")
    assert tab.locator("#bias").input_value() == "0"
    assert line.maps("filtered")[0, 0, 0] == -2
    tab.fill('[aria-label="kernel, row 0, column 0"]', "two")
    tab.fill("#bias", "5")
    assert tab.locator('[aria-label="kernel, row 0, column 0"]').input_value() == "2"
    assert line.maps("filtered")[0, 0, 0] == 3
    assert "stale" not in (tab.locator("#page").get_attribute("class") or "")


def test_an_impossible_setting_leaves_the_line_of_what_is_shown(line):
    before = line.python(), line.text("#panel-filter"), line.text("#sum-line")
    line.tab.fill("#dilation-rows", "6")
    assert "does not fit the image" in line.text("#notice")
    assert (line.python(), line.text("#panel-filter"), line.text("#sum-line")) == before
    line.tab.select_option("#padding-rows", "pads")
    assert "does not fit" not in line.text("#notice")
    line.tab.fill("#padding-top", "")
    assert line.text("#notice") == "padding, cells at the top must be a whole number; got none"


def test_a_kernel_that_does_not_fit_gives_way_to_another_setting(line):
    line.tab.fill("#kernel-rows", "9")
    line.tab.locator("#kernel-rows").blur()
    line.tab.fill("#bias", "1")
    assert line.see("featviz.view.run.rows") == [[1, -1], [1, -1]]
    assert line.tab.locator("#kernel-rows").input_value() == "2"
    assert line.tab.locator("#notice").is_hidden()


def test_a_pixel_of_the_image_shows_its_values_and_the_window_around_it(picture):
    tab = picture.tab
    tab.select_option("#preset", label="bottom_sobel")
    tab.fill("#stride-rows", "1")
    tab.locator("#plane-image").click(position=picture.spot("image", 7, 5))
    assert picture.cell() == ("filter", 7, 5)
    words = picture.text("#place")
    values = re.match(r"Image, row 7, column 5: red (\S+), green (\S+), blue (\S+), grey", words)
    shown = [float(Fraction(value)) for value in values.groups()]
    np.testing.assert_allclose(shown, photo()[7, 5] / 255, atol=5e-4)
    assert "Its window: rows 6 to 8, columns 4 to 6" in words
    assert marked(picture, "image", 7 + 1, 5.5 + 1)
    tab.locator("#plane-image").click(position=picture.spot("image", 0, 0))
    assert picture.cell() == ("filter", 0, 0)


def test_on_a_phone_the_sum_stands_under_the_panels(line):
    line.choose("filter", 3, 2)
    assert line.tab.locator("#tapped").is_hidden()
    line.tab.set_viewport_size({"width": 360, "height": 740})
    assert line.text("#tapped").endswith("0·1 + 0·(−1) + 0·1 + 1·(−1) =\u00a0−1")
    assert line.text("#tapped").startswith("filter, row 3, column 2: ")
    line.wait("document.querySelector('#tapped').previousElementSibling.id === 'panel-filter'")
    line.choose("condense", 0, 0)
    assert line.see("document.querySelector('#tapped').previousElementSibling.id") == (
        "panel-condense"
    )
    line.tab.set_viewport_size(WIDE)


def test_what_a_screen_reader_was_told_follows_the_settings(line):
    line.choose("filter", 0, 0)
    assert line.see("document.querySelector('#told').textContent").startswith(
        "filter, row 0, column 0: −2 "
    )
    line.tab.fill("#bias", "1")
    assert line.see("document.querySelector('#told').textContent").startswith(
        "filter, row 0, column 0: −1 "
    )


def test_the_address_keeps_the_settings(picture):
    tab = picture.tab
    tab.fill('[aria-label="kernel, row 0, column 0"]', "1/9")
    tab.select_option("#padding-rows", "pads")
    tab.fill("#padding-top", "4")
    tab.fill("#padding-bottom", "1")
    tab.select_option("#activation", "leaky_relu")
    tab.select_option("#scale", "each")
    picture.choose("condense", 3, 2)
    picture.python()
    fragment = picture.see("location.hash")
    assert "k=1/9,2,-3;0.5,-1,4" in fragment
    assert "padding=4+1,same" in fragment
    before = picture.see("JSON.stringify(featviz.view.state)"), picture.maps("condensed")
    picture.go(fragment)
    assert picture.see("JSON.stringify(featviz.view.state)") == before[0]
    np.testing.assert_array_equal(picture.maps("condensed"), before[1])
    tab.click("#reset")
    picture.python()
    assert picture.see("location.hash") in ("", "#")


HOSTILE = {
    "unknown": ("#evil=1", "must name settings such as stride or padding; got 'evil'"),
    "prototype": ("#__proto__=1", "must name settings"),
    "markup": ("#pool=<img src=x onerror=alert(1)>", "pool must be one of"),
    "huge stride": ("#stride=99999999", "stride must be a whole number"),
    "pads": ("#padding=9999+9999,9999+9999", "must give at most"),
    "products": (
        "#padding=1500&k=" + ";".join([",".join("1" * 31)] * 31), "must take at most 500000000",
    ),
    "ragged": ("#k=1,2;3", "rows of equal length"),
    "kernel": ("#k=" + ";".join([",".join("1" * 40)] * 40), "at most 31 rows and columns"),
    "no number": ("#k=1,alert(1)", "must hold numbers like"),
    "long": ("#k=" + "1," * 20000, "at most 20000 characters"),
    "percent": ("#pool=%E0%A4%A", "must be written in UTF-8"),
    "activation": ("#activation=constructor", "activation must be one of"),
    "cell": ("#cell=filter,1e9,x", "cell must hold whole numbers"),
    "valid": ("#k=" + ";".join(["1"] * 31), "does not fit the image"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_address_is_refused_with_a_sentence(line, name):
    fragment, words = HOSTILE[name]
    line.see(f"location.hash = {json.dumps(fragment)}")
    line.wait("!document.querySelector('#notice').hidden")
    assert line.text("#notice").startswith("The address was not followed: ")
    assert words in line.text("#notice")
    assert line.maps("filtered").shape == (5, 5, 1)
    assert line.tab.locator("img").count() == 0


@pytest.mark.parametrize("word", ["constructor", "toString", "valueOf", "__proto__"])
def test_numbers_of_the_address_take_their_own_words_alone(line, word):
    line.see(f"location.hash = '#numbers={word}'")
    line.wait("featviz.view.state.numbers === null")
    assert line.python().startswith("fv.extract(")


def test_a_wrong_number_is_marked_and_the_picture_stays(line):
    before = line.maps("filtered")
    box = line.tab.locator('[aria-label="kernel, row 0, column 1"]')
    box.fill("one")
    assert box.get_attribute("aria-invalid") == "true"
    assert line.text("#notice") == "kernel must hold numbers like 2, -0.5 or 1/9; got 'one'"
    np.testing.assert_array_equal(line.maps("filtered"), before)
    box.fill("-1")
    assert box.get_attribute("aria-invalid") is None
    assert line.tab.locator("#notice").is_hidden()


def test_a_mark_goes_when_another_field_makes_it_right(line):
    box = line.tab.locator("#pool_padding-top")
    line.tab.select_option("#pool_padding-rows", "pads")
    box.fill("2")
    assert box.get_attribute("aria-invalid") == "true"
    assert "pool_padding must be smaller than the pool window (2×2)" in line.text("#notice")
    line.tab.fill("#pool_size-rows", "3")
    assert box.get_attribute("aria-invalid") is None
    assert line.see("featviz.view.state.settings.pool_padding")[0] == [2, 1]
    assert line.tab.locator("#notice").is_hidden()


@pytest.mark.parametrize(("width", "lines"), [(360, 2), (1280, 1)], ids=["narrow", "wide"])
def test_a_size_formula_breaks_at_its_rounding_and_keeps_its_size(tab, tmp_path, width, lines):
    reader = Reader(tab, page(np.zeros((400, 400), np.uint8), "edge"), tmp_path)
    tab.set_viewport_size({"width": width, "height": 740})
    tab.select_option("#border", "reflect")
    tab.fill("#bias", "1")
    tab.check("#unlink")
    tab.fill("#stride-columns", "2")
    formulas = tab.locator("#panel-filter .sizes > span")
    assert formulas.all_text_contents() == [
        "⌊(400 + 1 + 1 − 3)/1⌋ + 1 = 400", "⌊(400 + 0 + 1 − 3)/2⌋ + 1 = 200",
    ]  # fmt: skip
    heights = [formula.bounding_box()["height"] for formula in formulas.all()]
    assert max(heights) < 20 * lines
    panel = tab.locator("#panel-filter").bounding_box()
    pieces = [piece.bounding_box() for piece in formulas.locator("span").all()]
    assert len(pieces) == 4
    assert all(piece["height"] < 20 for piece in pieces)
    assert all(piece["x"] + piece["width"] <= panel["x"] + panel["width"] + 1 for piece in pieces)
    sizes = "[...document.querySelectorAll('.sizes')].map((p) => getComputedStyle(p).fontSize)"
    assert min(float(size.removesuffix("px")) for size in reader.see(sizes)) >= 12
    assert reader.see("document.scrollingElement.scrollWidth") <= width
    assert reader.see("document.documentElement.scrollWidth") <= width
    tab.set_viewport_size(WIDE)


def test_cells_with_numbers_have_a_bar_that_practice_hides(tab, tmp_path):
    reader = Reader(tab, page(np.arange(30).reshape(5, 6), "1 -1; 2 3; 0 1"), tmp_path)
    most = reader.see("featviz.view.stages.filter.colours.limits[1]")
    ends = tab.locator("#shared-bar .ends span")
    assert float(ends.last.inner_text()) == pytest.approx(most, rel=1e-3)
    assert tab.locator("#panel-image .ends span").last.inner_text() == "29"
    tab.evaluate("featviz.view.practice = { stage: 'filter', done: false }")
    tab.evaluate("featviz.writeCaptions(featviz.view)")
    assert tab.locator("#shared-bar .bar").is_hidden()
    assert tab.locator("#panel-image .bar").is_visible()


def test_a_kernel_that_does_not_fit_is_said_and_the_old_pictures_fade(line):
    line.tab.fill("#kernel-rows", "7")
    line.tab.locator("#kernel-rows").blur()
    assert line.text("#notice").startswith("kernel 'own numbers' (7×2) does not fit the image")
    assert "stale" in line.tab.locator("#page").get_attribute("class")
    line.reset()
    assert line.tab.locator("#notice").is_hidden()


def test_another_size_keeps_the_numbers_that_are_there(line):
    line.tab.fill("#kernel-rows", "3")
    line.tab.locator("#kernel-rows").blur()
    assert line.see("featviz.view.state.kernel.texts") == [["1", "-1"], ["1", "-1"], ["0", "0"]]
    line.tab.fill("#kernel-rows", "1")
    line.tab.locator("#kernel-rows").blur()
    assert line.see("featviz.view.rows") == [[1, -1]]


def test_panels_are_saved_as_one_png(picture):
    with picture.tab.expect_download() as waiting:
        picture.tab.click("#save")
    saved = Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())).convert("RGB")
    assert waiting.value.suggested_filename == "photo-panels.png"
    pixels = np.asarray(saved).astype(int)
    assert saved.width > 2400
    assert (pixels[:4] == 255).all()  # a margin of white
    assert (pixels[:, :4] == 255).all()
    colourful = (np.ptp(pixels, axis=2) > 60).any(axis=0)
    assert colourful[saved.width // 4 :].mean() > 0.5
    reds = (pixels[:, :, 0] - pixels[:, :, 2] > 60).sum()
    assert reds > 1000


def test_names_are_text_and_nothing_else(tab, tmp_path):
    evil = '"><img src=x onerror=document.title="broken in"><script>alert(1)</script>'
    name = "<script>alert(1)</script> & 'quoted'.png".replace("/", "\u2215")
    Image.fromarray(photo(8, 8)).save(tmp_path / name)
    made = page(tmp_path / name, {evil: LOPSIDED}, title=evil + "\u2028</title>")
    reader = Reader(tab, made, tmp_path)
    assert reader.text("#title") == f"{evil} </title>"
    assert reader.text("#panel-filter .name") == evil
    assert reader.see("document.title").startswith('"><img')
    assert tab.locator("img").count() == 0
    assert reader.see("document.scripts.length") == len(SCRIPTS) + 1
    words = reader.python()
    assert eval(words.split("(", 1)[1].split(", [[")[0]) == name


def test_the_page_names_every_script_by_its_hash_and_forbids_the_rest(line_page):
    (policy,) = re.findall(r'"Content-Security-Policy" content="([^"]+)"', line_page.html)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("'sha256-") == len(SCRIPTS) + 1
    assert "unsafe" not in policy
    assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", line_page.html)


def test_sources_are_plain_short_and_write_no_markup():
    markup = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|https?://"
    for path in WEB.iterdir():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 350, path.name
        assert not re.search(markup, text), path.name
    assert not re.search(r"<[^>]+\s(style|on\w+)=", (WEB / "page.html").read_text("utf-8"))
    assert {path.stem for path in WEB.glob("*.js")} == set(SCRIPTS)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(picture, line, width):
    for reader in (line, picture):
        reader.tab.set_viewport_size({"width": width, "height": 740})
    picture.tab.select_option("#preset", label="spencer")
    picture.tab.select_option("#color", "sum")
    assert picture.see("document.documentElement.scrollWidth") <= width
    assert line.see("document.documentElement.scrollWidth") <= width
    heights = line.see(
        "[...document.querySelectorAll('button, select, textarea, summary,"
        " label:has([type=checkbox]), input:not([type=checkbox])')]"
        ".map((node) => node.getBoundingClientRect().height)"
    )
    assert min(height for height in heights if height) >= 32
    for reader in (line, picture):
        reader.tab.set_viewport_size(WIDE)


def test_every_field_has_a_name_and_every_panel_says_what_it_shows(line):
    nameless = line.see(
        "[...document.querySelectorAll('input, select, textarea, button')].filter((node) =>"
        " !(node.ariaLabel || (node.labels && node.labels.length) || node.textContent.trim()))"
        ".map((node) => node.id)"
    )
    assert nameless == []
    line.choose("detect", 0, 1)
    label = line.tab.locator("#plane-detect").get_attribute("aria-label")
    assert label.startswith("Detect · relu, kernel, 5×5 · 0 to 2, 80 % zeros · 20 % active.")
    assert "detect, row 0, column 1: 2 (cell 2 of 25)" in label
    assert line.tab.locator("#plane-image").get_attribute("role") == "img"


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(theme):
    style = (WEB / "style.css").read_text("utf-8")
    part = style.split("@media (prefers-color-scheme: dark)")[theme].split("*", 1)[0]
    colours = dict(re.findall(r"--(\w+): (#\w{6})", part))
    for ink in ("ink", "faint", "alarm", "right"):
        for ground in ("paper", "sheet", "soft"):
            light, dark = sorted(map(luminance, (colours[ink], colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_drawings_follow_when_the_system_turns_dark_and_light_again(browser, tmp_path):
    grounds = {"light": 239, "dark": 42}  # how red a covered cell is
    with opened(browser, color_scheme="light") as watched:
        made = page(LINE, [[1, -1], [2, -1]], title="a line")
        line = Reader(watched.page, made, tmp_path)
        line.tab.check("#cover")
        begun = line.see("featviz.lastRedraw")
        line.see(
            "globalThis.has = (red) => { const { over } = featviz.panels.condense;"
            " const { data } = over.getContext('2d').getImageData(0, 0, over.width, over.height);"
            " for (let at = 0; at < data.length; at += 4) if (data[at] === red) return true;"
            " return false; }"
        )
        for scheme, other in (("light", "dark"), ("dark", "light"), ("light", "dark")):
            line.tab.emulate_media(color_scheme=scheme)
            line.wait(f"has({grounds[scheme]})")
            assert not line.see(f"has({grounds[other]})")
        assert line.see("featviz.lastRedraw") == begun  # nothing was computed anew


def test_nothing_plays_when_the_system_asks_for_no_motion(browser, line_page, tmp_path):
    with opened(browser, reduced_motion="reduce", color_scheme="dark") as watched:
        line = Reader(watched.page, line_page, tmp_path)
        line.choose("filter", 0, 0)
        assert line.tab.locator("#play").is_disabled()
        assert "no motion" in line.text("#still")
        line.tab.fill("#speed", "10")
        line.tab.locator("#speed").blur()
        line.tab.keyboard.press(" ")
        line.tab.wait_for_timeout(150)
        assert line.cell() == ("filter", 0, 0)
        line.tab.click("#forward")
        assert line.cell() == ("filter", 0, 1)


def test_without_scripts_the_page_says_so(browser, line_page, tmp_path):
    with opened(browser, java_script_enabled=False) as watched:
        tab = watched.page
        tab.goto(line_page.save(tmp_path / "page.html").as_uri())
        assert "allow its scripts" in tab.locator("noscript, .notice").first.inner_text()


def test_a_browser_that_cannot_unpack_the_image_is_told(watched, line_page, tmp_path):
    tab = watched.page
    tab.add_init_script("delete globalThis.DecompressionStream")
    tab.goto(line_page.save(tmp_path / "page.html").as_uri())
    assert "too old to unpack the image" in tab.locator("#notice").inner_text()


def test_in_a_notebook_it_runs_in_a_frame_that_reaches_nothing(watched, line_page, tmp_path):
    Path("notebook.html").write_text(f"<!doctype html><body>{line_page._repr_html_()}")
    watched.page.goto((tmp_path / "notebook.html").as_uri())
    frame = watched.page.frame_locator("iframe")
    frame.locator("#cells input").first.fill("5")
    frame.locator("#plane-filter").click(position={"x": 5, "y": 5})
    assert frame.locator("#sum-line").inner_text().startswith("0·5 + 1·(−1)")
    frame.locator("#save").click()
    frame.locator("#saved img").wait_for()
    assert watched.page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    watched.errors.clear()  # the frame may not download, which Chromium says aloud


def test_a_page_over_the_limit_names_the_image_and_is_made_smaller_when_told(tab, files, tmp_path):
    noise = np.random.default_rng(3).integers(0, 256, (300, 200), np.uint8)
    Image.fromarray(noise).save(files / "noise.png")
    limit = len(page([[0]], "edge").html) + 20_000
    words = (
        r"image must make a page of at most \d+ kB; got 'noise.png' \(300×200\), which makes "
        r"\d+ kB; use shrink=True, size=\d+ or a larger limit_bytes"
    )
    with pytest.raises(ValueError, match=words):
        page(files / "noise.png", "edge", limit_bytes=limit)
    made = page(files / "noise.png", "edge", limit_bytes=limit, shrink=True)
    assert 0.9 * limit < len(made.html.encode()) <= limit
    reader = Reader(tab, made, tmp_path)
    assert "resized for this page" in reader.text("#subtitle")
    words = reader.python().replace('"noise.png"', repr(str(files / "noise.png")))
    run = eval(words, {"fv": fv})
    np.testing.assert_allclose(reader.maps("filtered"), run.filtered, atol=1e-6)


def test_a_limit_that_leaves_no_room_is_refused():
    with pytest.raises(ValueError, match=r"limit_bytes must be more than \d+, what a page takes"):
        page([[0, 1]], "edge", limit_bytes=1000)


@pytest.mark.parametrize("name", ["camera", "chelsea", "coffee"])
def test_the_page_of_a_photograph_of_400_by_400_stays_within_the_limit(name):
    photograph = fv.sample_image(name)
    side = min(photograph.shape[:2])
    made = page(photograph[:side, :side], "edge", size=400, limit_bytes=10**7)
    assert island(made)["image"]["height"] == island(made)["image"]["width"] == 400
    assert len(made.html.encode()) <= LIMIT_BYTES == 400_000


def test_an_open_file_is_read_once_and_made_smaller_when_told(files):
    noise = np.random.default_rng(3).integers(0, 256, (120, 100), np.uint8)
    Image.fromarray(noise).save(files / "stream.png")
    limit = len(page([[0]], "edge").html) + 5_000
    stream = io.BytesIO((files / "stream.png").read_bytes())
    with pytest.raises(ValueError, match=r"got one \(120×100\), which makes \d+ kB; use shrink"):
        page(stream, "edge", limit_bytes=limit)
    with (files / "stream.png").open("rb") as file:
        made = page(file, "edge", limit_bytes=limit, shrink=True)
    assert len(made.html.encode()) <= limit
    from_file = page(files / "stream.png", "edge", limit_bytes=limit, shrink=True, title="image")
    assert island(made)["image"]["data"] == island(from_file)["image"]["data"]


ERRORS = [
    ({"title": 3}, "title must be a text or None; got 3"),
    ({"python": 3}, "python must be a text or None; got 3"),
    ({"shrink": "no"}, "shrink must be True or False; got 'no'"),
    ({"shrink": 1}, "shrink must be True or False; got 1"),
    *(
        ({"python": code}, f"python must be one expression on one line; got {code!r}")
        for code in (
            "", "image)", "a)(b", "a, b", "a, b=1", "*a", "a=1", "a # b", "a\n", "'a", "\ud800",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), ERRORS, ids=[str(case[0]) for case in ERRORS])
def test_a_wrong_word_at_the_door_is_said_in_one_sentence(options, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        page(LINE, "edge", **options)
    assert str(caught.value) == words


def test_names_that_are_not_utf8_are_shown_with_a_sign_and_found_by_python(tab, tmp_path):
    name = os.fsdecode(b"\xff\xfe.png")
    Image.fromarray(photo(8, 8)).save(name)
    made = page(name, {"odd \udc80": LOPSIDED}, title="title \ud83d")
    reader = Reader(tab, made, tmp_path)
    assert reader.text("#title") == made.title == "title \ufffd"
    assert reader.text("#panel-filter .name") == "odd \ufffd"
    words = reader.python()
    assert words == 'fv.extract("\\udcff\\udcfe.png", [[1, 2, -3], [0.5, -1, 4]])'
    run = eval(words, {"fv": fv})
    np.testing.assert_allclose(reader.maps("condensed"), run.condensed, atol=1e-6)
    assert page(name, "edge").title == "\ufffd\ufffd.png"


def test_a_page_is_saved_as_html_alone(line_page, tmp_path):
    with pytest.raises(ValueError, match=r"output must end in one of \.html, \.htm; got"):
        line_page.save("page.txt")
    with pytest.raises(ValueError, match=r"got 'page.htnl' \(did you mean '.html'\?\)"):
        line_page.save("page.htnl")
    with pytest.raises(TypeError, match="output must be a path; got 3"):
        line_page.save(3)
    with pytest.raises(FileNotFoundError, match="output must be in a folder that exists"):
        line_page.save("nowhere/page.html")
    path = line_page.save(tmp_path / "page.html")
    assert path.read_text("utf-8") == line_page.html
    assert re.fullmatch(r"Page\('a line', \d+ kB\)", repr(line_page))
    assert isinstance(line_page, Page)


def test_the_line_of_python_is_copied(browser, line_page, tmp_path):
    with opened(browser, permissions=["clipboard-read", "clipboard-write"]) as watched:
        reader = Reader(watched.page, line_page, tmp_path)
        reader.see("document.querySelector('#bias').value = '0.5'")
        reader.see(
            "document.querySelector('#bias').dispatchEvent(new Event('input', {bubbles: true}));"
            "document.querySelector('#copy').click()"
        )
        reader.wait("document.querySelector('#share-told').textContent")
        assert reader.text("#share-told") == "Copied."
        words = f'fv.extract({LINE}, [[1, -1], [1, -1]], padding="valid", bias=0.5)'
        assert reader.see("navigator.clipboard.readText()") == words


def test_where_nothing_may_be_copied_the_line_is_selected(watched, line_page, tmp_path):
    watched.page.add_init_script(
        "delete Navigator.prototype.clipboard; Document.prototype.execCommand = () => false"
    )
    reader = Reader(watched.page, line_page, tmp_path)
    reader.tab.click("#copy")
    reader.wait("document.querySelector('#share-told').textContent")
    assert reader.text("#share-told") == "The line is selected: copy it with Ctrl+C."
    assert reader.see("getSelection().toString()") == reader.python()


def test_the_page_says_how_long_a_redraw_took(line):
    line.see("featviz.lastRedraw = 0")
    line.tab.locator("#cells input").first.fill("2")
    assert 0 < line.see("featviz.lastRedraw") < 1000


def test_a_given_kernel_and_a_preset_of_one_name_are_told_apart(tab, tmp_path):
    made = page(np.array(LINE), {"edge": LOPSIDED, "own numbers": [[1, 2]]}, title="names")
    reader = Reader(tab, made, tmp_path)
    assert reader.python() == "fv.extract(image, [[1, 2, -3], [0.5, -1, 4]])"
    tab.select_option("#preset", label="edge (preset)")
    assert reader.python() == 'fv.extract(image, "edge")'
    assert reader.see("location.hash") == "#kernel=edge%20(preset)"
    tab.select_option("#preset", label="own numbers (given)")
    tab.locator("#cells input").first.fill("7")
    assert reader.python() == "fv.extract(image, [[7, 2]])"
    assert reader.see("location.hash") == "#k=7,2"


def test_names_in_the_menu_are_unique_whatever_the_caller_calls_his(tab, tmp_path):
    made = page(LINE, {"edge": [[7, 7]], "edge (preset)": [[4, 3]]}, python="image")
    reader = Reader(tab, made, tmp_path)
    names = reader.see("featviz.view.island.kernels.map((kernel) => kernel.name)")
    assert len(set(names)) == len(names)
    tab.select_option("#preset", label="edge (preset)")
    assert reader.python() == "fv.extract(image, [[4, 3]])"
    tab.select_option("#preset", label="edge (preset) (2)")
    assert reader.python() == 'fv.extract(image, "edge")'


def test_the_line_of_a_small_matrix_runs_as_it_stands(line):
    run = eval(line.python(), {"fv": fv})
    np.testing.assert_array_equal(line.maps("condensed"), run.condensed)


def test_what_the_page_cannot_do_is_refused_at_the_door():
    words = "image must have 1, 2, 3 or 4 channels for color='grey'; got 5; choose another color"
    with pytest.raises(ValueError, match=re.escape(words)):
        page(np.ones((3, 3, 5)), "edge")
    assert page(np.ones((3, 3, 5)), "edge", color="each")
    with pytest.raises(ValueError, match="kernel must take at most 500000000 products on the page"):
        page(np.ones((9, 9)), np.ones((31, 31)), padding=1500)


def test_the_line_of_python_makes_an_array_as_small_as_the_page_has_it(tab, tmp_path):
    image = photo()
    reader = Reader(tab, page(image, "edge", size=20), tmp_path)
    words = reader.python()
    assert words == ('fv.extract((fv.read_image(image, size=20) * 255).round() / 255, "edge")')
    run = eval(words, {"fv": fv, "image": image})
    np.testing.assert_allclose(reader.maps("filtered"), run.filtered, atol=1e-6)


def test_the_line_of_python_calls_the_image_as_it_is_told(tab, tmp_path):
    code = 'fv.sample_image("chelsea", size=16)[:, :9]'
    reader = Reader(tab, page(eval(code), {"edge": "edge"}, python=code), tmp_path)
    words = reader.python()
    assert words == f'fv.extract({code}, "edge")'
    run = eval(words, {"fv": fv})
    np.testing.assert_array_equal(reader.maps("condensed"), run.condensed)


def test_long_decimals_of_a_kernel_are_kept_whole_and_shown_rounded(tab, tmp_path):
    kernel = fv.gaussian(3, 0.7)
    line = Reader(tab, page(LINE, kernel), tmp_path)
    rows = [[float(value) for value in row] for row in kernel.rows]
    assert line.see("featviz.view.rows") == rows
    first = line.tab.locator("#cells input").first
    assert first.input_value() == f"{rows[0][0]:.6g}"
    first.focus()
    assert first.input_value() == repr(rows[0][0])
    line.tab.locator("#cells input").nth(1).focus()
    assert first.input_value() == f"{rows[0][0]:.6g}"
    assert "≈" in line.text("#sum-line")
    namespace = {"fv": fv, "image": LINE}
    run = eval(line.python(), namespace)
    np.testing.assert_array_equal(run.filtered, fv.extract(LINE, kernel).filtered)


def test_beside_rounded_decimals_no_fraction_stands_and_the_taps_of_all_cells_are_marked(
    tab, tmp_path
):
    image = np.array([[[30, 31, 90], [30, 77, 2]], [[9, 30, 4], [105, 6, 30]]], np.uint8)
    reader = Reader(tab, page(image, "1 2; 3 4", padding="valid", color="sum"), tmp_path)
    line = reader.text("#sum-line")  # 30/255 = 2/17, 105/255 = 7/17
    assert "/" not in line
    assert "0.117647·1" in line
    assert "≈" in line
    taps = reader.see("featviz.view.marks.image.taps.map((t) => [t.row, t.column])")
    assert taps == [[0, 0], [0, 1], [1, 0], [1, 1]]
