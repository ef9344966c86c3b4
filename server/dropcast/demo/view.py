"""The scene as rich shows it: a pure function from a scene and a size to something printable."""

from collections.abc import Sequence

from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dropcast.demo.scene import DropCard, Scene
from dropcast.domain.show import ShowStatus

_SPARKS = " ▁▂▃▄▅▆▇█"
_SPARK_CHARS = 20
_CHROME_LINES = 11
"""Lines of the terminal that are not drops."""
_STATUS = {
    ShowStatus.SCHEDULED: Text("◌ DOORS OPEN", "bold yellow"),
    ShowStatus.LIVE: Text("● LIVE", "bold red"),
    ShowStatus.ENDED: Text("■ ENDED", "bold dim"),
}


def render(scene: Scene, width: int, height: int) -> RenderableType:
    """Return the whole view, no taller than `height` lines where that is possible."""
    return Group(
        _header(scene), _drops(scene, width, height - _CHROME_LINES), _figures(scene), _caption(scene)
    )


def _header(scene: Scene) -> RenderableType:
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column()
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    line.add_column(justify="right")
    clock = Text(f"{_clock(scene.elapsed_s)} / {_clock(scene.seconds)}", "cyan")
    line.add_row(_STATUS[scene.status], Text(scene.title, "bold"), clock)
    return Panel(line, box=ROUNDED, border_style="magenta", padding=(0, 1))


def _drops(scene: Scene, width: int, lines: int) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, min_width=20)
    bar_chars = max(12, min(40, width // 5))
    shown = scene.cards if len(scene.cards) <= lines else scene.cards[: max(1, lines - 1)]
    for number, card in enumerate(shown):
        newest = number == 0 and card.open and scene.status is ShowStatus.LIVE
        table.add_row(*_row(card, bar_chars, newest))
    if len(shown) < len(scene.cards):
        table.add_row(Text(f"  +{len(scene.cards) - len(shown)} more", "dim"))
    if not scene.cards:
        table.add_row(Text("Nothing is pinned yet.", "dim"))
    return Panel(table, box=ROUNDED, title=_legend(), title_align="left", border_style="blue", padding=(0, 1))


def _legend() -> Text:
    return Text.assemble(
        ("drops  ", "bold"), ("█", "green"), " sold ", ("█", "yellow"), " held ", ("░", "cyan"), " left"
    )


def _row(card: DropCard, bar_chars: int, newest: bool) -> Sequence[Text]:
    style = "bold" if newest else ("" if card.open else "dim")
    title = Text.assemble(("▸ " if newest else "  ", "bold magenta"), (card.title, style))
    return title, Text(card.price, style), stock_bar(card, bar_chars), _standing(card)


def stock_bar(card: DropCard, chars: int) -> Text:
    """Return sold, held and free units as one bar. Whatever there is at all gets at least one character."""
    total = card.sold + card.held + card.free
    sold, held = _share(card.sold, total, chars), _share(card.held, total, chars)
    free = _share(card.free, total, chars)
    while sold + held + free > chars:
        # Rounding up small shares is paid for by the largest.
        if sold >= max(held, free):
            sold -= 1
        elif held >= free:
            held -= 1
        else:
            free -= 1
    free = chars - sold - held if card.free else 0
    sold = chars - held - free if card.sold else sold
    return Text.assemble(
        ("█" * sold, "green"), ("█" * held, "yellow"), ("░" * free, _colour_of_what_is_left(card))
    )


def _share(units: int, total: int, chars: int) -> int:
    return max(1, round(units * chars / total)) if units else 0


def _colour_of_what_is_left(card: DropCard) -> str:
    total = card.sold + card.held + card.free
    if card.free * 2 > total:
        return "cyan"
    return "yellow" if card.free * 5 > total else "red"


def _standing(card: DropCard) -> Text:
    if not card.open:
        return Text(f"closed, {card.sold} sold", "dim")
    if card.sold_out and card.held:
        return Text.assemble((" ALL HELD ", "bold black on yellow"), f" {card.sold} sold")
    if card.sold_out:
        return Text.assemble((" SOLD OUT ", "bold white on red"), f" {card.sold} sold")
    return Text.assemble(
        (f"{card.free} left", f"bold {_colour_of_what_is_left(card)}"), f", {card.sold} sold"
    )


def _figures(scene: Scene) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 1))
    for _ in range(4):
        grid.add_column(ratio=1, no_wrap=True)
    grid.add_row(
        _figure("viewers", f"{scene.viewers:,}"),
        _figure("holds", f"{scene.holds:,}"),
        _figure("orders", f"{scene.orders:,}"),
        _figure("too late", f"{scene.refused:,}"),
    )
    rates = scene.delivered_by_second
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(ratio=1, no_wrap=True)
    line.add_column(justify="right", no_wrap=True)
    line.add_row(
        _figure("deliveries/s", f"{rates[-1] if rates else 0:,}"),
        Text(sparkline(rates[-_SPARK_CHARS:]), "green"),
        _figure("fan-out", f"p50 {scene.fanout_p50_ms:g} ms, p99 {scene.fanout_p99_ms:g} ms"),
    )
    body = Group(grid, line)
    return Panel(body, box=ROUNDED, border_style="blue", padding=(0, 1))


def _figure(name: str, value: str) -> Text:
    return Text.assemble((f"{name} ", "dim"), (value, "bold"))


def sparkline(values: Sequence[int]) -> str:
    """Return one character for each value, its height relative to the largest."""
    most = max(values, default=0) or 1
    return "".join(_SPARKS[-(-value * (len(_SPARKS) - 1) // most)] for value in values)


def _caption(scene: Scene) -> RenderableType:
    return Text(f" {scene.caption}", "italic", no_wrap=True, overflow="ellipsis")


def _clock(seconds: float) -> str:
    whole = int(max(0.0, seconds))
    return f"{whole // 60:02}:{whole % 60:02}"
