"""socketify (uWebSockets): viewers subscribe to a topic, and the server publishes to it.

Its `run`, as its pages tell, polls without a rest for a while after each event, which costs more than the deliveries.
With the argument "waits" it is driven without: what the C of uWebSockets costs by itself.
"""

import sys
from typing import Any

from socketify import App, AppListenOptions, OpCode

app = App()


def tell(config: AppListenOptions) -> None:
    print(f"listening on 127.0.0.1:{config.port}", file=sys.stderr, flush=True)


def publish(ws: Any, message: str, opcode: OpCode) -> None:
    app.publish("show", message, OpCode.TEXT)


if __name__ == "__main__":
    # Without a compression there is none; an idle timeout of 0 never ends anybody, and sends no pings.
    app.ws("/publish", {"idle_timeout": 0, "message": publish})
    app.ws("/*", {"idle_timeout": 0, "open": lambda ws: ws.subscribe("show")})
    app.listen(AppListenOptions(port=0, host="127.0.0.1"), tell)
    if "waits" in sys.argv:
        # Nothing here needs asyncio, so libuv may wait for the next event.
        while True:
            app.loop.uv_loop.run_once()
    else:
        app.run()
