"""Whose connection it is, by address, and how many each address has. Pure but for the counting.

Behind a proxy the peer is the proxy: a trusted one names the client in a header. Of that header only the part that
trusted proxies wrote is believed: read from the right, the first address that is no trusted proxy is the client.
An IPv6 client has at least the /64 around its address, and often a /48: both are counted.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from dropcast.metrics import counts
from dropcast.settings import Settings, listed

Headers = Sequence[tuple[bytes, bytes]]
"""Lower-case names, values as sent."""

FORWARDED_HEADERS = frozenset(
    (
        b"x-forwarded-for",
        b"forwarded",
        b"x-real-ip",
        b"cf-connecting-ip",
        b"true-client-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"x-envoy-external-address",
        b"x-azure-clientip",
    )
)
"""By which proxies name their client. Only the one that the setting `proxy_header` names is ever believed."""

_SUBSCRIBER_BITS = 64
_SITE_BITS = 48
_NAT64 = IPv6Network("64:ff9b::/96")
"""A translator's clients: the last 32 bits are their IPv4 address."""
_MAPPED = IPv6Network("::ffff:0:0/96")
_LAST_32_BITS = 2**32 - 1
# What stands between commas, or semicolons, that are not in quotes. Each sign is looked at once.
_BETWEEN_COMMAS = re.compile(r'(?:[^",]|"[^"]*"?)+')
_BETWEEN_SEMICOLONS = re.compile(r'(?:[^";]|"[^"]*"?)+')

Address = IPv4Address | IPv6Address


class Proxies:
    """The proxies whose word is taken."""

    def __init__(self, networks: str, header: str) -> None:
        """`networks` are addresses or networks with commas."""
        self._networks = tuple(_unmapped(ip_network(network)) for network in listed(networks))
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
        for part in reversed(_parts(values, self._header)):
            hop = _address(part, self._header) if self.trusts(address) else None
            if hop is None:
                break
            address = hop
        return address

    def complaint(self, peer: str, headers: Headers) -> str:
        """Return what is odd about how a proxy names its client: "" when nothing is.

        That is a header from a peer that is not trusted, or another header than the setting names.
        """
        names = FORWARDED_HEADERS.intersection(dict(headers))
        if not names:
            return ""
        header = min(names).decode()
        if not self.trusts(peer):
            return (
                f"{peer} sent the header {header}, but is not in trusted_proxies: if it is a proxy of yours, all "
                "its clients count as one address until trusted_proxies names it"
            )
        if self._header not in names:
            return (
                f"the trusted proxy {peer} sent the header {header}, but proxy_header is "
                f"{self._header.decode()}: all its clients count as one address"
            )
        return ""


class Addresses:
    """Counts connections by IPv4 address, and by IPv6 networks of 64 and of 48 bits."""

    def __init__(self, settings: Settings) -> None:
        self._ipv4_max = settings.connections_per_address_max
        self._subscriber_max = settings.connections_per_ipv6_64_max
        self._site_max = settings.connections_per_ipv6_48_max
        self._counts: dict[object, int] = {}

    def enter(self, address: str) -> bool:
        """Count one in; False when it is one too many. It must `leave` either way."""
        keys = _keys(address)
        for key in keys:
            self._counts[key] = self._counts.get(key, 0) + 1
        if len(keys) == 1:
            if self._counts[keys[0]] > self._ipv4_max:
                counts.limited["connections_per_address_max"] += 1
                return False
            return True
        if self._counts[keys[0]] > self._subscriber_max:
            counts.limited["connections_per_ipv6_64_max"] += 1
            return False
        if self._counts[keys[1]] > self._site_max:
            counts.limited["connections_per_ipv6_48_max"] += 1
            return False
        return True

    def leave(self, address: str) -> None:
        for key in _keys(address):
            _take_off(self._counts, key)


class Requests:
    """Counts HTTP requests under way by IPv4 address or IPv6 /64."""

    def __init__(self, settings: Settings) -> None:
        self._most = settings.requests_per_address_max
        self._counts: dict[object, int] = {}

    def enter(self, address: str) -> object | None:
        """Count one in and return what to `leave` by; None when it is one too many, which is not counted in."""
        key = _keys(address)[0]
        count = self._counts.get(key, 0)
        if count >= self._most:
            counts.limited["requests_per_address_max"] += 1
            return None
        self._counts[key] = count + 1
        return key

    def leave(self, key: object) -> None:
        _take_off(self._counts, key)


def _take_off(numbers: dict[object, int], key: object) -> None:
    if numbers[key] == 1:
        del numbers[key]
    else:
        numbers[key] -= 1


def _keys(address: str) -> tuple[object, ...]:
    """Return what an address is counted under: one key for IPv4, two for IPv6, the narrower network first."""
    if ":" not in address:
        return (address,)
    found = _parse(address)
    if not isinstance(found, IPv6Address):
        return (str(found),)
    bits = int(found)
    if found in _NAT64:
        return (str(IPv4Address(bits & _LAST_32_BITS)),)
    if found.is_link_local or found.is_loopback:
        # Hosts of one wire share such a network: each is counted by itself.
        return (bits, 128), (bits, 129)
    return (bits >> (128 - _SUBSCRIBER_BITS), _SUBSCRIBER_BITS), (bits >> (128 - _SITE_BITS), _SITE_BITS)


def _parse(text: str) -> Address | None:
    """Return the address, an IPv4 one when IPv6 wraps it; None when it is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the IPv4 network that is meant by ::ffff:10.0.0.0/104; others as they are."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        address = IPv4Address(int(network.network_address) & _LAST_32_BITS)
        return IPv4Network((address, network.prefixlen - _MAPPED.prefixlen))
    return network


def _parts(values: bytes, header: bytes) -> list[str]:
    """Return the parts of a header that is a list; in the standard one a comma may stand in quotes."""
    text = values.decode("latin-1")
    if header == b"forwarded" and text.count('"') % 2 == 0:
        return [part for part in _BETWEEN_COMMAS.findall(text) if not part.isspace()]
    # A quote that is left open must not hide what a proxy wrote behind it.
    return text.split(",")


def _address(hop: str, header: bytes) -> str | None:
    """Return the address in one part of the header; None when it hides or is no address."""
    text = hop.strip()
    if header == b"forwarded":
        pairs = (pair.partition("=") for pair in _BETWEEN_SEMICOLONS.findall(text))
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
    return str(_keys(address)[0])
