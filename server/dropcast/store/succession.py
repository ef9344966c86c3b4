"""Whether a restart of the embedded engine lost nothing, and the word for it that keeps epochs as they are.

Called by embedded.py around the engine's process. Shows are marked with the run that wrote them last; a run that
finds another's mark begins a new epoch (see functions.lua), unless somebody vouches for the restart. We do, before
the engine's socket has its public name and anybody else can write, when all of this is so:

- The run before was an engine of embedded.py: appendfsync always, so that no reply and no publication leaves before
  its write is in the append-only file; and on a locked data directory, so that nobody else wrote there.
- We saw its process end, cleanly or not, and looked at its files then.
- They are the same files now: by size, inode and times, which a copy put back in their place does not have.

A kill is covered: what a process has written survives it. Not covered, and so a new epoch: a machine that lost its
power or a starter that was killed with its engine (nobody saw the end), files that were cut or restored, and every
engine that is only reached by its address.
"""

import contextlib
import logging
import os
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from dropcast import files
from dropcast.settings import Settings
from dropcast.store import library
from dropcast.store.connection import REPLY_TIMEOUT_S, engine_faults
from dropcast.store.keys import Keys

logger = logging.getLogger(__name__)

_RUNS_MAX = 16
_PAGE = 500

Files = dict[str, tuple[int, int, int, int]]
"""Size, inode, and times of change in nanoseconds, by name."""


class _Record(msgspec.Struct, frozen=True):
    runs: tuple[str, ...]
    """The runs whose every write is in the files, oldest first. More than one when a hand-over was not finished."""
    files: Files | None = None
    """The files when the last of them had ended; None while it runs."""
    prefixes: tuple[str, ...] = (Settings().prefix,)
    """Of every server that had an engine on these files: the shows of all of them are adopted, not only of the next."""


class Succession:
    """The runs on one data directory. Whoever uses it has the directory's lock."""

    def __init__(self, data_dir: Path, prefix: str) -> None:
        self._prefix = prefix
        self._path = data_dir / "engine.run"
        self._folder = data_dir / "appendonlydir"
        # In memory as well: on a full disk there is no writing it down.
        self._record: _Record | None = None

    def before(self) -> tuple[str, ...]:
        """Return the runs that a process started now will have lost nothing of. To be asked before it is started."""
        record = self._record or self._read()
        if record is None or record.files is None or record.files != self._files():
            return ()
        return record.runs

    def hand_over(self, socket: Path, before: tuple[str, ...]) -> None:
        """Load the engine functions in the engine at `socket`, and vouch for the runs `before`. Raises EngineFault."""
        client = Redis(
            unix_socket_path=str(socket),
            protocol=3,
            socket_timeout=REPLY_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        with contextlib.closing(client), engine_faults():
            _load(client)
            run = _ask(client, "FCALL", "dropcast_run", 0).decode()
            prefixes = self._prefixes()
            self._keep(_Record((*before, run)[-_RUNS_MAX:], prefixes=prefixes))
            if before:
                for prefix in prefixes:
                    _adopt(client, Keys(prefix), before)
                self._keep(_Record((run,), prefixes=prefixes))

    def ended(self) -> None:
        """The process is gone: look at its files, once."""
        record = self._record
        if record is not None and record.files is None:
            self._keep(msgspec.structs.replace(record, files=self._files()))

    def _prefixes(self) -> tuple[str, ...]:
        record = self._record or self._read() or _Record(())
        return tuple(dict.fromkeys((*record.prefixes, self._prefix)))

    def _files(self) -> Files:
        files: Files = {}
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._folder):
                # A rewrite in the background may outlive its engine; nobody reads what it leaves.
                if not entry.name.startswith("temp-"):
                    found = entry.stat()
                    files[entry.name] = (found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
        return files

    def _read(self) -> _Record | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Record)
        except (OSError, msgspec.MsgspecError):
            return None

    def _keep(self, record: _Record) -> None:
        self._record = record
        new = self._path.with_suffix(".run.new")
        try:
            with os.fdopen(files.open_private(new, os.O_WRONLY | os.O_TRUNC), "wb") as file:
                file.write(msgspec.json.encode(record))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            logger.warning("%s cannot be written, the next start may begin new epochs: %s", self._path, error)
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
                self._path.unlink(missing_ok=True)


def _ask(client: Redis, *command: str | int) -> Any:
    return client.execute_command(*command)  # type: ignore[no-untyped-call]


def _load(client: Redis) -> None:
    """Nobody else is there yet, so that a look and a load are enough. See library.py for the rule."""
    try:
        version = int(_ask(client, "FCALL", "dropcast_version", 0))
    except ResponseError as error:
        if "Function not found" not in str(error):
            raise
        version = 0
    if version < library.VERSION:
        _ask(client, "FUNCTION", "LOAD", "REPLACE", library.SOURCE)


def _adopt(client: Redis, keys: Keys, before: tuple[str, ...]) -> None:
    after = ""
    while True:
        low = f"({after}" if after else "-"
        shows = [
            raw.decode() for raw in _ask(client, "ZRANGE", keys.shows, low, "+", "BYLEX", "LIMIT", 0, _PAGE)
        ]
        if not shows:
            return
        with client.pipeline(transaction=False) as pipeline:
            for show in shows:
                names = keys.all_of_show(show)
                _ask(pipeline, "FCALL", "dropcast_adopt", len(names), *names, *before)
            pipeline.execute()
        after = shows[-1]
