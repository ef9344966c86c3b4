from msgspec.structs import replace

from dropcast_client.commands import Checkout, Release, Reserve
from dropcast_client.holds import Holds, learn_from_reply
from dropcast_client.messages import Held, Refused, Released, Sold
from dropcast_client.parts import HoldView


def hold(name: str = "h1", state: str = "held") -> HoldView:
    return HoldView(hold=name, drop="d", sku="s", qty=1, state=state, expires_at_ms=5, amount_minor=100)


def ids(holds: Holds) -> list[str]:
    return [each.hold for each in holds.open()]


def test_news_that_is_older_than_what_is_known_changes_nothing() -> None:
    holds = Holds()
    assert holds.learn(hold(state="released"), 9)
    assert not holds.learn(hold(), 8)
    assert ids(holds) == []
    assert holds.learn(hold(), 9)
    assert ids(holds) == ["h1"]


def test_a_full_list_replaces_everything_that_is_not_newer() -> None:
    holds = Holds()
    holds.learn(hold("gone"), 5)
    holds.learn(hold("newer"), 8)
    holds.learn(hold("closed", "sold"), 8)
    holds.replace([hold("listed"), hold("closed")], 7)
    assert sorted(ids(holds)) == ["listed", "newer"]


def test_after_a_change_of_history_lower_offsets_are_believed() -> None:
    holds = Holds()
    holds.learn(hold(), 900)
    holds.forget_offsets()
    assert ids(holds) == ["h1"]
    assert holds.learn(hold(state="expired"), 3)
    assert ids(holds) == []


def test_a_paying_hold_is_open() -> None:
    holds = Holds()
    holds.learn(hold(state="paying"), 1)
    assert ids(holds) == ["h1"]


def test_answers_to_commands_tell_what_became_of_a_hold() -> None:
    holds = Holds()
    reserve = Reserve(id=1, show="s", drop="d", sku="s", qty=1, key="k")
    release = Release(id=2, show="s", hold="h1")
    checkout = Checkout(id=3, show="s", hold="h1", payment="p")
    held = Held(
        re=1,
        show="s",
        hold="h1",
        drop="d",
        sku="s",
        qty=1,
        state="held",
        expires_at_ms=5,
        amount_minor=1,
        offset=4,
    )
    learn_from_reply(holds, reserve, held)
    assert ids(holds) == ["h1"]
    learn_from_reply(holds, checkout, Refused(re=3, show="s", reason="declined", offset=5))
    assert ids(holds) == ["h1"]
    learn_from_reply(holds, checkout, Refused(re=3, show="s", reason="expired", offset=6))
    assert ids(holds) == []
    learn_from_reply(holds, reserve, replace(held, offset=7))
    learn_from_reply(holds, release, Released(re=2, show="s", hold="h1", offset=8))
    assert ids(holds) == []
    learn_from_reply(holds, reserve, replace(held, offset=9))
    learn_from_reply(holds, checkout, Sold(re=3, show="s", hold="h1", order="oh1", amount_minor=1, offset=10))
    assert ids(holds) == []
