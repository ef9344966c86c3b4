"""A server that is stopped leaves nothing behind, and starts again with all that it had."""

import os
import subprocess
import sys
from pathlib import Path

from dropcast_client import Held, Sold
from tests.support.house import House
from tests.support.server import SECRET, Server


def processes_of(data_dir: Path) -> list[str]:
    """Command lines of all processes that mention the data directory or have a file of it open."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_text()
            opened = [os.readlink(link) for link in (process / "fd").iterdir()]
        except OSError:
            continue  # it ended while we looked
        if str(data_dir) in command or any(path.startswith(str(data_dir)) for path in opened):
            found.append(command)
    return found


def audit(data_dir: Path) -> str:
    """Run `dropcast audit`, which joins the engine that runs or starts one for the while."""
    command = [sys.executable, "-m", "dropcast", "audit", "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_stopped_server_starts_again_with_the_same_shows_stock_holds_and_orders(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, workers=2)
    try:
        house = House(server.settings, server.port, SECRET)
        await house.import_catalogue()
        show = await house.live_show()
        drop = await house.drop(show, {"SCARF-RED": 5, "SCARF-BLUE": 2}, limit=5)
        async with house.client("ana") as ana, house.client("ben") as ben:
            bought = await ana.reserve(show=show, drop=drop, sku="SCARF-RED", qty=2)
            kept = await ben.reserve(show=show, drop=drop, sku="SCARF-BLUE")
            assert isinstance(bought, Held)
            assert isinstance(kept, Held)
            order = await ana.checkout(show=show, hold=bought.hold, payment="tok_approve")
            assert isinstance(order, Sold)
        async with house.http() as http:
            before = (await http.get(f"/v1/shows/{show}/snapshot")).json()
        assert processes_of(tmp_path)
    finally:
        assert server.stop() == 0, "".join(server.lines)
    assert processes_of(tmp_path) == []
    assert "ok" in audit(tmp_path)
    assert processes_of(tmp_path) == []
    assert [name for name in os.listdir(tmp_path) if name.endswith(".sock")] == []

    server = Server(tmp_path, workers=2)
    try:
        house = House(server.settings, server.port, SECRET)
        async with house.http() as http:
            after = (await http.get(f"/v1/shows/{show}/snapshot")).json()
        assert after["state"]["drops"] == before["state"]["drops"]
        assert (after["epoch"], after["seq"]) == (before["epoch"], before["seq"])
        async with house.client("ben") as ben, house.client("ana") as ana:
            await ben.subscribe(show).ready()
            assert [hold.hold for hold in ben.holds(show)] == [kept.hold]
            again = await ana.checkout(show=show, hold=bought.hold, payment="tok_approve")
            assert isinstance(again, Sold)
            assert again.order == order.order
        assert "ok" in audit(tmp_path)
    finally:
        assert server.stop() == 0, "".join(server.lines)
