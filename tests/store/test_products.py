"""The catalogue in the engine."""

import pytest
from redis.asyncio import Redis

from dropcast.domain.catalogue import Product, Variant
from dropcast.domain.faults import EngineFull
from dropcast.store.products import Products
from tests.support.engine import memory_bound
from tests.support.keys import keys


def a_product(handle: str, title: str = "Scarf") -> Product:
    variant = Variant(
        sku=f"{handle}-1", title="Red / S", options={"Colour": "Red"}, price_minor=2_900, stock=3
    )
    return Product(handle=handle, title=title, currency="EUR", variants=(variant,), tags=("wool",))


async def test_products_are_read_back_as_they_were_put(client: Redis) -> None:
    products = Products(client, keys)
    await products.put([a_product("scarf"), a_product("mug")])
    assert await products.get("scarf") == a_product("scarf")
    assert await products.get("nothing") is None


async def test_a_product_is_replaced_by_its_handle(client: Redis) -> None:
    products = Products(client, keys)
    await products.put([a_product("scarf")])
    await products.put([a_product("scarf", "Better scarf")])
    assert await products.list("", 10) == [a_product("scarf", "Better scarf")]


async def test_products_are_listed_in_pages_by_handle(client: Redis) -> None:
    products = Products(client, keys)
    handles = ["b", "é", "a", "a-b", "B", "10", "9"]
    await products.put([a_product(handle) for handle in handles])
    listed: list[str] = []
    while page := await products.list(listed[-1] if listed else "", 3):
        listed += [product.handle for product in page]
    assert listed == sorted(handles, key=str.encode)


async def test_a_whole_catalogue_is_put_at_once_or_not_at_all(client: Redis) -> None:
    products = Products(client, keys)
    await products.put([])
    await products.put([a_product(f"p{number:05}") for number in range(5_000)])
    assert len(await products.list("", 10_000)) == 5_000
    async with memory_bound(client, 1):
        with pytest.raises(EngineFull):
            await products.put([a_product("new")])
    assert await products.get("new") is None
    assert len(await products.list("", 10_000)) == 5_000
