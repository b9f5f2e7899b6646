"""A run in one sentence, for the report's head and the test log's `summary` column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def summary(document: Mapping[str, Any]) -> str:
    """What happened, in words that hold on their own."""
    outcome = document["outcome"]
    if outcome in {"PASS", "PASS_WITH_ISSUES"}:
        return _restored(document)
    if outcome is None:
        return f"This run has not ended; {_reached(document)}."
    cause = _cause(document)
    words = {
        "FAIL": "The restore failed",
        "INCONCLUSIVE": "No verdict about the backups could be had",
        "ABORTED": "The run was stopped before its end",
    }
    return f"{words.get(outcome, outcome)}: {cause or _reached(document)}."


def duration(seconds: int | None) -> str:
    """`45 s`, `3 min 5 s`, `2 h 0 min`, `3 d 4 h`."""
    if seconds is None:
        return "not known"
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _restored(document: Mapping[str, Any]) -> str:
    took, lost = document["rto"]["actual_s"], document["rpo"]["actual_s"]
    parts = ["All five layers were restored and the three criteria shown"]
    if took is not None:
        since = " of the incident" if document["rto"]["since"] == "incident" else ""
        parts.append(f"{'within' if since else 'in'} {duration(took)}{since}")
    if lost is not None:
        parts.append(f"with the newest data {duration(lost)} old")
    issues = _issues(document)
    return " ".join(parts) + (f"; open: {issues}." if issues else ".")


def _issues(document: Mapping[str, Any]) -> str:
    counted = [
        (len(document["exceptions"]), "exception"),
        (sum(finding["status"] == "OPEN" for finding in document["findings"]), "finding"),
        (len(document["remaining"]), "resource not destroyed"),
        (sum(document[kind]["met"] == "NO" for kind in ("rto", "rpo")), "target missed"),
    ]
    return ", ".join(f"{count} {_many(count, what)}" for count, what in counted if count)


def _many(count: int, what: str) -> str:
    first, _, rest = what.partition(" ")
    return what if count == 1 else f"{first}s {rest}".strip()


def _cause(document: Mapping[str, Any]) -> str:
    """The step whose last verdict made the outcome, or the operator's reason."""
    if document["outcome"] == "ABORTED":
        return str(document["aborted"] or "")
    last = {step["id"]: step for step in document["steps"]}
    for step in last.values():
        if step["verdict"] == document["outcome"]:
            return f"{step['id']}: {step['observed']}".rstrip(". ")
    return ""


def _reached(document: Mapping[str, Any]) -> str:
    done = [stage["title"] for stage in document["stages"] if stage["result"] in {"PASS", "ATTESTED", "ACCEPTED"}]
    return f"restored so far: {', '.join(done)}" if done else "no stage was completed"
