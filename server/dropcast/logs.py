"""Logging: one line per record on stderr, as text or as JSON, with the ids of what it is about and never a token.

`configure` is called once by each process. A task that runs for one request says so by `about`, and every record from
there on carries its ids; a call that knows better gives `extra={"hold": ...}`, and a message that begins with
`show %s` is about that show. Both formats are made here and
redacted last, so that nothing that a caller formats or raises can carry a secret out. Lines are made by the caller and
written by a thread (log_writer.py), so that a stderr which nobody reads holds nobody up. What a library prints to
sys.stderr goes the same way.
"""

import asyncio
import atexit
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import count
from secrets import token_hex
from typing import Any, Literal
from weakref import WeakKeyDictionary

import msgspec

from dropcast import uncaught
from dropcast.log_writer import FLUSH_S, LogWriter, PrintedLines

Format = Literal["text", "json"]

IDS = ("request", "viewer", "show", "hold")
"""What a record may be about, in the order of printing."""

_about: WeakKeyDictionary[asyncio.Task[Any], dict[str, str]] = WeakKeyDictionary()
# By task rather than by context: a task that outlives the request which happened to start it is not about it.

_REDACTED = "[redacted]"
_SECRETS = (
    # A JWT, and the beginning of one that was cut off.
    re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*"),
    re.compile(r"(?i)(?<=bearer )\S+"),
    # The password of an engine's address.
    re.compile(r"(?<=://)[^\s/@]+(?=@)"),
)
# All that moves the cursor, ends a line for somebody, or commands a terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
# What JSON leaves as it is.
_CONTROLS_IN_JSON = {code: f"\\u{code:04x}" for code in (*range(127, 160), 0x2028, 0x2029)}

_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,63}")
_prefix = token_hex(5)
_numbers = count(1)


def new_id() -> str:
    """Return a request id that no other request of any process has."""
    return f"{_prefix}-{next(_numbers):x}"


def sane_id(given: str) -> str:
    """Return a request id that somebody else gave, or a new one where that is not fit for logs.

    A token is not: ids are logged and sent back.
    """
    return given if _SANE_ID.fullmatch(given) and not _SECRETS[0].search(given) else new_id()


def about(**ids: str) -> None:
    """Say what the current task is about: the ids of IDS. Those with an empty value are left out."""
    task = _current_task()
    if task is not None:
        _about.setdefault(task, {}).update({name: value for name, value in ids.items() if value})


def what_about() -> dict[str, str]:
    """Return the ids that the current task is about, for a task that goes on with the same."""
    task = _current_task()
    return dict(_about.get(task, {})) if task is not None else {}


def configure(
    *,
    level: str,
    format: Format,
    worker: str,
    secrets: Iterable[str] = (),
    on_record: Callable[[str], None] | None = None,
    on_dropped: Callable[[str, int], None] = lambda level, lines: None,
    flush_s: float = FLUSH_S,
) -> None:
    """Log to stderr from now on, and what nobody caught as well. `secrets` are blotted out wherever they appear.

    `on_record` hears the level of every record, `on_dropped` the level and the number of lines that stderr did not
    take. The exit of the process waits `flush_s` seconds at most until all lines are written.
    """
    global _writer, _flush_s
    _flush_s = flush_s
    if _writer is not None:
        _writer.close()
    writer = _writer = LogWriter(on_dropped=on_dropped, report=_report_dropped)
    redact = Redactor(secrets)
    formatter = JsonLines(worker, redact) if format == "json" else TextLines(worker, redact)
    handler = _QueueHandler(writer)
    handler.setFormatter(formatter)
    if on_record is not None:
        handler.addFilter(_Counter(on_record))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At debug it quotes every frame, and with it what viewers pay by.
    logging.getLogger("websockets").setLevel(logging.INFO)
    logging.captureWarnings(True)
    uncaught.log_all()
    sys.stderr = PrintedLines(
        lambda lines: writer.put(logging.ERROR, "".join(formatter.printed(line) + "\n" for line in lines))
    )


def flush() -> None:
    """Wait until stderr has taken all lines, not longer than an exit does."""
    if _writer is not None:
        _writer.flush(_flush_s)


def say(line: str, level: int = logging.INFO) -> None:
    """Log a line that the operator is to see whatever the level that is logged."""
    root = logging.getLogger()
    root.handle(root.makeRecord("dropcast", level, "", 0, line, (), None))


