"""How viewers are caught up is counted by outcome, and so is what they are answered and closed with."""

import json
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from dropcast.settings import Settings
from dropcast.supervisor import Running
from tests.metrics.test_served import Watched, free_port


async def watch(watched: Watched, show: str, since: dict[str, Any] | None = None) -> dict[str, Any]:
    """Watch on a connection of its own; return the answer."""
    asked = {"type": "watch", "id": 2, "show": show, **({"since": since} if since else {})}
    url, subprotocol = f"{watched.house.url}/v1/live", Subprotocol("dropcast.v1.json")
    async with connect(url, subprotocols=[subprotocol], proxy=None) as socket:
        await socket.send(json.dumps({"type": "hello", "id": 1}))
        await socket.send(json.dumps(asked))
        while True:
            answer: dict[str, Any] = json.loads(await socket.recv())
            if answer.get("re") == 2:
                return answer


async def test_recoveries_are_counted_by_what_they_came_from(tmp_path: Path) -> None:
    settings = Settings(port=0, data_dir=str(tmp_path), log_level="warning", metrics_port=free_port())
    async with Running(settings) as running:
        watched = Watched(running)
        await watched.house.import_catalogue()
        show = await watched.house.live_show()
        epoch = (await watch(watched, show))["epoch"]
        # The worker has heard of no event yet: only the log knows those before it followed the show.
        assert (await watch(watched, show, {"epoch": epoch, "seq": 0}))["recovered"]
        await watched.house.drop(show, {"MUG": 1}, product="mug")
        assert (await watch(watched, show, {"epoch": epoch, "seq": 1}))["recovered"]
        for since in ({"epoch": "another", "seq": 1}, {"epoch": epoch, "seq": 99}):
            assert not (await watch(watched, show, since))["recovered"]
        page = await watched.until("dropcast_recoveries_total", 2, outcome="state")
        found = {name: page.value("dropcast_recoveries_total", outcome=name) for name in ("log", "ring")}
        assert found == {"log": 1, "ring": 1}
        assert page.value("dropcast_joins_total") == 1
        assert page.value("dropcast_log_gaps_total", found_by="beat") == 0


async def test_error_replies_and_close_codes_are_counted(tmp_path: Path) -> None:
    settings = Settings(port=0, data_dir=str(tmp_path), log_level="warning", metrics_port=free_port())
    async with Running(settings) as running:
        watched = Watched(running)
        url, subprotocol = f"{watched.house.url}/v1/live", Subprotocol("dropcast.v1.json")
        async with connect(url, subprotocols=[subprotocol], proxy=None) as socket:
            await socket.send("{}")
            await socket.recv()
            await watched.until("dropcast_connections", 1, state="new")
            await socket.send(b"binary on the JSON protocol")
            try:
                await socket.recv()
            except ConnectionClosed as closed:
                assert closed.rcvd is not None  # noqa: PT017 - what follows counts it
                code = str(closed.rcvd.code)
        await watched.until("dropcast_closes_total", 1, code=code)
        page = await watched.until("dropcast_connections", 0)
        assert page.total("dropcast_errors_total") == 1
        async with watched.house.http() as http:
            assert (await http.get("/v1/shows/nobody")).status_code == 404
        await watched.until("dropcast_errors_total", 1, code="not_found")
