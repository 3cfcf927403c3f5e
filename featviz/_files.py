"""Names of files, and writing them whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from featviz._check import nearest, shown

# What Linux, macOS and Windows take of one name; of a whole path Linux takes this.
LONGEST_PART, LONGEST_PATH = 255, 4095


def is_file(path: str) -> bool:
    """Whether ``path`` is there and no folder: a file, a pipe, a device."""
    try:
        return Path(path).exists() and not Path(path).is_dir()
    except (OSError, ValueError):  # too long for a path, or a zero byte in it
        return False


def is_folder(path: str) -> bool:
    """Whether ``path`` is a folder that is there; the empty path is none."""
    return bool(path) and os.path.isdir(path)  # noqa: PTH112 (False for too long a path)


def unique_names(names: Iterable[str]) -> list[str]:
    """Return the names, each numbered where it came before, whatever the case.

    Example:
        >>> unique_names(["cat", "Cat", "dog"])
        ['cat', 'Cat-2', 'dog']
    """
    chosen: list[str] = []
    for name in names:
        number = 2
        free = name
        while free.casefold() in map(str.casefold, chosen):
            free, number = f"{name}-{number}", number + 1
        chosen.append(free)
    return chosen


def path_text(argument: str, path: Any) -> str:
    """Return a path as text.

    Args:
        argument: its name, for the sentence.
        path: a text or a path.

    Raises:
        TypeError: no path.
        ValueError: an empty one, or a zero byte in it.

    Example:
        >>> path_text("output", Path("a.png"))
        'a.png'
    """
    if not isinstance(path, (str, os.PathLike)) or not isinstance(name := os.fspath(path), str):
        raise TypeError(f"{argument} must be a path; got {shown(path)}")
    if not name or "\0" in name:
        raise ValueError(
            f"{argument} must be a path, not empty and without '\\0'; got {shown(name)}"
        )
    return name


def check_length(argument: str, path: str) -> None:
    """Raise if a file system takes no such name.

    Args:
        argument: the path's name, for the sentence.
        path: a text.

    Raises:
        OSError: a part of it is too long, or the whole.
    """
    parts = [os.fsencode(part) for part in Path(path).parts]
    most = max(map(len, parts), default=0)
    if most > LONGEST_PART or len(os.fsencode(path)) > LONGEST_PATH:
        rule = f"names of at most {LONGEST_PART} bytes and at most {LONGEST_PATH:,} in all"
        raise OSError(f"{argument} must have {rule}; got {shown(path)}, with one of {most:,}")


def writable_path(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` as a :class:`~pathlib.Path` when a file could be put there.

    Raises:
        TypeError: no path.
        ValueError: an empty path, or a zero byte in it.
        FileNotFoundError: the folder does not exist.
        IsADirectoryError: the path is a folder.
        PermissionError: the folder, or the file that is there, may not be written.
        OSError: a name that is too long.
    """
    name = path_text("output", path)
    check_length("output", name)
    target = Path(os.path.realpath(name))
    if target.is_dir():
        raise IsADirectoryError(f"output must be a file; got the folder {str(path)!r}")
    if not target.parent.is_dir():
        parent = str(Path(path).parent)
        raise FileNotFoundError(f"output must be in a folder that exists; got {parent!r}")
    blocked = not os.access(target.parent, os.W_OK) or (
        target.exists() and not os.access(target, os.W_OK)
    )
    if blocked:
        raise PermissionError(f"output must be writable; got {str(path)!r}")
    return target


def check_target(path: Any, endings: Sequence[str], *, folders: bool = False) -> str:
    """Return the ending of a path that can be written to, or ``/`` for a folder.

    Args:
        path: a text or a path.
        endings: those that are known, with their dots, in small letters.
        folders: whether a folder will do: one that is there, or a name that ends in ``/``.

    Returns:
        The ending in small letters.

    Raises:
        ValueError: another ending, an empty path, or a zero byte in it.
        TypeError: no path.
        OSError: the place cannot be written, or its name is too long.
    """
    name = path_text("output", path)
    check_length("output", name)
    if folders and (name.endswith(("/", os.sep)) or Path(name).is_dir()):
        _check_folder(Path(name))
        return "/"
    ending = Path(name).suffix.lower()
    if ending not in endings:
        known = ", ".join(endings) + (" or / (a folder)" if folders else "")
        raise ValueError(
            f"output must end in one of {known}; got {name!r}{nearest(ending, endings)}"
        )
    writable_path(name)
    return ending


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        if folder.exists():
            raise NotADirectoryError(f"output must be a folder; got the file {str(folder)!r}")
        writable_path(folder)
    elif not os.access(folder, os.W_OK):
        raise PermissionError(f"output must be writable; got {str(folder)!r}")


def folder_to_make(path: Any) -> Path:
    """Return the path of a folder that is there, or that could be made.

    Args:
        path: a text or a path, given as ``folder``.

    Raises:
        TypeError: no path.
        ValueError: an empty path, or a zero byte in it.
        NotADirectoryError: a file, or something below a file.
        PermissionError: it may not be written.
        OSError: a name that is too long.
    """
    name = path_text("folder", path)
    check_length("folder", name)
    there = Path(os.path.abspath(name))  # noqa: PTH100 (".." is taken away, links stay)
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(f"folder must be a folder; got {name!r}; {str(there)!r} is none")
    if not os.access(there, os.W_OK):
        raise PermissionError(f"folder must be writable; got {name!r}")
    return Path(name)


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file so that a reader sees the old one or the new one.

    The bytes go to a temporary file in the same folder, which then takes the name. A device or
    pipe (``/dev/stdout``) is written to directly.

    Returns:
        The path that was written.

    Raises:
        TypeError: no path.
        ValueError: an empty path, or a zero byte in it.
        OSError: the path cannot be written; what was there before is untouched.
    """
    name = path_text("output", path)
    check_length("output", name)
    target = Path(os.path.realpath(name))
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(data)
        return Path(path)
    target = writable_path(path)
    try:
        _replace(target, data)
    except OSError as error:  # it would name the temporary file
        why = error.strerror or str(error)
        raise type(error)(f"output must be writable; got {str(path)!r} ({why})") from error
    return Path(path)


def _replace(target: Path, data: bytes) -> None:
    """Write a file beside ``target``, which then takes its name."""
    temporary = target.parent / f".{target.name[:40]}.{secrets.token_hex(8)}"
    # Opened so, the file gets the rights that any new file gets; mkstemp's would be private.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
