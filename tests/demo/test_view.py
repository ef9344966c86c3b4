"""The view fits its terminal, and says of each drop what is left of it."""

import io

import pytest
from rich.console import Console, RenderableType

from dropcast.demo.closing import render_summary
from dropcast.demo.scene import DropCard, Scene, make_scene
from dropcast.demo.screen import LiveScreen, PlainScreen, in_words
from dropcast.demo.verdict import judge
from dropcast.demo.view import render, sparkline, stock_bar
from dropcast.domain.drop import DropStatus, Units
from dropcast.domain.show import ShowStatus
from tests.demo.stage import RECEIPT, a_tally, drop, evidence, snapshot


def card(title: str = "Mug", *, free: int = 0, held: int = 0, sold: int = 0, open: bool = True) -> DropCard:
    return DropCard(title=title, price="12.50 EUR", free=free, held=held, sold=sold, open=open)


def scene(*cards: DropCard) -> Scene:
    return Scene(
        title="Friday",
        status=ShowStatus.LIVE,
        elapsed_s=65.4,
        seconds=120,
        viewers=1_234,
        cards=cards,
        holds=5,
        orders=6,
        revenue="75.00 EUR",
        refused=7,
        delivered_by_second=(0, 10, 20),
        fanout_p50_ms=1.5,
        fanout_p99_ms=9.0,
        caption="Pinned Mug: 3 units, 1 a buyer at most.",
    )


def printed(view: RenderableType, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(view)
    return capture.get()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 16), (160, 30)])
def test_it_fits_the_terminal_with_many_drops_of_long_names(width: int, height: int) -> None:
    many = scene(*(card(f"A product with a rather long name, number {n}", free=n) for n in range(30)))
    lines = printed(render(many, width, height), width).splitlines()
    assert len(lines) < height
    assert all(len(line) <= width for line in lines)
    assert any(" more" in line for line in lines)


def test_a_drop_is_sold_out_all_held_closed_or_has_units_left() -> None:
    text = printed(
        render(
            scene(card(sold=9), card(held=2, sold=1), card(free=4, sold=3), card(sold=8, open=False)), 100, 30
        )
    )
    assert "SOLD OUT" in text
    assert "ALL HELD" in text
    assert "4 left, 3 sold" in text
    assert "closed, 8 sold" in text
    assert "01:05 / 02:00" in text


@pytest.mark.parametrize(
    ("free", "held", "sold", "bar"),
    [
        (10, 0, 0, "░░░░░░░░░░"),
        (0, 0, 10, "██████████"),
        (5, 2, 3, "█████░░░░░"),
        (1, 0, 999, "█████████░"),
        (1, 1, 998, "█████████░"),
        (999, 0, 1, "█░░░░░░░░░"),
    ],
)
def test_the_bar_is_full_width_and_shows_the_last_unit(free: int, held: int, sold: int, bar: str) -> None:
    assert stock_bar(card(free=free, held=held, sold=sold), 10).plain == bar


def test_a_sparkline_grows_with_its_values() -> None:
    assert sparkline([0, 1, 50, 100]) == " ▁▄█"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""


def test_the_scene_adds_up_the_units_of_each_drop_and_shows_the_newest_first() -> None:
    old = drop("mug", {"MUG": 1_250}, status=DropStatus.CLOSED)
    new = drop("scarf", {"RED": 2_900, "BLUE": 2_500})
    units = [
        Units("mug", "MUG", 0, 0, 1, 1),
        Units("scarf", "RED", 1, 2, 0, 3),
        Units("scarf", "BLUE", 0, 1, 4, 5),
    ]
    made = make_scene(
        snapshot([old, new], units), a_tally(RECEIPT), viewers=3, elapsed_s=1, seconds=2, caption=""
    )
    scarf = next(card for card in made.cards if card.title == "Scarf")
    assert (scarf.free, scarf.held, scarf.sold, scarf.price, scarf.open) == (1, 3, 4, "from 25.00 EUR", True)
    mug = next(card for card in made.cards if card.title == "Mug")
    assert (mug.price, mug.open) == ("12.50 EUR", False)
    assert made.revenue == "10.00 EUR"


def test_without_a_terminal_there_is_a_line_for_what_happens_and_one_for_how_things_stand() -> None:
    stream = io.StringIO()
    with PlainScreen(stream) as screen:
        screen.say("On air.")
        screen.draw(scene(card(free=3)))
        screen.draw(scene(card(free=2)))
    lines = stream.getvalue().splitlines()
    assert lines == ["On air.", in_words(scene(card(free=3)))], "the second scene came within the same second"
    assert "1 open drops, 0 sold out" in lines[1]


def test_in_a_terminal_what_happens_has_its_line_in_the_view() -> None:
    console = Console(width=80, height=24, file=io.StringIO(), force_terminal=True, color_system=None)
    with console.capture() as capture, LiveScreen(console) as screen:
        screen.say("Starting ...")
        screen.draw(scene(card(free=3)))
        screen.say("told by the next scene")
    text = capture.get()
    assert "Starting ..." in text
    assert "3 left, 0 sold" in text
    assert "told by the next scene" not in text


def test_the_closing_panel_says_what_failed() -> None:
    assert "audit ok" in printed(render_summary(judge(evidence())))
    failed = printed(render_summary(judge(evidence(books=["free is -1"]))))
    assert "audit failed: free is -1" in failed
