"""What run.json, the row and the report say of drills, rehearsals and recoveries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runbook.engine.events import Event, Kind
from runbook.engine.run import replay
from runbook.records.evidence import run_json
from runbook.records.evidence.course import calls
from runbook.records.journal import Journal
from runbook.records.log.row import row_of
from runbook.records.log.rules import contradictions
from runbook.records.report import rendering
from tests.records.real_runs import DIGEST, DRILL, RECOVERY, drill, intend, recovery, told, told_of_one_left
from tests.records.story import PROCEDURE, FakeClock, Teller, document_of, journal


def _row(document: Mapping[str, Any]) -> Mapping[str, str]:
    row = row_of(document, evidence_path="evidence/x", evidence_digest=DIGEST)
    assert contradictions(row) == ()
    return row


def _tell(folder: Path, declared: Mapping[str, Any], story: Callable[[Teller], None]) -> dict[str, Any]:
    clock = FakeClock()
    recorder = journal(folder, clock)
    teller = Teller(recorder, clock)
    teller.say(Kind.DECLARED, **declared)
    story(teller)
    teller.end()
    recorder.close()
    return document_of(tuple(teller.events))


def test_a_drill_says_who_where_and_under_which_configuration(tmp_path: Path) -> None:
    document = drill(tmp_path)
    same = ("mode", "environment", "platform", "region", "witness", "dpia_ref", "evidence_refs", "configuration")
    assert {name: document[name] for name in same} == {name: DRILL[name] for name in same}
    assert document["providers"] == "REAL"
    assert _row(document)["outcome"] == "PASS"


def test_a_run_that_does_not_say_where_its_providers_are_has_not_been_to_the_real_ones(tmp_path: Path) -> None:
    events = told(tmp_path, {name: value for name, value in DRILL.items() if name != "providers"})
    assert document_of(events)["providers"] == "LOOPBACK"


def test_a_recovery_says_what_happened_and_when(tmp_path: Path) -> None:
    document = recovery(tmp_path)
    row, text = _row(document), rendering.markdown(document)
    assert (document["class"], document["incident_at"]) == ("LOSS", "2027-01-15T09:30:00Z")
    assert (row["mode"], row["environment"], row["rto_actual_s"]) == ("RECOVERY", "PRODUCTION", "1839")
    assert "- incident: LOSS, began 2027-01-15 09:30:00Z" in text
    assert "the incident's time as it was stated" in text
    assert "1 h 30 min old at the incident" in text
    assert document["summary"].startswith(
        "All five layers were restored and the three criteria shown within 30 min 39 s of the incident"
    )


def test_an_unknown_time_of_the_incident_is_said_as_that(tmp_path: Path) -> None:
    document = recovery(tmp_path, incident_at="", targets={"rto_s": 60, "rpo_s": 60})
    row = _row(document)
    assert (row["rto_met"], row["rto_actual_s"], row["rpo_met"], row["rpo_actual_s"]) == ("UNKNOWN", "", "UNKNOWN", "")
    assert "began not known" in rendering.markdown(document)


# -- what a recovery keeps, and what a run leaves -----------------------------------------------------------------
def _kept(teller: Teller) -> None:
    for stage in PROCEDURE.stages:
        if stage.id == "database":
            intend(teller)
            intend(teller, "file:archive", "vault-backup.snap")
        teller.stage(stage)
    one = {"kind": "rds:instance", "id": "rt-7f3a", "gone": False, "kept": True, "observed": "handed over"}
    teller.say(Kind.CLEANUP, stage="closeout", step="closeout.cleanup", **one)


def test_what_a_recovery_made_and_keeps_is_not_left_over(tmp_path: Path) -> None:
    def whole(teller: Teller) -> None:
        _kept(teller)
        gone = {"kind": "file:archive", "id": "vault-backup.snap", "gone": True, "observed": "gone"}
        teller.say(Kind.CLEANUP, stage="closeout", step="closeout.cleanup", **gone)

    document = _tell(tmp_path, RECOVERY, whole)
    instance, archive = document["created"]
    assert (instance["destroyed_at"], bool(instance["kept_at"])) == (None, True)
    assert (bool(archive["destroyed_at"]), archive["kept_at"]) == (True, None)
    assert (document["cleanup"]["state"], document["remaining"]) == ("DONE", [])
    assert _row(document)["outcome"] == "PASS"
    assert "| kept " in rendering.markdown(document)
    assert "What remains" not in rendering.markdown(document)


def test_a_recovery_that_only_keeps_needs_no_cleanup(tmp_path: Path) -> None:
    def only(teller: Teller) -> None:
        for stage in PROCEDURE.stages:
            if stage.id == "database":
                intend(teller)
            teller.stage(stage)
        one = {"kind": "rds:instance", "id": "rt-7f3a", "gone": False, "kept": True, "observed": "handed over"}
        teller.say(Kind.CLEANUP, stage="closeout", step="closeout.cleanup", **one)

    document = _tell(tmp_path, RECOVERY, only)
    assert document["cleanup"] == {"state": "NOT_NEEDED", "at": None}
    assert _row(document)["cleanup"] == "NOT_NEEDED"


def test_an_aborted_drill_says_what_remains_and_how_to_remove_it(tmp_path: Path) -> None:
    def aborted(teller: Teller) -> None:
        identity, vault, *_ = PROCEDURE.stages
        teller.stage(identity)
        teller.stage(vault)
        teller.say(Kind.STARTED, stage="database")
        intend(teller, destroy_after="2027-01-16T10:00:00Z", hourly_cost="0.34 USD")
        intend(teller, "cloudflare:record", "zone1/rec9", name="app.clinic.test", type="A", content="192.0.2.7")
        intend(teller, "some:thing", "x1")
        teller.say(Kind.CHECKPOINT, stage="database", decision="aborted", reason="the fire bell", by="Pat Example")

    document = _tell(tmp_path, DRILL, aborted)
    row, text = _row(document), rendering.markdown(document)
    assert (document["outcome"], row["cleanup"]) == ("ABORTED", "PENDING")
    assert [each["name"] for each in document["remaining"]] == ["x1", "app.clinic.test", "rt-7f3a"]
    assert "## What remains, and how to remove it" in text
    assert "aws rds delete-db-instance --db-instance-identifier rt-7f3a --skip-final-snapshot" in text
    assert "due to go after 2027-01-16T10:00:00Z; cost by the hour: 0.34 USD" in text
    assert "set app.clinic.test (zone1/rec9) back to what it was: type A, content 192.0.2.7" in text
    assert "remove x1 (x1) by its provider's console" in text
    assert "ABORTED" in row["outcome"]


def test_a_cleanup_that_the_provider_refused_is_an_issue_and_stays_open(tmp_path: Path) -> None:
    document = document_of(told_of_one_left(tmp_path))
    row = _row(document)
    assert (row["outcome"], row["cleanup"], row["findings_open"]) == ("PASS_WITH_ISSUES", "FAILED", "1")
    assert document["summary"].endswith("open: 1 finding, 1 resource not destroyed.")


# -- what two people accepted -------------------------------------------------------------------------------------
def _accepting(teller: Teller) -> None:
    identity, vault, database, *rest = PROCEDURE.stages
    teller.stage(identity)
    teller.stage(vault)
    teller.say(Kind.STARTED, stage="database")
    teller.result("database.restore", "FAIL", "public.letters: 0 rows, 412 expected")
    said = {"what": "database.restore", "why": "letters can be sent again", "who": "Pat Example"}
    teller.say(Kind.EXCEPTION, stage="database", step="database.restore", **said, second="Kim Example", accepted=True)
    teller.say(Kind.CHECKPOINT, stage=database.id, decision="opened", by="Pat Example")
    for stage in rest:
        teller.stage(stage)


def test_an_accepted_failure_stays_a_failure_with_both_names(tmp_path: Path) -> None:
    document = _tell(tmp_path, RECOVERY, _accepting)
    row, text = _row(document), rendering.markdown(document)
    assert (row["s3_database"], row["outcome"], row["exceptions"]) == ("ACCEPTED", "PASS_WITH_ISSUES", "1")
    (exception,) = document["exceptions"]
    assert (exception["second"], exception["accepted"], exception["void"]) == ("Kim Example", True, False)
    assert "## What did not come back, and was accepted" in text
    accepted = text[text.index("and was accepted") : text.index("## Exceptions")]
    for said in ("public.letters: 0 rows, 412 expected", "Pat Example", "Kim Example", "letters can be sent again"):
        assert said in accepted
    assert [step["verdict"] for step in document["steps"] if step["id"] == "database.restore"] == ["FAIL"]


def test_an_acceptance_that_was_undone_is_kept_as_void(tmp_path: Path) -> None:
    def again(teller: Teller) -> None:
        identity, vault, database, *_ = PROCEDURE.stages
        teller.stage(identity)
        teller.stage(vault)
        for _ in range(2):
            teller.result("database.restore", "FAIL", "nothing in it")
            said = {"what": "database.restore", "why": "later", "who": "Pat Example", "second": "NONE"}
            teller.say(Kind.EXCEPTION, stage="database", step="database.restore", **said, accepted=True)
        teller.stage(database)
        teller.say(Kind.CHECKPOINT, stage="database", decision="aborted", reason="enough", by="Pat Example")

    document = _tell(tmp_path, RECOVERY, again)
    assert [each["void"] for each in document["exceptions"]] == [True, True]
    assert "database.restore (void: it was done again)" in rendering.markdown(document)


# -- the course of the run ----------------------------------------------------------------------------------------
def test_pauses_and_whoever_went_on_are_in_the_record(tmp_path: Path) -> None:
    def story(teller: Teller) -> None:
        teller.stage(PROCEDURE.stages[0])
        slept: dict[str, Any] = {
            "alive": True,
            "verdict": "PASS",
            "observed": "suspended for 2,400 s",
            "source": "this machine",
        }
        teller.say(Kind.HEARTBEAT, **slept, pause="suspended", seconds=2400)
        teller.clock.pass_by(3600)
        teller.say(Kind.RESUMED, by="Kim Example", host="laptop-2", pid=7, gap_s=3601.0)
        teller.say(Kind.CHECKPOINT, stage="identity", decision="aborted", reason="enough", by="Kim Example")

    document = _tell(tmp_path, DRILL, story)
    (pause,), (handover,) = document["pauses"], document["handovers"]
    assert (pause["pause"], pause["seconds"]) == ("suspended", 2400)
    assert (handover["by"], handover["host"], handover["gap_s"]) == ("Kim Example", "laptop-2", 3601.0)
    text = rendering.markdown(document)
    assert "suspended for 2,400 s" in text
    assert "| Kim Example " in text[text.index("## Who went on with it") : text.index("## When the run stood still")]


class _Counts:
    """What an interlock counts, in a process of its own."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self) -> dict[str, int]:
        return {"read": self.read, "mutating": self.read // 2, "refused": 0}


def test_calls_of_every_process_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, clock, events = tmp_path / "journal.jsonl", FakeClock(), list[Event]()
    for pid, reads in ((11, (3, 10)), (12, (4, 6)), (13, (2,))):
        monkeypatch.setattr("runbook.records.journal.os.getpid", lambda pid=pid: pid)
        counts = _Counts()
        told = Journal.open(path, clock, calls=counts) if events else Journal.create(path, clock, calls=counts)
        teller = Teller(told, clock)
        teller.say(Kind.RESUMED, by="x", pid=pid) if events else teller.say(Kind.DECLARED, **DRILL)
        for counts.read in reads:
            teller.result("vault.backup")
        told.close()
        events += teller.events
    assert calls(events) == {"read": 18, "mutating": 9, "refused": 0}
    assert calls(events, {"read": 5, "mutating": 3, "refused": 1}) == {"read": 21, "mutating": 11, "refused": 1}
    document = run_json.document(replay(events), tuple(events), PROCEDURE, {"calls": {"read": 5, "mutating": 3}})
    assert document["calls"] == {"read": 21, "mutating": 11, "refused": 0}
    assert all("calls" not in attempt for attempt in document["steps"])


def test_a_run_that_nobody_counted_says_none(tmp_path: Path) -> None:
    assert calls(told(tmp_path)) == {"read": 0, "mutating": 0, "refused": 0}
