"""Medians, spreads, ratios of the same round, claims and notes."""

import msgspec
import pytest

from dropcast_bench.results import Claim, Figures, Results, report


def results(**rounds: list[Figures]) -> Results:
    found = Results()
    for contender, of in rounds.items():
        for figures in of:
            found.add(contender, figures)
    return found


def cpu(*values: float) -> list[Figures]:
    return [{"cpu_us": value} for value in values]


def at_most(bound: float, *, optional: bool = False) -> Claim:
    return Claim(
        "cost", lambda found: found.ratio("cpu_us", "ours", "floor"), at_most=bound, optional=optional
    )


def test_a_figure_is_the_median_of_its_rounds() -> None:
    assert results(ours=cpu(9, 1, 2)).median("ours", "cpu_us") == 2


def test_a_figure_that_nobody_showed_has_no_median() -> None:
    found = results(ours=cpu(1))
    assert found.median("ours", "rss") is None
    assert found.median("floor", "cpu_us") is None


def test_a_ratio_pairs_what_was_measured_in_the_same_round() -> None:
    # The machine was slower in the second round, for both alike: the ratios do not show it.
    found = results(ours=cpu(12, 24, 12), floor=cpu(10, 20, 10))
    assert found.ratios("cpu_us", "ours", "floor") == pytest.approx([1.2, 1.2, 1.2])
    assert found.ratio("cpu_us", "ours", "floor") == pytest.approx(1.2)


def test_a_ratio_to_nothing_is_not_one() -> None:
    found = results(ours=cpu(12), floor=cpu(0))
    assert found.ratios("cpu_us", "ours", "floor") == []
    assert found.ratio("cpu_us", "ours", "floor") is None


@pytest.mark.parametrize(("ours", "holds"), [(12.5, True), (12.6, False)])
def test_a_claim_holds_up_to_its_bound(ours: float, holds: bool) -> None:
    judged = at_most(1.25).judge(results(ours=cpu(ours), floor=cpu(10)))
    assert (judged.holds, judged.bound) == (holds, "at most 1.25")


def test_a_claim_of_at_least_holds_from_its_bound_on() -> None:
    claim = Claim("rate", lambda found: found.median("ours", "per_s"), at_least=100)
    assert claim.judge(results(ours=[{"per_s": 100}])).holds
    assert not claim.judge(results(ours=[{"per_s": 99}])).holds


def test_a_claim_about_what_was_left_out_does_not_hold() -> None:
    judged = at_most(1.25).judge(results(ours=cpu(1)))
    assert (judged.value, judged.holds) == (None, False)


def test_a_claim_about_a_peer_that_is_not_here_is_not_told() -> None:
    found = results(ours=cpu(1))
    assert report("fanout", found, [at_most(1.0, optional=True)])["claims"] == []
    assert len(report("fanout", found, [at_most(1.0)])["claims"]) == 1


def test_a_report_has_medians_and_the_least_and_the_most() -> None:
    found = results(ours=cpu(1, 3, 1000.4))
    found.left_out["floor"] = "it does not run here"
    told = report("fanout", found, [])
    assert msgspec.json.decode(msgspec.json.encode(told)) == {
        "bench": "fanout",
        "rounds": 3,
        "results": {"ours": {"cpu_us": 3}},
        "spread": {"ours": {"cpu_us": [1, 1000]}},
        "left_out": {"floor": "it does not run here"},
        "claims": [],
        "notes": [],
    }


def test_who_was_too_busy_is_noted_by_the_busiest_round() -> None:
    found = results(
        ours=[{"busy": 0.1, "busy@10000": 0.2}], peer=[{"busy": 0.3, "busy@10000": 0.71}, {"busy": 0.4}]
    )
    (note,) = report("fanout", found, [])["notes"]
    assert note.startswith("peer: busy@10000 was up to 0.71 of a core")
