"""Reads the golden frames of client_sdk/spec/golden for the contract tests."""

from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parents[2] / "client_sdk" / "spec" / "golden"


class Frame(msgspec.Struct, frozen=True):
    name: str
    direction: str
    json: str
    msgpack: str
    """In hexadecimal."""
    about: str

    @property
    def payloads(self) -> dict[str, bytes]:
        """The frame's payload by codec."""
        return {"json": self.json.encode(), "msgpack": bytes.fromhex(self.msgpack)}

    @property
    def type(self) -> str:
        content: dict[str, Any] = msgspec.json.decode(self.json)
        return str(content["type"])


class BadFrame(msgspec.Struct, frozen=True):
    """A payload that is no command, in one codec or in both, and the error that it earns."""

    name: str
    error: str
    re: int | None
    about: str
    json: str | None = None
    msgpack: str | None = None

    @property
    def payloads(self) -> dict[str, bytes]:
        payloads = {}
        if self.json is not None:
            payloads["json"] = self.json.encode()
        if self.msgpack is not None:
            payloads["msgpack"] = bytes.fromhex(self.msgpack)
        return payloads


COMMANDS = msgspec.json.decode((FOLDER / "commands.json").read_bytes(), type=list[Frame])
MESSAGES = msgspec.json.decode((FOLDER / "messages.json").read_bytes(), type=list[Frame])
BAD = msgspec.json.decode((FOLDER / "bad.json").read_bytes(), type=list[BadFrame])
