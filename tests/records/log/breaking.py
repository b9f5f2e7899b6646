"""For each rule of a row, rows that break it and no other rule: `CASES` by the rule's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runbook.records.log import formats
from runbook.records.log.row import row_of
from runbook.records.log.testlog import Row
from tests.records.real_runs import DIGEST, drill, recovery
from tests.records.story import FakeClock, document_of, journal, tell_calm, tell_empty_table

Change = Mapping[str, str]
Case = tuple[str, Change]
"""The name of a whole row of `BASES`, and what is changed of it."""


def values(document: Mapping[str, Any], **more: str) -> Row:
    """The run's row, with these changes."""
    return {**row_of(document, evidence_path="evidence/x", evidence_digest=DIGEST), **more}


def _trained(tell: Callable[..., Any], folder: Path) -> Row:
    clock = FakeClock()
    told = journal(folder, clock)
    events = tell(told, clock)
    told.close()
    return values(document_of(events))


def _signed(folder: Path) -> Row:
    own = {"record_type": "SIGNOFF", "refers_to": "drill-1", "run_id": "drill-1.signoff-1"}
    said = {"signoff": "SIGNED", "signoff_name": "Robin Board", "signed_at": "2027-01-20T09:00:00Z"}
    return {**values(drill(folder)), **own, **said}


BASES: Mapping[str, Callable[[Path], Row]] = {
    "drill": lambda folder: values(drill(folder)),
    "recovery": lambda folder: values(recovery(folder)),
    "training": lambda folder: _trained(tell_calm, folder),
    "failed": lambda folder: _trained(tell_empty_table, folder),
    "signed": _signed,
}
"""Rows that break no rule; the failed one fell in the database's stage."""

_SIGNED = {"signoff": "SIGNED", "signoff_name": "Robin Board", "signed_at": "2027-01-20T09:00:00Z"}
_ISSUES = {"outcome": "PASS_WITH_ISSUES", "exceptions": "1"}

_WORDS: Mapping[str, Case] = {
    **{column: ("failed", {column: "?"}) for column in formats.WORDS if column not in formats.FOLLOWS},
    "mode": ("drill", {"mode": "?"}),
    "providers": ("drill", {"providers": "?"}),
    "record_type": ("drill", {"record_type": "?", "refers_to": "drill-1"}),
    "s1_identity": ("failed", {"s1_identity": "?", "s2_vault": "NOT_RUN"}),
}
_FORMS: Mapping[str, tuple[Case, ...]] = {
    **{column: (("training", {column: "-1"}), ("training", {column: "1.0"})) for column in formats.FORMATS},
    "run_id": (("drill", {"run_id": "../x"}), ("drill", {"run_id": ""})),
    "log_version": (("drill", {"log_version": "2"}),),
    "started_at": (("drill", {"started_at": ""}), ("drill", {"started_at": "2027-01-15T10:00:00+00:00"})),
    "ended_at": (("drill", {"ended_at": ""}), ("drill", {"ended_at": "15/01/2027 10:00"})),
    "operator_name": (("drill", {"operator_name": ""}), ("drill", {"operator_name": " none "})),
    "account": (("drill", {"account": "012345678901"}), ("drill", {"account": "aws:12345678901"})),
    "db_backup_created_at": (("drill", {"db_backup_created_at": "2027-02-30T10:00:00Z"}),),
    "vault_backup_digest": (("drill", {"vault_backup_digest": "cd" * 32}),),
    "app_commit": (("drill", {"app_commit": "12" * 20}), ("drill", {"app_commit": "git:HEAD"})),
    "rto_target_s": (("drill", {"rto_target_s": "-1", "rto_met": "UNKNOWN"}),),
    "rpo_target_s": (("drill", {"rpo_target_s": "soon", "rpo_met": "UNKNOWN"}),),
    "clock_offset_ms": (("drill", {"clock_offset_ms": "1.5"}), ("drill", {"clock_offset_ms": "-0"})),
    "exceptions": (("failed", {"exceptions": "one"}),),
    "findings_open": (("failed", {"findings_open": ""}),),
    "summary": (("drill", {"summary": "x" * 301}),),
    "cleanup_at": (("drill", {"cleanup_at": "yesterday"}),),
    "signed_at": (("signed", {"signed_at": "2027-01-20"}),),
    "tool_version": (("drill", {"tool_version": "1.0"}),),
    "evidence_path": (
        ("drill", {"evidence_path": ""}),
        ("drill", {"evidence_path": "evidence/../../x"}),
        ("drill", {"evidence_path": "/evidence/x"}),
        ("drill", {"evidence_path": "evidence\\x"}),
    ),
    "evidence_digest": (("drill", {"evidence_digest": ""}), ("drill", {"evidence_digest": "sha256:" + "AB" * 32})),
}

