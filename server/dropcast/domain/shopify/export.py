"""A Shopify product export becomes products of the catalogue: all of it, or nothing and every problem by its line.

Called by `dropcast import`, by `POST /v1/products` and by the demo. The way: bytes -> rows (sheet.py) -> rows by
handle -> variants and products (here, with cells.py and html_text.py) -> SKUs checked over the whole file.

A product spans rows of one handle, usually but not always neighbours. A row is a variant when a cell that only
variants have is filled; any row may bring an image. What is said once of a product is taken from the first row
that says it, and so are the names of its options.
"""

import hashlib
from collections.abc import Sequence

import msgspec

import dropcast.domain.shopify.cells as cells
from dropcast.domain import catalogue
from dropcast.domain.catalogue import Product, Variant
from dropcast.domain.ids import SKU_CHARS_MAX
from dropcast.domain.shopify.findings import Findings, Problem
from dropcast.domain.shopify.html_text import plain_text
from dropcast.domain.shopify.sheet import Column, Row, read

_OPTIONS = (
    (Column.OPTION1_NAME, Column.OPTION1_VALUE),
    (Column.OPTION2_NAME, Column.OPTION2_VALUE),
    (Column.OPTION3_NAME, Column.OPTION3_VALUE),
)
_VARIANT_CELLS = (
    Column.PRICE,
    Column.SKU,
    Column.QUANTITY,
    Column.COMPARE_AT,
    *(value for _, value in _OPTIONS),
)
# What Shopify writes as the option of a product that has no options.
_NO_OPTION_NAME, _NO_OPTION_VALUE = "title", "default title"
_DIGEST_BYTES = 4


class ParsedCatalogue(msgspec.Struct, frozen=True):
    products: tuple[Product, ...]
    """In the order in which the file first names them."""
    warnings: tuple[Problem, ...]


def parse(text: str | bytes, *, currency: str) -> ParsedCatalogue:
    """Read a whole export with prices in `currency`. Raises CatalogueError with all that is wrong with it."""
    findings = Findings()
    if not catalogue.is_currency(currency):
        findings.error(0, "currency", "must be a code of three capital letters, as in EUR")
        findings.raise_problems()
    rows = read(text, findings)
    if rows and not rows[0].has(Column.QUANTITY):
        message = "the file has no such column: all stock counts as 0"
        findings.warn(rows[0].header_line, Column.QUANTITY, message)
    reader = _ProductReader(currency, findings)
    products = tuple(
        reader.product(handle, members)
        for handle, members in _by_handle(rows, findings).items()
        # A row with shifted cells is a problem already, and would bring forth many that are none.
        if all(member.fits for member in members)
    )
    reader.check_skus()
    findings.raise_problems()
    if not products:
        findings.error(0, "", "it has a header but no product")
        findings.raise_problems()
    return ParsedCatalogue(products, findings.warnings())


def _by_handle(rows: Sequence[Row], findings: Findings) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        handle = cells.handle(row, findings) if row.fits else row[Column.HANDLE]
        if handle is not None:
            groups.setdefault(handle, []).append(row)
    return groups


