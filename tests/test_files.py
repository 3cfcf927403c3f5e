import os
import stat
import tempfile
from pathlib import Path

import pytest

from featviz._files import writable_path, write_whole


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
