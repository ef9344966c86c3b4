"""A crowd in one process: `python -m dropcast_loadtest.crowd`, a CrowdConfig on standard input.

The viewers come in a few at a time; `ready` is told when all of them watch. They live until they have seen the
show end, and what they see is told four times a second.
"""

import asyncio

from dropcast_loadtest.behaviour import Pace, Person
from dropcast_loadtest.config import CrowdConfig
from dropcast_loadtest.process import main
from dropcast_loadtest.progress import Ready, Reporter, Trouble
from dropcast_loadtest.tally import Tally
from dropcast_loadtest.viewer import Viewer

_AT_THE_DOOR = 50
_TELL_S = 0.25


async def attend(config: CrowdConfig, reporter: Reporter) -> None:
    """Send every viewer in, and return when the last one has left."""
    tally = Tally()
    pace = Pace(reaction_s=config.reaction_s, hold_s=config.hold_s, show_s=config.show_s)
    viewers = [
        Viewer(config, ticket, Person(config.seed, ticket.number, pace), tally) for ticket in config.tickets
    ]
    door = asyncio.Semaphore(_AT_THE_DOOR)
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(_tell(tally, reporter))
        attending = [group.create_task(viewer.run(door)) for viewer in viewers]
        for viewer in viewers:
            await viewer.arrived.wait()
        for fault in {str(viewer.fault) for viewer in viewers if viewer.fault is not None}:
            reporter.tell(Trouble(message=f"a viewer could not come in: {fault}"))
        reporter.tell(Ready(viewers=sum(viewer.fault is None for viewer in viewers)))
        await asyncio.gather(*attending)
        telling.cancel()
    reporter.tell(tally.take())


async def _tell(tally: Tally, reporter: Reporter) -> None:
    while True:
        await asyncio.sleep(_TELL_S)
        reporter.tell(tally.take())


if __name__ == "__main__":
    main(CrowdConfig, attend, lambda config: config.deadline_s)
