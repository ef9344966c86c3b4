"""The server's address as Locust, HTTP and the SDK have it. Pure."""

from urllib.parse import urlsplit


def http_url(host: str) -> str:
    """Return an address of the server as HTTP has it. Raises ValueError."""
    return _with_scheme(host, {"ws": "http", "wss": "https", "http": "http", "https": "https"})


def live_url(host: str) -> str:
    """Return an address of the server as the SDK takes it. Raises ValueError."""
    return _with_scheme(host, {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"})


def _with_scheme(host: str, schemes: dict[str, str]) -> str:
    parts = urlsplit(host.rstrip("/"))
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"the server's address begins with ws:// or http://, and {host!r} does not")
    return parts._replace(scheme=schemes[parts.scheme]).geturl()


def is_local(url: str) -> bool:
    """Whether the server is on this machine, as far as its address tells."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
