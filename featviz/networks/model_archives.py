"""A ``.keras`` file looked at before Keras opens it, running nothing of it.

A model file is untrusted. It is a zip archive whose ``config.json`` names classes and functions
with their settings; Keras builds what is named there. Here only what Keras itself brings is let
through, and no layer that carries code of its own. What is let through can still ask for much
memory and much time.

Source: Keras, ``keras.saving.load_model`` and its security advisories (CVE-2025-1550,
CVE-2025-8747, CVE-2025-9905, CVE-2025-9906, CVE-2025-12060, CVE-2026-1462), which are about
functions and classes named in ``config.json``, other formats of files, names of members and
layers that load programs.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from featviz._check import shown
from featviz._files import check_length, is_file

ENDING = ".keras"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
METADATA = "metadata.json"
# The config of the largest model of keras.applications takes 2 MB, its weights 1.4 GB.
MOST_CONFIG_BYTES = 64 * 2**20
MOST_BYTES = 16 * 2**30
# Keras stores without packing; weights that are mostly zero, packed again, still stay below.
MOST_UNPACKING = 100
UNPACKED_UNCHECKED = 2**20
# Layers that hold or load a program.
CODE_LAYERS = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
# Where functions that a layer may be told to apply live.
_FUNCTIONS = re.compile(
    r"builtins|keras\.(src\.)?"
    r"(activations|constraints|initializers|losses|metrics|ops|quantizers|random|regularizers)"
    r"(\..*)?"
)
_OTHER_FORMATS = (".h5", ".hdf5", ".pb", ".pkl", ".pickle", ".pt", ".pth", ".onnx", ".tflite")
RULE = "model must be a .keras file or the name of a keras.applications model"
TRUST = "trust=True opens it all the same and may run any program in it"


def is_model_path(source: Any) -> bool:
    """Whether a source means a file, and no model that ships with Keras.

    Example:
        >>> is_model_path("model.keras"), is_model_path("folder/model"), is_model_path("VGG16")
        (True, True, False)
    """
    return not isinstance(source, str) or bool(re.search(r"[./\\:\0]", source)) or not source


def check_archive(source: Any) -> Path:
    """Return the path of a ``.keras`` file that is there: a zip of sane size.

    Args:
        source: a text or a path.

    Raises:
        TypeError: no path.
        ValueError: another ending, no zip, a damaged one, one without its parts, or too large.
        OSError: no such file, or not to be read.
    """
    path = _path_of(source)
    with path.open("rb") as stream:
        start = stream.read(4)
    if not zipfile.is_zipfile(path):
        raise ValueError(_not_a_zip(path, start))
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive.infolist())
            archive.read(CONFIG)  # its checksum too
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(
            refusal(path, "be a whole zip archive", f"which is damaged ({error})", "save it again")
        ) from error
    return path


def check_config(path: Path, registered: Callable[[str], bool]) -> None:
    """Raise if ``config.json`` names what is not Keras' own, or a layer with code.

    Args:
        path: of :func:`check_archive`.
        registered: whether the caller's own program has registered a class or function under a
            name; these are let through.

    Raises:
        ValueError: with what was found.
    """
    for item in _named_things(_config_of(path)):
        module, name = item.get("module"), item["class_name"]
        last = str(name).rpartition(".")[2]  # Keras finds "layers.Lambda" in "keras" too
        if last in CODE_LAYERS or name == "__lambda__":
            kind = "Lambda" if name == "__lambda__" else last
            found = f"with a {kind} layer, which holds or loads a program"
            raise ValueError(refusal(path, "hold layers without code of their own", found, TRUST))
        if name == "function":
            _check_function(path, module, item.get("config"), registered)
        else:
            _check_class(path, item, registered)


def _check_class(path: Path, item: dict[str, Any], registered: Callable[[str], bool]) -> None:
    module, name = item.get("module"), item["class_name"]
    own = item.get("registered_name") or name
    if isinstance(own, str) and registered(own):
        return
    if not isinstance(name, str) or not _is_from_keras(module, name):
        place = "" if module is None else f" of the module {shown(module)}"
        found = f"with the unknown class {shown(name)}{place}"
        raise ValueError(refusal(path, "hold classes of Keras", found, _REGISTER))


_FOREIGN = "Keras saves none like it"
_REGISTER = (
    "import the code that defines it, registered with keras.saving.register_keras_serializable, "
    "before the file is read"
)


def _check_function(path: Path, module: Any, name: Any, registered: Callable[[str], bool]) -> None:
    if isinstance(name, str) and registered(name):
        return
    if not isinstance(module, str) or not _FUNCTIONS.fullmatch(module):
        found = f"with the unknown function {shown(name)} of the module {shown(module)}"
        raise ValueError(refusal(path, "name functions of Keras", found, _REGISTER))


def _is_from_keras(module: Any, name: str) -> bool:
    if module is None:
        return name.startswith("__") and name.endswith("__")  # a tensor, a slice, a type
    return isinstance(module, str) and module.split(".")[0] in ("keras", "builtins")


def saved_by(path: Path) -> str:
    """Return the version of Keras that wrote a file, as far as it tells; else ``""``."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(METADATA) as stream:
            told = json.loads(stream.read(2**16)).get("keras_version")
    except (OSError, KeyError, ValueError, AttributeError, zipfile.BadZipFile, RecursionError):
        return ""
    return told if isinstance(told, str) and re.fullmatch(r"[0-9A-Za-z.+-]{1,30}", told) else ""


