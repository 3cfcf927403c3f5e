"""A circle, and the same circle moved, through max-pooling four times."""

from pathlib import Path

import numpy as np

import featviz as fv

IMAGES = Path(__file__).parents[1] / "images"


def main(folder: Path = IMAGES) -> None:
    circle = fv.sample_image("circle", size=52)
    pictures = {}
    for name, (top, left) in {"circle": (4, 4), "moved": (5, 6)}.items():
        start = np.pad(circle, ((top, 12 - top), (left, 12 - left), (0, 0)))
        maps = start[None]
        pictures[name] = start
        for times in range(1, 5):
            maps = fv.condense(maps)
            pictures[f"{name}, pooled {times}×"] = maps[0].numpy()
    figure = fv.plot_images(
        pictures, columns=5, title="Max-pooling four times: a circle, and the same circle moved"
    )
    print(fv.save_figure(figure, folder / "lesson_pooling.png"))


if __name__ == "__main__":
    main()
