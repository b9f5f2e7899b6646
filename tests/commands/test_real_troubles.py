"""Whatever is wrong with earlier records stands in no new run's way, and nothing of them is lost."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from runbook.commands.real import completing, leftovers
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.records.journal import Journal
from runbook.records.remote_lock import RemoteLock
from tests.commands.memory_real import MemoryReal
from tests.commands.test_real_sessions import Killed, die, killed_at
from tests.support.operator import abort


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryReal:
    for name in ("AWS_ENDPOINT_URL", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)
    return MemoryReal(tmp_path, monkeypatch)


def log_of(real: MemoryReal) -> Path:
    return real.file.parent / "compliance" / "restoration-test-log.csv"


def completed(real: MemoryReal) -> completing.Completed:
    return completing.complete(real.home(), real.platform)


# -- what is wrong with earlier records -----------------------------------------------------------------------------
def test_a_damaged_log_keeps_nobody_from_restoring_and_every_row_waits(real: MemoryReal) -> None:
    real.walk("drill")
    whole = log_of(real).read_bytes()
    log_of(real).write_bytes(whole.replace(b'"DRILL"', b'"RECOVERY"'))
    for _ in range(2):
        with pytest.raises(RecordFailed, match="NOT RECORDED"):
            real.walk("recovery")
    assert len(list(real.home().pending.iterdir())) == 2
    log_of(real).write_bytes(whole)
    assert completed(real).troubles == []
    assert [row["mode"] for row in real.rows()] == ["DRILL", "RECOVERY", "RECOVERY"]


def test_a_time_that_a_spreadsheet_rewrote_adds_no_history_and_stops_nothing(real: MemoryReal) -> None:
    real.walk("drill")
    ended = real.rows()[0]["ended_at"]
    log_of(real).write_bytes(log_of(real).read_bytes().replace(ended.encode(), b"15/01/2027 10:00"))
    with pytest.raises(RecordFailed, match="NOT RECORDED"):
        real.walk("recovery")


def test_an_old_journal_that_is_damaged_is_told_and_passed_over(real: MemoryReal) -> None:
    real.walk("drill")
    path = real.folders[0] / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Bob", 1))
    done = completed(real)
    assert [trouble.partition(":")[0] for trouble in done.troubles] == [real.folders[0].name]
    real.walk("recovery")
    assert real.rows()[-1]["mode"] == "RECOVERY"


# -- evidence that was kept on this machine ------------------------------------------------------------------------
def kept_here(real: MemoryReal) -> tuple[Path, Path]:
    """A recorded run's evidence as if it had been kept in the home: (there, its own place)."""
    real.walk("drill")
    place = real.folders[0]
    kept = real.home().second(place.name)
    shutil.copytree(place, kept)
    return kept, place


def test_evidence_whose_copying_was_cut_short_is_copied_whole_before_it_goes(real: MemoryReal) -> None:
    kept, place = kept_here(real)
    whole = {each.name: each.read_bytes() for each in place.iterdir()}
    for name in ("journal.jsonl", "SHA256SUMS"):  # the seal is written last
        (place / name).unlink()
    assert completed(real).troubles == []
    assert {each.name: each.read_bytes() for each in place.iterdir()} == whole
    assert not kept.exists()


def test_sealed_evidence_is_never_written_over(real: MemoryReal) -> None:
    kept, place = kept_here(real)
    (place / "report.md").write_text("another", encoding="utf-8")
    assert "other content" in completed(real).troubles[0]
    assert kept.exists()
    assert (place / "report.md").read_text(encoding="utf-8") == "another"


def test_evidence_of_another_platform_stays_where_it_is(real: MemoryReal) -> None:
    kept, place = kept_here(real)
    shutil.rmtree(place)
    real.write(**{"platform.name": "Another Clinic"})
    assert completed(real).troubles == []
    assert kept.exists()
    assert not place.exists()


def test_a_place_that_still_refuses_is_told(real: MemoryReal) -> None:
    kept, place = kept_here(real)
    shutil.rmtree(place.parent)
    place.parent.write_text("in the way", encoding="utf-8")
    assert any(trouble.startswith(place.name) for trouble in completed(real).troubles)
    assert kept.exists()


@pytest.mark.parametrize("content", ['{"schema": 1}', "[]", '{"stages": 3}'])
def test_a_run_whose_document_nobody_can_make_out_keeps_no_new_run_from_starting(
    real: MemoryReal, content: str
) -> None:
    real.walk("drill")
    (real.folders[0] / "run.json").write_text(content, encoding="utf-8")
    (real.file.parent / "compliance" / "restoration-test-log.csv").unlink()
    (real.file.parent / "compliance" / "restoration-test-log.head").unlink()
    (real.folders[0].parent / f"{real.folders[0].name}.cleanup-1 copy").mkdir()
    (told,) = completed(real).troubles
    assert told.startswith(real.folders[0].name)
    real.walk("recovery")
    assert real.rows()[-1]["mode"] == "RECOVERY"


