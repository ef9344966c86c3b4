"""The catalogue: listed and read by anyone, imported by operators."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.faults import Forbidden, NotFound
from dropcast.domain.ports import ProductStore
from dropcast.domain.shopify import CatalogueError, parse
from dropcast.domain.viewer import Role
from dropcast.edge.http import table
from dropcast.edge.http.answers import Imported, ProductPage
from dropcast.edge.http.exchange import Exchange, HttpFault, answer, next_after, page_of, path_id
from dropcast.edge.http.operations import routes_of
from dropcast.service.show_reader import ShowReader


def routes(exchange: Exchange, products: ProductStore, reader: ShowReader) -> list[Route]:
    async def listing(request: Request) -> Response:
        after, limit = page_of(request)
        async with reader.turn():
            items = await products.list(after, limit)
        following = next_after(items, limit, lambda product: product.handle)
        return answer(ProductPage(items=list(items), next=following))

    async def one(request: Request) -> Response:
        handle = path_id(request, "handle")
        product = await products.get(handle)
        if product is None:
            raise NotFound(f"the catalogue has no product {handle!r}")
        return answer(product)

    async def upload(request: Request) -> Response:
        if exchange.known_viewer(request).role is not Role.OPERATOR:
            raise Forbidden("only an operator may import a catalogue")
        currency = request.query_params.get("currency")
        if not currency:
            raise HttpFault("bad_request", "the query must name the currency, as in ?currency=EUR")
        raw = await exchange.raw_body(request)
        try:
            # A large export takes a while to parse: the sockets must not wait for it.
            catalogue = await asyncio.to_thread(parse, raw, currency=currency)
        except CatalogueError as bad:
            raise HttpFault("bad_request", str(bad)) from bad
        await products.put(catalogue.products)
        warnings = [str(item) for item in catalogue.warnings]
        return answer(Imported(products=len(catalogue.products), warnings=warnings))

    return routes_of(
        (table.LIST_PRODUCTS, listing),
        (table.IMPORT_PRODUCTS, upload),
        (table.READ_PRODUCT, one),
    )
