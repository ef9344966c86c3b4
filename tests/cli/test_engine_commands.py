"""`import`, `shows` and `audit`: commands of one shot on a data directory, each with an engine for its time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from dropcast.cli import main
from dropcast.domain.catalogue import Product
from dropcast.domain.trades import Granted
from dropcast.settings import Settings
from dropcast.store.connection import ask
from dropcast.supervisor import Engine, open_engine
from tests.support.engine import HOLDS_PER_VIEWER_MAX, Stall, pay, reserve, sell
from tests.support.house import CATALOGUE
from tests.support.keys import keys

SAMPLES = Path(__file__).parents[3] / "shared" / "data"


def run(data_dir: Path, *arguments: object, stdin: bytes | None = None) -> Result:
    command, *rest = (str(argument) for argument in arguments)
    return CliRunner().invoke(main, [command, "--data-dir", str(data_dir), *rest], input=stdin)


def with_engine(data_dir: Path, act: Callable[[Engine], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with open_engine(Settings(data_dir=str(data_dir))) as engine:
            await act(engine)

    asyncio.run(opened())


def products_in(data_dir: Path) -> list[Product]:
    found: list[Product] = []

    async def read(engine: Engine) -> None:
        found.extend(await engine.products.list("", 1_000))

    with_engine(data_dir, read)
    return found


def play(data_dir: Path) -> None:
    """A show with one drop of three units: one sold, one held, one free."""

    async def trade(engine: Engine) -> None:
        stall = await Stall(engine.client).open()
        await stall.trade(reserve("h1", "ana"), pay("h1", "ana"), sell("h1", "ana"), reserve("h2", "ben"))

    with_engine(data_dir, trade)


# import --------------------------------------------------------------------------------------------------------


def test_import_stores_products_and_sums_up(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_bytes(CATALOGUE)
    done = run(tmp_path / "data", "import", export, "--currency", "EUR")
    assert (done.exit_code, done.stdout) == (0, "Imported 2 products with 3 variants, 0 warnings.\n"), (
        done.stderr
    )
    assert [product.handle for product in products_in(tmp_path / "data")] == ["mug", "scarf"]


def test_import_reads_stdin_and_warns_on_stderr(tmp_path: Path) -> None:
    export = b"Handle,Title,Variant Inventory Qty,Variant Price\nmug,Mug,-1,5.00\n"
    done = run(tmp_path, "import", "-", "--currency", "EUR", stdin=export)
    assert done.exit_code == 0, done.stderr
    assert "Warning: line 2" in done.stderr
    assert done.stdout == "Imported 1 product with 1 variant, 2 warnings.\n"


def test_a_wrong_price_is_told_by_line_and_column_and_nothing_is_changed(tmp_path: Path) -> None:
    export = CATALOGUE + b"cap,Cap,,,,CAP,1,cheap\n"
    done = run(tmp_path, "import", "-", "--currency", "EUR", stdin=export)
    assert done.exit_code == 1
    assert "line 5" in done.stderr
    assert "Variant Price" in done.stderr
    assert done.stdout == ""
    assert products_in(tmp_path) == []


def test_import_wants_a_currency_and_a_file_that_is_there(tmp_path: Path) -> None:
    assert run(tmp_path, "import", "-", stdin=CATALOGUE).exit_code == 2
    assert run(tmp_path, "import", tmp_path / "missing.csv", "--currency", "EUR").exit_code == 2
    assert run(tmp_path, "import", "-", "--currency", "euro", stdin=CATALOGUE).exit_code == 1


@pytest.mark.parametrize("name", ["shopify-apparel.csv", "shopify-jewelry.csv"])
def test_import_takes_real_exports(name: str, tmp_path: Path) -> None:
    if not SAMPLES.exists():
        pytest.skip("the samples are not here")
    done = run(tmp_path, "import", SAMPLES / name, "--currency", "EUR")
    assert done.exit_code == 0, done.stderr
    assert len(products_in(tmp_path)) > 10


# shows ---------------------------------------------------------------------------------------------------------


def test_shows_says_so_when_there_are_none(tmp_path: Path) -> None:
    assert run(tmp_path, "shows").stdout == "There are no shows yet.\n"
    assert run(tmp_path, "shows", "--json").stdout == "[]\n"


def test_shows_tells_where_the_units_stand(tmp_path: Path) -> None:
    play(tmp_path)
    table = run(tmp_path, "shows")
    assert table.exit_code == 0, table.stderr
    assert "friday" in table.stdout
    (line,) = msgspec.json.decode(run(tmp_path, "shows", "--json").stdout)
    assert line["show"]["id"] == "friday"
    assert line["show"]["status"] == "live"
    counts = {name: line[name] for name in ("drops", "free", "held", "sold", "orders")}
    assert counts == {"drops": 1, "free": 1, "held": 1, "sold": 1, "orders": 1}


# audit ---------------------------------------------------------------------------------------------------------


def test_audit_says_ok_when_the_books_are_right(tmp_path: Path) -> None:
    play(tmp_path)
    done = run(tmp_path, "audit")
    assert (done.exit_code, done.stdout) == (0, "ok\n"), done.stderr
    found = msgspec.json.decode(run(tmp_path, "audit", "--show", "friday", "--json").stdout)
    assert found["audit"] == "ok"
    assert found["shows"][0]["totals"] == {"allocated": 3, "free": 1, "held": 1, "sold": 1, "oversold": 0}


def test_audit_tells_each_problem_and_its_show(tmp_path: Path) -> None:
    play(tmp_path)

    async def tamper(engine: Engine) -> None:
        await ask(engine.client, "HINCRBY", keys.of_show("friday", "units"), "f:d1:RED", 1)

    with_engine(tmp_path, tamper)
    done = run(tmp_path, "audit")
    assert done.exit_code == 1
    assert "show friday: drop d1, SKU RED:" in done.stdout
    as_json = run(tmp_path, "audit", "--json")
    assert as_json.exit_code == 1
    assert msgspec.json.decode(as_json.stdout)["audit"] != "ok"


def test_audit_reads_logs_of_many_pages(tmp_path: Path) -> None:
    async def trade(engine: Engine) -> None:
        stall = await Stall(engine.client).open({"RED": 2_000})
        for number in range(1_100):
            (outcome,) = await engine.shows.trade(
                stall.show, [reserve(f"h{number}", f"v{number}")], HOLDS_PER_VIEWER_MAX
            )
            assert isinstance(outcome, Granted)

    with_engine(tmp_path, trade)
    done = run(tmp_path, "audit", "--json")
    assert msgspec.json.decode(done.stdout)["shows"][0]["totals"]["held"] == 1_100
    assert done.exit_code == 0


def test_audit_of_an_unknown_show_is_an_error(tmp_path: Path) -> None:
    done = run(tmp_path, "audit", "--show", "nobody")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
