"""A process of its own that reads the file of an import, so that a large one does not keep a worker busy.

importing.py starts it by `python -m dropcast.edge.http.catalogue_process CURRENCY BYTES`: BYTES is how much memory it
may take. The file comes on standard input. On standard output go messages in MessagePack, each after its length in four
bytes: a ReadFile, and if the file was in order the products in slices of EncodedProduct.
"""

import contextlib
import gc
import os
import resource
import sys
from typing import Any

import msgspec

from dropcast.domain.catalogue import encoded_slices
from dropcast.domain.shopify import CatalogueError, parse

LENGTH_BYTES = 4
_WARNINGS_MAX = 1_000
_NICENESS = 19
"""Viewers come first: reading the file takes what time they leave."""


class ReadFile(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the file."""

    products: int = 0
    warnings: tuple[str, ...] = ()
    code: str = ""
    """An error code of the wire, when the file cannot be imported."""
    message: str = ""


def main(currency: str, memory_bytes: int) -> int:
    os.nice(_NICENESS)
    with contextlib.suppress(ValueError, OSError):  # where it cannot be limited
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    # It ends as soon as it is done: looking for garbage would only take time.
    gc.disable()
    try:
        parsed = parse(sys.stdin.buffer.read(), currency=currency)
        warnings = [str(warning) for warning in parsed.warnings[:_WARNINGS_MAX]]
        if len(parsed.warnings) > _WARNINGS_MAX:
            warnings.append(f"and {len(parsed.warnings) - _WARNINGS_MAX} more")
        _write(ReadFile(products=len(parsed.products), warnings=tuple(warnings)))
        for members in encoded_slices(parsed.products):
            _write(members)
    except CatalogueError as bad:
        _write(ReadFile(code=bad.code, message=bad.message))
    except MemoryError:
        _write(ReadFile(code="too_large", message=f"the file needs more than {memory_bytes} bytes of memory"))
    except BrokenPipeError:
        os._exit(1)  # the worker is gone, and with it the reason for all this
    return 0


def _write(message: Any) -> None:
    packed = msgspec.msgpack.encode(message)
    sys.stdout.buffer.write(len(packed).to_bytes(LENGTH_BYTES))
    sys.stdout.buffer.write(packed)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], int(sys.argv[2])))
    except MemoryError:
        os._exit(1)  # not even the reason had room: the worker tells of the status
