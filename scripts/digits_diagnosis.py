"""What the channels of the digit network do over the digits that it has never seen."""

from pathlib import Path

from digits import IMAGES, LEARNED, digits, network

import featviz as fv


def main(folder: Path = IMAGES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pictures, _ = digits()
    told = fv.diagnose(network(), pictures[LEARNED:])
    print(fv.text_from_diagnosis(told))
    path = folder / "digits_diagnosis.md"
    path.write_text(fv.text_from_diagnosis(told, form="markdown") + "\n", encoding="utf-8")
    print(path)
    print(fv.save_figure(fv.plot_diagnosis(told), folder / "digits_diagnosis.png"))


if __name__ == "__main__":
    main()
