"""The supervisor: the engine child, the worker processes and their listening sockets."""

from dropcast.supervisor.engine import Engine, open_engine
from dropcast.supervisor.running import Running, serve_until_stopped
from dropcast.supervisor.supervisor import StartFault, Supervisor

__all__ = ["Engine", "Running", "StartFault", "Supervisor", "open_engine", "serve_until_stopped"]
