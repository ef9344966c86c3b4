"""What the embedded engine leaves on the disk: for its owner alone, bounded, also where the file system lacks much."""

import errno
import fcntl
import os
import stat
import tempfile
from pathlib import Path

import pytest

from dropcast.domain.faults import EngineFault
from dropcast.store import embedded
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine, running, socket_path
from tests.support.engine import Stall, reserve
from tests.support.places import modes, take_no_sockets, umask
from tests.support.wait import wait_until, wait_until_sync


@pytest.mark.parametrize("mask", [0o000, 0o022])
async def test_all_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    data_dir = tmp_path / "above" / "data"
    with umask(mask), EmbeddedEngine(data_dir) as engine:
        client = connect(engine.url)
        stall = await Stall(client).open()
        await stall.trade(reserve("h1"))
        # What is written anew in the background as well.
        await ask(client, "BGREWRITEAOF")
        await wait_until(lambda: any(".2.base" in name for name in modes(data_dir)))
        found = modes(tmp_path)
        await client.aclose()
    assert set(found.values()) == {"drwx------", "-rw-------", "srw-------"}
    assert len(found) > 6


def test_a_folder_that_others_may_enter_is_taken_and_kept_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with EmbeddedEngine(tmp_path) as engine:
        assert running(tmp_path) == engine.socket_path
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_log_that_has_grown_too_long_is_begun_anew_and_the_end_of_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LOG_BYTES_MAX", 20_000)
    log, before = tmp_path / "engine.log", tmp_path / "engine.log.1"
    log.write_bytes(b"old news\n" * 5_000)
    with EmbeddedEngine(tmp_path) as engine:
        assert before.stat().st_size == 20_000
        assert log.stat().st_size < 20_000
        assert stat.S_IMODE(before.stat().st_mode) == 0o600
        # And while it runs: the engine goes on at the new end.
        with log.open("ab") as file:
            file.write(b"a flood of lines\n" * 2_000)
        assert engine.poll() is None
        assert before.read_bytes().endswith(b"a flood of lines\n")
        assert log.stat().st_size == 0
        engine._process.terminate()  # type: ignore[union-attr] # its own end, for its last words
        wait_until_sync(lambda: engine.poll() is not None)
        assert log.read_bytes()[:1] != b"\0"
        assert "bye bye" in engine.log_tail()


async def test_where_there_are_no_sockets_the_engine_has_its_own_in_a_short_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_no_sockets(tmp_path, monkeypatch)
    data_dir = tmp_path / "data"
    with EmbeddedEngine(data_dir) as engine:
        assert tmp_path not in engine.socket_path.parents
        assert engine.socket_path == socket_path(data_dir) == running(data_dir)
        client = connect(engine.url)
        assert await ask(client, "PING")
        await client.aclose()
    assert not engine.socket_path.exists()
    assert {path.name for path in data_dir.iterdir()} == {"appendonlydir", "engine.log", "engine.run"}


def test_temporary_files_on_the_same_file_system_do_not_get_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_no_sockets(tmp_path, monkeypatch)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with EmbeddedEngine(tmp_path / "data") as engine:
        assert engine.socket_path.parent == Path(f"/tmp/dropcast-{os.getuid()}")


def test_where_there_are_no_locks_no_engine_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(EngineFault, match=r"has no locks \(No locks available\).*--data-dir"):
        EmbeddedEngine(tmp_path).start()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        EngineFault, match=f"data directory {tmp_path}/file/data cannot be used: Not a directory"
    ):
        EmbeddedEngine(tmp_path / "file" / "data").start()
    assert os.listdir(tmp_path) == ["file"]
