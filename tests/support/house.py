"""A running server for tests: two workers, a real engine, real sockets; and short ways to what each test needs."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx
import jwt

from dropcast.edge.tokens import mint
from dropcast.settings import Settings
from dropcast_client import Backoff, Client

CATALOGUE = b"""Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price
scarf,Merino scarf,<p>Soft.</p>,Colour,Red,SCARF-RED,40,29.00
scarf,,,,Blue,SCARF-BLUE,12,29.00
mug,Big mug,<p>Holds <b>half a litre</b>.</p>,Title,Default Title,MUG,5,12.50
"""


class House:
    """See the module. Each test schedules shows of its own, so that tests do not meet."""

    def __init__(self, settings: Settings, port: int, secret: str) -> None:
        self.settings = settings
        self.port = port
        self._secret = secret

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def token(self, viewer: str, role: str = "viewer", expires_s: int = 3600) -> str:
        return mint(self._secret, self.settings, viewer, role, expires_s)

    def expired_token(self, viewer: str) -> str:
        settings = self.settings
        claims = {
            "sub": viewer,
            "role": "viewer",
            "aud": settings.jwt_audience,
            "iss": settings.jwt_issuer,
            "exp": int(time.time()) - settings.jwt_leeway_s - 60,
        }
        return jwt.encode(claims, self._secret, "HS256")

    def client(self, viewer: str | None = None, role: str = "viewer", **options: Any) -> Client:
        """Return an SDK client; without a viewer, an anonymous one."""
        token = self.token(viewer, role) if viewer is not None else None
        options.setdefault("backoff", Backoff(min_s=0.01, max_s=0.2))
        return Client(options.pop("url", self.url), token=token, **options)

    def http(self, viewer: str | None = None, role: str = "viewer") -> httpx.AsyncClient:
        """Return an HTTP client that bears the viewer's token."""
        headers = {"authorization": f"Bearer {self.token(viewer, role)}"} if viewer is not None else {}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers, trust_env=False)

    async def import_catalogue(self) -> None:
        async with self.http("olga", "operator") as http:
            answer = await http.post("/v1/products?currency=EUR", content=CATALOGUE)
            assert answer.status_code == 200, answer.text

    async def live_show(self, creator: str = "cleo", moderators: tuple[str, ...] = (), show: str = "") -> str:
        """Schedule and start a show; return its id, by default one that no other show has."""
        show = show or "show-" + secrets.token_hex(6)
        async with self.http(creator, "creator") as http:
            body = {"id": show, "title": "A test's show", "currency": "EUR", "moderators": moderators}
            answer = await http.post("/v1/shows", json=body)
            assert answer.status_code == 201, answer.text
            answer = await http.post(f"/v1/shows/{show}/start")
            assert answer.status_code == 200, answer.text
        return show

    async def drop(self, show: str, units: Mapping[str, int], product: str = "scarf", **terms: Any) -> str:
        """Pin a product; return the drop's id."""
        async with self.http("cleo", "creator") as http:
            answer = await http.post(
                f"/v1/shows/{show}/drops", json={"product": product, "units": dict(units), **terms}
            )
            assert answer.status_code == 201, answer.text
            drop: str = answer.json()["drop"]
            return drop
