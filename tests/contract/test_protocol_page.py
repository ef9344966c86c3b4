"""The protocol's page names everything that is on the wire, and its tables of codes are the server's."""

import re
from pathlib import Path

import pytest

from dropcast.domain.trades import Reason
from dropcast.wire import commands, fields, messages
from dropcast.wire.codes import ERRORS, Close

PAGE = (Path(__file__).parents[2] / "client_sdk" / "spec" / "protocol.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]


def section(title: str) -> str:
    """The page from one heading to the next."""
    return re.split(r"^#", PAGE.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    return [cell for line in text.splitlines() if line.startswith("| ") for cell in line.split("|")[1:2]]


def test_error_codes_have_their_meaning_and_whether_they_are_temporary() -> None:
    told = [row for row in ROWS if len(row) == 3 and row[1] in ("yes", "no")]
    assert told == [
        [f"`{code}`", "yes" if error.temporary else "no", error.meaning] for code, error in ERRORS.items()
    ]


def test_every_close_code_is_there() -> None:
    told = re.findall(r"\d{4}", " ".join(first_cells(section("Close codes"))))
    assert [int(code) for code in told] == [close.value for close in Close]


def test_every_reason_of_a_refusal_is_there() -> None:
    told = re.findall(r"`(\w+)`", " ".join(first_cells(section("Refusals"))))
    assert sorted(told) == sorted(reason.value for reason in Reason)


@pytest.mark.parametrize(
    "message", [*commands.Command.__args__, *messages.Message.__args__], ids=lambda kind: kind.__name__
)
def test_every_message_is_there_with_its_fields(message: type) -> None:
    tag = message.__struct_config__.tag  # type: ignore[attr-defined]
    assert f"`{tag}`" in PAGE
    for name in message.__struct_fields__:  # type: ignore[attr-defined]
        assert re.search(rf"\b{name}\b", PAGE), name


def test_the_bounds_are_the_servers() -> None:
    assert f"nested {fields.DATA_DEPTH_MAX}\nlevels" in PAGE
    assert fields.INTEGER_MAX == 2**53 - 1
