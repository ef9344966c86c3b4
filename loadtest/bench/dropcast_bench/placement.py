"""Which core who runs on: a server's busiest process has one of its own, all else shares the others with the generator.

With two cores the kernel's own choice decides more than what is measured: it likes to put whoever is woken on the core
of whoever woke it, an engine on its worker's, and leaves the other one idle. The rule is the same for every contender.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def placed(busiest: Sequence[int], others: Sequence[int] = ()) -> Iterator[None]:
    """Give `busiest` the first core and `others`, and this process, the rest, until left. One core is left as it is.

    Both are process ids. Afterwards this process may run anywhere again, and so what it starts then.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield
        return
    _put(busiest, {cores[0]})
    _put(others, set(cores[1:]))
    os.sched_setaffinity(0, set(cores[1:]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, set(cores))


def _put(pids: Sequence[int], cores: set[int]) -> None:
    for pid in pids:
        for task in Path("/proc", str(pid), "task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), cores)
