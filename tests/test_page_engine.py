"""The engine of the page, in a real browser, against TensorFlow and the Python it mirrors."""

import base64
import inspect
import json
import math
import random
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from definitions import LOPSIDED, ramp

import featviz as fv
from featviz.activations import describe_activation
from featviz.exact import exact_number, exact_text
from featviz.geometry import Axis, border_indices, uncovered_cells
from featviz.render.web.activations import PAGE_ACTIVATIONS, page_activation
from featviz.render.web.data import MOST_VALUES, data_from_image, fitting_size, page_pixels
from featviz.render.web.picture import bytes_of_image, encoded_image
from featviz.stats import map_stats
from featviz.tracing import trace

WEB = Path(fv.__file__).parent / "web"
ENGINE = (
    "numbers", "geometry", "activations", "settings", "decode", "pool", "compute",
    "rounding", "explain", "measures",
)  # fmt: skip
STAGES = ("image", "filtered", "detected", "condensed")

HELPERS = """
globalThis.inBase64 = (maps) => {
  const bytes = new Uint8Array(maps.reduce((sum, map) => sum + map.byteLength, 0));
  let at = 0;
  for (const map of maps) {
    bytes.set(new Uint8Array(map.buffer, map.byteOffset, map.byteLength), at);
    at += map.byteLength;
  }
  let text = "";
  for (let k = 0; k < bytes.length; k += 8192) {
    text += String.fromCharCode(...bytes.subarray(k, k + 8192));
  }
  return btoa(text);
};
globalThis.sentence = (call) => { try { call(); return null; } catch (e) { return e.message; } };
"""


@pytest.fixture(scope="module")
def engine(browser):
    """``call(function text, value)``: a page that holds the engine alone."""
    context = browser.new_context()
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    for name in ENGINE:
        page.add_script_tag(content=(WEB / f"{name}.js").read_text(encoding="utf-8"))
    page.add_script_tag(content=HELPERS)
    yield page.evaluate
    context.close()
    assert wrong == []


def plain(value):
    """What Python says in tuples, as JSON."""
    return json.loads(json.dumps(value))


# --- the image -----------------------------------------------------------------------------


def noise(seed, *shape):
    return np.random.default_rng(seed).random(shape)


