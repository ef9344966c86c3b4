"""Two real exports of Shopify's own sample shops are read as they stand: counts taken from the files by other means."""

from collections import Counter
from pathlib import Path

import pytest

from dropcast.domain.catalogue import Variant
from dropcast.domain.shopify import CatalogueError, ParsedCatalogue, parse


def _data() -> Path:
    """The folder shared/data beside the repository: found by walking up from this file."""
    folders = (parent.parent / "shared" / "data" for parent in Path(__file__).resolve().parents)
    return next((folder for folder in folders if folder.is_dir()), Path("no such folder"))


DATA = _data()
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real exports are not beside this repository")


def catalogue(name: str) -> ParsedCatalogue:
    return parse((DATA / name).read_bytes(), currency="EUR")


def variants(parsed: ParsedCatalogue) -> list[Variant]:
    return [variant for product in parsed.products for variant in product.variants]


def test_the_apparel_export_is_read() -> None:
    parsed = catalogue("shopify-apparel.csv")
    assert len(parsed.products) == 25
    assert len(variants(parsed)) == 96
    assert sum(variant.stock for variant in variants(parsed)) == 458
    assert sum(variant.price_minor for variant in variants(parsed)) == 1_038_800
    assert len({variant.sku for variant in variants(parsed)}) == 96
    assert all(product.published and product.description for product in parsed.products)


def test_the_one_apparel_variant_without_a_sku_is_called_by_its_handle() -> None:
    parsed = catalogue("shopify-apparel.csv")
    missing = [warning for warning in parsed.warnings if "missing" in warning.message]
    assert [(warning.line, warning.column) for warning in missing] == [(2, "Variant SKU")]
    assert parsed.products[0].variants[0].sku == "the-scout-skincare-kit"


def test_apparel_skus_lose_the_apostrophe_that_guards_their_digits() -> None:
    parsed = catalogue("shopify-apparel.csv")
    assert Counter(warning.column for warning in parsed.warnings) == {"Variant SKU": 16}
    skus = {variant.sku for variant in variants(parsed)}
    assert {"4160", "4255", "4139"} <= skus
    assert not any("'" in sku for sku in skus)


def test_apparel_variants_have_their_options_and_their_images() -> None:
    products = {product.handle: product for product in catalogue("shopify-apparel.csv").products}
    assert [variant.title for variant in products["ayers-chambray"].variants] == ["S", "M", "L", "XL"]
    assert [variant.price_minor for variant in products["ayers-chambray"].variants] == [
        9800,
        9800,
        9800,
        10200,
    ]
    assert sum(variant.image is not None for variant in variants(catalogue("shopify-apparel.csv"))) == 7
    assert len(products["derby-tier-backpack"].images) == 3


def test_the_jewelry_export_is_read() -> None:
    parsed = catalogue("shopify-jewelry.csv")
    assert len(parsed.products) == 19
    assert len(variants(parsed)) == 24
    assert sum(variant.stock for variant in variants(parsed)) == 20
    assert sum(variant.price_minor for variant in variants(parsed)) == 1_222_600
    assert Counter(warning.column for warning in parsed.warnings) == {
        "Variant SKU": 24,
        "Variant Inventory Qty": 1,
    }


def test_jewelry_skus_are_made_of_handles_and_sizes_and_its_negative_stock_is_none() -> None:
    parsed = catalogue("shopify-jewelry.csv")
    products = {product.handle: product for product in parsed.products}
    rings = [f"18k-pedal-ring/{size}" for size in (6, 7, 8, 9, 10, 11)]
    assert [variant.sku for variant in products["18k-pedal-ring"].variants] == rings
    earrings = products["14k-wire-bloom-earrings"].variants[0]
    assert (earrings.sku, earrings.stock) == ("14k-wire-bloom-earrings", 0)
    assert (2, "Variant Inventory Qty") in {(warning.line, warning.column) for warning in parsed.warnings}


@pytest.mark.parametrize("name", ["shopify-apparel.csv", "shopify-jewelry.csv"])
def test_one_damaged_price_refuses_the_whole_export(name: str) -> None:
    raw = (DATA / name).read_bytes()
    at = raw.rindex(b".00,")
    with pytest.raises(CatalogueError) as caught:
        parse(raw[:at] + b",00" + raw[at + 3 :], currency="EUR")
    assert len(caught.value.problems) == 1
