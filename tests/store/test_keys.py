"""Names of keys: every one has an owner, and a show's share a slot."""

import pytest

from dropcast.domain.faults import NotFound
from dropcast.store.keys import SHOW_KEYS, Keys
from tests.support.keys import keys


def test_the_keys_of_a_show_share_a_hash_tag() -> None:
    names = keys.all_of_show("friday")
    assert all(name.startswith("dropcast:{friday}:") for name in names)
    assert len(set(names)) == len(SHOW_KEYS)
    assert keys.channel("friday") in names


@pytest.mark.parametrize("show", ["", "a}b", "a{b}", "a:b", "a b", "x" * 65])
def test_no_other_name_becomes_a_key(show: str) -> None:
    with pytest.raises(NotFound):
        keys.all_of_show(show)


def test_the_default_prefix_names_what_every_version_before_named() -> None:
    assert (keys.shows, keys.products, keys.product_order) == (
        "dropcast:shows",
        "dropcast:{catalogue}:products",
        "dropcast:{catalogue}:order",
    )
    assert keys.lease("sweeper") == "dropcast:lease:sweeper"
    assert keys.all_of_show("friday")[:2] == ("dropcast:{friday}:meta", "dropcast:{friday}:drops")
    assert keys.channel("friday") == "dropcast:{friday}:live"


def test_no_name_of_one_prefix_is_one_of_another() -> None:
    other = Keys("shop.eu")

    def all_names(of: Keys) -> set[str]:
        return {of.shows, of.products, of.product_order, of.lease("sweeper"), *of.all_of_show("friday")}

    assert not all_names(keys) & all_names(other)
    assert all(name.startswith("shop.eu:") for name in all_names(other))
    assert not any(other.has_owner(name) for name in all_names(keys))


def test_keys_without_a_place_are_found() -> None:
    owned = [keys.shows, keys.products, keys.product_order, *keys.all_of_show("friday")]
    owned.remove(keys.channel("friday"))
    assert all(keys.has_owner(name) for name in owned)
    strange = [
        "",
        "x",
        "dropcast:{friday}:live",
        "dropcast:{friday}:x",
        "dropcast:{}:meta",
        keys.lease("sweeper"),
    ]
    assert not any(keys.has_owner(name) for name in strange)
