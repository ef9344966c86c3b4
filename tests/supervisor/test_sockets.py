"""Listening sockets: every address that a host stands for, on one port, for both ports by the same rule."""

import errno
import socket
from collections.abc import Callable

import pytest

from dropcast.host_addresses import Address
from dropcast.settings import SettingsError
from dropcast.supervisor import sockets
from dropcast.supervisor.scraping import Scraping
from dropcast.supervisor.sockets import Listeners


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


async def no_page() -> str:
    return ""


def for_the_api(host: str, port: int) -> tuple[int, Callable[[], None]]:
    listeners = Listeners(host, port, 2)
    return listeners.port, listeners.close


def for_the_metrics(host: str, port: int) -> tuple[int, Callable[[], None]]:
    scraping = Scraping(host, port, no_page)
    bound = scraping._sockets

    def close() -> None:
        for each in bound:
            each.close()

    return int(bound[0].getsockname()[1]), close


PORTS = pytest.mark.parametrize("listen", [for_the_api, for_the_metrics])
Listen = Callable[[str, int], tuple[int, Callable[[], None]]]


def reaches(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


@PORTS
@pytest.mark.parametrize(
    ("host", "reached"),
    [
        pytest.param("localhost", {"127.0.0.1", "::1"}, marks=needs_ipv6),
        pytest.param("::", {"127.0.0.1", "::1"}, marks=needs_ipv6),
        pytest.param("::1", {"::1"}, marks=needs_ipv6),
        ("127.0.0.1", {"127.0.0.1"}),
        ("0.0.0.0", {"127.0.0.1"}),
    ],
)
def test_a_host_is_reached_by_every_address_that_it_stands_for(
    listen: Listen, host: str, reached: set[str]
) -> None:
    port, close = listen(host, 0)
    try:
        assert {address for address in ("127.0.0.1", "::1") if reaches(address, port)} == reached
    finally:
        close()
    assert not any(reaches(address, port) for address in ("127.0.0.1", "::1"))


@PORTS
@needs_ipv6
@pytest.mark.parametrize(
    ("host", "taken_at"), [("localhost", "::1"), ("localhost", "127.0.0.1"), ("::", "127.0.0.1")]
)
def test_a_port_that_is_taken_on_one_address_is_refused_and_nothing_stays_bound(
    listen: Listen, host: str, taken_at: str
) -> None:
    family = socket.AF_INET6 if ":" in taken_at else socket.AF_INET
    with socket.create_server((taken_at, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="cannot listen there"):
            listen(host, port)
    other = "127.0.0.1" if ":" in taken_at else "::1"
    assert not reaches(other, port)


@PORTS
@pytest.mark.parametrize("host", ["", "no.such.host.invalid", "a" * 70 + ".example", "192.0.2.1"])
def test_a_host_that_stands_for_nothing_here_is_a_setting_that_is_wrong(listen: Listen, host: str) -> None:
    with pytest.raises(SettingsError, match=f"host={host}, .*cannot listen there: ."):
        listen(host, 0)


@needs_ipv6
def test_a_free_port_is_free_on_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    refuse = sockets._refuse_taken

    def taken_twice(address: Address) -> None:
        tries.append(address.name[1])
        if len(tries) <= 2:
            raise OSError(errno.EADDRINUSE, "taken")
        refuse(address)

    monkeypatch.setattr(sockets, "_refuse_taken", taken_twice)
    with Listeners("localhost", 0, 2) as listeners:
        assert len(tries) == 3
        assert {bound.getsockname()[1] for copy in listeners.sockets for bound in copy} == {listeners.port}
        assert listeners.urls == [f"http://127.0.0.1:{listeners.port}", f"http://[::1]:{listeners.port}"]


@PORTS
@pytest.mark.parametrize("host", ["localhost", "::"])
@pytest.mark.parametrize("lacks", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_family_that_the_machine_lacks_is_left_out(
    listen: Listen, host: str, lacks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = sockets._open

    def without_ipv6(address: Address, *, shared: bool = True) -> socket.socket:
        if address.family == socket.AF_INET6:
            raise OSError(lacks, "there is no IPv6")
        return opens(address, shared=shared)

    monkeypatch.setattr(sockets, "_open", without_ipv6)
    port, close = listen(host, 0)
    try:
        assert reaches("127.0.0.1", port)
    finally:
        close()
    with pytest.raises(SettingsError, match="there is no IPv6"):
        listen("::1", 0)


def test_each_worker_has_a_socket_of_its_own_on_each_address() -> None:
    with Listeners("127.0.0.1", 0, 3) as listeners:
        descriptors = {bound.fileno() for copy in listeners.sockets for bound in copy}
        assert [len(copy) for copy in listeners.sockets] == [1, 1, 1]
        assert len(descriptors) == 3
