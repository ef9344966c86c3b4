"""Any catalogue survives being written as an export and read again; any other input is refused in one way."""

import csv
import html
import io
from itertools import chain, zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.domain.catalogue import PRICE_MINOR_MAX, STOCK_UNITS_MAX, Product, Variant, minor_digits
from dropcast.domain.shopify import CatalogueError, ParsedCatalogue, parse
from tests.domain.exports import PLAIN

COLUMNS = [*PLAIN, "Option3 Name", "Option3 Value", "Something Else"]

words = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
urls = st.text("abcxyz0189-._~%/?=&", min_size=1, max_size=20).map("https://img.example/{}".format)
prices = st.integers(0, PRICE_MINOR_MAX) | st.integers(0, 20_000)
option_names = phrases.filter(lambda name: name.lower() != "title")
option_values = phrases.filter(lambda value: value.lower() != "default title")
tags = phrases.map(lambda tag: tag.replace(",", ";"))
skus = phrases.filter(lambda sku: not sku.startswith("'"))


@st.composite
def products(draw: st.DrawFn, handle: str, currency: str) -> Product:
    names = draw(st.lists(option_names, max_size=3, unique=True))
    title = draw(phrases)
    choices = st.lists(option_values, min_size=len(names), max_size=len(names)).map(tuple)
    images = tuple(draw(st.lists(urls, max_size=3, unique=True)))
    return Product(
        handle=handle,
        title=title,
        currency=currency,
        description="\n\n".join(draw(st.lists(phrases, max_size=3))),
        vendor=draw(phrases | st.just("")),
        kind=draw(phrases | st.just("")),
        tags=tuple(draw(st.lists(tags, max_size=3, unique=True))),
        image=images[0] if images else None,
        images=images,
        published=draw(st.booleans()),
        variants=tuple(
            Variant(
                sku=f"{handle}:{at}:{draw(skus)}",
                title=" / ".join(choice) or title,
                options=dict(zip(names, choice, strict=True)),
                price_minor=draw(prices),
                compare_at_minor=draw(st.none() | st.integers(1, PRICE_MINOR_MAX)),
                stock=draw(st.integers(0, STOCK_UNITS_MAX)),
                image=draw(st.none() | urls),
            )
            for at, choice in enumerate(
                draw(st.lists(choices, min_size=1, max_size=4 if names else 1, unique=True))
            )
        ),
    )


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[Product, ...]:
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    handles = draw(st.lists(st.text("abc-123", min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
    return tuple(draw(products(handle, currency)) for handle in handles)


def amount(minor: int | None, currency: str) -> str:
    if minor is None:
        return ""
    digits = minor_digits(currency)
    return f"{minor // 10**digits}.{minor % 10**digits:0{digits}}" if digits else str(minor)


def rows_of(product: Product) -> list[dict[str, str]]:
    rows = []
    for variant in product.variants:
        row = {
            "Handle": product.handle,
            "Variant SKU": variant.sku,
            "Variant Inventory Qty": str(variant.stock),
            "Variant Price": amount(variant.price_minor, product.currency),
            "Variant Compare At Price": amount(variant.compare_at_minor, product.currency),
            "Variant Image": variant.image or "",
        }
        values = list(variant.options.values()) or ["Default Title"]
        row |= {f"Option{at} Value": value for at, value in enumerate(values, 1)}
        rows.append(row)
    names = list(product.variants[0].options) or ["Title"]
    paragraphs = product.description.split("\n\n") if product.description else []
    rows[0] |= {
        "Title": product.title,
        "Body (HTML)": "\n".join(f"<p>{html.escape(text)}</p>" for text in paragraphs),
        "Vendor": product.vendor,
        "Type": product.kind,
        "Tags": ", ".join(product.tags),
        "Published": str(product.published).lower(),
        **{f"Option{at} Name": name for at, name in enumerate(names, 1)},
    }
    for at, image in enumerate(product.images):
        if at == len(rows):
            rows.append({"Handle": product.handle})
        rows[at]["Image Src"] = image
    return rows


def written(rows: list[dict[str, str]], line_end: str = "\n") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@given(catalogues(), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_a_catalogue_written_as_an_export_is_read_as_the_same(
    catalogue: tuple[Product, ...], scattered: bool, line_end: str
) -> None:
    groups = [rows_of(product) for product in catalogue]
    rows = [row for row in (chain(*zip_longest(*groups)) if scattered else chain(*groups)) if row]
    parsed = parse(written(rows, line_end).encode(), currency=catalogue[0].currency)
    assert parsed.products == catalogue
    assert parsed.warnings == ()


@given(catalogues(), st.data(), st.sampled_from(["1,299.00", "$12", "-3", "", "free"]))
def test_one_bad_price_anywhere_refuses_the_whole_file_by_its_line(
    catalogue: tuple[Product, ...], data: st.DataObject, price: str
) -> None:
    rows = [row for product in catalogue for row in rows_of(product)]
    spoilt = data.draw(st.sampled_from([at for at, row in enumerate(rows) if "Variant Price" in row]))
    rows[spoilt]["Variant Price"] = price
    with pytest.raises(CatalogueError) as caught:
        parse(written(rows), currency=catalogue[0].currency)
    line = written(rows[:spoilt]).count("\n") + 1
    assert [(p.line, p.column) for p in caught.value.problems] == [(line, "Variant Price")]


def accepts_or_refuses(content: str | bytes, currency: str = "EUR") -> None:
    """Read `content`: products that keep their promises, or a CatalogueError; anything else fails the test."""
    parsed: ParsedCatalogue | CatalogueError
    try:
        parsed = parse(content, currency=currency)
    except CatalogueError as refused:
        parsed = refused
    if isinstance(parsed, CatalogueError):
        assert parsed.problems
        assert parsed.message.encode()
        return
    assert parsed.products
    found = [variant.sku for product in parsed.products for variant in product.variants]
    assert len(set(found)) == len(found)
    assert all(sku.isprintable() and 0 < len(sku) <= 128 for sku in found)
    assert all(product.title and product.handle and product.variants for product in parsed.products)


HEADER = ",".join(f'"{column}"' for column in COLUMNS) + "\n"
odd_cells = st.sampled_from(
    ["", "1", "-1", "a", "Title", "Default Title", "'1", "1.5", "//x", "a\nb", "<p>", "&#9", "\ud800"]
)
any_surrogates = st.text(st.characters(codec=None))


@given(
    any_surrogates
    | st.binary()
    | any_surrogates.map(HEADER.__add__)
    | st.binary().map(HEADER.encode().__add__)
)
def test_any_text_and_any_bytes_are_read_or_refused(content: str | bytes) -> None:
    accepts_or_refuses(content)


@given(st.text())
def test_any_currency_is_taken_or_refused(currency: str) -> None:
    accepts_or_refuses(written([{"Handle": "a", "Title": "A", "Variant Price": "1"}]), currency)


@given(
    st.lists(
        st.fixed_dictionaries({column: odd_cells | st.text(max_size=3) for column in COLUMNS}), max_size=4
    )
)
def test_any_cells_are_read_or_refused(rows: list[dict[str, str]]) -> None:
    accepts_or_refuses(written(rows))


@given(catalogues(), st.data())
def test_an_export_damaged_at_any_byte_is_read_or_refused(
    catalogue: tuple[Product, ...], data: st.DataObject
) -> None:
    raw = written([row for product in catalogue for row in rows_of(product)]).encode()
    at = data.draw(st.integers(0, len(raw)))
    accepts_or_refuses(raw[:at] + data.draw(st.binary(max_size=3)) + raw[at + data.draw(st.integers(0, 3)) :])
