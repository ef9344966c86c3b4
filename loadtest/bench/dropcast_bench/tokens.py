"""Tokens for the bench's viewers, by the bench's own secret."""

import time

import jwt

SECRET = "the secret of the benches, of more than 32 bytes"
AUDIENCE = ISSUER = "dropcast"
_LASTS_S = 86_400


def mint(viewer: str, role: str = "viewer") -> str:
    now_s = int(time.time())
    claims = {
        "sub": viewer,
        "role": role,
        "aud": AUDIENCE,
        "iss": ISSUER,
        "iat": now_s,
        "exp": now_s + _LASTS_S,
    }
    return jwt.encode(claims, SECRET, "HS256")
