"""What belongs to a text that somebody typed, copied or read from a file: the one rule for settings and secrets.

White space, a line end or a byte order mark around a text is never meant. A control character inside it is a mistake.
"""

import unicodedata

_AROUND = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_NEVER_INSIDE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BYTE_ORDER_MARK = "\ufeff"


def trimmed(text: str) -> str:
    """Return `text` without what cannot be seen at its two ends."""
    start, end = 0, len(text)
    while start < end and unicodedata.category(text[start]) in _AROUND:
        start += 1
    while start < end and unicodedata.category(text[end - 1]) in _AROUND:
        end -= 1
    return text[start:end]


def is_visible(text: str) -> bool:
    """Whether `text` has no control character, no line end, and no byte that was not UTF-8."""
    return not any(char == _BYTE_ORDER_MARK or unicodedata.category(char) in _NEVER_INSIDE for char in text)
