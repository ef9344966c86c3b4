"""The generated documents, made once for the tests of them, and a check of values against their schemas."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from dropcast.specs import asyncapi, golden, openapi

ROOT = Path(__file__).parents[2]
OPENAPI: dict[str, Any] = openapi.document()
ASYNCAPI: dict[str, Any] = asyncapi.document(golden.read(ROOT))


def problems(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Return what is wrong with `value` by a schema of `document`."""
    # References start at the root of what is given: so the document's components come along.
    whole = _exact({**schema, "components": {"schemas": document["components"]["schemas"]}})
    validator = jsonschema.Draft202012Validator(whole)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _exact(schema: Any) -> Any:
    """Return a schema whose patterns mean to Python what they mean to JSON Schema: $ is the end, and nothing else."""
    if isinstance(schema, dict):
        return {
            name: part.removesuffix("$") + r"\Z"
            if name == "pattern" and isinstance(part, str)
            else _exact(part)
            for name, part in schema.items()
        }
    return [_exact(part) for part in schema] if isinstance(schema, list) else schema


def resolve(document: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference within the document. Raises KeyError when it leads nowhere."""
    found: Any = document
    if "$ref" not in item:
        return item
    for part in item["$ref"].removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return dict(found)


def references(item: Any) -> Iterator[dict[str, Any]]:
    """Every reference in a document."""
    if isinstance(item, dict):
        if isinstance(item.get("$ref"), str):
            yield item
        for part in item.values():
            yield from references(part)
    elif isinstance(item, list):
        for part in item:
            yield from references(part)


def fields_without_a_description(document: dict[str, Any]) -> list[str]:
    schemas = document["components"]["schemas"]
    found = [name for name, schema in schemas.items() if schema.get("description") in (None, "", name)]
    for name, schema in schemas.items():
        for field, told in schema.get("properties", {}).items():
            if not told.get("description"):
                found.append(f"{name}.{field}")
    return found
