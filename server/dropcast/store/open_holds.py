"""How many holds are open over all shows, for the metrics: counted from outside, without reading a single one."""

from redis.asyncio import Redis

from dropcast.store.connection import ask, engine_faults
from dropcast.store.keys import Keys

_NOT_HOLDS = "[^h]:*"
"""Members of `due` that are no holds: restocks, openings, closings. They are few, so only they travel."""
_SCAN_COUNT = 1_000


async def open_holds(client: Redis, keys: Keys) -> int:
    """Return the number of open holds. Raises EngineFault."""
    names = [name.decode() for name in await ask(client, "ZRANGE", keys.shows, 0, -1)]
    due = [keys.of_show(name, "due") for name in names]
    with engine_faults():
        pipeline = client.pipeline(transaction=False)
        for key in due:
            pipeline.zcard(key)
        sizes = await pipeline.execute()
    total = sum(int(size) for size in sizes)
    for key, size in zip(due, sizes, strict=True):
        if size:
            total -= await _others(client, key)
    return max(0, total)


async def _others(client: Redis, key: str) -> int:
    found: set[bytes] = set()
    cursor = 0
    while True:
        cursor, some = await ask(client, "ZSCAN", key, cursor, "MATCH", _NOT_HOLDS, "COUNT", _SCAN_COUNT)
        found |= {member for member, _ in some}
        if int(cursor) == 0:
            return len(found)
