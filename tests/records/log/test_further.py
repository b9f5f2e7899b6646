"""What may follow a run's row, and who may say it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

import pytest

from runbook.engine.errors import RecordFailed, Refused
from runbook.records.log.folding import Told, told
from runbook.records.log.further import CORRECTABLE, KINDS, OWN, SIGNING
from runbook.records.log.logs import Recorded, TestLog, TrainingLog
from runbook.records.log.testlog import COLUMNS, Domain, line, sealed
from runbook.records.log.verdicts import LogVerdict
from tests.records.real_runs import DIGEST, told_of_one_left
from tests.records.story import document_of

AT = datetime(2027, 1, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def left(tmp_path: Path) -> dict[str, Any]:
    """run.json of a drill whose instance could not be deleted."""
    return document_of(told_of_one_left(tmp_path / "left"))


@pytest.fixture
def log(tmp_path: Path, left: dict[str, Any]) -> TestLog:
    """A log in which that run is recorded."""
    made = TestLog(tmp_path / "compliance", tmp_path / "pending")
    made.record(left, evidence_path="evidence/run", evidence_digest=DIGEST)
    return made


@pytest.fixture
def run_id(left: dict[str, Any]) -> str:
    return str(left["run_id"])


class _Proof(TypedDict):
    own: str
    evidence_path: str
    evidence_digest: str


def _proof(own: str) -> _Proof:
    return _Proof(own=own, evidence_path=f"evidence/{own}", evidence_digest="sha256:" + "11" * 32)


def _sign(
    log: TestLog | TrainingLog, run_id: str, name: str = "Robin Board", decision: str = "SIGNED", at: datetime = AT
) -> Recorded:
    return log.sign(run_id, decision=decision, name=name, at=at, **_proof(log.next_name(run_id, "signoff")))


def _correct(log: TestLog | TrainingLog, run_id: str, **changes: str) -> Recorded:
    return log.correct(run_id, changes, **_proof(log.next_name(run_id, "amendment")))


def _clean(log: TestLog, document: dict[str, Any]) -> Recorded:
    findings = [{**each, "status": "CLOSED"} for each in document["findings"]]
    gone = {"cleanup": {"state": "DONE", "at": "2027-01-16T08:00:00Z"}, "findings": findings, "summary": "It is gone."}
    own = log.next_name(document["run_id"], "cleanup")
    return log.amend(document["run_id"], {**document, **gone}, **_proof(own))


def _only(log: TestLog | TrainingLog) -> Told:
    (one,) = told(log.verify().rows)
    return one


# -- sign-off ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("decision", ["SIGNED", "DECLINED"])
def test_a_sign_off_is_a_row_of_its_own_that_tells_the_whole_run(log: TestLog, run_id: str, decision: str) -> None:
    signed = _sign(log, run_id, decision=decision)
    run, row = log.verify().rows
    assert (signed.row, row["run_id"], row["record_type"], row["refers_to"]) == (
        2,
        f"{run_id}.signoff-1",
        "SIGNOFF",
        run_id,
    )
    assert (row["signoff"], row["signoff_name"], row["signed_at"]) == (decision, "Robin Board", "2027-01-20T09:00:00Z")
    assert run["signoff"] == "PENDING", "no row is ever changed"
    assert {name for name in COLUMNS if run[name] != row[name]} <= SIGNING.may_change | OWN
    assert log.verify().verdict is LogVerdict.OK


@pytest.mark.parametrize("name", ["Pat Example", " pat   EXAMPLE ", "\uff30at Example", "Pat\u200b Example"])
@pytest.mark.parametrize("decision", ["SIGNED", "DECLINED"])
def test_the_operator_signs_nothing_off_and_nothing_is_kept_of_it(
    log: TestLog, run_id: str, tmp_path: Path, name: str, decision: str
) -> None:
    with pytest.raises(Refused, match=r"^Pat Example ran it: a sign-off is somebody else's$"):
        _sign(log, run_id, name=name, decision=decision)
    assert len(log.verify().rows) == 1
    assert not (tmp_path / "pending").exists()


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"name": ""}, "signoff is SIGNED, and nobody signed"),
        ({"name": "none"}, "signoff is SIGNED, and none signed"),
        ({"decision": "PENDING", "name": ""}, "a SIGNOFF row decides nothing"),
        ({"at": datetime(2027, 1, 15, 10, 0, 1, tzinfo=UTC)}, "it was signed off before it ended"),
    ],
)
def test_a_sign_off_that_says_nothing_is_refused(log: TestLog, run_id: str, said: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Refused, match=wrong):
        _sign(log, run_id, **said)
    assert len(log.verify().rows) == 1


def test_a_run_is_signed_once_again_only_when_something_was_corrected_or_it_was_declined(
    log: TestLog, left: dict[str, Any], run_id: str
) -> None:
    _sign(log, run_id, decision="DECLINED")
    _sign(log, run_id)
    with pytest.raises(Refused, match=r"Robin Board signed it off at 2027-01-20T09:00:00Z, and nothing was corrected"):
        _sign(log, run_id, name="Ada Second")
    assert not _only(log).signed_before_amendment
    _clean(log, left)
    assert _only(log).signed_before_amendment
    _sign(log, run_id, name="Ada Second")
    assert not _only(log).signed_before_amendment
    assert [row["run_id"].partition(".")[2] for row in log.verify().rows[1:]] == [
        "signoff-1",
        "signoff-2",
        "cleanup-1",
        "signoff-3",
    ]
    assert log.verify().verdict is LogVerdict.OK


def test_the_same_sign_off_is_recognised(log: TestLog, run_id: str) -> None:
    first, own = _sign(log, run_id), _proof(f"{run_id}.signoff-1")
    again = log.sign(run_id, decision="SIGNED", name="Robin Board", at=AT, **own)
    assert again == Recorded(2, first.row_hash, already=True, anchor=first.anchor)
    with pytest.raises(RecordFailed, match=r"has another row of .*signoff-1 already: it differs in signoff_name"):
        log.sign(run_id, decision="SIGNED", name="Ada Second", at=AT, **own)


def _sign_absent(log: TestLog) -> Recorded:
    own = _proof("drill-absent.signoff-1")
    return log.sign("drill-absent", decision="SIGNED", name="Robin Board", at=AT, **own)


def _correct_absent(log: TestLog) -> Recorded:
    return log.correct("drill-absent", {"summary": "x"}, **_proof("drill-absent.amendment-1"))


@pytest.mark.parametrize("say", [_sign_absent, _correct_absent])
def test_an_absent_run_is_neither_signed_nor_corrected_and_nothing_is_kept(
    log: TestLog, tmp_path: Path, say: Callable[[TestLog], Recorded]
) -> None:
    with pytest.raises(RecordFailed, match="drill-absent has no row in the log that a further one could refer to"):
        say(log)
    for kind in KINDS:
        with pytest.raises(RecordFailed, match=r"drill-absent has no row in restoration-test-log\.csv"):
            log.next_name("drill-absent", kind.name)
    assert not (tmp_path / "pending").exists()


def test_a_training_run_is_signed_and_corrected_alike(tmp_path: Path, calm: dict[str, Any]) -> None:
    log = TrainingLog(tmp_path)
    log.record(calm, evidence_path="training/x", evidence_digest=DIGEST)
    _sign(log, calm["run_id"])
    _correct(log, calm["run_id"], summary="A note.")
    now = _only(log).now
    assert (now["signoff"], now["summary"], now["mode"]) == ("SIGNED", "A note.", "TRAINING")
    assert (log.verify().verdict, len(log.verify().rows)) == (LogVerdict.OK, 3)


# -- correction -------------------------------------------------------------------------------------------------------
def test_a_correction_says_what_it_changes_and_keeps_what_was_said_since(
    log: TestLog, left: dict[str, Any], run_id: str
) -> None:
    _clean(log, left)
    _sign(log, run_id)
    _correct(log, run_id, witness_name="Max Witness", witness_role="auditor", dpia_ref="DPIA-13")
    run, *_, row = log.verify().rows
    assert (row["witness_name"], row["dpia_ref"]) == ("Max Witness", "DPIA-13")
    assert (row["cleanup"], row["signoff"], row["signoff_name"]) == ("DONE", "SIGNED", "Robin Board")
    assert (row["outcome"], row["record_type"], row["run_id"]) == (
        run["outcome"],
        "AMENDMENT",
        f"{run_id}.amendment-1",
    )
    assert log.verify().verdict is LogVerdict.OK


@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in CORRECTABLE])
def test_what_was_measured_is_not_corrected(log: TestLog, run_id: str, column: str) -> None:
    with pytest.raises(Refused, match=f"{column} cannot be corrected"):
        log.correct(run_id, {column: "1"}, **_proof(f"{run_id}.amendment-1"))


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"witness_name": "pat example"}, "^Pat Example ran it: a witness is somebody else$"),
        ({"witness_name": "NONE"}, "nobody is the witness, and has the role auditor"),
        ({"findings_open": "-1"}, "findings_open says '-1': a number of 0 or more was expected"),
        ({"summary": "x" * 301}, "at most 300 characters was expected"),
    ],
)
def test_a_correction_that_contradicts_the_row_is_refused_and_not_kept(
    log: TestLog, run_id: str, tmp_path: Path, changes: dict[str, str], wrong: str
) -> None:
    with pytest.raises(Refused, match=wrong):
        _correct(log, run_id, **changes)
    assert (len(log.verify().rows), (tmp_path / "pending").exists()) == (1, False)


def test_text_that_a_spreadsheet_would_run_is_kept_harmless_and_compared_as_it_was(log: TestLog, run_id: str) -> None:
    _correct(log, run_id, witness_name="=Max", summary="-\r\n=1+1")
    assert _only(log).now["witness_name"] == "'=Max"
    assert _only(log).now["summary"] == "'- =1+1"
    again = log.correct(run_id, {"witness_name": "=Max", "summary": "-\r\n=1+1"}, **_proof(f"{run_id}.amendment-1"))
    assert (again.row, again.already) == (2, True)
    _sign(log, run_id)
    assert log.verify().verdict is LogVerdict.OK


def test_a_removal_that_contradicts_itself_is_this_tool_s_defect_and_is_kept(
    log: TestLog, left: dict[str, Any], tmp_path: Path
) -> None:
    wrong = {**left, "cleanup": {"state": "DONE", "at": None}}
    with pytest.raises(
        RecordFailed, match=r"NOT RECORDED: a defect in this tool: .*cleanup is DONE, and the time of it"
    ):
        log.amend(left["run_id"], wrong, **_proof(f"{left['run_id']}.cleanup-1"))
    assert (tmp_path / "pending" / f"{left['run_id']}.cleanup-1.json").exists()
    assert len(log.verify().rows) == 1


@pytest.mark.parametrize(
    ("change", "column"),
    [({"outcome": "PASS"}, "outcome"), ({"signoff_name": "Pat Example", "operator_name": "X"}, "operator_name")],
)
def test_a_sign_off_that_was_forged_is_found_by_verify(
    log: TestLog, run_id: str, change: dict[str, str], column: str
) -> None:
    _sign(log, run_id)
    run, row = log.verify().rows
    forged = sealed({**row, **change}, run["row_hash"], Domain.TEST)
    log.path.write_bytes(line(COLUMNS) + line(run) + line(forged))
    log.path.with_suffix(".head").unlink()
    judged = log.verify()
    assert judged.verdict is LogVerdict.ROW_ALTERED
    assert any(f"it changes {column}" in each.sentence for each in judged.problems)
