"""The very command that an operator is to run, with the engine of this server: for log lines, notes and errors.

Pure. A secret is never printed: an address with a password is left out, and the command says where it comes from.
"""

import shlex
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from dropcast.settings import Settings, flag_of, variable_of

ENGINE_SETTINGS = ("data_dir", "redis_url", "prefix")
"""The settings that name an engine and what is dropcast's in it: the options of every command that opens one."""

_DEFAULTS = Settings()


def operator_command(settings: Settings, *words: str) -> str:
    """Return `dropcast` with `words` and the flags that lead to the engine of `settings`, as a shell takes it.

    The data directory is written in full, so that the command may be run in any directory.
    """
    flags: list[str] = []
    environment = ""
    for name in ENGINE_SETTINGS:
        value = str(getattr(settings, name))
        if name == "data_dir":
            if settings.redis_url:
                continue
            value = str(Path(value).resolve())
        elif value == getattr(_DEFAULTS, name):
            continue
        elif name == "redis_url" and _has_password(value):
            environment = f" (with {variable_of(name)} as the server has it)"
            continue
        flags += [flag_of(name), value]
    return shlex.join(["dropcast", *words, *flags]) + environment


def _has_password(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.password) or "password" in parse_qs(parts.query, keep_blank_values=True)
