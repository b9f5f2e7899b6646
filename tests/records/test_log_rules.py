"""Each cross-field rule of the log, and a row that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.records.log_row import row_of
from runbook.records.log_rules import contradictions


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
        ({"environment": "STAGING"}, "TRAINING and PRACTICE belong together"),
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
