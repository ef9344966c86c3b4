"""Every contender and figure is on the screen, however narrow it is."""

import io

from rich.console import Console

from dropcast_bench.results import Claim, Results, report
from dropcast_bench.screen import render


def test_a_narrow_screen_has_more_tables_and_loses_nothing() -> None:
    results = Results()
    for name in ("dropcast", "floor", "websockets", "starlette", "picows", "socketify", "nats"):
        results.add(name, {"cpu_us": 12.34, "busy": 0.9, "rss_kib_per_viewer@10000": 27.93})
    results.left_out["socketio"] = "socketio is not installed"
    claim = Claim("cost", lambda found: found.ratio("cpu_us", "dropcast", "floor"), at_most=0.5)
    out = io.StringIO()
    render(Console(file=out, width=80), report("fanout", results, [claim]), "announcements")
    shown = out.getvalue()
    assert all(name in shown for name in results.rounds)
    assert shown.count("12.34 - 12.34") == 7
    assert "…" not in shown
    assert "left out: socketio: socketio is not installed" in shown
    assert "note: nats: busy was up to 0.90 of a core" in shown
    assert "cost: 1, at most 0.5: DOES NOT HOLD" in shown
