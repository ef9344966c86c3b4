"""The listening sockets of a worker: inherited, bounded, and left behind so that nobody who connected is cut off.

The supervisor has copies of them and gives them to the worker's successor. While nobody accepts from one the kernel
would go on sending it its share of the port's connections, so a worker that stops takes it out of the port; the
successor puts it back by listening again. After a crash it is still in the port: what connects meanwhile waits for the
successor.
"""

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Callable, Sequence

from dropcast.settings import Settings

_LAST_ACCEPTS_S = 0.25
"""How long handshakes that were under way get to end and be accepted."""

_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
# Berkeley packet filter: load the flags of the TCP header; a SYN is dropped, everything else passes.
_DROP_SYNS = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def inherit(descriptor: int, settings: Settings) -> socket.socket:
    """Return the listening socket; what is set here holds for every connection that it accepts."""
    listener = socket.socket(fileno=descriptor)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer_bytes)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, settings.unacked_ms)
        with contextlib.suppress(OSError):  # there is none, unless a predecessor stopped
            listener.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
    return listener


async def retire(listeners: Sequence[socket.socket], close: Callable[[], None]) -> None:
    """Stop accepting. Whoever has connected by now is still accepted; `close` ends the accepting and `listeners`."""
    kept = [listener.dup() for listener in listeners]
    for each in kept:
        with contextlib.suppress(
            OSError
        ):  # without a filter a handshake in the last millisecond may be reset
            _drop_syns(each)
    await asyncio.sleep(_LAST_ACCEPTS_S)
    close()
    for each in kept:
        with each, contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RD)


def _drop_syns(listener: socket.socket) -> None:
    """Make the kernel overlook new connects: the client's own asks again a second later, and is then refused."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in _DROP_SYNS))
    listener.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_DROP_SYNS), ctypes.addressof(program))
    )
