"""Every setting and every limit, in one frozen struct. Names end in their unit.

A value comes from a flag, then from the environment (`DROPCAST_` and the name in capitals), then from the
default here: settings_reading.py turns texts into settings. What contradicts each other is refused by `checked`.
"""

import re
from ipaddress import ip_network
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, inspect

ENV_PREFIX = "DROPCAST_"
SECRET_BYTES_MIN = 32
_PREFIX = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_ORIGIN = re.compile(
    r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?", re.IGNORECASE
)

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1, le=2**31)]
Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
JwtAlgorithm = Literal["HS256", "RS256", "PS256", "ES256", "EdDSA"]
LogLevel = Literal["debug", "info", "warning", "error"]


class SettingsError(ValueError):
    """A setting that is unknown or invalid; the message names it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # Where
    host: str = "127.0.0.1"
    port: Port = 8470
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    data_dir: str = "dropcast-data"
    redis_url: str = ""
    prefix: str = "dropcast"
    engine_memory_bytes_max: Annotated[int, Meta(ge=0, le=2**62)] = 0

    # Access
    jwt_algorithm: JwtAlgorithm = "HS256"
    jwt_secret: str = ""
    jwt_public_key: str = ""
    jwt_jwks: str = ""
    jwt_audience: str = "dropcast"
    jwt_issuer: str = "dropcast"
    jwt_leeway_s: Annotated[int, Meta(ge=0, le=300)] = 5
    anonymous_watching: bool = True
    guest_buying: bool = False
    guest_token_s: Positive = 86_400
    known_tokens_max: Positive = 20_000
    at_token_expiry: Literal["anonymous", "close"] = "anonymous"
    allowed_origins: str = ""
    trusted_proxies: str = ""
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"

    # Trade
    hold_ms: Milliseconds = 120_000
    drop_limit: Annotated[int, Meta(ge=1, le=10_000)] = 2
    holds_per_viewer_max: Positive = 200
    thaw_after_restart: bool = False
    payments: Literal["sandbox"] = "sandbox"
    payment_timeout_ms: Milliseconds = 15_000
    sandbox_slow_ms: Milliseconds = 2_000
    accept_lost_sales: bool = False
    viewer_reserves_per_s: Positive = 100
    payments_per_viewer_max: Positive = 20
    guest_buyers_per_address_max: Positive = 20
    host_commands_per_show_per_min: Positive = 1_500
    log_bytes_per_show_per_min: Positive = 4_194_304
    event_bytes_max: Positive = 1_048_576
    shows_per_creator_per_min: Positive = 300
    host_commands_waiting_max: Positive = 64

    # The socket
    header_deadline_ms: Milliseconds = 10_000
    header_bytes_max: Positive = 16_384
    headers_max: Positive = 100
    body_deadline_ms: Milliseconds = 60_000
    body_bytes_max: Positive = 8_388_608
    hello_deadline_ms: Milliseconds = 5_000
    message_bytes_max: Positive = 65_536
    shows_per_socket_max: Positive = 8
    connections_per_address_max: Positive = 10_000
    anonymous_commands_per_s: Positive = 10
    viewer_commands_per_s: Positive = 50
    host_commands_per_s: Positive = 100
    control_frames_per_s: Positive = 20
    command_burst_s: Annotated[int, Meta(ge=1, le=60)] = 4
    outbox_bytes_max: Positive = 1_048_576
    stall_ms: Milliseconds = 25_000
    send_buffer_bytes: Annotated[int, Meta(ge=4_096, le=2**30)] = 131_072
    unacked_ms: Milliseconds = 50_000
    refused_tokens_per_socket_max: Positive = 16
    watches_per_show_max: Positive = 2
    watch_bytes_per_s: Positive = 1_048_576
    connections_max: Positive = 15_000
    connections_per_ipv6_64_max: Positive = 10_000
    connections_per_ipv6_48_max: Positive = 20_000
    http_connections_max: Positive = 4_096
    requests_per_address_max: Positive = 256
    keepalive_ms: Milliseconds = 75_000
    pipelined_bytes_max: Positive = 65_536
    answer_stall_ms: Milliseconds = 10_000
    unread_answer_bytes_max: Positive = 67_108_864
    body_overhead_bytes_max: Positive = 1_048_576
    json_body_bytes_max: Positive = 1_048_576
    imports_max: Annotated[int, Meta(ge=1, le=64)] = 1
    import_deadline_ms: Milliseconds = 300_000
    import_memory_bytes_max: Annotated[int, Meta(ge=2**28, le=2**40)] = 1_073_741_824

    # The way out
    tick_ms: Milliseconds = 25_000
    stock_ms: Milliseconds = 250
    stock_urgent_units: Annotated[int, Meta(ge=0, le=1_000)] = 5
    beat_ms: Milliseconds = 1_000
    slice_sockets: Positive = 64
    ring_events: Positive = 1_024
    room_linger_ms: Milliseconds = 30_000
    empty_rooms_max: Positive = 100
    catch_up_bytes_max: Positive = 262_144
    catch_up_bytes_per_s: Positive = 4_194_304
    ahead_ms: Milliseconds = 2_000
    tops_ms: Milliseconds = 100
    show_reads_max: Positive = 2
    show_cache_ms: Milliseconds = 250

    # Running
    drain_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 4_000
    come_back_ms: Annotated[int, Meta(ge=0, le=600_000)] = 1_000
    stop_deadline_ms: Milliseconds = 10_000
    log_level: LogLevel = "info"
    log_format: Literal["text", "json"] = "text"
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 0
    stop_delay_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 0


NAMES = Settings.__struct_fields__
_STRUCT = inspect.type_info(Settings)
assert isinstance(_STRUCT, inspect.StructType)
_FIELDS = {field.name: field for field in _STRUCT.fields}

_GROUPS = {
    "Where": "host",
    "Access": "jwt_algorithm",
    "Trade": "hold_ms",
    "The socket": "header_deadline_ms",
    "The way out": "tick_ms",
    "Running": "drain_ms",
}
"""The first setting of each group, as the struct is ordered."""


def groups() -> dict[str, tuple[str, ...]]:
    """Return the names of the settings by group, in order."""
    starts = [*(NAMES.index(first) for first in _GROUPS.values()), len(NAMES)]
    return {title: NAMES[starts[i] : starts[i + 1]] for i, title in enumerate(_GROUPS)}


def flag_of(name: str) -> str:
    """Return the flag of a setting, such as "--hold-ms"."""
    return "--" + name.replace("_", "-")


def variable_of(name: str) -> str:
    """Return the environment variable of a setting, such as "DROPCAST_HOLD_MS"."""
    return ENV_PREFIX + name.upper()


def wanted(name: str) -> str:
    """Return in words what a setting's value may be, such as "a whole number from 1 to 64"."""
    kind = _FIELDS[name].type
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number from {kind.ge} to {kind.le}"
        case inspect.LiteralType():
            return ("one of " if len(kind.values) > 1 else "") + ", ".join(map(str, kind.values))
        case _:
            return "a text"


