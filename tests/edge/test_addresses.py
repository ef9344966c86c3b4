"""Whose address it is: only trusted proxies are believed, and only what they have written themselves."""

import pytest

from dropcast.edge.addresses import Addresses, Proxies
from dropcast.settings import Settings

TRUSTED = "10.0.0.0/8, 192.168.1.1, fd00::/8"


def headers(*values: str, name: str = "x-forwarded-for") -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for value in values]


@pytest.mark.parametrize(
    ("peer", "values", "client"),
    [
        ("203.0.113.7", ["1.2.3.4"], "203.0.113.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 192.168.1.1, 10.9.9.9"], "203.0.113.7"),
        ("10.0.0.1", ["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        ("10.0.0.1", ["203.0.113.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, nonsense, 10.3.3.3"], "10.3.3.3"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7\xff"], "10.0.0.1"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_trusted_proxy(
    peer: str, values: list[str], client: str
) -> None:
    assert Proxies(TRUSTED, "x-forwarded-for").client(peer, headers(*values)) == client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ('For="[2001:db8::7]:4711";proto=https', "2001:db8::7"),
        ("for=6.6.6.6, by=10.0.0.1;for=203.0.113.7;host=x", "203.0.113.7"),
        ("for=_hidden", "10.0.0.1"),
        ("for=unknown, for=10.2.2.2", "10.2.2.2"),
        ("proto=https", "10.0.0.1"),
    ],
)
def test_the_standard_header_says_the_same(value: str, client: str) -> None:
    proxies = Proxies(TRUSTED, "forwarded")
    assert proxies.client("10.0.0.1", headers(value, name="forwarded")) == client


def test_only_the_header_that_the_proxies_write_is_read() -> None:
    forged = headers("6.6.6.6", name="forwarded") + headers("203.0.113.7")
    assert Proxies(TRUSTED, "x-forwarded-for").client("10.0.0.1", forged) == "203.0.113.7"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert Proxies("", "x-forwarded-for").client("10.0.0.1", headers("203.0.113.7")) == "10.0.0.1"


def test_connections_are_counted_in_and_out() -> None:
    addresses = Addresses(Settings(connections_per_address_max=2))
    assert [addresses.enter("203.0.113.7") for _ in range(3)] == [True, True, False]
    assert addresses.enter("203.0.113.8")
    for _ in range(2):
        addresses.leave("203.0.113.7")
    assert addresses.enter("203.0.113.7")


def test_an_ipv6_network_of_64_bits_is_one_address_and_an_ipv4_one_in_ipv6_is_itself() -> None:
    addresses = Addresses(Settings(connections_per_address_max=1, connections_per_ipv6_64_max=1))
    assert addresses.enter("2001:db8::1")
    assert not addresses.enter("2001:db8::ffff:2")
    assert addresses.enter("2001:db8:0:1::1")
    assert addresses.enter("203.0.113.7")
    assert not addresses.enter("::ffff:203.0.113.7")
    assert addresses.enter("::ffff:203.0.113.8")
