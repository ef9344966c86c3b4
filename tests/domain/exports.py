"""Small Shopify exports for the tests, one row at a time, and what the parser makes of them."""

import csv
import io
from collections.abc import Mapping

import pytest

from dropcast.domain.catalogue import Product
from dropcast.domain.shopify import CatalogueError, ParsedCatalogue, parse

PLAIN: Mapping[str, str] = {
    "Handle": "shirt",
    "Title": "Shirt",
    "Body (HTML)": "",
    "Vendor": "",
    "Type": "",
    "Tags": "",
    "Published": "true",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Option2 Name": "",
    "Option2 Value": "",
    "Variant SKU": "SHIRT",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "3",
    "Variant Price": "12.50",
    "Variant Compare At Price": "",
    "Image Src": "",
    "Variant Image": "",
    "Status": "active",
}
BLANK = dict.fromkeys(PLAIN, "")


def export(*rows: Mapping[str, str]) -> str:
    """Write rows as a CSV file; each is the plain row with some cells changed."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0] if rows else PLAIN), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def row(**cells: str) -> dict[str, str]:
    """The plain row with cells changed, their names shortened: sku="X" is the column Variant SKU."""
    return {**PLAIN, **{NAMES[name]: text for name, text in cells.items()}}


def extra(**cells: str) -> dict[str, str]:
    """A further row of the same handle."""
    return {**BLANK, "Handle": "shirt", **{NAMES[name]: text for name, text in cells.items()}}


NAMES = {
    "handle": "Handle",
    "title": "Title",
    "body": "Body (HTML)",
    "tags": "Tags",
    "published": "Published",
    "status": "Status",
    "name": "Option1 Name",
    "value": "Option1 Value",
    "name2": "Option2 Name",
    "value2": "Option2 Value",
    "sku": "Variant SKU",
    "tracker": "Variant Inventory Tracker",
    "qty": "Variant Inventory Qty",
    "price": "Variant Price",
    "compare_at": "Variant Compare At Price",
    "image": "Image Src",
    "variant_image": "Variant Image",
}


def read(*rows: Mapping[str, str], currency: str = "EUR") -> ParsedCatalogue:
    return parse(export(*rows), currency=currency)


def one(*rows: Mapping[str, str], currency: str = "EUR") -> Product:
    parsed = read(*rows, currency=currency)
    assert len(parsed.products) == 1
    return parsed.products[0]


def problems(text: str | bytes, currency: str = "EUR") -> list[tuple[int, str]]:
    """Where the file is wrong, by line and column."""
    with pytest.raises(CatalogueError) as caught:
        parse(text, currency=currency)
    return [(problem.line, problem.column) for problem in caught.value.problems]


def warnings(*rows: Mapping[str, str]) -> list[tuple[int, str]]:
    return [(warning.line, warning.column) for warning in read(*rows).warnings]
