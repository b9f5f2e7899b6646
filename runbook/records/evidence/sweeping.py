"""The last look before a run's folder is sealed: a secret of this process that lies in it after all is masked there.

It got there before it was known as one: typed into the wrong field, or in an error before the credential was read.  The
value goes, the row stays: what was masked, and in which line, is a finding of the run, which is then no calm one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.engine.outcome import Outcome
from runbook.engine.run import replay
from runbook.engine.verdict import Finding
from runbook.records.chain import chained, read_chain
from runbook.records.disk import PRIVATE, Disk, is_left_by_a_crash, read_whole, replace_file
from runbook.records.evidence.sealing import DERIVED
from runbook.records.scanner import Scanner
from runbook.safety.concealing import MASK

JOURNAL: Final = "journal.jsonl"
_SAID: Final = "a secret was masked in {file}, {places}, when the record was sealed: change that secret"
_OF_JOURNAL: Final = _SAID.partition("{places}")[0].format(file=JOURNAL)
_PLACE: Final = re.compile(r"line (\d+) \(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret stands in a journal: the line, from 1, and the field of its data."""

    line: int
    field: str

    def __str__(self) -> str:
        return f"line {self.line} ({self.field})"


def on_its_way(where: str) -> Finding:
    """That a secret was masked in a field before it was recorded."""
    return Finding(f"a secret was masked in {where} on its way to the record", "major")


def finding(file: str, places: Iterable[object], *, copied: bool = False) -> Finding:
    """That they are masked there; `copied`: lines of the journal are in the evidence bucket, where they stay."""
    text = _SAID.format(file=file, places=", ".join(map(str, places)))
    stays = "; the evidence bucket keeps those lines as they were" if copied else ""
    return Finding(text + stays, "major")


def places(events: Iterable[Event], scanner: Scanner) -> tuple[Place, ...]:
    """Where a secret stands in what was recorded."""
    return tuple(Place(event.seq, where) for event in events for where in scanner.found(event.data))


def told(events: Iterable[Event]) -> frozenset[Place]:
    """The places that a finding names already: they are masked, or have to be before the record is sealed."""
    texts = [str(each.data["text"]) for each in events if each.kind is Kind.FINDING]
    found = [_PLACE.findall(text) for text in texts if text.startswith(_OF_JOURNAL)]
    return frozenset(Place(int(line), field) for each in found for line, field in each)


def sweep(folder: Path, scanner: Scanner | None, *, copied: bool = False, disk: Disk | None = None) -> list[Finding]:
    """Mask what stands in the journal of an ended run, and in whatever lies beside it; RecordFailed.

    Answers what was not among the journal's findings and is now, before the end.  Without a scanner, in a later
    process, what the journal's findings name is masked as whole values.
    """
    disk = disk or Disk()
    findings = [] if scanner is None else list(_beside(folder, scanner, disk))
    path = folder / JOURNAL
    content = read_whole(path, disk)
    events = read_chain(content, path).events
    named = told(events)
    stand = places(events, scanner) if scanner is not None else ()
    if new := [each for each in stand if each not in named]:
        findings.append(finding(JOURNAL, new, copied=copied))
    if stand or named or findings:
        masked = [_masked(event, named, scanner) for event in events]
        _refuse_another_run(events, masked, path)
        _write(path, content, with_findings(masked, findings), disk)
    return findings


def _refuse_another_run(events: Sequence[Event], masked: Sequence[Event], path: Path) -> None:
    """A journal that tells no run any more, or another end, is no record: then it stays as it is.  RecordFailed."""
    try:
        same = replay(masked).outcome == replay(events).outcome
    except (ValueError, LookupError, TypeError):
        same = False
    if not same:
        raise RecordFailed(f"{path.name} would tell another run with a secret masked in it", source=str(path))


def add(folder: Path, findings: Sequence[Finding], *, disk: Disk | None = None) -> None:
    """Into the journal of an ended run, before its end: what was found only in what is made of it.  RecordFailed."""
    disk = disk or Disk()
    path = folder / JOURNAL
    content = read_whole(path, disk)
    _write(path, content, with_findings(read_chain(content, path).events, findings), disk)


def with_findings(events: Sequence[Event], findings: Sequence[Finding]) -> tuple[Event, ...]:
    """The same run, with these findings before its end, and the outcome that it has with them."""
    if not findings:
        return tuple(events)
    *before, ended = events
    added = [
        replace(ended, seq=ended.seq + number, kind=Kind.FINDING, step=None, data=asdict(each))
        for number, each in enumerate(findings)
    ]
    outcome = ended.data["outcome"]
    now = Outcome.PASS_WITH_ISSUES if outcome == Outcome.PASS else outcome
    return (*before, *added, replace(ended, seq=ended.seq + len(added), data={**ended.data, "outcome": str(now)}))


def _write(path: Path, before: bytes, events: Iterable[Event], disk: Disk) -> None:
    """The chain anew, from the first line that changed on; what did not change is not written."""
    lines = chained(events)
    if lines != before:
        replace_file(path, lines, mode=PRIVATE, disk=disk)


def _beside(folder: Path, scanner: Scanner, disk: Disk) -> Iterator[Finding]:
    """Mask what lies in the folder and is neither the journal nor about to be made; a finding for each file."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in {*DERIVED, JOURNAL} or is_left_by_a_crash(path) or path.is_symlink() or not path.is_file():
            continue
        text = read_whole(path, disk).decode("utf-8", "surrogateescape")
        if lines := scanner.lines(text):
            replace_file(path, scanner.masked(text).encode("utf-8", "surrogateescape"), mode=PRIVATE, disk=disk)
            yield finding(name, [f"line {number}" for number in lines])


# -- one line of the journal --------------------------------------------------------------------------------------
def _masked(event: Event, named: frozenset[Place], scanner: Scanner | None) -> Event:
    fields = {place.field for place in named if place.line == event.seq}
    data = event.data if scanner is None else scanner.masked(event.data)
    return replace(event, data=_hidden(data, fields, "")) if fields or scanner else event


def _hidden(value: Any, fields: set[str], where: str) -> Any:
    """With the texts at these places masked whole, where nothing of them is masked yet."""
    match value:
        case Mapping():
            return {name: _hidden(each, fields, f"{where}.{name}" if where else name) for name, each in value.items()}
        case list():
            return [_hidden(each, fields, f"{where}[{number}]") for number, each in enumerate(value)]
        case str() if where in fields and MASK not in value:
            return MASK
        case _:
            return value
