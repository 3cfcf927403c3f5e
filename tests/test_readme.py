"""What the README shows runs, and says what is true."""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest

import featviz as fv
from featviz import _terminal
from featviz.cli import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.S | re.M)
SHELL = [line for kind, text in BLOCKS if kind == "bash" for line in text.splitlines()]
COMMANDS = [line[line.index("featviz ") :] for line in SHELL if "featviz " in line]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_runs(line, capsys):
    assert _terminal.run(cli, shlex.split(line)[1:]) == 0
    assert capsys.readouterr().err == ""


PYTHON = [text for kind, text in BLOCKS if kind == "python"]


@pytest.mark.parametrize("text", PYTHON, ids=[f"block {n}" for n in range(1, len(PYTHON) + 1)])
def test_a_python_block_of_the_readme_runs(text, capsys):
    fv.write_image("car.jpg", fv.sample_image("car"))
    exec(compile(text, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    if "print_matrices" in text:
        shown = next(shown for kind, shown in BLOCKS if kind == "text" and "⎡" in shown)
        assert shown in printed


DIALOGUES = [text for kind, text in BLOCKS if kind == "pycon"]


@pytest.mark.parametrize("text", DIALOGUES, ids=range(len(DIALOGUES)))
def test_a_dialogue_of_the_readme_says_what_python_says(text):
    network = Path("images", "networks", "digits.keras")  # in an empty folder, as for every test
    network.parent.mkdir(parents=True)
    shutil.copy(ROOT / network, network)
    parts = doctest.DocTestParser().get_doctest(text, {"fv": fv}, "README.md", "README.md", 0)
    assert parts.examples
    assert doctest.DocTestRunner().run(parts).failed == 0


def test_every_name_in_the_table_exists():
    rows = README[README.index("### What there is") : README.index("A **kernel** is")]
    names = re.findall(r"`([A-Za-z_]+)`", rows)
    assert len(names) > 20
    assert set(names) <= set(fv.__all__)


def test_pictures_of_the_readme_are_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert len(pictures) == 9
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_every_command_is_shown():
    assert {line.split()[1] for line in COMMANDS} >= set(cli.commands) - {"devices"}


NUMBER = re.compile(r"[0-9.]+")


def test_every_measured_number_of_the_tables_keeps_its_bound_or_is_told_to_miss_it():
    rows = [line.split(" | ") for line in README.splitlines() if line.count(" | ") == 2]
    bounded = [
        (float(NUMBER.match(reached)[0]), float(NUMBER.match(bound)[0]), "missed" in bound)
        for _, reached, bound in rows
        if NUMBER.match(reached) and NUMBER.match(bound)
    ]
    assert len(bounded) == 21
    assert all((reached > bound) == missed for reached, bound, missed in bounded)


def test_the_rows_of_the_tables_are_those_that_the_benchmarks_print():
    printed = "".join(
        (ROOT / "scripts" / name).read_text(encoding="utf-8")
        for name in ("benchmark.py", "benchmark_motion.py")
    )
    for words in ("by the three bare calls", "frames of 1000×500 as", "all stages redrawn"):
        assert words in README
        assert words in printed
