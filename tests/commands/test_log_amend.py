"""`runbook log amend`: a person corrects a recorded run, closes a finding or says whose it is, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runbook.commands.exits import ExitCode
from runbook.records.log.logs import TestLog
from tests.commands.recorded import DRILL, OPERATOR, TRAINING, Killed, Recorded, code_of, killed

Said = pytest.CaptureFixture[str]
OWN = f"{DRILL}.amendment-1"
BY = ("--by", "Cy Example", "--role", "director", "--because", "the minutes say so")
DUE = "2027-02-14"
OWNED = ("--owner", "Robin Board", "--due", DUE)
FINDINGS: list[dict[str, Any]] = [
    {"text": f"finding the {nth}", "severity": "minor", "owner": "", "due": "", "status": "OPEN"}
    for nth in ("first", "second", "third")
]


def _with_findings(recorded: Recorded) -> Path:
    return recorded.drill(findings=FINDINGS, outcome="PASS_WITH_ISSUES")


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(tmp_path, monkeypatch)


# -- columns ------------------------------------------------------------------------------------------------------
def test_a_column_is_corrected_by_a_further_row(recorded: Recorded, capsys: Said) -> None:
    recorded.drill()
    assert recorded.log("amend", DRILL, "--set", "dpia_ref=DPIA-13", *BY) == ExitCode.PASS
    run, row = recorded.rows()
    assert (row["record_type"], row["run_id"], row["refers_to"]) == ("AMENDMENT", OWN, DRILL)
    assert (run["dpia_ref"], row["dpia_ref"]) == ("DPIA-12", "DPIA-13")
    assert row["summary"] == (
        "Corrected by Cy Example (director): dpia_ref is DPIA-13 (was DPIA-12). Why: the minutes say so"
    )
    assert row["outcome"] == run["outcome"]
    said = capsys.readouterr().out
    assert "\ndpia_ref: DPIA-13\nsummary: Corrected by Cy Example" in said
    assert "Next: commit" in said


def test_who_what_and_why_are_sealed_beside_the_runs_evidence(recorded: Recorded) -> None:
    recorded.drill()
    recorded.log("amend", DRILL, "--set", "witness_name=Di Example", "--set", "witness_role=auditor", *BY)
    run, row = recorded.rows()
    document = recorded.document(OWN, "amendment.json")
    assert document["by"] == {"name": "Cy Example", "role": "director"}
    assert document["why"] == "the minutes say so"
    assert document["changes"]["witness_name"] == {"was": "Sam Example", "is": "Di Example"}
    assert document["changes"]["summary"] == {"was": run["summary"], "is": row["summary"]}
    assert document["amends"] == {"run_id": DRILL, "row_hash": run["row_hash"]}
    assert "witness_role" not in document["changes"]
    assert (recorded.folder(OWN) / "SHA256SUMS").is_file()


def test_a_summary_that_is_corrected_stays_as_it_was_written(recorded: Recorded) -> None:
    recorded.drill()
    recorded.log("amend", DRILL, "--set", "summary=Restored from Tuesday's backups.", *BY)
    assert recorded.rows()[1]["summary"] == "Restored from Tuesday's backups."


def test_the_sentence_of_a_correction_fits_its_column(recorded: Recorded) -> None:
    recorded.drill()
    recorded.log("amend", DRILL, "--set", f"scenario={'s' * 200}", *BY[:-1], "w" * 300)
    assert len(recorded.rows()[1]["summary"]) == 300


def test_a_second_correction_stands_on_the_first(recorded: Recorded) -> None:
    recorded.drill()
    recorded.log("amend", DRILL, "--set", "dpia_ref=DPIA-13", *BY)
    recorded.log("amend", DRILL, "--set", "scenario=The disk was lost", *BY)
    last = recorded.rows()[2]
    assert (last["run_id"], last["dpia_ref"], last["scenario"]) == (
        f"{DRILL}.amendment-2",
        "DPIA-13",
        "The disk was lost",
    )


def test_nobody_was_the_witness(recorded: Recorded) -> None:
    recorded.drill()
    gone = ("--set", "witness_name=NONE", "--set", "witness_role=NONE")
    assert recorded.log("amend", DRILL, *gone, *BY) == ExitCode.PASS
    assert recorded.rows()[1]["witness_name"] == "NONE"


def test_a_training_run_is_corrected_in_its_own_log(recorded: Recorded) -> None:
    recorded.training()
    assert recorded.log("amend", TRAINING, "--set", "scenario=calm, at noon", *BY) == ExitCode.PASS
    assert recorded.rows(TRAINING)[1]["scenario"] == "calm, at noon"
    assert not recorded.platform.compliance.exists()


def test_what_was_signed_off_before_needs_it_again(recorded: Recorded, capsys: Said) -> None:
    code = code_of(recorded.drill())
    sign = ("sign", DRILL, "--name", "Di Example", "--role", "director", "--code", code)
    recorded.log(*sign)
    recorded.log("amend", DRILL, "--set", "dpia_ref=DPIA-13", *BY)
    assert "It was signed off before this correction" in capsys.readouterr().out
    assert recorded.log(*sign) == ExitCode.PASS
    assert "corrected since" in capsys.readouterr().out
    assert [row["record_type"] for row in recorded.rows()] == ["RUN", "SIGNOFF", "AMENDMENT", "SIGNOFF"]


# -- findings -----------------------------------------------------------------------------------------------------
def test_a_finding_is_closed_with_how_that_was_verified(recorded: Recorded) -> None:
    _with_findings(recorded)
    assert recorded.log("amend", DRILL, "--close", "2", "--verified", "seen in the console", *BY) == ExitCode.PASS
    run, row = recorded.rows()
    assert (run["findings_open"], row["findings_open"], row["outcome"]) == ("3", "2", "PASS_WITH_ISSUES")
    assert row["summary"].startswith("Corrected by Cy Example (director): finding 2 closed. Why:")
    assert recorded.document(OWN, "amendment.json")["findings"] == [
        {
            "number": 2,
            "text": "finding the second",
            "was": "OPEN",
            "status": "CLOSED",
            "verified": "seen in the console",
        }
    ]


def test_what_is_closed_is_not_closed_again(recorded: Recorded, capsys: Said) -> None:
    _with_findings(recorded)
    recorded.log("amend", DRILL, "--close", "2", "--verified", "seen", *BY)
    assert recorded.log("amend", DRILL, "--close", "2", "--verified", "seen", *BY) == ExitCode.WRONG_USE
    assert "finding 2 is closed already" in capsys.readouterr().err
    both = ("--close", "1", "--close", "3", "--verified", "seen", "--verified", "heard")
    assert recorded.log("amend", DRILL, *both, *BY) == ExitCode.PASS
    assert [row["findings_open"] for row in recorded.rows()] == ["3", "2", "0"]
    said = recorded.document(f"{DRILL}.amendment-2", "amendment.json")["findings"]
    assert [(each["number"], each["verified"]) for each in said] == [(1, "seen"), (3, "heard")]


@pytest.mark.parametrize(
    "options",
    [
        ("--close", "4", "--verified", "seen"),
        ("--close", "0", "--verified", "seen"),
        ("--close", "x", "--verified", "seen"),
        ("--close", "1", "--close", "1", "--verified", "seen"),
        ("--close", "1", "--verified", "seen", "--verified", "heard"),
        ("--close", "1", "--verified", ""),
        ("--set", "dpia_ref=x", "--verified", "seen"),
        ("--assign", "4", *OWNED),
        ("--assign", "1", "--assign", "1", *OWNED),
        ("--assign", "1", "--close", "1", "--verified", "seen", *OWNED),
        ("--set", "dpia_ref=x", *OWNED),
    ],
)
def test_a_finding_is_named_once_by_its_number(recorded: Recorded, options: Sequence[str]) -> None:
    _with_findings(recorded)
    assert recorded.log("amend", DRILL, *options, *BY) == ExitCode.WRONG_USE
    assert recorded.untouched


# -- owners and due dates -----------------------------------------------------------------------------------------
def test_a_finding_gets_an_owner_and_a_date_and_stays_open(recorded: Recorded, capsys: Said) -> None:
    _with_findings(recorded)
    assert recorded.log("amend", DRILL, "--assign", "2", *OWNED, *BY) == ExitCode.PASS
    run, row = recorded.rows()
    assert (row["record_type"], run["findings_open"], row["findings_open"]) == ("AMENDMENT", "3", "3")
    assert row["summary"].startswith(f"Corrected by Cy Example (director): finding 2 is for Robin Board, due {DUE}.")
    assert recorded.document(OWN, "amendment.json")["findings"] == [
        {
            "number": 2,
            "text": "finding the second",
            "status": "OPEN",
            "owner": {"was": "", "is": "Robin Board"},
            "due": {"was": "", "is": DUE},
        }
    ]
    assert [each.owned for each in recorded.findings()] == ["", f"Robin Board, due {DUE}", ""]
    recorded.log("amend", DRILL, "--set", "dpia_ref=DPIA-13", *BY)
    assert f"2 minor, Robin Board, due {DUE}: finding the second" in capsys.readouterr().out


def test_what_is_not_given_stays_and_what_is_so_already_is_no_change(recorded: Recorded) -> None:
    _with_findings(recorded)
    both = ("amend", DRILL, "--assign", "1", "--assign", "2")
    recorded.log(*both, *OWNED, *BY)
    assert recorded.log(*both, *OWNED, *BY) == ExitCode.WRONG_USE
    assert recorded.log("amend", DRILL, "--assign", "2", "--due", "2027-03-14", *BY) == ExitCode.PASS
    assert recorded.log(*both, "--owner", "Robin Board", "--close", "3", "--verified", "seen", *BY) == ExitCode.PASS
    said = recorded.document(f"{DRILL}.amendment-3", "amendment.json")["findings"]
    assert [each["number"] for each in said] == [3]
    assert [(each.owned, each.status) for each in recorded.findings()] == [
        (f"Robin Board, due {DUE}", "OPEN"),
        ("Robin Board, due 2027-03-14", "OPEN"),
        ("", "CLOSED"),
    ]


def test_what_is_closed_gets_no_owner_any_more(recorded: Recorded, capsys: Said) -> None:
    _with_findings(recorded)
    recorded.log("amend", DRILL, "--close", "2", "--verified", "seen", *BY)
    assert recorded.log("amend", DRILL, "--assign", "2", *OWNED, *BY) == ExitCode.WRONG_USE
    assert "finding 2 is closed already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("owner", "due", "said"),
    [
        ("Bo", "2027-02-30", "--due: Write a day as YYYY-MM-DD"),
        ("Bo", "20270214", "--due: Write a day as YYYY-MM-DD"),
        ("Bo", "14/02/2027", "--due: Write a day as YYYY-MM-DD"),
        ("Bo", "2020-01-01", "--due: The run was on 2"),
        ("Bo", "", "--due: This is needed"),
        ("", DUE, "--owner: This is needed"),
        ("Bo\nEve", DUE, "--owner: Write a name of at most 120"),
        ("B" * 121, DUE, "--owner: Write a name of at most 120"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", DUE, "--owner: That looks like a secret"),
    ],
)
def test_an_owner_is_a_name_and_a_due_date_a_day_that_is_not_before_the_run(
    recorded: Recorded, capsys: Said, owner: str, due: str, said: str
) -> None:
    _with_findings(recorded)
    assert recorded.log("amend", DRILL, "--assign", "1", "--owner", owner, "--due", due, *BY) == ExitCode.WRONG_USE
    assert said in capsys.readouterr().err
    assert recorded.untouched


def test_a_finding_may_be_due_on_the_day_of_its_run(recorded: Recorded) -> None:
    _with_findings(recorded)
    day = recorded.rows()[0]["started_at"][:10]
    assert recorded.log("amend", DRILL, "--assign", "1", "--owner", "Bo", "--due", day, *BY) == ExitCode.PASS


# -- what is refused ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "given",
    [
        "outcome=PASS",
        "operator_name=Cy Example",
        "findings_open=0",
        "signoff=SIGNED",
        "run_id=x",
        "dpia_ref",
        "=x",
        "scenario=",
        "witness_name=Di Example\nCy",
        f"dpia_ref={'x' * 121}",
        f"summary={'x' * 301}",
        "dpia_ref=ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "dpia_ref=DPIA-12",
        "witness_role=NONE",
    ],
)
def test_what_a_person_may_not_correct_is_wrong_use(recorded: Recorded, given: str) -> None:
    recorded.drill()
    assert recorded.log("amend", DRILL, "--set", given, *BY) == ExitCode.WRONG_USE
    assert recorded.untouched


def test_a_column_is_set_once(recorded: Recorded) -> None:
    recorded.drill()
    assert recorded.log("amend", DRILL, "--set", "dpia_ref=1", "--set", "dpia_ref=2", *BY) == ExitCode.WRONG_USE


def test_an_operator_is_not_made_their_own_witness(recorded: Recorded, capsys: Said) -> None:
    recorded.drill()
    assert recorded.log("amend", DRILL, "--set", f"witness_name={OPERATOR}", *BY) == ExitCode.REFUSED
    assert "a witness is somebody else" in capsys.readouterr().err
    assert recorded.untouched


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ((), "--set, --close or --assign, --by, --role, --because"),
        (("--close", "1", *BY), "--verified"),
        (("--assign", "1", *BY), "--owner, --due"),
        (("--assign", "1", "--due", DUE, *BY), "--owner"),
        (("--assign", "1", "--owner", "Bo", "--by", "Cy"), "--due, --role, --because"),
        (("--set", "dpia_ref=x", "--by", "Cy"), "--role, --because"),
    ],
)
def test_without_a_terminal_every_missing_option_is_named(
    recorded: Recorded, capsys: Said, options: Sequence[str], missing: str
) -> None:
    _with_findings(recorded)
    assert recorded.log("amend", DRILL, *options) == ExitCode.WRONG_USE
    assert capsys.readouterr().err.splitlines()[0].endswith(f"are missing: {missing}")
    assert recorded.untouched


def test_a_run_that_is_not_recorded_is_wrong_use(recorded: Recorded) -> None:
    assert recorded.log("amend", DRILL, "--set", "dpia_ref=x", *BY) == ExitCode.WRONG_USE


def test_evidence_that_was_changed_is_not_corrected(recorded: Recorded, capsys: Said) -> None:
    (recorded.drill() / "report.md").unlink()
    assert recorded.log("amend", DRILL, "--set", "dpia_ref=x", *BY) == ExitCode.NOT_RECORDED
    assert "EVIDENCE_" in capsys.readouterr().err
    assert recorded.untouched


def test_a_crash_between_the_folder_and_its_row_is_passed_over(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_findings(recorded)
    close = ("amend", DRILL, "--close", "1", "--verified", "seen", *BY)
    with monkeypatch.context() as crash:
        crash.setattr(TestLog, "correct", killed)
        with pytest.raises(Killed):
            recorded.log(*close)
    assert recorded.log(*close) == ExitCode.PASS
    assert recorded.rows()[1]["run_id"] == f"{DRILL}.amendment-2"


# -- on a terminal ------------------------------------------------------------------------------------------------
KEPT = ["", "", "", ""]  # Enter at every column
LEFT = ["", "", ""]  # and at every finding


def test_on_a_terminal_it_asks_what_who_and_why(recorded: Recorded, capsys: Said) -> None:
    _with_findings(recorded)
    typed = [
        *KEPT[:3],
        "DPIA-13",
        "closed",
        "",
        "closed",
        "seen",
        "heard",
        "Cy Example",
        "director",
        "the minutes say so",
    ]
    assert recorded.log("amend", DRILL, typed="\n".join([*typed, ""])) == ExitCode.PASS
    row = recorded.rows()[1]
    assert (row["dpia_ref"], row["findings_open"], row["scenario"]) == ("DPIA-13", "1", recorded.rows()[0]["scenario"])
    assert "finding 1 closed, finding 3 closed, dpia_ref is DPIA-13" in row["summary"]
    assert "How finding 3 was verified" in capsys.readouterr().out


def test_on_a_terminal_each_open_finding_is_closed_assigned_or_left(recorded: Recorded, capsys: Said) -> None:
    _with_findings(recorded)
    wrong = ["Bo", "Bo, 2027-02-30", "Bo, 2020-01-01", f", {DUE}"]
    typed = [*KEPT, "closed", *wrong, f"Bo, of the board, {DUE}", "leave", "seen", "Cy", "director", "it was agreed"]
    assert recorded.log("amend", DRILL, typed="\n".join([*typed, ""])) == ExitCode.PASS
    assert [(each.owned, each.status) for each in recorded.findings()] == [
        ("", "CLOSED"),
        (f"Bo, of the board, due {DUE}", "OPEN"),
        ("", "OPEN"),
    ]
    said = capsys.readouterr().out
    assert said.count("Write leave, closed, or a name") == 2
    assert "The run was on 2" in said
    later = [*KEPT, "", "stop"]
    recorded.log("amend", DRILL, typed="\n".join([*later, ""]))
    assert f"    Bo, of the board, due {DUE}\n  2 minor: finding the second" in capsys.readouterr().out


def test_on_a_terminal_the_owner_and_the_date_of_a_named_finding_are_asked_for(recorded: Recorded) -> None:
    _with_findings(recorded)
    typed = ["Bo", DUE, "Cy", "director", "it was agreed"]
    assert recorded.log("amend", DRILL, "--assign", "1", typed="\n".join([*typed, ""])) == ExitCode.PASS
    typed = ["", "2027-03-14", "Cy", "director", "it was agreed"]  # Enter: whose it is
    assert recorded.log("amend", DRILL, "--assign", "1", typed="\n".join([*typed, ""])) == ExitCode.PASS
    assert recorded.findings()[0].owned == "Bo, due 2027-03-14"


@pytest.mark.parametrize(
    "typed",
    [
        ["stop"],
        [*KEPT, "stop"],
        [*KEPT, "closed", "stop"],
        [*KEPT, "closed", "", "", "stop"],
        [*KEPT, "closed", "", "", "seen", "stop"],
        [*KEPT, "closed", "", "", "seen", "Cy", "stop"],
        [*KEPT, *LEFT, "Cy", "director", "nothing to say"],
    ],
)
def test_stopping_or_changing_nothing_writes_nothing(recorded: Recorded, typed: list[str]) -> None:
    _with_findings(recorded)
    assert recorded.log("amend", DRILL, typed="\n".join([*typed, ""])) == ExitCode.WRONG_USE
    assert recorded.untouched
