"""Reads over HTTP without a token: of a show that the worker follows, and of shows that nobody follows."""

from tests.proofs.attacks.attack import Attack, Slice
from tests.proofs.attacks.kinds import ask, get, open_watchers

_READS = ("snapshot", "drops?limit=1")


async def _read_followed(part: Slice) -> None:
    """With viewers at both workers, so that each follows the show."""
    await open_watchers(part, part.target.followed)
    show = part.target.followed
    await ask(part, 25, 25, lambda number: get(f"/v1/shows/{show}/{_READS[number % 2]}"))


async def _read_quiet(part: Slice) -> None:
    shows = part.target.quiet
    await ask(
        part,
        100,
        50,
        lambda number: get(f"/v1/shows/{shows[number // 2 % len(shows)]}/{_READS[number % 2]}"),
    )


ATTACKS = (
    Attack(
        name="read_followed",
        about="25 connections read the snapshot or one drop of a followed show, 25 times a second",
        run=_read_followed,
        asked_min=20,
        reads_only=True,
    ),
    Attack(
        name="read_quiet",
        about="100 connections read shows that nobody follows, 50 times a second",
        run=_read_quiet,
        asked_min=40,
        reads_only=True,
    ),
)
