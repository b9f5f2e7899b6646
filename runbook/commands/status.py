"""`runbook status`: what was run last, and what is unfinished."""

from __future__ import annotations

import argparse
import json
import sys

from runbook.commands.configured import Found, all_runs, configured_if_any
from runbook.commands.exits import ExitCode
from runbook.commands.places import Home, home_of


def run(arguments: argparse.Namespace) -> int:
    """Lines, or one JSON document."""
    return show(home_of(arguments), configured_if_any(arguments), as_json=arguments.json)


def show(home: Home, found: Found, *, as_json: bool) -> int:
    """Every run, newest first: training's of this home, and those of the configured platform."""
    runs = all_runs(home, found.platform)
    if found.trouble:
        print(f"runbook: {found.trouble}", file=sys.stderr)
    if as_json:
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
        print(
            json.dumps(
                {"schema": 1, "runs": listed, "unfinished": [run.run_id for run in runs if not run.outcome]}, indent=2
            )
        )
        return ExitCode.PASS
    if not runs:
        print("Nothing was ever run here. Begin with: runbook train")
    for run in runs:
        state = run.outcome or "UNFINISHED: runbook resume"
        print(f"{run.started_at:%Y-%m-%d %H:%M}Z  {run.mode:<9} {run.scenario:<16} {state:<17} {run.run_id}")
    return ExitCode.PASS
