"""Log and ring together give exactly the events after `since`, or say "gap"."""

from hypothesis import given
from hypothesis import strategies as st

from dropcast.hub.merge import Numbered, merge
from dropcast.hub.ring import EventRing


def numbered(first: int, last: int) -> list[Numbered[int]]:
    return [Numbered(seq, seq) for seq in range(first, last + 1)]


def test_overlapping_sources_give_each_event_once() -> None:
    assert merge(2, 8, numbered(1, 5), numbered(4, 8)) == [3, 4, 5, 6, 7, 8]


def test_a_hole_between_the_sources_is_a_gap() -> None:
    assert merge(2, 8, numbered(3, 4), numbered(6, 8)) is None


def test_a_log_that_was_trimmed_too_far_is_a_gap() -> None:
    assert merge(2, 8, numbered(5, 8)) is None


def test_whoever_is_up_to_date_gets_an_empty_list() -> None:
    assert merge(8, 8) == []


@given(st.integers(0, 20), st.integers(0, 20), st.sets(st.integers(1, 20)), st.sets(st.integers(1, 20)))
def test_the_answer_is_the_whole_stretch_or_a_gap(
    since: int, top: int, log: set[int], ring: set[int]
) -> None:
    # A source is a set of numbers in order; the second continues the first, so a number missing in the first
    # may only stand in the second when all after it stand there too.
    answer = merge(since, top, [Numbered(n, n) for n in sorted(log)], [Numbered(n, n) for n in sorted(ring)])
    if answer is not None:
        assert answer == list(range(since + 1, top + 1))
    elif set(range(since + 1, top + 1)) <= log:
        raise AssertionError("the log alone had it all")


@given(st.integers(1, 10), st.integers(0, 30), st.integers(0, 40))
def test_the_ring_keeps_the_last_events_in_order(events_max: int, count: int, since: int) -> None:
    ring = EventRing(events_max)
    for seq in range(1, count + 1):
        ring.append(seq, (b"", b""))
    kept = [item.seq for item in ring.after(since)]
    assert kept == [seq for seq in range(max(1, count - events_max + 1), count + 1) if seq > since]


def test_an_event_that_does_not_follow_starts_the_ring_anew() -> None:
    ring = EventRing(10)
    ring.append(1, (b"", b""))
    ring.append(5, (b"", b""))
    assert [item.seq for item in ring.after(0)] == [5]


@given(st.integers(1, 10), st.lists(st.integers(0, 50), max_size=30), st.integers(0, 40))
def test_the_ring_knows_the_bytes_of_what_it_would_give(
    events_max: int, sizes: list[int], since: int
) -> None:
    ring = EventRing(events_max)
    for seq, size in enumerate(sizes, 1):
        ring.append(seq, (b"x" * size, b""))
    kept = ring.after(since)
    assert ring.bytes_after(since) == sum(len(item.value[0]) for item in kept)
    assert ring.first == (max(1, len(sizes) - events_max + 1) if sizes else None)
    top = len(sizes)
    whole = ring.payloads_after(since, top) if since <= top else None
    merged = merge(since, top, kept) if since <= top else None
    assert whole == (merged if sizes or since == top else None)
    ring.clear()
    assert (ring.bytes_after(since), ring.first) == (0, None)
