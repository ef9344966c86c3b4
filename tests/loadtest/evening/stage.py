"""What several tests of the evening need: a granted hold, and a place where requests of Locust's are kept."""

from dropcast_client import Held
from dropcast_loadtest.evening.entries import Entry

HELD = Held(
    re=1,
    show="friday",
    hold="h1",
    drop="d1",
    sku="MUG",
    qty=1,
    state="held",
    expires_at_ms=1,
    amount_minor=1,
    offset=1,
)


class Requests:
    """Keeps what would be Locust's requests."""

    def __init__(self) -> None:
        self.fired: list[tuple[Entry, float | None, Exception | None]] = []

    def __call__(self, entry: Entry, duration_ms: float | None, fault: Exception | None) -> None:
        self.fired.append((entry, duration_ms, fault))
