"""The AsyncAPI document is valid, has every word of the wire, and the golden frames are what it says."""

import shutil
import subprocess
from typing import Any

import msgspec
import pytest
from asyncapi3.models import AsyncAPI3

from dropcast.domain.trades import Reason
from dropcast.edge.session import RULES
from dropcast.specs.asyncapi import tag_of
from dropcast.specs.replies import REPLIES
from dropcast.specs.schemas import ref
from dropcast.wire import messages
from dropcast.wire.codes import REFUSALS, Close
from dropcast.wire.commands import Command
from tests.contract.golden import BAD, COMMANDS, MESSAGES, Frame
from tests.specs.support import ASYNCAPI, fields_without_a_description, problems, references, resolve

KINDS: dict[str, type] = {tag_of(kind): kind for kind in (*Command.__args__, *messages.Message.__args__)}


def test_the_document_is_valid_asyncapi_3() -> None:
    AsyncAPI3.model_validate(ASYNCAPI)


def test_the_official_parser_finds_no_error_where_it_is_installed() -> None:
    node = shutil.which("node")
    check = (
        "const {Parser} = require('@asyncapi/parser');"
        "const text = require('fs').readFileSync(0, 'utf8');"
        "new Parser().validate(text).then(found => console.log(JSON.stringify(found)));"
    )
    asked = node and subprocess.run([node, "-e", "require.resolve('@asyncapi/parser')"], capture_output=True)
    if not node or not asked or asked.returncode != 0:
        pytest.skip("node or its package @asyncapi/parser is not installed")
    done = subprocess.run([node, "-e", check], input=msgspec.json.encode(ASYNCAPI), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert [found["message"] for found in msgspec.json.decode(done.stdout) if found["severity"] < 2] == []


def test_every_reference_leads_somewhere() -> None:
    for item in references(ASYNCAPI):
        resolve(ASYNCAPI, item)


def test_every_struct_and_field_is_described() -> None:
    assert fields_without_a_description(ASYNCAPI) == []


def test_every_word_of_the_wire_is_a_message_with_an_example() -> None:
    assert ASYNCAPI["components"]["messages"].keys() == KINDS.keys()
    for tag, message in ASYNCAPI["components"]["messages"].items():
        assert message["payload"] == ref(KINDS[tag])
        assert message["examples"], f"the golden frames have no {tag}"


def test_every_command_is_received_and_every_message_sent_by_an_operation() -> None:
    received: set[str] = set()
    sent: set[str] = set()
    for operation in ASYNCAPI["operations"].values():
        (received if operation["action"] == "receive" else sent).update(_tags(operation["messages"]))
        sent.update(_tags(operation.get("reply", {}).get("messages", [])))
    assert received == {tag_of(command) for command in Command.__args__}
    assert sent == {tag_of(message) for message in messages.Message.__args__}


def test_a_command_tells_its_replies_and_error_among_them() -> None:
    assert REPLIES.keys() == set(Command.__args__)
    for command, replies in REPLIES.items():
        operation = ASYNCAPI["operations"][tag_of(command)]
        assert operation["summary"], f"{command.__name__} has no docstring"
        assert _tags(operation["reply"]["messages"]) == [*map(tag_of, replies), "error"]


def test_a_command_tells_whom_it_is_for() -> None:
    for command, rule in RULES.items():
        description = ASYNCAPI["operations"][tag_of(command)]["description"]
        assert all(role.value in description for role in rule.roles) or description == "For every viewer."


def test_commands_and_replies_are_related_by_id_and_re() -> None:
    told = ASYNCAPI["components"]["messages"]
    for command in Command.__args__:
        assert told[tag_of(command)]["correlationId"]["location"] == "$message.payload#/id"
    for reply in messages.Reply.__args__:
        assert told[tag_of(reply)]["correlationId"]["location"] == "$message.payload#/re"


def test_both_subprotocols_and_all_close_codes_are_told() -> None:
    channel = ASYNCAPI["channels"]["live"]
    assert channel["address"] == "/v1/live"
    named = channel["bindings"]["ws"]["headers"]["properties"]["Sec-WebSocket-Protocol"]["enum"]
    assert named == ["dropcast.v1.json", "dropcast.v1.msgpack"]
    assert channel["x-close-codes"].keys() == {str(int(close)) for close in Close}


@pytest.mark.parametrize("frame", [*COMMANDS, *MESSAGES], ids=lambda frame: frame.name)
def test_a_golden_frame_is_what_its_schema_says(frame: Frame) -> None:
    assert problems(ASYNCAPI, ref(KINDS[frame.type]), msgspec.json.decode(frame.json)) == []


def test_a_golden_frame_that_is_bad_is_bad_by_its_schema_too() -> None:
    judged = 0
    for frame in BAD:
        content = _content(frame.json)
        # What no schema says: how deep free data may nest, and how large the integers in it may be.
        known = content is not None and content.get("type") in KINDS and "data" not in content
        if frame.error == "bad_request" and content is not None and known:
            assert problems(ASYNCAPI, ref(KINDS[content["type"]]), content), frame.name
            judged += 1
    assert judged > 5


def test_what_is_encoded_beforehand_is_told_all_the_same() -> None:
    for kind in messages.Message.__args__:
        for name, hint in kind.__annotations__.items():
            if "Raw" in str(hint):
                told = ASYNCAPI["components"]["schemas"][kind.__name__]["properties"][name]
                assert "$ref" in str(told), f"specs.asyncapi does not say what {kind.__name__}.{name} holds"


def test_a_message_has_all_its_fields_unless_it_leaves_out_defaults() -> None:
    schemas = ASYNCAPI["components"]["schemas"]
    assert "data" in schemas["Announcement"]["required"]
    assert "free" not in schemas["Refused"]["required"]
    assert "qty" in schemas["Reserve"]["required"]


def test_every_reason_of_a_refusal_has_a_meaning() -> None:
    assert REFUSALS.keys() == {reason.value for reason in Reason}


def _tags(items: list[dict[str, Any]]) -> list[str]:
    return [item["$ref"].rsplit("/", 1)[1] for item in items]


def _content(text: str | None) -> dict[str, Any] | None:
    try:
        content = msgspec.json.decode(text or "")
    except (msgspec.DecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
