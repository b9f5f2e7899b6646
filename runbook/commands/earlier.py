"""What earlier runs of this home recorded, as far as a step looks back: whose shares opened which vault."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from runbook.commands.places import Shelf, removals
from runbook.engine.errors import RecordFailed, WrongUse
from runbook.engine.verdict import Finding
from runbook.records.canonical import moment
from runbook.records.log.folding import Told, told
from runbook.records.log.logs import TestLog, TrainingLog
from runbook.records.signoff import findings
from steps.here import EarlierRun

LOOKED_INTO = 4  # run.json is read of the newest ones only; the log's rows are all there


def of_runs(shelf: Shelf, log: TrainingLog | TestLog, but: str) -> tuple[EarlierRun, ...]:
    """Every recorded run but that one, newest first; a damaged log or folder adds nothing and stops nothing."""
    newest_first = recorded(log, but)
    documents = [document(shelf, each.run) for each in newest_first[:LOOKED_INTO]]
    unread: list[Mapping[str, Any]] = [{}] * (len(newest_first) - len(documents))
    pairs = zip(newest_first, [*documents, *unread], strict=True)
    return tuple(_run(each, document, shelf) for each, document in pairs)


def recorded(log: TrainingLog | TestLog, but: str) -> list[Told]:
    """The log's runs but that one, newest first; none where the log is damaged."""
    try:
        runs = [each for each in told(log.verify().rows) if _counts(each.run, but)]
    except RecordFailed:
        return []
    return sorted(runs, key=lambda each: each.run["ended_at"], reverse=True)


def _counts(row: Mapping[str, str], but: str) -> bool:
    return row["run_id"] != but and _is_time(row["ended_at"])


def _is_time(text: str) -> bool:
    """A spreadsheet may have made something else of it."""
    try:
        return moment(text).tzinfo is not None
    except ValueError:
        return False


def _run(each: Told, document: Mapping[str, Any], shelf: Shelf) -> EarlierRun:
    row = each.run
    vault, restore = _part(_part(document, "backups"), "vault"), _part(document, "restore")
    return EarlierRun(
        row["run_id"],
        moment(row["ended_at"]),
        share_labels=tuple(filter(None, row["share_labels"].split(";"))),
        cluster_id=str(vault.get("cluster_id") or ""),
        rows={table: rows for table, rows in _part(restore, "rows").items() if _is_count(rows)},
        available_s=_seconds(restore, "available_s"),
        verified_s=_seconds(restore, "verified_s"),
        findings=tuple(_findings(document, shelf, each)),
    )


def _findings(document: Mapping[str, Any], shelf: Shelf, run: Told) -> Iterator[Finding]:
    """Those that are still open, with what people said of them since; one that cannot be read is left out."""
    listed = document.get("findings")
    said = [each if _is_finding(each) else {} for each in (listed if isinstance(listed, list) else ())]
    try:
        found = findings.standing({"findings": said}, shelf.root, run.amendments)
    except RecordFailed:
        found = findings.standing({"findings": said}, shelf.root, ())
    for each in found:
        if each.status == findings.OPEN:
            yield Finding(each.text, each.severity or "minor", each.owner, each.due)


def _is_finding(said: object) -> bool:
    return isinstance(said, dict) and isinstance(said.get("text"), str)


def document(shelf: Shelf, row: Mapping[str, str]) -> Mapping[str, Any]:
    """The run's run.json, as the last removal of what it left has it; {} where it cannot be read."""
    try:
        folder = shelf.folder(row["run_id"])
        newest = [each for each in (folder, *removals(folder)) if (each / "run.json").exists()][-1]
        found: Any = json.loads((newest / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, IndexError, RecursionError, WrongUse):
        return {}
    return found if isinstance(found, dict) else {}


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _seconds(restore: Mapping[str, Any], name: str) -> int | None:
    seconds = restore.get(name)
    return seconds if _is_count(seconds) else None


def _is_count(value: object) -> TypeGuard[int]:
    """What was written as `<10` is no count to compare with."""
    return isinstance(value, int) and not isinstance(value, bool)
