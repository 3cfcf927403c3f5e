"""The command line: what its words do, what it prints, how it fails."""

import codecs
import contextlib
import inspect
import io
import json
import os
import re
import shlex
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

import featviz as fv
from featviz import _terminal, vocabulary
from featviz.cli import cli

ROWS = [[0, 1, 3, 0, 2, 1], [2, 0, 1, 4, 0, 0], [0, 5, 0, 1, 1, 3], [1, 0, 2, 0, 6, 0]]
TEXT = "; ".join(" ".join(map(str, row)) for row in ROWS)
TWISTED = "1 2 -3; 0 1 0; -4 0 5"  # no symmetry at all
MAGIC = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@pytest.fixture
def call(capsys):
    """Call featviz in this process: exit status, stdout, stderr."""

    def run(*words):
        status = _terminal.run(cli, words)
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def files(empty_folder):
    """Good, damaged and strange files to read."""
    for name in ("a.png", "b/a.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (9, 7), (200, 40, 10)).save(name)
    Path("photo.png").write_bytes(Path("a.png").read_bytes())
    Path("cut.png").write_bytes(Path("a.png").read_bytes()[:50])
    Path("none.png").write_bytes(b"")
    Path("ragged.csv").write_text("1,2\n3\n")
    Path("old.png").write_bytes(b"precious")
    Path("folder").mkdir()
    return empty_folder


# Every option of extract


PASSED_ON = [
    ("stride", "2", 2),
    ("stride", "2,1", (2, 1)),
    ("padding", "valid", "valid"),
    ("padding", "2", 2),
    ("padding", "1,2", (1, 2)),
    ("padding", "same,valid", ("same", "valid")),
    ("padding", "0,1,2,3", ((0, 1), (2, 3))),
    ("dilation", "1,2", (1, 2)),
    ("border", "reflect", "reflect"),
    ("bias", "-1", -1),
    ("bias", "-0.5", -0.5),
    ("bias", "1/3", "1/3"),
    ("activation", "leaky_relu(0.25)", "leaky_relu(0.25)"),
    ("pool", "average", "average"),
    ("pool_size", "3,1", (3, 1)),
    ("pool_stride", "1,2", (1, 2)),
    ("pool_padding", "1,0", (1, 0)),
    ("pool_padding", "1,0,0,1", ((1, 0), (0, 1))),
]


def named_only(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def printed(image, kernels, **settings):
    return f"{fv.text_from_extraction(fv.extract(image, kernels, **settings))}\n"


@pytest.mark.parametrize(("name", "words", "value"), PASSED_ON, ids=str)
def test_an_option_of_extract_passes_its_value_on(call, name, words, value):
    option = f"--{name.replace('_', '-')}"
    expected = printed(ROWS, TWISTED, **{name: value})
    assert expected != printed(ROWS, TWISTED)
    assert call("matrix", TEXT, "-k", TWISTED, option, words) == (0, expected, "")


def test_bias_is_one_for_each_of_several_kernels(call):
    expected = printed(ROWS, [TWISTED, "edge"], bias=[2, -3])
    words = ("matrix", TEXT, "-k", TWISTED, "-k", "edge", "--bias", "2,-3")
    assert call(*words) == (0, expected, "")


@pytest.mark.parametrize("color", ["each", "sum"])
def test_colour_is_passed_on(call, color):
    expected = printed(fv.sample_image("car", size=6), TWISTED, color=color)
    words = ("matrix", "sample:car", "--size", "6", "-k", TWISTED, "--color", color)
    assert call(*words) == (0, expected, "")


@pytest.mark.parametrize("command", ["panels", "matrix"])
def test_every_option_of_extract_is_there_with_its_default(command):
    tested = {name for name, _, _ in PASSED_ON} | {"color"}
    assert set(named_only(fv.extract)) == tested == set(vocabulary.EXTRACT_OPTIONS)
    given = cli.commands[command].make_context(command, ["sample:step", "-k", "edge"]).params
    for name, default in named_only(fv.extract).items():
        assert given[name] == default, name


def test_short_options_mean_the_long_ones(call):
    short = call("matrix", TEXT, "-k", TWISTED, *shlex.split("-s 2 -p valid -d 1,2 -a tanh"))
    expected = printed(ROWS, TWISTED, stride=2, padding="valid", dilation=(1, 2), activation="tanh")
    assert short == (0, expected, "")


# Drawing


DRAWN = [
    ("--stages filter,image", {"stages": ("filter", "image")}),
    ("--layout columns", {"layout": "columns"}),
    ("--layout 3", {"layout": 3}),
    ("--scale each", {"scale": "each"}),
    ("--scale -1.5,2", {"scale": (-1.5, 2.0)}),
    ("--palette grey", {"palette": "grey"}),
    ("--gamma 2", {"gamma": 2.0}),
    ("--title 'car & co'", {"title": "car & co"}),
    ("--title -1", {"title": "-1"}),
]


def picture(figure, **options):
    return fv.save_figure(figure, "expected.png", **options).read_bytes()


@pytest.mark.parametrize(("words", "drawing"), DRAWN, ids=[words for words, _ in DRAWN])
def test_a_drawing_option_passes_its_value_on(call, words, drawing):
    base = ["panels", "sample:car", "--size", "16", "-k", "emboss", "--dpi", "40"]
    status, out, err = call(*base, "-o", "x.png", *shlex.split(words))
    assert (status, out, err) == (0, f"wrote {Path('x.png').resolve()}\n", "")
    run = fv.extract(fv.sample_image("car", size=16), "emboss")
    assert Path("x.png").read_bytes() == picture(fv.plot_extraction(run, **drawing), dpi=40)
    assert Path("x.png").read_bytes() != picture(fv.plot_extraction(run), dpi=40)


def test_every_drawing_option_is_tested():
    known = set(named_only(fv.plot_extraction)) - {"numbers"}
    assert {key for _, drawing in DRAWN for key in drawing} == known
    given = cli.commands["panels"].make_context("panels", ["sample:step", "-k", "edge"]).params
    assert known | set(named_only(fv.plot_grid)) - {"show_image", "numbers"} <= set(given)
    for function in (fv.plot_extraction, fv.plot_grid):
        for name, default in named_only(function).items():
            assert name not in given or given[name] == default, name


@pytest.mark.usefixtures("files")
def test_a_grid_is_one_figure_of_all_images_and_kernels(call):
    words = "panels a.png b/a.png -k edge -k emboss --grid --stage filter --scale signed -o g.png"
    assert call(*words.split(), "--dpi", "40", "--stride", "2")[::2] == (0, "")
    pictures = {"a": "a.png", "a-2": "b/a.png"}
    figure = fv.plot_grid(pictures, ["edge", "emboss"], stage="filter", scale="signed", stride=2)
    assert Path("g.png").read_bytes() == picture(figure, dpi=40)


@pytest.mark.parametrize("ending", MAGIC)
@pytest.mark.parametrize("words", ["panels sample:step -k edge --size 8", "kernels emboss"])
def test_pictures_are_png_svg_and_pdf(call, words, ending):
    target = f"x{ending.upper() if ending == '.png' else ending}"
    assert call(*words.split(), "-o", target)[::2] == (0, "")
    assert Path(target).read_bytes().startswith(MAGIC[ending])


@pytest.mark.usefixtures("files")
def test_without_o_the_figure_is_called_after_the_image(call):
    status, out, _ = call("panels", "b/a.png", "-k", "edge")
    assert (status, out) == (0, f"wrote {Path('a-panels.png').resolve()}\n")
    assert call("panels", "a.png", "-k", "edge", "--grid")[0] == 0
    assert Path("grid.png").is_file()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("folder", ["folder", "folder/", "new", "new.d/"])
def test_several_images_go_into_a_folder_under_names_of_their_own(call, folder):
    words = ("panels", "a.png", "b/a.png", "sample:step", "-k", "edge", "--size", "8")
    status, out, err = call(*words, "-o", folder)
    names = ["a-panels.png", "a-2-panels.png", "step-panels.png"]
    lines = [f"wrote {Path(folder, name).resolve()}" for name in names]
    assert (status, out.splitlines(), err) == (0, lines, "")  # and no progress bar
    assert sorted(path.name for path in Path(folder).iterdir()) == sorted(names)


@pytest.mark.usefixtures("files")
def test_one_image_goes_into_a_folder_too(call):
    assert call("panels", "a.png", "-k", "edge", "-o", "folder")[0] == 0
    assert Path("folder/a-panels.png").is_file()


@pytest.mark.usefixtures("files")
def test_a_file_that_is_there_is_replaced(call):
    assert call("panels", "a.png", "-k", "edge", "-o", "old.png")[0] == 0
    assert Path("old.png").read_bytes().startswith(MAGIC[".png"])


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.usefixtures("files")
def test_a_progress_bar_shows_where_many_images_are_drawn_and_someone_looks(monkeypatch, call):
    seen = Terminal()
    monkeypatch.setattr("sys.stderr", seen)
    assert call("panels", "a.png", "b/a.png", "-k", "edge")[0] == 0
    assert re.search(r"panels: 100%.* 2/2 ", seen.getvalue())
    seen.truncate(0)
    assert call("panels", "a.png", "-k", "edge")[0] == 0
    assert seen.getvalue() == ""


# Text


SOURCES = {
    "m.csv": "0,1,3\n2,0,1\n",
    "m.txt": "0 1 3  # first\n2 0 1\n",
    "m.json": json.dumps({"rows": [[0, 1, 3], [2, 0, 1]]}),
}


@pytest.mark.parametrize("name", [*SOURCES, "m.npy", "text", "brackets"])
def test_a_matrix_comes_from_text_or_a_file(call, name):
    source = {"text": "0 1 3; 2 0 1", "brackets": "[[0, 1, 3], [2, 0, 1]]"}.get(name, name)
    if name in SOURCES:
        Path(name).write_text(SOURCES[name])
    if name == "m.npy":
        np.save(name, np.array([[0, 1, 3], [2, 0, 1]]))
    expected = printed([[0, 1, 3], [2, 0, 1]], TWISTED)
    assert call("matrix", source, "-k", TWISTED) == (0, expected, "")


@pytest.mark.parametrize("source", ["m.csv", TEXT], ids=["file", "text"])
def test_panels_are_drawn_of_a_matrix_too(call, source):
    Path("m.csv").write_text("\n".join(",".join(map(str, row)) for row in ROWS))
    status, out, err = call("panels", source, "-k", TWISTED)
    assert (status, err) == (0, "")
    assert Path(out.removeprefix("wrote ").strip()).name in ("m-panels.png", "matrix-panels.png")
    expected = fv.plot_extraction(fv.extract(ROWS, TWISTED))
    fv.save_figure(expected, "expected.png")
    assert (
        Path(out.removeprefix("wrote ").strip()).read_bytes() == Path("expected.png").read_bytes()
    )


@pytest.mark.parametrize(
    ("image", "kernel"),
    [("a b; c d", "1 -1"), ("1 2; 3 4", "u v"), ("a b; 3 4", "edge"), ("x y", "box(2)")],
    ids=["image", "kernel", "preset", "family"],
)
def test_letters_stay_letters(call, image, kernel):
    words = ["matrix", image, "-k", kernel, "-a", "linear", "--form", "plain"]
    run = fv.extract_expressions(image, kernel, activation="linear")
    expected = str(fv.text_from_expressions(run, form="plain"))
    assert call(*words) == (0, expected + "\n", "")


def test_a_kernel_takes_a_name_of_its_own(call):
    Path("k=1.csv").write_text("1,2\n3,4\n")
    words = ["-k", f"my own={TWISTED}", "-k", "k=1.csv", "-k", "corner=k=1.csv"]
    status, out, err = call("matrix", TEXT, *words, "-k", "gabor(3, 4, angle_degrees=45)")
    assert (status, err) == (0, "")
    for name in ("my own 3×3", "k=1 2×2", "corner 2×2", "gabor(3, 4, angle_degrees=45) 3×3"):
        assert f"kernel {name}\n" in out


@pytest.mark.usefixtures("files")
def test_a_matrix_comes_from_an_image(call):
    assert call("matrix", "a.png", "-k", TWISTED) == (0, printed("a.png", TWISTED), "")


@pytest.mark.parametrize("place", ["before", "after", "flag"])
def test_a_matrix_may_begin_with_a_minus(call, place):
    kernel = ("-k", "-1 0 1; -2 0 2; -1 0 1")
    words = {"before": ("-1 0; 0 2", *kernel), "after": (*kernel, "-1 0; 0 2"),
             "flag": (*kernel, "--debug", "-1 0; 0 2")}[place]  # fmt: skip
    expected = printed([[-1, 0], [0, 2]], "-1 0 1; -2 0 2; -1 0 1")
    assert call("matrix", *words) == (0, expected, "")


def test_a_small_matrix_is_resized_too(call):
    expected = printed(fv.read_image([[0, 4], [4, 0]], size=4), "edge")
    assert call("matrix", "0 4; 4 0", "-k", "edge", "--size", "4") == (0, expected, "")


def test_a_photograph_is_cut_to_what_can_be_read(call):
    status, out, err = call("matrix", "sample:camera", "-k", "edge", "--rows", "4")
    assert (status, err) == (0, "")
    assert "image 512×512, shown 4×12\n" in out
    assert max(map(len, out.splitlines())) < 200
    assert len(out.splitlines()) < 50


@pytest.mark.parametrize("form", vocabulary.MATRIX_FORMS)
def test_matrices_are_printed_in_the_form_asked_for(call, form):
    run = fv.extract([[1, 2], [3, 4]], "edge")
    expected = f"{fv.text_from_extraction(run, form=form)}\n"
    assert call("matrix", "1 2; 3 4", "-k", "edge", "--form", form) == (0, expected, "")


def through(monkeypatch, encoding, *words):
    """What a terminal of another encoding gets."""
    codecs.register_error("featviz", _terminal.plain_signs)
    raw = io.BytesIO()
    with monkeypatch.context() as patch:
        stream = io.TextIOWrapper(raw, encoding=encoding, errors="featviz")
        patch.setattr("sys.stdout", stream)
        assert _terminal.run(cli, words) == 0
        stream.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_a_terminal_that_cannot_show_tall_brackets_gets_plain_ones(monkeypatch, encoding):
    words = ("matrix", "1 2; 3 4", "-k", "edge")
    run = fv.extract([[1, 2], [3, 4]], "edge")
    plain = str(fv.text_from_extraction(run, form="plain"))
    assert through(monkeypatch, encoding, *words).split() == plain.split()
    asked = through(monkeypatch, encoding, *words, "--form", "unicode")
    assert "[1  2]\n[3  4]" in asked


def test_signs_that_a_terminal_lacks_are_written_in_others(monkeypatch):
    out = through(monkeypatch, "ascii", "kernels", "top_sobel")
    assert "  3x3, sum 0," in out
    assert "?" not in out


def test_kernels_lists_every_preset_and_shows_anything_that_k_takes(call):
    status, out, err = call("kernels")
    assert (status, err) == (0, "")
    blocks = out.split("\n\n")
    assert [block.splitlines()[0] for block in blocks[:-1]] == list(fv.PRESETS)
    assert all(family in blocks[-1] for family in fv.FAMILIES)
    status, out, _ = call("kernels", "edge")
    assert (status, out) == (0, f"{blocks[list(fv.PRESETS).index('edge')]}\n")
    assert call("kernels", "-1 2; 3 0")[1].splitlines()[1:3] == ["    -1 2", "     3 0"]
    assert "gaussian(3, 1)\n" in call("kernels", "gaussian(3, 1)")[1]


def test_samples_are_listed_and_written(call):
    lines = call("samples")[1].splitlines()
    assert [line.split()[0] for line in lines] == [f"sample:{name}" for name in fv.SAMPLES]
    for name in ("step", "sample:step"):
        status, out, err = call("samples", name, "--size", "6,8")
        assert (status, out, err) == (0, f"wrote {Path('step.png').resolve()}\n", "")
        assert np.array_equal(fv.read_image("step.png"), fv.sample_image("step", size=(6, 8)))


def test_devices_marks_the_one_that_computes(call):
    status, out, err = call("devices")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [d.name for d in fv.list_devices()]
    assert out.count("(used)") == 1


# Help


def help_of(command):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert _terminal.run(cli, [command, "--help"] if command else ["--help"]) == 0
    return out.getvalue()


def examples():
    for command in (None, *cli.commands):
        _, _, lines = help_of(command).partition("  Example:\n")
        for line in lines.splitlines():
            yield pytest.param(command, line.strip(), id=line.strip())


@pytest.mark.parametrize(("command", "line"), examples())
def test_an_example_of_the_help_runs(call, command, line):
    program, *words = shlex.split(line)
    assert program == "featviz"
    assert command in (None, words[0])
    status, out, err = call(*words)
    assert (status, err) == (0, "")
    assert out


@pytest.mark.parametrize("command", [None, *cli.commands], ids=str)
def test_help_names_everything_and_shows_an_example_on_one_line(call, command):
    status, out, err = call(*([command] if command else []), "--help")
    assert (status, err) == (0, "")
    chosen = cli.commands[command] if command else cli
    for param in chosen.params:
        words = param.opts if isinstance(param, click.Option) else [param.metavar or "[NAME]"]
        assert all(word in out for word in words), param.name
        if isinstance(param, click.Option):
            assert param.help
    example = out.partition("  Example:\n")[2].splitlines()
    assert example
    assert all(line.startswith("    featviz ") for line in example)
    assert max(map(len, out.splitlines())) <= 100


def test_without_words_the_help_is_printed_and_no_summary_is_cut(call):
    status, out, err = call()
    assert (status, err) == (0, "")
    assert out == call("-h")[1]
    for name, command in cli.commands.items():
        assert re.search(rf"^  {name} +{re.escape(command.short_help)}$", out, re.M)


# Errors


KERNEL_RULE = (
    'kernel must be a preset\'s name, numbers like "0 1; 1 0", a family like "gaussian(5, 1)" or '
    "a file (.json .csv .txt .npy); got"
)
SAMPLE_NAMES = ", ".join(map(repr, fv.SAMPLES))
WRITABLE = "'.png', '.jpg', '.jpeg', '.bmp', '.gif', '.webp', '.tif', '.tiff'"
ERRORS = [
    # wrong use of words
    ("pannels", 2, "command must be one of 'animate', 'devices', 'diagnose', 'explore', "
     "'kernels', 'layers', 'maps', 'matrix', 'panels', 'samples', 'trace'; got 'pannels' "
     "(did you mean 'panels'?)"),
    ("matrix 'a b; 1 2' -k edge -k blur", 2, "-k must be one kernel where letters stand; got 2"),
    ("matrix 'a b; 1 2' -k edge --color sum", 2, "--color must be grey where letters stand"),
    ("trace '1 2' -k edge --stage transposed --pool max", 2,
     "--pool must be given without --stage transposed"),
    ("trace '1 2' -k edge --cell 0,5", 2,
     "--cell: column must be less than the 2 columns of the output; got 5"),
    ("trace '1 2' -k edge --cell 3", 2, "--cell must be two whole numbers; got '3'"),
    ("trace '1 2' -k edge --map 1", 2,
     "--map must be less than the number of maps (1); got 1"),
    ("--verbos", 2, "no such option '--verbos' (did you mean '--version'?); see 'featviz --help'"),
    ("panels", 2, "missing argument 'IMAGE…'; see 'featviz panels --help'"),
    ("panels a.png", 2, "missing option '-k' / '--kernel'; see 'featviz panels --help'"),
    ("panels a.png -k", 2, "option '-k' requires an argument; see 'featviz panels --help'"),
    ("panels a.png -k edge --paddin 1", 2,
     "no such option '--paddin' (did you mean '--padding'?); see 'featviz panels --help'"),
    ("panels a.png -k edge --grid=1", 2,
     "option '--grid' does not take a value; see 'featviz panels --help'"),
    ("devices all", 2, "got unexpected extra argument (all); see 'featviz devices --help'"),
    ("samples -o x.png", 2,
     "NAME must be given with -o or --size; 'featviz samples' lists them"),
    # wrong values
    ("panels a.png -k edg", 2, f"{KERNEL_RULE} 'edg' (did you mean 'edge'?)"),
    ("kernels edg", 2, f"{KERNEL_RULE} 'edg' (did you mean 'edge'?)"),
    ("panels a.png -k '1 2; 3'", 2,
     "kernel must have rows of equal length; got 2 numbers in row 1 and 1 in row 2"),
    ("panels a.png -k edge -k '1 a'", 2,
     "kernel 2, row 1, column 2 must hold numbers like 2, -0.5 or 1/9; got 'a'"),
    ("panels sample:cofee -k edge", 2,
     f"sample must be one of {SAMPLE_NAMES}; got 'cofee' (did you mean 'coffee'?)"),
    ("samples cofee", 2,
     f"name must be one of {SAMPLE_NAMES}; got 'cofee' (did you mean 'coffee'?)"),
    ("matrix '0 1; x! 2' -k edge", 2,
     "image, row 2, column 1 must hold numbers like 2, -0.5 or 1/9, or letters like a, w11 or "
     "x_1; got 'x!'"),
    ("matrix '1 2; 3' -k edge", 2,
     "matrix must have rows of equal length; got 2 numbers in row 1 and 1 in row 2"),
    ("matrix '1 2' -k edge --rows 0", 2, "--rows must be a whole number of at least 1; got 0"),
    ("matrix '1 2' -k edge --form utf", 2,
     "--form must be one of 'unicode', 'plain', 'latex'; got 'utf'"),
    ("panels a.png -k edge -o x.jpeg", 2,
     "-o must end in one of .png, .svg, .pdf; got 'x.jpeg'"),
    ("kernels edge -o x.pngg", 2,
     "-o must end in one of .png, .svg, .pdf; got 'x.pngg' (did you mean '.png'?)"),
    ("samples step -o x.foo", 2, f"ending of the path must be one of {WRITABLE}; got '.foo'"),
    ("panels a.png b/a.png -k edge -o x.png", 2,
     "-o must be a folder for 2 images, or add --grid; got 'x.png'"),
    ("panels a.png -k edge -o ./b/../a.png", 2,
     "-o must not be an image that is read; got 'b/../a.png'"),
    ("panels a.png -k edge --stage filter", 2, "--stage must be given with --grid"),
    ("panels a.png -k edge --grid --layout rows", 2, "--layout must be given without --grid"),
    ("panels a.png -k edge --grid --stages image", 2, "--stages must be given without --grid"),
    ("panels a.png -k edge --stages filter,detct", 2,
     "--stages must be one of 'image', 'filter', 'detect', 'condense'; "
     "got 'detct' (did you mean 'detect'?)"),
    ("panels a.png -k edge --stages filter,filter", 2,
     "--stages must name each stage once; got 'filter,filter'"),
    ("panels a.png -k edge --grid --stage image", 2,
     "--stage must be one of 'filter', 'detect', 'condense'; got 'image'"),
    ("panels a.png -k edge --layout row", 2,
     "--layout must be one of 'rows', 'columns' or a number of panels; "
     "got 'row' (did you mean 'rows'?)"),
    ("panels a.png -k edge --layout 0", 2,
     "--layout must be a whole number of at least 1; got 0"),
    ("panels a.png -k edge --scale sharp", 2,
     "--scale must be one of 'shared', 'signed', 'each' or two numbers LOW,HIGH; "
     "got 'sharp' (did you mean 'shared'?)"),
    ("panels a.png -k edge --scale 2,1", 2,
     "--scale must be two numbers LOW,HIGH, LOW < HIGH; got '2,1'"),
    ("panels a.png -k edge --palette gray", 2,
     "--palette must be one of 'signed', 'heat', 'grey'; got 'gray' (did you mean 'grey'?)"),
    ("panels a.png -k edge --gamma 0", 2, "--gamma must be a finite number above 0; got 0.0"),
    ("panels a.png -k edge --dpi fine", 2,
     "--dpi must be a finite number above 1 and at most 2400; got 'fine'"),
    ("panels a.png -k edge --size 0", 2,
     "--size must be a whole number of at least 1; got 0"),
    ("panels a.png -k edge --size 1,2,3", 2,
     "--size must be a whole number or a pair (rows, columns); got (1, 2, 3)"),
    ("panels a.png -k edge --stride two", 2,
     "--stride must be a whole number of at least 1; got 'two'"),
    ("panels a.png -k edge --padding smae", 2,
     "--padding must be one of 'same', 'valid', 'full' or explicit pads; "
     "got 'smae' (did you mean 'same'?)"),
    ("panels a.png -k edge --padding 1,2,3", 2,
     "--padding must be 1, 2 or 4 values; got '1,2,3'"),
    ("panels a.png -k edge --padding -1", 2,
     "--padding must be a whole number of at least 0; got -1"),
    ("panels a.png -k edge --pool-padding full", 2,
     "--pool-padding must be one of 'same', 'valid' or explicit pads; got 'full'"),
    ("panels a.png -k edge --border zeroes", 2,
     "--border must be one of 'zeros', 'reflect', 'symmetric', 'edge', 'wrap'; "
     "got 'zeroes' (did you mean 'zeros'?)"),
    ("panels a.png -k edge --pool mean", 2,
     "--pool must be one of 'max', 'average', 'global_max', 'global_average', 'none'; got 'mean'"),
    ("panels a.png -k edge --color gray", 2,
     "--color must be one of 'grey', 'each', 'sum'; got 'gray' (did you mean 'grey'?)"),
    ("panels a.png -k edge --bias 1,x", 2, "--bias must be a finite number; got 'x'"),
    ("panels a.png -k edge --bias nan", 2, "--bias must be a finite number; got nan"),
    # failures: what cannot be read or written
    ("panels sample:step -k edge -o ''", 2,
     "-o must be a path, not empty and without '\\0'; got ''"),
    ("panels no.png -k edge", 1, "image must be a file that exists; got 'no.png'"),
    ("panels coffee -k edge", 1,
     "image must be a file that exists; got 'coffee'; the sample is sample:coffee"),
    ("panels a.png no.png -k edge -o new", 1, "image must be a file that exists; got 'no.png'"),
    ("panels folder -k edge", 1, "image must be a file; got the folder 'folder'"),
    ("matrix no.png -k edge", 1, "image must be a file that exists; got 'no.png'"),
    ("matrix no.csv -k edge", 1, "matrix file must exist; got 'no.csv'"),
    ("matrix ragged.csv -k edge", 1, "matrix file 'ragged.csv' must have rows of equal length; "
     "got 2 numbers in row 1 and 1 in row 2"),
    ("panels a.png -k no.json", 1, "kernel file must exist; got 'no.json'"),
    ("panels a.png -k edge -k ragged.csv", 1, "kernel file 'ragged.csv' must have rows of equal "
     "length; got 2 numbers in row 1 and 1 in row 2"),
    ("panels a.png -k edge -o no/x.png", 1, "output must be in a folder that exists; got 'no'"),
    ("kernels edge -o folder", 1, "output must be a file; got the folder 'folder'"),
    ("samples step -o no/x.png", 1, "output must be in a folder that exists; got 'no'"),
    ("panels a.png b/a.png -k edge -o old.png/", 1, "File exists: 'old.png'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status", "sentence"), ERRORS, ids=[words for words, _, _ in ERRORS]
)
def test_an_error_is_one_line_and_a_status(call, files, words, status, sentence):
    before = sorted(map(str, files.rglob("*")))
    assert call(*shlex.split(words)) == (status, "", f"featviz: error: {sentence}\n")
    assert sorted(map(str, files.rglob("*"))) == before  # nothing begun is left


LATE_ERRORS = [
    ("panels cut.png -k edge", 1, "image must be a whole file; got 'cut.png'"),
    ("panels none.png -k edge", 1, "image must not be empty; got 'none.png'"),
    ("panels a.png -k edge --size 900000", 2, "size must give at most 100,000,000 pixels"),
    ("panels photo.png -k '{wide}' --padding valid", 2, "kernel 'kernel' (1×30) does not fit"),
    ("panels a.png -k edge --activation rely", 2, "activation must be"),
    ("panels a.png -k edge --pool-padding 5", 2, "pool_padding must be smaller than the pool"),
    ("panels a.png -k edge --bias 1,2", 2, "bias must be"),
    ("panels a.png cut.png -k edge --grid", 1, "image must be a whole file"),
    ("panels folder -k edge", 1, "image must be a file"),
    ("panels a.png -k edg", 2, "kernel must be"),
    ("kernels edg", 2, "kernel must be"),
    ("samples cofee", 2, "name must be"),
    ("panels a.png -k edge --dpi 1e9", 2, ""),
]


@pytest.mark.parametrize(
    ("words", "status", "start"), LATE_ERRORS, ids=[row[0] for row in LATE_ERRORS]
)
def test_an_output_that_is_there_survives_every_failure(call, files, words, status, start):
    words = words.replace("{wide}", " ".join("1" * 30))
    got, out, err = call(*shlex.split(words), "-o", "old.png")
    assert (got, out, err.count("\n")) == (status, "", 1)
    assert err.startswith(f"featviz: error: {start}")
    assert Path("old.png").read_bytes() == b"precious"
    assert not [path for path in files.iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("files")
def test_of_several_images_the_error_says_which(call):
    fv.write_image("tiny.png", [[0.0, 1]])
    status, out, err = call("panels", "a.png", "tiny.png", "-k", "edge", "--padding", "valid")
    assert (status, out.count("wrote ")) == (2, 1)
    assert err.startswith("featviz: error: 'tiny.png': kernel 'edge' (3×3) does not fit")
    assert err.count("\n") == 1


def test_debug_adds_the_traceback_wherever_it_stands(call):
    plain = call("panels", "no.png", "-k", "edge")[2]
    for words in (["--debug", "panels", "no.png"], ["panels", "--debug", "no.png"]):
        status, out, err = call(*words, "-k", "edge")
        assert (status, out) == (1, "")
        assert err.startswith("Traceback (most recent call last):")
        assert err.endswith(plain)
    assert "Traceback" not in plain


# What a command may run into


@click.group(cls=_terminal.Commands)
def accidents():
    """Commands that fail."""


def accident(name, error):
    def fail():
        raise error

    accidents.command(name)(fail)


accident("stop", KeyboardInterrupt())
accident("fault", RuntimeError("one\n  two\nthree"))
accident("memory", MemoryError())
accident("disk", OSError(28, "No space left on device"))
accident("lines", ValueError("first\nsecond"))
accident("pipe", BrokenPipeError(32, "Broken pipe"))


@pytest.mark.parametrize(
    ("name", "status", "line"),
    [
        ("stop", 130, "stopped"),
        ("fault", 1, "RuntimeError: one two three (add --debug for the traceback)"),
        ("memory", 1, "MemoryError: (add --debug for the traceback)"),
        ("disk", 1, "No space left on device"),
        ("lines", 2, "first second"),
    ],
)
def test_an_accident_is_one_line(capsys, name, status, line):
    assert _terminal.run(accidents, [name]) == status
    assert capsys.readouterr() == ("", f"featviz: error: {line}\n")


def test_a_reader_that_is_gone_hears_nothing(monkeypatch, capsys):
    for stream in ("stdout", "stderr"):  # click puts wrappers in their place
        monkeypatch.setattr(f"sys.{stream}", getattr(sys, stream))
    assert _terminal.run(accidents, ["pipe"]) == 1
    assert capsys.readouterr() == ("", "")


def test_what_libraries_write_to_the_descriptor_is_kept_away(capfd):
    @accidents.command("noise")
    def noise():
        os.write(2, b"I0000 00:00:00 cpu_feature_guard.cc\n")
        print("ours", file=sys.stderr)

    assert _terminal.run(accidents, ["noise"]) == 0
    assert capfd.readouterr() == ("", "ours\n")
    assert _terminal.run(accidents, ["noise", "--debug"]) == 0
    assert capfd.readouterr().err.startswith("I0000 ")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"
