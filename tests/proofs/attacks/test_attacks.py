"""The parts of the proof `load`: its attacks are what the catalogue says, and its clients read what servers write."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from dropcast.domain.shopify import parse
from tests.proofs import load
from tests.proofs.attacks import catalogue
from tests.proofs.attacks.attack import Order, Slice, Target
from tests.proofs.attacks.honest import Buyers, honest_buyers
from tests.proofs.attacks.importing import export
from tests.proofs.attacks.kinds import ask, get, open_sockets, speak
from tests.proofs.attacks.peer import kind_of
from tests.support.house import House
from tests.support.raw import say
from tests.support.wait import wait_until


def a_slice(house: House, *, is_harmless: bool = False, seconds: float = 0.2) -> Slice:
    target = Target(
        port=house.port,
        metrics_port=0,
        followed="show",
        drop="d1",
        quiet=(),
        wide="show",
        buyers=((house.token("ana"), "mine"),),
        creator_token=house.token("cleo", "creator"),
        creator_show="show",
        operator_token=house.token("olga", "operator"),
    )
    order = Order(
        attack="watch_ahead", target=target, seconds=seconds, is_harmless=is_harmless, is_full=False
    )
    # As it comes to the process of the attackers.
    return Slice(msgspec.json.decode(msgspec.json.encode(order), type=Order))


def test_every_attack_has_a_name_of_its_own_and_says_what_it_is() -> None:
    assert len(catalogue.BY_NAME) == len(catalogue.ATTACKS)
    assert all(attack.about and attack.asked_min > 0 for attack in catalogue.ATTACKS)


def test_attacks_are_chosen_by_their_names() -> None:
    assert load._chosen("") == list(catalogue.ATTACKS)
    assert [attack.name for attack in load._chosen("guests, import")] == ["guests", "import"]
    with pytest.raises(KeyError):
        load._chosen("charm")


def test_an_export_as_large_as_a_body_may_be_is_one_that_can_be_read() -> None:
    assert 8_300_000 < len(export(380_000)) <= 8_388_608
    assert len(parse(export(100), currency="EUR").products) == 100


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (b'{"type":"pong","re":1,"server_time_ms":5}', "pong"),
        (b'{"type":"error","re":1,"code":"rate_limited","message":"m","temporary":true}', "rate_limited"),
    ],
)
def test_a_message_is_counted_by_its_type_and_an_error_by_its_code(payload: bytes, kind: str) -> None:
    assert kind_of(payload) == kind


@asynccontextmanager
async def carried_out(part: Slice) -> AsyncIterator[Slice]:
    yield part
    for connection in part.open:
        connection.transport.abort()


async def test_sockets_say_what_they_are_told_so_many_times_a_second_and_pings_when_harmless(
    house: House,
) -> None:
    for is_harmless, heard in ((False, "not_found"), (True, "pong")):
        async with carried_out(a_slice(house, is_harmless=is_harmless)) as part:
            peers = await open_sockets(part, 3)
            await speak(
                part, peers, 20, lambda number: say({"type": "watch", "id": 1, "show": "no-such-show"})
            )
            assert part.tally.asked in (11, 12)
            await _answered(part, heard, part.tally.asked)


async def test_connections_ask_over_http_and_their_answers_are_counted_by_status(house: House) -> None:
    for is_harmless, status in ((False, "404"), (True, "200")):
        async with carried_out(a_slice(house, is_harmless=is_harmless)) as part:
            await ask(part, 3, 50, lambda number: get("/v1/shows/no-such-show"))
            await _answered(part, status, part.tally.asked)


async def test_buyers_are_timed_from_the_moment_at_which_their_request_is_due(
    house: House,
) -> None:
    show = await house.live_show()
    drop = await house.drop(show, {"MUG": 100}, product="mug", limit=100)
    tokens = (house.token("ana"), house.token("ben"))
    buyers = Buyers(port=house.port, tokens=tokens, per_s=50.0, sku="MUG")
    async with honest_buyers(buyers) as honest:
        began_s = time.monotonic()
        await honest.trade(show, drop)
        await asyncio.sleep(0.5)
        heard = await honest.part(began_s, time.monotonic())
        await honest.rest()
    assert 15 <= len(heard.latencies_ms) <= 30
    assert min(heard.latencies_ms) > 0
    assert (heard.unanswered, heard.refused) == (0, 0)


async def _answered(part: Slice, kind: str, count: int) -> None:
    await wait_until(lambda: part.heard[kind] >= count)
