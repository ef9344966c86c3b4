"""What a host stands for, and where this machine itself reaches it."""

import socket

import pytest

from dropcast.host_addresses import addresses_of


def hosts(host: str) -> list[str]:
    return [str(address.name[0]) for address in addresses_of(host, 8470)]


def test_an_address_stands_for_itself() -> None:
    assert hosts("127.0.0.1") == ["127.0.0.1"]
    assert hosts("0.0.0.0") == ["0.0.0.0"]
    assert hosts("::1") == ["::1"]


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST"])
def test_localhost_stands_for_both_loopback_addresses(name: str) -> None:
    assert hosts(name) == ["127.0.0.1", "::1"]


@pytest.mark.parametrize("name", ["::", "0::0"])
def test_every_address_of_ipv6_is_every_address_of_ipv4_too_where_there_is_no_ipv6(name: str) -> None:
    first, second = addresses_of(name, 8470)
    assert (first.name[0], first.only_instead) == ("::", False)
    assert (second.name[0], second.only_instead) == ("0.0.0.0", True)


def test_a_name_stands_for_each_address_that_it_has_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"10.0.0.{last}", 8470)) for last in (1, 2, 1)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert hosts("shop.internal") == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("host", ["", "no.such.host.invalid", "a" * 70 + ".example", "[::1]"])
def test_what_stands_for_nothing_is_an_error_of_the_system(host: str) -> None:
    with pytest.raises(OSError, match=r"\[Errno") as raised:
        addresses_of(host, 8470)
    assert raised.value.strerror


@pytest.mark.parametrize(
    ("host", "urls"),
    [
        ("127.0.0.2", ["http://127.0.0.2:8470"]),
        ("0.0.0.0", ["http://127.0.0.1:8470"]),
        ("::", ["http://[::1]:8470", "http://127.0.0.1:8470"]),
        ("localhost", ["http://127.0.0.1:8470", "http://[::1]:8470"]),
    ],
)
def test_this_machine_reaches_it_by_addresses_that_can_be_called(host: str, urls: list[str]) -> None:
    assert [address.from_here().url for address in addresses_of(host, 8470)] == urls
