"""The Python SDK of dropcast: watch a live show, hold and buy what it drops."""
