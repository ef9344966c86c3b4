"""The import of a catalogue over HTTP: a process of its own reads the file, its products go to the engine in slices.

`POST /v1/products` (products.py) calls it. Bytes go to the process (catalogue_process.py) and come back as encoded
products, so that a worker's loop never holds more than a slice of them, and never works for longer than on one.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

import msgspec

from dropcast.domain.catalogue import EncodedProduct
from dropcast.domain.faults import Fault
from dropcast.domain.ports import ProductStore
from dropcast.edge.http.catalogue_process import LENGTH_BYTES, ReadFile
from dropcast.edge.http.exchange import HttpFault
from dropcast.metrics import counts
from dropcast.settings import Settings

T = TypeVar("T")


class Importing:
    """The imports of one worker."""

    def __init__(self, settings: Settings, products: ProductStore) -> None:
        self._settings = settings
        self._products = products
        self._under_way = 0

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """One import, from before its file comes to its end. Raises rate_limited when there are too many."""
        if self._under_way >= self._settings.imports_max:
            counts.limited["imports_max"] += 1
            raise HttpFault("rate_limited", "another import is under way in this worker; try again later")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def run(self, raw: bytes, currency: str) -> ReadFile:
        """Import the file `raw`, all of it or nothing. Raises HttpFault, and the faults of ProductStore."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(["-P"] if sys.flags.safe_path else []),
            "-m",
            "dropcast.edge.http.catalogue_process",
            currency,
            str(self._settings.import_memory_bytes_max),
            stdin=PIPE,
            stdout=PIPE,
        )
        try:
            found = await self._read_file(process, raw)
            if found.code:
                raise HttpFault(found.code, found.message)
            await self._products.put_encoded(_slices(process, found.products))
            return found
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _read_file(self, process: Process, raw: bytes) -> ReadFile:
        try:
            async with asyncio.timeout(self._settings.import_deadline_ms / 1000):
                await _send(process, raw)
                found = await _message(process, ReadFile)
        except TimeoutError as error:
            counts.limited["import_deadline_ms"] += 1
            limit_ms = self._settings.import_deadline_ms
            raise HttpFault(
                "too_large", f"the file took longer than {limit_ms} ms to read: split it"
            ) from error
        except asyncio.IncompleteReadError as error:
            raise Fault(
                f"the process that reads the file ended with status {await process.wait()}"
            ) from error
        if found.code == "too_large":
            counts.limited["import_memory_bytes_max"] += 1
        return found


async def _send(process: Process, raw: bytes) -> None:
    assert process.stdin is not None
    # A process that has ended already says why by its status.
    with contextlib.suppress(ConnectionError):
        process.stdin.write(raw)
        await process.stdin.drain()
        process.stdin.close()


async def _message(process: Process, kind: type[T]) -> T:
    """Return the next message of the process. Raises IncompleteReadError when it has ended."""
    assert process.stdout is not None
    length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES))
    return msgspec.msgpack.decode(await process.stdout.readexactly(length), type=kind)


async def _slices(process: Process, products: int) -> AsyncIterator[Sequence[EncodedProduct]]:
    """Yield what the process sends, until there were as many `products` as it has announced."""
    while products > 0:
        try:
            members = await _message(process, list[EncodedProduct])
        except asyncio.IncompleteReadError as error:
            raise Fault(
                f"the process that reads the file ended with status {await process.wait()}"
            ) from error
        yield members
        products -= len(members)
