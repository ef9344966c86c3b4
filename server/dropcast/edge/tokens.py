"""Tokens: who a viewer is, by a JWT that the settings' one algorithm verifies; and guest tokens of our own.

The socket's hello and every HTTP request come here. The algorithm is never taken from the token. No token is
logged, and no message of a fault repeats one.
"""

import secrets
import time
from functools import lru_cache
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

from dropcast.domain.faults import Fault
from dropcast.domain.ids import VIEWER_CHARS_MAX
from dropcast.domain.viewer import Role, Viewer
from dropcast.edge.keys import load_keys
from dropcast.edge.known_tokens import KnownTokens
from dropcast.edge.secrets import guest_key
from dropcast.settings import Settings, SettingsError

__all__ = ["Role", "TokenFault", "Verifier", "Viewer", "mint"]

TOKEN_ROLES = tuple(role.value for role in Role if role is not Role.ANONYMOUS)
EXPIRES_S_MAX = 10 * 366 * 86_400
GUEST_ISSUER = "dropcast-guest"
_GUEST_KID = "dropcast-guest"
_TOKEN_CHARS_MAX = 8_192
_REQUIRED = ["exp", "aud", "iss", "sub"]

_NOT_A_TOKEN = (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""Whatever PyJWT and json raise for bytes that a stranger may send."""


class _Hmac(HMACAlgorithm):
    """HS256, which checks once for each secret, and not for each token, that it is no key of another kind."""

    _prepared = lru_cache(maxsize=8)(HMACAlgorithm.prepare_key)

    def prepare_key(self, key: str | bytes) -> bytes:
        return self._prepared(key)


# PyJWT has one table of algorithms for the process; what this one answers is what its own does.
jwt.unregister_algorithm("HS256")
jwt.register_algorithm("HS256", _Hmac(HMACAlgorithm.SHA256))


class TokenFault(Fault):
    """The token is not accepted: code "unauthorized", or "token_expired" when only its time is over."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Verifier:
    """Verifies the tokens of one worker. Raises SettingsError when the keys that it needs cannot be read."""

    def __init__(self, settings: Settings) -> None:
        """`settings` have their secret resolved, see secrets.resolve_secret."""
        self._settings = settings
        self._secret = settings.jwt_secret
        if not self._secret and (settings.jwt_algorithm == "HS256" or settings.guest_buying):
            raise SettingsError("jwt_secret is missing")
        self._guest_key = guest_key(self._secret) if settings.guest_buying else None
        self._known = KnownTokens(settings.known_tokens_max)
        self._keys = None if settings.jwt_algorithm == "HS256" else load_keys(settings, tolerant=True)

    def verify(self, token: str) -> Viewer:
        """Return whom the token names. Raises TokenFault."""
        if len(token) > _TOKEN_CHARS_MAX:
            raise TokenFault("unauthorized", f"a token has {_TOKEN_CHARS_MAX} characters at most")
        generation = self._keys.generation if self._keys is not None else 0
        viewer = self._known.find(token, generation, time.time() - self._settings.jwt_leeway_s)
        if viewer is None:
            viewer = self._verify(token)
            self._known.keep(token, viewer)
        return viewer

    def _verify(self, token: str) -> Viewer:
        try:
            # The kid only chooses whose key is tried; each key has its own issuer and its own algorithm.
            is_choice = self._guest_key is not None or self._keys is not None
            kid = jwt.get_unverified_header(token).get("kid") if is_choice else None
            if kid == _GUEST_KID and self._guest_key is not None:
                return self._guest(token, self._guest_key)
            return self._viewer(token, kid)
        except jwt.ExpiredSignatureError as error:
            raise TokenFault("token_expired", "the token has expired") from error
        except jwt.InvalidAudienceError as error:
            raise TokenFault("unauthorized", "the token is for another audience") from error
        except jwt.InvalidIssuerError as error:
            raise TokenFault("unauthorized", "the token is by another issuer") from error
        except jwt.MissingRequiredClaimError as error:
            raise TokenFault("unauthorized", f"the token has no {error.claim}") from error
        except _NOT_A_TOKEN as error:
            raise TokenFault("unauthorized", "the token is not valid") from error

    def mint_guest(self) -> tuple[Viewer, str]:
        """Return a new guest and the signed token by which it may come back. Raises TokenFault when guests
        may not buy."""
        if self._guest_key is None:
            raise TokenFault("unauthorized", "guests may not buy here")
        expires_at_s = int(time.time()) + self._settings.guest_token_s
        guest = Viewer(
            id="guest-" + secrets.token_hex(16), role=Role.VIEWER, expires_at_s=expires_at_s, guest=True
        )
        claims = _claims(self._settings, guest.id, GUEST_ISSUER, expires_at_s)
        return guest, jwt.encode(claims, self._guest_key, "HS256", headers={"kid": _GUEST_KID})

    def _viewer(self, token: str, kid: str | None) -> Viewer:
        key = self._secret if self._keys is None else self._keys.find(kid)
        if key is None:
            raise TokenFault("unauthorized", "the token is signed by a key that is not known")
        claims = self._decode(token, key, self._settings.jwt_algorithm, self._settings.jwt_issuer)
        role = claims.get("role", Role.VIEWER)
        if role not in TOKEN_ROLES:
            raise TokenFault("unauthorized", "the token names no role that is known")
        return Viewer(id=claims["sub"], role=Role(role), expires_at_s=int(claims["exp"]))

    def _guest(self, token: str, key: bytes) -> Viewer:
        claims = self._decode(token, key, "HS256", GUEST_ISSUER)
        return Viewer(id=claims["sub"], role=Role.VIEWER, expires_at_s=int(claims["exp"]), guest=True)

    def _decode(self, token: str, key: Any, algorithm: str, issuer: str) -> dict[str, Any]:
        settings = self._settings
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=settings.jwt_audience,
            issuer=issuer,
            leeway=settings.jwt_leeway_s,
            options={"require": _REQUIRED},
        )
        subject = claims["sub"]
        # Printable keeps out control characters and lone surrogates, which cannot be encoded later on.
        if not 1 <= len(subject) <= VIEWER_CHARS_MAX or not subject.isprintable():
            raise TokenFault("unauthorized", f"sub must be 1 to {VIEWER_CHARS_MAX} printable characters")
        return claims


