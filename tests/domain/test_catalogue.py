"""Money counts in minor units, and the structs of the catalogue survive their codecs."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.domain.catalogue import Product, Variant, is_currency, minor_digits, money

RING = Product(
    handle="ring",
    title="Ring",
    currency="EUR",
    variants=(
        Variant(sku="ring/6", title="6", options={"Size": "6"}, price_minor=4900, stock=3),
        Variant(sku="ring/7", title="7", options={"Size": "7"}, price_minor=4900, compare_at_minor=5900),
    ),
    description="• Silver\n• Round",
    tags=("new",),
)


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XXX", 2)])
def test_a_currency_has_its_number_of_decimals(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (1299, "EUR", "12.99 EUR"),
        (5, "EUR", "0.05 EUR"),
        (0, "EUR", "0.00 EUR"),
        (1200, "JPY", "1200 JPY"),
        (0, "JPY", "0 JPY"),
        (12345, "KWD", "12.345 KWD"),
        (-250, "EUR", "-2.50 EUR"),
    ],
)
def test_money_reads_as_a_person_writes_it(amount_minor: int, currency: str, text: str) -> None:
    assert money(amount_minor, currency) == text


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_money_loses_no_unit(amount_minor: int, currency: str) -> None:
    text, code = money(amount_minor, currency).split(" ")
    assert code == currency
    assert int(text.replace(".", "")) == amount_minor


@pytest.mark.parametrize("text", ["", "eur", "EURO", "E1R", "EUR\n", "€"])
def test_what_is_not_three_capital_letters_is_no_currency(text: str) -> None:
    assert not is_currency(text)


def test_three_capital_letters_are_a_currency() -> None:
    assert is_currency("EUR")


def test_a_product_survives_json_and_msgpack_with_its_options_in_order() -> None:
    options = {"Size": "S", "Colour": "Red", "Cut": "Slim"}
    product = msgspec.structs.replace(
        RING, variants=(msgspec.structs.replace(RING.variants[0], options=options),)
    )
    for packed in (
        msgspec.json.decode(msgspec.json.encode(product), type=Product),
        msgspec.msgpack.decode(msgspec.msgpack.encode(product), type=Product),
    ):
        assert packed == product
        assert list(packed.variants[0].options) == ["Size", "Colour", "Cut"]


def test_a_product_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        RING.title = "Other"  # type: ignore[misc]
