"""A worker keeps some descriptors back, and says so when it has to refuse for want of others."""

import os
import resource

import pytest

from dropcast.edge.descriptors import Descriptors
from dropcast.metrics import counts


@pytest.mark.parametrize(("limit", "last"), [(128, 111), (1_024, 959), (100_000, 99_935)])
def test_an_eighth_is_kept_back_and_64_at_most(limit: int, last: int) -> None:
    assert not Descriptors(limit).lacks(last, last)
    assert Descriptors(limit).lacks(last + 1, last)


def test_a_number_that_was_freed_does_not_hide_how_many_are_taken() -> None:
    descriptors = Descriptors(128)
    assert descriptors.lacks(112, 100), "others have 13"
    assert descriptors.lacks(20, 100), "somebody left, and the newcomer has their number"
    assert not descriptors.lacks(20, 99)
    assert descriptors.lacks(113, 99), "others have taken two more"
    assert descriptors.lacks(20, 98)


def test_when_many_have_left_it_looks_again() -> None:
    descriptors = Descriptors(128)
    assert descriptors.lacks(112, 100)
    assert not descriptors.lacks(50, 60)
    assert not descriptors.lacks(20, 101)


def test_without_a_limit_there_is_no_lack() -> None:
    assert not Descriptors(resource.RLIM_INFINITY).lacks(10**9, 10**9)


async def test_failures_are_all_counted_and_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    descriptors = Descriptors(128)
    before = counts.accept_failures
    for _ in range(5):
        descriptors.count_failure()
    assert counts.accept_failures == before + 5
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "accepting failed 1 times" in record.message
    assert "more than 128 descriptors" in record.message


async def test_a_process_without_descriptors_notices(caplog: pytest.LogCaptureFixture) -> None:
    descriptors = Descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = counts.accept_failures
    lowest = os.dup(0)
    os.close(lowest)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        descriptors.try_one()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert counts.accept_failures == before + 1
    assert "Too many open files" in caplog.text
    descriptors.try_one()
    assert counts.accept_failures == before + 1
