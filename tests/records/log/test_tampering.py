"""Over nine thousand alterations of a log of twelve rows: each is found, and called what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook.records.disk import Disk
from runbook.records.log.head import Head, against, read_head
from runbook.records.log.logs import TestLog
from runbook.records.log.testlog import Domain
from runbook.records.log.verdicts import LogVerdict, Verification
from runbook.records.log.verifying import verify
from tests.records.log.mutations import Mutation, harmless, mutations
from tests.records.log.twelve import Log, twelve

UNSEEN = frozenset({"newest rows cut", "all hashes made anew from a row on", "a row taken out and the chain closed"})
"""What no chain can show: a head outside the file has to."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return twelve(tmp_path_factory.mktemp("twelve"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return twelve(tmp_path_factory.mktemp("other"), lambda run_id: run_id.replace("7f3a", "0b0b"))


@pytest.fixture(scope="module")
def head(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Head:
    path = tmp_path_factory.mktemp("head") / "restoration-test-log.head"
    path.write_bytes(log.head)
    found = read_head(path, Disk())
    assert found is not None
    return found


def _verdict(judged: Verification, head: Head) -> LogVerdict:
    found = against(head, judged)
    return Verification(judged.rows, (*judged.problems, *([found] if found else ())), judged.head).verdict


def _wrong(each: Mutation, judged: Verification, head: Head) -> str | None:
    """What is wrong with the judgement; None when nothing is."""
    bare, anchored = judged.verdict, _verdict(judged, head)
    if bare not in each.bare or anchored not in each.anchored:
        return f"{each.kind}, row {each.row}: {bare} without and {anchored} with the head"
    first = next((problem for problem in judged.problems if problem.verdict is bare), None)
    if each.row is not None and (first is None or first.row != each.row):
        return f"{each.kind}: row {first.row if first else None} was named, and it is row {each.row}"
    return None


def test_the_log_itself_is_whole(log: Log, head: Head, tmp_path: Path) -> None:
    judged = verify(log.content, Domain.TEST)
    assert (judged.verdict, judged.rows, _verdict(judged, head)) == (LogVerdict.OK, log.rows, LogVerdict.OK)
    assert [row["record_type"] for row in log.rows].count("RUN") == 7
    assert _on_disk(tmp_path, log.content, log.head) is LogVerdict.OK, "the further rows are what they may be, too"


def test_every_alteration_is_found_and_called_what_it_is(
    log: Log, other: Log, head: Head, record_testsuite_property: Callable[[str, object], None]
) -> None:
    tried, unseen, wrong = Counter[str](), Counter[str](), list[str]()
    for each in mutations(log, other):
        judged = verify(each.content, Domain.TEST)
        tried[each.kind] += 1
        unseen[each.kind] += judged.sound
        wrong += filter(None, [_wrong(each, judged, head)])
    record_testsuite_property("mutations", tried.total())
    assert wrong[:20] == [], f"{len(wrong)} of {tried.total()}"
    assert {kind for kind in unseen if unseen[kind]} <= UNSEEN
    assert tried.total() >= 9_000


def test_the_same_records_under_other_bytes_are_no_damage(log: Log, head: Head) -> None:
    others = list(harmless(log))
    for content in others:
        judged = verify(content, Domain.TEST)
        assert (judged.verdict, judged.rows) == (LogVerdict.RE_ENCODED, log.rows)
        assert _verdict(judged, head) is LogVerdict.RE_ENCODED
    assert len(others) >= 500


def _on_disk(folder: Path, content: bytes, head: bytes) -> LogVerdict:
    (folder / "restoration-test-log.csv").write_bytes(content)
    (folder / "restoration-test-log.head").write_bytes(head)
    return TestLog(folder, folder / "pending").verify().verdict


def test_the_log_on_disk_is_judged_the_same(log: Log, other: Log, tmp_path: Path) -> None:
    for each in list(mutations(log, other))[::50]:
        assert _on_disk(tmp_path, each.content, log.head) in each.anchored, each.kind
