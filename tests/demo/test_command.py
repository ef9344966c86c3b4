"""`dropcast demo` from the outside: one whole show, and errors before there is one."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dropcast.cli.demo import demo
from dropcast.demo import processes
from tests.support.commands import ignoring

HEADER = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n"


async def play(*arguments: str, prefix: Sequence[str] = ()) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        "-m",
        "dropcast",
        "demo",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )


def last_line(out: bytes) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return summary


async def test_a_show_sells_out_and_its_books_agree(tmp_path: Path) -> None:
    process = await play("--viewers", "20", "--seconds", "4", "--json", "--data-dir", str(tmp_path / "data"))
    out, err = await process.communicate()
    told = err.decode()
    assert process.returncode == 0, told
    summary = last_line(out)
    assert summary["audit"] == "ok"
    assert summary["viewers"] == 20
    assert summary["drops"] == 4
    assert summary["sold"] > 0
    assert summary["refused_by_reason"]["sold_out"] > 0
    assert summary["refused"] == sum(summary["refused_by_reason"].values())
    assert summary["held"] >= summary["orders"] > 0
    assert summary["oversold"] == summary["gaps"] == summary["outcome_unknown"] == 0
    assert summary["delivered"] > 20 * summary["drops"]
    assert 0 < summary["fanout_p50_ms"] <= summary["fanout_p99_ms"]
    assert summary["currency"] == "EUR"
    assert len(out.decode().splitlines()) == 1, "progress goes to stderr"
    assert "Pinned" in told
    assert "audit ok" in told
    assert (tmp_path / "data").is_dir(), "a directory that was given is kept"


@pytest.mark.parametrize(
    ("prefix", "numbers"),
    [
        ([], [signal.SIGINT]),
        # Were the first one taken, the second would end it without an audit.
        (ignoring(signal.SIGINT, signal.SIGHUP), [signal.SIGINT, signal.SIGHUP, signal.SIGTERM]),
    ],
    ids=["in a terminal", "as a background job"],
)
async def test_an_interrupt_ends_the_show_early_and_the_audit_is_held(
    prefix: list[str], numbers: list[signal.Signals], tmp_path: Path
) -> None:
    process = await play(
        *("--viewers", "10", "--seconds", "60", "--json", "--data-dir", str(tmp_path / "data")), prefix=prefix
    )
    assert process.stderr is not None
    told = b""
    while b"Pinned" not in told:
        line = await process.stderr.readline()
        assert line, told
        told += line
    for number in numbers:
        process.send_signal(number)
    out, err = await process.communicate()
    assert process.returncode == 0, (told + err).decode()
    summary = last_line(out)
    assert summary["interrupted"]
    assert summary["audit"] == "ok"
    assert summary["seconds"] < 50


def test_a_broken_file_is_told_by_line_and_column(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(HEADER + "mug,Mug,Title,Default Title,MUG,3,cheap\n")
    process = CliRunner().invoke(demo, ["--catalogue", str(broken), "--json"])
    assert process.exit_code == 1
    assert process.stdout == ""
    assert "line 2, Variant Price" in str(process.exception) + process.stderr


def test_a_catalogue_without_a_single_unit_has_nothing_to_sell(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text(HEADER + "mug,Mug,Title,Default Title,MUG,-1,5.00\n")
    process = CliRunner().invoke(demo, ["--catalogue", str(empty)])
    assert process.exit_code == 1
    assert "no product of the catalogue has a unit in stock" in process.stderr
    assert "Warning: line 2" in process.stderr


def test_without_the_crowd_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PACKAGE", "no_such_package")
    process = CliRunner().invoke(demo, [])
    assert process.exit_code == 1
    assert "pip install dropcast-loadtest" in process.stderr
