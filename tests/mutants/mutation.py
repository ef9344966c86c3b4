"""Mutants of the engine functions, kept as patches: each changes one line. They are applied in memory only.

A patch begins with a sentence; of its hunk's lines those with a space or a minus must stand in the source, in one
place, and those with a space or a plus stand there afterwards.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.patch"))


def mutated(source: str, name: str) -> str:
    """Return `source` with the patch `name`. Raises ValueError when it does not fit in exactly one place."""
    hunk = (FOLDER / f"{name}.patch").read_text(encoding="utf-8").split(" @@\n")[1].splitlines()
    before = "\n".join(line[1:] for line in hunk if line[0] in " -") + "\n"
    after = "\n".join(line[1:] for line in hunk if line[0] in " +") + "\n"
    if source.count(before) != 1:
        raise ValueError(
            f"the mutant {name} fits in {source.count(before)} places of the functions, not in one"
        )
    return source.replace(before, after)
