"""What counting costs: `python -m tests.metrics.cost` runs the room and the desk with their hooks and without.

The modules are loaded twice, the second time with every statement taken out that begins with `counts.`. Prints one
JSON line: CPU nanoseconds per delivery and per trade, the smallest of several runs, beside what they are part of.
"""

import ast
import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import uvloop

from dropcast.domain.hold import Hold, HoldState
from dropcast.domain.trades import Granted, Outcome, Reserve, Trade

MEMBERS = 2_000
MESSAGES = 50
TRADES = 20_000
RUNS = 15
DELIVERY_NS = 11_000
"""Server CPU of one delivery of 200 bytes by a real socket, as measured before the project began."""

_HOLD = Hold(
    id="h", viewer="ana", drop="d", sku="RED", qty=1, state=HoldState.HELD, expires_at_ms=1, price_minor=1
)


class _Strip(ast.NodeTransformer):
    """Takes out statements that count."""

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | None:
        return None if _root(node.target) == "counts" else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Call) and _root(node.value.func) == "counts" else node


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def load(name: str, *, counting: bool) -> Any:
    """Return a fresh copy of a module, compiled the same way with hooks and without."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    if not counting:
        tree = ast.fix_missing_locations(_Strip().visit(tree))
    module = ModuleType(name)
    exec(compile(tree, spec.origin, "exec"), module.__dict__)
    return module


class _Member:
    """A socket whose kernel costs nothing, so that the loop around it is what is measured."""

    codec_index = 0
    is_open = True
    descriptor = -1
    write = deque[bytes](maxlen=0).append


async def fan_out(module: Any) -> float:
    """Return CPU nanoseconds per delivery."""
    room = module.Room(slice_sockets=256)
    for _ in range(MEMBERS):
        room.join(_Member(), "")
    began_s = time.process_time()
    for _ in range(MESSAGES):
        room.send((b"x" * 200, b"x" * 200))
        while room.is_writing:  # noqa: ASYNC110 - each turn of the loop writes one slice
            await asyncio.sleep(0)
    return (time.process_time() - began_s) * 1e9 / (MEMBERS * MESSAGES)


class _Engine:
    async def trade(self, show: str, trades: Sequence[Trade], holds_per_viewer_max: int) -> list[Outcome]:
        await asyncio.sleep(0)
        return [Granted(_HOLD, 1) for _ in trades]

    settle = trade


async def trade(module: Any) -> float:
    """Return CPU nanoseconds per trade through the desk alone."""
    desk = module.Desk(_Engine(), holds_per_viewer_max=1)
    reserve = Reserve(hold="h", viewer="ana", drop="d", sku="RED", qty=1)
    began_s = time.process_time()
    for _ in range(TRADES):
        desk.submit("friday", reserve, _nothing)
    await desk.close()
    return (time.process_time() - began_s) * 1e9 / TRADES


def _nothing(outcome: object) -> None:
    pass


def compare(name: str, measure: Callable[[Any], Awaitable[float]]) -> dict[str, float]:
    counting, bare = load(name, counting=True), load(name, counting=False)
    found: dict[str, list[float]] = {"with": [], "without": []}

    async def run(module: Any) -> float:
        return await measure(module)

    # In turn, so that what else the machine does hits both alike.
    for _ in range(RUNS):
        found["with"].append(uvloop.run(run(counting)))
        found["without"].append(uvloop.run(run(bare)))
    least = {name: round(min(figures), 1) for name, figures in found.items()}
    return {**least, "added": round(least["with"] - least["without"], 1)}


def main() -> None:
    delivery, traded = compare("dropcast.hub.room", fan_out), compare("dropcast.store.desk", trade)
    share = round(100 * delivery["added"] / DELIVERY_NS, 2)
    print(json.dumps({"delivery_ns": delivery, "delivery_added_percent": share, "trade_ns": traded}))


if __name__ == "__main__":
    main()
