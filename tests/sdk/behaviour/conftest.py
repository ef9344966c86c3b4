"""A stage and players on it; each test of this folder runs once for each shell."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sdk.behaviour.players import PLAYERS, Player
from tests.sdk.behaviour.stage import Stage

NewPlayer = Callable[..., Player]


@pytest.fixture(params=["json"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with Stage(request.param) as stage:
        yield stage


@pytest.fixture(params=sorted(PLAYERS))
def player_of(request: pytest.FixtureRequest) -> Iterator[NewPlayer]:
    """Makes players of one shell, and closes them."""
    made: list[Player] = []

    def make(url: str | list[str], **options: Any) -> Player:
        made.append(PLAYERS[request.param](url, **options))
        return made[-1]

    yield make
    for player in made:
        player.close()


@pytest.fixture
def player(stage: Stage, player_of: NewPlayer) -> Player:
    """A connected player."""
    player = player_of(stage.url, codec=stage.worker.codec)
    player.connect()
    return player
