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


HELP: dict[str, str] = {
    "host": "Address or name to listen on; localhost and :: are both IPv4 and IPv6.",
    "port": "TCP port to listen on; 0 takes a free one.",
    "workers": "Worker processes, each with its own listening socket on the same port.",
    "data_dir": "Directory of the embedded engine and of the development secret.",
    "redis_url": "A running Redis or Valkey (7.2 or newer) instead of the embedded engine.",
    "prefix": "What the names of all keys and channels in the engine begin with: installations that share an engine "
    "need one each. 64 letters, digits, dots, colons, hyphens and underscores at most.",
    "engine_memory_bytes_max": "Bytes of memory of the embedded engine: with more it refuses pins and reserves; "
    "0 stands for half of what the machine has.",
    "jwt_algorithm": "The one algorithm that tokens may be signed with: HS256, RS256, PS256, ES256 or EdDSA.",
    "jwt_secret": "Shared secret of 32 bytes or more, best given as DROPCAST_JWT_SECRET; without it one is made.",
    "jwt_public_key": "PEM file with the public key of the token issuer.",
    "jwt_jwks": "File or https address of the token issuer's JWKS.",
    "jwt_audience": "What a token's aud must name.",
    "jwt_issuer": "What a token's iss must be.",
    "jwt_leeway_s": "Seconds that clocks may differ by when exp is checked.",
    "anonymous_watching": "Whether a viewer without a token may watch.",
    "guest_buying": "Whether a viewer without a token gets a signed guest token and may buy.",
    "guest_token_s": "Seconds that a guest token lasts.",
    "known_tokens_max": "Verified tokens that a worker remembers, so that they are not verified again.",
    "at_token_expiry": "What becomes of an open socket whose token has expired: anonymous (until auth) or close.",
    "allowed_origins": "Origins of web pages that may connect, with commas, as in https://shop.example or "
    "capacitor://localhost; * is any, and the only way to allow the origin null of sandboxed pages and files. "
    "A page of this server itself always may, and so may an app, which names no origin.",
    "trusted_proxies": "Addresses or networks of proxies, with commas, whose word for a client's address is taken.",
    "proxy_header": "The header by which trusted proxies name the client: x-forwarded-for or forwarded.",
    "hold_ms": "How long a hold lasts unless the pin says otherwise, in milliseconds.",
    "drop_limit": "Units of a drop that one viewer may have unless the pin says otherwise.",
    "holds_per_viewer_max": "Holds that one viewer may ever make in one show.",
    "thaw_after_restart": "Whether sales that froze because history was lost go on without an operator.",
    "payments": "Payment provider: sandbox.",
    "payment_timeout_ms": "How long a payment may take before it is undone, in milliseconds.",
    "sandbox_slow_ms": "How long the sandbox provider's slow token takes, in milliseconds.",
    "accept_lost_sales": "Whether to sell on an engine that has no append-only file: its crash loses holds and "
    "orders.",
    "viewer_reserves_per_s": "Reserves per second that one viewer may send to one worker on average, over all "
    "sockets; and as many releases and checkouts together. A viewer at N workers may send N times as many.",
    "payments_per_viewer_max": "Checkouts of one viewer that may be under way at one worker at once.",
    "guest_buyers_per_address_max": "Guests of one address (IPv6: one /64) who may hold something in one show at once, "
    "by the reserves of one worker; a guest who holds something already is not refused. It slows down one address and "
    "no more: N addresses, or N workers, take N times as many. Where that matters, leave guest_buying off. The guests "
    "behind a proxy that trusted_proxies does not name all have one address.",
    "host_commands_per_show_per_min": "Pins, updates and announcements that one show takes in a minute from all its "
    "hosts, over all workers. Closing, ending, freezing and moderating are not counted.",
    "log_bytes_per_show_per_min": "Bytes that pins, updates and announcements may add to one show's event log and "
    "journal in a minute, over all workers. The logs are not trimmed: this bounds how fast they grow.",
    "event_bytes_max": "Bytes of one event that a pin, an update or an announcement makes, as the log keeps it.",
    "shows_per_creator_per_min": "Shows that one creator may schedule at one worker in a minute, on average.",
    "header_deadline_ms": "How long a client may take to send its request's head, in milliseconds.",
    "header_bytes_max": "Bytes of a request's head at most.",
    "headers_max": "Header fields of a request at most.",
    "body_deadline_ms": "How long a client may take to send its request's body, in milliseconds.",
    "body_bytes_max": "Bytes of a request's body at most.",
    "hello_deadline_ms": "How long a client may take to say hello, in milliseconds.",
    "message_bytes_max": "Bytes of a client's message at most.",
    "shows_per_socket_max": "Shows that one socket may watch at once.",
    "connections_per_address_max": "Connections from one IPv4 address to one worker at most. A trusted proxy's own "
    "connections do not count; the live sockets of the clients that it names do.",
    "anonymous_commands_per_s": "Commands a second that the socket of an anonymous viewer may send on average.",
    "viewer_commands_per_s": "Commands a second that a viewer's socket may send on average.",
    "host_commands_per_s": "Commands a second that the socket of a creator, moderator or operator may send on average; "
    "and that a creator or moderator may send to one worker, over all sockets and HTTP requests.",
    "control_frames_per_s": "Pings, pongs and fragments a second that a socket may send on average.",
    "command_burst_s": "Seconds whose commands, reserves, pings and fragments may come at once.",
    "outbox_bytes_max": "Bytes that may wait for a slow viewer before it is dropped.",
    "stall_ms": "How long a viewer may take no bytes, or answer no ping, before it is dropped, in milliseconds.",
    "send_buffer_bytes": "Bytes that the kernel may hold for one viewer; Linux doubles it for its own needs.",
    "unacked_ms": "How long sent bytes may stay unacknowledged before the kernel gives up, in milliseconds.",
    "refused_tokens_per_socket_max": "Tokens of auth that may be refused on one socket before it is closed.",
    "watches_per_show_max": "Watches of one show that a socket may have under way, waiting ones included.",
    "watch_bytes_per_s": "Bytes a second that a socket may be answered to watches on average; the first one is free.",
    "connections_max": "Live sockets of one worker at most. Above nine tenths of it only viewers with a token get in.",
    "connections_per_ipv6_64_max": "Connections from one IPv6 network of 64 bits to one worker at most.",
    "connections_per_ipv6_48_max": "Connections from one IPv6 network of 48 bits to one worker at most.",
    "http_connections_max": "HTTP connections of one worker at most; at the limit the longest idle one is closed.",
    "requests_per_address_max": "HTTP requests under way from one address (IPv6: one /64) in one worker at most.",
    "keepalive_ms": "How long an HTTP connection may rest between an answer and the next request, in milliseconds; "
    "a load balancer's own time must be shorter.",
    "pipelined_bytes_max": "Bytes that may wait on an HTTP connection behind the request that is being answered.",
    "answer_stall_ms": "How long a client may take nothing of an HTTP answer before it is cut off, in milliseconds.",
    "unread_answer_bytes_max": "Bytes of HTTP answers that may wait in one worker for clients to read them.",
    "body_overhead_bytes_max": "Bytes that a chunked body may have beside its content: sizes, extensions, trailers.",
    "json_body_bytes_max": "Bytes of a JSON body of an HTTP request at most.",
    "imports_max": "Imports of a catalogue that one worker carries out at once.",
    "import_deadline_ms": "How long the file of an import may take to be read into products, in milliseconds.",
    "import_memory_bytes_max": "Memory (address space) of the process that reads the file of an import, in bytes.",
    "tick_ms": "How often every room hears a tick, in milliseconds.",
    "stock_ms": "How often a room hears of stock at most, in milliseconds.",
    "stock_urgent_units": "At this many units or fewer, stock is told at once.",
    "beat_ms": "How often workers compare viewers and logs, in milliseconds.",
    "slice_sockets": "Sockets written in one go before other work gets its turn.",
    "ring_events": "Events of a show kept encoded for viewers who come back.",
    "room_linger_ms": "How long a worker keeps following a show that its last viewer left, in milliseconds.",
    "empty_rooms_max": "Shows without viewers that a worker goes on following for a while.",
    "catch_up_bytes_max": "Bytes of missed events that a viewer who comes back is sent; for more, the whole state.",
    "catch_up_bytes_per_s": "Bytes a second that a worker reads from event logs for viewers who come back, a quarter "
    "of it for one show; beyond that they are sent the whole state.",
    "ahead_ms": "How long a viewer or a request that knows more than this worker waits for it, in milliseconds.",
    "tops_ms": "How often a worker asks the engine how far a show is, for all who wait for it, in milliseconds.",
    "show_reads_max": "Reads that a worker makes at once of shows that it does not follow, and of lists; "
    "16 times as many may wait.",
    "show_cache_ms": "How long what was read of a show that is not followed answers others too, in milliseconds.",
    "drain_ms": "Over how long a stopping worker sends viewers away, in milliseconds; half stop_deadline_ms at most.",
    "come_back_ms": "Viewers who are sent away are told to come back within this time, in milliseconds.",
    "stop_deadline_ms": "How long workers may take to stop before they are killed, in milliseconds.",
    "log_level": "What is logged: debug, info, warning or error.",
    "log_format": "How it is logged, on stderr: text, or json with one object per line.",
    "metrics_host": "Address or name to serve /metrics on, as for host; whoever reaches it may read them.",
    "metrics_port": "TCP port to serve /metrics for Prometheus on; 0 serves none.",
    "stop_delay_ms": "How long after SIGTERM /readyz says 503 while connects are still taken, in milliseconds, so that "
    "load balancers go elsewhere first. Kubernetes' terminationGracePeriodSeconds must be longer than this and twice "
    "stop_deadline_ms together.",
}

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
