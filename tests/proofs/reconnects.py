"""A thousand connections are cut at random, and no viewer has a gap or a duplicate in the show's history.

The creator goes on talking while viewers' lines are cut, workers are killed and the engine is killed and started
again. In the end every viewer has the same words under the same numbers, or was told to begin anew by a whole state.
"""

import asyncio
import itertools
import random
from contextlib import AsyncExitStack, suppress

from dropcast.domain.events import Announcement
from dropcast_client import Client, DropcastError
from tests.history.checker import Truth
from tests.history.following import Seen
from tests.proofs.proof import Verdict
from tests.proofs.stage import DEADLINE_S, Stage, a_server, folder
from tests.support.proxy import Proxy
from tests.support.wait import wait_until

VIEWERS = 50
WORKERS = 3
CUTS_AT_ONCE = 5


class Crowd:
    """Viewers, each behind a line of their own."""

    def __init__(self) -> None:
        self.proxies: list[Proxy] = []
        self.seen: list[Seen] = []
        self.cuts = 0

    async def enter(self, stage: Stage, show: str, stack: AsyncExitStack) -> None:
        for number in range(VIEWERS):
            proxy = await stack.enter_async_context(Proxy(stage.running.port))
            client = stage.house.client(
                f"viewer-{number}",
                url=f"ws://127.0.0.1:{proxy.port}",
                codec="json" if number % 2 else "msgpack",
            )
            await stack.enter_async_context(client)
            seen = Seen(viewer=f"viewer-{number}", keep_words=True)
            await client.subscribe(show, seen.on_event).ready()
            self.proxies.append(proxy)
            self.seen.append(seen)

    async def cut(self, count: int, chance: random.Random) -> None:
        """Cut `count` living connections, a few at a time, and let some of them come back in between."""
        goal = self.cuts + count
        while self.cuts < goal:
            for proxy in chance.sample(self.proxies, CUTS_AT_ONCE):
                self.cuts += self.cuts < goal and proxy.cut() > 0
            await asyncio.sleep(chance.random() * 0.02)


class Creator:
    """Talks without a pause until told to stop."""

    def __init__(self, client: Client, show: str) -> None:
        self._client = client
        self._show = show
        self.stopping = False

    async def talk(self) -> None:
        for number in itertools.count():
            if self.stopping:
                return
            await self._say(f"word {number}")
            await asyncio.sleep(0.01)

    async def _say(self, text: str) -> None:
        while True:
            try:
                await self._client.announce(show=self._show, text=text, key=text)
                return
            except DropcastError:
                await asyncio.sleep(0.05)


async def prove(seed: int, *, full: bool) -> Verdict:
    cuts = 1_000 if full else 300
    chance = random.Random(seed)
    crowd = Crowd()
    async with (
        folder() as data_dir,
        a_server(data_dir, workers=WORKERS) as stage,
        AsyncExitStack() as stack,
    ):
        show = await stage.house.live_show()
        await crowd.enter(stage, show, stack)
        creator = Creator(await stack.enter_async_context(stage.house.client("cleo", "creator")), show)
        talking = asyncio.create_task(creator.talk())
        victims = ["w0", "engine", f"w{chance.randrange(WORKERS)}"]
        for number, victim in enumerate([*victims, ""]):
            await crowd.cut(cuts * (number + 1) // 4 - crowd.cuts, chance)
            if victim:
                await asyncio.gather(stage.kill(victim), crowd.cut(CUTS_AT_ONCE, chance))
        creator.stopping = True
        await talking
        truth = await stage.truth(show)
        top = truth.snapshot.seq
        # Whoever does not get there says so in their account.
        with suppress(AssertionError):
            await wait_until(lambda: all(seen.last >= top for seen in crowd.seen), timeout_s=DEADLINE_S)
    problems = [problem for seen in crowd.seen for problem in seen.problems(top)]
    problems += _wrong_words(truth, crowd.seen)
    if crowd.cuts < cuts:
        problems.append(f"{crowd.cuts} connections were cut, not {cuts}")
    figures = {
        "viewers": VIEWERS,
        "cuts": crowd.cuts,
        "connections": sum(proxy.accepted for proxy in crowd.proxies),
        "worker_kills": 2,
        "engine_kills": 1,
        "events": top,
        "deliveries": sum(seen.events for seen in crowd.seen),
        "gaps": sum(seen.gaps for seen in crowd.seen),
        "duplicates": sum(seen.duplicates for seen in crowd.seen),
        "recoveries": sum(seen.recoveries for seen in crowd.seen),
        "whole_states": sum(seen.whole_states for seen in crowd.seen),
    }
    return Verdict(figures=figures, problems=problems)


def _wrong_words(truth: Truth, accounts: list[Seen]) -> list[str]:
    """Everybody heard what the engine's log has, and what was said once is there once."""
    words = {event.seq: event.text for event in truth.events if isinstance(event, Announcement)}
    problems = [] if len(set(words.values())) == len(words) else ["something was said twice"]
    for seen in accounts:
        if seen.epoch != truth.snapshot.epoch:
            problems.append(f"{seen.viewer} is in epoch {seen.epoch}, the show in {truth.snapshot.epoch}")
        wrong = [seq for seq, text in seen.words.items() if words.get(seq) != text]
        if wrong:
            problems.append(f"{seen.viewer} heard other words under the numbers {wrong[:5]}")
    return problems
