"""The cast: what is played before how many, and what each process of it is told."""

from collections.abc import Callable, Sequence

import msgspec

from dropcast.demo.lines import CreatorConfig, CrowdConfig, Ticket
from dropcast.demo.run_of_show import RunOfShow
from dropcast.domain.catalogue import Product
from dropcast.domain.viewer import Role

_VIEWERS_PER_PROCESS_MAX = 2_500
_PROCESSES_MIN = 2
_DEADLINE_S = 150.0
"""How long a process may live beyond the show: the way in, the last payments."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    """Where its HTTP answers."""
    token: Callable[[str, str, int], str]
    """token(viewer, role, seconds) mints one."""

    @property
    def live_url(self) -> str:
        return "ws" + self.url.removeprefix("http")


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    currency: str
    products: Sequence[Product]
    plan: RunOfShow
    viewers: int
    seconds: float
    seed: int
    creator: str = "demo-creator"

    @property
    def processes(self) -> int:
        """How many processes the crowd is spread over."""
        needed = -(-self.viewers // _VIEWERS_PER_PROCESS_MAX)
        return min(self.viewers, max(_PROCESSES_MIN, needed))

    @property
    def deadline_s(self) -> float:
        return self.seconds + _DEADLINE_S + self.viewers / 20


def creator_config(server: Server, cast: Cast, show: str) -> CreatorConfig:
    return CreatorConfig(
        url=server.live_url,
        show=show,
        token=server.token(cast.creator, Role.CREATOR.value, _lifetime_s(cast)),
        steps=cast.plan.steps,
        deadline_s=cast.deadline_s,
    )


def crowd_configs(server: Server, cast: Cast, show: str) -> list[CrowdConfig]:
    """Return a config for each process, with the viewers dealt out like cards."""
    tickets = [
        Ticket(
            number=number,
            viewer=f"viewer-{number}",
            token=server.token(f"viewer-{number}", Role.VIEWER.value, _lifetime_s(cast)),
        )
        for number in range(cast.viewers)
    ]
    return [
        CrowdConfig(
            url=server.live_url,
            show=show,
            tickets=tuple(tickets[process :: cast.processes]),
            seed=cast.seed,
            show_s=cast.seconds,
            reaction_s=cast.plan.reaction_s,
            hold_s=cast.plan.hold_ms / 1000,
            deadline_s=cast.deadline_s,
        )
        for process in range(cast.processes)
    ]


def _lifetime_s(cast: Cast) -> int:
    return round(cast.deadline_s) + 60
