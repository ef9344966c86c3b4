"""A show's state, encoded by each codec. What has not changed is not encoded again.

Asked by a join, a resync and the HTTP routes. A state is its drops put together; a drop is encoded anew only when
its terms or its units have changed, so that a join after a sale costs one drop and not a thousand.
"""

import asyncio

import msgspec

from dropcast.domain.drop import Drop
from dropcast.domain.state import ShowState
from dropcast.hub.room import Payloads
from dropcast.service import views
from dropcast.wire.codec import CODECS

_SLICE_DROPS = 32

_Known = tuple[Drop, dict[str, int], msgspec.Raw]
"""A drop, its units left, and both of them encoded."""

_NOTHING: tuple[bytes | None, ...] = (None,) * len(CODECS)


class EncodedState:
    def __init__(self) -> None:
        self._drops: tuple[dict[str, _Known], ...] = tuple({} for _ in CODECS)
        self._whole = _NOTHING

    def changed(self) -> None:
        """The state, or the number of viewers, is another one from now on."""
        self._whole = _NOTHING

    def whole(self, state: ShowState, viewers: int, index: int) -> bytes:
        """Return the whole state, encoded by the codec of that index."""
        encoded = self._whole[index]
        if encoded is None:
            known = self._drops[index]
            if len(known) > len(state.drops):
                known.clear()
            drops = tuple(self.drop(state, drop, index) for drop in state.drops)
            encoded = CODECS[index].encode(views.state_of(state, viewers, drops))
            self._whole = (*self._whole[:index], encoded, *self._whole[index + 1 :])
        return encoded

    def both(self, state: ShowState, viewers: int) -> Payloads:
        """Return the whole state, encoded by each codec."""
        return self.whole(state, viewers, 0), self.whole(state, viewers, 1)

    def drop(self, state: ShowState, name: str, index: int) -> msgspec.Raw:
        """Return one drop with its units left, encoded."""
        drop, stock = state.drops[name], state.stock[name]
        known = self._drops[index].get(name)
        if known is None or known[0] is not drop or known[1] != stock:
            encoded = msgspec.Raw(CODECS[index].encode(views.drop_view(drop, stock)))
            known = self._drops[index][name] = (drop, dict(stock), encoded)
        return known[2]

    async def prepare(self, state: ShowState, index: int) -> None:
        """Encode the drops in slices that give the loop back, so that what is asked next finds them."""
        for at, name in enumerate(list(state.drops)):
            self.drop(state, name, index)
            if at % _SLICE_DROPS == _SLICE_DROPS - 1:
                await asyncio.sleep(0)
