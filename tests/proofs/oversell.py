"""No unit is in two hands: a crowd buys out a drop while parts of the server are killed.

Workers and the engine die under it, and the lines of some viewers lose what the server answers. Viewers reserve, say
a key again, release and pay; some of what is released is bought by others, so that stock moves as long as the proof
lasts. In the end whatever is free is bought until nothing is left.
"""

import asyncio
import random
from contextlib import AsyncExitStack

from dropcast_client import Client
from tests.history.checker import check
from tests.history.history import Holding, Refused
from tests.history.recording import Recorder
from tests.proofs.proof import Verdict
from tests.proofs.stage import Stage, a_server, folder
from tests.support.proxy import Proxy

SEEDS = 20
UNITS = {"SCARF-RED": 200, "SCARF-BLUE": 100}
LIMIT = 2
WORKER_KILLS = 5
ENGINE_KILLS = 2
VIEWERS = 500
BAD_LINES = 10
PAUSE_S = 0.4
"""A viewer's longest pause between two requests; it makes the crowd outlast the faults."""


class Buyer:
    """One viewer who cannot make up their mind."""

    def __init__(self, number: int, seed: int, client: Client, recorder: Recorder, drop: str) -> None:
        self.viewer = f"buyer-{number}"
        self.keys: dict[str, tuple[str, int]] = {}
        """SKU and quantity of each key that was used."""
        self.open: set[str] = set()
        self._chance = random.Random(f"{seed}/{number}")
        self._client = client
        self._recorder = recorder
        self._drop = drop

    async def trade(self, reserves: int) -> None:
        for number in range(reserves):
            await asyncio.sleep(self._chance.random() * PAUSE_S)
            await self.reserve(f"key-{number}")
            roll = self._chance.random()
            if self.open and roll < 0.5:
                hold = self._chance.choice(sorted(self.open))
                self.open.discard(hold)
                if roll < 0.47:
                    await self._recorder.release(self._client, self.viewer, hold)
                else:
                    await self._recorder.checkout(self._client, self.viewer, hold)

    async def reserve(self, key: str) -> None:
        """Reserve under a new key, or now and then under one that was used before."""
        if self.keys and self._chance.random() < 0.2:
            key = self._chance.choice(sorted(self.keys))
        sku, qty = self.keys.get(key) or (self._chance.choice(sorted(UNITS)), self._chance.randint(1, LIMIT))
        await self._ask(key, sku, qty)

    async def take_one(self, key: str, sku: str) -> bool:
        """Try to get one more unit. Return whether it was had."""
        return await self._ask(key, sku, 1)

    async def _ask(self, key: str, sku: str, qty: int) -> bool:
        self.keys[key] = (sku, qty)
        answer = await self._recorder.reserve(
            self._client, self.viewer, key=key, drop=self._drop, sku=sku, qty=qty
        )
        held = isinstance(answer, Holding) and answer.state == "held"
        if held and isinstance(answer, Holding):
            self.open.add(answer.hold)
        return held


async def prove(seed: int, *, full: bool) -> Verdict:
    reserves = 10_000 if full else 3_000
    async with folder() as data_dir, a_server(data_dir, workers=2, hold_ms=3_600_000) as stage:
        show = await stage.house.live_show()
        drop = await stage.house.drop(show, UNITS, limit=LIMIT)
        recorder = Recorder(show)
        async with AsyncExitStack() as stack:
            lines = [
                await stack.enter_async_context(Proxy(stage.running.port, delay_s=0.02, seed=seed))
                for _ in range(BAD_LINES)
            ]
            buyers = []
            for number in range(VIEWERS):
                # One buyer in ten shares a line that loses replies.
                line = lines[number // 10 % BAD_LINES] if number % 10 == 0 else None
                client = stage.house.client(
                    f"buyer-{number}",
                    url=f"ws://127.0.0.1:{line.port}" if line else stage.house.url,
                    codec="msgpack" if number % 2 else "json",
                )
                await stack.enter_async_context(client)
                buyers.append(Buyer(number, seed, client, recorder, drop))
            losing = asyncio.create_task(_lose_replies(lines, random.Random(f"{seed}/lines")))
            kills = await _trade_under_faults(stage, recorder, buyers, reserves, seed)
            await _buy_the_rest(stage, show, buyers)
            losing.cancel()
            await asyncio.wait([losing])
        truth = await stage.truth(show)
    problems = check(recorder.ops, truth)
    held = sum(units.held for units in truth.snapshot.units)
    sold = sum(units.sold for units in truth.snapshot.units)
    if held + sold != sum(UNITS.values()):
        problems.append(f"{held} units are held and {sold} sold of {sum(UNITS.values())}")
    if kills != [ENGINE_KILLS, WORKER_KILLS]:
        problems.append(f"the engine and the workers were killed {kills} times")
    answers = [op.answer for op in recorder.ops if op.kind == "reserve"]
    figures = {
        "viewers": VIEWERS,
        "reserves": len(answers),
        "requests": len(recorder.ops),
        "held": held,
        "sold": sold,
        "oversold": max(0, held + sold - sum(UNITS.values())),
        "granted": sum(isinstance(answer, Holding) for answer in answers),
        "refused": sum(isinstance(answer, Refused) for answer in answers),
        "unknown": sum(type(op.answer).__name__ == "Unknown" for op in recorder.ops),
        "engine_kills": kills[0],
        "worker_kills": kills[1],
        "lines_cut": sum(line.accepted for line in lines) - VIEWERS // 10,
        "journal": truth.snapshot.offset,
    }
    return Verdict(figures=figures, problems=problems)


async def _trade_under_faults(
    stage: Stage, recorder: Recorder, buyers: list[Buyer], reserves: int, seed: int
) -> list[int]:
    """Let everybody trade, and kill in between. Return how often the engine and workers were killed."""
    chance = random.Random(f"{seed}/kills")
    victims = ["engine"] * ENGINE_KILLS + [chance.choice(("w0", "w1")) for _ in range(WORKER_KILLS)]
    chance.shuffle(victims)
    each = -(-reserves // len(buyers))
    trading = asyncio.gather(*(buyer.trade(each) for buyer in buyers))
    killed = [0, 0]
    for number, victim in enumerate(victims):
        due = reserves * (number + 1) // (len(victims) + 2)
        await recorder.reach(due, trading)
        await stage.kill(victim)
        killed[victim != "engine"] += 1
    await trading
    return killed


async def _lose_replies(lines: list[Proxy], chance: random.Random) -> None:
    """Lose what the server says to the buyers of one line after another."""
    while True:
        await chance.choice(lines).lose(chance.random() * 0.1)


async def _buy_the_rest(stage: Stage, show: str, buyers: list[Buyer]) -> None:
    """Buy whatever is free, unit by unit, until nothing is."""
    for round_ in range(10):
        units = (await stage.truth(show)).snapshot.units
        wanted = [sku.sku for sku in units for _ in range(sku.free)]
        if not wanted:
            return
        asking = [
            buyer.take_one(f"last-{round_}-{number}", sku)
            for number, sku in enumerate(wanted)
            for buyer in (buyers[(number + round_ * 97) % len(buyers)],)
        ]
        await asyncio.gather(*asking)
