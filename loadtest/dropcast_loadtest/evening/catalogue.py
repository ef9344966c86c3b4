"""What is sold at a rehearsal: a few products, as the export that a back office would import. Pure."""

from typing import NamedTuple

CURRENCY = "EUR"
_STOCK = 9_999


class Product(NamedTuple):
    handle: str
    title: str
    price: str
    """In units of CURRENCY, with a point."""
    variants: tuple[str, ...]

    @property
    def skus(self) -> tuple[str, ...]:
        return tuple(f"{self.handle}-{variant}".upper() for variant in self.variants)


PRODUCTS = (
    Product("rehearsal-scarf", "Merino scarf", "39.00", ("Red", "Blue", "Sand")),
    Product("rehearsal-lamp", "Paper lamp", "24.50", ("Small", "Large")),
    Product("rehearsal-coat", "Winter coat", "189.00", ("S", "M", "L", "XL")),
    Product("rehearsal-mug", "Big mug", "12.50", ("White", "Black")),
    Product("rehearsal-boots", "Felt boots", "79.00", ("38", "40", "42")),
    Product("rehearsal-throw", "Wool throw", "64.00", ("Grey", "Green", "Rust")),
)


def export() -> bytes:
    """Return the products as a Shopify product export. No cell of them needs quotes."""
    lines = ["Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price"]
    for product in PRODUCTS:
        for number, (variant, sku) in enumerate(zip(product.variants, product.skus, strict=True)):
            title, option = (product.title, "Kind") if number == 0 else ("", "")
            lines.append(f"{product.handle},{title},{option},{variant},{sku},{_STOCK},{product.price}")
    return "\n".join(lines).encode() + b"\n"
