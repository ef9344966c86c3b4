"""A strict reader of Prometheus' text format: what it does not understand is a failure."""

import re
from typing import NamedTuple

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_SUFFIXES = ("_bucket", "_sum", "_count")


class Page(NamedTuple):
    kinds: dict[str, str]
    helps: dict[str, str]
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """Return one sample. Raises KeyError."""
        return self.samples[name, frozenset(labels.items())]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples that have these labels, whatever others they have; 0 for none."""
        return sum(
            value
            for (found, has), value in self.samples.items()
            if found == name and labels.items() <= dict(has).items()
        )


def read(text: str) -> Page:
    assert text.endswith("\n")
    page = Page({}, {}, {})
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            _, word, name, rest = line.split(" ", 3)
            told = page.helps if word == "HELP" else page.kinds
            assert word in ("HELP", "TYPE"), line
            assert name not in told, f"{name} is told twice"
            told[name] = rest
        else:
            found = _SAMPLE.fullmatch(line)
            assert found, line
            name, labels, value = found.groups()
            assert _family(name) in page.kinds or name in page.kinds, f"{name} has no TYPE before it"
            key = (name, frozenset(_labels(labels or "")))
            assert key not in page.samples, f"{line} is there twice"
            page.samples[key] = float(value)
    return page


def _family(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


def _labels(text: str) -> list[tuple[str, str]]:
    found = []
    position = 0
    while position < len(text):
        label = _LABEL.match(text, position)
        assert label, text
        found.append((label[1], re.sub(r"\\(.)", lambda e: {"n": "\n"}.get(e[1], e[1]), label[2])))
        position = label.end()
    return found
