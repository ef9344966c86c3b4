"""nats-server with a websocket listener beside its TCP port, both on free ports. This process becomes it."""

import os
import sys

from dropcast_bench.installed import command

_CONFIG = b"""
host: 127.0.0.1
port: -1
max_connections: 100000
websocket {
  host: 127.0.0.1
  port: -1
  no_tls: true
  compression: false
}
"""

if __name__ == "__main__":
    path = command("nats-server")
    if path is None:
        sys.exit("nats-server is not installed")
    # It wants a file; one in memory leaves nothing behind.
    config = os.memfd_create("nats.conf", 0)
    os.write(config, _CONFIG)
    os.execv(path, [path, "-c", f"/proc/self/fd/{config}"])
