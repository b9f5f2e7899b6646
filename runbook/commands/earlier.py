"""What earlier runs of this home recorded, as far as a step looks back: whose shares opened which vault."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from runbook.commands.places import Shelf, removals
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.engine.verdict import Finding
from runbook.records.canonical import moment
from runbook.records.log.logs import TestLog, TrainingLog
from steps.here import EarlierRun

LOOKED_INTO = 4  # run.json is read of the newest ones only; the log's rows are all there


def of_runs(shelf: Shelf, log: TrainingLog | TestLog, but: str) -> tuple[EarlierRun, ...]:
    """Every recorded run but that one, newest first; a damaged log or folder adds nothing and stops nothing."""
    newest_first = sorted(_rows(log, but), key=lambda row: row["ended_at"], reverse=True)
    documents = [_document(shelf, row) for row in newest_first[:LOOKED_INTO]]
    unread: list[Mapping[str, Any]] = [{}] * (len(newest_first) - len(documents))
    return tuple(_run(row, document) for row, document in zip(newest_first, [*documents, *unread], strict=True))


def _rows(log: TrainingLog | TestLog, but: str) -> list[Mapping[str, str]]:
    try:
        return [row for row in log.verify().rows if _counts(row, but)]
    except RecordFailed:
        return []


def _counts(row: Mapping[str, str], but: str) -> bool:
    return row["record_type"] == "RUN" and row["run_id"] != but and _is_time(row["ended_at"])


def _is_time(text: str) -> bool:
    """A spreadsheet may have made something else of it."""
    try:
        return moment(text).tzinfo is not None
    except ValueError:
        return False


def _run(row: Mapping[str, str], document: Mapping[str, Any]) -> EarlierRun:
    vault, restore = _part(_part(document, "backups"), "vault"), _part(document, "restore")
    return EarlierRun(
        row["run_id"],
        moment(row["ended_at"]),
        share_labels=tuple(filter(None, row["share_labels"].split(";"))),
        cluster_id=str(vault.get("cluster_id") or ""),
        rows={table: rows for table, rows in _part(restore, "rows").items() if _is_count(rows)},
        available_s=_seconds(restore, "available_s"),
        verified_s=_seconds(restore, "verified_s"),
        findings=tuple(_findings(document)),
    )


def _findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Those that were open at its end; one that is not written as it should be is left out."""
    listed = document.get("findings")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("status") == "OPEN" and isinstance(each.get("text"), str):
            owner, due = (str(each.get(key) or "") for key in ("owner", "due"))
            yield Finding(each["text"], str(each.get("severity") or "minor"), owner, due)


def _document(shelf: Shelf, row: Mapping[str, str]) -> Mapping[str, Any]:
    """The run's run.json, as the last removal of what it left has it; {} where it cannot be read."""
    try:
        folder = shelf.folder(row["run_id"])
        newest = [each for each in (folder, *removals(folder)) if (each / "run.json").exists()][-1]
        document: Any = json.loads((newest / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, IndexError, WrongUse):
        return {}
    return document if isinstance(document, dict) else {}


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _seconds(restore: Mapping[str, Any], name: str) -> int | None:
    seconds = restore.get(name)
    return seconds if _is_count(seconds) else None


def _is_count(value: object) -> TypeGuard[int]:
    """What was written as `<10` is no count to compare with."""
    return isinstance(value, int) and not isinstance(value, bool)
