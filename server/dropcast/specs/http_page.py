"""docs/reference/http.md: the HTTP API to read, from the OpenAPI document."""

from typing import Any

import msgspec

from dropcast.specs.schemas import Schema
from dropcast.specs.tables import code, page, table


def render(document: Schema) -> str:
    operations = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [document["info"]["description"]]
    for tag in document["tags"]:
        parts += [f"## {tag['name'].capitalize()}", tag["description"]]
        for method, path, operation in operations:
            if operation["tags"] == [tag["name"]]:
                parts += _operation(document, method, path, operation)
    parts += ["## What is sent and taken", *_structs(document["components"]["schemas"])]
    return page("The HTTP API", "server/dropcast/edge/http", *parts)


def _operation(document: Schema, method: str, path: str, operation: Schema) -> list[str]:
    parts = [f"### {operation['summary']}", code(f"{method} {path}"), operation["description"]]
    parameters = [_found(document, parameter) for parameter in operation["parameters"]]
    if parameters:
        heads = ("parameter", "in", "required", "type", "meaning")
        parts.append(table(heads, (_parameter(parameter) for parameter in parameters)))
    if "requestBody" in operation:
        body = operation["requestBody"]
        ((media_type, content),) = body["content"].items()
        parts += [
            f"Body ({media_type}, {_kind(content['schema'])}): {body['description']}",
            _shown(content["example"]),
        ]
    answers = (_answer(document, *response) for response in operation["responses"].items())
    parts.append(table(("status", "body", "meaning"), answers))
    return parts


def _parameter(parameter: Schema) -> tuple[str, ...]:
    required = "yes" if parameter["required"] else "no"
    kind = _kind(parameter["schema"])
    return code(parameter["name"]), parameter["in"], required, kind, parameter["description"]


def _answer(document: Schema, status: str, response: Schema) -> tuple[str, ...]:
    found = _found(document, response)
    ((media_type, content),) = found["content"].items()
    kind = _kind(content["schema"]) if media_type == "application/json" else media_type
    return status, kind, found["description"]


def _structs(structs: dict[str, Schema]) -> list[str]:
    parts = []
    for name, schema in structs.items():
        parts += [f"### {name}", schema["description"]]
        if "properties" in schema:
            required = schema.get("required", ())
            rows = (
                (code(field), _kind(told), "yes" if field in required else "no", told.get("description", ""))
                for field, told in schema["properties"].items()
            )
            parts.append(table(("field", "type", "always there", "meaning"), rows))
        else:
            values = (code(msgspec.json.encode(value).decode()) for value in schema["enum"])
            parts.append(f"One of {', '.join(values)}.")
    return parts


def _found(document: Schema, item: Schema) -> Schema:
    """Follow a reference within the document."""
    if "$ref" not in item:
        return item
    found: Any = document
    for part in item["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _kind(schema: Schema) -> str:
    """Return a schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    match schema.get("type"):
        case "array":
            return f"list of {_kind(schema['items'])}"
        case "object":
            return f"object of {_kind(schema['additionalProperties'])}"
        case "integer" if "minimum" in schema:
            return f"integer, {schema['minimum']:,} to {schema['maximum']:,}"
        case "string" if "pattern" in schema and "minLength" not in schema:
            return f"string, {code(schema['pattern'])}"
        case "string" if "maxLength" in schema:
            return f"string, {schema.get('minLength', 0)} to {schema['maxLength']:,} characters"
        case None:
            return "any"
        case kind:
            return str(kind)


def _shown(example: Any) -> str:
    if isinstance(example, str):
        return f"```csv\n{example}```"
    return f"```json\n{msgspec.json.format(msgspec.json.encode(example), indent=2).decode()}\n```"
