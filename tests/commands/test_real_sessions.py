"""Drills and recoveries as sessions: what they ask, what they record, and who goes on with them where."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest

from runbook.commands.real import completing, session
from runbook.engine.errors import RecordFailed, Refused, WrongUse
from runbook.engine.events import Kind
from runbook.engine.ports import Act, Decision
from runbook.records import assessor, journal
from runbook.records.disk import Disk
from runbook.records.log.testlog import Domain
from runbook.records.log.verifying import verify
from tests.commands.memory_real import MemoryReal


class Killed(BaseException):
    """The process is gone."""


def die(_: object) -> NoReturn:
    raise Killed


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryReal:
    for name in ("AWS_ENDPOINT_URL", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)
    return MemoryReal(tmp_path, monkeypatch)


def killed_at(real: MemoryReal, gate: str, mode: str = "drill", **more: Any) -> str:
    """A run whose process ended at that checkpoint; its id."""
    with pytest.raises(Killed):
        asyncio.run(real.session(mode, **more).walk(real.operator({f"gate {gate}": [die]})))
    return max(real.folders).name


def events(real: MemoryReal, run_id: str) -> Any:
    return events_of(real.file.parent / "compliance" / "evidence" / run_id)


def events_of(folder: Path) -> Any:
    return journal.read(folder / "journal.jsonl")


# -- a whole run --------------------------------------------------------------------------------------------------
def test_a_drill_leaves_a_row_its_evidence_and_nothing_else(real: MemoryReal) -> None:
    ending = real.walk("drill")
    assert ending.outcome == "PASS", ending.report
    (row,) = real.rows()
    assert (row["mode"], row["environment"], row["outcome"]) == ("DRILL", "STAGING", "PASS")
    assert (row["operator_name"], row["witness_name"]) == ("Ada Okafor", "Bo Turing")
    assert row["evidence_refs"] == "DSPT 7.2.1;DSPT 7.3.4"
    assert row["cleanup"] == "DONE"
    assert real.world.databases.copies == {}
    assert {each.name for each in Path(ending.folder).iterdir()} == {
        "journal.jsonl",
        "run.json",
        "report.html",
        "report.md",
        "SHA256SUMS",
    }
    assert [each for each in (real.root / "laptop" / "runs").rglob("*") if each.is_file()] == []
    log = real.file.parent / "compliance" / "restoration-test-log.csv"
    assert verify(log.read_bytes(), Domain.TEST).verdict == "OK"
    beside = {each.name: each.read_bytes() for each in log.parent.iterdir() if each.is_file()}
    assert dict(assessor.files()).items() <= beside.items(), "whoever is handed the folder can read and verify it"


def test_what_a_stage_was_given_stands_in_its_record(real: MemoryReal) -> None:
    settings = real.file.read_text().replace("[policy]", "[targets.stages]\nvault_s = 1800\n\n[policy]")
    real.file.write_text(settings)
    folder = Path(real.walk("drill").folder)
    stages = json.loads((folder / "run.json").read_text())["stages"]
    assert [stage["target_s"] for stage in stages] == [None, 1800, None, None, None]
    assert "| 30 min 0 s " in (folder / "report.md").read_text()


def test_a_recovery_keeps_what_it_restored(real: MemoryReal) -> None:
    ending = real.walk("recovery")
    assert ending.outcome in {"PASS", "PASS_WITH_ISSUES"}, ending.report
    (row,) = real.rows()
    assert (row["mode"], row["environment"]) == ("RECOVERY", "PRODUCTION")
    assert len(real.world.databases.copies) == 1
    assert "rds:DeleteDBInstance" not in [operation for operation, _ in real.world.calls]


def test_a_declaration_that_is_withdrawn_leaves_nothing(real: MemoryReal) -> None:
    with pytest.raises(WrongUse, match="nothing was declared"):
        real.walk("drill", real.operator({"fill declaring": [None]}))
    assert not (real.file.parent / "compliance").exists()


def test_what_would_lead_a_client_elsewhere_keeps_a_run_from_starting(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Refused, match="AWS_ENDPOINT_URL"):
        real.session("drill")


# -- one at a time ------------------------------------------------------------------------------------------------
def test_an_unfinished_run_keeps_another_from_starting(real: MemoryReal) -> None:
    run_id = killed_at(real, "vault")
    with pytest.raises(WrongUse, match=f"{run_id} is not finished"):
        real.walk("drill")


# -- going on -----------------------------------------------------------------------------------------------------
def test_a_killed_drill_is_gone_on_with_by_somebody_else_and_both_stand_in_the_record(real: MemoryReal) -> None:
    run_id = killed_at(real, "database")
    other = real.operator({"fill declaring": [{"operator": "Edsger Moreno", "operator_role": "deputy"}]})
    ending = real.walk("drill", other, run_id=run_id)
    assert ending.outcome == "PASS", ending.report
    answers = real.document(run_id)["answers"]
    by_stage = {(each["stage"], each["by"]) for each in answers if each["question"] == "checkpoint"}
    assert ("vault", "Ada Okafor") in by_stage
    assert ("application", "Edsger Moreno") in by_stage
    assert real.rows()[0]["operator_name"] == "Ada Okafor", "who declared it"
    (resumed,) = [each for each in events(real, run_id) if each.kind is Kind.RESUMED]
    assert resumed.data["by"] == "Edsger Moreno"


def test_a_changed_configuration_is_shown_and_gone_back_for(real: MemoryReal) -> None:
    run_id = killed_at(real, "database")
    real.write(**{"canary.key": "another"})
    operator = real.operator({"gate vault": [die]})
    with pytest.raises(Killed):
        real.walk("drill", operator, run_id=run_id)
    (shown,) = [ask for place, ask in operator.asked if place == "confirm identity.tool"]
    assert [change.name for change in shown.preview.changes] == ["canary.key"]
    back = [each for each in events(real, run_id) if each.kind is Kind.CHECKPOINT and each.data["decision"] == "back"]
    assert "runbook.toml changed: canary.key" in back[0].data["reason"]
    assert back[0].data["to"] == "vault"


def test_a_configuration_that_changes_while_the_run_goes_on_keeps_the_checkpoint_shut(real: MemoryReal) -> None:
    def changes(_: object) -> Decision:
        real.write(**{"canary.key": "another"})
        return Decision(Act.OPEN)

    def put_back(ask: Any) -> Decision:
        assert "runbook.toml was changed" in str(ask.refusal)
        real.write()
        return Decision(Act.OPEN)

    ending = real.walk("drill", real.operator({"gate vault": [changes, put_back]}))
    assert ending.outcome == "PASS", ending.report


def test_another_machine_goes_on_from_the_evidence_bucket(real: MemoryReal) -> None:
    run_id = killed_at(real, "database")
    whole = (real.file.parent / "compliance" / "evidence" / run_id / "journal.jsonl").read_bytes()
    (real.file.parent / "compliance").rename(real.root / "the other laptop's")
    ending = real.walk("drill", run_id=run_id, machine="second")
    assert ending.outcome == "PASS", ending.report
    assert (Path(ending.folder) / "journal.jsonl").read_bytes().startswith(whole)
    assert json.loads(real.bucket.objects["runbook/locks/staging.json"])["released"] is True


def test_a_run_that_another_machine_ended_gets_no_second_row_here(real: MemoryReal) -> None:
    run_id = killed_at(real, "database")
    here, there = real.file.parent / "compliance", real.root / "the other laptop's"
    shutil.copytree(here, real.root / "kept")
    shutil.rmtree(here)
    assert real.walk("drill", run_id=run_id, machine="second").outcome == "PASS"
    here.rename(there)
    (real.root / "kept").rename(here)
    with pytest.raises(WrongUse, match="another machine went on with it"):
        real.walk("drill", run_id=run_id)
    assert completing.complete(real.home(), real.platform).troubles == []
    assert not (here / "restoration-test-log.csv").exists()
    assert real.walk("drill").outcome == "PASS", "nothing stands in the way of the next one"


# -- what is left over --------------------------------------------------------------------------------------------
def test_what_could_not_be_removed_is_offered_at_the_next_start_and_closed_by_an_amendment(real: MemoryReal) -> None:
    real.world.databases.refuse_deletion = True
    first = real.walk("drill")
    assert first.outcome == "PASS_WITH_ISSUES", first.report
    (row,) = real.rows()
    assert (row["cleanup"], row["findings_open"] != "0") == ("FAILED", True)
    real.world.databases.refuse_deletion = False
    operator = real.operator({"confirm closeout.cleanup": [True]})
    second = real.walk("drill", operator)
    assert second.outcome == "PASS", second.report
    original, amendment, newest = real.rows()
    assert original == row, "no row is ever changed"
    assert (amendment["record_type"], amendment["refers_to"]) == ("AMENDMENT", row["run_id"])
    assert (amendment["cleanup"], amendment["findings_open"]) == ("DONE", "0")
    assert newest["record_type"] == "RUN"
    assert real.world.databases.copies == {}


def test_what_is_left_over_stays_when_the_operator_says_no(real: MemoryReal) -> None:
    real.world.databases.refuse_deletion = True
    real.walk("drill")
    real.world.databases.refuse_deletion = False
    real.walk("drill")
    assert [row["record_type"] for row in real.rows()] == ["RUN", "RUN"]
    assert len(real.world.databases.copies) == 1


# -- a record that cannot be written --------------------------------------------------------------------------------
@pytest.fixture
def full(real: MemoryReal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk under the evidence is full from the moment on at which the database's copy was asked for."""
    write = Disk.write

    def fails(disk: Disk, descriptor: int, data: bytes) -> int:
        asked = any(operation.startswith("rds:Restore") for operation, _ in real.world.calls)
        beside = Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(real.file.parent)
        if asked and beside and not real.freed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(disk, descriptor, data)

    monkeypatch.setattr(Disk, "write", fails)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="says which file a descriptor is of")
