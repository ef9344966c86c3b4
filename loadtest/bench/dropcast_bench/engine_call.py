"""The single-request form of a reserve: one FCALL of `dropcast_trade` that carries one trade.

The floor sends it over raw connections, the usual way by redis-py. The names are the engine functions' own, written
here once more because a bench does not import the server; a test holds them equal.
"""

import msgspec

FUNCTION = "dropcast_trade"
SHOW_KEYS = (
    "meta",
    "drops",
    "units",
    "holds",
    "due",
    "buyers",
    "orders",
    "events",
    "journal",
    "viewers",
    "done",
    "live",
    "moderated",
)
HOLDS_MAX = 2**31


def keys(show: str) -> list[str]:
    return [f"dropcast:{{{show}}}:{name}" for name in SHOW_KEYS]


def trade(hold: str, viewer: str, drop: str, sku: str) -> bytes:
    """Return a batch of one reserve of one unit, packed."""
    return msgspec.msgpack.encode([["reserve", hold, viewer, drop, sku, 1]])


def command(show: str, packed: bytes) -> bytes:
    """Return the FCALL as the engine reads it from a connection (RESP)."""
    names = keys(show)
    parts: list[bytes] = [b"FCALL", FUNCTION.encode(), str(len(names)).encode()]
    parts += [name.encode() for name in names] + [packed, str(HOLDS_MAX).encode()]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
