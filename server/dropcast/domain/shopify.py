"""A Shopify product export becomes products of the catalogue: all of it, or nothing and every problem by its line.

Called by `dropcast import`, by `POST /v1/products` and by the demo. The way: bytes -> rows (sheet.py) -> rows by
handle -> variants and product (cells.py, html_text.py) -> SKUs checked over the whole file.

A product spans rows of one handle, usually but not always neighbours. A row is a variant when a cell that only
variants have is filled; any row may bring an image. What is said once of a product is taken from the first row
that says it. Option names, too, are carried forward to all of the product's variants.
"""

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from dropcast.domain import cells, catalogue
from dropcast.domain.catalogue import Product, Variant, is_currency
from dropcast.domain.findings import CatalogueError, Findings, Problem
from dropcast.domain.html_text import plain_text
from dropcast.domain.ids import SKU_CHARS_MAX
from dropcast.domain.sheet import Column, Row, read

__all__ = ["CatalogueError", "ParsedCatalogue", "Problem", "parse"]

_OPTIONS = (
    (Column.OPTION1_NAME, Column.OPTION1_VALUE),
    (Column.OPTION2_NAME, Column.OPTION2_VALUE),
    (Column.OPTION3_NAME, Column.OPTION3_VALUE),
)
_OF_VARIANTS = (Column.PRICE, Column.SKU, Column.QUANTITY, Column.COMPARE_AT, *(value for _, value in _OPTIONS))
_NOTHING_TO_CHOOSE = ("title", "default title")
_DIGEST_BYTES = 4


class ParsedCatalogue(msgspec.Struct, frozen=True):
    products: tuple[Product, ...]
    warnings: tuple[Problem, ...]


def parse(text: str | bytes, *, currency: str) -> ParsedCatalogue:
    """Read a whole export, its prices in `currency`. Raises CatalogueError with all that keeps it from being read."""
    findings = Findings()
    if not is_currency(currency):
        findings.error(0, "currency", "must be a code of three capital letters, as in EUR")
        findings.raise_problems()
    rows = read(text, findings)
    if rows and not rows[0].has(Column.QUANTITY):
        findings.warn(1, Column.QUANTITY, "the file has no such column: all stock counts as 0")
    products = tuple(
        _ProductRows(handle, members, currency, findings).product()
        for handle, members in _by_handle(rows, findings).items()
    )
