"""A process of the load test tells what is wrong, and does not outlive whoever started it."""

import asyncio
import sys

import msgspec

from dropcast_loadtest.config import CrowdConfig, Ticket
from dropcast_loadtest.progress import Line, Trouble

_line = msgspec.json.Decoder(Line)


async def start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dropcast_loadtest.crowd",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


def crowd_config(url: str) -> bytes:
    ticket = Ticket(number=0, viewer="vera", token="x")
    config = CrowdConfig(
        url=url,
        show="friday",
        tickets=(ticket,),
        seed=1,
        show_s=5,
        reaction_s=0.1,
        hold_s=1,
        deadline_s=30,
    )
    return msgspec.json.encode(config) + b"\n"


async def test_a_config_that_is_none_is_told_and_ends_it() -> None:
    process = await start()
    out, _ = await process.communicate(b'{"url": 7}\n')
    trouble = _line.decode(out)
    assert isinstance(trouble, Trouble)
    assert "not a config" in trouble.message
    assert process.returncode == 1


async def test_the_end_of_its_input_ends_it() -> None:
    process = await start()
    # Nobody listens there: the viewer would go on trying for a minute.
    out, _ = await process.communicate(crowd_config("ws://127.0.0.1:1"))
    assert process.returncode == 1
    assert b'"done"' not in out
