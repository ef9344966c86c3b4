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
    assert not room.members_of("v")


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


class Choked(Recorder):
    """A member that takes nothing for now."""

    def __init__(self) -> None:
        super().__init__()
        self.missed: list[bytes] = []
        self.write = self._skip

    def _skip(self, buffer: bytes) -> bool:
        self.missed.append(buffer)
        return True

    def drain(self) -> None:
        self.write = self.buffers.append


async def test_a_member_that_takes_nothing_is_behind_from_the_first_message_it_missed() -> None:
    room, slow, quick = Room(slice_sockets=8), Choked(), Recorder()
    room.position = ("e", 4)
    room.join(slow, "")
    room.join(quick, "")
    room.send(both("5"), ("e", 5))
    await settled(room)
    room.send(both("stock"))
    room.send(both("6"), ("e", 6))
    await settled(room)
    assert room.behind(slow) == ("e", 4)
    assert room.behind(quick) is None
    assert texts(quick) == ["5", "stock", "6"]
    assert texts(slow) == []


async def test_only_what_was_missed_counts_not_what_was_written_before() -> None:
    room, slow = Room(slice_sockets=8), Choked()
    room.join(slow, "")
    skip = slow.write
    slow.drain()
    room.send(both("1"), ("e", 1))
    await settled(room)
    slow.write = skip
    room.send(both("2"), ("e", 2))
    await settled(room)
    assert room.behind(slow) == ("e", 1)


async def test_a_member_that_was_caught_up_is_not_written_what_was_queued_before() -> None:
    room, slow, quick = Room(slice_sockets=1), Choked(), Recorder()
    for member in (quick, slow):
        room.join(member, "")
    room.send(both("1"), ("e", 1))
    await settled(room)
    room.send(both("2"), ("e", 2))
    slow.drain()
    room.catch_up(slow, [both("1"), both("2")])
    room.send(both("3"), ("e", 3))
    await settled(room)
    assert texts(slow) == texts(quick) == ["1", "2", "3"]
    assert room.behind(slow) is None


async def test_a_member_may_be_caught_up_a_piece_at_a_time() -> None:
    room, slow = Room(slice_sockets=8), Choked()
    room.join(slow, "")
    for seq in (1, 2, 3):
        room.send(both(str(seq)), ("e", seq))
    await settled(room)
    room.catch_up(slow, [both("1")], upto=("e", 1))
    assert room.behind(slow) == ("e", 1)
    room.catch_up(slow, [both("2"), both("3")])
    assert room.behind(slow) is None
    assert texts(slow) == ["1", "2", "3"]


async def test_whoever_leaves_or_joins_anew_is_not_behind() -> None:
    room, slow = Room(slice_sockets=8), Choked()
    room.join(slow, "ana")
    room.send(both("1"), ("e", 1))
    await settled(room)
    room.join(slow, "ana")
    assert room.behind(slow) is None
    room.send(both("2"), ("e", 2))
    await settled(room)
    room.leave(slow)
    assert room.behind(slow) is None


async def test_a_member_may_become_another_viewers_and_misses_nothing_by_it() -> None:
    room, member = Room(slice_sockets=8), Recorder()
    room.join(member, "ana")
    room.send(both("1"))
    room.rename(member, "")
    assert not room.members_of("ana")
    room.send(both("2"))
    room.rename(member, "ana")
    await settled(room)
    assert room.members_of("ana") == [member]
    assert texts(member) == ["1", "2"]
    room.rename(Recorder(), "ben")
    assert not room.members_of("ben")


async def test_a_room_without_members_still_knows_how_far_it_has_come() -> None:
    room, slow = Room(slice_sockets=8), Choked()
    room.send(both("1"), ("e", 1))
    room.join(slow, "")
    room.send(both("2"), ("e", 2))
    await settled(room)
    assert room.behind(slow) == ("e", 1)


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


async def test_whoever_leaves_and_then_comes_back_is_not_written_what_was_queued_before() -> None:
    room, member = Room(slice_sockets=8), Recorder()
    room.join(member, "ana")
    room.send(both("a"))
    room.leave(member)
    room.join(member, "")
    room.send(both("b"))
    await settled(room)
    assert texts(member) == ["b"]
    assert not room.members_of("ana")
