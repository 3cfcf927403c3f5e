"""The kernels that the digit network has learned: all of its first layer, some of its second."""

from pathlib import Path

from digits import IMAGES, network

import featviz as fv


def main(folder: Path = IMAGES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model = network()
    for path, features in {"conv1": 8, "conv2": 4}.items():
        kernels = fv.layer_kernels(model, path)
        figure = fv.plot_layer_kernels(kernels, features=features, numbers=path == "conv1")
        print(fv.save_figure(figure, folder / f"digits_kernels_{path}.png"))


if __name__ == "__main__":
    main()
