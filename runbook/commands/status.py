"""`runbook status`: when the platform was last restored and is to be again, what was run, and what is unfinished."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from runbook.commands.configured import Configured, Found, all_runs, configured_if_any
from runbook.commands.exits import ExitCode
from runbook.commands.machine import SystemClock
from runbook.commands.places import Home, home_of
from runbook.engine.errors import RecordFailed
from runbook.records.audit.evidence_rows import NAMES
from runbook.records.history import machine, reading, standing
from runbook.records.log.testlog import Domain
from runbook.views import HistoryView, RunLine


def run(arguments: argparse.Namespace) -> int:
    """Lines, or one JSON document."""
    return show(home_of(arguments), configured_if_any(arguments), as_json=arguments.json)


def show(home: Home, found: Found, *, as_json: bool) -> int:
    """How the platform stands, where one is configured; then every run, newest first, training's of this home too.

    With a configuration that cannot be used the answer is never 0: who watches this would take it for "all is well".
    """
    runs = all_runs(home, found.platform)
    if found.trouble:
        print(f"runbook: {found.trouble}", file=sys.stderr)
    now = SystemClock().now()
    view, unread = _history(found.platform, now) if found.platform else (None, False)
    if as_json:
        print(json.dumps({**_document(runs, view, now), "trouble": found.trouble or None}, indent=2))
    elif runs or not found.trouble:
        _print(runs, view, now)
    return ExitCode.WRONG_USE if found.trouble else _exit(view, unread=unread)


def _history(platform: Configured, now: datetime) -> tuple[HistoryView | None, bool]:
    """What the test log tells; the runs are shown even where it cannot be read."""
    try:
        log = reading.read(platform.compliance / NAMES[Domain.TEST])
    except RecordFailed as failure:
        print(f"runbook: {failure.sentence}", file=sys.stderr)
        return None, True
    return reading.view(log, now, platform.settings.policy().quarter_months), False


def _exit(view: HistoryView | None, *, unread: bool) -> ExitCode:
    if unread or (view and not view.sound):
        return ExitCode.NOT_RECORDED
    return ExitCode.FAIL if view and standing.overdue(view) else ExitCode.PASS


def _document(runs: Sequence[RunLine], view: HistoryView | None, now: datetime) -> dict[str, Any]:
    listed = [
        {
            "run_id": run.run_id,
            "mode": run.mode,
            "scenario": run.scenario,
            "started_at": run.started_at.isoformat(),
            "outcome": run.outcome or None,
        }
        for run in runs
    ]
    unfinished = [run.run_id for run in runs if not run.outcome]
    restoration = machine.standing(view, now) if view else None
    return {"schema": 1, "restoration": restoration, "runs": listed, "unfinished": unfinished}


def _print(runs: Sequence[RunLine], view: HistoryView | None, now: datetime) -> None:
    if view:
        print("\n".join([*standing.lines(view, now), ""]))
    if not runs:
        print("Nothing was ever run here. Begin with: runbook train")
    for run in runs:
        state = run.outcome or "UNFINISHED: runbook resume"
        print(f"{run.started_at:%Y-%m-%d %H:%M}Z  {run.mode:<9} {run.scenario:<16} {state:<17} {run.run_id}")
