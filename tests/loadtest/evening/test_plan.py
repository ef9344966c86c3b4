"""One plan gives the users and the run of show, so that the crowd is there when a product is pinned."""

from itertools import pairwise

import pytest

from dropcast_loadtest.evening.catalogue import PRODUCTS
from dropcast_loadtest.evening.plan import EVENINGS, SECONDS_MIN, PlanFault, plan

DROP_S = 60.0


@pytest.mark.parametrize(("users", "seconds"), [(20, SECONDS_MIN), (300, 60.0), (20_000, 3_600.0)])
def test_every_pin_of_a_holiday_evening_falls_on_a_peak_of_the_crowd(users: int, seconds: float) -> None:
    evening = plan("holiday", users=users, seconds=seconds)
    around_s = 0.05 * seconds
    assert len(evening.pins) == 3
    for pin in evening.pins:
        crowd = evening.users_at(pin.at_s)
        assert evening.users_at(pin.at_s - around_s) < crowd
        assert evening.users_at(pin.at_s + 2 * around_s) < crowd


def test_the_crowd_of_each_drop_is_larger_than_that_of_the_one_before_and_the_last_is_the_peak() -> None:
    evening = plan("holiday", users=1_000)
    crowds = [evening.users_at(pin.at_s) for pin in evening.pins]
    assert crowds == sorted(crowds)
    assert crowds[-1] == evening.curve.most == 1_000


def test_the_creator_goes_on_air_before_the_first_pin_and_tops_up_each_drop_while_it_is_open() -> None:
    for name in EVENINGS:
        steps = plan(name).steps
        assert [step.at_s for step in steps] == sorted(step.at_s for step in steps)
        assert steps[0].act == "start"
        for pin in plan(name).pins:
            acts = [step.act for step in steps if step.drop == pin.drop]
            assert acts == ["pin", "top_up", "unpin"]


def test_a_soak_stays_at_its_users_and_drops_come_at_an_even_pace() -> None:
    soak = plan("soak", users=100, seconds=1_200.0)
    pins = [pin.at_s for pin in soak.pins]
    gaps = [later - earlier for earlier, later in pairwise(pins)]
    assert {soak.users_at(pin) for pin in pins} == {100}
    assert max(gaps) - min(gaps) < 0.001
    assert abs(gaps[0] - DROP_S) < DROP_S / 10


@pytest.mark.parametrize("name", EVENINGS)
def test_creator_and_scalpers_are_there_from_the_first_moment_to_the_last(name: str) -> None:
    evening = plan(name, users=50, scalpers=30, seconds=100.0)
    assert min(evening.users_at(second) for second in range(101)) == 31


@pytest.mark.parametrize("name", EVENINGS)
def test_demand_exceeds_supply_and_every_sku_has_a_unit(name: str) -> None:
    evening = plan(name, users=100, seconds=60.0)
    skus = {product.handle: set(product.skus) for product in PRODUCTS}
    for pin in evening.pins:
        assert set(pin.units) == skus[pin.product]
        assert all(pin.units.values())
        assert sum(pin.units.values()) < evening.users_at(pin.at_s) / 2


def test_the_same_wishes_give_the_same_plan_and_another_seed_another_order_of_products() -> None:
    orders = {tuple(pin.product for pin in plan("holiday", seed=seed).pins) for seed in range(8)}
    assert len(orders) > 1
    assert plan("holiday", seed=3).steps == plan("holiday", seed=3).steps


def test_what_is_not_said_is_what_the_evening_has_by_itself() -> None:
    usual = EVENINGS["soak"]
    evening = plan("soak")
    assert (evening.users, evening.seconds) == (usual.users, usual.seconds)
    assert plan("soak", scalpers=0).scalpers == 0


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"evening": "brunch"}, "an evening is one of small, holiday, soak"),
        ({"evening": "small", "seconds": 1.0}, "lasts 4 to 86400 seconds"),
        ({"evening": "small", "users": 2}, "with 1 scalpers there are 3"),
        ({"evening": "small", "users": 10, "scalpers": 9}, "with 9 scalpers there are 11"),
    ],
)
def test_a_wish_that_makes_no_evening_is_told(wish: dict[str, object], words: str) -> None:
    with pytest.raises(PlanFault, match=words):
        plan(**wish)
