"""How a report says a time, a size, a person; and what it takes a run.json to say that does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from runbook.records.canonical import moment, second
from runbook.safety.outside_text import outside_text

Document = Mapping[str, Any]
PASSED = frozenset({"PASS", "ATTESTED", "ACCEPTED"})
NOT_KNOWN = "not known"

_OBJECTIVE: Document = {
    "target_s": None,
    "actual_s": None,
    "from": None,
    "to": None,
    "clock": NOT_KNOWN,
    "met": "NOT_SET",
    "since": "start",
}
_UNSAID: Document = {
    "run_id": NOT_KNOWN,
    "mode": NOT_KNOWN,
    "environment": NOT_KNOWN,
    "providers": NOT_KNOWN,
    "summary": "",
    "mfa": "NO",
    "policy": {},
    "operator": {},
    "witness": {},
    "signed_in_as": {},
    "criteria": {},
    "negative_controls": {},
    "backups": {},
    "rto": {},
    "rpo": {},
    "calls": {"read": 0, "mutating": 0, "refused": 0},
    "checks": {"passed": 0, "total": 0},
    "cleanup": {"state": NOT_KNOWN, "at": None},
    "resumes": 0,
    **dict.fromkeys(("stages", "steps", "images", "deployed", "exceptions", "findings", "created", "remaining"), ()),
    **dict.fromkeys(("refusals", "pauses", "handovers", "answers", "announced", "evidence_refs"), ()),
}
_EACH: Mapping[str, Document] = {
    "stages": dict.fromkeys(("entered_at", "left_at"))
    | {"result": "NOT_RUN"}
    | dict.fromkeys(("seconds", "machine_s", "human_s", "waiting_s"), 0),
    "steps": dict.fromkeys(("fix", "provider_text", "reason", "source", "expected", "observed", "at"))
    | {"attempt": 1, "ms": 0, "adopted": False, "void": False},
    "images": dict.fromkeys(("ref", "commit", "level", "tag", "package")),
    "created": dict.fromkeys(("created_at", "destroyed_at", "kept_at")),
    "answers": dict.fromkeys(("step", "stage", "detail", "reason", "by", "text")),
    "remaining": dict.fromkeys(("destroy_after", "hourly_cost", "by_hand")),
    "findings": dict.fromkeys(("severity", "status", "owner", "due")),
    "exceptions": {"accepted": False, "void": False},
}
_BACKUP = dict.fromkeys(("created_at", "age_s", "method", "digest", "seal", "data_until")) | {
    "age_at": "start",
    "share_labels": (),
}


class Unsaid(dict[str, Any]):
    """A part of run.json; what it does not say is None, so that an older one still has a report."""

    def __missing__(self, key: str) -> None:
        return None


def completed(document: Document) -> Document:
    """The document with a neutral value for each key that an older run.json does not have."""
    said = {name: value for name, value in document.items() if value is not None}
    whole = Unsaid({**_UNSAID, **said})
    for name, defaults in _EACH.items():
        whole[name] = [Unsaid({**defaults, **each}) for each in whole[name]]
    for step in whole["steps"]:
        step.setdefault("title", step["id"])
        step.setdefault("stage", str(step["id"]).partition(".")[0])
    for stage in whole["stages"]:
        stage.setdefault("title", stage["id"])
    for objective in ("rto", "rpo"):
        whole[objective] = {**_OBJECTIVE, **whole[objective]}
    whole["backups"] = {layer: Unsaid({**_BACKUP, **each}) for layer, each in whole["backups"].items() if each}
    return whole


def when(text: str | None) -> datetime | None:
    """The time that a text says; None where it says none."""
    try:
        return moment(text) if text else None
    except ValueError:
        return None


def clock(text: str | None) -> str:
    """`2027-01-15 10:00:00Z`: whole seconds, UTC.  What is no time stands as it is."""
    at = when(text)
    return day(at) if at else text or NOT_KNOWN


def day(at: datetime) -> str:
    """The same of a time."""
    return second(at).replace("T", " ")


def of_day(text: str | None) -> str:
    """`10:00:00Z`, where the day is the run's."""
    return clock(text)[11:] if when(text) else clock(text)


def number(count: int | str) -> str:
    """`3,000`; a count that is spared stays as it is."""
    return f"{count:,}" if isinstance(count, int) else count


def size(octets: int) -> str:
    """Of bytes, in GiB or MiB."""
    return f"{octets / 2**30:,.1f} GiB" if octets >= 2**30 else f"{octets / 2**20:,.1f} MiB"


def joined(parts: Sequence[object], between: str = ", ") -> str:
    """What there is of the parts."""
    return between.join(str(part) for part in parts if part not in (None, ""))


_WHOLE: Final = 1_000_000_000  # characters: nothing is cut in a report


def one_line(value: object) -> str:
    """The text on one line and without what would act or deceive: controls, bidi, invisible characters."""
    return " ".join(outside_text(value, _WHOLE).split())
