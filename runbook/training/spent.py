"""What a resumed run still has before it: answers that were given and faults that happened are not had twice."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.engine.events import Event, Kind
from runbook.training.scenario import Answer, Fault

# Which answers fit a question.  Shares and codes are not counted: who entered them may be gone, and enters them again.
_GIVEN = {
    "decide": {"do"},
    "checkpoint": {"do"},
    "choose": {"pick"},
    "confirm": {"agree"},
    "by hand": {"agree"},
    "run command": {"agree"},
    "attest": {"do", "agree"},
    "form": {"fill"},
}


def unspent(
    answers: Iterable[Answer], faults: Iterable[Fault], past: Iterable[Event]
) -> tuple[list[Answer], list[Fault]]:
    """The answers and faults that are left after the `past` of a run (empty for a new one)."""
    past = tuple(past)
    moments = {"start", *filter(None, map(_moment, past))}
    left = list(answers)
    for event in past:
        if event.kind is Kind.ASKED:
            fits = _GIVEN.get(event.data["question"], set())
            given = next((each for each in left if each.at == _place(event) and each.kind in fits), None)
            if given is not None:
                left.remove(given)
    return left, [fault for fault in faults if fault.when not in moments]


def _place(event: Event) -> str:
    return event.step or f"checkpoint {event.stage}"


def _moment(event: Event) -> str | None:
    """The moment of a scenario that this event is, if it is one."""
    match event.kind:
        case Kind.ASKED:
            return f"before {event.step}" if event.step else f"checkpoint {event.stage}"
        case Kind.RESULT:
            return f"after {event.step}"
        case Kind.CHECKPOINT if event.data["decision"] == "opened":
            return f"opened {event.stage}"
        case _:
            return None
