"""Verified tokens are remembered: so many, until they expire, and only as long as the keys are the same."""

import pytest

from dropcast.domain.viewer import Role, Viewer
from dropcast.edge.known_tokens import KnownTokens
from dropcast.edge.tokens import TokenFault, Verifier
from dropcast.settings import Settings
from tests.support.tokens import SECRET, token

SETTINGS = Settings(jwt_secret=SECRET)


def a_viewer(name: str = "ana", expires_at_s: int = 100) -> Viewer:
    return Viewer(id=name, role=Role.VIEWER, expires_at_s=expires_at_s)


def test_a_token_is_known_until_it_expires() -> None:
    known = KnownTokens(10)
    known.keep("t", a_viewer(expires_at_s=100))
    assert known.find("t", 0, 99.9) == a_viewer()
    assert known.find("t", 0, 100.0) is None
    assert known.find("t", 0, 99.9) is None


def test_the_one_used_longest_ago_is_forgotten_first() -> None:
    known = KnownTokens(2)
    known.keep("a", a_viewer("a"))
    known.keep("b", a_viewer("b"))
    known.find("a", 0, 0.0)
    known.keep("c", a_viewer("c"))
    assert [known.find(name, 0, 0.0) is not None for name in "abc"] == [True, False, True]
    assert len(known) == 2


def test_other_keys_make_all_tokens_unknown() -> None:
    known = KnownTokens(2)
    known.keep("a", a_viewer())
    assert known.find("a", 1, 0.0) is None
    assert known.find("a", 0, 0.0) is None


def test_a_token_with_a_lone_surrogate_is_only_unknown() -> None:
    assert KnownTokens(2).find("\ud800", 0, 0.0) is None


def test_a_token_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier(SETTINGS)
    text = token()
    first = verifier.verify(text)

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("it was verified again")

    monkeypatch.setattr("jwt.decode", fail)
    assert verifier.verify(text) is first
    with pytest.raises(AssertionError):
        verifier.verify(token(sub="another"))


def test_what_is_not_a_token_is_not_remembered() -> None:
    verifier = Verifier(SETTINGS)
    for _ in range(2):
        with pytest.raises(TokenFault):
            verifier.verify(token(aud="elsewhere"))
