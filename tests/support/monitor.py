"""What an engine is asked: every command that it carries out for a client, counted by name."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

_LINE = re.compile(rb'^\+?\S+ \[\d+ (\S+?)\S*\] "([^"]*)"(?: "([^"]*)")?')


@contextlib.asynccontextmanager
async def asked(socket_path: Path, about: str = "") -> AsyncIterator[Counter[str]]:
    """Count what is asked from now on, by name, and also by name and last argument, as in "HMGET ... offset".

    Engine functions are counted by their own names, without what they do inside. With `about`, only what names that.
    """
    reader, writer = await asyncio.open_unix_connection(socket_path)
    names: Counter[str] = Counter()

    async def count() -> None:
        while line := await reader.readline():
            found = _LINE.match(line)
            if found is None or found[1].startswith(b"lua") or about.encode() not in line:
                continue
            name = found[2].decode().upper()
            names[found[3].decode() if name.startswith("FCALL") else name] += 1
            last = line.rsplit(b'"', 2)[1].decode(errors="replace")
            names[f"{name} ... {last}"] += 1

    writer.write(b"MONITOR\r\n")
    await reader.readline()
    counting = asyncio.create_task(count())
    try:
        yield names
    finally:
        counting.cancel()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
