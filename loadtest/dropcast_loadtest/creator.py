"""The creator: `python -m dropcast_loadtest.creator`, a CreatorConfig on standard input.

Watches the show, and from the moment it starts carries out the run of show through the SDK, step by step.
"""

import asyncio
from contextlib import suppress

from dropcast_client import CallError, Client, Done, ShowEnded, ShowStarted, Subscription
from dropcast_loadtest.config import CreatorConfig, Step
from dropcast_loadtest.process import main
from dropcast_loadtest.progress import Ready, Reporter, Stepped


async def host(config: CreatorConfig, reporter: Reporter) -> None:
    """Host the show to the end of the run of show, or to its own end when that comes first."""
    over = asyncio.Event()
    async with Client(config.url, token=config.token) as client, client.subscribe(config.show) as show:
        await show.ready()
        reporter.tell(Ready(viewers=1))
        await _until(show, (ShowStarted, ShowEnded))
        hosting = asyncio.create_task(_carry_out(client, config, reporter, over))
        ended = asyncio.create_task(_until(show, (ShowEnded,)))
        try:
            await asyncio.wait((hosting, ended), return_when=asyncio.FIRST_COMPLETED)
            over.set()
            await hosting
        finally:
            hosting.cancel()
            ended.cancel()
            await asyncio.wait((hosting, ended))


async def _until(show: Subscription, kinds: tuple[type, ...]) -> None:
    async for event in show:
        if isinstance(event, kinds):
            return


async def _carry_out(client: Client, config: CreatorConfig, reporter: Reporter, over: asyncio.Event) -> None:
    """Say the steps at their times. What is under way when the show ends is waited for, not cut off."""
    loop = asyncio.get_running_loop()
    began_at_s = loop.time()
    drops: dict[str, str] = {}
    for number, step in enumerate(config.steps):
        with suppress(TimeoutError):
            async with asyncio.timeout_at(began_at_s + step.at_s):
                await over.wait()
        if over.is_set():
            return
        try:
            done = await _say(client, config.show, step, drops.get(step.drop, ""), f"step-{number}")
        except CallError:
            if over.is_set():
                return  # the show's end came first
            raise
        if step.act == "pin":
            drops[step.drop] = done.drop
        reporter.tell(Stepped(act=step.act, drop=drops.get(step.drop, ""), text=step.text))


async def _say(client: Client, show: str, step: Step, drop: str, key: str) -> Done:
    match step.act:
        case "pin":
            return await client.pin(
                show=show,
                product=step.product,
                units=step.units,
                prices=step.prices,
                limit=step.limit,
                hold_ms=step.hold_ms,
                key=key,
            )
        case "top_up":
            return await client.update(show=show, drop=drop, add_units=step.units, key=key)
        case "reprice":
            return await client.update(show=show, drop=drop, prices=step.prices, key=key)
        case "unpin":
            return await client.unpin(show=show, drop=drop, key=key)
        case "announce":
            return await client.announce(show=show, text=step.text, key=key)
        case other:
            raise ValueError(f"the run of show has no act {other!r}")


if __name__ == "__main__":
    main(CreatorConfig, host, lambda config: config.deadline_s)
