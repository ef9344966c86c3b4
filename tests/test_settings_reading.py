"""Reading flags and variables: what was not meant is left out with a warning, or refused by its name."""

from typing import Any

import pytest

from dropcast.settings import NAMES, Settings, SettingsError, flag_of, variable_of
from dropcast.settings_reading import read

SECRET = "s" * 32
MUST_BE_MEANT = [name for name in NAMES if name.startswith("jwt_")] + [
    "host",
    "metrics_host",
    "redis_url",
    "prefix",
]
TEXTS = [name for name in NAMES if isinstance(getattr(Settings(), name), str)]
OPEN_TEXTS = ["host", "data_dir", "redis_url", "jwt_audience", "jwt_issuer", "metrics_host"]


def read_with_warnings(flags: dict[str, Any], environ: dict[str, str]) -> tuple[Settings, list[str]]:
    warnings: list[str] = []
    return read(flags, environ, warnings.append), warnings


def refusal(flags: dict[str, Any], environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as raised:
        read(flags, environ)
    return str(raised.value)


@pytest.mark.parametrize("blank", ["", " ", "\n", "\r\n", "\t \u00a0", "\ufeff"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in MUST_BE_MEANT])
def test_an_empty_value_is_the_default_from_a_variable_and_from_a_flag(name: str, blank: str) -> None:
    settings, warnings = read_with_warnings({}, {variable_of(name): blank})
    assert settings == Settings()
    assert warnings == [f"empty, and so the default counts: {variable_of(name)}"]
    assert read_with_warnings({name: blank}, {}) == (
        Settings(),
        [f"empty, and so the default counts: {flag_of(name)}"],
    )


@pytest.mark.parametrize("blank", ["", " \r\n"])
@pytest.mark.parametrize("name", MUST_BE_MEANT)
def test_where_empty_may_mean_more_than_the_default_it_is_refused(name: str, blank: str) -> None:
    assert (
        refusal({}, {variable_of(name): blank})
        == f"{variable_of(name)} is empty: give it a value, or leave it out"
    )
    assert refusal({name: blank}, {}).startswith(f"{flag_of(name)} is empty")


def test_many_empty_values_are_one_warning() -> None:
    _, warnings = read_with_warnings({"workers": ""}, {"DROPCAST_PORT": "", "DROPCAST_HOLD_MS": " "})
    assert warnings == ["empty, and so the default counts: DROPCAST_PORT, DROPCAST_HOLD_MS, --workers"]


def test_an_empty_flag_does_not_bring_back_a_variable_that_allows_more() -> None:
    settings, _ = read_with_warnings({"allowed_origins": ""}, {"DROPCAST_ALLOWED_ORIGINS": "*"})
    assert settings.allowed_origins == ""


def test_a_flag_hides_an_empty_variable() -> None:
    assert read_with_warnings({"host": "::1"}, {"DROPCAST_HOST": ""}) == (Settings(host="::1"), [])


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}", "\ufeff{}", "{}\u200b", "\t{}\u2028"])
@pytest.mark.parametrize("name", OPEN_TEXTS)
def test_what_cannot_be_seen_around_a_text_is_left_out_with_a_warning(name: str, around: str) -> None:
    settings, warnings = read_with_warnings({}, {variable_of(name): around.format("something")})
    assert getattr(settings, name) == "something"
    assert warnings == [f"white space or line ends around the value were left out: {variable_of(name)}"]
    assert getattr(read({name: around.format("something")}, {}), name) == "something"


def test_a_secret_from_a_file_is_trimmed() -> None:
    assert read({}, {"DROPCAST_JWT_SECRET": f"{SECRET}\r\n"}).jwt_secret == SECRET


def test_a_secret_is_not_long_enough_by_its_line_ends() -> None:
    assert "shorter than 32 bytes" in refusal({}, {"DROPCAST_JWT_SECRET": "s" * 30 + "\r\n"})


def test_numbers_switches_and_names_are_trimmed() -> None:
    environ = {"DROPCAST_PORT": "9000\r", "DROPCAST_GUEST_BUYING": " true", "DROPCAST_LOG_LEVEL": "debug\n"}
    settings = read({}, environ)
    assert (settings.port, settings.guest_buying, settings.log_level) == (9000, True, "debug")


def test_a_list_may_be_written_over_several_lines() -> None:
    lines = "\n  https://a.example,\r\n  https://b.example,\n"
    settings, _ = read_with_warnings({}, {"DROPCAST_ALLOWED_ORIGINS": lines})
    assert settings.allowed_origins == "https://a.example,https://b.example"


@pytest.mark.parametrize("inside", ["\n", "\r", "\0", "\x1b", "\x7f", "\u2028", "\ufeff", "\udcff"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_control_character_inside_is_refused_by_name_and_the_value_is_not_shown(
    name: str, inside: str
) -> None:
    message = refusal({}, {variable_of(name): f"hush{inside}{SECRET}"})
    assert message.startswith(f"{variable_of(name)} has a control character")
    assert "hush" not in message


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("jwt_")])
def test_no_message_shows_what_may_be_a_secret(name: str) -> None:
    # A secret that was put into the variable beside its own.
    environ = {variable_of(name): "hush-hush", "DROPCAST_JWT_SECRETS": "hush-hush"}
    assert "hush" not in refusal({}, environ)


def test_a_message_shows_no_password_and_no_more_than_a_line() -> None:
    assert refusal({"port": "redis://user:hush@engine"}, {}).startswith("--port=redis://...@engine: it must")
    assert len(refusal({"port": "9" * 10_000}, {})) < 300


def test_links_to_services_are_no_settings() -> None:
    environ = {
        "DROPCAST_PORT": "tcp://10.0.0.7:8470",
        "DROPCAST_PORT_8470_TCP_ADDR": "10.0.0.7",
        "DROPCAST_SERVICE_HOST": "10.0.0.7",
        "DROPCAST_VALKEY_SERVICE_PORT": "6379",
        "DROPCAST_METRICS_PORT": "tcp://10.0.0.8:9090",
    }
    assert read_with_warnings({}, environ) == (Settings(), [])


def test_a_port_is_a_setting_though_a_link_may_have_its_name() -> None:
    assert read({}, {"DROPCAST_PORT": "9000", "DROPCAST_SERVICE_PORT": "8470"}).port == 9000


@pytest.mark.parametrize(
    ("variable", "value", "meant"),
    [
        ("DROPCAST_PROT", "9000", "DROPCAST_PORT"),
        ("DROPCAST_METRICS_PROT", "tcp://10.0.0.7:8470", "DROPCAST_METRICS_PORT"),
        ("DROPCAST_SERVICE_HOST", "0.0.0.0.0", "DROPCAST_METRICS_HOST"),
    ],
)
def test_a_misspelt_setting_is_still_named_with_what_is_meant(variable: str, value: str, meant: str) -> None:
    assert refusal({}, {variable: value}) == f"{variable} is no setting of dropcast; is {meant} meant?"
