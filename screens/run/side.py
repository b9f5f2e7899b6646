"""What there is room for beside or below the rail: findings, what this run made, and the clocks in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from textual.containers import VerticalScroll
from textual.content import Content

from runbook.engine import standing
from runbook.engine.run import LedgerEntry, Run
from runbook.views import Session
from screens import timing
from screens.run.painted import Painted
from screens.text import one_line
from screens.words import GOOD, QUIET, WARN, clock

T = TypeVar("T")

NEWEST = 4  # of each: the whole is in the report


class Side(VerticalScroll, can_focus=False):
    """A panel of lines, each cut where the panel ends."""

    def __init__(self, name: str) -> None:
        super().__init__(Painted(id=f"{name}-text", grows=True), id=name)

    def show(self, session: Session, now: datetime) -> None:
        """Repaint from the state, where it is in sight."""
        if self.size:
            self.query_one(Painted).paint(_all_of(session, now))


def _all_of(session: Session, now: datetime) -> Content:
    run = session.run
    return Content("\n").join([*_findings(run), *_ledger(run), *_clocks(session, now)])


def _findings(run: Run) -> Iterator[Content]:
    yield _title("findings", len(run.findings), "none so far")
    for finding in _newest(run.findings):
        yield Content.assemble((f"! {one_line(finding.severity or 'minor', 10)} ", WARN), one_line(finding.text, 200))


def _ledger(run: Run) -> Iterator[Content]:
    yield _title("made by this run", len(run.ledger), "nothing so far")
    for entry in _newest(run.ledger):
        yield Content.assemble(_fate(entry), f" {one_line(entry.name, 60)}", (f" {one_line(entry.kind, 40)}", QUIET))


def _fate(entry: LedgerEntry) -> tuple[str, str]:
    if entry.destroyed is not None:
        return "✓ undone", GOOD
    return ("○ kept", QUIET) if entry.kept is not None else ("● there", WARN)


def _clocks(session: Session, now: datetime) -> Iterator[Content]:
    spent, count = standing.shares(session.run, now), session.forecast.runs
    yield Content.styled("who took how long", "bold")
    yield Content(f"people    {clock(spent.people)}")
    yield Content(f"machines  {clock(spent.machines)}")
    if spent.nobody:
        yield Content(f"nobody    {clock(spent.nobody)}")
    runs = f"{count} earlier run{'s' if count > 1 else ''}" if count else ""
    yield Content.styled(f"forecast from {runs}" if runs else f"{timing.NO_FORECAST}: no earlier run", QUIET)


def _title(what: str, count: int, none: str) -> Content:
    return Content.assemble((f"{what} ", "bold"), str(count) if count else (none, QUIET))


def _newest(entries: Sequence[T]) -> Sequence[T]:
    return entries[: -NEWEST - 1 : -1]
