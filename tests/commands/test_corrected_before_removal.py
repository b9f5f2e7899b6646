"""A removal of what a run left, after people said more of that run's findings: it does not take that back."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from runbook import cli
from runbook.commands.exits import ExitCode
from runbook.engine.verdict import Finding
from runbook.records.evidence import sweeping
from runbook.records.log.verdicts import LogVerdict
from runbook.records.signoff import standing
from tests.commands.memory_real import MemoryReal

OWNED = ("--owner", "Robin Board", "--due", "2099-02-14")
BY = ("--by", "Cy Example", "--role", "director", "--because", "the minutes say so")
AGREED: dict[str, list[Any]] = {"confirm closeout.cleanup": [True]}


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryReal:
    """After a drill that missed its target, and whose copy could not be deleted."""
    monkeypatch.setattr("sys.stdin", StringIO())
    real = MemoryReal(tmp_path, monkeypatch)
    real.write(targets={"rto_s": 1})
    real.world.databases.refuse_deletion = True
    real.walk("drill")
    return real


def _amend(real: MemoryReal, *options: str) -> None:
    where = ("--home", str(real.home().root), "--config", str(real.file))
    run_id = real.rows()[0]["run_id"]
    assert cli.main(["log", "amend", run_id, *options, *BY, *where]) == ExitCode.PASS


def _number(real: MemoryReal, text: str) -> str:
    found = real.document(real.rows()[0]["run_id"])["findings"]
    return str(next(number for number, each in enumerate(found, start=1) if each["text"].startswith(text)))


def test_what_people_closed_stays_closed_and_whose_the_others_are_is_kept(real: MemoryReal) -> None:
    missed, left = _number(real, "RTO missed"), _number(real, "not ")
    _amend(real, "--close", missed, "--verified", "the next one was in time", "--assign", left, *OWNED)
    real.world.databases.refuse_deletion = False
    real.walk("drill", real.operator(AGREED))
    run, corrected, removed, _ = real.rows()
    assert [row["findings_open"] for row in (run, corrected, removed)] == ["2", "1", "0"]
    assert removed["cleanup"] == "DONE"
    by_number = {str(n): each for n, each in enumerate(real.document(removed["run_id"])["findings"], start=1)}
    assert [by_number[each]["status"] for each in (missed, left)] == ["CLOSED", "CLOSED"]
    assert (by_number[left]["owner"], by_number[left]["due"]) == ("Robin Board", "2099-02-14")
    assert real.platform.log(real.home()).verify().verdict is LogVerdict.OK


def test_what_a_removal_found_and_people_closed_is_not_found_again_by_the_next(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as leaking:
        leaking.setattr(sweeping, "sweep", _finding)
        real.walk("drill", real.operator(AGREED))
    assert [row["findings_open"] for row in real.rows()[:2]] == ["2", "3"]
    _amend(real, "--close", "3", "--verified", "it was changed")
    real.world.databases.refuse_deletion = False
    real.walk("drill", real.operator(AGREED))
    rows = [row for row in real.rows() if row["run_id"].startswith(real.rows()[0]["run_id"])]
    assert [row["findings_open"] for row in rows] == ["2", "3", "2", "1"]
    log, run_id = real.platform.log(real.home()), rows[0]["run_id"]
    now = standing.of(log, real.platform.shelf.folder(run_id)).findings
    assert [each.status for each in now] == [each["status"] for each in real.document(rows[-1]["run_id"])["findings"]]


def _finding(folder: Path, *_: object, **__: object) -> list[Finding]:
    if ".cleanup-" not in folder.name:
        return []
    found = [Finding("a secret was masked in stdout, line 1", "major")]
    sweeping.add(folder, found)
    return found
