"""Markdown: headings, tables, and the line that says where a page comes from. Pure."""

from collections.abc import Iterable, Sequence

COMMAND = "make specs"
"""What a reader runs to make a stale document anew."""


def page(title: str, source: str, *parts: str) -> str:
    """Return a page; `source` is the file that has the truth of it."""
    note = f"<!-- Generated from {source} by `{COMMAND}`: change it there. -->"
    return "\n\n".join((f"# {title}", note, *(part.strip("\n") for part in parts))) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def code(text: object) -> str:
    return f"`{text}`" if str(text) else ""


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