def listed(value: str) -> tuple[str, ...]:
    """Return the items of a setting that is a list with commas."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def checked(settings: Settings) -> Settings:
    """Refuse settings that contradict each other."""
    if not _PREFIX.fullmatch(settings.prefix):
        raise SettingsError(
            f"prefix={settings.prefix}: it must be 1 to 64 letters, digits, dots, colons, hyphens and underscores"
        )
    algorithm, secret = settings.jwt_algorithm, settings.jwt_secret
    hmac = algorithm == "HS256"
    if hmac and (settings.jwt_public_key or settings.jwt_jwks):
        raise SettingsError(
            "jwt_algorithm=HS256 takes a secret: jwt_public_key and jwt_jwks need another algorithm"
        )
    if not hmac and bool(settings.jwt_public_key) == bool(settings.jwt_jwks):
        raise SettingsError(f"jwt_algorithm={algorithm} needs jwt_public_key or jwt_jwks, one of them")
    if not hmac and secret and not settings.guest_buying:
        raise SettingsError(f"jwt_algorithm={algorithm} uses jwt_secret for guest_buying only")
    if secret and len(secret.encode()) < SECRET_BYTES_MIN:
        raise SettingsError(f"jwt_secret is shorter than {SECRET_BYTES_MIN} bytes")
    if settings.jwt_jwks.startswith("http:"):
        raise SettingsError("jwt_jwks is fetched by https or read from a file, never by plain http")
    if "@" in settings.jwt_jwks.removeprefix("https://").partition("/")[0] and "://" in settings.jwt_jwks:
        # The library would take it for a part of the host, and say it in its message.
        raise SettingsError("jwt_jwks is an address without a user and a password")
    for origin in listed(settings.allowed_origins):
        _check_origin(origin)
    for network in listed(settings.trusted_proxies):
        try:
            ip_network(network)
        except ValueError as error:
            raise SettingsError(f"trusted_proxies={network}: {error}") from error
    return settings


def _check_origin(origin: str) -> None:
    """Refuse an item of allowed_origins that no browser or app shell ever sends as its origin."""
    found = _ORIGIN.fullmatch(origin)
    if origin == "*" or (found and int(found["port"] or 0) <= 65_535):
        return
    hint = "an origin is a scheme and a host, as in https://shop.example or capacitor://localhost"
    if origin.lower() == "null":
        hint = "any sandboxed page and any file has the origin null, so only * allows it"
    elif origin.lower() == "file://":
        hint = "any file on a device has this origin, so only * allows it"
    elif "*" in origin:
        hint = "each host is named in full; only * alone stands for any origin"
    raise SettingsError(f"allowed_origins={origin}: {hint}")
