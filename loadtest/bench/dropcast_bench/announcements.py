"""What is announced: 200 bytes on every wire, with a number in them by which a viewer's line knows the event. Pure."""

import re

PAYLOAD_BYTES = 200
"""What one viewer's websocket frame carries, whatever an idiom wraps around the text."""
NUMBER = re.compile(rb"event-(\d{6})")
_FILLER = "the merino scarf is back in red and we have forty of them at a price you will not see again, "


def text(number: int, size: int = PAYLOAD_BYTES) -> str:
    """Return the text of one event, `size` characters of ASCII."""
    start = f"event-{number:06d} "
    return (start + _FILLER * (size // len(_FILLER) + 1))[:size]
