"""Turns flags and the environment into settings, for every command: pure, and the one place that each text passes.

A text is trimmed, and refused when it has a control character. An empty one counts as not given. A variable that
Kubernetes or Docker made for a service beside us is left out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec

from dropcast.service_links import is_service_link
from dropcast.settings import (
    ENV_PREFIX,
    NAMES,
    Settings,
    SettingsError,
    checked,
    flag_of,
    listed,
    variable_of,
    wanted,
)
from dropcast.visible_text import is_visible, trimmed

_LISTS = ("allowed_origins", "trusted_proxies")
_SHOWN_CHARS_MAX = 100
_PASSWORD = re.compile(r"(?<=://)[^\s/@]+(?=@)")


class _Given(NamedTuple):
    origin: str
    """The flag or the variable, for messages."""
    value: Any


def read(
    flags: Mapping[str, Any], environ: Mapping[str, str], warn: Callable[[str], None] = lambda _line: None
) -> Settings:
    """Return the settings from `flags` (None means not given) and the environment.

    `warn` takes a line for each thing that is odd and harmless. Raises SettingsError that names the flag or the
    variable, for one that is unknown as for one that is invalid.
    """
    # An empty flag stands for the default, too: it hides the variable, which may allow more.
    given = dict(_variables(environ)) | dict(_flags(flags))
    cleaned = {name: _clean(name, each) for name, each in given.items()}
    settings = Settings()
    for name, (origin, value) in cleaned.items():
        if value != "":
            settings = msgspec.structs.replace(settings, **{name: _converted(name, origin, value)})
    empty = [origin for origin, value in cleaned.values() if value == ""]
    if empty:
        warn(f"empty, and so the default counts: {', '.join(empty)}")
    cut = [
        origin for origin, value in given.values() if isinstance(value, str) and value != trimmed(value) != ""
    ]
    if cut:
        warn(f"white space or line ends around the value were left out: {', '.join(cut)}")
    return checked(settings)


def _variables(environ: Mapping[str, str]) -> Iterator[tuple[str, _Given]]:
    for variable, text in environ.items():
        if not variable.startswith(ENV_PREFIX) or is_service_link(variable, environ):
            continue
        name = variable.removeprefix(ENV_PREFIX).lower()
        if name not in NAMES:
            raise SettingsError(f"{variable} is no setting of dropcast{_similar(name, variable_of)}")
        yield name, _Given(variable, text)


def _flags(flags: Mapping[str, Any]) -> Iterator[tuple[str, _Given]]:
    for name, value in flags.items():
        if name not in NAMES:
            raise SettingsError(f"{flag_of(name)} is no setting of dropcast{_similar(name, flag_of)}")
        if value is not None:
            yield name, _Given(flag_of(name), value)


def _clean(name: str, given: _Given) -> _Given:
    """Return what is given without what was not meant. Raises SettingsError."""
    if not isinstance(given.value, str):
        return given
    # A list may be written over several lines.
    text = ",".join(map(trimmed, listed(given.value))) if name in _LISTS else trimmed(given.value)
    if not is_visible(text):
        raise SettingsError(
            f"{given.origin} has a control character, a line end, or bytes that are not UTF-8"
        )
    if not text and _must_be_meant(name):
        raise SettingsError(f"{given.origin} is empty: give it a value, or leave it out")
    return _Given(given.origin, text)


def _must_be_meant(name: str) -> bool:
    """Whether an empty text may stand for something that matters: where it listens, whom it trusts, which engine."""
    return name in ("host", "metrics_host", "redis_url", "prefix") or name.startswith("jwt_")


def _converted(name: str, origin: str, value: Any) -> Any:
    try:
        # One at a time, so that the message can name the one that is wrong.
        return getattr(msgspec.convert({name: value}, Settings, strict=False), name)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{origin}{_shown(name, value)}: it must be {wanted(name)}") from error


def _shown(name: str, value: Any) -> str:
    """Return the value for a message; nothing where a secret may have been put."""
    if name.startswith("jwt_"):
        return ""
    text = _PASSWORD.sub("...", str(value))
    return "=" + (text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "...")


def _similar(name: str, spell: Callable[[str], str]) -> str:
    close = get_close_matches(name, NAMES, n=1)
    return f"; is {spell(close[0])} meant?" if close else ""
