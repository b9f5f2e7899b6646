"""`runbook status`: what was run last, and what is unfinished."""

from __future__ import annotations

import argparse
import json

from runbook.commands.exits import ExitCode
from runbook.commands.places import Home, home_of


def run(arguments: argparse.Namespace) -> int:
    """Lines, or one JSON document."""
    return show(home_of(arguments), as_json=arguments.json)


def show(home: Home, *, as_json: bool) -> int:
    """Every training run of this home, newest first."""
    runs = home.runs()
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
        print(json.dumps({"schema": 1, "runs": listed, "unfinished": list(home.unfinished())}, indent=2))
        return ExitCode.PASS
    if not runs:
        print("Nothing was ever run here. Begin with: runbook train")
    for run in runs:
        state = run.outcome or "UNFINISHED: runbook resume"
        print(f"{run.started_at:%Y-%m-%d %H:%M}Z  {run.mode:<9} {run.scenario:<16} {state:<17} {run.run_id}")
    return ExitCode.PASS
