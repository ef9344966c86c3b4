"""`dropcast audit` beside a server that trades: it reads a show that moves under it, and raises no false alarm."""

import asyncio
import random
from pathlib import Path

import msgspec
from click.testing import CliRunner

from dropcast.cli import main
from dropcast.store.connection import ask, connect
from dropcast.store.embedded import running
from dropcast_client import Client, Held
from tests.support.house import House
from tests.support.keys import keys
from tests.support.server import SECRET, Server

AUDITS = 12
BUYERS = 40
HOLD_MS = 1_000
UNITS = 30


class Crowd:
    """Buyers who reserve, pay, give back or let go, and a creator who pins and tops up, until told to stop."""

    def __init__(self, house: House, show: str) -> None:
        self._house = house
        self._show = show
        self._drops: list[str] = []
        self.over = asyncio.Event()
        self.outcomes: dict[str, int] = {}

    async def host(self) -> None:
        async with self._house.client("cleo", "creator") as cleo:
            number = 0
            while not self.over.is_set():
                number += 1
                units = {"SCARF-RED": UNITS, "SCARF-BLUE": UNITS}
                done = await cleo.pin(show=self._show, product="scarf", units=units, hold_ms=HOLD_MS, limit=3)
                assert done.drop is not None
                self._drops.append(done.drop)
                await asyncio.sleep(0.1)
                await cleo.update(
                    show=self._show, drop=done.drop, add_units={"SCARF-RED": 5}, limit=2 + number % 3
                )
                if len(self._drops) > 3:
                    await cleo.unpin(show=self._show, drop=self._drops.pop(0))

    async def buy(self, number: int) -> None:
        chance = random.Random(number)
        async with self._house.client(f"buyer-{number}") as client:
            await client.subscribe(self._show).ready()
            while not self.over.is_set():
                if not self._drops:
                    await asyncio.sleep(0.01)
                    continue
                await self._one(client, chance)

    async def _one(self, client: Client, chance: random.Random) -> None:
        drop, sku = chance.choice(self._drops), chance.choice(("SCARF-RED", "SCARF-BLUE"))
        got = await client.reserve(show=self._show, drop=drop, sku=sku, qty=chance.choice((1, 1, 2)))
        told = type(got).__name__
        if isinstance(got, Held):
            # The rest is left to run out.
            match chance.randrange(4):
                case 0:
                    told = type(
                        await client.checkout(show=self._show, hold=got.hold, payment="tok_approve")
                    ).__name__
                case 1:
                    told = type(
                        await client.checkout(show=self._show, hold=got.hold, payment="tok_decline")
                    ).__name__
                case 2:
                    told = type(await client.release(show=self._show, hold=got.hold)).__name__
        self.outcomes[told] = self.outcomes.get(told, 0) + 1


def audit(data_dir: Path) -> tuple[int, dict[str, object]]:
    done = CliRunner().invoke(main, ["audit", "--json", "--data-dir", str(data_dir)])
    return done.exit_code, msgspec.json.decode(done.stdout)


async def tamper(data_dir: Path, show: str, drop: str) -> None:
    path = running(data_dir)
    client = connect(f"unix://{path}")
    await ask(client, "HINCRBY", keys.of_show(show, "units"), f"f:{drop}:SCARF-RED", 1)
    await client.aclose()


async def test_audits_under_load_find_nothing_and_still_find_what_is_wrong(tmp_path: Path) -> None:
    # Buyers here say more in a second than people do.
    server = Server(
        tmp_path, viewer_commands_per_s=100_000, viewer_reserves_per_s=100_000, host_commands_per_s=100_000
    )
    try:
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        show = await house.live_show()
        crowd = Crowd(house, show)
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.host())
            for number in range(BUYERS):
                group.create_task(crowd.buy(number))
            offsets = []
            for _ in range(AUDITS):
                status, found = await asyncio.to_thread(audit, tmp_path)
                assert (status, found["audit"]) == (0, "ok"), found
                offsets.append(found["shows"])
            crowd.over.set()
        # The books moved from one audit to the next: these were no audits of a show at rest.
        assert len({msgspec.json.encode(told) for told in offsets}) > AUDITS // 2
        assert crowd.outcomes.keys() >= {"Held", "Refused", "Sold", "Released"}
        drop = await house.drop(show, {"SCARF-RED": 1})
        await tamper(tmp_path, show, drop)
        status, found = await asyncio.to_thread(audit, tmp_path)
        assert status == 1
        assert found["audit"] != "ok"
    finally:
        assert server.stop() == 0, "".join(server.lines)
