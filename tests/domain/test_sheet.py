"""Bytes become rows that know their line, or one clear word on why they cannot."""

import pytest

from dropcast.domain.shopify import CatalogueError, parse
from tests.domain.exports import PLAIN, export, extra, problems, row

GOOD = export(row())


def message(raw: str | bytes) -> str:
    with pytest.raises(CatalogueError) as caught:
        parse(raw, currency="EUR")
    return str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        GOOD,
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r").encode(),
        GOOD.removesuffix("\n"),
        "\n\n" + GOOD + "\n,,,\n  \n",
    ],
)
def test_byte_order_marks_line_ends_and_blank_lines_make_no_difference(raw: str | bytes) -> None:
    assert parse(raw, currency="EUR") == parse(GOOD, currency="EUR")


def test_the_line_of_a_row_is_where_it_starts_in_the_file() -> None:
    body = "<p>one</p>\n\n<p>two</p>\n"
    text = export(
        row(body=body, price="x"), extra(sku="B", price="y"), row(handle="hat", body=body, sku="C", price="z")
    )
    assert problems(text) == [(2, "Variant Price"), (6, "Variant Price"), (7, "Variant Price")]
    assert problems(text.replace("\n", "\r\n")) == problems(text)
    assert problems("\n\n" + text) == [(4, "Variant Price"), (8, "Variant Price"), (9, "Variant Price")]


@pytest.mark.parametrize("raw", ["", b"", "\ufeff", "\n \n,,\n"])
def test_an_empty_file_is_an_error(raw: str | bytes) -> None:
    assert problems(raw) == [(0, "")]
    assert "empty" in message(raw)


def test_a_header_without_products_is_an_error() -> None:
    assert problems(export()) == [(0, "")]


def test_missing_columns_are_named_together() -> None:
    assert problems("Handle,Vendor\nshirt,X\n") == [(1, "")]
    assert "no column Title, Variant Price" in message("Handle,Vendor\nshirt,X\n")


def test_semicolons_are_hinted_at() -> None:
    assert "separated by commas" in message(GOOD.replace(",", ";"))


def test_a_column_given_twice_is_an_error() -> None:
    assert problems("Handle,Title,Variant Price,variant price\na,A,1,2\n") == [(1, "variant price")]


@pytest.mark.parametrize("line", ["hat" + "," * len(PLAIN), "hat,Hat"])
def test_a_row_that_has_not_as_many_fields_as_the_header_is_an_error(line: str) -> None:
    assert problems(GOOD + line + "\n") == [(3, "")]


def test_a_row_that_does_not_fit_keeps_its_product_from_being_judged_but_no_other() -> None:
    misfit = export(row(title="", price="x")).removesuffix("\n").splitlines()[1] + ","
    text = GOOD.splitlines()[0] + "\n" + misfit + "\n"
    other = export(extra(sku="B", price="y"), row(handle="hat", sku="C", price="z")).split("\n", 1)[1]
    assert problems(text + other) == [(2, ""), (4, "Variant Price")]


def test_bytes_that_are_not_utf_8_are_an_error_on_their_line() -> None:
    raw = export(row(), row(handle="cafe", title="Café")).replace("\n", "\r\n").encode("latin-1")
    assert problems(raw) == [(3, "")]
    assert "0xe9 is not UTF-8" in message(raw)
    assert "UTF-16" in message(GOOD.encode("utf-16"))


def test_a_quote_that_is_never_closed_is_an_error_where_its_row_starts() -> None:
    assert problems(GOOD + 'hat,"Hat\nmore\n') == [(3, "")]


def test_a_cell_may_be_as_large_as_shopify_allows_and_has_a_limit() -> None:
    picture = '<img src="data:image/png;base64,' + "A" * 600_000 + '"><p>Soft</p>'
    assert parse(export(row(body=picture)), currency="EUR").products[0].description == "Soft"
    assert problems(export(row(body="A" * 1_100_000))) == [(2, "")]


def test_unknown_columns_are_ignored_and_order_and_case_do_not_matter() -> None:
    text = "Included / United States,VARIANT PRICE,title,Product Category,Handle,Variant SKU,Variant Inventory Qty\n"
    parsed = parse(text + "true,5.00,Hat,Hats,hat,H,2\n", currency="EUR")
    assert [(p.handle, p.title, p.variants[0].price_minor) for p in parsed.products] == [("hat", "Hat", 500)]
    assert parsed.warnings == ()


def test_the_present_names_of_shopifys_columns_are_understood() -> None:
    renamed = {
        "Handle": "URL handle",
        "Body (HTML)": "Description",
        "Published": "Published on online store",
        "Option1 Name": "Option1 name",
        "Option1 Value": "Option1 value",
        "Variant SKU": "SKU",
        "Variant Inventory Tracker": "Inventory tracker",
        "Variant Inventory Qty": "Inventory quantity",
        "Variant Price": "Price",
        "Variant Compare At Price": "Compare-at price",
        "Image Src": "Product image URL",
        "Variant Image": "Variant image URL",
    }
    cells = row(
        body="<p>Soft</p>",
        name="Size",
        value="S",
        compare_at="20.00",
        image="https://img.example/1.jpg",
        variant_image="https://img.example/2.jpg",
        published="false",
    )
    text = export({renamed.get(name, name): cell for name, cell in cells.items()})
    assert parse(text, currency="EUR") == parse(export(cells), currency="EUR")
    assert problems(text.replace("12.50", "x")) == [(2, "Price")]


def test_when_a_file_has_both_names_of_a_column_the_long_standing_one_counts() -> None:
    text = "Handle,Title,Description,Body (HTML),Variant Price\nhat,Hat,short,long,1\n"
    assert parse(text, currency="EUR").products[0].description == "long"
