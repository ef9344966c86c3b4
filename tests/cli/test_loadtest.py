"""`dropcast loadtest` from the outside: whole evenings, in one process and in several, and evenings that must fail."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dropcast.store.connection import ask, connect
from dropcast.store.embedded import running
from dropcast_loadtest.evening.plan import plan
from tests.support.commands import ignoring
from tests.support.keys import keys
from tests.support.server import SECRET, Server

TINY = ("--users", "20", "--seconds", "4", "--json")


async def rehearse(
    *arguments: str, tmp_path: Path, environ: dict[str, str] | None = None, prefix: Sequence[str] = ()
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        "dropcast",
        "loadtest",
        *arguments,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path), **(environ or {})},
    )


def only_line(out: bytes) -> dict[str, Any]:
    lines = out.decode().splitlines()
    assert len(lines) == 1, lines
    summary: dict[str, Any] = json.loads(lines[0])
    return summary


async def tamper(data_dir: Path, show: str) -> None:
    """Give a unit that nobody has allocated."""
    client = connect(f"unix://{running(data_dir)}")
    try:
        fields = await ask(client, "HKEYS", keys.of_show(show, "units"))
        free = next(field for field in sorted(fields) if field.startswith(b"f:"))
        await ask(client, "HINCRBY", keys.of_show(show, "units"), free, 1)
    finally:
        await client.aclose()


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_an_evening_is_played_and_its_books_agree(processes: str, tmp_path: Path) -> None:
    process = await rehearse(*TINY, "--processes", processes, tmp_path=tmp_path)
    out, err = await process.communicate()
    told = err.decode()
    assert process.returncode == 0, told
    summary = only_line(out)
    assert summary["audit"] == "ok"
    assert summary["failures"] == []
    assert 8 <= summary["users"] <= 20
    assert summary["join"]["count"] >= summary["users"] - 2
    assert summary["steps"] == len(plan("small", users=20, seconds=4.0).steps), "there is one creator"
    assert summary["held"] > 0
    assert summary["refused_by_reason"]["sold out"] > 0
    assert summary["scalper_held"] > 0
    assert summary["orders"] > 0
    assert summary["oversold"] == 0
    assert summary["fan_out"]["count"] > 20
    assert 0 < summary["fan_out"]["p50_ms"] <= summary["fan_out"]["p99_ms"]
    assert len(re.findall(r"users  pin ", told)) == 3
    assert "audit ok" in told
    report = (tmp_path / "loadtest-report.html").read_text()
    for name in ("reserve held", "reserve refused: sold out", "run of show: pin", "books"):
        assert name in report
    left = await asyncio.to_thread(lambda: sorted(path.name for path in tmp_path.glob("*loadtest*")))
    assert left == ["loadtest-report.html"]


async def test_books_that_were_tampered_with_fail_an_evening_on_a_running_server(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    server = await asyncio.to_thread(Server, data_dir, workers=1)
    try:
        process = await rehearse(
            *TINY,
            "--url",
            f"ws://127.0.0.1:{server.port}",
            tmp_path=tmp_path,
            environ={"DROPCAST_JWT_SECRET": SECRET, "DROPCAST_REDIS_URL": f"unix://{running(data_dir)}"},
        )
        assert process.stderr is not None
        told = b""
        while b"users  pin " not in told:
            line = await process.stderr.readline()
            assert line, told.decode()
            told += line
        show = re.search(rb"show (rehearsal-\w+)", told)
        assert show is not None
        await tamper(data_dir, show[1].decode())
        out, err = await process.communicate()
    finally:
        assert await asyncio.to_thread(server.stop) == 0
    assert process.returncode == 1, (told + err).decode()
    summary = only_line(out)
    assert summary["audit"] != "ok"
    assert summary["failures"]
    assert "the rehearsal failed" in err.decode()
    assert "books" in (tmp_path / "loadtest-report.html").read_text()


async def test_a_server_whose_books_cannot_be_reached_is_not_rehearsed_on(tmp_path: Path) -> None:
    process = await rehearse(
        *TINY,
        "--url",
        "ws://127.0.0.1:1",
        tmp_path=tmp_path,
        environ={"DROPCAST_JWT_SECRET": SECRET},
    )
    out, err = await process.communicate()
    assert process.returncode == 1
    assert out == b""
    assert "give --data-dir or DROPCAST_REDIS_URL, or --no-audit" in err.decode()


async def test_a_background_job_ends_in_order_by_sigterm(tmp_path: Path) -> None:
    prefix = ignoring(signal.SIGINT)
    process = await rehearse("--users", "20", "--seconds", "600", "--json", tmp_path=tmp_path, prefix=prefix)
    assert process.stderr is not None
    told = b""
    try:
        while b"show rehearsal-" not in told:
            line = await process.stderr.readline()
            assert line, told
            told += line
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    summary = only_line(out)
    assert summary["interrupted"], (told + err).decode()
    assert summary["audit"] == "ok"
