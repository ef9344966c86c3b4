"""Ways in: HS256 tokens, made with the secret that the server verifies by."""

import os
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import jwt
import msgspec

_SECRET_FILE = "secret"
"""Where a server without a secret of its own keeps the one that it has made, in its data directory."""


class NoSecret(Exception):
    """There is nothing to sign tokens with; the message says what to give."""


class Minter(msgspec.Struct, frozen=True, kw_only=True):
    secret: str
    audience: str = "dropcast"
    issuer: str = "dropcast"

    def mint(self, viewer: str, role: str, lifetime_s: float) -> str:
        now_s = int(time.time())
        claims = {
            "sub": viewer,
            "role": role,
            "aud": self.audience,
            "iss": self.issuer,
            "iat": now_s,
            "exp": now_s + int(lifetime_s) + 1,
        }
        return jwt.encode(claims, self.secret, "HS256")


def minter_of(environ: Mapping[str, str], data_dir: str) -> Minter:
    """Return what DROPCAST_JWT_SECRET, or else the secret in the data directory, signs. Raises NoSecret."""
    # Trimmed, as the server trims them.
    secret = environ.get("DROPCAST_JWT_SECRET", "").strip()
    directory = data_dir or environ.get("DROPCAST_DATA_DIR", "").strip()
    if not secret and directory:
        try:
            secret = Path(directory, _SECRET_FILE).read_text("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoSecret(f"no secret to sign tokens with: {error}") from error
    if not secret:
        raise NoSecret("no secret to sign tokens with: give DROPCAST_JWT_SECRET, the server's own")
    named = {"audience": "DROPCAST_JWT_AUDIENCE", "issuer": "DROPCAST_JWT_ISSUER"}
    given = {field: text for field, name in named.items() if (text := environ.get(name, "").strip())}
    return Minter(secret=secret, **given)


@lru_cache(maxsize=1)
def here(data_dir: str) -> Minter:
    """Return what signs by the environment of this process. Raises NoSecret."""
    return minter_of(os.environ, data_dir)
