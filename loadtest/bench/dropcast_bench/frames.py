"""A load generator's half of a websocket, as bytes: the handshake request, masked frames, and where frames end. Pure.

Frames are masked with zeros, which is a mask like any other to a server, and costs us nothing.
"""

from collections.abc import Iterator

_KEY = "ZHJvcGNhc3QgYmVuY2hlcw=="
"""Any 16 bytes in base64."""
TEXT = 0x81
BINARY = 0x82
PING = 0x89
_PONG = 0x8A
_NO_MASK = b"\0\0\0\0"
HEAD_END = b"\r\n\r\n"


def handshake(path: str, port: int, subprotocol: str = "") -> bytes:
    """Return the request that asks for a websocket at `path`."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {_KEY}",
        "Sec-WebSocket-Version: 13",
    ]
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return "\r\n".join(lines).encode() + HEAD_END


def frame(payload: bytes, head: int = TEXT) -> bytes:
    """Return one whole frame of a client."""
    size = len(payload)
    if size < 126:
        return bytes((head, 0x80 | size)) + _NO_MASK + payload
    return bytes((head, 0x80 | 126)) + size.to_bytes(2, "big") + _NO_MASK + payload


def pong(payload: bytes) -> bytes:
    """Return the answer to a ping."""
    return frame(payload, _PONG)


def walk(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Go through the whole frames of a server that `data` begins with: first byte, start and end of each payload."""
    have = len(data)
    at = 0
    while have >= at + 2:
        size, start = data[at + 1], at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(data[start : start + width], "big"), start + width
        if start + size > have:
            return
        yield data[at], start, start + size
        at = start + size


def payloads(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the payloads of the whole frames of a server that `data` begins with, and the bytes that are left."""
    found = []
    at = 0
    for _, start, at in walk(data):
        found.append(data[start:at])
    return found, data[at:]


def scan(data: bytes) -> tuple[bytes, int]:
    """Return the answers to all pings among the whole frames that `data` begins with, and where those frames end."""
    answers = b""
    at = 0
    for head, start, at in walk(data):
        if head == PING:
            answers += pong(data[start:at])
    return answers, at
