import os
import stat
import tempfile
from pathlib import Path

import pytest

from featviz._files import check_target, folder_to_make, writable_path, write_whole


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    assert write_whole(path, b"new") == path
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_gets_the_usual_rights_and_an_old_one_keeps_its_own(tmp_path):
    path = tmp_path / "a.png"
    write_whole(path, b"x")
    (tmp_path / "plain").write_bytes(b"x")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    path.chmod(0o640)
    write_whole(path, b"y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_keeps_pointing(tmp_path):
    real, link = tmp_path / "real.png", tmp_path / "link.png"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_device_is_written_to():
    assert write_whole(os.devnull, b"x") == Path(os.devnull)


class Wrong:
    """Bytes that fail while they are written."""


def test_a_failure_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_whole(path, Wrong())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


FOLDER = "output must be a file; got the folder {0!r}"
MISSING = "output must be in a folder that exists; got {1!r}"


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        pytest.param("", IsADirectoryError, FOLDER, id="folder"),
        pytest.param("no/a.png", FileNotFoundError, MISSING, id="missing folder"),
    ],
)
def test_places_that_cannot_be_written_are_named(tmp_path, name, kind, sentence):
    path = str(tmp_path / name) if name else str(tmp_path)
    with pytest.raises(kind) as caught:
        writable_path(path)
    assert str(caught.value) == sentence.format(path, str(Path(path).parent))


def test_a_folder_that_may_not_be_written_is_named():
    """Root may write everywhere: as root, a child process asks as nobody."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        path = Path(folder) / "a.png"
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if os.getuid() == 0:
                    os.setuid(65534)
                writable_path(path)
            except PermissionError as error:
                status = 0 if str(error) == f"output must be writable; got {str(path)!r}" else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        Path(folder).chmod(0o755)


def asked(name, path):
    """Ask for a place in one of the ways."""
    if name == "check_target":
        return check_target(path, [".png"], folders=True)
    return {"write_whole": lambda: write_whole(path, b"x"),
            "writable_path": lambda: writable_path(path),
            "folder_to_make": lambda: folder_to_make(path)}[name]()  # fmt: skip


WAYS = ["check_target", "write_whole", "writable_path", "folder_to_make"]
EMPTY = "output must be a path, not empty and without '\\0'; got "
LONG = "output must have names of at most 255 bytes and at most 4,095 in all; got '"
NO_PATHS = [
    ("a number", 3, TypeError, "output must be a path; got 3"),
    ("nothing", None, TypeError, "output must be a path; got None"),
    ("bytes", b"a.png", TypeError, "output must be a path; got b'a.png'"),
    ("an empty text", "", ValueError, f"{EMPTY}''"),
    ("a zero byte", "a\0b.png", ValueError, f"{EMPTY}'a\\x00b.png'"),
    ("a long name", "é" * 150 + ".png", OSError, LONG),
    ("a long folder", "x" * 300 + "/a.png", OSError, LONG),
    ("a long path", "xy/" * 2000 + "a.png", OSError, LONG),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("path", "kind", "words"), [row[1:] for row in NO_PATHS],
                         ids=[row[0] for row in NO_PATHS])  # fmt: skip
def test_what_is_no_path_is_refused_in_a_sentence(way, path, kind, words):
    with pytest.raises(kind) as caught:
        asked(way, path)
    argument = "folder" if way == "folder_to_make" else "output"
    assert str(caught.value).startswith(words.replace("output", argument, 1))
    assert type(caught.value) is kind


def test_the_longest_name_is_written():
    name = "x" * 251 + ".png"
    assert write_whole(name, b"x").read_bytes() == b"x"


def test_a_place_that_takes_no_file_names_the_file_that_was_wanted():
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    with pytest.raises(OSError, match=r"output must be writable; got '/proc/a\.png' ") as caught:
        write_whole("/proc/a.png", b"x")
    assert ".a.png." not in str(caught.value)


def test_a_folder_is_there_or_can_be_made(tmp_path):
    for name in (".", "new", "new/inside", str(tmp_path), "new/../other/"):
        assert folder_to_make(name) == Path(name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder_and_has_none(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x")
    for name in (str(file), f"{file}/inside/it"):
        with pytest.raises(NotADirectoryError) as caught:
            folder_to_make(name)
        assert str(caught.value) == f"folder must be a folder; got {name!r}; {str(file)!r} is none"
