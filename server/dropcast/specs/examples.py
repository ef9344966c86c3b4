"""Examples of HTTP bodies, made of the structs that are sent and taken, by operation and status."""

from typing import Any

import msgspec

from dropcast.domain.catalogue import Product, Variant
from dropcast.domain.ports import Done
from dropcast.domain.show import Show, ShowStatus
from dropcast.edge.http.answers import (
    Alive,
    DropPage,
    Imported,
    Pinned,
    ProductPage,
    Readiness,
    ShowNow,
    ShowPage,
    Snapshot,
)
from dropcast.wire.messages import Card, CardVariant, DropView, ShowView, State

_NOON_MS = 1_767_225_600_000
_SCARF = Product(
    handle="merino-scarf",
    title="Merino scarf",
    currency="EUR",
    variants=(
        Variant(sku="SCARF-RED", title="Red", options={"Colour": "Red"}, price_minor=2900, stock=40),
        Variant(sku="SCARF-BLUE", title="Blue", options={"Colour": "Blue"}, price_minor=2900, stock=12),
    ),
    description="Soft.",
    vendor="Example & Co",
    kind="Scarves",
    tags=("wool",),
)
_SCHEDULED = Show(
    id="friday",
    title="Friday drops",
    creator="cleo",
    moderators=("mo",),
    currency="EUR",
    starts_at_ms=_NOON_MS,
)
_LIVE = msgspec.structs.replace(_SCHEDULED, status=ShowStatus.LIVE, started_at_ms=_NOON_MS + 200)
_DROP = DropView(
    drop="d9f86d081884c7d65",
    status="open",
    limit=2,
    hold_ms=60_000,
    opened_at_ms=_NOON_MS + 60_000,
    opens_at_ms=0,
    closes_at_ms=0,
    reveal_at_ms=0,
    prices={"SCARF-RED": 2900},
    stock={"SCARF-RED": 38},
    card=Card(
        product="merino-scarf",
        title="Merino scarf",
        currency="EUR",
        variants=(CardVariant(sku="SCARF-RED", title="Red"),),
        description="Soft.",
        vendor="Example & Co",
    ),
)
_STATE = State(
    show=ShowView(
        show="friday",
        title="Friday drops",
        creator="cleo",
        currency="EUR",
        status="live",
        frozen=False,
        starts_at_ms=_NOON_MS,
        started_at_ms=_NOON_MS + 200,
        ended_at_ms=0,
    ),
    drops=(_DROP,),
    viewers=1_234,
    offset=17,
)

_ANSWERS: dict[str, dict[int, msgspec.Struct]] = {
    "list_products": {200: ProductPage(items=[_SCARF], next=None)},
    "import_products": {
        200: Imported(
            products=1, warnings=["line 4, Variant SKU: it is empty, 'merino-scarf-green' is taken"]
        )
    },
    "read_product": {200: _SCARF},
    "list_shows": {200: ShowPage(items=[_LIVE], next=None)},
    "schedule_show": {201: _SCHEDULED},
    "read_show": {
        200: ShowNow(**msgspec.structs.asdict(_LIVE), epoch="c3ab8ff13720e8ad", seq=2, offset=17),
    },
    "start_show": {200: Done(seq=1, offset=0, again=False)},
    "end_show": {200: Done(seq=9, offset=311, again=False)},
    "read_snapshot": {
        200: Snapshot(epoch="c3ab8ff13720e8ad", seq=2, at_ms=_NOON_MS + 90_000, state=_STATE, offset=17),
    },
    "announce": {201: Done(seq=3, offset=17, again=False)},
    "freeze": {200: Done(seq=6, offset=18, again=False)},
    "thaw": {200: Done(seq=7, offset=18, again=False)},
    "mute": {200: Done(seq=7, offset=18, again=False)},
    "ban": {200: Done(seq=7, offset=18, again=False)},
    "list_drops": {200: DropPage(items=[_DROP], next=None, epoch="c3ab8ff13720e8ad", seq=2, offset=17)},
    "pin": {
        201: Pinned(drop="d9f86d081884c7d65", seq=2, again=False),
        200: Pinned(drop="d9f86d081884c7d65", seq=2, again=True),
    },
    "update": {200: Done(seq=4, offset=18, again=False)},
    "unpin": {200: Done(seq=5, offset=18, again=False)},
    "alive": {200: Alive(status="ok", version="0.1.0")},
    "ready": {
        200: Readiness(status="ready"),
        503: Readiness(status="not ready", reason="the engine cannot be reached"),
    },
}

BODIES: dict[str, Any] = {
    "import_products": "Handle,Title,Variant SKU,Variant Price\nmerino-scarf,Merino scarf,SCARF-RED,29.00\n",
    "schedule_show": {"id": "friday", "title": "Friday drops", "currency": "EUR", "moderators": ["mo"]},
    "announce": {"text": "Two minutes left", "data": {"confetti": True}},
    "mute": {"viewer": "rude"},
    "ban": {"viewer": "rude", "ban": True},
    "pin": {"product": "merino-scarf", "units": {"SCARF-RED": 40}, "limit": 2, "hold_ms": 60_000},
    "update": {"add_units": {"SCARF-RED": 10}, "prices": {"SCARF-RED": 2500}},
}
"""What an operation may be asked with, by its id."""


def answer(operation: str, status: int) -> Any:
    """Return what an operation may answer with a status."""
    return msgspec.json.decode(msgspec.json.encode(_ANSWERS[operation][status]))
