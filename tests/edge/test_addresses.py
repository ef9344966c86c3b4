"""Whose address it is: only trusted proxies are believed, and only what they have written themselves."""

import time

import pytest

from dropcast.edge.addresses import Addresses, Proxies, Requests, key_of
from dropcast.metrics import counts
from dropcast.settings import Settings

TRUSTED = "10.0.0.0/8, 192.168.1.1, fd00::/8, ::ffff:172.16.0.0/108, fe80::1"


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
        ("172.16.0.9", ["203.0.113.7"], "203.0.113.7"),
        ("fe80::1%eth0", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["fe80::2%eth1"], "fe80::2%eth1"),
        ("64:ff9b::10.0.0.1", ["203.0.113.7"], "64:ff9b::10.0.0.1"),
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
        ('for="[2001:db8::7]";by="a,b;for=6.6.6.6", for=10.2.2.2', "2001:db8::7"),
        ("for=203.0.113.7:4711, , for=10.2.2.2", "203.0.113.7"),
        ('for="203.0.113.7', "203.0.113.7"),
        ('for="x, for=203.0.113.7', "203.0.113.7"),
        ('for="x, for="[2001:db8::7]:4711"', "2001:db8::7"),
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


def test_a_header_of_commas_is_read_in_no_time() -> None:
    for header, value in (("x-forwarded-for", "," * 16_000), ("forwarded", '",' * 8_000)):
        proxies = Proxies(TRUSTED, header)
        began_s = time.process_time()
        assert proxies.client("10.0.0.1", headers(value, name=header)) == "10.0.0.1"
        assert time.process_time() - began_s < 0.1


@pytest.mark.parametrize(
    "name",
    ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "fly-client-ip"],
)
def test_a_header_from_a_peer_that_is_not_trusted_is_worth_a_word(name: str) -> None:
    for trusted in ("", "192.168.0.0/16"):
        told = Proxies(trusted, "x-forwarded-for").complaint("10.0.0.1", headers("1.2.3.4", name=name))
        assert "10.0.0.1" in told
        assert "trusted_proxies" in told
        assert name in told


def test_another_header_than_the_setting_names_is_worth_a_word_too() -> None:
    proxies = Proxies(TRUSTED, "forwarded")
    assert "proxy_header" in proxies.complaint("10.0.0.1", headers("1.2.3.4"))
    both = headers("1.2.3.4") + headers("for=1.2.3.4", name="forwarded")
    assert proxies.complaint("10.0.0.1", both) == ""
    assert proxies.complaint("203.0.113.7", headers("x", name="accept")) == ""


def counting(ipv4: int = 1_000, subscriber: int = 1_000, site: int = 1_000) -> Addresses:
    return Addresses(
        Settings(
            connections_per_address_max=ipv4,
            connections_per_ipv6_64_max=subscriber,
            connections_per_ipv6_48_max=site,
        )
    )


def test_connections_are_counted_in_and_out() -> None:
    addresses = counting(ipv4=2)
    before = counts.limited["connections_per_address_max"]
    assert [addresses.enter("203.0.113.7") for _ in range(3)] == [True, True, False]
    assert counts.limited["connections_per_address_max"] == before + 1
    assert addresses.enter("203.0.113.8")
    for _ in range(2):
        addresses.leave("203.0.113.7")
    assert addresses.enter("203.0.113.7")


def test_an_ipv6_network_of_64_bits_has_a_limit_of_its_own() -> None:
    addresses = counting(subscriber=1)
    before = counts.limited["connections_per_ipv6_64_max"]
    assert addresses.enter("2001:db8::1")
    assert not addresses.enter("2001:db8::ffff:2")
    assert addresses.enter("2001:db8:0:1::1")
    addresses.leave("2001:db8::1")
    addresses.leave("2001:db8::ffff:2")
    assert addresses.enter("2001:db8::3")
    assert counts.limited["connections_per_ipv6_64_max"] == before + 1


def test_and_so_has_one_of_48_bits() -> None:
    addresses = counting(site=2)
    before = counts.limited["connections_per_ipv6_48_max"]
    assert addresses.enter("2001:db8:0:1::1")
    assert addresses.enter("2001:db8:0:2::1")
    assert not addresses.enter("2001:db8:0:3::1")
    assert addresses.enter("2001:db8:1:1::1")
    assert counts.limited["connections_per_ipv6_48_max"] == before + 1


@pytest.mark.parametrize("wrapped", ["::ffff:203.0.113.7", "64:ff9b::203.0.113.7", "::ffff:cb00:7107"])
def test_an_ipv4_address_in_an_ipv6_one_is_itself(wrapped: str) -> None:
    addresses = counting(ipv4=1, subscriber=1, site=1)
    assert addresses.enter("203.0.113.7")
    assert not addresses.enter(wrapped)
    assert addresses.enter("::ffff:203.0.113.8")
    addresses.leave(wrapped)
    addresses.leave("203.0.113.7")
    assert addresses.enter(wrapped)


def test_hosts_of_one_wire_are_counted_each_by_itself() -> None:
    addresses = counting(subscriber=1, site=1)
    assert addresses.enter("fe80::1%eth0")
    assert addresses.enter("fe80::2%eth0")
    assert not addresses.enter("fe80::1%eth1")


def test_requests_under_way_are_counted_by_address() -> None:
    requests = Requests(Settings(requests_per_address_max=1))
    key = requests.enter("2001:db8::1")
    assert key is not None
    assert requests.enter("2001:db8::2") is None
    assert requests.enter("203.0.113.7") is not None
    assert requests.enter("") is not None
    requests.leave(key)
    assert requests.enter("2001:db8::3") is not None


def test_guests_are_counted_by_ipv4_address_or_ipv6_network_of_64_bits() -> None:
    assert key_of("203.0.113.7") == key_of("::ffff:203.0.113.7") != key_of("203.0.113.8")
    assert key_of("2001:db8::1") == key_of("2001:db8::ffff:2") != key_of("2001:db8:0:1::1")
