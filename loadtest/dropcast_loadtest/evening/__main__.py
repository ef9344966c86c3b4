"""`python -m dropcast_loadtest.evening OPTIONS`: Locust with the evening as its locustfile, and Locust's options."""

import sys
from pathlib import Path

from locust.main import main

if __name__ == "__main__":
    sys.argv = ["locust", "-f", str(Path(__file__).with_name("locustfile.py")), *sys.argv[1:]]
    main()
