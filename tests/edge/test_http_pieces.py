"""Input is cut so that no piece reaches beyond the request it belongs to, however the network cut it before."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dropcast.edge.http_pieces import BODY_PIECE_BYTES, PIECE_BYTES, Pieces

HEAD = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def cut(*packets: bytes) -> list[bytes]:
    """Feed packets one by one; return the pieces of heads that come out."""
    pieces = Pieces()
    found = []
    for packet in packets:
        pieces.add(packet)
        while pieces.size:
            found.append(pieces.next())
    return found


def test_each_head_ends_a_piece() -> None:
    assert cut(HEAD * 3) == [HEAD] * 3


@given(st.lists(st.integers(0, 3 * len(HEAD)), max_size=6))
def test_no_piece_goes_beyond_the_end_of_a_head_however_packets_are_cut(places: list[int]) -> None:
    sent = HEAD * 3
    borders = [0, *sorted(places), len(sent)]
    pieces = cut(*(sent[a:b] for a, b in pairwise(borders)))
    assert b"".join(pieces) == sent
    so_far = 0
    for piece in pieces:
        assert so_far // len(HEAD) == (so_far + len(piece) - 1) // len(HEAD)
        so_far += len(piece)


def test_a_head_without_end_comes_in_small_pieces() -> None:
    pieces = cut(b"x" * (2 * PIECE_BYTES + 5))
    assert [len(piece) for piece in pieces] == [PIECE_BYTES, PIECE_BYTES, 5]


def test_a_body_with_a_length_ends_where_it_ends() -> None:
    pieces = Pieces()
    body = b"\r\n\r\n" * BODY_PIECE_BYTES
    pieces.begin_body(len(body))
    pieces.add(body + HEAD)
    taken = b"".join(pieces.next() for _ in range(4))
    assert taken == body
    pieces.begin_head()
    assert pieces.next() == HEAD
    assert pieces.size == 0


def test_a_chunked_body_ends_a_piece_too() -> None:
    pieces = Pieces()
    pieces.begin_body(None)
    pieces.add(b"3\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n" + HEAD)
    assert pieces.next() == b"3\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n"
    pieces.begin_head()
    assert pieces.next() == HEAD


def test_what_waits_can_be_taken_as_it_is() -> None:
    pieces = Pieces()
    pieces.add(HEAD + b"rest")
    assert pieces.next() == HEAD
    assert pieces.take_all() == b"rest"
    assert pieces.size == 0
