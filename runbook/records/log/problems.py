"""The problems of a log as they are found: all are counted, and no more are kept than anybody reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from runbook.records.log.verdicts import LogVerdict, Problem, worst
from runbook.safety.outside_text import outside_text

KEPT: Final = 200
NAME: Final = 80  # characters of a row's name in a sentence


def called(number: int, run_id: str) -> str:
    """How a sentence calls a row: `row 3 (drill-…)`."""
    return f"row {number} ({outside_text(run_id, NAME) or 'without a name'})"


class Problems:
    """The first of each verdict is kept always, so that the worst is known."""

    def __init__(self) -> None:
        self._kept = list[Problem]()
        self._more = Counter[LogVerdict]()
        self._seen = set[LogVerdict]()

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, problems: Iterable[Problem]) -> None:
        """They are further ones."""
        for problem in problems:
            if len(self._kept) < KEPT or problem.verdict not in self._seen:
                self._seen.add(problem.verdict)
                self._kept.append(problem)
            else:
                self._more[problem.verdict] += 1

    def all(self) -> tuple[Problem, ...]:
        """Those that were kept; how many more there were is the last one's sentence."""
        if not self._more:
            return tuple(self._kept)
        said = ", ".join(f"{count} × {verdict}" for verdict, count in self._more.items())
        least = worst(Problem(verdict, None, None, "") for verdict in self._more)
        return (*self._kept, Problem(least, None, None, f"and {self._more.total()} more problems ({said})"))
