"""`runbook log …`: a file an action."""

from __future__ import annotations

import argparse
import importlib


def run(arguments: argparse.Namespace) -> int:
    """Load and run the action."""
    action = importlib.import_module(f"runbook.commands.log.{arguments.action}")
    return int(action.run(arguments))
