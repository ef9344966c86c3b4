"""The catalogue in the engine: implements the port ProductStore.

Products are opaque to the engine: one hash by handle, and one sorted set of handles to page through.
"""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from dropcast.domain.catalogue import Product
from dropcast.store import keys
from dropcast.store.connection import ask, engine_faults

_encode = msgspec.msgpack.Encoder().encode
_PRODUCT = msgspec.msgpack.Decoder(Product)


class Products:
    """Implements ProductStore."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def put(self, products: Sequence[Product]) -> None:
        if not products:
            return
        with engine_faults():
            # One transaction: a reader sees all of an import or nothing of it.
            async with self._client.pipeline(transaction=True) as transaction:
                transaction.hset(
                    keys.PRODUCTS, mapping={product.handle: _encode(product) for product in products}
                )
                transaction.zadd(keys.PRODUCT_ORDER, {product.handle: 0 for product in products})
                await transaction.execute()

    async def get(self, handle: str) -> Product | None:
        raw = await ask(self._client, "HGET", keys.PRODUCTS, handle)
        return _PRODUCT.decode(raw) if raw is not None else None

    async def list(self, after: str, limit: int) -> Sequence[Product]:
        low = f"({after}" if after else "-"
        handles = await ask(self._client, "ZRANGE", keys.PRODUCT_ORDER, low, "+", "BYLEX", "LIMIT", 0, limit)
        found = await ask(self._client, "HMGET", keys.PRODUCTS, *handles) if handles else []
        return [_PRODUCT.decode(raw) for raw in found if raw is not None]
