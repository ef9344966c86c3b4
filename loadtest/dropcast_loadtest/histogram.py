"""Latencies in buckets: a histogram of fixed size whose buckets grow with the value, after HdrHistogram.

Every power of two is cut into 32 buckets, so a quantile read from it is at most 1/32 above the true one. The
crowd's processes each record into one of their own; what they report is merged by adding counts.
"""

import math
from collections.abc import Mapping

_BITS = 5
_VALUE_MAX = 2**32 - 1
"""A little over an hour in microseconds; what is longer counts as this."""


def bucket_of(value: int) -> int:
    """Return the number of the bucket that `value` falls into. Below 64 every value has its own."""
    value = min(max(value, 0), _VALUE_MAX)
    shift = max(0, value.bit_length() - _BITS - 1)
    return (shift << _BITS) + (value >> shift)


def highest_in(bucket: int) -> int:
    """Return the highest value that falls into `bucket`."""
    shift = max(0, (bucket >> _BITS) - 1)
    return ((bucket - (shift << _BITS) + 1) << shift) - 1


BUCKETS = bucket_of(_VALUE_MAX) + 1


class Histogram:
    """Counts of whole numbers, here always microseconds."""

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self.total = 0

    def record(self, value: int) -> None:
        self._counts[bucket_of(value)] += 1
        self.total += 1

    def add(self, counts: Mapping[int, int]) -> None:
        """Take in what another histogram gave by `counts` or `take`."""
        for value, count in counts.items():
            self._counts[bucket_of(value)] += count
            self.total += count

    def counts(self) -> dict[int, int]:
        """Return the counts above zero by the highest value of their bucket, in ascending order."""
        return {highest_in(bucket): count for bucket, count in enumerate(self._counts) if count}

    def take(self) -> dict[int, int]:
        """Return the counts and begin again from nothing."""
        counts = self.counts()
        self._counts = [0] * BUCKETS
        self.total = 0
        return counts

    def quantile(self, fraction: float) -> int:
        """Return a value that `fraction` of those recorded do not exceed; 0 when there are none."""
        rank = max(1, math.ceil(fraction * self.total))
        passed = 0
        for bucket, count in enumerate(self._counts):
            passed += count
            if passed >= rank:
                return highest_in(bucket)
        return 0
