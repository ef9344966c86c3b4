"""The catalogue: products, their variants, and what one unit of money is.

An import makes these (shopify.py), the engine keeps them, and a pin copies what a viewer must see of one
into a drop's card. All limits on catalogue text stand here; Shopify's own are the same or lower, so that an
export does not run into them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

HANDLE_CHARS_MAX = 255
TITLE_CHARS_MAX = 255
DESCRIPTION_CHARS_MAX = 10_000
VENDOR_CHARS_MAX = 255
KIND_CHARS_MAX = 255
TAG_CHARS_MAX = 255
OPTION_CHARS_MAX = 255
URL_CHARS_MAX = 2_048
TAGS_PER_PRODUCT_MAX = 250
IMAGES_PER_PRODUCT_MAX = 250
VARIANTS_PER_PRODUCT_MAX = 2_048
STOCK_UNITS_MAX = 10_000_000
PRICE_MINOR_MAX = 10**12

MINOR_DIGITS_DEFAULT = 2
_MINOR_DIGITS = {
    code: digits
    for digits, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for code in codes.split()
}
"""Currencies whose minor unit is not a hundredth: the column "minor unit" of ISO 4217, list one."""

_CURRENCY = re.compile(r"[A-Z]{3}")


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One choice of a product: what is counted and sold."""

    sku: str
    title: str
    """The option values, as in "Red / S"; the product's title when there is nothing to choose."""
    options: dict[str, str]
    """Option values by name, in the merchant's order; empty when there is nothing to choose."""
    price_minor: int
    """In minor units of the product's currency."""
    compare_at_minor: int | None = None
    """The price before a reduction."""
    stock: int = 0
    image: str | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product of the catalogue. Its handle is its id."""

    handle: str
    title: str
    currency: str
    variants: tuple[Variant, ...]
    """At least one. SKUs are unique in the whole catalogue."""
    description: str = ""
    """Plain text; lines are separated by line feeds."""
    vendor: str = ""
    kind: str = ""
    """What the merchant files the product under, as in "Earrings"."""
    tags: tuple[str, ...] = ()
    """The merchant's own."""
    image: str | None = None
    """The first of `images`."""
    images: tuple[str, ...] = ()
    """Addresses of pictures, in the merchant's order."""
    published: bool = True
    """False for what the merchant keeps from the shop; it may be pinned all the same."""


class EncodedProduct(NamedTuple):
    """A product as the engine keeps it: MessagePack that nobody on the way needs to read."""

    handle: str
    packed: bytes


SLICE_PRODUCTS_MAX = 250
SLICE_BYTES_MAX = 131_072
"""A slice of a catalogue costs the engine, or a turn of a worker's loop, well under a millisecond."""

_pack = msgspec.msgpack.Encoder().encode


def encoded_slices(products: Iterable[Product]) -> Iterator[Sequence[EncodedProduct]]:
    """Yield the products encoded, in slices of a bounded size."""
    members: list[EncodedProduct] = []
    size = 0
    for product in products:
        packed = _pack(product)
        if members and (len(members) >= SLICE_PRODUCTS_MAX or size + len(packed) > SLICE_BYTES_MAX):
            yield members
            members, size = [], 0
        members.append(EncodedProduct(product.handle, packed))
        size += len(packed)
    if members:
        yield members


def is_currency(text: str) -> bool:
    """Whether `text` has the form of an ISO 4217 code. Whether such a currency exists is not looked up."""
    return _CURRENCY.fullmatch(text) is not None


def minor_digits(currency: str) -> int:
    """Return how many decimals a price in `currency` has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _MINOR_DIGITS.get(currency, MINOR_DIGITS_DEFAULT)


def money(amount_minor: int, currency: str) -> str:
    """Return an amount as a person reads it: money(1299, "EUR") is "12.99 EUR"."""
    digits = minor_digits(currency)
    sign = "-" if amount_minor < 0 else ""
    text = str(abs(amount_minor)).rjust(digits + 1, "0")
    major, minor = text[: len(text) - digits], text[len(text) - digits :]
    return f"{sign}{major}{'.' if minor else ''}{minor} {currency}"
