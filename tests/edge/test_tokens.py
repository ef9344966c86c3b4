"""Tokens: one algorithm, required claims, roles, keys from files, guests."""

import base64
import json
import threading
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from dropcast.domain.viewer import Role, Viewer
from dropcast.edge import secrets
from dropcast.edge.keys import REFRESH_S, KeySet, load_keys
from dropcast.edge.tokens import TokenFault, Verifier, mint
from dropcast.settings import JwtAlgorithm, Settings, SettingsError
from tests.support.wait import wait_until_sync

SECRET = "a secret of the tests, longer than 32 bytes"
SETTINGS = Settings(jwt_secret=SECRET)
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


# HS256 ---------------------------------------------------------------------------------------------------------


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
        {"nbf": int(time.time()) + 600},
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


# Public keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_token_is_verified_by_the_public_key_of_a_pem_file(algorithm: JwtAlgorithm, tmp_path: Path) -> None:
    private_key = PRIVATE_KEYS[algorithm]
    settings = Settings(
        jwt_algorithm=algorithm, jwt_public_key=str(pem(tmp_path / "public.pem", private_key))
    )
    verifier = Verifier(settings)
    assert verifier.verify(token(private_key, algorithm, role="operator")).role is Role.OPERATOR
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert refusal(verifier, token(other, "RS256")).code == "unauthorized"


def test_the_public_key_does_not_pass_for_an_hmac_secret(tmp_path: Path) -> None:
    path = pem(tmp_path / "public.pem", RSA_KEY)
    verifier = Verifier(Settings(jwt_algorithm="RS256", jwt_public_key=str(path)))
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
    # PyJWT refuses to sign with a PEM, an attacker would not.
    hmac_key = jwt.get_algorithm_by_name("HS256")
    signature = hmac_key.sign(header + b"." + body, path.read_bytes())
    text = b".".join((header, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()
    assert refusal(verifier, text).code == "unauthorized"


def test_a_key_of_another_kind_is_refused_at_the_start(tmp_path: Path) -> None:
    path = pem(tmp_path / "public.pem", EC_KEY)
    with pytest.raises(SettingsError, match="not a key for RS256"):
        Verifier(Settings(jwt_algorithm="RS256", jwt_public_key=str(path)))


def test_a_small_rsa_key_is_refused(tmp_path: Path) -> None:
    path = pem(tmp_path / "public.pem", rsa.generate_private_key(public_exponent=65537, key_size=1024))
    with pytest.raises(SettingsError, match="not a key for RS256"):
        Verifier(Settings(jwt_algorithm="RS256", jwt_public_key=str(path)))


@pytest.mark.parametrize("name", ["missing.pem", "garbage.pem"])
def test_a_key_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "garbage.pem").write_text("no key")
    with pytest.raises(SettingsError, match=name):
        Verifier(Settings(jwt_algorithm="RS256", jwt_public_key=str(tmp_path / name)))


# Key sets ------------------------------------------------------------------------------------------------------


def test_a_token_is_verified_by_the_key_of_the_set_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    symmetric = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}
    path.write_bytes(jwks(jwk(EC_KEY, "ec"), jwk(RSA_KEY, "rsa", use="sig"), symmetric))
    verifier = Verifier(Settings(jwt_algorithm="ES256", jwt_jwks=str(path)))
    assert verifier.verify(token(EC_KEY, "ES256", "ec")).id == "vera"
    for kid in ("rsa", "shared", "unknown"):
        assert "not known" in refusal(verifier, token(EC_KEY, "ES256", kid)).message


def test_a_set_of_one_key_needs_no_key_id(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks(jwk(RSA_KEY, "only")))
    verifier = Verifier(Settings(jwt_algorithm="RS256", jwt_jwks=str(path)))
    assert verifier.verify(token(RSA_KEY, "RS256")).id == "vera"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"keys": 5}', jwks(), jwks(jwk(RSA_KEY, "a", use="enc")), jwks(jwk(ED_KEY, "b"))],
    ids=range(7),
)
def test_a_key_set_file_without_a_fitting_key_is_refused_at_the_start(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="jwks"):
        Verifier(Settings(jwt_algorithm="RS256", jwt_jwks=str(path)))