def refusal(path: Path, rule: str, found: str, cure: str) -> str:
    """Return the sentence about a model file.

    Example:
        >>> refusal(Path("a.keras"), "be a zip archive", "which is none", "save it again")
        "model must be a zip archive; got 'a.keras', which is none; save it again"
    """
    return f"model must {rule}; got {shown(str(path))}, {found}; {cure}"


def _path_of(source: Any) -> Path:
    if not isinstance(source, (str, os.PathLike)) or not isinstance(os.fspath(source), str):
        raise TypeError(f"{RULE}; got {shown(source)}")
    text = os.fspath(source)
    if not text or "\0" in text:
        raise ValueError(f"{RULE}, not empty and without '\\0'; got {shown(text)}")
    if "://" in text:
        raise ValueError(f"{RULE}; got {shown(text)}; load it to this machine first")
    check_length("model", text)
    path = Path(text)
    if path.is_dir():
        raise ValueError(f"{RULE}; got the folder {shown(text)}; save the model as one .keras file")
    if path.suffix != ENDING:
        raise ValueError(f"{RULE}; got {shown(text)}{_cure_of_ending(text)}")
    if not path.exists():
        raise FileNotFoundError(f"model must be a file that exists; got {shown(text)}")
    if not path.is_file():
        raise ValueError(f"model must be a file; got the device or pipe {shown(text)}")
    return path


def _cure_of_ending(name: str) -> str:
    """Return what to do with a file of another ending, or nothing."""
    small = name.lower()
    if small.endswith(ENDING):
        return "; Keras wants the ending in small letters: rename it"
    if small.endswith(".weights.h5"):
        return ", weights alone; load them into their model and save that as .keras"
    other = small.endswith(_OTHER_FORMATS)
    return "; where it is trusted, load it and save it as .keras" if other else ""


def hint_at_file(name: str) -> str:
    """Return what is there under a name that no model has, or nothing.

    Example:
        >>> hint_at_file("no model and no file")
        ''
    """
    if is_file(name + ENDING):
        return f" (did you mean {name + ENDING!r}?)"
    if Path(name).is_dir():
        return ", a folder; save the model as one .keras file"
    return ", a file of another kind; save the model as .keras" if is_file(name) else ""


def _not_a_zip(path: Path, start: bytes) -> str:
    if start == b"PK\3\4":
        found = "which begins as one and has no end"
        return refusal(path, "be a whole zip archive", found, "copy or save it again")
    kinds = {b"": "which is empty", b"\x89HDF": "which is HDF5 within"}
    found = kinds.get(start, "which is none")
    return refusal(path, "be a zip archive as Keras saves it", found, "save the model again")


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Check names and sizes that the archive's directory tells; unpack nothing."""
    names = [member.filename for member in members]
    for needed in (CONFIG, WEIGHTS):
        if needed not in names:
            found = f"which holds {', '.join(map(shown, names[:3])) or 'nothing'}"
            raise ValueError(refusal(path, f"hold {needed}", found, "save the model again"))
    if len(set(names)) != len(names):
        found = "which holds some twice"
        raise ValueError(refusal(path, "hold each part once", found, "save the model again"))
    for member in members:
        _check_member(path, member)
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES:
        found = f"of {total:,}"
        cure = "read it with keras.saving.load_model yourself"
        raise ValueError(refusal(path, f"hold at most {MOST_BYTES:,} bytes", found, cure))


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name, size = member.filename, member.file_size
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
        found = f"with {shown(name)}"
        raise ValueError(refusal(path, "hold no path that leaves it", found, _FOREIGN))
    if name == CONFIG and size > MOST_CONFIG_BYTES:
        rule = f"hold a config.json of at most {MOST_CONFIG_BYTES:,} bytes"
        raise ValueError(refusal(path, rule, f"with one of {size:,}", _FOREIGN))
    if size > UNPACKED_UNCHECKED and size > MOST_UNPACKING * member.compress_size:
        found = f"with {shown(name)} of {member.compress_size:,} bytes that become {size:,}"
        rule = f"grow at most {MOST_UNPACKING} times when unpacked"
        raise ValueError(refusal(path, rule, found, _FOREIGN))


def _config_of(path: Path) -> Any:
    """Return the config but for the training's part, which is not read."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read(CONFIG)
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        found = f"where it is not ({shown(str(error))})"
        raise ValueError(
            refusal(path, "hold a config.json in JSON", found, "save the model again")
        ) from error
    if not isinstance(config, dict) or "class_name" not in config:
        found = "where it names none"
        raise ValueError(
            refusal(path, "hold a config.json of a model", found, "save the model again")
        )
    return {key: value for key, value in config.items() if key != "compile_config"}


def _named_things(config: Any) -> Iterator[dict[str, Any]]:
    """Return all that names a class or function, without recursion."""
    left = [config]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            left.extend(reversed(value.values()))
        elif isinstance(value, list):
            left.extend(reversed(value))
