"""What earlier runs of this home recorded, as far as a step looks back: whose shares opened which vault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from runbook.commands.places import Home
from runbook.records.canonical import moment
from runbook.records.log_file import TrainingLog
from steps.here import EarlierRun

LOOKED_INTO = 4  # run.json is read of the newest ones only; the log's rows are all there


def earlier(home: Home, but: str) -> tuple[EarlierRun, ...]:
    """Every recorded run but that one, newest first; a damaged log or folder adds nothing and stops nothing."""
    rows = [row for row in TrainingLog(home.root).verify().rows if row["run_id"] != but and row["ended_at"]]
    newest_first = sorted(rows, key=lambda row: row["ended_at"], reverse=True)
    documents = [_document(home, row) for row in newest_first[:LOOKED_INTO]]
    unread: list[Mapping[str, Any]] = [{}] * (len(newest_first) - len(documents))
    return tuple(_run(row, document) for row, document in zip(newest_first, [*documents, *unread], strict=True))


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
    )


def _document(home: Home, row: Mapping[str, str]) -> Mapping[str, Any]:
    """The run's run.json; {} where it cannot be read."""
    try:
        document: Any = json.loads((home.folder(row["run_id"]) / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
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
