"""A hold that ended without a sale and still names an attempt may have been paid; `unpay` takes the name away."""

import pytest

from dropcast.domain.hold import UnsettledPayment
from tests.store import version_1
from tests.support.engine import (
    HOLDS_PER_VIEWER_MAX,
    Stall,
    a_drop,
    pay,
    reasons,
    release,
    reserve,
    sell,
    unpay,
)


async def expired_while_paying(stall: Stall, hold: str = "h1", attempt: str = "first") -> None:
    await stall.granted(reserve(hold))
    await stall.granted(pay(hold, attempt=attempt))
    await stall.make_due(f"h:{hold}")
    await stall.trade()


async def unsettled(stall: Stall) -> list[str]:
    at_ms = (await stall.shows.read(stall.show)).at_ms
    return [payment.key for payment in await stall.shows.unsettled(stall.show, at_ms)]


async def test_a_hold_that_expired_while_it_was_paid_is_listed_with_all_that_an_operator_needs(
    stall: Stall,
) -> None:
    await expired_while_paying(stall)
    at_ms = (await stall.shows.read(stall.show)).at_ms
    assert await stall.shows.unsettled(stall.show, at_ms) == [
        UnsettledPayment(hold="h1", viewer="ana", key="friday/h1/first", amount_minor=2_900)
    ]


async def test_what_is_sold_released_expired_unpaid_or_still_being_paid_is_not_listed(stall: Stall) -> None:
    await stall.shows.pin(stall.show, a_drop("d2", {"RED": 9}, limit=9))
    await stall.trade(
        *(reserve(f"h{number}", drop="d2") for number in range(1, 6)),
        *(pay("h1"), sell("h1")),
        release("h2"),
        *(pay("h3"), unpay("h3"), release("h3")),
        pay("h5"),
    )
    await stall.make_due("h:h4")
    await stall.trade()
    assert await unsettled(stall) == []


async def test_a_payment_past_its_deadline_is_listed_though_nobody_has_swept(stall: Stall) -> None:
    await stall.granted(reserve("h1"))
    granted = await stall.granted(pay("h1"))
    deadline_ms = granted.hold.expires_at_ms
    assert await stall.shows.unsettled(stall.show, deadline_ms - 1) == []
    assert [payment.hold for payment in await stall.shows.unsettled(stall.show, deadline_ms)] == ["h1"]


async def test_unpay_settles_an_expired_hold_and_answers_as_before(stall: Stall) -> None:
    await expired_while_paying(stall)
    before = await stall.journal()
    assert reasons(await stall.trade(unpay("h1", attempt="another"))) == ["expired"]
    assert await unsettled(stall) == ["friday/h1/first"]
    for _ in range(2):
        assert reasons(await stall.trade(unpay("h1"))) == ["expired"]
        assert await unsettled(stall) == []
    # No unit has moved, and what came too late is refused as it was.
    assert await stall.journal() == before
    assert reasons(await stall.trade(sell("h1"), pay("h1"), release("h1"))) == ["expired"] * 3
    assert "h:h1" not in await stall.due()
    assert await stall.audit() == []


async def test_unpay_of_a_sold_hold_leaves_its_sale(stall: Stall) -> None:
    await stall.trade(reserve("h1"), pay("h1"), sell("h1"))
    assert reasons(await stall.trade(unpay("h1"))) == ["sold"]
    assert reasons(await stall.trade(sell("h1"))) == ["sold"]
    assert len(await stall.shows.orders(stall.show)) == 1
    assert await stall.audit() == []


async def test_many_holds_are_read_in_steps(stall: Stall) -> None:
    await stall.shows.pin(stall.show, a_drop("d2", {"RED": 3_000}))
    holds = [f"m{number:04}" for number in range(2_500)]
    for hold in holds:
        await stall.shows.trade(
            stall.show, [reserve(hold, hold, "d2"), pay(hold, hold)], HOLDS_PER_VIEWER_MAX
        )
    snapshot = await stall.shows.read(stall.show)
    late_ms = max(hold.expires_at_ms for hold in snapshot.holds)
    assert [payment.hold for payment in await stall.shows.unsettled(stall.show, late_ms)] == holds


@pytest.mark.parametrize("attempt", ["first", "another"])
async def test_a_worker_of_version_1_finishes_what_this_one_began(stall: Stall, attempt: str) -> None:
    """It cancels, then calls unpay; of a hold that is gone it is told the same as ever."""
    old = version_1.Server(stall.client, "friday")
    await stall.trade(reserve("h1"), pay("h1"), reserve("h2", "ben"))
    (told,) = await old.trade(["sell", "h1", "ana", attempt, "ref"])
    assert told[:2] == (["granted", told[1]] if attempt == "first" else ["refused", "paying"])
    await expired_while_paying(stall, "h3")
    (told,) = await old.trade(["unpay", "h3", "ana", attempt])
    assert told[:2] == ["refused", "expired"]
    assert await unsettled(stall) == ([] if attempt == "first" else ["friday/h3/first"])
    (told,) = await old.trade(["sell", "h3", "ana", "first", "ref"])
    assert told[:2] == ["refused", "expired"]
    assert await stall.audit() == []
