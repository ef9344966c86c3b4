"""What the engine functions answer, as this side reads it."""

import gc
import weakref

import msgspec
import pytest

from dropcast.domain.faults import EngineFault, Fault, RateLimited
from dropcast.store.answers import raise_refusal


class Sent:
    """What a call carries to the engine."""


def refused(answer: object, sent: Sent) -> Fault:
    """Make a call whose answer is a refusal; it has `sent` as long as it is not forgotten."""
    with pytest.raises(Fault) as raised:
        raise_refusal(msgspec.msgpack.encode(answer))
    return raised.value


def test_a_refusal_is_the_fault_that_it_means() -> None:
    assert isinstance(refused(["rate_limited", "bytes", 7], Sent()), RateLimited)
    assert isinstance(refused(["never heard of", 1], Sent()), EngineFault)
    raise_refusal(msgspec.msgpack.encode(["ok", 1]))


def test_what_was_sent_with_a_refused_call_is_freed_without_the_garbage_collector() -> None:
    def call(sent: Sent) -> None:
        raise_refusal(msgspec.msgpack.encode(["rate_limited", "bytes", 7]))

    sent = Sent()
    is_there = weakref.ref(sent)
    gc.disable()
    try:
        try:
            call(sent)
        except RateLimited:
            del sent
        assert is_there() is None
    finally:
        gc.enable()
