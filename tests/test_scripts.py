"""Every script that makes pictures runs and leaves the picture that is kept under images/."""

import runpy
from pathlib import Path

import pytest
from PIL import Image

import featviz as fv

ROOT = Path(__file__).parents[1]
LESSONS = sorted(path.stem for path in (ROOT / "scripts").glob("lesson_*.py"))


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_leaves_its_picture(name, tmp_path, capsys):
    main = runpy.run_path(str(ROOT / "scripts" / f"{name}.py"))["main"]
    main(tmp_path)
    assert capsys.readouterr().out.rstrip().endswith(str(tmp_path / f"{name}.png"))
    with (
        Image.open(tmp_path / f"{name}.png") as made,
        Image.open(ROOT / "images" / f"{name}.png") as kept,
    ):
        # Releases of matplotlib round the height of a figure differently.
        apart = [abs(a - b) for a, b in zip(made.size, kept.size, strict=True)]
        assert max(apart) <= 2, "run the script again: the kept picture is of another size"


def test_the_numbers_of_the_lesson_are_printed(tmp_path, capsys):
    runpy.run_path(str(ROOT / "scripts" / "lesson_numbers.py"))["main"](tmp_path)
    printed = capsys.readouterr().out
    assert "⎡-2  2   0  0  0⎤" in printed
    assert "⎣0  2  0  0  0⎦" in printed


def test_floors_are_those_of_the_metadata(capsys):
    runpy.run_path(str(ROOT / "scripts" / "floors.py"))["main"]()
    lines = capsys.readouterr().out.split()
    assert "tensorflow==2.18" in lines
    assert all("==" in line for line in lines)


def test_the_lessons_are_there():
    assert LESSONS == ["lesson_numbers", "lesson_own_kernel", "lesson_pooling", "lesson_presets"]
    assert fv.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
