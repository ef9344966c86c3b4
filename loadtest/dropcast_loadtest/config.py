"""What a process of the load test is told: one struct as one line of JSON on its standard input."""

import msgspec


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One viewer's way in."""

    number: int
    """Counts over all processes: with the seed it decides how this viewer behaves."""
    viewer: str
    token: str


class CrowdConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the crowd."""

    url: str
    show: str
    tickets: tuple[Ticket, ...]
    seed: int
    show_s: float
    """How long the show is to go on."""
    reaction_s: float
    """The typical time between a card and a tap on it."""
    hold_s: float
    """How long a hold lasts in this show."""
    deadline_s: float
    """When to give up, counted from the start of the process."""


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
    """The creator and their run of show."""

    url: str
    show: str
    token: str
    steps: tuple[Step, ...]
    deadline_s: float
