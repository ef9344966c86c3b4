"""Which web pages and app shells may connect: each names its origin in a header; native apps name none. Pure.

The websocket and CORS ask the same object. Tokens never travel by cookie, so a foreign page can do nothing in a
viewer's name; the list keeps it from using the server, and its visitors' browsers, for shows of its own.
"""

from dropcast.settings import listed

_PORTS = {"http": 80, "https": 443}


class Origins:
    def __init__(self, allowed: str) -> None:
        """`allowed`: origins with commas, such as https://shop.example or capacitor://localhost; "*" is any."""
        names = listed(allowed)
        self.any = "*" in names
        self.listed = frozenset(_normal(name) for name in names if name != "*")

    def allow(self, origin: str, host: str = "") -> bool:
        """Whether a page of `origin` may connect to the server that it calls `host`.

        "null", which any sandboxed page and any file may send, is allowed by "*" alone.
        """
        return self.any or _normal(origin) in self.listed or _is_own(origin, host)


def _normal(origin: str) -> str:
    """Return the origin as it is compared: in lower case, without the port that its scheme has by default."""
    origin = origin.lower()
    scheme = origin.partition("://")[0]
    return origin.removesuffix(f":{_PORTS[scheme]}") if scheme in _PORTS else origin


def _is_own(origin: str, host: str) -> bool:
    scheme, _, place = origin.lower().partition("://")
    if not place or scheme not in _PORTS:
        return False
    port = f":{_PORTS[scheme]}"
    return place.removesuffix(port) == host.lower().removesuffix(port)
