"""Tokens by a shared secret: required claims, roles, whatever strangers send; and guest tokens."""

import base64
import hmac
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropcast.domain.viewer import Role, Viewer
from dropcast.edge import secrets
from dropcast.edge.tokens import TokenFault, Verifier, mint
from dropcast.settings import Settings, SettingsError
from tests.support.tokens import EC_KEY, SECRET, claims, handmade, pem, refusal, token

SETTINGS = Settings(jwt_secret=SECRET)


def test_a_minted_token_names_its_viewer() -> None:
    text = mint(SECRET, SETTINGS, "cleo", Role.CREATOR, 60)
    viewer = Verifier(SETTINGS).verify(text)
    assert (viewer.id, viewer.role, viewer.guest) == ("cleo", Role.CREATOR, False)
    assert viewer.expires_at_s is not None
    assert 0 < viewer.expires_at_s - time.time() <= 60


def test_a_token_without_a_role_is_a_viewers() -> None:
    expires_at_s = int(time.time()) + 5
    viewer = Verifier(SETTINGS).verify(token(exp=expires_at_s))
    assert viewer == Viewer(id="vera", role=Role.VIEWER, expires_at_s=expires_at_s)


@pytest.mark.parametrize("role", ["admin", "anonymous", "", 5, ["viewer"], None])
def test_a_role_that_is_not_known_is_refused(role: object) -> None:
    text = jwt.encode({**claims(), "role": role}, SECRET, "HS256")
    assert refusal(Verifier(SETTINGS), text).code == "unauthorized"


@pytest.mark.parametrize("claim", ["exp", "aud", "iss", "sub"])
def test_a_token_without_a_required_claim_is_refused_by_name(claim: str) -> None:
    absent: dict[str, Any] = {claim: None}
    fault = refusal(Verifier(SETTINGS), token(**absent))
    assert fault.code == "unauthorized"
    assert claim in fault.message


def test_an_expired_token_has_a_code_of_its_own() -> None:
    assert refusal(Verifier(SETTINGS), token(exp=int(time.time()) - 60)).code == "token_expired"


def test_clocks_may_differ_by_the_leeway() -> None:
    assert Verifier(SETTINGS).verify(token(exp=int(time.time()) - 2)).id == "vera"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "shop"},
        {"iss": "stranger"},
        {"sub": ""},
        {"sub": "v" * 129},
        {"sub": "a\nb"},
        {"sub": "\ud800"},
        {"sub": 7},
        {"exp": "soon"},
        {"exp": 1e400},
        {"exp": float("nan")},
        {"nbf": 32_503_680_000},  # the year 3000
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_is_refused(changes: dict[str, Any]) -> None:
    assert refusal(Verifier(SETTINGS), token(**changes)).code == "unauthorized"


def test_a_token_for_several_audiences_may_name_ours_among_them() -> None:
    assert Verifier(SETTINGS).verify(token(aud=["shop", "dropcast"])).id == "vera"


def test_a_token_that_nobody_signed_is_refused() -> None:
    for algorithm in ("none", "None", "NONE", ""):
        text = handmade({"alg": algorithm, "typ": "JWT"}, claims())
        assert refusal(Verifier(SETTINGS), text).code == "unauthorized"


def test_a_token_signed_with_another_secret_is_refused() -> None:
    assert (
        refusal(Verifier(SETTINGS), token("another secret, just as long as it must be")).code
        == "unauthorized"
    )


def test_a_public_key_is_no_secret_however_often_it_is_tried(tmp_path: Path) -> None:
    secret = pem(tmp_path / "key.pem", EC_KEY).read_text()
    verifier = Verifier(Settings(jwt_secret=secret))
    header, body = {"alg": "HS256", "typ": "JWT"}, claims()
    signed = handmade(header, body).rpartition(".")[0]
    signature = hmac.digest(secret.encode(), signed.encode(), "sha256")
    for _ in range(2):
        assert refusal(verifier, handmade(header, body, signature)).code == "unauthorized"


