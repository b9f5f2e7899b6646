from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.errors import RecordFailed
from runbook.engine.events import Kind
from runbook.records.evidence import sealing
from runbook.records.journal import read
from tests.records.disks import FullDisk, ShortDisk, TiredDisk
from tests.records.story import DECLARED, PROCEDURE, T0, FakeClock, Teller, document_of, journal, tell_calm

CONTRACT = (
    "schema run_id mode scenario attended environment tool_version policy started_at ended_at outcome operator witness "
    "stages steps criteria negative_controls rto rpo backups image exceptions findings created calls providers"
)


def test_the_keys_of_the_contract_are_there(calm: dict[str, Any]) -> None:
    assert set(CONTRACT.split()) <= set(calm)
    stage = {"number", "id", "result", "seconds", "machine_s", "human_s", "waiting_s", "target_s"}
    step = {"id", "kind", "verdict", "attempt", "expected", "observed", "source", "at", "ms", "reason"}
    assert all(stage <= set(each) for each in calm["stages"])
    assert all(step <= set(each) for each in calm["steps"])
    assert {"target_s", "actual_s", "from", "to", "met"} <= set(calm["rto"])
    assert calm["rpo"]["clock"] == "server"


def test_a_calm_run_says_what_happened(calm: dict[str, Any]) -> None:
    assert (calm["schema"], calm["outcome"], calm["ended_at"]) == (1, "PASS", "2027-01-15T10:00:48.000000Z")
    assert [stage["result"] for stage in calm["stages"]] == ["PASS"] * 5
    assert calm["criteria"] == {"boots": "PASS", "connects": "PASS", "decrypts": "PASS"}
    assert calm["negative_controls"] == {"sealed": "PASS", "damaged": "PASS"}
    assert calm["created"][0]["destroyed_at"] == "2027-01-15T10:00:46.000000Z"
    assert calm["calls"] == {"read": 9, "mutating": 1, "refused": 0}
    assert calm["announced"][0]["operation"] == "rds:RestoreDBInstanceFromDBSnapshot"
    assert calm["answers"][0]["question"] == "checkpoint"


def test_machine_human_and_waiting_seconds_add_up(calm: dict[str, Any]) -> None:
    for stage in calm["stages"]:
        assert stage["machine_s"] + stage["human_s"] + stage["waiting_s"] == stage["seconds"]
        assert stage["human_s"] == 4


def test_a_failed_run_keeps_what_it_reached(empty_table: dict[str, Any]) -> None:
    assert [stage["result"] for stage in empty_table["stages"]] == ["PASS", "PASS", "FAIL", "NOT_RUN", "NOT_RUN"]
    assert empty_table["outcome"] == "FAIL"
    assert empty_table["rto"]["actual_s"] is None
    assert empty_table["backups"]["database"] is None
    assert empty_table["cleanup"] == {"state": "PENDING", "at": None}
    assert "public.appointments" in empty_table["summary"]


def test_the_document_is_a_pure_fold_of_the_journal(tmp_path: Path, calm: dict[str, Any]) -> None:
    assert document_of(read(tmp_path / "calm" / "journal.jsonl")) == calm


def test_every_prefix_of_a_journal_has_a_document(tmp_path: Path, calm: dict[str, Any]) -> None:
    events = read(tmp_path / "calm" / "journal.jsonl")
    for length in range(1, len(events)):
        document = document_of(events[:length])
        assert document["outcome"] is None
        json.dumps(document, allow_nan=False)


def _told(tmp_path: Path) -> tuple[Teller, FakeClock]:
    clock = FakeClock()
    return Teller(journal(tmp_path / "told", clock), clock), clock


def test_every_attempt_is_there_in_order_and_the_last_decides(tmp_path: Path) -> None:
    teller, _ = _told(tmp_path)
    teller.say(Kind.DECLARED, **DECLARED)
    teller.say(Kind.STARTED, stage="identity")
    teller.result("identity.aws-account", "INCONCLUSIVE", "no answer")
    teller.result("identity.aws-account")
    document = document_of(tuple(teller.events))
    assert [(step["attempt"], step["verdict"]) for step in document["steps"]] == [(1, "INCONCLUSIVE"), (2, "PASS")]
    assert document["checks"]["passed"] == 1


def test_hours_in_which_nobody_was_there_count_as_waiting(tmp_path: Path) -> None:
    teller, clock = _told(tmp_path)
    teller.say(Kind.DECLARED, **DECLARED)
    teller.say(Kind.STARTED, stage="identity")
    teller.result("identity.aws-account")
    clock.pass_by(3600)
    teller.say(Kind.RESUMED, by="Pat Example", pid=1, gap_s=3600)
    teller.say(Kind.CHECKPOINT, stage="identity", decision="opened", by="Pat Example")
    stage = document_of(tuple(teller.events))["stages"][0]
    assert stage["seconds"] == 3603
    assert stage["waiting_s"] == 3601
    assert stage["machine_s"] == 2


