"""Data of another user: what a server and each command say, and that a command never spoils a server's files."""

import os
from pathlib import Path

import pytest

from dropcast.domain.faults import EngineFault
from dropcast.settings import Settings
from dropcast.store.embedded import EmbeddedEngine
from dropcast.supervisor import open_engine
from tests.support.places import NOBODY, open_place, run_as_nobody
from tests.support.server import Server

__all__ = ["open_place"]


def test_a_server_as_root_in_an_open_folder_says_so_and_serves(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    server = Server(tmp_path, workers=1)
    assert server.stop() == 0
    told = "".join(server.lines)
    assert f"warning: others may enter the data directory {tmp_path} (mode 0755)" in told
    assert ("warning: the server runs as root" in told) is (os.geteuid() == 0)


@pytest.mark.parametrize("command", ["serve", "shows", "token"])
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_another_users_data_is_an_error_with_both_users(open_place: Path, command: str, mode: int) -> None:
    data_dir = open_place / "data"
    data_dir.mkdir()
    data_dir.chmod(mode)
    more = {"serve": ["--port", "0"], "shows": [], "token": ["--viewer", "ana"]}[command]
    done = run_as_nobody(command, "--data-dir", str(data_dir), *more)
    assert done.returncode in (1, 2)
    assert f"the data directory {data_dir} cannot be used: Permission denied" in done.stderr
    assert f"belongs to uid 0 (mode {mode:04o}), and this is uid {NOBODY}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(data_dir.iterdir()) == []


def test_a_running_engine_of_another_user_is_not_to_be_joined(open_place: Path) -> None:
    data_dir = open_place / "data"
    data_dir.mkdir()
    data_dir.chmod(0o755)
    with EmbeddedEngine(data_dir) as engine:
        done = run_as_nobody("shows", "--data-dir", str(data_dir))
        assert engine.poll() is None
    assert done.returncode == 1
    assert f"{data_dir}/engine.lock belongs to uid 0 (mode 0600), and this is uid {NOBODY}" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
async def test_root_starts_no_engine_on_the_data_of_another_user(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    async with open_engine(settings) as opened:
        await opened.shows.ping()
    give_to_nobody(tmp_path)
    before = times(tmp_path)
    with pytest.raises(EngineFault, match=f"belongs to uid {NOBODY}, and this is uid 0: run the command as"):
        async with open_engine(settings):
            pytest.fail("it must not begin")
    assert times(tmp_path) == before


def give_to_nobody(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)


def times(folder: Path) -> dict[Path, int]:
    """Return when each file below a folder was changed."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
