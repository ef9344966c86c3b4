"""Restarts of the embedded engine: one that provably lost nothing keeps every epoch, any other begins new ones."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dropcast.domain.events import Snapshot
from dropcast.domain.faults import EngineFault
from dropcast.domain.show import Frozen
from dropcast.store import succession
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.keys import Keys
from dropcast.store.succession import Succession
from tests.support import engines
from tests.support.engine import Stall, reserve
from tests.support.keys import keys
from tests.support.wait import wait_until_sync


def an_engine(data_dir: Path) -> EmbeddedEngine:
    return EmbeddedEngine(data_dir, binary=engines.binary())


async def sell(engine: EmbeddedEngine, show: str = "friday", keys: Keys = keys) -> Snapshot:
    client = connect(engine.url)
    stall = await Stall(client, show, keys).open()
    await stall.granted(reserve("h1"))
    snapshot = await stall.shows.read(show)
    await client.aclose()
    return snapshot


async def go_on(engine: EmbeddedEngine, show: str = "friday", keys: Keys = keys) -> Snapshot:
    """Return the show as it is once the engine has written to it again."""
    client = connect(engine.url)
    stall = Stall(client, show, keys)
    await stall.shows.beat(show, "w0", 1)
    assert await stall.audit() == []
    snapshot = await stall.shows.read(show)
    await client.aclose()
    return snapshot


def kill(engine: EmbeddedEngine) -> None:
    os.kill(engine.pid, signal.SIGKILL)
    wait_until_sync(lambda: engine.poll() is not None)


def append_only_file(data_dir: Path) -> Path:
    (found,) = (data_dir / "appendonlydir").glob("*.incr.aof")
    return found


async def test_after_an_orderly_stop_every_show_goes_on_in_its_epoch(tmp_path: Path) -> None:
    with an_engine(tmp_path) as engine:
        before = [await sell(engine, show) for show in ("friday", "sunday")]
    for _ in range(2):
        with an_engine(tmp_path) as engine:
            for snapshot in before:
                after = await go_on(engine, snapshot.show.id)
                assert (after.epoch, after.seq, after.show.frozen) == (
                    snapshot.epoch,
                    snapshot.seq,
                    Frozen.NO,
                )


async def test_a_kill_that_its_starter_saw_lost_nothing(tmp_path: Path) -> None:
    with an_engine(tmp_path) as engine:
        before = await sell(engine)
        for _ in range(3):
            kill(engine)
            engine.start()
            after = await go_on(engine)
            assert (after.epoch, after.show.frozen) == (before.epoch, Frozen.NO)


async def test_nobody_can_call_before_the_word_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket gets its public name last: a worker that comes back at once finds every show adopted."""
    hand_over, was_public = Succession.hand_over, []

    def look_and_hand_over(self: Succession, socket: Path, before: tuple[str, ...]) -> None:
        hand_over(self, socket, before)
        was_public.append(os.path.lexists(tmp_path / "engine.sock"))

    monkeypatch.setattr(Succession, "hand_over", look_and_hand_over)
    with an_engine(tmp_path) as engine:
        kill(engine)
        engine.start()
        assert engine.socket_path.is_symlink()
    assert was_public == [False, False]


def a_kill_that_nobody_saw(engine: EmbeddedEngine) -> None:
    """As when the starter is killed too: what it would have written down is missing."""
    kill(engine)
    engine.stop()
    (engine.data_dir / "engine.run").unlink()


def a_file_that_was_cut(engine: EmbeddedEngine) -> None:
    kill(engine)
    engine.stop()
    path = append_only_file(engine.data_dir)
    os.truncate(path, path.stat().st_size - 1)


def a_copy_put_back(engine: EmbeddedEngine) -> None:
    """An orderly copy, word of its end and all: yet what was written since it was made is lost."""
    engine.stop()
    copy = engine.data_dir.with_name("copy")
    shutil.copytree(engine.data_dir, copy)
    shutil.rmtree(engine.data_dir)
    copy.rename(engine.data_dir)


def a_word_that_makes_no_sense(engine: EmbeddedEngine) -> None:
    engine.stop()
    (engine.data_dir / "engine.run").write_text("nonsense")


@pytest.mark.parametrize(
    "end", [a_kill_that_nobody_saw, a_file_that_was_cut, a_copy_put_back, a_word_that_makes_no_sense]
)
async def test_what_may_have_lost_history_goes_on_in_a_new_epoch_and_sells_nothing(
    tmp_path: Path, end: Callable[[EmbeddedEngine], None]
) -> None:
    engine = an_engine(tmp_path / "data")
    engine.start()
    before = await sell(engine)
    end(engine)
    engine.stop()
    with an_engine(tmp_path / "data") as again:
        after = await go_on(again)
        assert after.epoch != before.epoch
        assert after.show.frozen is Frozen.LOST_HISTORY


async def test_a_cut_before_the_same_starter_starts_again_is_noticed(tmp_path: Path) -> None:
    with an_engine(tmp_path) as engine:
        before = await sell(engine)
        kill(engine)
        path = append_only_file(tmp_path)
        os.truncate(path, path.stat().st_size - 1)
        engine.start()
        assert (await go_on(engine)).epoch != before.epoch


class KeysWithListAside(Keys):
    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.shows = "aside"


async def test_a_hand_over_that_was_broken_off_is_made_good_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = an_engine(tmp_path)
    engine.start()
    before = await sell(engine)
    client = connect(engine.url)
    await ask(client, "RENAME", keys.shows, "aside")
    await ask(client, "SET", keys.shows, "no list")
    await client.aclose()
    engine.stop()
    with pytest.raises(EngineFault):
        engine.start()
    monkeypatch.setattr(succession, "Keys", KeysWithListAside)
    engine.start()
    assert (await go_on(engine)).epoch == before.epoch
    engine.stop()


async def test_shows_of_every_prefix_go_on_though_a_command_with_another_one_came_in_between(
    tmp_path: Path,
) -> None:
    shop = Keys("shop")
    with EmbeddedEngine(tmp_path, binary=engines.binary(), prefix="shop") as engine:
        before = await sell(engine, keys=shop)
    # As `dropcast shows` does when it is not told the prefix.
    with an_engine(tmp_path):
        pass
    with EmbeddedEngine(tmp_path, binary=engines.binary(), prefix="shop") as engine:
        after = await go_on(engine, keys=shop)
    assert (after.epoch, after.show.frozen) == (before.epoch, Frozen.NO)
