"""A cell of an export is read, or refused by line and column."""

import pytest

from dropcast.domain.catalogue import STOCK_UNITS_MAX
from tests.domain.exports import export, one, problems, row, warnings


def test_what_is_no_web_address_is_left_out_as_an_image_with_a_warning() -> None:
    assert one(row(image="javascript:alert(1)")).images == ()
    assert warnings(row(image="javascript:alert(1)")) == [(2, "Image Src")]


@pytest.mark.parametrize(
    ("cell", "sku"), [("'4160", "4160"), ("'4160A", "'4160A"), (" A B ", "A B"), ("007", "007")]
)
def test_a_sku_is_kept_but_for_blanks_around_it_and_the_guard_before_a_number(cell: str, sku: str) -> None:
    assert one(row(sku=cell)).variants[0].sku == sku
    assert warnings(row(sku=cell)) == ([(2, "Variant SKU")] if cell == "'4160" else [])


@pytest.mark.parametrize(
    ("cell", "stock", "warns"),
    [
        ("7", 7, False),
        ("+7", 7, False),
        ("-1", 0, True),
        ("-0", 0, False),
        ("", 0, True),
        ("9" * 30, STOCK_UNITS_MAX, True),
    ],
)
def test_stock_that_cannot_be_sold_counts_as_none_with_a_warning(cell: str, stock: int, warns: bool) -> None:
    assert one(row(qty=cell)).variants[0].stock == stock
    assert warnings(row(qty=cell)) == ([(2, "Variant Inventory Qty")] if warns else [])


def test_a_file_without_quantities_is_warned_of_once() -> None:
    rows = [
        {name: text for name, text in row(handle=h, sku=h).items() if "Inventory" not in name} for h in "ab"
    ]
    assert warnings(*rows) == [(1, "Variant Inventory Qty")]


@pytest.mark.parametrize(
    ("cell", "currency", "amount_minor"),
    [
        ("12.5", "EUR", 1250),
        ("0", "EUR", 0),
        (" 007.00 ", "EUR", 700),
        ("1200", "JPY", 1200),
        ("1200.00", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("1.2300000", "EUR", 123),
    ],
)
def test_a_price_is_read_in_minor_units_of_the_currency(cell: str, currency: str, amount_minor: int) -> None:
    assert one(row(price=cell), currency=currency).variants[0].price_minor == amount_minor


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "1,299.00",
        "12,50",
        "$12",
        "12 EUR",
        "1e3",
        "-1.00",
        "+1",
        ".5",
        "5.",
        "1.005",
        "nan",
        "٣",
        "9" * 5000,
        "1\x00",
    ],
)
def test_an_unreadable_price_is_an_error_by_line_and_column(cell: str) -> None:
    assert problems(export(row(), row(handle="hat", sku="H", price=cell))) == [(3, "Variant Price")]


def test_more_decimals_than_the_currency_has_are_an_error() -> None:
    assert problems(export(row(price="12.50")), currency="JPY") == [(2, "Variant Price")]
    assert problems(export(row(compare_at="1.2345")), currency="KWD") == [(2, "Variant Compare At Price")]


@pytest.mark.parametrize("cell", ["1.5", "2.0", "many", "1e3", "1 000"])
def test_a_quantity_that_is_no_whole_number_is_an_error(cell: str) -> None:
    assert problems(export(row(qty=cell))) == [(2, "Variant Inventory Qty")]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"title": ""}, "Title"),
        ({"title": "x" * 256}, "Title"),
        ({"handle": ""}, "Handle"),
        ({"handle": "a/b"}, "Handle"),
        ({"handle": "a b"}, "Handle"),
        ({"handle": "h" * 256}, "Handle"),
        ({"sku": "S" * 129}, "Variant SKU"),
        ({"sku": "A\x00B"}, "Variant SKU"),
        ({"published": "maybe"}, "Published"),
        ({"name": "Size", "value": "S", "name2": "Size", "value2": "M"}, "Option2 Name"),
        ({"price": "", "sku": "", "qty": "", "value": ""}, "Variant Price"),
    ],
)
def test_what_a_catalogue_cannot_keep_is_an_error(cells: dict[str, str], column: str) -> None:
    assert problems(export(row(**cells))) == [(2, column)]


def test_control_characters_in_text_become_blanks() -> None:
    assert one(row(title=" Two\x00\x1b\r\nlines ")).title == "Two lines"


@pytest.mark.parametrize(
    ("cells", "published"),
    [
        ({}, True),
        ({"published": "TRUE"}, True),
        ({"published": ""}, True),
        ({"published": "false"}, False),
        ({"status": ""}, True),
        ({"status": "Draft"}, False),
        ({"status": "archived"}, False),
    ],
)
def test_a_product_that_is_not_in_the_shop_is_kept_unpublished(
    cells: dict[str, str], published: bool
) -> None:
    assert one(row(**cells)).published is published
