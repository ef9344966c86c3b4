"""The token issuer's public keys: one from a PEM file, or a set (JWKS) from a file or an https address.

`find` never waits. A key id that the set does not know starts a refresh in a thread, at most once a minute; the
token that brought it is refused, its viewer comes back. A refresh that fails leaves the set as it was.
"""

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from dropcast.settings import Settings, SettingsError

logger = logging.getLogger(__name__)

REFRESH_S = 60.0
_FETCH_S = 10.0
_JWKS_BYTES_MAX = 1_048_576
_RSA_BITS_MIN = 2048

PublicKey = Any
"""A public key object of `cryptography`, of the kind that the one algorithm needs."""


class Keys(Protocol):
    @property
    def generation(self) -> int:
        """How often the keys have changed."""

    def find(self, kid: str | None) -> PublicKey | None:
        """Return the key that a token names by its `kid` header, or None."""


class OneKey:
    """The key of a PEM file, whatever a token's `kid` says."""

    def __init__(self, path: str, algorithm: str) -> None:
        """Raises SettingsError when the file holds no public key for `algorithm`."""
        try:
            key = load_pem_public_key(Path(path).read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise SettingsError(f"jwt_public_key={path} cannot be read as a public key: {error}") from error
        if not _fits(key, algorithm):
            raise SettingsError(f"jwt_public_key={path} is not a key for {algorithm}")
        self._key = key
        self.generation = 0

    def find(self, kid: str | None) -> PublicKey | None:
        return self._key


class KeySet:
    """The keys of a JWKS by their ids."""

    def __init__(
        self,
        source: str,
        algorithm: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._algorithm = algorithm
        self._fetch = fetch or _fetch
        self._now_s = now_s
        self._keys: dict[str | None, PublicKey] = {}
        self.generation = 0
        self._refreshing = threading.Lock()
        self._refreshed_s = -REFRESH_S

    def load(self) -> None:
        """Read the set now. Raises SettingsError when it cannot be read or has no key for the algorithm."""
        self._refreshed_s = self._now_s()
        try:
            found = _parse(self._fetch(self._source), self._algorithm)
        except (OSError, ValueError, HTTPException, RecursionError) as error:
            raise SettingsError(f"jwt_jwks={self._source} cannot be read: {error}") from error
        if not found:
            raise SettingsError(f"jwt_jwks={self._source} has no key for {self._algorithm}")
        self._keys = found
        self.generation += 1

    def find(self, kid: str | None) -> PublicKey | None:
        keys = self._keys
        if kid is None and len(keys) == 1:
            return next(iter(keys.values()))
        key = keys.get(kid)
        if key is None and self._now_s() - self._refreshed_s >= REFRESH_S:
            self._refresh()
        return key

    def _refresh(self) -> None:
        if self._refreshing.acquire(blocking=False):
            self._refreshed_s = self._now_s()
            threading.Thread(target=self._load_quietly, name="jwks", daemon=True).start()

    def _load_quietly(self) -> None:
        try:
            self.load()
        except SettingsError as error:
            logger.warning("the keys that are known stay in use: %s", error)
        finally:
            self._refreshing.release()


def load_keys(settings: Settings, *, tolerant: bool = False) -> Keys:
    """Return the public keys that asymmetric settings name.

    Raises SettingsError when there are none. With `tolerant`, an https address that does not answer is only
    logged, so that a worker may start while the issuer is away; it is asked again when tokens come.
    """
    if settings.jwt_public_key:
        return OneKey(settings.jwt_public_key, settings.jwt_algorithm)
    keys = KeySet(settings.jwt_jwks, settings.jwt_algorithm)
    try:
        keys.load()
    except SettingsError as error:
        if not (tolerant and settings.jwt_jwks.startswith("https:")):
            raise
        logger.warning("tokens are refused until the keys can be read: %s", error)
    return keys


def _parse(raw: bytes, algorithm: str) -> dict[str | None, PublicKey]:
    """Return the keys for `algorithm`, leaving out those for anything else."""
    document = json.loads(raw)
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("it is not a JWKS: an object with a list of keys")
    found: dict[str | None, PublicKey] = {}
    for entry in listed:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        if entry.get("alg", algorithm) != algorithm:
            continue
        try:
            key = jwt.PyJWK(entry, algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        kid = entry.get("kid")
        if _fits(key, algorithm) and (kid is None or isinstance(kid, str)):
            found[kid] = key
    return found


def _fits(key: PublicKey, algorithm: str) -> bool:
    match algorithm:
        case "RS256" | "PS256":
            return isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN
        case "ES256":
            return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        case "EdDSA":
            return isinstance(key, Ed25519PublicKey | Ed448PublicKey)
        case _:
            return False


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith("https:"):
            raise OSError(f"it leads away from https, to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(source: str) -> bytes:
    """Return what a file or an https address holds. Raises OSError or ValueError."""
    if not source.startswith("https:"):
        return Path(source).read_bytes()
    with urllib.request.build_opener(_HttpsOnly).open(source, timeout=_FETCH_S) as response:
        raw: bytes = response.read(_JWKS_BYTES_MAX + 1)
    if len(raw) > _JWKS_BYTES_MAX:
        raise ValueError(f"it is larger than {_JWKS_BYTES_MAX} bytes")
    return raw
