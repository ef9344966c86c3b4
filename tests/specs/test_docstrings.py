"""Docstrings are read from the source, those under fields too, with bases and aliases."""

from enum import Enum

import msgspec

from dropcast.specs import docstrings
from dropcast.wire.commands import Pin, Reserve
from dropcast.wire.messages import HoldPlaced, Watching


class Colour(Enum):
    RED = 1
    """As a rose."""
    BLUE = 2


class Thing(msgspec.Struct):
    """One thing,
    told on two lines.

    And more of it.
    """

    size: int


def test_a_class_has_its_docstring_with_its_lines_joined() -> None:
    assert docstrings.of_class(Thing) == "One thing, told on two lines.\n\nAnd more of it."


def test_a_class_has_only_a_docstring_of_its_own() -> None:
    class Other(Thing):
        pass

    assert docstrings.of_class(Other) == ""


def test_a_field_has_the_docstring_under_it() -> None:
    assert docstrings.of_field(Pin, "units").startswith("Allocated units by SKU")


def test_a_field_without_one_has_none() -> None:
    assert docstrings.of_field(Reserve, "qty") == ""
    assert docstrings.of_field(HoldPlaced, "show") == ""


def test_a_field_of_another_package_is_not_looked_for() -> None:
    assert docstrings.of_field(Thing, "size") == ""


def test_what_is_on_several_lines_is_joined() -> None:
    assert "\n" not in docstrings.of_field(Watching, "stock")


def test_members_of_an_enumeration_have_theirs() -> None:
    assert docstrings.of_members(Colour) == {"RED": "As a rose."}
