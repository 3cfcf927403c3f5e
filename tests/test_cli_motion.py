"""The commands about the window in motion."""

import shlex
from pathlib import Path

import pytest
from PIL import Image

import featviz as fv
from featviz import _terminal
from featviz.cli import cli

ROWS = [[0, 1, 3, 0], [2, 0, -1, 4], [0, 5, 0, 1]]
TEXT = "; ".join(" ".join(map(str, row)) for row in ROWS)
TWISTED = "1 2 -3; 1/2 -1 4"  # no symmetry at all


@pytest.fixture
def call(capsys):
    """Call featviz in this process: exit status, stdout, stderr."""

    def run(*words):
        status = _terminal.run(cli, words)
        return status, *capsys.readouterr()

    return run


def lines_of(steps, *, form="unicode", count=100):
    return fv.text_from_trace(steps, form=form, steps=count) + "\n"


OPTIONS = [
    ([], {}),
    (["--stage", "condense", "--pool", "average"], {"stage": "condense", "pool": "average"}),
    (["--stage", "detect", "-a", "leaky_relu(0.1)"],
     {"stage": "detect", "activation": "leaky_relu(0.1)"}),
    (["--stage", "transposed", "-s", "2,3", "-p", "1", "--output-padding", "1,2"],
     {"stage": "transposed", "stride": (2, 3), "padding": 1, "output_padding": (1, 2)}),
    (["-p", "valid", "-d", "2,1", "--bias", "-1", "--border", "wrap"],
     {"padding": "valid", "dilation": (2, 1), "bias": -1, "border": "wrap"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "options"), OPTIONS, ids=[" ".join(w) or "plain" for w, _ in OPTIONS]
)
def test_a_trace_is_printed_cell_by_cell(call, words, options):
    steps = fv.trace(ROWS, TWISTED, **options)
    assert call("trace", TEXT, "-k", TWISTED, *words) == (0, lines_of(steps), "")


@pytest.mark.parametrize("form", ["unicode", "plain", "markdown", "latex"])
def test_a_trace_is_printed_in_the_form_asked_for(call, form):
    steps = fv.trace(ROWS, TWISTED)
    words = ["trace", TEXT, "-k", TWISTED, "--form", form]
    assert call(*words) == (0, lines_of(steps, form=form), "")


def test_of_a_large_output_a_part_is_printed_and_the_rest_is_said(call):
    status, out, _ = call("trace", "sample:step", "-k", "edge", "--size", "20", "--steps", "3")
    assert status == 0
    steps = fv.trace(fv.sample_image("step", size=20), "edge")
    assert out == lines_of(steps, count=3)[:-1] + "; choose with --steps or --cell\n"
    assert "\n… 397 more of 400 cells; " in out


def test_one_cell_of_one_of_several_maps(call):
    words = ["-k", "edge", "-k", TWISTED, "--map", "1", "--cell", "1,2"]
    status, out, _ = call("trace", TEXT, *words)
    assert status == 0
    steps = fv.trace(ROWS, ["edge", TWISTED], index=1)
    assert out.splitlines()[-1] == "(1, 2)  " + fv.text_from_step(steps, steps.at(1, 2))


@pytest.mark.parametrize("drawing", ["numbers", "lens"])
def test_an_animation_is_written_and_said(call, drawing):
    words = ["-k", TWISTED, "--drawing", drawing, "--frame", "400,300", "--seconds", "0.2"]
    status, out, err = call("animate", TEXT, *words, "-p", "valid", "-o", "motion.gif")
    assert (status, out, err) == (0, f"wrote {Path('motion.gif').resolve()}\n", "")
    made = fv.animate(
        ROWS, TWISTED, drawing=drawing, size=(400, 300), seconds_per_frame=0.2, padding="valid"
    )
    made.save("expected.gif")
    assert Path("motion.gif").read_bytes() == Path("expected.gif").read_bytes()
    with Image.open("motion.gif") as picture:
        assert (picture.n_frames, picture.size) == (4, (400, 300))
        assert picture.info["duration"] == 200


def test_without_o_an_animation_is_called_after_image_and_stage(call):
    words = ["-k", "edge", "--stage", "condense", "--frame", "400,250", "--steps", "1,3"]
    assert call("animate", "sample:step", "--size", "8", *words)[0] == 0
    with Image.open("step-condense.gif") as picture:
        assert picture.n_frames == 2


def test_frames_go_into_a_folder_and_a_bar_shows_where_someone_looks(call, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    status, _, err = call("animate", TEXT, "-k", "1", "--frame", "300,200", "-o", "frames/")
    assert status == 0
    assert len(list(Path("frames").glob("*.png"))) == 12
    assert "0/12" in err
    status, out, err = call("trace", TEXT, "-k", "1", "--steps", "5")
    assert (status, out.count("("), "cells: " in err) == (0, out.count(")"), True)
    assert "0/5" in err
    status, _, err = call("explore", TEXT, "-k", "1", "-o", "p.html")
    assert (status, "steps: " in err, "0/3" in err) == (0, True, True)
    status, _, err = call("explore", TEXT, "-k", "1", "-o", "p.html", "--limit-bytes", "9")
    assert status != 0
    assert "\rfeatviz: " in err  # the bar is gone before the sentence


def test_a_page_is_written_and_opened(call, monkeypatch):
    opened = []
    monkeypatch.setattr("click.launch", opened.append)
    words = ["-k", TWISTED, "--stride", "2", "--title", "mine"]
    status, out, err = call("explore", TEXT, *words, "-o", "p.html", "--open")
    assert (status, out, err) == (0, f"wrote {Path('p.html').resolve()}\n", "")
    assert opened == [Path("p.html").resolve().as_uri()]
    expected = fv.page(ROWS, TWISTED, stride=2, title="mine").html
    assert Path("p.html").read_text(encoding="utf-8") == expected


def test_a_page_names_the_file_it_was_made_of(call):
    fv.write_image("photo.png", fv.sample_image("camera", size=40))
    assert call("explore", "photo.png")[0] == 0
    text = Path("photo.html").read_text(encoding="utf-8")
    assert text == fv.page("photo.png", "edge").html


def test_a_page_of_a_sample_says_how_python_calls_it(call):
    assert call("explore", "sample:step", "--size", "20", "-o", "p.html")[0] == 0
    expected = fv.page(
        fv.sample_image("step"), "edge", size=20, title="step", python='fv.sample_image("step")'
    )
    assert Path("p.html").read_text(encoding="utf-8") == expected.html


ERRORS = [
    ("animate '1 2' -k edge -o a.mp4", 2,
     "output must end in one of .gif, .webp, .png, .apng or / (a folder); "
     "got 'a.mp4'"),
    ("animate sample:step -k edge", 2,
     "steps must be at most 400; got 65536 (256×256 cells); choose a part, as in --steps 0,100, "
     "a smaller image (--size) or a larger --most-steps"),
    ("animate '1 2' -k edge --seconds 0.001", 2, "--seconds must"),
    ("trace '1 2' -k edge --map 3", 2, "--map must be less than the number of maps (1); got 3"),
    ("trace '1 2' -k edge --cell 9,9", 2, "--cell: row must be less than the 1 rows"),
    ("trace '1 2' -k edge --output-padding 1", 2, "--output-padding must be 0 but for stage"),
    ("trace '1 2' -k edge --terms 1", 2, "terms must be a whole number of at least 2; got 1"),
    ("animate '1 2' -k edge --frame 10,10", 2, "--frame must be"),
    ("animate nothing.png -k edge", 1, "image must be a file that exists; got 'nothing.png'"),
    ("animate '1 2' -k edge --most-steps 1", 2, "steps must be at most 1; got 2"),
    ("explore '1 2' -o a.htm1", 2, "output must end in one of .html, .htm; got 'a.htm1'"),
    ("explore '1 2' -a softmax", 2, "activation must be one of"),
    ("explore sample:coffee", 2, "image must make a page of at most 400 kB; got one"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "start"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors_are_one_line(call, words, status, start):
    found, out, err = call(*shlex.split(words))
    assert (found, out) == (status, "")
    assert err.startswith(f"featviz: error: {start}"), err
    assert err.count("\n") == 1
    assert list(Path().iterdir()) == []
