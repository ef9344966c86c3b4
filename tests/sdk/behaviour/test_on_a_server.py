"""Both shells, and the sync shell under gevent, against the real server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sdk.behaviour.conftest import NewPlayer
from tests.sdk.behaviour.tour import Tour
from tests.support.house import House

ROOT = Path(__file__).parents[3]
README = ROOT / "client_sdk" / "python" / "README.md"


def tokens(house: House) -> tuple[str, str, str]:
    return house.token("cleo", "creator"), house.token("olga", "operator"), house.token("vera")


@pytest.fixture
async def show(house: House) -> str:
    return await house.live_show()


@pytest.fixture
def tour(house: House, player_of: NewPlayer, show: str) -> Tour:
    return Tour(player_of, house.url, show, tokens(house))


def test_a_viewer_buys_what_a_host_pins(tour: Tour) -> None:
    tour.buying()


def test_a_scheduled_drop_opens_and_closes_by_itself(tour: Tour) -> None:
    tour.a_drop_with_a_window()


def test_an_operator_freezes_and_thaws_sales(tour: Tour) -> None:
    tour.freezing()


def test_a_host_mutes_and_bans(tour: Tour) -> None:
    tour.keeping_order()


def run(*command: str, **environ: str) -> str:
    path = os.pathsep.join([str(ROOT), *sys.path])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **environ},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_sync_shell_buys_under_gevent(house: House, show: str) -> None:
    said = run("-m", "gevent.monkey", "--module", "tests.sdk.behaviour.tour", house.url, show, *tokens(house))
    assert said == "bought\n"


@pytest.mark.parametrize("number", [0, 1], ids=["asyncio", "sync"])
async def test_the_examples_of_the_readme_run(house: House, show: str, number: int) -> None:
    example = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[number]
    await house.drop(show, {"SCARF-RED": 5})
    program = example.replace("ws://localhost:8000", house.url).replace('"friday"', f'"{show}"')
    program = program.replace('token="..."', f'token="{house.token("vera")}"')
    assert "Sold(" in run("-c", program)
