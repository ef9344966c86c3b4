"""The table of limits names settings and metrics that exist, and every limit that is counted is counted somewhere."""

import re
from pathlib import Path

import pytest

import dropcast
from dropcast.limits import COUNTED, HITS, LIMITS, Limit
from dropcast.metrics import counts
from dropcast.metrics.catalogue import CATALOGUE
from dropcast.settings import NAMES

SOURCES = [path.read_text(encoding="utf-8") for path in Path(dropcast.__file__).parent.rglob("*.py")]
METRICS = {metric.name for metric in CATALOGUE}


@pytest.mark.parametrize("limit", LIMITS, ids=[limit.setting for limit in LIMITS])
def test_a_limit_is_a_setting_and_has_a_metric(limit: Limit) -> None:
    assert limit.setting in NAMES
    assert (limit.metric or HITS) in METRICS


@pytest.mark.parametrize("name", [name for name in NAMES if re.search(r"_max$|_per_s$|_per_min$", name)])
def test_a_setting_that_limits_stands_in_the_table(name: str) -> None:
    assert name in {limit.setting for limit in LIMITS} or name == "known_tokens_max"


def test_what_is_counted_by_the_code_is_the_table() -> None:
    counted = {name for source in SOURCES for name in re.findall(r'counts\.limited\["(\w+)"\]', source)}
    assert counted == set(COUNTED)
    assert set(counts.limited) == set(COUNTED)


def test_no_limit_stands_there_twice() -> None:
    assert len({limit.setting for limit in LIMITS}) == len(LIMITS)
