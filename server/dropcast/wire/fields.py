"""The types of fields that both commands and messages use, with their bounds."""

from typing import Annotated, Any

from msgspec import Meta

INTEGER_MAX = 2**53 - 1
"""Every integer on the wire fits the 53 bits of a JavaScript number."""

DATA_DEPTH_MAX = 16
"""How deep free `data` may nest."""

# Python's $ also stands before a last line feed, hence (?!\n); elsewhere that says nothing.
_ONE_LINE = r"^[^\x00-\x1f\x7f]+$(?!\n)"
"""No control characters: such texts are named in log lines and messages."""

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)")]
Epoch = Annotated[str, Meta(max_length=128)]
Key = Annotated[str, Meta(min_length=1, max_length=128, pattern=_ONE_LINE)]
Sku = Annotated[str, Meta(min_length=1, max_length=128, pattern=_ONE_LINE)]
Handle = Annotated[str, Meta(min_length=1, max_length=255, pattern=_ONE_LINE)]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=_ONE_LINE)]
"""A viewer, as their token names them."""
Token = Annotated[str, Meta(min_length=1, max_length=8192)]
Count = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]
Quantity = Annotated[int, Meta(ge=1, le=10_000)]
Units = Annotated[int, Meta(ge=0, le=10_000_000)]
UnitsChange = Annotated[int, Meta(ge=-10_000_000, le=10_000_000)]
Minor = Annotated[int, Meta(ge=0, le=10**12)]
"""Money in minor units of the show's currency."""
Limit = Annotated[int, Meta(ge=1, le=10_000)]
HoldMs = Annotated[int, Meta(ge=1_000, le=86_400_000)]


def data_fault(data: Any, depth: int = DATA_DEPTH_MAX) -> str | None:
    """Return what is wrong with free `data`, or None. JSON decodes integers that MessagePack cannot write."""
    if isinstance(data, bool) or data is None or isinstance(data, str | float):
        return None
    if isinstance(data, int):
        return None if abs(data) <= INTEGER_MAX else "an integer in data does not fit 53 bits"
    if depth == 0:
        return f"data nests deeper than {DATA_DEPTH_MAX} levels"
    if isinstance(data, dict):
        if not all(isinstance(name, str) for name in data):
            return "a name in data is not text"
        values = list(data.values())
    elif isinstance(data, list):
        values = data
    else:
        return "data holds something that JSON does not have"
    for value in values:
        fault = data_fault(value, depth - 1)
        if fault:
            return fault
    return None
