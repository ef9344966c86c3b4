"""How many files a worker may have open: the supervisor raises its own limit, and its workers inherit it.

Each connection is an open file, and many systems begin with a soft limit of 1,024. A worker that has reached the limit
accepts nobody.
"""

import resource

from dropcast.settings import Settings

OWN_FILES = 256
"""What a process has open beside its clients' connections: the engine's 64, pipes, listening sockets, the log; and
64 that a worker keeps free for them (edge/descriptors.py)."""


def connections_expected(settings: Settings) -> int:
    """Return how many connections one worker may have by these settings."""
    return settings.connections_max + settings.http_connections_max


def descriptors_needed(settings: Settings) -> int:
    """Return how many files one process may have open at once by these settings."""
    return connections_expected(settings) + OWN_FILES


def raise_limit(settings: Settings) -> str:
    """Raise the soft limit of this process to what the settings need, as far as the hard limit allows.

    It is never lowered, and never raised beyond the need: the hard limit may be a thousand million. Return a warning
    when the limit stays too low, or nothing.
    """
    needed = descriptors_needed(settings)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_enough(soft, needed):
        return ""
    limit = _raise_to(needed if _is_enough(hard, needed) else hard, soft, hard)
    if limit >= needed:
        return ""
    return (
        f"warning: a process may have {limit:,} files open at once, but {connections_expected(settings):,} "
        f"connections to a worker need {needed:,}: raise the limit (ulimit -Hn, LimitNOFILE= of systemd, "
        "ulimits.nofile of compose)"
    )


def _raise_to(wanted: int, soft: int, hard: int) -> int:
    """Set the soft limit to `wanted`, or to the half and so on where the system refuses it. Return what it is."""
    while wanted > soft:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS calls the hard limit unlimited, and has another one
            wanted //= 2
        else:
            return wanted
    return soft


def _is_enough(limit: int, needed: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= needed