def smooth(height, width, channels):
    """A picture with soft shades, an edge and some noise, as photographs have."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    shade = 0.5 + 0.3 * np.sin(y / 9 + c) * np.cos(x / 13) + 0.15 * (x > width / 2)
    return np.clip(shade + 0.02 * noise(1, height, width, channels), 0, 1)


def eight_bits(values):
    return np.rint(values * 255).astype(np.uint8)


IMAGES = {
    "8-bit colour": eight_bits(smooth(60, 73, 3)),
    "8-bit grey": eight_bits(smooth(70, 41, 1)),
    "8-bit noise": eight_bits(noise(2, 33, 20, 3)),
    "8-bit with alpha": eight_bits(smooth(21, 34, 4)),
    "8-bit grey with alpha": eight_bits(smooth(40, 34, 2)),
    "five channels": eight_bits(smooth(19, 30, 5)),
    "every level": np.arange(256, dtype=np.uint8).reshape(16, 16),
    "flat": np.full((50, 60), 77, np.uint8),
    "black and white": np.indices((40, 30)).sum(0) % 2 == 0,
    "extreme": (noise(3, 40, 40, 3) > 0.5).astype(np.uint8) * 255,
    "one pixel": np.array([[[7, 8, 9]]], np.uint8),
    "one row": eight_bits(smooth(1, 50, 3)),
    "one column": eight_bits(smooth(50, 1, 1)),
    "16 bits": np.rint(smooth(30, 20, 1) * 65535).astype(np.uint16),
    "every level of 16 bits": np.arange(65536, dtype=np.uint16).reshape(256, 256),
    "floats": smooth(30, 20, 3).astype(np.float32),
    "signed integers": (ramp(12, 17) * 8).astype(np.int32),
    "small and large": np.float32([[1e-40, -3e38, 0.1], [-0.0, 7, 1e-9]]),
}


def decoded(engine, images):
    """(H, W, C) float32 of each image, as the browser unpacks it."""
    script = """async (images) => {
      const found = [];
      for (const image of images) {
        const { height, width, channels, planes } = await featviz.decodeImage(image);
        found.push([channels, height, width, inBase64(planes)]);
      }
      return found;
    }"""
    for *shape, text in engine(script, images):
        yield np.frombuffer(base64.b64decode(text), np.float32).reshape(shape).transpose(1, 2, 0)


def test_the_browser_unpacks_the_very_values_of_read_image(engine):
    wanted = {name: fv.read_image(image) for name, image in IMAGES.items()}
    encoded = [encoded_image(pixels) for pixels in wanted.values()]
    for (name, pixels), found in zip(wanted.items(), decoded(engine, encoded), strict=True):
        assert found.shape == pixels.shape, name
        assert found.tobytes() == pixels.tobytes(), name


def test_the_text_of_an_image_needs_no_escape_and_is_measured():
    for name in ("8-bit colour", "16 bits", "floats"):
        image = encoded_image(fv.read_image(IMAGES[name]))
        assert set(image["data"]).isdisjoint("<>&\"'\\"), name
        assert image["data"].isascii(), name
        written = json.dumps(image, separators=(",", ":"))
        assert len(written) == bytes_of_image(image), name


def test_prediction_makes_photographs_smaller_than_png():
    pixels = fv.sample_image("coffee", size=200)
    page = page_pixels(pixels, size=180)
    assert encoded_image(page)["bytes"] < 0.8 * len(fv_png(page))


def fv_png(pixels):
    path = fv.write_image("x.png", pixels)
    return path.read_bytes()


def test_a_size_is_found_whose_image_fits():
    pixels = fv.sample_image("chelsea")
    side = fitting_size(pixels, 20_000)
    taken = [bytes_of_image(encoded_image(page_pixels(pixels, size=n))) for n in (side, side + 12)]
    assert taken[0] <= 20_000 < taken[1]
    assert fitting_size(pixels, 1) == 1
    assert fitting_size(np.zeros((300, 2000)), 20_000) == 2000


# --- the stages ----------------------------------------------------------------------------

BORDERS = ("zeros", "reflect", "symmetric", "edge", "wrap")
POOLS = ("max", "average", "global_max", "global_average", "none")
ACTIVATIONS = (
    *PAGE_ACTIVATIONS, None, "leaky_relu(0.37)", "elu(alpha=0.5)", "celu(2.5)",
    "relu(negative_slope=0.3)", "relu(max_value=0.7)", "relu(0.25, 1.5, 0.125)",
    "relu(threshold=-0.5)", "relu(0.2, threshold=0.5)", "relu(max_value=6)",
)  # fmt: skip


def random_side(draw, words, most):
    return draw.choice(
        [*words, draw.randint(0, most), (draw.randint(0, most), draw.randint(0, most))]
    )


def random_padding(draw, words, most):
    """A word, a number for all sides, pads per side, or one of them for each axis."""
    if draw.random() < 0.5:
        return draw.choice([*words, draw.randint(0, most)])
    return random_side(draw, words, most), random_side(draw, words, most)


def random_pool(draw):
    window = draw.randint(1, 4), draw.randint(1, 4)
    pads = tuple((draw.randrange(size), draw.randrange(size)) for size in window)
    return {
        "pool": draw.choice([*POOLS[:2], *POOLS]),
        "pool_size": window,
        "pool_stride": draw.choice([None, draw.randint(1, 3), (draw.randint(1, 3), 1)]),
        "pool_padding": draw.choice(["same", "valid", pads, ("same", pads[1])]),
    }


def random_case(draw, names):
    rows = [
        [draw.choice([draw.randint(-3, 3), draw.uniform(-1, 1), 1 / 9]) for _ in range(width)]
        for height, width in [(draw.randint(1, 7), draw.randint(1, 7))]
        for _ in range(height)
    ]
    settings = {
        "stride": (draw.randint(1, 4), draw.randint(1, 4)),
        "padding": random_padding(draw, ("same", "valid", "full"), draw.choice([2, 9, 60])),
        "dilation": (draw.randint(1, 3), draw.randint(1, 3)),
        "border": draw.choice(BORDERS),
        "bias": draw.choice([None, 0, draw.uniform(-1, 1)]),
        "activation": draw.choice(ACTIVATIONS),
        "color": draw.choice(["grey", "each", "sum"]),
    } | random_pool(draw)
    return draw.choice(names), rows, settings


def random_cases(seed, count, names):
    draw = random.Random(seed)
    return [(["8-bit colour", "8-bit noise"][n % 2], LOPSIDED, {}) for n in range(2)] + [
        random_case(draw, names) for _ in range(count - 2)
    ]


SIZES = [name for name in IMAGES if name not in ("every level of 16 bits", "small and large")]
CASES = random_cases(20, 340, SIZES)

RUNS = """async ([images, cases]) => {
  const decoded = {};
  for (const [name, image] of Object.entries(images)) {
    decoded[name] = await featviz.decodeImage(image);
  }
  globalThis.decoded = decoded;
  return cases.map(([name, rows, settings]) => {
    let run;
    const error = sentence(() => { run = featviz.compute(decoded[name], rows, settings); });
    if (error) return { error };
    const stage = ({ height, width, maps, labels }) => ({
      shape: [maps.length, height, width], data: inBase64(maps), labels,
    });
    const { image, filtered, detected, condensed, ...rest } = run;
    return { ...rest, stages: [image, filtered, detected, condensed].map(stage) };
  });
}"""


def runs_in(engine, cases, images=IMAGES):
    used = {name for name, _, _ in cases}
    encoded = {name: encoded_image(fv.read_image(images[name])) for name in used}
    return engine(RUNS, [encoded, plain(cases)])


def maps_of(stage):
    data = np.frombuffer(base64.b64decode(stage["data"]), np.float32)
    return data.reshape(stage["shape"]).transpose(1, 2, 0)


def assert_same_run(run, found):
    for name, stage in zip(STAGES, found["stages"], strict=True):
        wanted, maps = getattr(run, name), maps_of(stage)
        assert maps.shape == wanted.shape, name
        finite = np.abs(wanted[np.isfinite(wanted)])  # exp of large integers is not
        bound = 1e-5 * max(1.0, float(finite.max(initial=0)))
        np.testing.assert_allclose(maps, wanted, rtol=0, atol=bound, err_msg=name)
    assert found["stages"][2]["labels"] == list(run.labels)
    assert [Axis(*axis_facts(axis)) for axis in found["axes"]] == list(run.filter_axes[0])
    pool_axes = found["poolAxes"] and tuple(Axis(*axis_facts(a)) for a in found["poolAxes"])
    assert pool_axes == run.pool_axes
    assert found["uncovered"] == uncovered_facts(run.uncovered)
    assert found["poolUncovered"] == uncovered_facts(run.pool_uncovered)
    assert found["settings"]["activation"] == run.settings.activation


def axis_facts(axis):
    return [axis[key] for key in ("size", "window", "stride", "dilation", "before", "after")]


def uncovered_facts(uncovered):
    return {"rows": list(uncovered.rows), "columns": list(uncovered.columns)}


def test_every_stage_equals_extract_at_random_settings(engine):
    computed = 0
    for (name, rows, settings), found in zip(CASES, runs_in(engine, CASES), strict=True):
        note = f"{name} {len(rows)}×{len(rows[0])} {settings}"
        try:
            run = fv.extract(IMAGES[name], rows, **settings)
        except ValueError as error:
            run, refusal = None, str(error)
        if run is None:
            assert found == {"error": refusal}, note
            continue
        assert "error" not in found, f"{note}: {found}"
        try:
            assert_same_run(run, found)
        except AssertionError as error:
            raise AssertionError(note) from error
        computed += 1
    assert computed >= 200


def test_every_option_of_the_page_was_drawn():
    seen = [settings for _, _, settings in CASES]
    for option, words in (("border", BORDERS), ("pool", POOLS), ("activation", ACTIVATIONS)):
        assert {settings.get(option) for settings in seen} >= set(words)


def test_a_matrix_gives_the_numbers_of_the_lesson(engine):
    image = np.arange(36).reshape(6, 6)
    cases = [
        ("matrix", [[1 / 9] * 3] * 3, {"padding": "valid"}),
        ("matrix", [[1 / 9] * 3] * 3, {"padding": 1}),
    ]
    valid, padded = runs_in(engine, cases, {"matrix": image})
    filtered = maps_of(valid["stages"][1])[:, :, 0]
    assert filtered.tolist() == [
        [7, 8, 9, 10],
        [13, 14, 15, 16],
        [19, 20, 21, 22],
        [25, 26, 27, 28],
    ]
    corner = maps_of(padded["stages"][1])[0, 0, 0]
    assert corner == np.float32(14 / 9)


BRIGHT = {"brightest 1e8": (30, 1e8), "comb": (30, 1.0), "large": (70, 1e6)}
CANCELLING = [[0.1, 0.7, -0.8], [0.3, -0.4, 0.1]]


def bright_image(side, brightest):
    """Flat parts of many brightnesses and one far brighter pixel, in three channels."""
    random = np.random.default_rng(1)
    parts = 0.7137 * 10.0 ** random.integers(-7, 4, (side // 5, side // 5, 3))
    image = np.kron(parts, np.ones((5, 5, 1))).astype(np.float32)
    image[0, 1] = brightest
    if brightest == 1:  # what a dilation skips is brighter than what it reads
        image[:, 1::2] *= 1e15
    return image


@pytest.mark.parametrize("pool", ["max", "average", "global_max", "global_average", "none"])
@pytest.mark.parametrize("color", ["each", "sum"])
@pytest.mark.parametrize("name", BRIGHT)
def test_each_cell_is_zero_where_its_own_window_leaves_nothing(engine, name, color, pool):
    image = bright_image(*BRIGHT[name])
    script = """async ([image, rows, settings]) => {
      const run = featviz.compute(await featviz.decodeImage(image), rows, settings);
      const told = featviz.withoutRounding(run);
      return ["filtered", "detected", "condensed"].map((name) =>
          [inBase64(run[name].maps), inBase64(told[name])]);
    }"""
    changed = 0
    for kernel, options in (
        (CANCELLING, {"activation": "linear"}),
        (CANCELLING, {"stride": (2, 1), "dilation": (1, 2), "border": "reflect"}),
        (CANCELLING, {"stride": (1, 2), "dilation": (3, 1), "activation": "sigmoid"}),
        (LOPSIDED, {"padding": ((2, 0), (1, 3)), "bias": 0.5}),
    ):
        settings = {"color": color, "pool": pool, **options}
        run = fv.extract(image, kernel, **settings)
        stages = engine(script, plain([encoded_image(image), kernel, settings]))
        # The page's own sums hold other errors: its maps take the place of those of TensorFlow.
        given = [[np.frombuffer(base64.b64decode(text), np.float32) for text in pair]
                 for pair in stages]  # fmt: skip
        maps = [
            values.reshape(-1, *getattr(run, stage).shape[:2]).transpose(1, 2, 0)
            for stage, (values, _) in zip(STAGES[1:], given, strict=True)
        ]
        run = replace(run, **dict(zip(STAGES[1:], maps, strict=True)))
        for stage, (values, told) in zip(("filter", "detect", "condense"), given, strict=True):
            wanted = [run.without_rounding(stage, n).ravel() for n in range(len(run.labels))]
            np.testing.assert_array_equal(told, np.concatenate(wanted), err_msg=stage)
            changed += np.count_nonzero(told != values)
    assert changed


def test_what_an_activation_makes_small_is_a_result(engine):
    script = """async (image) => {
      const run = featviz.compute(await featviz.decodeImage(image), [[1]],
          { activation: "sigmoid", pool: "none" });
      return featviz.withoutRounding(run).condensed[0][0] === run.detected.maps[0][0];
    }"""
    assert engine(script, encoded_image(np.float32([[[-40], [1e18]]])))


def test_nan_and_infinity_pass_the_pools(engine):
    script = """() => ["max", "average", "global_max", "global_average"].map((pool) => {
      const map = Float32Array.of(1, NaN, 3, 4, Infinity, 2);
      const moving = featviz.axesOf([2, 3], [2, 1], [2, 1], [1, 1], "same");
      const axes = pool.startsWith("global") ? null : moving;
      return Array.from(featviz.pooled(map, [2, 3], pool, axes), String);
    })"""
    assert engine(script) == [["4", "NaN", "3"], ["2.5", "NaN", "2.5"], ["NaN"], ["NaN"]]


def test_a_run_does_not_change_an_earlier_one(engine):
    script = """() => {
      const image = { height: 1, width: 2, channels: 1, planes: [Float32Array.of(1, 2)] };
      const first = featviz.compute(image, [[1]], { pool: "none" });
      featviz.compute(image, [[5]], { pool: "none" });
      return Array.from(first.condensed.maps[0]);
    }"""
    assert engine(script) == [1, 2]


# --- one number ----------------------------------------------------------------------------

EXPLAINED = """([name, rows, settings, places]) => {
  const run = featviz.compute(decoded[name], rows, settings);
  return places.map(([stage, row, column, map]) => {
    const { taps, ...rest } = featviz.explain(run, stage, row, column, map);
    const text = (value) => (Number.isFinite(value) ? value : String(value));
    const facts = taps.map((tap) => [
      tap.row, tap.column, tap.channel, tap.kernelRow, tap.kernelColumn, tap.sourceRow,
      tap.sourceColumn, tap.kind, text(tap.value), tap.weight, text(tap.product),
    ]);
    const of = { filter: [run.filtered, run.detected], detect: [run.filtered, run.detected],
      condense: [run.condensed, run.condensed] }[stage];
    const cell = row * of[0].width + column;
    return { ...rest, taps: facts, stored: of.map(({ maps }) => maps[map][cell]) };
  });
}"""


def tap_facts(tap):
    source = (-1, -1) if tap.source is None else tap.source
    numbers = [n if math.isfinite(n) else "-Infinity" for n in (tap.value, tap.product)]
    return [
        tap.row, tap.column, tap.channel, tap.kernel_row, tap.kernel_column, *source, tap.kind,
        numbers[0], tap.weight, numbers[1],
    ]  # fmt: skip


def assert_same_step(step, found, pool):
    window = {"top": step.window.top, "left": step.window.left}
    assert found["window"] == window | {"height": step.window.height, "width": step.window.width}
    wanted = [tap_facts(tap) for tap in step.taps]
    assert [tap[:8] for tap in found["taps"]] == [tap[:8] for tap in wanted]
    for mine, theirs in zip(found["taps"], wanted, strict=True):
        same = [
            a == b or a == pytest.approx(b, rel=1e-5, abs=1e-5)
            for a, b in zip(mine, theirs, strict=True)
        ]
        assert all(same), (mine, theirs)
    winner = -1 if step.winner is None else step.taps.index(step.winner)
    assert found["winner"] == winner
    assert found["counted"] == len(step.counted)
    assert found["total"] == pytest.approx(step.total, rel=1e-5, abs=1e-5)
    assert found["value"] == pytest.approx(step.value, rel=1e-5, abs=1e-5)
    if not pool.endswith("average"):
        assert np.float32(found["total"]) == np.float32(found["stored"][0])
    assert np.float32(found["value"]) == np.float32(found["stored"][1])


def explained_places(draw, shapes):
    for stage, (height, width, maps) in shapes.items():
        for _ in range(3):
            row, column = draw.randrange(height), draw.randrange(width)
            yield stage, row, column, draw.randrange(maps)


SMALL = ["8-bit noise", "8-bit with alpha", "one pixel", "one row", "signed integers", "floats"]


def test_explain_gives_the_taps_of_the_trace(engine):
    draw, told = random.Random(4), 0
    cases = random_cases(5, 60, SMALL)
    for (name, rows, settings), found in zip(cases, runs_in(engine, cases), strict=True):
        if "error" in found:
            continue
        shapes = [maps_of(stage).shape for stage in found["stages"]]
        stages = dict(zip(("filter", "detect", "condense"), shapes[1:], strict=True))
        places = list(explained_places(draw, stages))
        answers = engine(EXPLAINED, plain([name, rows, settings, places]))
        for (stage, row, column, index), answer in zip(places, answers, strict=True):
            steps = traced(name, rows, stage, index, settings)
            pool = settings.get("pool", "max") if stage == "condense" else "none"
            assert_same_step(steps.at(row, column), answer, pool)
            told += 1
    assert told >= 200


TRACED = {}


def traced(name, rows, stage, index, settings):
    key = repr((name, rows, stage, index, settings))
    if key not in TRACED:
        TRACED[key] = trace(IMAGES[name], rows, stage=stage, index=index, **settings)
    return TRACED[key]


def test_the_winner_is_the_first_of_equal_taps_and_nan_before_all(engine):
    script = """(values) => {
      const map = Float32Array.from(values, Number);
      const image = { height: 2, width: 2, channels: 1, planes: [map] };
      const run = featviz.compute(image, [[1]], { activation: "linear", pool: "global_max" });
      return [featviz.explain(run, "condense", 0, 0).winner, String(run.condensed.maps[0][0])];
    }"""
    assert engine(script, [3, 5, 5, 1]) == [1, "5"]
    assert engine(script, ["3", "NaN", "5", "NaN"]) == [1, "NaN"]


def test_explain_refuses_cells_that_are_not_there(engine):
    script = """(place) => sentence(() => {
      const image = { height: 2, width: 2, channels: 1, planes: [Float32Array.of(1, 2, 3, 4)] };
      featviz.explain(featviz.compute(image, [[1]], {}), ...place);
    })"""
    assert (
        engine(script, ["filter", 2, 0]) == "row must be less than the 2 rows of the output; got 2"
    )
    assert engine(script, ["pool", 0, 0]) == (
        "stage must be one of 'filter', 'detect', 'condense'; got 'pool'"
    )
    assert (
        engine(script, ["detect", 0, -1]) == "column must be a whole number of at least 0; got -1"
    )


# --- sizes ---------------------------------------------------------------------------------


def random_axis(draw):
    sizes = draw.randint(1, 12), draw.randint(1, 5), draw.randint(1, 4), draw.randint(1, 3)
    pads = draw.randint(0, 30), draw.randint(0, 30)
    return Axis(*sizes, *pads)


def test_borders_and_uncovered_cells_follow_geometry(engine):
    draw = random.Random(6)
    axes = [axis for axis in (random_axis(draw) for _ in range(300)) if axis.outputs >= 1]
    script = """(axes) => axes.map(([size, window, stride, dilation, before, after]) => {
      const axis = featviz.slide(size, window, stride, dilation, [before, after]);
      return featviz.wordsOf("border").map((border) => [
        Array.from(featviz.borderIndices(axis, border)), featviz.uncoveredCells(axis, border),
      ]);
    })"""
    given = [[a.size, a.window, a.stride, a.dilation, a.before, a.after] for a in axes]
    for axis, found in zip(axes, engine(script, given), strict=True):
        for border, (cells, uncovered) in zip(BORDERS, found, strict=True):
            assert uncovered == list(uncovered_cells(axis, border))
            if border != "zeros":
                assert cells == border_indices(axis, border)


def test_the_size_formula_has_its_numbers_put_in(engine):
    script = "(a) => featviz.sizeFormula(featviz.slide(...a))"
    assert engine(script, [28, 3, 2, 1, [1, 1]]) == "⌊(28 + 1 + 1 − 3)/2⌋ + 1 = 14"
    assert engine(script, [6, 3, 1, 2, "valid"]) == "⌊(6 + 0 + 0 − (2·(3 − 1) + 1))/1⌋ + 1 = 2"


# --- numbers and text ----------------------------------------------------------------------

EDGES = [
    0.0, -0.0, 1.0, 0.1, 1 / 3, 14 / 9, 123456.5, 123457.5, 1234565.0, 2.5e-5, 0.00012345650000,
    999999.5, 9999995.0, 0.9999995, 1e15, 1e15 - 1, 1e16, 2.0**53, 2.0**53 + 2, 1e22, 1e-7, 5e-324,
    1.7976931348623157e308, 2.0**24, 2.0**24 + 1, 16777215.5, 3.4028235e38, 1.17549435e-38, 1e-45,
    4503599627370497.5, 0.5, 1.5, 2.5, 1e5, 1e6, 1e14 + 0.5, 99999.95, 100000.5, 1e-4, 9.9999995e-5,
]  # fmt: skip


def random_floats(count):
    draw = random.Random(7)
    for _ in range(count):
        yield struct.unpack("<d", draw.randbytes(8))[0]
        yield struct.unpack("<f", draw.randbytes(4))[0]
        yield float(np.float32(draw.randint(-999, 999) / draw.randint(1, 300)))
        yield draw.randint(-(10**7), 10**7) / 2 ** draw.randint(0, 8)
        yield draw.uniform(-300, 300)


NUMBERS = [
    *EDGES,
    *(-value for value in EDGES),
    *(v for v in random_floats(900) if math.isfinite(v)),
]


def test_numbers_are_printed_as_python_prints_them(engine):
    script = """(values) => values.map((x) => [
      featviz.formatNumber(x), featviz.formatNumber(x, 3), featviz.exactText(x),
    ])"""
    for value, found in zip(NUMBERS, engine(script, NUMBERS), strict=True):
        wanted = [exact_text(value), exact_text(value, digits=3), exact_text(exact_number(value))]
        assert found == wanted, value.hex()
    endless = engine("() => [NaN, 1 / 0, -1 / 0].map((x) => featviz.formatNumber(x))")
    assert endless == ["nan", "inf", "-inf"]


def test_numbers_are_read_as_python_reads_them(engine):
    words = ["2", "-0.5", "1/9", "2e-1", "−1", " 7 ", "+.5", "3.", "-2/6", "1e30", "0/5", "-0"]
    words += ["123456789012345678901234567890/7", "1/123456789012345678901234567890"]
    words += [
        str(Fraction(value).limit_denominator(999))
        for value in random_floats(40)
        if abs(value) < 1e6
    ]
    wanted = [float(fv.Kernel([[word]]).rows[0][0]) for word in words]
    assert engine("(words) => words.map((word) => featviz.parseNumber(word))", words) == wanted
    bad = ["", "a", "1/0", "1 2", "0x10", "1_000", "--1", "1e", "1/2/3", "NaN1", "9" * 400]
    for word, found in zip(bad, said(engine, "featviz.parseNumber(value)", bad), strict=True):
        assert found.startswith("kernel must hold numbers like 2, -0.5 or 1/9; got "), word
    assert said(engine, "featviz.parseNumber(value)", ["inf", "1e999", "nan", "1e39"]) == [
        "kernel must hold finite numbers; got 'inf'",
        "kernel must hold finite numbers; got '1e999'",
        "kernel must hold finite numbers; got 'nan'",
        "kernel must hold numbers of float32, up to 3.4e+38; got '1e39'",
    ]


def said(engine, call, values):
    """The sentence that each value is refused with, or None."""
    return engine(f"(values) => values.map((value) => sentence(() => {call}))", values)


REFUSED = {
    "no settings": ([1], "settings must be names and values; got (1,)"),
    "word as stride": ({"stride": "2"}, "stride must be a whole number from 1 to 10000; got '2'"),
    "no stride": ({"stride": 0}, "stride must be a whole number from 1 to 10000; got 0"),
    "huge stride": (
        {"stride": [1e9, 1]},
        "stride must be a whole number from 1 to 10000; got 1000000000",
    ),
    "half a cell": ({"dilation": 1.5}, "dilation must be a whole number from 1 to 10000; got 1.5"),
    "three strides": (
        {"stride": [1, 2, 3]},
        "stride must be a whole number or a pair (rows, columns); got (1, 2, 3)",
    ),
    "negative pad": (
        {"padding": [[0, -1], [0, 0]]},
        "padding must be a whole number from 0 to 10000; got -1",
    ),
    "pad of nothing": (
        {"padding": [None, "same"]},
        "padding must be one of 'same', 'valid', 'full' or explicit pads; got None",
    ),
    "flat pads": (
        {"padding": [1, 2, 3, 4]},
        "padding must be one of 'same', 'valid', 'full' or explicit pads; got (1, 2, 3, 4); "
        "pads are written ((top, bottom), (left, right))",
    ),
    "full pool": (
        {"pool_padding": "full"},
        "pool_padding must be one of 'same', 'valid' or explicit pads; got 'full'",
    ),
    "pool of padding": (
        {"pool_padding": 2},
        "pool_padding must be smaller than the pool window (2×2); got 2",
    ),
    "a method as border": (
        {"border": "toString"},
        "border must be one of 'zeros', 'reflect', 'symmetric', 'edge', 'wrap'; got 'toString'",
    ),
    "bias in words": ({"bias": "1"}, "bias must hold finite numbers; got '1'"),
    "huge bias": ({"bias": 1e39}, "bias must hold numbers of float32, up to 3.4e+38; got 1e+39"),
    "pool of another name": (
        {"pool": {"toString": 1}},
        "pool must be one of 'max', 'average', 'global_max', 'global_average', 'none'; "
        "got a value of another kind",
    ),
    "unknown number": (
        {"activation": "elu(beta=1)"},
        "elu must be called as elu(alpha=1); got 'elu(beta=1)'",
    ),
    "number twice": (
        {"activation": "elu(1, alpha=1)"},
        "elu must be called as elu(alpha=1); got 'elu(1, alpha=1)'",
    ),
    "celu of nothing": (
        {"activation": "celu(0)"},
        "alpha of celu must be a number other than 0; got 0",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_settings_are_refused_with_a_sentence(engine, name):
    settings, wanted = REFUSED[name]
    assert said(engine, "featviz.readSettings(value)", [settings]) == [wanted]


def test_names_of_objects_are_no_activations(engine):
    names = [
        "__proto__",
        "constructor",
        "toString",
        "valueOf()",
        "hasOwnProperty",
        "softmax",
        "",
        7,
    ]
    given = [{"activation": name} for name in names]
    for name, found in zip(names, said(engine, "featviz.readSettings(value)", given), strict=True):
        assert found.startswith("activation must be one of 'relu', 'leaky_relu', "), name
        assert found.endswith(f"; got {name!r}"), name


def test_settings_from_a_prototype_are_not_read(engine):
    script = """() => {
      const given = JSON.parse('{"__proto__": {"stride": 3}}');
      const inherited = Object.create({ bias: 9 });
      return [featviz.readSettings(given).stride, featviz.readSettings(inherited).bias];
    }"""
    assert engine(script) == [[1, 1], 0]


def test_what_would_stop_the_browser_is_refused(engine):
    script = """([rows, settings]) => sentence(() => featviz.compute(
      { height: 2, width: 2, channels: 1, planes: [new Float32Array(4)] }, rows, settings))"""
    assert engine(script, [[[1]], {"padding": 10000}]) == (
        "padding must give at most 10000000 cells; got 10000, which makes the image 20002×20002"
    )
    assert engine(script, [[[1, 2, 3]] * 3, {"dilation": 9999}]).startswith(
        "padding must give at most 10000000 cells; got 'same'"
    )
    assert engine(script, [[[1] * 64] * 65, {}]) == (
        "kernel must hold at most 4096 numbers; got 65×64 of them"
    )
    assert engine(script, [[[1], [2, 3]], {}]) == (
        "kernel must have rows of equal length; got 1 numbers in row 1 and 2 in row 2"
    )
    assert engine(script, [[["1"]], {}]) == "kernel must hold finite numbers; got '1'"
    assert engine(script, [[], {}]) == (
        "kernel must be rows of numbers, like [[1, 2], [3, 4]]; got ()"
    )


# --- measures ------------------------------------------------------------------------------


def test_stats_are_those_of_python(engine):
    values = np.float32([[0, 2, -1, 0], [np.nan, np.inf, -np.inf, 7]])
    script = """(text) => {
      const map = Float32Array.from(text, Number);
      return [featviz.stats(map), featviz.stats(Float32Array.of(NaN))];
    }"""
    words = [
        {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(v), str(v))
        for v in values.ravel()
    ]
    found, empty = engine(script, words)
    wanted = map_stats(values)
    assert (found["low"], found["high"], found["zeros"]) == (
        wanted.low, wanted.high, wanted.zero_share,
    )  # fmt: skip
    assert (found["nans"], found["infinite"]) == (wanted.nan_count, wanted.infinite_count)
    assert found["active"] == 3 / 8
    assert (empty["low"], empty["high"], empty["nans"]) == (0, 0, 1)


def test_sums_and_ranges_of_kernels_are_those_of_python(engine):
    kernels = [*fv.PRESETS.values(), fv.Kernel([[0.1, 0.2, -0.3]]), fv.Kernel(LOPSIDED)]
    rows = [[[float(v) for v in row] for row in kernel.rows] for kernel in kernels]
    found = engine("(all) => all.map(featviz.kernelNumbers)", rows)
    for kernel, numbers in zip(kernels, found, strict=True):
        wanted = (kernel.sum, *kernel.output_range)
        assert (numbers["sum"], numbers["low"], numbers["high"]) == pytest.approx(
            tuple(map(float, wanted)), abs=1e-15
        ), kernel.name


# --- what Python tells the page ------------------------------------------------------------


def test_the_data_of_a_page_run_as_extract_does(engine):
    settings = {"padding": ("valid", (2, 1)), "stride": (2, 1), "activation": "leaky_relu(0.1)"}
    image = IMAGES["8-bit colour"]
    data = data_from_image(image, ["edge", LOPSIDED], bias=0.25, color="each", **settings)
    script = """async ({ image, kernels, settings }) => {
      const run = featviz.compute(await featviz.decodeImage(image),
          kernels[1].texts.map((row) => row.map(featviz.parseNumber)), settings);
      return [inBase64(run.condensed.maps), run.condensed.labels, kernels[1].texts];
    }"""
    text, labels, texts = engine(script, plain(data))
    run = fv.extract(image, LOPSIDED, bias=0.25, color="each", **settings)
    maps = np.frombuffer(base64.b64decode(text), np.float32)
    np.testing.assert_allclose(maps, run.condensed.transpose(2, 0, 1).ravel(), atol=1e-5)
    assert labels == list(run.labels)
    assert texts == [["1", "2", "-3"], ["0.5", "-1", "4"]]


def test_the_menu_begins_with_the_callers_kernels():
    data = data_from_image([[1]], ["blur", "1 2; 3 1/9"])
    names = [kernel["name"] for kernel in data["kernels"]]
    assert names[:3] == ["blur", "kernel", "edge"]
    assert len(names) == len(fv.PRESETS) + 1
    assert [kernel["own"] for kernel in data["kernels"][:3]] == [True, True, False]
    assert data["kernels"][1]["texts"] == [["1", "2"], ["3", "1/9"]]
    assert data["title"] == "image"
    json.dumps(data, allow_nan=False)


def test_the_name_of_a_file_is_its_title():
    fv.write_image("car <1>.png", [[0.5]])
    data = data_from_image("car <1>.png", "edge")
    assert (data["title"], data["image"]["name"]) == ("car <1>.png", "car <1>.png")
    assert data_from_image("car <1>.png", "edge", title="mine")["title"] == "mine"


def test_the_page_knows_its_activations_as_keras_does(engine):
    for name, numbers in PAGE_ACTIVATIONS.items():
        function = getattr(tf.keras.activations, name)
        parameters = list(inspect.signature(function).parameters.values())[1:]
        known = {p.name: p.default for p in parameters if not isinstance(p.default, bool)}
        assert known == dict(numbers), name
    assert engine("() => [...featviz.activations.keys()]") == list(PAGE_ACTIVATIONS)
    defaults = engine(
        "() => Object.fromEntries([...featviz.activations].map(([n, a]) => [n, a.defaults]))"
    )
    assert defaults == plain({name: dict(numbers) for name, numbers in PAGE_ACTIVATIONS.items()})
    script = "(all) => all.map((a) => featviz.describeActivation(featviz.parseActivation(a)))"
    texts = [page_activation(activation) for activation in ACTIVATIONS]
    assert texts == [describe_activation(activation) for activation in ACTIVATIONS]
    assert engine(script, texts) == texts


DOORS = {
    "softmax": (
        {"activation": "softmax"},
        ValueError,
        "activation must be one of 'relu', 'leaky_relu', 'elu', 'selu', 'celu', 'gelu', 'silu', "
        "'mish', 'softplus', 'softsign', 'exponential', 'sigmoid', 'hard_sigmoid', 'tanh', "
        "'relu6', 'linear', or a call such as 'leaky_relu(0.1)'; got 'softmax'",
    ),
    "misspelt": (
        {"activation": "leakyrelu"},
        ValueError,
        "activation must be one of 'relu', 'leaky_relu', 'elu', 'selu', 'celu', 'gelu', 'silu', "
        "'mish', 'softplus', 'softsign', 'exponential', 'sigmoid', 'hard_sigmoid', 'tanh', "
        "'relu6', 'linear', or a call such as 'leaky_relu(0.1)'; got 'leakyrelu' "
        "(did you mean 'leaky_relu'?)",
    ),
    "several biases": (
        {"bias": [1, 2]},
        TypeError,
        "bias must be a finite number; got [1, 2]",
    ),
    "stride": (
        {"stride": 20_000},
        ValueError,
        "stride must be at most 10000 on the page; got 20000",
    ),
    "pads": (
        {"padding": 2000},
        ValueError,
        "padding must give at most 10000000 cells; got 2000, which makes the image 4002×4002",
    ),
    "pool window": (
        {"pool_padding": "valid", "pool_size": 9},
        ValueError,
        "pool window (9×9) does not fit the map (2×2) with padding 'valid'; use padding='same' "
        "or a larger map",
    ),
    "unknown slope": (
        {"activation": "elu(beta=1)"},
        ValueError,
        "elu must be called as elu(alpha=1); got 'elu(beta=1)', where 'beta' is unknown",
    ),
}


@pytest.mark.parametrize("name", DOORS)
def test_python_refuses_what_the_page_cannot_do(name):
    options, kind, sentence = DOORS[name]
    with pytest.raises(kind) as caught:
        data_from_image([[1, 2], [3, 4]], "edge", **options)
    assert str(caught.value) == sentence


def test_functions_are_no_activations_of_the_page():
    with pytest.raises(TypeError, match="activation must be one of 'relu'"):
        data_from_image([[1]], "edge", activation=tf.nn.relu)


def test_batches_and_large_images_are_refused():
    with pytest.raises(ValueError, match="give one image at a time"):
        data_from_image(np.zeros((2, 4, 4, 3)), "edge")
    large = np.zeros((MOST_VALUES // 2000 + 1, 2000), np.uint8)
    sentence = "image must have at most 4000000 values for the page; got 2001×2000×1; use size=2000"
    with pytest.raises(ValueError, match=sentence):
        data_from_image(large, "edge")
    with pytest.raises(ValueError, match=r"kernel 'kernel' must hold at most 4096 numbers"):
        data_from_image([[1]], np.ones((65, 64)))


def test_an_image_made_smaller_is_rounded_to_eight_bits():
    pixels = page_pixels(smooth(40, 60, 3), size=30)
    assert pixels.shape == (20, 30, 3)
    levels = np.rint(pixels.astype(np.float64) * 255)
    assert (np.float32(levels) / np.float32(255) == pixels).all()
    assert np.abs(pixels - fv.read_image(smooth(40, 60, 3), size=30)).max() <= 0.5 / 255 + 1e-6
    same = page_pixels(IMAGES["floats"], size=30)
    assert (same == IMAGES["floats"]).all()
    numbers = page_pixels(ramp(8, 8), size=4)
    assert (numbers == fv.read_image(ramp(8, 8), size=4)).all()
