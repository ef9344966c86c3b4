"""dropcast: a live shopping engine. Read ARCHITECTURE.md for the house and its reasons."""

__version__ = "0.1.0"
