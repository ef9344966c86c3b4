"""The demo and its processes agree on every line, though neither imports the other's structs."""

import msgspec
import pytest

from dropcast.demo import lines
from dropcast_loadtest import config, progress

RECEIPT = progress.Receipt(order="o1", viewer="vera", drop="d1", sku="M", qty=2, amount_minor=990)
TOLD: list[progress.Line] = [
    progress.Ready(viewers=7),
    progress.Progress(counts={"taps": 2}, fanout_us={63: 1}, receipts=[RECEIPT], unknown_holds=["h"]),
    progress.Progress(),
    progress.Stepped(act="pin", drop="d1", text="Mug"),
    progress.Trouble(message="oh"),
    progress.Done(),
]


@pytest.mark.parametrize("told", TOLD, ids=lambda line: type(line).__name__)
def test_what_a_process_tells_the_demo_hears(told: progress.Line) -> None:
    heard = msgspec.json.decode(msgspec.json.encode(told), type=lines.Line)
    assert msgspec.to_builtins(heard) | {"type": ""} == plain(told) | {"type": ""}
    assert type(heard).__name__ == type(told).__name__


def plain(line: progress.Line) -> dict[str, object]:
    """Every field of a line, those with their default too."""
    return {name: msgspec.to_builtins(getattr(line, name)) for name in line.__struct_fields__}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lines.Step, config.Step),
        (lines.CreatorConfig, config.CreatorConfig),
        (lines.Ticket, config.Ticket),
        (lines.CrowdConfig, config.CrowdConfig),
        (lines.Receipt, progress.Receipt),
        (lines.Ready, progress.Ready),
        (lines.Progress, progress.Progress),
        (lines.Stepped, progress.Stepped),
        (lines.Trouble, progress.Trouble),
        (lines.Done, progress.Done),
    ],
)
def test_both_sides_have_the_same_fields(ours: type[msgspec.Struct], theirs: type[msgspec.Struct]) -> None:
    def fields(struct: type[msgspec.Struct]) -> dict[str, tuple[str, bool]]:
        return {
            field.name: (str(field.type).replace(struct.__module__, ""), field.required)
            for field in msgspec.structs.fields(struct)
        }

    assert fields(ours) == fields(theirs)
    assert ours.__struct_config__.tag == theirs.__struct_config__.tag
