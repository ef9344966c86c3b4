"""Servers that are measured beside ours, each a process of its own: `python -m dropcast_bench.contenders.NAME`."""
