"""Ids that follow from a key: the same for the same, different for anything else, and fit to be part of a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.domain.ids import drop_id, hold_id, is_id, show_id

DERIVATIONS = [hold_id, drop_id, show_id]


@pytest.mark.parametrize("derive", DERIVATIONS)
@given(first=st.tuples(st.text(), st.text()), second=st.tuples(st.text(), st.text()))
def test_only_the_same_parts_give_the_same_id(
    derive: object, first: tuple[str, str], second: tuple[str, str]
) -> None:
    assert callable(derive)
    assert (derive(*first) == derive(*second)) == (first == second)


@pytest.mark.parametrize("derive", DERIVATIONS)
@given(owner=st.text(), key=st.text())
def test_an_id_that_follows_from_a_key_is_an_id(derive: object, owner: str, key: str) -> None:
    assert callable(derive)
    assert is_id(derive(owner, key))


def test_parts_do_not_run_into_each_other() -> None:
    assert hold_id("ab", "c") != hold_id("a", "bc")
    assert hold_id("", "ab") != hold_id("ab", "")
    assert hold_id("1:a", "b") != hold_id("1", "a:b")


def test_ids_are_the_same_in_every_process_and_version() -> None:
    assert hold_id("ana", "key") == "da9b943b86c23f95d0aa0d4b040e08cf"
    assert drop_id("friday", "key") == "d614d1edef2aabee8"
    assert show_id("cleo", "key") == "s542af4786605c31a"


@pytest.mark.parametrize("text", ["a", "A-Z_09", "x" * 64])
def test_letters_digits_hyphens_and_underscores_make_an_id(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a:b", "a{b}", "ä", "a\n", "a/b", "²"])
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_id(text)
