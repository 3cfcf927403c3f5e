"""A small network learns to read digits: its file, and an animation of its feature maps."""

import tempfile
from pathlib import Path

from digits import IMAGES, NETWORK, one_digit, trained

import featviz as fv

ANIMATION = "digits_training.gif"


def main(folder: Path = IMAGES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as pictures:
        film = fv.FeatureMapCallback(
            one_digit(2), ["conv1:detect", "conv3:detect"], pictures,
            columns=8, magnify=10, animation=ANIMATION, seconds_per_frame=0.4,
        )  # fmt: skip
        model = trained([film])
        (folder / ANIMATION).write_bytes(Path(pictures, ANIMATION).read_bytes())
    model.save(folder / NETWORK)
    print(folder / ANIMATION)
    print(folder / NETWORK)


if __name__ == "__main__":
    main()