def test_a_removal_that_was_killed_before_its_first_line_stops_nothing(real: MemoryReal) -> None:
    real.world.databases.refuse_deletion = True
    real.walk("drill")
    removal = real.folders[0].with_name(f"{real.folders[0].name}.cleanup-1")
    removal.mkdir()
    (removal / "journal.jsonl").write_bytes(b"")
    assert completed(real).troubles == []
    real.walk("recovery")
    assert real.rows()[-1]["mode"] == "RECOVERY"


# -- removals that were cut short -----------------------------------------------------------------------------------
def test_a_removal_that_was_killed_before_its_seal_gets_its_amendment(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.world.databases.refuse_deletion = True
    real.walk("drill")
    real.world.databases.refuse_deletion = False
    with monkeypatch.context() as dying:
        dying.setattr(leftovers, "sealed", lambda *_: die(_))
        with pytest.raises(Killed):
            real.walk("drill", real.operator({"confirm closeout.cleanup": [True]}))
    assert completed(real).troubles == []
    assert [(row["record_type"], row["cleanup"]) for row in real.rows()] == [("RUN", "FAILED"), ("AMENDMENT", "DONE")]
    assert "not destroyed" not in real.rows()[1]["summary"]


def test_who_removed_it_stands_in_the_record(real: MemoryReal) -> None:
    real.world.databases.refuse_deletion = True
    real.walk("drill")
    real.world.databases.refuse_deletion = False
    real.walk(
        "drill", real.operator({"confirm closeout.cleanup": [True]}, operator="Edsger Moreno", operator_role="SRE")
    )
    (removal,) = [each for each in real.folders if ".cleanup-" in each.name]
    assert json.loads((removal / "run.json").read_text(encoding="utf-8"))["removed_by"] == {
        "name": "Edsger Moreno",
        "role": "SRE",
    }


def test_in_production_the_platforms_name_is_typed_before_anything_is_removed(real: MemoryReal) -> None:
    declines: dict[str, list[Any]] = {"gate vault": [abort()], "confirm closeout.cleanup": [False]}
    real.walk("recovery", real.operator({**declines, "decide closeout.cleanup": [abort()]}))
    wanted: dict[str, list[Any]] = {"confirm closeout.cleanup": [True], "gate identity": [abort()]}
    close_to_it = real.operator({**wanted, "type closeout.cleanup": ["practice clinic"]})
    real.walk("recovery", close_to_it)
    assert close_to_it.questions("type closeout.cleanup")[0].expected == "Practice Clinic"
    assert [each.name for each in real.folders if ".cleanup-" in each.name] == []
    real.walk("recovery", real.operator(wanted))
    assert len([each for each in real.folders if ".cleanup-" in each.name]) == 1


# -- this process's own troubles ------------------------------------------------------------------------------------
def test_a_row_that_could_not_be_written_gives_the_environment_back_all_the_same(real: MemoryReal) -> None:
    real.walk("drill")
    log_of(real).write_bytes(log_of(real).read_bytes().replace(b'"DRILL"', b'"RECOVERY"'))
    with pytest.raises(RecordFailed):
        real.walk("drill")
    assert json.loads(real.bucket.objects["runbook/locks/staging.json"])["released"] is True


def test_the_lock_of_a_run_that_has_an_end_in_the_bucket_holds_nobody_up(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(RemoteLock, "release", lambda *_: die(_))
        with pytest.raises(Killed):
            real.walk("drill")
    assert json.loads(real.bucket.objects["runbook/locks/staging.json"])["released"] is False
    operator = real.operator()
    assert real.walk("drill", operator, machine="second").outcome == "PASS"
    assert operator.questions("type identity.aws-account") == []


def test_a_disk_that_fails_at_the_first_line_of_a_recovery_is_got_round(
    real: MemoryReal, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, failed = Journal.append, list[object]()

    def fails_once(journal: Journal, *given: Any, **more: Any) -> Any:
        if not failed:
            failed.append(journal)
            raise RecordFailed("the disk is full")
        return append(journal, *given, **more)

    monkeypatch.setattr(Journal, "append", fails_once)
    assert real.walk("recovery").outcome in {"PASS", "PASS_WITH_ISSUES"}
    (row,) = real.rows()
    assert row["mode"] == "RECOVERY"


# -- nobody there ---------------------------------------------------------------------------------------------------
def test_nobody_agrees_to_a_changed_configuration(real: MemoryReal) -> None:
    real.stored = True
    real.write(**{"rehearsal.policy_exception": "the board, 2027-01-02"})
    session = real.session("rehearsal", attended=False)
    session.subscribe(lambda said: die(said) if "vault.backup" in str(said) else None)
    with pytest.raises(Killed):
        asyncio.run(session.walk(None))
    run_id = max(real.folders).name
    real.write(**{"rehearsal.policy_exception": "the board, 2027-01-02", "canary.key": "another"})
    with pytest.raises(WrongUse, match=r"is not what the run goes by \(canary.key\)"):
        asyncio.run(real.session("rehearsal", attended=False, run_id=run_id).walk(None))


def test_a_drill_is_not_gone_on_with_by_nobody(real: MemoryReal) -> None:
    run_id = killed_at(real, "vault")
    real.stored = True
    with pytest.raises(WrongUse, match="this run is attended"):
        asyncio.run(real.session("drill", attended=False, run_id=run_id).walk(None))
