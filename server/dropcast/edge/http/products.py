"""The catalogue: listed and read by anyone, imported by operators."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dropcast.domain.catalogue import is_currency
from dropcast.domain.faults import Forbidden, NotFound
from dropcast.domain.ports import ProductStore
from dropcast.domain.viewer import Role
from dropcast.edge.http import table
from dropcast.edge.http.answers import Imported, ProductPage
from dropcast.edge.http.exchange import Exchange, HttpFault, answer, next_after, page_of, path_id
from dropcast.edge.http.importing import Importing
from dropcast.edge.http.operations import routes_of
from dropcast.service.show_reader import ShowReader


def routes(
    exchange: Exchange, products: ProductStore, importing: Importing, reader: ShowReader
) -> list[Route]:
    async def listing(request: Request) -> Response:
        after, limit = page_of(request)
        # A page may be megabytes: only a few are in memory at once, encoded ones too.
        async with reader.turn() as turn:
            items = await turn.ask(products.list(after, limit))
            following = next_after(items, limit, lambda product: product.handle)
            return answer(ProductPage(items=list(items), next=following))

    async def one(request: Request) -> Response:
        handle = path_id(request, "handle")
        async with reader.small_turn() as turn:
            product = await turn.ask(products.get(handle))
        if product is None:
            raise NotFound(f"the catalogue has no product {handle!r}")
        return answer(product)

    async def upload(request: Request) -> Response:
        if exchange.known_viewer(request).role is not Role.OPERATOR:
            raise Forbidden("only an operator may import a catalogue")
        currency = request.query_params.get("currency")
        if not currency:
            raise HttpFault("bad_request", "the query must name the currency, as in ?currency=EUR")
        if not is_currency(currency):
            raise HttpFault("bad_request", "the currency must be a code of three capital letters, as in EUR")
        with importing.turn():
            found = await importing.run(await exchange.raw_body(request), currency)
        return answer(Imported(products=found.products, warnings=list(found.warnings)))

    return routes_of(
        (table.LIST_PRODUCTS, listing),
        (table.IMPORT_PRODUCTS, upload),
        (table.READ_PRODUCT, one),
    )
