"""The permissions that docs/engine.md names for a user of the engine."""

import re
from pathlib import Path

_PAGE = (Path(__file__).parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")
_LINE = re.search(r"^    ACL SETUSER dropcast reset on >password (.*)$", _PAGE, re.MULTILINE)
assert _LINE is not None

DOCUMENTED = tuple(_LINE[1].split())
"""The least."""

USEFUL = tuple(
    rule.replace("\\|", "|")
    for rules in re.findall(r"^\| `(\+[^`]*)` \|", _PAGE, re.MULTILINE)
    for rule in rules.split()
)
