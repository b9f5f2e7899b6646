"""A run's row of the test log, taken from its run.json and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook.records.canonical import moment, second
from runbook.records.log.testlog import LOG_VERSION, STAGE_COLUMNS, Row

SUMMARY_LENGTH = 300
_ENVIRONMENTS = {"practice": "PRACTICE", "staging": "STAGING", "production": "PRODUCTION"}


def row_of(document: Mapping[str, Any], *, evidence_path: str, evidence_digest: str) -> Row:
    """Every column but `prev_hash` and `row_hash`.

    `evidence_path` is relative to the log's folder, POSIX; `evidence_digest` is `sha256:…` of its SHA256SUMS.
    """
    return {
        **_run(document),
        **_people(document),
        **_backups(document),
        **_results(document),
        **_objectives(document),
        **_aftermath(document),
        "policy_ref": " ".join(filter(None, (_of(document, "policy", "ref"), _of(document, "policy", "sha256")))),
        "evidence_refs": ";".join(document.get("evidence_refs", ())),
        "tool_version": f"runbook {document['tool_version']}",
        "evidence_path": evidence_path,
        "evidence_digest": evidence_digest,
    }


def _run(document: Mapping[str, Any]) -> dict[str, str]:
    started = moment(document["started_at"])
    environment = document["environment"]
    return {
        "log_version": str(LOG_VERSION),
        "run_id": document["run_id"],
        "record_type": "RUN",
        "refers_to": "",
        "mode": document["mode"].upper(),
        "quarter": f"{started.year}-Q{(started.month + 2) // 3}",
        "started_at": second(started),
        "ended_at": _time(document["ended_at"]),
        "outcome": _text(document["outcome"]),
        "scenario": _text(document["scenario"]),
        "environment": _ENVIRONMENTS.get(environment, environment.upper()),
        "region": _text(document.get("region")),
        "providers": document["providers"],
    }


def _people(document: Mapping[str, Any]) -> dict[str, str]:
    account = _of(document, "signed_in_as", "account")
    return {
        "operator_name": _of(document, "operator", "name"),
        "operator_role": _of(document, "operator", "role"),
        "operator_identity": _of(document, "signed_in_as", "arn"),
        "mfa": document["mfa"],
        "witness_name": _of(document, "witness", "name") or "NONE",
        "witness_role": _of(document, "witness", "role") or "NONE",
        "account": f"aws:{account}" if account else "",
    }


def _backups(document: Mapping[str, Any]) -> dict[str, str]:
    database, vault = document["backups"]["database"] or {}, document["backups"]["vault"] or {}
    return {
        "db_backup_id": _text(database.get("id")),
        "db_backup_created_at": _time(database.get("created_at")),
        "db_backup_age_s": _text(database.get("age_s")),
        "db_restore_method": _text(database.get("method")),
        "db_data_until": _time(database.get("data_until")),
        "vault_backup_id": _text(vault.get("id")),
        "vault_backup_created_at": _time(vault.get("created_at")),
        "vault_backup_age_s": _text(vault.get("age_s")),
        "vault_backup_digest": _text(vault.get("digest")),
        "vault_seal": _text(vault.get("seal")),
        "share_labels": ";".join(vault.get("share_labels", ())),
        **_images(document),
    }


def _images(document: Mapping[str, Any]) -> dict[str, str]:
    """Several images stand in one field, in the same order in each column."""
    images = document["images"]
    columns = {"app_image": "ref", "app_commit": "commit", "image_level": "level"}
    return {column: ";".join(_text(image[name]) for image in images) for column, name in columns.items()}


def _results(document: Mapping[str, Any]) -> dict[str, str]:
    by_number = {stage["number"]: stage for stage in document["stages"]}
    criteria = document["criteria"]
    row = {}
    for number, column in enumerate(STAGE_COLUMNS, start=1):
        stage = by_number.get(number, {"result": "NOT_RUN", "seconds": 0})
        row[column] = stage["result"]
        row[f"s{number}_s"] = str(stage["seconds"])
    return row | {
        "c1_app_boots": criteria.get("boots", "NOT_RUN"),
        "c2_db_connected": criteria.get("connects", "NOT_RUN"),
        "c3_sample_decrypted": criteria.get("decrypts", "NOT_RUN"),
        "negative_controls": _together(document["negative_controls"]),
        "checks_passed": str(document["checks"]["passed"]),
        "checks_total": str(document["checks"]["total"]),
    }


def _together(controls: Mapping[str, str]) -> str:
    """One word for all negative controls: the worst; one that this estate does not have does not count."""
    said = {verdict for verdict in controls.values() if verdict != "NOT_NEEDED"}
    for worst in ("FAIL", "INCONCLUSIVE", "NOT_RUN", "ATTESTED"):
        if worst in said:
            return worst
    return "PASS" if said else "NOT_RUN"


def _objectives(document: Mapping[str, Any]) -> dict[str, str]:
    rto, rpo = document["rto"], document["rpo"]
    return {
        "rto_target_s": _target(rto["target_s"]),
        "rto_actual_s": _text(rto["actual_s"]),
        "criteria_s": _text(rto.get("criteria_s")),
        "rto_met": rto["met"],
        "human_wait_s": str(sum(stage["human_s"] for stage in document["stages"])),
        "rpo_target_s": _target(rpo["target_s"]),
        "rpo_actual_s": _text(rpo["actual_s"]),
        "rpo_met": rpo["met"],
        "clock_offset_ms": _text(document.get("clock_offset_ms")),
    }


def _aftermath(document: Mapping[str, Any]) -> dict[str, str]:
    open_findings = sum(finding["status"] == "OPEN" for finding in document["findings"])
    return {
        "exceptions": str(len(document["exceptions"])),
        "findings_open": str(open_findings),
        "summary": _short(document["summary"]),
        "patient_data_used": "YES" if document.get("patient_data_used") else "NO",
        "dpia_ref": _text(document.get("dpia_ref")),
        "cleanup": document["cleanup"]["state"],
        "cleanup_at": _time(document["cleanup"]["at"]),
        "signoff": "NOT_NEEDED" if document["mode"] == "training" else "PENDING",
        "signoff_name": "",
        "signed_at": "",
    }


def _of(document: Mapping[str, Any], part: str, name: str) -> str:
    return _text((document.get(part) or {}).get(name))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _time(text: str | None) -> str:
    return second(moment(text)) if text else ""


def _target(seconds: int | None) -> str:
    return "NOT_SET" if seconds is None else str(seconds)


def _short(text: str) -> str:
    return text if len(text) <= SUMMARY_LENGTH else text[: SUMMARY_LENGTH - 1] + "…"
