"""A kernel of one's own: its numbers, and what it takes out of the car."""

from pathlib import Path

import featviz as fv

IMAGES = Path(__file__).parents[1] / "images"


def main(folder: Path = IMAGES) -> None:
    mine = fv.Kernel("-1 0 1; -2 0 2; -1 0 1", name="rising to the right")
    others = [mine, mine.rotated(90), mine.flipped(), mine.composed(fv.PRESETS["blur"])]
    figure = fv.plot_kernels_and_maps(fv.sample_image("car", size=300), others, stage="filter")
    print(fv.save_figure(figure, folder / "lesson_own_kernel.png"))


if __name__ == "__main__":
    main()
