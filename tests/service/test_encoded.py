"""A state that is put together from encoded drops is the same bytes as one that is encoded whole."""

import msgspec

from dropcast.domain.ports import Change
from dropcast.domain.state import ShowState
from dropcast.service import views
from dropcast.service.encoded import EncodedState
from dropcast.wire.codec import CODECS
from dropcast.wire.messages import State
from tests.support.engine import Stall, a_drop, reserve


def plain(state: ShowState, viewers: int, index: int) -> bytes:
    drops = tuple(views.drop_view(drop, state.stock[drop.id]) for drop in state.drops.values())
    encoded: bytes = CODECS[index].encode(views.state_of(state, viewers, drops))
    return encoded


async def test_it_is_the_same_bytes_whatever_has_changed(stall: Stall) -> None:
    for number in range(40):
        await stall.shows.pin(stall.show, a_drop(f"x{number}", {"RED": 3, "BLUE": 0}))
    encoded = EncodedState()

    async def check(viewers: int) -> None:
        state = ShowState(await stall.shows.read(stall.show))
        encoded.changed()
        for index in range(len(CODECS)):
            assert encoded.whole(state, viewers, index) == plain(state, viewers, index)
        assert encoded.both(state, viewers) == (plain(state, viewers, 0), plain(state, viewers, 1))
        msgspec.json.decode(encoded.whole(state, viewers, 0), type=State)

    await check(0)
    await stall.granted(reserve("h1", drop="x3"))
    await check(5)
    await stall.shows.update(stall.show, "x7", Change(prices={"RED": 1}), "k")
    await stall.shows.unpin(stall.show, "x8", "k2")
    await check(5)


async def test_only_the_drop_that_has_changed_is_encoded_anew(stall: Stall) -> None:
    await stall.shows.pin(stall.show, a_drop("d2"))
    encoded = EncodedState()
    state = ShowState(await stall.shows.read(stall.show))
    await encoded.prepare(state, 0)
    before = {drop: encoded.drop(state, drop, 0) for drop in state.drops}
    state.stock["d2"]["RED"] = 1
    assert encoded.drop(state, "d1", 0) is before["d1"]
    assert encoded.drop(state, "d2", 0) is not before["d2"]
    assert b'"stock":{"RED":1}' in bytes(encoded.drop(state, "d2", 0))


async def test_what_is_not_said_to_have_changed_is_not_looked_at(stall: Stall) -> None:
    encoded = EncodedState()
    state = ShowState(await stall.shows.read(stall.show))
    whole = encoded.whole(state, 1, 0)
    assert encoded.whole(state, 1, 0) is whole
    encoded.changed()
    assert encoded.whole(state, 2, 0) != whole
