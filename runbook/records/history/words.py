"""A history in lines, for somebody tired: what is asked for first, then the quarters, the runs, the trends."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from runbook.records.evidence.summary import duration
from runbook.records.history.answers import signed
from runbook.records.history.quarters import NOT_TESTED
from runbook.views import HistoryView, Objective, RecordedRun, Trend

BAR: Final = 20  # characters of the longest
SHOWN: Final = 8  # drills in a picture, the newest
INDENT: Final = " " * 12
NO_TEST: Final = "These are training runs: practice, and no evidence of a restoration test."


def lines(view: HistoryView, width: int) -> Iterator[str]:
    """Of at most that many columns, as far as names do not need more."""
    yield from _heading(view, width)
    if view.quarters:
        yield from ("", "Quarters (UTC)")
    for quarter in view.quarters:
        name = f"{quarter.name}  {'NOT TESTED' if quarter.state == NOT_TESTED else quarter.state:<10}  "
        yield from wrapped(f"{name}{quarter.sentence}", width, " " * len(name))
    yield from ("", "Runs" if view.runs else "No run is recorded.")
    for run in view.runs:
        yield from _run(run, width)
    for trend in view.trends:
        yield from _trend(trend, width)


def _heading(view: HistoryView, width: int) -> Iterator[str]:
    if not view.sound:
        damaged = f"THE LOG IS DAMAGED ({view.verdict}): what follows is what can be read of it, and what is answered"
        yield from wrapped(f"{damaged} rests on its undamaged rows. runbook log verify says what is wrong.", width)
        yield ""
    yield from wrapped(NO_TEST if view.training else view.answer, width)


def wrapped(text: str, width: int, indent: str = "  ") -> Iterator[str]:
    """Broken at spaces, so that a name can be copied."""
    yield from textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _run(run: RecordedRun, width: int) -> Iterator[str]:
    started = f"{run.started_at:%Y-%m-%d}" if run.started_at else "no time"
    yield f"{started:<10}  {run.mode:<9}  {run.outcome:<16}  row {run.number}"
    yield from wrapped(f"{INDENT}{run.run_id}; {'; '.join(_about(run))}", width, INDENT)


def _about(run: RecordedRun) -> Iterator[str]:
    if run.damaged:
        yield "THIS RUN'S ROWS ARE DAMAGED"
    if run.providers != "REAL" and run.mode != "TRAINING":
        yield "at stand-ins on this machine: it shows the tool, not the platform"
    yield f"RTO {figure(run.rto)}"
    yield f"RPO {figure(run.rpo)}"
    yield f"open findings: {run.findings_open}"
    if run.cleanup not in {"DONE", "NOT_NEEDED"}:
        yield f"cleanup {run.cleanup}"
    yield signed(run)


def figure(objective: Objective) -> str:
    """`39 min 0 s (target 4 h 0 min met)`."""
    if objective.actual_s is None:
        return "not known"
    target = "no target set" if objective.target_s is None else f"target {duration(objective.target_s)}"
    judged = {"YES": " met", "NO": " MISSED"}.get(objective.met, "")
    return f"{duration(objective.actual_s)} ({target}{judged})"


def _trend(trend: Trend, width: int) -> Iterator[str]:
    """A bar for each drill, beside its figure: the picture needs no colour and no font."""
    if not trend.points:
        return
    yield ""
    yield from wrapped(trend.sentence, width)
    longest = max(seconds for _, seconds in trend.points) or 1
    for run, seconds in trend.points[-SHOWN:] if len(trend.points) > 1 else ():
        bar = "#" * max(round(seconds / longest * BAR), 1)
        missed = " MISSED" if getattr(run, trend.name.lower()).met == "NO" else ""
        started = f"{run.started_at:%Y-%m-%d}" if run.started_at else "no time   "
        yield f"{started}  {bar:<{BAR}}  {duration(seconds)}{missed}"
