"""What each setting does, in a sentence: for `--help` and the settings page. A test holds it complete."""

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
    "host_commands_waiting_max": "Pins, updates and announcements of one creator or moderator that may wait at "
    "one worker for those before them, over all sockets and HTTP requests.",
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
