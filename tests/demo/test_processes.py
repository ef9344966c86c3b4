"""A helper process is heard to its end, and what goes wrong with it is never silent."""

from pathlib import Path

import pytest

from dropcast.demo import processes
from dropcast.demo.lines import CreatorConfig
from dropcast.demo.processes import Helper, MissingCrowd, require_crowd

CONFIG = CreatorConfig(url="ws://127.0.0.1:1", show="friday", token="x", steps=(), deadline_s=60)


def test_a_missing_crowd_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_crowd()
    monkeypatch.setattr(processes, "PACKAGE", "no_such_package")
    with pytest.raises(MissingCrowd, match="pip install dropcast-loadtest"):
        require_crowd()


async def test_a_helper_that_cannot_run_is_ready_to_be_asked_why(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        helper = Helper("the crowd", "no_such_module", lambda _: None, log=log)
        await helper.start(CONFIG)
        await helper.ready.wait()
        await helper.end(10)
    assert helper.faults == ["the crowd ended with status 1"]
    assert b"no_such_module" in (tmp_path / "log").read_bytes()


async def test_a_helper_that_does_not_end_by_itself_is_stopped() -> None:
    helper = Helper("the creator", "creator", lambda _: None)
    # Nobody listens there, so the creator goes on dialling.
    await helper.start(CONFIG)
    await helper.end(0.1)
    assert helper.ended.is_set()
    assert helper.faults == [
        "the creator did not end in time",
        "the creator: stopped",
        "the creator ended with status 1",
    ]


async def test_stopping_again_or_before_the_start_does_no_harm() -> None:
    helper = Helper("the creator", "creator", lambda _: None)
    await helper.stop()
    await helper.start(CONFIG)
    await helper.stop()
    await helper.stop()
    assert helper.ended.is_set()
