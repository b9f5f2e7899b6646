"""How the platform stands, in rows that are always the same: home shows them below its headline.

Read from views only; every state is a glyph and a word.
"""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from runbook.views import HistoryView, HomeView, QuarterLine, RecordedRun
from screens.text import one_line
from screens.words import BAD, GOOD, QUARTERS, QUIET, WARN, Mark, ago, clock, outcome

LABEL = 11  # cells


def rows(view: HomeView) -> Content:
    """One for each thing that is asked about a platform; of a log that cannot be read, none is answered."""
    history = view.history
    if not view.configured:
        return Content("")
    told = [("Readiness", Content.styled("○ never checked (all five layers, identity to connectivity)", QUIET))]
    if history is not None:
        told = [
            ("Restored", _restored(history.last_success, view.now)),
            ("Quarter", _quarter(history.due)),
            ("Last run", _last(history, view.now)),
            ("Findings", _findings(history)),
            ("Test log", _log(history)),
            *told,
        ]
    return Content("\n").join(Content.assemble((f"{label:<{LABEL}}", QUIET), text) for label, text in told)


def _restored(last: RecordedRun | None, now: datetime) -> Content:
    if last is None:
        return Content.styled("✗ never", BAD)
    took = f" in {clock(last.rto.actual_s)}" if last.rto.actual_s is not None else ""
    when = f"{last.ended_at:%Y-%m-%d}" if last.ended_at else "a day not known"
    return Content(one_line(f"{age(last, now)}, by the {last.mode.lower()} of {when}{took}"))


def _quarter(line: QuarterLine | None) -> Content:
    if line is None:
        return Content.styled("not known", QUIET)
    mark = QUARTERS.get(line.state, Mark("?", line.state, WARN))
    late = line.overdue and line.state != "OVERDUE"
    also = Content.assemble(" ", QUARTERS["OVERDUE"].content) if late else ""
    return Content.assemble(f"{line.name} drill  ", mark.content, also, f" {one_line(line.sentence)}")


def _last(history: HistoryView, now: datetime) -> Content:
    last = history.newest
    if last is None:
        return Content.styled("none", QUIET)
    signed = {"PENDING": ", not signed off", "DECLINED": ", sign-off declined"}.get(last.signoff, "")
    about = f"  {last.mode.lower()}, {age(last, now)}{signed}"
    return Content.assemble(outcome(last.outcome).content, one_line(about))


def _findings(history: HistoryView) -> Content:
    count = history.findings_open
    return Content.styled(f"! {count} open", WARN) if count else Content.styled("none open", QUIET)


def _log(history: HistoryView) -> Content:
    if not history.begun:
        return Content.styled("○ nothing recorded yet", QUIET)
    rows = f"  {len(history.runs)} run{'s' * (len(history.runs) != 1)} recorded"
    if altered := len(history.runs) - len(history.undamaged):
        rows += f", {altered} not as written"
    mark = Mark("✓", f"verified ({history.verdict})", GOOD) if history.sound else Mark("✗", history.verdict, BAD)
    return Content.assemble(mark.content, rows)


def age(run: RecordedRun, now: datetime) -> str:
    """How long ago it ended."""
    at = run.ended_at or run.started_at
    return ago(at, now) if at else "at a time not known"
