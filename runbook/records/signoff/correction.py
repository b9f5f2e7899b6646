"""A correction: what a person changes of a recorded run's row and of its findings, and the row's sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runbook.engine.few import few
from runbook.records.log.row import SUMMARY_LENGTH
from runbook.records.log.testlog import Row
from runbook.records.signoff.findings import Finding

SUMMARY = "summary"
FINDINGS = "findings_open"
_NAMED = 4  # changes that the sentence names


@dataclass(frozen=True, slots=True)
class Assigned:
    """An open finding, who sees to it from now on, and until which day (YYYY-MM-DD)."""

    finding: Finding
    owner: str
    due: str

    @property
    def changes(self) -> bool:
        """Whether it is not so already."""
        return (self.owner, self.due) != (self.finding.owner, self.finding.due)


@dataclass(frozen=True, slots=True)
class Correction:
    """`values` by column, as they shall be; `closed` each finding with how that was verified; `why` in one line."""

    values: Mapping[str, str]
    closed: tuple[tuple[Finding, str], ...]
    assigned: tuple[Assigned, ...]
    name: str
    role: str
    why: str

    def changes(self, now: Row, still_open: int) -> dict[str, tuple[str, str]]:
        """Every column that becomes another (was, is), `summary` with them; {} where nothing does.

        `still_open` counts the findings that nobody has closed then.
        """
        new = {**self.values, **({FINDINGS: str(still_open)} if self.closed else {})}
        changed = {column: (now[column], text) for column, text in new.items() if now[column] != text}
        if (changed or self.closed or self.assigned) and SUMMARY not in changed:
            changed[SUMMARY] = (now[SUMMARY], self._sentence(changed))
        return changed

    def _sentence(self, changed: Mapping[str, tuple[str, str]]) -> str:
        said = few(list(self._said(changed)), _NAMED)
        text = f"Corrected by {self.name} ({self.role}): {said}. Why: {self.why}"
        return text if len(text) <= SUMMARY_LENGTH else text[: SUMMARY_LENGTH - 1] + "…"

    def _said(self, changed: Mapping[str, tuple[str, str]]) -> Iterator[str]:
        yield from (f"finding {finding.number} closed" for finding, _ in self.closed)
        yield from (f"finding {each.finding.number} is for {each.owner}, due {each.due}" for each in self.assigned)
        for column, (was, new) in changed.items():
            if column != FINDINGS:
                yield f"{column} is {new or 'empty'} (was {was or 'empty'})"
