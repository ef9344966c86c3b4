"""What an HTTP connection may cost: one request at a time, and bounds on what waits and on what is not read."""

import asyncio
import os
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from tests.support.house import House
from tests.support.processes import children_of, memory_bytes, workers_of
from tests.support.raw import Raw, connection, live, serves, upgrade
from tests.support.scraped import counted, free_port, scrape
from tests.support.server import SECRET, Server
from tests.support.wait import wait_until

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
LARGE = b"GET /v1/products?limit=200 HTTP/1.1\r\nhost: x\r\n\r\n"
"""Its answer is about 2 MB."""
CONNECTIONS = 60
LIMITS = "dropcast_limit_hits_total"


class Limited(House):
    server: Server
    metrics: int

    def pids(self) -> tuple[int, int]:
        """Return the worker's and the engine's."""
        (worker,) = workers_of(self.server.process.pid)
        (engine,) = children_of(self.server.process.pid) - {worker}
        return worker, engine


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    metrics = free_port()
    server = Server(
        tmp_path_factory.mktemp("limited"),
        workers=1,
        metrics_port=metrics,
        header_deadline_ms=1_500,
        keepalive_ms=4_000,
        answer_stall_ms=1_000,
        send_buffer_bytes=16_384,
        http_connections_max=CONNECTIONS,
        unread_answer_bytes_max=12_000_000,
        pipelined_bytes_max=20_000,
        body_overhead_bytes_max=20_000,
        json_body_bytes_max=20_000,
        requests_per_address_max=50,
    )
    try:
        limited = Limited(server.settings, server.port, SECRET)
        limited.server, limited.metrics = server, metrics
        asyncio.run(import_large(limited))
        yield limited
    finally:
        status = server.stop()
    log = "".join(server.lines)
    assert status == 0, log
    assert "Traceback" not in log, log


async def import_large(house: House) -> None:
    rows = "".join(f"p{number},Product,{'x' * 9_900},P{number},1\n" for number in range(200))
    raw = b"Handle,Title,Body (HTML),Variant SKU,Variant Price\n" + rows.encode()
    async with house.http("olga", "operator") as http:
        answer = await http.post("/v1/products?currency=EUR", content=raw, timeout=60)
        assert answer.status_code == 200, answer.text


async def body(raw: Raw, head: bytes) -> bytes:
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    async with asyncio.timeout(10):
        return await raw.reader.readexactly(length)


async def answer(raw: Raw) -> int:
    """Read one whole answer; return its status."""
    status, head = await raw.head()
    await body(raw, head)
    return status


@asynccontextmanager
async def stopped(pid: int) -> AsyncIterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# Requests that wait -----------------------------------------------------------------------------------------


async def test_requests_sent_ahead_are_answered_in_order(limited: Limited) -> None:
    async with connection(limited.port) as raw:
        await raw.send(HEALTH + b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n" + HEALTH * 50)
        assert [await answer(raw) for _ in range(52)] == [200, 404, *[200] * 50]


async def test_bodies_sent_ahead_belong_to_their_requests(limited: Limited) -> None:
    head = b"POST /v1/shows HTTP/1.1\r\nhost: x\r\n"
    plain = head + b"content-length: 7\r\n\r\n\r\n\r\nabc"
    chunked = head + b"transfer-encoding: chunked\r\n\r\n7\r\n\r\n\r\nabc\r\n0\r\nx-t: 1\r\n\r\n"
    async with connection(limited.port) as raw:
        await raw.send((plain + chunked + HEALTH) * 5)
        assert [await answer(raw) for _ in range(15)] == [401, 401, 200] * 5


async def test_an_upgrade_behind_a_request_is_answered_in_its_turn(limited: Limited) -> None:
    async with connection(limited.port) as raw:
        await raw.send(HEALTH + upgrade())
        assert await answer(raw) == 200
        assert (await raw.head())[0] == 101
        assert (await raw.ask({"type": "hello", "id": 1}))["type"] == "welcome"


async def test_thousands_of_requests_sent_ahead_cost_no_memory_and_end_the_connection(
    limited: Limited,
) -> None:
    worker, _ = limited.pids()
    before = memory_bytes(worker)
    hits = (await scrape(limited.metrics)).total(LIMITS, limit="pipelined_bytes_max")
    async with AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(connection(limited.port)) for _ in range(20)]
        for raw in raws:
            # Paused as soon as some wait: the rest stays in the kernel, and is lost with the connection.
            raw.writer.write(HEALTH * 8_000)
        for raw in raws:
            assert (await raw.head())[0] == 200
            await raw.ended()
    assert memory_bytes(worker) - before < 12_000_000
    assert await counted(limited.metrics, LIMITS, hits + 20, limit="pipelined_bytes_max") == hits + 20
    await serves(limited.port)


# Answers that nobody reads ----------------------------------------------------------------------------------


