"""What a worker counts, and how the supervisor adds it up. `counts` is this process' own."""

from dropcast.metrics.counted import Counts, counts

__all__ = ["Counts", "counts"]
