"""The table of all HTTP operations. The routes and the OpenAPI document are made of it; a test holds them equal."""

from dropcast.domain.catalogue import Product
from dropcast.domain.ports import Done
from dropcast.domain.viewer import Role
from dropcast.edge.http import table_shows
from dropcast.edge.http.answers import Alive, DropPage, Imported, Pinned, ProductPage, Readiness
from dropcast.edge.http.bodies import Currency
from dropcast.edge.http.common import (
    FROM_PATH_AND_HEADERS,
    HOSTS,
    MIN_SEQ,
    PAGE,
    READ,
    READ_LIST,
    READ_OF_SHOW,
    READ_ONE,
    WRITE_ONE,
)
from dropcast.edge.http.operations import Answer, Body, Operation, Query, Tag
from dropcast.wire.commands import Pin, Update

LIST_PRODUCTS = Operation(
    id="list_products",
    method="GET",
    path="/v1/products",
    tag=Tag.CATALOGUE,
    summary="List the catalogue",
    about="All products, in the order of their handles, a page at a time.",
    query=PAGE,
    answers={200: Answer(type=ProductPage, about="One page of products.")},
    errors=READ_LIST,
)
IMPORT_PRODUCTS = Operation(
    id="import_products",
    method="POST",
    path="/v1/products",
    tag=Tag.CATALOGUE,
    summary="Import a catalogue",
    about=(
        "Takes a Shopify product export. Products are added, or replaced by handle, all of them or none: what is "
        "wrong with the file is told by line and column. What has been pinned keeps the card that it had. A worker "
        "does one import at a time, and another is `rate_limited`; a `conflict` is an import that came between."
    ),
    roles=(Role.OPERATOR,),
    query=(
        Query(
            name="currency",
            type=Currency,
            about="What the prices are in: the file does not say.",
            required=True,
        ),
    ),
    body=Body(type=str, about="The export, as CSV in UTF-8.", media_type="text/csv"),
    answers={200: Answer(type=Imported, about="The products are in the catalogue.")},
    errors=("too_large", "unauthorized", "token_expired", "forbidden", "conflict", *READ),
)
READ_PRODUCT = Operation(
    id="read_product",
    method="GET",
    path="/v1/products/{handle}",
    tag=Tag.CATALOGUE,
    summary="Read a product",
    about="One product with its variants. `stock` is what the merchant's export said; nothing is sold from it.",
    answers={200: Answer(type=Product, about="The product.")},
    errors=READ_ONE,
)
LIST_DROPS = Operation(
    id="list_drops",
    method="GET",
    path="/v1/shows/{show}/drops",
    tag=Tag.DROPS,
    summary="List a show's drops",
    about="All drops of the show, whatever their status, in the order of their ids, a page at a time.",
    query=(*PAGE, MIN_SEQ),
    answers={200: Answer(type=DropPage, about="One page of drops.")},
    errors=READ_OF_SHOW,
)
PIN = Operation(
    id="pin",
    method="POST",
    path="/v1/shows/{show}/drops",
    tag=Tag.DROPS,
    summary="Pin a product",
    about=(
        "Makes a drop of a product of the catalogue, with units of its own: every viewer gets `drop_opened`, or "
        "`drop_scheduled` when it opens later. Under one Idempotency-Key it is one drop, however often it is asked."
    ),
    roles=HOSTS,
    keyed=True,
    body=Body(type=Pin, about="The product, and the terms of the drop.", given=FROM_PATH_AND_HEADERS),
    answers={
        201: Answer(type=Pinned, about="The drop is pinned."),
        200: Answer(type=Pinned, about="It was pinned before under this key."),
    },
    errors=("too_large", *WRITE_ONE),
)
UPDATE = Operation(
    id="update",
    method="POST",
    path="/v1/shows/{show}/drops/{drop}/update",
    tag=Tag.DROPS,
    summary="Change an open drop",
    about="Tops up (relative), reprices, or changes the terms; at least one thing. Viewers get `drop_updated`.",
    roles=HOSTS,
    keyed=True,
    body=Body(type=Update, about="What changes.", given=FROM_PATH_AND_HEADERS),
    answers={200: Answer(type=Done, about="The drop is changed.")},
    errors=("too_large", *WRITE_ONE),
)
UNPIN = Operation(
    id="unpin",
    method="POST",
    path="/v1/shows/{show}/drops/{drop}/unpin",
    tag=Tag.DROPS,
    summary="Close a drop",
    about="No more can be reserved; viewers get `drop_closed`. Open holds may still be paid until their deadline.",
    roles=HOSTS,
    keyed=True,
    answers={200: Answer(type=Done, about="The drop is closed.")},
    errors=("too_large", *WRITE_ONE),
)
ALIVE = Operation(
    id="alive",
    method="GET",
    path="/healthz",
    tag=Tag.HEALTH,
    summary="Does the worker live?",
    about="For whatever restarts a worker that hangs. Asks nothing of the engine.",
    answers={200: Answer(type=Alive, about="It lives.")},
)
READY = Operation(
    id="ready",
    method="GET",
    path="/readyz",
    tag=Tag.HEALTH,
    summary="Can the worker serve?",
    about="For load balancers: whether the worker can reach the engine, and does not stop soon.",
    answers={
        200: Answer(type=Readiness, about="It can."),
        503: Answer(type=Readiness, about="The engine does not answer, or the server is about to stop."),
    },
)

OPERATIONS = (
    LIST_PRODUCTS,
    IMPORT_PRODUCTS,
    READ_PRODUCT,
    table_shows.LIST_SHOWS,
    table_shows.SCHEDULE_SHOW,
    table_shows.READ_SHOW,
    table_shows.START_SHOW,
    table_shows.END_SHOW,
    table_shows.READ_SNAPSHOT,
    table_shows.ANNOUNCE,
    table_shows.FREEZE,
    table_shows.THAW,
    table_shows.MUTE,
    table_shows.BAN,
    LIST_DROPS,
    PIN,
    UPDATE,
    UNPIN,
    ALIVE,
    READY,
)
"""All of them, in the order of the document."""