def test_a_layer_that_fell_takes_those_above_it_along(tmp_path: Path) -> None:
    clock = FakeClock()
    told = journal(tmp_path / "told", clock)
    teller = Teller(told, clock)
    teller.say(Kind.DECLARED, **DECLARED)
    for stage in PROCEDURE.stages[:3]:
        teller.stage(stage)
    teller.say(Kind.HEARTBEAT, stage="vault", alive=False, verdict="FAIL", observed="sealed", source="vault:Health")
    results = [stage["result"] for stage in document_of(tuple(teller.events))["stages"]]
    assert results == ["PASS", "FAIL", "NOT_RUN", "NOT_RUN", "NOT_RUN"]


def test_ages_and_rpo_are_on_the_providers_clock(tmp_path: Path) -> None:
    clock = FakeClock(at=T0 + timedelta(hours=2))  # a laptop two hours ahead
    told = journal(tmp_path / "told", clock)
    events = tell_calm(told, clock)
    ahead = [
        event if event.step != "identity.aws-account" else _with_offset(event, 2 * 3600 * 1000) for event in events
    ]
    document = document_of(tuple(ahead))
    assert (document["rpo"]["actual_s"], document["rpo"]["to"]) == (3600, "2027-01-15T10:00:00.000000Z")
    assert document["backups"]["database"]["age_s"] == 2700
    assert document["rto"]["actual_s"] == 39


def _with_offset(event: Any, ms: int) -> Any:
    from dataclasses import replace

    facts = {**event.data["facts"], "ClockOffset": {"ms": ms}}
    return replace(event, data={**event.data, "facts": facts})


def test_data_from_the_future_gives_no_figure(tmp_path: Path) -> None:
    clock = FakeClock(at=T0 - timedelta(days=1))  # a laptop a day slow, and no offset known
    told = journal(tmp_path / "told", clock)
    document = document_of(tell_calm(told, clock))
    assert document["rpo"]["actual_s"] is None
    assert document["backups"]["vault"]["age_s"] is None


@pytest.mark.parametrize(("target", "met"), [(39, "YES"), (38, "NO"), (None, "NOT_SET")])
def test_a_target_is_met_or_not_and_never_met_when_not_set(tmp_path: Path, target: int | None, met: str) -> None:
    clock = FakeClock()
    told = journal(tmp_path / "told", clock)
    events = tell_calm(told, clock, {**DECLARED, "targets": {"rto_s": target, "rpo_s": None}})
    assert document_of(events)["rto"]["met"] == met


def test_a_stage_has_the_budget_that_was_declared_for_it(tmp_path: Path) -> None:
    clock = FakeClock()
    targets = {"rto_s": 1, "rpo_s": None, "stages": {"identity_s": None, "vault_s": 1}}
    stages = document_of(tell_calm(journal(tmp_path / "told", clock), clock, {**DECLARED, "targets": targets}))[
        "stages"
    ]
    assert {stage["id"]: stage["target_s"] for stage in stages} == dict.fromkeys(
        ["identity", "database", "application", "connectivity"]
    ) | {"vault": 1}
    assert [stage["result"] for stage in stages] == ["PASS"] * 5  # it took longer: of no verdict's concern


def test_run_json_is_whole_or_old(tmp_path: Path, calm: dict[str, Any]) -> None:
    sealing.write_document(tmp_path, {"old": True})
    full, short, tired = FullDisk(), ShortDisk(), TiredDisk()
    full.full, short.room, tired.tired = True, 50, True
    for disk in (full, short, tired):
        with pytest.raises(RecordFailed, match=r"run\.json could not be"):
            sealing.write_document(tmp_path, calm, disk=disk)
        assert json.loads((tmp_path / "run.json").read_text()) == {"old": True}
        assert not list(tmp_path.glob(".run.json*"))
    sealing.write_document(tmp_path, calm)
    assert json.loads((tmp_path / "run.json").read_text("utf-8")) == calm


def test_the_seal_covers_every_file_and_names_itself(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "raw").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "raw" / "a.txt").write_text("x")
    digest = sealing.seal(folder)
    sums = (folder / "SHA256SUMS").read_bytes()
    assert digest == "sha256:" + hashlib.sha256(sums).hexdigest()
    assert [line.split("  ")[1] for line in sums.decode().splitlines()] == ["raw/a.txt", "run.json"]
    assert sealing.seal(folder) == digest, "sealing twice covers the same files"
    tool = ["shasum", "-a", "256"] if sys.platform == "darwin" else ["sha256sum"]
    checked = subprocess.run([*tool, "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=False)
    assert checked.returncode == 0


def test_evidence_that_points_elsewhere_is_not_sealed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "report.md").symlink_to("/etc/hosts")
    with pytest.raises(RecordFailed, match=r"report\.md in the evidence is a link"):
        sealing.seal(folder)
