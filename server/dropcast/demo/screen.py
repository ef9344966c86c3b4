"""Where the demo is seen: a live view in a terminal, or plain lines of progress anywhere else."""

import time
from contextlib import AbstractContextManager
from typing import IO, Protocol

import click
from rich.console import Console
from rich.live import Live

from dropcast.demo.scene import Scene
from dropcast.demo.view import render

_LINE_EVERY_S = 1.0


class Screen(Protocol):
    def say(self, text: str) -> None:
        """Tell of something that happened once."""

    def draw(self, scene: Scene) -> None:
        """Show the scene of now."""


class LiveScreen(AbstractContextManager["LiveScreen"]):
    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._drawn = False

    def __enter__(self) -> "LiveScreen":
        self._live.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        # While the view stands it has a line of its own for this.
        if not self._drawn:
            self._console.print(text, style="dim", highlight=False, markup=False)

    def draw(self, scene: Scene) -> None:
        self._drawn = True
        width, height = self._console.size
        self._live.update(render(scene, width, height), refresh=True)


class PlainScreen(AbstractContextManager["PlainScreen"]):
    """One line for what happens, and one a second for how things stand."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._next_at_s = 0.0
        self._last = ""

    def __exit__(self, *exc_info: object) -> None:
        pass

    def say(self, text: str) -> None:
        click.echo(text, file=self._stream)

    def draw(self, scene: Scene) -> None:
        now_s = time.monotonic()
        line = in_words(scene)
        if now_s >= self._next_at_s and line != self._last:
            self._next_at_s = now_s + _LINE_EVERY_S
            self._last = line
            click.echo(line, file=self._stream)


def in_words(scene: Scene) -> str:
    """Return the scene in one line."""
    opened = [card for card in scene.cards if card.open]
    rate = scene.delivered_by_second[-1] if scene.delivered_by_second else 0
    return (
        f"{scene.elapsed_s:5.1f} s  {scene.status.value}: {scene.viewers} viewers, "
        f"{len(opened)} open drops, {sum(card.sold_out for card in opened)} sold out, "
        f"{scene.holds} holds, {scene.orders} orders, "
        f"{scene.refused} refused, {rate:,} deliveries/s, "
        f"fan-out p50 {scene.fanout_p50_ms:g} ms p99 {scene.fanout_p99_ms:g} ms"
    )
