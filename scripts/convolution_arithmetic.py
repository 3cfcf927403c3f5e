"""The animations of "A guide to convolution arithmetic", and the four of the lesson, as GIFs.

After Dumoulin and Visin, A guide to convolution arithmetic for deep learning (2016). Every number
is computed by featviz; run it as: python scripts/convolution_arithmetic.py [FOLDER] [NAME…]
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from featviz import animate

IMAGES = Path(__file__).parents[1] / "images" / "arithmetic"

# Numerical examples of the guide, section 2.1.
INPUT = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
KERNEL = [[0, 1, 2], [2, 2, 0], [0, 1, 2]]
MEAN = [["1/9"] * 3] * 3


def counted(size: int) -> list[list[int]]:
    return [[row * size + column for column in range(size)] for row in range(size)]


def kernel_of(size: int) -> list[list[int]]:
    """Return a kernel without any symmetry, so that a turn shows."""
    return [[(3 * row + 2 * column) % 5 - 1 for column in range(size)] for row in range(size)]


def convolution(size: int, kernel: int = 3, **settings: Any) -> dict[str, Any]:
    return {
        "image": counted(size),
        "kernel": kernel_of(kernel),
        "drawing": "lens",
        "size": (700, 350),
        **settings,
    }


def transposed(size: int, kernel: int = 3, **settings: Any) -> dict[str, Any]:
    return convolution(size, kernel, stage="transposed", **settings)


def pool(how: str) -> dict[str, Any]:
    settings = {"pool": how, "pool_size": 3, "pool_stride": 1, "pool_padding": "valid"}
    return {"image": INPUT, "kernel": [[1]], "stage": "condense", "activation": None, **settings}


def lesson(**settings: Any) -> dict[str, Any]:
    return {"image": counted(6), "kernel": MEAN, **settings}


SERIES: dict[str, dict[str, Any]] = {
    "no_padding_no_strides": convolution(4, padding="valid"),
    "arbitrary_padding_no_strides": convolution(5, 4, padding=2),
    "same_padding_no_strides": convolution(5, padding="same"),
    "full_padding_no_strides": convolution(5, padding="full"),
    "no_padding_strides": convolution(5, padding="valid", stride=2),
    "padding_strides": convolution(5, padding=1, stride=2),
    "padding_strides_odd": convolution(6, padding=1, stride=2),
    "dilation": convolution(7, padding="valid", dilation=2),
    "no_padding_no_strides_transposed": transposed(2, padding="valid"),
    "arbitrary_padding_no_strides_transposed": transposed(6, 4, padding=2),
    "same_padding_no_strides_transposed": transposed(5, padding="same"),
    "full_padding_no_strides_transposed": transposed(7, padding="full"),
    "no_padding_strides_transposed": transposed(2, padding="valid", stride=2),
    "padding_strides_transposed": transposed(3, padding=1, stride=2),
    "padding_strides_odd_transposed": transposed(3, padding=1, stride=2, output_padding=1),
    "numerical_no_padding_no_strides": {"image": INPUT, "kernel": KERNEL, "padding": "valid"},
    "numerical_padding_strides": {"image": INPUT, "kernel": KERNEL, "padding": 1, "stride": 2},
    "numerical_average_pooling": pool("average"),
    "numerical_max_pooling": pool("max"),
    "lesson_mean": lesson(padding="valid"),
    "lesson_mean_stride": lesson(padding="valid", stride=2),
    "lesson_mean_dilation": lesson(padding="valid", dilation=2),
    "lesson_mean_padding": lesson(padding=1),
}


def main(folder: Path = IMAGES, names: list[str] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or SERIES:
        settings = dict(SERIES[name])
        image, kernel = settings.pop("image"), settings.pop("kernel")
        title = name.replace("_", " ").capitalize()
        print(animate(image, kernel, title=title, **settings).save(folder / f"{name}.gif"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=IMAGES, metavar="FOLDER")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SERIES))
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(SERIES)):
        parser.error(f"NAME must be one of {', '.join(SERIES)}; got {', '.join(unknown)}")
    main(given.folder, given.names)
