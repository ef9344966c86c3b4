"""A part of a proof in a process of its own: lines in on its standard input, a line out for each on its output."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.proofs.stage import DEADLINE_S

_LINE_BYTES_MAX = 2**26


async def lines_in() -> AsyncIterator[bytes]:
    """Iterate over the lines of this process' standard input, to its end."""
    reader = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line


def say_line(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


class Child:
    """Such a process from the outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def ask(self, line: bytes, *, deadline_s: float = 5 * DEADLINE_S) -> bytes:
        """Say a line; return the one that comes back. Raises EOFError when the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + b"\n")
        await self._process.stdin.drain()
        async with asyncio.timeout(deadline_s):
            answer = await self._process.stdout.readline()
        if not answer:
            raise EOFError("a process of the proof has ended")
        return answer.removesuffix(b"\n")


@asynccontextmanager
async def a_child(module: str) -> AsyncIterator[Child]:
    """A process that runs `module`; it ends when its standard input does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES_MAX,
    )
    try:
        yield Child(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(DEADLINE_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
