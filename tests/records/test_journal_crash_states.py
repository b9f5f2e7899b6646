"""A power cut at any moment: no acknowledged line is lost or altered, and the journal can be gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Event, Kind
from runbook.records.journal import Journal, read
from tests.records.crash_states import AcceptsShortWrites, CrashModel, State, WithoutFolderSync, WithoutFsync
from tests.records.disks import QuickDisk
from tests.records.story import DECLARED, FakeClock

NAME = "journal.jsonl"
TORN = NAME + ".torn"
LINES: tuple[tuple[Kind, dict[str, Any]], ...] = (
    (Kind.DECLARED, DECLARED),
    (Kind.STARTED, {}),
    (Kind.INTENT, {"operation": "rds:Restore", "target": "rt-7f3a", "detail": {"text": "é" * 200}}),
    (Kind.CHECKPOINT, {"decision": "opened", "by": "Pat", "reason": "…" * 90}),
    (Kind.RESULT, {"observed": "x" * 1200}),
)


class _Walk:
    """Appends over a model of a disk; `events` were acknowledged, `asked` were begun."""

    def __init__(self, model: CrashModel) -> None:
        self.model = model
        self.events: list[Event] = []
        self.torn = b""

    def append(self, told: Journal, kind: Kind, data: dict[str, Any]) -> None:
        self.events.append(told.append(kind, stage="vault", step=None, data=data))
        self.model.acknowledge()

    def begin(self, lines: int = len(LINES)) -> None:
        """A new journal and its first lines, until the disk takes no more."""
        try:
            told = Journal.create(self.model.folder / NAME, FakeClock(), disk=self.model)
            for kind, data in LINES[:lines]:
                self.append(told, kind, data)
        except RecordFailed:
            pass
        told.close()

    def go_on(self, torn: bytes) -> None:
        """The same journal in another process, behind a line that a crash tore."""
        before = (self.model.folder / NAME).read_bytes()
        self.torn = torn
        self.model.found(NAME, before + torn)
        self.model.cuts.clear()
        told = Journal.open(self.model.folder / NAME, FakeClock(), disk=self.model)
        assert told.past == tuple(self.events)
        self.append(told, Kind.RESUMED, {"by": "Pat"})
        self.append(told, Kind.RESULT, {"observed": "y" * 200})
        told.close()


@dataclass(frozen=True)
class _Start:
    """What the next start made of a state; it is the same however much was acknowledged before the cut."""

    refused: str | None
    found: tuple[Event, ...] = ()
    went_on: bool = False
    kept: bytes = b""


def _started(folder: Path, state: State) -> _Start:
    path = folder / NAME
    for name in (NAME, TORN):
        (folder / name).unlink(missing_ok=True)
    for name, content in state:
        (folder / name).write_bytes(content)
    try:
        found = read(path, disk=QuickDisk())
        told = Journal.open(path, FakeClock(), disk=QuickDisk())
    except RecordFailed as refused:
        return _Start(refused.sentence)
    told.append(Kind.RESUMED, stage=None, step=None, data={"by": "the next start"})
    told.close()
    went_on = len(read(path, disk=QuickDisk())) == len(found) + 1 and told.past == found
    return _Start(None, found, went_on, (folder / TORN).read_bytes() if (folder / TORN).exists() else b"")


def _problem(start: _Start, walk: _Walk, acknowledged: int) -> str | None:
    """What is wrong with the journal after this cut; None when nothing is."""
    if start.refused:
        return None if acknowledged == 0 else f"{acknowledged} lines were acknowledged: {start.refused}"
    if not start.went_on:
        return "it could not be gone on with"
    if start.found[:acknowledged] != tuple(walk.events[:acknowledged]):
        return "an acknowledged line is lost or altered"
    beyond = start.found[acknowledged:]
    if len(beyond) > 1 or (beyond and acknowledged < len(walk.events) and beyond[0] != walk.events[acknowledged]):
        return "it holds a line that nobody appended"
    return None if walk.torn in start.kept else "the torn line was lost"


def _judged(folder: Path, walk: _Walk, starts: dict[State, _Start]) -> Iterator[str | None]:
    """For each state of each cut, what is wrong with it; `starts` are those that were seen already."""
    folder.mkdir(exist_ok=True)
    for acknowledged, states in walk.model.cuts:
        for state in states:
            if state not in starts:
                starts[state] = _started(folder, state)
            yield _problem(starts[state], walk, acknowledged)


Model = Callable[..., CrashModel]


def _new(folder: Path, model: Model = CrashModel, **more: Any) -> _Walk:
    folder.mkdir()
    return _Walk(model(folder, **more))


def _stories(folder: Path, model: Model) -> Iterator[_Walk]:
    """The disk full in the middle of a line; a whole journal; and torn tails that are gone on with."""
    for room in (0, 700, 1_400):
        full = _new(folder / f"full after {room}", model, full_after=room)
        full.begin()
        yield full
    whole = _new(folder / "whole", model)
    whole.begin()
    yield whole
    second_line = b'{"at":"2027-01-15T10:00:00.000000Z","boot_id":"boot-1","data":{"observed":"'
    for number, torn in enumerate((second_line[:1], second_line + bytes(60), bytes(300) + b"}\n")):
        resumed = _new(folder / f"torn {number}", model)
        resumed.begin(lines=2)
        resumed.go_on(torn)
        yield resumed


def _all_judged(folder: Path, model: Model) -> Iterator[str | None]:
    starts = dict[State, _Start]()
    return (problem for walk in _stories(folder, model) for problem in _judged(folder / "after", walk, starts))


def test_no_power_cut_loses_or_alters_a_line_that_was_acknowledged(
    tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    judged = list(_all_judged(tmp_path, CrashModel))
    bad = [problem for problem in judged if problem]
    record_testsuite_property("crash states", len(judged))
    assert not bad, f"{len(bad)} of {len(judged)} states are bad: {bad[:5]}"
    assert len(judged) >= 5_000


@pytest.mark.parametrize("mutant", [WithoutFsync, WithoutFolderSync, AcceptsShortWrites], ids=lambda one: one.__name__)
def test_the_model_catches_a_journal_that_is_not_durable(tmp_path: Path, mutant: type[CrashModel]) -> None:
    assert any(_all_judged(tmp_path, mutant))


def test_a_full_disk_acknowledges_nothing_that_it_did_not_take(tmp_path: Path) -> None:
    walk = _new(tmp_path / "full", full_after=700)
    walk.begin()
    assert 0 < len(walk.events) < len(LINES)
    assert read(tmp_path / "full" / NAME) == tuple(walk.events)
