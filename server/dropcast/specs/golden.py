"""Examples for the AsyncAPI document: the golden frames, which the server and every SDK are held to."""

from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path("client_sdk/spec/golden")


class _Frame(msgspec.Struct, frozen=True):
    name: str
    json: str
    about: str


def read(root: Path) -> dict[str, list[tuple[str, str, Any]]]:
    """Return name, sentence and content of each golden frame, by its type."""
    found: dict[str, list[tuple[str, str, Any]]] = {}
    for file in ("commands.json", "messages.json"):
        for frame in msgspec.json.decode((root / FOLDER / file).read_bytes(), type=list[_Frame]):
            content = msgspec.json.decode(frame.json)
            found.setdefault(content["type"], []).append((frame.name, frame.about, content))
    return found
