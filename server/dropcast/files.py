"""Files and folders that are for their owner alone, whatever the umask, and what is wrong with a place for them.

Whatever keeps data makes its files by this: the embedded engine and its lock (store), the development secret (edge).
`warnings` is for the operator: `dropcast serve` prints it when it is up.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

UMASK = 0o077
"""For a child that makes files of its own."""
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_DENIED = (errno.EACCES, errno.EPERM)
_UNSUPPORTED = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""What file systems answer to what they do not have: FAT, Windows drives in WSL, SMB shares, some of FUSE."""
_ELSEWHERE = "name another by --data-dir (DROPCAST_DATA_DIR)"


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone. Raises OSError."""
    for folder in reversed([path, *path.parents]):
        if folder.exists():
            continue
        with suppress(FileExistsError):
            folder.mkdir(mode=_FOLDER_MODE)
        if folder.stat().st_mode & _FOLDER_MODE != _FOLDER_MODE:
            # The umask took the owner's own rights.
            folder.chmod(_FOLDER_MODE)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def open_private(path: Path, flags: int) -> int:
    """Open a file, make it for its owner alone when it is missing, and return the descriptor. Raises OSError."""
    descriptor = os.open(path, flags | os.O_CREAT, _FILE_MODE)
    if os.fstat(descriptor).st_mode & _FILE_MODE != _FILE_MODE:
        with suppress(OSError):
            os.fchmod(descriptor, _FILE_MODE)
    return descriptor


def is_unsupported(error: OSError) -> bool:
    """Whether a call failed because the file system does not have what it is for."""
    return error.errno in _UNSUPPORTED


def keeps_modes(folder: Path) -> bool:
    """Whether a file in an existing folder can be made for its owner alone. Raises OSError."""
    path = folder / f".modes-{token_hex(4)}"
    descriptor = open_private(path, os.O_WRONLY | os.O_EXCL)
    try:
        return not os.fstat(descriptor).st_mode & UMASK
    finally:
        os.close(descriptor)
        path.unlink()


def takes_sockets(folder: Path) -> bool:
    """Whether the file system of a folder takes unix sockets; of one that is missing, that of the folder above."""
    error = _bind(folder)
    # Who may not write there is told so when the engine starts. Else any answer means no: some drivers say EIO.
    denied = (None, errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
    return error is None or error.errno in denied


def holds_sockets(folder: Path) -> bool:
    """Whether this user may make unix sockets in a folder."""
    return _bind(folder) is None


def _bind(folder: Path) -> OSError | None:
    """Make a socket in a folder, or the nearest one above that is there, and take it away. Return what went wrong."""
    there = _nearest((folder, *folder.parents))
    path = (there[0] if there is not None else folder) / f".{token_hex(4)}"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(str(path))
        except OSError as error:
            return error
        finally:
            # Some leave a file though they fail.
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return None


def unusable(folder: Path, error: OSError) -> str:
    """Return in a sentence why a data directory cannot be used, and what to do."""
    why = f"the data directory {folder} cannot be used: {error.strerror or error}"
    culprits = [Path(error.filename)] if isinstance(error.filename, str) else []
    found = _nearest((*culprits, folder, *folder.parents))
    if error.errno in _DENIED and found is not None:
        path, held = found
        return (
            f"{why}. {path} belongs to uid {held.st_uid} ({_mode(held)}), and this is uid {os.geteuid()}: "
            f"run as its owner, change its owner, or {_ELSEWHERE}"
        )
    return f"{why}; {_ELSEWHERE}"


def owner_of(path: Path) -> int | None:
    """Return the user whom a file or folder belongs to; None when there is none, or it may not be looked at."""
    found = _nearest((path,))
    return found[1].st_uid if found is not None else None


def warnings(data_dir: Path) -> list[str]:
    """Return what the operator of a server should change about its user and its data directory, in sentences."""
    found = []
    if os.geteuid() == 0:
        found.append(
            "the server runs as root; give it a user of its own: User= in a systemd unit, user: in a compose "
            "file, runAsUser in Kubernetes"
        )
    there = _nearest((data_dir,))
    if there is None:
        return found
    held = there[1]
    if held.st_uid != os.geteuid():
        found.append(
            f"the data directory {data_dir} belongs to uid {held.st_uid}, and the server runs as uid "
            f"{os.geteuid()}: commands must run as that user as well"
        )
    if held.st_mode & UMASK:
        found.append(f"others may enter the data directory {data_dir} ({_mode(held)}): {_cure(data_dir)}")
    return found


def _cure(folder: Path) -> str:
    with suppress(OSError):
        if not keeps_modes(folder):
            return f"its file system keeps no modes, as a Windows drive in WSL or an SMB share; {_ELSEWHERE}"
    return f"chmod 700 {folder}"


def _nearest(paths: Iterable[Path]) -> tuple[Path, os.stat_result] | None:
    """Return the first of several paths that is there, and what is known of it."""
    for path in paths:
        with suppress(OSError):
            return path, path.stat()
    return None


def _mode(found: os.stat_result) -> str:
    return f"mode {stat.S_IMODE(found.st_mode):04o}"
