"""The embedded engine: started, waited for, stopped; locked while it lives; found again with all that it had."""

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dropcast.domain.faults import EngineFault
from dropcast.store import data_lock
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine, running, socket_path
from dropcast.store.machine_memory import memory_bytes
from tests.support.engine import Stall, pay, reserve, sell
from tests.support.wait import wait_until_sync


async def command(engine: EmbeddedEngine, *words: str) -> object:
    client = connect(engine.url)
    try:
        return await ask(client, *words)
    finally:
        await client.aclose()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A child that nobody has waited for yet counts as gone.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_it_answers_when_it_is_started_and_leaves_neither_socket_nor_lock(tmp_path: Path) -> None:
    data_dir = tmp_path / "deep" / "data"
    with EmbeddedEngine(data_dir) as engine:
        assert asyncio.run(command(engine, "PING"))
        assert engine.poll() is None
        assert running(data_dir) == engine.socket_path
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        pid = engine.pid
    assert is_gone(pid)
    assert engine.pid == 0
    assert engine.poll() is None
    assert running(data_dir) is None
    assert {path.name for path in data_dir.iterdir()} == {"appendonlydir", "engine.log", "engine.run"}


async def test_it_keeps_every_write_and_listens_on_no_port(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path) as engine:
        client = connect(engine.url)
        config = await ask(client, "CONFIG GET", "*")
        await client.aclose()
    assert (config["appendonly"], config["appendfsync"], config["save"]) == ("yes", "always", "")
    assert (config["port"], config["maxmemory-policy"], config["unixsocketperm"]) == (
        "0",
        "noeviction",
        "600",
    )


