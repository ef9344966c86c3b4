"""What the demo and its processes say to each other: configs to them, lines of progress from them.

The same structs stand in dropcast_loadtest's config.py and progress.py: neither package imports the other, and
a test holds the two against each other.
"""

import msgspec


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the creator does. `drop` is the creator's own name for a drop, given by its pin."""

    at_s: float
    """Counted from the start of the show."""
    act: str
    """announce, pin, top_up, reprice or unpin."""
    drop: str = ""
    product: str = ""
    units: dict[str, int] = {}
    prices: dict[str, int] = {}
    limit: int | None = None
    hold_ms: int | None = None
    text: str = ""


class CreatorConfig(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    show: str
    token: str
    steps: tuple[Step, ...]
    deadline_s: float


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    viewer: str
    token: str


class CrowdConfig(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    show: str
    tickets: tuple[Ticket, ...]
    seed: int
    show_s: float
    reaction_s: float
    hold_s: float
    deadline_s: float


class _Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class Ready(_Line, frozen=True, kw_only=True, tag="ready"):
    viewers: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a viewer was told of it."""

    order: str
    viewer: str
    drop: str
    sku: str
    qty: int
    amount_minor: int


class Progress(_Line, frozen=True, kw_only=True, tag="progress"):
    """What has happened since the last line."""

    counts: dict[str, int] = {}
    fanout_us: dict[int, int] = {}
    receipts: list[Receipt] = []
    unknown_holds: list[str] = []


class Stepped(_Line, frozen=True, kw_only=True, tag="stepped"):
    act: str
    drop: str = ""
    text: str = ""


class Trouble(_Line, frozen=True, kw_only=True, tag="trouble"):
    message: str


class Done(_Line, frozen=True, kw_only=True, tag="done"):
    pass


Line = Ready | Progress | Stepped | Trouble | Done
