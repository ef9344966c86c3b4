"""Single cells of an imported row: read, or refused by line and column.

Each function takes the row and the column, notes what is wrong in the findings, and answers with a value that
lets the reading go on, so that all problems of a file are found at once.
"""

import re

from dropcast.domain.catalogue import (
    HANDLE_CHARS_MAX,
    PRICE_MINOR_MAX,
    STOCK_UNITS_MAX,
    URL_CHARS_MAX,
    minor_digits,
)
from dropcast.domain.ids import SKU_CHARS_MAX
from dropcast.domain.shopify.findings import Findings, shown
from dropcast.domain.shopify.sheet import Column, Row

_PRICE = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_QUANTITY = re.compile(r"[+-]?[0-9]+")
_GUARDED_NUMBER = re.compile(r"'[0-9]+")
_UNFIT_FOR_HANDLES = re.compile(r"[\s/?#%\\\"<>]|^\.+$")
_URL = re.compile(r"(?:https?:)?//[^\s\"<>\\]+", re.IGNORECASE)
# Control characters, line and paragraph separators, and halves of surrogate pairs, which UTF-8 cannot write.
_UNFIT_FOR_TEXT = re.compile("[\\s\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff]+")
# Longer digit strings are over every limit, and slow or refused as integers.
_DIGITS_MAX = 18


def clean(value: str) -> str:
    """Return a cell as one line of text: control characters and runs of blanks become one space."""
    return value if value.isprintable() and "  " not in value else _UNFIT_FOR_TEXT.sub(" ", value).strip()


def text(row: Row, column: Column, chars_max: int, findings: Findings) -> str:
    value = clean(row[column])
    if len(value) > chars_max:
        findings.error(
            row.line, row.name(column), f"{len(value)} characters; at most {chars_max} are allowed"
        )
    return value


def handle(row: Row, findings: Findings) -> str | None:
    """Return the handle, or None when the row cannot belong to a product."""
    value, name = row[Column.HANDLE], row.name(Column.HANDLE)
    if not value:
        findings.error(row.line, name, "the handle is missing")
    elif not value.isprintable() or _UNFIT_FOR_HANDLES.search(value):
        findings.error(
            row.line, name, f"{shown(value)} cannot be a handle: it has blanks or signs of its own in URLs"
        )
    elif len(value) > HANDLE_CHARS_MAX:
        findings.error(row.line, name, f"{len(value)} characters; at most {HANDLE_CHARS_MAX} are allowed")
    else:
        return value
    return None


def sku(row: Row, findings: Findings) -> str | None:
    """Return the SKU as the file has it, or None when it is missing or unfit.

    A SKU may well begin with an apostrophe. Only before nothing but digits is it taken for the guard that keeps
    spreadsheets from reading the SKU as a number (Shopify's own exports have it), and dropped.
    """
    value, name = row[Column.SKU], row.name(Column.SKU)
    if not value.isprintable():
        findings.error(row.line, name, f"the SKU {shown(value)} has characters that cannot be printed")
    elif len(value) > SKU_CHARS_MAX:
        findings.error(row.line, name, f"{len(value)} characters; at most {SKU_CHARS_MAX} are allowed")
    elif _GUARDED_NUMBER.fullmatch(value):
        findings.warn(row.line, name, f"read as {value[1:]}, without the spreadsheet's apostrophe")
        return value[1:]
    else:
        return value or None
    return None


def price(row: Row, column: Column, currency: str, findings: Findings) -> int | None:
    """Return a price in minor units; None when the cell is blank or was refused."""
    value, name = row[column], row.name(column)
    if not value:
        return None
    digits = minor_digits(currency)
    match = _PRICE.fullmatch(value)
    if match is None:
        if _PRICE.fullmatch(value.removeprefix("-")):
            findings.error(row.line, name, f"the price {shown(value)} is negative")
        else:
            hint = "digits, and a point before the decimals"
            findings.error(row.line, name, f"the price {shown(value)} cannot be read: write {hint}")
        return None
    major = match[1].lstrip("0")
    # Zeros beyond the currency's decimals say nothing: "1200.00" is a price in JPY.
    minor = (match[2] or "").rstrip("0")
    if len(minor) > digits:
        findings.error(
            row.line,
            name,
            f"the price {shown(value)} has more than {digits} decimals, too many for {currency}",
        )
        return None
    if (
        len(major) > _DIGITS_MAX
        or (amount := int((major or "0") + minor.ljust(digits, "0"))) > PRICE_MINOR_MAX
    ):
        findings.error(row.line, name, f"the price {shown(value)} is too high")
        return None
    return amount


def stock(row: Row, findings: Findings) -> int:
    """Return the units in stock. What is not a number of units is refused, what cannot be sold counts as 0."""
    value, name = row[Column.QUANTITY], row.name(Column.QUANTITY)
    if not value:
        # Without a tracker the shop sells without counting; we never do, so it is 0 and worth a word both times.
        # A file without the column gets one warning, see shopify.py.
        if row.has(Column.QUANTITY):
            tracked = "the stock is tracked but" if row[Column.TRACKER] else "the stock is not tracked and"
            findings.warn(row.line, name, f"{tracked} no quantity is given: counted as 0")
        return 0
    if _QUANTITY.fullmatch(value) is None:
        findings.error(row.line, name, f"the quantity {shown(value)} is not a whole number")
        return 0
    digits = value.lstrip("+-").lstrip("0")
    if value.startswith("-") and digits:
        findings.warn(row.line, name, f"the negative stock {shown(value)} counts as 0")
        return 0
    if len(digits) > _DIGITS_MAX or int(digits or "0") > STOCK_UNITS_MAX:
        findings.warn(
            row.line, name, f"the stock {shown(value)} counts as {STOCK_UNITS_MAX}, the most there can be"
        )
        return STOCK_UNITS_MAX
    return int(digits or "0")


def image(row: Row, column: Column, findings: Findings) -> str | None:
    """Return an image's address. One that a page could not show is left out: no reason to refuse a catalogue."""
    value = row[column]
    if not value:
        return None
    if len(value) > URL_CHARS_MAX or not value.isprintable() or not _URL.fullmatch(value):
        findings.warn(row.line, row.name(column), f"left out: {shown(value)} is not a web address")
        return None
    return value


def published(row: Row, findings: Findings) -> bool:
    """Return whether the row says that its product is in the shop."""
    value = row[Column.PUBLISHED].lower()
    if value not in ("true", "false"):
        findings.error(row.line, row.name(Column.PUBLISHED), f"{shown(value)} is neither true nor false")
    return value == "true"
