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
        "socket; creator or moderator",
        "Commands per second of a creator, moderator or operator on one socket, on average. Also of one creator or "
        "moderator at one worker, over all sockets and HTTP requests; there, unpin, end, mute and ban are counted "
        "apart from the commands that make something.",
        "`rate_limited` (HTTP: 429); twice as many on one socket: it is closed with 4005.",
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
        "Seconds whose commands, reserves, pings and fragments may come at once.",
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
        "refused_tokens_per_socket_max",
        "socket",
        "Tokens of auth that are refused: each costs a signature.",
        "The socket is closed with 4501, or with 4003 when the token had expired.",
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
    Limit(
        "viewer_reserves_per_s",
        "viewer and worker",
        "Reserves per second of one viewer over all sockets, on average; as many releases and checkouts together. "
        "There is no such limit for a show: a crowd is many viewers.",
        "`rate_limited`; the engine is not asked. A viewer who is refused more often than `viewer_commands_per_s` is "
        "sent away: each further refusal closes its socket with 4005.",
    ),
    Limit(
        "payments_per_viewer_max",
        "viewer and worker",
        "Checkouts of one viewer that are under way at once: each asks the payment provider.",
        "`rate_limited` until one of them has ended.",
    ),
    Limit(
        "guest_buyers_per_address_max",
        "address, show and worker",
        "Guests (`guest_buying`) of one IPv4 address, or one IPv6 /64, who hold something in a show or ask for it. A "
        "guest who holds something is not refused. What remains: N addresses, or N workers, take N times as many.",
        "`rate_limited` until one of them has paid, given back or run out of time.",
    ),
    Limit(
        "host_commands_per_show_per_min",
        "show",
        "Pins, updates and announcements of all hosts in a minute, counted by the engine over all workers. Not: "
        "unpin, freeze, thaw, end, mute, ban, and the events that trades and deadlines make.",
        "`rate_limited` (HTTP: 429); nothing is changed.",
    ),
    Limit(
        "log_bytes_per_show_per_min",
        "show",
        "Bytes that pins, updates and announcements add to the event log and the journal in a minute, counted by the "
        "engine over all workers. The logs are not trimmed.",
        "`rate_limited` (HTTP: 429); nothing is changed.",
    ),
    Limit(
        "event_bytes_max",
        "event",
        "Bytes of one event that a pin, an update or an announcement makes, as the log keeps it.",
        "`too_large` (HTTP: 413); nothing is changed.",
    ),
    Limit(
        "shows_per_creator_per_min",
        "creator and worker",
        "Shows that one creator schedules in a minute, on average.",
        "429 `rate_limited`.",
    ),
    Limit(
        "host_commands_waiting_max",
        "creator or moderator, and worker",
        "Pins, updates and announcements that wait: two at a time are with the engine.",
        "`rate_limited` (HTTP: 429).",
    ),
    Limit(
        "engine_memory_bytes_max",
        "engine",
        "Bytes of memory of the embedded engine, with all shows in it.",
        "`engine_full` for pins, reserves and imports; what is held can be paid or given back.",
        "dropcast_engine_failures_total",
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
