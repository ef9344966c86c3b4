"""For plain Locust from a checkout: `locust -f loadtest/locustfile.py --host ws://localhost:8470`. See README.md."""

from dropcast_loadtest.evening.locustfile import Creator, Evening, Scalper, Viewer

__all__ = ["Creator", "Evening", "Scalper", "Viewer"]
