"""Data directories as they really are: any umask, another user's, and file systems without modes, links or sockets.

The file systems are played at the call that fails there, with the answers that exfat-fuse gives: a real one needs a
driver and root.
"""

import errno
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

NOBODY = 65_534


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Return kind and mode of everything below a folder, as `ls -l` shows them; links have no mode of their own."""
    found = {}
    for path in folder.rglob("*"):
        # The engine takes files away while we look.
        with suppress(FileNotFoundError):
            if not path.is_symlink():
                found[str(path.relative_to(folder))] = stat.filemode(path.lstat().st_mode)
    return found


def keep_no_modes(patch: pytest.MonkeyPatch) -> None:
    """Every file is for everybody, whatever it was made with."""
    open_file = os.open

    def open_for_all(path: str, flags: int, mode: int = 0o777) -> int:
        descriptor = open_file(path, flags, mode)
        if flags & os.O_CREAT:
            os.chmod(path, 0o777)
        return descriptor

    patch.setattr(os, "open", open_for_all)


def have_no_links(patch: pytest.MonkeyPatch) -> None:
    def link(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(source), None, str(target))

    patch.setattr(os, "link", link)


def take_no_sockets(folder: Path, patch: pytest.MonkeyPatch) -> None:
    bind = socket.socket.bind

    def bind_elsewhere(self: socket.socket, address: str) -> None:
        if Path(address).is_relative_to(folder):
            # This driver makes a file before it fails.
            Path(address).touch()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        bind(self, address)

    patch.setattr(socket.socket, "bind", bind_elsewhere)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user reaches, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="dc-") as made:
        os.chmod(made, 0o755)
        yield Path(made)


_AS_NOBODY = f"""
import os, sys
from dropcast.cli import main
from dropcast.cli.commands import COMMANDS
for name in COMMANDS:
    main.get_command(None, name)
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
main(prog_name="dropcast")
"""


def run_as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of dropcast, one that starts no process, as a user without rights. Skips unless we are root.

    The user is changed when all is loaded, since another one may not read the checkout or its Python.
    """
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    return subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, *arguments], capture_output=True, text=True, timeout=50, cwd="/"
    )
