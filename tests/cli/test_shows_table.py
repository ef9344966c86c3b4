"""The table of `dropcast shows`: no figure is cut off on 80 columns, and in a pipe a show is one line."""

import io

import pytest
from rich.console import Console

from dropcast.cli.shows import ShowLine, _table
from dropcast.domain.show import Frozen, Show, ShowStatus

TITLE = "A show with [red] brackets and a long title"


def a_line(show: str, status: ShowStatus, frozen: Frozen) -> ShowLine:
    return ShowLine(
        show=Show(
            id=show,
            title=TITLE,
            creator="cleo",
            currency="EUR",
            status=status,
            started_at_ms=1,
            frozen=frozen,
        ),
        drops=12,
        free=1_234,
        held=3,
        sold=31_100,
        orders=29_800,
    )


LINES = [
    a_line("friday", ShowStatus.LIVE, Frozen.LOST_HISTORY),
    a_line("show-b956cd8438dd", ShowStatus.SCHEDULED, Frozen.OPERATOR),
    a_line("over", ShowStatus.ENDED, Frozen.LOST_HISTORY),
]


def printed(width: int, lines: list[ShowLine]) -> list[str]:
    out = io.StringIO()
    Console(width=width, file=out).print(_table(lines, width))
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 100, 120, 1_000])
def test_figures_words_and_dates_stay_whole(width: int) -> None:
    text = printed(width, LINES)
    assert text[0].split()[-5:] == ["drops", "free", "held", "sold", "orders"] or "orders" in text[1]
    rows = [line for line in text if line.endswith("31,100  29,800")]
    assert len(rows) == len(LINES)
    assert all("1970-01-01" in row for row in rows)
    for word in ("live", "scheduled", "ended", "lost", "history", "operator", "[red]", "cleo"):
        assert any(word in line for line in text), word


def test_in_a_pipe_a_show_is_one_line() -> None:
    assert len(printed(1_000, LINES)) == 1 + len(LINES)


def test_the_column_of_frozen_sales_is_there_only_when_some_are() -> None:
    assert "frozen" in printed(1_000, LINES)[0]
    # Those of a show that is over are not for sale anyway.
    assert "frozen" not in printed(1_000, LINES[2:])[0]
    assert "lost history" not in "".join(printed(1_000, LINES[2:]))
