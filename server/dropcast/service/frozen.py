"""Sales that are frozen because history was lost: an operator is told once for each freeze, with the cure.

Called by the sweeper that has the lease, for every show: so a show that nobody watches is told of too, and one worker
tells. What was told is kept in the engine, by a lease that names the server, the show and its epoch: the next worker
that sweeps does not tell it again, a server that is started anew does.
"""

import logging

from dropcast.domain.ports import ShowStore
from dropcast.domain.show import Frozen, Show, ShowStatus
from dropcast.operator_commands import operator_command
from dropcast.settings import Settings

logger = logging.getLogger(__name__)

_TOLD_MS = 86_400_000


class FrozenSales:
    def __init__(self, *, store: ShowStore, settings: Settings, server: str, worker: str) -> None:
        """`server` is the id of this run of the server, the same for all its workers."""
        self._store = store
        self._settings = settings
        self._server = server
        self._worker = worker
        self._seen: set[str] = set()

    def concerns(self, show: Show) -> bool:
        """Whether `look` has anything to do: of most shows it has not."""
        return show.frozen is Frozen.LOST_HISTORY or show.id in self._seen

    async def look(self, show: Show) -> None:
        """Tell if the sales of `show` are frozen for lost history, or let them go on where a setting says so.

        Raises a Fault; then the next look tries again.
        """
        if show.frozen is not Frozen.LOST_HISTORY or show.status is ShowStatus.ENDED:
            if show.id in self._seen:
                self._seen.remove(show.id)
                logger.info("show %s: sales are not frozen by lost history any more", show.id)
        elif show.id not in self._seen:
            if self._settings.thaw_after_restart:
                await self._store.thaw(show.id, Frozen.LOST_HISTORY)
                return
            await self._tell(show)
            self._seen.add(show.id)

    async def _tell(self, show: Show) -> None:
        epoch = (await self._store.meta(show.id)).epoch
        told = f"frozen:{self._server}:{show.id}:{epoch}"
        if not await self._store.take_lease(told, self._worker, _TOLD_MS):
            return
        logger.warning(
            "show %s: sales are frozen and every reserve is refused: the engine came back without proof that it has "
            "all that was sold. Check the orders (%s), then let sales go on by: %s",
            show.id,
            operator_command(self._settings, "audit", "--show", show.id),
            operator_command(self._settings, "thaw", show.id),
        )