def mint(secret: str, settings: Settings, viewer: str, role: str, expires_s: int) -> str:
    """Return an HS256 token for `viewer`, one of Role but anonymous, that lasts `expires_s` seconds.

    Raises SettingsError when the settings verify by another algorithm, or an argument is not what it should be.
    """
    if settings.jwt_algorithm != "HS256":
        raise SettingsError(
            f"jwt_algorithm={settings.jwt_algorithm}: only the issuer can mint such tokens, dropcast mints HS256 only"
        )
    if not 1 <= len(viewer) <= VIEWER_CHARS_MAX or not viewer.isprintable():
        raise SettingsError(f"a viewer's id has 1 to {VIEWER_CHARS_MAX} printable characters")
    if role not in TOKEN_ROLES:
        raise SettingsError(f"a token's role is one of {', '.join(TOKEN_ROLES)}")
    if not 1 <= expires_s <= EXPIRES_S_MAX:
        raise SettingsError(f"a token lasts 1 to {EXPIRES_S_MAX} seconds")
    claims = _claims(settings, viewer, settings.jwt_issuer, int(time.time()) + expires_s)
    return jwt.encode({**claims, "role": str(role)}, secret, "HS256")


def _claims(settings: Settings, subject: str, issuer: str, expires_at_s: int) -> dict[str, Any]:
    return {
        "sub": subject,
        "aud": settings.jwt_audience,
        "iss": issuer,
        "iat": int(time.time()),
        "exp": expires_at_s,
    }
