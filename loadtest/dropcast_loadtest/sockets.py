"""How many sockets a process of the load test may open."""

import resource

_SOCKETS_MAX = 65_536


def allow_many_sockets() -> None:
    """Raise the process's own limit as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SOCKETS_MAX if hard == resource.RLIM_INFINITY else min(hard, _SOCKETS_MAX)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
