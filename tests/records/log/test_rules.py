"""Each cross-field rule of the log, and a row that breaks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook.records.log.row import row_of
from runbook.records.log.rules import asks_for_a_repeat, contradictions, counts_as_quarterly
from tests.records.real_runs import recovery


def _values(document: dict[str, Any], **more: str) -> dict[str, str]:
    return {**row_of(document, evidence_path="x", evidence_digest="sha256:" + "00" * 32), **more}


def test_what_the_runs_really_say_holds_together(calm: dict[str, Any], empty_table: dict[str, Any]) -> None:
    assert contradictions(_values(calm)) == ()
    assert contradictions(_values(empty_table)) == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"c1_app_boots": "FAIL"}, "PASS although c1_app_boots is FAIL"),
        ({"c3_sample_decrypted": "NOT_RUN"}, "PASS although c3_sample_decrypted is NOT_RUN"),
        ({"s4_application": "ATTESTED"}, "PASS although s4_application is ATTESTED"),
        ({"negative_controls": "FAIL"}, "PASS although negative_controls is FAIL"),
        ({"exceptions": "1"}, "PASS although exceptions is 1"),
        ({"findings_open": "2"}, "PASS although findings_open is 2"),
        ({"cleanup": "PENDING"}, "PASS although cleanup is PENDING"),
        ({"rto_target_s": "10", "rto_met": "NO"}, "PASS although rto_met is NO"),
        ({"rpo_target_s": "10", "rpo_met": "NO"}, "PASS although rpo_met is NO"),
        ({"outcome": "PASS_WITH_ISSUES"}, "nothing in the row stands against PASS"),
        ({"outcome": "PASS_WITH_ISSUES", "c2_db_connected": "NOT_RUN"}, "PASS_WITH_ISSUES although c2_db_connected"),
        ({"s2_vault": "FAIL"}, "s3_database is PASS although s2_vault is FAIL"),
        ({"mode": "DRILL"}, "a DRILL happens in STAGING, not in PRACTICE"),
        ({"mode": "REHEARSAL", "environment": "PRODUCTION"}, "a REHEARSAL happens in STAGING"),
        ({"mode": "RECOVERY", "environment": "STAGING"}, "a RECOVERY happens in PRODUCTION, not in STAGING"),
        ({"environment": "STAGING"}, "TRAINING and PRACTICE belong together"),
        ({"s3_database": "ACCEPTED"}, "s3_database is ACCEPTED in a TRAINING"),
        ({"s3_database": "ACCEPTED"}, "PASS although s3_database is ACCEPTED"),
        ({"mode": "RECOVERY", "s3_database": "ACCEPTED"}, "s3_database is ACCEPTED without an exception"),
        ({"s3_database": "ATTESTED"}, "s3_database is ATTESTED without an exception"),
        ({"s3_database": "NOT_RUN", "s4_application": "ACCEPTED"}, "ACCEPTED although s3_database is NOT_RUN"),
        ({"refers_to": "drill-1"}, "a RUN row refers to drill-1"),
        ({"record_type": "AMENDMENT"}, "a AMENDMENT row refers to nothing"),
        ({"witness_name": " pat EXAMPLE"}, "the witness is the operator"),
        ({"signoff": "SIGNED", "signoff_name": "Pat Example"}, "the signer is the operator"),
        ({"ended_at": "2027-01-15T09:59:59Z"}, "the run ended before it started"),
        ({"ended_at": ""}, "are times"),
        ({"quarter": "2027-Q2"}, "the quarter of"),
        ({"db_backup_age_s": "-5"}, "db_backup_age_s says '-5'"),
        ({"rto_met": "YES"}, "rto_target_s is NOT_SET and rto_met is YES"),
        ({"rto_target_s": "10", "rto_met": "YES"}, "rto_met is YES with 39 s against 10 s"),
        ({"rto_target_s": "10", "rto_met": "NO", "rto_actual_s": ""}, "without two figures"),
        ({"outcome": "GREAT"}, "outcome says 'GREAT'"),
        ({"run_id": "../x"}, "is no run id"),
    ],
)
def test_a_row_that_contradicts_itself_is_named(calm: dict[str, Any], change: dict[str, str], sentence: str) -> None:
    assert any(sentence in said for said in contradictions(_values(calm, **change)))


def test_a_missing_column_is_named(calm: dict[str, Any]) -> None:
    row = _values(calm)
    del row["scenario"]
    assert contradictions(row) == ("columns are missing: scenario",)


def test_an_accepted_stage_lets_the_later_ones_be_reached_in_a_recovery(tmp_path: Path) -> None:
    changes = {"s3_database": "ACCEPTED", "exceptions": "1", "outcome": "PASS_WITH_ISSUES"}
    assert contradictions(_values(recovery(tmp_path), **changes)) == ()


REAL_DRILL = {"record_type": "RUN", "mode": "DRILL", "providers": "REAL", "outcome": "PASS"}


@pytest.mark.parametrize(
    ("change", "counts", "repeat"),
    [
        ({}, True, False),
        ({"outcome": "PASS_WITH_ISSUES"}, True, False),
        ({"outcome": "FAIL"}, False, True),
        ({"outcome": "INCONCLUSIVE"}, False, False),
        ({"outcome": "ABORTED"}, False, False),
        ({"providers": "LOOPBACK"}, False, False),
        ({"providers": "LOOPBACK", "outcome": "FAIL"}, False, False),
        ({"mode": "REHEARSAL"}, False, False),
        ({"mode": "REHEARSAL", "outcome": "FAIL"}, False, False),
        ({"mode": "RECOVERY"}, False, False),
        ({"mode": "TRAINING"}, False, False),
        ({"record_type": "AMENDMENT"}, False, False),
        ({"record_type": "SIGNOFF"}, False, False),
    ],
)
def test_a_quarter_is_passed_by_an_attended_drill_at_the_real_providers_and_nothing_else(
    change: dict[str, str], *, counts: bool, repeat: bool
) -> None:
    row = {**REAL_DRILL, **change}
    assert (counts_as_quarterly(row), asks_for_a_repeat(row)) == (counts, repeat)
