"""The development secret: made once, for its owner alone, and only when one is needed."""

import threading
from pathlib import Path

import pytest

from dropcast.edge import secrets
from dropcast.settings import Settings, SettingsError
from tests.support.tokens import SECRET


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


@pytest.mark.parametrize("content", ["{}\r\n", "\ufeff{}\n", "  {}"])
def test_what_an_editor_has_put_around_the_secret_is_left_out(content: str, tmp_path: Path) -> None:
    path = tmp_path / secrets.SECRET_FILE
    path.write_text(content.format(SECRET), encoding="utf-8")
    path.chmod(0o600)
    assert secrets.resolve_secret(Settings(data_dir=str(tmp_path))) == SECRET


@pytest.mark.parametrize(
    ("content", "mode"),
    [("s" * 64, 0o604), ("s" * 40 + "\n" + "s" * 40, 0o600), ("tiny", 0o600), ("ü" * 64, 0o600)],
)
def test_a_secret_file_that_cannot_be_trusted_is_refused(content: str, mode: int, tmp_path: Path) -> None:
    path = tmp_path / secrets.SECRET_FILE
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(SettingsError) as raised:
        secrets.resolve_secret(Settings(data_dir=str(tmp_path)))
    assert content not in str(raised.value)
