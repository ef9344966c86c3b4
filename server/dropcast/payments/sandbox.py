"""A payment provider for rehearsals: the token says what happens. No money moves.

`tok_approve` is charged, `tok_decline` is declined, `tok_slow` is charged after a while; any other is declined.
"""

import asyncio
import hashlib

from dropcast.domain.ports import Charged, Declined

APPROVE = "tok_approve"
DECLINE = "tok_decline"
SLOW = "tok_slow"


class Sandbox:
    """Implements PaymentProvider. The reference follows from the key, so a repeated charge is the same one."""

    def __init__(self, *, slow_ms: int) -> None:
        self._slow_ms = slow_ms

    async def charge(self, *, token: str, amount_minor: int, currency: str, key: str) -> Charged | Declined:
        """Approve, decline or dawdle as `token` says."""
        if token == SLOW:
            await asyncio.sleep(self._slow_ms / 1000)
        elif token == DECLINE:
            return Declined("card declined")
        elif token != APPROVE:
            return Declined("unknown token")
        digest = hashlib.blake2b(f"{key}|{amount_minor}|{currency}".encode(), digest_size=8).hexdigest()
        return Charged(f"sandbox_{digest}")

    async def cancel(self, *, key: str) -> None:
        """Nothing was moved, so nothing is to be undone."""
