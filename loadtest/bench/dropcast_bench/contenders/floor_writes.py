"""The floor of a fan-out: one `os.write` of one prebuilt frame to each socket, triggered by a control connection.

Who says GET is answered the handshake and is a viewer; who says PUBLISH has each message, of fixed size, written to
all of them. There is nothing here that could be left out, and a viewer who stops reading would stop everyone.
"""

import base64
import hashlib
import os
import select
import socket
import sys

from dropcast_bench.announcements import PAYLOAD_BYTES
from dropcast_bench.frames import HEAD_END, TEXT

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(f"listening on 127.0.0.1:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    poll = select.epoll()
    poll.register(listening.fileno(), select.EPOLLIN)
    sockets: dict[int, socket.socket] = {}
    viewers: dict[int, None] = {}
    while True:
        for fd, _ in poll.poll():
            if fd == listening.fileno():
                sock, _ = listening.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sockets[sock.fileno()] = sock
                poll.register(sock.fileno(), select.EPOLLIN)
                continue
            try:
                data = sockets[fd].recv(4096)
            except ConnectionError:
                data = b""
            if not data:
                poll.unregister(fd)
                viewers.pop(fd, None)
                sockets.pop(fd).close()
            elif data.startswith(b"GET "):
                sockets[fd].send(_accept(data))
                viewers[fd] = None
            elif data.startswith(b"PUBLISH"):
                sockets[fd].send(b"ok")
            elif fd not in viewers:
                _publish(data, viewers)


def _publish(data: bytes, viewers: dict[int, None]) -> None:
    for start in range(0, len(data), PAYLOAD_BYTES):
        payload = data[start : start + PAYLOAD_BYTES]
        frame = bytes((TEXT, 126)) + len(payload).to_bytes(2, "big") + payload
        for fd in viewers:
            os.write(fd, frame)


def _accept(request: bytes) -> bytes:
    key = request.lower().partition(b"sec-websocket-key:")[0]
    key = request[len(key) + len(b"sec-websocket-key:") :].split(b"\r\n", 1)[0].strip()
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return head + b"Sec-WebSocket-Accept: " + accept + HEAD_END


if __name__ == "__main__":
    main()
