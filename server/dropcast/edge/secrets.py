"""The development secret in the data directory, and the key of guest tokens that follows from a secret.

Nothing here logs or prints a secret.
"""

import hashlib
import hmac
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from dropcast import files
from dropcast.settings import Settings, SettingsError
from dropcast.visible_text import is_visible, trimmed

SECRET_FILE = "secret"
_SECRET_BYTES = 32
_WRITTEN_WITHIN_S = 1.0
_POLL_S = 0.01
_INSTEAD = "Give a secret of your own by --jwt-secret (DROPCAST_JWT_SECRET), or another --data-dir"
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
        files.make_folder(path.parent)
        if not path.exists():
            _make(path)
        secret = _read(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the development secret cannot be used: {_why(path, error)}. {_INSTEAD}"
        ) from error
    if not secret.isascii() or not is_visible(secret):
        raise SettingsError(f"{path} is not one line of ASCII text: delete it, and one is made anew")
    if len(secret) < _SECRET_BYTES:
        raise SettingsError(f"{path} is shorter than {_SECRET_BYTES} bytes: delete it, and one is made anew")
    return secret


def guest_key(secret: str) -> bytes:
    """Return the key of guest tokens: another than the secret, so that neither kind passes for the other."""
    return hmac.digest(secret.encode(), _GUEST_LABEL, hashlib.sha256)


def _read(path: Path) -> str:
    """Return what the file holds. Raises SettingsError when others may read it as well."""
    if path.stat().st_mode & 0o007:
        if files.keeps_modes(path.parent):
            raise SettingsError(f"{path} may be read by everyone on this machine: chmod 600 it")
        raise _unprotected(path)
    until_s = time.monotonic() + _WRITTEN_WITHIN_S
    while True:
        # An editor may have put a line end behind it, or a byte order mark before it.
        secret = trimmed(path.read_text("utf-8-sig"))
        # Where another process cannot put it there whole, it may be writing right now.
        if len(secret) >= _SECRET_BYTES or time.monotonic() >= until_s:
            return secret
        time.sleep(_POLL_S)


def _make(path: Path) -> None:
    """Write a fresh secret whole or not at all; when two do at once, the first one stands. Raises OSError."""
    if not files.keeps_modes(path.parent):
        raise _unprotected(path)
    draft = path.with_name(f"{SECRET_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        _write(draft)
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError as error:
        if not files.is_unsupported(error):
            raise
        # There are no hard links here. Whoever makes the file writes it.
        with suppress(FileExistsError):
            _write(path)
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path) -> None:
    """Make the file with a fresh secret. Raises OSError, and leaves no file then."""
    descriptor = files.open_private(path, os.O_WRONLY | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise


def _unprotected(path: Path) -> SettingsError:
    return SettingsError(
        f"{path} would be readable by everyone on this machine: its file system keeps no file modes, as a Windows "
        f"drive in WSL or an SMB share. {_INSTEAD}"
    )


def _why(path: Path, error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"{path} is no text: {error.reason}"
    return files.unusable(path.parent, error)
