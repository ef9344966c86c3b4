"""Identifiers: what one may look like, and how hold and drop ids follow from a client's own key.

An id that is derived needs no second store of idempotency keys: the record under the id is the answer
to every retry.
"""

import hashlib
import re

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
KEY_CHARS_MAX = 128
SKU_CHARS_MAX = 128
VIEWER_CHARS_MAX = 128

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether `text` may name a show or a drop."""
    return _ID.fullmatch(text) is not None


def hold_id(viewer: str, key: str) -> str:
    """Return the id of the hold that `viewer` asks for under `key`: 32 hex digits, unique within a show.

    The parts are length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
    """
    return _digest(viewer, key)


def drop_id(show: str, key: str) -> str:
    """Return the id of the drop pinned under `key` in `show`, so that a retried pin makes one drop."""
    return "d" + _digest(show, key)[:16]


def show_id(creator: str, key: str) -> str:
    """Return the id of a show scheduled by `creator` under `key`, when the creator names none."""
    return "s" + _digest(creator, key)[:16]


def payment_key(show: str, hold: str, attempt: str) -> str:
    """Return the key under which the payment provider is asked: the same for every try of one attempt."""
    return f"{show}/{hold}/{attempt}"


def _digest(one: str, other: str) -> str:
    first, second = one.encode(), other.encode()
    parts = b"%d:%b%d:%b" % (len(first), first, len(second), second)
    return hashlib.blake2b(parts, digest_size=16).hexdigest()
