"""What an application may choose when it makes a client, the same for both; checked here."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

from dropcast_client.codec import CODECS, Codec

CodecName = Literal["json", "msgpack"]

CONNECT_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 15.0
INBOX_MAX = 10_000
MESSAGE_BYTES_MAX = 16 * 2**20


def urls_of(url: str | Sequence[str]) -> list[str]:
    """Return one or several urls as a list. Raises ValueError."""
    urls = [url] if isinstance(url, str) else list(url)
    if not urls:
        raise ValueError("a client needs at least one url")
    for one in urls:
        if urlsplit(one).scheme not in ("ws", "wss"):
            raise ValueError(f"a url begins with ws:// or wss://, and {one!r} does not")
    return urls


def codec_of(name: str) -> Codec:
    """Return the codec of that name. Raises ValueError."""
    if name not in CODECS:
        raise ValueError(f"codec is one of {', '.join(CODECS)}, not {name!r}")
    return CODECS[name]
