"""The capacity page says what the measured figures amount to, and is the one that they make."""

from pathlib import Path

import pytest

from dropcast_bench import capacity
from dropcast_bench.capacity import Measured, need, page, read, slot_per_s, slot_viewers

ROOT = Path(__file__).parents[2]
FIGURES = Measured(
    machine="a machine",
    delivery_us=10.0,
    idle_viewer_kib=4.0,
    idle_core_percent=1.0,
    join_us=300.0,
    reserve_us=50.0,
    reserve_engine_us=20.0,
    reserves_per_s=20_000.0,
    single_reserves_per_s=10_000.0,
    single_engine_us=100.0,
)


def test_a_show_needs_cores_for_its_messages_and_its_taps() -> None:
    found = need(100_000, FIGURES)
    assert found.deliveries_per_s == 600_000
    assert found.deliveries_cores == pytest.approx(6.0)
    assert found.reserves_per_s == 4_000
    assert found.reserves_cores == pytest.approx(0.2)
    assert found.joins_cores == pytest.approx(0.5)
    assert found.engine_cores == pytest.approx(0.08)
    # (0.1 idle + 6.2) / 0.7
    assert found.workers == 9
    # 18 calls of 100 us, while 8% of the time goes to what comes in meanwhile
    assert found.round_ms == pytest.approx(1.8 / 0.92)


def test_the_smallest_show_needs_a_worker() -> None:
    assert need(1, FIGURES).workers == 1


def test_the_slot_takes_what_its_core_can() -> None:
    assert slot_per_s(FIGURES) == pytest.approx(35_000)
    assert slot_viewers(FIGURES) == pytest.approx(875_000)


def test_a_show_that_the_engine_cannot_keep_up_with_has_no_round() -> None:
    assert need(10_000_000, FIGURES).round_ms is None


def test_a_show_beyond_its_slot_says_by_how_much() -> None:
    assert "for 1.1 times as long" in page(FIGURES)


def test_the_page_is_the_one_that_the_figures_make() -> None:
    written = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
    assert written == page(read()), "stale: python -m dropcast_bench.capacity > docs/capacity.md"


def test_the_figures_are_all_there() -> None:
    assert read(capacity.MEASURED).delivery_us > 0
