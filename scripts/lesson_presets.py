"""The photograph through four presets: image, filter, detect and condense for each."""

from pathlib import Path

import featviz as fv

IMAGES = Path(__file__).parents[1] / "images"


def main(folder: Path = IMAGES) -> None:
    photograph = fv.sample_image("coffee", size=300)
    run = fv.extract(photograph, ["edge", "bottom_sobel", "emboss", "sharpen"])
    figure = fv.plot_extraction(run, title="A photograph through four kernels")
    print(fv.save_figure(figure, folder / "lesson_presets.png", dpi=100))


if __name__ == "__main__":
    main()
