"""Hosting: what a show's creator, its moderators and operators do: schedule, start, pin, announce, moderate, end.

Sockets and HTTP routes call it. How often one host may do so is counted first (host_rates.py), before the engine is
asked anything, and few commands of one host are with the engine at once (host_turns.py); what one show may get from all
its hosts is counted by the engine.
"""

from dropcast.domain.catalogue import Product
from dropcast.domain.drop import Card, CardVariant
from dropcast.domain.faults import BadRequest, Forbidden, NotFound
from dropcast.domain.ids import drop_id
from dropcast.domain.ports import Change, Done, NewDrop, ProductStore, ShowStore
from dropcast.domain.show import Show
from dropcast.domain.viewer import Viewer, may_host, may_operate, may_schedule, owns
from dropcast.service.host_rates import HostRates
from dropcast.service.host_turns import HostTurns
from dropcast.service.stage import Stage
from dropcast.wire.commands import Announce, Pin, Unpin, Update

_CARD_DESCRIPTION_CHARS_MAX = 600


class Hosting:
    """Every method raises RateLimited, Forbidden for a viewer who may not, NotFound, Conflict, and the EngineFaults."""

    def __init__(
        self,
        *,
        store: ShowStore,
        products: ProductStore,
        stage: Stage,
        rates: HostRates,
        turns: HostTurns,
        hold_ms: int,
        drop_limit: int,
    ) -> None:
        self._store = store
        self._products = products
        self._stage = stage
        self._rates = rates
        self._turns = turns
        self._hold_ms = hold_ms
        self._drop_limit = drop_limit

    async def schedule(self, viewer: Viewer, show: Show) -> Show:
        """Write a new show. Only an operator may schedule for another creator."""
        if not may_schedule(viewer) or not owns(viewer, show):
            raise Forbidden("only a creator may schedule a show of their own")
        self._rates.count_show(viewer)
        return await self._store.schedule(show)

    async def start(self, viewer: Viewer, show: str) -> Done:
        self._rates.count_making(viewer)
        await self._own(viewer, show)
        return await self._store.start(show)

    async def end(self, viewer: Viewer, show: str) -> Done:
        self._rates.count_ending(viewer)
        await self._own(viewer, show)
        return await self._store.end(show)

    async def pin(self, viewer: Viewer, pin: Pin) -> tuple[str, Done]:
        """Pin a product of the catalogue; return the drop's id. Prices default to the catalogue's."""
        self._rates.count_making(viewer)
        found = await self._host(viewer, pin.show)
        product = await self._products.get(pin.product)
        if product is None:
            raise NotFound(f"the catalogue has no product {pin.product!r}")
        drop = self._new_drop(found, product, pin)
        async with self._turns.turn(viewer):
            return drop.id, await self._store.pin(pin.show, drop)

    async def update(self, viewer: Viewer, update: Update) -> Done:
        self._rates.count_making(viewer)
        await self._host(viewer, update.show)
        change = Change(
            prices=update.prices, add_units=update.add_units, limit=update.limit, hold_ms=update.hold_ms
        )
        if change == Change():
            raise BadRequest("an update changes at least one thing")
        async with self._turns.turn(viewer):
            return await self._store.update(update.show, update.drop, change, update.key)

    async def unpin(self, viewer: Viewer, unpin: Unpin) -> Done:
        self._rates.count_ending(viewer)
        await self._host(viewer, unpin.show)
        return await self._store.unpin(unpin.show, unpin.drop, unpin.key)

    async def announce(self, viewer: Viewer, announce: Announce) -> Done:
        self._rates.count_making(viewer)
        await self._host(viewer, announce.show)
        async with self._turns.turn(viewer):
            return await self._store.announce(announce.show, announce.text, announce.data, announce.key)

    async def freeze(self, viewer: Viewer, show: str) -> Done:
        """Stop the show's sales; open holds may still be paid."""
        self._operate(viewer)
        return await self._store.freeze(show)

    async def thaw(self, viewer: Viewer, show: str) -> Done:
        """Let the show's sales go on, whyever they are frozen."""
        self._operate(viewer)
        return await self._store.thaw(show)

    async def mute(self, viewer: Viewer, show: str, target: str, on: bool) -> Done:
        """Keep viewer `target` from reserving in the show, or let them again."""
        await self._moderate(viewer, show, target)
        return await self._store.mute(show, target, on)

    async def ban(self, viewer: Viewer, show: str, target: str, on: bool) -> Done:
        """Keep viewer `target` from watching the show and reserving in it, or let them again."""
        await self._moderate(viewer, show, target)
        return await self._store.ban(show, target, on)

    def _operate(self, viewer: Viewer) -> None:
        if not may_operate(viewer):
            raise Forbidden("only an operator may do that")

    async def _moderate(self, viewer: Viewer, show: str, target: str) -> None:
        self._rates.count_ending(viewer)
        found = await self._host(viewer, show)
        if target == found.creator or target in found.moderators:
            raise Forbidden("the show's creator and its moderators cannot be muted or banned")

    async def _host(self, viewer: Viewer, show: str) -> Show:
        found = await self._stage.show(show)
        if not may_host(viewer, found):
            raise Forbidden("only the show's creator and its moderators may do that")
        return found

    async def _own(self, viewer: Viewer, show: str) -> Show:
        found = await self._stage.show(show)
        if not owns(viewer, found):
            raise Forbidden("only the show's creator may do that")
        return found

    def _new_drop(self, show: Show, product: Product, pin: Pin) -> NewDrop:
        if product.currency != show.currency:
            raise BadRequest(
                f"the product is priced in {product.currency}, the show sells in {show.currency}"
            )
        variants = {variant.sku: variant for variant in product.variants}
        for sku in (*pin.units, *pin.prices):
            if sku not in variants:
                raise BadRequest(f"product {product.handle!r} has no SKU {sku!r}")
        if not any(pin.units.values()):
            raise BadRequest("a pin allocates at least one unit")
        for sku in pin.prices:
            if sku not in pin.units:
                raise BadRequest(f"SKU {sku!r} has a price but no units")
        card = Card(
            product=product.handle,
            title=product.title,
            currency=product.currency,
            variants=tuple(
                CardVariant(sku=variant.sku, title=variant.title, image=variant.image)
                for variant in product.variants
                if variant.sku in pin.units
            ),
            description=product.description[:_CARD_DESCRIPTION_CHARS_MAX],
            vendor=product.vendor,
            image=product.image,
        )
        return NewDrop(
            id=drop_id(pin.show, pin.key),
            card=card,
            limit=pin.limit if pin.limit is not None else self._drop_limit,
            hold_ms=pin.hold_ms if pin.hold_ms is not None else self._hold_ms,
            prices={sku: pin.prices.get(sku, variants[sku].price_minor) for sku in pin.units},
            units=pin.units,
            opens_at_ms=pin.opens_at_ms,
            closes_at_ms=pin.closes_at_ms,
            reveal_at_ms=pin.reveal_at_ms,
        )
