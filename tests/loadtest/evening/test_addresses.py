"""One address of the server serves HTTP and the SDK, whichever of the two it is written for."""

import pytest

from dropcast_loadtest.evening.addresses import http_url, is_local, live_url


@pytest.mark.parametrize(
    ("host", "http", "live"),
    [
        ("ws://localhost:8470", "http://localhost:8470", "ws://localhost:8470"),
        ("http://localhost:8470/", "http://localhost:8470", "ws://localhost:8470"),
        ("wss://shop.example/drops", "https://shop.example/drops", "wss://shop.example/drops"),
        ("https://shop.example", "https://shop.example", "wss://shop.example"),
    ],
)
def test_an_address_is_taken_in_either_form(host: str, http: str, live: str) -> None:
    assert http_url(host) == http
    assert live_url(host) == live


@pytest.mark.parametrize("host", ["", "localhost:8470", "ftp://localhost", "ws://"])
def test_what_is_no_address_of_a_server_is_told(host: str) -> None:
    with pytest.raises(ValueError, match="begins with ws:// or http://"):
        live_url(host)


def test_a_name_that_only_begins_like_this_machine_is_another() -> None:
    assert is_local("ws://localhost:8470")
    assert is_local("http://[::1]:8470")
    assert not is_local("wss://localhost.example")
