"""A chunked body whose chunks carry long extensions: megabytes that are read for a few bytes of content."""

import asyncio
import time

from dropcast.settings import Settings
from tests.proofs.attacks.attack import HEALTH, MIB, Attack, Slice, Tally, unless_refused
from tests.proofs.attacks.kinds import open_requesters
from tests.proofs.attacks.peer import Requester, connect

_CONNECTIONS = 5
_EXTENSION = b"1;" + b"x" * 65_536 + b"\r\na\r\n"
_PER_CONNECTION_S = 100
"""Chunks a second: 6.5 MB of each connection."""
_KERNEL_BYTES = 3 * MIB


async def _extend(part: Slice) -> None:
    if part.is_harmless:
        requesters = await open_requesters(part, _CONNECTIONS)
        part.begin()
        await part.pace(20, lambda number: requesters[number % _CONNECTIONS].write(HEALTH))
        return
    part.begin()
    ends_s = time.monotonic() + part.seconds
    await asyncio.gather(*(_send_body(part, ends_s) for _ in range(_CONNECTIONS)))


async def _send_body(part: Slice, ends_s: float) -> None:
    """Send chunk upon chunk; a server that ends the connection is connected to again, four times a second at most."""
    head = (
        "POST /v1/shows HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        f"authorization: Bearer {part.target.buyers[0][0]}\r\n\r\n"
    )
    while time.monotonic() < ends_s:
        sent = 0
        with unless_refused():
            requester = await connect(lambda: Requester(part.hear_status), part.target.port, part.address())
            part.opened(requester)
            requester.write(head.encode())
            while time.monotonic() < ends_s and not requester.is_lost and not requester.bytes_heard:
                if requester.transport.get_write_buffer_size() == 0:
                    requester.write(_EXTENSION)
                    sent += len(_EXTENSION)
                    part.tally.asked += 1
                await asyncio.sleep(1 / _PER_CONNECTION_S)
        part.tally.bytes_sent += sent
        part.tally.notes["bytes_of_one_request"] = max(
            part.tally.notes.get("bytes_of_one_request", 0), float(sent)
        )
        await asyncio.sleep(0.25)


def _check(tally: Tally, settings: Settings) -> list[str]:
    most = settings.body_overhead_bytes_max + _KERNEL_BYTES
    sent = tally.notes["bytes_of_one_request"]
    # What the kernels of both sides take for a connection counts as sent.
    return [f"{sent / MIB:.1f} MiB were read for a few bytes"] if sent > most else []


ATTACKS = (
    Attack(
        name="chunks",
        about="five connections send chunks of one byte with extensions of 64 KiB",
        run=_extend,
        asked_min=20,
        check=_check,
    ),
)
