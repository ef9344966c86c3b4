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
    Limit(
        "watches_per_show_max",
        "socket and show",
        "Watches that are under way or wait; one at a time is carried out.",
        "`rate_limited`; the socket stays open.",
    ),
    Limit(
        "watch_bytes_per_s",
        "socket",
        "Bytes per second of answers to `watch`, on average; the first answer is not counted.",
        "`rate_limited`; the socket stays open.",
    ),
    Limit(
        "catch_up_bytes_max",
        "viewer who comes back",
        "Bytes of missed events in one answer.",
        "The whole state is sent instead of the events.",
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
        "address",
        "Connections to one worker from one IPv4 address, or one IPv6 /64.",
        "The socket is closed with 4004; an HTTP request gets 429.",
        "dropcast_closes_total",
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

WORKERS = (
    Limit(
        "catch_up_bytes_per_s",
        "worker, and a quarter of it per show",
        "Bytes per second that are read from event logs for viewers who come back, on average.",
        "The whole state is sent instead of the events.",
    ),
    Limit(
        "show_reads_max",
        "worker",
        "Reads at once of shows that are not followed, and of lists; 16 times as many wait.",
        "429 `rate_limited`; on a socket `rate_limited`.",
    ),
    Limit(
        "empty_rooms_max",
        "worker",
        "Shows that are followed without a viewer.",
        "The show that has been empty for longest is followed no more.",
    ),
)

GROUPS: dict[str, tuple[Limit, ...]] = {
    "Live sockets": SOCKETS,
    "HTTP and connections": REQUESTS,
    "Shows and sales": SHOWS,
    "Workers": WORKERS,
}

LIMITS = tuple(limit for group in GROUPS.values() for limit in group)

COUNTED = tuple(limit.setting for limit in LIMITS if not limit.metric)
"""The limits that are counted by the metric HITS."""
