"""The command line: a small file for each command."""

from dropcast.cli.commands import main

__all__ = ["main"]
