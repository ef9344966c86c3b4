"""The catalogue in the engine: implements the port ProductStore.

Products are opaque to the engine: one hash by handle, and one sorted set of handles to page through.
"""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from dropcast.domain.catalogue import Product
from dropcast.store.connection import ask, engine_faults
from dropcast.store.keys import Keys

_encode = msgspec.msgpack.Encoder().encode
_PRODUCT = msgspec.msgpack.Decoder(Product)


class Products:
    """Implements ProductStore."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def put(self, products: Sequence[Product]) -> None:
        if not products:
            return
        with engine_faults():
            # One transaction: a reader sees all of an import or nothing of it.
            async with self._client.pipeline(transaction=True) as transaction:
                transaction.hset(
                    self._keys.products, mapping={product.handle: _encode(product) for product in products}
                )
                transaction.zadd(self._keys.product_order, {product.handle: 0 for product in products})
                await transaction.execute()

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
