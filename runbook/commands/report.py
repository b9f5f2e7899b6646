"""`runbook report RUN`: what a run left."""

from __future__ import annotations

import argparse

from runbook.commands.configured import folder_of
from runbook.commands.exits import ExitCode
from runbook.engine.errors import WrongUse

_FILES = {"md": "report.md", "json": "run.json"}


def run(arguments: argparse.Namespace) -> int:
    """Print it, or write it to a file."""
    path = folder_of(arguments, arguments.run) / _FILES[arguments.format]
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WrongUse(f"{arguments.run} left no {path.name}", fix="runbook status lists the runs.") from error
    if arguments.output is None:
        print(text, end="")
    else:
        arguments.output.write_text(text, encoding="utf-8")
    return ExitCode.PASS
