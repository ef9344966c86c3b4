"""A CSV file as rows that know their line: the part of an import that cares for bytes, quotes and line ends."""

import csv
import io
from collections.abc import Iterator, Mapping
from enum import StrEnum

from dropcast.domain.shopify.findings import Findings

CELL_CHARS_MAX = 2**20
"""Shopify takes bodies of 512 KiB; Python's csv module stops at 128 KiB unless told otherwise."""

# The module's only setting, and one for the whole process: raised once, never lowered.
csv.field_size_limit(max(csv.field_size_limit(), CELL_CHARS_MAX))


class Column(StrEnum):
    """The columns that an import reads, by Shopify's long-standing names. All others are ignored."""

    HANDLE = "Handle"
    TITLE = "Title"
    BODY = "Body (HTML)"
    VENDOR = "Vendor"
    TYPE = "Type"
    TAGS = "Tags"
    PUBLISHED = "Published"
    STATUS = "Status"
    OPTION1_NAME = "Option1 Name"
    OPTION1_VALUE = "Option1 Value"
    OPTION2_NAME = "Option2 Name"
    OPTION2_VALUE = "Option2 Value"
    OPTION3_NAME = "Option3 Name"
    OPTION3_VALUE = "Option3 Value"
    SKU = "Variant SKU"
    TRACKER = "Variant Inventory Tracker"
    QUANTITY = "Variant Inventory Qty"
    PRICE = "Variant Price"
    COMPARE_AT = "Variant Compare At Price"
    IMAGE = "Image Src"
    VARIANT_IMAGE = "Variant Image"


REQUIRED = (Column.HANDLE, Column.TITLE, Column.PRICE)

# Shopify's present template and help pages spell these columns anew; its exports come in either spelling.
_NEW_NAMES = {
    "url handle": Column.HANDLE,
    "description": Column.BODY,
    "published on online store": Column.PUBLISHED,
    "sku": Column.SKU,
    "inventory tracker": Column.TRACKER,
    "inventory quantity": Column.QUANTITY,
    "price": Column.PRICE,
    "compare-at price": Column.COMPARE_AT,
    "product image url": Column.IMAGE,
    "variant image url": Column.VARIANT_IMAGE,
}
_OLD_NAMES = {column.value.lower(): column for column in Column}


class Row:
    """One row of the file: cells by column, without the blanks around them."""

    __slots__ = ("_cells", "_header", "fits", "line")

    def __init__(self, line: int, cells: list[str], header: "Header") -> None:
        self.line = line
        self.fits = len(cells) == header.width
        """False when the row has fewer or more fields than the header: its cells may be in wrong columns."""
        self._cells = cells
        self._header = header

    def __getitem__(self, column: Column) -> str:
        """Return the cell's text; empty when it is blank or the file has no such column."""
        at = self._header.places.get(column)
        return "" if at is None or at >= len(self._cells) else self._cells[at].strip()

    def name(self, column: Column) -> str:
        """Return what the file calls `column`."""
        return self._header.names.get(column, column.value)

    @property
    def header_line(self) -> int:
        return self._header.line

    def has(self, column: Column) -> bool:
        """Whether the file has such a column at all."""
        return column in self._header.places


class Header:
    def __init__(
        self, line: int, places: Mapping[Column, int], names: Mapping[Column, str], width: int
    ) -> None:
        self.line = line
        self.places = places
        self.names = names
        self.width = width


def read(text: str | bytes, findings: Findings) -> list[Row]:
    """Return the rows below the header. Raises CatalogueError when the file cannot be told into columns."""
    content = _decoded(text, findings) if isinstance(text, bytes) else text
    lines = _lines(content.removeprefix("\ufeff"), findings)
    header = _header(lines, findings)
    rows: list[Row] = []
    for line, cells in lines:
        row = Row(line, cells, header)
        if not row.fits:
            # Fewer fields too: a file cut off while it was copied would otherwise sell at a cut-off price.
            findings.error(line, "", f"the row has {len(cells)} fields, the header has {header.width}")
        rows.append(row)
    return rows


def _decoded(raw: bytes, findings: Findings) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        findings.error(1, "", "the file is UTF-16: save it as CSV in UTF-8")
        findings.raise_problems()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        before = raw[: bad.start]
        line = 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        findings.error(line, "", f"byte 0x{raw[bad.start]:02x} is not UTF-8: save the file as CSV in UTF-8")
        findings.raise_problems()
        raise AssertionError("unreachable") from bad


def _lines(text: str, findings: Findings) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, with the line on which it starts: a quoted cell may span lines."""
    # newline="" keeps line ends inside quoted cells as they are, and lets a lone CR end a line too.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as bad:
            # What follows a broken quote cannot be trusted to be rows.
            findings.error(start, "", f"the row that starts here is not CSV: {bad}")
            return
        if any(cell and not cell.isspace() for cell in cells):
            yield start, cells


def _header(lines: Iterator[tuple[int, list[str]]], findings: Findings) -> Header:
    line, cells = next(lines, (0, []))
    names = [cell.strip() for cell in cells]
    places: dict[Column, int] = {}
    for spelling in (_OLD_NAMES, _NEW_NAMES):
        for at, name in enumerate(names):
            column = spelling.get(name.lower())
            if column is None:
                continue
            if column not in places:
                places[column] = at
            elif names[places[column]].lower() == name.lower():
                findings.error(line, name, "the header has this column twice")
            # Otherwise the file has both spellings: the old one counts, the other is one more unknown column.
    missing = [column.value for column in REQUIRED if column not in places]
    if missing and cells:
        hint = "; its cells must be separated by commas" if len(cells) == 1 else ""
        findings.error(line, "", f"the header has no column {', '.join(missing)}{hint}")
    findings.raise_problems()
    if not cells:
        findings.error(0, "", "it is empty")
        findings.raise_problems()
    return Header(line, places, {column: names[at] for column, at in places.items()}, len(cells))
