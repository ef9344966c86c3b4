"""Prebuilt websocket frames: a server's frames are not masked, so one buffer serves every socket (RFC 6455, 5.2)."""

import struct

_TEXT = 0x81
_BINARY = 0x82
_CLOSE = 0x88
_PING = 0x89


def message_frame(payload: bytes, text: bool) -> bytes:
    """Return one whole text or binary frame around `payload`."""
    return _frame(_TEXT if text else _BINARY, payload)


def close_frame(code: int, reason: str) -> bytes:
    """Return a close frame; the reason is cut to the 123 bytes that fit, at a character's border."""
    return _frame(_CLOSE, struct.pack("!H", code) + reason.encode()[:123].decode(errors="ignore").encode())


def ping_frame() -> bytes:
    """Return a ping frame with nothing in it."""
    return _frame(_PING, b"")


def _frame(head: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", head, 126, size) + payload
    return struct.pack("!BBQ", head, 127, size) + payload
