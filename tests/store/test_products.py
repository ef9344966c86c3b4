"""The catalogue in the engine."""

from collections.abc import AsyncIterator, Sequence

import pytest
from redis.asyncio import Redis

from dropcast.domain.catalogue import EncodedProduct, Product, Variant, encoded_slices
from dropcast.domain.faults import Conflict, EngineAway, EngineFull
from dropcast.store.connection import ask
from dropcast.store.products import Products
from tests.support.engine import memory_bound
from tests.support.keys import keys
from tests.support.wait import wait_until


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


async def test_a_large_import_leaves_nothing_beside_the_catalogue(client: Redis) -> None:
    products = Products(client, keys)
    await products.put([a_product(f"p{number:05}") for number in range(2_000)])
    await products.put([a_product(f"p{number:05}", "New") for number in range(1_000, 3_000)])
    found = await products.list("", 10_000)
    assert [product.handle for product in found] == [f"p{number:05}" for number in range(3_000)]
    assert [found[number].title for number in (999, 1_000, 2_999)] == ["Scarf", "New", "New"]
    assert {name.decode() for name in await ask(client, "KEYS", "*")} == {keys.products, keys.product_order}
    assert await ask(client, "PTTL", keys.products) == -1
    assert await ask(client, "PTTL", keys.product_order) == -1


async def slices(client: Redis, meanwhile: str) -> AsyncIterator[Sequence[EncodedProduct]]:
    """A large import, in the midst of which something else happens."""
    for number, members in enumerate(
        encoded_slices(a_product(f"p{number:05}", "Large") for number in range(2_000))
    ):
        if number == 3:
            if meanwhile == "import":
                await Products(client, keys).put([a_product("small")])
            elif meanwhile == "expiry":
                await expire_imports(client)
            elif meanwhile == "failure":
                raise EngineAway("gone")
        yield members
    if meanwhile == "expiry at the end":
        await expire_imports(client)
    elif meanwhile == "lost connection":
        await ask(client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def expire_imports(client: Redis) -> None:
    for name in await ask(client, "KEYS", "*import*"):
        await ask(client, "PEXPIRE", name, 1)
    await wait_until(lambda: nothing_beside(client))


async def nothing_beside(client: Redis) -> bool:
    return not await ask(client, "KEYS", "*import*")


@pytest.mark.parametrize("before", [0, 10], ids=["without a catalogue", "with one"])
@pytest.mark.parametrize("meanwhile", ["import", "expiry", "expiry at the end", "failure", "lost connection"])
async def test_a_large_import_is_whole_or_nothing(client: Redis, meanwhile: str, before: int) -> None:
    products = Products(client, keys)
    await products.put([a_product(f"old-{number}") for number in range(before)])
    with pytest.raises(EngineAway if meanwhile in ("failure", "lost connection") else Conflict):
        await products.put_encoded(slices(client, meanwhile))
    found = [product.handle for product in await products.list("", 10_000)]
    assert found == [f"old-{number}" for number in range(before)] + ["small"] * (meanwhile == "import")
    assert await nothing_beside(client)
