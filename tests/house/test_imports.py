"""The house holds: no import is hidden, and no modules import each other in a circle.

Only the source is read (by `ast`), so that what a module does on import cannot hide anything.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    ROOT / "server" / "dropcast",
    ROOT / "client_sdk" / "python" / "dropcast_client",
    ROOT / "loadtest" / "dropcast_loadtest",
    ROOT / "loadtest" / "bench" / "dropcast_bench",
)

Import = ast.Import | ast.ImportFrom


def read_house() -> dict[str, ast.Module]:
    """Every module of our packages by its dotted name."""
    return {
        module_name(path, package): ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for package in PACKAGES
        for path in sorted(package.rglob("*.py"))
    }


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_in(tree: ast.AST) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, Import):
            yield node


def imports_in_functions(tree: ast.Module) -> set[int]:
    return {
        found.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for found in imports_in(node)
    }


def imports_under_type_checking(tree: ast.Module) -> set[int]:
    return {
        found.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and mentions_type_checking(node.test)
        for found in imports_in(node)
    }


def mentions_type_checking(test: ast.expr) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == "TYPE_CHECKING")
        or (isinstance(node, ast.Attribute) and node.attr == "TYPE_CHECKING")
        for node in ast.walk(test)
    )


def import_graph(house: dict[str, ast.Module]) -> dict[str, set[str]]:
    return {name: set(targets(tree, house)) for name, tree in house.items()}


def targets(tree: ast.Module, house: dict[str, ast.Module]) -> Iterator[str]:
    """Our modules that this one names; relative imports are banned by ruff and not read here."""
    for node in imports_in(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in house)
        elif node.module in house:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in house else node.module


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        # graphlib names what is imported before its importer; a reader follows the imports.
        return list(reversed(error.args[1]))
    return []


def offences(house: dict[str, ast.Module], hidden: dict[str, set[int]]) -> list[str]:
    return [f"{name}, line {line}" for name in house for line in sorted(hidden[name])]


def test_all_packages_are_read() -> None:
    assert {"dropcast", "dropcast_client", "dropcast_loadtest", "dropcast_bench"} <= read_house().keys()


def test_no_module_imports_inside_a_function() -> None:
    house = read_house()
    assert offences(house, {name: imports_in_functions(tree) for name, tree in house.items()}) == []


def test_no_module_imports_under_type_checking() -> None:
    house = read_house()
    assert offences(house, {name: imports_under_type_checking(tree) for name, tree in house.items()}) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_in(import_graph(read_house())) == []


def test_an_import_hidden_in_a_method_is_found() -> None:
    tree = ast.parse("class A:\n    async def b(self):\n        if self:\n            import c\n")
    assert imports_in_functions(tree) == {4}


def test_an_import_under_type_checking_is_found_however_it_is_spelled() -> None:
    tree = ast.parse(
        "if TYPE_CHECKING:\n    import a\n"
        "if typing.TYPE_CHECKING:\n    from b import c\n"
        "if not TYPE_CHECKING:\n    pass\nelse:\n    import d\n"
        "if other:\n    import e\n"
    )
    assert imports_under_type_checking(tree) == {2, 4, 8}


def test_a_circle_through_a_package_is_found() -> None:
    house = {
        "p": ast.parse("from p.a import A\nfrom p.b import B"),
        "p.a": ast.parse("import json\nfrom p import b"),
        "p.b": ast.parse("from p import A"),
    }
    graph = import_graph(house)
    assert graph == {"p": {"p.a", "p.b"}, "p.a": {"p.b"}, "p.b": {"p"}}
    assert {"p", "p.b"} <= set(circle_in(graph))


def test_a_package_that_exports_its_modules_is_no_circle() -> None:
    house = {
        "p": ast.parse("from p.a import A"),
        "p.a": ast.parse("from p.b import B"),
        "p.b": ast.parse("import p.c"),
        "p.c": ast.parse(""),
    }
    assert circle_in(import_graph(house)) == []
