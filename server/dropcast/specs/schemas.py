"""JSON Schemas of structs, as msgspec makes them, with what their docstrings and the words of the house say.

What is taken may leave out fields that have a default; what is sent always has all fields, unless its struct
leaves out defaults.
"""

import inspect
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from dropcast.specs import docstrings
from dropcast.specs.words import FIELDS, VALUES

Schema = dict[str, Any]
REF = "#/components/schemas/{name}"
_PYTHON_END = r"$(?!\n)"
"""How wire.fields says that nothing follows, not even a line feed."""


def components(
    taken: Sequence[Any], sent: Sequence[Any], raw: Mapping[tuple[str, str], Schema] | None = None
) -> dict[str, Schema]:
    """Return the schemas of all structs that `taken` and `sent` types are made of, by name.

    `raw` says what the fields hold that are encoded beforehand, which msgspec knows nothing of, by struct and field.
    """
    kinds = {kind.__name__: kind for kind in _reached([*taken, *sent])}
    outgoing = {kind.__name__ for kind in _reached(sent)}
    _, found = msgspec.json.schema_components([*taken, *sent], ref_template=REF)
    found = _plain(found)
    return {
        name: _told(kinds[name], schema, name in outgoing, raw or {}) if name in kinds else schema
        for name, schema in found.items()
    }


def of_type(kind: Any) -> Schema:
    """Return the schema of one type: a reference when it is a struct."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    plain: Schema = _plain(schema)
    return plain


def ref(kind: type) -> Schema:
    return {"$ref": REF.format(name=kind.__name__)}


def _told(kind: type, schema: Schema, outgoing: bool, raw: Mapping[tuple[str, str], Schema]) -> Schema:
    """Return the schema of one component with its descriptions, and its fields as they are sent."""
    if "properties" not in schema:  # an enumeration
        return {**schema, "description": docstrings.of_class(kind) or schema["title"]}
    omits = bool(kind.__struct_config__.omit_defaults)  # type: ignore[attr-defined]
    properties: dict[str, Schema] = {}
    for name, plain in schema["properties"].items():
        field = dict(raw.get((kind.__name__, name), plain))
        if outgoing:
            field = _as_sent(field, omits)
        if list(field.get("enum", ())) == [kind.__struct_config__.tag]:  # type: ignore[attr-defined]
            field = {"const": field["enum"][0]}
        properties[name] = _described(kind, name, field)
    told = {**schema, "description": docstrings.of_class(kind), "properties": properties}
    if outgoing and not omits:
        told["required"] = list(properties)
    return told


def _plain(schema: Any) -> Any:
    """Return the schema with its patterns as other languages have them: $ stands nowhere but at the end there."""
    if isinstance(schema, dict):
        return {
            name: part.replace(_PYTHON_END, "$")
            if name == "pattern" and isinstance(part, str)
            else _plain(part)
            for name, part in schema.items()
        }
    return [_plain(part) for part in schema] if isinstance(schema, list | tuple) else schema


def _as_sent(field: Schema, omits: bool) -> Schema:
    """A default means nothing for what is sent, but for being left out; then a null is never sent either."""
    default = field.pop("default", ...)
    if omits and default is None and "anyOf" in field:
        kept = [choice for choice in field["anyOf"] if choice != {"type": "null"}]
        return kept[0] if len(kept) == 1 else {"anyOf": kept}
    return field


def _described(kind: type, name: str, field: Schema) -> Schema:
    text = docstrings.of_field(kind, name) or FIELDS.get(name, "")
    known = VALUES.get((kind.__name__, name))
    if known is not None and field.get("type") == "string":
        if not all(value in text for value in known):
            text = f"{text} One of: {', '.join(known)}."
        field = {**field, "examples": list(known)}
    return {**field, "description": text} if text else field


def _reached(roots: Iterable[Any]) -> list[type]:
    """Return all structs and enumerations that the types lead to."""
    found: dict[type, None] = {}
    waiting = list(roots)
    while waiting:
        kind = waiting.pop()
        if inspect.isclass(kind) and kind not in found:
            if issubclass(kind, msgspec.Struct):
                waiting += typing.get_type_hints(kind).values()
            found[kind] = None
        waiting += typing.get_args(kind)
    return list(found)
