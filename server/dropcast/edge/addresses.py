"""Whose connection it is, by address, and how many each address has. Pure but for the counting.

Behind a proxy the peer is the proxy: a trusted one names the client in a header. Of that header only the part that
trusted proxies wrote is believed: read from the right, the first address that is no trusted proxy is the client.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from dropcast.settings import listed

Headers = Sequence[tuple[bytes, bytes]]
"""Lower-case names, values as sent."""

_IPV6_PREFIX = 64
"""Whoever has one IPv6 address usually has the /64 around it."""


class Proxies:
    """The proxies whose word is taken."""

    def __init__(self, networks: str, header: str) -> None:
        """`networks` are addresses or networks with commas."""
        self._networks = tuple(ip_network(network) for network in listed(networks))
        self._header = header.encode()

    def trusts(self, address: str) -> bool:
        if not self._networks:
            return False
        found = _parse(address)
        return found is not None and any(found in network for network in self._networks)

    def client(self, peer: str, headers: Headers) -> str:
        """Return the client's address: `peer`, or whom trusted proxies name."""
        if not self._networks:
            return peer
        address = peer
        values = b",".join(value for name, value in headers if name == self._header)
        hops = [_address(hop, self._header) for hop in reversed(values.decode("latin-1").split(","))]
        for hop in hops:
            if not self.trusts(address) or hop is None:
                break
            address = hop
        return address


class Addresses:
    """Counts connections by address: an IPv6 one stands for its /64."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, int] = {}

    def enter(self, address: str) -> bool:
        """Count one in; False when it is one too many. It must `leave` either way."""
        key = _key(address)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return count <= self._most

    def leave(self, address: str) -> None:
        key = _key(address)
        if self._counts[key] == 1:
            del self._counts[key]
        else:
            self._counts[key] -= 1


def _key(address: str) -> str:
    if ":" not in address:
        return address
    found = _parse(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, _IPV6_PREFIX), strict=False))
    return str(found)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, an IPv4 one when IPv6 wraps it; None when it is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped if mapped is not None else found


def _address(hop: str, header: bytes) -> str | None:
    """Return the address in one part of the header; None when it hides or is no address."""
    text = hop.strip()
    if header == b"forwarded":
        pairs = (pair.partition("=") for pair in text.split(";"))
        text = next(
            (value.strip().strip('"') for name, _, value in pairs if name.strip().lower() == "for"), ""
        )
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text if _parse(text) is not None else None


@lru_cache(maxsize=10_000)
def key_of(address: str) -> str:
    """Return what the guests of an address are counted under: an IPv4 address, or an IPv6 /64."""
    return _key(address)
