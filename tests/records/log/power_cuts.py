"""Appends over a model of a disk, and what is wrong with any state in which a power cut left their files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from runbook.engine.errors import RecordFailed
from runbook.records.disk import is_left_by_a_crash
from runbook.records.log.testlog import COLUMNS, Domain, line
from runbook.records.log.verdicts import LogVerdict, Verification
from runbook.records.log.verifying import verify
from tests.records.crash_states import CrashModel, State
from tests.records.disks import QuickDisk
from tests.records.log.aftermath import (
    HEAD,
    LOG,
    RUN,
    WAITING,
    Files,
    Story,
    files,
    grown,
    log_at,
    next_start,
    record,
    torn,
)

HEADER = line(COLUMNS)
STEP = 5  # bytes between the prefixes
TURN = 7  # of the states with a torn file, one in so many is gone on with


@dataclass
class Walk:
    """A story told over a model of a disk.  `promised`: what was said after which acknowledgement."""

    story: Story
    model: CrashModel
    promised: list[str] = field(default_factory=list)
    left: Files = field(default_factory=dict)  # the files at the story's end

    def tell(self, document: Mapping[str, Any]) -> None:
        root = self.model.folder
        for name, content in self.story.before.items():
            self.model.found(name, content)
        for name, content in self.story.left.items():
            self.model.left(name, content)
        self.model.cuts.clear()
        try:
            next_start(root, document, self.model)
            self._promise("recorded")
        except RecordFailed as failure:
            if "the row is kept in pending" in failure.sentence:
                self._promise("kept")
            elif "is in restoration-test-log.csv, but" in failure.sentence:
                self._promise("in the log")
        self.left = files(root)

    def _promise(self, what: str) -> None:
        self.promised.append(what)
        self.model.acknowledge()


# -- the stories ------------------------------------------------------------------------------------------------------
def _stories(root: Path, document: Mapping[str, Any]) -> Iterator[Story]:
    nothing, one = grown(_bare(root), document, 0)
    two, three = grown(_bare(root), document, 2)
    kept = {WAITING: _pending(_bare(root), document)}
    behind = {LOG: three[LOG], HEAD: two[HEAD]}
    room = len(one[LOG])
    yield Story("first append", nothing, one)
    yield Story("first append after a first write that never happened", {LOG: b""}, one)
    yield Story("later append", two, three)
    yield Story("a log that had no head", {LOG: two[LOG]}, three)
    yield Story("a row that waited", {**two, **kept}, three)
    yield Story("a row whose head was never written", behind, three)
    yield Story("a row that was never synced", two, three, left={LOG: three[LOG]})
    yield Story("a first row that was never synced", nothing, one, left={LOG: one[LOG]})
    yield Story("a row that is there and waits too", {**behind, **kept}, three)
    yield torn(two, three)
    for taken in (0, 500, 1_200, room):
        yield Story(f"first append, full after {taken}", nothing, one, full_after=taken)
    yield Story("full for one write", two, three, full_after=600, stays_full=False)
    yield Story("full for the head", two, three, full_after=len(three[LOG]) - len(two[LOG]) + 20, stays_full=False)


def _pending(root: Path, document: Mapping[str, Any]) -> bytes:
    """What is kept of the row, as a log says it whose folder is a file."""
    (root / "compliance").write_text("in the way")
    with pytest.raises(RecordFailed):
        record(log_at(root, QuickDisk()), document)
    return files(root)[WAITING]


# -- the judgement ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Start:
    """What a log was said to be, and what the next start left; `left` is None where it had no turn."""

    verdict: LogVerdict
    named: frozenset[LogVerdict]
    refused: str | None = None
    left: Files | None = None
    waiting: tuple[str, ...] = ()


def _started(root: Path, state: Files, document: Mapping[str, Any], *, turn: bool) -> _Start:
    if not turn:
        return _seen(verify(state.get(LOG), Domain.TEST))
    for name in files(root):
        (root / name).unlink()
    for name, content in state.items():
        (root / name).write_bytes(content)
    log, refused = log_at(root, QuickDisk()), None
    seen = _seen(log.verify())
    try:
        next_start(root, document, QuickDisk())
    except RecordFailed as failure:
        refused = failure.sentence
    waiting = tuple(row["run_id"] for row in log.pending())
    return replace(seen, refused=refused, left=files(root), waiting=waiting)


def _seen(judged: Verification) -> _Start:
    return _Start(judged.verdict, frozenset(problem.verdict for problem in judged.problems))


def _has_its_turn(story: Story, state: Files) -> bool:
    """Each state of whole files, and of those with a torn one a few: where exactly it is torn makes no difference."""
    whole = state.get(LOG, b"") in _whole_contents(story) and {LOG, HEAD, WAITING}.issuperset(state)
    return whole or crc32(repr(state).encode()) % TURN == 0


def _whole_contents(story: Story) -> set[bytes]:
    return {b"", HEADER, story.whole[LOG]} | (set() if story.torn else {story.before.get(LOG, b"")})


def _problem(story: Story, state: Files, start: _Start) -> str | None:
    """What is wrong with a state, whatever was promised by then."""
    content, older = state.get(LOG, b""), story.before.get(LOG, b"")
    if not content.startswith(older):
        return "an older row was altered"
    if state.get(HEAD) != story.before.get(HEAD) and not _as_head(state.get(HEAD), story):
        return "the head file is neither the old nor the new one"
    if WAITING in story.before and WAITING not in state and content != story.whole[LOG]:
        return "a row that waited is gone"
    if content in _whole_contents(story):
        return _whole(story, state, start)
    return _torn(content, start)


def _as_head(said: bytes | None, story: Story) -> bool:
    """Whether it is the new head but for the time."""
    return said is not None and said.partition(b'"head"')[2] == story.whole[HEAD].partition(b'"head"')[2]


def _whole(story: Story, state: Files, start: _Start) -> str | None:
    begun = bool(state.get(LOG))
    if (start.verdict is LogVerdict.OK) is not begun or start.verdict is LogVerdict.TRUNCATED:
        return f"a whole log of {len(state.get(LOG, b''))} bytes is said to be {start.verdict}"
    if start.left is None:
        return None
    if start.refused:
        return f"a whole log was not gone on with: {start.refused}"
    if start.left[LOG] != story.whole[LOG]:
        return "the row is not there once"
    if start.waiting or not _as_head(start.left.get(HEAD), story):
        return "a row still waits, or the head is not the new one"
    return None


def _torn(content: bytes, start: _Start) -> str | None:
    in_header = not content.startswith(HEADER)  # there is no row yet
    names = {LogVerdict.TORN_TAIL, LogVerdict.HEADER} if in_header else {LogVerdict.TORN_TAIL}
    if start.verdict not in names:
        return f"a torn tail is said to be {start.verdict}"
    if start.left is None:
        return None
    if not start.refused or start.left[LOG] != content:
        return "a torn tail was appended to"
    return None if RUN in start.waiting else "the refused row is nowhere"


def _broken(walk: Walk, acknowledged: int, state: Files) -> str | None:
    """The promise that the state does not keep."""
    whole = walk.story.whole
    for what in walk.promised[:acknowledged]:
        if what == "kept" and state.get(WAITING) != walk.left.get(WAITING):
            return "a row that was said to be kept is not"
        if what == "kept" and state.get(LOG, b"") not in _whole_contents(walk.story) | {
            walk.story.before.get(LOG, b"")
        }:
            return "a half row was not rolled back"
        if what in {"recorded", "in the log"} and state.get(LOG) != whole[LOG]:
            return "an acknowledged row is not there"
        if what == "recorded" and not _as_head(state.get(HEAD), walk.story):
            return "an acknowledged row has no head"
    return None


def _stray(state: Files) -> str | None:
    odd = [name for name in state if name not in {LOG, HEAD, WAITING} and not is_left_by_a_crash(Path(name))]
    return f"files that nobody knows: {odd}" if odd else None


@dataclass
class _Judge:
    """Judges states in one place; a state that was seen before, in whatever story, is not begun again."""

    root: Path
    document: Mapping[str, Any]
    starts: dict[State, _Start] = field(default_factory=dict)

    def judged(self, walk: Walk) -> Iterator[str | None]:
        """For each state of each cut, what is wrong with it."""
        own = dict[State, str | None]()
        for acknowledged, states in walk.model.cuts:
            for state in states:
                there = dict(state)
                if state not in own:
                    own[state] = _problem(walk.story, there, self._start(walk.story, state)) or _stray(there)
                yield own[state] or _broken(walk, acknowledged, there)

    def _start(self, story: Story, state: State) -> _Start:
        there = dict(state)
        turn = _has_its_turn(story, there)
        known = self.starts.get(state)
        if known is None or (turn and known.left is None):
            self.starts[state] = _started(self.root, there, self.document, turn=turn)
        return self.starts[state]


def all_judged(
    root: Path, document: Mapping[str, Any], model: type[CrashModel] = CrashModel, step: int = STEP
) -> Iterator[tuple[str, str | None]]:
    judge = _Judge(root, document)
    for story in list(_stories(root, document)):
        walk = Walk(story, model(_bare(root), step=step, full_after=story.full_after, stays_full=story.stays_full))
        walk.tell(document)
        for folder in (_bare(root) / "compliance", root / "pending"):
            folder.mkdir()
        yield from ((story.name, problem) for problem in judge.judged(walk))


def _bare(root: Path) -> Path:
    """Everything happens in one place: a row that waits names its log."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return root
