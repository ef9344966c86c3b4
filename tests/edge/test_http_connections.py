"""Who gives way to a newcomer, and whose answer waits for too long."""

import pytest

from dropcast.edge.descriptors import Descriptors
from dropcast.edge.http_connections import HttpConnections
from dropcast.metrics import counts
from dropcast.settings import Settings

MOST = 3


class Member:
    def __init__(self) -> None:
        self.ended_by = ""

    def give_way(self) -> None:
        self.ended_by = "newcomer"

    def cut_off(self) -> None:
        self.ended_by = "unread"

    def begin_drain(self) -> None:
        self.ended_by = "drain"


@pytest.fixture
def http() -> HttpConnections:
    settings = Settings(http_connections_max=MOST, unread_answer_bytes_max=1_000)
    return HttpConnections(settings, Descriptors(1_000), int)


def entered(http: HttpConnections, number: int = MOST) -> list[Member]:
    members = [Member() for _ in range(number)]
    assert all(http.enter(member, 9) for member in members)
    return members


def test_the_longest_idle_one_gives_way(http: HttpConnections) -> None:
    first, second, third = entered(http)
    http.works(first)
    http.rests(first)
    before = counts.limited["http_connections_max"]
    assert http.enter(Member(), 9)
    assert [member.ended_by for member in (first, second, third)] == ["", "newcomer", ""]
    assert counts.limited["http_connections_max"] == before + 1
    assert len(http) == MOST


def test_one_that_is_saying_goodbye_gives_way_first_and_one_whose_body_comes_after_those_at_rest(
    http: HttpConnections,
) -> None:
    receiving, resting, ending = entered(http)
    http.receives(receiving)
    http.ends(ending)
    for expected in (ending, resting, receiving):
        newcomer = Member()
        assert http.enter(newcomer, 9)
        http.works(newcomer)
        assert expected.ended_by == "newcomer"


def test_nobody_gives_way_while_all_are_at_work(http: HttpConnections) -> None:
    for member in entered(http):
        http.works(member)
    assert not http.enter(Member(), 9)


def test_one_whose_answer_is_not_read_gives_way_last(http: HttpConnections) -> None:
    one, two, three = entered(http)
    for member in (one, two, three):
        http.works(member)
    http.waits_to_be_read(two, 10)
    assert http.enter(Member(), 9)
    assert two.ended_by == "newcomer"


def test_unread_answers_have_a_bound_together_and_the_oldest_is_cut_off(http: HttpConnections) -> None:
    one, two, three = entered(http)
    http.waits_to_be_read(one, 600)
    http.waits_to_be_read(two, 400)
    assert not one.ended_by
    http.waits_to_be_read(three, 300)
    assert [member.ended_by for member in (one, two, three)] == ["unread", "", ""]
    http.all_read(two)
    http.waits_to_be_read(three, 5_000)
    assert not three.ended_by, "one alone may have a large answer"


def test_a_lack_of_descriptors_is_a_limit_as_well() -> None:
    http = HttpConnections(Settings(), Descriptors(80), int)
    (resting,) = entered(http, 1)
    assert http.enter(Member(), 70)
    assert resting.ended_by == "newcomer"


async def test_a_connection_is_refused_and_counted_when_none_can_make_room_for_its_descriptor() -> None:
    http = HttpConnections(Settings(), Descriptors(80), int)
    before = counts.accept_failures
    assert http.enter(Member(), 69)
    http.works(next(iter(http._open)))
    assert not http.enter(Member(), 70)
    assert counts.accept_failures == before + 1


def test_all_are_told_that_the_worker_stops(http: HttpConnections) -> None:
    members = entered(http)
    http.leave(members[0])
    http.drain()
    assert [member.ended_by for member in members] == ["", "drain", "drain"]
