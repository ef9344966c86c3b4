"""The supervisor: the engine child, the worker processes and their listening sockets."""

from dropcast.supervisor.engine import Engine, open_engine
from dropcast.supervisor.running import Running, serve_until_stopped
from dropcast.supervisor.supervisor import StartFault, Supervisor, say_error_on_stderr, say_on_stderr

__all__ = [
    "Engine",
    "Running",
    "StartFault",
    "Supervisor",
    "open_engine",
    "say_error_on_stderr",
    "say_on_stderr",
    "serve_until_stopped",
]
