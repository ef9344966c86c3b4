"""The audit at the end: `dropcast audit` as a process of its own, since the load test never imports the server."""

import os
import subprocess
import sys
from collections.abc import Mapping

import msgspec

from dropcast_loadtest.evening.verdict import Finding

_TIMEOUT_S = 300.0
_SAID_CHARS = 400


class AuditFault(Exception):
    """The audit could not be held; the message says why."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    audit: str
    shows: list[Finding]


def require_way(data_dir: str, environ: Mapping[str, str]) -> None:
    """Raises AuditFault when nobody has said where the books are."""
    if not data_dir and not {"DROPCAST_REDIS_URL", "DROPCAST_DATA_DIR"} & environ.keys():
        raise AuditFault(
            "nobody said where the server's books are: give --data-dir or DROPCAST_REDIS_URL, "
            "or --no-audit to do without"
        )


def audit(show: str, data_dir: str) -> Finding:
    """Audit one show. Raises AuditFault."""
    require_way(data_dir, os.environ)
    command = [sys.executable, "-P", "-m", "dropcast", "audit", "--json", "--show", show]
    if data_dir:
        command += ["--data-dir", data_dir]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AuditFault(f"dropcast audit: {error}") from error
    try:
        # The exit status is 1 also when there are problems, and they are in the answer.
        answer = msgspec.json.decode(done.stdout, type=_Answer)
        return answer.shows[0]
    except (msgspec.MsgspecError, IndexError) as error:
        said = done.stderr.decode("utf-8", "replace").strip()[-_SAID_CHARS:]
        raise AuditFault(f"dropcast audit ended with status {done.returncode}: {said}") from error
