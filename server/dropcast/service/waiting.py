"""Who waits for a followed show to come to an event: viewers and requests that know more than this worker."""

import asyncio


class SeqWaiters:
    def __init__(self) -> None:
        self._wanted: dict[asyncio.Future[None], int] = {}

    def __len__(self) -> int:
        return len(self._wanted)

    async def wait(self, seq: int, timeout_s: float) -> None:
        """Wait until the show is at `seq` or has another history, at most so long."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted[reached] = seq
        try:
            await asyncio.wait((reached,), timeout=timeout_s)
        finally:
            self._wanted.pop(reached, None)

    def come_to(self, seq: int) -> None:
        for reached in [reached for reached, wanted in self._wanted.items() if wanted <= seq]:
            del self._wanted[reached]
            reached.set_result(None)

    def let_go(self) -> None:
        """All of them look anew: the show has another history, or is followed no more."""
        for reached in self._wanted:
            reached.set_result(None)
        self._wanted.clear()
