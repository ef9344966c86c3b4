"""How many guests of one address hold something in a show, by the reserves that this worker has seen. Pure.

Trading asks `enter` before a guest's reserve is submitted, and tells `leave` its outcome. A guest has a place while a
reserve waits for its outcome and while the worker's view of the show has an open hold of theirs. Where the show is
not followed here, the place lasts until the hold's first deadline. Places are freed when somebody needs them.
"""

from collections import OrderedDict
from collections.abc import Callable

from dropcast.domain.faults import Fault
from dropcast.domain.state import ShowState
from dropcast.domain.trades import Granted, Outcome

_LOOK_AGAIN_MS = 100
"""How long an address that was found full is not looked through again."""
_LOOKED_AT_EACH_TIME = 2
"""So many addresses are looked through when one is added, so that those whose guests hold nothing any more go."""


class _Guest:
    """One guest at one address in one show."""

    __slots__ = ("known_at", "pending", "until_ms")

    def __init__(self) -> None:
        self.pending = 0
        self.known_at = 0
        """The journal offset at which the view of the show has the latest hold."""
        self.until_ms = 0
        """When that hold ends by itself."""


class _Address:
    __slots__ = ("full_until_ms", "guests")

    def __init__(self) -> None:
        self.guests: dict[str, _Guest] = {}
        self.full_until_ms = 0


class GuestBuyers:
    def __init__(self, per_address_max: int, state_of: Callable[[str], ShowState | None]) -> None:
        """`state_of` returns the view of a show, or None when it is not followed here."""
        self._per_address_max = per_address_max
        self._state_of = state_of
        self._addresses: OrderedDict[tuple[str, str], _Address] = OrderedDict()
        """By show and address; the first one is the next to be looked through."""

    def __len__(self) -> int:
        """How many addresses are kept, for each show."""
        return len(self._addresses)

    def enter(self, show: str, address: str, guest: str, now_ms: int) -> bool:
        """Take a place for a reserve of `guest`; False when the address has none left.

        A guest who is known to hold something in the show is never refused, also when they come from another address
        than before, or bought at another worker; they count at both. After True `leave` must follow. `now_ms` is the
        engine's time.
        """
        found = self._addresses.get((show, address))
        if found is None:
            found = self._add((show, address), now_ms)
        known = found.guests.get(guest)
        if known is None:
            if not self._has_room(found, show, now_ms) and not _holds(self._state_of(show), guest):
                return False
            known = found.guests[guest] = _Guest()
        known.pending += 1
        return True

    def leave(self, show: str, address: str, guest: str, outcome: Outcome | Fault) -> None:
        """Note what became of a reserve that has entered."""
        found = self._addresses[show, address]
        known = found.guests[guest]
        known.pending -= 1
        if isinstance(outcome, Granted) and outcome.hold.state.is_open:
            known.known_at = outcome.offset
            known.until_ms = max(known.until_ms, outcome.hold.expires_at_ms)
        elif not known.pending and not known.until_ms:
            del found.guests[guest]
            if not found.guests:
                del self._addresses[show, address]

    def _has_room(self, address: _Address, show: str, now_ms: int) -> bool:
        if len(address.guests) < self._per_address_max:
            return True
        if 0 < address.full_until_ms - now_ms <= _LOOK_AGAIN_MS:
            return False
        self._free(address, show, now_ms)
        if len(address.guests) < self._per_address_max:
            return True
        address.full_until_ms = now_ms + _LOOK_AGAIN_MS
        return False

    def _free(self, address: _Address, show: str, now_ms: int) -> None:
        """Forget the guests who hold nothing any more."""
        state = self._state_of(show)
        for guest, known in list(address.guests.items()):
            if not known.pending and not _may_hold(known, state, now_ms) and not _holds(state, guest):
                del address.guests[guest]

    def _add(self, key: tuple[str, str], now_ms: int) -> _Address:
        """Keep a new address, and forget some whose guests hold nothing: the open holds bound what is kept."""
        for _ in range(min(_LOOKED_AT_EACH_TIME, len(self._addresses))):
            other, address = self._addresses.popitem(last=False)
            self._free(address, other[0], now_ms)
            if address.guests:
                self._addresses[other] = address
        added = self._addresses[key] = _Address()
        return added


def _may_hold(guest: _Guest, state: ShowState | None, now_ms: int) -> bool:
    """Whether a hold was granted that the view of the show, if there is one, does not have yet."""
    return now_ms < guest.until_ms and (state is None or state.offset < guest.known_at)


def _holds(state: ShowState | None, guest: str) -> bool:
    return state is not None and bool(state.holds_of(guest))
