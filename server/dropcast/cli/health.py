"""`dropcast health`: asks the running server how it is, for the health check of a container or of a service manager.

It is run every few seconds, so this module imports little: a plain socket is enough for one request.
"""

import socket
import time

import click
import msgspec

from dropcast.cli.options import settings_command
from dropcast.host_addresses import Address, addresses_of
from dropcast.settings import Settings, SettingsError

_ANSWER_BYTES_MAX = 65_536
_LIVE = "/healthz"
_READY = "/readyz"


class _Told(msgspec.Struct):
    """What of an answer matters here."""

    status: str = ""
    reason: str = ""


@settings_command("health", ("host", "port"))
@click.option("--live", is_flag=True, help="Ask only whether a worker answers, not whether the engine does.")
@click.option(
    "--timeout-s",
    type=click.FloatRange(0.1, 60),
    default=4.0,
    show_default=True,
    help="Seconds to wait for the answer.",
)
def health(settings: Settings, live: bool, timeout_s: float) -> None:
    """Ask the server on this machine whether it is ready, and print the answer in one line.

    It looks where a server with the same settings listens. The exit status is 0 when the server is ready, and 1 when
    it is not or does not answer.
    """
    if settings.port == 0:
        raise SettingsError("port=0 takes a free port, which is not known here: give --port")
    path = _LIVE if live else _READY
    deadline_s = time.monotonic() + timeout_s
    trouble = ""
    for address in _addresses(settings):
        try:
            status, told = _ask(address, path, deadline_s)
        except (OSError, ValueError) as error:
            trouble = (
                trouble or f"{address.url}{path} does not answer: {getattr(error, 'strerror', None) or error}"
            )
            continue
        if status != 200:
            why = f", {told.status}: {told.reason}" if told.status else ""
            raise click.ClickException(f"{address.url}{path} answers {status}{why}")
        click.echo(f"{told.status}: {address.url}{path}")
        return
    raise click.ClickException(trouble)


def _addresses(settings: Settings) -> list[Address]:
    try:
        return [address.from_here() for address in addresses_of(settings.host, settings.port)]
    except OSError as error:
        raise SettingsError(f"host={settings.host}: {error.strerror}") from error


def _ask(address: Address, path: str, deadline_s: float) -> tuple[int, _Told]:
    """Return status and answer. Raises OSError or ValueError when there is none, or none of a server of ours."""
    with socket.socket(address.family, socket.SOCK_STREAM) as connection:
        connection.settimeout(_left_s(deadline_s))
        connection.connect(address.name)
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        answer = b""
        while len(answer) < _ANSWER_BYTES_MAX:
            connection.settimeout(_left_s(deadline_s))
            received = connection.recv(_ANSWER_BYTES_MAX)
            if not received:
                break
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if len(words) < 3 or not words[0].startswith(b"HTTP/"):
        raise ValueError("what listens there is no server of dropcast")
    return int(words[1]), _told(body)


def _told(body: bytes) -> _Told:
    try:
        return msgspec.json.decode(body, type=_Told)
    except msgspec.MsgspecError as error:
        raise ValueError("what listens there is no server of dropcast") from error


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("it took too long")
    return left_s