CASES: Mapping[str, tuple[Case, ...]] = {
    **{f"{column} is one of its words": (case,) for column, case in _WORDS.items()},
    **{f"{column} has its form": cases for column, cases in _FORMS.items()},
    "a run refers to nothing, any other row to a run": (
        ("drill", {"refers_to": "drill-1"}),
        ("signed", {"refers_to": ""}),
    ),
    "a DRILL happens in STAGING": (("drill", {"environment": "PRODUCTION"}),),
    "a REHEARSAL happens in STAGING": (("drill", {"mode": "REHEARSAL", "environment": "PRACTICE"}),),
    "a RECOVERY happens in PRODUCTION": (("recovery", {"environment": "STAGING"}),),
    "a TRAINING happens in PRACTICE": (("training", {"environment": "STAGING"}),),
    "a training has providers of this machine": (("training", {"providers": "REAL"}),),
    "the quarter is that of the start": (("drill", {"quarter": "2027-Q2"}), ("drill", {"quarter": ""})),
    "it ends after it starts": (("drill", {"ended_at": "2027-01-15T09:59:59Z"}),),
    "the witness is not the operator": (
        ("drill", {"witness_name": " pat  EXAMPLE"}),
        ("drill", {"witness_name": "\uff30at Ex\u200bample"}),
    ),
    "nobody has no role": (("drill", {"witness_name": "NONE"}), ("drill", {"witness_name": ""})),
    "the signer is not the operator": (
        ("signed", {"signoff_name": "Pat Example"}),
        ("signed", {"signoff_name": "PAT\u00a0Example", "signoff": "DECLINED"}),
    ),
    "a decision has a name, and no name is without one": (
        ("signed", {"signoff_name": ""}),
        ("signed", {"signoff_name": "None", "signoff": "DECLINED"}),
        ("drill", {"signoff_name": "Robin Board"}),
    ),
    "a decision has a time, and no time is without one": (
        ("signed", {"signed_at": ""}),
        ("drill", {"signed_at": "2027-01-20T09:00:00Z"}),
    ),
    "it is signed off after it ended": (("signed", {"signed_at": "2027-01-15T10:00:01Z"}),),
    "a sign-off decides": (("signed", {"signoff": "PENDING", "signoff_name": "", "signed_at": ""}),),
    "a run's own row is not signed off": (("drill", _SIGNED), ("training", {**_SIGNED, "signoff": "DECLINED"})),
    "a sign-off waits, but for a training": (
        ("drill", {"signoff": "NOT_NEEDED"}),
        ("training", {"signoff": "PENDING"}),
    ),
    "a good outcome needs c1_app_boots": (
        ("drill", {"c1_app_boots": "FAIL"}),
        ("drill", {**_ISSUES, "c1_app_boots": "ATTESTED"}),
    ),
    "a good outcome needs c2_db_connected": (("drill", {**_ISSUES, "c2_db_connected": "INCONCLUSIVE"}),),
    "a good outcome needs c3_sample_decrypted": (("drill", {"c3_sample_decrypted": "NOT_RUN"}),),
    "a PASS needs passed stages": (("drill", {"s5_connectivity": "FAIL"}), ("drill", {"s5_connectivity": "NOT_RUN"})),
    "a PASS needs passed negative controls": (("drill", {"negative_controls": "FAIL"}),),
    "a PASS needs no exceptions": (("drill", {"exceptions": "1"}),),
    "a PASS needs no open findings": (("drill", {"findings_open": "2"}),),
    "a PASS needs a finished cleanup": (("drill", {"cleanup": "FAILED", "cleanup_at": ""}),),
    "a PASS needs no missed time target": (("drill", {"rto_target_s": "10", "rto_met": "NO"}),),
    "a PASS needs no missed data target": (("drill", {"rpo_target_s": "10", "rpo_met": "NO"}),),
    "what nothing stands against is a PASS": (
        ("drill", {"outcome": "PASS_WITH_ISSUES"}),
        ("drill", {"outcome": "FAIL"}),
        ("drill", {"outcome": "FAIL", "cleanup": "NOT_NEEDED", "cleanup_at": ""}),
    ),
    "a stage that was passed has all before it passed": (
        ("failed", {"s4_application": "PASS"}),
        ("recovery", {**_ISSUES, "s3_database": "NOT_RUN", "s4_application": "ACCEPTED"}),
        ("drill", {**_ISSUES, "s1_identity": "FAIL"}),
    ),
    "a failure is accepted in a recovery only": (("drill", {**_ISSUES, "s3_database": "ACCEPTED"}),),
    "what is ACCEPTED is excepted": (("recovery", {**_ISSUES, "exceptions": "0", "s3_database": "ACCEPTED"}),),
    "what is ATTESTED is excepted": (("drill", {**_ISSUES, "exceptions": "0", "s3_database": "ATTESTED"}),),
    "rto_met follows from target and figure": (
        ("drill", {"rto_met": "YES"}),
        ("drill", {"rto_target_s": "10", "rto_met": "YES"}),
        ("drill", {"rto_target_s": "9999", "rto_met": "UNKNOWN"}),
        ("failed", {"rto_target_s": "10", "rto_met": "NO"}),
    ),
    "rpo_met follows from target and figure": (
        ("drill", {"rpo_met": "YES"}),
        ("failed", {"rpo_target_s": "9999", "rpo_actual_s": "9998", "rpo_met": "NO"}),
        ("drill", {"rpo_target_s": "9999", "rpo_actual_s": "", "rpo_met": "YES"}),
    ),
    "no more checks passed than there are": (("drill", {"checks_passed": "10", "checks_total": "9"}),),
    "people took no longer than the stages": (("drill", {"human_wait_s": "9999"}),),
    "what is said of a db backup has its id": (("drill", {"db_backup_id": ""}),),
    "what is said of a vault backup has its id": (("drill", {"vault_backup_id": ""}),),
    "a db backup's age is since a time": (("drill", {"db_backup_created_at": ""}),),
    "a vault backup's age is since a time": (("drill", {"vault_backup_created_at": ""}),),
    "image, commit and level are of equally many images": (
        ("drill", {"image_level": "B;B"}),
        ("drill", {"app_image": "a;b", "app_commit": ";"}),
    ),
    "a cleanup that is done has a time, any other none": (
        ("drill", {"cleanup_at": ""}),
        ("drill", {"cleanup": "NOT_NEEDED"}),
    ),
}
