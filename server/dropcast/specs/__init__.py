"""The documents that are generated from the code: `python -m dropcast.specs`, or `make specs`.

What is sent and taken is described where it is defined: by the structs, their docstrings, and the tables of codes,
settings and HTTP operations. Everything here only reads those.
"""

from dropcast.specs.documents import documents

__all__ = ["documents"]
