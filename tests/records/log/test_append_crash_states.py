"""A power cut at any moment of an append: older rows stand as they were, nothing acknowledged is lost, nothing twice.

The files are the log, its head, and the pending folder.  After each cut the next start has its turn: it brings in what
waits and records the same run again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runbook.records.disk import Disk
from runbook.records.log import head
from runbook.records.log.verdicts import Verification
from tests.records.crash_states import AcceptsShortWrites, CrashModel, WithoutFolderSync, WithoutFsync
from tests.records.log.aftermath import LOG
from tests.records.log.power_cuts import all_judged
from tests.records.real_runs import drill

COARSE = 500  # bytes between prefixes: a mutant has more states, and one that is bad will do


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    return drill(tmp_path / "run")


def test_no_power_cut_loses_a_row_or_writes_it_twice(
    tmp_path: Path, document: dict[str, Any], record_testsuite_property: Callable[[str, object], None]
) -> None:
    judged = list(all_judged(tmp_path / "place", document))
    bad = [found for found in judged if found[1]]
    record_testsuite_property("crash states of an append", len(judged))
    assert not bad, f"{len(bad)} of {len(judged)} states are bad: {bad[:5]}"
    assert len(judged) >= 5_000


class _LogSyncedLast(CrashModel):
    """The mutant whose row is on the medium only after its head is, and after the waiting row was forgotten."""

    def fsync(self, descriptor: int) -> None:
        if self.path_of(descriptor) != LOG:
            super().fsync(descriptor)


class _HeadNotSynced(CrashModel):
    """The mutant that renames a head into place before it is on the medium."""

    def fsync(self, descriptor: int) -> None:
        if ".head" not in self.path_of(descriptor):
            super().fsync(descriptor)


class _PendingNotSynced(CrashModel):
    """The mutant that says of a row that it was kept before it is on the medium."""

    def fsync(self, descriptor: int) -> None:
        if not self.path_of(descriptor).startswith("pending/"):
            super().fsync(descriptor)


MUTANTS = (WithoutFsync, WithoutFolderSync, AcceptsShortWrites, _LogSyncedLast, _HeadNotSynced, _PendingNotSynced)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__.strip("_"))
def test_the_model_catches_an_append_that_is_not_durable(
    tmp_path: Path, document: dict[str, Any], mutant: type[CrashModel]
) -> None:
    assert any(problem for _, problem in all_judged(tmp_path / "place", document, mutant, COARSE))


def test_the_model_catches_a_head_that_is_written_in_place(
    tmp_path: Path, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_place(path: Path, data: bytes, *, disk: Disk) -> None:
        descriptor = disk.open(path, os.O_WRONLY | os.O_CREAT)
        disk.truncate(descriptor, 0)
        disk.write(descriptor, data)
        disk.fsync(descriptor)
        disk.close(descriptor)
        disk.sync_folder(path.parent)

    monkeypatch.setattr(head, "replace_file", in_place)
    found = (problem for _, problem in all_judged(tmp_path / "place", document, step=COARSE) if problem)
    assert next(found) == "the head file is neither the old nor the new one"


def test_the_model_catches_an_append_to_a_torn_tail(
    tmp_path: Path, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Verification, "sound", property(lambda _log: True))
    found = (problem for _, problem in all_judged(tmp_path / "place", document, step=COARSE) if problem)
    assert next(found) == "a torn tail was appended to"
