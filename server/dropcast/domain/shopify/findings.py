"""What an import finds wrong in a file, by line and column: warnings, or problems that stop it whole."""

import msgspec

from dropcast.domain.faults import BadRequest

PROBLEMS_SHOWN_MAX = 20
_VALUE_CHARS_SHOWN_MAX = 40


class Problem(msgspec.Struct, frozen=True):
    line: int
    """The line of the file on which the row starts, from 1; 0 for what has no place in the file."""
    column: str
    """The column's name as the file spells it; empty when it is about the whole row."""
    message: str

    def __str__(self) -> str:
        places = (f"line {self.line}" if self.line else "", self.column)
        return f"{', '.join(place for place in places if place) or 'the file'}: {self.message}"


class CatalogueError(BadRequest):
    """The file cannot be imported, and nothing of it was. `problems` has all that was found, by line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        shown = [str(problem) for problem in problems[:PROBLEMS_SHOWN_MAX]]
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n  ".join((f"nothing was imported, the file has {count}:", *shown)))
        self.problems = problems


class Findings:
    """Gathers what is found while a file is read, so that a merchant mends it in one go."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []

    def error(self, line: int, column: str, message: str) -> None:
        self._problems.append(Problem(line, column, message))

    def warn(self, line: int, column: str, message: str) -> None:
        self._warnings.append(Problem(line, column, message))

    def warnings(self) -> tuple[Problem, ...]:
        return tuple(sorted(self._warnings, key=_line))

    def raise_problems(self) -> None:
        """Raise CatalogueError when there was a problem."""
        if self._problems:
            raise CatalogueError(tuple(sorted(self._problems, key=_line)))


def shown(value: str) -> str:
    """Return a cell's text as a message quotes it: short, and with nothing that would disturb a terminal."""
    short = value if len(value) <= _VALUE_CHARS_SHOWN_MAX else value[: _VALUE_CHARS_SHOWN_MAX - 1] + "…"
    return repr(short)


def _line(problem: Problem) -> int:
    return problem.line