@pytest.mark.usefixtures("full")
def test_a_drill_stops_at_a_full_disk(real: MemoryReal) -> None:
    with pytest.raises(RecordFailed, match="No space left"):
        real.walk("drill")
    changing = [operation for operation, _ in real.world.calls]
    assert changing[-1].startswith("rds:Restore"), "nothing is done after what could not be written"
    real.freed = True
    assert real.walk("drill", run_id=max(real.folders).name).outcome == "PASS"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="says which file a descriptor is of")
@pytest.mark.usefixtures("full")
def test_a_recovery_goes_on_elsewhere_on_the_operators_word_and_comes_back(real: MemoryReal) -> None:
    def free(_: object) -> Decision:
        real.freed = True
        return Decision(Act.OPEN)

    operator = real.operator({"gate connectivity": [free]})
    ending = real.walk("recovery", operator)
    assert ending.outcome == "PASS_WITH_ISSUES", ending.report
    assert [ask.expected for ask in operator.questions("type identity.tool")] == ["GO ON, RECORD ELSEWHERE"]
    run_id = Path(ending.folder).name
    assert any("on the operator's word" in each["text"] for each in real.document(run_id)["findings"])
    assert events(real, run_id)[-1].kind is Kind.ENDED
    assert [row["run_id"] for row in real.rows()] == [run_id]


