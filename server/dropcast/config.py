"""What the supervisor gives each worker process, as one line of JSON on its standard input."""

import msgspec

from dropcast.settings import Settings


class WorkerConfig(msgspec.Struct, frozen=True, kw_only=True):
    settings: Settings
    """With every secret resolved."""
    engine_url: str
    name: str
    """The worker's name within this server, such as "w0"."""
    listen_fds: tuple[int, ...]
    """The inherited listening sockets: one for each address that the host stands for."""
    ready_fd: int
    """Where the worker writes one byte once it accepts connections."""
    server: str = ""
    """The id of this run of the server, the same for all its workers."""
    metrics_fd: int = -1
    """The sheet of memory where the worker shares what it has counted; -1: nobody asks."""
