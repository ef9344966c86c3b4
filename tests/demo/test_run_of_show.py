"""The run of show fits any catalogue and any crowd: demand exceeds supply, and every step has its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.demo.lines import Step
from dropcast.demo.run_of_show import NothingToSell, RunOfShow, plan
from dropcast.domain.catalogue import Product
from tests.demo.stage import product

catalogues = st.lists(st.lists(st.integers(0, 500), min_size=1, max_size=20), min_size=1, max_size=30).map(
    lambda stocks: [
        product(f"p{n}", {f"p{n}-{k}": units for k, units in enumerate(skus)})
        for n, skus in enumerate(stocks)
    ]
)


def steps(run: RunOfShow, act: str) -> list[Step]:
    return [step for step in run.steps if step.act == act]


def in_stock(products: list[Product]) -> list[Product]:
    return [item for item in products if any(variant.stock for variant in item.variants)]


@given(catalogues, st.integers(1, 5_000), st.floats(3, 600), st.integers())
def test_a_plan_holds_together(products: list[Product], viewers: int, seconds: float, seed: int) -> None:
    if not in_stock(products):
        with pytest.raises(NothingToSell):
            plan(products, viewers=viewers, seconds=seconds, seed=seed)
        return
    run = plan(products, viewers=viewers, seconds=seconds, seed=seed)
    assert [step.at_s for step in run.steps] == sorted(step.at_s for step in run.steps)
    assert all(0 <= step.at_s < seconds for step in run.steps)
    assert 1_000 <= run.hold_ms <= 4_000
    by_handle = {item.handle: item for item in products}
    pinned: set[str] = set()
    for step in run.steps:
        if step.act == "pin":
            pinned.add(step.drop)
            stock = {variant.sku: variant.stock for variant in by_handle[step.product].variants}
            assert 1 <= sum(step.units.values()) <= max(1, round(viewers / 4))
            assert all(units <= stock[sku] for sku, units in step.units.items())
            assert step.limit in (1, 2)
        elif step.act != "announce":
            assert step.drop in pinned, "a drop is pinned before anything else happens to it"
    assert len(steps(run, "pin")) == len(steps(run, "unpin")) == run.drops
    assert len({step.product for step in steps(run, "pin")}) == run.drops
    assert all(step.prices or step.units for step in steps(run, "reprice") + steps(run, "top_up"))


def test_twenty_seconds_have_six_drops_a_top_up_a_reprice_and_two_announcements() -> None:
    products = [product(f"p{n}", {f"p{n}": 100}) for n in range(30)]
    run = plan(products, viewers=200, seconds=20, seed=1)
    acts = [step.act for step in run.steps]
    assert {act: acts.count(act) for act in acts} == {
        "announce": 2,
        "pin": 6,
        "top_up": 1,
        "reprice": 1,
        "unpin": 6,
    }
    assert [sum(step.units.values()) for step in steps(run, "pin")] == [50] * 6


def test_a_catalogue_of_single_pieces_gives_drops_of_one_unit() -> None:
    products = [product(f"p{n}", {f"p{n}": 1}) for n in range(10)]
    run = plan(products, viewers=200, seconds=20, seed=1)
    assert [sum(step.units.values()) for step in steps(run, "pin")] == [1] * 6


def test_a_size_without_stock_is_on_the_card_with_no_units() -> None:
    run = plan([product("shirt", {"S": 0, "M": 9})], viewers=100, seconds=10, seed=1)
    assert steps(run, "pin")[0].units == {"S": 0, "M": 9}


def test_few_units_are_shared_by_stock() -> None:
    run = plan([product("shirt", {"S": 100, "M": 300, "L": 1})], viewers=40, seconds=10, seed=1)
    units = steps(run, "pin")[0].units
    assert sum(units.values()) == 10
    assert units["M"] > units["S"] >= 2


def test_a_better_price_is_four_fifths_and_only_for_what_is_pinned() -> None:
    run = plan([product("mug", {"MUG": 9}, price_minor=1_250)], viewers=20, seconds=10, seed=1)
    (reprice,) = steps(run, "reprice")
    assert reprice.prices == {"MUG": 1_000}
    assert reprice.text == "Mug from 10.00 EUR"


def test_the_seed_decides_which_products_are_shown() -> None:
    products = [product(f"p{n}", {f"p{n}": 5}) for n in range(30)]

    def shown(seed: int) -> list[str]:
        return [step.product for step in steps(plan(products, viewers=20, seconds=20, seed=seed), "pin")]

    assert shown(1) == shown(1)
    assert shown(1) != shown(2)
