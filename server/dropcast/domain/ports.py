"""Ports: what the services need of the engine and of a payment provider, and nothing more.

store/ and payments/ implement them; app.py plugs them in.
"""

from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from dropcast.domain.catalogue import EncodedProduct, Product
from dropcast.domain.drop import Card
from dropcast.domain.events import Beat, Event, JournalEntry, Publication, ShowMeta, Snapshot
from dropcast.domain.faults import Fault
from dropcast.domain.hold import Hold, Order, UnsettledPayment
from dropcast.domain.show import Frozen, Show
from dropcast.domain.trades import Outcome, Trade


class NewDrop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A drop to be pinned. `id` follows from the pin's key, see ids.drop_id.

    Its bytes are the pin's fingerprint: what has a default is left out, so that a worker of an older version takes
    the same pin for the same.
    """

    id: str
    card: Card
    limit: int
    hold_ms: int
    prices: dict[str, int]
    units: dict[str, int]
    """Units allocated by SKU; the same SKUs as `prices`."""
    opens_at_ms: int = 0
    """By the engine's clock; 0 or a time that has passed: at once."""
    closes_at_ms: int = 0
    reveal_at_ms: int = 0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change to an open drop. Top-ups are relative; a negative one takes back free units only."""

    prices: Mapping[str, int] = {}
    add_units: Mapping[str, int] = {}
    limit: int | None = None
    hold_ms: int | None = None


class Done(msgspec.Struct, frozen=True):
    """A show command was carried out, now or the first time its key was used: where the logs stood after it."""

    seq: int
    offset: int
    again: bool
    """True when the key had been used before for the same: nothing was changed this time."""


class ShowStore(Protocol):
    """The engine, by show. Every writing method is one engine function: all of it happens or nothing.

    All raise EngineAway, EngineFull or EngineUnfit when the engine fails, and the BadRequest family for what
    the caller can mend.
    """

    async def schedule(self, show: Show) -> Show:
        """Write a new show; the same again is answered with the show as it stands; another under its id: Conflict."""

    async def start(self, show: str) -> Done: ...

    async def end(self, show: str) -> Done:
        """End a show: its open drops close. Holds that are open may still be paid until their deadline."""

    async def shows(self, after: str, limit: int, but: Container[str] = ()) -> Sequence[Show]:
        """Return up to `limit` shows in the order of their ids, from the first above `after`, all `but` those."""

    async def pin(self, show: str, drop: NewDrop) -> Done: ...

    async def update(self, show: str, drop: str, change: Change, key: str) -> Done: ...

    async def unpin(self, show: str, drop: str, key: str) -> Done: ...

    async def announce(self, show: str, text: str, data: Any, key: str) -> Done: ...

    async def freeze(self, show: str) -> Done:
        """Stop sales: reserves are refused, open holds may still be paid. `again` when they were stopped already."""

    async def thaw(self, show: str, reason: Frozen = Frozen.NO) -> Done:
        """Let sales go on; with a reason, only if they are frozen for that one."""

    async def mute(self, show: str, viewer: str, on: bool) -> Done: ...

    async def ban(self, show: str, viewer: str, on: bool) -> Done: ...

    async def read(self, show: str, *, public: bool = False) -> Snapshot:
        """Read a show whole, in one engine function; `public`: what anybody may know of it. Raises NotFound."""

    async def meta(self, show: str) -> ShowMeta:
        """Read a show without its drops, and the tops of its logs. Raises NotFound."""

    async def hold(self, show: str, hold: str) -> Hold | None: ...

    async def holds(self, show: str, holds: Sequence[str]) -> Sequence[Hold]:
        """Return those of the holds that exist, in a few commands however many they are."""

    async def events(self, show: str, since: int, limit: int, epoch: str = "") -> Sequence[Event]:
        """Return up to `limit` logged events above seq `since`; fewer at the start when the log was trimmed.

        With an epoch, none when the engine is in another one by now: then the numbers are other events'.
        """

    async def journal(self, show: str, since: int, limit: int) -> Sequence[JournalEntry]: ...

    async def orders(self, show: str) -> Sequence[Order]: ...

    async def unsettled(self, show: str, at_ms: int) -> Sequence[UnsettledPayment]:
        """Return the payments that may stand at `at_ms` by the engine's clock, by hold."""

    async def beat(self, show: str, worker: str, viewers: int) -> Beat:
        """Tell how many viewers this worker has; learn the total and the tops of the logs."""

    async def take_lease(self, name: str, worker: str, lease_ms: int) -> bool:
        """Take or renew the lease `name` for `worker`; False while another worker has it."""


class TradeDesk(Protocol):
    """Takes trades without waiting; those that gather while a call is under way ride in the next one."""

    def submit(self, show: str, trade: Trade, done: Callable[[Outcome | Fault], None]) -> None:
        """Queue one trade. `done` is called exactly once, from the event loop, in the order of submission."""

    async def trade(self, show: str, trade: Trade) -> Outcome:
        """Submit one trade and wait for its outcome. Raises the Fault."""


class ShowTail(Protocol):
    """Follows the channels of shows."""

    async def follow(
        self, show: str, on_publication: Callable[[Publication], None], on_confirmed: Callable[[], None]
    ) -> None:
        """Subscribe. Each confirmation, the first and every one after a lost connection, calls `on_confirmed`:
        publications may be missing before it, so whoever follows reads the show again."""

    async def unfollow(self, show: str) -> None: ...


class ProductStore(Protocol):
    async def put(self, products: Sequence[Product]) -> None:
        """Add or replace products by handle, all at once. Raises Conflict when another import came between."""

    async def put_encoded(self, slices: AsyncIterator[Sequence[EncodedProduct]]) -> None:
        """The same for products that come encoded, in slices of catalogue.encoded_slices."""

    async def get(self, handle: str) -> Product | None: ...

    async def list(self, after: str, limit: int) -> Sequence[Product]:
        """Return up to `limit` products in the order of their handles, from the first above `after`."""


class Charged(msgspec.Struct, frozen=True):
    reference: str


class Declined(msgspec.Struct, frozen=True):
    reason: str


class PaymentProvider(Protocol):
    async def charge(self, *, token: str, amount_minor: int, currency: str, key: str) -> Charged | Declined:
        """Charge once per `key`: a repeated call gives the first answer. Raises PaymentFault when unknown."""

    async def cancel(self, *, key: str) -> None:
        """Undo the charge under `key`, or keep it from ever happening. Safe to repeat."""
