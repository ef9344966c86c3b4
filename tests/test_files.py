"""Files and folders for their owner alone under every umask, and plain words for a place that is not fit."""

import errno
import os
import stat
from pathlib import Path

import pytest

from dropcast import files
from tests.support.places import keep_no_modes, take_no_sockets, umask


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_what_is_made_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        files.make_folder(tmp_path / "a" / "b")
        os.close(files.open_private(tmp_path / "a" / "b" / "file", os.O_RDWR))
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "file") == 0o600


def test_what_is_there_already_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o755)
    (tmp_path / "data" / "file").write_text("kept")
    (tmp_path / "data" / "file").chmod(0o644)
    files.make_folder(tmp_path / "data")
    os.close(files.open_private(tmp_path / "data" / "file", os.O_RDWR))
    assert (mode(tmp_path / "data"), mode(tmp_path / "data" / "file")) == (0o755, 0o644)
    assert (tmp_path / "data" / "file").read_text() == "kept"


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(NotADirectoryError):
        files.make_folder(tmp_path / "data")


def test_a_file_system_without_modes_is_seen_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.keeps_modes(tmp_path)
    keep_no_modes(monkeypatch)
    assert not files.keeps_modes(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_sockets_is_seen_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.takes_sockets(tmp_path)
    take_no_sockets(tmp_path, monkeypatch)
    assert not files.takes_sockets(tmp_path)
    assert not files.takes_sockets(tmp_path / "not" / "made" / "yet")
    assert list(tmp_path.iterdir()) == []


def test_a_data_directory_that_cannot_be_used_is_told_with_its_owner_and_the_way_out(tmp_path: Path) -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "engine.lock"))
    told = files.unusable(tmp_path, denied)
    assert told.startswith(
        f"the data directory {tmp_path} cannot be used: Permission denied. {tmp_path} belongs"
    )
    assert f"belongs to uid {os.getuid()} (mode {mode(tmp_path):04o}), and this is uid {os.geteuid()}" in told
    (tmp_path / "engine.lock").touch(0o600)
    assert f"{tmp_path}/engine.lock belongs to uid {os.getuid()} (mode 0600)" in files.unusable(
        tmp_path, denied
    )
    read_only = OSError(errno.EROFS, "Read-only file system", str(tmp_path))
    assert files.unusable(tmp_path, read_only) == (
        f"the data directory {tmp_path} cannot be used: Read-only file system; "
        "name another by --data-dir (DROPCAST_DATA_DIR)"
    )


def test_the_operator_is_warned_of_root_of_others_and_of_another_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid or 0)
    with_root = 1 if os.geteuid() == 0 else 0
    assert len(files.warnings(tmp_path)) == with_root
    assert len(files.warnings(tmp_path / "missing")) == with_root
    tmp_path.chmod(0o755)
    assert files.warnings(tmp_path)[-1] == (
        f"others may enter the data directory {tmp_path} (mode 0755): chmod 700 {tmp_path}"
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert files.warnings(tmp_path)[0].startswith("the server runs as root; give it a user of its own")
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    assert "and the server runs as uid 12345" in files.warnings(tmp_path)[0]
    monkeypatch.undo()
    keep_no_modes(monkeypatch)
    assert "its file system keeps no modes" in files.warnings(tmp_path)[-1]