def say_error(line: str) -> None:
    """Log an error that the operator is to see whatever the level that is logged."""
    say(line, logging.ERROR)


_writer: LogWriter | None = None
_flush_s = FLUSH_S
atexit.register(flush)


class _QueueHandler(logging.Handler):
    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.put(record.levelno, self.format(record) + "\n")
        except Exception:
            self.handleError(record)


def _report_dropped(dropped: Mapping[str, int]) -> None:
    """Log how many lines were dropped, at the highest level of them and as a warning at least, whatever the level."""
    highest = max(logging.WARNING, *(logging.getLevelName(name.upper()) for name in dropped))
    told = ", ".join(f"{number} {name}" for name, number in dropped.items())
    root = logging.getLogger()
    message = "log lines were dropped, because stderr did not take them: %s"
    root.handle(root.makeRecord("dropcast.logs", highest, "", 0, message, (told,), None))


class Redactor:
    """Blots out tokens by their form and the secrets that it is given by their text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({re.escape(secret) for secret in secrets if secret}, key=len, reverse=True)
        self._patterns = (re.compile("|".join(known)), *_SECRETS) if known else _SECRETS

    def __call__(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(_REDACTED, text)
        return text


class JsonLines(logging.Formatter):
    """One JSON object per record: time, level, logger, worker, message, the ids that are known, error."""

    def __init__(self, worker: str, redact: Redactor) -> None:
        super().__init__()
        self._worker = worker
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self.line(
            record.levelname.lower(),
            record.name,
            record.getMessage(),
            at_s=record.created,
            ids=_ids(record),
            error=_error(record),
        )

    def printed(self, text: str) -> str:
        """Return the line for one that was printed."""
        return self.line("error", "stderr", text, at_s=time.time())

    def line(
        self,
        level: str,
        logger: str,
        message: str,
        *,
        at_s: float,
        ids: Mapping[str, str] | None = None,
        error: str = "",
    ) -> str:
        fields = {
            "time": _time(at_s),
            "level": level,
            "logger": logger,
            "worker": self._worker,
            "message": message,
            **(ids or {}),
        }
        if error:
            fields["error"] = error
        # Each value by itself, so that no secret can hide in an escape that JSON makes.
        clean = {name: self._redact(_encodable(value)) for name, value in fields.items()}
        return msgspec.json.encode(clean).decode().translate(_CONTROLS_IN_JSON)


class TextLines(logging.Formatter):
    """For people: time, worker, level, logger, message, and the ids in brackets. A traceback follows, indented."""

    def __init__(self, worker: str, redact: Redactor) -> None:
        super().__init__()
        self._worker = worker
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        # What the message names already need not be said twice.
        ids = [f"{name}={value}" for name, value in _ids(record).items() if value not in message]
        head = f"{_time(record.created)} {self._worker} {record.levelname} {record.name}: {message}" + (
            f" [{' '.join(ids)}]" if ids else ""
        )
        lines = [head.translate(_CONTROLS)]
        # Indented, so that no text in an exception can pass for a record.
        lines += ["  " + line.translate(_CONTROLS) for line in _error(record).splitlines()]
        return self._redact(_encodable("\n".join(lines)))

    def printed(self, text: str) -> str:
        """Return the line for one that was printed: nearly as it is."""
        return self._redact(_encodable(text.translate(_CONTROLS)))


class _Counter(logging.Filter):
    def __init__(self, on_record: Callable[[str], None]) -> None:
        super().__init__()
        self._on_record = on_record

    def filter(self, record: logging.LogRecord) -> bool:
        self._on_record(record.levelname.lower())
        return True


def _ids(record: logging.LogRecord) -> dict[str, str]:
    """Return what a record is about: what the call says, what its message begins with, what its task is about."""
    task = _current_task()
    known = _about.get(task, {}) if task is not None else {}
    if isinstance(record.args, tuple) and record.args and str(record.msg).startswith("show %s"):
        known = {**known, "show": str(record.args[0])}
    found = {name: str(getattr(record, name, "") or known.get(name, "")) for name in IDS}
    return {name: value for name, value in found.items() if value}


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _error(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return "".join(traceback.format_exception(*record.exc_info))
    return ""


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
