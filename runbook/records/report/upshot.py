"""What came of it: exceptions, findings and who puts them right, what was made and what is still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runbook.records.report.blocks import TO_FILL_IN, Cell, Entries, Entry, Note, Section, Table, Word
from runbook.records.report.words import Document, clock

_REMAINS = (
    "This is still there, and costs money or holds data. The next “runbook drill”, “runbook recover” or “runbook "
    "resume” offers to remove it; by hand, newest first, only what carries the tag of this run:"
)
_FINDINGS = ("no", "severity", "status", "owner", "due", "finding")
_TO_BE_RIGHTED = "Not written down as a finding, and to be put right all the same. Each needs an owner and a date:"
_BAD = frozenset({"FAIL", "INCONCLUSIVE"})


def sections(document: Document) -> Iterator[Section]:
    """Exceptions first: they are what was let through."""
    excepted = [(each["what"], each["why"], each["who"]) for each in document["exceptions"] if not each["accepted"]]
    yield Section("Exceptions", (Table(("what", "why", "who"), excepted) if excepted else Note("None."),))
    yield _findings(document)
    yield _created(document)
    if document["remaining"] and document["mode"] != "training":
        left = Entries([_left(each) for each in document["remaining"]])
        yield Section("What remains, and how to remove it", (Note(_REMAINS), left))


def _findings(document: Document) -> Section:
    """With room to write for what the run cannot know."""
    found = [_finding(number, each) for number, each in enumerate(document["findings"], start=1)]
    blocks: list[Note | Table] = [Table(_FINDINGS, found)] if found else []
    if bad := _unowned(document):
        rows = [(what, TO_FILL_IN, TO_FILL_IN) for what in bad]
        blocks += [Note(_TO_BE_RIGHTED), Table(("what", "owner", "due"), rows)]
    return Section("Findings", blocks or [Note("None.")])


def _finding(number: int, said: Document) -> Sequence[Cell]:
    owner, due = said["owner"] or TO_FILL_IN, said["due"] or TO_FILL_IN
    return (number, said["severity"], said["status"], owner, due, said["text"])


def _unowned(document: Document) -> Sequence[str]:
    """Steps whose last word is bad, and targets that were missed: nobody owns those yet."""
    last = {step["id"]: step for step in document["steps"]}
    steps = [f"{step['id']}: {step['observed']}" for step in last.values() if step["verdict"] in _BAD]
    missed = [f"{name.upper()}: the target was missed" for name in ("rto", "rpo") if document[name]["met"] == "NO"]
    return [*steps, *missed]


def _created(document: Document) -> Section:
    calls, cleanup = document["calls"], document["cleanup"]
    made = f"Calls made: {calls['read']} reading, {calls['mutating']} changing, {calls['refused']} refused."
    at = f", all seen to be gone at {clock(cleanup['at'])}" if cleanup["at"] else ""
    rows = [_entry(each) for each in document["created"]]
    table = Table(("kind", "created", "destroyed", "id"), rows) if rows else Note("Nothing was created.")
    return Section("Created and destroyed", (Note(f"Cleanup: {cleanup['state']}{at}. {made}"), table))


def _entry(said: Document) -> Sequence[Cell]:
    end = clock(said["destroyed_at"]) if said["destroyed_at"] else Word("kept" if said["kept_at"] else "STILL THERE")
    return (said["kind"], clock(said["created_at"]), end, said["id"])


def _left(said: Document) -> Entry:
    due = f", due to go after {said['destroy_after']}" if said["destroy_after"] else ""
    cost = f"; cost by the hour: {said['hourly_cost']}" if said["hourly_cost"] else ""
    return Entry(
        said["kind"], f"{said['name']}, since {clock(said['created_at'])}{due}{cost}", (("", said["by_hand"]),)
    )