def test_a_worker_starts_though_the_issuer_is_away_and_a_server_does_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_source: str) -> bytes:
        raise OSError("no route to host")

    monkeypatch.setattr("dropcast.edge.keys._fetch", away)
    settings = Settings(jwt_algorithm="RS256", jwt_jwks="https://issuer.test/keys")
    with pytest.raises(SettingsError, match="no route to host"):
        load_keys(settings)
    verifier = Verifier(settings)
    assert "refused until" in caplog.text
    assert refusal(verifier, token(RSA_KEY, "RS256", "a")).code == "unauthorized"


class Issuer:
    """A key set that changes, behind a clock of the test."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.fetched = 0
        self.answer = jwks(jwk(RSA_KEY, "old"))
        self.gate = threading.Event()
        self.gate.set()
        self.keys = KeySet("set", "RS256", fetch=self.fetch, now_s=lambda: self.now_s)
        self.keys.load()

    def fetch(self, _source: str) -> bytes:
        self.gate.wait(10)
        self.fetched += 1
        if not self.answer:
            raise OSError("away")
        return self.answer


def test_an_unknown_key_id_refreshes_the_set_without_making_anyone_wait() -> None:
    issuer = Issuer()
    issuer.answer = jwks(jwk(RSA_KEY, "old"), jwk(RSA_KEY, "new"))
    issuer.now_s += REFRESH_S
    issuer.gate.clear()
    assert issuer.keys.find("new") is None
    assert issuer.keys.find("old") is not None
    issuer.gate.set()
    wait_until_sync(lambda: issuer.keys.find("new") is not None)
    assert issuer.fetched == 2


def test_the_set_is_refreshed_once_a_minute_at_most() -> None:
    issuer = Issuer()
    for _ in range(100):
        assert issuer.keys.find("unknown") is None
    assert issuer.fetched == 1
    issuer.now_s += REFRESH_S
    for _ in range(100):
        assert issuer.keys.find("unknown") is None
    wait_until_sync(lambda: issuer.fetched == 2)
    issuer.now_s += REFRESH_S - 1
    assert issuer.keys.find("unknown") is None
    assert issuer.fetched == 2


def test_known_keys_stay_in_use_when_a_refresh_fails(caplog: pytest.LogCaptureFixture) -> None:
    issuer = Issuer()
    issuer.answer = b""
    issuer.now_s += REFRESH_S
    assert issuer.keys.find("unknown") is None
    wait_until_sync(lambda: "stay in use" in caplog.text)
    assert issuer.keys.find("old") is not None


# Guests --------------------------------------------------------------------------------------------------------

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


# The development secret ----------------------------------------------------------------------------------------


def test_the_development_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    secret = secrets.resolve_secret(settings)
    assert len(secret) == 64
    assert secrets.resolve_secret(settings) == secret
    path = tmp_path / "data" / secrets.SECRET_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [secrets.SECRET_FILE]


def test_many_who_make_the_secret_at_once_agree(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(secrets.resolve_secret(settings))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_secret_that_the_settings_name_is_taken_and_none_is_made(tmp_path: Path) -> None:
    assert secrets.resolve_secret(Settings(data_dir=str(tmp_path), jwt_secret=SECRET)) == SECRET
    assert list(tmp_path.iterdir()) == []


def test_public_keys_need_a_secret_for_guests_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), jwt_algorithm="RS256", jwt_public_key="key.pem")
    assert secrets.resolve_secret(settings) == ""
    assert secrets.resolve_secret(
        Settings(data_dir=str(tmp_path), jwt_algorithm="RS256", jwt_public_key="key.pem", guest_buying=True)
    )


@pytest.mark.parametrize(("content", "mode"), [("s" * 64, 0o604), ("tiny", 0o600), ("ü" * 64, 0o600)])
def test_a_secret_file_that_cannot_be_trusted_is_refused(content: str, mode: int, tmp_path: Path) -> None:
    path = tmp_path / secrets.SECRET_FILE
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(SettingsError) as raised:
        secrets.resolve_secret(Settings(data_dir=str(tmp_path)))
    assert content not in str(raised.value)
