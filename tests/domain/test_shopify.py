"""A Shopify export becomes products, whole, or is refused by line and column."""

from pathlib import Path
from typing import Any

import pytest

import dropcast.demo
from dropcast.domain.catalogue import Product, Variant
from dropcast.domain.shopify import CatalogueError, Problem, parse
from tests.domain.exports import export, extra, one, problems, read, row, warnings


def test_a_product_without_options_has_one_variant_called_like_the_product() -> None:
    parsed = read(row(body="<p>Soft</p>", tags="new, warm,,new", compare_at="15.00"))
    assert parsed.warnings == ()
    assert parsed.products == (
        Product(
            handle="shirt",
            title="Shirt",
            currency="EUR",
            description="Soft",
            tags=("new", "warm"),
            variants=(
                Variant(
                    sku="SHIRT", title="Shirt", options={}, price_minor=1250, compare_at_minor=1500, stock=3
                ),
            ),
        ),
    )


def test_rows_of_one_handle_are_variants_that_share_the_option_names_of_the_first() -> None:
    product = one(
        row(name="Colour", value="Red", name2="Size", value2="S", sku="R-S"),
        extra(value="Red", value2="M", sku="R-M", qty="0", price="13"),
    )
    assert [(v.sku, v.title, v.options, v.price_minor, v.stock) for v in product.variants] == [
        ("R-S", "Red / S", {"Colour": "Red", "Size": "S"}, 1250, 3),
        ("R-M", "Red / M", {"Colour": "Red", "Size": "M"}, 1300, 0),
    ]


def test_a_handle_that_comes_back_later_is_the_same_product() -> None:
    parsed = read(
        row(name="Size", value="S", sku="A"),
        row(handle="hat", title="Hat", sku="B"),
        extra(value="M", sku="C", qty="1", price="1.00"),
    )
    assert [(p.handle, [v.sku for v in p.variants]) for p in parsed.products] == [
        ("shirt", ["A", "C"]),
        ("hat", ["B"]),
    ]


def test_a_row_with_only_an_image_adds_an_image_and_no_variant() -> None:
    first, second = "https://img.example/1.jpg", "https://img.example/2.jpg?v=1"
    product = one(row(image=first, variant_image=second), extra(image=second), extra(image=first))
    assert (product.image, product.images) == (first, (first, second))
    assert [variant.image for variant in product.variants] == [second]


def test_a_missing_sku_becomes_the_handle_and_the_option_values_with_a_warning() -> None:
    rows = (row(name="Size", value="6", name2="Metal", value2="Rose Gold", sku=""),)
    assert one(*rows).variants[0].sku == "shirt/6/Rose Gold"
    assert warnings(*rows) == [(2, "Variant SKU")]
    assert one(row(sku="")).variants[0].sku == "shirt"


def test_a_made_up_sku_that_would_be_too_long_ends_in_a_digest() -> None:
    rows = [row(name="Size", value="6" * 200 + end, sku="") for end in "ab"]
    skus = [variant.sku for variant in one(*rows).variants]
    assert [len(sku) for sku in skus] == [128, 128]
    assert len(set(skus)) == 2


def test_a_sku_given_twice_is_an_error_on_the_later_line_also_across_products() -> None:
    rows = (row(), row(handle="hat", title="Hat"))
    assert problems(export(*rows)) == [(3, "Variant SKU")]


def test_a_made_up_sku_that_another_variant_has_is_an_error() -> None:
    assert problems(export(row(sku=""), row(handle="hat", sku="shirt"))) == [(3, "Variant SKU")]
    assert problems(export(row(handle="hat", sku="shirt"), row(sku=""))) == [(3, "Variant SKU")]
    assert problems(export(row(sku=""), extra(price="1"))) == [(3, "Variant SKU")]


def test_a_sku_that_comes_back_in_scattered_rows_is_reported_where_it_comes_back() -> None:
    rows = (row(name="Size", value="S"), row(handle="hat", sku="X"), extra(value="M", sku="X", price="1"))
    assert problems(export(*rows)) == [(4, "Variant SKU")]


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        ({"name": "Title", "value": ""}, {}),
        ({"name": "", "value": ""}, {}),
        ({"name": "Title", "value": "Grand"}, {"Title": "Grand"}),
        ({"name": "Size", "value": ""}, {}),
        ({"name": "", "value": "S"}, {"Option 1": "S"}),
    ],
)
def test_options_are_read_as_far_as_they_are_told(cells: dict[str, str], options: dict[str, str]) -> None:
    assert one(row(**cells)).variants[0].options == options


def test_variants_that_a_viewer_cannot_tell_apart_are_warned_of() -> None:
    assert warnings(row(), extra(sku="OTHER", qty="1", price="1")) == [(3, "Option1 Value")]


def test_a_description_that_is_too_long_is_cut_with_a_warning() -> None:
    rows = (row(body="<p>" + "word " * 4000 + "</p>"),)
    assert len(one(*rows).description) <= 10_000
    assert one(*rows).description.endswith("…")
    assert warnings(*rows) == [(2, "Body (HTML)")]


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(CatalogueError) as caught:
        read(row(price="x"), row(handle="hat", qty="y"), row(handle="cap", sku="C", title=""))
    assert [(problem.line, problem.column) for problem in caught.value.problems] == [
        (2, "Variant Price"),
        (3, "Variant Inventory Qty"),
        (3, "Variant SKU"),
        (4, "Title"),
    ]
    assert "line 2, Variant Price: " in str(caught.value)
    assert caught.value.code == "bad_request"


def test_the_text_of_a_fault_is_bounded() -> None:
    rows = [row(handle=f"h{n}", sku=f"S{n}", price="x" * 9999) for n in range(500)]
    with pytest.raises(CatalogueError) as caught:
        read(*rows)
    assert len(caught.value.problems) == 500
    assert "480 more" in str(caught.value)
    assert len(str(caught.value)) < 5_000


@pytest.mark.parametrize("currency", ["", "eur", "EURO"])
def test_a_currency_that_is_none_is_an_error(currency: str) -> None:
    assert problems(export(row()), currency=currency) == [(0, "currency")]


def test_the_demo_catalogue_is_read_without_a_warning() -> None:
    raw = (Path(dropcast.demo.__file__).parent / "catalogue.csv").read_bytes()
    parsed = parse(raw, currency="EUR")
    assert parsed.warnings == ()
    assert 8 <= len(parsed.products) <= 10
    variants: list[Any] = [variant for product in parsed.products for variant in product.variants]
    assert all(3 <= variant.stock <= 60 and variant.price_minor > 0 for variant in variants)
    assert all(product.description for product in parsed.products)


def test_a_problem_reads_as_a_place_and_a_sentence() -> None:
    assert str(Problem(3, "Title", "is odd")) == "line 3, Title: is odd"
    assert str(Problem(3, "", "is odd")) == "line 3: is odd"
    assert str(Problem(0, "", "is odd")) == "the file: is odd"
