"""picows: its listener callbacks and `send` to each viewer's transport, on uvloop."""

import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

viewers: set[WSTransport] = set()


class Viewer(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        viewers.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        viewers.discard(transport)


class Publisher(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            for viewer in viewers:
                viewer.send(WSMsgType.TEXT, payload)


def listen(request: WSUpgradeRequest) -> WSListener:
    return Publisher() if request.path == b"/publish" else Viewer()


async def main() -> None:
    server = await ws_create_server(listen, "127.0.0.1", 0, backlog=4096)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
