"""A rolling change: servers of version 1 and of this one work on the same show, over the newer functions."""

from typing import Any

import msgspec

from dropcast.domain.drop import DropStatus
from dropcast.domain.events import Publication
from dropcast.domain.ports import Change, Done
from dropcast.domain.show import Frozen
from dropcast.domain.trades import Granted, Reason, Refused
from dropcast.store import library
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import EmbeddedEngine
from dropcast.store.shows import Shows, _fingerprint
from tests.store import version_1
from tests.support.engine import Stall, a_drop, a_show, release, reserve
from tests.support.keys import keys
from tests.support.wait import wait_until


async def test_records_of_version_1_are_read_and_traded_on(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    await version_1.write_back(stall.client, "friday")
    snapshot = await stall.shows.read("friday")
    (drop,) = snapshot.drops
    assert drop.terms.status is DropStatus.OPEN
    assert (drop.terms.opens_at_ms, drop.terms.closes_at_ms, drop.terms.reveal_at_ms) == (0, 0, 0)
    assert (snapshot.show.frozen, snapshot.moderated) == (Frozen.NO, ())
    assert [show.id for show in await stall.shows.shows("", 9)] == ["friday"]
    await stall.trade(reserve("h2", "ben"), release("h1"))
    await stall.shows.update("friday", "d1", Change(limit=5), "key")
    await stall.shows.unpin("friday", "d1", "key 2")
    assert await stall.audit() == []


async def test_a_server_of_version_1_trades_beside_one_of_this_version(stall: Stall) -> None:
    old = version_1.Server(stall.client, "friday")
    pinned = await old.pin("d2", "fingerprint", 4)
    assert (pinned.code, pinned.again) == ("ok", False)
    assert (await old.pin("d2", "fingerprint", 4)).again
    (by_old,) = await old.trade(["reserve", "h1", "ana", "d2", "RED", 1])
    by_new = await stall.one(reserve("h1", drop="d2"))
    assert isinstance(by_new, Granted)
    assert by_old[:2] == ["granted", list(msgspec.to_builtins(by_new.hold))]
    await stall.granted(reserve("h2", "ben", "d2"))
    seen = await old.read()
    assert [drop.id for drop in seen.drops] == ["d1", "d2"]
    assert {hold[0] for hold in seen.holds} == {"h1", "h2"}
    assert ("d2", "RED", 2, 2, 0, 4) in seen.units
    assert (await old.beat()).seq == seen.seq
    assert await stall.audit() == []


async def test_a_server_of_version_1_does_not_get_round_what_a_newer_one_forbids(stall: Stall) -> None:
    """Its calls do not name the hash of moderated viewers."""
    old = version_1.Server(stall.client, "friday")
    await stall.shows.ban("friday", "ana", True)
    (outcome,) = await old.trade(["reserve", "h1", "ana", "d1", "RED", 1])
    assert outcome[:2] == ["refused", "banned"]
    await old.call("end")
    assert await ask(stall.client, "PTTL", keys.of_show("friday", "moderated")) > 0


async def test_what_is_published_and_logged_can_be_read_by_both_versions(
    stall: Stall, engine: EmbeddedEngine
) -> None:
    listener = connect(engine.url)
    pubsub = listener.pubsub()
    heard: list[bytes] = []
    await pubsub.execute_command("SSUBSCRIBE", keys.channel("friday"))

    async def hear(count: int) -> bool:
        message = await pubsub.get_message(timeout=0.1)
        if message is not None and message["type"] == "smessage":
            heard.append(message["data"])
        return len(heard) == count

    await stall.shows.pin("friday", a_drop("d2", {"RED": 1}))
    await stall.granted(reserve("h1", drop="d2"))
    await stall.shows.update("friday", "d1", Change(add_units={"RED": 1}), "k1")
    await stall.shows.announce("friday", "hello", {"a": 1}, "k2")
    await stall.shows.end("friday")
    await wait_until(lambda: hear(5))
    for raw in heard:
        old = msgspec.msgpack.decode(raw, type=version_1.Publication)
        new = msgspec.msgpack.decode(raw, type=Publication)
        assert (old.epoch, old.seq, old.offset) == (new.epoch, new.seq, new.offset)
        assert [event.seq for event in old.events] == [event.seq for event in new.events]
        # And what version 1 publishes has seven fields.
        seven = msgspec.msgpack.encode(msgspec.msgpack.decode(raw)[:7])
        assert msgspec.msgpack.decode(seven, type=Publication) == new
    for _, fields in await ask(stall.client, "XRANGE", keys.of_show("friday", "events"), "-", "+"):
        msgspec.msgpack.decode(fields[b"e"], type=version_1.Event)
    await pubsub.aclose()  # type: ignore[no-untyped-call]
    await listener.aclose()


async def test_a_pin_that_is_retried_by_the_other_version_is_the_same_pin(stall: Stall) -> None:
    """Times that are none are left out of a pin's fingerprint, as version 1 knew none."""
    drop = a_drop("d2")
    old = version_1.NewDrop(
        id=drop.id,
        card=drop.card,
        limit=drop.limit,
        hold_ms=drop.hold_ms,
        prices=drop.prices,
        units=drop.units,
    )
    assert _fingerprint(drop) == _fingerprint(old)


async def test_a_server_that_does_not_say_for_whom_it_reads_gets_the_answer_of_before(stall: Stall) -> None:
    """Servers of version 3 name all keys and give no arguments."""
    await stall.granted(reserve("h1"))
    await stall.shows.mute("friday", "rude", True)
    await stall.shows.beat("friday", "w1", 5)
    names = keys.all_of_show("friday")

    async def read(*args: str) -> list[Any]:
        answer: list[Any] = msgspec.msgpack.decode(
            await ask(stall.client, "FCALL", "dropcast_read", len(names), *names, *args)
        )
        return answer

    before = await read()
    assert len(before) == 10
    assert before[7] == [["h1", "ana", "d1", "RED", 1, "held", before[7][0][6], 2_900]]
    assert before[8:] == [1, [["rude", True, False]]]
    assert [*(await read(""))[:4], *(await read("no"))[5:]] == [*before[:4], *before[5:]]
    # And what is asked in the newer way grows at its end only.
    public = await read("1")
    assert [*public[:4], *public[5:7]] == [*before[:4], *before[5:7]]
    assert public[7:] == [[], 1, [], 5]


async def test_an_older_server_keeps_the_newer_functions(stall: Stall) -> None:
    old_source = library.SOURCE.replace(f"VERSION = {library.VERSION}\n", "VERSION = 1\n")
    assert await library.load(stall.client, keys, old_source) == library.VERSION


async def test_a_command_done_by_version_1_is_remembered(store: Shows) -> None:
    await store.schedule(a_show())
    await store.start("friday")
    first = await store.announce("friday", "hello", None, "key")
    await version_1.write_back(store._client, "friday")
    assert await store.announce("friday", "hello", None, "key") == Done(first.seq, first.offset, True)
    refused = (await store.trade("friday", [reserve("h1")], 5))[0]
    assert not isinstance(refused, Refused) or refused.reason is not Reason.FROZEN
