"""The catalogue in the engine: implements the port ProductStore.

Products are opaque to the engine: one hash by handle, and one sorted set of handles to page through. Few products are
put by one transaction. Many would keep the engine from everybody else: a copy of the catalogue is written beside it in
slices, and takes its place at once. Readers see all of an import or nothing of it.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from time import monotonic

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, WatchError

from dropcast.domain.catalogue import EncodedProduct, Product, encoded_slices
from dropcast.domain.faults import Conflict
from dropcast.store.connection import ask, engine_faults
from dropcast.store.keys import Keys

_PRODUCT = msgspec.msgpack.Decoder(Product)
_COPY_PRODUCTS = 250
_EXPIRES_MS = 600_000
"""An import that its process left half done is gone after this."""
_REST_MAX_S = 0.25
_STOOD_STILL = "the import stood still for too long: nothing was imported, send it again"

Slice = Sequence[EncodedProduct]


class Products:
    """Implements ProductStore."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def put(self, products: Sequence[Product]) -> None:
        async def slices() -> AsyncIterator[Slice]:
            for members in encoded_slices(products):
                yield members

        await self.put_encoded(slices())

    async def put_encoded(self, slices: AsyncIterator[Slice]) -> None:
        first = await anext(slices, None)
        if first is None:
            return
        second = await anext(slices, None)
        with engine_faults():
            async with self._client.pipeline(transaction=True) as pipeline:
                if second is None:
                    _add(pipeline, self._keys.products, self._keys.product_order, first)
                    await pipeline.execute()
                else:
                    await self._put_beside(pipeline, _again((first, second), slices))

    async def get(self, handle: str) -> Product | None:
        raw = await ask(self._client, "HGET", self._keys.products, handle)
        return _PRODUCT.decode(raw) if raw is not None else None

    async def list(self, after: str, limit: int) -> Sequence[Product]:
        low = f"({after}" if after else "-"
        handles = await ask(
            self._client, "ZRANGE", self._keys.product_order, low, "+", "BYLEX", "LIMIT", 0, limit
        )
        found = await ask(self._client, "HMGET", self._keys.products, *handles) if handles else []
        return [_PRODUCT.decode(raw) for raw in found if raw is not None]

    async def _put_beside(self, pipeline: Pipeline, slices: AsyncIterator[Slice]) -> None:
        """Write a new catalogue beside the present one. `pipeline` watches that nobody changes that meanwhile."""
        name = secrets.token_hex(8)
        products, order = self._keys.imported(name)
        await pipeline.watch(self._keys.products, self._keys.product_order)
        try:
            copied = await self._copy_to(products, order)
            fresh = not copied
            async for members in slices:
                await self._write_slice(products, order, members, fresh=fresh)
                fresh = False
            # A transaction that renames what has expired would go on without it, and the old catalogue would be gone.
            await pipeline.watch(products, order)
            if await pipeline.exists(products, order) != 2:
                raise Conflict(_STOOD_STILL)
            pipeline.multi()  # type: ignore[no-untyped-call]
            old_products, old_order = self._keys.imported(name + "-old")
            if copied:
                # By name, which costs nothing; what it replaces would be freed before anybody else is served.
                pipeline.rename(self._keys.products, old_products)
                pipeline.rename(self._keys.product_order, old_order)
            pipeline.rename(products, self._keys.products)
            pipeline.rename(order, self._keys.product_order)
            pipeline.persist(self._keys.products)
            pipeline.persist(self._keys.product_order)
            pipeline.unlink(old_products, old_order)
            await pipeline.execute()
        except WatchError as error:
            # The client makes a lost connection a WatchError too. Whether the import took its place is then unknown.
            if isinstance(error.__context__, RedisError | OSError):
                raise error.__context__ from None
            raise Conflict("another import came between: nothing was imported, send it again") from error
        finally:
            await self._client.unlink(products, order)

    async def _copy_to(self, products: str, order: str) -> bool:
        """Copy the present catalogue, a slice at a time; False when there is none."""
        cursor = 0
        fresh = True
        while True:
            cursor, found = await ask(
                self._client, "HSCAN", self._keys.products, cursor, "COUNT", _COPY_PRODUCTS
            )
            members = [EncodedProduct(handle, packed) for handle, packed in found.items()]
            for start in range(0, len(members), _COPY_PRODUCTS):
                await self._write_slice(products, order, members[start : start + _COPY_PRODUCTS], fresh=fresh)
                fresh = False
            if not cursor:
                return not fresh

    async def _write_slice(self, products: str, order: str, members: Slice, *, fresh: bool) -> None:
        """Write a slice, then rest for as long as that took: half of the engine's time is left to the trades."""
        began_s = monotonic()
        async with self._client.pipeline(transaction=True) as pipeline:
            if not fresh:
                pipeline.exists(products, order)
            _add(pipeline, products, order, members)
            pipeline.pexpire(products, _EXPIRES_MS)
            pipeline.pexpire(order, _EXPIRES_MS)
            existed = (await pipeline.execute())[0]
        if not fresh and existed != 2:
            raise Conflict(_STOOD_STILL)
        await asyncio.sleep(min(monotonic() - began_s, _REST_MAX_S))


def _add(pipeline: Pipeline, products: str, order: str, members: Slice) -> None:
    pipeline.hset(products, mapping=dict(members))
    pipeline.zadd(order, {product.handle: 0 for product in members})


async def _again(first: Sequence[Slice], rest: AsyncIterator[Slice]) -> AsyncIterator[Slice]:
    for members in first:
        yield members
    async for members in rest:
        yield members
