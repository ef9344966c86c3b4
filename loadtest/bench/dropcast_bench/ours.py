"""Our own server in a bench: one worker on the embedded engine, durable, with one show on air.

It runs as anybody's does, by `dropcast serve`; only limits on a single address and viewer are out of the way, since
here all viewers come from one machine.
"""

import contextlib
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dropcast_bench import frames
from dropcast_bench.lines import Talk
from dropcast_bench.servers import Server, ServerFault
from dropcast_bench.tokens import SECRET, mint

SHOW = "bench"
SKU = "ONE"
PATH = "/v1/live"
JSON = "dropcast.v1.json"
Request = Callable[[int, int], bytes]
"""What a line says: by the number of the line, and that of the request."""
_ENV = "DROPCAST_"
_CATALOGUE = (
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n"
    f"thing,A thing,Title,Default Title,{SKU},1,1.00\n"
)
_FLAGS = {
    "workers": 1,
    "log-level": "warning",
    "connections-per-address-max": 100_000,
    "viewer-commands-per-s": 1_000_000,
    "host-commands-per-s": 1_000_000,
    "viewer-reserves-per-s": 1_000_000,
    "payments-per-viewer-max": 1_000_000,
    "host-commands-per-show-per-min": 1_000_000_000,
    "log-bytes-per-show-per-min": 2**31,
    "host-commands-waiting-max": 2**31,
    "holds-per-viewer-max": 2**31,
}


_code: Path | None = None


@contextlib.contextmanager
def served_from(code: Path) -> Iterator[None]:
    """Have servers of ours run from another folder than the installed one, while this is entered."""
    global _code
    before, _code = _code, code
    try:
        yield
    finally:
        _code = before


class Ours(NamedTuple):
    server: Server
    data_dir: Path

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def worker_pids(self) -> list[int]:
        return self.server.pids("dropcast.worker")

    @property
    def engine_socket(self) -> Path:
        return self.data_dir / "engine.sock"

    @property
    def engine_pids(self) -> list[int]:
        return self.server.pids("valkey-server")

    @property
    def supervisor_pids(self) -> list[int]:
        others = {*self.worker_pids, *self.engine_pids}
        return [pid for pid in self.server.pids() if pid not in others]

    def post(self, path: str, body: bytes = b"", *, key: str = "", kind: str = "application/json") -> Any:
        """Ask the HTTP interface as an operator, and return its answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, method="POST")
        request.add_header("Authorization", "Bearer " + mint("operator", "operator"))
        request.add_header("Content-Type", kind)
        if key:
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise ServerFault(f"{path} was answered {error.code}: {error.read().decode()}") from error

    def import_products(self, csv: str) -> None:
        self.post("/v1/products?currency=EUR", csv.encode(), kind="text/csv")

    def pin(
        self,
        units: int,
        *,
        limit: int = 10_000,
        key: str = "drop",
        product: str = "thing",
        skus: Sequence[str] = (SKU,),
    ) -> str:
        """Pin a product, so many units of each SKU, and return the drop."""
        body = {
            "product": product,
            "units": dict.fromkeys(skus, units),
            "limit": limit,
            "hold_ms": 7_200_000,
        }
        answer = self.post(f"/v1/shows/{SHOW}/drops", json.dumps(body).encode(), key=key)
        return str(answer["drop"])

    def announce(self, text: str, key: str) -> None:
        self.post(f"/v1/shows/{SHOW}/announcements", json.dumps({"text": text}).encode(), key=key)

    def audit(self) -> None:
        """Raise ServerFault with what `dropcast audit` found, unless that is nothing."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "dropcast", "audit", "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            env=environ_of(_code),
            check=False,
        )
        if done.returncode != 0:
            raise ServerFault(f"the audit says: {(done.stdout + done.stderr).strip()}")


@contextlib.contextmanager
def ours(**flags: object) -> Iterator[Ours]:
    """Start a server whose show is on air; end it and remove its data when left."""
    with tempfile.TemporaryDirectory(prefix="dropcast-bench-") as directory:
        environ = environ_of(_code)
        command = [sys.executable, "-P", "-m", "dropcast", "serve"]
        known = _flags_of(tuple(command), _code) if _code is not None else None
        command += ["--port", "0", "--data-dir", directory]
        given = {**_FLAGS, **{name.replace("_", "-"): value for name, value in flags.items()}}
        for name, value in given.items():
            # Another revision does not have the limits that have come since.
            if known is None or name in known:
                command += [f"--{name}", str(value)]
        with Server(command, env=environ) as server:
            running = Ours(server, Path(directory))
            running.import_products(_CATALOGUE)
            running.post(
                "/v1/shows", json.dumps({"id": SHOW, "title": "The bench", "currency": "EUR"}).encode()
            )
            running.post(f"/v1/shows/{SHOW}/start")
            yield running


def joins(port: int, viewer: str | None, token: str = "") -> Talk:
    """Connect, say hello and watch. An anonymous viewer has None; `token` may be minted beforehand."""
    data = yield frames.handshake(PATH, port, JSON)
    while frames.HEAD_END not in data:
        data += yield b""
    hello: dict[str, object] = {"type": "hello", "id": 1}
    if viewer is not None:
        hello["token"] = token or mint(viewer)
    data = yield frames.frame(json.dumps(hello).encode())
    while b'"welcome"' not in data:
        data += yield b""
    data = yield frames.frame(json.dumps({"type": "watch", "id": 2, "show": SHOW}).encode())
    while b'"watching"' not in data:
        data += yield b""


def reserves(drop: str) -> Request:
    """Return what makes a reserve of one unit; all are of one length."""
    command = {
        "type": "reserve",
        "id": 1,
        "show": SHOW,
        "drop": drop,
        "sku": SKU,
        "qty": 1,
        "key": "KEYKEYKE",
    }
    template = frames.frame(json.dumps(command, separators=(",", ":")).encode())
    template = template.replace(b"%", b"%%").replace(b"KEYKEYKE", b"%08d")
    return lambda buyer, n: template % n


def environ_of(code: Path | None) -> dict[str, str]:
    """Return the environment of a server that runs from the folder `code`; None: as it is installed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_ENV)}
    if code is not None:
        # It comes before what is installed, an editable checkout too.
        environ["PYTHONPATH"] = str(code)
    return {**environ, "DROPCAST_JWT_SECRET": SECRET}


@functools.cache
def _flags_of(serve: tuple[str, ...], code: Path) -> frozenset[str]:
    done = subprocess.run([*serve, "--help"], env=environ_of(code), capture_output=True, text=True)
    if done.returncode:
        raise ServerFault(f"{' '.join(serve)} --help failed:\n{done.stderr[-2000:]}")
    return frozenset(re.findall(r"--([a-z0-9-]+)", done.stdout))
