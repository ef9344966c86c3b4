"""A room writes to each member exactly what was queued while it was one, in order, whatever others do."""

import asyncio

import pytest

from dropcast.hub.room import Payloads, Room
from tests.support.recorder import Recorder


class Gone(Recorder):
    """A member whose transport has just closed."""

    def __init__(self) -> None:
        super().__init__()
        self.write = self._fail

    def _fail(self, buffer: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>")


def texts(member: Recorder) -> list[str]:
    return [payload.decode() for payload in member.payloads]


def both(text: str) -> Payloads:
    return text.encode(), text.upper().encode()


async def settled(room: Room) -> None:
    while room.is_writing:  # noqa: ASYNC110 - each turn of the loop writes one slice
        await asyncio.sleep(0)


async def test_every_member_gets_its_own_codecs_frame() -> None:
    room, reader, packer = Room(slice_sockets=8), Recorder(0), Recorder(1)
    room.join(reader, "")
    room.join(packer, "")
    room.send(both("hi"))
    await settled(room)
    assert reader.buffers == [b"\x81\x02hi"]
    assert packer.buffers == [b"\x82\x02HI"]


async def test_what_gathers_in_one_turn_goes_out_as_one_buffer() -> None:
    room, member = Room(slice_sockets=8), Recorder()
    room.join(member, "")
    room.send(both("a"))
    room.send(both("b"))
    await settled(room)
    assert member.buffers == [b"\x81\x01a\x81\x01b"]


async def test_whoever_joins_between_two_messages_gets_only_the_second() -> None:
    room, early, late = Room(slice_sockets=8), Recorder(), Recorder()
    room.join(early, "")
    room.send(both("a"))
    room.join(late, "")
    room.send(both("b"))
    await settled(room)
    assert texts(early) == ["a", "b"]
    assert texts(late) == ["b"]


async def test_a_large_room_is_written_in_slices_and_joins_between_them_miss_nothing() -> None:
    room = Room(slice_sockets=2)
    members = [Recorder() for _ in range(5)]
    for member in members:
        room.join(member, "")
    room.send(both("a"))
    await asyncio.sleep(0)
    assert [len(member.buffers) for member in members] == [1, 1, 0, 0, 0]
    late = Recorder()
    room.join(late, "")
    room.send(both("b"))
    await settled(room)
    assert all(texts(member) == ["a", "b"] for member in members)
    assert texts(late) == ["b"]


async def test_whoever_leaves_is_written_nothing_more() -> None:
    room, stays, leaves = Room(slice_sockets=8), Recorder(), Recorder()
    room.join(leaves, "v")
    room.join(stays, "")
    room.send(both("a"))
    room.leave(leaves)
    await settled(room)
    assert leaves.buffers == []
    assert texts(stays) == ["a"]
    assert room.members_of("v") == []


async def test_one_dead_socket_costs_nobody_else_anything() -> None:
    room, members = Room(slice_sockets=2), [Recorder(), Gone(), Recorder()]
    for member in members:
        room.join(member, "")
    room.send(both("a"))
    await settled(room)
    assert [texts(member) for member in members] == [["a"], [], ["a"]]


async def test_a_viewers_sockets_are_found_by_the_viewer() -> None:
    room, one, two = Room(slice_sockets=2), Recorder(), Recorder(1)
    room.join(one, "ana")
    room.join(two, "ana")
    assert room.members_of("ana") == [one, two]
    room.leave(one)
    assert room.members_of("ana") == [two]
    assert len(room) == 1


async def test_to_join_twice_is_to_be_there_once() -> None:
    room, member = Room(slice_sockets=2), Recorder()
    room.join(member, "ana")
    room.join(member, "ana")
    assert len(room) == 1
    room.send(both("a"))
    await settled(room)
    assert texts(member) == ["a"]


@pytest.mark.parametrize("slice_sockets", [1, 3, 100])
async def test_order_holds_for_every_slice_size(slice_sockets: int) -> None:
    room, members = Room(slice_sockets=slice_sockets), [Recorder() for _ in range(7)]
    for index, member in enumerate(members):
        room.join(member, "")
        room.send(both(str(index)))
        await asyncio.sleep(0)
    await settled(room)
    for index, member in enumerate(members):
        assert texts(member) == [str(number) for number in range(index, 7)]


async def test_whoever_leaves_and_comes_back_is_not_written_what_was_queued_before() -> None:
    room, member, stays = Room(slice_sockets=8), Recorder(), Recorder()
    room.join(member, "ana")
    room.join(stays, "")
    room.send(both("a"))
    room.join(member, "ana")
    room.send(both("b"))
    await settled(room)
    assert texts(member) == ["b"]
    assert texts(stays) == ["a", "b"]
    assert room.members_of("ana") == [member]
