"""Time 512 feature maps of 56×56 to a labelled PNG: mosaic, figure, and one axes for each map.

python scripts/benchmark_mosaic.py
"""

import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import featviz as fv
from featviz.networks.values import FeatureMaps, LayerInfo

FEATURES, SIZE = 512, 56
PATH = "block3_conv1"


def feature_maps():
    """Smooth maps behind a ReLU, as a convolution gives them."""
    values = np.random.default_rng(0).normal(size=(1, SIZE + 4, SIZE + 4, FEATURES))
    windows = np.lib.stride_tricks.sliding_window_view(values, (5, 5), axis=(1, 2))
    maps = np.maximum(windows.mean(axis=(-1, -2)), 0).astype(np.float32)
    info = LayerInfo(PATH, PATH, "Conv2D", f"3×3, {FEATURES} features, same, relu", -1)
    return FeatureMaps({PATH: maps}, {PATH: info}, (), ("random numbers",), "random")


def by_subplots(maps, file):
    """The way of most recipes: an axes for each map."""
    values = maps[PATH][0]
    figure, axes = plt.subplots(16, 32, figsize=(19, 10))
    for channel, one in enumerate(axes.flat):
        one.imshow(values[..., channel], cmap="magma", vmin=0, vmax=values.max())
        one.set_title(str(channel), fontsize=6)
        one.axis("off")
    figure.savefig(file, dpi=100)
    plt.close(figure)


def seconds(call, times):
    """The first run, and the median of those after it."""
    found = []
    for _ in range(times + 1):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return found[0], statistics.median(found[1:])


def main():
    maps = feature_maps()
    print(f"{FEATURES} maps of {SIZE}×{SIZE} to a labelled PNG, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "maps.png"
        ways = {
            "save_mosaic": (lambda: fv.save_mosaic(maps, PATH, file), 9),
            "plot_feature_maps, save_figure": (
                lambda: fv.save_figure(fv.plot_feature_maps(maps, PATH, count=None), file),
                5,
            ),
            "plt.subplots, savefig": (lambda: by_subplots(maps, file), 1),
        }
        for name, (call, times) in ways.items():
            first, again = seconds(call, times)
            size = file.stat().st_size / 1e6
            print(f"{name:32} {again:7.3f} s  (first run {first:.3f} s)  {size:.2f} MB")


if __name__ == "__main__":
    main()
