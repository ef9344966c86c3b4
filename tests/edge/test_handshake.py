"""The handshake takes what RFC 6455 asks for and says clearly what is wrong with anything else."""

import pytest

from dropcast.edge.handshake import Accepted, Rejected, answer

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
GOOD = [(b"sec-websocket-version", b"13"), (b"sec-websocket-key", KEY)]


def test_the_rfcs_own_example_is_answered_with_the_rfcs_accept_value() -> None:
    accepted = answer(GOOD)
    assert isinstance(accepted, Accepted)
    assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in accepted.response
    assert accepted.codec.text


def test_the_first_known_subprotocol_is_taken_and_named() -> None:
    accepted = answer([*GOOD, (b"sec-websocket-protocol", b"other, dropcast.v1.msgpack, dropcast.v1.json")])
    assert isinstance(accepted, Accepted)
    assert not accepted.codec.text
    assert b"sec-websocket-protocol: dropcast.v1.msgpack\r\n" in accepted.response


def test_extensions_are_never_taken() -> None:
    accepted = answer([*GOOD, (b"sec-websocket-extensions", b"permessage-deflate")])
    assert b"extensions" not in accepted.response


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], b"426"),
        ([(b"sec-websocket-version", b"8"), GOOD[1]], b"426"),
        ([GOOD[0]], b"400"),
        ([GOOD[0], (b"sec-websocket-key", b"short")], b"400"),
        ([GOOD[0], (b"sec-websocket-key", b"!!!!")], b"400"),
        ([*GOOD, (b"sec-websocket-key", KEY)], b"400"),
        ([*GOOD, (b"sec-websocket-protocol", b"graphql-ws")], b"400"),
    ],
)
def test_a_bad_handshake_is_refused_with_its_status(
    headers: list[tuple[bytes, bytes]], status: bytes
) -> None:
    rejected = answer(headers)
    assert isinstance(rejected, Rejected)
    assert rejected.response.startswith(b"HTTP/1.1 " + status)
