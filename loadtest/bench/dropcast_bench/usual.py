"""How a buyer comes to the usual way's server for reserves (contenders/usual_reserve.py)."""

from dropcast_bench import frames
from dropcast_bench.lines import Talk


def joins(port: int, viewer: str) -> Talk:
    """Connect; the viewer is known by the path, and watches nothing."""
    data = yield frames.handshake(f"/live?viewer={viewer}", port)
    while frames.HEAD_END not in data:
        data += yield b""
