"""Every limit on what one client may cost: the setting, what it bounds, and what happens beyond it. One table.

docs/limits.md is made of it. Whoever enforces a limit that has no other metric counts it by
`counts.limited[name] += 1`; a test holds that table, settings and code name the same limits.
"""

from typing import NamedTuple

HITS = "dropcast_limit_hits_total"
"""The metric of limits that have no other one; its label `limit` is the name of the limit."""


class Limit(NamedTuple):
    setting: str
    per: str
    """What has the limit: a socket, a viewer, a show, an address, a connection, a worker."""
    bounds: str
    """What is bounded, and in which unit."""
    beyond: str
    """What the client sees beyond the limit."""
    metric: str = ""
    """The metric that counts it; empty: HITS, under the setting's name."""


SOCKETS = (
    Limit(
        "hello_deadline_ms",
        "socket",
        "Time until the first command, in milliseconds.",
        "The socket is closed with 4002.",
        "dropcast_closes_total",
    ),
    Limit(
        "message_bytes_max",
        "socket",
        "Bytes of one message.",
        "The socket is closed with 1009.",
        "dropcast_closes_total",
    ),
    Limit(
        "shows_per_socket_max",
        "socket",
        "Shows that are watched at once.",
        "`too_large`; the socket stays open.",
        "dropcast_errors_total",
    ),
    Limit(
        "anonymous_commands_per_s",
        "socket",
        "Commands per second of an anonymous viewer, on average.",
        "`rate_limited`; twice as many: the socket is closed with 4005.",
        "dropcast_errors_total",
    ),
    Limit(
        "viewer_commands_per_s",
        "socket",
        "Commands per second of a viewer with a token, on average.",
        "`rate_limited`; twice as many: the socket is closed with 4005.",
        "dropcast_errors_total",
    ),
    Limit(
        "host_commands_per_s",
        "socket",
        "Commands per second of a creator, moderator or operator, on average.",
        "`rate_limited`; twice as many: the socket is closed with 4005.",
        "dropcast_errors_total",
    ),
    Limit(
        "control_frames_per_s",
        "socket",
        "Pings, pongs and fragments per second, on average.",
        "The socket is closed with 4005.",
        "dropcast_closes_total",
    ),
    Limit(
        "command_burst_s",
        "socket",
        "Seconds whose commands, pings and fragments may come at once.",
        "As for the rates above.",
        "dropcast_closes_total",
    ),
    Limit(
        "outbox_bytes_max",
        "socket",
        "Bytes that wait for a viewer who reads slowly.",
        "The connection is cut off.",
        "dropcast_evictions_total",
    ),
    Limit(
        "stall_ms",
        "socket",
        "Time without a byte read or a ping answered, in milliseconds.",
        "The socket is closed with 4001, or cut off.",
        "dropcast_evictions_total",
    ),
)

REQUESTS = (
    Limit(
        "header_deadline_ms",
        "connection",
        "Time to send the head of a request, in milliseconds.",
        "408, and the connection is closed.",
        "dropcast_http_requests_total",
    ),
    Limit(
        "header_bytes_max",
        "connection",
        "Bytes of the head of a request.",
        "431, and the connection is closed.",
        "dropcast_http_requests_total",
    ),
    Limit(
        "headers_max",
        "connection",
        "Header fields of a request.",
        "431, and the connection is closed.",
        "dropcast_http_requests_total",
    ),
    Limit(
        "body_deadline_ms",
        "connection",
        "Time to send the body of a request, in milliseconds.",
        "408, and the connection is closed.",
        "dropcast_http_requests_total",
    ),
    Limit(
        "body_bytes_max",
        "connection",
        "Bytes of the body of a request.",
        "413 `too_large`.",
        "dropcast_errors_total",
    ),
    Limit(
        "connections_per_address_max",
        "IPv4 address and worker",
        "Connections from one address.",
        "The socket is closed with 4004; an HTTP request gets 429.",
    ),
    Limit(
        "connections_per_ipv6_64_max",
        "IPv6 /64 and worker",
        "Connections from one network of 64 bits.",
        "The socket is closed with 4004; an HTTP request gets 429.",
    ),
    Limit(
        "connections_per_ipv6_48_max",
        "IPv6 /48 and worker",
        "Connections from one network of 48 bits.",
        "The socket is closed with 4004; an HTTP request gets 429.",
    ),
    Limit(
        "connections_max",
        "worker",
        "Live sockets. Above nine tenths of them only those with a token get in.",
        "A hello without token is closed with 4004; at the limit an upgrade gets 503.",
    ),
    Limit(
        "http_connections_max",
        "worker",
        "HTTP connections.",
        "The one that is idle for longest is closed; if none is, the newcomer gets 503.",
    ),
    Limit(
        "requests_per_address_max",
        "address and worker",
        "HTTP requests under way from one IPv4 address or IPv6 /64, which a trusted proxy may name.",
        "429 `rate_limited`.",
    ),
    Limit(
        "keepalive_ms",
        "connection",
        "Time between an answer and the next request, in milliseconds.",
        "The connection is closed.",
        "dropcast_http_connections",
    ),
    Limit(
        "pipelined_bytes_max",
        "connection",
        "Bytes that wait behind the request that is being answered.",
        "The connection is closed after that answer.",
    ),
    Limit(
        "answer_stall_ms",
        "connection",
        "Time in which a client takes less than 4 KiB of the rest of an answer, in milliseconds.",
        "The connection is cut off.",
    ),
    Limit(
        "unread_answer_bytes_max",
        "worker",
        "Bytes of answers that wait for clients to read them.",
        "The connection that waits for longest is cut off.",
    ),
    Limit(
        "body_overhead_bytes_max",
        "connection",
        "Bytes of a chunked body beside its content.",
        "413, and the connection is closed.",
    ),
    Limit(
        "json_body_bytes_max",
        "connection",
        "Bytes of the JSON body of a request.",
        "413 `too_large`.",
        "dropcast_errors_total",
    ),
    Limit(
        "catalogue_reads_max",
        "worker",
        "Requests for products that are read from the engine at once.",
        "The request waits for its turn.",
    ),
    Limit(
        "imports_max",
        "worker",
        "Imports at once.",
        "429 `rate_limited`.",
    ),
    Limit(
        "import_deadline_ms",
        "import",
        "Time to read the file into products, in milliseconds.",
        "413 `too_large`; nothing is imported.",
    ),
    Limit(
        "import_memory_bytes_max",
        "import",
        "Memory of the process that reads the file, in bytes.",
        "413 `too_large`; nothing is imported.",
    ),
)

SHOWS = (
    Limit(
        "holds_per_viewer_max",
        "viewer and show",
        "Holds that a viewer ever makes in a show.",
        "Refused as `too_many_holds`.",
        "dropcast_refusals_total",
    ),
    Limit(
        "drop_limit",
        "viewer and drop",
        "Units that a viewer has of a drop, unless the pin says otherwise.",
        "Refused as `limit`.",
        "dropcast_refusals_total",
    ),
)

GROUPS: dict[str, tuple[Limit, ...]] = {
    "Live sockets": SOCKETS,
    "HTTP and connections": REQUESTS,
    "Shows and sales": SHOWS,
}

LIMITS = tuple(limit for group in GROUPS.values() for limit in group)

COUNTED = tuple(limit.setting for limit in LIMITS if not limit.metric)
"""The limits that are counted by the metric HITS."""
