"""The back office of a rehearsal: what is asked of the server over HTTP to have a show at all."""

import urllib.error
import urllib.request

import msgspec

from dropcast_loadtest.evening.addresses import http_url, is_local
from dropcast_loadtest.evening.catalogue import CURRENCY, export
from dropcast_loadtest.evening.tokens import Minter

CREATOR = "rehearsal-creator"
_OPERATOR = "rehearsal-operator"
_TIMEOUT_S = 15.0
_TOKEN_S = 600


class DoorFault(Exception):
    """The server did not answer, or said no."""


class Door:
    def __init__(self, host: str, minter: Minter) -> None:
        """`host` is the server's address, whether it begins with ws or http."""
        self._url = http_url(host)
        self._minter = minter
        # What is on this machine is asked directly, whatever proxy the environment names.
        self._opener = (
            urllib.request.build_opener(urllib.request.ProxyHandler({}))
            if is_local(self._url)
            else urllib.request.build_opener()
        )

    def fill_shelves(self) -> None:
        """Put the rehearsal's products into the catalogue; those of their handles are replaced."""
        self._post(f"/v1/products?currency={CURRENCY}", export(), "text/csv", _OPERATOR, "operator")

    def schedule(self, show: str, title: str) -> None:
        self._say("/v1/shows", {"id": show, "title": title, "currency": CURRENCY})

    def start(self, show: str) -> None:
        self._say(f"/v1/shows/{show}/start", {})

    def end(self, show: str) -> None:
        self._say(f"/v1/shows/{show}/end", {})

    def _say(self, path: str, body: dict[str, str]) -> None:
        self._post(path, msgspec.json.encode(body), "application/json", CREATOR, "creator")

    def _post(self, path: str, body: bytes, kind: str, viewer: str, role: str) -> None:
        token = self._minter.mint(viewer, role, _TOKEN_S)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                response.read()
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode("utf-8", "replace")[:300]
            raise DoorFault(f"{path}: status {error.code}: {said}") from error
        except OSError as error:
            raise DoorFault(f"{self._url}{path}: {error}") from error