class _ProductReader:
    """Makes products of rows, and remembers the SKU of every variant for the check over the whole file."""

    def __init__(self, currency: str, findings: Findings) -> None:
        self._currency = currency
        self._findings = findings
        self._skus: list[tuple[int, str, str]] = []

    def product(self, handle: str, rows: Sequence[Row]) -> Product:
        findings = self._findings
        title = self._text(rows, Column.TITLE, catalogue.TITLE_CHARS_MAX)
        if not title:
            findings.error(rows[0].line, rows[0].name(Column.TITLE), f"product {handle} has no title")
        images = self._images(rows)
        return Product(
            handle=handle,
            title=title,
            currency=self._currency,
            variants=self._variants(handle, title, rows),
            description=self._description(rows),
            vendor=self._text(rows, Column.VENDOR, catalogue.VENDOR_CHARS_MAX),
            kind=self._text(rows, Column.TYPE, catalogue.KIND_CHARS_MAX),
            tags=self._tags(rows),
            image=images[0] if images else None,
            images=images,
            published=self._published(rows),
        )

    def check_skus(self) -> None:
        """Note every SKU that was met before, on the later of its lines, whichever product that belongs to."""
        first_lines: dict[str, int] = {}
        for line, column, sku in sorted(self._skus):
            first = first_lines.setdefault(sku, line)
            if first != line:
                self._findings.error(line, column, f"the SKU {sku!r} was given already on line {first}")

    def _variants(self, handle: str, title: str, rows: Sequence[Row]) -> tuple[Variant, ...]:
        findings = self._findings
        variant_rows = [row for row in rows if any(row[column] for column in _VARIANT_CELLS)]
        if not variant_rows:
            # Shopify never exports such a product. Leaving it out quietly would hide a mistake.
            findings.error(
                rows[0].line, rows[0].name(Column.PRICE), f"product {handle} has no row with a price"
            )
        elif len(variant_rows) > catalogue.VARIANTS_PER_PRODUCT_MAX:
            excess = variant_rows[catalogue.VARIANTS_PER_PRODUCT_MAX]
            message = f"more than {catalogue.VARIANTS_PER_PRODUCT_MAX} variants of product {handle}"
            findings.error(excess.line, excess.name(Column.HANDLE), message)
        names = tuple(self._text(rows, name, catalogue.OPTION_CHARS_MAX) for name, _ in _OPTIONS)
        first_lines: dict[tuple[str, ...], int] = {}
        variants = []
        for row in variant_rows:
            options = self._options(row, names)
            choice = tuple(options.values())
            first = first_lines.setdefault(choice, row.line)
            if first != row.line:
                message = f"the same choice as on line {first}: viewers cannot tell the two apart"
                findings.warn(row.line, row.name(Column.OPTION1_VALUE), message)
            variants.append(self._variant(row, handle, " / ".join(choice) or title, options))
        return tuple(variants)

    def _variant(self, row: Row, handle: str, title: str, options: dict[str, str]) -> Variant:
        findings = self._findings
        if not row[Column.PRICE]:
            findings.error(row.line, row.name(Column.PRICE), "the price is missing")
        return Variant(
            sku=self._sku(row, handle, options),
            title=title,
            options=options,
            price_minor=cells.price(row, Column.PRICE, self._currency, findings) or 0,
            # Shopify writes no former price as nothing or as 0.
            compare_at_minor=cells.price(row, Column.COMPARE_AT, self._currency, findings) or None,
            stock=cells.stock(row, findings),
            image=cells.image(row, Column.VARIANT_IMAGE, findings),
        )

    def _options(self, row: Row, names: Sequence[str]) -> dict[str, str]:
        findings = self._findings
        options: dict[str, str] = {}
        for name, (name_column, value_column) in zip(names, _OPTIONS, strict=True):
            value = cells.text(row, value_column, catalogue.OPTION_CHARS_MAX, findings)
            if name.lower() in ("", _NO_OPTION_NAME) and value.lower() in ("", _NO_OPTION_VALUE):
                continue
            if not value:
                findings.warn(row.line, row.name(value_column), f"the variant has no {name}")
            elif not name:
                called = f"Option {len(options) + 1}"
                findings.warn(row.line, row.name(name_column), f"the option has no name: called {called!r}")
                options[called] = value
            elif name in options:
                findings.error(row.line, row.name(name_column), f"two options are called {name}")
            else:
                options[name] = value
        return options

    def _sku(self, row: Row, handle: str, options: dict[str, str]) -> str:
        column = row.name(Column.SKU)
        sku = cells.sku(row, self._findings)
        if sku is None:
            sku = _generated_sku(handle, options)
            if row[Column.SKU]:
                return sku  # refused: the file is, too, and one problem for one cell is enough
            self._findings.warn(row.line, column, f"the SKU is missing: called {sku}")
        self._skus.append((row.line, column, sku))
        return sku

    def _text(self, rows: Sequence[Row], column: Column, chars_max: int) -> str:
        row = _first_with(rows, column)
        return cells.text(row, column, chars_max, self._findings) if row else ""

    def _description(self, rows: Sequence[Row]) -> str:
        row = _first_with(rows, Column.BODY)
        if row is None:
            return ""
        text = plain_text(row[Column.BODY])
        chars_max = catalogue.DESCRIPTION_CHARS_MAX
        if len(text) <= chars_max:
            return text
        self._findings.warn(
            row.line,
            row.name(Column.BODY),
            f"the description was cut to {chars_max} of {len(text)} characters",
        )
        return text[: chars_max - 1].rstrip() + "…"

    def _tags(self, rows: Sequence[Row]) -> tuple[str, ...]:
        row = _first_with(rows, Column.TAGS)
        if row is None:
            return ()
        tags = tuple(
            dict.fromkeys(tag for part in row[Column.TAGS].split(",") if (tag := cells.clean(part).strip()))
        )
        name = row.name(Column.TAGS)
        if len(tags) > catalogue.TAGS_PER_PRODUCT_MAX:
            self._findings.error(
                row.line, name, f"{len(tags)} tags; at most {catalogue.TAGS_PER_PRODUCT_MAX} are allowed"
            )
        if any(len(tag) > catalogue.TAG_CHARS_MAX for tag in tags):
            self._findings.error(row.line, name, f"a tag has more than {catalogue.TAG_CHARS_MAX} characters")
        return tags

    def _images(self, rows: Sequence[Row]) -> tuple[str, ...]:
        found = (cells.image(row, Column.IMAGE, self._findings) for row in rows)
        images = tuple(dict.fromkeys(image for image in found if image is not None))
        if len(images) > catalogue.IMAGES_PER_PRODUCT_MAX:
            message = f"only the first {catalogue.IMAGES_PER_PRODUCT_MAX} of {len(images)} images are kept"
            self._findings.warn(rows[0].line, rows[0].name(Column.IMAGE), message)
        return images[: catalogue.IMAGES_PER_PRODUCT_MAX]

    def _published(self, rows: Sequence[Row]) -> bool:
        """Whether the product is in the shop: a blank cell says yes; a draft or archived product is not."""
        row = _first_with(rows, Column.PUBLISHED)
        status = _first_with(rows, Column.STATUS)
        shown = row is None or cells.published(row, self._findings)
        return shown and (status is None or status[Column.STATUS].lower() == "active")


def _first_with(rows: Sequence[Row], column: Column) -> Row | None:
    return next((row for row in rows if row[column]), None)


def _generated_sku(handle: str, options: dict[str, str]) -> str:
    """Return handle/option values, as in 18k-pedal-ring/6; one that is too long ends in a digest of the whole."""
    sku = "".join(sign for sign in "/".join((handle, *options.values())) if sign.isprintable())
    if len(sku) <= SKU_CHARS_MAX:
        return sku
    ending = "~" + hashlib.blake2b(sku.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return sku[: SKU_CHARS_MAX - len(ending)] + ending
