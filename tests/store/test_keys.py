"""Names of keys: every one has an owner, and a show's share a slot."""

import pytest

from dropcast.domain.faults import NotFound
from dropcast.store import keys


def test_the_keys_of_a_show_share_a_hash_tag() -> None:
    names = keys.all_of_show("friday")
    assert all(name.startswith("dropcast:{friday}:") for name in names)
    assert len(set(names)) == len(keys.SHOW_KEYS)
    assert keys.channel("friday") in names


@pytest.mark.parametrize("show", ["", "a}b", "a{b}", "a:b", "a b", "x" * 65])
def test_no_other_name_becomes_a_key(show: str) -> None:
    with pytest.raises(NotFound):
        keys.all_of_show(show)


def test_keys_without_a_place_are_found() -> None:
    owned = [keys.SHOWS, keys.PRODUCTS, keys.PRODUCT_ORDER, *keys.all_of_show("friday")]
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
