"""`python -m dropcast.specs`, in the root of the repository: writes every generated document that is stale."""

import sys
from pathlib import Path

from dropcast.specs import documents


def main(root: Path) -> int:
    """Write what is stale under `root`, and print the paths of it. Return the exit status."""
    if not (root / "client_sdk" / "spec").is_dir():
        print(f"{root} is not the root of the repository", file=sys.stderr)
        return 2
    for name, text in documents(root).items():
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
