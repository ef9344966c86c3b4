"""The behaviour tests of the sync shell in a process where gevent has patched everything: test_gevent.py runs it.

Patching comes before every other import, so this is a program of its own. Each thread is a greenlet then, but for
the worker's (stage.py).
"""

from gevent import monkey

monkey.patch_all()

# ruff: noqa: E402
import sys
from pathlib import Path

import pytest

FILES = ("test_calls.py", "test_connection.py", "test_watching.py", "crowd_of_greenlets.py")

if __name__ == "__main__":
    assert monkey.is_module_patched("socket")
    files = [str(Path(__file__).parent / name) for name in FILES]
    sys.exit(pytest.main([*files, "-k", "not asyncio", "-q", *sys.argv[1:]]))
