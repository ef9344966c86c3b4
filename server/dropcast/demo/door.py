"""The front door: what the demo asks of the server over HTTP, as a back office would."""

import asyncio
import urllib.error
import urllib.request
from typing import Any

import msgspec

_TIMEOUT_S = 15.0
# The server is on this machine: no proxy of the environment may stand in between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DoorFault(Exception):
    """The server did not answer, or said no."""


class Door:
    """`url` is the server's, `token` the creator's."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    async def schedule(self, show: str, *, title: str, currency: str) -> None:
        await self._ask("/v1/shows", {"id": show, "title": title, "currency": currency})

    async def start(self, show: str) -> None:
        await self._ask(f"/v1/shows/{show}/start", {})

    async def end(self, show: str) -> None:
        await self._ask(f"/v1/shows/{show}/end", {})

    async def viewers(self, show: str) -> int:
        """Return how many viewers the server counts, over all workers."""
        snapshot = await self._ask(f"/v1/shows/{show}/snapshot")
        viewers: int = snapshot["state"]["viewers"]
        return viewers

    async def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(self._ask_now, path, body)

    def _ask_now(self, path: str, body: dict[str, Any] | None) -> Any:
        request = urllib.request.Request(
            self._url + path,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with _opener.open(request, timeout=_TIMEOUT_S) as response:
                return msgspec.json.decode(response.read())
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode("utf-8", "replace")[:300]
            raise DoorFault(f"{path}: status {error.code}: {said}") from error
        except (OSError, msgspec.DecodeError) as error:
            raise DoorFault(f"{path}: {error}") from error
