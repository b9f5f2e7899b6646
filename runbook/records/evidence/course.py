"""The course of a run, as its events tell it: who was asked what, what was announced, when nobody was there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runbook.engine.events import Event, Kind
from runbook.engine.run import Run
from runbook.records.canonical import stamp

NO_CALLS: Mapping[str, int] = {"read": 0, "mutating": 0, "refused": 0}


def answers(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Every answer with the question that it answers: who decided what, when, and why."""
    asked: list[Event] = []
    found = []
    for event in events:
        if event.kind is Kind.ASKED:
            asked.append(event)
        elif event.kind is Kind.RESUMED:
            asked.clear()  # the process that asked is gone; the question is put again
        elif event.kind is Kind.ANSWERED and asked:
            found.append(_answer(asked.pop(), event))
    return found


def _answer(asked: Event, answered: Event) -> dict[str, Any]:
    return {
        "at": stamp(answered.at),
        "stage": asked.stage,
        "step": asked.step,
        "question": asked.data.get("question"),
        "text": asked.data.get("text"),
        "answer": answered.data.get("answer"),
        "detail": answered.data.get("detail"),
        "by": answered.data.get("by"),
        "reason": answered.data.get("reason") or None,
    }


def announced(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Every call that changes something, as it was announced before it was made."""
    intents = [event for event in events if event.kind is Kind.INTENT]
    return [
        {"at": stamp(each.at), "step": each.step, "operation": each.data["operation"], "target": each.data["target"]}
        for each in intents
    ]


def pauses(run: Run) -> list[dict[str, Any]]:
    """When the run could not go on, or a clock was set: `suspended`, `stopped` or `stepped` (back: below 0 seconds)."""
    return [
        {"at": stamp(each.at), "pause": each.kind, "seconds": each.seconds, "observed": each.observed}
        for each in run.pauses
    ]


def handovers(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Who went on with the run, and after how long: one for each process but the first."""
    told = [event for event in events if event.kind is Kind.RESUMED]
    names = ("by", "host", "pid", "gap_s", "place")
    return [{"at": stamp(each.at)} | {n: each.data[n] for n in names if n in each.data} for each in told]


def calls(events: Iterable[Event], last: Mapping[str, int] | None = None) -> dict[str, int]:
    """The calls of every process of the run, added up; `last` is what the last one counted, if it still can say.

    A process that was killed counts with what it had written down by then (`Journal`, `COUNTED`).
    """
    newest: dict[tuple[str, Any], Mapping[str, int]] = {}
    process: tuple[str, Any] = ("", None)
    for event in events:
        if said := event.data.get("calls"):
            process = (event.boot_id, said.get("process"))
            newest[process] = said
    if last is not None:
        newest[process] = last
    return {name: sum(each.get(name, 0) for each in newest.values()) for name in NO_CALLS}
