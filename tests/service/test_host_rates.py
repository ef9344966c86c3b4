"""One host may command so often, whatever the way; what ends or moderates has a bucket of its own, operators none."""

import pytest

from dropcast.domain.faults import RateLimited
from dropcast.domain.viewer import Role, Viewer
from dropcast.metrics import counts
from dropcast.service.host_rates import HostRates

CLEO = Viewer(id="cleo", role=Role.CREATOR)
MO = Viewer(id="mo", role=Role.MODERATOR)
OLGA = Viewer(id="olga", role=Role.OPERATOR)


def host_rates(shows_per_min: int = 300) -> HostRates:
    return HostRates(commands_per_s=5, burst_s=2, shows_per_min=shows_per_min)


@pytest.mark.parametrize("host", [CLEO, MO])
def test_a_host_commands_so_often_and_others_are_not_slowed_down(host: Viewer) -> None:
    rates = host_rates()
    for _ in range(10):
        rates.count_making(host)
    with pytest.raises(RateLimited) as raised:
        rates.count_making(host)
    assert raised.value.retry_after_s == 1
    rates.count_making(Viewer(id="another", role=host.role))


def test_a_flood_never_keeps_its_sender_from_ending_it() -> None:
    rates = host_rates()
    for _ in range(10):
        rates.count_making(CLEO)
    for _ in range(10):
        rates.count_ending(CLEO)
    with pytest.raises(RateLimited):
        rates.count_ending(CLEO)


def test_an_operator_acts_for_all_creators() -> None:
    rates = host_rates(shows_per_min=1)
    for _ in range(1_000):
        rates.count_making(OLGA)
        rates.count_ending(OLGA)
        rates.count_show(OLGA)


def test_a_creator_schedules_so_many_shows_a_minute_and_learns_when_the_next_may_come() -> None:
    rates, hits = host_rates(shows_per_min=2), counts.limited["shows_per_creator_per_min"]
    rates.count_show(CLEO)
    rates.count_show(CLEO)
    with pytest.raises(RateLimited) as raised:
        rates.count_show(CLEO)
    assert 25 <= raised.value.retry_after_s <= 30
    assert counts.limited["shows_per_creator_per_min"] == hits + 1
    rates.count_making(CLEO)