def test_a_stronger_hash_than_the_settings_name_is_refused_too() -> None:
    text = jwt.encode(claims(), SECRET * 2, "HS512")
    assert refusal(Verifier(Settings(jwt_secret=SECRET * 2)), text).code == "unauthorized"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.b.c",
        "....",
        "é.é.é",
        "\ud800",
        "x" * 100_000,
        handmade({"alg": "HS256", "kid": ["a"]}, claims()),
        handmade({"alg": "HS256"}, [1]),
        handmade({"alg": ["HS256"]}, claims()),
        base64.urlsafe_b64encode(b'{"alg":' + b"[" * 3_000).decode() + ".e30.",
    ],
    ids=range(11),
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenFault) as raised:
        Verifier(SETTINGS).verify(text)
    assert raised.value.code == "unauthorized"


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode() + ".e30.AA"))
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    with pytest.raises(TokenFault):
        Verifier(SETTINGS).verify(text)


@pytest.mark.parametrize(
    ("viewer", "role", "expires_s"),
    [("", "viewer", 60), ("v" * 129, "viewer", 60), ("vera", "anonymous", 60), ("vera", "viewer", 0)],
)
def test_mint_refuses_what_verify_would(viewer: str, role: str, expires_s: int) -> None:
    with pytest.raises(SettingsError):
        mint(SECRET, SETTINGS, viewer, role, expires_s)


def test_mint_works_with_hs256_only() -> None:
    with pytest.raises(SettingsError, match="HS256 only"):
        mint(SECRET, Settings(jwt_algorithm="RS256", jwt_public_key="key.pem"), "vera", Role.VIEWER, 60)


def test_a_verifier_without_a_secret_is_not_made() -> None:
    with pytest.raises(SettingsError, match="jwt_secret"):
        Verifier(Settings())


# Guests -----------------------------------------------------------------------------------------------------

GUESTS = Settings(jwt_secret=SECRET, guest_buying=True)


def test_a_guest_comes_back_by_the_token_it_was_given() -> None:
    guest, text = Verifier(GUESTS).mint_guest()
    assert guest.id.startswith("guest-")
    assert (guest.role, guest.guest) == (Role.VIEWER, True)
    assert Verifier(GUESTS).verify(text) == guest


def test_two_guests_differ() -> None:
    verifier = Verifier(GUESTS)
    assert verifier.mint_guest()[0].id != verifier.mint_guest()[0].id


def test_guest_tokens_are_neither_made_nor_taken_when_guests_may_not_buy() -> None:
    _, text = Verifier(GUESTS).mint_guest()
    verifier = Verifier(SETTINGS)
    assert refusal(verifier, text).code == "unauthorized"
    with pytest.raises(TokenFault):
        verifier.mint_guest()


def test_the_secret_itself_signs_no_guest_token_and_the_guest_key_no_other() -> None:
    verifier = Verifier(GUESTS)
    key = secrets.guest_key(SECRET)
    assert refusal(verifier, token(SECRET, kid="dropcast-guest", iss="dropcast-guest")).code == "unauthorized"
    assert refusal(verifier, token(key)).code == "unauthorized"
    assert refusal(verifier, token(key, kid="dropcast-guest")).code == "unauthorized"
    assert (
        verifier.verify(token(key, kid="dropcast-guest", iss="dropcast-guest", role="operator")).role
        == "viewer"
    )


def test_guests_go_with_a_public_key(tmp_path: Path) -> None:
    settings = Settings(
        jwt_algorithm="ES256",
        jwt_public_key=str(pem(tmp_path / "public.pem", EC_KEY)),
        jwt_secret=SECRET,
        guest_buying=True,
    )
    verifier = Verifier(settings)
    guest, text = verifier.mint_guest()
    assert verifier.verify(text) == guest
    assert verifier.verify(token(EC_KEY, "ES256")).guest is False
