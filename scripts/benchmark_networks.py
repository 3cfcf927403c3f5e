"""Measure what recording a Keras model costs, as ratios within one run; prints a Markdown table.

What is compared runs in turn, call by call, so that a busy machine disturbs both alike; told are
the ratio of the medians and that of the best times. Memory is measured in processes of their own.
Run it on a quiet machine with 8 GB: python scripts/benchmark_networks.py [images of MobileNetV2]
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from featviz.networks.maps import feature_maps, stream_feature_maps

layers = keras.layers
IMAGES, BATCH = 512, 32

MEMORY = """
import sys
import benchmark_networks as ours
model, count = ours.small(), int(sys.argv[1])
images = ours.pictures(ours.IMAGES, 64)[:count]
ours.streamed(model, images)
# Not getrusage, whose peak a process takes over from the one that started it.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) // 1024)
"""


def small() -> keras.Model:
    stack = [keras.Input((64, 64, 3))]
    for features in (16, 32):
        stack += [layers.Conv2D(features, 3, activation="relu"), layers.MaxPooling2D()]
    stack += [layers.Conv2D(64, 3, activation="relu"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([*stack, layers.Dense(10)])


def mobile() -> keras.Model:
    return keras.applications.MobileNetV2(weights=None)


def pictures(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, size, size, 3), np.float32)


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turn(plain: Callable[[], object], ours: Callable[[], object], rounds: int) -> list[float]:
    """Return the median and the best time of each: plain, ours, plain, ours."""
    plain()
    ours()
    times: list[list[float]] = [[], []]
    for number in range(rounds):
        pair = (0, plain), (1, ours)
        for index, action in pair if number % 2 else reversed(pair):
            times[index].append(seconds(action))
    return [*map(statistics.median, times), *map(min, times)]


def streamed(model: keras.Model, images: np.ndarray) -> int:
    """Take all maps of all layers batch by batch; return their bytes."""
    return sum(map(size_of, stream_feature_maps(model, images, batch_size=BATCH)))


def size_of(maps: Mapping[str, np.ndarray]) -> int:
    return sum(array.nbytes for array in maps.values())


def row(what: str, reached: str, bound: str) -> None:
    print(f"| {what} | {reached} | {bound} |", flush=True)


def recording(name: str, make: Callable[[], keras.Model], size: int, rounds: int) -> None:
    model, images = make(), pictures(8, size)
    plain, ours, plain_best, ours_best = in_turn(
        lambda: np.asarray(model(images, training=False)),
        lambda: feature_maps(model, images),
        rounds,
    )
    row(
        f"all layers of {name}, batch of 8 at {size}×{size} ({ours * 1e3:.1f} ms), by the plain "
        f"eager call ({plain * 1e3:.1f} ms): medians",
        f"{ours / plain:.2f}",
        "1.10",
    )
    row("the same: best times", f"{ours_best / plain_best:.2f}", "1.10")


def streaming(
    name: str, make: Callable[[], keras.Model], size: int, count: int, rounds: int
) -> None:
    images = pictures(count, size)
    cold = [
        (
            seconds(lambda: make_and(make, lambda model: model.predict(images, BATCH, verbose=0))),
            seconds(lambda: make_and(make, lambda model: streamed(model, images))),
        )
        for _ in range(rounds)
    ]
    plain, ours = (min(times) for times in zip(*cold, strict=True))
    row(
        f"all layers of {name} over {count} images streamed, the model and its graph made anew "
        f"({ours:.2f} s), by `predict` made anew ({plain:.2f} s)",
        f"{ours / plain:.2f}",
        "1.15",
    )
    model = make()
    _, _, plain, ours = in_turn(
        lambda: model.predict(images, BATCH, verbose=0), lambda: streamed(model, images), rounds
    )
    row(
        f"the same, by `predict` whose graph is there already ({plain:.2f} s; ours {ours:.2f} s), "
        "the graph held against an eager run each time",
        f"{ours / plain:.2f}",
        "1.15",
    )


def make_and(make: Callable[[], keras.Model], action: Callable[[keras.Model], object]) -> None:
    action(make())


def memory() -> None:

    folder = str(Path(__file__).resolve().parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *sys.path])}
    # Both are so many that they run through the graph, which takes 40 MB itself.
    few, many = (
        int(
            subprocess.run(
                [sys.executable, "-c", MEMORY, str(count)],
                capture_output=True, check=True, text=True, env=environment,
            ).stdout
        )
        for count in (IMAGES // 2, IMAGES)
    )  # fmt: skip
    row(
        f"peak memory of streaming {IMAGES} images instead of {IMAGES // 2} through the small "
        f"Sequential ({few} and {many} MB)",
        f"{many - few:+d} MB",
        "no growth",
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    print("| what | reached | at most |\n|---|--:|--:|")
    recording("a small Sequential", small, 64, 300)
    recording("MobileNetV2", mobile, 224, 15)
    streaming("the small Sequential", small, 64, IMAGES, 5)
    memory()
    streaming("MobileNetV2", mobile, 224, count, 2)


if __name__ == "__main__":
    main()
