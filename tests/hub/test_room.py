"""A room writes to each member exactly what was queued while it was one, in order, whatever others do."""

import asyncio

import pytest

from dropcast.hub.room import Room


class Recorder:
    """A member that keeps what it is written."""

    is_open = True

    def __init__(self, codec_index=0):
        self.codec_index = codec_index
        self.frames = []

    def write(self, buffer):
        self.frames.append(buffer)

    @property
    def text(self):
        """The payloads, without the two-byte heads of short frames."""
        joined, payloads = b"".join(self.frames), []
        while joined:
            size = joined[1]
            payloads.append(joined[2 : 2 + size].decode())
            joined = joined[2 + size :]
        return payloads


class Gone(Recorder):
    def write(self, buffer):
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>")


def both(text):
    return text.encode(), text.upper().encode()


async def settled(room):
    while room.is_writing:  # noqa: ASYNC110 - each turn of the loop writes one slice
        await asyncio.sleep(0)


async def test_every_member_gets_its_own_codecs_frame():
    room, reader, packer = Room(slice_sockets=8), Recorder(0), Recorder(1)
    room.join(reader, "")
    room.join(packer, "")
    room.send(both("hi"))
    await settled(room)
    assert reader.frames == [b"\x81\x02hi"]
    assert packer.frames == [b"\x82\x02HI"]


async def test_what_gathers_in_one_turn_goes_out_as_one_buffer():
    room, member = Room(slice_sockets=8), Recorder()
    room.join(member, "")
    room.send(both("a"))
    room.send(both("b"))
    await settled(room)
    assert member.frames == [b"\x81\x01a\x81\x01b"]


async def test_whoever_joins_between_two_messages_gets_only_the_second():
    room, early, late = Room(slice_sockets=8), Recorder(), Recorder()
    room.join(early, "")
    room.send(both("a"))
    room.join(late, "")
    room.send(both("b"))
    await settled(room)
    assert early.text == ["a", "b"]
    assert late.text == ["b"]


async def test_a_large_room_is_written_in_slices_and_joins_between_them_miss_nothing():
    room = Room(slice_sockets=2)
    members = [Recorder() for _ in range(5)]
    for member in members:
        room.join(member, "")
    room.send(both("a"))
    await asyncio.sleep(0)
    assert [len(member.frames) for member in members] == [1, 1, 0, 0, 0]
    late = Recorder()
    room.join(late, "")
    room.send(both("b"))
    await settled(room)
    assert all(member.text == ["a", "b"] for member in members)
    assert late.text == ["b"]


async def test_whoever_leaves_is_written_nothing_more():
    room, stays, leaves = Room(slice_sockets=8), Recorder(), Recorder()
    room.join(leaves, "v")
    room.join(stays, "")
    room.send(both("a"))
    room.leave(leaves)
    await settled(room)
    assert leaves.frames == []
    assert stays.text == ["a"]
    assert room.members_of("v") == []


async def test_one_dead_socket_costs_nobody_else_anything():
    room, members = Room(slice_sockets=2), [Recorder(), Gone(), Recorder()]
    for member in members:
        room.join(member, "")
    room.send(both("a"))
    await settled(room)
    assert [member.text for member in members] == [["a"], [], ["a"]]


async def test_a_viewers_sockets_are_found_by_the_viewer():
    room, one, two = Room(slice_sockets=2), Recorder(), Recorder(1)
    room.join(one, "ana")
    room.join(two, "ana")
    assert room.members_of("ana") == [one, two]
    room.leave(one)
    assert room.members_of("ana") == [two]
    assert len(room) == 1


async def test_to_join_twice_is_to_be_there_once():
    room, member = Room(slice_sockets=2), Recorder()
    room.join(member, "ana")
    room.join(member, "ana")
    assert len(room) == 1
    room.send(both("a"))
    await settled(room)
    assert member.text == ["a"]


@pytest.mark.parametrize("slice_sockets", [1, 3, 100])
async def test_order_holds_for_every_slice_size(slice_sockets):
    room, members = Room(slice_sockets=slice_sockets), [Recorder() for _ in range(7)]
    for index, member in enumerate(members):
        room.join(member, "")
        room.send(both(str(index)))
        await asyncio.sleep(0)
    await settled(room)
    for index, member in enumerate(members):
        assert member.text == [str(number) for number in range(index, 7)]
