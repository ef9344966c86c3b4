"""What all tests share: their fixtures, and how long Hypothesis looks (HYPOTHESIS_PROFILE=long for longer)."""

import os
import signal
import threading

from hypothesis import settings

pytest_plugins = ("tests.support.engine_fixtures", "tests.support.fixtures")

settings.register_profile("quick", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("long", deadline=None, max_examples=5_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# Background jobs of a script (`make test &`) and nohup ignore these signals; the servers of the tests would, too.
if threading.current_thread() is threading.main_thread():
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
