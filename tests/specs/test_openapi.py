"""The OpenAPI document is valid, has every route and no other, and its examples are what it says."""

import re
from typing import Any
from unittest.mock import sentinel

import openapi_spec_validator
import pytest

from dropcast.edge.http import drops, health, moderation, products, shows
from dropcast.edge.http.table import OPERATIONS
from dropcast.wire.codes import ERRORS
from tests.specs.support import OPENAPI, ROOT, fields_without_a_description, problems, references, resolve

DOCUMENTED = [
    (path, method, operation)
    for path, methods in OPENAPI["paths"].items()
    for method, operation in methods.items()
]
EACH = pytest.mark.parametrize(
    "operation", [operation for _, _, operation in DOCUMENTED], ids=lambda told: told["operationId"]
)


def test_the_document_is_valid_openapi_3_1() -> None:
    openapi_spec_validator.validate(OPENAPI, cls=openapi_spec_validator.OpenAPIV31SpecValidator)


def test_every_route_is_in_the_document_and_the_other_way_round() -> None:
    nobody: Any = sentinel.nobody
    routes = [
        *health.routes(nobody, "1"),
        *products.routes(nobody, nobody, nobody, nobody),
        *shows.routes(nobody, nobody, nobody, nobody, nobody),
        *drops.routes(nobody, nobody, nobody),
        *moderation.routes(nobody, nobody, nobody),
    ]
    routed = [
        (route.path, method) for route in routes for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    assert sorted(routed) == sorted((path, method.upper()) for path, method, _ in DOCUMENTED)


def test_no_route_is_made_but_from_the_table() -> None:
    made = re.compile(r"\b(Route|WebSocketRoute|Mount|add_route)\(")
    server = ROOT / "server" / "dropcast"
    found = [path for path in server.rglob("*.py") if made.search(path.read_text(encoding="utf-8"))]
    assert found == [server / "edge" / "http" / "operations.py"]


def test_operations_have_names_of_their_own() -> None:
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    for item in references(OPENAPI):
        resolve(OPENAPI, item)


def test_every_struct_and_field_is_described() -> None:
    assert fields_without_a_description(OPENAPI) == []


@EACH
def test_an_operation_says_what_it_does_and_whom_it_is_for(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert re.search(r"\bFor (anyone|\w+( and \w+)?|\w+, \w+ and \w+)( tokens)?\b", operation["description"])
    for parameter in operation["parameters"]:
        assert resolve(OPENAPI, parameter)["description"]


@EACH
def test_its_examples_are_what_its_schemas_say(operation: dict[str, Any]) -> None:
    asked = [operation["requestBody"]] if "requestBody" in operation else []
    for item in (*asked, *operation["responses"].values()):
        for content in resolve(OPENAPI, item)["content"].values():
            examples = [content["example"]] if "example" in content else []
            examples += [named["value"] for named in content.get("examples", {}).values()]
            assert examples
            for example in examples:
                assert problems(OPENAPI, content["schema"], example) == []


@EACH
def test_whoever_needs_a_token_is_told_what_happens_without(operation: dict[str, Any]) -> None:
    assert bool(operation["security"]) == ("401" in operation["responses"])
    assert bool(operation["security"]) == ("403" in operation["responses"])


def test_an_error_is_told_under_its_status_with_an_example() -> None:
    for response in OPENAPI["components"]["responses"].values():
        for code, example in response["content"].get("application/json", {}).get("examples", {}).items():
            assert f"`{code}`: {ERRORS[code].meaning}." in response["description"]
            assert example["value"]["error"]["temporary"] == ERRORS[code].temporary


def test_a_body_has_no_field_that_stands_in_the_path_or_in_a_header() -> None:
    for name, schema in OPENAPI["components"]["schemas"].items():
        if name.endswith("Body") and name != "ErrorBody":
            assert not {"id", "type", "show", "key"} & schema["properties"].keys()


def test_the_document_names_the_package_of_the_schemas_only() -> None:
    assert not any("." in name for name in OPENAPI["components"]["schemas"])


def test_the_reference_page_tells_of_every_operation() -> None:
    page = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
    for path, method, operation in DOCUMENTED:
        assert f"### {operation['summary']}\n\n`{method.upper()} {path}`" in page
