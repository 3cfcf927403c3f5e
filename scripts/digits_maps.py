"""What each layer of the digit network makes of a digit: one page, and one layer large."""

from pathlib import Path

from digits import IMAGES, network, one_digit

import featviz as fv


def main(folder: Path = IMAGES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model, digit = network(), one_digit(2)
    page = fv.plot_network(model, digit)
    print(fv.save_figure(page, folder / "digits_layers.png"))
    maps = fv.feature_maps(model, digit)
    print(fv.save_mosaic(maps, "conv3", folder / "digits_maps.png", columns=8, magnify=16))


if __name__ == "__main__":
    main()
