"""What the benches claim, judged on figures that were made up."""

from dropcast_bench.benches import fanout, flash, idle, join, mixed, stall
from dropcast_bench.results import Figures, Judged, Results, report
from dropcast_bench.rounds import Bench


def judge(bench: Bench, **rounds: list[Figures]) -> dict[str, Judged]:
    results = Results()
    for contender, of in rounds.items():
        for figures in of:
            results.add(contender, figures)
    claims: list[Judged] = report(bench.name, results, bench.claims)["claims"]
    return {claim.claim: claim for claim in claims}


def cpu(*values: float) -> list[Figures]:
    return [{"cpu_us": value, "cpu_us@10000": value} for value in values]


def test_fanout_is_held_against_the_floor_at_both_sizes() -> None:
    claims = judge(fanout.BENCH, dropcast=cpu(12, 12), floor=cpu(10, 10))
    assert {name: (claim.value, claim.holds) for name, claim in claims.items()} == {
        "CPU a delivery to 2,000, times the floor's": (1.2, True),
        "CPU a delivery to 10,000, times the floor's": (1.2, True),
    }


def test_fanout_must_cost_less_than_a_peer_in_the_median_round() -> None:
    claims = judge(fanout.BENCH, dropcast=cpu(12, 12, 12), floor=cpu(10, 10, 10), nats=cpu(13, 11, 11))
    assert not claims["CPU a delivery to 2,000, times nats's"].holds


def test_fanout_may_cost_what_picows_does_within_the_spread_of_the_rounds() -> None:
    dropcast, floor = cpu(12, 12, 12), cpu(10, 10, 10)
    name = "CPU a delivery to 10,000, times picows's, in the best round"
    assert judge(fanout.BENCH, dropcast=dropcast, floor=floor, picows=cpu(11, 12.1, 11))[name].holds
    assert not judge(fanout.BENCH, dropcast=dropcast, floor=floor, picows=cpu(11, 11, 11))[name].holds


def test_nobody_is_held_against_what_is_there_for_scale() -> None:
    claims = judge(fanout.BENCH, dropcast=cpu(12), floor=cpu(10), uwebsockets=cpu(8), socketify=cpu(20))
    assert len(claims) == 4
    assert all(claim.holds for claim in claims.values())


def test_idle_viewers_have_a_bound_of_memory_and_one_of_cpu() -> None:
    claims = judge(idle.BENCH, dropcast=[{"rss_kib_per_viewer": 12, "core_percent": 2.1}])
    assert [claim.holds for claim in claims.values()] == [True, False]


def test_a_flash_is_judged_by_its_worst_round() -> None:
    good: Figures = {"p99_ms": 400, "sent_ms": 200, "held": 500, "unanswered": 0, "oversold": 0}
    assert all(claim.holds for claim in judge(flash.BENCH, dropcast=[good, good]).values())
    bads: list[Figures] = [
        {"unanswered": 1},
        {"held": 499},
        {"held": 501},
        {"oversold": 1},
        {"sent_ms": 1001},
    ]
    for bad in bads:
        claims = judge(flash.BENCH, dropcast=[good, good | bad, good])
        assert sum(not claim.holds for claim in claims.values()) == 1, bad


def test_reserves_beside_a_room_are_held_against_those_of_the_same_round() -> None:
    quiet: Figures = {"p99_ms": 2, "p99_ms@room": 6}
    loud: Figures = {"p99_ms": 9, "p99_ms@room": 18}
    (claim,) = judge(mixed.BENCH, dropcast=[quiet, loud, loud]).values()
    assert (claim.value, claim.holds) == (2, True)
    (claim,) = judge(mixed.BENCH, dropcast=[quiet | {"p99_ms@room": 7}]).values()
    assert not claim.holds


def test_joins_are_twice_the_usual_ones_at_half_the_cost_and_ask_the_engine_nothing() -> None:
    usual: Figures = {"per_s": 700, "cpu_us": 900, "engine_calls": 1}
    good: Figures = {"per_s": 1_500, "cpu_us": 400, "engine_calls": 0.01}
    assert all(claim.holds for claim in judge(join.BENCH, dropcast=[good], usual=[usual]).values())
    bads: list[Figures] = [{"per_s": 1_300}, {"cpu_us": 500}, {"engine_calls": 0.06}]
    for bad in bads:
        claims = judge(join.BENCH, dropcast=[good | bad], usual=[usual])
        assert sum(not claim.holds for claim in claims.values()) == 1, bad


def test_a_stall_is_judged_by_its_slowest_eviction() -> None:
    claims = judge(
        stall.BENCH,
        dropcast=[{"p99_ratio": 1.1, "evicted_s": 40}, {"p99_ratio": 1.1, "evicted_s": 51}],
    )
    assert [claim.holds for claim in claims.values()] == [True, False]
