"""A worker keeps some descriptors back, and says so when it has to refuse for want of others."""

import os
import resource

import pytest

from dropcast.edge.descriptors import Descriptors
from dropcast.metrics import counts


@pytest.mark.parametrize(("limit", "last"), [(128, 111), (1_024, 959), (100_000, 99_935)])
def test_an_eighth_is_kept_back_and_64_at_most(limit: int, last: int) -> None:
    descriptors = Descriptors(limit)
    assert not descriptors.lacks(last)
    assert descriptors.lacks(last + 1)


def test_without_a_limit_there_is_no_lack() -> None:
    assert not Descriptors(resource.RLIM_INFINITY).lacks(10**9)


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
