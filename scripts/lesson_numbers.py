"""The numeric exercise: a 6×6 image, a 2×2 kernel, every number printed and drawn."""

from pathlib import Path

import featviz as fv

IMAGES = Path(__file__).parents[1] / "images"


def main(folder: Path = IMAGES) -> None:
    image = [[0, 1, 0, 0, 0, 0]] * 4 + [[0, 1, 0, 1, 1, 1], [0, 1, 0, 0, 0, 0]]
    run = fv.extract(image, "vertical_line_2x2", padding="valid")
    fv.print_matrices(run, form="unicode")
    figure = fv.plot_extraction(run, title="A vertical line, found by a kernel of four numbers")
    print(fv.save_figure(figure, folder / "lesson_numbers.png"))


if __name__ == "__main__":
    main()
