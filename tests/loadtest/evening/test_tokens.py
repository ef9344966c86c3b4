"""The load test signs its own ways in, with the server's secret, and says what is missing when there is none."""

from pathlib import Path

import pytest

from dropcast.edge.tokens import Verifier
from dropcast.settings import Settings
from dropcast_loadtest.evening.tokens import NoSecret, minter_of
from tests.support.server import SECRET


def test_the_server_takes_its_tokens() -> None:
    settings = Settings(jwt_secret=SECRET, jwt_audience="shop", jwt_issuer="me")
    environ = {
        "DROPCAST_JWT_SECRET": SECRET,
        "DROPCAST_JWT_AUDIENCE": "shop",
        "DROPCAST_JWT_ISSUER": "me",
    }
    viewer = Verifier(settings).verify(minter_of(environ, "").mint("vera", "creator", 60))
    assert (viewer.id, viewer.role) == ("vera", "creator")


def test_what_the_server_trims_is_trimmed_here_too() -> None:
    secret = "s" * 40
    environ = {
        "DROPCAST_JWT_SECRET": f"{secret}\r\n",
        "DROPCAST_JWT_AUDIENCE": "shop\r",
        "DROPCAST_JWT_ISSUER": "",
    }
    minter = minter_of(environ, "")
    assert (minter.secret, minter.audience, minter.issuer) == (secret, "shop", "dropcast")


def test_a_server_without_a_secret_of_its_own_keeps_one_in_its_data_directory(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("made by the server\n")
    assert minter_of({}, str(tmp_path)).secret == "made by the server"
    assert minter_of({"DROPCAST_DATA_DIR": str(tmp_path)}, "").secret == "made by the server"


def test_without_a_secret_it_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(NoSecret, match="DROPCAST_JWT_SECRET"):
        minter_of({}, "")
    with pytest.raises(NoSecret, match=r"no secret to sign tokens with: .*secret"):
        minter_of({}, str(tmp_path))
