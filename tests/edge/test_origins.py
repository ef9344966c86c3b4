"""Which pages and app shells may connect: those of the server itself, and those that are listed."""

import pytest

from dropcast.edge.origins import Origins


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("https://shop.example", "live.example", True),
        ("HTTPS://Shop.Example", "live.example", True),
        ("http://localhost:5173", "127.0.0.1:8470", True),
        ("http://shop.example", "live.example", False),
        ("https://shop.example.evil.example", "live.example", False),
        ("https://shop.example:444", "live.example", False),
        ("https://live.example", "live.example", True),
        ("https://live.example", "live.example:443", True),
        ("http://127.0.0.1:8470", "127.0.0.1:8470", True),
        ("http://127.0.0.1:9000", "127.0.0.1:8470", False),
        ("null", "live.example", False),
        ("", "", False),
        ("file://", "", False),
        ("https://shop.example:443", "live.example", True),
        ("http://shop.example:443", "live.example", False),
        ("capacitor://localhost", "live.example", True),
        ("Ionic://localhost", "live.example", True),
        ("tauri://localhost", "live.example", True),
        ("chrome-extension://abcdefghijklmnop", "live.example", True),
        ("capacitor://localhost.evil.example", "live.example", False),
        ("capacitor://localhost:80", "live.example", False),
        ("capacitor://live.example", "live.example", False),
        ("https://odd.example", "live.example", True),
    ],
)
def test_a_page_may_connect_when_it_is_listed_or_the_servers_own(
    origin: str, host: str, allowed: bool
) -> None:
    listed = (
        "https://shop.example, http://localhost:5173, capacitor://localhost, ionic://localhost, tauri://localhost,"
        "chrome-extension://abcdefghijklmnop, https://odd.example:443"
    )
    assert Origins(listed).allow(origin, host) is allowed


def test_without_a_list_only_the_servers_own_pages_may() -> None:
    assert Origins("").allow("http://127.0.0.1:8470", "127.0.0.1:8470")
    assert not Origins("").allow("https://shop.example", "127.0.0.1:8470")


def test_a_star_is_any_origin() -> None:
    assert Origins("*").allow("null", "live.example")
