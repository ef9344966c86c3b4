"""Tokens and keys for tests: good ones, and those that no library would make."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dropcast.edge.tokens import TokenFault, Verifier

SECRET = "a secret of the tests, longer than 32 bytes"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
PRIVATE_KEYS: dict[str, Any] = {"RS256": RSA_KEY, "PS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that are accepted, but for `changes`; None takes one away."""
    whole = {"sub": "vera", "aud": "dropcast", "iss": "dropcast", "exp": int(time.time()) + 600, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def token(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else None)


def handmade(header: dict[str, Any], body: object, signature: bytes = b"") -> str:
    """A token that no library would make."""
    parts = [json.dumps(header).encode(), json.dumps(body).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def refusal(verifier: Verifier, text: str) -> TokenFault:
    with pytest.raises(TokenFault) as raised:
        verifier.verify(text)
    assert text[:20] not in raised.value.message or not text
    return raised.value


def pem(path: Path, private_key: Any) -> Path:
    public = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.write_bytes(public)
    return path


def jwk(private_key: Any, kid: str, **more: Any) -> dict[str, Any]:
    algorithm = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    kind = next((name for base, name in algorithm.items() if isinstance(private_key, base)), "EdDSA")
    made = jwt.get_algorithm_by_name(kind).to_jwk(private_key.public_key(), as_dict=True)
    return {**made, "kid": kid, **more}


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()
