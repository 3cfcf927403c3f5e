"""Measure what featviz promises about time, as ratios within one run; prints a Markdown table.

Each pair is measured in turn, block by block, so that a busy machine disturbs both alike.
Run it on a quiet machine: python scripts/benchmark.py
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BARE_SCRIPT = """
import sys
import tensorflow as tf
from matplotlib.figure import Figure
from matplotlib.image import imread

image = tf.reduce_mean(tf.constant(imread(sys.argv[1]) / 255.0, tf.float32), axis=2)
kernel = tf.constant([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])
filtered = tf.nn.conv2d(image[None, :, :, None], kernel[:, :, None, None], 1, "SAME")
detected = tf.nn.relu(filtered)
condensed = tf.nn.max_pool2d(detected, 2, 2, "SAME")
for name, maps in (("filter", filtered), ("detect", detected), ("condense", condensed)):
    figure = Figure()
    figure.subplots().imshow(maps[0, :, :, 0])
    figure.savefig(f"{name}.png")
"""
LOADED = """
import sys
sys.argv = ["featviz", *sys.argv[1:]]
import featviz
if len(sys.argv) > 1:
    from featviz import cli, _terminal
    _terminal.run(cli.cli)
heavy = {"numpy", "tensorflow", "matplotlib", "sympy", "PIL"} & set(sys.modules)
print(" ".join(sorted(heavy)) or "none", file=sys.stderr)
"""


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turn(actions: list[Callable[[], object]], blocks: int, repeats: int) -> list[float]:
    """Return the median time of each action, measured in alternating blocks."""
    times: list[list[float]] = [[] for _ in actions]
    for action in actions:
        action()
    for _ in range(blocks):
        for action, taken in zip(actions, times, strict=True):
            taken += [seconds(action) for _ in range(repeats)]
    return [statistics.median(taken) for taken in times]


def process(*words: str, folder: str = ".") -> Callable[[], object]:
    def run() -> object:
        return subprocess.run(words, cwd=folder, capture_output=True, check=True, text=True)

    return run


def row(what: str, reached: str, bound: str) -> None:
    print(f"| {what} | {reached} | {bound} |", flush=True)


def starting() -> None:
    for words in ([], ["--help"], ["kernels"]):
        loaded = process(sys.executable, "-c", LOADED, *words)().stderr.strip()
        name = f"`featviz {words[0]}`" if words else "`import featviz`"
        row(f"{name} loads of numpy, tensorflow, matplotlib, sympy, PIL", loaded, "none")
    command = str(Path(sys.executable).with_name("featviz"))
    plain, helped = in_turn(
        [process(sys.executable, "-c", "pass"), process(command, "--help")], blocks=10, repeats=2
    )
    row("`featviz --help`, more than `python -c pass`", f"{helped - plain:.3f} s", "0.12 s")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare.py").write_text(BARE_SCRIPT, encoding="utf-8")
        process(command, "samples", "coffee", "-o", "coffee.jpg", folder=folder)()
        bare, panels = in_turn(
            [
                process(sys.executable, "bare.py", "coffee.jpg", folder=folder),
                process(
                    command, "panels", "coffee.jpg", "-k", "edge", "-o", "p.png", folder=folder
                ),
            ],
            blocks=5,
            repeats=1,
        )
    row(
        f"`featviz panels` from a cold start ({panels:.1f} s), by the bare script ({bare:.1f} s)",
        f"{panels / bare:.2f}",
        "1.25",
    )


def extracting() -> None:
    import numpy as np
    import tensorflow as tf

    import featviz as fv

    rows = fv.PRESETS["edge"].rows
    kernel = tf.constant(rows, tf.float32)[:, :, None, None]
    for (height, width), bound, repeats in (((400, 400), "1.25", 60), ((1080, 1920), "1.10", 10)):
        image = np.random.default_rng(0).random((height, width), np.float32)
        batch = tf.constant(image[None, :, :, None])

        def bare(batch: object = image[None, :, :, None]) -> object:
            filtered = tf.nn.conv2d(batch, kernel, 1, "SAME")
            detected = tf.nn.relu(filtered)
            condensed = tf.nn.max_pool2d(detected, 2, 2, "SAME")
            return filtered.numpy(), detected.numpy(), condensed.numpy()

        def ours(image: object = image) -> object:
            return fv.extract(image, "edge")

        plain, ready, extract = in_turn([bare, lambda: bare(batch), ours], 12, repeats)  # noqa: B023
        row(
            f"`extract` at {width}×{height} ({extract * 1e3:.2f} ms), by the three bare calls with "
            f"`.numpy()` ({plain * 1e3:.2f} ms)",
            f"{extract / plain:.2f}",
            bound,
        )
        row(
            f"the same, by the bare calls on a tensor made beforehand ({ready * 1e3:.2f} ms)",
            f"{extract / ready:.2f}",
            "–",
        )
    sixteen = list(fv.PRESETS.values())[5:21]
    together, apart = in_turn(
        [
            lambda: fv.extract(image, sixteen),
            lambda: [fv.extract(image, one) for one in sixteen],
        ],
        blocks=3,
        repeats=1,
    )
    row(
        f"sixteen kernels at 1920×1080 as one convolution ({together * 1e3:.0f} ms), by one after "
        f"another ({apart * 1e3:.0f} ms)",
        f"{together / apart:.2f}",
        "–",
    )


if __name__ == "__main__":
    print("| what | reached | at most |\n|---|--:|--:|")
    starting()
    extracting()
