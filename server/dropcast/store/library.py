"""Loads functions.lua into the engine when it is missing there or older, and never replaces a newer one.

Called once when a server starts, and again when the engine says that it has lost the functions. Whoever may not load
them may work with those that an administrator has loaded; what the engine's user needs for that is checked here.
"""

import asyncio
import logging
import re
import secrets
from importlib.resources import files

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from dropcast.domain.faults import EngineAway, EngineFault, EngineFull, EngineUnfit
from dropcast.store import permissions
from dropcast.store.connection import ask
from dropcast.store.keys import Keys

logger = logging.getLogger(__name__)

PATH = files("dropcast.store").joinpath("functions.lua")
SOURCE = PATH.read_text(encoding="utf-8")
_LEASE_MS = 5_000
_TRIES = 200
_WAIT_S = 0.05


def version_of(source: str) -> int:
    """Return the version that a library's source declares."""
    found = re.search(r"^local VERSION = (\d+)$", source, re.MULTILINE)
    if found is None:
        raise ValueError("the library's source declares no version")
    return int(found[1])


VERSION = version_of(SOURCE)


def is_missing(fault: EngineFault) -> bool:
    """Whether an engine function failed because the library is not there; nothing was done then."""
    return isinstance(fault.__cause__, ResponseError) and "Function not found" in str(fault.__cause__)


async def loaded_version(client: Redis) -> int | None:
    """Return the version of the library in the engine, or None when there is none."""
    try:
        return int(await ask(client, "FCALL", "dropcast_version", 0))
    except EngineFault as fault:
        if is_missing(fault):
            return None
        raise


async def load(client: Redis, keys: Keys, source: str = SOURCE) -> int:
    """See to it that the library is there, in this version or a newer one, and that the client's user may use it.

    Return the version that is there. Raises EngineFault; EngineUnfit names the permissions that the user lacks.
    """
    version = await _provide(client, keys, source)
    await permissions.check(client, keys)
    return version


async def _provide(client: Redis, keys: Keys, source: str) -> int:
    own = version_of(source)
    lease, worker = keys.lease("library"), secrets.token_hex(8)
    for _ in range(_TRIES):
        found = await loaded_version(client)
        if found is not None and found >= own:
            if found > own:
                logger.warning(
                    "the engine has version %d of the functions, newer than %d: using it", found, own
                )
            return found
        try:
            # Between looking and replacing another server might load a newer one: one at a time.
            if not await ask(client, "SET", lease, worker, "NX", "PX", _LEASE_MS):
                await asyncio.sleep(_WAIT_S)
                continue
            try:
                found = await loaded_version(client)
                if found is None or found < own:
                    await _replace(client, source)
                    logger.info("loaded version %d of the engine functions", own)
            finally:
                await _give_back(client, lease)
        except EngineFault as fault:
            if not isinstance(fault.__cause__, NoPermissionError):
                raise
            there = f"version {found} of the functions" if found else "none of the functions"
            raise EngineUnfit(
                f"the engine has {there}, and its user {permissions.user_of(client)} may not load version {own}: "
                f"{fault.__cause__} (docs/engine.md tells how an administrator loads them)"
            ) from fault
    raise EngineFault("the engine functions could not be loaded: another server holds the lease")


async def _give_back(client: Redis, lease: str) -> None:
    try:
        await ask(client, "DEL", lease)
    except EngineUnfit as fault:
        if not isinstance(fault.__cause__, NoPermissionError):
            raise
        # It ends by itself.


async def _replace(client: Redis, source: str) -> None:
    try:
        await ask(client, "FUNCTION", "LOAD", "REPLACE", source)
    except (EngineAway, EngineFull):
        raise
    except EngineFault as fault:
        if isinstance(fault.__cause__, NoPermissionError):
            raise
        raise EngineUnfit(f"the engine does not take the functions: {fault.__cause__}") from fault