@pytest.mark.parametrize(("given", "bound"), [(0, memory_bytes() // 2), (123_456_789, 123_456_789)])
async def test_its_memory_is_bounded_by_what_is_given_or_half_of_what_there_is(
    tmp_path: Path, given: int, bound: int
) -> None:
    with EmbeddedEngine(tmp_path, memory_bytes_max=given) as engine:
        async with connect(engine.url) as client:
            assert (await ask(client, "CONFIG GET", "maxmemory"))["maxmemory"] == str(bound)


async def test_an_earlier_data_directory_is_picked_up_with_all_that_it_held(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path) as engine:
        client = connect(engine.url)
        stall = await Stall(client).open()
        await stall.trade(reserve("h1"), reserve("h2", "ben"), pay("h1"), sell("h1"))
        before = await stall.shows.read("friday"), await stall.shows.orders("friday"), await stall.events()
        await client.aclose()
    with EmbeddedEngine(tmp_path) as engine:
        client = connect(engine.url)
        stall = Stall(client)
        after = await stall.shows.read("friday"), await stall.shows.orders("friday"), await stall.events()
        assert await stall.audit() == []
        await client.aclose()
    assert (before[0].units, before[0].holds, before[0].drops, before[0].epoch) == (
        after[0].units,
        after[0].holds,
        after[0].drops,
        after[0].epoch,
    )
    assert before[1:] == after[1:]


async def test_after_a_kill_it_starts_again_with_every_answered_write(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    engine.start()
    client = connect(engine.url)
    stall = await Stall(client).open({"RED": 100})
    await stall.trade(*(reserve(f"h{number}", f"v{number}") for number in range(20)))
    os.kill(engine.pid, signal.SIGKILL)
    wait_until_sync(lambda: engine.poll() is not None)
    with pytest.raises(EngineFault, match="in use"):
        EmbeddedEngine(tmp_path).start()  # the lock is kept for the same owner
    engine.start()
    await client.aclose()
    client = connect(engine.url)
    stall = Stall(client)
    assert await stall.units() == (80, 20, 0, 100)
    assert await stall.audit() == []
    await client.aclose()
    engine.stop()
    assert not (tmp_path / "engine.sock").exists()


def test_a_second_engine_on_the_same_data_is_refused_with_the_process_that_has_it(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path) as engine:
        second = EmbeddedEngine(tmp_path)
        with pytest.raises(EngineFault, match=f"in use by process {engine.pid}$"):
            second.start()
        second.stop()
        assert running(tmp_path) == engine.socket_path
        with pytest.raises(EngineFault, match="runs already"):
            engine.start()
    with EmbeddedEngine(tmp_path):
        pass


def test_nothing_runs_where_nothing_was_started(tmp_path: Path) -> None:
    assert running(tmp_path / "nowhere") is None
    (tmp_path / "engine.lock").write_text("12345\n")
    (tmp_path / "engine.sock").write_text("")
    assert running(tmp_path) is None
    with EmbeddedEngine(tmp_path) as engine:
        assert running(tmp_path) == engine.socket_path


def test_who_only_asks_does_not_keep_a_starter_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = os.open(tmp_path / "engine.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    tries: list[int] = []

    def let_go_after_the_second(descriptor: int, data_dir: Path) -> bool:
        tries.append(descriptor)
        if len(tries) == 2:
            fcntl.flock(lock, fcntl.LOCK_UN)
        return try_lock(descriptor, data_dir)

    try_lock = data_lock.try_lock
    monkeypatch.setattr(data_lock, "try_lock", let_go_after_the_second)
    with EmbeddedEngine(tmp_path):
        assert len(tries) >= 2
    os.close(lock)


def test_a_lock_file_that_was_taken_away_meanwhile_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_lock = data_lock.try_lock
    taken_away: list[int] = []

    def lose_the_first(descriptor: int, data_dir: Path) -> bool:
        if not taken_away:
            taken_away.append(descriptor)
            (tmp_path / "engine.lock").unlink()
        return try_lock(descriptor, data_dir)

    monkeypatch.setattr(data_lock, "try_lock", lose_the_first)
    with EmbeddedEngine(tmp_path):
        assert running(tmp_path)


def test_a_long_path_gets_a_short_socket_in_a_folder_of_this_user_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30) / "data"
    path = socket_path(data_dir)
    assert len(os.fsencode(path)) <= 100
    assert path != socket_path(data_dir / "other")
    with EmbeddedEngine(data_dir) as engine:
        assert engine.socket_path == path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert running(data_dir) == path
        assert asyncio.run(command(engine, "PING"))
    assert not path.exists()


def test_a_socket_folder_that_others_may_enter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A short one: the test's own path may itself be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="dc-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        data_dir = tmp_path / ("long" * 30)
        folder = socket_path(data_dir).parent
        assert folder.parent == Path(short)
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
        with pytest.raises(EngineFault, match="not a folder of this user alone"):
            EmbeddedEngine(data_dir).start()


def test_an_address_with_odd_characters_works(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path / "a b%20ü?#") as engine:
        assert asyncio.run(command(engine, "PING"))


def test_an_engine_that_does_not_start_says_why(tmp_path: Path) -> None:
    script = tmp_path / "server"
    script.write_text("#!/bin/sh\necho old news\necho 'No space left on device'\nexit 3\n")
    script.chmod(0o755)
    data_dir = tmp_path / "data"
    engine = EmbeddedEngine(data_dir, binary=script)
    with pytest.raises(EngineFault, match=r"status 3:\n(.*\n)*No space left on device"):
        engine.start()
    assert not (data_dir / "engine.lock").exists()
    # Only what was logged since this start is told.
    script.write_text("#!/bin/sh\necho 'out of luck'\nexit 4\n")
    with pytest.raises(EngineFault) as raised:
        engine.start()
    assert raised.value.message.endswith("status 4:\nout of luck")


def test_an_engine_that_does_not_answer_in_time_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "server"
    script.write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n")
    script.chmod(0o755)
    engine = EmbeddedEngine(tmp_path / "data", binary=script)
    with pytest.raises(EngineFault, match="does not answer"):
        engine.start(deadline_s=0.1, stop_deadline_s=0.1)
    assert engine.pid == 0


def test_its_own_end_is_noticed_with_its_last_words(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path) as engine:
        os.kill(engine.pid, signal.SIGTERM)
        assert wait_until_sync(lambda: engine.poll() is not None)
        assert "bye bye" in engine.log_tail()


def test_it_is_not_touched_by_an_interrupt_at_the_terminal(tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path) as engine:
        assert os.getsid(engine.pid) == engine.pid
        assert os.getpgid(engine.pid) != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_it_ends_with_a_parent_that_was_killed_and_frees_the_lock(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from dropcast.store.embedded import EmbeddedEngine\n"
        "engine = EmbeddedEngine(pathlib.Path(sys.argv[1]))\n"
        "engine.start()\n"
        "print(engine.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environ
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert running(tmp_path)
        parent.kill()
    wait_until_sync(lambda: is_gone(pid))
    wait_until_sync(lambda: running(tmp_path) is None)
    with EmbeddedEngine(tmp_path) as engine:
        assert engine.pid != pid
