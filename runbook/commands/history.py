"""What earlier runs of this home recorded, as far as a step looks back: whose shares opened which vault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runbook.commands.places import Home
from runbook.records.canonical import moment
from runbook.records.log_file import TrainingLog
from steps.here import EarlierRun

LOOKED_INTO = 4  # run.json is read of the newest ones only; the log's rows are all there


def earlier(home: Home, but: str) -> tuple[EarlierRun, ...]:
    """Every recorded run but that one, newest first; a damaged log or folder adds nothing and stops nothing."""
    rows = [row for row in TrainingLog(home.root).verify().rows if row["run_id"] != but and row["ended_at"]]
    newest_first = sorted(rows, key=lambda row: row["ended_at"], reverse=True)
    clusters = [_cluster(home, row) for row in newest_first[:LOOKED_INTO]]
    unread = [""] * (len(newest_first) - len(clusters))
    return tuple(_run(row, cluster) for row, cluster in zip(newest_first, [*clusters, *unread], strict=True))


def _run(row: Mapping[str, str], cluster: str) -> EarlierRun:
    labels = tuple(filter(None, row["share_labels"].split(";")))
    return EarlierRun(row["run_id"], moment(row["ended_at"]), labels, cluster)


def _cluster(home: Home, row: Mapping[str, str]) -> str:
    """The vault that the run restored, as its run.json says; "" where it does not."""
    try:
        document: Any = json.loads((home.folder(row["run_id"]) / "run.json").read_text(encoding="utf-8"))
        backup = document["backups"]["vault"] or {}
        return str(backup.get("cluster_id") or "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""
