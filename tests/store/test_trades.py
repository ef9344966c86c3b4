"""Trades, one by one and many in a call: what each is answered, and that units are never lost nor made."""

from typing import Any

import msgspec
import pytest

from dropcast.domain.events import MovementKind
from dropcast.domain.hold import HoldState
from dropcast.domain.trades import Expire, Invalid, Problem, Reason, Refused, Trade
from dropcast.store.answers import TradeAnswer
from dropcast.store.connection import ask
from dropcast.store.keys import SHOW_KEYS
from dropcast.store.shows import Shows
from tests.support.engine import (
    HOLDS_PER_VIEWER_MAX,
    Stall,
    a_drop,
    pay,
    reasons,
    release,
    reserve,
    sell,
)
from tests.support.keys import keys

# Reserve ---------------------------------------------------------------------------------------------------


async def test_a_reserve_sets_units_aside_until_the_deadline_at_the_price_of_now(stall: Stall) -> None:
    granted = await stall.granted(reserve("h1", qty=2))
    (*_, entry) = await stall.journal()
    hold = granted.hold
    assert (hold.id, hold.viewer, hold.drop, hold.sku, hold.qty) == ("h1", "ana", "d1", "RED", 2)
    assert (hold.state, hold.price_minor) == (HoldState.HELD, 2_900)
    assert hold.expires_at_ms == entry.at_ms + 3_600_000
    assert granted.offset == entry.offset
    assert [movement.kind for movement in entry.movements] == [MovementKind.HELD]
    assert await stall.units() == (1, 2, 0, 3)
    assert await stall.shows.hold("friday", "h1") == hold
    assert (await stall.shows.read("friday")).holds == (hold,)


async def test_a_reserve_that_is_retried_is_the_same_hold_as_it_now_stands(stall: Stall) -> None:
    first = await stall.granted(reserve("h1"))
    assert await stall.granted(reserve("h1")) == first
    await stall.one(release("h1"))
    assert reasons(await stall.trade(reserve("h1"))) == ["released"]
    await stall.shows.end("friday")
    assert reasons(await stall.trade(reserve("h1"))) == ["released"]
    assert (await stall.shows.read("friday")).offset == 4


@pytest.mark.parametrize(
    "other", [reserve("h1", "eve"), reserve("h1", qty=2), reserve("h1", drop="d2"), reserve("h1", sku="BLUE")]
)
async def test_another_reserve_under_a_known_hold_is_a_conflict(stall: Stall, other: Trade) -> None:
    await stall.granted(reserve("h1"))
    assert await stall.one(other) == Invalid(Problem.CONFLICT)
    assert await stall.units() == (2, 1, 0, 3)


async def test_who_asks_for_more_than_the_limit_hears_what_may_still_be_had(stall: Stall) -> None:
    assert await stall.one(reserve("h1", qty=3)) == Refused(Reason.LIMIT, offset=1, free=2)
    await stall.granted(reserve("h2"))
    assert await stall.one(reserve("h3", qty=2)) == Refused(Reason.LIMIT, offset=2, free=1)
    await stall.granted(reserve("h4", "ben", qty=2))
    assert await stall.one(reserve("h5", qty=2)) == Refused(Reason.LIMIT, offset=3, free=0)


async def test_the_limit_counts_what_was_bought_over_all_skus_and_not_what_was_given_back(
    stall: Stall,
) -> None:
    await stall.shows.pin("friday", a_drop("d2", {"S": 5, "M": 5}, limit=2))
    await stall.trade(reserve("h1", drop="d2", sku="S"), reserve("h2", drop="d2", sku="M"))
    assert reasons(await stall.trade(reserve("h3", drop="d2", sku="M"))) == ["limit"]
    await stall.trade(pay("h1"), sell("h1"), release("h2"))
    assert reasons(await stall.trade(reserve("h4", drop="d2", sku="M"))) == ["held"]
    assert reasons(await stall.trade(reserve("h5", drop="d2", sku="M"))) == ["limit"]
    # Another drop has a count of its own.
    assert reasons(await stall.trade(reserve("h6"))) == ["held"]


async def test_all_units_of_a_hold_that_ends_count_for_its_buyer_again(stall: Stall) -> None:
    await stall.trade(reserve("h1", qty=2), release("h1"))
    await stall.granted(reserve("h2", qty=2))
    await stall.make_due("h:h2")
    await stall.granted(reserve("h3", qty=2))


async def test_the_last_unit_goes_to_the_first_who_asks(stall: Stall) -> None:
    outcomes = await stall.trade(*(reserve(f"h{number}", f"viewer {number}") for number in range(5)))
    assert reasons(outcomes) == ["held", "held", "held", "sold_out", "sold_out"]
    assert await stall.one(reserve("late", "ben")) == Refused(Reason.SOLD_OUT, offset=2, free=0)


async def test_who_asks_for_more_than_is_free_hears_how_many_are(stall: Stall) -> None:
    await stall.granted(reserve("h1", qty=2))
    assert await stall.one(reserve("h2", "ben", qty=2)) == Refused(Reason.SOLD_OUT, offset=2, free=1)


