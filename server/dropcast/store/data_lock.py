"""The lock of a data directory: a file whose descriptor the engine inherits, so that it lives as long as the engine.

embedded.py takes it before it starts an engine, and asks by it whether one is running.
"""

import fcntl
import os
import time
from pathlib import Path

from dropcast import files
from dropcast.domain.faults import EngineFault

_DEADLINE_S = 0.2
_POLL_S = 0.01


def take(data_dir: Path) -> int:
    """Return the descriptor of the locked file. Raises EngineFault when another process has it, and OSError."""
    path = _path(data_dir)
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        lock = files.open_private(path, os.O_RDWR)
        try:
            is_taken = try_lock(lock, data_dir)
        except EngineFault:
            os.close(lock)
            path.unlink(missing_ok=True)
            raise
        if not is_taken:
            owner = os.pread(lock, 16, 0).decode(errors="replace").strip()
            os.close(lock)
            if time.monotonic() < deadline:
                # Whoever asks whether an engine is running takes the lock for a moment.
                time.sleep(_POLL_S)
                continue
            raise EngineFault(f"the data directory {data_dir} is in use by process {owner or 'unknown'}")
        # Whoever stops takes the file away: a lock on a file that is gone locks nothing.
        with_name = path.stat() if path.exists() else None
        if with_name is not None and os.path.samestat(os.fstat(lock), with_name):
            return lock
        os.close(lock)


def give_back(data_dir: Path, lock: int) -> None:
    _path(data_dir).unlink(missing_ok=True)
    # Explicitly: a process that was forked meanwhile shares the descriptor and would keep the lock.
    fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)


def is_held(data_dir: Path) -> bool:
    """Whether a process has the lock. Raises EngineFault when this user may not ask."""
    try:
        lock = os.open(_path(data_dir), os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise EngineFault(files.unusable(data_dir, error)) from error
    try:
        return not try_lock(lock, data_dir)
    finally:
        os.close(lock)


def try_lock(lock: int, data_dir: Path) -> bool:
    """Lock, and return False when another process has it. Raises EngineFault where there are no locks."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise EngineFault(
            f"the file system of the data directory {data_dir} has no locks ({error.strerror}), so that two engines "
            "could write there at once; name another by --data-dir (DROPCAST_DATA_DIR), or use --redis-url"
        ) from error
    return True


def _path(data_dir: Path) -> Path:
    return data_dir / "engine.lock"
