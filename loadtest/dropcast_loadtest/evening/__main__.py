"""`python -m dropcast_loadtest.evening OPTIONS`: Locust with the evening as its locustfile, and Locust's options."""

import signal
import sys
from pathlib import Path

from locust.main import main

if __name__ == "__main__":
    if "--ends-with-input" in sys.argv:
        # Whoever starts us like this stops us by SIGINT, and may itself have been started with it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["locust", "-f", str(Path(__file__).with_name("locustfile.py")), *sys.argv[1:]]
    main()
