"""A member of a room that keeps what it is written: the double of a socket, for tests of the way out."""

from collections.abc import Callable
from typing import Any

import msgspec


class Recorder:
    """Has what hub.room.Member asks for. `codec_index` 0 is JSON, 1 is MessagePack."""

    def __init__(self, codec_index: int = 0) -> None:
        self.codec_index = codec_index
        self.is_open = True
        self.descriptor = -1
        self.buffers: list[bytes] = []
        self.write: Callable[[bytes], object] = self.buffers.append
        self.deliver: Callable[[bytes], object] = self.buffers.append

    @property
    def payloads(self) -> list[bytes]:
        """What the written frames carry, in order."""
        payloads, rest = [], b"".join(self.buffers)
        while rest:
            size, start = rest[1], 2
            if size == 126:
                size, start = int.from_bytes(rest[2:4]), 4
            elif size == 127:
                size, start = int.from_bytes(rest[2:10]), 10
            payloads.append(rest[start : start + size])
            rest = rest[start + size :]
        return payloads

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(payload) for payload in self.payloads]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def seqs(self) -> list[int]:
        """The numbers of the numbered events."""
        return [message["seq"] for message in self.messages if "at_ms" in message]
