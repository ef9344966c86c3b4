"""Jumpers, as a shop exports them: each with a text, an image, and four sizes. Pure."""

_SIZES = ("S", "M", "L", "XL")
_HEAD = (
    "Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,"
    "Variant SKU,Variant Inventory Qty,Variant Price,Image Src"
)
_TEXT = "<p>Knitted in a small mill by the sea from wool of two farms nearby. Wash by hand and dry flat.</p>"


def jumper(number: int) -> str:
    """Return a jumper's handle."""
    return f"jumper-{number}"


def skus(number: int) -> list[str]:
    return [f"JMP-{number}-{size}" for size in _SIZES]


def jumpers(count: int) -> str:
    """Return the export of so many jumpers."""
    lines = [_HEAD]
    for number in range(count):
        # Only a product's first row says what all its variants share.
        about = f"Merino jumper number {number},{_TEXT},Harbour Mill"
        for size, sku in zip(_SIZES, skus(number), strict=True):
            image = f"https://cdn.example/jumpers/{number}-{size}.jpg"
            lines.append(f"{jumper(number)},{about},Size,{size},{sku},100,59.00,{image}")
            about = ",,"
    return "\n".join(lines) + "\n"
