"""Which web pages may connect: browsers name the page's origin in a header, and apps name none. Pure.

Tokens never travel by cookie, so a foreign page can do nothing in a viewer's name; the list keeps it from using
the server, and its visitors' browsers, for shows of its own.
"""

from dropcast.settings import listed

_PORTS = {"http": 80, "https": 443}


class Origins:
    def __init__(self, allowed: str) -> None:
        """`allowed`: origins with commas; "*" is any."""
        names = listed(allowed)
        self.any = "*" in names
        self.listed = tuple(name.lower() for name in names if name != "*")

    def allow(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` may connect to the server that it calls `host`."""
        origin = origin.lower()
        return self.any or origin in self.listed or _is_own(origin, host.lower())


def _is_own(origin: str, host: str) -> bool:
    scheme, _, place = origin.partition("://")
    if not place or scheme not in _PORTS:
        return False
    port = f":{_PORTS[scheme]}"
    return place.removesuffix(port) == host.removesuffix(port)
