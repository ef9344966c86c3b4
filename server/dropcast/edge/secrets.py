"""The development secret in the data directory, and the key of guest tokens that follows from a secret.

Nothing here logs or prints a secret.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from dropcast.settings import Settings, SettingsError
from dropcast.visible_text import is_visible, trimmed

SECRET_FILE = "secret"
_SECRET_BYTES = 32
_GUEST_LABEL = b"dropcast guest tokens, version 1"


def needs_secret(settings: Settings) -> bool:
    """Whether tokens are signed or verified with a secret: always by HS256, and for guests by any algorithm."""
    return settings.jwt_algorithm == "HS256" or settings.guest_buying


def resolve_secret(settings: Settings) -> str:
    """Return the secret of these settings: the one they name, or the development secret, made when missing.

    Empty when none is needed. Raises SettingsError when the file cannot be made, read or trusted.
    """
    if settings.jwt_secret or not needs_secret(settings):
        return settings.jwt_secret
    path = Path(settings.data_dir) / SECRET_FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o007:
            raise SettingsError(f"{path} may be read by everyone on this machine: chmod 600 it")
        # An editor may have put a line end behind it, or a byte order mark before it.
        secret = trimmed(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the development secret {path} cannot be used: {error}") from error
    if not secret.isascii() or not is_visible(secret):
        raise SettingsError(f"{path} is not one line of ASCII text: delete it, and one is made anew")
    if len(secret) < _SECRET_BYTES:
        raise SettingsError(f"{path} is shorter than {_SECRET_BYTES} bytes: delete it, and one is made anew")
    return secret


def guest_key(secret: str) -> bytes:
    """Return the key of guest tokens: another than the secret, so that neither kind passes for the other."""
    return hmac.digest(secret.encode(), _GUEST_LABEL, hashlib.sha256)


def _make(path: Path) -> None:
    """Write a fresh secret whole or not at all; when two do at once, the first one stands."""
    draft = path.with_name(f"{SECRET_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
