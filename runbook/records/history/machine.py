"""A history as JSON has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from runbook.records.canonical import second
from runbook.records.history import standing as status
from runbook.views import HistoryView, QuarterLine, RecordedRun

JSON = dict[str, Any]


def document(view: HistoryView) -> JSON:
    """One document; the keys are a contract, more may be added."""
    return {
        "schema": 1,
        "log": "training" if view.training else "test",
        "verdict": view.verdict,
        "begun": view.begun,
        "answer": view.answer or None,
        "last_success": run(view.last_success) if view.last_success else None,
        "quarters": [quarter(each) for each in view.quarters],
        "runs": [run(each) for each in view.runs],
        "trends": {
            f"{trend.name.lower()}_s": [[each.run_id, seconds] for each, seconds in trend.points]
            for trend in view.trends
        },
    }


def quarter(line: QuarterLine) -> JSON:
    """One quarter."""
    return {
        "quarter": line.name,
        "state": line.state,
        "sentence": line.sentence,
        "due_from": line.due_from.isoformat(),
        "due_by": line.due_by.isoformat(),
        "overdue": line.overdue,
        "run_id": line.run.run_id if line.run else None,
    }


def run(recorded: RecordedRun) -> JSON:
    """One run."""
    names = ("number", "run_id", "mode", "providers", "scenario", "quarter", "outcome", "operator", "witness")
    signed = ("findings_open", "cleanup", "signoff", "signed_by", "signed_before_amendment", "restored", "damaged")
    times = ("started_at", "ended_at", "database_of", "signed_at")
    return {
        **{name: getattr(recorded, name) for name in (*names, *signed)},
        **{name: _time(getattr(recorded, name)) for name in times},
        **{
            f"{kind}_{key}": getattr(getattr(recorded, kind), key)
            for kind in ("rto", "rpo")
            for key in ("actual_s", "target_s", "met")
        },
        "quarterly": recorded.quarterly or None,
    }


def _time(at: datetime | None) -> str | None:
    return second(at) if at else None


def standing(view: HistoryView, now: datetime) -> JSON:
    """How the platform stands: a part of the history, and what waits for somebody."""
    line, last = view.due, view.newest
    ended = last.ended_at if last else None
    return {
        "verdict": view.verdict,
        "begun": view.begun,
        "overdue": status.overdue(view),
        "quarter": quarter(line) if line else None,
        "last_success": run(view.last_success) if view.last_success else None,
        "newest": run(last) if last else None,
        "newest_age_s": max(int((now - ended).total_seconds()), 0) if ended else None,
        "findings_open": view.findings_open,
        "not_signed_off": [each.run_id for each in status.unsigned(view)],
    }
