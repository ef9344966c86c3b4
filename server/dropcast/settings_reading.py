"""Turns flags and the environment into settings, for every command: pure, and the one place that each text passes."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from dropcast.settings import (
    ENV_PREFIX,
    NAMES,
    Settings,
    SettingsError,
    checked,
    flag_of,
    variable_of,
    wanted,
)


def read(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Return the settings from `flags` (None means not given) and the environment.

    Raises SettingsError that names the flag or the variable, for one that is unknown as for one that is invalid.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for variable, text in environ.items():
        if variable.startswith(ENV_PREFIX):
            name = variable.removeprefix(ENV_PREFIX).lower()
            if name not in NAMES:
                raise SettingsError(f"{variable} is no setting of dropcast{_similar(name, variable_of)}")
            values[name] = text
            origin[name] = variable
    for name, value in flags.items():
        if name not in NAMES:
            raise SettingsError(f"{flag_of(name)} is no setting of dropcast{_similar(name, flag_of)}")
        if value is not None:
            values[name] = value
            origin[name] = flag_of(name)
    settings = Settings()
    for name, value in values.items():
        try:
            # One at a time, so that the message can name the one that is wrong.
            converted = msgspec.convert({name: value}, Settings, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{origin[name]}={value}: it must be {wanted(name)}") from error
        settings = msgspec.structs.replace(settings, **{name: getattr(converted, name)})
    return checked(settings)


def _similar(name: str, spell: Callable[[str], str]) -> str:
    close = get_close_matches(name, NAMES, n=1)
    return f"; is {spell(close[0])} meant?" if close else ""
