"""schemathesis asks the HTTP API whatever its document allows and forbids: every answer is what the document says.

Three rounds against a whole server: without a token, as an operator, and as an operator with the ids of things that
are there, so that requests come past the first check. No answer is a 5xx, no worker dies or logs a traceback, and
the books are right afterwards.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from dropcast.cli.audit import audit_show
from dropcast.cli.shows import all_shows
from dropcast.settings import Settings
from dropcast.specs import openapi
from dropcast.store.connection import connect
from dropcast.store.shows import Shows
from dropcast.supervisor import Running
from tests.proofs.proof import Verdict
from tests.proofs.stage import folder
from tests.support.house import House
from tests.support.keys import keys
from tests.support.server import SECRET

EXAMPLES_FULL = 100
EXAMPLES_SMALL = 20
DEADLINE_S = 900.0
_SHOWN_CHARS = 600
_TOLD_CHARS = 6_000
_WORKERS = 2

_UNSAYABLE = "positive_data_acceptance"
"""A check that is left out: no schema says that an export must parse, or that an update changes something."""


class Round(NamedTuple):
    name: str
    document: dict[str, Any]
    token: str | None


async def prove(seed: int, *, full: bool) -> Verdict:
    examples = EXAMPLES_FULL if full else EXAMPLES_SMALL
    figures: dict[str, Any] = {"examples_per_operation": examples}
    problems: list[str] = []
    async with folder() as data_dir:
        with tempfile.TemporaryFile() as log:
            settings = Settings(port=0, data_dir=str(data_dir), workers=_WORKERS, jwt_secret=SECRET)
            async with Running(settings, say=problems.append, log=log) as running:
                house = House(running.settings, running.port, SECRET)
                await house.import_catalogue()
                before = dict(running.pids)
                for fuzz in await _rounds(house):
                    asked, wrong = await _fuzz(house, data_dir, fuzz, seed, examples)
                    figures[f"{fuzz.name}_requests"] = asked
                    problems += [f"{fuzz.name}: {problem}" for problem in wrong]
                if running.pids != before:
                    problems.append(f"processes died: there were {before}, now there are {running.pids}")
                figures["shows"], wrong = await _audit(running.engine_url)
                problems += wrong
            problems += _tracebacks(log)
    return Verdict(figures=figures, problems=problems)


async def _rounds(house: House) -> Sequence[Round]:
    document = openapi.document()
    operator = house.token("olga", "operator")
    return (
        Round("anonymous", document, None),
        Round("operator", document, operator),
        Round("at_home", await _at_home(house, document), operator),
    )


async def _fuzz(house: House, data_dir: Path, fuzz: Round, seed: int, examples: int) -> tuple[int, list[str]]:
    """Run schemathesis in a process of its own; return how much it asked, and what it found wrong."""
    described, report = data_dir / f"{fuzz.name}.json", data_dir / f"{fuzz.name}.report.json"
    described.write_bytes(msgspec.json.encode(fuzz.document))
    options = {
        "--url": f"http://127.0.0.1:{house.port}",
        "--seed": seed,
        "--max-examples": examples,
        "--exclude-checks": _UNSAYABLE,
        "--report": "json",
        "--report-json-path": report,
        **({"--header": f"Authorization: Bearer {fuzz.token}"} if fuzz.token is not None else {}),
    }
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
    command += [str(part) for option in options.items() for part in option]
    command += ["--no-shrink", "--continue-on-failure", str(described)]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=data_dir, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            told, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return 0, [f"schemathesis took longer than {DEADLINE_S:.0f} s"]
    if not report.exists():
        return 0, [f"schemathesis told nothing, status {process.returncode}: {told.decode()[-_SHOWN_CHARS:]}"]
    asked, problems = _judge(msgspec.json.decode(report.read_bytes()))
    if problems:
        # How to ask the same again stands in what it prints alone.
        problems.append(told.decode().partition("= FAILURES =")[2][:_TOLD_CHARS])
    return asked, problems


def _judge(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Return how many requests a report tells of, and each failure and error in it."""
    problems = [
        msgspec.json.encode(found).decode()[:_SHOWN_CHARS]
        for found in (*report["failures"], *report["errors"])
    ]
    if report["exit_code"] != 0 and not problems:
        problems.append(f"schemathesis ended with status {report['exit_code']}")
    if not report["complete"] or report["operations"]["tested"] != report["operations"]["total"]:
        problems.append(f"not all was asked: {report['operations']}, {report['stop_reason']}")
    return report["test_cases"]["generated"], problems


async def _at_home(house: House, document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the ids, the handles and the SKUs of what is there, instead of any."""
    show, ending = await house.live_show(), await house.live_show()
    changed, closing = [await house.drop(show, {"SCARF-RED": 20, "SCARF-BLUE": 10}) for _ in range(2)]
    narrowed: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    for path, methods in narrowed["paths"].items():
        ids = {
            "show": ending if path.endswith("/end") else show,
            "drop": closing if path.endswith("/unpin") else changed,
            "handle": "scarf",
        }
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path":
                    parameter["schema"] = {"type": "string", "enum": [ids[parameter["name"]]]}
    pin = narrowed["components"]["schemas"]["PinBody"]["properties"]
    update = narrowed["components"]["schemas"]["UpdateBody"]["properties"]
    pin["product"] = {"type": "string", "enum": ["scarf"]}
    for by_sku in (pin["units"], pin["prices"], update["add_units"], update["prices"]):
        by_sku["propertyNames"] = {"enum": ["SCARF-RED", "SCARF-BLUE"]}
    return narrowed


async def _audit(engine_url: str) -> tuple[int, list[str]]:
    """Recount the books of all shows; return how many there are, and what is wrong with them."""
    client = connect(engine_url)
    try:
        store = Shows(client, keys)
        found = [await audit_show(store, show.id) for show in await all_shows(store)]
    finally:
        await client.aclose()
    return len(found), [
        f"show {finding.show}: {problem}" for finding in found for problem in finding.problems
    ]


def _tracebacks(log: IO[bytes]) -> list[str]:
    log.seek(0)
    text = log.read().decode(errors="replace")
    return [text[text.index("Traceback") :][:_SHOWN_CHARS]] if "Traceback" in text else []
