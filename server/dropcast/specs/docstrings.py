"""What the source says of structs and their fields: docstrings, also those under a field, read by ast.

Python keeps no docstring of an attribute, so the source is read. Pure but for reading it.
"""

import ast
import inspect
from functools import cache
from itertools import pairwise

from dropcast.wire import fields


def of_class(kind: type) -> str:
    """Return a class's own docstring, cleaned; empty when it has none of its own."""
    found = kind.__dict__.get("__doc__")
    return _joined(found) if isinstance(found, str) else ""


def of_field(kind: type, name: str) -> str:
    """Return the docstring under a field, its class's or that of a base; else that of its type's alias."""
    for owner in kind.__mro__:
        if not owner.__module__.startswith("dropcast."):
            continue
        texts, kinds = _fields(owner)
        if name in texts:
            return texts[name]
        if kinds.get(name) in _aliases():
            return _aliases()[kinds[name]]
    return ""


def of_members(kind: type) -> dict[str, str]:
    """Return the docstrings under the members of an enumeration, by member."""
    return _fields(kind)[0]


@cache
def _fields(kind: type) -> tuple[dict[str, str], dict[str, str]]:
    """Return the docstrings of a class's own fields, and the names of their types, by field."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(kind) or kind))
    body = next(
        (
            node.body
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and node.name == kind.__name__
        ),
        [],
    )
    kinds = {
        node.target.id: ast.unparse(node.annotation).removesuffix(" | None")
        for node in body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return _under(body), kinds


@cache
def _aliases() -> dict[str, str]:
    """Return the docstrings under the type aliases of wire.fields, by alias."""
    return _under(ast.parse(inspect.getsource(fields)).body)


def _under(body: list[ast.stmt]) -> dict[str, str]:
    """Return each string that stands under an assignment, by the name that is assigned to."""
    found = {}
    for above, below in pairwise(body):
        if (
            isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            for name in _assigned(above):
                found[name] = _joined(below.value.value)
    return found


def _assigned(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.AnnAssign):
        targets: list[ast.expr] = [node.target]
    else:
        targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _joined(text: str) -> str:
    """Return a docstring with the lines of each paragraph joined."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
