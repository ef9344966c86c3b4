"""Tokens by public keys: PEM files, key sets, and how a set is refreshed."""

import base64
import json
import threading
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from dropcast.domain.viewer import Role
from dropcast.edge.keys import REFRESH_S, KeySet, load_keys
from dropcast.edge.tokens import Verifier
from dropcast.settings import JwtAlgorithm, Settings, SettingsError
from tests.support.tokens import EC_KEY, ED_KEY, PRIVATE_KEYS, RSA_KEY, claims, jwk, jwks, pem, refusal, token
from tests.support.wait import wait_until_sync


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


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_files_from_another_system_are_read(mark: bytes, line_end: bytes, tmp_path: Path) -> None:
    path = pem(tmp_path / "public.pem", RSA_KEY)
    path.write_bytes(mark + path.read_bytes().replace(b"\n", line_end))
    key_set = tmp_path / "keys.json"
    key_set.write_bytes(mark + json.dumps(json.loads(jwks(jwk(RSA_KEY, "k1"))), indent=1).encode() + line_end)
    for settings in (
        Settings(jwt_algorithm="RS256", jwt_public_key=str(path)),
        Settings(jwt_algorithm="RS256", jwt_jwks=str(key_set)),
    ):
        verifier = Verifier(settings)
        assert verifier.verify(token(RSA_KEY, "RS256", kid="k1")).id == "vera"


@pytest.mark.parametrize("name", ["missing.pem", "garbage.pem"])
def test_a_key_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "garbage.pem").write_text("no key")
    with pytest.raises(SettingsError, match=name):
        Verifier(Settings(jwt_algorithm="RS256", jwt_public_key=str(tmp_path / name)))


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
