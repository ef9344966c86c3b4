"""Variables that Kubernetes and Docker put into a container for the services beside it.

A service named "dropcast" or "dropcast-valkey" makes variables that begin as our settings do. settings_reading.py
asks `is_service_link` about each variable and leaves those out. Name and value must both have the form, so that a
misspelt setting is still an error and `DROPCAST_PORT=8470` still is the setting.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address

_SERVICE = r"DROPCAST(?:_[A-Z0-9_]+)?"
_PORT = rf"{_SERVICE}_PORT_[0-9]+_(?:TCP|UDP|SCTP)"
_URL = re.compile(r"(?:tcp|udp|sctp)://[^\s/]*:[0-9]+")
_NUMBER = re.compile(r"[0-9]+")
_PROTOCOL = re.compile(r"tcp|udp|sctp")
_CONTAINER = re.compile(r"/\S+/\S+")
_DOCKER_NAME = re.compile(rf"({_SERVICE})_NAME")
_DOCKER_VARIABLE = re.compile(rf"({_SERVICE})_ENV_.+")

_FORMS = (
    # Kubernetes: {SERVICE}_SERVICE_HOST, {SERVICE}_SERVICE_PORT and one of these for each port that has a name.
    (re.compile(rf"{_SERVICE}_SERVICE_PORT(?:_[A-Z0-9_]+)?"), _NUMBER),
    # Both: the first port of a service, then each port in parts. Docker names a range by its two ends.
    (re.compile(rf"{_SERVICE}_PORT"), _URL),
    (re.compile(rf"{_PORT}(?:_START|_END)?"), _URL),
    (re.compile(rf"{_PORT}_PROTO"), _PROTOCOL),
    (re.compile(rf"{_PORT}_PORT(?:_START|_END)?"), _NUMBER),
    (_DOCKER_NAME, _CONTAINER),
)
_ADDRESSES = re.compile(rf"{_SERVICE}_SERVICE_HOST|{_PORT}_ADDR")


def is_service_link(variable: str, environ: Mapping[str, str]) -> bool:
    """Whether `variable` of `environ` tells of a service beside us, and so is no setting."""
    value = environ[variable].strip()
    if _ADDRESSES.fullmatch(variable):
        return _is_address(value)
    copied = _DOCKER_VARIABLE.fullmatch(variable)
    if copied:
        # Docker copies the variables of a linked container, with any value. It always gives the name as well.
        return bool(_CONTAINER.fullmatch(environ.get(f"{copied[1]}_NAME", "")))
    return any(name.fullmatch(variable) and form.fullmatch(value) for name, form in _FORMS)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
