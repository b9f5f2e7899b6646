"""What a resumed run still has before it: answers that were given and faults that happened are not had twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from runbook.engine.events import Event, Kind
from runbook.training.scenario import Answer, Fault

_GIVEN = {"decide": "do", "checkpoint": "do", "choose": "pick", "confirm": "agree", "by hand": "agree", "attest": "do"}


def unspent(
    answers: Iterable[Answer], faults: Iterable[Fault], past: Iterable[Event]
) -> tuple[list[Answer], list[Fault]]:
    """The answers and faults that are left after the `past` of a run (empty for a new one)."""
    past = tuple(past)
    asked = [event for event in past if event.kind is Kind.ASKED]
    moments = {"start", *filter(None, map(_moment, past))}
    given = Counter(
        (_place(event), _GIVEN[event.data["question"]]) for event in asked if event.data["question"] in _GIVEN
    )
    left = []
    for answer in answers:
        kind = next(name for name in ("do", "shares", "pick", "agree") if getattr(answer, name) is not None)
        if given[answer.at, kind] > 0:
            given[answer.at, kind] -= 1
        else:
            left.append(answer)
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
