"""Settings: flags beat the environment, and what is wrong is named."""

from typing import Any

import msgspec
import pytest

from dropcast.settings import NAMES, Settings, SettingsError, groups, listed
from dropcast.settings_help import HELP
from dropcast.settings_reading import read

SECRET = "s" * 32


def refusal(flags: dict[str, Any], environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as raised:
        read(flags, environ)
    return str(raised.value)


def test_nothing_given_is_the_defaults() -> None:
    assert read({}, {"HOME": "/"}) == Settings()


def test_the_environment_beats_a_default_and_a_flag_beats_the_environment() -> None:
    environ = {"DROPCAST_PORT": "1000", "DROPCAST_WORKERS": "2"}
    settings = read({"port": "2000", "host": None}, environ)
    assert (settings.port, settings.workers, settings.host) == (2000, 2, "127.0.0.1")


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("1", True), ("0", False)])
def test_a_switch_is_read_from_text(text: str, value: bool) -> None:
    assert read({}, {"DROPCAST_GUEST_BUYING": text}).guest_buying is value


def test_an_unknown_variable_is_named_with_the_one_that_may_be_meant() -> None:
    message = refusal({}, {"DROPCAST_WORKER": "2"})
    assert message == "DROPCAST_WORKER is no setting of dropcast; is DROPCAST_WORKERS meant?"


@pytest.mark.parametrize(
    ("flags", "environ", "message"),
    [
        ({"port": "http"}, {}, "--port=http: it must be a whole number from 0 to 65535"),
        ({}, {"DROPCAST_WORKERS": "0"}, "DROPCAST_WORKERS=0: it must be a whole number from 1 to 64"),
        ({}, {"DROPCAST_GUEST_BUYING": "maybe"}, "DROPCAST_GUEST_BUYING=maybe: it must be true or false"),
        ({"payments": "cash"}, {}, "--payments=cash: it must be sandbox"),
        ({"nonsense": "1"}, {}, "--nonsense is no setting of dropcast"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(
    flags: dict[str, Any], environ: dict[str, str], message: str
) -> None:
    assert refusal(flags, environ) == message


@pytest.mark.parametrize("prefix", ["a", "shop.eu-1_b", "team:shop", "x" * 64])
def test_a_prefix_may_be_any_plain_name(prefix: str) -> None:
    assert read({}, {"DROPCAST_PREFIX": prefix}).prefix == prefix


@pytest.mark.parametrize("prefix", ["x" * 65, "a b", "{a}", "a*", "caf\u00e9"])
def test_a_prefix_that_could_move_or_match_other_keys_is_refused(prefix: str) -> None:
    assert "1 to 64 letters, digits" in refusal({"prefix": prefix}, {})


def test_no_algorithm_but_those_listed_is_taken() -> None:
    assert "it must be one of" in refusal({"jwt_algorithm": "none"}, {})


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"jwt_public_key": "key.pem"}, "takes a secret"),
        ({"jwt_algorithm": "RS256"}, "needs jwt_public_key or jwt_jwks"),
        ({"jwt_algorithm": "RS256", "jwt_public_key": "a", "jwt_jwks": "b"}, "one of them"),
        ({"jwt_algorithm": "RS256", "jwt_public_key": "a", "jwt_secret": SECRET}, "for guest_buying only"),
        ({"jwt_secret": "short"}, "shorter than 32 bytes"),
        ({"jwt_algorithm": "RS256", "jwt_jwks": "http://issuer.test/keys"}, "never by plain http"),
        ({"jwt_algorithm": "RS256", "jwt_jwks": "https://a:b@issuer.test/keys"}, "without a user"),
        ({"allowed_origins": "https://shop.example, shop.example"}, "allowed_origins=shop.example:"),
        ({"allowed_origins": "https://shop.example/"}, "a scheme and a host"),
        ({"allowed_origins": "https://shop.example/app"}, "a scheme and a host"),
        ({"allowed_origins": "capacitor://"}, "a scheme and a host"),
        ({"allowed_origins": "https://shop.example:65536"}, "a scheme and a host"),
        ({"allowed_origins": "https://user@shop.example"}, "a scheme and a host"),
        ({"allowed_origins": "null"}, "only * allows it"),
        ({"allowed_origins": "file://"}, "only * allows it"),
        ({"allowed_origins": "https://*.shop.example"}, "each host is named in full"),
        ({"trusted_proxies": "10.0.0.0/8, proxy"}, "trusted_proxies=proxy:"),
        ({"trusted_proxies": "10.0.0.1/8"}, "has host bits set"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(flags: dict[str, Any], words: str) -> None:
    assert words in refusal(flags, {})


def test_a_secret_for_guests_goes_with_a_public_key() -> None:
    flags = {"jwt_algorithm": "RS256", "jwt_public_key": "a", "jwt_secret": SECRET, "guest_buying": "true"}
    assert read(flags, {}).jwt_secret == SECRET


def test_lists_are_taken_apart_at_their_commas() -> None:
    settings = read(
        {"allowed_origins": " https://a.example,http://localhost:5173 ,", "trusted_proxies": "::1"}, {}
    )
    assert listed(settings.allowed_origins) == ("https://a.example", "http://localhost:5173")
    assert listed(settings.trusted_proxies) == ("::1",)


def test_the_limits_of_the_issue_are_the_defaults() -> None:
    settings = Settings()
    assert settings.message_bytes_max == 65_536
    assert (settings.hello_deadline_ms, settings.header_deadline_ms) == (5_000, 10_000)
    assert settings.stall_ms == settings.tick_ms == 25_000
    assert settings.drain_ms < settings.stop_deadline_ms


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://shop.example",
        "HTTP://LOCALHOST:5173",
        "http://[::1]:8470",
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "com.shop.app+live://host_1",
        "chrome-extension://abcdefghijklmnop",
    ],
)
def test_whatever_a_page_or_an_app_shell_names_as_its_origin_can_be_allowed(origin: str) -> None:
    assert read({"allowed_origins": origin}, {}).allowed_origins == origin


def test_no_message_repeats_a_secret() -> None:
    assert "hush" not in refusal({"jwt_secret": "hush"}, {})
    assert "hush" not in refusal(
        {"jwt_algorithm": "RS256", "jwt_jwks": "https://a:hush@issuer.test/keys"}, {}
    )


def test_every_setting_has_help_and_a_group() -> None:
    assert set(HELP) == set(NAMES)
    assert [name for names in groups().values() for name in names] == list(NAMES)


def test_settings_survive_the_way_to_a_worker() -> None:
    settings = Settings(workers=2, jwt_secret=SECRET, log_level="debug")
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings
