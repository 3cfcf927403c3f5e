"""Processes: what is loaded, what a terminal sees, the exit status."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HEAVY = ("numpy", "tensorflow", "matplotlib", "sympy", "PIL")
PROGRAM = [sys.executable, "-m", "featviz"]
DRAW = [*PROGRAM, "panels", "sample:coffee", "-k", "edge", "-o", "x.png"]

LOADED = """
import json, sys
loaded = {}

def note(step):
    loaded[step] = [name for name in HEAVY if name in sys.modules]

import featviz
note("import featviz")
from featviz import _terminal
from featviz.cli import cli
for words in COMMANDS:
    assert _terminal.run(cli, words) == 0
    note(" ".join(words))
for words in WRONG:
    status = _terminal.run(cli, words)
    note(" ".join(words))
    loaded[" ".join(words)] += [status]
print(json.dumps(loaded), file=sys.stderr)
"""
LIGHT = [["--help"], ["panels", "--help"], ["kernels"], ["kernels", "edge"], ["--version"]]
WRONG = [
    ["panels", "sample:coffee", "-k", "edg"],
    ["panels", "no.png", "-k", "edge"],
    ["panels", "damaged.png", "-k", "edge"],
    ["panels", "sample:coffee", "-k", "edge", "-o", "x.jpg"],
    ["panels", "sample:coffee", "-k", "edge", "-o", "no/x.png"],
    ["panels", "sample:coffee", "-k", "edge", "--pool", "mean"],
    ["matrix", "1 2; 3", "-k", "edge"],
]


def process(*words, encoding="utf-8", **options):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0", **options.pop("env", {})}
    return subprocess.run(
        words, capture_output=True, text=True, encoding=encoding, check=False, env=environment,
        timeout=120, **options,
    )  # fmt: skip


def test_import_help_and_kernels_load_nothing_heavy_and_wrong_use_no_tensorflow():
    Path("damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code = f"HEAVY, COMMANDS, WRONG = {HEAVY}, {LIGHT}, {WRONG}\n{LOADED}"
    done = process(sys.executable, "-c", code)
    assert done.returncode == 0
    loaded = json.loads(done.stderr.splitlines()[-1])
    for step in ("import featviz", *map(" ".join, LIGHT)):
        assert loaded[step] == [], step
    for words in WRONG:
        *modules, status = loaded[" ".join(words)]
        assert "tensorflow" not in modules, words
        assert status == (1 if any(w.startswith(("no", "damaged")) for w in words) else 2)


def test_help_takes_at_most_120_milliseconds_more_than_python():
    def fastest(*words):
        times = []
        for _ in range(7):
            start = time.perf_counter()
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
        return min(times)

    assert fastest(*PROGRAM, "--help") - fastest(sys.executable, "-c", "pass") < 0.12


def test_a_terminal_sees_one_line_and_none_of_tensorflow():
    """Its stderr is a terminal here; TensorFlow is told to log everything, and tries to."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        DRAW,
        stdout=subprocess.PIPE, stderr=theirs, check=False, timeout=120,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"},
    )  # fmt: skip
    os.write(theirs, b"end")
    os.close(theirs)
    seen = os.read(ours, 100_000)
    os.close(ours)
    assert done.returncode == 0
    assert done.stdout.decode() == f"wrote {Path('x.png').resolve()}\n"
    assert seen == b"end"
    assert Path("x.png").read_bytes().startswith(b"\x89PNG")


def test_a_failure_after_tensorflow_is_loaded_is_one_line_in_a_pipe():
    done = process(*PROGRAM, "matrix", "1 2", "-k", "edge", "--padding", "valid")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("featviz: error: kernel 'edge' (3×3) does not fit")
    assert done.stderr.count("\n") == 1


def test_a_crash_is_still_reported():
    code = (
        "import os, sys, click\nfrom featviz import _terminal\nsys.argv[1:] = []\n"
        "_terminal.main(click.Command('x', callback=os.abort))"
    )
    done = process(sys.executable, "-c", code)
    assert done.returncode == -signal.SIGABRT
    assert done.stderr.startswith("Fatal Python error: Aborted")


def test_warnings_and_logging_of_libraries_do_not_reach_the_terminal():
    code = (
        "import logging, warnings, sys, click\nfrom featviz import _terminal\n"
        "def noise():\n    warnings.warn('glyph missing')\n"
        "    logging.getLogger('matplotlib').warning('building the font cache')\n"
        "_terminal.main(click.Command('x', callback=noise, params=[_terminal.debug_option()]))"
    )
    assert process(sys.executable, "-c", code).stderr == ""
    shown = process(sys.executable, "-c", code, "--debug").stderr
    assert "glyph missing" in shown
    assert "font cache" in shown


def test_a_reader_who_leaves_early_causes_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, "kernels"], stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_behind_stdout_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "kernels"], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert (done.returncode, done.stderr) == (1, b"featviz: error: No space left on device\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_of_another_encoding_is_written_to(encoding):
    options = dict(encoding=encoding, env={"PYTHONIOENCODING": encoding})
    done = process(*PROGRAM, "kernels", "top_sobel", **options)
    assert (done.returncode, done.stderr) == (0, "")
    done = process(*PROGRAM, "panels", "ä…€.png", "-k", "edge", **options)
    assert done.returncode == 1
    assert done.stderr.startswith("featviz: error: image must be a file that exists; got '")


def wait_for_library(pid, name):
    """Until a process has opened a library, where the system tells; else a good while."""
    maps = Path(f"/proc/{pid}/maps")
    end = time.monotonic() + (30 if maps.exists() else 2)
    while time.monotonic() < end and not (maps.exists() and name in maps.read_text()):
        time.sleep(0.01)


def test_ctrl_c_is_one_line_and_130():
    child = subprocess.Popen(
        DRAW,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    wait_for_library(child.pid, "tensorflow")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (130, b"", b"featviz: error: stopped\n")
    assert not list(Path().iterdir())


def test_ctrl_c_within_an_exec_is_130_too():
    Path("stopping.py").write_text(
        """
import click
from featviz import _terminal

@click.command(cls=_terminal.Command)
def stop():
    exec("raise KeyboardInterrupt")

_terminal.main(stop)
"""
    )
    done = process(sys.executable, "-m", "stopping")
    assert (done.returncode, done.stderr.strip()) == (130, "featviz: error: stopped")