async def test_a_reserve_reclaims_what_is_due_first(stall: Stall) -> None:
    await stall.trade(reserve("h1", qty=2), reserve("h2", "ben"))
    await stall.make_due("h:h1")
    # For another buyer, and for the same one, whose limit they had used up.
    outcomes = await stall.trade(reserve("h3", "cem"), reserve("h4"))
    assert reasons(outcomes) == ["held", "held"]
    assert await stall.units() == (0, 3, 0, 3)
    (*_, entry) = await stall.journal()
    assert [movement.kind.value for movement in entry.movements] == ["expired", "held", "held"]
    assert await stall.audit() == []


async def test_what_does_not_exist_is_invalid_and_costs_its_neighbours_nothing(stall: Stall) -> None:
    outcomes = await stall.trade(
        reserve("h1", drop="d9"),
        reserve("h2", sku="BLUE"),
        reserve("h3", qty=0),
        reserve("h4", qty=-1),
        reserve("h5", qty=2**31 + 1),
        reserve("h6", ""),
        release("nothing"),
        reserve("h8"),
    )
    assert reasons(outcomes) == [
        "unknown_drop",
        "unknown_sku",
        "bad_qty",
        "bad_qty",
        "bad_qty",
        "bad_trade",
        "unknown_hold",
        "held",
    ]
    assert await stall.units() == (2, 1, 0, 3)


@pytest.mark.parametrize(
    "trade",
    [
        5,
        [],
        ["steal", "h1", "ana"],
        ["reserve"],
        ["reserve", "h1", "ana", "d1", 7, 1],
        ["reserve", "h1", "ana", "d1", "RED", 1.5],
        ["reserve", "h1", "ana", "d1", "RED", "1"],
        ["reserve", "h1", "ana", "d1", "RED", None],
        ["reserve", {"a": 1}, "ana", "d1", "RED", 1],
        ["release", "h1"],
        ["pay", "h1", "ana", "", 5],
        ["pay", "h1", "ana", "first", 0],
        ["pay", "h1", "ana", "first", 3_600_001],
        {"reserve": 1},
    ],
)
async def test_a_malformed_trade_is_an_answer_of_its_own(stall: Stall, trade: Any) -> None:
    packed = msgspec.msgpack.encode(
        [["reserve", "h0", "ana", "d1", "RED", 1], trade, ["release", "h0", "ana"]]
    )
    raw = await ask(
        stall.client,
        "FCALL",
        "dropcast_trade",
        len(SHOW_KEYS),
        *keys.all_of_show("friday"),
        packed,
        HOLDS_PER_VIEWER_MAX,
    )
    outcomes = msgspec.msgpack.decode(raw, type=TradeAnswer).outcomes
    assert reasons(outcomes) in (["held", "bad_trade", "released"], ["held", "bad_qty", "released"])
    assert await stall.units() == (3, 0, 0, 3)


async def test_closed_drops_and_shows_that_are_not_live_sell_nothing(stall: Stall) -> None:
    await stall.shows.unpin("friday", "d1", "key")
    assert reasons(await stall.trade(reserve("h1"))) == ["closed"]
    await stall.shows.end("friday")
    assert reasons(await stall.trade(reserve("h1"))) == ["not_live"]


async def test_a_show_that_does_not_exist_is_every_trades_outcome(store: Shows) -> None:
    outcomes = await store.trade("nowhere", [reserve("h1"), release("h2"), Expire()], 5)
    assert outcomes == [Invalid(Problem.UNKNOWN_SHOW)] * 3


async def test_a_viewer_makes_so_many_holds_and_no_more(stall: Stall) -> None:
    for number in range(3):
        await stall.shows.trade("friday", [reserve(f"h{number}"), release(f"h{number}")], 3)
    assert reasons(await stall.shows.trade("friday", [reserve("one more")], 3)) == ["too_many_holds"]
    assert reasons(await stall.shows.trade("friday", [reserve("h0")], 3)) == ["released"]
    assert reasons(await stall.shows.trade("friday", [reserve("other", "ben")], 3)) == ["held"]


# Settle ----------------------------------------------------------------------------------------------------------


async def test_settle_does_all_but_reserve(stall: Stall) -> None:
    await stall.trade(reserve("h1"), reserve("h2", "ben"))
    outcomes = await stall.shows.settle(
        "friday", [reserve("h3", "cem"), release("h2", "ben"), pay("h1"), sell("h1"), Expire()], 50
    )
    assert reasons(outcomes) == ["bad_trade", "released", "paying", "sold", "expired"]
    assert await stall.audit() == []


async def test_a_batch_sees_the_effects_of_what_stands_before(stall: Stall) -> None:
    outcomes = await stall.trade(
        reserve("h1", qty=2),
        reserve("h2", "ben", qty=2),
        release("h1"),
        reserve("h2", "ben", qty=2),
        reserve("h3"),
        pay("h2", "ben"),
        sell("h2", "ben"),
        reserve("h4", "cem"),
    )
    assert reasons(outcomes) == ["held", "sold_out", "released", "held", "held", "paying", "sold", "sold_out"]
    assert len(await stall.journal()) == 2
    assert await stall.event_names() == ["SoldOut"]
    assert await stall.audit() == []