def unread(port: int, request: bytes) -> socket.socket:
    """Ask, and read nothing; the little that the system takes for it is bounded too."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(("127.0.0.1", port))
    client.sendall(request)
    return client


def taken(client: socket.socket) -> int:
    """Read to the end of the connection; return how many bytes that were."""
    size = 0
    with suppress(ConnectionError):
        while piece := client.recv(65_536):
            size += len(piece)
    return size


async def test_who_takes_nothing_of_an_answer_is_cut_off(limited: Limited) -> None:
    hits = (await scrape(limited.metrics)).total(LIMITS, limit="answer_stall_ms")
    with unread(limited.port, LARGE) as client:
        await counted(limited.metrics, LIMITS, hits + 1, limit="answer_stall_ms")
        client.settimeout(10)
        assert taken(client) < 1_500_000
    await serves(limited.port)


async def test_who_reads_slowly_gets_all(limited: Limited) -> None:
    async with connection(limited.port) as raw:
        await raw.send(LARGE)
        status, head = await raw.head()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        taken = 0
        began_s = time.monotonic()
        while taken < length:
            taken += len(await raw.reader.read(65_536))
            if time.monotonic() - began_s < 2.5:
                await asyncio.sleep(0.1)
        assert (status, taken) == (200, length)
        await raw.send(HEALTH)
        assert await answer(raw) == 200


async def test_answers_that_nobody_reads_have_a_bound_together(limited: Limited) -> None:
    worker, _ = limited.pids()
    before = memory_bytes(worker)
    hits = (await scrape(limited.metrics)).total(LIMITS, limit="unread_answer_bytes_max")
    clients = [await asyncio.to_thread(unread, limited.port, LARGE * 3) for _ in range(40)]
    try:
        await counted(limited.metrics, LIMITS, hits + 20, limit="unread_answer_bytes_max")
        assert memory_bytes(worker) - before < 40_000_000
        await serves(limited.port)
    finally:
        for client in clients:
            client.close()


# How many there are -----------------------------------------------------------------------------------------


async def test_a_newcomer_gets_in_for_the_one_that_is_idle_for_longest(limited: Limited) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(connection(limited.port))
        await first.send(HEALTH)
        assert await answer(first) == 200
        for _ in range(CONNECTIONS):
            await stack.enter_async_context(connection(limited.port))
        assert await first.ended() == b""
        await serves(limited.port)


async def test_who_has_sent_half_a_body_gives_way_too(limited: Limited) -> None:
    head = b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
    async with AsyncExitStack() as stack:
        for _ in range(80):
            raw = await stack.enter_async_context(connection(limited.port))
            await raw.send(head)
        await serves(limited.port)


@pytest.mark.parametrize(("path", "status"), [("/v1/shows/none", 404), ("/v1/products/p1", 200)])
async def test_requests_of_one_address_are_under_way_in_bounded_number(
    limited: Limited, path: str, status: int
) -> None:
    _, engine = limited.pids()
    async with AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(connection(limited.port)) for _ in range(54)]
        async with stopped(engine):
            for raw in raws:
                await raw.send(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            done, waiting = await asyncio.wait([asyncio.create_task(answer(raw)) for raw in raws], timeout=1)
        assert [task.result() for task in done] == [429] * 4
        assert await asyncio.gather(*waiting) == [status] * 50
        # The connections go on.
        for raw in raws:
            await raw.send(HEALTH)
            assert await answer(raw) == 200


# The end of a connection ------------------------------------------------------------------------------------


async def test_a_client_that_ends_its_half_is_answered_all_that_it_asked(limited: Limited) -> None:
    for request, answers in ((LARGE, 1), (HEALTH * 3, 3)):
        async with connection(limited.port) as raw:
            await raw.send(request)
            raw.writer.write_eof()
            assert [await answer(raw) for _ in range(answers)] == [200] * answers
            assert await raw.ended() == b""


@pytest.mark.parametrize(
    "begun", [b"GET /heal", b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"]
)
async def test_a_request_that_ended_early_is_told_so(limited: Limited, begun: bytes) -> None:
    async with connection(limited.port) as raw:
        await raw.send(begun)
        raw.writer.write_eof()
        assert (await raw.head())[0] in (400, 401)
        await raw.ended()


async def test_a_read_is_cancelled_when_its_client_is_gone_and_a_write_is_not(limited: Limited) -> None:
    _, engine = limited.pids()
    gone = (await scrape(limited.metrics)).total("dropcast_http_requests_total", status="499")
    show = b'{"id": "gone", "title": "Gone", "currency": "EUR"}'
    write = (
        b"POST /v1/shows HTTP/1.1\r\nhost: x\r\nauthorization: Bearer "
        + limited.token("cleo", "creator").encode()
        + b"\r\ncontent-length: %d\r\n\r\n" % len(show)
        + show
    )
    async with stopped(engine):
        for request in (b"GET /v1/products/p1 HTTP/1.1\r\nhost: x\r\n\r\n", write):
            client = socket.create_connection(("127.0.0.1", limited.port))
            client.sendall(request)
            await reading(limited, client)
            # A reset: not the end of one half, but of all.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        assert (
            await counted(limited.metrics, "dropcast_http_requests_total", gone + 1, status="499") == gone + 1
        )

    async def is_there() -> bool:
        async with limited.http() as http:
            return (await http.get("/v1/shows/gone")).status_code == 200

    await wait_until(is_there)


async def reading(house: Limited, client: socket.socket) -> None:
    """Wait until what the client has sent was read by the worker: its answer to the next one shows that."""
    async with connection(house.port) as raw:
        for _ in range(3):
            await raw.send(HEALTH)
            assert await answer(raw) == 200


async def test_a_connection_rests_between_requests_for_its_own_time(limited: Limited) -> None:
    async with connection(limited.port) as raw:
        await raw.send(HEALTH)
        assert await answer(raw) == 200
        # Longer than a head may take, shorter than it may rest.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await raw.reader.read()
        await raw.send(HEALTH[:10])
        began_s = time.monotonic()
        assert (await raw.head())[0] == 408
        assert time.monotonic() - began_s < 4
    async with connection(limited.port) as raw:
        await raw.send(HEALTH)
        assert await answer(raw) == 200
        assert await raw.ended() == b"", "it is closed after keepalive_ms, without a word"


# Bodies -----------------------------------------------------------------------------------------------------

CHUNKED = b"POST /v1/products?currency=EUR HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"


@pytest.mark.parametrize(
    "piece",
    [b"1;" + b"x" * 1_000 + b"\r\na\r\n", b"1\r\na\r\n", b"a;x=y\r\n0123456789\r\n"],
    ids=["extensions", "one byte at a time", "small extensions"],
)
async def test_a_body_is_mostly_content(limited: Limited, piece: bytes) -> None:
    token = limited.token("olga", "operator").encode()
    async with connection(limited.port) as raw:
        await raw.send(CHUNKED + b"authorization: Bearer " + token + b"\r\n\r\n")
        answered = asyncio.create_task(raw.head())
        for _ in range(100):
            await raw.send(piece * 200)
        assert (await answered)[0] == 413
        await raw.ended()
    await serves(limited.port)


async def test_trailers_are_no_headers_and_have_a_bound(limited: Limited) -> None:
    async with connection(limited.port) as raw:
        await raw.send(CHUNKED + b"\r\n0\r\nauthorization: Bearer x\r\n\r\n" + HEALTH)
        assert [await answer(raw) for _ in range(2)] == [401, 200]
    token = limited.token("olga", "operator").encode()
    async with connection(limited.port) as raw:
        await raw.send(CHUNKED + b"authorization: Bearer " + token + b"\r\n\r\n0\r\n")
        answered = asyncio.create_task(raw.head())
        for _ in range(40):
            await raw.send(b"x-trailer: " + b"y" * 1_000 + b"\r\n")
        assert (await answered)[0] == 413


async def test_a_body_announced_as_too_large_is_refused_by_its_head(limited: Limited) -> None:
    async with connection(limited.port) as raw:
        await raw.send(
            b"POST /v1/shows HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9000000\r\n\r\n"
        )
        status, head = await raw.head()
        assert status == 413
        assert b"connection: close" in head.lower()


async def test_json_has_a_bound_of_its_own(limited: Limited) -> None:
    async with limited.http("cleo", "creator") as http:
        answered = await http.post("/v1/shows", content=b" " * 30_000)
        assert answered.status_code == 413
        assert answered.json()["error"]["code"] == "too_large"


async def test_a_body_that_nobody_wants_is_not_read_for_ever(limited: Limited) -> None:
    async with connection(limited.port) as raw:
        await raw.send(b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 8000000\r\n\r\n")
        assert (await raw.head())[0] == 401
        for _ in range(100):
            await raw.send(b"x" * 65_536)
        await raw.ended()
    # A small one is, so that the connection goes on.
    async with connection(limited.port) as raw:
        await raw.send(b"POST /v1/shows HTTP/1.1\r\nhost: x\r\ncontent-length: 8000\r\n\r\n")
        assert await answer(raw) == 401
        await raw.send(b"x" * 8_000 + HEALTH)
        assert await answer(raw) == 200


async def test_many_who_expect_to_be_told_to_continue_cost_no_more_than_others(limited: Limited) -> None:
    head = b"POST /v1/shows HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}"
    async with connection(limited.port) as raw:
        await raw.send(head * 100)
        assert [await answer(raw) for _ in range(100)] == [401] * 100


async def test_live_sockets_are_not_http_connections(limited: Limited) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(80):
            await stack.enter_async_context(live(limited.port, hello={}))
        await serves(limited.port)
