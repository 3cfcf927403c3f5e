"""Print the oldest version of each package that setup.cfg allows, as pip constraints."""

import configparser
from pathlib import Path


def main() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
    for line in settings["options"]["install_requires"].split():
        print(line.replace(">=", "=="))


if __name__ == "__main__":
    main()
