"""How many shows have frozen sales, by reason, for the metrics: read from outside, also while no worker runs."""

from redis.asyncio import Redis

from dropcast.domain.show import Frozen, ShowStatus
from dropcast.store.connection import ask, engine_faults
from dropcast.store.keys import Keys

_PAGE = 1_000


async def frozen_shows(client: Redis, keys: Keys) -> dict[str, int]:
    """Return a number for every reason, 0 for none. Shows that have ended do not count. Raises EngineFault."""
    found = {reason.value: 0 for reason in Frozen if reason}
    after = ""
    while True:
        low = f"({after}" if after else "-"
        page = await ask(client, "ZRANGE", keys.shows, low, "+", "BYLEX", "LIMIT", 0, _PAGE)
        shows = [raw.decode() for raw in page]
        if not shows:
            return found
        with engine_faults():
            pipeline = client.pipeline(transaction=False)
            for show in shows:
                pipeline.hmget(keys.of_show(show, "meta"), ("status", "frozen"))
            for status, reason in await pipeline.execute():
                if reason and status != ShowStatus.ENDED.value.encode():
                    found[reason.decode()] = found.get(reason.decode(), 0) + 1
        after = shows[-1]