@pytest.fixture
def unwritable(real: MemoryReal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The records folder, until `freed`, is on a file system that is read-only."""
    opens = Disk.open

    def refuses(disk: Disk, path: Path, flags: int, mode: int = 0o600) -> int:
        if not real.freed and flags & (os.O_WRONLY | os.O_RDWR) and path.is_relative_to(real.file.parent):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opens(disk, path, flags, mode)

    monkeypatch.setattr(Disk, "open", refuses)


@pytest.mark.usefixtures("unwritable")
def test_a_recovery_whose_records_cannot_be_written_at_all_is_recorded_later(real: MemoryReal) -> None:
    with pytest.raises(RecordFailed, match="NOT RECORDED"):
        real.walk("recovery")
    (private,) = (real.root / "laptop" / "runs").iterdir()
    assert events_of(private / "record")[-1].kind is Kind.ENDED
    real.freed = True
    assert completing.complete(real.home(), real.platform).troubles == []
    (row,) = real.rows()
    assert (row["run_id"], row["mode"]) == (private.name, "RECOVERY")
    assert (real.folders[-1] / "SHA256SUMS").exists()
    assert not private.exists()


@pytest.mark.usefixtures("unwritable")
def test_a_recovery_that_ended_elsewhere_and_was_killed_before_its_seal_is_recorded_later(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(session, "record", lambda *_, **__: die(_))
        with pytest.raises(Killed):
            real.walk("recovery")
    (private,) = (real.root / "laptop" / "runs").iterdir()
    archive = private / "vault-backup.snap"
    archive.write_bytes(b"what was downloaded is no evidence")
    real.freed = True
    assert completing.complete(real.home(), real.platform).troubles == []
    (row,) = real.rows()
    assert (row["run_id"], row["mode"]) == (private.name, "RECOVERY")
    assert not (real.folders[-1] / archive.name).exists()
    assert archive.exists()


@pytest.mark.usefixtures("unwritable")
def test_a_drill_does_not_begin_where_nothing_can_be_recorded(real: MemoryReal) -> None:
    with pytest.raises(RecordFailed, match="Read-only"):
        real.walk("drill")
    assert real.world.calls == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="says which file a descriptor is of")
@pytest.mark.usefixtures("full")
def test_a_recovery_that_went_on_elsewhere_and_was_killed_is_resumed_there(real: MemoryReal) -> None:
    with pytest.raises(Killed):
        real.walk("recovery", real.operator({"gate application": [die]}))
    real.freed = True
    run_id = max(real.folders).name
    assert real.walk("recovery", run_id=run_id).outcome == "PASS_WITH_ISSUES"
    assert events(real, run_id)[-1].kind is Kind.ENDED
    assert [each for each in (real.root / "laptop" / "runs").rglob("*") if each.is_file()] == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="says which file a descriptor is of")
@pytest.mark.usefixtures("full")
def test_a_recovery_stops_there_without_that_word(real: MemoryReal) -> None:
    with pytest.raises(RecordFailed):
        real.walk("recovery", real.operator({"type identity.tool": ["go on"]}))


# -- nobody there ---------------------------------------------------------------------------------------------------
def test_a_rehearsal_asks_nobody_and_needs_its_credentials_stored(real: MemoryReal) -> None:
    with pytest.raises(WrongUse, match="aws-access-key is not in the credential store"):
        asyncio.run(real.session("rehearsal", attended=False).walk(None))


def test_a_rehearsal_of_a_vault_with_custodians_comes_to_no_verdict(real: MemoryReal) -> None:
    real.stored = True
    real.write(**{"rehearsal.policy_exception": "the board, 2027-01-02"})
    ending = asyncio.run(real.session("rehearsal", attended=False).walk(None))
    assert ending.outcome == "INCONCLUSIVE", ending.report
    (row,) = real.rows()
    assert (row["mode"], row["mfa"]) == ("REHEARSAL", "NO")
    unclear = [each["id"] for each in real.document(row["run_id"])["steps"] if each["verdict"] == "INCONCLUSIVE"]
    assert unclear[0] == "vault.unseal"
