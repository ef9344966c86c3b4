"""A trouble that lasts is logged when it begins and when it is over, however often it is met meanwhile."""

import logging

import pytest

from dropcast.troubles import Troubles

logger = logging.getLogger(__name__)


def test_a_trouble_is_two_lines_however_often_it_is_met(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles(logger)
    for _ in range(3):
        troubles.began("a", "show %s: no beat: %s", "a", "why")
    troubles.began("b", "another")
    assert troubles
    assert "a" in troubles
    for _ in range(3):
        troubles.ended("a", "show %s: it beats again", "a")
    assert [record.getMessage() for record in caplog.records] == [
        "show a: no beat: why",
        "another",
        "show a: it beats again, after 0.0 s",
    ]
    troubles.forget("b")
    assert not troubles


def test_one_that_is_met_again_at_once_was_not_over(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles(logger, steady_s=3_600)
    for _ in range(3):
        troubles.began("a", "it fails")
        troubles.ended("a", "it works")
    assert "a" in troubles
    assert len(caplog.records) == 1


def test_without_a_logger_it_only_knows(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles(None)
    troubles.began("a", "it fails")
    assert "a" in troubles
    troubles.ended("a", "it works")
    assert not troubles
    assert caplog.records == []
