"""The layers of the digit network as a table: sizes, parameters, cost, receptive field."""

from pathlib import Path

from digits import IMAGES, network

import featviz as fv


def main(folder: Path = IMAGES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = fv.layer_table(network())
    print(fv.text_from_table(table))
    path = folder / "digits_table.md"
    path.write_text(fv.text_from_table(table, form="markdown") + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
