"""How much memory there is, on a machine or in a container."""

import os
from pathlib import Path

import pytest

from dropcast.store.machine_memory import memory_bytes

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("limits", "found"),
    [((), MACHINE), (("max\n",), MACHINE), (("1048576\n",), 1_048_576), (("max\n", "2097152\n"), 2_097_152)],
)
def test_the_smallest_limit_counts(tmp_path: Path, limits: tuple[str, ...], found: int) -> None:
    paths = [tmp_path / "missing"]
    for number, text in enumerate(limits):
        paths.append(tmp_path / str(number))
        paths[-1].write_text(text)
    assert memory_bytes(paths) == found
